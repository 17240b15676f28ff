package run

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"rollcall/internal/journal"
	"rollcall/internal/plan"
	"rollcall/internal/roster"
	"rollcall/internal/store"
)

// undoneAtOnce is how many changes are taken back at a time: so many are in memory.
const undoneAtOnce = 1000

// An undoing plans the opposite of a run from its journal, and stores it as it is
// made, however large the run was.
type undoing struct {
	*Runner
	store.Writer
	run     *journal.Run    // the one that takes back
	profile string          // whose active accounts are counted; "" is all
	only    map[uint64]bool // these accounts alone; empty: all
	changes int
	asked   int             // changes of the run that would be taken back
	why     []string        // what is left alone is left, each reason once
	gained  int             // active accounts of the profile
	free    map[uint64]bool // whether an account frees the name that another wants back
}

// undone is a change that takes another back, and the account as it is now.
type undone struct {
	plan.Change
	now *roster.Account
}

func (u *undoing) plan(ctx context.Context) error {
	var done []plan.Change
	for o, err := range u.Store.Changes(ctx, u.run.Reverts) {
		if err != nil {
			return err
		}
		if o.Done != journal.Applied || u.spared(o.Account) {
			continue
		}
		u.asked++
		if done = append(done, o.Change); len(done) == undoneAtOnce {
			if err := u.oppose(ctx, done); err != nil {
				return err
			}
			done = done[:0]
		}
	}
	return u.oppose(ctx, done)
}

// spared tells whether nobody asked for an account.
func (u *undoing) spared(account uint64) bool { return len(u.only) > 0 && !u.only[account] }

// oppose plans the opposite of some changes, against the accounts as they are now.
func (u *undoing) oppose(ctx context.Context, done []plan.Change) error {
	ids := make([]uint64, len(done))
	for i, c := range done {
		ids[i] = c.Account
	}
	found, err := u.Store.Find(ctx, plan.Query{IDs: ids, Grants: true, Now: u.Now()})
	if err != nil {
		return err
	}
	now := make(map[uint64]*roster.Account, len(found.Accounts))
	for i := range found.Accounts {
		now[found.Accounts[i].ID] = &found.Accounts[i]
	}
	back := make([]undone, 0, len(done))
	for _, c := range done {
		b, left := plan.Opposite(c, now[c.Account])
		for _, problem := range left {
			if err := u.note(problem); err != nil {
				return err
			}
		}
		if b != nil {
			back = append(back, undone{*b, now[c.Account]})
		}
	}
	return u.write(ctx, back)
}

// note counts a problem and stores it.
func (u *undoing) note(p roster.Problem) error {
	u.run.Facts.Notes++
	if why := strings.TrimPrefix(p.Text, "left alone: "); len(u.why) < toldReasons && !slices.Contains(u.why, why) {
		u.why = append(u.why, why)
	}
	return u.Problem(p)
}

// toldReasons is how many reasons why nothing can be taken back are told.
const toldReasons = 3

// nothing says why nothing of the accounts that were asked for can be taken back.
func (u *undoing) nothing() error {
	switch {
	case u.asked == 0:
		return fmt.Errorf("run %d has changed nothing of these accounts, so there is nothing to take back: %w", u.run.Reverts, errNothingBack)
	case len(u.why) == 0:
		return fmt.Errorf("all that run %d has changed of these accounts is as it was before already: %w", u.run.Reverts, errNothingBack)
	}
	return fmt.Errorf("nothing that run %d has changed of these accounts can be taken back: %s: %w", u.run.Reverts, strings.Join(u.why, "; "), errNothingBack)
}

// write stores the changes. Of those whose username somebody else has by now it
// notes that, and stores the rest.
func (u *undoing) write(ctx context.Context, back []undone) error {
	holders, err := u.holders(ctx, back)
	if err != nil {
		return err
	}
	for _, b := range back {
		free, err := u.frees(ctx, holders[roster.Fold(plan.Takes(b.Change))], b.Account)
		if err != nil {
			return err
		}
		if !free {
			note := roster.NewProblem("E303", 0, b.Key)
			note.Severity, note.Account, note.Field = roster.SeverityNote, b.Account, "username"
			note.Text = "left alone: its former username is another account's by now"
			if err := u.note(note); err != nil {
				return err
			}
			var some bool
			if b.Change, some = b.WithoutName(b.now); !some {
				continue
			}
		}
		u.changes++
		u.gained += gain(u.profile, b.now, &b.Change)
		tally(&u.run.Facts, []plan.Change{b.Change})
		if err := u.Change(b.Change); err != nil {
			return err
		}
	}
	return nil
}

// holders are the accounts that have the names which changes want, by folded name.
func (u *undoing) holders(ctx context.Context, back []undone) (map[string]uint64, error) {
	var wanted []string
	for _, b := range back {
		if name := plan.Takes(b.Change); name != "" {
			wanted = append(wanted, roster.Fold(name))
		}
	}
	if len(wanted) == 0 {
		return nil, nil
	}
	found, err := u.Store.Find(ctx, plan.Query{Usernames: wanted, Now: u.Now()})
	if err != nil {
		return nil, err
	}
	by := map[string]uint64{}
	for _, a := range found.Accounts {
		if a.Status() != roster.Deleted {
			by[roster.Fold(a.Values[roster.Username])] = a.ID
		}
	}
	return by, nil
}

// frees tells whether an account gives its name to another one, because its own
// change is taken back too; that may want a name in its turn, and so on until one is
// free, or the chain closes to a ring. Zero is nobody, who has no name.
func (u *undoing) frees(ctx context.Context, holder, wants uint64) (free bool, err error) {
	var chain []uint64
	seen := map[uint64]bool{wants: true}
	for free = true; holder != 0 && !seen[holder]; {
		known, ok := u.free[holder]
		if ok {
			free = known
			break
		}
		seen[holder], chain = true, append(chain, holder)
		if holder, free, err = u.moves(ctx, holder); err != nil || !free {
			break
		}
	}
	for _, id := range chain {
		u.free[id] = free
	}
	return free, err
}

// moves tells whether an account gives its name up, and who has the one that it wants.
func (u *undoing) moves(ctx context.Context, account uint64) (next uint64, yes bool, err error) {
	if u.spared(account) {
		return 0, false, nil
	}
	was, err := u.Store.ChangeOf(ctx, u.run.Reverts, account)
	if err != nil || was == nil {
		return 0, false, err
	}
	found, err := u.Store.Find(ctx, plan.Query{IDs: []uint64{account}, Grants: true, Now: u.Now()})
	if err != nil || len(found.Accounts) == 0 {
		return 0, false, err
	}
	b, _ := plan.Opposite(was.Change, &found.Accounts[0])
	if b == nil || b.Field(roster.Username) == nil && b.Action != plan.Purge {
		return 0, false, nil
	}
	holders, err := u.holders(ctx, []undone{{*b, &found.Accounts[0]}})
	return holders[roster.Fold(plan.Takes(*b))], true, err
}

// gain is what a change adds to the active accounts that a profile owns, from
// -1 to 1; without a profile all accounts count.
func gain(profile string, a *roster.Account, c *plan.Change) (n int) {
	owned, active := profile == "" || a.Link(profile) != nil, a.Status() == roster.Active
	if owned && active {
		n--
	}
	for _, l := range c.Links {
		if l.Profile == profile {
			owned = l.New != ""
		}
	}
	if s := c.Field(roster.StatusField); s != nil { // of a purge it is ""
		active = s.New == string(roster.Active)
	}
	if owned && active {
		n++
	}
	return n
}
