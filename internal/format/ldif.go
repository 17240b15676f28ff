package format

import (
	"bytes"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"iter"
	"slices"
	"strings"
	"unicode/utf8"

	"rollcall/internal/roster"
)

// An ldif is what is known of a drop of entries of a directory (RFC 2849).
//
// Its entries name their attributes themselves, each other ones. So [Open]
// reads all of the file once: the columns are the attributes that it holds and
// those that its first comment says were asked for, besides dn and what the
// dialect makes of them (ldif_dialect.go).
//
// A cell is one text, and an attribute may have several values in no order.
// The cell is the value that the entry's own name bears; of proxyAddresses the
// primary address; else the smallest by bytes, which is the same in every run. The
// groups that a reading has noted are all in their cell.
type ldif struct {
	dialect string
	class   string   // entries of other object classes are no records; "" for all
	may     []string // attributes that the file may lack
	columns []*ldifColumn
	place   map[string]int // of a column, by its name in lower case
	made    []virtual
	entries int // that are records

	lookups []lookup
	listed  map[string]bool // attributes, in lower case, of which all values are the cell
}

// An ldifColumn is an attribute that the entries of a file can have.
type ldifColumn struct {
	name    string
	records int // that have it
	several int // of them, with several values
	list    bool
	values  int
	binary  int // of them, no text
}

// Bounds of an entry. A photo is a value too.
const (
	maxLDIFLine  = 4 << 20 // bytes, unfolded
	maxLDIFEntry = 8 << 20
	maxValues    = 100_000 // of an entry
)

// Columns that stand for no attribute.
const dnColumn = "dn"

func newLDIF(o Options) *ldif {
	x := &ldif{dialect: o.Dialect, class: strings.ToLower(o.Record), may: o.Columns}
	for _, l := range o.Lookups {
		x.lookups = append(x.lookups, lookup{l, -1, map[roster.Hash]string{}})
	}
	for _, name := range o.Lists {
		if x.listed == nil {
			x.listed = map[string]bool{}
		}
		x.listed[strings.ToLower(cleanName(name))] = true
	}
	return x
}

// survey reads all of the file and finds the columns.
func (f *File) survey() error {
	x := f.ldif
	x.place = map[string]int{}
	for _, name := range append([]string{dnColumn}, x.may...) {
		x.column(name)
	}
	s, err := f.scanLDIF()
	if err != nil {
		return err
	}
	defer s.Close()
	rows := 0
	for {
		err := s.next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return err
		}
		for _, name := range s.asked {
			x.column(name)
		}
		s.asked = nil
		if !x.isRecord(&s.entry) {
			continue
		}
		if rows++; rows > f.maxRows {
			return &roster.Refusal{Code: "E411", Line: s.entry.line, Text: fmt.Sprintf("the file has more than %d entries", f.maxRows), Fix: "split it into several profiles"}
		}
		if err := x.count(&s.entry); err != nil {
			return err
		}
		x.ask(&s.entry)
	}
	if rows == 0 {
		return errNoEntries(x.class)
	}
	x.entries = rows
	x.settle()
	for _, a := range x.columns {
		f.header = append(f.header, a.name)
	}
	for _, v := range x.made {
		f.header = append(f.header, v.name)
	}
	for i := range x.lookups {
		l := &x.lookups[i]
		if at, ok := x.place[strings.ToLower(l.Column)]; ok {
			l.at = at
		}
		f.header = append(f.header, LookedUp(l.Column))
	}
	return f.lookUp()
}

func errNoEntries(class string) error {
	r := &roster.Refusal{Code: "E411", Text: "the file has no entries", Fix: "ask for the whole list: an empty one is never believed; check base, filter and what the bind account may read"}
	if class != "" {
		r.Text = fmt.Sprintf("the file has no entry of the object class %q", class)
		r.Fix = "check format.record"
	}
	return r
}

// column finds the place of an attribute, making one where it is new.
func (x *ldif) column(name string) int {
	lower := strings.ToLower(name)
	i, known := x.place[lower]
	if !known {
		i = len(x.columns)
		x.columns = append(x.columns, &ldifColumn{name: name, list: x.listed[lower]})
		x.place[lower] = i
	}
	return i
}

// isRecord tells whether the entry is one of those that the profile reads.
func (x *ldif) isRecord(e *entry) bool {
	if x.class == "" {
		return true
	}
	for _, v := range e.values {
		if string(e.name(v)) == "objectclass" && strings.EqualFold(string(e.value(v)), x.class) {
			return true
		}
	}
	return false
}

// count notes which attributes an entry has. Equal names stand together.
func (x *ldif) count(e *entry) error {
	for i, v := range e.values {
		at, known := x.place[string(e.name(v))]
		if !known {
			at = x.column(string(e.spelling(v)))
			if len(x.columns) > maxColumns {
				return &roster.Refusal{Code: "E411", Line: v.line, Text: fmt.Sprintf("the entries have more than %d different attributes", maxColumns), Fix: "export only the attributes that the profile uses"}
			}
		}
		a := x.columns[at]
		first := i == 0 || !bytes.Equal(e.name(e.values[i-1]), e.name(v))
		switch {
		case first:
			a.records++
		case i == 1 || !bytes.Equal(e.name(e.values[i-2]), e.name(v)): // the second
			a.several++
		}
		a.values++
		if !isText(e.value(v)) {
			a.binary++
		}
	}
	return nil
}

// settle leaves out the columns that hold no text, such as photos, and adds
// those that the dialect makes.
func (x *ldif) settle() {
	kept := x.columns[:0]
	for _, a := range x.columns {
		if 2*a.binary > a.values {
			continue
		}
		kept = append(kept, a)
	}
	x.columns = kept
	clear(x.place)
	for i, a := range kept {
		x.place[strings.ToLower(a.name)] = i
	}
	for _, v := range virtuals(x.dialect) {
		v.bind(x.place)
		if len(v.at) > 0 || x.proves(v) {
			x.made = append(x.made, v)
		}
	}
}

// proves tells whether the file would have the attributes of v if any entry had:
// a server keeps them apart from what people enter, as it does the one that proves it,
// and whoever exports the one has asked for the others.
func (x *ldif) proves(v virtual) bool {
	at, known := x.place[strings.ToLower(v.proof)]
	return known && x.columns[at].records == x.entries
}

// isText tells a text from a photo or a key.
func isText(v []byte) bool { return utf8.Valid(v) && bytes.IndexByte(v, 0) < 0 }

// ldifRecords is [File.Records] of an LDIF file.
func (f *File) ldifRecords() iter.Seq2[roster.Record, error] {
	return func(yield func(roster.Record, error) bool) {
		s, err := f.scanLDIF()
		if err != nil {
			yield(roster.Record{}, err)
			return
		}
		defer s.Close()
		chosen := make([]int, len(f.ldif.columns))
		for {
			err := s.next()
			if errors.Is(err, io.EOF) {
				return
			}
			if err == nil && !f.ldif.isRecord(&s.entry) {
				continue
			}
			var rec roster.Record
			if err == nil {
				rec, err = f.ldif.record(&s.entry, chosen)
			}
			if !yield(rec, err) || err != nil && !rowOnly(err) {
				return
			}
		}
	}
}

// record makes cells of an entry. chosen is working space: for each column the
// value that was chosen, counted from 1.
func (x *ldif) record(e *entry, chosen []int) (roster.Record, error) {
	clear(chosen)
	size := len(e.dn)
	for i, v := range e.values {
		at, known := x.place[string(e.name(v))]
		if !known {
			continue
		}
		if was := chosen[at]; was == 0 || e.better(v, e.values[was-1]) {
			chosen[at] = i + 1
		}
	}
	for _, i := range chosen {
		if i > 0 {
			size += len(e.value(e.values[i-1]))
		}
	}
	var text strings.Builder // one allocation holds all cells
	text.Grow(size)
	rec := roster.Record{Line: e.line, Values: make([]string, len(x.columns), len(x.columns)+len(x.made)+len(x.lookups))}
	var wrong error
	for at, i := range chosen {
		cell := e.dn
		if i > 0 {
			v := e.values[i-1]
			if cell = e.value(v); !utf8.Valid(cell) {
				p := roster.NewProblem("E103", v.line, "")
				p.Column = x.columns[at].name
				p.Text = "the value is not UTF-8, as LDIF wants it"
				p.Fix = "have it entered again in the directory"
				wrong = &roster.RowError{Problem: p}
				continue
			}
		} else if at > 0 {
			continue
		}
		from := text.Len()
		if x.columns[at].list && i > 0 {
			x.joined(&text, e, string(e.name(e.values[i-1])))
		} else {
			text.Write(cell)
		}
		rec.Values[at] = text.String()[from:]
	}
	for _, v := range x.made {
		rec.Values = append(rec.Values, v.cell(rec.Values, x.columns))
	}
	for i := range x.lookups {
		rec.Values = append(rec.Values, x.lookups[i].cell(rec.Values))
	}
	if wrong != nil {
		wrong.(*roster.RowError).Record = rec
		return rec, wrong
	}
	return rec, nil
}

// joined writes all values that an entry has of an attribute, in the order of their
// bytes: a directory keeps none. One that is no text is left as it is, so that its row
// is rejected (E104).
func (x *ldif) joined(into *strings.Builder, e *entry, name string) {
	var all []string
	for _, v := range e.values {
		if string(e.name(v)) == name {
			text := strings.ToValidUTF8(string(e.value(v)), "\x00")
			all = append(all, strings.ReplaceAll(text, roster.Between, "\x00"))
		}
	}
	slices.Sort(all)
	for i, v := range slices.Compact(all) {
		if i > 0 {
			into.WriteString(roster.Between)
		}
		into.WriteString(v)
	}
}

// notes are what is worth telling of the entries as a whole.
func (x *ldif) notes() []roster.Problem {
	var notes []roster.Problem
	note := func(column, text, fix string) {
		notes = append(notes, roster.Problem{Severity: roster.SeverityNote, Column: column, Text: text, Fix: fix})
	}
	for _, a := range x.columns {
		switch {
		case a.name == dnColumn, a.name == roster.GroupAttribute:
		case a.records == 0 && x.mayLack(a.name):
		case a.records == 0:
			note(a.name, "no entry has this attribute", "check its spelling, and what the bind account may read; else nothing to do")
		case a.several > 0 && !a.list && !strings.EqualFold(a.name, "objectClass") && !strings.EqualFold(a.name, "proxyAddresses"):
			have := "1 entry has"
			if a.several > 1 {
				have = fmt.Sprintf("%d entries have", a.several)
			}
			note(a.name, have+" several values of this attribute; one is used: that of the entry's name, else the smallest", "nothing to do, unless the profile uses it as key")
		}
		if len(notes) == maxNotes {
			break
		}
	}
	return notes
}

// unseen are the attributes that no record has.
func (x *ldif) unseen() []string {
	var names []string
	for _, a := range x.columns {
		if a.records == 0 && a.name != dnColumn && a.name != roster.GroupAttribute {
			names = append(names, a.name)
		}
	}
	return names
}

// mayLack tells whether it is ordinary that nobody has an attribute: nobody is
// locked, and no account ends. Of several names of one thing one is enough.
func (x *ldif) mayLack(name string) bool {
	for _, v := range x.made {
		has := func(i int) bool { return x.columns[i].records > 0 }
		if (v.lacking || slices.ContainsFunc(v.at, has)) && slices.ContainsFunc(v.from, func(from string) bool { return strings.EqualFold(from, name) }) {
			return true
		}
	}
	return false
}

// maxNotes is how many attributes are told of.
const maxNotes = 20

// inherent tells whether a column is in every file of the kind, so that it is
// no news that a profile does not use it. Where groups are noted, so is by what they
// know people.
func (x *ldif) inherent(column string) bool {
	lower := strings.ToLower(column)
	if lower == dnColumn || lower == roster.GroupAttribute || lower == "objectclass" || strings.HasPrefix(lower, "@") {
		return true
	}
	if slices.Contains([]string{"uid", "objectsid", "primarygroupid", "gidnumber"}, lower) && slices.ContainsFunc(x.columns, func(c *ldifColumn) bool { return c.name == roster.GroupAttribute }) {
		return true
	}
	for _, v := range x.made {
		for _, i := range v.at {
			if strings.ToLower(x.columns[i].name) == lower {
				return true
			}
		}
	}
	return false
}

// scanLDIF opens the file and stands before its first entry.
func (f *File) scanLDIF() (*ldifScanner, error) {
	r, err := f.unwrap.open()
	if err != nil {
		return nil, err
	}
	return newLDIFScanner(f.text(r), r), nil
}

// decodeValue is what stands behind the colon of a line: a text, base64 after a
// second colon, or an address, which is never followed.
func decodeValue(dst, text []byte, line int) ([]byte, error) {
	refuse := func(what, fix string) ([]byte, error) {
		return dst, &roster.Refusal{Code: "E411", Line: line, Text: what, Fix: fix}
	}
	switch {
	case len(text) > 0 && text[0] == '<':
		return refuse("the value is an address (:<), which is never followed", "have it exported with the values themselves")
	case len(text) > 0 && text[0] == ':':
		packed := bytes.Trim(text[1:], " ")
		n := len(dst)
		dst = append(dst, make([]byte, base64.StdEncoding.DecodedLen(len(packed)))...)
		got, err := base64.StdEncoding.Decode(dst[n:], packed)
		if err != nil {
			return refuse("the value after :: is not base64", "have the file exported again")
		}
		return dst[:n+got], nil
	}
	return append(dst, bytes.TrimLeft(text, " ")...), nil
}
