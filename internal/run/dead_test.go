package run_test

import (
	"context"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"rollcall/internal/journal"
	"rollcall/internal/run"
	"rollcall/internal/shore"
	"rollcall/internal/store"
)

// begun is a run whose process goes on while it has the lease, and has died
// once that is free.
func (s *site) begun(p *run.Profile) (*journal.Run, *store.Lease) {
	s.t.Helper()
	lease, err := s.Store.Acquire(s.t.Context(), p.Name)
	if err != nil {
		s.t.Fatal(err)
	}
	j := &journal.Run{Profile: p.Name, Kind: journal.Sync, Trigger: "schedule", Started: s.now()}
	if err := s.Store.Begin(s.t.Context(), j); err != nil {
		s.t.Fatal(err)
	}
	return j, lease
}

func (s *site) salvage(p *run.Profile) {
	s.t.Helper()
	if err := s.Salvage(s.t.Context(), []*run.Profile{p}); err != nil {
		s.t.Fatal(err)
	}
}

func TestARunThatWasKilledIsToldOnceAsAFailureAndItsEndToo(t *testing.T) {
	both(t, func(t *testing.T, s *site) {
		p := s.feed("hr", func(p *run.Profile) {
			p.Report = run.Report{To: []string{"hr-it@example.org"}, Alert: []string{"oncall@example.org"}, When: "changes"}
		})
		for i, mails := range []int{1, 0, 0} { // the same trouble is told once
			dead, lease := s.begun(p)
			if err := lease.Release(); err != nil {
				t.Fatal(err)
			}
			s.salvage(p)
			s.salvage(p)
			if kept, err := s.Store.Run(t.Context(), dead.Number); err != nil || kept.Status != journal.Interrupted || kept.Untold {
				t.Errorf("the journal has %+v, %v", kept, err)
			}
			sent := s.outbox(dead)
			if len(sent) != mails {
				t.Fatalf("of run %d of three that were killed there are %d mails, want %d", i+1, len(sent), mails)
			}
			if mails > 0 && (!strings.HasPrefix(sent[0].Message.Subject, "[rollcall] FAILED hr: the run was interrupted") || len(sent[0].Message.To) != 2 || !sent[0].Message.High) {
				t.Errorf("mail %q to %v", sent[0].Message.Subject, sent[0].Message.To)
			}
		}
		sent := s.outbox(s.read(p, journal.OK, people(20)...))
		if len(sent) != 1 || !strings.HasPrefix(sent[0].Message.Subject, "[rollcall] RECOVERED hr: 20 added") {
			t.Errorf("the end of the trouble is told by %+v", sent)
		}
		if !strings.Contains(sent[0].Message.Text, "It had been interrupted since") || !strings.Contains(sent[0].Message.Text, "3 runs") {
			t.Errorf("text: %s", sent[0].Message.Text)
		}
	})
}

// TestARunThatWasKilledIsToldByTheNextOne has nobody who looks before that.
func TestARunThatWasKilledIsToldByTheNextOne(t *testing.T) {
	s := open(t, "sqlite")
	p := s.feed("hr", func(p *run.Profile) { p.Report = run.Report{To: []string{"hr-it@example.org"}, When: "changes"} })
	dead, lease := s.begun(p)
	if err := lease.Release(); err != nil {
		t.Fatal(err)
	}
	next := s.read(p, journal.OK, people(20)...)
	if first, second := s.outbox(dead), s.outbox(next); len(first) != 1 || len(second) != 1 || !strings.HasPrefix(second[0].Message.Subject, "[rollcall] RECOVERED") {
		t.Errorf("told are %+v and %+v", first, second)
	}
}

// A copy of a drop may hold passwords: it goes as soon as somebody finds that who
// fetched it has died, and not before.
func TestWhatAKilledProcessHasLeftGoesWithItAndNothingOfOneThatLives(t *testing.T) {
	both(t, func(t *testing.T, s *site) {
		p := s.feed("hr")
		spool := filepath.Join(s.State, "spool", "hr")
		if err := os.MkdirAll(spool, 0o700); err != nil {
			t.Fatal(err)
		}
		left := filepath.Join(spool, "drop-1234")
		if err := os.WriteFile(left, []byte("employee_id,password\n"), 0o600); err != nil {
			t.Fatal(err)
		}
		j, lease := s.begun(p)
		s.salvage(p)
		if kept, err := s.Store.Run(t.Context(), j.Number); err != nil || kept.Status != journal.Running {
			t.Errorf("a run that goes on is %+v, %v", kept, err)
		}
		if _, err := os.Stat(left); err != nil {
			t.Errorf("the drop of a run that goes on: %v", err)
		}
		if err := lease.Release(); err != nil {
			t.Fatal(err)
		}
		s.salvage(p)
		s.spoolIsEmpty(p)
		if kept, err := s.Store.Run(t.Context(), j.Number); err != nil || kept.Status != journal.Interrupted {
			t.Errorf("a run whose process has died is %+v, %v", kept, err)
		}
	})
}

func TestTheCauseOfAnEndThatCouldNotBeWrittenDownIsWrittenAfterwards(t *testing.T) {
	both(t, func(t *testing.T, s *site) {
		const cause = "the disk is full; free some space"
		p := s.feed("hr")
		now, lease := s.begun(p)
		s.Store.Lost(now.Number, cause)
		if err := s.Store.Abandon(t.Context(), lease, now.Number); err != nil {
			t.Fatal(err)
		}
		if err := lease.Release(); err != nil {
			t.Fatal(err)
		}
		later, lease := s.begun(p)
		s.Store.Lost(later.Number, cause)
		if err := lease.Release(); err != nil {
			t.Fatal(err)
		}
		s.salvage(p)
		for _, j := range []*journal.Run{now, later} {
			if kept, err := s.Store.Run(t.Context(), j.Number); err != nil || kept.Status != journal.Interrupted || kept.Error != cause {
				t.Errorf("the journal has %+v, %v", kept, err)
			}
		}
	})
}

// downAtTheEnd is a log whose database goes away when a run has been applied.
type downAtTheEnd struct {
	slog.Handler
	stop func()
}

func (d downAtTheEnd) Enabled(context.Context, slog.Level) bool { return true }

func (d downAtTheEnd) Handle(_ context.Context, r slog.Record) error {
	if r.Message == "run ended" {
		d.stop()
	}
	return nil
}

func TestARunThatWasAppliedIsSoWhenTheDatabaseGoesAwayBeforeItsReport(t *testing.T) {
	server := shore.PostgresServer(t)
	s := openAt(t, t.TempDir(), server.DSN)
	p := s.feed("hr")
	s.drop(p, people(20)...)
	s.Log = slog.New(downAtTheEnd{slog.DiscardHandler, func() { server.Stop(t) }})
	j, err := s.Run(t.Context(), run.Request{Profile: p})
	if j == nil || j.Status != journal.OK || !errors.Is(err, run.ErrUndelivered) || errors.Is(err, store.ErrDown) {
		t.Errorf("%v, %+v", err, j)
	}
	if err := s.Deliver(t.Context(), 0); err != nil && errors.Is(err, store.ErrDown) {
		t.Errorf("deliver: %v", err)
	}
}
