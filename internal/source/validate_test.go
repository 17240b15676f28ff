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
		{"settle of zero", func(o *source.Options) { o.Settle = 0 }, ""},
		{"no type", func(o *source.Options) { o.Type = "" }, "type"},
		{"a type of later", func(o *source.Options) { o.Type = "ldap" }, "type"},
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
