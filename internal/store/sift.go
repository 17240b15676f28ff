package store

import (
	"context"
	"fmt"
	"slices"

	"gorm.io/gorm"

	"rollcall/internal/journal"
	"rollcall/internal/plan"
	"rollcall/internal/roster"
)

// sift reads the whole plan, proves that it is the one that was shown, and marks
// what is not carried out: what was excepted, and what has moved since. Where
// nothing can have moved, it only counts, and who writes the accounts proves the plan.
func (a *application) sift(ctx context.Context) error {
	if a.empty {
		return nil
	}
	if a.still {
		var n struct {
			Planned, Adds int64
			First         *int64
		}
		err := a.tx.Raw(`SELECT count(CASE WHEN action <> ? THEN 1 END) AS planned, count(CASE WHEN action = ? THEN 1 END) AS adds, min(CASE WHEN action = ? THEN ord END) AS first
			FROM change WHERE run = ?`, plan.Claim, plan.Add, plan.Add, a.run).Scan(&n).Error
		a.planned, a.adds = int(n.Planned), n.Adds
		if n.First != nil {
			a.firstAdd = *n.First
		}
		return err
	}
	if a.ExceptRemovals {
		res := a.tx.Exec("UPDATE change SET done = ?, note = 'approved without removals' WHERE run = ? AND action IN (?, ?, ?, ?)",
			journal.Excepted, a.run, plan.Suspend, plan.Delete, plan.Anonymise, plan.Purge)
		if res.Error != nil {
			return res.Error
		}
		a.fallen = a.fallen || res.RowsAffected > 0
	}
	sum := newDigester()
	err := a.each(ctx, a.told(Comparing, func(list []storedChange) error {
		for i := range list {
			c := &list[i]
			sum.again(c)
			a.note(c)
			var err error
			if c.Action == plan.Add || c.Action == plan.Purge { // one saw no account, and of the other all goes: no field can have moved
				err = c.readLinks()
			} else {
				err = c.read()
			}
			if err != nil {
				return err
			}
		}
		return a.siftChunk(list)
	}))
	if err != nil {
		return err
	}
	return a.proven(sum)
}

// each reads the plan, chunk by chunk. A large one of which nothing is marked yet is
// read on a connection of its own, each chunk while the one before is worked on, unless
// none is free or the engine is no faster for it.
func (a *application) each(ctx context.Context, do func([]storedChange) error) error {
	if !a.fallen && a.Run.Facts.Changes() > chunk && (a.empty || a.db.engine.abreast() > 1) {
		if tx, done, err := a.planBeside(ctx); err == nil {
			defer done()
			for list, err := range ahead(tx, chunk, a.chunkAfter) {
				if err != nil {
					return err
				}
				if err := do(list); err != nil {
					return err
				}
			}
			return nil
		}
	}
	var list []storedChange
	var err error
	for after := int64(0); ; after += chunk {
		if list, err = a.chunkAfter(a.tx, after, list); err != nil {
			return err
		}
		if err := do(list); err != nil {
			return err
		}
		if len(list) < chunk {
			return nil
		}
	}
}

// planBeside is a second connection for the plan, until done, or an error where none
// is free or somebody waits for the plan's table.
func (a *application) planBeside(ctx context.Context) (tx *gorm.DB, done func(), err error) {
	beside, err := a.db.beside(ctx)
	if err != nil {
		return nil, nil, err
	}
	tx, unlock, err := a.db.engine.keep(beside, "change")
	if err != nil {
		beside.close()
		return nil, nil, err
	}
	return tx, func() { unlock(); beside.close() }, nil
}

// chunkAfter reads the next chunk of the plan into list, which it returns.
func (a *application) chunkAfter(tx *gorm.DB, after int64, list []storedChange) ([]storedChange, error) {
	return changesAfter(tx, a.run, numbering{numbered: a.numbered, idsFrom: a.idsFrom}, after, chunk, list)
}

// note counts a change.
func (a *application) note(c *storedChange) {
	if c.Action != plan.Claim {
		a.planned++
	}
	if c.Action == plan.Add {
		if a.adds++; a.adds == 1 {
			a.firstAdd = c.ord
		}
	}
}

// proven refuses a plan that is not the one that was shown.
func (a *application) proven(sum *digester) error {
	if got := sum.String(); got != a.Digest {
		return fmt.Errorf("%w: it has the digest %s, and %s was asked for; look at the plan again", ErrRefused, got, a.Digest)
	}
	return nil
}

// siftChunk marks what of a chunk has moved.
func (a *application) siftChunk(list []storedChange) error {
	var ids []uint64
	for i := range list {
		c := &list[i]
		if id := c.subject(); id != 0 && c.Done == journal.Planned {
			ids = append(ids, id)
		}
	}
	accounts, err := a.accounts(ids, true)
	if err != nil {
		return err
	}
	restated, err := a.restated(list, accounts)
	if err != nil {
		return err
	}
	linked, err := a.linked(list)
	if err != nil {
		return err
	}
	claimed, err := a.claimed(list)
	if err != nil {
		return err
	}
	if err := a.withGrants(list, accounts); err != nil {
		return err
	}
	moved := map[string][]int64{} // changes by what has moved
	for i := range list {
		c := &list[i]
		if c.Done != journal.Planned {
			continue
		}
		id := c.subject()
		note := ""
		switch was := accounts[id]; {
		case c.Action == plan.Add:
			note = addMoved(c, linked)
		case was == nil:
			note = "the account is gone"
		case was.Values[roster.LegalHold] != "" && (c.Action == plan.Delete || c.Action == plan.Anonymise || c.Action == plan.Purge):
			note = "the account is under a legal hold"
		case claimed[id]:
			note = "another profile claims the account by now"
		case was.Version != c.Version && (c.Action == plan.Purge || restated[id]):
			note = "the account has changed since the plan was made"
		case was.Version != c.Version:
			if note = fieldsMoved(&c.Change, was); note == "" {
				note = grantsMoved(&c.Change, was)
			}
		}
		if note == "" && c.Action != plan.Add {
			if no, err := a.shielded(c, accounts[id]); err != nil {
				return err
			} else if no {
				note = "the account is protected by now"
			}
		}
		if note == "" && id != 0 {
			note = a.linksMoved(&c.Change, accounts[id])
		}
		if note != "" {
			moved[note] = append(moved[note], c.ord)
		}
	}
	a.fallen = a.fallen || len(moved) > 0
	a.merges = a.merges || slices.ContainsFunc(list, func(c storedChange) bool { return c.Field(roster.MergedInto) != nil })
	for note, ords := range moved {
		if err := a.tx.Exec("UPDATE change SET done = ?, note = ? WHERE run = ? AND ?",
			journal.LeftOut, note, a.run, a.db.engine.in("ord", numberList(ords))).Error; err != nil {
			return err
		}
	}
	return nil
}

// fieldsMoved tells which planned field is no longer what the plan saw.
func fieldsMoved(c *plan.Change, was *roster.Account) string {
	for _, f := range c.Fields {
		if f.In(was) != f.Old {
			return f.Name + " has changed since the plan was made"
		}
	}
	return ""
}

// linksMoved tells which link is no longer what the plan saw; links move
// without raising the account's version.
func (a *application) linksMoved(c *plan.Change, was *roster.Account) string {
	const text = "the link of profile %s has changed since the plan was made"
	planned := map[string]bool{a.Run.Profile: true}
	for _, l := range c.Links {
		planned[l.Profile] = true
		have := was.Link(l.Profile)
		switch {
		case l.Old == "" && have != nil, l.Old != "" && have == nil:
			return fmt.Sprintf(text, l.Profile)
		case have != nil && (have.Claim != l.Old || have.Key != l.OldKey || have.Anchor != l.OldAnchor):
			return fmt.Sprintf(text, l.Profile)
		}
	}
	if c.Action == plan.Purge {
		for _, l := range was.Links {
			if !planned[l.Profile] {
				return fmt.Sprintf("profile %s owns the account too", l.Profile)
			}
		}
	}
	return ""
}

// A linkKey is a key of a profile.
type linkKey struct {
	profile string
	key     roster.Key
}

func addMoved(c *storedChange, linked map[linkKey]bool) string {
	for _, l := range c.Links {
		if linked[linkKey{l.Profile, l.NewKey}] {
			return "the key has an account by now"
		}
	}
	return ""
}

// linked are those of the keys of new accounts that have an account by now.
func (a *application) linked(list []storedChange) (map[linkKey]bool, error) {
	want := map[string][]string{}
	for i := range list {
		c := &list[i]
		if c.Action == plan.Add && c.Done == journal.Planned {
			for _, l := range c.Links {
				if l.NewKey != "" { // found by the fallback alone (R42)
					want[l.Profile] = append(want[l.Profile], roster.Fold(string(l.NewKey)))
				}
			}
		}
	}
	linked := map[linkKey]bool{}
	for profile, keys := range want {
		var have []roster.Key
		// The accounts first: SQLite would read all links of the profile for their keys.
		if err := a.tx.Raw("SELECT key FROM link WHERE profile = ? AND account IN (SELECT account FROM link WHERE profile = ? AND ?)",
			profile, profile, a.db.engine.in("key_folded", textList(keys))).Scan(&have).Error; err != nil {
			return nil, err
		}
		for _, k := range have {
			linked[linkKey{profile, k}] = true
		}
	}
	return linked, nil
}

// claimed are those accounts of removals that another profile has come to claim
// since this run began: who is claimed stays (R5).
func (a *application) claimed(list []storedChange) (map[uint64]bool, error) {
	var ids, have []uint64
	for i := range list {
		c := &list[i]
		if c.Action.Removes() && c.Done == journal.Planned {
			ids = append(ids, c.account)
		}
	}
	claimed := map[uint64]bool{}
	if len(ids) == 0 || a.quiet { // then the times say nothing either: a clock may have been put back
		return claimed, nil
	}
	err := a.tx.Raw("SELECT account FROM link WHERE since > ? AND claim <> ? AND profile <> ? AND ?",
		micros(a.Run.Started), roster.ClaimGone, a.Run.Profile, a.db.engine.in("account", numberList(ids))).Scan(&have).Error
	for _, id := range have {
		claimed[id] = true
	}
	return claimed, err
}

// restated are the accounts whose status has been set since the plan saw them,
// of those changes that do not name the status themselves: by a change that saw
// the same version or a later one, or by a run that was applied after this one began.
func (a *application) restated(list []storedChange, accounts map[uint64]*roster.Account) (map[uint64]bool, error) {
	seen := map[uint64]uint64{} // version by account
	var ids []uint64
	for i := range list {
		c := &list[i]
		was := accounts[c.subject()]
		if was != nil && was.Version != c.Version && c.Action != plan.Claim && c.Field(roster.StatusField) == nil {
			seen[c.account] = c.Version
			ids = append(ids, c.account)
		}
	}
	restated := map[uint64]bool{}
	if len(ids) == 0 {
		return restated, nil
	}
	err := each(a.tx, func(row scanner) error {
		var id, version uint64
		var later bool
		if err := row.Scan(&id, &version, &later); err != nil {
			return err
		}
		if later || version >= seen[id] {
			restated[id] = true
		}
		return nil
	}, `SELECT c.account, c.version, r.applied_at > ? FROM change c JOIN run r ON r.number = c.run
		WHERE `+carriedOut+` AND c.fields LIKE ? AND ?`,
		micros(a.Run.Started), `%"name":"`+roster.StatusField.String()+`"%`, a.db.engine.in("c.account", numberList(ids)))
	return restated, err
}

// accounts loads accounts by id.
func (a *application) accounts(ids []uint64, locked bool) (map[uint64]*roster.Account, error) {
	list, err := a.db.accountsByID(a.tx, ids, locked)
	byID := make(map[uint64]*roster.Account, len(list))
	for i := range list {
		byID[list[i].ID] = &list[i]
	}
	return byID, err
}

// freeNames parks the usernames that change hands, so that swaps, rings and chains
// find each name free under the unique index (R36).
// Then what would take a name that is still not free is left out, and its own
// name goes back, which may be one that another change wanted: so it goes round
// until nothing more falls.
func (a *application) freeNames() error {
	if a.empty {
		return nil
	}
	if err := a.park(); err != nil {
		return err
	}
	for range maxRounds {
		res := a.tx.Exec(`UPDATE change SET done = ?, note = ? WHERE run = ? AND done = '' AND takes <> '' AND (
				EXISTS (SELECT 1 FROM account a WHERE a.username_folded = change.takes AND a.username_folded <> '' AND a.gone = 0)
				OR EXISTS (SELECT 1 FROM former_name f WHERE f.kind = 'username' AND f.folded = change.takes AND f.held_until > ? AND f.account <> coalesce(change.account, 0))
					AND NOT EXISTS (SELECT 1 FROM former_name m WHERE m.kind = 'username' AND m.folded = change.takes AND m.held_until > ? AND m.account = coalesce(change.account, 0)))`,
			journal.LeftOut, nameTaken, a.run, micros(a.now), micros(a.now))
		if res.Error != nil || res.RowsAffected == 0 {
			return res.Error
		}
		a.fallen = true
		back := a.tx.Exec(`UPDATE account SET username_folded = c.gives FROM change c
			WHERE c.run = ? AND c.done = ? AND c.note = ? AND c.gives <> '' AND account.id = c.account AND account.username_folded <> c.gives`,
			a.run, journal.LeftOut, nameTaken)
		if back.Error != nil {
			return back.Error
		}
	}
	return fmt.Errorf("%w: more than %d names that it gives in a chain are taken by now; plan again", ErrRefused, maxRounds)
}

// park parks the names that a change takes and another gives up. What nobody takes
// is free soon enough: to write every account that is purged once more before took
// longer than to purge it.
func (a *application) park() error {
	var wanted []uint64 // accounts
	if err := a.tx.Raw("SELECT a.id FROM change c JOIN account a ON a.username_folded = c.takes AND a.username_folded <> '' AND a.gone = 0 WHERE c.run = ? AND c.takes <> ''", a.run).
		Scan(&wanted).Error; err != nil {
		return err
	}
	for part := range slices.Chunk(wanted, chunk) {
		// No username begins with a control character, so nothing meets a parked one.
		if err := a.tx.Exec("UPDATE account SET username_folded = CAST(? AS text) || id WHERE id IN (SELECT account FROM change WHERE run = ? AND done = '' AND (gives <> '' OR action IN ?) AND ?)",
			parked, a.run, endings, a.db.engine.in("account", numberList(part))).Error; err != nil {
			return err
		}
	}
	return nil
}

// parks tells whether the account's name may have been parked.
func (c *storedChange) parks() bool {
	gives, _ := names(&c.Change)
	return gives != "" || slices.Contains(endings, c.Action)
}

const (
	parked    = "\x01"
	nameTaken = "the username is taken by now"
	// maxRounds bounds the chain of names that fall one after the other.
	maxRounds = 1000
)
