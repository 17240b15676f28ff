package store

import (
	"context"
	"database/sql"
	"encoding/binary"
	"fmt"
	"iter"
	"slices"
	"time"
	"unicode/utf8"

	"gorm.io/gorm"

	"rollcall/internal/index"
	"rollcall/internal/journal"
	"rollcall/internal/roster"
)

// A Look is what a profile's last applied drop looked like. Its prints are
// stored with the plan of the run that made it, take effect in the transaction
// that applies that run, and go with a plan that is given up (S8). Where little
// differs they are a patch of those that an earlier run has stored whole, which stay
// as long as a look is based on them.
type Look struct {
	Run     int64
	Profile string
	Digest  string // of all by which a record is read and judged (S4)
	Secret  uint64 // the seed of its hashes
	Seen    int64  // the newest applied_seq when its drop was looked at
	Made    time.Time

	idsFrom  uint64 // what is between the number of an add of its run and that of its account
	base     int64  // the run that has stored the prints whole
	baseFrom uint64 // its idsFrom
	parts    int    // of the base
}

// The kinds of part.
const (
	partPrints  = 0
	partLoose   = 1
	partAdded   = 2 // what a patch has
	partDropped = 3
)

// Look is the one that is in effect; [ErrNone] where there is none, or where it is
// not whole.
func (db *DB) Look(ctx context.Context, profile string) (*Look, error) {
	var row struct {
		Run      int64
		Digest   string
		Secret   int64
		Seen     int64
		Made     int64
		From     int64
		Base     int64
		BaseFrom int64
		Parts    int
		There    int
	}
	res := db.gorm.WithContext(ctx).Raw(`SELECT l.run, l.digest, l.secret, l.seen, l.made, coalesce(r.ids_from, 0) AS "from", l.base, l.base_from, l.parts,
			(SELECT count(*) FROM look_part p WHERE p.run = l.base AND p.kind = ?) AS there
		FROM look l JOIN run r ON r.number = l.run WHERE l.profile = ? AND l.current = 1`, partPrints, profile).Scan(&row)
	if res.Error != nil {
		return nil, fmt.Errorf("index of profile %s: %w", profile, res.Error)
	}
	if res.RowsAffected == 0 || row.There != row.Parts {
		return nil, ErrNone
	}
	l := &Look{Run: row.Run, Profile: profile, Digest: row.Digest, Secret: uint64(row.Secret), Seen: row.Seen, Made: fromMicros(row.Made), idsFrom: uint64(row.From), base: row.Base, baseFrom: uint64(row.BaseFrom), parts: row.Parts}
	if l.base == l.Run {
		l.baseFrom = l.idsFrom
	}
	return l, nil
}

// Prints are the fingerprints of a look, in the order of its drop and packed in parts.
func (db *DB) Prints(ctx context.Context, l *Look) iter.Seq2[[]byte, error] {
	return func(yield func([]byte, error) bool) {
		patch, err := db.Patch(ctx, l)
		if err != nil {
			yield(nil, err)
			return
		}
		patch.On(settled(parts(db.gorm.WithContext(ctx), l.base, partPrints), index.Size, l.baseFrom))(yield)
	}
}

// Patch is how the prints of a look differ from those of its base.
func (db *DB) Patch(ctx context.Context, l *Look) (*index.Patch, error) {
	p := &index.Patch{}
	if l.base == l.Run {
		return p, nil
	}
	tx := db.gorm.WithContext(ctx)
	for place, err := range unpacked(parts(tx, l.Run, partDropped)) {
		if err != nil {
			return nil, err
		}
		p.Dropped.Add(place)
		p.Entries++
	}
	var bytes int
	if err := tx.Raw("SELECT coalesce(sum(length(data)), 0) FROM look_part WHERE run = ? AND kind = ?", l.Run, partAdded).Scan(&bytes).Error; err != nil {
		return nil, fmt.Errorf("read the index: %w", err)
	}
	p.Entries += bytes / index.AddedSize
	p.Added = settled(parts(tx, l.Run, partAdded), index.AddedSize, l.idsFrom)
	return p, nil
}

// Loose are the accounts that the profile may own and of which no print speaks.
func (db *DB) Loose(ctx context.Context, l *Look) ([]uint64, error) {
	var all []uint64
	for n, err := range unpacked(settled(parts(db.gorm.WithContext(ctx), l.Run, partLoose), 8, l.idsFrom)) {
		if err != nil {
			return nil, err
		}
		all = append(all, n)
	}
	return all, nil
}

// unpacked are the numbers in parts.
func unpacked(parts iter.Seq2[[]byte, error]) iter.Seq2[uint64, error] {
	return func(yield func(uint64, error) bool) {
		for part, err := range parts {
			if err != nil {
				yield(0, err)
				return
			}
			for ; len(part) >= 8; part = part[8:] {
				if !yield(binary.LittleEndian.Uint64(part), nil) {
					return
				}
			}
		}
	}
}

// settled writes the accounts that a run has added into the entries, of one
// size, that have the number of a change in their place, as the run found them:
// their last 8 bytes.
func settled(parts iter.Seq2[[]byte, error], size int, idsFrom uint64) iter.Seq2[[]byte, error] {
	return func(yield func([]byte, error) bool) {
		for data, err := range parts {
			for at := size - 8; at+8 <= len(data); at += size {
				if n := binary.LittleEndian.Uint64(data[at:]); n&index.Pending != 0 {
					binary.LittleEndian.PutUint64(data[at:], n&^index.Pending+idsFrom)
				}
			}
			if !yield(data, err) {
				return
			}
		}
	}
}

// parts reads the parts of one kind, one at a time.
func parts(tx *gorm.DB, run int64, kind int) iter.Seq2[[]byte, error] {
	return func(yield func([]byte, error) bool) {
		for n := 0; ; n++ {
			data, ok, err := part(tx, run, kind, n)
			if err != nil {
				yield(nil, err)
				return
			}
			if !ok || !yield(data, nil) {
				return
			}
		}
	}
}

func part(tx *gorm.DB, run int64, kind, n int) (data []byte, ok bool, err error) {
	var raw sql.RawBytes // a megabyte is copied once
	err = each(tx, func(row scanner) error {
		ok = true
		err := row.Scan(&raw)
		data = slices.Clone(raw)
		return err
	}, "SELECT data FROM look_part WHERE run = ? AND kind = ? AND part = ?", run, kind, n)
	if err != nil {
		err = fmt.Errorf("read the index: %w", err)
	}
	return data, ok, err
}

// Moved are the accounts of which a look no longer tells the truth (S7): those
// that another run has changed since, those that share a key of the profile with
// one of them, and those on which a date or a person's decision is due. The
// journal is what notes them, in the transaction that changes them.
func (db *DB) Moved(ctx context.Context, l *Look, now time.Time) ([]uint64, error) {
	tx := db.gorm.WithContext(ctx)
	moved, err := db.changedSince(tx, l.Profile, l.Seen, l.Run)
	if err != nil {
		return nil, fmt.Errorf("touched accounts: %w", err)
	}
	at := roster.Stamp(now)
	for _, q := range []struct {
		query string
		args  []any
	}{
		{`SELECT o.account FROM link l JOIN link o ON o.profile = l.profile AND o.key_folded = l.key_folded
			WHERE l.profile = ? AND ?`, []any{l.Profile, db.engine.in("l.account", numberList(moved))}},
		// CROSS, for SQLite: it begins with the decisions, of which there are few
		{"SELECT l.account FROM decision d CROSS JOIN link l WHERE l.profile = d.profile AND l.key_folded = d.key_folded AND d.profile = ?", []any{l.Profile}},
		{"SELECT account FROM due WHERE kind IN (?, ?) AND at <= ?", []any{dueExpires, dueStarts, at}},
	} {
		var more []uint64
		if err := tx.Raw(q.query, q.args...).Scan(&more).Error; err != nil {
			return nil, fmt.Errorf("touched accounts: %w", err)
		}
		moved = append(moved, more...)
	}
	over, err := endedBy(tx, now)
	if err != nil {
		return nil, fmt.Errorf("touched accounts: memberships that end: %w", err)
	}
	return append(moved, over...), nil
}

// changedSince are the accounts that a profile links, or has linked, and that
// runs have changed that were applied after seq. The run itself is left out.
func (db *DB) changedSince(tx *gorm.DB, profile string, seq, but int64) (ids []uint64, err error) {
	runs, err := appliedSince(tx, seq, but)
	if err != nil || len(runs) == 0 {
		return nil, err
	}
	err = tx.Raw(`SELECT DISTINCT `+accountOf+` FROM change c JOIN run r ON r.number = c.run WHERE ? AND `+carriedOut+`
		AND (EXISTS (SELECT 1 FROM link l WHERE l.profile = ? AND l.account = `+accountOf+`) OR c.links LIKE ?)`,
		db.engine.in("c.run", numberList(runs)), profile, `%"profile":"`+profile+`"%`).Scan(&ids).Error
	return ids, err
}

// Tally is how many accounts a profile owns that are not deleted, and how many
// of them are active.
func (db *DB) Tally(ctx context.Context, profile string) (owned, active int, err error) {
	return tally(db.gorm.WithContext(ctx), profile)
}

// TallyOf is [DB.Tally] of the accounts of a site and those below it (R44), which
// are counted one by one; "" is all.
func (db *DB) TallyOf(ctx context.Context, profile, site string) (owned, active int, err error) {
	return tallyOf(db.gorm.WithContext(ctx), profile, site)
}

func tallyOf(tx *gorm.DB, profile, site string) (owned, active int, err error) {
	if site == "" {
		return tally(tx, profile)
	}
	within, args := siteIs(site)
	err = tx.Raw(`SELECT count(*), coalesce(sum(CASE WHEN a.status = 'active' THEN 1 ELSE 0 END), 0) FROM link l JOIN account a ON a.id = l.account
		WHERE l.profile = ? AND a.status <> 'deleted' AND `+within, append([]any{profile}, args...)...).Row().Scan(&owned, &active)
	return owned, active, translated(tx, err)
}

// siteIs is the condition that an account a is of a site or below it.
func siteIs(site string) (sql string, args []any) {
	below := site + "/"
	return "(a.site = ? OR substr(a.site, 1, ?) = ?)", []any{site, utf8.RuneCountInString(below), below}
}

func tally(tx *gorm.DB, profile string) (owned, active int, err error) {
	var row struct{ Owned, Active int }
	if err := tx.Raw("SELECT owned, active FROM tally WHERE profile = ?", profile).Scan(&row).Error; err != nil {
		return 0, 0, fmt.Errorf("count accounts: %w", err)
	}
	return row.Owned, row.Active, nil
}

// SeenBy notes that nothing up to seq has touched what a look remembers.
func (db *DB) SeenBy(ctx context.Context, l *Look, seq int64) error {
	if err := db.gorm.WithContext(ctx).Exec("UPDATE look SET seen = ? WHERE run = ? AND current = 1 AND seen < ?", seq, l.Run, seq).Error; err != nil {
		return fmt.Errorf("index of profile %s: %w", l.Profile, err)
	}
	return nil
}

// StoreLook writes a look beside the plan of its run. What other plans of the
// profile have left there goes, but for those that wait for a person.
func (db *DB) StoreLook(ctx context.Context, l Look, prints, loose iter.Seq2[[]byte, error]) error {
	l.base = l.Run
	return db.storeLook(ctx, l, section{partPrints, prints}, section{partLoose, loose})
}

// PatchLook is [DB.StoreLook] of a look whose prints are a patch of the base that
// the one in effect has.
func (db *DB) PatchLook(ctx context.Context, l Look, on *Look, patch *index.Patch, loose iter.Seq2[[]byte, error]) error {
	l.base, l.baseFrom, l.parts = on.base, on.baseFrom, on.parts
	dropped := func(yield func([]byte, error) bool) { index.Numbers(patch.Dropped.All())(yield) } // which is whole by then
	return db.storeLook(ctx, l, section{partAdded, patch.Added}, section{partDropped, dropped}, section{partLoose, loose})
}

// A section is the parts of one kind.
type section struct {
	kind  int
	parts iter.Seq2[[]byte, error]
}

func (db *DB) storeLook(ctx context.Context, l Look, sections ...section) error {
	err := db.transact(ctx, func(w work) error {
		if err := w.tx.Exec(`DELETE FROM look WHERE profile = ? AND current = 0 AND run NOT IN (SELECT number FROM run WHERE status = ?)`,
			l.Profile, string(journal.Held)).Error; err != nil {
			return err
		}
		if err := w.tx.Exec("INSERT INTO look (run, profile, current, digest, secret, seen, made, base, base_from, parts) VALUES (?, ?, 0, ?, ?, ?, ?, ?, ?, ?)",
			l.Run, l.Profile, l.Digest, int64(l.Secret), l.Seen, micros(l.Made), l.base, int64(l.baseFrom), l.parts).Error; err != nil {
			return err
		}
		return dropParts(w.tx)
	})
	for _, s := range sections {
		if err != nil {
			break
		}
		next, stop := iter.Pull2(s.parts)
		defer stop()
		n := 0
		for more := true; more && err == nil; {
			// What is read may come from this database: never while a transaction goes on.
			var batch [][]byte
			if batch, more, err = some(next); err != nil || len(batch) == 0 {
				break
			}
			err = db.transact(ctx, func(w work) error {
				for _, data := range batch {
					if err := putPart(w.tx, l.Run, s.kind, n, data); err != nil {
						return err
					}
					n++
				}
				return nil
			})
		}
		if err == nil && s.kind == partPrints {
			err = db.gorm.WithContext(ctx).Exec("UPDATE look SET parts = ? WHERE run = ?", n, l.Run).Error
		}
	}
	if err != nil {
		return fmt.Errorf("store the index of run %d: %w", l.Run, err)
	}
	return nil
}

// partsAtOnce is how many parts are stored in one transaction: each waits for the
// disk once, and others wait for it. So many are in memory.
const partsAtOnce = 4

// some are the next parts, and tells whether there may be more.
func some(next func() ([]byte, error, bool)) (batch [][]byte, more bool, err error) {
	for range partsAtOnce {
		data, err, more := next()
		if !more || err != nil {
			return batch, false, err
		}
		batch = append(batch, slices.Clone(data)) // it lasts until the next
	}
	return batch, true, nil
}

func putPart(tx *gorm.DB, run int64, kind, n int, data []byte) error {
	return tx.Exec("INSERT INTO look_part (run, kind, part, data) VALUES (?, ?, ?, ?)", run, kind, n, data).Error
}

// dropLooks forgets the look of a plan that is given up.
func dropLooks(tx *gorm.DB, run int64) error {
	res := tx.Exec("DELETE FROM look WHERE run = ? AND current = 0", run)
	if res.Error != nil || res.RowsAffected == 0 {
		return res.Error
	}
	return dropParts(tx)
}

// dropParts removes the parts that belong to no look: of one that is based on
// another's prints that other has nothing but these.
func dropParts(tx *gorm.DB) error {
	return tx.Exec("DELETE FROM look_part WHERE run NOT IN (SELECT run FROM look) AND (kind <> ? OR run NOT IN (SELECT base FROM look))", partPrints).Error
}

// swapLook puts the look of the run that is being applied in the place of the
// one before. What was not carried out is not remembered.
func (a *application) swapLook() error {
	var waits int
	if err := a.tx.Raw("SELECT count(*) FROM look WHERE run = ? AND current = 0", a.run).Scan(&waits).Error; err != nil || waits == 0 {
		return err
	}
	if a.fallen {
		if err := a.amendLook(); err != nil {
			return fmt.Errorf("index: %w", err)
		}
	}
	if err := a.tx.Exec("DELETE FROM look WHERE profile = ? AND run <> ?", a.Run.Profile, a.run).Error; err != nil {
		return fmt.Errorf("index: %w", err)
	}
	if err := a.tx.Exec("UPDATE look SET current = 1 WHERE run = ?", a.run).Error; err != nil {
		return fmt.Errorf("index: %w", err)
	}
	return dropParts(a.tx)
}

// amendLook writes the parts again that speak of changes which were left out.
func (a *application) amendLook() error {
	var left, fell []uint64
	if err := a.tx.Raw("SELECT account FROM change WHERE run = ? AND done <> '' AND account IS NOT NULL", a.run).Scan(&left).Error; err != nil {
		return err
	}
	if err := a.tx.Raw("SELECT ord FROM change WHERE run = ? AND done <> '' AND account IS NULL", a.run).Scan(&fell).Error; err != nil {
		return err
	}
	var undone, unmade index.Set
	for _, id := range left {
		undone.Add(id)
	}
	for _, ord := range fell {
		unmade.Add(ord)
	}
	for kind, size := range map[int]int{partPrints: index.Size, partAdded: index.AddedSize, partLoose: 8} {
		n := 0
		for data, err := range parts(a.tx, a.run, kind) {
			if err != nil {
				return err
			}
			if kept := amend(data, size, undone, unmade); len(kept) < len(data) {
				if err := a.tx.Exec("UPDATE look_part SET data = ? WHERE run = ? AND kind = ? AND part = ?", kept, a.run, kind, n).Error; err != nil {
					return err
				}
			}
			n++
		}
		if kind == partLoose {
			if err := a.putNumbers(partLoose, n, slices.Values(left)); err != nil {
				return err
			}
		}
	}
	return a.amendBase(undone)
}

// amendBase drops from the base of a patch the prints of accounts which were not changed.
func (a *application) amendBase(undone index.Set) error {
	var base struct{ Base, BaseFrom int64 }
	if err := a.tx.Raw("SELECT base, base_from FROM look WHERE run = ?", a.run).Scan(&base).Error; err != nil || base.Base == a.run || len(undone) == 0 {
		return err
	}
	var dropped index.Set
	var place uint64
	for p, err := range index.Prints(settled(parts(a.tx, base.Base, partPrints), index.Size, uint64(base.BaseFrom))) {
		if err != nil {
			return err
		}
		if undone.Has(p.Account) {
			dropped.Add(place)
		}
		place++
	}
	n := 0
	for _, err := range parts(a.tx, a.run, partDropped) {
		if err != nil {
			return err
		}
		n++
	}
	return a.putNumbers(partDropped, n, dropped.All())
}

// putNumbers adds numbers to the n parts of a kind that there are.
func (a *application) putNumbers(kind, n int, all iter.Seq[uint64]) error {
	for data, err := range index.Numbers(all) {
		if err == nil {
			err = putPart(a.tx, a.run, kind, n, data)
		}
		if err != nil {
			return err
		}
		n++
	}
	return nil
}

// amend leaves out the entries of a part that speak of accounts which were not
// changed, or of changes which made none: their last 8 bytes say so.
func amend(data []byte, size int, undone, unmade index.Set) (kept []byte) {
	kept = make([]byte, 0, len(data))
	for ; len(data) > 0; data = data[size:] {
		n := binary.LittleEndian.Uint64(data[size-8:])
		if n&index.Pending != 0 && unmade.Has(n&^index.Pending) || undone.Has(n) {
			continue
		}
		kept = append(kept, data[:size]...)
	}
	return kept
}
