package run_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"rollcall/internal/journal"
	"rollcall/internal/roster"
	"rollcall/internal/run"
)

func TestR104DeltasAreAppliedOnceInTheirOrderAndAHeldOneStopsTheQueue(t *testing.T) {
	both(t, func(t *testing.T, s *site) {
		p := s.feed("hr", func(p *run.Profile) {
			p.Format.Content, p.Plan.Full, p.Source.Pick = "delta", false, "oldest"
			p.Plan.Policy.Missing = "keep"
		})
		s.drop(p, header, person("1", "u1"), person("2", "u2"))
		s.drop(p, header, person("1", "u1", "ICU"))
		if j := s.run(p, journal.OK); j.Facts.Rows.Added != 2 {
			t.Errorf("the oldest first: %+v", j.Facts.Rows)
		}
		if j := s.run(p, journal.OK); j.Facts.Rows.Updated != 1 || j.Facts.Absent.Total != 0 {
			t.Errorf("R62: who is not in a delta is not absent: %+v, %+v", j.Facts.Rows, j.Facts.Absent)
		}
		if _, err := s.Run(t.Context(), run.Request{Profile: p}); !errors.Is(err, run.ErrNothingNew) {
			t.Fatalf("each is applied once: %v", err)
		}

		s.drop(p, people(60)...)
		s.drop(p, header, person("1", "u1", "Lab"))
		held := s.run(p, journal.Held)
		if _, err := s.Run(t.Context(), run.Request{Profile: p}); !errors.Is(err, run.ErrStillHeld) {
			t.Errorf("the queue behind a held delta: %v", err)
		}
		if _, err := s.Reject(t.Context(), run.Decision{Run: held.Number, Reason: "too many", Who: "ada"}); err != nil {
			t.Fatal(err)
		}
		if j := s.run(p, journal.OK); j.Facts.Rows.Updated != 1 {
			t.Errorf("after the rejection the next is read: %+v", j.Facts.Rows)
		}
	})
}

// deltas makes a feed one of deltas, and says nothing of pick.
func deltas(p *run.Profile) {
	p.Format.Content, p.Plan.Full, p.Plan.Policy.Missing = "delta", false, "keep"
}

func TestR104DeltasThatWaitAreAllReadInTheirOrderWhereNothingSaysWhichToPick(t *testing.T) {
	both(t, func(t *testing.T, s *site) {
		p := s.feed("hr", deltas)
		for _, ward := range []string{"A", "B", "C"} {
			s.drop(p, header, person("1", "u1", ward), person("2", "u2"))
		}
		if got, want := s.goes(p), "hr-001 ok, hr-002 ok, hr-003 ok"; got != want {
			t.Errorf("%q, want %q", got, want)
		}
		if got := s.account("u1").Values[roster.Department]; got != "C" {
			t.Errorf("the last says C, the account %q", got)
		}
	})
}

func TestR104ADeltaThatIsOlderThanTheOneAppliedLastIsRefusedOnceAndReadByName(t *testing.T) {
	both(t, func(t *testing.T, s *site) {
		p := s.feed("hr", deltas)
		late := s.drop(p, header, person("1", "u1", "A"), person("2", "u2"))
		content, err := os.ReadFile(late)
		if err != nil {
			t.Fatal(err)
		}
		when := s.now().Add(-time.Hour)
		if err := os.Remove(late); err != nil {
			t.Fatal(err)
		}
		s.read(p, journal.OK, header, person("1", "u1", "B"), person("2", "u2"))

		if err := os.WriteFile(late, content, 0o600); err != nil { // it comes behind the one that followed it
			t.Fatal(err)
		}
		if err := os.Chtimes(late, when, when); err != nil {
			t.Fatal(err)
		}
		s.drop(p, header, person("1", "u1", "C"), person("2", "u2"))
		if j := s.run(p, journal.Failed); j.Code != "E410" || j.ExitCode != 12 {
			t.Errorf("the older one: %s, exit %d", j.Code, j.ExitCode)
		}
		if j := s.run(p, journal.OK); j.Input.Name != "hr-003.csv" {
			t.Errorf("the queue behind it: %s", j.Input.Name)
		}
		if got := s.goes(p); got != "nothing" {
			t.Errorf("refused once, then %q", got)
		}
		if j, err := s.Run(t.Context(), run.Request{Profile: p, File: late}); err != nil || j.Status != journal.OK {
			t.Errorf("asked for by name: %v", err)
		}
		if got := s.account("u1").Values[roster.Department]; got != "A" {
			t.Errorf("asked for by name, and the account is in %q", got)
		}

		// The time of what was named by hand is that of another folder, and says nothing of what waits here.
		before := s.now().Add(-time.Minute)
		if err := os.Remove(late); err != nil {
			t.Fatal(err)
		}
		copied := filepath.Join(t.TempDir(), "copied.csv")
		if err := os.WriteFile(copied, []byte(strings.Join([]string{header, person("1", "u1", "E"), person("2", "u2")}, "\n")+"\n"), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Chtimes(copied, s.now(), s.now()); err != nil {
			t.Fatal(err)
		}
		if j, err := s.Run(t.Context(), run.Request{Profile: p, File: copied}); err != nil || j.Status != journal.OK {
			t.Fatalf("a copy by name: %v", err)
		}
		waits := s.drop(p, header, person("1", "u1", "D"), person("2", "u2"))
		if err := os.Chtimes(waits, before, before); err != nil {
			t.Fatal(err)
		}
		s.run(p, journal.OK)
	})
}
