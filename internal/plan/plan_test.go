package plan

import (
	gocmp "cmp"
	"context"
	"errors"
	"iter"
	"math/rand/v2"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"rollcall/internal/roster"
)

func planned(t *testing.T, o Options, m *memory, rows ...roster.Entry) (Plan, Facts) {
	t.Helper()
	return plannedAt(t, o, m, noon, rows...)
}

func plannedAt(t *testing.T, o Options, m *memory, at time.Time, rows ...roster.Entry) (Plan, Facts) {
	t.Helper()
	var p Plan
	f, err := Make(context.Background(), o, drop(rows...), m, &p, at)
	if err != nil {
		t.Fatal(err)
	}
	r := f.Rows
	if sum := r.Added + r.Updated + r.Renamed + r.Reactivated + r.Suspended + r.Deleted + r.Unchanged + r.Skipped + r.Rejected; sum != r.Read || r.Read != len(rows) {
		t.Errorf("R2: the rows add up to %d, read %d, want %d", sum, r.Read, len(rows))
	}
	if a := f.Absent; a.Kept+a.Suspended+a.Deleted != a.Total {
		t.Errorf("R2: the absent add up to %+v", a)
	}
	return p, f
}

func off() *bool { b := false; return &b }
func on() *bool  { b := true; return &b }

func number(e *roster.Entry)   { e.Number = true }
func template(e *roster.Entry) { e.Number, e.Template = true, true }

func bad(code string) func(*roster.Entry) {
	return func(e *roster.Entry) { e.Problems = append(e.Problems, roster.NewProblem(code, e.Line, e.Key)) }
}

// Each story is accounts 1, 2 and 3 of profile hr, a drop, and what the plan says of it.
func TestStories(t *testing.T) {
	tests := []struct {
		name string
		with func(*Options, *memory)
		rows []roster.Entry
		want []string
	}{
		{"R2 nothing differs, nothing is planned", nil, []roster.Entry{row(2, "1", "u1"), row(3, "2", "u2"), row(4, "3", "u3")}, nil},
		{"R4 the order of the rows means nothing", nil, []roster.Entry{row(2, "3", "u3"), row(3, "1", "u1"), row(4, "2", "u2")}, nil},
		{"R3 a rejected row protects its person", nil, []roster.Entry{row(2, "1", "u1", bad("E104")), row(3, "2", "u2"), row(4, "3", "u3")}, []string{"E104 line 2 error"}},
		{"R3 a row without a key keeps all who are absent", nil, []roster.Entry{row(2, "", "x", bad("E120"), without(roster.Email)), row(3, "1", "u1")}, []string{"E120 line 2 error"}},
		{"R3 an unmatched row with the name of an owned account mentions it", nil, []roster.Entry{row(2, "1", "u1"), row(3, "2", "u2"), row(4, "9", "u3")}, []string{"E303 line 4 error"}},
		{"R7 a dirty row still suspends its leaver", nil, []roster.Entry{row(2, "1", "u1", bad("E104"), wishes(roster.WishLeaver)), row(3, "2", "u2"), row(4, "3", "u3")}, []string{"E104 line 2 warning", "suspend 1"}},
		{"R7 a bad optional value keeps the stored one", nil, []roster.Entry{row(2, "1", "u1", bad("E112"), says(roster.City, "Ulm")), row(3, "2", "u2"), row(4, "3", "u3")}, []string{"E112 line 2 warning", "update 1 city=Ulm"}},
		{"R15 a broken row of a known key protects that account alone", nil, []roster.Entry{{Line: 2, Key: "1", Broken: true, Problems: []roster.Problem{roster.NewProblem("E101", 2, "1")}}, row(3, "2", "u2")}, []string{"E101 line 2 error", "suspend 3"}},
		{"R15 a broken row of an unknown key could be anybody's", nil, []roster.Entry{{Line: 2, Key: "8", Broken: true, Problems: []roster.Problem{roster.NewProblem("E101", 2, "8")}}, row(3, "2", "u2")}, []string{"E101 line 2 error"}},
		{"R22 two newcomers with one address are both rejected", nil, []roster.Entry{row(2, "1", "u1"), row(3, "2", "u2"), row(4, "3", "u3"), row(5, "8", "u8", says(roster.Email, "x@example.org")), row(6, "9", "u9", says(roster.Email, "X@example.org"))}, []string{"E130 line 5 error", "E130 line 6 error"}},
		{"R22 an address that its holder gives up is free", nil, []roster.Entry{row(2, "1", "u1", says(roster.Email, "new@example.org")), row(3, "2", "u2", says(roster.Email, "p1@example.org")), row(4, "3", "u3")}, []string{"update 1 email=new@example.org", "update 2 email=p1@example.org"}},
		{"R22 an address that its holder keeps is a warning", nil, []roster.Entry{row(2, "1", "u1"), row(3, "2", "u2", says(roster.Email, "p1@example.org"), says(roster.City, "Ulm")), row(4, "3", "u3")}, []string{"E130 line 3 warning", "update 2 city=Ulm"}},
		{"R22 unique_email: off asks nobody", func(o *Options, _ *memory) { o.UniqueEmail = "off" }, []roster.Entry{row(2, "1", "u1"), row(3, "2", "u2", says(roster.Email, "p1@example.org")), row(4, "3", "u3")}, []string{"update 2 email=p1@example.org"}},
		{"R22 unique_email: warn applies and warns", func(o *Options, _ *memory) { o.UniqueEmail = "warn" }, []roster.Entry{row(2, "1", "u1"), row(3, "2", "u2", says(roster.Email, "p1@example.org")), row(4, "3", "u3")}, []string{"E130 line 3 warning", "update 2 email=p1@example.org"}},
		{"R22 a difference of case alone is none", nil, []roster.Entry{row(2, "1", "u1", says(roster.Email, "P1@Example.org")), row(3, "2", "u2"), row(4, "3", "u3")}, nil},
		{"R33 templates count in the order of the rows", nil, []roster.Entry{row(2, "1", "u1"), row(3, "2", "u2"), row(4, "3", "u3"), row(5, "7", "jdoe", template), row(6, "8", "jdoe", template), row(7, "9", "jdoe", template)}, []string{"add 7 jdoe", "add 8 jdoe2", "add 9 jdoe3"}},
		{"R33 on_taken: number on a given name counts too", nil, []roster.Entry{row(2, "1", "u1"), row(3, "2", "u2"), row(4, "3", "u3"), row(5, "9", "u3", number)}, []string{"add 9 u32"}},
		{"R7 an unusable name keeps the one that is there", nil, []roster.Entry{row(2, "1", "", bad("E134"), says(roster.City, "Ulm")), row(3, "2", "u2"), row(4, "3", "u3")}, []string{"E134 line 2 warning", "update 1 city=Ulm"}},
		{"R30 but a newcomer needs one", nil, []roster.Entry{row(2, "1", "u1"), row(3, "2", "u2"), row(4, "3", "u3"), row(5, "9", "", bad("E134"))}, []string{"E134 line 5 error"}},
		{"R33 two new records that want one given name are both rejected", nil, []roster.Entry{row(2, "1", "u1"), row(3, "2", "u2"), row(4, "3", "u3"), row(5, "8", "jdoe"), row(6, "9", "jdoe")}, []string{"E303 line 5 error", "E303 line 6 error"}},
		{"R33 a held name is not given to another", func(_ *Options, m *memory) { m.holds = []Hold{{Name: "gone", Account: 77}} }, []roster.Entry{row(2, "1", "u1"), row(3, "2", "u2"), row(4, "3", "u3"), row(5, "9", "gone")}, []string{"E303 line 5 error"}},
		{"R33 its giver may take it back", func(_ *Options, m *memory) { m.holds = []Hold{{Name: "was1", Account: 1}} }, []roster.Entry{row(2, "1", "was1"), row(3, "2", "u2"), row(4, "3", "u3")}, []string{"rename 1 username=was1"}},
		{"R33 a newcomer does not get what a rename gives up", nil, []roster.Entry{row(2, "1", "x1"), row(3, "2", "u2"), row(4, "3", "u3"), row(5, "9", "u1")}, []string{"E303 line 5 error", "rename 1 username=x1"}},
		{"R34 a taken name: the rest is applied", nil, []roster.Entry{row(2, "1", "u2", says(roster.City, "Ulm")), row(3, "2", "u2"), row(4, "3", "u3")}, []string{"E303 line 2 warning", "update 1 city=Ulm"}},
		{"R34 rename off keeps the old name, with a note", func(o *Options, _ *memory) { o.Policy.Rename = off() }, []roster.Entry{row(2, "1", "x1"), row(3, "2", "u2"), row(4, "3", "u3")}, []string{"note line 2 note"}},
		{"R35 oldusername finds the account, by username", byUsername, []roster.Entry{named(2, "fresh", func(e *roster.Entry) { e.OldUsername = "u1" }), named(3, "u2"), named(4, "u3")}, []string{"rename fresh username=fresh"}},
		{"R36 a ring of old names, by username", byUsername, []roster.Entry{named(2, "u2", was("u1")), named(3, "u3", was("u2")), named(4, "u1", was("u3"))}, []string{"rename u1 username=u1", "rename u2 username=u2", "rename u3 username=u3"}},
		{"R36 a chain of old names, by username", byUsername, []roster.Entry{named(2, "u2", was("u1")), named(3, "u9", was("u2")), named(4, "u3")}, []string{"rename u2 username=u2", "rename u9 username=u9"}},
		{"R41 records that differ in a default alone differ", nil, []roster.Entry{row(2, "1", "u1"), row(3, "2", "u2"), row(4, "3", "u3"), row(5, "9", "u9", defaults("Ulm")), row(6, "9", "u9", defaults("Bonn"))}, []string{"E105 line 5 error", "E105 line 6 error"}},
		{"R51 none renames nobody", func(o *Options, _ *memory) { o.Policy.Update = "none" }, []roster.Entry{row(2, "1", "x1"), row(3, "2", "u2"), row(4, "3", "u3")}, []string{"note line 2 note"}},
		{"R35 an unknown old name is E305", nil, []roster.Entry{row(2, "1", "u1"), row(3, "2", "u2"), row(4, "3", "u3"), row(5, "9", "x", func(e *roster.Entry) { e.OldUsername = "nobody" })}, []string{"E305 line 5 error"}},
		{"R36 a swap", nil, []roster.Entry{row(2, "1", "u2"), row(3, "2", "u1"), row(4, "3", "u3")}, []string{"rename 1 username=u2", "rename 2 username=u1"}},
		{"R36 a ring", nil, []roster.Entry{row(2, "1", "u2"), row(3, "2", "u3"), row(4, "3", "u1")}, []string{"rename 1 username=u2", "rename 2 username=u3", "rename 3 username=u1"}},
		{"R36 a chain into a free name", nil, []roster.Entry{row(2, "1", "u2"), row(3, "2", "u3"), row(4, "3", "free")}, []string{"rename 1 username=u2", "rename 2 username=u3", "rename 3 username=free"}},
		{"R34 a rename whose giver falls away falls too", nil, []roster.Entry{row(2, "1", "u2"), row(3, "2", "u3"), row(4, "3", "u3")}, []string{"E303 line 2 warning", "E303 line 3 warning"}},
		{"R36 a ring of addresses", nil, []roster.Entry{row(2, "1", "u1", says(roster.Email, "p2@example.org")), row(3, "2", "u2", says(roster.Email, "p3@example.org")), row(4, "3", "u3", says(roster.Email, "p1@example.org"))}, []string{"update 1 email=p2@example.org", "update 2 email=p3@example.org", "update 3 email=p1@example.org"}},
		{"R41 equal copies: the first is used", nil, []roster.Entry{row(2, "1", "u1"), row(3, "1", "u1"), row(4, "2", "u2"), row(5, "3", "u3")}, []string{"E106 line 3 warning"}},
		{"R41 differing copies are all rejected, the account stays", nil, []roster.Entry{row(2, "1", "u1"), row(3, "1", "x1"), row(4, "2", "u2"), row(5, "3", "u3")}, []string{"E105 line 2 error", "E105 line 3 error"}},
		{"R41 two accounts with the key: neither is touched", func(_ *Options, m *memory) {
			a := m.accounts[0]
			a.ID, a.Links = 50, nil
			a.Values[roster.Username] = "twin"
			m.accounts = append(m.accounts, a)
			m.accounts[0].Links = nil
		}, []roster.Entry{row(2, "1", "u1"), row(3, "2", "u2"), row(4, "3", "u3")}, []string{"E301 line 2 error"}},
		{"R42 strict: an unknown key with a known name is no match", unlinked, []roster.Entry{row(2, "1", "u1"), row(3, "2", "u2"), row(4, "9", "u3", without(roster.Email))}, []string{"E303 line 4 error"}},
		{"R42 the fallback adopts an account that has no key", func(o *Options, m *memory) { unlinked(o, m); o.Match.Fallback.By = "username" }, []roster.Entry{row(2, "1", "u1"), row(3, "2", "u2"), row(4, "9", "u3", without(roster.Email, roster.FirstName, roster.LastName))}, []string{"update 9 employee_id=9"}},
		{"R42 the fallback never takes an account with another key", func(o *Options, _ *memory) { o.Match.Fallback.By = "username" }, []roster.Entry{row(2, "1", "u1"), row(3, "2", "u2"), row(4, "9", "u3")}, []string{"E302 line 4 error"}},
		{"R42 with rekey it does", func(o *Options, _ *memory) { o.Match.Fallback = Fallback{By: "username", Rekey: true} }, []roster.Entry{row(2, "1", "u1"), row(3, "2", "u2"), row(4, "9", "u3", without(roster.Email, roster.FirstName, roster.LastName))}, []string{"update 9 employee_id=9"}},
		{"R42 without a key the fallback matches alone and the key stays", func(o *Options, _ *memory) { o.Match.Fallback.By = "username" }, []roster.Entry{row(2, "1", "u1"), row(3, "2", "u2"), row(4, "", "u3", without(roster.Email, roster.FirstName, roster.LastName), says(roster.City, "Ulm"), func(e *roster.Entry) { e.KeyBad = false })}, []string{"update 3 city=Ulm"}},
		{"R43 what a newcomer lacks is named", nil, []roster.Entry{row(2, "1", "u1"), row(3, "2", "u2"), row(4, "3", "u3"), row(5, "9", "u9", without(roster.LastName, roster.Email))}, []string{"E120 line 5 error", "E120 line 5 error"}},
		{"R45 a deleted person who is listed again waits for a person", deleted3, []roster.Entry{row(2, "1", "u1"), row(3, "2", "u2"), row(4, "3", "u3")}, []string{"E307 line 4 error"}},
		{"R45 where a witness agrees it is a rehire", func(o *Options, m *memory) { deleted3(o, m); o.Match.Witness = []roster.Field{roster.LastName} }, []roster.Entry{row(2, "1", "u1"), row(3, "2", "u2"), row(4, "3", "u3")}, []string{"reactivate 3"}},
		{"R45 every witness disagrees: somebody else's key", func(o *Options, m *memory) { suspended3(o, m); o.Match.Witness = []roster.Field{roster.LastName} }, []roster.Entry{row(2, "1", "u1"), row(3, "2", "u2"), row(4, "3", "u3", says(roster.LastName, "Other"))}, []string{"E307 line 4 error"}},
		{"R46 previous_key moves the link and keeps the account", nil, []roster.Entry{row(2, "1", "u1"), row(3, "2", "u2"), row(4, "9", "u3", without(roster.Email, roster.FirstName, roster.LastName), func(e *roster.Entry) { e.PreviousKey = "3" })}, []string{"update 9 employee_id=9"}},
		{"R46 an unknown previous key is E305", nil, []roster.Entry{row(2, "1", "u1"), row(3, "2", "u2"), row(4, "3", "u3"), row(5, "9", "u9", func(e *roster.Entry) { e.PreviousKey = "99" })}, []string{"E305 line 5 error"}},
		{"R49 a person has decided that the key is somebody new", func(o *Options, m *memory) { deleted3(o, m); m.decided["3"] = true }, []roster.Entry{row(2, "1", "u1"), row(3, "2", "u2"), row(4, "3", "fresh")}, []string{"add 3 fresh"}},
		{"R50 add skips the known", func(o *Options, _ *memory) { o.Policy.Upload = "add" }, []roster.Entry{row(2, "1", "x1"), row(3, "2", "u2"), row(4, "3", "u3"), row(5, "9", "u9")}, []string{"add 9 u9", "skip line 2 skip", "skip line 3 skip", "skip line 4 skip"}},
		{"R50 add_all numbers a taken name", func(o *Options, _ *memory) { o.Policy.Upload, o.Policy.Missing = "add_all", "keep" }, []roster.Entry{row(5, "9", "u3", says(roster.Email, "n@example.org"))}, []string{"add 9 u32", "claim 1", "claim 2", "claim 3"}},
		{"R50 update skips the unknown", func(o *Options, _ *memory) { o.Policy.Upload = "update" }, []roster.Entry{row(2, "1", "u1", says(roster.City, "Ulm")), row(3, "2", "u2"), row(4, "3", "u3"), row(5, "9", "u9")}, []string{"skip line 5 skip", "update 1 city=Ulm"}},
		{"R51 none changes no field", func(o *Options, _ *memory) { o.Policy.Update = "none" }, []roster.Entry{row(2, "1", "u1", says(roster.City, "Ulm")), row(3, "2", "u2"), row(4, "3", "u3")}, nil},
		{"R51 fill_missing fills only what is empty", func(o *Options, _ *memory) { o.Policy.Update = "fill_missing" }, []roster.Entry{row(2, "1", "u1", says(roster.City, "Ulm"), says(roster.LastName, "Other")), row(3, "2", "u2"), row(4, "3", "u3")}, []string{"update 1 city=Ulm"}},
		{"R51 once writes a newcomer's field only", func(o *Options, _ *memory) { o.Set[roster.LastName] = roster.SetOnce }, []roster.Entry{row(2, "1", "u1", says(roster.LastName, "Other")), row(3, "2", "u2"), row(4, "3", "u3")}, nil},
		{"R60 suspended 1 suspends, and says who did", nil, []roster.Entry{row(2, "1", "u1", wishes(roster.WishSuspend)), row(3, "2", "u2"), row(4, "3", "u3")}, []string{"suspend 1"}},
		{"R60 an empty cell keeps what the feed had suspended", fed3, []roster.Entry{row(2, "1", "u1"), row(3, "2", "u2"), row(4, "3", "u3")}, nil},
		{"R60 suspended 0 lifts it", fed3, []roster.Entry{row(2, "1", "u1"), row(3, "2", "u2"), row(4, "3", "u3", wishes(roster.WishActive))}, []string{"reactivate 3"}},
		{"R61 who was absent is back", suspended3, []roster.Entry{row(2, "1", "u1"), row(3, "2", "u2"), row(4, "3", "u3")}, []string{"reactivate 3"}},
		{"R61 what a person suspended stays, with a note", func(o *Options, m *memory) { suspended3(o, m); m.account("3").Values[roster.StatusBy] = "person:ada" }, []roster.Entry{row(2, "1", "u1"), row(3, "2", "u2"), row(4, "3", "u3", wishes(roster.WishActive))}, []string{"claim 3", "note line 4 note"}},
		{"R62 the missing are suspended", nil, []roster.Entry{row(2, "1", "u1"), row(3, "2", "u2")}, []string{"suspend 3"}},
		{"R62 missing: keep removes nobody, but withdraws the claim", func(o *Options, _ *memory) { o.Policy.Missing = "keep" }, []roster.Entry{row(2, "1", "u1"), row(3, "2", "u2")}, []string{"claim 3"}},
		{"R62 in a delta absence means nothing", func(o *Options, _ *memory) { o.Full = false }, []roster.Entry{row(2, "1", "u1")}, nil},
		{"R62 delete_after deletes who has been absent that long", func(o *Options, m *memory) {
			suspended3(o, m)
			o.Policy.Delete, o.Policy.DeleteAfter = true, 90*24*time.Hour
			m.account("3").Values[roster.StatusSince] = roster.Stamp(noon.Add(-90 * 24 * time.Hour))
		}, []roster.Entry{row(2, "1", "u1"), row(3, "2", "u2")}, []string{"delete 3"}},
		{"R62 and not a day earlier", func(o *Options, m *memory) {
			suspended3(o, m)
			o.Policy.Delete, o.Policy.DeleteAfter = true, 90*24*time.Hour
			m.account("3").Values[roster.StatusSince] = roster.Stamp(noon.Add(-90*24*time.Hour + time.Second))
		}, []roster.Entry{row(2, "1", "u1"), row(3, "2", "u2")}, nil},
		{"R63 a fallback owner who is nobody stops deletions", func(o *Options, _ *memory) { o.Policy.Delete, o.Policy.FallbackOwner = true, "nobody" }, []roster.Entry{row(2, "1", "u1", wishes(roster.WishDelete)), row(3, "2", "u2"), row(4, "3", "u3")}, []string{"E209 line 2 error"}},
		{"R63 deleted 1 deletes and needs no other field", func(o *Options, _ *memory) { o.Policy.Delete = true }, []roster.Entry{{Line: 2, Key: "1", Wish: roster.WishDelete}, row(3, "2", "u2"), row(4, "3", "u3")}, []string{"delete 1"}},
		{"R64 a protected account is neither suspended nor renamed", func(o *Options, _ *memory) { o.Policy.Protect = []string{"u*"} }, []roster.Entry{row(2, "1", "u1", wishes(roster.WishLeaver)), row(3, "2", "x2"), row(4, "3", "u3")}, []string{"E304 line 2 warning", "E304 line 3 warning", "claim 1"}},
		{"R65 delete off skips the row", nil, []roster.Entry{row(2, "1", "u1", wishes(roster.WishDelete), says(roster.City, "Ulm")), row(3, "2", "u2"), row(4, "3", "u3")}, []string{"skip line 2 skip"}},
		{"R65 suspend off applies the rest with a warning", func(o *Options, _ *memory) { o.Policy.Suspend, o.Policy.Missing = false, "keep" }, []roster.Entry{row(2, "1", "u1", wishes(roster.WishSuspend), says(roster.City, "Ulm")), row(3, "2", "u2"), row(4, "3", "u3")}, []string{"update 1 city=Ulm", "warning line 2 warning"}},
		{"R66 deleting an unknown account is E308", nil, []roster.Entry{row(2, "1", "u1"), row(3, "2", "u2"), row(4, "3", "u3"), row(5, "9", "", wishes(roster.WishDelete))}, []string{"E308 line 5 error"}},
		{"R66 deleting a deleted one is unchanged", deleted3, []roster.Entry{row(2, "1", "u1"), row(3, "2", "u2"), row(4, "3", "u3", wishes(roster.WishDelete))}, nil},
		{"R67 leave keeps the account active", nil, []roster.Entry{row(2, "1", "u1", wishes(roster.WishLeave)), row(3, "2", "u2"), row(4, "3", "u3")}, []string{"claim 1"}},
		{"R70 the last day is a day of work", nil, []roster.Entry{row(2, "1", "u1", says(roster.ExpiresOn, "2026-09-01")), row(3, "2", "u2"), row(4, "3", "u3")}, []string{"update 1 expires_on=2026-09-01"}},
		{"R71 a date already past suspends in the run", nil, []roster.Entry{row(2, "1", "u1", says(roster.ExpiresOn, "2026-08-31")), row(3, "2", "u2"), row(4, "3", "u3")}, []string{"suspend 1 expires_on=2026-08-31"}},
		{"R71 moving the date forward lifts what the date had suspended", expired3, []roster.Entry{row(2, "1", "u1"), row(3, "2", "u2"), row(4, "3", "u3", says(roster.ExpiresOn, "2026-12-31"))}, []string{"reactivate 3 expires_on=2026-12-31"}},
		{"R3 differing copies protect the account of their previous key", nil, []roster.Entry{row(2, "1", "u1"), row(3, "2", "u2"), row(4, "9", "u9", before("3")), row(5, "9", "x9", before("3"))}, []string{"E105 line 4 error", "E105 line 5 error"}},
		{"R3 a broken row keeps others from its account", nil, []roster.Entry{row(2, "1", "u1"), row(3, "2", "u2"), {Line: 4, Key: "3", Broken: true, Problems: []roster.Problem{roster.NewProblem("E101", 4, "3")}}, row(5, "9", "u9", before("3"))}, []string{"E101 line 4 error", "E302 line 5 error"}},
		{"R6 a record without a key gets no number, or it would be added each night", func(o *Options, _ *memory) { o.Match.Fallback.By, o.Policy.Protect = "username", []string{"root"} }, []roster.Entry{row(2, "1", "u1"), row(3, "2", "u2"), row(4, "3", "u3"), row(5, "", "root", number, says(roster.Email, "n@example.org"), func(e *roster.Entry) { e.KeyBad = false })}, []string{"E304 line 5 error"}},
		{"R7 a dirty deletion that is off is rejected", nil, []roster.Entry{row(2, "1", "u1", bad("E104"), wishes(roster.WishDelete)), row(3, "2", "u2"), row(4, "3", "u3")}, []string{"E104 line 2 error"}},
		{"R2 rejected comes before skipped", func(o *Options, _ *memory) { o.Policy.Upload = "add" }, []roster.Entry{row(2, "1", "u1", bad("E104")), row(3, "2", "u2"), row(4, "3", "u3")}, []string{"E104 line 2 error", "skip line 3 skip", "skip line 4 skip"}},
		{"R22 the address of who is deleted for his absence is free", func(o *Options, _ *memory) { o.Policy.Delete, o.Policy.Missing = true, "delete" }, []roster.Entry{row(2, "1", "u1"), row(3, "2", "u2", says(roster.Email, "p3@example.org"))}, []string{"delete 3", "update 2 email=p3@example.org"}},
		{"R22 who cannot be deleted keeps his address", func(o *Options, _ *memory) { o.Policy.Delete, o.Policy.FallbackOwner = true, "nobody" }, []roster.Entry{row(2, "1", "u1", wishes(roster.WishDelete), says(roster.Email, "new@example.org")), row(3, "2", "u2", says(roster.Email, "p1@example.org")), row(4, "3", "u3")}, []string{"E130 line 3 warning", "E209 line 2 error"}},
		{"R22 an address made of the username is judged like any other", nil, []roster.Entry{row(2, "1", "u1", made("p2@example.org")), row(3, "2", "u2"), row(4, "3", "u3")}, []string{"E130 line 2 warning"}},
		{"R22 and a newcomer's too", nil, []roster.Entry{row(2, "1", "u1"), row(3, "2", "u2"), row(4, "3", "u3"), row(5, "9", "u9", made("p2@example.org"))}, []string{"E130 line 5 error"}},
		{"R31 an address made of the username follows a swap", nil, []roster.Entry{row(2, "1", "u2", made("")), row(3, "2", "u1", made("")), row(4, "3", "u3")}, []string{"rename 1 username=u2 email=u2@example.org", "rename 2 username=u1 email=u1@example.org"}},
		{"R33 a default name that is taken counts", nil, []roster.Entry{row(2, "1", "u1"), row(3, "2", "u2"), row(4, "3", "u3"), row(5, "9", "", template, func(e *roster.Entry) {
			e.Defaults[roster.Username], e.HasDef = "u3", e.HasDef.With(roster.Username)
		})}, []string{"add 9 u32"}},
		{"R33 a name with its counter is the name that was asked for", func(_ *Options, m *memory) { m.account("3").Values[roster.Username] = "jdoe2" }, []roster.Entry{row(2, "1", "u1"), row(3, "2", "u2"), row(4, "3", "jdoe", number)}, nil},
		{"R42 without a key the fallback adopts nobody who is suspended", func(o *Options, m *memory) { suspended3(o, m); unlinked(o, m); o.Match.Fallback.By = "username" }, []roster.Entry{row(2, "1", "u1"), row(3, "2", "u2"), row(4, "", "u3", without(roster.Email), func(e *roster.Entry) { e.KeyBad = false })}, []string{"E302 line 4 error"}},
		{"R4 two records that mean one account are both rejected", func(o *Options, _ *memory) { o.Match.Fallback = Fallback{By: "username", Rekey: true} }, []roster.Entry{row(2, "1", "u1"), row(3, "2", "u2"), row(4, "8", "u3", without(roster.Email)), row(5, "9", "u9", before("3"))}, []string{"E302 line 4 error", "E302 line 5 error"}},
		{"R51 file_and_defaults writes a default that needs the username", func(o *Options, _ *memory) { o.Policy.Update = "file_and_defaults" }, []roster.Entry{row(2, "1", "u1", func(e *roster.Entry) {
			e.Late = []roster.Late{{Field: roster.URL, Default: true, Value: func(name string) string { return "/~" + name }}}
		}), row(3, "2", "u2"), row(4, "3", "u3")}, []string{"update 1 url=/~u1"}},
		{"R60 the word suspended replaces an absence", suspended3, []roster.Entry{row(2, "1", "u1"), row(3, "2", "u2"), row(4, "3", "u3", wishes(roster.WishSuspend))}, []string{"update 3"}},
		{"R63 who is deleted takes no new name along", func(o *Options, _ *memory) { o.Policy.Delete = true }, []roster.Entry{row(2, "1", "x1", wishes(roster.WishDelete), says(roster.City, "Ulm")), row(3, "2", "u2"), row(4, "3", "u3")}, []string{"delete 1"}},
		{"R71 and nothing else does", expired3, []roster.Entry{row(2, "1", "u1"), row(3, "2", "u2"), row(4, "3", "u3", wishes(roster.WishActive))}, nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			o, m := staff(), directory("1", "2", "3")
			if tt.with != nil {
				tt.with(&o, m)
			}
			p, _ := planned(t, o, m, tt.rows...)
			if diff := cmp.Diff(tt.want, p.told()); diff != "" {
				t.Fatalf("plan differs (-want +got):\n%s", diff)
			}
			m.apply(p)
			if o.Policy.Upload == "add_all" {
				return
			}
			again, _ := planned(t, o, m, tt.rows...)
			if len(again.Changes) > 0 {
				t.Errorf("R6: applied, and planned again: %v", again.told())
			}
		})
	}
}

// byUsername makes the username the key.
func byUsername(o *Options, m *memory) {
	o.Match.Key = roster.Username
	o.Policy.Rename = on()
	for i := range m.accounts {
		m.accounts[i].Links[0].Key = roster.Key(m.accounts[i].Values[roster.Username])
	}
}

// was says what the name was before.
func was(name string) func(*roster.Entry) { return func(e *roster.Entry) { e.OldUsername = name } }

// defaults gives a newcomer a city.
func defaults(city string) func(*roster.Entry) {
	return func(e *roster.Entry) {
		e.Defaults[roster.City], e.HasDef = city, e.HasDef.With(roster.City)
	}
}

// before says what the key was before.
func before(key roster.Key) func(*roster.Entry) {
	return func(e *roster.Entry) { e.PreviousKey = key }
}

// made gives an address that needs the username; "" makes it of the username.
func made(mail string) func(*roster.Entry) {
	return func(e *roster.Entry) {
		without(roster.Email)(e)
		e.Late = []roster.Late{{Field: roster.Email, Value: func(name string) string { return gocmp.Or(mail, name+"@example.org") }}}
	}
}

// named is a row of a profile whose key is the username.
func named(line int, name string, more ...func(*roster.Entry)) roster.Entry {
	e := roster.Entry{Line: line, Key: roster.Key(name)}
	e.Values[roster.Username] = name
	e.Set = e.Set.With(roster.Username)
	for _, f := range more {
		f(&e)
	}
	return e
}

// unlinked makes account 3 one that nobody owns and that has no key.
func unlinked(_ *Options, m *memory) {
	a := m.account("3")
	a.Values[roster.EmployeeID], a.Links = "", nil
}

func state3(status roster.Status, by roster.Origin, why roster.Reason) func(*Options, *memory) {
	return func(_ *Options, m *memory) {
		a := m.account("3")
		a.Values[roster.StatusField], a.Values[roster.StatusBy], a.Values[roster.StatusReason] = string(status), string(by), string(why)
		a.Values[roster.StatusSince] = roster.Stamp(noon.Add(-time.Hour))
		a.Links[0].Claim = roster.ClaimGone
	}
}

func suspended3(o *Options, m *memory) { state3(roster.Suspended, "hr", roster.Missing)(o, m) }
func fed3(o *Options, m *memory)       { state3(roster.Suspended, "hr", roster.FeedSays)(o, m) }
func deleted3(o *Options, m *memory)   { state3(roster.Deleted, "hr", roster.FeedDelete)(o, m) }

func expired3(o *Options, m *memory) {
	state3(roster.Suspended, roster.OriginDate, roster.Expired)(o, m)
	a := m.account("3")
	a.Values[roster.ExpiresOn], a.Values[roster.ExpiresAt] = "2026-08-31", "2026-09-01T00:00:00Z"
	a.Links[0].Claim = roster.ClaimActive
}

func TestR5AnAccountStaysWhileAnyFeedClaimsIt(t *testing.T) {
	m := directory("1")
	school := staff()
	school.Profile = "school"
	adopt, _ := planned(t, school, m, row(2, "1", "u1"))
	m.apply(adopt)
	if m.account("1").Link("school") == nil {
		t.Fatal("the second feed did not link the account that it found by its key")
	}

	gone, facts := planned(t, school, m, row(2, "9", "u9"))
	m.apply(gone)
	if got := m.account("1").Status(); got != roster.Active || facts.Absent.Kept != 1 {
		t.Errorf("school drops her, HR keeps her: status %s, absent %+v, want active and one kept", got, facts.Absent)
	}

	left, _ := planned(t, staff(), m)
	m.apply(left)
	if got := m.account("1").Status(); got != roster.Suspended {
		t.Errorf("HR drops her too: status %s, want suspended", got)
	}
}

func TestR5UnderKeepAbsenceStillWithdrawsTheClaim(t *testing.T) {
	m := directory("1")
	school := staff()
	school.Profile, school.Policy.Missing = "school", "keep"
	for _, rows := range [][]roster.Entry{{row(2, "1", "u1")}, {row(2, "9", "u9")}} {
		p, _ := planned(t, school, m, rows...)
		m.apply(p)
	}
	p, _ := planned(t, staff(), m)
	m.apply(p)
	if got := m.account("1").Status(); got != roster.Suspended {
		t.Errorf("nobody lists her any more: status %s, want suspended", got)
	}
}

func TestR54AuthorityDecidesAndNothingFlips(t *testing.T) {
	order := map[string][]string{"email": {"ad", "hr"}, "*": {"hr"}}
	m := directory("1")
	hr, ad := staff(), staff()
	ad.Profile = "ad"
	hr.Authority, ad.Authority = order, order
	fromHR := row(2, "1", "u1", says(roster.City, "Ulm"))
	fromAD := row(2, "1", "u1", says(roster.Email, "ad@example.org"), says(roster.City, "Bonn"))
	for night := range 5 {
		for _, feed := range []struct {
			o   Options
			row roster.Entry
		}{{hr, fromHR}, {ad, fromAD}} {
			p, _ := planned(t, feed.o, m, feed.row)
			for _, c := range p.Changes {
				if night > 0 && c.Action != Claim {
					t.Errorf("night %d, %s: %v", night, feed.o.Profile, p.told())
				}
			}
			m.apply(p)
		}
	}
	if a := m.account("1"); a.Values[roster.Email] != "ad@example.org" || a.Values[roster.City] != "Ulm" {
		t.Errorf("email %q, city %q; want AD's address and HR's city", a.Values[roster.Email], a.Values[roster.City])
	}
}

func TestR54WhoNoLongerClaimsTheAccountDoesNotWriteAgainstWhoDoes(t *testing.T) {
	m := directory("1")
	ad := staff()
	ad.Profile = "ad"
	for _, feed := range []struct {
		o   Options
		row roster.Entry
	}{{staff(), row(2, "1", "u1", says(roster.City, "Ulm"))}, {ad, row(2, "1", "u1")}, {staff(), row(2, "1", "u1", wishes(roster.WishLeaver))}, {ad, row(2, "1", "u1", says(roster.City, "Bonn"))}} {
		p, _ := planned(t, feed.o, m, feed.row)
		m.apply(p)
	}
	p, _ := planned(t, staff(), m, row(2, "1", "u1", says(roster.City, "Ulm"), wishes(roster.WishLeaver)))
	m.apply(p)
	if got := m.account("1").Values[roster.City]; got != "Bonn" {
		t.Errorf("HR says leaver, AD lists her: city %q, want AD's", got)
	}
}

func TestR60AnEmptyCellKeepsWhatTheFeedSaidLast(t *testing.T) {
	m := directory("1")
	for _, rows := range [][]roster.Entry{{}, {row(2, "1", "u1", wishes(roster.WishSuspend))}, {row(2, "1", "u1")}} {
		p, _ := planned(t, staff(), m, rows...)
		m.apply(p)
	}
	if a := m.account("1"); a.Status() != roster.Suspended || a.Values[roster.StatusReason] != string(roster.FeedSays) {
		t.Errorf("absent, then suspended 1, then empty: %s for %s", a.Status(), a.Values[roster.StatusReason])
	}
}

func TestR54ALowerOriginIsANote(t *testing.T) {
	m := directory("1")
	ad := staff()
	ad.Profile = "ad"
	p, f := planned(t, ad, m, row(2, "1", "u1", says(roster.LastName, "Other")))
	if f.Notes != 1 || p.Problems[0].Code != "E310" || p.Problems[0].Field != "last_name" {
		t.Errorf("problems = %+v", p.Problems)
	}
}

func TestR72AFutureStartIsAddedSuspended(t *testing.T) {
	m := directory()
	p, _ := planned(t, staff(), m, row(2, "1", "u1", says(roster.StartsOn, "2026-12-01")))
	m.apply(p)
	a := m.account("1")
	if a.Status() != roster.Suspended || a.Values[roster.StatusReason] != string(roster.NotStarted) || a.Values[roster.StartsAt] != "2026-12-01T00:00:00Z" {
		t.Fatalf("status %s, reason %s, starts at %s", a.Status(), a.Values[roster.StatusReason], a.Values[roster.StartsAt])
	}
	p, f := plannedAt(t, staff(), m, time.Date(2026, 12, 1, 6, 0, 0, 0, time.UTC), row(2, "1", "u1", says(roster.StartsOn, "2026-12-01")))
	if f.ByDate.Started != 1 || f.Rows.Unchanged != 1 || !p.Changes[0].ByDate {
		t.Errorf("on the day: by date %+v, rows %+v", f.ByDate, f.Rows)
	}
}

func TestR70DaysEndInTheirZoneAlsoWhenClocksChange(t *testing.T) {
	tests := []struct{ day, zone, want string }{
		{"2026-12-31", "UTC", "2027-01-01T00:00:00Z"},
		{"2026-12-31", "America/New_York", "2027-01-01T05:00:00Z"},
		{"2027-03-28", "Europe/Madrid", "2027-03-28T22:00:00Z"}, // 23 hours long
		{"2026-10-25", "Europe/Madrid", "2026-10-25T23:00:00Z"}, // 25 hours long
		{"2026-12-31T15:30:00+01:00", "UTC", "2026-12-31T14:30:00Z"},
	}
	for _, tt := range tests {
		zone, err := time.LoadLocation(tt.zone)
		if err != nil {
			t.Fatal(err)
		}
		if got := roster.Stamp(EndOf(tt.day, zone)); got != tt.want {
			t.Errorf("EndOf(%s, %s) = %s, want %s", tt.day, tt.zone, got, tt.want)
		}
	}
}

func TestR74ADateWithinSevenDaysCountsAsARemoval(t *testing.T) {
	for day, want := range map[string]int{"2026-09-07": 1, "2026-09-08": 0, "2026-08-31": 1} {
		_, f := planned(t, staff(), directory("1"), row(2, "1", "u1", says(roster.ExpiresOn, day)))
		if f.Removals != want {
			t.Errorf("expires_on %s on 2026-09-01 12:00: %d removals, want %d", day, f.Removals, want)
		}
	}
}

func TestR3WithheldRemovalsAreCounted(t *testing.T) {
	_, f := planned(t, staff(), directory("1", "2"), row(2, "", "x", bad("E120"), without(roster.Email)))
	if f.Withheld != 2 || f.UnreadableKeys != 1 || f.Absent.Kept != 2 {
		t.Errorf("withheld %d, unreadable %d, absent %+v", f.Withheld, f.UnreadableKeys, f.Absent)
	}
}

func TestR62AKeptAbsenceSaysWhatSuspendWouldDo(t *testing.T) {
	o := staff()
	o.Policy.Missing = "keep"
	_, f := planned(t, o, directory("1", "2", "3"), row(2, "1", "u1"))
	if f.WouldSuspend != 2 {
		t.Errorf("would suspend %d, want 2", f.WouldSuspend)
	}
}

func TestCanariesThatAreMissingAreNamed(t *testing.T) {
	o := staff()
	o.Canaries = []roster.Key{"1", "2"}
	_, f := planned(t, o, directory("1", "2"), row(2, "1", "u1"))
	if !slices.Equal(f.MissingCanaries, []string{"2"}) {
		t.Errorf("missing canaries %v", f.MissingCanaries)
	}
}

func TestRejectionsThatWereThereBeforeAreNotNew(t *testing.T) {
	m := directory("1")
	p, f := planned(t, staff(), m, row(2, "1", "u1", bad("E104")))
	if f.NewRejected != 1 {
		t.Fatalf("first night: %d new", f.NewRejected)
	}
	o := staff()
	o.Known = map[string]time.Time{p.Problems[0].Identity(): noon}
	p, f = planned(t, o, m, row(7, "1", "u1", bad("E104")))
	if f.NewRejected != 0 || !p.Problems[0].Since.Equal(noon) {
		t.Errorf("second night: %d new, since %v", f.NewRejected, p.Problems[0].Since)
	}
}

// A drop larger than a chunk, and than what is held in memory, plans the same
// in any order.
func TestR4AnyOrderOfManyRowsGivesOnePlan(t *testing.T) {
	var rows []roster.Entry
	for i := range 3*keep + 7 {
		k := strconv.Itoa(i)
		rows = append(rows, row(i+2, k, "u"+k))
	}
	want, _ := planned(t, staff(), directory("1", "2", "3"), rows...)
	rng := rand.New(rand.NewPCG(1, 2))
	rng.Shuffle(len(rows), func(i, j int) { rows[i], rows[j] = rows[j], rows[i] })
	got, _ := planned(t, staff(), directory("1", "2", "3"), rows...)
	if diff := cmp.Diff(want.told(), got.told()); diff != "" {
		t.Errorf("plans differ:\n%s", diff)
	}
	if len(got.Changes) != len(rows)-3 {
		t.Errorf("%d changes, want %d", len(got.Changes), len(rows)-3)
	}
}

func TestAReaderThatFailsEndsThePlanning(t *testing.T) {
	refused := &roster.Refusal{Code: "E408", Text: "cut"}
	failing := func() iter.Seq2[roster.Entry, error] {
		return func(yield func(roster.Entry, error) bool) {
			if yield(row(2, "1", "u1"), nil) {
				yield(roster.Entry{}, refused)
			}
		}
	}
	var p Plan
	_, err := Make(context.Background(), staff(), failing, directory("1", "2"), &p, noon)
	if !errors.Is(err, error(refused)) || len(p.Changes) != 0 {
		t.Errorf("error %v, %d changes", err, len(p.Changes))
	}
}
