// Package plan decides what to change, and changes nothing.
//
// [Make] compares the accounts that exist with the entries of one drop and
// streams changes, at most one for each account, into a [Sink]. It reads no
// clock and no database of its own, so the same input gives the same plan,
// byte for byte, in whatever order the rows stand (R4). The order in which
// changes are carried out is the sink's: names are parked before any is taken.
//
// The drop is read more than once, never held:
//
//	look     every record: which keys, names and addresses stand on several rows (R41, R33, R22)
//	known    records whose key finds its account: compared in chunks; of a first load there are none
//	adopt    the others, by fallback, previous key or old name, but for those that nothing could find
//	beyond   records that the scope leaves out (R68)
//	absent   owned accounts that nobody mentioned (R62)
//	settle   swaps, chains and rings of names and addresses (R36)
//	release  accounts that have moved to other sites (R44)
//	add      what is left; those with a counter last, in the order of the rows (R33, R43)
package plan

import (
	"cmp"
	"context"
	"fmt"
	"iter"
	"slices"
	"time"

	"rollcall/internal/roster"
)

// chunk is how many records are looked up together.
const chunk = 1000

// keep is how many records that await another pass are held in memory; beyond
// it the drop is read again.
const keep = 1000

// Make plans the changes that make the accounts of dir say what the entries
// ask, at the time now. A row that cannot be used is a problem in the sink, and
// the account that it speaks of is left alone (R3). The error is the reader's,
// the directory's or the sink's.
func Make(ctx context.Context, o Options, drop Entries, dir Directory, sink Sink, now time.Time) (Facts, error) {
	if o.Zone == nil {
		o.Zone = time.UTC
	}
	o.fold()
	p := &planner{
		Options: o, ctx: ctx, drop: drop, dir: dir, sink: sink, now: now, stamp: roster.Stamp(now),
		me: cmp.Or(o.Person, roster.Origin(o.Profile)), usernames: newNames(), emails: newNames(),
		facts: Facts{Full: o.Full, FieldChanges: map[string]int{}, Departments: map[string]Movement{}},
	}
	p.findSoles()
	for _, step := range []func() error{p.look, p.owner, p.known, p.adopt, p.beyond, p.absent, p.settle, p.release, p.add} {
		if err := step(); err != nil {
			return Facts{}, err
		}
	}
	p.finish()
	if err := p.loose(); err != nil {
		return Facts{}, err
	}
	return p.facts, nil
}

// planner is the state of one planning.
type planner struct {
	Options
	ctx   context.Context // of this one planning, which a planner does not outlive
	drop  Entries
	dir   Directory
	sink  Sink
	now   time.Time
	stamp string
	me    roster.Origin
	facts Facts

	index   index // what look found
	ownerOK bool  // policy.fallback_owner names an active account, or nobody (R63)

	waiting   waiting // records that the known pass did not find
	rejected  waiting // records that the known pass has rejected, where who is like them is protected
	nobody    waiting // records that find no account in any way
	counting  waiting // those of them that get a number where their username is taken
	outside   waiting // records that the scope leaves out
	asking    bool    // the known pass goes on, which asks the directory about every record
	likes     bool    // this pass asks for the accounts on which all witnesses agree (R48)
	looking   bool    // look is under way
	deciding  bool    // the adopt pass decides what it has found
	met       bool    // the directory has something by which some record of the drop is called
	strangers bool    // look has asked about every record, and nothing was met
	odd       waiting // of strangers: rows whose key or shape is bad
	screened  bitset  // of strangers: records that were looked at for copies
	seen      bitset  // accounts that a record mentions
	hinted    bitset  // accounts that a record which is not used may mean (R3)
	touched   bitset  // accounts that a record means which is rejected for whom it means
	owned     bitset  // accounts that the profile owns, as far as they were looked at
	left      bitset  // accounts whose record the scope leaves out
	clean     bitset  // those of them whose record the next run need not read
	pending   []*draft
	soles     []*sole
	usernames names
	emails    names
	numbers   map[string]*numbers // by base name, while adding
	away      []uint64            // accounts of other sites that the profile still claims
	none      roster.Account      // what a newcomer has been so far
	fresh     roster.Account      // room for the newcomer that is being added
}

// waiting are the records that await a later pass: themselves while they are
// few, else their numbers.
type waiting struct {
	entries []numbered // of two passes, perhaps
	numbers bitset
	count   int
}

func (w *waiting) put(e numbered) {
	w.count++
	w.numbers.add(uint64(e.n))
	if w.count <= keep {
		w.entries = append(w.entries, e)
	} else {
		w.entries = nil
	}
}

// numbered is an entry with its place in the drop, counted from zero.
type numbered struct {
	n int
	roster.Entry
}

// each calls f with the entries of the drop, a chunk at a time.
func (p *planner) each(entries iter.Seq2[numbered, error], f func([]numbered) error) error {
	var part []numbered // grows: most drops of a test, and the last chunk of any, are small
	for e, err := range entries {
		if err != nil {
			return err
		}
		if part = append(part, e); len(part) == chunk {
			if err := f(part); err != nil {
				return err
			}
			part = part[:0]
		}
	}
	if len(part) == 0 {
		return nil
	}
	return f(part)
}

// all reads the whole drop.
func (p *planner) all() iter.Seq2[numbered, error] {
	return func(yield func(numbered, error) bool) {
		n := 0
		for e, err := range p.drop() {
			if !yield(numbered{n, e}, err) {
				return
			}
			n++
		}
	}
}

// again reads the records that w holds.
func (p *planner) again(w waiting) iter.Seq2[numbered, error] {
	return func(yield func(numbered, error) bool) {
		if w.count <= keep {
			slices.SortFunc(w.entries, func(a, b numbered) int { return cmp.Compare(a.n, b.n) })
			for _, e := range w.entries {
				if !yield(e, nil) {
					return
				}
			}
			return
		}
		for e, err := range p.all() {
			if err == nil && !w.numbers.has(uint64(e.n)) {
				continue
			}
			if !yield(e, err) {
				return
			}
		}
	}
}

// owner asks whether the fallback owner can inherit (R63).
func (p *planner) owner() error {
	name := roster.Fold(p.Policy.FallbackOwner)
	p.ownerOK = name == ""
	if p.ownerOK {
		return nil
	}
	found, err := p.dir.Find(p.ctx, Query{Profile: p.Profile, Usernames: []string{name}, Now: p.now})
	if err != nil {
		return fmt.Errorf("find the fallback owner: %w", err)
	}
	for _, a := range found.Accounts {
		if roster.Fold(a.Values[roster.Username]) == name && a.Status() == roster.Active {
			p.ownerOK = true
		}
	}
	return nil
}

// finish adds up what only the end knows.
func (p *planner) finish() {
	r := &p.facts.Rows
	if p.Same != nil {
		r.Unchanged += p.Same.Rows
	}
	p.facts.Passwords.Waits = p.facts.Passwords.Welcome > p.Policy.MaxWelcome
	r.Read = r.Added + r.Updated + r.Renamed + r.Reactivated + r.Suspended + r.Deleted + r.Unchanged + r.Skipped + r.Rejected
	a := &p.facts.Absent
	a.Total = a.Kept + a.Suspended + a.Deleted
	for i, key := range p.Canaries {
		if p.Full && !p.index.canaries[i] && !(p.Same != nil && p.Same.Canaries[i]) {
			p.facts.MissingCanaries = append(p.facts.MissingCanaries, string(key))
		}
	}
}
