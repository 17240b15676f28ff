package main

import (
	"cmp"
	"encoding/csv"
	"fmt"
	"io"
	"strconv"
	"strings"

	"rollcall/internal/journal"
	"rollcall/internal/plan"
	"rollcall/internal/report"
	"rollcall/internal/roster"
)

type accountsShowCmd struct {
	Account string `arg:"" help:"A username, id:20417 or key:104417."`
}

// shownAccount is an account on its own: as in a list, with its links.
type shownAccount struct {
	record
	links []roster.Link
}

// MarshalJSON writes the record with one key more.
func (s shownAccount) MarshalJSON() ([]byte, error) {
	return append(s.record, cell{"links", append([]roster.Link{}, s.links...)}).MarshalJSON()
}

// shownHistory is how many changes an account is shown with.
const shownHistory = 5

// Run implements the command.
func (c *accountsShowCmd) Run(a *app) error {
	d, err := a.desk()
	if err != nil {
		return err
	}
	x, err := d.account(c.Account)
	if err != nil {
		return err
	}
	switch a.Output {
	case "json":
		return a.object(shownAccount{recordOf(x), x.Links})
	case "csv":
		var custom []string
		for _, c := range x.Custom {
			if c.Value != "" {
				custom = append(custom, c.Name)
			}
		}
		return exportCSV(a.stdout, custom, func(yield func(roster.Account, error) bool) { yield(*x, nil) })
	}
	done, runs, err := d.r.Store.History(d.ctx, x.ID)
	if err != nil {
		return err
	}
	if err := d.shown(x); err != nil {
		return err
	}
	most := min(len(done), shownHistory)
	if most == 0 {
		return nil
	}
	fmt.Fprintln(a.stdout, "\nLast changes")
	d.history(done[:most], runs[:most])
	if len(done) > most {
		fmt.Fprintf(a.stdout, "  … %s more: rollcall accounts history id:%d\n", count(len(done)-most), x.ID)
	}
	return nil
}

// shown shows what is known of an account, each field with who wrote it.
func (d *desk) shown(x *roster.Account) error {
	v := &x.Values
	fmt.Fprintf(d.stdout, "%s  %s  (id:%d, version %d)\n", clean(v[roster.Username]), clean(fullName(v)), x.ID, x.Version)
	status := v[roster.StatusField]
	if because := why(v); because != "" {
		status += ": " + because
	}
	if since := roster.StampTime(v[roster.StatusSince]); !since.IsZero() {
		status += ", since " + d.at(since)
	}
	fmt.Fprintf(d.stdout, "%s\n\n", clean(status))

	t := newTable(d.stdout, "field", "value", "written by")
	for _, f := range roster.FeedFields() {
		if v[f] != "" {
			t.row(f.String(), v[f], writer(x.Origins[f]))
		}
	}
	for _, c := range x.Custom {
		if c.Value != "" {
			t.row(string(roster.CustomName(c.Name)), c.Value, writer(c.Origin))
		}
	}
	for _, extra := range []struct{ name, value string }{
		{"fallback_owner", v[roster.FallbackOwner]},
		{"created_at", d.at(x.CreatedAt)},
		{"updated_at", d.at(x.UpdatedAt)},
		{"deleted_at", d.at(roster.StampTime(v[roster.DeletedAt]))},
		{"legal_hold", d.at(roster.StampTime(v[roster.LegalHold]))},
		{"merged_into", v[roster.MergedInto]},
	} {
		if extra.value != "" {
			t.row(extra.name, extra.value, "")
		}
	}
	if err := t.end(); err != nil {
		return err
	}
	if len(x.Grants) > 0 {
		fmt.Fprintln(d.stdout)
		t = newTable(d.stdout, "member of", "until", "granted by")
		for _, g := range x.Grants {
			until := d.at(roster.StampTime(g.Until))
			switch {
			case g.Ended != "":
				until = "ended " + until
			case g.Suspended:
				until = strings.TrimSpace(until + " (suspended)")
			}
			t.row(g.String(), until, writer(g.Origin))
		}
		if err := t.end(); err != nil {
			return err
		}
	}
	if len(x.Links) == 0 {
		fmt.Fprintln(d.stdout, "\nNo profile owns this account.")
		return nil
	}
	fmt.Fprintln(d.stdout)
	t = newTable(d.stdout, "profile", "key", "says")
	for _, l := range x.Links {
		says := string(l.Claim)
		if l.Decided {
			says += ", linked by a person"
		}
		t.row(l.Profile, cmp.Or(string(l.Key), "(by username)"), says)
	}
	return t.end()
}

// writer is who wrote a field, in words.
func writer(o roster.Origin) string {
	switch {
	case o == roster.OriginDefault:
		return "a default"
	case o.IsPerson():
		return strings.TrimPrefix(string(o), "person:") + ", by hand"
	}
	return strings.TrimSuffix(string(o), ":")
}

// history shows changes of one account, newest first, each with its run.
func (d *desk) history(done []journal.Outcome, runs []journal.Run) {
	for i, o := range done {
		j := &runs[i]
		fmt.Fprintf(d.stdout, "  run %d  %s  %s  %s\n", j.Number, d.at(j.Finished), named(j)+decided(j), clean(inWords(o)))
		seen := report.Shown(report.Masked(o, d.r.Hidden))
		for _, f := range seen.Fields {
			if o.Action != plan.Add {
				fmt.Fprintf(d.stdout, "      %s  %s → %s\n", f.Name, report.Said(f.Name, f.Old), report.Said(f.Name, f.New))
			}
		}
		for _, m := range seen.Memberships.Added {
			fmt.Fprintf(d.stdout, "      +%s\n", clean(m))
		}
		for _, m := range seen.Memberships.Removed {
			fmt.Fprintf(d.stdout, "      -%s\n", clean(m))
		}
	}
}

// decided is " by ada": who did the run by hand, or let it pass.
func decided(j *journal.Run) string {
	switch {
	case j.DecidedBy == "":
		return ""
	case j.Kind == journal.Sync || j.Kind == journal.Sweep:
		return " approved by " + clean(j.DecidedBy)
	}
	return " by " + clean(j.DecidedBy)
}

// inWords is what a change did and why, in one line.
func inWords(o journal.Outcome) string {
	text := string(o.Action)
	if o.Action == plan.Claim {
		text = ""
		for _, l := range o.Links {
			text += fmt.Sprintf("%s says %s now", l.Profile, l.New)
		}
		for i, g := range o.Memberships { // who grants it, and nothing that anybody sees
			if i > 0 || text != "" {
				text += ", "
			}
			verb := "grants"
			if g.New == nil {
				verb = "no longer grants"
			}
			text += fmt.Sprintf("%s %s %s", strings.TrimPrefix(string(g.Origin), "person:"), verb, g.Membership)
		}
	}
	if o.Reason != "" {
		text += ": " + o.Reason
	}
	if o.Line > 0 {
		text += fmt.Sprintf(" (line %d)", o.Line)
	}
	return text
}

type accountsHistoryCmd struct {
	Account string `arg:"" help:"A username, id:20417 or key:104417."`
}

// past is one change of an account, with the run that made it.
type past struct {
	Run     int64          `json:"run"`
	Profile string         `json:"profile"`
	Kind    journal.Kind   `json:"kind"`
	At      report.Instant `json:"at"`
	By      string         `json:"by"` // who asked for it; "" for a feed's ordinary run
	report.Change
	Links []plan.LinkChange `json:"links"`
}

// Run implements the command.
func (c *accountsHistoryCmd) Run(a *app) error {
	d, err := a.desk()
	if err != nil {
		return err
	}
	x, err := d.account(c.Account)
	if err != nil {
		return err
	}
	done, runs, err := d.r.Store.History(d.ctx, x.ID)
	if err != nil {
		return err
	}
	var all []past
	for i, o := range done {
		j := &runs[i]
		all = append(all, past{j.Number, j.Profile, j.Kind, report.Instant{Time: j.Finished}, j.DecidedBy, report.Shown(report.Masked(o, d.r.Hidden)), append([]plan.LinkChange{}, o.Links...)})
	}
	switch {
	case a.Output == "json":
		return a.array(func(yield func(any, error) bool) {
			for _, p := range all {
				if !yield(p, nil) {
					return
				}
			}
		})
	case a.Output == "csv":
		return historyCSV(a.stdout, all)
	case len(done) == 0:
		fmt.Fprintf(a.stdout, "Nothing has been done to id:%d yet.\n", x.ID)
		return nil
	}
	fmt.Fprintf(a.stdout, "%s  (id:%d)\n", clean(x.Values[roster.Username]), x.ID)
	d.history(done, runs)
	return nil
}

// historyCSV writes one line for each field that changed.
func historyCSV(w io.Writer, all []past) error {
	out := csv.NewWriter(w)
	_ = out.Write([]string{"run", "profile", "kind", "at", "by", "action", "line", "field", "old", "new", "reason"}) // the writer keeps the first error
	for _, p := range all {
		fields := p.Fields
		if len(fields) == 0 {
			fields = []report.Field{{}}
		}
		for _, f := range fields {
			_ = out.Write([]string{number(p.Run), p.Profile, string(p.Kind), instant(p.At.Time), p.By, string(p.Action), strconv.Itoa(p.Line), f.Name, f.Old, f.New, p.Reason})
		}
	}
	out.Flush()
	return out.Error()
}
