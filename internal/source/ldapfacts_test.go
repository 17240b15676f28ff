package source

import (
	"bufio"
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/go-ldap/ldap/v3"
)

func TestALimitIsLiftedInTheWordsOfItsServer(t *testing.T) {
	t.Parallel()
	for dialect, says := range map[string]map[int]string{
		"openldap": {4: `limits dn.exact="cn=r" size=unlimited`, 3: `limits dn.exact="cn=r" time=unlimited`, 11: "size.unchecked=unlimited"},
		"generic":  {4: `limits dn.exact="cn=r" size=unlimited`},
		"389ds":    {4: "nsSizeLimit: -1 and nsPagedSizeLimit: -1", 3: "nsTimeLimit: -1", 11: "nsLookThroughLimit: -1"},
		"ad":       {4: "MaxPageSize", 3: "MaxQueryDuration", 11: "LDAP policies"},
	} {
		for code, words := range says {
			o := fakeLDAP(t, pages(func(f *fake, page int) bool {
				if page < 3 {
					return false
				}
				f.three(page)
				f.end(searchDone, code, "", cookie("more"))
				return true
			}))
			o.Dialect = dialect
			_, err := readAll(t, o, quick())
			wants(t, err, "E408", words, "after 9 entries")
		}
	}
}

// Whoever is disabled is to be seen as that, and not to be absent.
func TestNoDefaultFilterLeavesTheDisabledOut(t *testing.T) {
	for dialect, want := range map[string]string{"ad": "(&(objectCategory=person)(objectClass=user))", "openldap": "(objectClass=person)", "389ds": "(objectClass=person)", "generic": "(objectClass=person)"} {
		got := Options{Dialect: dialect}.filter()
		if got != want {
			t.Errorf("%s: %s, want %s", dialect, got, want)
		}
		if _, err := ldap.CompileFilter(got); err != nil {
			t.Errorf("%s: %v", dialect, err)
		}
	}
}

func TestAnEmptyPasswordIsNeverSent(t *testing.T) {
	t.Parallel()
	asked := make(chan byte, 10)
	o := fakeLDAP(t, func(f *fake) {
		tag, _, _, err := f.question()
		if err == nil {
			asked <- tag
			f.end(bindResponse, 0, "") // as many servers do: welcome, nobody
		}
	})
	for _, text := range []string{"", "\n"} {
		if err := os.WriteFile(o.Bind.Password.File, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := readAll(t, o, quick()); err == nil || !strings.Contains(err.Error(), "source.bind.password") {
			t.Errorf("a password of %q: error = %v", text, err)
		}
	}
	if len(asked) > 0 {
		t.Errorf("%d logins were sent", len(asked))
	}
	if err := os.WriteFile(o.Bind.Password.File, []byte("x"), 0o600); err != nil { // the control: one that is not empty is
		t.Fatal(err)
	}
	_, _ = readAll(t, o, quick())
	if len(asked) != 1 {
		t.Errorf("with a password %d logins were sent, want 1", len(asked))
	}
}

// Go believes the subjectAltName alone, so a certificate with a common name only, as
// many directories have, must be explained.
func TestACertificateWithoutANameIsExplained(t *testing.T) {
	t.Parallel()
	der, key := nameless(t)
	_, err := readAll(t, certified(t, der, key), quick())
	wants(t, err, "E404", "without a subjectAltName", "the common name alone is not enough")
}

// Samba makes itself a certificate whose serial number is negative as often as not. No
// library of Go's signs one, so the sign of the number is set in what was signed: nobody
// looks at the signature of what cannot be read.
func TestACertificateWithANegativeSerialNumberIsExplained(t *testing.T) {
	t.Parallel()
	der, key := nameless(t)
	sane := bytes.Clone(der)
	at := bytes.Index(der, []byte{0x02, 0x04, 0x35, 0x37, 0xf8, 0x95})
	if at < 0 {
		t.Fatal("the certificate has not the serial number that was asked for")
	}
	der[at+2] |= 0x80
	_, err := readAll(t, certified(t, der, key, sane), quick())
	wants(t, err, "E404", "has a certificate with a negative serial number", "Samba's own is like that")
}

// nameless is a certificate with a common name alone.
func nameless(t *testing.T) (der []byte, key *ecdsa.PrivateKey) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(0x3537f895), Subject: pkix.Name{CommonName: "127.0.0.1"}, NotAfter: time.Now().Add(time.Hour), IsCA: true, BasicConstraintsValid: true,
	}
	if der, err = x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key); err != nil {
		t.Fatal(err)
	}
	return der, key
}

// certified are options for a server that shows a certificate, and for whom another, or
// that one, is an authority.
func certified(t *testing.T, der []byte, key *ecdsa.PrivateKey, authority ...[]byte) Options {
	t.Helper()
	believed := append(authority, der)[0]
	ca := filepath.Join(t.TempDir(), "ca.pem")
	if err := os.WriteFile(ca, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: believed}), 0o600); err != nil {
		t.Fatal(err)
	}
	o := fakeLDAP(t, func(f *fake) {
		f.conn = tls.Server(f.conn, &tls.Config{Certificates: []tls.Certificate{{Certificate: [][]byte{der}, PrivateKey: key}}})
		f.r = bufio.NewReader(f.conn)
		f.login()
	})
	o.URLs, o.CAFile = []string{strings.Replace(o.URLs[0], "ldap:", "ldaps:", 1)}, ca
	return o
}
