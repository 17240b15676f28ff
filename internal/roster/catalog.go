package roster

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"strings"
)

// A Kind is what an [Item] of the catalog is.
type Kind string

// The kinds of the catalog.
const (
	SiteKind    Kind = "site"
	CohortKind  Kind = "cohort"
	CourseKind  Kind = "course"
	GroupKind   Kind = "group" // of a course
	ProgramKind Kind = "program"
	SessionKind Kind = "session"
	RoleKind    Kind = "role"
	ThemeKind   Kind = "theme"
	FieldKind   Kind = "field" // a custom profile field (R27)
)

// Kinds are all of them, in the order of lists.
func Kinds() []Kind {
	return []Kind{SiteKind, CohortKind, CourseKind, GroupKind, ProgramKind, SessionKind, RoleKind, ThemeKind, FieldKind}
}

// The types of a custom profile field.
const (
	TextField     = "text"
	DateField     = "date"
	MenuField     = "menu"
	CheckboxField = "checkbox"
)

// An Item is one thing that the rows of a drop may name. Which of its parts it
// has is its kind's: a course has a short name, a cohort an id.
type Item struct {
	Kind        Kind     `json:"kind"`
	ID          string   `json:"id,omitempty"`           // cohort (never a mere number), group, program, session, role
	IDNumber    string   `json:"id_number,omitempty"`    // cohort
	ShortName   string   `json:"short_name,omitempty"`   // course, role
	Name        string   `json:"name,omitempty"`         // for people; of a site its path, and of a group, a theme and a field what they are called by
	Course      string   `json:"course,omitempty"`       // short name of a group's course
	DefaultRole string   `json:"default_role,omitempty"` // of a course
	Type        string   `json:"type,omitempty"`         // of a field
	Options     []string `json:"options,omitempty"`      // of a menu
	Required    bool     `json:"required,omitempty"`     // field
	Unique      bool     `json:"unique,omitempty"`       // field
	For         string   `json:"for,omitempty"`          // employee_id: the field sets that account field

	Declared bool `json:"-"` // field: by a profile, or its preset; what a catalog says of that name goes before it
}

// Called is the one name under which rollcall keeps an item, by whichever it was
// named; "" where the item lacks it.
func (i *Item) Called() string {
	switch i.Kind {
	case CourseKind:
		return i.ShortName
	case RoleKind:
		return or(i.ShortName, i.ID)
	case CohortKind:
		return or(i.ID, i.IDNumber)
	case GroupKind:
		if Numeric(i.Name) {
			return i.ID
		}
		return or(i.Name, i.ID)
	case ProgramKind, SessionKind:
		return i.ID
	}
	return i.Name
}

// Answers are the names by which a row may mean an item (R90): cohorts go by id
// number or by an id that is not a mere number, never by name; groups never by a
// mere number of a name.
func (i *Item) Answers() []string {
	var all []string
	add := func(names ...string) {
		for _, n := range names {
			if n != "" {
				all = append(all, n)
			}
		}
	}
	switch i.Kind {
	case CohortKind:
		add(i.IDNumber)
		if !Numeric(i.ID) {
			add(i.ID)
		}
	case RoleKind:
		add(i.ShortName, i.ID)
	case GroupKind:
		add(i.ID)
		if !Numeric(i.Name) {
			add(i.Name)
		}
	default:
		add(i.Called())
	}
	return all
}

func or(a, b string) string {
	if a != "" {
		return a
	}
	return b
}

// Numeric tells whether s is a mere number.
func Numeric(s string) bool { return s != "" && strings.Trim(s, "0123456789") == "" }

// A Catalog is what there is to be a member of, and the custom profile fields. It
// does not change once it is made; nil is one that lists nothing.
type Catalog struct {
	Items  []Item            // sorted by kind, course and name
	Create map[Kind]bool     // kinds of which a row creates what the catalog lacks
	Types  map[string]string // the roles of the enrolment types 1, 2 and 3 (R91); 1 where the course has no role of its own
	found  map[answer]int
	lists  map[Kind]bool
}

// An answer is a name under which a row may mean an item.
type answer struct {
	kind         Kind
	course, name string
}

// NewCatalog makes a catalog of items that contradict each other nowhere.
func NewCatalog(items []Item, create map[Kind]bool, types map[string]string) *Catalog {
	c := &Catalog{Items: items, Create: create, Types: types, found: map[answer]int{}, lists: map[Kind]bool{}}
	for i := range items {
		c.lists[items[i].Kind] = true
		for _, name := range items[i].Answers() {
			c.found[answer{items[i].Kind, items[i].Course, name}] = i
		}
	}
	return c
}

// Lists tells whether the catalog has anything of a kind: what it does not list at
// all is not checked (R90).
func (c *Catalog) Lists(k Kind) bool { return c != nil && c.lists[k] }

// Find finds what a row means by a name; course is that of a group.
func (c *Catalog) Find(k Kind, course, name string) (*Item, bool) {
	if c == nil {
		return nil, false
	}
	i, ok := c.found[answer{k, course, name}]
	if !ok {
		return nil, false
	}
	return &c.Items[i], true
}

// Fields are the custom profile fields.
func (c *Catalog) Fields() []Item {
	var all []Item
	if c != nil {
		for _, i := range c.Items {
			if i.Kind == FieldKind {
				all = append(all, i)
			}
		}
	}
	return all
}

// Digest names what the catalog says; "" where it says nothing.
func (c *Catalog) Digest() string {
	if c == nil || len(c.Items) == 0 && len(c.Create) == 0 && len(c.Types) == 0 {
		return ""
	}
	text, err := json.Marshal(struct {
		Items  []Item
		Create map[Kind]bool
		Types  map[string]string
	}{c.Items, c.Create, c.Types})
	if err != nil {
		panic(err) // plain data
	}
	sum := sha256.Sum256(text)
	return "sha256:" + hex.EncodeToString(sum[:])
}
