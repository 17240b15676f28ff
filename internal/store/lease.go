package store

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"gorm.io/gorm"

	"rollcall/internal/fault"
	"rollcall/internal/journal"
)

// ByHand is the lease of what people do by command. No profile bears its name:
// theirs have no underscore.
const ByHand = "_by_hand"

// Acquire takes the lease of a profile, or answers with [ErrBusy] at once; the
// sweep's has no profile, and people's is [ByHand]. Whoever held it before, and does not know yet that he
// has lost it, is fenced from now on.
//
// Runs of the profile that are still running belong to dead processes: they
// become interrupted, and their unfinished plans are removed.
func (db *DB) Acquire(ctx context.Context, profile string) (*Lease, error) {
	release, err := db.engine.lock(ctx, db.lockDir, profile)
	if err != nil {
		return nil, err
	}
	l := &Lease{Profile: profile, release: sync.OnceValue(release)}
	err = db.gorm.WithContext(ctx).Transaction(func(tx *gorm.DB) error {
		if err := tx.Raw("INSERT INTO lease (profile, epoch) VALUES (?, 1) ON CONFLICT (profile) DO UPDATE SET epoch = lease.epoch + 1 RETURNING epoch", profile).
			Scan(&l.Epoch).Error; err != nil {
			return err
		}
		return fault.After(db.interrupt(tx, profile), "store.leased")
	})
	if err != nil {
		return nil, errors.Join(fmt.Errorf("lease: %w", err), l.Release())
	}
	return l, nil
}

// Release gives the lease back; a second time it does nothing more.
func (l *Lease) Release() error { return l.release() }

// interrupt ends in the journal the runs of a profile whose process has died.
func (db *DB) interrupt(tx *gorm.DB, profile string) error {
	dead := tx.Where("status = ? AND applied_seq IS NULL", string(journal.Running))
	if profile == ByHand {
		dead = dead.Where("kind = ?", string(journal.Batch))
	} else {
		dead = dead.Where("profile = ? AND kind <> ?", profile, string(journal.Batch))
	}
	var rows []runRow
	if err := dead.Order("number").Find(&rows).Error; err != nil {
		return err
	}
	for _, row := range rows {
		r, err := loadRun(row)
		if err != nil {
			return err
		}
		r.Status, r.Finished, r.PlanDigest, r.ExitCode = journal.Interrupted, db.now().UTC(), "", 1
		r.Error = "the process ended before the run did, and nothing was changed; run it again"
		if cause, known := db.lost.Load(r.Number); known { // it was this process, which has lived on
			r.Error = cause.(string)
		}
		r.Untold = r.Profile != "" && r.Kind != journal.Batch
		if err := dropPlan(tx, r.Number); err != nil {
			return err
		}
		if err := saveRun(tx, r); err != nil {
			return err
		}
	}
	return nil
}

// Lost remembers why a run came to nothing, where its end could not be written
// down. Whoever finds it running writes it, as long as this process lives.
func (db *DB) Lost(run int64, cause string) { db.lost.Store(run, cause) }

// Abandon writes down after all how the runs of a lease ended that are [DB.Lost]:
// as if their process had died. What was applied stays so.
func (db *DB) Abandon(ctx context.Context, l *Lease, run int64) error {
	if _, lost := db.lost.Load(run); !lost {
		return nil
	}
	return db.gorm.WithContext(ctx).Transaction(func(tx *gorm.DB) error {
		var epoch int64
		if err := tx.Raw("SELECT epoch FROM lease WHERE profile = ?"+db.engine.forUpdate(), l.Profile).Scan(&epoch).Error; err != nil {
			return err
		}
		if epoch != l.Epoch {
			return ErrFenced
		}
		return db.interrupt(tx, l.Profile)
	})
}

// Dead lists, oldest first, the runs of a profile that were found dead and of
// which its people have not been told yet.
func (db *DB) Dead(ctx context.Context, profile string, since time.Time) ([]journal.Run, error) {
	runs, err := listRuns(db.gorm.WithContext(ctx).Where("profile = ? AND status = ? AND started >= ?", profile, string(journal.Interrupted), micros(since)).Order("number"))
	return slices.DeleteFunc(runs, func(r journal.Run) bool { return !r.Untold }), err
}

// Begun lists the leases under which runs go on, or whose process has died.
func (db *DB) Begun(ctx context.Context) (leases []string, err error) {
	err = db.gorm.WithContext(ctx).Raw("SELECT DISTINCT CASE WHEN kind = ? THEN ? ELSE profile END FROM run WHERE status = ? AND applied_seq IS NULL ORDER BY 1",
		string(journal.Batch), ByHand, string(journal.Running)).Scan(&leases).Error
	return leases, err
}

// dropPlan removes what a run has planned and found.
func dropPlan(tx *gorm.DB, run int64) error {
	if err := tx.Exec("DELETE FROM change WHERE run = ?", run).Error; err != nil {
		return fmt.Errorf("run %d: remove its plan: %w", run, err)
	}
	if err := tx.Exec("DELETE FROM problem WHERE run = ?", run).Error; err != nil {
		return fmt.Errorf("run %d: remove its problems: %w", run, err)
	}
	return nil
}
