package run_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"rollcall/internal/journal"
	"rollcall/internal/notify"
	"rollcall/internal/run"
	"rollcall/internal/secret"
	"rollcall/internal/shore"
	"rollcall/internal/store"
)

// post gives a site a mail server, and profiles that tell of their runs.
func post(t *testing.T, s *site) (*shore.Mailbox, *run.Profile) {
	t.Helper()
	box := shore.SMTP(t)
	sender, err := notify.NewSMTP(notify.Options{Server: "smtp://" + box.Addr, From: "rollcall <rollcall@example.org>"}, secret.Value{})
	if err != nil {
		t.Fatal(err)
	}
	s.Mail = sender.Send
	p := s.feed("hr", func(p *run.Profile) {
		p.Report = run.Report{To: []string{"hr-it@example.org"}, Alert: []string{"oncall@example.org"}, When: "changes", Attach: true}
		p.Owner = "hr@example.org"
	})
	return box, p
}

// deliver sends what is due, and expects that n mails have arrived by then.
func (s *site) deliver(box *shore.Mailbox, n int) []string {
	s.t.Helper()
	if err := s.Deliver(s.t.Context(), 0); err != nil {
		s.t.Fatal(err)
	}
	got := box.Wait(s.t, n)
	if len(got) != n {
		s.t.Fatalf("%d mails, want %d", len(got), n)
	}
	return got
}

func (s *site) outbox(j *journal.Run) []store.Mail {
	s.t.Helper()
	mails, err := s.Store.Outbox(s.t.Context(), j.Number)
	if err != nil {
		s.t.Fatal(err)
	}
	return mails
}

func head(mail, name string) string {
	m := regexp.MustCompile(`(?m)^` + name + `: (.*)$`).FindStringSubmatch(mail)
	if m == nil {
		return ""
	}
	return m[1]
}

func TestAMailTellsOfWhatHasChangedAndNobodyIsToldOfNothing(t *testing.T) {
	both(t, func(t *testing.T, s *site) {
		box, p := post(t, s)
		lines := append(people(40), "E9999,secretlogin")
		changed := s.read(p, journal.Warn, lines...)
		mail := s.deliver(box, 1)[0]
		if got := head(mail, "Subject"); !strings.HasPrefix(got, "[rollcall] WARN hr: 1 row rejected") {
			t.Errorf("subject %q", got)
		}
		if got := head(mail, "To"); got != "<hr-it@example.org>" {
			t.Errorf("to %q", got)
		}
		if !strings.Contains(mail, `filename="problems.csv"`) {
			t.Error("problems.csv is not attached")
		}
		for _, value := range []string{"secretlogin", "user17", "FirstE0017", "pE0017@example.org", "Ward 3"} {
			if strings.Contains(mail, value) {
				t.Errorf("a person's value is in the mail")
			}
		}
		id := head(mail, "Message-ID")
		if kept := s.outbox(changed); len(kept) != 1 || "<"+kept[0].Message.ID+">" != id || kept[0].State != "sent" {
			t.Errorf("the outbox holds %+v, the mail has %s", kept, id)
		}

		unchanged := s.read(p, journal.Unchanged, people(40)...)
		if n := len(s.outbox(unchanged)); n != 0 {
			t.Errorf("an unchanged run has %d mails", n)
		}

		held := s.read(p, journal.Held, people(20)...)
		mail = s.deliver(box, 3)[2] // one for each of the two
		if got := head(mail, "To"); !strings.Contains(got, "hr-it@example.org") || !strings.Contains(got, "oncall@example.org") {
			t.Errorf("of a held run these are told: %q", got)
		}
		if got := head(mail, "Subject"); !strings.HasPrefix(got, "[rollcall] HELD hr") {
			t.Errorf("subject %q", got)
		}
		if _, err := s.Approve(t.Context(), p, run.Decision{Run: held.Number, Who: "ada", Reason: "they have left"}); err != nil {
			t.Fatal(err)
		}
		mail = s.deliver(box, 5)[4] // the end of a trouble is told to those who were told of it
		if other := head(mail, "Message-ID"); other == head(box.Messages(t)[1], "Message-ID") || other == "" {
			t.Errorf("what became of the held run has the message id %q", other)
		}

		s.read(p, journal.Failed, "no,such,columns", "1,2,3")
		mail = s.deliver(box, 7)[6]
		if got := head(mail, "Subject") + head(mail, "To"); !strings.HasPrefix(got, "[rollcall] FAILED hr") || !strings.Contains(got, "oncall@") {
			t.Errorf("of a failed run: %q", got)
		}
		s.deliver(box, 7)
	})
}

func TestP2AMailWaitsInTheOutboxUntilTheServerTakesIt(t *testing.T) {
	both(t, func(t *testing.T, s *site) {
		box, p := post(t, s)
		box.Stop(t)
		j := s.read(p, journal.OK, people(10)...)
		id := s.outbox(j)[0].Message.ID
		err := s.Deliver(t.Context(), j.Number)
		if !errors.Is(err, run.ErrUndelivered) {
			t.Errorf("the server is down: %v", err)
		}
		if m := s.outbox(j); len(m) != 1 || m[0].State != "pending" || m[0].Attempts != 1 || !m[0].Next.Equal(s.now().Add(time.Minute)) {
			t.Errorf("the outbox holds %+v", m)
		}
		if kept, err := s.Store.Run(t.Context(), j.Number); err != nil || kept.Status != journal.OK {
			t.Errorf("the run is %v, %v", kept.Status, err)
		}
		box.Start(t)
		s.deliver(box, 0) // not before its time
		s.pass(time.Minute)
		if got := head(s.deliver(box, 1)[0], "Message-ID"); got != "<"+id+">" {
			t.Errorf("message id %s, want %s", got, id)
		}
		s.pass(time.Hour)
		s.deliver(box, 1)
	})
}

// TestP2AMailThatAKillLeftGoesOutWithTheNextRun plays a process that ended after the
// commit, where no daemon runs.
func TestP2AMailThatAKillLeftGoesOutWithTheNextRun(t *testing.T) {
	s := open(t, "sqlite")
	box, p := post(t, s)
	s.read(p, journal.OK, people(10)...)
	s.read(p, journal.OK, people(11)...)
	for range 2 {
		if err := s.DeliverLeft(t.Context(), "hr"); err != nil {
			t.Fatal(err)
		}
	}
	if n := len(box.Wait(t, 2)); n != 2 {
		t.Errorf("%d mails have arrived, want one of each run", n)
	}
}

func TestAMailIsGivenUpAfterThreeDaysOrWhenItIsRefusedForGood(t *testing.T) {
	s := open(t, "sqlite")
	box, p := post(t, s)
	p.Report.To = []string{"bad@example.org"}
	refused := s.read(p, journal.OK, people(10)...)
	if err := s.Deliver(t.Context(), refused.Number); !errors.Is(err, run.ErrUndelivered) {
		t.Errorf("refused: %v", err)
	}
	if m := s.outbox(refused)[0]; m.State != "dead" || m.Error == "" {
		t.Errorf("refused for good: %s, %q", m.State, m.Error)
	}

	p.Report.To = []string{"grey@example.org"}
	waits := s.read(p, journal.OK, people(11)...)
	attempts := 0
	for s.outbox(waits)[0].State == "pending" && attempts < 100 {
		m := s.outbox(waits)[0]
		s.pass(m.Next.Sub(s.now()))
		attempts++
		if err := s.Deliver(t.Context(), 0); !errors.Is(err, run.ErrUndelivered) {
			t.Fatalf("attempt %d: %v", attempts, err)
		}
	}
	if m := s.outbox(waits)[0]; m.State != "dead" || attempts < 10 || attempts > 30 || s.now().Sub(m.Created) < 60*time.Hour {
		t.Errorf("after %d attempts in %s: %s", attempts, s.now().Sub(m.Created), m.State)
	}
	if n := len(box.Messages(t)); n != 0 {
		t.Errorf("%d mails have arrived", n)
	}
}

// TestAReportThatCannotBeWrittenUndoesNothing has a folder that no file fits into.
func TestAReportThatCannotBeWrittenUndoesNothing(t *testing.T) {
	both(t, func(t *testing.T, s *site) {
		p := s.feed("hr")
		if err := os.MkdirAll(s.State, 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(s.State, "reports"), nil, 0o600); err != nil {
			t.Fatal(err)
		}
		s.drop(p, people(10)...)
		j, err := s.Run(t.Context(), run.Request{Profile: p})
		if !errors.Is(err, run.ErrUndelivered) || j == nil || j.Status != journal.OK {
			t.Fatalf("%v, %+v", err, j)
		}
		if kept, err := s.Store.Run(t.Context(), j.Number); err != nil || kept.Status != journal.OK || kept.AppliedSeq == 0 {
			t.Errorf("the journal has %+v, %v", kept, err)
		}
		s.account("user9")
	})
}

func TestEveryRunLeavesItsReport(t *testing.T) {
	both(t, func(t *testing.T, s *site) {
		p := s.feed("hr")
		s.reported(s.read(p, journal.OK, people(40)...))
		s.reported(s.read(p, journal.Unchanged, append(people(40), "")...))
		s.reported(s.read(p, journal.Held, people(20)...))
		s.reported(s.read(p, journal.Failed, "no,such,columns", "1,2,3"))
		s.drop(p, people(41)...)
		dry, err := s.Run(t.Context(), run.Request{Profile: p, Dry: true})
		if err != nil {
			t.Fatal(err)
		}
		s.reported(dry)
	})
}

func TestP2TwoProcessesSendAMailOnce(t *testing.T) {
	both(t, func(t *testing.T, s *site) {
		box, p := post(t, s)
		var sent atomic.Int32
		take := s.Mail
		s.Mail = func(ctx context.Context, m notify.Message) error {
			sent.Add(1)
			time.Sleep(200 * time.Millisecond) // the other has found it by now
			return take(ctx, m)
		}
		s.read(p, journal.OK, people(3)...)
		other := openAt(t, t.TempDir(), s.dsn)
		other.clock, other.Now, other.Mail = s.clock, s.now, s.Mail
		var all sync.WaitGroup
		for _, one := range []*site{s, other} {
			all.Go(func() {
				if err := one.Deliver(context.Background(), 0); err != nil {
					t.Error(err)
				}
			})
		}
		all.Wait()
		if n := sent.Load(); n != 1 || len(box.Wait(t, 1)) != 1 {
			t.Errorf("sent %d times, want once", n)
		}
	})
}
