package source_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"rollcall/internal/proof"
	"rollcall/internal/roster"
	"rollcall/internal/shore"
	"rollcall/internal/source"
)

// A follower reads a directory again and again, each time from where it was.
type follower struct {
	t     *testing.T
	o     source.Options
	now   time.Time
	last  *source.Since
	spool string
}

func follow(t *testing.T, o source.Options) *follower {
	t.Helper()
	if faults := o.Validate(); len(faults) > 0 {
		t.Fatalf("options: %v", faults)
	}
	return &follower{t: t, o: o, now: time.Now(), last: &source.Since{}, spool: t.TempDir()}
}

// read reads; what comes is the drop before of the next reading.
func (f *follower) read() (text string, r *roster.Reading) {
	f.t.Helper()
	drop, err := f.try()
	if err != nil {
		f.t.Fatal(err)
	}
	got, err := os.ReadFile(drop.Path)
	if err != nil {
		f.t.Fatal(err)
	}
	r = drop.Reading
	f.last = &source.Since{State: r.State, Why: r.Lack, Path: drop.Path, SHA256: drop.SHA256, Size: drop.Size}
	return string(got), r
}

func (f *follower) try() (roster.Drop, error) {
	f.now = f.now.Add(time.Second)
	o := f.o
	since := *f.last
	since.Now = f.now
	o.Since = &since
	src, err := source.Open(context.Background(), o, nil)
	if err != nil {
		return roster.Drop{}, err
	}
	defer src.Close()
	return src.Fetch(context.Background(), source.File{Name: "directory.ldif"}, f.spool)
}

// all is what a reading of everybody writes, of whoever follows nothing.
func (f *follower) all() string {
	f.t.Helper()
	fresh := &follower{t: f.t, o: f.o, now: f.now, last: &source.Since{}, spool: f.t.TempDir()}
	text, _ := fresh.read()
	return text
}

// changes wants a reading of what has changed, of so many entries.
func (f *follower) changes(what string, changed, gone int) {
	f.t.Helper()
	text, r := f.read()
	if r.All || r.Changed != changed || r.Gone != gone {
		f.t.Errorf("%s: %+v, want %d changed and %d gone", what, *r, changed, gone)
	}
	f.whole(what, text)
}

// doubts wants that all was read, and why.
func (f *follower) doubts(what, why string) {
	f.t.Helper()
	text, r := f.read()
	if !r.All || !strings.Contains(r.Why.Text, why) {
		f.t.Errorf("%s: %+v, want that all was read because %q", what, *r, why)
	}
	f.whole(what, text)
}

// whole wants a drop to list whom a reading of all lists. In which order is the
// server's business.
func (f *follower) whole(what, text string) {
	f.t.Helper()
	got, want := strings.Split(text, "\n\n"), strings.Split(f.all(), "\n\n")
	slices.Sort(got)
	slices.Sort(want)
	if !slices.Equal(got, want) {
		f.t.Errorf("%s: what was put together is not what a reading of all gives: %q and %q", what, got, want)
	}
}

// synced is OpenLDAP that keeps the last changes, and options that follow it.
func synced(t *testing.T, n int, lines ...string) (*shore.LDAP, source.Options) {
	t.Helper()
	s, o := directory(t, shore.Directory{Entries: people(n), Lines: lines})
	o.Incremental, o.Filter = "syncrepl", "(employeeNumber=*)"
	return s, o
}

func change(i int, text string) string {
	return fmt.Sprintf("dn: uid=p%05d,ou=People,dc=example,dc=org\nchangetype: %s\n", i, text)
}

func TestWhatSyncreplSaysHasChangedIsPutTogetherWithTheDropBefore(t *testing.T) {
	t.Parallel()
	s, o := synced(t, 60, "syncprov-sessionlog 100")
	f := follow(t, o)
	first, r := f.read()
	if !r.All || r.Why.Text != "" || r.State == nil || strings.Count(first, "\nentryUUID: ") != 60 {
		t.Fatalf("the first reading: %+v\n%s", *r, first[:400])
	}
	before := strings.Count(s.Log(t), " ENTRY ")
	second, r := f.read()
	if r.All || !r.Same || second != first {
		t.Errorf("nothing has changed: %+v", *r)
	}
	if !strings.Contains(s.Log(t), "nentries=0") || before != strings.Count(s.Log(t), " ENTRY ") {
		t.Error("nothing has changed, and entries were read")
	}
	s.Modify(t, change(3, "modify\nreplace: sn\nsn: Other"))
	f.changes("a change", 1, 0)
	s.Modify(t, change(4, "modrdn\nnewrdn: uid=renamed\ndeleteoldrdn: 1"))
	f.changes("a rename", 1, 0)
	s.Modify(t, change(5, "delete"))
	f.changes("a deletion", 0, 1)
	s.Modify(t, "dn: uid=new,ou=People,dc=example,dc=org\nchangetype: add\nobjectClass: inetOrgPerson\nuid: new\nemployeeNumber: 900\ncn: N\nsn: N\n")
	f.changes("a newcomer", 1, 0)
	s.Modify(t, change(6, "delete")+"\n"+change(7, "delete")+"\n"+change(8, "modify\nreplace: sn\nsn: O")+"\ndn: uid=p00006,ou=People,dc=example,dc=org\nchangetype: add\nobjectClass: inetOrgPerson\nuid: p00006\nemployeeNumber: 000006\ncn: N\nsn: Back\n")
	f.changes("several, one of them under an old name", 2, 2)
	s.Modify(t, change(9, "modify\ndelete: employeeNumber"))
	f.changes("who leaves the filter", 0, 1)
	s.Modify(t, "dn: ou=Else,dc=example,dc=org\nchangetype: add\nobjectClass: organizationalUnit\nou: Else\n")
	if _, r := f.read(); r.All || !r.Same {
		t.Errorf("a change of what is not asked for: %+v", *r)
	}
	f.o.Base, f.o.Attributes = "ou=People,dc=example,dc=org", append(f.o.Attributes, "manager")
	f.doubts("another base", "something else is asked for")
	s.Modify(t, change(10, "modrdn\nnewrdn: uid=p00010\ndeleteoldrdn: 1\nnewsuperior: ou=Else,dc=example,dc=org"))
	f.changes("who is moved out of the base", 0, 1)
	s.Modify(t, "dn: uid=p00010,ou=Else,dc=example,dc=org\nchangetype: modrdn\nnewrdn: uid=p00010\ndeleteoldrdn: 1\nnewsuperior: ou=People,dc=example,dc=org\n")
	f.changes("and back", 1, 0)

	// A reference is written anew without a word where the server keeps references true.
	s.Modify(t, change(11, "modify\nreplace: manager\nmanager: uid=p00012,ou=People,dc=example,dc=org"))
	f.changes("a manager", 1, 0)
	s.Modify(t, change(12, "modrdn\nnewrdn: uid=boss\ndeleteoldrdn: 1"))
	f.doubts("a manager of another name", "refers to an entry that has another name now")
	s.Modify(t, change(11, "modify\nreplace: manager\nmanager: uid=boss,ou=People,dc=example,dc=org"))
	f.changes("a manager who is there", 1, 0)
	s.Modify(t, "dn: uid=boss,ou=People,dc=example,dc=org\nchangetype: delete\n")
	f.doubts("a manager who is gone", "refers to an entry that has another name now, or is gone")

	s.Modify(t, "dn: ou=Ward,ou=People,dc=example,dc=org\nchangetype: add\nobjectClass: organizationalUnit\nou: Ward\n\ndn: uid=w,ou=Ward,ou=People,dc=example,dc=org\nchangetype: add\nobjectClass: inetOrgPerson\nuid: w\nemployeeNumber: 901\ncn: W\nsn: W\n")
	f.changes("a ward", 1, 0)
	s.Modify(t, "dn: ou=Ward,ou=People,dc=example,dc=org\nchangetype: modrdn\nnewrdn: ou=Unit\ndeleteoldrdn: 1\n")
	if _, r := f.read(); r.All || !r.Same {
		t.Errorf("a ward of another name, of which nobody is told: %+v", *r)
	}
	f.now = f.now.Add(25 * time.Hour)
	f.doubts("all, once a day", "full_every")
}

func TestOverAHistoryWhatWasPutTogetherIsWhatAReadingOfAllGives(t *testing.T) {
	t.Parallel()
	s, o := synced(t, 40, "syncprov-sessionlog 500")
	f := follow(t, o)
	f.read()
	steps := proof.Long(12, 300)
	chance := rand.New(rand.NewPCG(7, 7))
	there, names, changes := make([]int, 40), map[int]string{}, 0
	for i := range there {
		there[i], names[i] = i, fmt.Sprintf("p%05d", i)
	}
	next := len(there)
	for range steps {
		for range 1 + chance.IntN(5) {
			at := chance.IntN(len(there))
			i := there[at]
			dn := "dn: uid=" + names[i] + ",ou=People,dc=example,dc=org\nchangetype: "
			switch chance.IntN(6) {
			case 0:
				s.Modify(t, dn+"delete\n")
				there = slices.Delete(there, at, at+1)
				if len(there) < 20 || chance.IntN(2) == 0 { // somebody else gets the name
					names[next] = names[i]
					there = append(there, next)
					s.Modify(t, fmt.Sprintf("%sadd\nobjectClass: inetOrgPerson\nuid: %s\nemployeeNumber: %d\ncn: N\nsn: N%d\n", dn, names[i], next, next))
					next++
				}
			case 1:
				changes++
				names[i] = fmt.Sprintf("n%d", changes)
				s.Modify(t, dn+"modrdn\nnewrdn: uid="+names[i]+"\ndeleteoldrdn: 1\n")
			case 2: // out of the filter, and perhaps back
				s.Modify(t, dn+"modify\nreplace: employeeNumber\n")
			default:
				changes++
				s.Modify(t, fmt.Sprintf("%smodify\nreplace: sn\nsn: S%d\n-\nreplace: employeeNumber\nemployeeNumber: %d\n", dn, changes, i))
			}
		}
		if text, r := f.read(); r.All {
			t.Errorf("all was read: %+v", r.Why)
		} else {
			f.whole("a step", text)
		}
	}
	proof.Note(t, "a directory's changes are put together", proof.Count{What: "steps", N: steps})
}

func TestAnyDoubtAboutWhatHasChangedLeadsToAReadingOfAll(t *testing.T) {
	t.Parallel()
	s, o := synced(t, 30, "syncprov-sessionlog 100")
	f := follow(t, o)
	f.read()
	touched := 0
	touch := func(i int) {
		touched++
		s.Modify(t, change(i, fmt.Sprintf("modify\nreplace: sn\nsn: Name%d", touched)))
	}
	was := s.Copy(t)

	// The server has forgotten what had changed: whom it does not name now may be gone.
	s.Modify(t, change(1, "delete"))
	touch(2)
	s.Restart(t)
	f.doubts("its notes are lost", "could not say who is gone")
	touch(2)
	f.changes("the control: it takes notes again", 1, 0)

	s.Restore(t, was)
	f.doubts("an older copy of the directory was restored", "could not say who is gone")
	touch(3)
	f.changes("after that", 1, 0)

	kept := *f.last
	f.last.State = []byte("{}")
	f.doubts("what was remembered is no state", "cannot be read")
	*f.last = source.Since{Why: roster.Doubt{Text: "the profile has been edited"}}
	f.doubts("whoever asks has a doubt", "has been edited")

	spoil := func(what, why string, do func(*source.Since)) {
		t.Helper()
		*f.last = kept
		touch(4) // else nobody looks at the drop
		do(f.last)
		f.doubts(what, why)
	}
	spoil("another drop of the same size", "not what was written down", func(since *source.Since) { since.Path = altered(t, since.Path) })
	spoil("the drop is gone", "no longer in the archive", func(since *source.Since) { since.Path += "-gone" })
	spoil("a drop that was cut", "no longer in the archive", func(since *source.Since) { since.Path = secretFile(t, "version: 1\n") })
	spoil("a cookie that is none", "more than half of the entries came as changed", func(since *source.Since) {
		since.State = regexp.MustCompile(`"Cookie":"[^"]*"`).ReplaceAll(since.State, []byte(`"Cookie":"bm9uc2Vuc2U="`))
	})
	*f.last = kept
	f.changes("the control: nothing of it spoilt", 1, 0)

	f.now = f.now.Add(-time.Hour)
	f.doubts("the clock was put back", "lies in the future")
	f.now = f.now.Add(24 * time.Hour)
	f.doubts("a day later", "all is read every 24h (source.full_every)")
	f.o.Filter = "(&(employeeNumber=*)(!(uid=p00009)))"
	f.doubts("another filter", "something else is asked for")
	f.o.Attributes = append(f.o.Attributes, "givenName")
	f.doubts("another attribute", "something else is asked for")
	f.o.Base = "ou=People,dc=example,dc=org"
	f.doubts("another base", "something else is asked for")

	// Its copy on another machine has the same entries, and counts for itself.
	other, ofOther := synced(t, 0, "syncprov-sessionlog 100")
	other.Restore(t, s.Copy(t))
	f.o.URLs, f.o.CAFile, f.o.Bind = ofOther.URLs, ofOther.CAFile, ofOther.Bind
	f.doubts("another server", "another server has answered")
	if _, r := f.read(); r.All || !r.Same {
		t.Errorf("the other server again: %+v", *r)
	}
}

// altered is a copy of a drop in which somebody has another name.
func altered(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return secretFile(t, strings.Replace(string(text), "uid: p00020", "uid: p99920", 1))
}

func TestADirectoryThatCannotSayWhatHasChangedIsReadAsAWhole(t *testing.T) {
	t.Parallel()
	s, o := directory(t, shore.Directory{Entries: people(1100), Simple: true})
	o.Incremental = "syncrepl"
	f := follow(t, o)
	text, r := f.read()
	if !r.All || r.State != nil || !strings.Contains(r.Lack.Text, "declined to say what has changed") || !strings.Contains(r.Lack.Fix, "syncprov") {
		t.Errorf("without syncprov: %+v", *r)
	}
	if n := strings.Count(text, "\ndn: "); n != 1100 {
		t.Errorf("%d entries, want 1100, in pages", n)
	}
	f.doubts("once more", "declined to say what has changed")

	// By the time of change it can.
	f.o.Incremental, f.last = "timestamp", &source.Since{}
	f.read()
	f.now = f.now.Add(time.Minute)
	s.Modify(t, change(7, "modify\nreplace: sn\nsn: Other"))
	f.changes("a change", 1, 0)
	s.Modify(t, change(8, "delete"))
	if got, r := f.read(); r.All || r.Gone != 0 || r.Blind.Text == "" || !strings.Contains(got, "dn: uid=p00008,") {
		t.Errorf("a deletion, which nobody sees: %+v", *r)
	}
	f.now = f.now.Add(25 * time.Hour)
	f.doubts("the deletion is seen when all is read", "full_every")
}

func TestT37ASynchronisationThatIsCutByALimitIsNone(t *testing.T) {
	t.Parallel()
	_, o := directory(t, shore.Directory{Entries: people(600), Limit: 500})
	o.Incremental = "syncrepl"
	_, err := follow(t, o).try()
	refusedAs(t, err, "E408", "size limit (Size Limit Exceeded, 4)", "size=unlimited")
}
