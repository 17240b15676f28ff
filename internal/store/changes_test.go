package store

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"rollcall/internal/journal"
	"rollcall/internal/plan"
	"rollcall/internal/roster"
)

func TestR1APlanIsReadBackWithRemovalsLast(t *testing.T) {
	both(t, func(t *testing.T, db *DB) {
		s := story{t, db}
		p := s.people("hr", "ada", "bob", "carol", "dora")
		claim := touch(plan.Claim, p[3])
		claim.Links = []plan.LinkChange{{Profile: "hr", OldKey: "k-dora", NewKey: "k-dora", Old: roster.ClaimActive, New: roster.ClaimGone, Decided: true}}
		gone := remove(p[0], noon)
		gone.Absent, gone.ByDate, gone.Line = true, true, 7
		given := []plan.Change{gone, add("hr", "eve"), rename(p[1], "bobby"), touch(plan.Reactivate, p[2]), claim, add("hr", "Ünal"), add("hr", "Zed")}
		r := s.plan("hr", given...)
		var got []plan.Change
		for o, err := range db.Changes(t.Context(), r.Number) {
			if err != nil {
				t.Fatal(err)
			}
			if o.Done != journal.Planned || o.Note != "" {
				t.Errorf("got %q, %q, want a change that is planned", o.Done, o.Note)
			}
			got = append(got, o.Change)
		}
		want := []plan.Change{given[4], given[2], given[3], given[6], given[1], given[5], given[0]}
		if d := cmp.Diff(want, got); d != "" {
			t.Error(d)
		}
	})
}

func TestR4TheSamePeopleInAnotherOrderAreTheSamePlan(t *testing.T) {
	var digests []string
	both(t, func(t *testing.T, db *DB) {
		s := story{t, db}
		p := s.twenty()
		changes := append(departments(p[:9]), suspend(p[9], noon))
		for i := range 1200 {
			changes = append(changes, add("hr", fmt.Sprintf("q%d", i)))
		}
		for range 2 {
			rand.Shuffle(len(changes), func(i, j int) { changes[i], changes[j] = changes[j], changes[i] })
			for i := range changes {
				changes[i].Line = i + 2
			}
			digests = append(digests, s.plan("hr", changes...).PlanDigest)
		}
		changes[0].Reason += "!"
		if other := s.plan("hr", changes...).PlanDigest; slices.Contains(digests, other) {
			t.Error("another plan has the same digest")
		}
	})
	if got := slices.Compact(digests); len(got) != 1 {
		t.Errorf("got %q, want one digest", got)
	}
}

func TestProblemsComeBackByLine(t *testing.T) {
	both(t, func(t *testing.T, db *DB) {
		s := story{t, db}
		w := db.Writer(t.Context(), s.plan("hr").Number)
		var want []roster.Problem
		for i := range page + 3 {
			p := roster.NewProblem("E120", i/2, roster.Key(fmt.Sprint("k", i)))
			p.Field, p.Column, p.Account, p.Text, p.Fix, p.Since = "last_name", "LastName", 3, "a text", "a fix", noon.Add(-time.Hour)
			want = append(want, p)
		}
		for _, p := range slices.Backward(want[2:]) {
			if err := w.Problem(p); err != nil {
				t.Fatal(err)
			}
		}
		for _, p := range want[:2] {
			if err := w.Problem(p); err != nil {
				t.Fatal(err)
			}
		}
		if _, err := w.Seal(t.Context()); err != nil {
			t.Fatal(err)
		}
		var got []roster.Problem
		for p, err := range db.Problems(t.Context(), w.(*writer).run) {
			if err != nil {
				t.Fatal(err)
			}
			got = append(got, p)
		}
		if !slices.IsSortedFunc(got, func(a, b roster.Problem) int { return a.Line - b.Line }) {
			t.Error("they are not by line")
		}
		slices.SortFunc(got, func(a, b roster.Problem) int { return a.Line*10000 + len(a.Key) - b.Line*10000 - len(b.Key) })
		if len(got) != len(want) || got[0].Line != 0 || !got[0].Since.Equal(want[0].Since) || got[0].Column != "LastName" || got[0].Account != 3 {
			t.Errorf("got %d, first %+v, want %d", len(got), got[0], len(want))
		}
	})
}

func TestWhatPostgreSQLWouldRefuseIsRefusedOnBoth(t *testing.T) {
	both(t, func(t *testing.T, db *DB) {
		s := story{t, db}
		w := db.Writer(t.Context(), s.plan("hr").Number)
		for _, bad := range []string{"a\x00b", "\xff"} {
			if err := w.Change(add("hr", bad)); err == nil {
				t.Errorf("%q was taken", bad)
			}
			if err := w.Problem(roster.Problem{Key: roster.Key(bad)}); err == nil {
				t.Errorf("the key %q of a problem was taken", bad)
			}
		}
	})
}

func TestADiscardedPlanLeavesNothing(t *testing.T) {
	both(t, func(t *testing.T, db *DB) {
		s := story{t, db}
		r := s.plan("hr")
		w := db.Writer(t.Context(), r.Number)
		for i := range buffered + 1 {
			if err := w.Change(add("hr", fmt.Sprint("p", i))); err != nil {
				t.Fatal(err)
			}
		}
		if err := w.Discard(t.Context()); err != nil {
			t.Fatal(err)
		}
		for range db.Changes(t.Context(), r.Number) {
			t.Fatal("a change is left")
		}
	})
}
