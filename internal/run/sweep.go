package run

import (
	"context"
	"fmt"

	"rollcall/internal/fault"
	"rollcall/internal/guard"
	"rollcall/internal/journal"
	"rollcall/internal/plan"
	"rollcall/internal/roster"
	"rollcall/internal/store"
)

// Sweep does what has fallen due by date: accounts whose last day is over are
// suspended, those whose day has come are activated (R71, R72), and memberships
// whose period is over end (R92). The run is nil
// where nothing is due, or where the same sweep is held already. The limits
// are the guardrails' defaults (R74).
func (r *Runner) Sweep(ctx context.Context, trigger string) (*journal.Run, error) {
	lease, err := r.acquire(ctx, "")
	if err != nil {
		return nil, err
	}
	defer r.release(lease)
	if err := r.expire(ctx); err != nil {
		return nil, err
	}
	r.mend(ctx, nil)
	if hand, err := r.acquire(ctx, store.ByHand); err == nil { // which ends what a dead process had begun
		r.release(hand)
	}
	var due plan.Plan
	if err := fault.After(r.due(ctx, &due), "sweep.due"); err != nil || len(due.Changes) == 0 {
		return nil, err
	}
	run := &journal.Run{Kind: journal.Sweep, Trigger: trigger, Started: r.Now()}
	if err := r.Store.Begin(ctx, run); err != nil {
		return nil, err
	}
	err = r.sweep(ctx, lease, run, due)
	if err == nil && run.Status == journal.Held {
		if again, err := r.heldAlready(ctx, run); err != nil || again {
			return nil, err
		}
	}
	return run, r.ended(ctx, nil, run, err)
}

func (r *Runner) sweep(ctx context.Context, lease *store.Lease, run *journal.Run, due plan.Plan) error {
	var err error
	if run.Facts.Owned, run.Facts.ActiveBefore, err = r.census(ctx, "", ""); err != nil {
		return err
	}
	for _, c := range due.Changes {
		switch c.Action {
		case plan.Suspend:
			run.Facts.ByDate.Expired++
			run.Facts.Removals++
		case plan.Reactivate:
			run.Facts.ByDate.Started++
		default: // memberships alone
			run.Facts.Rows.Read++
			run.Facts.Rows.Updated++
		}
	}
	run.Facts.ActiveAfter = run.Facts.ActiveBefore + run.Facts.ByDate.Started - run.Facts.ByDate.Expired
	if err := r.save(ctx, run, due); err != nil {
		return err
	}
	run.Findings = guard.Check(r.Limits, run.Facts, guard.Baseline{Applied: true})
	if guard.Holds(run.Findings) {
		run.Status, run.HeldUntil = journal.Held, r.Now().Add(r.Limits.HoldFor).UTC()
		return nil
	}
	return r.carryOut(ctx, nil, lease, run, nil, false, nil)
}

// due plans what the dates ask for now.
func (r *Runner) due(ctx context.Context, into *plan.Plan) error {
	now := roster.Stamp(r.Now())
	shield, err := r.shields(ctx)
	if err != nil {
		return err
	}
	for a, err := range r.Store.Due(ctx, r.Now()) {
		if err != nil {
			return fmt.Errorf("list what is due: %w", err)
		}
		c, ok := plan.ByDates(&a, shield.over(&a), now)
		if ok {
			c.Memberships = plan.Ends(&a, now)
		} else {
			c, ok = plan.Ending(&a, now)
		}
		if ok {
			into.Changes = append(into.Changes, c)
		}
	}
	return nil
}

// A shield is whom the sweep leaves alone (R64): whom the site protects, and of the
// accounts of a profile whom the profile does.
type shield struct {
	site plan.Protected
	of   map[string]plan.Protected
}

func (r *Runner) shields(ctx context.Context) (s shield, err error) {
	if s.site, err = r.protected(ctx); err != nil {
		return s, err
	}
	s.of = make(map[string]plan.Protected, len(r.Spare))
	for profile, names := range r.Spare {
		holders, err := r.Store.Holders(ctx, names)
		if err != nil {
			return s, err
		}
		s.of[profile] = plan.Protected{Names: names, Holders: holders}
	}
	return s, nil
}

// over is what protects an account, if anything does.
func (s shield) over(a *roster.Account) plan.Protected {
	for _, l := range a.Links {
		if p := s.of[l.Profile]; p.Account(a) {
			return p
		}
	}
	return s.site
}

// heldAlready forgets a sweep whose plan waits for a person already, and ends
// the older ones that it replaces.
func (r *Runner) heldAlready(ctx context.Context, run *journal.Run) (bool, error) {
	held, err := r.Store.Held(ctx)
	if err != nil {
		return false, err
	}
	for i := range held {
		old := &held[i]
		if old.Kind != journal.Sweep || old.Erases != run.Erases || old.Number == run.Number {
			continue
		}
		if old.PlanDigest == run.PlanDigest {
			return true, r.Store.Forget(ctx, run.Number)
		}
		old.Status, old.Decision = journal.Superseded, fmt.Sprintf("run %d has swept again", run.Number)
		if err := r.amend(ctx, old); err != nil {
			return false, err
		}
	}
	return false, nil
}

// save stores a plan that was made in memory.
func (r *Runner) save(ctx context.Context, run *journal.Run, p plan.Plan) error {
	w := r.Store.Writer(ctx, run.Number)
	for _, c := range p.Changes {
		if err := w.Change(c); err != nil {
			return err
		}
	}
	for _, problem := range p.Problems {
		if err := w.Problem(problem); err != nil {
			return err
		}
	}
	var err error
	run.PlanDigest, err = w.Seal(ctx)
	return err
}

// census counts the accounts that are not deleted, and the active ones of them: of
// a profile at its site and below, or everybody's where profile is "".
func (r *Runner) census(ctx context.Context, profile, site string) (all, active int, err error) {
	if profile != "" {
		return r.Store.TallyOf(ctx, profile, site)
	}
	there, err := r.Store.Count(ctx)
	for status, n := range there {
		if status != roster.Deleted {
			all += n
		}
	}
	return all, there[roster.Active], err
}
