package store

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"rollcall/internal/journal"
	"rollcall/internal/plan"
	"rollcall/internal/proof"
	"rollcall/internal/roster"
)

// TestWhateverChangesARowIsAsIfItHadBeenWrittenWhole lets people change at random:
// fields, dates, status and names, swapped, freed and taken, and some of them are moved by
// somebody else meanwhile. After each plan all that the journal calls done is there and
// nothing else, and what is due is what the accounts say.
func TestWhateverChangesARowIsAsIfItHadBeenWrittenWhole(t *testing.T) {
	bothAt(t, func(t *testing.T, db *DB, c *clock) {
		s := story{t, db}
		r := rand.New(rand.NewPCG(1, 2))
		var people []string
		for i := range 30 {
			people = append(people, fmt.Sprint("u", i))
		}
		s.people("hr", people...)
		model := s.all()
		done, left := map[plan.Action]int{}, 0
		for round := range 25 {
			c.advance(time.Hour)
			var changes []plan.Change
			taken := map[string]bool{}
			for _, i := range r.Perm(len(model))[:len(model)/2] {
				change, ok := atRandom(r, model[i], model, db.now())
				if _, takes := names(&change); ok && !taken[takes] {
					taken[takes] = takes != ""
					changes = append(changes, change)
				}
			}
			for n := range r.IntN(3) {
				changes = append(changes, add("hr", fmt.Sprint("n", round, ".", n)))
			}
			run := s.plan("hr", changes...)
			if round%3 == 1 { // a person looks at it first, and somebody moves one of them meanwhile
				run = s.held(run)
				if model[0].Status() != roster.Deleted {
					s.apply(s.plan("", touch(plan.Update, model[0], field(roster.City, model[0].Values[roster.City], fmt.Sprint("City", round), "person:eve"))))
				}
				model = s.all()
			}
			o := order(run)
			o.HoldNames = time.Duration(r.IntN(2)) * hold
			if _, err := db.Apply(t.Context(), o); err != nil {
				if errors.Is(err, ErrRefused) && strings.Contains(err.Error(), "more than a tenth") {
					continue
				}
				t.Fatalf("round %d: %v", round, err)
			}
			for out, err := range db.Changes(t.Context(), run.Number) {
				if err != nil {
					t.Fatal(err)
				}
				if out.Done != journal.Applied {
					left++
					continue
				}
				done[out.Action]++
				i := slices.IndexFunc(model, func(a roster.Account) bool { return a.ID == out.Account })
				if i < 0 {
					i, model = len(model), append(model, roster.Account{ID: out.Account, CreatedAt: db.now()})
				}
				if out.Action == plan.Purge {
					model = slices.Delete(model, i, i+1)
					continue
				}
				(&application{now: db.now()}).change(&out.Change, &model[i])
				if out.Action == plan.Anonymise {
					blank(&model[i])
				}
			}
			got := s.all()
			if diff := cmp.Diff(model, got, cmpopts.IgnoreFields(roster.Account{}, "Links")); diff != "" {
				t.Fatalf("round %d: -journal +accounts\n%s", round, diff)
			}
			model = got
			s.whole(round, got)
		}
		for _, action := range []plan.Action{plan.Add, plan.Update, plan.Rename, plan.Suspend, plan.Reactivate, plan.Delete, plan.Anonymise, plan.Purge} {
			if done[action] < 5 || left < 5 {
				t.Errorf("%d times %s, and %d changes were left out: want some of each", done[action], action, left)
			}
		}
	})
}

// all are all accounts, by id.
func (s story) all() (list []roster.Account) {
	s.Helper()
	for a, err := range s.db.Accounts(s.Context(), AccountQuery{Status: "all"}) {
		if err != nil {
			s.Fatal(err)
		}
		list = append(list, a)
	}
	return list
}

// whole wants each row to be what it would be if it were written whole, and no more to
// be due than the accounts say.
func (s story) whole(round int, accounts []roster.Account) {
	s.Helper()
	var want, got, due, noted []string
	holders := map[string]uint64{}
	for i := range accounts {
		a := &accounts[i]
		want = append(want, fmt.Sprint(accountRow(a)))
		for _, d := range duesOf(a) {
			due = append(due, fmt.Sprint(d.kind, a.ID, " ", d.at))
		}
		if name := roster.Fold(a.Values[roster.Username]); a.Status() != roster.Deleted && name != "" {
			if holders[name] != 0 {
				s.Fatalf("round %d: %s is %d and %d", round, name, holders[name], a.ID)
			}
			holders[name] = a.ID
		}
	}
	err := each(s.db.gorm, func(row scanner) error {
		values := make([]any, len(columnsOfAccount))
		into := make([]any, len(values))
		for i := range values {
			into[i] = &values[i]
		}
		err := row.Scan(into...)
		got = append(got, fmt.Sprint(values))
		return err
	}, "SELECT "+strings.Join(columnsOfAccount, ", ")+" FROM account ORDER BY id")
	if err != nil {
		s.Fatal(err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		s.Fatalf("round %d: -written whole +row\n%s", round, diff)
	}
	noted = s.read("SELECT kind || account || ' ' || at FROM due")
	slices.Sort(due)
	slices.Sort(noted)
	if diff := cmp.Diff(due, noted); diff != "" {
		s.Fatalf("round %d: -accounts +due\n%s", round, diff)
	}
	if wrong := s.read("SELECT account FROM (" + strings.Replace(proof.NotDue, ", 0 FROM", " AS account FROM", 1) + ") AS n"); len(wrong) > 0 {
		s.Fatalf("round %d: the proofs say of %v that what is due of them is not noted", round, wrong)
	}
}

// atRandom is one of the changes that an account may see; ok is false where it is none.
func atRandom(r *rand.Rand, a roster.Account, all []roster.Account, now time.Time) (c plan.Change, ok bool) {
	one := func(texts ...string) string { return texts[r.IntN(len(texts))] }
	var fields []plan.FieldChange
	set := func(f roster.Field, to string) {
		c := field(f, a.Values[f], to, "")
		if c.Name = f.String(); f < roster.NumFeedFields {
			c.Was, c.Is = a.Origins[f], roster.Origin(one("", "hr", "lms", "default:", "person:eve"))
		}
		fields = append(fields, c)
	}
	date := func() string {
		return one("", "", roster.Stamp(now), roster.Stamp(now.AddDate(0, 0, r.IntN(9)-4)), "2026-08-01T00:00:00Z")
	}
	reason := func() string {
		return one("", string(roster.Missing), string(roster.NotStarted), string(roster.Expired), string(roster.ByHand), string(roster.Missing), string(roster.NotStarted))
	}
	status := func(to roster.Status) {
		set(roster.StatusField, string(to))
		set(roster.StatusReason, reason())
		set(roster.StatusBy, one("", "hr", "date:"))
		set(roster.StatusSince, date())
	}
	if a.Status() == roster.Deleted {
		switch r.IntN(8) {
		case 0:
			return touch(plan.Purge, a), true
		case 1:
			if a.Values[roster.StatusReason] == string(roster.Anonymised) {
				return c, false
			}
			set(roster.StatusReason, string(roster.Anonymised))
			return touch(plan.Anonymise, a, fields...), true
		case 2, 3, 4:
			if a.Values[roster.Username] == "" {
				return c, false
			}
			status(roster.Status(one("active", "suspended")))
			set(roster.DeletedAt, "")
			return touch(plan.Reactivate, a, fields...), true
		default:
			set(roster.DeletedAt, date())
			return touch(plan.Update, a, fields...), true
		}
	}
	action := plan.Update
	for range r.IntN(4) {
		if f := roster.Field(r.IntN(int(roster.NumFeedFields))); f != roster.Username && !slices.ContainsFunc(fields, func(c plan.FieldChange) bool { return c.Field == f }) {
			set(f, one("", "x", "X", "\u00c4\u00d6", a.Values[f]))
		}
	}
	if r.IntN(3) == 0 {
		to := all[r.IntN(len(all))].Values[roster.Username] // whoever has it may give it up, or not
		if r.IntN(3) == 0 {
			to = one(a.Values[roster.Username]+"x", strings.ToUpper(a.Values[roster.Username]))
		}
		if to != "" {
			set(roster.Username, to)
			action = plan.Rename
		}
	}
	switch r.IntN(6) {
	case 0:
		status(roster.Deleted)
		set(roster.DeletedAt, date())
		return touch(plan.Delete, a, fields...), true
	case 1:
		status(roster.Suspended)
		action = plan.Suspend
	case 2:
		status(roster.Active)
		action = plan.Reactivate
	}
	for _, f := range []roster.Field{roster.StartsAt, roster.ExpiresAt, roster.LegalHold, roster.FallbackOwner} {
		switch {
		case r.IntN(3) > 0:
		case f == roster.LegalHold && r.IntN(9) > 0:
		default:
			set(f, date())
		}
	}
	return touch(action, a, fields...), true
}
