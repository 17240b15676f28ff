package mapping

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"rollcall/internal/roster"
)

// Scope says which records of a drop are the profile's (R68, profile key scope:).
// The zero Scope takes all.
type Scope struct {
	Include map[string][]string `yaml:"include" json:",omitempty"` // columns, each of which has one of its values
	Exclude map[string][]string `yaml:"exclude" json:",omitempty"` // columns, none of which has one of its values
	Left    string              `yaml:"left" json:",omitempty"`    // keep, suspend: what becomes of an account whose record leaves the scope; "" is keep
}

// Validate reports everything that is wrong with the scope, by path below scope.
func (s Scope) Validate() []*roster.Fault {
	var faults []*roster.Fault
	fault := func(path, text, hint string) {
		faults = append(faults, &roster.Fault{Path: path, Text: text, Hint: hint})
	}
	for _, side := range []struct {
		name    string
		columns map[string][]string
	}{{"include", s.Include}, {"exclude", s.Exclude}} {
		for _, column := range slices.Sorted(maps.Keys(side.columns)) {
			path := side.name + "." + column
			if columnForm(column) == "" {
				fault(side.name, "a column's name is missing", "")
			}
			if len(side.columns[column]) == 0 {
				fault(path, "has no values, so no record would ever have one of them", "write [FT, PT]; an empty cell is \"\"")
			}
		}
	}
	if s.Left != "" && s.Left != "keep" && s.Left != "suspend" {
		fault("left", fmt.Sprintf("%q is none of keep, suspend", s.Left), "write keep or suspend")
	}
	if len(s.Include)+len(s.Exclude) == 0 && s.Left != "" {
		fault("left", "there is nothing that a record could leave", "write include: or exclude:, or leave left: out")
	}
	return faults
}

// columns are the columns that the scope names, each with the key that names it, in order.
func (s Scope) columns() []want {
	var all []want
	for _, name := range slices.Sorted(maps.Keys(s.Include)) {
		all = append(all, want{name, "scope.include"})
	}
	for _, name := range slices.Sorted(maps.Keys(s.Exclude)) {
		all = append(all, want{name, "scope.exclude"})
	}
	return all
}

// A condition is what the scope asks of one column.
type condition struct {
	index   int
	column  string // the drop's name for it
	words   map[string]bool
	include bool
}

func (s Scope) bind(h header) []condition {
	var all []condition
	for i, side := range []map[string][]string{s.Include, s.Exclude} {
		for _, name := range slices.Sorted(maps.Keys(side)) {
			at := h.find(name)
			if at < 0 {
				continue // the drop has been refused, but where it has no header: there its end tells
			}
			c := condition{index: at, column: h.names[at], words: map[string]bool{}, include: i == 0}
			for _, word := range side[name] {
				c.words[tidy(word)] = true
			}
			all = append(all, c)
		}
	}
	return all
}

// seen is a cell as a person sees it: nobody leaves the scope by a character that
// nobody can see.
func seen(cell string) string {
	if ascii(cell) {
		return cell
	}
	return tidy(strings.Map(func(r rune) rune {
		if invisible(r) {
			return -1
		}
		return r
	}, cell))
}

// outside is the column by whose value the scope leaves a record out; "" where
// it does not. A cell that cannot be read leaves nobody out: its row is rejected.
func (m *Mapper) outside(r row) string {
	for _, c := range m.scope {
		if c.index < len(r.cells) && !r.usable(c.index) {
			continue
		}
		within := c.words[seen(r.cell(c.index))]
		if m.members != nil && m.members.several(c.index) { // any of them counts
			within = slices.ContainsFunc(m.members.valuesOf(r, c.index), func(v string) bool { return c.words[seen(v)] })
		}
		if within != c.include {
			return c.column
		}
	}
	return ""
}
