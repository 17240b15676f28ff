package source

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"rollcall/internal/roster"
	"rollcall/internal/secret"
	"rollcall/internal/shore"
)

// group is an entry of that class below ou=Groups.
func group(class, cn string, lines ...string) string {
	return fmt.Sprintf("dn: cn=%s,ou=Groups,dc=example,dc=org\nobjectClass: %s\ncn: %s\n%s\n\n", cn, class, cn, strings.Join(lines, "\n"))
}

func dnOf(cn string) string { return "cn=" + cn + ",ou=Groups,dc=example,dc=org" }

// groupsOf reads a directory and gives, by the first part of a DN, the groups that are noted there.
func groupsOf(text string) map[string]string {
	all := map[string]string{}
	for _, block := range strings.Split(text, "\n\n") {
		var dn string
		var names []string
		for _, line := range strings.Split(block, "\n") {
			if v, ok := strings.CutPrefix(line, "dn: "); ok {
				dn, _, _ = strings.Cut(v, ",")
			}
			if v, ok := strings.CutPrefix(line, roster.GroupAttribute+": "); ok {
				names = append(names, v)
			}
		}
		if len(names) > 0 {
			all[dn] = strings.Join(names, " ")
		}
	}
	return all
}

func TestGroupsOfADirectoryAreNotedInTheEntriesOfTheirMembers(t *testing.T) {
	t.Parallel()
	var people strings.Builder
	for _, uid := range []string{"ada", "bob", "eve", "kim", "jo", "zoe"} {
		fmt.Fprintf(&people, "dn: uid=%[1]s,ou=People,dc=example,dc=org\nobjectClass: inetOrgPerson\nobjectClass: posixAccount\nuid: %[1]s\ncn: %[1]s\nsn: S\nuidNumber: 1\ngidNumber: 70\nhomeDirectory: /\n\n", uid)
	}
	fmt.Fprint(&people, "dn: cn=Lovelace\\, Ada+sn=X,ou=People,dc=example,dc=org\nobjectClass: inetOrgPerson\ncn: Lovelace, Ada\nsn: X\n\n")
	fmt.Fprint(&people, "dn: ou=Groups,dc=example,dc=org\nobjectClass: organizationalUnit\nou: Groups\n\n")
	uid := func(uid string) string { return "uid=" + uid + ",ou=People,dc=example,dc=org" }
	for _, g := range []string{
		// A DN is written in more ways than one.
		group("groupOfNames", "LMS-Nurses", "member: UID=Ada, OU=people, DC=Example,dc=org", "member: "+uid("bob"), `member: sn=x+cn=lovelace\2c ada,ou=people,dc=example,dc=org`),
		group("groupOfNames", "LMS-Ward", "member: CN=lms-nurses, OU=Groups, DC=example, DC=org", "member: "+uid("eve")),
		group("groupOfNames", "LMS-Hospital", "member: "+dnOf("LMS-Ward"), "member: "+uid("gone")),
		// A ring of three, and one that holds itself.
		group("groupOfNames", "ring-a", "member: "+dnOf("ring-b"), "member: "+uid("kim")),
		group("groupOfNames", "ring-b", "member: "+dnOf("ring-c")),
		group("groupOfNames", "ring-c", "member: "+dnOf("ring-a")),
		group("groupOfNames", "self", "member: "+dnOf("self"), "member: "+uid("kim")),
		group("groupOfUniqueNames", "unique", "uniqueMember: "+uid("jo")+"#'0101'B"),
		group("posixGroup", "posix", "gidNumber: 70", "memberUid: Zoe", "memberUid: nobody"),
	} {
		people.WriteString(g)
	}
	s := shore.Slapd(t, shore.Directory{Entries: people.String()})
	password := filepath.Join(t.TempDir(), "secret")
	if err := os.WriteFile(password, []byte(s.Password), 0o600); err != nil {
		t.Fatal(err)
	}
	read := func(g Groups) map[string]string {
		t.Helper()
		o := Defaults()
		o.Type, o.URLs, o.CAFile, o.Base, o.Dialect = "ldap", []string{s.TLSURL}, s.CAFile, "ou=People,dc=example,dc=org", "openldap"
		o.Filter, o.Attributes, o.Groups = "(objectClass=inetOrgPerson)", []string{"cn", roster.GroupAttribute}, g
		o.Bind, o.PageSize = Bind{DN: s.DN, Password: secret.Ref{File: password}}, 2
		if faults := append(o.Validate(), g.Validate()...); len(faults) > 0 {
			t.Fatalf("options: %v", faults)
		}
		text, err := readAll(t, o, ldapOrdinary())
		if err != nil {
			t.Fatal(err)
		}
		if strings.Contains(text, "\nuid: ") || strings.Contains(text, "gidNumber") {
			t.Errorf("what was asked for the groups' sake alone is written down:\n%s", text)
		}
		if !strings.Contains(text, "# asked for: cn "+roster.GroupAttribute+"\n") || strings.Count(text, "\ndn: ") != 7 {
			t.Errorf("the drop is\n%s", text)
		}
		return groupsOf(text)
	}
	same := func(what string, got, want map[string]string) {
		t.Helper()
		for who := range want {
			if got[who] != want[who] {
				t.Errorf("%s: %s is in %q, want %q", what, who, got[who], want[who])
			}
		}
		if len(got) != len(want) {
			t.Errorf("%s: %d people are in groups, want %d: %v", what, len(got), len(want), got)
		}
	}
	base := Groups{Base: "ou=Groups,dc=example,dc=org"}
	same("flat", read(base), map[string]string{
		"uid=ada": "LMS-Nurses", "uid=bob": "LMS-Nurses", `cn=Lovelace\2C Ada+sn=X`: "LMS-Nurses", "uid=eve": "LMS-Ward",
		"uid=kim": "ring-a self", "uid=jo": "unique", "uid=zoe": "posix",
	})
	nested := base
	nested.Nested = true
	same("nested", read(nested), map[string]string{
		"uid=ada": "LMS-Hospital LMS-Nurses LMS-Ward", "uid=bob": "LMS-Hospital LMS-Nurses LMS-Ward", `cn=Lovelace\2C Ada+sn=X`: "LMS-Hospital LMS-Nurses LMS-Ward",
		"uid=eve": "LMS-Hospital LMS-Ward", "uid=kim": "ring-a ring-b ring-c self", "uid=jo": "unique", "uid=zoe": "posix",
	})
	some := nested
	some.Filter, some.Primary = "(|(cn=LMS-*)(objectClass=posixGroup))", true
	same("some, and the primary one", read(some), map[string]string{
		"uid=ada": "LMS-Hospital LMS-Nurses LMS-Ward posix", "uid=bob": "LMS-Hospital LMS-Nurses LMS-Ward posix", `cn=Lovelace\2C Ada+sn=X`: "LMS-Hospital LMS-Nurses LMS-Ward",
		"uid=eve": "LMS-Hospital LMS-Ward posix", "uid=kim": "posix", "uid=jo": "posix", "uid=zoe": "posix",
	})

	for what, g := range map[string]Groups{"E411": {Base: base.Base, Filter: "(cn=nothing)"}, "E405": {Base: "ou=Nowhere,dc=example,dc=org"}} {
		o := Defaults()
		o.Type, o.URLs, o.CAFile, o.Base, o.Dialect = "ldap", []string{s.TLSURL}, s.CAFile, "ou=People,dc=example,dc=org", "openldap"
		o.Attributes, o.Groups, o.Bind = []string{"cn", roster.GroupAttribute}, g, Bind{DN: s.DN, Password: secret.Ref{File: password}}
		_, err := readAll(t, o, ldapOrdinary())
		wants(t, err, what, "groups: ", "groups.base")
	}
}

// A chain of groups is followed for twenty levels. Who stands below a longer one
// would lose what it grants, so nothing is read.
func TestAChainOfGroupsThatIsTooLongIsNotCutSilently(t *testing.T) {
	t.Parallel()
	serve := func(levels int) func(*fake) {
		return func(f *fake) {
			if !f.login() {
				return
			}
			for {
				tag, body, _, err := f.question()
				if err != nil || tag != searchRequest {
					return
				}
				if strings.Contains(string(body), "objectClass=group") || strings.Contains(string(body), "ou=groups") {
					f.entry("cn=g0,ou=groups", "cn: g0", "member: uid=a,dc=x")
					for i := range levels {
						f.entry(fmt.Sprintf("cn=g%d,ou=groups", i+1), fmt.Sprintf("cn: g%d", i+1), fmt.Sprintf("member: cn=g%d,ou=groups", i))
					}
				} else {
					f.entry("uid=a,dc=x", "uid: a")
				}
				f.end(searchDone, 0, "", cookie(""))
			}
		}
	}
	for levels, fine := range map[int]bool{20: true, 21: false} {
		o := fakeLDAP(t, serve(levels))
		o.Groups, o.Attributes = Groups{Base: "ou=groups", Nested: true}, []string{"uid", roster.GroupAttribute}
		text, err := readAll(t, o, quick())
		if fine {
			if n := strings.Count(text, "\n"+roster.GroupAttribute+": "); err != nil || n != levels+1 {
				t.Errorf("%d levels: %v, %d groups\n%s", levels, err, n, text)
			}
			continue
		}
		wants(t, err, "E411", "more than 20 levels deep")
		o.Groups.Nested = false // the control: it is the chain
		if text, err := readAll(t, o, quick()); err != nil || groupsOf(text)["uid=a"] != "g0" {
			t.Errorf("not nested: %v\n%s", err, text)
		}
	}
}

// 3,500 members come in ranges of 1,500, unasked, as Active Directory gives them, with
// the primary group of everybody besides.
func TestAGroupOfThreeThousandFiveHundredMembersIsReadInRanges(t *testing.T) {
	t.Parallel()
	const domain = "\x01\x05\x00\x00\x00\x00\x00\x05\x15\x00\x00\x00\x0a\x00\x00\x00\x0b\x00\x00\x00\x0c\x00\x00\x00"
	sid := func(rid int) string {
		return domain + string([]byte{byte(rid), byte(rid >> 8), 0, 0})
	}
	cut := false
	serve := func(f *fake) {
		if !f.login() {
			return
		}
		for {
			tag, body, _, err := f.question()
			if err != nil || tag != searchRequest {
				return
			}
			from := 0
			if i := strings.Index(string(body), ";range="); i >= 0 {
				_, _ = fmt.Sscanf(string(body[i:]), ";range=%d-*", &from)
			}
			switch {
			case strings.Contains(string(body), "ou=groups"):
				if from > 0 && cut {
					f.end(searchDone, 1, "")
					continue
				}
				last, end := fmt.Sprint(from+1499), from+1500
				if end >= 3500 {
					last, end = "*", 3500
				}
				var members []string
				for i := from; i < end; i++ {
					members = append(members, fmt.Sprintf("CN=p%d,DC=x", i))
				}
				f.entry("cn=all,ou=groups", "cn: all", "member: ", fmt.Sprintf("member;range=%d-%s: ", from, last)+strings.Join(members, "|"))
				if from == 0 {
					f.entry("cn=Domain Users,ou=groups", "cn: Domain Users", "objectSid: "+sid(513))
					f.entry("cn=Domain Guests,ou=groups", "cn: Domain Guests", "objectSid: "+sid(514))
				}
			default:
				for _, i := range []int{0, 1499, 1500, 3499, 3500} {
					f.entry(fmt.Sprintf("cn=p%d,dc=x", i), fmt.Sprintf("uid: %d", i), "primaryGroupID: 513", "objectSid: "+sid(2000))
				}
			}
			f.end(searchDone, 0, "", cookie(""))
		}
	}
	o := fakeLDAP(t, serve)
	o.Attributes = []string{"uid", roster.GroupAttribute}
	for primary, want := range map[bool][]string{false: {"all", "all", "all", "all", ""}, true: {"Domain Users all", "Domain Users all", "Domain Users all", "Domain Users all", "Domain Users"}} {
		o.Groups = Groups{Base: "ou=groups", Primary: primary}
		text, err := readAll(t, o, quick())
		if err != nil {
			t.Fatal(err)
		}
		got := groupsOf(text)
		var in []string
		for _, i := range []int{0, 1499, 1500, 3499, 3500} {
			in = append(in, got[fmt.Sprintf("cn=p%d", i)])
		}
		if !slices.Equal(in, want) || primary && (strings.Contains(text, "primaryGroupID") || strings.Contains(text, "objectSid")) {
			t.Errorf("primary %v: in %q, want %q\n%s", primary, in, want, text)
		}
	}
	cut = true // a range that is not given voids the whole
	_, err := readAll(t, o, quick())
	wants(t, err, "E408", "groups: ", "range of the values of member")
}

// wants wants an error to be a refusal of that code, with these words in it.
func wants(t *testing.T, err error, code string, words ...string) {
	t.Helper()
	r, ok := err.(*roster.Refusal)
	if !ok || r.Code != code {
		t.Errorf("error = %v, want %s", err, code)
		return
	}
	for _, w := range words {
		if !strings.Contains(err.Error(), w) {
			t.Errorf("error = %v, want that it says %q", err, w)
		}
	}
}
