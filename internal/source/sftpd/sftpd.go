// Package sftpd is a small SFTP server inside the process: the one that the
// demo drops its files on, and one that tests can teach to misbehave. It
// serves a single folder on loopback, lets nobody out of it, takes no uploads,
// and ends with [Server.Close]. It is no server for production.
package sftpd

import (
	"crypto/ed25519"
	"crypto/subtle"
	"encoding/pem"
	"errors"
	"io"
	"net"
	"os"
	"slices"
	"sync"
	"time"

	"github.com/pkg/sftp"
	"golang.org/x/crypto/ssh"

	"rollcall/internal/secret"
)

const (
	maxConnections = 16
	maxSessions    = 4 // of one connection
	loginTime      = 20 * time.Second
)

// Options say who may log in, and what else differs from an ordinary server.
type Options struct {
	User     string
	Password secret.Value                      // the zero Value: no login by password
	Keys     []ssh.PublicKey                   // that may log in
	HostKeys []ssh.Signer                      // none: a new Ed25519 key
	Wrap     func(sftp.Handlers) sftp.Handlers // what a test changes; nil for nothing

	// Pipe lies between the server and its client, where a test wants to see or
	// change the packets; nil for nothing.
	Pipe func(io.ReadWriteCloser) io.ReadWriteCloser
}

// A Server serves one folder until it is closed.
type Server struct {
	listener net.Listener
	config   *ssh.ServerConfig
	root     *os.Root
	handlers sftp.Handlers
	pipe     func(io.ReadWriteCloser) io.ReadWriteCloser
	key      ssh.PublicKey
	running  sync.WaitGroup

	mu     sync.Mutex
	conns  map[net.Conn]bool
	closed bool
}

// Start serves dir on a free port of 127.0.0.1.
func Start(dir string, o Options) (*Server, error) {
	if o.User == "" || o.Password.Reveal() == "" && len(o.Keys) == 0 {
		return nil, errors.New("sftpd: nobody could log in; name a user, and a password or a key")
	}
	s := &Server{conns: map[net.Conn]bool{}}
	if len(o.HostKeys) == 0 {
		signer, err := newKey()
		if err != nil {
			return nil, err
		}
		o.HostKeys = []ssh.Signer{signer}
	}
	s.key = o.HostKeys[0].PublicKey()
	s.config = config(o)
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, err
	}
	s.root = root
	s.handlers = handlers(root)
	if o.Wrap != nil {
		s.handlers = o.Wrap(s.handlers)
	}
	s.pipe = func(c io.ReadWriteCloser) io.ReadWriteCloser { return c }
	if o.Pipe != nil {
		s.pipe = o.Pipe
	}
	if s.listener, err = net.Listen("tcp", "127.0.0.1:0"); err != nil {
		return nil, errors.Join(err, root.Close())
	}
	s.running.Go(s.accept)
	return s, nil
}

func newKey() (ssh.Signer, error) {
	_, private, err := ed25519.GenerateKey(nil)
	if err != nil {
		return nil, err
	}
	return ssh.NewSignerFromKey(private)
}

// ClientKey writes a new private key to path, for the one who logs in, and
// answers with its public half, as [Options].Keys takes it.
func ClientKey(path string) ([]ssh.PublicKey, error) {
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
	key, err := ssh.NewPublicKey(public)
	if err != nil {
		return nil, err
	}
	return []ssh.PublicKey{key}, nil
}

var errRefused = errors.New("refused")

func config(o Options) *ssh.ServerConfig {
	c := &ssh.ServerConfig{MaxAuthTries: 3}
	if o.Password.Reveal() != "" {
		c.PasswordCallback = func(who ssh.ConnMetadata, password []byte) (*ssh.Permissions, error) {
			if who.User() != o.User || subtle.ConstantTimeCompare(password, []byte(o.Password.Reveal())) != 1 {
				return nil, errRefused
			}
			return nil, nil
		}
	}
	if len(o.Keys) > 0 {
		c.PublicKeyCallback = func(who ssh.ConnMetadata, key ssh.PublicKey) (*ssh.Permissions, error) {
			same := func(k ssh.PublicKey) bool { return string(k.Marshal()) == string(key.Marshal()) }
			if who.User() != o.User || !slices.ContainsFunc(o.Keys, same) {
				return nil, errRefused
			}
			return nil, nil
		}
	}
	for _, k := range o.HostKeys {
		c.AddHostKey(k)
	}
	return c
}

// Addr is host:port.
func (s *Server) Addr() string { return s.listener.Addr().String() }

// Port is that of Addr.
func (s *Server) Port() int { return s.listener.Addr().(*net.TCPAddr).Port }

// Fingerprint is that of the host key, the first where there are several.
func (s *Server) Fingerprint() string { return ssh.FingerprintSHA256(s.key) }

// Close cuts all connections and returns when nothing runs any more.
func (s *Server) Close() error {
	err := s.listener.Close()
	s.mu.Lock()
	s.closed = true
	for c := range s.conns {
		c.Close()
	}
	s.mu.Unlock()
	s.running.Wait()
	return errors.Join(err, s.root.Close())
}

func (s *Server) accept() {
	for {
		c, err := s.listener.Accept()
		if errors.Is(err, net.ErrClosed) {
			return
		}
		if err != nil {
			time.Sleep(50 * time.Millisecond) // no more files for now; the next may have one
			continue
		}
		if !s.admit(c) {
			c.Close()
			continue
		}
		s.running.Go(func() {
			defer s.leave(c)
			s.serve(c)
		})
	}
}

func (s *Server) admit(c net.Conn) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed || len(s.conns) >= maxConnections {
		return false
	}
	s.conns[c] = true
	return true
}

func (s *Server) leave(c net.Conn) {
	c.Close()
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.conns, c)
}

// serve does one connection to its end.
func (s *Server) serve(c net.Conn) {
	if c.SetDeadline(time.Now().Add(loginTime)) != nil {
		return
	}
	conn, channels, requests, err := ssh.NewServerConn(c, s.config)
	if err != nil || c.SetDeadline(time.Time{}) != nil {
		return
	}
	defer conn.Close()
	var sessions sync.WaitGroup
	defer sessions.Wait()
	sessions.Go(func() { ssh.DiscardRequests(requests) })
	free := make(chan struct{}, maxSessions)
	for offer := range channels {
		if offer.ChannelType() != "session" {
			_ = offer.Reject(ssh.UnknownChannelType, "only sessions")
			continue
		}
		select {
		case free <- struct{}{}:
		default:
			_ = offer.Reject(ssh.ResourceShortage, "too many sessions")
			continue
		}
		sessions.Go(func() {
			defer func() { <-free }()
			s.session(offer)
		})
	}
}

// session serves SFTP to who asks for it, and nothing else.
func (s *Server) session(offer ssh.NewChannel) {
	channel, requests, err := offer.Accept()
	if err != nil {
		return
	}
	defer channel.Close()
	for r := range requests {
		wanted := r.Type == "subsystem" && len(r.Payload) > 4 && string(r.Payload[4:]) == "sftp"
		if r.Reply(wanted, nil) != nil {
			return
		}
		if wanted {
			break
		}
	}
	var rest sync.WaitGroup
	rest.Go(func() { ssh.DiscardRequests(requests) })
	_ = sftp.NewRequestServer(s.pipe(channel), s.handlers).Serve() // how it ends, the client knows
	channel.Close()
	rest.Wait()
}
