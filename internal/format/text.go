package format

import (
	"bytes"
	"errors"
	"io"
	"unicode/utf8"

	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/charmap"
	"golang.org/x/text/transform"

	"rollcall/internal/roster"
)

// The readers of this file give UTF-8. They want a buffer with room for a few
// characters, give all that is valid before the first byte that is not, and
// then the error that names it.

// A source knows how far into the file it is.
type source struct {
	r      io.Reader
	skip   int   // bytes of the byte-order mark, still to be left out
	offset int64 // of the next byte
}

func (s *source) Read(p []byte) (int, error) {
	for s.skip > 0 {
		n, err := s.r.Read(p[:min(len(p), s.skip)])
		if s.skip -= n; err != nil {
			return 0, err
		}
	}
	return s.r.Read(p)
}

// utf8Reader checks and changes nothing.
type utf8Reader struct {
	*source
	refuse func(offset int64, near []byte) error
	tail   [utf8.UTFMax]byte // the beginning of a character
	tails  int
	err    error
}

func (u *utf8Reader) Read(p []byte) (int, error) {
	if u.err != nil {
		return 0, u.err
	}
	n := copy(p, u.tail[:u.tails])
	m, err := u.source.Read(p[n:])
	p, u.tails, u.err = p[:n+m], 0, err
	good := validPrefix(p)
	if rest := p[good:]; len(rest) > 0 {
		if err == nil && !utf8.FullRune(rest) {
			u.tails = copy(u.tail[:], rest)
		} else if err == nil || errors.Is(err, io.EOF) {
			u.err = u.refuse(u.offset+int64(good), p)
		}
	}
	u.offset += int64(good)
	return good, u.err
}

func validPrefix(p []byte) int {
	if utf8.Valid(p) {
		return len(p)
	}
	i := 0
	for i < len(p) {
		r, n := utf8.DecodeRune(p[i:])
		if r == utf8.RuneError && n == 1 {
			return i
		}
		i += n
	}
	return i
}

// A table is an encoding of single bytes.
type table [256]struct {
	text [3]byte
	n    uint8 // zero: the byte is not valid
}

func (t *table) set(b byte, r rune) { t[b].n = uint8(utf8.EncodeRune(t[b].text[:], r)) }

func asciiTable() *table {
	var t table
	for b := range 0x80 {
		t.set(byte(b), rune(b))
	}
	return &t
}

func tableOf(cm *charmap.Charmap) *table {
	var t table
	for b := range 0x100 {
		if r := cm.DecodeByte(byte(b)); r != utf8.RuneError {
			t.set(byte(b), r)
		}
	}
	return &t
}

type tableReader struct {
	*source
	table  *table
	refuse func(offset int64, near []byte) error
	buf    []byte
	err    error
}

func (t *tableReader) Read(p []byte) (int, error) {
	if t.err != nil {
		return 0, t.err
	}
	if t.buf == nil {
		t.buf = make([]byte, headSize)
	}
	in := t.buf[:min(len(t.buf), len(p)/3)]
	m, err := t.source.Read(in)
	in, t.err = in[:m], err
	n := 0
	for i, b := range in {
		c := &t.table[b]
		switch c.n {
		case 1:
			p[n] = c.text[0]
			n++
		case 0:
			t.err = t.refuse(t.offset+int64(i), in)
			return n, t.err
		default:
			n += copy(p[n:], c.text[:c.n])
		}
	}
	t.offset += int64(m)
	return n, t.err
}

// wideReader decodes what x/text can decode. Its decoders write a replacement
// character for what they cannot read; where one comes out that was not put in,
// the bytes were not valid.
type wideReader struct {
	*source
	dec      transform.Transformer
	replaced []byte // how the encoding itself writes a replacement character; nil: it cannot
	refuse   func(offset int64, near []byte) error
	buf      []byte
	held     int // bytes of buf that are not decoded yet
	eof      bool
	err      error
}

func newWideReader(s *source, enc encoding.Encoding, refuse func(int64, []byte) error) *wideReader {
	replaced, err := enc.NewEncoder().Bytes([]byte("\uFFFD"))
	if err != nil {
		replaced = nil
	}
	return &wideReader{source: s, dec: enc.NewDecoder(), replaced: replaced, refuse: refuse, buf: make([]byte, headSize)}
}

func (w *wideReader) Read(p []byte) (int, error) {
	if w.err != nil {
		return 0, w.err
	}
	if !w.eof && w.held < len(w.buf) {
		m, err := w.source.Read(w.buf[w.held:])
		w.held += m
		if w.eof = errors.Is(err, io.EOF); err != nil && !w.eof {
			w.err = err
			return 0, err
		}
	}
	in := w.buf[:w.held]
	n, used, err := w.dec.Transform(p, in, w.eof)
	if err != nil && !errors.Is(err, transform.ErrShortDst) && !errors.Is(err, transform.ErrShortSrc) {
		w.err = err
		return 0, err
	}
	if bytes.Contains(p[:n], []byte("\uFFFD")) {
		if at, good, bad := w.firstInvalid(in[:used]); bad {
			w.err = w.refuse(w.offset+int64(at), in)
			return good, w.err
		}
	}
	w.offset += int64(used)
	w.held = copy(w.buf, in[used:])
	if w.eof && w.held == 0 {
		w.err = io.EOF
	}
	return n, w.err
}

// firstInvalid decodes in once more, a character at a time. It answers with
// the place of the first that is not valid, and how many bytes of text come before it.
func (w *wideReader) firstInvalid(in []byte) (at, good int, bad bool) {
	var out [16]byte
	for at < len(in) {
		var n, used int
		for k := 1; used == 0; k++ {
			end := min(at+k, len(in))
			n, used, _ = w.dec.Transform(out[:], in[at:end], end == len(in))
			if used == 0 && end == len(in) {
				return at, good, true
			}
		}
		if bytes.Contains(out[:n], []byte("\uFFFD")) && !bytes.Equal(in[at:at+used], w.replaced) {
			return at, good, true
		}
		at += used
		good += n
	}
	return at, good, false
}

// padRun is how many zero bytes in a row are no slip in a name but padding, or
// a file that is not text at all. Fewer are the mapping's (E104).
const padRun = 16

// padding refuses files with runs of zero bytes.
type padding struct {
	r   io.Reader
	run int
	err error
}

func (g *padding) Read(p []byte) (int, error) {
	if g.err != nil {
		return 0, g.err
	}
	n, err := g.r.Read(p)
	p, g.err = p[:n], err
	i := 0
	if g.run == 0 {
		if i = bytes.IndexByte(p, 0); i < 0 {
			return n, g.err
		}
	}
	for ; i < n; i++ {
		if p[i] != 0 {
			g.run = 0
			continue
		}
		if g.run++; g.run == padRun {
			g.err = &here{roster.Refusal{Code: "E411", Text: "binary data: a run of zero bytes", Fix: "have HR send a text file, and check that the transfer did not pad it"}}
			return max(0, i+1-padRun), g.err
		}
	}
	return n, g.err
}
