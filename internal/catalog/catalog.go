// Package catalog knows what a catalog may say: it checks items, unites the two
// places where they stand (catalog.yaml and what was imported), and reads and
// writes them as CSV. It is pure.
package catalog

import (
	"cmp"
	"fmt"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"rollcall/internal/roster"
)

// Bounds of a catalog.
const (
	MaxItems   = 200_000
	maxName    = 255
	maxOptions = 1000
)

// fieldName is what a custom profile field may be called.
var fieldName = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9_-]{0,99}$`)

// Check tells what is wrong with an item by itself: faults whose Path is the key
// of the part that is at fault.
func Check(i *roster.Item) []*roster.Fault {
	var faults []*roster.Fault
	fault := func(key, text, hint string) {
		faults = append(faults, &roster.Fault{Path: key, Text: text, Hint: hint})
	}
	for _, part := range []struct{ key, value string }{
		{"id", i.ID},
		{"id_number", i.IDNumber},
		{"short_name", i.ShortName},
		{"name", i.Name},
		{"course", i.Course},
		{"default_role", i.DefaultRole},
	} {
		switch {
		case utf8.RuneCountInString(part.value) > maxName:
			fault(part.key, fmt.Sprintf("longer than %d characters", maxName), "shorten it")
		case strings.ContainsFunc(part.value, unprintable):
			fault(part.key, "a control or invisible character", "remove it")
		case strings.TrimSpace(part.value) != part.value:
			fault(part.key, "blanks at an end", "remove them")
		}
	}
	if i.Called() == "" {
		fault(needs(i.Kind), "missing", fmt.Sprintf("a %s needs it: rows name it so", i.Kind))
	}
	switch i.Kind {
	case roster.CohortKind:
		if roster.Numeric(i.ID) {
			fault("id", "a mere number", "write it as id_number: a row names a cohort by id number, or by an id that is no mere number")
		}
	case roster.GroupKind:
		if i.Course == "" {
			fault("course", "missing", "a group is one of a course: write the course's short name")
		}
	case roster.SiteKind:
		if slices.ContainsFunc(strings.Split(i.Name, "/"), func(s string) bool { return strings.TrimSpace(s) == "" || strings.TrimSpace(s) != s }) && i.Name != "" {
			fault("name", "not a site", "write it like Canada/Ontario, without blanks around the slashes")
		}
	case roster.FieldKind:
		faults = append(faults, checkField(i)...)
	}
	return faults
}

func checkField(i *roster.Item) (faults []*roster.Fault) {
	fault := func(key, text, hint string) {
		faults = append(faults, &roster.Fault{Path: key, Text: text, Hint: hint})
	}
	if i.Name != "" && !fieldName.MatchString(i.Name) {
		fault("name", "not a name for a field", "use letters, digits, _ and -, a letter first, at most 100")
	}
	switch i.Type {
	case roster.MenuField:
		if len(i.Options) == 0 {
			fault("options", "missing", "a menu has options: write options: [a, b], or in CSV a|b")
		}
	case roster.TextField, roster.DateField, roster.CheckboxField:
		if len(i.Options) > 0 {
			fault("options", "only a menu has options", "leave them out, or write type: menu")
		}
	default:
		fault("type", fmt.Sprintf("%q is no type of a field", i.Type), "write text, date, menu or checkbox")
	}
	if len(i.Options) > maxOptions {
		fault("options", fmt.Sprintf("more than %d", maxOptions), "use a field of type text")
	}
	for n, o := range i.Options {
		if o == "" || strings.TrimSpace(o) != o || strings.ContainsFunc(o, unprintable) || utf8.RuneCountInString(o) > maxName || slices.Index(i.Options, o) < n {
			fault("options", fmt.Sprintf("option %d is empty, too long, has blanks at an end, or stands twice", n+1), "correct it")
		}
	}
	if i.For != "" && i.For != roster.EmployeeID.String() {
		fault("for", fmt.Sprintf("%q: a field can only stand for employee_id", i.For), "write employee_id, or leave it out")
	}
	return faults
}

// needs is the key without which an item of a kind cannot be named.
func needs(k roster.Kind) string {
	switch k {
	case roster.CourseKind, roster.RoleKind:
		return "short_name"
	case roster.CohortKind, roster.ProgramKind, roster.SessionKind:
		return "id"
	}
	return "name"
}

func unprintable(r rune) bool { return unicode.IsControl(r) || unicode.Is(unicode.Cf, r) }

// A Clash is an item that another contradicts, or one that points at nothing.
type Clash struct {
	Item  int    // its place among the items
	Other int    // the place of the other; -1 where there is none
	Key   string // the part that is at fault
	Text  string
	Hint  string
}

func (c *Clash) Error() string { return c.Text + "; " + c.Hint }

// Clashes tells what is wrong with items together: two that are called alike and
// differ, two that one name could mean, a group without its course, a role that
// roles do not list. One that says what another says is no clash, but where twice
// is: in one file a thing stands once.
func Clashes(items []roster.Item, twice bool) []*Clash {
	var all []*Clash
	type name struct {
		kind         roster.Kind
		course, name string
	}
	called, answers := map[name]int{}, map[name]int{}
	lists := map[roster.Kind]bool{}
	for n := range items {
		i := &items[n]
		lists[i.Kind] = true
		me := name{i.Kind, i.Course, i.Called()}
		if me.name == "" {
			continue
		}
		if first, ok := called[me]; ok {
			if twice || !Same(&items[first], i) {
				all = append(all, &Clash{n, first, needs(i.Kind), fmt.Sprintf("the %s %s stands twice", i.Kind, quoted(i)), "keep one of them"})
			}
			continue
		}
		called[me] = n
		for _, a := range i.Answers() {
			key := name{i.Kind, i.Course, a}
			if first, ok := answers[key]; ok {
				all = append(all, &Clash{n, first, needs(i.Kind), fmt.Sprintf("%q could mean two %ss: %s and %s", a, i.Kind, quoted(&items[first]), quoted(i)), "give one of them another id"})
				continue
			}
			answers[key] = n
		}
	}
	employee := -1
	for n := range items {
		i := &items[n]
		if _, ok := called[name{roster.CourseKind, "", i.Course}]; i.Kind == roster.GroupKind && !ok {
			all = append(all, &Clash{n, -1, "course", fmt.Sprintf("there is no course %q", i.Course), "list it under courses, or correct the group"})
		}
		if _, ok := answers[name{roster.RoleKind, "", i.DefaultRole}]; i.DefaultRole != "" && lists[roster.RoleKind] && !ok {
			all = append(all, &Clash{n, -1, "default_role", fmt.Sprintf("there is no role %q", i.DefaultRole), "list it under roles, or correct the course"})
		}
		if i.Kind == roster.FieldKind && i.For != "" {
			if employee >= 0 && items[employee].Name != i.Name {
				all = append(all, &Clash{n, employee, "for", fmt.Sprintf("%s and %s are both for employee_id", quoted(&items[employee]), quoted(i)), "keep it in one of them"})
			}
			employee = n
		}
	}
	return all
}

// Same tells whether two items say the same, whoever says it.
func Same(a, b *roster.Item) bool {
	x, y := *a, *b
	x.Declared, y.Declared = false, false
	if len(x.Options) == 0 {
		x.Options = nil
	}
	if len(y.Options) == 0 {
		y.Options = nil
	}
	return reflect.DeepEqual(x, y)
}

func quoted(i *roster.Item) string {
	if i.Kind == roster.GroupKind {
		return fmt.Sprintf("%q of %q", i.Called(), i.Course)
	}
	return fmt.Sprintf("%q", i.Called())
}

// Unite is one catalog of what a file lists and what was imported. Where they
// contradict each other it is a refusal: no row is checked against half a truth.
func Unite(file *roster.Catalog, imported []roster.Item) (*roster.Catalog, error) {
	if len(imported) == 0 {
		return file, nil
	}
	var listed []roster.Item
	var create map[roster.Kind]bool
	var types map[string]string
	if file != nil {
		listed, create, types = file.Items, file.Create, file.Types
	}
	listed = slices.DeleteFunc(slices.Clone(listed), func(i roster.Item) bool { return i.Declared && names(imported, i) })
	items := slices.Concat(listed, imported)
	if clashes := Clashes(items, false); len(clashes) > 0 {
		c := clashes[0]
		text := "catalog.yaml and what was imported contradict each other: " + c.Text
		fix := "make them say the same: correct catalog.yaml, or import again; rollcall catalog list shows both"
		if c.Other < 0 {
			i := &items[c.Item]
			text = fmt.Sprintf("the catalog has the %s %s, and %s", i.Kind, quoted(i), c.Text)
			fix = "add what is missing to catalog.yaml, or to the file that you import, or correct what names it; rollcall catalog list shows all"
		}
		if len(clashes) > 1 {
			text += fmt.Sprintf(", and %d more", len(clashes)-1)
		}
		return nil, &roster.Refusal{Code: "C213", Text: text, Fix: fix}
	}
	return roster.NewCatalog(Sorted(items), create, types), nil
}

// Declare is a catalog with the profile fields that a profile declares, besides
// those that the catalog itself has.
func Declare(c *roster.Catalog, fields []roster.Item) *roster.Catalog {
	if len(fields) == 0 {
		return c
	}
	if c == nil {
		c = &roster.Catalog{}
	}
	items := slices.Clone(c.Items)
	for _, f := range fields {
		if !names(items, f) {
			f.Declared = true
			items = append(items, f)
		}
	}
	return roster.NewCatalog(Sorted(items), c.Create, c.Types)
}

// names tells whether one of items is called like i.
func names(items []roster.Item, i roster.Item) bool {
	return slices.ContainsFunc(items, func(o roster.Item) bool { return o.Kind == i.Kind && o.Course == i.Course && o.Called() == i.Called() })
}

// Sorted is items in the order of a catalog, each once.
func Sorted(items []roster.Item) []roster.Item {
	items = slices.Clone(items)
	rank := map[roster.Kind]int{}
	for n, k := range roster.Kinds() {
		rank[k] = n
	}
	slices.SortStableFunc(items, func(a, b roster.Item) int {
		return cmp.Or(cmp.Compare(rank[a.Kind], rank[b.Kind]), cmp.Compare(a.Course, b.Course), cmp.Compare(a.Called(), b.Called()))
	})
	return slices.CompactFunc(items, func(a, b roster.Item) bool {
		return a.Kind == b.Kind && a.Course == b.Course && a.Called() == b.Called()
	})
}

// WithSites is items with the sites above those that are listed: Canada/Ontario
// is below Canada, which need not be said.
func WithSites(items []roster.Item) []roster.Item {
	have := map[string]bool{}
	for _, i := range items {
		if i.Kind == roster.SiteKind {
			have[i.Name] = true
		}
	}
	for _, i := range items {
		if i.Kind != roster.SiteKind {
			continue
		}
		for path := i.Name; strings.Contains(path, "/"); {
			path = path[:strings.LastIndexByte(path, '/')]
			if path != "" && !have[path] {
				have[path] = true
				items = append(items, roster.Item{Kind: roster.SiteKind, Name: path})
			}
		}
	}
	return items
}
