package store

import (
	"context"
	"fmt"

	"rollcall/internal/fault"
	"rollcall/internal/journal"
	"rollcall/internal/plan"
	"rollcall/internal/roster"
)

// newcomers writes the new accounts of a chunk, and their links. A first load has
// a million of them: each is read from its change while the one before is being
// stored, and only those columns are written that somebody in the chunk fills.
func (a *application) newcomers(ctx context.Context, list []storedChange) error {
	adds := make([]*storedChange, 0, len(list))
	var used roster.FieldSet
	links := 0
	for i := range list {
		c := &list[i]
		if c.Action != plan.Add || c.Done != journal.Planned {
			continue
		}
		if err := c.readLinks(); err != nil {
			return err
		}
		links += len(c.Links)
		if err := c.eachNew(func(f roster.Field, _ string, _ roster.Origin) { used = used.With(f) }); err != nil {
			return err
		}
		adds = append(adds, c)
	}
	var due [][]any
	err := a.insert(ctx, "account", len(adds), newAccountColumns(used), a.newAccounts(adds, used, &due))
	if err := fault.After(err, "store.apply.added"); err != nil {
		return fmt.Errorf("add accounts: %w", err)
	}
	if err := a.insert(ctx, "due", len(due), columnsOfDue, inTurn(due)); err != nil {
		return fmt.Errorf("note what is due: %w", err)
	}
	if err := a.insert(ctx, "link", links, columnsOfLink, a.newLinks(adds)); err != nil {
		return fmt.Errorf("link accounts: %w", err)
	}
	if err := a.newCustom(ctx, adds); err != nil {
		return err
	}
	if err := a.newGrants(ctx, adds); err != nil {
		return err
	}
	if len(adds) == 0 || a.undecided {
		return nil
	}
	keys := make([]string, len(adds))
	for i, c := range adds {
		keys[i] = roster.Fold(string(c.Key))
	}
	// What a person has decided about a key has come true with its account (R49).
	if err := a.tx.Exec("DELETE FROM decision WHERE profile = ? AND ?", a.Run.Profile, a.db.engine.in("key_folded", textList(keys))).Error; err != nil {
		return fmt.Errorf("forget decisions: %w", err)
	}
	return nil
}

// insert adds so many rows to a table.
func (a *application) insert(ctx context.Context, table string, rows int, columns []string, next func() ([]any, error)) error {
	if rows == 0 {
		return nil
	}
	n, err := a.db.engine.insert(ctx, a.work, table, columns, next)
	return exactly(int64(rows), n, err)
}

// eachNew calls do with each field of an add that is a column.
func (c *storedChange) eachNew(do func(f roster.Field, value string, is roster.Origin)) error {
	var err error
	if isNew(c.fields) {
		err = eachNew(c.fields, do)
	} else {
		var fields []plan.FieldChange
		fields, err = readFields(c.fields)
		for i := range fields {
			if fields[i].Field != roster.CustomField {
				do(fields[i].Field, fields[i].New, fields[i].Is)
			}
		}
	}
	if err != nil {
		return fmt.Errorf("change %d: fields: %w", c.ord, err)
	}
	return nil
}

// newAccountColumns are those of columnsOfAccount that new accounts with such
// fields do not leave empty.
func newAccountColumns(used roster.FieldSet) []string {
	columns := []string{"id", "version"}
	for f := range roster.NumFields {
		if used.Has(f) {
			columns = append(columns, f.String())
		}
	}
	return append(columns, columnsOfAccount[2+int(roster.NumFields):]...)
}

// newAccounts gives the rows of new accounts, and adds to due what is due of them.
func (a *application) newAccounts(adds []*storedChange, used roster.FieldSet, due *[][]any) func() ([]any, error) {
	var row []any
	var n roster.Account
	return func() ([]any, error) {
		if len(adds) == 0 {
			return nil, nil
		}
		c := adds[0]
		adds = adds[1:]
		n = roster.Account{ID: c.account, Version: 1, CreatedAt: a.now, UpdatedAt: a.now}
		err := c.eachNew(func(f roster.Field, value string, is roster.Origin) {
			n.Values[f] = value
			if f < roster.NumFeedFields {
				n.Origins[f] = is
			}
		})
		if err != nil {
			return nil, err
		}
		if used.Has(roster.PasswordField) {
			a.welcomed(&roster.Account{}, &n)
		}
		a.shares.enter(n.Status(), relinked(nil, &c.Change), 1)
		for _, d := range duesOf(&n) {
			*due = append(*due, dueRow(n.ID, d))
		}
		row = append(row[:0], int64(n.ID), int64(n.Version))
		for f, value := range n.Values {
			if used.Has(roster.Field(f)) {
				row = append(row, value)
			}
		}
		row = append(row, accountTail(&n)...)
		return row, nil
	}
}

// newLinks gives the rows of their links.
func (a *application) newLinks(adds []*storedChange) func() ([]any, error) {
	i, k := 0, 0
	return func() ([]any, error) {
		for i < len(adds) && k == len(adds[i].Links) {
			i, k = i+1, 0
		}
		if i == len(adds) {
			return nil, nil
		}
		k++
		return a.linkRow(adds[i].Links[k-1], adds[i].account), nil
	}
}
