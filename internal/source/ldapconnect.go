package source

import (
	"cmp"
	"context"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/url"
	"os"
	"regexp"
	"strings"
	"sync"
	"time"

	"github.com/go-ldap/ldap/v3"

	"rollcall/internal/roster"
)

// ldapTiming is how long each step may take.
type ldapTiming struct {
	dial      time.Duration
	handshake time.Duration // of TLS
	stall     time.Duration // without a byte of an answer
	whole     time.Duration // of a reading
	again     time.Duration // before a refused password is sent once more
}

func ldapOrdinary() ldapTiming {
	return ldapTiming{dial: 10 * time.Second, handshake: 15 * time.Second, stall: time.Minute, whole: 30 * time.Minute, again: 6 * time.Hour}
}

// Logins remembers which logins a directory has refused, so that a schedule does
// not send a wrong password until the account is locked. The zero value knows
// none. It may be used by several goroutines.
type Logins struct {
	mu      sync.Mutex
	refused map[[32]byte]time.Time
}

// refusedAt is when the login was refused last; the zero time where it was not.
func (l *Logins) refusedAt(login [32]byte) time.Time {
	if l == nil {
		return time.Time{}
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.refused[login]
}

func (l *Logins) refuse(login [32]byte) {
	if l == nil {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.refused == nil {
		l.refused = map[[32]byte]time.Time{}
	}
	l.refused[login] = time.Now()
}

// dialLDAP goes through the servers in order to the first that answers, makes the
// connection safe and logs in. Only a server that cannot be reached sends it on
// to the next: a certificate or a password that is refused ends it.
func dialLDAP(ctx context.Context, o Options, t ldapTiming) (*wire, error) {
	secure, err := o.tls()
	if err != nil {
		return nil, err
	}
	var away []string
	for _, u := range o.URLs {
		w, err := dialOne(ctx, o, u, "", secure, t)
		if err == nil {
			w.server, w.away = u, away
			return w, nil
		}
		r, refused := errors.AsType[*roster.Refusal](err)
		if !refused || r.Code != "E401" {
			return nil, err
		}
		away = append(away, r.Text)
	}
	return nil, &roster.Refusal{Code: "E401", Text: strings.Join(away, "; ")}
}

// dialBeside is one more connection to the machine at the other end of w, and to no
// other of that name: each counts a group's members in an order of its own. It ends
// with ctx.
func dialBeside(ctx context.Context, o Options, w *wire, t ldapTiming) (*wire, error) {
	secure, err := o.tls()
	if err != nil {
		return nil, err
	}
	beside, err := dialOne(ctx, o, w.server, w.conn.RemoteAddr().String(), secure, t)
	if err != nil {
		return nil, err
	}
	beside.server = w.server
	context.AfterFunc(ctx, func() { beside.conn.Close() })
	return beside, nil
}

// tls is how certificates are verified; there is no switch that skips it.
func (o Options) tls() (*tls.Config, error) {
	c := &tls.Config{MinVersion: tls.VersionTLS12, ServerName: o.ServerName}
	if o.CAFile != "" {
		text, err := os.ReadFile(o.CAFile)
		if err != nil {
			return nil, fmt.Errorf("source.ca_file: %w", err)
		}
		c.RootCAs = x509.NewCertPool()
		if !c.RootCAs.AppendCertsFromPEM(text) {
			return nil, fmt.Errorf("source.ca_file: %s holds no certificate in PEM", o.CAFile)
		}
	}
	if o.Bind.Certificate == "" {
		return c, nil
	}
	text, err := os.ReadFile(o.Bind.Certificate)
	if err != nil {
		return nil, fmt.Errorf("source.bind.certificate: %w", err)
	}
	key, err := o.Bind.Key.Read()
	if err != nil {
		return nil, unusable("source.bind.key", err)
	}
	pair, err := tls.X509KeyPair(text, []byte(key.Reveal()))
	if err != nil {
		return nil, errors.New("source.bind: certificate and key are not a pair in PEM")
	}
	c.Certificates = []tls.Certificate{pair}
	return c, nil
}

// dialOne is a connection to one server, safe and logged in; at is where it listens,
// "" for what its name says.
func dialOne(ctx context.Context, o Options, address, at string, secure *tls.Config, t ldapTiming) (*wire, error) {
	u, err := url.Parse(address)
	if err != nil {
		return nil, fmt.Errorf("source.urls: %q is no address", address)
	}
	addr := hostPort(u)
	dialer := net.Dialer{Timeout: t.dial}
	conn, err := dialer.DialContext(ctx, "tcp", cmp.Or(at, addr))
	if err != nil {
		if ctx.Err() != nil {
			return nil, context.Cause(ctx)
		}
		if op, ok := errors.AsType[*net.OpError](err); ok {
			err = op.Err
		}
		return nil, unreachable(addr, "cannot be reached: "+reason(err))
	}
	// A server that sends an answer byte by byte is never silent.
	ctx, cancel := context.WithTimeoutCause(ctx, t.handshake+t.stall, unreachable(addr, "did not finish the login in time"))
	defer cancel()
	stop := context.AfterFunc(ctx, func() { conn.Close() })
	w, err := converse(conn, o, u, secure, t)
	if !stop() {
		conn.Close()
		return nil, context.Cause(ctx)
	}
	if err != nil {
		conn.Close()
		return nil, err
	}
	return w, nil
}

func hostPort(u *url.URL) string {
	port := u.Port()
	switch {
	case port != "":
	case u.Scheme == "ldaps":
		port = "636"
	default:
		port = "389"
	}
	return net.JoinHostPort(u.Hostname(), port)
}

// converse makes a connection safe and logs in. No name and no password is sent
// before the certificate was verified, unless both ends are on this machine.
func converse(conn net.Conn, o Options, u *url.URL, secure *tls.Config, t ldapTiming) (*wire, error) {
	addr := hostPort(u)
	if secure.ServerName == "" {
		secure = secure.Clone()
		secure.ServerName = u.Hostname()
	}
	switch {
	case u.Scheme == "ldaps":
	case bool(o.StartTLS):
		w := newWire(conn, t.handshake)
		err := w.ask(tlv(extendedRequest, tlv(0x80, []byte(oidStartTLS))))
		var res result
		if err == nil {
			res, err = w.answer(extendedResponse)
		}
		if err != nil {
			return nil, unreachable(addr, "did not agree to StartTLS: "+reason(err))
		}
		if res.code != 0 {
			return nil, &roster.Refusal{Code: "E404", Text: addr + " refuses StartTLS (" + codeName(res.code) + ")", Fix: "have the server given a certificate, or write ldaps://"}
		}
		if w.r.Buffered() > 0 {
			return nil, &roster.Refusal{Code: "E404", Text: addr + " spoke on in clear after it agreed to StartTLS: somebody may be in between", Fix: "ask the server's owner; nothing was sent"}
		}
	default:
		if tcp, ok := conn.RemoteAddr().(*net.TCPAddr); !ok || !tcp.IP.IsLoopback() {
			return nil, &roster.Refusal{Code: "E404", Text: addr + " is not on this machine, and the connection would be in clear", Fix: "write ldaps:// or starttls: required"}
		}
		w := newWire(conn, t.stall)
		return w, bind(w, o, addr, t)
	}
	safe := tls.Client(conn, secure)
	if err := safe.SetDeadline(time.Now().Add(t.handshake)); err != nil {
		return nil, err
	}
	if err := safe.Handshake(); err != nil {
		return nil, unverified(addr, err)
	}
	if err := safe.SetDeadline(time.Time{}); err != nil {
		return nil, err
	}
	w := newWire(safe, t.stall)
	return w, bind(w, o, addr, t)
}

// unverified says what the error of a TLS handshake means.
func unverified(addr string, err error) error {
	refuse := func(text, fix string) error {
		return &roster.Refusal{Code: "E404", Text: addr + " " + text, Fix: fix}
	}
	if _, ok := errors.AsType[x509.UnknownAuthorityError](err); ok {
		return refuse("has a certificate of an unknown authority", "put the certificate of the authority that signed it, in PEM, into source.ca_file")
	}
	if h, ok := errors.AsType[x509.HostnameError](err); ok {
		if h.Certificate != nil && len(h.Certificate.DNSNames)+len(h.Certificate.IPAddresses) == 0 {
			return refuse("has a certificate without a subjectAltName", "have one made with the server's name in subjectAltName; the common name alone is not enough")
		}
		return refuse("has a certificate that is made out to another name", "name the server as its certificate does, in source.urls or in source.server_name")
	}
	if c, ok := errors.AsType[x509.CertificateInvalidError](err); ok && c.Reason == x509.Expired {
		return refuse("has a certificate that has expired or is not valid yet", "have it renewed, and check the clock of this machine")
	}
	if _, ok := errors.AsType[*tls.CertificateVerificationError](err); ok {
		return refuse("has a certificate that cannot be verified: "+reason(err), "")
	}
	if strings.Contains(err.Error(), "negative serial number") {
		return refuse("has a certificate with a negative serial number", "have one made anew; Samba's own is like that")
	}
	var alert tls.AlertError
	if header := (tls.RecordHeaderError{}); errors.As(err, &header) {
		return refuse("does not speak TLS here", "check the port: ldaps is 636; for 389 write ldap:// and starttls: required")
	}
	if errors.As(err, &alert) || strings.Contains(err.Error(), "remote error: tls") || strings.Contains(err.Error(), "protocol version") {
		return refuse("and rollcall agree on no TLS: "+reason(err), "the server needs TLS 1.2 or newer; where it asks for a client's certificate, set source.bind.certificate")
	}
	return unreachable(addr, "broke the connection off while it was made safe: "+reason(err))
}

// bind logs in, once. A refusal is never tried again by itself.
func bind(w *wire, o Options, addr string, t ldapTiming) error {
	var login [32]byte
	op := tlv(bindRequest, number(tagInteger, 3), octets(""), tlv(0xa3, octets("EXTERNAL"), octets("")))
	if o.Bind.Certificate == "" {
		password, err := o.Bind.Password.Read()
		if err != nil {
			return unusable("source.bind.password", err)
		}
		if password.Reveal() == "" { // a server would let in nobody in particular
			return errors.New("source.bind.password: is empty")
		}
		login = sha256.Sum256([]byte(strings.Join(o.URLs, "\x00") + "\x00\x00" + o.Bind.DN + "\x00\x00" + password.Reveal()))
		if at := o.Logins.refusedAt(login); time.Since(at) < t.again {
			return &roster.Refusal{
				Code: "E402",
				Text: fmt.Sprintf("the directory has refused this password at %s, and it is not sent again before %s, so that the account is not locked", at.Format("15:04"), at.Add(t.again).Format("15:04")),
				Fix:  "correct source.bind; a run by hand asks at once",
			}
		}
		op = tlv(bindRequest, number(tagInteger, 3), octets(o.Bind.DN), tlv(0x80, []byte(password.Reveal())))
	}
	err := w.ask(op, control(oidPolicy, false, nil))
	var res result
	if err == nil {
		res, err = w.answer(bindResponse)
	}
	switch {
	case err != nil:
		return unreachable(addr, "broke the connection off during the login: "+reason(err))
	case res.code == ldap.LDAPResultBusy || res.code == ldap.LDAPResultUnavailable:
		return unreachable(addr, "is "+strings.ToLower(codeName(res.code)))
	}
	why := refusedLogin(res)
	if why == nil {
		return nil
	}
	if why.wrong {
		o.Logins.refuse(login)
	}
	return &roster.Refusal{Code: "E402", Text: addr + " refused the login: " + why.text, Fix: why.fix}
}

// A denial is why a login was refused.
type denial struct {
	text, fix string
	wrong     bool // the password, so that sending it again may lock the account
}

// adData is where Active Directory says why, in its words for error 49.
var adData = regexp.MustCompile(`data ([0-9a-fA-F]{1,8})[,\s]`)

// refusedLogin says what the result of a bind means; nil where it let us in.
func refusedLogin(res result) *denial {
	const askAdmin = "ask the directory's administrator"
	switch res.policy() {
	case 0:
		return &denial{text: "the password of the bind account has expired", fix: "set a new one, and give such an account one that does not expire"}
	case 1:
		return &denial{text: "the bind account is locked", fix: askAdmin + " to unlock it, and find out who sends wrong passwords"}
	case 2:
		return &denial{text: "the password of the bind account must be changed first", fix: "change it, then put the new one where source.bind.password says"}
	}
	switch res.code {
	case ldap.LDAPResultSuccess:
		return nil
	case ldap.LDAPResultInvalidCredentials:
	case ldap.LDAPResultStrongAuthRequired, ldap.LDAPResultConfidentialityRequired:
		return &denial{text: "the server wants TLS or signing (" + codeName(res.code) + ")", fix: "write ldaps:// or starttls: required"}
	case ldap.LDAPResultInvalidDNSyntax:
		return &denial{text: "source.bind.dn is no name that the server knows (" + codeName(res.code) + ")", fix: "write the account's DN, or for Active Directory user@domain"}
	case ldap.LDAPResultAuthMethodNotSupported, ldap.LDAPResultInappropriateAuthentication:
		return &denial{text: "the server does not allow this way of logging in (" + codeName(res.code) + ")", fix: askAdmin + "; bind with dn and password, or with certificate and key"}
	default:
		return &denial{text: codeName(res.code), fix: askAdmin + " what the server's log says of it"}
	}
	data := ""
	if found := adData.FindStringSubmatch(res.text + " "); found != nil {
		data = strings.ToLower(found[1])
	}
	switch data {
	case "525":
		return &denial{text: "there is no such account (525)", fix: "correct source.bind.dn"}
	case "52e":
		return &denial{text: "the password is wrong (52e)", fix: "correct it where source.bind.password says", wrong: true}
	case "530", "531":
		return &denial{text: "the bind account may not log in at this hour or from this machine (" + data + ")", fix: askAdmin + " to allow it"}
	case "532":
		return &denial{text: "the password of the bind account has expired (532)", fix: "set a new one, and give such an account one that does not expire"}
	case "533":
		return &denial{text: "the bind account is disabled (533)", fix: askAdmin + " to enable it"}
	case "701":
		return &denial{text: "the bind account has expired (701)", fix: askAdmin + " to extend it"}
	case "773":
		return &denial{text: "the password of the bind account must be changed first (773)", fix: "change it, then put the new one where source.bind.password says"}
	case "775":
		return &denial{text: "the bind account is locked (775)", fix: askAdmin + " to unlock it, and find out who sends wrong passwords"}
	}
	return &denial{text: "name or password are wrong, or the account is locked", fix: "correct source.bind with the directory's administrator", wrong: true}
}

// codeName is a result's code as people look it up.
func codeName(code int) string {
	if name, ok := ldap.LDAPResultCodeMap[uint16(code)]; ok && code >= 0 && code < 1<<16 {
		return fmt.Sprintf("%s, %d", name, code)
	}
	return fmt.Sprintf("code %d", code)
}
