package shore

import (
	"context"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
	"unicode/utf16"
)

// Domain is a domain controller of Active Directory, as Samba plays one: the domain
// example.org, alone, with ou=People and ou=Groups. Of its services it has LDAP.
//
// Its ports are 389 and 636 and cannot be chosen, so it has an address of loopback to
// itself; and for them, and for the owners of its files, it runs as root. It is the one
// server here that does.
type Domain struct {
	URL       string // ldap://address, which offers StartTLS and takes no password without
	TLSURL    string // ldaps://address
	CAFile    string // the certificate of the authority, in PEM
	Base      string // DC=example,DC=org
	DN        string // of an account with the rights that everybody has, and no other
	Password  string // of it
	Admin     string // who may change everything
	AdminWord string // the password

	dir     string
	ip      net.IP
	process *process
}

// Samba makes a domain and starts its controller, which ends with the test. That takes
// some ten seconds. Where Samba or root is missing the test fails: whoever asks for
// these tests means them.
func Samba(tb testing.TB) *Domain {
	tb.Helper()
	for _, path := range []string{"/usr/sbin/samba", "/usr/bin/samba-tool", "/usr/share/samba/setup/provision.ldif", "/usr/bin/ldapmodify"} {
		if _, err := os.Stat(path); err != nil {
			tb.Fatalf("%s is not installed: .ci/packages samba installs what these tests need", path)
		}
	}
	if os.Getuid() != 0 {
		tb.Fatal("a domain controller listens on the ports 389 and 636 and gives its files to several owners, so these tests need root: sudo make samba")
	}
	d := &Domain{
		Base: "DC=example,DC=org", DN: "rollcall@example.org", Password: "let Rollcall in 1!",
		Admin: "Administrator@example.org", AdminWord: "let Admin in 1!",
	}
	var err error
	if d.dir, err = os.MkdirTemp("", "rollcall-samba-"); err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() {
		d.process.stop(syscall.SIGTERM)
		_ = os.RemoveAll(d.dir) // a leftover in the temporary folder harms nobody
	})
	if err := d.lay(); err != nil {
		tb.Fatalf("samba: %v", err)
	}
	d.up(tb)
	d.Modify(tb, "dn: "+d.Base+"\nchangetype: modify\nreplace: minPwdAge\nminPwdAge: 0\n-\nreplace: lockoutThreshold\nlockoutThreshold: 3\n-\n"+
		"replace: lockoutDuration\nlockoutDuration: -18000000000\n-\nreplace: lockOutObservationWindow\nlockOutObservationWindow: -18000000000\n")
	d.Modify(tb, "dn: OU=People,"+d.Base+"\nchangetype: add\nobjectClass: organizationalUnit\n\ndn: OU=Groups,"+d.Base+"\nchangetype: add\nobjectClass: organizationalUnit\n\n"+
		"dn: CN=rollcall,CN=Users,"+d.Base+"\nchangetype: add\nobjectClass: user\nsAMAccountName: rollcall\nuserPrincipalName: "+d.DN+"\nuserAccountControl: 66048\n"+NewPassword(d.Password)+"\n")
	return d
}

// NewPassword is the line of LDIF that gives an account of a domain its password.
func NewPassword(text string) string {
	var quoted []byte
	for _, c := range utf16.Encode([]rune(`"` + text + `"`)) {
		quoted = binary.LittleEndian.AppendUint16(quoted, c)
	}
	return "unicodePwd:: " + base64.StdEncoding.EncodeToString(quoted)
}

// Modify changes the domain by the change records of an LDIF text.
func (d *Domain) Modify(tb testing.TB, records string) {
	tb.Helper()
	cmd := bare(context.Background(), "/usr/bin/ldapmodify", "-x", "-H", d.TLSURL, "-D", d.Admin, "-w", d.AdminWord)
	cmd.Env = append(cmd.Env, "LDAPTLS_CACERT="+d.CAFile)
	cmd.Stdin = strings.NewReader(records)
	if out, err := cmd.CombinedOutput(); err != nil {
		tb.Fatalf("ldapmodify: %v: %s", err, out)
	}
}

// Rewind lets something happen to the domain, and then puts everything back as it was
// before, as whoever brings back a machine from a picture of its disk.
func (d *Domain) Rewind(tb testing.TB, happens func()) {
	tb.Helper()
	files, kept := filepath.Join(d.dir, "dc"), filepath.Join(d.dir, "kept")
	d.down()
	if out, err := bare(context.Background(), "/bin/cp", "-a", files, kept).CombinedOutput(); err != nil { // there are sockets too
		tb.Fatalf("cp: %v: %s", err, out)
	}
	d.up(tb)
	happens()
	d.down()
	err := os.RemoveAll(files)
	if err == nil {
		err = os.Rename(kept, files)
	}
	if err != nil {
		tb.Fatal(err)
	}
	d.up(tb)
}

// lay provisions the domain.
func (d *Domain) lay() error {
	if err := d.choose(); err != nil {
		return err
	}
	d.URL, d.TLSURL, d.CAFile = "ldap://"+d.ip.String(), "ldaps://"+d.ip.String(), filepath.Join(d.dir, "ca.pem")
	server := x509.Certificate{Subject: pkix.Name{CommonName: "dc1"}, DNSNames: []string{"dc1.example.org"}, IPAddresses: []net.IP{d.ip}}
	if err := certificates(d.dir, server); err != nil {
		return err
	}
	in := func(name string) string { return filepath.Join(d.dir, name) }
	// What Debian's own smb.conf says is none of our business.
	if err := os.WriteFile(in("none.conf"), []byte("[global]\n"), 0o600); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(context.Background(), 20*patience) // some seconds, on a machine that has time
	defer cancel()
	cmd := bare(ctx, "/usr/bin/samba-tool", "domain", "provision", "--configfile="+in("none.conf"), "--targetdir="+in("dc"), "--option=ldb:nosync=true",
		"--realm=EXAMPLE.ORG", "--domain=EXAMPLE", "--server-role=dc", "--dns-backend=NONE", "--host-name=dc1", "--host-ip="+d.ip.String(), "--adminpass="+d.AdminWord)
	cmd.SysProcAttr.Pdeathsig = syscall.SIGKILL
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("samba-tool domain provision: %w: %s", err, out)
	}
	lines := []string{
		"[global]", "netbios name = DC1", "realm = EXAMPLE.ORG", "workgroup = EXAMPLE", "server role = active directory domain controller",
		"server services = ldap", "interfaces = " + d.ip.String() + "/8", "bind interfaces only = yes",
		"tls certfile = " + in("server.pem"), "tls keyfile = " + in("server.key"), "tls cafile = " + d.CAFile,
		"log file = " + in("samba.log"), "ldb:nosync = true",
	}
	for _, of := range []string{"private dir/private", "state directory/state", "cache directory/cache", "lock directory/", "pid directory/run", "ncalrpc dir/ncalrpc", "ntp signd socket directory/ntp", "winbindd socket directory/winbindd", "binddns dir/bind-dns"} {
		key, folder, _ := strings.Cut(of, "/")
		path := filepath.Join(d.dir, "dc", folder)
		if err := os.MkdirAll(path, 0o755); err != nil {
			return err
		}
		lines = append(lines, key+" = "+path)
	}
	return os.WriteFile(in("smb.conf"), []byte(strings.Join(lines, "\n")+"\n"), 0o600)
}

// choose finds an address of loopback at which nobody listens.
func (d *Domain) choose() error {
	for range attempts {
		d.ip = net.IPv4(127, byte(64+rand.IntN(128)), byte(rand.IntN(256)), byte(1+rand.IntN(254)))
		l, err := net.Listen("tcp", net.JoinHostPort(d.ip.String(), "389"))
		if err == nil {
			return l.Close()
		}
	}
	return errors.New("no address of loopback lets us listen on port 389")
}

func (d *Domain) down() {
	d.process.stop(syscall.SIGTERM)
	d.process = nil
}

func (d *Domain) up(tb testing.TB) {
	tb.Helper()
	ready := func() bool {
		for _, port := range []string{"389", "636"} {
			c, err := net.DialTimeout("tcp", net.JoinHostPort(d.ip.String(), port), time.Second)
			if err != nil {
				return false
			}
			c.Close()
		}
		return true
	}
	var err error
	d.process, err = launch(filepath.Join(d.dir, "log"), syscall.SIGTERM, ready, bare(context.Background(), "/usr/sbin/samba", "-F", "--no-process-group", "-M", "single", "-d", "1", "--debug-stdout", "-s", filepath.Join(d.dir, "smb.conf")))
	if err != nil {
		tb.Fatalf("samba: %v", err)
	}
}
