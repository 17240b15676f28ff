package format

import (
	"bytes"
	"errors"
	"fmt"
	"io"

	"rollcall/internal/roster"
)

// A dialect is what stands between cells and around them.
type dialect struct{ delim, quote byte }

// A scanner splits text into rows. It knows physical lines, ended by a line
// feed, a carriage return, or both; it forgives a stray quote for the rest of
// its row, and never lets one swallow the rows below (R18).
type scanner struct {
	r io.Reader
	io.Closer
	dialect
	columns int // of the header; zero while it is not known
	row     row
	padded  bool // Control-Z at the end was left out

	buf      []byte
	pos, end int   // what is read and not split yet
	line     int   // of buf[pos]
	err      error // why nothing follows buf[:end]
	lf, cr   int   // the next ones; stale where below pos
	quoted   int   // likewise
	scratch  []byte
}

// A row is the one that was split last. It lasts until the next.
type row struct {
	line  int
	text  []byte // the cells, with one byte between them
	ends  []int  // of each cell
	fault string // what is wrong with its quotes; "" where nothing is
	cut   bool   // the file ends with it, without a line end
}

// newScanner reads r, and closes c in the end.
func newScanner(r io.Reader, d dialect, c io.Closer) *scanner {
	return &scanner{r: r, Closer: c, dialect: d, line: 1, buf: make([]byte, 4*maxRow), lf: -1, cr: -1, quoted: -1}
}

// cell is the i'th of the row, counted from zero.
func (r *row) cell(i int) []byte {
	if i == 0 {
		return r.text[:r.ends[0]]
	}
	return r.text[r.ends[i-1]+1 : r.ends[i]]
}

// dropBlanks forgets the blank cells beyond the n'th at the end of the row.
func (r *row) dropBlanks(n int) {
	for len(r.ends) > max(n, 1) && blank(r.cell(len(r.ends)-1)) {
		r.ends = r.ends[:len(r.ends)-1]
	}
}

// nothing tells whether the row says nothing at all: an empty line, with or
// without delimiters.
func (r *row) nothing() bool {
	for i := range r.ends {
		if !blank(r.cell(i)) {
			return false
		}
	}
	return true
}

func blank(cell []byte) bool {
	if len(cell) > 0 && cell[0] > ' ' && cell[0] < 0x80 { // nearly always
		return false
	}
	return len(bytes.TrimSpace(cell)) == 0
}

// record is the row as values that last: one allocation holds them all.
func (s *scanner) record() roster.Record {
	ends := s.row.ends
	text := string(s.row.text[:ends[len(ends)-1]])
	values := make([]string, len(ends))
	start := 0
	for i, end := range ends {
		values[i] = text[start:end]
		start = end + 1
	}
	return roster.Record{Line: s.row.line, Values: values}
}

// errMore means that the row is not whole in the buffer.
var errMore = errors.New("more")

// next splits the next row that says anything. It ends with io.EOF, with a
// refusal, or with an error of the disk.
func (s *scanner) next() error {
	for {
		size, lines, err := 0, 0, errMore
		if s.pos < s.end {
			size, lines, err = s.split()
		}
		switch {
		case errors.Is(err, errMore) && s.end-s.pos > maxRow, err == nil && size > maxRow+2:
			return &roster.Refusal{Code: "E411", Line: s.line, Text: fmt.Sprintf("the row that begins here is longer than %d KiB", maxRow>>10), Fix: "look for a quote that is never closed, or for a file that is not a table"}
		case errors.Is(err, errMore) && s.err != nil:
			return placed(s.err, s.line+lineEnds(s.buf[s.pos:s.end]))
		case errors.Is(err, errMore):
			s.fill()
			continue
		case err != nil:
			return err
		}
		s.row.line = s.line
		s.pos += size
		s.line += lines
		if s.row.nothing() && (len(s.row.ends) == 1 || !s.row.cut || len(s.row.ends) >= s.columns) {
			continue
		}
		return nil
	}
}

// fill moves what is left to the front, and reads until the buffer is full.
func (s *scanner) fill() {
	copy(s.buf, s.buf[s.pos:s.end])
	s.end -= s.pos
	s.pos = 0
	s.lf, s.cr, s.quoted = -1, -1, -1
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
	if errors.Is(s.err, io.EOF) {
		for s.end > s.pos && s.buf[s.end-1] == 0x1a {
			s.end--
			s.padded = true
		}
	}
}

// final tells whether the buffer holds the end of the file.
func (s *scanner) final() bool { return errors.Is(s.err, io.EOF) }

// find is the place of the next b, or the buffer's end. It looks at each byte
// of the buffer once, however many rows ask.
func (s *scanner) find(b byte, at *int) int {
	if *at < s.pos {
		if i := bytes.IndexByte(s.buf[s.pos:s.end], b); i >= 0 {
			*at = s.pos + i
		} else {
			*at = s.end
		}
	}
	return *at
}

// split finds the row that begins at pos, and answers with its size and its
// line ends.
func (s *scanner) split() (size, lines int, err error) {
	eol := min(s.find('\n', &s.lf), s.find('\r', &s.cr))
	ends, whole := s.lineEnd(s.buf[:s.end], eol)
	if !whole {
		return 0, 0, errMore
	}
	if s.find(s.quote, &s.quoted) < eol {
		return s.splitQuoted(eol - s.pos)
	}
	text := s.buf[s.pos:eol]
	s.row = row{text: text, ends: s.row.ends[:0], cut: ends == 0}
	start := 0
	for {
		i := bytes.IndexByte(text[start:], s.delim)
		if i < 0 {
			break
		}
		start += i + 1
		s.row.ends = append(s.row.ends, start-1)
	}
	s.row.ends = append(s.row.ends, len(text))
	return eol + ends - s.pos, min(ends, 1), nil
}

// lineEnd is the size of the line end at data[i:]: zero at the end of the file.
// It is not whole where only what follows could tell.
func (s *scanner) lineEnd(data []byte, i int) (size int, whole bool) {
	switch {
	case i >= len(data):
		return 0, s.final()
	case data[i] == '\n':
		return 1, true
	case i+1 == len(data):
		return 1, s.final()
	case data[i+1] == '\n':
		return 2, true
	}
	return 1, true
}

// splitQuoted does the same for a row with quotes, cell by cell. Its first line
// has eol bytes.
func (s *scanner) splitQuoted(eol int) (size, lines int, err error) {
	q := quotedRow{scanner: s, data: s.buf[s.pos:s.end], firstEnd: eol}
	s.row = row{ends: s.row.ends[:0]}
	s.scratch = s.scratch[:0]
	for {
		if err := q.cell(); err != nil {
			return 0, 0, err
		}
		s.row.ends = append(s.row.ends, len(s.scratch))
		if q.i < len(q.data) && q.data[q.i] == s.delim {
			s.scratch = append(s.scratch, s.delim)
			q.i++
			continue
		}
		break
	}
	eol = q.i
	ends, whole := s.lineEnd(q.data, eol)
	if !whole {
		return 0, 0, errMore
	}
	if q.breaks > 0 && s.alone(q.data[:q.firstEnd]) && s.alone(q.data[q.lastStart:eol]) {
		return 0, 0, swallowed(s.line, s.line+q.breaks)
	}
	s.row.text = s.scratch
	s.row.cut = ends == 0
	return eol + ends, q.breaks + min(ends, 1), nil
}

// A quotedRow is the walk through a row with quotes.
type quotedRow struct {
	*scanner
	data      []byte
	i         int
	breaks    int // line ends inside cells so far
	firstEnd  int // where the first line ends
	lastStart int // where the last line begins
}

// cell takes one cell, up to the delimiter or line end behind it.
func (q *quotedRow) cell() error {
	open := q.skipBlanks(q.i)
	if open < len(q.data) && q.data[open] == q.quote {
		return q.quotedCell(open)
	}
	if open == len(q.data) && !q.final() {
		return errMore
	}
	return q.plainCell(q.i)
}

func (q *quotedRow) skipBlanks(i int) int {
	for i < len(q.data) && (q.data[i] == ' ' || q.data[i] == '\t') && q.data[i] != q.delim {
		i++
	}
	return i
}

// plainCell takes the bytes from i on as they are.
func (q *quotedRow) plainCell(i int) error {
	from := i
	for ; i < len(q.data); i++ {
		switch q.data[i] {
		case q.delim, '\n', '\r':
			q.i = i
			q.scratch = append(q.scratch, q.data[from:i]...)
			return nil
		case q.quote:
			q.row.fault = "a quote stands inside a cell that is not quoted"
		}
	}
	if !q.final() {
		return errMore
	}
	q.i = i
	q.scratch = append(q.scratch, q.data[from:i]...)
	return nil
}

// quotedCell takes the cell whose quote opens at open.
func (q *quotedRow) quotedCell(open int) error {
	first := q.line + q.breaks
	cellStart := len(q.scratch)
	i, from := open+1, open+1
	inside := -1 // where the line begins that so far lies wholly in the cell
	for {
		if i = q.quoteOrLineEnd(i); i == len(q.data) {
			if !q.final() {
				return errMore
			}
			return q.neverClosed(first, inside)
		}
		if q.data[i] == q.quote {
			if i+1 == len(q.data) && !q.final() {
				return errMore
			}
			q.scratch = append(q.scratch, q.data[from:i]...)
			if i+1 == len(q.data) || q.data[i+1] != q.quote {
				break
			}
			q.scratch = append(q.scratch, q.quote)
			i += 2
			from = i
			continue
		}
		width, whole := q.lineEnd(q.data, i)
		if !whole {
			return errMore
		}
		if inside >= 0 && q.alone(q.data[inside:i]) {
			return swallowed(first, q.closing(i))
		}
		if q.breaks++; q.line+q.breaks-first >= maxLines {
			return tooTall(first, q.closing(i+width))
		}
		q.scratch = append(append(q.scratch, q.data[from:i]...), '\n') // R4: however the line ended
		i += width
		from, inside, q.lastStart = i, i, i
	}
	closed := i
	i = q.skipBlanks(closed + 1)
	switch {
	case i == len(q.data) && !q.final():
		return errMore
	case i == len(q.data) || q.data[i] == q.delim || q.data[i] == '\n' || q.data[i] == '\r':
		q.i = i
		return nil
	case q.line+q.breaks > first:
		return swallowed(first, q.line+q.breaks)
	}
	q.row.fault = "text follows a closing quote"
	q.scratch = q.scratch[:cellStart]
	return q.plainRest(open)
}

// quoteOrLineEnd is the place of the next of them, from i on.
func (q *quotedRow) quoteOrLineEnd(i int) int {
	if i < q.firstEnd { // nearly always
		if j := bytes.IndexByte(q.data[i:q.firstEnd], q.quote); j >= 0 {
			return i + j
		}
		return q.firstEnd
	}
	for i < len(q.data) && q.data[i] != q.quote && q.data[i] != '\n' && q.data[i] != '\r' {
		i++
	}
	return i
}

// plainRest takes the rest of the line as it is: once its quotes do not pair,
// nothing tells which delimiter is one.
func (q *quotedRow) plainRest(from int) error {
	i := from
	for i < len(q.data) && q.data[i] != '\n' && q.data[i] != '\r' {
		if q.data[i] == q.delim {
			q.row.ends = append(q.row.ends, len(q.scratch)+i-from)
		}
		i++
	}
	if i == len(q.data) && !q.final() {
		return errMore
	}
	q.scratch = append(q.scratch, q.data[from:i]...)
	q.i = i
	return nil
}

// alone tells whether a line has, by itself, the header's number of fields.
func (s *scanner) alone(line []byte) bool {
	if s.columns == 0 {
		return false
	}
	n := bytes.Count(line, []byte{s.delim}) + 1
	for n > s.columns && len(line) > 0 && line[len(line)-1] == s.delim {
		line = line[:len(line)-1]
		n--
	}
	return n == s.columns
}

// neverClosed is the end of the file inside a quote. A file that was cut has no
// line end there.
func (q *quotedRow) neverClosed(first, inside int) error {
	switch {
	case inside >= 0 && q.alone(q.data[inside:]):
		return swallowed(first, 0)
	case inside == len(q.data):
		return &roster.Refusal{Code: "E102", Line: first, Text: "a quote opens here and is never closed"}
	}
	return &roster.Refusal{Code: "E408", Line: first, Text: "the file ends inside a quote that opens here"}
}

// closing reads on, from data[i] in the cell, to the line in which its quote
// closes: zero where it never does. Nothing is kept, for the file is refused.
func (q *quotedRow) closing(i int) int {
	s := q.scanner
	s.line += q.breaks
	for s.pos += i; ; s.fill() {
		rest := s.buf[s.pos:s.end]
		n := len(rest)
		if s.err == nil {
			n-- // the last byte may be half of a pair
		}
		j := 0
		for ; j < n; j++ {
			pair := j+1 < len(rest) && rest[j+1] == rest[j]
			switch {
			case rest[j] == s.quote && pair:
				j++
			case rest[j] == s.quote:
				return s.line
			case rest[j] == '\n', rest[j] == '\r' && (j+1 == len(rest) || rest[j+1] != '\n'):
				s.line++
			}
		}
		if s.err != nil {
			return 0
		}
		s.pos += j
	}
}

func swallowed(first, last int) error {
	return &roster.Refusal{Code: "E102", Line: first, Text: fmt.Sprintf("a quote that opens here and %s swallows rows", closes(last))}
}

func tooTall(first, last int) error {
	return &roster.Refusal{Code: "E102", Line: first, Text: fmt.Sprintf("a quote that opens here and %s makes a cell of more than %d lines", closes(last), maxLines)}
}

func closes(line int) string {
	if line == 0 {
		return "is never closed"
	}
	return fmt.Sprintf("closes in line %d", line)
}
