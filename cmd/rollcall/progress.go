package main

import (
	"io"
	"os"
	"strings"
	"sync"
	"time"
	"unicode/utf8"

	"github.com/mattn/go-isatty"

	"rollcall/internal/run"
)

// A screen is stderr, and below what is written to it at most one line that
// shows how far a long step is.
type screen struct {
	w io.Writer

	mu    sync.Mutex
	drawn bool // the line is there
	still bool // it is not to be drawn
}

// clearLine goes to the beginning of the line and leaves it empty.
const clearLine = "\r\x1b[K"

// Write implements [io.Writer]: the line makes room.
func (s *screen) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.wipe()
	return s.w.Write(p)
}

func (s *screen) wipe() {
	if s.drawn {
		io.WriteString(s.w, clearLine) // whoever writes next sees the error
		s.drawn = false
	}
}

// draw puts text in the place of the line.
func (s *screen) draw(text string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.still {
		return
	}
	io.WriteString(s.w, clearLine+text) // a lost line harms nobody
	s.drawn = true
}

// pause takes the line away until the answer is called: somebody is asked.
func (s *screen) pause() (resume func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.wipe()
	s.still = true
	return func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.still = false
	}
}

// terminal tells whether a person looks at it, on something that can go back in
// its line.
func (s *screen) terminal() bool {
	f, ok := s.w.(*os.File)
	return ok && isatty.IsTerminal(f.Fd()) && os.Getenv("TERM") != "dumb"
}

// How often a long step is told of: on a terminal, and elsewhere.
const (
	frame = 200 * time.Millisecond
	pulse = 30 * time.Second
)

// patience is how long a command may take before a terminal shows how far it is.
const patience = time.Second

// watch shows how far m is until the answer is called, which leaves nothing of
// it on the terminal. now is the clock by which the run goes.
func (a *app) watch(m *run.Meter, now func() time.Time) (stop func()) {
	if a.Quiet {
		return func() {}
	}
	every, show := pulse, a.screen.say
	if a.screen.terminal() {
		every, show = frame, a.screen.bar
	}
	t := time.NewTicker(every)
	end, done := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(done)
		follow(t.C, end, now, m, show)
	}()
	return func() {
		t.Stop()
		close(end)
		<-done
		a.screen.pause()()
	}
}

// during shows how far a step of a stored plan is, by the meter, until stop is called.
func (d *desk) during(step string) (m *run.Meter, stop func()) {
	m = new(run.Meter)
	m.Begin(step, d.r.Now())
	return m, d.watch(m, d.r.Now)
}

// follow shows m at each tick, but in the first second.
func follow(ticks <-chan time.Time, end <-chan struct{}, now func() time.Time, m *run.Meter, show func(run.Progress)) {
	began := now()
	for {
		select {
		case <-end:
			return
		case <-ticks:
			at := now()
			if p := m.Look(at); p.Step != "" && at.Sub(began) >= patience {
				show(p)
			}
		}
	}
}

// say writes a line for a log.
func (s *screen) say(p run.Progress) {
	io.WriteString(s, "rollcall: "+p.String()+"\n") // a lost line harms nobody
}

// Widths of a bar on a terminal of 80 columns, and of the whole line.
const (
	barWidth  = 16
	lineWidth = 79
)

// bar draws it.
func (s *screen) bar(p run.Progress) {
	text := p.String()
	if name, rest, ok := strings.Cut(text, ": "); ok && p.Share >= 0 {
		full := int(p.Share * barWidth)
		text = name + " [" + strings.Repeat("#", full) + strings.Repeat(".", barWidth-full) + "] " + rest
	}
	for utf8.RuneCountInString(text) > lineWidth {
		_, n := utf8.DecodeLastRuneInString(text)
		text = text[:len(text)-n]
	}
	s.draw(text)
}
