package run

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"time"

	"rollcall/internal/fault"
	"rollcall/internal/notify"
	"rollcall/internal/store"
)

// ErrUndelivered means that the run is what it is, and that its report could not
// be handed over or written now (exit 17).
var ErrUndelivered = errors.New("the report could not be delivered")

// pending is the state of a mail that has not been sent.
const pending = "pending"

// giveUp is after what time a mail is no longer tried.
const giveUp = 72 * time.Hour

// sending is longer than the sending of one mail can take: for so long it is the
// sender's, and who was killed over it leaves it to the others afterwards.
const sending = 2 * time.Minute

// batches bounds how often DeliverAll asks what is due.
const batches = 1000

// Deliver sends what is due in the outbox: of one run, or of all where run is
// zero. A mail that cannot be handed over now stays and is tried again, at
// first after a minute, then less and less often, for three days.
func (r *Runner) Deliver(ctx context.Context, run int64) error {
	if r.Mail == nil {
		return nil
	}
	r.delivering.Lock() // two at once would both send what both find
	defer r.delivering.Unlock()
	due, err := r.waiting(ctx, run)
	if err = fault.After(err, "mail.due"); err != nil {
		return fmt.Errorf("%w: %v", ErrUndelivered, err) // not wrapped: the run is what it is
	}
	var failed error
	for _, m := range due {
		if ctx.Err() != nil {
			return errors.Join(failed, context.Cause(ctx))
		}
		if err := r.send(ctx, m); err != nil {
			failed = errors.Join(failed, err)
		}
	}
	return failed
}

// DeliverLeft sends what a process that was ended has left in the outbox of a
// profile's runs.
func (r *Runner) DeliverLeft(ctx context.Context, profile string) error {
	if r.Mail == nil {
		return nil
	}
	due, err := r.Store.PendingMail(ctx, r.Now())
	for _, m := range due {
		if run, lost := r.Store.Run(ctx, m.Run); lost == nil && run.Profile == profile {
			err = errors.Join(err, r.Deliver(ctx, run.Number))
		}
	}
	return err
}

// DeliverAll is [Runner.Deliver] until nothing is due.
func (r *Runner) DeliverAll(ctx context.Context) error {
	var failed error
	for range batches {
		due, err := r.Store.PendingMail(ctx, r.Now())
		if err != nil || len(due) == 0 || ctx.Err() != nil {
			return errors.Join(failed, err, context.Cause(ctx))
		}
		failed = errors.Join(failed, r.Deliver(ctx, 0))
	}
	return failed
}

// waiting is the mails to send now: of one run, or the oldest of all.
func (r *Runner) waiting(ctx context.Context, run int64) ([]store.Mail, error) {
	if run == 0 {
		return r.Store.PendingMail(ctx, r.Now())
	}
	mails, err := r.Store.Outbox(ctx, run)
	return slices.DeleteFunc(mails, func(m store.Mail) bool { return m.State != pending || m.Next.After(r.Now()) }), err
}

func (r *Runner) send(ctx context.Context, m store.Mail) error {
	if m.Account != 0 {
		if err := r.welcome(ctx, m); err != nil {
			return fmt.Errorf("%w: %v", ErrUndelivered, err) // not wrapped: the run is what it is
		}
		return nil
	}
	mine, err := r.Store.ClaimMail(ctx, m, r.Now().Add(sending))
	if err != nil {
		return fmt.Errorf("%w: %v", ErrUndelivered, err)
	}
	if !mine {
		return nil
	}
	m.Message.Attach = attach(r.State, m.Message.Attach)
	sent := fault.After(r.Mail(ctx, m.Message), "mail.sent")
	late := context.WithoutCancel(ctx)
	if sent == nil {
		return r.Store.MailSent(late, m.Number)
	}
	next, again := r.again(m, sent)
	r.Log.Info("mail not delivered", "run", m.Run, "attempt", m.Attempts+1, "again", next, "error", sent)
	return errors.Join(fmt.Errorf("%w: %w; %s", ErrUndelivered, sent, again), r.Store.MailFailed(late, m.Number, sent.Error(), next))
}

// again is when a mail that was not taken is tried once more; zero for never.
func (r *Runner) again(m store.Mail, why error) (next time.Time, words string) {
	next = r.Now().Add(min(time.Minute<<min(m.Attempts, 9), 6*time.Hour))
	if !notify.Temporary(why) || next.Sub(m.Created) > giveUp {
		return time.Time{}, "it is not tried again"
	}
	return next, "it waits in the outbox, and rollcall serve keeps trying"
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
