package shore

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
)

// Postgres makes a new, empty database in the PostgreSQL that the tests of this
// binary share, and answers with its address for the user postgres, who may do
// everything. The first call starts the server.
//
// The server does not wait for the disk (fsync is off): it proves what SQL means,
// not what a power failure leaves behind.
func Postgres(tb testing.TB) string {
	tb.Helper()
	program := Need(tb, "postgres")
	shared.Lock()
	defer shared.Unlock()
	if !shared.inMain {
		tb.Fatal("shore: this package has no func TestMain(m *testing.M) { shore.Main(m) }, so nobody would stop PostgreSQL")
	}
	if shared.postgres == nil {
		c, err := newCluster(program)
		if err != nil {
			tb.Fatal(err)
		}
		shared.postgres = c
	}
	shared.databases++
	name := "db" + strconv.Itoa(shared.databases)
	if err := shared.postgres.create(name); err != nil {
		tb.Fatal(err)
	}
	return shared.postgres.address(name)
}

// PostgresServer starts a PostgreSQL of the test's own, which it may stop and
// start again. It takes a second or two more than [Postgres].
func PostgresServer(tb testing.TB) *Cluster {
	tb.Helper()
	c, err := newCluster(Need(tb, "postgres"))
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(c.discard)
	if err := c.create("db1"); err != nil {
		tb.Fatal(err)
	}
	c.DSN = c.address("db1")
	return c
}

// A Cluster is one PostgreSQL server with its data.
type Cluster struct {
	DSN string // of one empty database, which outlives Stop and Start

	bin, dir string
	port     int
	process  *process
}

// Stop ends the server as an administrator would: open connections are cut and
// transactions rolled back. New connections are refused until Start.
func (c *Cluster) Stop(tb testing.TB) {
	tb.Helper()
	c.process.stop(syscall.SIGINT)
	c.process = nil
}

// Kill ends the server at once and by force, as a crash of it would.
func (c *Cluster) Kill(tb testing.TB) {
	tb.Helper()
	c.process.cut()
	c.process = nil
}

// Start starts a stopped server again, on its port and with its data.
func (c *Cluster) Start(tb testing.TB) {
	tb.Helper()
	if err := c.run(c.port); err != nil {
		tb.Fatal(err)
	}
}

func newCluster(program string) (*Cluster, error) {
	dir, err := folder("postgres")
	if err != nil {
		return nil, err
	}
	c := &Cluster{bin: filepath.Dir(program), dir: dir}
	err = output(filepath.Join(c.bin, "initdb"), "-D", c.data(), "-U", "postgres", "-A", "trust", "-E", "UTF8", "--no-sync", "--no-instructions")
	if err == nil {
		err = onFreePort(c.run)
	}
	if err != nil {
		c.discard()
		return nil, fmt.Errorf("postgres: %w", err)
	}
	return c, nil
}

func (c *Cluster) run(port int) error {
	args := []string{"-D", c.data(), "-p", strconv.Itoa(port)}
	for _, setting := range []string{
		"listen_addresses=127.0.0.1", "unix_socket_directories=" + c.dir,
		"fsync=off", "synchronous_commit=off", "full_page_writes=off",
		"shared_buffers=32MB", "max_connections=80", "max_wal_size=256MB",
	} {
		args = append(args, "-c", setting)
	}
	left := c.says() // by a server that was killed
	ready := func() bool { now := c.says(); return now != left && strings.HasSuffix(now, "\nready") }
	p, err := start(filepath.Join(c.dir, "log"), syscall.SIGQUIT, ready, filepath.Join(c.bin, "postgres"), args...)
	if err != nil {
		return err
	}
	c.port, c.process = port, p
	return nil
}

// says is what the server itself writes into its data folder, with "ready" in the last
// line once it takes connections, so a stranger on the same port is not mistaken for
// it; see the PostgreSQL manual on postmaster.pid.
func (c *Cluster) says() string {
	text, _ := os.ReadFile(filepath.Join(c.data(), "postmaster.pid")) // none: it says nothing yet
	return strings.TrimSpace(string(text))
}

func (c *Cluster) create(database string) error {
	return output(filepath.Join(c.bin, "createdb"), "-h", "127.0.0.1", "-p", strconv.Itoa(c.port), "-U", "postgres", "-T", "template0", database)
}

func (c *Cluster) address(database string) string {
	return fmt.Sprintf("postgres://postgres@%s/%s?sslmode=disable", address(c.port), database)
}

func (c *Cluster) data() string { return filepath.Join(c.dir, "data") }

// discard ends the server at once and removes its data.
func (c *Cluster) discard() {
	c.process.stop(syscall.SIGQUIT)
	_ = os.RemoveAll(c.dir) // a leftover in the temporary folder harms nobody
}
