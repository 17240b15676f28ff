package store

import (
	"context"
	"fmt"

	"gorm.io/gorm"

	"rollcall/internal/journal"
)

// A Reading is how far the reading of a directory had come whose drop a run has
// used. Like a [Look] it is stored with the plan of its run, takes effect in the
// transaction that applies that run, and goes with a plan that is given up: so
// what was read and not applied is read again.
type Reading struct {
	Run     int64
	Profile string
	Digest  string // of what its records mean
	State   []byte
}

// Reading is the one that is in effect; [ErrNone] where there is none.
func (db *DB) Reading(ctx context.Context, profile string) (*Reading, error) {
	var row struct {
		Run           int64
		Digest, State string
	}
	res := db.gorm.WithContext(ctx).Raw("SELECT run, digest, state FROM reading WHERE profile = ? AND current = 1", profile).Scan(&row)
	if res.Error != nil {
		return nil, fmt.Errorf("reading of profile %s: %w", profile, res.Error)
	}
	if res.RowsAffected == 0 {
		return nil, ErrNone
	}
	return &Reading{row.Run, profile, row.Digest, []byte(row.State)}, nil
}

// StoreReading writes a reading beside the plan of its run. What other plans of the
// profile have left there goes, but for those that wait for a person.
func (db *DB) StoreReading(ctx context.Context, r Reading) error {
	err := db.transact(ctx, func(w work) error {
		if err := w.tx.Exec("DELETE FROM reading WHERE profile = ? AND current = 0 AND run NOT IN (SELECT number FROM run WHERE status = ?)",
			r.Profile, string(journal.Held)).Error; err != nil {
			return err
		}
		return insertReading(w.tx, r, 0)
	})
	if err != nil {
		return fmt.Errorf("store how far run %d has read: %w", r.Run, err)
	}
	return nil
}

// ReadAgain moves on a profile's reading where nothing has changed since: r's run
// has used the very drop that has come again, so nothing waits to be applied.
func (db *DB) ReadAgain(ctx context.Context, r Reading) error {
	err := db.transact(ctx, func(w work) error {
		if err := w.tx.Exec("DELETE FROM reading WHERE profile = ? AND (current = 1 OR run = ?)", r.Profile, r.Run).Error; err != nil {
			return err
		}
		return insertReading(w.tx, r, 1)
	})
	if err != nil {
		return fmt.Errorf("store how far profile %s has read: %w", r.Profile, err)
	}
	return nil
}

func insertReading(tx *gorm.DB, r Reading, current int) error {
	return tx.Exec("INSERT INTO reading (run, profile, current, digest, state) VALUES (?, ?, ?, ?, ?)", r.Run, r.Profile, current, r.Digest, string(r.State)).Error
}

// dropReading forgets the reading of a plan that is given up.
func dropReading(tx *gorm.DB, run int64) error {
	return tx.Exec("DELETE FROM reading WHERE run = ? AND current = 0", run).Error
}

// swapReading puts the reading of the run that is being applied in the place of the
// one before. Without one that stays: what has changed since is only read again.
func (a *application) swapReading() error {
	var waits int
	if err := a.tx.Raw("SELECT count(*) FROM reading WHERE run = ? AND current = 0", a.run).Scan(&waits).Error; err != nil || waits == 0 {
		return err
	}
	if err := a.tx.Exec("DELETE FROM reading WHERE profile = ? AND run <> ?", a.Run.Profile, a.run).Error; err != nil {
		return fmt.Errorf("reading: %w", err)
	}
	return a.tx.Exec("UPDATE reading SET current = 1 WHERE run = ?", a.run).Error
}
