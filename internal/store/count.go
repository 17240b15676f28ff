package store

import (
	"context"
	"fmt"

	"rollcall/internal/roster"
)

// Count is how many accounts there are of each status.
func (db *DB) Count(ctx context.Context) (map[roster.Status]int, error) {
	var rows []struct {
		Status roster.Status
		N      int
	}
	if err := db.gorm.WithContext(ctx).Raw("SELECT status, count(*) AS n FROM account GROUP BY status").Scan(&rows).Error; err != nil {
		return nil, fmt.Errorf("count accounts: %w", err)
	}
	counts := map[roster.Status]int{}
	for _, r := range rows {
		counts[r.Status] = r.N
	}
	return counts, nil
}

// Reached is how far the journal has come: the newest run's number, and the
// newest applied_seq. Neither ever goes back while the database is the same.
func (db *DB) Reached(ctx context.Context) (run, seq int64, err error) {
	for name, into := range map[string]*int64{"run": &run, "applied_seq": &seq} {
		if err := db.gorm.WithContext(ctx).Raw("SELECT value FROM counter WHERE name = ?", name).Scan(into).Error; err != nil {
			return 0, 0, fmt.Errorf("journal: %w", err)
		}
	}
	return run, seq, nil
}
