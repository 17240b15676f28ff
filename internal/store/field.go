package store

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"

	"gorm.io/gorm"

	"rollcall/internal/roster"
)

// What an account holds of custom profile fields lies in a table of its own
// (R27), and is read for the accounts that are looked at, if anybody has any.

// maxFolded is the most bytes of a fold that an index is given.
const maxFolded = 500

// foldedValue is what a custom value is looked up by.
func foldedValue(value string) string {
	folded := roster.Fold(value)
	if len(folded) <= maxFolded {
		return folded
	}
	sum := sha256.Sum256([]byte(folded))
	return hex.EncodeToString(sum[:])
}

func foldedValues(values []string) []string {
	all := make([]string, len(values))
	for i, v := range values {
		all[i] = foldedValue(v)
	}
	return all
}

// customOf is what the catalog calls a custom field.
func customOf(n roster.Name) string {
	name, _ := n.Custom()
	return name
}

// addCustom adds their custom fields to accounts that are sorted by id.
func (db *DB) addCustom(tx *gorm.DB, accounts []roster.Account) error {
	var some bool
	if err := tx.Raw("SELECT EXISTS (SELECT 1 FROM account_field)").Scan(&some).Error; err != nil || !some || len(accounts) == 0 {
		return err
	}
	ids := make([]uint64, len(accounts))
	for i, a := range accounts {
		ids[i] = a.ID
	}
	i := 0
	return each(tx, func(row scanner) error {
		var id uint64
		var c roster.Custom
		if err := row.Scan(&id, &c.Name, &c.Value, &c.Origin); err != nil {
			return err
		}
		for accounts[i].ID != id {
			i++
		}
		accounts[i].Custom = append(accounts[i].Custom, c)
		return nil
	}, "SELECT account, name, value, origin FROM account_field WHERE ? ORDER BY account, name", db.engine.in("account", numberList(ids)))
}

// CustomNames are the custom fields that any account has, by name.
func (db *DB) CustomNames(ctx context.Context) (names []string, err error) {
	err = db.gorm.WithContext(ctx).Raw("SELECT DISTINCT name FROM account_field WHERE value <> '' ORDER BY name").Scan(&names).Error
	if err != nil {
		return nil, fmt.Errorf("profile fields: %w", err)
	}
	return names, nil
}

// newCustom writes the custom fields of new accounts.
func (a *application) newCustom(ctx context.Context, adds []*storedChange) error {
	var all rows
	for _, c := range adds {
		if isNew(c.fields) { // which has none
			continue
		}
		if err := c.read(); err != nil {
			return err
		}
		all.custom(c)
	}
	rows := all.fields
	err := a.insert(ctx, "account_field", len(rows), columnsOfField, func() ([]any, error) {
		if len(rows) == 0 {
			return nil, nil
		}
		row := rows[0]
		rows = rows[1:]
		return row, nil
	})
	if err != nil {
		return fmt.Errorf("add profile fields: %w", err)
	}
	return nil
}

var columnsOfField = []string{"account", "name", "value", "folded", "origin"}

// custom enters what a change does to custom fields into the rows of its chunk.
func (r *rows) custom(c *storedChange) {
	for i := range c.Fields {
		f := &c.Fields[i]
		if f.Field != roster.CustomField {
			continue
		}
		name, _ := roster.Name(f.Name).Custom()
		if f.New == "" && f.Is == "" {
			if r.emptied == nil {
				r.emptied = map[string][]uint64{}
			}
			r.emptied[name] = append(r.emptied[name], c.account)
			continue
		}
		r.fields = append(r.fields, []any{int64(c.account), name, f.New, foldedValue(f.New), string(f.Is)})
	}
}

// storeCustom writes the custom fields of a chunk.
func (a *application) storeCustom(r *rows) error {
	if err := a.upsert("INSERT INTO account_field (account, name, value, folded, origin) VALUES ", r.fields,
		" ON CONFLICT (account, name) DO UPDATE SET value = excluded.value, folded = excluded.folded, origin = excluded.origin"); err != nil {
		return fmt.Errorf("change profile fields: %w", err)
	}
	for name, ids := range r.emptied {
		if err := a.tx.Exec("DELETE FROM account_field WHERE name = ? AND ?", name, a.db.engine.in("account", numberList(ids))).Error; err != nil {
			return fmt.Errorf("empty profile fields: %w", err)
		}
	}
	return nil
}
