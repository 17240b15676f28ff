package mapping

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"rollcall/internal/roster"
)

func fieldCatalog() *roster.Catalog {
	return roster.NewCatalog([]roster.Item{
		{Kind: roster.FieldKind, Name: "badge", Type: roster.TextField, For: "employee_id"},
		{Kind: roster.FieldKind, Name: "pass", Type: roster.TextField, Unique: true},
		{Kind: roster.FieldKind, Name: "birth_date", Type: roster.DateField},
		{Kind: roster.FieldKind, Name: "first_aider", Type: roster.CheckboxField},
		{Kind: roster.FieldKind, Name: "Note", Type: roster.TextField},
		{Kind: roster.FieldKind, Name: "shift", Type: roster.MenuField, Options: []string{"early", "late"}},
	}, nil, nil)
}

// customSaid are the custom fields of which an entry speaks; ? marks a default.
func customSaid(e roster.Entry) string {
	var all []string
	for _, c := range e.Custom {
		mark := "="
		if c.Default {
			mark = "?="
		}
		all = append(all, c.Name+mark+c.Value)
	}
	return strings.Join(all, " ")
}

func TestR27CustomFieldsByType(t *testing.T) {
	tests := []struct {
		column       string
		c            Column
		cell, want   string
		wantProblems string
	}{
		{"shift", Column{}, "late", "shift=late", ""},
		{"shift", Column{}, "Late", "", "E122 warning fields.shift X"},
		{"shift", Column{Values: map[string]string{"L": "late"}}, "L", "shift=late", ""},
		{"shift", Column{OnInvalid: "blank"}, "noon", "shift=", "E122 warning fields.shift X"},
		{"shift", Column{OnInvalid: "reject"}, "noon", "", "E122 error fields.shift X"},
		{"shift", Column{Blank: "clear"}, "", "shift=", ""},
		{"shift", Column{}, "", "", ""},
		{"shift", Column{Default: "early"}, "", "shift?=early", ""},
		{"shift", Column{Default: "early"}, "late", "shift=late", ""},
		{"birth_date", Column{Date: "DD.MM.YYYY"}, "31.01.1980", "birth_date=1980-01-31", ""},
		{"birth_date", Column{Date: "DD.MM.YYYY HH:mm"}, "31.01.1980 10:00", "birth_date=1980-01-31", ""},
		{"birth_date", Column{}, "1980-02-31", "", "E112 warning fields.birth_date X"},
		{"first_aider", Column{}, "1", "first_aider=1", ""},
		{"first_aider", Column{}, "yes", "", "E115 warning fields.first_aider X"},
		{"first_aider", Column{Values: map[string]string{"yes": "1"}, Other: "0"}, "no", "first_aider=0", ""},
		{"Note", Column{Transform: []string{"upper"}}, " a b ", "Note=A B", ""},
		{"Note", Column{}, strings.Repeat("x", 256), "", "E118 warning fields.Note X"},
		{"badge", Column{}, "7", "", ""},
	}
	for _, tt := range tests {
		columns := map[string]Column{"employee_id": {From: "ID"}}
		tt.c.From = "X"
		columns["fields."+tt.column] = tt.c
		if tt.column == "badge" { // it is the employee ID
			delete(columns, "employee_id")
		}
		e := one(t, Options{Map: columns, Catalog: fieldCatalog()}, "ID;X", "1;"+tt.cell)
		if got := customSaid(e); got != tt.want || codes(e.Problems) != tt.wantProblems {
			t.Errorf("%s %+v %q: said %q, problems %q; want %q, %q", tt.column, tt.c, tt.cell, got, codes(e.Problems), tt.want, tt.wantProblems)
		}
		if tt.column == "badge" && (e.Key != "7" || e.Values[roster.EmployeeID] != "7") {
			t.Errorf("for: employee_id: key %q, employee_id %q", e.Key, e.Values[roster.EmployeeID])
		}
	}
}

func TestR27ATemplateMakesACustomField(t *testing.T) {
	o := Options{Catalog: fieldCatalog(), Map: map[string]Column{
		"employee_id": {From: "ID"}, "last_name": {From: "Last"}, "fields.Note": {Template: "%-l of {Ward|slug}"},
	}}
	if got := customSaid(one(t, o, "ID;Last;Ward", "1;Doe;ICU East")); got != "Note=doe of icu-east" {
		t.Errorf("said %q", got)
	}
	o.Map["fields.Note"] = Column{Template: "mailto:%u"}
	e := one(t, o, "ID;Last", "1;Doe")
	if len(e.Late) != 1 || e.Late[0].Custom != "Note" || e.Late[0].Value("jdoe") != "mailto:jdoe" {
		t.Errorf("late %+v", e.Late)
	}
}

func TestE211AFieldThatTheCatalogLacksRefusesTheFile(t *testing.T) {
	for _, tt := range []struct {
		o      Options
		header string
		says   string
	}{
		{Options{Map: map[string]Column{"employee_id": {From: "ID"}, "fields.shft": {From: "X"}}, Catalog: fieldCatalog()}, "ID;X", `column "X": the catalog has no profile field "shft"; did you mean fields.shift?`},
		{Options{Map: map[string]Column{"employee_id": {From: "ID"}, "fields.shift": {From: "X"}}}, "ID;X", "rollcall catalog import"},
		{Options{Catalog: fieldCatalog()}, "employee_id;fields.shoe_size", "no profile field"},
		{Options{Map: map[string]Column{"employee_id": {From: "ID"}, "fields.badge": {From: "X"}}, Catalog: fieldCatalog()}, "ID;X", "has a column of its own"},
	} {
		_, _, err := Compile(tt.o, strings.Split(tt.header, ";"))
		var refused *roster.Refusal
		if !errors.As(err, &refused) || refused.Code != "E211" || !strings.Contains(err.Error(), tt.says) {
			t.Errorf("%s: %v, want E211 that says %q", tt.header, err, tt.says)
		}
	}
	e := one(t, Options{Catalog: fieldCatalog()}, "employee_id;Fields.shift;fields.Note", "1;late;Hi")
	if got := customSaid(e); got != "Note=Hi shift=late" {
		t.Errorf("columns that bear the names of custom fields say %q", got)
	}
}

func TestWhatIsWrongWithACustomFieldsMap(t *testing.T) {
	for _, tt := range []struct{ name, c, says string }{
		{"fields.", "from", "missing"},
		{"fields.shift", "const", "not one of early, late"},
		{"fields.shift", "date", "is no date"},
		{"fields.birth_date", "default", "not a date"},
		{"fields.Note", "on_taken", "only a username"},
	} {
		c := Column{From: "X"}
		switch tt.c {
		case "const":
			c = Column{Const: "noon"}
		case "date":
			c.Date = "YYYY"
		case "default":
			c.Default = "soon"
		case "on_taken":
			c.OnTaken = "number"
		}
		faults := Options{Map: map[string]Column{"employee_id": {From: "ID"}, tt.name: c}, Catalog: fieldCatalog()}.Validate()
		if len(faults) != 1 || !strings.Contains(fmt.Sprint(faults[0]), tt.says) {
			t.Errorf("%s %s: %v, want one that says %q", tt.name, tt.c, faults, tt.says)
		}
	}
}

func TestR27AUniqueFieldIsTheMatchKey(t *testing.T) {
	o := Options{Key: roster.CustomField, KeyName: "fields.pass", Catalog: fieldCatalog(), Map: map[string]Column{"fields.pass": {From: "Pass"}, "username": {From: "Login"}}}
	for cell, want := range map[string]string{"7\u00a0": "7", "\uff17": "7", "000123": "000123"} {
		e := one(t, o, "Pass;Login", cell+";ada")
		if string(e.Key) != want || e.KeyBad || customSaid(e) != "pass="+want {
			t.Errorf("%q: key %q, bad %v, said %q", cell, e.Key, e.KeyBad, customSaid(e))
		}
	}
	for cell, want := range map[string]string{"": "E120 error fields.pass Pass", "#REF!": "E120 error fields.pass Pass", "Null": "E120 error fields.pass Pass", "n/a": "E120 error fields.pass Pass", "a\u200bb": "E104 error fields.pass Pass"} {
		e := one(t, o, "Pass;Login", cell+";ada")
		if e.Key != "" || !e.KeyBad || codes(e.Problems) != want {
			t.Errorf("%q: key %q, bad %v, problems %q, want %q", cell, e.Key, e.KeyBad, codes(e.Problems), want)
		}
	}
	m := compiled(t, o, "Pass;Login")
	if e := m.Broken(&roster.RowError{Record: roster.Record{Line: 2, Values: []string{"7"}}}); e.Key != "7" {
		t.Errorf("the key of a row that is too short: %q", e.Key)
	}
	for name, says := range map[roster.Name]string{"fields.shift": "several accounts may have", "fields.badge": "write match.key: employee_id", "fields.pas": "did you mean fields.pass"} {
		o.KeyName, o.Map = name, map[string]Column{string(name): {From: "Pass"}}
		_, _, err := Compile(o, []string{"Pass"})
		var refused *roster.Refusal
		if !errors.As(err, &refused) || refused.Code != "E211" || !strings.Contains(err.Error(), says) {
			t.Errorf("match.key: %s: %v, want E211 that says %q", name, err, says)
		}
	}
}

func TestR27ColumnsThatAreCalledLikeAFieldOrBeginAsFieldsDo(t *testing.T) {
	base := func() Options {
		return Options{Catalog: fieldCatalog(), Map: map[string]Column{"employee_id": {From: "ID"}, "fields.Note": {From: "note", Optional: true}}}
	}
	for _, tt := range []struct {
		name, prefix, header, row string
		want, notes               string
	}{
		{"begun as the tool does", "profile_field_", "ID;profile_field_shift", "1;late", "shift=late", ""},
		{"raised by a spreadsheet", "profile_field_", "ID;PROFILE_FIELD_SHIFT", "1;late", "shift=late", ""},
		{"exactly before in lower case", "profile_field_", "ID;profile_field_Note", "1;x", "Note=x", ""},
		{"the map's own column goes before it", "profile_field_", "ID;note;profile_field_Note", "1;x;y", "Note=x", "profile_field_Note"},
		{"by name", ByName, "ID;Shift;hat", "1;late;big", "shift=late", "hat"},
		{"by name, but what the map uses", ByName, "ID;note", "1;x", "Note=x", ""},
		{"without either they mean nothing", "", "ID;shift", "1;late", "", "shift"},
	} {
		o := base()
		o.FieldPrefix = tt.prefix
		m, notes, err := Compile(o, strings.Split(tt.header, ";"))
		if err != nil {
			t.Errorf("%s: %v", tt.name, err)
			continue
		}
		e, err := m.Entry(roster.Record{Line: 2, Values: strings.Split(tt.row, ";")})
		var unused []string
		for _, n := range notes {
			unused = append(unused, n.Column)
		}
		if got := customSaid(e); err != nil || got != tt.want || strings.Join(unused, " ") != tt.notes {
			t.Errorf("%s: said %q, unused %q, %v; want %q, %q", tt.name, got, unused, err, tt.want, tt.notes)
		}
	}
}

func TestR26AColumnThatIsLeftAsideSaysWhy(t *testing.T) {
	o := Options{Map: map[string]Column{"employee_id": {From: "no"}}, Ignore: map[string]string{"ID": "it is another database's"}}
	_, notes, err := Compile(o, []string{"no", " id", "hat"})
	if err != nil || len(notes) != 2 {
		t.Fatalf("notes %+v, %v", notes, err)
	}
	if n := notes[0]; n.Text != "left aside on purpose: it is another database's" || n.Severity != roster.SeverityNote || n.Fix != "nothing to do" {
		t.Errorf("%+v", n)
	}
	if !strings.Contains(notes[1].Text, "does not use") {
		t.Errorf("%+v", notes[1])
	}
}
