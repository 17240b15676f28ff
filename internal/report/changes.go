package report

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"rollcall/internal/journal"
	"rollcall/internal/plan"
	"rollcall/internal/roster"
)

// How much of the changes a text shows; rollcall runs changes has them all.
const (
	maxChanges = 10
	maxFields  = 2
	maxValue   = 40
)

// symbols stand before a change.
var symbols = map[plan.Action]string{
	plan.Add: "+", plan.Update: "~", plan.Rename: "→", plan.Reactivate: "↻",
	plan.Suspend: "-", plan.Delete: "×", plan.Purge: "×", plan.Anonymise: "×",
}

// changes shows the first few, one line each: with old and new values, or only
// with the names of the fields.
func (p *page) changes(changes Changes, values bool) error {
	var first []journal.Outcome
	for o, err := range changes {
		if err != nil {
			return fmt.Errorf("read the changes of run %d: %w", p.d.Run.Number, err)
		}
		if o.Action != plan.Claim {
			first = append(first, o)
		}
		if len(first) == maxChanges {
			break
		}
	}
	if len(first) == 0 {
		return nil
	}
	keys, names := 0, 0
	for _, o := range first {
		keys = max(keys, utf8.RuneCountInString(called(o)))
		names = max(names, utf8.RuneCountInString(username(o)))
	}
	if values {
		p.line("")
	} else {
		p.heading("Changes")
	}
	for _, o := range first {
		text := "  " + symbols[o.Action] + " " + left(clean(called(o)), keys) + "  "
		if values {
			if names > 0 {
				text += left(clean(username(o)), names) + "  "
			}
			text += withValues(o)
		} else {
			text += p.withNames(o)
		}
		p.line("%s", strings.TrimRight(text, " "))
	}
	if more := p.all() - len(first); more > 0 {
		p.line("  … %s more: rollcall runs changes %d", number(more), p.d.Run.Number)
	}
	return nil
}

// called is the key of whom a change is about; where there is none the username,
// by which people are matched then, and where that is not known the account's number.
func called(o journal.Outcome) string {
	switch {
	case o.Key != "":
		return string(o.Key)
	case o.Username == "" && o.Account != 0:
		return numbered(o)
	}
	return o.Username
}

// numbered is the number of a change's account; "" where there is none yet.
func numbered(o journal.Outcome) string {
	if o.Account == 0 {
		return ""
	}
	return "id:" + strconv.FormatUint(o.Account, 10)
}

// username is that of whom a change is about, where [called] does not say it.
func username(o journal.Outcome) string {
	if o.Key == "" {
		return ""
	}
	return o.Username
}

// all is how many changes the plan had, done or left out.
func (p *page) all() int {
	return p.d.facts.Changes() + p.d.Run.LeftOut + p.d.Run.Excepted
}

// plain tells whether the action is all that there is to say.
func plain(a plan.Action) bool { return a != plan.Update && a != plan.Rename }

// withValues is `department "Ward 3" → "ICU" · 2 more fields`, or `suspend: not
// in the file`, or the reason alone where no field changes.
func withValues(o journal.Outcome) string {
	var parts []string
	if plain(o.Action) {
		text := intended(o.Action)
		if o.Reason != "" {
			text += ": " + clean(o.Reason)
		}
		parts = append(parts, text)
	}
	if o.Action != plan.Add && o.Action != plan.Purge {
		fields := telling(o)
		if len(fields) == 0 && len(parts) == 0 && o.Reason != "" {
			parts = append(parts, clean(o.Reason))
		}
		said := slices.IndexFunc(fields, func(f plan.FieldChange) bool { return f.Name == "membership" })
		if said < 0 {
			said = len(fields)
		}
		for _, f := range fields[:min(said, maxFields)] {
			parts = append(parts, fmt.Sprintf("%s %s → %s", f.Name, value(f.Name, f.Old), value(f.Name, f.New)))
		}
		if more := said - maxFields; more > 0 {
			parts = append(parts, many(more, "more field"))
		}
		parts = append(parts, memberships(fields[said:])...)
	}
	return strings.Join(append(parts, leftOut(o)...), " · ")
}

// memberships are the first that are taken away and the first that are granted,
// and how many more there are of each.
func memberships(all []plan.FieldChange) (parts []string) {
	for _, away := range []bool{true, false} {
		n := 0
		for _, f := range all {
			if (f.New == "") != away {
				continue
			}
			if n++; n <= maxFields {
				parts = append(parts, membership(f))
			}
		}
		switch more := n - maxFields; {
		case more > 0 && away:
			parts = append(parts, many(more, "more membership")+" taken away")
		case more > 0:
			parts = append(parts, many(more, "more membership")+" granted")
		}
	}
	return parts
}

// membership is one that is granted or taken away: +cohort:dept-icu.
func membership(f plan.FieldChange) string {
	if f.New != "" {
		return "+" + clean(cut(f.New, maxValue))
	}
	return "-" + clean(cut(f.Old, maxValue))
}

// withNames is the same without a value: "department, title", or "suspended";
// "suspend" where it was only planned, "not suspended" where it was left out.
func (p *page) withNames(o journal.Outcome) string {
	var names []string
	if o.Action != plan.Add && o.Action != plan.Purge {
		for _, f := range telling(o) {
			names = append(names, f.Name)
		}
		names = slices.Compact(names) // several memberships are one word
	}
	var parts []string
	tied := p.tied(o)
	if plain(o.Action) || len(names)+len(tied) == 0 || o.Done == journal.LeftOut {
		parts = append(parts, became(o))
	}
	if len(names) > 0 {
		parts = append(parts, strings.Join(names, ", "))
	}
	if !plain(o.Action) {
		parts = append(parts, tied...)
	}
	return strings.Join(append(parts, leftOut(o)...), " · ")
}

// tied says which links an update makes, moves or takes away.
func (p *page) tied(o journal.Outcome) []string {
	var parts []string
	for _, l := range o.Links {
		to := "profile " + l.Profile
		if l.Profile == p.d.Run.Profile {
			to = "this profile"
		}
		switch {
		case l.New == "":
			parts = append(parts, "no longer linked to "+to)
		case l.Old == "":
			parts = append(parts, "now linked to "+to)
		case l.OldKey != l.NewKey:
			parts = append(parts, "another key of "+to)
		}
	}
	return parts
}

// became is what a change came to: "suspended", "not suspended", and "suspend"
// of one that is only planned.
func became(o journal.Outcome) string {
	what := past[o.Action]
	if o.Action == plan.Purge {
		what = "removed outright"
	}
	switch o.Done {
	case journal.Planned:
		return intended(o.Action)
	case journal.LeftOut, journal.Excepted:
		return "not " + what
	}
	return what
}

// intended is an action as a person says it.
func intended(a plan.Action) string {
	if a == plan.Purge {
		return "remove outright"
	}
	return string(a)
}

// leftOut says of a change that it was not carried out, and why.
func leftOut(o journal.Outcome) []string {
	switch o.Done {
	case journal.LeftOut:
		return []string{"left out: the account had changed since"}
	case journal.Excepted:
		return []string{"left out"}
	}
	return nil
}

// telling are the fields that say more than the action does.
func telling(o journal.Outcome) []plan.FieldChange {
	var out []plan.FieldChange
	for _, f := range visibly(&o) {
		if f.Name != roster.StatusField.String() || !plain(o.Action) {
			out = append(out, f)
		}
	}
	return out
}

// value is a field's content, quoted, without anything that cannot be seen.
func value(field, s string) string { return Said(field, cut(s, maxValue)) }
