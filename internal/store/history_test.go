package store

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"rollcall/internal/journal"
	"rollcall/internal/plan"
)

func TestR100TheHistoryOfAnAccountIsNewestFirstWithItsRuns(t *testing.T) {
	both(t, func(t *testing.T, db *DB) {
		plantAccounts(t, db, person(7, "ada"))
		add := ran(t, db, 1, journal.Run{Profile: "hr-csv", Kind: journal.Sync, Status: journal.OK, AppliedSeq: 1})
		late := ran(t, db, 2, journal.Run{Profile: "hr-csv", Kind: journal.Sync, Status: journal.OK, AppliedSeq: 3})
		between := ran(t, db, 3, journal.Run{Kind: journal.Batch, Status: journal.OK, AppliedSeq: 2})
		held := ran(t, db, 4, journal.Run{Profile: "hr-csv", Kind: journal.Sync, Status: journal.Held})
		plantChange(t, db, add.Number, planted{account: 7, action: plan.Add, done: journal.Applied})
		plantChange(t, db, late.Number, planted{account: 7, action: plan.Update, done: journal.Applied})
		plantChange(t, db, late.Number, planted{account: 8, action: plan.Delete, done: journal.Applied})
		plantChange(t, db, between.Number, planted{account: 7, action: plan.Suspend, done: journal.Applied})
		plantChange(t, db, held.Number, planted{account: 7, action: plan.Delete})

		done, runs, err := db.History(t.Context(), 7)
		if err != nil {
			t.Fatal(err)
		}
		actions := []plan.Action{}
		for _, o := range done {
			actions = append(actions, o.Action)
		}
		if d := cmp.Diff(actions, []plan.Action{plan.Update, plan.Suspend, plan.Add}); d != "" {
			t.Errorf("changes: got -, want +:\n%s", d)
		}
		if d := cmp.Diff(numbers(runs), []int64{late.Number, between.Number, add.Number}); d != "" {
			t.Errorf("runs: got -, want +:\n%s", d)
		}
		if done, runs, err := db.History(t.Context(), 99); err != nil || len(done)+len(runs) != 0 {
			t.Errorf("of nobody: %v, %v, %v", done, runs, err)
		}
	})
}
