package format

import (
	"bytes"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"

	"rollcall/internal/roster"
)

// whole takes the record whose tag begins at pos, to its end.
func (s *elementScanner) whole(t tag, size int) error {
	for _, a := range t.attributes {
		if a.name != "xmlns" && !strings.HasPrefix(a.name, "xmlns:") {
			if _, err := s.met("@"+a.name, s.resolve(a.name, false), "@"); err != nil {
				return s.misread(err)
			}
		}
	}
	for {
		n, err := s.findEnd(s.buf[s.pos:s.end], t, size)
		if errors.Is(err, errMore) {
			if err := s.more("record"); err != nil {
				return err
			}
			continue
		}
		if err != nil {
			return s.misread(err)
		}
		if n > maxRecord {
			return s.tooLong("record")
		}
		s.raw = s.buf[s.pos : s.pos+n]
		s.plain = s.plain && len(t.attributes) == 0 && !bytes.Contains(s.raw, []byte("]]>")) && !(s.returns && bytes.IndexByte(s.raw, '\r') >= 0)
		if len(s.parts) > maxParts {
			return &roster.Refusal{Code: "E411", Line: s.lines, Text: fmt.Sprintf("a record has more than %d elements", maxParts), Fix: "have HR send fewer"}
		}
		s.skip(s.pos + n)
		return nil
	}
}

// findEnd is the size of the record with which text begins. Its tag has been
// read. While it is plain its parts are noted.
func (s *elementScanner) findEnd(text []byte, t tag, size int) (int, error) {
	s.order, s.parts = s.parts, s.order[:0] // the names most likely come in the order of the record before
	last := s.order
	s.plain = true
	if t.empty {
		return size, nil
	}
	for i, k := size, 0; ; k++ {
		j := bytes.IndexByte(text[i:], '<')
		if j < 0 || i+j+1 >= len(text) {
			return 0, errMore
		}
		if !blanks(text[i : i+j]) {
			return s.findByDepth(text, t, size)
		}
		i += j
		if text[i+1] == '/' {
			n, ok := endSize(text[i:], t.name)
			if !ok {
				return s.findByDepth(text, t, size)
			}
			return i + n, nil
		}
		name, n := -1, 0
		if k < len(last) {
			if guess := s.names[last[k].name].text; begins(text[i+1:], guess, '>') {
				name, n = last[k].name, len(guess)
			}
		}
		if name < 0 {
			n = nameSize(text[i+1:])
			if i+1+n >= len(text) {
				return 0, errMore
			}
			if n == 0 || text[i+1+n] != '>' {
				return s.findByDepth(text, t, size)
			}
			known, cached := s.byName[string(text[i+1:i+1+n])]
			if !cached {
				word := string(text[i+1 : i+1+n])
				if !wellNamed(word) {
					return 0, badTag{i + 1, "an element without a proper name"}
				}
				var err error
				if known, err = s.met(word, s.resolve(word, true), ""); err != nil {
					return 0, err
				}
				s.byName[word] = known
			}
			name = known
		}
		from := i + n + 2
		if from > len(text) {
			return 0, errMore
		}
		j = bytes.IndexByte(text[from:], '<')
		if j < 0 || from+j+2 >= len(text) {
			return 0, errMore
		}
		if j > maxElement {
			return 0, manyParts(fmt.Sprintf("an element is longer than %d KiB", maxElement>>10))
		}
		i = from + j
		rest := text[i+1:]
		if rest[0] != '/' || !begins(rest[1:], s.names[name].text, '>') {
			return s.findByDepth(text, t, size)
		}
		s.parts = append(s.parts, part{name, from, i})
		i += n + 3
	}
}

// begins tells whether text begins with a word and what ends it.
func begins(text []byte, word string, end byte) bool {
	return len(text) > len(word) && text[len(word)] == end && string(text[:len(word)]) == word
}

// blanks tells whether a text is white space.
func blanks(text []byte) bool {
	for _, c := range text {
		if !space(c) {
			return false
		}
	}
	return true
}

// endSize is the size of the end of an element called name, with which text begins.
func endSize(text []byte, name string) (int, bool) {
	if begins(text[2:], name, '>') {
		return len(name) + 3, true
	}
	return 0, false
}

// findByDepth does the same for a record that is not plain. It counts how deep
// it is, and notes which elements and attributes stand in the record.
func (s *elementScanner) findByDepth(text []byte, t tag, size int) (int, error) {
	s.plain = false
	s.parts = s.parts[:0]
	open := []string{t.name}
	count := len(t.attributes)
	scope := len(s.scope)
	routes := len(s.trail.routes) > 0
	s.trail.scopes = s.trail.scopes[:0]
	defer func() { s.scope = s.scope[:scope] }()
	for i := size; ; {
		j := bytes.IndexByte(text[i:], '<')
		if j > maxElement {
			return 0, manyParts(fmt.Sprintf("an element is longer than %d KiB", maxElement>>10))
		}
		if j < 0 || len(text)-i-j < 9 && !bytes.HasPrefix(text[i+j:], []byte("</")) && bytes.IndexByte(text[i+j:], '>') < 0 {
			return 0, errMore
		}
		i += j
		rest := text[i:]
		switch {
		case bytes.HasPrefix(rest, []byte("<!--")):
			k := bytes.Index(rest[4:], []byte("--"))
			if k < 0 || 4+k+2 >= len(rest) {
				return 0, errMore
			}
			if rest[4+k+2] != '>' {
				return 0, badTag{i + 4 + k, "-- stands inside a comment"}
			}
			i += 4 + k + 3
		case bytes.HasPrefix(rest, []byte("<![CDATA[")):
			k := bytes.Index(rest, []byte("]]>"))
			if k < 0 {
				return 0, errMore
			}
			if k > maxElement {
				return 0, manyParts(fmt.Sprintf("an element is longer than %d KiB", maxElement>>10))
			}
			i += k + 3
		case bytes.HasPrefix(rest, []byte("<!")):
			return 0, badTag{i, "a declaration stands inside a record"}
		case bytes.HasPrefix(rest, []byte("<?")):
			k := bytes.Index(rest, []byte("?>"))
			if k < 0 {
				return 0, errMore
			}
			if target := rest[2:k]; nameSize(target) == 0 || bytes.EqualFold(target[:nameSize(target)], []byte("xml")) {
				return 0, badTag{i, "an instruction that may not stand here"}
			}
			i += k + 2
		case bytes.HasPrefix(rest, []byte("</")):
			k := bytes.IndexByte(rest, '>')
			if k < 0 {
				return 0, errMore
			}
			if string(bytes.TrimRight(rest[2:k], " \t\r\n")) != open[len(open)-1] {
				return 0, badTag{i, fmt.Sprintf("the element <%s> is not closed before this", shorten(open[len(open)-1]))}
			}
			i += k + 1
			if open = open[:len(open)-1]; len(open) == 0 {
				return i, nil
			}
			if routes {
				s.leaveElement()
			}
		default:
			n, err := tagSize(rest)
			var bad badTag
			if errors.As(err, &bad) {
				return 0, badTag{i + bad.at, bad.text}
			}
			if err != nil {
				return 0, err
			}
			inner, err := readTag(rest[:n])
			if errors.As(err, &bad) {
				return 0, badTag{i + bad.at, bad.text}
			}
			if err != nil {
				return 0, err
			}
			if len(open) == 1 {
				if _, err := s.child(inner); err != nil {
					return 0, err
				}
			}
			if count++; count > maxParts {
				return 0, manyParts(fmt.Sprintf("a record has more than %d elements", maxParts))
			}
			if routes {
				s.enter(inner, len(open), func(r int, _ *string) { s.reached[r] = true })
			}
			i += n
			if inner.empty {
				if routes {
					s.leaveElement()
				}
				break
			}
			if open = append(open, inner.name); len(s.open)+len(open) > maxDepth {
				return 0, manyParts(fmt.Sprintf("elements stand in each other more than %d deep", maxDepth))
			}
		}
	}
}

// child is the name of an element below the record, in the scope that its own
// attributes make.
func (s *elementScanner) child(t tag) (int, error) {
	before := len(s.scope)
	s.bindOnly(t)
	q := s.resolve(t.name, true)
	s.scope = s.scope[:before]
	return s.met(t.name, q, "")
}

// met is the number of a name: a new one where it is met for the first time.
// mark is @ for attributes.
func (s *elementScanner) met(text string, q qname, mark string) (int, error) {
	home := s.path[len(s.path)-1].uri
	shown := mark + q.local
	switch prefix, ours := s.prefix[q.uri]; {
	case q.uri == "" || q.uri == home:
	case ours:
		shown = mark + prefix + ":" + q.local
	case strings.HasPrefix(q.uri, "?") && q.uri != "?xml":
		return 0, badTag{0, "the prefix " + shorten(q.uri[1:]) + ": is not declared, in the record that begins here"}
	default:
		shown = mark + text[len(mark):] + " of another namespace"
	}
	for i, n := range s.names {
		if n.text == text && n.shown == shown {
			return i, nil
		}
	}
	if len(s.names) == maxSeen {
		return 0, manyParts(fmt.Sprintf("the records have more than %d different elements", maxSeen))
	}
	column, named := s.at[roster.Fold(shown)]
	if !named {
		column = -1
	}
	s.names = append(s.names, known{text, column, shown})
	return len(s.names) - 1, nil
}

// record reads the record that the scanner stands on. The error is a row's
// where the rest of the drop can still be used.
func (s *elementScanner) record() (roster.Record, error) {
	if !s.plain {
		return s.decode()
	}
	d := &s.decoded
	d.reset(s.columns)
	for _, p := range s.parts {
		column := s.names[p.name].column
		if column < 0 {
			continue
		}
		from := len(d.text)
		var ok bool
		if d.text, ok = appendText(d.text, s.raw[p.from:p.to]); !ok {
			return s.decode()
		}
		d.put(column, from)
	}
	return d.record(s.line)
}

// A decoder holds what is being read of a record.
type decoder struct {
	text  []byte
	cells []cell // by column
	fault string // what is wrong with the record's form

	lists []bool         // by column: the record may have several values
	more  map[int][]byte // all values of such a column that has several
}

// A cell is the place of a value in the text.
type cell struct {
	from, to int
	times    int // how often the record has it
}

func (d *decoder) reset(columns int) {
	d.text, d.fault = d.text[:0], ""
	if d.cells == nil {
		d.cells = make([]cell, columns)
	}
	clear(d.cells)
	clear(d.more)
}

// put makes what was appended from there on the value of a column.
func (d *decoder) put(column, from int) {
	c := &d.cells[column]
	first := d.text[c.from:c.to]
	c.from, c.to = from, len(d.text)
	c.times++
	switch {
	case c.times == 1:
	case d.lists == nil || !d.lists[column]:
		d.fault = "an element that the profile names is there twice"
	default:
		if d.more == nil {
			d.more = map[int][]byte{}
		}
		if c.times == 2 {
			d.more[column] = append(d.more[column][:0], first...)
		}
		d.more[column] = append(append(d.more[column], roster.Between...), d.text[c.from:c.to]...)
	}
}

// record is what was read as values that last.
func (d *decoder) record(line int) (roster.Record, error) {
	text := string(d.text)
	rec := roster.Record{Line: line, Values: make([]string, len(d.cells))}
	for i, c := range d.cells {
		switch {
		case c.times == 1:
			rec.Values[i] = text[c.from:c.to]
		case c.times > 1 && d.lists != nil && d.lists[i]:
			rec.Values[i] = string(d.more[i])
		} // of two values else none is believed
	}
	if d.fault == "" {
		return rec, nil
	}
	p := roster.NewProblem("E101", line, "")
	p.Text = d.fault
	p.Fix = "have HR send each element once, with text and nothing else in it; where several are meant, as programs, write each: true for them in map"
	return rec, &roster.RowError{Record: rec, Problem: p}
}

// decode reads a record that is not plain, by the standard decoder.
func (s *elementScanner) decode() (roster.Record, error) {
	d := &s.decoded
	d.reset(s.columns)
	from := xml.NewDecoder(bytes.NewReader(s.raw))
	routes, scope := len(s.trail.routes) > 0, len(s.scope)
	s.trail.scopes = s.trail.scopes[:0]
	defer func() { s.scope = s.scope[:scope] }()
	depth, taken, start := 0, 0, 0 // of the element whose text is taken; 0: none
	var columns []int              // that get it
	for {
		token, err := from.RawToken()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			line := s.line
			var wrong *xml.SyntaxError
			if errors.As(err, &wrong) {
				line += wrong.Line - 1
			}
			return roster.Record{}, s.noCharacter(line)
		}
		switch t := token.(type) {
		case xml.StartElement:
			depth++
			inner := tagOf(t)
			if depth == 1 {
				if err := s.attributes(inner); err != nil {
					return roster.Record{}, err
				}
				break
			}
			if taken > 0 {
				d.fault = "an element that the profile names has elements in it; name the one that is meant, like name/first"
			}
			to := columns[:0:0]
			if depth == 2 {
				name, err := s.child(inner)
				if err != nil {
					return roster.Record{}, err
				}
				if column := s.names[name].column; column >= 0 {
					to = append(to, column)
				}
			}
			if routes {
				s.enter(inner, depth-1, func(r int, value *string) {
					column := s.trail.routes[r].column
					if value == nil {
						to = append(to, column)
						return
					}
					at := len(d.text)
					d.text = append(d.text, *value...)
					d.put(column, at)
				})
			}
			if len(to) > 0 {
				columns, taken, start = to, depth, len(d.text)
			}
		case xml.EndElement:
			if depth == taken {
				for _, column := range columns {
					d.put(column, start)
				}
				taken = 0
			}
			if routes && depth > 1 {
				s.leaveElement()
			}
			depth--
		case xml.CharData:
			switch {
			case taken > 0 && depth == taken:
				d.text = append(d.text, t...)
			case depth == 1 && !blanks(t):
				d.fault = "text stands between the elements of the record"
			}
		}
	}
	rec, err := d.record(s.line)
	if half.Match(s.raw) && slices.ContainsFunc(rec.Values, func(v string) bool { return strings.ContainsRune(v, utf8.RuneError) }) {
		return roster.Record{}, s.noCharacter(s.line) // the standard decoder takes half a character for an unknown one
	}
	return rec, err
}

// half finds references to halves of characters, which are none (surrogates).
var half = regexp.MustCompile(`&#(x0*[dD][89a-fA-F][0-9a-fA-F]{2}|0*5[5-7][0-9]{3});`)

func (s *elementScanner) noCharacter(line int) error {
	return &roster.Refusal{Code: "E411", Line: line, Text: "not well-formed: a reference or a character that XML does not have, in the record that begins in line " + fmt.Sprint(s.line), Fix: "have HR write the file with an XML library"}
}

// attributes takes those of the record's own tag.
func (s *elementScanner) attributes(t tag) error {
	for _, a := range t.attributes {
		if a.name == "xmlns" || strings.HasPrefix(a.name, "xmlns:") {
			continue
		}
		name, err := s.met("@"+a.name, s.resolve(a.name, false), "@")
		if err != nil {
			return err
		}
		if column := s.names[name].column; column >= 0 {
			from := len(s.decoded.text)
			s.decoded.text = append(s.decoded.text, a.value...)
			s.decoded.put(column, from)
		}
	}
	return nil
}

// tagOf is an element of the standard decoder's as ours.
func tagOf(e xml.StartElement) tag {
	written := func(n xml.Name) string {
		if n.Space == "" {
			return n.Local
		}
		return n.Space + ":" + n.Local
	}
	t := tag{name: written(e.Name)}
	for _, a := range e.Attr {
		t.attributes = append(t.attributes, attribute{written(a.Name), a.Value})
	}
	return t
}
