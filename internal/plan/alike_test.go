package plan

import (
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"rollcall/internal/roster"
)

// compared asks who looks like somebody that is there, by address and last name.
func compared(how string) func(*Options, *memory) {
	return func(o *Options, m *memory) {
		o.Match.Lookalike, o.Match.Witness = how, []roster.Name{"last_name", "city"}
		m.account("3").Values[roster.City] = "Ulm"
		m.account("3").Links = nil // nobody's, so that her absence is no news
		m.account("3").Values[roster.EmployeeID] = ""
	}
}

// newcomer is an unknown person with the address or the witnesses of account 3.
func newcomer(line int, more ...func(*roster.Entry)) roster.Entry {
	return row(line, "9", "u9", more...)
}

func TestStoriesOfLookalikesR48(t *testing.T) {
	address := says(roster.Email, "P3@example.org")
	witnessed := func(e *roster.Entry) { says(roster.LastName, "LAST 3")(e); says(roster.City, "Ulm")(e) }
	own := []roster.Entry{row(2, "1", "u1"), row(3, "2", "u2")}
	with := func(e roster.Entry) []roster.Entry { return append(slices.Clone(own), e) }
	tell(t, []story{
		{"R48 who has all witnesses of somebody is added, and it is said", compared("warn"), with(newcomer(4, witnessed)), []string{"E309 line 4 warning", "add 9 u9"}},
		{"R48 with wait a person decides", compared("wait"), with(newcomer(4, witnessed)), []string{"E309 line 4 warning"}},
		{"R48 with off nobody is compared", compared("off"), with(newcomer(4, witnessed)), []string{"add 9 u9"}},
		{"R48 one witness that differs is enough", compared("wait"), with(newcomer(4, witnessed, says(roster.City, "Bonn"))), []string{"add 9 u9"}},
		{"R48 one witness that is empty says nothing", compared("wait"), with(newcomer(4, witnessed, without(roster.City))), []string{"add 9 u9"}},
		{"R48 who has the address of somebody waits too", compared("wait"), with(newcomer(4, address)), []string{"E309 line 4 warning"}},
		{"R48 R22 with warn the address is another's, and it is said whose he may be", compared("warn"), with(newcomer(4, address)), []string{"E130 line 4 error", "E309 line 4 warning"}},
		{"R48 whom another record mentions is another person", func(o *Options, m *memory) {
			o.Match.Lookalike, o.Match.Witness = "wait", []roster.Name{"last_name"}
		}, []roster.Entry{row(2, "1", "u1"), row(3, "2", "u2"), row(4, "3", "u3"), newcomer(5, says(roster.LastName, "Last 3"))}, []string{"add 9 u9"}},
		{"R3 R48 the account of a row that waits is not absent", func(o *Options, m *memory) {
			o.Match.Lookalike, o.Match.Witness = "wait", []roster.Name{"last_name"}
		}, []roster.Entry{row(2, "1", "u1"), row(3, "2", "u2"), newcomer(4, says(roster.LastName, "Last 3"))}, []string{"E309 line 4 warning"}},
		{"R3 R6 R48 whose name a rejected row bears is protected, whomever else it looks like by the next night", func(o *Options, m *memory) {
			o.Match.Lookalike, o.UniqueEmail = "wait", "warn"
		}, []roster.Entry{row(2, "1", "u1", says(roster.Email, "p9@example.org")), row(3, "2", "u2"), row(4, "9", "u3")}, []string{"E130 line 2 warning", "E303 line 4 error", "update 1 email=p9@example.org"}},
		{"R3 R48 whom a row looks like is not absent, if it is rejected for the account that has its name", func(o *Options, _ *memory) {
			o.Match.Lookalike, o.Match.Witness, o.Match.Fallback.By = "wait", []roster.Name{"last_name"}, "username"
		}, []roster.Entry{row(2, "1", "u1"), row(3, "2", "u2"), row(4, "9", "u2", says(roster.LastName, "Last 3"))}, []string{"E302 line 4 error"}},
		{"R3 R6 R48 whom a rejected row looks like is protected, whoever has its name by the next night", func(o *Options, m *memory) {
			o.Match.Lookalike, o.Match.Witness, o.Match.Fallback.By = "wait", []roster.Name{"last_name"}, "username"
			a := m.account("2")
			a.Values[roster.StatusField], a.Values[roster.StatusBy], a.Values[roster.StatusReason] = string(roster.Deleted), "hr", string(roster.FeedDelete)
			a.Links[0].Claim = roster.ClaimGone
		}, []roster.Entry{row(2, "1", "u1"), row(3, "2", ""), row(4, "9", "u2", says(roster.LastName, "Last 3"), bad("E104"))}, []string{"E104 line 4 error", "reactivate 2"}},
		{"R3 R6 R48 whom a row looks like is not absent, if it is rejected for the account that its own key finds", func(o *Options, m *memory) {
			suspended3(o, m)
			o.Match.Lookalike, o.Match.Witness = "wait", []roster.Name{"last_name"}
		}, []roster.Entry{row(2, "1", "u1"), row(4, "3", "u3", says(roster.LastName, "Last 2"))}, []string{"E307 line 4 error"}},
		{"R49 somebody has decided that he is new", func(o *Options, m *memory) {
			compared("wait")(o, m)
			m.decided["9"] = true
		}, with(newcomer(4, witnessed)), []string{"add 9 u9"}},
		{"R48 the deleted are nobody's look-alikes", func(o *Options, m *memory) {
			compared("wait")(o, m)
			m.account("").Values[roster.StatusField] = string(roster.Deleted)
		}, with(newcomer(4, witnessed)), []string{"add 9 u9"}},
	})
}

func TestR72AnAccountIsAddedSoManyDaysBeforeItsStart(t *testing.T) {
	o, m := staff(), directory("1")
	o.Policy.CreateBefore = 14 * 24 * time.Hour
	rows := []roster.Entry{row(2, "1", "u1"), row(3, "9", "u9", says(roster.StartsOn, "2026-10-01")), row(4, "8", "u8", says(roster.StartsOn, "2026-09-15"))}
	p, f := planned(t, o, m, rows...)
	if diff := cmp.Diff([]string{"add 8 u8", "skip line 3 skip"}, p.told()); diff != "" {
		t.Errorf("a month before and two weeks before (-want +got):\n%s", diff)
	}
	if f.Waits != "2026-09-17T00:00:00Z" {
		t.Errorf("the next is due %q, want the 17th", f.Waits)
	}
	m.apply(p)
	for day, want := range map[int][]string{16: {"skip line 3 skip"}, 17: {"add 9 u9"}} {
		p, _ := plannedAt(t, o, m, time.Date(2026, 9, day, 0, 0, 0, 0, time.UTC), rows...)
		if diff := cmp.Diff(want, slices.DeleteFunc(p.told(), func(s string) bool { return s == "reactivate 8" })); diff != "" {
			t.Errorf("on the %dth (-want +got):\n%s", day, diff)
		}
	}
}

func TestR3R72WhoIsLeftOutForNowProtectsWhoBearsTheName(t *testing.T) {
	o, m := staff(), directory("1", "2")
	o.Policy.CreateBefore = 24 * time.Hour
	p, _ := planned(t, o, m, row(2, "1", "u1"), row(3, "9", "u2", says(roster.StartsOn, "2026-12-01")))
	if diff := cmp.Diff([]string{"skip line 3 skip"}, p.told()); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestR75WhoWaitsForTheStartAndIsGoneDoesNotStart(t *testing.T) {
	for _, missing := range []string{"keep", "suspend"} {
		o, m := staff(), directory("1")
		o.Policy.Missing = missing
		p, _ := planned(t, o, m, row(2, "1", "u1"), row(3, "9", "u9", says(roster.StartsOn, "2026-10-01")))
		m.apply(p)
		p, f := planned(t, o, m, row(2, "1", "u1"))
		if diff := cmp.Diff([]string{"claim 9", "note line 0 note"}, p.told()); diff != "" || f.Rescinded != 1 {
			t.Errorf("missing: %s: %d rescinded (-want +got):\n%s", missing, f.Rescinded, diff)
		}
		m.apply(p)
		day := time.Date(2026, 10, 1, 6, 0, 0, 0, time.UTC)
		if c, ok := ByDates(m.account("9"), Protected{}, roster.Stamp(day)); ok {
			t.Errorf("missing: %s: the sweep starts him all the same: %+v", missing, c)
		}
		p, f = plannedAt(t, o, m, day, row(2, "1", "u1"))
		if len(p.Changes) > 0 || f.Rescinded != 0 {
			t.Errorf("missing: %s: on the day: %v, %d rescinded", missing, p.told(), f.Rescinded)
		}
		p, _ = plannedAt(t, o, m, day, row(2, "1", "u1"), row(3, "9", "u9", says(roster.StartsOn, "2026-10-01")))
		m.apply(p)
		if got := m.account("9").Status(); got != roster.Active {
			t.Errorf("missing: %s: he is listed again: %s, want active", missing, got)
		}
	}
}
