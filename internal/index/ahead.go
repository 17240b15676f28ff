package index

import "iter"

// A stream is an iteration that goes on in a goroutine of its own, some bundles of
// things ahead of whoever takes them: a drop is searched on one core while it is
// compared on another. A step from one side to the other costs more than a thing.
type stream[T any] struct {
	size        int // of a bundle
	full, empty chan []T
	err         error // that ended it
	crash       any   // what it panicked with
	stop        chan struct{}
}

// ahead is how many bundles wait for whoever takes them.
const ahead = 2

func read[T any](from iter.Seq2[T, error], size int) *stream[T] {
	s := &stream[T]{size: size, full: make(chan []T, ahead), empty: make(chan []T, ahead), stop: make(chan struct{})}
	go s.run(from)
	return s
}

func (s *stream[T]) run(from iter.Seq2[T, error]) {
	defer close(s.full)
	defer func() { s.crash = recover() }()
	bundle := make([]T, 0, s.size)
	for thing, err := range from {
		if err != nil {
			s.err = err
			break
		}
		if bundle = append(bundle, thing); len(bundle) < s.size {
			continue
		}
		if !s.give(bundle) {
			return
		}
		select {
		case bundle = <-s.empty:
		default:
			bundle = make([]T, 0, s.size)
		}
	}
	if len(bundle) > 0 {
		s.give(bundle)
	}
}

func (s *stream[T]) give(bundle []T) bool {
	select {
	case s.full <- bundle:
		return true
	case <-s.stop:
		return false
	}
}

// next is the next bundle of things, which lasts until it is given back to done; none
// at the end. An error comes behind all that came before it.
func (s *stream[T]) next() ([]T, error) {
	bundle, ok := <-s.full
	if ok {
		return bundle, nil
	}
	if s.crash != nil {
		panic(s.crash)
	}
	return nil, s.err
}

// done gives a bundle back.
func (s *stream[T]) done(bundle []T) {
	select {
	case s.empty <- bundle[:0]:
	default:
	}
}

// close ends the iteration, and waits until it has ended.
func (s *stream[T]) close() {
	close(s.stop)
	for range s.full { // until run closes it
	}
}
