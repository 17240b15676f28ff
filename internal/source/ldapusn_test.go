package source

import (
	"bytes"
	"fmt"
	"maps"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"rollcall/internal/roster"
)

// A controller is a domain controller of Active Directory, as far as a reader of
// changes knows one: it numbers what changes, and keeps who was deleted apart.
type controller struct {
	mu         sync.Mutex
	invocation string
	usn        int
	people     map[string]numbered // by GUID
	deleted    map[string]int
	shut       bool // nobody may see who was deleted: an error says so
	hidden     bool // the same, and nothing says so
	nameless   bool // nor who the server is
	during     func()
	sent       []string // names of the entries that were sent last
}

type numbered struct {
	dn, name string
	usn      int
}

func newController(n int) *controller {
	dc := &controller{invocation: "\x00invocation one", usn: 5000, people: map[string]numbered{}, deleted: map[string]int{}}
	for i := range n {
		dc.put(i, fmt.Sprintf("p%d", i))
	}
	return dc
}

// guid is one of 16 bytes that are no text.
func guid(i int) string { return fmt.Sprintf("\xe9\x89guid\n%08d\x00", i) }

func (dc *controller) put(i int, name string) {
	dc.usn++
	dc.people[guid(i)] = numbered{"CN=" + name + ",DC=x", name, dc.usn}
}

func (dc *controller) remove(i int) {
	dc.usn++
	delete(dc.people, guid(i))
	dc.deleted[guid(i)] = dc.usn
}

var fromNumber = regexp.MustCompile(`uSNChanged\x04.([0-9]+)`)

// answer answers one question after the other.
func (dc *controller) answer(f *fake) {
	if !f.login() {
		return
	}
	for {
		tag, body, _, err := f.question()
		if err != nil || tag != searchRequest {
			return
		}
		dc.mu.Lock()
		dc.search(f, body)
		dc.mu.Unlock()
	}
}

func (dc *controller) search(f *fake, body []byte) {
	base, _, _ := part(body, tagOctets)
	from := 0
	if found := fromNumber.FindSubmatch(body); found != nil {
		from, _ = strconv.Atoi(string(found[1]))
	}
	switch {
	case len(base) == 0:
		f.entry("", "dsServiceName: CN=NTDS,DC=x", fmt.Sprintf("highestCommittedUSN: %d", dc.usn), "defaultNamingContext: DC=x", "dnsHostName: dc1.x")
	case bytes.HasPrefix(base, []byte("CN=NTDS")) && dc.nameless:
		f.entry(string(base))
	case bytes.HasPrefix(base, []byte("CN=NTDS")):
		f.entry(string(base), "invocationId: "+dc.invocation)
	case bytes.HasPrefix(base, []byte("CN=Deleted Objects")) && dc.shut:
		f.end(searchDone, 32, "", cookie(""))
		return
	case bytes.HasPrefix(base, []byte("CN=Deleted Objects")) && dc.hidden:
		if rest := body[2+len(base):]; rest[2] == 0 { // the container alone
			f.entry(string(base))
		}
	case bytes.HasPrefix(base, []byte("CN=Deleted Objects")):
		f.entry(string(base), "objectGUID: the container", "isDeleted: TRUE")
		alone := body[2+len(base):][5] == 0 // of the container
		for _, id := range slices.Sorted(maps.Keys(dc.deleted)) {
			if !alone && dc.deleted[id] >= from {
				f.entry("CN=x\nDEL:,CN=Deleted Objects,DC=x", "objectGUID: "+id, "isDeleted: TRUE")
			}
		}
	default:
		dc.sent = nil
		for i, id := range slices.Sorted(maps.Keys(dc.people)) {
			if p := dc.people[id]; p.usn >= from {
				dc.sent = append(dc.sent, p.name)
				f.entry(p.dn, "objectGUID: "+id, "uid: "+p.name)
			}
			if i == 3 && dc.during != nil {
				dc.during()
				dc.during = nil
			}
		}
	}
	f.end(searchDone, 0, "", cookie(""))
}

// counting is a reader of a controller's changes.
type counting struct {
	t     *testing.T
	o     Options
	now   time.Time
	since Since
	spool string
}

func countOn(t *testing.T, dc *controller) *counting {
	o := fakeLDAP(t, dc.answer)
	o.Attributes, o.Incremental = []string{"uid"}, byUSN
	if faults := o.Validate(); len(faults) > 0 {
		t.Fatal(faults)
	}
	return &counting{t: t, o: o, now: time.Now(), spool: t.TempDir()}
}

// names are the people in the drop that is read next.
func (c *counting) names() (names []string, r *roster.Reading) {
	c.t.Helper()
	c.now = c.now.Add(time.Second)
	o, since := c.o, c.since
	since.Now = c.now
	o.Since = &since
	d, err := openLDAP(c.t.Context(), o, quick(), nopLog())
	if err != nil {
		c.t.Fatal(err)
	}
	defer d.Close()
	drop, err := d.Fetch(c.t.Context(), File{Name: answerName}, c.spool)
	if err != nil {
		c.t.Fatal(err)
	}
	text, err := os.ReadFile(drop.Path)
	if err != nil {
		c.t.Fatal(err)
	}
	for line := range strings.Lines(string(text)) {
		if name, is := strings.CutPrefix(line, "uid: "); is {
			names = append(names, strings.TrimSpace(name))
		}
	}
	slices.Sort(names)
	r = drop.Reading
	c.since = Since{State: r.State, Why: r.Lack, Path: drop.Path, SHA256: drop.SHA256, Size: drop.Size}
	return names, r
}

func TestActiveDirectorysNumbersSayWhatHasChangedAndTombstonesWhoIsGone(t *testing.T) {
	t.Parallel()
	dc := newController(6)
	c := countOn(t, dc)
	expect := func(what string, want roster.Reading, sent string, names ...string) *roster.Reading {
		t.Helper()
		got, r := c.names()
		if r.All != want.All || r.Changed != want.Changed || r.Gone != want.Gone || r.Same != want.Same || r.Why.Text != want.Why.Text || !slices.Equal(got, names) {
			t.Errorf("%s: %q by %+v, want %q by %+v", what, got, *r, names, want)
		}
		if strings.Join(dc.sent, " ") != sent {
			t.Errorf("%s: the server sent %q, want %q", what, dc.sent, sent)
		}
		return r
	}
	// One is changed when the first four have been sent: nobody reads their number afterwards.
	dc.during = func() { dc.put(1, "q1") }
	expect("the first", roster.Reading{All: true}, "p0 p1 p2 p3 p4 p5", "p0", "p1", "p2", "p3", "p4", "p5")
	expect("who was changed while all was read", roster.Reading{Changed: 1}, "q1", "p0", "p2", "p3", "p4", "p5", "q1")
	expect("nothing", roster.Reading{Same: true}, "", "p0", "p2", "p3", "p4", "p5", "q1")
	dc.put(3, "z3")
	expect("another name", roster.Reading{Changed: 1}, "z3", "p0", "p2", "p4", "p5", "q1", "z3")
	dc.put(9, "p9")
	dc.remove(2)
	dc.remove(77) // somebody who was never asked for
	if r := expect("a newcomer and a tombstone", roster.Reading{Changed: 1, Gone: 1}, "p9", "p0", "p4", "p5", "p9", "q1", "z3"); r.Blind.Text != "" {
		t.Errorf("the deleted may be seen: %+v", r.Blind)
	}
	dc.shut = true
	dc.remove(4)
	if r := expect("a tombstone that may not be seen", roster.Reading{Same: true}, "", "p0", "p4", "p5", "p9", "q1", "z3"); !strings.Contains(r.Blind.Fix, `dsacls "CN=Deleted Objects,DC=x"`) {
		t.Errorf("the doctor says %+v", r.Blind)
	}
	dc.shut, dc.hidden = false, true
	if r := expect("a tombstone that is hidden without a word", roster.Reading{Same: true}, "", "p0", "p4", "p5", "p9", "q1", "z3"); !strings.Contains(r.Blind.Text, "may not see who was deleted") {
		t.Errorf("nothing is said of it: %+v", r.Blind)
	}
	dc.hidden = false
	seen := roster.Doubt{Text: "the bind account may see now who was deleted, and could not before"}
	expect("tombstones that may be seen from now on", roster.Reading{All: true, Why: seen}, "p0 q1 z3 p5 p9", "p0", "p5", "p9", "q1", "z3")
	expect("the control: they are seen", roster.Reading{Same: true}, "", "p0", "p5", "p9", "q1", "z3")
	c.now = c.now.Add(24 * time.Hour)
	expect("all, once a day", roster.Reading{All: true, Why: roster.Doubt{Text: "all is read every 24h (source.full_every)"}}, "p0 q1 z3 p5 p9", "p0", "p5", "p9", "q1", "z3")

	dc.put(5, "y5")
	for id, p := range dc.people { // as if from a copy
		p.usn = 5003
		dc.people[id] = p
	}
	dc.usn = 5003
	rolled := roster.Doubt{Text: "the server counts from less than the last time (USN rollback): it may have been restored from a copy"}
	expect("a restored server", roster.Reading{All: true, Why: rolled}, "p0 q1 z3 y5 p9", "p0", "p9", "q1", "y5", "z3")
	dc.invocation = "\x00invocation two"
	another := roster.Doubt{Text: "another server has answered than the last time, or the same with another database"}
	expect("another invocation", roster.Reading{All: true, Why: another}, "p0 q1 z3 y5 p9", "p0", "p9", "q1", "y5", "z3")
	expect("the control: the same one", roster.Reading{Same: true}, "", "p0", "p9", "q1", "y5", "z3")
	dc.nameless = true
	hidden := "the bind account may not read the server's invocationId, by which its numbers are known to be its own"
	for range 2 {
		if r := expect("a server that does not say who it is", roster.Reading{All: true, Why: roster.Doubt{Text: hidden}}, "p0 q1 z3 y5 p9", "p0", "p9", "q1", "y5", "z3"); r.State != nil || r.Lack.Text != hidden {
			t.Errorf("it can be gone on from: %+v", *r)
		}
	}
}

// syncing answers a synchronisation: first two people, then what a test says.
func syncing(then func(f *fake)) func(*fake) {
	state := func(kind int, id string) []byte {
		return control(oidSyncState, false, tlv(tagSequence, number(tagEnumerated, kind), octets(id)))
	}
	return func(f *fake) {
		if !f.login() {
			return
		}
		for {
			_, body, controls, err := f.question()
			if err != nil {
				return
			}
			if base, rest, _ := part(body, tagOctets); len(base) == 0 || len(rest) > 5 && rest[5] == 0 { // of one entry: who are you?
				f.entry("dc=x", "entryUUID: base")
				f.end(searchDone, 0, "")
				continue
			}
			if bytes.Contains(controls, []byte("cookie one")) {
				then(f)
				continue
			}
			for _, name := range []string{"a", "b"} {
				f.send(tlv(searchEntry, octets("uid="+name), tlv(tagSequence, tlv(tagSequence, octets("uid"), tlv(tagSet, octets(name))))), state(1, strings.Repeat(name, 16)))
			}
			f.end(searchDone, 0, "", control(oidSyncDone, false, tlv(tagSequence, octets("cookie one"))))
		}
	}
}

func TestASynchronisationThatIsNotAsItShouldBeLeadsToAReadingOfAll(t *testing.T) {
	t.Parallel()
	id := strings.Repeat("a", 16)
	info := func(choice []byte) []byte {
		return tlv(intermediate, tlv(0x80, []byte(oidSyncInfo)), tlv(0x81, choice))
	}
	finish := func(f *fake, deletes bool) {
		f.end(searchDone, 0, "", control(oidSyncDone, false, tlv(tagSequence, octets("cookie two"), boolean(deletes))))
	}
	gone := func(f *fake) { f.send(info(tlv(0xa3, boolean(true), tlv(tagSet, octets(id))))) }
	for _, tt := range []struct {
		name string
		then func(f *fake)
		why  string // "" where what has changed is believed
	}{
		{"the control: one is gone", func(f *fake) { gone(f); finish(f, true) }, ""},
		{"gone by an entry's state", func(f *fake) {
			f.send(tlv(searchEntry, octets("uid=a"), tlv(tagSequence)), control(oidSyncState, false, tlv(tagSequence, number(tagEnumerated, 3), octets(id))))
			finish(f, true)
		}, ""},
		{"4096", func(f *fake) { f.end(searchDone, 4096, "") }, "e-syncRefreshRequired, 4096"},
		{"unwilling", func(f *fake) { f.end(searchDone, 53, "") }, "Unwilling To Perform, 53"},
		{"a protocol error", func(f *fake) { f.end(searchDone, 2, "") }, "Protocol Error, 2"},
		{"who is still there, as a set", func(f *fake) {
			f.send(info(tlv(0xa3, boolean(false), tlv(tagSet, octets(id)))))
			finish(f, false)
		}, "only who is still there"},
		{"who is still there, by a state", func(f *fake) {
			f.send(tlv(searchEntry, octets("uid=a"), tlv(tagSequence)), control(oidSyncState, false, tlv(tagSequence, number(tagEnumerated, 0), octets(id))))
			finish(f, true)
		}, "only who is still there"},
		{"a present phase that ends", func(f *fake) { f.send(info(tlv(0xa2, octets("c")))); finish(f, true) }, "only who is still there"},
		{"an end that is silent about the gone", func(f *fake) { finish(f, false) }, "only who is still there"},
		{"an end without a word", func(f *fake) { gone(f); f.end(searchDone, 0, "") }, "did not say how far"},
		{"an end that is no end", func(f *fake) { f.end(searchDone, 0, "", control(oidSyncDone, false, []byte{0x30, 0x7f})) }, "not LDAP"},
		{"a cookie without bounds", func(f *fake) {
			f.end(searchDone, 0, "", control(oidSyncDone, false, tlv(tagSequence, octets(strings.Repeat("c", maxCookie+1)), boolean(true))))
		}, "cookie is too large"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			o := fakeLDAP(t, syncing(tt.then))
			o.Dialect, o.Incremental, o.Attributes = "openldap", bySync, []string{"uid"}
			c := &counting{t: t, o: o, now: time.Now(), spool: t.TempDir()}
			if names, r := c.names(); !r.All || len(names) != 2 || r.State == nil {
				t.Fatalf("first: %q by %+v", names, *r)
			}
			names, r := c.names()
			switch {
			case tt.why == "" && (r.All || r.Gone != 1 || len(names) != 1):
				t.Errorf("%q by %+v, want one and one gone", names, *r)
			case tt.why != "" && (!r.All || !strings.Contains(r.Why.Text, tt.why) || len(names) != 2):
				t.Errorf("%q by %+v, want that all was read because %q", names, *r, tt.why)
			}
		})
	}
}

func TestN7ChangesThatBreakOffAreNoneAndNobodyGuesses(t *testing.T) {
	t.Parallel()
	for name, then := range map[string]func(f *fake){
		"cut":                     func(f *fake) { f.conn.Close() },
		"silence":                 func(*fake) { time.Sleep(time.Second) },
		"busy":                    func(f *fake) { f.end(searchDone, 51, "") },
		"a size limit":            func(f *fake) { f.end(searchDone, 4, "") },
		"an entry without a word": func(f *fake) { f.entry("uid=a", "uid: a") },
		"a UUID of three bytes": func(f *fake) {
			f.send(tlv(searchEntry, octets("uid=a"), tlv(tagSequence)), control(oidSyncState, false, tlv(tagSequence, number(tagEnumerated, 1), octets("abc"))))
		},
		"a set of something else": func(f *fake) {
			f.send(tlv(intermediate, tlv(0x80, []byte(oidSyncInfo)), tlv(0x81, tlv(0xa3, boolean(true), tlv(tagSet, octets("abc"))))))
		},
		"a set that is cut": func(f *fake) {
			f.send(tlv(intermediate, tlv(0x80, []byte(oidSyncInfo)), tlv(0x81, []byte{0xa3, 0x70})))
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o := fakeLDAP(t, syncing(then))
			o.Dialect, o.Incremental, o.Attributes = "openldap", bySync, []string{"uid"}
			c := &counting{t: t, o: o, now: time.Now(), spool: t.TempDir()}
			c.names()
			o.Since = &c.since
			o.Since.Now = c.now.Add(time.Second)
			d, err := openLDAP(t.Context(), o, quick(), nopLog())
			if err != nil {
				t.Fatal(err)
			}
			defer d.Close()
			spool := t.TempDir()
			_, err = d.Fetch(t.Context(), File{Name: answerName}, spool)
			if r, ok := err.(*roster.Refusal); !ok || r.Code != "E408" {
				t.Errorf("error = %v, want E408", err)
			}
			if left, _ := os.ReadDir(spool); len(left) > 0 {
				t.Errorf("%v is left in the spool", left)
			}
		})
	}
}
