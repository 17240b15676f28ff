package run_test

import (
	"strings"
	"testing"

	"rollcall/internal/journal"
	"rollcall/internal/mapping"
	"rollcall/internal/plan"
	"rollcall/internal/roster"
	"rollcall/internal/run"
)

// wards takes the records of some wards alone.
func wards(left string, names ...string) func(*run.Profile) {
	return func(p *run.Profile) {
		p.Mapping.Scope = mapping.Scope{Include: map[string][]string{"department": names}, Left: left}
		p.Plan.ScopeLeft = left
	}
}

// TestR68S4WhoLeavesTheScopeIsReadEachNight moves a person between wards, and then
// the scope itself: the first look must hide neither.
func TestR68S4WhoLeavesTheScopeIsReadEachNight(t *testing.T) {
	both(t, func(t *testing.T, s *site) {
		p := s.feed("hr", wards("suspend", "Ward 0", "Ward 1", "Ward 2", "Ward 3", "Ward 4", "Ward 5"))
		lines := people(20)
		j := s.read(p, journal.OK, lines...)
		if j.Facts.Rows.Added != 18 || j.Facts.Rows.Skipped != 2 || j.Facts.Scope != (plan.Scope{Outside: 2}) {
			t.Fatalf("rows %+v, scope %+v", j.Facts.Rows, j.Facts.Scope)
		}
		s.unread(s.read(p, journal.Unchanged, again(lines)...), 18)

		lines[3] = strings.Replace(lines[3], "Ward 2", "Ward 6", 1)
		j = s.read(p, journal.OK, lines...)
		s.unread(j, 17)
		a := s.account("key:E0002")
		if j.Facts.Rows.Suspended != 1 || a.Status() != roster.Suspended || a.Values[roster.StatusReason] != string(roster.OutOfScope) {
			t.Errorf("rows %+v, %s, %s", j.Facts.Rows, a.Status(), a.Values[roster.StatusReason])
		}
		j = s.read(p, journal.Unchanged, again(lines)...)
		if j.Facts.Scope != (plan.Scope{Outside: 3, Left: 1}) || j.Facts.Absent.Total != 0 {
			t.Errorf("the next night: scope %+v, absent %+v", j.Facts.Scope, j.Facts.Absent)
		}

		wards("suspend", "Ward 0", "Ward 1", "Ward 2", "Ward 3", "Ward 4", "Ward 6")(p)
		j = s.read(p, journal.OK, again(lines)...)
		if r := j.Facts.Rows; r.Reactivated != 1 || r.Added != 2 || r.Suspended != 3 {
			t.Errorf("another scope: rows %+v", r)
		}
		if j.Facts.Scope != (plan.Scope{Outside: 3, Left: 3}) {
			t.Errorf("another scope: %+v", j.Facts.Scope)
		}
		if _, err := s.Revert(t.Context(), p, j.Number, nil, run.By{Who: "ada", Reason: "the old scope was right"}); err != nil {
			t.Fatal(err)
		}
		if a := s.account("key:E0002"); a.Status() != roster.Suspended {
			t.Errorf("R103: taken back, he is %s", a.Status())
		}
	})
}
