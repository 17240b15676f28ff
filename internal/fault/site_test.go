package fault_test

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	_ "github.com/jackc/pgx/v5/stdlib"
	_ "modernc.org/sqlite"

	"rollcall/internal/shore"
)

// built is where the programs under attack are put; they are built once.
var built string

func TestMain(m *testing.M) {
	dir, err := os.MkdirTemp("", "rollcall-fault-")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	built = dir
	code := shore.Tests{M: m}.Run()
	_ = os.RemoveAll(dir) // a leftover in the temporary folder harms nobody
	os.Exit(code)
}

// release is the program that people run; faulty has the moments in it.
var (
	release = sync.OnceValues(func() (string, error) { return build("rollcall") })
	faulty  = sync.OnceValues(func() (string, error) { return build("rollcall-faults", "-tags", "faults") })
)

func build(name string, args ...string) (string, error) {
	path := filepath.Join(built, name)
	cmd := exec.Command("go", append(append([]string{"build", "-buildvcs=false", "-o", path}, args...), "rollcall/cmd/rollcall")...)
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("go build: %w: %s", err, out)
	}
	return path, nil
}

func program(t testing.TB, which func() (string, error)) string {
	t.Helper()
	path, err := which()
	if err != nil {
		t.Fatal(err)
	}
	return path
}

// A site is a complete set-up in a folder: configuration, a folder with drops,
// state, and a database, here or in PostgreSQL.
type site struct {
	t        testing.TB
	dir, dsn string // dsn is "" for SQLite
	mail     string // address of the mail server; "" for none
	via      string // address at which rollcall looks for PostgreSQL, where that is another
	profile  string // profiles.d/hr.yaml
	number   int64  // of all sites: it stands in the sender of its mails
}

var engines = []string{"SQLite", "PostgreSQL"}

var databases, sites atomic.Int64

// found makes an empty site.
func found(t testing.TB, engine, mail string) *site {
	t.Helper()
	s := &site{t: t, dir: t.TempDir(), mail: mail, profile: staff, number: sites.Add(1)}
	if engine == "PostgreSQL" {
		s.dsn = shore.Postgres(t)
	}
	s.configure()
	if err := os.Mkdir(filepath.Join(s.dir, "hr"), 0o700); err != nil {
		t.Fatal(err)
	}
	return s
}

// configure writes rollcall.yaml and the profile.
func (s *site) configure() {
	s.t.Helper()
	top := "version: 1\nstate: state\n"
	if s.dsn != "" {
		top += "database: " + s.through() + "\n"
	}
	if s.mail != "" {
		top += fmt.Sprintf("mail: {server: \"smtp://%s\", from: \"rollcall+%d@example.org\"}\n", s.mail, s.number)
	}
	s.put("rollcall.yaml", top)
	s.put("profiles.d/hr.yaml", s.profile)
}

// staff is the profile of the nights.
const staff = `version: 1
source: {type: dir, path: ../hr/*.csv, ready: "*.done", settle: 10ms, after: archive, move_to: done}
format: {type: csv, content: full}
match: {key: employee_id}
map: {employee_id: ID, username: Login, first_name: First, last_name: Last, email: Email, department: Ward, expires_on: {from: End, blank: clear}}
policy: {missing: suspend}
guardrails: {first_run: apply, max_removals: 20%, max_renames: 40%, max_adds: 40%, max_field_change: 60%, max_rejected: 40%}
report: {to: [hr@example.org], when: changes}
`

// through is the database's address as rollcall is told.
func (s *site) through() string {
	if s.via == "" {
		return s.dsn
	}
	return strings.Replace(s.dsn, server(s.dsn), s.via, 1)
}

// server is host and port of an address.
func server(dsn string) string {
	_, rest, _ := strings.Cut(dsn, "@")
	at, _, _ := strings.Cut(rest, "/")
	return at
}

func (s *site) put(name, text string) {
	s.t.Helper()
	path := filepath.Join(s.dir, filepath.FromSlash(name))
	if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o700), os.WriteFile(path, []byte(text), 0o600)); err != nil {
		s.t.Fatal(err)
	}
}

// copied is the same site again, in its present state: nobody may be at it.
func (s *site) copied(t testing.TB) *site {
	t.Helper()
	c := &site{t: t, dir: filepath.Join(t.TempDir(), "site"), mail: s.mail, profile: s.profile, number: sites.Add(1)}
	s.shell("cp", "-a", s.dir, c.dir)
	if s.dsn != "" {
		name := fmt.Sprintf("copy%d", databases.Add(1))
		at := strings.LastIndex(s.dsn, "/")
		was, tail, _ := strings.Cut(s.dsn[at+1:], "?")
		s.admin(fmt.Sprintf("CREATE DATABASE %s TEMPLATE %s STRATEGY FILE_COPY", name, was))
		c.dsn = s.dsn[:at+1] + name + "?" + tail
	}
	c.configure()
	return c
}

// discard removes a copy.
func (s *site) discard() {
	s.t.Helper()
	if err := os.RemoveAll(s.dir); err != nil {
		s.t.Error(err)
	}
	if s.dsn != "" {
		name, _, _ := strings.Cut(s.dsn[strings.LastIndex(s.dsn, "/")+1:], "?")
		s.admin("DROP DATABASE " + name + " WITH (FORCE)")
	}
}

// admin says something to the server that is said in another database.
func (s *site) admin(statement string) {
	s.t.Helper()
	at := strings.LastIndex(s.dsn, "/")
	_, tail, _ := strings.Cut(s.dsn[at+1:], "?")
	db, err := sql.Open("pgx", s.dsn[:at+1]+"postgres?"+tail)
	if err != nil {
		s.t.Fatal(err)
	}
	defer db.Close()
	for end := time.Now().Add(10 * time.Second); ; time.Sleep(20 * time.Millisecond) {
		_, err = db.Exec(statement)
		if err == nil {
			return
		}
		if !strings.Contains(err.Error(), "being accessed by other users") || time.Now().After(end) { // a session that is just ending
			s.t.Fatal(err)
		}
	}
}

func (s *site) shell(program string, args ...string) {
	s.t.Helper()
	if out, err := exec.Command(program, args...).CombinedOutput(); err != nil {
		s.t.Fatalf("%s: %v: %s", program, err, out)
	}
}

// drop puts a night's file into the folder, and its marker.
func (s *site) drop(name string, lines []string, at time.Time) {
	s.t.Helper()
	for _, f := range []struct{ name, text string }{
		{name + ".csv", strings.Join(lines, "\n") + "\n"}, {name + ".done", ""},
	} {
		s.put("hr/"+f.name, f.text)
		if err := os.Chtimes(filepath.Join(s.dir, "hr", f.name), at, at); err != nil {
			s.t.Fatal(err)
		}
	}
}

// command is rollcall on the site, at an hour.
func (s *site) command(rollcall string, clock time.Time, env []string, args ...string) *exec.Cmd {
	cmd := exec.Command(rollcall, args...)
	cmd.Dir = s.dir
	cmd.Env = append([]string{
		"PATH=/usr/bin:/bin", "HOME=" + s.dir, "ROLLCALL_CONFIG=" + filepath.Join(s.dir, "rollcall.yaml"), "ROLLCALL_CLOCK=" + clock.Format(time.RFC3339),
	}, env...)
	return cmd
}

// run types a command and answers with its exit code and all it has said.
func (s *site) run(rollcall string, clock time.Time, env []string, args ...string) (code int, said string) {
	s.t.Helper()
	cmd := s.command(rollcall, clock, env, args...)
	out, err := cmd.CombinedOutput()
	if exited := (*exec.ExitError)(nil); err != nil && !errors.As(err, &exited) {
		s.t.Fatal(err)
	}
	return cmd.ProcessState.ExitCode(), string(out)
}

// restart is run after a kill. PostgreSQL may need a moment to see that the one who
// had the profile is dead (exit 14); a service would come again, too.
func (s *site) restart(rollcall string, clock time.Time, args ...string) (code int, said string) {
	s.t.Helper()
	for end := time.Now().Add(30 * time.Second); ; time.Sleep(100 * time.Millisecond) {
		code, said = s.run(rollcall, clock, nil, args...)
		if code != 14 || time.Now().After(end) {
			return code, said
		}
	}
}

// must is run with the exit codes that are right.
func (s *site) must(rollcall string, clock time.Time, codes []int, args ...string) {
	s.t.Helper()
	if code, said := s.run(rollcall, clock, nil, args...); !slices.Contains(codes, code) {
		s.t.Fatalf("rollcall %s: exit %d, want %v\n%s", strings.Join(args, " "), code, codes, said)
	}
}

// open opens the database, or a copy of it where it is a file: what a killed
// process has left there is for rollcall to mend, not for a test that looks.
func (s *site) open() (*sql.DB, func()) {
	s.t.Helper()
	if s.dsn != "" {
		db, err := sql.Open("pgx", s.dsn)
		if err != nil {
			s.t.Fatal(err)
		}
		db.SetMaxOpenConns(1) // a temporary table is its connection's
		return db, func() { db.Close() }
	}
	dir, err := os.MkdirTemp("", "rollcall-look-")
	if err != nil {
		s.t.Fatal(err)
	}
	for _, name := range []string{"rollcall.db", "rollcall.db-wal"} {
		if from := filepath.Join(s.dir, "state", name); exists(from) {
			s.shell("cp", from, dir)
		}
	}
	db, err := sql.Open("sqlite", filepath.Join(dir, "rollcall.db"))
	if err != nil {
		s.t.Fatal(err)
	}
	db.SetMaxOpenConns(1)
	return db, func() { db.Close(); os.RemoveAll(dir) }
}

func exists(path string) bool {
	_, err := os.Lstat(path)
	return err == nil
}

// nothing is the dump of a directory without accounts, and of no database at all.
const nothing = "nothing"

// dump is all that the directory says of people, without the hours at which it
// was written, and of whoever is written to without the password: each such mail
// is a step of its own.
func (s *site) dump() string {
	s.t.Helper()
	db, shut := s.open()
	defer shut()
	sum, some := sha256.New(), false
	for _, query := range []string{
		"SELECT a.*, (SELECT count(*) FROM outbox o WHERE o.account = a.id) AS written_to FROM account a ORDER BY id",
		"SELECT * FROM link ORDER BY profile, account",
		"SELECT account, kind, value, folded FROM former_name ORDER BY account, kind, folded",
		"SELECT value FROM counter WHERE name = 'account'",
	} {
		rows, err := db.Query(query)
		if err != nil && noSchema(err) {
			return nothing // killed before there was a schema
		}
		if err != nil {
			s.t.Fatal(err)
		}
		var line []byte
		if err := each(rows, func(columns []string, values []any) {
			some = some || len(columns) > 1
			line = line[:0]
			welcome := columns[len(columns)-1] == "written_to" && values[len(columns)-1] != int64(0)
			for i, c := range columns {
				if c == "password" {
					values[i] = passwordHour.ReplaceAllString(values[i].(string), "set")
				}
				if !slices.Contains(hours, c) && !(welcome && strings.Contains(c, "password")) {
					line = fmt.Append(append(line, c...), "=", values[i], "\x00")
				}
			}
			sum.Write(append(line, '\n'))
		}); err != nil {
			s.t.Fatal(err)
		}
	}
	if !some {
		return nothing
	}
	return fmt.Sprintf("%x", sum.Sum(nil)[:8])
}

// noSchema tells that there is no table yet.
func noSchema(err error) bool {
	return strings.Contains(err.Error(), "no such table") || strings.Contains(err.Error(), "does not exist")
}

// hours are the columns that say when something was written; a password says so
// among other things.
var (
	hours        = []string{"created_at", "updated_at", "status_since", "deleted_at", "since", "decided"}
	passwordHour = regexp.MustCompile(`^set \S+`)
)

func each(rows *sql.Rows, f func(columns []string, values []any)) error {
	defer rows.Close()
	columns, err := rows.Columns()
	if err != nil {
		return err
	}
	values, into := make([]any, len(columns)), make([]any, len(columns))
	for i := range values {
		into[i] = &values[i]
	}
	for rows.Next() {
		if err := rows.Scan(into...); err != nil {
			return err
		}
		f(columns, values)
	}
	return rows.Err()
}

const header = "ID,Login,First,Last,Email,Ward,End"

// nightA is n people; nightB is what a fifth of them have come to: new wards, names
// that were exchanged, addresses, newcomers, some gone, a contract over, and rows
// that cannot be used.
func nightA(n int) []string {
	lines := []string{header}
	for i := range n {
		lines = append(lines, person(i, i, fmt.Sprintf("user%d@example.org", i), i%40, ""))
	}
	return lines
}

func nightB(n int, today time.Time) []string {
	lines := []string{header}
	for i := range n {
		login, email, ward, end := i, fmt.Sprintf("user%d@example.org", i), i%40, ""
		switch {
		case i%10 == 1:
			ward += 40
		case i%50 == 4:
			login++
		case i%50 == 5:
			login--
		case i%50 == 6:
			continue
		case i%50 == 7:
			email = "no address"
		case i%50 == 8:
			email = fmt.Sprintf("moved%d@example.org", i)
		case i%50 == 9:
			end = today.AddDate(0, 0, -3).Format(time.DateOnly)
		}
		lines = append(lines, person(i, login, email, ward, end))
	}
	for i := n; i < n+n/50; i++ {
		lines = append(lines, person(i, i, fmt.Sprintf("user%d@example.org", i), i%40, ""))
	}
	return lines
}

// half is a drop of which half is missing: it is held.
func half(n int) []string { return nightA(n)[:n/2] }

func person(i, login int, email string, ward int, end string) string {
	return fmt.Sprintf("E%06d,user%d,First%d,Last%d,%s,Ward %d,%s", i, login, i, i, email, ward, end)
}

// waitFor waits for something that comes soon.
func waitFor(ctx context.Context, what string, there func() bool) error {
	for !there() {
		select {
		case <-ctx.Done():
			return fmt.Errorf("%s: %w", what, ctx.Err())
		case <-time.After(5 * time.Millisecond):
		}
	}
	return nil
}
