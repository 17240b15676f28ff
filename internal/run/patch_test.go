package run_test

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"rollcall/internal/journal"
	"rollcall/internal/run"
)

// parts counts the parts of looks that are stored, by their kind and their run.
func (f *follower) parts(t *testing.T) (all map[int]map[int64]int) {
	t.Helper()
	rows, err := f.db.Query("SELECT kind, run FROM look_part")
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	all = map[int]map[int64]int{0: {}, 1: {}, 2: {}, 3: {}}
	for rows.Next() {
		var kind int
		var run int64
		if err := rows.Scan(&kind, &run); err != nil {
			t.Fatal(err)
		}
		all[kind][run]++
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	return all
}

// TestNightsOnWhichLittleDiffersLeaveAPatch, of which each takes the place of the
// one before; and when it has become large all is stored anew, and nothing left behind.
func TestNightsOnWhichLittleDiffersLeaveAPatch(t *testing.T) {
	for _, engine := range engines {
		t.Run(engine, func(t *testing.T) {
			s := open(t, engine)
			db := follow(t, s, engine)
			p := s.feed("hr")
			lines := people(60)
			base, anew := s.read(p, journal.OK, lines...).Number, 0
			for night := range 14 {
				lines = slices.Clone(lines)
				lines[2*night+20] = strings.Replace(lines[2*night+20], "Ward", "Lab", 1)                        // changes
				lines = slices.Insert(lines, 5, person(fmt.Sprintf("N%d", night), fmt.Sprintf("new%d", night))) // comes
				lines = slices.Delete(lines, len(lines)-1, len(lines))                                          // leaves
				s.unread(s.read(p, journal.OK, lines...), 58)
				there := db.parts(t)
				if there[0][base] == 0 {
					anew++
					base = slices.Collect(maps.Keys(there[0]))[0]
				}
				if len(there[0]) != 1 || len(there[2]) > 1 || len(there[3]) > 1 {
					t.Fatalf("night %d: parts that belong to no look: %v", night, there)
				}
			}
			if anew < 2 || anew > 4 {
				t.Errorf("all was stored anew on %d of 14 nights", anew)
			}
			s.unread(s.read(p, journal.Unchanged, again(lines)...), 60)
		})
	}
}

// TestS8APlanThatIsGivenUpLeavesTheBaseToWhoeverStandsOnIt, and so does one that
// waits while the look on which it stands is taken away.
func TestS8APlanThatIsGivenUpLeavesTheBaseToWhoeverStandsOnIt(t *testing.T) {
	both(t, func(t *testing.T, s *site) {
		p := s.feed("hr")
		lines := people(60)
		s.read(p, journal.OK, lines...)
		night := func(n int) { lines[n] = person(fmt.Sprintf("E%04d", n-1), fmt.Sprintf("user%d", n-1), "Lab") }
		night(3)
		s.unread(s.read(p, journal.OK, lines...), 59)

		dry := func() *journal.Run {
			j, err := s.Run(t.Context(), run.Request{Profile: p, Dry: true})
			if err != nil {
				t.Fatal(err)
			}
			return j
		}
		night(7)
		s.drop(p, lines...)
		dry()
		s.unread(s.read(p, journal.OK, lines...), 59)
		s.unread(s.read(p, journal.Unchanged, again(lines)...), 60)

		night(11)
		s.drop(p, lines...)
		waits := dry() // a patch on what stands there now
		for i := 20; i < 38; i++ {
			night(i)
		}
		s.unread(s.read(p, journal.OK, lines...), 41) // stored anew
		if _, err := s.ApplyStored(t.Context(), p, run.Decision{Run: waits.Number, Who: "ada"}); err == nil {
			t.Error("a plan was applied though its profile has had another run since")
		}
		s.unread(s.read(p, journal.Unchanged, again(lines)...), 60)
	})
}

// TestS8WhatAPatchIsToldToLeaveOutIsReadAgain: a removal that was excepted is no
// matter of yesterday.
func TestS8WhatAPatchIsToldToLeaveOutIsReadAgain(t *testing.T) {
	both(t, func(t *testing.T, s *site) {
		p := s.feed("hr")
		lines := people(60)
		s.read(p, journal.OK, lines...)
		lines[3] = person("E0002", "user2", "Lab")
		lines = lines[:len(lines)-6]
		held := s.read(p, journal.Held, lines...)
		if _, err := s.Approve(t.Context(), p, run.Decision{Run: held.Number, Who: "ada", ExceptRemovals: true}); err != nil {
			t.Fatal(err)
		}
		j := s.read(p, journal.Held, again(lines)...)
		s.unread(j, 54)
		if j.Facts.Absent.Total != 6 {
			t.Errorf("absent %+v", j.Facts.Absent)
		}
	})
}
