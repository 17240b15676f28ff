package source_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"rollcall/internal/secret"
	"rollcall/internal/source"
)

const pin = "SHA256:uYx3gBB0n1n0Fq2h7m1XnV5b8a2kq9mQv3Zt0pLr9sI"

// good is a complete set of options of type sftp.
func good() source.Options {
	o := source.Defaults()
	o.Type, o.Host, o.User, o.Path = "sftp", "sftp.hr.example.org", "rollcall", "/outgoing/staff_*.csv"
	o.Key = secret.Ref{File: "key"}
	o.HostKeys = []string{pin}
	return o
}

// goodDirectory is a complete set of options of type ldap.
func goodDirectory() source.Options {
	o := source.Defaults()
	o.Type, o.URLs, o.Base = "ldap", []string{"ldaps://dc1.example.org", "ldaps://dc2.example.org:3269"}, "OU=Staff,DC=example,DC=org"
	o.Bind = source.Bind{DN: "svc@example.org", Password: secret.Ref{File: "password"}}
	return o
}

func TestValidateFindsEveryFaultOfADirectory(t *testing.T) {
	certificate := source.Bind{Certificate: "client.pem", Key: secret.Ref{File: "key"}}
	for _, tt := range []struct {
		name   string
		change func(o *source.Options)
		want   string // paths of the faults
	}{
		{"a complete one", func(*source.Options) {}, ""},
		{"StartTLS", func(o *source.Options) { o.URLs, o.StartTLS = []string{"ldap://dc1.example.org"}, true }, ""},
		{"in clear on this machine", func(o *source.Options) {
			o.URLs = []string{"ldap://localhost:3899", "ldap://127.0.0.1", "ldap://[::1]"}
		}, ""},
		{"by certificate", func(o *source.Options) { o.Bind = certificate }, ""},
		{"no pages", func(o *source.Options) { o.PageSize = 0 }, ""},
		{"nothing", func(o *source.Options) { o.URLs, o.Bind, o.Base = nil, source.Bind{}, "" }, "urls bind base"},
		{"in clear over the network", func(o *source.Options) { o.URLs[1] = "ldap://dc2.example.org" }, "urls[1]"},
		{"StartTLS for nothing", func(o *source.Options) { o.StartTLS = true }, "starttls"},
		{"no address", func(o *source.Options) {
			o.URLs = []string{"dc1.example.org", "https://dc1.example.org", "ldaps://", "ldaps://dc1/ou=x", "ldaps://me:word@dc1"}
		}, "urls[0] urls[1] urls[2] urls[3] urls[4]"},
		{"a name without a password", func(o *source.Options) { o.Bind.Password = secret.Ref{} }, "bind.password"},
		{"a password without a name", func(o *source.Options) { o.Bind.DN = "" }, "bind.dn"},
		{"two ways", func(o *source.Options) { o.Bind.Certificate = "client.pem" }, "bind"},
		{"half a certificate", func(o *source.Options) { o.Bind = certificate; o.Bind.Key = secret.Ref{} }, "bind.key"},
		{"a key alone", func(o *source.Options) { o.Bind = certificate; o.Bind.Certificate = "" }, "bind.certificate"},
		{"a certificate in clear", func(o *source.Options) { o.Bind, o.URLs = certificate, []string{"ldap://localhost"} }, "bind.certificate"},
		{"a base that is no DN", func(o *source.Options) { o.Base = "Staff" }, "base"},
		{"a filter without its end", func(o *source.Options) { o.Filter = "(&(a=b)(c=d)" }, "filter"},
		{"unknown words", func(o *source.Options) { o.Dialect, o.Scope = "novell", "all" }, "dialect scope"},
		{"pages beyond", func(o *source.Options) { o.PageSize = -1 }, "page_size"},
		{"no size at all", func(o *source.Options) { o.MaxSize = 0 }, "max_size"},
		{"keys of files", func(o *source.Options) { o.Path, o.Settle, o.After, o.Host = "x", 0, "delete", "h" }, "host path settle after"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			o := goodDirectory()
			tt.change(&o)
			var got []string
			for _, f := range o.Validate() {
				got = append(got, f.Path)
				if f.Text == "" || strings.HasPrefix(f.Text, f.Path) {
					t.Errorf("fault %q says %q", f.Path, f.Text)
				}
			}
			if !slices.Equal(got, strings.Fields(tt.want)) {
				t.Errorf("faults at %q, want %q", got, strings.Fields(tt.want))
			}
		})
	}
}

func TestValidateFindsEveryFault(t *testing.T) {
	for _, tt := range []struct {
		name   string
		change func(o *source.Options)
		want   string // paths of the faults
	}{
		{"a complete sftp", func(*source.Options) {}, ""},
		{"known_hosts instead of a pin", func(o *source.Options) { o.HostKeys, o.KnownHosts = nil, "known_hosts" }, ""},
		{"an address of version 6", func(o *source.Options) { o.Host = "2001:db8::1" }, ""},
		{"a relative path", func(o *source.Options) { o.Path = "staff.csv" }, ""},
		{"archive into a folder", func(o *source.Options) { o.After, o.MoveTo = "archive", "old" }, ""},
		{"a settle of a day", func(o *source.Options) { o.Settle = 24 * time.Hour }, ""},
		{"a settle of two days", func(o *source.Options) { o.Settle = 48 * time.Hour }, "settle"},
		{"settle of zero", func(o *source.Options) { o.Settle = 0 }, ""},
		{"no type", func(o *source.Options) { o.Type = "" }, "type"},
		{"a type of later", func(o *source.Options) { o.Type = "https" }, "type"},
		{"a type of nowhere", func(o *source.Options) { o.Type = "ftp" }, "type"},
		{"no host, user, path", func(o *source.Options) { o.Host, o.User, o.Path = "", "", "" }, "host user path"},
		{"a host with a scheme", func(o *source.Options) { o.Host = "sftp://sftp.example.org" }, "host"},
		{"a host with a port", func(o *source.Options) { o.Host = "sftp.example.org:2222" }, "host"},
		{"a host with a user", func(o *source.Options) { o.Host = "me@sftp.example.org" }, "host"},
		{"a port beyond", func(o *source.Options) { o.Port = 65536 }, "port"},
		{"neither key nor password", func(o *source.Options) { o.Key = secret.Ref{} }, "key"},
		{"a key in two places", func(o *source.Options) { o.Key.Env = "KEY" }, "key"},
		{"no host key", func(o *source.Options) { o.HostKeys = nil }, "host_keys"},
		{"a fingerprint of MD5", func(o *source.Options) { o.HostKeys = []string{pin, "MD5:16:27:ac"} }, "host_keys[1]"},
		{"a fingerprint cut short", func(o *source.Options) { o.HostKeys = []string{pin[:20]} }, "host_keys[0]"},
		{"a fingerprint without its name", func(o *source.Options) { o.HostKeys = []string{pin[7:]} }, "host_keys[0]"},
		{"a folder alone", func(o *source.Options) { o.Path = "/outgoing/" }, "path"},
		{"an open bracket", func(o *source.Options) { o.Path = "/outgoing/[a.csv" }, "path"},
		{"a glob in the folder", func(o *source.Options) { o.Path = "/out*/a.csv" }, "path"},
		{"a home by its sign", func(o *source.Options) { o.Path = "~/a.csv" }, "path"},
		{"unknown words", func(o *source.Options) { o.Pick, o.After = "any", "burn" }, "pick after"},
		{"move_to without archive", func(o *source.Options) { o.MoveTo = "done" }, "move_to"},
		{"move_to that leads away", func(o *source.Options) { o.After, o.MoveTo = "archive", "../done" }, "move_to"},
		{"a negative settle", func(o *source.Options) { o.Settle = -time.Second }, "settle"},
		{"no size at all", func(o *source.Options) { o.MaxSize = 0 }, "max_size"},
		{"a marker without a star", func(o *source.Options) { o.Ready = "done" }, "ready"},
		{"a marker elsewhere", func(o *source.Options) { o.Ready = "done/*" }, "ready"},
		{"a marker that is the file", func(o *source.Options) { o.Ready = "*" }, "ready"},
		{"keys of ldap under sftp", func(o *source.Options) { o.URLs, o.Dialect, o.Base = []string{"ldaps://x"}, "ad", "dc=x" }, "urls dialect base"},
		{"keys of sftp under dir", func(o *source.Options) { o.Type, o.Port = "dir", 22 }, "host port user key host_keys"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			o := good()
			tt.change(&o)
			var got []string
			for _, f := range o.Validate() {
				got = append(got, f.Path)
				if f.Text == "" || strings.HasPrefix(f.Text, f.Path) {
					t.Errorf("fault %q says %q", f.Path, f.Text)
				}
			}
			if !slices.Equal(got, strings.Fields(tt.want)) {
				t.Errorf("faults at %q, want %q", got, strings.Fields(tt.want))
			}
		})
	}
}
