package shore

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// Mailbox is an SMTP server, Exim, and the one mailbox into which it delivers
// everything for example.org and localhost. It refuses other domains with 550,
// and two local parts of its own: bad@ with 550, and grey@ with 451, which means
// try again later. It offers neither TLS nor a login, and takes at most 5 MB.
type Mailbox struct {
	Addr string // host:port

	dir     string
	program string
	port    int
	process *process
}

// SMTP starts an SMTP server, which ends with the test.
func SMTP(tb testing.TB) *Mailbox {
	tb.Helper()
	program := Need(tb, "smtp")
	dir, err := folder("smtp")
	if err != nil {
		tb.Fatal(err)
	}
	m := &Mailbox{dir: dir, program: filepath.Join(dir, "exim4")}
	tb.Cleanup(func() {
		m.process.cut()
		_ = os.RemoveAll(dir) // a leftover in the temporary folder harms nobody
	})
	if err := m.lay(program); err != nil {
		tb.Fatal(err)
	}
	if err := onFreePort(m.run); err != nil {
		tb.Fatalf("smtp: %v", err)
	}
	return m
}

// Messages are the mails that have arrived, oldest first, each with its headers
// and with lines that end in \n. A mail that the server has just accepted takes
// a moment to be delivered: a test that waits for one uses Wait.
func (m *Mailbox) Messages(tb testing.TB) []string {
	tb.Helper()
	f, err := os.Open(filepath.Join(m.dir, "inbox"))
	if os.IsNotExist(err) {
		return nil
	}
	if err != nil {
		tb.Fatal(err)
	}
	defer f.Close()
	messages, err := split(f)
	if err != nil {
		tb.Fatal(err)
	}
	return messages
}

// Wait waits until n mails have arrived, and answers with all there are then. It
// fails the test where that takes longer than ten seconds.
func (m *Mailbox) Wait(tb testing.TB, n int) []string {
	tb.Helper()
	for deadline := time.Now().Add(10 * time.Second); ; time.Sleep(glance) {
		got := m.Messages(tb)
		if len(got) >= n {
			return got
		}
		if time.Now().After(deadline) {
			tb.Fatalf("mails = %d, want %d; the server's log: %s", len(got), n, tail(filepath.Join(m.dir, "log")))
		}
	}
}

// Stop ends the server at once; what has arrived stays. A mail that was accepted
// and has not arrived yet is lost, so Wait for it first.
func (m *Mailbox) Stop(tb testing.TB) {
	tb.Helper()
	m.process.cut()
	m.process = nil
}

// Start starts a stopped server again, on its port.
func (m *Mailbox) Start(tb testing.TB) {
	tb.Helper()
	if err := m.run(m.port); err != nil {
		tb.Fatal(err)
	}
}

// lay writes what the server needs. Exim is copied, for the packaged one is
// setuid root.
func (m *Mailbox) lay(program string) error {
	text, err := os.ReadFile(program)
	if err != nil {
		return err
	}
	if err := os.WriteFile(m.program, text, 0o755); err != nil {
		return err
	}
	if err := os.Mkdir(filepath.Join(m.dir, "spool"), 0o755); err != nil {
		return err
	}
	return hand(m.dir)
}

// eximConfig has four holes: the folder twice, the server's user and group.
// A mailbox is local to a fixed file: Exim refuses a path made of what a sender
// wrote.
const eximConfig = `primary_hostname = localhost
domainlist local_domains = localhost : example.org
spool_directory = %[1]s/spool
log_file_path = %[1]s/log-%%s
pid_file_path = %[1]s/pid
exim_user = %[2]d
exim_group = %[3]d
never_users =
deliver_drop_privilege = true
daemon_startup_retries = 0
message_size_limit = 5M
tls_advertise_hosts =
smtp_accept_max = 50
host_lookup =
rfc1413_query_timeout = 0s
keep_environment =
acl_smtp_rcpt = check
acl_smtp_data = accept

begin acl
check:
  deny message = no such user here
       local_parts = bad
  defer message = greylisted
       local_parts = grey
  accept domains = +local_domains
  deny message = relay not permitted

begin routers
all:
  driver = accept
  transport = inbox

begin transports
inbox:
  driver = appendfile
  file = %[1]s/inbox
  user = %[2]d
  group = %[3]d
`

func (m *Mailbox) run(port int) error {
	id, _ := servers()
	config := filepath.Join(m.dir, "exim.conf")
	if err := os.WriteFile(config, fmt.Appendf(nil, eximConfig, m.dir, id.uid, id.gid), 0o644); err != nil {
		return err
	}
	p, err := start(filepath.Join(m.dir, "log"), syscall.SIGTERM, greets(port, "220 "), m.program,
		"-C", config, "-bdf", "-oX", "127.0.0.1."+strconv.Itoa(port))
	if err != nil {
		return err
	}
	m.port, m.process, m.Addr = port, p, address(port)
	return nil
}

// split takes an mbox apart: a line that begins with "From " begins a message,
// and the server has put a ">" before those of a message's own.
func split(mbox io.Reader) ([]string, error) {
	var messages []string
	var one strings.Builder
	end := func() {
		if one.Len() > 0 {
			messages = append(messages, strings.TrimSuffix(one.String(), "\n")) // the blank line between two
			one.Reset()
		}
	}
	lines := bufio.NewReader(mbox)
	for {
		line, err := lines.ReadString('\n')
		if err == io.EOF {
			end()
			return messages, nil
		}
		if err != nil {
			return nil, err
		}
		if strings.HasPrefix(line, "From ") {
			end()
			continue
		}
		if strings.HasPrefix(line, ">From ") {
			line = line[1:]
		}
		one.WriteString(line)
	}
}
