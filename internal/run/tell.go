package run

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"rollcall/internal/journal"
	"rollcall/internal/notify"
	"rollcall/internal/plan"
	"rollcall/internal/report"
	"rollcall/internal/roster"
	"rollcall/internal/store"
)

const (
	ahead     = 14 * 24 * time.Hour // for which a report tells what is coming (R73)
	compared  = 10                  // runs of which the usual is the median
	compareTo = 3                   // runs without which nothing is usual
	arrivals  = 30                  // drops that say when one usually comes
)

// A letter is what is read from the database about a run before it ends, so that
// the transaction that ends it can write the mails, and what is known by them.
type letter struct {
	doc     *report.Doc
	notable []journal.Outcome
	people  map[uint64]roster.Who // of notable; nil where nobody is named
	beside  report.Beside
}

// letter is nil where the run is nobody's to be told of.
func (r *Runner) letter(ctx context.Context, p *Profile, run *journal.Run) (*letter, error) {
	if p == nil {
		return nil, nil
	}
	var l letter
	var err error
	if l.doc, err = r.doc(ctx, p, run); err != nil {
		return nil, err
	}
	if l.notable, err = report.Notable(run, r.Changes(ctx, run.Number)); err != nil {
		return nil, err
	}
	if l.people, err = r.People(ctx, p, run, l.notable); err != nil {
		return nil, err
	}
	l.beside, err = r.Beside(ctx, p, run)
	return &l, err
}

// ending is the mail about a run that has ended, if one is worth sending; t then
// holds what its people know.
func (r *Runner) ending(p *Profile, run *journal.Run, l *letter, t *journal.Told) []notify.Message {
	return r.mail(p, run, l, t.Ended(run, p.Report.When, problemsOf(run, l.doc)))
}

// mail is the one mail of a notice, or none.
func (r *Runner) mail(p *Profile, run *journal.Run, l *letter, n journal.Notice) []notify.Message {
	to := p.recipients(n)
	if len(to) == 0 {
		return nil
	}
	doc, err := report.Build(run, none)
	if err != nil {
		return nil
	}
	doc.Problems = l.doc.Problems
	l.beside.Trouble = troubleOf(n)
	attached := p.Report.Attach && len(doc.Problems) > 0
	m := report.Mail(doc, report.MailOptions{
		Options: report.Options{Beside: l.beside, Zone: p.Zone}, To: to, Owner: p.Owner, Site: r.Site, Version: r.Version,
		Host: hostname(), Attached: attached, Notable: l.notable,
		Personal: p.Report.Personal, People: l.people,
	})
	m.Rules = r.Rules(p)
	if attached {
		m.Attach = []notify.Attachment{{Name: "problems.csv", Type: "text/csv", File: filepath.Join("reports", strconv.FormatInt(run.Number, 10)+".problems.csv")}}
	}
	return []notify.Message{m}
}

// recipients are those who get a mail.
func (p *Profile) recipients(n journal.Notice) []string {
	switch n.Occasion {
	case journal.Silent:
		return nil
	case journal.Report:
		return p.Report.To
	}
	all := slices.Clone(p.Report.To)
	for _, a := range p.Report.Alert {
		if !slices.Contains(all, a) {
			all = append(all, a)
		}
	}
	return all
}

// troubleOf is what a notice says of a trouble.
func troubleOf(n journal.Notice) *report.Trouble {
	if n.Occasion == journal.Silent || n.Occasion == journal.Report {
		return nil
	}
	return &report.Trouble{Status: n.Status, Since: n.Since, Runs: n.Runs, Reminder: n.Number, Ended: n.Occasion == journal.Recovered}
}

// problemsOf is what decides whether warnings are told again: their causes, and
// the guardrails that left something out. How often each stands there does not.
func problemsOf(run *journal.Run, doc *report.Doc) journal.Problems {
	var p journal.Problems
	var causes []string
	for _, g := range doc.Problems {
		if g.Severity == roster.SeverityError || g.Severity == roster.SeverityWarning {
			causes = append(causes, strings.Join([]string{g.Code, string(g.Severity), g.Field, g.Column, g.Message}, "\x00"))
			p.New = p.New || g.New > 0
		}
	}
	for _, f := range run.Findings {
		if f.Tripped {
			causes = append(causes, f.Name)
		}
	}
	if len(causes) == 0 {
		return p
	}
	slices.Sort(causes)
	sum := sha256.Sum256([]byte(strings.Join(causes, "\x00\x00")))
	p.Fingerprint = hex.EncodeToString(sum[:])
	return p
}

// Beside is what stands beside a run in its report; p may be nil.
func (r *Runner) Beside(ctx context.Context, p *Profile, run *journal.Run) (report.Beside, error) {
	var b report.Beside
	before, err := r.Store.Usual(ctx, run.Profile, run.Kind, run.Number, compared)
	if err != nil {
		return b, err
	}
	if len(before) > 0 {
		if b.Last, err = report.Build(&before[0], none); err != nil {
			return b, err
		}
	}
	b.Usual = usual(before)
	if p == nil || run.Profile != p.Name {
		return b, nil
	}
	soon := r.soon(p)
	expire, gone, err := r.Store.Soon(ctx, p.Name, soon)
	if err != nil {
		return b, err
	}
	b.Coming = report.Coming{Expire: expire, ExpireBy: soon.Until, Delete: gone, DeleteBy: soon.Until}
	told, err := r.Store.Told(ctx, p.Name)
	if err != nil {
		return b, err
	}
	if told.Status != "" && told.Run == run.Number {
		b.Trouble = &report.Trouble{Status: told.Status, Since: told.Since, Runs: told.Runs, Reminder: max(told.Mails-1, 0)}
	}
	if run.Overdue != nil {
		b.Missing, err = r.missing(ctx, p, run)
	}
	return b, err
}

// soon is what to count of what is coming.
func (r *Runner) soon(p *Profile) store.Soon {
	s := store.Soon{Until: r.Now().Add(ahead)}
	if pol := p.Plan.Policy; pol.Delete && pol.DeleteAfter > 0 {
		s.Missing = s.Until.Add(-pol.DeleteAfter)
	}
	return s
}

// usual is the median of each count; nil of too few runs.
func usual(runs []journal.Run) *report.Usual {
	if len(runs) < compareTo {
		return nil
	}
	middle := func(count func(*plan.Facts) int) int {
		all := make([]int, len(runs))
		for i := range runs {
			all[i] = count(&runs[i].Facts)
		}
		slices.Sort(all)
		return all[len(all)/2]
	}
	return &report.Usual{
		Runs: len(runs),
		Rows: plan.Rows{
			Read:        middle(func(f *plan.Facts) int { return f.Rows.Read }),
			Added:       middle(func(f *plan.Facts) int { return f.Rows.Added }),
			Updated:     middle(func(f *plan.Facts) int { return f.Rows.Updated }),
			Renamed:     middle(func(f *plan.Facts) int { return f.Rows.Renamed }),
			Reactivated: middle(func(f *plan.Facts) int { return f.Rows.Reactivated }),
			Suspended:   middle(func(f *plan.Facts) int { return f.Rows.Suspended }),
			Deleted:     middle(func(f *plan.Facts) int { return f.Rows.Deleted }),
			Unchanged:   middle(func(f *plan.Facts) int { return f.Rows.Unchanged }),
			Skipped:     middle(func(f *plan.Facts) int { return f.Rows.Skipped }),
			Rejected:    middle(func(f *plan.Facts) int { return f.Rows.Rejected }),
		},
		Absent: plan.Absent{
			Total:     middle(func(f *plan.Facts) int { return f.Absent.Total }),
			Kept:      middle(func(f *plan.Facts) int { return f.Absent.Kept }),
			Suspended: middle(func(f *plan.Facts) int { return f.Absent.Suspended }),
			Deleted:   middle(func(f *plan.Facts) int { return f.Absent.Deleted }),
		},
		ByDate: plan.ByDate{
			Started: middle(func(f *plan.Facts) int { return f.ByDate.Started }),
			Expired: middle(func(f *plan.Facts) int { return f.ByDate.Expired }),
		},
	}
}

// missing is what a run found where its drop should have been, and what was
// usual before it.
func (r *Runner) missing(ctx context.Context, p *Profile, run *journal.Run) (*report.Missing, error) {
	o := run.Overdue
	m := &report.Missing{Due: o.Due, Path: o.Path, Seen: o.Seen, Reached: o.Reached}
	last, err := r.Store.LastApplied(ctx, p.Name)
	switch {
	case errors.Is(err, store.ErrNone):
		return m, nil
	case err != nil:
		return nil, err
	}
	m.Last, m.LastRows = last.Input, last.Facts.Rows.Read
	runs, err := r.Store.Runs(ctx, p.Name, time.Time{}, recent)
	if err != nil {
		return nil, err
	}
	m.Earliest, m.Latest = arrival(runs, o.Due, p.Zone)
	return m, nil
}

// arrival is between which times of day the last drops came, leaving out a
// tenth at either end; "" where there were too few to tell.
func arrival(runs []journal.Run, due time.Time, zone *time.Location) (earliest, latest string) {
	const day = 24 * time.Hour
	clock := func(t time.Time) time.Duration {
		h, m, s := t.In(zone).Clock()
		return time.Duration(h)*time.Hour + time.Duration(m)*time.Minute + time.Duration(s)*time.Second
	}
	seen := map[time.Time]bool{}
	var before []time.Duration // the time by which it came before it was due
	for i := range runs {
		in := runs[i].Input
		if runs[i].DryRun || in.Source == "file" || in.Modified.IsZero() || seen[in.Modified] || len(before) == arrivals {
			continue
		}
		seen[in.Modified] = true
		early := (clock(due) - clock(in.Modified) + day) % day
		if early > 20*time.Hour { // it came late
			early -= day
		}
		before = append(before, early)
	}
	if len(before) < compareTo {
		return "", ""
	}
	slices.SortFunc(before, func(a, b time.Duration) int { return cmp.Compare(b, a) })
	cut := len(before) / 10
	shown := func(early time.Duration) string {
		at := (clock(due) - early + day) % day
		return fmt.Sprintf("%02d:%02d", int(at.Hours()), int(at.Minutes())%60)
	}
	return shown(before[cut]), shown(before[len(before)-1-cut])
}
