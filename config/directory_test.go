package config

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// staffOf is a profile that reads a directory, with lines put in place of others.
func staffOf(change ...string) string {
	text := `version: 1
source:
  type: ldap
  urls: ["ldaps://dc1.example.org"]
  ca_file: ca.pem
  bind: {dn: svc@example.org, password: {file: word}}
  dialect: ad
  base: OU=Staff,DC=example,DC=org
  starttls: off
format: {content: full}
match: {key: employee_id}
map:
  employee_id: employeeID
  username: {from: sAMAccountName, transform: [lower]}
  first_name: givenName
  last_name: sn
  email: {template: "{mail}", default: "{uid}@example.org"}
  status: "@status"
  expires_on: "@expires"
  description: dn
`
	return strings.NewReplacer(change...).Replace(text)
}

func TestADirectoryIsAskedForWhatTheMapSpeaksOf(t *testing.T) {
	path := site(t, "", "staff.yaml", staffOf())
	s := loaded(t, path)
	p := s.Loaded[0]
	want := []string{"accountExpires", "userAccountControl", "employeeID", "givenName", "mail", "sAMAccountName", "sn", "uid", "objectGUID"}
	if got := p.Source.Attributes; !slices.Equal(got, want) {
		t.Errorf("asked for %q, want %q", got, want)
	}
	if p.Format.Type != "ldif" || p.Format.Dialect != "ad" {
		t.Errorf("format = %+v, want ldif in the dialect ad", p.Format)
	}
	if dir := filepath.Dir(p.Path); p.Source.CAFile != filepath.Join(dir, "ca.pem") || p.Source.Bind.Password.File != filepath.Join(dir, "word") {
		t.Errorf("paths are %q and %q, want them beside the profile", p.Source.CAFile, p.Source.Bind.Password.File)
	}
	other := loaded(t, site(t, "", "staff.yaml", staffOf("OU=Staff", "OU=Guests"))).Loaded[0]
	second := loaded(t, site(t, "", "staff.yaml", staffOf("dc1", "dc2"))).Loaded[0]
	if p.Digest() == other.Digest() || p.Digest() != second.Digest() {
		t.Error("the digest names the base, and not the server")
	}
}

func TestWhatDoesNotGoWithADirectoryIsRefused(t *testing.T) {
	for _, tt := range []struct {
		name, is, was string
		want          string // the error
	}{
		{"a delta", "content: delta", "content: full", "10:10 format.content: delta does not go with source.type: ldap, which lists everybody"},
		{"another format", "{type: csv, content: full}", "{content: full}", "10:10 format.type: csv does not go with source.type: ldap, which is written down as LDIF"},
		{"another dialect", "{dialect: openldap, type: ldif, content: full}", "{content: full}", "10:10 format.dialect is another one than source.dialect"},
		{"a dialect without a state", "dialect: generic", "dialect: ad", "18:3 map.status: the dialect generic has no @status"},
		{"no attribute", "first_name: Given Name", "first_name: givenName", `15:3 map.first_name: "Given Name" is not an attribute`},
		{"clear text", "ldap://dc1", "ldaps://dc1", "4:10 source.urls[0]: would send the password in clear"},
		{"a folder's key", "path: x", "starttls: off", "9:9 source.path belongs to files, and this is a directory"},
		{"numbers that OpenLDAP does not count", "dialect: openldap\n  incremental: usn", "dialect: ad", "8:16 source.incremental: usn is counted by Active Directory alone, and this is openldap"},
		{"what Active Directory does not know", "incremental: syncrepl", "starttls: off", "9:16 source.incremental: Active Directory knows no syncrepl"},
		{"changes by another word", "incremental: yes", "starttls: off", "9:16 source.incremental: \"yes\" is not one of its words"},
		{"all every so often, always", "full_every: 12h", "starttls: off", "9:15 source.full_every has no effect: every run reads all"},
		{"half StartTLS", "starttls: maybe", "starttls: off", "9:13 source.starttls: wants required or off"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, errs := load(site(t, "", "staff.yaml", staffOf(tt.was, tt.is)), now, nil)
			var got []string
			for _, e := range errs {
				got = append(got, fmt.Sprintf("%d:%d %s", e.Line, e.Col, e.Text))
			}
			if !slices.Contains(got, tt.want) {
				t.Errorf("errors are %q, want %q among them", got, tt.want)
			}
		})
	}
	_, errs := load(site(t, "", "staff.yaml", staffOf()[:strings.Index(staffOf(), "map:")]), now, nil)
	if !strings.Contains(errs.Error(), "map is missing: it says which attributes a directory is asked for") {
		t.Errorf("without a map: %v", errs)
	}
}

func TestThePasswordOfADirectoryIsNeverShown(t *testing.T) {
	for _, bind := range []string{"{dn: svc@example.org, password: hunter2}", "\n    dn: svc\n    password: hunter2", "{dn: svc, password: {text: hunter2}}"} {
		_, errs := load(site(t, "", "staff.yaml", staffOf("{dn: svc@example.org, password: {file: word}}", bind)), now, nil)
		if !errs.Failed() || strings.Contains(errs.Error(), "hunter2") {
			t.Errorf("bind: %s gives\n%v", bind, errs)
		}
	}
}
