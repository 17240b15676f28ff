package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"rollcall/internal/run"
)

// pseudoTerminal is a terminal of the test's own: what is written to the one
// end is read at the other.
func pseudoTerminal(t *testing.T) (far, near *os.File) {
	t.Helper()
	far, err := os.OpenFile("/dev/ptmx", os.O_RDWR, 0)
	if err != nil {
		t.Skipf("no pseudo-terminal here: %v", err)
	}
	t.Cleanup(func() { far.Close() })
	if err := unix.IoctlSetPointerInt(int(far.Fd()), unix.TIOCSPTLCK, 0); err != nil {
		t.Fatal(err)
	}
	n, err := unix.IoctlGetInt(int(far.Fd()), unix.TIOCGPTN)
	if err != nil {
		t.Fatal(err)
	}
	near, err = os.OpenFile(fmt.Sprintf("/dev/pts/%d", n), os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { near.Close() })
	return far, near
}

// waits is a site whose source has to be waited for, for more than the second
// in which nothing is shown.
func waits(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range map[string]string{
		"rollcall.yaml": "version: 1\n",
		"profiles.d/staff.yaml": `version: 1
source: {type: dir, path: "../*.csv", settle: 3s}
format: {content: full}
match: {key: employee_id}
map: {employee_id: ID, username: Login, first_name: First, last_name: Last, email: Mail}
`,
		"staff.csv": "ID,Login,First,Last,Mail\n1,ann,Ann,Lee,ann@example.org\n",
	} {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// ran runs the program with stderr on a terminal, or not, and answers with
// what stood on both.
func ran(t *testing.T, terminal bool, env string, args ...string) (stdout, stderr string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, "rollcall", args...)
	cmd.Dir = waits(t)
	cmd.Env = append(os.Environ(), "ROLLCALL_CONFIG=", "TERM=xterm", env)
	var out, pipe bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &pipe
	if !terminal {
		if err := cmd.Run(); err != nil {
			t.Fatalf("%v: %s", err, pipe.String())
		}
		return out.String(), pipe.String()
	}
	far, near := pseudoTerminal(t)
	cmd.Stderr = near
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	near.Close()
	seen := make(chan string)
	go func() {
		text, _ := io.ReadAll(far) // it ends with an error when nobody has the terminal open
		seen <- string(text)
	}()
	if err := cmd.Wait(); err != nil {
		t.Fatalf("%v: %s", err, <-seen)
	}
	return out.String(), <-seen
}

func TestALongStepIsShownOnATerminalAndLeavesNothing(t *testing.T) {
	t.Parallel()
	stdout, stderr := ran(t, true, "X=", "run", "staff", "--yes")
	if !strings.Contains(stderr, clearLine+"fetching for ") || !strings.HasSuffix(stderr, clearLine) {
		t.Errorf("the terminal saw %q", stderr)
	}
	if strings.Contains(stdout, "fetching") || strings.Contains(stdout, "\x1b") || !strings.Contains(stdout, "added") {
		t.Errorf("stdout = %q", stdout)
	}
}

func TestNothingIsShownWithQOrElsewhereOrOnAPlainTerminal(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name     string
		terminal bool
		env      string
		args     []string
	}{
		{"with -q", true, "X=", []string{"-q", "run", "staff", "--yes"}},
		{"in a pipe, before half a minute", false, "X=", []string{"run", "staff", "--yes"}},
		{"on a terminal that cannot go back", true, "TERM=dumb", []string{"run", "staff", "--yes"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			if _, stderr := ran(t, tt.terminal, tt.env, tt.args...); strings.Contains(stderr, "fetching") || strings.Contains(stderr, "\x1b") {
				t.Errorf("stderr = %q", stderr)
			}
		})
	}
}

func TestALongStepIsToldOfElsewhereAtEachTick(t *testing.T) {
	var log bytes.Buffer
	s := &screen{w: &log}
	now := time.Date(2026, 9, 1, 6, 0, 0, 0, time.UTC)
	ticks, end, done := make(chan time.Time), make(chan struct{}), make(chan struct{})
	m := new(run.Meter)
	m.Begin("applying 7 changes", now)
	times := []time.Duration{0, 500 * time.Millisecond, 30 * time.Second, 150 * time.Second} // one at the start, one a tick
	clock := func() time.Time {
		at := now.Add(times[0])
		times = times[1:]
		return at
	}
	go func() {
		defer close(done)
		follow(ticks, end, clock, m, s.say)
	}()
	for range 3 {
		ticks <- now
	}
	close(end)
	<-done
	if got, want := log.String(), "rollcall: applying 7 changes for 30 s\nrollcall: applying 7 changes for 3 min\n"; got != want {
		t.Errorf("log = %q, want %q", got, want)
	}
}

func TestWhatIsWrittenTakesTheLineAway(t *testing.T) {
	var b bytes.Buffer
	s := &screen{w: &b}
	s.bar(run.Progress{Step: "reading", Rows: 410_000, Of: "rows", Share: 0.41, Took: 5 * time.Second})
	fmt.Fprintln(s, "a warning")
	s.draw("again")
	resume := s.pause()
	s.draw("not while somebody is asked")
	resume()
	want := clearLine + "reading [######..........] 41 %, 410,000 rows, 82,000 a second, 8 s left" +
		clearLine + "a warning\n" + clearLine + "again" + clearLine
	if b.String() != want {
		t.Errorf("written %q, want %q", b.String(), want)
	}
	b.Reset()
	s.bar(run.Progress{Step: strings.Repeat("ł", 200), Share: -1})
	if got := strings.Count(b.String(), "ł"); got != lineWidth {
		t.Errorf("the line has %d characters, want %d", got, lineWidth)
	}
}
