//go:build samba

// This test runs the example ldap-ad against a domain controller of Active Directory,
// which Samba plays: make samba.

package examples_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"rollcall/internal/shore"
)

// What only OpenLDAP wants to be told of people, a domain gives by itself.
var givenByItself = regexp.MustCompile(`(?m)^(objectClass: extensibleObject|instanceType|nTSecurityDescriptor|objectCategory|objectGUID).*\n`)

func TestStaffFromADomainControllerGivesThePlanOfTheExampleAndIsFollowed(t *testing.T) {
	d := shore.Samba(t)
	dir := example(t, "ldap-ad")
	people, err := os.ReadFile("ldap-ad/people.ldif")
	if err != nil {
		t.Fatal(err)
	}
	password := shore.NewPassword("Good pass 1!")
	d.Modify(t, regexp.MustCompile(`(?m)^(dn:.*\n)`).ReplaceAllString(givenByItself.ReplaceAllString(string(people), ""), "${1}changetype: add\n"+password+"\n"))
	if err := copyFile(d.CAFile, filepath.Join(dir, "ca.pem")); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, "profiles.d", "ad-staff.yaml")
	original, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	profile := regexp.MustCompile(`(?m)^  urls: .*$`).ReplaceAllLiteralString(string(original), `  urls: ["`+d.TLSURL+`"]`)
	write := func(name, text string) {
		t.Helper()
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	bind := func(who, word string) {
		t.Helper()
		write("bind_password", word+"\n")
		profile = regexp.MustCompile(`bind: \{dn: "[^"]*"`).ReplaceAllLiteralString(profile, `bind: {dn: "`+who+`"`)
		write("profiles.d/ad-staff.yaml", profile)
	}
	bind(d.DN, d.Password)

	plan, code := rollcall(t, dir, "plan", "ad-staff")
	if code != 0 {
		t.Fatalf("plan: exit %d\n%s", code, plan)
	}
	compares(t, "ldap-ad", plan)
	run := func(want int, says string) {
		t.Helper()
		if out, code := rollcall(t, dir, "run", "ad-staff"); code != want || !regexp.MustCompile(says).MatchString(out) {
			t.Errorf("run: exit %d, want %d and %q\n%s", code, want, says, out)
		}
	}
	show := func(who string, says ...string) (of struct {
		Status, Anchor string
		Cohorts, Roles []string
		Links          []struct{ Anchor string }
	},
	) {
		t.Helper()
		out, _ := rollcall(t, dir, "accounts", "show", who, "-o", "json")
		for _, text := range says {
			if !strings.Contains(out, text) {
				t.Errorf("%s is\n%s\nwant %s", who, out, text)
			}
		}
		if err := json.Unmarshal([]byte(out), &of); err != nil {
			t.Errorf("%s: %v\n%s", who, err, out)
		}
		return of
	}
	run(0, ` added +4\b`)
	show("ada", `"email": "Ada.Lovelace@example.org"`, `"expires_on": null`)
	show("emmy", `"expires_on": null`, `"status": "active"`)
	show("kurt", `"status": "suspended"`)
	show("grace", `"expires_on": "2089-09-17T`)
	run(0, "nothing to do")

	const in = ",OU=People,DC=example,DC=org\nchangetype: "
	const grace, ada, emmy = `dn: CN=Hopper\, Grace` + in, `dn: CN=Lovelace\, Ada` + in, `dn: CN=Noether\, Emmy` + in
	modify := func(text string) {
		t.Helper()
		d.Modify(t, text+"\n\n")
	}
	// Locked by wrong passwords, and asked for a new one: neither has left.
	for range 4 {
		bind("ada@example.org", "wrong")
		if out, code := rollcall(t, dir, "doctor", "ad-staff"); code != 12 {
			t.Errorf("doctor: exit %d\n%s", code, out)
		}
	}
	bind("ada@example.org", "Good pass 1!")
	if out, code := rollcall(t, dir, "doctor", "ad-staff"); code != 12 || !strings.Contains(out, "locked") {
		t.Errorf("after four wrong passwords: exit %d\n%s\nwant that the account is locked", code, out)
	}
	bind(d.DN, d.Password)
	modify(emmy + "modify\nreplace: pwdLastSet\npwdLastSet: 0")
	run(0, "nothing to do")
	// Disabled, an end and its taking back, another name, another key: the same person (R47).
	modify(ada + "modify\nreplace: userAccountControl\nuserAccountControl: 66050")
	run(0, ` suspended +1\b`)
	modify(ada + "modify\nreplace: userAccountControl\nuserAccountControl: 66048\n\n" + grace + "modify\nreplace: accountExpires\naccountExpires: 9223372036854775807")
	run(0, ` reactivated +1\b`)
	show("grace", `"expires_on": null`)
	modify(grace + "modify\nreplace: sAMAccountName\nsAMAccountName: ghopper\n\n" + grace + "modrdn\nnewrdn: CN=Grace Hopper\ndeleteoldrdn: 1")
	run(0, ` renamed +1\b`)
	modify("dn: CN=Grace Hopper" + in + "modify\nreplace: employeeID\nemployeeID: 000299")
	run(0, ` updated +1\b`)
	if out, _ := rollcall(t, dir, "accounts", "show", "key:000299", "-o", "json"); !strings.Contains(out, `"username": "ghopper"`) || !regexp.MustCompile(`"anchor": "[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"`).MatchString(out) {
		t.Errorf("key 000299 is\n%s\nwant ghopper with an objectGUID as people write it", out)
	}

	// By its numbers alone, as an administrator, who sees who was deleted.
	bind(d.Admin, d.AdminWord)
	profile = strings.Replace(profile, "\nsource:\n", "\nsource:\n  incremental: usn\n", 1)
	bind(d.DN, d.Password)
	if out, code := rollcall(t, dir, "doctor", "ad-staff"); code != 0 || !strings.Contains(out, "?   the bind account may not see who was deleted") || !strings.Contains(out, "ok  asked again, for changes alone (source.incremental: usn): 0 entries are new or changed, 0 gone") {
		t.Errorf("doctor as an ordinary account: exit %d\n%s", code, out)
	}
	bind(d.Admin, d.AdminWord)
	if out, code := rollcall(t, dir, "doctor", "ad-staff"); code != 0 || strings.Contains(out, "may not see who was deleted") {
		t.Errorf("doctor as an administrator: exit %d\n%s", code, out)
	}
	run(0, `nothing|unchanged`)
	modify("dn: CN=Grace Hopper" + in + "modify\nreplace: department\ndepartment: Ward 3\n\n" + emmy + "delete")
	run(0, `what has changed since run \d+ \(1 entry new or changed, 1 gone\)`)
	show("emmy", `"status": "suspended"`)
	if out, code := rollcall(t, dir, "plan", "ad-staff", "--detailed-exitcode"); code != 0 {
		t.Errorf("R6: after the run the plan is not empty: exit %d\n%s", code, out)
	}
}
