package index

import (
	"bufio"
	"cmp"
	"encoding/binary"
	"fmt"
	"io"
	"iter"
	"slices"
)

// A Sorter puts prints into the order of their records, whatever the order in
// which they are decided: almost always that of the drop, here and there another.
type Sorter struct {
	dir   string
	most  int
	batch []Lined
	runs  []*heap // each in order
	last  int     // line of the last print of the last run
	room  [linedSize]byte
}

// A Lined print comes with the line on which its record begins.
type Lined struct {
	Line int
	Print
}

const linedSize = 8 + Size

// NewSorter sorts up to most prints in memory (zero: [Budget]), beyond it in
// files of the folder dir.
func NewSorter(dir string, most int) *Sorter {
	if most == 0 {
		most = Budget / 2
	}
	return &Sorter{dir: dir, most: most}
}

// Add takes a print.
func (s *Sorter) Add(line int, p Print) error {
	if s.batch = append(s.batch, Lined{line, p}); len(s.batch) < s.most {
		return nil
	}
	return s.flush()
}

func (s *Sorter) sort() {
	slices.SortStableFunc(s.batch, func(a, b Lined) int { return cmp.Compare(a.Line, b.Line) })
}

func (s *Sorter) flush() error {
	if len(s.batch) == 0 {
		return nil
	}
	s.sort()
	if len(s.runs) == 0 || s.batch[0].Line < s.last {
		h, err := newHeap(s.dir, 64<<10)
		if err != nil {
			return err
		}
		s.runs = append(s.runs, h)
	}
	h := s.runs[len(s.runs)-1]
	for _, l := range s.batch {
		if err := h.put(l.Print.append(binary.LittleEndian.AppendUint64(s.room[:0], uint64(l.Line)))); err != nil {
			return fmt.Errorf("scratch: %w", err)
		}
	}
	s.last = s.batch[len(s.batch)-1].Line
	s.batch = s.batch[:0]
	return nil
}

// Prints ends the adding and gives the prints in their order, once.
func (s *Sorter) Prints() iter.Seq2[Lined, error] {
	return func(yield func(Lined, error) bool) {
		if len(s.runs) == 0 {
			s.sort()
			for _, l := range s.batch {
				if !yield(l, nil) {
					return
				}
			}
			return
		}
		if err := s.flush(); err != nil {
			yield(Lined{}, err)
			return
		}
		if err := s.merge(yield); err != nil {
			yield(Lined{}, fmt.Errorf("scratch: %w", err))
		}
	}
}

// A runner reads one run.
type runner struct {
	r    *bufio.Reader
	left int
	head Lined
	room [linedSize]byte
}

// next reads the next print of the run; false where there is none.
func (r *runner) next() (bool, error) {
	if r.left == 0 {
		return false, nil
	}
	r.left--
	if _, err := io.ReadFull(r.r, r.room[:]); err != nil {
		return false, err
	}
	r.head = Lined{int(binary.LittleEndian.Uint64(r.room[:])), unpack(r.room[8:])}
	return true, nil
}

func (s *Sorter) merge(yield func(Lined, error) bool) error {
	var heads []*runner
	for _, h := range s.runs {
		r, err := h.rewind(32 << 10)
		if err != nil {
			return err
		}
		one := &runner{r: r, left: h.n}
		ok, err := one.next()
		if err != nil {
			return err
		}
		if ok {
			heads = append(heads, one)
		}
	}
	for len(heads) > 0 {
		least := 0
		for i := range heads[1:] {
			if heads[i+1].head.Line < heads[least].head.Line {
				least = i + 1
			}
		}
		if !yield(heads[least].head, nil) {
			return nil
		}
		ok, err := heads[least].next()
		if err != nil {
			return err
		}
		if !ok {
			heads = slices.Delete(heads, least, least+1)
		}
	}
	return nil
}

// Again is a sorter like s that has seen nothing.
func (s *Sorter) Again() *Sorter { return NewSorter(s.dir, s.most) }

// Close gives the scratch files up.
func (s *Sorter) Close() {
	for _, h := range s.runs {
		h.file.Close()
	}
}
