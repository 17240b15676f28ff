package store

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	"gorm.io/gorm"

	"rollcall/internal/fault"
	"rollcall/internal/notify"
	"rollcall/internal/plan"
	"rollcall/internal/roster"
)

// A PlannedPassword is the hash that a planned change sets. It lies apart from the
// change, so that no journal and no report is ever near it, and the plan's digest
// does not hang on the salt.
type PlannedPassword struct {
	Change uint64 // the change's number as it came, from 1
	Hash   string
}

// Passwords implements [Writer].
func (w *writer) Passwords(ctx context.Context, list []PlannedPassword) error {
	if len(list) == 0 {
		return nil
	}
	rows := make([][]any, len(list))
	for i, p := range list {
		rows[i] = []any{w.run, int64(w.Place(p.Change)), p.Hash}
	}
	err := w.db.transact(ctx, func(t work) error {
		if err := w.begun(t.tx); err != nil {
			return err
		}
		_, err := w.db.engine.insert(ctx, t, "planned_password", []string{"run", "ord", "hash"}, inTurn(rows))
		return err
	})
	if err != nil {
		return fmt.Errorf("save the passwords of run %d: %w", w.run, err)
	}
	return fault.At("store.plan.passwords")
}

// Credentials are the hashes of passwords, by what was guessed of whom.
func (db *DB) Credentials(ctx context.Context, guesses []plan.Guess) (map[uint64]string, error) {
	ids := make([]uint64, len(guesses))
	since := make(map[uint64]string, len(guesses))
	for i, g := range guesses {
		ids[i], since[g.Account] = g.Account, g.Since
	}
	hashes := make(map[uint64]string, len(guesses))
	err := each(db.gorm.WithContext(ctx), func(row scanner) error {
		var id uint64
		var at, hash string
		if err := row.Scan(&id, &at, &hash); err != nil {
			return err
		}
		if at == since[id] {
			hashes[id] = hash
		}
		return nil
	}, "SELECT account, since, hash FROM credential WHERE ?", db.engine.in("account", numberList(ids)))
	if err != nil {
		return nil, fmt.Errorf("read passwords: %w", err)
	}
	return hashes, nil
}

// setPasswords carries the hashes of a plan over to the accounts, and forgets
// those of older plans of the profile, which nobody can apply any more. A change
// that sets a password and has no hash rolls everything back.
func (a *application) setPasswords() error {
	if n := a.Run.Facts.Passwords.Given; n == 0 && a.passwords == 0 {
		return nil
	}
	if fault.Off("password with its account") { // it is then stored in another transaction
		a.tx.Exec("COMMIT")
		a.tx.Exec("BEGIN")
	}
	res := a.tx.Exec(`INSERT INTO credential (account, since, hash)
		SELECT acc.id, substr(acc.password, 5, 27), p.hash FROM planned_password p
		JOIN change c ON c.run = p.run AND c.ord = p.ord JOIN account acc ON acc.id = coalesce(c.account, c.ord + ?)
		WHERE p.run = ? AND c.done = '' ON CONFLICT (account, since) DO UPDATE SET hash = excluded.hash`, a.idsFrom, a.run)
	if res.Error != nil {
		return fmt.Errorf("set passwords: %w", res.Error)
	}
	var lost int
	if err := a.tx.Raw(`SELECT count(*) FROM change c JOIN account acc ON acc.id = coalesce(c.account, c.ord + ?)
		WHERE c.run = ? AND c.done = '' AND acc.password LIKE 'set %'
		AND NOT EXISTS (SELECT 1 FROM credential k WHERE k.account = acc.id AND k.since = substr(acc.password, 5, 27))`, a.idsFrom, a.run).Scan(&lost).Error; err != nil {
		return fmt.Errorf("set passwords: %w", err)
	}
	if lost > 0 {
		return fmt.Errorf("set passwords: %d of them have no hash; plan again", lost)
	}
	res = a.tx.Exec("DELETE FROM planned_password WHERE run IN (SELECT number FROM run WHERE profile = ? AND number <= ?)", a.Run.Profile, a.run)
	return fault.After(res.Error, "store.apply.passwords")
}

// dropPasswords forgets the hashes of a plan that is given up.
func dropPasswords(tx *gorm.DB, run int64) error {
	return tx.Exec("DELETE FROM planned_password WHERE run = ?", run).Error
}

// welcomed notes the accounts to which a mail with a password comes to be due by
// a change that is being written.
func (a *application) welcomed(was, now *roster.Account) {
	if is := now.Values[roster.PasswordField]; is != was.Values[roster.PasswordField] && roster.ReadPasswordState(is).Since != "" {
		a.passwords++
	}
	switch to := now.Values[roster.Email]; {
	case !now.AwaitsWelcome():
		if was.AwaitsWelcome() {
			a.unwelcome = append(a.unwelcome, now.ID)
		}
	case !was.AwaitsWelcome():
		a.welcome = append(a.welcome, now.ID)
		a.to = append(a.to, to)
	case to != was.Values[roster.Email]:
		a.moved = append(a.moved, movedMail{now.ID, to})
	}
}

// A movedMail is the address by now of somebody who still awaits a welcome mail.
type movedMail struct {
	account uint64
	to      string
}

// readdress lets the outbox say the addresses by now of those who still await their
// mail. One that was given up is posted anew: at its former address nobody took it,
// and nothing else would ever write to the person.
func (a *application) readdress() error {
	for part := range slices.Chunk(a.moved, page) {
		ids := make([]uint64, len(part))
		for i, m := range part {
			ids[i] = m.account
		}
		dead := map[uint64]bool{}
		err := each(a.tx, func(row scanner) error {
			var id uint64
			if err := row.Scan(&id); err != nil {
				return err
			}
			dead[id] = true
			return nil
		}, "SELECT account FROM outbox WHERE account <> 0 AND state = ? AND ?", mailDead, a.db.engine.in("account", numberList(ids)))
		if err != nil {
			return fmt.Errorf("welcome mails: %w", err)
		}
		for _, m := range part {
			if dead[m.account] {
				a.welcome, a.to = append(a.welcome, m.account), append(a.to, m.to)
				continue
			}
			text, err := welcomeTo(m.to)
			if err != nil {
				return err
			}
			if err := a.tx.Exec("UPDATE outbox SET message = ? WHERE account = ? AND state IN (?, ?)", text, int64(m.account), mailPending, mailWaiting).Error; err != nil {
				return fmt.Errorf("welcome mails: %w", err)
			}
		}
	}
	return nil
}

// dropWelcomes takes out of the outbox what waits for accounts that are not to be
// written to any more, or by another mail. Who is to be written to again gets one then.
func (a *application) dropWelcomes(accounts []uint64) error {
	for part := range slices.Chunk(accounts, page) {
		if err := a.tx.Exec("UPDATE outbox SET state = ? WHERE account <> 0 AND state NOT IN (?, ?) AND ?",
			mailDropped, mailSent, mailDropped, a.db.engine.in("account", numberList(part))).Error; err != nil {
			return fmt.Errorf("welcome mails: %w", err)
		}
	}
	return nil
}

// welcomeTo is a welcome mail as the outbox keeps it: the rest of it is made when it is sent.
func welcomeTo(address string) (string, error) {
	text, err := json.Marshal(notify.Message{To: []string{address}, Subject: welcomeSubject})
	return string(text), err
}

// postWelcomes puts a mail into the outbox for everybody whom the run lets have a
// password: who it is for, and no password, which is made when it is sent. What
// still waited for the same account is dropped.
func (a *application) postWelcomes() error {
	if err := a.dropWelcomes(a.unwelcome); err != nil {
		return err
	}
	if err := a.readdress(); err != nil {
		return err
	}
	if len(a.welcome) == 0 {
		return nil
	}
	a.Welcomed = len(a.welcome)
	state := mailPending
	if a.Waits = a.Welcomed > a.MaxWelcome; a.Waits {
		state = mailWaiting
	}
	now := micros(a.now)
	rows := make([][]any, len(a.welcome))
	for i, id := range a.welcome {
		text, err := welcomeTo(a.to[i])
		if err != nil {
			return err
		}
		rows[i] = []any{a.run, text, fmt.Sprintf("welcome-%d-%d", a.run, id), state, now, now, int64(id)}
	}
	if err := a.dropWelcomes(a.welcome); err != nil {
		return err
	}
	if err := a.upsert("INSERT INTO outbox (run, message, message_id, state, next_at, created_at, account) VALUES ", rows, ""); err != nil {
		return fmt.Errorf("welcome mails: %w", err)
	}
	return fault.At("store.apply.welcomes")
}

// welcomeSubject is what the outbox calls a welcome mail: its own subject is made
// when it is sent.
const welcomeSubject = "welcome, with a password"

// Interrupted is what the outbox says of a welcome mail while it is being sent,
// and after a sender who was killed over it.
const Interrupted = "the sending was interrupted, so that nobody knows whether the mail arrived"

// ErrMoved means that the account no longer awaits a password.
var ErrMoved = errors.New("the account no longer awaits a password")

// Welcomed notes that the server has taken a welcome mail, and in the same
// transaction gives the account the password that is in it (R81). The error
// wraps [ErrMoved] where somebody else has given it one meanwhile.
func (db *DB) Welcomed(ctx context.Context, m Mail, state roster.PasswordState, hash string) error {
	err := db.transact(ctx, func(w work) error {
		res := w.tx.Exec("UPDATE account SET password = ?, password_set = ?, must_change_password = ? WHERE id = ? AND password = ?",
			state.String(), flag(state.Since != ""), flag(state.Change), int64(m.Account), roster.AwaitedPassword().String())
		if res.Error != nil {
			return res.Error
		}
		if res.RowsAffected == 0 {
			return ErrMoved
		}
		if err := w.tx.Exec("INSERT INTO credential (account, since, hash) VALUES (?, ?, ?) ON CONFLICT (account, since) DO UPDATE SET hash = excluded.hash",
			int64(m.Account), state.Since, hash).Error; err != nil {
			return err
		}
		if fault.Off("sending with its password") { // it is then noted in another transaction
			w.tx.Exec("COMMIT")
			w.tx.Exec("BEGIN")
		}
		res = w.tx.Exec("UPDATE outbox SET state = ?, sent_at = ?, error = '' WHERE number = ?", mailSent, micros(db.now()), m.Number)
		return fault.After(exactly(1, res.RowsAffected, res.Error), "store.welcome.recorded")
	})
	if err != nil {
		return fmt.Errorf("welcome mail %d: %w", m.Number, err)
	}
	return nil
}

// DropMail gives up a welcome mail that nobody needs any more.
func (db *DB) DropMail(ctx context.Context, number int64, why string) error {
	return db.setMail(ctx, number, map[string]any{"state": mailDropped, "error": why})
}

// Unreleased is how many welcome mails wait for a person.
func (db *DB) Unreleased(ctx context.Context) (int, error) {
	var n int64
	if err := db.gorm.WithContext(ctx).Model(&mailRow{}).Where("state = ?", mailWaiting).Count(&n).Error; err != nil {
		return 0, fmt.Errorf("outbox: %w", err)
	}
	return int(n), nil
}

// ReleaseMail lets the welcome mails of a run go that wait for a person, and
// tells how many there are.
func (db *DB) ReleaseMail(ctx context.Context, run int64) (int, error) {
	if _, err := db.Run(ctx, run); err != nil {
		return 0, err
	}
	res := db.gorm.WithContext(ctx).Model(&mailRow{}).Where("run = ? AND state = ?", run, mailWaiting).
		Updates(map[string]any{"state": mailPending, "next_at": micros(db.now())})
	if err := fault.After(res.Error, "store.welcomes.released"); err != nil {
		return 0, fmt.Errorf("outbox: %w", err)
	}
	return int(res.RowsAffected), nil
}
