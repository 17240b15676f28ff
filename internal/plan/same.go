package plan

import (
	"cmp"
	"encoding/binary"
	"iter"
	"math/bits"
	"slices"

	"github.com/zeebo/xxh3"

	"rollcall/internal/roster"
)

// Same stands for the records of a drop that are, byte for byte, as they were
// when the profile's last run was applied, under the same settings, and whose
// accounts nobody has touched since: they are counted as unchanged and not
// read. Entries then gives the others alone. The plan is the one that reading
// all of them would give.
type Same struct {
	Rows     int                       // how many they are
	Known    func(account uint64) bool // tells whether an account is one of theirs
	Others   []uint64                  // every account that the profile may own besides: who is absent is among them
	Canaries []bool                    // whether one of them has the key of that canary
	Owned    int                       // accounts that the profile owns, not deleted
	Active   int                       // those of them that are active
}

// A Keeper is told what the profile's next run need not read, if this plan is
// applied whole.
type Keeper interface {
	// Clean is a record that ended without a problem or a note, and of which a run
	// after this one will find nothing to do. account is zero where the change
	// before it adds the account.
	Clean(e roster.Entry, identity, account uint64) error
	// Loose is an account that the profile owns, or may, and of which no clean
	// record speaks. Zero is the one that the change before it adds.
	Loose(account uint64) error
}

// Identity is a hash of that by which two records are of one person. ok is false
// where it cannot be read.
func (o Options) Identity(e roster.Entry) (id uint64, ok bool) {
	o.fold()
	return o.identity(e)
}

// Meaning is a hash of all that a planning sees of an entry. Where two are equal
// under the same options, and neither the account nor anybody's else has changed,
// the plan is too. It is zero, like no other, where the entry has a problem or a
// password, is out of scope, or has a value that is known only with the username.
func (o Options) Meaning(e roster.Entry, room []byte) (hash uint64, _ []byte) {
	if e.Broken || e.Outside != "" || len(e.Joined) > 0 || e.KeyBad || len(e.Problems) > 0 || len(e.Late) > 0 || e.Account != 0 || e.Password != "" { // of a password no quick hash is kept
		return 0, room
	}
	room = room[:0]
	text := func(s string) { room = append(binary.AppendUvarint(room, uint64(len(s))), s...) }
	text(string(e.Key))
	room = binary.LittleEndian.AppendUint64(room, uint64(e.Set))
	room = binary.LittleEndian.AppendUint64(room, uint64(e.HasDef))
	for f := range e.Values {
		text(e.Values[f])
	}
	if e.HasDef != 0 {
		for f := range e.Defaults {
			text(e.Defaults[f])
		}
	}
	room = binary.AppendUvarint(room, uint64(len(e.Custom)))
	for _, c := range e.Custom {
		text(c.Name)
		text(c.Value)
		room = append(room, 2|bit(c.Default))
	}
	room = append(room, bit(e.Number)|bit(e.Template)<<1)
	text(string(e.Wish))
	text(e.OldUsername)
	text(string(e.PreviousKey))
	room = appendMembers(room, e.Members)
	if e.Anchor != "" { // what has none means what it meant before there were any
		room = append(append(room, 'a'), e.Anchor...)
	}
	return max(1, xxh3.HashSeed(room, o.Seed)), room
}

func bit(set bool) byte {
	if set {
		return 1
	}
	return 0
}

// mentioned tells whether a record speaks of an account.
func (p *planner) mentioned(account uint64) bool {
	return p.seen.has(account) || p.Same != nil && p.Same.Known(account)
}

// accounts loads those of the ids that the profile links, by id.
func (p *planner) accounts(ids []uint64) iter.Seq2[roster.Account, error] {
	return func(yield func(roster.Account, error) bool) {
		ids := slices.Clone(ids)
		slices.Sort(ids)
		for part := range slices.Chunk(slices.Compact(ids), chunk) {
			found, err := p.dir.Find(p.ctx, Query{Profile: p.Profile, IDs: part, Now: p.now})
			if err != nil {
				yield(roster.Account{}, err)
				return
			}
			slices.SortFunc(found.Accounts, func(a, b roster.Account) int { return cmp.Compare(a.ID, b.ID) })
			for _, a := range found.Accounts {
				if a.Link(p.Profile) != nil && !yield(a, nil) {
					return
				}
			}
		}
	}
}

// keep tells the keeper what a draft has come to.
func (p *planner) keep(d *draft) error {
	switch {
	case p.Keep == nil:
		return nil
	case p.passable(d):
		id, _ := p.identity(d.entry)
		if d.was.ID != 0 {
			p.clean.add(d.was.ID)
		}
		return p.Keep.Clean(d.entry, id, d.was.ID)
	case d.was.ID == 0:
		return p.Keep.Loose(0)
	}
	return nil // the end tells: another record may yet speak of the account
}

// loose tells the keeper of the accounts that no clean record speaks of.
func (p *planner) loose() error {
	if p.Keep == nil {
		return nil
	}
	for i, word := range p.owned {
		if i < len(p.clean) {
			word &^= p.clean[i]
		}
		for ; word != 0; word &= word - 1 {
			if err := p.Keep.Loose(uint64(i*64 + bits.TrailingZeros64(word))); err != nil {
				return err
			}
		}
	}
	return nil
}

// passable tells whether the record of a draft need not be read again while
// neither it nor its account changes (S1). Nothing that hangs on other accounts
// or on other records may be left: its own link finds the account, by its key,
// and what it asks for of names and addresses the account holds. Then whoever
// else wants one of them meets the account instead of the record.
func (p *planner) passable(d *draft) bool {
	e, now := d.entry, d.now
	if d.absent || d.outside || len(d.problems) > 0 || e.Key == "" || e.OldUsername != "" || e.PreviousKey != "" || now.Status() == roster.Deleted {
		return false
	}
	if d.was.ID == 0 && (p.Policy.Upload == "add" || p.Policy.Upload == "add_all") {
		return false // known from now on, and skipped with a note
	}
	if l := now.Link(p.Profile); l == nil || !p.sameKey(l.Key, e.Key) || e.Anchor != "" && l.Anchor != e.Anchor {
		return false
	}
	if name := e.Values[roster.Username]; e.Set.Has(roster.Username) && !e.Template && name != "" && !same(roster.Username, name, now.Values[roster.Username]) {
		return false
	}
	if !d.holdsSoles() {
		return false
	}
	for _, mail := range []string{cmp.Or(e.Values[roster.Email], e.Defaults[roster.Email]), lateMail(e)} {
		if mail != "" && !same(roster.Email, mail, now.Values[roster.Email]) {
			return false
		}
	}
	return true
}
