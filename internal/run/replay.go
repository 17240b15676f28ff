package run

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"rollcall/internal/fault"
	"rollcall/internal/journal"
	"rollcall/internal/plan"
	"rollcall/internal/roster"
	"rollcall/internal/source"
	"rollcall/internal/store"
)

// replay recognises bytes that a run has read before (R104). same means that
// there is nothing left to do; the run is recorded only where a person asked
// for it by name.
func (r *Runner) replay(ctx context.Context, q Request, got *fetched, run *journal.Run) (same bool, err error) {
	if q.Dry || q.By != nil { // whoever imports a file means it
		return false, nil
	}
	byName := got.source == nil
	known, err := r.Store.ByInput(ctx, q.Profile.Name, got.drop.SHA256)
	if err = fault.After(err, "run.replay"); err != nil {
		return false, err
	}
	used := false // by a later run than the one looked at: what a person decided before is over
	for _, before := range known {
		switch {
		case before.DryRun || byName:
		case before.Status == journal.Held:
			return true, fmt.Errorf("run %d: %w", before.Number, ErrStillHeld)
		case before.Status == journal.Rejected, before.Status == journal.Reverted:
			if !used {
				return true, ErrNothingNew
			}
		case before.Status.Applied():
			if !q.Profile.Plan.Full && before.Input.Name == got.drop.Name {
				return true, ErrNothingNew
			}
			used = true
		}
	}
	last, err := r.Store.LastApplied(ctx, q.Profile.Name)
	if errors.Is(err, store.ErrNone) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	if last.Input.SHA256 != got.drop.SHA256 {
		if !byName && got.drop.Modified.Before(age(last)) && inTime(q.Profile, last) {
			return false, r.tooOld(ctx, q.Profile, run, last)
		}
		return false, nil
	}
	if byName && last.Excepted > 0 { // somebody asks once more
		return false, nil
	}
	_, seen, err := r.Store.Reached(ctx) // before it is asked what others did
	if err != nil {
		return false, err
	}
	if done, err := r.settledBy(ctx, q.Profile, last); err != nil || !done {
		return false, err
	}
	if replaces, err := r.replaces(ctx, q.Profile, got, byName); err != nil || replaces {
		return false, err
	}
	if !byName {
		return true, ErrNothingNew
	}
	return true, r.recordReplay(ctx, q.Profile, run, last, seen)
}

// replaces tells whether a drop says that one which came before it, and waits for a
// person, is not meant any more: HR takes a mistake back by sending the last good
// file again.
func (r *Runner) replaces(ctx context.Context, p *Profile, got *fetched, byName bool) (bool, error) {
	if !p.Plan.Full {
		return false, nil
	}
	held, err := r.Store.Held(ctx)
	return slices.ContainsFunc(held, func(old journal.Run) bool {
		return old.Profile == p.Name && old.Kind == journal.Sync && (byName || !got.drop.Modified.Before(age(&old)))
	}), err
}

// replayFile recognises a file that was named as the drop that was applied last before it
// is copied: to write it takes longer than to read it.
func (r *Runner) replayFile(ctx context.Context, q Request, run *journal.Run) (same bool, err error) {
	if q.File == "" || q.File == "last" || q.Dry || q.By != nil {
		return false, nil
	}
	last, err := r.Store.LastApplied(ctx, q.Profile.Name)
	if errors.Is(err, store.ErrNone) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	d, ok := source.Known(ctx, q.File, last.Input.Size, last.Input.SHA256)
	if !ok || d.Size > q.Profile.Source.MaxSize {
		return false, nil
	}
	run.Timing.Fetch, run.Input = r.since(run.Started), input(d, q.Profile.Format.Content)
	if same, err = r.replay(ctx, q, &fetched{drop: d}, run); err == nil && !same { // it is copied after all
		run.Timing.Fetch, run.Input = 0, journal.Input{}
	}
	return same, err
}

// settledBy tells whether planning the drop of last again could find nothing:
// same settings, no account touched by anybody else since, and nothing due.
// Removals that were excepted wait for the next drop: of this one it is decided.
func (r *Runner) settledBy(ctx context.Context, p *Profile, last *journal.Run) (bool, error) {
	if last.Settings != p.settings(r.Version) || last.Status == journal.Reverted || last.LeftOut > 0 {
		return false, nil
	}
	touched, err := r.Store.Touched(ctx, p.Name, last.Seen, last.Number)
	if err == nil && !touched {
		touched, err = r.Store.Decided(ctx, p.Name, last.Started)
	}
	if err != nil || touched {
		return false, err
	}
	told, err := r.toldBy(ctx, last)
	if errors.Is(err, store.ErrNone) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	if told.Errors+told.Warnings+told.Notes+told.Rows.Skipped > 0 {
		// What was wrong with a row may have hung on any account (S6).
		if others, err := r.Store.AppliedSince(ctx, last.Seen, last.Number); err != nil || others {
			return false, err
		}
		if freed, err := r.Store.Freed(ctx, last.Started, r.Now()); err != nil || freed { // or on a name
			return false, err
		}
	}
	if w := told.Waits; w != "" && w <= roster.Stamp(r.Now()) {
		return false, nil // somebody's account is to be added by now (R72)
	}
	for a, err := range r.Store.Due(ctx, r.Now()) {
		if err != nil {
			return false, err
		}
		if a.Link(p.Name) != nil {
			return false, nil
		}
	}
	return !r.graceOver(ctx, p), nil
}

// toldBy is what was told of the drop of a run: where that equals another, its
// problems stand with the other.
func (r *Runner) toldBy(ctx context.Context, run *journal.Run) (plan.Facts, error) {
	if run.SameAs == 0 {
		return run.Facts, nil
	}
	was, err := r.Store.Run(ctx, run.SameAs)
	if err != nil {
		return plan.Facts{}, err
	}
	return was.Facts, nil
}

// graceOver tells whether delete_after may have something to delete by now:
// it does not hang on the drop but on the day.
func (r *Runner) graceOver(ctx context.Context, p *Profile) bool {
	if p.Plan.Policy.DeleteAfter <= 0 {
		return false
	}
	before := roster.Stamp(r.Now().Add(-p.Plan.Policy.DeleteAfter))
	for a, err := range r.Store.Accounts(ctx, store.AccountQuery{Status: string(roster.Suspended), Profile: p.Name}) {
		if err != nil || a.Values[roster.StatusReason] == string(roster.Missing) && a.Values[roster.StatusSince] <= before {
			return true
		}
	}
	return false
}

// age is the time of the drop that a run has read: a file that was dated into
// the future is no newer than the run.
func age(last *journal.Run) time.Time {
	if last.Input.Modified.After(last.Started) {
		return last.Started
	}
	return last.Input.Modified
}

// inTime tells whether the time of the drop that was applied last says what a later
// one may be. Of deltas a number says it where there is one, and what a person has
// named by hand lay in another place, and may be younger than all that wait.
func inTime(p *Profile, last *journal.Run) bool {
	return p.Plan.Full || !p.Source.Sequence.On() && last.Input.Source != "file"
}

// tooOld records the refusal of a drop that is older than the last applied.
func (r *Runner) tooOld(ctx context.Context, p *Profile, run, last *journal.Run) error {
	err := &roster.Refusal{Code: "E410", Text: fmt.Sprintf("the file was modified before that of run %d, which was applied", last.Number)}
	if begun := r.Store.Begin(ctx, run); begun != nil {
		return errors.Join(err, begun)
	}
	return r.ended(ctx, p, run, err)
}

// recordReplay writes an unchanged run, its rows counted as in the run that it equals.
// What was applied after seen nobody has asked about.
func (r *Runner) recordReplay(ctx context.Context, p *Profile, run, last *journal.Run, seen int64) error {
	if err := r.Store.Begin(ctx, run); err != nil {
		return err
	}
	same(run, last)
	run.Seen = min(run.Seen, seen)
	return r.ended(ctx, p, run, nil)
}

// same counts the rows of a run as in the one that it equals.
func same(run, last *journal.Run) {
	was := last.Facts
	run.Facts = plan.Facts{
		Full: was.Full, Owned: was.Owned, ActiveBefore: was.ActiveAfter, ActiveAfter: was.ActiveAfter,
		Rows:   plan.Rows{Read: was.Rows.Read, Skipped: was.Rows.Skipped, Rejected: was.Rows.Rejected, Unchanged: was.Rows.Read - was.Rows.Skipped - was.Rows.Rejected},
		Scope:  was.Scope,
		Waits:  was.Waits,
		Denied: plan.Denied{Accounts: was.Denied.Accounts},
		Absent: plan.Absent{Total: was.Absent.Total - was.Absent.Deleted, Kept: was.Absent.Total - was.Absent.Deleted},
	}
	run.SameAs = last.Number
	if last.SameAs != 0 {
		run.SameAs = last.SameAs
	}
	in := last.Input
	run.Input.Format, run.Input.Encoding, run.Input.Delimiter, run.Input.Archive = in.Format, in.Encoding, in.Delimiter, in.Archive
}

// runIfRecorded is the run, or nil where it has no number.
func runIfRecorded(run *journal.Run) *journal.Run {
	if run.Number == 0 {
		return nil
	}
	return run
}
