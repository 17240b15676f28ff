package roster

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"
)

// CategoryKind is a category of courses. The catalog lists none, so that none is checked.
const CategoryKind Kind = "category"

// GroupAttribute is the attribute in which a reading of a directory notes the groups of
// an entry, one in each value; no directory has one of that name. As a cell they stand
// side by side, with [Between] between them.
const GroupAttribute = "rollcall-group"

// memberKinds are what somebody can be a member of, in the order of lists.
var memberKinds = []Kind{CohortKind, CourseKind, ProgramKind, SessionKind, RoleKind, CategoryKind}

// MapKeys are the keys of map: by the kind of membership that they grant.
func MapKeys() map[Kind]string {
	return map[Kind]string{CohortKind: "cohorts", CourseKind: "enrolments", ProgramKind: "programs", SessionKind: "sessions", RoleKind: "roles", CategoryKind: "categories"}
}

// A Membership is one thing that an account is a member of: a cohort, a course with
// a role and a group, a program, a session, a role of the system, a role in a category.
type Membership struct {
	Kind  Kind   `json:"kind"`
	Name  string `json:"name"`
	Role  string `json:"role,omitempty"`  // in a course or a category
	Group string `json:"group,omitempty"` // of a course
}

// String writes a membership as reports and people do: cohort:dept-icu,
// course:FIRE-101:learner:Night.
func (m Membership) String() string {
	s := string(m.Kind) + ":" + m.Name
	if m.Role != "" || m.Group != "" {
		s += ":" + m.Role
	}
	if m.Group != "" {
		s += ":" + m.Group
	}
	return s
}

// ParseMembership reads what [Membership.String] writes.
func ParseMembership(text string) (Membership, error) {
	parts := strings.SplitN(text, ":", 4)
	m := Membership{Kind: Kind(parts[0])}
	if len(parts) < 2 || parts[1] == "" || !slices.Contains(memberKinds, m.Kind) {
		return m, fmt.Errorf("%q is no membership; write cohort:ID, course:ID, course:ID:ROLE:GROUP, program:ID, session:ID, role:ID or category:ID:ROLE", text)
	}
	m.Name = parts[1]
	if len(parts) > 2 {
		m.Role = parts[2]
	}
	if len(parts) > 3 {
		m.Group = parts[3]
	}
	if m.Role != "" && m.Kind != CourseKind && m.Kind != CategoryKind || m.Group != "" && m.Kind != CourseKind {
		return m, fmt.Errorf("%q: only a course has a role and a group, and a category a role", text)
	}
	return m, nil
}

// ending is what stands between a membership and its end, as an export writes it:
// FIRE-101:learner until 2026-12-20T00:00:00Z.
const ending = " until "

// Ending writes a text with the first moment after it behind it, a [Stamp]; "" is for good.
func Ending(text, until string) string {
	if until == "" {
		return text
	}
	return text + ending + until
}

// CutEnding reads what [Ending] wrote. ok is false where something that begins like a
// time stands there, and is none. A name that ends otherwise is a name.
func CutEnding(text string) (rest, until string, ok bool) {
	i := strings.LastIndex(text, ending)
	if i < 0 {
		return text, "", true
	}
	rest, until = text[:i], strings.TrimSpace(text[i+len(ending):])
	if until == "" || until[0] < '0' || until[0] > '9' || !strings.ContainsAny(until, "-./:") { // as in: until 2026
		return text, "", true
	}
	at, err := time.Parse(time.RFC3339, until)
	return rest, Stamp(at), err == nil
}

// Compare puts memberships in the order of lists.
func (m Membership) Compare(o Membership) int {
	return cmp.Or(cmp.Compare(slices.Index(memberKinds, m.Kind), slices.Index(memberKinds, o.Kind)),
		cmp.Compare(m.Name, o.Name), cmp.Compare(m.Role, o.Role), cmp.Compare(m.Group, o.Group))
}

// Terms are how long and in what way somebody grants a membership. Times are [Stamp]s.
type Terms struct {
	Since     string `json:"since,omitempty"` // when it was granted
	From      string `json:"from,omitempty"`  // when it begins; "" at once
	Until     string `json:"until,omitempty"` // the first moment after it; "" for good (R92)
	Suspended bool   `json:"suspended,omitempty"`
	Ended     string `json:"ended,omitempty"` // when its period was over; "" while it lasts
	Said      string `json:"said,omitempty"`  // what the record said of the period: one that ended is not granted again while that stays
}

// A Grant is a membership with who granted it. An account is a member while any
// grant lasts: that of a profile, of another, or of a person.
type Grant struct {
	Membership
	Origin Origin
	Terms
}

// compare orders grants by membership and origin.
func (g *Grant) compare(o *Grant) int {
	return cmp.Or(g.Membership.Compare(o.Membership), cmp.Compare(g.Origin, o.Origin))
}

// SortGrants puts grants in their order.
func SortGrants(list []Grant) {
	slices.SortFunc(list, func(a, b Grant) int { return a.compare(&b) })
}

// Grant finds what an origin grants; nil where it does not.
func (a *Account) Grant(m Membership, by Origin) *Grant {
	for i := range a.Grants {
		if a.Grants[i].Membership == m && a.Grants[i].Origin == by {
			return &a.Grants[i]
		}
	}
	return nil
}

// A Held membership is one that an account has, whoever grants it.
type Held struct {
	Membership
	From, Until string // of the longest grant
	Suspended   bool   // in every grant
}

// Memberships are those that the account has, in their order; Grants must be loaded.
func (a *Account) Memberships() []Held {
	var all []Held
	for _, g := range a.Grants { // sorted
		if g.Ended != "" {
			continue
		}
		n := len(all) - 1
		if n < 0 || all[n].Membership != g.Membership {
			all = append(all, Held{g.Membership, g.From, g.Until, g.Suspended})
			continue
		}
		h := &all[n]
		h.From, h.Suspended = min(h.From, g.From), h.Suspended && g.Suspended // "" is the earliest
		if h.Until != "" && g.Until != "" {
			h.Until = max(h.Until, g.Until)
		} else {
			h.Until = ""
		}
	}
	return all
}

// Members is what a record says of memberships.
type Members struct {
	Kinds  []Kind   // of which the drop speaks: what it does not list of others means nothing
	Unsure []Kind   // of which something could not be read: nothing of these is taken away
	List   []Wanted // in the order of memberships, each once; one that is Only may stand beside one that is not
}

// A Wanted membership is one that a record lists.
type Wanted struct {
	Membership
	Days   int    // of its period (R92); zero: for good, or to Until
	Until  string // a [Stamp], the first moment after it, as an export says it; "" by Days
	From   string // YYYY-MM-DD, or RFC 3339; "" at once
	Status string // of an enrolment: "0" active, "1" suspended, "" as it is
	Take   bool   // it is to be taken away (R93)
	Only   bool   // it cannot be granted; what is there under its kind and name stays
}

// Said is what the record says of the period.
func (w *Wanted) Said() string {
	switch {
	case w.Until != "":
		return strings.TrimSpace("until " + w.Until + " " + w.From)
	case w.Days == 0 && w.From == "":
		return ""
	}
	return fmt.Sprintf("%d %s", w.Days, w.From)
}

// Unclear notes that something of a kind could not be read.
func (m *Members) Unclear(k Kind) {
	if !slices.Contains(m.Unsure, k) {
		m.Unsure = append(m.Unsure, k)
	}
}

// Want adds a membership; of two that are the same the first counts.
func (m *Members) Want(w Wanted) {
	i, _ := slices.BinarySearchFunc(m.List, w, func(a, b Wanted) int { return a.Membership.Compare(b.Membership) })
	for ; i < len(m.List) && m.List[i].Membership == w.Membership; i++ {
		if m.List[i].Only == w.Only {
			return
		}
	}
	m.List = slices.Insert(m.List, i, w)
}

// Covers tells whether what is granted stays, because the record lists it, or
// something of which that cannot be told.
func (m *Members) Covers(g Membership) bool {
	return slices.Contains(m.Unsure, g.Kind) || slices.ContainsFunc(m.List, func(w Wanted) bool {
		return !w.Take && (w.Membership == g || w.Only && w.Kind == g.Kind && w.Name == g.Name)
	})
}

// Union is what several records say together, in whatever order they stand.
func Union(all []*Members) *Members {
	u := &Members{Kinds: all[0].Kinds} // of one drop all speak of the same
	for _, m := range all {
		for _, k := range m.Unsure {
			u.Unclear(k)
		}
		for _, w := range m.List {
			i := slices.IndexFunc(u.List, func(o Wanted) bool { return o.Membership == w.Membership && o.Only == w.Only })
			switch {
			case i < 0:
				u.Want(w)
			case compareWanted(w, u.List[i]) < 0:
				u.List[i] = w
			}
		}
	}
	slices.Sort(u.Unsure)
	return u
}

// CompareMembers puts what two records say in some order.
func CompareMembers(a, b *Members) int {
	if a == nil || b == nil {
		return cmp.Compare(known(a), known(b))
	}
	return slices.CompareFunc(a.List, b.List, compareWanted)
}

func known(m *Members) int {
	if m == nil {
		return 0
	}
	return 1
}

// compareWanted puts what is granted for long before what is granted for a time, and
// both before what is taken away.
func compareWanted(a, b Wanted) int {
	flag := func(is bool) int {
		if is {
			return 1
		}
		return 0
	}
	return cmp.Or(a.Membership.Compare(b.Membership), cmp.Compare(flag(a.Only), flag(b.Only)), cmp.Compare(flag(a.Take), flag(b.Take)),
		cmp.Compare(flag(a.Days > 0), flag(b.Days > 0)), cmp.Compare(b.Days, a.Days),
		cmp.Compare(flag(a.Until != ""), flag(b.Until != "")), cmp.Compare(b.Until, a.Until), cmp.Compare(a.From, b.From), cmp.Compare(a.Status, b.Status))
}
