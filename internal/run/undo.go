package run

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"rollcall/internal/journal"
	"rollcall/internal/plan"
	"rollcall/internal/roster"
)

// undoneAtOnce is how many changes are taken back at a time: so many are in memory.
const undoneAtOnce = 1000

// An undoing plans the opposite of a run from its journal, and hands it on as it is
// made, however large the run was.
type undoing struct {
	*Runner
	plan.Sink
	run     *journal.Run    // the one that takes back
	profile string          // whose active accounts are counted; "" is all
	only    map[uint64]bool // these accounts alone; empty: all
	meter   *Meter          // nil: nobody looks
	changes int
	asked   int      // changes of the run that would be taken back
	why     []string // what is left alone is left, each reason once
	gained  int      // active accounts of the profile
	soles   []*sole  // what no two accounts share
}

// A sole is a field whose value no two accounts share.
type sole struct {
	name roster.Name
	code string          // of the note that a value is another's by now
	what string          // it is called in the note
	free map[uint64]bool // whether an account frees the value that another wants back
}

// soles are those fields: usernames first, for who gets none is not taken back at all.
// shared: two accounts may have one address.
func (r *Runner) soles(ctx context.Context, shared bool) ([]*sole, error) {
	all := []*sole{{name: "username", code: "E303", what: "username"}}
	if !shared {
		all = append(all, &sole{name: "email", code: "E130", what: "address"})
	}
	all = append(all, &sole{name: "employee_id", code: "E301", what: "employee ID"})
	whole, err := r.Catalog(ctx, r.Listed)
	if err != nil {
		return nil, err
	}
	for _, f := range whole.Fields() {
		if f.Unique && f.For == "" {
			n := roster.CustomName(f.Name)
			all = append(all, &sole{name: n, code: "E130", what: "value of " + string(n)})
		}
	}
	for _, s := range all {
		s.free = map[uint64]bool{}
	}
	return all, nil
}

// username tells whether it is the username.
func (s *sole) username() bool { return s.name == "username" }

// undone is a change that takes another back, and the account as it is now.
type undone struct {
	plan.Change
	now *roster.Account
}

func (u *undoing) plan(ctx context.Context) error {
	all := 0
	if u.meter != nil {
		was, err := u.Store.Run(ctx, u.run.Reverts)
		if err != nil {
			return err
		}
		all = was.Facts.Changes()
		u.meter.beginChanges("planning", all, u.Now())
	}
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
			u.meter.changed(u.asked, all)
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

// write stores the changes. Of those of which a value that no two accounts share is
// somebody else's by now it notes that, and stores the rest.
func (u *undoing) write(ctx context.Context, back []undone) error {
	holders := make([]map[string]uint64, len(u.soles))
	for i, s := range u.soles {
		var err error
		if holders[i], err = u.holders(ctx, s, back); err != nil {
			return err
		}
	}
	for _, b := range back {
		some := true
		for i := 0; i < len(u.soles) && some; i++ {
			s := u.soles[i]
			free, err := u.frees(ctx, s, holders[i][s.wants(b)], b.Account)
			if err != nil {
				return err
			}
			if free {
				continue
			}
			if err := u.taken(s, b); err != nil {
				return err
			}
			b.Change, some = s.without(b)
		}
		if !some {
			continue
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
func (u *undoing) taken(s *sole, b undone) error {
	note := roster.NewProblem(s.code, 0, b.Key)
	note.Severity, note.Account, note.Field = roster.SeverityNote, b.Account, string(s.name)
	note.Text = "left alone: its former " + s.what + " is another account's by now"
	return u.note(note)
}

// wants is the value, folded, that a change needs to be free; "" where it needs none.
func (s *sole) wants(b undone) string {
	if s.username() {
		return roster.Fold(plan.Takes(b.Change))
	}
	return roster.Fold(b.TakesValue(s.name, b.now))
}

// without is the rest of a change whose value is another's by now.
func (s *sole) without(b undone) (plan.Change, bool) {
	if s.username() {
		return b.WithoutName(b.now)
	}
	return b.WithoutValue(s.name, b.now)
}

// query asks for the accounts that have values, folded.
func (s *sole) query(values []string) plan.Query {
	switch f, ok := s.name.Field(); {
	case !ok:
	case f == roster.Username:
		return plan.Query{Usernames: values}
	case f == roster.Email:
		return plan.Query{Emails: values}
	default:
		return plan.Query{Field: f, Values: values}
	}
	return plan.Query{Unique: []plan.UniqueQuery{{Name: s.name, Values: values}}}
}

// holders are the accounts that have the values which changes want, folded. Of several
// one that is not the change's own.
func (u *undoing) holders(ctx context.Context, s *sole, back []undone) (map[string]uint64, error) {
	wants := map[string]uint64{}
	var wanted []string
	for _, b := range back {
		if v := s.wants(b); v != "" {
			wants[v] = b.Account
			wanted = append(wanted, v)
		}
	}
	if len(wanted) == 0 {
		return nil, nil
	}
	q := s.query(wanted)
	q.Now = u.Now()
	found, err := u.Store.Find(ctx, q)
	if err != nil {
		return nil, err
	}
	by := map[string]uint64{}
	for _, a := range found.Accounts {
		if v := roster.Fold(a.Value(s.name)); a.Status() != roster.Deleted && (by[v] == 0 || by[v] == wants[v]) {
			by[v] = a.ID
		}
	}
	return by, nil
}

// frees tells whether an account gives what it has of a field to another one, because
// its own change is taken back too; that may want something in its turn, and so on
// until one is free, or the chain closes to a ring. Zero is nobody, who has none.
func (u *undoing) frees(ctx context.Context, s *sole, holder, wants uint64) (free bool, err error) {
	var chain []uint64
	seen := map[uint64]bool{wants: true}
	for free = true; holder != 0 && !seen[holder]; {
		known, ok := s.free[holder]
		if ok {
			free = known
			break
		}
		seen[holder], chain = true, append(chain, holder)
		if holder, free, err = u.moves(ctx, s, holder); err != nil || !free {
			break
		}
	}
	for _, id := range chain {
		s.free[id] = free
	}
	return free, err
}

// moves tells whether an account gives up what it has of a field, and who has what it
// wants instead.
func (u *undoing) moves(ctx context.Context, s *sole, account uint64) (next uint64, yes bool, err error) {
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
	if b == nil || !b.GivesUp(s.name) {
		return 0, false, nil
	}
	back := undone{*b, &found.Accounts[0]}
	holders, err := u.holders(ctx, s, []undone{back})
	return holders[s.wants(back)], true, err
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
