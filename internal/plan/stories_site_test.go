package plan

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"rollcall/internal/roster"
)

// ontario is a profile of Canada/Ontario, whose accounts 1 and 2 are; account 3 is
// of a site that only begins alike.
func ontario(more ...func(*Options, *memory)) func(*Options, *memory) {
	return func(o *Options, m *memory) {
		o.Site = "Canada/Ontario"
		for key, site := range map[string]string{"1": "Canada/Ontario", "2": "Canada/Ontario/Ottawa", "3": "Canada/Ontario East"} {
			m.account(key).Values[roster.Site] = site
		}
		for _, f := range more {
			f(o, m)
		}
	}
}

func TestStoriesOfSitesR44(t *testing.T) {
	own := []roster.Entry{row(2, "1", "u1"), row(3, "2", "u2")}
	with := func(e ...roster.Entry) []roster.Entry { return append(append([]roster.Entry{}, own...), e...) }
	fallback := func(o *Options, m *memory) {
		o.Match.Fallback.By = "username"
		m.account("3").Values[roster.EmployeeID], m.account("3").Links = "", nil
	}
	tell(t, []story{
		{"R44 the site and those below it are seen", ontario(), []roster.Entry{row(2, "1", "u1", says(roster.City, "Ulm")), row(3, "2", "u2", says(roster.City, "Bonn"))}, []string{"claim 3", "update 1 city=Ulm", "update 2 city=Bonn"}},
		{"R44 who is absent elsewhere is not this profile's to remove, nor to keep", ontario(), []roster.Entry{row(2, "1", "u1")}, []string{"claim 3", "suspend 2"}},
		{"R44 a record that means somebody elsewhere is E306", ontario(), with(row(4, "3", "u3", says(roster.City, "Ulm"))), []string{"E306 line 4 error"}},
		{"R7 R44 and removes nobody there", ontario(), with(row(4, "3", "u3", wishes(roster.WishLeaver))), []string{"E306 line 4 error"}},
		{"R44 also where the profile does not link her", ontario(func(_ *Options, m *memory) { m.account("3").Links = nil }), with(row(4, "3", "u3")), []string{"E306 line 4 error"}},
		{"R44 new accounts go to the profile's site", ontario(), with(row(4, "9", "u9")), []string{"add 9 u9", "claim 3"}},
		{"R44 R35 an old name that is another site's", ontario(), with(row(4, "9", "u9", was("u3"))), []string{"E306 line 4 error"}},
		{"R44 R46 a previous key that is another site's", ontario(), with(row(4, "9", "u9", before("3"))), []string{"E306 line 4 error"}},
		{"R44 R42 the fallback finds nobody of another site", ontario(fallback), with(row(4, "9", "u3")), []string{"E306 line 4 error"}},
		{"R33 R44 a username is one's own on every site", ontario(), with(row(4, "9", "u3")), []string{"E303 line 4 error"}},
		{"R22 R44 so is an address", ontario(), with(row(4, "9", "u9", says(roster.Email, "p3@example.org"))), []string{"E130 line 4 error"}},
		{"R44 R48 nobody of another site is a look-alike", ontario(func(o *Options, _ *memory) { o.Match.Lookalike, o.Match.Witness = "wait", []roster.Name{"last_name"} }), with(row(4, "9", "u9", says(roster.LastName, "Last 3"))), []string{"add 9 u9", "claim 3"}},
		{"R44 R68 nor has he left the scope", ontario(leavers), with(row(4, "3", "u3", outside)), []string{"skip line 4 skip"}},
	})
}

// twin is ontario where the profile knows account 3, of another site, by the key of
// account 1: the first has moved, and a person has linked the second.
func twin(more ...func(*Options, *memory)) func(*Options, *memory) {
	return ontario(append([]func(*Options, *memory){func(_ *Options, m *memory) { m.account("3").Link("hr").Key = "1" }}, more...)...)
}

// of1 gives account 1 a status that this feed has set.
func of1(status roster.Status, why roster.Reason) func(*Options, *memory) {
	return func(o *Options, m *memory) {
		v := &m.account("1").Values
		v[roster.StatusField], v[roster.StatusBy], v[roster.StatusReason] = string(status), "hr", string(why)
		o.Match.Witness = []roster.Name{"last_name"}
	}
}

// What becomes of an account of another site whose key stands on a row.
func TestStoriesOfAnotherSitesAccountR3R44(t *testing.T) {
	deletes := func(o *Options, _ *memory) { o.Policy.Delete, o.Policy.FallbackOwner = true, "nobody" }
	named := func(_ *Options, m *memory) { m.account("2").Values[roster.Username] = "u1" }
	own := row(3, "2", "u2")
	tell(t, []story{
		{"R44 a row that is used is that of the account in sight, and the other is let go", twin(), []roster.Entry{row(2, "1", "u1"), own}, []string{"claim 1"}},
		{"R3 a key that may be somebody else's by now lets nobody go", twin(of1(roster.Suspended, roster.Missing)), []roster.Entry{row(2, "1", "u1", says(roster.LastName, "Other")), own}, []string{"E307 line 2 error"}},
		{"R3 nor does a row with a control character", twin(), []roster.Entry{row(2, "1", "u1", bad("E104")), own}, []string{"E104 line 2 error"}},
		{"R3 nor a deletion that nobody could inherit from", twin(deletes), []roster.Entry{row(2, "1", "u1", wishes(roster.WishDelete)), own}, []string{"E209 line 2 error"}},
		{"R3 nor a rehire whose name another account has by now", twin(of1(roster.Deleted, roster.FeedDelete), named), []roster.Entry{row(2, "1", "u1"), row(3, "2", "u2", without(roster.Username))}, []string{"E303 line 2 error"}},
		{"R3 nor a row with two of them in sight", twin(func(_ *Options, m *memory) { m.account("2").Link("hr").Key = "1" }), []roster.Entry{row(2, "1", "u1")}, []string{"E301 line 2 error"}},
		{"R3 nor one that is known by its previous key", twin(of1(roster.Suspended, roster.Missing)), []roster.Entry{row(2, "9", "u1", before("1"), says(roster.LastName, "Other")), own}, []string{"E307 line 2 error"}},
		{"R3 P4 nor does a file with a row that may be anybody's", ontario(), []roster.Entry{row(2, "1", "u1"), own, row(4, "", "u9", bad("E120"))}, []string{"E120 line 4 error"}},
		{"R3 P4 nor one whose column of keys is gone", ontario(func(o *Options, _ *memory) { o.Keyless, o.Match.Fallback.By = true, "username" }), []roster.Entry{row(2, "", "u1", keyless), row(3, "", "u2", keyless)}, nil},
	})
}

// keyless is what a row of a file without the column of keys says.
func keyless(e *roster.Entry) {
	e.KeyBad = false
	without(roster.EmployeeID, roster.Email, roster.FirstName, roster.LastName)(e)
}

// A key is unique within the tree: the same one elsewhere is somebody else's.
func TestR44KeysAreUniqueWithinTheTree(t *testing.T) {
	o, m := staff(), directory("1", "2")
	o.Profile, o.Site = "quebec", "Canada/Quebec"
	m.account("1").Values[roster.Site] = "Canada/Ontario"
	m.account("2").Values[roster.Site] = "Canada/Quebec"
	m.account("2").Values[roster.EmployeeID], m.account("2").Links = "1", nil
	p, _ := planned(t, o, m, row(2, "1", "u2", says(roster.Email, "p2@example.org")))
	if len(p.Problems) > 0 || len(p.Changes) != 1 || p.Changes[0].Account != 2 {
		t.Errorf("key 1 of Quebec: %v", p.told())
	}
}

func TestR44OwnershipAndTheLedgersAreThoseOfTheTree(t *testing.T) {
	o, m := staff(), directory("1", "2", "3")
	ontario()(&o, m)
	p, f := planned(t, o, m, row(2, "1", "u1"), row(3, "9", "u9"), row(4, "8", "u8", says(roster.Site, "Canada/Ontario/Ottawa")))
	if f.Owned != 2 || f.ActiveBefore != 2 || f.ActiveAfter != 3 || f.Absent != (Absent{Total: 1, Suspended: 1}) || f.Removals != 1 {
		t.Errorf("facts %+v", f)
	}
	m.apply(p)
	sites := []string{m.account("9").Values[roster.Site], m.account("8").Values[roster.Site]}
	if diff := cmp.Diff([]string{"Canada/Ontario", "Canada/Ontario/Ottawa"}, sites); diff != "" {
		t.Errorf("sites of the new accounts (-want +got):\n%s", diff)
	}
	if l := m.account("3").Link("hr"); l == nil || l.Claim != roster.ClaimGone || m.account("3").Status() != roster.Active {
		t.Errorf("account 3: %+v, %s", l, m.account("3").Status())
	}
}
