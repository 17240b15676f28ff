package shore

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

const (
	patience = 30 * time.Second      // for a server to start or to stop
	glance   = 20 * time.Millisecond // between two looks at one that starts
	attempts = 5                     // at a port, which somebody else may take first
)

// A process is a server that runs, as a child of the test binary.
type process struct {
	cmd  *exec.Cmd
	done chan struct{} // closed when it has ended
}

// start starts program as the servers' user, with its output in log, and waits
// until ready says so. The error of a server that ends before quotes its log.
func start(log string, death syscall.Signal, ready func() bool, program string, args ...string) (*process, error) {
	return launch(log, death, ready, command(context.Background(), program, args...))
}

// launch is start of a command that says itself who runs it.
func launch(log string, death syscall.Signal, ready func() bool, cmd *exec.Cmd) (*process, error) {
	program := cmd.Path
	cmd.SysProcAttr.Pdeathsig = death
	out, err := os.OpenFile(log, os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o644)
	if err != nil {
		return nil, err
	}
	defer out.Close()
	cmd.Stdout, cmd.Stderr = out, out
	if err := cmd.Start(); err != nil {
		return nil, fmt.Errorf("start %s: %w", program, err)
	}
	p := &process{cmd: cmd, done: make(chan struct{})}
	go func() {
		_ = cmd.Wait() // how it ended stands in its log
		close(p.done)
	}()

	deadline := time.After(patience)
	for {
		select {
		case <-p.done:
			return nil, fmt.Errorf("%s ended at once: %s", filepath.Base(program), tail(log))
		case <-deadline:
			p.stop(syscall.SIGKILL)
			return nil, fmt.Errorf("%s was not ready after %s: %s", filepath.Base(program), patience, tail(log))
		case <-time.After(glance):
			if ready() {
				return p, nil
			}
		}
	}
}

// stop sends sig, and SIGKILL where that was not heard, and returns when the
// process has ended. It has no effect on one that has.
func (p *process) stop(sig syscall.Signal) {
	if p == nil {
		return
	}
	_ = p.cmd.Process.Signal(sig) // an error means that it has ended
	select {
	case <-p.done:
	case <-time.After(patience):
		_ = p.cmd.Process.Kill()
		<-p.done
	}
}

// cut ends the process and everything below it at once: OpenSSH and Exim serve a
// connection in a process that outlives the one that listens.
func (p *process) cut() {
	if p == nil {
		return
	}
	select {
	case <-p.done:
		return // and its number may be somebody else's by now
	default:
	}
	for _, pid := range freeze(p.cmd.Process.Pid) {
		_ = syscall.Kill(pid, syscall.SIGKILL) // an error means that it has ended
		until(pid, "Z")
	}
	<-p.done
}

// freeze halts a process and everything below it, and answers with them all. Each
// is halted before its children are counted, so that none is born behind us.
func freeze(pid int) []int {
	_ = syscall.Kill(pid, syscall.SIGSTOP) // an error means that it has ended
	until(pid, "TZ")
	found := []int{pid}
	all, _ := filepath.Glob("/proc/[0-9]*") // the pattern is well formed
	for _, path := range all {
		child, err := strconv.Atoi(filepath.Base(path))
		if err != nil {
			continue
		}
		if _, parent := look(child); parent == pid {
			found = append(found, freeze(child)...)
		}
	}
	return found
}

// until waits, a second at most, for a process to be in one of the given states,
// or gone.
func until(pid int, states string) {
	for range 1000 {
		if state, _ := look(pid); strings.Contains(states, state) {
			return
		}
		time.Sleep(time.Millisecond)
	}
}

// look answers with the state of a process, "" where there is none, and with its
// parent. The name, which may hold anything, stands in parentheses before them.
func look(pid int) (state string, parent int) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return "", 0
	}
	name := strings.LastIndexByte(string(text), ')')
	if _, err := fmt.Sscan(string(text[name+1:]), &state, &parent); err != nil {
		return "", 0
	}
	return state, parent
}

// output runs a short-lived program as the servers' user.
func output(program string, args ...string) error {
	ctx, cancel := context.WithTimeout(context.Background(), 2*patience)
	defer cancel()
	cmd := command(ctx, program, args...)
	cmd.SysProcAttr.Pdeathsig = syscall.SIGKILL
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("%s: %w: %s", filepath.Base(program), err, out)
	}
	return nil
}

// command prepares a program that runs as the servers' user in a bare environment.
func command(ctx context.Context, program string, args ...string) *exec.Cmd {
	cmd := bare(ctx, program, args...)
	if id, drop := servers(); drop {
		cmd.SysProcAttr.Credential = &syscall.Credential{Uid: uint32(id.uid), Gid: uint32(id.gid)}
	}
	return cmd
}

// bare prepares a program that runs as who runs the tests, in a bare environment: no
// test may depend on what the developer has in theirs.
func bare(ctx context.Context, program string, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, program, args...)
	cmd.Dir = "/"
	cmd.Env = []string{"PATH=/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL=C.UTF-8", "TZ=UTC", "HOME=/nonexistent"}
	cmd.SysProcAttr = &syscall.SysProcAttr{}
	return cmd
}

type identity struct {
	name     string
	uid, gid int
}

// servers is whom the servers run as, and whether that takes dropping root:
// PostgreSQL refuses to run as root, and the others need not.
func servers() (id identity, drop bool) {
	if os.Getuid() != 0 {
		id = identity{uid: os.Getuid(), gid: os.Getgid()}
		if u, err := user.Current(); err == nil {
			id.name = u.Username
		}
		return id, false
	}
	for _, name := range []string{"postgres", "daemon"} {
		u, err := user.Lookup(name)
		if err != nil {
			continue
		}
		uid, errUID := strconv.Atoi(u.Uid)
		gid, errGID := strconv.Atoi(u.Gid)
		if errors.Join(errUID, errGID) == nil {
			return identity{name: name, uid: uid, gid: gid}, true
		}
	}
	return identity{name: "daemon", uid: 1, gid: 1}, true
}

// folder makes a temporary folder that belongs to the servers' user. It is not
// the test's own TempDir, into which nobody but the test may look.
func folder(server string) (string, error) {
	dir, err := os.MkdirTemp("", "rollcall-"+server+"-")
	if err != nil {
		return "", err
	}
	return dir, hand(dir)
}

// hand gives everything below path to the servers' user.
func hand(path string) error {
	id, drop := servers()
	if !drop {
		return nil
	}
	return filepath.WalkDir(path, func(p string, _ os.DirEntry, err error) error {
		if err != nil {
			return err
		}
		return os.Lchown(p, id.uid, id.gid)
	})
}

// freePort is a port of loopback that nobody listens on. It lies below the range
// from which the kernel serves outgoing connections, so that a server that was
// stopped finds it free when it starts again.
func freePort() (int, error) {
	for range 100 {
		port := 15000 + rand.IntN(17000)
		l, err := net.Listen("tcp", address(port))
		if err != nil {
			continue
		}
		return port, l.Close()
	}
	return 0, errors.New("no free port on loopback")
}

func address(port int) string { return net.JoinHostPort("127.0.0.1", strconv.Itoa(port)) }

// onFreePort calls start with one port after another until it succeeds: between
// the choice of a port and its use another test binary may have taken it.
func onFreePort(start func(port int) error) error {
	var errs []error
	for range attempts {
		port, err := freePort()
		if err == nil {
			err = start(port)
		}
		if err == nil {
			return nil
		}
		errs = append(errs, err)
	}
	return errors.Join(errs...)
}

// tail is the end of a log, for an error.
func tail(path string) string {
	const most = 2000
	text, err := os.ReadFile(path)
	if err != nil {
		return err.Error()
	}
	return string(text[max(0, len(text)-most):])
}
