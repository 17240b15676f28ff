package store

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"rollcall/internal/journal"
	"rollcall/internal/plan"
	"rollcall/internal/roster"
	"rollcall/internal/shore"
)

func TestOpeningAgainFindsTheSchemaThere(t *testing.T) {
	for _, dsn := range []string{"sqlite:" + filepath.Join(t.TempDir(), "a b?c%d#e.db"), shore.Postgres(t)} {
		openAt(t, dsn, time.Now)
		openAt(t, dsn, time.Now)
	}
}

func TestSeveralStartersMigrateOnce(t *testing.T) {
	for _, dsn := range []string{"sqlite:" + filepath.Join(t.TempDir(), "rollcall.db"), shore.Postgres(t)} {
		var all sync.WaitGroup
		for range 3 {
			all.Go(func() {
				db, err := Open(t.Context(), Options{DSN: dsn, Now: time.Now})
				if err != nil {
					t.Error(err)
					return
				}
				db.Close()
			})
		}
		all.Wait()
	}
}

func TestANewerSchemaIsRefused(t *testing.T) {
	both(t, func(t *testing.T, db *DB) {
		if err := db.gorm.Exec("INSERT INTO migration (version_id, is_applied) VALUES (99999, ?)", true).Error; err != nil {
			t.Fatal(err)
		}
		_, err := upgrade(t.Context(), db.engine, db.pool)
		if !errors.Is(err, ErrNewer) || !strings.Contains(err.Error(), "99999") {
			t.Errorf("got %v, want ErrNewer with the version", err)
		}
	})
}

func TestWhoHasOpenedADatabaseBeforeItsSchemaWasChangedAppliesNothing(t *testing.T) {
	both(t, func(t *testing.T, db *DB) {
		s := story{t, db}
		p := s.people("hr", "ada")
		r := s.plan("hr", suspend(p[0], noon))
		if err := db.gorm.Exec("INSERT INTO migration (version_id, is_applied) VALUES (99999, ?)", true).Error; err != nil {
			t.Fatal(err)
		}
		before := dump(t, db)
		if _, err := db.Apply(t.Context(), order(r)); !errors.Is(err, ErrNewer) || !strings.Contains(err.Error(), "99999") {
			t.Errorf("got %v, want ErrNewer with the version", err)
		}
		if got := dump(t, db); got != before {
			t.Errorf("got\n%s\nwant\n%s", got, before)
		}
	})
}

func TestADatabaseThatCannotBeUsedIsDownWithARemedy(t *testing.T) {
	dir := t.TempDir()
	text := filepath.Join(dir, "text.db")
	if err := os.WriteFile(text, []byte(strings.Repeat("no database at all\n", 100)), 0o600); err != nil {
		t.Fatal(err)
	}
	crowded := shore.Postgres(t)
	if err := openAt(t, crowded, time.Now).gorm.Exec("CREATE ROLE crowded LOGIN CONNECTION LIMIT 0").Error; err != nil {
		t.Fatal(err)
	}
	tests := []struct{ name, dsn, want string }{
		{"a file that is no database", "sqlite:" + text, "is not an SQLite database"},
		{"a folder", "sqlite:" + dir, "cannot be written"},
		{"nobody listens", "postgres://u:hunter2@127.0.0.1:1/x?sslmode=disable", "does not answer"},
		{"no such database", strings.Replace(shore.Postgres(t), "/db", "/nodb", 1), "createdb"},
		{"no such user", strings.Replace(shore.Postgres(t), "postgres@", "nobody:hunter2@", 1), "refuses user"},
		{"no connection is left", strings.Replace(crowded, "postgres@", "crowded@", 1), "connection limit"},
		{"an address that cannot be read", "postgres://u:hunter2@127.0.0.1:x/x", "cannot be read"},
		{"something else", "mysql://u:hunter2@h/x", "neither"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			db, err := Open(t.Context(), Options{DSN: tt.dsn, Password: "hunter2", Now: time.Now})
			if err == nil {
				db.Close()
			}
			if !errors.Is(err, ErrDown) || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got %v, want ErrDown with %q", err, tt.want)
			}
			if err != nil && strings.Contains(err.Error(), "hunter2") {
				t.Errorf("%v names the password", err)
			}
		})
	}
}

func TestALockedFileIsDown(t *testing.T) {
	path := filepath.Join(t.TempDir(), "rollcall.db")
	db := openAt(t, "sqlite:"+path, time.Now)
	tx, err := db.pool.BeginTx(t.Context(), nil) // takes the right to write
	if err != nil {
		t.Fatal(err)
	}
	defer tx.Rollback() //nolint:errcheck // nothing was written

	e := lite{path}
	if err := e.try(t.Context(), 100*time.Millisecond); err == nil || !strings.Contains(e.explain(err), "locked by another program") {
		t.Errorf("got %v, want that it is locked", err)
	}
}

func TestTheFileIsForItsOwnerAlone(t *testing.T) {
	path := filepath.Join(t.TempDir(), "state", "rollcall.db")
	openAt(t, "sqlite:"+path, time.Now)
	for name, want := range map[string]os.FileMode{path: 0o600, filepath.Dir(path): 0o700} {
		info, err := os.Stat(name)
		if err != nil {
			t.Fatal(err)
		}
		if got := info.Mode().Perm(); got != want {
			t.Errorf("%s: got mode %o, want %o", filepath.Base(name), got, want)
		}
	}
}

func TestReadersMaySeeTheViewsAndNothingElse(t *testing.T) {
	dsn := shore.Postgres(t)
	db := openAt(t, dsn, time.Now)
	const role = `l"ms reader`
	if err := db.gorm.Exec(`CREATE ROLE "l""ms reader"`).Error; err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { // roles are the server's, which other tests share
		if err := db.gorm.Exec(`DROP OWNED BY "l""ms reader"; DROP ROLE "l""ms reader"`).Error; err != nil {
			t.Error(err)
		}
	})
	again, err := Open(t.Context(), Options{DSN: dsn, Readers: []string{role}, Now: time.Now})
	if err != nil {
		t.Fatal(err)
	}
	defer again.Close()

	conn, err := again.pool.Conn(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if _, err := conn.ExecContext(t.Context(), `SET ROLE "l""ms reader"`); err != nil {
		t.Fatal(err)
	}
	for _, view := range []string{"accounts", "account_names", "account_changes", "account_fields", "memberships"} {
		if _, err := conn.ExecContext(t.Context(), "SELECT * FROM directory."+view); err != nil {
			t.Errorf("%s: got %v, want that it may be read", view, err)
		}
	}
	if _, err := conn.ExecContext(t.Context(), "SELECT * FROM account"); err == nil {
		t.Error("a reader may read the table account")
	}
	if _, err := conn.ExecContext(t.Context(), "RESET ROLE"); err != nil {
		t.Fatal(err)
	}
}

func TestAReaderWhoDoesNotExistIsNamed(t *testing.T) {
	_, err := Open(t.Context(), Options{DSN: shore.Postgres(t), Readers: []string{"nobody_here"}, Now: time.Now})
	if err == nil || !strings.Contains(err.Error(), "nobody_here") || !strings.Contains(err.Error(), "database_readers") {
		t.Errorf("got %v, want the role and the key to correct", err)
	}
}

// older makes a database as it was at a version of the schema, and puts something into it.
func older(t *testing.T, dsn string, version int64, statements ...string) {
	t.Helper()
	var e engine
	var err error
	if path, is := strings.CutPrefix(dsn, "sqlite:"); is {
		e, err = sqliteAt(path)
	} else {
		e, err = postgresAt(Options{DSN: dsn})
	}
	if err != nil {
		t.Fatal(err)
	}
	pool, err := e.open(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	files, err := fs.Sub(migrations, "migrations/"+e.name())
	if err != nil {
		t.Fatal(err)
	}
	p, err := e.migrate(t.Context(), files, pool)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := p.UpTo(t.Context(), version); err != nil {
		t.Fatal(err)
	}
	for _, statement := range statements {
		if _, err := pool.ExecContext(t.Context(), statement); err != nil {
			t.Fatal(err)
		}
	}
	if err := pool.Close(); err != nil {
		t.Fatal(err)
	}
}

func TestWhatIsDueInAnOlderSchemaIsDueStill(t *testing.T) {
	for _, dsn := range []string{"sqlite:" + filepath.Join(t.TempDir(), "rollcall.db"), shore.Postgres(t)} {
		older(t, dsn, 13, `INSERT INTO account (id, version, username, username_folded, status, status_reason, status_by, status_since, starts_at, expires_at, deleted_at, created_at, updated_at) VALUES
			(1, 1, 'a', 'a', 'active', '', '', '', '', '2026-10-01T00:00:00Z', '', 0, 0),
			(2, 1, 'b', 'b', 'active', '', '', '', '', '', '', 0, 0),
			(3, 1, 'c', 'c', 'suspended', 'not_started', 'date', '2026-09-01T00:00:00Z', '2026-10-02T00:00:00Z', '2026-10-01T00:00:00Z', '', 0, 0),
			(4, 1, 'd', 'd', 'suspended', 'not_started', 'date', '2026-09-01T00:00:00Z', '', '2026-10-01T00:00:00Z', '', 0, 0),
			(5, 1, 'e', 'e', 'suspended', 'missing', 'hr', '2026-09-01T00:00:00Z', '', '2026-10-01T00:00:00Z', '', 0, 0),
			(6, 1, 'c', 'c', 'deleted', 'missing', 'hr', '', '', '', '2026-09-03T00:00:00Z', 0, 0)`)
		db := openAt(t, dsn, time.Now)
		var got []string
		for a, err := range db.Accounts(t.Context(), AccountQuery{Status: "all"}) {
			if err != nil {
				t.Fatal(err)
			}
			for _, d := range duesOf(&a) {
				got = append(got, fmt.Sprint(d.kind, a.ID, " ", d.at))
			}
		}
		slices.Sort(got)
		var noted []string
		if err := db.gorm.Raw("SELECT kind || account || ' ' || at FROM due").Scan(&noted).Error; err != nil {
			t.Fatal(err)
		}
		slices.Sort(noted)
		if diff := cmp.Diff(got, noted); diff != "" || len(noted) != 6 {
			t.Errorf("-accounts +noted\n%s", diff)
		}
		if name, err := db.Named(t.Context(), "c"); err != nil || name.ID != 3 {
			t.Errorf("c is %+v, %v: want who has not been deleted", name, err)
		}
	}
}

func TestThePlansOfAnOlderSchemaStay(t *testing.T) {
	dsn := "sqlite:" + filepath.Join(t.TempDir(), "rollcall.db")
	older(
		t, dsn, 3, // changes had no row numbers
		"INSERT INTO run (number, id, profile, kind, status, started, applied_seq, applied_at, doc) VALUES (7, 'x', 'hr', 'sync', 'ok', 1, 3, 1, '{}')",
		`INSERT INTO change (run, ord, phase, line, subject, key, action, account, version, username, reason, absent, by_date, fields, links, gives, takes, done, note)
			VALUES (7, 2, 1, 0, 4, 'E9', 'claim', 4, 3, 'bob', 'only this profile''s claim moves', 0, 0, 'null', 'null', '', '', 'left_out', 'moved'),
				(7, 1, 3, 2, 0, 'E1', 'add', 5, 0, 'ada', 'new in the feed', 0, 1, '[{"name":"city","old":"","new":"York"}]', 'null', '', 'ada', 'applied', 'n')`,
	)
	db := openAt(t, dsn, time.Now)
	var got []journal.Outcome
	for o, err := range db.Changes(t.Context(), 7) {
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, o)
	}
	if len(got) != 2 || got[0].Key != "E9" || got[0].Done != journal.LeftOut || got[0].Account != 4 {
		t.Fatalf("the plan is not in its order: %+v", got)
	}
	want := journal.Outcome{Done: journal.Applied, Note: "n", Change: plan.Change{
		Action: plan.Add, Account: 5, Key: "E1", Username: "ada", Reason: "new in the feed", Line: 2, ByDate: true,
		Fields: []plan.FieldChange{{Field: roster.City, Name: "city", New: "York"}},
	}}
	if diff := cmp.Diff(want, got[1]); diff != "" {
		t.Errorf("-want +got\n%s", diff)
	}
	var seq, account int64
	if err := db.pool.QueryRow("SELECT applied_seq, account FROM account_changes").Scan(&seq, &account); err != nil || seq != 3 || account != 5 {
		t.Errorf("the view tells of run %d and account %d, %v", seq, account, err)
	}
}

// TestOnSQLiteNobodysCountsMisleadASearch has somebody count the rows. With the counts of
// the command sqlite3 a search for the changes of a run would read those of all others.
func TestOnSQLiteNobodysCountsMisleadASearch(t *testing.T) {
	dsn := "sqlite:" + filepath.Join(t.TempDir(), "rollcall.db")
	db := openAt(t, dsn, newClock().now)
	story{t, db}.people("hr", "ada", "bob")
	if err := db.gorm.Exec("ANALYZE").Error; err != nil {
		t.Fatal(err)
	}
	counts := func(db *DB) (n int) {
		if err := db.gorm.Raw("SELECT count(*) FROM sqlite_schema WHERE name LIKE 'sqlite_stat%'").Scan(&n).Error; err != nil {
			t.Fatal(err)
		}
		return n
	}
	if counts(db) == 0 {
		t.Fatal("nothing was counted, so that this test says nothing")
	}
	again := openAt(t, dsn, newClock().now)
	if n := counts(again); n > 0 {
		t.Errorf("%d tables of counts are left", n)
	}
	if got := (story{t, again}).named("ada"); got.Values[roster.Username] != "ada" {
		t.Errorf("ada is %+v", got)
	}
}
