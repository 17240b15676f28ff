package examples_test

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"rollcall/internal/shore"
)

// incremental writes into a profile of a directory how it is asked for changes.
func incremental(t *testing.T, dir, how string) {
	t.Helper()
	path := filepath.Join(dir, "profiles.d", "staff.yaml")
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	was := regexp.MustCompile(`(?m)^  incremental: .*\n`).ReplaceAllString(string(text), "")
	if err := os.WriteFile(path, []byte(strings.Replace(was, "\nsource:\n", "\nsource:\n  incremental: "+how+"\n", 1)), 0o600); err != nil {
		t.Fatal(err)
	}
}

func TestStaffFromOpenLDAPIsAskedForWhatHasChangedAlone(t *testing.T) {
	dir, server := ldapExample(t, "ldap-openldap", "staff.yaml", shore.Directory{Lines: []string{"overlay syncprov", "syncprov-sessionlog 100"}, Simple: true})
	incremental(t, dir, "syncrepl")
	types := func(want int, says string, args ...string) {
		t.Helper()
		if out, code := rollcall(t, dir, args...); code != want || !regexp.MustCompile(says).MatchString(out) {
			t.Errorf("rollcall %s: exit %d, want %d and %q\n%s", strings.Join(args, " "), code, want, says, out)
		}
	}
	types(0, `ok  asked again, for changes alone \(source.incremental: syncrepl\): 0 entries are new or changed, 0 gone`, "doctor", "staff")
	types(10, `read of the directory: all\n`, "run", "staff", "--yes")
	types(0, `has nothing new|no new drop|nothing to do`, "run", "staff")
	types(13, ``, "run", "staff", "--require-input")
	server.Modify(t, "dn: uid=ada,ou=People,dc=example,dc=org\nchangetype: modify\nreplace: title\ntitle: Countess\n")
	types(0, `read of the directory: what has changed since run 1 \(1 entry new or changed, 0 gone\)`, "plan", "staff")
	types(10, `read of the directory: what has changed since run 1 \(1 entry new or changed, 0 gone\)`, "run", "staff")
	types(0, `"reading": \{\s+"all": false,\s+"since": 1,\s+"changed": 1,\s+"gone": 0`, "runs", "show", "last", "-o", "json")
	types(0, `read of the directory: what has changed since run 1 \(1 entry`, "explain", "staff", "000101")
	types(0, `unchanged`, "run", "staff", "--file", "last")
	server.Modify(t, "dn: uid=ada,ou=People,dc=example,dc=org\nchangetype: delete\n")
	types(10, `what has changed since run \d+ \(0 entries new or changed, 1 gone\)`, "run", "staff")
	types(0, `ada,`, "accounts", "list", "--status", "suspended", "-o", "csv")

	incremental(t, dir, "timestamp")
	types(0, `\?   by the time of change nobody is seen to be deleted`, "doctor", "staff")
	types(0, `nothing to do|nothing new|no new drop`, "run", "staff")

	// Who comes into a group has not changed himself, and becomes a member all the same.
	incremental(t, dir, "syncrepl")
	const in = ",ou=Groups,dc=example,dc=org"
	server.Modify(t, "dn: ou=Groups,dc=example,dc=org\nchangetype: add\nobjectClass: organizationalUnit\nou: Groups\n\ndn: cn=LMS-Nurses"+in+"\nchangetype: add\nobjectClass: groupOfNames\ncn: LMS-Nurses\nmember: uid=emmy,ou=People,dc=example,dc=org\n")
	path := filepath.Join(dir, "profiles.d", "staff.yaml")
	ungrouped, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, append(slices.Clone(ungrouped), "\ngroups: {base: \"ou=Groups,dc=example,dc=org\", cohorts: {\"LMS-*\": \"{cn|after:LMS-|slug}\"}}\n"...), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{"rollcall.yaml": "version: 1\ncatalog: catalog.yaml\n", "catalog.yaml": "version: 1\ncohorts: [nurses]\n"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	types(10, `read of the directory: all: the profile has been edited`, "run", "staff")
	types(0, `(?s)"cohorts": \[\s+"nurses"`, "accounts", "show", "emmy", "-o", "json")
	server.Modify(t, "dn: cn=LMS-Nurses"+in+"\nchangetype: modify\nadd: member\nmember: uid=kurt,ou=People,dc=example,dc=org\n")
	types(10, `what has changed since run \d+ \(1 entry new or changed, 0 gone\)`, "run", "staff")
	types(0, `(?s)"cohorts": \[\s+"nurses"`, "accounts", "show", "kurt", "-o", "json")
	types(0, `groups that the directory has: 1, of which 1 make(.|\n)*asked again, for changes alone`, "doctor", "staff")

	simple, _ := ldapExample(t, "ldap-openldap", "staff.yaml", shore.Directory{Simple: true})
	incremental(t, simple, "syncrepl")
	out, code := rollcall(t, simple, "doctor", "staff")
	if code != 0 || !strings.Contains(out, "so that every run reads all: the server declined to say what has changed (Unavailable Critical Extension, 12)\n      OpenLDAP: have the overlay syncprov loaded") {
		t.Errorf("doctor: exit %d\n%s", code, out)
	}
	out, _ = rollcall(t, simple, "run", "staff", "--yes")
	if !strings.Contains(out, "all of the directory was read, not only what has changed") {
		t.Errorf("run:\n%s", out)
	}
}
