package run

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"time"

	"rollcall/internal/notify"
	"rollcall/internal/store"
)

// ErrUndelivered means that mails wait in the outbox that could not be handed over now (exit 17).
var ErrUndelivered = errors.New("the report could not be delivered; it waits in the outbox and rollcall serve keeps trying")

// giveUp is after what time a mail is no longer tried.
const giveUp = 72 * time.Hour

// Deliver sends what is due in the outbox: of one run, or of all where run is
// zero. A mail that cannot be handed over now stays and is tried again, at
// first after a minute, then less and less often, for three days.
func (r *Runner) Deliver(ctx context.Context, run int64) error {
	if r.Mail == nil {
		return nil
	}
	due, err := r.Store.PendingMail(ctx, r.Now())
	if err != nil {
		return err
	}
	var failed error
	for _, m := range due {
		if run != 0 && m.Run != run {
			continue
		}
		if err := r.send(ctx, m); err != nil {
			failed = errors.Join(ErrUndelivered, err)
		}
	}
	return failed
}

func (r *Runner) send(ctx context.Context, m store.Mail) error {
	m.Message.Attach = attach(r.State, m.Message.Attach)
	sent := r.Mail(ctx, m.Message)
	if sent == nil {
		return r.Store.MailSent(ctx, m.Number)
	}
	next := r.Now().Add(min(time.Minute<<min(m.Attempts, 9), 6*time.Hour))
	if !notify.Temporary(sent) || next.Sub(m.Created) > giveUp {
		next = time.Time{}
	}
	r.Log.Warn("mail not delivered", "run", m.Run, "attempt", m.Attempts+1, "again", next, "error", sent)
	return errors.Join(sent, r.Store.MailFailed(context.WithoutCancel(ctx), m.Number, sent.Error(), next))
}

// attach reads the files that go with a mail: they are the run's reports and
// are not stored a second time in the outbox. One that is gone, or too large,
// does not keep the mail from being sent.
func attach(state string, list []notify.Attachment) []notify.Attachment {
	var all []notify.Attachment
	for _, a := range list {
		if a.File == "" {
			all = append(all, a)
			continue
		}
		path := filepath.Join(state, a.File)
		if info, err := os.Stat(path); err != nil || info.Size() > attachable {
			continue
		}
		if data, err := os.ReadFile(path); err == nil {
			all = append(all, notify.Attachment{Name: a.Name, Type: a.Type, Data: data})
		}
	}
	return all
}
