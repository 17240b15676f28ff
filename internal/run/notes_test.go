package run_test

import (
	"os"
	"strings"
	"testing"

	"rollcall/internal/journal"
	"rollcall/internal/run"
)

// told are the problems of a run, in a line.
func (s *site) told(j *journal.Run) string {
	s.t.Helper()
	var all []string
	for p, err := range s.Store.Problems(s.t.Context(), j.Number) {
		if err != nil {
			s.t.Fatal(err)
		}
		all = append(all, p.String())
	}
	return strings.Join(all, "; ")
}

func TestWhatTheEndOfADropSaysIsTold(t *testing.T) {
	both(t, func(t *testing.T, s *site) {
		p := s.feed("hr")
		path := s.drop(p, people(10)...)
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, append(text, 0x1a), 0o600); err != nil {
			t.Fatal(err)
		}
		j, err := s.Run(t.Context(), run.Request{Profile: p, File: path, Trigger: "manual"})
		if err != nil {
			t.Fatal(err)
		}
		if got, want := s.told(j), "the file ends with Control-Z, which was left out"; got != want || j.Facts.Notes != 1 {
			t.Errorf("problems %q, %d notes; want %q, 1", got, j.Facts.Notes, want)
		}
	})
}

func TestAProblemOfAFieldNamesTheColumnThatSaysIt(t *testing.T) {
	both(t, func(t *testing.T, s *site) {
		p := s.feed("hr")
		s.read(p, journal.OK, people(10)...)
		j := s.read(p, journal.Warn, append(people(10), person("E2", "user3"))...)
		if got, want := s.told(j), `E303 line 12: column "username": the username is taken`; got != want {
			t.Errorf("problems %q, want %q", got, want)
		}
	})
}

func TestAFileThatWasAppliedIsNotCalledUnread(t *testing.T) {
	s := open(t, "sqlite")
	p := s.feed("hr")
	s.read(p, journal.OK, people(10)...)
	s.drop(p, people(11)...) // never read
	s.drop(p, people(12)...)
	p.Digest = "v2" // after an edit of the profile a file may be read again
	j, err := s.Run(t.Context(), run.Request{Profile: p, Trigger: "manual"})
	if err != nil {
		t.Fatal(err)
	}
	got := s.told(j)
	if strings.Contains(got, "001.csv") || !strings.Contains(got, "002.csv") {
		t.Errorf("notes %q, want one of the second file alone", got)
	}
}
