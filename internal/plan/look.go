package plan

import (
	"cmp"
	"encoding/binary"
	"fmt"
	"hash/maphash"
	"iter"
	"slices"

	"github.com/zeebo/xxh3"

	"rollcall/internal/roster"
)

// index is what the first look at the drop finds: what stands on several rows.
// While it looks it holds pairs of hashes, 48 bytes a record ([Options.Pairs]);
// in the end, only what several want.
type index struct {
	seed     maphash.Seed
	keys     map[uint64]*copies // identities on several rows
	names    contest
	emails   contest
	canaries []bool
	unseen   bool // accounts may get names and addresses that no record shows: counted ones

	differing map[uint64]struct{} // identities of keys whose rows differ, without the lowest two bits
	lost      map[uint64]struct{} // usernames that no template gives to a newcomer (R33)
	makers    map[uint64]uint64   // those that templates make for several records: the first newcomer among them, zero while there is none
}

// A contest is who wants one kind of name.
type contest struct {
	several   map[uint64]int      // given ones that several people want, and how many of them say so
	strangers map[uint64]int      // how many of those find no account; of usernames
	shared    map[uint64]struct{} // those, and the others for which several may ask
}

// lone tells whether of those who want a name one alone has an account.
func (c *contest) lone(name uint64) bool { return c.several[name]-c.strangers[name] == 1 }

// copies are the rows of one identity.
type copies struct {
	differ bool // R41: every copy is rejected
	used   bool // the first of equal copies has had its turn
}

// Pairs take hashes of things and of who wants them, and give them back by the
// thing. It is an interface because there are two: a slice, and files of a
// scratch folder.
type Pairs interface {
	Add(thing, who uint64) error
	// Parts gives all pairs, once: those of one thing are in one part, which may be
	// sorted and lasts until the next.
	Parts() iter.Seq2[[][2]uint64, error]
	Close()
}

// slice is Pairs in memory.
type slice [][2]uint64

func (s *slice) Add(thing, who uint64) error { *s = append(*s, [2]uint64{thing, who}); return nil }
func (s *slice) Close()                      {}
func (s *slice) Parts() iter.Seq2[[][2]uint64, error] {
	return func(yield func([][2]uint64, error) bool) { yield(*s, nil) }
}

func (p *planner) pairs() Pairs {
	if p.Pairs == nil {
		return new(slice)
	}
	return p.Options.Pairs()
}

// wants are the pairs of one look.
type wants struct {
	bodies, names, emails Pairs
	soles                 []Pairs // values of custom fields that no two accounts share
}

// look reads the drop once and notes duplicates. Where every record is read it
// asks the directory, too, until something is met: of a first load nothing is,
// and then nobody need be looked for a second time.
func (p *planner) look() error {
	x := &p.index
	x.seed = maphash.MakeSeed()
	x.canaries = make([]bool, len(p.Canaries))
	w := wants{bodies: p.pairs(), names: p.pairs(), emails: p.pairs()}
	for range p.soles {
		w.soles = append(w.soles, p.pairs())
	}
	for _, list := range append([]Pairs{w.bodies, w.names, w.emails}, w.soles...) {
		defer list.Close()
	}
	p.asking, p.looking = p.Same == nil, true
	err := p.each(p.all(), func(part []numbered) error {
		if p.ctx.Err() != nil {
			return p.ctx.Err()
		}
		for i := range part {
			if err := p.register(&part[i].Entry, w); err != nil {
				return err
			}
		}
		if !p.asking {
			return nil
		}
		return p.meet(part)
	})
	p.strangers, p.asking, p.looking = p.asking, false, false
	if err != nil {
		return err
	}
	for i, s := range p.soles {
		if err := s.gather(w.soles[i]); err != nil {
			return err
		}
	}
	return p.gather(w)
}

// register adds what a record wants.
func (p *planner) register(e *roster.Entry, w wants) error {
	x := &p.index
	id, ok := p.identity(*e)
	if !ok {
		return nil
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
		return nil // it is no copy of another record, and wants nothing
	}
	if err := w.bodies.Add(id, x.body(*e)); err != nil {
		return err
	}
	name := asked(e)
	if name != "" {
		if err := w.names.Add(x.hash(roster.Fold(name)), id&^3|p.asks(e)); err != nil {
			return err
		}
	}
	x.unseen = x.unseen || p.counted(*e) || len(e.Late) > 0 && name == ""
	if p.leaves(e) {
		return nil // it keeps nobody else from an address: see [people.decide]
	}
	if mail := cmp.Or(e.Values[roster.Email], e.Defaults[roster.Email]); mail != "" {
		if err := w.emails.Add(x.hash(roster.Fold(mail)), id&^1); err != nil {
			return err
		}
	}
	for i, s := range p.soles {
		if err := s.register(e, w.soles[i], x, id, p.counted(*e)); err != nil {
			return err
		}
	}
	if mail := lateMail(*e); mail != "" {
		who := x.hash(roster.Fold(name)) | 1 // whoever gets the name
		if p.counted(*e) {
			who = 0 // of no one's: each gets its own once it has its name
		}
		return w.emails.Add(x.hash(roster.Fold(mail)), who)
	}
	return nil
}

// leaves tells whether a record asks to delete, and the policy lets it, or is a
// leaver's. Such a record asks for no address (R22): the deleted hold none, and a leaver
// whom nobody knows is added by no run. If the account stays, its record comes last.
func (p *planner) leaves(e *roster.Entry) bool {
	return p.Policy.Delete && e.Wish == roster.WishDelete || e.Wish == roster.WishLeaver
}

// meet looks for anybody whom the records of a chunk could mean, and sets them
// aside as [planner.known] would that finds none.
func (p *planner) meet(part []numbered) error {
	w, err := p.load(p.inScope(part))
	if err != nil {
		return err
	}
	if p.met {
		p.asking = false
		p.odd, p.outside, p.waiting, p.nobody, p.counting = waiting{}, waiting{}, waiting{}, waiting{}, waiting{}
		return nil
	}
	for i := range part {
		e := part[i]
		switch _, ok := p.identity(e.Entry); {
		case e.Outside != "":
			p.outside.put(e)
		case !ok || e.Broken:
			p.odd.put(e)
		case w.nothing(e.Entry):
			p.stranger(e)
		default:
			p.waiting.put(e)
		}
	}
	return nil
}

// gather finds what stands there more than once.
func (p *planner) gather(w wants) error {
	x := &p.index
	x.keys, x.differing = map[uint64]*copies{}, map[uint64]struct{}{}
	x.lost, x.makers = map[uint64]struct{}{}, map[uint64]uint64{}
	x.names = contest{map[uint64]int{}, map[uint64]int{}, map[uint64]struct{}{}}
	x.emails = contest{map[uint64]int{}, nil, map[uint64]struct{}{}}
	err := repeated(w.bodies, func(id uint64, group [][2]uint64) {
		differ := group[0][1] != group[len(group)-1][1]
		x.keys[id] = &copies{differ: differ}
		if differ {
			x.differing[id&^3] = struct{}{}
		}
	})
	if err != nil {
		return err
	}
	err = repeated(w.names, func(name uint64, group [][2]uint64) {
		last, givers := uint64(0), 0 // whoever gives it
		for _, g := range group {
			if g[1]&3 == gives && (givers == 0 || g[1] != last) {
				last = g[1]
				givers++
			}
		}
		if givers > 1 {
			x.names.several[name] = givers
		}
		if group[0][1]>>2 != group[len(group)-1][1]>>2 {
			x.names.shared[name] = struct{}{}
			p.contend(name, group)
		}
	})
	if err != nil {
		return err
	}
	return repeated(w.emails, func(mail uint64, group [][2]uint64) {
		first, last := group[0][1], group[len(group)-1][1]
		if first == last && first != 0 && first&1 == 0 {
			return // rows of one person
		}
		x.emails.shared[mail] = struct{}{}
		for i, g := range group[1:] { // in order: zero, if anywhere, at the beginning
			before := group[i][1]
			if before != 0 && g[1] != before || first == 0 && g[1] != 0 && g[1]&1 == 0 {
				x.emails.several[mail]++
			}
		}
	})
}

// repeated calls f with all pairs of each thing that several rows want, by who
// wants it.
func repeated(pairs Pairs, f func(thing uint64, group [][2]uint64)) error {
	for part, err := range pairs.Parts() {
		if err != nil {
			return err
		}
		slices.SortFunc(part, func(a, b [2]uint64) int { return cmp.Or(cmp.Compare(a[0], b[0]), cmp.Compare(a[1], b[1])) })
		for i := 0; i < len(part); {
			j := i + 1
			for j < len(part) && part[j][0] == part[i][0] {
				j++
			}
			if j > i+1 {
				f(part[i][0], part[i:j])
			}
			i = j
		}
	}
	return nil
}

// wanted tells whether anybody else may yet ask for a name of this kind.
func (x *index) wanted(c *contest, name uint64) bool {
	_, shared := c.shared[name]
	return shared || x.unseen
}

// identity is by what two rows are of one person: the key, else the username
// of the fallback, else the anchor. ok is false where none can be read.
func (p *Options) identity(e roster.Entry) (id uint64, ok bool) {
	switch {
	case e.Key != "" && p.Match.IgnoreCase:
		return xxh3.HashStringSeed(roster.Fold(string(e.Key)), p.Seed), true
	case e.Key != "":
		return xxh3.HashStringSeed(string(e.Key), p.Seed), true
	case !e.KeyBad && e.Values[roster.Username] != "":
		return xxh3.HashStringSeed(roster.Fold(e.Values[roster.Username]), p.Seed+1), true
	case !e.KeyBad && e.Anchor != "":
		return xxh3.HashStringSeed(e.Anchor, p.Seed+2), true
	}
	return 0, false
}

// asked is the username that a record asks for.
func asked(e *roster.Entry) string {
	return cmp.Or(e.Values[roster.Username], e.Defaults[roster.Username])
}

func (x *index) hash(s string) uint64 { return maphash.String(x.seed, s) }

// body hashes all that a record asks; a broken row is like no other.
func (x *index) body(e roster.Entry) uint64 {
	var h maphash.Hash
	h.SetSeed(x.seed)
	text := func(s string) { h.WriteString(s); h.WriteByte(0) }
	number := func(n uint64) {
		var b [8]byte
		binary.LittleEndian.PutUint64(b[:], n)
		h.Write(b[:])
	}
	number(uint64(e.Set))
	for f := range roster.NumFeedFields {
		if e.Set.Has(f) {
			text(e.Values[f])
		}
	}
	number(uint64(e.HasDef))
	for f := range roster.NumFeedFields {
		if e.HasDef.Has(f) {
			text(e.Defaults[f])
		}
	}
	text(e.Password.Reveal())
	for _, c := range e.Custom {
		fmt.Fprintf(&h, "%t\x00", c.Default)
		text(c.Name)
		text(c.Value)
	}
	text(string(e.Wish))
	text(e.OldUsername)
	text(string(e.PreviousKey))
	number(e.Account)
	text(e.Anchor)
	for _, l := range e.Late {
		text(l.Field.String() + l.Custom)
		text(l.Value("u"))
	}
	h.Write(appendMembers(nil, e.Members))
	for _, problem := range e.Problems {
		text(problem.Code)
		text(problem.Column)
	}
	if e.Template || e.Number {
		number(uint64(bit(e.Template) | bit(e.Number)<<1))
	}
	if e.Broken {
		number(uint64(e.Line))
	}
	return h.Sum64()
}

// sameKey compares two keys as the profile asks (R40).
func (p *planner) sameKey(a, b roster.Key) bool {
	return a == b || p.Match.IgnoreCase && roster.Fold(string(a)) == roster.Fold(string(b))
}
