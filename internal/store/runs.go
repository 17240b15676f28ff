package store

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"
	"gorm.io/gorm"

	"rollcall/internal/fault"
	"rollcall/internal/journal"
	"rollcall/internal/notify"
)

// Begin writes a new run into the journal: it draws Number and ID, and sets the
// status to running, and Started where it is zero. Numbers only grow; one that
// was drawn is never given again.
func (db *DB) Begin(ctx context.Context, r *journal.Run) error {
	id, err := uuid.NewV7()
	if err != nil {
		return fmt.Errorf("begin run: %w", err)
	}
	begun := *r
	begun.ID, begun.Status = id.String(), journal.Running
	if begun.Started.IsZero() {
		begun.Started = db.now().UTC()
	}
	err = db.gorm.WithContext(ctx).Transaction(func(tx *gorm.DB) error {
		if err := tx.Raw("UPDATE counter SET value = value + 1 WHERE name = 'run' RETURNING value").Scan(&begun.Number).Error; err != nil {
			return err
		}
		if begun.Number == 0 {
			return errors.New("the counter of runs is gone; restore a backup of the database")
		}
		if err := tx.Raw("SELECT value FROM counter WHERE name = 'applied_seq'").Scan(&begun.Seen).Error; err != nil {
			return err
		}
		row, err := runRowOf(&begun)
		if err != nil {
			return err
		}
		return tx.Create(&row).Error
	})
	if err != nil {
		return fmt.Errorf("begin run: %w", err)
	}
	*r = begun
	return fault.At("store.run.begun")
}

// Finish writes what a run came to, where [DB.Apply] did not, and in the same
// transaction the mails that tell of it.
func (db *DB) Finish(ctx context.Context, r *journal.Run, mails ...notify.Message) error {
	return db.gorm.WithContext(ctx).Transaction(func(tx *gorm.DB) error {
		for _, m := range mails {
			if err := insertMail(tx, r.Number, m); err != nil {
				return err
			}
		}
		return end(tx, r)
	})
}

// end saves a run that was not applied. What came to nothing leaves no look (S8).
func end(tx *gorm.DB, r *journal.Run) error {
	switch r.Status {
	case journal.Rejected, journal.Superseded, journal.Failed, journal.Interrupted:
		if err := errors.Join(dropLooks(tx, r.Number), dropReading(tx, r.Number), dropPasswords(tx, r.Number)); err != nil {
			return err
		}
	}
	return fault.After(saveRun(tx, r), "store.run.ending")
}

// Forget removes a run that is not to be recorded, with its plan. What was
// applied stays.
func (db *DB) Forget(ctx context.Context, run int64) error {
	return db.transact(ctx, func(w work) error {
		// The run first, which locks it: one that is applied in this moment is either
		// gone before or kept, and nobody adds to the plan of one that goes.
		res := w.tx.Exec("DELETE FROM run WHERE number = ? AND applied_seq IS NULL", run)
		if res.Error != nil {
			return fmt.Errorf("run %d: forget: %w", run, res.Error)
		}
		if res.RowsAffected == 0 {
			if _, err := runNumbered(w.tx, run); err != nil {
				return err
			}
			return fmt.Errorf("run %d has been applied and stays in the journal; rollcall runs revert takes it back", run)
		}
		return dropPlan(w.tx, run)
	})
}

// Run reads a run; [ErrNone] where there is none of this number.
func (db *DB) Run(ctx context.Context, number int64) (*journal.Run, error) {
	row, err := runNumbered(db.gorm.WithContext(ctx), number)
	if err != nil {
		return nil, err
	}
	return loadRun(row)
}

func runNumbered(tx *gorm.DB, number int64) (runRow, error) {
	var row runRow
	err := tx.Take(&row, "number = ?", number).Error
	if errors.Is(err, gorm.ErrRecordNotFound) {
		return row, fmt.Errorf("run %d: %w; rollcall runs list shows those there are", number, ErrNone)
	}
	if err != nil {
		return row, fmt.Errorf("run %d: %w", number, err)
	}
	return row, nil
}

// Runs lists runs, newest first. A limit of zero is none; a zero since is ever;
// the profile "" is every one, sweeps and batches too.
func (db *DB) Runs(ctx context.Context, profile string, since time.Time, limit int) ([]journal.Run, error) {
	q := db.gorm.WithContext(ctx).Order("number DESC")
	if profile != "" {
		q = q.Where("profile = ?", profile)
	}
	if !since.IsZero() {
		q = q.Where("started >= ?", micros(since))
	}
	if limit > 0 {
		q = q.Limit(limit)
	}
	return listRuns(q)
}

// Newest is the finished run with the highest number: of any kind, or of a
// profile, dry, held and failed ones included, sweeps not.
func (db *DB) Newest(ctx context.Context, profile string) (*journal.Run, error) {
	q := db.gorm.WithContext(ctx).Where("finished <> 0 AND status <> ?", string(journal.Running)).Order("number DESC")
	if profile != "" {
		q = q.Where("profile = ? AND kind <> ?", profile, string(journal.Sweep))
	}
	return firstRun(q, "no run has finished yet")
}

// LastApplied is the sync run of a profile that was carried out last, of those
// that read a drop: a held run that was approved keeps its number, and counts from
// then on. A run that found nothing to change counts, and one that was taken back
// since. [ErrNone] where there is none.
func (db *DB) LastApplied(ctx context.Context, profile string) (*journal.Run, error) {
	tx := db.gorm.WithContext(ctx)
	last, err := firstRun(appliedSyncs(tx, profile), "no run of this profile has been applied yet")
	if err != nil {
		return nil, err
	}
	// That is the one that ended last, if no clock was put back since. Only the numbers are certain.
	var later *int64
	err = tx.Raw(`SELECT max(CASE WHEN profile = ? AND kind = ? AND dry_run = 0 AND input_sha256 <> '' AND status IN ? THEN applied_seq END) FROM run WHERE applied_seq > ?`,
		profile, string(journal.Sync), appliedStatuses, max(last.AppliedSeq, last.Seen)).Scan(&later).Error
	if err != nil {
		return nil, fmt.Errorf("find the run that was applied last: %w", err)
	}
	if later != nil {
		if last, err = firstRun(tx.Where("applied_seq = ?", *later), "gone"); err != nil {
			return nil, err
		}
	}
	seen := max(last.AppliedSeq, last.Seen)
	idle, err := firstRun(ofSyncs(tx, profile).Where("number > ? AND applied_seq IS NULL", last.Number).Order("number DESC"), "none")
	switch {
	case errors.Is(err, ErrNone):
		return last, nil
	case err != nil:
		return nil, err
	case idle.Seen > seen, idle.Seen == seen && last.AppliedSeq != 0: // it began behind last, and changed nothing
		return idle, nil
	}
	return last, nil
}

// ofSyncs are the runs of a profile that were carried out and have read a drop.
func ofSyncs(tx *gorm.DB, profile string) *gorm.DB {
	return tx.Where("profile = ? AND kind = ? AND dry_run = 0 AND input_sha256 <> ''", profile, string(journal.Sync)).
		Where("status IN ?", appliedStatuses)
}

// appliedSyncs are the runs among which [DB.LastApplied] finds its own, those that ended last first.
func appliedSyncs(tx *gorm.DB, profile string) *gorm.DB {
	return ofSyncs(tx, profile).Order("finished DESC, number DESC")
}

// appliedStatuses are those of which [journal.Status.Applied] is true.
var appliedStatuses = []string{string(journal.OK), string(journal.Unchanged), string(journal.Warn), string(journal.Reverted)}

// ByInput lists the runs of a profile that read these bytes, newest first.
func (db *DB) ByInput(ctx context.Context, profile, sha256 string) ([]journal.Run, error) {
	return listRuns(db.gorm.WithContext(ctx).Where("profile = ? AND input_sha256 = ?", profile, sha256).Order("number DESC"))
}

// Held lists the runs that wait for a person, newest first. One whose HeldUntil
// has passed is among them until somebody supersedes it.
func (db *DB) Held(ctx context.Context) ([]journal.Run, error) {
	return listRuns(db.gorm.WithContext(ctx).Where("status = ? AND dry_run = 0", string(journal.Held)).Order("number DESC"))
}

// listRuns reads the runs that q asks for.
func listRuns(q *gorm.DB) ([]journal.Run, error) {
	var rows []runRow
	if err := q.Find(&rows).Error; err != nil {
		return nil, fmt.Errorf("list runs: %w", err)
	}
	runs := make([]journal.Run, len(rows))
	for i, row := range rows {
		r, err := loadRun(row)
		if err != nil {
			return nil, err
		}
		runs[i] = *r
	}
	return runs, nil
}

// firstRun reads the first run that q asks for; without one the error is
// [ErrNone] and says none.
func firstRun(q *gorm.DB, none string) (*journal.Run, error) {
	runs, err := listRuns(q.Limit(1))
	if err != nil {
		return nil, err
	}
	if len(runs) == 0 {
		return nil, fmt.Errorf("%s: %w", none, ErrNone)
	}
	return &runs[0], nil
}
