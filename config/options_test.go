package config

import (
	"reflect"
	"slices"
	"strings"
	"testing"

	"rollcall/internal/roster"
)

const whole = `
source: {type: sftp, host: h.example.org, user: u, key: {env: K}, host_keys: ["SHA256:47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU"], path: /out/*.csv}
format: {content: full, delimiter: ";", header: 1}
timezone: Europe/Warsaw
match: {key: employee_id, fallback: {by: username, rekey: on}, witness: [last_name]}
required: [username]
unique_email: warn
map:
  employee_id: PersonNo
  username: {template: "%-1f%-l"}
  last_name: Name
  department: {from: Ward, set: if_empty}
policy: {protect: ["svc-*", admin], rename: off}
guardrails: {canaries: [" 0001", "2"]}
`

func wholeSite(t *testing.T) (*Site, *Profile) {
	t.Helper()
	s := loaded(t, site(t, `
accounts: {protect: [admin, root], hold_names: 30d, auth: [shibboleth, ldap], standardise: extended}
authority: {email: [hr]}
`, "hr.yaml", whole))
	return s, s.Loaded[0]
}

func TestThePlanIsMadeFromSiteAndProfile(t *testing.T) {
	s, p := wholeSite(t)
	o := s.PlanOptions(p)

	if got, want := o.Policy.Protect, []string{"admin", "root", "svc-*"}; !slices.Equal(got, want) {
		t.Errorf("R64: protected = %v, want %v", got, want)
	}
	if got, want := p.Policy.Protect, []string{"svc-*", "admin"}; !slices.Equal(got, want) {
		t.Errorf("the profile's own list became %v, want %v", got, want)
	}
	if got, want := o.Canaries, []roster.Key{"0001", "2"}; !slices.Equal(got, want) {
		t.Errorf("canaries = %q, want %q", got, want)
	}
	if o.Policy.Rename == nil || *o.Policy.Rename {
		t.Errorf("rename = %v, want off", o.Policy.Rename)
	}
	if got, want := o.Set[roster.Department], roster.SetIfEmpty; got != want {
		t.Errorf("set of department = %q, want %q", got, want)
	}
	if o.Profile != "hr" || !o.Full || o.UniqueEmail != "warn" || o.Zone.String() != "Europe/Warsaw" ||
		!slices.Equal(o.Required, []roster.Field{roster.Username}) || !reflect.DeepEqual(o.Authority, s.Authority) || !o.Match.Fallback.Rekey {
		t.Errorf("options = %+v", o)
	}
}

func TestTheMappingIsMadeFromSiteAndProfile(t *testing.T) {
	s, p := wholeSite(t)
	o := s.MappingOptions(p)

	if got, want := o.Auth, []string{"manual", "ldap", "oauth2", "saml2", "shibboleth"}; !slices.Equal(got, want) {
		t.Errorf("R24: auth = %v, want %v", got, want)
	}
	if o.Key != roster.EmployeeID || !o.Fallback || o.Standardise != "extended" || o.Zone.String() != "Europe/Warsaw" || len(o.Map) != 4 {
		t.Errorf("options = %+v", o)
	}
}

func TestTheDigestFollowsMeaningAndSourceAlone(t *testing.T) {
	digest := func(profile string) string {
		return loaded(t, site(t, "", "hr.yaml", profile)).Loaded[0].Digest()
	}
	was := digest(whole)
	if !strings.HasPrefix(was, "sha256:") || len(was) != 71 {
		t.Errorf("digest = %q", was)
	}
	for _, tt := range []struct {
		old, new string
		same     bool
	}{
		{"PersonNo", "PersonId", false},
		{"set: if_empty", "set: once", false},
		{"key: employee_id,", "key: employee_id, ignore_case: on,", false},
		{`delimiter: ";"`, `delimiter: ","`, false},
		{"content: full", "content: delta", false},
		{"h.example.org", "g.example.org", false},
		{"/out/*.csv", "/in/*.csv", false},
		{"user: u", "user: w", true},
		{"{env: K}", "{env: L}", true},
		{"rename: off", "rename: on", true},
		{"canaries: [", "canaries: [9, ", true},
		{"\nmap:", "\ndescription: new\nmap:", true},
	} {
		if !strings.Contains(whole, tt.old) {
			t.Fatalf("%q is not in the profile", tt.old)
		}
		if got := digest(strings.Replace(whole, tt.old, tt.new, 1)); (got == was) != tt.same {
			t.Errorf("%q for %q: the digest stays = %v, want %v", tt.new, tt.old, got == was, tt.same)
		}
	}
}
