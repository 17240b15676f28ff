package store

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"slices"
	"strconv"
	"strings"
	"time"

	"rollcall/internal/plan"
	"rollcall/internal/roster"
)

// maxChoice is how many accounts an ambiguous name lists.
const maxChoice = 10

// Account reads an account with all its links; [ErrNone] where there is none.
func (db *DB) Account(ctx context.Context, id uint64) (*roster.Account, error) {
	tx := db.gorm.WithContext(ctx)
	found, err := db.accountsByID(tx, []uint64{id}, false)
	if err == nil {
		err = db.addGrants(tx, found)
	}
	if err != nil {
		return nil, fmt.Errorf("account %d: %w", id, err)
	}
	if len(found) == 0 {
		return nil, fmt.Errorf("account %d: %w; rollcall accounts list shows those there are", id, ErrNone)
	}
	return &found[0], nil
}

// Named finds the account that a person means: by username, by id:N, or by
// key:K, which is the employee ID or else the key by which a profile links it.
// A deleted account is found where no other is. [ErrNone] where nobody is
// meant, and an error that lists the choice where several are.
func (db *DB) Named(ctx context.Context, ref string) (*roster.Account, error) {
	if n, ok := strings.CutPrefix(ref, "id:"); ok {
		id, err := strconv.ParseUint(n, 10, 63)
		if err != nil {
			return nil, errors.New("after id: comes the number of an account, like id:20417")
		}
		return db.Account(ctx, id)
	}
	if err := storable(ref); err != nil {
		return nil, fmt.Errorf("account: %w; the name cannot be looked up", ErrNone)
	}
	if k, ok := strings.CutPrefix(ref, "key:"); ok {
		key := string(roster.NormalKey(k))
		return db.meant(ctx, fmt.Sprintf("key %q", key), key,
			"SELECT id FROM account WHERE "+hasNumber+" AND employee_id_folded = @folded AND employee_id = @exact",
			"SELECT account FROM link WHERE key_folded = @folded AND key = @exact")
	}
	a, err := db.meant(ctx, "this username", ref,
		"SELECT id FROM account WHERE "+holdsName+" AND username_folded = @folded",
		"SELECT id FROM account WHERE status = 'deleted' AND username_folded <> '' AND username_folded = @folded")
	if errors.Is(err, ErrNone) && roster.Numeric(ref) { // a number from the first column of a list, or one of HR's
		for _, also := range []string{"id:", "key:"} {
			if _, wrong := db.Named(ctx, also+ref); wrong == nil {
				return nil, fmt.Errorf("no account has this username: %w; did you mean %s%s?", ErrNone, also, ref)
			}
		}
	}
	return a, err
}

// meant finds the one account of a name, by the first of several queries for
// ids that finds any. Each may use the name @folded and @exact.
func (db *DB) meant(ctx context.Context, what, name string, queries ...string) (*roster.Account, error) {
	tx := db.gorm.WithContext(ctx)
	for _, query := range queries {
		var ids []uint64
		err := tx.Raw("SELECT DISTINCT * FROM ("+query+") AS found ORDER BY 1 LIMIT @most",
			map[string]any{"folded": roster.Fold(name), "exact": name, "most": page}).Scan(&ids).Error
		var found []roster.Account
		if err == nil {
			found, err = db.accountsByID(tx, ids, false)
		}
		if err == nil {
			err = db.addGrants(tx, found)
		}
		if err != nil {
			return nil, fmt.Errorf("look an account up: %w", err)
		}
		if live := slices.DeleteFunc(slices.Clone(found), func(a roster.Account) bool { return a.Status() == roster.Deleted }); len(live) > 0 {
			found = live
		}
		switch {
		case len(found) == 1:
			return &found[0], nil
		case len(found) > 1:
			return nil, fmt.Errorf("several accounts have %s: %s; name the one that is meant", what, choice(found))
		}
	}
	return nil, fmt.Errorf("no account has %s: %w; rollcall accounts list --query TEXT looks in names, addresses and employee IDs", what, ErrNone)
}

// choice lists accounts by id.
func choice(accounts []roster.Account) string {
	var ids []string
	for _, a := range accounts[:min(len(accounts), maxChoice)] {
		ids = append(ids, "id:"+strconv.FormatUint(a.ID, 10))
	}
	if len(accounts) > maxChoice {
		ids = append(ids, "…")
	}
	return strings.Join(ids, ", ")
}

// Accounts lists what q selects, by id. It reads page by page and holds nothing
// open in between, so the reader may take his time, and may write.
func (db *DB) Accounts(ctx context.Context, q AccountQuery) iter.Seq2[roster.Account, error] {
	return func(yield func(roster.Account, error) bool) {
		where, args, err := q.where()
		if err != nil {
			yield(roster.Account{}, err)
			return
		}
		tx := db.gorm.WithContext(ctx)
		text, last, given := roster.Fold(q.Text), uint64(0), 0
		for {
			read := 0
			var found []roster.Account
			err := each(tx, func(row scanner) error {
				a, err := scanAccount(row)
				if err != nil {
					return err
				}
				if read, last = read+1, a.ID; mentions(&a, text) {
					found = append(found, a)
				}
				return nil
			}, "SELECT "+accountColumns+" FROM account a WHERE a.id > ?"+where+" ORDER BY a.id LIMIT ?", slices.Concat([]any{last}, args, []any{page})...)
			if q.Limit > 0 {
				found = found[:min(len(found), q.Limit-given)]
			}
			given += len(found)
			if err == nil {
				err = db.addLinks(tx, found)
			}
			if err == nil {
				err = db.addCustom(tx, found)
			}
			if err == nil && q.Grants {
				err = db.addGrants(tx, found)
			}
			if !yieldAll(yield, found, err) || read < page || q.Limit > 0 && given == q.Limit {
				return
			}
		}
	}
}

// yieldAll gives the accounts, or else the error, and tells whether to go on.
func yieldAll(yield func(roster.Account, error) bool, accounts []roster.Account, err error) bool {
	if err != nil {
		yield(roster.Account{}, fmt.Errorf("list accounts: %w", err))
		return false
	}
	for _, a := range accounts {
		if !yield(a, nil) {
			return false
		}
	}
	return true
}

// outcomes are the words of --outcome and the changes that they mean.
var outcomes = map[string]plan.Action{
	"added": plan.Add, "updated": plan.Update, "renamed": plan.Rename,
	"reactivated": plan.Reactivate, "suspended": plan.Suspend, "deleted": plan.Delete,
}

// where is the condition of q but for its text, each part after an AND.
func (q AccountQuery) where() (sql string, args []any, err error) {
	and := func(s string, a ...any) { sql, args = sql+" AND "+s, append(args, a...) }

	switch q.Status {
	case "":
		if q.Outcome != "deleted" { // who asks for those means those
			and("a.status <> 'deleted'")
		}
	case "all":
	case string(roster.Active), string(roster.Suspended), string(roster.Deleted):
		and("a.status = ?", q.Status)
	default:
		return "", nil, fmt.Errorf("status %q: write active, suspended, deleted or all", q.Status)
	}
	if q.Profile != "" {
		and("EXISTS (SELECT 1 FROM link l WHERE l.profile = ? AND l.account = a.id)", q.Profile)
	}
	// The sum keeps SQLite from looking through all of the run's changes for each
	// account. An add does not name its account: it lies at its number.
	const did = `EXISTS (SELECT 1 FROM change c JOIN run r ON r.number = c.run WHERE c.account = a.id AND c.run + 0 = ? AND ` + carriedOut + ` AND c.action %[1]s
			UNION ALL SELECT 1 FROM run r JOIN change c ON c.run = r.number AND c.ord = a.id - r.ids_from WHERE r.number = ? AND c.account IS NULL AND ` + carriedOut + ` AND c.action %[1]s)`
	action, known := outcomes[q.Outcome]
	switch {
	case q.Outcome != "" && q.Run == 0:
		return "", nil, errors.New("an outcome is that of a run: name the run too")
	case known:
		and(fmt.Sprintf(did, "= ?"), q.Run, string(action), q.Run, string(action))
	case q.Outcome != "" && q.Outcome != "all":
		return "", nil, fmt.Errorf("outcome %q: write added, updated, renamed, reactivated, suspended, deleted or all", q.Outcome)
	case q.Run != 0:
		and(fmt.Sprintf(did, "<> 'claim'"), q.Run, q.Run)
	}
	if q.Site != "" {
		within, of := siteIs(q.Site)
		and(within, of...)
	}
	for _, m := range []struct {
		kind roster.Kind
		name string
	}{{roster.RoleKind, q.Role}, {roster.CohortKind, q.Cohort}} {
		if m.name != "" {
			and("a.id IN (SELECT m.account FROM membership m WHERE m.kind = ? AND m.name = ? AND m.ended = '')", string(m.kind), m.name)
		}
	}
	// expires_at is the first moment without access, so on that day it has passed.
	if !q.ExpiresBefore.IsZero() {
		and("a.expires_at <> '' AND a.expires_at <= ?", roster.Stamp(q.ExpiresBefore))
	}
	if !q.RegisteredAfter.IsZero() {
		and("a.created_at >= ?", micros(q.RegisteredAfter))
	}
	if !q.RegisteredBefore.IsZero() {
		and("a.created_at < ?", micros(q.RegisteredBefore))
	}
	if !q.LastLoginBefore.IsZero() {
		and("a.last_login_at <> '' AND a.last_login_at < ?", roster.Stamp(q.LastLoginBefore))
	}
	return sql, args, storable(q.Profile, q.Site, q.Role, q.Cohort)
}

// mentions tells whether a folded text stands in what people look an account up
// by. It is done here because SQLite folds ASCII alone.
func mentions(a *roster.Account, text string) bool {
	if text == "" {
		return true
	}
	for _, f := range []roster.Field{roster.Username, roster.Email, roster.FirstName, roster.LastName, roster.EmployeeID} {
		if strings.Contains(roster.Fold(a.Values[f]), text) {
			return true
		}
	}
	return false
}

// Due lists the accounts of which something is due by date, by id, with all their
// links: active ones that have expired, those that a date keeps suspended until a
// start that is past, and those of which the period of a membership is over. Of the
// last the grants are loaded.
func (db *DB) Due(ctx context.Context, now time.Time) iter.Seq2[roster.Account, error] {
	return func(yield func(roster.Account, error) bool) {
		// The numbers first: they come at the cost of what is due.
		var ended, begun []uint64
		at := roster.Stamp(now)
		tx := db.gorm.WithContext(ctx)
		err := tx.Raw("SELECT account FROM due WHERE kind = ? AND at <= ?", dueExpires, at).Scan(&ended).Error
		if err == nil {
			err = tx.Raw(`SELECT a.id FROM due d CROSS JOIN account a WHERE d.kind = ? AND d.at <= ? AND a.id = d.account
				AND a.starts_at <= ? AND a.status = 'suspended' AND a.status_by = ?`, dueStarts, at, at, string(roster.OriginDate)).Scan(&begun).Error
		}
		if err != nil {
			yield(roster.Account{}, fmt.Errorf("list due accounts: %w", err))
			return
		}
		over, err := endedBy(tx, now)
		if err != nil {
			yield(roster.Account{}, fmt.Errorf("list due memberships: %w", err))
			return
		}
		ids := slices.Concat(ended, begun, over)
		slices.Sort(ids)
		ids = slices.Compact(ids)
		for part := range slices.Chunk(ids, page) {
			accounts, err := db.accountsByID(tx, part, false)
			if err == nil && len(over) > 0 {
				err = db.addGrants(tx, accounts)
			}
			if !yieldAll(yield, accounts, err) {
				return
			}
		}
	}
}
