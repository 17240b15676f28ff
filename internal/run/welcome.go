package run

import (
	"cmp"
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"time"

	"rollcall/internal/fault"
	"rollcall/internal/plan"
	"rollcall/internal/report"
	"rollcall/internal/roster"
	"rollcall/internal/store"
)

// A Greeting is what welcome mails are made of.
type Greeting struct {
	Texts     report.Welcomes
	Language  string         // of the site
	Passwords plan.Passwords // by which they are made and hashed
	Most      int            // mails of one run without a profile that nobody need release; zero is the default
}

// patience of the outbox with welcome mails whose sending was cut off: each is
// another mail with another password.
const cutOff = 5

// welcome sends one welcome mail, with a password that is made now and is in the
// mail and in memory alone. When the server has taken it the account gets the
// password, in the transaction that notes the sending (R81).
//
// Who is killed between the two leaves a mail whose password is not the
// account's, and a mail in the outbox that is still to be sent: two minutes later
// it is sent again, with a password that counts and an id of its own, so that no
// mailbox takes it for the first one. In the other order a kill would leave an
// account whose password nobody knows and no mail to tell it, and nobody to notice.
func (r *Runner) welcome(ctx context.Context, m store.Mail) error {
	a, err := r.Store.Account(ctx, m.Account)
	switch {
	case errors.Is(err, store.ErrNone):
		return r.Store.DropMail(ctx, m.Number, "the account is gone")
	case err != nil:
		return err
	case !a.AwaitsWelcome(): // it is written to again when it does
		return r.Store.DropMail(ctx, m.Number, "the account is not active, has no address, or has a password by now")
	case m.Error == store.Interrupted && m.Attempts >= cutOff:
		r.Log.Warn("welcome mail given up", "run", m.Run, "mail", m.Number, "attempts", m.Attempts)
		return r.Store.MailFailed(ctx, m.Number, "its sending was interrupted too often; rollcall outbox retry tries again", time.Time{})
	}
	mine, err := r.Store.ClaimMail(ctx, m, r.Now().Add(sending))
	if err = fault.After(err, "welcome.claimed"); err != nil || !mine {
		return err
	}
	password := r.Greeting.Passwords.Site.Generate()
	hash, err := r.Greeting.Passwords.Method.Hash(password)
	if err != nil {
		return err
	}
	letter := r.Greeting.Texts.For(a.Values[roster.Language], r.Greeting.Language).Mail(a, password, r.welcomeID(m))
	late := context.WithoutCancel(ctx)
	if err := fault.After(r.Mail(ctx, letter), "welcome.sent"); err != nil {
		return r.unwelcome(late, m, err)
	}
	err = fault.After(r.Store.Welcomed(late, m, roster.NewPassword(r.Now(), true), hash), "welcome.recorded")
	if errors.Is(err, store.ErrMoved) {
		return r.Store.DropMail(late, m.Number, "the account has got another password meanwhile")
	}
	return err
}

// welcomeID is another one for each sending: a mailbox would keep of two with one
// id the first, whose password does not work.
func (r *Runner) welcomeID(m store.Mail) string {
	var b [8]byte
	_, _ = rand.Read(b[:]) // which never fails
	return fmt.Sprintf("welcome-%d-%d-%s@%s", m.Run, m.Account, hex.EncodeToString(b[:]), r.Site)
}

// unwelcome notes that a welcome mail was not taken: the account still awaits its
// password. It is no error of a run, whose own report may well have arrived.
func (r *Runner) unwelcome(ctx context.Context, m store.Mail, why error) error {
	next, _ := r.again(m, why)
	r.Log.Warn("welcome mail not delivered", "run", m.Run, "mail", m.Number, "account", m.Account, "again", next, "error", why)
	return r.Store.MailFailed(ctx, m.Number, why.Error(), next)
}

// mostWelcomes is how many mails of a run nobody need release.
func (r *Runner) mostWelcomes(p *Profile) int {
	if p != nil {
		return p.Plan.Policy.MaxWelcome
	}
	return cmp.Or(r.Greeting.Most, plan.DefaultMaxWelcome)
}

// Release lets the welcome mails of a run go that wait for a person, and tells
// how many there are. Who calls it delivers them.
func (r *Runner) Release(ctx context.Context, run int64) (int, error) {
	n, err := r.Store.ReleaseMail(ctx, run)
	if err == nil && n > 0 {
		r.Log.Info("welcome mails released", "run", run, "mails", n)
	}
	return n, err
}
