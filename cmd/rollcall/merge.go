package main

import (
	"fmt"
	"strings"

	"rollcall/internal/roster"
	"rollcall/internal/run"
)

type rekeyCmd struct {
	Old     string `arg:"" help:"The key by which feeds know the person, or the employee ID."`
	New     string `arg:"" help:"The key that HR uses from now on."`
	Profile string `help:"Only as this feed knows the person; absent: every feed." placeholder:"P"`
	DryRun  bool   `help:"Only show what would be done."`
	Reason  string `help:"Why, for the journal." placeholder:"TEXT"`
}

// Help is what kong prints below the first line.
func (*rekeyCmd) Help() string {
	return "The account keeps its number, its name and its history; the next record with the new key is about it. HR can say the same with a previous_key column."
}

// Run implements the command.
func (c *rekeyCmd) Run(a *app) error {
	d, err := a.desk()
	if err != nil {
		return err
	}
	if c.Profile != "" {
		if _, err := profileOf(d.site, c.Profile); err != nil {
			return err
		}
	}
	old, err := keyOf(strings.TrimPrefix(c.Old, "key:"))
	if err != nil {
		return err
	}
	key, err := keyOf(strings.TrimPrefix(c.New, "key:"))
	if err != nil {
		return err
	}
	by := run.By{Who: who(), Reason: c.Reason}
	p, err := d.r.PlanRekey(d.ctx, c.Profile, old, key, by)
	if err != nil {
		return err
	}
	return d.carryOut(p, by, c.DryRun, "Give this person the new key?")
}

type mergeCmd struct {
	Account string `arg:"" help:"The account that goes: a username, id:20417 or key:104417."`
	Into    string `arg:"" help:"The account that stays."`
	DryRun  bool   `help:"Only show what would be done."`
	Reason  string `help:"Why, for the journal." placeholder:"TEXT"`
}

// Help is what kong prints below the first line.
func (*mergeCmd) Help() string {
	return "The first account is deleted. Its links and former names become those of the second, which keeps its own values and takes over what it lacks. Nothing of it can be taken back."
}

// Run implements the command.
func (c *mergeCmd) Run(a *app) error {
	d, err := a.desk()
	if err != nil {
		return err
	}
	from, err := d.account(c.Account)
	if err != nil {
		return err
	}
	into, err := d.account(c.Into)
	if err != nil {
		return err
	}
	by := run.By{Who: who(), Reason: c.Reason}
	p, err := d.r.PlanMerge(d.ctx, fmt.Sprintf("id:%d", from.ID), fmt.Sprintf("id:%d", into.ID), by)
	if err != nil {
		return err
	}
	named := func(x *roster.Account) string {
		return clean(fmt.Sprintf("%s  %s  (id:%d, %s)", x.Values[roster.Username], fullName(&x.Values), x.ID, x.Status()))
	}
	return d.carryOut(p, by, c.DryRun, fmt.Sprintf("  %s  goes\n  %s  stays\nNothing of a merge can be taken back.\nMerge the two?", named(from), named(into)))
}
