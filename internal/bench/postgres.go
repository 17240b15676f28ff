package main

import (
	"bufio"
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
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

// postgres is a server of our own in a temporary folder, set up like that of a
// small site that knows what it does. It waits for the disk.
type postgres struct {
	bin, dir string
	port     int
	cmd      *exec.Cmd
	done     chan struct{}
}

// settings are those of a server of two cores; memory is what it shares.
func settings(memory int64) []string {
	return []string{
		"listen_addresses=127.0.0.1", "unix_socket_directories=", "fsync=on", "synchronous_commit=on", "full_page_writes=on",
		fmt.Sprintf("shared_buffers=%dMB", memory>>20), "work_mem=128MB", "maintenance_work_mem=512MB", "max_wal_size=16GB", "min_wal_size=2GB",
		"checkpoint_timeout=30min", "autovacuum=off", "jit=off", "max_parallel_workers_per_gather=1", "log_min_messages=error",
	}
}

func startPostgres(ctx context.Context, dir string) (*postgres, error) {
	p := &postgres{dir: dir}
	bins, _ := filepath.Glob("/usr/lib/postgresql/*/bin") // the pattern is well formed
	if len(bins) == 0 {
		return nil, errors.New("PostgreSQL is not here; install the package postgresql")
	}
	p.bin = bins[len(bins)-1]
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, err
	}
	if who := servant(); who != nil {
		if err := os.Chown(dir, int(who.Uid), int(who.Gid)); err != nil {
			return nil, err
		}
	}
	initdb := p.asServant(ctx, filepath.Join(p.bin, "initdb"), "-D", p.data(), "-U", "bench", "-A", "trust", "-E", "UTF8", "--locale=C", "--no-instructions")
	if out, err := initdb.CombinedOutput(); err != nil {
		return nil, fmt.Errorf("initdb: %w: %s", err, out)
	}
	var err error
	for range 5 { // somebody else may take the port first
		p.port = 15_000 + rand.IntN(17_000)
		if err = p.start(); err == nil {
			return p, nil
		}
	}
	return nil, err
}

func (p *postgres) data() string { return filepath.Join(p.dir, "data") }

// asServant prepares a program that runs as the server's user.
func (p *postgres) asServant(ctx context.Context, program string, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, program, args...)
	cmd.Dir = "/"
	cmd.Env = []string{"PATH=/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL=C.UTF-8", "TZ=UTC"}
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: servant(), Setpgid: true, Pdeathsig: syscall.SIGQUIT}
	return cmd
}

// servant is whom PostgreSQL runs as where we are root, for it refuses to be; nil otherwise.
func servant() *syscall.Credential {
	if os.Getuid() != 0 {
		return nil
	}
	for _, name := range []string{"postgres", "daemon"} {
		if u, err := user.Lookup(name); err == nil {
			uid, _ := strconv.ParseUint(u.Uid, 10, 32)
			gid, _ := strconv.ParseUint(u.Gid, 10, 32)
			return &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}
		}
	}
	return nil
}

func (p *postgres) start() error {
	args := []string{"-D", p.data(), "-p", strconv.Itoa(p.port)}
	for _, s := range settings(min(2<<30, memory()/4)) {
		args = append(args, "-c", s)
	}
	p.cmd = p.asServant(context.Background(), filepath.Join(p.bin, "postgres"), args...) // stop ends it
	var log head
	p.cmd.Stdout, p.cmd.Stderr = &log, &log
	if err := p.cmd.Start(); err != nil {
		return err
	}
	p.done = make(chan struct{})
	go func() {
		_ = p.cmd.Wait() // why it ended stands in its log
		close(p.done)
	}()
	for range 600 {
		select {
		case <-p.done:
			return fmt.Errorf("postgres ended at once: %s", log.tail())
		case <-time.After(50 * time.Millisecond):
			c, err := net.Dial("tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(p.port)))
			if err != nil {
				continue
			}
			c.Close()
			if _, err := p.psql(context.Background(), "postgres", "select 1"); err == nil {
				return nil
			}
		}
	}
	p.stop()
	return errors.New("postgres was not ready after 30 s")
}

func (p *postgres) stop() {
	_ = p.cmd.Process.Signal(syscall.SIGINT) // an error means that it has ended
	<-p.done
}

// memory is what the machine has, in bytes.
func memory() int64 {
	text, _ := os.ReadFile("/proc/meminfo")
	for line := range strings.Lines(string(text)) {
		if rest, ok := strings.CutPrefix(line, "MemTotal:"); ok {
			n, _ := strconv.ParseInt(strings.Fields(rest)[0], 10, 64)
			return n << 10
		}
	}
	return 2 << 30
}

func (p *postgres) name(s side) string { return string(s) }

func (p *postgres) url(database string) string {
	return fmt.Sprintf("postgres://bench@127.0.0.1:%d/%s?sslmode=disable", p.port, database)
}

func (p *postgres) address() string { return p.url(p.name(ours)) }
func (p *postgres) server() int     { return p.cmd.Process.Pid }

// size is how much WAL there has ever been.
func (p *postgres) size(side) (int64, error) {
	text, err := p.psql(context.Background(), "postgres", "select (pg_current_wal_insert_lsn() - '0/0'::pg_lsn)::bigint")
	if err != nil {
		return 0, err
	}
	return strconv.ParseInt(strings.TrimSpace(text), 10, 64)
}

func (p *postgres) psqlStep(database string, args ...string) step {
	return step{path: filepath.Join(p.bin, "psql"), args: append([]string{"-d", p.url(database), "-XAqt", "-v", "ON_ERROR_STOP=1"}, args...)}
}

// psql runs statements, each in a transaction of its own.
func (p *postgres) psql(ctx context.Context, database string, statements ...string) (string, error) {
	var args []string
	for _, s := range statements {
		args = append(args, "-c", s)
	}
	return p.psqlStep(database, args...).run(ctx, nil)
}

func (p *postgres) empty(ctx context.Context, s side) error {
	if _, err := p.psql(ctx, "postgres", "drop database if exists "+p.name(s), "create database "+p.name(s)+" template template0", "checkpoint"); err != nil || s == ours {
		return err
	}
	path, err := script(p.dir, "postgres-schema", "")
	if err == nil {
		_, err = p.psqlStep(p.name(s), "-f", path).run(ctx, nil)
	}
	return err
}

func (p *postgres) keep(ctx context.Context, s side, state string) error {
	if _, err := p.psql(ctx, p.name(s), "vacuum (freeze, analyze)"); err != nil {
		return err
	}
	kept := p.name(s) + "_" + state
	if _, err := p.psql(ctx, "postgres", "drop database if exists "+kept, "alter database "+p.name(s)+" rename to "+kept); err != nil {
		return err
	}
	return p.restore(ctx, s, state)
}

// restore copies the kept files, so that every repeat starts from the same bytes,
// and the checkpoint makes each pay for its full-page writes. The accounts are read once,
// as they have been on a server that is in use.
func (p *postgres) restore(ctx context.Context, s side, state string) error {
	if _, err := p.psql(ctx, "postgres", "drop database if exists "+p.name(s),
		"create database "+p.name(s)+" template "+p.name(s)+"_"+state+" strategy file_copy", "checkpoint"); err != nil {
		return err
	}
	_, err := p.psql(ctx, p.name(s), "select count(username) from "+p.table(s))
	return err
}

// table is where a side has its accounts.
func (p *postgres) table(s side) string {
	if s == ours {
		return "directory.accounts"
	}
	return "accounts"
}

func (p *postgres) sync(feed string) (step, error) {
	path, err := script(p.dir, "postgres-sync", feed)
	return p.psqlStep(p.name(expert), "-f", path), err
}

func (p *postgres) revert() (step, error) {
	path, err := script(p.dir, "postgres-revert", "")
	return p.psqlStep(p.name(expert), "-f", path), err
}

func (p *postgres) people(ctx context.Context, s side) (string, error) {
	q := p.psqlStep(p.name(s), "-c", peopleSQL(p.table(s), "first_name", "last_name"))
	return hashOutput(ctx, q.path, q.args...)
}

func (p *postgres) query(ctx context.Context, s side, sql string) (string, error) {
	return p.psql(ctx, p.name(s), sql)
}

// hashOutput runs a program that succeeds, and hashes what it writes and how
// many lines that is.
func hashOutput(ctx context.Context, program string, args ...string) (string, error) {
	cmd := exec.CommandContext(ctx, program, args...)
	var wrong head
	cmd.Stderr = &wrong
	out, err := cmd.StdoutPipe()
	if err != nil {
		return "", err
	}
	if err := cmd.Start(); err != nil {
		return "", err
	}
	h, lines := sha256.New(), 0
	for r := bufio.NewReaderSize(out, 1<<16); ; {
		part, err := r.ReadSlice('\n')
		h.Write(part)
		lines += bytes.Count(part, []byte("\n"))
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil && !errors.Is(err, bufio.ErrBufferFull) {
			return "", err
		}
	}
	if err := cmd.Wait(); err != nil {
		return "", fmt.Errorf("%s: %w: %s", filepath.Base(program), err, wrong.tail())
	}
	return fmt.Sprintf("%d people, %s", lines, hex.EncodeToString(h.Sum(nil)[:6])), nil
}
