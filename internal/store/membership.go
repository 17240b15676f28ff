package store

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"gorm.io/gorm"

	"rollcall/internal/plan"
	"rollcall/internal/roster"
)

// grantsText is the memberships of a change as they are stored; "" where it moves none.
func grantsText(grants []plan.GrantChange) (string, error) {
	if len(grants) == 0 {
		return "", nil
	}
	for _, g := range grants {
		if err := storable(g.Name, g.Role, g.Group, string(g.Origin)); err != nil {
			return "", fmt.Errorf("membership: %w", err)
		}
	}
	if text, ok := newGrantsText(grants); ok {
		return text, nil
	}
	text, err := json.Marshal(grants)
	return string(text), err
}

var columnsOfGrant = []string{"account", "kind", "name", "role", "group_name", "origin", "since", "starts", "until", "suspended", "ended", "said"}

func grantRow(account uint64, g *plan.GrantChange) []any {
	t := g.New
	return []any{
		int64(account), string(g.Kind), g.Name, g.Role, g.Group, string(g.Origin),
		t.Since, t.From, t.Until, flag(t.Suspended), t.Ended, t.Said,
	}
}

// addGrants adds their grants to accounts that are sorted by id.
func (db *DB) addGrants(tx *gorm.DB, accounts []roster.Account) error {
	for part := range slices.Chunk(accounts, page) {
		ids := make([]uint64, len(part))
		for i, a := range part {
			ids[i] = a.ID
			part[i].Grants = nil
		}
		i := 0
		err := each(tx, func(row scanner) error {
			var id uint64
			var g roster.Grant
			var kind, origin string
			var suspended int
			if err := row.Scan(&id, &kind, &g.Name, &g.Role, &g.Group, &origin, &g.Since, &g.From, &g.Until, &suspended, &g.Ended, &g.Said); err != nil {
				return err
			}
			g.Kind, g.Origin, g.Suspended = roster.Kind(kind), roster.Origin(origin), suspended == 1
			for part[i].ID != id {
				i++
			}
			part[i].Grants = append(part[i].Grants, g)
			return nil
		}, "SELECT "+strings.Join(columnsOfGrant, ", ")+" FROM membership WHERE ? ORDER BY account", db.engine.in("account", numberList(ids)))
		if err != nil {
			return err
		}
		for i := range part {
			roster.SortGrants(part[i].Grants)
		}
	}
	return nil
}

// grantsMoved tells whether a planned grant is no longer what the plan saw.
func grantsMoved(c *plan.Change, was *roster.Account) string {
	for i := range c.Memberships {
		g := &c.Memberships[i]
		is := was.Grant(g.Membership, g.Origin)
		if is == nil && g.Old == nil || is != nil && g.Old != nil && is.Terms == *g.Old {
			continue
		}
		return "a membership has changed since the plan was made"
	}
	return ""
}

// withGrants loads the grants of the accounts of which a change of a membership is
// planned and that have moved since.
func (a *application) withGrants(list []storedChange, accounts map[uint64]*roster.Account) error {
	var moved []roster.Account
	for _, c := range list {
		if was := accounts[c.subject()]; was != nil && len(c.Memberships) > 0 && was.Version != c.Version {
			moved = append(moved, *was)
		}
	}
	if len(moved) == 0 {
		return nil
	}
	slices.SortFunc(moved, func(x, y roster.Account) int { return int(x.ID) - int(y.ID) })
	if err := a.db.addGrants(a.tx, moved); err != nil {
		return err
	}
	for i := range moved {
		accounts[moved[i].ID].Grants = moved[i].Grants
	}
	return nil
}

// grants enters the memberships of a change into the rows of its chunk.
func (r *rows) grants(c *storedChange) {
	for i := range c.Memberships {
		g := &c.Memberships[i]
		switch {
		case g.New == nil:
			r.ungranted = append(r.ungranted, []any{int64(c.account), string(g.Kind), g.Name, g.Role, g.Group, string(g.Origin)})
		case g.Old == nil:
			r.granted = append(r.granted, grantRow(c.account, g))
		default:
			r.regranted = append(r.regranted, grantRow(c.account, g))
		}
	}
}

// newGrants grants what new accounts come with.
func (a *application) newGrants(ctx context.Context, adds []*storedChange) error {
	var rows [][]any
	for _, c := range adds {
		grants, err := readGrants(c.grants)
		if err != nil {
			return fmt.Errorf("change %d: memberships: %w", c.ord, err)
		}
		for i := range grants {
			rows = append(rows, grantRow(c.account, &grants[i]))
		}
	}
	if err := a.insert(ctx, "membership", len(rows), columnsOfGrant, inTurn(rows)); err != nil {
		return fmt.Errorf("grant memberships: %w", err)
	}
	return nil
}

// storeGrants writes the memberships of a chunk.
func (a *application) storeGrants(ctx context.Context, r *rows) error {
	e := a.db.engine
	for part := range slices.Chunk(r.ungranted, page) {
		tuple := "(CAST(? AS bigint)" + strings.Repeat(", ?", len(part[0])-1) + ")"
		res := a.tx.Exec("DELETE FROM membership WHERE (account, kind, name, role, group_name, origin) IN (VALUES "+tuple+strings.Repeat(", "+tuple, len(part)-1)+")",
			slices.Concat(part...)...)
		if err := exactly(int64(len(part)), res.RowsAffected, res.Error); err != nil {
			return fmt.Errorf("end memberships: %w", err)
		}
	}
	n, err := e.insert(ctx, a.work, "membership", columnsOfGrant, inTurn(r.granted))
	if err := exactly(int64(len(r.granted)), n, err); err != nil {
		return fmt.Errorf("grant memberships: %w", err)
	}
	if err := a.upsert("INSERT INTO membership ("+strings.Join(columnsOfGrant, ", ")+") VALUES ", r.regranted,
		` ON CONFLICT (account, kind, name, role, group_name, origin) DO UPDATE SET since = excluded.since, starts = excluded.starts,
			until = excluded.until, suspended = excluded.suspended, ended = excluded.ended, said = excluded.said`); err != nil {
		return fmt.Errorf("change memberships: %w", err)
	}
	return nil
}

// Granted is how many memberships a profile grants: what max_membership_removals
// is a share of.
func (db *DB) Granted(ctx context.Context, profile string) (n int, err error) {
	if err = db.gorm.WithContext(ctx).Raw("SELECT count(*) FROM membership WHERE origin = ? AND ended = ''", profile).Scan(&n).Error; err != nil {
		return 0, fmt.Errorf("count memberships: %w", err)
	}
	return n, nil
}

// endedBy are the accounts, not deleted, of which a membership's period is over.
func endedBy(tx *gorm.DB, now time.Time) (ids []uint64, err error) {
	err = tx.Raw(`SELECT DISTINCT m.account FROM membership m JOIN account a ON a.id = m.account
		WHERE m.until <> '' AND m.ended = '' AND m.until <= ? AND a.status <> 'deleted'`, roster.Stamp(now)).Scan(&ids).Error
	return ids, err
}
