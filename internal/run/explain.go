package run

import (
	"context"
	"time"

	"rollcall/internal/guard"
	"rollcall/internal/journal"
	"rollcall/internal/plan"
	"rollcall/internal/roster"
)

// A Story is one person's way through a profile: read, mapped, correlated, planned.
type Story struct {
	Profile  string
	Input    journal.Input
	Entries  []roster.Entry   // the records with the key, as mapped; at most ten
	Account  *roster.Account  // as it is; nil where there is none
	Changes  []plan.Change    // what the drop would do to it
	Problems []roster.Problem // of these records
	Options  plan.Options     // that decided
	Findings []guard.Finding  // about the whole plan of that drop
}

// most is how many records of one key a story tells of.
const most = 10

// Explain follows a key through a drop: --file, or the last applied one. It
// changes nothing and records nothing.
func (r *Runner) Explain(ctx context.Context, p *Profile, key roster.Key, file string) (*Story, error) {
	if file == "" {
		file = "last"
	}
	p, err := r.united(ctx, p)
	if err != nil {
		return nil, err
	}
	spool, err := r.spool("_explain", time.Hour) // others may be explaining just now
	if err != nil {
		return nil, err
	}
	got, err := r.fetch(ctx, Request{Profile: p, File: file}, spool)
	if got != nil {
		defer got.close(r.Log)
	}
	if err != nil {
		return nil, err
	}
	x, err := r.open(p, got)
	if err != nil {
		return nil, err
	}
	s := &Story{Profile: p.Name, Input: input(got.drop, p.Format.Content), Options: p.Plan}
	s.Input.Format, s.Input.Encoding, s.Input.Delimiter = x.facts()
	for e, err := range x.entries() {
		if err != nil {
			return nil, err
		}
		if e.Key == key && len(s.Entries) < most {
			s.Entries = append(s.Entries, e)
		}
	}
	if err := r.known(ctx, s, key); err != nil {
		return nil, err
	}
	facts, err := plan.Make(ctx, p.Plan, x.people(), r.Store, placed{about{s, key}, x.mapper}, r.Now())
	if err != nil {
		return nil, err
	}
	base, err := r.Store.Baseline(ctx, p.Name, p.Digest)
	if err == nil && facts.MembershipsRemoved > 0 {
		base.Granted, err = r.Store.Granted(ctx, p.Name)
	}
	s.Findings = guard.Check(p.Limits, facts, base)
	return s, err
}

// known finds the account of a key: by the profile's link, else by its own.
func (r *Runner) known(ctx context.Context, s *Story, key roster.Key) error {
	holders, err := r.keyHolders(ctx, s.Profile, key)
	if err != nil {
		return err
	}
	if len(holders) > 0 {
		s.Account = &holders[0]
		return nil
	}
	found, err := r.Store.Find(ctx, plan.Query{Field: s.Options.Match.Key, Custom: s.Options.Match.By, Values: []string{string(key)}, Now: r.Now()})
	if err != nil {
		return err
	}
	for i, a := range found.Accounts {
		if s.Options.Match.Of(&a) != string(key) {
			continue
		}
		if s.Account != nil { // disputed: a problem of the record says so
			s.Account = nil
			return nil
		}
		s.Account = &found.Accounts[i]
	}
	return nil
}

// about keeps of a plan what concerns one key.
type about struct {
	story *Story
	key   roster.Key
}

// Change implements [plan.Sink].
func (a about) Change(c plan.Change) error {
	if c.Key == a.key || a.story.Account != nil && c.Account == a.story.Account.ID {
		a.story.Changes = append(a.story.Changes, c)
	}
	return nil
}

// Problem implements [plan.Sink].
func (a about) Problem(p roster.Problem) error {
	if p.Key == a.key {
		a.story.Problems = append(a.story.Problems, p)
	}
	return nil
}
