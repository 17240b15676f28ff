package mapping

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"rollcall/internal/roster"
)

// A Mapper maps the records of one drop. It changes nothing of itself but what
// it remembers of lookups, and may be used by several goroutines.
type Mapper struct {
	head     header
	key      target
	fallback bool
	keyFrom  *source // nil where the key is in no column
	keyForm  form    // of the match key and of previous_key
	username form    // of a given username
	namer    namer   // of a username that a template makes
	given    []given
	made     []made
	fieldAt  []string // for each column, the field that it says; "" where none
	breaks   []int    // columns in which a line break refuses the drop
	scope    []condition
	prefer   []liking

	members *members // nil where the drop says nothing of memberships

	status, suspended, deleted *source // nil where the drop does not say them
	oldUsername, newUsername   *source
	previousKey, anchor        *source
	commas                     bool
	action                     *source // nil where no column says what a row does
	password                   *passwordSource
	id                         int // the place of [Options.ID]; -1: none

	numberGiven, numberMade bool // a taken username gets a counter (R33)

	values bool // problems keep the value that was wrong
	secret
}

// A given is a field that the drop, or a constant of the profile, says.
type given struct {
	source
	target
	normal    form
	lookup    *answer // the cell names another entry; nil where it says the value
	clear     bool    // an empty cell empties the field
	onInvalid string
}

// A made is a field that a template makes: its value, or only its default.
type made struct {
	target
	template  template
	byDefault bool
	fixed     bool // the template has no places: it makes no name
	late      bool // it needs the final username
	pipes     []func(string) string
	normal    form
	onInvalid string
}

// Compile binds the options to a header. A header without a needed column is
// a [*roster.Refusal]; the notes name columns that mean nothing to the profile (R10).
// Options that [Options.Validate] finds faults with are refused with them.
func Compile(o Options, names []string) (m *Mapper, notes []roster.Problem, err error) {
	if faults := o.Validate(); len(faults) > 0 {
		errs := make([]error, len(faults))
		for i, f := range faults {
			errs[i] = f
		}
		return nil, nil, fmt.Errorf("map: %w", errors.Join(errs...))
	}
	head, err := readHeader(names)
	if err != nil {
		return nil, nil, err
	}
	columns := o.Map
	if len(columns) == 0 {
		columns = implied(head)
	}
	columns = o.prefixed(columns, head)
	if columns, err = o.resolve(columns); err != nil {
		return nil, nil, err
	}
	if wants := o.wants(columns, head); len(wants) > 0 {
		return nil, nil, head.missing(wants, head.strange(columns))
	}
	m = &Mapper{head: head, key: o.keyTarget(), fallback: o.Fallback, namer: newNamer(o.standardise()), fieldAt: make([]string, len(names)), values: o.Values, commas: o.Commas}
	forms := o.forms()
	forms[roster.Theme] = o.theme()
	if forms[roster.Site], err = o.site(); err != nil {
		return nil, nil, err
	}
	normal := func(f roster.Field) form { return within(f, forms[f]) }
	m.username = normal(roster.Username)
	if m.keyForm, err = o.keyForm(normal); err != nil {
		return nil, nil, err
	}
	for _, name := range slices.Sorted(maps.Keys(columns)) {
		c := columns[name]
		f, ok := feedField(name)
		custom, isCustom := customName(name)
		switch {
		case name == passwordName:
			m.givePassword(o, c)
			continue
		case isCustom:
			if err := m.customField(o, custom, c); err != nil {
				return nil, nil, err
			}
			continue
		case !ok:
			m.control(newSource(name, c, head))
			continue
		}
		if err := m.field(o, f, c, normal(f)); err != nil {
			return nil, nil, err
		}
	}
	m.impliedAnchor()
	if o.Action.From != "" {
		s := newSource("action", Column{From: o.Action.From, Values: o.Action.Values, Other: "reject"}, m.head)
		m.action = &s
		m.mark(s)
	}
	if m.id = -1; o.ID != "" {
		if m.id = head.find(o.ID); m.id >= 0 && m.fieldAt[m.id] == "" {
			m.fieldAt[m.id] = o.ID
		}
	}
	m.scope = o.Scope.bind(head)
	for _, column := range slices.Sorted(maps.Keys(o.Prefer)) {
		m.prefer = append(m.prefer, liking{head.find(column), tidy(o.Prefer[column])})
	}
	if m.members, err = o.bindMembers(head); err != nil {
		return nil, nil, err
	}
	m.arrange()
	if o.Values {
		m.secret = o.secret(columns)
	}
	return m, m.notes(o, columns), nil
}

// Columns are the names of the columns that map and scope speak of: all that there is
// to know of a drop without a header before it has been read.
func (o Options) Columns() []string {
	var names []string
	for _, field := range slices.Sorted(maps.Keys(o.Map)) {
		names = append(names, o.Map[field].columns()...)
	}
	if o.Action.From != "" {
		names = append(names, o.Action.From)
	}
	names = slices.AppendSeq(names, maps.Keys(o.Prefer))
	for _, w := range o.Scope.columns() {
		names = append(names, w.column)
	}
	o.memberColumns(false, func(_, column string) { names = append(names, column) })
	if o.ID != "" {
		names = append(names, o.ID)
	}
	if !o.Groups.IsZero() {
		names = append(names, roster.GroupAttribute)
	}
	if o.FieldPrefix != "" {
		before := strings.TrimSuffix(o.FieldPrefix, ByName)
		for _, f := range o.Catalog.Fields() {
			names = append(names, before+f.Name)
		}
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// implied maps the columns that bear the name of a field or a control to it.
func implied(h header) map[string]Column {
	columns := map[string]Column{}
	names := append(slices.Clone(controls), passwordName)
	for _, f := range roster.FeedFields() {
		names = append(names[:len(names):len(names)], f.String())
	}
	for _, name := range names {
		if i := h.find(name); i >= 0 && name != anchor { // which no column is by chance
			columns[name] = Column{From: h.names[i]}
		}
	}
	impliedCustom(h, columns)
	return columns
}

// wants are the columns that the header should have and has not: each that the
// profile's own map names, and the key's, or the fallback's where that stands
// in for it (R10, R42).
func (o Options) wants(columns map[string]Column, h header) []want {
	var wants []want
	need := func(path, column string) {
		if h.find(column) < 0 {
			wants = append(wants, want{column, path})
		}
	}
	for _, w := range o.Scope.columns() {
		need(w.path, w.column)
	}
	key, name := o.keyTarget().String(), roster.Username.String()
	if o.Action.From != "" {
		need("format.action", o.Action.From)
	}
	for _, column := range slices.Sorted(maps.Keys(o.Prefer)) {
		need("format.dedupe.prefer", column)
	}
	o.memberColumns(true, func(path, column string) { need("map."+path, column) })
	if len(o.Map) == 0 {
		_, keyed := columns[key] // it may be called as the custom field that says it
		_, named := columns[name]
		switch {
		case keyed, o.Fallback && named:
		case o.Fallback:
			wants = append(wants, want{key, "match.key"}, want{name, "match.fallback, in its stead"})
		default:
			wants = append(wants, want{key, "match.key"})
		}
		return wants
	}
	byName := columns[name]
	either := o.Fallback && byName.From != "" // the key's column, or that of the name in its stead
	for _, field := range slices.Sorted(maps.Keys(columns)) {
		c := columns[field]
		if c.Optional && field != key {
			continue
		}
		switch {
		case c.From == "":
		case field != key || !either:
			need("map."+field, c.From)
		case h.find(byName.From) < 0 && h.find(c.From) < 0:
			need("map."+field, c.From)
			if byName.Optional { // else its own turn comes
				need("map."+name+", in its stead", byName.From)
			}
		}
		for _, text := range []string{c.Template, c.Default} {
			t, err := parseTemplate(text)
			if err != nil {
				continue // Validate has said so
			}
			for _, column := range t.columns() {
				need("map."+field, column)
			}
		}
	}
	return wants
}

// control takes a control column.
func (m *Mapper) control(s source) {
	if s.absent() {
		return
	}
	switch s.name {
	case status:
		m.status = &s
	case suspended:
		m.suspended = &s
	case deleted:
		m.deleted = &s
	case oldUsername:
		m.oldUsername = &s
	case newUsername:
		m.newUsername = &s
	case previousKey:
		m.previousKey = &s
		m.breaks = append(m.breaks, s.index)
	case anchor:
		m.anchor = &s
	}
	m.mark(s)
}

// field takes a field's column, template and default.
func (m *Mapper) field(o Options, f roster.Field, c Column, normal form) error {
	if f == roster.StartsOn || f == roster.ExpiresOn || f == roster.LastLoginAt {
		d, err := newDater(c.Date, o.zone())
		if err != nil {
			return err
		}
		inner := d.date
		if f == roster.LastLoginAt {
			inner = d.instant
		}
		normal = within(f, inner)
	}
	if f == roster.Username {
		m.numberGiven, m.numberMade = c.OnTaken == "number", c.OnTaken != "reject"
	}
	if c.Max > 0 {
		normal = atMost(c.Max, normal)
	}
	of := normal
	if f == roster.Username {
		of = within(f, func(s string) (string, *flaw) { return m.namer.made(s), nil })
	}
	return m.take(o, target{field: f}, c, normal, of)
}

// take takes a field's column, whose values have one normal form, and its template
// and default, whose values may have another.
func (m *Mapper) take(o Options, t target, c Column, normal, of form) error {
	s := newSource(t.String(), c, m.head)
	if !s.absent() {
		m.given = append(m.given, given{source: s, target: t, normal: normal, lookup: m.lookUp(o, c), clear: c.Blank == "clear", onInvalid: c.OnInvalid})
		m.mark(s)
		if m.isKey(t) && s.index >= 0 {
			m.keyFrom = &s
			m.breaks = append(m.breaks, s.index)
		}
	}
	for i, text := range []string{c.Template, c.Default} {
		if text == "" {
			continue
		}
		parsed, err := parseTemplate(text)
		if err != nil {
			return err
		}
		_, fixed := parsed.fixed()
		m.made = append(m.made, made{
			target: t, template: parsed.bind(m.head.find), byDefault: i == 1, fixed: fixed, late: parsed.uses(aFinal),
			pipes: pipesOf(c.Transform), normal: of, onInvalid: c.OnInvalid,
		})
	}
	return nil
}

// isKey tells whether a field is the match key.
func (m *Mapper) isKey(t target) bool { return t == m.key }

// mark remembers whose value a column is, for what is wrong with its cells.
func (m *Mapper) mark(s source) {
	if s.index >= 0 && m.fieldAt[s.index] == "" {
		m.fieldAt[s.index] = s.name
	}
}

// Column is the drop's name for the column that says a field; "" where none does.
func (m *Mapper) Column(field string) string {
	if field == "" {
		return ""
	}
	if i := slices.Index(m.fieldAt, field); i >= 0 {
		return m.head.names[i]
	}
	return ""
}

// Lacking says of a required field that no column says why it is empty, and what to do.
func (m *Mapper) Lacking(field string) (text, fix string) {
	if slices.ContainsFunc(m.made, func(t made) bool { return t.String() == field && !t.byDefault }) {
		fix = "fill in what it is made of in HR"
		if field == roster.Username.String() {
			fix += "; transform: [ascii] beside the template writes other letters as a to z"
		}
		return field + " is required, and nothing comes of its template", fix
	}
	text = field + " is required, and no column of the file says it"
	if _, custom := customName(field); custom {
		return text, "name the column under map: in the profile, or take required: from the field in the catalog"
	}
	return text, "name the column under map: in the profile, or take " + field + " out of required:"
}

// Keyless tells that no record of the drop says its key: the fallback has to do.
func (m *Mapper) Keyless() bool {
	return m.keyFrom == nil && m.fallback && m.key.field != roster.Username
}

// arrange puts the templates in an order in which the names that they speak of
// are there: first and last name with their defaults before all others. It
// finds the columns whose line breaks refuse the drop, now that all are known.
func (m *Mapper) arrange() {
	rank := func(x made) int {
		n := 2
		if x.field == roster.FirstName || x.field == roster.LastName {
			n = 0
		}
		if x.byDefault {
			n++
		}
		return n
	}
	slices.SortStableFunc(m.made, func(a, b made) int {
		return cmp.Or(cmp.Compare(rank(a), rank(b)), cmp.Compare(a.field, b.field), cmp.Compare(a.custom, b.custom))
	})
	slices.SortStableFunc(m.given, func(a, b given) int {
		return cmp.Or(cmp.Compare(a.field, b.field), cmp.Compare(a.custom, b.custom))
	})
	for _, g := range m.given {
		if g.field == roster.Username && m.keyFrom == nil && m.fallback {
			m.breaks = append(m.breaks, g.index) // the name stands in for the key
		}
	}
}

// ignored is why a column is left aside; false where it is not, on purpose.
func (o Options) ignored(name string) (why string, ok bool) {
	for column, why := range o.Ignore {
		if columnForm(column) == columnForm(name) {
			return why, true
		}
	}
	return "", false
}

// notes name the columns that mean nothing to the profile, and the key's
// column where the fallback has to do without it.
func (m *Mapper) notes(o Options, columns map[string]Column) []roster.Problem {
	var notes []roster.Problem
	if key, ok := columns[m.key.String()]; ok && key.From != "" && m.head.find(key.From) < 0 {
		notes = append(notes, roster.Problem{
			Severity: roster.SeverityNote, Field: m.key.String(), Column: key.From,
			Text: "the key's column is missing: records are matched by username alone, and nobody who is known by a key is removed for being absent",
			Fix:  "ask HR for the column, if it should be there",
		})
	}
	used := map[int]bool{}
	for _, name := range o.Other {
		used[m.head.find(name)] = true
	}
	if m.action != nil {
		used[m.action.index] = true
	}
	for _, c := range m.scope {
		used[c.index] = true
	}
	for _, c := range m.prefer {
		used[c.index] = true
	}
	m.members.uses(used)
	names := append(append(slices.Clone(controls), passwordName), MembershipKeys()...)
	for _, f := range roster.FeedFields() {
		names = append(names, f.String())
	}
	for _, c := range columns {
		for _, column := range c.columns() {
			used[m.head.find(column)] = true
		}
	}
	unknown := 0
	for i, name := range m.head.names {
		if used[i] || columnForm(name) == "" {
			continue
		}
		if unknown++; unknown > maxNamed {
			continue
		}
		note := roster.Problem{
			Severity: roster.SeverityNote, Column: cut(name, 100),
			Text: "the profile does not use this column", Fix: "nothing to do; name it under map: to use it",
		}
		if like := suggest(strings.ReplaceAll(columnForm(name), " ", "_"), names); like != "" {
			note.Fix = fmt.Sprintf("if it is %s, say so under map:", like)
		}
		if why, ok := o.ignored(name); ok {
			note.Text, note.Fix = "left aside on purpose: "+why, "nothing to do"
		} else if b, _, ok := numberedColumn(name); ok {
			note.Fix = fmt.Sprintf("write  %s: {numbered: on}  under map: to use it", keyOfKind(b.kind))
		}
		notes = append(notes, note)
	}
	if unknown > maxNamed {
		notes = append(notes, roster.Problem{
			Severity: roster.SeverityNote, Text: fmt.Sprintf("%d more columns that the profile does not use", unknown-maxNamed),
			Fix: "nothing to do; name them under map: to use them",
		})
	}
	return notes
}
