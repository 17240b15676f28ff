package laws_test

import (
	"context"
	"errors"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"rollcall/internal/journal"
	"rollcall/internal/plan"
	"rollcall/internal/proof"
	"rollcall/internal/roster"
	"rollcall/internal/run"
	"rollcall/internal/store"
)

// TestL1L2L3L6L9L11 leads both databases through the same histories. The last
// night of each is looked at closely: planned in two ways of writing the drop
// (L3), applied and planned again (L1), compared with what it may not touch (L6,
// L9), and taken back (L2). In the end both databases have seen the same (L11).
func TestL1L2L3L6L9L11WhateverTheRoster(t *testing.T) {
	t.Parallel()
	bothAlike(t, func(t *rapid.T, d *directory, counts map[string]int) string {
		profiles := someProfiles(t)
		var nights []*run.Profile
		var drops [][][]string
		for range rapid.IntRange(2, 3).Draw(t, "nights") {
			nights = append(nights, oneOf(t, profiles, "profile"))
			drops = append(drops, someRows(t))
		}
		last := len(nights) - 1
		another, order := someDialect(t), rapid.Permutation(drops[last]).Draw(t, "order of rows")
		if !whole(drops[last]) {
			another.order = plainly.order
		}
		back := oneIn(t, 2, "taken back")
		for n := range last {
			d.apply(t, nights[n], plainly.text(drops[n]))
			d.at = d.at.AddDate(0, 0, 1)
		}
		return d.closely(t, counts, nights[last], plainly.text(drops[last]), another.text(order), back)
	})
}

// bothAlike checks what holds for every case on SQLite and on PostgreSQL, side
// by side, and that each case answers the same on both (L11). The seed is the
// same, and so are the cases.
func bothAlike(t *testing.T, holds func(*rapid.T, *directory, map[string]int) string) {
	t.Helper()
	engines := []string{"sqlite", "postgres"}
	var answers [2][]string
	var counts [2]map[string]int
	ok := t.Run("both", func(t *testing.T) {
		for i, engine := range engines {
			t.Run(engine, func(t *testing.T) {
				t.Parallel()
				d := open(t, engine)
				counts[i] = map[string]int{}
				rapid.Check(t, func(t *rapid.T) {
					d.reset(t)
					answers[i] = append(answers[i], holds(t, d, counts[i]))
				})
			})
		}
	})
	if !ok {
		return
	}
	if len(answers[0]) != len(answers[1]) || len(answers[0]) == 0 {
		t.Fatalf("cases: %d on SQLite and %d on PostgreSQL", len(answers[0]), len(answers[1]))
	}
	for i := range answers[0] {
		if diff := cmp.Diff(answers[0][i], answers[1][i]); diff != "" {
			t.Fatalf("L11: case %d differs (-SQLite +PostgreSQL):\n%s", i, diff)
		}
	}
	proof.Note(t, "L11, both databases end alike", proof.Count{What: "cases", N: len(answers[0])})
	for line, n := range counts[0] {
		proof.Note(t, line, proof.Count{What: "cases", N: n + counts[1][line]})
	}
}

// closely spends one night and checks every law of it. The answer is what both
// databases must agree on.
func (d *directory) closely(t *rapid.T, counts map[string]int, p *run.Profile, drop, same []byte, back bool) string {
	before := d.accounts(t)
	planned := d.plan(t, p, drop)
	other := d.plan(t, p, same)
	if planned.PlanDigest != other.PlanDigest {
		t.Fatalf("%s, L3: another order of rows and columns, or another dialect, is another plan: %+v\n%s\n%s\n%+v\n%+v", d.engine, p.Plan, drop, same, d.outcomes(t, planned.Number), d.outcomes(t, other.Number))
	}
	counts["L3, another order of rows and columns, another dialect: the same plan"]++

	done := d.apply(t, p, drop)
	if done.PlanDigest != planned.PlanDigest {
		t.Fatalf("%s: the plan shown is not the one applied", d.engine)
	}
	after, did, problems := d.accounts(t), d.outcomes(t, done.Number), d.problems(t, done.Number)
	d.strangers(t, p, before, after, did)
	counts["L6, strangers and the protected are left alone"]++
	d.rejected(t, p, before, after, problems)
	counts["L9, a rejected row's account stays as it was"]++

	again := d.plan(t, p, same)
	if left := d.outcomes(t, again.Number); len(left) > 0 && !unsettled(did, problems) {
		t.Fatalf("%s, L1: planned again: %+v\n%+v\n%s\n%s%+v", d.engine, left, p.Plan, drop, dump(before, true), problems)
	}
	counts["L1, planned again: nothing"]++

	if back && done.AppliedSeq > 0 {
		d.takeBack(t, p, done, before)
		counts["L2, taken back: as before, and not twice"]++
	}
	return done.PlanDigest + "\n" + dump(d.accounts(t), true)
}

// unsettled tells whether a row was rejected that was in the way of somebody who
// has moved in this plan: it is looked at again with the next drop.
func unsettled(did []journal.Outcome, problems []roster.Problem) bool {
	inTheWay := slices.ContainsFunc(problems, func(p roster.Problem) bool { return slices.Contains([]string{"E301", "E302", "E305"}, p.Code) })
	moved := slices.ContainsFunc(did, func(o journal.Outcome) bool {
		return o.Action == plan.Delete || o.Action != plan.Add && o.Field(roster.Username) != nil || o.Action != plan.Add && o.Field(roster.EmployeeID) != nil
	})
	return inTheWay && moved
}

// strangers checks L6, as R5, R54 and R64 have it: what the profile does not own
// stays as it is, and so does who is protected.
func (d *directory) strangers(t *rapid.T, p *run.Profile, before, after []roster.Account, did []journal.Outcome) {
	touched := map[uint64]journal.Outcome{}
	for _, o := range did {
		if _, twice := touched[o.Account]; twice {
			t.Fatalf("%s: account %d is changed twice", d.engine, o.Account)
		}
		touched[o.Account] = o
	}
	for i, was := range before {
		is := after[i]
		o, changed := touched[was.ID]
		if !changed {
			if diff := cmp.Diff(was, is); diff != "" {
				t.Fatalf("%s, L6: account %d changed without a change: %s", d.engine, was.ID, diff)
			}
			continue
		}
		owned := was.Link(p.Name) != nil || slices.ContainsFunc(o.Links, func(l plan.LinkChange) bool { return l.Profile == p.Name })
		if !owned {
			t.Fatalf("%s, L6: account %d is a stranger's, and yet %+v", d.engine, was.ID, o)
		}
		if was.Values[roster.Username] == "root" && (o.Action.Removes() || is.Values[roster.Username] != "root") {
			t.Fatalf("%s, R64: the protected account is changed: %+v", d.engine, o)
		}
		byDate := is.Values[roster.StatusBy] == string(roster.OriginDate)
		for _, l := range was.Links {
			leave := l.Claim == roster.ClaimLeave && is.Values[roster.StatusReason] == string(roster.OnLeave)
			if o.Action.Removes() && !byDate && l.Profile != p.Name && l.Claim != roster.ClaimGone && !leave {
				t.Fatalf("%s, R5: %s still claims %s, and yet %+v", d.engine, l.Profile, l.Claim, o)
			}
		}
		for f := range roster.NumFeedFields { // R54: a value of a feed that stands higher is not overwritten
			by := string(was.Origins[f])
			owner := was.Link(by)
			if was.Values[f] == is.Values[f] || by == p.Name || owner == nil || owner.Claim == roster.ClaimGone {
				continue
			}
			rank := func(name string) int {
				list, ok := p.Plan.Authority[f.String()]
				if !ok {
					list = p.Plan.Authority["*"]
				}
				if i := slices.Index(list, name); i >= 0 {
					return i
				}
				return len(list)
			}
			mine := is.Link(p.Name)
			if (rank(p.Name) >= rank(by) || mine.Claim == roster.ClaimGone) && f != p.Plan.Match.Key && was.Status() != roster.Deleted {
				t.Fatalf("%s, R54: %s of account %d was %s's, and %s wrote it: %+v", d.engine, f, was.ID, by, p.Name, o)
			}
		}
	}
}

// rejected checks L9 (R3): whom a rejected row speaks of stays as she was.
func (d *directory) rejected(t *rapid.T, p *run.Profile, before, after []roster.Account, problems []roster.Problem) {
	for _, problem := range problems {
		if problem.Severity != roster.SeverityError {
			continue
		}
		for i, was := range before {
			l := was.Link(p.Name)
			if was.ID != problem.Account && (problem.Key == "" || l == nil || l.Key != problem.Key) {
				continue
			}
			if diff := cmp.Diff(was, after[i]); diff != "" {
				t.Fatalf("%s, L9: the row of account %d was rejected (%v), and yet: %s", d.engine, was.ID, problem, diff)
			}
		}
	}
}

// takeBack checks L2.
func (d *directory) takeBack(t *rapid.T, p *run.Profile, done *journal.Run, before []roster.Account) {
	by := run.By{Who: "ada", Reason: "the roster is random"}
	undo, err := d.Revert(context.Background(), p, done.Number, nil, by)
	if err == nil && undo.Status == journal.Held {
		undo, err = d.Approve(context.Background(), p, run.Decision{Run: undo.Number, Who: "ada", Reason: by.Reason})
	}
	if err != nil {
		t.Fatalf("%s, L2: revert: %v", d.engine, err)
	}
	if diff := cmp.Diff(dump(before, false), dump(d.accounts(t), false)); diff != "" {
		t.Fatalf("%s, L2: taken back, and yet (-before +after):\n%s\n%+v", d.engine, diff, d.problems(t, undo.Number))
	}
	if _, err := d.Revert(context.Background(), p, done.Number, nil, by); !errors.Is(err, store.ErrRefused) {
		t.Fatalf("%s, L2: taken back twice: %v", d.engine, err)
	}
}
