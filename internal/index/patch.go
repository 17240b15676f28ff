package index

import (
	"cmp"
	"encoding/binary"
	"fmt"
	"iter"
	"slices"
)

// A Patch is how prints differ from those that were stored whole before them, the
// base: a day on which a few records differ writes those few. The zero Patch
// differs in nothing.
type Patch struct {
	Dropped Set                      // places of prints of the base that no longer hold
	Added   iter.Seq2[[]byte, error] // packed prints that have come, each behind its place ([AddedSize]), in its order; a part is not used again. nil: none
	Entries int                      // how many both are
}

// AddedSize is the bytes of a print with the place in the base before which it stands.
const AddedSize = 8 + Size

// mostPlaces is how many records may be left for a patch: their places are in memory.
const mostPlaces = 1 << 18

// On are the prints of the base with the patch on them, in parts that are not used again.
func (p *Patch) On(base iter.Seq2[[]byte, error]) iter.Seq2[[]byte, error] {
	if p.Added == nil && len(p.Dropped) == 0 {
		return base
	}
	return func(yield func([]byte, error) bool) {
		added := p.added()
		defer added.stop()
		var place uint64
		for part, err := range base {
			if err == nil && len(part)%Size != 0 {
				err = torn(part)
			}
			all := make([]byte, 0, len(part)+len(part)/16)
			for ; err == nil && len(part) > 0; part = part[Size:] {
				for err == nil && added.by(place) {
					all = append(all, added.print()...)
					err = added.next()
				}
				if !p.Dropped.Has(place) {
					all = append(all, part[:Size]...)
				}
				place++
			}
			if err == nil {
				err = added.err
			}
			if !yield(all, err) || err != nil {
				return
			}
		}
		var rest []byte
		for added.left() {
			rest = append(rest, added.print()...)
			if added.next() != nil {
				break
			}
		}
		yield(rest, added.err)
	}
}

// Then is the patch of the same base by which the prints are those of unchanged
// records, by a verdict on the prints that p makes, and some more, in the order of
// their lines. Added can be gone through once, a part lasts until the next, and
// Dropped is whole thereafter. It is nil where so much differs, or lies in another order, that all are better stored
// anew: from a quarter on reading a patch, and writing it every day, costs as much.
func (p *Patch) Then(v *Verdict, prints iter.Seq2[Lined, error]) *Patch {
	entries := p.Entries + v.drops + len(v.places)
	if entries > int(v.prints)/4 || len(v.places) > mostPlaces || v.jumps > v.Same/8 {
		return nil
	}
	slices.SortFunc(v.places, func(a, b place) int { return cmp.Compare(a.line, b.line) })
	next := &Patch{Dropped: slices.Clone(p.Dropped), Entries: entries}
	next.Added = func(yield func([]byte, error) bool) {
		m := merger{old: p, added: p.added(), verdict: v, dropped: &next.Dropped, yield: yield}
		defer m.added.stop()
		if err := m.all(prints); err != nil {
			yield(nil, err)
		}
	}
	return next
}

// A merger goes through the prints that a patch makes, and writes the next patch.
type merger struct {
	old     *Patch
	added   *adder
	verdict *Verdict
	dropped *Set
	base    uint64 // place in the base
	place   uint64 // among the prints that the old patch makes
	part    []byte
	yield   func([]byte, error) bool
	stopped bool
}

func (m *merger) all(prints iter.Seq2[Lined, error]) error {
	places := m.verdict.places
	for p, err := range prints {
		if err != nil {
			return err
		}
		n, found := slices.BinarySearchFunc(places, p.Line, func(a place, line int) int { return cmp.Compare(a.line, line) })
		if !found && n > 0 { // of no record that was left: beside the one before it
			n--
		}
		if n < len(places) {
			if err := m.to(places[n].print); err != nil {
				return err
			}
		}
		if m.write(p.append(nil)); m.stopped {
			return nil
		}
	}
	if err := m.to(m.verdict.prints); err != nil || m.stopped || len(m.part) == 0 {
		return err
	}
	m.yield(m.part, nil)
	return nil
}

// to goes on to a print.
func (m *merger) to(place uint64) error {
	for m.place < place && !m.stopped {
		gone := m.verdict.dropped.Has(m.place)
		switch {
		case m.added.by(m.base):
			if !gone {
				m.write(m.added.print())
			}
			if err := m.added.next(); err != nil {
				return err
			}
		case m.old.Dropped.Has(m.base):
			m.base++
			continue
		default:
			if gone {
				m.dropped.Add(m.base)
			}
			m.base++
		}
		m.place++
	}
	return m.added.err
}

// write adds a packed print where the merger stands.
func (m *merger) write(print []byte) {
	m.part = append(binary.LittleEndian.AppendUint64(m.part, m.base), print...)
	if len(m.part)+AddedSize > PartSize {
		m.stopped = !m.yield(m.part, nil)
		m.part = m.part[:0]
	}
}

// An adder goes through the added prints of a patch.
type adder struct {
	part []byte
	pull func() ([]byte, error, bool)
	stop func()
	err  error
}

func (p *Patch) added() *adder {
	if p.Added == nil {
		return &adder{pull: func() ([]byte, error, bool) { return nil, nil, false }, stop: func() {}}
	}
	a := &adder{}
	a.pull, a.stop = iter.Pull2(p.Added)
	_ = a.fill() // whoever goes on meets it
	return a
}

func (a *adder) left() bool           { return len(a.part) > 0 && a.err == nil }
func (a *adder) by(place uint64) bool { return a.left() && binary.LittleEndian.Uint64(a.part) <= place }
func (a *adder) print() []byte        { return a.part[8:AddedSize] }
func (a *adder) next() error          { a.part = a.part[AddedSize:]; return a.fill() }

func (a *adder) fill() error {
	for len(a.part) == 0 && a.err == nil {
		part, err, more := a.pull()
		if !more {
			return nil
		}
		if err == nil && len(part)%AddedSize != 0 {
			err = fmt.Errorf("%w: a part has %d bytes, which are no prints with their places", ErrTorn, len(part))
		}
		a.part, a.err = part, err
	}
	return a.err
}
