package notify

import (
	"fmt"
	"net"
	"net/mail"
	"net/url"
	"strconv"
	"strings"

	"rollcall/internal/roster"
	"rollcall/internal/secret"
)

// Options say how mail leaves (site key mail:). The zero Options send none.
type Options struct {
	Server   string     `yaml:"server"` // smtp://host:587 with STARTTLS, or smtps://host:465
	From     string     `yaml:"from"`
	User     string     `yaml:"user"` // "" where the server asks for no login
	Password secret.Ref `yaml:"password"`
	OnlyTo   []string   `yaml:"only_to"` // where not empty, every mail goes to these and to nobody else
}

// IsZero tells whether no mail is configured.
func (o Options) IsZero() bool { return o.Server == "" }

// maxRecipients bounds a list of addresses in the configuration.
const maxRecipients = 100

// Validate reports everything that is wrong with o, not only the first thing.
func (o Options) Validate() []*roster.Fault {
	var faults []*roster.Fault
	fault := func(key, text, hint string) {
		faults = append(faults, &roster.Fault{Path: "mail." + key, Text: text, Hint: hint})
	}
	if o.Server == "" {
		if o.From != "" || o.User != "" || len(o.OnlyTo) > 0 || !o.Password.IsZero() {
			fault("server", "is empty", `write "smtp://host:587" or "smtps://host:465"`)
		}
		return faults
	}
	if _, err := parse(o.Server); err != nil {
		fault("server", err.Error(), `write "smtp://host:587" or "smtps://host:465"`)
	}
	if _, err := address(o.From); err != nil {
		fault("from", "is not an address", `write "rollcall <rollcall@example.org>"`)
	}
	if err := o.Password.Validate(); err != nil {
		fault("password", err.Error(), "")
	}
	if o.User == "" && !o.Password.IsZero() {
		fault("user", "is empty, and there is a password", "write the name that goes with it")
	}
	if o.User != "" && o.Password.IsZero() {
		fault("password", "is missing, and there is a user", "write {file: PATH}, {env: NAME} or {credential: NAME}")
	}
	if len(o.OnlyTo) > maxRecipients {
		fault("only_to", fmt.Sprintf("%d addresses are more than %d", len(o.OnlyTo), maxRecipients), "use a mailing list")
	}
	for i, to := range o.OnlyTo {
		if _, err := address(to); err != nil {
			fault(fmt.Sprintf("only_to[%d]", i), "is not an address", "")
		}
	}
	return faults
}

// Site is the domain of the sender, of which message ids are made; "localhost"
// where there is none.
func (o Options) Site() string {
	a, err := address(o.From)
	if err != nil {
		return "localhost"
	}
	return a.Address[strings.LastIndexByte(a.Address, '@')+1:]
}

// server is a mail server, taken apart.
type server struct {
	host     string
	port     int
	implicit bool // TLS from the first byte
}

// The ports where none is written: submission, and submission over TLS (RFC 8314).
const (
	submission    = 587
	submissionTLS = 465
)

func parse(text string) (server, error) {
	u, err := url.Parse(text)
	if err != nil {
		return server{}, fmt.Errorf("is not an address of a server")
	}
	s := server{host: u.Hostname(), port: submission}
	switch u.Scheme {
	case "smtp":
	case "smtps":
		s.implicit, s.port = true, submissionTLS
	default:
		return server{}, fmt.Errorf("begins with neither smtp:// nor smtps://")
	}
	switch {
	case u.User != nil:
		return server{}, fmt.Errorf("has a user or a password in it, which belong in mail.user and mail.password")
	case s.host == "":
		return server{}, fmt.Errorf("names no host")
	case strings.Trim(u.Path, "/") != "" || u.RawQuery != "" || u.Fragment != "":
		return server{}, fmt.Errorf("has more than a host and a port")
	}
	if p := u.Port(); p != "" {
		if s.port, err = strconv.Atoi(p); err != nil || s.port < 1 || s.port > 65535 {
			return server{}, fmt.Errorf("has a port that is none")
		}
	}
	return s, nil
}

// loopback tells whether nobody else can listen on the way to the server.
func (s server) loopback() bool {
	ip := net.ParseIP(s.host)
	return s.host == "localhost" || ip != nil && ip.IsLoopback()
}

// address reads a mail address; one with a line break in it is none.
func address(text string) (*mail.Address, error) {
	if strings.ContainsAny(text, "\r\n\x00") {
		return nil, fmt.Errorf("line break in an address")
	}
	return mail.ParseAddress(text)
}
