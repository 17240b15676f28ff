package format

import (
	"bytes"
	"fmt"

	"rollcall/internal/roster"
)

// splitQuoted does the same for a row with quotes, cell by cell. Its first line
// has eol bytes.
func (s *scanner) splitQuoted(eol int) (size, lines int, err error) {
	q := quotedRow{scanner: s, data: s.buf[s.pos:s.end], firstEnd: eol}
	s.row = row{ends: s.row.ends[:0], marked: s.columns == 1}
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
	s.row.end, s.row.cut = ends, ends == 0
	return eol + ends, q.breaks + min(ends, 1), nil
}

// plainly tells whether every quoted cell of a line begins and ends where a
// cell does, in this line: then the line is a row. It says no where it is not sure.
func (s *scanner) plainly(line []byte) bool {
	for from := 0; ; {
		open := bytes.IndexByte(line[from:], s.quote)
		if open < 0 {
			return true
		}
		open += from
		start := open
		for start > from && (line[start-1] == ' ' || line[start-1] == '\t') && line[start-1] != s.delim {
			start--
		}
		if start > from && line[start-1] != s.delim {
			return false
		}
		i := open + 1
		for {
			closing := bytes.IndexByte(line[i:], s.quote)
			if closing < 0 {
				return false
			}
			if i += closing + 1; i == len(line) || line[i] != s.quote {
				break
			}
			i++
		}
		for i < len(line) && (line[i] == ' ' || line[i] == '\t') && line[i] != s.delim && line[i] != s.quote {
			i++
		}
		if i == len(line) {
			return true
		}
		if line[i] != s.delim {
			return false
		}
		from = i + 1
	}
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
	for i < len(q.data) && (q.data[i] == ' ' || q.data[i] == '\t') && q.data[i] != q.delim && q.data[i] != q.quote {
		i++
	}
	return i
}

// wrong notes what is wrong with the cell that is being read; of several the first.
func (q *quotedRow) wrong(what string) {
	if q.row.fault == "" {
		q.row.fault, q.row.faulty = what, len(q.row.ends)
	}
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
			q.wrong("a quote stands inside a cell that is not quoted")
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
	if taken, err := q.doubledCell(open); taken || err != nil {
		return err
	}
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
	q.wrong("text follows a closing quote")
	q.scratch = q.scratch[:cellStart]
	return q.plainRest(open)
}

// doubledCell takes a cell like ""Ottawa"" where the options say that its marks are the
// value's own. As CSV it would be no cell at all, so that nothing else can be meant by it.
func (q *quotedRow) doubledCell(open int) (taken bool, err error) {
	mark := func(i int) bool { return i < len(q.data) && q.data[i] == q.quote }
	ends := func(b byte) bool { return b == q.delim || b == '\n' || b == '\r' }
	if !q.doubled || !mark(open+1) {
		return false, nil
	}
	from := open + 2
	closing := from
	for closing < len(q.data) && q.data[closing] != q.quote && !ends(q.data[closing]) {
		closing++
	}
	if closing == from || closing < len(q.data) && !mark(closing) || closing+1 < len(q.data) && !mark(closing+1) {
		return false, nil
	}
	after := q.skipBlanks(min(closing+2, len(q.data)))
	switch {
	case after == len(q.data) && !q.final():
		return false, errMore
	case !mark(closing+1) || after < len(q.data) && !ends(q.data[after]):
		return false, nil
	}
	q.scratch = append(append(append(q.scratch, q.quote), q.data[from:closing]...), q.quote)
	q.i = after
	return true, nil
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
