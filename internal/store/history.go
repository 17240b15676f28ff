package store

import (
	"context"
	"fmt"

	"rollcall/internal/journal"
)

// maxHistory is how much of an account's history is told: its newest part.
const maxHistory = 1000

// History lists what was done to an account, newest first, and beside each
// change the run that did it: the two lists are equally long. Claims are among
// the changes. It goes back a thousand changes.
func (db *DB) History(ctx context.Context, id uint64) ([]journal.Outcome, []journal.Run, error) {
	tx := db.gorm.WithContext(ctx)
	runs, err := listRuns(tx.Joins("JOIN change c ON c.run = run.number").
		Where("c.account = ? AND c.done = 'applied'", id).Order("run.applied_seq DESC").Limit(maxHistory))
	if err != nil {
		return nil, nil, fmt.Errorf("history of account %d: %w", id, err)
	}
	numbers := make([]int64, len(runs))
	for i, r := range runs {
		numbers[i] = r.Number
	}
	done := make([]journal.Outcome, 0, len(runs)) // a run changes an account at most once
	err = each(tx, func(row scanner) error {
		c, err := scanChange(row)
		if err == nil {
			err = c.read()
		}
		c.Account = c.account
		done = append(done, c.Outcome)
		return err
	}, `SELECT c.ord, c.line, c.subject, c.key, c.action, c.account, c.version, c.username, c.reason, c.absent, c.by_date, c.fields, c.links, c.takes, c.done, c.note
		FROM change c JOIN run r ON r.number = c.run WHERE c.account = ? AND c.done = 'applied' AND ? ORDER BY r.applied_seq DESC`,
		id, db.engine.in("c.run", numberList(numbers)))
	if err != nil {
		return nil, nil, fmt.Errorf("history of account %d: %w", id, err)
	}
	return done, runs, nil
}
