//go:build faults

// Package fault, in a build for tests, does at a named moment what the
// environment says:
//
//	ROLLCALL_FAULT=MOMENT:DEED[@N]   at the Nth visit of the moment, the first if absent; several stand side by side
//	ROLLCALL_FAULT_VISITS=FILE       every visit is appended to FILE, a line each
//	ROLLCALL_FAULT_OFF=PROTECTION    one protection is switched off
//
// The deeds are exit, kill (as by kill -9), panic, error, sleep=DURATION, and, of a
// dying disk, nosync and nowrite: from then on the kernel fails every attempt to
// bring what was written to the disk, or every write of SQLite's.
package fault

import (
	"fmt"
	"os"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// visited counts the visits. A fault is of the process, and so are its counts.
var visited = struct {
	sync.Mutex
	times map[string]int
}{times: map[string]int{}}

// At is one of the named moments: an error there is a test's.
func At(moment string) error {
	visited.Lock()
	visited.times[moment]++
	n := visited.times[moment]
	visited.Unlock()
	note(moment)
	for _, planned := range strings.Fields(os.Getenv("ROLLCALL_FAULT")) {
		at, deed, _ := strings.Cut(planned, ":")
		deed, visit, nth := strings.Cut(deed, "@")
		if !nth {
			visit = "1"
		}
		if at == moment && visit == strconv.Itoa(n) {
			return do(deed, moment)
		}
	}
	return nil
}

// After is the moment at which a step has just succeeded; its own error passes.
func After(err error, moment string) error {
	if err != nil {
		return err
	}
	return At(moment)
}

// Off tells whether a protection is switched off, for the control run of a test.
func Off(protection string) bool { return os.Getenv("ROLLCALL_FAULT_OFF") == protection }

func do(deed, moment string) error {
	how, long, _ := strings.Cut(deed, "=")
	switch how {
	case "exit":
		os.Exit(70)
	case "kill":
		_ = syscall.Kill(os.Getpid(), syscall.SIGKILL)
		select {} // until it is delivered
	case "panic":
		panic("fault at " + moment)
	case "sleep":
		d, err := time.ParseDuration(long)
		if err != nil {
			panic(err)
		}
		time.Sleep(d)
		return nil
	case "nosync":
		failCalls(unix.SYS_FSYNC, unix.SYS_FDATASYNC)
		return nil
	case "nowrite":
		failCalls(unix.SYS_PWRITE64)
		return nil
	case "error":
		return fmt.Errorf("fault at %s", moment)
	}
	panic("ROLLCALL_FAULT: no deed is called " + deed)
}

// note appends a visit to the file that the test reads.
func note(moment string) {
	path := os.Getenv("ROLLCALL_FAULT_VISITS")
	if path == "" {
		return
	}
	f, err := os.OpenFile(path, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		panic(err)
	}
	defer f.Close()
	if _, err := f.WriteString(moment + "\n"); err != nil {
		panic(err)
	}
}
