package run_test

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"rollcall/internal/journal"
	"rollcall/internal/run"
	"rollcall/internal/shore"
	"rollcall/internal/store"
)

// started waits until a run of a profile is in the journal.
func (s *site) started(profile string) {
	until(s.t, "the run has begun", func() bool {
		all, err := s.Store.Runs(context.Background(), profile, time.Time{}, 1)
		return err == nil && len(all) == 1 && all[0].Status == journal.Running
	})
}

// nothingPlanned checks that a run left neither changes nor accounts.
func (s *site) nothingPlanned(j *journal.Run) {
	s.t.Helper()
	for _, err := range s.Store.Changes(s.t.Context(), j.Number) {
		s.t.Fatalf("a change of run %d is left: %v", j.Number, err)
	}
	if d := s.dump(); d != "" {
		s.t.Errorf("%d accounts are there", strings.Count(d, "\n"))
	}
}

func TestP1ARunThatIsStoppedWhileItPlansChangesNothing(t *testing.T) {
	both(t, func(t *testing.T, s *site) {
		p := s.feed("hr")
		s.drop(p, crew("hr", 3000, "")...)
		ctx, stop := context.WithCancelCause(t.Context())
		go func() { s.started("hr"); stop(errors.New("terminated signal received")) }()
		j, err := s.Run(ctx, run.Request{Profile: p})
		if err == nil || j.Status != journal.Interrupted || j.ExitCode != 143 {
			t.Fatalf("%v, %+v", err, j)
		}
		if kept, err := s.Store.Run(t.Context(), j.Number); err != nil || kept.Status != journal.Interrupted || kept.Error == "" {
			t.Errorf("the journal has %+v, %v", kept, err)
		}
		s.nothingPlanned(j)
		s.spoolIsEmpty(p)
		s.run(p, journal.OK)
	})
}

func TestP1ARunThatIsStoppedBeforeItAppliesIsNotOK(t *testing.T) {
	both(t, func(t *testing.T, s *site) {
		p := s.feed("hr", func(p *run.Profile) { p.Limits.FirstRun = "hold" })
		s.drop(p, people(20)...)
		ctx, stop := context.WithCancel(t.Context())
		j, err := s.Run(ctx, run.Request{Profile: p, Confirm: func(*journal.Run) bool { stop(); return true }})
		if !errors.Is(err, context.Canceled) {
			t.Errorf("%v", err)
		}
		if kept, _ := s.Store.Run(t.Context(), j.Number); kept.Status != journal.Interrupted || kept.AppliedSeq != 0 {
			t.Errorf("the journal has a run that is %s", kept.Status)
		}
		if s.dump() != "" {
			t.Error("accounts are there")
		}
	})
}

// TestP1ARunThatCannotBeAppliedIsNotOK has no place for our copy of the drop,
// which is found out when all has been judged and may go ahead.
func TestP1ARunThatCannotBeAppliedIsNotOK(t *testing.T) {
	both(t, func(t *testing.T, s *site) {
		p := s.feed("hr")
		if err := os.MkdirAll(s.State, 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(s.State, "archive"), nil, 0o600); err != nil {
			t.Fatal(err)
		}
		j := s.read(p, journal.Failed, people(20)...)
		if kept, err := s.Store.Run(t.Context(), j.Number); err != nil || kept.Status != journal.Failed || kept.ExitCode != 1 {
			t.Errorf("the journal has a run that is %s, exit %d: %v", kept.Status, kept.ExitCode, err)
		}
		if s.dump() != "" {
			t.Error("accounts are there")
		}
		if err := os.Remove(filepath.Join(s.State, "archive")); err != nil {
			t.Fatal(err)
		}
		if again := s.run(p, journal.OK); again.Facts.Rows.Added != 20 {
			t.Errorf("%d added by the next run", again.Facts.Rows.Added)
		}
	})
}

// TestARunThatIsStoppedWhileItWaitsIsInterrupted is stopped as a signal does it,
// with a cause of its own.
func TestARunThatIsStoppedWhileItWaitsIsInterrupted(t *testing.T) {
	s := open(t, "sqlite")
	p := s.feed("hr", func(p *run.Profile) { p.Source.Settle = time.Minute })
	s.drop(p, people(20)...)
	ctx, stop := context.WithCancelCause(t.Context())
	time.AfterFunc(100*time.Millisecond, func() { stop(errors.New("terminated signal received")) })
	j, err := s.Run(ctx, run.Request{Profile: p})
	if err == nil || j == nil || j.Status != journal.Interrupted || j.ExitCode != 143 {
		t.Errorf("%v, %+v", err, j)
	}
}

// TestP8AFencedApplyIsAFailedRun takes the lease away between plan and apply.
func TestP8AFencedApplyIsAFailedRun(t *testing.T) {
	s := open(t, "sqlite")
	p := s.feed("hr", func(p *run.Profile) { p.Limits.FirstRun = "hold" })
	s.drop(p, people(20)...)
	steal := func(*journal.Run) bool {
		other, err := store.Open(t.Context(), store.Options{DSN: s.dsn, LockDir: t.TempDir(), Now: s.now})
		if err != nil {
			t.Fatal(err)
		}
		defer other.Close()
		lease, err := other.Acquire(t.Context(), "hr") // the other lock folder stands for a lock that does not hold
		if err != nil {
			t.Fatal(err)
		}
		if err := lease.Release(); err != nil {
			t.Error(err)
		}
		return true
	}
	j, err := s.Run(t.Context(), run.Request{Profile: p, Confirm: steal})
	if !errors.Is(err, store.ErrFenced) || j.Status != journal.Failed || j.ExitCode == 0 {
		t.Fatalf("%v, %s", err, j.Status)
	}
	if _, err := s.Store.LastApplied(t.Context(), "hr"); !errors.Is(err, store.ErrNone) {
		t.Errorf("a run that was not applied counts as the last one: %v", err)
	}
	s.run(p, journal.Held)
}

// TestChild is another process, which a test starts, limits or kills; by itself
// it does nothing.
func TestChild(t *testing.T) {
	dir := os.Getenv("ROLLCALL_TEST_CHILD")
	if dir == "" {
		return
	}
	if os.Getenv("ROLLCALL_TEST_FILES") == "small" {
		signal.Ignore(syscall.SIGXFSZ)
		limit := syscall.Rlimit{Cur: 1 << 20, Max: 1 << 20}
		if err := syscall.Setrlimit(syscall.RLIMIT_FSIZE, &limit); err != nil {
			t.Fatal(err)
		}
	}
	s := openAt(t, dir, os.Getenv("ROLLCALL_TEST_DSN"))
	p := s.feed("hr")
	if at := strings.Fields(os.Getenv("ROLLCALL_TEST_SSH")); len(at) > 0 {
		now, err := time.Parse(time.RFC3339, at[4])
		if err != nil {
			t.Fatal(err)
		}
		s.pass(now.Sub(s.now()))
		began := time.Now()
		s.Runner.Now = func() time.Time { return s.now().Add(time.Since(began)) }
		p = (&outgoing{SSH: &shore.SSH{Addr: at[0], User: at[1], KeyFile: at[2], Fingerprint: at[3]}, site: s}).feed("hr")
	}
	j, err := s.Run(t.Context(), run.Request{Profile: p})
	if j == nil {
		t.Fatal(err)
	}
	status, _ := os.ReadFile("/proc/self/status")
	t.Logf("%v: %v\n%s", j.Status, err, status)
}

// child starts this test binary once more, for a site.
func (s *site) child(more ...string) *exec.Cmd {
	cmd := exec.Command(os.Args[0], "-test.run=^TestChild$", "-test.v")
	cmd.Env = append(append(os.Environ(), "ROLLCALL_TEST_CHILD="+filepath.Dir(s.drops), "ROLLCALL_TEST_DSN="+s.dsn), more...)
	return cmd
}

func TestARunWhoseProcessWasKilledIsInterruptedByTheNext(t *testing.T) {
	both(t, func(t *testing.T, s *site) {
		p := s.feed("hr")
		s.drop(p, crew("hr", 4000, "")...)
		cmd := s.child()
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		s.started("hr")
		if err := cmd.Process.Kill(); err != nil {
			t.Fatal(err)
		}
		_ = cmd.Wait() // it was killed
		spool := filepath.Join(s.State, "spool", "hr")
		if lists(t, spool) == "" {
			t.Error("the spool is empty, so this proves nothing of it")
		}
		if err := os.WriteFile(filepath.Join(spool, "drop-1234.part"), []byte("half"), 0o600); err != nil {
			t.Fatal(err)
		}
		var j *journal.Run
		until(t, "the lock is free again", func() bool {
			var err error
			j, err = s.Run(t.Context(), run.Request{Profile: p})
			return !errors.Is(err, store.ErrBusy)
		})
		if j == nil || j.Status != journal.OK || j.Facts.Rows.Added != 4000 {
			t.Fatalf("the next run: %+v", j)
		}
		dead, err := s.Store.Run(t.Context(), j.Number-1)
		if err != nil || dead.Status != journal.Interrupted {
			t.Errorf("the run that was killed is %s, %v", dead.Status, err)
		}
		s.spoolIsEmpty(p)
	})
}

func TestADiskThatIsFullIsToldAndLeavesNoHalfFile(t *testing.T) {
	s := open(t, "sqlite")
	p := s.feed("hr")
	path := s.drop(p, people(10)...)
	if err := os.WriteFile(path, []byte(header+"\n"+strings.Repeat(strings.Repeat("x", 1000)+"\n", 3000)), 0o600); err != nil {
		t.Fatal(err)
	}
	out, err := s.child("ROLLCALL_TEST_FILES=small").CombinedOutput()
	if err != nil || !strings.Contains(string(out), "failed") || !strings.Contains(string(out), "free some disk space, nothing was changed") {
		t.Errorf("%v: %s", err, out)
	}
	j, err := s.Store.Newest(t.Context(), "hr")
	if err != nil || j.Status != journal.Failed || strings.Contains(j.Error, "\n") {
		t.Errorf("the journal has %+v, %v", j, err)
	}
	s.spoolIsEmpty(p)
	s.reported(j)
}

func TestAStateFolderThatIsNoneIsAFailedRunWithARemedy(t *testing.T) {
	both(t, func(t *testing.T, s *site) {
		p := s.feed("hr")
		s.drop(p, people(10)...)
		if err := os.WriteFile(s.State, nil, 0o600); err != nil {
			t.Fatal(err)
		}
		j, err := s.Run(t.Context(), run.Request{Profile: p})
		if j == nil || err == nil || j.Status != journal.Failed || !strings.Contains(j.Error, "a file stands where a folder should be: move it away") {
			t.Fatalf("%v, %+v", err, j)
		}
		if s.dump() != "" {
			t.Error("accounts are there")
		}
		if err := os.Remove(s.State); err != nil {
			t.Fatal(err)
		}
		s.run(p, journal.OK)
	})
}

func TestAFileThatVanishesOrMayNotBeRead(t *testing.T) {
	s := open(t, "sqlite")
	hr := remote(t, s)
	p := hr.feed("hr", func(p *run.Profile) { p.Source.Settle = 500 * time.Millisecond })
	gone := hr.put("hr-1.csv", people(10)...)
	go func() {
		time.Sleep(200 * time.Millisecond)
		_ = os.Remove(gone) // the run below says whether it was
	}()
	if j, err := s.Run(t.Context(), run.Request{Profile: p}); j != nil || !errors.Is(err, run.ErrNothingNew) {
		t.Errorf("vanished: %v, %+v", err, j)
	}

	path := hr.put("hr-2.csv", people(10)...)
	if err := os.Chmod(path, 0); err != nil {
		t.Fatal(err)
	}
	j := s.run(p, journal.Failed)
	if j.Code != "E405" || !strings.Contains(j.Error, "may not be read") {
		t.Errorf("code %s, %q", j.Code, j.Error)
	}
	s.spoolIsEmpty(p)
	if err := os.Chmod(path, 0o644); err != nil {
		t.Fatal(err)
	}
	s.run(p, journal.OK)
}

func TestADatabaseThatGoesAwayIsToldInOneSentenceAndNothingIsLost(t *testing.T) {
	server := shore.PostgresServer(t)
	s := openAt(t, t.TempDir(), server.DSN)
	p := s.feed("hr", func(p *run.Profile) { p.Source.Settle = 700 * time.Millisecond })
	down := func(when string, err error) {
		t.Helper()
		if !errors.Is(err, store.ErrDown) || strings.Contains(err.Error(), "\n") || strings.Count(err.Error(), store.ErrDown.Error()) != 1 {
			t.Errorf("%s: %v", when, err)
		}
	}
	s.drop(p, crew("hr", 3000, "")...)

	gone := make(chan struct{})
	go func() {
		defer close(gone)
		time.Sleep(300 * time.Millisecond) // the file is being looked at
		server.Stop(t)
	}()
	_, err := s.Run(t.Context(), run.Request{Profile: p})
	<-gone
	down("while the file settles", err)
	_, err = s.Run(t.Context(), run.Request{Profile: p})
	down("before the run", err)
	s.spoolIsEmpty(p)
	server.Start(t)

	p.Source.Settle = 0
	ended := make(chan error)
	go func() {
		_, err := s.Run(t.Context(), run.Request{Profile: p})
		ended <- err
	}()
	s.started("hr")
	server.Stop(t)
	down("while it plans", <-ended)
	server.Start(t)

	if j := s.run(p, journal.OK); j.Facts.Rows.Added != 3000 {
		t.Errorf("%d added once it is back", j.Facts.Rows.Added)
	}
	if n := s.runs("hr", journal.Interrupted); n != 1 {
		t.Errorf("%d runs are interrupted, want that of the planning", n)
	}
}
