package main

import (
	"encoding/csv"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"

	"rollcall/config"
	"rollcall/internal/journal"
	"rollcall/internal/report"
	"rollcall/internal/roster"
	"rollcall/internal/store"
)

// statusCmd is "rollcall status".
type statusCmd struct {
	Since string `help:"Which runs are counted: 12h, 7d, or a date." default:"24h" placeholder:"WHEN"`
}

// A state is what the one screen shows.
type state struct {
	Profiles []feedState           `json:"profiles"`
	Invalid  []string              `json:"invalid"`  // profiles with errors; with any, rollcall serve does not start
	Orphaned map[string]int        `json:"orphaned"` // accounts that are claimed by profiles which no file configures
	Since    report.Instant        `json:"since"`
	Runs     map[string]int        `json:"runs"` // since then, by status
	Held     int                   `json:"held"`
	Outbox   int                   `json:"outbox"`          // mails not delivered
	Waiting  int                   `json:"welcome_waiting"` // welcome mails that a person must release
	Accounts map[roster.Status]int `json:"accounts"`
}

// A feedState is one profile.
type feedState struct {
	Profile    string         `json:"profile"`
	Enabled    bool           `json:"enabled"`
	Schedule   string         `json:"schedule"` // "" for by hand only
	LastRun    int64          `json:"last_run"` // 0 for none
	LastStatus journal.Status `json:"last_status"`
	LastEnd    report.Instant `json:"last_finished"`
	NextRun    report.Instant `json:"next_run"`
	Overdue    report.Instant `json:"overdue_since"` // null: no drop is overdue
}

// Run implements the command.
func (c *statusCmd) Run(a *app) error {
	site, err := a.read(config.LoadSound) // the screen itself says which profiles are invalid
	if err != nil {
		return err
	}
	d, err := a.deskOn(site)
	if err != nil {
		return err
	}
	d.salvage()
	s, err := d.state(c.Since)
	if err != nil {
		return err
	}
	if err := d.print(s); err != nil {
		return err
	}
	for _, f := range s.Profiles {
		if !f.Overdue.IsZero() {
			return exit(exitNoDrop, nil)
		}
	}
	return nil
}

// print writes the state in the form that was asked for.
func (d *desk) print(s *state) error {
	a := d.app
	switch a.Output {
	case "json":
		return a.object(s)
	case "csv":
		w := csv.NewWriter(a.stdout)
		_ = w.Write([]string{"profile", "enabled", "schedule", "last_run", "last_status", "last_finished", "next_run", "overdue_since"}) // the writer keeps the first error
		for _, f := range s.Profiles {
			_ = w.Write([]string{f.Profile, strconv.FormatBool(f.Enabled), f.Schedule, number(f.LastRun), string(f.LastStatus), instant(f.LastEnd.Time), instant(f.NextRun.Time), instant(f.Overdue.Time)})
		}
		w.Flush()
		return w.Error()
	}
	return d.screen(s)
}

// state looks everything up.
func (d *desk) state(since string) (*state, error) {
	from, err := d.since(since)
	if err != nil {
		return nil, err
	}
	s := &state{Profiles: []feedState{}, Since: report.Instant{Time: from}, Runs: map[string]int{}, Invalid: []string{}}
	known := []string{}
	for _, p := range d.site.Broken {
		s.Invalid, known = append(s.Invalid, p.Name), append(known, p.Name)
	}
	for _, p := range d.site.Loaded {
		f, err := d.feedState(p.Name)
		if err != nil {
			return nil, err
		}
		s.Profiles, known = append(s.Profiles, f), append(known, p.Name)
	}
	if s.Orphaned, err = d.r.Store.Claims(d.ctx, known); err != nil {
		return nil, err
	}
	runs, err := d.r.Store.Runs(d.ctx, "", from, 0)
	if err != nil {
		return nil, err
	}
	for _, j := range runs {
		s.Runs[string(j.Status)]++
	}
	held, err := d.r.Store.Held(d.ctx)
	if err != nil {
		return nil, err
	}
	s.Held = len(held)
	if s.Outbox, err = d.r.Store.Outstanding(d.ctx); err != nil {
		return nil, err
	}
	if s.Waiting, err = d.r.Store.Unreleased(d.ctx); err != nil {
		return nil, err
	}
	counts, err := d.r.Store.Count(d.ctx)
	s.Accounts = map[roster.Status]int{}
	for _, status := range statuses {
		s.Accounts[status] = counts[status]
	}
	return s, err
}

var statuses = []roster.Status{roster.Active, roster.Suspended, roster.Deleted}

func (d *desk) feedState(name string) (feedState, error) {
	p, err := d.site.Profile(name)
	if err != nil {
		return feedState{}, err
	}
	f := feedState{Profile: name, Enabled: p.Enabled, Schedule: p.Schedule.Text}
	from := d.r.Now()
	last, err := d.r.Store.Newest(d.ctx, name)
	switch {
	case err == nil:
		f.LastRun, f.LastStatus, f.LastEnd = last.Number, last.Status, report.Instant{Time: last.Finished}
		if p.Schedule.Every > 0 {
			from = last.Started
		}
	case !errors.Is(err, store.ErrNone):
		return f, err
	}
	if p.Enabled {
		f.NextRun = report.Instant{Time: feed(d.site, p).Schedule.Next(from, p.Zone)}
	}
	f.Overdue.Time, err = d.r.Overdue(d.ctx, feed(d.site, p))
	return f, err
}

// screen shows the state to a person.
func (d *desk) screen(s *state) error {
	switch {
	case len(s.Profiles) == 0 && len(s.Invalid) == 0:
		fmt.Fprintln(d.stdout, "There is no profile yet. rollcall init --from FILE writes one from a sample.")
	case len(s.Profiles) > 0:
		t := newTable(d.stdout, "profile", "schedule", "last run", "status", "when", "next run")
		for _, f := range s.Profiles {
			schedule, last, next := f.Schedule, "never", d.at(f.NextRun.Time)
			switch {
			case !f.Enabled:
				schedule, next = "disabled", "–"
			case schedule == "":
				schedule, next = "by hand", "–"
			case f.NextRun.Before(d.r.Now()):
				next = "due"
			}
			if f.LastRun > 0 {
				last = number(f.LastRun)
			}
			t.row(f.Profile, schedule, last, string(f.LastStatus), d.at(f.LastEnd.Time), next)
		}
		if err := t.end(); err != nil {
			return err
		}
	}
	if len(s.Profiles) > 0 && len(s.Invalid) > 0 {
		fmt.Fprintln(d.stdout)
	}
	for _, name := range s.Invalid {
		fmt.Fprintf(d.stdout, "%[1]s: invalid, see rollcall validate %[1]s\n", name)
	}
	if len(s.Invalid) > 0 {
		fmt.Fprintln(d.stdout, "Until that is mended rollcall serve does not start; one that runs keeps what it has read.")
	}
	var runs, accounts []string
	for _, status := range []journal.Status{
		journal.OK, journal.Unchanged, journal.Warn, journal.Held, journal.Failed, journal.Missing, journal.Rejected,
		journal.Superseded, journal.Reverted, journal.Interrupted, journal.Running, journal.Dry,
	} {
		if n := s.Runs[string(status)]; n > 0 {
			runs = append(runs, count(n)+" "+string(status))
		}
	}
	if len(runs) == 0 {
		runs = []string{"none"}
	}
	for _, status := range statuses {
		accounts = append(accounts, count(s.Accounts[status])+" "+string(status))
	}
	held, outbox := "nothing", "nothing waits"
	if s.Held > 0 {
		held = plural(s.Held, "plan") + " for a person to decide: rollcall held"
	}
	if s.Outbox > 0 {
		outbox = plural(s.Outbox, "mail") + " not delivered yet; rollcall serve keeps trying: rollcall outbox"
	}
	if s.Waiting > 0 {
		waits := welcomesWait(s.Waiting) + " for a person: rollcall outbox"
		if s.Outbox > 0 {
			waits = outbox + "; " + waits
		}
		outbox = waits
	}
	for _, f := range s.Profiles {
		if !f.Overdue.IsZero() {
			fmt.Fprintf(d.stdout, "\nOVERDUE: no new drop of %s since it was due at %s\n", f.Profile, d.at(f.Overdue.Time))
		}
	}
	for _, name := range slices.Sorted(maps.Keys(s.Orphaned)) {
		fmt.Fprintf(d.stdout, "\n%[1]s is not configured any more and still claims %[2]s, so no other feed removes them.\nPut its file back, or let each go: rollcall accounts list --profile %[1]s; rollcall accounts unlink %[1]s KEY\n", name, plural(s.Orphaned[name], "account"))
	}
	fmt.Fprintf(d.stdout, "\nRuns since %s: %s\nHeld: %s\nOutbox: %s\nAccounts: %s\n", d.at(s.Since.Time), names(runs), held, outbox, names(accounts))
	return nil
}
