package mapping

import (
	"slices"
	"strings"
	"testing"

	"rollcall/internal/roster"
)

func TestEachValueOfAListIsAMembership(t *testing.T) {
	lists := func(m Memberships) Options {
		return Options{Key: roster.EmployeeID, Map: map[string]Column{"employee_id": {From: "id"}, "username": {From: "login"}}, Memberships: m}
	}
	list := "x" + roster.Between + " y " + roster.Between + roster.Between + "z"
	for _, tt := range []struct {
		name string
		m    Memberships
		cell string
		want string
	}{
		{"each", Memberships{Programs: []Member{{From: "study", Each: true}}}, list, "program:x program:y program:z"},
		{"through the table", Memberships{Roles: []Member{{From: "study", Each: true, Values: map[string]Words{"x": {"a", "b"}, "y": nil}, Other: Words{"c"}}}}, list, "role:a role:b role:c"},
		{"a list in a value too", Memberships{Programs: []Member{{From: "study", Each: true, List: ","}}}, "a,b" + roster.Between + "c", "program:a program:b program:c"},
		{"a template that speaks of it", Memberships{Programs: []Member{{From: "study", Each: true}}, Cohorts: []Member{{Template: "year-{year}"}, {Template: "prog-{study|upper}"}}}, list, "cohort:prog-X cohort:prog-Y cohort:prog-Z cohort:year-2026 program:x program:y program:z"},
		{"a condition that one of them fulfils", Memberships{Programs: []Member{{From: "study", Each: true}}, Cohorts: []Member{{Template: "ys", When: map[string]Words{"study": {"y"}}}, {Template: "ws", When: map[string]Words{"study": {"w"}}}}}, list, "cohort:ys program:x program:y program:z"},
		{"none", Memberships{Programs: []Member{{From: "study", Each: true}}, Cohorts: []Member{{Template: "prog-{study}"}}}, "", ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			m, _, err := Compile(lists(tt.m), []string{"id", "login", "study", "year"})
			if err != nil {
				t.Fatal(err)
			}
			e, err := m.Entry(roster.Record{Line: 2, Values: []string{"1", "ann", tt.cell, "2026"}})
			if err != nil || len(e.Problems) > 0 {
				t.Fatalf("%v %v", e.Problems, err)
			}
			var got []string
			for _, w := range e.Members.List {
				got = append(got, w.String())
			}
			if strings.Join(got, " ") != tt.want {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
	m, _, err := Compile(lists(Memberships{Programs: []Member{{From: "study", Each: true}}}), []string{"id", "login", "study", "year"})
	if err != nil {
		t.Fatal(err)
	}
	for _, cells := range [][]string{{"1", "ann", "x" + roster.Between + "y\x00", "2026"}, {"1", "ann", "x", "20" + roster.Between + "26"}} {
		e, err := m.Entry(roster.Record{Line: 2, Values: cells})
		if err != nil || len(e.Problems) != 1 || e.Problems[0].Code != "E104" {
			t.Errorf("%q: %v %v", cells, e.Problems, err)
		}
	}
}

func TestAListIsNoFieldsValue(t *testing.T) {
	each := Member{From: "study", Each: true}
	for _, tt := range []struct {
		name string
		o    Options
		want string
	}{
		{"a field", Options{Map: map[string]Column{"employee_id": {From: "id"}, "title": {From: "Study"}}, Memberships: Memberships{Programs: []Member{each}}}, "title"},
		{"a default", Options{Map: map[string]Column{"employee_id": {From: "id"}, "title": {From: "t", Default: "{study}"}}, Memberships: Memberships{Programs: []Member{each}}}, "title"},
		{"once a list, once not", Options{Memberships: Memberships{Programs: []Member{each}, Roles: []Member{{From: "study"}}}}, "roles"},
		{"two lists in a template", Options{Memberships: Memberships{Programs: []Member{each}, Roles: []Member{{From: "x", Each: true}}, Cohorts: []Member{{Template: "{x}{study}"}}}}, "cohorts"},
		{"a group", Options{Memberships: Memberships{Programs: []Member{each}, Enrolments: []Member{{From: "c", Group: "{study}"}}}}, "enrolments"},
		{"of no column", Options{Memberships: Memberships{Programs: []Member{{Template: "x", Each: true}}}}, "programs.each"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			tt.o.Key = roster.EmployeeID
			var paths []string
			for _, f := range tt.o.Validate() {
				paths = append(paths, f.Path)
			}
			if !slices.Contains(paths, tt.want) {
				t.Errorf("faults at %q, want %q", paths, tt.want)
			}
		})
	}
}
