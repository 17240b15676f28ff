package run_test

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"rollcall/internal/journal"
	"rollcall/internal/plan"
)

// process runs HR's feed in a process of its own, and answers with the run, the
// time that it took and the memory that the process had at most, in bytes.
func (o *outgoing) process() (*journal.Run, time.Duration, int64) {
	o.t.Helper()
	cmd := o.child(fmt.Sprintf("ROLLCALL_TEST_SSH=%s %s %s %s %s", o.Addr, o.User, o.KeyFile, o.Fingerprint, o.now().Format(time.RFC3339)))
	began := time.Now()
	out, err := cmd.CombinedOutput()
	if err != nil {
		o.t.Fatalf("%v: %s", err, out)
	}
	took := time.Since(began)
	peak := regexp.MustCompile(`VmHWM:\s+(\d+) kB`).FindSubmatch(out) // what wait gives is this process's, where that is larger
	if peak == nil {
		o.t.Fatalf("the process does not say how much memory it had: %s", out)
	}
	memory, err := strconv.ParseInt(string(peak[1]), 10, 64)
	if err != nil {
		o.t.Fatal(err)
	}
	j, err := o.Store.Newest(o.t.Context(), "hr")
	if err != nil {
		o.t.Fatal(err)
	}
	return j, took, memory << 10
}

// TestTwentyThousandPeopleOverOpenSSH is a first load, the same people again
// from other bytes, and one in a hundred changed, each a process of its own.
func TestTwentyThousandPeopleOverOpenSSH(t *testing.T) {
	const few, many, changed = 5000, 20000, 200
	const mostMemory = 256 << 20
	for _, engine := range engines {
		t.Run(engine, func(t *testing.T) {
			t.Parallel()
			small := remote(t, open(t, engine))
			small.put("hr-1.csv", crew("p", few, "Ward 1")...)
			_, fewTook, _ := small.process()

			hr := remote(t, open(t, engine))
			lines := crew("p", many, "Ward 1")
			var manyTook time.Duration
			for i, step := range []struct {
				name   string
				status journal.Status
				want   plan.Rows
			}{
				{"first load", journal.OK, plan.Rows{Read: many, Added: many}},
				{"unchanged", journal.Unchanged, plan.Rows{Read: many, Unchanged: many}},
				{"one in a hundred", journal.OK, plan.Rows{Read: many, Updated: changed, Unchanged: many - changed}},
			} {
				switch step.name {
				case "unchanged":
					lines = append(lines, "")
				case "one in a hundred":
					for n := range changed {
						lines[1+n*100] = strings.Replace(lines[1+n*100], "Ward 1", "Ward 2", 1)
					}
				}
				hr.put(fmt.Sprintf("hr-%d.csv", i+1), lines...)
				j, took, memory := hr.process()
				if j.Status != step.status || j.ExitCode != 0 || j.Facts.Rows != step.want || j.Facts.ActiveAfter != many {
					t.Errorf("%s: %s, exit %d, rows %+v, %d active; want %s, 0, %+v, %d", step.name, j.Status, j.ExitCode, j.Facts.Rows, j.Facts.ActiveAfter, step.status, step.want, many)
				}
				if memory > mostMemory {
					t.Errorf("%s: %d MiB, want at most %d", step.name, memory>>20, mostMemory>>20)
				}
				if i == 0 {
					manyTook = took
				}
				hr.reported(j)
				t.Logf("%-18s %6.2f s, %3d MiB (fetch %d, read %d, plan %d, apply %d ms)", step.name, took.Seconds(), memory>>20, j.Timing.Fetch, j.Timing.Read, j.Timing.Plan, j.Timing.Apply)
			}
			if ratio := manyTook.Seconds() / fewTook.Seconds(); ratio > 8 {
				t.Errorf("four times the people took %.1f times as long (%s and %s)", ratio, manyTook, fewTook)
			} else {
				t.Logf("%d people %.2f s, %d people %.2f s: %.1f times", few, fewTook.Seconds(), many, manyTook.Seconds(), ratio)
			}
		})
	}
}
