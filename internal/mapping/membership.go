package mapping

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"rollcall/internal/roster"
)

// Memberships say what a record makes somebody a member of (keys of map:). Each is a
// list of sources, or one of them; a text in the list is a template, and a text in
// its stead a column.
type Memberships struct {
	Cohorts    []Member `yaml:"cohorts" json:",omitempty"`
	Roles      []Member `yaml:"roles" json:",omitempty"` // of the system
	Enrolments []Member `yaml:"enrolments" json:",omitempty"`
	Programs   []Member `yaml:"programs" json:",omitempty"`
	Sessions   []Member `yaml:"sessions" json:",omitempty"`
	Categories []Member `yaml:"categories" json:",omitempty"` // by numbered columns alone
}

// A Member is one source of memberships of a kind.
type Member struct {
	Template  string           `yaml:"template" json:",omitempty"`
	Course    string           `yaml:"course" json:",omitempty"` // enrolments: the template, by its natural name
	From      string           `yaml:"from" json:",omitempty"`
	List      string           `yaml:"list" json:",omitempty"`   // what stands between several in one cell
	Each      bool             `yaml:"each" json:",omitempty"`   // From may have several values in a record of XML or LDIF: each is a name
	Values    map[string]Words `yaml:"values" json:",omitempty"` // code table: a word to names, to none perhaps
	Other     Words            `yaml:"other" json:",omitempty"`  // names of what Values lacks; [keep], [reject]; nil: E122
	Transform []string         `yaml:"transform" json:",omitempty"`
	Role      string           `yaml:"role" json:",omitempty"`     // enrolments: a template
	Group     string           `yaml:"group" json:",omitempty"`    // likewise
	Period    time.Duration    `yaml:"period" json:",omitempty"`   // whole days, from the day it is granted (R92)
	When      map[string]Words `yaml:"when" json:",omitempty"`     // only where each of these columns has one of the words
	Numbered  bool             `yaml:"numbered" json:",omitempty"` // numbered columns: cohort1, course1, … (R91)

	Optional bool `yaml:"-" json:",omitempty"` // a preset names it: a drop may lack its columns (R10)
}

// UnmarshalText reads the short form within a list.
func (m *Member) UnmarshalText(text []byte) error { m.Template = string(text); return nil }

// Words are one word or several.
type Words []string

// A kindOf is a key of map: with what its sources grant.
type kindOf struct {
	key     string
	kind    roster.Kind
	code    string // of a name that the catalog lacks
	members []Member
}

// each are the keys of map: that grant memberships, in the order of kinds.
func (m Memberships) each() []kindOf {
	return []kindOf{
		{"cohorts", roster.CohortKind, "E201", m.Cohorts},
		{"enrolments", roster.CourseKind, "E203", m.Enrolments},
		{"programs", roster.ProgramKind, "E206", m.Programs},
		{"sessions", roster.SessionKind, "E208", m.Sessions},
		{"roles", roster.RoleKind, "E205", m.Roles},
		{"categories", roster.CategoryKind, "", m.Categories},
	}
}

// MembershipKeys are the keys of map: that grant memberships.
func MembershipKeys() []string {
	var keys []string
	for _, k := range (Memberships{}).each() {
		keys = append(keys, k.key)
	}
	return keys
}

// Waive lets a drop lack the columns of every source (R10).
func (m *Memberships) Waive() {
	for _, k := range m.each() {
		for i := range k.members {
			k.members[i].Optional = true
		}
	}
}

// parts tells whether a name may have a role and a group behind it, as an export of
// rollcall has them: FIRE-101:learner:Night.
func (m Member) parts(kind roster.Kind) bool {
	return kind == roster.CourseKind && m.From != "" && m.Role == "" && m.Group == ""
}

// keyOfKind is the key of map: that grants a kind.
func keyOfKind(kind roster.Kind) string {
	for _, k := range (Memberships{}).each() {
		if k.kind == kind {
			return k.key
		}
	}
	return ""
}

// between stands between the names of a cell that rollcall itself has written.
const between = "|"

// implied are the memberships of a header whose columns bear the names of the keys:
// an export of rollcall.
func (m Memberships) implied(h header) Memberships {
	for key, into := range map[string]*[]Member{"cohorts": &m.Cohorts, "roles": &m.Roles, "enrolments": &m.Enrolments, "programs": &m.Programs, "sessions": &m.Sessions} {
		if i := h.find(key); i >= 0 {
			*into = []Member{{From: h.names[i], List: between}}
		}
	}
	return m
}

// IsZero tells whether nothing is said of memberships.
func (m Memberships) IsZero() bool {
	return !slices.ContainsFunc(m.each(), func(k kindOf) bool { return len(k.members) > 0 })
}

// numbered tells of which kinds the numbered columns are used (R91): those that say
// so, and all where the profile has no map of its own.
func (o Options) numbered() []roster.Kind {
	var kinds []roster.Kind
	for _, k := range o.Memberships.each() {
		if len(o.Map) == 0 && o.Memberships.IsZero() || slices.ContainsFunc(k.members, func(m Member) bool { return m.Numbered }) {
			kinds = append(kinds, k.kind)
		}
	}
	return kinds
}

// Lists are the columns of which a record may have several values.
func (o Options) Lists() []string {
	var names []string
	for _, k := range o.Memberships.each() {
		for _, m := range k.members {
			if m.Each && !slices.Contains(names, m.From) {
				names = append(names, m.From)
			}
		}
	}
	if !o.Groups.IsZero() {
		names = append(names, roster.GroupAttribute)
	}
	return names
}

// columns are the names of the columns that a source speaks of, with the key that does.
func (m Member) columns(path string, f func(path, column string)) {
	if m.From != "" {
		f(path, m.From)
	}
	for _, text := range []string{m.Template, m.Course, m.Role, m.Group} {
		if t, err := parseTemplate(text); err == nil { // Validate says what is wrong with it
			for _, column := range t.columns() {
				f(path, column)
			}
		}
	}
	for column := range m.When {
		f(path+".when", column)
	}
}

// memberColumns are the columns that memberships speak of; needed ones alone are
// those that a drop must have.
func (o Options) memberColumns(needed bool, f func(path, column string)) {
	for _, k := range o.Memberships.each() {
		for i, m := range k.members {
			if !needed || !m.Optional {
				m.columns(memberPath(k, i), f)
			}
		}
	}
}

// Sources calls f with each column of which memberships are made, and the key of map:
// under which they are.
func (m Memberships) Sources(f func(key, column string)) {
	for _, k := range m.each() {
		for _, x := range k.members {
			x.columns(k.key, func(_, column string) { f(k.key, column) })
		}
	}
}

// memberPath is where a source stands in the profile, below map.
func memberPath(k kindOf, i int) string {
	if len(k.members) == 1 {
		return k.key
	}
	return fmt.Sprintf("%s[%d]", k.key, i)
}

// memberships checks the keys that grant memberships.
func (k *checker) memberships() {
	for _, kind := range k.o.Memberships.each() {
		for i, m := range kind.members {
			k.member(memberPath(kind, i), kind.kind, m)
		}
	}
}

func (k *checker) member(path string, kind roster.Kind, m Member) {
	var ways []string
	for _, way := range []struct {
		name string
		said bool
	}{{"from:", m.From != ""}, {"template:", m.Template != ""}, {"course:", m.Course != ""}, {"numbered:", m.Numbered}} {
		if way.said {
			ways = append(ways, way.name)
		}
	}
	course := kind == roster.CourseKind
	switch {
	case len(ways) > 1:
		k.fault(path, strings.Join(ways, " and ")+" exclude each other", "leave one of them, or make a list of several")
	case len(ways) == 0 && course:
		k.fault(path, "it does not say which course", "write course:, from: and the name of a column, or numbered: on")
	case len(ways) == 0:
		k.fault(path, "it does not say where the names come from", "write from: and the name of a column, a template in a list, or numbered: on")
	case kind == roster.CategoryKind && !m.Numbered:
		k.fault(path, "roles in categories come from numbered columns alone", "write {numbered: on} for category1, categoryrole1, …")
	case m.Course != "" && !course:
		k.fault(path+".course", "only enrolments have a course", "write template:")
	}
	if (m.Role != "" || m.Group != "") && (!course || m.Numbered) {
		k.fault(path, "role: and group: belong to an enrolment", "leave them out")
	}
	if m.Numbered && (m.Each || m.List != "" || len(m.Values) > 0 || m.Other != nil || len(m.Transform) > 0 || m.Period != 0 || len(m.When) > 0) {
		k.fault(path, "numbered columns say all by themselves", "leave everything but numbered: out")
	}
	for _, text := range []struct{ key, value string }{{"template", m.Template}, {"course", m.Course}, {"role", m.Role}, {"group", m.Group}} {
		t, err := parseTemplate(text.value)
		switch {
		case err != nil:
			k.fault(path+"."+text.key, err.Error(), "")
		case text.value != "" && columnForm(text.value) == "":
			k.fault(path+"."+text.key, "it is only white space, and names nothing", "write a name or {Column}, or leave it out")
		case t.uses(aFinal):
			k.fault(path+"."+text.key, "%u is the final username, which is known only after this", "use %f, %l or {Column}")
		}
	}
	if m.From != "" && strings.ContainsAny(m.From, "{}") {
		k.fault(path+".from", "it is the name of a column, not a template", "write template:, or put it into a list")
	}
	if (m.List != "" || len(m.Values) > 0) && m.From == "" {
		k.fault(path, "list: and values: are for the cells of a column", "write from:")
	}
	if m.Other != nil && len(m.Values) == 0 {
		k.fault(path+".other", "other: is for what values: lacks, and there is no values:", "write values:, or leave other: out")
	}
	if m.Each && m.From == "" {
		k.fault(path+".each", "each: is for a column that has several values", "write from:")
	}
	if m.List != "" && strings.Contains(m.List, roster.Between) {
		k.fault(path+".list", "a control character", "write the character that stands between the names")
	}
	for _, t := range m.Transform {
		if transforms()[t] == nil {
			k.fault(path+".transform", fmt.Sprintf("%q is no transform", t), "write some of "+transformNames())
		}
	}
	if m.Period < 0 || m.Period%(24*time.Hour) != 0 {
		k.fault(path+".period", "a period is whole days", "write it like 365d")
	}
	for column, words := range m.When {
		if columnForm(column) == "" || len(words) == 0 {
			k.fault(path+".when", "a condition is a column with the words that it may have", "write when: {Department: [ICU, ER]}")
		}
	}
}
