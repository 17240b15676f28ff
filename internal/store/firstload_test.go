package store

import (
	"fmt"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"rollcall/internal/journal"
	"rollcall/internal/plan"
	"rollcall/internal/roster"
)

// indexes are the definitions of all indexes and constraints, sorted.
func indexes(t *testing.T, db *DB) []string {
	t.Helper()
	query := "SELECT coalesce(sql, name) FROM sqlite_schema WHERE type = 'index'"
	if db.engine.name() == "postgres" {
		query = "SELECT indexdef FROM pg_indexes WHERE schemaname = 'public' UNION ALL SELECT conname || pg_get_constraintdef(oid) FROM pg_constraint WHERE contype = 'f'"
	}
	var all []string
	if err := db.gorm.Raw(query).Scan(&all).Error; err != nil {
		t.Fatal(err)
	}
	slices.Sort(all)
	return all
}

func TestAFirstLoadBuildsTheIndexesThatThereWere(t *testing.T) {
	both(t, func(t *testing.T, db *DB) {
		before := indexes(t, db)
		run := &journal.Run{Profile: "hr", Kind: journal.Sync}
		if err := db.Begin(t.Context(), run); err != nil {
			t.Fatal(err)
		}
		w := db.Writer(t.Context(), run.Number)
		const people = many + 500
		for i := range people {
			key := fmt.Sprintf("E%05d", i)
			c := plan.Change{Action: plan.Add, Key: roster.Key(key), Username: "u" + key, Reason: "new in the feed", Links: []plan.LinkChange{{Profile: "hr", NewKey: roster.Key(key), New: roster.ClaimActive}}}
			for f, v := range map[roster.Field]string{roster.EmployeeID: key, roster.Username: "u" + key, roster.StatusField: "active", roster.Email: key + "@example.org"} {
				c.Fields = append(c.Fields, plan.FieldChange{Field: f, New: v, Is: "hr"})
			}
			if err := w.Change(c); err != nil {
				t.Fatal(err)
			}
		}
		digest, err := w.Seal(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		a, err := db.Apply(t.Context(), Order{Run: run, Digest: digest})
		if err != nil || a.Carried != people || a.ActiveAfter != people {
			t.Fatalf("%v, %+v", err, a)
		}
		if diff := cmp.Diff(before, indexes(t, db)); diff != "" {
			t.Errorf("before (-) and after (+) the first load:\n%s", diff)
		}
		found, err := db.Find(t.Context(), plan.Query{Profile: "hr", Keys: []roster.Key{"E00007"}, Now: noon})
		if err != nil || len(found.Accounts) != 1 || found.Accounts[0].Values[roster.Username] != "uE00007" {
			t.Errorf("%v, %+v", err, found.Accounts)
		}
	})
}
