package run_test

import (
	"errors"
	"testing"

	"rollcall/internal/journal"
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
