package store

import (
	"context"
	"fmt"
	"iter"

	"rollcall/internal/plan"
	"rollcall/internal/roster"
)

// Roll implements [plan.Directory]. It reads no account but its status.
func (db *DB) Roll(ctx context.Context, profile string) iter.Seq2[plan.Listed, error] {
	return func(yield func(plan.Listed, error) bool) {
		tx := db.gorm.WithContext(ctx)
		part := make([]plan.Listed, 0, page)
		for after := uint64(0); ; after = part[len(part)-1].Account {
			part = part[:0]
			err := each(tx, func(row scanner) error {
				var id uint64
				var status string
				if err := row.Scan(&id, &status); err != nil {
					return err
				}
				part = append(part, plan.Listed{Account: id, Status: roster.Status(status)})
				return nil
			}, `SELECT a.id, a.status FROM link l JOIN account a ON a.id = l.account
				WHERE l.profile = ? AND l.account > ? ORDER BY l.account LIMIT ?`, profile, after, page)
			if err != nil {
				yield(plan.Listed{}, fmt.Errorf("owned accounts: %w", err))
				return
			}
			for _, l := range part {
				if !yield(l, nil) {
					return
				}
			}
			if len(part) < page {
				return
			}
		}
	}
}
