package run

import (
	"bytes"
	"log/slog"
	"strings"
	"testing"
	"time"
)

func TestAMeterTellsHowFarAReadingIs(t *testing.T) {
	now := time.Date(2026, 9, 1, 6, 0, 0, 0, time.UTC)
	m := new(Meter)
	look := func(late time.Duration) string { return m.Look(now.Add(late)).String() }
	if p := m.Look(now); p.Step != "" {
		t.Errorf("before it begins: %+v", p)
	}
	m.Begin("fetching", now)
	if got, want := look(3*time.Second), "fetching for 3 s"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
	tell := m.watch(1000, func() time.Time { return now })
	tell(0)
	if got, want := look(0), "reading: 0 %"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
	tell(250)
	m.count(2048)
	if got, want := look(2*time.Second), "reading: 25 %, 2,048 rows, 1,024 a second, 6 s left"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
	tell(1200) // a file that has grown meanwhile is refused elsewhere
	if got, want := look(200*time.Second), "reading: 100 %, 2,048 rows, 10 a second"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
	tell(0)
	if got, want := look(0), "reading, pass 2: 0 %"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
	tell(20)
	if got, want := look(2*time.Minute), "reading, pass 2: 2 %, 1 h 38 min left"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
	m.beginCopy(200_000_000, now)
	m.copied(900_000)
	if got, want := look(0), "fetching: 0 %"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
	m.copied(50_000_000)
	if got, want := look(5*time.Second), "fetching: 25 %, 50 MB, 10 a second, 15 s left"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
	m.beginCopy(0, now) // a directory's answer, whose size nobody knows
	m.copied(50_000_000)
	if got, want := look(5*time.Second), "fetching: 50 MB, 10 a second"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
	var nobody *Meter
	nobody.beginCopy(1, now)
	nobody.copied(1)
	nobody.Begin("fetching", now)
	nobody.count(1)
	if nobody.watch(1, nil) != nil {
		t.Error("a reading is watched for nobody")
	}
}

func TestTheDaemonLogsWhatALongRunIsAt(t *testing.T) {
	now := time.Date(2026, 9, 1, 6, 0, 0, 0, time.UTC)
	var log bytes.Buffer
	r := &Runner{Log: slog.New(slog.NewTextHandler(&log, nil)), Now: func() time.Time { return now.Add(30 * time.Second) }}
	m := new(Meter)
	tick := func() {
		ticks, end, done := make(chan time.Time), make(chan struct{}), make(chan struct{})
		go func() {
			defer close(done)
			r.beat(ticks, end, "hr", m)
		}()
		ticks <- now
		close(end)
		<-done
	}
	tell := m.watch(1000, func() time.Time { return now })
	tell(0)
	tell(600)
	m.count(3000)
	tick()
	m.Begin("finishing", now)
	tick()
	lines := strings.SplitAfter(log.String(), "\n")
	want := []string{
		`msg="run under way" profile=hr step=reading rows=3000 a_second=100 took="30 s" left="20 s"` + "\n",
		`msg="run under way" profile=hr step=finishing took="30 s"` + "\n", // of which nothing is counted
		"",
	}
	for i := range max(len(lines), len(want)) {
		if i >= len(lines) || i >= len(want) || !strings.HasSuffix(lines[i], want[i]) {
			t.Fatalf("log = %q, want %q", lines, want)
		}
	}
}
