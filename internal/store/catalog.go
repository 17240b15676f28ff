package store

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"

	"rollcall/internal/roster"
)

// Catalog is what was imported of the catalog, in the order of a catalog.
func (db *DB) Catalog(ctx context.Context) ([]roster.Item, error) {
	var items []roster.Item
	err := each(db.gorm.WithContext(ctx), func(row scanner) error {
		var doc string
		if err := row.Scan(&doc); err != nil {
			return err
		}
		var i roster.Item
		if err := json.Unmarshal([]byte(doc), &i); err != nil {
			return fmt.Errorf("an item cannot be read; was the row written by hand? %w", err)
		}
		items = append(items, i)
		return nil
	}, "SELECT doc FROM catalog_item ORDER BY kind, course, name")
	if err != nil {
		return nil, fmt.Errorf("read the catalog: %w", err)
	}
	return items, nil
}

// Belonged are the cohorts, or the groups of courses, that somebody is a member of:
// with unknown: {cohort: create, group: create} a row makes them (R90).
func (db *DB) Belonged(ctx context.Context, kind roster.Kind) ([]roster.Item, error) {
	query, of := "SELECT DISTINCT '', name, '' FROM membership WHERE kind = ? AND ended = '' ORDER BY 2", kind
	if kind == roster.GroupKind {
		query, of = "SELECT DISTINCT name, '', group_name FROM membership WHERE kind = ? AND group_name <> '' AND ended = '' ORDER BY 1, 3", roster.CourseKind
	}
	var items []roster.Item
	err := each(db.gorm.WithContext(ctx), func(row scanner) error {
		i := roster.Item{Kind: kind}
		err := row.Scan(&i.Course, &i.ID, &i.Name)
		items = append(items, i)
		return err
	}, query, string(of))
	if err != nil {
		return nil, fmt.Errorf("list each %s: %w", kind, err)
	}
	return items, nil
}

// ImportCatalog keeps items: what was imported before is overwritten where it is
// called alike. replace are kinds of which nothing else is kept. It gives how many
// items are new, and how many are gone.
func (db *DB) ImportCatalog(ctx context.Context, items []roster.Item, replace []roster.Kind) (fresh, gone int, err error) {
	rows := make([][]any, len(items))
	for n, i := range items {
		doc, err := json.Marshal(i)
		if err != nil {
			return 0, 0, fmt.Errorf("import the catalog: %w", err)
		}
		if err := storable(i.Course, i.Called(), string(doc)); err != nil {
			return 0, 0, fmt.Errorf("import the catalog: %w", err)
		}
		rows[n] = []any{string(i.Kind), i.Course, i.Called(), string(doc)}
	}
	err = db.transact(ctx, func(w work) error {
		before := map[[3]string]bool{}
		if err := each(w.tx, func(row scanner) error {
			var key [3]string
			err := row.Scan(&key[0], &key[1], &key[2])
			before[key] = true
			return err
		}, "SELECT kind, course, name FROM catalog_item"); err != nil {
			return err
		}
		for _, k := range replace {
			res := w.tx.Exec("DELETE FROM catalog_item WHERE kind = ?", string(k))
			if res.Error != nil {
				return res.Error
			}
			gone += int(res.RowsAffected)
		}
		for _, r := range rows {
			key := [3]string{r[0].(string), r[1].(string), r[2].(string)}
			if !before[key] {
				fresh++
			} else if slices.Contains(replace, roster.Kind(key[0])) {
				gone--
			}
		}
		a := application{work: w}
		return a.upsert("INSERT INTO catalog_item (kind, course, name, doc) VALUES ", rows, " ON CONFLICT (kind, course, name) DO UPDATE SET doc = excluded.doc")
	})
	if err != nil {
		return 0, 0, fmt.Errorf("import the catalog: %w", err)
	}
	return fresh, gone, nil
}
