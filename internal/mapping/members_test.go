package mapping

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"rollcall/internal/roster"
)

// ward is a catalog with something of each kind.
func ward() *roster.Catalog {
	return roster.NewCatalog([]roster.Item{
		{Kind: roster.CohortKind, ID: "icu", IDNumber: "17", Name: "Intensive care"},
		{Kind: roster.CohortKind, ID: "er"},
		{Kind: roster.CourseKind, ShortName: "FIRE-101", Name: "Fire safety", DefaultRole: "learner"},
		{Kind: roster.CourseKind, ShortName: "HYG-200"},
		{Kind: roster.GroupKind, Course: "FIRE-101", Name: "Night", ID: "g2"},
		{Kind: roster.GroupKind, Course: "FIRE-101", Name: "7", ID: "g7"},
		{Kind: roster.ProgramKind, ID: "onboarding"},
		{Kind: roster.SessionKind, ID: "W48"},
		{Kind: roster.RoleKind, ShortName: "learner", ID: "5"},
		{Kind: roster.RoleKind, ShortName: "teacher"},
		{Kind: roster.RoleKind, ShortName: "non-editing-teacher"},
		{Kind: roster.RoleKind, ShortName: "manager"},
	}, nil, nil)
}

// saying is what a record says of memberships, in words, and its problems.
func saying(t *testing.T, o Options, header, row string) (got []string) {
	t.Helper()
	m, _, err := Compile(o, strings.Split(header, ","))
	if err != nil {
		t.Fatal(err)
	}
	e, err := m.Entry(roster.Record{Line: 2, Values: strings.Split(row, ",")})
	if err != nil {
		t.Fatal(err)
	}
	if e.Members == nil {
		return []string{"nothing"}
	}
	for _, w := range e.Members.List {
		s := w.String()
		switch {
		case w.Take:
			s = "-" + s
		case w.Only:
			s = "=" + s
		}
		if said := w.Said(); said != "" {
			s += " for " + strings.TrimSpace(said)
		}
		if w.Status != "" {
			s += " status " + w.Status
		}
		got = append(got, s)
	}
	for _, k := range e.Members.Unsure {
		got = append(got, "unsure "+string(k))
	}
	for _, p := range e.Problems {
		got = append(got, fmt.Sprintf("%s %s %s %s", p.Code, p.Severity, p.Field, p.Column))
	}
	return got
}

func TestR91NumberedColumnsSayMemberships(t *testing.T) {
	for _, tt := range []struct {
		name, header, row string
		want              []string
	}{
		{"every column of a course", "course1,type1,role1,group1,enrolperiod1,enroltimestart1,enrolstatus1", "FIRE-101,2,learner,Night,30,2026-10-01,1", []string{
			"course:FIRE-101:learner:Night for 30 2026-10-01 status 1",
		}},
		{"in any order, and each number by itself", "role2,cohort1,course2,course1,sysrole1,program1,session1,cohort2", "teacher,icu,HYG-200,FIRE-101,manager,onboarding,W48,er", []string{
			"cohort:er", "cohort:icu", "course:FIRE-101:learner", "course:HYG-200:teacher", "program:onboarding", "session:W48", "role:manager",
		}},
		{"type 1 is the course's default role", "course1,type1", "FIRE-101,1", []string{"course:FIRE-101:learner"}},
		{"a course without one", "course1,type1", "HYG-200,1", []string{"course:HYG-200"}},
		{"type 2 is a teacher", "course1,type1", "FIRE-101,2", []string{"course:FIRE-101:teacher"}},
		{"type 3 is a non-editing teacher", "course1,type1", "FIRE-101,3", []string{"course:FIRE-101:non-editing-teacher"}},
		{"a role wins over the type", "course1,type1,role1", "FIRE-101,2,learner", []string{"course:FIRE-101:learner"}},
		{"R90: a role by its id, a group by its id", "course1,role1,group1", "FIRE-101,5,g2", []string{"course:FIRE-101:learner:Night"}},
		{"R90: a cohort by its id number is the cohort of its id", "cohort1", "17", []string{"cohort:icu"}},
		{"R90: never by its name", "cohort1", "Intensive care", []string{"unsure cohort", "E201 warning cohorts cohort1"}},
		{"R90: a course not by its name", "course1", "Fire safety", []string{"unsure course", "E203 warning enrolments course1"}},
		{"R90: a group never by a mere number of a name", "course1,group1", "FIRE-101,7", []string{"=course:FIRE-101", "course:FIRE-101:learner", "E204 warning enrolments group1"}},
		{"R90: a group of another course", "course1,group1", "HYG-200,Night", []string{"=course:HYG-200", "course:HYG-200", "E204 warning enrolments group1"}},
		{"R90: an unknown role grants nothing, and what is there stays", "course1,role1", "FIRE-101,boss", []string{"=course:FIRE-101", "E205 warning enrolments role1"}},
		{"R93: capitals matter", "sysrole1", "Manager", []string{"unsure role", "E205 warning roles sysrole1"}},
		{"R93: -manager takes it away", "sysrole1", "-manager", []string{"-role:manager"}},
		{"R93: -boss is no role", "sysrole1", "-boss", []string{"unsure role", "E205 warning roles sysrole1"}},
		{"R90: programs and sessions by id", "program1,session1", "x,y", []string{"unsure program", "unsure session", "E206 warning programs program1", "E208 warning sessions session1"}},
		{"R91: categories are not in the catalog, their roles are", "category1,categoryrole1,category2,categoryrole2", "Nursing,manager,Nursing,boss", []string{
			"category:Nursing:manager", "=category:Nursing", "E205 warning categories categoryrole2",
		}},
		{"empty cells list nothing", "course1,cohort1,role1", ",,", nil},
		{"a type that is none", "course1,type1", "FIRE-101,4", []string{"=course:FIRE-101", "E122 warning enrolments type1"}},
		{"R92: a period that is none", "course1,enrolperiod1", "FIRE-101,a year", []string{"=course:FIRE-101", "E122 warning enrolments enrolperiod1"}},
		{"a start that is none", "course1,enroltimestart1", "FIRE-101,soon", []string{"=course:FIRE-101", "E112 warning enrolments enroltimestart1"}},
		{"a status that is none", "course1,enrolstatus1", "FIRE-101,off", []string{"=course:FIRE-101", "E115 warning enrolments enrolstatus1"}},
		{"the same twice is one", "cohort1,cohort2", "icu,17", []string{"cohort:icu"}},
		{"a drop without such columns says nothing", "city", "York", []string{"nothing"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			o := Options{Catalog: ward()}
			got := saying(t, o, "employee_id,"+tt.header, "1,"+tt.row)
			slices.Sort(got)
			slices.Sort(tt.want)
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("-want +got\n%s", diff)
			}
		})
	}
}

// No key of map: is about one numbered column, so what to do is said without one.
func TestR91TheRemedyForANumberedColumnNamesNoKeyThatCannotBeWritten(t *testing.T) {
	for column, cell := range map[string]string{"type1": "4", "enrolperiod1": "a year", "enroltimestart1": "31.12.2026", "enrolstatus1": "off"} {
		m, _, err := Compile(Options{Catalog: ward()}, []string{"employee_id", "course1", column})
		if err != nil {
			t.Fatal(err)
		}
		e, err := m.Entry(roster.Record{Line: 2, Values: []string{"1", "FIRE-101", cell}})
		if err != nil {
			t.Fatal(err)
		}
		if len(e.Problems) != 1 || e.Problems[0].Column != column {
			t.Fatalf("%s: problems = %v, want one", column, e.Problems)
		}
		if fix := e.Problems[0].Remedy(); fix == "" || strings.Contains(fix, "map.") {
			t.Errorf("%s: the remedy is %q", column, fix)
		}
	}
}

func TestR91AGapOrAnOrphanIsAProblemOfTheHeader(t *testing.T) {
	for header, want := range map[string]string{
		"course1,course3":        `column "course3": numbered columns are counted without gaps, and there is no course2`,
		"cohort2":                `column "cohort2": numbered columns are counted without gaps, and there is no cohort1`,
		"course1,role3":          `column "role3": it belongs to a column course3, which is missing`,
		"enrolperiod1":           `column "enrolperiod1": it belongs to a column course1, which is missing`,
		"category1":              `column "category1": a column categoryrole1 belongs to it, which is missing`,
		"categoryrole1":          `column "categoryrole1": it belongs to a column category1, which is missing`,
		"course0,course1":        `column "course0": numbered columns are counted from 1 to 1000`,
		"course1,Role1, GROUP2 ": `column "GROUP2": it belongs to a column course2, which is missing`,
	} {
		_, _, err := Compile(Options{}, append([]string{"employee_id"}, strings.Split(header, ",")...))
		var refused *roster.Refusal
		if !errors.As(err, &refused) || refused.Code != "E411" || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v\nwant %s", header, err, want)
		}
	}
	// A profile with a map of its own uses the numbered columns that it says, and is told of others.
	o := Options{Map: map[string]Column{"employee_id": {From: "No"}}, Memberships: Memberships{Cohorts: []Member{{Numbered: true}}}}
	m, notes, err := Compile(o, []string{"No", "cohort1", "course2"})
	if err != nil || len(m.members.columns) != 1 {
		t.Fatalf("%v, %d numbers", err, len(m.members.columns))
	}
	if len(notes) != 1 || notes[0].Column != "course2" || notes[0].Fix != "write  enrolments: {numbered: on}  under map: to use it" {
		t.Errorf("notes = %+v", notes)
	}
}

func TestR90MembershipsByTemplateListAndCondition(t *testing.T) {
	o := Options{
		Map: map[string]Column{"employee_id": {From: "No"}},
		Memberships: Memberships{
			Cohorts: []Member{{Template: "dept-{Department|slug}"}, {From: "Teams", List: ";", Transform: []string{"lower"}}},
			Roles:   []Member{{From: "JobFamily", List: "|", Values: map[string]Words{"MD": {"clinician", "prescriber"}, "ADM": {}}, Other: Words{}}},
			Enrolments: []Member{
				{Course: "FIRE-101", Role: "learner", Group: "{Shift}", Period: 365 * 24 * time.Hour, When: map[string]Words{"Department": {"ICU", "ER"}}},
			},
			Programs: []Member{{From: "Program", Values: map[string]Words{"A": {"alpha"}}}},
			Sessions: []Member{{From: "Session", Values: map[string]Words{"A": {"alpha"}}, Other: Words{"keep"}}},
		},
	}
	const header = "No,Department,Teams,JobFamily,Shift,Program,Session"
	for _, tt := range []struct {
		row  string
		want []string
	}{
		{"1,ICU,Red; blue ;,MD|XX,Night,A,A", []string{
			"cohort:blue", "cohort:dept-icu", "cohort:red", "course:FIRE-101:learner:Night for 365", "program:alpha", "role:clinician", "role:prescriber", "session:alpha",
		}},
		{"2,Ward 3,,ADM,,B,B", []string{"cohort:dept-ward-3", "unsure program", "unsure session", "E122 warning programs Program"}},
		{"3,,,,,,", nil},
	} {
		got := saying(t, o, header, tt.row)
		slices.Sort(got)
		slices.Sort(tt.want)
		if diff := cmp.Diff(tt.want, got); diff != "" {
			t.Errorf("%s: -want +got\n%s", tt.row, diff)
		}
	}
	_, _, err := Compile(o, []string{"No", "Department", "Teams", "JobFamily", "Program", "Session"})
	if err == nil || !strings.Contains(err.Error(), `column "Shift": missing, and map.enrolments expects it`) {
		t.Errorf("R10: %v", err)
	}
	if o.Digest() == (Options{Map: o.Map}).Digest() {
		t.Error("S4: memberships are not in the digest")
	}
	want := []string{"Department", "JobFamily", "No", "Program", "Session", "Shift", "Teams"}
	if got := o.Columns(); !slices.Equal(got, want) {
		t.Errorf("columns = %q, want %q", got, want)
	}
}

func TestR90WhatRowsMayCreateIsNotAskedOfTheCatalog(t *testing.T) {
	c := ward()
	o := Options{Catalog: roster.NewCatalog(c.Items, map[roster.Kind]bool{roster.CohortKind: true, roster.GroupKind: true}, map[string]string{"1": "learner", "2": "manager"})}
	for row, want := range map[string][]string{
		"1,new-ward,,": {"cohort:new-ward"},
		"1,4711,,":     {"unsure cohort", "E201 warning cohorts cohort1"},
		"1,,HYG-200,":  {"course:HYG-200:learner"},
		"1,,HYG-200,2": {"course:HYG-200:manager"},
	} {
		got := saying(t, o, "employee_id,cohort1,course1,type1", row)
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s: -want +got\n%s", row, diff)
		}
	}
	for row, want := range map[string][]string{
		"1,FIRE-101,Night":    {"course:FIRE-101:learner:Night"},
		"1,FIRE-101,Weekend":  {"course:FIRE-101:learner:Weekend"},
		"1,FIRE-101,4711":     {"=course:FIRE-101", "course:FIRE-101:learner", "E204 warning enrolments group1"},
		"1,no-course,Weekend": {"unsure course", "E203 warning enrolments course1"},
	} {
		got := saying(t, o, "employee_id,course1,group1", row)
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s: -want +got\n%s", row, diff)
		}
	}
	if got := saying(t, Options{}, "employee_id,cohort1,course1,type1", "1,x,y,2"); !slices.Equal(got, []string{"cohort:x", "course:y:teacher"}) {
		t.Errorf("R90: a kind that the catalog does not list was checked: %v", got)
	}
	moodle := roster.NewCatalog([]roster.Item{{Kind: roster.RoleKind, ShortName: "editingteacher"}, {Kind: roster.RoleKind, ShortName: "teacher"}}, nil, nil)
	if got := saying(t, Options{Catalog: moodle}, "employee_id,course1,type1,course2,type2", "1,x,2,y,3"); !slices.Equal(got, []string{"course:x:editingteacher", "course:y:teacher"}) {
		t.Errorf("R91: with Moodle's names: %v", got)
	}
}

func TestAnExportIsReadBackWithItsMemberships(t *testing.T) {
	got := saying(t, Options{Catalog: ward()}, "employee_id,roles,cohorts,enrolments,programs,sessions", "1,manager,icu|er,FIRE-101:teacher:Night|HYG-200,onboarding,")
	want := []string{"cohort:er", "cohort:icu", "course:FIRE-101:teacher:Night", "course:HYG-200", "program:onboarding", "role:manager"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("-want +got\n%s", diff)
	}
}

func TestValidateReportsEveryFaultOfMemberships(t *testing.T) {
	o := Options{Map: map[string]Column{"employee_id": {From: "No"}}}
	for _, tt := range []struct {
		m    Memberships
		want string
	}{
		{Memberships{Cohorts: []Member{{}}}, "cohorts"},
		{Memberships{Cohorts: []Member{{From: "a"}, {From: "a", Template: "b"}}}, "cohorts[1]"},
		{Memberships{Enrolments: []Member{{Role: "x"}}}, "enrolments"},
		{Memberships{Cohorts: []Member{{Course: "x"}}}, "cohorts.course"},
		{Memberships{Programs: []Member{{From: "a", Role: "x"}}}, "programs"},
		{Memberships{Categories: []Member{{From: "a"}}}, "categories"},
		{Memberships{Cohorts: []Member{{Template: "{a|shout}"}}}, "cohorts.template"},
		{Memberships{Cohorts: []Member{{Template: "%u"}}}, "cohorts.template"},
		{Memberships{Cohorts: []Member{{From: "{a}"}}}, "cohorts.from"},
		{Memberships{Cohorts: []Member{{Template: "x", List: "|"}}}, "cohorts"},
		{Memberships{Cohorts: []Member{{From: "a", Other: Words{"x"}}}}, "cohorts.other"},
		{Memberships{Cohorts: []Member{{From: "a", Transform: []string{"shout"}}}}, "cohorts.transform"},
		{Memberships{Cohorts: []Member{{From: "a", Period: time.Hour}}}, "cohorts.period"},
		{Memberships{Cohorts: []Member{{From: "a", When: map[string]Words{"b": nil}}}}, "cohorts.when"},
		{Memberships{Cohorts: []Member{{Numbered: true, List: "|"}}}, "cohorts cohorts"},
	} {
		o.Memberships = tt.m
		var paths []string
		for _, f := range o.Validate() {
			paths = append(paths, f.Path)
		}
		if got := strings.Join(paths, " "); got != tt.want {
			t.Errorf("%+v: paths = %q, want %q", tt.m, got, tt.want)
		}
	}
}
