package source

import (
	"slices"
	"strings"
	"testing"
)

func TestTheNumberOfADropStandsInItsName(t *testing.T) {
	for _, tt := range []struct {
		from, name string
		want       int64
		ok         bool
	}{
		{"changes_{number}.csv", "changes_42.csv", 42, true},
		{"changes_{number}.csv", "changes_0042.csv", 42, true},
		{"changes_{number}.csv*", "changes_42.csv.gz", 42, true},
		{"changes_{number}.csv", "changes_42.csv.gz", 0, false},
		{"*-{number}.csv", "staff-20261126-0042.csv", 42, true},
		{"*{number}.csv", "staff0042.csv", 42, true}, // all digits are the number's
		{"{number}_*", "7_staff_2026.csv", 7, true},
		{"changes_{number}.csv", "changes_.csv", 0, false},
		{"changes_{number}.csv", "changes_1234567890123456789.csv", 0, false},
		{"ch.nges_{number}.csv", "changes_1.csv", 0, false},
		{"/changes/@number", "changes_1.csv", 0, false},
		{"", "1", 0, false},
	} {
		if n, ok := (Sequence{From: tt.from}).Number(tt.name); n != tt.want || ok != tt.ok {
			t.Errorf("%q of %q: %d, %v; want %d, %v", tt.from, tt.name, n, ok, tt.want, tt.ok)
		}
	}
}

func TestFilesAreReadInTheOrderOfTheirNumbersNotOfTheirTimes(t *testing.T) {
	var names []string
	for _, f := range (Sequence{From: "c{number}.csv"}).Arrange([]File{{Name: "c10.csv"}, {Name: "x.csv"}, {Name: "c9.csv"}, {Name: "c011.csv"}, {Name: "a.csv"}}) {
		names = append(names, f.Name)
	}
	if want := []string{"c9.csv", "c10.csv", "c011.csv", "x.csv", "a.csv"}; !slices.Equal(names, want) {
		t.Errorf("got %q, want %q", names, want)
	}
}

func TestASequenceSaysWhereTheNumberStands(t *testing.T) {
	for _, tt := range []struct {
		s    Sequence
		want string // "" where it is right
	}{
		{Sequence{}, ""},
		{Sequence{From: "c{number}.csv", Gap: "warn"}, ""},
		{Sequence{From: "/changes/@number"}, ""},
		{Sequence{Gap: "hold"}, "sequence.from"},
		{Sequence{From: "c.csv"}, "sequence.from"},
		{Sequence{From: "{number}{number}"}, "sequence.from"},
		{Sequence{From: "in/{number}.csv"}, "sequence.from"},
		{Sequence{From: "c{number}.csv", Gap: "skip"}, "sequence.gap"},
	} {
		var f faults
		tt.s.validate(&f)
		var paths []string
		for _, one := range f {
			paths = append(paths, one.Path)
		}
		if strings.Join(paths, " ") != tt.want {
			t.Errorf("%+v: faults at %q, want %q", tt.s, paths, tt.want)
		}
	}
}
