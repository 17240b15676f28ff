package report

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"rollcall/internal/roster"
)

// problems are told by cause, at most so many groups in all.
func (p *page) problems(most int) {
	for _, section := range []struct {
		severity roster.Severity
		title    string
	}{
		{roster.SeverityError, "Rejected, to fix in HR"},
		{roster.SeverityWarning, "Applied, with a warning"},
		{roster.SeverityNote, "Worth knowing"},
	} {
		var groups []Group
		count, fresh := 0, 0
		for _, g := range p.d.Problems {
			if g.Severity == section.severity {
				groups = append(groups, g)
				count += g.Count
				fresh += g.New
			}
		}
		if len(groups) == 0 {
			continue
		}
		p.heading("%s (%s)", section.title, age(fresh, count))
		shown := groups[:min(len(groups), most)]
		most -= len(shown)
		wide := len(number(groups[0].Count)) // the biggest is first
		for _, g := range shown {
			p.group(g, wide)
			count -= g.Count
		}
		if count > 0 {
			p.line("  and %s of %s", number(count), kinds(len(groups)-len(shown)))
		}
	}
}

func kinds(n int) string {
	if n == 1 {
		return "another kind"
	}
	return number(n) + " other kinds"
}

// age is "9 new, 3 seen before".
func age(fresh, count int) string {
	switch fresh {
	case count:
		return number(count) + " new"
	case 0:
		return number(count) + " seen before"
	}
	return fmt.Sprintf("%s new, %s seen before", number(fresh), number(count-fresh))
}

func (p *page) group(g Group, wide int) {
	where := g.Column
	if where == "" {
		where = g.Field
	}
	if where != "" {
		where = clean(where) + ": "
	}
	since := "new"
	if !g.Since.IsZero() {
		since = "since " + g.Since.In(p.zone).Format("2 Jan")
		if g.New > 0 {
			since = fmt.Sprintf("%s new, others %s", number(g.New), since)
		}
	}
	indent := strings.Repeat(" ", wide+5)
	code := ""
	if g.Code != "" {
		code = g.Code + "  "
	}
	p.say(fmt.Sprintf("  %s × %s", right(number(g.Count), wide), code), "%s%s (%s)", where, clean(g.Message), since)
	if at := places(g); at != "" {
		p.line("%s%s", indent, at)
	}
	if g.Fix != "" {
		p.line("%sFix: %s", indent, clean(g.Fix)) // in one line: it may hold a command
	}
}

// places is where the first few of a group are: "lines 12, 14 and 3 more; keys 105120, 105121 …".
func places(g Group) string {
	const shown = 3
	var lines, keys []string
	for _, e := range g.Examples[:min(len(g.Examples), shown)] {
		if e.Line > 0 {
			lines = append(lines, strconv.Itoa(e.Line))
		}
		if e.Key != "" && !slices.Contains(keys, clean(string(e.Key))) {
			keys = append(keys, clean(string(e.Key)))
		}
	}
	var parts []string
	if len(lines) > 0 {
		text := "line "
		if len(lines) > 1 {
			text = "lines "
		}
		if more := g.Count - shown; more > 0 {
			text += strings.Join(lines, ", ") + fmt.Sprintf(" and %s more", number(more))
		} else {
			text += list(lines)
		}
		parts = append(parts, text)
	}
	if len(keys) > 0 {
		text := "key "
		if len(keys) > 1 {
			text = "keys "
		}
		text += strings.Join(keys, ", ")
		if g.Count > shown {
			text += " …"
		}
		parts = append(parts, text)
	}
	return strings.Join(parts, "; ")
}
