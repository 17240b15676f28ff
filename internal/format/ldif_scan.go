package format

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"

	"rollcall/internal/roster"
)

// An ldifScanner reads the entries of an LDIF file one after the other. It
// knows physical lines, joins those that were folded, and refuses what is no
// entry: a record of a change, an address in place of a value, an answer that
// its own comments call incomplete.
type ldifScanner struct {
	io.Closer
	r     *bufio.Reader
	line  int    // physical, of the next line
	text  []byte // the line that was read last, unfolded, without its end
	at    int    // its first physical line
	lower []byte // a name
	entry entry
	asked []string // attributes that a comment before the first entry names

	begun   bool // something besides comments was read
	entries int  // since the last count
}

func newLDIFScanner(r io.Reader, c io.Closer) *ldifScanner {
	return &ldifScanner{Closer: c, r: bufio.NewReaderSize(r, headSize), line: 1}
}

// An entry lasts until the next is read. Its values stand in the order of the
// file, but those of one attribute together.
type entry struct {
	line   int
	dn     []byte
	rdn    []assertion // what the name bears; nil where nobody has asked yet
	values []value
	text   []byte // all names and values
}

// A value is one line of an entry, as places in its text.
type value struct {
	line           int
	spelled, lower int // where the name begins as it is written, and in lower case
	size           int // of either
	from, to       int // of the value
}

func (e *entry) name(v value) []byte     { return e.text[v.lower : v.lower+v.size] }
func (e *entry) spelling(v value) []byte { return e.text[v.spelled : v.spelled+v.size] }
func (e *entry) value(v value) []byte    { return e.text[v.from:v.to] }

// next reads an entry. It ends with io.EOF, a refusal or an error of the disk.
func (s *ldifScanner) next() error {
	e := &s.entry
	*e = entry{values: e.values[:0], text: e.text[:0], dn: e.dn[:0]}
	for {
		err := s.nextLine()
		switch {
		case errors.Is(err, io.EOF) && e.line > 0:
			s.done()
			return nil // the next call says it again
		case err != nil:
			return err
		case len(s.text) == 0 && e.line > 0:
			s.done()
			return nil
		case len(s.text) == 0:
			continue
		case s.text[0] == '#':
			if err := s.comment(string(s.text)); err != nil {
				return err
			}
			continue
		}
		if err := s.attribute(); err != nil {
			return err
		}
	}
}

// done puts the values of an entry that is whole in their order.
func (s *ldifScanner) done() {
	s.entries++
	e := &s.entry
	for i := 1; i < len(e.values); i++ {
		if bytes.Equal(e.name(e.values[i]), e.name(e.values[i-1])) {
			continue
		}
		slices.SortStableFunc(e.values, func(a, b value) int { return bytes.Compare(e.name(a), e.name(b)) })
		return
	}
}

// nextLine reads a line with those that continue it.
func (s *ldifScanner) nextLine() error {
	s.text, s.at = s.text[:0], s.line
	for {
		chunk, err := s.r.ReadSlice('\n')
		s.text = append(s.text, chunk...)
		switch {
		case len(s.text) > maxLDIFLine:
			return s.refuse(fmt.Sprintf("the line that begins here is longer than %d MiB", maxLDIFLine>>20), "export the attributes that the profile uses, and no photos")
		case errors.Is(err, bufio.ErrBufferFull):
			continue
		case errors.Is(err, io.EOF) && len(s.text) == 0:
			return io.EOF
		case errors.Is(err, io.EOF):
			return &roster.Refusal{Code: "E408", Line: s.line, Text: "the file ends inside a line", Fix: "ask for the whole file; one that is written by hand ends with a line end"}
		case err != nil:
			return placed(err, s.line+lineEnds(s.text))
		}
		s.line++
		s.text = bytes.TrimSuffix(s.text[:len(s.text)-1], []byte("\r"))
		follows, _ := s.r.Peek(1) // an error is met again by the next read
		if len(follows) == 0 || follows[0] != ' ' {
			break
		}
		if len(s.text) == 0 {
			return s.refuse("a line that begins with a blank continues nothing", "remove the blank, or the empty line before it")
		}
		_, _ = s.r.Discard(1) // it has been peeked
	}
	if bytes.IndexByte(s.text, '\r') >= 0 {
		return s.refuse("a carriage return inside a line", "have the file saved with ordinary line ends")
	}
	return nil
}

func (s *ldifScanner) refuse(text, fix string) error {
	return &roster.Refusal{Code: "E411", Line: s.at, Text: text, Fix: fix}
}

// attribute takes a line of an entry.
func (s *ldifScanner) attribute() error {
	e := &s.entry
	name, text, found := bytes.Cut(s.text, []byte(":"))
	if !found || !isDescription(name) {
		return s.refuse("the line is neither an attribute with a colon, nor a comment", "check that the file is LDIF")
	}
	lower := s.lowered(name)
	is := func(word string) bool { return string(lower) == word }
	switch {
	case is("version") && !s.begun:
		s.begun = true
		if v := string(bytes.TrimSpace(text)); v != "1" {
			return s.refuse("the file is of a version of LDIF other than 1", "have it exported as version 1")
		}
		return nil
	case e.line == 0:
		s.begun = true
		return s.begin(string(lower), text)
	case is(dnColumn):
		return s.refuse("a second dn: in one entry", "an empty line stands between entries")
	case len(e.values) == 0 && (is("changetype") || is("control")):
		return s.refuse(fmt.Sprintf("the entry is a record of a change (%s:), and only entries themselves are read", lower), "export the entries as they are, with ldapsearch -LLL or slapcat; out of a full export by ldifde take the lines changetype: add")
	case len(e.values) == maxValues:
		return s.refuse(fmt.Sprintf("the entry has more than %d values", maxValues), "export only the attributes that the profile uses")
	}
	if bytes.IndexByte(lower, ';') >= 0 {
		var err error
		if name, err = s.options(name); err != nil {
			return err
		}
		lower = s.lowered(name)
	}
	v := value{line: s.at, size: len(name)}
	v.spelled = len(e.text)
	e.text = append(e.text, name...)
	v.lower = len(e.text)
	e.text = append(e.text, lower...)
	v.from = len(e.text)
	var err error
	if e.text, err = decodeValue(e.text, text, s.at); err != nil {
		return err
	}
	if readable := binaryText(string(lower), e.text[v.from:]); readable != "" {
		e.text = append(e.text[:v.from], readable...)
	}
	v.to = len(e.text)
	if len(e.text) > maxLDIFEntry {
		return s.refuse(fmt.Sprintf("the entry is larger than %d MiB", maxLDIFEntry>>20), "export the attributes that the profile uses, and no photos")
	}
	if v.from < v.to {
		e.values = append(e.values, v) // a value of nothing is none
	}
	return nil
}

// lowered is a name in lower case, until the next is asked for.
func (s *ldifScanner) lowered(name []byte) []byte {
	s.lower = append(s.lower[:0], name...)
	for i, c := range s.lower {
		if 'A' <= c && c <= 'Z' {
			s.lower[i] = c + 'a' - 'A'
		}
	}
	return s.lower
}

// options is the name of an attribute with those options that make it another:
// a language, and not the way in which it was carried here.
func (s *ldifScanner) options(name []byte) ([]byte, error) {
	parts := strings.Split(string(name), ";")
	kept := parts[:1]
	for _, o := range parts[1:] {
		switch lower := strings.ToLower(o); {
		case lower == "binary", lower == "range=0-*":
		case strings.HasPrefix(lower, "range="):
			return nil, &roster.Refusal{Code: "E408", Line: s.at, Column: parts[0], Text: "only a range of the attribute's values is there", Fix: "have all of them exported"}
		default:
			kept = append(kept, o)
		}
	}
	return []byte(strings.Join(kept, ";")), nil
}

// begin takes the first line of an entry, its name.
func (s *ldifScanner) begin(lower string, text []byte) error {
	e := &s.entry
	switch lower {
	case dnColumn:
	case "search", "result":
		return s.ending(lower, string(bytes.TrimSpace(text)))
	default:
		return s.refuse("an entry begins with dn:, and this line does not", "check that the file is LDIF and no entry lost its beginning")
	}
	var err error
	if e.dn, err = decodeValue(e.dn, text, s.at); err != nil {
		return err
	}
	if !isText(e.dn) {
		return s.refuse("the entry's name is not UTF-8", "have the file exported again")
	}
	e.line = s.at
	return nil
}

// ending reads what ldapsearch says below its last entry: search: 2, and
// result: 0 Success, in a block of their own.
func (s *ldifScanner) ending(lower, text string) error {
	if lower == "search" {
		return nil
	}
	if code, words, _ := strings.Cut(text, " "); code != "0" {
		return incomplete(s.at, words)
	}
	return nil
}

func incomplete(line int, words string) error {
	return &roster.Refusal{Code: "E408", Line: line, Text: "the export itself says that it is incomplete: " + strconv.Quote(words[:min(len(words), 60)]), Fix: "have the directory's administrator lift the limit for the account that exports"}
}

// comment reads what exporters, and rollcall itself, say about the file.
func (s *ldifScanner) comment(text string) error {
	key, said, _ := strings.Cut(strings.TrimSpace(strings.TrimLeft(text, "# ")), ": ")
	switch {
	case key == askedFor && !s.begunEntries():
		s.asked = strings.Fields(said)
		if len(s.asked) > maxColumns {
			return s.refuse(fmt.Sprintf("more than %d attributes were asked for", maxColumns), "")
		}
	case key == countOfEntries:
		want, err := strconv.Atoi(strings.TrimSpace(said))
		if got := s.entries + min(s.entry.line, 1); err == nil && got != want {
			return &roster.Refusal{Code: "E408", Line: s.at, Text: fmt.Sprintf("a comment counts %d entries, the file has %d", want, got)}
		}
		s.entries = -min(s.entry.line, 1)
	case key == "result":
		if code, words, _ := strings.Cut(said, " "); code != "0" && isNumber(code) {
			return incomplete(s.at, words)
		}
	}
	return nil
}

func (s *ldifScanner) begunEntries() bool { return s.entries != 0 || s.entry.line > 0 }

// Comments that mean something. The first is written by rollcall's own reading of
// a directory, the second by ldapsearch too, which counts its entries at the end.
const (
	askedFor       = "asked for"
	countOfEntries = "numEntries"
)

func isNumber(s string) bool { return s != "" && strings.Trim(s, "0123456789") == "" }

// isDescription tells whether s can be the name of an attribute, with options.
func isDescription(s []byte) bool {
	if len(s) == 0 || len(s) > 256 {
		return false
	}
	for i, c := range s {
		switch {
		case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9':
		case i > 0 && (c == '-' || c == ';' || c == '.' || c == '=' || c == '*' || c == '_'):
		default:
			return false
		}
	}
	return true
}
