package store

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"hash"
	"iter"

	"gorm.io/gorm"

	"rollcall/internal/journal"
	"rollcall/internal/plan"
	"rollcall/internal/roster"
)

// phase is where a change stands in its plan: names are freed before newcomers
// take them, and removals come last (R1).
func phase(a plan.Action) int {
	switch a {
	case plan.Claim:
		return 0
	case plan.Update, plan.Rename:
		return 1
	case plan.Reactivate:
		return 2
	case plan.Add:
		return 3
	default:
		return 4
	}
}

// planOrder is the order of a plan. It depends on whom the changes are about and
// not on their lines, so that the same people in another order are the same plan (R4).
const planOrder = "phase, subject, key, username, ord"

// A place is a change's place in that order. The zero place is before all.
type place struct {
	phase         int
	subject       uint64
	key, username string
	ord           int64
}

var beforeAll = place{phase: -1}

// A storedChange is a change as the table change holds it.
type storedChange struct {
	journal.Outcome
	ord     int64
	subject uint64 // the account as planned; zero for an add
	account uint64 // the one that it became; zero for an add that is not applied
	takes   string
	fields  string // as they are stored, until read
	links   string
}

// read reads the fields and the links.
func (c *storedChange) read() (err error) {
	if c.Fields, err = readFields(c.fields); err != nil {
		return fmt.Errorf("change %d: fields: %w", c.ord, err)
	}
	return c.readLinks()
}

func (c *storedChange) readLinks() (err error) {
	if c.Links, err = readLinks(c.links); err != nil {
		return fmt.Errorf("change %d: links: %w", c.ord, err)
	}
	return nil
}

func (c *storedChange) place() place {
	return place{phase(c.Action), c.subject, string(c.Key), c.Username, c.ord}
}

var changeColumns = []string{
	"run", "ord", "phase", "line", "subject", "key", "action", "account", "version", "username",
	"reason", "absent", "by_date", "fields", "links", "gives", "takes", "done", "note",
}

// changeRow is a planned change in the order of changeColumns.
func changeRow(run, ord int64, c plan.Change) ([]any, error) {
	if err := storable(string(c.Key), c.Username, c.Reason); err != nil {
		return nil, err
	}
	for _, f := range c.Fields {
		if err := storable(f.Old, f.New, string(f.Was), string(f.Is)); err != nil {
			return nil, fmt.Errorf("%s: %w", f.Field, err)
		}
	}
	for _, l := range c.Links {
		if err := storable(string(l.OldKey), string(l.NewKey), l.Profile); err != nil {
			return nil, fmt.Errorf("link: %w", err)
		}
	}
	var account any
	if c.Account != 0 {
		account = int64(c.Account)
	}
	gives, takes := names(&c)
	return []any{
		run, ord, phase(c.Action), c.Line, int64(c.Account), string(c.Key), string(c.Action), account, int64(c.Version), c.Username,
		c.Reason, flag(c.Absent), flag(c.ByDate), fieldsText(c.Fields), linksText(c.Links), gives, takes, "", "",
	}, nil
}

// names are the usernames, folded, that a change gives up and takes. What gives
// one up by being deleted needs no place to come back to, and gives none here.
func names(c *plan.Change) (gives, takes string) {
	if c.Action == plan.Delete || c.Action == plan.Purge {
		return "", ""
	}
	if f := c.Field(roster.Username); f != nil {
		return roster.Fold(f.Old), roster.Fold(f.New)
	}
	if f := c.Field(roster.StatusField); f != nil && f.Old == string(roster.Deleted) {
		return "", roster.Fold(c.Username)
	}
	return "", ""
}

// digester sums up a plan, change by change. Lines are left out: the same
// people in another order are the same plan (R4).
type digester struct {
	hash.Hash
	buf []byte
}

func newDigester() *digester { return &digester{Hash: sha256.New()} }

// It takes fields and links as they are stored: nothing is read for it.
func (d *digester) add(c *storedChange) {
	b := d.buf[:0]
	for _, s := range []string{string(c.Action), string(c.Key), c.Username, c.Reason, c.fields, c.links} {
		b = append(binary.AppendUvarint(b, uint64(len(s))), s...)
	}
	b = binary.AppendUvarint(binary.AppendUvarint(b, c.subject), c.Version)
	b = append(b, byte(flag(c.Absent)), byte(flag(c.ByDate)))
	d.Write(b)
	d.buf = b
}

func (d *digester) String() string { return "sha256:" + hex.EncodeToString(d.Sum(nil)) }

// changesAfter reads the next changes of a run in plan order, at most a chunk.
func changesAfter(tx *gorm.DB, run int64, p place, only string, chunk int) ([]storedChange, error) {
	var list []storedChange
	err := each(tx, func(row scanner) error {
		c, err := scanChange(row)
		list = append(list, c)
		return err
	}, `SELECT ord, line, subject, key, action, coalesce(account, 0), version, username, reason, absent, by_date, fields, links, takes, done, note
		FROM change WHERE run = ? AND (phase, subject, key, username, ord) > (?, ?, ?, ?, ?)`+only+` ORDER BY `+planOrder+` LIMIT ?`,
		run, p.phase, p.subject, p.key, p.username, p.ord, chunk)
	return list, err
}

func scanChange(row scanner) (storedChange, error) {
	var c storedChange
	var line, subject, account, version, absent, byDate int64
	var key, action, done string // of plain types: others are found out one by one
	if err := row.Scan(&c.ord, &line, &subject, &key, &action, &account, &version, &c.Username, &c.Reason, &absent, &byDate, &c.fields, &c.links,
		&c.takes, &done, &c.Note); err != nil {
		return c, err
	}
	c.Line, c.subject, c.account, c.Version = int(line), uint64(subject), uint64(account), uint64(version)
	c.Key, c.Action, c.Done = roster.Key(key), plan.Action(action), journal.Done(done)
	c.Account, c.Absent, c.ByDate = c.subject, absent == 1, byDate == 1
	return c, nil
}

// Changes streams what a run planned, with what became of it, in the order of
// the plan, claims too. An add that was applied has the account that it made.
// Nothing stays open between two changes: the caller may write meanwhile.
func (db *DB) Changes(ctx context.Context, run int64) iter.Seq2[journal.Outcome, error] {
	return func(yield func(journal.Outcome, error) bool) {
		tx := db.gorm.WithContext(ctx)
		for after := beforeAll; ; {
			list, err := changesAfter(tx, run, after, "", page)
			if err != nil {
				yield(journal.Outcome{}, fmt.Errorf("changes of run %d: %w", run, err))
				return
			}
			for _, c := range list {
				if err := c.read(); err != nil {
					yield(journal.Outcome{}, fmt.Errorf("changes of run %d: %w", run, err))
					return
				}
				c.Account = c.account
				if !yield(c.Outcome, nil) {
					return
				}
			}
			if len(list) < page {
				return
			}
			after = list[len(list)-1].place()
		}
	}
}

// Problems streams what was wrong with a run's drop, by line, as far as it was
// kept: of more than [maxProblems] the rest is only counted.
func (db *DB) Problems(ctx context.Context, run int64) iter.Seq2[roster.Problem, error] {
	return func(yield func(roster.Problem, error) bool) {
		tx := db.gorm.WithContext(ctx)
		for line, ord := -1, int64(0); ; {
			var list []roster.Problem
			err := each(tx, func(row scanner) error {
				var p roster.Problem
				var since int64
				if err := row.Scan(&ord, &p.Code, &p.Severity, &p.Field, &p.Column, &p.Line, &p.Key, &p.Account, &p.Text, &p.Fix, &since, &p.Who.Username, &p.Who.Name, &p.Value); err != nil {
					return err
				}
				p.Since = fromMicros(since)
				list = append(list, p)
				return nil
			}, `SELECT ord, code, severity, field, column_name, line, key, account, text, fix, since, username, name, value
				FROM problem WHERE run = ? AND (line, ord) > (?, ?) ORDER BY line, ord LIMIT ?`, run, line, ord, page)
			if err != nil {
				yield(roster.Problem{}, fmt.Errorf("problems of run %d: %w", run, err))
				return
			}
			for _, p := range list {
				if !yield(p, nil) {
					return
				}
			}
			if len(list) < page {
				return
			}
			line = list[len(list)-1].Line
		}
	}
}
