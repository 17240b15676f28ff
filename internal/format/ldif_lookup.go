package format

import (
	"encoding/hex"
	"errors"
	"io"
	"slices"
	"strings"

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

func hashDN(name []byte) roster.Hash { return hash([]byte(normalDN(string(name))), 0) }

// normalDN is a form that two spellings of one name have in common (RFC 4514): types
// and values without regard to case, without blanks around them, without escapes, and
// the parts of one step in order. Values are compared as directories compare names of
// people: case and runs of blanks do not count.
func normalDN(name string) string {
	var b strings.Builder
	for _, step := range splitDN(name, ',') {
		parts := splitDN(step, '+')
		for i, p := range parts {
			kind, value, _ := strings.Cut(p, "=")
			value = unescapeDN(trimDN(value))
			parts[i] = strings.ToLower(strings.TrimSpace(kind)) + "=" + roster.Fold(strings.Join(strings.Fields(value), " "))
		}
		slices.Sort(parts)
		b.WriteString(strings.Join(parts, "\x00+"))
		b.WriteString("\x00,")
	}
	return b.String()
}

// splitDN splits at a character that no backslash stands before.
func splitDN(s string, at byte) (parts []string) {
	from := 0
	for i := 0; i < len(s); i++ {
		switch s[i] {
		case '\\':
			i++
		case at:
			parts = append(parts, s[from:i])
			from = i + 1
		}
	}
	return append(parts, s[from:])
}

// trimDN takes blanks from the ends, but not one that a backslash stands before.
func trimDN(s string) string {
	s = strings.TrimLeft(s, " ")
	t := strings.TrimRight(s, " ")
	if strings.HasSuffix(t, `\`) && len(t) < len(s) && !strings.HasSuffix(t, `\\`) {
		return s[:len(t)+1]
	}
	return t
}

func unescapeDN(s string) string {
	if strings.IndexByte(s, '\\') < 0 {
		return s
	}
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		if s[i] != '\\' || i+1 == len(s) {
			b.WriteByte(s[i])
			continue
		}
		if i+2 < len(s) {
			if one, err := hex.DecodeString(s[i+1 : i+3]); err == nil {
				b.Write(one)
				i += 2
				continue
			}
		}
		i++
		b.WriteByte(s[i])
	}
	return b.String()
}
