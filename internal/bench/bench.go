package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"syscall"
	"time"
)

// A bench is one call of the command.
type bench struct {
	program, self string // the two binaries
	dir           string // everything lies below it
	sizes         []uint64
	engines       []string
	runs          int
	at            uint64 // the size whose goals are looked at; zero: as judged says
	only          *regexp.Regexp
	results       []result
	fetches       []fetchResult
	asks          []askResult
	large         uint64 // from so many people on cases are measured once, one after the other in one database
}

// A result is one case on one engine with one number of people.
type result struct {
	size   uint64
	engine string
	kase   kase
	rows   int
	ours   []sample
	sql    []sample
	csv    []sample // reading the same people with encoding/csv, beside each repeat
	xml    []sample // decoding the same file with encoding/xml, on one core
}

// ratio is the median over the repeats of ours to theirs; zero where there is none.
func ratio(ours, theirs []sample) float64 {
	var all []float64
	for i := range min(len(ours), len(theirs)) {
		if theirs[i].wall > 0 {
			all = append(all, float64(ours[i].wall)/float64(theirs[i].wall))
		}
	}
	return median(all)
}

// all runs everything, and goes on after a case that has failed.
func (b *bench) all(ctx context.Context) error {
	var failed []error
	for _, n := range b.sizes {
		for _, engine := range b.engines {
			if err := b.engine(ctx, n, engine); err != nil {
				failed = append(failed, fmt.Errorf("%s, %s: %w", sizeName(n), engine, err))
			}
			if ctx.Err() != nil {
				return ctx.Err()
			}
		}
		if err := os.RemoveAll(b.feeds(n)); err != nil {
			failed = append(failed, err)
		}
	}
	if b.wanted(ldapCase) {
		if err := b.ldap(ctx); err != nil {
			failed = append(failed, fmt.Errorf(ldapCase+": %w", err))
		}
	}
	if b.wanted(sftpCase) {
		if err := b.sftp(ctx); err != nil {
			failed = append(failed, fmt.Errorf(sftpCase+": %w", err))
		}
	}
	return errors.Join(failed...)
}

func (b *bench) wanted(name string) bool { return b.only.MatchString(name) }

func (b *bench) say(format string, args ...any) {
	fmt.Fprintf(os.Stderr, time.Now().Format("15:04:05 ")+format+"\n", args...)
}

func (b *bench) feeds(n uint64) string { return filepath.Join(b.dir, "feeds-"+sizeName(n)) }

// A place is where the cases of one size run on one engine.
type place struct {
	*bench
	db     database
	engine string
	people uint64
	dir    string
	known  map[string]Known // of the feeds, by path
}

func (b *bench) engine(ctx context.Context, n uint64, engine string) error {
	p := &place{bench: b, engine: engine, people: n, dir: filepath.Join(b.dir, engine+"-"+sizeName(n)), known: map[string]Known{}}
	defer os.RemoveAll(p.dir)
	if p.isLarge() && engine == "sqlite" && len(b.engines) > 1 { // who has so many people has PostgreSQL
		return nil
	}
	if !slices.ContainsFunc(append(cases[:len(cases):len(cases)], pageCase), p.measured) {
		return nil
	}
	err := p.room()
	if err != nil {
		return err
	}
	switch engine {
	case "postgres":
		var server *postgres
		if server, err = startPostgres(ctx, filepath.Join(p.dir, "postgres")); err == nil {
			p.db = server
		}
	case "sqlite":
		p.db, err = startSQLite(filepath.Join(p.dir, "sqlite"))
	default:
		err = errors.New("there is no such engine; postgres and sqlite are")
	}
	if err != nil {
		return err
	}
	defer p.db.stop()
	if err := p.configure(); err != nil {
		return err
	}
	var failed []error
	for _, k := range cases {
		first := k.from == "empty"
		needed := slices.ContainsFunc(cases, func(other kase) bool { return p.measured(other) && other.from == string(k.setup) }) ||
			k.setup == asCSV && p.wanted(pageCase.name)
		if !p.measured(k) && !(first && needed) {
			continue
		}
		if err := p.measure(ctx, k); err != nil {
			failed = append(failed, fmt.Errorf("%s: %w", k.name, err))
			b.say("%s, %s, %s FAILED: %v", sizeName(n), engine, k.name, err)
			if first || ctx.Err() != nil {
				break // the others begin where it ends
			}
		}
	}
	return errors.Join(failed...)
}

// many are so many people that minutes count.
const many = 500_000

// measured tells whether a case was asked for, and makes sense with so many people.
func (p *place) measured(k kase) bool {
	return p.wanted(k.name) && (!p.isLarge() || k.large) && !(k.small && p.people >= many)
}

// isLarge tells whether there are too many people to keep the state in which a
// case begins, or to measure one twice: with ten million, a copy of the database
// is tens of gigabytes. Then the cases follow one another in one database.
func (p *place) isLarge() bool { return p.people >= p.large }

// makeRoom cuts off what is too large to keep of the reports. Their beginnings stay:
// by them the next run sees that they were written, and does not write them again.
func (p *place) makeRoom() error {
	if !p.isLarge() {
		return nil
	}
	const beginning = 4 << 10
	files, err := filepath.Glob(filepath.Join(p.state(), "reports", "*"))
	for _, path := range files {
		info, failed := os.Stat(path)
		if failed == nil && info.Size() > beginning {
			failed = os.Truncate(path, beginning)
		}
		err = errors.Join(err, failed)
	}
	return err
}

// room refuses to begin what would fill the disk.
func (p *place) room() error {
	// Estimated from 100k on SQLite: 2.2 KB of the database, as much of reports, which
	// are cut off before the expert's database grows to nearly the size of ours, and
	// 0.17 KB for each copy of a feed.
	const eachPerson = 5 << 10
	var disk syscall.Statfs_t
	if err := syscall.Statfs(p.bench.dir, &disk); err != nil {
		return err
	}
	if need, free := p.people*eachPerson, disk.Bavail*uint64(disk.Bsize); p.isLarge() && free < need {
		return fmt.Errorf("%s people need %d GiB of disk, and %s has %d; set TMPDIR to a folder with more", sizeName(p.people), need>>30, p.bench.dir, free>>30)
	}
	return nil
}

func (p *place) state() string { return filepath.Join(p.dir, "state") }

func (p *place) config(s setup) string {
	return filepath.Join(p.dir, "site-"+string(s), "rollcall.yaml")
}

// configure writes a site for each setup; all share the database and the state.
func (p *place) configure() error {
	site := fmt.Sprintf("version: 1\ndatabase: %q\nstate: %q\n", p.db.address(), p.state())
	for _, s := range setups {
		path := p.config(s)
		if err := os.MkdirAll(filepath.Join(filepath.Dir(path), "profiles.d"), 0o755); err != nil {
			return err
		}
		if err := os.WriteFile(path, []byte(site), 0o600); err != nil {
			return err
		}
		if err := os.WriteFile(filepath.Join(filepath.Dir(path), "profiles.d", "bench.yaml"), []byte(s.profile()), 0o600); err != nil {
			return err
		}
	}
	return nil
}

// feed makes a feed, unless it is there, and says what it asks for.
func (p *place) feed(f Feed) (string, Known, error) {
	f.People = p.people
	suffix := "csv"
	if f.XML {
		suffix = "xml"
	}
	path := filepath.Join(p.feeds(p.people), fmt.Sprintf("c%g-r%g-g%g-n%g-s%t-m%t.%s", f.Changed, f.Renamed, f.Gone, f.New, f.Scatter, f.Members, suffix))
	if known, ok := p.known[path]; ok {
		return path, known, nil
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return "", Known{}, err
	}
	file, err := os.Create(path)
	if err != nil {
		return "", Known{}, err
	}
	known, err := f.Write(file)
	p.known[path] = known
	return path, known, errors.Join(err, file.Close())
}

// measure runs one case as often as asked, and checks what it did each time.
func (p *place) measure(ctx context.Context, k kase) error {
	path, known, err := p.feed(k.feed)
	if err != nil {
		return err
	}
	twin := k.feed // what encoding/csv reads
	twin.XML = false
	plain, _, err := p.feed(twin)
	if err != nil {
		return err
	}
	r := result{size: p.people, engine: p.engine, kase: k, rows: known.Rows}
	drop := path // what the program reads
	if k.newEnd {
		drop = filepath.Join(p.dir, "lengthened"+filepath.Ext(path))
		if err := copyFile(path, drop); err != nil {
			return err
		}
	}
	times := p.runs
	if p.isLarge() || !p.measured(k) || k.slow && p.people >= many {
		times = 1
	}
	for i := range times {
		if i == 0 || !k.again {
			if err := p.bringBack(ctx, k); err != nil {
				return err
			}
		}
		if k.newEnd {
			if err := lengthen(drop); err != nil {
				return err
			}
		}
		s, err := measure(ctx, p.steps(k, k.calls, drop), p.db.server(), func() (int64, error) { return p.db.size(ours) })
		if err != nil {
			return err
		}
		if err := p.check(ctx, k, k.want(known, Feed{People: p.people})); err != nil {
			return err
		}
		r.ours = append(r.ours, s)
		if err := p.makeRoom(); err != nil {
			return err
		}
		if err := p.beside(ctx, k, &r, plain, path); err != nil {
			return err
		}
	}
	if err := p.compare(ctx, k); err != nil {
		return err
	}
	if k.from == "empty" && !p.isLarge() {
		if err := p.keep(ctx, k); err != nil {
			return err
		}
	}
	if p.measured(k) {
		p.results = append(p.results, r)
	}
	p.say("%s", r.line())
	if k.from == "empty" && p.wanted(pageCase.name) && k.setup == asCSV {
		return p.page(ctx)
	}
	return nil
}

// beside measures what the case is compared with, right after each repeat: what
// else the machine does then burdens both.
func (p *place) beside(ctx context.Context, k kase, r *result, plain, path string) error {
	none := func() (int64, error) { return 0, nil }
	if k.sql != "" {
		sql, err := p.db.sync(plain)
		if k.sql == "revert" {
			sql, err = p.db.revert()
		}
		if err != nil {
			return err
		}
		s, err := measure(ctx, []step{sql}, p.db.server(), func() (int64, error) { return p.db.size(expert) })
		if err != nil {
			return fmt.Errorf("the expert's SQL: %w", err)
		}
		r.sql = append(r.sql, s)
	}
	s, err := measure(ctx, []step{{path: p.self, args: []string{"csv", plain}}}, 0, none)
	if err != nil {
		return fmt.Errorf("encoding/csv: %w", err)
	}
	r.csv = append(r.csv, s)
	if k.setup == xmlEdited {
		one := step{path: "/usr/bin/env", args: []string{"GOMAXPROCS=1", p.self, "xml", path}}
		s, err := measure(ctx, []step{one}, 0, none)
		if err != nil {
			return fmt.Errorf("encoding/xml: %w", err)
		}
		r.xml = append(r.xml, s)
	}
	return nil
}

func (p *place) steps(k kase, calls []call, file string) []step {
	var steps []step
	for _, c := range calls {
		args := []string{"--config", p.config(k.setup), "--no-input"}
		for _, a := range c.args {
			if a == "FILE" {
				a = file
			}
			args = append(args, a)
		}
		steps = append(steps, step{path: p.program, args: args, exits: c.exits})
	}
	return steps
}

// bringBack makes the state in which a case begins, on both sides.
func (p *place) bringBack(ctx context.Context, k kase) error {
	if p.isLarge() && k.from != "empty" {
		return nil // it begins where the one before it ended: none but the last changes anybody
	}
	if err := os.RemoveAll(p.state()); err != nil {
		return err
	}
	if k.from == "empty" {
		if err := p.db.empty(ctx, ours); err != nil {
			return err
		}
	} else {
		if err := p.db.restore(ctx, ours, k.from); err != nil {
			return err
		}
		if err := copyTree(p.state()+"."+k.from, p.state()); err != nil {
			return err
		}
	}
	path, _, err := p.feed(k.feed)
	if err != nil {
		return err
	}
	for _, s := range p.steps(k, k.before, path) {
		if _, err := s.run(ctx, nil); err != nil {
			return err
		}
	}
	switch {
	case k.sql == "":
		return nil
	case k.from == "empty":
		return p.db.empty(ctx, expert)
	}
	return p.db.restore(ctx, expert, k.from)
}

// keep keeps the state that a first load has left.
func (p *place) keep(ctx context.Context, k kase) error {
	if err := p.db.keep(ctx, ours, string(k.setup)); err != nil {
		return err
	}
	if err := copyTree(p.state(), p.state()+"."+string(k.setup)); err != nil {
		return err
	}
	if k.sql == "" {
		return nil
	}
	return p.db.keep(ctx, expert, string(k.setup))
}

// copyTree copies a folder. Large files, which the program writes once and
// never again, are linked.
func copyTree(from, to string) error {
	if err := os.RemoveAll(to); err != nil {
		return err
	}
	return filepath.WalkDir(from, func(path string, d os.DirEntry, err error) error {
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(from, path)
		if err != nil {
			return err
		}
		at := filepath.Join(to, rel)
		if d.IsDir() {
			return os.MkdirAll(at, 0o700)
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		if info.Size() > 1<<20 {
			return os.Link(path, at)
		}
		return copyFile(path, at)
	})
}

// lengthen makes other bytes of the same people.
func lengthen(path string) error {
	f, err := os.OpenFile(path, os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	_, err = f.WriteString("\n")
	return errors.Join(err, f.Close())
}

// check asks the program what its last run did.
func (p *place) check(ctx context.Context, k kase, want outcome) error {
	got, err := p.journal(ctx, p.config(k.setup))
	if err != nil {
		return err
	}
	for _, counts := range []map[string]int{got.Rows, got.Absent, want.Rows, want.Absent} {
		maps.DeleteFunc(counts, func(_ string, n int) bool { return n == 0 })
	}
	if got.Status != want.Status || got.Active != want.Active || !maps.Equal(got.Rows, want.Rows) || !maps.Equal(got.Absent, want.Absent) {
		return fmt.Errorf("the program did %+v, and the feed asks for %+v", got, want)
	}
	return nil
}

// journal reads what "runs show last" says, up to the changes: of a first load
// they are as many as the people.
func (b *bench) journal(ctx context.Context, config string) (outcome, error) {
	cmd := exec.CommandContext(ctx, b.program, "--config", config, "runs", "show", "last", "-o", "json")
	out, err := cmd.StdoutPipe()
	if err != nil {
		return outcome{}, err
	}
	if err := cmd.Start(); err != nil {
		return outcome{}, err
	}
	got, err := readOutcome(out)
	_ = out.Close() // it may still be writing
	_ = cmd.Wait()  // and ends with an error then
	return got, err
}

func readOutcome(from io.Reader) (outcome, error) {
	var got outcome
	d := json.NewDecoder(from)
	if _, err := d.Token(); err != nil {
		return got, fmt.Errorf("runs show: %w", err)
	}
	seen := 0
	for d.More() && seen < 4 {
		key, err := d.Token()
		if err != nil {
			return got, fmt.Errorf("runs show: %w", err)
		}
		var run struct {
			Status string `json:"status"`
		}
		var accounts struct {
			Active int `json:"active_after"`
		}
		var other json.RawMessage
		var into any = &other
		switch key {
		case "run":
			into = &run
		case "rows":
			into = &got.Rows
		case "absent":
			into = &got.Absent
		case "accounts":
			into = &accounts
		default:
			seen--
		}
		if err := d.Decode(into); err != nil {
			return got, fmt.Errorf("runs show: %w", err)
		}
		seen++
		switch key {
		case "run":
			got.Status = run.Status
		case "accounts":
			got.Active = accounts.Active
		}
	}
	if seen < 4 {
		return got, errors.New("runs show does not tell what the run did")
	}
	return got, nil
}

// compare proves that both sides end with the same people, field by field.
func (p *place) compare(ctx context.Context, k kase) error {
	if k.sql == "" {
		return nil
	}
	mine, err := p.db.people(ctx, ours)
	if err != nil {
		return err
	}
	theirs, err := p.db.people(ctx, expert)
	if err != nil {
		return err
	}
	if mine != theirs {
		return fmt.Errorf("the program ends with %s, and the expert's SQL with %s", mine, theirs)
	}
	return nil
}
