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
	err := l.pair(func(w waiter, p Print) error {
		if l.Touched.Has(p.Account) || l.Mapped && (w.entry == 0 || w.entry != p.Entry) {
			v.Left.Add(w.n)
			v.Gone = append(v.Gone, p.Account)
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
	}, func(w waiter) { v.Left.Add(w.n) }, func(p Print) {
		v.Stray++
		v.Gone = append(v.Gone, p.Account)
	}, &v.Rows)
	return v, err
}

// Withdraw takes the verdict back from the unchanged records whose identity
// another record bears too: all copies of a key are read (S5).
func (l *Looker) Withdraw(v *Verdict, identities map[uint64]struct{}) error {
	if len(identities) == 0 {
		return nil
	}
	back := map[roster.Hash]uint64{}
	for p, err := range Prints(l.Parts()) {
		if err != nil {
			return err
		}
		if _, borne := identities[p.Identity]; borne && v.Known.Has(p.Account) {
			back[p.Hash] = p.Account
		}
	}
	if len(back) == 0 {
		return nil
	}
	var n uint64
	for m, err := range l.Marks() {
		if err != nil {
			return err
		}
		if account, ok := back[m.Hash]; ok && !v.Left.Has(n) {
			v.Left.Add(n)
			v.Same--
			v.Back++
			v.Gone = append(v.Gone, account)
		}
		n++
	}
	for _, account := range back {
		v.Known[account/64] &^= 1 << (account % 64)
	}
	return nil
}

// Keep goes through both sides once more and calls f with the print of each
// unchanged record, and with the line on which that begins.
func (l *Looker) Keep(v *Verdict, f func(line int, p Print) error) error {
	rows := 0
	return l.pair(func(w waiter, p Print) error {
		if v.Left.Has(w.n) {
			return nil
		}
		return f(w.line, p)
	}, func(waiter) {}, func(Print) {}, &rows)
}

// A waiter is a record without a partner.
type waiter struct {
	n     uint64
	line  int
	entry uint64
}

// pair goes through both sides, and calls same with each pair, and the others
// with what has no partner.
func (l *Looker) pair(same func(waiter, Print) error, left func(waiter), stray func(Print), rows *int) error {
	parts, marks := read(l.Parts(), 1), read(l.Marks(), 1024)
	defer parts.close()
	defer marks.close()
	p := pairing{Looker: l, same: same, parts: parts, prints: map[roster.Hash]Print{}, records: map[roster.Hash]waiter{}}
	defer p.close()
	if err := p.next(); err != nil {
		return err
	}
	n := 0
	for {
		bundle, err := marks.next()
		if err != nil {
			return err
		}
		if len(bundle) == 0 {
			break
		}
		for _, m := range bundle {
			if err := p.record(m, waiter{uint64(n), m.Line, m.Entry}); err != nil {
				return err
			}
			n++
		}
		marks.done(bundle)
	}
	*rows = n
	for !p.none {
		if err := p.wait(p.print); err != nil {
			return err
		}
		if err := p.next(); err != nil {
			return err
		}
	}
	return p.settle(left, stray)
}

// A pairing is one walk through both sides.
type pairing struct {
	*Looker
	same    func(waiter, Print) error
	parts   *stream[[]byte]
	part    []byte // what is left of one
	print   Print  // next in line
	none    bool   // no print is left in line
	prints  map[roster.Hash]Print
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
			p.none = true
			return nil
		}
		if p.part = bundle[0]; len(p.part)%Size != 0 {
			return torn(p.part)
		}
	}
	p.print, p.part = unpack(p.part), p.part[Size:]
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
func (p *pairing) wait(print Print) error {
	if p.spill != nil {
		return p.spill.print(print)
	}
	if before, ok := p.records[print.Hash]; ok {
		delete(p.records, print.Hash)
		return p.same(before, print)
	}
	p.prints[print.Hash] = print
	return p.bound()
}
