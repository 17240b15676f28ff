package run_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"rollcall/internal/guard"
	"rollcall/internal/journal"
	"rollcall/internal/plan"
	"rollcall/internal/roster"
	"rollcall/internal/run"
	"rollcall/internal/store"
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

// Who is kept though he is not listed is a claim that moves: no account differs by it,
// and neither the run nor its opposite counts it.
func TestR103ARevertCountsTheAccountsThatItChangesAndNoClaims(t *testing.T) {
	both(t, func(t *testing.T, s *site) {
		p := s.feed("hr", func(p *run.Profile) { p.Plan.Policy.Missing = "keep" })
		s.read(p, journal.OK, people(30)...)
		lines := people(28)
		lines[1] = person("E0000", "user0", "ICU")
		moved := s.read(p, journal.OK, lines...)
		back, err := s.Revert(t.Context(), p, moved.Number, nil, run.By{Who: "ada", Reason: "wrong file"})
		if err != nil || back.Status != journal.OK {
			t.Fatalf("%v, %+v", err, back)
		}
		if rows := back.Facts.Rows; rows.Read != 1 || rows.Updated != 1 {
			t.Errorf("counted: %+v, want one that is updated", rows)
		}
		claims := 0
		for o, err := range s.Store.Changes(t.Context(), back.Number) {
			if err != nil {
				t.Fatal(err)
			}
			if o.Action == plan.Claim {
				claims++
			}
		}
		if claims != 2 {
			t.Errorf("%d claims are taken back, want those of the two who were not listed", claims)
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

// Names come back through rings and chains; where somebody else has one by now, all
// who wait for each other behind it stay as they are.
func TestR103NamesComeBackThroughRingsAndChains(t *testing.T) {
	both(t, func(t *testing.T, s *site) {
		p := s.feed("hr")
		p.Limits.MaxRenames = guard.Limit{Floor: 100}
		s.Hold = 0 // a name given up is free at once
		s.read(p, journal.OK, people(10)...)
		lines := people(10)
		for i, name := range []string{"user1", "user2", "user0", "new3", "user3", "user4", "new6", "user6"} {
			lines[1+i] = person(fmt.Sprintf("E%04d", i), name, "Ward "+fmt.Sprint(i))
		}
		renamed := s.read(p, journal.OK, lines...)
		lines[9] = person("E0008", "user7", "Ward 1")
		s.read(p, journal.OK, lines...)

		back, err := s.Revert(t.Context(), p, renamed.Number, nil, run.By{Who: "ada", Reason: "wrong names"})
		if err != nil || back.Status.Applied() == false {
			t.Fatalf("revert: %v, %+v", err, back)
		}
		for ref, want := range map[string]string{
			"E0000": "user0", "E0001": "user1", "E0002": "user2", // a ring
			"E0003": "user3", "E0004": "user4", "E0005": "user5", // a chain to a free name
			"E0006": "new6", "E0007": "user6", "E0008": "user7", // a chain to a name that is E0008's by now
		} {
			if got := s.account("key:" + ref).Values[roster.Username]; got != want {
				t.Errorf("%s is %s, want %s", ref, got, want)
			}
		}
		if back.Facts.Rows.Renamed != 6 || back.LeftOut != 0 || back.Facts.Notes != 2 {
			t.Errorf("%d renamed, %d left out, %d notes; want 6, 0 and 2", back.Facts.Rows.Renamed, back.LeftOut, back.Facts.Notes)
		}
	})
}

// TestR103ANameThatIsAnothersByNowStaysAndTheRestGoesBack also asks for what cannot
// be taken back: that is refused on the terminal, and is no run.
func TestR103ANameThatIsAnothersByNowStaysAndTheRestGoesBack(t *testing.T) {
	both(t, func(t *testing.T, s *site) {
		p := s.feed("hr")
		s.Hold = 0 // a name given up is free at once
		s.read(p, journal.OK, people(30)...)
		lines := people(30)
		lines[4] = person("E0003", "new3", "Quarantine")
		moved := s.read(p, journal.OK, lines...)
		s.read(p, journal.OK, append(lines, person("E9999", "user3", "ICU"))...)
		const was = "Ward 3"

		by := run.By{Who: "ada", Reason: "wrong ward"}
		for _, only := range [][]string{{"key:E0003"}, nil} { // the second time nothing is left to do, and all of the run is meant
			back, err := s.Revert(t.Context(), p, moved.Number, only, by)
			if err != nil || !back.Status.Applied() || back.Facts.Notes != 1 {
				t.Fatalf("revert of %v: %v, %+v", only, err, back)
			}
			if a := s.account("key:E0003"); a.Values[roster.Username] != "new3" || a.Values[roster.Department] != was {
				t.Errorf("revert of %v: %s in %s, want new3 in %s", only, a.Values[roster.Username], a.Values[roster.Department], was)
			}
		}
	})
	s := open(t, "sqlite")
	p := s.feed("hr")
	s.Hold = 0
	s.read(p, journal.OK, people(30)...)
	lines := people(30)
	lines[4] = person("E0003", "new3", "Ward 3")
	moved := s.read(p, journal.OK, lines...)
	s.read(p, journal.OK, append(lines, person("E9999", "user3", "ICU"))...)
	for ref, why := range map[string]string{"key:E0003": "its former username is another account's by now", "key:E0007": "has changed nothing of these accounts"} {
		back, err := s.Revert(t.Context(), p, moved.Number, []string{ref}, run.By{Who: "ada"})
		if back != nil || !errors.Is(err, store.ErrRefused) || !strings.Contains(err.Error(), why) {
			t.Errorf("revert of %s: %v, %+v", ref, err, back)
		}
	}
	if n := s.runs("hr", journal.Failed); n != 0 {
		t.Errorf("%d failed runs are in the journal", n)
	}
}

func TestR103R22AnAddressThatIsAnothersByNowStaysAndTheRestGoesBack(t *testing.T) {
	both(t, func(t *testing.T, s *site) {
		at := func(key, email, ward string) string {
			return fmt.Sprintf("%s,%s,First,Last,%s@example.org,%s,,", key, strings.ToLower(key), email, ward)
		}
		first := []string{header, at("E1", "a", "ICU"), at("E2", "b", "ICU"), at("E3", "c", "ICU"), at("E4", "d", "ICU"), at("E5", "e", "ICU")}
		p := s.feed("hr")
		p.Limits.MaxFieldChange = nil
		p.Plan.Policy.Delete, p.Plan.Policy.Missing = true, "delete"
		s.read(p, journal.OK, first...)
		// E1 gives its address up, E2 and E3 exchange theirs, E4 moves on in a chain to that of E5, who is gone.
		second := []string{header, at("E1", "new", "ER"), at("E2", "c", "ER"), at("E3", "b", "ER"), at("E4", "d4", "ICU")}
		moved := s.read(p, journal.OK, second...)
		s.read(p, journal.OK, append(second, at("E8", "a", "ICU"), at("E9", "e", "ICU"))...)

		back, err := s.Revert(t.Context(), p, moved.Number, nil, run.By{Who: "ada", Reason: "wrong file"})
		if err != nil || !back.Status.Applied() || back.Facts.Notes != 2 {
			t.Fatalf("revert: %v, %+v", err, back)
		}
		for key, want := range map[string]string{
			"E1": "new@example.org ICU active", "E2": "b@example.org ICU active", "E3": "c@example.org ICU active",
			"E4": "d@example.org ICU active", "E5": " ICU active", "E8": "a@example.org ICU active", "E9": "e@example.org ICU active",
		} {
			a := s.account("key:" + key)
			if got := strings.Join([]string{a.Values[roster.Email], a.Values[roster.Department], string(a.Status())}, " "); got != want {
				t.Errorf("%s: %q, want %q", key, got, want)
			}
		}
	})
}
