package mapping

import (
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"rollcall/internal/roster"
)

// maxMember is the longest name of something that one can be a member of.
const maxMember = 255

// members grant what a record lists: the sources of map:, and numbered columns.
type members struct {
	kinds   []roster.Kind // of which the drop speaks
	sources []memberOf
	columns []numbered
	groups  []groupOf
	catalog *roster.Catalog
	zone    *time.Location
	lists   []int // columns of which a record may have several values

	groupsAt int // the column of the record's groups; -1 for none
}

// A memberOf is a source of memberships, bound to a header.
type memberOf struct {
	kindOf
	column   string // the drop's name for it; "" where there is none of its own
	index    int    // -1: a template
	template template
	list     string
	each     int  // the place of a column with several values that the template speaks of; -1: none
	parts    bool // NAME:ROLE:GROUP
	values   map[string]Words
	other    Words
	pipes    []func(string) string
	role     template
	group    template
	days     int
	when     []memberWhen
}

// A memberWhen is a column and the words of which it must have one.
type memberWhen struct {
	index int
	words Words
}

// bindMembers binds the memberships to a header; nil where there are none.
func (o Options) bindMembers(h header) (*members, error) {
	m := &members{catalog: o.Catalog, zone: o.zone(), lists: o.bindLists(h)}
	said := o.Memberships
	if len(o.Map) == 0 && said.IsZero() {
		said = said.implied(h)
	}
	for _, k := range said.each() {
		for _, x := range k.members {
			if x.Numbered {
				continue
			}
			s := memberOf{kindOf: k, index: -1, each: -1, list: x.List, values: maps.Clone(x.Values), other: x.Other, parts: x.parts(k.kind), pipes: pipesOf(x.Transform), days: int(x.Period / (24 * time.Hour))}
			if x.From != "" {
				s.index = h.find(x.From)
				if s.index >= 0 {
					s.column = h.names[s.index]
				}
			}
			if x.Optional && s.index < 0 {
				continue // the drop says nothing of it
			}
			for _, t := range []struct {
				into *template
				text string
			}{{&s.template, or(x.Template, x.Course)}, {&s.role, x.Role}, {&s.group, x.Group}} {
				parsed, err := parseTemplate(t.text)
				if err != nil {
					return nil, err
				}
				*t.into = parsed.bind(h.find)
				for _, p := range t.into.parts {
					if p.kind == aColumn && m.several(p.index) {
						s.each = p.index
					}
				}
				if names := parsed.columns(); s.column == "" && len(names) > 0 {
					s.column = names[0]
				}
			}
			for _, column := range slices.Sorted(maps.Keys(x.When)) {
				s.when = append(s.when, memberWhen{h.find(column), x.When[column]})
			}
			m.sources = append(m.sources, s)
			m.speaks(k.kind)
		}
	}
	var err error
	if m.columns, err = o.findNumbered(h); err != nil {
		return nil, err
	}
	for _, c := range m.columns {
		m.speaks(c.kind)
	}
	if err := m.bindGroups(o.Groups, h); err != nil {
		return nil, err
	}
	if len(m.kinds) == 0 {
		return nil, nil
	}
	return m, nil
}

// bindLists are the places of the columns that have several values.
func (o Options) bindLists(h header) (at []int) {
	for _, name := range o.Lists() {
		if i := h.find(name); i >= 0 {
			at = append(at, i)
		}
	}
	return at
}

func (m *members) several(column int) bool { return slices.Contains(m.lists, column) }

// valuesOf are the values that a record has of a column.
func (m *members) valuesOf(r row, column int) []string {
	if !m.several(column) {
		return []string{r.cell(column)}
	}
	if !r.usable(column) {
		return nil
	}
	values := strings.Split(r.cells[column], roster.Between)
	for i := range values {
		values[i] = tidy(values[i])
	}
	return values
}

func or(a, b string) string {
	if a != "" {
		return a
	}
	return b
}

func (m *members) speaks(k roster.Kind) {
	if !slices.Contains(m.kinds, k) {
		m.kinds = append(m.kinds, k)
	}
}

// uses notes the columns that memberships use.
func (m *members) uses(used map[int]bool) {
	if m == nil {
		return
	}
	used[m.groupsAt] = true
	for _, s := range m.sources {
		used[s.index] = true
		for _, c := range s.when {
			used[c.index] = true
		}
		for _, t := range []template{s.template, s.role, s.group} {
			for _, p := range t.parts {
				if p.kind == aColumn {
					used[p.index] = true
				}
			}
		}
	}
	for i := range m.columns {
		for _, at := range m.columns[i].places() {
			used[at] = true
		}
	}
}

// A lister reads what one record says of memberships.
type lister struct {
	*members
	setting
	line     int
	said     *roster.Members
	problems []roster.Problem
}

// read reads what a record says, and what is wrong with it.
func (m *members) read(line int, from setting) (*roster.Members, []roster.Problem) {
	x := &lister{members: m, setting: from, line: line, said: &roster.Members{Kinds: m.kinds}}
	for i := range m.sources {
		x.source(&m.sources[i])
	}
	for i := range m.columns {
		x.numbered(&m.columns[i])
	}
	x.inGroups()
	return x.said, x.problems
}

// problem notes something wrong with a membership: the rest of the row is applied
// (R90). The same of the same column is noted once.
func (x *lister) problem(code, key, column, text string) {
	x.note(roster.Problem{Code: code, Field: key, Column: column, Text: text})
}

func (x *lister) note(p roster.Problem) {
	for _, q := range x.problems {
		if q.Code == p.Code && q.Field == p.Field && q.Column == p.Column {
			return
		}
	}
	p.Severity, p.Line = roster.SeverityWarning, x.line
	x.problems = append(x.problems, p)
}

// source reads what one source of map: lists.
func (x *lister) source(s *memberOf) {
	for _, c := range s.when {
		if !x.row.usable(c.index) || !slices.ContainsFunc(x.valuesOf(x.row, c.index), func(v string) bool { return slices.Contains(c.words, v) }) {
			if c.index >= 0 && !x.row.usable(c.index) && c.index < len(x.row.cells) {
				x.said.Unclear(s.kind)
			}
			return
		}
	}
	if s.each >= 0 { // one for each value
		if !x.row.usable(s.each) && s.each < len(x.row.cells) {
			x.said.Unclear(s.kind) // its row is rejected (E104)
			return
		}
		all := x.setting
		for _, v := range x.valuesOf(x.row, s.each) {
			if v == "" {
				continue
			}
			x.row.cells = slices.Clone(all.row.cells)
			x.row.cells[s.each] = v
			x.rendered(s)
		}
		x.setting = all
		return
	}
	x.rendered(s)
}

// rendered reads what a source lists in a record in which no template speaks of
// several values.
func (x *lister) rendered(s *memberOf) {
	role, group := s.role.render(x.setting), s.group.render(x.setting)
	for _, name := range x.names(s) {
		for _, pipe := range s.pipes {
			name = pipe(name)
		}
		if name == "" {
			continue
		}
		w := roster.Wanted{Membership: roster.Membership{Kind: s.kind, Name: name, Role: role, Group: group}, Days: s.days}
		if s.parts {
			rest, until, ok := roster.CutEnding(name)
			if name, w.Until = rest, until; !ok {
				x.problem("E112", s.key, s.column, "when it ends is no time like 2026-12-20T00:00:00Z")
				w.Only = true
			}
			if m, err := roster.ParseMembership(string(s.kind) + ":" + name); err == nil {
				w.Membership = m
			}
		}
		if w.Only { // for how long nobody knows: what is there stays
			if name, ok := x.find(s.kind, "", w.Name); ok {
				x.said.Want(roster.Wanted{Membership: roster.Membership{Kind: s.kind, Name: name}, Only: true})
			} else {
				x.said.Unclear(s.kind)
			}
			continue
		}
		x.want(s.kindOf, w, places{s.column, s.column, s.column}, "")
	}
}

// names are what a source lists, before its transforms.
func (x *lister) names(s *memberOf) []string {
	if s.index < 0 {
		if text := s.template.render(x.setting); text != "" {
			return []string{text}
		}
		return nil
	}
	if !x.row.usable(s.index) {
		x.said.Unclear(s.kind) // its row is rejected (E104)
		return nil
	}
	words := x.valuesOf(x.row, s.index)
	if s.list != "" {
		var all []string
		for _, cell := range words {
			all = append(all, strings.Split(cell, s.list)...)
		}
		words = all
	}
	var names []string
	for _, w := range words {
		if w = tidy(w); w == "" {
			continue
		}
		if len(s.values) == 0 {
			names = append(names, w)
			continue
		}
		to, known := s.values[w]
		switch {
		case known:
			names = append(names, to...)
		case s.other == nil:
			x.problem("E122", s.key, s.column, "not in the profile's table of values")
			x.said.Unclear(s.kind)
		case len(s.other) == 1 && s.other[0] == "keep":
			x.said.Unclear(s.kind)
		case len(s.other) == 1 && s.other[0] == "reject":
			x.problems = append(x.problems, roster.Problem{
				Code: "E122", Severity: roster.SeverityError, Field: s.key, Column: s.column, Line: x.line, Text: "not in the profile's table of values",
			})
		default:
			names = append(names, s.other...)
		}
	}
	return names
}

// places are the columns that say the name, the role and the group.
type places struct{ name, role, group string }

// want lists a membership under the names that the catalog has for it. What the
// catalog lacks is told, and then nothing like it is taken away.
func (x *lister) want(k kindOf, w roster.Wanted, at places, byType string) {
	name, ok := x.find(k.kind, "", w.Name)
	if !ok {
		x.problem(k.code, k.key, at.name, "")
		x.said.Unclear(k.kind)
		return
	}
	if len(name) > maxMember || len(w.Role) > maxMember || len(w.Group) > maxMember {
		x.problem("E118", k.key, at.name, "")
		x.said.Unclear(k.kind)
		return
	}
	w.Name = name
	only := roster.Wanted{Membership: roster.Membership{Kind: w.Kind, Name: w.Name}, Only: true}
	if w.Kind == roster.CourseKind && w.Role == "" {
		w.Role = x.roleOf(w.Name, byType)
	}
	if w.Role != "" {
		role, ok := x.find(roster.RoleKind, "", w.Role)
		if !ok {
			x.problem("E205", k.key, or(at.role, at.name), "")
			x.said.Want(only)
			return
		}
		w.Role = role
	}
	if w.Group != "" {
		group, ok := x.find(roster.GroupKind, w.Name, w.Group)
		if !ok {
			x.problem("E204", k.key, or(at.group, at.name), "")
			x.said.Want(only)
			w.Group = ""
		} else {
			w.Group = group
		}
	}
	x.said.Want(w)
}

// find is what the catalog calls something. Of a kind that it does not list nothing
// is checked (R90).
func (x *lister) find(k roster.Kind, course, name string) (string, bool) {
	if !x.catalog.Lists(k) {
		return name, true
	}
	if i, ok := x.catalog.Find(k, course, name); ok {
		return i.Called(), true
	}
	if x.catalog.Create[k] && !roster.Numeric(name) {
		return name, true
	}
	return "", false
}

// roleOf is the role that an enrolment type means: 2 teacher, 3 non-editing
// teacher, else the course's default (R91).
func (x *lister) roleOf(course, byType string) string {
	said := func(n string) string {
		if x.catalog == nil {
			return ""
		}
		return x.catalog.Types[n]
	}
	switch byType {
	case "2", "3":
		if r := said(byType); r != "" {
			return r
		}
		// Moodle's own short names, where the catalog has them.
		_, moodle := x.catalog.Find(roster.RoleKind, "", "editingteacher")
		switch {
		case byType == "2" && moodle:
			return "editingteacher"
		case byType == "2" || moodle:
			return "teacher"
		}
		return "non-editing-teacher"
	}
	if i, ok := x.catalog.Find(roster.CourseKind, "", course); ok && i.DefaultRole != "" {
		return i.DefaultRole
	}
	return said("1")
}

// days reads a number of days; ok is false where it is none.
func days(text string) (n int, ok bool) {
	n, err := strconv.Atoi(text)
	return n, err == nil && n >= 0 && n <= 36600
}
