package mapping

import (
	"errors"
	"strings"
	"testing"

	"rollcall/internal/roster"
)

func TestR68TheScopeIsByTheValuesOfColumns(t *testing.T) {
	o := Options{Scope: Scope{Include: map[string][]string{"Type": {"FT", "PT"}}, Exclude: map[string][]string{"Company": {"EXTERNAL", ""}}}}
	for record, want := range map[string]string{
		"1;FT;Acme":           "",
		"1; PT ;Acme":         "",     // without outer blanks (R11)
		"1;ft;Acme":           "Type", // compared exactly
		"1;;Acme":             "Type",
		"1;FT;EXTERNAL":       "Company",
		"1;FT;":               "Company",
		"1;TEMP;EXTERNAL":     "Type",
		"1;F\x01T;Acme":       "", // it cannot be told, and the row is rejected for it
		";TEMP;Acme":          "Type",
		"1;FT;Acme, EXTERNAL": "",
	} {
		e := one(t, o, "employee_id;type;Company", record)
		if !strings.EqualFold(e.Outside, want) {
			t.Errorf("%q: out of scope by %q, want %q", record, e.Outside, want)
		}
		if e.Outside != "" && len(e.Problems) > 0 {
			t.Errorf("%q: R1: problems of a record out of scope: %v", record, e.Problems)
		}
		if strings.ContainsRune(record, 1) && codes(e.Problems) == "" {
			t.Errorf("%q is not rejected", record)
		}
	}
}

func TestR10AColumnThatTheScopeNamesIsNeeded(t *testing.T) {
	for _, o := range []Options{
		{Scope: Scope{Include: map[string][]string{"Type": {"FT"}}}},
		{Scope: Scope{Exclude: map[string][]string{"Type": {"TEMP"}}}, Map: map[string]Column{"employee_id": {From: "employee_id"}}},
	} {
		_, _, err := Compile(o, []string{"employee_id", "Typ"})
		var refused *roster.Refusal
		if !errors.As(err, &refused) || refused.Code != "E411" || !strings.Contains(err.Error(), "scope.") || !strings.Contains(err.Error(), `nearest "Typ"`) {
			t.Errorf("error %v, want a refusal that names scope and the nearest column", err)
		}
	}
	_, notes, err := Compile(Options{Scope: Scope{Include: map[string][]string{"Type": {"FT"}}}}, []string{"employee_id", "Type"})
	if err != nil || len(notes) > 0 {
		t.Errorf("a column of the scope is used: %v, %v", notes, err)
	}
}

func TestTheScopeIsPartOfTheDigest(t *testing.T) {
	a, b := Options{}, Options{Scope: Scope{Include: map[string][]string{"Type": {"FT"}}}}
	if a.Digest() == b.Digest() {
		t.Error("with and without a scope the digest is the same")
	}
}
