package run

import (
	"context"
	"errors"
	"slices"
	"strconv"
	"strings"
	"time"

	"rollcall/internal/guard"
	"rollcall/internal/journal"
	"rollcall/internal/plan"
	"rollcall/internal/roster"
	"rollcall/internal/store"
)

// A Story is one person's way through a profile: read, mapped, correlated, planned.
type Story struct {
	Profile  string
	Typed    roster.Key // what was asked for
	Key      roster.Key // that was followed: what was typed, or the key of the person whose username that is
	Username string     // that was followed in its place, as the person has no key; else ""
	Input    journal.Input
	Entries  []roster.Entry      // the records with the key or the username, as mapped; at most ten
	Account  *roster.Account     // as it is; nil where there is none
	Other    *roster.Account     // who has what the record says, and is in its way or looks like its person; nil for nobody
	Changes  []plan.Change       // what the drop would do to it
	Problems []roster.Problem    // of these records
	Options  plan.Options        // that decided
	Findings []guard.Finding     // about the whole plan of that drop
	Stays    []roster.Membership // that the feed has granted, and its record no longer lists: only exact takes them away (R94)
}

// Concerned tells whether the profile has a word of the person: it lists or links them.
func (s *Story) Concerned() bool {
	return len(s.Entries) > 0 || s.Account != nil && s.Account.Link(s.Profile) != nil
}

// most is how many records of one key a story tells of.
const most = 10

// Explain follows a key through a drop: --file, or the last applied one. What is
// nobody's key may be a username: it is followed by that person's key, and where
// they have none by the username itself. It changes nothing and records nothing.
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
	s := &Story{Profile: p.Name, Typed: key, Input: input(got.drop, p.Format.Content), Options: p.Plan}
	s.Input.Format, s.Input.Encoding, s.Input.Delimiter = x.facts()
	if w := got.original; w != nil { // not as the copy is, from which passwords are gone
		s.Input.Format, s.Input.Encoding, s.Input.Delimiter = w.Format, w.Encoding, w.Delimiter
	}
	s.Input.Reading = got.how
	if err := r.meant(ctx, s, key, x); err != nil {
		return nil, err
	}
	o := p.Plan
	o.Keyless = x.mapper.Keyless()
	if o.Holders, err = r.Store.Holders(ctx, o.Policy.Protect); err != nil {
		return nil, err
	}
	if len(x.mapper.Secrets()) > 0 {
		o.Passwords.Same = r.comparerOf(s)
	}
	facts, err := plan.Make(ctx, o, x.people(), r.Store, placed{about{s}, x.mapper}, r.Now())
	if err != nil {
		return nil, err
	}
	base, err := r.Store.Baseline(ctx, p.Name, p.Digest)
	if err == nil && facts.MembershipsRemoved > 0 {
		base.Granted, err = r.Store.Granted(ctx, p.Name)
	}
	if err != nil {
		return nil, err
	}
	s.Findings = guard.Check(p.Limits, facts, base)
	if err := r.stays(ctx, s); err != nil {
		return nil, err
	}
	return s, r.other(ctx, s)
}

// comparerOf is [Runner.compare] for the person of a story. Those of all others are
// taken to be as they were: to compare them takes as long as a run.
func (r *Runner) comparerOf(s *Story) func(context.Context, []plan.Guess) ([]bool, error) {
	return func(ctx context.Context, guesses []plan.Guess) ([]bool, error) {
		same := make([]bool, len(guesses))
		var theirs []plan.Guess
		var at []int
		for i, g := range guesses {
			same[i] = true
			if s.guessed(g) && len(at) < most {
				theirs, at = append(theirs, g), append(at, i)
			}
		}
		right, err := r.compare(ctx, theirs)
		for i, yes := range right {
			same[at[i]] = yes
		}
		return same, err
	}
}

// guessed tells whether a password is given for a story's person: for the account, or
// by one of the records where none is known by their key.
func (s *Story) guessed(g plan.Guess) bool {
	if s.Account != nil {
		return g.Account == s.Account.ID
	}
	return slices.ContainsFunc(s.Entries, func(e roster.Entry) bool { return e.Password == g.Password })
}

// stays finds the memberships that a story's person keeps under policy.memberships: add.
func (r *Runner) stays(ctx context.Context, s *Story) error {
	var said []*roster.Members
	for _, e := range s.Entries {
		if e.Members != nil {
			said = append(said, e.Members)
		}
	}
	if s.Account == nil || len(said) == 0 || s.Options.Policy.Memberships == "exact" {
		return nil
	}
	all := roster.Union(said)
	found, err := r.Store.Find(ctx, plan.Query{Profile: s.Profile, IDs: []uint64{s.Account.ID}, Grants: true, Now: r.Now()})
	if err != nil {
		return err
	}
	for _, a := range found.Accounts {
		for _, g := range a.Grants {
			if a.ID == s.Account.ID && g.Origin == roster.Origin(s.Profile) && g.Ended == "" && slices.Contains(all.Kinds, g.Kind) && !all.Covers(g.Membership) {
				s.Stays = append(s.Stays, g.Membership)
			}
		}
	}
	return nil
}

// other finds who is in the way of a record, or looks like its person.
func (r *Runner) other(ctx context.Context, s *Story) error {
	for _, p := range s.Problems {
		ref := ""
		switch {
		case p.Code == "E309" && p.Account != 0:
			ref = "id:" + strconv.FormatUint(p.Account, 10)
		case (p.Code == "E302" || p.Code == "E303") && len(s.Entries) > 0:
			ref = s.Entries[0].Values[roster.Username]
		}
		if ref == "" {
			continue
		}
		a, err := r.Store.Named(ctx, ref)
		switch {
		case errors.Is(err, store.ErrNone): // the name is held, or two records want it
		case err != nil:
			return err
		case s.Account == nil || a.ID != s.Account.ID:
			s.Other = a
			return nil
		}
	}
	return nil
}

// meant finds whom a person means by what they have typed: the records and the account.
func (r *Runner) meant(ctx context.Context, s *Story, typed roster.Key, x *reading) error {
	if err := r.known(ctx, s, typed); err != nil {
		return err
	}
	s.Key = typed
	var named *roster.Account // whose username it is, where it is no account's key
	var own roster.Key        // by which a record means them
	if s.Account != nil {
		if l := s.Account.Link(s.Profile); l != nil && l.Key != typed {
			own = l.Key // what was typed is another feed's key of theirs
		}
	} else {
		a, err := r.Store.Named(ctx, string(typed))
		switch {
		case errors.Is(err, store.ErrNone) || strings.HasPrefix(string(typed), "id:") || strings.HasPrefix(string(typed), "key:"):
		case err != nil:
			return err
		default:
			named, own = a, roster.Key(s.Options.Match.Of(a))
			if l := a.Link(s.Profile); l != nil && l.Key != "" {
				own = l.Key
			}
		}
	}
	var byKey, byOwn, byName []roster.Entry
	keep := func(list *[]roster.Entry, e roster.Entry) {
		if len(*list) < most {
			*list = append(*list, e)
		}
	}
	name := roster.Fold(string(typed))
	for e, err := range x.entries() {
		switch {
		case err != nil:
			return err
		case e.Key == typed || e.PreviousKey == typed && typed != "" || s.unkeyed(&e):
			keep(&byKey, e)
		case own != "" && e.Key == own:
			keep(&byOwn, e)
		case s.Account != nil: // the key is known
		case own == "" && (roster.Fold(e.Values[roster.Username]) == name || roster.Fold(e.OldUsername) == name):
			keep(&byName, e)
		}
	}
	switch {
	case s.Account != nil && own == "" || len(byKey) > 0:
		s.Entries = byKey
	case own != "":
		s.Key, s.Entries = own, byOwn
		if err := r.known(ctx, s, own); err != nil {
			return err
		}
	case named != nil:
		s.Key, s.Username, s.Account, s.Entries = "", named.Values[roster.Username], named, byName
	case len(byName) > 0 && byName[0].Key != "":
		s.Key = byName[0].Key
		s.Entries = slices.DeleteFunc(byName, func(e roster.Entry) bool { return e.Key != s.Key })
		return r.known(ctx, s, s.Key)
	case len(byName) > 0:
		s.Key, s.Username, s.Entries = "", byName[0].Values[roster.Username], byName
	}
	return nil
}

// unkeyed tells whether a record without a key means the account of a story by its
// username, or a record with another key by what the username was (R35, R42).
func (s *Story) unkeyed(e *roster.Entry) bool {
	if s.Account == nil {
		return false
	}
	name := roster.Fold(s.Account.Values[roster.Username])
	return name != "" && (e.Key == "" && !e.KeyBad && s.Options.Match.Fallback.By != "" && roster.Fold(e.Values[roster.Username]) == name || roster.Fold(e.OldUsername) == name)
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

// about keeps of a plan what concerns the person of a story.
type about struct {
	story *Story
}

// Change implements [plan.Sink].
func (a about) Change(c plan.Change) error {
	if a.story.Account != nil && c.Account == a.story.Account.ID || a.keyed(c.Key) || a.reads(c.Key, c.Line) {
		a.story.Changes = append(a.story.Changes, c)
	}
	return nil
}

// Problem implements [plan.Sink].
func (a about) Problem(p roster.Problem) error {
	if a.keyed(p.Key) || a.reads(p.Key, p.Line) {
		a.story.Problems = append(a.story.Problems, p)
	}
	return nil
}

// keyed tells whether a key is the one that is followed.
func (a about) keyed(key roster.Key) bool { return a.story.Username == "" && key == a.story.Key }

// reads tells whether a line is one of those that are followed, where the key does
// not say it.
func (a about) reads(key roster.Key, line int) bool {
	return line > 0 && slices.ContainsFunc(a.story.Entries, func(e roster.Entry) bool { return e.Line == line && e.Key == key })
}
