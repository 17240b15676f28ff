package run_test

import (
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"

	"rollcall/internal/journal"
	"rollcall/internal/plan"
	"rollcall/internal/run"
	"rollcall/internal/store"
)

// TestP9ADatabaseThatHasGoneBackwardsStopsEverything remembers more runs than the
// database has, as after a restored backup.
func TestP9ADatabaseThatHasGoneBackwardsStopsEverything(t *testing.T) {
	both(t, func(t *testing.T, s *site) {
		p := s.feed("hr")
		s.read(p, journal.OK, people(20)...)
		before := s.dump()
		path := filepath.Join(s.State, "high-water.json")
		if err := os.WriteFile(path, []byte(`{"run": 41, "applied_seq": 30}`), 0o600); err != nil {
			t.Fatal(err)
		}
		s.drop(p, people(19)...)
		for what, try := range map[string]func() error{
			"a run":      func() error { _, err := s.Run(t.Context(), run.Request{Profile: p}); return err },
			"a sweep":    func() error { _, err := s.Sweep(t.Context(), "manual"); return err },
			"a decision": func() error { _, err := s.Link(t.Context(), "hr", "999", "new", run.By{}); return err },
			"a person's change": func() error {
				_, err := s.SetStatus(t.Context(), plan.Suspend, []string{"user1"}, run.By{})
				return err
			},
		} {
			if err := try(); !errors.Is(err, store.ErrBackwards) {
				t.Errorf("%s: %v", what, err)
			}
		}
		for _, damaged := range []string{"{}", "null", "{"} {
			if err := os.WriteFile(path, []byte(damaged), 0o600); err != nil {
				t.Fatal(err)
			}
			if err := s.Forwards(t.Context()); !errors.Is(err, store.ErrBackwards) {
				t.Errorf("of %s: %v", damaged, err)
			}
		}
		if s.dump() != before {
			t.Error("accounts have changed")
		}
		if err := os.Remove(path); err != nil {
			t.Fatal(err)
		}
		s.run(p, journal.OK)
	})
}

func TestR104AFileDatedIntoTheFutureDoesNotKeepLaterOnesOut(t *testing.T) {
	both(t, func(t *testing.T, s *site) {
		p := s.feed("hr")
		path := s.drop(p, people(20)...)
		future := s.now().Add(25 * time.Hour)
		if err := os.Chtimes(path, future, future); err != nil {
			t.Fatal(err)
		}
		s.pass(time.Hour)
		s.run(p, journal.OK)
		if err := os.Remove(path); err != nil {
			t.Fatal(err)
		}
		s.pass(-20 * time.Hour) // drop passes a day and dates its file an hour back
		s.read(p, journal.OK, append(people(20), person("N1", "new1"))...)
	})
}
