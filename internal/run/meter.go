package run

import (
	"fmt"
	"strings"
	"sync/atomic"
	"time"

	"github.com/dustin/go-humanize"

	"rollcall/internal/store"
)

// A Meter shows how far a run is, to whoever looks. Working costs a run nothing
// that could be measured: it writes a few numbers, and draws nothing. The zero
// Meter is ready, and nil is one at which nobody looks.
type Meter struct {
	step atomic.Pointer[step]
	rows atomic.Int64
	read atomic.Int64
}

// A step is what a run is at.
type step struct {
	name  string
	of    string // what is counted
	size  int64  // bytes of the drop, or what there is to count; zero where the step has no end that is known
	began time.Time
}

// Begin goes on to a step of which nobody knows how long it takes.
func (m *Meter) Begin(name string, now time.Time) { m.begin(name, 0, now) }

// begin goes on to a step.
func (m *Meter) begin(name string, size int64, now time.Time) { m.enter(step{name, "rows", size, now}) }

// beginChanges goes on to a step through so many changes.
func (m *Meter) beginChanges(name string, all int, now time.Time) {
	m.enter(step{name, "changes", int64(all), now})
}

func (m *Meter) enter(s step) {
	if m == nil {
		return
	}
	m.rows.Store(0)
	m.read.Store(0)
	m.step.Store(&s)
}

// beginCopy goes on to fetching a drop of so many bytes; zero: nobody knows.
func (m *Meter) beginCopy(size int64, now time.Time) {
	m.enter(step{"fetching", "MB", size, now})
}

// copied notes that so many bytes of the drop have come.
func (m *Meter) copied(n int64) {
	m.count(n / 1_000_000)
	m.done(int(n))
}

// changed notes that the step has come through so many of its changes. Claims, which
// count nowhere, may make them more than there are.
func (m *Meter) changed(n, all int) {
	n = min(n, all)
	m.count(int64(n))
	m.done(n)
}

// apply makes the meter show how far the store is with a plan of so many changes.
func (m *Meter) apply(all int, now func() time.Time) func(store.Stage, int) {
	if m == nil {
		return nil
	}
	return func(s store.Stage, n int) {
		switch {
		case n > 0:
			m.changed(n, all)
		case s == store.Finishing:
			m.begin(string(s), 0, now())
		default:
			m.beginChanges(string(s), all, now())
		}
	}
}

// count notes that so many rows have been read in this step.
func (m *Meter) count(rows int64) {
	if m != nil {
		m.rows.Store(rows)
	}
}

// done notes that so much of the step's size is done.
func (m *Meter) done(n int) {
	if m != nil {
		m.read.Store(int64(n))
	}
}

// A Progress is how far a step is.
type Progress struct {
	Step  string // "" where no step has begun
	Rows  int64
	Of    string        // what these are: rows, or changes
	Share float64       // from 0 to 1; negative where nobody knows
	Took  time.Duration // so far
}

// Look is how far the run is now.
func (m *Meter) Look(now time.Time) Progress {
	s := m.step.Load()
	if s == nil {
		return Progress{Share: -1}
	}
	p := Progress{Step: s.name, Rows: m.rows.Load(), Of: s.of, Share: -1, Took: max(0, now.Sub(s.began))}
	if s.size > 0 {
		p.Share = min(1, float64(m.read.Load())/float64(s.size))
	}
	return p
}

// Left is how long the step will still take if it goes on like this; zero where
// that cannot be said yet.
func (p Progress) Left() time.Duration {
	if p.Share <= 0.01 || p.Share >= 1 || p.Took < time.Second {
		return 0
	}
	return time.Duration(float64(p.Took) * (1 - p.Share) / p.Share)
}

// Rate is the rows a second.
func (p Progress) Rate() int64 {
	if p.Took <= 0 {
		return 0
	}
	return int64(float64(p.Rows) / p.Took.Seconds())
}

// String is a line for a person: "reading: 41 %, 410,000 rows, 82,000 a second, 7 s left".
func (p Progress) String() string {
	var said []string
	if p.Share >= 0 {
		said = append(said, fmt.Sprintf("%d %%", int(p.Share*100)))
	}
	if p.Rows > 0 {
		said = append(said, humanize.Comma(p.Rows)+" "+p.Of, humanize.Comma(p.Rate())+" a second")
	}
	if left := p.Left(); left > 0 {
		said = append(said, brief(left)+" left")
	}
	if len(said) == 0 {
		return p.Step + " for " + brief(p.Took)
	}
	return p.Step + ": " + strings.Join(said, ", ")
}

// brief is a time as one says it: 7 s, 2 min, 1 h 5 min.
func brief(d time.Duration) string {
	switch s := int64((d + time.Second - 1) / time.Second); {
	case s < 90:
		return fmt.Sprintf("%d s", s)
	case s < 5400:
		return fmt.Sprintf("%d min", (s+59)/60)
	default:
		return fmt.Sprintf("%d h %d min", s/3600, s%3600/60)
	}
}

// watch makes the meter show each reading of a drop of that size.
func (m *Meter) watch(size int64, now func() time.Time) func(at int64) {
	if m == nil {
		return nil
	}
	readings := 0
	return func(at int64) {
		if at == 0 {
			name := "reading"
			if readings++; readings > 1 {
				name = fmt.Sprintf("reading, pass %d", readings)
			}
			m.begin(name, size, now())
			return
		}
		m.read.Store(at)
	}
}

// heartbeat is how often a long step is told of where nobody looks at a bar.
const heartbeat = 30 * time.Second

// logged has a line logged every half minute until the answer is called: what a
// run of the daemon is at.
func (r *Runner) logged(profile string, m *Meter) (stop func()) {
	t := time.NewTicker(heartbeat)
	end, done := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(done)
		r.beat(t.C, end, profile, m)
	}()
	return func() { t.Stop(); close(end); <-done }
}

// beat logs a line at each tick.
func (r *Runner) beat(ticks <-chan time.Time, end <-chan struct{}, profile string, m *Meter) {
	for {
		select {
		case <-end:
			return
		case <-ticks:
			if p := m.Look(r.Now()); p.Step != "" {
				said := []any{"profile", profile, "step", p.Step}
				if p.Rows > 0 {
					said = append(said, p.Of, p.Rows, "a_second", p.Rate())
				}
				said = append(said, "took", brief(p.Took))
				if left := p.Left(); left > 0 {
					said = append(said, "left", brief(left))
				}
				r.Log.Info("run under way", said...)
			}
		}
	}
}
