package run_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"rollcall/internal/guard"
	"rollcall/internal/journal"
	"rollcall/internal/mapping"
	"rollcall/internal/plan"
	"rollcall/internal/roster"
	"rollcall/internal/run"
	"rollcall/internal/store"
)

const memberHeader = "employee_id,username,first_name,last_name,email,cohort1,cohort2,course1,role1,group1,enrolperiod1,sysrole1"

// member is a row of that header.
func member(key string, more ...string) string {
	cells := append([]string{key, "u" + key, "First" + key, "Last" + key, "p" + key + "@example.org"}, more...)
	for len(cells) < 12 {
		cells = append(cells, "")
	}
	return strings.Join(cells, ",")
}

// belongs is what an account is a member of, each with its end.
func (s *site) belongs(ref string) []string {
	s.t.Helper()
	var all []string
	for _, m := range s.account(ref).Memberships() {
		all = append(all, strings.TrimSpace(m.String()+" "+m.Until))
	}
	return all
}

func (s *site) wantMemberships(ref string, want ...string) {
	s.t.Helper()
	if diff := cmp.Diff(want, s.belongs(ref)); diff != "" {
		s.t.Errorf("%s: -want +got\n%s", ref, diff)
	}
}

func exactly(p *run.Profile) { p.Plan.Policy.Memberships = "exact" }

func TestR92R94AMembershipIsGrantedEndsByTheSweepAndGoesWithItsRecord(t *testing.T) {
	both(t, func(t *testing.T, s *site) {
		p := s.feed("hr", exactly)
		first := s.read(p, journal.OK, memberHeader, member("1", "icu", "er", "FIRE-101", "learner", "Night", "3", "manager"), member("2", "icu"))
		if f := first.Facts; f.MembershipsAdded != 5 || f.Rows.Added != 2 {
			t.Errorf("facts %+v", f)
		}
		ends := roster.Stamp(time.Date(2026, 9, 5, 0, 0, 0, 0, time.UTC)) // granted on the 2nd
		s.wantMemberships("key:1", "cohort:er", "cohort:icu", "course:FIRE-101:learner:Night "+ends, "role:manager")

		// Another file of the same people: nothing to do, and all are passed over.
		again := s.read(p, journal.Unchanged, memberHeader, member("1", "icu", "er", "FIRE-101", "learner", "Night", "3", "manager"), member("2", "icu"), "")
		s.unread(again, 2)

		// The record no longer lists a cohort and the role: that alone is an update.
		less := s.read(p, journal.OK, memberHeader, member("1", "icu", "", "FIRE-101", "learner", "Night", "3", ""), member("2", "icu"))
		if r := less.Facts.Rows; r.Updated != 1 || less.Facts.MembershipsRemoved != 2 {
			t.Errorf("rows %+v, removed %d", r, less.Facts.MembershipsRemoved)
		}
		s.wantMemberships("key:1", "cohort:icu", "course:FIRE-101:learner:Night "+ends)
		for o, err := range s.Store.Changes(context.Background(), less.Number) {
			added, removed := o.Joined()
			if err != nil || len(added) > 0 || len(removed) != 2 || o.Reason != "the record lists other memberships" {
				t.Errorf("change %+v, %v", o, err)
			}
		}

		// The sweep ends what is over, once.
		if j, err := s.Sweep(t.Context(), "schedule"); j != nil || err != nil {
			t.Errorf("a sweep before anything is due: %v, %v", j, err)
		}
		s.pass(12 * time.Hour) // it is the 4th, six in the evening
		s.pass(6 * time.Hour)  // and midnight
		swept, err := s.Sweep(t.Context(), "schedule")
		if err != nil || swept == nil || swept.Facts.Rows.Updated != 1 || swept.Status != journal.OK {
			t.Fatalf("sweep: %+v, %v", swept, err)
		}
		s.wantMemberships("key:1", "cohort:icu")
		if j, err := s.Sweep(t.Context(), "schedule"); j != nil || err != nil {
			t.Errorf("it ends twice: %v, %v", j, err)
		}

		// R92: while the record says the same it is not granted again; the record is read once more, and then passed over.
		read := s.read(p, journal.Unchanged, memberHeader, member("1", "icu", "", "FIRE-101", "learner", "Night", "3", ""), member("2", "icu"), "")
		s.unread(read, 1)
		s.wantMemberships("key:1", "cohort:icu")
		s.unread(s.read(p, journal.Unchanged, memberHeader, member("1", "icu", "", "FIRE-101", "learner", "Night", "3", ""), member("2", "icu"), "", ""), 2)
		s.read(p, journal.OK, memberHeader, member("1", "icu", "", "FIRE-101", "learner", "Night", "30", ""), member("2", "icu"))
		if got := s.belongs("key:1"); len(got) != 2 {
			t.Errorf("R92: with another text: %v", got)
		}

		// R103: taken back, it is as before; the grant of the day that it was made is gone.
		if j, err := s.Revert(t.Context(), p, less.Number, nil, run.By{Who: "ada", Reason: "wrong file"}); err != nil || j.Facts.Rows.Updated != 1 {
			t.Fatalf("revert: %v, %+v", err, j)
		}
		if got := s.belongs("key:1"); !slices.Contains(got, "cohort:er") || !slices.Contains(got, "role:manager") {
			t.Errorf("R103: after the revert: %v", got)
		}
	})
}

func TestR94TwoProfilesAndAPersonEachKeepWhatTheyGranted(t *testing.T) {
	both(t, func(t *testing.T, s *site) {
		hr, school := s.feed("hr", exactly), s.feed("school", exactly)
		s.read(hr, journal.OK, memberHeader, member("1", "icu", "er"))
		s.read(school, journal.OK, memberHeader, member("1", "icu", "pupils"))
		s.wantMemberships("key:1", "cohort:er", "cohort:icu", "cohort:pupils")
		version := s.account("key:1").Version

		// hr lists nothing more: what school grants too stays, and what it granted alone goes.
		s.read(hr, journal.OK, memberHeader, member("1"))
		s.wantMemberships("key:1", "cohort:icu", "cohort:pupils")
		if v := s.account("key:1").Version; v != version+1 {
			t.Errorf("version %d, want %d", v, version+1)
		}

		person := plan.Person{Who: roster.Person("ada"), Reason: "by phone", At: roster.Stamp(s.now())}
		c, err := person.Enrol(s.account("key:1"), []roster.Membership{{Kind: roster.CohortKind, Name: "choir"}, {Kind: roster.CohortKind, Name: "pupils"}}, nil)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := s.Do(t.Context(), plan.Plan{Changes: []plan.Change{c}}, run.By{Who: "ada"}); err != nil {
			t.Fatal(err)
		}
		s.read(school, journal.OK, memberHeader, member("1"))
		s.wantMemberships("key:1", "cohort:choir", "cohort:pupils")

		// The lists see it: by cohort, and with its memberships.
		var found []string
		for a, err := range s.Store.Accounts(context.Background(), store.AccountQuery{Cohort: "choir", Grants: true}) {
			if err != nil {
				t.Fatal(err)
			}
			for _, m := range a.Memberships() {
				found = append(found, a.Values[roster.Username]+" "+m.String())
			}
		}
		if !slices.Equal(found, []string{"u1 cohort:choir", "u1 cohort:pupils"}) {
			t.Errorf("found %v", found)
		}
		for _, err := range s.Store.Accounts(context.Background(), store.AccountQuery{Role: "choir"}) {
			t.Errorf("a cohort was found as a role, %v", err)
		}
	})
}

func TestMembershipsOverTheLimitAreHeld(t *testing.T) {
	both(t, func(t *testing.T, s *site) {
		p := s.feed("hr", exactly)
		lines := func(with func(i int) string) []string {
			all := []string{memberHeader}
			for i := range 30 {
				all = append(all, member(fmt.Sprintf("E%02d", i), with(i)))
			}
			return all
		}
		s.read(p, journal.OK, lines(func(int) string { return "icu" })...)
		twenty := func(n int) func(int) string {
			return func(i int) string {
				if i < n {
					return ""
				}
				return "icu"
			}
		}
		held := s.read(p, journal.Held, lines(twenty(21))...)
		i := slices.IndexFunc(held.Findings, func(f guard.Finding) bool { return f.Name == "max_membership_removals" })
		if f := held.Findings[i]; !f.Tripped || f.Code != "E507" || f.Value != 21 || f.Limit != 20 {
			t.Errorf("finding %+v", f)
		}
		s.read(p, journal.OK, lines(twenty(20))...)
		if n, err := s.Store.Granted(t.Context(), "hr"); n != 10 || err != nil {
			t.Errorf("%d grants are left, %v, want 10", n, err)
		}
	})
}

func TestR90TheCatalogIsCheckedInEveryRunAndTheRestOfTheRowIsApplied(t *testing.T) {
	both(t, func(t *testing.T, s *site) {
		file := roster.NewCatalog([]roster.Item{{Kind: roster.CohortKind, ID: "icu"}}, nil, nil)
		p := s.feed("hr", exactly, func(p *run.Profile) { p.Mapping.Catalog = file })
		j := s.read(p, journal.Warn, memberHeader, member("1", "icu", "choir"), member("2", "icu"))
		if j.Facts.Warnings != 1 || j.Facts.Rows.Added != 2 {
			t.Errorf("facts %+v", j.Facts)
		}
		s.wantMemberships("key:1", "cohort:icu")

		// What is imported counts from the next run on, and makes the same bytes a drop to look at.
		if _, _, err := s.Store.ImportCatalog(t.Context(), []roster.Item{{Kind: roster.CohortKind, ID: "choir"}}, nil); err != nil {
			t.Fatal(err)
		}
		if j := s.run(p, journal.OK); j.Facts.Rows.Updated != 1 {
			t.Errorf("after the import: %+v", j.Facts.Rows)
		}
		s.wantMemberships("key:1", "cohort:choir", "cohort:icu")

		// R7: of a name that the catalog has lost nothing is taken away, but nothing is granted either.
		if _, gone, err := s.Store.ImportCatalog(t.Context(), nil, []roster.Kind{roster.CohortKind}); err != nil || gone != 1 {
			t.Fatal(gone, err)
		}
		s.read(p, journal.Warn, memberHeader, member("1", "icu", "choir"), member("2"))
		s.wantMemberships("key:1", "cohort:choir", "cohort:icu")
		s.wantMemberships("key:2")
	})
}

func TestAMembershipEndsWithItsAccountAndComesBackWithIt(t *testing.T) {
	both(t, func(t *testing.T, s *site) {
		p := s.feed("hr", exactly)
		first := s.read(p, journal.OK, memberHeader, member("1", "icu"), member("2", "icu"))
		s.read(p, journal.OK, memberHeader, member("2", "icu")) // 1 is suspended by absence
		s.wantMemberships("key:1", "cohort:icu")
		s.read(p, journal.OK, memberHeader, member("1", "er"), member("2", "icu"))
		s.wantMemberships("key:1", "cohort:er")

		s.Limits.MaxRemovals = guard.Limit{Percent: 100, Floor: 100}
		if j, err := s.Revert(t.Context(), nil, first.Number, []string{"key:2"}, run.By{Who: "ada"}); err != nil || j.Facts.Rows.Deleted != 1 {
			t.Fatalf("revert: %v %+v", err, j)
		}
		if n, err := s.Store.Granted(t.Context(), "hr"); n != 1 || err != nil {
			t.Errorf("%d grants are left, %v; those of a purged account are gone", n, err)
		}
	})
}

func TestTheMapsMembershipsAreGranted(t *testing.T) {
	s := open(t, "sqlite")
	p := s.feed("hr", func(p *run.Profile) {
		p.Mapping.Memberships = mapping.Memberships{Cohorts: []mapping.Member{{Template: "dept-{department|slug}"}}}
	})
	s.read(p, journal.OK, header, person("1", "u1", "Ward 3"), person("2", "u2"))
	s.wantMemberships("key:1", "cohort:dept-ward-3")
	s.wantMemberships("key:2")
}
