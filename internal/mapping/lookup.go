package mapping

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"rollcall/internal/roster"
)

// A field whose column names another entry of a directory, as manager does, is what
// that entry's own record says of its username (lookup: dn). The format answers with
// the text, in a column beside; here it gets the form that the other record's username gets.

// LookUps are the columns that name other entries, each with the column of which the
// answer is: that of the username, or of the key where a template makes the username.
func (o Options) LookUps() (pairs [][2]string) {
	gives, _ := o.lookedUpFrom()
	for _, name := range slices.Sorted(maps.Keys(o.Map)) {
		if c := o.Map[name]; c.Lookup != "" && c.From != "" && gives != "" {
			pairs = append(pairs, [2]string{c.From, gives})
		}
	}
	return pairs
}

// lookedUpFrom is the column of which answers are, and the field that it says.
func (o Options) lookedUpFrom() (column string, t target) {
	if c := o.Map[roster.Username.String()]; c.From != "" {
		return c.From, target{field: roster.Username}
	}
	return o.Map[o.keyTarget().String()].From, o.keyTarget()
}

// An answer is where a lookup's answer stands, and what it means.
type answer struct {
	index  int // of the column; -1 where the drop has none, as it is no directory's
	source source
	normal form
}

// lookUp binds a lookup; nil where the column has none.
func (m *Mapper) lookUp(o Options, c Column) *answer {
	if c.Lookup == "" {
		return nil
	}
	_, t := o.lookedUpFrom()
	a := &answer{index: m.head.find("@dn:" + c.From), source: newSource(t.String(), o.Map[t.String()], m.head), normal: m.username}
	if t.field != roster.Username {
		a.normal = m.keyForm
	}
	return a
}

// read is what the other entry's record says; wrong where there is no such entry.
func (a *answer) read(r row) (string, *flaw) {
	text := r.cell(a.index)
	if text == "" {
		return "", &flaw{code: "E122", warn: true, text: "it names an entry that the drop does not have", fix: "have the base and the filter of the source take in that entry too, or the attribute corrected where that entry is gone; until then what is stored stays"}
	}
	s := a.source
	s.index, s.fixed = -1, text
	v, _, wrong := s.read(r)
	if wrong == nil {
		v, wrong = a.normal(v)
	}
	if wrong != nil || v == "" {
		return "", &flaw{code: "E122", warn: true, text: "the entry that it names has no username that can be used", fix: "correct that entry"}
	}
	return v, nil
}

// lookup checks lookup:.
func (k *checker) lookup(name string, c Column) {
	switch {
	case c.Lookup == "":
		return
	case c.Lookup != "dn":
		k.fault(name+".lookup", fmt.Sprintf("%q is no lookup", c.Lookup), "write lookup: dn")
		return
	case c.From == "":
		k.fault(name+".lookup", "there is no column whose names it could look up", "write from:")
	case name == roster.Username.String() || name == k.o.keyTarget().String():
		k.fault(name+".lookup", "by it people are told apart, and it is looked up for others", "leave lookup: out")
	case len(c.Values) > 0 || len(c.Transform) > 0:
		k.fault(name+".lookup", "values: and transform: are for the cell, and what is looked up is another entry's username", "leave them out")
	}
	if from, _ := k.o.lookedUpFrom(); from == "" || strings.HasPrefix(from, "@") {
		k.fault(name+".lookup", "map: has no column of the username or the key that could be looked up", "write username: or the match key with the name of an attribute")
	}
}
