package run_test

import (
	"testing"

	"rollcall/internal/journal"
	"rollcall/internal/plan"
	"rollcall/internal/run"
)

// What a held revert says of the active accounts is what is there once somebody
// has approved it: who was suspended since is not removed twice, and who was
// changed since is left alone.
func TestR103AHeldRevertForetellsHowManyStayActive(t *testing.T) {
	both(t, func(t *testing.T, s *site) {
		p := s.feed("hr")
		first := s.read(p, journal.OK, people(30)...)
		lines := people(30)
		lines[1], lines[2] = person("E0000", "user0", "ICU"), person("E0001", "user1", "ICU")
		s.read(p, journal.OK, lines...)
		if _, err := s.SetStatus(t.Context(), plan.Suspend, []string{"user0", "user7"}, run.By{Who: "ada", Reason: "asked for"}); err != nil {
			t.Fatal(err)
		}
		held, err := s.Revert(t.Context(), p, first.Number, nil, run.By{Who: "ada", Reason: "wrong file"})
		if err != nil || held.Status != journal.Held {
			t.Fatalf("revert: %v, %+v", err, held)
		}
		if f := held.Facts; f.ActiveBefore != 28 || f.ActiveAfter != 1 {
			t.Errorf("foretold: %d active before and %d after, want 28 and 1", f.ActiveBefore, f.ActiveAfter)
		}
		done, err := s.Approve(t.Context(), p, run.Decision{Run: held.Number, Reason: "start anew", Who: "ada"})
		if err != nil {
			t.Fatal(err)
		}
		if got := done.Facts.ActiveAfter; got != held.Facts.ActiveAfter {
			t.Errorf("%d are active after it was approved, foretold were %d", got, held.Facts.ActiveAfter)
		}
	})
}

func TestR103ARevertOfSuspensionsForetellsThatTheyAreActive(t *testing.T) {
	both(t, func(t *testing.T, s *site) {
		p := s.feed("hr")
		s.read(p, journal.OK, people(30)...)
		fewer := s.read(p, journal.OK, people(28)...)
		back, err := s.Revert(t.Context(), p, fewer.Number, nil, run.By{Who: "ada"})
		if err != nil || back.Facts.ActiveBefore != 28 || back.Facts.ActiveAfter != 30 {
			t.Errorf("of suspensions: %v, %+v, want 28 and 30", err, back.Facts)
		}
	})
}

func TestR102AChangeByHandCountsAllActiveAccounts(t *testing.T) {
	both(t, func(t *testing.T, s *site) {
		s.read(s.feed("hr"), journal.OK, people(10)...)
		for _, step := range []struct {
			action        plan.Action
			before, after int
		}{{plan.Suspend, 10, 8}, {plan.Reactivate, 8, 10}} {
			j, err := s.SetStatus(t.Context(), step.action, []string{"user1", "user2"}, run.By{Who: "ada"})
			if err != nil {
				t.Fatal(err)
			}
			if f := j.Facts; f.ActiveBefore != step.before || f.ActiveAfter != step.after {
				t.Errorf("%s: %d before and %d after, want %d and %d", step.action, f.ActiveBefore, f.ActiveAfter, step.before, step.after)
			}
		}
	})
}
