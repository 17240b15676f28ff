package fault_test

import (
	"context"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"rollcall/internal/proof"
	"rollcall/internal/shore"
)

// An act is something that rollcall is asked to do, on a site that is ready for it.
type act struct {
	name    string
	ready   func(t testing.TB, s *site, rollcall string) // from an empty site
	args    []string
	clock   time.Time
	codes   []int // of the act itself, and of the same again where it was done already
	after   []int // of the run that follows, as every night
	applies bool  // it changes the accounts, if nothing happens to it

	profile   string            // of the site; that of the nights where it is empty
	passwords map[string]string // of the file: what they are in the end, by username
}

const few = 200 // people

var acts = []act{
	{
		name: "first", args: []string{"run", "hr"}, clock: morning, codes: []int{0}, after: []int{0}, applies: true,
		ready: func(_ testing.TB, s *site, _ string) { s.drop("a", nightA(few), morning.Add(-time.Hour)) },
	},
	{
		name: "run", args: []string{"run", "hr"}, clock: morning, codes: []int{10}, after: []int{0}, applies: true,
		ready: func(t testing.TB, s *site, rollcall string) { // a held plan is replaced by it
			first(t, s, rollcall)
			s.drop("half", half(few), morning.Add(-90*time.Minute))
			s.must(rollcall, morning.Add(-80*time.Minute), []int{11}, "run", "hr")
			s.drop("b", nightB(few, morning), morning.Add(-30*time.Minute))
		},
	},
	{
		name: "hold", args: []string{"run", "hr"}, clock: morning, codes: []int{11}, after: []int{11},
		ready: func(t testing.TB, s *site, rollcall string) {
			first(t, s, rollcall)
			s.drop("half", half(few), morning.Add(-time.Hour))
		},
	},
	{
		name: "approve", args: []string{"held", "approve", "2", "--reason", "they have left"}, clock: morning, codes: []int{0, 1}, after: []int{0}, applies: true,
		ready: func(t testing.TB, s *site, rollcall string) {
			first(t, s, rollcall)
			s.drop("half", half(few), morning.Add(-90*time.Minute))
			s.must(rollcall, morning.Add(-80*time.Minute), []int{11}, "run", "hr")
		},
	},
	{
		name: "revert", args: []string{"runs", "revert", "2", "--yes", "--reason", "it was wrong"}, clock: morning, codes: []int{0, 1}, after: []int{0}, applies: true,
		ready: func(t testing.TB, s *site, rollcall string) {
			first(t, s, rollcall)
			s.drop("b", nightB(few, morning), morning.Add(-90*time.Minute))
			s.must(rollcall, morning.Add(-80*time.Minute), []int{10}, "run", "hr")
			s.drop("b", nightB(few, morning), morning.Add(-90*time.Minute)) // it lies there again, and stays
		},
	},
	{
		name: "sweep", args: []string{"sweep"}, clock: morning.AddDate(0, 0, 10), codes: []int{0}, after: []int{0}, applies: true,
		ready: func(t testing.TB, s *site, rollcall string) {
			lines := nightA(few)
			for i := range 4 {
				lines[7*i+1] += morning.AddDate(0, 0, 8).Format(time.DateOnly)
			}
			s.drop("a", lines, morning.Add(-2*time.Hour))
			s.must(rollcall, morning.Add(-time.Hour), []int{0}, "run", "hr")
		},
	},
	{
		name: "passwords", args: []string{"run", "hr"}, clock: morning, codes: []int{0}, after: []int{0}, applies: true,
		profile: manual(50), passwords: map[string]string{"ada": "Second-Pass-1", "dan": "Given-Pass-4"},
		ready: func(_ testing.TB, s *site, rollcall string) {
			s.drop("a", []string{headerOfPasswords, manually("ada", "First-Pass-1")}, morning.Add(-3*time.Hour))
			s.must(rollcall, morning.Add(-2*time.Hour), []int{0}, "run", "hr")
			s.drop("b", []string{
				headerOfPasswords, manually("ada", "Second-Pass-1"), manually("dan", "Given-Pass-4"), manually("eve", ""), manually("fay", ""),
			}, morning.Add(-time.Hour))
		},
	},
	{
		name: "release", args: []string{"outbox", "release", "1"}, clock: morning, codes: []int{0, 1}, after: []int{0},
		profile: manual(1), passwords: map[string]string{"ada": "First-Pass-1"},
		ready: func(_ testing.TB, s *site, rollcall string) {
			s.drop("a", []string{headerOfPasswords, manually("ada", "First-Pass-1"), manually("eve", ""), manually("fay", "")}, morning.Add(-3*time.Hour))
			s.must(rollcall, morning.Add(-2*time.Hour), []int{0}, "run", "hr")
		},
	},
}

func first(t testing.TB, s *site, rollcall string) {
	t.Helper()
	s.drop("a", nightA(few), morning.Add(-3*time.Hour))
	s.must(rollcall, morning.Add(-2*time.Hour), []int{0}, "run", "hr")
}

// A stage is a site on which an act may begin, and what it comes to if nothing
// happens to it.
type stage struct {
	act
	site          *site
	before, after string // the accounts
	moments       []string
	visits        map[string]int
}

func set(t testing.TB, a act, engine, mail string) *stage {
	t.Helper()
	rollcall := program(t, faulty)
	st := &stage{act: a, site: found(t, engine, mail), visits: map[string]int{}}
	if a.profile != "" {
		st.site.profile = a.profile
		st.site.configure()
	}
	a.ready(t, st.site, rollcall)
	st.before = st.site.dump()

	s := st.site.copied(t)
	defer s.discard()
	list := filepath.Join(t.TempDir(), "visits")
	code, said := s.run(rollcall, a.clock, []string{"ROLLCALL_FAULT_VISITS=" + list}, a.args...)
	if code != a.codes[0] {
		t.Fatalf("%s: exit %d, want %d\n%s", a.name, code, a.codes[0], said)
	}
	for _, m := range visits(list) {
		if st.visits[m]++; st.visits[m] == 1 {
			st.moments = append(st.moments, m)
		}
	}
	st.after = s.dump()
	wrong := slices.Concat(a.again(s, rollcall), s.atRest().all(), s.have(a.passwords))
	if (st.before != st.after) != a.applies || st.after != s.dump() || len(wrong) > 0 {
		t.Fatalf("%s, and nothing happens to it: %q; the accounts were %s, are %s and then %s", a.name, wrong, st.before, st.after, s.dump())
	}
	return st
}

// visits are the moments in a list that the program has written.
func visits(list string) []string {
	text, _ := os.ReadFile(list) // none yet is none
	return strings.Fields(string(text))
}

// again does what a service and the person at it would do after a fault: the same
// once more, and later the next night's run.
func (a act) again(s *site, rollcall string) (wrong []string) {
	for _, step := range []struct {
		args  []string
		codes []int
	}{{a.args, append([]int{0}, a.codes...)}, {[]string{"run", "hr"}, a.after}} {
		code, said := s.restart(rollcall, a.clock.Add(2*time.Hour), step.args...)
		if !slices.Contains(step.codes, code) {
			wrong = append(wrong, fmt.Sprintf("afterwards %q exits with %d: %s", step.args, code, said))
		}
	}
	return wrong
}

// A mishap is what happens at a moment of an act.
type mishap struct {
	moment, deed string
	visit        int
}

func (m mishap) String() string { return fmt.Sprintf("%s:%s@%d", m.moment, m.deed, m.visit) }

// suffer lets a mishap happen to an act, starts everything again, and answers with
// what is wrong then.
func (st *stage) suffer(t testing.TB, m mishap, mails *sent, env ...string) (wrong []string) {
	t.Helper()
	rollcall := program(t, faulty)
	s := st.site.copied(t)
	defer s.discard()
	say := func(format string, args ...any) { wrong = append(wrong, fmt.Sprintf(format, args...)) }

	list := filepath.Join(s.dir, "visits")
	env = append([]string{"ROLLCALL_FAULT=" + m.String(), "ROLLCALL_FAULT_VISITS=" + list}, env...)
	code, said := 0, ""
	if strings.HasPrefix(m.deed, "sleep") {
		st.killAsleep(t, s, rollcall, m, list, env)
	} else {
		code, said = s.run(rollcall, st.clock, env, st.args...)
	}
	if n := countOf(visits(list), m.moment); n < m.visit {
		say("the moment was visited %d times", n)
	}
	_, f := s.journal()
	wrong = append(wrong, f.all()...)
	there := s.dump()
	switch {
	case there != st.before && there != st.after:
		say("the accounts are neither as before nor as after")
	case m.deed == "error" && st.applies:
		done := code == 17 || slices.Contains(st.codes[:1], code)
		if done != (there == st.after) {
			say("it exits with %d, and the accounts are done: %v; it says %s", code, there == st.after, said)
		}
	case m.deed == "panic" && (code != 1 || !strings.Contains(said, "crashed")):
		say("it exits with %d and says %s", code, said)
	}
	wrong = append(wrong, st.again(s, rollcall)...)
	if s.dump() != st.after {
		say("afterwards the accounts are not what they should be")
	}
	mails.note(s, st.site, m)
	return slices.Concat(wrong, s.atRest().all(), s.have(st.passwords))
}

// killAsleep kills -9 an act that sleeps at a moment.
func (st *stage) killAsleep(t testing.TB, s *site, rollcall string, m mishap, list string, env []string) {
	t.Helper()
	cmd := s.command(rollcall, st.clock, env, st.args...)
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithTimeout(t.Context(), 30*time.Second)
	defer stop()
	err := waitFor(ctx, m.String(), func() bool { return countOf(visits(list), m.moment) >= m.visit })
	_ = cmd.Process.Kill() // it sleeps
	_ = cmd.Wait()         // it was killed
	if err != nil {
		t.Fatal(err)
	}
}

func countOf(list []string, what string) (n int) {
	for _, one := range list {
		if one == what {
			n++
		}
	}
	return n
}

// TestP1P2P3WhateverHappensAtAnyNamedMomentNothingIsHalfDone visits every moment
// that stands in the code, and lets every deed happen there.
func TestP1P2P3WhateverHappensAtAnyNamedMomentNothingIsHalfDone(t *testing.T) {
	for _, engine := range engines {
		t.Run(engine, func(t *testing.T) {
			t.Parallel()
			box := shore.SMTP(t)
			long := proof.Long(0, 1) == 1
			seen := map[string]bool{}
			var cases, bad atomic.Int64
			var mails sent
			t.Run("moments", func(t *testing.T) {
				for _, a := range acts {
					st := set(t, a, engine, box.Addr)
					for _, m := range st.mishaps(long, engine, seen) {
						t.Run(a.name+" "+m.String(), func(t *testing.T) {
							t.Parallel()
							cases.Add(1)
							if wrong := st.suffer(t, m, &mails); len(wrong) > 0 {
								bad.Add(1)
								t.Errorf("%q", wrong)
							}
						})
					}
				}
			})
			mails.arrived(t, box)
			if named := inTheCode(t); engine == "SQLite" && !maps.Equal(named, seen) {
				t.Errorf("visited are\n%v\nand the code names\n%v", slices.Sorted(maps.Keys(seen)), slices.Sorted(maps.Keys(named)))
			}
			t.Logf("%d moments, %d cases", len(seen), cases.Load())
			proof.Note(t, "fault points, "+engine, proof.Count{What: "visited", N: len(seen)}, proof.Count{What: "cases", N: int(cases.Load())}, proof.Count{What: "bad", N: int(bad.Load())})
		})
	}
}

// mishaps are those that are tried with an act. In the short form each moment has
// its turn in the first act that visits it, and on PostgreSQL only the moments of
// the database.
func (st *stage) mishaps(long bool, engine string, seen map[string]bool) (all []mishap) {
	for _, moment := range st.moments {
		again := seen[moment]
		if !long && (again || engine == "PostgreSQL" && !strings.HasPrefix(moment, "store.")) {
			continue
		}
		seen[moment] = true
		deeds := []string{"exit", "error"}
		switch {
		case long && again:
			deeds = []string{"kill", "error", "sleep=1m"}
		case long:
			deeds = []string{"exit", "kill", "panic", "error", "sleep=1m"}
		}
		for _, deed := range deeds {
			all = append(all, mishap{moment, deed, 1})
		}
		if last := st.visits[moment]; long && last > 1 {
			all = append(all, mishap{moment, "kill", last}, mishap{moment, "error", last})
		}
	}
	return all
}

// inTheCode are the moments that the program's source names.
func inTheCode(t testing.TB) map[string]bool {
	t.Helper()
	named := map[string]bool{}
	call := regexp.MustCompile(`(?:fault\.At\(|fault\.After\(.*, |^\s*\}\)?, )"([a-z_.]+)"\)`)
	err := filepath.WalkDir("../..", func(path string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() || filepath.Ext(path) != ".go" || strings.HasSuffix(path, "_test.go") {
			return err
		}
		text, err := os.ReadFile(path)
		for _, line := range strings.Split(string(text), "\n") {
			if !strings.Contains(line, "fault.") {
				continue
			}
			for _, m := range call.FindAllStringSubmatch(line, -1) {
				named[m[1]] = true
			}
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return named
}

// sent are the mails of which the outboxes say that they were sent.
type sent struct {
	sync.Mutex
	ids      []string
	welcomes []welcomes
}

// note notes those of s that base, of which it is a copy, had not sent before.
func (m *sent) note(s, base *site, after mishap) {
	s.t.Helper()
	before, welcomes := base.mails(), s.welcomes(after)
	m.Lock()
	defer m.Unlock()
	m.ids = append(m.ids, slices.DeleteFunc(s.mails(), func(id string) bool { return slices.Contains(before, id) })...)
	m.welcomes = append(m.welcomes, welcomes)
}

// mails are the ids of the mails in the outbox, but for the welcome mails, which
// have another one for each sending.
func (s *site) mails() (ids []string) {
	s.t.Helper()
	db, shut := s.open()
	defer shut()
	rows, err := db.Query("SELECT message_id FROM outbox WHERE account = 0")
	if err != nil && noSchema(err) {
		return nil
	}
	if err != nil {
		s.t.Fatal(err)
	}
	if err := each(rows, func(_ []string, v []any) { ids = append(ids, v[0].(string)) }); err != nil {
		s.t.Fatal(err)
	}
	return ids
}

// arrived checks that each of them came, and after a crash once more at most. What
// became of a run that was held has one id on every copy of its site.
func (m *sent) arrived(t *testing.T, box *shore.Mailbox) {
	t.Helper()
	want := map[string]int{}
	for _, id := range m.ids {
		want[id]++
	}
	ctx, stop := context.WithTimeout(t.Context(), 30*time.Second)
	defer stop()
	var came letters
	var wrong []string
	there := func() bool { // what the server has taken it delivers a moment later
		came = read(box.Messages(t))
		wrong = m.amiss(want, came)
		return len(wrong) == 0
	}
	if err := waitFor(ctx, "all mails", there); err != nil {
		t.Errorf("%v: %q", err, wrong)
		return
	}
	for _, w := range m.welcomes {
		if unknown := w.unknown(came.passwords[w.site]); len(unknown) > 0 {
			t.Errorf("%s: of %q no mail has the password", w.after, unknown)
		}
	}
}

// letters are mails that have come: how often by their ids, and the passwords in
// them by site and username.
type letters struct {
	times     map[string]int
	passwords map[string]map[string][]string
}

func read(mails []string) letters {
	l := letters{times: map[string]int{}, passwords: map[string]map[string][]string{}}
	for _, mail := range mails {
		if id := messageID.FindStringSubmatch(mail); id != nil {
			l.times[id[1]]++
		}
		if from, brings := sender.FindStringSubmatch(mail), bringsPassword.FindStringSubmatch(mail); from != nil && brings != nil {
			site := l.passwords[from[1]]
			if site == nil {
				site = map[string][]string{}
				l.passwords[from[1]] = site
			}
			site[brings[1]] = append(site[brings[1]], brings[2])
		}
	}
	return l
}

// amiss is what is wrong with the mails that have come.
func (m *sent) amiss(want map[string]int, came letters) (wrong []string) {
	got := came.times
	for id, n := range want {
		if got[id] < n || got[id] > 2*n {
			wrong = append(wrong, fmt.Sprintf("a mail came %d times, and was sent by %d sites", got[id], n))
		}
	}
	for _, w := range m.welcomes {
		n := 0
		for _, each := range came.passwords[w.site] {
			n += len(each)
		}
		if n != len(w.hashes)+w.twice {
			wrong = append(wrong, fmt.Sprintf("%s: %d welcome mails came, want %d and %d", w.after, n, len(w.hashes), w.twice))
		}
	}
	return wrong
}

var (
	messageID      = regexp.MustCompile(`(?mi)^Message-ID: <(.*)>$`)
	sender         = regexp.MustCompile(`(?mi)^From: .*\brollcall\+(\d+)@`)
	bringsPassword = regexp.MustCompile(`(?m)^ *username +(\S+)\s+password +(\S+)$`)
)
