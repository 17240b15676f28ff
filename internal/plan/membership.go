package plan

import (
	"encoding/binary"
	"fmt"
	"slices"

	"rollcall/internal/roster"
)

// A GrantChange makes a grant (Old is nil), moves it, or takes it away (New is nil).
type GrantChange struct {
	roster.Membership
	Origin roster.Origin `json:"origin"`
	Old    *roster.Terms `json:"old,omitempty"`
	New    *roster.Terms `json:"new,omitempty"`
	Was    bool          `json:"was,omitempty"` // the account is a member before the change, whoever grants it
	Is     bool          `json:"is,omitempty"`  // and after it
}

// Joined are the memberships that the change adds to the account and takes from it.
func (c *Change) Joined() (added, removed []roster.Membership) {
	for _, g := range c.Memberships {
		switch {
		case g.Is && !g.Was && !slices.Contains(added, g.Membership):
			added = append(added, g.Membership)
		case g.Was && !g.Is && !slices.Contains(removed, g.Membership):
			removed = append(removed, g.Membership)
		}
	}
	return added, removed
}

// taken is how many memberships the change takes from the account; those whose
// period is over at that instant are none.
func (c *Change) taken(at string) int {
	var all []roster.Membership
	for _, g := range c.Memberships {
		if g.New == nil && g.Was && !g.Is && (g.Old.Until == "" || g.Old.Until > at) && !slices.Contains(all, g.Membership) {
			all = append(all, g.Membership)
		}
	}
	return len(all)
}

// moves tells whether the change moves more than who grants what: an application
// would see it.
func moves(list []GrantChange) bool {
	return slices.ContainsFunc(list, func(g GrantChange) bool {
		return g.Was != g.Is || g.Is && g.Old != nil && g.New != nil && (g.Old.Suspended != g.New.Suspended || g.Old.Until != g.New.Until || g.Old.From != g.New.From)
	})
}

// member tells whether the account has a membership.
func member(a *roster.Account, m roster.Membership) bool {
	return slices.ContainsFunc(a.Grants, func(g roster.Grant) bool { return g.Membership == m && g.Ended == "" })
}

// grantChanges are the grants that differ, in their order.
func grantChanges(was, now *roster.Account) []GrantChange {
	if len(was.Grants)+len(now.Grants) == 0 {
		return nil
	}
	var all []GrantChange
	add := func(g roster.Grant, before, after *roster.Terms) {
		all = append(all, GrantChange{Membership: g.Membership, Origin: g.Origin, Old: before, New: after, Was: member(was, g.Membership), Is: member(now, g.Membership)})
	}
	for i := range was.Grants {
		g := &was.Grants[i]
		after := now.Grant(g.Membership, g.Origin)
		switch {
		case after == nil:
			add(*g, &g.Terms, nil)
		case after.Terms != g.Terms:
			terms := after.Terms
			add(*g, &g.Terms, &terms)
		}
	}
	for i := range now.Grants {
		g := &now.Grants[i]
		if was.Grant(g.Membership, g.Origin) == nil {
			terms := g.Terms
			add(*g, nil, &terms)
		}
	}
	sortGrantChanges(all)
	return all
}

func sortGrantChanges(all []GrantChange) {
	slices.SortFunc(all, func(a, b GrantChange) int {
		if n := a.Membership.Compare(b.Membership); n != 0 {
			return n
		}
		switch {
		case a.Origin < b.Origin:
			return -1
		case a.Origin > b.Origin:
			return 1
		}
		return 0
	})
}

// members plans what the record says of memberships (R90 to R94).
func (d *draft) members() {
	e := d.entry.Members
	if e == nil || d.now.Status() == roster.Deleted {
		return
	}
	defer d.unshield()
	if l := d.now.Link(d.Profile); d.Person == "" && l != nil && l.Claim == roster.ClaimGone {
		d.disown(func(g roster.Membership) bool { return slices.Contains(e.Kinds, g.Kind) })
		return
	}
	d.now.Grants = slices.Clone(d.now.Grants)
	if d.Person == "" {
		d.end()
	}
	for i := range e.List {
		switch w := &e.List[i]; {
		case w.Only:
		case w.Take:
			d.takeAway(w)
		default:
			d.give(w)
		}
	}
	d.now.Grants = slices.DeleteFunc(d.now.Grants, func(g roster.Grant) bool {
		if g.Origin != d.me || !slices.Contains(e.Kinds, g.Kind) || e.Covers(g.Membership) {
			return false
		}
		if g.Ended != "" { // its period is over and the record no longer speaks of it: it may be granted anew one day
			return true
		}
		if d.Policy.Memberships == "exact" {
			return true
		}
		return false
	})
	roster.SortGrants(d.now.Grants)
}

// end notes of grants whose period is over that it is: the sweep would.
func (d *draft) end() {
	for i := range d.now.Grants {
		if g := &d.now.Grants[i]; over(g, d.stamp) {
			g.Ended = d.stamp
		}
	}
}

func over(g *roster.Grant, at string) bool {
	return g.Ended == "" && g.Until != "" && g.Until <= at
}

// give grants a membership in this profile's name. What it grants already neither
// moves nor is renewed, and what has ended is not granted again while the record
// says of it what it said (R92). A person who imports an export claims nothing of what
// the account has anyway, or a feed could never take it back; and means what has ended.
func (d *draft) give(w *roster.Wanted) {
	g := d.now.Grant(w.Membership, d.me)
	switch {
	case w.Until != "" && w.Until <= d.stamp: // it was over before it was asked for
		return
	case d.Person != "" && (g == nil || g.Ended != ""):
		if member(d.now, w.Membership) {
			return
		}
	case g != nil && (g.Ended == "" || g.Said == w.Said()):
		if w.Status != "" && g.Ended == "" {
			g.Suspended = w.Status == "1"
		}
		return
	}
	terms := d.terms(w)
	if g != nil {
		g.Terms = terms
		return
	}
	d.now.Grants = append(d.now.Grants, roster.Grant{Membership: w.Membership, Origin: d.me, Terms: terms})
}

// terms are those of a membership that is granted now.
func (d *draft) terms(w *roster.Wanted) roster.Terms {
	t := roster.Terms{Since: d.stamp, Suspended: w.Status == "1", Said: w.Said()}
	zone := Zone(d.now.Values[roster.Timezone], d.Zone)
	begins := d.planner.now
	if from := StartOf(w.From, zone); w.From != "" {
		t.From = roster.Stamp(from)
		if from.After(begins) {
			begins = from
		}
	}
	if w.Days > 0 {
		t.Until = roster.Stamp(roster.DayBegins(begins.In(zone).AddDate(0, 0, w.Days), zone))
	}
	if w.Until != "" {
		t.Until = w.Until
	}
	return t
}

// takeAway takes a membership away that the record says is to go (R93): this profile's
// grant, and that of a feed which no longer claims the account. What a person
// granted, or another feed that lists the person, stays, with a note.
func (d *draft) takeAway(w *roster.Wanted) {
	stays := false
	d.now.Grants = slices.DeleteFunc(d.now.Grants, func(g roster.Grant) bool {
		if g.Membership != w.Membership {
			return false
		}
		other := d.was.Link(string(g.Origin))
		if g.Origin.IsPerson() || g.Origin != d.me && other != nil && other.Claim != roster.ClaimGone {
			stays = stays || g.Ended == ""
			return false
		}
		return true
	})
	if stays {
		d.remark("", string(w.Kind)+"s", "asks to take it away, but a person or another feed has granted it, so it stays")
	}
}

// disown takes away what this profile granted, once it no longer claims an account
// that others do (R5, R94). Who is suspended or deleted keeps what he has, so that
// nothing is lost where that was a mistake.
func (d *draft) disown(kinds func(roster.Membership) bool) {
	if d.Policy.Memberships != "exact" || !d.was.Claimed(d.Profile) {
		return
	}
	d.now.Grants = slices.DeleteFunc(slices.Clone(d.now.Grants), func(g roster.Grant) bool {
		if g.Origin != d.me || !kinds(g.Membership) {
			return false
		}
		return true
	})
}

// forsake is [draft.disown] for an account that no record mentions any more.
func (d *draft) forsake() error {
	old := d.was.Link(d.Profile)
	if d.Policy.Memberships != "exact" || old.Claim == roster.ClaimGone || !d.was.Claimed(d.Profile) {
		return nil
	}
	found, err := d.dir.Find(d.ctx, Query{Profile: d.Profile, IDs: []uint64{d.was.ID}, Grants: true, Now: d.planner.now})
	if err != nil {
		return fmt.Errorf("find the memberships of an absent account: %w", err)
	}
	for i := range found.Accounts {
		if a := &found.Accounts[i]; a.ID == d.was.ID {
			with := clone(d.was) // what is asked about it is asked of all that it has
			with.Grants = a.Grants
			d.was, d.now.Grants = with, slices.Clone(a.Grants)
		}
	}
	d.disown(func(roster.Membership) bool { return true })
	return nil
}

// Ends are the memberships of an account whose period is over at an instant, a
// [roster.Stamp]: the sweep's (R92).
func Ends(a *roster.Account, at string) []GrantChange {
	now := clone(a)
	for i := range now.Grants {
		if g := &now.Grants[i]; over(g, at) {
			g.Ended = at
		}
	}
	return grantChanges(a, now)
}

// Ending is the sweep's change of an account of which nothing else is due; ok is
// false where no membership ends.
func Ending(a *roster.Account, at string) (c Change, ok bool) {
	ends := Ends(a, at)
	if len(ends) == 0 {
		return Change{}, false
	}
	return Change{
		Action: Update, Account: a.ID, Version: a.Version, Key: roster.Key(a.Values[roster.EmployeeID]), Username: a.Values[roster.Username],
		Reason: "the period of a membership is over", Memberships: ends,
	}, true
}

// Enrol plans what a person adds to and takes from an account's memberships. What
// a person takes away goes whoever granted it; a feed that still lists it grants it
// again with its next record.
func (p Person) Enrol(a *roster.Account, add, remove []roster.Membership) (Change, error) {
	if a.Status() == roster.Deleted {
		return Change{}, fmt.Errorf("account %d is deleted; rollcall accounts restore brings it back", a.ID)
	}
	now := clone(a)
	for _, m := range remove {
		now.Grants = slices.DeleteFunc(now.Grants, func(g roster.Grant) bool {
			// course:ID takes every role and group of the course.
			return g.Kind == m.Kind && g.Name == m.Name && (m.Role == "" || g.Role == m.Role) && (m.Group == "" || g.Group == m.Group)
		})
	}
	for _, m := range add {
		g := now.Grant(m, p.Who)
		switch {
		case g == nil:
			now.Grants = append(now.Grants, roster.Grant{Membership: m, Origin: p.Who, Terms: roster.Terms{Since: p.At}})
		case g.Ended != "":
			g.Terms = roster.Terms{Since: p.At}
		}
	}
	roster.SortGrants(now.Grants)
	changes := grantChanges(a, now)
	if len(changes) == 0 {
		return Change{}, fmt.Errorf("account %d: %w: its memberships are so already", a.ID, ErrNothing)
	}
	c := Change{
		Action: Update, Account: a.ID, Version: a.Version, Key: roster.Key(a.Values[roster.EmployeeID]), Username: a.Values[roster.Username],
		Reason: p.Reason, Memberships: changes,
	}
	if c.Reason == "" {
		c.Reason = "by hand"
	}
	return c, nil
}

// ungrant plans the opposite of what a change did to memberships. What has been
// changed since is left alone.
func (c *Change) ungrant(now *roster.Account) (back []GrantChange, left int) {
	then := clone(now)
	for _, g := range c.Memberships {
		is := now.Grant(g.Membership, g.Origin)
		switch {
		case is == nil && g.New == nil || is != nil && g.New != nil && is.Terms == *g.New:
			then.Grants = slices.DeleteFunc(then.Grants, func(x roster.Grant) bool { return x.Membership == g.Membership && x.Origin == g.Origin })
			if g.Old != nil {
				then.Grants = append(then.Grants, roster.Grant{Membership: g.Membership, Origin: g.Origin, Terms: *g.Old})
			}
		case is == nil && g.Old == nil || is != nil && g.Old != nil && is.Terms == *g.Old: // as before already
		default:
			left++
		}
	}
	roster.SortGrants(then.Grants)
	return grantChanges(now, then), left
}

// appendMembers adds what a record says of memberships to what is hashed of it.
func appendMembers(b []byte, m *roster.Members) []byte {
	if m == nil {
		return b
	}
	text := func(s string) { b = append(binary.AppendUvarint(b, uint64(len(s))), s...) }
	for _, list := range [][]roster.Kind{m.Kinds, m.Unsure} {
		b = binary.AppendUvarint(b, uint64(len(list)))
		for _, k := range list {
			text(string(k))
		}
	}
	for i := range m.List {
		w := &m.List[i]
		for _, s := range []string{string(w.Kind), w.Name, w.Role, w.Group, w.From, w.Until, w.Status} {
			text(s)
		}
		b = append(binary.AppendUvarint(b, uint64(w.Days)), bit(w.Take)|bit(w.Only)<<1)
	}
	return b
}
