package format

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
	"strings"

	"rollcall/internal/roster"
)

// A JSON drop is an array of objects, as rollcall accounts export writes it; no
// profile can say so yet (format.type), only an import by a person. It has no
// header: [Open] reads all of it once, and the columns are the names that its
// objects have. The standard decoder finds the records one after the other and
// holds no more than one; what is in them json_record.go reads.

// A Shape says what the members of a record of JSON are. A member that it does
// not name is a column that nobody reads.
type Shape struct {
	Texts   []string            // one text; null is an empty one
	Flags   []string            // true or false
	Objects []string            // an object of texts: each is a column NAME.MEMBER
	Lists   map[string]ListItem // an array: the cell is its items, joined by |
}

// A ListItem is what an array consists of: texts, or objects whose Parts are
// joined by a colon, the first of which must be there. Ends is the member that says
// when it ends, which stands behind them ([roster.Ending]).
type ListItem struct {
	Parts []string
	Ends  string
}

// maxName is the most bytes of a member's name.
const maxName = 1024

// jsonDrop is what is known of a drop of JSON.
type jsonDrop struct {
	kinds map[string]memberKind // by the folded name
	lists map[string]ListItem   // likewise
	at    map[string]int        // column by the folded name
}

func newJSON(shape *Shape) *jsonDrop {
	x := &jsonDrop{kinds: map[string]memberKind{}, lists: map[string]ListItem{}, at: map[string]int{}}
	if shape == nil {
		return x
	}
	for _, k := range []struct {
		names []string
		kind  memberKind
	}{{shape.Texts, aText}, {shape.Flags, aFlag}, {shape.Objects, anObject}} {
		for _, name := range k.names {
			x.kinds[roster.Fold(name)] = k.kind
		}
	}
	for name, item := range shape.Lists {
		x.kinds[roster.Fold(name)], x.lists[roster.Fold(name)] = aList, item
	}
	return x
}

// openJSON is the rest of [Open] for JSON: it reads all of the file and finds the columns.
func (f *File) openJSON(o Options) error {
	f.json = newJSON(o.JSON)
	return f.walkJSON(func(_ int, raw []byte) error {
		return f.json.each(raw, func(m *member) error {
			folded := roster.Fold(m.column)
			if _, known := f.json.at[folded]; known || m.column == "" {
				return nil
			}
			if len(f.header) == maxColumns {
				return &here{roster.Refusal{Code: "E411", Text: fmt.Sprintf("the records have more than %d different names", maxColumns), Fix: "leave out what is not needed"}}
			}
			f.json.at[folded] = len(f.header)
			f.header = append(f.header, m.column)
			return nil
		})
	})
}

// jsonRecords is [File.Records] for JSON.
func (f *File) jsonRecords() iter.Seq2[roster.Record, error] {
	return func(yield func(roster.Record, error) bool) {
		ended := false
		err := f.walkJSON(func(line int, raw []byte) error {
			rec, err := f.json.record(line, raw, len(f.header))
			if err != nil && !rowOnly(err) {
				return err
			}
			if ended = !yield(rec, err); ended {
				return errStop
			}
			return nil
		})
		if err != nil && !ended {
			yield(roster.Record{}, err)
		}
	}
}

// walkJSON finds every record, and proves what is to be proven of the file as a
// whole. visit gets the line on which one begins, and its bytes until the next.
func (f *File) walkJSON(visit func(line int, raw []byte) error) error {
	r, err := f.unwrap.open()
	if err != nil {
		return err
	}
	defer r.Close()
	t := newTape(f.text(r))
	d := json.NewDecoder(t)
	first, err := d.Token()
	switch {
	case err != nil:
		return t.explain(err, d.InputOffset(), false)
	case first != json.Delim('['):
		return &roster.Refusal{Code: "E411", Line: 1, Text: "the file is not a list of accounts: JSON that is read begins with [", Fix: "write it as rollcall accounts export --format json does: [{…}, {…}]"}
	}
	t.pass(d.InputOffset())
	rows := 0
	var raw json.RawMessage
	for d.More() {
		if err := d.Decode(&raw); err != nil {
			return t.explain(err, d.InputOffset(), true)
		}
		end := d.InputOffset()
		t.pass(end - int64(len(raw)))
		line := t.line
		if rows++; rows > f.maxRows {
			return &roster.Refusal{Code: "E411", Line: line, Text: fmt.Sprintf("the file has more than %d records", f.maxRows), Fix: "split it"}
		}
		if len(raw) > maxRecord {
			return tooLong(line)
		}
		if depth(raw) > maxDepth {
			return tooDeep(line)
		}
		if err := visit(line, raw); err != nil {
			return placed(err, line)
		}
		t.pass(end)
		t.listed = true
	}
	if _, err := d.Token(); err != nil {
		return t.explain(err, d.InputOffset(), false)
	}
	t.pass(d.InputOffset())
	switch _, err := d.Token(); {
	case err == nil, errors.As(err, new(*json.SyntaxError)):
		line, at := t.place(t.behind())
		return &roster.Refusal{Code: "E411", Line: line, Text: fmt.Sprintf("text follows the end of the list, at character %d of the line", at), Fix: "end the file behind the ]"}
	case !errors.Is(err, io.EOF):
		return t.explain(err, d.InputOffset(), false)
	case rows == 0:
		return &roster.Refusal{Code: "E411", Text: "the list is empty", Fix: "look at the filters of the export: it found nobody"}
	}
	return nil
}

func tooLong(line int) error {
	return &roster.Refusal{Code: "E411", Line: line, Text: fmt.Sprintf("a record is longer than %d bytes", maxRecord), Fix: "leave out what is not needed"}
}

func tooDeep(line int) error {
	return &roster.Refusal{Code: "E411", Line: line, Text: fmt.Sprintf("a record is nested more than %d deep", maxDepth), Fix: "write it as rollcall accounts export --format json does"}
}

// A tape is what the decoder reads, and remembers the part of it that the
// decoder has not passed, to tell lines. It bounds that part, and so what the
// decoder holds.
type tape struct {
	r    io.Reader
	kept []byte // from base on
	base int64
	line int   // of the byte at base
	char int   // likewise, in its line, counted from 1
	err  error // that ended it, but for its end

	listed bool // base is behind a record
}

func newTape(r io.Reader) *tape {
	return &tape{r: &roomyReader{r: r, buf: make([]byte, headSize)}, line: 1, char: 1}
}

// A roomyReader reads ahead with the buffer that the readers of text want.
type roomyReader struct {
	r    io.Reader
	buf  []byte
	rest []byte
	err  error
}

func (b *roomyReader) Read(p []byte) (int, error) {
	for len(b.rest) == 0 {
		if b.err != nil {
			return 0, b.err
		}
		var n int
		n, b.err = b.r.Read(b.buf)
		b.rest = b.buf[:n]
	}
	n := copy(p, b.rest)
	b.rest = b.rest[n:]
	return n, nil
}

// errLong ends a reading that would have to hold too much.
var errLong = errors.New("longer than a record may be")

func (t *tape) Read(p []byte) (int, error) {
	if len(t.kept) > 2*maxRecord {
		t.err = errLong
		return 0, errLong
	}
	n, err := t.r.Read(p)
	t.kept = append(t.kept, p[:n]...)
	if err != nil && !errors.Is(err, io.EOF) {
		t.err = err
	}
	return n, err
}

// pass forgets what lies before offset.
func (t *tape) pass(offset int64) {
	n := int(offset - t.base)
	t.line, t.char = t.place(n)
	t.kept = t.kept[:copy(t.kept, t.kept[n:])]
	t.base = offset
}

// place is the line of the byte n behind base, and which character of it that is.
func (t *tape) place(n int) (line, char int) {
	before := t.kept[:n]
	ends := lineEnds(before)
	if ends == 0 {
		return t.line, t.char + len([]rune(string(before)))
	}
	last := before[bytes.LastIndexAny(before, "\r\n")+1:]
	return t.line + ends, 1 + len([]rune(string(last)))
}

// behind is where behind base something else than white space stands.
func (t *tape) behind() int {
	return len(t.kept) - len(bytes.TrimLeft(t.kept, " \t\r\n"))
}

// explain says what a decoder's error means. It lies at offset, or inside the
// value that begins behind base.
func (t *tape) explain(err error, offset int64, inside bool) error {
	start := t.behind()
	if inside && start < len(t.kept) && t.kept[start] == ',' {
		start++
		start += len(t.kept[start:]) - len(bytes.TrimLeft(t.kept[start:], " \t\r\n"))
	}
	line, _ := t.place(start)
	last, _ := t.place(len(t.kept))
	var wrong *json.SyntaxError
	switch {
	case errors.Is(t.err, errLong):
		return tooLong(line)
	case t.err != nil:
		return placed(t.err, last)
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		if t.base == 0 && start == len(t.kept) {
			return errEmpty()
		}
		return &roster.Refusal{Code: "E408", Line: last, Text: "the file ends before its list does", Fix: "export it again; a list ends with ]"}
	case !errors.As(err, &wrong):
		return fmt.Errorf("read drop: %w", err)
	case strings.Contains(wrong.Error(), "max depth"):
		return tooDeep(line)
	}
	at := int(offset - t.base)
	if inside { // the decoder counts no white space between values
		var again *json.SyntaxError
		if t.listed && start == t.behind() {
			line, char := t.place(start)
			return notJSON(line, char, "a comma is missing")
		}
		if errors.As(json.Unmarshal(t.kept[start:], new(json.RawMessage)), &again) {
			at, wrong = start+int(again.Offset)-1, again
		}
	}
	line, char := t.place(min(max(at, 0), len(t.kept)))
	return notJSON(line, char, withoutCharacter(wrong.Error()))
}

func notJSON(line, char int, why string) error {
	return &roster.Refusal{
		Code: "E411", Line: line,
		Text: fmt.Sprintf("the file is not written as JSON at character %d of the line: %s", char, why),
		Fix:  "correct it there: texts stand in double quotes, and commas between what is listed",
	}
}

// withoutCharacter leaves out which character it is that the decoder names: it
// may be a person's.
func withoutCharacter(text string) string {
	if before, after, ok := strings.Cut(text, " '"); ok {
		if i := strings.LastIndex(after, "' "); i >= 0 {
			return before + " " + after[i+2:]
		}
	}
	return text
}

// depth is how deep the arrays and objects of a value are nested.
func depth(raw []byte) int {
	deep, most, quoted := 0, 0, false
	for i := 0; i < len(raw); i++ {
		switch b := raw[i]; {
		case quoted && b == '\\':
			i++
		case b == '"':
			quoted = !quoted
		case quoted:
		case b == '{', b == '[':
			deep++
			most = max(most, deep)
		case b == '}', b == ']':
			deep--
		}
	}
	return most
}

// halved tells whether a text is written with half of a surrogate pair, of which
// the decoder would make a replacement character.
func halved(raw []byte) bool {
	unit := func(i int) (u int, ok bool) {
		if i+6 > len(raw) || raw[i] != '\\' || raw[i+1] != 'u' {
			return 0, false
		}
		_, err := fmt.Sscanf(string(raw[i+2:i+6]), "%04x", &u)
		return u, err == nil
	}
	if !bytes.Contains(raw, []byte(`\u`)) {
		return false
	}
	for i := 0; i < len(raw); i++ {
		if raw[i] != '\\' {
			continue
		}
		u, ok := unit(i)
		switch {
		case !ok:
			i++
		case u < 0xd800 || u > 0xdfff:
			i += 5
		default:
			next, ok := unit(i + 6)
			if u >= 0xdc00 || !ok || next>>10 != 0xdc00>>10 {
				return true
			}
			i += 11
		}
	}
	return false
}
