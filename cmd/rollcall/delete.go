package main

import (
	"fmt"
	"strings"

	"rollcall/internal/plan"
	"rollcall/internal/roster"
)

type deleteCmd struct {
	hand          `embed:""`
	FallbackOwner *string `help:"The username that inherits what they leave; absent: policy.fallback_owner of a profile that links the account." placeholder:"NAME"`
}

// Help is what kong prints below the first line.
func (*deleteCmd) Help() string {
	return "A deleted account leaves every list but that of the deleted, and its name is held. rollcall accounts restore brings it back; purge and anonymise do not."
}

// Run implements the command.
func (c *deleteCmd) Run(a *app) error {
	return c.carry(a, func(d *desk) (deed, error) {
		owner := d.heir
		if c.FallbackOwner != nil {
			owner = func(*roster.Account) string { return *c.FallbackOwner }
		}
		return deed{verb: "Delete", do: d.r.Delete(owner), tell: d.led}, nil
	})
}

// heir is the policy.fallback_owner of the first profile that links an account
// and has one (R63).
func (d *desk) heir(a *roster.Account) string {
	for _, l := range a.Links {
		for _, p := range d.site.Loaded {
			if p.Name == l.Profile && p.Policy.FallbackOwner != "" {
				return p.Policy.FallbackOwner
			}
		}
	}
	return ""
}

// shownLed is how many people of one who leads them are named.
const shownLed = 10

// led says what the accounts of a plan lead, as far as it is known.
func (d *desk) led(p plan.Plan) (string, error) {
	ids := make([]uint64, len(p.Changes))
	for i, c := range p.Changes {
		ids[i] = c.Account
	}
	leads, err := d.r.Store.Leads(d.ctx, ids)
	if err != nil {
		return "", err
	}
	var lines []string
	say := func(format string, args ...any) { lines = append(lines, "  "+clean(fmt.Sprintf(format, args...))) }
	for _, c := range p.Changes {
		who := fmt.Sprintf("%s (id:%d)", c.Username, c.Account)
		l := leads[c.Account]
		if n := len(l.Manages); n > 0 {
			more := ""
			if n > shownLed {
				more = fmt.Sprintf(" and %d more", n-shownLed)
			}
			say("%s is the manager of %s: %s%s", who, plural(n, "account"), strings.Join(l.Manages[:min(n, shownLed)], ", "), more)
		}
		if n := len(l.Roles); n > 0 {
			more := ""
			if n > shownLed {
				more = fmt.Sprintf(" and %d more", n-shownLed)
			}
			say("%s has a role: %s%s", who, strings.Join(l.Roles[:min(n, shownLed)], ", "), more)
		}
		if l.Inherits > 0 {
			say("%s has inherited what %s left", who, plural(l.Inherits, "deleted account"))
		}
		for _, f := range d.site.Loaded {
			if f.Policy.FallbackOwner != "" && roster.Fold(f.Policy.FallbackOwner) == roster.Fold(c.Username) {
				say("%s is policy.fallback_owner of profile %s, which could then delete nobody", who, f.Name)
			}
		}
	}
	if len(lines) == 0 {
		return "", nil
	}
	return "What these people lead:\n" + strings.Join(lines, "\n"), nil
}

type restoreCmd struct {
	hand     `embed:""`
	settings `embed:""`
}

// Help is what kong prints below the first line.
func (*restoreCmd) Help() string {
	return "It comes back in the state that it had before it was deleted: who was suspended then, by a person, a feed or a date, still is, and rollcall accounts activate ends that. Its dates are asked again. It comes back under its own username and address. Where somebody else has them by now, give others: --set username=NAME, --set email=ADDRESS."
}

// Run implements the command.
func (c *restoreCmd) Run(a *app) error {
	return c.carry(a, func(d *desk) (deed, error) {
		w, err := c.wants(d)
		if err == nil && !w.Shared() && (len(c.Accounts) > 1 || c.InRun != "") {
			err = errAlone
		}
		return deed{verb: "Restore", from: roster.Deleted, do: d.r.Restore(w), tell: d.comingBack}, err
	})
}

// comingBack says in which state deleted accounts come back.
func (d *desk) comingBack(p plan.Plan) (string, error) {
	lines := []string{"In the state that they had:"}
	for _, c := range p.Changes[:min(len(p.Changes), shownErased)] {
		x, err := d.r.Store.Account(d.ctx, c.Account)
		if err != nil {
			return "", err
		}
		now := x.Values
		for _, f := range []roster.Field{roster.StatusField, roster.StatusReason, roster.StatusBy} {
			if moved := c.Field(f); moved != nil {
				now[f] = moved.New
			}
		}
		state := now[roster.StatusField]
		if because := why(&now); because != "" {
			state += ": " + because
		}
		lines = append(lines, clean(fmt.Sprintf("  %s (id:%d) comes back %s", c.Username, c.Account, state)))
	}
	if more := len(p.Changes) - shownErased; more > 0 {
		lines = append(lines, fmt.Sprintf("  … and %d more", more))
	}
	if len(p.Changes) == 0 {
		return "", nil
	}
	return strings.Join(lines, "\n"), nil
}

type holdCmd struct {
	hand `embed:""`
}

// Run implements the command.
func (c *holdCmd) Run(a *app) error {
	return c.carry(a, func(d *desk) (deed, error) {
		return deed{verb: "Put under a legal hold", do: d.r.Keep(true)}, nil
	})
}

type unholdCmd struct {
	hand `embed:""`
}

// Run implements the command.
func (c *unholdCmd) Run(a *app) error {
	return c.carry(a, func(d *desk) (deed, error) {
		return deed{verb: "End the legal hold of", do: d.r.Keep(false)}, nil
	})
}

type anonymiseCmd struct {
	hand `embed:""`
}

// Help is what kong prints below the first line.
func (*anonymiseCmd) Help() string {
	return "What is known of the person goes from the account, the journal, mails and reports, and archived drops that list the person are removed whole. The account stays, deleted, with its number. Keyed hashes of its keys remain: a feed that still says one gets E307 and no new account. Nothing of it can be taken back."
}

// Run implements the command.
func (c *anonymiseCmd) Run(a *app) error {
	return c.carry(a, func(d *desk) (deed, error) {
		return deed{verb: "Anonymise", from: roster.Deleted, do: d.r.Anonymise(), tell: d.forGood}, nil
	})
}

type purgeCmd struct {
	hand `embed:""`
}

// Help is what kong prints below the first line.
func (*purgeCmd) Help() string {
	return "Like anonymise, and the account itself goes too: its number is never used again. Nothing of it can be taken back."
}

// Run implements the command.
func (c *purgeCmd) Run(a *app) error {
	return c.carry(a, func(d *desk) (deed, error) {
		return deed{verb: "Purge", from: roster.Deleted, do: d.r.Purge(), tell: d.forGood}, nil
	})
}

// shownErased is how many accounts are named before they are erased.
const shownErased = 20

// forGood says whom a plan erases, and that it is for good.
func (d *desk) forGood(p plan.Plan) (string, error) {
	if len(p.Changes) == 0 {
		return "", nil
	}
	news, err := d.led(p)
	if err != nil {
		return "", err
	}
	lines := []string{"Erased for good, from the account, the journal, mails, reports and archived drops; nothing of it can be taken back:"}
	for _, c := range p.Changes[:min(len(p.Changes), shownErased)] {
		x, err := d.r.Store.Account(d.ctx, c.Account)
		if err != nil {
			return "", err
		}
		lines = append(lines, clean(fmt.Sprintf("  %s  %s  (id:%d, %s)", x.Values[roster.Username], fullName(&x.Values), x.ID, x.Status())))
	}
	if more := len(p.Changes) - shownErased; more > 0 {
		lines = append(lines, fmt.Sprintf("  … and %d more", more))
	}
	if news != "" {
		lines = append(lines, news)
	}
	return strings.Join(lines, "\n"), nil
}
