package format

import (
	"bytes"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"reflect"
	"runtime/debug"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"rollcall/internal/roster"
)

// FuzzCSV reads anything, with any delimiter and quote: it never panics, gives
// the same answer again, holds to its bounds, has its rows on physical lines
// that rise, agrees with encoding/csv on every file in which both find nothing
// wrong, and reads what it has read when that is written anew.
func FuzzCSV(f *testing.F) {
	for _, seed := range []string{
		"id,name\n1,Ann\n2,Bob\n",
		"id,name\r\n1,\"Smith, Ann\"\r\n2,\"say \"\"hi\"\"\"\r\n",
		"id,name\r1,a\r",
		"\uFEFFid;name;;\n\n1;\"two\nlines\";;\n",
		"id,name\n1,O\"Brien\n2,\"a\"b\n",
		"id,name,x\n1,\"a,b\n2,c,d\n3,e\",f\n",
		"id,name\n1,\"never\nclosed",
		"id,name\n1,a\n2",
		"id\tname\n1\t\x00\n\x1a",
		"id,name\n1, \"a\" ,\n",
		"id,name\n1,Zo\xeb\n",
		"\xff\xfei\x00d\x00\n\x001\x00\n\x00",
		"i\x00d\x00,\x00n\x00\n\x00",
		"\"id\",\"id\"\n",
		"T,1\nT,1\n",
	} {
		f.Add([]byte(seed), byte(0), byte('"'))
		f.Add([]byte(seed), byte(','), byte('\''))
	}
	roomy(f)
	path := filepath.Join(f.TempDir(), "drop") // one file a process: a folder for each input costs more than to read it
	f.Fuzz(func(t *testing.T, content []byte, delim, quote byte) {
		o := Options{Content: "full", Quote: string(rune(quote))}
		if delim != 0 {
			o.Delimiter = string(rune(delim))
		}
		if len(o.Validate()) > 0 {
			return
		}
		file, err := opened(t, path, content, o)
		if err != nil {
			believable(t, err)
			return
		}
		physical(t, file, content)
		got := drain(file)
		if again := drain(file); !reflect.DeepEqual(again, got) {
			t.Fatalf("read again: %+v, first %+v", again, got)
		}
		if got.err != nil {
			believable(t, got.err)
			return
		}
		size := 0
		for _, r := range got.rows {
			size += len(r)
		}
		if len(got.rows) > len(content) || size > 32*len(content) {
			t.Fatalf("%d rows of %d bytes out of %d bytes", len(got.rows), size, len(content))
		}
		if quote == '"' && file.charset.name == "utf-8" {
			agrees(t, file, content)
		}
		if file.charset.name == "utf-8" && len(content) < 16<<10 && strings.IndexByte(delimiters+"'\"", quote) >= 0 && !bytes.Contains(content, []byte{0}) {
			again(t, file, path)
		}
	})
}

// roomy lets the memory of a fuzzing process grow before it is cleaned: each
// reading has a buffer, and most of the time would go into cleaning up.
func roomy(f *testing.F) {
	percent, limit := debug.SetGCPercent(-1), debug.SetMemoryLimit(256<<20)
	f.Cleanup(func() {
		debug.SetGCPercent(percent)
		debug.SetMemoryLimit(limit)
	})
}

// opened opens a drop at path that holds content.
func opened(t *testing.T, path string, content []byte, o Options) (*File, error) {
	t.Helper()
	return openedAs(t, path, "s.csv", content, o)
}

// openedAs opens a drop of that name at path that holds content.
func openedAs(t *testing.T, path, name string, content []byte, o Options) (*File, error) {
	t.Helper()
	if err := os.WriteFile(path, content, 0o600); err != nil {
		t.Fatal(err)
	}
	return Open(path, name, o, 1<<20)
}

// physical looks at the lines of the rows: they rise, none is behind the last
// line of the file, and a refusal names none that is either. A two-byte
// encoding has more line ends in its bytes than in its text, never fewer.
func physical(t *testing.T, file *File, content []byte) {
	t.Helper()
	last := lineEnds(content) + 1
	if file.charset.enc != nil {
		last = bytes.Count(content, []byte("\n")) + bytes.Count(content, []byte("\r")) + 1
	}
	before := 0
	for rec, err := range file.Records() {
		line := rec.Line
		var wrong *roster.RowError
		var refused *roster.Refusal
		switch {
		case errors.As(err, &wrong):
			if line = wrong.Problem.Line; wrong.Record.Line != line {
				t.Fatalf("a row of line %d has a problem in line %d", wrong.Record.Line, line)
			}
		case errors.As(err, &refused):
			if refused.Line < 0 || refused.Line > last {
				t.Fatalf("refused in line %d of %d: %v", refused.Line, last, err)
			}
			return
		case err != nil:
			t.Fatal(err)
		}
		if line <= before || line > last {
			t.Fatalf("a row on line %d of %d follows that of line %d", line, last, before)
		}
		before = line
	}
}

// again writes the good rows with every cell in quotes, and reads them.
func again(t *testing.T, file *File, path string) {
	t.Helper()
	if len(file.header) == 1 && file.header[0] == "" {
		return // a header of delimiters alone; written anew it is an empty line
	}
	delim, quote := string(rune(file.dialect.delim)), string(rune(file.dialect.quote))
	var b strings.Builder
	write := func(cells []string) {
		for i, c := range cells {
			if i > 0 {
				b.WriteString(delim)
			}
			b.WriteString(quote + strings.ReplaceAll(c, quote, quote+quote) + quote)
		}
		b.WriteString("\n")
	}
	write(file.header)
	var want [][]string
	for rec, err := range file.Records() {
		if err == nil && strings.TrimSpace(strings.Join(rec.Values, "")) != "" {
			write(rec.Values)
			want = append(want, rec.Values)
		}
	}
	if len(want) == 0 {
		return
	}
	written, err := opened(t, path, []byte(b.String()), Options{Content: "full", Delimiter: delim, Quote: quote, Encoding: "utf-8"})
	var got [][]string
	if err == nil {
		for rec, failed := range written.Records() {
			if err = failed; err != nil {
				break
			}
			got = append(got, rec.Values)
		}
	}
	if err != nil || !reflect.DeepEqual(got, want) || !reflect.DeepEqual(written.header, file.header) {
		t.Fatalf("written anew: %q\nread %q, %v\nwant %q", b.String(), got, err, want)
	}
}

// FuzzSniff finds out how anything is written, and is asked twice; what it finds
// can be read as it says. Then it gets a table that is written in one of its
// dialects, out of the same bytes, and finds that dialect, header and cells.
func FuzzSniff(f *testing.F) {
	for i, seed := range []string{
		"id,name\n1,Ann\n", "1001|Ann|ann@example.org\n1002|Bob|bob@example.org\n", "'id';'name'\n" + strings.Repeat("'1';'Smith; Ann'\n", 5),
		"Nr;Imi\xea;Nazwisko\n1;\xa3ukasz;Wa\xb3\xeasa\n", "i\x00d\x00,\x00n\x00\n\x001\x00,\x00a\x00\n\x00", "<html>", "a;b;c\ta;b;c\td|e,f",
		"\x1f\x8b", "\uFEFF\n\n", "a\rb\r", "\"a\"\"b\",c\n", "id,name\n1,\"a\nb,c\"\n",
	} {
		f.Add([]byte(seed), byte(i))
	}
	roomy(f)
	path := filepath.Join(f.TempDir(), "drop")
	f.Fuzz(func(t *testing.T, content []byte, choice byte) {
		sniffed := func(content []byte) (Sniffed, error) {
			if err := os.WriteFile(path, content, 0o600); err != nil {
				t.Fatal(err)
			}
			found, err := Sniff(path, "s.csv", 1<<20)
			if twice, failed := Sniff(path, "s.csv", 1<<20); !reflect.DeepEqual(twice, found) || fmt.Sprint(failed) != fmt.Sprint(err) {
				t.Fatalf("sniffed %+v, %v\nthen %+v, %v", found, err, twice, failed)
			}
			return found, err
		}
		found, err := sniffed(content)
		if err != nil {
			believable(t, err)
		} else {
			usable(t, path, found)
		}

		delim := delimiters[int(choice)%len(delimiters)]
		table := tabulated(content, 2+int(choice>>4)%4)
		if found, err = sniffed(quotedBy34(table, delim)); err != nil {
			t.Fatalf("a table in quotes is refused: %v", err)
		}
		if found.Quote != "" {
			return // its cells look like cells in quotes of the other kind: nobody can tell
		}
		var sample [][]string
		for _, rec := range found.Sample {
			sample = append(sample, rec.Values)
		}
		body := table[1:]
		if found.Delimiter != string(rune(delim)) || found.Rows != len(body) || !reflect.DeepEqual(found.Header, table[0]) || !reflect.DeepEqual(sample, body[:min(len(body), sampleRows)]) {
			t.Fatalf("sniffed %+v\nwant delimiter %q and %q", found, delim, table)
		}
	})
}

// usable opens the drop as s says, and finds as many rows.
func usable(t *testing.T, path string, s Sniffed) {
	t.Helper()
	o := s.Options()
	if faults := o.Validate(); len(faults) > 0 {
		if slices.ContainsFunc(faults, func(f *roster.Fault) bool { return !strings.HasPrefix(f.Path, "columns") }) {
			t.Fatalf("options that it suggests: %v", faults)
		}
		return
	}
	file, err := Open(path, "s.csv", o, 1<<20)
	if err != nil {
		t.Fatalf("refused as it was sniffed, %+v: %v", o, err)
	}
	if read := drain(file); read.err != nil || len(read.rows) != s.Rows {
		t.Fatalf("read as it was sniffed: %d rows, %v; want %d", len(read.rows), read.err, s.Rows)
	}
}

// tabulated makes a table of any bytes: visible characters in rows of that width.
func tabulated(content []byte, width int) [][]string {
	header := []string{"number", "name", "ward", "mail", "phone"}[:width]
	table := [][]string{header}
	cells := strings.FieldsFunc(strings.ToValidUTF8(string(content), "?"), func(r rune) bool { return r < ' ' || r == 0x7f || r == utf8.RuneError })
	cells = append(cells, "end")
	for len(cells) > 0 && len(table) < 200 {
		row := make([]string, width)
		row[0] = "k" + cells[0][:min(len(cells[0]), 20)]
		row[0] = strings.ToValidUTF8(row[0], "")
		cells = cells[1:]
		for i := 1; i < width && len(cells) > 0; i++ {
			row[i] = strings.ToValidUTF8(cells[0][:min(len(cells[0]), 200)], "")
			cells = cells[1:]
		}
		table = append(table, row)
	}
	return table
}

// quotedBy34 writes a table with every cell in double quotes.
func quotedBy34(table [][]string, delim byte) []byte {
	var b bytes.Buffer
	for _, row := range table {
		for i, c := range row {
			if i > 0 {
				b.WriteByte(delim)
			}
			b.WriteString(`"` + strings.ReplaceAll(c, `"`, `""`) + `"`)
		}
		b.WriteByte('\n')
	}
	return b.Bytes()
}

func believable(t *testing.T, err error) {
	t.Helper()
	var refused *roster.Refusal
	if !errors.As(err, &refused) {
		t.Fatalf("error is no refusal: %v", err)
	}
	if !utf8.ValidString(err.Error()) {
		t.Fatalf("message is not text: %q", err)
	}
}

// agrees reads the content with encoding/csv, where that can read it: it knows
// no lone returns, no Control-Z, and no end of the surplus cells.
func agrees(t *testing.T, file *File, content []byte) {
	t.Helper()
	content = bytes.TrimPrefix(content, []byte("\uFEFF"))
	if bytes.Contains(bytes.ReplaceAll(content, []byte("\r\n"), nil), []byte("\r")) || file.padded {
		return
	}
	r := csv.NewReader(bytes.NewReader(content))
	r.Comma = rune(file.dialect.delim)
	r.FieldsPerRecord = -1
	var want []roster.Record
	for {
		values, err := r.Read()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return
		}
		if len(values) == 1 && strings.TrimSpace(values[0]) == "" {
			continue // an empty line; one of delimiters alone is a row
		}
		for len(values) > len(file.header) && strings.TrimSpace(values[len(values)-1]) == "" {
			values = values[:len(values)-1]
		}
		line, _ := r.FieldPos(0)
		want = append(want, roster.Record{Line: line, Values: values})
	}
	want = want[1:] // the header
	var got []roster.Record
	for rec := range file.Records() {
		got = append(got, rec)
	}
	if !reflect.DeepEqual(got, want) {
		t.Fatalf("records = %+v\nencoding/csv %+v", got, want)
	}
}

// FuzzLDIF reads anything: it never panics, gives the same answer again, holds
// to its bounds, and refuses or rejects what it cannot read.
func FuzzLDIF(f *testing.F) {
	for _, seed := range []string{
		people,
		"dn: cn=a,dc=x\nsn:: TfxsbGVy\n",
		"dn: cn=a+b=\\2c\\,c,dc=x\na;range=0-*;binary;lang-de: 1\n",
		"# asked for: a b\n\ndn:: Y249YQ==\n a\n\n# numEntries: 1\nsearch: 2\nresult: 0\n",
		"dn: cn=a\nobjectGUID:: 6YkVLV/7YkyBAQIDBAUGBw==\nobjectSid:: AQA=\nuserAccountControl: 514\naccountExpires: -1\n",
	} {
		f.Add([]byte(seed), "ad")
		f.Add([]byte(seed), "openldap")
	}
	f.Fuzz(func(t *testing.T, content []byte, dialect string) {
		o := Options{Type: "ldif", Content: "full", Dialect: dialect}
		if len(o.Validate()) > 0 {
			return
		}
		file, err := Open(spool(t, content), "s.ldif", o, 1<<20)
		if err != nil {
			believable(t, err)
			return
		}
		got := drain(file)
		if again := drain(file); !reflect.DeepEqual(again, got) {
			t.Fatalf("read again: %+v, first %+v", again, got)
		}
		if got.err != nil {
			t.Fatalf("refused by the second look alone: %v", got.err)
		}
		if len(got.rows) > len(content) || len(got.rows) != file.ldif.entries {
			t.Fatalf("%d rows out of %d bytes, and %d entries were counted", len(got.rows), len(content), file.ldif.entries)
		}
	})
}
