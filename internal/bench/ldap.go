package main

import (
	"bufio"
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

const ldapCase = "LDAP, nothing changed"

// An askResult is a directory asked by the program and by OpenLDAP's ldapsearch.
type askResult struct {
	entries      uint64
	ours, theirs []sample
}

// inDirectory is how many entries the directory has: a hundred thousand is what
// the goal speaks of, and a smaller bench asks for fewer.
func (b *bench) inDirectory() uint64 { return min(100_000, b.judged()) }

// attributes are what both ask for: those of six columns.
var attributes = []string{"employeeNumber", "uid", "givenName", "sn", "mail", "departmentNumber"}

// ldap has the program read all people of a real slapd, once so that it knows them,
// and then on nights on which nothing has changed; beside ldapsearch, which asks for
// the same in pages of the same size.
func (b *bench) ldap(ctx context.Context) error {
	dir := filepath.Join(b.dir, "ldap")
	defer os.RemoveAll(dir)
	n := b.inDirectory()
	server, err := startSlapd(ctx, dir, n)
	if err != nil {
		return err
	}
	defer server.stop()
	config, password := filepath.Join(dir, "rollcall.yaml"), filepath.Join(dir, "password")
	profile := fmt.Sprintf(`version: 1
source: {type: ldap, urls: [%q], bind: {dn: %q, password: {file: %q}}, dialect: openldap, base: %q, filter: "(employeeNumber=*)", page_size: 1000, max_size: 1GB}
format: {content: full}
match: {key: employee_id}
map: {employee_id: employeeNumber, username: uid, first_name: givenName, last_name: sn, email: mail, department: departmentNumber}
policy: {missing: suspend}
`, server.url(), directoryReader, password, directoryBase)
	err = errors.Join(os.Mkdir(filepath.Join(dir, "profiles.d"), 0o755), os.WriteFile(config, []byte("version: 1\n"), 0o600),
		os.WriteFile(password, []byte(directoryWord), 0o600), os.WriteFile(filepath.Join(dir, "profiles.d", "bench.yaml"), []byte(profile), 0o600))
	if err != nil {
		return err
	}
	ours := step{path: b.program, args: []string{"--config", config, "run", "bench"}}
	theirs := step{path: "ldapsearch", args: append([]string{
		"-x", "-H", server.url(), "-D", directoryReader, "-w", directoryWord, "-b", directoryBase, "-LLL", "-E", "pr=1000/noprompt", "(employeeNumber=*)",
	}, attributes...)}
	first := ours
	first.args = append(first.args[:len(first.args):len(first.args)], "--yes")
	if _, err := first.run(ctx, nil); err != nil {
		return err
	}
	if err := b.knows(ctx, config, n); err != nil {
		return err
	}
	none := func() (int64, error) { return 0, nil }
	r := askResult{entries: n}
	for range max(3, b.runs) {
		mine, err := measure(ctx, []step{ours}, 0, none)
		if err != nil {
			return err
		}
		other, err := measure(ctx, []step{theirs}, 0, none)
		if err != nil {
			return err
		}
		r.ours, r.theirs = append(r.ours, mine), append(r.theirs, other)
	}
	b.asks = append(b.asks, r)
	b.say("%s, %s entries: %s, %s × ldapsearch, %d MiB", ldapCase, sizeName(n), seconds(middle(r.ours).wall), short(ratio(r.ours, r.theirs)), middle(r.ours).rss>>20)
	return nil
}

// knows proves that the first run has taken everybody over.
func (b *bench) knows(ctx context.Context, config string, n uint64) error {
	got, err := b.journal(ctx, config)
	if err == nil && (got.Rows["added"] != int(n) || got.Active != int(n)) {
		err = fmt.Errorf("the directory has %d people, and the program did %+v", n, got)
	}
	return err
}

func (b *bench) askRatio() float64 {
	if len(b.asks) == 0 {
		return 0
	}
	return ratio(b.asks[0].ours, b.asks[0].theirs)
}

func (b *bench) askMemory() float64 {
	if len(b.asks) == 0 {
		return 0
	}
	return float64(middle(b.asks[0].ours).rss) / (1 << 20)
}

func (b *bench) askTable(w *strings.Builder) {
	if len(b.asks) == 0 {
		return
	}
	w.WriteString("\n## Asking a directory\n\nA real slapd on loopback, with six attributes of each person, on a night on which nothing has changed. With rollcall the whole command: start, login, search,\n" +
		"the answer as LDIF in the spool with its hash, and the comparison with the last; its first run has taken over everybody.\n\n" +
		"| entries | rollcall | CPU | peak RSS | ldapsearch | ratio |\n|---:|---:|---:|---:|---:|---:|\n")
	for _, r := range b.asks {
		m := middle(r.ours)
		fmt.Fprintf(w, "| %s | %s | %.2f s | %d MiB | %s | %s |\n", sizeName(r.entries), seconds(m.wall), m.cpu.Seconds(), m.rss>>20, seconds(middle(r.theirs).wall), short(ratio(r.ours, r.theirs)))
	}
}

const (
	directoryBase   = "dc=example,dc=org"
	directoryReader = "cn=reader,dc=example,dc=org"
	directoryWord   = "let the reader in"
)

// slapd is an OpenLDAP server of our own, on loopback and in clear.
type slapd struct {
	port int
	cmd  *exec.Cmd
	done chan struct{}
}

func (s *slapd) url() string { return "ldap://127.0.0.1:" + strconv.Itoa(s.port) }

func startSlapd(ctx context.Context, dir string, people uint64) (*slapd, error) {
	program := "/usr/sbin/slapd"
	if _, err := os.Stat(program); err != nil {
		return nil, fmt.Errorf("%w; install the packages slapd and ldap-utils", err)
	}
	if err := os.MkdirAll(filepath.Join(dir, "db"), 0o755); err != nil {
		return nil, err
	}
	config, entries := filepath.Join(dir, "slapd.conf"), filepath.Join(dir, "entries.ldif")
	lines := []string{
		"include /etc/ldap/schema/core.schema", "include /etc/ldap/schema/cosine.schema", "include /etc/ldap/schema/inetorgperson.schema",
		"modulepath /usr/lib/ldap", "moduleload back_mdb", "pidfile " + filepath.Join(dir, "pid"), "argsfile " + filepath.Join(dir, "args"),
		"database mdb", "suffix " + directoryBase, "directory " + filepath.Join(dir, "db"), "maxsize 4294967296",
		"index objectClass,employeeNumber eq,pres", `limits dn.exact="` + directoryReader + `" size=unlimited size.pr=unlimited size.prtotal=unlimited`,
		"access to attrs=userPassword by anonymous auth by * none", "access to * by users read by * none",
	}
	if err := os.WriteFile(config, []byte(strings.Join(lines, "\n")+"\n"), 0o644); err != nil {
		return nil, err
	}
	if err := writeDirectory(entries, people); err != nil {
		return nil, err
	}
	if out, err := exec.CommandContext(ctx, "/usr/sbin/slapadd", "-q", "-f", config, "-l", entries).CombinedOutput(); err != nil {
		return nil, fmt.Errorf("slapadd: %w: %s", err, out)
	}
	s := &slapd{}
	var err error
	for range 5 {
		s.port = 15_000 + rand.IntN(17_000)
		if err = s.run(program, config); err == nil {
			return s, nil
		}
	}
	return nil, err
}

func (s *slapd) run(program, config string) error {
	var log head
	s.cmd = exec.Command(program, "-f", config, "-h", s.url()+"/", "-d", "0") // stop ends it
	s.cmd.Stdout, s.cmd.Stderr = &log, &log
	s.cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGTERM, Setpgid: true}
	if err := s.cmd.Start(); err != nil {
		return err
	}
	s.done = make(chan struct{})
	go func() {
		_ = s.cmd.Wait() // why it ended stands in its log
		close(s.done)
	}()
	for range 200 {
		select {
		case <-s.done:
			return fmt.Errorf("slapd ended: %s", log.tail())
		case <-time.After(50 * time.Millisecond):
		}
		if c, err := net.Dial("tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(s.port))); err == nil {
			c.Close()
			return nil
		}
	}
	s.stop()
	return fmt.Errorf("slapd was not ready after 10 s: %s", log.tail())
}

func (s *slapd) stop() {
	_ = s.cmd.Process.Signal(syscall.SIGTERM) // an error means that it has ended
	<-s.done
}

// writeDirectory writes the people of a feed as entries.
func writeDirectory(path string, people uint64) error {
	file, err := os.Create(path)
	if err != nil {
		return err
	}
	w := bufio.NewWriterSize(file, 1<<18)
	fmt.Fprintf(w, "dn: %[1]s\nobjectClass: domain\ndc: example\n\ndn: ou=People,%[1]s\nobjectClass: organizationalUnit\nou: People\n\n"+
		"dn: %[2]s\nobjectClass: applicationProcess\nobjectClass: simpleSecurityObject\ncn: reader\nuserPassword: %[3]s\n", directoryBase, directoryReader, directoryWord)
	var r row
	for i := range people {
		r.fill(i+1, stays)
		fmt.Fprintf(w, "\ndn: uid=%s,ou=People,%s\nobjectClass: inetOrgPerson\ncn: %s\n", r[login], directoryBase, r[login])
		for k, name := range attributes {
			cell := r[[...]int{personNo, login, givenName, familyName, workEmail, department}[k]]
			if strings.ContainsFunc(string(cell), func(c rune) bool { return c < ' ' || c > '~' }) {
				fmt.Fprintf(w, "%s:: %s\n", name, base64.StdEncoding.EncodeToString(cell))
			} else {
				fmt.Fprintf(w, "%s: %s\n", name, cell)
			}
		}
	}
	return errors.Join(w.Flush(), file.Close())
}
