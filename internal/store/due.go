package store

import (
	"fmt"
	"slices"

	"rollcall/internal/roster"
)

// The table due says of which accounts time will do something, or tell, and from when
// on: again what the accounts themselves say, kept beside them. An index over these
// columns of account would be shorter, and had every index of an account written for
// each that is suspended.
const (
	dueExpires = "expires" // an active account, from expires_at on
	dueStarts  = "starts"  // one that has not started, from starts_at on, or expires_at where that is sooner
	dueMissing = "missing" // one suspended by absence, since then
	dueDeleted = "deleted" // a deleted one, since then
)

// dueOfAny is true, in SQL, of every row; the key begins with the kind.
const dueOfAny = "kind IN ('" + dueExpires + "', '" + dueStarts + "', '" + dueMissing + "', '" + dueDeleted + "')"

// A due is one row of the table, without its account. No time is before every other.
type due struct{ kind, at string }

// duesOf are those of an account; of hardly any are there more than one.
func duesOf(a *roster.Account) []due {
	var all []due
	expires, starts := a.Values[roster.ExpiresAt], a.Values[roster.StartsAt]
	switch status := a.Status(); {
	case status == roster.Active && expires != "":
		all = append(all, due{dueExpires, expires})
	case status == roster.Deleted && a.Values[roster.DeletedAt] != "":
		all = append(all, due{dueDeleted, a.Values[roster.DeletedAt]})
	}
	switch roster.Reason(a.Values[roster.StatusReason]) {
	case roster.NotStarted:
		if expires != "" {
			starts = min(starts, expires)
		}
		all = append(all, due{dueStarts, starts})
	case roster.Missing:
		all = append(all, due{dueMissing, a.Values[roster.StatusSince]})
	}
	return all
}

// dues notes what is due of an account that was not, or at another time, and what no longer is.
func (r *rows) dues(was, is *roster.Account) {
	before, after := duesOf(was), duesOf(is)
	for _, d := range after {
		if !slices.Contains(before, d) {
			r.due = append(r.due, dueRow(is.ID, d))
		}
	}
	for _, d := range before {
		if !slices.ContainsFunc(after, func(other due) bool { return other.kind == d.kind }) {
			r.undue[d.kind] = append(r.undue[d.kind], is.ID)
		}
	}
}

var columnsOfDue = []string{"kind", "account", "at"}

func dueRow(account uint64, d due) []any { return []any{d.kind, int64(account), d.at} }

// storeDues writes what is due of the accounts of a chunk.
func (a *application) storeDues(r *rows) error {
	err := a.upsert("INSERT INTO due (kind, account, at) VALUES ", r.due, " ON CONFLICT (kind, account) DO UPDATE SET at = excluded.at")
	for kind, ids := range r.undue {
		if err == nil {
			err = a.tx.Exec("DELETE FROM due WHERE kind = ? AND ?", kind, a.db.engine.in("account", numberList(ids))).Error
		}
	}
	if err != nil {
		return fmt.Errorf("note what is due: %w", err)
	}
	return nil
}
