package source

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"rollcall/internal/roster"
)

// once answers each search with do and a good end.
func once(do func(f *fake)) func(*fake) {
	return pages(func(f *fake, _ int) bool {
		do(f)
		f.end(searchDone, 0, "", cookie(""))
		return true
	})
}

func TestAFirstRangeThatDoesNotBeginAtTheFirstValueVoidsTheWhole(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"member;range=5-*", "member;range=x-*", "member;range=-1-*", "member;range=5-9"} {
		_, err := readAll(t, fakeLDAP(t, once(func(f *fake) { f.entry("cn=all,dc=x", name+": uid=1|uid=2") })), quick())
		wants(t, err, "E408", "range of the values of member")
	}
	text, err := readAll(t, fakeLDAP(t, once(func(f *fake) { f.entry("cn=all,dc=x", "member;range=0-*: uid=1|uid=2") })), quick())
	if err != nil || strings.Count(text, "\nmember: ") != 2 {
		t.Errorf("the control: %v\n%s", err, text)
	}
}

// What is asked of one entry, who the server is and how far it has counted, has one
// answer, whole.
func TestWhoAServerIsItSaysInOneAnswer(t *testing.T) {
	t.Parallel()
	for what, say := range map[string]func(f *fake){
		"range of the values of": func(f *fake) { f.entry("", "dsServiceName;range=0-0: CN=NTDS,DC=x") },
		"several entries of one name": func(f *fake) {
			f.entry("", "dsServiceName: CN=NTDS,DC=x")
			f.entry("", "highestCommittedUSN: 7")
		},
		"too large": func(f *fake) { f.entry("", "dsServiceName: "+strings.Repeat("x", maxCookie+1)) },
	} {
		o := fakeLDAP(t, once(say))
		o.Incremental = byUSN
		_, err := readAll(t, o, quick())
		wants(t, err, "E408", what)
	}
}

// The rest of a group's members is asked for on a second connection, which is bounded
// by the same time as the first, and ends with it.
func TestTheSecondConnectionEndsWithTheReading(t *testing.T) {
	t.Parallel()
	o := fakeLDAP(t, ranged(func(f *fake, _ int) bool {
		for range 400 {
			f.send(tlv(searchReference, octets("ldap://x")))
			time.Sleep(20 * time.Millisecond)
		}
		return true
	}))
	timing := quick()
	timing.whole = 400 * time.Millisecond
	begun := time.Now()
	_, err := readAll(t, o, timing)
	wants(t, err, "E408", "has not answered in full within 400ms")
	if took := time.Since(begun); took > 4*time.Second {
		t.Errorf("it took %s", took)
	}
}

// Each server counts a group's members in an order of its own: a first part from one
// and the rest from another would be no group that there is.
func TestTheRestOfAGroupIsAskedOfTheServerThatGaveTheFirst(t *testing.T) {
	t.Parallel()
	busy := make(chan bool, 1)
	busy <- true
	first := fakeLDAP(t, func(f *fake) {
		select {
		case <-busy:
			if _, _, _, err := f.question(); err == nil {
				f.end(bindResponse, 51, "")
			}
			return
		default:
		}
		ranged(func(f *fake, from int) bool {
			f.entry("cn=all,dc=x", fmt.Sprintf("member;range=%d-*: uid=of another server", from))
			f.end(searchDone, 0, "")
			return true
		})(f)
	})
	o := first
	o.URLs = append(slices.Clone(first.URLs), fakeLDAP(t, ranged(nil)).URLs...)
	text, err := readAll(t, o, quick())
	if err != nil || strings.Contains(text, "another server") || strings.Count(text, "\nmember: uid=") != 3500 {
		t.Errorf("%v, %d members, want the 3500 of the second server", err, strings.Count(text, "\nmember: uid="))
	}
}

// Of entries with ranges one is completed after the other: what has been written is
// not held for the others.
func TestCompletedEntriesAreNotHeld(t *testing.T) {
	t.Parallel()
	o := fakeLDAP(t, once(func(f *fake) {
		for _, g := range "abc" {
			f.entry(fmt.Sprintf("cn=%c,dc=x", g), "member;range=0-*: uid=1|uid=2")
		}
	}))
	w, err := dialLDAP(t.Context(), o, quick())
	if err != nil {
		t.Fatal(err)
	}
	defer w.conn.Close()
	s := newSearch(o, w, nil)
	written := 0
	s.sink = func([]byte, []attribute) error {
		for _, p := range s.pending[:written] {
			if len(p.attributes) > 0 {
				t.Errorf("%s is held though it was written", p.dn)
			}
		}
		written++
		return nil
	}
	if err := s.ask("(cn=*)"); err != nil || written != 3 {
		t.Errorf("%v, %d written, want 3", err, written)
	}
}

// Who sends an answer byte by byte is never silent, and somebody in between can do so
// before any certificate was looked at.
func TestALoginThatIsAnsweredByteByByteEnds(t *testing.T) {
	t.Parallel()
	for _, safe := range []Required{true, false} {
		o := fakeLDAP(t, func(f *fake) {
			if _, _, _, err := f.question(); err != nil {
				return
			}
			_, _ = f.conn.Write([]byte{0x30, 0x83, 0x0f, 0, 0})
			for range 100 {
				if _, err := f.conn.Write([]byte{0}); err != nil {
					return
				}
				time.Sleep(100 * time.Millisecond)
			}
		})
		o.StartTLS = safe
		begun := time.Now()
		_, err := readAll(t, o, quick())
		wants(t, err, "E401", "did not finish the login in time")
		if took := time.Since(begun); took > 6*time.Second {
			t.Errorf("StartTLS %v: it took %s", safe, took)
		}
	}
	ctx, cancel := context.WithCancelCause(t.Context())
	why := &roster.Refusal{Code: "E401", Text: "why"}
	cancel(why)
	if _, err := dialLDAP(ctx, fakeLDAP(t, pages(nil)), quick()); err == nil || !strings.Contains(err.Error(), "why") {
		t.Errorf("error = %v, want the cause of whoever asked", err)
	}
}

// A first answer of a synchronisation has everybody. One that says of somebody that he
// is still there, and does not send him, would have him taken for gone.
func TestN7AFirstSynchronisationLeavesNobodyOut(t *testing.T) {
	t.Parallel()
	id := strings.Repeat("c", 16)
	for what, say := range map[string]func(f *fake){
		"still there, by a state": func(f *fake) {
			f.send(tlv(searchEntry, octets("uid=c"), tlv(tagSequence)), control(oidSyncState, false, tlv(tagSequence, number(tagEnumerated, statePresent), octets(id))))
		},
		"gone, by a state": func(f *fake) {
			f.send(tlv(searchEntry, octets("uid=c"), tlv(tagSequence)), control(oidSyncState, false, tlv(tagSequence, number(tagEnumerated, stateDelete), octets(id))))
		},
		"still there, in a set": func(f *fake) {
			f.send(tlv(intermediate, tlv(0x80, []byte(oidSyncInfo)), tlv(0x81, tlv(0xa3, tlv(tagSet, octets(id))))))
		},
		"": func(*fake) {},
	} {
		o := fakeLDAP(t, pages(func(f *fake, page int) bool {
			if page == 1 { // who are you?
				f.entry("dc=x", "entryUUID: base")
				f.end(searchDone, 0, "")
				return true
			}
			f.send(tlv(searchEntry, octets("uid=a"), tlv(tagSequence, tlv(tagSequence, octets("uid"), tlv(tagSet, octets("a"))))),
				control(oidSyncState, false, tlv(tagSequence, number(tagEnumerated, 1), octets(strings.Repeat("a", 16)))))
			say(f)
			f.end(searchDone, 0, "", control(oidSyncDone, false, tlv(tagSequence, octets("one"))))
			return true
		}))
		o.Dialect, o.Incremental, o.PageSize = "openldap", bySync, 0
		_, err := readAll(t, o, quick())
		if what == "" {
			if err != nil {
				t.Errorf("the control: %v", err)
			}
			continue
		}
		wants(t, err, "E408", "entries that it has not sent")
	}
}

func TestWhoAreGoneAreCountedToABound(t *testing.T) {
	t.Parallel()
	o := fakeLDAP(t, syncing(func(f *fake) {
		for i := range maxGone/1024 + 1 {
			var ids [][]byte
			for j := range 1024 {
				ids = append(ids, octets(fmt.Sprintf("%08d%08d", i, j)))
			}
			f.send(tlv(intermediate, tlv(0x80, []byte(oidSyncInfo)), tlv(0x81, tlv(0xa3, boolean(true), tlv(tagSet, ids...)))))
		}
		f.end(searchDone, 0, "", control(oidSyncDone, false, tlv(tagSequence, octets("two"), boolean(true))))
	}))
	o.Dialect, o.Incremental, o.Attributes = "openldap", bySync, []string{"uid"}
	c := &counting{t: t, o: o, now: time.Now(), spool: t.TempDir()}
	c.names()
	if names, r := c.names(); !r.All || len(names) != 2 || !strings.Contains(r.Why.Text, "have been deleted") {
		t.Errorf("%q by %+v, want that all was read", names, *r)
	}
}

// Groups that are all in one another are no ring that ends soon.
func TestGroupsThatAreInOneAnotherByManyWaysAreRefused(t *testing.T) {
	t.Parallel()
	of := func(n int, members func(g int) []int) error {
		b := &book{options: Groups{Nested: true}}
		name := func(g int) []byte { return fmt.Appendf(nil, "cn=%d,dc=x", g) }
		for g := range n {
			a := attribute{name: []byte("member")}
			for _, m := range members(g) {
				a.values = append(a.values, name(m))
			}
			if err := b.add(name(g), []attribute{{[]byte("cn"), [][]byte{fmt.Append(nil, g)}}, a}); err != nil {
				t.Fatal(err)
			}
		}
		return b.close()
	}
	const mesh = 340
	all := make([]int, mesh)
	for i := range all {
		all[i] = i
	}
	wants(t, of(mesh, func(int) []int { return all }), "E411", "too many ways")
	// Twenty thousand, each in one other, are followed.
	if err := of(20_000, func(g int) []int { return []int{2*g + 1, 2*g + 2} }); err != nil {
		t.Errorf("a tree of groups: %v", err)
	}
}

func TestNobodyWritesHimselfIntoAGroup(t *testing.T) {
	t.Parallel()
	o := fakeLDAP(t, pages(func(f *fake, page int) bool {
		if page == 1 {
			f.entry("cn=staff,ou=groups", "cn: staff", "member: uid=a,dc=x")
			f.entry("cn=long,ou=groups", "cn: "+strings.Repeat("x", maxCN+1), "member: uid=a,dc=x")
		} else {
			f.entry("uid=a,dc=x", "uid: a", roster.GroupAttribute+": admins", strings.ToUpper(roster.GroupAttribute)+";binary: admins")
		}
		f.end(searchDone, 0, "", cookie(""))
		return true
	}))
	o.Groups, o.Attributes = Groups{Base: "ou=groups"}, []string{"uid", roster.GroupAttribute}
	text, err := readAll(t, o, quick())
	if err != nil || groupsOf(text)["uid=a"] != "staff" || strings.Contains(text, "admins") {
		t.Errorf("%v\n%s", err, text)
	}
}

func TestNamesOfADirectoryHaveBounds(t *testing.T) {
	t.Parallel()
	for what, say := range map[string]func(f *fake){
		"more than 16 KiB": func(f *fake) { f.entry("uid="+strings.Repeat("x", maxEntryName), "uid: x") },
		"not LDAP":         func(f *fake) { f.entry("uid=x", strings.Repeat("x", maxAttribute+1)+": x") },
	} {
		_, err := readAll(t, fakeLDAP(t, once(say)), quick())
		wants(t, err, "E408", what)
	}
}

func TestTheNameOfADomainIsNoCommand(t *testing.T) {
	t.Parallel()
	for domain, fine := range map[string]bool{"DC=ad,DC=example,DC=org": true, `DC=x" & calc "`: false, "DC=x\n\x1b[2J": false, "DC=x\u202egro": false} {
		if got := !strings.ContainsFunc(domain, inNoDomain); got != fine {
			t.Errorf("%q: %v", domain, got)
		}
	}
}
