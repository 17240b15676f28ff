package plan

import (
	gocmp "cmp"
	"context"
	"errors"
	"iter"
	"math/rand/v2"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"rollcall/internal/roster"
)

func planned(t *testing.T, o Options, m *memory, rows ...roster.Entry) (Plan, Facts) {
	t.Helper()
	return plannedAt(t, o, m, noon, rows...)
}

func plannedAt(t *testing.T, o Options, m *memory, at time.Time, rows ...roster.Entry) (Plan, Facts) {
	t.Helper()
	var p Plan
	f, err := Make(context.Background(), o, drop(rows...), m, &p, at)
	if err != nil {
		t.Fatal(err)
	}
	r := f.Rows
	if sum := r.Added + r.Updated + r.Renamed + r.Reactivated + r.Suspended + r.Deleted + r.Unchanged + r.Skipped + r.Rejected; sum != r.Read || r.Read != len(rows) {
		t.Errorf("R2: the rows add up to %d, read %d, want %d", sum, r.Read, len(rows))
	}
	if a := f.Absent; a.Kept+a.Suspended+a.Deleted != a.Total {
		t.Errorf("R2: the absent add up to %+v", a)
	}
	return p, f
}

func off() *bool { b := false; return &b }
func on() *bool  { b := true; return &b }

func number(e *roster.Entry)   { e.Number = true }
func template(e *roster.Entry) { e.Number, e.Template = true, true }

// unnumbered is a template's name under on_taken: reject.
func unnumbered(e *roster.Entry) { e.Template = true }

func bad(code string) func(*roster.Entry) {
	return func(e *roster.Entry) { e.Problems = append(e.Problems, roster.NewProblem(code, e.Line, e.Key)) }
}

// A story is accounts 1, 2 and 3 of profile hr, a drop, and what the plan says of
// it. They stand by subject in stories_*_test.go.
type story struct {
	name string
	with func(*Options, *memory)
	rows []roster.Entry
	want []string
}

func tell(t *testing.T, stories []story) {
	for _, tt := range stories {
		t.Run(tt.name, func(t *testing.T) {
			o, m := staff(), directory("1", "2", "3")
			if tt.with != nil {
				tt.with(&o, m)
			}
			p, _ := planned(t, o, m, tt.rows...)
			if diff := cmp.Diff(tt.want, p.told()); diff != "" {
				t.Fatalf("plan differs (-want +got):\n%s", diff)
			}
			m.apply(p)
			if o.Policy.Upload == "add_all" {
				return
			}
			again, _ := planned(t, o, m, tt.rows...)
			if len(again.Changes) > 0 {
				t.Errorf("R6: applied, and planned again: %v", again.told())
			}
		})
	}
}

// byUsername makes the username the key.
func byUsername(o *Options, m *memory) {
	o.Match.Key = roster.Username
	o.Policy.Rename = on()
	for i := range m.accounts {
		m.accounts[i].Links[0].Key = roster.Key(m.accounts[i].Values[roster.Username])
	}
}

// was says what the name was before.
func was(name string) func(*roster.Entry) { return func(e *roster.Entry) { e.OldUsername = name } }

// defaults gives a newcomer a city.
func defaults(city string) func(*roster.Entry) {
	return func(e *roster.Entry) {
		e.Defaults[roster.City], e.HasDef = city, e.HasDef.With(roster.City)
	}
}

// before says what the key was before.
func before(key roster.Key) func(*roster.Entry) {
	return func(e *roster.Entry) { e.PreviousKey = key }
}

// made gives an address that needs the username; "" makes it of the username.
func made(mail string) func(*roster.Entry) {
	return func(e *roster.Entry) {
		without(roster.Email)(e)
		e.Late = []roster.Late{{Field: roster.Email, Value: func(name string) string { return gocmp.Or(mail, name+"@example.org") }}}
	}
}

// named is a row of a profile whose key is the username.
func named(line int, name string, more ...func(*roster.Entry)) roster.Entry {
	e := roster.Entry{Line: line, Key: roster.Key(name)}
	e.Values[roster.Username] = name
	e.Set = e.Set.With(roster.Username)
	for _, f := range more {
		f(&e)
	}
	return e
}

// unlinked makes account 3 one that nobody owns and that has no key.
func unlinked(_ *Options, m *memory) {
	a := m.account("3")
	a.Values[roster.EmployeeID], a.Links = "", nil
}

func state3(status roster.Status, by roster.Origin, why roster.Reason) func(*Options, *memory) {
	return func(_ *Options, m *memory) {
		a := m.account("3")
		a.Values[roster.StatusField], a.Values[roster.StatusBy], a.Values[roster.StatusReason] = string(status), string(by), string(why)
		a.Values[roster.StatusSince] = roster.Stamp(noon.Add(-time.Hour))
		a.Links[0].Claim = roster.ClaimGone
	}
}

func suspended3(o *Options, m *memory) { state3(roster.Suspended, "hr", roster.Missing)(o, m) }
func fed3(o *Options, m *memory)       { state3(roster.Suspended, "hr", roster.FeedSays)(o, m) }
func deleted3(o *Options, m *memory)   { state3(roster.Deleted, "hr", roster.FeedDelete)(o, m) }

func expired3(o *Options, m *memory) {
	state3(roster.Suspended, roster.OriginDate, roster.Expired)(o, m)
	a := m.account("3")
	a.Values[roster.ExpiresOn], a.Values[roster.ExpiresAt] = "2026-08-31", "2026-09-01T00:00:00Z"
	a.Links[0].Claim = roster.ClaimActive
}

func TestR5AnAccountStaysWhileAnyFeedClaimsIt(t *testing.T) {
	m := directory("1")
	school := staff()
	school.Profile = "school"
	adopt, _ := planned(t, school, m, row(2, "1", "u1"))
	m.apply(adopt)
	if m.account("1").Link("school") == nil {
		t.Fatal("the second feed did not link the account that it found by its key")
	}

	gone, facts := planned(t, school, m, row(2, "9", "u9"))
	m.apply(gone)
	if got := m.account("1").Status(); got != roster.Active || facts.Absent.Kept != 1 {
		t.Errorf("school drops her, HR keeps her: status %s, absent %+v, want active and one kept", got, facts.Absent)
	}

	left, _ := planned(t, staff(), m)
	m.apply(left)
	if got := m.account("1").Status(); got != roster.Suspended {
		t.Errorf("HR drops her too: status %s, want suspended", got)
	}
}

func TestR5UnderKeepAbsenceStillWithdrawsTheClaim(t *testing.T) {
	m := directory("1")
	school := staff()
	school.Profile, school.Policy.Missing = "school", "keep"
	for _, rows := range [][]roster.Entry{{row(2, "1", "u1")}, {row(2, "9", "u9")}} {
		p, _ := planned(t, school, m, rows...)
		m.apply(p)
	}
	p, _ := planned(t, staff(), m)
	m.apply(p)
	if got := m.account("1").Status(); got != roster.Suspended {
		t.Errorf("nobody lists her any more: status %s, want suspended", got)
	}
}

func TestR54AuthorityDecidesAndNothingFlips(t *testing.T) {
	order := map[string][]string{"email": {"ad", "hr"}, "*": {"hr"}}
	m := directory("1")
	hr, ad := staff(), staff()
	ad.Profile = "ad"
	hr.Authority, ad.Authority = order, order
	fromHR := row(2, "1", "u1", says(roster.City, "Ulm"))
	fromAD := row(2, "1", "u1", says(roster.Email, "ad@example.org"), says(roster.City, "Bonn"))
	for night := range 5 {
		for _, feed := range []struct {
			o   Options
			row roster.Entry
		}{{hr, fromHR}, {ad, fromAD}} {
			p, _ := planned(t, feed.o, m, feed.row)
			for _, c := range p.Changes {
				if night > 0 && c.Action != Claim {
					t.Errorf("night %d, %s: %v", night, feed.o.Profile, p.told())
				}
			}
			m.apply(p)
		}
	}
	if a := m.account("1"); a.Values[roster.Email] != "ad@example.org" || a.Values[roster.City] != "Ulm" {
		t.Errorf("email %q, city %q; want AD's address and HR's city", a.Values[roster.Email], a.Values[roster.City])
	}
}

func TestR54WhoNoLongerClaimsTheAccountDoesNotWriteAgainstWhoDoes(t *testing.T) {
	m := directory("1")
	ad := staff()
	ad.Profile = "ad"
	for _, feed := range []struct {
		o   Options
		row roster.Entry
	}{{staff(), row(2, "1", "u1", says(roster.City, "Ulm"))}, {ad, row(2, "1", "u1")}, {staff(), row(2, "1", "u1", wishes(roster.WishLeaver))}, {ad, row(2, "1", "u1", says(roster.City, "Bonn"))}} {
		p, _ := planned(t, feed.o, m, feed.row)
		m.apply(p)
	}
	p, _ := planned(t, staff(), m, row(2, "1", "u1", says(roster.City, "Ulm"), wishes(roster.WishLeaver)))
	m.apply(p)
	if got := m.account("1").Values[roster.City]; got != "Bonn" {
		t.Errorf("HR says leaver, AD lists her: city %q, want AD's", got)
	}
}

func TestR60AnEmptyCellKeepsWhatTheFeedSaidLast(t *testing.T) {
	m := directory("1")
	for _, rows := range [][]roster.Entry{{}, {row(2, "1", "u1", wishes(roster.WishSuspend))}, {row(2, "1", "u1")}} {
		p, _ := planned(t, staff(), m, rows...)
		m.apply(p)
	}
	if a := m.account("1"); a.Status() != roster.Suspended || a.Values[roster.StatusReason] != string(roster.FeedSays) {
		t.Errorf("absent, then suspended 1, then empty: %s for %s", a.Status(), a.Values[roster.StatusReason])
	}
}

func TestR54ALowerOriginIsANote(t *testing.T) {
	m := directory("1")
	ad := staff()
	ad.Profile = "ad"
	p, f := planned(t, ad, m, row(2, "1", "u1", says(roster.LastName, "Other")))
	if f.Notes != 1 || p.Problems[0].Code != "E310" || p.Problems[0].Field != "last_name" {
		t.Errorf("problems = %+v", p.Problems)
	}
}

func TestR72AFutureStartIsAddedSuspended(t *testing.T) {
	m := directory()
	p, _ := planned(t, staff(), m, row(2, "1", "u1", says(roster.StartsOn, "2026-12-01")))
	m.apply(p)
	a := m.account("1")
	if a.Status() != roster.Suspended || a.Values[roster.StatusReason] != string(roster.NotStarted) || a.Values[roster.StartsAt] != "2026-12-01T00:00:00Z" {
		t.Fatalf("status %s, reason %s, starts at %s", a.Status(), a.Values[roster.StatusReason], a.Values[roster.StartsAt])
	}
	p, f := plannedAt(t, staff(), m, time.Date(2026, 12, 1, 6, 0, 0, 0, time.UTC), row(2, "1", "u1", says(roster.StartsOn, "2026-12-01")))
	if f.ByDate.Started != 1 || f.Rows.Unchanged != 1 || !p.Changes[0].ByDate {
		t.Errorf("on the day: by date %+v, rows %+v", f.ByDate, f.Rows)
	}
}

func TestR72WhoHadExpiredAndStartsLaterIsTheSweepsToStart(t *testing.T) {
	o, m := staff(), directory("3")
	expired3(&o, m)
	p, _ := planned(t, o, m, row(2, "3", "u3", says(roster.ExpiresOn, "2026-12-31"), says(roster.StartsOn, "2026-10-01")))
	m.apply(p)
	if a := m.account("3"); a.Status() != roster.Suspended || a.Values[roster.StatusReason] != string(roster.NotStarted) {
		t.Errorf("%s, %s; want suspended, not_started", a.Status(), a.Values[roster.StatusReason])
	}
}

func TestR70DaysEndInTheirZoneAlsoWhenClocksChange(t *testing.T) {
	tests := []struct{ day, zone, want string }{
		{"2026-12-31", "UTC", "2027-01-01T00:00:00Z"},
		{"2026-12-31", "America/New_York", "2027-01-01T05:00:00Z"},
		{"2027-03-28", "Europe/Madrid", "2027-03-28T22:00:00Z"}, // 23 hours long
		{"2026-10-25", "Europe/Madrid", "2026-10-25T23:00:00Z"}, // 25 hours long
		{"2026-12-31T15:30:00+01:00", "UTC", "2026-12-31T14:30:00Z"},
	}
	for _, tt := range tests {
		zone, err := time.LoadLocation(tt.zone)
		if err != nil {
			t.Fatal(err)
		}
		if got := roster.Stamp(EndOf(tt.day, zone)); got != tt.want {
			t.Errorf("EndOf(%s, %s) = %s, want %s", tt.day, tt.zone, got, tt.want)
		}
	}
}

func TestR74ADateWithinSevenDaysCountsAsARemoval(t *testing.T) {
	for day, want := range map[string]int{"2026-09-07": 1, "2026-09-08": 0, "2026-08-31": 1} {
		_, f := planned(t, staff(), directory("1"), row(2, "1", "u1", says(roster.ExpiresOn, day)))
		if f.Removals != want {
			t.Errorf("expires_on %s on 2026-09-01 12:00: %d removals, want %d", day, f.Removals, want)
		}
	}
}

func TestR3WithheldRemovalsAreCounted(t *testing.T) {
	_, f := planned(t, staff(), directory("1", "2"), row(2, "", "x", bad("E120"), without(roster.Email)))
	if f.Withheld != 2 || f.UnreadableKeys != 1 || f.Absent.Kept != 2 {
		t.Errorf("withheld %d, unreadable %d, absent %+v", f.Withheld, f.UnreadableKeys, f.Absent)
	}
}

func TestR62AKeptAbsenceSaysWhatSuspendWouldDo(t *testing.T) {
	o := staff()
	o.Policy.Missing = "keep"
	_, f := planned(t, o, directory("1", "2", "3"), row(2, "1", "u1"))
	if f.WouldSuspend != 2 {
		t.Errorf("would suspend %d, want 2", f.WouldSuspend)
	}
}

func TestCanariesThatAreMissingAreNamed(t *testing.T) {
	o := staff()
	o.Canaries = []roster.Key{"1", "2"}
	_, f := planned(t, o, directory("1", "2"), row(2, "1", "u1"))
	if !slices.Equal(f.MissingCanaries, []string{"2"}) {
		t.Errorf("missing canaries %v", f.MissingCanaries)
	}
}

func TestRejectionsThatWereThereBeforeAreNotNew(t *testing.T) {
	m := directory("1")
	p, f := planned(t, staff(), m, row(2, "1", "u1", bad("E104")))
	if f.NewRejected != 1 {
		t.Fatalf("first night: %d new", f.NewRejected)
	}
	o := staff()
	o.Known = map[string]time.Time{p.Problems[0].Identity(): noon}
	p, f = planned(t, o, m, row(7, "1", "u1", bad("E104")))
	if f.NewRejected != 0 || !p.Problems[0].Since.Equal(noon) {
		t.Errorf("second night: %d new, since %v", f.NewRejected, p.Problems[0].Since)
	}
}

// A drop larger than a chunk, and than what is held in memory, plans the same
// in any order.
func TestR4AnyOrderOfManyRowsGivesOnePlan(t *testing.T) {
	var rows []roster.Entry
	for i := range 3*keep + 7 {
		k := strconv.Itoa(i)
		rows = append(rows, row(i+2, k, "u"+k))
	}
	want, _ := planned(t, staff(), directory("1", "2", "3"), rows...)
	rng := rand.New(rand.NewPCG(1, 2))
	rng.Shuffle(len(rows), func(i, j int) { rows[i], rows[j] = rows[j], rows[i] })
	got, _ := planned(t, staff(), directory("1", "2", "3"), rows...)
	if diff := cmp.Diff(want.told(), got.told()); diff != "" {
		t.Errorf("plans differ:\n%s", diff)
	}
	if len(got.Changes) != len(rows)-3 {
		t.Errorf("%d changes, want %d", len(got.Changes), len(rows)-3)
	}
}

func TestAReaderThatFailsEndsThePlanning(t *testing.T) {
	refused := &roster.Refusal{Code: "E408", Text: "cut"}
	failing := func() iter.Seq2[roster.Entry, error] {
		return func(yield func(roster.Entry, error) bool) {
			if yield(row(2, "1", "u1"), nil) {
				yield(roster.Entry{}, refused)
			}
		}
	}
	var p Plan
	_, err := Make(context.Background(), staff(), failing, directory("1", "2"), &p, noon)
	if !errors.Is(err, error(refused)) || len(p.Changes) != 0 {
		t.Errorf("error %v, %d changes", err, len(p.Changes))
	}
}

// TestR33NewcomersComeInTheOrderOfTheRowsWhicheverPassHasFoundThemNew mixes records
// of whom nothing is known with one whose address somebody bears: that one waits
// for another pass, and is added in its turn all the same.
func TestR33NewcomersComeInTheOrderOfTheRowsWhicheverPassHasFoundThemNew(t *testing.T) {
	o, m := staff(), directory("1", "2", "3")
	o.UniqueEmail = "off"
	first := row(2, "8", "jdoe", template, says(roster.Email, m.accounts[0].Values[roster.Email]))
	p, _ := planned(t, o, m, first, row(3, "9", "jdoe", template), row(4, "1", "u1"), row(5, "2", "u2"), row(6, "3", "u3"))
	var names []string
	for _, c := range p.Changes {
		names = append(names, string(c.Key)+" "+c.Username)
	}
	if diff := cmp.Diff([]string{"8 jdoe", "9 jdoe2"}, names); diff != "" {
		t.Errorf("added (-want +got):\n%s", diff)
	}
}
