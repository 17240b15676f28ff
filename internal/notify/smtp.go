package notify

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/textproto"
	"strings"
	"time"

	"github.com/wneessen/go-mail"
	"github.com/wneessen/go-mail/smtp"

	"rollcall/internal/secret"
)

// SMTP sends messages through one server. It keeps no connection between two.
type SMTP struct {
	server   server
	plain    bool // the server is this machine: no TLS
	from     string
	user     string
	password secret.Value
	onlyTo   []string
	roots    *x509.CertPool // nil: those of the system
	timeout  time.Duration  // of each of two steps: until the login is done, and sending
}

// stepTimeout bounds each of the two steps of sending.
const stepTimeout = 30 * time.Second

// NewSMTP makes the sender that o describes. The password is what o.Password
// refers to, read by the caller.
func NewSMTP(o Options, password secret.Value) (*SMTP, error) {
	s, err := parse(o.Server)
	if err != nil {
		return nil, fmt.Errorf("mail.server %w", err)
	}
	return &SMTP{
		server: s, plain: s.loopback() && !s.implicit, from: o.From, user: o.User, password: password,
		onlyTo: o.OnlyTo, timeout: stepTimeout,
	}, nil
}

// Send hands m over to the server. The connection is encrypted and its
// certificate verified, unless the server is this machine: nothing is ever sent
// in clear to another one. Sending ends with ctx, and after a minute in any case.
//
// Where the error is [Temporary] nobody has got the mail, or nobody can tell:
// send it again, under the same id. Any other error is for good; where it names
// recipients, they were refused and the others have got the mail.
func (s *SMTP) Send(ctx context.Context, m Message) error {
	from, to, msg, err := s.message(m)
	if err != nil {
		return &permanentError{err}
	}
	client, hangUp, err := s.dial(ctx)
	defer hangUp()
	if err != nil {
		return fmt.Errorf("mail server %s:%d: %w", s.server.host, s.server.port, err)
	}
	if err := talk(client, from, to, msg); err != nil {
		if ctx.Err() != nil {
			err = ctx.Err() // and not that the connection is closed
		}
		return fmt.Errorf("mail server %s:%d: %w", s.server.host, s.server.port, err)
	}
	return nil
}

// dial connects, encrypts and logs in. hangUp is never nil, and ends whatever
// connection there is.
func (s *SMTP) dial(ctx context.Context) (client *smtp.Client, hangUp func(), err error) {
	config := &tls.Config{ServerName: s.server.host, RootCAs: s.roots, MinVersion: tls.VersionTLS12}
	end := func() {}
	connect := func(dialing context.Context, network, address string) (net.Conn, error) {
		conn, err := new(net.Dialer).DialContext(dialing, network, address)
		if err != nil {
			return nil, err
		}
		hang := func() { _ = conn.Close() } // what had to be heard has been
		stop := context.AfterFunc(ctx, hang)
		end = func() { stop(); hang() }
		if s.server.implicit {
			return tls.Client(conn, config), nil
		}
		return conn, nil
	}
	policy := mail.TLSMandatory
	switch {
	case s.plain:
		policy = mail.NoTLS
	case s.server.implicit:
		policy = mail.TLSOpportunistic // it is there already
	}
	options := []mail.Option{
		mail.WithPort(s.server.port), mail.WithTimeout(s.timeout), mail.WithTLSConfig(config),
		mail.WithTLSPolicy(policy), mail.WithDialContextFunc(connect),
	}
	if s.user != "" {
		options = append(options, mail.WithUsername(s.user), mail.WithPassword(s.password.Reveal()))
		if s.plain {
			options = append(options, mail.WithOpportunisticSMTPAuth(mail.SMTPAuthSCRAMSHA256, mail.SMTPAuthCramMD5, mail.SMTPAuthPlainNoEnc, mail.SMTPAuthLoginNoEnc))
		} else {
			options = append(options, mail.WithSMTPAuth(mail.SMTPAuthAutoDiscover))
		}
	}
	dialer, err := mail.NewClient(s.server.host, options...)
	if err != nil {
		return nil, end, err
	}
	client, err = dialer.DialToSMTPClientWithContext(ctx)
	if err == nil {
		err = client.UpdateDeadline(s.timeout)
	}
	if err != nil && ctx.Err() != nil {
		err = ctx.Err() // and not that the connection is closed
	}
	return client, end, err
}

// talk sends one mail. A recipient who is refused for good does not keep the
// mail from the others; one who is refused for now does, so that a second try
// reaches nobody twice.
func talk(client *smtp.Client, from string, to []string, msg *mail.Msg) error {
	if err := client.Mail("<" + from + ">"); err != nil {
		return answer("sender", err)
	}
	var refused []string
	var why error
	for _, one := range to {
		switch err := answer("recipient "+one, client.Rcpt("<"+one+">")); {
		case err == nil:
		case Temporary(err):
			return err
		default:
			refused, why = append(refused, one), err
		}
	}
	if len(refused) < len(to) {
		w, err := client.Data()
		if err != nil {
			return answer("message", err)
		}
		if _, err := msg.WriteTo(w); err != nil {
			return fmt.Errorf("message: %w", err) // the connection is closed before its end is marked
		}
		if err := answer("message", w.Close()); err != nil {
			return err
		}
	}
	_ = client.Quit() // the mail is the server's by now
	if len(refused) > 0 {
		return &permanentError{fmt.Errorf("refused %s: %w", strings.Join(refused, ", "), errors.Unwrap(why))}
	}
	return nil
}

// answer says what the server answered, and whether that is for good: RFC 5321
// has the numbers from 500 mean that the same again will fail again.
func answer(to string, err error) error {
	if err == nil {
		return nil
	}
	err = fmt.Errorf("%s: %w", to, err)
	var said *textproto.Error
	if errors.As(err, &said) && said.Code >= 500 {
		return &permanentError{err}
	}
	return err
}

// permanentError is for good: the same message will fail again.
type permanentError struct{ err error }

func (e *permanentError) Error() string { return e.err.Error() }
func (e *permanentError) Unwrap() error { return e.err }

// Temporary tells whether it may help to send the message of a failed [SMTP.Send]
// again. A server that is down, a certificate or a login that is refused is
// temporary too: people mend those, and the message is not to blame.
func Temporary(err error) bool {
	var permanent *permanentError
	return err != nil && !errors.As(err, &permanent)
}
