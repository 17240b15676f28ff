package shore_test

import (
	"net"
	"net/url"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"rollcall/internal/shore"
)

func TestMain(m *testing.M) { shore.Main(m) }

func TestEveryCallGetsADatabaseOfItsOwn(t *testing.T) {
	began := time.Now()
	first := shore.Postgres(t)
	t.Logf("the first database took %s", time.Since(began))
	began = time.Now()
	second := shore.Postgres(t)
	t.Logf("the second database took %s", time.Since(began))

	sql(t, first, "create table mine (id int)")
	if got := sql(t, second, "select count(*) from pg_tables where tablename = 'mine'"); got != "0" {
		t.Errorf("tables of the first database that stand in the second = %s, want 0", got)
	}
	if got := sql(t, first, "show server_encoding"); got != "UTF8" {
		t.Errorf("encoding = %s, want UTF8", got)
	}
}

func TestPostgresListensOnLoopbackAndDoesNotRunAsRoot(t *testing.T) {
	dsn := shore.Postgres(t)
	if got := sql(t, dsn, "show listen_addresses"); got != "127.0.0.1" {
		t.Errorf("listen_addresses = %s, want 127.0.0.1", got)
	}
	if got := sql(t, dsn, "select pg_read_file('/proc/self/status') like '%Uid:	0%'"); got != "f" {
		t.Errorf("runs as root = %s, want f", got)
	}
}

func TestAKilledPostgresTakesConnectionsOnceItIsStarted(t *testing.T) {
	server := shore.PostgresServer(t)
	for range 3 {
		server.Kill(t)
		server.Start(t)
		sql(t, server.DSN, "select 1")
	}
}

func TestAStoppedPostgresRefusesAndComesBackWithItsData(t *testing.T) {
	server := shore.PostgresServer(t)
	sql(t, server.DSN, "create table kept (id int)")

	server.Stop(t)
	u, err := url.Parse(server.DSN)
	if err != nil {
		t.Fatal(err)
	}
	if c, err := net.Dial("tcp", u.Host); err == nil {
		c.Close()
		t.Error("a stopped server took a connection")
	}

	server.Start(t)
	if got := sql(t, server.DSN, "select count(*) from pg_tables where tablename = 'kept'"); got != "1" {
		t.Errorf("tables after the restart = %s, want 1", got)
	}
}

// sql asks with psql: the tests of this package need no driver.
func sql(t *testing.T, dsn, query string) string {
	t.Helper()
	psql, err := filepath.Glob("/usr/lib/postgresql/*/bin/psql")
	if err != nil || len(psql) == 0 {
		t.Fatalf("psql is not installed: %v", err)
	}
	out, err := exec.Command(psql[0], "-XAtq", "-d", dsn, "-c", query).CombinedOutput()
	if err != nil {
		t.Fatalf("%s: %v: %s", query, err, out)
	}
	return strings.TrimSpace(string(out))
}
