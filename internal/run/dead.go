package run

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"time"

	"rollcall/internal/journal"
	"rollcall/internal/notify"
	"rollcall/internal/store"
)

// Salvage does at once what the next run of a profile would do, where a process
// that was killed has left a run that nobody ends, people whom nobody told of
// it, or the copy of a drop, in which passwords may stand. It waits for nobody:
// who has the lease is alive. Of the leases of no profile given the runs are
// ended alone. Held plans for which nobody has decided in time end too.
func (r *Runner) Salvage(ctx context.Context, profiles []*Profile) error {
	if err := r.expire(ctx); err != nil {
		return err
	}
	begun, err := r.Store.Begun(ctx)
	if err != nil {
		return err
	}
	for _, p := range profiles {
		running := slices.Index(begun, p.Name)
		if running >= 0 {
			begun = slices.Delete(begun, running, running+1)
		}
		if some, lost := r.leftBy(ctx, p); lost != nil || !some && running < 0 {
			err = errors.Join(err, lost)
			continue
		}
		err = errors.Join(err, r.underLease(ctx, p.Name, func() error {
			if _, err := r.spool(p.Name, 0); err != nil {
				return err
			}
			err := r.tellDead(ctx, p)
			r.mend(ctx, p)
			return err
		}))
	}
	for _, lease := range begun {
		err = errors.Join(err, r.underLease(ctx, lease, func() error { return nil }))
	}
	return err
}

// underLease does something with a lease that is free, or nothing.
func (r *Runner) underLease(ctx context.Context, name string, do func() error) error {
	lease, err := r.acquire(ctx, name)
	if errors.Is(err, store.ErrBusy) {
		return nil
	}
	if err != nil {
		return err
	}
	defer r.release(lease)
	return do()
}

// leftBy looks, without a lease, whether something of a profile lies there that
// only a run which is under way may leave.
func (r *Runner) leftBy(ctx context.Context, p *Profile) (bool, error) {
	files, err := os.ReadDir(filepath.Join(r.State, "spool", p.Name))
	if err == nil && len(files) > 0 {
		return true, nil
	}
	dead, err := r.Store.Dead(ctx, p.Name, r.mendable())
	return len(dead) > 0, err
}

// mendable is since when runs are looked at for what was left undone.
func (r *Runner) mendable() time.Time { return r.Now().AddDate(0, 0, -mendedDays) }

// tellDead tells the people of a profile of its runs that were found dead, as of
// one that failed; each of them once. The caller has the lease.
func (r *Runner) tellDead(ctx context.Context, p *Profile) error {
	dead, err := r.Store.Dead(ctx, p.Name, r.mendable())
	if err != nil {
		return err
	}
	for i := range dead {
		run := &dead[i]
		l, err := r.letter(ctx, p, run)
		if err != nil {
			return err
		}
		run.Untold = false
		if err := r.Store.End(ctx, run, func(t *journal.Told) []notify.Message { return r.ending(p, run, l, t) }); err != nil {
			return err
		}
	}
	return nil
}
