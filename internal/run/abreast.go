package run

import (
	"iter"
	"runtime"
)

const (
	// alone is how many records are read before helpers are called: of an ordinary
	// night there are fewer.
	alone = 4096
	// stint is how many a helper takes at a time.
	stint = 256
)

// abreast does to each of many things what a worker does, on several cores where
// there are many, and gives the results in the order of the things. The first
// result with an error is the last. worker makes the function of one goroutine,
// with its own rooms; none outlives the iteration, however that ends.
func abreast[A, B any](from iter.Seq2[A, error], worker func() func(A, error) (B, error)) iter.Seq2[B, error] {
	return func(yield func(B, error) bool) {
		t := team[A, B]{worker: worker, most: min(runtime.GOMAXPROCS(0), 2)}
		defer t.leave()
		mine, n := worker(), 0
		for a, err := range from {
			if n++; n > alone && t.most > 1 {
				if !t.take(a, err, yield) {
					return
				}
				continue
			}
			b, err := mine(a, err)
			if !yield(b, err) || err != nil {
				return
			}
		}
		t.finish(yield)
	}
}

// A team shares the work of one iteration. Whoever iterates reads and hands out;
// so an error of what is read, and a consumer who wants no more, need no word to
// anybody.
type team[A, B any] struct {
	worker func() func(A, error) (B, error)
	most   int // helpers

	jobs chan *stretch[A, B] // nil while there are no helpers
	left chan struct{}       // a helper says so when it ends
	next *stretch[A, B]      // is being filled
	out  []*stretch[A, B]    // handed out, the oldest first
	free []*stretch[A, B]
}

// A stretch is some things that follow one another, and what comes of them.
type stretch[A, B any] struct {
	things  []A
	faults  []error // of reading them
	results []B
	errs    []error
	crash   any           // what a helper panicked with
	done    chan struct{} // one word for each time that it is done
}

// take takes a thing. Where enough is under way it gives the oldest results on.
func (t *team[A, B]) take(a A, err error, yield func(B, error) bool) bool {
	if t.jobs == nil {
		t.call()
	}
	if t.next == nil {
		t.next = t.stretch()
	}
	t.next.things, t.next.faults = append(t.next.things, a), append(t.next.faults, err)
	if len(t.next.things) < stint {
		return true
	}
	t.hand()
	return len(t.out) <= t.most+1 || t.give(yield)
}

// finish gives on all that is under way.
func (t *team[A, B]) finish(yield func(B, error) bool) {
	if t.next != nil {
		t.hand()
	}
	for len(t.out) > 0 && t.give(yield) {
	}
}

// call calls the helpers.
func (t *team[A, B]) call() {
	t.jobs, t.left = make(chan *stretch[A, B], t.most+2), make(chan struct{}, t.most)
	for range t.most {
		go func() {
			defer func() { t.left <- struct{}{} }()
			work := t.worker()
			for s := range t.jobs {
				s.work(work)
			}
		}()
	}
}

// leave sends the helpers home, and waits until they are gone.
func (t *team[A, B]) leave() {
	if t.jobs == nil {
		return
	}
	close(t.jobs)
	for range t.most {
		<-t.left
	}
}

func (t *team[A, B]) stretch() *stretch[A, B] {
	if n := len(t.free); n > 0 {
		s := t.free[n-1]
		t.free = t.free[:n-1]
		return s
	}
	return &stretch[A, B]{done: make(chan struct{}, 1)}
}

func (t *team[A, B]) hand() {
	t.jobs <- t.next
	t.out, t.next = append(t.out, t.next), nil
}

// give gives the oldest results on; false ends it.
func (t *team[A, B]) give(yield func(B, error) bool) bool {
	s := t.out[0]
	t.out = t.out[1:]
	<-s.done
	if s.crash != nil {
		panic(s.crash)
	}
	for i := range s.results {
		if !yield(s.results[i], s.errs[i]) || s.errs[i] != nil {
			return false
		}
	}
	clear(s.things)
	clear(s.results)
	s.things, s.faults, s.results, s.errs = s.things[:0], s.faults[:0], s.results[:0], s.errs[:0]
	t.free = append(t.free, s)
	return true
}

// work does a stretch. What a helper panics with is told to whoever waits for it.
func (s *stretch[A, B]) work(do func(A, error) (B, error)) {
	defer func() {
		s.crash = recover()
		s.done <- struct{}{}
	}()
	for i, a := range s.things {
		b, err := do(a, s.faults[i])
		s.results, s.errs = append(s.results, b), append(s.errs, err)
	}
}
