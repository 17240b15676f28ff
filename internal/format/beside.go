package format

import (
	"encoding/xml"
	"fmt"
	"io"
	"strings"

	"rollcall/internal/roster"
)

// What stands beside the records of an XML file, like the number of a delta, is
// read by itself, from the beginning of the file to its first record. Whether the
// whole file is well-formed, the reading of the records proves.

// maxBeside bounds how much of a file is looked through.
const maxBeside = 1 << 20

// A besides is a path from the root to an element beside the records, or to an
// attribute of one around them.
type besides struct {
	steps     []qname
	attribute string // "" is the element's text
}

// besidePath reads a path like /changes/@number or /changes/head/number.
func besidePath(text string, namespaces map[string]string) (besides, error) {
	var b besides
	if i := strings.LastIndex(text, "/@"); i >= 0 {
		if _, err := qualified(text[i+2:], nil); err != nil {
			return b, err
		}
		text, b.attribute = text[:i], text[i+2:]
	}
	var err error
	b.steps, err = recordPath(text, namespaces)
	return b, err
}

// CheckBeside tells what is wrong with such a path.
func CheckBeside(text string, namespaces map[string]string) error {
	_, err := besidePath(text, namespaces)
	return err
}

// Beside is what stands at a path beside the records of an XML file; ok is false
// where nothing does.
func (f *File) Beside(path string, namespaces map[string]string) (text string, ok bool, err error) {
	if f.xml == nil {
		return "", false, &roster.Refusal{Code: "E411", Text: "source.sequence.from is a path, and the file is not XML", Fix: `write a name like "changes_{number}.csv" there`}
	}
	b, err := besidePath(path, namespaces)
	if err != nil {
		return "", false, fmt.Errorf("source.sequence.from: %w", err)
	}
	r, err := f.unwrap.open()
	if err != nil {
		return "", false, err
	}
	defer r.Close()
	d := xml.NewDecoder(io.LimitReader(f.text(r), maxBeside))
	d.CharsetReader = func(_ string, in io.Reader) (io.Reader, error) { return in, nil } // it is UTF-8 by now
	text, ok = b.find(d, f.xml.path)
	return text, ok, nil
}

// find reads until the path is met, or the first record. What cannot be read is
// no answer here: whoever reads the records says where it is.
func (b besides) find(d *xml.Decoder, records []qname) (string, bool) {
	on, from := 0, 0 // how many of the open elements are steps of the two paths
	for depth := 0; ; {
		t, err := d.RawToken()
		if err != nil {
			return "", false
		}
		switch t := t.(type) {
		case xml.Directive: // a document type
			return "", false
		case xml.StartElement:
			depth++
			if depth > maxDepth {
				return "", false
			}
			if on == depth-1 && depth <= len(b.steps) && b.steps[depth-1].local == t.Name.Local {
				on = depth
			}
			if from == depth-1 && depth <= len(records) && records[depth-1].local == t.Name.Local {
				from = depth
			}
			switch {
			case on == depth && depth == len(b.steps) && b.attribute != "":
				for _, a := range t.Attr {
					if a.Name.Local == local(b.attribute) {
						return a.Value, true
					}
				}
			case on == depth && depth == len(b.steps):
				return textOf(d)
			case from == depth && depth == len(records):
				return "", false
			}
		case xml.EndElement:
			depth--
			on, from = min(on, depth), min(from, depth)
		}
	}
}

func local(name string) string {
	if _, after, ok := strings.Cut(name, ":"); ok {
		return after
	}
	return name
}

// textOf is the text of the element that has just begun.
func textOf(d *xml.Decoder) (string, bool) {
	var b strings.Builder
	for {
		t, err := d.RawToken()
		if err != nil {
			return "", false
		}
		switch t := t.(type) {
		case xml.CharData:
			b.Write(t)
		case xml.EndElement:
			return strings.TrimSpace(b.String()), true
		case xml.StartElement, xml.Directive:
			return "", false
		}
	}
}
