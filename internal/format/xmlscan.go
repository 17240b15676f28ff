package format

import (
	"bytes"
	"cmp"
	endian "encoding/binary"
	"errors"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"rollcall/internal/roster"
)

// An elementScanner finds records in XML and proves its form: that elements
// close in order, one root, no document type, no control characters, bounds.
//
// A record that is plain (elements that hold text, and nothing else) is read on
// the way; one with attributes, comments, CDATA, references other than the five
// named ones, or elements in elements is left to the standard decoder
// ([elementScanner.decode]).
type elementScanner struct {
	r io.Reader
	io.Closer
	*elements
	columns int

	buf      []byte
	pos, end int
	lines    int   // the line of buf[pos], counted from 1
	from     int64 // where in buf that line begins; before it where negative
	err      error // why nothing follows buf[:end]
	returns  bool  // buf[pos:end] has a carriage return

	open    []openElement // from the root inwards
	onPath  int           // how many of them are the steps of the path
	rooted  bool          // the root has been closed
	began   bool          // something stood before pos
	scope   []binding     // namespaces, the innermost last
	foreign string        // the namespace of an element that is called like the first step
	other   bool          // the root is called otherwise
	beside  int           // the line of the first element that stands where records do and is called nearly like one; 0: none
	strays  strays        // elements that are called like a record and stand elsewhere
	holders []string      // paths of the first elements that have elements in them, for whoever has named another

	line   int    // of the record
	raw    []byte // the record, from < to >; lasts until the next
	own    int    // bindings in scope before the record's own
	leave  bool   // the record's own are still there
	around []byte // room for [elementScanner.hash]
	parts  []part // of a plain record
	order  []part // of the record before

	usual    []byte // the tag of a record without attributes, as it was last read
	usualTag tag
	plain    bool

	trail   trail
	reached []bool         // by route: some record has what it leads to
	names   []known        // every name below a record that was met
	byName  map[string]int // in names, by how it is written
	decoded decoder
}

// strays are elements that were passed over though they are called like a record.
type strays struct{ count, line int } // the line of the first

// An openElement is one whose end has not come.
type openElement struct {
	name     string
	line     int
	bindings int // of the scope, when it closes
}

// A binding gives a prefix its namespace.
type binding struct{ prefix, uri string }

// A part is an element of a plain record.
type part struct {
	name     int // in names
	from, to int // of its text in raw
}

// known is a name below records, resolved.
type known struct {
	text   string // as written
	column int    // -1: the map does not name it
	shown  string // as a map would name it
}

func newElementScanner(r io.Reader, c io.Closer, e *elements, columns int) *elementScanner {
	return &elementScanner{
		r: r, Closer: c, elements: e, columns: columns, lines: 1,
		buf: make([]byte, 2*maxRecord), byName: map[string]int{},
		trail: trail{routes: e.routes}, reached: make([]bool, len(e.routes)), decoded: decoder{lists: e.lists},
	}
}

// fill moves what is left to the front, reads until the buffer is full, and
// looks at every character once.
func (s *elementScanner) fill() {
	s.from -= int64(s.pos)
	copy(s.buf, s.buf[s.pos:s.end])
	s.end -= s.pos
	s.pos = 0
	fresh := s.end
	for idle := 0; s.err == nil && len(s.buf)-s.end >= 64; {
		n, err := s.r.Read(s.buf[s.end:])
		s.end += n
		s.err = err
		if idle++; n > 0 {
			idle = 0
		} else if err == nil && idle > 100 {
			s.err = io.ErrNoProgress
		}
	}
	s.returns = bytes.IndexByte(s.buf[s.pos:s.end], '\r') >= 0
	if at := forbidden(s.buf[max(0, fresh-2):s.end]); at >= 0 {
		s.end = max(0, fresh-2) + at
		s.err = &here{roster.Refusal{Code: "E411", Text: "not well-formed: a character that XML does not have", Fix: "have HR write the file with an XML library"}}
	}
}

// forbidden is the place of the first character that no XML document has; -1
// where there is none. The text is UTF-8.
func forbidden(text []byte) int {
	const ones, high = 0x0101010101010101, 0x8080808080808080
	for i := 0; i < len(text); {
		if i+8 <= len(text) {
			w := endian.LittleEndian.Uint64(text[i:])
			if (w-0x20*ones)&^w&high == 0 { // nothing below a space
				i += 8
				continue
			}
		}
		for stop := min(i+8, len(text)); i < stop; i++ {
			if c := text[i]; c < ' ' && c != '\t' && c != '\n' && c != '\r' {
				return i
			}
		}
	}
	for rest, at := text, 0; ; {
		i := bytes.IndexByte(rest, 0xEF) // U+FFFE and U+FFFF
		if i < 0 || i+2 >= len(rest) {
			return -1
		}
		if rest[i+1] == 0xBF && rest[i+2] >= 0xBE {
			return at + i
		}
		at += i + 1
		rest = rest[i+1:]
	}
}

// more asks for more text behind buf[s.pos:s.end]; an error means that there is
// none, or that what begins at pos is too long.
func (s *elementScanner) more(what string) error {
	if s.err != nil {
		if errors.Is(s.err, io.EOF) {
			return s.cut()
		}
		return placed(s.err, s.lines+lineEnds(s.buf[s.pos:s.end]))
	}
	if s.end-s.pos > maxRecord {
		return s.tooLong(what)
	}
	s.fill()
	return nil
}

func (s *elementScanner) tooLong(what string) error {
	return &roster.Refusal{Code: "E411", Line: s.lines, Text: fmt.Sprintf("the %s that begins here is longer than %d KiB", what, maxRecord>>10), Fix: "look for an element that is never closed, or have HR send less of it"}
}

// cut is the refusal of a file that ends too early.
func (s *elementScanner) cut() error {
	if len(s.open) == 0 && !s.rooted {
		return errEmpty()
	}
	line, what := s.lines, "a tag"
	if len(s.open) > 0 {
		line, what = s.open[len(s.open)-1].line, fmt.Sprintf("the element <%s>", shorten(s.open[len(s.open)-1].name))
	}
	return &roster.Refusal{Code: "E408", Line: line, Text: "the file ends inside " + what + " that begins here"}
}

// wrong is a refusal of what stands at buf[i].
func (s *elementScanner) wrong(i int, text string) error {
	before := s.buf[s.pos:i]
	from := s.from
	if k := bytes.LastIndexAny(before, "\r\n"); k >= 0 {
		from = int64(s.pos + k + 1)
	}
	return &roster.Refusal{Code: "E411", Line: s.lines + lineEnds(before), Text: fmt.Sprintf("not well-formed at byte %d: %s", int64(i)-from+1, text), Fix: "have HR write the file with an XML library"}
}

// skip goes on to buf[i], and counts the lines.
func (s *elementScanner) skip(i int) {
	passed := s.buf[s.pos:i]
	n := bytes.Count(passed, []byte{'\n'})
	if s.returns {
		n = lineEnds(passed)
		if n > 0 && passed[len(passed)-1] == '\r' && i < s.end && s.buf[i] == '\n' {
			n-- // it is counted with the line feed
		}
	}
	if n > 0 {
		s.lines += n
		s.from = int64(s.pos + bytes.LastIndexAny(passed, "\r\n") + 1)
	}
	s.pos = i
	s.began = s.began || len(passed) > 0
}

// next stands on the next record. It ends with io.EOF behind the root.
func (s *elementScanner) next() error {
	if s.leave {
		s.leave = false
		s.unbind(s.own)
	}
	for {
		i, err := s.toTag()
		if err != nil {
			return err
		}
		s.skip(i)
		kind, size, err := s.markup()
		if err != nil {
			return err
		}
		if size > maxRecord {
			return s.tooLong("tag or comment")
		}
		switch kind {
		case '/':
			if err := s.close(s.buf[s.pos+2 : s.pos+size-1]); err != nil {
				return err
			}
		case 'a':
			found, err := s.start(size)
			if err != nil {
				return err
			}
			if found {
				return nil
			}
			continue // start has gone on
		}
		s.skip(s.pos + size)
	}
}

// toTag is the place of the next <; what stands before it belongs to no record.
func (s *elementScanner) toTag() (int, error) {
	for {
		i := bytes.IndexByte(s.buf[s.pos:s.end], '<')
		text := s.buf[s.pos:s.end]
		if i >= 0 {
			text = text[:i]
		}
		if len(s.open) == 0 {
			if k := bytes.IndexFunc(text, func(r rune) bool { return r != ' ' && r != '\t' && r != '\r' && r != '\n' }); k >= 0 {
				where := "before"
				if s.rooted {
					where = "after"
				}
				return 0, s.wrong(s.pos+k, "text stands "+where+" the root element")
			}
		} else if k := wrongReference(text, i < 0 && s.err == nil); k >= 0 {
			return 0, s.wrong(s.pos+k, "a reference that XML does not know")
		} else if k := bytes.Index(text, []byte("]]>")); k >= 0 {
			return 0, s.wrong(s.pos+k, "]]> stands outside of a CDATA section")
		}
		if i >= 0 {
			return s.pos + i, nil
		}
		if s.err != nil {
			if errors.Is(s.err, io.EOF) && s.rooted {
				return 0, io.EOF
			}
			return 0, s.more("")
		}
		s.skip(max(s.pos, s.end-maxReference)) // one may be half there, and so may ]]>
		s.fill()
	}
}

// markup is what begins at pos with <: its kind (a an element, / its end, ! a
// comment or CDATA, ? an instruction) and its size. All of it is in the buffer.
func (s *elementScanner) markup() (kind byte, size int, err error) {
	if err := s.have(2, "tag"); err != nil {
		return 0, 0, err
	}
	switch s.buf[s.pos+1] {
	case '!':
		size, err = s.declaration()
		return '!', size, err
	case '?':
		size, err = s.instruction()
		return '?', size, err
	case '/':
		size, err = s.closed(">", 2, "tag")
		return '/', size, err
	}
	for {
		size, err := tagSize(s.buf[s.pos:s.end])
		if err == nil {
			return 'a', size, nil
		}
		var bad badTag
		if errors.As(err, &bad) {
			return 0, 0, s.wrong(s.pos+bad.at, bad.text)
		}
		if err := s.more("tag"); err != nil {
			return 0, 0, err
		}
	}
}

// have sees to it that n bytes from pos on are in the buffer.
func (s *elementScanner) have(n int, what string) error {
	for s.end-s.pos < n {
		if err := s.more(what); err != nil {
			return err
		}
	}
	return nil
}

// closed is the size of what begins at pos and ends with end, which is looked
// for from the offset on.
func (s *elementScanner) closed(end string, offset int, what string) (int, error) {
	for {
		if s.end-s.pos > offset {
			if i := bytes.Index(s.buf[s.pos+offset:s.end], []byte(end)); i >= 0 {
				return offset + i + len(end), nil
			}
		}
		if err := s.more(what); err != nil {
			return 0, err
		}
	}
}

func (s *elementScanner) declaration() (int, error) {
	_ = s.have(9, "tag") // at the end of the file there may be fewer
	rest := s.buf[s.pos:s.end]
	switch {
	case bytes.HasPrefix(rest, []byte("<!--")):
		size, err := s.closed("--", 4, "comment")
		if err != nil {
			return 0, err
		}
		if err := s.have(size+1, "comment"); err != nil {
			return 0, err
		}
		if s.buf[s.pos+size] != '>' {
			return 0, s.wrong(s.pos+size-2, "-- stands inside a comment")
		}
		return size + 1, nil
	case bytes.HasPrefix(rest, []byte("<![CDATA[")):
		if len(s.open) == 0 {
			return 0, s.wrong(s.pos, "text stands outside of the root element")
		}
		return s.closed("]]>", 9, "CDATA section")
	case len(rest) >= 9 && bytes.EqualFold(rest[:9], []byte("<!DOCTYPE")):
		return 0, &roster.Refusal{Code: "E411", Line: s.lines, Text: "the file has a document type, which is never read: it could make a small file large, or name other files", Fix: "have HR leave the DOCTYPE out"}
	case errors.Is(s.err, io.EOF) && len(rest) < 9:
		return 0, s.cut()
	}
	return 0, s.wrong(s.pos, "a declaration that is none of XML's")
}

// xmlVersion finds the version in an XML declaration.
var xmlVersion = regexp.MustCompile(`^xml[ \t\r\n][^>]*?version[ \t\r\n]*=[ \t\r\n]*["']([^"'<>]*)["']`)

func (s *elementScanner) instruction() (int, error) {
	size, err := s.closed("?>", 2, "instruction")
	if err != nil {
		return 0, err
	}
	target := s.buf[s.pos+2 : s.pos+size-2]
	n := nameSize(target)
	if n == 0 || n < len(target) && !space(target[n]) {
		return 0, s.wrong(s.pos, "an instruction without a name")
	}
	if bytes.EqualFold(target[:n], []byte("xml")) && (s.began || string(target[:n]) != "xml") {
		return 0, s.wrong(s.pos, "the XML declaration does not stand at the beginning")
	}
	if v := xmlVersion.FindSubmatch(target); !s.began && v != nil && string(v[1]) != "1.0" {
		return 0, s.wrong(s.pos, "the version of XML is not 1.0")
	}
	return size, nil
}

// close takes the end of an element, called name.
func (s *elementScanner) close(name []byte) error {
	name = bytes.TrimRight(name, " \t\r\n")
	if len(s.open) == 0 {
		return s.wrong(s.pos, "an end without a beginning")
	}
	last := s.open[len(s.open)-1]
	if string(name) != last.name {
		return s.wrong(s.pos, fmt.Sprintf("the element <%s> of line %d is not closed before this", shorten(last.name), last.line))
	}
	s.open = s.open[:len(s.open)-1]
	s.unbind(last.bindings)
	s.onPath = min(s.onPath, len(s.open))
	s.rooted = len(s.open) == 0
	return nil
}

// start takes the beginning of an element, a tag of the given size. It tells
// whether that is a record, and goes on behind what it took.
func (s *elementScanner) start(size int) (found bool, err error) {
	if s.rooted {
		return false, s.wrong(s.pos, "a second root element")
	}
	if len(s.open) == maxDepth {
		return false, &roster.Refusal{Code: "E411", Line: s.lines, Text: fmt.Sprintf("elements stand in each other more than %d deep", maxDepth), Fix: "have HR send a flatter file"}
	}
	text := s.buf[s.pos : s.pos+size]
	if len(s.usual) == size && s.onPath == len(s.open) && s.onPath == len(s.path)-1 && string(s.usual) == string(text) {
		s.own, s.line = len(s.scope), s.lines
		err := s.whole(s.usualTag, size)
		s.rooted = len(s.open) == 0
		return err == nil, err
	}
	tag, err := readTag(text)
	if err != nil {
		return false, s.misread(err)
	}
	before := len(s.scope)
	s.bind(tag)
	step, depth := s.resolve(tag.name, true), len(s.open)
	s.noteHolder()
	isNext := s.onPath == depth && depth < len(s.path)
	match := isNext && step == s.path[depth]
	if isNext && !match && step.local == s.path[depth].local {
		s.foreign = step.uri
	}
	s.other = s.other || depth == 0 && step.local != s.path[0].local
	if match && depth == len(s.path)-1 {
		s.own, s.leave = before, true
		s.line = s.lines
		if len(tag.attributes) == 0 && !tag.empty {
			s.usual, s.usualTag = append(s.usual[:0], text...), tag
		}
		err := s.whole(tag, size)
		s.rooted = len(s.open) == 0
		return err == nil, err
	}
	s.noteStray(step, isNext && depth == len(s.path)-1)
	if !tag.empty {
		s.open = append(s.open, openElement{tag.name, s.lines, before})
		if match {
			s.onPath++
		}
	} else {
		s.unbind(before)
		s.rooted = depth == 0
	}
	s.skip(s.pos + size)
	return false, nil
}

// noteHolder notes the path of what is open around an element that no record has.
func (s *elementScanner) noteHolder() {
	const most = 3
	if len(s.open) == 0 || len(s.holders) == most || len(s.names) > 0 {
		return
	}
	path := ""
	for _, e := range s.open {
		path += "/" + e.name
	}
	if path = shorten(path); !slices.Contains(s.holders, path) {
		s.holders = append(s.holders, path)
	}
}

// noteStray notes an element that is no record and is called like one: whoever
// stands in it would be absent without a word.
func (s *elementScanner) noteStray(name qname, besideRecords bool) {
	switch wanted := s.path[len(s.path)-1]; {
	case !strings.EqualFold(name.local, wanted.local):
	case besideRecords:
		s.beside = cmp.Or(s.beside, s.lines)
	case name == wanted && len(s.open) != len(s.path)-1: // on the path itself an element may be called so
		s.strays.count++
		s.strays.line = cmp.Or(s.strays.line, s.lines)
	}
}

func (s *elementScanner) misread(err error) error {
	var bad badTag
	if errors.As(err, &bad) {
		return s.wrong(s.pos+bad.at, bad.text)
	}
	var many manyParts
	if errors.As(err, &many) {
		return &roster.Refusal{Code: "E411", Line: s.lines, Text: many.Error(), Fix: "have HR send fewer"}
	}
	return err
}

// bind takes the namespaces that a tag declares into scope.
func (s *elementScanner) bind(t tag) {
	before := len(s.scope)
	s.bindOnly(t)
	if len(s.scope) > before {
		s.forget()
	}
}

// bindOnly does it for names that are resolved at once.
func (s *elementScanner) bindOnly(t tag) {
	for _, a := range t.attributes {
		if a.name == "xmlns" {
			s.scope = append(s.scope, binding{"", a.value})
		} else if prefix, ok := strings.CutPrefix(a.name, "xmlns:"); ok {
			s.scope = append(s.scope, binding{prefix, a.value})
		}
	}
}

// unbind takes all but the first n out of scope.
func (s *elementScanner) unbind(n int) {
	if len(s.scope) > n {
		s.scope = s.scope[:n]
		s.forget()
	}
}

// forget drops what names stood for: the scope has changed.
func (s *elementScanner) forget() {
	clear(s.byName)
	s.parts, s.usual = s.parts[:0], nil
}

// resolve is the namespace and the name that a name as written stands for.
func (s *elementScanner) resolve(name string, element bool) qname {
	prefix, local, colon := splitName(name)
	if !colon && !element {
		return qname{"", name} // attributes without a prefix have no namespace
	}
	for i := len(s.scope) - 1; i >= 0; i-- {
		if s.scope[i].prefix == prefix {
			return qname{s.scope[i].uri, local}
		}
	}
	if colon {
		return qname{"?" + prefix, local} // not declared: nobody's
	}
	return qname{"", local}
}

// noRecords is the refusal of a file in which nothing is a record.
func (s *elementScanner) noRecords() error {
	var path strings.Builder
	for _, step := range s.path {
		path.WriteString("/" + step.local)
	}
	looked := shorten(path.String())
	text, fix := "the file has no records: there is no element "+looked+" (format.record)", "ask HR to send the whole list, or correct format.record"
	switch {
	case s.foreign != "":
		text = fmt.Sprintf("the file has no records: an element is called as format.record says, and belongs to the namespace %q", shorten(s.foreign))
		fix = "declare that under format.namespaces, and use its prefix in format.record"
	case s.other:
		text = "the file has no records: its root element is not the one with which format.record (" + looked + ") begins"
	}
	if len(s.holders) > 0 {
		text += "; elements with others in them are " + strings.Join(s.holders, ", ")
	}
	return &roster.Refusal{Code: "E411", Text: text, Fix: fix}
}

// seenNames is what stood below records, as a map would name it.
func (s *elementScanner) seenNames() []string {
	var seen []string
	had, heads := map[string]bool{}, map[string]bool{}
	for i, r := range s.trail.routes {
		if s.reached[i] {
			seen = append(seen, r.text)
		}
		first := roster.Fold(r.text[:strings.IndexAny(r.text, "/[")])
		if _, named := s.at[first]; !named {
			heads[first] = true // it is used, by what is in it
		}
	}
	for _, n := range s.names {
		if !had[n.shown] && !heads[roster.Fold(n.shown)] {
			had[n.shown] = true
			seen = append(seen, n.shown)
		}
	}
	return seen
}

func shorten(name string) string {
	if len(name) <= 60 {
		return name
	}
	n := 60
	for !utf8.RuneStart(name[n]) {
		n--
	}
	return name[:n] + "…"
}

func space(c byte) bool { return c == ' ' || c == '\t' || c == '\r' || c == '\n' }

// nameSize is how many bytes at the beginning of text are a name of XML: as the
// standard decoder has it, less what nobody uses.
func nameSize(text []byte) int {
	i := 0
	for i < len(text) {
		c := text[i]
		if c < utf8.RuneSelf {
			letter := 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || c == '_'
			if letter || i > 0 && ('0' <= c && c <= '9' || c == '-' || c == '.' || c == ':') {
				i++
				continue
			}
			return i
		}
		r, n := utf8.DecodeRune(text[i:])
		if !unicode.IsLetter(r) {
			return i
		}
		i += n
	}
	return i
}
