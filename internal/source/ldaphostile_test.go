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
