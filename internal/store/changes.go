package store

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"hash"
	"iter"
	"slices"

	"gorm.io/gorm"

	"rollcall/internal/journal"
	"rollcall/internal/plan"
	"rollcall/internal/roster"
)

// A storedChange is a change as the table change holds it.
type storedChange struct {
	journal.Outcome
	ord     int64  // its number in the order of the plan
	account uint64 // the one that it speaks of; of an add the one that it became, zero while it has not
	takes   string
	fields  string // as they are stored, until read
	links   string
	grants  string
}

// subject is the account as planned; zero for an add.
func (c *storedChange) subject() uint64 {
	if c.Action == plan.Add {
		return 0
	}
	return c.account
}

// read reads the fields and the links.
func (c *storedChange) read() (err error) {
	if c.Fields, err = readFields(c.fields); err != nil {
		return fmt.Errorf("change %d: fields: %w", c.ord, err)
	}
	if c.Memberships, err = readGrants(c.grants); err != nil {
		return fmt.Errorf("change %d: memberships: %w", c.ord, err)
	}
	return c.readLinks()
}

func (c *storedChange) readLinks() (err error) {
	if c.Links, err = readLinks(c.links); err != nil {
		return fmt.Errorf("change %d: links: %w", c.ord, err)
	}
	return nil
}

var changeColumns = []string{
	"run", "ord", "line", "key", "action", "account", "version", "username",
	"reason", "absent", "by_date", "fields", "links", "gives", "takes", "done", "note", "memberships",
}

// changeRow fills row, which is in the order of changeColumns.
func changeRow(row []any, run, ord int64, c *planned) {
	var account any // an add's follows from ord, once it is applied
	if c.subject != 0 {
		account = int64(c.subject)
	}
	for i, v := range [...]any{
		run, ord, c.line, c.key, c.action, account, c.version, c.username,
		c.reason, int64(flag(c.absent)), int64(flag(c.byDate)), c.fields, c.links, c.gives, c.takes, "", "", c.grants,
	} {
		row[i] = v
	}
}

// plannedChange is a change as it will be stored.
func plannedChange(c *plan.Change) (planned, error) {
	if err := storable(string(c.Key), c.Username, c.Reason); err != nil {
		return planned{}, err
	}
	text, short := "", false
	if c.Action == plan.Add {
		text, short = newText(c.Fields)
	}
	if !short || storable(text) != nil { // all of them at once, or one by one, to say which
		for i := range c.Fields {
			f := &c.Fields[i]
			if err := storable(f.Old, f.New, string(f.Was), string(f.Is)); err != nil {
				return planned{}, fmt.Errorf("%s: %w", f.Name, err)
			}
		}
	}
	if !short {
		text = fieldsText(c.Fields)
	}
	for _, l := range c.Links {
		if err := storable(string(l.OldKey), string(l.NewKey), l.Profile, l.OldAnchor, l.NewAnchor); err != nil {
			return planned{}, fmt.Errorf("link: %w", err)
		}
	}
	grants, err := grantsText(c.Memberships)
	if err != nil {
		return planned{}, err
	}
	p := planned{
		place: place{phase: phase(c.Action), subject: c.Account, key: string(c.Key), username: c.Username},
		line:  int64(c.Line), version: int64(c.Version), action: string(c.Action), reason: c.Reason, absent: c.Absent, byDate: c.ByDate,
		fields: text, links: linksText(c.Links), grants: grants,
	}
	p.gives, p.takes = names(c)
	return p, nil
}

// endings are the actions after which an account holds no name, whatever it is called.
var endings = []plan.Action{plan.Delete, plan.Purge}

// names are the usernames, folded, that a change gives up and takes. What gives
// one up by being deleted needs no place to come back to, and gives none here.
func names(c *plan.Change) (gives, takes string) {
	if slices.Contains(endings, c.Action) {
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

// add takes a change as it is stored: nothing is read for it.
func (d *digester) add(c *planned) {
	b := d.buf[:0]
	for _, s := range [...]string{c.action, c.key, c.username, c.reason, c.fields, c.links} {
		b = append(binary.AppendUvarint(b, uint64(len(s))), s...)
	}
	b = binary.AppendUvarint(binary.AppendUvarint(b, c.subject), uint64(c.version))
	b = append(b, byte(flag(c.absent)), byte(flag(c.byDate)))
	if c.grants != "" { // a plan without any has the digest that it had before there were any
		b = append(binary.AppendUvarint(b, uint64(len(c.grants))), c.grants...)
	}
	d.Write(b)
	d.buf = b
}

// again takes one that has been read back.
func (d *digester) again(c *storedChange) {
	d.add(&planned{
		place: place{subject: c.subject(), key: string(c.Key), username: c.Username}, version: int64(c.Version),
		action: string(c.Action), reason: c.Reason, absent: c.Absent, byDate: c.ByDate, fields: c.fields, links: c.links, grants: c.grants,
	})
}

func (d *digester) String() string { return "sha256:" + hex.EncodeToString(d.Sum(nil)) }

// A numbering is what of its run decides what a change has become: whether it was
// applied, and what is between the numbers of its adds and of their accounts.
type numbering struct {
	applied, numbered bool
	idsFrom           int64
}

func numberingOf(tx *gorm.DB, run int64) (numbering, error) {
	var row struct{ AppliedSeq, IdsFrom *int64 }
	err := tx.Raw("SELECT applied_seq, ids_from FROM run WHERE number = ?", run).Scan(&row).Error
	n := numbering{applied: row.AppliedSeq != nil}
	if row.IdsFrom != nil {
		n.numbered, n.idsFrom = true, *row.IdsFrom
	}
	return n, err
}

// accountOf is the account of a change c of the run r, in SQL; null for an add
// that is not applied. An add of an old run says its account itself.
const accountOf = "coalesce(c.account, c.ord + r.ids_from)"

// carriedOut is true, in SQL, of a change c of the run r that was applied: of those
// of an applied run all that say nothing else.
const carriedOut = "c.done = '' AND r.applied_seq IS NOT NULL"

const storedColumns = "c.ord, c.line, c.key, c.action, c.account, c.version, c.username, c.reason, c.absent, c.by_date, c.fields, c.links, c.takes, c.done, c.note, c.memberships"

// changesAfter reads the next changes of a run in plan order, at most most of them,
// into list, which it returns. They are asked for by their numbers alone: who has
// not counted the table finds them as well.
func changesAfter(tx *gorm.DB, run int64, n numbering, after int64, most int, list []storedChange) ([]storedChange, error) {
	list = list[:0]
	err := each(tx, func(row scanner) error {
		list = append(list, storedChange{})
		return scanChange(row, n, &list[len(list)-1])
	}, "SELECT "+storedColumns+" FROM change c WHERE c.run = ? AND c.ord > ? AND c.ord <= ? ORDER BY c.ord", run, after, after+int64(most))
	return list, err
}

func scanChange(row scanner, n numbering, c *storedChange) error {
	var line, version, absent, byDate int64
	var account *int64
	var key, action, done string // of plain types: others are found out one by one
	if err := row.Scan(&c.ord, &line, &key, &action, &account, &version, &c.Username, &c.Reason, &absent, &byDate, &c.fields, &c.links,
		&c.takes, &done, &c.Note, &c.grants); err != nil {
		return err
	}
	c.Line, c.Version = int(line), uint64(version)
	c.Key, c.Action, c.Done = roster.Key(key), plan.Action(action), journal.Done(done)
	c.Absent, c.ByDate = absent == 1, byDate == 1
	if n.applied && c.Done == journal.Planned {
		c.Done = journal.Applied
	}
	switch {
	case account != nil:
		c.account = uint64(*account)
	case n.numbered && done == "":
		c.account = uint64(c.ord + n.idsFrom)
	}
	c.Account = c.account
	return nil
}

// Changes streams what a run planned, with what became of it, in the order of
// the plan, claims too. An add that was applied has the account that it made.
// Nothing stays open between two changes: the caller may write meanwhile.
func (db *DB) Changes(ctx context.Context, run int64) iter.Seq2[journal.Outcome, error] {
	return func(yield func(journal.Outcome, error) bool) {
		read := func(tx *gorm.DB, after int64, room []storedChange) ([]storedChange, error) {
			n, err := numberingOf(tx, run)
			if err != nil {
				return nil, err
			}
			return changesAfter(tx, run, n, after, page, room)
		}
		for list, err := range ahead(db.gorm.WithContext(ctx), page, read) {
			for i := 0; err == nil && i < len(list); i++ {
				if err = list[i].read(); err == nil && !yield(list[i].Outcome, nil) {
					return
				}
			}
			if err != nil {
				yield(journal.Outcome{}, fmt.Errorf("changes of run %d: %w", run, err))
				return
			}
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
