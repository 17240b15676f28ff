package main

import (
	"errors"
	"fmt"
	"strconv"
	"strings"

	"rollcall/config"
	"rollcall/internal/journal"
	"rollcall/internal/roster"
	"rollcall/internal/run"
	"rollcall/internal/store"
)

// desk is what a command on stored runs works with.
type desk struct {
	*app
	site *config.Site
	r    *run.Runner
}

// desk opens configuration and database.
func (a *app) desk() (*desk, error) {
	s, err := a.site()
	if err != nil {
		return nil, err
	}
	return a.deskOn(s)
}

// deskOn opens the database of a site that has been read.
func (a *app) deskOn(s *config.Site) (*desk, error) {
	r, err := a.runner(s)
	if err != nil {
		return nil, err
	}
	return &desk{a, s, r}, nil
}

// salvage ends what processes that were killed have left, so that nothing is shown
// as under way that nobody does.
func (d *desk) salvage() {
	if err := d.r.Salvage(d.ctx, feeds(d.site)); err != nil && d.ctx.Err() == nil {
		d.r.Log.Warn("what a killed process has left is still there", "error", err)
	}
}

// stored finds a RUN: a number, last, or last:PROFILE.
func (d *desk) stored(ref string) (*journal.Run, error) {
	profile, ofProfile := strings.CutPrefix(ref, "last:")
	switch {
	case ref == "last":
		return d.r.Store.Newest(d.ctx, "")
	case ofProfile && profile != "":
		j, err := d.r.Store.Newest(d.ctx, profile)
		if errors.Is(err, store.ErrNone) {
			return nil, fmt.Errorf("no run of profile %q has finished yet; rollcall runs list shows those there are", profile)
		}
		return j, err
	}
	number, err := strconv.ParseInt(ref, 10, 64)
	if err != nil || number < 1 {
		return nil, fmt.Errorf("%q is not a run: write a number, last or last:PROFILE; rollcall runs list shows them", ref)
	}
	return d.r.Store.Run(d.ctx, number)
}

// of is the profile of a run, which has to be configured still; nil where the
// run has none.
func (d *desk) of(j *journal.Run) (*run.Profile, error) {
	if j.Profile == "" {
		return nil, nil
	}
	if j.Profile == run.Import {
		return d.importing("rollcall", j.Input.Name)
	}
	p, err := profileOf(d.site, j.Profile)
	if err != nil {
		return nil, fmt.Errorf("run %d is of a profile that is not configured any more; put its file back: %w", j.Number, err)
	}
	return feed(d.site, p), nil
}

// known is the profile of a run, or nil: enough for showing it.
func (d *desk) known(j *journal.Run) *run.Profile {
	p, err := d.of(j)
	if err != nil {
		return nil
	}
	return p
}

// tell ends a command that has carried out a stored plan, or made a run: it
// prints the report, sends the mails and exits like the run. err is what else
// went wrong.
func (d *desk) tell(p *run.Profile, j *journal.Run, err error) error {
	if j == nil || errors.Is(err, store.ErrRefused) || errors.Is(err, store.ErrUnknown) {
		return err
	}
	if err != nil { // what the database says of the run is what happened
		kept, lost := d.r.Store.Run(d.ctx, j.Number)
		if lost != nil || !kept.Status.Applied() && kept.Status != journal.Held && kept.Status != journal.Failed {
			return err
		}
		j = kept
	}
	err = errors.Join(err, d.r.Deliver(d.ctx, j.Number))
	if shown := d.told(d.r, p, j); shown != nil {
		return untold(j, shown)
	}
	if err != nil && j.Error == "" {
		return exit(codeOfRun(j, err), err)
	}
	return exit(codeOfRun(j, err), nil)
}

// account finds the account that was typed. An error names it as it was typed,
// and looks whether a key was typed for a username.
func (d *desk) account(ref string) (*roster.Account, error) {
	x, err := d.r.Store.Named(d.ctx, ref)
	if err == nil {
		return x, nil
	}
	if errors.Is(err, store.ErrNone) && !strings.Contains(ref, ":") {
		if _, found := d.r.Store.Named(d.ctx, "key:"+ref); found == nil {
			return nil, fmt.Errorf("%q is nobody's username; did you mean key:%s?", ref, ref)
		}
	}
	return nil, fmt.Errorf("%q: %w", ref, err)
}

// accounts looks accounts up before anybody is asked about them.
func (d *desk) accounts(refs []string) error {
	for _, ref := range refs {
		if _, err := d.account(ref); err != nil {
			return err
		}
	}
	return nil
}

// sure asks a person, or wants --yes where there is nobody to ask.
func (a *app) sure(question string) error {
	switch {
	case a.Yes:
		return nil
	case !a.terminal() || a.NoInput:
		if i := strings.LastIndex(question, "\n"); i >= 0 && a.Output == "table" {
			fmt.Fprintln(a.stdout, question[:i]) // what a person is shown before the question
		}
		return errors.New("nothing was changed: there is nobody to ask; --yes carries it out")
	case !a.ask(question):
		return errors.New("nothing was changed")
	}
	return nil
}
