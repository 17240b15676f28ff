package store

import (
	"strings"
	"testing"
	"time"

	"rollcall/internal/journal"
	"rollcall/internal/plan"
	"rollcall/internal/roster"
)

// given plans two people whose passwords are given, in an order that is not that
// of the plan, and stores the hashes of those that are named.
func given(t *testing.T, db *DB, hashes map[string]string) (*journal.Run, string) {
	t.Helper()
	run := &journal.Run{Profile: "hr", Kind: journal.Sync}
	if err := db.Begin(t.Context(), run); err != nil {
		t.Fatal(err)
	}
	w := db.Writer(t.Context(), run.Number)
	var list []PlannedPassword
	for i, key := range []string{"B", "A"} {
		c := plan.Change{Action: plan.Add, Key: roster.Key(key), Username: key, Links: []plan.LinkChange{{Profile: "hr", NewKey: roster.Key(key), New: roster.ClaimActive}}, Clear: "Sesame"}
		for f, v := range map[roster.Field]string{
			roster.Username: key, roster.StatusField: "active", roster.PasswordField: roster.NewPassword(time.Date(2026, 9, 1, 6, 0, 0, 0, time.UTC), false).String(),
		} {
			c.Fields = append(c.Fields, plan.FieldChange{Field: f, New: v})
		}
		if err := w.Change(c); err != nil {
			t.Fatal(err)
		}
		if hash := hashes[key]; hash != "" {
			list = append(list, PlannedPassword{Change: uint64(i + 1), Hash: hash})
		}
	}
	digest, err := w.Seal(t.Context())
	if err == nil {
		err = w.Passwords(t.Context(), list)
	}
	if err != nil {
		t.Fatal(err)
	}
	run.Facts.Passwords.Given = 2
	return run, digest
}

func TestR80AHashGoesToTheAccountOfItsChange(t *testing.T) {
	both(t, func(t *testing.T, db *DB) {
		run, digest := given(t, db, map[string]string{"A": "hash of A", "B": "hash of B"})
		if _, err := db.Apply(t.Context(), Order{Run: run, Digest: digest}); err != nil {
			t.Fatal(err)
		}
		for _, name := range []string{"A", "B"} {
			a, err := db.Named(t.Context(), name)
			if err != nil {
				t.Fatal(err)
			}
			hashes, err := db.Credentials(t.Context(), []plan.Guess{{Account: a.ID, Since: a.Password().Since}})
			if err != nil || hashes[a.ID] != "hash of "+name || !a.PasswordSet() {
				t.Errorf("account %s has %q, %v", name, hashes[a.ID], err)
			}
		}
		var left int
		if err := db.gorm.Raw("SELECT count(*) FROM planned_password").Scan(&left).Error; err != nil || left != 0 {
			t.Errorf("%d hashes of plans are left, %v", left, err)
		}
	})
}

func TestAPlanWithoutItsHashesIsNotApplied(t *testing.T) {
	both(t, func(t *testing.T, db *DB) {
		run, digest := given(t, db, map[string]string{"A": "hash of A"})
		if _, err := db.Apply(t.Context(), Order{Run: run, Digest: digest}); err == nil || !strings.Contains(err.Error(), "1 of them have no hash") {
			t.Errorf("it was applied: %v", err)
		}
		if n, err := db.Count(t.Context()); err != nil || n[roster.Active] != 0 {
			t.Errorf("%v accounts, %v", n, err)
		}
	})
}

func TestARejectedPlanKeepsNoHash(t *testing.T) {
	both(t, func(t *testing.T, db *DB) {
		run, _ := given(t, db, map[string]string{"A": "hash of A", "B": "hash of B"})
		var before, after int
		if err := db.gorm.Raw("SELECT count(*) FROM planned_password").Scan(&before).Error; err != nil {
			t.Fatal(err)
		}
		run.Status = journal.Rejected
		if err := db.Finish(t.Context(), run); err != nil {
			t.Fatal(err)
		}
		if err := db.gorm.Raw("SELECT count(*) FROM planned_password").Scan(&after).Error; err != nil || before != 2 || after != 0 {
			t.Errorf("%d hashes, and once it is rejected %d, %v", before, after, err)
		}
	})
}

func TestNoViewHasAPasswordHash(t *testing.T) {
	both(t, func(t *testing.T, db *DB) {
		query := "SELECT name || ' ' || sql FROM sqlite_schema WHERE type = 'view'"
		if db.engine.name() == "postgres" {
			query = "SELECT viewname || ' ' || definition FROM pg_views WHERE schemaname = 'directory'"
		}
		var views []string
		if err := db.gorm.Raw(query).Scan(&views).Error; err != nil {
			t.Fatal(err)
		}
		if len(views) < 5 || !strings.Contains(strings.Join(views, " "), "password_set") {
			t.Errorf("the test looked in the wrong place: %d views", len(views))
		}
		for _, v := range views {
			if strings.Contains(v, "credential") || strings.Contains(v, "planned_password") || strings.Contains(v, "hash") {
				t.Errorf("a view knows of hashes: %s", v)
			}
		}
	})
}
