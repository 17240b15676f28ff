package main

import (
	"bytes"
	"errors"
	"os"
	"os/exec"
	"strings"
	"testing"

	"rollcall/config"
)

// exitOf is how a command ended.
func exitOf(t *testing.T, cmd *exec.Cmd) int {
	t.Helper()
	err := cmd.Run()
	var ended *exec.ExitError
	if err != nil && !errors.As(err, &ended) {
		t.Fatal(err)
	}
	return cmd.ProcessState.ExitCode()
}

// unread is a pipe whose reader has gone.
func unread(t *testing.T) *os.File {
	t.Helper()
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = w.Close() })
	if err := r.Close(); err != nil {
		t.Fatal(err)
	}
	return w
}

// printing are commands on a site with a first run of three people, in an order that
// each finds something to tell, and how each ends.
var printing = []struct {
	line          string
	whole, unread int // exit codes: printed, and with a reader who has gone
	full          int // on a full disk
}{
	{"run hr --file hr/1.csv", 0, 0, exitUndelivered},
	{"run hr --file hr/2.csv --dry-run", 0, 0, exitFailed},
	{"plan hr --file hr/2.csv --detailed-exitcode", exitChanges, exitChanges, exitFailed},
	{"run hr --file hr/2.csv", exitWarn, exitWarn, exitUndelivered},
	{"accounts list", 0, 0, exitFailed},
	{"accounts export", 0, 0, exitFailed},
	{"runs show last -o json", 0, 0, exitFailed},
	{"runs problems last", 0, 0, exitFailed},
	{"held", 0, 0, exitFailed},
	{"outbox", 0, 0, exitFailed},
	{"catalog list", 0, 0, exitFailed},
	{"explain hr hr0", 0, 0, exitFailed},
	{"validate", 0, 0, exitFailed},
	{"sweep", 0, 0, exitFailed},
	{"help E112", 0, 0, exitFailed},
	{"runs --help", 0, 0, exitFailed},
	{"version", 0, 0, exitFailed},
}

func TestAReaderWhoGoesAwayChangesNoExitCodeAndAFullDiskIsNoSuccess(t *testing.T) {
	t.Parallel()
	site := func(t *testing.T) string {
		dir := servedSite(t, "hr")
		put(t, dir, "hr/1.csv", staffFile("hr", 3, ""))
		put(t, dir, "hr/2.csv", staffFile("hr", 4, "no date"))
		return dir
	}
	type way struct {
		name string
		to   func(*testing.T) *os.File
		want func(i int) int
	}
	for _, w := range []way{
		{"read to its end", func(t *testing.T) *os.File { return nil }, func(i int) int { return printing[i].whole }},
		{"a reader who has gone", unread, func(i int) int { return printing[i].unread }},
		{"a full disk", func(t *testing.T) *os.File {
			f, err := os.OpenFile("/dev/full", os.O_WRONLY, 0)
			if err != nil {
				t.Skip("this machine has no /dev/full")
			}
			t.Cleanup(func() { _ = f.Close() })
			return f
		}, func(i int) int { return printing[i].full }},
	} {
		t.Run(w.name, func(t *testing.T) {
			t.Parallel()
			dir := site(t)
			for i, p := range printing {
				var said bytes.Buffer
				cmd := exec.Command("rollcall", strings.Fields(p.line)...)
				cmd.Dir, cmd.Env, cmd.Stderr = dir, append(os.Environ(), "ROLLCALL_CONFIG="), &said
				if to := w.to(t); to != nil {
					cmd.Stdout = to
				}
				got, want := exitOf(t, cmd), w.want(i)
				if got != want {
					t.Errorf("%s: exit %d, want %d\n%s", p.line, got, want, &said)
				}
				if full := w.name == "a full disk"; full != strings.Contains(said.String(), "no space left") {
					t.Errorf("%s says %q on stderr", p.line, &said)
				}
			}
		})
	}
}

func TestEveryCodeOfTheConfigurationHasASentenceAHelpAndAFix(t *testing.T) {
	t.Parallel()
	for code, c := range config.Codes {
		var out bytes.Buffer
		if got := program([]string{"help", code}, strings.NewReader(""), &out, &out); got != exitDone {
			t.Errorf("help %s: exit %d", code, got)
		}
		for _, want := range []string{code + "  " + c.Text, c.Help, "Fix: " + c.Fix} {
			if c.Text == "" || c.Help == "" || c.Fix == "" || !strings.Contains(out.String(), want) {
				t.Errorf("help %s says\n%s\nand not %q", code, &out, want)
			}
		}
	}
}
