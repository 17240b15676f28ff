package index

import (
	"iter"

	"rollcall/internal/roster"
)

// Budget is how many prints and records wait in memory for their partners.
const Budget = 1 << 16

// A Mark is where a record begins, a hash of its bytes and, where the looker asks
// for it, one of what the mapping makes of them.
type Mark struct {
	Line  int
	Hash  roster.Hash
	Entry uint64 // as in [Print]
}

// A Verdict is what the first look found. The records are numbered from zero.
type Verdict struct {
	Rows  int      // records of the drop
	Same  int      // those of them that are unchanged: all but Left
	Left  Set      // records to be read
	Gone  []uint64 // accounts whose records are left, or not there any more
	Known Set      // accounts of the unchanged records
	Seen  Set      // of what was watched, by its place
	Stray int      // prints without a record
	Back  int      // records that have a print and are read all the same

	prints  uint64 // that there were
	dropped Set    // those of them that do not stand for an unchanged record, by their place
	drops   int    // how many they are
	places  []place
	jumps   int // unchanged records that were not next in line
}

// A place is where a record to be read stands: before which print.
type place struct {
	line  int
	print uint64
}

// drop notes that a print no longer holds.
func (v *Verdict) drop(p stored) {
	v.dropped.Add(p.place)
	v.drops++
	v.Gone = append(v.Gone, p.Account)
}

// leave notes that a record is to be read.
func (v *Verdict) leave(w waiter) {
	v.Left.Add(w.n)
	if len(v.places) <= mostPlaces {
		v.places = append(v.places, place{w.line, w.print})
	}
}

// A Looker compares a drop with the stored prints.
type Looker struct {
	Parts   func() iter.Seq2[[]byte, error] // of prints, from the first, each time; a part is not used again
	Marks   func() iter.Seq2[Mark, error]   // likewise
	Touched Set                             // accounts that others have changed: their records are read
	Watch   []uint64                        // identities to look out for
	Mapped  bool                            // the mapping is another than that of the prints: a record of which it makes something else is read
	Scratch string                          // folder for what does not fit into memory
	Budget  int                             // zero: [Budget]
}

// Look finds the unchanged records.
func (l *Looker) Look() (*Verdict, error) {
	v := &Verdict{Seen: make(Set, (len(l.Watch)+63)/64)}
	watch := make(map[uint64][]uint64, len(l.Watch))
	for i, id := range l.Watch {
		watch[id] = append(watch[id], uint64(i))
	}
	all, err := l.pair(func(w waiter, p stored) error {
		if l.Touched.Has(p.Account) || l.Mapped && (w.entry == 0 || w.entry != p.Entry) {
			v.leave(w)
			v.drop(p)
			v.Back++
			return nil
		}
		v.Known.Add(p.Account)
		v.Same++
		if len(watch) > 0 {
			for _, i := range watch[p.Identity] {
				v.Seen.Add(i)
			}
		}
		return nil
	}, v.leave, func(p stored) {
		v.Stray++
		v.drop(p)
	})
	v.Rows, v.prints, v.jumps = all.rows, all.prints, all.jumps
	return v, err
}

// Withdraw takes the verdict back from the unchanged records whose identity
// another record bears too: all copies of a key are read (S5).
func (l *Looker) Withdraw(v *Verdict, identities map[uint64]struct{}) error {
	if len(identities) == 0 {
		return nil
	}
	back := map[roster.Hash]stored{}
	var n uint64
	for p, err := range Prints(l.Parts()) {
		if err != nil {
			return err
		}
		if _, borne := identities[p.Identity]; borne && v.Known.Has(p.Account) {
			back[p.Hash] = stored{p, n}
		}
		n++
	}
	if len(back) == 0 {
		return nil
	}
	n = 0
	for m, err := range l.Marks() {
		if err != nil {
			return err
		}
		if p, ok := back[m.Hash]; ok && !v.Left.Has(n) {
			v.leave(waiter{n: n, line: m.Line, print: p.place})
			v.drop(p)
			v.Same--
			v.Back++
		}
		n++
	}
	for _, p := range back {
		v.Known[p.Account/64] &^= 1 << (p.Account % 64)
	}
	return nil
}

// Keep goes through both sides once more and calls f with the print of each
// unchanged record, and with the line on which that begins.
func (l *Looker) Keep(v *Verdict, f func(line int, p Print) error) error {
	_, err := l.pair(func(w waiter, p stored) error {
		if v.Left.Has(w.n) {
			return nil
		}
		return f(w.line, p.Print)
	}, func(waiter) {}, func(stored) {})
	return err
}

// A stored print has a place among the others.
type stored struct {
	Print
	place uint64
}

// A waiter is a record without a partner.
type waiter struct {
	n     uint64
	line  int
	entry uint64
	print uint64 // the place of the print that was next in line
}

// A tally is how much a walk has met.
type tally struct {
	rows   int
	prints uint64
	jumps  int // pairs of which one had to wait
}

// pair goes through both sides, and calls same with each pair, and the others
// with what has no partner.
func (l *Looker) pair(same func(waiter, stored) error, left func(waiter), stray func(stored)) (all tally, err error) {
	parts, marks := read(l.Parts(), 1), read(l.Marks(), 1024)
	defer parts.close()
	defer marks.close()
	p := pairing{Looker: l, same: same, parts: parts, prints: map[roster.Hash]stored{}, records: map[roster.Hash]waiter{}}
	defer p.close()
	if err := p.next(); err != nil {
		return p.tally, err
	}
	for {
		bundle, err := marks.next()
		if err != nil {
			return p.tally, err
		}
		if len(bundle) == 0 {
			break
		}
		for _, m := range bundle {
			if err := p.record(m, waiter{uint64(p.rows), m.Line, m.Entry, p.print.place}); err != nil {
				return p.tally, err
			}
			p.rows++
		}
		marks.done(bundle)
	}
	for !p.none {
		if err := p.wait(p.print); err != nil {
			return p.tally, err
		}
		if err := p.next(); err != nil {
			return p.tally, err
		}
	}
	return p.tally, p.settle(left, stray)
}

// A pairing is one walk through both sides.
type pairing struct {
	*Looker
	tally
	same    func(waiter, stored) error
	parts   *stream[[]byte]
	part    []byte // what is left of one
	print   stored // next in line
	none    bool   // no print is left in line
	prints  map[roster.Hash]stored
	records map[roster.Hash]waiter
	twice   []waiter // records that another equals, which waits
	spill   *spill   // once the budget has been passed
}

// next puts the next print in line.
func (p *pairing) next() error {
	for len(p.part) == 0 {
		bundle, err := p.parts.next()
		if err != nil {
			return err
		}
		if len(bundle) == 0 {
			p.none, p.print = true, stored{place: p.tally.prints}
			return nil
		}
		if p.part = bundle[0]; len(p.part)%Size != 0 {
			return torn(p.part)
		}
	}
	p.print, p.part = stored{unpack(p.part), p.tally.prints}, p.part[Size:]
	p.tally.prints++
	return nil
}

// record looks for the partner of one record: next in line, or among those that
// wait. Where there is none, both the record and the print in line wait.
func (p *pairing) record(m Mark, w waiter) error {
	for {
		switch {
		case p.none:
		case p.print.Hash == m.Hash:
			if err := p.same(w, p.print); err != nil {
				return err
			}
			return p.next()
		case p.spill == nil && len(p.records) > 0:
			if before, ok := p.records[p.print.Hash]; ok {
				delete(p.records, p.print.Hash)
				p.jumps++
				if err := p.same(before, p.print); err != nil {
					return err
				}
				if err := p.next(); err != nil {
					return err
				}
				continue
			}
		}
		break
	}
	if p.spill == nil && len(p.prints) > 0 {
		if print, ok := p.prints[m.Hash]; ok {
			delete(p.prints, m.Hash)
			p.jumps++
			return p.same(w, print)
		}
	}
	if err := p.waitFor(m.Hash, w); err != nil {
		return err
	}
	if p.none {
		return nil
	}
	if err := p.wait(p.print); err != nil {
		return err
	}
	return p.next()
}

// waitFor sets a record aside. Of two that are equal one at most finds a partner;
// the other is left, and their key says the rest (S5).
func (p *pairing) waitFor(h roster.Hash, w waiter) error {
	if p.spill != nil {
		return p.spill.record(h, w)
	}
	if _, twice := p.records[h]; twice {
		p.twice = append(p.twice, w)
	} else {
		p.records[h] = w
	}
	return p.bound()
}

// wait sets a print aside.
func (p *pairing) wait(print stored) error {
	if p.spill != nil {
		return p.spill.print(print)
	}
	if before, ok := p.records[print.Hash]; ok {
		delete(p.records, print.Hash)
		p.jumps++
		return p.same(before, print)
	}
	p.prints[print.Hash] = print
	return p.bound()
}
