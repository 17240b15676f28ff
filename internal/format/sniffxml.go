package format

import (
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"rollcall/internal/roster"
)

// Bounds of what is looked at to find the records of an XML file.
const (
	sniffBytes   = 4 << 20 // of its text
	sniffShapes  = 5000    // paths of elements
	sniffKinds   = 12      // values of an attribute that tells repeated elements apart
	sniffColumns = 200     // of a record
)

// anyXML opens an XML file of which nothing is known.
func anyXML(path, name string, maxSize int64) (*File, error) {
	return Open(path, name, Options{Type: "xml", Record: "/any", Elements: []string{"any"}}, maxSize)
}

// BeginsAsXML tells whether the file at path, called name, begins as XML does.
func BeginsAsXML(path, name string, maxSize int64) bool {
	_, err := anyXML(path, name, maxSize)
	return err == nil
}

// SniffXML finds the records of an XML file of which nothing is known, and reads
// all of them: the elements that repeat and hold the most of what a person has.
// field tells which of it something is called like; "" for none. A file in which
// nothing does is a refusal.
func SniffXML(path, name string, maxSize int64, field func(called string) string) (Sniffed, error) {
	f, err := anyXML(path, name, maxSize)
	if err != nil {
		return Sniffed{}, err
	}
	root, err := f.shapes()
	if err != nil {
		return Sniffed{}, err
	}
	record := root.person(field)
	if record == nil {
		return Sniffed{}, &roster.Refusal{
			Code: "E411", Text: "no element of the file holds what a person has: a number, a login, names, an address",
			Fix: "write the profile by hand, with format.record and map: rollcall help profile shows the keys",
		}
	}
	s := Sniffed{Type: "xml", Namespaces: map[string]string{}}
	s.Record = s.path(record)
	for _, l := range record.leaves() {
		switch column := s.column(record, l); {
		case l.several:
			s.Several = append(s.Several, column)
		case len(s.Header) < sniffColumns:
			s.Header = append(s.Header, column)
		}
	}
	return s, s.readXML(path, name, maxSize)
}

// readXML reads the records that were found.
func (s *Sniffed) readXML(path, name string, maxSize int64) error {
	o := s.Options()
	o.Elements = s.Header
	f, err := Open(path, name, o, maxSize)
	if err != nil {
		return err
	}
	for rec, err := range f.Records() {
		switch {
		case err != nil && !rowOnly(err):
			return err
		case err != nil:
			s.Bad++
		case len(s.Sample) < sampleRows:
			s.Sample = append(s.Sample, rec)
		}
		s.Rows++
	}
	facts := f.Facts()
	s.Encoding, s.Wrapped = facts.Encoding, facts.Wrapped
	return nil
}

// path is that of the records, with prefixes for their namespaces.
func (s *Sniffed) path(x *shape) string {
	text := ""
	for ; x.above != nil; x = x.above {
		text = "/" + s.prefixed(x.name) + text
	}
	return text
}

// column is how a map names a leaf of the records.
func (s *Sniffed) column(record *shape, l leaf) string {
	var steps []string
	for _, e := range l.steps {
		step := s.prefixed(e.name)
		if e.name.Space == record.name.Space {
			step = e.name.Local // the records' own namespace needs no prefix
		}
		if e.kind.name.Local != "" {
			step += "[@" + s.prefixed(e.kind.name) + "='" + e.kind.value + "']"
		}
		steps = append(steps, step)
	}
	if l.attribute.Local != "" {
		steps = append(steps, "@"+s.prefixed(l.attribute))
	}
	return strings.Join(steps, "/")
}

// prefixed is a name with a prefix for its namespace.
func (s *Sniffed) prefixed(name xml.Name) string {
	if name.Space == "" {
		return name.Local
	}
	for prefix, uri := range s.Namespaces {
		if uri == name.Space {
			return prefix + ":" + name.Local
		}
	}
	prefix := "p"
	if n := len(s.Namespaces); n > 0 {
		prefix = fmt.Sprintf("p%d", n+1)
	}
	s.Namespaces[prefix] = name.Space
	return prefix + ":" + name.Local
}

// A shape is all elements on one path. That of the root is below one that stands
// for the file.
type shape struct {
	name  xml.Name
	above *shape
	below []*shape
	count int  // elements
	most  int  // in one parent
	text  bool // one holds text
	attrs []*marking
}

// A marking is one attribute of all elements of a shape.
type marking struct {
	name   xml.Name
	count  int
	values []string // the first different ones
	clash  bool     // two in one parent have the same value, or there are too many values
}

// A place is an element that is open while the shapes are found.
type place struct {
	*shape
	counts map[*shape]int
	values map[*marking]map[string]bool // of the elements below that have been there
}

// shapes reads the file, or as much of it as is looked at.
func (f *File) shapes() (*shape, error) {
	r, err := f.unwrap.open()
	if err != nil {
		return nil, err
	}
	defer r.Close()
	text := io.LimitedReader{R: f.text(r), N: sniffBytes}
	d := xml.NewDecoder(&text)
	d.CharsetReader = func(_ string, in io.Reader) (io.Reader, error) { return in, nil } // it is UTF-8 by now
	all := &shape{}
	open, known := []place{{shape: all}}, 0
	for {
		token, err := d.Token()
		if err != nil && (errors.Is(err, io.EOF) || text.N <= 0) {
			return all, nil
		}
		line, _ := d.InputPos()
		if err != nil {
			return nil, &roster.Refusal{Code: "E411", Line: line, Text: "the file is not well-formed XML", Fix: "have HR send what an XML parser reads"}
		}
		at := &open[len(open)-1]
		switch token := token.(type) {
		case xml.Directive:
			return nil, &roster.Refusal{Code: "E411", Line: line, Text: "the file has a document type", Fix: "have HR send XML without one"}
		case xml.CharData:
			at.text = at.text || strings.TrimSpace(string(token)) != ""
		case xml.StartElement:
			below, fresh := at.enter(token)
			if known += fresh; known > sniffShapes || len(open) > maxDepth {
				return nil, &roster.Refusal{Code: "E411", Line: line, Text: "the elements of the file are too many different ones, or too deep", Fix: "write the profile by hand: rollcall help profile shows the keys"}
			}
			open = append(open, place{shape: below})
		case xml.EndElement:
			open = open[:len(open)-1]
		}
	}
}

// enter counts an element below the one that is open; fresh is 1 where its path is new.
func (p *place) enter(e xml.StartElement) (below *shape, fresh int) {
	i := slices.IndexFunc(p.below, func(s *shape) bool { return s.name == e.Name })
	if i < 0 {
		p.below = append(p.below, &shape{name: e.Name, above: p.shape})
		i, fresh = len(p.below)-1, 1
	}
	below = p.below[i]
	if p.counts == nil {
		p.counts, p.values = map[*shape]int{}, map[*marking]map[string]bool{}
	}
	below.count++
	p.counts[below]++
	below.most = max(below.most, p.counts[below])
	for _, a := range e.Attr {
		if a.Name.Space == "xmlns" || a.Name.Space == "" && a.Name.Local == "xmlns" {
			continue
		}
		j := slices.IndexFunc(below.attrs, func(o *marking) bool { return o.name == a.Name })
		if j < 0 {
			below.attrs = append(below.attrs, &marking{name: a.Name})
			j, fresh = len(below.attrs)-1, fresh+1
		}
		own := below.attrs[j]
		own.count++
		if p.values[own] == nil {
			p.values[own] = map[string]bool{}
		}
		own.clash = own.clash || p.values[own][a.Value] || strings.ContainsAny(a.Value, "'\"[]") || a.Value == ""
		if !own.clash && !slices.Contains(own.values, a.Value) {
			own.values = append(own.values, a.Value)
			own.clash = len(own.values) > sniffKinds
		}
		if !own.clash {
			p.values[own][a.Value] = true
		}
	}
	return below, fresh
}

// A leaf is something below a record that holds a text.
type leaf struct {
	steps     []waypoint
	attribute xml.Name // of the last step, or of the record; empty: its text
	several   bool     // it stands several times in a record, and nothing tells which is which
}

// A waypoint is an element on the way to a leaf, perhaps with what tells it from others.
type waypoint struct {
	name xml.Name
	kind struct {
		name  xml.Name
		value string
	}
}

// called is what people call the leaf.
func (l leaf) called() string {
	if l.attribute.Local != "" {
		return l.attribute.Local
	}
	return l.steps[len(l.steps)-1].name.Local
}

// leaves are all that a record holds.
func (x *shape) leaves() []leaf { return x.leavesBehind(nil, nil) }

func (x *shape) leavesBehind(steps []waypoint, known *marking) (all []leaf) {
	for _, a := range x.attrs {
		if a != known {
			all = append(all, leaf{steps: steps, attribute: a.name})
		}
	}
	if x.text && len(x.below) == 0 && len(steps) > 0 {
		all = append(all, leaf{steps: steps})
	}
	for _, b := range x.below {
		way := func(kind *marking, value string) []waypoint {
			s := waypoint{name: b.name}
			if kind != nil {
				s.kind.name, s.kind.value = kind.name, value
			}
			return append(slices.Clone(steps), s)
		}
		i := slices.IndexFunc(b.attrs, func(a *marking) bool {
			return a.count == b.count && !a.clash && (len(a.values) < b.count || x.count == 1)
		})
		switch {
		case b.most == 1:
			all = append(all, b.leavesBehind(way(nil, ""), nil)...)
		case i < 0:
			all = append(all, leaf{steps: way(nil, ""), several: true})
		default:
			for _, value := range b.attrs[i].values {
				all = append(all, b.leavesBehind(way(b.attrs[i], value), b.attrs[i])...)
			}
		}
	}
	return all
}

// person is the shape whose elements are people: one that repeats, if any does,
// with the most fields of an account; nil where none has two. Fields of elements that
// only an attribute tells apart count less: there the person may be such an element.
func (x *shape) person(field func(string) string) *shape {
	type score struct {
		repeats       bool
		direct, total int
	}
	var best *shape
	var most score
	better := func(s score) bool {
		switch {
		case s.repeats != most.repeats:
			return s.repeats
		case s.direct != most.direct:
			return s.direct > most.direct
		case s.total != most.total:
			return s.total > most.total
		}
		return !s.repeats // of equals that repeat it is the outer one, of others the inner
	}
	var look func(s *shape)
	look = func(s *shape) {
		direct, all := map[string]bool{}, map[string]bool{}
		for _, l := range s.leaves() {
			f := field(l.called())
			if f == "" || l.several {
				continue
			}
			all[f] = true
			if !slices.ContainsFunc(l.steps, func(w waypoint) bool { return w.kind.name.Local != "" }) {
				direct[f] = true
			}
		}
		if now := (score{s.most > 1, len(direct), len(all)}); now.total > 1 && (best == nil || better(now)) {
			best, most = s, now
		}
		for _, b := range s.below {
			look(b)
		}
	}
	for _, root := range x.below {
		look(root)
	}
	return best
}
