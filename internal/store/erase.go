package store

import (
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"maps"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"gorm.io/gorm"

	"rollcall/internal/journal"
	"rollcall/internal/notify"
	"rollcall/internal/plan"
	"rollcall/internal/roster"
)

// ofAccount are the tables whose rows are about one account, by their column
// account, and go when it is erased.
var ofAccount = []string{"former_name", "membership", "credential", "account_field", "outbox"}

// neverMade is true, in SQL, of an add that was not carried out.
const neverMade = "change.account IS NULL AND (change.done <> '' OR change.run IN (SELECT number FROM run WHERE applied_seq IS NULL))"

// nobody is what a problem knows of a person, in SQL, emptied.
const nobody = "key = '', identity = '', username = '', name = '', value = ''"

// Erased stands where a text was that spoke of somebody who has been erased.
const Erased = "(erased)"

// Traces are what is known of some accounts, and where.
type Traces struct {
	Names []string // folded: keys, usernames, addresses, and the full names of those who have a first and a last one
	Runs  []int64  // whose changes or problems are about them, in order

	keys map[linkKey][]uint64 // accounts by key, folded; profile "" is an employee ID
}

// Traces looks for what the database knows of some accounts.
func (db *DB) Traces(ctx context.Context, ids []uint64) (Traces, error) {
	t, err := db.traces(db.gorm.WithContext(ctx), ids)
	if err != nil {
		return t, fmt.Errorf("look for what is known of accounts: %w", err)
	}
	return t, nil
}

func (db *DB) traces(tx *gorm.DB, ids []uint64) (t Traces, err error) {
	accounts, err := db.accountsByID(tx, ids, false)
	if err != nil {
		return t, err
	}
	t.keys = map[linkKey][]uint64{}
	names, runs := map[string]bool{}, map[int64]bool{}
	key := func(profile string, k string, id uint64) {
		if fold := roster.Fold(k); fold != "" {
			names[fold] = true
			if at := (linkKey{profile, roster.Key(fold)}); !slices.Contains(t.keys[at], id) {
				t.keys[at] = append(t.keys[at], id)
			}
		}
	}
	fields := func(value func(roster.Field) string, id uint64) {
		key("", value(roster.EmployeeID), id)
		for _, f := range []roster.Field{roster.Username, roster.Email} {
			names[roster.Fold(value(f))] = true
		}
		if first, last := value(roster.FirstName), value(roster.LastName); first != "" && last != "" {
			names[roster.Fold(first+" "+last)], names[roster.Fold(last+" "+first)] = true, true
			names[roster.Fold(last+", "+first)] = true
		}
	}
	for _, a := range accounts {
		fields(func(f roster.Field) string { return a.Values[f] }, a.ID)
		for _, l := range a.Links {
			key(l.Profile, string(l.Key), a.ID)
			names[roster.Fold(l.Anchor)] = true
		}
	}
	err = each(tx, func(row scanner) error {
		var name string
		err := row.Scan(&name)
		names[name] = true
		return err
	}, "SELECT folded FROM former_name WHERE ?", db.engine.in("account", numberList(ids)))
	if err != nil {
		return t, err
	}
	err = db.changesOf(tx, ids, func(run int64, _ journal.Kind, c *storedChange) error {
		runs[run] = true
		for _, l := range c.Links {
			key(l.Profile, string(l.OldKey), c.account)
			key(l.Profile, string(l.NewKey), c.account)
			names[roster.Fold(l.OldAnchor)], names[roster.Fold(l.NewAnchor)] = true, true
		}
		was, is := roster.Values{}, roster.Values{}
		for _, f := range c.Fields {
			was[f.Field], is[f.Field] = f.Old, f.New
		}
		fields(func(f roster.Field) string { return was[f] }, c.account)
		fields(func(f roster.Field) string { return is[f] }, c.account)
		return nil
	})
	if err != nil {
		return t, err
	}
	var list []int64
	if err := tx.Raw("SELECT DISTINCT run FROM problem WHERE ?", db.engine.in("account", numberList(ids))).Scan(&list).Error; err != nil {
		return t, err
	}
	for _, run := range list {
		runs[run] = true
	}
	// Of rows that found no account, and of adds that were never applied, the key tells.
	for at := range t.keys {
		if at.profile == "" {
			continue
		}
		list = nil
		if err := tx.Raw(`SELECT p.run FROM problem p JOIN run r ON r.number = p.run WHERE r.profile = @profile AND lower(p.key) = lower(@key)
			UNION SELECT change.run FROM change JOIN run r ON r.number = change.run WHERE r.profile = @profile AND `+neverMade+` AND lower(change.key) = lower(@key)`,
			map[string]any{"profile": at.profile, "key": string(at.key)}).Scan(&list).Error; err != nil {
			return t, err
		}
		for _, run := range list {
			runs[run] = true
		}
	}
	delete(names, "")
	t.Names, t.Runs = slices.Sorted(maps.Keys(names)), slices.Sorted(maps.Keys(runs))
	return t, nil
}

// changesOf reads every change of the journal and of stored plans that is about
// one of some accounts, with its run.
func (db *DB) changesOf(tx *gorm.DB, ids []uint64, f func(run int64, kind journal.Kind, c *storedChange) error) error {
	type row struct {
		Run     int64
		Kind    journal.Kind
		Ord     int64
		Account uint64
		Reason  string
		Fields  string
		Links   string
	}
	const from = "SELECT c.run, r.kind, c.ord, " + accountOf + " AS account, c.reason, c.fields, c.links FROM change c JOIN run r ON r.number = c.run WHERE "
	var list []row
	if err := tx.Raw(from+"? ORDER BY c.run, c.ord", db.engine.in("c.account", numberList(ids))).Scan(&list).Error; err != nil {
		return err
	}
	for _, id := range ids { // the add that made it says so by its number
		var made []row
		if err := tx.Raw(from+"r.last_added >= ? AND r.first_added <= ? AND c.ord = ? - r.ids_from AND c.account IS NULL", id, id, id).Scan(&made).Error; err != nil {
			return err
		}
		list = append(list, made...)
	}
	for _, row := range list {
		c := storedChange{ord: row.Ord, account: row.Account, fields: row.Fields, links: row.Links}
		c.Reason = row.Reason
		if err := c.read(); err != nil {
			return err
		}
		if err := f(row.Run, row.Kind, &c); err != nil {
			return err
		}
	}
	return nil
}

// erase takes what is known of the accounts that the plan erases out of the whole
// database, and leaves keyed hashes of their keys. Their rows have been written.
func (a *application) erase() error {
	if len(a.erased) == 0 {
		return nil
	}
	ids, t := a.erased, a.traces
	if err := a.keepHashes(t); err != nil {
		return err
	}
	if err := a.db.changesOf(a.tx, ids, func(run int64, kind journal.Kind, c *storedChange) error {
		c.Fields = slices.DeleteFunc(c.Fields, func(f plan.FieldChange) bool { // what is rollcall's own stays
			own, ok := roster.FieldNamed(f.Name)
			return !ok || own < roster.NumFeedFields
		})
		for i := range c.Links {
			c.Links[i] = plan.LinkChange{Profile: c.Links[i].Profile, Old: c.Links[i].Old, New: c.Links[i].New, Decided: c.Links[i].Decided}
		}
		if kind == journal.Batch && run != a.run && c.Reason != "" { // a person's words
			c.Reason = Erased
		}
		return a.tx.Exec("UPDATE change SET key = '', username = '', reason = ?, fields = ?, links = ?, gives = '', takes = '', memberships = '' WHERE run = ? AND ord = ?",
			c.Reason, fieldsText(c.Fields), linksText(c.Links), run, c.ord).Error
	}); err != nil {
		return err
	}
	of := a.db.engine.in("account", numberList(ids))
	statements := []struct {
		sql  string
		args []any
	}{
		{"UPDATE link SET key = '', key_folded = '', anchor = '', claim = ? WHERE ?", []any{roster.ClaimGone, of}},
		{"UPDATE problem SET " + nobody + " WHERE ?", []any{of}},
	}
	for _, table := range ofAccount {
		statements = append(statements, struct {
			sql  string
			args []any
		}{"DELETE FROM " + table + " WHERE ?", []any{of}})
	}
	for at := range t.keys {
		if at.profile == "" {
			continue
		}
		args := []any{at.profile, string(at.key)}
		for _, sql := range []string{
			"UPDATE problem SET " + nobody + " WHERE account = 0 AND run IN (SELECT number FROM run WHERE profile = ?) AND lower(key) = lower(?)",
			// Blank, and not gone: a plan has its changes without a gap.
			"UPDATE change SET key = '', username = '', fields = 'null', links = 'null', takes = '', memberships = '' WHERE " + neverMade + " AND run IN (SELECT number FROM run WHERE profile = ?) AND lower(key) = lower(?)",
			"DELETE FROM decision WHERE profile = ? AND key_folded = ?",
		} {
			statements = append(statements, struct {
				sql  string
				args []any
			}{sql, args})
		}
	}
	for _, s := range statements {
		if err := a.tx.Exec(s.sql, s.args...).Error; err != nil {
			return err
		}
	}
	if err := a.eraseRuns(t); err != nil {
		return err
	}
	return a.eraseMails(t)
}

// keepHashes remembers the keys of what is erased, as keyed hashes (R45).
func (a *application) keepHashes(t Traces) error {
	secret, err := a.db.erasedSecret(a.tx)
	if err != nil {
		return err
	}
	for at, ids := range t.keys {
		if err := a.tx.Exec("INSERT INTO erased_key (profile, hash, account, at) VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING",
			at.profile, hashed(secret, at.profile, string(at.key)), int64(ids[0]), micros(a.now)).Error; err != nil {
			return err
		}
	}
	return nil
}

// erasedSecret is the key of the hashes; it is made when it is first needed.
func (db *DB) erasedSecret(tx *gorm.DB) ([]byte, error) {
	fresh := make([]byte, 32)
	_, _ = rand.Read(fresh) // never fails
	if err := tx.Exec("INSERT INTO secret (name, value) VALUES ('erased_key', ?) ON CONFLICT DO NOTHING", hex.EncodeToString(fresh)).Error; err != nil {
		return nil, err
	}
	var text string
	if err := tx.Raw("SELECT value FROM secret WHERE name = 'erased_key'").Scan(&text).Error; err != nil {
		return nil, err
	}
	return hex.DecodeString(text)
}

// hashed is a folded key as it is remembered once its account is erased.
func hashed(secret []byte, profile, fold string) string {
	h := hmac.New(sha256.New, secret)
	h.Write([]byte(profile + "\x00" + fold))
	return hex.EncodeToString(h.Sum(nil)[:16])
}

// forgotten are those of a query's keys whose account was erased. Where nobody
// ever was, it is one question for all of them.
func (db *DB) forgotten(tx *gorm.DB, q plan.Query, keys, values []string) (map[string]bool, error) {
	var some int
	if err := tx.Raw("SELECT count(*) FROM (SELECT 1 FROM erased_key LIMIT 1) AS first").Scan(&some).Error; err != nil || some == 0 {
		return nil, err
	}
	var text string
	if err := tx.Raw("SELECT value FROM secret WHERE name = 'erased_key'").Scan(&text).Error; err != nil {
		return nil, err
	}
	secret, err := hex.DecodeString(text)
	if err != nil {
		return nil, errors.New("the secret of erased keys cannot be read; was the row written by hand?")
	}
	folds, hashes := map[string]string{}, []string{}
	say := func(profile string, list []string) {
		for _, fold := range list {
			h := hashed(secret, profile, fold)
			folds[h] = fold
			hashes = append(hashes, h)
		}
	}
	say(q.Profile, keys)
	if q.Field == roster.EmployeeID {
		say("", values)
	}
	var found []string
	if err := tx.Raw("SELECT hash FROM erased_key WHERE profile IN (?, '') AND ?", q.Profile, db.engine.in("hash", textList(hashes))).Scan(&found).Error; err != nil {
		return nil, err
	}
	erased := map[string]bool{}
	for _, h := range found {
		erased[folds[h]] = true
	}
	return erased, nil
}

// eraseRuns takes the names out of what runs say in words, and ends the plans that
// wait and speak of an erased account: they are not the plan any more that was shown.
func (a *application) eraseRuns(t Traces) error {
	var rows []runRow
	if err := a.tx.Where("number <> ?", a.run).Order("number").Find(&rows).Error; err != nil {
		return err
	}
	for _, row := range rows {
		waits := row.AppliedSeq == nil && (row.Status == string(journal.Held) || row.Status == string(journal.Dry)) && slices.Contains(t.Runs, row.Number)
		if !waits && !t.mentioned(row.Doc) {
			continue
		}
		r, err := loadRun(row)
		if err != nil {
			return err
		}
		texts := []*string{&r.Decision, &r.Error}
		for i := range r.Facts.MissingCanaries {
			texts = append(texts, &r.Facts.MissingCanaries[i])
		}
		for i := range r.Findings {
			texts = append(texts, &r.Findings[i].Text)
		}
		spoke := waits
		for _, text := range texts {
			if t.mentioned(*text) {
				*text, spoke = Erased, true
			}
		}
		if !spoke {
			continue
		}
		if waits {
			r.Status, r.Decision = journal.Superseded, fmt.Sprintf("run %d has erased an account of which it speaks", a.run)
			err = end(a.tx, r)
		} else {
			err = saveRun(a.tx, r)
		}
		if err != nil {
			return err
		}
		a.Rewrite = append(a.Rewrite, r.Number)
	}
	a.Rewrite = append(a.Rewrite, t.Runs...)
	slices.Sort(a.Rewrite)
	a.Rewrite = slices.DeleteFunc(slices.Compact(a.Rewrite), func(n int64) bool { return n == a.run })
	return nil
}

// eraseMails takes the words out of every mail that speaks of an erased account. One
// that waits is sent all the same, without them; one to such a person is not.
func (a *application) eraseMails(t Traces) error {
	var rows []mailRow
	if err := a.tx.Order("number").Find(&rows).Error; err != nil {
		return err
	}
	for _, row := range rows {
		var m notify.Message
		if err := json.Unmarshal([]byte(row.Message), &m); err != nil {
			return fmt.Errorf("mail %d: %w", row.Number, err)
		}
		if !t.inMail(m) {
			continue
		}
		state := row.State
		gone := notify.Message{
			ID: m.ID, To: m.To, Headers: m.Headers, Subject: "rollcall: run " + fmt.Sprint(row.Run),
			Text: fmt.Sprintf("What stood here spoke of somebody whose data have been erased since. The rest of it: rollcall report preview %d\n", row.Run),
		}
		if slices.ContainsFunc(m.To, t.mentioned) {
			gone.To, state = nil, mailDead
		}
		text, err := json.Marshal(gone)
		if err != nil {
			return fmt.Errorf("mail %d: %w", row.Number, err)
		}
		if err := a.tx.Exec("UPDATE outbox SET message = ?, state = ?, error = CASE WHEN state = 'sent' THEN error ELSE '' END WHERE number = ?", string(text), state, row.Number).Error; err != nil {
			return err
		}
	}
	return nil
}

func (t Traces) inMail(m notify.Message) bool {
	if slices.ContainsFunc(append([]string{m.Subject, m.Text, m.HTML, m.ReplyTo}, m.To...), t.mentioned) {
		return true
	}
	return slices.ContainsFunc(m.Attach, func(x notify.Attachment) bool { return t.mentioned(string(x.Data)) })
}

// mentioned tells whether a text has one of the names, as a word or several.
func (t Traces) mentioned(text string) bool {
	if text == "" {
		return false
	}
	fold := roster.Fold(text)
	return slices.ContainsFunc(t.Names, func(name string) bool { return HasWord(fold, name) })
}

// HasWord tells whether word stands in text, with no letter or digit at either end.
func HasWord(text, word string) bool {
	inside := func(r rune) bool { return unicode.IsLetter(r) || unicode.IsDigit(r) }
	for from := 0; ; {
		i := strings.Index(text[from:], word)
		if i < 0 {
			return false
		}
		at := from + i
		before, _ := utf8.DecodeLastRuneInString(text[:at])
		after, _ := utf8.DecodeRuneInString(text[at+len(word):])
		if !inside(before) && !inside(after) {
			return true
		}
		from = at + max(1, len(word))
	}
}

// Overdue lists deleted accounts that some profile links, whose deletion lies at
// or before an instant and which no legal hold keeps, by id.
func (db *DB) Overdue(ctx context.Context, deleted time.Time) iter.Seq2[roster.Account, error] {
	return func(yield func(roster.Account, error) bool) {
		var ids []uint64
		tx := db.gorm.WithContext(ctx)
		err := tx.Raw(`SELECT a.id FROM due d CROSS JOIN account a WHERE d.kind = ? AND d.at <= ? AND a.id = d.account AND a.legal_hold = ''
			AND EXISTS (SELECT 1 FROM link l WHERE l.account = a.id) ORDER BY a.id`, dueDeleted, roster.Stamp(deleted)).Scan(&ids).Error
		if err != nil {
			yield(roster.Account{}, fmt.Errorf("list what is to be erased: %w", err))
			return
		}
		for part := range slices.Chunk(ids, page) {
			accounts, err := db.accountsByID(tx, part, false)
			if !yieldAll(yield, accounts, err) {
				return
			}
		}
	}
}

// Scrub brings what was erased out of the files of the database, as far as that can
// be done from here: SQLite's log is written back and emptied, PostgreSQL is asked to
// clear away dead rows.
func (db *DB) Scrub(ctx context.Context) error {
	return db.engine.scrub(ctx, db.pool)
}
