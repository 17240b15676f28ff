package mapping

import (
	"maps"
	"slices"
	"strings"

	"rollcall/internal/roster"
)

// A row is one record's cells, and which of them cannot be used (R16).
type row struct {
	cells []string
	bad   []int // places of cells with a control character; mostly nil
}

// cell is a cell as it is meant; "" where there is none that can be used.
func (r row) cell(i int) string {
	if !r.usable(i) {
		return ""
	}
	return tidy(r.cells[i])
}

func (r row) usable(i int) bool {
	return i >= 0 && i < len(r.cells) && (r.bad == nil || !slices.Contains(r.bad, i))
}

// A source says a value as the profile reads it: a column's cell, or a
// constant, through the code table and the transforms.
type source struct {
	name    string // of the field or the control column
	index   int    // the column's place; -1 for a constant
	column  string // the drop's name for it; "" for a constant
	fixed   string // the constant
	values  map[string]string
	other   string // what a word outside values becomes; "" where that is flawed
	silent  bool   // a word outside values says nothing
	unknown *flaw  // of a word outside values
	pipes   []func(string) string
}

func newSource(name string, c Column, h header) source {
	s := source{name: name, index: -1, fixed: tidy(c.Const), pipes: pipesOf(c.Transform)}
	if c.From != "" {
		s.index = h.find(c.From)
		if s.index >= 0 {
			s.column = h.names[s.index]
		}
	}
	s.values = maps.Clone(c.Values)
	s.unknown = &flaw{code: "E122", text: "not in the profile's table of values", reject: c.Other == "reject"}
	if name == status || name == suspended || name == deleted {
		s.unknown = &flaw{code: "E115", text: "not in the profile's table of values", reject: true}
	}
	switch c.Other {
	case "", "reject":
	case "keep":
		s.silent = true
	default:
		s.other = c.Other
	}
	return s
}

// absent tells whether the drop has no such column.
func (s *source) absent() bool { return s.index < 0 && s.fixed == "" }

// read is the value, "" where the cell is empty. Kept tells that the cell is
// not empty and yet says nothing: what is stored stays even under blank: clear.
func (s *source) read(r row) (v string, kept bool, wrong *flaw) {
	if s.index < 0 {
		v = s.fixed
	} else {
		if !r.usable(s.index) {
			return "", true, nil
		}
		v = tidy(r.cells[s.index])
	}
	if s.values != nil {
		to, known := s.values[v]
		switch {
		case known:
			v = to
		case v == "":
		case s.silent:
			return "", true, nil
		case s.other != "":
			v = s.other
		default:
			return "", true, s.unknown
		}
	}
	for _, pipe := range s.pipes {
		v = pipe(v)
	}
	return v, false, nil
}

func pipesOf(names []string) []func(string) string {
	if len(names) == 0 {
		return nil
	}
	known := transforms()
	pipes := make([]func(string) string, 0, len(names))
	for _, name := range names {
		pipes = append(pipes, known[name])
	}
	return pipes
}

// wish is what the record asks of the account's state (R60). Deleted wins over
// everything; words that contradict each other say nothing.
func (m *Mapper) wish(e *roster.Entry, r row) roster.Wish {
	gone := m.flag(e, r, m.deleted)
	off := m.flag(e, r, m.suspended)
	word := m.word(e, r)
	if gone == "1" {
		return roster.WishDelete
	}
	switch {
	case off == "0" && (word == roster.WishSuspend || word == roster.WishLeaver),
		off == "1" && word == roster.WishActive:
		m.report(e, m.status, &flaw{code: "E115", text: "status and suspended contradict each other"})
		return roster.WishNone
	case word == roster.WishLeaver:
		return word
	case off == "1":
		return roster.WishSuspend
	case word != roster.WishNone:
		return word
	case off == "0":
		return roster.WishActive
	}
	return roster.WishNone
}

// flag reads suspended or deleted (R13): "0", "1" or "" for nothing said.
func (m *Mapper) flag(e *roster.Entry, r row, s *source) string {
	if s == nil {
		return ""
	}
	v, _, wrong := s.read(r)
	if wrong == nil && v != "" && v != "0" && v != "1" {
		wrong = notAFlag
	}
	if wrong != nil {
		m.report(e, s, wrong)
		return ""
	}
	return v
}

// word reads status.
func (m *Mapper) word(e *roster.Entry, r row) roster.Wish {
	if m.status == nil {
		return roster.WishNone
	}
	v, _, wrong := m.status.read(r)
	if wrong == nil {
		if w, ok := statusWords[v]; ok {
			return w
		}
		wrong = notAStatus
	}
	m.report(e, m.status, wrong)
	return roster.WishNone
}

var (
	statusWords = map[string]roster.Wish{
		"": roster.WishNone, "active": roster.WishActive, "suspended": roster.WishSuspend,
		"leave": roster.WishLeave, "leaver": roster.WishLeaver,
	}
	notAFlag   = &flaw{code: "E115", text: "not 0 or 1"}
	notAStatus = &flaw{code: "E115", text: "not active, suspended, leave or leaver"}
)

// report notes what is wrong with a control column: it rejects the row.
func (m *Mapper) report(e *roster.Entry, s *source, wrong *flaw) {
	e.Problems = append(e.Problems, roster.Problem{
		Code: wrong.code, Severity: roster.SeverityError, Field: s.name, Column: s.column,
		Line: e.Line, Text: wrong.text, Fix: wrong.fix,
	})
}

// earlier reads what the account was called before (R35, R46).
func (m *Mapper) earlier(e *roster.Entry, r row) {
	if m.oldUsername != nil {
		e.OldUsername = m.former(e, r, m.oldUsername, m.username)
	}
	if m.previousKey != nil {
		e.PreviousKey = roster.Key(m.former(e, r, m.previousKey, m.keyForm))
	}
}

func (m *Mapper) former(e *roster.Entry, r row, s *source, normal form) string {
	v, _, wrong := s.read(r)
	switch {
	case wrong == nil && v == "":
		return ""
	case wrong == nil && s == m.previousKey && hasInvisible(v):
		wrong = unseen
	case wrong == nil:
		v, wrong = normal(v)
	}
	if wrong != nil {
		m.report(e, s, wrong)
		return ""
	}
	return v
}

// lineBreak tells whether a cell spans lines: in a key that is a quote that
// swallowed rows (R18).
func lineBreak(r row, i int) bool {
	return i >= 0 && i < len(r.cells) && strings.ContainsAny(r.cells[i], "\r\n")
}
