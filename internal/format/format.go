// Package format turns the bytes of a drop into records. It unpacks with
// bounds, finds encoding, delimiter and header, and proves the content: its
// end, its trailer, its quotes. It never knows what a column means, and it
// trims no value.
//
// The file is read from its beginning each time that [File.Records] is called,
// through a chain of small readers: unwrap (gzip, size), text (any encoding to
// UTF-8), guard (padding), rows (CSV), entries (LDIF) or records (XML, JSON). No more than a buffer of it is held.
package format

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"iter"
	"strconv"
	"strings"

	"rollcall/internal/roster"
)

// Bounds of what is read. Passing one is a refusal, never a crash.
const (
	maxRow     = 64 << 10 // bytes of a row, which may span lines
	maxColumns = 500      // of the header
	maxRows    = 50_000_000
	maxLines   = 20        // of one quoted cell (R18)
	maxUnpack  = 512 << 20 // bytes, where the caller names no bound
	headSize   = 64 << 10  // bytes that are looked at to find out what the file is
)

// Facts are what was found in a file, for the report.
type Facts struct {
	Format    string   // csv, xml, ldif or json
	Encoding  string   // IANA name, lower case
	Delimiter string   // "" where there is none
	Wrapped   []string // what was unwrapped, outermost first: gzip
}

// A File is an opened drop, whose head has been read. It holds no descriptor:
// each reading opens the file and closes it.
type File struct {
	unwrap  unwrapping
	charset charset
	dialect dialect
	skip    int // header rows
	trailer *Trailer
	header  []string
	maxRows int
	looks   string    // an encoding that the head fits better than the declared one
	padded  bool      // a reading has found Control-Z at the end
	xml     *elements // nil where the file is no XML
	ldif    *ldif     // nil where the file is no LDIF
	json    *jsonDrop // nil where the file is no JSON
	delta   bool      // it lists changes, not everybody
	one     *scanner  // splits single rows
}

// Open reads the head of the file at path, a drop called name. maxSize bounds
// what it may hold when unpacked, in bytes; zero is 512 MiB. A drop that is not
// believed is a [*roster.Refusal]. The options are taken to be valid.
func Open(path, name string, o Options, maxSize int64) (*File, error) {
	if maxSize <= 0 {
		maxSize = maxUnpack
	}
	f := &File{
		unwrap:  unwrapping{path: path, maxSize: maxSize},
		dialect: dialect{quote: '"', doubled: o.DoubledQuotes},
		skip:    o.headerRows(),
		trailer: o.Trailer,
		maxRows: maxRows,
		delta:   o.Content == "delta",
	}
	if o.Quote != "" {
		f.dialect.quote = o.Quote[0]
	}
	kind, err := f.believeName(name, o.Type)
	if err != nil {
		return nil, err
	}
	if kind == "xml" {
		return f, f.openXML(o)
	}
	raw, err := f.rawHead()
	if err != nil {
		return nil, err
	}
	if err := refuseForeign(raw); err != nil {
		return nil, err
	}
	if f.charset, err = detect(raw, o.Encoding); err != nil {
		return nil, err
	}
	if f.charset.declared && f.charset.table != nil && accentsInUTF8(raw) {
		f.looks = "utf-8"
	}
	head, err := f.textHead()
	if err != nil {
		return nil, err
	}
	if kind == "json" {
		return f, f.openJSON(o)
	}
	if err := refuseMarkup(head); err != nil {
		return nil, err
	}
	if kind == "ldif" {
		f.ldif = newLDIF(o)
		return f, f.survey()
	}
	if o.Delimiter != "" {
		f.dialect.delim = o.Delimiter[0]
	} else {
		f.dialect.delim, _ = sniffDelimiter(head, f.dialect.quote, len(o.Columns))
	}
	return f, f.readHeader(head, o)
}

// Header is the names of the columns as written, without byte-order mark,
// invisible characters and outer blanks (R10). A no-break space inside a name
// is a space. Case is as written, and a column in the middle may have no name.
func (f *File) Header() []string { return f.header }

// Watch has tell called while the file is read: with 0 where a reading begins,
// then with how many bytes of the file, as it was delivered, have been read.
func (f *File) Watch(tell func(at int64)) { f.unwrap.watch = tell }

// News are [File.Notes] and those of others about the columns: not that the
// profile does not use one that every file of the format has.
func (f *File) News(columns []roster.Problem) []roster.Problem {
	news := f.Notes()
	for _, p := range columns {
		if f.ldif == nil || p.Severity != roster.SeverityNote || !f.ldif.inherent(p.Column) {
			news = append(news, p)
		}
	}
	return news
}

// Unseen are the columns that the file could have and of which no record says
// anything: attributes that a directory was asked for.
func (f *File) Unseen() []string {
	if f.ldif == nil {
		return nil
	}
	return f.ldif.unseen()
}

// Facts are what was found so far.
func (f *File) Facts() Facts {
	if f.ldif != nil {
		return Facts{Format: "ldif", Encoding: f.charset.name, Wrapped: f.unwrap.wrapped()}
	}
	if f.json != nil {
		return Facts{Format: "json", Encoding: f.charset.name, Wrapped: f.unwrap.wrapped()}
	}
	if f.xml != nil {
		return Facts{Format: "xml", Encoding: f.charset.name, Wrapped: f.unwrap.wrapped()}
	}
	return Facts{
		Format:    "csv",
		Encoding:  f.charset.name,
		Delimiter: string(rune(f.dialect.delim)),
		Wrapped:   f.unwrap.wrapped(),
	}
}

// Notes are what is worth telling of the file as a whole. Those about its end
// are known once the records have been read to the end.
func (f *File) Notes() []roster.Problem {
	var notes []roster.Problem
	if f.looks != "" {
		notes = append(notes, roster.Problem{
			Code: "E103", Severity: roster.SeverityWarning,
			Text: fmt.Sprintf("the file is declared as %s and reads like %s", f.charset.name, f.looks),
			Fix:  fmt.Sprintf("look at names with accents; if they are garbled, set format.encoding: %s", f.looks),
		})
	}
	if f.padded {
		notes = append(notes, roster.Problem{
			Severity: roster.SeverityNote,
			Text:     "the file ends with Control-Z, which was left out",
			Fix:      "nothing to do",
		})
	}
	if f.xml != nil && f.xml.strays.count > 0 {
		notes = append(notes, roster.Problem{
			Code: "E411", Severity: roster.SeverityWarning, Line: f.xml.strays.line,
			Text: fmt.Sprintf("%d elements that are called like a record stand elsewhere than format.record says, and were passed over; this is the first", f.xml.strays.count),
			Fix:  "make sure that nobody is meant to be in them: who stands nowhere else is absent",
		})
	}
	if f.ldif != nil {
		notes = append(notes, f.ldif.notes()...)
	}
	return notes
}

// Records reads the file from its first record, each time that it is called,
// in constant memory. A [*roster.RowError] is a row that cannot be used; a
// [*roster.Refusal] ends the reading and refuses the whole drop.
func (f *File) Records() iter.Seq2[roster.Record, error] {
	if f.xml != nil {
		return f.xmlRecords()
	}
	if f.ldif != nil {
		return f.ldifRecords()
	}
	if f.json != nil {
		return f.jsonRecords()
	}
	return func(yield func(roster.Record, error) bool) {
		s, err := f.scan()
		if err != nil {
			yield(roster.Record{}, err)
			return
		}
		defer s.Close()
		for range f.skip {
			if err := s.next(); err != nil {
				if errors.Is(err, io.EOF) {
					err = f.proveEnd(nil, 0, false)
				}
				yield(roster.Record{}, err)
				return
			}
		}
		s.columns = len(f.header)

		rows, said := 0, false     // said: some row has a cell that is not blank
		var trailer *roster.Record // once it was seen
		for {
			rec, err := f.next(s, &trailer, &rows)
			if errors.Is(err, io.EOF) {
				f.padded = f.padded || s.padded
				if err = f.proveEnd(trailer, rows, said); err == nil {
					return
				}
			}
			said = said || err != nil || !s.row.blank()
			if !yield(rec, err) {
				return
			}
			if err != nil && !rowOnly(err) {
				return
			}
		}
	}
}

// rowOnly tells whether the reading goes on after err.
func rowOnly(err error) bool {
	var wrong *roster.RowError
	return errors.As(err, &wrong)
}

// next reads the next record, and the trailer where it comes.
func (f *File) next(s *scanner, trailer **roster.Record, rows *int) (roster.Record, error) {
	err := s.next()
	if err == nil && *trailer == nil && f.isTrailer(s) {
		rec := s.record()
		*trailer = &rec
		err = s.next()
	}
	if err != nil {
		return roster.Record{}, err
	}
	if *trailer != nil {
		return roster.Record{}, &roster.Refusal{Code: "E408", Line: (*trailer).Line, Text: "rows follow the trailer", Fix: "ask HR to send one file, whose last row is the trailer"}
	}
	if *rows++; *rows > f.maxRows {
		return roster.Record{}, &roster.Refusal{Code: "E411", Line: s.row.line, Text: fmt.Sprintf("the file has more than %d rows", f.maxRows), Fix: "split it into several profiles"}
	}
	return f.shape(s)
}

// scan opens the file and stands before its first row.
func (f *File) scan() (*scanner, error) {
	r, err := f.unwrap.open()
	if err != nil {
		return nil, err
	}
	return newScanner(f.text(r), f.dialect, r, 4*maxRow), nil
}

// text decodes what r holds.
func (f *File) text(r io.Reader) io.Reader {
	return &padding{r: f.charset.reader(r)}
}

// isTrailer tells whether the row is the one that counts the others.
func (f *File) isTrailer(s *scanner) bool {
	return f.trailer != nil && strings.TrimSpace(string(s.row.cell(0))) == f.trailer.Starts
}

// shape gives the row as a record, and says what is wrong with its form (R15).
func (f *File) shape(s *scanner) (roster.Record, error) {
	s.row.dropBlanks(len(f.header))
	rec := s.record()
	got, want := len(rec.Values), len(f.header)
	switch {
	case got < want && s.row.cut:
		return roster.Record{}, &roster.Refusal{
			Code: "E408", Line: rec.Line,
			Text: fmt.Sprintf("the file ends inside a row: %s of %d, and no line end", fields(got), want),
		}
	case s.row.fault != "":
		p := roster.NewProblem("E102", rec.Line, "")
		p.Text = s.row.fault
		if s.row.faulty < want {
			p.Column = f.header[s.row.faulty]
		}
		p.Fix = "put the cell in quotes, and double each quote inside it"
		return rec, &roster.RowError{Record: rec, Problem: p}
	case got != want:
		p := roster.NewProblem("E101", rec.Line, "")
		p.Text = fmt.Sprintf("the row has %s, the header %d", fields(got), want)
		return rec, &roster.RowError{Record: rec, Problem: p}
	}
	return rec, nil
}

// proveEnd tells whether a file that ended is whole.
func (f *File) proveEnd(trailer *roster.Record, rows int, said bool) error {
	if f.trailer != nil {
		if err := f.checkTrailer(trailer, rows); err != nil {
			return err
		}
	}
	if !said {
		return f.errNobody("the file has no rows")
	}
	return nil
}

// errNobody refuses a file that lists nobody.
func (f *File) errNobody(text string) error {
	fix := "ask HR to send the whole list: an empty one is never believed"
	if f.delta {
		fix = "where nothing has changed send no file; have HR look whether rows are missing"
	}
	return &roster.Refusal{Code: "E411", Text: text, Fix: fix}
}

func (f *File) checkTrailer(last *roster.Record, rows int) error {
	if last == nil {
		return &roster.Refusal{Code: "E408", Text: fmt.Sprintf("the trailer that begins with %q is missing", f.trailer.Starts)}
	}
	refuse := func(text string) error {
		return &roster.Refusal{Code: "E408", Line: last.Line, Text: text}
	}
	if len(last.Values) < f.trailer.Count {
		return refuse(fmt.Sprintf("the trailer has %s, and format.trailer.count asks for field %d", fields(len(last.Values)), f.trailer.Count))
	}
	n, err := strconv.Atoi(strings.TrimSpace(last.Values[f.trailer.Count-1]))
	if err != nil {
		return refuse(fmt.Sprintf("field %d of the trailer is not a number of rows", f.trailer.Count))
	}
	if n != rows {
		return refuse(fmt.Sprintf("the trailer counts %d rows, the file has %d", n, rows))
	}
	return nil
}

func fields(n int) string {
	if n == 1 {
		return "1 field"
	}
	return fmt.Sprintf("%d fields", n)
}

// rawHead is the first bytes of the file, unpacked.
func (f *File) rawHead() ([]byte, error) {
	r, err := f.unwrap.open()
	if err != nil {
		return nil, err
	}
	defer r.Close()
	return readHead(r)
}

// textHead is the first bytes of the file as text.
func (f *File) textHead() ([]byte, error) {
	r, err := f.unwrap.open()
	if err != nil {
		return nil, err
	}
	defer r.Close()
	head, err := readHead(f.text(r))
	if err != nil {
		return nil, placed(err, 1+lineEnds(head))
	}
	if bytes.HasPrefix(head, []byte("\uFEFF")) {
		return nil, &roster.Refusal{Code: "E411", Line: 1, Text: "the file begins with two byte-order marks", Fix: "have the export write one, or none"}
	}
	return head, nil
}

func readHead(r io.Reader) ([]byte, error) {
	head := make([]byte, headSize)
	n := 0
	for n < len(head)-16 { // a decoder wants room for a character
		m, err := r.Read(head[n:])
		n += m
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return head[:n], err
		}
	}
	return head[:n], nil
}
