package store

import (
	"context"
	"fmt"

	"rollcall/internal/roster"
)

// Leads is what hangs on an account, as far as it is known.
type Leads struct {
	Manages  []string // usernames of those who name it as their manager, by id
	Roles    []string // what it is in courses, categories and the system, but for who only learns, like course:FIRE-101:teacher
	Inherits int      // deleted accounts whose fallback owner it is
}

// Leads looks through all accounts for what hangs on some (R63). A manager is
// known by username, address or employee ID.
func (db *DB) Leads(ctx context.Context, ids []uint64) (map[uint64]Leads, error) {
	tx := db.gorm.WithContext(ctx)
	accounts, err := db.accountsByID(tx, ids, false)
	if err != nil {
		return nil, fmt.Errorf("what the accounts lead: %w", err)
	}
	called, named := map[string]uint64{}, map[string]uint64{}
	for _, a := range accounts {
		for _, f := range []roster.Field{roster.Username, roster.Email, roster.EmployeeID} {
			if v := a.Values[f]; v != "" {
				called[roster.Fold(v)] = a.ID
			}
		}
		named[roster.Fold(a.Values[roster.Username])] = a.ID
	}
	leads := map[uint64]Leads{}
	err = each(tx, func(row scanner) error {
		var username, status, manager, owner string
		if err := row.Scan(&username, &status, &manager, &owner); err != nil {
			return err
		}
		if status == string(roster.Deleted) {
			if id, ok := named[roster.Fold(owner)]; ok && owner != "" {
				l := leads[id]
				l.Inherits++
				leads[id] = l
			}
			return nil
		}
		if id, ok := called[roster.Fold(manager)]; ok && manager != "" {
			l := leads[id]
			l.Manages = append(l.Manages, username)
			leads[id] = l
		}
		return nil
	}, "SELECT username, status, manager, fallback_owner FROM account WHERE manager <> '' OR fallback_owner <> '' ORDER BY id")
	if err != nil {
		return nil, fmt.Errorf("what the accounts lead: %w", err)
	}
	err = each(tx, func(row scanner) error {
		var id uint64
		var m roster.Membership
		if err := row.Scan(&id, &m.Kind, &m.Name, &m.Role); err != nil {
			return err
		}
		l := leads[id]
		l.Roles = append(l.Roles, m.String())
		leads[id] = l
		return nil
	}, `SELECT DISTINCT account, kind, name, role FROM membership WHERE ? AND ended = ''
		AND (kind IN ('role', 'category') OR kind = 'course' AND role NOT IN ('', 'learner', 'student', 'user')) ORDER BY account, kind, name, role`,
		db.engine.in("account", numberList(ids)))
	if err != nil {
		return nil, fmt.Errorf("what the accounts lead: %w", err)
	}
	return leads, nil
}
