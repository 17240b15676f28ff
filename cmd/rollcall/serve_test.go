package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// served is a rollcall serve that runs as a process of its own.
type served struct {
	t    *testing.T
	dir  string
	cmd  *exec.Cmd
	done chan error

	mu  sync.Mutex
	log []string
}

// serve starts the daemon on a site; it ends with the test.
func serve(t *testing.T, dir string, env ...string) *served {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	s := &served{t: t, dir: dir, cmd: exec.CommandContext(ctx, "rollcall", "serve"), done: make(chan error, 1)}
	s.cmd.Dir = dir
	s.cmd.Env = append(append(os.Environ(), "ROLLCALL_CONFIG="), env...)
	pipe, err := s.cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := s.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() {
		for lines := bufio.NewScanner(pipe); lines.Scan(); {
			s.mu.Lock()
			s.log = append(s.log, lines.Text())
			s.mu.Unlock()
		}
		s.done <- s.cmd.Wait()
	}()
	t.Cleanup(func() {
		cancel()
		<-s.done
		if t.Failed() {
			t.Log("the log:\n" + strings.Join(s.lines(), "\n"))
		}
	})
	return s
}

func (s *served) lines() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]string{}, s.log...)
}

// says waits for a line with all the words, after the first skip lines.
func (s *served) says(skip int, words ...string) int {
	s.t.Helper()
	for end := time.Now().Add(20 * time.Second); time.Now().Before(end); time.Sleep(20 * time.Millisecond) {
	lines:
		for i, line := range s.lines() {
			for _, w := range words {
				if !strings.Contains(line, w) {
					continue lines
				}
			}
			if i >= skip {
				return i + 1
			}
		}
	}
	s.t.Fatalf("the log never says %q", words)
	return 0
}

func (s *served) signal(sig os.Signal) {
	s.t.Helper()
	if err := s.cmd.Process.Signal(sig); err != nil {
		s.t.Fatal(err)
	}
}

// stops ends the daemon and wants exit 0 soon.
func (s *served) stops(sig os.Signal) {
	s.t.Helper()
	s.signal(sig)
	select {
	case err := <-s.done:
		s.done <- err
		if err != nil {
			s.t.Errorf("serve ended with %v, want exit 0", err)
		}
	case <-time.After(40 * time.Second): // a disk under load may hold up what is under way
		s.t.Error("serve has not ended 40 s after the signal")
	}
}

// site writes a site with profiles that look every second.
func servedSite(t *testing.T, profiles ...string) string {
	t.Helper()
	dir := t.TempDir()
	put(t, dir, "rollcall.yaml", "sweep: every 1s\n")
	for _, name := range profiles {
		put(t, dir, "profiles.d/"+name+".yaml", fmt.Sprintf(`
schedule: every 1s
source: {type: dir, path: ../%s/*.csv, settle: 1s}
format: {content: full}
match: {key: employee_id}
map: {employee_id: ID, username: Login, first_name: First, last_name: Last, email: Email, expires_on: {from: End, blank: clear}}
guardrails: {first_run: apply}
`, name))
		if err := os.Mkdir(filepath.Join(dir, name), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func put(t *testing.T, dir, name, text string) {
	t.Helper()
	path := filepath.Join(dir, filepath.FromSlash(name))
	if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o700), os.WriteFile(path, []byte(text), 0o600)); err != nil {
		t.Fatal(err)
	}
}

// staffFile is a drop of n people of one profile; the first one's last day is end.
func staffFile(profile string, n int, end string) string {
	var b strings.Builder
	b.WriteString("ID,Login,First,Last,Email,End\n")
	for i := range n {
		fmt.Fprintf(&b, "%s%d,%[1]s%d,Ada,Byron,%[1]s%[2]d@x.example,%s\n", profile, i, end)
		end = ""
	}
	return b.String()
}

// lists runs rollcall accounts list on the site, beside the daemon.
func lists(t *testing.T, dir string, args ...string) string {
	t.Helper()
	cmd := exec.Command("rollcall", append([]string{"accounts", "list"}, args...)...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "ROLLCALL_CONFIG=")
	out, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	return string(out)
}

func TestServeRunsProfilesSideBySideAndR71TheSweep(t *testing.T) {
	t.Parallel()
	dir := servedSite(t, "hr", "school")
	put(t, dir, "hr/1.csv", staffFile("hr", 3, "2026-11-22"))
	s := serve(t, dir, "ROLLCALL_CLOCK=2026-11-22T23:59:54Z")
	s.says(0, "run ended", "profile=hr", "status=ok")

	put(t, dir, "school/1.csv", staffFile("school", 2, "")) // a drop appears
	s.says(0, "run ended", "profile=school", "status=ok")
	if got := lists(t, dir); !strings.Contains(got, "hr0") || !strings.Contains(got, "school1") {
		t.Errorf("accounts are\n%s\nwant those of both profiles", got)
	}

	s.says(0, "run ended", `profile=""`, "status=ok") // midnight: hr0's last day is over
	if got := lists(t, dir, "--status", "suspended"); !strings.Contains(got, "hr0") || strings.Contains(got, "hr1") {
		t.Errorf("suspended are\n%s\nwant hr0 alone", got)
	}
	s.stops(syscall.SIGTERM)
}

func TestSIGHUPSwapsTheWholeConfigurationOrKeepsTheOldOne(t *testing.T) {
	t.Parallel()
	dir := servedSite(t, "hr")
	s := serve(t, dir)
	at := s.says(0, "msg=serving", "profiles=1")

	put(t, dir, "profiles.d/late.yaml", "scedule: every 1s\n")
	s.signal(syscall.SIGHUP)
	at = s.says(at, "configuration not reloaded; the old one stays", "late.yaml:1:1", `did you mean \"schedule\"?`)
	put(t, dir, "hr/1.csv", staffFile("hr", 3, ""))
	at = s.says(at, "run ended", "profile=hr", "status=ok")

	put(t, dir, "profiles.d/late.yaml", `
schedule: every 1s
source: {type: dir, path: ../late/*.csv, settle: 1s}
format: {content: full}
match: {key: employee_id}
map: {employee_id: ID, username: Login, first_name: First, last_name: Last, email: Email}
guardrails: {first_run: apply}
`)
	put(t, dir, "late/1.csv", staffFile("late", 2, ""))
	put(t, dir, "rollcall.yaml", "sweep: every 1s\nstate: elsewhere\n")
	s.signal(syscall.SIGHUP)
	at = s.says(at, "configuration not reloaded", "cannot change while rollcall serves; restart it")
	put(t, dir, "rollcall.yaml", "sweep: every 2s\n")
	s.signal(syscall.SIGHUP)
	at = s.says(at, "configuration reloaded", "profiles=2", "sweep=2s")
	s.says(at, "run ended", "profile=late", "status=ok")
	s.stops(syscall.SIGINT)
}

func TestTwoDaemonsOnOneSiteDoEachDropOnce(t *testing.T) {
	t.Parallel()
	dir := servedSite(t, "hr")
	a, b := serve(t, dir), serve(t, dir)
	a.says(0, "msg=serving")
	b.says(0, "msg=serving")
	put(t, dir, "hr/1.csv", staffFile("hr", 5, ""))
	applied := func() (n int) {
		for _, line := range append(a.lines(), b.lines()...) {
			if strings.Contains(line, "run ended") {
				n++
			}
		}
		return n
	}
	for end := time.Now().Add(20 * time.Second); applied() == 0 && time.Now().Before(end); {
		time.Sleep(50 * time.Millisecond)
	}
	time.Sleep(3 * time.Second) // both look again, and again
	if got := applied(); got != 1 {
		t.Errorf("%d runs, want 1", got)
	}
	a.stops(syscall.SIGTERM)
	b.stops(syscall.SIGTERM)
}

func TestServeDoesNotStartOnABrokenConfigurationOrDatabase(t *testing.T) {
	t.Parallel()
	for _, broken := range []struct {
		name, site string
		exit       int
	}{
		{"an unknown key", "sweeep: every 1s\n", exitConfig},
		{"a database that is no database", "database: sqlite:../rollcall.yaml\n", exitDatabase},
	} {
		dir := t.TempDir()
		put(t, dir, "rollcall.yaml", broken.site)
		cmd := exec.Command("rollcall", "serve")
		cmd.Dir, cmd.Env = dir, append(os.Environ(), "ROLLCALL_CONFIG=")
		out, _ := cmd.CombinedOutput()
		if got := cmd.ProcessState.ExitCode(); got != broken.exit {
			t.Errorf("%s: exit %d, want %d\n%s", broken.name, got, broken.exit, out)
		}
	}
}

// TestServeTellsOnceOfADropThatIsOverdue starts a daemon after the time by which
// a drop was due, and a second one beside it.
func TestServeTellsOnceOfADropThatIsOverdue(t *testing.T) {
	t.Parallel()
	dir := servedSite(t)
	put(t, dir, "day1.csv", staffFile("hr", 3, ""))
	put(t, dir, "hr/.keep", "")
	put(t, dir, "profiles.d/hr.yaml", `
source: {type: dir, path: ../hr/*.csv, due: "06:00"}
format: {content: full}
match: {key: employee_id}
map: {employee_id: ID, username: Login, first_name: First, last_name: Last, email: Email}
guardrails: {first_run: apply}
report: {to: [hr-it@example.org]}
`)
	rollcall := func(at string, args ...string) (string, int) {
		cmd := exec.Command("rollcall", args...)
		cmd.Dir = dir
		cmd.Env = append(os.Environ(), "ROLLCALL_CONFIG=", "ROLLCALL_CLOCK="+at)
		out, err := cmd.Output()
		if err != nil && cmd.ProcessState == nil {
			t.Fatal(err)
		}
		return string(out), cmd.ProcessState.ExitCode()
	}
	if out, code := rollcall("2026-11-19T05:00:00Z", "run", "hr", "--file", "day1.csv"); code != 0 {
		t.Fatalf("exit %d: %s", code, out)
	}
	const now = "ROLLCALL_CLOCK=2026-11-20T06:00:05Z"
	a, b := serve(t, dir, now), serve(t, dir, now)
	for end := time.Now().Add(20 * time.Second); ; time.Sleep(100 * time.Millisecond) {
		if out, code := rollcall("2026-11-20T06:01:00Z", "runs", "list", "-o", "csv"); code == 0 && strings.Contains(out, "missing") {
			break
		}
		if time.Now().After(end) {
			t.Fatal("the drop is never noted as missing")
		}
	}
	a.says(0, "msg=serving")
	b.says(0, "msg=serving")
	a.stops(syscall.SIGTERM)
	b.stops(syscall.SIGTERM)
	if out, _ := rollcall("2026-11-20T06:01:00Z", "runs", "list", "-o", "csv"); strings.Count(out, ",missing,") != 1 {
		t.Errorf("the runs are\n%s\nwant one that is missing", out)
	}
	if out, _ := rollcall("2026-11-20T06:01:00Z", "outbox", "-o", "csv"); strings.Count(out, "MISSING hr") != 1 {
		t.Errorf("the outbox has\n%s\nwant one mail of it", out)
	}
	if _, code := rollcall("2026-11-20T06:01:00Z", "status"); code != 13 {
		t.Errorf("status exits with %d, want 13", code)
	}
}
