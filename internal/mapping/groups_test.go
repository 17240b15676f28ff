package mapping

import (
	"slices"
	"strings"
	"testing"

	"rollcall/internal/roster"
)

func inGroups(t *testing.T, g Groups, c *roster.Catalog, names ...string) (said *roster.Members, problems []roster.Problem) {
	t.Helper()
	m, _, err := Compile(Options{Map: map[string]Column{"employee_id": {From: "no"}}, Key: roster.EmployeeID, Groups: g, Catalog: c}, []string{"no", roster.GroupAttribute})
	if err != nil {
		t.Fatal(err)
	}
	e, err := m.Entry(roster.Record{Line: 7, Values: []string{"1", strings.Join(names, roster.Between)}})
	if err != nil {
		t.Fatal(err)
	}
	return e.Members, e.Problems
}

func wanted(m *roster.Members) string {
	var all []string
	for _, w := range m.List {
		all = append(all, w.String())
	}
	return strings.Join(all, " ")
}

func TestGroupsOfADirectoryGrantCohortsAndRolesR90(t *testing.T) {
	g := Groups{
		Cohorts: map[string]Words{"LMS-*": {"{cn|after:LMS-|slug}"}, "*-Ward-*": {"wards", "ward-{cn:3}"}},
		Roles:   map[string]Words{"lms-course-creators": {"course_creator"}},
	}
	for _, tt := range []struct{ groups, want string }{
		{"", ""},
		{"Domain Users", ""},
		{"LMS-Intensive Care", "cohort:intensive-care"},
		{"LMS-Course-Creators", "cohort:course-creators role:course_creator"},
		// Of LMS- nothing is left.
		{"North-Ward-7|NORTH-WARD-8|LMS-", "cohort:ward-NOR cohort:ward-Nor cohort:wards"},
		// A pattern means a name from its beginning to its end.
		{"LMS|xLMS-A|Ward-7", ""},
	} {
		said, problems := inGroups(t, g, nil, strings.Split(tt.groups, "|")...)
		if got := wanted(said); got != tt.want || len(problems) > 0 {
			t.Errorf("in %q: %q, %v, want %q", tt.groups, got, problems, tt.want)
		}
		if !slices.Equal(said.Kinds, []roster.Kind{roster.CohortKind, roster.RoleKind}) {
			t.Errorf("the drop speaks of %v, want cohorts and roles: who is in no group is in none of them (R94)", said.Kinds)
		}
	}
	// What the catalog lacks is a warning, and nothing of that kind is taken away.
	c := roster.NewCatalog([]roster.Item{{Kind: roster.CohortKind, ID: "icu"}}, nil, nil)
	said, problems := inGroups(t, g, c, "LMS-ICU", "LMS-ER")
	if got := wanted(said); got != "cohort:icu" || !slices.Equal(said.Unsure, []roster.Kind{roster.CohortKind}) || len(problems) != 1 || problems[0].Code != "E201" || problems[0].Column != roster.GroupAttribute {
		t.Errorf("%q, unsure of %v, %v", got, said.Unsure, problems)
	}
}

func TestADropWithoutGroupsSaysNothingOfThem(t *testing.T) {
	m, _, err := Compile(Options{Map: map[string]Column{"employee_id": {From: "no"}}, Key: roster.EmployeeID, Groups: Groups{Roles: map[string]Words{"A": {"a"}}}}, []string{"no"})
	if err != nil {
		t.Fatal(err)
	}
	e, err := m.Entry(roster.Record{Line: 2, Values: []string{"1"}})
	if err != nil || e.Members != nil {
		t.Errorf("a file by hand speaks of %+v, %v: under exact that would take everything away", e.Members, err)
	}
}

func TestValidateFindsEveryFaultOfGroups(t *testing.T) {
	g := Groups{Cohorts: map[string]Words{" ": {"a"}, "LMS-*": {"{Department}", "{cn|nope}"}}, Roles: map[string]Words{"A": {"%l"}, "B": {"fine"}, "C": {"{CN}"}}}
	var got []string
	for _, f := range g.Validate() {
		got = append(got, f.Path+": "+f.Text)
	}
	want := []string{"cohorts: the name of a group is missing", `cohorts: "LMS-*": a template of a group knows {cn} alone`, `cohorts: "LMS-*": at byte 1: "nope" is no pipe`, `roles: "A": a template of a group knows {cn} alone`}
	if len(got) != len(want) {
		t.Fatalf("faults: %q", got)
	}
	for i := range want {
		if !strings.HasPrefix(got[i], want[i]) {
			t.Errorf("fault %d: %q, want %q", i, got[i], want[i])
		}
	}
}

func TestR47TheAnchorOfADirectoryIsReadUnasked(t *testing.T) {
	entry := func(columns map[string]Column, header []string, cells ...string) roster.Entry {
		t.Helper()
		m, _, err := Compile(Options{Map: columns, Key: roster.EmployeeID}, header)
		if err != nil {
			t.Fatal(err)
		}
		e, err := m.Entry(roster.Record{Line: 2, Values: cells})
		if err != nil {
			t.Fatal(err)
		}
		return e
	}
	key := map[string]Column{"employee_id": {From: "no"}, "status": {From: "state"}}
	with := map[string]Column{"employee_id": {From: "no"}, "status": {From: "state"}, "anchor": {From: "guid", Transform: []string{"lower"}}}
	for _, tt := range []struct {
		name    string
		columns map[string]Column
		header  []string
		cells   []string
		want    string
		bad     bool // the key
		codes   string
	}{
		{"of a directory", key, []string{"no", "state", "@anchor"}, []string{"1", "", " abc "}, "abc", false, ""},
		{"of a file, as the profile says", with, []string{"no", "state", "guid", "@anchor"}, []string{"1", "", "ABC", "x"}, "abc", false, ""},
		{"a column called anchor is none by itself", nil, []string{"employee_id", "anchor"}, []string{"1", "abc"}, "", false, ""},
		{"the key itself is no anchor beside it", map[string]Column{"employee_id": {From: "@anchor"}}, []string{"@anchor"}, []string{"abc"}, "", false, ""},
		{"too long", key, []string{"no", "state", "@anchor"}, []string{"1", "", strings.Repeat("x", 256)}, "", false, "E118 warning"},
		{"without a key somebody is ended by it", key, []string{"no", "state", "@anchor"}, []string{"", "leaver", "abc"}, "abc", false, ""},
		{"and nobody is listed by it", key, []string{"no", "state", "@anchor"}, []string{"", "", "abc"}, "abc", true, "E120 error"},
	} {
		e := entry(tt.columns, tt.header, tt.cells...)
		codes := ""
		for _, p := range e.Problems {
			codes += p.Code + " " + string(p.Severity)
		}
		if e.Anchor != tt.want || e.KeyBad != tt.bad || codes != tt.codes {
			t.Errorf("%s: anchor %q, key bad %v, %q; want %q, %v, %q", tt.name, e.Anchor, e.KeyBad, codes, tt.want, tt.bad, tt.codes)
		}
	}
}
