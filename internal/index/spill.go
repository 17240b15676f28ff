package index

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"

	"rollcall/internal/roster"
)

// partitions is into how many files what waits is spilt, by its hash: each is
// then small enough for memory.
const partitions = 64

// A spill is what waits for a partner, on disk.
type spill struct {
	dir             string
	prints, records [partitions]*heap // nil where nothing came
	room            [max(printSize, recordSize)]byte
}

// A heap is a file of things of one size. It has no name: whatever ends the
// process ends the file.
type heap struct {
	file *os.File
	w    *bufio.Writer
	n    int
}

func newHeap(dir string, buffer int) (*heap, error) {
	f, err := os.CreateTemp(dir, ".look-*")
	if err != nil {
		return nil, fmt.Errorf("scratch: %w", err)
	}
	if err := os.Remove(f.Name()); err != nil {
		return nil, errors.Join(fmt.Errorf("scratch: %w", err), f.Close())
	}
	return &heap{file: f, w: bufio.NewWriterSize(f, buffer)}, nil
}

func (h *heap) put(b []byte) error {
	h.n++
	_, err := h.w.Write(b)
	return err
}

// rewind ends the writing and gives a reader from the beginning.
func (h *heap) rewind(buffer int) (*bufio.Reader, error) {
	if err := h.w.Flush(); err != nil {
		return nil, err
	}
	if _, err := h.file.Seek(0, io.SeekStart); err != nil {
		return nil, err
	}
	h.w = nil
	return bufio.NewReaderSize(h.file, buffer), nil
}

// each ends the writing and reads all of it; a heap that is nil has nothing.
func (h *heap) each(size int, f func([]byte) error) error {
	if h == nil {
		return nil
	}
	r, err := h.rewind(spillBuffer)
	if err != nil {
		return err
	}
	b := make([]byte, size)
	for range h.n {
		if _, err := io.ReadFull(r, b); err != nil {
			return err
		}
		if err := f(b); err != nil {
			return err
		}
	}
	return nil
}

const (
	spillBuffer = 8 << 10
	printSize   = Size + 8
	recordSize  = 48
)

func (p *pairing) bound() error {
	budget := p.Budget
	if budget == 0 {
		budget = Budget
	}
	if p.spill != nil || len(p.prints)+len(p.records)+len(p.twice) <= budget {
		return nil
	}
	p.spill = &spill{dir: p.Scratch}
	for _, print := range p.prints {
		if err := p.spill.print(print); err != nil {
			return err
		}
	}
	for h, w := range p.records {
		if err := p.spill.record(h, w); err != nil {
			return err
		}
	}
	p.prints, p.records = nil, nil
	return nil
}

func partition(h roster.Hash) uint64 { return h.Hi >> 58 }

func (s *spill) print(p stored) error {
	return s.put(&s.prints[partition(p.Hash)], binary.LittleEndian.AppendUint64(p.append(s.room[:0]), p.place))
}

func (s *spill) put(h **heap, b []byte) (err error) {
	if *h == nil {
		if *h, err = newHeap(s.dir, spillBuffer); err != nil {
			return err
		}
	}
	return (*h).put(b)
}

func (s *spill) record(h roster.Hash, w waiter) error {
	b := s.room[:recordSize]
	binary.LittleEndian.PutUint64(b, h.Hi)
	binary.LittleEndian.PutUint64(b[8:], h.Lo)
	binary.LittleEndian.PutUint64(b[16:], w.n)
	binary.LittleEndian.PutUint64(b[24:], uint64(w.line))
	binary.LittleEndian.PutUint64(b[32:], w.entry)
	binary.LittleEndian.PutUint64(b[40:], w.print)
	return s.put(&s.records[partition(h)], b)
}

// settle ends the walk: what has no partner by now has none.
func (p *pairing) settle(left func(waiter), stray func(stored)) error {
	for _, w := range p.twice {
		left(w)
	}
	if p.spill == nil {
		for _, w := range p.records {
			left(w)
		}
		for _, print := range p.prints {
			stray(print)
		}
		return nil
	}
	p.prints = make(map[roster.Hash]stored)
	for i := range partitions {
		if err := p.settlePart(p.spill.prints[i], p.spill.records[i], left); err != nil {
			return fmt.Errorf("scratch: %w", err)
		}
		for _, print := range p.prints {
			stray(print)
		}
		clear(p.prints)
	}
	return nil
}

func (p *pairing) settlePart(prints, records *heap, left func(waiter)) error {
	if err := prints.each(printSize, func(b []byte) error {
		print := stored{unpack(b), binary.LittleEndian.Uint64(b[Size:])}
		p.prints[print.Hash] = print
		return nil
	}); err != nil {
		return err
	}
	return records.each(recordSize, func(b []byte) error {
		h := roster.Hash{Hi: binary.LittleEndian.Uint64(b[:]), Lo: binary.LittleEndian.Uint64(b[8:])}
		w := waiter{binary.LittleEndian.Uint64(b[16:]), int(binary.LittleEndian.Uint64(b[24:])), binary.LittleEndian.Uint64(b[32:]), binary.LittleEndian.Uint64(b[40:])}
		print, ok := p.prints[h]
		if !ok {
			left(w)
			return nil
		}
		delete(p.prints, h)
		p.jumps++
		return p.same(w, print)
	})
}

// close gives the scratch files up.
func (p *pairing) close() {
	if p.spill == nil {
		return
	}
	for i := range partitions {
		for _, h := range []*heap{p.spill.prints[i], p.spill.records[i]} {
			if h != nil {
				h.file.Close()
			}
		}
	}
}
