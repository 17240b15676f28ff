package source_test

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"rollcall/internal/roster"
	"rollcall/internal/secret"
	"rollcall/internal/shore"
	"rollcall/internal/source"
)

// people are n entries below ou=People.
func people(n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, "dn: uid=p%05d,ou=People,dc=example,dc=org\nobjectClass: inetOrgPerson\nuid: p%05d\nemployeeNumber: %06d\ncn: P %d\nsn:: xbvDs2TFug==\ngivenName: Anna\nmail: zz%d@example.org\nmail: p%d@example.org\n\n", i, i, i, i, i, i)
	}
	return b.String()
}

// directory starts OpenLDAP, and answers with options that read it over TLS.
func directory(t testing.TB, d shore.Directory) (*shore.LDAP, source.Options) {
	t.Helper()
	s := shore.Slapd(t, d)
	var o source.Options
	reads(&o, s.TLSURL, s.CAFile, s.DN, secretFile(t, s.Password))
	return s, o
}

// reads sets options to read people of a server.
func reads(o *source.Options, url, ca, dn, password string) {
	*o = source.Defaults()
	o.Type, o.URLs, o.CAFile, o.Base, o.Dialect = "ldap", []string{url}, ca, "dc=example,dc=org", "openldap"
	o.Filter = "(objectClass=inetOrgPerson)"
	o.Attributes = []string{"employeeNumber", "uid", "sn", "mail", "pwdAccountLockedTime"}
	o.Bind = source.Bind{DN: dn, Password: secret.Ref{File: password}}
}

func secretFile(t testing.TB, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "secret")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// ask reads the directory once, and answers with what was written down.
func ask(t testing.TB, o source.Options) (string, error) {
	t.Helper()
	if faults := o.Validate(); len(faults) > 0 {
		t.Fatalf("options: %v", faults)
	}
	ctx := context.Background()
	src, err := source.Open(ctx, o, nil)
	if err != nil {
		return "", err
	}
	defer func() {
		if err := src.Close(); err != nil {
			t.Errorf("close: %v", err)
		}
	}()
	listing, err := src.List(ctx)
	if err != nil {
		return "", err
	}
	files, _, err := src.Settled(ctx, listing.Files, 0)
	if err != nil {
		return "", err
	}
	spool := t.TempDir()
	drop, err := src.Fetch(ctx, files[0], spool)
	if err != nil {
		if left, _ := os.ReadDir(spool); len(left) > 0 {
			t.Errorf("an answer that is not whole left %v in the spool", left)
		}
		return "", err
	}
	text, err := os.ReadFile(drop.Path)
	if err != nil {
		t.Fatal(err)
	}
	if drop.Source != "ldap" || drop.Size != int64(len(text)) || drop.Name != "directory.ldif" {
		t.Errorf("drop = %+v", drop)
	}
	return string(text), nil
}

// refusedAs wants an error to be a refusal of that code, with these words in it.
func refusedAs(t *testing.T, err error, code string, words ...string) {
	t.Helper()
	r, ok := err.(*roster.Refusal)
	if !ok || r.Code != code {
		t.Errorf("error = %v, want %s", err, code)
		return
	}
	for _, w := range words {
		if !strings.Contains(err.Error(), w) {
			t.Errorf("error = %v, want that it says %q", err, w)
		}
	}
}

func TestADirectoryIsWrittenDownAsLDIF(t *testing.T) {
	t.Parallel()
	s, o := directory(t, shore.Directory{Entries: people(1203)})
	got, err := ask(t, o)
	if err != nil {
		t.Fatal(err)
	}
	want := "version: 1\n# asked for: employeeNumber uid sn mail pwdAccountLockedTime\n\n" +
		"dn: uid=p00000,ou=People,dc=example,dc=org\nemployeeNumber: 000000\nuid: p00000\nsn:: xbvDs2TFug==\nmail: p0@example.org\nmail: zz0@example.org\n\n" +
		"dn: uid=p00001,"
	if !strings.HasPrefix(got, want) {
		t.Errorf("answer begins\n%s\nwant\n%s", got[:min(len(got), len(want)+50)], want)
	}
	if n := strings.Count(got, "\ndn: "); n != 1203 || !strings.HasSuffix(got, "\n\n# numEntries: 1203\n") {
		t.Errorf("%d entries, want 1203 and their number at the end", n)
	}
	pages := strings.Count(s.Log(t), "SEARCH RESULT")
	if pages != 3 {
		t.Errorf("%d searches, want 3 pages of at most 500", pages)
	}

	// ldapsearch reads the same entries, and a second time we write the same bytes.
	cmd := exec.Command(shore.Need(t, "ldapsearch"), "-LLL", "-o", "ldif-wrap=no", "-x", "-H", s.URL, "-D", s.DN, "-w", s.Password, "-b", s.Base, "-E", "pr=300/noprompt", o.Filter, "dn")
	out, err := cmd.Output()
	if err != nil || strings.Count(string(out), "dn: ") != 1203 {
		t.Errorf("ldapsearch: %v, %d entries", err, strings.Count(string(out), "dn: "))
	}
	for name, change := range map[string]func(*source.Options){
		"again":              func(*source.Options) {},
		"in other pages":     func(o *source.Options) { o.PageSize = 7 },
		"without pages":      func(o *source.Options) { o.PageSize = 0 },
		"over StartTLS":      func(o *source.Options) { o.URLs, o.StartTLS = []string{s.URL}, true },
		"in clear, loopback": func(o *source.Options) { o.URLs = []string{s.URL} },
		"by certificate": func(o *source.Options) {
			o.Bind = source.Bind{Certificate: s.ClientCert, Key: secret.Ref{File: s.ClientKey}}
		},
		"the first is away": func(o *source.Options) { o.URLs = []string{"ldaps://127.0.0.1:1", s.TLSURL} },
	} {
		o := o
		change(&o)
		if again, err := ask(t, o); err != nil || again != got {
			t.Errorf("%s: %v, %d bytes, want the same %d", name, err, len(again), len(got))
		}
	}
	away := o
	away.URLs = []string{"ldaps://127.0.0.1:1", s.TLSURL}
	var told bytes.Buffer
	src, err := source.Open(t.Context(), away, slog.New(slog.NewTextHandler(&told, nil)))
	if err != nil {
		t.Fatal(err)
	}
	if err := src.Close(); err != nil || !strings.Contains(told.String(), "a server of the directory is away") || !strings.Contains(told.String(), "127.0.0.1:1 cannot be reached") {
		t.Errorf("of the server that is away the log says %q, %v", told.String(), err)
	}
	if log := s.Log(t); !strings.Contains(log, "mech=EXTERNAL") {
		t.Error("nobody has logged in by certificate")
	}
}

func TestT37AnAnswerThatIsNotWholeIsNone(t *testing.T) {
	t.Parallel()
	s, o := directory(t, shore.Directory{Entries: people(1200), Limit: 500})
	_, err := ask(t, o)
	refusedAs(t, err, "E408", "size limit (Size Limit Exceeded, 4)", "on page 2, after 500 entries", `limits dn.exact="cn=rollcall,dc=example,dc=org" size=unlimited`)
	o.PageSize = 0
	_, err = ask(t, o)
	refusedAs(t, err, "E408", "size limit")

	// The control: who has no limit gets them all from the same server.
	o.PageSize, o.Bind.DN, o.Bind.Password = 500, s.Admin, secret.Ref{File: secretFile(t, s.AdminWord)}
	if got, err := ask(t, o); err != nil || strings.Count(got, "\ndn: ") != 1200 {
		t.Errorf("the administrator: %v, %d entries, want 1200", err, strings.Count(got, "\ndn: "))
	}

	// Who stands on another server is missing here.
	s.Modify(t, "dn: ou=Elsewhere,dc=example,dc=org\nchangetype: add\nobjectClass: referral\nobjectClass: extensibleObject\nou: Elsewhere\nref: ldap://dc9.example.org/ou=Elsewhere,dc=example,dc=org\n")
	_, err = ask(t, o)
	refusedAs(t, err, "E408", "lies on another server", "references are never followed")
	o.Base = "ou=Elsewhere,dc=example,dc=org"
	_, err = ask(t, o)
	refusedAs(t, err, "E408", "refers to another one (Referral, 10)")
	o.Base = "ou=People,dc=example,dc=org"
	if _, err = ask(t, o); err != nil {
		t.Errorf("below the reference: %v", err)
	}
	o.Base = "ou=Nobody,dc=example,dc=org"
	_, err = ask(t, o)
	refusedAs(t, err, "E405", "has no source.base")
	o.Base, o.MaxSize = "ou=People,dc=example,dc=org", 10_000
	_, err = ask(t, o)
	refusedAs(t, err, "E411", "source.max_size, 10000 bytes")
}

func TestN6NobodyIsBelievedWithoutACertificate(t *testing.T) {
	t.Parallel()
	s, good := directory(t, shore.Directory{})
	expired, ofExpired := directory(t, shore.Directory{Expired: true})
	other, ofOther := directory(t, shore.Directory{Name: "ldap.example.org"})
	for _, tt := range []struct {
		name   string
		change func(*source.Options)
		of     *shore.LDAP
		words  string
	}{
		{"an unknown authority", func(o *source.Options) { o.CAFile = other.CAFile }, s, "unknown authority"},
		{"the machine's authorities", func(o *source.Options) { o.CAFile = "" }, s, "unknown authority"},
		{"another authority, StartTLS", func(o *source.Options) { o.CAFile, o.URLs, o.StartTLS = other.CAFile, []string{s.URL}, true }, s, "unknown authority"},
		{"expired", func(o *source.Options) { *o = ofExpired }, expired, "expired or is not valid yet"},
		{"another name", func(o *source.Options) { *o = ofOther }, other, "another name"},
		{"another name asked for", func(o *source.Options) { o.ServerName = "dc1.example.org" }, s, "another name"},
		{"no TLS at that port", func(o *source.Options) { o.URLs = []string{strings.Replace(s.URL, "ldap:", "ldaps:", 1)} }, s, ""},
	} {
		o := good
		tt.change(&o)
		before := strings.Count(tt.of.Log(t), " BIND ")
		_, err := ask(t, o)
		if tt.words != "" {
			refusedAs(t, err, "E404", tt.words)
		} else if err == nil {
			t.Errorf("%s: let in", tt.name)
		}
		if after := strings.Count(tt.of.Log(t), " BIND "); after != before {
			t.Errorf("%s: a login was sent", tt.name)
		}
	}
	// The controls: the right authority, and the name that the certificate bears.
	_, err := ask(t, good)
	if err != nil {
		t.Errorf("the right authority: %v", err)
	}
	ofOther.ServerName = "ldap.example.org"
	if _, err := ask(t, ofOther); err != nil {
		t.Errorf("the right name: %v", err)
	}
}

func TestARefusedLoginIsSentOnce(t *testing.T) {
	t.Parallel()
	s, o := directory(t, shore.Directory{Entries: people(3)})
	o.URLs = []string{s.TLSURL, s.URL}
	o.Bind.Password = secret.Ref{File: secretFile(t, "a typing error")}
	o.Logins = &source.Logins{}
	binds := func() int { return strings.Count(s.Log(t), " BIND dn=") }
	_, err := ask(t, o)
	refusedAs(t, err, "E402", "name or password are wrong")
	if n := binds(); n != 1 {
		t.Errorf("%d logins, want 1: the second server has the same accounts", n)
	}
	_, err = ask(t, o)
	refusedAs(t, err, "E402", "has refused this password", "so that the account is not locked")
	if n := binds(); n != 1 {
		t.Errorf("%d logins, want still 1", n)
	}
	o.Logins = nil // a person asks
	_, err = ask(t, o)
	refusedAs(t, err, "E402", "name or password are wrong")
	if n := binds(); n != 2 {
		t.Errorf("%d logins, want 2", n)
	}
	o.Logins, o.Bind.Password = &source.Logins{}, secret.Ref{File: secretFile(t, s.Password)}
	if _, err := ask(t, o); err != nil {
		t.Errorf("the right password: %v", err)
	}
}

func TestThePasswordPolicySaysWhyALoginIsRefused(t *testing.T) {
	t.Parallel()
	policy := "dn: cn=policy,dc=example,dc=org\nobjectClass: pwdPolicy\nobjectClass: applicationProcess\ncn: policy\npwdAttribute: userPassword\npwdLockout: TRUE\npwdMaxAge: 1000\npwdMustChange: TRUE\n\n"
	s, o := directory(t, shore.Directory{Entries: policy, Lines: []string{"overlay ppolicy", "ppolicy_default cn=policy,dc=example,dc=org", "ppolicy_use_lockout"}})
	if _, err := ask(t, o); err != nil {
		t.Fatalf("before: %v", err)
	}
	change := func(text string) {
		s.Modify(t, "dn: "+s.DN+"\nchangetype: modify\n"+text+"\n")
	}
	change("replace: pwdAccountLockedTime\npwdAccountLockedTime: 000001010000Z")
	_, err := ask(t, o)
	refusedAs(t, err, "E402", "the bind account is locked")
	change("delete: pwdAccountLockedTime")
	change("replace: userPassword\nuserPassword: " + s.Password)
	change("replace: pwdReset\npwdReset: TRUE")
	_, err = ask(t, o)
	refusedAs(t, err, "E402", "must be changed first")
}

func TestADirectoryThatIsAwayIsUnreachable(t *testing.T) {
	t.Parallel()
	s, o := directory(t, shore.Directory{})
	s.Stop(t)
	o.URLs = []string{s.TLSURL, "ldaps://127.0.0.1:1"}
	began := time.Now()
	_, err := ask(t, o)
	refusedAs(t, err, "E401", "; 127.0.0.1:1 cannot be reached")
	if time.Since(began) > 5*time.Second {
		t.Errorf("it took %s to find out", time.Since(began))
	}
}
