package nights

import (
	"fmt"
	"math/rand/v2"
	"os"
	"strconv"
	"testing"
	"time"

	"rollcall/internal/journal"
	"rollcall/internal/proof"
	"rollcall/internal/roster"
)

// first is the day of the first night, a Tuesday.
var first = time.Date(2026, 9, 1, 0, 0, 0, 0, time.UTC)

const sixty = 60

// The nights on which something stands in the calendar of the site. Three of
// them are announced: the first run, the closure and the reorganisation change
// more than the guardrails let pass, a person looks and approves, and that is
// no false hold. Every other hold is one.
const (
	holiday  = 12 // and the night after: HR's file has the same bytes
	late     = 17 // the file comes at noon
	closure  = 20
	lostKey  = 24 // a row without a key
	doubled  = 27 // the same file under two names
	silent   = 33 // no file at all
	reorg    = 38
	lostKey2 = 45
)

// A simulation is a site beside its hospital.
type simulation struct {
	*site
	*hospital
	t          *testing.T
	falseHolds []string
	announced  int
}

func simulate(t *testing.T, engine string, size int, seed uint64) *simulation {
	return &simulation{site: open(t, engine, first), hospital: newHospital(size, seed, first), t: t}
}

// pass lets a night pass, with the file of HR's day.
func (s *simulation) pass(announced string) {
	lines, rows := s.file()
	s.lay(join(lines))
	s.applyTonight(announced, rows)
}

// applyTonight runs the feed and then the sweep, as the daemon does, and is the
// person who is asked where a run is held.
func (s *simulation) applyTonight(announced string, rows int) {
	s.t.Helper()
	switch j := s.run(); {
	case j != nil:
		s.judge(j, announced)
		if j.Facts.Rows.Read != rows {
			s.t.Errorf("night %d: run %d read %d rows, the file has %d", s.night, j.Number, j.Facts.Rows.Read, rows)
		}
	case announced != "":
		s.t.Errorf("night %d: nothing new, where %s was announced", s.night, announced)
	}
	s.applied()
	s.sweep()
}

// judge counts what is held and approves it.
func (s *simulation) judge(j *journal.Run, announced string) {
	s.t.Helper()
	switch {
	case j.Status == journal.Held && announced != "":
		s.announced++
		j = s.approve(j, announced)
	case j.Status == journal.Held:
		s.falseHolds = append(s.falseHolds, fmt.Sprintf("night %d: %s", s.night, tripped(j)))
		j = s.approve(j, "an ordinary night")
	case announced != "":
		s.t.Errorf("night %d: %s did not hold: %s", s.night, announced, j.Status)
	}
	if !j.Status.Applied() {
		s.t.Fatalf("night %d: run %d is %s: %s", s.night, j.Number, j.Status, j.Error)
	}
	s.addsUp(j)
}

// addsUp checks both ledgers (R2) and the number of active accounts.
func (s *simulation) addsUp(j *journal.Run) {
	s.t.Helper()
	r, a := j.Facts.Rows, j.Facts.Absent
	if sum := r.Added + r.Updated + r.Renamed + r.Reactivated + r.Suspended + r.Deleted + r.Unchanged + r.Skipped + r.Rejected; sum != r.Read {
		s.t.Errorf("night %d: R2: %d of %d rows are accounted for: %+v", s.night, sum, r.Read, r)
	}
	if sum := a.Kept + a.Suspended + a.Deleted; sum != a.Total {
		s.t.Errorf("night %d: R2: %d of %d absent are accounted for: %+v", s.night, sum, a.Total, a)
	}
	if j.LeftOut > 0 {
		s.t.Errorf("night %d: %d changes were left out", s.night, j.LeftOut)
	}
	if n, err := s.Store.Count(s.t.Context()); err != nil || j.Kind == journal.Sync && n[roster.Active] != j.Facts.ActiveAfter {
		s.t.Errorf("night %d: %d accounts are active, the run says %d: %v", s.night, n[roster.Active], j.Facts.ActiveAfter, err)
	}
}

// withoutAFile is a night on which nothing came: yesterday's file is read again
// where a date has something to do, and says nothing new.
func (s *simulation) withoutAFile() {
	s.t.Helper()
	if j := s.run(); j != nil {
		s.judge(j, "")
		if n := j.Facts.Changes() - j.Facts.ByDate.Expired - j.Facts.ByDate.Started - j.Facts.Absent.Deleted; n != 0 {
			s.t.Errorf("night %d: %d changes without a file: %+v", s.night, n, j.Facts)
		}
	}
	s.sweep()
}

// sweep does what a date asks for; a held one is a false hold like any other.
func (s *simulation) sweep() {
	s.t.Helper()
	j, err := s.Sweep(s.t.Context(), "schedule")
	if err != nil {
		s.t.Fatalf("night %d: sweep: %v", s.night, err)
	}
	if j != nil {
		s.judge(j, "")
	}
}

// holdAgainstTruth compares every account with what HR knows of its person.
func (s *simulation) holdAgainstTruth() {
	s.t.Helper()
	accounts, staff := s.accounts(), s.byKey()
	for key := range accounts {
		if w := staff[key]; w == nil || !w.known {
			s.t.Errorf("night %d: the account of %s is nobody's", s.night, key)
		}
	}
	for key, w := range staff {
		a, exists := accounts[key]
		if exists != w.known {
			s.t.Errorf("night %d: %s has an account: %t, want %t (dirt %d)", s.night, key, exists, w.known, w.dirt)
			continue
		}
		if got, want := exists && a.Status() == roster.Active, s.active(w); got != want {
			s.t.Errorf("night %d: %s is active: %t, want %t (dirt %d, gone %t, starts %s, ends %s, %s)", s.night, key, got, want, w.dirt, w.gone, day(w.starts), day(w.ends), a.Values[roster.StatusReason])
		}
		if !w.known || w.gone || w.dirt != clean {
			continue
		}
		for f, want := range map[roster.Field]string{
			roster.Username: w.login, roster.FirstName: w.first, roster.LastName: w.last, roster.Email: w.mail,
			roster.Department: w.ward, roster.Title: w.title, roster.Phone1: w.phone,
		} {
			if got := a.Values[f]; got != want {
				s.t.Errorf("night %d: %s of %s is %q, want %q", s.night, f, key, got, want)
			}
		}
	}
}

// sixtyNights is the whole simulation.
func (s *simulation) sixtyNights(look int) {
	s.pass("first run")
	for n := 1; n < sixty && !s.t.Failed(); n++ {
		s.at = s.at.Add(24 * time.Hour)
		switch n {
		case holiday, holiday + 1:
			s.night++
			s.today = s.today.AddDate(0, 0, 1)
			s.pass("") // the hospital has not moved: the bytes are the same
		case late:
			s.day()
			s.withoutAFile()
			s.at = s.at.Add(6 * time.Hour)
			s.pass("")
			s.at = s.at.Add(-6 * time.Hour)
		case closure:
			s.closeWard()
			s.pass("the closure of a ward")
		case lostKey, lostKey2:
			s.day()
			s.loseKey()
			s.pass("")
		case doubled:
			s.day()
			lines, _ := s.file()
			s.lay(join(lines))
			s.pass("")
		case silent:
			s.day()
			s.withoutAFile()
			continue // nothing of the day is known yet
		case reorg:
			s.reorganise()
			s.pass("a reorganisation")
		default:
			s.day()
			s.pass("")
		}
		if n%look == 0 || n == sixty-1 {
			s.holdAgainstTruth()
		}
	}
}

// seeds are fixed in the short form. Those that the long form adds are new each
// time; a test bears its seed in its name, and NIGHTS_SEED repeats that one.
func seeds(t *testing.T, short, long int) []uint64 {
	t.Helper()
	if again := os.Getenv("NIGHTS_SEED"); again != "" {
		seed, err := strconv.ParseUint(again, 10, 64)
		if err != nil {
			t.Fatal(err)
		}
		return []uint64{seed}
	}
	var all []uint64
	for n := range proof.Long(short, long) {
		seed := uint64(n)
		if n >= short {
			seed = rand.Uint64()
		}
		all = append(all, seed)
	}
	return all
}

// TestSixtyHealthyNightsHoldFalselyAtMostOnce is the counter-test to all
// guardrails: holds that cry wolf teach people to approve blindly.
func TestSixtyHealthyNightsHoldFalselyAtMostOnce(t *testing.T) {
	for _, tt := range []struct {
		size, look  int
		short, long int // simulations, each with a seed of its own
		engines     []string
	}{
		{300, 1, 3, 20, []string{"sqlite"}},
		{300, 1, 0, 4, []string{"postgres"}},
		{5000, 20, 1, 2, []string{"sqlite"}},
		{5000, 20, 0, 1, []string{"postgres"}},
	} {
		for _, engine := range tt.engines {
			for _, seed := range seeds(t, tt.short, tt.long) {
				t.Run(fmt.Sprintf("%d people on %s with the seed %d", tt.size, engine, seed), func(t *testing.T) {
					t.Parallel()
					s := simulate(t, engine, tt.size, seed)
					s.sixtyNights(tt.look)
					if len(s.falseHolds) > 1 {
						t.Errorf("%d false holds: %q", len(s.falseHolds), s.falseHolds)
					}
					if s.announced != 3 {
						t.Errorf("%d announced holds, want 3", s.announced)
					}
					t.Logf("%d false holds %q", len(s.falseHolds), s.falseHolds)
					proof.Note(t, fmt.Sprintf("sixty nights, %d people", tt.size), proof.Count{What: "nights", N: sixty}, proof.Count{What: "false holds", N: len(s.falseHolds)})
				})
			}
		}
	}
}
