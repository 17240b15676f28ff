package source

import (
	"bufio"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/hex"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"rollcall/internal/proof"
	"rollcall/internal/roster"
	"rollcall/internal/secret"
)

// A fake is a server that misbehaves, as OpenLDAP never does. It speaks LDAP in
// clear, on loopback.
type fake struct {
	t    *testing.T
	conn net.Conn
	r    *bufio.Reader
	id   int // of the question that is being answered
}

// fakeLDAP starts one; serve is called for each connection. It answers with
// options that ask it.
func fakeLDAP(t *testing.T, serve func(f *fake)) Options {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				defer conn.Close()
				serve(&fake{t: t, conn: conn, r: bufio.NewReader(conn)})
			}()
		}
	}()
	password := filepath.Join(t.TempDir(), "password")
	if err := os.WriteFile(password, []byte("secret"), 0o600); err != nil {
		t.Fatal(err)
	}
	o := Defaults()
	o.Type, o.URLs, o.Base, o.Dialect = "ldap", []string{"ldap://" + l.Addr().String()}, "dc=x", "ad"
	o.Bind = Bind{DN: "cn=r", Password: secret.Ref{File: password}}
	o.Attributes = []string{"uid", "member"}
	if faults := o.Validate(); len(faults) > 0 {
		t.Fatalf("options: %v", faults)
	}
	return o
}

// question reads the next one; io.EOF where there is none.
func (f *fake) question() (tag byte, body, controls []byte, err error) {
	head, err := f.r.Peek(2)
	if err != nil {
		return 0, nil, nil, err
	}
	n, i := int(head[1]), 2
	if n > 0x80 {
		k := n & 0x7f
		if head, err = f.r.Peek(2 + k); err != nil {
			return 0, nil, nil, err
		}
		n = 0
		for _, c := range head[2:] {
			n = n<<8 | int(c)
		}
		i += k
	}
	all := make([]byte, i+n)
	if _, err := io.ReadFull(f.r, all); err != nil {
		return 0, nil, nil, err
	}
	id, rest, err := part(all[i:], tagInteger)
	if err != nil {
		return 0, nil, nil, err
	}
	f.id, _ = whole(id)
	tag, body, rest, err = element(rest)
	if err == nil && len(rest) > 0 {
		controls, _, err = part(rest, tagControls)
	}
	return tag, body, controls, err
}

// send answers.
func (f *fake) send(op []byte, controls ...[]byte) {
	parts := [][]byte{number(tagInteger, f.id), op}
	if len(controls) > 0 {
		parts = append(parts, tlv(tagControls, controls...))
	}
	_, _ = f.conn.Write(tlv(tagSequence, parts...)) // whoever asked may be gone
}

func (f *fake) entry(dn string, attributes ...string) {
	var list [][]byte
	for _, a := range attributes {
		name, values, _ := strings.Cut(a, ": ")
		var set [][]byte
		if values != "" {
			for v := range strings.SplitSeq(values, "|") {
				set = append(set, octets(v))
			}
		}
		list = append(list, tlv(tagSequence, octets(name), tlv(tagSet, set...)))
	}
	f.send(tlv(searchEntry, octets(dn), tlv(tagSequence, list...)))
}

func (f *fake) end(tag byte, code int, text string, controls ...[]byte) {
	f.send(tlv(tag, number(tagEnumerated, code), octets(""), octets(text)), controls...)
}

func cookie(c string) []byte {
	return control(oidPaging, false, tlv(tagSequence, number(tagInteger, 0), octets(c)))
}

// login takes the bind.
func (f *fake) login() bool {
	tag, _, _, err := f.question()
	if err != nil || tag != bindRequest {
		return false
	}
	f.end(bindResponse, 0, "")
	return true
}

// pages logs in and answers search after search with three entries each; answer may do
// otherwise and says so by true. There are 20 pages.
func pages(answer func(f *fake, page int) bool) func(*fake) {
	return func(f *fake) {
		if !f.login() {
			return
		}
		for page := 1; ; page++ {
			tag, _, _, err := f.question()
			if err != nil || tag != searchRequest {
				return
			}
			if answer != nil && answer(f, page) {
				continue
			}
			f.three(page)
			f.pageEnd(page)
		}
	}
}

func (f *fake) three(page int) {
	for i := range 3 {
		f.entry(fmt.Sprintf("uid=%d.%d,dc=x", page, i), fmt.Sprintf("uid: %d.%d", page, i))
	}
}

func (f *fake) pageEnd(page int) {
	next := "more"
	if page == 20 {
		next = ""
	}
	f.end(searchDone, 0, "", cookie(next))
}

// quick is a timing for servers that fall silent.
func quick() ldapTiming {
	return ldapTiming{dial: time.Second, handshake: time.Second, stall: 300 * time.Millisecond, whole: 20 * time.Second, again: time.Hour}
}

// readAll reads once.
func readAll(t *testing.T, o Options, timing ldapTiming) (string, error) {
	t.Helper()
	d, err := openLDAP(t.Context(), o, timing, nopLog())
	if err != nil {
		return "", err
	}
	defer d.Close()
	drop, err := d.Fetch(t.Context(), File{Name: answerName}, t.TempDir())
	if err != nil {
		return "", err
	}
	text, err := os.ReadFile(drop.Path)
	return string(text), err
}

func TestN7AnyFaultOnAnyPageVoidsTheWhole(t *testing.T) {
	t.Parallel()
	on7 := func(do func(f *fake)) func(*fake, int) bool {
		return func(f *fake, page int) bool {
			if page == 7 {
				do(f)
			}
			return page == 7
		}
	}
	faults := []struct {
		name   string
		answer func(f *fake, page int) bool
		code   string // "" where the answer is whole
		says   string
	}{
		{"nothing at all", nil, "", ""},
		{"cut between entries", on7(func(f *fake) { f.entry("uid=x,dc=x", "uid: x"); f.conn.Close() }), "E408", "broke off"},
		{"cut inside an entry", on7(func(f *fake) { _, _ = f.conn.Write([]byte{0x30, 0x82, 0x10, 0x00, 0x02, 0x01}); f.conn.Close() }), "E408", "broke off"},
		{"silence", on7(func(f *fake) { f.three(7); time.Sleep(time.Second) }), "E408", "did not answer in time"},
		{"busy", on7(func(f *fake) { f.three(7); f.end(searchDone, 51, "") }), "E408", "the server is busy, 51"},
		{"size limit", on7(func(f *fake) { f.three(7); f.end(searchDone, 4, "", cookie("")) }), "E408", "MaxPageSize"},
		{"time limit", on7(func(f *fake) { f.three(7); f.end(searchDone, 3, "") }), "E408", "MaxQueryDuration"},
		{"administrative limit", on7(func(f *fake) { f.end(searchDone, 11, "") }), "E408", "Admin Limit Exceeded, 11"},
		{"a referral as result", on7(func(f *fake) { f.end(searchDone, 10, "") }), "E408", "Referral, 10"},
		{"an unknown code", on7(func(f *fake) { f.end(searchDone, 80, "") }), "E408", "80"},
		{"a reference to a child domain", on7(func(f *fake) {
			f.send(tlv(searchReference, octets("ldaps://kid.ad.example.org/DC=kid,DC=ad,DC=example,DC=org")))
			f.three(7)
			f.pageEnd(7)
		}), "E408", "lies on another server"},
		{"references to where nobody stands", on7(func(f *fake) {
			f.send(tlv(searchReference, octets("ldaps://ad.example.org/CN=Configuration,DC=ad,DC=example,DC=org")))
			f.send(tlv(searchReference, octets("ldaps://DomainDnsZones.ad.example.org/DC=DomainDnsZones,DC=ad,DC=example,DC=org")))
			f.three(7)
			f.pageEnd(7)
		}), "", ""},
		{"no word of a next page", on7(func(f *fake) { f.three(7); f.end(searchDone, 0, "") }), "E408", "whether it was the last page"},
		{"the same page again", func(f *fake, _ int) bool { f.three(1); f.pageEnd(1); return true }, "E408", "same page again"},
		{"page 2 again as the last", on7(func(f *fake) { f.three(2); f.end(searchDone, 0, "", cookie("")) }), "E408", "same page again"},
		{"empty pages without end", func(f *fake, _ int) bool { f.end(searchDone, 0, "", cookie("more")); return true }, "E408", "empty pages without end"},
		{"an empty page between", on7(func(f *fake) { f.end(searchDone, 0, "", cookie("more")) }), "", ""},
		{"an answer to another question", on7(func(f *fake) { f.id += 5; f.three(7) }), "E408", "nobody had asked"},
		{"a farewell", on7(func(f *fake) { f.id = 0; f.end(extendedResponse, 52, "") }), "E408", "ends the connection (Unavailable, 52)"},
		{"a message without bounds", on7(func(f *fake) { _, _ = f.conn.Write([]byte{0x30, 0x84, 0x7f, 0xff, 0xff, 0xff}) }), "E408", "more than 16 MiB"},
		{"a length of unknown end", on7(func(f *fake) { _, _ = f.conn.Write([]byte{0x30, 0x80, 0x02, 0x01, 0x01, 0x00, 0x00}) }), "E408", "not LDAP"},
		{"a length beyond its message", on7(func(f *fake) { f.send([]byte{searchEntry, 0x04, 0x04, 0x7f, 'a', 'b'}) }), "E408", "not LDAP"},
		{"nests of nests", on7(func(f *fake) {
			op := []byte{0x30, 0x00}
			for range 1000 {
				op = tlv(0x30, op)
			}
			f.send(tlv(searchEntry, octets("uid: x"), op))
		}), "E408", "not LDAP"},
		{"an attribute that would be two lines", on7(func(f *fake) { f.entry("uid=x,dc=x", "uid\ndn; uid=root: x") }), "E408", "not LDAP"},
		{"another protocol", on7(func(f *fake) { _, _ = io.WriteString(f.conn, "HTTP/1.1 400 Bad Request\r\n\r\n") }), "E408", "not LDAP"},
	}
	var tried, wrong atomic.Int32
	t.Run("page 7", func(t *testing.T) {
		for _, tt := range faults {
			t.Run(tt.name, func(t *testing.T) {
				t.Parallel()
				got, err := readAll(t, fakeLDAP(t, pages(tt.answer)), quick())
				if tt.code == "" {
					if err != nil || strings.Count(got, "\ndn: ") < 57 {
						t.Errorf("%v, %d entries", err, strings.Count(got, "\ndn: "))
					}
					return
				}
				tried.Add(1)
				if err == nil {
					wrong.Add(1)
				}
				r, ok := errors.AsType[*roster.Refusal](err)
				if !ok || r.Code != tt.code || !strings.Contains(err.Error(), tt.says) {
					t.Errorf("error = %v, want %s that says %q", err, tt.code, tt.says)
				}
			})
		}
	})
	proof.Note(t, "a directory misbehaves", proof.Count{What: "answers spoilt", N: int(tried.Load())}, proof.Count{What: "believed", N: int(wrong.Load())})
}

// ranged serves one group of 3,500 members in ranges of 1,500, as Active
// Directory does unasked. spoil may change what is answered from a place on.
func ranged(spoil func(f *fake, from int) bool) func(*fake) {
	return func(f *fake) {
		if !f.login() {
			return
		}
		for {
			_, body, controls, err := f.question()
			if err != nil {
				return
			}
			from := 0
			if i := strings.Index(string(body), ";range="); i >= 0 {
				_, _ = fmt.Sscanf(string(body[i:]), ";range=%d-*", &from)
			}
			if from > 0 && spoil != nil && spoil(f, from) {
				continue
			}
			to, last := from+1500, ""
			if last = fmt.Sprint(to - 1); to >= 3500 {
				to, last = 3500, "*"
			}
			var values []string
			for i := from; i < to; i++ {
				values = append(values, fmt.Sprintf("uid=%d", i))
			}
			f.entry("cn=all,dc=x", "member: ", fmt.Sprintf("member;range=%d-%s: ", from, last)+strings.Join(values, "|"), "uid: all")
			if from == 0 {
				f.entry("cn=none,dc=x", "uid: none")
			}
			if len(controls) > 0 {
				f.end(searchDone, 0, "", cookie(""))
			} else {
				f.end(searchDone, 0, "")
			}
		}
	}
}

func TestRangesOfValuesAreCompletedOrVoidTheWhole(t *testing.T) {
	t.Parallel()
	got, err := readAll(t, fakeLDAP(t, ranged(nil)), quick())
	if err != nil || strings.Count(got, "\nmember: uid=") != 3500 || strings.Contains(got, "range=") || strings.Count(got, "\ndn: ") != 2 {
		t.Errorf("%v, %d members of %d entries, want 3500 of 2", err, strings.Count(got, "\nmember: uid="), strings.Count(got, "\ndn: "))
	}
	for name, spoil := range map[string]func(f *fake, from int) bool{
		"the rest is refused": func(f *fake, _ int) bool { f.end(searchDone, 1, ""); return true },
		"the entry is gone":   func(f *fake, _ int) bool { f.end(searchDone, 0, ""); return true },
		"the same range again": func(f *fake, _ int) bool {
			f.entry("cn=all,dc=x", "member;range=0-1499: uid=1")
			f.end(searchDone, 0, "")
			return true
		},
		"no range in the answer": func(f *fake, _ int) bool {
			f.entry("cn=all,dc=x", "member: uid=1")
			f.end(searchDone, 0, "")
			return true
		},
		"a range that jumps": func(f *fake, from int) bool {
			f.entry("cn=all,dc=x", fmt.Sprintf("member;range=%d-*: uid=1", from+100))
			f.end(searchDone, 0, "")
			return true
		},
		"a range that laps": func(f *fake, from int) bool {
			f.entry("cn=all,dc=x", fmt.Sprintf("member;range=%d-*: uid=1", from-100))
			f.end(searchDone, 0, "")
			return true
		},
		"a range of another entry": func(f *fake, from int) bool {
			f.entry("cn=others,dc=x", fmt.Sprintf("member;range=%d-*: uid=1", from))
			f.end(searchDone, 0, "")
			return true
		},
		"two answers": func(f *fake, from int) bool {
			f.entry("cn=all,dc=x", fmt.Sprintf("member;range=%d-*: uid=1", from))
			f.entry("cn=all,dc=x", fmt.Sprintf("member;range=%d-*: uid=1", from))
			f.end(searchDone, 0, "")
			return true
		},
		"cut on the last": func(f *fake, from int) bool { f.conn.Close(); return from == 3000 },
	} {
		_, err := readAll(t, fakeLDAP(t, ranged(spoil)), quick())
		if r, ok := err.(*roster.Refusal); !ok || r.Code != "E408" || !strings.Contains(r.Text, "would not give the rest") {
			t.Errorf("%s: error = %v, want E408: the rest is missing", name, err)
		}
	}
}

func TestT34StartTLSThatIsRefusedOrStrippedSendsNoLogin(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name  string
		serve func(f *fake)
		code  string
		says  string
	}{
		{"refused", func(f *fake) { f.end(extendedResponse, 2, "") }, "E404", "refuses StartTLS (Protocol Error, 2)"},
		{"stripped", func(f *fake) { f.conn.Close() }, "E401", "StartTLS"},
		{"answered in clear", func(f *fake) { f.end(extendedResponse, 0, ""); f.end(bindResponse, 0, "") }, "E404", ""},
		{"no TLS behind it", func(f *fake) { f.end(extendedResponse, 0, ""); time.Sleep(50 * time.Millisecond); f.three(1) }, "E404", "does not speak TLS"},
		{"silence behind it", func(f *fake) { f.end(extendedResponse, 0, ""); time.Sleep(3 * time.Second) }, "E401", "made safe"},
		{"silence", func(*fake) { time.Sleep(3 * time.Second) }, "E401", "did not answer in time"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			asked := make(chan byte, 10)
			o := fakeLDAP(t, func(f *fake) {
				tag, _, _, err := f.question()
				if err != nil {
					return
				}
				asked <- tag
				tt.serve(f)
				if tag, _, _, err := f.question(); err == nil {
					asked <- tag
				}
			})
			o.StartTLS = true
			_, err := readAll(t, o, quick())
			if r, ok := err.(*roster.Refusal); !ok || r.Code != tt.code || !strings.Contains(err.Error(), tt.says) {
				t.Errorf("error = %v, want %s that says %q", err, tt.code, tt.says)
			}
			for len(asked) > 0 {
				if tag := <-asked; tag == bindRequest {
					t.Error("a login was sent in clear")
				}
			}
		})
	}
}

func TestN6AServerWithAnOlderTLSGetsNoLogin(t *testing.T) {
	t.Parallel()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(time.Hour), IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, IsCA: true, BasicConstraintsValid: true}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	ca := filepath.Join(t.TempDir(), "ca.pem")
	if err := os.WriteFile(ca, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), 0o600); err != nil {
		t.Fatal(err)
	}
	for version, good := range map[uint16]bool{tls.VersionTLS11: false, tls.VersionTLS12: true} {
		o := fakeLDAP(t, func(f *fake) {
			f.conn = tls.Server(f.conn, &tls.Config{MinVersion: tls.VersionTLS10, MaxVersion: version, Certificates: []tls.Certificate{{Certificate: [][]byte{der}, PrivateKey: key}}})
			f.r = bufio.NewReader(f.conn)
			pages(nil)(f)
		})
		o.URLs[0], o.CAFile = strings.Replace(o.URLs[0], "ldap:", "ldaps:", 1), ca
		_, err := readAll(t, o, quick())
		r, _ := errors.AsType[*roster.Refusal](err)
		if good && err != nil || !good && (r == nil || r.Code != "E404" || !strings.Contains(r.Error(), "TLS 1.2 or newer")) {
			t.Errorf("%s: error = %v", tls.VersionName(version), err)
		}
	}
}

func TestActiveDirectorySaysWhyALoginIsRefused(t *testing.T) {
	t.Parallel()
	const ad = "80090308: LdapErr: DSID-0C09044E, comment: AcceptSecurityContext error, data %s, v4563\x00"
	for _, tt := range []struct {
		code       int
		text, says string
		again      bool // it may be sent again
	}{
		{49, fmt.Sprintf(ad, "525"), "no such account (525)", true},
		{49, fmt.Sprintf(ad, "52e"), "the password is wrong (52e)", false},
		{49, fmt.Sprintf(ad, "530"), "at this hour or from this machine (530)", true},
		{49, fmt.Sprintf(ad, "531"), "at this hour or from this machine (531)", true},
		{49, fmt.Sprintf(ad, "532"), "has expired (532)", true},
		{49, fmt.Sprintf(ad, "533"), "is disabled (533)", true},
		{49, fmt.Sprintf(ad, "701"), "has expired (701)", true},
		{49, fmt.Sprintf(ad, "773"), "must be changed first (773)", true},
		{49, fmt.Sprintf(ad, "775"), "is locked (775)", true},
		{49, "", "name or password are wrong, or the account is locked", false},
		{8, "", "wants TLS or signing (Strong Auth Required, 8)", true},
		{13, "", "wants TLS or signing", true},
		{34, "", "no name that the server knows", true},
		{48, "", "does not allow this way of logging in", true},
		{53, "", "Unwilling To Perform, 53", true},
		{14, "", "14", true},
	} {
		binds := make(chan bool, 10)
		o := fakeLDAP(t, func(f *fake) {
			if _, _, _, err := f.question(); err == nil {
				binds <- true
				f.end(bindResponse, tt.code, tt.text)
			}
		})
		o.Logins = &Logins{}
		for i := range 2 {
			_, err := readAll(t, o, quick())
			r, ok := err.(*roster.Refusal)
			if !ok || r.Code != "E402" || i == 0 && !strings.Contains(r.Text, tt.says) {
				t.Errorf("%d %q: error = %v, want E402 that says %q", tt.code, tt.text, err, tt.says)
			}
			if strings.Contains(fmt.Sprint(err), "DSID") {
				t.Errorf("the server's own words are shown: %v", err)
			}
		}
		if again := len(binds) == 2; again != tt.again {
			t.Errorf("%d %q: sent %d times", tt.code, tt.text, len(binds))
		}
	}
	// A server that is busy is like one that is away: the next one is asked.
	o := fakeLDAP(t, func(f *fake) {
		if _, _, _, err := f.question(); err == nil {
			f.end(bindResponse, 51, "")
		}
	})
	o.URLs = append(o.URLs, fakeLDAP(t, pages(nil)).URLs...)
	if _, err := readAll(t, o, quick()); err != nil {
		t.Errorf("the second server: %v", err)
	}
}

func TestAReadingEndsWithItsContextAndWithItsTime(t *testing.T) {
	t.Parallel()
	slow := pages(func(f *fake, _ int) bool {
		for i := 0; ; i++ {
			f.entry(fmt.Sprintf("uid=%d,dc=x", i), "uid: x")
			time.Sleep(20 * time.Millisecond)
			if _, err := f.conn.Write(nil); err != nil {
				return true
			}
			if i > 500 {
				return true
			}
		}
	})
	o := fakeLDAP(t, slow)
	timing := quick()
	timing.whole = 400 * time.Millisecond
	_, err := readAll(t, o, timing)
	if r, ok := err.(*roster.Refusal); !ok || r.Code != "E408" || !strings.Contains(r.Text, "has not answered in full within 400ms") {
		t.Errorf("error = %v, want E408 for its time", err)
	}

	ctx, cancel := context.WithCancel(t.Context())
	d, err := openLDAP(ctx, o, quick(), nopLog())
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	time.AfterFunc(200*time.Millisecond, cancel)
	if _, err := d.Fetch(ctx, File{Name: answerName}, t.TempDir()); !errors.Is(err, context.Canceled) {
		t.Errorf("error = %v, want that it was canceled", err)
	}
}

// FuzzLDAP is a server that says anything after the login.
func FuzzLDAP(f *testing.F) {
	f.Add([]byte{0x30, 0x0c, 0x02, 0x01, 0x02, 0x65, 0x07, 0x0a, 0x01, 0x00, 0x04, 0x00, 0x04, 0x00})
	f.Add(tlv(tagSequence, number(tagInteger, 1), tlv(searchEntry, octets("uid=a"), tlv(tagSequence, tlv(tagSequence, octets("uid"), tlv(tagSet, octets("a")))))))
	f.Add(tlv(tagSequence, number(tagInteger, 1), tlv(searchDone, number(tagEnumerated, 0), octets(""), octets("")), tlv(tagControls, cookie("x"))))
	f.Add(tlv(tagSequence, number(tagInteger, 1), tlv(intermediate, tlv(0x80, []byte(oidSyncInfo)), tlv(0x81, tlv(0xa3, boolean(true), tlv(tagSet, octets("0123456789abcdef")))))))
	f.Add(tlv(tagSequence, number(tagInteger, 1), tlv(searchDone, number(tagEnumerated, 0), octets(""), octets("")), tlv(tagControls, control(oidSyncDone, false, tlv(tagSequence, octets("c"), boolean(true))))))
	f.Fuzz(func(t *testing.T, answer []byte) {
		for _, follow := range []*following{nil, {anchor: "entryuuid", sync: true, gone: func(string) {}}, {anchor: "entryuuid", sync: true, going: true, gone: func(string) {}}, {anchor: "objectguid", stamp: "whenchanged"}} {
			here, there := net.Pipe()
			go func() {
				defer there.Close()
				one := make([]byte, 4096)
				_, _ = there.Read(one)
				_, _ = there.Write(answer)
			}()
			var out strings.Builder
			o := Options{Type: "ldap", Base: "dc=x", PageSize: 500, Attributes: []string{"uid"}}
			s := newSearch(o, newWire(here, time.Second), bufio.NewWriter(&out))
			s.follow = follow
			s.another = func() (*wire, error) { return nil, errors.New("nobody there") }
			_ = s.run() // it may refuse, and never panics
			here.Close()
		}
	})
}

// FuzzEarlier is a drop before that anybody may have written.
func FuzzEarlier(f *testing.F) {
	f.Add("dn: uid=a\nentryUUID: 1\n\ndn: uid=b\nentryUUID:: MQ==\n\n# numEntries: 2\n")
	f.Add("\n# numEntries: 0\n")
	f.Fuzz(func(t *testing.T, text string) {
		o := Options{Attributes: []string{"uid", "entryUUID"}, Incremental: bySync}
		path := filepath.Join(t.TempDir(), "earlier")
		text = "version: 1\n# asked for: uid entryUUID\n\n" + text
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		sum := sha256.Sum256([]byte(text))
		since := &Since{Path: path, SHA256: hex.EncodeToString(sum[:]), Size: int64(len(text))}
		var out strings.Builder
		changed, gone, err := (&directory{options: o}).merge(since, &changes{gone: map[string]bool{"nobody": true}}, &out)
		if err == nil && (changed+gone != 0 || out.String() != text) {
			t.Errorf("nothing has changed, and it became %q", out.String())
		}
	})
}

func nopLog() *slog.Logger { return slog.New(slog.DiscardHandler) }
