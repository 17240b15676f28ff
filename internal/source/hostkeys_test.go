package source_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/crypto/ssh"
	"golang.org/x/crypto/ssh/knownhosts"

	"rollcall/internal/proof"
	"rollcall/internal/shore"
)

// keygen runs ssh-keygen, which comes with the server.
func keygen(t *testing.T, args ...string) {
	t.Helper()
	if out, err := exec.Command("ssh-keygen", append([]string{"-q"}, args...)...).CombinedOutput(); err != nil {
		t.Fatalf("ssh-keygen %s: %v: %s", strings.Join(args, " "), err, out)
	}
}

// aKey is a new key of a type, written where the server can read it.
func aKey(t *testing.T, server *shore.SSH, kind string) (file string, public ssh.PublicKey) {
	t.Helper()
	file = filepath.Join(beside(t, server), kind)
	keygen(t, "-t", kind, "-N", "", "-f", file)
	server.Give(t, filepath.Dir(file))
	return file, publicKey(t, file+".pub")
}

// beside is a new folder beside the server's own key.
func beside(t *testing.T, server *shore.SSH) string {
	t.Helper()
	dir, err := os.MkdirTemp(filepath.Dir(server.HostKeyFile), "keys")
	if err != nil {
		t.Fatal(err)
	}
	return dir
}

func publicKey(t *testing.T, file string) ssh.PublicKey {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	key, _, _, _, err := ssh.ParseAuthorizedKey(text)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

// TestHostKeysThatOpenSSHOffers goes through what a real server can offer and
// what can be on file: none is believed that nobody vouched for. Those who are
// let in are the control.
func TestHostKeysThatOpenSSHOffers(t *testing.T) {
	t.Parallel()
	server := shore.SSHD(t)
	_, first := openSSHAt(t, server, "*.csv")
	own := publicKey(t, server.HostKeyFile+".pub")
	rsaFile, rsa := aKey(t, server, "rsa")
	newFile, newKey := aKey(t, server, "ed25519")
	authorityFile, authority := aKey(t, server, "ed25519")
	_, stranger := aKey(t, server, "ed25519")
	_, ecdsa := aKey(t, server, "ecdsa")

	// cert lets the authority sign the server's own key.
	cert := func(t *testing.T, args ...string) string {
		t.Helper()
		dir := beside(t, server)
		text, err := os.ReadFile(server.HostKeyFile + ".pub")
		if err != nil {
			t.Fatal(err)
		}
		public := filepath.Join(dir, "host.pub")
		if err := os.WriteFile(public, text, 0o644); err != nil {
			t.Fatal(err)
		}
		keygen(t, append(append([]string{"-s", authorityFile, "-I", "host", "-h"}, args...), public)...)
		server.Give(t, dir)
		return "HostCertificate " + filepath.Join(dir, "host-cert.pub")
	}
	line := func(key ssh.PublicKey) string { return knownhosts.Line([]string{server.Addr}, key) + "\n" }
	both := func(*testing.T) []string {
		return []string{"HostKey " + server.HostKeyFile, "HostKey " + rsaFile}
	}
	certified := func(t *testing.T) []string { return []string{cert(t, "-n", "127.0.0.1")} }
	trusts := "@cert-authority " + line(authority)
	revoked := func(key ssh.PublicKey) string { return "@revoked " + line(key) }

	wrong, tried := 0, 0
	for _, tt := range []struct {
		name   string
		server func(*testing.T) []string // lines of its configuration
		pins   []ssh.PublicKey
		known  string // hosts
		in     bool
		text   []string // of the refusal
	}{
		{"the pinned key", nil, []ssh.PublicKey{own}, "", true, nil},
		{"one of two pinned keys", nil, []ssh.PublicKey{stranger, own}, "", true, nil},
		{"another key", nil, []ssh.PublicKey{stranger}, "", false, []string{ssh.FingerprintSHA256(own), ssh.FingerprintSHA256(stranger)}},
		{"a changed key", func(*testing.T) []string { return []string{"HostKey " + newFile} }, []ssh.PublicKey{own}, "", false, []string{ssh.FingerprintSHA256(newKey)}},
		{"a changed key, by file", func(*testing.T) []string { return []string{"HostKey " + newFile} }, nil, line(own), false, []string{"expected ssh-ed25519"}},
		{"two types, the first pinned", both, []ssh.PublicKey{own}, "", true, nil},
		{"two types, the second pinned", both, []ssh.PublicKey{rsa}, "", true, nil},
		{"two types, the second on file", both, nil, line(rsa), true, nil},
		{"two types, a third on file", both, nil, line(ecdsa), false, []string{"expected ecdsa"}},
		{"two types, a stranger of the second on file", both, nil, line(ecdsa) + line(stranger), false, nil},
		{"two types, the first revoked", both, []ssh.PublicKey{own}, revoked(own), false, nil},
		{"a certificate, the plain key pinned", certified, []ssh.PublicKey{own}, "", true, nil},
		{"a certificate, the plain key on file", certified, nil, line(own), true, nil},
		{"a certificate, its authority on file", certified, nil, trusts, true, nil},
		{"a certificate, its authority pinned as if it were a key", certified, []ssh.PublicKey{authority}, "", false, nil},
		{"a certificate, its authority on file as if it were a key", certified, nil, line(authority), false, nil},
		{"a certificate of another authority", certified, nil, "@cert-authority " + line(stranger), false, []string{"expected a certificate"}},
		{"a certificate, its authority on file for another host", certified, nil, "@cert-authority other.example.org " + string(ssh.MarshalAuthorizedKey(authority)), false, []string{"is unknown"}},
		{"a certificate for another host", func(t *testing.T) []string { return []string{cert(t, "-n", "other.example.org")} }, nil, trusts, false, nil},
		{"a certificate that has expired", func(t *testing.T) []string {
			return []string{cert(t, "-n", "127.0.0.1", "-V", "20200101:20200201")}
		}, nil, trusts, false, nil},
		{"a certificate that is not valid yet", func(t *testing.T) []string {
			return []string{cert(t, "-n", "127.0.0.1", "-V", "20900101:20910101")}
		}, nil, trusts, false, nil},
		{"a certificate whose authority is revoked", certified, nil, trusts + revoked(authority), false, []string{"revoked"}},
		{"a certificate whose key is revoked", certified, nil, trusts + revoked(own), false, []string{"revoked"}},
		{"no certificate where one is expected", nil, nil, trusts, false, []string{"expected a certificate"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var lines []string
			if tt.server != nil {
				lines = tt.server(t)
			}
			server.Configure(t, lines...)
			o := first
			o.HostKeys, o.KnownHosts = nil, ""
			for _, k := range tt.pins {
				o.HostKeys = append(o.HostKeys, ssh.FingerprintSHA256(k))
			}
			if tt.known != "" {
				o.KnownHosts = filepath.Join(t.TempDir(), "known_hosts")
				if err := os.WriteFile(o.KnownHosts, []byte(tt.known), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			tried++
			if tt.in {
				list(t, open(t, o))
				return
			}
			wrong++ // until it is refused
			text := wantRefusal(t, fail(t, o), "E403")
			wrong--
			for _, part := range append(tt.text, "no login was sent") {
				if !strings.Contains(text, part) {
					t.Errorf("error = %q, want %q in it", text, part)
				}
			}
		})
	}
	proof.Note(t, "SFTP misbehaviours", proof.Count{What: "tried", N: tried}, proof.Count{What: "accepted wrong", N: wrong})
}
