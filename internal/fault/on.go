//go:build faults

// Package fault, in a build for tests, does at a named moment what the
// environment says:
//
//	ROLLCALL_FAULT=MOMENT:DEED[@N]   at the Nth visit of the moment, the first if absent
//	ROLLCALL_FAULT_VISITS=FILE       every visit is appended to FILE, a line each
//	ROLLCALL_FAULT_OFF=PROTECTION    one protection is switched off
//
// The deeds are exit, kill (as by kill -9), panic, error, sleep=DURATION, and
// nosync: from then on the kernel fails every attempt to bring data to the disk.
package fault

import (
	"fmt"
	"os"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"
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
	at, deed, _ := strings.Cut(os.Getenv("ROLLCALL_FAULT"), ":")
	deed, visit, nth := strings.Cut(deed, "@")
	if !nth {
		visit = "1"
	}
	if at != moment || visit != strconv.Itoa(n) {
		return nil
	}
	return do(deed, moment)
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
		return failSyncs()
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
