package shore

import (
	"crypto/ed25519"
	"encoding/pem"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/crypto/ssh"
)

// SSH is an OpenSSH server that does SFTP and nothing else. User logs in with
// the key in KeyFile; passwords are not taken, for that needs root.
type SSH struct {
	Addr        string // host:port
	User        string // the one who may log in; the server runs as that user
	KeyFile     string // the private key of User, mode 0600, without a passphrase
	KnownHosts  string // a known_hosts file that names the server's key
	Fingerprint string // of the server's key, SHA256:…
	Dir         string // where a login arrives; the test may write here, see Give
	HostKeyFile string // the server's private key; beside it lies its public half, with .pub

	dir     string
	program string
	port    int
	process *process
	more    []string // lines of the configuration
}

// SSHD starts an OpenSSH server, which ends with the test.
//
// A login is not locked into Dir: "staff.csv" means a file there, and
// "/staff.csv" one in the root of this machine.
func SSHD(tb testing.TB) *SSH {
	tb.Helper()
	s := &SSH{program: Need(tb, "sshd")}
	dir, err := folder("sshd")
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() {
		s.process.cut()
		_ = os.RemoveAll(dir) // a leftover in the temporary folder harms nobody
	})
	id, _ := servers()
	s.dir, s.User = dir, id.name
	if err := s.lay(); err != nil {
		tb.Fatal(err)
	}
	if err := onFreePort(s.run); err != nil {
		tb.Fatalf("sshd: %v", err)
	}
	if err := s.know(); err != nil {
		tb.Fatal(err)
	}
	return s
}

// Give hands a file or folder that the test has put below Dir to the server's
// user, who is not the test's where the tests run as root. Without it the server
// can read what others may read, and can move it, but not write into it.
func (s *SSH) Give(tb testing.TB, path string) {
	tb.Helper()
	if err := hand(path); err != nil {
		tb.Fatal(err)
	}
}

// Configure starts the server anew with more lines in its configuration, in place
// of those that it was given the last time. Its own key stays, unless a line is a
// HostKey: then those named are all.
func (s *SSH) Configure(tb testing.TB, lines ...string) {
	tb.Helper()
	s.more = lines
	s.Stop(tb)
	s.Start(tb)
}

// Stop ends the server and cuts the connections that it serves.
func (s *SSH) Stop(tb testing.TB) {
	tb.Helper()
	s.process.cut()
	s.process = nil
}

// Start starts a stopped server again, on its port and with its key.
func (s *SSH) Start(tb testing.TB) {
	tb.Helper()
	if err := s.run(s.port); err != nil {
		tb.Fatal(err)
	}
}

// lay writes the folders and the keys.
func (s *SSH) lay() error {
	s.Dir = filepath.Join(s.dir, "home")
	s.KeyFile = filepath.Join(s.dir, "client")
	s.KnownHosts = filepath.Join(s.dir, "known_hosts")
	if err := os.Mkdir(s.Dir, 0o755); err != nil {
		return err
	}
	s.HostKeyFile = filepath.Join(s.dir, "host")
	host, err := newKey(s.HostKeyFile)
	if err != nil {
		return err
	}
	client, err := newKey(s.KeyFile)
	if err != nil {
		return err
	}
	s.Fingerprint = ssh.FingerprintSHA256(host)
	if err := os.WriteFile(filepath.Join(s.dir, "host.pub"), ssh.MarshalAuthorizedKey(host), 0o644); err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(s.dir, "authorized_keys"), ssh.MarshalAuthorizedKey(client), 0o644); err != nil {
		return err
	}
	if err := hand(s.dir); err != nil {
		return err
	}
	return os.Chown(s.KeyFile, os.Getuid(), os.Getgid()) // rollcall refuses a key that is somebody else's
}

// know writes the known_hosts file, once the port is certain.
func (s *SSH) know() error {
	key, err := os.ReadFile(filepath.Join(s.dir, "host.pub"))
	if err != nil {
		return err
	}
	line := fmt.Sprintf("[127.0.0.1]:%d %s", s.port, key)
	return os.WriteFile(s.KnownHosts, []byte(line), 0o644)
}

func (s *SSH) run(port int) error {
	config := filepath.Join(s.dir, "sshd_config")
	lines := []string{
		"Port " + strconv.Itoa(port),
		"ListenAddress 127.0.0.1",
		"PidFile none",
		"AuthorizedKeysFile " + filepath.Join(s.dir, "authorized_keys"),
		"StrictModes no", // the temporary folder's parents belong to root
		"UsePAM no",
		"PasswordAuthentication no",
		"KbdInteractiveAuthentication no",
		"AllowTcpForwarding no",
		"PermitTTY no",
		"UseDNS no",
		"MaxStartups 100",
		"Subsystem sftp internal-sftp -d " + s.Dir,
		"ForceCommand internal-sftp -d " + s.Dir,
	}
	if !slices.ContainsFunc(s.more, func(line string) bool { return strings.HasPrefix(line, "HostKey ") }) {
		lines = append(lines, "HostKey "+s.HostKeyFile)
	}
	lines = append(lines, s.more...)
	if err := os.WriteFile(config, []byte(strings.Join(lines, "\n")+"\n"), 0o644); err != nil {
		return err
	}
	p, err := start(filepath.Join(s.dir, "log"), syscall.SIGTERM, greets(port, "SSH-2.0-"), s.program, "-D", "-e", "-f", config)
	if err != nil {
		return err
	}
	s.port, s.process, s.Addr = port, p, address(port)
	return nil
}

// newKey writes an Ed25519 private key and answers with its public half.
func newKey(path string) (ssh.PublicKey, error) {
	public, private, err := ed25519.GenerateKey(nil)
	if err != nil {
		return nil, err
	}
	block, err := ssh.MarshalPrivateKey(private, "")
	if err != nil {
		return nil, err
	}
	if err := os.WriteFile(path, pem.EncodeToMemory(block), 0o600); err != nil {
		return nil, err
	}
	return ssh.NewPublicKey(public)
}

// greets says whether the server on port speaks first with the given words.
func greets(port int, words string) func() bool {
	return func() bool {
		c, err := net.DialTimeout("tcp", address(port), time.Second)
		if err != nil {
			return false
		}
		defer c.Close()
		_ = c.SetDeadline(time.Now().Add(5 * time.Second))
		got := make([]byte, len(words))
		n, _ := c.Read(got)
		return string(got[:n]) == words
	}
}
