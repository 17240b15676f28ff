package store

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"gorm.io/gorm"

	"rollcall/internal/notify"
)

// The states of a mail.
const (
	mailPending = "pending"
	mailSent    = "sent"
	mailDead    = "dead"    // not tried again by itself
	mailWaiting = "waiting" // a welcome mail that a person must release
	mailDropped = "dropped" // a welcome mail that nobody needs any more
)

const (
	mailBatch = 100 // mails that [DB.PendingMail] gives at once
	maxWhy    = 500 // characters of a server's answer that are kept
)

// Post puts messages into the outbox, all or none, due at once. One that is in
// it already, by its ID, is not put there twice. Run zero is none.
func (db *DB) Post(ctx context.Context, run int64, m ...notify.Message) error {
	return db.gorm.WithContext(ctx).Transaction(func(tx *gorm.DB) error {
		for _, one := range m {
			if err := insertMail(tx, run, one); err != nil {
				return err
			}
		}
		return nil
	})
}

// PendingMail lists what is due, oldest first, at most a hundred.
func (db *DB) PendingMail(ctx context.Context, now time.Time) ([]Mail, error) {
	return listMail(db.gorm.WithContext(ctx).Where("state = ? AND next_at <= ?", mailPending, micros(now)).Limit(mailBatch))
}

// Outbox lists the mails of a run, oldest first, whatever became of them; of
// run zero those of every run that have not been sent: pending, dead and waiting.
func (db *DB) Outbox(ctx context.Context, run int64) ([]Mail, error) {
	if run == 0 {
		return listMail(db.gorm.WithContext(ctx).Where("state NOT IN ?", []string{mailSent, mailDropped}))
	}
	return listMail(db.gorm.WithContext(ctx).Where("run = ?", run))
}

// Outstanding is how many mails have not been sent, pending and dead. Those that
// wait for a person are not among them.
func (db *DB) Outstanding(ctx context.Context) (int, error) {
	var n int64
	if err := db.gorm.WithContext(ctx).Model(&mailRow{}).Where("state IN ?", []string{mailPending, mailDead}).Count(&n).Error; err != nil {
		return 0, fmt.Errorf("outbox: %w", err)
	}
	return int(n), nil
}

// RetryMail makes every mail that has not been sent due now, also those that were
// given up, and tells how many there are.
func (db *DB) RetryMail(ctx context.Context) (int, error) {
	res := db.gorm.WithContext(ctx).Model(&mailRow{}).Where("state IN ?", []string{mailPending, mailDead}).
		Updates(map[string]any{"state": mailPending, "next_at": micros(db.now())})
	if res.Error != nil {
		return 0, fmt.Errorf("outbox: %w", res.Error)
	}
	return int(res.RowsAffected), nil
}

// ClaimMail takes a mail that is due for whoever sends it now: until then it is
// nobody else's. False means that another process was faster.
func (db *DB) ClaimMail(ctx context.Context, m Mail, until time.Time) (bool, error) {
	set := map[string]any{"next_at": micros(until)}
	if m.Account != 0 { // each has a password of its own, so they are counted before they leave
		set["attempts"], set["error"] = gorm.Expr("attempts + 1"), Interrupted
	}
	res := db.gorm.WithContext(ctx).Model(&mailRow{}).Where("number = ? AND state = ? AND next_at = ?", m.Number, mailPending, micros(m.Next)).
		Updates(set)
	if res.Error != nil {
		return false, fmt.Errorf("mail %d: %w", m.Number, res.Error)
	}
	return res.RowsAffected == 1, nil
}

// MailSent notes that the server has taken a mail.
func (db *DB) MailSent(ctx context.Context, number int64) error {
	return db.setMail(ctx, number, map[string]any{
		"state": mailSent, "sent_at": micros(db.now()), "error": "", "attempts": gorm.Expr("attempts + 1"),
	})
}

// MailFailed notes that a mail was not taken, and why; it is due again at next.
// A zero next gives it up: it is dead.
func (db *DB) MailFailed(ctx context.Context, number int64, why string, next time.Time) error {
	set := map[string]any{"error": answer(why), "attempts": gorm.Expr("attempts + CASE WHEN account = 0 THEN 1 ELSE 0 END"), "state": mailDead}
	if !next.IsZero() {
		set["state"], set["next_at"] = mailPending, micros(next)
	}
	return db.setMail(ctx, number, set)
}

// setMail writes some columns of a mail that has not been sent.
func (db *DB) setMail(ctx context.Context, number int64, set map[string]any) error {
	res := db.gorm.WithContext(ctx).Model(&mailRow{}).Where("number = ? AND state <> ?", number, mailSent).Updates(set)
	if res.Error != nil {
		return fmt.Errorf("mail %d: %w", number, res.Error)
	}
	if res.RowsAffected == 0 {
		return fmt.Errorf("mail %d: %w in the outbox, or sent already", number, ErrNone)
	}
	return nil
}

// answer is a foreign server's text as any database can keep it.
func answer(s string) string {
	s = strings.ToValidUTF8(strings.ReplaceAll(s, "\x00", ""), "\uFFFD")
	if chars := []rune(s); len(chars) > maxWhy {
		return string(chars[:maxWhy])
	}
	return s
}

// listMail reads the mails that q asks for, oldest first.
func listMail(q *gorm.DB) ([]Mail, error) {
	var rows []mailRow
	if err := q.Order("number").Find(&rows).Error; err != nil {
		return nil, fmt.Errorf("outbox: %w", err)
	}
	mails := make([]Mail, len(rows))
	for i, row := range rows {
		mails[i] = Mail{
			Number: row.Number, Run: row.Run, Account: uint64(row.Account), State: row.State, Attempts: row.Attempts,
			Next: fromMicros(row.NextAt), Error: row.Error, Created: fromMicros(row.CreatedAt),
		}
		if err := json.Unmarshal([]byte(row.Message), &mails[i].Message); err != nil {
			return nil, fmt.Errorf("mail %d: %w", row.Number, err)
		}
	}
	return mails, nil
}
