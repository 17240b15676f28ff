package config

import (
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"rollcall/internal/mapping"
	"rollcall/internal/roster"
)

// withCatalog is a site whose catalog.yaml says text.
func withCatalog(t *testing.T, text string) string {
	t.Helper()
	path := site(t, "catalog: catalog.yaml", "hr.yaml", small)
	if err := os.WriteFile(filepath.Join(filepath.Dir(path), "catalog.yaml"), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestR90TheCatalogListsEachKindAsAListOrABlock(t *testing.T) {
	s := loaded(t, withCatalog(t, `
sites: [Canada/Ontario/Toronto, {name: Poland, sites: [Warsaw]}]
cohorts: {nurses: All nurses, "4711": , doctors: {id_number: "12"}}
courses: {FIRE-101: {default_role: learner, groups: [Night, "7"]}, HYG-200: Hygiene}
groups: [{course: HYG-200, name: Day}]
programs: [onboarding]
sessions: [{id: W48, name: Week 48}]
roles: [learner, {short_name: manager, id: "1"}]
themes: [dark]
fields: {badge: {unique: on, for: employee_id}, birth: date, shift: {type: menu, options: [early, late]}}
unknown: {cohort: create}
types: {2: manager}
`))
	c := s.Listed
	for _, want := range []struct {
		kind         roster.Kind
		course, name string
		called       string // "" where nothing answers to it
	}{
		{roster.SiteKind, "", "Canada/Ontario", "Canada/Ontario"},
		{roster.SiteKind, "", "Canada", "Canada"},
		{roster.SiteKind, "", "Poland/Warsaw", "Poland/Warsaw"},
		{roster.SiteKind, "", "Warsaw", ""},
		{roster.CohortKind, "", "nurses", "nurses"},
		{roster.CohortKind, "", "All nurses", ""},
		{roster.CohortKind, "", "4711", "4711"},
		{roster.CohortKind, "", "12", "doctors"},
		{roster.CourseKind, "", "HYG-200", "HYG-200"},
		{roster.CourseKind, "", "Hygiene", ""},
		{roster.GroupKind, "FIRE-101", "Night", "Night"},
		{roster.GroupKind, "FIRE-101", "7", "7"},
		{roster.GroupKind, "HYG-200", "Night", ""},
		{roster.GroupKind, "HYG-200", "Day", "Day"},
		{roster.RoleKind, "", "1", "manager"},
		{roster.RoleKind, "", "Manager", ""},
		{roster.SessionKind, "", "W48", "W48"},
		{roster.ThemeKind, "", "dark", "dark"},
		{roster.FieldKind, "", "birth", "birth"},
	} {
		got := ""
		if i, ok := c.Find(want.kind, want.course, want.name); ok {
			got = i.Called()
		}
		if got != want.called {
			t.Errorf("%s %s %q means %q, want %q", want.kind, want.course, want.name, got, want.called)
		}
	}
	var fields []string
	for _, f := range c.Fields() {
		fields = append(fields, f.Name+" "+f.Type+" "+f.For+strings.Join(f.Options, "|"))
	}
	if want := []string{"badge text employee_id", "birth date ", "shift menu early|late"}; !slices.Equal(fields, want) {
		t.Errorf("fields = %q, want %q", fields, want)
	}
	if !c.Create[roster.CohortKind] || c.Types["2"] != "manager" {
		t.Errorf("create %v, types %v", c.Create, c.Types)
	}
	if o := s.MappingOptions(s.Loaded[0]); o.Catalog != c {
		t.Error("the mapping does not know the catalog")
	}
}

// Everything that is wrong is told at once, with its place in catalog.yaml.
func TestAWrongCatalogIsToldWithLineAndColumn(t *testing.T) {
	_, errs := load(withCatalog(t, `cohorts: [nurses, {id: "77"}, nurses]
courses: [{short_name: A, default_role: nobody}]
groups: [{course: B, name: Night}, {name: Day}]
roles: [learner, {short_name: x, id: learner}]
fields: [{name: shift, type: menu}, {name: 1st}, {name: x, type: text, options: [a], for: email}]
sites: [/Canada, "Ontario "]
unknown: {course: create, cohort: yes}
types: {4: learner, 2: nobody}
programs: {a: {di: b}}
themes: {dark: blue}
`), now, nil)
	got := codes(errs)
	want := []string{
		"catalog.yaml:1:24 C110", "catalog.yaml:1:31 C110", "catalog.yaml:2:41 C110", "catalog.yaml:3:19 C110", "catalog.yaml:3:36 C110",
		"catalog.yaml:4:31 C110", "catalog.yaml:5:10 C110", "catalog.yaml:5:44 C110", "catalog.yaml:5:81 C110", "catalog.yaml:5:91 C110",
		"catalog.yaml:6:9 C110", "catalog.yaml:6:18 C110", "catalog.yaml:7:11 C110", "catalog.yaml:7:35 C110", "catalog.yaml:8:9 C110", "catalog.yaml:8:24 C110",
		"catalog.yaml:9:16 C101", "catalog.yaml:10:16 C102",
	}
	if !slices.Equal(got, want) {
		t.Errorf("got  %q\nwant %q\n%v", got, want, errs)
	}
}

func TestACatalogThatIsNotThereIsAnErrorOfItsKey(t *testing.T) {
	_, errs := load(site(t, "catalog: cat.yaml", "hr.yaml", small), now, nil)
	if got, want := codes(errs), []string{"rollcall.yaml:1:10 C100"}; !slices.Equal(got, want) {
		t.Errorf("errors = %v, want %v\n%v", got, want, errs)
	}
}

func TestR90MembershipsAreKeysOfTheMap(t *testing.T) {
	s := loaded(t, site(t, "", "hr.yaml", `
source: {type: dir, path: ../in/*.csv}
format: {content: full}
map:
  employee_id: PersonNo
  username: Login
  first_name: First
  last_name: Last
  email: Mail
  cohorts: ["dept-{Department|slug}"]
  roles: {from: JobFamily, list: "|", values: {MD: [clinician], RN: nurse}, other: []}
  enrolments: [{course: FIRE-101, role: learner, group: "{Shift}", period: 365d, when: {Department: [ICU]}}, {from: Courses, list: "|"}]
  programs: Program
  sessions: {numbered: on}
policy: {memberships: exact}
guardrails: {max_membership_removals: 10%}
`))
	p := s.Loaded[0]
	day := 24 * time.Hour
	want := mapping.Memberships{
		Cohorts:    []mapping.Member{{Template: "dept-{Department|slug}"}},
		Roles:      []mapping.Member{{From: "JobFamily", List: "|", Values: map[string]mapping.Words{"MD": {"clinician"}, "RN": {"nurse"}}, Other: mapping.Words{}}},
		Enrolments: []mapping.Member{{Course: "FIRE-101", Role: "learner", Group: "{Shift}", Period: 365 * day, When: map[string]mapping.Words{"Department": {"ICU"}}}, {From: "Courses", List: "|"}},
		Programs:   []mapping.Member{{From: "Program"}},
		Sessions:   []mapping.Member{{Numbered: true}},
	}
	if !reflect.DeepEqual(p.Memberships, want) || len(p.Map) != 5 {
		t.Errorf("got  %+v\nwant %+v", p.Memberships, want)
	}
	if o := s.MappingOptions(p); !reflect.DeepEqual(o.Memberships, want) {
		t.Error("the mapping does not know them")
	}
	if s.PlanOptions(p).Policy.Memberships != "exact" || p.Guardrails.MaxMembershipRemovals.Percent != 10 {
		t.Errorf("policy %q, limit %+v", p.Policy.Memberships, p.Guardrails.MaxMembershipRemovals)
	}
}

func TestAWrongMembershipIsToldWithItsPlace(t *testing.T) {
	_, errs := load(site(t, "", "hr.yaml", `source: {type: dir, path: ../in/*.csv}
format: {content: full}
map:
  employee_id: PersonNo
  cohorts: [{from: a, tempalte: b}]
  roles: {from: a, other: []}
  enrolments: [{course: X, period: 3h}, {role: learner}]
  programs: 
  email: {from: Mail, list: "|"}
policy: {memberships: exactly}
required: []
`), now, nil)
	got := codes(errs)
	want := []string{
		"hr.yaml:5:23 C101", "hr.yaml:6:27 C110", "hr.yaml:7:36 C110", "hr.yaml:7:41 C110", "hr.yaml:8:3 C102", "hr.yaml:9:23 C101", "hr.yaml:10:23 C110",
	}
	if !slices.Equal(got, want) {
		t.Errorf("got  %q\nwant %q\n%v", got, want, errs)
	}
}
