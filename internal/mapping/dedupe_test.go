package mapping

import (
	"errors"
	"fmt"
	"iter"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"rollcall/internal/roster"
)

// jobs maps rows of number, name, position, status and end.
func jobs(t testing.TB, rows ...string) func() iter.Seq2[roster.Entry, error] {
	t.Helper()
	o := Options{
		Key: roster.EmployeeID, Prefer: map[string]string{"Position": "Active"},
		Map: map[string]Column{
			"employee_id": {From: "No"}, "department": {From: "Dept"}, "status": {From: "Status"}, "expires_on": {From: "End", Blank: "clear"},
		},
	}
	m, notes, err := Compile(o, []string{"No", "Dept", "Position", "Status", "End"})
	if err != nil || len(notes) > 0 {
		t.Fatal(err, notes)
	}
	return func() iter.Seq2[roster.Entry, error] {
		return func(yield func(roster.Entry, error) bool) {
			for i, row := range rows {
				if !yield(m.Entry(roster.Record{Line: i + 2, Values: strings.Split(row, ",")})) {
					return
				}
			}
		}
	}
}

func told(t testing.TB, entries iter.Seq2[roster.Entry, error]) (all []string) {
	t.Helper()
	for e, err := range entries {
		if err != nil {
			t.Fatal(err)
		}
		codes := ""
		for _, p := range e.Problems {
			codes += " " + p.Code
		}
		all = append(all, fmt.Sprintf("%s %s %s %s line %d with %v%s", e.Key, e.Values[roster.Department], e.Wish, e.Values[roster.ExpiresOn], e.Line, e.Joined, codes))
	}
	return all
}

func TestTheRowsOfOnePersonAreJoined(t *testing.T) {
	tests := []struct {
		name string
		d    Dedupe
		rows []string
		want []string
	}{
		{
			"the preferred row is the main one, and who works on anywhere stays to the last end",
			Dedupe{},
			[]string{"1,ICU,Ended,leaver,2026-01-31", "2,Lab,Active,active,", "1,Ward 3,Active,active,2027-06-30"},
			[]string{"2 Lab active  line 3 with []", "1 Ward 3 active 2027-06-30 line 4 with [2]"},
		},
		{
			"a row without an end has the latest",
			Dedupe{},
			[]string{"1,ICU,Active,,2027-06-30", "1,Lab,Ended,,"},
			[]string{"1 ICU   line 2 with [3]"},
		},
		{
			"who has left every job is a leaver",
			Dedupe{},
			[]string{"1,ICU,Ended,leaver,2026-01-31", "1,Lab,Ended,leaver,2026-02-28"},
			[]string{"1 ICU leaver 2026-02-28 line 2 with [3]"},
		},
		{
			"main: nothing but the main row counts",
			Dedupe{Status: "main", ExpiresOn: "main"},
			[]string{"1,ICU,Active,leaver,2026-01-31", "1,Lab,Ended,active,2026-02-28"},
			[]string{"1 ICU leaver 2026-01-31 line 2 with [3]"},
		},
		{
			"what is wrong with a row is wrong with its person",
			Dedupe{},
			[]string{"1,ICU,Active,active,", "1,Lab,Ended,maybe,"},
			[]string{"1 ICU active  line 2 with [3] E115"},
		},
		{
			"keys with and without case",
			Dedupe{Fold: true},
			[]string{"a1,ICU,Active,,", "A1,Lab,Ended,,"},
			[]string{"a1 ICU   line 2 with [3]"},
		},
		{
			"rows without a key are left as they are",
			Dedupe{},
			[]string{",ICU,Active,,", ",Lab,Ended,,"},
			[]string{" ICU   line 2 with [] E120", " Lab   line 3 with [] E120"},
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			tt.d.By = "key"
			read := tt.d.Join(jobs(t, tt.rows...))
			for range 2 { // a drop is read more than once
				if got := told(t, read()); !slices.Equal(got, tt.want) {
					t.Errorf("got  %q\nwant %q", got, tt.want)
				}
			}
		})
	}
}

func TestR4TheOrderOfSeveralRowsNeverChangesThePerson(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		cell := func(name string, of ...string) string { return rapid.SampledFrom(of).Draw(r, name) }
		rows := rapid.SliceOfN(rapid.Custom(func(r *rapid.T) string {
			return "1," + cell("dept", "ICU", "Lab", "") + "," + cell("position", "Active", "Ended") + "," + cell("status", "", "active", "leave", "leaver") + "," + cell("end", "", "2026-01-31", "2027-06-30")
		}), 2, 6).Draw(r, "rows")
		bare := func(rows []string) string {
			got := told(t, Dedupe{By: "key"}.Join(jobs(t, rows...))())
			return strings.Split(strings.Join(got, "\n"), " line ")[0]
		}
		if a, b := bare(rows), bare(rapid.Permutation(rows).Draw(r, "order")); a != b {
			r.Errorf("%q, and in another order %q", a, b)
		}
	})
}

func TestRowsThatLieTooFarApartAreRefused(t *testing.T) {
	read := func() iter.Seq2[roster.Entry, error] {
		return func(yield func(roster.Entry, error) bool) {
			for i := range 2 * (maxOpen + 1) {
				if !yield(roster.Entry{Line: i + 2, Key: roster.Key(fmt.Sprint(i % (maxOpen + 1)))}, nil) {
					return
				}
			}
		}
	}
	var refused *roster.Refusal
	for _, err := range (Dedupe{By: "key"}).Join(read)() {
		if err != nil && (!errors.As(err, &refused) || refused.Code != "E411" || refused.Line != maxOpen+2) {
			t.Fatalf("error %v", err)
		}
	}
	if refused == nil {
		t.Error("any number of people may wait in memory")
	}
}

func TestOfAPersonsRowsTheMembershipsAreUnited(t *testing.T) {
	o := Options{Key: roster.EmployeeID, Map: map[string]Column{"employee_id": {From: "No"}}, Memberships: Memberships{
		Cohorts:    []Member{{Template: "dept-{Dept|slug}"}},
		Enrolments: []Member{{Course: "FIRE-101", Period: 24 * time.Hour, When: map[string]Words{"Dept": {"ICU"}}}, {Course: "FIRE-101", When: map[string]Words{"Dept": {"Lab"}}}},
	}}
	m, _, err := Compile(o, []string{"No", "Dept"})
	if err != nil {
		t.Fatal(err)
	}
	read := func(rows ...string) func() iter.Seq2[roster.Entry, error] {
		return func() iter.Seq2[roster.Entry, error] {
			return func(yield func(roster.Entry, error) bool) {
				for i, row := range rows {
					if !yield(m.Entry(roster.Record{Line: i + 2, Values: strings.Split(row, ",")})) {
						return
					}
				}
			}
		}
	}
	for _, tt := range []struct {
		lists string
		rows  []string
		want  string
	}{
		{"", []string{"1,ICU", "1,Lab"}, "[cohort:dept-icu cohort:dept-lab course:FIRE-101]"},
		{"union", []string{"1,Lab", "1,ICU"}, "[cohort:dept-icu cohort:dept-lab course:FIRE-101]"},
		{"main", []string{"1,Lab", "1,ICU"}, "[cohort:dept-icu course:FIRE-101]"},
		{"main", []string{"1,ICU", "1,Lab"}, "[cohort:dept-icu course:FIRE-101]"},
	} {
		for e, err := range (Dedupe{By: "key", Lists: tt.lists}).Join(read(tt.rows...))() {
			if err != nil {
				t.Fatal(err)
			}
			if got := fmt.Sprint(e.Members.List); got != tt.want {
				t.Errorf("%s %q: %s, want %s", tt.lists, tt.rows, got, tt.want)
			}
			if i := slices.IndexFunc(e.Members.List, func(w roster.Wanted) bool { return w.Kind == roster.CourseKind }); tt.lists != "main" && e.Members.List[i].Days != 0 {
				t.Errorf("%q: for %d days, and a row grants it for good", tt.rows, e.Members.List[i].Days)
			}
		}
	}
}
