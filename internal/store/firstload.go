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
	adds, err := a.firstLoad()
	if err != nil || adds <= few {
		return either(err, write)
	}
	again, err := a.db.engine.unindex(a.work, "account", "link")
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

func either(err error, f func() error) error {
	if err != nil {
		return err
	}
	return f()
}

// firstLoad is how many accounts the plan adds to a table without any; zero where
// there are some.
func (a *application) firstLoad() (adds int, err error) {
	var some int
	if err := a.tx.Raw("SELECT count(*) FROM (SELECT 1 FROM account LIMIT 1) AS first").Scan(&some).Error; err != nil || some > 0 {
		return 0, err
	}
	err = a.tx.Raw("SELECT count(*) FROM change WHERE run = ? AND action = ?", a.run, plan.Add).Scan(&adds).Error
	return adds, err
}

// What [engine.refresh] counts of tables that are wide: the columns by which they
// are searched. To count all of an account's took longer than its indexes.
const (
	searchedAccount = "account (id, username, username_folded, email_folded, employee_id_folded, status, status_reason, status_since, starts_at, expires_at, updated_at)"
	searchedChange  = "change (run, ord, phase, subject, key, username, action, account, version, done)"
)
