package main

import (
	"cmp"
	"encoding/csv"
	"errors"
	"fmt"
	"iter"
	"slices"
	"strconv"
	"strings"
	"time"

	"rollcall/internal/journal"
	"rollcall/internal/plan"
	"rollcall/internal/report"
	"rollcall/internal/roster"
	"rollcall/internal/run"
)

// runsCmd is "rollcall runs".
type runsCmd struct {
	List     runsListCmd     `cmd:"" default:"withargs" help:"The runs, newest first."`
	Show     runsShowCmd     `cmd:"" help:"The report of a run."`
	Problems runsProblemsCmd `cmd:"" help:"What was wrong with its drop, line by line."`
	Changes  runsChangesCmd  `cmd:"" help:"Every change, before and after."`
	Revert   runsRevertCmd   `cmd:"" help:"Take a run back."`
}

type runsListCmd struct {
	Profile string `help:"Only of this profile." placeholder:"PROFILE"`
	Since   string `help:"Only those that began since: 12h, 7d, or a date." placeholder:"WHEN"`
	Limit   int    `help:"At most so many." placeholder:"N"`
}

// listed is how many runs a person is shown who has not asked for a number.
const listed = 30

// Run implements the command.
func (c *runsListCmd) Run(a *app) error {
	d, err := a.desk()
	if err != nil {
		return err
	}
	since, err := d.since(c.Since)
	if err != nil {
		return err
	}
	limit := c.Limit
	switch {
	case limit < 0:
		return fmt.Errorf("--limit: %d is negative", limit)
	case limit == 0 && a.Output == "table":
		limit = listed + 1
	}
	d.salvage()
	runs, err := d.r.Store.Runs(d.ctx, c.Profile, since, limit)
	if err != nil {
		return err
	}
	if a.Output != "table" {
		return d.listRuns(runs)
	}
	if len(runs) == 0 && c.Profile+c.Since != "" {
		fmt.Fprintln(a.stdout, "No run matches. rollcall runs list shows all of them.")
		return nil
	}
	if len(runs) == 0 {
		fmt.Fprintln(a.stdout, "There are no runs yet. rollcall plan PROFILE shows what a first one would do.")
		return nil
	}
	more := c.Limit == 0 && len(runs) > listed
	if more {
		runs = runs[:listed]
	}
	t := newTable(a.stdout, "run", "profile", "kind", "status", "started", "rows", "added", "changed", "removed", "rejected", "input")
	for _, j := range runs {
		f := j.Facts
		t.row(number(j.Number), j.Profile, string(j.Kind), string(j.Status), d.at(j.Started), count(f.Rows.Read), done(j, f.Rows.Added),
			done(j, f.Rows.Updated+f.Rows.Renamed+f.Rows.Reactivated+f.ByDate.Started),
			done(j, f.Rows.Suspended+f.Rows.Deleted+f.Absent.Suspended+f.Absent.Deleted+f.ByDate.Expired), count(f.Rows.Rejected), fromWhere(&j))
	}
	if err := t.end(); err != nil {
		return err
	}
	for _, j := range runs {
		if j.Status == journal.Superseded && j.Decision != "" {
			fmt.Fprintf(a.stdout, "Run %d was superseded: %s\n", j.Number, clean(j.Decision))
		}
	}
	if slices.ContainsFunc(runs, func(j journal.Run) bool { return !j.Status.Applied() && j.Facts.Changes() > 0 }) {
		fmt.Fprintln(a.stdout, "(Numbers in parentheses were planned and not carried out.)")
	}
	if more {
		fmt.Fprintln(a.stdout, "… and older ones: rollcall runs list --limit N")
	}
	return nil
}

// fromWhere is the drop of a run, or who has done it by hand.
func fromWhere(j *journal.Run) string {
	if j.Input.Name == "" {
		return strings.TrimSpace(decided(j))
	}
	return j.Input.Name
}

// done is a number of changes; in parentheses where the run has not made them.
func done(j journal.Run, n int) string {
	if j.Status.Applied() || n == 0 {
		return count(n)
	}
	return "(" + count(n) + ")"
}

// listedRun is a run in a list: as in rollcall.run.v1, with its counts.
type listedRun struct {
	report.Run
	Input report.Input `json:"input"`
	Rows  plan.Rows    `json:"rows"`
	Gone  plan.Absent  `json:"absent"`
	Dates plan.ByDate  `json:"by_date"`

	HeldSince report.Instant `json:"held_since"` // null where it is not held
	BecauseOf []string       `json:"because_of"` // the guardrails that hold it, or held it
}

// heldSince is when a run that waits for a person began to wait; zero for others.
func heldSince(j *journal.Run) time.Time {
	if j.Status != journal.Held {
		return time.Time{}
	}
	return j.Finished
}

// listRuns writes runs as JSON or as CSV.
func (d *desk) listRuns(runs []journal.Run) error {
	if d.Output == "json" {
		return d.array(func(yield func(any, error) bool) {
			for i := range runs {
				j := &runs[i]
				doc, err := report.Build(j, none[roster.Problem]())
				if err != nil {
					yield(nil, err)
					return
				}
				since := report.Instant{Time: heldSince(j)}
				if !yield(listedRun{doc.Run, doc.Input, doc.Rows, doc.Absent, doc.ByDate, since, append([]string{}, tripped(j.Findings)...)}, nil) {
					return
				}
			}
		})
	}
	w := csv.NewWriter(d.stdout)
	_ = w.Write([]string{"number", "profile", "kind", "status", "trigger", "started", "finished", "exit_code", "dry_run", "applied_seq", "held_until", "plan_digest", "input", "read", "added", "updated", "renamed", "reactivated", "suspended", "deleted", "unchanged", "skipped", "rejected", "held_since", "because_of", "by", "reason"}) // the writer keeps the first error
	for _, j := range runs {
		r := j.Facts.Rows
		_ = w.Write([]string{
			number(j.Number), j.Profile, string(j.Kind), string(j.Status), j.Trigger, instant(j.Started), instant(j.Finished), strconv.Itoa(j.ExitCode), strconv.FormatBool(j.DryRun),
			number(j.AppliedSeq), instant(j.HeldUntil), j.PlanDigest, j.Input.Name, strconv.Itoa(r.Read), strconv.Itoa(r.Added), strconv.Itoa(r.Updated), strconv.Itoa(r.Renamed),
			strconv.Itoa(r.Reactivated), strconv.Itoa(r.Suspended), strconv.Itoa(r.Deleted), strconv.Itoa(r.Unchanged), strconv.Itoa(r.Skipped), strconv.Itoa(r.Rejected),
			instant(heldSince(&j)), strings.Join(tripped(j.Findings), "|"), j.DecidedBy, j.Decision,
		})
	}
	w.Flush()
	return w.Error()
}

// none is an empty stream.
func none[T any]() iter.Seq2[T, error] { return func(func(T, error) bool) {} }

// instant is a time as programs read it: RFC 3339 in UTC; "" for none.
func instant(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format(time.RFC3339)
}

// oneRun is the argument of the commands that tell about one run.
type oneRun struct {
	Which string `arg:"" name:"run" optional:"" default:"last" help:"A number, last or last:PROFILE."`
}

// open finds the run.
func (c *oneRun) open(a *app) (*desk, *journal.Run, error) {
	d, err := a.desk()
	if err != nil {
		return nil, nil, err
	}
	d.salvage()
	j, err := d.stored(c.Which)
	return d, j, err
}

type runsShowCmd struct{ oneRun }

// Run implements the command.
func (c *runsShowCmd) Run(a *app) error {
	d, j, err := c.open(a)
	if err != nil {
		return err
	}
	return d.showRun(d.r, d.known(j), j)
}

type runsProblemsCmd struct{ oneRun }

// Run implements the command.
func (c *runsProblemsCmd) Run(a *app) error {
	d, j, err := c.open(a)
	if err != nil {
		return err
	}
	p := d.known(j)
	problems := d.r.Problems(d.ctx, p, j.Number)
	if a.Output == "csv" {
		personal := report.IDs
		if p != nil {
			personal = p.Report.Personal
		}
		return report.ProblemsCSV(a.stdout, j, problems, personal)
	}
	doc, err := report.Build(j, problems)
	if err != nil {
		return err
	}
	if a.Output == "json" {
		return d.array(func(yield func(any, error) bool) {
			for _, g := range doc.Problems {
				if !yield(g, nil) {
					return
				}
			}
		})
	}
	switch {
	case len(doc.Problems) > 0:
		return report.ProblemsText(a.stdout, doc)
	case j.Error != "":
		fmt.Fprintf(a.stdout, "Run %d failed before any row was judged: %s\n", j.Number, clean(j.Error))
	default:
		fmt.Fprintf(a.stdout, "Run %d has no problems.\n", j.Number)
	}
	return nil
}

type runsChangesCmd struct{ oneRun }

// Run implements the command.
func (c *runsChangesCmd) Run(a *app) error {
	d, j, err := c.open(a)
	if err != nil {
		return err
	}
	changes := d.r.Changes(d.ctx, j.Number)
	switch a.Output {
	case "csv":
		return report.Results(a.stdout, j, changes, d.r.Problems(d.ctx, d.known(j), j.Number))
	case "json":
		return d.listChanges(changes)
	}
	if by := decided(j); by != "" {
		because := ""
		if j.Decision != "" {
			because = ": " + clean(j.Decision)
		}
		fmt.Fprintf(a.stdout, "Run %d%s%s\n", j.Number, by, because)
	}
	n, err := report.ChangesText(a.stdout, changes)
	if err == nil && n == 0 {
		fmt.Fprintf(a.stdout, "Run %d changes nothing.\n", j.Number)
	}
	return err
}

type runsRevertCmd struct {
	Which   string   `arg:"" name:"run" help:"A number, last or last:PROFILE."`
	More    []string `arg:"" optional:"" name:"account" help:"More accounts, after --account."`
	Account []string `help:"Only these accounts: a username, id:20417 or key:104417." placeholder:"ACCOUNT"`
	DryRun  bool     `help:"Only show what would be taken back."`
	Reason  string   `help:"Why, for the journal." placeholder:"TEXT"`
}

// Run implements the command.
func (c *runsRevertCmd) Run(a *app) error {
	d, err := a.desk()
	if err != nil {
		return err
	}
	if len(c.More) > 0 && len(c.Account) == 0 {
		return errors.New("one run at a time; accounts stand after --account")
	}
	j, err := d.stored(c.Which)
	if err != nil {
		return err
	}
	p, err := d.of(j)
	if err != nil {
		return err
	}
	only := append(c.Account, c.More...)
	if err := d.accounts(only); err != nil {
		return err
	}
	if c.DryRun {
		return d.wouldTakeBack(p, j, only)
	}
	question := fmt.Sprintf("Take back run %d (%s of %s)?", j.Number, named(j), d.at(j.Started))
	if len(only) > 0 {
		question = fmt.Sprintf("Take back run %d for %s?", j.Number, plural(len(only), "account"))
	}
	if undone := inReverse(j, len(only) > 0); undone != "" {
		question = undone + "\n" + question
	}
	if err := a.sure(question); err != nil {
		return err
	}
	meter, stop := d.during("taking back")
	back, err := d.r.Revert(d.ctx, p, j.Number, only, run.By{Who: who(), Reason: c.Reason, Meter: meter})
	stop()
	err = d.tell(p, back, err)
	if back != nil && back.Status.Applied() && len(only) == 0 && a.Output == "table" && !a.Quiet && j.Kind == journal.Sync && j.Input.Source != "file" {
		if last, err := d.r.Store.LastApplied(d.ctx, j.Profile); err == nil && last.Number > j.Number && last.Status != journal.Reverted {
			fmt.Fprintf(a.stdout, "\nThe file of run %d is newer and stands: the next run of %s reads it again, since accounts have changed, and does again what it asks for. Have HR correct it.\n", last.Number, j.Profile)
			return nil
		}
		fmt.Fprintf(a.stdout, "\nThe same file is not read again by itself. A new one is read as usual; this one again only with rollcall run %s --file F.\n", j.Profile)
	}
	return err
}

// listChanges writes changes as JSON: a claim that moves alone is none of a person's.
func (d *desk) listChanges(changes iter.Seq2[journal.Outcome, error]) error {
	return d.array(func(yield func(any, error) bool) {
		for o, err := range changes {
			if err == nil && o.Action == plan.Claim {
				continue
			}
			if !yield(report.Shown(o), err) || err != nil {
				return
			}
		}
	})
}

// A foretelling shows changes as they are planned, and keeps what is left alone.
type foretelling struct {
	show func(journal.Outcome, error) bool
	left []roster.Problem
}

var errEnough = errors.New("nobody reads on")

// Change implements [plan.Sink].
func (f *foretelling) Change(c plan.Change) error {
	if !f.show(journal.Outcome{Change: c}, nil) {
		return errEnough
	}
	return nil
}

// Problem implements [plan.Sink].
func (f *foretelling) Problem(p roster.Problem) error {
	if len(f.left) < listed {
		f.left = append(f.left, p)
	}
	return nil
}

// wouldTakeBack shows what taking a run back would change, and changes nothing.
func (d *desk) wouldTakeBack(p *run.Profile, j *journal.Run, only []string) error {
	var would *journal.Run
	var err error
	f := &foretelling{}
	changes := report.Mask(func(yield func(journal.Outcome, error) bool) {
		f.show = yield
		if would, err = d.r.PlanRevert(d.ctx, p, j.Number, only, f); err != nil && !errors.Is(err, errEnough) {
			yield(journal.Outcome{}, err)
		}
	}, d.r.Hidden)
	if d.Output != "table" {
		return d.listChanges(changes)
	}
	n, told := report.ChangesText(d.stdout, changes)
	if err != nil || told != nil {
		return cmp.Or(err, told)
	}
	for _, x := range f.left {
		who := "key " + clean(string(x.Key))
		if x.Key == "" {
			who = fmt.Sprintf("account %d", x.Account)
		}
		fmt.Fprintf(d.stdout, "! %s  %s\n", who, clean(x.Text))
	}
	if more := would.Facts.Notes - len(f.left); more > 0 {
		fmt.Fprintf(d.stdout, "! … and %s more that would be left alone\n", count(more))
	}
	for _, x := range would.Findings {
		if x.Holds() {
			fmt.Fprintf(d.stdout, "It would be held: %s\n", clean(x.Text))
		}
	}
	if n == 0 {
		fmt.Fprintf(d.stdout, "Nothing of run %d would be taken back.\n", j.Number)
		return nil
	}
	fmt.Fprintf(d.stdout, "%s planned, none made. Without --dry-run it is done.\n", plural(n, "change"))
	return nil
}

// inReverse is what taking a run back would change, in lines; "" where it has
// changed nothing. some: only some of its accounts are meant.
func inReverse(j *journal.Run, some bool) string {
	if !j.Status.Applied() || j.Status == journal.Reverted {
		return ""
	}
	f := j.Facts
	var lines []string
	for _, l := range []struct {
		n    int
		what string
	}{
		{f.Rows.Added, "added: removed outright, name and key free again"},
		{f.Rows.Updated, "updated: the former values come back"},
		{f.Rows.Renamed, "renamed: the former usernames come back"},
		{f.Rows.Reactivated + f.ByDate.Started, "activated: suspended again"},
		{f.Rows.Suspended + f.Absent.Suspended + f.ByDate.Expired, "suspended: active again"},
		{f.Rows.Deleted + f.Absent.Deleted, "deleted: restored"},
	} {
		if l.n > 0 {
			lines = append(lines, fmt.Sprintf("  %6s %s", count(l.n), l.what))
		}
	}
	if len(lines) == 0 {
		return ""
	}
	whole := fmt.Sprintf("What run %d did, and what would become of it", j.Number)
	if some {
		whole += ", for the accounts that you name alone"
	}
	return whole + ":\n" + strings.Join(lines, "\n") + "\nWhat has changed since is left alone and listed. The guardrails apply."
}
