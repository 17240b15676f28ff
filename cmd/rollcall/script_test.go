package main

import (
	"errors"
	"flag"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"rollcall/internal/shore"
)

var update = flag.Bool("update", false, "rewrite the expected output in testdata")

func TestMain(m *testing.M) {
	testscript.Main(shore.Tests{M: m}, map[string]func(){
		"rollcall": func() { os.Exit(program(os.Args[1:], os.Stdin, os.Stdout, os.Stderr)) },
	})
}

// TestScript types what an operator types: one script for each thing.
func TestScript(t *testing.T) {
	t.Setenv("SUDO_USER", "")
	testscript.Run(t, testscript.Params{
		Dir:                 "testdata/script",
		UpdateScripts:       *update,
		RequireExplicitExec: true,
		Setup: func(env *testscript.Env) error {
			env.Setenv("USER", "mallory") // whom nobody believes
			env.Setenv("SUDO_USER", "")
			env.Setenv("WHO", who())
			env.Setenv("ROLLCALL_CONFIG", "")
			return nil
		},
		Cmds: map[string]func(ts *testscript.TestScript, neg bool, args []string){
			"clock": clockCommand,
			"exits": exitsCommand,
		},
	})
}

// clockCommand sets the time at which the next rollcall believes to start:
// clock 2026-11-21T05:00:00Z.
func clockCommand(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: clock TIME")
	}
	if _, err := time.Parse(time.RFC3339, args[0]); err != nil {
		ts.Fatalf("clock: %v", err)
	}
	ts.Setenv("ROLLCALL_CLOCK", args[0])
}

// exitsCommand runs a command and compares its exit code:
// exits 11 rollcall run hr.
func exitsCommand(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: exits CODE PROGRAM [ARGUMENT…]")
	}
	want, err := strconv.Atoi(args[0])
	if err != nil {
		ts.Fatalf("exits: %v", err)
	}
	got := 0
	if err := ts.Exec(args[1], args[2:]...); err != nil {
		var ended *exec.ExitError
		if !errors.As(err, &ended) {
			ts.Fatalf("exits: %v", err)
		}
		got = ended.ExitCode()
	}
	if got != want {
		ts.Fatalf("%s exits with %d, want %d", strings.Join(args[1:], " "), got, want)
	}
}
