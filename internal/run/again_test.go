package run_test

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"rollcall/internal/journal"
	"rollcall/internal/plan"
	"rollcall/internal/roster"
	"rollcall/internal/run"
)

// TestWhatAKillLeftUndoneIsDoneByTheNextRun plays a process that ended after the
// commit: the report is not written, the file lies where it lay.
func TestWhatAKillLeftUndoneIsDoneByTheNextRun(t *testing.T) {
	both(t, func(t *testing.T, s *site) {
		p := s.feed("hr")
		path := s.drop(p, people(20)...)
		j := s.run(p, journal.OK)
		report := filepath.Join(s.State, "reports", "1.json")
		if err := os.WriteFile(report, []byte(`{"run": {"status": "held"}}`), 0o600); err != nil {
			t.Fatal(err)
		}
		p.Source.After, p.Source.MoveTo = "archive", "done"
		if _, err := s.Run(t.Context(), run.Request{Profile: p}); !errors.Is(err, run.ErrNothingNew) {
			t.Fatalf("the same file again: %v", err)
		}
		if text, err := os.ReadFile(report); err != nil || !strings.Contains(string(text), j.PlanDigest) {
			t.Errorf("the report was not written again: %v, %.60s", err, text)
		}
		if _, err := os.Stat(path); !errors.Is(err, os.ErrNotExist) {
			t.Errorf("the file lies where it lay: %v", err)
		}
		if _, err := os.Stat(filepath.Join(s.drops, "done", filepath.Base(path))); err != nil {
			t.Error(err)
		}
	})
}

// TestWhatKillsLeftOfOlderRunsIsDoneToo has a run whose report was begun, and one
// that was ended when its drop was in the archive and its plan was not applied.
func TestWhatKillsLeftOfOlderRunsIsDoneToo(t *testing.T) {
	both(t, func(t *testing.T, s *site) {
		p := s.feed("hr")
		first := s.read(p, journal.OK, people(20)...)
		if err := os.Remove(filepath.Join(s.State, "reports", "1.json")); err != nil { // it is written last
			t.Fatal(err)
		}
		if err := os.Remove(filepath.Join(s.State, "reports", "1.results.csv")); err != nil {
			t.Fatal(err)
		}
		dead := &journal.Run{Profile: "hr", Kind: journal.Sync}
		if err := s.Store.Begin(t.Context(), dead); err != nil {
			t.Fatal(err)
		}
		orphan := filepath.Join(s.State, "archive", "hr", "2-hr-002.csv")
		if err := os.WriteFile(orphan, []byte("x"), 0o600); err != nil {
			t.Fatal(err)
		}
		s.read(p, journal.OK, people(21)...)
		s.reported(first)
		if kept, err := s.Store.Run(t.Context(), dead.Number); err != nil || kept.Status != journal.Interrupted {
			t.Errorf("the dead run is %+v, %v", kept, err)
		} else {
			s.reported(kept)
		}
		if left := lists(t, filepath.Dir(orphan)); strings.Contains(left, "2-") || strings.Count(left, "hr-") != 2 {
			t.Errorf("the archive holds %s, want the drops of the two runs that were applied", left)
		}
	})
}

// TestASupersededFileThatStaysIsNoOldOne lies in the folder when the newer one was put away.
func TestASupersededFileThatStaysIsNoOldOne(t *testing.T) {
	s := open(t, "sqlite")
	p := s.feed("hr", func(p *run.Profile) { p.Source.After, p.Source.MoveTo = "archive", "done" })
	s.read(p, journal.OK, people(40)...)
	held := s.read(p, journal.Held, people(20)...)
	newer := s.read(p, journal.OK, people(41)...)
	if old, err := s.Store.Run(t.Context(), held.Number); err != nil || old.Status != journal.Superseded || !strings.Contains(old.Decision, "newer drop") {
		t.Errorf("the held run is %+v, %v", old, err)
	} else {
		s.reported(old)
	}
	for range 2 {
		if j, err := s.Run(t.Context(), run.Request{Profile: p}); !errors.Is(err, run.ErrNothingNew) {
			t.Fatalf("the next night: %v, %+v, want nothing new since run %d", err, j, newer.Number)
		}
	}
}

func TestWhatAKillLeftHalfWrittenIsRemovedAfterAnHour(t *testing.T) {
	s := open(t, "sqlite")
	p := s.feed("hr")
	s.read(p, journal.OK, people(20)...)
	old, young := filepath.Join(s.State, "reports", ".report-old"), filepath.Join(s.State, ".report-young")
	for path, age := range map[string]time.Duration{old: 30 * time.Hour, young: 0} {
		if err := os.WriteFile(path, []byte("half"), 0o600); err != nil {
			t.Fatal(err)
		}
		at := s.now().Add(24*time.Hour - age)
		if err := os.Chtimes(path, at, at); err != nil {
			t.Fatal(err)
		}
	}
	s.read(p, journal.OK, append(people(20), person("N1", "new1"))...)
	if _, err := os.Stat(old); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("an old one is still there: %v", err)
	}
	if _, err := os.Stat(young); err != nil {
		t.Errorf("one that another process may be writing is gone: %v", err)
	}
}

func TestPickAllGoesOnPastAHeldAndARefusedFullDrop(t *testing.T) {
	both(t, func(t *testing.T, s *site) {
		p := s.feed("hr", func(p *run.Profile) { p.Source.Pick = "all" })
		s.read(p, journal.OK, people(100)...)
		s.drop(p, people(60)...)
		s.drop(p, "")
		s.drop(p, append(people(100), person("N1", "new1"))...)
		for range 4 {
			if _, err := s.Run(t.Context(), run.Request{Profile: p}); errors.Is(err, run.ErrNothingNew) {
				break
			}
		}
		if _, err := s.Store.Named(t.Context(), "new1"); err != nil {
			t.Errorf("the newest drop was never read: %v", err)
		}
		if held, err := s.Store.Held(t.Context()); err != nil || len(held) != 0 {
			t.Errorf("the held one was not superseded: %v, %v", held, err)
		}
	})
}

func TestAFileDatedIntoTheFutureThatStaysDoesNotHideLaterOnes(t *testing.T) {
	both(t, func(t *testing.T, s *site) {
		p := s.feed("hr")
		path := s.drop(p, people(20)...)
		future := s.now().AddDate(5, 0, 0)
		if err := os.Chtimes(path, future, future); err != nil {
			t.Fatal(err)
		}
		s.run(p, journal.OK)
		s.pass(2 * time.Hour)
		if j := s.read(p, journal.OK, append(people(20), person("N1", "new1"))...); j.Facts.Rows.Added != 1 {
			t.Errorf("%+v", j.Facts.Rows)
		}
	})
}

func TestR49ALinkIsNotMovedOverAnother(t *testing.T) {
	both(t, func(t *testing.T, s *site) {
		p := s.feed("hr")
		s.read(p, journal.OK, header, person("1", "u1"), person("2", "u2"))
		before := s.dump()
		if _, err := s.Link(t.Context(), "hr", "1", "u2", run.By{Who: "ada"}); err == nil || !strings.Contains(err.Error(), "another key") {
			t.Errorf("u2 is known by key 2, and key 1 was tied to it: %v", err)
		}
		if s.dump() != before {
			t.Error("accounts have changed")
		}
	})
}

func TestR42PeopleWithoutAKeyAreAddedOneAfterTheOther(t *testing.T) {
	both(t, func(t *testing.T, s *site) {
		p := s.feed("hr", func(p *run.Profile) {
			p.Plan.Match.Fallback, p.Mapping.Fallback = plan.Fallback{By: "username"}, true
		})
		s.read(p, journal.OK, header, person("", "ann"))
		s.read(p, journal.OK, header, person("", "ann"), ",bob,B,Bo,bob@example.org,,,")
		if a := s.account("bob"); a.Status() != roster.Active {
			t.Errorf("bob is %s, want active", a.Status())
		}
	})
}

func TestR104WhatWasApprovedWithoutRemovalsIsNotAskedAgainOfTheSameBytes(t *testing.T) {
	both(t, func(t *testing.T, s *site) {
		p := s.feed("hr")
		s.read(p, journal.OK, people(60)...)
		path := s.drop(p, append(people(30), person("N1", "new1"))...)
		held := s.run(p, journal.Held)
		if _, err := s.Approve(t.Context(), p, run.Decision{Run: held.Number, ExceptRemovals: true, Reason: "newcomers first", Who: "ada"}); err != nil {
			t.Fatal(err)
		}
		if j, err := s.Run(t.Context(), run.Request{Profile: p}); !errors.Is(err, run.ErrNothingNew) {
			t.Fatalf("the same file again: %+v, %v, want nothing new", j, err)
		}
		if j, err := s.Run(t.Context(), run.Request{Profile: p, File: path}); err != nil || j.Status != journal.Held {
			t.Fatalf("asked for by name: %+v, %v, want held", j, err)
		}
		if j := s.read(p, journal.Held, append(people(30), person("N1", "new1"), "")...); j.Facts.Removals != 30 {
			t.Errorf("the next file asks for %d removals, want 30", j.Facts.Removals)
		}
	})
}

// A key that was mistyped into a colleague's names the wrong person; the name and
// the address in the row name the right one.
func TestR3AKeyMistypedIntoAColleaguesMakesNobodyAbsent(t *testing.T) {
	rows := func(change map[int]string) []string {
		lines := people(20)
		for i, l := range change {
			lines[i+1] = l
		}
		return slices.DeleteFunc(lines, func(l string) bool { return l == "" })
	}
	mistyped := person("E0003", "user8")
	for name, drop := range map[string][]string{
		"E105, the colleague is listed too":    rows(map[int]string{8: mistyped}),
		"E101, and the row has a wrong shape":  rows(map[int]string{8: "E0003,user8,First,Last,pE0008@example.org", 3: ""}),
		"E307, and the colleague is suspended": rows(map[int]string{8: mistyped, 3: ""}),
	} {
		t.Run(name, func(t *testing.T) {
			both(t, func(t *testing.T, s *site) {
				p := s.feed("hr", func(p *run.Profile) { p.Plan.Match.Witness = []roster.Name{"last_name"} })
				s.read(p, journal.OK, people(20)...)
				if strings.HasPrefix(name, "E307") {
					s.read(p, journal.OK, rows(map[int]string{3: ""})...)
					drop[8] = strings.Replace(drop[8], "LastE0003", "Other", 1)
				}
				j := s.read(p, journal.Warn, drop...)
				if a := s.account("user8"); a.Status() != roster.Active || j.Facts.Rows.Rejected == 0 {
					t.Errorf("user8 is %s, rejected %d: %+v", a.Status(), j.Facts.Rows.Rejected, j.Facts.Absent)
				}
			})
		})
	}
}
