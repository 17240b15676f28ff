package store

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"rollcall/internal/notify"
)

func mustPost(t *testing.T, db *DB, run int64, m ...notify.Message) {
	t.Helper()
	if err := db.Post(t.Context(), run, m...); err != nil {
		t.Fatal(err)
	}
}

func pending(t *testing.T, db *DB, now time.Time) []Mail {
	t.Helper()
	mails, err := db.PendingMail(t.Context(), now)
	if err != nil {
		t.Fatal(err)
	}
	return mails
}

func wantOutstanding(t *testing.T, db *DB, want int) {
	t.Helper()
	if got, err := db.Outstanding(t.Context()); err != nil || got != want {
		t.Errorf("outstanding: %d, %v; want %d", got, err, want)
	}
}

func TestAMailComesOutOfTheOutboxAsItWentIn(t *testing.T) {
	both(t, func(t *testing.T, db *DB) {
		m := notify.Message{
			ID: "run-41@rollcall.example.org", To: []string{"hr-it@example.org"}, Subject: "hr-csv: held", Text: "Zażółć\r\n", High: true,
			Headers: map[string]string{"X-Rollcall-Run": "41"},
			Attach:  []notify.Attachment{{Name: "problems.csv", Type: "text/csv", Data: []byte{0xEF, 0xBB, 0xBF, 0, 'a'}}},
		}
		mustPost(t, db, 41, m)
		mustPost(t, db, 41, m) // once more after a crash
		got := pending(t, db, noon)
		want := []Mail{{Number: got[0].Number, Run: 41, Message: m, State: "pending", Next: noon, Created: noon}}
		if d := cmp.Diff(got, want); d != "" {
			t.Errorf("got -, want +:\n%s", d)
		}
	})
}

func TestAMailIsTriedUntilItIsSentOrDead(t *testing.T) {
	bothAt(t, func(t *testing.T, db *DB, c *clock) {
		mustPost(t, db, 1, notify.Message{ID: "a"}, notify.Message{ID: "b"})
		mustPost(t, db, 2, notify.Message{ID: "c"})
		mails := pending(t, db, c.now())
		if len(mails) != 3 || mails[0].Message.ID != "a" || mails[2].Message.ID != "c" {
			t.Fatalf("got %+v, want a, b, c", mails)
		}
		a, b := mails[0].Number, mails[1].Number
		later := c.now().Add(5 * time.Minute)
		if err := db.MailFailed(t.Context(), a, "421 try later \x00\xff"+strings.Repeat("é", 1000), later); err != nil {
			t.Fatal(err)
		}
		if err := db.MailFailed(t.Context(), b, "550 no such user", time.Time{}); err != nil {
			t.Fatal(err)
		}
		if got := pending(t, db, c.now()); len(got) != 1 || got[0].Message.ID != "c" {
			t.Errorf("before the time has come: %+v, want c alone", got)
		}
		got := pending(t, db, later)
		if len(got) != 2 || got[0].Number != a || got[0].Attempts != 1 || !strings.HasPrefix(got[0].Error, "421 try later") || len([]rune(got[0].Error)) != maxWhy {
			t.Errorf("when the time has come: %+v, want a again, and c", got)
		}
		wantOutstanding(t, db, 3)

		if err := db.MailSent(t.Context(), a); err != nil {
			t.Fatal(err)
		}
		wantOutstanding(t, db, 2)
		for run, want := range map[int64]string{1: "a sent 2, b dead 1", 2: "c pending 0", 0: "b dead 1, c pending 0", 3: ""} {
			mails, err := db.Outbox(t.Context(), run)
			if err != nil {
				t.Fatal(err)
			}
			var is []string
			for _, m := range mails {
				is = append(is, fmt.Sprintf("%s %s %d", m.Message.ID, m.State, m.Attempts))
			}
			if got := strings.Join(is, ", "); got != want {
				t.Errorf("outbox of run %d: %q, want %q", run, got, want)
			}
		}
		if err := db.MailFailed(t.Context(), a, "too late", later); !errors.Is(err, ErrNone) {
			t.Errorf("a mail that was sent can fail: %v", err)
		}
		if err := db.MailSent(t.Context(), 999); !errors.Is(err, ErrNone) {
			t.Errorf("got %v, want ErrNone", err)
		}
	})
}

func TestPendingMailComesInBatches(t *testing.T) {
	both(t, func(t *testing.T, db *DB) {
		var all []notify.Message
		for i := range mailBatch + 1 {
			all = append(all, notify.Message{ID: fmt.Sprint("m", i)})
		}
		mustPost(t, db, 1, all...)
		if got := pending(t, db, noon); len(got) != mailBatch || got[0].Message.ID != "m0" {
			t.Errorf("%d mails, want the %d oldest", len(got), mailBatch)
		}
		if mails, err := db.Outbox(t.Context(), 1); err != nil || len(mails) != mailBatch+1 {
			t.Errorf("the outbox lists %d, %v; want %d", len(mails), err, mailBatch+1)
		}
	})
}
