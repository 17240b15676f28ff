package rules

import (
	"fmt"
	"slices"
	"strings"

	"rollcall/internal/journal"
	"rollcall/internal/plan"
	"rollcall/internal/report"
	"rollcall/internal/roster"
	"rollcall/internal/store"
)

// told is what came of the newest drop, hand or sweep, for the eye: the ledgers,
// the changes in the order of the plan, and the problems.
func (s *site) told() string {
	s.t.Helper()
	j := s.last
	if j == nil {
		return s.said
	}
	var b strings.Builder
	fmt.Fprintf(&b, "%s (exit %d)", j.Status, j.ExitCode)
	if j.Error != "" {
		fmt.Fprintf(&b, ": %s\n", strings.ReplaceAll(j.Error, s.dir, "…"))
		return b.String()
	}
	b.WriteString(ledgers(j))
	b.WriteByte('\n')
	for _, f := range j.Findings {
		if f.Tripped {
			fmt.Fprintf(&b, "%s %s: %s\n", f.Code, f.Name, f.Text)
		}
	}
	for o, err := range s.Store.Changes(s.t.Context(), j.Number) {
		if err != nil {
			s.t.Fatal(err)
		}
		b.WriteString(change(&o))
	}
	for p, err := range s.Store.Problems(s.t.Context(), j.Number) {
		if err != nil {
			s.t.Fatal(err)
		}
		b.WriteString(problem(p))
		if s.fix && p.Remedy() != "" || p.Fix != "" {
			fmt.Fprintf(&b, "    fix: %s\n", p.Remedy())
		}
	}
	return b.String()
}

// ledgers are the counts that are not zero.
func ledgers(j *journal.Run) string {
	f := &j.Facts
	r := f.Rows
	counts := func(all ...any) string {
		var parts []string
		for i := 0; i < len(all); i += 2 {
			if all[i+1] != 0 {
				parts = append(parts, fmt.Sprintf("%d %s", all[i+1], all[i]))
			}
		}
		return strings.Join(parts, ", ")
	}
	text := ""
	say := func(what, counted string) {
		if counted != "" {
			text += "; " + what + counted
		}
	}
	say("rows: ", counts("added", r.Added, "updated", r.Updated, "renamed", r.Renamed, "reactivated", r.Reactivated,
		"suspended", r.Suspended, "deleted", r.Deleted, "unchanged", r.Unchanged, "skipped", r.Skipped, "rejected", r.Rejected))
	say("absent: ", counts("kept", f.Absent.Kept, "suspended", f.Absent.Suspended, "deleted", f.Absent.Deleted))
	say("by date: ", counts("started", f.ByDate.Started, "expired", f.ByDate.Expired))
	say("", counts("out of scope", f.Scope.Left, "rescinded", f.Rescinded, "would be suspended with missing: suspend", f.WouldSuspend))
	say("passwords: ", counts("given", f.Passwords.Given, "to be made", f.Passwords.ToGenerate, "weak", f.Passwords.Weak, "removed", f.Passwords.Removed))
	say("", counts("removals", f.Removals, "counted with the renames", f.Renames, "memberships taken away", f.MembershipsRemoved))
	return strings.Replace(text, ";", ":", 1)
}

var symbols = map[plan.Action]string{
	plan.Add: "+", plan.Update: "~", plan.Rename: "→", plan.Reactivate: "↻", plan.Claim: ".",
	plan.Suspend: "-", plan.Delete: "×", plan.Purge: "×", plan.Anonymise: "×",
}

// change is a change with what it writes, and of links what a feed says there.
func change(o *journal.Outcome) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s %s", symbols[o.Action], o.Action)
	for _, word := range []string{string(o.Key), o.Username} {
		if word != "" {
			b.WriteString(" " + word)
		}
	}
	if o.Line > 0 {
		fmt.Fprintf(&b, " (line %d)", o.Line)
	}
	if o.Reason != "" {
		b.WriteString(": " + o.Reason)
	}
	if o.Done == journal.LeftOut {
		b.WriteString(" [left out]")
	}
	b.WriteByte('\n')
	c := report.Shown(*o)
	var parts []string
	for _, f := range c.Fields {
		if o.Action == plan.Add {
			parts = append(parts, fmt.Sprintf("%s %q", f.Name, f.New))
		} else {
			parts = append(parts, fmt.Sprintf("%s %q → %q", f.Name, f.Old, f.New))
		}
	}
	for _, m := range c.Memberships.Added {
		parts = append(parts, "+"+m)
	}
	for _, m := range c.Memberships.Removed {
		parts = append(parts, "-"+m)
	}
	for _, l := range o.Links {
		switch {
		case l.New == "":
			parts = append(parts, l.Profile+" no longer owns it")
		case l.Old == "" && o.Action != plan.Add:
			parts = append(parts, l.Profile+" now owns it")
		case l.Old != "" && l.OldKey != l.NewKey:
			parts = append(parts, fmt.Sprintf("%s knows it by %q, before by %q", l.Profile, l.NewKey, l.OldKey))
		case l.Old != "" && l.Old != l.New:
			parts = append(parts, fmt.Sprintf("%s says %s, before %s", l.Profile, l.New, l.Old))
		}
	}
	if len(parts) > 0 {
		fmt.Fprintf(&b, "    %s\n", strings.Join(parts, " · "))
	}
	return b.String()
}

func problem(p roster.Problem) string {
	return fmt.Sprintf("! %s %s\n", p.Severity, p)
}

// accounts are all that there are: what state they are in and why, what the feeds
// say of them, and what is written in them.
func (s *site) accounts() string {
	s.t.Helper()
	var b strings.Builder
	for a, err := range s.Store.Accounts(s.t.Context(), store.AccountQuery{Status: "all", Grants: true}) {
		if err != nil {
			s.t.Fatal(err)
		}
		fmt.Fprintf(&b, "%s %s", a.Values[roster.Username], a.Values[roster.StatusField])
		if why := a.Values[roster.StatusReason]; why != "" {
			fmt.Fprintf(&b, " (%s by %s)", why, a.Values[roster.StatusBy])
		}
		for _, l := range a.Links {
			fmt.Fprintf(&b, " [%s %s %s]", l.Profile, l.Key, l.Claim)
		}
		b.WriteByte('\n')
		var parts []string
		for f := range roster.NumFields {
			ours := []roster.Field{roster.Username, roster.StatusField, roster.StatusReason, roster.StatusBy, roster.StatusSince, roster.StartsAt, roster.ExpiresAt, roster.DeletedAt, roster.PasswordField}
			if v := a.Values[f]; v != "" && !slices.Contains(ours, f) {
				parts = append(parts, fmt.Sprintf("%s %q", f, v))
			}
		}
		for _, c := range a.Custom {
			parts = append(parts, fmt.Sprintf("fields.%s %q", c.Name, c.Value))
		}
		for _, g := range a.Grants {
			text := "+" + g.String()
			if g.Origin != "" {
				text += " by " + string(g.Origin)
			}
			parts = append(parts, text)
		}
		if len(parts) > 0 {
			fmt.Fprintf(&b, "    %s\n", strings.Join(parts, " · "))
		}
	}
	return b.String()
}
