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
	"rollcall/internal/plan"
	"rollcall/internal/run"
	"rollcall/internal/shore"
)

// inEntry changes the entry of a person of a directory.
func inEntry(uid, change string) string {
	return fmt.Sprintf("dn: uid=%s,ou=People,dc=example,dc=org\nchangetype: %s\n", uid, change)
}

// inhabited is n people of a directory.
func inhabited(n int) string {
	var entries strings.Builder
	for i := range n {
		entries.WriteString(inDirectory(fmt.Sprintf("p%d", i), fmt.Sprintf("%03d", i)))
	}
	return entries.String()
}

// follows makes a profile ask OpenLDAP for what has changed.
func follows(t *testing.T, l *shore.LDAP) func(*run.Profile) {
	t.Helper()
	password := filepath.Join(t.TempDir(), "password")
	if err := os.WriteFile(password, []byte(l.Password), 0o600); err != nil {
		t.Fatal(err)
	}
	return func(p *run.Profile) {
		asks(l, password)(p)
		p.Source.Incremental = "syncrepl"
		p.Plan.Policy.Missing = "suspend"
	}
}

func (s *site) nothingNew(p *run.Profile, what string) {
	s.t.Helper()
	if j, err := s.Run(s.t.Context(), run.Request{Profile: p}); j != nil || !errors.Is(err, run.ErrNothingNew) {
		s.t.Errorf("%s: run %+v, %v; want that there is nothing new", what, j, err)
	}
}

func TestS9WhoIsNotAmongTheChangesOfADirectoryIsNotAbsentAndWhoIsGoneIs(t *testing.T) {
	both(t, func(t *testing.T, s *site) {
		t.Parallel()
		l := shore.Slapd(t, shore.Directory{Entries: inhabited(40), Lines: []string{"syncprov-sessionlog 100"}})
		p := s.feed("staff", follows(t, l))
		read := func(j *journal.Run, all bool, since int64, changed, gone int) {
			t.Helper()
			how := j.Input.Reading
			if how == nil || how.All != all || how.Since != since || how.Changed != changed || how.Gone != gone {
				t.Errorf("run %d: read %+v, want all %v, since %d, %d changed, %d gone", j.Number, how, all, since, changed, gone)
			}
		}
		first := s.run(p, journal.OK)
		if read(first, true, 0, 0, 0); first.Facts.Rows != (plan.Rows{Read: 40, Added: 40}) {
			t.Errorf("first run: %+v", first.Facts.Rows)
		}
		before, entries := s.dump(), strings.Count(l.Log(t), " ENTRY ")
		s.nothingNew(p, "nothing has changed")
		if s.dump() != before || strings.Count(l.Log(t), " ENTRY ") != entries {
			t.Error("nothing has changed, and somebody was touched or read")
		}

		l.Modify(t, inEntry("p3", "modify\nreplace: sn\nsn: Other"))
		j := s.run(p, journal.OK)
		if read(j, false, first.Number, 1, 0); j.Facts.Rows != (plan.Rows{Read: 40, Updated: 1, Unchanged: 39}) || j.Facts.Absent.Total != 0 {
			t.Errorf("a change: %+v, absent %+v", j.Facts.Rows, j.Facts.Absent)
		}
		l.Modify(t, inEntry("p4", "modrdn\nnewrdn: uid=new4\ndeleteoldrdn: 1"))
		second := s.run(p, journal.OK)
		if read(second, false, j.Number, 1, 0); second.Facts.Rows != (plan.Rows{Read: 40, Renamed: 1, Unchanged: 39}) || second.Facts.Absent.Total != 0 {
			t.Errorf("another name: %+v, absent %+v", second.Facts.Rows, second.Facts.Absent)
		}
		l.Modify(t, inEntry("p5", "delete"))
		third := s.run(p, journal.OK)
		if read(third, false, second.Number, 0, 1); third.Facts.Rows != (plan.Rows{Read: 39, Unchanged: 39}) || third.Facts.Absent.Suspended != 1 {
			t.Errorf("a deletion: %+v, absent %+v", third.Facts.Rows, third.Facts.Absent)
		}
		// Of what was put together the archive keeps the last.
		if kept, _ := filepath.Glob(filepath.Join(s.State, "archive", "staff", "*")); len(kept) != 2 {
			t.Errorf("the archive has %v, want the drop that was read as a whole and the last", kept)
		}
		s.nothingNew(p, "once more")

		// A key that comes twice is seen, though one of the two has not changed (R41).
		l.Modify(t, inEntry("p6", "modify\nreplace: employeeNumber\nemployeeNumber: 007"))
		j = s.run(p, journal.Warn)
		if read(j, false, third.Number, 1, 0); j.Facts.Rows != (plan.Rows{Read: 39, Rejected: 2, Unchanged: 37}) || j.Facts.Absent.Suspended != 0 {
			t.Errorf("a key on two entries: %+v, absent %+v", j.Facts.Rows, j.Facts.Absent)
		}
	})
}

func TestS8WhatWasReadAndNotAppliedIsReadAgain(t *testing.T) {
	both(t, func(t *testing.T, s *site) {
		t.Parallel()
		l := shore.Slapd(t, shore.Directory{Entries: inhabited(40), Lines: []string{"syncprov-sessionlog 100"}})
		p := s.feed("staff", follows(t, l))
		first := s.run(p, journal.OK)

		// Held: the plan carries how far it has read, and nothing is moved.
		for i := range 12 {
			l.Modify(t, inEntry(fmt.Sprintf("p%d", i), "delete"))
		}
		held := s.run(p, journal.Held)
		if held.Input.Reading == nil || held.Input.Reading.Gone != 12 {
			t.Errorf("held: read %+v", held.Input.Reading)
		}
		if _, err := s.Run(t.Context(), run.Request{Profile: p}); !errors.Is(err, run.ErrStillHeld) {
			t.Errorf("the same again: %v", err)
		}
		// A newer reading has all that the held one had, and takes its place.
		l.Modify(t, inEntry("p20", "modify\nreplace: sn\nsn: Other"))
		newer := s.run(p, journal.Held)
		if how := newer.Input.Reading; how.Since != first.Number || how.Gone != 12 || how.Changed != 1 || newer.Facts.Rows.Updated != 1 || newer.Facts.Absent.Suspended != 12 {
			t.Errorf("the newer one: read %+v, rows %+v, absent %+v", how, newer.Facts.Rows, newer.Facts.Absent)
		}
		j, err := s.Approve(t.Context(), p, run.Decision{Run: newer.Number, Reason: "a ward was closed", Who: "ada"})
		if err != nil || j.Facts.Absent.Suspended != 12 {
			t.Fatalf("approved: %v, %+v", err, j)
		}
		s.nothingNew(p, "what was approved was read")
		l.Modify(t, inEntry("p21", "modify\nreplace: sn\nsn: Other"))
		j = s.run(p, journal.OK)
		if how := j.Input.Reading; how.Since != newer.Number || how.Changed != 1 || how.Gone != 0 {
			t.Errorf("after the approval: read %+v", how)
		}

		// Rejected: what it had read is read again, with what comes.
		for i := 22; i < 34; i++ {
			l.Modify(t, inEntry(fmt.Sprintf("p%d", i), "delete"))
		}
		held = s.run(p, journal.Held)
		if _, err := s.Reject(t.Context(), run.Decision{Run: held.Number, Reason: "no", Who: "ada"}); err != nil {
			t.Fatal(err)
		}
		s.nothingNew(p, "what was rejected")
		l.Modify(t, inEntry("p35", "modify\nreplace: sn\nsn: Other"))
		if j := s.run(p, journal.Held); j.Input.Reading.Gone != 12 || j.Input.Reading.Changed != 1 {
			t.Errorf("after the rejection: read %+v", j.Input.Reading)
		}
		s.pass(25 * time.Hour)
		l.Modify(t, inEntry("p36", "modify\nreplace: sn\nsn: Other"))
		if j := s.run(p, journal.Held); !j.Input.Reading.All || !strings.Contains(j.Input.Reading.Why, "full_every") {
			t.Errorf("after a day: read %+v", j.Input.Reading)
		}
	})
}
