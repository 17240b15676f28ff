package format

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"iter"
	"maps"
	"regexp"
	"slices"
	"strings"

	"rollcall/internal/roster"
)

// An XML drop has no header: the columns are the elements below a record, and
// which of them count the profile's map says ([Options.Elements]). Whether each
// of them occurs at all is known when the file has been read to its end; then
// [File.Seen] has the names of all that were found, and who reads the drop
// proves them as it would prove a header, before anything is applied (R10).

// Bounds of an XML drop.
const (
	maxDepth   = 32
	maxParts   = 512        // attributes of one element, or elements and attributes of one record
	maxElement = 64 << 10   // bytes of the text of one element
	maxRecord  = 256 << 10  // bytes of a record, or of a comment
	maxSeen    = maxColumns // names of elements and attributes below records
)

// elements are what is known of an XML drop before its records are read.
type elements struct {
	path   []qname
	prefix map[string]string // URI to the prefix that the profile gives it
	at     map[string]int    // column by the folded form of its name
	routes []route           // to what does not stand directly in a record
	lists  []bool            // by column: a record may have several; nil where none may
	seen   []string          // names that some record had, in the order in which they came
	strays strays            // as the last complete reading found them
}

// A qname is a step of format.record.
type qname struct{ uri, local string }

// stepForm is one step of format.record: an element's name, with or without a prefix.
var stepForm = regexp.MustCompile(`^(?:([\pL_][\pL\pN._-]*):)?([\pL_][\pL\pN._-]*)$`)

// recordPath reads format.record, like /changes/person or /p:changes/p:person.
func recordPath(text string, namespaces map[string]string) ([]qname, error) {
	if !strings.HasPrefix(text, "/") {
		return nil, fmt.Errorf("%q does not begin with /, and is no path of elements", text)
	}
	var path []qname
	for _, word := range strings.Split(text[1:], "/") {
		parts := stepForm.FindStringSubmatch(word)
		if parts == nil {
			return nil, fmt.Errorf("%q is not the name of an element", word)
		}
		uri, known := namespaces[parts[1]]
		if parts[1] != "" && !known {
			return nil, fmt.Errorf("the prefix %q is not declared under namespaces", parts[1])
		}
		path = append(path, qname{uri, parts[2]})
	}
	if len(path) >= maxDepth {
		return nil, fmt.Errorf("%d steps are more than %d", len(path), maxDepth-1)
	}
	return path, nil
}

// validateXML reports what of o makes no sense for XML.
func (o Options) validateXML(fault func(path, hint, text string, args ...any)) {
	if o.Record == "" {
		fault("record", "write the path of the elements that are people, like /changes/person", "missing, and XML needs it")
	} else {
		o.validatePath(fault)
	}
	for _, k := range []struct {
		path string
		said bool
	}{{"delimiter", o.Delimiter != ""}, {"quote", o.Quote != ""}, {"header", o.Header != nil}, {"columns", len(o.Columns) > 0}, {"trailer", o.Trailer != nil}} {
		if k.said {
			fault(k.path, "leave it out", "is for CSV, and the type is xml")
		}
	}
}

// validatePath reports what is wrong with the path of the records.
func (o Options) validatePath(fault func(path, hint, text string, args ...any)) {
	if _, err := recordPath(o.Record, o.Namespaces); err != nil {
		fault("record", "write a path like /changes/person", "%v", err)
	}
	for _, prefix := range slices.Sorted(maps.Keys(o.Namespaces)) {
		if parts := stepForm.FindStringSubmatch(prefix); parts == nil || parts[1] != "" {
			fault("namespaces", `write a prefix and its URI, like {p: "urn:example:staff"}`, "%q is not a prefix", prefix)
		}
		if strings.TrimSpace(o.Namespaces[prefix]) == "" {
			fault("namespaces", `write a prefix and its URI, like {p: "urn:example:staff"}`, "the prefix %q has no URI", prefix)
		}
	}
}

// openXML is the rest of [Open] for XML.
func (f *File) openXML(o Options) error {
	refuse := func(text, fix string) error { return &roster.Refusal{Code: "E411", Text: text, Fix: fix} }
	if o.Record == "" {
		return refuse("the file is XML, and the profile does not say which elements are people", "set format.record, like /changes/person")
	}
	if len(o.Elements) == 0 {
		return refuse("an XML file has no header, and the profile has no map", "name the elements under map:")
	}
	path, err := recordPath(o.Record, o.Namespaces)
	if err != nil {
		return refuse("format.record: "+err.Error(), "write a path like /changes/person")
	}
	f.xml = &elements{path: path, prefix: map[string]string{}, at: map[string]int{}}
	for prefix, uri := range o.Namespaces {
		f.xml.prefix[uri] = prefix
	}
	for _, name := range o.Elements {
		folded := roster.Fold(cleanName(name))
		if _, twice := f.xml.at[folded]; twice {
			continue // two fields from one element
		}
		if isRoute(name) {
			r, err := newRoute(cleanName(name), o.Namespaces)
			if err != nil {
				return refuse("map: "+err.Error(), "correct the map")
			}
			r.column = len(f.header)
			f.xml.routes = append(f.xml.routes, r)
		}
		f.xml.at[folded] = len(f.header)
		f.header = append(f.header, cleanName(name))
	}
	if len(o.Lists) > 0 {
		f.xml.lists = make([]bool, len(f.header))
		for _, name := range o.Lists {
			if at, ok := f.xml.at[roster.Fold(cleanName(name))]; ok {
				f.xml.lists[at] = true
			}
		}
	}
	raw, err := f.rawHead()
	if err != nil {
		return err
	}
	if err := refuseForeign(raw); err != nil {
		return err
	}
	declared := o.Encoding
	if declared == "" {
		declared = xmlEncoding(raw)
	}
	if f.charset, err = detect(raw, declared); err != nil {
		if refused := new(roster.Refusal); o.Encoding == "" && !errors.As(err, &refused) {
			err = &roster.Refusal{Code: "E103", Line: 1, Text: "the file declares that " + err.Error(), Fix: "have HR correct the declaration, or set format.encoding"}
		}
		return err
	}
	head, err := f.textHead()
	if err != nil {
		return err
	}
	return refuseNoXML(head)
}

// xmlDeclared finds the encoding in an XML declaration.
var xmlDeclared = regexp.MustCompile(`^<\?xml[ \t\r\n][^>]{0,200}?encoding[ \t\r\n]*=[ \t\r\n]*["']([^"'<>]{1,100})["']`)

// xmlEncoding is the encoding that the declaration of a file names, "" where
// there is none. In UTF-16 every other byte of it is zero.
func xmlEncoding(raw []byte) string {
	head := bytes.ReplaceAll(raw[:min(len(raw), 1024)], []byte{0}, nil)
	for _, m := range marks {
		head = bytes.TrimPrefix(head, []byte(m.bytes))
	}
	if found := xmlDeclared.FindSubmatch(head); found != nil {
		return string(found[1])
	}
	return ""
}

// refuseNoXML refuses text that does not begin as XML does.
func refuseNoXML(head []byte) error {
	text := bytes.ToLower(bytes.TrimLeft(head[:min(len(head), 1024)], " \t\r\n"))
	starts := func(s string) bool { return bytes.HasPrefix(text, []byte(s)) }
	switch {
	case len(text) == 0:
		return errEmpty()
	case starts("<!doctype html"), starts("<html"), starts("<head"), starts("<body"):
		return &roster.Refusal{Code: "E411", Line: 1, Text: "the file looks like an HTML page: perhaps an error or a login page of the server", Fix: "have HR send XML"}
	case !starts("<"):
		return &roster.Refusal{Code: "E411", Line: 1, Text: "the file does not begin as XML does", Fix: "have HR send XML, or set format.type"}
	}
	return nil
}

// Seen is the names of the columns that a reading to the end has found, in the
// form in which a map names them: what is below a record, in the order in which
// it came; @name for an attribute of the record. nil where the file has a header.
func (f *File) Seen() []string {
	if f.xml == nil {
		return nil
	}
	return f.xml.seen
}

// Headless tells whether the columns are known only when the file has been read.
func (f *File) Headless() bool { return f.xml != nil }

// xmlScan opens the file and stands before its root.
func (f *File) xmlScan() (*elementScanner, error) {
	r, err := f.unwrap.open()
	if err != nil {
		return nil, err
	}
	return newElementScanner(f.text(r), r, f.xml, len(f.header)), nil
}

// xmlRecords is [File.Records].
func (f *File) xmlRecords() iter.Seq2[roster.Record, error] {
	return func(yield func(roster.Record, error) bool) {
		ended := false
		err := f.walkXML(func(s *elementScanner) error {
			rec, err := s.record()
			if err != nil && !rowOnly(err) {
				return err
			}
			ended = !yield(rec, err)
			if ended {
				return errStop
			}
			return nil
		})
		if err != nil && !ended {
			yield(roster.Record{}, err)
		}
	}
}

// errStop ends a walk early.
var errStop = errors.New("stop")

// walkXML finds every record, and proves what is to be proven of the file as a
// whole. visit looks at the one that the scanner stands on: [elementScanner.raw]
// is its bytes as UTF-8, undecoded but for the encoding, line where it begins;
// and [elementScanner.record] reads it.
func (f *File) walkXML(visit func(*elementScanner) error) error {
	s, err := f.xmlScan()
	if err != nil {
		return err
	}
	defer s.Close()
	for rows := 0; ; {
		err := s.next()
		if errors.Is(err, io.EOF) {
			f.xml.seen, f.xml.strays = s.seenNames(), s.strays
			switch {
			case rows == 0:
				return s.noRecords()
			case s.beside > 0:
				return &roster.Refusal{
					Code: "E411", Line: s.beside, Text: "an element beside the records is called nearly like one, in other capitals or another namespace: its person would be taken for absent",
					Fix: "have HR write it like the others",
				}
			}
			return nil
		}
		if err != nil {
			return err
		}
		if rows++; rows > f.maxRows {
			return &roster.Refusal{Code: "E411", Line: s.line, Text: fmt.Sprintf("the file has more than %d records", f.maxRows), Fix: "split it into several profiles"}
		}
		if err := visit(s); err != nil {
			return err
		}
	}
}
