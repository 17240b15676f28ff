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
	run, only, err := r.takingBack(ctx, number, accounts, by)
	if err != nil {
		return nil, err
	}
	lease, err := r.acquire(ctx, run.Profile)
	if err != nil {
		return nil, err
	}
	defer r.release(lease)
	if err := r.Store.Begin(ctx, run); err != nil {
		return nil, err
	}
	err = r.revert(ctx, p, lease, run, only, by.Meter)
	if errors.Is(err, errNothingBack) { // the person who asked is told, and nobody else
		return nil, errors.Join(err, r.Store.Forget(ctx, run.Number))
	}
	by.Meter.Begin("writing the report", r.Now())
	return run, r.ended(ctx, p, run, err)
}

// takingBack is the run that takes another back, which it refuses where that cannot
// be, and the accounts that are meant; none is all.
func (r *Runner) takingBack(ctx context.Context, number int64, accounts []string, by By) (*journal.Run, map[uint64]bool, error) {
	was, err := r.Store.Run(ctx, number)
	if err != nil {
		return nil, nil, err
	}
	switch {
	case was.Status == journal.Reverted:
		err = fmt.Errorf("run %d has been taken back already: %w", number, store.ErrRefused)
	case was.Facts.Erased > 0 && was.Facts.Erased == was.Facts.Rows.Read:
		err = fmt.Errorf("run %d has anonymised or purged accounts, and nothing of that can be taken back: %w", number, store.ErrRefused)
	case was.Facts.Merged > 0:
		err = fmt.Errorf("run %d has merged two accounts, and nothing of a merge can be taken back: %w", number, store.ErrRefused)
	case !was.Status.Applied() || was.AppliedSeq == 0:
		err = fmt.Errorf("run %d is %s and changed nothing that could be taken back: %w", number, was.Status, store.ErrRefused)
	}
	if err != nil {
		return nil, nil, err
	}
	only := map[uint64]bool{}
	for _, ref := range accounts {
		a, err := r.Store.Named(ctx, ref)
		if err != nil {
			return nil, nil, err
		}
		only[a.ID] = true
	}
	return &journal.Run{
		Profile: was.Profile, Kind: journal.Revert, Trigger: "manual", Started: r.Now(),
		Reverts: number, Partly: len(only) > 0, Decision: by.Reason, DecidedBy: by.Who,
	}, only, nil
}

// PlanRevert tells into what taking a run back would come to, as [Runner.Revert] would
// plan it now. The run that it answers with, with its facts and findings, is recorded
// nowhere.
func (r *Runner) PlanRevert(ctx context.Context, p *Profile, number int64, accounts []string, into plan.Sink) (*journal.Run, error) {
	if err := r.Forwards(ctx); err != nil {
		return nil, err
	}
	run, only, err := r.takingBack(ctx, number, accounts, By{})
	if err != nil {
		return nil, err
	}
	run.DryRun = true
	if err := r.planRevert(ctx, p, run, only, into, nil); err != nil {
		return nil, err
	}
	return run, r.weighRevert(ctx, p, run)
}

// errNothingBack means that nothing of the accounts named can be taken back: no
// run is recorded.
var errNothingBack = fmt.Errorf("%w", store.ErrRefused)

func (r *Runner) revert(ctx context.Context, p *Profile, lease *store.Lease, run *journal.Run, only map[uint64]bool, m *Meter) (err error) {
	w := r.Store.Writer(ctx, run.Number)
	defer func() {
		if run.PlanDigest == "" { // it was not sealed
			err = errors.Join(err, w.Discard(context.WithoutCancel(ctx)))
			run.Facts = plan.Facts{} // what is not there is not counted
		}
	}()
	if err := fault.After(r.planRevert(ctx, p, run, only, w, m), "revert.planned"); err != nil {
		return err
	}
	m.Begin("storing the plan", r.Now())
	if run.PlanDigest, err = w.Seal(ctx); err != nil {
		return err
	}
	if err := r.weighRevert(ctx, p, run); err != nil {
		return err
	}
	if guard.Holds(run.Findings) {
		run.Status, run.HeldUntil = journal.Held, r.Now().Add(r.limits(p).HoldFor).UTC()
		return nil
	}
	return r.carryOut(ctx, p, lease, run, nil, false, m)
}

// planRevert plans the changes, and counts them in the facts of run.
func (r *Runner) planRevert(ctx context.Context, p *Profile, run *journal.Run, only map[uint64]bool, into plan.Sink, m *Meter) (err error) {
	u := &undoing{Runner: r, Sink: into, run: run, profile: owner(run), only: only, meter: m}
	if u.soles, err = r.soles(ctx, p != nil && p.Plan.UniqueEmail != "on"); err != nil {
		return err
	}
	if err := u.plan(ctx); err != nil {
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
	run.Facts.ActiveAfter = run.Facts.ActiveBefore + u.gained
	return err
}

// weighRevert judges what was planned by the profile's limits.
func (r *Runner) weighRevert(ctx context.Context, p *Profile, run *journal.Run) error {
	granted, err := r.Store.Granted(ctx, run.Profile)
	run.Findings = guard.Check(r.limits(p), run.Facts, guard.Baseline{Applied: true, Granted: granted})
	return err
}

// limits are the profile's; p is nil where a run had none.
func (r *Runner) limits(p *Profile) guard.Limits {
	if p == nil {
		return r.Limits
	}
	return p.Limits
}

// owner is the profile whose accounts a run is about; "" where it is about everybody's.
func owner(run *journal.Run) string {
	if run.Profile == Import {
		return ""
	}
	return run.Profile
}
