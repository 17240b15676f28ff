package run_test

import (
	"errors"
	"testing"
	"time"

	"rollcall/internal/journal"
	"rollcall/internal/run"
	"rollcall/internal/store"
)

// until waits for something that a daemon does in its own time.
func until(t *testing.T, what string, done func() bool) {
	t.Helper()
	for deadline := time.Now().Add(15 * time.Second); !done(); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("waited 15 s in vain: %s", what)
		}
	}
}

// runs is how many runs of a profile have a status.
func (s *site) runs(profile string, status journal.Status) int {
	s.t.Helper()
	all, err := s.Store.Runs(s.t.Context(), profile, time.Time{}, 0)
	if err != nil {
		s.t.Fatal(err)
	}
	n := 0
	for _, j := range all {
		if j.Status == status {
			n++
		}
	}
	return n
}

func daemon(t *testing.T, s *site, profiles ...*run.Profile) *run.Daemon {
	t.Helper()
	d, err := run.NewDaemon(s.Runner)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := d.Stop(); err != nil {
			t.Error(err)
		}
	})
	if err := d.Set(profiles, time.Hour); err != nil {
		t.Fatal(err)
	}
	d.Start()
	return d
}

func TestADaemonRunsProfilesSideBySideAndSetReplacesThem(t *testing.T) {
	both(t, func(t *testing.T, s *site) {
		often := func(p *run.Profile) { p.Schedule = run.Schedule{Every: time.Second} }
		a, b, c := s.feed("a", often), s.feed("b", often), s.feed("c", often)
		off := s.feed("off", often, func(p *run.Profile) { p.Enabled = false })
		s.drop(a, crew("a", 20, "")...)
		s.drop(b, crew("b", 20, "")...)
		s.drop(c, crew("c", 20, "")...)
		s.drop(off, crew("off", 20, "")...)

		// While one's source is slow, and somebody holds another's lease, the third goes on.
		lease, err := s.Store.Acquire(t.Context(), "b")
		if err != nil {
			t.Fatal(err)
		}
		d := daemon(t, s, a, b, off)
		until(t, "a is read", func() bool { return s.runs("a", journal.OK) == 1 })
		if _, err := s.Run(t.Context(), run.Request{Profile: b}); !errors.Is(err, store.ErrBusy) {
			t.Errorf("a second run of the profile: %v, want that it is busy", err)
		}
		time.Sleep(1200 * time.Millisecond) // the daemon has tried b again by now
		if n := s.runs("b", journal.OK); n != 0 {
			t.Errorf("%d runs of b while its lease was another's", n)
		}
		if err := lease.Release(); err != nil {
			t.Fatal(err)
		}
		until(t, "b is read", func() bool { return s.runs("b", journal.OK) == 1 })

		if err := d.Set([]*run.Profile{c}, time.Hour); err != nil {
			t.Fatal(err)
		}
		s.drop(a, crew("a", 21, "")...)
		until(t, "c is read", func() bool { return s.runs("c", journal.OK) == 1 })
		time.Sleep(1200 * time.Millisecond)
		if n := s.runs("a", journal.OK); n != 1 {
			t.Errorf("%d runs of a, which is scheduled no more", n)
		}

		bad := s.feed("bad", func(p *run.Profile) { p.Schedule = run.Schedule{Cron: "61 * * * *"} })
		if err := d.Set([]*run.Profile{a, bad}, time.Hour); err == nil {
			t.Error("a schedule that is none was taken")
		}
		s.drop(c, crew("c", 21, "")...)
		until(t, "c is read again, for the old jobs stay", func() bool { return s.runs("c", journal.OK) == 2 })
		if n := s.runs("a", journal.OK) + s.runs("off", journal.OK); n != 1 {
			t.Errorf("jobs of a configuration that was refused have run")
		}
	})
}

func TestStoppingADaemonEndsARunAndLeavesNothingHalfDone(t *testing.T) {
	both(t, func(t *testing.T, s *site) {
		p := s.feed("hr", func(p *run.Profile) { p.Schedule = run.Schedule{Every: time.Hour} })
		const n = 3000
		s.drop(p, crew("hr", n, "")...)
		d := daemon(t, s, p)
		until(t, "the run has begun", func() bool {
			all, err := s.Store.Runs(t.Context(), "hr", time.Time{}, 1)
			return err == nil && len(all) == 1
		})
		began := time.Now()
		if err := d.Stop(); err != nil {
			t.Fatal(err)
		}
		if took := time.Since(began); took > 10*time.Second {
			t.Errorf("stopping took %s", took)
		}
		j, err := s.Store.Newest(t.Context(), "hr")
		if err != nil {
			t.Fatal(err)
		}
		added := 0
		for _, err := range s.Store.Accounts(t.Context(), store.AccountQuery{}) {
			if err != nil {
				t.Fatal(err)
			}
			added++
		}
		switch {
		case j.Status == journal.Interrupted && added == 0:
		case j.Status == journal.OK && added == n:
		default:
			t.Errorf("the run is %s, %d accounts are there", j.Status, added)
		}
		t.Logf("stopped after %s: %s", time.Since(began).Round(time.Millisecond), j.Status)
		if j.Status == journal.Interrupted {
			s.reported(j)
			if again := s.run(p, journal.OK); again.Facts.Rows.Added != n {
				t.Errorf("the next run added %d", again.Facts.Rows.Added)
			}
		}
	})
}

func TestACronScheduleOnNightsWhenClocksChange(t *testing.T) {
	berlin, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		t.Fatal(err)
	}
	at := func(s string) time.Time {
		parsed, err := time.Parse(time.RFC3339, s)
		if err != nil {
			t.Fatal(err)
		}
		return parsed
	}
	tests := []struct {
		name, cron, from string
		want             []string
	}{
		{"an hour that is left out: as much later, and once", "30 2 * * *", "2027-03-27T12:00:00+01:00", []string{"2027-03-28T03:30:00+02:00", "2027-03-29T02:30:00+02:00"}},
		{"an hour that comes twice: once", "30 2 * * *", "2027-10-30T12:00:00+02:00", []string{"2027-10-31T02:30:00+02:00", "2027-11-01T02:30:00+01:00"}},
		{"asked between the two", "30 2 * * *", "2027-10-31T02:10:00+01:00", []string{"2027-11-01T02:30:00+01:00"}},
		{"a day of the week that is another", "30 2 * * 1", "2027-03-27T12:00:00+01:00", []string{"2027-03-29T02:30:00+02:00"}},
		{"every hour, in spring", "30 * * * *", "2027-03-28T00:45:00+01:00", []string{"2027-03-28T01:30:00+01:00", "2027-03-28T03:30:00+02:00"}},
		{"every hour, in autumn", "30 * * * *", "2027-10-31T01:45:00+02:00", []string{"2027-10-31T02:30:00+02:00", "2027-10-31T02:30:00+01:00", "2027-10-31T03:30:00+01:00"}},
		{"two that fall together come once", "30 2,3 * * *", "2027-03-28T01:00:00+01:00", []string{"2027-03-28T03:30:00+02:00", "2027-03-29T02:30:00+02:00"}},
		{"an ordinary day", "30 5 * * *", "2026-09-01T06:00:00+02:00", []string{"2026-09-02T05:30:00+02:00"}},
		{"a word", "@daily", "2026-09-01T06:00:00+02:00", []string{"2026-09-02T00:00:00+02:00"}},
		{"never", "0 0 30 2 *", "2026-09-01T06:00:00+02:00", []string{""}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			next := at(tt.from)
			for _, want := range tt.want {
				next = run.Schedule{Cron: tt.cron}.Next(next, berlin)
				if want == "" {
					if !next.IsZero() {
						t.Errorf("next = %s, want never", next)
					}
					return
				}
				if !next.Equal(at(want)) {
					t.Fatalf("next = %s, want %s", next.Format(time.RFC3339), want)
				}
			}
		})
	}
}
