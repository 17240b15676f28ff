// Package nights has no program in it: its tests let rollcall run for sixty
// nights beside a healthy HR department, and then lay the accidents of others
// before it.
package nights

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"rollcall/config"
	"rollcall/internal/guard"
	"rollcall/internal/journal"
	"rollcall/internal/roster"
	"rollcall/internal/run"
	"rollcall/internal/shore"
	"rollcall/internal/store"
)

func TestMain(m *testing.M) { shore.Main(m) }

// A site is rollcall as an operator has set it up, with a clock that the test moves.
type site struct {
	*run.Runner
	t *testing.T
	p *run.Profile

	standing string // the profile as it is written, before anybody edits it
	repair   func() // mends what an accident has broken; nil: nothing is broken

	at    time.Time
	dir   string
	drops string
	files int
}

// profile is what the operator has written; nothing in it loosens a guardrail.
const profile = `version: 1
source: {type: dir, path: "%s/staff_*", settle: 0s}
format: {delimiter: ";", encoding: utf-8, content: full}
map:
  employee_id: PersonNo
  username: Login
  first_name: GivenName
  last_name: FamilyName
  email: WorkEmail
  department: Ward
  title: Title
  phone1: Phone
  starts_on: {from: Start, date: DD.MM.YYYY}
  expires_on: {from: End, date: DD.MM.YYYY, blank: clear}
  status: {from: Status, values: {A: active, L: leave}}
policy: {missing: suspend, delete: on, delete_after: 30d}
report: {when: never}
`

// open makes a site, on "sqlite" or "postgres", on the evening of the first day.
func open(t *testing.T, engine string, first time.Time) *site {
	t.Helper()
	s := &site{t: t, at: first.Add(5*time.Hour + 30*time.Minute), dir: t.TempDir()}
	s.drops = filepath.Join(s.dir, "drops")
	dsn := "sqlite:" + filepath.Join(s.dir, "rollcall.db")
	if engine == "postgres" {
		dsn = shore.Postgres(t)
	}
	db, err := store.Open(t.Context(), store.Options{DSN: dsn, LockDir: filepath.Join(s.dir, "locks"), Now: s.now})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	if err := os.MkdirAll(s.drops, 0o700); err != nil {
		t.Fatal(err)
	}
	s.Runner = &run.Runner{
		Store: db, State: filepath.Join(s.dir, "state"), Log: slog.New(slog.NewTextHandler(io.Discard, nil)), Now: s.now,
		Site: "example.org", Hold: 90 * 24 * time.Hour, Limits: guard.DefaultLimits(), Version: "test",
	}
	s.standing = fmt.Sprintf(profile, s.drops)
	s.configure(s.standing)
	return s
}

func (s *site) now() time.Time { return s.at }

// configure reads a profile as the program does.
func (s *site) configure(text string) {
	s.t.Helper()
	path := filepath.Join(s.dir, "rollcall.yaml")
	err := errors.Join(
		os.MkdirAll(filepath.Join(s.dir, "profiles.d"), 0o700),
		os.WriteFile(path, []byte("version: 1\n"), 0o600),
		os.WriteFile(filepath.Join(s.dir, "profiles.d", "hr.yaml"), []byte(text), 0o600),
	)
	if err != nil {
		s.t.Fatal(err)
	}
	c, err := config.Load(path)
	if err != nil {
		s.t.Fatal(err)
	}
	p, err := c.Profile("hr")
	if err != nil {
		s.t.Fatal(err)
	}
	s.p = &run.Profile{
		Name: p.Name, Enabled: true, Zone: p.Zone, Source: p.Source, Format: p.Format,
		Mapping: c.MappingOptions(p), Plan: c.PlanOptions(p), Limits: p.Guardrails, Report: run.Report{When: p.Report.When}, Digest: p.Digest(),
	}
}

// lay puts a file into the folder, an hour old. Its name ends with suffix, .csv
// where none is given.
func (s *site) lay(text string, suffix ...string) string {
	s.t.Helper()
	s.files++
	path := filepath.Join(s.drops, fmt.Sprintf("staff_%03d%s", s.files, strings.Join(append(suffix, ".csv")[:1], "")))
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		s.t.Fatal(err)
	}
	at := s.at.Add(-time.Hour).Add(time.Duration(s.files) * time.Second)
	if err := os.Chtimes(path, at, at); err != nil {
		s.t.Fatal(err)
	}
	return path
}

func join(lines []string) string { return strings.Join(lines, "\n") + "\n" }

// run runs the profile from its folder; nil where there is nothing new.
func (s *site) run() *journal.Run {
	s.t.Helper()
	j, err := s.Run(s.t.Context(), run.Request{Profile: s.p, Trigger: "schedule"})
	switch {
	case errors.Is(err, run.ErrNothingNew) || errors.Is(err, run.ErrStillHeld):
		return nil
	case j == nil:
		s.t.Fatalf("no run: %v", err)
	}
	return j
}

// approve is a person who says yes to the very plan that is held.
func (s *site) approve(j *journal.Run, why string) *journal.Run {
	s.t.Helper()
	p := s.p
	if j.Kind == journal.Sweep {
		p = nil
	}
	done, err := s.Approve(s.t.Context(), p, run.Decision{Run: j.Number, Digest: j.PlanDigest, Reason: why, Who: "ada"})
	if err != nil || !done.Status.Applied() {
		s.t.Fatalf("run %d was approved: %v, %+v", j.Number, err, done)
	}
	return done
}

// accounts are all accounts, also those that are deleted, by key.
func (s *site) accounts() map[string]roster.Account {
	s.t.Helper()
	all := map[string]roster.Account{}
	for a, err := range s.Store.Accounts(context.Background(), store.AccountQuery{Status: "all"}) {
		if err != nil {
			s.t.Fatal(err)
		}
		key := a.Values[roster.EmployeeID]
		if _, twice := all[key]; twice {
			s.t.Fatalf("two accounts have the key %s", key)
		}
		all[key] = a
	}
	return all
}

// tripped are the guardrails that a run has passed the limit of.
func tripped(j *journal.Run) string {
	var names []string
	for _, f := range j.Findings {
		if f.Holds() {
			names = append(names, f.Name)
		}
	}
	return strings.Join(names, " ")
}
