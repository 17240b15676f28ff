package plan

import (
	"cmp"
	"fmt"
	"hash/maphash"
	"slices"

	"github.com/zeebo/xxh3"

	"rollcall/internal/roster"
)

// index is what the first look at the drop finds: what stands on several rows.
// It holds hashes, some 50 bytes a record.
type index struct {
	seed     maphash.Seed
	keys     map[uint64]*copies  // identities on several rows
	names    map[uint64]struct{} // given usernames that several people want
	emails   map[uint64]struct{} // addresses that several people want
	canaries []bool
}

// copies are the rows of one identity.
type copies struct {
	differ bool // R41: every copy is rejected
	used   bool // the first of equal copies has had its turn
}

// want is a hash of a thing and of who wants it.
type want struct{ thing, who uint64 }

// look reads the drop once and notes duplicates.
func (p *planner) look() error {
	x := &p.index
	x.seed = maphash.MakeSeed()
	x.canaries = make([]bool, len(p.Canaries))
	var bodies, names, emails wants
	for e, err := range p.all() {
		if err != nil {
			return err
		}
		if e.n%chunk == 0 && p.ctx.Err() != nil {
			return p.ctx.Err()
		}
		id, ok := p.identity(e.Entry)
		if !ok {
			continue
		}
		for i, c := range p.Canaries {
			x.canaries[i] = x.canaries[i] || (e.Key != "" && p.sameKey(e.Key, c))
		}
		for _, line := range e.Joined {
			p.facts.Rows.Skipped++
			if err := p.tell(roster.Problem{Severity: roster.SkipRow, Line: line, Key: e.Key, Text: fmt.Sprintf("joined with line %d (format.dedupe)", e.Line)}, 0); err != nil {
				return err
			}
		}
		if e.Outside != "" {
			continue // it is no copy of another record, and wants nothing
		}
		bodies.add(want{id, x.body(e.Entry)})
		if e.Set.Has(roster.Username) && !e.Template && e.Values[roster.Username] != "" {
			names.add(want{x.hash(roster.Fold(e.Values[roster.Username])), id})
		}
		if mail := cmp.Or(e.Values[roster.Email], e.Defaults[roster.Email]); mail != "" {
			emails.add(want{x.hash(roster.Fold(mail)), id})
		}
		if mail := lateMail(e.Entry); mail != "" {
			emails.add(want{thing: x.hash(roster.Fold(mail))}) // of no one's: each gets its own once it has its name
		}
	}
	x.keys = map[uint64]*copies{}
	bodies.repeated(func(id uint64, differ bool) { x.keys[id] = &copies{differ: differ} })
	x.names = map[uint64]struct{}{}
	names.repeated(func(n uint64, differ bool) {
		if differ {
			x.names[n] = struct{}{}
		}
	})
	x.emails = map[uint64]struct{}{}
	emails.repeated(func(n uint64, differ bool) {
		if differ {
			x.emails[n] = struct{}{}
		}
	})
	return nil
}

// wants are many, in pieces by their hash: a piece that grows is copied, and
// copying all of them at once would take as much memory again.
type wants [64][]want

func (all *wants) add(w want) {
	piece := &all[w.thing>>58]
	*piece = append(*piece, w)
}

// repeated calls f for each thing that several want, and gives them up.
func (all *wants) repeated(f func(thing uint64, differ bool)) {
	for i := range all {
		repeated(all[i], f)
		all[i] = nil
	}
}

// repeated calls f for each thing that stands in list more than once, and says
// whether those who want it differ.
func repeated(list []want, f func(thing uint64, differ bool)) {
	slices.SortFunc(list, func(a, b want) int { return cmp.Or(cmp.Compare(a.thing, b.thing), cmp.Compare(a.who, b.who)) })
	for i := 0; i < len(list); {
		j := i + 1
		for j < len(list) && list[j].thing == list[i].thing {
			j++
		}
		if j > i+1 {
			f(list[i].thing, list[i].who != list[j-1].who)
		}
		i = j
	}
}

// identity is by what two rows are of one person: the key, else the username
// of the fallback. ok is false where neither can be read.
func (p *Options) identity(e roster.Entry) (id uint64, ok bool) {
	switch {
	case e.Key != "" && p.Match.IgnoreCase:
		return xxh3.HashStringSeed(roster.Fold(string(e.Key)), p.Seed), true
	case e.Key != "":
		return xxh3.HashStringSeed(string(e.Key), p.Seed), true
	case !e.KeyBad && e.Values[roster.Username] != "":
		return xxh3.HashStringSeed(roster.Fold(e.Values[roster.Username]), p.Seed+1), true
	}
	return 0, false
}

func (x *index) hash(s string) uint64 { return maphash.String(x.seed, s) }

// body hashes all that a record asks; a broken row is like no other.
func (x *index) body(e roster.Entry) uint64 {
	var h maphash.Hash
	h.SetSeed(x.seed)
	text := func(s string) { h.WriteString(s); h.WriteByte(0) }
	fmt.Fprintf(&h, "%x\x00", e.Set)
	for f := range roster.NumFeedFields {
		if e.Set.Has(f) {
			text(e.Values[f])
		}
	}
	fmt.Fprintf(&h, "%x\x00", e.HasDef)
	for f := range roster.NumFeedFields {
		if e.HasDef.Has(f) {
			text(e.Defaults[f])
		}
	}
	text(e.Password.Reveal())
	text(string(e.Wish))
	text(e.OldUsername)
	text(string(e.PreviousKey))
	for _, l := range e.Late {
		text(l.Field.String())
		text(l.Value("u"))
	}
	for _, problem := range e.Problems {
		text(problem.Code)
		text(problem.Column)
	}
	if e.Broken {
		fmt.Fprint(&h, e.Line)
	}
	return h.Sum64()
}

// sameKey compares two keys as the profile asks (R40).
func (p *planner) sameKey(a, b roster.Key) bool {
	return a == b || p.Match.IgnoreCase && roster.Fold(string(a)) == roster.Fold(string(b))
}
