package source_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"encoding/pem"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"golang.org/x/crypto/ssh"
	"golang.org/x/crypto/ssh/knownhosts"

	"rollcall/internal/secret"
	"rollcall/internal/shore"
	"rollcall/internal/source"
	"rollcall/internal/source/sftpd"
)

// at are the options for a server at addr, host:port.
func at(t *testing.T, addr, path string) source.Options {
	t.Helper()
	host, port, err := net.SplitHostPort(addr)
	if err != nil {
		t.Fatal(err)
	}
	o := source.Defaults()
	o.Type, o.Host, o.Path, o.Settle = "sftp", host, path, 50*time.Millisecond
	if o.Port, err = strconv.Atoi(port); err != nil {
		t.Fatal(err)
	}
	return o
}

// openSSH starts OpenSSH, and answers with options that pin its key.
func openSSH(t *testing.T, glob string) (*shore.SSH, source.Options) {
	t.Helper()
	return openSSHAt(t, shore.SSHD(t), glob)
}

// openSSHAt are options for a server that has been started.
func openSSHAt(t *testing.T, s *shore.SSH, glob string) (*shore.SSH, source.Options) {
	t.Helper()
	o := at(t, s.Addr, glob)
	o.User, o.Key, o.HostKeys = s.User, secret.Ref{File: s.KeyFile}, []string{s.Fingerprint}
	return s, o
}

const password = "correct horse battery staple"

// ours starts the server of our own in a new folder.
func ours(t *testing.T, so sftpd.Options) (*sftpd.Server, string, source.Options) {
	t.Helper()
	dir := t.TempDir()
	so.User, so.Password = "rollcall", secret.Of(password)
	s, err := sftpd.Start(dir, so)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	o := at(t, s.Addr(), "*.csv")
	o.User, o.HostKeys = "rollcall", []string{s.Fingerprint()}
	t.Setenv("SFTP_PASSWORD", password)
	o.Password = secret.Ref{Env: "SFTP_PASSWORD"}
	return s, dir, o
}

// fail opens a source that must not open.
func fail(t *testing.T, o source.Options) error {
	t.Helper()
	if faults := o.Validate(); len(faults) > 0 {
		t.Fatalf("options of the test: %v", faults[0])
	}
	s, err := source.Open(t.Context(), o, nil)
	if err == nil {
		s.Close()
		t.Fatal("the source opened")
	}
	return err
}

func TestADropComesFromOpenSSH(t *testing.T) {
	big := "employee_id,last_name\n" + strings.Repeat("123456,Kowalska\n", 200_000)
	server, o := openSSH(t, "outgoing/staff_*.csv")
	out := filepath.Join(server.Dir, "outgoing")
	if err := os.Mkdir(out, 0o755); err != nil {
		t.Fatal(err)
	}
	lay(t, filepath.Join(out, "staff_1.csv"), big)
	lay(t, filepath.Join(out, "other.csv"), drop)
	if err := os.Symlink("staff_1.csv", filepath.Join(out, "staff_2.csv")); err != nil {
		t.Fatal(err)
	}
	server.Give(t, out)
	o.After = "archive"
	s := open(t, o)
	l := list(t, s)
	if names(l.Files) != "staff_1.csv" || len(l.Ignored) != 1 {
		t.Fatalf("files = %s, ignored = %q; want staff_1.csv, and the link ignored", names(l.Files), l.Ignored)
	}
	settled, _, err := s.Settled(t.Context(), l.Files, time.Second)
	if err != nil {
		t.Fatal(err)
	}
	d, err := s.Fetch(t.Context(), settled[0], filepath.Join(t.TempDir(), "spool"))
	if err != nil {
		t.Fatal(err)
	}
	wantCopy(t, d, big)
	if d.Source != "sftp" || d.Remote != "outgoing/staff_1.csv" {
		t.Errorf("drop = %+v", d)
	}
	for range 2 {
		if err := s.After(t.Context(), d); err != nil {
			t.Fatal(err)
		}
	}
	if got, want := tree(t, out), "done/staff_1.csv other.csv staff_2.csv"; got != want {
		t.Errorf("left = %q, want %q", got, want)
	}
}

func TestOpenSSHTakesAnAbsolutePathToo(t *testing.T) {
	server, o := openSSH(t, "x.csv")
	lay(t, filepath.Join(server.Dir, "staff.csv"), drop)
	o.Path = server.Dir + "/*.csv"
	if got := names(list(t, open(t, o)).Files); got != "staff.csv" {
		t.Errorf("files = %s, want staff.csv", got)
	}
}

func TestDeleteRemovesTheFileFromOpenSSH(t *testing.T) {
	server, o := openSSH(t, "*.csv")
	o.After = "delete"
	lay(t, filepath.Join(server.Dir, "staff.csv"), drop)
	s := open(t, o)
	d, err := s.Fetch(t.Context(), list(t, s).Files[0], t.TempDir())
	if err == nil {
		err = s.After(t.Context(), d)
	}
	if err != nil {
		t.Fatal(err)
	}
	if got := tree(t, server.Dir); got != "" {
		t.Errorf("left = %q, want nothing", got)
	}
}

func TestALostConnectionIsMadeAnew(t *testing.T) {
	server, o := openSSH(t, "*.csv")
	lay(t, filepath.Join(server.Dir, "staff.csv"), drop)
	s := open(t, o)
	list(t, s)
	server.Stop(t)
	_, err := s.List(t.Context())
	wantRefusal(t, err, "E401")
	server.Start(t)
	if got := names(list(t, s).Files); got != "staff.csv" {
		t.Errorf("files = %s, want staff.csv", got)
	}
}

func TestAMissingRemoteFolderIsRefusedByName(t *testing.T) {
	_, o := openSSH(t, "nowhere/*.csv")
	_, err := open(t, o).List(t.Context())
	if text := wantRefusal(t, err, "E405"); !strings.Contains(text, `"nowhere" does not exist`) {
		t.Errorf("error = %q, want the folder's name in it", text)
	}
}

func TestKnownHosts(t *testing.T) {
	server, o := openSSH(t, "*.csv")
	file := filepath.Join(t.TempDir(), "known_hosts")
	o.HostKeys, o.KnownHosts = nil, file
	real, err := os.ReadFile(server.KnownHosts)
	if err != nil {
		t.Fatal(err)
	}
	_, key, _ := strings.Cut(strings.TrimSpace(string(real)), " ")
	stranger := strings.TrimSpace(string(ssh.MarshalAuthorizedKey(hostKey(t, "ed25519").PublicKey())))
	otherType := strings.TrimSpace(string(ssh.MarshalAuthorizedKey(hostKey(t, "rsa").PublicKey())))
	host := knownhosts.Normalize(server.Addr)

	for _, tt := range []struct {
		name  string
		lines string
		want  []string // in the refusal; nil where the login works
	}{
		{"the key is there", string(real), nil},
		{"the key is there, hashed", knownhosts.HashHostname(host) + " " + key, nil},
		{"the key is there beside one of another type", host + " " + otherType + "\n" + string(real), nil},
		{"the host is unknown", "other.example.org " + key, []string{"is unknown", server.Fingerprint, "source.host_keys"}},
		{"the host is unknown on this port", "127.0.0.1 " + key, []string{"is unknown"}},
		{"the key has changed", host + " " + stranger, []string{"offered ssh-ed25519 " + server.Fingerprint, "expected ssh-ed25519 SHA256:", "no login was sent"}},
		{"only a type that the server lacks", host + " " + otherType, []string{"offered ssh-ed25519 " + server.Fingerprint, "expected ssh-rsa SHA256:"}},
		{"the key is revoked", string(real) + "\n@revoked * " + key, []string{"revoked"}},
		{"the key is an authority's", "@cert-authority " + host + " " + key, []string{"expected a certificate"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if err := os.WriteFile(file, []byte(tt.lines+"\n"), 0o600); err != nil {
				t.Fatal(err)
			}
			if tt.want == nil {
				list(t, open(t, o))
				return
			}
			text := wantRefusal(t, fail(t, o), "E403")
			for _, part := range tt.want {
				if !strings.Contains(text, part) {
					t.Errorf("error = %q, want %q in it", text, part)
				}
			}
		})
	}
}

func TestAWrongPinIsRefusedWithBothFingerprints(t *testing.T) {
	server, o := openSSH(t, "*.csv")
	o.HostKeys = []string{pin}
	text := wantRefusal(t, fail(t, o), "E403")
	for _, part := range []string{pin, server.Fingerprint, "ask the server's owner"} {
		if !strings.Contains(text, part) {
			t.Errorf("error = %q, want %q in it", text, part)
		}
	}
}

// hostKey makes a key of a type.
func hostKey(t *testing.T, kind string) ssh.Signer {
	t.Helper()
	var private any
	var err error
	switch kind {
	case "ed25519":
		_, private, err = ed25519.GenerateKey(nil)
	case "ecdsa":
		private, err = ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	case "rsa":
		private, err = rsa.GenerateKey(rand.Reader, 2048)
	}
	if err != nil {
		t.Fatal(err)
	}
	signer, err := ssh.NewSignerFromKey(private)
	if err != nil {
		t.Fatal(err)
	}
	return signer
}

func TestAPinOfAnyTypeIsFound(t *testing.T) {
	keys := []ssh.Signer{hostKey(t, "ed25519"), hostKey(t, "ecdsa"), hostKey(t, "rsa")}
	server, dir, o := ours(t, sftpd.Options{HostKeys: keys})
	lay(t, filepath.Join(dir, "staff.csv"), drop)

	offered, err := source.HostKey(t.Context(), server.Addr())
	if err != nil || len(offered) != len(keys) {
		t.Fatalf("offered = %v, %v; want three keys", offered, err)
	}
	for i, k := range keys {
		t.Run(k.PublicKey().Type(), func(t *testing.T) {
			want := ssh.FingerprintSHA256(k.PublicKey())
			if offered[i].Type != k.PublicKey().Type() || offered[i].Fingerprint != want {
				t.Errorf("offered %v, want %s %s", offered[i], k.PublicKey().Type(), want)
			}
			o.HostKeys = []string{want}
			if got := names(list(t, open(t, o)).Files); got != "staff.csv" {
				t.Errorf("files = %s, want staff.csv", got)
			}
		})
	}
	o.HostKeys = []string{pin}
	text := wantRefusal(t, fail(t, o), "E403")
	for _, k := range offered {
		if !strings.Contains(text, k.Fingerprint) {
			t.Errorf("error = %q, want all that was offered, also %s", text, k.Fingerprint)
		}
	}
}

// A certificate is believed of an authority in known_hosts, and else the server
// is taken by its plain key.
func TestHostCertificatesNeedAnAuthority(t *testing.T) {
	authority, plain := hostKey(t, "ed25519"), hostKey(t, "ed25519")
	cert := &ssh.Certificate{
		Key: plain.PublicKey(), CertType: ssh.HostCert, ValidPrincipals: []string{"127.0.0.1"},
		ValidBefore: ssh.CertTimeInfinity,
	}
	if err := cert.SignCert(rand.Reader, authority); err != nil {
		t.Fatal(err)
	}
	certified, err := ssh.NewCertSigner(cert, plain)
	if err != nil {
		t.Fatal(err)
	}
	server, _, o := ours(t, sftpd.Options{HostKeys: []ssh.Signer{certified}})
	o.HostKeys, o.KnownHosts = nil, filepath.Join(t.TempDir(), "known_hosts")
	line := func(k ssh.Signer) {
		t.Helper()
		text := "@cert-authority " + knownhosts.Line([]string{server.Addr()}, k.PublicKey()) + "\n"
		if err := os.WriteFile(o.KnownHosts, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	line(authority)
	list(t, open(t, o))
	line(hostKey(t, "ed25519"))
	wantRefusal(t, fail(t, o), "E403")
	o.HostKeys, o.KnownHosts = []string{ssh.FingerprintSHA256(certified.PublicKey())}, ""
	wantRefusal(t, fail(t, o), "E403")
}

func TestNothingIsSentBeforeTheKeyIsVerified(t *testing.T) {
	tried := make(chan string, 10)
	config := &ssh.ServerConfig{
		PasswordCallback: func(who ssh.ConnMetadata, _ []byte) (*ssh.Permissions, error) {
			tried <- who.User()
			return nil, errors.New("no")
		},
	}
	config.AddHostKey(hostKey(t, "ed25519"))
	l := listen(t)
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			_, _, _, err = ssh.NewServerConn(c, config)
			if err == nil {
				tried <- "somebody got in"
			}
			c.Close()
		}
	}()
	o := at(t, l.Addr().String(), "*.csv")
	t.Setenv("SFTP_PASSWORD", password)
	o.User, o.Password, o.HostKeys = "rollcall", secret.Ref{Env: "SFTP_PASSWORD"}, []string{pin}
	wantRefusal(t, fail(t, o), "E403")
	select {
	case who := <-tried:
		t.Errorf("%q tried to log in", who)
	default:
	}
	keys, err := source.HostKey(t.Context(), l.Addr().String()) // the control: with its key pinned we do try
	if err != nil {
		t.Fatal(err)
	}
	o.HostKeys = []string{keys[0].Fingerprint}
	wantRefusal(t, fail(t, o), "E402")
	if len(tried) == 0 {
		t.Error("nobody tried to log in with the right key, so this test proves nothing")
	}
}

func listen(t *testing.T) net.Listener {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	return l
}

func TestAServerThatIsNotThereIsUnreachable(t *testing.T) {
	l := listen(t)
	o := at(t, l.Addr().String(), "*.csv")
	o.User, o.HostKeys = "rollcall", []string{pin}
	t.Setenv("SFTP_PASSWORD", password)
	o.Password = secret.Ref{Env: "SFTP_PASSWORD"}
	l.Close()
	for _, host := range []string{"127.0.0.1", "sftp.invalid"} {
		o.Host = host
		if text := wantRefusal(t, fail(t, o), "E401"); !strings.Contains(text, net.JoinHostPort(host, strconv.Itoa(o.Port))) {
			t.Errorf("error = %q, want the address in it", text)
		}
	}
	_, err := source.HostKey(t.Context(), l.Addr().String())
	wantRefusal(t, err, "E401")
}

func TestAServerThatSpeaksSomethingElseIsUnreachable(t *testing.T) {
	l := listen(t)
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			fmt.Fprint(c, "220 mail.example.org \x1b[31mESMTP\r\n")
			c.Close()
		}
	}()
	o := at(t, l.Addr().String(), "*.csv")
	o.User, o.HostKeys = "rollcall", []string{pin}
	t.Setenv("SFTP_PASSWORD", password)
	o.Password = secret.Ref{Env: "SFTP_PASSWORD"}
	if text := wantRefusal(t, fail(t, o), "E401"); strings.Contains(text, "\x1b") {
		t.Errorf("error = %q repeats the server's control characters", text)
	}
}

func TestOpenEndsWithItsContext(t *testing.T) {
	l := listen(t) // takes connections and says nothing
	o := at(t, l.Addr().String(), "*.csv")
	o.User, o.HostKeys = "rollcall", []string{pin}
	t.Setenv("SFTP_PASSWORD", password)
	o.Password = secret.Ref{Env: "SFTP_PASSWORD"}
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	began := time.Now()
	_, err := source.Open(ctx, o, nil)
	if !errors.Is(err, context.DeadlineExceeded) || time.Since(began) > 3*time.Second {
		t.Errorf("error = %v after %s, want the context's at once", err, time.Since(began))
	}
}

func TestARefusedLoginIsToldFromABadHost(t *testing.T) {
	_, o := openSSH(t, "*.csv")
	block, err := ssh.MarshalPrivateKey(newPrivate(t), "")
	if err != nil {
		t.Fatal(err)
	}
	o.Key = secret.Ref{File: writeKey(t, block)}
	if text := wantRefusal(t, fail(t, o), "E402"); !strings.Contains(text, "refused the user with the key") {
		t.Errorf("error = %q", text)
	}

	_, _, o = ours(t, sftpd.Options{})
	list(t, open(t, o))
	t.Setenv("SFTP_PASSWORD", "wrong")
	text := wantRefusal(t, fail(t, o), "E402")
	if strings.Contains(text, "wrong") {
		t.Errorf("error = %q tells the password", text)
	}
}

func newPrivate(t *testing.T) ed25519.PrivateKey {
	t.Helper()
	_, private, err := ed25519.GenerateKey(nil)
	if err != nil {
		t.Fatal(err)
	}
	return private
}

func writeKey(t *testing.T, block *pem.Block) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "key")
	if err := os.WriteFile(path, pem.EncodeToMemory(block), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestAKeyThatCannotBeUsedIsToldBeforeAnythingIsDialled(t *testing.T) {
	o := at(t, "sftp.invalid:22", "*.csv")
	o.User, o.HostKeys = "rollcall", []string{pin}
	locked, err := ssh.MarshalPrivateKeyWithPassphrase(newPrivate(t), "", []byte("passphrase"))
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		name, path, want string
	}{
		{"with a passphrase", writeKey(t, locked), "protected by a passphrase"},
		{"not a key", writeKey(t, &pem.Block{Type: "NOTHING"}), "not a private key"},
		{"missing", filepath.Join(t.TempDir(), "key"), "source.key"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			o.Key = secret.Ref{File: tt.path}
			if err := fail(t, o); !strings.Contains(err.Error(), tt.want) {
				t.Errorf("error = %q, want %q in it", err, tt.want)
			}
		})
	}
}

func TestAGrowingRemoteFileIsNotTaken(t *testing.T) {
	server, o := openSSH(t, "*.csv")
	lay(t, filepath.Join(server.Dir, "monday.csv"), drop)
	grow(t, filepath.Join(server.Dir, "tuesday.csv"))
	o.Settle = time.Second
	s := open(t, o)
	files := list(t, s).Files
	if _, _, err := s.Settled(t.Context(), files[1:], 1500*time.Millisecond); err == nil {
		t.Error("a growing file has settled")
	} else {
		wantRefusal(t, err, "E406")
	}
	settled, growing, err := s.Settled(t.Context(), files, 5*time.Second)
	if err != nil || names(settled) != "monday.csv" || names(growing) != "tuesday.csv" {
		t.Errorf("settled %s, growing %s, error %v; want monday.csv settled and tuesday.csv growing", names(settled), names(growing), err)
	}
}

func TestARemoteFileThatIsTooLargeIsRefused(t *testing.T) {
	server, o := openSSH(t, "*.csv")
	o.MaxSize = 100
	lay(t, filepath.Join(server.Dir, "staff.csv"), strings.Repeat(drop, 10))
	s := open(t, o)
	spool := t.TempDir()
	_, err := s.Fetch(t.Context(), list(t, s).Files[0], spool)
	wantRefusal(t, err, "E411")
	wantEmpty(t, spool)
}
