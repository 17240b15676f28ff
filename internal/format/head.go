package format

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"

	"rollcall/internal/roster"
)

// foreign is what comes under a CSV's name and is none, by its first bytes.
var foreign = []struct{ magic, what, fix string }{
	{"\x1f\x8b", "looks like gzip", "have its name end with .gz"},
	{"PK\x03\x04", "looks like a zip archive", "have HR send the file plain or as .gz"},
	{"PK\x05\x06", "looks like an empty zip archive", "have HR send the file plain or as .gz"},
	{"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "looks like a spreadsheet", "export it as CSV"},
	{"BZh91AY&SY", "looks like bzip2", "have HR send the file plain or as .gz"},
	{"\xfd7zXZ\x00", "looks like xz", "have HR send the file plain or as .gz"},
	{"(\xb5/\xfd", "looks like zstd", "have HR send the file plain or as .gz"},
	{"7z\xbc\xaf\x27\x1c", "looks like a 7z archive", "have HR send the file plain or as .gz"},
	{"%PDF-", "looks like a PDF", "have HR send CSV"},
	{"-----BEGIN PGP", "looks encrypted or signed with PGP, which is not built yet", "have HR send the file plain or as .gz"},
}

// refuseForeign refuses a file that is empty, or no text.
func refuseForeign(raw []byte) error {
	refuse := func(text, fix string) error { return &roster.Refusal{Code: "E411", Text: text, Fix: fix} }
	if len(raw) == 0 {
		return errEmpty()
	}
	for _, f := range foreign {
		if !bytes.HasPrefix(raw, []byte(f.magic)) {
			continue
		}
		if strings.HasPrefix(f.magic, "PK") && spreadsheet(raw) {
			return refuse("the file looks like a spreadsheet", "export it as CSV")
		}
		return refuse("the file "+f.what, f.fix)
	}
	if binary(raw) {
		return refuse("the file is binary data", "have HR send a text file")
	}
	return nil
}

// spreadsheet looks for the names of the parts of one in a zip archive.
func spreadsheet(raw []byte) bool {
	for _, part := range []string{"[Content_Types].xml", "xl/", "opendocument.spreadsheet"} {
		if bytes.Contains(raw, []byte(part)) {
			return true
		}
	}
	return false
}

// binary tells whether more than a tenth of the bytes are controls that no
// text has. Zero bytes are not asked: UTF-16 is full of them.
func binary(raw []byte) bool {
	controls := 0
	for _, b := range raw {
		if 0 < b && b < '\t' || '\r' < b && b < 0x1a || 0x1a < b && b < 0x1c || b == 0x7f {
			controls++
		}
	}
	return controls > 8 && controls > len(raw)/10
}

// refuseMarkup refuses text that is no table: most often an error page or a
// login form that a server sent in place of the file.
func refuseMarkup(head []byte) error {
	text := bytes.ToLower(bytes.TrimSpace(head[:min(len(head), 1024)]))
	starts := func(s string) bool { return bytes.HasPrefix(text, []byte(s)) }
	what, fix := "", "have HR send CSV"
	switch {
	case starts("<!doctype html"), starts("<html"), starts("<head"), starts("<body"):
		what = "looks like an HTML page: perhaps an error or a login page of the server"
	case starts("<?xml"), starts("<!doctype"), starts("<!--"):
		what, fix = "looks like XML", "set format.type: xml and format.record, or have HR send CSV"
	case starts("{"), starts("["):
		rest := bytes.TrimSpace(text[1:])
		if bytes.HasPrefix(rest, []byte(`"`)) && starts("{") || bytes.HasPrefix(rest, []byte("{")) {
			what = "looks like JSON"
		}
	}
	if what == "" {
		return nil
	}
	return &roster.Refusal{Code: "E411", Text: "the file " + what, Fix: fix}
}

// delimiters are what a sniffed file may be separated by, the likeliest first.
const delimiters = ",;\t|"

// sniffRows is how many rows the delimiter is judged by.
const sniffRows = 50

// sniffDelimiter chooses the one by which most rows of the head have the
// header's number of fields, weighed by that number; a comma where none
// separates anything. columns is the number of fields where the profile names
// them, else zero. It also tells how many fields the first row then has.
func sniffDelimiter(head []byte, quote byte, columns int) (delim byte, width int) {
	possible := bytes.ReplaceAll([]byte(delimiters), []byte{quote}, nil) // one that quotes does not separate
	delim, width = possible[0], 1
	best := 0.0
	for _, d := range possible {
		n, share := consistency(head, dialect{delim: d, quote: quote}, columns)
		if score := share * share * float64(n); n > 1 && score > best {
			delim, width, best = d, n, score
		}
	}
	return delim, width
}

// consistency is the number of columns that d gives, and the share of rows
// that have as many.
func consistency(head []byte, d dialect, columns int) (n int, share float64) {
	s := newScanner(bytes.NewReader(head), d, nil, len(head)+128)
	n = columns
	rows, agree := 0, 0
	for rows < sniffRows && s.next() == nil && (rows == 0 || !s.row.cut) { // the head may end inside its last row
		s.row.dropBlanks(n)
		if n == 0 {
			n = len(s.row.ends)
		}
		if rows++; len(s.row.ends) == n && s.row.fault == "" {
			agree++
		}
	}
	if rows == 0 {
		return 0, 0
	}
	return n, float64(agree) / float64(rows)
}

// readHeader names the columns (R10).
func (f *File) readHeader(head []byte, o Options) error {
	if f.skip == 0 {
		for _, c := range o.Columns {
			f.header = append(f.header, cleanName(c))
		}
	}
	s, err := f.scan()
	if err != nil {
		return err
	}
	defer s.Close()
	switch err := s.next(); {
	case errors.Is(err, io.EOF) && len(head) > 0:
		return &roster.Refusal{Code: "E411", Text: "the file has no header: nothing but empty lines", Fix: "ask HR to send it again: an empty file is never believed"}
	case errors.Is(err, io.EOF):
		return errEmpty()
	case err != nil:
		return err
	case f.skip == 0:
		return nil
	}
	if s.row.fault != "" {
		return &roster.Refusal{Code: "E411", Line: s.row.line, Text: "the header cannot be read: " + s.row.fault, Fix: "have the header's quotes closed or left out"}
	}
	rec := s.record()
	for _, name := range rec.Values {
		f.header = append(f.header, cleanName(name))
	}
	for len(f.header) > 1 && f.header[len(f.header)-1] == "" {
		f.header = f.header[:len(f.header)-1]
	}
	return f.judgeHeader(head, rec, o.Delimiter != "")
}

func (f *File) judgeHeader(head []byte, rec roster.Record, declared bool) error {
	refuse := func(column, text, fix string) error {
		return &roster.Refusal{Code: "E411", Line: rec.Line, Column: column, Text: text, Fix: fix}
	}
	if len(f.header) > maxColumns {
		return refuse("", fmt.Sprintf("the header has %d columns, more than %d", len(f.header), maxColumns), "have HR send fewer")
	}
	if declared && len(f.header) == 1 {
		if d, n := sniffDelimiter(head, f.dialect.quote, 0); n > 1 && d != f.dialect.delim {
			return refuse("", fmt.Sprintf("the header has one column with the delimiter %q, and %d with %q", f.dialect.delim, n, d),
				fmt.Sprintf("set format.delimiter: %q, or leave it out", string(rune(d))))
		}
	}
	at := map[string]int{}
	for i, name := range f.header {
		folded := roster.Fold(name)
		if j, twice := at[folded]; twice && name != "" {
			if looksLikeData(rec.Values) { // then a name is a person's
				name = ""
			}
			return refuse(name, fmt.Sprintf("columns %d and %d have the same name", j+1, i+1), "have one of them renamed or removed; a file without a header needs header: 0 and columns:")
		}
		at[folded] = i
	}
	return nil
}

// cleanName is a column's name as it is looked up, but for its case (R10).
func cleanName(s string) string {
	s = strings.Map(func(r rune) rune {
		switch r {
		case '\u00a0', '\u202f', '\u2007': // no-break spaces
			return ' '
		case '\ufeff', '\u200b', '\u200c', '\u200d', '\u2060', '\u00ad': // of no width
			return -1
		}
		return r
	}, s)
	return strings.TrimSpace(s)
}

// looksLikeData tells whether a first row is a person rather than names of
// columns: it has a number, a date or an address.
func looksLikeData(cells []string) bool {
	for _, c := range cells {
		c = strings.TrimSpace(c)
		number := strings.ContainsAny(c, "0123456789") && strings.Trim(c, "0123456789-./ :") == ""
		if number || strings.Contains(c, "@") && strings.Contains(c, ".") {
			return true
		}
	}
	return false
}
