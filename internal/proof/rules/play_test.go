package rules

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/txtar"

	"rollcall/config"
	"rollcall/internal/guard"
	"rollcall/internal/journal"
	"rollcall/internal/plan"
	"rollcall/internal/roster"
	"rollcall/internal/run"
	"rollcall/internal/store"
)

var update = flag.Bool("update", false, "rewrite the plans in testdata")

// An archive is a story of some days, told by its files from top to bottom:
//
//	rollcall.yaml, catalog.yaml   the site, as it is from here on
//	hr.yaml                       a profile; source and schedule are not its matter
//	hr.csv, hr.xml, hr.ldif       a drop of that profile: a day has passed, it is read and applied
//	hand                          what people type, a line each; see [site.typed]
//	at                            the time to which the clock is set
//	sweep                         what is due by date is done; the file is empty
//	plan                          what came of the drop, the hand or the sweep before it
//	accounts                      all accounts
//
// The last two are compared with what really came, and rewritten by -update. What
// stands above the first file says which sentence of which rule is told.

// empty is a database that has been migrated and holds nothing.
var empty = sync.OnceValues(func() ([]byte, error) {
	dir, err := os.MkdirTemp("", "rules")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	path := filepath.Join(dir, "rollcall.db")
	db, err := store.Open(context.Background(), store.Options{DSN: "sqlite:" + path, LockDir: filepath.Join(dir, "locks"), Now: time.Now})
	if err != nil {
		return nil, err
	}
	if err := db.Close(); err != nil {
		return nil, err
	}
	return os.ReadFile(path)
})

// A site is rollcall as an archive has set it up so far.
type site struct {
	*run.Runner
	t   *testing.T
	dir string
	now time.Time
	day int

	conf   *config.Site
	last   *journal.Run // of the newest drop, hand or sweep; nil where it came to none
	said   string       // why there is no run
	failed bool         // it was an error
	fix    bool         // plans tell the remedy of each problem
}

func open(t *testing.T) *site {
	t.Helper()
	s := &site{t: t, dir: t.TempDir(), now: time.Date(2026, 9, 1, 6, 0, 0, 0, time.UTC)}
	clock := func() time.Time { return s.now }
	db, err := empty()
	if err == nil {
		err = os.WriteFile(filepath.Join(s.dir, "rollcall.db"), db, 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
	opened, err := store.Open(t.Context(), store.Options{DSN: "sqlite:" + filepath.Join(s.dir, "rollcall.db"), LockDir: filepath.Join(s.dir, "locks"), Now: clock})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = opened.Close() })
	s.Runner = &run.Runner{
		Store: opened, State: filepath.Join(s.dir, "state"), Log: slog.New(slog.NewTextHandler(io.Discard, nil)), Now: clock,
		Site: "example.org", Limits: guard.DefaultLimits(), Version: "test",
	}
	s.write("rollcall.yaml", "version: 1\n")
	return s
}

func (s *site) write(name, text string) string {
	s.t.Helper()
	path := filepath.Join(s.dir, name)
	if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o700), os.WriteFile(path, []byte(text), 0o600)); err != nil {
		s.t.Fatal(err)
	}
	return path
}

// configure reads rollcall.yaml and the profiles as the program does.
func (s *site) configure() {
	s.t.Helper()
	conf, err := config.Load(filepath.Join(s.dir, "rollcall.yaml"))
	if err != nil {
		s.t.Fatal(err)
	}
	s.conf = conf
	s.Protect, s.Hold, s.Zone, s.Hidden, s.Listed = conf.Accounts.Protect, conf.Accounts.HoldNames, conf.Zone, conf.Hidden(), conf.Listed
	s.Greeting = run.Greeting{
		Texts: conf.Welcome, Language: conf.Language, Most: plan.DefaultMaxWelcome,
		Passwords: plan.Passwords{Site: conf.Accounts.PasswordPolicy, Method: conf.Accounts.PasswordHash},
	}
	s.Terms = nil
	for _, p := range conf.Loaded {
		if p.Policy.AnonymiseAfter > 0 || p.Policy.PurgeAfter > 0 {
			s.Terms = append(s.Terms, run.Terms{Profile: p.Name, Anonymise: p.Policy.AnonymiseAfter, Purge: p.Policy.PurgeAfter})
		}
	}
}

func (s *site) feed(name string) *run.Profile {
	s.t.Helper()
	if s.conf == nil {
		s.configure()
	}
	p, err := s.conf.Profile(name)
	if err != nil {
		s.t.Fatal(err)
	}
	return &run.Profile{
		Name: p.Name, Enabled: true, Zone: p.Zone, Source: p.Source, Format: p.Format, Mapping: s.conf.MappingOptions(p),
		Dedupe: s.conf.Dedupe(p), Plan: s.conf.PlanOptions(p), Limits: p.Guardrails, Report: run.Report{When: "never"}, Digest: p.Digest(),
	}
}

// drop writes a file of a profile, an hour old.
func (s *site) drop(name, text string) string {
	s.t.Helper()
	path := s.write("drops/"+name, text)
	at := s.now.Add(-time.Hour)
	if err := os.Chtimes(path, at, at); err != nil {
		s.t.Fatal(err)
	}
	return path
}

// read reads a drop; its first run needs no approval.
func (s *site) read(p *run.Profile, path string, dry bool) (*journal.Run, error) {
	return s.Run(s.t.Context(), run.Request{Profile: p, File: path, Dry: dry, Yes: !dry, Trigger: "manual"})
}

// A telling is what an archive is played with.
type telling struct {
	again  bool                        // what was applied leaves nothing to do (R6)
	before func(*site, string, string) // of each drop: its profile and its text
}

// play tells an archive; what it should say and what came stand in it afterwards.
func (s *site) play(a *txtar.Archive, how telling) {
	s.t.Helper()
	ctx := s.t.Context()
	for i, f := range a.Files {
		name, text := f.Name, string(f.Data)
		base, ext, _ := strings.Cut(name, ".")
		switch {
		case name == "rollcall.yaml" || name == "catalog.yaml":
			s.write(name, text)
			s.conf = nil
		case ext == "yaml":
			if !strings.Contains(text, "\nsource:") {
				text += fmt.Sprintf("source: {type: dir, path: ../drops/%s-*, settle: 0s}\n", base)
			}
			s.write("profiles.d/"+name, "version: 1\n"+text)
			s.conf = nil
		case ext != "":
			s.pass()
			if how.before != nil {
				how.before(s, base, name+"\n"+text)
			}
			s.apply(base, fmt.Sprintf("%s-%02d.%s", base, s.day, ext), unescaped(text), how.again)
		case name == "hand":
			for line := range strings.Lines(text) {
				if line = strings.TrimSpace(line); line != "" {
					s.typed(strings.Fields(line))
				}
			}
			if next := i + 1; s.failed && (next == len(a.Files) || a.Files[next].Name != "plan") {
				s.t.Fatalf("hand: %s", s.said)
			}
		case name == "at":
			at, err := time.Parse(time.RFC3339, strings.TrimSpace(text))
			if err != nil {
				s.t.Fatal(err)
			}
			s.now = at
		case name == "sweep":
			s.configure()
			j, err := s.Sweep(ctx, "schedule")
			s.came(j, err)
		case name == "plan":
			a.Files[i].Data = []byte(s.told())
		case name == "accounts":
			a.Files[i].Data = []byte(s.accounts())
		default:
			s.t.Fatalf("an archive has no file called %q", name)
		}
	}
}

// pass lets a day pass.
func (s *site) pass() {
	s.day++
	if s.day > 1 {
		s.now = s.now.AddDate(0, 0, 1)
	}
}

// unescaped writes what no editor shows: \u200b as the character of that number,
// \x00 as that byte, and \c at the end for no line end.
func unescaped(text string) string {
	text = strings.TrimSuffix(text, "\\c\n")
	var b strings.Builder
	for i := 0; i < len(text); i++ {
		var n int
		switch rest := text[i:]; {
		case strings.HasPrefix(rest, `\u`) && len(rest) >= 6:
			if _, err := fmt.Sscanf(rest[2:6], "%04x", &n); err == nil {
				b.WriteRune(rune(n))
				i += 5
				continue
			}
		case strings.HasPrefix(rest, `\x`) && len(rest) >= 4:
			if _, err := fmt.Sscanf(rest[2:4], "%02x", &n); err == nil {
				b.WriteByte(byte(n))
				i += 3
				continue
			}
		}
		b.WriteByte(text[i])
	}
	return b.String()
}

// apply reads a drop, applies it, and plans it again where nothing may be left to do.
func (s *site) apply(profile, name, text string, again bool) {
	s.t.Helper()
	p := s.feed(profile)
	path := s.drop(name, text)
	j, err := s.read(p, path, false)
	s.came(j, err)
	if !again || j == nil || !j.Status.Applied() {
		return
	}
	// Other bytes, or it would not be read: an empty line is nothing (R15).
	path = s.drop("again-"+name, text+"\n")
	s.ReadAll = true // the first look would have nothing to read
	defer func() { s.ReadAll = false }()
	j, err = s.read(p, path, true)
	if j == nil {
		s.t.Fatalf("planned again: %v", err)
	}
	for o, err := range s.Store.Changes(s.t.Context(), j.Number) {
		if err != nil {
			s.t.Fatal(err)
		}
		s.t.Errorf("R6: %s was applied, and planned again it wants %s of %q", name, o.Action, o.Key)
	}
}

func (s *site) came(j *journal.Run, err error) {
	s.last, s.said, s.failed = j, "", j == nil && err != nil
	if j == nil {
		s.said = "no run\n"
		if err != nil {
			s.said = "no run: " + err.Error() + "\n"
		}
	}
}

// check plays an archive and compares it, or writes it anew.
func check(t *testing.T, path string, prepare func(*site), how telling) {
	t.Helper()
	a, err := txtar.ParseFile(path)
	if err != nil {
		t.Fatal(err)
	}
	want := txtar.Format(a)
	s := open(t)
	if prepare != nil {
		prepare(s)
	}
	s.play(a, how)
	got := txtar.Format(a)
	if *update {
		if err := os.WriteFile(path, got, 0o600); err != nil {
			t.Fatal(err)
		}
		return
	}
	if diff := cmp.Diff(string(want), string(got)); diff != "" {
		t.Errorf("%s differs (-want +got):\n%s", path, diff)
	}
}

// typed does what a person does by command.
func (s *site) typed(words []string) {
	s.t.Helper()
	ctx, by := s.t.Context(), run.By{Who: "ada", Reason: "told"}
	s.configure()
	verb, rest := words[0], words[1:]
	deed := func(accounts []string, d run.Deed) {
		p, err := s.PlanDeed(ctx, accounts, by, d)
		if err != nil {
			s.came(nil, err)
			return
		}
		j, err := s.Do(ctx, p, by)
		s.came(j, err)
	}
	wants := func(words []string) (w plan.Wants) {
		for _, word := range words {
			name, value, _ := strings.Cut(word, "=")
			f, ok := roster.FieldNamed(name)
			if !ok {
				s.t.Fatalf("hand: %q is no field", name)
			}
			w.Say(f, value)
		}
		return w
	}
	members := func(words []string) (add, remove []roster.Membership) {
		for _, word := range words {
			m, err := roster.ParseMembership(word[1:])
			switch {
			case err != nil:
				s.t.Fatal(err)
			case word[0] == '+':
				add = append(add, m)
			default:
				remove = append(remove, m)
			}
		}
		return add, remove
	}
	switch verb {
	case "create":
		p, err := s.PlanCreate(ctx, wants(rest), by)
		if err != nil {
			s.came(nil, err)
			return
		}
		j, err := s.Do(ctx, p, by)
		s.came(j, err)
	case "edit":
		deed(rest[:1], s.Edit(wants(rest[1:])))
	case "release":
		deed(rest[:1], s.Free(nil))
	case "suspend":
		deed(rest, s.Status(plan.Suspend))
	case "activate":
		deed(rest, s.Status(plan.Reactivate))
	case "delete":
		deed(rest, s.Delete(func(*roster.Account) string { return "" }))
	case "restore":
		deed(rest, s.Restore(plan.Wants{}))
	case "hold":
		deed(rest, s.Keep(true))
	case "anonymise":
		deed(rest, s.Anonymise())
	case "enrol":
		add, remove := members(rest[1:])
		deed(rest[:1], s.Enrol(add, remove, nil))
	case "rekey":
		p, err := s.PlanRekey(ctx, "", roster.Key(rest[0]), roster.Key(rest[1]), by)
		if err != nil {
			s.came(nil, err)
			return
		}
		j, err := s.Do(ctx, p, by)
		s.came(j, err)
	case "link":
		j, err := s.Link(ctx, rest[0], roster.Key(rest[1]), rest[2], by)
		s.came(j, err)
	case "unlink":
		j, err := s.Unlink(ctx, rest[0], roster.Key(rest[1]), by)
		s.came(j, err)
	case "revert": // the last applied run of a profile
		before, err := s.Store.LastApplied(ctx, rest[0])
		if err != nil {
			s.t.Fatal(err)
		}
		j, err := s.Revert(ctx, s.feed(rest[0]), before.Number, nil, by)
		s.came(j, err)
	default:
		s.t.Fatalf("hand: nobody can type %q", verb)
	}
}
