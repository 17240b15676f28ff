package mapping

import (
	"maps"
	"slices"
	"strings"
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
	same    bool   // a word outside values is the value
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
	case "same":
		s.same = true
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
		case v == "", s.same:
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

// lineBreak tells whether a cell spans lines: in a key that is a quote that
// swallowed rows (R18).
func lineBreak(r row, i int) bool {
	return i >= 0 && i < len(r.cells) && strings.ContainsAny(r.cells[i], "\r\n")
}
