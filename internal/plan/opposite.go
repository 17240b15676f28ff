package plan

import (
	"slices"

	"rollcall/internal/roster"
)

// Opposite is the change that takes c back, planned against its account as it
// is now; nil where nothing is left to take back. What has changed since is left
// alone and told (R103). now is nil where the account is gone.
func Opposite(c Change, now *roster.Account) (back *Change, left []roster.Problem) {
	alone := func(field, text string) {
		left = append(left, roster.Problem{Severity: roster.SeverityNote, Field: field, Key: c.Key, Account: c.Account, Text: text})
	}
	if now == nil {
		alone("", "left alone: the account is gone")
		return nil, left
	}
	if now.Values[roster.StatusReason] == string(roster.Anonymised) {
		alone("", "left alone: the account was anonymised, and nothing of it can be taken back")
		return nil, left
	}
	if now.Values[roster.MergedInto] != "" {
		alone("", "left alone: the account was merged into account "+now.Values[roster.MergedInto]+", and nothing of it can be taken back")
		return nil, left
	}
	b := Change{Account: c.Account, Version: now.Version, Key: c.Key, Username: now.Values[roster.Username], Reason: "taken back"}
	if c.Action == Add {
		if now.Version != 1 || len(now.Links) != len(c.Links) {
			alone("", "left alone: the account was added by the run and has been changed since")
			return nil, left
		}
		b.Action = Purge
		for f := range roster.NumFields {
			if v := now.Values[f]; v != "" {
				b.Fields = append(b.Fields, FieldChange{Field: f, Name: f.String(), Old: v, Was: origin(now, f)})
			}
		}
		b.Fields = append(b.Fields, customDiff(now, &roster.Account{})...)
		for _, l := range now.Links {
			b.Links = append(b.Links, linkChange(&l, nil))
		}
		b.Memberships = grantChanges(now, &roster.Account{})
		return &b, left
	}
	moved := c.moved(now)
	for _, f := range c.Fields {
		is := f.In(now)
		switch {
		case f.Field == roster.CustomField && is != f.New, f.Field != roster.CustomField && moved.Has(f.Field):
			if is != f.New && is != f.Old {
				alone(f.Name, "left alone: the field has been changed since")
			}
		case is == f.New:
			b.Fields = append(b.Fields, FieldChange{Field: f.Field, Name: f.Name, Old: f.New, New: f.Old, Was: now.OriginOf(f.name()), Is: f.Was})
		}
	}
	if b.unlocal(now) {
		alone(roster.PasswordField.String(), "left alone: the account logs in otherwise by now")
	}
	for _, l := range c.Links {
		is := now.Link(l.Profile)
		switch {
		case l.New == "" && is == nil: // it was removed: make it again
			b.Links = append(b.Links, linkChange(nil, &roster.Link{Profile: l.Profile, Key: l.OldKey, Claim: l.Old, Decided: l.Decided, Anchor: l.OldAnchor}))
		case is != nil && is.Claim == l.New && is.Key == l.NewKey:
			b.Links = append(b.Links, l.undone(is))
		case l.Old == "" && is == nil, is != nil && is.Claim == l.Old && is.Key == l.OldKey: // as before already
		default:
			alone("", "left alone: its link has been changed since")
		}
	}
	var changed int
	if b.Memberships, changed = c.ungrant(now); changed > 0 {
		alone("", "left alone: a membership has been changed since")
	}
	if len(b.Fields) == 0 && len(b.Links) == 0 && len(b.Memberships) == 0 {
		return nil, left
	}
	b.Action = b.named(now)
	return &b, left
}

// unlocal takes care that who logs in by others' knowledge afterwards has no password
// here (R80), whoever gave it meanwhile. It tells whether one stays taken.
func (c *Change) unlocal(now *roster.Account) (stays bool) {
	var after roster.Values
	after[roster.Auth] = now.Values[roster.Auth]
	if f := c.Field(roster.Auth); f != nil {
		after[roster.Auth] = f.New
	}
	if after.Local() {
		return false
	}
	given := func(f FieldChange) bool { return f.Field == roster.PasswordField && f.New != "" }
	stays = slices.ContainsFunc(c.Fields, given)
	c.Fields = slices.DeleteFunc(c.Fields, given)
	if was := now.Values[roster.PasswordField]; was != "" && c.Field(roster.PasswordField) == nil {
		c.Fields = append(c.Fields, FieldChange{Field: roster.PasswordField, Name: roster.PasswordField.String(), Old: was})
		c.Sort()
	}
	return stays
}

// WithoutName is the rest of an opposite whose username is another's by now: the
// account keeps the name that it has, and a key that is its name with it. now is
// the account. There is no rest where nothing else is taken back, or where the
// account has no name of its own without it.
func (c Change) WithoutName(now *roster.Account) (rest Change, some bool) {
	name := c.Field(roster.Username)
	if name == nil || c.Action == Purge {
		return Change{}, false
	}
	rest = c
	rest.Fields = slices.DeleteFunc(slices.Clone(c.Fields), func(f FieldChange) bool { return f.Field == roster.Username })
	rest.Links = slices.DeleteFunc(slices.Clone(c.Links), func(l LinkChange) bool {
		return l.OldKey != l.NewKey && roster.Fold(string(l.NewKey)) == roster.Fold(name.New)
	})
	if len(rest.Fields) == 0 && len(rest.Links) == 0 && len(rest.Memberships) == 0 || Takes(rest) != "" {
		return Change{}, false
	}
	rest.Action = rest.named(now)
	return rest, true
}

// TakesValue is the value of a field that no two accounts share which a change needs
// to be free; "" where it needs none. now is its account.
func (c *Change) TakesValue(n roster.Name, now *roster.Account) string {
	if f := c.of(n); f != nil {
		return f.New
	}
	if c.revives() {
		return now.Value(n)
	}
	return ""
}

// WithoutValue is the rest of an opposite of which the value of a field is another's by
// now: the account keeps the one that it has, and who comes back has none, as who is
// listed again (R22). A key that is the value stays as it is too. There is no rest where
// nothing else is taken back.
func (c Change) WithoutValue(n roster.Name, now *roster.Account) (rest Change, some bool) {
	if c.Action == Purge {
		return c, true
	}
	wanted := roster.Fold(c.TakesValue(n, now))
	rest = c
	rest.Fields = slices.DeleteFunc(slices.Clone(c.Fields), func(f FieldChange) bool { return f.name() == n })
	rest.Links = slices.DeleteFunc(slices.Clone(c.Links), func(l LinkChange) bool {
		return l.OldKey != l.NewKey && roster.Fold(string(l.NewKey)) == wanted
	})
	if v := now.Value(n); c.revives() && v != "" {
		f, ok := n.Field()
		if !ok {
			f = roster.CustomField
		}
		rest.Fields = append(rest.Fields, FieldChange{Field: f, Name: string(n), Old: v, Was: now.OriginOf(n)})
		rest.Sort()
	}
	if len(rest.Fields) == 0 && len(rest.Links) == 0 && len(rest.Memberships) == 0 {
		return Change{}, false
	}
	rest.Action = rest.named(now)
	return rest, true
}

// of finds what the change does to a field; nil where it leaves it alone.
func (c *Change) of(n roster.Name) *FieldChange {
	for i := range c.Fields {
		if c.Fields[i].name() == n {
			return &c.Fields[i]
		}
	}
	return nil
}

// revives tells whether a deleted account comes back.
func (c *Change) revives() bool {
	s := c.Field(roster.StatusField)
	return s != nil && s.Old == string(roster.Deleted) && s.New != string(roster.Deleted) && c.Action != Purge
}

// GivesUp tells whether an account has the value of such a field no more.
func (c *Change) GivesUp(n roster.Name) bool {
	return c.of(n) != nil || c.Action == Purge || c.Action == Delete && n != roster.Name(roster.Username.String())
}

// undone is the change that takes l back of a link as it is now. An anchor that has
// been learned since stays.
func (l *LinkChange) undone(is *roster.Link) LinkChange {
	if l.Old == "" {
		return LinkChange{Profile: l.Profile, OldKey: is.Key, Old: is.Claim, NewKey: l.OldKey, OldAnchor: is.Anchor}
	}
	back := *is
	back.Key, back.Claim = l.OldKey, l.Old
	if is.Anchor == l.NewAnchor {
		back.Anchor = l.OldAnchor
	}
	return linkChange(is, &back)
}

// together are fields that say one thing: where one of them has been changed
// since, the others are not taken back either, or a later suspension would lose
// its status and keep its reason.
var together = []roster.FieldSet{
	roster.FieldSet(0).With(roster.StatusField, roster.StatusReason, roster.StatusBy, roster.StatusSince, roster.FallbackOwner, roster.DeletedAt),
	roster.FieldSet(0).With(roster.StartsOn, roster.StartsAt),
	roster.FieldSet(0).With(roster.ExpiresOn, roster.ExpiresAt),
}

// moved are the fields of c that are no longer as c left them, with those that
// belong together with one of them.
func (c *Change) moved(now *roster.Account) (moved roster.FieldSet) {
	for _, f := range c.Fields {
		if f.Field != roster.CustomField && now.Values[f.Field] != f.New {
			moved = moved.With(f.Field)
		}
	}
	for _, set := range together {
		if moved&set != 0 {
			moved |= set
		}
	}
	return moved
}

// named is the action of a change that takes another back.
func (c *Change) named(now *roster.Account) Action {
	s := c.Field(roster.StatusField)
	switch {
	case s != nil && s.New == string(roster.Deleted):
		return Delete
	case s != nil && s.New == string(roster.Suspended) && now.Status() == roster.Active:
		return Suspend
	case s != nil:
		return Reactivate
	case c.Field(roster.Username) != nil:
		return Rename
	case len(c.Fields) == 0 && !c.ties() && !moves(c.Memberships):
		return Claim
	}
	return Update
}

// ties tells whether the change makes or removes a link.
func (c *Change) ties() bool {
	for _, l := range c.Links {
		if l.Old == "" || l.New == "" {
			return true
		}
	}
	return false
}

// Takes is the username that a change needs to be free; "" where it needs none.
func Takes(c Change) string {
	if f := c.Field(roster.Username); f != nil {
		return f.New
	}
	if s := c.Field(roster.StatusField); s != nil && s.Old == string(roster.Deleted) {
		return c.Username
	}
	return ""
}

func origin(a *roster.Account, f roster.Field) roster.Origin {
	if f < roster.NumFeedFields {
		return a.Origins[f]
	}
	return ""
}
