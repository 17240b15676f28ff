package run

import (
	"context"
	"errors"
	"time"

	"rollcall/internal/journal"
	"rollcall/internal/notify"
	"rollcall/internal/report"
	"rollcall/internal/store"
)

// weeks is how many of them the weekly mail compares.
const weeks = 4

// weekly sends, once a week, the mail that says that rollcall is alive: also
// where nothing went wrong, and nobody has heard of it for that reason.
func (r *Runner) weekly(ctx context.Context, p *Profile) error {
	told, err := r.Store.Told(ctx, p.Name)
	if err != nil {
		return err
	}
	was := told.Week
	from, until, due := told.Weekly(r.Now(), p.Zone)
	if told.Week.Equal(was) {
		return nil
	}
	var mails []notify.Message
	if due && p.Report.When != "never" && len(p.Report.To) > 0 {
		week, err := r.week(ctx, p, told, from, until)
		if err != nil {
			return err
		}
		mails = []notify.Message{report.Weekly(
			report.Week{From: from, Until: until, Profiles: []report.ProfileWeek{week}},
			report.MailOptions{Options: report.Options{Zone: p.Zone}, To: p.Report.To, Owner: p.Owner, Site: r.Site, Version: r.Version, Host: hostname()})}
	}
	return r.Store.Tell(ctx, p.Name, 0, func(t *journal.Told) []notify.Message {
		if !t.Week.Equal(was) {
			return nil
		}
		t.Week = until
		return mails
	})
}

// week is what a profile did in a week, and what is still open.
func (r *Runner) week(ctx context.Context, p *Profile, told *journal.Told, from, until time.Time) (report.ProfileWeek, error) {
	w := report.ProfileWeek{Profile: p.Name, Owner: p.Owner, Next: p.Schedule.Next(r.Now(), p.Zone)}
	first := from.AddDate(0, 0, -7*(weeks-1))
	runs, err := r.Store.Runs(ctx, p.Name, first.AddDate(0, 0, -1), 0) // one may have begun before the week that it ended in
	if err != nil {
		return w, err
	}
	for i := range weeks {
		w.Quality = append(w.Quality, report.Quality{Week: first.AddDate(0, 0, 7*i)})
	}
	for i := len(runs) - 1; i >= 0; i-- { // the oldest first
		run := &runs[i]
		if run.Kind != journal.Sync || run.DryRun || run.Finished.IsZero() || run.Finished.Before(first) || !run.Finished.Before(until) {
			continue
		}
		if !run.Finished.Before(from) {
			count(&w, run)
		}
		if run.Status.Applied() && run.Status != journal.Reverted {
			f := &run.Facts
			for q := range w.Quality { // of the week that it ended in, the last one counts
				if at := w.Quality[q].Week; !run.Finished.Before(at) && run.Finished.Before(at.AddDate(0, 0, 7)) {
					w.Quality[q].Read, w.Quality[q].Rejected, w.Quality[q].Warnings = f.Rows.Read, f.Rows.Rejected, f.Warnings
				}
			}
		}
	}
	if told.Status != "" {
		w.Trouble = &report.Trouble{Status: told.Status, Since: told.Since, Runs: told.Runs, Reminder: max(told.Mails-1, 0)}
	}
	last, err := r.Store.LastApplied(ctx, p.Name)
	if errors.Is(err, store.ErrNone) {
		return w, nil
	}
	if err != nil {
		return w, err
	}
	w.LastApplied = last.Finished
	if last.SameAs != 0 { // its problems stand with the run that it equals
		if last, err = r.Store.Run(ctx, last.SameAs); err != nil {
			return w, err
		}
	}
	doc, err := r.doc(ctx, p, last)
	if err == nil {
		w.Open = doc.Problems
	}
	return w, err
}

// count adds a run to the week in which it ended.
func count(w *report.ProfileWeek, run *journal.Run) {
	w.Runs++
	switch run.Status {
	case journal.OK, journal.Unchanged, journal.Warn, journal.Reverted:
		w.Applied++
		w.Changed += run.Facts.Changes()
		switch {
		case run.Status == journal.Warn:
			w.Warned++
		case run.Empty():
			w.Unchanged++
		}
	case journal.Held, journal.Rejected, journal.Superseded:
		w.Held++
	case journal.Missing:
		w.Missing++
	default:
		w.Failed++
	}
}
