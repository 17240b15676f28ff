package mapping

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"rollcall/internal/roster"
)

// Entry maps a record. What is wrong with it stands in its Problems. The only
// error is a [*roster.Refusal]: a record that proves the whole drop wrong (R18).
func (m *Mapper) Entry(rec roster.Record) (roster.Entry, error) {
	e := roster.Entry{Line: rec.Line}
	if m.commas {
		rec.Values = commas(rec.Values)
	}
	r := row{cells: rec.Values}
	for _, i := range m.breaks {
		if lineBreak(r, i) {
			return e, &roster.Refusal{Code: "E102", Line: rec.Line, Column: m.head.names[i], Text: "a key has a line break", Fix: "close the quote in the row named; where there is none, take the line break out in HR"}
		}
	}
	r.bad = m.examine(&e, r, rec.Unsaid)
	e.Outside, e.Preferred = m.outside(r), m.preferred(r)
	var never []target // whose cell says that there is nothing
	for i := range m.given {
		if g := &m.given[i]; m.say(&e, r, g) {
			never = append(never, g.target)
		}
	}
	for i := range m.made {
		if t := &m.made[i]; !t.byDefault || !slices.Contains(never, t.target) {
			m.fill(&e, r, t)
		}
	}
	if m.members != nil {
		var wrong []roster.Problem
		e.Members, wrong = m.members.read(e.Line, setting{r, nameOf(&e, roster.FirstName), nameOf(&e, roster.LastName)})
		m.keepCells(wrong, r)
		e.Problems = append(e.Problems, wrong...)
	}
	e.Wish = m.wish(&e, r)
	m.earlier(&e, r)
	m.secretly(&e, r)
	m.identify(&e)
	forget(&e)
	m.named(&e, r)
	if e.Outside != "" {
		e.Problems = nil // whatever else is wrong with it is another feed's
	}
	for i := range e.Problems {
		e.Problems[i].Key = e.Key
	}
	return e, nil
}

// named reads the account that a row of an export names.
func (m *Mapper) named(e *roster.Entry, r row) {
	text := r.cell(m.id)
	if text == "" {
		return
	}
	var err error
	if e.Account, err = strconv.ParseUint(text, 10, 64); err != nil || e.Account == 0 {
		p := roster.NewProblem("E302", e.Line, "")
		p.Field, p.Column = m.fieldAt[m.id], m.head.names[m.id]
		p.Text, p.Fix = "the id is not the number of an account", "write it as rollcall accounts export does, or leave the cell empty"
		e.Problems = append(e.Problems, p)
	}
}

// examine finds the cells with control characters, mapped or not (R16), beside those
// that the record does not have: none of them can be used.
func (m *Mapper) examine(e *roster.Entry, r row, unsaid []int) (bad []int) {
	bad = slices.Clone(unsaid)
	for i, cell := range r.cells {
		if !hasControl(cell) || m.members != nil && m.members.several(i) && !slices.ContainsFunc(strings.Split(cell, roster.Between), hasControl) {
			continue
		}
		bad = append(bad, i)
		p := roster.NewProblem("E104", e.Line, "")
		if i < len(m.head.names) {
			p.Field, p.Column = m.fieldAt[i], m.head.names[i]
		} else {
			p.Text = fmt.Sprintf("a control character in field %d", i+1)
		}
		e.Problems = append(e.Problems, p)
		m.keep(e.Problems[len(e.Problems)-1:], r, nil, cell)
	}
	return bad
}

// say takes over what a column says of a field. Never tells that the cell is not
// empty and says that there is none, as 9999-12-31 does: no default stands in for that.
func (m *Mapper) say(e *roster.Entry, r row, g *given) (never bool) {
	v, kept, wrong := g.read(r)
	if g.lookup != nil && v != "" && wrong == nil {
		v, wrong = g.lookup.read(r)
	}
	if v == "" && wrong == nil {
		if g.clear && !kept {
			g.say(e, "") // R14
		}
		return false
	}
	found := len(e.Problems)
	switch ok := m.accept(e, g.target, v, wrong, g.normal, g.onInvalid, g.column); {
	case ok && g.field == roster.Username:
		e.Number = m.numberGiven
	case ok:
		return g.said(e) == ""
	default:
		m.keep(e.Problems[found:], r, &g.source, v)
	}
	return false
}

// fill fills a template (R31), unless it is a default of which the record has
// no need. A default that comes out wrong is none: most records never need it,
// and where one does and the field is required, the planner says so.
func (m *Mapper) fill(e *roster.Entry, r row, t *made) {
	if t.byDefault && t.said(e) != "" {
		return
	}
	from := setting{r, nameOf(e, roster.FirstName), nameOf(e, roster.LastName)}
	if t.late {
		e.Late = append(e.Late, t.later(from))
		return
	}
	v := t.template.render(from)
	for _, pipe := range t.pipes {
		v = pipe(v)
	}
	if v == "" {
		return
	}
	if t.byDefault {
		v, wrong := t.normal(v)
		if wrong != nil || v == "" {
			return
		}
		t.propose(e, v)
	} else if found := len(e.Problems); !m.accept(e, t.target, v, nil, t.normal, t.onInvalid, "") {
		m.keep(e.Problems[found:], r, nil, v)
		return
	}
	if t.field == roster.Username {
		e.Number, e.Template = m.numberMade, !t.fixed
	}
}

// later is a value that needs the final username. Where it would not be a
// valid one, it is "".
func (t *made) later(from setting) roster.Late {
	fill, pipes, normal := t.template.later(from), t.pipes, t.normal
	return roster.Late{Field: t.field, Custom: t.custom, Default: t.byDefault, Value: func(username string) string {
		v := fill(username)
		for _, pipe := range pipes {
			v = pipe(v)
		}
		if v == "" {
			return ""
		}
		v, wrong := normal(v)
		if wrong != nil {
			return ""
		}
		return v
	}}
}

// accept brings a value into its normal form and sets the field, or notes
// what is wrong with it and does as on_invalid says (R7).
func (m *Mapper) accept(e *roster.Entry, f target, v string, wrong *flaw, normal form, onInvalid, column string) bool {
	if wrong == nil && m.isKey(f) {
		switch {
		case hasInvisible(v):
			wrong = unseen
		case f.field != roster.Username && meansNothing(v):
			wrong = nothing
		}
	}
	if wrong == nil {
		v, wrong = normal(v)
	}
	if wrong == nil {
		if v == "" && f.field == roster.Username {
			return false // a template of which nothing remains
		}
		f.say(e, v)
		return true
	}
	e.Problems = append(e.Problems, roster.Problem{
		Code: wrong.code, Severity: m.severity(f, wrong, onInvalid), Field: f.String(), Column: column,
		Line: e.Line, Text: wrong.text, Fix: wrong.fix,
	})
	if onInvalid == "blank" && wrong.code != "E104" {
		f.say(e, "")
	}
	return false
}

// severity is how much a wrong value matters: a key that cannot be read and a
// control character reject the row whatever the profile says (R7).
func (m *Mapper) severity(f target, wrong *flaw, onInvalid string) roster.Severity {
	switch {
	case m.isKey(f) || wrong.code == "E104" || wrong.reject || onInvalid == "reject":
		return roster.SeverityError
	case onInvalid != "" || wrong.warn:
		return roster.SeverityWarning
	}
	return roster.Codes[wrong.code].Severity
}

// identify takes the key from its field, or tells that there is none (R3, R42).
func (m *Mapper) identify(e *roster.Entry) {
	v := m.key.said(e)
	if v != "" {
		e.Key = keyOf(m.key.field, v)
		return
	}
	m.key.unsay(e)
	if m.fallback && e.Values[roster.Username] != "" && !e.Template || ends(e) {
		return
	}
	e.KeyBad = true
	p := roster.NewProblem("E120", e.Line, "")
	p.Field, p.Text = m.key.String(), "the key is empty"
	switch {
	case m.Keyless():
		p.Field, p.Text = roster.Username.String(), "the username is empty, and the file has no column of the key"
	case m.fallback:
		p.Text, p.Fix = "the key is empty, and no username is given", "fill in the one or the other in HR"
	}
	for _, said := range e.Problems {
		if said.Field == p.Field && (!m.Keyless() || said.Severity == roster.SeverityError) {
			return // it says why already
		}
	}
	if m.keyFrom != nil {
		p.Column = m.keyFrom.column
	}
	e.Problems = append(e.Problems, p)
}

// keyOf is a field's normal form as a key.
func keyOf(f roster.Field, v string) roster.Key {
	if f == roster.Username || f == roster.Email {
		return roster.Key(v)
	}
	return roster.NormalKey(v)
}

// Broken is the entry of a row that could not be read: rejected, with the key
// that its cell seems to hold.
func (m *Mapper) Broken(rowErr *roster.RowError) roster.Entry {
	e := roster.Entry{Line: rowErr.Record.Line, Broken: true, KeyBad: true}
	p := rowErr.Problem
	if e.Line == 0 {
		e.Line = p.Line
	}
	if v, ok := m.brokenKey(rowErr.Record.Values); ok {
		e.Key, e.KeyBad = v, false
	}
	m.brokenNames(&e, rowErr.Record.Values)
	p.Line, p.Key = e.Line, e.Key
	e.Problems = []roster.Problem{p}
	return e
}

// brokenNames takes over the username, the address and the anchor that the cells of a broken
// row seem to hold: they are used for nothing but to protect who bears them (R3).
func (m *Mapper) brokenNames(e *roster.Entry, cells []string) {
	if m.anchor != nil && m.anchor.index >= 0 && m.anchor.index < len(cells) && !hasControl(cells[m.anchor.index]) {
		if v, _, wrong := m.anchor.read(row{cells: cells}); wrong == nil && !longer(v, maxAnchor) {
			e.Anchor = v
		}
	}
	for i := range m.given {
		g := &m.given[i]
		if g.field != roster.Username && g.field != roster.Email || g.index < 0 || g.index >= len(cells) || hasControl(cells[g.index]) {
			continue
		}
		v, _, wrong := g.read(row{cells: cells})
		if wrong == nil && v != "" {
			v, wrong = g.normal(v)
		}
		if wrong == nil {
			e.Values[g.field] = v
		}
	}
}

func (m *Mapper) brokenKey(cells []string) (roster.Key, bool) {
	if m.keyFrom == nil || m.keyFrom.index >= len(cells) {
		return "", false
	}
	cell := cells[m.keyFrom.index]
	if hasControl(cell) || strings.ContainsAny(cell, "\r\n") {
		return "", false
	}
	v, _, wrong := m.keyFrom.read(row{cells: cells})
	if wrong != nil || v == "" || hasInvisible(v) {
		return "", false
	}
	if v, wrong = m.keyForm(v); wrong != nil || v == "" {
		return "", false
	}
	return keyOf(m.key.field, v), true
}
