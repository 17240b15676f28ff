package plan

import (
	"fmt"
	"slices"
	"strconv"

	"rollcall/internal/roster"
)

// Rekey gives an account another key where a feed knows it by the old one, and
// where its employee ID is the old one (R46). profile "" means every feed; found is
// the answer to a query for the new key.
func (p Person) Rekey(a *roster.Account, profile string, old, key roster.Key, found Found) (Change, error) {
	d := p.draft(a)
	moved := false
	for i := range d.now.Links {
		l := &d.now.Links[i]
		if l.Key != old || profile != "" && l.Profile != profile {
			continue
		}
		for _, b := range found.Accounts {
			if other := b.Link(l.Profile); b.ID != a.ID && other != nil && other.Key == key {
				return Change{}, coded("E301", "profile %s knows account %d by the new key; rollcall accounts merge, if they are one person, else unlink the one that is wrong", l.Profile, b.ID)
			}
		}
		l.Key, l.Decided, moved = key, true, true
	}
	if roster.NormalKey(a.Values[roster.EmployeeID]) == old {
		for _, b := range found.Accounts {
			if b.ID != a.ID && b.Status() != roster.Deleted && roster.NormalKey(b.Values[roster.EmployeeID]) == key {
				return Change{}, coded("E301", "the new key is the employee_id of account %d; rollcall accounts merge, if they are one person", b.ID)
			}
		}
		d.set(roster.EmployeeID, string(key), p.Who)
		moved = true
	}
	if !moved {
		return Change{}, fmt.Errorf("account %d: %w: no feed knows it by the old key", a.ID, ErrNothing)
	}
	c, ok := d.change()
	if !ok {
		return Change{}, fmt.Errorf("account %d: %w: it has that key already", a.ID, ErrNothing)
	}
	c.Action, c.Key, c.Reason = Update, key, p.Reason
	if c.Reason == "" {
		c.Reason = "re-keyed: the person has a new key"
	}
	return c, nil
}

// notMerged are fields that an account never takes over from one that is merged
// into it: its own name, and dates that could end its access.
var notMerged = roster.FieldSet(0).With(roster.Username, roster.StartsOn, roster.ExpiresOn, roster.LastLoginAt)

// Merge makes two accounts of one person one: from is deleted, and its links,
// memberships and names become those of into, which takes over what it lacks itself. Nothing of it is
// taken back (R103).
func (p Person) Merge(from, into *roster.Account) ([]Change, error) {
	switch {
	case from.ID == into.ID:
		return nil, fmt.Errorf("account %d cannot be merged into itself", from.ID)
	case from.Values[roster.MergedInto] != "":
		return nil, fmt.Errorf("account %d: %w: it was merged into account %s", from.ID, ErrNothing, from.Values[roster.MergedInto])
	case into.Status() == roster.Deleted:
		return nil, fmt.Errorf("account %d is deleted; rollcall accounts restore brings it back, or merge the other way round", into.ID)
	case from.Values[roster.StatusReason] == string(roster.Anonymised):
		return nil, fmt.Errorf("account %d was anonymised: nothing is left that could be merged", from.ID)
	}
	if err := p.erasable(from); err != nil { // it goes, too
		return nil, err
	}
	gone, stays := p.draft(from), p.draft(into)
	gone.now.Links = nil
	for _, l := range from.Links {
		moved := roster.Link{Profile: l.Profile, Key: l.Key, Claim: l.Claim, Decided: true, Anchor: l.Anchor}
		switch have := stays.now.Link(l.Profile); {
		case have == nil:
			stays.now.Links = append(stays.now.Links, moved)
		case l.Claim == roster.ClaimGone: // the feed speaks of the one that stays
		case have.Claim == roster.ClaimGone:
			if roster.NormalKey(into.Values[roster.EmployeeID]) == have.Key && from.Values[roster.EmployeeID] != "" {
				stays.set(roster.EmployeeID, from.Values[roster.EmployeeID], from.Origins[roster.EmployeeID])
			}
			*have = moved
		default:
			return nil, coded("E301", "profile %s lists both accounts, each by a key of its own: HR must end one of the two records first", l.Profile)
		}
	}
	for f := range roster.NumFeedFields {
		if v := from.Values[f]; v != "" && stays.now.Values[f] == "" && !notMerged.Has(f) {
			stays.set(f, v, from.Origins[f])
		}
	}
	stays.now.Grants, gone.now.Grants = slices.Clone(into.Grants), nil
	for _, g := range from.Grants {
		if into.Grant(g.Membership, g.Origin) == nil {
			stays.now.Grants = append(stays.now.Grants, g)
		}
	}
	roster.SortGrants(stays.now.Grants)
	for _, c := range from.Custom {
		if n := roster.CustomName(c.Name); c.Value != "" && stays.now.Value(n) == "" {
			stays.now.Write(n, c.Value, c.Origin)
		}
	}
	gone.status(roster.Deleted, roster.Merged, p.Who, "")
	if from.Values[roster.DeletedAt] == "" {
		gone.set(roster.DeletedAt, p.At, "")
	}
	gone.set(roster.FallbackOwner, into.Values[roster.Username], "")
	gone.set(roster.MergedInto, strconv.FormatUint(into.ID, 10), "")

	c, _ := gone.change()
	c.Action, c.Key, c.Reason = Delete, roster.Key(from.Values[roster.EmployeeID]), p.Reason
	for _, l := range from.Links {
		c.Links = append(c.Links, linkChange(&l, nil))
	}
	c.Sort()
	if c.Reason == "" {
		c.Reason = fmt.Sprintf("merged into account %d", into.ID)
	}
	all := []Change{c}
	if c, ok := stays.change(); ok {
		c.Action, c.Key, c.Reason = Update, roster.Key(stays.now.Values[roster.EmployeeID]), p.Reason
		if c.Reason == "" {
			c.Reason = fmt.Sprintf("account %d was merged into it", from.ID)
		}
		c.Sort()
		all = append(all, c)
	}
	return all, nil
}
