package store

import (
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"

	"rollcall/internal/shore"
)

func TestMain(m *testing.M) { shore.Main(m) }

// noon is the moment at which the tests' clock stands when a database is opened.
var noon = time.Date(2026, 9, 1, 12, 0, 0, 0, time.UTC)

// A clock moves when a test says so.
type clock struct{ micros atomic.Int64 }

func newClock() *clock {
	c := &clock{}
	c.micros.Store(noon.UnixMicro())
	return c
}

func (c *clock) now() time.Time          { return time.UnixMicro(c.micros.Load()).UTC() }
func (c *clock) advance(d time.Duration) { c.micros.Add(d.Microseconds()) }

// both runs a test on SQLite and on PostgreSQL, each with an empty database.
func both(t *testing.T, f func(t *testing.T, db *DB)) {
	t.Helper()
	bothAt(t, func(t *testing.T, db *DB, _ *clock) { f(t, db) })
}

// bothAt is both for a test that moves the clock.
func bothAt(t *testing.T, f func(t *testing.T, db *DB, c *clock)) {
	t.Helper()
	t.Run("sqlite", func(t *testing.T) {
		c := newClock()
		f(t, openAt(t, "sqlite:"+filepath.Join(t.TempDir(), "rollcall.db"), c.now), c)
	})
	t.Run("postgres", func(t *testing.T) {
		c := newClock()
		f(t, openAt(t, shore.Postgres(t), c.now), c)
	})
}

// openAt opens a database and closes it with the test.
func openAt(t *testing.T, dsn string, now func() time.Time) *DB {
	t.Helper()
	db, err := Open(t.Context(), Options{DSN: dsn, LockDir: t.TempDir(), Now: now})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	})
	return db
}
