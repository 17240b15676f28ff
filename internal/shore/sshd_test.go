package shore_test

import (
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/crypto/ssh"
	"golang.org/x/crypto/ssh/knownhosts"

	"rollcall/internal/shore"
)

func TestOpenSSHServesTheFilesOfItsFolder(t *testing.T) {
	server := shore.SSHD(t)
	write(t, filepath.Join(server.Dir, "staff.csv"), "key\n1\n")

	if got := sftp(t, server, "ls -1"); !strings.Contains(got, "staff.csv") {
		t.Errorf("listing of the login folder = %q, want staff.csv in it", got)
	}
	sftp(t, server, "mkdir done", "rename staff.csv done/staff.csv")
	got, err := os.ReadFile(filepath.Join(server.Dir, "done", "staff.csv"))
	if err != nil || string(got) != "key\n1\n" {
		t.Errorf("after the rename: %q, %v, want the file's two lines", got, err)
	}
}

func TestTheServersUserWritesIntoWhatItWasGiven(t *testing.T) {
	server := shore.SSHD(t)
	done := filepath.Join(server.Dir, "done")
	if err := os.Mkdir(done, 0o700); err != nil {
		t.Fatal(err)
	}
	server.Give(t, done)
	write(t, filepath.Join(server.Dir, "staff.csv"), "key\n")
	sftp(t, server, "rename staff.csv done/staff.csv")
	if _, err := os.Stat(filepath.Join(done, "staff.csv")); err != nil {
		t.Error(err)
	}
}

func TestFingerprintAndKnownHostsAreThoseOfTheServer(t *testing.T) {
	server := shore.SSHD(t)
	known, err := knownhosts.New(server.KnownHosts)
	if err != nil {
		t.Fatal(err)
	}
	var fingerprint string
	conn := dial(t, server, func(host string, addr net.Addr, key ssh.PublicKey) error {
		fingerprint = ssh.FingerprintSHA256(key)
		return known(host, addr, key)
	})
	conn.Close()
	if fingerprint != server.Fingerprint {
		t.Errorf("fingerprint = %s, want %s", fingerprint, server.Fingerprint)
	}
}

func TestTwoServersHaveTwoKeys(t *testing.T) {
	one, other := shore.SSHD(t), shore.SSHD(t)
	if one.Fingerprint == other.Fingerprint {
		t.Error("both servers have the same key: a wrong host key could not be tested")
	}
}

func TestStoppingOpenSSHCutsConnectionsAndStartKeepsTheKey(t *testing.T) {
	server := shore.SSHD(t)
	conn := dial(t, server, ssh.InsecureIgnoreHostKey())
	defer conn.Close()

	server.Stop(t)
	if _, _, err := conn.SendRequest("keepalive@openssh.com", true, nil); err == nil {
		t.Error("a connection outlived its server")
	}
	if c, err := net.Dial("tcp", server.Addr); err == nil {
		c.Close()
		t.Error("a stopped server took a connection")
	}

	server.Start(t)
	known, err := knownhosts.New(server.KnownHosts)
	if err != nil {
		t.Fatal(err)
	}
	dial(t, server, known).Close()
}

func TestTheKeyIsForItsOwnerOnly(t *testing.T) {
	info, err := os.Stat(shore.SSHD(t).KeyFile)
	if err != nil {
		t.Fatal(err)
	}
	if got := info.Mode().Perm(); got != 0o600 {
		t.Errorf("mode = %o, want 600", got)
	}
}

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

func dial(t *testing.T, server *shore.SSH, check ssh.HostKeyCallback) *ssh.Client {
	t.Helper()
	text, err := os.ReadFile(server.KeyFile)
	if err != nil {
		t.Fatal(err)
	}
	key, err := ssh.ParsePrivateKey(text)
	if err != nil {
		t.Fatal(err)
	}
	conn, err := ssh.Dial("tcp", server.Addr, &ssh.ClientConfig{
		User: server.User, Auth: []ssh.AuthMethod{ssh.PublicKeys(key)}, HostKeyCallback: check,
	})
	if err != nil {
		t.Fatal(err)
	}
	return conn
}

// sftp speaks as OpenSSH's own client does, and fails with the first command
// that fails.
func sftp(t *testing.T, server *shore.SSH, commands ...string) string {
	t.Helper()
	_, port, err := net.SplitHostPort(server.Addr)
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command("sftp", "-q", "-b", "-", "-P", port, "-i", server.KeyFile, "-F", "none",
		"-o", "UserKnownHostsFile="+server.KnownHosts, "-o", "StrictHostKeyChecking=yes", server.User+"@127.0.0.1")
	cmd.Stdin = strings.NewReader(strings.Join(commands, "\n") + "\n")
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("sftp: %v: %s", err, out)
	}
	return string(out)
}
