package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/alecthomas/kong"
	"github.com/mattn/go-isatty"

	"rollcall/config"
	"rollcall/internal/guard"
	"rollcall/internal/notify"
	"rollcall/internal/plan"
	"rollcall/internal/report"
	"rollcall/internal/run"
	"rollcall/internal/store"
)

// app is what a command works with.
type app struct {
	globals
	ctx            context.Context // ends at the first signal
	stdin          io.Reader
	stdout, stderr io.Writer
	screen         *screen // behind stderr
	model          *kong.Kong

	opened *store.DB
}

// close lets the database go.
func (a *app) close() {
	if a.opened != nil {
		if err := a.opened.Close(); err != nil {
			fmt.Fprintln(a.stderr, "rollcall:", err)
		}
	}
}

// site reads the configuration. A profile with errors is left out, and said so:
// it does not keep anybody from the others, or from the accounts. Whoever asked
// for one by name is told its errors by [profileOf].
func (a *app) site(named ...string) (*config.Site, error) {
	return a.siteBy(config.LoadSound, named...)
}

func (a *app) siteBy(load func(string) (*config.Site, error), named ...string) (*config.Site, error) {
	s, err := a.read(load)
	if err == nil && !a.Quiet {
		for _, p := range s.Broken {
			if slices.Contains(named, p.Name) {
				continue
			}
			fmt.Fprintf(a.stderr, "rollcall: profile %s has errors and is left out; rollcall validate %s shows them\n", p.Name, p.Name)
		}
	}
	return s, err
}

// read finds the configuration and reads it.
func (a *app) read(load func(string) (*config.Site, error)) (*config.Site, error) {
	path, err := config.Find(a.Config)
	if err != nil {
		return nil, err
	}
	s, err := load(path)
	if err == nil && len(s.Warnings) > 0 && a.Verbose {
		fmt.Fprintln(a.stderr, s.Warnings.Error())
	}
	return s, err
}

// log is where the story on stderr goes.
func (a *app) log() *slog.Logger {
	level := slog.LevelWarn
	switch {
	case a.Quiet:
		level = slog.LevelError
	case a.Verbose:
		level = slog.LevelDebug
	}
	return slog.New(slog.NewTextHandler(a.stderr, &slog.HandlerOptions{Level: level}))
}

// clock is the time. Tests and the demo set ROLLCALL_CLOCK, an RFC 3339 time
// at which the program believes to have started.
func clock() (func() time.Time, error) {
	text := os.Getenv("ROLLCALL_CLOCK")
	if text == "" {
		return time.Now, nil
	}
	at, err := time.Parse(time.RFC3339, text)
	if err != nil {
		return nil, errors.New("ROLLCALL_CLOCK is not an RFC 3339 time; unset it")
	}
	began := time.Now()
	return func() time.Time { return at.Add(time.Since(began)) }, nil
}

// runner wires everything: database, state folder, mail, clock.
func (a *app) runner(s *config.Site) (*run.Runner, error) {
	now, err := clock()
	if err != nil {
		return nil, err
	}
	password, err := s.DatabasePassword.Read()
	if err != nil {
		return nil, fmt.Errorf("database_password: %w", err)
	}
	if err := os.MkdirAll(s.State, 0o700); err != nil {
		return nil, exit(exitDatabase, fmt.Errorf("state folder: %w; create it, or give the user that runs rollcall the right to", err))
	}
	if err := ownState(s.State); err != nil {
		return nil, err
	}
	db, err := store.Open(a.ctx, store.Options{
		DSN: s.Database, Password: password.Reveal(), LockDir: filepath.Join(s.State, "locks"), Scratch: filepath.Join(s.State, "spool"), Readers: s.DatabaseReaders, Now: now,
	})
	if err != nil {
		return nil, err
	}
	a.opened = db
	r, err := wired(db, s, now)
	if err != nil {
		return nil, err
	}
	r.Log = a.log()
	return r, nil
}

// wired is a runner on a database that is open, as the site says; it has no log yet.
func wired(db *store.DB, s *config.Site, now func() time.Time) (*run.Runner, error) {
	send, domain, err := mailer(s.Mail)
	if err != nil {
		return nil, err
	}
	var terms []run.Terms
	spare := map[string][]string{}
	for _, p := range s.Loaded {
		if len(p.Policy.Protect) > 0 {
			spare[p.Name] = p.Policy.Protect
		}
		if p.Policy.AnonymiseAfter > 0 || p.Policy.PurgeAfter > 0 {
			terms = append(terms, run.Terms{Profile: p.Name, Anonymise: p.Policy.AnonymiseAfter, Purge: p.Policy.PurgeAfter})
		}
	}
	return &run.Runner{
		Terms: terms,
		Store: db, State: s.State, Now: now, Mail: send, Site: domain,
		Protect: s.Accounts.Protect, Spare: spare, Hold: s.Accounts.HoldNames, Listed: s.Listed, Zone: s.Zone, Limits: guard.DefaultLimits(), Version: version,
		Hidden:   s.Hidden(),
		Greeting: greeting(s),
	}, nil
}

// greeting is what welcome mails are made of. A sweep, which has no profile, may
// send as many as the profile that may send most.
func greeting(s *config.Site) run.Greeting {
	g := run.Greeting{
		Texts: s.Welcome, Language: s.Language, Most: plan.DefaultMaxWelcome,
		Passwords: plan.Passwords{Site: s.Accounts.PasswordPolicy, Method: s.Accounts.PasswordHash},
	}
	for _, p := range s.Loaded {
		g.Most = max(g.Most, p.Policy.MaxWelcome)
	}
	return g
}

// mailer carries mails out, and domain is what their ids are made of; nil
// where the site sends none.
func mailer(m config.Mail) (send run.Mailer, domain string, err error) {
	if m.Server == "" {
		return nil, "localhost", nil
	}
	password, err := m.Password.Read()
	if err != nil {
		return nil, "", fmt.Errorf("mail.password: %w", err)
	}
	s, err := notify.NewSMTP(m, password)
	if err != nil {
		return nil, "", err
	}
	return s.Send, m.Site(), nil
}

// feed puts the rooms' own options of a profile together.
func feed(s *config.Site, p *config.Profile) *run.Profile {
	return &run.Profile{
		Name: p.Name, Owner: p.Owner, Enabled: p.Enabled,
		Schedule: run.Schedule{Cron: p.Schedule.Cron, Every: p.Schedule.Every}, Zone: p.Zone,
		Source: p.Source, Format: p.Format, Mapping: s.MappingOptions(p), Dedupe: s.Dedupe(p), Plan: s.PlanOptions(p), Limits: p.Guardrails,
		Report: run.Report{To: p.Report.To, Alert: p.Report.Alert, When: p.Report.When, Attach: p.Report.Attach == "problems", Personal: report.PersonalData(p.Report.PersonalData)},
		Digest: p.Digest(),
	}
}

// profile opens what a command on one profile needs.
func (a *app) profile(name string) (*run.Runner, *run.Profile, error) {
	return a.profileIn(name, "")
}

// profileIn is [app.profile] with the profile read from a file that is not in
// its place yet, if there is one.
func (a *app) profileIn(name, draft string) (*run.Runner, *run.Profile, error) {
	read := config.LoadSound
	if draft != "" {
		read = func(path string) (*config.Site, error) { return config.LoadDraft(path, name, draft) }
	}
	s, err := a.siteBy(read, name)
	if err != nil {
		return nil, nil, err
	}
	p, err := profileOf(s, name)
	if err != nil {
		return nil, nil, err
	}
	r, err := a.runner(s)
	if err != nil {
		return nil, nil, err
	}
	return r, feed(s, p), nil
}

// profileOf finds the profile that was typed. It says in one line that there is
// none, and of one with errors all of them, as rollcall validate does.
func profileOf(s *config.Site, name string) (*config.Profile, error) {
	p, err := s.Profile(name)
	if err != nil && slices.ContainsFunc(s.Broken, func(p *config.Profile) bool { return p.Name == name }) {
		return nil, fmt.Errorf("profile %s is invalid, and nothing was done:\n%w", name, err)
	}
	var missing config.Errors
	if errors.As(err, &missing) && len(missing) == 1 {
		return nil, exit(exitConfig, fmt.Errorf("there is no profile %q; %s", name, missing[0].Hint))
	}
	return p, err
}

// only refuses forms of output that a command does not have.
func (a *app) only(command string, forms ...string) error {
	if a.Output == "table" || slices.Contains(forms, a.Output) {
		return nil
	}
	if len(forms) == 0 {
		return fmt.Errorf("%s writes text only; leave -o %s out", command, a.Output)
	}
	return fmt.Errorf("%s has no -o %s; write -o %s, or nothing for text", command, a.Output, names(forms))
}

// nothing is what a command that has nothing to tell prints for a program:
// null, or no row at all.
func (a *app) nothing() error {
	if a.Output != "json" {
		return nil
	}
	_, err := fmt.Fprintln(a.stdout, "null")
	return err
}

// terminal tells whether a person sits in front of both ends.
func (a *app) terminal() bool {
	in, out := file(a.stdin), file(a.stdout)
	return in != nil && out != nil && isatty.IsTerminal(in.Fd()) && isatty.IsTerminal(out.Fd())
}
