package store

import (
	"bufio"
	"cmp"
	"container/heap"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"

	"rollcall/internal/plan"
)

// phase is where a change stands in its plan: names are freed before newcomers
// take them, and removals come last (R1).
func phase(a plan.Action) int {
	switch a {
	case plan.Claim:
		return 0
	case plan.Update, plan.Rename:
		return 1
	case plan.Reactivate:
		return 2
	case plan.Add:
		return 3
	default:
		return 4
	}
}

// A place is where a change stands in its plan. It depends on whom the change is
// about and not on its line, so that the same people in another order are the
// same plan (R4).
type place struct {
	phase         int
	subject       uint64 // the account as planned; zero for an add
	key, username string
	came          int64 // its number as it came, from 1
}

func (p *place) compare(q *place) int {
	return cmp.Or(cmp.Compare(p.phase, q.phase), cmp.Compare(p.subject, q.subject),
		cmp.Compare(p.key, q.key), cmp.Compare(p.username, q.username), cmp.Compare(p.came, q.came))
}

// A planned change is a change as it is stored, but for its number.
type planned struct {
	place
	line, version  int64
	action, reason string
	absent, byDate bool
	fields, links  string
	gives, takes   string
	grants         string
}

func (c *planned) size() int {
	return len(c.key) + len(c.username) + len(c.fields) + len(c.links) + len(c.gives) + len(c.takes) + len(c.grants) + 240
}

// inMemory is how many bytes of a plan are sorted in memory; beyond it files do
// the rest.
const inMemory = 4 << 20

// An arranger puts the changes of a plan into their order. Most plans fit into
// memory, and those that do not, first loads, nearly always come in order: what
// does is written to a file of one stretch and read again. Otherwise there are
// more stretches, which are merged.
type arranger struct {
	dir   string // of the file; "" is the system's
	most  int    // bytes in memory
	came  int64
	batch []planned
	size  int

	file      *os.File // without a name: whatever ends the process ends it
	w         *bufio.Writer
	written   int64
	stretches []*stretch
	last      place // of the last stretch
	room      []byte
}

// A stretch is a part of the file that is in order.
type stretch struct {
	from, to int64
	r        *bufio.Reader
	next     planned
	room     []byte
}

func (a *arranger) add(c planned) error {
	a.came++
	c.came = a.came
	a.batch = append(a.batch, c)
	if a.size += c.size(); a.size < a.most {
		return nil
	}
	return a.spill()
}

func (a *arranger) sort() {
	order := func(p, q planned) int { return p.compare(&q.place) }
	if !slices.IsSortedFunc(a.batch, order) {
		slices.SortFunc(a.batch, order)
	}
}

// spill writes what is in memory to the file.
func (a *arranger) spill() error {
	if len(a.batch) == 0 {
		return nil
	}
	if a.file == nil {
		if a.dir != "" {
			if err := os.MkdirAll(a.dir, 0o700); err != nil {
				return fmt.Errorf("scratch: %w", err)
			}
		}
		f, err := os.CreateTemp(a.dir, ".plan-*")
		if err != nil {
			return fmt.Errorf("scratch: %w", err)
		}
		if err := os.Remove(f.Name()); err != nil {
			return errors.Join(fmt.Errorf("scratch: %w", err), f.Close())
		}
		a.file, a.w = f, bufio.NewWriterSize(f, 256<<10)
	}
	a.sort()
	if len(a.stretches) == 0 || a.batch[0].compare(&a.last) < 0 {
		a.stretches = append(a.stretches, &stretch{from: a.written})
	}
	for i := range a.batch {
		a.room = a.batch[i].append(a.room[:0])
		var head [binary.MaxVarintLen64]byte
		n := binary.PutUvarint(head[:], uint64(len(a.room)))
		_, _ = a.w.Write(head[:n]) // bufio keeps the first error
		if _, err := a.w.Write(a.room); err != nil {
			return fmt.Errorf("scratch: %w", err)
		}
		a.written += int64(n + len(a.room))
	}
	a.stretches[len(a.stretches)-1].to = a.written
	a.last = a.batch[len(a.batch)-1].place
	clear(a.batch) // their texts
	a.batch, a.size = a.batch[:0], 0
	return nil
}

// all ends the adding and gives the changes in their order, once. A change lasts
// until the next.
func (a *arranger) all() (next func() (*planned, error), err error) {
	if a.file == nil {
		a.sort()
		i := 0
		return func() (*planned, error) {
			if i == len(a.batch) {
				return nil, io.EOF
			}
			i++
			return &a.batch[i-1], nil
		}, nil
	}
	if err := errors.Join(a.spill(), a.w.Flush()); err != nil {
		return nil, fmt.Errorf("scratch: %w", err)
	}
	a.batch = nil
	var left merge
	buffer := max(16<<10, min(256<<10, inMemory/len(a.stretches)))
	for _, s := range a.stretches {
		s.r = bufio.NewReaderSize(io.NewSectionReader(a.file, s.from, s.to-s.from), buffer)
		if err := s.read(); err != nil {
			return nil, err
		}
		left = append(left, s)
	}
	heap.Init(&left)
	var given planned
	return func() (*planned, error) {
		if len(left) == 0 {
			return nil, io.EOF
		}
		given = left[0].next
		switch err := left[0].read(); {
		case err == io.EOF:
			heap.Pop(&left)
		case err != nil:
			return nil, err
		case len(left) > 1:
			heap.Fix(&left, 0)
		}
		return &given, nil
	}, nil
}

func (a *arranger) close() error {
	a.batch = nil
	if a.file == nil {
		return nil
	}
	f := a.file
	a.file, a.stretches = nil, nil
	return f.Close()
}

// merge is a heap of stretches by their next change.
type merge []*stretch

func (m merge) Len() int           { return len(m) }
func (m merge) Less(i, j int) bool { return m[i].next.compare(&m[j].next.place) < 0 }
func (m merge) Swap(i, j int)      { m[i], m[j] = m[j], m[i] }
func (m *merge) Push(x any)        { *m = append(*m, x.(*stretch)) }
func (m *merge) Pop() any {
	last := (*m)[len(*m)-1]
	*m = (*m)[:len(*m)-1]
	return last
}

// append adds the change as it stands in the file.
func (c *planned) append(b []byte) []byte {
	for _, n := range [...]uint64{uint64(c.phase), c.subject, uint64(c.came), uint64(c.line), uint64(c.version), uint64(flag(c.absent) + 2*flag(c.byDate))} {
		b = binary.AppendUvarint(b, n)
	}
	for _, s := range [...]string{c.key, c.username, c.action, c.reason, c.fields, c.links, c.gives, c.takes, c.grants} {
		b = append(binary.AppendUvarint(b, uint64(len(s))), s...)
	}
	return b
}

// read reads the next change of a stretch; io.EOF where there is none.
func (s *stretch) read() error {
	n, err := binary.ReadUvarint(s.r)
	if err == io.EOF {
		return err
	}
	s.room = slices.Grow(s.room[:0], int(n))[:n]
	row := s.room
	if err == nil {
		_, err = io.ReadFull(s.r, row)
	}
	if err != nil {
		return fmt.Errorf("scratch: %w", err)
	}
	c, text := &s.next, string(row)
	at := 0
	number := func() uint64 {
		v, n := binary.Uvarint(row[at:])
		at += n
		return v
	}
	c.phase, c.subject, c.came = int(number()), number(), int64(number())
	c.line, c.version = int64(number()), int64(number())
	flags := number()
	c.absent, c.byDate = flags&1 != 0, flags&2 != 0
	for _, into := range [...]*string{&c.key, &c.username, &c.action, &c.reason, &c.fields, &c.links, &c.gives, &c.takes, &c.grants} {
		n := int(number())
		*into = text[at : at+n]
		at += n
	}
	return nil
}
