package main

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"rollcall/internal/plan"
	"rollcall/internal/roster"
	"rollcall/internal/store"
)

// accountsCmd is "rollcall accounts".
type accountsCmd struct {
	List      accountsListCmd    `cmd:"" default:"withargs" help:"Who is in the directory."`
	Show      accountsShowCmd    `cmd:"" help:"One account: fields and who wrote them, links, last changes."`
	History   accountsHistoryCmd `cmd:"" help:"Everything that was done to one account."`
	Export    accountsExportCmd  `cmd:"" help:"The list as CSV, XML or JSON."`
	Create    createCmd          `cmd:"" help:"Add an account by hand."`
	Edit      editCmd            `cmd:"" help:"Change fields of accounts by hand."`
	Release   releaseCmd         `cmd:"" help:"Give fields that were edited by hand back to the feeds."`
	Import    accountsImportCmd  `cmd:"" help:"A file of accounts, as exported and perhaps edited since."`
	Suspend   suspendCmd         `cmd:"" help:"Suspend accounts by hand."`
	Activate  activateCmd        `cmd:"" help:"Activate suspended accounts by hand."`
	Delete    deleteCmd          `cmd:"" help:"Delete accounts softly: they can be restored."`
	Restore   restoreCmd         `cmd:"" help:"Bring deleted accounts back."`
	Anonymise anonymiseCmd       `cmd:"" help:"Erase whose accounts these were, everywhere and for good."`
	Purge     purgeCmd           `cmd:"" help:"Remove accounts and all that is known of them, for good."`
	Hold      holdCmd            `cmd:"" help:"Legal hold: nobody deletes, anonymises or purges these accounts."`
	Unhold    unholdCmd          `cmd:"" help:"End a legal hold."`
	Rekey     rekeyCmd           `cmd:"" help:"Give the account with an old key a new one."`
	Merge     mergeCmd           `cmd:"" help:"Make two accounts of one person one."`
	Link      linkCmd            `cmd:"" help:"Decide whom a feed's key means."`
	Unlink    unlinkCmd          `cmd:"" help:"Take a feed's key off its account."`
}

// selection is the flags that select accounts.
type selection struct {
	Query            string `help:"Text in name, username, email or employee ID." placeholder:"TEXT"`
	Status           string `help:"active, suspended, deleted or all; absent: all but deleted." placeholder:"STATUS"`
	Site             string `help:"This site and those below it." placeholder:"S"`
	Profile          string `help:"Linked by this profile." placeholder:"P"`
	RegisteredAfter  string `help:"Created on that day or later." placeholder:"D"`
	RegisteredBefore string `help:"Created before that day." placeholder:"D"`
	LastLoginBefore  string `help:"Last seen before that day." placeholder:"D"`
	ExpiresBefore    string `help:"Whose last day is before that day." placeholder:"D"`
	InRun            string `name:"run" help:"Changed by this run." placeholder:"RUN"`
	Outcome          string `help:"With --run: added, updated, renamed, reactivated, suspended, deleted or all." placeholder:"WORD"`
	Limit            int    `help:"At most so many." placeholder:"N"`
	Role             string `help:"With this role of the system." placeholder:"R"`
	Cohort           string `help:"In this cohort." placeholder:"C"`
}

// query is what the flags select.
func (s *selection) query(d *desk) (q store.AccountQuery, err error) {
	switch {
	case s.Limit < 0:
		return q, fmt.Errorf("--limit: %d is negative", s.Limit)
	case s.Outcome != "" && s.InRun == "":
		return q, errors.New("--outcome is that of a run: name it with --run")
	}
	q = store.AccountQuery{Status: s.Status, Text: s.Query, Profile: s.Profile, Site: s.Site, Outcome: s.Outcome, Limit: s.Limit, Role: s.Role, Cohort: s.Cohort, Grants: true}
	if s.InRun != "" {
		j, err := d.stored(s.InRun)
		if err != nil {
			return q, err
		}
		q.Run = j.Number
	}
	var errs []error
	for _, f := range []struct {
		into *time.Time
		flag string
		text string
	}{
		{&q.RegisteredAfter, "--registered-after", s.RegisteredAfter},
		{&q.RegisteredBefore, "--registered-before", s.RegisteredBefore},
		{&q.LastLoginBefore, "--last-login-before", s.LastLoginBefore},
		{&q.ExpiresBefore, "--expires-before", s.ExpiresBefore},
	} {
		*f.into, err = d.day(f.flag, f.text)
		errs = append(errs, err)
	}
	return q, errors.Join(errs...)
}

type accountsListCmd struct {
	selection `embed:""`
}

// Run implements the command.
func (c *accountsListCmd) Run(a *app) error {
	d, err := a.desk()
	if err != nil {
		return err
	}
	q, err := c.query(d)
	if err != nil {
		return err
	}
	accounts := d.r.Store.Accounts(d.ctx, q)
	switch a.Output {
	case "json":
		return a.array(records(accounts))
	case "csv":
		custom, err := d.r.Store.CustomNames(d.ctx)
		if err != nil {
			return err
		}
		return exportCSV(a.stdout, custom, accounts)
	}
	t := newTable(a.stdout, "id", "username", "name", "email", "employee id", "status", "reason")
	n := 0
	for x, err := range accounts {
		if err != nil {
			return err
		}
		n++
		v := &x.Values
		t.row(fmt.Sprint(x.ID), v[roster.Username], fullName(v), v[roster.Email], v[roster.EmployeeID], v[roster.StatusField], why(v))
	}
	if n == 0 {
		fmt.Fprintln(a.stdout, "No account matches. Deleted ones are listed with --status deleted or --status all.")
		return nil
	}
	if err := t.end(); err != nil {
		return err
	}
	fmt.Fprintln(a.stdout, plural(n, "account"))
	return nil
}

func fullName(v *roster.Values) string {
	return strings.TrimSpace(v[roster.FirstName] + " " + v[roster.LastName])
}

// why is the reason of a status and who set it: "missing, by hr-csv".
func why(v *roster.Values) string {
	reason, by := strings.ReplaceAll(v[roster.StatusReason], "_", " "), setBy(v)
	switch {
	case reason == "":
		return ""
	case v[roster.StatusReason] == string(roster.FeedSays):
		return "asked for by " + by
	case by == "" || by == "date":
		return reason
	}
	return reason + ", by " + strings.TrimPrefix(by, "person:")
}

// setBy says who set the status: a profile's name, date, or person:ada.
func setBy(v *roster.Values) string { return strings.TrimSuffix(v[roster.StatusBy], ":") }

// hand is how accounts are selected and changed by a person.
type hand struct {
	Accounts []string `arg:"" optional:"" name:"account" help:"A username, id:20417 or key:104417."`
	InRun    string   `name:"run" help:"Instead: the accounts that this run changed." placeholder:"RUN"`
	Outcome  string   `help:"With --run: added, updated, renamed, reactivated, suspended, deleted or all." placeholder:"WORD"`
	DryRun   bool     `help:"Only show what would be done."`
	Reason   string   `help:"Why, for the journal." placeholder:"TEXT"`
}

type suspendCmd struct {
	hand `embed:""`
}

// Run implements the command.
func (c *suspendCmd) Run(a *app) error {
	return c.carry(a, func(d *desk) (deed, error) {
		return deed{verb: "Suspend", from: roster.Active, do: d.r.Status(plan.Suspend)}, nil
	})
}

type activateCmd struct {
	hand `embed:""`
}

// Run implements the command.
func (c *activateCmd) Run(a *app) error {
	return c.carry(a, func(d *desk) (deed, error) {
		return deed{verb: "Activate", from: roster.Suspended, do: d.r.Status(plan.Reactivate)}, nil
	})
}
