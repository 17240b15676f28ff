package format

import (
	"bytes"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"reflect"
	"strings"
	"testing"
	"unicode/utf8"

	"rollcall/internal/roster"
)

// FuzzXML reads anything as XML: it never panics, gives the same answer again,
// holds to its bounds. A file that it takes is one that the standard decoder
// takes too, with the same records; one that it refuses as not well-formed the
// standard decoder refuses, or it is among the few things that we are stricter in.
func FuzzXML(f *testing.F) {
	for _, seed := range []string{
		xmlOf(ann, ann),
		xmlOf("<person op=\"a&lt;b\"><id>1</id><name>A &amp; &#66;</name></person>", "<person/>"),
		xmlOf("<person><id><![CDATA[1]]></id><!-- c --><?p i?><x><y/></x></person>"),
		"<staff><person>\r\n<id>1</id>\r<name>A\r\nB</name></person></staff>\r\n<!-- end -->",
		"<staff xmlns=\"urn:a\" xmlns:b='urn:b'><person><b:id>1</b:id></person></staff>",
		"<staff><head><person>x</person></head><person><id>1</id></person></staff>",
		"<!DOCTYPE x><staff/>",
		"<staff><person><id>1</id></person></staff>x",
		"<staff><person><id>1]]></id></person></staff>",
		"<staff><person><id>&nope;</id></person></staff>",
		"<?xml version=\"1.0\" encoding=\"ISO-8859-1\"?><staff><person><id>\xe9</id></person></staff>",
		"<staff><person><id>1</id><id>2</id></person></staff>",
		"<staff><person>text<id>1</id></person></staff>",
		"<staff><person><id>\x00</id></person></staff>",
		"<staff><person><id>\uFFFE</id></person></staff>",
		"<staff><h>a &amp; b &#x41;</h><person><id>1</id></person><h>&</h></staff>",
		"<?A\x03?><staff><person></person></staff>",
		"<a:staff><person><id>1</id></person></a:staff>",
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, content []byte) {
		o := staffXML
		o.Content = "full"
		file, err := Open(spool(t, content), "s.xml", o, 1<<20)
		if err != nil {
			believable(t, err)
			return
		}
		got := drain(file)
		if again := drain(file); !reflect.DeepEqual(again, got) {
			t.Fatalf("read again: %+v, first %+v", again, got)
		}
		if got.err != nil {
			believable(t, got.err)
		}
		if file.charset.name != "utf-8" {
			return
		}
		want, others, err := standard(bytes.TrimPrefix(content, []byte("\uFEFF")))
		switch {
		case got.err == nil && err != nil:
			t.Fatalf("taken, and the standard decoder says %v", err)
		case got.err == nil && !others && !reflect.DeepEqual(got.rows, want):
			t.Fatalf("rows = %q\nthe standard decoder %q", got.rows, want)
		case got.err != nil && err == nil && !others && len(want) > 0 && !stricter(got.err, content):
			t.Fatalf("refused with %v, and the standard decoder takes it", got.err)
		}
	})
}

// stricter tells whether a refusal is of what we refuse and XML, or the
// standard decoder, allows.
func stricter(err error, content []byte) bool {
	for _, text := range []string{
		"document type", "root element", "outside of the root", "longer than", "more than", "declaration", "a reference that XML does not know",
		"]]> stands outside", "run of zero bytes", "instruction", "a proper name", "begins nothing", "attribute is there twice", "version of XML", "may not stand here", "two byte-order marks", "a character that XML does not have",
	} {
		if strings.Contains(err.Error(), text) {
			return true
		}
	}
	var refused *roster.Refusal
	if errors.As(err, &refused) && refused.Code == "E103" {
		return true
	}
	return bytes.ContainsFunc(content, func(r rune) bool { return r >= utf8.RuneSelf }) && strings.Contains(err.Error(), "not written as XML") // names of other letters
}

// standard reads the same with the standard decoder alone: rows as [drain]
// gives them, and whether the file has what this simple reading does not
// follow: namespaces.
func standard(content []byte) (rows []string, others bool, err error) {
	d := xml.NewDecoder(bytes.NewReader(content))
	d.CharsetReader = func(name string, r io.Reader) (io.Reader, error) {
		if c, err := charsetNamed(name); err == nil && c.name == "utf-8" { // by another of its names
			return r, nil
		}
		return nil, errors.New("not UTF-8")
	}
	columns := map[string]int{}
	for i, name := range staffXML.Elements {
		columns[name] = i
	}
	var path []string
	var cells []string
	var times []int
	column, line, fault := -1, 0, false
	var text strings.Builder
	// A line is counted as ours are: also at a lone carriage return.
	for {
		before := d.InputOffset()
		token, err := d.Token()
		if errors.Is(err, io.EOF) {
			return rows, others, nil
		}
		if err != nil {
			return rows, others, err
		}
		in := len(path) >= 2 && path[0] == "staff" && path[1] == "person"
		switch t := token.(type) {
		case xml.StartElement:
			if t.Name.Space != "" {
				others = true
			}
			for _, a := range t.Attr {
				others = others || a.Name.Space != "" || a.Name.Local == "xmlns"
			}
			path = append(path, t.Name.Local)
			switch {
			case len(path) == 2 && path[0] == "staff" && path[1] == "person":
				cells, times, fault = make([]string, len(columns)), make([]int, len(columns)), false
				line = 1 + lineEnds(content[:before])
				for _, a := range t.Attr {
					if i, ok := columns["@"+roster.Fold(a.Name.Local)]; ok {
						cells[i] = a.Value
						times[i]++
					}
				}
			case in && len(path) == 3:
				text.Reset()
				column = -1
				if i, ok := columns[roster.Fold(t.Name.Local)]; ok {
					column = i
				}
			case in && len(path) == 4:
				fault = fault || column >= 0
			}
		case xml.CharData:
			if in && len(path) == 3 {
				text.Write(t)
			} else if in && len(path) == 2 && strings.Trim(string(t), " \t\r\n") != "" {
				fault = true
			}
		case xml.EndElement:
			if in && len(path) == 3 && column >= 0 {
				cells[column] = text.String()
				times[column]++
			}
			if in && len(path) == 2 {
				code := ""
				for i, n := range times {
					if n > 1 {
						cells[i], fault = "", true
					}
				}
				if fault {
					code = "E101 "
				}
				rows = append(rows, fmt.Sprintf("%d:%s%s", line, code, strings.Join(cells, "|")))
			}
			path = path[:len(path)-1]
		}
	}
}
