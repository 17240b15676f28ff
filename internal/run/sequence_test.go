package run_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"rollcall/internal/journal"
	"rollcall/internal/roster"
	"rollcall/internal/run"
	"rollcall/internal/source"
)

// numbered makes a feed one of deltas with a number.
func numbered(from, gap string) func(*run.Profile) {
	return func(p *run.Profile) {
		p.Format.Content, p.Plan.Full, p.Source.Pick = "delta", false, "all"
		p.Plan.Policy.Missing = "keep"
		p.Source.Sequence = source.Sequence{From: from, Gap: gap}
	}
}

// put writes a file of a feed, an hour after the one before.
func (s *site) put(p *run.Profile, name, content string) {
	s.t.Helper()
	s.pass(time.Hour)
	path := filepath.Join(s.drops, name)
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		s.t.Fatal(err)
	}
	at := s.now().Add(-time.Minute)
	if err := os.Chtimes(path, at, at); err != nil {
		s.t.Fatal(err)
	}
}

// goes runs a feed until nothing more is to be done, and says what was read: each
// file with the status of its run.
func (s *site) goes(p *run.Profile) string {
	s.t.Helper()
	var said []string
	runs, err := s.RunAll(s.t.Context(), run.Request{Profile: p, Trigger: "schedule"})
	for _, j := range runs {
		said = append(said, strings.TrimSpace(strings.TrimSuffix(j.Input.Name, filepath.Ext(j.Input.Name))+" "+string(j.Status)+" "+j.Code))
	}
	switch {
	case len(runs) > 0:
	case errors.Is(err, run.ErrStillHeld):
		said = append(said, "waits")
	case errors.Is(err, run.ErrNothingNew):
		said = append(said, "nothing")
	default:
		s.t.Fatal(err)
	}
	return strings.Join(said, ", ")
}

func TestR104ADeltaWhoseNumberLeavesAGapIsHeldUntilWhatIsMissingHasComeE409(t *testing.T) {
	both(t, func(t *testing.T, s *site) {
		inName := s.feed("name", numbered("name-{number}.csv", ""))
		inside := s.feed("xml", asXML, numbered("/staff/@number", "hold"))
		for _, feed := range []struct {
			p   *run.Profile
			put func(n int)
		}{
			{inName, func(n int) {
				s.put(inName, fmt.Sprintf("name-%03d.csv", n), strings.Join([]string{header, person("1", "u1", fmt.Sprint("Ward ", n)), person("2", "u2")}, "\n")+"\n")
			}},
			{inside, func(n int) {
				text := strings.Replace(staffXML(2, fmt.Sprint("No. ", n)), "<staff>", fmt.Sprintf("<staff number='%d'>", n), 1)
				s.put(inside, fmt.Sprintf("xml-%d.xml", time.Now().UnixNano()), strings.NewReplacer("<no>", "<no>x", "<login>p", "<login>x", "<mail>p", "<mail>x").Replace(text))
			}},
		} {
			p := feed.p
			step := func(what, want string) {
				t.Helper()
				got := s.goes(p)
				if p == inside { // its names say nothing
					var words []string
					for _, w := range strings.Split(got, ", ") {
						if _, rest, ok := strings.Cut(w, " "); ok {
							w = rest
						}
						words = append(words, w)
					}
					got = strings.Join(words, ", ")
					want = strings.NewReplacer("name-041 ", "", "name-042 ", "", "name-043 ", "", "name-044 ", "", "name-045 ", "", "name-001 ", "").Replace(want)
				}
				if got != want {
					t.Errorf("%s, %s: %q, want %q", p.Name, what, got, want)
				}
			}
			feed.put(41)
			step("any number is the first", "name-041 ok")
			feed.put(43)
			step("42 is missing", "name-043 held")
			step("it waits", "waits")
			feed.put(44)
			step("what is behind it waits too", "waits")
			feed.put(42)
			step("now all are there, and read in their order", "name-042 ok, name-043 ok, name-044 ok")
			step("each once", "nothing")
			feed.put(41)
			if p == inside {
				step("a number that was read already is refused", "failed E410")
			}
			step("the same again is nothing", "nothing")
			feed.put(45)
			step("and does not stand in the way", "name-045 ok")
		}
	})
}

func TestR104APersonLetsAGapPassOrAnOlderNumberIn(t *testing.T) {
	both(t, func(t *testing.T, s *site) {
		p := s.feed("name", numbered("name-{number}.csv", ""))
		files := 0
		put := func(n int) string {
			name := fmt.Sprintf("name-%d.csv", n)
			files++
			s.put(p, name, strings.Join([]string{header, person("1", "u1", fmt.Sprint("Ward ", files)), person("2", "u2")}, "\n")+"\n")
			return filepath.Join(s.drops, name)
		}
		want := func(got, want string) {
			t.Helper()
			if got != want {
				t.Errorf("got %q, want %q", got, want)
			}
		}
		named := func(path string) *journal.Run {
			t.Helper()
			j, err := s.Run(t.Context(), run.Request{Profile: p, File: path})
			if err != nil {
				t.Fatal(err)
			}
			return j
		}
		put(1)
		want(s.goes(p), "name-1 ok")
		put(3)
		want(s.goes(p), "name-3 held")
		last, err := s.Store.Runs(t.Context(), p.Name, time.Time{}, 1)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := s.Approve(t.Context(), p, run.Decision{Run: last[0].Number, Reason: "2 is lost", Who: "ada"}); err != nil {
			t.Fatal(err)
		}
		put(4)
		want(s.goes(p), "name-4 ok")

		two := put(2)
		want(s.goes(p), "name-2 failed E410")
		if j := named(two); j.Status != journal.OK || j.Input.Sequence != "" {
			t.Errorf("named, it is %s, and the sequence goes on from %q", j.Status, j.Input.Sequence)
		}
		put(5)
		want(s.goes(p), "name-5 ok")

		put(8)
		want(s.goes(p), "name-8 held")
		last, err = s.Store.Runs(t.Context(), p.Name, time.Time{}, 1)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := s.Reject(t.Context(), run.Decision{Run: last[0].Number, Reason: "HR sends the others", Who: "ada"}); err != nil {
			t.Fatal(err)
		}
		put(6)
		want(s.goes(p), "name-6 ok")

		if err := os.Remove(filepath.Join(s.drops, "name-1.csv")); err != nil {
			t.Fatal(err)
		}
		if j := named(put(1)); j.Status != journal.OK || j.Input.Sequence != "1" {
			t.Errorf("HR counts anew: %s, %q", j.Status, j.Input.Sequence)
		}
		if err := os.Remove(filepath.Join(s.drops, "name-2.csv")); err != nil {
			t.Fatal(err)
		}
		put(2)
		want(s.goes(p), "name-2 ok")

		p.Source.Sequence.Gap = "warn"
		put(12)
		want(s.goes(p), "name-12 warn")
		last, err = s.Store.Runs(t.Context(), p.Name, time.Time{}, 1)
		if err != nil {
			t.Fatal(err)
		}
		if told := s.told(&last[0]); !strings.Contains(told, "number 12 follows 2: 3 to 11 are missing") {
			t.Errorf("told: %s", told)
		}

		s.put(p, "name-x.csv", header+"\n"+person("1", "u1")+"\n")
		want(s.goes(p), "name-x failed E409")
	})
}

func TestASequenceOfFullDropsGoesForwardsAndMayHaveGaps(t *testing.T) {
	both(t, func(t *testing.T, s *site) {
		p := s.feed("name", func(p *run.Profile) { p.Source.Sequence.From = "name-{number}.csv" })
		give := func(n int, want string) {
			t.Helper()
			s.put(p, fmt.Sprintf("name-%d.csv", n), strings.Join([]string{header, person("1", "u1", fmt.Sprint("Ward ", n)), person("2", "u2")}, "\n")+"\n")
			if got := s.goes(p); got != want {
				t.Errorf("%d: %q, want %q", n, got, want)
			}
		}
		give(5, "name-5 ok")
		give(9, "name-9 ok")
		give(7, "name-7 failed E410")
		if a := s.account("u1"); a.Values[roster.Department] != "Ward 9" {
			t.Errorf("the older one was applied: %s", a.Values[roster.Department])
		}
		if got := s.goes(p); got != "nothing" {
			t.Errorf("then %q", got)
		}
	})
}
