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
	return run, r.ended(ctx, p, run, r.revert(ctx, p, lease, run, only))
}

func (r *Runner) revert(ctx context.Context, p *Profile, lease *store.Lease, run *journal.Run, only map[uint64]bool) error {
	back, gains, err := r.takeBack(ctx, run, only)
	if err = fault.After(err, "revert.planned"); err != nil {
		return err
	}
	if len(only) > 0 && len(back.Changes) == 0 {
		return fmt.Errorf("run %d has changed nothing of these accounts that could be taken back: %w", run.Reverts, store.ErrRefused)
	}
	tally(&run.Facts, back.Changes)
	run.Facts.Notes = len(back.Problems)
	there := store.AccountQuery{Profile: owner(run)}
	if p != nil {
		there.Site = p.Plan.Site
	}
	run.Facts.Owned, run.Facts.ActiveBefore, err = r.census(ctx, there)
	if err != nil {
		return err
	}
	run.Facts.ActiveAfter = run.Facts.ActiveBefore
	for _, c := range back.Changes {
		run.Facts.ActiveAfter += gains[c.Account]
	}
	if err := r.save(ctx, run, back); err != nil {
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

// takeBack plans the opposite of the run that by takes back, from its journal.
// gains is what each account that moves adds to the active ones of the profile.
func (r *Runner) takeBack(ctx context.Context, by *journal.Run, only map[uint64]bool) (back plan.Plan, gains map[uint64]int, err error) {
	gains = map[uint64]int{}
	var done []plan.Change
	flush := func() error {
		part, err := r.oppose(ctx, owner(by), done, gains)
		back.Changes = append(back.Changes, part.Changes...)
		back.Problems = append(back.Problems, part.Problems...)
		done = done[:0]
		return err
	}
	for o, err := range r.Store.Changes(ctx, by.Reverts) {
		if err != nil {
			return back, nil, err
		}
		if o.Done != journal.Applied || len(only) > 0 && !only[o.Account] {
			continue
		}
		if done = append(done, o.Change); len(done) == 1000 {
			if err := flush(); err != nil {
				return back, nil, err
			}
		}
	}
	if err := flush(); err != nil {
		return back, nil, err
	}
	back, err = r.namesFree(ctx, back)
	return back, gains, err
}

// oppose plans the opposite of some changes, against the accounts as they are
// now, and enters into gains what it means for the active accounts of a profile.
func (r *Runner) oppose(ctx context.Context, profile string, done []plan.Change, gains map[uint64]int) (plan.Plan, error) {
	var p plan.Plan
	ids := make([]uint64, len(done))
	for i, c := range done {
		ids[i] = c.Account
	}
	found, err := r.Store.Find(ctx, plan.Query{IDs: ids, Grants: true, Now: r.Now()})
	if err != nil {
		return p, err
	}
	now := make(map[uint64]*roster.Account, len(found.Accounts))
	for i := range found.Accounts {
		now[found.Accounts[i].ID] = &found.Accounts[i]
	}
	for _, c := range done {
		back, left := plan.Opposite(c, now[c.Account])
		p.Problems = append(p.Problems, left...)
		if back != nil {
			p.Changes = append(p.Changes, *back)
			if n := gain(profile, now[c.Account], back); n != 0 {
				gains[c.Account] = n
			}
		}
	}
	return p, nil
}

// gain is what a change adds to the active accounts that a profile owns, from
// -1 to 1; without a profile all accounts count.
func gain(profile string, a *roster.Account, c *plan.Change) (n int) {
	owned, active := profile == "" || a.Link(profile) != nil, a.Status() == roster.Active
	if owned && active {
		n--
	}
	for _, l := range c.Links {
		if l.Profile == profile {
			owned = l.New != ""
		}
	}
	if s := c.Field(roster.StatusField); s != nil { // of a purge it is ""
		active = s.New == string(roster.Active)
	}
	if owned && active {
		n++
	}
	return n
}

// namesFree leaves out the names that somebody else has by now.
func (r *Runner) namesFree(ctx context.Context, back plan.Plan) (plan.Plan, error) {
	moving := map[uint64]bool{}
	var wanted []string
	for _, c := range back.Changes {
		if f := c.Field(roster.Username); f != nil || c.Action == plan.Purge {
			moving[c.Account] = true
		}
		if name := plan.Takes(c); name != "" {
			wanted = append(wanted, roster.Fold(name))
		}
	}
	if len(wanted) == 0 {
		return back, nil
	}
	found, err := r.Store.Find(ctx, plan.Query{Usernames: wanted, Now: r.Now()})
	if err != nil {
		return back, err
	}
	taken := map[string]uint64{}
	for _, a := range found.Accounts {
		if a.Status() != roster.Deleted && !moving[a.ID] {
			taken[roster.Fold(a.Values[roster.Username])] = a.ID
		}
	}
	kept := back.Changes[:0]
	for _, c := range back.Changes {
		if by := taken[roster.Fold(plan.Takes(c))]; by != 0 && by != c.Account {
			note := roster.NewProblem("E303", 0, c.Key)
			note.Severity, note.Account, note.Field = roster.SeverityNote, c.Account, "username"
			note.Text = "left alone: its former username is another account's by now"
			back.Problems = append(back.Problems, note)
			continue
		}
		kept = append(kept, c)
	}
	back.Changes = kept
	return back, nil
}
