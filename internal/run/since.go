package run

import (
	"context"
	"errors"
	"os"
	"path/filepath"

	"rollcall/internal/fault"
	"rollcall/internal/journal"
	"rollcall/internal/roster"
	"rollcall/internal/source"
	"rollcall/internal/store"
)

// goOnFrom is the drop from which on a directory is asked for its changes: that of the
// run whose reading is in effect. Whatever is in doubt about it, all is read.
func (r *Runner) goOnFrom(ctx context.Context, p *Profile) (*source.Since, error) {
	if !p.Source.Follows() {
		return nil, nil
	}
	s := &source.Since{Now: r.Now()}
	was, err := r.Store.Reading(ctx, p.Name)
	if errors.Is(err, store.ErrNone) {
		return s, nil
	}
	if err != nil {
		return nil, err
	}
	base, err := r.Store.Run(ctx, was.Run)
	switch {
	case err != nil:
		return nil, err
	case was.Digest != p.Digest:
		s.Why.Text = "the profile has been edited since the last reading"
	case base.Input.Archive == "":
		s.Why.Text = "the drop before is not in the archive"
	default:
		s.State, s.Run = was.State, was.Run
		s.Path, s.SHA256, s.Size = filepath.Join(r.State, base.Input.Archive), base.Input.SHA256, base.Input.Size
	}
	return s, nil
}

// tellReading is what the journal keeps of how a drop came about, and the notes that
// are worth a look.
func (f *fetched) tellReading(since *source.Since) {
	from := f.drop.Reading
	if from == nil {
		return
	}
	f.how = &journal.Reading{All: from.All, Why: from.Why.Text, Changed: from.Changed, Gone: from.Gone}
	if !from.All {
		f.how.Since = since.Run
	}
	f.borrowed = from.Same
	for _, d := range []roster.Doubt{from.Why, from.Lack} {
		if d.Fix != "" {
			f.notes = append(f.notes, roster.Problem{Severity: roster.SeverityNote, Text: "all of the directory was read, not only what has changed: " + d.Text, Fix: d.Fix})
		}
	}
}

// keepReading stores, with the plan of a run, how far its drop reaches. It takes
// effect when the plan is applied (S8).
func (r *Runner) keepReading(ctx context.Context, p *Profile, got *fetched, run *journal.Run) error {
	from := got.drop.Reading
	if from == nil || from.State == nil || got.secret || run.Draft {
		return nil
	}
	if fault.Off("reading with its drop") { // the one in effect goes on before its drop does
		if was, err := r.Store.Reading(ctx, p.Name); err == nil {
			was.State = from.State
			return r.Store.ReadAgain(ctx, *was)
		}
	}
	return r.Store.StoreReading(ctx, store.Reading{Run: run.Number, Profile: p.Name, Digest: p.Digest, State: from.State})
}

// readAgain moves the reading on where the directory says what it said before: the
// drop is that of a run which was applied, and nothing of it waits.
func (r *Runner) readAgain(ctx context.Context, q Request, got *fetched) error {
	from, p := got.drop.Reading, q.Profile
	if from == nil || from.State == nil || q.Dry {
		return nil
	}
	var base *journal.Run
	was, err := r.Store.Reading(ctx, p.Name)
	if err == nil {
		base, err = r.Store.Run(ctx, was.Run)
	}
	if err != nil && !errors.Is(err, store.ErrNone) {
		return err
	}
	if base == nil || base.Input.SHA256 != got.drop.SHA256 || was.Digest != p.Digest {
		if base, err = r.Store.LastApplied(ctx, p.Name); err != nil {
			return err
		}
	}
	if base.Input.SHA256 != got.drop.SHA256 || base.Mapping != p.Digest {
		return nil
	}
	return r.Store.ReadAgain(ctx, store.Reading{Run: base.Number, Profile: p.Name, Digest: p.Digest, State: from.State})
}

// outdated removes from the archive a drop that was put together, once the reading
// in effect goes on from a later one: of what is asked for every few minutes, the
// archive keeps the drops that were read as a whole, and the last. base is the run
// from which the reading went on before; nil where there was none.
func (r *Runner) outdated(ctx context.Context, run, base *journal.Run) {
	if base == nil || base.Input.Reading == nil || base.Input.Reading.All || base.Input.Archive == "" || base.Input.Archive == run.Input.Archive {
		return
	}
	now, err := r.Store.Reading(ctx, run.Profile)
	if err != nil || now.Run != run.Number {
		return
	}
	if err := os.Remove(filepath.Join(r.State, base.Input.Archive)); err != nil && !errors.Is(err, os.ErrNotExist) {
		r.Log.Warn("a drop that nobody needs any more stays in the archive", "run", base.Number, "error", err)
	}
}

// goneOnFrom is the run whose drop a profile's reading went on from until now; nil
// where there is none, or where this run has read nothing of the kind.
func (r *Runner) goneOnFrom(ctx context.Context, run *journal.Run) *journal.Run {
	if run.Input.Reading == nil {
		return nil
	}
	was, err := r.Store.Reading(ctx, run.Profile)
	if err != nil {
		return nil
	}
	base, err := r.Store.Run(ctx, was.Run)
	if err != nil {
		return nil
	}
	return base
}
