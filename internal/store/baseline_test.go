package store

import (
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"rollcall/internal/guard"
	"rollcall/internal/journal"
	"rollcall/internal/plan"
	"rollcall/internal/roster"
)

// full is an applied sync of a full drop.
func full(sum string, rows int) journal.Run {
	return journal.Run{
		Profile: "hr-csv", Kind: journal.Sync, Status: journal.OK, Mapping: "m1",
		Input: journal.Input{SHA256: sum, Content: "full"}, Facts: plan.Facts{Rows: plan.Rows{Read: rows}},
	}
}

func wantBaseline(t *testing.T, db *DB, mapping string, want guard.Baseline) {
	t.Helper()
	got, err := db.Baseline(t.Context(), "hr-csv", mapping)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(got, want); d != "" {
		t.Errorf("baseline: got -, want +:\n%s", d)
	}
}

func TestAProfileWithoutAnAppliedRunHasNoBaseline(t *testing.T) {
	both(t, func(t *testing.T, db *DB) {
		held := full("aa", 100)
		held.Status = journal.Held
		ran(t, db, 1, held)
		other := full("aa", 100)
		other.Profile = "school"
		ran(t, db, 2, other)
		wantBaseline(t, db, "m1", guard.Baseline{})
	})
}

func TestTheBaselineOfRowsIsTheMedianOfTheLastFiveFullDropsThatDiffer(t *testing.T) {
	both(t, func(t *testing.T, db *DB) {
		ran(t, db, 1, full("s1", 1))
		ran(t, db, 2, full("s2", 200))
		wantBaseline(t, db, "m1", guard.Baseline{Applied: true, RowHistory: []int{200, 1}, MedianRows: 1}) // of two middles the lower
		approved := full("s3", 30)
		approved.Status, approved.Approved = journal.Warn, true
		for i, r := range []journal.Run{approved, full("s4", 400), full("s4", 400), full("s5", 5), full("s6", 60)} {
			ran(t, db, 3+i, r)
		}
		delta := full("s7", 7)
		delta.Input.Content = "delta"
		ran(t, db, 8, delta)
		for i, s := range []journal.Status{journal.Held, journal.Failed, journal.Reverted, journal.Superseded} {
			r := full(fmt.Sprintf("x%d", i), 9999)
			r.Status = s
			ran(t, db, 9+i, r)
		}
		dry := full("d", 9999)
		dry.DryRun = true
		ran(t, db, 20, dry)
		wantBaseline(t, db, "m1", guard.Baseline{Applied: true, RowHistory: []int{60, 5, 400, 30, 200}, MedianRows: 60})
	})
}

func TestABaselineIsRemappedWhereTheLastAppliedRunMeantSomethingElse(t *testing.T) {
	both(t, func(t *testing.T, db *DB) {
		ran(t, db, 1, full("s1", 10))
		for mapping, want := range map[string]bool{"m1": false, "m2": true, "": false} {
			wantBaseline(t, db, mapping, guard.Baseline{Applied: true, Remapped: want, RowHistory: []int{10}, MedianRows: 10})
		}
	})
}

func TestKnownProblemsAreThoseOfTheLastAppliedRun(t *testing.T) {
	both(t, func(t *testing.T, db *DB) {
		if known, err := db.Known(t.Context(), "hr-csv"); err != nil || len(known) != 0 {
			t.Errorf("before any run: %v, %v", known, err)
		}
		plantProblem(t, db, ran(t, db, 1, full("s1", 10)).Number, "E120", "error", "mended since", time.Time{})
		r := full("s2", 10)
		r.Facts.Rows.Rejected = 2
		last := ran(t, db, 2, r)
		plantProblem(t, db, last.Number, "E120", "error", "old", noon.AddDate(0, 0, -3))
		plantProblem(t, db, last.Number, "E115", "error", "new", time.Time{})
		plantProblem(t, db, last.Number, "E131", "warning", "warned", time.Time{})
		plantProblem(t, db, last.Number, "E310", "note", "worth knowing", time.Time{})
		dry := full("s3", 10)
		dry.DryRun, dry.Status = true, journal.Dry
		plantProblem(t, db, ran(t, db, 3, dry).Number, "E120", "error", "of a dry run", time.Time{})

		want := map[string]time.Time{"old": noon.AddDate(0, 0, -3), "new": noon, "warned": noon, "worth knowing": noon}
		check := func(when string) {
			t.Helper()
			known, err := db.Known(t.Context(), "hr-csv")
			if err != nil {
				t.Fatal(err)
			}
			if d := cmp.Diff(known, want); d != "" {
				t.Errorf("%s: got -, want +:\n%s", when, d)
			}
		}
		check("after the run")

		replay := full("s2", 10)
		replay.Status, replay.Facts.Rows.Rejected = journal.Unchanged, 2
		ran(t, db, 4, replay)
		check("after the same bytes again, whose problems were not written twice")

		ran(t, db, 5, full("s4", 10))
		want = map[string]time.Time{}
		check("after a run without rejections")
	})
}

func TestTouchedIsWhatAnotherRunDidToTheProfilesAccounts(t *testing.T) {
	both(t, func(t *testing.T, db *DB) {
		mine := roster.Link{Profile: "hr-csv", Key: "1", Claim: roster.ClaimActive}
		plantAccounts(t, db, linked(person(1, "ada"), mine), linked(person(2, "bob"), roster.Link{Profile: "school", Key: "2", Claim: roster.ClaimActive}))
		applied := full("s1", 1)
		applied.AppliedSeq = 10
		own := ran(t, db, 1, applied)
		plantChange(t, db, own.Number, planted{account: 1, action: plan.Add, done: journal.Applied})

		seq := int64(10)
		next := func(kind journal.Kind, p planted) {
			t.Helper()
			seq++
			r := ran(t, db, int(seq), journal.Run{Profile: "school", Kind: kind, Status: journal.OK, AppliedSeq: seq})
			plantChange(t, db, r.Number, p)
		}
		check := func(want bool, what string) {
			t.Helper()
			got, err := db.Touched(t.Context(), "hr-csv", seq-1, own.Number)
			if err != nil {
				t.Fatal(err)
			}
			if got != want {
				t.Errorf("%s: touched %v, want %v", what, got, want)
			}
		}
		check(false, "its own run") // which was applied after it had begun
		seq = 11
		next(journal.Sync, planted{account: 2, action: plan.Update, done: journal.Applied})
		check(false, "an account of another profile")
		next(journal.Sync, planted{account: 1, action: plan.Update, done: journal.LeftOut})
		check(false, "a change that was left out")
		next(journal.Sync, planted{account: 1, action: plan.Claim, done: journal.Applied, links: `[{"profile":"school","old":"active","new":"gone"}]`})
		check(false, "another feed's claim")
		next(journal.Sync, planted{account: 1, action: plan.Update, done: journal.Applied})
		check(true, "another feed's update")
		next(journal.Batch, planted{account: 9, action: plan.Claim, done: journal.Applied, links: `[{"profile":"hr-csv","old_key":"9","old":"active"}]`})
		check(true, "a link that a person has removed")
		next(journal.Revert, planted{account: 8, action: plan.Purge, done: journal.Applied, links: `[{"profile":"hr-csv","old_key":"8","old":"active"}]`})
		check(true, "an account of its own that was purged")
		next(journal.Batch, planted{account: 9, action: plan.Claim, done: journal.Applied, links: `[{"profile":"hr-csv-2","old_key":"9","old":"active"}]`})
		check(false, "a link of a profile with a longer name")
	})
}

func TestARunRemembersWhatItCouldSeeWhenItBegan(t *testing.T) {
	both(t, func(t *testing.T, db *DB) {
		if err := db.gorm.Exec("UPDATE counter SET value = 7 WHERE name = 'applied_seq'").Error; err != nil {
			t.Fatal(err)
		}
		r := &journal.Run{Profile: "hr-csv", Kind: journal.Sync}
		if err := db.Begin(t.Context(), r); err != nil {
			t.Fatal(err)
		}
		if got, err := db.Run(t.Context(), r.Number); err != nil || got.Seen != 7 {
			t.Errorf("seen %d, %v; want 7", got.Seen, err)
		}
	})
}
