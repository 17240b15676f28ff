package store

import (
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"rollcall/internal/journal"
	"rollcall/internal/notify"
	"rollcall/internal/plan"
	"rollcall/internal/roster"
)

func TestWhatWasToldComesBackAsItWas(t *testing.T) {
	both(t, func(t *testing.T, db *DB) {
		want := journal.Told{
			Profile: "hr", Status: journal.Held, Code: "max_removals", Since: noon, Runs: 3, Run: 7, Mails: 2, Mailed: noon.Add(time.Hour),
			Problems: "a fingerprint", Arrived: noon.Add(2 * time.Hour), ArrivedAt: noon.Add(3 * time.Hour), Watched: noon.Add(4 * time.Hour), Week: noon.Add(5 * time.Hour),
		}
		for _, w := range []journal.Told{want, {Profile: "hr", Week: noon}, want} {
			err := db.Tell(t.Context(), "hr", 0, func(told *journal.Told) []notify.Message { *told = w; return nil })
			if err != nil {
				t.Fatal(err)
			}
			got, err := db.Told(t.Context(), "hr")
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(&w, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		}
		if got, err := db.Told(t.Context(), "other"); err != nil || *got != (journal.Told{Profile: "other"}) {
			t.Errorf("of nobody: %+v, %v", got, err)
		}
	})
}

func TestTwoWhoTellAtOnceTellItOnce(t *testing.T) {
	both(t, func(t *testing.T, db *DB) {
		if err := db.Tell(t.Context(), "hr", 0, func(told *journal.Told) []notify.Message { told.Status = journal.Failed; return nil }); err != nil {
			t.Fatal(err)
		}
		var all sync.WaitGroup
		for n := range 8 {
			all.Go(func() {
				err := db.Tell(t.Context(), "hr", 0, func(told *journal.Told) []notify.Message {
					if told.Mails > 0 {
						return nil
					}
					told.Mails++
					return []notify.Message{{ID: fmt.Sprintf("%d@example.org", n), To: []string{"a@example.org"}}}
				})
				if err != nil {
					t.Error(err)
				}
			})
		}
		all.Wait()
		wantOutstanding(t, db, 1)
	})
}

func TestWhatIsToldGoesWithTheRunOrNotAtAll(t *testing.T) {
	both(t, func(t *testing.T, db *DB) {
		s := story{t, db}
		r := s.plan("hr", plan.Change{Action: plan.Add, Key: "1", Username: "u1", Fields: []plan.FieldChange{{Field: roster.Username, Name: "username", New: "u1"}}})
		o := order(r)
		o.Tell = func(told *journal.Told) []notify.Message {
			told.Problems = "some"
			return []notify.Message{{ID: "1@example.org", To: []string{"a@example.org"}}}
		}
		whole := o.Finish
		o.Finish = func(Applied) ([]notify.Message, error) { return nil, errors.New("no") }
		if _, err := db.Apply(t.Context(), o); err == nil {
			t.Fatal("applied")
		}
		if told, err := db.Told(t.Context(), "hr"); err != nil || told.Problems != "" {
			t.Errorf("told of what did not happen: %+v, %v", told, err)
		}
		wantOutstanding(t, db, 0)
		o.Finish = whole
		if _, err := db.Apply(t.Context(), o); err != nil {
			t.Fatal(err)
		}
		if told, err := db.Told(t.Context(), "hr"); err != nil || told.Problems != "some" {
			t.Errorf("not told: %+v, %v", told, err)
		}
		wantOutstanding(t, db, 1)
	})
}

func TestR73WhatIsComingIsCountedFromSmallIndexes(t *testing.T) {
	both(t, func(t *testing.T, db *DB) {
		add := func(n int, profile, status, reason, by, since, expires string) {
			t.Helper()
			err := db.gorm.Exec(`INSERT INTO account (id, version, username, username_folded, status, status_reason, status_by, status_since, expires_at, created_at, updated_at)
				VALUES (?, 1, ?, ?, ?, ?, ?, ?, ?, 0, 0)`, n, fmt.Sprint("u", n), fmt.Sprint("u", n), status, reason, by, since, expires).Error
			a := roster.Account{ID: uint64(n)}
			a.Values[roster.StatusField], a.Values[roster.StatusReason], a.Values[roster.StatusSince], a.Values[roster.ExpiresAt] = status, reason, since, expires
			for _, d := range duesOf(&a) {
				err = errors.Join(err, db.gorm.Exec("INSERT INTO due (account, kind, at) VALUES (?, ?, ?)", n, d.kind, d.at).Error)
			}
			if err == nil {
				err = db.gorm.Exec("INSERT INTO link (profile, account, key, key_folded, claim, since) VALUES (?, ?, ?, ?, 'active', 0)", profile, n, fmt.Sprint(n), fmt.Sprint(n)).Error
			}
			if err != nil {
				t.Fatal(err)
			}
		}
		day := func(n int) string { return roster.Stamp(noon.AddDate(0, 0, n)) }
		add(1, "hr", "active", "", "", "", day(3))
		add(2, "hr", "active", "", "", "", day(14))
		add(3, "hr", "active", "", "", "", day(15))
		add(4, "hr", "active", "", "", "", "")
		add(5, "school", "active", "", "", "", day(3))
		add(6, "hr", "suspended", "missing", "hr", day(-80), "")
		add(7, "hr", "suspended", "missing", "hr", day(-75), "")
		add(8, "hr", "suspended", "missing", "school", day(-80), "")
		add(9, "hr", "suspended", "by_hand", "person:ada", day(-80), "")
		soon := Soon{Until: noon.AddDate(0, 0, 14), Missing: noon.AddDate(0, 0, 14-90)}
		if expire, gone, err := db.Soon(t.Context(), "hr", soon); err != nil || expire != 2 || gone != 1 {
			t.Errorf("%d expire and %d are deleted, %v; want 2 and 1", expire, gone, err)
		}
		soon.Missing = time.Time{}
		if _, gone, err := db.Soon(t.Context(), "hr", soon); err != nil || gone != 0 {
			t.Errorf("without a term %d are deleted, %v", gone, err)
		}
		if db.engine.name() != "sqlite" {
			return // PostgreSQL reads a table of nine rows whole
		}
		for _, query := range []string{soonActive, soonMissing} {
			var steps []struct{ Detail string }
			if err := db.gorm.Raw("EXPLAIN QUERY PLAN " + strings.ReplaceAll(query, "?", "'x'")).Scan(&steps).Error; err != nil {
				t.Fatal(err)
			}
			if text := fmt.Sprint(steps); !strings.Contains(text, "due_at") {
				t.Errorf("due_at is not used: %s", text)
			}
		}
	})
}

func TestEveryMailThatWaitsIsDueAgain(t *testing.T) {
	bothAt(t, func(t *testing.T, db *DB, c *clock) {
		mustPost(t, db, 1, notify.Message{ID: "a@x", To: []string{"a@x"}}, notify.Message{ID: "b@x", To: []string{"b@x"}}, notify.Message{ID: "c@x", To: []string{"c@x"}})
		for _, m := range pending(t, db, c.now()) {
			var err error
			switch m.Message.ID {
			case "a@x":
				err = db.MailSent(t.Context(), m.Number)
			case "b@x":
				err = db.MailFailed(t.Context(), m.Number, "no", time.Time{})
			default:
				err = db.MailFailed(t.Context(), m.Number, "later", c.now().Add(time.Hour))
			}
			if err != nil {
				t.Fatal(err)
			}
		}
		if n, err := db.RetryMail(t.Context()); err != nil || n != 2 {
			t.Errorf("%d mails are due again, %v", n, err)
		}
		if got := pending(t, db, c.now()); len(got) != 2 || got[0].Attempts != 1 {
			t.Errorf("due are %+v", got)
		}
	})
}
