package store

import (
	"fmt"

	"rollcall/internal/plan"
)

// few is how many new rows are entered into the indexes one by one all the same.
const few = 2000

// withoutIndexes runs write, which fills tables that are empty, without their
// indexes and builds those afterwards, in the same transaction: keeping an index
// for every row of a first load takes longer than the rows. Nobody else can miss
// them: a table is locked meanwhile, and nobody reads one that is empty for long.
func (a *application) withoutIndexes(write func() error) error {
	if !a.empty || a.adds <= few {
		return write()
	}
	again, err := a.db.engine.unindex(a.work, "account", "link", "membership", "due")
	if err != nil {
		return fmt.Errorf("prepare a first load: %w", err)
	}
	if err := write(); err != nil {
		return err
	}
	for _, statement := range again {
		if err := a.tx.Exec(statement).Error; err != nil {
			return fmt.Errorf("build the indexes: %w", err)
		}
	}
	return nil
}

// survey finds out whether the plan fills a directory that has no account yet: then
// nothing that it speaks of can have moved, and it is read only once.
func (a *application) survey() error {
	var some int
	if err := a.tx.Raw("SELECT count(*) FROM (SELECT 1 FROM decision WHERE profile = ? LIMIT 1) AS first", a.Run.Profile).Scan(&some).Error; err != nil {
		return err
	}
	a.undecided = some == 0
	if err := a.tx.Raw("SELECT count(*) FROM (SELECT 1 FROM account LIMIT 1) AS first").Scan(&some).Error; err != nil || some > 0 {
		return err
	}
	// Adds stand together: where the first change is one and the last, all are.
	var ends []struct {
		Ord    int64
		Action plan.Action
	}
	if err := a.tx.Raw("SELECT ord, action FROM change WHERE run = ? AND ord IN (1, (SELECT max(ord) FROM change WHERE run = ?)) ORDER BY ord", a.run, a.run).Scan(&ends).Error; err != nil {
		return err
	}
	for _, end := range ends {
		if end.Action != plan.Add {
			return nil
		}
		a.empty, a.firstAdd, a.adds, a.planned = true, 1, end.Ord, int(end.Ord)
	}
	return nil
}

// What [engine.refresh] counts of tables that are wide: the columns by which they
// are searched. To count all of an account's took longer than its indexes.
const (
	searchedAccount = "account (id, username, username_folded, email_folded, employee_id_folded, status, updated_at)"
	searchedChange  = "change (run, action, account, done)"
)
