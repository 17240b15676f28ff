package main

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"rollcall/internal/format"
)

// A guess is which column is a field, and why.
type guess struct {
	field, column string
	why           string
	date          string // how dates are written, where the field is one
	ask           string // what a person should look at; "" where the guess is good
}

// guesses are all that a sample tells of its columns.
type guesses struct {
	key     string // the field that says who somebody is
	found   []guess
	status  *guess   // it stays a comment: nobody should be suspended by a guess
	states  []string // the words in the status column, where there are few
	undated []guess  // date columns without a date that could be read
	unused  []string // columns
	alone   []string // columns besides the key's that could be one: numbers or addresses, each somebody's own
}

// of is the guess for a field; nil where there is none.
func (g *guesses) of(field string) *guess {
	i := slices.IndexFunc(g.found, func(x guess) bool { return x.field == field })
	if i < 0 {
		return nil
	}
	return &g.found[i]
}

// A column is what the sample has in it.
type column struct {
	name     string
	values   []string // without the empty ones
	distinct int
	rows     int
}

// names tells whether each row has a value of its own: a copy or two of a row
// is a mistake of the sample, not of the column.
func (c *column) names() bool {
	return len(c.values) == c.rows && c.rows > 0 && c.distinct*10 >= c.rows*9 && !(c.rows > 1 && c.distinct == 1)
}

// share tells whether at least four of five values are such.
func (c *column) share(such func(string) bool) bool {
	n := 0
	for _, v := range c.values {
		if such(v) {
			n++
		}
	}
	return n > 0 && n*5 >= len(c.values)*4
}

func columnsOf(s format.Sniffed) []column {
	all := make([]column, len(s.Header))
	for i, name := range s.Header {
		c := &all[i]
		c.name, c.rows = name, len(s.Sample)
		seen := map[string]bool{}
		for _, rec := range s.Sample {
			if v := strings.TrimSpace(rec.Values[i]); v != "" {
				c.values = append(c.values, v)
				seen[v] = true
			}
		}
		c.distinct = len(seen)
	}
	return all
}

// guessColumns looks at names first and at values where no name helps.
func guessColumns(s format.Sniffed) guesses {
	columns := columnsOf(s)
	g := guesses{}
	best := map[string]int{} // field to the rank of its name
	at := map[string]int{}   // field to its column
	for i, c := range columns {
		called := c.name
		if s.Type == "xml" {
			called = innermost(called)
		}
		field, rank := fieldCalled(called)
		if field == "" || field == "employee_id" && !c.names() && rank > 0 {
			continue
		}
		if _, taken := at[field]; !taken || rank < best[field] {
			best[field], at[field] = rank, i
		}
	}
	_, first := at["first_name"]
	for i, c := range columns { // Vorname, Name
		if _, last := at["last_name"]; first && !last && slices.Contains([]string{"name", "navn", "namn", "naam"}, essence(c.name)) {
			at["last_name"] = i
		}
	}
	used := map[int]bool{}
	take := func(x guess, i int) {
		x.column = columns[i].name
		used[i] = true
		g.add(x, &columns[i])
	}
	for _, f := range called {
		if i, ok := at[f.field]; ok {
			take(guess{field: f.field, why: "by its name"}, i)
		}
	}
	if _, ok := at["email"]; !ok {
		if i := slices.IndexFunc(columns, func(c column) bool { return c.share(isAddress) }); i >= 0 && !used[i] {
			take(guess{field: "email", why: "its values are addresses"}, i)
		}
	}
	g.chooseKey(columns, used)
	for i, c := range columns {
		if !used[i] && c.name != "" {
			g.unused = append(g.unused, c.name)
		}
		if key := g.of(g.key); key != nil && c.name != key.column && c.name != "" && c.names() && (c.share(isNumber) || c.share(isAddress)) {
			g.alone = append(g.alone, c.name)
		}
	}
	return g
}

// add takes a guess in, as far as the values bear it out.
func (g *guesses) add(x guess, c *column) {
	switch x.field {
	case "status":
		g.status = &x
		if c.distinct <= 10 {
			g.states = slices.Compact(slices.Sorted(slices.Values(c.values)))
		}
		return
	case "starts_on", "expires_on":
		if x.date, x.ask = dateLayout(c); x.date == "" {
			g.undated = append(g.undated, x)
			return
		}
		x.why += fmt.Sprintf("; its dates are written %s", x.date)
	case "email":
		if !c.share(isAddress) {
			x.ask = "few of its values are addresses"
		}
	}
	g.found = append(g.found, x)
}

// chooseKey decides by what people are told apart.
func (g *guesses) chooseKey(columns []column, used map[int]bool) {
	unique := func(name string) bool {
		i := slices.IndexFunc(columns, func(c column) bool { return c.name == name })
		return columns[i].names()
	}
	byName := func(fields ...string) bool {
		for _, field := range fields {
			if x := g.of(field); x != nil && unique(x.column) {
				g.key = field
				x.why += "; every value is there and is somebody's own"
				return true
			}
		}
		return false
	}
	byValues := func(such func(*column) bool) bool {
		for i := range columns {
			c := &columns[i]
			if used[i] || c.name == "" || !c.names() || !such(c) {
				continue
			}
			used[i] = true
			g.key = "employee_id"
			g.found = append([]guess{{
				field: "employee_id", column: c.name, why: "every value is there and is somebody's own",
				ask: "is this the number that HR never gives to anybody else?",
			}}, slices.DeleteFunc(g.found, func(x guess) bool { return x.field == "employee_id" })...)
			return true
		}
		return false
	}
	numbered := func(c *column) bool { layout, _ := dateLayout(c); return layout == "" && c.share(isNumber) }
	if byName("employee_id") || byValues(numbered) || byName("username", "email") || byValues(func(*column) bool { return true }) {
		return
	}
	for _, field := range []string{"employee_id", "username", "email"} {
		if x := g.of(field); x != nil {
			g.key, x.ask = field, "some of its values are empty or there twice: these rows will be rejected"
			return
		}
	}
}

func isAddress(s string) bool {
	local, domain, ok := strings.Cut(s, "@")
	return ok && local != "" && strings.Contains(domain, ".") && !strings.ContainsAny(s, " ,;")
}

// isNumber tells whether s may be what an office calls a number: 00123, A-17.
func isNumber(s string) bool {
	return len(s) <= 20 && strings.ContainsAny(s, "0123456789") && strings.Trim(strings.ToLower(s), "abcdefghijklmnopqrstuvwxyz0123456789-_./") == ""
}

// layouts are the ways of writing a day that are tried, as rollcall and as Go
// spell them; of two that fit alike, the first.
var layouts = []struct{ ours, theirs string }{
	{"YYYY-MM-DD", "2006-01-02"},
	{"DD.MM.YYYY", "02.01.2006"},
	{"D.M.YYYY", "2.1.2006"},
	{"DD/MM/YYYY", "02/01/2006"},
	{"MM/DD/YYYY", "01/02/2006"},
	{"D/M/YYYY", "2/1/2006"},
	{"M/D/YYYY", "1/2/2006"},
	{"DD-MM-YYYY", "02-01-2006"},
	{"YYYY/MM/DD", "2006/01/02"},
	{"YYYY.MM.DD", "2006.01.02"},
	{"YYYYMMDD", "20060102"},
	{"YYYY-MM-DD HH:mm:ss", "2006-01-02 15:04:05"},
	{"YYYY-MM-DDTHH:mm:ss", "2006-01-02T15:04:05"},
	{"DD.MM.YYYY HH:mm", "02.01.2006 15:04"},
	{"DD/MM/YYYY HH:mm:ss", "02/01/2006 15:04:05"},
}

// dateLayout is how the dates of a column are written; "" where most of them
// are written in no way that is known. doubt is what a person should decide.
func dateLayout(c *column) (layout, doubt string) {
	most, tie := 0, ""
	for _, l := range layouts {
		n := 0
		for _, v := range c.values {
			if _, err := time.Parse(l.theirs, v); err == nil {
				n++
			}
		}
		switch {
		case n > most:
			layout, most, tie = l.ours, n, ""
		case n == most && n > 0 && tie == "" && strings.HasPrefix(l.ours, "M"):
			tie = l.ours
		}
	}
	if most*2 <= len(c.values) {
		return "", ""
	}
	if tie != "" {
		doubt = "it could be " + tie + " too: ask HR"
	}
	return layout, doubt
}
