package store

import (
	"context"
	"fmt"
	"iter"
	"slices"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"
	"gorm.io/gorm"
	"gorm.io/gorm/clause"

	"rollcall/internal/plan"
	"rollcall/internal/roster"
)

// page is how many rows are read at a time by what streams: no cursor stays
// open, so whoever reads may write at the same time.
const page = 1000

var _ plan.Directory = (*DB)(nil)

// Find implements [plan.Directory].
//
// A match key that is not username, email or employee_id is found with its
// ASCII letters folded, and by looking at every account.
func (db *DB) Find(ctx context.Context, q plan.Query) (plan.Found, error) {
	tx := db.gorm.WithContext(ctx)
	found := plan.Found{New: map[roster.Key]bool{}}
	var empty bool
	if err := tx.Raw("SELECT NOT EXISTS (SELECT 1 FROM account) AND NOT EXISTS (SELECT 1 FROM decision) AND NOT EXISTS (SELECT 1 FROM erased_key) AS empty").Scan(&empty).Error; err != nil {
		return found, fmt.Errorf("find accounts: %w", err)
	}
	if empty { // a first load asks for everybody
		return found, nil
	}
	keys := make([]string, len(q.Keys))
	for i, k := range q.Keys {
		keys[i] = roster.Fold(string(k))
	}
	values := make([]string, 0, len(q.Values))
	for _, v := range q.Values {
		if v != "" {
			values = append(values, roster.Fold(v))
		}
	}
	ids, err := db.lookup(ctx, q, keys, values, &found)
	if err != nil {
		return found, err
	}
	if found.Accounts, err = db.accountsAbreast(ctx, ids); err != nil {
		return found, fmt.Errorf("find accounts: %w", err)
	}
	if q.Grants {
		if err := db.addGrants(tx, found.Accounts); err != nil {
			return found, fmt.Errorf("find memberships: %w", err)
		}
	}
	return found, nil
}

// crew asks questions about so many records at the same time, each on a connection of
// its own; about a few, one after the other.
func (db *DB) crew(ctx context.Context, records int) (*errgroup.Group, context.Context) {
	g, ctx := errgroup.WithContext(ctx)
	if g.SetLimit(1); records > handful {
		g.SetLimit(db.engine.abreast())
	}
	return g, ctx
}

// handful is how many records are not worth another connection.
const handful = 250

// lookup gives the numbers of the accounts to which a query leads, in order, each
// once, and fills in what else is found.
func (db *DB) lookup(ctx context.Context, q plan.Query, keys, values []string, found *plan.Found) ([]uint64, error) {
	ways := []way{
		{keys, "SELECT account FROM link WHERE profile = ? AND ?", []any{q.Profile}, "key_folded"},
		{q.Anchors, "SELECT account FROM link WHERE anchor <> '' AND profile = ? AND ?", []any{q.Profile}, "anchor"},
		{q.Usernames, "SELECT id FROM account WHERE " + holdsName + " AND ?", nil, "username_folded"},
		{q.Gone, "SELECT n.account FROM former_name n JOIN account a ON a.id = n.account JOIN link l ON l.account = n.account WHERE n.kind = 'username' AND a.status = 'deleted' AND a.username_folded = n.folded AND l.profile = ? AND ?", []any{q.Profile}, "n.folded"},
		{q.Emails, "SELECT id FROM account WHERE " + holdsEmail + " AND ?", nil, "email_folded"},
		db.byField(q, values),
	}
	for _, u := range q.Unique {
		ways = append(ways, way{
			foldedValues(u.Values),
			"SELECT f.account FROM account_field f JOIN account a ON a.id = f.account WHERE a.status <> 'deleted' AND f.folded <> '' AND f.name = ? AND ?",
			[]any{customOf(u.Name)},
			"f.folded",
		})
	}
	g, ctx := db.crew(ctx, len(keys)+len(q.Usernames)+len(q.Emails))
	tx := db.gorm.WithContext(ctx)
	ask := func(what string, f func() error) {
		g.Go(func() error {
			if err := f(); err != nil {
				return fmt.Errorf("find %s: %w", what, err)
			}
			return nil
		})
	}
	lists := make([][]uint64, len(ways)+1)
	for i, w := range ways {
		if len(w.list) > 0 {
			ask("accounts", func() (err error) { lists[i], err = db.follow(tx, w); return err })
		}
	}
	ask("look-alikes", func() (err error) { lists[len(ways)], err = db.alike(tx, q); return err })
	if len(q.Usernames) > 0 {
		ask("held names", func() (err error) {
			found.Holds, err = db.holds(tx, q.Now, db.engine.in("folded", textList(q.Usernames)))
			return err
		})
	}
	if len(keys) > 0 {
		ask("decisions", func() error {
			var decided []roster.Key
			err := tx.Raw("SELECT key_folded FROM decision WHERE profile = ? AND ?", q.Profile, db.engine.in("key_folded", textList(keys))).Scan(&decided).Error
			for _, k := range decided {
				found.New[k] = true
			}
			return err
		})
	}
	if len(keys)+len(values) > 0 {
		ask("erased keys", func() (err error) { found.Erased, err = db.forgotten(tx, q, keys, values); return err })
	}
	if err := g.Wait(); err != nil {
		return nil, err
	}
	ids := slices.Concat(append(lists, q.IDs)...)
	slices.Sort(ids)
	return slices.Compact(ids), nil
}

// follow gives the numbers of the accounts to which a way leads.
func (db *DB) follow(tx *gorm.DB, w way) (ids []uint64, err error) {
	err = each(tx, func(row scanner) error {
		var id uint64
		err := row.Scan(&id) // a list would be made by reflection, which is a tenth of a night that reads all
		ids = append(ids, id)
		return err
	}, w.query, append(w.args, db.engine.in(w.in, textList(w.list)))...)
	return ids, err
}

// A way leads from texts to the numbers of accounts.
type way struct {
	list  []string
	query string
	args  []any
	in    string
}

// byField is the way by the values of the match key.
func (db *DB) byField(q plan.Query, values []string) way {
	if q.Field == roster.CustomField {
		return way{foldedValues(values), "SELECT account FROM account_field WHERE folded <> '' AND name = ? AND ?", []any{customOf(q.Custom)}, "folded"}
	}
	return way{values, "SELECT id FROM account WHERE " + matchable(q.Field) + " AND ?", nil, matched(q.Field)}
}

// alike finds the accounts on which all witnesses agree (R48), with their ASCII
// letters folded, by looking at every account that is not deleted.
func (db *DB) alike(tx *gorm.DB, q plan.Query) (ids []uint64, err error) {
	if len(q.Likes) == 0 || len(q.Witness) == 0 {
		return nil, nil
	}
	var values []string
	for _, n := range q.Witness {
		if f, ok := n.Field(); ok {
			values = append(values, "lower("+f.String()+")")
		} else {
			name, _ := n.Custom()
			if strings.ContainsAny(name, "?@") || storable(name) != nil {
				return nil, nil // no field of a catalog is called so
			}
			values = append(values, "(SELECT folded FROM account_field f WHERE f.account = account.id AND f.name = '"+strings.ReplaceAll(name, "'", "''")+"')")
		}
	}
	like := strings.Join(values, " || '"+plan.Between+"' || ")
	err = tx.Raw("SELECT id FROM account WHERE status <> 'deleted' AND ?", db.engine.in(like, textList(q.Likes))).Scan(&ids).Error
	return ids, err
}

// The conditions of the partial indexes: a query without them does not use the index.
const (
	holdsName  = "gone = 0 AND username_folded <> ''"
	holdsEmail = "gone = 0 AND email_folded <> ''"
	hasNumber  = "employee_id_folded <> ''"
)

// matchable is what accounts can be found by a field, and matched is the field folded.
func matchable(f roster.Field) string {
	switch f {
	case roster.Username:
		return holdsName
	case roster.Email:
		return holdsEmail
	case roster.EmployeeID:
		return hasNumber
	}
	return f.String() + " <> ''"
}

func matched(f roster.Field) string {
	switch f {
	case roster.Username, roster.Email, roster.EmployeeID:
		return f.String() + "_folded"
	}
	return "lower(" + f.String() + ")"
}

func (db *DB) holds(tx *gorm.DB, now time.Time, which clause.Expr) ([]plan.Hold, error) {
	var rows []struct {
		Folded  string
		Account uint64
	}
	err := tx.Raw("SELECT DISTINCT folded, account FROM former_name WHERE kind = 'username' AND held_until > ? AND ? ORDER BY folded, account", micros(now), which).Scan(&rows).Error
	holds := make([]plan.Hold, len(rows))
	for i, r := range rows {
		holds[i] = plan.Hold{Name: r.Folded, Account: r.Account}
	}
	return holds, err
}

// Freed tells whether a name that was kept from others has become anybody's since
// an instant, until now: a row that wanted it may have it by now (R33).
func (db *DB) Freed(ctx context.Context, since, now time.Time) (bool, error) {
	var n int
	err := db.gorm.WithContext(ctx).Raw("SELECT count(*) FROM former_name WHERE kind = 'username' AND held_until > ? AND held_until <= ?", micros(since), micros(now)).Scan(&n).Error
	if err != nil {
		return false, fmt.Errorf("names that have become free: %w", err)
	}
	return n > 0, nil
}

// accountsAbreast is [DB.accountsByID] by a crew.
func (db *DB) accountsAbreast(ctx context.Context, ids []uint64) ([]roster.Account, error) {
	hands := db.engine.abreast()
	g, ctx := db.crew(ctx, len(ids))
	parts := make([][]roster.Account, hands)
	for i := range hands {
		part := ids[i*len(ids)/hands : (i+1)*len(ids)/hands]
		g.Go(func() (err error) {
			parts[i], err = db.accountsByID(db.gorm.WithContext(ctx), part, false)
			return err
		})
	}
	err := g.Wait()
	return slices.Concat(parts...), err
}

// accountsByID loads accounts with all their links, by id. locked keeps others
// from changing them until the transaction ends.
func (db *DB) accountsByID(tx *gorm.DB, ids []uint64, locked bool) ([]roster.Account, error) {
	accounts := make([]roster.Account, 0, len(ids))
	for part := range slices.Chunk(ids, page) {
		query := "SELECT " + accountColumns + " FROM account a WHERE ? ORDER BY a.id"
		if locked {
			query += db.engine.forUpdate()
		}
		from := len(accounts)
		if err := each(tx, func(row scanner) error {
			a, err := scanAccount(row)
			accounts = append(accounts, a)
			return err
		}, query, db.engine.in("a.id", numberList(part))); err != nil {
			return nil, err
		}
		if err := db.addLinks(tx, accounts[from:]); err != nil {
			return nil, err
		}
		if err := db.addCustom(tx, accounts[from:]); err != nil {
			return nil, err
		}
	}
	return accounts, nil
}

// addLinks adds their links to accounts that are sorted by id.
func (db *DB) addLinks(tx *gorm.DB, accounts []roster.Account) error {
	ids := make([]uint64, len(accounts))
	for i, a := range accounts {
		ids[i] = a.ID
	}
	i := 0
	return each(tx, func(row scanner) error {
		var id uint64
		var l roster.Link
		var decided int
		if err := row.Scan(&id, &l.Profile, &l.Key, &l.Claim, &decided, &l.Anchor); err != nil {
			return err
		}
		l.Decided = decided == 1
		for accounts[i].ID != id {
			i++
		}
		accounts[i].Links = append(accounts[i].Links, l)
		return nil
	}, "SELECT account, profile, key, claim, decided, anchor FROM link WHERE ? ORDER BY account, profile", db.engine.in("account", numberList(ids)))
}

// A scanner is a row.
type scanner interface{ Scan(dest ...any) error }

// each reads the rows of a query to their end.
func each(tx *gorm.DB, f func(scanner) error, query string, args ...any) error {
	rows, err := tx.Raw(query, args...).Rows()
	if err != nil {
		return translated(tx, err)
	}
	defer rows.Close()
	for rows.Next() {
		if err := f(rows); err != nil {
			return err
		}
	}
	return translated(tx, rows.Err())
}

// translated does what GORM leaves out where somebody reads rows himself.
func translated(tx *gorm.DB, err error) error {
	return tx.Dialector.(gorm.ErrorTranslator).Translate(err)
}

// Numbered implements [plan.Directory]: base alone is not among them.
func (db *DB) Numbered(ctx context.Context, base string, now time.Time) ([]string, error) {
	base = roster.Fold(base)
	if storable(base) != nil {
		return nil, nil
	}
	// A digit is what stands between / and : in the order of bytes, which both databases keep.
	from, to := base+"0", base+":"
	tx := db.gorm.WithContext(ctx)
	var names []string
	err := tx.Raw("SELECT username_folded FROM account WHERE "+holdsName+` AND username_folded >= ? AND username_folded < ?
		UNION SELECT folded FROM former_name WHERE kind = 'username' AND held_until > ? AND folded >= ? AND folded < ?
		ORDER BY 1`, from, to, micros(now), from, to).Scan(&names).Error
	if err != nil {
		return nil, fmt.Errorf("find numbered usernames: %w", err)
	}
	return slices.DeleteFunc(names, func(name string) bool {
		return strings.Trim(name[len(base):], "0123456789") != ""
	}), nil
}

// Owned implements [plan.Directory].
func (db *DB) Owned(ctx context.Context, profile string) iter.Seq2[roster.Account, error] {
	return db.pages(ctx, "owned accounts", func(tx *gorm.DB, after uint64) *gorm.DB {
		return tx.Raw("SELECT account FROM link WHERE profile = ? AND account > ? ORDER BY account LIMIT ?", profile, after, page)
	})
}

// pages streams accounts by id. next is the query for at most a page of ids
// above after, in order.
func (db *DB) pages(ctx context.Context, what string, next func(tx *gorm.DB, after uint64) *gorm.DB) iter.Seq2[roster.Account, error] {
	return func(yield func(roster.Account, error) bool) {
		tx := db.gorm.WithContext(ctx)
		for after := uint64(0); ; {
			var ids []uint64
			var accounts []roster.Account
			err := next(tx, after).Scan(&ids).Error
			if err == nil {
				accounts, err = db.accountsByID(tx, ids, false)
			}
			if err != nil {
				yield(roster.Account{}, fmt.Errorf("%s: %w", what, err))
				return
			}
			for _, a := range accounts {
				if !yield(a, nil) {
					return
				}
			}
			if len(ids) == 0 {
				return
			}
			after = ids[len(ids)-1]
		}
	}
}
