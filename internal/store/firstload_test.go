package store

import (
	"encoding/json"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"testing"
	"time"
	"unicode"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"rollcall/internal/journal"
	"rollcall/internal/plan"
	"rollcall/internal/roster"
	"rollcall/internal/shore"
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
		const people = few + 500
		run, digest := newcomers(t, db, people)
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

func TestAFirstLoadThatIsNotTheOneThatWasShownIsRefused(t *testing.T) {
	both(t, func(t *testing.T, db *DB) {
		before := indexes(t, db)
		run, digest := newcomers(t, db, few+1)
		if err := db.gorm.Exec("UPDATE change SET username = 'mallory' WHERE run = ? AND ord = 7", run.Number).Error; err != nil {
			t.Fatal(err)
		}
		if _, err := db.Apply(t.Context(), Order{Run: run, Digest: digest}); !errors.Is(err, ErrRefused) {
			t.Errorf("it is not refused: %v", err)
		}
		if n, err := db.pool.QueryContext(t.Context(), "SELECT 1 FROM account UNION ALL SELECT 1 FROM run WHERE ids_from IS NOT NULL"); err != nil || n.Next() {
			t.Errorf("something is left of it, %v", err)
		} else {
			n.Close()
		}
		if diff := cmp.Diff(before, indexes(t, db)); diff != "" {
			t.Errorf("before (-) and after (+):\n%s", diff)
		}
	})
}

// TestTheLoadAfterATrialReadsNoTableForEachOfItsPeople counts what the server reads of
// the accounts to see that those of the links are there. It knows five, and has kept how
// it looked for them: by reading them all.
func TestTheLoadAfterATrialReadsNoTableForEachOfItsPeople(t *testing.T) {
	t.Parallel()
	db := openAt(t, shore.Postgres(t), newClock().now)
	db.pool.SetMaxOpenConns(1) // what is kept is the connection's
	s := story{t, db}
	s.people("hr", "ada", "ben", "cal", "dan", "eve")
	if err := db.gorm.Exec("VACUUM ANALYZE account").Error; err != nil {
		t.Fatal(err)
	}
	s.people("hr", "fay", "gil", "hal", "ian", "jo", "kay", "lou", "mia", "ned", "oz")
	read := func() (rows int64) {
		t.Helper()
		if err := db.gorm.Raw("SELECT seq_tup_read FROM pg_stat_user_tables WHERE relname = 'account' AND pg_stat_force_next_flush() IS NOT NULL").Scan(&rows).Error; err != nil {
			t.Fatal(err)
		}
		return rows
	}
	run, digest := newcomers(t, db, 1000)
	before := read()
	if a, err := db.Apply(t.Context(), Order{Run: run, Digest: digest}); err != nil || a.Carried != 1000 {
		t.Fatalf("%v, %+v", err, a)
	}
	read()
	if got := read() - before; got > 100*1000 {
		t.Errorf("to add 1,000 people %d rows of accounts were read one after the other", got)
	}
}

// newcomers is a sealed plan that adds n people.
func newcomers(tb testing.TB, db *DB, n int) (run *journal.Run, digest string) {
	tb.Helper()
	run = &journal.Run{Profile: "hr", Kind: journal.Sync, Facts: plan.Facts{Rows: plan.Rows{Added: n}}}
	if err := db.Begin(tb.Context(), run); err != nil {
		tb.Fatal(err)
	}
	w := db.Writer(tb.Context(), run.Number)
	for i := range n {
		key := fmt.Sprintf("E%05d", i)
		c := plan.Change{Action: plan.Add, Key: roster.Key(key), Username: "u" + key, Reason: "new in the feed", Links: []plan.LinkChange{{Profile: "hr", NewKey: roster.Key(key), New: roster.ClaimActive}}}
		for _, f := range []roster.Field{roster.EmployeeID, roster.Username, roster.Email, roster.StatusField} {
			v := map[roster.Field]string{roster.EmployeeID: key, roster.Username: "u" + key, roster.StatusField: "active", roster.Email: key + "@example.org"}[f]
			c.Fields = append(c.Fields, plan.FieldChange{Field: f, New: v, Is: "hr"})
		}
		if err := w.Change(c); err != nil {
			tb.Fatal(err)
		}
	}
	digest, err := w.Seal(tb.Context())
	if err != nil {
		tb.Fatal(err)
	}
	return run, digest
}

// BenchmarkFirstLoad plans and applies 10,000 newcomers.
func BenchmarkFirstLoad(b *testing.B) {
	for name, dsn := range map[string]func() string{
		"sqlite":   func() string { return "sqlite:" + filepath.Join(b.TempDir(), "rollcall.db") },
		"postgres": func() string { return shore.Postgres(b) },
	} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				db, err := Open(b.Context(), Options{DSN: dsn(), LockDir: b.TempDir(), Now: func() time.Time { return noon }})
				if err != nil {
					b.Fatal(err)
				}
				run, digest := newcomers(b, db, 10_000)
				if _, err := db.Apply(b.Context(), Order{Run: run, Digest: digest}); err != nil {
					b.Fatal(err)
				}
				if err := db.Close(); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func TestTheUsualFormOfAChangeIsThatOfEncodingJSON(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.OneOf(rapid.StringOf(rapid.RuneFrom(nil, unicode.Latin, unicode.Han)), rapid.SampledFrom([]string{"", "<b>", `"`, `\`, "a\u2028b", "é", "\x01", "x"}))
		var fields []plan.FieldChange
		for range rapid.IntRange(0, 4).Draw(t, "fields") {
			f := rapid.SampledFrom([]roster.Field{roster.Email, roster.City, roster.StatusField}).Draw(t, "field")
			fields = append(fields, plan.FieldChange{Field: f, Name: f.String(), Old: text.Draw(t, "old"), New: text.Draw(t, "new"), Was: roster.Origin(text.Draw(t, "was")), Is: roster.Origin(text.Draw(t, "is"))})
		}
		want, err := json.Marshal(fields)
		if err != nil {
			t.Fatal(err)
		}
		if got := fieldsText(fields); got != string(want) {
			t.Fatalf("got  %s\nwant %s", got, want)
		}
		back, err := readFields(string(want))
		if err != nil || !cmp.Equal(back, fields) {
			t.Fatalf("%s is read as %+v, %v", want, back, err)
		}
		links := []plan.LinkChange{{Profile: text.Draw(t, "profile"), NewKey: roster.Key(text.Draw(t, "new key")), OldKey: roster.Key(text.Draw(t, "old key")), New: roster.ClaimActive, Decided: rapid.Bool().Draw(t, "decided")}}
		if back, err := readLinks(linksText(links)); err != nil || !cmp.Equal(back, links) {
			t.Fatalf("%s is read as %+v, %v", linksText(links), back, err)
		}
	})
}
