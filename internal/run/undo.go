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
	asked   int                              // changes of the run that would be taken back
	why     []string                         // what is left alone is left, each reason once
	gained  int                              // active accounts of the profile
	free    map[roster.Field]map[uint64]bool // whether an account frees the name, or the address, that another wants back
	shared  bool                             // two accounts may have one address
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

// write stores the changes. Of those whose username or address somebody else has by
// now it notes that, and stores the rest.
func (u *undoing) write(ctx context.Context, back []undone) error {
	names, err := u.holders(ctx, roster.Username, back)
	if err != nil {
		return err
	}
	addresses, err := u.holders(ctx, roster.Email, back)
	if err != nil {
		return err
	}
	for _, b := range back {
		free, err := u.frees(ctx, roster.Username, names[roster.Fold(plan.Takes(b.Change))], b.Account)
		if err != nil {
			return err
		}
		some := true
		if !free {
			if err := u.taken("E303", roster.Username, b, "left alone: its former username is another account's by now"); err != nil {
				return err
			}
			if b.Change, some = b.WithoutName(b.now); !some {
				continue
			}
		}
		if free, err = u.frees(ctx, roster.Email, addresses[roster.Fold(b.TakesAddress(b.now))], b.Account); err != nil {
			return err
		}
		if !free {
			if err := u.taken("E130", roster.Email, b, "left alone: its former address is another account's by now"); err != nil {
				return err
			}
			if b.Change, some = b.WithoutAddress(b.now); !some {
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

// taken notes that what an account had is another's by now.
func (u *undoing) taken(code string, f roster.Field, b undone, text string) error {
	note := roster.NewProblem(code, 0, b.Key)
	note.Severity, note.Account, note.Field, note.Text = roster.SeverityNote, b.Account, f.String(), text
	return u.note(note)
}

// takes is the username, or the address, that a change needs to be free.
func (u *undoing) takes(f roster.Field, b undone) string {
	switch {
	case f == roster.Username:
		return plan.Takes(b.Change)
	case u.shared:
		return ""
	}
	return b.TakesAddress(b.now)
}

// holders are the accounts that have the names, or the addresses, which changes want,
// folded. Of several one that is not the change's own.
func (u *undoing) holders(ctx context.Context, f roster.Field, back []undone) (map[string]uint64, error) {
	wants := map[string]uint64{}
	var wanted []string
	for _, b := range back {
		if v := roster.Fold(u.takes(f, b)); v != "" {
			wants[v] = b.Account
			wanted = append(wanted, v)
		}
	}
	if len(wanted) == 0 {
		return nil, nil
	}
	query := plan.Query{Usernames: wanted, Now: u.Now()}
	if f == roster.Email {
		query = plan.Query{Emails: wanted, Now: u.Now()}
	}
	found, err := u.Store.Find(ctx, query)
	if err != nil {
		return nil, err
	}
	by := map[string]uint64{}
	for _, a := range found.Accounts {
		if v := roster.Fold(a.Values[f]); a.Status() != roster.Deleted && (by[v] == 0 || by[v] == wants[v]) {
			by[v] = a.ID
		}
	}
	return by, nil
}

// frees tells whether an account gives its name, or its address, to another one,
// because its own change is taken back too; that may want one in its turn, and so on
// until one is free, or the chain closes to a ring. Zero is nobody, who has none.
func (u *undoing) frees(ctx context.Context, f roster.Field, holder, wants uint64) (free bool, err error) {
	var chain []uint64
	seen := map[uint64]bool{wants: true}
	for free = true; holder != 0 && !seen[holder]; {
		known, ok := u.free[f][holder]
		if ok {
			free = known
			break
		}
		seen[holder], chain = true, append(chain, holder)
		if holder, free, err = u.moves(ctx, f, holder); err != nil || !free {
			break
		}
	}
	for _, id := range chain {
		u.free[f][id] = free
	}
	return free, err
}

// moves tells whether an account gives its name, or its address, up, and who has the
// one that it wants.
func (u *undoing) moves(ctx context.Context, f roster.Field, account uint64) (next uint64, yes bool, err error) {
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
	if b == nil || b.Field(f) == nil && b.Action != plan.Purge && !(f == roster.Email && b.Action == plan.Delete) {
		return 0, false, nil
	}
	back := undone{*b, &found.Accounts[0]}
	holders, err := u.holders(ctx, f, []undone{back})
	return holders[roster.Fold(u.takes(f, back))], true, err
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
