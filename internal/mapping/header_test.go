package mapping

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"rollcall/internal/roster"
)

// refusal compiles and expects the drop to be refused.
func refusal(t *testing.T, o Options, header string) *roster.Refusal {
	t.Helper()
	_, _, err := Compile(o, strings.Split(header, ";"))
	var refused *roster.Refusal
	if !errors.As(err, &refused) {
		t.Fatalf("error = %v, want a refusal", err)
	}
	same(t, "code", refused.Code, "E411")
	return refused
}

func TestR10NamesOfColumnsAreComparedWithoutWhatNobodySees(t *testing.T) {
	e := one(t, Options{Map: people}, "\ufeffNO; fir\u200bst\u00a0;LAST\u00a0", "17;Ada;L")
	same(t, "said", said(e), "employee_id=17 first_name=Ada last_name=L")
}

func TestR10AColumnThatTheMapNamesAndIsMissingRefusesTheDrop(t *testing.T) {
	refused := refusal(t, Options{Map: people}, "No;FirstName;Last;Mail")
	same(t, "text", refused.Text, `missing, and map.first_name expects it; found "No", "FirstName", "Last", "Mail"; nearest "FirstName"`)
	same(t, "column", refused.Column, "First")

	refused = refusal(t, Options{Map: with(map[string]Column{"department": {Template: "{Departement}"}})}, "No;First;Last;Department")
	same(t, "text", refused.Text, `missing, and map.department expects it; found "No", "First", "Last", "Department"; nearest "Department"`)
	same(t, "column in the line", strings.Count(refused.Error(), `"Departement"`), 1)

	refused = refusal(t, Options{Map: with(map[string]Column{"title": {Default: "{Grade}"}})}, "No;Last")
	same(t, "both of them", refused.Text, `columns are missing: expected "First" (map.first_name), "Grade" (map.title); found "No", "Last"`)
}

func TestR10AColumnThatADialectMakesIsAskedForWithTheOperationalAttributes(t *testing.T) {
	state := with(map[string]Column{"status": {From: "@status"}})
	refused := refusal(t, Options{Map: state}, "dn;No;First;Last")
	if !strings.Contains(refused.Fix, "operational attributes") || !strings.Contains(refused.Fix, "format.columns") {
		t.Errorf("of LDIF: the fix is %q", refused.Fix)
	}
	refused = refusal(t, Options{Map: state}, "No;First;Last") // of XML: an attribute
	same(t, "the fix of another kind", refused.Fix, "correct the name under map: in the profile, or ask HR for the column")
}

func TestR10AListOfColumnsHasABound(t *testing.T) {
	names := []string{"No"}
	for i := range 499 {
		names = append(names, fmt.Sprintf("column%d%s", i, strings.Repeat("x", 500)))
	}
	refused := refusal(t, Options{Map: people}, strings.Join(names, ";"))
	if !strings.Contains(refused.Text, "and 480 more") || len(refused.Text) > 4000 {
		t.Errorf("text of %d bytes: %.200s", len(refused.Text), refused.Text)
	}
}

func TestR10AFirstLineThatIsAPersonIsNotTold(t *testing.T) {
	refused := refusal(t, Options{Map: people}, "104417;Zofia;Król;z.krol@example.org")
	if strings.Contains(refused.Error(), "Zofia") || strings.Contains(refused.Error(), "104417") {
		t.Errorf("the refusal tells a person: %v", refused)
	}
	same(t, "fix", refused.Fix, "ask HR for a file with a header, or set format.header: 0 and format.columns")

	refused = refusal(t, Options{Map: people}, "AB;Zofia;Król;none")
	if strings.Contains(refused.Error(), "Zofia") || !strings.Contains(refused.Text, "found 4 columns") {
		t.Errorf("the refusal tells a person of letters alone: %v", refused)
	}
}

func TestR10TheSameColumnTwiceRefusesTheDrop(t *testing.T) {
	refused := refusal(t, Options{Map: people}, "No;First;Last; first")
	same(t, "text", refused.Text, "columns 2 and 4 of the header have the same name")
}

func TestR10EmptyCellsOfTheHeaderAreNoColumns(t *testing.T) {
	_, notes, err := Compile(Options{Map: people}, []string{"No", "First", "Last", "", " ", "\u00a0"})
	if err != nil || len(notes) != 0 {
		t.Errorf("notes = %v, error = %v", notes, err)
	}
}

func TestR10UnknownColumnsAreNamedOnce(t *testing.T) {
	_, notes, err := Compile(Options{Map: with(map[string]Column{"title": {Template: "{Grade}"}})}, []string{"No", "First", "Last", "Shoe", "Grade", "E-mail"})
	if err != nil {
		t.Fatal(err)
	}
	same(t, "notes", codes(notes), "note  Shoe, note  E-mail")
	same(t, "fix", notes[1].Fix, "if it is email, say so under map:")

	header := []string{"No", "First", "Last"}
	for i := range 30 {
		header = append(header, fmt.Sprint("x", i))
	}
	_, notes, _ = Compile(Options{Map: people}, header)
	same(t, "number of notes", len(notes), maxNamed+1)
	same(t, "last note", notes[maxNamed].Text, "10 more columns that the profile does not use")
}

func TestR10WithoutAMapColumnsBearTheNamesOfFields(t *testing.T) {
	header := "Employee_ID;first_name;EMAIL;status;deleted;oldusername;previous_key;shoe"
	m, notes, err := Compile(Options{}, strings.Split(header, ";"))
	if err != nil {
		t.Fatal(err)
	}
	same(t, "notes", codes(notes), "note  shoe")
	e, err := m.Entry(roster.Record{Line: 2, Values: []string{"17", "Ada", "a@example.org", "leaver", "", "Old.Name", " 16 ", "42"}})
	if err != nil {
		t.Fatal(err)
	}
	same(t, "said", said(e), "employee_id=17 email=a@example.org first_name=Ada")
	same(t, "wish", e.Wish, roster.WishLeaver)
	same(t, "old username", e.OldUsername, "old.name")
	same(t, "previous key", e.PreviousKey, "16")
}

func TestR10WithoutAMapOnlyTheKeyIsNeeded(t *testing.T) {
	refused := refusal(t, Options{}, "employeeid;email;first_name")
	same(t, "text", refused.Text, `missing, and match.key expects it; found "employeeid", "email", "first_name"; nearest "employeeid"`)

	refused = refusal(t, Options{Fallback: true}, "email")
	same(t, "text with a fallback", refused.Text, `columns are missing: expected "employee_id" (match.key), "username" (match.fallback, in its stead); found "email"`)

	for _, header := range []string{"username", "employee_id"} {
		if _, _, err := Compile(Options{Fallback: true}, []string{header}); err != nil {
			t.Errorf("with %s alone: %v", header, err)
		}
	}
}

func TestR42AKeyColumnThatIsAbsentIsNoted(t *testing.T) {
	o := Options{Fallback: true, Map: map[string]Column{"employee_id": {From: "No"}, "username": {From: "Login"}}}
	_, notes, err := Compile(o, []string{"Login"})
	if err != nil {
		t.Fatal(err)
	}
	same(t, "notes", codes(notes), "note employee_id No")

	if _, _, err := Compile(o, []string{"No"}); err == nil {
		t.Error("a drop without the column that map.username names was taken")
	}
}

func TestDistanceCountsLetters(t *testing.T) {
	for _, tt := range []struct {
		a, b string
		want int
	}{{"", "", 0}, {"", "abc", 3}, {"kitten", "sitting", 3}, {"email", "e-mail", 1}, {"żółw", "zolw", 3}} {
		same(t, tt.a+" to "+tt.b, distance([]rune(tt.a), []rune(tt.b)), tt.want)
		same(t, tt.b+" to "+tt.a, distance([]rune(tt.b), []rune(tt.a)), tt.want)
	}
}
