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
