package mapping

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strconv"

	"rollcall/internal/roster"
)

// maxNumber is the highest number of a numbered column.
const maxNumber = 1000

// A base is what a numbered column is called before its number (R91).
type base struct {
	name string
	kind roster.Kind
	of   string // the base that must stand beside it; "" for one that stands alone
	also string // and one that must stand beside this
}

var bases = []base{
	{name: "cohort", kind: roster.CohortKind},
	{name: "course", kind: roster.CourseKind},
	{name: "type", kind: roster.CourseKind, of: "course"},
	{name: "role", kind: roster.CourseKind, of: "course"},
	{name: "group", kind: roster.CourseKind, of: "course"},
	{name: "enrolperiod", kind: roster.CourseKind, of: "course"},
	{name: "enroltimestart", kind: roster.CourseKind, of: "course"},
	{name: "enrolstatus", kind: roster.CourseKind, of: "course"},
	{name: "program", kind: roster.ProgramKind},
	{name: "session", kind: roster.SessionKind},
	{name: "sysrole", kind: roster.RoleKind},
	{name: "category", kind: roster.CategoryKind, also: "categoryrole"},
	{name: "categoryrole", kind: roster.CategoryKind, of: "category"},
}

// NumberedColumns are the names of the numbered columns, without their numbers.
func NumberedColumns() []string {
	var names []string
	for _, b := range bases {
		names = append(names, b.name)
	}
	return names
}

var numberedName = regexp.MustCompile(`^([a-z]+)([0-9]{1,9})$`)

// numberedColumn tells of what kind a column of that name is, its base and its number.
func numberedColumn(name string) (b base, n int, ok bool) {
	m := numberedName.FindStringSubmatch(columnForm(name))
	if m == nil {
		return b, 0, false
	}
	i := slices.IndexFunc(bases, func(b base) bool { return b.name == m[1] })
	if i < 0 {
		return b, 0, false
	}
	n, err := strconv.Atoi(m[2])
	return bases[i], n, err == nil
}

// A numbered is one number of a kind, with the places of its columns.
type numbered struct {
	kindOf
	column                                                         string // the drop's name for the first
	name, by, role, group, enrolPeriod, enrolStart, enrolSuspended int    // -1 where there is none
	head                                                           header
}

// findNumbered finds the numbered columns of a header. A gap, or a column without
// the one that it belongs to, is a problem of the file: the columns have shifted,
// or some are missing.
func (o Options) findNumbered(h header) ([]numbered, error) {
	kinds := o.numbered()
	found := map[string]map[int]int{} // by base and number: the place
	for i, name := range h.names {
		b, n, ok := numberedColumn(name)
		if !ok || !slices.Contains(kinds, b.kind) {
			continue
		}
		if found[b.name] == nil {
			found[b.name] = map[int]int{}
		}
		found[b.name][n] = i
	}
	for _, b := range bases {
		for _, n := range slices.Sorted(maps.Keys(found[b.name])) {
			column := h.names[found[b.name][n]]
			wrong := func(text, fix string) error {
				return &roster.Refusal{Code: "E411", Column: column, Text: text, Fix: fix}
			}
			switch {
			case n < 1 || n > maxNumber:
				return nil, wrong(fmt.Sprintf("numbered columns are counted from 1 to %d", maxNumber), "number the columns from 1")
			case b.of != "" && !has(found, b.of, n):
				return nil, wrong(fmt.Sprintf("it belongs to a column %s%d, which is missing", b.of, n), "add that column, or remove this one")
			case b.also != "" && !has(found, b.also, n):
				return nil, wrong(fmt.Sprintf("a column %s%d belongs to it, which is missing", b.also, n), "add that column, or remove this one")
			case b.of == "" && n > 1 && !has(found, b.name, n-1):
				return nil, wrong(fmt.Sprintf("numbered columns are counted without gaps, and there is no %s%d", b.name, n-1), "add that column, or number them anew")
			}
		}
	}
	var all []numbered
	for _, k := range o.Memberships.each() {
		lead := map[roster.Kind]string{roster.CourseKind: "course", roster.RoleKind: "sysrole"}[k.kind]
		if lead == "" {
			lead = string(k.kind)
		}
		for _, n := range slices.Sorted(maps.Keys(found[lead])) {
			at := func(name string) int {
				if i, ok := found[name][n]; ok {
					return i
				}
				return -1
			}
			c := numbered{kindOf: k, column: h.names[at(lead)], name: at(lead), by: -1, role: -1, group: -1, enrolPeriod: -1, enrolStart: -1, enrolSuspended: -1, head: h}
			switch k.kind {
			case roster.CourseKind:
				c.by, c.role, c.group = at("type"), at("role"), at("group")
				c.enrolPeriod, c.enrolStart, c.enrolSuspended = at("enrolperiod"), at("enroltimestart"), at("enrolstatus")
			case roster.CategoryKind:
				c.role = at("categoryrole")
			}
			all = append(all, c)
		}
	}
	return all, nil
}

func has(found map[string]map[int]int, name string, n int) bool {
	_, ok := found[name][n]
	return ok
}

// places are those of its columns; -1 where there is none.
func (c *numbered) places() []int {
	return []int{c.name, c.by, c.role, c.group, c.enrolPeriod, c.enrolStart, c.enrolSuspended}
}

// called is the drop's name for a column; that of the first where there is none.
func (c *numbered) called(i int) string {
	if i < 0 {
		return c.column
	}
	return c.head.names[i]
}

// numbered reads what the columns of one number say.
func (x *lister) numbered(c *numbered) {
	name := x.row.cell(c.name)
	if name == "" {
		if !x.row.usable(c.name) {
			x.said.Unclear(c.kind)
		}
		return
	}
	w := roster.Wanted{Membership: roster.Membership{Kind: c.kind, Name: name, Role: x.row.cell(c.role), Group: x.row.cell(c.group)}}
	if c.kind == roster.RoleKind && len(name) > 1 && name[0] == '-' { // R93
		w.Name, w.Take = tidy(name[1:]), true
	}
	if c.kind == roster.CategoryKind && w.Role == "" {
		x.note(roster.Problem{Code: "E205", Field: c.key, Column: c.called(c.role), Text: "a category without a role", Fix: "write its role, or leave the category empty"})
		x.said.Want(roster.Wanted{Membership: roster.Membership{Kind: c.kind, Name: name}, Only: true})
		return
	}
	byType := x.row.cell(c.by)
	ok := true
	wrong := func(code string, at int, text, fix string) { // no key of map: is about one numbered column
		x.note(roster.Problem{Code: code, Field: c.key, Column: c.called(at), Text: text, Fix: fix})
		ok = false
	}
	if byType != "" && byType != "1" && byType != "2" && byType != "3" && w.Role == "" {
		wrong("E122", c.by, "a type is 1, 2 or 3", "write one of these, or the role itself into the role column of that number")
	}
	if text := x.row.cell(c.enrolPeriod); text != "" {
		var fine bool
		if w.Days, fine = days(text); !fine {
			wrong("E122", c.enrolPeriod, "not a number of days", "write a whole number of days, as 30, or leave it empty")
		}
	}
	if text := x.row.cell(c.enrolStart); text != "" {
		d, err := newDater("", x.zone)
		if err == nil {
			var flawed *flaw
			if w.From, flawed = d.date(text); flawed != nil {
				wrong("E112", c.enrolStart, "", "write the day as YYYY-MM-DD, or leave it empty")
			}
		}
	}
	switch text := x.row.cell(c.enrolSuspended); text {
	case "", "0", "1":
		w.Status = text
	default:
		wrong("E115", c.enrolSuspended, "not 0 or 1", "write 0 for active, 1 for suspended, or leave it empty")
	}
	if !ok { // what it would grant is not what was meant; what is there stays
		if name, known := x.find(c.kind, "", w.Name); known {
			x.said.Want(roster.Wanted{Membership: roster.Membership{Kind: c.kind, Name: name}, Only: true})
		} else {
			x.problem(c.code, c.key, c.column, "")
			x.said.Unclear(c.kind)
		}
		return
	}
	x.want(c.kindOf, w, places{c.column, c.called(max(c.role, c.by)), c.called(c.group)}, byType)
}
