package mapping

import (
	"slices"
	"testing"

	"rollcall/internal/roster"
)

func TestALookupIsTheUsernameThatTheOtherRecordGives(t *testing.T) {
	o := Options{Key: roster.EmployeeID, Map: map[string]Column{
		"employee_id": {From: "no"}, "username": {From: "uid", Transform: []string{"lower", "ascii"}}, "manager": {From: "manager", Lookup: "dn"},
	}}
	if pairs := o.LookUps(); !slices.Equal(pairs, [][2]string{{"manager", "uid"}}) {
		t.Errorf("asked for are %v", pairs)
	}
	header := []string{"no", "uid", "manager", "@dn:manager"}
	m, notes, err := Compile(o, header)
	if err != nil {
		t.Fatal(err)
	}
	if len(notes) != 1 || notes[0].Column != "@dn:manager" { // the format says that every file has it
		t.Errorf("notes: %v", notes)
	}
	for _, tt := range []struct{ name, says, answer, want, code string }{
		{"in the form of a username", "cn=boss", " Böss.Big ", "boss.big", ""},
		{"no manager", "", "", "", ""},
		{"one that is not in the drop", "cn=gone", "", "", "E122"},
		{"one of whom no username remains", "cn=gone", "!!!", "", "E122"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			e, err := m.Entry(roster.Record{Line: 2, Values: []string{"1", "ann", tt.says, tt.answer}})
			if err != nil {
				t.Fatal(err)
			}
			code := ""
			for _, p := range e.Problems {
				code += p.Code
				if p.Severity != roster.SeverityWarning || p.Column != "manager" {
					t.Errorf("%+v", p)
				}
			}
			if got := e.Values[roster.Manager]; got != tt.want || e.Set.Has(roster.Manager) != (tt.want != "") || code != tt.code {
				t.Errorf("manager %q, problems %q; want %q, %q", got, code, tt.want, tt.code)
			}
		})
	}
	for name, c := range map[string]Column{
		"username": {From: "uid", Lookup: "dn"}, "employee_id": {From: "no", Lookup: "dn"}, "manager": {From: "manager", Lookup: "uid"}, "title": {Const: "x", Lookup: "dn"}, "suspended": {From: "manager", Lookup: "dn"},
		"city": {From: "manager", Lookup: "dn", Values: map[string]string{"a": "b"}},
	} {
		wrong := o
		wrong.Map = map[string]Column{"employee_id": {From: "no"}, "username": {From: "uid"}}
		wrong.Map[name] = c
		if len(wrong.Validate()) == 0 {
			t.Errorf("%s: %+v is allowed", name, c)
		}
	}
}
