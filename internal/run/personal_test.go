package run_test

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"rollcall/internal/journal"
	"rollcall/internal/report"
	"rollcall/internal/roster"
	"rollcall/internal/run"
)

// tells makes a feed tell as much of people as report.personal_data says.
func tells(p *run.Profile, personal report.Personal) {
	p.Report.Personal = personal
	p.Plan.Names, p.Plan.Values, p.Mapping.Values = personal >= report.Names, personal >= report.Values, personal >= report.Values
}

// kept is what the journal keeps of the problems of a run: line, person and value.
func (s *site) kept(j *journal.Run) string {
	s.t.Helper()
	var all []string
	for p, err := range s.Store.Problems(s.t.Context(), j.Number) {
		if err != nil {
			s.t.Fatal(err)
		}
		all = append(all, fmt.Sprintf("%d %s %s/%s/%s", p.Line, p.Code, p.Who.Username, p.Who.Name, p.Value))
	}
	return strings.Join(all, "; ")
}

// troubled is a drop of ten people with one bad row of each kind.
func troubled() []string {
	all := people(10)
	all[2] = strings.Replace(person("E0001", "user1", "Ward 1", "soon"), "LastE0001", "Married", 1) // has an account
	return append(all,
		person("E2", "user3"),                     // a name that is taken, and no account
		person("E3", "user30", "Ward 1", "later"), // a new account
		"E4,user4", // cells whose meaning nobody knows
		person("E5", "user5"+strings.Repeat("x", 200)),
	)
}

func TestAProblemKeepsOfAPersonWhatItsProfileTells(t *testing.T) {
	both(t, func(t *testing.T, s *site) {
		p := s.feed("hr")
		s.read(p, journal.OK, people(10)...)
		for _, tt := range []struct {
			personal report.Personal
			want     string
		}{
			{report.IDs, "3 E112 //; 12 E303 //; 13 E112 //; 14 E101 //; 15 E118 //"},
			{report.Names, "3 E112 user1/FirstE0001 LastE0001/; 12 E303 user3/FirstE2 LastE2/; 13 E112 user30/FirstE3 LastE3/; 14 E101 //; 15 E118 /FirstE5 LastE5/"},
			{report.Values, "3 E112 user1/FirstE0001 LastE0001/soon; 12 E303 user3/FirstE2 LastE2/user3; 13 E112 user30/FirstE3 LastE3/later; 14 E101 //; 15 E118 /FirstE5 LastE5/user5" +
				strings.Repeat("x", 95) + "…"},
		} {
			tells(p, tt.personal)
			j, err := s.Run(t.Context(), run.Request{Profile: p, File: s.drop(p, troubled()...), Dry: true, Trigger: "manual"})
			if err != nil {
				t.Fatal(err)
			}
			if got := s.kept(j); got != tt.want {
				t.Errorf("%d: kept\n%s\nwant\n%s", tt.personal, got, tt.want)
			}
		}
	})
}

// What a profile does not tell must not lie in the database either, where a
// backup carries it away.
func TestAWrongValueIsInTheDatabaseOnlyWhereItIsTold(t *testing.T) {
	for _, personal := range []report.Personal{report.Names, report.Values} {
		s := open(t, "sqlite")
		p := s.feed("hr")
		tells(p, personal)
		s.read(p, journal.Warn, append(people(10), person("E9", "user9a", "Ward 1", "in-a-fortnight"))...)
		found := false
		files, err := filepath.Glob(strings.TrimPrefix(s.dsn, "sqlite:") + "*")
		if err != nil {
			t.Fatal(err)
		}
		for _, file := range files {
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			found = found || bytes.Contains(text, []byte("in-a-fortnight"))
		}
		if want := personal == report.Values; found != want {
			t.Errorf("%d: the value is in the database: %t, want %t", personal, found, want)
		}
	}
}

func TestHowMuchIsToldChangesNoPlan(t *testing.T) {
	s := open(t, "sqlite")
	p := s.feed("hr")
	first := s.read(p, journal.OK, people(10)...)
	tells(p, report.Values)
	p.Plan.Hidden, p.Mapping.Hidden = roster.FieldSet(0).With(roster.Phone1), roster.Hidden{"phone1": true}
	if _, err := s.Run(t.Context(), run.Request{Profile: p, Trigger: "schedule"}); !errors.Is(err, run.ErrNothingNew) {
		t.Errorf("the same file after run %d: %v, want %v", first.Number, err, run.ErrNothingNew)
	}
	next := s.read(p, journal.OK, append(people(10), person("E11", "user11"))...)
	if next.Unread != 10 {
		t.Errorf("records passed over = %d, want 10: another way of telling reads nothing anew", next.Unread)
	}
}

// Who reads departments may not be told how many of each have left.
func TestAHiddenDepartmentIsNotCounted(t *testing.T) {
	s := open(t, "sqlite")
	p := s.feed("hr")
	if shown := s.read(p, journal.OK, people(10)...).Facts.Departments; len(shown) != 7 {
		t.Fatalf("departments = %v: nothing is hidden yet", shown)
	}
	p.Plan.Hidden = roster.FieldSet(0).With(roster.Department)
	lines := people(20)
	if shown := s.read(p, journal.OK, lines...).Facts.Departments; len(shown) != 0 {
		t.Errorf("departments = %v, want none", shown)
	}
}
