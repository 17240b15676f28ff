package main

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"rollcall/config"
	"rollcall/internal/plan"
	"rollcall/internal/roster"
	"rollcall/internal/run"
)

// settings are the fields that a person writes.
type settings struct {
	Set []string `help:"A field and its value, like title=Nurse or fields.shift=late; an empty value clears it. Once for each field." placeholder:"FIELD=V" sep:"none"`
}

// wants reads the fields in their normal forms, as a feed would say them.
func (c *settings) wants(d *desk) (w plan.Wants, err error) {
	whole, err := d.r.Catalog(d.ctx, d.site.Listed)
	if err != nil {
		return w, err
	}
	w.Listed = whole.Fields()
	rules := d.site.MappingOptions(&config.Profile{Zone: d.site.Zone})
	var errs []error
	said := map[roster.Name]bool{}
	for _, text := range c.Set {
		typed, value, ok := strings.Cut(text, "=")
		if !ok {
			errs = append(errs, errors.New("--set: write FIELD=VALUE, like --set title=Nurse"))
			continue
		}
		name, err := fieldToSet(strings.TrimSpace(typed), whole)
		if err == nil && said[name] {
			err = fmt.Errorf("--set: %s stands twice", name)
		}
		if err == nil {
			said[name] = true
			if custom, ok := name.Custom(); ok {
				item, _ := whole.Find(roster.FieldKind, "", custom)
				if value, err = rules.TypedCustom(item, value); err == nil {
					w.SayCustom(custom, value)
				}
			} else {
				f, _ := name.Field()
				if value, err = rules.Typed(f, value); err == nil {
					w.Say(f, value)
				}
			}
		}
		errs = append(errs, err)
	}
	return w, errors.Join(errs...)
}

// fieldToSet finds a field that a person can write.
func fieldToSet(name string, whole *roster.Catalog) (roster.Name, error) {
	f, ok := roster.FieldNamed(name)
	custom, isCustom := roster.Name(name).Custom()
	switch {
	case name == "status" || name == "suspended" || name == "deleted":
		return "", fmt.Errorf("%s is not set but done: rollcall accounts suspend, activate, delete or restore", name)
	case ok && f < roster.NumFeedFields:
		return roster.Name(name), nil
	case ok && f != roster.PasswordField:
		return "", fmt.Errorf("%s is rollcall's own and cannot be set", name)
	case name == "password":
		return "", errors.New("nobody types a password here, where others see it: --reset-password makes one and mails it")
	case isCustom:
		return customToSet(custom, whole)
	}
	list := make([]string, 0, roster.NumFeedFields)
	for _, f := range roster.FeedFields() {
		list = append(list, f.String())
	}
	return "", fmt.Errorf("%q is not an account field; write one of %s, or fields.NAME", name, names(list))
}

// customToSet finds a custom field in the catalog (R27); one that stands for an
// account field is that.
func customToSet(name string, whole *roster.Catalog) (roster.Name, error) {
	item, found := whole.Find(roster.FieldKind, "", name)
	switch {
	case found && item.For != "":
		return roster.Name(item.For), nil
	case found:
		return roster.CustomName(name), nil
	}
	var list []string
	for _, f := range whole.Fields() {
		list = append(list, string(roster.CustomName(f.Name)))
	}
	if len(list) == 0 {
		return "", fmt.Errorf("E211: the catalog has no profile field %q, and none at all; add it to the catalog's fields", name)
	}
	return "", fmt.Errorf("E211: the catalog has no profile field %q; write one of %s", name, names(list))
}

type createCmd struct {
	settings `embed:""`
	DryRun   bool   `help:"Only show what would be done."`
	Reason   string `help:"Why, for the journal." placeholder:"TEXT"`
}

// Help is what kong prints below the first line.
func (*createCmd) Help() string {
	return "username, first_name, last_name and email are required. No profile owns the account; a feed that lists its employee_id takes it over."
}

// Run implements the command.
func (c *createCmd) Run(a *app) error {
	d, err := a.desk()
	if err != nil {
		return err
	}
	w, err := c.wants(d)
	if err != nil {
		return err
	}
	by := run.By{Who: who(), Reason: c.Reason}
	p, err := d.r.PlanCreate(d.ctx, w, by)
	if err != nil {
		return err
	}
	return d.carryOut(p, by, c.DryRun, "Add 1 account?")
}

var errAlone = errors.New("username, email, employee_id and unique fields are one account's alone; name one account at a time")

type editCmd struct {
	hand       `embed:""`
	settings   `embed:""`
	belongings `embed:""`

	ForcePasswordChange bool `help:"Another password must be chosen at the next login."`
	ResetPassword       bool `help:"A new password is made and mailed; the old one is gone."`
}

// Help is what kong prints below the first line.
func (*editCmd) Help() string {
	return "A feed overwrites what you write with its next record, unless its profile says set: until_edited for the field; then your value stays until rollcall accounts release. A membership that you add is yours: no feed takes it away. One that you take away comes back with the next record that a feed reads and that still lists it."
}

// Run implements the command.
func (c *editCmd) Run(a *app) (err error) {
	var feeds []string
	defer func() {
		if (err == nil || codeOf(err) == exitDone) && len(feeds) > 0 && !c.DryRun && !a.Quiet && a.Output == "table" {
			fmt.Fprintf(a.stdout, "The next record of %s overwrites what it says itself: rollcall help accounts edit tells how to keep yours.\n", names(feeds))
		}
	}()
	return c.carry(a, func(d *desk) (deed, error) {
		w, err := c.wants(d)
		switch {
		case err != nil:
			return deed{}, err
		case w.None() && c.none() && !c.ForcePasswordChange && !c.ResetPassword:
			return deed{}, errors.New("say what to change: --set FIELD=VALUE, like --set title=Nurse; --add or --remove MEMBERSHIP, like --add cohort:nurses; --force-password-change or --reset-password")
		case c.ResetPassword && d.r.Mail == nil:
			return deed{}, errors.New("--reset-password mails the new one, and the site has no mail server; write mail: {server: …, from: …} in rollcall.yaml")
		case !w.Shared() && (len(c.Accounts) > 1 || c.InRun != ""):
			return deed{}, errAlone
		}
		without := 0 // a password here, of those whom a run selects
		var spared func(*roster.Account)
		if c.InRun != "" {
			spared = func(*roster.Account) { without++ }
		}
		what := deed{verb: "Change", do: d.r.Edit(w), tell: func(p plan.Plan) (string, error) {
			feeds = d.overwriting(p)
			if without > 0 {
				fmt.Fprintf(d.stderr, "Of the run's accounts %d have no password here that could be changed: theirs is left alone.\n", without)
			}
			return "", nil
		}}
		if w.None() {
			what.do = nil
		}
		add, remove, err := c.read(d)
		if err != nil {
			return deed{}, err
		}
		if !c.none() {
			what.do = d.r.Enrol(add, remove, what.do)
		}
		if c.ForcePasswordChange || c.ResetPassword {
			what.do = d.r.Password(c.ForcePasswordChange, c.ResetPassword, what.do, spared)
		}
		return what, nil
	})
}

// overwriting are the profiles that wrote what a person changes, and will do so again.
func (d *desk) overwriting(p plan.Plan) []string {
	var feeds []string
	for i := range p.Changes {
		for _, f := range p.Changes[i].Fields {
			name := string(f.Was)
			owner, err := d.site.Profile(name)
			if err != nil || slices.Contains(feeds, name) {
				continue
			}
			if set := owner.Map[f.Name].Set; set == "" || set == roster.SetAlways {
				feeds = append(feeds, name)
			}
		}
	}
	slices.Sort(feeds)
	return feeds
}

type releaseCmd struct {
	hand  `embed:""`
	Field []string `help:"Only these fields; absent: all that were edited by hand." placeholder:"FIELD"`
}

// Run implements the command.
func (c *releaseCmd) Run(a *app) error {
	return c.carry(a, func(d *desk) (deed, error) {
		whole, err := d.r.Catalog(d.ctx, d.site.Listed)
		if err != nil {
			return deed{}, err
		}
		var fields []roster.Name
		for _, name := range c.Field {
			f, err := fieldToSet(name, whole)
			if err != nil {
				return deed{}, err
			}
			fields = append(fields, f)
		}
		return deed{verb: "Give back to the feeds the fields of", do: d.r.Free(fields)}, nil
	})
}
