package run

import (
	"context"
	"errors"
	"fmt"
	"time"

	"rollcall/internal/journal"
	"rollcall/internal/notify"
	"rollcall/internal/roster"
	"rollcall/internal/source"
	"rollcall/internal/store"
)

const (
	looking = 2 * time.Minute  // how long a source may take to show what it has
	relook  = 10 * time.Minute // after which it is looked at again, where a drop lies there unread
)

// Watch does for a profile what no run does: it notes a drop that is overdue,
// reminds of a trouble that goes on, and sends the weekly mail. It is cheap where
// there is nothing to do, and does it once, whoever else watches too.
func (r *Runner) Watch(ctx context.Context, p *Profile) error {
	if some, err := r.toDo(ctx, p); err != nil || !some {
		return err
	}
	lease, err := r.acquire(ctx, store.Watching(p.Name)) // not the profile's own, which would keep its runs waiting
	if errors.Is(err, store.ErrBusy) {
		return nil
	}
	if err != nil {
		return err
	}
	defer r.release(lease)
	return errors.Join(r.begin(ctx, p), r.overdue(ctx, p), r.remind(ctx, p), r.weekly(ctx, p))
}

// toDo looks without taking the lease.
func (r *Runner) toDo(ctx context.Context, p *Profile) (bool, error) {
	told, err := r.Store.Told(ctx, p.Name)
	if err != nil {
		return false, err
	}
	due := p.Source.Due != ""
	if due && told.Watched.IsZero() || !due && told.Status == journal.Missing {
		return true, nil
	}
	was := *told
	if told.Remind(p.Report.When, r.Now(), p.Zone).Occasion != journal.Silent {
		return true, nil
	}
	if told.Weekly(r.Now(), p.Zone); !told.Week.Equal(was.Week) {
		return true, nil
	}
	l, err := r.late(ctx, p, &was)
	return !l.due.IsZero() && l.run == nil && !r.lookedAt(p.Name), err
}

// begin notes since when a profile's drops are watched, and forgets a missing
// one where none is due any more.
func (r *Runner) begin(ctx context.Context, p *Profile) error {
	return r.Store.Tell(ctx, p.Name, 0, func(t *journal.Told) []notify.Message {
		switch due := p.Source.Due != ""; {
		case due && t.Watched.IsZero():
			t.Watched = r.Now()
		case !due && t.Status == journal.Missing:
			t.Forget()
		}
		return nil
	})
}

// overdue records that a drop has not come by its time (R104 does not count it:
// a fetch that finds nothing new records no other run).
func (r *Runner) overdue(ctx context.Context, p *Profile) error {
	told, err := r.Store.Told(ctx, p.Name)
	if err != nil {
		return err
	}
	l, err := r.late(ctx, p, told)
	if err != nil || l.due.IsZero() || l.run != nil || r.lookedAt(p.Name) {
		return err
	}
	found, err := r.look(ctx, p, l.due)
	if err != nil || found == nil {
		return err
	}
	run := &journal.Run{Profile: p.Name, Kind: journal.Sync, Trigger: "schedule", Started: r.Now(), Overdue: found, Mapping: p.Digest, Settings: p.settings(r.Version)}
	if err := r.Store.Begin(ctx, run); err != nil {
		return err
	}
	run.Status, run.Code = journal.Missing, "E405"
	run.Error = fmt.Sprintf("E405: no new file matched %s by %s", found.Path, l.due.In(p.Zone).Format("Mon 2 Jan 15:04"))
	return r.ended(ctx, p, run, nil)
}

// look looks at the source of a drop that is due; nil where it may have come
// after all, and a run will say.
func (r *Runner) look(ctx context.Context, p *Profile, due time.Time) (*journal.Overdue, error) {
	found := &journal.Overdue{Due: due.UTC(), Path: p.Source.Path}
	limited, stop := context.WithTimeout(ctx, looking)
	defer stop()
	listing, broken, err := r.list(limited, p)
	if ctx.Err() != nil {
		return nil, context.Cause(ctx)
	}
	if err != nil { // what exactly is wrong, the next run says
		var refused *roster.Refusal
		if errors.As(err, &refused) {
			found.Seen = []string{"the source did not let itself be listed: " + refused.Code}
		}
		return found, nil
	}
	past, err := r.past(ctx, p)
	if err != nil {
		return nil, err
	}
	_, err = r.unread(ctx, p, past, listing.Files)
	switch {
	case err == nil:
		r.looked.Store(p.Name, r.Now())
		return nil, nil
	case !errors.Is(err, ErrNothingNew) && !errors.Is(err, ErrStillHeld):
		return nil, err
	}
	found.Reached, found.Seen = true, seen(listing, broken, p.Zone)
	return found, nil
}

// list is what a source has that matches, and what would if it were whole.
func (r *Runner) list(ctx context.Context, p *Profile) (l source.Listing, broken []source.File, err error) {
	src, err := source.Open(ctx, p.Source, r.Log)
	if err != nil {
		return l, nil, err
	}
	if l, err = src.List(ctx); err == nil {
		broken, err = source.Unfinished(ctx, src)
	}
	if closed := src.Close(); closed != nil {
		r.Log.Debug("source not closed", "error", closed)
	}
	return l, broken, err
}

// lookedAt tells whether a profile's source had something unread a moment ago.
func (r *Runner) lookedAt(profile string) bool {
	at, ok := r.looked.Load(profile)
	return ok && r.Now().Sub(at.(time.Time)) < relook
}

// maxSeen is how many lines tell what lies at a source.
const maxSeen = 10

// seen tells what lies at a source, without a new drop among it.
func seen(l source.Listing, broken []source.File, zone *time.Location) []string {
	lines := []string{"no file that matches"}
	switch n := len(l.Files); n {
	case 0:
	case 1:
		lines[0] = "1 file that matches, read before"
	default:
		lines[0] = fmt.Sprintf("%d files that match, all read before", n)
	}
	for _, f := range broken {
		lines = append(lines, fmt.Sprintf("%s (%d B, %s): not finished", source.Printable(f.Name), f.Size, f.Modified.In(zone).Format("2 Jan 15:04")))
	}
	lines = append(lines, l.Ignored...)
	return lines[:min(len(lines), maxSeen)]
}

// lateness is a drop that is overdue.
type lateness struct {
	due time.Time    // by then; zero: none is overdue
	run *journal.Run // that has noted it; nil: none yet
}

// Overdue is since when a drop of the profile is overdue; zero where none is.
func (r *Runner) Overdue(ctx context.Context, p *Profile) (time.Time, error) {
	if p.Source.Due == "" || !p.Enabled {
		return time.Time{}, nil
	}
	told, err := r.Store.Told(ctx, p.Name)
	if err != nil {
		return time.Time{}, err
	}
	l, err := r.late(ctx, p, told)
	return l.due, err
}

// late compares the drops that were read with the times at which they were due.
// A drop counts once it was read, whatever came of it: applied, unchanged, held
// or refused. One that was read later on a day is that day's, and not the next
// one's, if it had come in time or was noted as missing. Where none was ever
// read, only what falls due after the profile is watched is missed.
func (r *Runner) late(ctx context.Context, p *Profile, told *journal.Told) (l lateness, err error) {
	due, before := p.due(r.Now())
	if due.IsZero() {
		return l, nil
	}
	runs, err := r.Store.Runs(ctx, p.Name, time.Time{}, recent)
	if err != nil {
		return l, err
	}
	var missed bool // the time before
	for i := range runs {
		if o := runs[i].Overdue; o != nil && runs[i].Status == journal.Missing {
			missed = missed || o.Due.Equal(before)
			if o.Due.Equal(due) {
				l.run = &runs[i]
			}
		}
	}
	counts := func(read, modified time.Time) bool {
		late := sameDay(read.In(p.Zone), before) && (missed || !modified.After(before))
		return read.After(before) && !late
	}
	if counts(told.ArrivedAt, told.Arrived) {
		return lateness{}, nil
	}
	ever := false
	for i := range runs {
		if !drop(runs, i) {
			continue
		}
		if ever = true; counts(runs[i].Started, runs[i].Input.Modified) {
			return lateness{}, nil
		}
	}
	if !ever && (told.Watched.IsZero() || told.Watched.After(due)) {
		return lateness{}, nil
	}
	l.due = due
	return l, nil
}

// drop tells whether a run, of a list with the newest first, read a drop that
// none before it had read.
func drop(runs []journal.Run, i int) bool {
	in := runs[i].Input
	if runs[i].Kind != journal.Sync || runs[i].DryRun || in.SHA256 == "" {
		return false
	}
	for _, older := range runs[i+1:] {
		if o := older.Input; !older.DryRun && o.Name == in.Name && o.Size == in.Size && o.Modified.Equal(in.Modified) {
			return false
		}
	}
	return true
}

func sameDay(a, b time.Time) bool {
	return a.Format(time.DateOnly) == b.Format(time.DateOnly)
}

// due is when a drop was due last, in the profile's zone, and when before that;
// zero where it is due at no time. Where clocks change it is due when a schedule
// at that time of day would run.
func (p *Profile) due(now time.Time) (due, before time.Time) {
	at, ok := p.Source.DueAt()
	if !ok {
		return due, before
	}
	c := &clock{zone: p.Zone}
	today := wall(now.In(p.Zone)).Truncate(24 * time.Hour)
	for back := range farthest {
		day := today.AddDate(0, 0, -back)
		if !p.Source.DueOn(day) {
			continue
		}
		t := c.at(day.Add(at))
		switch {
		case t.After(now):
		case due.IsZero():
			due = t
		default:
			return due, t
		}
	}
	return due, before
}

// farthest is how many days one looks back for a day on which a drop was due.
const farthest = 400

// arrived notes a drop that is the same as one before it, so that no run tells
// that it has come.
func (r *Runner) arrived(ctx context.Context, q Request, got *fetched, run *journal.Run) {
	if got.source == nil || q.Dry || run.Number != 0 || r.readBefore(ctx, q.Profile.Name, got) {
		return
	}
	err := r.Store.Tell(ctx, q.Profile.Name, 0, func(t *journal.Told) []notify.Message {
		if got.drop.Modified.After(t.Arrived) {
			t.Arrived, t.ArrivedAt = got.drop.Modified, r.Now()
		}
		return nil
	})
	if err != nil {
		r.Log.Warn("not noted that a drop has come", "profile", q.Profile.Name, "error", err)
	}
}

// readBefore tells whether a run has read this very file.
func (r *Runner) readBefore(ctx context.Context, profile string, got *fetched) bool {
	runs, err := r.Store.ByInput(ctx, profile, got.drop.SHA256)
	if err != nil {
		return false
	}
	for _, before := range runs {
		if in := before.Input; !before.DryRun && in.Name == got.drop.Name && in.Modified.Truncate(time.Second).Equal(got.drop.Modified.UTC().Truncate(time.Second)) {
			return true
		}
	}
	return false
}

// answered tells of the end of a trouble where the source was asked and has
// nothing to run for. That it cannot be told now is no error of the run.
func (r *Runner) answered(ctx context.Context, q Request, err error) {
	if q.Dry || q.File != "" || !errors.Is(err, ErrNothingNew) && !errors.Is(err, ErrStillHeld) {
		return
	}
	if err := r.sourceAnswered(ctx, q.Profile); err != nil {
		r.Log.Warn("not told that the source answers again", "profile", q.Profile.Name, "error", err)
	}
}

func (r *Runner) sourceAnswered(ctx context.Context, p *Profile) error {
	told, err := r.Store.Told(ctx, p.Name)
	if err != nil || told.Status != journal.Failed && told.Status != journal.Interrupted && told.Status != journal.Missing {
		return err
	}
	number := told.Run
	l, err := r.late(ctx, p, told)
	if err != nil {
		return err
	}
	held, err := r.waitsFor(ctx, p.Name)
	if err != nil {
		return err
	}
	run, err := r.quiet(ctx, p, number)
	if err != nil {
		return err
	}
	end, err := r.letter(ctx, p, run)
	if err != nil {
		return err
	}
	var still *letter
	if l.run != nil {
		if still, err = r.letter(ctx, p, l.run); err != nil {
			return err
		}
	}
	here := p.Source.Due != "" && l.due.IsZero()
	var mails []notify.Message
	err = r.Store.Tell(ctx, p.Name, number, func(t *journal.Told) []notify.Message {
		if t.Status != told.Status || t.Run != number {
			return nil // another has told it
		}
		n := t.Answered(here, held, l.run, p.Report.When, r.Now())
		if n.Occasion == journal.Trouble {
			run, end = l.run, still
		}
		mails = r.mail(p, run, end, n)
		return mails
	})
	if err != nil || len(mails) == 0 {
		return err
	}
	if err := r.Deliver(ctx, number); err != nil {
		r.Log.Warn("report not delivered", "run", number, "error", err)
	}
	return nil
}

// quiet is what a run would have told that found nothing new: no run is recorded
// of it, and so it bears the number of the last run of the trouble that it ends.
func (r *Runner) quiet(ctx context.Context, p *Profile, number int64) (*journal.Run, error) {
	was, err := r.Store.Run(ctx, number)
	if err != nil {
		return nil, err
	}
	run := &journal.Run{
		Number: was.Number, ID: was.ID, Profile: p.Name, Kind: journal.Sync, Trigger: was.Trigger,
		Started: r.Now(), Finished: r.Now(), Status: journal.Unchanged,
	}
	last, err := r.Store.LastApplied(ctx, p.Name)
	switch {
	case err == nil:
		same(run, last)
	case !errors.Is(err, store.ErrNone):
		return nil, err
	}
	return run, nil
}

// waitsFor is the profile's newest run that waits for a person; nil for none.
func (r *Runner) waitsFor(ctx context.Context, profile string) (*journal.Run, error) {
	held, err := r.Store.Held(ctx)
	if err != nil {
		return nil, err
	}
	for i := range held {
		if held[i].Profile == profile && held[i].Kind == journal.Sync && r.Now().Before(held[i].HeldUntil) {
			return &held[i], nil
		}
	}
	return nil, nil
}

// decided ends the reminders of a held run about which a person has decided.
func (r *Runner) decided(ctx context.Context, run *journal.Run) error {
	if run.Profile == "" {
		return nil
	}
	return r.Store.Tell(ctx, run.Profile, 0, func(t *journal.Told) []notify.Message {
		t.Decided(run)
		return nil
	})
}

// remind tells again of a trouble that goes on.
func (r *Runner) remind(ctx context.Context, p *Profile) error {
	told, err := r.Store.Told(ctx, p.Name)
	if err != nil || told.Remind(p.Report.When, r.Now(), p.Zone).Occasion == journal.Silent {
		return err
	}
	number := told.Run
	run, err := r.Store.Run(ctx, number)
	if err != nil {
		return err
	}
	l, err := r.letter(ctx, p, run)
	if err != nil {
		return err
	}
	return r.Store.Tell(ctx, p.Name, number, func(t *journal.Told) []notify.Message {
		if t.Run != number || t.Status != told.Status {
			return nil
		}
		n := t.Remind(p.Report.When, r.Now(), p.Zone)
		if run.Status != t.Status { // decided, or expired: there is nothing to do about it
			return nil
		}
		return r.mail(p, run, l, n)
	})
}
