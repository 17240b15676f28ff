package store

import (
	"context"
	"fmt"
	"time"

	"rollcall/internal/roster"
)

// Decided tells whether somebody has decided something about a key of a profile
// since, and no run has followed it yet.
func (db *DB) Decided(ctx context.Context, profile string, since time.Time) (bool, error) {
	var n int
	if err := db.gorm.WithContext(ctx).Raw("SELECT count(*) FROM decision WHERE profile = ? AND at >= ?", profile, micros(since)).Scan(&n).Error; err != nil {
		return false, fmt.Errorf("decisions: %w", err)
	}
	return n > 0, nil
}

// DecideNew remembers that a key of a profile is somebody new (R49), until the
// next run has added them. A later decision of the same key replaces it.
func (db *DB) DecideNew(ctx context.Context, profile string, key roster.Key, who, reason string) error {
	if err := storable(string(key), who, reason); err != nil {
		return fmt.Errorf("decide: %w", err)
	}
	err := db.gorm.WithContext(ctx).Exec(`INSERT INTO decision (profile, key_folded, key, who, reason, at) VALUES (?, ?, ?, ?, ?, ?)
		ON CONFLICT (profile, key_folded) DO UPDATE SET key = excluded.key, who = excluded.who, reason = excluded.reason, at = excluded.at`,
		profile, roster.Fold(string(key)), string(key), who, reason, micros(db.now())).Error
	if err != nil {
		return fmt.Errorf("decide that key %q is somebody new: %w", key, err)
	}
	return nil
}
