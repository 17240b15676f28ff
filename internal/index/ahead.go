package index

import "iter"

// A stream is an iteration that goes on in a goroutine of its own, some thousand
// things ahead of whoever takes them: a drop is searched on one core while it is
// compared on another.
type stream[T any] struct {
	full, empty chan []T
	err         error // that ended it
	crash       any   // what it panicked with
	stop        chan struct{}
}

const (
	// together is how many things change hands at a time: a step from one side to the
	// other costs more than a thing.
	together = 1024
	// under is how many such heaps are under way.
	under = 4
)

func read[T any](from iter.Seq2[T, error]) *stream[T] {
	s := &stream[T]{full: make(chan []T, under), empty: make(chan []T, under), stop: make(chan struct{})}
	go s.run(from)
	return s
}

func (s *stream[T]) run(from iter.Seq2[T, error]) {
	defer close(s.full)
	defer func() { s.crash = recover() }()
	heap := make([]T, 0, together)
	for thing, err := range from {
		if err != nil {
			s.err = err
			break
		}
		if heap = append(heap, thing); len(heap) < together {
			continue
		}
		if !s.give(heap) {
			return
		}
		select {
		case heap = <-s.empty:
		default:
			heap = make([]T, 0, together)
		}
	}
	if len(heap) > 0 {
		s.give(heap)
	}
}

func (s *stream[T]) give(heap []T) bool {
	select {
	case s.full <- heap:
		return true
	case <-s.stop:
		return false
	}
}

// next is the next heap of things, which lasts until it is given back to done; none
// at the end. An error comes behind all that came before it.
func (s *stream[T]) next() ([]T, error) {
	heap, ok := <-s.full
	if ok {
		return heap, nil
	}
	if s.crash != nil {
		panic(s.crash)
	}
	return nil, s.err
}

// done gives a heap back.
func (s *stream[T]) done(heap []T) {
	select {
	case s.empty <- heap[:0]:
	default:
	}
}

// close ends the iteration, and waits until it has ended.
func (s *stream[T]) close() {
	close(s.stop)
	for range s.full { // until run closes it
	}
}
