package plan

import (
	"testing"

	"rollcall/internal/roster"
)

func TestStoriesOfCorrelationR41R42R43R45R46R49(t *testing.T) {
	tell(t, []story{
		{"R41 records that differ in a default alone differ", nil, []roster.Entry{row(2, "1", "u1"), row(3, "2", "u2"), row(4, "3", "u3"), row(5, "9", "u9", defaults("Ulm")), row(6, "9", "u9", defaults("Bonn"))}, []string{"E105 line 5 error", "E105 line 6 error"}},
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
		{"R45 where a witness agrees it is a rehire", func(o *Options, m *memory) { deleted3(o, m); o.Match.Witness = []roster.Name{"last_name"} }, []roster.Entry{row(2, "1", "u1"), row(3, "2", "u2"), row(4, "3", "u3")}, []string{"reactivate 3"}},
		{"R33 R45 a rehire keeps its name, though a newcomer asks for it", func(o *Options, m *memory) { deleted3(o, m); o.Match.Witness = []roster.Name{"last_name"} }, []roster.Entry{row(2, "1", "u1"), row(3, "2", "u2"), row(4, "3", "u3"), row(5, "9", "u3")}, []string{"E303 line 5 error", "reactivate 3"}},
		{"R45 every witness disagrees: somebody else's key", func(o *Options, m *memory) { suspended3(o, m); o.Match.Witness = []roster.Name{"last_name"} }, []roster.Entry{row(2, "1", "u1"), row(3, "2", "u2"), row(4, "3", "u3", says(roster.LastName, "Other"))}, []string{"E307 line 4 error"}},
		{"R46 previous_key moves the link and keeps the account", nil, []roster.Entry{row(2, "1", "u1"), row(3, "2", "u2"), row(4, "9", "u3", without(roster.Email, roster.FirstName, roster.LastName), func(e *roster.Entry) { e.PreviousKey = "3" })}, []string{"update 9 employee_id=9"}},
		{"R46 an unknown previous key is E305", nil, []roster.Entry{row(2, "1", "u1"), row(3, "2", "u2"), row(4, "3", "u3"), row(5, "9", "u9", func(e *roster.Entry) { e.PreviousKey = "99" })}, []string{"E305 line 5 error"}},
		{"R49 a person has decided that the key is somebody new", func(o *Options, m *memory) { deleted3(o, m); m.decided["3"] = true }, []roster.Entry{row(2, "1", "u1"), row(3, "2", "u2"), row(4, "3", "fresh")}, []string{"add 3 fresh"}},
		{"R42 without a key the fallback adopts nobody who is suspended", func(o *Options, m *memory) { suspended3(o, m); unlinked(o, m); o.Match.Fallback.By = "username" }, []roster.Entry{row(2, "1", "u1"), row(3, "2", "u2"), row(4, "", "u3", without(roster.Email), func(e *roster.Entry) { e.KeyBad = false })}, []string{"E302 line 4 error"}},
	})
}
