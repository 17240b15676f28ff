package store

import (
	"context"
	"fmt"
	"slices"

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

// Claims is how many accounts are claimed by profiles other than these: nobody
// reads for them any more, so no run ever withdraws what they claim (R5).
func (db *DB) Claims(ctx context.Context, known []string) (map[string]int, error) {
	var owners []string
	if err := db.gorm.WithContext(ctx).Raw("SELECT profile FROM tally WHERE owned > 0 ORDER BY profile").Scan(&owners).Error; err != nil {
		return nil, fmt.Errorf("list the profiles that own accounts: %w", err)
	}
	claims := map[string]int{}
	for _, name := range owners {
		if slices.Contains(known, name) {
			continue
		}
		var n int
		err := db.gorm.WithContext(ctx).Raw("SELECT count(*) FROM link JOIN account ON account.id = link.account WHERE link.profile = ? AND link.claim <> ? AND account.status <> ?",
			name, roster.ClaimGone, roster.Deleted).Scan(&n).Error
		if err != nil {
			return nil, fmt.Errorf("count the claims of a profile: %w", err)
		}
		if n > 0 {
			claims[name] = n
		}
	}
	return claims, nil
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
