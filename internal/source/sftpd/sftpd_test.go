package sftpd_test

import (
	"crypto/ed25519"
	"errors"
	"io"
	"net"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/pkg/sftp"
	"golang.org/x/crypto/ssh"

	"rollcall/internal/secret"
	"rollcall/internal/source/sftpd"
)

func start(t *testing.T, dir string, o sftpd.Options) *sftpd.Server {
	t.Helper()
	s, err := sftpd.Start(dir, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

// login logs in with one method and believes the server's own key alone.
func login(s *sftpd.Server, user string, method ssh.AuthMethod) (*sftp.Client, error) {
	c, err := ssh.Dial("tcp", s.Addr(), &ssh.ClientConfig{
		User: user,
		Auth: []ssh.AuthMethod{method},
		HostKeyCallback: func(_ string, _ net.Addr, key ssh.PublicKey) error {
			if ssh.FingerprintSHA256(key) != s.Fingerprint() {
				return errors.New("another key")
			}
			return nil
		},
		Timeout: 10 * time.Second,
	})
	if err != nil {
		return nil, err
	}
	return sftp.NewClient(c)
}

func signer(t *testing.T) ssh.Signer {
	t.Helper()
	_, private, err := ed25519.GenerateKey(nil)
	if err != nil {
		t.Fatal(err)
	}
	s, err := ssh.NewSignerFromKey(private)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestOnlyThoseWhoMayLogIn(t *testing.T) {
	key := signer(t)
	s := start(t, t.TempDir(), sftpd.Options{User: "hr", Password: secret.Of("pass"), Keys: []ssh.PublicKey{key.PublicKey()}})
	for _, tt := range []struct {
		name, user string
		method     ssh.AuthMethod
		ok         bool
	}{
		{"the password", "hr", ssh.Password("pass"), true},
		{"the key", "hr", ssh.PublicKeys(key), true},
		{"another password", "hr", ssh.Password("passe"), false},
		{"no password", "hr", ssh.Password(""), false},
		{"another key", "hr", ssh.PublicKeys(signer(t)), false},
		{"another user with the password", "root", ssh.Password("pass"), false},
		{"another user with the key", "root", ssh.PublicKeys(key), false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c, err := login(s, tt.user, tt.method)
			if (err == nil) != tt.ok {
				t.Errorf("error = %v, want login %v", err, tt.ok)
			}
			if err == nil {
				c.Close()
			}
		})
	}
	if _, err := sftpd.Start(t.TempDir(), sftpd.Options{User: "hr"}); err == nil {
		t.Error("a server started that lets nobody in, or everybody")
	}
}

func TestNobodyLeavesTheFolder(t *testing.T) {
	above := t.TempDir()
	dir := filepath.Join(above, "served")
	err := errors.Join(
		os.Mkdir(dir, 0o755),
		os.WriteFile(filepath.Join(above, "secret"), []byte("secret"), 0o644),
		os.WriteFile(filepath.Join(dir, "open"), []byte("open"), 0o644),
		os.Symlink(filepath.Join(above, "secret"), filepath.Join(dir, "link")),
		os.Symlink("../secret", filepath.Join(dir, "near")),
	)
	if err != nil {
		t.Fatal(err)
	}
	c, err := login(start(t, dir, sftpd.Options{User: "hr", Password: secret.Of("pass")}), "hr", ssh.Password("pass"))
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{"../secret", "/../secret", "open/../../secret", filepath.Join(above, "secret"), "link", "near"} {
		if f, err := c.Open(path); err == nil {
			t.Errorf("%s opened", path)
			f.Close()
		}
	}
	if err := c.Rename("open", "../taken"); err == nil {
		if _, err := os.Stat(filepath.Join(above, "taken")); err == nil {
			t.Error("a file was moved out of the folder")
		}
		if err := c.Rename("taken", "open"); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := c.Create("new"); err == nil {
		t.Error("an upload was taken")
	}
	f, err := c.Open("open")
	if err != nil {
		t.Fatal(err)
	}
	if text, err := io.ReadAll(f); err != nil || string(text) != "open" {
		t.Errorf("read %q, %v; want open", text, err)
	}
}

func TestTheProtocolsRenameDoesNotOverwrite(t *testing.T) {
	dir := t.TempDir()
	for _, name := range []string{"a", "b"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(name), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	c, err := login(start(t, dir, sftpd.Options{User: "hr", Password: secret.Of("pass")}), "hr", ssh.Password("pass"))
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Rename("a", "b"); err == nil {
		t.Error("b was overwritten")
	}
	if err := c.PosixRename("a", "b"); err != nil {
		t.Error(err)
	}
}

func TestConnectionsAreBoundedAndCloseCutsThem(t *testing.T) {
	s, err := sftpd.Start(t.TempDir(), sftpd.Options{User: "hr", Password: secret.Of("pass")})
	if err != nil {
		t.Fatal(err)
	}
	var clients []*sftp.Client
	for range 40 {
		if c, err := login(s, "hr", ssh.Password("pass")); err == nil {
			clients = append(clients, c)
		}
	}
	if len(clients) != 16 {
		t.Errorf("%d logins at once, want 16", len(clients))
	}
	if err := s.Close(); err != nil {
		t.Error(err)
	}
	for _, c := range clients {
		if _, err := c.Getwd(); err == nil {
			t.Error("a connection works after Close")
		}
	}
}
