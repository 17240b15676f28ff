package plan

import (
	"testing"
	"time"

	"rollcall/internal/roster"
)

func TestStoriesOfNamesR22R30R31R33R34R35R36(t *testing.T) {
	tell(t, []story{
		{"R22 two newcomers with one address are both rejected", nil, []roster.Entry{row(2, "1", "u1"), row(3, "2", "u2"), row(4, "3", "u3"), row(5, "8", "u8", says(roster.Email, "x@example.org")), row(6, "9", "u9", says(roster.Email, "X@example.org"))}, []string{"E130 line 5 error", "E130 line 6 error"}},
		{"R22 an address that its holder gives up is free", nil, []roster.Entry{row(2, "1", "u1", says(roster.Email, "new@example.org")), row(3, "2", "u2", says(roster.Email, "p1@example.org")), row(4, "3", "u3")}, []string{"update 1 email=new@example.org", "update 2 email=p1@example.org"}},
		{"R22 an address that its holder keeps is a warning", nil, []roster.Entry{row(2, "1", "u1"), row(3, "2", "u2", says(roster.Email, "p1@example.org"), says(roster.City, "Ulm")), row(4, "3", "u3")}, []string{"E130 line 3 warning", "update 2 city=Ulm"}},
		{"R22 unique_email: off asks nobody", func(o *Options, _ *memory) { o.UniqueEmail = "off" }, []roster.Entry{row(2, "1", "u1"), row(3, "2", "u2", says(roster.Email, "p1@example.org")), row(4, "3", "u3")}, []string{"update 2 email=p1@example.org"}},
		{"R22 unique_email: warn applies and warns", func(o *Options, _ *memory) { o.UniqueEmail = "warn" }, []roster.Entry{row(2, "1", "u1"), row(3, "2", "u2", says(roster.Email, "p1@example.org")), row(4, "3", "u3")}, []string{"E130 line 3 warning", "update 2 email=p1@example.org"}},
		{"R22 a difference of case alone is none", nil, []roster.Entry{row(2, "1", "u1", says(roster.Email, "P1@Example.org")), row(3, "2", "u2"), row(4, "3", "u3")}, nil},
		{"R33 templates count in the order of the rows", nil, []roster.Entry{row(2, "1", "u1"), row(3, "2", "u2"), row(4, "3", "u3"), row(5, "7", "jdoe", template), row(6, "8", "jdoe", template), row(7, "9", "jdoe", template)}, []string{"add 7 jdoe", "add 8 jdoe2", "add 9 jdoe3"}},
		{"R33 on_taken: number on a given name counts too", nil, []roster.Entry{row(2, "1", "u1"), row(3, "2", "u2"), row(4, "3", "u3"), row(5, "9", "u3", number)}, []string{"add 9 u32"}},
		{"R30 but a newcomer needs one", nil, []roster.Entry{row(2, "1", "u1"), row(3, "2", "u2"), row(4, "3", "u3"), row(5, "9", "", bad("E134"))}, []string{"E134 line 5 error"}},
		{"R33 two new records that want one given name are both rejected", nil, []roster.Entry{row(2, "1", "u1"), row(3, "2", "u2"), row(4, "3", "u3"), row(5, "8", "jdoe"), row(6, "9", "jdoe")}, []string{"E303 line 5 error", "E303 line 6 error"}},
		{"R4 R33 a name that a template makes gives way to the same name given, wherever that row stands", nil, []roster.Entry{row(2, "1", "u1"), row(3, "2", "u2"), row(4, "3", "u3"), row(5, "8", "jdoe", unnumbered), row(6, "9", "jdoe")}, []string{"E303 line 5 error", "add 9 jdoe"}},
		{"R4 R33 of two newcomers for whom a template makes one name neither gets it under on_taken: reject", nil, []roster.Entry{row(2, "1", "u1"), row(3, "2", "u2"), row(4, "3", "u3"), row(5, "8", "jdoe", unnumbered), row(6, "9", "jdoe", unnumbered)}, []string{"E303 line 5 error", "E303 line 6 error"}},
		{"R31 R33 but one of whom an account is known asks for no name, and stands in nobody's way", nil, []roster.Entry{row(2, "1", "jdoe", unnumbered), row(3, "2", "u2"), row(4, "3", "u3"), row(5, "9", "jdoe", unnumbered)}, []string{"add 9 jdoe"}},
		{"R4 R33 R72 nor does one who is not added yet", func(o *Options, _ *memory) { o.Policy.CreateBefore = 24 * time.Hour }, []roster.Entry{row(2, "1", "u1"), row(3, "2", "u2"), row(4, "3", "u3"), row(5, "8", "jdoe", unnumbered, says(roster.StartsOn, "2026-12-01")), row(6, "9", "jdoe", unnumbered)}, []string{"add 9 jdoe", "skip line 5 skip"}},
		{"R4 R33 a counter takes what the given names leave, wherever they stand", nil, []roster.Entry{row(2, "1", "u1"), row(3, "2", "u2"), row(4, "3", "u3"), row(5, "7", "jdoe", template), row(6, "8", "jdoe"), row(7, "9", "jdoe2")}, []string{"add 7 jdoe3", "add 8 jdoe", "add 9 jdoe2"}},
		{"R3 R33 who gets no name, for another has it made too, stands for the account with his address", func(o *Options, _ *memory) { o.UniqueEmail = "off" }, []roster.Entry{row(2, "1", "u1"), row(3, "2", "u2"), row(5, "8", "jdoe", unnumbered, says(roster.Email, "p3@example.org"), says(roster.City, "Ulm")), row(6, "9", "jdoe", unnumbered)}, []string{"E303 line 5 error", "E303 line 6 error"}},
		{"R33 a held name is not given to another", func(_ *Options, m *memory) { m.holds = []Hold{{Name: "gone", Account: 77}} }, []roster.Entry{row(2, "1", "u1"), row(3, "2", "u2"), row(4, "3", "u3"), row(5, "9", "gone")}, []string{"E303 line 5 error"}},
		{"R33 its giver may take it back", func(_ *Options, m *memory) { m.holds = []Hold{{Name: "was1", Account: 1}} }, []roster.Entry{row(2, "1", "was1"), row(3, "2", "u2"), row(4, "3", "u3")}, []string{"rename 1 username=was1"}},
		{"R33 though a newcomer asks for it too", func(_ *Options, m *memory) { m.holds = []Hold{{Name: "was1", Account: 1}} }, []roster.Entry{row(2, "1", "was1"), row(3, "2", "u2"), row(4, "3", "u3"), row(5, "9", "was1")}, []string{"E303 line 5 error", "rename 1 username=was1"}},
		{"R33 R4 and wherever that row stands", func(_ *Options, m *memory) { m.holds = []Hold{{Name: "was1", Account: 1}} }, []roster.Entry{row(2, "9", "was1"), row(3, "1", "was1"), row(4, "2", "u2"), row(5, "3", "u3")}, []string{"E303 line 2 error", "rename 1 username=was1"}},
		{"R33 of two who gave it up, and both ask for it, neither gets it", func(_ *Options, m *memory) {
			m.holds = []Hold{{Name: "was", Account: 1}, {Name: "was", Account: 2}}
		}, []roster.Entry{row(2, "1", "was"), row(3, "2", "was"), row(4, "3", "u3")}, []string{"E303 line 2 warning", "E303 line 3 warning"}},
		{"R33 a newcomer does not get what a rename gives up", nil, []roster.Entry{row(2, "1", "x1"), row(3, "2", "u2"), row(4, "3", "u3"), row(5, "9", "u1")}, []string{"E303 line 5 error", "rename 1 username=x1"}},
		{"R34 a taken name: the rest is applied", nil, []roster.Entry{row(2, "1", "u2", says(roster.City, "Ulm")), row(3, "2", "u2"), row(4, "3", "u3")}, []string{"E303 line 2 warning", "update 1 city=Ulm"}},
		{"R34 rename off keeps the old name, with a note", func(o *Options, _ *memory) { o.Policy.Rename = off() }, []roster.Entry{row(2, "1", "x1"), row(3, "2", "u2"), row(4, "3", "u3")}, []string{"note line 2 note"}},
		{"R35 oldusername finds the account, by username", byUsername, []roster.Entry{named(2, "fresh", func(e *roster.Entry) { e.OldUsername = "u1" }), named(3, "u2"), named(4, "u3")}, []string{"rename fresh username=fresh"}},
		{"R36 a ring of old names, by username", byUsername, []roster.Entry{named(2, "u2", was("u1")), named(3, "u3", was("u2")), named(4, "u1", was("u3"))}, []string{"rename u1 username=u1", "rename u2 username=u2", "rename u3 username=u3"}},
		{"R36 a chain of old names, by username", byUsername, []roster.Entry{named(2, "u2", was("u1")), named(3, "u9", was("u2")), named(4, "u3")}, []string{"rename u2 username=u2", "rename u9 username=u9"}},
		{"R35 an unknown old name is E305", nil, []roster.Entry{row(2, "1", "u1"), row(3, "2", "u2"), row(4, "3", "u3"), row(5, "9", "x", func(e *roster.Entry) { e.OldUsername = "nobody" })}, []string{"E305 line 5 error"}},
		{"R36 a swap", nil, []roster.Entry{row(2, "1", "u2"), row(3, "2", "u1"), row(4, "3", "u3")}, []string{"rename 1 username=u2", "rename 2 username=u1"}},
		{"R36 a ring", nil, []roster.Entry{row(2, "1", "u2"), row(3, "2", "u3"), row(4, "3", "u1")}, []string{"rename 1 username=u2", "rename 2 username=u3", "rename 3 username=u1"}},
		{"R36 a chain into a free name", nil, []roster.Entry{row(2, "1", "u2"), row(3, "2", "u3"), row(4, "3", "free")}, []string{"rename 1 username=u2", "rename 2 username=u3", "rename 3 username=free"}},
		{"R34 a rename whose giver falls away falls too", nil, []roster.Entry{row(2, "1", "u2"), row(3, "2", "u3"), row(4, "3", "u3")}, []string{"E303 line 2 warning", "E303 line 3 warning"}},
		{"R36 a ring of addresses", nil, []roster.Entry{row(2, "1", "u1", says(roster.Email, "p2@example.org")), row(3, "2", "u2", says(roster.Email, "p3@example.org")), row(4, "3", "u3", says(roster.Email, "p1@example.org"))}, []string{"update 1 email=p2@example.org", "update 2 email=p3@example.org", "update 3 email=p1@example.org"}},
		{"R22 the address of who is deleted for his absence is free", func(o *Options, _ *memory) { o.Policy.Delete, o.Policy.Missing = true, "delete" }, []roster.Entry{row(2, "1", "u1"), row(3, "2", "u2", says(roster.Email, "p3@example.org"))}, []string{"delete 3", "update 2 email=p3@example.org"}},
		{"R22 who cannot be deleted keeps his address", func(o *Options, _ *memory) { o.Policy.Delete, o.Policy.FallbackOwner = true, "nobody" }, []roster.Entry{row(2, "1", "u1", wishes(roster.WishDelete), says(roster.Email, "new@example.org")), row(3, "2", "u2", says(roster.Email, "p1@example.org")), row(4, "3", "u3")}, []string{"E130 line 3 warning", "E209 line 2 error"}},
		{"R22 an address made of the username is judged like any other", nil, []roster.Entry{row(2, "1", "u1", made("p2@example.org")), row(3, "2", "u2"), row(4, "3", "u3")}, []string{"E130 line 2 warning"}},
		{"R22 and a newcomer's too", nil, []roster.Entry{row(2, "1", "u1"), row(3, "2", "u2"), row(4, "3", "u3"), row(5, "9", "u9", made("p2@example.org"))}, []string{"E130 line 5 error"}},
		{"R4 R22 an address that is made for who says no username gives way to the same one said", nil, []roster.Entry{row(2, "1", "", made("new@example.org")), row(3, "2", "u2", says(roster.Email, "new@example.org")), row(4, "3", "u3")}, []string{"E130 line 2 warning", "update 2 email=new@example.org"}},
		{"R4 R22 of two for whom one is made, and who say no username, the older account gets it, wherever its row stands", nil, []roster.Entry{row(2, "2", "", made("new@example.org")), row(3, "1", "", made("new@example.org")), row(4, "3", "u3")}, []string{"E130 line 2 warning", "update 1 email=new@example.org"}},
		{"R4 R22 under unique_email: warn both get it, and the same one is warned of", func(o *Options, _ *memory) { o.UniqueEmail = "warn" }, []roster.Entry{row(2, "2", "", made("new@example.org")), row(3, "1", "", made("new@example.org")), row(4, "3", "u3")}, []string{"E130 line 2 warning", "update 1 email=new@example.org", "update 2 email=new@example.org"}},
		{"R31 an address made of the username follows a swap", nil, []roster.Entry{row(2, "1", "u2", made("")), row(3, "2", "u1", made("")), row(4, "3", "u3")}, []string{"rename 1 username=u2 email=u2@example.org", "rename 2 username=u1 email=u1@example.org"}},
		{"R33 a default name that is taken counts", nil, []roster.Entry{row(2, "1", "u1"), row(3, "2", "u2"), row(4, "3", "u3"), row(5, "9", "", template, func(e *roster.Entry) {
			e.Defaults[roster.Username], e.HasDef = "u3", e.HasDef.With(roster.Username)
		})}, []string{"add 9 u32"}},
		{"R33 a name with its counter is the name that was asked for", func(_ *Options, m *memory) { m.account("3").Values[roster.Username] = "jdoe2" }, []roster.Entry{row(2, "1", "u1"), row(3, "2", "u2"), row(4, "3", "jdoe", number)}, nil},
	})
}
