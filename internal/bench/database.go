package main

import (
	"context"
	"embed"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// A side is one of the two that are compared; each has a database of its own.
type side string

const (
	ours   side = "rollcall"
	expert side = "expert"
)

// A database is one engine with a database for each side, whose states are kept
// under names and brought back cheaply.
type database interface {
	address() string // as database: in rollcall.yaml
	server() int     // the process id; 0 where there is none
	size(side) (int64, error)
	empty(context.Context, side) error
	keep(context.Context, side, string) error
	restore(context.Context, side, string) error
	sync(feed string) (step, error)               // the expert's SQL over a feed
	revert() (step, error)                        // and what takes its first load back
	people(context.Context, side) (string, error) // a hash of who is active, with all fields
	query(ctx context.Context, s side, sql string) (string, error)
	stop()
}

//go:embed sql/*.sql
var scripts embed.FS

// script writes a script of the expert's for one feed, and answers with its path.
func script(dir, name, feed string) (string, error) {
	text, err := scripts.ReadFile("sql/" + name + ".sql")
	if err != nil {
		return "", err
	}
	path := filepath.Join(dir, name+".sql")
	return path, os.WriteFile(path, []byte(strings.ReplaceAll(string(text), "@FEED@", feed)), 0o644)
}

// peopleSQL lists who is active, in the order of their numbers. Both sides must
// end with the same people.
func peopleSQL(table, givenName, familyName string) string {
	return fmt.Sprintf("select employee_id,username,%s,%s,lower(email),department,title,manager,city,country,phone1,expires_on,institution,description from %s where status='active' order by employee_id", givenName, familyName, table)
}

// sqlite runs on files, with the sqlite3 command as the expert.
type sqlite struct{ dir string }

func startSQLite(dir string) (*sqlite, error) {
	if _, err := exec.LookPath("sqlite3"); err != nil {
		return nil, fmt.Errorf("%w; install the package sqlite3", err)
	}
	return &sqlite{dir}, os.MkdirAll(dir, 0o755)
}

func (q *sqlite) file(s side) string { return filepath.Join(q.dir, string(s)+".db") }

func (q *sqlite) address() string { return "sqlite:" + q.file(ours) }
func (q *sqlite) server() int     { return 0 }
func (q *sqlite) stop()           {}

func (q *sqlite) size(s side) (int64, error) {
	sum := int64(0)
	for _, suffix := range []string{"", "-wal"} {
		if info, err := os.Stat(q.file(s) + suffix); err == nil {
			sum += info.Size()
		}
	}
	return sum, nil
}

func (q *sqlite) empty(ctx context.Context, s side) error {
	q.remove(s)
	if s == ours {
		return nil // the program makes its own
	}
	_, err := q.command(ctx, s, ".read "+q.scriptPath("sqlite-schema"))
	return err
}

func (q *sqlite) remove(s side) {
	for _, suffix := range []string{"", "-wal", "-shm"} {
		_ = os.Remove(q.file(s) + suffix) // it may not be there
	}
}

func (q *sqlite) scriptPath(name string) string {
	path, err := script(q.dir, name, "")
	if err != nil {
		panic(err) // it is embedded
	}
	return path
}

func (q *sqlite) keep(ctx context.Context, s side, state string) error {
	tidy := "pragma wal_checkpoint(truncate);"
	if s == expert { // who looks after a database by hand does this too; rollcall wants none of it
		tidy += " analyze;"
	}
	if _, err := q.command(ctx, s, tidy); err != nil {
		return err
	}
	return copyFile(q.file(s), q.file(s)+"."+state)
}

func (q *sqlite) restore(_ context.Context, s side, state string) error {
	q.remove(s)
	return copyFile(q.file(s)+"."+state, q.file(s))
}

func (q *sqlite) sync(feed string) (step, error) {
	path, err := script(q.dir, "sqlite-sync", feed)
	return step{path: "sqlite3", args: []string{"-bail", q.file(expert), ".read " + path}}, err
}

func (q *sqlite) revert() (step, error) {
	path, err := script(q.dir, "sqlite-revert", "")
	return step{path: "sqlite3", args: []string{"-bail", q.file(expert), ".read " + path}}, err
}

func (q *sqlite) people(ctx context.Context, s side) (string, error) {
	return hashOutput(ctx, "sqlite3", "-bail", "-separator", "|", q.file(s), peopleSQL("accounts", "first_name", "last_name"))
}

func (q *sqlite) query(ctx context.Context, s side, sql string) (string, error) {
	return q.command(ctx, s, sql)
}

func (q *sqlite) command(ctx context.Context, s side, sql string) (string, error) {
	return step{path: "sqlite3", args: []string{"-bail", q.file(s), sql}}.run(ctx, nil)
}

// copyFile copies, and waits until the disk has it.
func copyFile(from, to string) error {
	in, err := os.Open(from)
	if err != nil {
		return err
	}
	defer in.Close()
	out, err := os.Create(to)
	if err != nil {
		return err
	}
	defer out.Close()
	if _, err := io.Copy(out, in); err != nil {
		return err
	}
	return out.Sync()
}
