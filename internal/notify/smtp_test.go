package notify

import (
	"bufio"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"errors"
	"io"
	"math/big"
	"mime"
	"mime/multipart"
	"net"
	"net/mail"
	"strings"
	"sync"
	"testing"
	"time"

	"rollcall/internal/secret"
	"rollcall/internal/shore"
)

// sender sends to addr, in clear if it is this machine.
func sender(t *testing.T, url string, change ...func(*Options)) *SMTP {
	t.Helper()
	o := Options{Server: url, From: "rollcall <rollcall@example.org>"}
	for _, c := range change {
		c(&o)
	}
	if faults := o.Validate(); len(faults) > 0 {
		t.Fatal(faults[0])
	}
	s, err := NewSMTP(o, secret.Value{})
	if err != nil {
		t.Fatal(err)
	}
	s.timeout = 5 * time.Second
	return s
}

func hello(to ...string) Message {
	return Message{
		ID: "run41.ok.abc@example.org", To: to, ReplyTo: "HR IT <hr-it@example.org>",
		Subject: "[rollcall] OK hr-csv: 7 added",
		Text:    "Zażółć gęślą jaźń.\n.\nFrom here on: " + strings.Repeat("long ", 300) + "line\nend\n",
		HTML:    "<!DOCTYPE html>\n<p>Zażółć " + strings.Repeat("<b>gęślą</b> ", 300) + "</p>\n",
		Headers: map[string]string{"Auto-Submitted": "auto-generated", "In-Reply-To": "<hr-csv.202611@example.org>", "List-Id": "hr-csv runs <hr-csv.rollcall.example.org>"},
	}
}

func parsed(t *testing.T, text string) *mail.Message {
	t.Helper()
	m, err := mail.ReadMessage(strings.NewReader(text))
	if err != nil {
		t.Fatalf("%v in %q", err, text)
	}
	return m
}

func TestAMailArrivesAsItWasMeant(t *testing.T) {
	box := shore.SMTP(t)
	m := hello("Ada <ada@example.org>", "bob@example.org", "ada@example.org")
	m.High = true
	m.Attach = []Attachment{{Name: "problems.csv", Type: "text/csv", Data: []byte("run,line\r\n41,2\r\n")}}
	if err := sender(t, "smtp://"+box.Addr).Send(t.Context(), m); err != nil {
		t.Fatal(err)
	}
	got := parsed(t, box.Wait(t, 1)[0])
	for name, want := range map[string]string{
		"Message-Id": "<run41.ok.abc@example.org>", "From": `"rollcall" <rollcall@example.org>`, "To": `"Ada" <ada@example.org>, <bob@example.org>`,
		"Reply-To": `"HR IT" <hr-it@example.org>`, "Subject": m.Subject, "Auto-Submitted": "auto-generated",
		"In-Reply-To": "<hr-csv.202611@example.org>", "List-Id": "hr-csv runs <hr-csv.rollcall.example.org>",
		"Importance": "high", "X-Priority": "1", "User-Agent": "", "X-Mailer": "",
	} {
		if has := got.Header.Get(name); has != want {
			t.Errorf("%s = %q, want %q", name, has, want)
		}
	}
	_, params, err := mime.ParseMediaType(got.Header.Get("Content-Type"))
	if err != nil {
		t.Fatal(err)
	}
	parts := multipart.NewReader(got.Body, params["boundary"])
	both, err := parts.NextPart()
	if err != nil {
		t.Fatal(err)
	}
	kind, params, err := mime.ParseMediaType(both.Header.Get("Content-Type"))
	if err != nil || kind != "multipart/alternative" {
		t.Fatalf("first part = %q, %v, want multipart/alternative", kind, err)
	}
	alternatives := multipart.NewReader(both, params["boundary"])
	if text := unflowed(strings.ReplaceAll(next(t, alternatives, "", "text/plain; charset=UTF-8; format=flowed"), "\r\n", "\n")); text != m.Text {
		t.Errorf("text = %q, want %q", text, m.Text)
	}
	if page := strings.ReplaceAll(next(t, alternatives, "", "text/html; charset=UTF-8"), "\r\n", "\n"); page != m.HTML {
		t.Errorf("page = %q, want %q", page, m.HTML)
	}
	if table := next(t, parts, "problems.csv", "text/csv; charset=utf-8; name=problems.csv"); !strings.Contains(table, "77u/cnVu") { // the mark, and "run", in base64
		t.Errorf("table = %q, want it to begin with a byte order mark", table)
	}
}

// next reads one part, and undoes quoted-printable.
func next(t *testing.T, parts *multipart.Reader, name, kind string) string {
	t.Helper()
	p, err := parts.NextPart()
	if err != nil {
		t.Fatal(err)
	}
	if p.FileName() != name {
		t.Errorf("part = %q, want %q", p.FileName(), name)
	}
	if media, params, err := mime.ParseMediaType(p.Header.Get("Content-Type")); err != nil || mime.FormatMediaType(media, params) != kind {
		t.Errorf("part = %q, %v, want %q", mime.FormatMediaType(media, params), err, kind)
	}
	if p.FileName() == "" && p.Header.Get("Content-Transfer-Encoding") != "" { // which the reader takes away once it is undone
		t.Errorf("encoding = %q, want quoted-printable", p.Header.Get("Content-Transfer-Encoding"))
	}
	text, err := io.ReadAll(p)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func TestRefusalsForNowAndForGood(t *testing.T) {
	box := shore.SMTP(t)
	s := sender(t, "smtp://"+box.Addr)
	for _, tt := range []struct {
		name      string
		to        []string
		temporary bool
	}{
		{"an unknown user", []string{"bad@example.org"}, false},
		{"another domain", []string{"ada@example.com"}, false},
		{"a greylisted user", []string{"grey@example.org"}, true},
		{"a greylisted user among others", []string{"ada@example.org", "grey@example.org", "bad@example.org"}, true},
		{"an unknown and then a greylisted user", []string{"bad@example.org", "grey@example.org"}, true},
	} {
		err := s.Send(t.Context(), hello(tt.to...))
		if err == nil {
			t.Errorf("%s: sent", tt.name)
			continue
		}
		if Temporary(err) != tt.temporary {
			t.Errorf("%s: temporary = %t, want %t (%v)", tt.name, !tt.temporary, tt.temporary, err)
		}
	}
	if err := s.Send(t.Context(), hello("ada@example.org")); err != nil {
		t.Fatal(err)
	}
	if got := len(box.Wait(t, 1)); got != 1 {
		t.Errorf("mails = %d, want only the last", got)
	}
}

func TestOneWhoIsRefusedKeepsTheMailFromNobodyElse(t *testing.T) {
	box := shore.SMTP(t)
	err := sender(t, "smtp://"+box.Addr).Send(t.Context(), hello("bad@example.org", "ada@example.org"))
	if err == nil || Temporary(err) || !strings.Contains(err.Error(), "refused bad@example.org: ") {
		t.Errorf("error = %v, want one that names bad@example.org, for good", err)
	}
	if got := box.Wait(t, 1); len(got) != 1 {
		t.Errorf("mails = %d, want 1", len(got))
	}
}

func TestAServerThatIsDownIsTemporary(t *testing.T) {
	box := shore.SMTP(t)
	s := sender(t, "smtp://"+box.Addr)
	box.Stop(t)
	err := s.Send(t.Context(), hello("ada@example.org"))
	if !Temporary(err) {
		t.Errorf("error = %v, want a temporary one", err)
	}
	box.Start(t)
	if err := s.Send(t.Context(), hello("ada@example.org")); err != nil {
		t.Errorf("after it came back: %v", err)
	}
}

func TestNothingIsSentInClearToAnotherMachine(t *testing.T) {
	box := shore.SMTP(t)
	s := sender(t, "smtp://"+box.Addr)
	s.plain = false // as if it were another one; it offers no STARTTLS
	err := s.Send(t.Context(), hello("ada@example.org"))
	if err == nil || !strings.Contains(err.Error(), "STARTTLS") {
		t.Errorf("error = %v, want that the server does not support STARTTLS", err)
	}
	if !Temporary(err) {
		t.Error("a server without TLS is for good, want temporary: the mail is not to blame")
	}
	if got := len(box.Messages(t)); got != 0 {
		t.Errorf("mails = %d, want none", got)
	}
}

func TestOnlyThisMachineIsSpokenToInClear(t *testing.T) {
	for url, want := range map[string]bool{
		"smtp://127.0.0.1:25": true, "smtp://127.8.8.8": true, "smtp://[::1]:25": true, "smtp://localhost": true,
		"smtp://192.0.2.1": false, "smtp://localhost.example.org": false, "smtp://mail.example.org:587": false, "smtp://127.0.0.1.example.org": false,
		"smtps://127.0.0.1": false, "smtp://0.0.0.0": false,
	} {
		if got := sender(t, url).plain; got != want {
			t.Errorf("%s: in clear = %t, want %t", url, got, want)
		}
	}
}

// Both ways of TLS: from the first byte, and by STARTTLS.
func TestP14AServerThatCannotBeVerifiedGetsNoMail(t *testing.T) {
	box := shore.SMTP(t)
	certificate, roots := certify(t)
	config := &tls.Config{Certificates: []tls.Certificate{certificate}}
	sent := 0
	for scheme, upgrade := range map[string]func(net.Conn) net.Conn{
		"smtps": func(c net.Conn) net.Conn { return tls.Server(c, config) },
		"smtp":  func(c net.Conn) net.Conn { return startTLS(c, config) },
	} {
		s := sender(t, scheme+"://"+relay(t, box.Addr, upgrade))
		s.plain = false
		if err := s.Send(t.Context(), hello("ada@example.org")); !errors.As(err, new(x509.UnknownAuthorityError)) || !Temporary(err) {
			t.Errorf("%s: error = %v, want an unknown authority, temporary", scheme, err)
		}
		if got := len(box.Messages(t)); got != sent {
			t.Errorf("%s: mails = %d, want none", scheme, got-sent)
		}
		s.roots = roots
		if err := s.Send(t.Context(), hello("ada@example.org")); err != nil {
			t.Fatalf("%s: %v", scheme, err)
		}
		sent++
		if got := len(box.Wait(t, sent)); got != sent {
			t.Errorf("%s: mails = %d, want %d", scheme, got, sent)
		}
	}
}

// relay lets a server be reached through upgrade.
func relay(t *testing.T, behind string, upgrade func(net.Conn) net.Conn) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	serve(t, listener, func(plain net.Conn) {
		conn := upgrade(plain)
		server, err := net.Dial("tcp", behind)
		if err != nil {
			return
		}
		defer server.Close()
		from := io.Reader(server)
		if _, direct := conn.(*upgraded); direct { // the greeting has been given
			buffered := bufio.NewReader(server)
			_, _ = buffered.ReadString('\n')
			from = buffered
		}
		go func() { _, _ = io.Copy(server, conn); _ = server.(*net.TCPConn).CloseWrite() }()
		_, _ = io.Copy(conn, from)
	})
	return listener.Addr().String()
}

// upgraded is a connection that began in clear.
type upgraded struct{ *tls.Conn }

// startTLS is the beginning of a session that offers STARTTLS and nothing else.
func startTLS(c net.Conn, config *tls.Config) net.Conn {
	_, _ = io.WriteString(c, "220 relay\r\n")
	lines := bufio.NewReader(c)
	_, _ = lines.ReadString('\n') // EHLO
	_, _ = io.WriteString(c, "250-relay\r\n250 STARTTLS\r\n")
	_, _ = lines.ReadString('\n') // STARTTLS
	_, _ = io.WriteString(c, "220 go\r\n")
	return &upgraded{tls.Server(c, config)}
}

// certify makes a certificate for 127.0.0.1 that only roots vouch for.
func certify(t *testing.T) (_ tls.Certificate, roots *x509.CertPool) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "rollcall test"}, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour), IsCA: true, BasicConstraintsValid: true,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	leaf, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	roots = x509.NewCertPool()
	roots.AddCert(leaf)
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, roots
}

// serve lets one page of code answer every connection, until the test ends.
func serve(t *testing.T, listener net.Listener, answer func(net.Conn)) {
	t.Helper()
	var all sync.WaitGroup
	all.Go(func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			all.Go(func() {
				defer conn.Close()
				answer(conn)
			})
		}
	})
	t.Cleanup(func() {
		_ = listener.Close()
		all.Wait()
	})
}

// silent accepts connections and says nothing, or only what it is given.
func silent(t *testing.T, says string) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	serve(t, listener, func(conn net.Conn) {
		_, _ = io.WriteString(conn, says)
		_, _ = io.Copy(io.Discard, conn) // until the other side hangs up
	})
	return listener.Addr().String()
}

func TestAServerThatSaysNothingIsGivenUp(t *testing.T) {
	for name, says := range map[string]string{"no greeting": "", "only a greeting": "220 tar\r\n", "half a greeting": "220-tar\r\n"} {
		s := sender(t, "smtp://"+silent(t, says))
		s.timeout = 200 * time.Millisecond
		begin := time.Now()
		err := s.Send(t.Context(), hello("ada@example.org"))
		if took := time.Since(begin); !Temporary(err) || took > 3*time.Second {
			t.Errorf("%s: %v after %v, want a temporary error within seconds", name, err, took)
		}
	}
}

func TestSendingEndsWithItsContext(t *testing.T) {
	s := sender(t, "smtp://"+silent(t, "220 tar\r\n"))
	s.timeout = time.Minute
	ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
	defer cancel()
	begin := time.Now()
	err := s.Send(ctx, hello("ada@example.org"))
	if took := time.Since(begin); !errors.Is(err, context.DeadlineExceeded) || took > 5*time.Second {
		t.Errorf("error = %v after %v, want that the time is over, at once", err, took)
	}
}

func TestOnlyToKeepsTheMailFromEverybodyElse(t *testing.T) {
	box := shore.SMTP(t)
	s := sender(t, "smtp://"+box.Addr, func(o *Options) { o.OnlyTo = []string{"tester@example.org"} })
	if err := s.Send(t.Context(), hello("bad@example.org", "hr@example.com")); err != nil {
		t.Fatal(err)
	}
	got := parsed(t, box.Wait(t, 1)[0])
	if to := got.Header.Get("To"); to != "<tester@example.org>" {
		t.Errorf("To = %q, want the tester alone", to)
	}
	if meant, want := got.Header.Get("X-Rollcall-Meant-For"), "bad@example.org, hr@example.com"; meant != want {
		t.Errorf("X-Rollcall-Meant-For = %q, want %q", meant, want)
	}
}

func TestNoHeaderCanBeSmuggledIn(t *testing.T) {
	const evil = "x\r\nBcc: mallory@example.org"
	s := sender(t, "smtp://127.0.0.1:1") // nothing gets that far
	for name, change := range map[string]func(*Message){
		"subject":         func(m *Message) { m.Subject = evil },
		"id":              func(m *Message) { m.ID = evil },
		"recipient":       func(m *Message) { m.To = []string{"ada@example.org\r\nRCPT TO:<mallory@example.org>"} },
		"name":            func(m *Message) { m.To = []string{"\"a\r\nBcc: mallory@example.org\" <ada@example.org>"} },
		"replies":         func(m *Message) { m.ReplyTo = evil },
		"header":          func(m *Message) { m.Headers = map[string]string{"X-A": evil} },
		"header name":     func(m *Message) { m.Headers = map[string]string{"X-A: b\r\nBcc": "mallory@example.org"} },
		"attachment":      func(m *Message) { m.Attach = []Attachment{{Name: evil, Type: "text/csv"}} },
		"attachment type": func(m *Message) { m.Attach = []Attachment{{Name: "a", Type: evil}} },
		"nobody":          func(m *Message) { m.To = nil },
	} {
		m := hello("ada@example.org")
		change(&m)
		err := s.Send(t.Context(), m)
		if err == nil || Temporary(err) || strings.Contains(err.Error(), "mail server") {
			t.Errorf("%s: %v, want that the message is refused before anybody is called", name, err)
		}
		if err != nil && strings.Contains(err.Error(), "mallory") {
			t.Errorf("%s: the error repeats what it refuses: %v", name, err)
		}
	}
}

func TestThePasswordIsInNoError(t *testing.T) {
	box := shore.SMTP(t)
	s := sender(t, "smtp://"+box.Addr)
	s.user, s.password = "rollcall", secret.Of("hunter2-hunter2")
	err := s.Send(t.Context(), hello("ada@example.org"))
	if !Temporary(err) || strings.Contains(err.Error(), "hunter2") {
		t.Errorf("error = %v, want a temporary one without the password", err)
	}
}
