package format

import (
	"errors"
	"io"
	"strings"

	"rollcall/internal/dn"
	"rollcall/internal/roster"
)

// A Lookup resolves an attribute whose value is the name (DN) of another entry of
// the file, as manager is: a column beside it, [LookedUp], has what that entry has
// of another attribute. So the record says all of it by itself, and is hashed with it.
type Lookup struct {
	Column string // the attribute with the name
	Gives  string // the attribute of the other entry
}

// LookedUp is the name of the column in which a lookup's answer stands.
func LookedUp(column string) string { return "@dn:" + column }

// A lookup is one of them, with its answers.
type lookup struct {
	Lookup
	at      int                    // the place of Column; -1 where no entry has it
	answers map[roster.Hash]string // by the hash of a name's normal form, for names that are asked for
}

// ask notes the names for which an entry asks.
func (x *ldif) ask(e *entry) {
	for i := range x.lookups {
		l := &x.lookups[i]
		name := strings.ToLower(l.Column)
		for _, v := range e.values {
			if string(e.name(v)) == name {
				l.answers[hashDN(e.value(v))] = ""
			}
		}
	}
}

// lookUp reads the file again, for the entries that others name.
func (f *File) lookUp() error {
	x := f.ldif
	asked := false
	for i := range x.lookups {
		asked = asked || len(x.lookups[i].answers) > 0
	}
	if !asked {
		return nil
	}
	s, err := f.scanLDIF()
	if err != nil {
		return err
	}
	defer s.Close()
	for {
		err := s.next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		if !x.isRecord(&s.entry) {
			continue
		}
		sum := hashDN(s.entry.dn)
		for i := range x.lookups {
			l := &x.lookups[i]
			if _, wanted := l.answers[sum]; wanted {
				l.answers[sum] = s.entry.chosen(strings.ToLower(l.Gives))
			}
		}
	}
}

// chosen is the value of an attribute that a cell would have; "" where it has none.
func (e *entry) chosen(name string) string {
	best := -1
	for i, v := range e.values {
		if string(e.name(v)) == name && (best < 0 || e.better(v, e.values[best])) {
			best = i
		}
	}
	if best < 0 || !isText(e.value(e.values[best])) {
		return ""
	}
	return string(e.value(e.values[best]))
}

// cell is the answer to the name that stands in an entry's cells; "" where no entry
// is called so.
func (l *lookup) cell(cells []string) string {
	if l.at < 0 || cells[l.at] == "" {
		return ""
	}
	return l.answers[hashDN([]byte(cells[l.at]))]
}

func hashDN(name []byte) roster.Hash { return hash([]byte(dn.Normal(string(name))), 0) }
