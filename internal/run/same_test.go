package run_test

import (
	"bytes"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	"rollcall/internal/index"
	"rollcall/internal/journal"
	"rollcall/internal/mapping"
	"rollcall/internal/plan"
	"rollcall/internal/roster"
	"rollcall/internal/run"
)

// The rules S1 to S10 say what a fingerprint may not hide. Each test shows that
// the records in question were read, and others not: with the rule taken away
// the number of records that were passed over is another.

// unread expects how many records a run has passed over.
func (s *site) unread(j *journal.Run, want int) {
	s.t.Helper()
	if j.Unread != want {
		s.t.Errorf("run %d of %s has passed over %d records, want %d", j.Number, j.Profile, j.Unread, want)
	}
}

// again is the same people in other bytes.
func again(lines []string) []string { return append(append([]string{}, lines...), "") }

func TestS1OnlyWhatEndedWithoutAProblemIsPassedOver(t *testing.T) {
	both(t, func(t *testing.T, s *site) {
		p := s.feed("hr")
		lines := append(people(20), person("E9", ""), "E8,short", person("E7", "u7", "Ward", "31.02.2026"))
		s.unread(s.read(p, journal.Warn, lines...), 0)
		for night := range 2 {
			j := s.read(p, journal.Warn, append(again(lines), strings.Repeat("\n", night))...)
			s.unread(j, 20) // the missing name, the short row and the bad date are looked at each night
			if j.Facts.Rows.Rejected != 2 || j.Facts.Warnings == 0 || j.Facts.Rows.Unchanged != 21 {
				t.Errorf("night %d: %+v", night, j.Facts)
			}
		}
	})
}

func TestS2WhoWasKeptIsStillMissing(t *testing.T) {
	both(t, func(t *testing.T, s *site) {
		p := s.feed("hr", func(p *run.Profile) { p.Plan.Policy.Missing = "keep" })
		s.read(p, journal.OK, people(20)...)
		j := s.read(p, journal.Unchanged, people(19)...)
		s.unread(j, 19)
		if j.Facts.Absent.Kept != 1 {
			t.Errorf("absent %+v", j.Facts.Absent)
		}
		j = s.read(p, journal.Unchanged, again(people(19))...)
		s.unread(j, 19)
		if j.Facts.Absent.Kept != 1 || j.Facts.WouldSuspend != 1 {
			t.Errorf("he has no fingerprint any more, and is missing all the same: %+v", j.Facts)
		}
	})
}

func TestS3AMappingEditMakesNobodyMissing(t *testing.T) {
	both(t, func(t *testing.T, s *site) {
		p := s.feed("hr")
		lines := people(20)
		s.read(p, journal.OK, lines...)
		p.Digest = "v2"
		s.unread(s.read(p, journal.Unchanged, again(lines)...), 0)
		lines[3] = " " + strings.Replace(lines[3], ",", " ,", 1)
		j := s.read(p, journal.Unchanged, lines...)
		s.unread(j, 19) // " E0002 " is E0002, in other bytes
		if j.Facts.Absent.Total != 0 {
			t.Errorf("absent %+v", j.Facts.Absent)
		}
	})
}

// TestS3OfAMappingEditOnlyThoseArePlannedOfWhomItSaysSomethingElse edits the
// mapping, and the planning is given those records alone that now mean something
// else, or of which it cannot be told without the account.
func TestS3OfAMappingEditOnlyThoseArePlannedOfWhomItSaysSomethingElse(t *testing.T) {
	both(t, func(t *testing.T, s *site) {
		var log bytes.Buffer
		s.Log = slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug}))
		lines := people(20)
		columns := map[string]mapping.Column{}
		for _, name := range strings.Split(header, ",") {
			columns[name] = mapping.Column{From: name}
		}
		p := s.feed("hr", func(p *run.Profile) { p.Mapping.Map = columns })
		s.read(p, journal.OK, lines...)
		wards := map[string]string{}
		for i := range 7 {
			wards[fmt.Sprint("Ward ", i)] = fmt.Sprint("Ward ", i)
		}
		wards["Ward 1"] = "Ward One" // of three people
		for _, step := range []struct {
			what, field string
			column      mapping.Column
			asBefore    string // "": they are not compared
			updated     int
		}{
			{"nothing", "department", mapping.Column{From: "department", Transform: []string{"trim"}}, "as_before=20", 0},
			{"three people", "department", mapping.Column{From: "department", Values: wards}, "as_before=17", 3},
			{"three people back", "department", mapping.Column{From: "department"}, "as_before=17", 3},
			{"everybody", "title", mapping.Column{Const: "Nurse"}, "", 20},
			{"what is known with the username", "description", mapping.Column{Template: "%u of {department}"}, "", 20},
			{"nothing, beside that", "department", mapping.Column{From: "department", Transform: []string{"trim"}}, "", 0},
		} {
			columns[step.field] = step.column
			p.Plan.Set = p.Mapping.SetModes()
			log.Reset()
			want := journal.OK
			if step.updated == 0 {
				want = journal.Unchanged
			}
			lines = again(lines)
			j := s.read(p, want, lines...)
			if j.Facts.Rows.Updated != step.updated || j.Facts.Absent.Total != 0 {
				t.Errorf("%s: rows %+v, absent %+v", step.what, j.Facts.Rows, j.Facts.Absent)
			}
			if compared := strings.Contains(log.String(), "as_before="); compared != (step.asBefore != "") || !strings.Contains(log.String(), step.asBefore) {
				t.Errorf("%s: want %q in the log:\n%s", step.what, step.asBefore, log.String())
			}
			s.unread(j, 0)
			lines = again(lines)
			if j := s.read(p, journal.Unchanged, lines...); j.Unread == 0 {
				t.Errorf("%s: what was compared is not remembered", step.what)
			}
		}
		p.Plan.Policy.Update, columns["title"] = "fill_missing", mapping.Column{Const: "Nurse", Set: "always"}
		log.Reset()
		s.read(p, journal.Unchanged, again(lines)...)
		if strings.Contains(log.String(), "as_before=") {
			t.Error("under another policy what a record means is not enough")
		}
	})
}

func TestS4WhateverARecordIsReadByIsInTheDigest(t *testing.T) {
	for what, edit := range map[string]func(*run.Profile){
		"mapping":   func(p *run.Profile) { p.Digest = "v2" },
		"policy":    func(p *run.Profile) { p.Plan.Policy.Update = "none" },
		"authority": func(p *run.Profile) { p.Plan.Authority = map[string][]string{"*": {"ad"}} },
		"protect":   func(p *run.Profile) { p.Plan.Policy.Protect = []string{"svc-*"} },
		"match":     func(p *run.Profile) { p.Plan.Match.Witness = []roster.Name{"last_name"} },
		"encoding":  func(p *run.Profile) { p.Format.Encoding = "iso-8859-1" },
		"zone":      func(p *run.Profile) { p.Plan.Zone = time.FixedZone("east", 3600) },
	} {
		t.Run(what, func(t *testing.T) {
			t.Parallel()
			s := open(t, "sqlite")
			p := s.feed("hr")
			s.read(p, journal.OK, people(20)...)
			s.unread(s.read(p, journal.Unchanged, again(people(20))...), 20)
			edit(p)
			s.unread(s.read(p, journal.Unchanged, people(20)...), 0)
		})
	}
	t.Run("header", func(t *testing.T) {
		t.Parallel()
		s := open(t, "sqlite")
		p := s.feed("hr")
		lines := people(20)
		s.read(p, journal.OK, lines...)
		lines[0] = strings.Replace(lines[0], "department", "title", 1)
		j := s.read(p, journal.OK, lines...)
		s.unread(j, 0)
		if j.Facts.Rows.Updated != 20 {
			t.Errorf("the same cells under another header: %+v", j.Facts.Rows)
		}
	})
	t.Run("version", func(t *testing.T) {
		t.Parallel()
		s := open(t, "sqlite")
		p := s.feed("hr")
		s.read(p, journal.OK, people(20)...)
		s.Version = "next"
		j, err := s.Run(t.Context(), run.Request{Profile: p, File: "last"})
		if err != nil || j.SameAs != 0 {
			t.Errorf("the same bytes, which another version read: %v, %+v", err, j)
		}
		s.unread(j, 0)
		s.Version = "the one after"
		s.unread(s.read(p, journal.Unchanged, again(people(20))...), 0)
	})
}

func TestS5OfTwoRowsWithOneKeyNeitherIsPassedOver(t *testing.T) {
	both(t, func(t *testing.T, s *site) {
		p := s.feed("hr")
		s.read(p, journal.OK, people(20)...)
		j := s.read(p, journal.Warn, append(people(20), person("E0003", "user3", "ICU"))...)
		s.unread(j, 19)
		if j.Facts.Rows.Rejected != 2 {
			t.Errorf("R41: every copy is rejected: %+v", j.Facts.Rows)
		}
		j = s.read(p, journal.Warn, append(people(20), people(20)[4])...)
		if j.Facts.Rows.Skipped != 1 || j.Facts.Rows.Unchanged != 20 {
			t.Errorf("R41: of equal copies one counts: %+v", j.Facts.Rows)
		}
	})
}

func TestS6TheSameBytesAreReadAgainWhereAProblemMayHaveGone(t *testing.T) {
	both(t, func(t *testing.T, s *site) {
		hr, ad := s.feed("hr"), s.feed("ad")
		s.read(ad, journal.OK, header, "77,other,F,L,p1@example.org,,,")
		s.read(hr, journal.Warn, append(people(5), "1,fresh,F,L,p1@example.org,,,")...) // the address is AD's
		if _, err := s.Run(t.Context(), run.Request{Profile: hr}); !errors.Is(err, run.ErrNothingNew) {
			t.Fatalf("nothing has moved: %v", err)
		}
		s.read(ad, journal.OK, header, "77,other,F,L,given-up@example.org,,,")
		if j := s.run(hr, journal.OK); j.Facts.Rows.Added != 1 {
			t.Errorf("the address is free by now: %+v", j.Facts.Rows)
		}
	})
}

func TestADamagedIndexHasEveryRecordReadOnce(t *testing.T) {
	t.Parallel()
	s := open(t, "sqlite")
	p := s.feed("hr")
	lines := people(20)
	s.read(p, journal.OK, lines...)
	lines[3] = person("E0002", "user2", "Elsewhere")
	s.unread(s.read(p, journal.OK, lines...), 19) // which is a patch
	pool, err := sql.Open("sqlite", strings.TrimPrefix(s.dsn, "sqlite:"))
	if err != nil {
		t.Fatal(err)
	}
	defer pool.Close()
	for kind, size := range map[int]int{0: index.Size, 2: index.AddedSize} {
		res, err := pool.ExecContext(t.Context(), "UPDATE look_part SET data = substr(data, 1, length(data) - 3) WHERE kind = ? AND length(data) % ? = 0", kind, size)
		if err != nil {
			t.Fatal(err)
		}
		if n, err := res.RowsAffected(); err != nil || n != 1 {
			t.Fatalf("%d parts of kind %d, %v", n, kind, err)
		}
		lines = again(lines)
		s.unread(s.read(p, journal.Unchanged, lines...), 0)
		lines[4] = person("E0003", "user3", fmt.Sprint("Ward of ", kind))
		s.unread(s.read(p, journal.OK, lines...), 19)
	}
}

// edit writes a department by hand, as somebody does at any moment.
func (s *site) edit(username, department string) {
	s.t.Helper()
	var w plan.Wants
	w.Say(roster.Department, department)
	by := run.By{Who: "ada", Reason: "a move"}
	deed, err := s.PlanDeed(s.t.Context(), []string{username}, by, s.Edit(w))
	if err == nil {
		_, err = s.Do(s.t.Context(), deed, by)
	}
	if err != nil {
		s.t.Error(err)
	}
}

// TestS6WhatIsChangedWhileARunGoesOnIsSeenByTheNext lets somebody edit an account of which
// the run has nothing to say, when its plan is made and not yet applied.
func TestS6WhatIsChangedWhileARunGoesOnIsSeenByTheNext(t *testing.T) {
	both(t, func(t *testing.T, s *site) {
		p := s.feed("hr")
		s.read(p, journal.OK, people(20)...)
		was := s.account("user3").Values[roster.Department]
		p.Digest, p.Limits.FirstRun = "v2", "hold" // so that somebody is asked between planning and applying
		s.drop(p, append(people(20)[:20], person("E0019", "renamed", "Ward 5"))...)
		asked := false
		j, err := s.Run(t.Context(), run.Request{Profile: p, Confirm: func(*journal.Run) bool {
			asked = true
			s.edit("user3", "Elsewhere")
			return true
		}})
		if err != nil || !asked || j.Facts.Rows.Renamed != 1 {
			t.Fatalf("asked %v, %v, %+v", asked, err, j)
		}
		if j, err = s.Run(t.Context(), run.Request{Profile: p, File: "last"}); err != nil || j.Facts.Rows.Updated != 1 || s.account("user3").Values[roster.Department] != was {
			t.Errorf("the same bytes: %v, %+v, department %q, want %q", err, j.Facts.Rows, s.account("user3").Values[roster.Department], was)
		}
		if j, err = s.Run(t.Context(), run.Request{Profile: p, File: "last"}); err != nil || j.SameAs == 0 {
			t.Errorf("nothing has moved any more: %v, %+v", err, j)
		}
	})
}

// TestS6WhatIsChangedWhileADropIsRecognisedIsSeenByTheNext lets somebody edit an account at
// each moment at which it is asked whether the drop is the one that was applied last.
func TestS6WhatIsChangedWhileADropIsRecognisedIsSeenByTheNext(t *testing.T) {
	t.Parallel()
	s := open(t, "sqlite")
	p := s.feed("hr")
	s.read(p, journal.OK, people(20)...)
	was := s.account("user3").Values[roster.Department]
	moments, recognised := 0, 0
	for edited := true; edited; {
		begun, _, err := s.Store.Reached(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		edited = false
		left := moments
		s.Now = func() time.Time {
			if left--; left == -1 {
				if now, _, err := s.Store.Reached(t.Context()); err == nil && now == begun { // else it would wait for the run
					edited = true
					s.edit("user3", fmt.Sprint("Elsewhere ", moments))
				}
			}
			return s.now()
		}
		j, err := s.Run(t.Context(), run.Request{Profile: p, File: "last"})
		s.Now = s.now
		if err != nil {
			t.Fatal(err)
		}
		if edited && j.SameAs != 0 {
			recognised++
		}
		if _, err := s.Run(t.Context(), run.Request{Profile: p, File: "last"}); err != nil {
			t.Fatal(err)
		}
		if got := s.account("user3").Values[roster.Department]; got != was {
			t.Fatalf("edited at moment %d: department %q, want %q", moments, got, was)
		}
		moments++
	}
	if moments < 4 || recognised == 0 {
		t.Errorf("%d moments, at %d of which the drop was recognised before the edit was seen", moments, recognised)
	}
}

// TestS6AReplayByNameHidesNoProblem records that the drop was the same as before: by that
// run alone nobody would know that something was wrong with a row.
func TestS6AReplayByNameHidesNoProblem(t *testing.T) {
	t.Parallel()
	s := open(t, "sqlite")
	hr, ad := s.feed("hr"), s.feed("ad")
	s.read(ad, journal.OK, header, "77,other,F,L,p1@example.org,,,")
	s.read(hr, journal.Warn, append(people(5), "1,fresh,F,L,p1@example.org,,,")...) // the address is AD's
	for range 2 {
		j, err := s.Run(t.Context(), run.Request{Profile: hr, File: "last"})
		if err != nil || j.SameAs == 0 {
			t.Fatalf("nothing has moved: %v, %+v", err, j)
		}
	}
	s.read(ad, journal.OK, header, "77,other,F,L,given-up@example.org,,,")
	j, err := s.Run(t.Context(), run.Request{Profile: hr, File: "last"})
	if err != nil || j.Facts.Rows.Added != 1 {
		t.Errorf("the address is free by now: %v, %+v", err, j.Facts.Rows)
	}
}

func TestS7AnAccountThatOthersHaveTouchedIsLookedAt(t *testing.T) {
	for what, touch := range map[string]func(*site){
		"by hand": func(s *site) {
			if _, err := s.SetStatus(s.t.Context(), plan.Suspend, []string{"user3"}, run.By{Who: "ada", Reason: "badge"}); err != nil {
				s.t.Fatal(err)
			}
		},
		"another profile": func(s *site) {
			s.read(s.feed("ad"), journal.OK, header, "E0003,user3,First,Last,pE0003@example.org,ICU,,")
		},
		"unlinked": func(s *site) {
			if _, err := s.Unlink(s.t.Context(), "hr", "E0003", run.By{Who: "ada", Reason: "wrong"}); err != nil {
				s.t.Fatal(err)
			}
		},
		"decided": func(s *site) {
			if err := s.Store.DecideNew(s.t.Context(), "hr", "E0003", "ada", "somebody else"); err != nil {
				s.t.Fatal(err)
			}
		},
	} {
		t.Run(what, func(t *testing.T) {
			t.Parallel()
			s := open(t, "sqlite")
			p := s.feed("hr")
			s.read(p, journal.OK, people(20)...)
			s.unread(s.read(p, journal.Unchanged, again(people(20))...), 20)
			touch(s)
			s.drop(p, people(20)...)
			j, err := s.Run(t.Context(), run.Request{Profile: p})
			if j == nil {
				t.Fatal(err)
			}
			s.unread(j, 19)
		})
	}
	t.Run("a date", func(t *testing.T) {
		t.Parallel()
		s := open(t, "sqlite")
		p := s.feed("hr")
		lines := people(20)
		lines[4] = person("E0003", "user3", "Ward 3", "2026-09-04")
		s.read(p, journal.OK, lines...)
		s.pass(72 * time.Hour)
		j := s.read(p, journal.OK, again(lines)...)
		s.unread(j, 19)
		if j.Facts.ByDate.Expired != 1 {
			t.Errorf("by date %+v", j.Facts.ByDate)
		}
	})
	t.Run("a membership's period", func(t *testing.T) { // R92
		t.Parallel()
		s := open(t, "sqlite")
		p := s.feed("hr")
		lines := []string{memberHeader, member("1", "icu"), member("2", "icu"), member("3", "", "", "FIRE-101", "learner", "", "3")}
		s.read(p, journal.OK, lines...)
		s.unread(s.read(p, journal.Unchanged, again(lines)...), 3)
		s.pass(96 * time.Hour)
		s.unread(s.read(p, journal.OK, append(again(lines), "")...), 2)
		s.wantMemberships("key:3")
	})
}

func TestS7WhatIsTouchedBetweenLookAndApplyIsLookedAtTheNextTime(t *testing.T) {
	both(t, func(t *testing.T, s *site) {
		p := s.feed("hr")
		s.read(p, journal.OK, people(20)...)
		lines := people(20)
		lines[9] = person("E0008", "user8", "ICU")
		s.drop(p, lines...)
		dry, err := s.Run(t.Context(), run.Request{Profile: p, Dry: true})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := s.SetStatus(t.Context(), plan.Suspend, []string{"user3"}, run.By{Who: "ada", Reason: "badge"}); err != nil {
			t.Fatal(err)
		}
		if j, err := s.ApplyStored(t.Context(), p, run.Decision{Run: dry.Number}); err != nil || j.Facts.Rows.Updated != 1 {
			t.Fatalf("%v, %+v", err, j)
		}
		j := s.read(p, journal.Unchanged, again(lines)...)
		s.unread(j, 19)
		if j.Facts.Notes == 0 {
			t.Error("nobody was told that the account stays suspended")
		}
	})
}

func TestS8FingerprintsTakeEffectWithTheirPlanAndGoWithIt(t *testing.T) {
	both(t, func(t *testing.T, s *site) {
		p := s.feed("hr")
		s.read(p, journal.OK, people(60)...)
		held := s.read(p, journal.Held, people(30)...)
		if _, err := s.Reject(t.Context(), run.Decision{Run: held.Number, Reason: "wrong file", Who: "ada"}); err != nil {
			t.Fatal(err)
		}
		s.unread(s.read(p, journal.Unchanged, again(people(60))...), 60) // those of before are in effect

		held = s.read(p, journal.Held, people(31)...)
		done, err := s.Approve(t.Context(), p, run.Decision{Run: held.Number, Reason: "they have left", Who: "ada"})
		if err != nil || done.Facts.Absent.Suspended != 29 {
			t.Fatalf("%v, %+v", err, done)
		}
		s.unread(s.read(p, journal.Unchanged, again(people(31))...), 31)
		back := s.read(p, journal.OK, people(33)...)
		s.unread(back, 31)
		if back.Facts.Rows.Reactivated != 2 {
			t.Errorf("who comes back is read: %+v", back.Facts.Rows)
		}
	})
}

func TestS8WhatAnApprovalLeavesOutIsNotRemembered(t *testing.T) {
	both(t, func(t *testing.T, s *site) {
		p := s.feed("hr")
		s.read(p, journal.OK, people(60)...)
		lines := people(60)
		for i := range 40 {
			lines[i+1] = person(fmt.Sprintf("E%04d", i), fmt.Sprintf("user%d", i), "", "", "1")
		}
		held := s.read(p, journal.Held, lines...)
		done, err := s.Approve(t.Context(), p, run.Decision{Run: held.Number, ExceptRemovals: true, Reason: "not yet", Who: "ada"})
		if err != nil || done.Excepted != 40 {
			t.Fatalf("%v, %+v", err, done)
		}
		if j := s.read(p, journal.Held, again(lines)...); j.Facts.Removals != 40 {
			t.Errorf("the rows still ask for %d removals, want 40", j.Facts.Removals)
		}
	})
}

func TestS9ADeltaReplacesNothingAndTouchesWhatItChanges(t *testing.T) {
	both(t, func(t *testing.T, s *site) {
		p := s.feed("hr")
		delta := s.feed("delta", func(p *run.Profile) {
			p.Format.Content, p.Plan.Full, p.Plan.Policy.Missing = "delta", false, "keep"
		})
		s.read(p, journal.OK, people(20)...)
		s.unread(s.read(delta, journal.OK, header, "E0003,user3,First,Last,pE0003@example.org,,2026-12-31,"), 0)
		s.unread(s.read(p, journal.Unchanged, again(people(20))...), 19)
	})
}

func TestARefusedDropIsRefusedForTheSameReason(t *testing.T) {
	s := open(t, "sqlite")
	p := s.feed("hr")
	s.read(p, journal.OK, people(20)...)
	for what, line := range map[string]string{
		"a byte": "E1,u\xff1,F,L,m@example.org,,,", "a quote": `E1,"u1,F,L,m@example.org,,,`,
	} {
		var told []string
		for _, all := range []bool{false, true} {
			s.ReadAll = all
			j := s.read(p, journal.Failed, append(people(20), line, person("E2", "u2"))...)
			told = append(told, j.Error)
		}
		if told[0] != told[1] || told[0] == "" {
			t.Errorf("%s: %q, who reads everything says %q", what, told[0], told[1])
		}
		s.ReadAll = false
	}
}
