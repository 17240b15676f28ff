package run

import (
	"context"
	"errors"
	"fmt"

	"rollcall/internal/fault"
	"rollcall/internal/guard"
	"rollcall/internal/journal"
	"rollcall/internal/plan"
	"rollcall/internal/store"
)

// Revert plans what takes a run back, judges it by the profile's limits and
// applies it (R103). accounts limits it to some; empty: all. p is the run's
// profile; nil where it had none.
func (r *Runner) Revert(ctx context.Context, p *Profile, number int64, accounts []string, by By) (*journal.Run, error) {
	was, err := r.Store.Run(ctx, number)
	if err != nil {
		return nil, err
	}
	switch {
	case was.Status == journal.Reverted:
		return nil, fmt.Errorf("run %d has been taken back already: %w", number, store.ErrRefused)
	case was.Facts.Erased > 0 && was.Facts.Erased == was.Facts.Rows.Read:
		return nil, fmt.Errorf("run %d has anonymised or purged accounts, and nothing of that can be taken back: %w", number, store.ErrRefused)
	case was.Facts.Merged > 0:
		return nil, fmt.Errorf("run %d has merged two accounts, and nothing of a merge can be taken back: %w", number, store.ErrRefused)
	case !was.Status.Applied() || was.AppliedSeq == 0:
		return nil, fmt.Errorf("run %d is %s and changed nothing that could be taken back: %w", number, was.Status, store.ErrRefused)
	}
	only := map[uint64]bool{}
	for _, ref := range accounts {
		a, err := r.Store.Named(ctx, ref)
		if err != nil {
			return nil, err
		}
		only[a.ID] = true
	}
	lease, err := r.acquire(ctx, was.Profile)
	if err != nil {
		return nil, err
	}
	defer r.release(lease)
	run := &journal.Run{Profile: was.Profile, Kind: journal.Revert, Trigger: "manual", Started: r.Now(), Reverts: number, Partly: len(only) > 0, Decision: by.Reason, DecidedBy: by.Who}
	if err := r.Store.Begin(ctx, run); err != nil {
		return nil, err
	}
	err = r.revert(ctx, p, lease, run, only)
	if errors.Is(err, errNothingBack) { // the person who asked is told, and nobody else
		return nil, errors.Join(err, r.Store.Forget(ctx, run.Number))
	}
	return run, r.ended(ctx, p, run, err)
}

// errNothingBack means that nothing of the accounts named can be taken back: no
// run is recorded.
var errNothingBack = fmt.Errorf("%w", store.ErrRefused)

func (r *Runner) revert(ctx context.Context, p *Profile, lease *store.Lease, run *journal.Run, only map[uint64]bool) (err error) {
	w := r.Store.Writer(ctx, run.Number)
	defer func() {
		if run.PlanDigest == "" { // it was not sealed
			err = errors.Join(err, w.Discard(context.WithoutCancel(ctx)))
			run.Facts = plan.Facts{} // what is not there is not counted
		}
	}()
	u := &undoing{Runner: r, Writer: w, run: run, profile: owner(run), only: only}
	if u.soles, err = r.soles(ctx, p != nil && p.Plan.UniqueEmail != "on"); err != nil {
		return err
	}
	if err := fault.After(u.plan(ctx), "revert.planned"); err != nil {
		return err
	}
	if len(only) > 0 && u.changes == 0 {
		return u.nothing()
	}
	site := ""
	if p != nil {
		site = p.Plan.Site
	}
	run.Facts.Owned, run.Facts.ActiveBefore, err = r.census(ctx, owner(run), site)
	if err != nil {
		return err
	}
	run.Facts.ActiveAfter = run.Facts.ActiveBefore + u.gained
	if run.PlanDigest, err = w.Seal(ctx); err != nil {
		return err
	}
	limits := r.Limits
	if p != nil {
		limits = p.Limits
	}
	granted, err := r.Store.Granted(ctx, run.Profile)
	if err != nil {
		return err
	}
	run.Findings = guard.Check(limits, run.Facts, guard.Baseline{Applied: true, Granted: granted})
	if guard.Holds(run.Findings) {
		run.Status, run.HeldUntil = journal.Held, r.Now().Add(limits.HoldFor).UTC()
		return nil
	}
	return r.carryOut(ctx, p, lease, run, nil, false)
}

// owner is the profile whose accounts a run is about; "" where it is about everybody's.
func owner(run *journal.Run) string {
	if run.Profile == Import {
		return ""
	}
	return run.Profile
}
