package main

import (
	"bytes"
	"database/sql"
	"errors"
	"flag"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"rollcall/internal/proof"
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
			env.Defer(func() { lawful(t, env.WorkDir) })
			return nil
		},
		Cmds: map[string]func(ts *testscript.TestScript, neg bool, args []string){
			"clock":     clockCommand,
			"exits":     exitsCommand,
			"somewhere": somewhereCommand,
		},
	})
}

// lawful wants of the database that a script leaves that it notes what is due, and whose
// names are free, as the accounts say it.
func lawful(t *testing.T, dir string) {
	file := filepath.Join(dir, "state", "rollcall.db")
	if _, err := os.Stat(file); err != nil {
		return
	}
	db, err := sql.Open("sqlite", file)
	if err != nil {
		t.Error(err)
		return
	}
	defer db.Close()
	var wrong int
	if err := db.QueryRow("SELECT count(*) FROM (" + proof.NotDue + " UNION ALL " + proof.NotFree + ")").Scan(&wrong); err != nil || wrong > 0 {
		t.Errorf("%s leaves %d accounts of which it is not noted what is due, or whether their names are free: %v", filepath.Base(dir), wrong, err)
	}
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

// somewhereCommand looks for a text in the bytes of all files below a folder:
// somewhere Lovelace state.
func somewhereCommand(ts *testscript.TestScript, neg bool, args []string) {
	if len(args) != 2 {
		ts.Fatalf("usage: [!] somewhere TEXT FOLDER")
	}
	var found []string
	ts.Check(filepath.WalkDir(ts.MkAbs(args[1]), func(path string, d fs.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() {
			return err
		}
		data, err := os.ReadFile(path)
		if bytes.Contains(data, []byte(args[0])) {
			found = append(found, path)
		}
		return err
	}))
	switch {
	case neg && len(found) > 0:
		ts.Fatalf("%q stands in %s", args[0], strings.Join(found, ", "))
	case !neg && len(found) == 0:
		ts.Fatalf("%q stands nowhere below %s", args[0], args[1])
	}
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
