package run

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"syscall"

	"rollcall/internal/fault"
	"rollcall/internal/journal"
	"rollcall/internal/store"
)

// highWater is how far the journal had come when this state folder last saw it
// (P9). It lies in a small file outside the database, so that a database that
// was restored from a backup, or lost, is noticed before anything is applied.
type highWater struct {
	Run        int64 `json:"run"`
	AppliedSeq int64 `json:"applied_seq"`
}

// highWaterFile is the file's name in the state folder.
const highWaterFile = "high-water.json"

// acquire takes the lease of a profile, if the database has not gone backwards.
func (r *Runner) acquire(ctx context.Context, profile string) (*store.Lease, error) {
	if err := r.Forwards(ctx); err != nil {
		return nil, err
	}
	return r.Store.Acquire(ctx, profile)
}

// Forwards refuses a database that is older than what the state folder remembers.
func (r *Runner) Forwards(ctx context.Context) error {
	path := filepath.Join(r.State, highWaterFile)
	raw, err := os.ReadFile(path)
	if errors.Is(err, os.ErrNotExist) || errors.Is(err, syscall.ENOTDIR) {
		return nil // a state folder that is none is told where it is used
	}
	if err != nil {
		return fmt.Errorf("state folder: %w", err)
	}
	var seen, now highWater
	if err := json.Unmarshal(raw, &seen); err != nil || seen.Run < 1 { // it is written when a run has ended
		return fmt.Errorf("%w: %s is damaged; remove it if the database is the right one", store.ErrBackwards, path)
	}
	if now.Run, now.AppliedSeq, err = r.Store.Reached(ctx); err != nil {
		return err
	}
	if now.Run < seen.Run || now.AppliedSeq < seen.AppliedSeq {
		return fmt.Errorf("%w: it has come to run %d and change %d, and run %d and change %d are remembered; restore the newer one, or, if this one is meant to go on, remove %s",
			store.ErrBackwards, now.Run, now.AppliedSeq, seen.Run, seen.AppliedSeq, path)
	}
	return nil
}

// remember writes down how far the journal has come, when a run has ended.
func (r *Runner) remember(ctx context.Context, run *journal.Run) {
	now, seq, err := r.Store.Reached(ctx)
	if err == nil {
		err = write(filepath.Join(r.State, highWaterFile), func(w io.Writer) error {
			return json.NewEncoder(w).Encode(highWater{now, seq})
		})
		err = fault.After(err, "run.remembered")
	}
	if err != nil {
		r.Log.Warn("not remembered how far the journal has come", "run", run.Number, "error", err)
	}
}
