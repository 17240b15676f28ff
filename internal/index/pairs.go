package index

import (
	"encoding/binary"
	"fmt"
	"iter"
)

// Pairs are many pairs of numbers, grouped by the first: in memory while they
// are few, beyond that in files of a scratch folder.
type Pairs struct {
	dir   string
	most  int
	few   [][2]uint64
	heaps [partitions]*heap // nil where nothing came
	spilt bool
	room  [pairSize]byte
}

const pairSize = 16

// NewPairs holds up to most pairs in memory (zero: two times [Budget]).
func NewPairs(dir string, most int) *Pairs {
	if most == 0 {
		most = 2 * Budget
	}
	return &Pairs{dir: dir, most: most}
}

// Add takes a pair.
func (p *Pairs) Add(first, second uint64) error {
	if p.spilt {
		return p.put(first, second)
	}
	if p.few = append(p.few, [2]uint64{first, second}); len(p.few) <= p.most {
		return nil
	}
	p.spilt = true
	for _, pair := range p.few {
		if err := p.put(pair[0], pair[1]); err != nil {
			return err
		}
	}
	p.few = nil
	return nil
}

func (p *Pairs) put(first, second uint64) error {
	h := &p.heaps[first>>58]
	if *h == nil {
		var err error
		if *h, err = newHeap(p.dir, spillBuffer); err != nil {
			return err
		}
	}
	binary.LittleEndian.PutUint64(p.room[:], first)
	binary.LittleEndian.PutUint64(p.room[8:], second)
	if err := (*h).put(p.room[:]); err != nil {
		return fmt.Errorf("scratch: %w", err)
	}
	return nil
}

// Parts ends the adding and gives all pairs, once, in parts: those with one
// first number are in one part. A part lasts until the next, and may be sorted.
func (p *Pairs) Parts() iter.Seq2[[][2]uint64, error] {
	return func(yield func([][2]uint64, error) bool) {
		if !p.spilt {
			if len(p.few) > 0 {
				yield(p.few, nil)
			}
			return
		}
		var part [][2]uint64
		for _, h := range p.heaps {
			part = part[:0]
			if err := h.each(pairSize, func(b []byte) error {
				part = append(part, [2]uint64{binary.LittleEndian.Uint64(b), binary.LittleEndian.Uint64(b[8:])})
				return nil
			}); err != nil {
				yield(nil, fmt.Errorf("scratch: %w", err))
				return
			}
			if len(part) > 0 && !yield(part, nil) {
				return
			}
		}
	}
}

// Close gives the scratch files up.
func (p *Pairs) Close() {
	for _, h := range p.heaps {
		if h != nil {
			h.file.Close()
		}
	}
}
