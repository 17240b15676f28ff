package plan

import (
	"testing"

	"rollcall/internal/roster"
)

// anchored gives a row an anchor.
func anchored(a string) func(*roster.Entry) { return func(e *roster.Entry) { e.Anchor = a } }

// anchors gives the accounts 1, 2 and 3 the anchors A, B and C.
func anchors(_ *Options, m *memory) {
	for key, a := range map[string]string{"1": "A", "2": "B", "3": "C"} {
		m.account(key).Links[0].Anchor = a
	}
}

func with(more ...func(*Options, *memory)) func(*Options, *memory) {
	return func(o *Options, m *memory) {
		for _, f := range more {
			f(o, m)
		}
	}
}

func TestStoriesOfAnchorsR47(t *testing.T) {
	bare := without(roster.Email, roster.FirstName, roster.LastName)
	one, two, three := row(2, "1", "u1", anchored("A")), row(3, "2", "u2", anchored("B")), row(4, "3", "u3", anchored("C"))
	keyless := func(wish roster.Wish) roster.Entry {
		return roster.Entry{Line: 4, Anchor: "C", Wish: wish}
	}
	elsewhere := func(o *Options, m *memory) {
		o.Site = "A"
		for i := range m.accounts {
			m.accounts[i].Values[roster.Site] = "A"
		}
		m.account("3").Values[roster.Site] = "B"
	}
	tell(t, []story{
		{"R47 an anchor that is new is kept, and is no change of the account", nil, []roster.Entry{one, two, three}, []string{"claim 1", "claim 2", "claim 3"}},
		{"R47 an anchor that is known asks for nothing", anchors, []roster.Entry{one, two, three}, nil},
		{"R47 a record without one keeps it", anchors, []roster.Entry{row(2, "1", "u1"), two, three}, nil},
		{"R47 a new key under the same anchor is a re-key", anchors, []roster.Entry{one, two, row(4, "9", "u3", anchored("C"), bare)}, []string{"update 9 employee_id=9"}},
		{"R47 without the anchor it is somebody new", anchors, []roster.Entry{one, two, row(4, "9", "u9")}, []string{"add 9 u9", "suspend 3"}},
		{"R47 key and name are new under the same anchor", anchors, []roster.Entry{one, two, row(4, "9", "u9", anchored("C"), bare)}, []string{"rename 9 employee_id=9 username=u9"}},
		{"R47 an entry that was made anew has the key, and its anchor is taken over with a note", anchors, []roster.Entry{one, two, row(4, "3", "u3", anchored("D"))}, []string{"claim 3", "note line 4 note"}},
		{"R47 key and anchor of two accounts: neither is touched, and nobody is absent", anchors, []roster.Entry{one, row(4, "2", "u2", anchored("C"), says(roster.City, "Ulm"))}, []string{"E302 line 4 error"}},
		{"R3 R6 R47 nor is whom the previous key means", anchors, []roster.Entry{row(3, "2", "u2", anchored("C"), before("1"))}, []string{"E302 line 3 error"}},
		{"R47 two entries have swapped their keys: a person decides", anchors, []roster.Entry{one, row(3, "2", "u2", anchored("C")), row(4, "3", "u3", anchored("B"))}, []string{"E302 line 3 error", "E302 line 4 error"}},
		{"R47 a key was given to another entry while its own has a new one: neither is used", anchors, []roster.Entry{one, two, row(4, "3", "new", anchored("D"), without(roster.Email)), row(5, "9", "u3", anchored("C"), without(roster.Email))}, []string{"E302 line 4 error", "E302 line 5 error"}},
		{"R49 what a person has decided about a key stands above the anchor", with(anchors, func(_ *Options, m *memory) { m.account("2").Links[0].Decided = true }), []roster.Entry{one, row(3, "2", "u2", anchored("C")), row(4, "3", "u3")}, []string{"claim 2", "note line 3 note"}},
		{"R47 an anchor of several accounts says nothing", with(anchors, func(_ *Options, m *memory) { m.account("2").Links[0].Anchor = "C" }), []roster.Entry{one, row(3, "2", "u2"), row(4, "3", "u3"), row(5, "9", "u9", anchored("C"))}, []string{"add 9 u9"}},
		{"R47 the anchor finds whom the fallback may not take", with(anchors, func(o *Options, _ *memory) { o.Match.Fallback.By = "username" }), []roster.Entry{one, two, row(4, "9", "u3", anchored("C"), bare)}, []string{"update 9 employee_id=9"}},
		{"R47 the previous key and the anchor mean two accounts", anchors, []roster.Entry{one, two, row(4, "9", "u9", anchored("C"), before("2"))}, []string{"E302 line 4 error"}},
		{"R4 R47 an account that a record means by its previous key, and by its anchor another, is no other record's either", anchors, []roster.Entry{one, row(3, "8", "x8", anchored("C"), before("2")), row(4, "9", "x9", before("2"))}, []string{"E302 line 3 error", "E302 line 4 error"}},
		{"R4 R47 the same in another order", anchors, []roster.Entry{one, row(3, "9", "x9", before("2")), row(4, "8", "x8", anchored("C"), before("2"))}, []string{"E302 line 3 error", "E302 line 4 error"}},
		{"R47 an old name that nobody has, and an anchor that somebody has", anchors, []roster.Entry{one, two, row(4, "9", "u9", anchored("C"), was("x9"), bare)}, []string{"rename 9 employee_id=9 username=u9"}},
		{"R47 the key is the number of an account that the profile does not own", with(anchors, func(_ *Options, m *memory) {
			a := clone(m.account("2"))
			a.ID, a.Links, a.Values[roster.EmployeeID], a.Values[roster.Username], a.Values[roster.Email] = 50, nil, "9", "other", ""
			m.accounts = append(m.accounts, *a)
		}), []roster.Entry{one, two, row(4, "9", "u3", anchored("C"))}, []string{"E302 line 4 error"}},
		{"R45 an entry that is known by its anchor alone, and all witnesses disagree", with(anchors, func(o *Options, _ *memory) { o.Match.Witness = []roster.Name{"last_name"} }), []roster.Entry{one, two, row(4, "9", "u3", anchored("C"), says(roster.LastName, "Other"))}, []string{"E307 line 4 error"}},
		{"R45 a witness agrees", with(anchors, func(o *Options, _ *memory) { o.Match.Witness = []roster.Name{"last_name"} }), []roster.Entry{one, two, row(4, "9", "u3", anchored("C"), bare, says(roster.LastName, "Last 3"))}, []string{"update 9 employee_id=9"}},
		{"R45 a deleted account waits for a person, whatever the anchor", with(anchors, deleted3), []roster.Entry{one, two, row(4, "9", "u3", anchored("C"))}, []string{"E307 line 4 error"}},
		{"R47 suspended by absence, and listed again under another key", with(anchors, suspended3), []roster.Entry{one, two, row(4, "9", "u3", anchored("C"), bare)}, []string{"reactivate 9 employee_id=9"}},
		{"R3 an entry that has lost its key is nobody else's: the absent go", anchors, []roster.Entry{one, row(4, "", "u3", anchored("C"), bad("E120"), keyBad)}, []string{"E120 line 4 error", "suspend 2"}},
		{"R3 without the anchor it may be anybody's", anchors, []roster.Entry{one, row(4, "", "x3", bad("E120"), keyBad)}, []string{"E120 line 4 error"}},
		{"R7 an entry that has lost its key and asks to suspend", anchors, []roster.Entry{one, two, row(4, "", "u3", anchored("C"), bad("E120"), keyBad, wishes(roster.WishSuspend))}, []string{"E120 line 4 warning", "suspend 3"}},
		{"R47 an anchor alone is enough to end an account", anchors, []roster.Entry{one, two, keyless(roster.WishLeaver)}, []string{"suspend 3"}},
		{"R66 nobody has the anchor that is to be deleted", anchors, []roster.Entry{one, two, three, {Line: 5, Anchor: "Z", Wish: roster.WishDelete}}, []string{"E308 line 5 error"}},
		{"R44 the anchor is that of an account elsewhere", with(anchors, elsewhere), []roster.Entry{one, two, row(4, "9", "u9", anchored("C"))}, []string{"E306 line 4 error"}},
		{"R4 R44 the previous key is one account's, which another record means too, and the anchor that of one elsewhere", with(anchors, elsewhere), []roster.Entry{one, row(3, "8", "x8", anchored("C"), before("2")), row(4, "9", "u2", before("2"), bare)}, []string{"E306 line 3 error", "update 9 employee_id=9"}},
		{"R4 R44 the same in another order", with(anchors, elsewhere), []roster.Entry{one, row(3, "9", "u2", before("2"), bare), row(4, "8", "x8", anchored("C"), before("2"))}, []string{"E306 line 4 error", "update 9 employee_id=9"}},
		{"R41 copies of one key under two anchors are two entries", anchors, []roster.Entry{one, two, row(4, "3", "u3", anchored("C")), row(5, "3", "u3", anchored("D"))}, []string{"E105 line 4 error", "E105 line 5 error"}},
	})
}

func keyBad(e *roster.Entry) { e.KeyBad = true }

// What the guardrails see of it: a re-key counts with the renames (R42).
func TestR47AReKeyCountsWithTheRenames(t *testing.T) {
	o, m := staff(), directory("1", "2", "3")
	anchors(&o, m)
	_, f := planned(t, o, m, row(2, "1", "u1", anchored("A")), row(3, "8", "u2", anchored("B")), row(4, "9", "u3", anchored("C")))
	if f.Renames != 2 || f.Rows.Updated != 2 || f.Rows.Unchanged != 1 {
		t.Errorf("renames %d, rows %+v; want two re-keyed", f.Renames, f.Rows)
	}
}

func TestR47RevertGivesTheAnchorBack(t *testing.T) {
	o, m := staff(), directory("3")
	m.account("3").Links[0].Anchor = "C"
	p, _ := planned(t, o, m, row(4, "3", "u3", anchored("D"), says(roster.City, "Ulm")))
	m.apply(p)
	if got := m.account("3").Links[0].Anchor; got != "D" {
		t.Fatalf("anchor %q, want D", got)
	}
	back, left := Opposite(p.Changes[0], m.account("3"))
	if back == nil || len(left) > 0 {
		t.Fatalf("taken back: %v, left %v", back, left)
	}
	m.apply(Plan{Changes: []Change{*back}})
	if got := m.account("3").Links[0].Anchor; got != "C" {
		t.Errorf("taken back: anchor %q, want C", got)
	}
	// A change of before there were anchors leaves the one that was learned since.
	old := Change{Action: Update, Account: m.account("3").ID, Links: []LinkChange{{Profile: "hr", OldKey: "7", NewKey: "3", Old: roster.ClaimActive, New: roster.ClaimActive}}}
	back, _ = Opposite(old, m.account("3"))
	m.apply(Plan{Changes: []Change{*back}})
	if l := m.accounts[0].Links[0]; l.Anchor != "C" || l.Key != "7" {
		t.Errorf("an old change taken back: key %q, anchor %q, want 7 and C", l.Key, l.Anchor)
	}
}
