package mapping

import (
	"slices"
	"testing"

	"rollcall/internal/roster"
)

func TestR11APasswordKeepsItsBlanks(t *testing.T) {
	for _, tt := range []struct {
		name, cell, want string
		trim, first      bool
		column           Column
	}{
		{name: "as it stands", cell: "  Blank pass 1\u00a0", want: "  Blank pass 1\u00a0"},
		{name: "in the presets that trim", cell: "  Blank pass 1\u00a0", want: "Blank pass 1", trim: true},
		{name: "nothing but blanks", cell: "   ", want: ""},
		{name: "composed", cell: "Passe\u0301-1", want: "Passé-1"},
		{name: "case and shape stay", cell: "ＡbＣ-1", want: "ＡbＣ-1"},
		{name: "a zero is the planner's to judge", cell: "0", want: "0"},
		{name: "given by the profile to new accounts", want: "changeme", first: true, column: Column{From: "p", Default: "changeme"}},
		{name: "the record goes before", cell: "Given-1", want: "Given-1", column: Column{From: "p", Default: "changeme"}},
		{name: "given to everybody", want: "changeme", column: Column{Const: "changeme"}},
	} {
		c := tt.column
		if c.From == "" && c.Const == "" {
			c.From = "p"
		}
		o := Options{Key: roster.EmployeeID, TrimPasswords: tt.trim, Map: map[string]Column{"employee_id": {From: "id"}, "password": c}}
		m, _, err := Compile(o, []string{"id", "p"})
		if err != nil {
			t.Fatal(err)
		}
		e, err := m.Entry(roster.Record{Line: 2, Values: []string{"1", tt.cell}})
		if err != nil || e.Password.Reveal() != tt.want || e.FirstOnly != tt.first || len(e.Problems) > 0 {
			t.Errorf("%s: %q, first only %v, problems %v, %v", tt.name, e.Password.Reveal(), e.FirstOnly, e.Problems, err)
		}
		if secret := m.Secrets(); !slices.Equal(secret, []int{1}) && c.From != "" || c.From == "" && len(secret) > 0 {
			t.Errorf("%s: the secret columns are %d", tt.name, secret)
		}
	}
}

func TestAColumnThatIsCalledPasswordIsOne(t *testing.T) {
	m, notes, err := Compile(Options{Key: roster.EmployeeID}, []string{"employee_id", "Password"})
	if err != nil || len(notes) > 0 || !slices.Equal(m.Secrets(), []int{1}) || m.Column("password") != "Password" {
		t.Errorf("%v, %v", notes, err)
	}
	other := map[string]Column{"employee_id": {From: "id"}, "password": {From: "p"}}
	if m, _, err = Compile(Options{Key: roster.EmployeeID, Map: other}, []string{"id", "PassWord", "p"}); err != nil || !slices.Equal(m.Secrets(), []int{2, 1}) {
		t.Errorf("one that map does not name is kept: %v", err)
	}
	other["title"] = Column{From: "password"}
	if m, _, err = Compile(Options{Key: roster.EmployeeID, Map: other}, []string{"id", "PassWord", "p"}); err != nil || !slices.Equal(m.Secrets(), []int{2}) {
		t.Errorf("one that is something else: %v", err)
	}
	if _, _, err := Compile(Options{Key: roster.EmployeeID, Map: map[string]Column{"employee_id": {From: "id"}, "password": {From: "p"}}}, []string{"id", "q"}); err == nil {
		t.Error("a file without the column that map names is read")
	}
}

func TestR16APasswordWithALineBreakRejectsItsRow(t *testing.T) {
	m, _, err := Compile(Options{Key: roster.EmployeeID}, []string{"employee_id", "password"})
	if err != nil {
		t.Fatal(err)
	}
	for _, cell := range []string{"Se\ncret-1", "Se\r\ncret-1", "Secret-1\n"} {
		e, err := m.Entry(roster.Record{Line: 2, Values: []string{"1", cell}})
		if err != nil || e.Password != "" || len(e.Problems) != 1 || e.Problems[0].Code != "E104" || e.Problems[0].Field != "password" {
			t.Errorf("%q: %v, %v", cell, e.Problems, err)
		}
	}
}
