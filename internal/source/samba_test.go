//go:build samba

// These tests ask a domain controller of Active Directory, which Samba plays: make samba.

package source_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"rollcall/internal/roster"
	"rollcall/internal/shore"
	"rollcall/internal/source"
)

// domain starts a domain controller, and answers with options that read its people.
func domain(t *testing.T) (*shore.Domain, source.Options) {
	t.Helper()
	d := shore.Samba(t)
	o := source.Defaults()
	o.Type, o.URLs, o.CAFile, o.Base, o.Dialect = "ldap", []string{d.TLSURL}, d.CAFile, "OU=People,"+d.Base, "ad"
	o.Attributes = []string{"employeeID", "sAMAccountName", "sn", "userAccountControl", "accountExpires", "objectGUID"}
	o.Bind.DN, o.Bind.Password.File = d.DN, secretFile(t, d.Password)
	return d, o
}

const goodPassword = "Good pass 1!"

// user is the record that adds somebody below OU=People.
func user(name string, lines ...string) string {
	return fmt.Sprintf("dn: CN=%[1]s,OU=People,DC=example,DC=org\nchangetype: add\nobjectClass: user\nsAMAccountName: %[1]s\nuserPrincipalName: %[1]s@example.org\nemployeeID: E%[1]s\nsn: S\n%[2]s\n%[3]s\n\n",
		name, shore.NewPassword(goodPassword), strings.Join(lines, "\n"))
}

// inDomain changes somebody below OU=People.
func inDomain(name, change string) string {
	return "dn: CN=" + name + ",OU=People,DC=example,DC=org\nchangetype: " + change + "\n\n"
}

func domainGroup(name string, members ...string) string {
	text := fmt.Sprintf("dn: CN=%[1]s,OU=Groups,DC=example,DC=org\nchangetype: add\nobjectClass: group\nsAMAccountName: %[1]s\n", name)
	for _, m := range members {
		text += "member: " + m + "\n"
	}
	return text + "\n"
}

// names are the entries of a drop by the first part of their DNs, in its order.
func entryNames(text string) string {
	var all []string
	for _, line := range strings.Split(text, "\n") {
		if dn, is := strings.CutPrefix(line, "dn: CN="); is {
			name, _, _ := strings.Cut(dn, ",")
			all = append(all, name)
		}
	}
	return strings.Join(all, " ")
}

// entryOf is one entry of a drop.
func entryOf(text, name string) string {
	for _, block := range strings.Split(text, "\n\n") {
		if strings.HasPrefix(block, "dn: CN="+name+",") {
			return block + "\n"
		}
	}
	return ""
}

func TestADomainControllerIsAskedOverTLSAloneAndSaysWhyALoginIsRefused(t *testing.T) {
	t.Parallel()
	d, o := domain(t)
	d.Modify(t, user("fine", "userAccountControl: 512")+
		user("disabled", "userAccountControl: 514")+
		user("ended", "userAccountControl: 512", "accountExpires: 132222416000000000")+
		user("new", "userAccountControl: 512", "pwdLastSet: 0")+
		user("elsewhere", "userAccountControl: 512", "userWorkstations: OTHER")+
		user("never", "userAccountControl: 512", "logonHours:: AAAAAAAAAAAAAAAAAAAAAAAAAAAA")+
		user("locked", "userAccountControl: 512")+
		user("daemon", "userAccountControl: 512"))

	for what, url := range map[string]string{"LDAPS": d.TLSURL, "StartTLS": d.URL} {
		o.URLs, o.StartTLS = []string{url}, what == "StartTLS"
		if text, err := ask(t, o); err != nil || !strings.HasSuffix(text, "\n# numEntries: 8\n") {
			t.Errorf("%s: %v\n%s", what, err, text)
		}
	}
	o.URLs, o.StartTLS = []string{d.URL}, false // which the address of loopback allows us, and not the server
	_, err := ask(t, o)
	refusedAs(t, err, "E402", "the server wants TLS or signing", "starttls: required")

	o.URLs = []string{d.TLSURL}
	as := func(name, password string) error {
		o.Bind.DN, o.Bind.Password.File = name+"@example.org", secretFile(t, password)
		_, err := ask(t, o)
		return err
	}
	if err := as("fine", goodPassword); err != nil {
		t.Errorf("the control: %v", err)
	}
	for name, says := range map[string]string{
		"disabled":  "the bind account is disabled (533)",
		"ended":     "the bind account has expired (701)",
		"new":       "the password of the bind account must be changed first (773)",
		"elsewhere": "may not log in at this hour or from this machine (531)",
		"never":     "may not log in at this hour or from this machine (530)",
	} {
		refusedAs(t, as(name, goodPassword), "E402", says)
	}
	for range 3 {
		refusedAs(t, as("locked", "no"), "E402", "the password is wrong (52e)")
	}
	refusedAs(t, as("locked", goodPassword), "E402", "the bind account is locked (775)")

	// What a daemon remembers keeps it from locking the account out.
	o.Logins = &source.Logins{}
	o.Bind.DN, o.Bind.Password.File = "daemon@example.org", secretFile(t, "no")
	for i, says := range []string{"the password is wrong (52e)", "it is not sent again", "it is not sent again", "it is not sent again"} {
		if _, err := ask(t, o); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("reading %d: %v, want %q", i, err, says)
		}
	}
	if err := as("daemon", goodPassword); err != nil {
		t.Errorf("after one wrong password and three that were not sent: %v", err)
	}
	// A password that has expired (532) is left to TestActiveDirectorySaysWhyALoginIsRefused: none expires within a day.
}

func TestADomainControllerCountsWhatHasChangedAndShowsItsTombstonesToWhoMaySeeThem(t *testing.T) {
	t.Parallel()
	d, o := domain(t)
	var all strings.Builder
	for i := range 12 {
		all.WriteString(user(fmt.Sprintf("p%d", i), "userAccountControl: 512"))
	}
	d.Modify(t, all.String()+"dn: OU=Else,"+d.Base+"\nchangetype: add\nobjectClass: organizationalUnit\n\n")
	o.Incremental, o.Attributes = "usn", append(o.Attributes, "manager")
	f := follow(t, o)
	if text, r := f.read(); !r.All || r.Lack.Text != "" || strings.Count(text, "\nobjectGUID:: ") != 12 {
		t.Fatalf("the first reading: %+v\n%s", *r, text)
	}
	if _, r := f.read(); r.All || !r.Same || !strings.Contains(r.Blind.Text, "may not see who was deleted") || !strings.Contains(r.Blind.Fix, "CN=Deleted Objects,DC=example,DC=org") {
		t.Errorf("nothing has changed, and an ordinary account sees no tombstones: %+v", *r)
	}
	d.Modify(t, inDomain("p1", "modify\nreplace: sn\nsn: Other"))
	f.changes("a change", 1, 0)
	d.Modify(t, inDomain("p2", "modrdn\nnewrdn: CN=q2\ndeleteoldrdn: 1"))
	f.changes("another name", 1, 0)
	d.Modify(t, user("p12", "userAccountControl: 514"))
	f.changes("a newcomer", 1, 0)
	d.Modify(t, inDomain("p3", "delete"))
	if text, r := f.read(); r.All || r.Gone != 0 || r.Blind.Text == "" || entryOf(text, "p3") == "" {
		t.Errorf("a deletion that an ordinary account does not see: %+v", *r)
	}

	f.o.Bind.DN, f.o.Bind.Password.File = d.Admin, secretFile(t, d.AdminWord)
	f.doubts("the same, by whom the tombstones are shown to", "the bind account may see now who was deleted, and could not before")
	d.Modify(t, inDomain("p10", "delete"))
	f.changes("a deletion that is seen", 0, 1)
	if _, r := f.read(); r.All || r.Blind.Text != "" {
		t.Errorf("who sees the tombstones is told: %+v", r.Blind)
	}
	d.Modify(t, inDomain("p4", "delete")+user("p4", "userAccountControl: 512"))
	f.changes("deleted, and somebody else has the name", 1, 1)

	// References are written anew where the person has another name, and nobody counts that.
	d.Modify(t, inDomain("p5", "modify\nreplace: manager\nmanager: CN=p6,OU=People,DC=example,DC=org"))
	f.changes("a manager", 1, 0)
	d.Modify(t, inDomain("p6", "modrdn\nnewrdn: CN=boss\ndeleteoldrdn: 1"))
	f.doubts("a manager of another name", "refers to an entry that has another name now")
	d.Modify(t, inDomain("boss", "delete"))
	f.doubts("a manager who is gone", "refers to an entry that has another name now, or is gone")

	// Who comes into a group is counted at the group alone; and an OU that is called otherwise at the OU alone.
	const in = ",OU=Groups,DC=example,DC=org"
	ungrouped := f.o
	f.o.Groups, f.o.Attributes = source.Groups{Base: "OU=Groups," + d.Base, Nested: true}, append(slices.Clone(f.o.Attributes), roster.GroupAttribute)
	d.Modify(t, "dn: OU=Ward,OU=People,DC=example,DC=org\nchangetype: add\nobjectClass: organizationalUnit\n\n"+
		"dn: CN=w,OU=Ward,OU=People,DC=example,DC=org\nchangetype: add\nobjectClass: user\nsAMAccountName: w\nemployeeID: Ew\n\n"+
		domainGroup("LMS-A", "CN=p0,OU=People,DC=example,DC=org")+domainGroup("LMS-B", "CN=LMS-A"+in))
	f.doubts("asked for groups from now on", "something else is asked for")
	d.Modify(t, "dn: CN=LMS-A"+in+"\nchangetype: modify\nadd: member\nmember: CN=w,OU=Ward,OU=People,DC=example,DC=org\nmember: CN=p1,OU=People,DC=example,DC=org\n\n")
	f.changes("two come into a group", 2, 0)
	d.Modify(t, "dn: OU=Ward,OU=People,DC=example,DC=org\nchangetype: modrdn\nnewrdn: OU=Unit\ndeleteoldrdn: 1\n\n")
	f.doubts("a ward of another name", "is no longer where he was")
	d.Modify(t, inDomain("p0", "modrdn\nnewrdn: CN=r0\ndeleteoldrdn: 1"))
	f.changes("another name, which the group follows", 1, 0)
	d.Modify(t, "dn: CN=LMS-B"+in+"\nchangetype: delete\n\n")
	f.changes("a group that is gone", 3, 0)
	f.o.Groups, f.o.Attributes = ungrouped.Groups, ungrouped.Attributes
	f.doubts("asked for no groups from now on", "something else is asked for")

	// Who leaves the base is counted nowhere that we look, but all is read once a day.
	d.Modify(t, inDomain("p7", "modrdn\nnewrdn: CN=p7\ndeleteoldrdn: 1\nnewsuperior: OU=Else,DC=example,DC=org"))
	if text, r := f.read(); r.All || r.Gone != 0 || entryOf(text, "p7") == "" {
		t.Errorf("who left the base: %+v", *r)
	}
	f.now = f.now.Add(25 * time.Hour)
	f.doubts("a day later", "full_every")

	// A controller that was brought back from a picture of its disk counts from less.
	d.Rewind(t, func() {
		d.Modify(t, inDomain("p8", "modify\nreplace: sn\nsn: Lost"))
		f.changes("what will be lost", 1, 0)
	})
	f.doubts("the controller was rewound", "the server counts from less than the last time (USN rollback)")
	f.o.URLs = []string{d.URL}
	f.o.StartTLS = true
	f.changes("the control: it counts on, and by another way too", 0, 0)

	f.o.Incremental, f.last = "timestamp", &source.Since{}
	if _, r := f.read(); r.Lack.Text != "" {
		t.Fatalf("by the time of change: %+v", *r)
	}
	f.now = f.now.Add(time.Minute)
	d.Modify(t, inDomain("p8", "modify\nreplace: sn\nsn: Later")+inDomain("p9", "delete"))
	f.changes("by the time of change", 1, 1)
}

func TestADomainControllersBitsTimesNamesRangesAndRulesAreUnderstood(t *testing.T) {
	t.Parallel()
	d, o := domain(t)
	d.Modify(t, user("plain", "userAccountControl: 512")+user("disabled", "userAccountControl: 514")+user("zero", "userAccountControl: 512", "accountExpires: 0")+
		user("ends", "userAccountControl: 66048", "accountExpires: 154222416000000000"))
	text, err := ask(t, o)
	if err != nil {
		t.Fatal(err)
	}
	for name, lines := range map[string][]string{
		"plain":    {"userAccountControl: 512", "accountExpires: 9223372036854775807"},
		"disabled": {"userAccountControl: 514"},
		"zero":     {"accountExpires: 0"},
		"ends":     {"userAccountControl: 66048", "accountExpires: 154222416000000000"},
	} {
		for _, line := range append(lines, "objectGUID:: ", "employeeID: E"+name) {
			if !strings.Contains(entryOf(text, name), "\n"+line) {
				t.Errorf("%s is\n%s\nwant %s", name, entryOf(text, name), line)
			}
		}
	}

	// 120 people in one group, in one more that holds it, and these in a ring.
	var many strings.Builder
	var members []string
	for i := range 120 {
		name := fmt.Sprintf("m%03d", i)
		many.WriteString(fmt.Sprintf("dn: CN=%[1]s,OU=People,DC=example,DC=org\nchangetype: add\nobjectClass: user\nsAMAccountName: %[1]s\nemployeeID: E%[1]s\n\n", name))
		members = append(members, "CN="+name+",OU=People,DC=example,DC=org")
	}
	const in = ",OU=Groups,DC=example,DC=org"
	d.Modify(t, many.String()+domainGroup("LMS-Inner", members...)+domainGroup("LMS-Outer", "CN=LMS-Inner"+in)+
		"dn: CN=LMS-Inner"+in+"\nchangetype: modify\nadd: member\nmember: CN=LMS-Outer"+in+"\n\n"+domainGroup("LMS-Empty"))

	// The server gives a range when it is asked for one, and we go on from there until the last.
	for first, fine := range map[int]bool{10: true, 119: true, 500: true} {
		r := o
		r.Base, r.Filter, r.Attributes = "CN=LMS-Inner"+in, "(objectClass=group)", []string{"cn", fmt.Sprintf("member;range=0-%d", first-1)}
		text, err := ask(t, r)
		if n := strings.Count(text, "\nmember: "); err != nil || (n == 121) != fine || strings.Contains(text, "\nmember;") {
			t.Errorf("from a range of %d: %v, %d members, want 121\n%s", first, err, n, text)
		}
	}

	// Rules that match bits and follow chains are filters like others, and what they find of
	// nested groups is what we find ourselves.
	rule := func(filter, want string) {
		t.Helper()
		r := o
		r.Filter, r.Attributes = filter, []string{"cn"}
		text, err := ask(t, r)
		if got := entryNames(text); err != nil || got != want && fmt.Sprint(strings.Count(text, "\ndn: ")) != want {
			t.Errorf("%s: %v, %q, want %q", filter, err, got, want)
		}
	}
	rule("(&(objectCategory=person)(objectClass=user)(sAMAccountName=*a*)(userAccountControl:1.2.840.113556.1.4.803:=2))", "disabled")
	rule("(&(objectCategory=person)(userAccountControl:1.2.840.113556.1.4.803:=65536))", "ends")
	rule("(&(objectClass=user)(memberOf:1.2.840.113556.1.4.1941:=CN=LMS-Outer"+in+"))", "120")
	rule("(&(objectClass=user)(memberOf=CN=LMS-Outer"+in+"))", "0") // the control: it is the rule that follows

	o.Attributes = []string{"cn", "sAMAccountName", roster.GroupAttribute}
	groups := func(g source.Groups, want map[string]string) {
		t.Helper()
		r := o
		r.Groups = g
		text, err := ask(t, r)
		if err != nil {
			t.Fatal(err)
		}
		for name, in := range want {
			var got []string
			for _, line := range strings.Split(entryOf(text, name), "\n") {
				if g, is := strings.CutPrefix(line, roster.GroupAttribute+": "); is {
					got = append(got, g)
				}
			}
			if strings.Join(got, " ") != in {
				t.Errorf("%+v: %s is in %q, want %q", g, name, got, in)
			}
		}
		if strings.Contains(text, "objectSid") || strings.Contains(text, "primaryGroupID") {
			t.Errorf("what was asked for the groups' sake is written down:\n%s", text[:500])
		}
	}
	groups(source.Groups{Base: "OU=Groups," + d.Base}, map[string]string{"plain": "", "m000": "LMS-Inner", "m119": "LMS-Inner"})
	groups(source.Groups{Base: "OU=Groups," + d.Base, Nested: true}, map[string]string{"plain": "", "m000": "LMS-Inner LMS-Outer", "m119": "LMS-Inner LMS-Outer"})
	groups(source.Groups{Base: d.Base, Filter: "(|(cn=LMS-*)(cn=Domain Users))", Primary: true}, map[string]string{"plain": "Domain Users", "m000": "Domain Users LMS-Inner"})
	groups(source.Groups{Base: d.Base, Filter: "(|(cn=LMS-*)(cn=Domain Users))"}, map[string]string{"plain": "", "m000": "LMS-Inner"}) // memberOf would not have it either

	// The whole domain: its references to the configuration are passed over, and contacts and
	// computers are no people.
	d.Modify(t, "dn: CN=contact,OU=People,DC=example,DC=org\nchangetype: add\nobjectClass: contact\n\n")
	o.Base, o.Attributes, o.PageSize = d.Base, []string{"sAMAccountName"}, 50
	text, err = ask(t, o)
	if n := strings.Count(text, "\ndn: "); err != nil || n != 4+120+5 || strings.Contains(text, "CN=contact") || strings.Contains(text, "DC1$") { // and rollcall, Administrator, Guest, krbtgt, dns-dc1
		t.Errorf("the whole domain: %v, %d people\n%s", err, n, text)
	}
	o.Base = "OU=Nowhere," + d.Base
	_, err = ask(t, o)
	refusedAs(t, err, "E405", "no source.base")
}
