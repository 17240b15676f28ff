package format

import (
	"bytes"
	"errors"
	"fmt"
	"io"

	"rollcall/internal/roster"
)

// A dialect is what stands between cells and around them.
type dialect struct {
	delim, quote byte
	doubled      bool // ""x"" is "x" with its marks
}

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
	whole   bool // rows are found and not split: row.text is all of one, as it lies there

	buf      []byte
	pos, end int   // what is read and not split yet
	line     int   // of buf[pos]
	err      error // why nothing follows buf[:end]
	lf, cr   int   // the next ones; stale where below pos
	quoted   int   // likewise
	scratch  []byte
	decoded  []byte // room for a row that is read by itself
}

// A row is the one that was split last. It lasts until the next.
type row struct {
	line   int
	text   []byte // the cells, with one byte between them
	ends   []int  // of each cell
	fault  string // what is wrong with its quotes; "" where nothing is
	faulty int    // the cell that fault is about
	end    int    // bytes of its line end
	cut    bool   // the file ends with it, without a line end
	marked bool   // of a file of one column: it has quotes, and is no empty line
}

// newScanner reads r, of which size bytes are held at a time, and closes c in the end.
func newScanner(r io.Reader, d dialect, c io.Closer, size int) *scanner {
	return &scanner{r: r, Closer: c, dialect: d, line: 1, buf: make([]byte, size), lf: -1, cr: -1, quoted: -1}
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

// nothing tells whether the row is an empty line. One of delimiters alone is
// none: it may be somebody's row whose key was lost (R3, R15); nor, where there is
// but one column, is a pair of quotes.
func (r *row) nothing() bool { return len(r.ends) == 1 && !r.marked && blank(r.cell(0)) }

// blank tells whether no cell of the row says anything.
func (r *row) blank() bool {
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
		if s.whole {
			s.row.text = s.buf[s.pos : s.pos+size-s.row.end]
		}
		s.pos += size
		s.line += lines
		if !s.whole && s.row.nothing() {
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
	text := s.buf[s.pos:eol]
	if s.find(s.quote, &s.quoted) < eol && !(s.whole && s.plainly(text)) {
		return s.splitQuoted(eol - s.pos)
	}
	s.row = row{text: text, ends: s.row.ends[:0], end: ends, cut: ends == 0}
	if s.whole {
		return eol + ends - s.pos, min(ends, 1), nil
	}
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
