package format

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"iter"
	"strings"

	"github.com/zeebo/xxh3"

	"rollcall/internal/roster"
)

// A record that lies in the drop as it lay in the one before need not be split
// or decoded again. This file finds the records in the bytes as they are, and
// reads in full only those that are asked for.

// A row that was found and not read.
type raw struct {
	n    int // counted from zero
	line int
	text []byte // without its line end; until the next row
	cut  bool   // the file ends with it, without a line end
}

// errDoubt means that a row cannot be read as it lies there. What is wrong with
// it, [File.Records] says.
var errDoubt = errors.New("not as it should be")

// bare tells whether rows can be found in the undecoded bytes: where each ASCII
// character is its own byte, and none is part of another character.
func (c *charset) bare() bool {
	if c.table == nil {
		return c.enc == nil
	}
	for b := range byte(0x80) {
		if c.table[b].n != 1 || c.table[b].text[0] != b {
			return false
		}
	}
	return true
}

// walk finds every row behind the header, and proves what is to be proven of
// the file as a whole: its end, its trailer, how many rows it has. f ends it
// early with false.
func (f *File) walk(visit func(raw) bool) error {
	r, err := f.unwrap.open()
	if err != nil {
		return err
	}
	text := f.text(r)
	if f.charset.bare() {
		text = &source{r: r, skip: f.charset.bom}
	}
	s := newScanner(text, f.dialect, r, 4*maxRow)
	defer s.Close()
	s.whole = true
	for range f.skip {
		if _, err := f.find(s); err != nil {
			return errDoubt
		}
	}
	s.columns = len(f.header)
	var trailer *roster.Record
	rows, said := 0, false
	for {
		row, err := f.find(s)
		if errors.Is(err, io.EOF) {
			f.padded = f.padded || s.padded
			return f.proveEnd(trailer, rows, said)
		}
		if err != nil {
			return err
		}
		row.n = rows
		if trailer != nil {
			return errDoubt // rows follow it
		}
		if f.mayEnd(row.text) {
			if trailer, err = f.asTrailer(row); err != nil {
				return err
			}
			if trailer != nil {
				continue
			}
		}
		if rows++; rows > f.maxRows {
			return errDoubt
		}
		said = said || !bytes.ContainsFunc(row.text[:min(1, len(row.text))], f.silent) || f.says(row)
		if !visit(row) {
			return nil
		}
	}
}

// find finds the next row that is no empty line.
func (f *File) find(s *scanner) (raw, error) {
	for {
		if err := s.next(); err != nil {
			return raw{}, err
		}
		row := raw{line: s.row.line, text: s.row.text, cut: s.row.cut}
		if len(row.text) > 0 && row.text[0] > ' ' && row.text[0] < 0x80 && row.text[0] != s.quote { // nearly always
			return row, nil
		}
		nothing, err := f.nothing(row)
		if err != nil || !nothing {
			return row, err
		}
	}
}

// silent tells whether a row that begins with r may have nothing to say.
func (f *File) silent(r rune) bool {
	return r <= ' ' || r >= 0x80 || r == rune(f.dialect.delim) || r == rune(f.dialect.quote)
}

// says tells whether some cell of a row is not blank, or something is wrong with it.
func (f *File) says(row raw) bool {
	s, err := f.split(row)
	if err != nil {
		return true
	}
	_, err = f.shape(s)
	return err != nil || !s.row.blank()
}

// nothing tells whether a row is an empty line.
func (f *File) nothing(row raw) (bool, error) {
	if len(row.text) == 0 {
		return true, nil
	}
	if bytes.IndexByte(row.text, f.dialect.delim) >= 0 {
		return false, nil
	}
	s, err := f.alone(row)
	if err == nil {
		_, _, err = s.split()
	}
	return err == nil && s.row.nothing(), err
}

// mayEnd tells whether a row could be the trailer, by its first byte.
func (f *File) mayEnd(text []byte) bool {
	if f.trailer == nil {
		return false
	}
	first := text[0]
	return first == f.trailer.Starts[0] || first <= ' ' || first >= 0x80 || first == f.dialect.quote
}

// asTrailer is the row as the trailer, if it is that.
func (f *File) asTrailer(row raw) (*roster.Record, error) {
	s, err := f.split(row)
	if err != nil {
		return nil, err
	}
	if strings.TrimSpace(string(s.row.cell(0))) != f.trailer.Starts {
		return nil, nil
	}
	rec := s.record()
	return &rec, nil
}

// decode is a row as UTF-8, in the room of into where it needs any.
func (f *File) decode(text, into []byte) ([]byte, error) {
	if bytes.Contains(text, zeros[:]) {
		return nil, errDoubt
	}
	switch {
	case !f.charset.bare():
		return text, nil // it was decoded before it was found
	case f.charset.table == nil:
		if validPrefix(text) != len(text) {
			return nil, errDoubt
		}
		return text, nil
	}
	into = into[:0]
	for _, b := range text {
		c := &f.charset.table[b]
		if c.n == 0 {
			return nil, errDoubt
		}
		into = append(into, c.text[:c.n]...)
	}
	return into, nil
}

var zeros [padRun]byte

// split splits one row that was found. What it answers with lasts until the
// next call.
func (f *File) split(row raw) (*scanner, error) {
	s, err := f.alone(row)
	if err != nil {
		return nil, err
	}
	if err := s.next(); err != nil || s.pos != s.end {
		return nil, errDoubt
	}
	return s, nil
}

// alone stands before a row that was found, as if it were all of a file.
func (f *File) alone(row raw) (*scanner, error) {
	if f.one == nil {
		f.one = &scanner{dialect: f.dialect, err: io.EOF}
	}
	s := f.one
	text, err := f.decode(row.text, s.decoded)
	if err != nil {
		return nil, err
	}
	s.buf = append(s.buf[:0], text...)
	if f.charset.table != nil {
		s.decoded = text
	}
	if !row.cut {
		s.buf = append(s.buf, '\n')
	}
	s.pos, s.end, s.line, s.columns = 0, len(s.buf), row.line, len(f.header)
	s.lf, s.cr, s.quoted = -1, -1, -1
	return s, nil
}

// A Mark is where a record begins, and a hash of all its bytes.
type Mark struct {
	Line int
	Hash roster.Hash
}

// Marks finds the records and reads none of them. An error means that the drop
// is not as it should be, or the disk: [File.Records] says what is wrong.
func (f *File) Marks(seed uint64) iter.Seq2[Mark, error] {
	switch {
	case f.xml != nil:
		return f.marksOfXML(seed)
	case f.ldif != nil, f.json != nil:
		return f.marksOfTexts(seed)
	}
	return func(yield func(Mark, error) bool) {
		err := f.walk(func(row raw) bool {
			return yield(Mark{row.line, hash(row.text, seed)}, nil)
		})
		if err != nil {
			yield(Mark{}, fmt.Errorf("find records: %w", err))
		}
	}
}

func hash(text []byte, seed uint64) roster.Hash {
	h := xxh3.Hash128Seed(text, seed)
	return roster.Hash{Hi: h.Hi, Lo: h.Lo}
}

// Pick is [File.Records] of those records for which want, asked by their number
// from zero, is true. Each bears its hash. nil wants all.
func (f *File) Pick(seed uint64, want func(n int) bool) iter.Seq2[roster.Record, error] {
	switch {
	case f.xml != nil:
		return f.pickXML(seed, want)
	case f.ldif != nil, f.json != nil:
		return f.pickTexts(seed, want)
	}
	return func(yield func(roster.Record, error) bool) {
		ended := false
		var fault error
		err := f.walk(func(row raw) bool {
			if want != nil && !want(row.n) {
				return true
			}
			s, err := f.split(row)
			if err != nil {
				fault = err
				return false
			}
			rec, err := f.shape(s)
			if err != nil && !rowOnly(err) {
				fault = err
				return false
			}
			rec.Hash = hash(row.text, seed)
			ended = !yield(rec, err)
			return !ended
		})
		if err == nil {
			err = fault
		}
		if ended || err == nil {
			return
		}
		// Read from the beginning as everybody reads it, to tell what is wrong, where.
		for _, told := range f.Records() {
			if told != nil && !rowOnly(told) {
				yield(roster.Record{}, told)
				return
			}
		}
		yield(roster.Record{}, fmt.Errorf("read drop: %w", err))
	}
}
