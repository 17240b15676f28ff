package store

import (
	"context"
	"fmt"
	"path"
	"slices"
	"strings"

	"gorm.io/gorm"

	"rollcall/internal/journal"
	"rollcall/internal/plan"
	"rollcall/internal/roster"
)

// Holders are the accounts that have a role of the system which protect: names, or
// the site administrator's (R64).
func (db *DB) Holders(ctx context.Context, protect []string) (map[uint64]bool, error) {
	return holders(db.gorm.WithContext(ctx), protect)
}

func holders(tx *gorm.DB, protect []string) (map[uint64]bool, error) {
	roles := plan.ProtectedRoles(protect)
	if slices.ContainsFunc(roles, func(r string) bool { return strings.ContainsAny(r, `*?[\`) }) {
		var all []string
		if err := tx.Raw("SELECT DISTINCT name FROM membership WHERE kind = ?", roster.RoleKind).Scan(&all).Error; err != nil {
			return nil, fmt.Errorf("list the roles that somebody has: %w", err)
		}
		roles = slices.DeleteFunc(all, func(name string) bool {
			return !slices.ContainsFunc(roles, func(pattern string) bool { ok, _ := path.Match(pattern, name); return ok })
		})
	}
	have := map[uint64]bool{}
	for part := range slices.Chunk(roles, page) {
		var ids []uint64
		if err := tx.Raw("SELECT account FROM membership WHERE kind = ? AND name IN ? AND ended = ''", roster.RoleKind, part).Scan(&ids).Error; err != nil {
			return nil, fmt.Errorf("list who has a protected role: %w", err)
		}
		for _, id := range ids {
			have[id] = true
		}
	}
	return have, nil
}

// shielded tells whether a change would take from an account that is protected by
// now what a feed may not take from it (R64).
func (a *application) shielded(c *storedChange, was *roster.Account) (bool, error) {
	if a.Run.Kind != journal.Sync && a.Run.Kind != journal.Sweep || !c.Action.Removes() && c.Field(roster.Username) == nil {
		return false, nil
	}
	if a.protected.Holders == nil {
		var err error
		if a.protected.Holders, err = holders(a.tx, a.Protect); err != nil {
			return false, err
		}
		a.protected.Names = a.Protect
	}
	return a.protected.Account(was), nil
}
