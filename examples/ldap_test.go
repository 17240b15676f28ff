package examples_test

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"rollcall/internal/shore"
)

// ldapExample is a copy of an example with its profile, pointed at a server of
// OpenLDAP with its people and otherwise as it is.
func ldapExample(t *testing.T, name, profile string, d shore.Directory) (dir string, server *shore.LDAP) {
	t.Helper()
	dir = example(t, name)
	people, err := os.ReadFile(filepath.Join(name, "people.ldif"))
	if err != nil {
		t.Fatal(err)
	}
	d.Entries = string(people) + "\n" + d.Entries
	d.Lines = append(d.Lines, "overlay ppolicy")
	server = shore.Slapd(t, d)
	path := filepath.Join(dir, "profiles.d", profile)
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for _, line := range []struct{ key, is string }{{"urls", fmt.Sprintf("[%q]", server.TLSURL)}, {"bind", fmt.Sprintf("{dn: %q, password: {file: ../bind_password}}", server.DN)}} {
		at := regexp.MustCompile(`(?m)^  ` + line.key + `: .*$`)
		if len(at.FindAll(text, -1)) != 1 {
			t.Fatalf("%s does not say %s: exactly once", profile, line.key)
		}
		text = at.ReplaceAllLiteral(text, []byte("  "+line.key+": "+line.is))
	}
	if err := os.WriteFile(path, text, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := copyFile(server.CAFile, filepath.Join(dir, "ca.pem")); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "bind_password"), []byte(server.Password+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	return dir, server
}

func TestStaffFromOpenLDAPGivesItsPlanAndIsFollowed(t *testing.T) {
	dir, server := ldapExample(t, "ldap-openldap", "staff.yaml", shore.Directory{})
	plan, code := rollcall(t, dir, "plan", "staff")
	if code != 0 {
		t.Fatalf("plan: exit %d\n%s", code, plan)
	}
	compares(t, "ldap-openldap", plan)

	doctor, code := rollcall(t, dir, "doctor", "staff")
	for _, says := range []string{"ok  reached, and logged in", "ok  read to the end: 4 entries", "ok  every key stands on one entry", "?   no entry has pwdAccountLockedTime", "?   entries that do not map cleanly: 1 (1 × E131 not an address)"} {
		if code != 0 || !strings.Contains(doctor, says) {
			t.Errorf("doctor: exit %d\n%s\nwant that it says %q", code, doctor, says)
		}
	}

	profile := filepath.Join(dir, "profiles.d", "staff.yaml")
	text, err := os.ReadFile(profile)
	if err != nil {
		t.Fatal(err)
	}
	three := strings.Replace(string(text), fmt.Sprintf("[%q]", server.TLSURL), fmt.Sprintf("[\"ldaps://127.0.0.1:1\", %q, %q]", server.TLSURL, server.URL), 1)
	if err := os.WriteFile(profile, []byte(three), 0o600); err != nil {
		t.Fatal(err)
	}
	doctor, code = rollcall(t, dir, "doctor", "staff")
	for _, says := range []string{"ok  reached " + server.TLSURL + ", and logged in", "ok  " + server.URL + " answers too", "?   source.urls: 127.0.0.1:1 cannot be reached", "runs ask the others meanwhile", "ok  read to the end: 4 entries"} {
		if code != 0 || !strings.Contains(doctor, says) {
			t.Errorf("doctor, of three servers: exit %d\n%s\nwant that it says %q", code, doctor, says)
		}
	}
	if err := os.WriteFile(profile, text, 0o600); err != nil {
		t.Fatal(err)
	}

	runs := func(want int, says string) {
		t.Helper()
		if out, code := rollcall(t, dir, "run", "staff"); code != want || !regexp.MustCompile(says).MatchString(out) {
			t.Errorf("run: exit %d, want %d and %q\n%s", code, want, says, out)
		}
	}
	accounts := func(args ...string) string {
		t.Helper()
		out, _ := rollcall(t, dir, append([]string{"accounts", "list", "-o", "csv"}, args...)...)
		return out
	}
	modify := func(text string) {
		t.Helper()
		server.Modify(t, text+"\n")
	}
	const staff = ",ou=People,dc=example,dc=org\nchangetype: "
	runs(10, ` added +3\b`)
	if got := accounts(); !strings.Contains(got, "Gödel") || !strings.Contains(got, "emmy") || strings.Contains(got, "amalie") || strings.Contains(got, "backup") {
		t.Errorf("accounts are\n%s\nwant Gödel and emmy, and neither amalie nor the backup", got)
	}
	runs(0, "nothing to do") // the same answer is not even a run
	modify("dn: uid=grace" + staff + "modify\nreplace: mail\nmail: grace@example.org")
	runs(0, ` added +1\b`)

	// Locked by an administrator, which is not the same as locked out; and let in again.
	modify("dn: uid=kurt" + staff + "modify\nreplace: pwdAccountLockedTime\npwdAccountLockedTime: 000001010000Z")
	modify("dn: uid=ada" + staff + "modify\nreplace: pwdAccountLockedTime\npwdAccountLockedTime: 20261121223307Z")
	runs(0, ` suspended +1\b`)
	if got := accounts("--status", "suspended"); !strings.Contains(got, "kurt") || strings.Contains(got, "ada") {
		t.Errorf("suspended are\n%s\nwant kurt alone", got)
	}
	modify("dn: uid=kurt" + staff + "modify\ndelete: pwdAccountLockedTime")
	runs(0, ` reactivated +1\b`)

	// A new name in the directory is one in the accounts; somebody who is gone is suspended.
	modify("dn: uid=emmy" + staff + "modrdn\nnewrdn: uid=enoether\ndeleteoldrdn: 1")
	runs(0, ` renamed +1\b`)
	modify("dn: uid=ada" + staff + "delete")
	runs(0, ` suspended +1\b`)

	// A key that was corrected is the same person: the directory's own name for the entry says so (R47).
	modify("dn: uid=grace" + staff + "modify\nreplace: employeeNumber\nemployeeNumber: 000199")
	runs(0, ` updated +1\b`)
	if out, _ := rollcall(t, dir, "runs", "changes", "last", "-o", "json"); !strings.Contains(out, "re-keyed: the source knows the entry by the same anchor") {
		t.Errorf("the changes are\n%s\nwant that grace was re-keyed", out)
	}
	if out, _ := rollcall(t, dir, "accounts", "show", "key:000199", "-o", "json"); !strings.Contains(out, `"username": "grace"`) || !regexp.MustCompile(`"anchor": "[0-9a-f-]{36}"`).MatchString(out) {
		t.Errorf("key 000199 is\n%s\nwant grace, with an anchor", out)
	}
	modify("dn: uid=kurt2" + staff + "add\nobjectClass: inetOrgPerson\nuid: kurt2\nemployeeNumber: 000103\ncn: K\nsn: K\nmail: k@example.org\ngivenName: K")
	if out, _ := rollcall(t, dir, "doctor", "staff"); !strings.Contains(out, "keys that stand on several entries: 1 (000103)") {
		t.Errorf("doctor says\n%s\nwant that 000103 stands on two entries", out)
	}
	modify("dn: uid=kurt2" + staff + "delete")
	if out, code := rollcall(t, dir, "plan", "staff", "--detailed-exitcode"); code != 0 {
		t.Errorf("R6: after the run the plan is not empty: exit %d\n%s", code, out)
	}
	if out, code := rollcall(t, dir, "runs", "show", "last", "-o", "json"); code != 0 || !strings.Contains(out, `"source": "ldap"`) || !strings.Contains(out, `"format": "ldif"`) {
		t.Errorf("the run says\n%s\nwant that it came from ldap as ldif", out)
	}
}

func TestStaffFromActiveDirectoryGivesItsPlanAndIsFollowed(t *testing.T) {
	dir, server := ldapExample(t, "ldap-ad", "ad-staff.yaml", shore.Directory{})
	plan, code := rollcall(t, dir, "plan", "ad-staff")
	if code != 0 {
		t.Fatalf("plan: exit %d\n%s", code, plan)
	}
	compares(t, "ldap-ad", plan)
	if out, code := rollcall(t, dir, "run", "ad-staff"); code != 0 {
		t.Fatalf("run: exit %d\n%s", code, out)
	}
	show := func(who string) string {
		t.Helper()
		out, _ := rollcall(t, dir, "accounts", "show", who, "-o", "json")
		return out
	}
	for who, says := range map[string]string{
		"ada":   `"email": "Ada.Lovelace@example.org"`,
		"emmy":  `"expires_on": null`,
		"kurt":  `"status": "suspended"`,
		"grace": `"expires_on": "2089-09-17T`,
	} {
		if out := show(who); !strings.Contains(out, says) {
			t.Errorf("%s is\n%s\nwant %s", who, out, says)
		}
	}
	// What hr would call an end that is taken back, and a person who is let in again.
	server.Modify(t, "dn: CN=Hopper\\, Grace,ou=People,dc=example,dc=org\nchangetype: modify\nreplace: accountExpires\naccountExpires: 0\n\n"+
		"dn:: "+base64.StdEncoding.EncodeToString([]byte(`CN=Gödel\, Kurt,ou=People,dc=example,dc=org`))+"\nchangetype: modify\nreplace: userAccountControl\nuserAccountControl: 512\n")
	if out, code := rollcall(t, dir, "run", "ad-staff"); code != 0 {
		t.Fatalf("run: exit %d\n%s", code, out)
	}
	if out := show("grace"); !strings.Contains(out, `"expires_on": null`) {
		t.Errorf("grace is\n%s\nwant no end", out)
	}
	if out := show("kurt"); !strings.Contains(out, `"status": "active"`) {
		t.Errorf("kurt is\n%s\nwant that he is active", out)
	}
	if out, code := rollcall(t, dir, "plan", "ad-staff", "--file", "last", "--detailed-exitcode"); code != 0 || !strings.Contains(out, "4 rows") {
		t.Errorf("the last answer again: exit %d\n%s", code, out)
	}
}

// The server gives 500 of 1,200 people, says so, and nobody is suspended.
func TestT37ASizeLimitSuspendsNobody(t *testing.T) {
	var many strings.Builder
	for i := range 1200 {
		fmt.Fprintf(&many, "dn: uid=p%d,ou=People,dc=example,dc=org\nobjectClass: inetOrgPerson\nuid: p%d\nemployeeNumber: 1%05d\ncn: P\nsn: P\ngivenName: P\nmail: p%d@example.org\n\n", i, i, i, i)
	}
	dir, server := ldapExample(t, "ldap-openldap", "staff.yaml", shore.Directory{Entries: many.String(), Limit: 500})
	path := filepath.Join(dir, "profiles.d", "staff.yaml")
	limited, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	// The control: whom the server does not limit gets them all.
	if err := os.WriteFile(path, []byte(strings.Replace(string(limited), server.DN, server.Admin, 1)), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "bind_password"), []byte(server.AdminWord), 0o600); err != nil {
		t.Fatal(err)
	}
	if out, code := rollcall(t, dir, "run", "staff"); code != 10 || !strings.Contains(out, "1,203 accounts changed") {
		t.Fatalf("without the limit: exit %d\n%s", code, out)
	}
	if err := os.WriteFile(path, limited, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "bind_password"), []byte(server.Password), 0o600); err != nil {
		t.Fatal(err)
	}
	server.Modify(t, "dn: uid=p7,ou=People,dc=example,dc=org\nchangetype: modify\nreplace: sn\nsn: Q\n")
	out, code := rollcall(t, dir, "run", "staff")
	if code != 12 || !strings.Contains(out, "E408") || !strings.Contains(out, `limits dn.exact="cn=rollcall,dc=example,dc=org" size=unlimited`) || !strings.Contains(out, "NO account was changed") {
		t.Errorf("with the limit: exit %d\n%s", code, out)
	}
	if out, _ := rollcall(t, dir, "accounts", "list", "--status", "suspended", "-o", "json"); strings.TrimSpace(out) != "[]" {
		t.Errorf("suspended are %s, want nobody", out)
	}

	// What the protection is worth: ldapsearch gives the same 500 and an error, and whoever
	// looks at its output alone would suspend all others. Its own words give it away.
	export := func(name string, args ...string) {
		t.Helper()
		cmd := exec.Command(shore.Need(t, "ldapsearch"), append(args, "-x", "-H", server.URL, "-D", server.DN, "-w", server.Password, "-b", "ou=People,"+server.Base, "(employeeNumber=*)")...)
		out, err := cmd.Output()
		if err == nil || strings.Count(string(out), "dn: ") != 500 {
			t.Fatalf("ldapsearch: %v, %d entries, want 500 and an error", err, strings.Count(string(out), "dn: "))
		}
		if err := os.WriteFile(filepath.Join(dir, name), out, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	locked := strings.Replace(string(limited), "format: {content: full}", "format: {type: ldif, columns: [pwdAccountLockedTime], content: full}", 1)
	if err := os.WriteFile(path, []byte(locked), 0o600); err != nil {
		t.Fatal(err)
	}
	export("bare.ldif", "-LLL")
	if out, code := rollcall(t, dir, "plan", "staff", "--file", "bare.ldif"); code != 0 || !regexp.MustCompile(`703 to suspend`).MatchString(out) {
		t.Errorf("500 of 1,203 people as a file: exit %d\n%s\nwant that it would suspend the other 703", code, out)
	}
	export("told.ldif")
	if out, code := rollcall(t, dir, "run", "staff", "--file", "told.ldif"); code != 12 || !strings.Contains(out, "the export itself says that it is incomplete") {
		t.Errorf("with ldapsearch's own words: exit %d\n%s", code, out)
	}
}

// Groups become cohorts and roles that the catalog has; who leaves a group, or whose
// group leaves another, loses what it granted, and nothing that a person gave (R90, R94).
func TestGroupsOfADirectoryBecomeCohortsAndRolesAndGoAgain(t *testing.T) {
	const in = ",ou=Groups,dc=example,dc=org"
	dir, server := ldapExample(t, "ldap-openldap", "staff.yaml", shore.Directory{Entries: `dn: ou=Groups,dc=example,dc=org
objectClass: organizationalUnit
ou: Groups

dn: cn=LMS-Nurses` + in + `
objectClass: groupOfNames
cn: LMS-Nurses
member: UID=ada, OU=People, DC=example, DC=org
member: cn=LMS-Ward` + in + `

dn: cn=LMS-Ward` + in + `
objectClass: groupOfNames
cn: LMS-Ward
member: uid=kurt,ou=People,dc=example,dc=org
member: cn=LMS-Nurses` + in + `

dn: cn=LMS-Editors` + in + `
objectClass: groupOfNames
cn: LMS-Editors
member: uid=kurt,ou=People,dc=example,dc=org

dn: cn=LMS-Cooks` + in + `
objectClass: groupOfNames
cn: LMS-Cooks
member: uid=emmy,ou=People,dc=example,dc=org

dn: cn=HR-All` + in + `
objectClass: groupOfNames
cn: HR-All
member: uid=nobody,ou=People,dc=example,dc=org

`})
	write := func(name, text string) {
		t.Helper()
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	read := func(name string) []byte {
		t.Helper()
		text, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		return text
	}
	write("profiles.d/staff.yaml", strings.Replace(string(read("profiles.d/staff.yaml")), "  missing: suspend", "  memberships: exact\n  missing: suspend", 1)+`
groups:
  base: ou=Groups,dc=example,dc=org
  nested: on
  cohorts: {"LMS-*": "{cn|after:LMS-|slug}"}
  roles: {LMS-Editors: [course_creator]}
`)
	write("rollcall.yaml", "version: 1\ncatalog: catalog.yaml\n")
	write("catalog.yaml", "version: 1\ncohorts: [nurses, ward, editors]\nroles: [course_creator]\n")
	members := func(who, want string) {
		t.Helper()
		out, _ := rollcall(t, dir, "accounts", "show", who, "-o", "json")
		var a struct{ Cohorts, Roles []string }
		if err := json.Unmarshal([]byte(out), &a); err != nil {
			t.Fatalf("%s: %v\n%s", who, err, out)
		}
		if got := strings.Join(append(a.Cohorts, a.Roles...), " "); got != want {
			t.Errorf("%s is in %q, want %q", who, got, want)
		}
	}
	run := func(says string) {
		t.Helper()
		if out, code := rollcall(t, dir, "run", "staff"); code != 10 || !strings.Contains(out, says) {
			t.Errorf("run: exit %d, want 10 and %q\n%s", code, says, out)
		}
	}
	write("profiles.d/staff.yaml", strings.Replace(string(read("profiles.d/staff.yaml")), "roles: {LMS-Editors:", "roles: {LMS-Editor: [teacher], LMS-Edit*:", 1))
	doctor, code := rollcall(t, dir, "doctor", "staff")
	for _, says := range []string{
		"ok  groups that the directory has: 5, of which 4 make something of their members",
		"?   groups.roles.LMS-Editor fits no group that the directory has\n      correct the pattern",
		"?   groups that no pattern of groups: fits: 1 (HR-All)",
	} {
		if code != 0 || !strings.Contains(doctor, says) {
			t.Errorf("doctor: exit %d\n%s\nwant that it says %q", code, doctor, says)
		}
	}
	if strings.Contains(doctor, "LMS-Edit*") || strings.Contains(doctor, "cohorts.LMS-*") {
		t.Errorf("doctor blames patterns that fit:\n%s", doctor)
	}
	write("profiles.d/staff.yaml", strings.Replace(string(read("profiles.d/staff.yaml")), "LMS-Editor: [teacher], LMS-Edit*:", "LMS-Editors:", 1))
	run("E201") // cooks, which the catalog lacks
	members("ada", "nurses ward")
	members("kurt", "editors nurses ward course_creator")
	members("emmy", "")
	explained, _ := rollcall(t, dir, "explain", "staff", "000103")
	if !strings.Contains(explained, "member of role:course_creator") {
		t.Errorf("explain says\n%s", explained)
	}
	if out, code := rollcall(t, dir, "plan", "staff", "--detailed-exitcode"); code != 0 {
		t.Errorf("R6: after the run the plan is not empty: exit %d\n%s", code, out)
	}

	// What a person gave stays when the group no longer grants it.
	if out, code := rollcall(t, dir, "accounts", "edit", "kurt", "--add", "role:course_creator", "--yes", "--reason", "stays"); code != 0 {
		t.Fatalf("edit: exit %d\n%s", code, out)
	}
	server.Modify(t, "dn: cn=LMS-Ward"+in+"\nchangetype: modify\ndelete: member\nmember: cn=LMS-Nurses"+in+"\n\ndn: cn=LMS-Editors"+in+"\nchangetype: modify\nreplace: member\nmember: uid=ada,ou=People,dc=example,dc=org\n")
	run("E201")
	members("ada", "editors nurses course_creator")
	members("kurt", "nurses ward course_creator")

	// Groups that are not there, or hidden, are no reason to take everything away.
	server.Modify(t, "dn: cn=HR-All"+in+"\nchangetype: delete\n\ndn: cn=LMS-Nurses"+in+"\nchangetype: delete\n\ndn: cn=LMS-Ward"+in+"\nchangetype: delete\n\ndn: cn=LMS-Editors"+in+"\nchangetype: delete\n\ndn: cn=LMS-Cooks"+in+"\nchangetype: delete\n")
	if out, code := rollcall(t, dir, "run", "staff"); code != 12 || !strings.Contains(out, "groups.base and groups.filter") {
		t.Errorf("without groups: exit %d, want 12\n%s", code, out)
	}
	members("ada", "editors nurses course_creator")
}
