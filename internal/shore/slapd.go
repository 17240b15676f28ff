package shore

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"math/big"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// LDAP is an OpenLDAP server with the tree dc=example,dc=org. It knows
// inetOrgPerson and, of Active Directory, what Debian's msuser schema knows. It
// keeps an unlimited number of entries from nobody but whom Directory limits.
type LDAP struct {
	URL        string // ldap://host:port, which offers StartTLS
	TLSURL     string // ldaps://host:port
	CAFile     string // the certificate of the authority, in PEM
	Base       string // dc=example,dc=org
	DN         string // of the account that may read everything, and of the client's certificate
	Password   string // of it
	ClientCert string // its certificate, in PEM
	ClientKey  string // and its private key, mode 0600
	Admin      string // the DN of who may change everything
	AdminWord  string // the password

	dir     string
	program string
	lines   []string
	ports   []int
	process *process
}

// A Directory is how an OpenLDAP server is set up.
type Directory struct {
	Entries string   // LDIF, below the base and ou=People, which are there
	Limit   int      // entries that the reading account gets of one search; 0: all
	Lines   []string // more for the database's part of slapd.conf
	Expired bool     // the server's certificate has expired
	Name    string   // to which it is made out; "": localhost and 127.0.0.1
	Simple  bool     // it cannot say what has changed: no syncprov
}

// Slapd starts an OpenLDAP server, which ends with the test.
func Slapd(tb testing.TB, d Directory) *LDAP {
	tb.Helper()
	l := &LDAP{
		program: Need(tb, "slapd"), Base: "dc=example,dc=org", DN: "cn=rollcall,dc=example,dc=org", Password: "let rollcall in",
		Admin: "cn=admin,dc=example,dc=org", AdminWord: "let admin in",
	}
	dir, err := folder("slapd")
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() {
		l.process.stop(syscall.SIGTERM)
		_ = os.RemoveAll(dir) // a leftover in the temporary folder harms nobody
	})
	l.dir = dir
	if err := l.lay(d); err != nil {
		tb.Fatal(err)
	}
	if err := onFreePort(l.run); err != nil {
		tb.Fatalf("slapd: %v", err)
	}
	return l
}

// Modify changes the directory by the change records of an LDIF text.
func (l *LDAP) Modify(tb testing.TB, records string) {
	tb.Helper()
	cmd := exec.Command("/usr/bin/ldapmodify", "-x", "-H", l.URL, "-D", l.Admin, "-w", l.AdminWord)
	cmd.Stdin = strings.NewReader(records)
	if out, err := cmd.CombinedOutput(); err != nil {
		tb.Fatalf("ldapmodify: %v: %s", err, out)
	}
}

// Log is what the server has written about its connections. It writes a moment after
// it has answered, so the log is read until it stays as it is.
func (l *LDAP) Log(tb testing.TB) string {
	tb.Helper()
	last := ""
	for range 50 {
		text, err := os.ReadFile(filepath.Join(l.dir, "log"))
		if err != nil {
			tb.Fatal(err)
		}
		if string(text) == last {
			break
		}
		last = string(text)
		time.Sleep(100 * time.Millisecond)
	}
	return last
}

// Stop ends the server and cuts the connections that it serves.
func (l *LDAP) Stop(tb testing.TB) {
	tb.Helper()
	l.process.stop(syscall.SIGKILL)
	l.process = nil
}

// lay writes certificates, configuration and entries.
func (l *LDAP) lay(d Directory) error {
	if err := os.Mkdir(filepath.Join(l.dir, "db"), 0o755); err != nil {
		return err
	}
	if err := l.certify(d); err != nil {
		return err
	}
	limit := "unlimited"
	if d.Limit > 0 {
		limit = fmt.Sprint(d.Limit)
	}
	l.lines = append([]string{
		"include /etc/ldap/schema/core.schema",
		"include /etc/ldap/schema/cosine.schema",
		"include /etc/ldap/schema/inetorgperson.schema",
		"include /etc/ldap/schema/nis.schema",
		"include /etc/ldap/schema/msuser.schema",
		"modulepath /usr/lib/ldap",
		"moduleload back_mdb",
		"moduleload syncprov",
		"moduleload ppolicy",
		"pidfile " + filepath.Join(l.dir, "pid"),
		"argsfile " + filepath.Join(l.dir, "args"),
		"TLSCACertificateFile " + l.CAFile,
		"TLSCertificateFile " + filepath.Join(l.dir, "server.pem"),
		"TLSCertificateKeyFile " + filepath.Join(l.dir, "server.key"),
		"TLSVerifyClient allow",
		`authz-regexp "^cn=rollcall$" "` + l.DN + `"`,
		"database mdb",
		"suffix " + l.Base,
		"rootdn " + l.Admin,
		`rootpw "` + l.AdminWord + `"`,
		"directory " + filepath.Join(l.dir, "db"),
		"maxsize 1073741824",
		"dbnosync",
		"index objectClass,uid,entryUUID eq",
		`limits dn.exact="` + l.DN + `" size=` + limit + " size.pr=unlimited size.prtotal=" + limit,
		"access to attrs=userPassword by anonymous auth by * none",
		"access to * by users read by * none",
	}, d.overlays()...)
	if err := os.WriteFile(l.config(), []byte(strings.Join(l.lines, "\n")+"\n"), 0o644); err != nil {
		return err
	}
	entries := filepath.Join(l.dir, "entries.ldif")
	text := fmt.Sprintf("dn: %[1]s\nobjectClass: domain\ndc: example\n\ndn: ou=People,%[1]s\nobjectClass: organizationalUnit\nou: People\n\n"+
		"dn: %[2]s\nobjectClass: applicationProcess\nobjectClass: simpleSecurityObject\ncn: rollcall\nuserPassword: %[3]s\n\n%[4]s", l.Base, l.DN, l.Password, d.Entries)
	if err := os.WriteFile(entries, []byte(text), 0o644); err != nil {
		return err
	}
	if err := hand(l.dir); err != nil {
		return err
	}
	if err := os.Chown(l.ClientKey, os.Getuid(), os.Getgid()); err != nil { // rollcall refuses a key that is somebody else's
		return err
	}
	return output("/usr/sbin/slapadd", "-q", "-f", l.config(), "-l", entries)
}

func (d Directory) overlays() []string {
	if d.Simple {
		return d.Lines
	}
	return append([]string{"overlay syncprov"}, d.Lines...)
}

// Restart ends the server and starts it again on its ports. What it has noted of
// changes, and not of entries, is gone.
func (l *LDAP) Restart(tb testing.TB) {
	tb.Helper()
	l.down(tb)
	l.up(tb)
}

// Copy is all of the directory, as [LDAP.Restore] takes it.
func (l *LDAP) Copy(tb testing.TB) string {
	tb.Helper()
	out, err := exec.Command("/usr/sbin/slapcat", "-f", l.config()).Output()
	if err != nil {
		tb.Fatalf("slapcat: %v", err)
	}
	return string(out)
}

// Restore puts a copy in the place of the directory.
func (l *LDAP) Restore(tb testing.TB, text string) {
	tb.Helper()
	l.down(tb)
	db, entries := filepath.Join(l.dir, "db"), filepath.Join(l.dir, "copy.ldif")
	err := os.RemoveAll(db)
	if err == nil {
		err = os.Mkdir(db, 0o755)
	}
	if err == nil {
		err = os.WriteFile(entries, []byte(text), 0o644)
	}
	if err == nil {
		err = hand(db)
	}
	if err == nil {
		err = output("/usr/sbin/slapadd", "-q", "-f", l.config(), "-l", entries)
	}
	if err != nil {
		tb.Fatal(err)
	}
	l.up(tb)
}

func (l *LDAP) down(tb testing.TB) {
	tb.Helper()
	l.process.stop(syscall.SIGTERM)
	l.process = nil
}

func (l *LDAP) up(tb testing.TB) {
	tb.Helper()
	if err := l.serve(); err != nil {
		tb.Fatalf("slapd: %v", err)
	}
}

func (l *LDAP) config() string { return filepath.Join(l.dir, "slapd.conf") }

func (l *LDAP) run(port int) error {
	secure, err := freePort()
	if err != nil {
		return err
	}
	l.URL, l.TLSURL, l.ports = "ldap://"+address(port), "ldaps://"+address(secure), []int{port, secure}
	return l.serve()
}

func (l *LDAP) serve() (err error) {
	ready := func() bool {
		for _, p := range l.ports {
			c, err := net.DialTimeout("tcp", address(p), time.Second)
			if err != nil {
				return false
			}
			c.Close()
		}
		return true
	}
	l.process, err = start(filepath.Join(l.dir, "log"), syscall.SIGTERM, ready, l.program, "-f", l.config(), "-h", l.URL+"/ "+l.TLSURL+"/", "-d", "stats")
	return err
}

// certify makes an authority and the certificates of server and client.
func (l *LDAP) certify(d Directory) error {
	l.CAFile, l.ClientCert, l.ClientKey = filepath.Join(l.dir, "ca.pem"), filepath.Join(l.dir, "client.pem"), filepath.Join(l.dir, "client.key")
	server := x509.Certificate{Subject: pkix.Name{CommonName: "slapd"}, DNSNames: []string{"localhost"}, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}}
	if d.Expired {
		server.NotAfter = time.Now().Add(-time.Hour)
	}
	if d.Name != "" {
		server.DNSNames, server.IPAddresses = []string{d.Name}, nil
	}
	return certificates(l.dir, server)
}

// certificates writes those of an authority (ca.pem), of a server, for whom it stands, and
// of a client, with the keys of both.
func certificates(dir string, server x509.Certificate) error {
	now := time.Now()
	authority := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "shore"}, NotBefore: now.Add(-48 * time.Hour), NotAfter: now.Add(48 * time.Hour),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
	}
	signer, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return err
	}
	if err := writeCertificate(filepath.Join(dir, "ca.pem"), "", authority, authority, signer, signer); err != nil {
		return err
	}
	server.SerialNumber, server.NotBefore, server.ExtKeyUsage = big.NewInt(2), authority.NotBefore, []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}
	if server.NotAfter.IsZero() {
		server.NotAfter = authority.NotAfter
	}
	client := x509.Certificate{
		SerialNumber: big.NewInt(3), Subject: pkix.Name{CommonName: "rollcall"}, NotBefore: authority.NotBefore, NotAfter: authority.NotAfter,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth},
	}
	for _, c := range []struct {
		name     string
		template x509.Certificate
	}{{"server", server}, {"client", client}} {
		key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
		if err != nil {
			return err
		}
		path := filepath.Join(dir, c.name)
		if err := writeCertificate(path+".pem", path+".key", &c.template, authority, key, signer); err != nil {
			return err
		}
	}
	return nil
}

// writeCertificate signs a certificate and writes it, and its key where that has a name.
func writeCertificate(certFile, keyFile string, template, parent *x509.Certificate, key, signer *ecdsa.PrivateKey) error {
	der, err := x509.CreateCertificate(rand.Reader, template, parent, &key.PublicKey, signer)
	if err != nil {
		return err
	}
	if err := os.WriteFile(certFile, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), 0o644); err != nil || keyFile == "" {
		return err
	}
	secret, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return err
	}
	return os.WriteFile(keyFile, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: secret}), 0o600)
}
