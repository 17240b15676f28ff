package main

import (
	"errors"
	"fmt"
	"iter"
	"strconv"
	"strings"

	"rollcall/internal/journal"
	"rollcall/internal/plan"
	"rollcall/internal/report"
	"rollcall/internal/roster"
	"rollcall/internal/run"
)

// maxBatch is how many accounts a person changes at once.
const maxBatch = 5_000

// A deed is what a verb of rollcall accounts does to the accounts that are named.
type deed struct {
	verb string        // of the question: Suspend
	from roster.Status // which of a run's accounts are meant; "" for all but the deleted
	do   run.Deed
	tell func(plan.Plan) (string, error) // what a person should know before the question; nil: nothing
}

// carry does to the accounts what the person asked for: to all of them or none.
func (c *hand) carry(a *app, of func(*desk) (deed, error)) error {
	d, err := a.desk()
	if err != nil {
		return err
	}
	what, err := of(d)
	if err != nil {
		return err
	}
	refs, err := c.refs(d, what.from)
	if err != nil {
		return err
	}
	if err := d.accounts(c.Accounts); err != nil { // those that were typed, so that a refusal can name them
		return err
	}
	by := run.By{Who: who(), Reason: c.Reason}
	p, err := d.r.PlanDeed(d.ctx, refs, by, what.do)
	if err != nil {
		return err
	}
	question := fmt.Sprintf("%s %s?", what.verb, plural(len(p.Changes), "account"))
	if what.tell != nil {
		news, err := what.tell(p)
		if err != nil {
			return err
		}
		if news != "" {
			question = news + "\n" + question
		}
	}
	return d.carryOut(p, by, c.DryRun, question)
}

// carryOut shows what a person's plan would do, or asks and does it.
func (d *desk) carryOut(p plan.Plan, by run.By, dry bool, question string) error {
	switch {
	case len(p.Changes) == 0 && d.Output != "table":
		return d.nothing()
	case len(p.Changes) == 0:
		fmt.Fprintln(d.stdout, "Nothing to do: it is so already.")
		return nil
	}
	over, err := d.r.Weigh(d.ctx, p)
	if err != nil {
		return err
	}
	if len(over) > 0 {
		lines := []string{"This is more than a feed may do unasked:"}
		for _, f := range over {
			lines = append(lines, "  "+f.Text)
		}
		question = strings.Join(append(lines, question), "\n")
	}
	switch {
	case dry:
		if i := strings.LastIndex(question, "\n"); i >= 0 && d.Output == "table" {
			fmt.Fprintln(d.stdout, question[:i])
		}
		return d.planned(p)
	}
	if err := d.sure(question); err != nil {
		return err
	}
	j, err := d.r.Do(d.ctx, p, by)
	return d.tell(nil, j, err)
}

// refs names the accounts that are meant.
func (c *hand) refs(d *desk, from roster.Status) ([]string, error) {
	switch {
	case len(c.Accounts) > 0 && (c.InRun != "" || c.Outcome != ""):
		return nil, errors.New("name accounts, or a run with --run; not both")
	case len(c.Accounts) > 0:
		return c.Accounts, nil
	case c.InRun == "":
		return nil, errors.New("name the accounts (a username, id:20417 or key:104417), or a run with --run and --outcome")
	}
	s := selection{Status: string(from), InRun: c.InRun, Outcome: c.Outcome, Limit: maxBatch + 1}
	q, err := s.query(d)
	if err != nil {
		return nil, err
	}
	var refs []string
	for x, err := range d.r.Store.Accounts(d.ctx, q) {
		if err != nil {
			return nil, err
		}
		refs = append(refs, "id:"+strconv.FormatUint(x.ID, 10))
	}
	switch {
	case len(refs) == 0 && from == "":
		return nil, fmt.Errorf("run %d changed no account that is still there in this way", q.Run)
	case len(refs) == 0:
		return nil, fmt.Errorf("none of the accounts that run %d changed is %s now", q.Run, from)
	case len(refs) > maxBatch:
		return nil, fmt.Errorf("these are more than %d accounts; do it in parts", maxBatch)
	}
	return refs, nil
}

// planned shows changes that nobody has made.
func (d *desk) planned(p plan.Plan) error {
	if d.Output != "table" {
		return d.array(func(yield func(any, error) bool) {
			for _, c := range p.Changes {
				if !yield(report.Shown(journal.Outcome{Change: c}), nil) {
					return
				}
			}
		})
	}
	var outcomes iter.Seq2[journal.Outcome, error] = func(yield func(journal.Outcome, error) bool) {
		for _, c := range p.Changes {
			if !yield(journal.Outcome{Change: c}, nil) {
				return
			}
		}
	}
	n, err := report.ChangesText(d.stdout, outcomes)
	if err == nil {
		fmt.Fprintf(d.stdout, "%s planned, none made. Without --dry-run it is done.\n", plural(n, "change"))
	}
	return err
}

type linkCmd struct {
	Profile string `arg:"" help:"The feed."`
	Key     string `arg:"" help:"The feed's key of the person."`
	Account string `arg:"" name:"account|new" help:"Whom the key means: a username, id:20417 or key:104417; or new, for somebody new."`
	Reason  string `help:"Why, for the journal." placeholder:"TEXT"`
}

// Run implements the command.
func (c *linkCmd) Run(a *app) error {
	d, err := a.desk()
	if err != nil {
		return err
	}
	if _, err := profileOf(d.site, c.Profile); err != nil {
		return err
	}
	key, err := keyOf(c.Key)
	if err != nil {
		return err
	}
	if c.Account != "new" {
		if _, err := d.account(c.Account); err != nil {
			return err
		}
	}
	if err := a.sure(fmt.Sprintf("Decide whom this key of %s means?", c.Profile)); err != nil {
		return err
	}
	j, err := d.r.Link(d.ctx, c.Profile, key, c.Account, run.By{Who: who(), Reason: c.Reason})
	if err != nil || j != nil {
		return d.tell(nil, j, err)
	}
	if a.Output != "table" {
		return a.nothing()
	}
	fmt.Fprintf(a.stdout, "Decided: key %s of %s is somebody new. The next run adds them.\n", clean(string(key)), c.Profile)
	return nil
}

type unlinkCmd struct {
	Profile string `arg:"" help:"The feed."`
	Key     string `arg:"" help:"The feed's key of the person."`
	Reason  string `help:"Why, for the journal." placeholder:"TEXT"`
}

// Run implements the command.
func (c *unlinkCmd) Run(a *app) error {
	d, err := a.desk()
	if err != nil {
		return err
	}
	key, err := keyOf(c.Key)
	if err != nil {
		return err
	}
	if err := a.sure(fmt.Sprintf("Take this key of %s off its account?", c.Profile)); err != nil {
		return err
	}
	j, err := d.r.Unlink(d.ctx, c.Profile, key, run.By{Who: who(), Reason: c.Reason})
	return d.tell(nil, j, err)
}

// keyOf is a key as a person types it.
func keyOf(text string) (roster.Key, error) {
	key := roster.NormalKey(text)
	if key == "" {
		return "", errors.New("the key is empty")
	}
	return key, nil
}
