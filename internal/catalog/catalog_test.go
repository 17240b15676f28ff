package catalog

import (
	"bytes"
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"rollcall/internal/roster"
)

func read(t *testing.T, text string) []roster.Item {
	t.Helper()
	items, err := Read(strings.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	return items
}

func TestAColumnSaysWhatARowLists(t *testing.T) {
	for _, tt := range []struct {
		name, text string
		want       []roster.Item
	}{
		{"kind by kind", "kind,id,name\ncohort,nurses,All nurses\nprogram,onboarding,\n", []roster.Item{
			{Kind: roster.CohortKind, ID: "nurses", Name: "All nurses"},
			{Kind: roster.ProgramKind, ID: "onboarding"},
		}},
		{"a list of cohorts, with a semicolon and a byte-order mark", "\ufeffcohort;name\nnurses;All nurses\n4711;Doctors\n", []roster.Item{
			{Kind: roster.CohortKind, ID: "nurses", Name: "All nurses"},
			{Kind: roster.CohortKind, IDNumber: "4711", Name: "Doctors"},
		}},
		{"courses as Moodle lists them, with groups", "shortname,fullname,default_role,groups\nFIRE-101,Fire safety,learner,Day|7\n", []roster.Item{
			{Kind: roster.CourseKind, ShortName: "FIRE-101", Name: "Fire safety", DefaultRole: "learner"},
			{Kind: roster.GroupKind, Course: "FIRE-101", Name: "Day"},
			{Kind: roster.GroupKind, Course: "FIRE-101", ID: "7"},
		}},
		{"cohorts as Moodle lists them", "name,idnumber\nNurses,n1\n", []roster.Item{{Kind: roster.CohortKind, IDNumber: "n1", Name: "Nurses"}}},
		{"several kinds in one file", "cohort,role,theme\na,manager,\n,,dark\n", []roster.Item{
			{Kind: roster.CohortKind, ID: "a"},
			{Kind: roster.RoleKind, ShortName: "manager"},
			{Kind: roster.ThemeKind, Name: "dark"},
		}},
		{"a site brings those above it", "site\nCanada/Ontario\n", []roster.Item{{Kind: roster.SiteKind, Name: "Canada/Ontario"}, {Kind: roster.SiteKind, Name: "Canada"}}},
		{"a field", "field,type,options,required,for\nshift,menu,early|late,1,\nbadge,text,,,employee_id\n", []roster.Item{
			{Kind: roster.FieldKind, Name: "shift", Type: "menu", Options: []string{"early", "late"}, Required: true},
			{Kind: roster.FieldKind, Name: "badge", Type: "text", For: "employee_id"},
		}},
		{"groups of a course", "course,group\nFIRE-101,Night\n", []roster.Item{{Kind: roster.GroupKind, Course: "FIRE-101", Name: "Night"}}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if diff := cmp.Diff(tt.want, read(t, tt.text)); diff != "" {
				t.Errorf("-want +got\n%s", diff)
			}
		})
	}
}

func TestWhatIsExportedIsImportedAsItWas(t *testing.T) {
	items := read(t, "kind,id,id_number,short_name,name,course,default_role,type,options,required,unique,for\n"+
		"site,,,,Canada,,,,,,,\ncohort,a,17,,\"Nurses, all\",,,,,,,\ncourse,,,FIRE-101,,,learner,,,,,\ngroup,,,,Night,FIRE-101,,,,,,\n"+
		"program,p,,,,,,,,,,\nsession,s,,,,,,,,,,\nrole,5,,learner,,,,,,,,\ntheme,,,,dark,,,,,,,\nfield,,,,shift,,,menu,a|b,1,1,\n")
	var b bytes.Buffer
	if err := Write(&b, items); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(items, read(t, b.String())); diff != "" {
		t.Errorf("-want +got\n%s", diff)
	}
}

func TestAFileWithFaultsIsToldWholeAndNothingOfItUsed(t *testing.T) {
	for _, tt := range []struct {
		name, text string
		want       []string
	}{
		{"rows", "kind,id,name,required\ncohort,77,x,\nchohort,a,,\nfield,,shift,maybe\ncohort,a\nprogram,p,,\nprogram,p,,\n", []string{
			`line 2, column "id": a mere number; write it as id_number: a row names a cohort by id number, or by an id that is no mere number`,
			`line 3, column "kind": "chohort" is no kind; write site, cohort, course, group, program, session, role, theme, field`,
			`line 4, column "required": not a 0 or a 1; write 1 for yes, and 0 or nothing for no`,
			`line 4, column "type": "" is no type of a field; write text, date, menu or checkbox`,
			`line 5: 2 fields, and the header has 4; count the delimiters; a value that contains one needs quotes`,
		}},
		{"twice", "program\np\nq\np\n", []string{`line 4: the program "p" stands twice; the other is in line 2; keep one of them`}},
		{"a list of people", "username,email\nada,ada@example.org\n", []string{
			`line 1, column "username": no column of a catalog; leave it out, or call it one of kind, id, id_number, short_name, name, course, default_role, type, options, required, unique, for, groups, site, cohort, group, program, session, role, theme, field`,
			`line 1, column "email": no column of a catalog; leave it out, or call it one of kind, id, id_number, short_name, name, course, default_role, type, options, required, unique, for, groups, site, cohort, group, program, session, role, theme, field`,
		}},
		{"nothing", "kind,id\n", []string{"the file lists nothing; write a row for each item"}},
		{"names alone", "name\nNurses\n", []string{`line 2: it cannot be told what the row lists; add a column kind (site, cohort, course, group, program, session, role, theme, field), or name the column of ids so`}},
		{"another encoding", "cohort\nk\xe9\n", []string{"the file is not UTF-8; save it as UTF-8"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			items, err := Read(strings.NewReader(tt.text))
			if err == nil || items != nil {
				t.Fatalf("items %v, error %v", items, err)
			}
			want := strings.Join(tt.want, "\n")
			if diff := cmp.Diff(want, err.Error()); diff != "" {
				t.Errorf("-want +got\n%s", diff)
			}
		})
	}
}

func TestR90FileAndImportAreOneCatalogAndNeverTwoTruths(t *testing.T) {
	course := roster.Item{Kind: roster.CourseKind, ShortName: "FIRE-101", DefaultRole: "learner"}
	file := roster.NewCatalog([]roster.Item{course, {Kind: roster.CohortKind, ID: "a"}}, map[roster.Kind]bool{roster.CohortKind: true}, nil)
	group := roster.Item{Kind: roster.GroupKind, Course: "FIRE-101", Name: "Night"}

	whole, err := Unite(file, []roster.Item{course, group, {Kind: roster.CohortKind, ID: "b"}})
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, i := range whole.Items {
		got = append(got, string(i.Kind)+" "+i.Called())
	}
	if want := []string{"cohort a", "cohort b", "course FIRE-101", "group Night"}; !slices.Equal(got, want) {
		t.Errorf("items = %q, want %q", got, want)
	}
	if !whole.Create[roster.CohortKind] {
		t.Error("unknown: {cohort: create} is forgotten")
	}
	if whole.Digest() == file.Digest() {
		t.Error("S4: an import does not change the digest")
	}

	other := course
	other.DefaultRole = "teacher"
	_, err = Unite(file, []roster.Item{other})
	var refused *roster.Refusal
	if !errors.As(err, &refused) || refused.Code != "C213" || !strings.Contains(err.Error(), `the course "FIRE-101" stands twice`) {
		t.Errorf("error = %v, want C213 that names the course", err)
	}
	if _, err := Unite(file, []roster.Item{{Kind: roster.GroupKind, Course: "HYG-200", Name: "Day"}}); !errors.As(err, &refused) {
		t.Errorf("a group of no course: %v", err)
	}
}

func TestR26WhatAProfileDeclaresIsThereUntilACatalogSaysOtherwise(t *testing.T) {
	field := func(name, kind string) roster.Item {
		return roster.Item{Kind: roster.FieldKind, Name: name, Type: kind}
	}
	file := roster.NewCatalog([]roster.Item{{Kind: roster.CohortKind, ID: "nurses"}, field("skype", roster.TextField)}, map[roster.Kind]bool{roster.CohortKind: true}, nil)
	declared := Declare(file, []roster.Item{field("skype", roster.CheckboxField), field("icq", roster.TextField)})
	kind := func(c *roster.Catalog, name string) string {
		i, ok := c.Find(roster.FieldKind, "", name)
		if !ok {
			return ""
		}
		return i.Type
	}
	if kind(declared, "skype") != roster.TextField || kind(declared, "icq") != roster.TextField || !declared.Create[roster.CohortKind] || len(declared.Items) != 3 || len(file.Items) != 2 {
		t.Errorf("declared %+v, file %+v", declared.Items, file.Items)
	}
	whole, err := Unite(declared, []roster.Item{field("icq", roster.CheckboxField)})
	if err != nil || kind(whole, "icq") != roster.CheckboxField || kind(whole, "skype") != roster.TextField {
		t.Errorf("an import goes before what is declared: %v, %+v", err, whole)
	}
	if _, err := Unite(declared, []roster.Item{field("skype", roster.CheckboxField)}); err == nil {
		t.Error("two catalogs that contradict each other were united")
	}
	if c := Declare(nil, []roster.Item{field("icq", roster.TextField)}); kind(c, "icq") != roster.TextField || c.Lists(roster.CohortKind) {
		t.Errorf("%+v", c)
	}
	if Declare(nil, nil) != nil {
		t.Error("nothing declared is a catalog")
	}
}
