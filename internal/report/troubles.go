package report

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"rollcall/internal/roster"
)

// A complaint is the problems of one severity, as a text tells them.
type complaint struct {
	Title  string
	Groups []told
	More   string // what is not shown; "" where all is
}

// told is a group of problems in words.
type told struct {
	Count string
	Code  string
	Text  string     // what is wrong, and where
	Since string     // new, or since when
	Fresh bool       // all of them are new
	At    string     // the first few
	Each  []instance // instead, one by one, where the profile tells who or what they are
	Rest  string     // how many more of them there are
	Fix   string
	Group Group
}

// complaints are the problems by severity and cause, at most so many groups.
func (p *page) complaints(most int) (all []complaint) {
	applied := "Applied, with a warning"
	if !p.d.Run.Status.Applied() {
		applied = "With a warning, if it were applied"
	}
	for _, section := range []struct {
		severity roster.Severity
		rejected bool
		title    string
	}{
		{roster.SeverityError, false, "Rejected, to fix in " + p.fixedIn()},
		{roster.SeverityWarning, true, "Also wrong in rejected rows"},
		{roster.SeverityWarning, false, applied},
		{roster.SeverityNote, false, "Worth knowing"},
	} {
		var groups []Group
		count, fresh := 0, 0
		for _, g := range p.d.Problems {
			if g.Severity == section.severity && g.Rejected == section.rejected {
				groups = append(groups, g)
				count += g.Count
				fresh += g.New
			}
		}
		if len(groups) == 0 {
			continue
		}
		c := complaint{Title: fmt.Sprintf("%s (%s)", section.title, age(fresh, count))}
		shown := groups[:min(len(groups), most)]
		most -= len(shown)
		for _, g := range shown {
			c.Groups = append(c.Groups, p.told(g))
			count -= g.Count
		}
		switch {
		case len(shown) == 0:
			c.More = fmt.Sprintf("%s of %s", number(count), many(len(groups), "kind"))
		case count > 0:
			c.More = fmt.Sprintf("and %s of %s", number(count), kinds(len(groups)-len(shown)))
		}
		all = append(all, c)
	}
	return all
}

// problems writes them.
func (p *page) problems(most int) {
	for _, c := range p.complaints(most) {
		p.heading("%s", c.Title)
		p.complaint(c)
	}
}

func (p *page) complaint(c complaint) {
	for _, t := range c.Groups {
		p.group(t, len(c.Groups[0].Count)) // the biggest is first
	}
	if c.More != "" {
		p.line("  %s", c.More)
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

func (p *page) told(g Group) told {
	where := cmp.Or(g.Column, g.Field)
	if where != "" {
		where = cut(clean(where), maxName) + ": "
	}
	t := told{
		Count: number(g.Count), Code: g.Code, Text: where + cut(clean(g.Message), maxSentence),
		Since: "new", Fresh: g.Since.IsZero(), At: places(g), Fix: cut(clean(g.Fix), maxSentence), Group: g,
	}
	if t.Each, t.Rest = p.each(g); t.Each != nil {
		t.At = ""
	}
	if !g.Since.IsZero() {
		t.Since = "since " + g.Since.In(p.zone).Format("2 Jan")
		if g.New > 0 {
			t.Since = fmt.Sprintf("%s new, others %s", number(g.New), t.Since)
		}
	}
	return t
}

func (p *page) group(t told, wide int) {
	indent := strings.Repeat(" ", wide+5)
	code := ""
	if t.Code != "" {
		code = t.Code + "  "
	}
	p.say(fmt.Sprintf("  %s × %s", right(t.Count, wide), code), "%s (%s)", t.Text, t.Since)
	if t.At != "" {
		p.line("%s%s", indent, t.At)
	}
	for _, i := range t.Each {
		p.instance(indent, i)
	}
	if t.Rest != "" {
		p.line("%s%s", indent, t.Rest)
	}
	if t.Fix != "" {
		p.line("%sFix: %s", indent, t.Fix) // in one line: it may hold a command
	}
}

// places is where the first few of a group are: "lines 12, 14 and 3 more; keys 105120, 105121 …".
func places(g Group) string { return placesOf(g, exampled) }

// exampled is how many examples of a kind a text gives.
const exampled = 3

func placesOf(g Group, shown int) string {
	var lines, keys, usernames, accounts []string
	for _, e := range g.Examples[:min(len(g.Examples), shown)] {
		if e.Line > 0 {
			lines = append(lines, strconv.Itoa(e.Line))
		}
		if e.Key != "" && !slices.Contains(keys, cut(clean(string(e.Key)), maxValue)) {
			keys = append(keys, cut(clean(string(e.Key)), maxValue))
		}
		if name := cut(clean(e.Username), maxValue); e.Key == "" && name != "" && !slices.Contains(usernames, name) {
			usernames = append(usernames, name)
		}
		if id := strconv.FormatUint(e.Account, 10); e.Account != 0 && !slices.Contains(accounts, id) {
			accounts = append(accounts, id)
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
	named := func(noun string, who []string) {
		if len(who) == 0 {
			return
		}
		if len(who) > 1 {
			noun += "s"
		}
		text := noun + " " + strings.Join(who, ", ")
		if g.Count > shown {
			text += " …"
		}
		parts = append(parts, text)
	}
	named("key", keys)
	named("username", usernames) // of whom there is no key
	named("account", accounts)   // and no name that may be told
	return strings.Join(parts, "; ")
}
