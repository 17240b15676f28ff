package run_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"rollcall/internal/format"
	"rollcall/internal/guard"
	"rollcall/internal/journal"
	"rollcall/internal/mapping"
	"rollcall/internal/plan"
	"rollcall/internal/roster"
	"rollcall/internal/run"
	"rollcall/internal/shore"
	"rollcall/internal/source"
	"rollcall/internal/store"
)

func TestMain(m *testing.M) { shore.Main(m) }

// clock is a time that a test moves.
type clock struct {
	mu sync.Mutex
	at time.Time
}

func (c *clock) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.at
}

func (c *clock) pass(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.at = c.at.Add(d)
}

// site is a directory with its runner and the folder that HR drops files into.
type site struct {
	*run.Runner
	*clock
	t     *testing.T
	drops string
	file  int
	dsn   string
}

// engines are the databases that everything must work on.
var engines = []string{"sqlite", "postgres"}

// both runs a test on both databases.
func both(t *testing.T, f func(*testing.T, *site)) {
	for _, engine := range engines {
		t.Run(engine, func(t *testing.T) { f(t, open(t, engine)) })
	}
}

func open(t *testing.T, engine string) *site {
	t.Helper()
	dir := t.TempDir()
	if engine == "postgres" {
		return openAt(t, dir, shore.Postgres(t))
	}
	return openAt(t, dir, "sqlite:"+filepath.Join(dir, "rollcall.db"))
}

// openAt opens a site in a folder, which may have been one before.
func openAt(t *testing.T, dir, dsn string) *site {
	t.Helper()
	s := &site{t: t, clock: &clock{at: time.Date(2026, 9, 1, 6, 0, 0, 0, time.UTC)}, drops: filepath.Join(dir, "drops"), dsn: dsn}
	db, err := store.Open(t.Context(), store.Options{DSN: dsn, LockDir: filepath.Join(dir, "locks"), Now: s.now})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	if err := os.MkdirAll(s.drops, 0o700); err != nil {
		t.Fatal(err)
	}
	s.Runner = &run.Runner{
		Store: db, State: filepath.Join(dir, "state"), Log: slog.New(slog.NewTextHandler(io.Discard, nil)), Now: s.now,
		Site: "example.org", Hold: 90 * 24 * time.Hour, Limits: guard.DefaultLimits(), Version: "test",
	}
	return s
}

// feed is a profile that reads drops named after it, and suspends the missing.
func (s *site) feed(name string, more ...func(*run.Profile)) *run.Profile {
	p := &run.Profile{
		Name: name, Enabled: true, Zone: time.UTC, Digest: "v1",
		Source:  source.Defaults(),
		Format:  format.Options{Content: "full"},
		Mapping: mapping.Options{Key: roster.EmployeeID},
		Limits:  guard.DefaultLimits(),
		Plan: plan.Options{
			Profile: name, Full: true, Match: plan.Match{Key: roster.EmployeeID}, Policy: plan.DefaultPolicy(), UniqueEmail: "on",
			Required: []roster.Field{roster.Username, roster.FirstName, roster.LastName, roster.Email}, Zone: time.UTC,
		},
		Report: run.Report{When: "changes"},
	}
	p.Source.Type, p.Source.Path, p.Source.Settle = "dir", filepath.Join(s.drops, name+"-*.csv"), 0
	p.Plan.Policy.Missing = "suspend"
	p.Limits.FirstRun = "apply"
	for _, f := range more {
		f(p)
	}
	p.Plan.Set = p.Mapping.SetModes()
	return p
}

// drop writes the next file of a feed, a day after the one before.
func (s *site) drop(p *run.Profile, lines ...string) string {
	s.t.Helper()
	s.pass(24 * time.Hour)
	s.file++
	path := filepath.Join(s.drops, fmt.Sprintf("%s-%03d.csv", p.Name, s.file))
	if err := os.WriteFile(path, []byte(strings.Join(lines, "\n")+"\n"), 0o600); err != nil {
		s.t.Fatal(err)
	}
	at := s.now().Add(-time.Hour)
	if err := os.Chtimes(path, at, at); err != nil {
		s.t.Fatal(err)
	}
	return path
}

// run runs a feed from its folder and expects a status.
func (s *site) run(p *run.Profile, want journal.Status) *journal.Run {
	s.t.Helper()
	j, err := s.Run(s.t.Context(), run.Request{Profile: p, Trigger: "manual"})
	if j == nil {
		s.t.Fatalf("no run: %v", err)
	}
	if j.Status != want {
		s.t.Fatalf("run %d of %s is %s, want %s: %v %+v", j.Number, p.Name, j.Status, want, err, j.Findings)
	}
	return j
}

// read drops lines and runs the feed.
func (s *site) read(p *run.Profile, want journal.Status, lines ...string) *journal.Run {
	s.t.Helper()
	s.drop(p, lines...)
	return s.run(p, want)
}

// dump is every account, a line each, without what hangs on the clock of the test.
func (s *site) dump() string {
	s.t.Helper()
	var b strings.Builder
	for a, err := range s.Store.Accounts(context.Background(), store.AccountQuery{Status: "all", Grants: true}) {
		if err != nil {
			s.t.Fatal(err)
		}
		fmt.Fprintf(&b, "%d v%d", a.ID, a.Version)
		for f := range roster.NumFields {
			if v := a.Values[f]; v != "" {
				fmt.Fprintf(&b, " %s=%s", f, v)
			}
		}
		if a.Custom != nil {
			fmt.Fprintf(&b, " custom=%v", a.Custom)
		}
		fmt.Fprintf(&b, " origins=%v links=%+v", a.Origins, a.Links)
		for _, g := range a.Grants {
			fmt.Fprintf(&b, " %s by %s %+v", g, g.Origin, g.Terms)
		}
		b.WriteByte('\n')
	}
	return b.String()
}

func (s *site) account(ref string) *roster.Account {
	s.t.Helper()
	a, err := s.Store.Named(context.Background(), ref)
	if err != nil {
		s.t.Fatal(err)
	}
	return a
}

const header = "employee_id,username,first_name,last_name,email,department,expires_on,suspended"

// person is a row of the header.
func person(key, username string, more ...string) string {
	cells := append([]string{key, username, "First" + key, "Last" + key, "p" + key + "@example.org"}, more...)
	for len(cells) < 8 {
		cells = append(cells, "")
	}
	return strings.Join(cells, ",")
}

// people are n rows under the header.
func people(n int) []string {
	lines := []string{header}
	for i := range n {
		lines = append(lines, person(fmt.Sprintf("E%04d", i), fmt.Sprintf("user%d", i), "Ward "+fmt.Sprint(i%7)))
	}
	return lines
}

// TestTenDropsGiveTheSameAccountsOnBothDatabases is the same history, with
// renames in rings, leavers, returns and dirty rows.
func TestTenDropsGiveTheSameAccountsOnBothDatabases(t *testing.T) {
	dumps := map[string]string{}
	both(t, func(t *testing.T, s *site) {
		p := s.feed("hr", func(p *run.Profile) { p.Plan.Policy.Delete, p.Plan.Policy.DeleteAfter = true, 72*time.Hour })
		base := people(60)
		with := func(replaced map[int]string, added ...string) []string {
			lines := append([]string{}, base...)
			for i, l := range replaced {
				lines[i+1] = l
			}
			var kept []string
			for _, l := range append(lines, added...) {
				if l != "" {
					kept = append(kept, l)
				}
			}
			return kept
		}
		s.read(p, journal.OK, base...)
		s.read(p, journal.OK, with(map[int]string{0: person("E0000", "user1"), 1: person("E0001", "user2"), 2: person("E0002", "user0")})...)
		s.read(p, journal.OK, with(map[int]string{3: "", 4: ""})...)
		s.read(p, journal.Warn, with(map[int]string{5: person("E0005", "user5", "ICU", "31.02.2026"), 6: "E0006,short"})...)
		s.read(p, journal.OK, with(map[int]string{7: person("E0007", "ålesund"), 8: person("E0008", "user8", "", "", "1")}, person("E1000", "neu1"), person("E1001", "neu2"))...)
		s.read(p, journal.Warn, with(map[int]string{9: person("E0009", "user10"), 10: person("E0010", "user9")}, person("E1000", "neu1"), person("E1001", "neu2"), person("E1002", "neu2"))...)
		s.read(p, journal.OK, with(map[int]string{3: ""}, person("E1000", "neu1"))...)
		s.read(p, journal.Warn, with(map[int]string{11: person("E0011", "user11", "ICU"), 12: person("E0011", "user11", "Lab")})...)
		s.read(p, journal.OK, with(map[int]string{13: person("E0013", "user14"), 14: person("E0014", "user15"), 15: person("E0015", "fresh")})...)
		last := s.read(p, journal.OK, base...)
		if r := last.Facts.Rows; r.Read != 60 || r.Added+r.Updated+r.Renamed+r.Reactivated+r.Unchanged+r.Skipped+r.Rejected+r.Suspended+r.Deleted != 60 {
			t.Errorf("R2: rows %+v", r)
		}
		dumps[filepath.Base(t.Name())] = s.dump()
	})
	if dumps["sqlite"] != dumps["postgres"] {
		t.Errorf("the accounts differ:\n%s\n%s", dumps["sqlite"], dumps["postgres"])
	}
	if n := strings.Count(dumps["sqlite"], "\n"); n != 62 {
		t.Errorf("%d accounts, want 62:\n%s", n, dumps["sqlite"])
	}
}

func TestR5R54TwoFeedsOnOnePersonForFiveNights(t *testing.T) {
	both(t, func(t *testing.T, s *site) {
		order := map[string][]string{"email": {"ad", "hr"}, "*": {"hr"}}
		ordered := func(p *run.Profile) { p.Plan.Authority = order }
		hr, ad, school := s.feed("hr", ordered), s.feed("ad", ordered), s.feed("school", ordered)
		s.read(hr, journal.OK, header, person("1", "u1"), person("2", "u2"))
		s.read(school, journal.OK, header, person("1", "u1"), person("2", "u2"))
		s.read(ad, journal.OK, header, "1,u1,First1,Last1,ada@ad.example.org,,,")
		version := s.account("key:1").Version
		for night := range 5 {
			s.read(hr, journal.Unchanged, header, person("1", "u1"), person("2", "u2"), strings.Repeat("\n", night))
			s.read(school, journal.Unchanged, header, person("2", "u2"), strings.Repeat("\n", night))
			s.read(ad, journal.Unchanged, header, "1,u1,First1,Last1,ada@ad.example.org,,,", strings.Repeat("\n", night))
		}
		a := s.account("key:1")
		if a.Status() != roster.Active || a.Values[roster.Email] != "ada@ad.example.org" || a.Version != version {
			t.Errorf("after five nights: %s, %s, version %d, want active, AD's address, version %d", a.Status(), a.Values[roster.Email], a.Version, version)
		}
		if l := a.Link("school"); l == nil || l.Claim != roster.ClaimGone {
			t.Errorf("the school's claim is %+v, want gone", l)
		}
		s.read(hr, journal.Unchanged, header, person("2", "u2"))
		if a := s.account("key:1"); a.Status() != roster.Active {
			t.Errorf("AD still lists her: %s, want active", a.Status())
		}
	})
}

func TestAHeldRunIsApprovedRejectedSupersededAndExpires(t *testing.T) {
	both(t, func(t *testing.T, s *site) {
		p := s.feed("hr")
		s.read(p, journal.OK, people(100)...)
		before := s.dump()

		held := s.read(p, journal.Held, people(60)...)
		if held.ExitCode != 11 || s.dump() != before {
			t.Errorf("exit %d, or a held run has changed something", held.ExitCode)
		}
		if _, err := s.Run(t.Context(), run.Request{Profile: p}); !errors.Is(err, run.ErrStillHeld) {
			t.Errorf("the same bytes while they are held: %v", err)
		}
		if _, err := s.Approve(t.Context(), p, run.Decision{Run: held.Number, Digest: "sha256:other", Who: "ada"}); !errors.Is(err, store.ErrRefused) {
			t.Errorf("another digest: %v", err)
		}

		newer := s.read(p, journal.Held, people(61)...)
		if old, _ := s.Store.Run(t.Context(), held.Number); old.Status != journal.Superseded {
			t.Errorf("a newer drop came: the older is %s", old.Status)
		}
		if _, err := s.Reject(t.Context(), run.Decision{Run: newer.Number, Reason: "wrong file", Who: "ada"}); err != nil {
			t.Fatal(err)
		}
		if _, err := s.Run(t.Context(), run.Request{Profile: p}); !errors.Is(err, run.ErrNothingNew) {
			t.Errorf("R104: the same bytes after a rejection: %v", err)
		}

		third := s.read(p, journal.Held, people(62)...)
		s.pass(97 * time.Hour)
		if _, err := s.Approve(t.Context(), p, run.Decision{Run: third.Number, Who: "ada"}); !errors.Is(err, store.ErrRefused) {
			t.Errorf("an expired plan: %v", err)
		}

		s.drop(p, append(people(63), person("N1", "new1"))...)
		fourth := s.run(p, journal.Held)
		done, err := s.Approve(t.Context(), p, run.Decision{Run: fourth.Number, ExceptRemovals: true, Reason: "newcomers first", Who: "ada"})
		if err != nil || done.Status != journal.OK || done.Facts.Rows.Added != 1 || done.Excepted != 37 || done.Facts.Absent.Kept != 37 {
			t.Fatalf("except removals: %v, %s, %+v, excepted %d, absent %+v", err, done.Status, done.Facts.Rows, done.Excepted, done.Facts.Absent)
		}

		fifth := s.read(p, journal.Held, append(people(63), person("N1", "new1"), "")...)
		done, err = s.Approve(t.Context(), p, run.Decision{Run: fifth.Number, Digest: fifth.PlanDigest, Reason: "they have left", Who: "ada"})
		if err != nil || done.Facts.Absent.Suspended != 37 || done.Facts.ActiveAfter != 64 {
			t.Fatalf("approved: %v, absent %+v, active %d", err, done.Facts.Absent, done.Facts.ActiveAfter)
		}
		if _, err := s.Approve(t.Context(), p, run.Decision{Run: fifth.Number, Who: "ada"}); !errors.Is(err, store.ErrRefused) {
			t.Errorf("approved twice: %v", err)
		}
	})
}

func TestR104TheSameBytesAgain(t *testing.T) {
	both(t, func(t *testing.T, s *site) {
		p := s.feed("hr")
		first := s.read(p, journal.Warn, append(people(20), "E9,short")...)
		if _, err := s.Run(t.Context(), run.Request{Profile: p}); !errors.Is(err, run.ErrNothingNew) {
			t.Fatalf("from the source: %v", err)
		}
		path := filepath.Join(s.State, first.Input.Archive)
		spool, untouched := filepath.Join(s.State, "spool", "hr"), s.now().AddDate(-1, 0, 0)
		if err := os.Chtimes(spool, untouched, untouched); err != nil {
			t.Fatal(err)
		}
		j, err := s.Run(t.Context(), run.Request{Profile: p, File: path})
		if err != nil || j.Status != journal.Unchanged || j.ExitCode != 0 || j.Facts.Rows.Unchanged != 20 || j.Facts.Rows.Rejected != 1 {
			t.Errorf("by --file: %v, %+v", err, j)
		}
		if info, err := os.Stat(spool); err != nil || !info.ModTime().Equal(untouched) {
			t.Errorf("something was written into the spool at %v, %v: a drop that is known is not copied", info.ModTime(), err)
		}
		if _, err := s.SetStatus(t.Context(), plan.Suspend, []string{"user3"}, run.By{Who: "ada", Reason: "lost badge"}); err != nil {
			t.Fatal(err)
		}
		again := s.run(p, journal.Warn)
		if again.Facts.Rows.Unchanged != 20 || again.Facts.Notes == 0 {
			t.Errorf("an account was touched, so the drop is read again: %+v", again.Facts)
		}
		if a := s.account("user3"); a.Status() != roster.Suspended {
			t.Errorf("R61: what a person suspended is %s", a.Status())
		}
	})
}

func TestR104TheLastGoodFileSentAgainTakesThePlaceOfAPlanThatWaits(t *testing.T) {
	both(t, func(t *testing.T, s *site) {
		p := s.feed("hr")
		s.read(p, journal.OK, people(20)...)
		held := s.read(p, journal.Held, people(4)...)
		if j := s.read(p, journal.Unchanged, people(20)...); j.Facts.Rows.Unchanged != 20 {
			t.Errorf("rows %+v", j.Facts.Rows)
		}
		if was, err := s.Store.Run(t.Context(), held.Number); err != nil || was.Status != journal.Superseded {
			t.Errorf("the plan of the wrong file is %s: %v", was.Status, err)
		}
		s.drop(p, people(20)...)
		if _, err := s.Run(t.Context(), run.Request{Profile: p}); !errors.Is(err, run.ErrNothingNew) {
			t.Errorf("where nothing waits nothing is recorded: %v", err)
		}

		held = s.read(p, journal.Held, people(5)...)
		good := s.drop(p, people(20)...)
		early := s.now().Add(-30 * time.Hour) // between the last good one and the wrong one
		if err := os.Chtimes(good, early, early); err != nil {
			t.Fatal(err)
		}
		if _, err := s.Run(t.Context(), run.Request{Profile: p}); !errors.Is(err, run.ErrStillHeld) {
			t.Errorf("an older one says nothing of it: %v", err)
		}
		if j, err := s.Run(t.Context(), run.Request{Profile: p, File: good}); err != nil || j.Status != journal.Unchanged {
			t.Errorf("by name: %v", err)
		}
		if was, err := s.Store.Run(t.Context(), held.Number); err != nil || was.Status != journal.Superseded {
			t.Errorf("by name, and the plan of the wrong file is %s: %v", was.Status, err)
		}
	})
}

func TestR104AClockThatWasPutBackMakesNoOlderDropTheLastOne(t *testing.T) {
	both(t, func(t *testing.T, s *site) {
		p := s.feed("hr")
		s.read(p, journal.OK, people(20)...)
		s.drop(p, people(21)...)
		s.pass(24 * 365 * time.Hour) // the machine has started with a wrong clock
		s.run(p, journal.OK)
		s.pass(-24 * 364 * time.Hour)
		for _, n := range []int{22, 23} {
			s.read(p, journal.OK, people(n)...)
			if last, err := s.Store.LastApplied(t.Context(), "hr"); err != nil || last.Facts.Rows.Read != n {
				t.Fatalf("applied last: %d rows, want %d: %v", last.Facts.Rows.Read, n, err)
			}
		}
		s.drop(p, people(23)...)
		if _, err := s.Run(t.Context(), run.Request{Profile: p}); !errors.Is(err, run.ErrNothingNew) {
			t.Errorf("the same bytes again: %v", err)
		}
		idle, err := s.Run(t.Context(), run.Request{Profile: p, File: s.drop(p, people(23)...)})
		if err != nil || idle.Status != journal.Unchanged {
			t.Fatalf("by name: %v", err)
		}
		if last, err := s.Store.LastApplied(t.Context(), "hr"); err != nil || last.Number != idle.Number {
			t.Errorf("one that changed nothing counts: %v", err)
		}
	})
}

func TestR104BytesThatWereTakenBackOnceAndAppliedSinceAreANewDropAgain(t *testing.T) {
	both(t, func(t *testing.T, s *site) {
		p := s.feed("hr")
		s.read(p, journal.OK, people(19)...)
		path := s.drop(p, people(20)...)
		bad := s.run(p, journal.OK)
		if _, err := s.Revert(t.Context(), p, bad.Number, nil, run.By{Who: "ada", Reason: "too early"}); err != nil {
			t.Fatal(err)
		}
		s.drop(p, people(20)...)
		if _, err := s.Run(t.Context(), run.Request{Profile: p}); !errors.Is(err, run.ErrNothingNew) {
			t.Fatalf("what was taken back came of itself: %v", err)
		}
		if j, err := s.Run(t.Context(), run.Request{Profile: p, File: path}); err != nil || j.Status != journal.OK {
			t.Fatalf("by name: %v", err)
		}
		s.read(p, journal.OK, append(people(19), person("N1", "new1"))...)
		if j := s.read(p, journal.OK, people(20)...); j.Facts.Absent.Suspended != 1 {
			t.Errorf("the first bytes once more: %+v", j.Facts)
		}
	})
}

func TestR104AnOlderDropIsRefused(t *testing.T) {
	both(t, func(t *testing.T, s *site) {
		p := s.feed("hr")
		s.read(p, journal.OK, people(20)...)
		path := s.drop(p, people(19)...)
		for _, old := range []string{"hr-001.csv"} {
			if err := os.Remove(filepath.Join(s.drops, old)); err != nil {
				t.Fatal(err)
			}
		}
		at := s.now().Add(-100 * time.Hour)
		if err := os.Chtimes(path, at, at); err != nil {
			t.Fatal(err)
		}
		j := s.run(p, journal.Failed)
		if j.Code != "E410" || j.ExitCode != 12 {
			t.Errorf("code %s, exit %d", j.Code, j.ExitCode)
		}
		if j, err := s.Run(t.Context(), run.Request{Profile: p, File: path}); err != nil || j.Status != journal.OK {
			t.Errorf("asked for by name: %v", err)
		}
	})
}

func TestR103ARunIsTakenBack(t *testing.T) {
	both(t, func(t *testing.T, s *site) {
		p := s.feed("hr")
		s.read(p, journal.OK, people(30)...)
		want := withoutVersions(s.dump())
		lines := people(30)
		lines[1], lines[2] = person("E0000", "user1", "ICU"), person("E0001", "user0", "Lab")
		bad := s.read(p, journal.OK, append(lines[:29], person("N1", "new1"))...)
		back, err := s.Revert(t.Context(), p, bad.Number, nil, run.By{Who: "ada", Reason: "wrong file"})
		if err != nil || back.Status != journal.OK {
			t.Fatalf("revert: %v, %+v", err, back)
		}
		if got := withoutVersions(s.dump()); got != want {
			t.Errorf("after the revert:\n%s\nwant:\n%s", got, want)
		}
		if was, _ := s.Store.Run(t.Context(), bad.Number); was.Status != journal.Reverted {
			t.Errorf("the run that was taken back is %s", was.Status)
		}
		if _, err := s.Revert(t.Context(), p, bad.Number, nil, run.By{}); !errors.Is(err, store.ErrRefused) {
			t.Errorf("twice: %v", err)
		}
		if _, err := s.Run(t.Context(), run.Request{Profile: p}); !errors.Is(err, run.ErrNothingNew) {
			t.Errorf("the reverted bytes are not applied again by themselves: %v", err)
		}
	})
}

func TestR103WhatHasChangedSinceIsLeftAlone(t *testing.T) {
	both(t, func(t *testing.T, s *site) {
		p := s.feed("hr")
		s.read(p, journal.OK, people(30)...)
		lines := people(30)
		lines[1], lines[2] = person("E0000", "user0", "ICU"), person("E0001", "user1", "ICU")
		bad := s.read(p, journal.OK, lines...)
		lines[1] = person("E0000", "user0", "Lab")
		s.read(p, journal.OK, lines...)
		back, err := s.Revert(t.Context(), p, bad.Number, nil, run.By{Who: "ada"})
		if err != nil {
			t.Fatal(err)
		}
		if a, b := s.account("user0"), s.account("user1"); a.Values[roster.Department] != "Lab" || b.Values[roster.Department] != "Ward 1" {
			t.Errorf("departments %q and %q, want Lab and Ward 1", a.Values[roster.Department], b.Values[roster.Department])
		}
		if back.Facts.Notes != 1 || back.Facts.Rows.Updated != 1 {
			t.Errorf("what was left alone is told: %+v", back.Facts)
		}
	})
}

// withoutVersions takes out what only ever grows, and what tells when.
func withoutVersions(dump string) string {
	var b strings.Builder
	for line := range strings.Lines(dump) {
		words := strings.Fields(line)
		b.WriteString(strings.Join(append(words[:1], words[2:]...), " ") + "\n")
	}
	return b.String()
}

func TestR71TheSweepDoesWhatFallsDue(t *testing.T) {
	both(t, func(t *testing.T, s *site) {
		p := s.feed("hr")
		lines := people(30)
		lines[1] = person("E0000", "user0", "", s.now().AddDate(0, 0, 30).Format(time.DateOnly))
		s.read(p, journal.OK, lines...)
		if j, err := s.Sweep(t.Context(), "manual"); j != nil || err != nil {
			t.Errorf("nothing is due, and a run was written: %+v, %v", j, err)
		}
		s.pass(31 * 24 * time.Hour)
		j, err := s.Sweep(t.Context(), "manual")
		if err != nil || j == nil || j.Status != journal.OK || j.Facts.ByDate.Expired != 1 {
			t.Fatalf("sweep: %v, %+v", err, j)
		}
		if a := s.account("user0"); a.Status() != roster.Suspended || a.Values[roster.StatusReason] != "expired" || a.Values[roster.StatusBy] != "date:" {
			t.Errorf("%s, %s, by %s", a.Status(), a.Values[roster.StatusReason], a.Values[roster.StatusBy])
		}
	})
}

func TestR74ASweepOverTheLimitIsHeldOnce(t *testing.T) {
	both(t, func(t *testing.T, s *site) {
		p := s.feed("hr")
		lines := []string{header}
		day := s.now().AddDate(0, 0, 30).Format(time.DateOnly)
		for i := range 20 {
			lines = append(lines, person(fmt.Sprint(i), fmt.Sprintf("u%d", i), "", day))
		}
		s.read(p, journal.OK, lines...)
		s.pass(31 * 24 * time.Hour)
		j, err := s.Sweep(t.Context(), "schedule")
		if err != nil || j == nil || j.Status != journal.Held {
			t.Fatalf("sweep: %v, %+v", err, j)
		}
		if again, err := s.Sweep(t.Context(), "schedule"); again != nil || err != nil {
			t.Errorf("the same sweep is held twice: %+v, %v", again, err)
		}
		done, err := s.Approve(t.Context(), nil, run.Decision{Run: j.Number, Reason: "the course has ended", Who: "ada"})
		if err != nil || done.Facts.ByDate.Expired != 20 {
			t.Errorf("approved: %v, %+v", err, done)
		}
	})
}

func TestAFirstRunIsHeldAndAYesPassesIt(t *testing.T) {
	both(t, func(t *testing.T, s *site) {
		p := s.feed("hr", func(p *run.Profile) { p.Limits.FirstRun = "hold" })
		first := s.read(p, journal.Held, people(10)...)
		if _, err := s.Reject(t.Context(), run.Decision{Run: first.Number, Who: "ada", Reason: "look again"}); err != nil {
			t.Fatal(err)
		}
		s.drop(p, people(11)...)
		j, err := s.Run(t.Context(), run.Request{Profile: p, Yes: true})
		if err != nil || j.Status != journal.OK || j.Facts.Rows.Added != 11 {
			t.Errorf("run --yes: %v, %+v", err, j)
		}
	})
}

func TestOnHoldRemovalsLetsTheRestIn(t *testing.T) {
	both(t, func(t *testing.T, s *site) {
		p := s.feed("hr", func(p *run.Profile) { p.Limits.OnHold = "removals" })
		s.read(p, journal.OK, people(100)...)
		j := s.read(p, journal.Warn, append(people(85), person("N1", "new1"))...)
		if j.Facts.Rows.Added != 1 || j.Excepted != 15 || j.Facts.ActiveAfter != 101 {
			t.Errorf("%+v, excepted %d", j.Facts, j.Excepted)
		}
	})
}

func TestAPlanIsAppliedLaterButNotOverANewerRun(t *testing.T) {
	both(t, func(t *testing.T, s *site) {
		p := s.feed("hr")
		s.read(p, journal.OK, people(30)...)
		s.drop(p, append(people(30), person("N1", "new1"))...)
		planned, err := s.Run(t.Context(), run.Request{Profile: p, Dry: true})
		if err != nil || planned.Status != journal.Dry {
			t.Fatalf("plan: %v", err)
		}
		if _, err := s.Store.Named(t.Context(), "new1"); !errors.Is(err, store.ErrNone) {
			t.Fatal("a plan has changed something")
		}
		done, err := s.ApplyStored(t.Context(), p, run.Decision{Run: planned.Number, Who: "ada"})
		if err != nil || done.Status != journal.OK || done.DryRun || done.Number != planned.Number {
			t.Fatalf("apply: %v, %+v", err, done)
		}
		s.drop(p, append(people(30), person("N1", "new1"), person("N2", "new2"))...)
		old, err := s.Run(t.Context(), run.Request{Profile: p, Dry: true})
		if err != nil {
			t.Fatal(err)
		}
		s.read(p, journal.OK, append(people(30), person("N1", "new1"), person("N3", "new3"))...)
		if _, err := s.ApplyStored(t.Context(), p, run.Decision{Run: old.Number}); !errors.Is(err, store.ErrRefused) {
			t.Errorf("a plan that a newer run has overtaken: %v", err)
		}
	})
}

func TestARefusedDropIsAFailedRunThatChangesNothing(t *testing.T) {
	both(t, func(t *testing.T, s *site) {
		p := s.feed("hr")
		s.read(p, journal.OK, people(30)...)
		before := s.dump()
		for name, lines := range map[string][]string{
			"E411": {"id,login", "1,x"},
			"E102": {header, `1,"u1`, person("2", "u2"), person("3", "u3"), `",a,b,c,d,e,f`},
		} {
			j := s.read(p, journal.Failed, lines...)
			if j.Code != name || j.ExitCode != 12 || j.Error == "" {
				t.Errorf("%s: code %s, exit %d, %q", name, j.Code, j.ExitCode, j.Error)
			}
		}
		if s.dump() != before {
			t.Error("a refused drop has changed accounts")
		}
	})
}
