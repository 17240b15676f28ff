package fault_test

import (
	"bytes"
	"fmt"
	"net"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"rollcall/internal/proof"
	"rollcall/internal/shore"
)

// A wire lies between rollcall and PostgreSQL, and does something to the commit of
// an apply: it is the one that follows the word to those who listen.
type wire struct {
	net.Listener
	server   string
	carriers sync.WaitGroup
	once     sync.Once
	commit   func(forward func()) // forward lets the server hear of it; the client hears no answer
}

func stretch(t *testing.T, server string, commit func(forward func())) *wire {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	w := &wire{Listener: l, server: server, commit: commit}
	w.carriers.Go(func() {
		for {
			client, err := l.Accept()
			if err != nil {
				return
			}
			w.carriers.Go(func() { w.carry(client) })
		}
	})
	t.Cleanup(func() { l.Close(); w.carriers.Wait() })
	return w
}

func (w *wire) carry(client net.Conn) {
	defer client.Close()
	server, err := net.Dial("tcp", w.server)
	if err != nil {
		return // it is down, and so rollcall finds it
	}
	defer server.Close()
	back := make(chan struct{})
	var mute sync.Mutex // held for ever once the answer is lost
	w.carriers.Go(func() {
		defer close(back)
		buf := make([]byte, 64<<10)
		for {
			n, err := server.Read(buf)
			if err != nil {
				client.Close()
				return
			}
			if !mute.TryLock() {
				return // the line is cut when all has been done that is to happen at the commit
			}
			_, err = client.Write(buf[:n])
			mute.Unlock()
			if err != nil {
				return
			}
		}
	})
	applying := false
	buf := make([]byte, 64<<10)
	for {
		n, err := client.Read(buf)
		if err != nil {
			return
		}
		applying = applying || bytes.Contains(buf[:n], []byte("pg_notify"))
		if applying && bytes.Contains(buf[:n], []byte("commit")) {
			met := false
			w.once.Do(func() {
				met = true
				mute.Lock()
				w.commit(func() {
					_, _ = server.Write(buf[:n]) // the server may be gone already
					<-back                       // until it answers, or is gone
				})
			})
			if met {
				return
			}
		}
		if _, err := server.Write(buf[:n]); err != nil {
			return
		}
	}
}

// verdict is what rollcall says of an apply.
func verdict(code int, said string) string {
	switch {
	case strings.Contains(said, "whether the plan was applied is not known"):
		return "unknown"
	case slices.Contains([]int{0, 10, 17}, code):
		return "applied"
	}
	return "not applied"
}

// judged runs night B, whose commit goes wrong, and tells what rollcall says and
// whether the database agrees, now and after a restart; wrong is empty if so.
func (s *site) judged(rollcall, before, after string, back func(), env ...string) (says string, wrong []string) {
	s.t.Helper()
	code, said := s.run(rollcall, morning, env, "run", "hr")
	if back != nil {
		back()
	}
	says = verdict(code, said)
	there := s.dump()
	db, shut := s.open()
	runs, f := s.journalIn(db)
	wrong = f.all()
	if len(runs) == 0 {
		shut()
		return says, append(wrong, "there is no run")
	}
	last := &runs[len(runs)-1]
	switch {
	case there != before && there != after:
		wrong = append(wrong, "the accounts are neither as before nor as after")
	case says == "unknown":
		if code != 16 || strings.Contains(said, "NO account") {
			wrong = append(wrong, fmt.Sprintf("it exits with %d and says %s", code, said))
		}
	case (says == "applied") != (there == after), last.applied() != (there == after):
		wrong = append(wrong, fmt.Sprintf("it says %s, the accounts are done: %v, the run is %s: %s", says, there == after, last.status, said))
	case last.status != "running":
		if lacks := s.reported(db, last); len(lacks) > 0 {
			wrong = append(append(wrong, lacks...), fmt.Sprintf("it exits with %d and says %s", code, said))
		}
	}
	shut()
	s.via = ""
	s.configure()
	if code, said := s.restart(rollcall, morning.Add(2*time.Hour), "run", "hr"); code != 0 && code != 10 {
		wrong = append(wrong, fmt.Sprintf("started again it exits with %d: %s", code, said))
	}
	if s.dump() != after {
		wrong = append(wrong, "started again it does not come to where it would have come to")
	}
	return says, append(wrong, s.atRest().all()...)
}

// nightsOn are both nights on a site, with the accounts as they are before and
// after the second.
func nightsOn(t testing.TB, s *site, rollcall string) (before, after string) {
	t.Helper()
	s.drop("a", nightA(few), morning.Add(-2*time.Hour))
	s.must(rollcall, morning.Add(-time.Hour), []int{0}, "run", "hr")
	s.drop("b", nightB(few, morning), morning.Add(-30*time.Minute))
	before = s.dump()
	done := s.copied(t)
	defer done.discard()
	done.must(rollcall, morning, []int{10}, "run", "hr")
	return before, done.dump()
}

// TestP3WhatIsSaidAfterALostCommitIsWhatPostgreSQLHolds cuts the line at the commit,
// and kills the server at it.
func TestP3WhatIsSaidAfterALostCommitIsWhatPostgreSQLHolds(t *testing.T) {
	t.Parallel()
	rollcall := program(t, release)
	cluster := shore.PostgresServer(t)
	base := found(t, "", "")
	base.dsn = cluster.DSN + "&synchronous_commit=on"
	base.configure()
	before, after := nightsOn(t, base, rollcall)
	var cutting sync.WaitGroup // what happens at a commit goes on after rollcall has its answer
	crash := func() {
		cluster.Kill(t)
		cluster.Start(t)
	}
	var right, wrong int
	for _, style := range []struct {
		name   string
		times  int
		want   string // "" where either may be
		commit func(forward func())
		back   func() // brings the server back, when rollcall has ended
	}{
		{"the line is cut before the server hears of it", proof.Long(2, 30), "not applied", func(func()) {}, nil},
		{"the line is cut before the client hears of it", proof.Long(2, 30), "applied", func(forward func()) { forward() }, nil},
		{"the server is killed before it hears of it", proof.Long(1, 20), "not applied", func(func()) { crash() }, nil},
		{"the server is killed when it has done it", proof.Long(1, 20), "applied", func(forward func()) { forward(); crash() }, nil},
		{"the server is killed in the middle of it", proof.Long(1, 20), "", func(forward func()) { go forward(); crash() }, nil},
		{"the server stays away", proof.Long(0, 2), "unknown", func(forward func()) { forward(); cluster.Kill(t) }, func() { cluster.Start(t) }},
	} {
		for range style.times {
			s := base.copied(t)
			s.via = stretch(t, server(s.dsn), func(forward func()) {
				cutting.Add(1)
				defer cutting.Done()
				style.commit(forward)
			}).Addr().String()
			s.configure()
			said, found := s.judged(rollcall, before, after, func() {
				cutting.Wait()
				if style.back != nil {
					style.back()
				}
			})
			if style.want != "" && said != style.want {
				found = append(found, fmt.Sprintf("it says %s, want %s", said, style.want))
			}
			if len(found) == 0 {
				right++
			} else {
				wrong++
				t.Errorf("%s: %q", style.name, found)
			}
			s.discard()
		}
	}
	proof.Note(t, "ambiguous commits, PostgreSQL", proof.Count{What: "judged right", N: right}, proof.Count{What: "wrong", N: wrong})
}

// dying is a disk that takes the commit, cannot make it last, and takes nothing more.
const dying = "store.apply.finished:nosync store.apply.committed:nowrite"

// TestP3WhatIsSaidAfterAFailedSyncIsWhatSQLiteHolds lets the kernel fail the sync of
// the commit. What was written is then not there for this process, and there again
// for the next.
func TestP3WhatIsSaidAfterAFailedSyncIsWhatSQLiteHolds(t *testing.T) {
	t.Parallel()
	rollcall := program(t, faulty)
	base := found(t, "SQLite", "")
	before, after := nightsOn(t, base, rollcall)
	var right, wrong int
	for _, style := range []struct {
		name  string
		times int
		want  string
		fault string
	}{
		{"the answer is lost", proof.Long(2, 90), "applied", "store.apply.committed:error"},
		{"the commit cannot be written", proof.Long(0, 3), "unknown", "store.apply.finished:nowrite"},
		{"no sync succeeds any more", proof.Long(1, 4), "unknown", "store.apply.finished:nosync"},
		{"no sync succeeds any more, and then no write", proof.Long(1, 3), "unknown", dying},
	} {
		for range style.times {
			s := base.copied(t)
			said, found := s.judged(rollcall, before, after, nil, "ROLLCALL_FAULT="+style.fault)
			if said != style.want {
				found = append(found, fmt.Sprintf("it says %s, want %s", said, style.want))
			}
			if len(found) == 0 {
				right++
			} else {
				wrong++
				t.Errorf("%s: %q", style.name, found)
			}
			s.discard()
		}
	}
	proof.Note(t, "ambiguous commits, SQLite", proof.Count{What: "judged right", N: right}, proof.Count{What: "wrong", N: wrong})
}

// TestControlWithoutReadingBackWhatIsSaidIsWrong shows that the two tests above can fail.
func TestControlWithoutReadingBackWhatIsSaidIsWrong(t *testing.T) {
	t.Parallel()
	rollcall := program(t, faulty)
	base := found(t, "SQLite", "")
	before, after := nightsOn(t, base, rollcall)
	for _, fault := range []string{"store.apply.committed:error", dying} {
		s := base.copied(t)
		if said, found := s.judged(rollcall, before, after, nil, "ROLLCALL_FAULT="+fault, "ROLLCALL_FAULT_OFF=reading back"); said != "not applied" || len(found) == 0 {
			t.Errorf("%s: it says %s, and nothing is found to be wrong", fault, said)
		}
	}
	pg := found(t, "PostgreSQL", "")
	before, after = nightsOn(t, pg, rollcall)
	s := pg.copied(t)
	s.via = stretch(t, server(s.dsn), func(forward func()) { forward() }).Addr().String()
	s.configure()
	if said, found := s.judged(rollcall, before, after, nil, "ROLLCALL_FAULT_OFF=reading back"); said != "not applied" || len(found) == 0 {
		t.Errorf("PostgreSQL: it says %s, and nothing is found to be wrong", said)
	}
}
