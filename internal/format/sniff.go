package format

import (
	"errors"
	"fmt"
	"io"
	"strings"

	"rollcall/internal/roster"
)

// Sniffed is what a file of which nothing is known turns out to be.
type Sniffed struct {
	Encoding  string // IANA name, lower case
	Guessed   bool   // Encoding is a guess, which a person has to confirm: the bytes do not prove it
	Delimiter string
	Quote     string   // "" where it is "
	NoHeader  bool     // the first row is a person: Header is column1, column2, …
	Header    []string // as [File.Header] gives it
	Sample    []roster.Record
	Rows      int      // all of the file, good and bad
	Bad       int      // of them, rows that cannot be read
	Wrapped   []string // what was unwrapped, outermost first: gzip

	Type       string            // xml; "" for CSV
	Record     string            // XML: the path of the records
	Namespaces map[string]string // XML: URIs by prefix
	Several    []string          // XML: what stands several times in a record, and nothing tells which is which
}

// sampleRows is how many records a Sniffed holds.
const sampleRows = 50

// Options are how a profile would say what was found.
func (s Sniffed) Options() Options {
	if s.Type == "xml" {
		return Options{Type: "xml", Record: s.Record, Namespaces: s.Namespaces, Content: "full"}
	}
	o := Options{Type: "csv", Delimiter: s.Delimiter, Quote: s.Quote, Encoding: s.Encoding, Content: "full"}
	if s.NoHeader {
		none := 0
		o.Header, o.Columns = &none, s.Header
	}
	return o
}

// Sniff finds out how the file at path, called name, is written, and reads all
// of it. Where [Open] would refuse an encoding that nobody declared, it guesses
// and says so. A file that is refused all the same is a [*roster.Refusal].
func Sniff(path, name string, maxSize int64) (Sniffed, error) {
	if strings.HasSuffix(strings.TrimSuffix(strings.ToLower(name), ".gz"), ".ldif") {
		return Sniffed{}, &roster.Refusal{Code: "E411", Text: "a profile is guessed of a table, and this is LDIF", Fix: "write the profile by hand: rollcall help profile shows the keys, examples/ldap-openldap one that works"}
	}
	var found Sniffed
	err := found.read(path, name, maxSize)
	var r *roster.Refusal
	if errors.As(err, &r) && r.Code == "E103" && found.Encoding == "" {
		looks, failed := guessFile(path, name, maxSize)
		if failed != nil {
			return Sniffed{}, err
		}
		if looks == "" { // too little to tell by: what most such files are
			looks = "windows-1252"
		}
		found = Sniffed{Encoding: looks, Guessed: true}
		err = found.read(path, name, maxSize)
	}
	if err != nil {
		return Sniffed{}, err
	}
	return found, nil
}

// read fills in what it finds. It leaves Encoding empty where it fails.
func (s *Sniffed) read(path, name string, maxSize int64) error {
	o := Options{Type: "csv", Encoding: s.Encoding, Content: "full"}
	one := 1
	o.Header = &one
	if err := s.firstRow(path, name, maxSize, &o); err != nil {
		return err
	}
	f, err := Open(path, name, o, maxSize)
	if err != nil {
		return err
	}
	rows, bad, sample := 0, 0, []roster.Record(nil)
	for rec, err := range f.Records() {
		var wrong *roster.RowError
		switch {
		case errors.As(err, &wrong):
			bad++
		case err != nil:
			return err
		case len(sample) < sampleRows:
			sample = append(sample, rec)
		}
		rows++
	}
	facts := f.Facts()
	s.Encoding, s.Delimiter, s.Wrapped = facts.Encoding, facts.Delimiter, facts.Wrapped
	s.Quote, s.Header = o.Quote, f.Header()
	s.Rows, s.Bad, s.Sample = rows, bad, sample
	return nil
}

// firstRow looks whether the first row is a header, and which quote is used.
func (s *Sniffed) firstRow(path, name string, maxSize int64, o *Options) error {
	// One column that nobody looks up lets the head through whatever its first row is.
	none := 0
	probe := *o
	probe.Header, probe.Columns, probe.Delimiter = &none, []string{"any"}, ","
	f, err := Open(path, name, probe, maxSize)
	if err != nil {
		return err
	}
	head, err := f.textHead()
	if err != nil {
		return err
	}
	if strings.Count(string(head), "'") > 4*strings.Count(string(head), `"`)+8 && quotedBy(head, '\'') {
		o.Quote = "'"
		f.dialect.quote = '\''
	}
	f.dialect.delim, _ = sniffDelimiter(head, f.dialect.quote, 0)
	rows, err := f.scan()
	if err != nil {
		return err
	}
	defer rows.Close()
	if err := rows.next(); err != nil {
		if errors.Is(err, io.EOF) {
			return errEmpty()
		}
		return err
	}
	rows.row.dropBlanks(1)
	if first := rows.record(); looksLikeData(first.Values) {
		s.NoHeader = true
		o.Header = &none
		for i := range first.Values {
			o.Columns = append(o.Columns, fmt.Sprintf("column%d", i+1))
		}
	}
	return nil
}

// quotedBy tells whether cells of the head begin and end with quote: beside a
// delimiter or a line's end, more often than not.
func quotedBy(head []byte, quote byte) bool {
	total, outer := 0, 0
	for i, b := range head {
		if b != quote {
			continue
		}
		total++
		edge := func(j int) bool {
			return j < 0 || j >= len(head) || strings.IndexByte(delimiters+"\r\n", head[j]) >= 0
		}
		if edge(i-1) || edge(i+1) {
			outer++
		}
	}
	return outer*10 >= total*9
}

// guessFile names the encoding that the file looks like.
func guessFile(path, name string, maxSize int64) (string, error) {
	f := &File{unwrap: unwrapping{path: path, maxSize: maxSize}}
	if f.unwrap.maxSize <= 0 {
		f.unwrap.maxSize = maxUnpack
	}
	if _, err := f.believeName(name, "csv"); err != nil {
		return "", err
	}
	r, err := f.unwrap.open()
	if err != nil {
		return "", err
	}
	defer r.Close()
	buf := make([]byte, headSize)
	for {
		n, err := io.ReadFull(r, buf)
		if looks := guess(buf[:n]); looks != "" && looks != "utf-8" {
			return looks, nil
		}
		if err != nil {
			return "", nil
		}
	}
}
