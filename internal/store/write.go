package store

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"rollcall/internal/journal"
	"rollcall/internal/plan"
	"rollcall/internal/roster"
)

// columnsOfAccount are those that [accountRow] fills: all.
var columnsOfAccount = slices.Concat(
	[]string{"id", "version"}, strings.Split(accountFields, ", "),
	[]string{"username_folded", "email_folded", "employee_id_folded", "gone", "origins", "password_set", "must_change_password", "created_at", "updated_at"})

// An [over] has a bit for each of them.
var _ [64 - (2 + roster.NumFields + 9)]struct{}

func accountRow(a *roster.Account) []any {
	row := make([]any, 0, len(columnsOfAccount))
	row = append(row, int64(a.ID), int64(a.Version))
	for _, v := range a.Values {
		row = append(row, v)
	}
	return append(row, accountTail(a)...)
}

// accountTail is what follows the fields.
func accountTail(a *roster.Account) []any {
	return []any{
		roster.Fold(a.Values[roster.Username]), roster.Fold(a.Values[roster.Email]), roster.Fold(a.Values[roster.EmployeeID]),
		int64(flag(a.Status() == roster.Deleted)), writeOrigins(a.Origins), int64(flag(a.PasswordSet())), int64(flag(a.MustChangePassword())), micros(a.CreatedAt), micros(a.UpdatedAt),
	}
}

// An over is a row to be written over the one with the same id, which is its first
// value. Bit k of differ says that value k may be another than it was: what is not
// written is entered into no index.
type over struct {
	row    []any
	differ uint64
}

// over is the row of an account that a change has made another.
func (c *storedChange) over(was, is *roster.Account) over {
	o := over{row: accountRow(is)}
	for f := range is.Values {
		if is.Values[f] != was.Values[f] {
			o.differ |= 1 << (2 + f)
		}
	}
	tail := 2 + len(is.Values)
	for k, value := range accountTail(was) {
		if value != o.row[tail+k] {
			o.differ |= 1 << (tail + k)
		}
	}
	if c.parks() {
		o.differ |= 1 << slices.Index(columnsOfAccount, "username_folded")
	}
	o.differ |= 1 << slices.Index(columnsOfAccount, "version")
	return o
}

// write carries out what is left, chunk by chunk in plan order.
func (a *application) write(ctx context.Context) error {
	sum := newDigester() // of what is carried out: another connection may have read it
	err := a.each(ctx, a.told(Applying, func(list []storedChange) error {
		for i := range list {
			sum.again(&list[i])
		}
		if !a.empty { // a plan that is made while a table is empty must not be kept
			if err := a.db.engine.hasten(a.work); err != nil {
				return err
			}
		}
		return a.writeChunk(ctx, list)
	}))
	a.at(Finishing, 0)
	if err != nil {
		return err
	}
	return a.proven(sum)
}

// rows are what the changes of a chunk come to, table by table, but for new
// accounts.
type rows struct {
	updates            []over
	links, names       [][]any
	due                [][]any
	undue              map[string][]uint64 // accounts by kind
	unlinked           map[string][]uint64 // accounts by profile
	purged             []uint64
	granted, regranted [][]any // memberships
	ungranted          [][]any
	merged             [][2]int64          // accounts, each with the one that it has become part of
	fields             [][]any             // custom ones
	emptied            map[string][]uint64 // accounts by the custom field that they no longer have
}

func (a *application) writeChunk(ctx context.Context, list []storedChange) error {
	if err := a.newcomers(ctx, list); err != nil {
		return err
	}
	var ids []uint64
	others := 0
	for i := range list {
		c := &list[i]
		if c.Done != journal.Planned || c.Action == plan.Add {
			continue
		}
		others++
		if err := c.read(); err != nil {
			return err
		}
		if c.Action != plan.Claim || c.ties() {
			ids = append(ids, c.account)
		}
	}
	if others == 0 {
		return nil
	}
	accounts, err := a.accounts(ids, a.still) // else they are locked already
	if err != nil {
		return err
	}
	r := rows{unlinked: map[string][]uint64{}, undue: map[string][]uint64{}}
	if err := a.gather(list); err != nil {
		return err
	}
	for i := range list {
		c := &list[i]
		if c.Done != journal.Planned || c.Action == plan.Add {
			continue
		}
		switch c.Action {
		case plan.Purge:
			r.purged = append(r.purged, c.account)
			a.welcomed(accounts[c.account], &roster.Account{ID: c.account})
			a.shares.enter(accounts[c.account].Status(), accounts[c.account].Links, -1)
			continue
		case plan.Claim:
			if was := accounts[c.account]; was != nil {
				a.shares.enter(was.Status(), was.Links, -1)
				a.shares.enter(was.Status(), relinked(was.Links, &c.Change), 1)
			}
		default:
			is := accounts[c.account]
			was := *is
			a.change(&c.Change, is)
			if into, err := strconv.ParseInt(is.Values[roster.MergedInto], 10, 64); err == nil && c.Field(roster.MergedInto) != nil {
				r.merged = append(r.merged, [2]int64{int64(is.ID), into})
			}
			if c.Action == plan.Anonymise {
				blank(is)
			}
			r.names = append(r.names, a.formerNames(&c.Change, &was)...)
			a.welcomed(&was, is)
			a.shares.enter(was.Status(), was.Links, -1)
			a.shares.enter(is.Status(), relinked(was.Links, &c.Change), 1)
			r.updates = append(r.updates, c.over(&was, is))
			r.dues(&was, is)
		}
		r.custom(c)
		a.links(&r, c)
		r.grants(c)
	}
	return a.store(ctx, r)
}

// ties tells whether a change makes or removes a link.
func (c *storedChange) ties() bool {
	return slices.ContainsFunc(c.Links, func(l plan.LinkChange) bool { return l.Old == "" || l.New == "" })
}

// gather notes what is known of the accounts that a chunk erases, while it still is.
func (a *application) gather(list []storedChange) error {
	var ids []uint64
	for i := range list {
		if c := &list[i]; c.Done == journal.Planned && c.Erases() {
			ids = append(ids, c.account)
		}
	}
	if len(ids) == 0 {
		return nil
	}
	t, err := a.db.traces(a.tx, ids)
	if err != nil {
		return err
	}
	a.erased = append(a.erased, ids...)
	a.traces.Names, a.traces.Runs = append(a.traces.Names, t.Names...), append(a.traces.Runs, t.Runs...)
	if a.traces.keys == nil {
		a.traces.keys = map[linkKey][]uint64{}
	}
	for at, of := range t.keys {
		a.traces.keys[at] = append(a.traces.keys[at], of...)
	}
	return nil
}

// blank empties what a feed or a person said of an account.
func blank(a *roster.Account) {
	for f := range roster.NumFeedFields {
		a.Values[f], a.Origins[f] = "", ""
	}
	a.Values[roster.StartsAt], a.Values[roster.ExpiresAt] = "", ""
	a.Values[roster.PasswordField] = ""
}

// change makes to what c says: empty values too.
func (a *application) change(c *plan.Change, to *roster.Account) {
	for _, f := range c.Fields {
		f.Write(to)
	}
	to.Version++
	to.UpdatedAt = a.now
}

// formerNames are the names that an account gives up: a username is held from
// others for a while (R33). Another spelling of the same name gives nothing up.
func (a *application) formerNames(c *plan.Change, was *roster.Account) (list [][]any) {
	for _, f := range []roster.Field{roster.Username, roster.Email} {
		old := was.Values[f]
		change := c.Field(f)
		given := c.Action == plan.Delete || change != nil && roster.Fold(change.Old) != roster.Fold(change.New)
		if old == "" || !given {
			continue
		}
		held := int64(0)
		if f == roster.Username {
			held = micros(a.now.Add(a.HoldNames))
		}
		list = append(list, []any{int64(was.ID), f.String(), old, roster.Fold(old), micros(a.now), held})
	}
	return list
}

func (a *application) links(r *rows, c *storedChange) {
	for _, l := range c.Links {
		switch {
		case l.New == "":
			r.unlinked[l.Profile] = append(r.unlinked[l.Profile], c.account)
			continue
		default:
			r.links = append(r.links, a.linkRow(l, c.account))
		}
	}
}

var columnsOfLink = []string{"profile", "account", "key", "key_folded", "claim", "decided", "since", "anchor"}

func (a *application) linkRow(l plan.LinkChange, account uint64) []any {
	return []any{l.Profile, int64(account), string(l.NewKey), roster.Fold(string(l.NewKey)), string(l.New), flag(l.Decided), micros(a.now), l.NewAnchor}
}

// store writes the rows of a chunk.
func (a *application) store(ctx context.Context, r rows) error {
	e := a.db.engine
	n, err := e.overwrite(ctx, a.work, "account", columnsOfAccount, r.updates)
	if err := exactly(int64(len(r.updates)), n, err); err != nil {
		return fmt.Errorf("change accounts: %w", err)
	}
	if err := a.storeDues(&r); err != nil {
		return err
	}
	if err := a.upsert("INSERT INTO link ("+strings.Join(columnsOfLink, ", ")+") VALUES ", r.links,
		` ON CONFLICT (profile, account) DO UPDATE SET key = excluded.key, key_folded = excluded.key_folded, claim = excluded.claim, decided = excluded.decided, anchor = excluded.anchor,
			since = CASE WHEN link.claim = excluded.claim THEN link.since ELSE excluded.since END`); err != nil {
		return fmt.Errorf("link accounts: %w", err)
	}
	for profile, ids := range r.unlinked {
		if err := a.tx.Exec("DELETE FROM link WHERE profile = ? AND ?", profile, e.in("account", numberList(ids))).Error; err != nil {
			return fmt.Errorf("unlink accounts: %w", err)
		}
	}
	if err := a.storeCustom(&r); err != nil {
		return err
	}
	if err := a.upsert("INSERT INTO former_name (account, kind, value, folded, until, held_until) VALUES ", r.names, " ON CONFLICT DO NOTHING"); err != nil {
		return fmt.Errorf("remember names: %w", err)
	}
	if err := a.storeGrants(ctx, &r); err != nil {
		return err
	}
	for _, m := range r.merged { // its names are the other's now, which may take them back (R33)
		if err := a.tx.Exec("UPDATE former_name SET account = ? WHERE account = ?", m[1], m[0]).Error; err != nil {
			return fmt.Errorf("move names: %w", err)
		}
	}
	return a.purge(r.purged)
}

func (a *application) upsert(head string, rows [][]any, tail string) error {
	if len(rows) == 0 {
		return nil
	}
	for part := range slices.Chunk(rows, page) {
		tuple := "(?" + strings.Repeat(", ?", len(part[0])-1) + ")"
		if err := a.tx.Exec(head+tuple+strings.Repeat(", "+tuple, len(part)-1)+tail, slices.Concat(part...)...).Error; err != nil {
			return err
		}
	}
	return nil
}

// purge removes accounts outright: names and keys are free.
func (a *application) purge(ids []uint64) error {
	if len(ids) == 0 {
		return nil
	}
	for _, from := range []string{"link WHERE ?", "former_name WHERE ?", "credential WHERE ?", "membership WHERE ?", "account_field WHERE ?", "due WHERE " + dueOfAny + " AND ?"} {
		if err := a.tx.Exec("DELETE FROM "+from, a.db.engine.in("account", numberList(ids))).Error; err != nil {
			return fmt.Errorf("purge: %w", err)
		}
	}
	res := a.tx.Exec("DELETE FROM account WHERE ?", a.db.engine.in("id", numberList(ids)))
	if err := exactly(int64(len(ids)), res.RowsAffected, res.Error); err != nil {
		return fmt.Errorf("purge: %w", err)
	}
	return nil
}
