package source_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"rollcall/internal/proof"
	"rollcall/internal/roster"
	"rollcall/internal/shore"
	"rollcall/internal/source"
)

const groupsBase = "ou=Groups,dc=example,dc=org"

// slapdGroup is an entry of a group; somebody has to be in one, so nobody is.
func slapdGroup(cn string, members ...string) string {
	text := fmt.Sprintf("dn: cn=%[1]s,%[2]s\nobjectClass: groupOfNames\ncn: %[1]s\nmember: cn=nobody\n", cn, groupsBase)
	for _, m := range members {
		text += "member: " + m + "\n"
	}
	return text + "\n"
}

func personDN(i int) string { return fmt.Sprintf("uid=p%05d,ou=People,dc=example,dc=org", i) }

func groupDN(cn string) string { return "cn=" + cn + "," + groupsBase }

// inGroup changes a group.
func inGroup(cn, how, member string) string {
	return fmt.Sprintf("dn: %s\nchangetype: modify\n%s: member\nmember: %s\n\n", groupDN(cn), how, member)
}

// grouped is OpenLDAP with groups, and options that follow it.
func grouped(t *testing.T, n int, groups string) (*shore.LDAP, source.Options) {
	t.Helper()
	s, o := directory(t, shore.Directory{
		Entries: people(n) + "dn: ou=Groups,dc=example,dc=org\nobjectClass: organizationalUnit\nou: Groups\n\n" + groups,
		Lines:   []string{"syncprov-sessionlog 500"},
	})
	o.Incremental, o.Filter = "syncrepl", "(employeeNumber=*)"
	o.Groups = source.Groups{Base: groupsBase, Nested: true}
	o.Attributes = []string{"employeeNumber", "sn", roster.GroupAttribute, "mail"} // not the uid, by which a group may know somebody
	return s, o
}

func TestS10WhoComesIntoAGroupHasChangedThoughTheEntryHasNot(t *testing.T) {
	t.Parallel()
	s, o := grouped(t, 40, slapdGroup("LMS-Nurses", personDN(1), personDN(2))+slapdGroup("LMS-Ward", personDN(3))+
		"dn: cn=posix,"+groupsBase+"\nobjectClass: posixGroup\ncn: posix\ngidNumber: 70\nmemberUid: P00004\n\n")
	f := follow(t, o)
	first, r := f.read()
	if !r.All || r.Lack.Text != "" || r.State == nil || strings.Count(first, "\nrollcall-group: ") != 4 {
		t.Fatalf("the first reading: %+v\n%s", *r, first[:600])
	}
	entries := strings.Count(s.Log(t), `base="dc=example,dc=org" scope=2`)
	if _, r := f.read(); r.All || !r.Same {
		t.Errorf("nothing has changed: %+v", *r)
	}
	if n := strings.Count(s.Log(t), `base="dc=example,dc=org" scope=2`); n != entries+1 {
		t.Errorf("people were asked for %d times, want once", n-entries)
	}
	s.Modify(t, inGroup("LMS-Nurses", "add", personDN(5)))
	f.changes("who comes into a group", 1, 0)
	s.Modify(t, inGroup("LMS-Nurses", "delete", personDN(1)))
	f.changes("who leaves one", 1, 0)
	s.Modify(t, inGroup("LMS-Ward", "add", groupDN("LMS-Nurses")))
	f.changes("a group that comes into another", 2, 0)
	s.Modify(t, "dn: "+groupDN("LMS-Nurses")+"\nchangetype: modrdn\nnewrdn: cn=LMS-Carers\ndeleteoldrdn: 1\n")
	f.changes("a group of another name, which the other one does not follow", 2, 0)
	s.Modify(t, "dn: cn=posix,"+groupsBase+"\nchangetype: modify\nadd: memberUid\nmemberUid: p00006\n")
	f.changes("by uid", 1, 0)
	s.Modify(t, "dn: "+groupDN("LMS-New")+"\nchangetype: add\n"+strings.SplitN(slapdGroup("LMS-New", personDN(7), personDN(8), personDN(99)), "\n", 2)[1])
	f.changes("a new group", 2, 0)
	s.Modify(t, change(7, "modify\nreplace: sn\nsn: Other")+"\n"+inGroup("LMS-New", "delete", personDN(8))+inGroup("LMS-New", "delete", personDN(7)))
	f.changes("who has changed, and in a group", 2, 0)
	s.Modify(t, change(2, "modrdn\nnewrdn: uid=renamed\ndeleteoldrdn: 1"))
	f.changes("who has another name, which no group follows", 1, 0)
	s.Modify(t, change(3, "delete"))
	f.changes("who is gone, and still in a group", 0, 1)
	s.Modify(t, "dn: uid=new,ou=People,dc=example,dc=org\nchangetype: add\nobjectClass: inetOrgPerson\nuid: new\nemployeeNumber: 900\ncn: N\nsn: N\n\n"+inGroup("LMS-Ward", "add", "uid=new,ou=People,dc=example,dc=org"))
	f.changes("a newcomer", 1, 0)
	s.Modify(t, "dn: "+groupDN("LMS-Ward")+"\nchangetype: delete\n")
	f.changes("a group that is gone", 1, 0)

	// By no number is anybody told that the place has another name in which people lie; then
	// groups know them by other names than we do.
	unit := func(name string) string {
		return fmt.Sprintf("dn: ou=%[1]s,ou=People,dc=example,dc=org\nchangetype: add\nobjectClass: organizationalUnit\nou: %[1]s\n\n", name)
	}
	s.Modify(t, unit("East")+unit("West")+"dn: uid=e,ou=East,ou=People,dc=example,dc=org\nchangetype: add\nobjectClass: inetOrgPerson\nuid: e\nemployeeNumber: 901\ncn: E\nsn: E\n\n"+
		"dn: uid=e,ou=West,ou=People,dc=example,dc=org\nchangetype: add\nobjectClass: inetOrgPerson\nuid: e\nemployeeNumber: 902\ncn: W\nsn: W\n")
	f.changes("two places", 2, 0)
	rename := func(from, to string) {
		t.Helper()
		s.Modify(t, fmt.Sprintf("dn: ou=%s,ou=People,dc=example,dc=org\nchangetype: modrdn\nnewrdn: ou=%s\ndeleteoldrdn: 1\n", from, to))
	}
	rename("East", "Centre")
	s.Modify(t, inGroup("LMS-New", "add", "uid=e,ou=Centre,ou=People,dc=example,dc=org"))
	f.doubts("a place of another name", "an entry below which people lie")
	rename("Centre", "Swap")
	rename("West", "Centre")
	rename("Swap", "West")
	f.doubts("two places that have each other's names", "an entry below which people lie has another name now")
	if _, r := f.read(); r.All || !r.Same {
		t.Errorf("the control: %+v", *r)
	}

	f.o.Groups.Nested = false
	f.doubts("asked otherwise for groups", "something else is asked for")
	s.Modify(t, "dn: "+groupDN("LMS-New")+"\nchangetype: delete\n\ndn: "+groupDN("LMS-Carers")+"\nchangetype: delete\n\ndn: cn=posix,"+groupsBase+"\nchangetype: delete\n")
	_, err := f.try()
	refusedAs(t, err, "E411", "groups: the directory has none")
}

// By the time of change nobody is told who is gone. Whoever is taken for somebody who is
// gone, or moved away, gets and loses nothing for it.
func TestS10WhoHasLeftUnseenGetsNoGroupOfAnybodyElse(t *testing.T) {
	t.Parallel()
	s, o := grouped(t, 540, slapdGroup("LMS-Nurses", personDN(1)))
	o.Incremental = "timestamp"
	f := follow(t, o)
	f.read()
	f.now = f.now.Add(time.Minute)
	s.Modify(t, "dn: ou=Else,dc=example,dc=org\nchangetype: add\nobjectClass: organizationalUnit\nou: Else\n\n"+change(1, "delete"))
	if text, r := f.read(); r.All || !strings.Contains(text, "dn: "+personDN(1)) {
		t.Errorf("a deletion that is not seen: %+v", *r)
	}
	s.Modify(t, inGroup("LMS-Nurses", "delete", personDN(1)))
	f.doubts("who is gone leaves a group", "is no longer where he was")
	s.Modify(t, change(2, "delete"))
	s.Modify(t, fmt.Sprintf("dn: %s\nchangetype: add\nobjectClass: applicationProcess\nobjectClass: uidObject\nuid: p00002\ncn: a machine\n\n", personDN(2))+inGroup("LMS-Nurses", "add", personDN(2)))
	f.doubts("another entry, that is nobody, has the name and comes into a group", "is no longer where he was")

	f.o.Incremental = "syncrepl" // by the time of change everybody is new for five minutes
	f.doubts("asked otherwise", "something else is asked for")
	var all strings.Builder
	for i := 10; i < 511; i++ {
		fmt.Fprintf(&all, "member: %s\n", personDN(i))
	}
	s.Modify(t, "dn: "+groupDN("LMS-Nurses")+"\nchangetype: modify\nadd: member\n"+all.String())
	f.doubts("501 people come into a group", "more than 500 people are in other groups")
	if text, r := f.read(); r.All || !r.Same || strings.Count(text, "\nrollcall-group: ") != 501 {
		t.Errorf("the control: %+v", *r)
	}
	s.Modify(t, inGroup("LMS-Nurses", "delete", personDN(10)))
	f.changes("one of them leaves", 1, 0)
}

func TestS10OverAHistoryOfGroupsWhatWasPutTogetherIsWhatAReadingOfAllGives(t *testing.T) {
	t.Parallel()
	s, o := grouped(t, 30, slapdGroup("g0")+slapdGroup("g1")+slapdGroup("g2")+slapdGroup("g3"))
	f := follow(t, o)
	f.read()
	chance := rand.New(rand.NewPCG(11, 3))
	steps, alike := proof.Long(12, 200), 0
	there := make([]string, 30)
	for i := range there {
		there[i] = personDN(i)
	}
	members := map[string][]string{}
	for step := range steps {
		for range 1 + chance.IntN(4) {
			g, at := fmt.Sprintf("g%d", chance.IntN(4)), chance.IntN(len(there))
			who := there[at]
			if chance.IntN(4) == 0 {
				who = groupDN(fmt.Sprintf("g%d", chance.IntN(4)))
			}
			in := slices.Index(members[g], who)
			switch chance.IntN(8) {
			case 0:
				s.Modify(t, "dn: "+there[at]+"\nchangetype: modify\nreplace: sn\nsn: S"+fmt.Sprint(step)+"\n")
			case 1:
				s.Modify(t, fmt.Sprintf("dn: %s\nchangetype: modrdn\nnewrdn: uid=n%d-%d\ndeleteoldrdn: 1\n", there[at], step, at))
				there[at] = fmt.Sprintf("uid=n%d-%d,ou=People,dc=example,dc=org", step, at)
			case 2:
				if len(there) <= 10 { // some stay, however long it takes
					break
				}
				s.Modify(t, "dn: "+there[at]+"\nchangetype: delete\n")
				there = slices.Delete(there, at, at+1)
			default:
				if in >= 0 {
					s.Modify(t, inGroup(g, "delete", who))
					members[g] = slices.Delete(members[g], in, in+1)
				} else {
					s.Modify(t, inGroup(g, "add", who))
					members[g] = append(members[g], who)
				}
			}
		}
		text, r := f.read()
		if !r.All {
			alike++
		}
		f.whole(fmt.Sprintf("step %d", step), text)
	}
	if alike != steps {
		t.Errorf("%d of %d steps were read as changes", alike, steps)
	}
	proof.Note(t, "a directory's groups are put together with changes", proof.Count{What: "steps", N: steps})
}
