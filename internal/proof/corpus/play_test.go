package corpus_test

import (
	"context"
	"crypto/sha256"
	"encoding/csv"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"rollcall/config"
	"rollcall/internal/guard"
	"rollcall/internal/journal"
	"rollcall/internal/report"
	"rollcall/internal/roster"
	"rollcall/internal/run"
	"rollcall/internal/shore"
	"rollcall/internal/store"
)

// The two nights of every story: the reference file is applied in the first,
// the hostile drop comes in the second. The clock stands still.
var (
	firstNight  = time.Date(2026, 9, 1, 6, 0, 0, 0, time.UTC)
	secondNight = firstNight.AddDate(0, 0, 1)
)

// standard is the profile of the corpus, but for its source: nothing but what
// a site has to say, and all guardrails as they come.
const standard = `version: 1
format: {content: full}
match: {key: employee_id}
map:
  employee_id: PersonNo
  username: Login
  first_name: FirstName
  last_name: LastName
  email: WorkEmail
  department: Department
  expires_on: EndDate
  status: {from: Status, values: {A: active, L: leave, T: leaver}}
policy: {missing: suspend}
`

// with is the standard profile with some of its text in other words.
func with(old, new string) string {
	if !strings.Contains(standard, old) {
		panic("not in the profile: " + old)
	}
	return strings.Replace(standard, old, new, 1)
}

// The two databases, as the scoreboard names them.
const (
	sqlite   = "SQLite"
	postgres = "PostgreSQL"
)

// A base is a site in which the reference file has been applied: the folder is
// copied for each story, and so is the database.
type base struct {
	engine string
	dir    string
	dsn    string
	before map[uint64]string // the accounts

	free  chan string // of PostgreSQL: databases that no story uses
	known []string    // its tables
}

// A site is a copy of a base, with a clock of its own.
type site struct {
	*run.Runner
	dir    string
	log    strings.Builder
	base   *base
	now    time.Time
	closer func()
}

func (s *site) clock() time.Time { return s.now }

// open opens the site at dir and reads its profile as the program does.
func open(ctx context.Context, dir, dsn string, now time.Time) (*site, error) {
	s := &site{dir: dir, now: now}
	db, err := store.Open(ctx, store.Options{DSN: dsn, LockDir: filepath.Join(dir, "locks"), Now: s.clock})
	if err != nil {
		return nil, err
	}
	s.closer = func() { _ = db.Close() }
	s.Runner = &run.Runner{
		Store: db, State: filepath.Join(dir, "state"), Log: slog.New(slog.NewTextHandler(&s.log, nil)), Now: s.clock,
		Site: "example.org", Hold: 90 * 24 * time.Hour, Limits: guard.DefaultLimits(), Version: "test",
	}
	return s, nil
}

// feed reads a profile, and a rollcall.yaml, as the program does.
func (s *site) feed(profile, rollcall string) (*run.Profile, error) {
	source := fmt.Sprintf("source: {type: dir, path: %q, settle: 0s}\n", filepath.Join(s.dir, "drops", "hr-*.csv"))
	for path, text := range map[string]string{"rollcall.yaml": rollcall, "profiles.d/hr.yaml": profile + source} {
		path = filepath.Join(s.dir, path)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			return nil, err
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			return nil, err
		}
	}
	conf, err := config.Load(filepath.Join(s.dir, "rollcall.yaml"))
	if err != nil {
		return nil, err
	}
	p, err := conf.Profile("hr")
	if err != nil {
		return nil, err
	}
	same := *p
	same.Source.Path = "drops/hr-*.csv" // each story has a folder of its own, and all mean the same
	return &run.Profile{
		Name: p.Name, Enabled: true, Zone: p.Zone, Source: p.Source, Format: p.Format,
		Mapping: conf.MappingOptions(p), Plan: conf.PlanOptions(p), Limits: p.Guardrails,
		Report: run.Report{To: p.Report.To, When: p.Report.When, Attach: p.Report.Attach == "problems"},
		Digest: same.Digest(),
	}, nil
}

// drop puts a file into HR's folder, an hour old.
func (s *site) drop(name string, content []byte) (string, error) {
	path := filepath.Join(s.dir, "drops", name)
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return "", err
	}
	if err := os.WriteFile(path, content, 0o600); err != nil {
		return "", err
	}
	at := s.now.Add(-time.Hour)
	return path, os.Chtimes(path, at, at)
}

// accounts are all there are, a line each, by id.
func (s *site) accounts(ctx context.Context) (map[uint64]string, error) {
	all := map[uint64]string{}
	for a, err := range s.Store.Accounts(ctx, store.AccountQuery{Status: "all"}) {
		if err != nil {
			return nil, err
		}
		var b strings.Builder
		for f := range roster.NumFields {
			if v := a.Values[f]; v != "" {
				fmt.Fprintf(&b, " %s=%q", f, v)
			}
		}
		links := strings.ReplaceAll(fmt.Sprintf("%+v", a.Links), " Anchor:}", "}") // files have none
		all[a.ID] = fmt.Sprintf("%d v%d%s %s", a.ID, a.Version, b.String(), links)
	}
	return all, nil
}

// digest is of all accounts: two databases that hold the same have one.
func digest(accounts map[uint64]string) string {
	var b strings.Builder
	for id := uint64(1); len(accounts) > 0 && id <= 1<<20; id++ {
		if line, ok := accounts[id]; ok {
			b.WriteString(line + "\n")
		}
	}
	sum := sha256.Sum256([]byte(b.String()))
	return hex.EncodeToString(sum[:])
}

// newBase applies the reference file to a site on one of the engines.
func newBase(t *testing.T, engine string) *base {
	t.Helper()
	dir := t.TempDir()
	b := &base{engine: engine, dir: dir, dsn: "sqlite:" + filepath.Join(dir, "rollcall.db")}
	if engine == postgres {
		b.dsn = shore.Postgres(t)
	}
	s, err := open(t.Context(), dir, b.dsn, firstNight)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.closer)
	p, err := s.feed(standard, "version: 1\n")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.drop("hr-001.csv", good().csv()); err != nil {
		t.Fatal(err)
	}
	j, err := s.Run(t.Context(), run.Request{Profile: p, Yes: true, Trigger: "manual"})
	if err != nil {
		t.Fatal(err)
	}
	if j.Status != journal.OK || j.Facts.Rows.Added != 1000 {
		t.Fatalf("the reference file came to %s with %+v; it should add 1000 accounts", j.Status, j.Facts.Rows)
	}
	if b.before, err = s.accounts(t.Context()); err != nil {
		t.Fatal(err)
	}
	s.closer() // nobody may be connected to what is copied
	if engine == postgres {
		b.save(t)
	}
	return b
}

// copy is a site of a story's own.
func (b *base) copy(t *testing.T) *site {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "site")
	if err := os.CopyFS(dir, os.DirFS(b.dir)); err != nil {
		t.Fatal(err)
	}
	// The copies are as old as their originals: the age of a drop matters.
	at := firstNight.Add(-time.Hour)
	if err := os.Chtimes(filepath.Join(dir, "drops", "hr-001.csv"), at, at); err != nil {
		t.Fatal(err)
	}
	dsn := "sqlite:" + filepath.Join(dir, "rollcall.db")
	if b.engine == postgres {
		dsn = b.lane(t)
	}
	s, err := open(t.Context(), dir, dsn, secondNight)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.closer)
	s.base = b
	return s
}

// lanes is how many databases PostgreSQL has for the stories: as many as are
// played at a time. To copy a database takes longer than to play a story, so
// each is put back to what it was before the next one.
const lanes = 2

// save keeps a copy of every table, and clones the database.
func (b *base) save(t *testing.T) {
	t.Helper()
	template := name(t, b.dsn)
	query := func(sql string) { b.do(t, b.dsn, sql) }
	query("CREATE SCHEMA saved")
	for _, table := range b.tables(t) {
		query("CREATE TABLE saved." + table + " AS TABLE public." + table)
	}
	b.free = make(chan string, lanes)
	for i := range lanes {
		lane := fmt.Sprintf("%s_%d", template, i)
		b.do(t, strings.Replace(b.dsn, "/"+template+"?", "/postgres?", 1), "CREATE DATABASE "+lane+" TEMPLATE "+template)
		b.free <- strings.Replace(b.dsn, "/"+template+"?", "/"+lane+"?", 1)
	}
}

// lane is a database as it was after the first night, until the test ends.
func (b *base) lane(t *testing.T) string {
	t.Helper()
	dsn := <-b.free
	t.Cleanup(func() { b.free <- dsn })
	sql := "BEGIN; SET LOCAL session_replication_role = replica;" // the order of tables does not matter then
	for _, table := range b.tables(t) {
		sql += "DELETE FROM public." + table + "; INSERT INTO public." + table + " SELECT * FROM saved." + table + ";"
	}
	b.do(t, dsn, sql+"COMMIT")
	return dsn
}

// tables are those of rollcall.
func (b *base) tables(t *testing.T) []string {
	t.Helper()
	if b.known == nil {
		conn, err := pgx.Connect(t.Context(), b.dsn)
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close(t.Context())
		rows, err := conn.Query(t.Context(), "SELECT tablename::text FROM pg_tables WHERE schemaname = 'public' ORDER BY 1")
		if err != nil {
			t.Fatal(err)
		}
		if b.known, err = pgx.CollectRows(rows, pgx.RowTo[string]); err != nil {
			t.Fatal(err)
		}
	}
	return b.known
}

func (b *base) do(t *testing.T, dsn, sql string) {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), dsn)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(t.Context())
	if _, err := conn.PgConn().Exec(t.Context(), sql).ReadAll(); err != nil {
		t.Fatal(err)
	}
}

// name is that of the database at dsn.
func name(t *testing.T, dsn string) string {
	t.Helper()
	conf, err := pgx.ParseConfig(dsn)
	if err != nil {
		t.Fatal(err)
	}
	return conf.Database
}

// A seen is what came of a drop.
type seen struct {
	verdict  verdict
	exit     int
	refusal  string   // as the person reads it: code, line, column, text, remedy
	tripped  []string // guardrails, by code
	problems []string // "E101 error line 11", in the order of lines
	told     string   // the report, as it is printed
	formula  string   // a cell of the report's files that a spreadsheet would calculate
	accounts string   // those that changed, and the digest of all
	same     bool     // no account has changed

	run  *journal.Run
	site *site
}

// play lets the second night come to one site.
func play(t *testing.T, s *site, x story) seen {
	t.Helper()
	rollcall := x.rollcall
	if rollcall == "" {
		rollcall = "version: 1\n"
	}
	profile := x.profile
	if profile == "" {
		profile = standard
	}
	p, err := s.feed(profile, rollcall)
	if err != nil {
		t.Fatal(err)
	}
	path, err := s.drop("hr-002.csv", x.drop())
	if err != nil {
		t.Fatal(err)
	}
	q := run.Request{Profile: p, Trigger: "manual"}
	if x.byName {
		q.File = path
	}
	j, err := s.Run(t.Context(), q)
	got := seen{run: j, site: s}
	if j == nil {
		if !errors.Is(err, run.ErrNothingNew) {
			t.Fatalf("no run is recorded: %v", err)
		}
		got.verdict, got.told = nothingNew, "no run is recorded: "+err.Error()+"\n"
	} else if err := got.read(t.Context(), p); err != nil {
		t.Fatal(err)
	}
	after, err := s.accounts(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	got.accounts, got.same = difference(s.base.before, after)
	return got
}

// read tells the run as the program does.
func (g *seen) read(ctx context.Context, p *run.Profile) error {
	j, s := g.run, g.site
	g.exit = j.ExitCode
	if j.Code != "" {
		g.refusal = j.Error
	}
	for _, f := range j.Findings {
		if f.Tripped {
			g.tripped = append(g.tripped, f.Code)
		}
	}
	worst := roster.SeverityNote
	for problem, err := range s.Store.Problems(ctx, j.Number) {
		if err != nil {
			return err
		}
		at := string(problem.Severity)
		if problem.Code != "" {
			at = problem.Code + " " + at
		}
		if problem.Line > 0 {
			at += fmt.Sprintf(" line %d", problem.Line)
		}
		if problem.Column != "" {
			at += " " + problem.Column
		}
		g.problems = append(g.problems, at)
		switch {
		case problem.Severity == roster.SeverityError:
			worst = roster.SeverityError
		case problem.Severity == roster.SeverityWarning && worst != roster.SeverityError:
			worst = roster.SeverityWarning
		}
	}
	switch {
	case j.Status == journal.Failed:
		g.verdict = refused
	case j.Status == journal.Held:
		g.verdict = held
	case worst == roster.SeverityError:
		g.verdict = rejected
	case worst == roster.SeverityWarning:
		g.verdict = warned
	default:
		g.verdict = verdict(j.Status) // ok, unchanged
	}
	doc, beside, err := s.Doc(ctx, p, j)
	if err != nil {
		return err
	}
	var told strings.Builder
	err = report.Text(&told, doc, s.Store.Changes(ctx, j.Number), report.Options{Beside: beside, Zone: p.Zone})
	if g.told = told.String(); err != nil {
		return err
	}
	for _, name := range []string{"results", "problems"} {
		if g.formula == "" {
			g.formula, err = formula(filepath.Join(s.State, "reports", fmt.Sprintf("%d.%s.csv", j.Number, name)))
		}
	}
	return err
}

// triggers begin what a spreadsheet calculates, where a cell begins with them.
const triggers = "=+-@\t\r\n＝＋－＠"

// formula finds a cell that begins with one.
func formula(path string) (cell string, err error) {
	f, err := os.Open(path)
	if err != nil {
		return "", err
	}
	defer f.Close()
	rows, err := csv.NewReader(f).ReadAll()
	for _, row := range rows {
		for _, cell := range row {
			if cell != "" && strings.ContainsRune(triggers, []rune(cell)[0]) {
				return cell, nil
			}
		}
	}
	return "", err
}

// shownAccounts is how many changed accounts a golden file spells out.
const shownAccounts = 4

// difference tells which accounts changed, and whether none did.
func difference(before, after map[uint64]string) (text string, same bool) {
	var ids []uint64
	for id, line := range after {
		if before[id] != line {
			ids = append(ids, id)
		}
	}
	for id := range before {
		if _, there := after[id]; !there {
			ids = append(ids, id)
		}
	}
	if len(ids) == 0 {
		return "exactly as before\n", true
	}
	slices.Sort(ids)
	var b strings.Builder
	fmt.Fprintf(&b, "%d of %d changed, sha256 of all %s\n", len(ids), len(after), digest(after))
	for _, id := range ids[:min(len(ids), shownAccounts)] {
		if was, there := before[id]; there {
			fmt.Fprintf(&b, "- %s\n", was)
		}
		if is, there := after[id]; there {
			fmt.Fprintf(&b, "+ %s\n", is)
		}
	}
	return b.String(), false
}

// said is all that a golden file holds of a story.
func (g *seen) said(x story) string {
	var b strings.Builder
	fmt.Fprintf(&b, "#%s %s\n%s, exit %d\n", x.number(), x.name, g.verdict, g.exit)
	fmt.Fprintf(&b, "\n-- what is told --\n%s", g.told)
	fmt.Fprintf(&b, "\n-- accounts --\n%s", g.accounts)
	return b.String()
}

// A fault that a comparison finds.
type fault struct{ what, got, want string }

// String shows long texts from the first line in which they differ.
func (f fault) String() string {
	const shown = 6
	got, want := strings.Split(f.got, "\n"), strings.Split(f.want, "\n")
	n := 0
	for n < len(got) && n < len(want) && got[n] == want[n] {
		n++
	}
	from := func(lines []string) string {
		return strings.Join(lines[min(n, len(lines)):min(n+shown, len(lines))], "\n      ")
	}
	return fmt.Sprintf("%s, line %d\ngot:  %s\nwant: %s", f.what, n+1, from(got), from(want))
}

// compare is everything in which what came differs from what should have come.
// golden is the file's text.
func compare(x story, g seen, golden string) (faults []fault) {
	check := func(what, got, want string) {
		if got != want {
			faults = append(faults, fault{what, got, want})
		}
	}
	check("verdict", string(g.verdict), string(x.verdict))
	check("exit code", fmt.Sprint(g.exit), fmt.Sprint(exits[x.verdict]))
	if got := g.refusal; x.refusal == "" || !strings.HasPrefix(got, x.refusal) {
		check("refusal", got, x.refusal)
	}
	check("guardrails", strings.Join(g.tripped, " "), x.tripped)
	check("problems", strings.Join(g.problems, "\n"), strings.Join(x.problems, "\n"))
	check("golden file", g.said(x), golden)
	check("cell that a spreadsheet would calculate", g.formula, "")
	if nobody(x.verdict) && !g.same {
		faults = append(faults, fault{"accounts", g.accounts, "exactly as before"})
	}
	if leak := personal(g.told + g.site.log.String()); leak != "" {
		faults = append(faults, fault{"personal data in report or log", leak, "none"})
	}
	return faults
}

// nobody tells whether a verdict leaves every account exactly as it was.
func nobody(v verdict) bool {
	return v == refused || v == held || v == nothingNew || v == unchanged
}

var aLogin = regexp.MustCompile(`\b[pn][0-9]{4}\b|@example\.org`)

// personal finds a name, a login or an address of the people of the corpus.
func personal(s string) string {
	for _, name := range slices.Concat(firsts, lasts) {
		if strings.Contains(s, name) {
			return name
		}
	}
	return aLogin.FindString(s)
}
