package source

import (
	"fmt"
	"net"
	"net/url"
	"slices"
	"strings"

	"github.com/go-ldap/ldap/v3"
)

// validateLDAP looks at what concerns a directory, and at what does not.
func (o Options) validateLDAP(f *faults) {
	d := Defaults()
	for _, k := range []struct {
		key string
		set bool
	}{
		{"host", o.Host != ""},
		{"port", o.Port != 0},
		{"user", o.User != ""},
		{"key", !o.Key.IsZero()},
		{"password", !o.Password.IsZero()},
		{"host_keys", len(o.HostKeys) > 0},
		{"known_hosts", o.KnownHosts != ""},
		{"path", o.Path != ""},
		{"pick", o.Pick != d.Pick},
		{"settle", o.Settle != d.Settle},
		{"ready", o.Ready != ""},
		{"after", o.After != d.After},
		{"move_to", o.MoveTo != ""},
		{"due", o.Due != ""},
		{"due_except", len(o.DueExcept) > 0},
		{"sequence", o.Sequence != Sequence{}},
	} {
		if k.set {
			f.add(k.key, "belongs to files, and this is a directory", "remove it")
		}
	}
	if o.MaxSize <= 0 {
		f.add("max_size", fmt.Sprintf("%d is not a size", o.MaxSize), "write how large an answer may be, like 512MB")
	}
	o.validateURLs(f)
	o.validateBind(f)
	o.validateIncremental(f)
	f.word("dialect", o.Dialect, "ad", "openldap", "389ds", "generic")
	f.word("scope", o.Scope, "sub", "one", "base")
	if o.Base == "" {
		f.add("base", "is missing", "write the DN below which people stand, like OU=Staff,DC=ad,DC=example,DC=org")
	} else if _, err := ldap.ParseDN(o.Base); err != nil {
		f.add("base", "is no DN", "write one like OU=Staff,DC=ad,DC=example,DC=org")
	}
	if _, err := ldap.CompileFilter(o.filter()); err != nil {
		f.add("filter", "is no filter", "write one like (&(objectClass=person)(employeeNumber=*)), with all its brackets")
	}
	if o.PageSize < 0 || o.PageSize > 100_000 {
		f.add("page_size", fmt.Sprintf("%d is not from 0 to 100000", o.PageSize), "write 500, or 0 for a server that knows no pages")
	}
}

// validateIncremental looks at how changes are asked for.
func (o Options) validateIncremental(f *faults) {
	f.word("incremental", o.Incremental, "none", byUSN, byStamp, bySync)
	switch {
	case o.Incremental == byUSN && o.Dialect != "ad":
		f.add("incremental", "usn is counted by Active Directory alone, and this is "+o.Dialect, "write syncrepl or timestamp, or dialect: ad")
	case o.Incremental == bySync && o.Dialect == "ad":
		f.add("incremental", "Active Directory knows no syncrepl", "write usn")
	}
	switch {
	case o.FullEvery <= 0:
		f.add("full_every", fmt.Sprintf("%s is no time", o.FullEvery), "write after how long all is read again, like 24h")
	case !o.incremental() && o.FullEvery != Defaults().FullEvery:
		f.add("full_every", "has no effect: every run reads all", "remove it, or write incremental: usn, timestamp or syncrepl")
	}
}

// filter is what is asked. Whoever is disabled is asked for too: else they would
// look like somebody who has left.
func (o Options) filter() string {
	switch {
	case o.Filter != "":
		return o.Filter
	case o.Dialect == "ad":
		return "(&(objectCategory=person)(objectClass=user))"
	}
	return "(objectClass=person)"
}

func (o Options) validateURLs(f *faults) {
	if len(o.URLs) == 0 {
		f.add("urls", "is missing", `write ["ldaps://dc1.example.org"], and a second server if there is one`)
	}
	clear := false
	for i, text := range o.URLs {
		path := fmt.Sprintf("urls[%d]", i)
		u, err := url.Parse(text)
		switch {
		case err != nil, u.Scheme != "ldap" && u.Scheme != "ldaps", u.Hostname() == "":
			f.add(path, "is no address of a directory", "write ldaps://HOST or ldap://HOST")
		case u.User != nil, strings.Trim(u.Path, "/") != "", u.RawQuery != "", u.Fragment != "":
			f.add(path, "says more than the server", "write ldaps://HOST or ldap://HOST alone; base, filter and bind have keys of their own")
		case u.Scheme == "ldap" && !bool(o.StartTLS) && !loopback(u.Hostname()):
			f.add(path, "would send the password in clear", "write ldaps://, or starttls: required")
		}
		clear = clear || err == nil && u.Scheme == "ldap"
	}
	if bool(o.StartTLS) && !clear && len(o.URLs) > 0 {
		f.add("starttls", "has no effect: ldaps:// is safe from the first byte", "remove it, or write ldap://")
	}
}

// loopback tells whether a host is this machine.
func loopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

func (o Options) validateBind(f *faults) {
	b := o.Bind
	byName, byCertificate := b.DN != "" || !b.Password.IsZero(), b.Certificate != "" || !b.Key.IsZero()
	switch {
	case byName && byCertificate:
		f.add("bind", "names two ways of logging in", "write dn and password, or certificate and key")
	case !byName && !byCertificate:
		f.add("bind", "is missing", "write {dn: …, password: {file: PATH}}, or {certificate: PATH, key: {file: PATH}}")
	case byName && b.DN == "":
		f.add("bind.dn", "is missing", "write the account's DN; for Active Directory user@domain will do")
	case byName && b.Password.IsZero():
		f.add("bind.password", "is missing: a server may let in nobody in particular without one", "write password: {file: PATH}")
	case byCertificate && b.Certificate == "":
		f.add("bind.certificate", "is missing", "write the path of the certificate that belongs to the key")
	case byCertificate && b.Key.IsZero():
		f.add("bind.key", "is missing", "write key: {file: PATH}")
	case byCertificate && !bool(o.StartTLS) && slices.ContainsFunc(o.URLs, func(u string) bool { return strings.HasPrefix(u, "ldap:") }):
		f.add("bind.certificate", "needs TLS", "write ldaps://, or starttls: required")
	}
	if err := b.Password.Validate(); err != nil {
		f.add("bind.password", err.Error(), "")
	}
	if err := b.Key.Validate(); err != nil {
		f.add("bind.key", err.Error(), "")
	}
}

// refuseLDAP looks for what concerns a directory where there is none.
func (o Options) refuseLDAP(f *faults) {
	d := Defaults()
	for _, k := range []struct {
		key string
		set bool
	}{
		{"urls", len(o.URLs) > 0},
		{"ca_file", o.CAFile != ""},
		{"server_name", o.ServerName != ""},
		{"starttls", bool(o.StartTLS)},
		{"bind", o.Bind != Bind{}},
		{"dialect", o.Dialect != d.Dialect && o.Dialect != ""},
		{"base", o.Base != ""},
		{"scope", o.Scope != d.Scope && o.Scope != ""},
		{"filter", o.Filter != ""},
		{"page_size", o.PageSize != d.PageSize && o.PageSize != 0},
		{"incremental", o.incremental()},
		{"full_every", o.FullEvery != d.FullEvery && o.FullEvery != 0},
	} {
		if k.set {
			f.add(k.key, "belongs to type ldap, and this is "+o.Type, "remove it, or write type: ldap")
		}
	}
}
