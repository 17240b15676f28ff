package report

import (
	"fmt"
	"io"
	"strconv"
	"strings"

	"rollcall/internal/journal"
	"rollcall/internal/plan"
	"rollcall/internal/roster"
)

// ChangesText writes every change for a terminal, with its values and its
// reason, as they come. The number is how many there were.
func ChangesText(w io.Writer, changes Changes) (n int, err error) {
	p := newPage(w, nil, Options{})
	for o, err := range changes {
		if err != nil {
			return n, fmt.Errorf("read the changes: %w", err)
		}
		if o.Action != plan.Claim {
			n++
			p.change(o)
		}
	}
	return n, p.w.Flush()
}

// change is a line about one change, and a line about each of its fields.
func (p *page) change(o journal.Outcome) {
	beside := username(o)
	if o.Key == "" && o.Username != "" {
		beside = numbered(o)
	}
	text := fmt.Sprintf("%s %s  %s  %s", symbols[o.Action], left(clean(called(o)), 10), left(clean(beside), 20), became(o))
	if o.Reason != "" {
		text += ": " + clean(o.Reason)
	}
	if o.Line > 0 {
		text += fmt.Sprintf(" (line %d)", o.Line)
	}
	p.line("%s", strings.Join(append([]string{text}, leftOut(o)...), " · "))
	fields := visible(o.Fields)
	wide := 0
	for _, f := range fields {
		wide = max(wide, len(f.Name))
	}
	for _, f := range fields {
		switch {
		case o.Action == plan.Add:
			p.line("    %s  %s", left(f.Name, wide), Said(f.Name, f.New))
		default:
			p.line("    %s  %s → %s", left(f.Name, wide), Said(f.Name, f.Old), Said(f.Name, f.New))
		}
	}
	added, removed := o.Joined()
	for _, m := range added {
		p.line("    +%s", clean(m.String()))
	}
	for _, m := range removed {
		p.line("    -%s", clean(m.String()))
	}
	for _, l := range o.Links {
		switch {
		case l.New == "":
			p.line("    link  %s no longer owns it by %s", l.Profile, linked(l.OldKey))
		case l.Old == "":
			p.line("    link  %s owns it by %s", l.Profile, linked(l.NewKey))
		case l.OldKey != l.NewKey:
			p.line("    link  %s: %s → %s", l.Profile, linked(l.OldKey), linked(l.NewKey))
		}
	}
}

// linked is what a link goes by.
func linked(key roster.Key) string {
	if key == "" {
		return "its username"
	}
	return "key " + clean(string(key))
}

// ProblemsText writes every group of problems for a terminal, with the lines
// and keys of the first ten of each.
func ProblemsText(w io.Writer, d *Doc) error {
	p := newPage(w, d, Options{})
	hidden := false
	for i, g := range d.Problems {
		if i > 0 {
			p.line("")
		}
		lead := string(g.Severity)
		if g.Code != "" {
			lead = g.Code + " " + lead
		}
		where := g.Field
		if g.Column != "" {
			where = "column " + clean(g.Column)
		}
		if where != "" {
			where += ": "
		}
		p.line("%s  %s%s (%s)", lead, where, clean(g.Message), age(g.New, g.Count))
		for _, e := range g.Examples {
			var at []string
			if e.Line > 0 {
				at = append(at, "line "+strconv.Itoa(e.Line))
			}
			if e.Key != "" {
				at = append(at, "key "+clean(string(e.Key)))
			}
			if e.Account != 0 {
				at = append(at, "account "+strconv.FormatUint(e.Account, 10))
			}
			at = append(at, full(who(roster.Who{Username: e.Username, Name: e.Name}))...)
			if e.Value != "" {
				at = append(at, quoted(e.Value))
			}
			if len(at) > 0 {
				p.line("  %s", strings.Join(at, "  "))
			}
		}
		if more := g.Count - len(g.Examples); more > 0 {
			hidden = true
			p.line("  … and %s more", number(more))
		}
		if g.Fix != "" {
			p.line("  Fix: %s", clean(g.Fix))
		}
	}
	if hidden {
		p.line("\nEvery line: rollcall runs problems %d -o csv", d.Run.Number)
	}
	return p.w.Flush()
}
