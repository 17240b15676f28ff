// Package shore starts the real servers that tests talk to: PostgreSQL, OpenSSH,
// OpenLDAP and an SMTP server, and the browser that shows them what we write, as
// they come from Debian's packages. Only tests import it.
//
// Every server listens on loopback alone, on a free port, and keeps everything
// it writes in a temporary folder of its own. None runs as root, but for [Samba]: where
// the tests do, it runs as the user postgres or daemon. A server ends with the test that
// asked for it, or with the test binary, and also when that binary is killed.
//
// A package that uses PostgreSQL has one line more in its tests:
//
//	func TestMain(m *testing.M) { shore.Main(m) }
//
// Where a server is not installed, the test that needs it is skipped and says
// which package is missing. With CI=true in the environment it fails instead.
package shore

import (
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
)

// A program is where Debian puts it, and the package that it is in.
type program struct{ glob, debian string }

var programs = map[string]program{
	"postgres": {"/usr/lib/postgresql/*/bin/postgres", "postgresql"},
	"sshd":     {"/usr/sbin/sshd", "openssh-server"},
	"smtp":     {"/usr/sbin/exim4", "exim4-daemon-light"},
	"slapd":    {"/usr/sbin/slapd", "slapd"},

	"ldapsearch": {"/usr/bin/ldapsearch", "ldap-utils"},

	"chromium": {"/usr/lib/chromium/chromium", "chromium"},

	"systemd-analyze": {"/usr/bin/systemd-analyze", "systemd"}, // no server, and looked for in the same way
}

// Need skips the test where a program is not installed, and fails it with
// CI=true; where it is there, it answers with its path. It knows "postgres",
// "sshd", "smtp", "slapd", "ldapsearch", "chromium" and "systemd-analyze". What
// starts a server here calls it by itself.
func Need(tb testing.TB, name string) string {
	tb.Helper()
	p, known := programs[name]
	if !known {
		tb.Fatalf("shore: nothing is called %q", name)
	}
	return p.need(tb, name)
}

func (p program) need(tb testing.TB, name string) string {
	tb.Helper()
	if path := newest(p.glob); path != "" {
		return path
	}
	const text = "%s is not installed: apt-get install --no-install-recommends %s, or let make test do it"
	if os.Getenv("CI") == "true" {
		tb.Fatalf(text, name, p.debian)
	}
	tb.Skipf(text, name, p.debian)
	return ""
}

// newest is the match of glob with the highest number in place of its star, so
// that 15 comes after 9.6; "" where nothing matches.
func newest(glob string) string {
	found, _ := filepath.Glob(glob) // the patterns above are well formed
	if len(found) == 0 {
		return ""
	}
	before, _, _ := strings.Cut(glob, "*")
	return slices.MaxFunc(found, func(a, b string) int { return number(a[len(before):]) - number(b[len(before):]) })
}

// number is the number that s begins with; zero where it begins with none.
func number(s string) int {
	end := strings.IndexFunc(s, func(r rune) bool { return r < '0' || r > '9' })
	if end < 0 {
		end = len(s)
	}
	n, err := strconv.Atoi(s[:end])
	if err != nil {
		return 0
	}
	return n
}

// shared is what all tests of one binary have together. It is the one variable
// of this package: a PostgreSQL for each test would take longer than the tests.
var shared struct {
	sync.Mutex
	inMain    bool // Main will stop what is started here
	postgres  *Cluster
	databases int
}

// Main runs the tests, stops the servers that they shared, and exits. It is all
// that a TestMain has to call.
func Main(m *testing.M) { os.Exit(Tests{m}.Run()) }

// Tests are the tests of a binary and, after them, the end of the servers that
// they shared. It is for a TestMain whose exit is somebody else's, such as
// testscript.Main(shore.Tests{M: m}, …).
type Tests struct{ M *testing.M }

// Run runs the tests and answers with their exit code.
func (t Tests) Run() int {
	shared.Lock()
	shared.inMain = true
	shared.Unlock()

	defer func() {
		shared.Lock()
		defer shared.Unlock()
		if shared.postgres != nil {
			shared.postgres.discard()
		}
	}()
	return t.M.Run()
}
