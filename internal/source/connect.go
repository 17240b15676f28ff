package source

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/pkg/sftp"
	"golang.org/x/crypto/ssh"

	"rollcall/internal/roster"
	"rollcall/internal/secret"
)

// timing is how long each step may take.
type timing struct {
	dial      time.Duration
	handshake time.Duration // with the login
	answer    time.Duration // to one question
	stall     time.Duration // without a byte in a transfer
	transfer  time.Duration // of a file, and a second more for each slowest bytes
	alive     time.Duration // between two signs of life; three without an answer end the connection
}

const slowest = 64 << 10

func ordinary() timing {
	return timing{
		dial:      10 * time.Second,
		handshake: 20 * time.Second,
		answer:    30 * time.Second,
		stall:     time.Minute,
		transfer:  15 * time.Minute,
		alive:     15 * time.Second,
	}
}

// A connection is a login at an SFTP server.
type connection struct {
	addr   string
	timing timing
	ssh    *ssh.Client
	sftp   *sftp.Client
	slow   bool // sftp reads one piece after the other
	meter  *meter
	lost   atomic.Bool
	done   chan struct{} // closed by close
	others sync.WaitGroup
}

// connect dials, verifies the host key, logs in and begins SFTP. A key that is
// not believed is refused and the server asked for one of another type, on a
// new connection, because servers prove only one.
func connect(ctx context.Context, o Options, addr string, t timing) (*connection, error) {
	methods, err := login(o)
	if err != nil {
		return nil, err
	}
	trust, err := newTrust(o, addr)
	if err != nil {
		return nil, err
	}
	var offered []OfferedKey
	revoked := false
	for kinds := trust.kinds(); len(kinds) > 0; {
		var refused ssh.PublicKey
		verified := false
		client, err := handshake(ctx, addr, t, &ssh.ClientConfig{
			User:              o.User,
			Auth:              methods,
			HostKeyAlgorithms: algorithms(kinds),
			HostKeyCallback: func(name string, remote net.Addr, key ssh.PublicKey) error {
				err := trust.check(name, remote, key)
				revoked = revoked || isRevoked(err)
				if verified = err == nil; !verified {
					refused = key
				}
				return err
			},
		})
		switch {
		case err == nil:
			return newConnection(ctx, client, addr, t)
		case refused != nil:
			offered = append(offered, OfferedKey{refused.Type(), ssh.FingerprintSHA256(refused)})
			kinds = slices.DeleteFunc(kinds, func(k kind) bool { return k.proves(refused) })
		case hasNoSuchKey(err):
			kinds = nil
		case verified && ctx.Err() == nil && !isNetwork(err):
			return nil, notLetIn(o, addr)
		default:
			return nil, unreached(ctx, addr, err)
		}
	}
	if len(offered) == 0 {
		if offered, err = offers(ctx, addr, t); err != nil {
			return nil, err
		}
	}
	return nil, trust.refusal(offered, revoked)
}

func algorithms(kinds []kind) []string {
	var all []string
	for _, k := range kinds {
		all = append(all, k.algorithms...)
	}
	return all
}

// proves tells whether key is of this kind.
func (k kind) proves(key ssh.PublicKey) bool {
	if _, ok := key.(*ssh.Certificate); ok {
		return k.name == certificates().name
	}
	return k.name == key.Type()
}

// handshake dials and does all of SSH up to the login. Its error is the bare
// one, for the caller to look into; [unreached] makes a refusal of it.
func handshake(ctx context.Context, addr string, t timing, config *ssh.ClientConfig) (*ssh.Client, error) {
	dialer := net.Dialer{Timeout: t.dial}
	raw, err := dialer.DialContext(ctx, "tcp", addr)
	if err != nil {
		return nil, err
	}
	if err := raw.SetDeadline(time.Now().Add(t.handshake)); err != nil {
		return nil, errors.Join(err, raw.Close())
	}
	stop := context.AfterFunc(ctx, func() { raw.Close() })
	conn, channels, requests, err := ssh.NewClientConn(raw, addr, config)
	if !stop() {
		raw.Close()
		return nil, context.Cause(ctx)
	}
	if err == nil {
		err = raw.SetDeadline(time.Time{})
	}
	if err != nil {
		raw.Close()
		return nil, err
	}
	return ssh.NewClient(conn, channels, requests), nil
}

// unreached says what the error of a handshake means.
func unreached(ctx context.Context, addr string, err error) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	if op, ok := errors.AsType[*net.OpError](err); ok && op.Op == "dial" {
		return unreachable(addr, "cannot be reached: "+reason(op.Err))
	}
	return unreachable(addr, "answered, but did not speak SSH to the end: "+reason(err))
}

// hasNoSuchKey tells whether the server has no key of the types asked for.
func hasNoSuchKey(err error) bool {
	n, ok := errors.AsType[*ssh.AlgorithmNegotiationError](err)
	return ok && n.What == "host key"
}

func isNetwork(err error) bool {
	_, ok := errors.AsType[net.Error](err)
	return ok || errors.Is(err, io.EOF)
}

func unreachable(addr, text string) *roster.Refusal {
	return &roster.Refusal{Code: "E401", Text: addr + " " + text}
}

// reason is an error's text, in which a server may have a say.
func reason(err error) string {
	if n, ok := errors.AsType[net.Error](err); ok && n.Timeout() {
		return "it did not answer in time"
	}
	if errors.Is(err, io.EOF) {
		return "it closed the connection"
	}
	text := strings.TrimPrefix(err.Error(), "ssh: handshake failed: ")
	quoted := printable(text)
	return quoted[1 : len(quoted)-1]
}

func notLetIn(o Options, addr string) error {
	with := "the key"
	switch {
	case o.Key.IsZero():
		with = "the password"
	case !o.Password.IsZero():
		with = "key and password"
	}
	return &roster.Refusal{Code: "E402", Text: fmt.Sprintf("%s refused the user with %s", addr, with)}
}

// unusable refuses to ask a source: a secret that the configuration names at
// path cannot be used. It is a fault of the configuration (exit 15).
func unusable(path string, err error) error {
	if u, ok := errors.AsType[*secret.Unusable](err); ok {
		return &roster.Refusal{Code: "C107", Text: path + ": " + u.Text, Fix: u.Fix}
	}
	return fmt.Errorf("%s: %w", path, err)
}

// login is how we prove who we are. The secrets are read anew for each
// connection, so that a changed one needs no restart.
func login(o Options) ([]ssh.AuthMethod, error) {
	var methods []ssh.AuthMethod
	if !o.Key.IsZero() {
		text, err := o.Key.Read()
		if err != nil {
			return nil, unusable("source.key", err)
		}
		signer, err := ssh.ParsePrivateKey([]byte(text.Reveal()))
		if _, locked := errors.AsType[*ssh.PassphraseMissingError](err); locked {
			return nil, unusable("source.key", &secret.Unusable{Text: "the private key is protected by a passphrase, which is not supported", Fix: "make one without for rollcall alone, with ssh-keygen -t ed25519 -N ''"})
		}
		if err != nil {
			return nil, unusable("source.key", &secret.Unusable{Text: "not a private key as ssh-keygen writes it", Fix: "name the private key, the file without .pub"})
		}
		methods = append(methods, ssh.PublicKeys(signer))
	}
	if !o.Password.IsZero() {
		text, err := o.Password.Read()
		if err != nil {
			return nil, unusable("source.password", err)
		}
		if text.Reveal() == "" {
			return nil, errors.New("source.password: is empty")
		}
		methods = append(methods, ssh.Password(text.Reveal()), ssh.KeyboardInteractive(answer(text.Reveal())))
	}
	return methods, nil
}

// answer gives the password to a server that asks for it in a dialogue, and to
// no other question.
func answer(password string) ssh.KeyboardInteractiveChallenge {
	return func(_, _ string, questions []string, echos []bool) ([]string, error) {
		if len(questions) == 0 {
			return nil, nil
		}
		if len(questions) > 1 || echos[0] || !strings.Contains(strings.ToLower(questions[0]), "passw") {
			return nil, errors.New("the server asks for more than a password")
		}
		return []string{password}, nil
	}
}

// newConnection begins SFTP and the signs of life.
func newConnection(ctx context.Context, client *ssh.Client, addr string, t timing) (*connection, error) {
	c := &connection{addr: addr, timing: t, ssh: client, meter: &meter{}, done: make(chan struct{})}
	c.others.Go(c.keepAlive)
	c.others.Go(func() {
		_ = client.Wait() // why it ended, the step that noticed tells
		c.lost.Store(true)
	})
	err := c.step(ctx, t.answer, func() (err error) {
		c.sftp, err = c.begin()
		return err
	})
	if err != nil {
		c.close()
		return nil, err
	}
	return c, nil
}

// begin starts an SFTP session whose bytes are metered.
func (c *connection) begin(options ...sftp.ClientOption) (*sftp.Client, error) {
	session, err := c.ssh.NewSession()
	if err != nil {
		return nil, c.unserved(err)
	}
	in, err := session.StdinPipe()
	if err != nil {
		return nil, err
	}
	out, err := session.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := session.RequestSubsystem("sftp"); err != nil {
		return nil, c.unserved(err)
	}
	client, err := sftp.NewClientPipe(&metered{out, c.meter}, in, options...)
	if err != nil {
		return nil, c.unserved(err)
	}
	return client, nil
}

// unserved tells a server that serves no SFTP from one that is gone.
func (c *connection) unserved(err error) error {
	if c.lost.Load() {
		return err
	}
	return &roster.Refusal{Code: "E402", Text: c.addr + " let the user in, but serves no SFTP", Fix: "ask the server's owner to allow the user SFTP"}
}

// slowDown makes the session read one piece after the other from now on.
func (c *connection) slowDown() error {
	if c.slow {
		return nil
	}
	_ = c.sftp.Close() // the server may allow a login one session
	slow, err := c.begin(sftp.UseConcurrentReads(false))
	if err != nil {
		return err
	}
	c.sftp, c.slow = slow, true
	return nil
}

// step does one thing with a deadline. When that passes or ctx ends, the
// connection is cut, because nothing else ends a question to a silent server.
func (c *connection) step(ctx context.Context, limit time.Duration, do func() error) error {
	ctx, cancel := context.WithTimeoutCause(ctx, limit, unreachable(c.addr, fmt.Sprintf("did not answer within %s", limit)))
	defer cancel()
	stop := context.AfterFunc(ctx, c.cut)
	err := do()
	if !stop() {
		c.cut()
		return context.Cause(ctx)
	}
	if err == nil || isAnswer(err) {
		return err
	}
	c.cut()
	return unreachable(c.addr, "broke the connection off: "+reason(err))
}

// isAnswer tells whether err is what the server says, not what became of the connection.
func isAnswer(err error) bool {
	_, refused := errors.AsType[*roster.Refusal](err)
	return refused || isStatus(err) || errors.Is(err, fs.ErrNotExist) || errors.Is(err, fs.ErrPermission)
}

// cut ends the connection at once; whoever waits for it gets an error.
func (c *connection) cut() {
	c.lost.Store(true)
	_ = c.ssh.Close() // an error means that it has ended
}

// close ends the connection and everything that runs for it.
func (c *connection) close() {
	close(c.done)
	c.cut()
	if c.sftp != nil {
		_ = c.sftp.Close() // cut already; this waits for its reader
	}
	c.others.Wait()
}

// keepAlive asks for a sign of life, and cuts the connection where none comes.
func (c *connection) keepAlive() {
	tick := time.NewTicker(c.timing.alive)
	defer tick.Stop()
	for {
		select {
		case <-c.done:
			return
		case <-tick.C:
		}
		late := time.AfterFunc(3*c.timing.alive, c.cut)
		_, _, err := c.ssh.SendRequest("keepalive@openssh.com", true, nil)
		late.Stop()
		if err != nil {
			return
		}
	}
}

// A meter bounds how much a server may say.
type meter struct {
	bounded atomic.Bool
	left    atomic.Int64
}

func (m *meter) allow(bytes int64) { m.left.Store(bytes); m.bounded.Store(true) }
func (m *meter) free()             { m.bounded.Store(false) }
func (m *meter) spent() bool       { return m.bounded.Load() && m.left.Load() < 0 }

type metered struct {
	io.Reader
	meter *meter
}

func (r *metered) Read(p []byte) (int, error) {
	n, err := r.Reader.Read(p)
	if r.meter.bounded.Load() && r.meter.left.Add(-int64(n)) < 0 {
		return 0, errors.New("too much")
	}
	return n, err
}

func address(o Options) string {
	port := o.Port
	if port == 0 {
		port = 22
	}
	return net.JoinHostPort(o.Host, strconv.Itoa(port))
}
