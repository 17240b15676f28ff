package run_test

import (
	"strings"
	"testing"

	"rollcall/internal/journal"
	"rollcall/internal/plan"
	"rollcall/internal/roster"
	"rollcall/internal/run"
)

// TestR44SitesAreAWorldOfTheirOwn has one feed for a site and one for everybody: what
// the first counts, looks at and removes is of its tree, also where the first look
// passes the others over, and also when somebody moves.
func TestR44SitesAreAWorldOfTheirOwn(t *testing.T) {
	both(t, func(t *testing.T, s *site) {
		national := s.feed("national")
		ontario := s.feed("ontario", func(p *run.Profile) { p.Plan.Site, p.Mapping.Site = "Canada/Ontario", "Canada/Ontario" })
		at := func(site string, lines ...string) []string {
			var all []string
			for i, l := range lines {
				if i == 0 {
					all = append(all, l+",site")
				} else {
					all = append(all, l+","+site)
				}
			}
			return all
		}
		everybody := people(30)
		s.read(national, journal.OK, append(at("Canada/Quebec", everybody[:21]...), at("Canada/Ontario/Ottawa", append(everybody[:1:1], everybody[21:]...)...)[1:]...)...)
		here := append(everybody[:1:1], everybody[21:]...) // ten of Ottawa
		j := s.read(ontario, journal.OK, append(here, person("N1", "new1"))...)
		if f := j.Facts; f.Rows.Added != 1 || f.Rows.Updated != 10 || f.ActiveAfter != 11 {
			t.Fatalf("first night: %+v", f)
		}
		if got := s.account("key:N1").Values[roster.Site]; got != "Canada/Ontario" {
			t.Errorf("the newcomer's site is %q", got)
		}

		// The same people again, and one of Quebec: somebody else's.
		j = s.read(ontario, journal.Warn, append(here, person("N1", "new1"), person("E0003", "user3", "ICU"))...)
		s.unread(j, 11)
		if f := j.Facts; f.Owned != 11 || f.ActiveBefore != 11 || f.Rows.Rejected != 1 || f.Absent.Total != 0 {
			t.Errorf("somebody of Quebec: %+v", f)
		}

		// One moves to Quebec by the other feed, and is gone from this one: nobody here
		// removes him, nor keeps him.
		moved := append(at("Canada/Quebec", everybody[:22]...), at("Canada/Ontario/Ottawa", append(everybody[:1:1], everybody[22:]...)...)[1:]...)
		s.read(national, journal.OK, moved...)
		gone := append(here[:1:1], here[2:]...)
		j = s.read(ontario, journal.Unchanged, append(gone, person("N1", "new1"))...)
		if f := j.Facts; f.Absent.Total != 0 || f.Owned != 10 || f.ActiveAfter != 10 {
			t.Errorf("one has moved: %+v", f)
		}
		a := s.account("key:E0020")
		if l := a.Link("ontario"); a.Status() != roster.Active || l == nil || l.Claim != roster.ClaimGone {
			t.Errorf("who has moved: %s, %+v", a.Status(), l)
		}

		// Who is absent here is suspended only here, and what national says still counts.
		j = s.read(ontario, journal.OK, gone...)
		if f := j.Facts; f.Absent != (plan.Absent{Total: 1, Suspended: 1}) || f.ActiveAfter != 9 {
			t.Errorf("the newcomer has left: %+v", f)
		}
		if b := s.account("key:E0003"); b.Status() != roster.Active || strings.Contains(b.Values[roster.Department], "ICU") {
			t.Errorf("somebody of Quebec is %s, in %s", b.Status(), b.Values[roster.Department])
		}
	})
}
