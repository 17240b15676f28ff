package main

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"rollcall/internal/guard"
	"rollcall/internal/journal"
	"rollcall/internal/run"
)

// heldCmd is "rollcall held".
type heldCmd struct {
	List    heldListCmd    `cmd:"" default:"withargs" help:"The plans that wait for a person."`
	Approve heldApproveCmd `cmd:"" help:"Carry out a held plan as it was shown."`
	Reject  heldRejectCmd  `cmd:"" help:"Give a held plan up."`
}

type heldListCmd struct{}

// Run implements the command.
func (heldListCmd) Run(a *app) error {
	d, err := a.desk()
	if err != nil {
		return err
	}
	all, err := d.r.Store.Held(d.ctx)
	if err != nil {
		return err
	}
	var held []journal.Run
	for _, j := range all {
		if j.HeldUntil.IsZero() || d.r.Now().Before(j.HeldUntil) { // else nobody can decide any more
			held = append(held, j)
		}
	}
	if a.Output != "table" {
		return d.listRuns(held)
	}
	if len(held) == 0 {
		fmt.Fprintln(a.stdout, "Nothing is held.")
		return nil
	}
	t := newTable(a.stdout, "run", "profile", "held since", "decide until", "changes", "removals", "because of")
	for _, j := range held {
		t.row(number(j.Number), named(&j), d.at(j.Finished), d.at(j.HeldUntil), count(j.Facts.Changes()), count(j.Facts.Removals), strings.Join(tripped(j.Findings), ", "))
	}
	if err := t.end(); err != nil {
		return err
	}
	fmt.Fprintf(a.stdout, "\nLook:    rollcall runs show %[1]d\nDecide:  rollcall held approve %[1]d --reason \"…\"   or   rollcall held reject %[1]d --reason \"…\"\n", held[0].Number)
	if n := held[0].Facts.Removals; n > 0 && n < held[0].Facts.Changes() {
		fmt.Fprintf(a.stdout, "Partly:  rollcall held approve %d --except removals --reason \"…\"   leaves out all suspensions and deletions\n", held[0].Number)
	}
	return nil
}

// tripped names the guardrails that hold a run, each once.
func tripped(findings []guard.Finding) []string {
	var names []string
	for _, f := range findings {
		if f.Holds() && !slices.Contains(names, f.Name) {
			names = append(names, f.Name)
		}
	}
	return names
}

type heldApproveCmd struct {
	Plan   string `arg:"" name:"run" help:"The held run."`
	Digest string `help:"Only if the plan has this digest." placeholder:"D"`
	Except string `help:"removals leaves out all suspensions and deletions." placeholder:"removals"`
	Reason string `help:"Why, for the journal." required:"" placeholder:"TEXT"`
}

// Run implements the command.
func (c *heldApproveCmd) Run(a *app) error {
	if err := said(c.Reason); err != nil {
		return err
	}
	if c.Except != "" && c.Except != "removals" {
		return fmt.Errorf("--except: %q cannot be left out; write --except removals", c.Except)
	}
	d, err := a.desk()
	if err != nil {
		return err
	}
	j, err := d.stored(c.Plan)
	if err != nil {
		return err
	}
	p, err := d.of(j)
	if err != nil {
		return err
	}
	meter, stop := d.during("applying")
	j, err = d.r.Approve(d.ctx, p, run.Decision{Run: j.Number, Digest: c.Digest, ExceptRemovals: c.Except == "removals", Reason: c.Reason, Who: who(), Meter: meter})
	stop()
	return d.tell(p, j, err)
}

type heldRejectCmd struct {
	Plan   string `arg:"" name:"run" help:"The held run."`
	Reason string `help:"Why, for the journal." required:"" placeholder:"TEXT"`
}

// Run implements the command.
func (c *heldRejectCmd) Run(a *app) error {
	if err := said(c.Reason); err != nil {
		return err
	}
	d, err := a.desk()
	if err != nil {
		return err
	}
	j, err := d.stored(c.Plan)
	if err != nil {
		return err
	}
	if j, err = d.r.Reject(d.ctx, run.Decision{Run: j.Number, Reason: c.Reason, Who: who()}); err != nil {
		return err
	}
	if a.Output != "table" {
		return d.showRun(d.r, d.known(j), j)
	}
	_, err = io.WriteString(a.stdout, rejected(j))
	return err
}

func rejected(j *journal.Run) string {
	text := fmt.Sprintf("Run %d is rejected: none of its changes will be made.\n", j.Number)
	switch {
	case j.Kind != journal.Sync || j.Input.Source == "file":
	case j.Input.Source == "ldap":
		text += "The same answer of the directory is not planned again by itself. One that differs is planned as usual.\n"
	default:
		text += fmt.Sprintf("The same file is not planned again by itself. A new one is read as usual; this one again only with rollcall run %s --file F.\n", j.Profile)
	}
	return text
}

// said refuses a reason that says nothing.
func said(reason string) error {
	if strings.TrimSpace(reason) == "" {
		return errors.New("--reason: write why; it stands in the journal")
	}
	return nil
}
