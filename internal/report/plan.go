package report

import (
	"cmp"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"unicode/utf8"

	"rollcall/internal/guard"
	"rollcall/internal/journal"
	"rollcall/internal/plan"
	"rollcall/internal/roster"
)

// PlanText writes what a plan would do, on one screen of a terminal: counts,
// where the movement is, the first few changes with their values, what the
// guardrails say, and what to type next. It is for the eyes of whoever may read
// the drop: unlike [Text] it shows values. changes may be nil.
func PlanText(w io.Writer, d *Doc, changes Changes, o Options) error {
	p := newPage(w, d, o)
	p.planHeader()
	p.cells()
	p.byDepartmentAndField()
	if changes != nil {
		if err := p.changes(changes, true); err != nil {
			return err
		}
	}
	p.planTroubles()
	p.weighed()
	p.planEnd()
	return p.w.Flush()
}

func (p *page) planHeader() {
	run, in := p.d.Run, p.d.Input
	parts := []string{fmt.Sprintf("%s  plan %d", p.name(), run.Number)}
	if in.Name != "" {
		parts = append(parts, fmt.Sprintf("input %s (%s)", clean(in.Name), many(p.d.Rows.Read, "row")))
	}
	if p.last != nil {
		parts = append(parts, fmt.Sprintf("compared with run %d (%s)", p.last.Run.Number, p.last.Run.Started.In(p.zone).Format("2 Jan")))
	}
	p.line("%s", strings.Join(parts, "   "))
	if how := Read(in.Reading); how != "" {
		p.say("", "read of the directory: %s", how)
	}
}

// Read tells what of a directory was read; "" where nobody asks for its changes.
func Read(r *journal.Reading) string {
	switch {
	case r == nil:
		return ""
	case r.All && r.Why == "":
		return "all"
	case r.All:
		return "all: " + clean(r.Why)
	case r.Changed+r.Gone == 0:
		return fmt.Sprintf("what has changed since run %d, which is nothing", r.Since)
	}
	entries := "entries"
	if r.Changed == 1 {
		entries = "entry"
	}
	return fmt.Sprintf("what has changed since run %d (%s %s new or changed, %s gone)", r.Since, number(r.Changed), entries, number(r.Gone))
}

// cells are the three ledgers, with a symbol each.
func (p *page) cells() {
	d := p.d
	p.line("")
	cell := func(symbol, name string, n int) string {
		return left(fmt.Sprintf("  %s %s%s", symbol, left(name, 11), right(number(n), 7)), 25)
	}
	row := func(cells ...string) { p.line("%s", strings.TrimRight(strings.Join(cells, ""), " ")) }
	if d.Input.Name != "" || d.Rows.Read > 0 {
		sum := "✓"
		if r := d.Rows; r.Read != r.Added+r.Updated+r.Renamed+r.Reactivated+r.Suspended+r.Deleted+r.Unchanged+r.Skipped+r.Rejected {
			sum = "≠ the sum"
		}
		row(cell("+", "add", d.Rows.Added), cell("~", "update", d.Rows.Updated), cell("→", "rename", d.Rows.Renamed), cell("↻", "reactivate", d.Rows.Reactivated))
		if d.Rows.Suspended+d.Rows.Deleted > 0 {
			row(cell("-", "suspend", d.Rows.Suspended), cell("×", p.delete(), d.Rows.Deleted))
		}
		row(cell("=", "unchanged", d.Rows.Unchanged), cell(".", "skipped", d.Rows.Skipped), cell("!", "rejected", d.Rows.Rejected), strings.TrimRight(cell("", "rows", d.Rows.Read), " ")+" "+sum)
	}
	if d.Input.Content == "full" || d.Absent.Total > 0 {
		a := d.Absent
		text := fmt.Sprintf("  not in the file: %s", number(a.Total))
		if a.Total > 0 {
			text += fmt.Sprintf(" → suspend %s, delete %s, keep %s", number(a.Suspended), number(a.Deleted), number(a.Kept))
		}
		if n := d.facts.WouldSuspend; n > 0 {
			text += fmt.Sprintf(" (with missing: suspend: %s)", people(n))
		}
		p.line("%s", text)
	}
	if d.ByDate != (plan.ByDate{}) {
		p.line("  by date: %s to start, %s to expire", number(d.ByDate.Started), number(d.ByDate.Expired))
	}
	for _, said := range p.passwords() {
		p.say("  ", "%s", said)
	}
}

// byDepartmentAndField puts two small tables side by side.
func (p *page) byDepartmentAndField() {
	const shown, name, column, bar = 5, 24, 6, 14
	all := p.departments()
	top := all[:min(len(all), shown)]
	var rows []string
	if len(all) > 0 {
		rows = append(rows, left("by department", name)+right("+", column)+right("~", column)+right("-", column))
		most := top[0].all()
		for _, m := range top {
			if m.name == "" {
				m.name = "(none)"
			}
			rows = append(rows, departmentRow(m, name, column)+"  "+bars(m, most, bar))
		}
		if more := all[len(top):]; len(more) > 0 {
			rest := moved{name: many(len(more), "other")}
			for _, m := range more {
				rest.Added += m.Added
				rest.Changed += m.Changed
				rest.Removed += m.Removed
			}
			rows = append(rows, departmentRow(rest, name, column))
		}
	}
	fields := slices.Collect(maps.Keys(p.d.facts.FieldChanges))
	slices.SortFunc(fields, func(a, b string) int {
		return cmp.Or(p.d.facts.FieldChanges[b]-p.d.facts.FieldChanges[a], cmp.Compare(a, b))
	})
	var beside []string
	if len(fields) > 0 {
		beside = append(beside, "by field")
		for _, f := range fields[:min(len(fields), shown)] {
			beside = append(beside, left(f, 16)+right(number(p.d.facts.FieldChanges[f]), 7))
		}
		if more := len(fields) - shown; more > 0 {
			beside = append(beside, many(more, "other"))
		}
	}
	if len(rows)+len(beside) > 0 {
		p.line("")
	}
	indent := 0
	for _, r := range rows {
		indent = max(indent, utf8.RuneCountInString(r)+4)
	}
	for i := range max(len(rows), len(beside)) {
		text := ""
		if i < len(rows) {
			text = rows[i]
		}
		if i < len(beside) {
			text = left(text, indent) + beside[i]
		}
		p.line("  %s", strings.TrimRight(text, " "))
	}
}

func departmentRow(m moved, name, column int) string {
	return left(cut(m.name, name), name) + right(number(m.Added), column) + right(number(m.Changed), column) + right(number(m.Removed), column)
}

// bars draws a department's movement, the longest at most wide characters;
// what there is at all is seen.
func bars(m moved, most, wide int) string {
	draw := func(symbol string, n int) string {
		if n == 0 {
			return ""
		}
		if most > wide {
			n = max(1, n*wide/most)
		}
		return strings.Repeat(symbol, n)
	}
	return draw("+", m.Added) + draw("~", m.Changed) + draw("-", m.Removed)
}

// marks stand before a problem: only an error's row is rejected.
var marks = map[roster.Severity]string{
	roster.SeverityError: "! rejected", roster.SeverityWarning: "? warning", roster.SeverityNote: "i note",
}

// planTroubles are the problems in short: a plan is looked at for its changes.
func (p *page) planTroubles() {
	const shown = 5
	if len(p.d.Problems) == 0 {
		return
	}
	p.line("")
	first := p.d.Problems[:min(len(p.d.Problems), shown)]
	wide, digits := 0, 0
	for _, g := range first {
		wide, digits = max(wide, len(marks[g.Severity])), max(digits, len(number(g.Count)))
	}
	for _, g := range first {
		where := cmp.Or(g.Column, g.Field)
		if where != "" {
			where = clean(where) + ": "
		}
		at := places(g)
		if at != "" {
			at = " (" + at + ")"
		}
		code := g.Code
		if code != "" {
			code += " "
		}
		p.line("  %s %s × %s%s%s%s", left(marks[g.Severity], wide), right(number(g.Count), digits), code, where, clean(g.Message), at)
	}
	if more := len(p.d.Problems) - shown; more > 0 {
		p.line("  … %s: rollcall runs problems %d", kinds(more), p.d.Run.Number)
	}
}

// weighed tells what the guardrails say: in full of those that trip, in a few
// words of the others.
func (p *page) weighed() {
	if len(p.d.Guardrails) == 0 {
		return
	}
	var tripped []guard.Finding
	var fine []string
	for _, f := range p.d.Guardrails {
		switch {
		case f.Tripped:
			tripped = append(tripped, f)
		case f.Name == "min_rows":
			fine = append(fine, fmt.Sprintf("%s %s (least %s)", f.Name, number(f.Value), number(f.Limit)))
		case f.Name == "max_rows":
			fine = append(fine, fmt.Sprintf("%s %s (most %s)", f.Name, number(f.Value), number(f.Limit)))
		case f.Limit > 0 && f.Name != "everybody":
			fine = append(fine, fmt.Sprintf("%s %s (limit %s)", f.Name, number(f.Value), number(f.Limit)))
		}
	}
	p.line("")
	if len(tripped) > 0 {
		switch {
		case !guard.Holds(tripped):
			p.line("Guardrails: this goes ahead, but mind")
		case p.d.Run.Approved && p.d.Run.Kind == journal.Batch:
			p.line("Guardrails: more than a feed may do unasked")
		case p.d.Run.Approved:
			p.line("Guardrails: held, and approved%s", p.decision())
		case p.d.Run.Status == journal.Held:
			p.line("Guardrails: HELD")
		default:
			p.line("Guardrails: this would be HELD")
		}
		p.findings(tripped)
	}
	if len(fine) == 0 {
		return
	}
	text := "Guardrails ok: "
	if len(tripped) > 0 {
		text = "  ok: "
	}
	p.wrap(text, fine, " · ")
}

// planEnd is the plan in one line, and what to type.
func (p *page) planEnd() {
	d, run := p.d, p.d.Run
	if d.facts.Changes() == 0 {
		p.line("Plan: nothing to do.")
	} else {
		p.line("Plan: %s.", p.sum())
	}
	switch {
	case run.Status == journal.Held:
		p.line("Apply it all the same:    rollcall held approve %d --reason \"…\"", run.Number)
		p.line("Drop it:                  rollcall held reject %d --reason \"…\"", run.Number)
	case run.Draft:
		p.line("This is what a profile would do that is not in its place: nothing of it can be applied. Save it, then  rollcall plan %s", run.Profile)
	case run.Status == journal.Dry && d.facts.Changes() > 0:
		p.line("Apply exactly this plan:  rollcall apply %d", run.Number)
		if guard.Holds(d.Guardrails) {
			p.line("                          it is then held, until somebody approves it")
		}
	}
}

// sum is "7 to add, 31 to change, 1 to reactivate, 2 to suspend, 0 to delete".
func (p *page) sum() string {
	r, a, b := p.d.Rows, p.d.Absent, p.d.ByDate
	return fmt.Sprintf("%s to add, %s to change, %s to reactivate, %s to suspend, %s to %s",
		number(r.Added), number(r.Updated+r.Renamed), number(r.Reactivated+b.Started),
		number(r.Suspended+a.Suspended+b.Expired), number(r.Deleted+a.Deleted), p.delete())
}

// delete is [page.deleted] of a plan.
func (p *page) delete() string { return strings.TrimSuffix(p.deleted(), "d") }

// name is the profile of the run, or what it is.
func (p *page) name() string {
	switch {
	case p.d.Run.Profile != "":
		return p.d.Run.Profile
	case p.d.Run.Kind == journal.Batch:
		return "by-hand"
	}
	return string(p.d.Run.Kind)
}
