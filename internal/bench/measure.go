package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// A sample is what one measured command, or several in a row, needed.
type sample struct {
	wall   time.Duration
	cpu    time.Duration // of the commands
	server time.Duration // CPU of the database's processes meanwhile
	rss    int64         // bytes: the most that one of the commands had
	grown  int64         // bytes: the WAL of PostgreSQL, the files of SQLite
}

// A step is one command and how it may end.
type step struct {
	path  string
	args  []string
	exits []int // none: zero
}

// run runs a step, and answers with what it wrote on stdout, at most a
// megabyte of it; the error of one that ended otherwise quotes its stderr.
func (s step) run(ctx context.Context, took *sample) (string, error) {
	self, err := os.Executable()
	if err != nil {
		return "", err
	}
	cmd := exec.CommandContext(ctx, self, append([]string{"usage", s.path}, s.args...)...)
	cmd.Env = append(os.Environ(), "TZ=UTC", "LC_ALL=C.UTF-8", "NO_COLOR=1")
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGTERM) }
	cmd.WaitDelay = time.Minute
	var out, wrong head
	cmd.Stdout, cmd.Stderr = &out, &wrong
	told, tells, err := os.Pipe()
	if err != nil {
		return "", err
	}
	defer told.Close()
	cmd.ExtraFiles = []*os.File{tells}
	err = cmd.Run()
	_ = tells.Close()
	if ctx.Err() != nil {
		return "", ctx.Err()
	}
	var used usage
	if json.NewDecoder(told).Decode(&used) != nil {
		return "", fmt.Errorf("%s did not run: %w: %s", filepath.Base(s.path), err, wrong.tail())
	}
	exits := s.exits
	if len(exits) == 0 {
		exits = []int{0}
	}
	if !slices.Contains(exits, used.Exit) {
		return "", fmt.Errorf("%s %s: exit %d, want %v: %s%s", filepath.Base(s.path), strings.Join(s.args, " "), used.Exit, exits, wrong.tail(), out.tail())
	}
	if took != nil {
		took.wall += used.Wall
		took.cpu += used.CPU
		took.rss = max(took.rss, used.RSS)
	}
	return out.String(), nil
}

// A usage is what one command needed, and how it ended.
type usage struct {
	Wall, CPU time.Duration
	RSS       int64 // bytes, at most
	Exit      int
}

// usageCommand runs a command and writes its usage to file descriptor 3. It is a
// process of its own because Linux counts what the parent of a process ever had
// in memory as the process's own, and the bench has had feeds and servers' logs.
func usageCommand(ctx context.Context, args []string) error {
	if len(args) == 0 {
		return errors.New("usage wants a command")
	}
	cmd := exec.CommandContext(ctx, args[0], args[1:]...)
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGTERM) }
	cmd.Stdin, cmd.Stdout, cmd.Stderr = os.Stdin, os.Stdout, os.Stderr
	began := time.Now()
	err := cmd.Run()
	used := usage{Wall: time.Since(began)}
	if cmd.ProcessState == nil {
		return err
	}
	used.CPU = cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime()
	used.Exit = cmd.ProcessState.ExitCode()
	if of, ok := cmd.ProcessState.SysUsage().(*syscall.Rusage); ok {
		used.RSS = of.Maxrss << 10
	}
	return json.NewEncoder(os.NewFile(3, "usage")).Encode(used)
}

// head keeps the first megabyte that is written to it.
type head struct{ bytes.Buffer }

func (h *head) Write(p []byte) (int, error) {
	h.Buffer.Write(p[:min(len(p), max(0, 1<<20-h.Len()))])
	return len(p), nil
}

func (h *head) tail() string {
	text := h.String()
	return text[max(0, len(text)-1000):]
}

// measure runs steps as one, beside the server with that process id; 0 is none. The
// disk comes to rest before: else who brings something to it first, which is rollcall,
// may wait for the gigabytes that were copied to make the state in which a case begins.
func measure(ctx context.Context, steps []step, server int, size func() (int64, error)) (sample, error) {
	syscall.Sync()
	var s sample
	before, err := size()
	if err != nil {
		return s, err
	}
	busy := treeCPU(server)
	for _, step := range steps {
		if _, err := step.run(ctx, &s); err != nil {
			return s, err
		}
	}
	if server != 0 {
		time.Sleep(50 * time.Millisecond) // the database's process ends after its client
	}
	s.server = treeCPU(server) - busy
	after, err := size()
	s.grown = after - before
	return s, err
}

// clockTick is the unit of the times in /proc: 1/100 s on every Linux.
const clockTick = 10 * time.Millisecond

// treeCPU is the CPU time of a process, of its children that have ended, and of
// those that live.
func treeCPU(pid int) time.Duration {
	if pid == 0 {
		return 0
	}
	sum := processCPU(strconv.Itoa(pid), 4)
	text, _ := os.ReadFile(fmt.Sprintf("/proc/%d/task/%d/children", pid, pid)) // none where it has ended
	for _, child := range strings.Fields(string(text)) {
		sum += processCPU(child, 2)
	}
	return sum
}

// processCPU adds up the first n of: own user and system time, those of the
// children that have ended.
func processCPU(pid string, n int) time.Duration {
	text, err := os.ReadFile("/proc/" + pid + "/stat")
	if err != nil {
		return 0
	}
	_, rest, _ := bytes.Cut(text, []byte(") ")) // behind the name
	fields := strings.Fields(string(rest))
	const first = 11 // utime, see proc(5), counted from the state
	sum := time.Duration(0)
	for k := first; k < first+n && k < len(fields); k++ {
		ticks, _ := strconv.ParseInt(fields[k], 10, 64)
		sum += time.Duration(ticks) * clockTick
	}
	return sum
}

// median is the middle one, and the lower of two.
func median[T int64 | float64 | time.Duration](of []T) T {
	if len(of) == 0 {
		return 0
	}
	sorted := slices.Clone(of)
	slices.Sort(sorted)
	return sorted[(len(sorted)-1)/2]
}

// middle is the median of each quantity by itself.
func middle(samples []sample) sample {
	return sample{
		wall:   median(each(samples, func(s sample) time.Duration { return s.wall })),
		cpu:    median(each(samples, func(s sample) time.Duration { return s.cpu })),
		server: median(each(samples, func(s sample) time.Duration { return s.server })),
		rss:    median(each(samples, func(s sample) int64 { return s.rss })),
		grown:  median(each(samples, func(s sample) int64 { return s.grown })),
	}
}

func each[T any](samples []sample, what func(sample) T) []T {
	all := make([]T, len(samples))
	for i, s := range samples {
		all[i] = what(s)
	}
	return all
}
