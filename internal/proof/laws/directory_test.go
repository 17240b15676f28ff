// Package laws_test holds rollcall to what must be so for every roster: random
// drops of three profiles, through the whole thread, on SQLite and PostgreSQL
// side by side.
package laws_test

import (
	"context"
	"database/sql"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	_ "github.com/jackc/pgx/v5/stdlib"
	_ "modernc.org/sqlite"
	"pgregory.net/rapid"

	"rollcall/internal/format"
	"rollcall/internal/guard"
	"rollcall/internal/journal"
	"rollcall/internal/mapping"
	"rollcall/internal/plan"
	"rollcall/internal/proof"
	"rollcall/internal/roster"
	"rollcall/internal/run"
	"rollcall/internal/shore"
	"rollcall/internal/source"
	"rollcall/internal/store"
)

// TestMain checks each law with five hundred histories on each database that are always the same,
// and with more that nobody has seen yet where make safety asks for it.
func TestMain(m *testing.M) {
	flag.Parse()
	asked := map[string]bool{}
	flag.Visit(func(f *flag.Flag) { asked[f.Name] = true })
	seed := proof.Long(1, int(time.Now().UnixNano()&0xffffff))
	if seed != 1 {
		fmt.Println("the seed of these laws, for -rapid.seed:", seed)
	}
	if err := flag.Set("rapid.nofailfile", "true"); err != nil { // both databases see the same cases
		panic(err)
	}
	for name, value := range map[string]int{"rapid.checks": proof.Long(500, 2000), "rapid.seed": seed} {
		if asked[name] {
			continue
		}
		if err := flag.Set(name, strconv.Itoa(value)); err != nil {
			panic(err)
		}
	}
	shore.Main(m)
}

// A directory is one site on one database.
type directory struct {
	*run.Runner
	t      *testing.T
	engine string
	dir    string
	db     *sql.DB
	clear  []string  // statements that make the database new again
	at     time.Time // what its clock says
	files  int
}

// open makes an empty site. It lies in memory where the machine can do that:
// what a power failure leaves is another test's concern.
func open(t *testing.T, engine string) *directory {
	t.Helper()
	dir, err := os.MkdirTemp("/dev/shm", "rollcall-laws-")
	if err != nil {
		dir = t.TempDir()
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	d := &directory{t: t, engine: engine, dir: dir}
	dsn, driver, address := "sqlite:"+filepath.Join(dir, "rollcall.db"), "sqlite", filepath.Join(dir, "rollcall.db")
	if engine == "postgres" {
		dsn = shore.Postgres(t)
		driver, address = "pgx", dsn
	}
	db, err := store.Open(t.Context(), store.Options{DSN: dsn, LockDir: filepath.Join(dir, "locks"), Now: func() time.Time { return d.at }})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	if d.db, err = sql.Open(driver, address); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = d.db.Close() })
	d.Runner = &run.Runner{
		Store: db, State: filepath.Join(dir, "state"), Log: slog.New(slog.NewTextHandler(io.Discard, nil)), Now: func() time.Time { return d.at },
		Site: "example.org", Hold: 90 * 24 * time.Hour, Limits: guard.DefaultLimits(), Version: "test",
	}
	d.prepare()
	return d
}

// prepare finds out how the database is made new again: tables that were empty
// when it was made are emptied, and the counters go back to where they began.
func (d *directory) prepare() {
	d.t.Helper()
	query := "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%' AND name <> 'counter'"
	if d.engine == "postgres" {
		query = "SELECT table_name FROM information_schema.tables WHERE table_schema NOT IN ('pg_catalog', 'information_schema') AND table_type = 'BASE TABLE' AND table_name <> 'counter'"
	}
	rows, err := d.db.Query(query)
	if err != nil {
		d.t.Fatal(err)
	}
	var tables []string
	for rows.Next() {
		var name string
		if err := rows.Scan(&name); err != nil {
			d.t.Fatal(err)
		}
		tables = append(tables, name)
	}
	if err := rows.Err(); err != nil {
		d.t.Fatal(err)
	}
	var empty []string
	for _, name := range tables {
		var n int
		if err := d.db.QueryRow("SELECT count(*) FROM " + name).Scan(&n); err != nil {
			d.t.Fatal(err)
		}
		if n == 0 {
			empty = append(empty, name)
		}
	}
	if len(empty) < 5 {
		d.t.Fatalf("tables that begin empty: %v of %v", empty, tables)
	}
	if d.engine == "postgres" {
		d.clear = append(d.clear, "TRUNCATE "+strings.Join(empty, ", "))
	} else {
		for _, name := range empty {
			d.clear = append(d.clear, "DELETE FROM "+name)
		}
	}
	counters, err := d.db.Query("SELECT name, value FROM counter")
	if err != nil {
		d.t.Fatal(err)
	}
	for counters.Next() {
		var name string
		var value int64
		if err := counters.Scan(&name, &value); err != nil {
			d.t.Fatal(err)
		}
		d.clear = append(d.clear, fmt.Sprintf("UPDATE counter SET value = %d WHERE name = '%s'", value, name))
	}
	if err := counters.Err(); err != nil {
		d.t.Fatal(err)
	}
}

// reset makes the site new again.
func (d *directory) reset(t *rapid.T) {
	t.Helper()
	d.at = time.Date(2026, 9, 1, 6, 0, 0, 0, time.UTC)
	tx, err := d.db.Begin()
	if err != nil {
		t.Fatal(err)
	}
	defer tx.Rollback()
	for _, s := range d.clear {
		if _, err := tx.Exec(s); err != nil {
			t.Fatal(s, ": ", err)
		}
	}
	if err := tx.Commit(); err != nil {
		t.Fatal(err)
	}
	if err := os.RemoveAll(d.State); err != nil {
		t.Fatal(err)
	}
}

// columns are the header of every drop: the names of the fields, and the words
// that an HR system has for a person's state.
var columns = []string{"employee_id", "username", "first_name", "last_name", "email", "city", "expires_on", "starts_on", "state", "deleted", "oldusername", "previous_key"}

// feed is a profile that reads those columns. No guardrail is narrow enough to
// hold what is random, but everybody: what that holds is approved.
func feed(name string, change ...func(*run.Profile)) *run.Profile {
	p := &run.Profile{
		Name: name, Enabled: true, Zone: time.UTC, Digest: "v1",
		Source: source.Defaults(),
		Format: format.Options{Content: "full"},
		Mapping: mapping.Options{Key: roster.EmployeeID, Map: map[string]mapping.Column{
			"status": {From: "state", Values: map[string]string{"A": "active", "S": "suspended", "L": "leave", "X": "leaver"}},
		}},
		Limits: guard.DefaultLimits(),
		Plan: plan.Options{
			Profile: name, Full: true, Match: plan.Match{Key: roster.EmployeeID}, Policy: plan.DefaultPolicy(), UniqueEmail: "on",
			Required: []roster.Field{roster.Username, roster.FirstName, roster.LastName}, Zone: time.UTC,
		},
		Report: run.Report{When: "never"},
	}
	for _, c := range columns {
		if c != "state" {
			p.Mapping.Map[c] = mapping.Column{From: c}
		}
	}
	p.Limits.FirstRun = "apply"
	for _, c := range change {
		c(p)
	}
	p.Mapping.Key = p.Plan.Match.Key
	p.Mapping.Fallback = p.Plan.Match.Fallback.By != ""
	p.Plan.Set = p.Mapping.SetModes()
	return p
}

// write makes a file of a drop.
func (d *directory) write(t *rapid.T, text []byte) string {
	t.Helper()
	d.files++
	path := filepath.Join(d.dir, "drop-"+strconv.Itoa(d.files)+".csv")
	if err := os.WriteFile(path, text, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// plan is what a drop would do.
func (d *directory) plan(t *rapid.T, p *run.Profile, text []byte) *journal.Run {
	t.Helper()
	path := d.write(t, text)
	defer os.Remove(path)
	r, err := d.Run(context.Background(), run.Request{Profile: p, File: path, Dry: true, Trigger: "manual"})
	if err != nil {
		t.Fatalf("%s: plan: %v\n%s", d.engine, err, text)
	}
	return r
}

// apply reads a drop and carries out what it asks for; a plan that would remove
// everybody is approved.
func (d *directory) apply(t *rapid.T, p *run.Profile, text []byte) *journal.Run {
	t.Helper()
	path := d.write(t, text)
	defer os.Remove(path)
	r, err := d.Run(context.Background(), run.Request{Profile: p, File: path, Trigger: "manual"})
	if err != nil {
		t.Fatalf("%s: run: %v\n%s", d.engine, err, text)
	}
	if r.Status == journal.Held {
		if r, err = d.Approve(context.Background(), p, run.Decision{Run: r.Number, Digest: r.PlanDigest, Who: "ada", Reason: "the roster is random"}); err != nil {
			t.Fatalf("%s: approve: %v\n%s", d.engine, err, text)
		}
	}
	if !r.Status.Applied() {
		t.Fatalf("%s: run %d is %s: %s", d.engine, r.Number, r.Status, r.Error)
	}
	return r
}

// accounts are all there are, deleted ones too.
func (d *directory) accounts(t *rapid.T) []roster.Account {
	t.Helper()
	var wrong int
	if err := d.db.QueryRow("SELECT count(*) FROM (" + proof.NotDue + " UNION ALL " + proof.NotFree + ") AS n").Scan(&wrong); err != nil || wrong > 0 {
		t.Fatalf("of %d accounts it is not noted what is due, or whether their names are free, %v", wrong, err)
	}
	var all []roster.Account
	for a, err := range d.Store.Accounts(context.Background(), store.AccountQuery{Status: "all"}) {
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, a)
	}
	return all
}

// outcomes are what a run did, or would do.
func (d *directory) outcomes(t *rapid.T, number int64) []journal.Outcome {
	t.Helper()
	var all []journal.Outcome
	for o, err := range d.Store.Changes(context.Background(), number) {
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, o)
	}
	return all
}

// problems are those of a run.
func (d *directory) problems(t *rapid.T, number int64) []roster.Problem {
	t.Helper()
	var all []roster.Problem
	for p, err := range d.Store.Problems(context.Background(), number) {
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, p)
	}
	return all
}

// dump is the accounts as text, a line each, with or without versions.
func dump(accounts []roster.Account, versions bool) string {
	var b strings.Builder
	for _, a := range accounts {
		fmt.Fprintf(&b, "account %d", a.ID)
		if versions {
			fmt.Fprintf(&b, " v%d", a.Version)
		}
		for f := range roster.NumFields {
			if v := a.Values[f]; v != "" {
				fmt.Fprintf(&b, " %s=%s", f, v)
			}
			if f < roster.NumFeedFields && a.Origins[f] != "" {
				fmt.Fprintf(&b, "(%s)", a.Origins[f])
			}
		}
		fmt.Fprintf(&b, " links=%+v\n", a.Links)
	}
	return b.String()
}
