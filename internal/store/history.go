package store

import (
	"context"
	"errors"
	"fmt"

	"gorm.io/gorm"

	"rollcall/internal/journal"
	"rollcall/internal/plan"
)

// maxHistory is how much of an account's history is told: its newest part.
const maxHistory = 1000

// History lists what was done to an account, newest first, and beside each
// change the run that did it: the two lists are equally long. Claims are among
// the changes. It goes back a thousand changes.
func (db *DB) History(ctx context.Context, id uint64) ([]journal.Outcome, []journal.Run, error) {
	tx := db.gorm.WithContext(ctx)
	var done []journal.Outcome
	var numbers []int64
	told := func(row scanner) error { // a run changes an account at most once
		var number int64
		var c storedChange
		err := scanChange(numbered{row, &number}, numbering{applied: true}, &c)
		if err == nil {
			err = c.read()
		}
		c.Account = id
		done, numbers = append(done, c.Outcome), append(numbers, number)
		return err
	}
	const from = "SELECT r.number, " + storedColumns + " FROM change c JOIN run r ON r.number = c.run WHERE " + carriedOut + " AND "
	err := each(tx, told, from+"c.account = ? ORDER BY r.applied_seq DESC LIMIT ?", id, maxHistory)
	if err == nil && len(done) < maxHistory { // the add that made it says so by its number
		var maker []struct{ Number, IdsFrom int64 }
		err = tx.Raw("SELECT number, ids_from FROM run WHERE last_added >= ? AND first_added <= ? ORDER BY last_added LIMIT 1", id, id).Scan(&maker).Error
		for _, m := range maker {
			err = errors.Join(err, each(tx, told, from+"c.run = ? AND c.ord = ? AND c.account IS NULL", m.Number, int64(id)-m.IdsFrom))
		}
	}
	runs := make([]journal.Run, len(numbers))
	if err == nil {
		var some []journal.Run
		some, err = listRuns(tx.Where(db.engine.in("number", numberList(numbers))))
		byNumber := make(map[int64]journal.Run, len(some))
		for _, r := range some {
			byNumber[r.Number] = r
		}
		for i, n := range numbers {
			runs[i] = byNumber[n]
		}
	}
	if err != nil {
		return nil, nil, fmt.Errorf("history of account %d: %w", id, err)
	}
	return done, runs, nil
}

// numbered is a row with a number before its columns.
type numbered struct {
	scanner
	number *int64
}

func (n numbered) Scan(dest ...any) error {
	return n.scanner.Scan(append([]any{n.number}, dest...)...)
}

// Deletion is the change by which an account was deleted last; nil where the journal
// knows none.
func (db *DB) Deletion(ctx context.Context, account uint64) (*journal.Outcome, error) {
	did, err := oneChange(db.gorm.WithContext(ctx), account, "SELECT "+storedColumns+" FROM change c JOIN run r ON r.number = c.run WHERE "+carriedOut+" AND c.account = ? AND c.action = ? ORDER BY r.applied_seq DESC LIMIT 1", account, string(plan.Delete))
	if err != nil {
		return nil, fmt.Errorf("how account %d was deleted: %w", account, err)
	}
	return did, nil
}

// ChangeOf is what an applied run did to an account; nil where it did nothing to it.
func (db *DB) ChangeOf(ctx context.Context, run int64, account uint64) (*journal.Outcome, error) {
	tx := db.gorm.WithContext(ctx)
	const from = "SELECT " + storedColumns + " FROM change c JOIN run r ON r.number = c.run WHERE r.number = ? AND " + carriedOut + " AND "
	did, err := oneChange(tx, account, from+"c.account = ?", run, account)
	if err == nil && did == nil {
		did, err = oneChange(tx, account, from+"c.ord = ? - r.ids_from AND c.account IS NULL", run, int64(account))
	}
	if err != nil {
		return nil, fmt.Errorf("what run %d did to account %d: %w", run, account, err)
	}
	return did, nil
}

// oneChange reads what a query finds of the applied changes of an account; nil where it
// finds nothing.
func oneChange(tx *gorm.DB, account uint64, query string, args ...any) (did *journal.Outcome, err error) {
	err = each(tx, func(row scanner) error {
		var c storedChange
		err := scanChange(row, numbering{applied: true}, &c)
		if err == nil {
			err = c.read()
		}
		c.Account = account
		did = &c.Outcome
		return err
	}, query, args...)
	return did, err
}
