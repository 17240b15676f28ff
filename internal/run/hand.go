package run

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"rollcall/internal/guard"
	"rollcall/internal/journal"
	"rollcall/internal/plan"
	"rollcall/internal/roster"
	"rollcall/internal/store"
)

// By is who does something by hand, and why.
type By struct {
	Who    string
	Reason string
	Meter  *Meter // shows how far a revert is; nil: nobody looks
}

// SetStatus suspends or reactivates accounts, in one run of kind batch.
func (r *Runner) SetStatus(ctx context.Context, action plan.Action, accounts []string, by By) (*journal.Run, error) {
	p, err := r.PlanDeed(ctx, accounts, by, r.Status(action))
	if err != nil {
		return nil, err
	}
	return r.batch(ctx, p, by)
}

// A Deed plans what a person does to one account. Where that would change
// nothing its error is [plan.ErrNothing].
type Deed func(ctx context.Context, p plan.Person, a *roster.Account) (plan.Change, error)

// Status suspends or reactivates.
func (r *Runner) Status(action plan.Action) Deed {
	return func(_ context.Context, p plan.Person, a *roster.Account) (plan.Change, error) {
		return plan.ByHand(a, action, p.Protect, p.Who, p.Reason, p.At)
	}
}

// Edit writes fields.
func (r *Runner) Edit(w plan.Wants) Deed {
	return func(ctx context.Context, p plan.Person, a *roster.Account) (plan.Change, error) {
		found, err := r.Store.Find(ctx, w.Query(a, r.Now()))
		if err != nil {
			return plan.Change{}, err
		}
		return p.Edit(a, w, found)
	}
}

// Enrol adds memberships and takes some away, after what first has done to the
// account; first may be nil.
func (r *Runner) Enrol(add, remove []roster.Membership, first Deed) Deed {
	return func(ctx context.Context, p plan.Person, a *roster.Account) (plan.Change, error) {
		joined, err := p.Enrol(a, add, remove)
		if first == nil || err != nil && !errors.Is(err, plan.ErrNothing) {
			return joined, err
		}
		c, nothing := first(ctx, p, a)
		if errors.Is(nothing, plan.ErrNothing) {
			return joined, err
		}
		c.Memberships = joined.Memberships
		return c, nothing
	}
}

// Password has another password chosen at the next login, or a new one made and
// mailed, after what first has done to the account; first may be nil. Where spared
// is not nil, who has no password here is no fault: it is told, and first is all.
func (r *Runner) Password(force, reset bool, first Deed, spared func(*roster.Account)) Deed {
	return func(ctx context.Context, p plan.Person, a *roster.Account) (plan.Change, error) {
		var c plan.Change
		if first != nil {
			var err error
			if c, err = first(ctx, p, a); err != nil && !errors.Is(err, plan.ErrNothing) {
				return c, err
			}
		}
		more, err := p.Password(a, c, force, reset)
		if spared == nil || !errors.Is(err, plan.ErrNoPassword) {
			return more, err
		}
		spared(a)
		if c.Action == "" {
			return c, plan.ErrNothing
		}
		return c, nil
	}
}

// Free gives fields that a person wrote back to the feeds; all of them where
// none are named.
func (r *Runner) Free(fields []roster.Name) Deed {
	return func(_ context.Context, p plan.Person, a *roster.Account) (plan.Change, error) {
		return p.Release(a, fields)
	}
}

// Delete deletes softly; owner says who inherits what an account leaves.
func (r *Runner) Delete(owner func(*roster.Account) string) Deed {
	return func(ctx context.Context, p plan.Person, a *roster.Account) (plan.Change, error) {
		var found plan.Found
		name := owner(a)
		if name != "" {
			var err error
			if found, err = r.Store.Find(ctx, plan.Query{Usernames: []string{roster.Fold(name)}, Now: r.Now()}); err != nil {
				return plan.Change{}, err
			}
		}
		return p.Delete(a, name, found)
	}
}

// Restore brings deleted accounts back, each in the state that it had.
func (r *Runner) Restore(w plan.Wants) Deed {
	var back []roster.Account // those before, which are still deleted in the database: two of them may have had one name, one after the other
	return func(ctx context.Context, p plan.Person, a *roster.Account) (plan.Change, error) {
		found, err := r.Store.Find(ctx, w.Query(a, r.Now()))
		if err != nil {
			return plan.Change{}, err
		}
		found.Accounts = append(found.Accounts, back...)
		var gone *plan.Change
		if did, err := r.Store.Deletion(ctx, a.ID); err != nil {
			return plan.Change{}, err
		} else if did != nil {
			gone = &did.Change
		}
		c, err := p.Restore(a, gone, w, found)
		if err == nil {
			now := *a
			now.Values[roster.StatusField] = string(roster.Active)
			back = append(back, now)
		}
		if errors.Is(err, plan.ErrTaken) {
			free, lost := r.freeName(ctx, a.Values[roster.Username])
			if lost != nil {
				return plan.Change{}, lost
			}
			err = fmt.Errorf("%w: --set username=%s would be free", err, free)
		}
		return c, err
	}
}

// freeName is the first of name2, name3, … that nobody has.
func (r *Runner) freeName(ctx context.Context, name string) (string, error) {
	base := strings.TrimRight(name, "0123456789")
	taken, err := r.Store.Numbered(ctx, base, r.Now())
	if err != nil {
		return "", err
	}
	for n := 2; ; n++ {
		if free := base + strconv.Itoa(n); !slices.Contains(taken, roster.Fold(free)) {
			return free, nil
		}
	}
}

// Keep begins or ends a legal hold.
func (r *Runner) Keep(hold bool) Deed {
	return func(_ context.Context, p plan.Person, a *roster.Account) (plan.Change, error) { return p.Keep(a, hold) }
}

// PlanDeed is what a person's deed comes to for accounts, each named like a
// username, id:20417 or key:104417: all of them or none. Those of which nothing
// would change are left out. Nothing is recorded.
func (r *Runner) PlanDeed(ctx context.Context, accounts []string, by By, do Deed) (plan.Plan, error) {
	if err := r.Forwards(ctx); err != nil {
		return plan.Plan{}, err
	}
	var p plan.Plan
	person, err := r.person(ctx, by)
	if err != nil {
		return p, err
	}
	seen := map[uint64]bool{}
	for _, ref := range accounts {
		a, err := r.Store.Named(ctx, ref)
		if err != nil {
			return plan.Plan{}, fmt.Errorf("%q: %w", ref, err)
		}
		if seen[a.ID] {
			continue
		}
		seen[a.ID] = true
		switch c, err := do(ctx, person, a); {
		case errors.Is(err, plan.ErrNothing):
		case err != nil:
			return plan.Plan{}, fmt.Errorf("%q: %w", ref, err)
		default:
			p.Changes = append(p.Changes, c)
		}
	}
	return p, nil
}

// PlanCreate is the account that a person adds. Nothing is recorded.
func (r *Runner) PlanCreate(ctx context.Context, w plan.Wants, by By) (plan.Plan, error) {
	if err := r.Forwards(ctx); err != nil {
		return plan.Plan{}, err
	}
	found, err := r.Store.Find(ctx, w.Query(nil, r.Now()))
	if err != nil {
		return plan.Plan{}, err
	}
	person, err := r.person(ctx, by)
	if err != nil {
		return plan.Plan{}, err
	}
	c, err := person.Create(w, found)
	return plan.Plan{Changes: []plan.Change{c}}, err
}

// PlanRekey gives the account with an old key a new one, in one feed or all (R46).
func (r *Runner) PlanRekey(ctx context.Context, profile string, old, key roster.Key, by By) (plan.Plan, error) {
	a, err := r.keyed(ctx, profile, old)
	if err != nil {
		return plan.Plan{}, err
	}
	var found plan.Found
	for _, l := range append(slices.Clone(a.Links), roster.Link{}) {
		more, err := r.Store.Find(ctx, plan.Query{Profile: l.Profile, Keys: []roster.Key{key}, Field: roster.EmployeeID, Values: []string{roster.Fold(string(key))}, Now: r.Now()})
		if err != nil {
			return plan.Plan{}, err
		}
		found.Accounts = append(found.Accounts, more.Accounts...)
	}
	person, err := r.person(ctx, by)
	if err != nil {
		return plan.Plan{}, err
	}
	c, err := person.Rekey(a, profile, old, key, found)
	if errors.Is(err, plan.ErrNothing) {
		return plan.Plan{}, nil
	}
	return plan.Plan{Changes: []plan.Change{c}}, err
}

// keyed finds the account of a key: that of a profile, or as key:K does.
func (r *Runner) keyed(ctx context.Context, profile string, key roster.Key) (*roster.Account, error) {
	if profile == "" {
		return r.Store.Named(ctx, "key:"+string(key))
	}
	holders, err := r.keyHolders(ctx, profile, key)
	switch {
	case err != nil:
		return nil, err
	case len(holders) == 0:
		return nil, fmt.Errorf("profile %s links no account by that key: %w", profile, store.ErrNone)
	case len(holders) > 1:
		return nil, fmt.Errorf("profile %s links several accounts by that key; rollcall accounts link says which one is meant", profile)
	}
	return &holders[0], nil
}

// PlanMerge makes two accounts of one person one: from becomes part of into.
func (r *Runner) PlanMerge(ctx context.Context, from, into string, by By) (p plan.Plan, err error) {
	if err := r.Forwards(ctx); err != nil {
		return p, err
	}
	a, err := r.Store.Named(ctx, from)
	if err != nil {
		return p, err
	}
	b, err := r.Store.Named(ctx, into)
	if err != nil {
		return p, err
	}
	person, err := r.person(ctx, by)
	if err != nil {
		return p, err
	}
	p.Changes, err = person.Merge(a, b)
	if errors.Is(err, plan.ErrNothing) {
		return plan.Plan{}, nil
	}
	return p, err
}

// Do carries out what a person has planned, in one run of kind batch. What has
// been changed since is left out, and the error says so.
func (r *Runner) Do(ctx context.Context, p plan.Plan, by By) (*journal.Run, error) {
	return r.batch(ctx, p, by)
}

func (r *Runner) person(ctx context.Context, by By) (plan.Person, error) {
	shield, err := r.protected(ctx)
	return plan.Person{Who: roster.Person(by.Who), Reason: by.Reason, At: roster.Stamp(r.Now()), Protect: shield, Zone: r.Zone}, err
}

// protected is whom sweep and people's tools leave alone (R64).
func (r *Runner) protected(ctx context.Context) (plan.Protected, error) {
	holders, err := r.Store.Holders(ctx, r.Protect)
	return plan.Protected{Names: r.Protect, Holders: holders}, err
}

// Link ties a key of a profile to an account, or to nobody yet where account
// is "new": the next run then adds somebody (R49).
func (r *Runner) Link(ctx context.Context, profile string, key roster.Key, account string, by By) (*journal.Run, error) {
	if err := r.Forwards(ctx); err != nil {
		return nil, err
	}
	holders, err := r.keyHolders(ctx, profile, key)
	if err != nil {
		return nil, err
	}
	var target *roster.Account
	if account != "new" {
		if target, err = r.Store.Named(ctx, account); err != nil {
			return nil, err
		}
		taken := slices.ContainsFunc(holders, func(a roster.Account) bool { return a.ID != target.ID })
		if l := target.Link(profile); taken && l != nil && l.Key != "" && l.Key != key {
			return nil, fmt.Errorf("the key is another account's, and account %d is linked to profile %s by another key; rollcall accounts unlink the one that is wrong first", target.ID, profile)
		}
	}
	var p plan.Plan
	for i := range holders {
		if target != nil && holders[i].ID == target.ID {
			continue
		}
		if c, ok := plan.Untie(&holders[i], profile, by.Reason); ok {
			p.Changes = append(p.Changes, c)
		}
	}
	if target == nil {
		if err := r.Store.DecideNew(ctx, profile, key, by.Who, by.Reason); err != nil {
			return nil, err
		}
		if len(p.Changes) == 0 {
			return nil, nil
		}
	} else {
		p.Changes = append(p.Changes, plan.Tie(target, profile, key, by.Reason))
	}
	return r.batch(ctx, p, by)
}

// Unlink takes the link of a key away: the profile no longer owns the account.
func (r *Runner) Unlink(ctx context.Context, profile string, key roster.Key, by By) (*journal.Run, error) {
	holders, err := r.keyHolders(ctx, profile, key)
	if err != nil {
		return nil, err
	}
	var p plan.Plan
	for i := range holders {
		if c, ok := plan.Untie(&holders[i], profile, by.Reason); ok {
			p.Changes = append(p.Changes, c)
		}
	}
	if len(p.Changes) == 0 {
		return nil, fmt.Errorf("profile %s links no account by that key: %w", profile, store.ErrNone)
	}
	return r.batch(ctx, p, by)
}

// keyHolders are the accounts that a profile links by a key.
func (r *Runner) keyHolders(ctx context.Context, profile string, key roster.Key) ([]roster.Account, error) {
	found, err := r.Store.Find(ctx, plan.Query{Profile: profile, Keys: []roster.Key{key}, Now: r.Now()})
	if err != nil {
		return nil, err
	}
	var all []roster.Account
	for _, a := range found.Accounts {
		if l := a.Link(profile); l != nil && l.Key == key {
			all = append(all, a)
		}
	}
	return all, nil
}

// patient is how long a person's change waits for another's.
const patient = 20 * time.Second

// hand takes the lease of changes by hand: one at a time, so that one whose
// process has died is seen for what it is.
func (r *Runner) hand(ctx context.Context) (*store.Lease, error) {
	for end := time.Now().Add(patient); ; {
		lease, err := r.acquire(ctx, store.ByHand)
		if !errors.Is(err, store.ErrBusy) || time.Now().After(end) {
			return lease, err
		}
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-time.After(50 * time.Millisecond):
		}
	}
}

// batch applies what a person asked for, with journal and report like any run.
func (r *Runner) batch(ctx context.Context, p plan.Plan, by By) (*journal.Run, error) {
	run := &journal.Run{Kind: journal.Batch, Trigger: "manual", Started: r.Now(), Decision: by.Reason, DecidedBy: by.Who}
	lease, err := r.hand(ctx)
	if err != nil {
		return nil, err
	}
	defer r.release(lease)
	if err := r.Store.Begin(ctx, run); err != nil {
		return nil, err
	}
	tally(&run.Facts, p.Changes)
	there, err := r.Store.Count(ctx)
	if err == nil {
		run.Findings, err = r.Weigh(ctx, p)
		run.Approved = len(run.Findings) > 0 // who has asked for it has seen them
	}
	if err == nil {
		run.Facts.ActiveBefore = there[roster.Active]
		run.Facts.ActiveAfter = there[roster.Active] + gained(p.Changes)
		err = r.save(ctx, run, p)
	}
	if err == nil {
		err = r.carryOut(ctx, nil, lease, run, nil, false, nil)
	}
	if err == nil && run.LeftOut > 0 {
		err = errors.New("an account was changed by somebody else at the same moment and was left out; look, and say it again")
	}
	return run, r.ended(ctx, nil, run, err)
}

// Weigh judges what a person has planned as if a feed had: the findings that would
// hold it. They hold no person, who is asked with these numbers; the run keeps them.
func (r *Runner) Weigh(ctx context.Context, p plan.Plan) (over []guard.Finding, err error) {
	there, err := r.Store.Count(ctx)
	if err != nil {
		return nil, err
	}
	f := plan.Facts{ActiveBefore: there[roster.Active], Owned: there[roster.Active] + there[roster.Suspended], FieldChanges: map[string]int{}}
	tally(&f, p.Changes)
	f.MembershipsRemoved = 0 // they are counted against what one feed has granted
	for _, c := range p.Changes {
		for _, x := range c.Fields {
			if x.Fed() && x.Old != "" && x.Old != x.New && c.Action != plan.Anonymise && c.Action != plan.Purge {
				f.FieldChanges[x.Name]++
			}
		}
	}
	for _, x := range guard.Check(guard.DefaultLimits(), f, guard.Baseline{Applied: true}) {
		if x.Holds() {
			x.Text = strings.Replace(x.Text, " of the profile", "", 1)
			over = append(over, x)
		}
	}
	return over, nil
}

// gained is how many more accounts are active behind some changes.
func gained(changes []plan.Change) (n int) {
	for _, c := range changes {
		s := c.Field(roster.StatusField)
		switch {
		case s == nil:
		case s.New == string(roster.Active):
			n++
		case s.Old == string(roster.Active):
			n--
		}
	}
	return n
}

// tally counts changes that no record asked for as if each were a row of its own.
func tally(f *plan.Facts, changes []plan.Change) {
	for _, c := range changes {
		if c.Action == plan.Claim { // no account differs by it
			continue
		}
		f.Rows.Read++
		added, removed := c.Joined()
		f.MembershipsAdded += len(added)
		f.MembershipsRemoved += len(removed)
		if c.Erases() {
			f.Erased++
		}
		if c.Action == plan.Purge {
			f.Purged++
		}
		if c.Field(roster.MergedInto) != nil {
			f.Merged++
		}
		switch c.Action {
		case plan.Add:
			f.Rows.Added++
			f.Adds++
		case plan.Rename:
			f.Rows.Renamed++
			f.Renames++
		case plan.Reactivate:
			f.Rows.Reactivated++
			if s := c.Field(roster.StatusField); s != nil && s.Old == string(roster.Deleted) {
				f.Restored.Accounts++
				if s.New == string(roster.Suspended) {
					f.Restored.Suspended++
				}
			}
		case plan.Suspend:
			f.Rows.Suspended++
			f.Removals++
		case plan.Delete, plan.Anonymise, plan.Purge:
			if c.Action == plan.Purge {
				f.Outright++
			}
			f.Rows.Deleted++
			f.Removals++
		default:
			f.Rows.Updated++
		}
	}
}
