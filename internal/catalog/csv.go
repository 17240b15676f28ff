package catalog

import (
	"bytes"
	"cmp"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"unicode/utf8"

	"rollcall/internal/roster"
)

// MaxFile is the largest file that is imported, in bytes.
const MaxFile = 64 << 20

// maxFaults is how many faults of one file are told.
const maxFaults = 100

// A Fault is something wrong with a file that is imported.
type Fault struct {
	Line   int // zero: the whole file
	Column string
	Text   string
	Hint   string
}

func (f *Fault) Error() string {
	at := ""
	if f.Line > 0 {
		at = fmt.Sprintf("line %d: ", f.Line)
		if f.Column != "" {
			at = fmt.Sprintf("line %d, column %q: ", f.Line, f.Column)
		}
	}
	if f.Hint == "" {
		return at + f.Text
	}
	return at + f.Text + "; " + f.Hint
}

// Header is the columns of an exported catalog.
var Header = []string{"kind", "id", "id_number", "short_name", "name", "course", "default_role", "type", "options", "required", "unique", "for"}

// between stands between the options of a menu, and the groups of a course.
const between = "|"

// Write writes items as CSV that [Read] reads back.
func Write(w io.Writer, items []roster.Item) error {
	out := csv.NewWriter(w)
	_ = out.Write(Header) // the writer keeps the first error
	for _, i := range items {
		_ = out.Write([]string{
			string(i.Kind), i.ID, i.IDNumber, i.ShortName, i.Name, i.Course, i.DefaultRole, i.Type, strings.Join(i.Options, between), flag(i.Required), flag(i.Unique), i.For,
		})
	}
	out.Flush()
	return out.Error()
}

func flag(on bool) string {
	if on {
		return "1"
	}
	return ""
}

// aliases are other names of columns: those of the platforms' own lists.
var aliases = map[string]string{
	"idnumber": "id_number", "shortname": "short_name", "fullname": "name", "title": "name", "role_default": "default_role",
	"cohort_id": "cohort", "course_id": "course", "program_id": "program", "session_id": "session",
}

// Read reads a CSV file of items. What a row is, its column kind says, or the
// column in which its name stands: cohort, course, group, program, session, role,
// theme, site or field; a short name alone is a course, an id number a cohort.
// Either all of it is right, or the error is [Faults] and nothing is used.
func Read(r io.Reader) ([]roster.Item, error) {
	raw, err := io.ReadAll(io.LimitReader(r, MaxFile+1))
	if err != nil {
		return nil, err
	}
	raw = bytes.TrimPrefix(raw, []byte("\xef\xbb\xbf"))
	x := reader{}
	switch {
	case len(raw) > MaxFile:
		x.fault(0, "", fmt.Sprintf("the file is larger than %d MiB", MaxFile>>20), "import it in parts")
	case !utf8.Valid(raw):
		x.fault(0, "", "the file is not UTF-8", "save it as UTF-8")
	default:
		x.read(raw)
	}
	if len(x.faults) > 0 {
		return nil, x.faults
	}
	for _, c := range Clashes(x.items, true) {
		if c.Other >= 0 {
			x.fault(x.lines[c.Item], "", fmt.Sprintf("%s; the other is in line %d", c.Text, x.lines[c.Other]), c.Hint)
		}
	}
	if len(x.faults) > 0 {
		return nil, x.faults
	}
	return WithSites(x.items), nil
}

// Faults is everything that is wrong with a file.
type Faults []*Fault

func (f Faults) Error() string {
	lines := make([]string, len(f))
	for i, one := range f {
		lines[i] = one.Error()
	}
	return strings.Join(lines, "\n")
}

type reader struct {
	place  map[string]int // of the columns
	items  []roster.Item
	lines  []int
	faults Faults
}

func (x *reader) fault(line int, column, text, hint string) {
	if len(x.faults) < maxFaults {
		x.faults = append(x.faults, &Fault{line, column, text, hint})
	}
}

func (x *reader) read(raw []byte) {
	in := csv.NewReader(bytes.NewReader(raw))
	head, _, _ := bytes.Cut(raw, []byte("\n"))
	in.Comma = slices.MaxFunc([]rune{',', ';', '\t'}, func(a, b rune) int {
		return cmp.Compare(bytes.Count(head, []byte(string(a))), bytes.Count(head, []byte(string(b))))
	})
	header, err := in.Read()
	if err != nil {
		x.fault(0, "", "the file is empty, or its first line is no header", "write a header like kind,id,name")
		return
	}
	if !x.header(header) {
		return
	}
	for {
		row, err := in.Read()
		line, _ := in.FieldPos(0)
		var wrong *csv.ParseError
		switch {
		case errors.Is(err, io.EOF):
			if len(x.items) == 0 && len(x.faults) == 0 {
				x.fault(0, "", "the file lists nothing", "write a row for each item")
			}
			return
		case errors.Is(err, csv.ErrFieldCount):
			x.fault(line, "", fmt.Sprintf("%d fields, and the header has %d", len(row), len(header)), "count the delimiters; a value that contains one needs quotes")
			continue
		case errors.As(err, &wrong):
			x.fault(wrong.Line, "", wrong.Err.Error(), "close the quote, or double one that belongs to the value")
			return
		case err != nil:
			x.fault(line, "", err.Error(), "")
			return
		}
		x.row(line, row)
		if len(x.items) > MaxItems {
			x.fault(line, "", fmt.Sprintf("more than %d items", MaxItems), "a catalog is no list of people; is it the right file?")
			return
		}
		if len(x.faults) >= maxFaults {
			return
		}
	}
}

// header finds the columns.
func (x *reader) header(names []string) bool {
	known := append(slices.Clone(Header), "groups")
	for _, k := range roster.Kinds() {
		if !slices.Contains(known, string(k)) {
			known = append(known, string(k))
		}
	}
	x.place = map[string]int{}
	for i, name := range names {
		form := strings.ReplaceAll(strings.ToLower(strings.TrimSpace(name)), " ", "_")
		if to, ok := aliases[form]; ok {
			form = to
		}
		switch _, twice := x.place[form]; {
		case form == "":
		case twice:
			x.fault(1, name, "the column stands twice", "keep one")
		case !slices.Contains(known, form):
			x.fault(1, name, "no column of a catalog", "leave it out, or call it one of "+strings.Join(known, ", "))
		default:
			x.place[form] = i
		}
	}
	return len(x.faults) == 0
}

func (x *reader) cell(row []string, name string) string {
	i, ok := x.place[name]
	if !ok || i >= len(row) {
		return ""
	}
	return strings.TrimSpace(row[i])
}

// row reads what a row lists.
func (x *reader) row(line int, row []string) {
	cell := func(name string) string { return x.cell(row, name) }
	if strings.Join(row, "") == "" {
		return
	}
	base := roster.Item{
		ID: cell("id"), IDNumber: cell("id_number"), ShortName: cell("short_name"), Name: cell("name"), DefaultRole: cell("default_role"),
		Type: cell("type"), Required: x.flag(line, row, "required"), Unique: x.flag(line, row, "unique"), For: cell("for"),
	}
	if o := cell("options"); o != "" {
		base.Options = strings.Split(o, between)
	}
	if _, said := x.place["kind"]; said {
		i := base
		i.Kind, i.Course = kindOf(cell("kind")), cell("course")
		if i.Kind == "" {
			x.fault(line, "kind", fmt.Sprintf("%q is no kind", cell("kind")), "write "+kinds())
			return
		}
		x.add(line, i, cell("groups"))
		return
	}
	before := len(x.items) + len(x.faults)
	for _, k := range roster.Kinds() {
		name := cell(string(k))
		if name == "" || k == roster.CourseKind && cell("group") != "" {
			continue
		}
		i := base
		i.Kind = k
		switch k {
		case roster.CourseKind:
			i.ShortName = name
		case roster.RoleKind:
			i.ShortName = name
		case roster.CohortKind:
			if i.ID = name; roster.Numeric(name) {
				i.ID, i.IDNumber = "", name
			}
		case roster.GroupKind:
			i.Name, i.Course = name, cell("course")
			if i.ID == "" && roster.Numeric(name) {
				i.ID, i.Name = name, base.Name
			}
		case roster.ProgramKind, roster.SessionKind:
			i.ID = name
		default:
			i.Name = name
		}
		x.add(line, i, cell("groups"))
	}
	if len(x.items)+len(x.faults) > before {
		return
	}
	switch {
	case base.ShortName != "":
		base.Kind = roster.CourseKind
	case base.IDNumber != "" || base.ID != "":
		base.Kind = roster.CohortKind
	default:
		x.fault(line, "", "it cannot be told what the row lists", "add a column kind ("+kinds()+"), or name the column of ids so")
		return
	}
	x.add(line, base, cell("groups"))
}

// kindOf is the kind that a word means, in any case, one of it or several; "" is none.
func kindOf(word string) roster.Kind {
	word = strings.ToLower(word)
	for _, k := range roster.Kinds() {
		if word == string(k) || word == string(k)+"s" {
			return k
		}
	}
	return ""
}

func kinds() string {
	var names []string
	for _, k := range roster.Kinds() {
		names = append(names, string(k))
	}
	return strings.Join(names, ", ")
}

func (x *reader) flag(line int, row []string, name string) bool {
	switch v := strings.ToLower(x.cell(row, name)); v {
	case "", "0", "no", "off", "false":
		return false
	case "1", "yes", "on", "true":
		return true
	}
	x.fault(line, name, "not a 0 or a 1", "write 1 for yes, and 0 or nothing for no")
	return false
}

// add adds an item without the parts that its kind does not have, and the groups
// of a course.
func (x *reader) add(line int, i roster.Item, groups string) {
	if i.Kind != roster.FieldKind {
		i.Type, i.Options, i.Required, i.Unique, i.For = "", nil, false, false, ""
	}
	if i.Kind != roster.CourseKind {
		i.DefaultRole = ""
	}
	if i.Kind != roster.CohortKind {
		i.IDNumber = ""
	}
	if i.Kind != roster.CourseKind && i.Kind != roster.RoleKind {
		i.ShortName = ""
	}
	if i.Kind == roster.CourseKind {
		i.ID = ""
	}
	faults := Check(&i)
	for _, f := range faults {
		x.fault(line, f.Path, f.Text, f.Hint)
	}
	if len(faults) > 0 {
		return
	}
	x.items, x.lines = append(x.items, i), append(x.lines, line)
	if i.Kind == roster.CourseKind && groups != "" {
		for g := range strings.SplitSeq(groups, between) {
			name := strings.TrimSpace(g)
			group := roster.Item{Kind: roster.GroupKind, Course: i.ShortName, Name: name}
			if roster.Numeric(name) {
				group.ID, group.Name = name, ""
			}
			x.add(line, group, "")
		}
	}
}
