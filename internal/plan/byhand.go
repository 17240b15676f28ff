package plan

import (
	"fmt"

	"rollcall/internal/roster"
)

// ByDates is what the dates of an account ask for at an instant, a
// [roster.Stamp]: the sweep's change. ok is false where they ask for nothing, or
// where the account is protected. Whom no feed claims any more does not start.
func ByDates(a *roster.Account, guard Protected, at string) (c Change, ok bool) {
	why := Ended(&a.Values, at)
	switch {
	case guard.Account(a):
		return Change{}, false
	case why != "" && a.Status() == roster.Active:
		c = moveStatus(a, Suspend, roster.Suspended, why, roster.OriginDate, at)
		c.Reason = dateReason(why, &a.Values)
	case why == "" && a.Status() == roster.Suspended && roster.Origin(a.Values[roster.StatusBy]) == roster.OriginDate &&
		(len(a.Links) == 0 || a.Claimed("")):
		c = moveStatus(a, Reactivate, roster.Active, "", roster.OriginDate, at)
		c.Reason = "its start date has come"
	default:
		return Change{}, false
	}
	c.ByDate = true
	return c, true
}

// ByHand is the change by which a person suspends or activates an account; the
// error says why it cannot be done. who is the person's origin.
func ByHand(a *roster.Account, action Action, guard Protected, who roster.Origin, reason, at string) (Change, error) {
	status := a.Status()
	switch {
	case status == roster.Deleted:
		return Change{}, fmt.Errorf("account %d is deleted; nothing was changed", a.ID)
	case action == Suspend && guard.Account(a):
		return Change{}, guard.refusal(a, "")
	case action == Suspend && status == roster.Active:
		c := moveStatus(a, Suspend, roster.Suspended, roster.ByHand, who, at)
		c.Reason = reason
		return c, nil
	case action == Reactivate && status == roster.Suspended:
		if why := Ended(&a.Values, at); why != "" {
			return Change{}, fmt.Errorf("account %d: %s; change the date in the feed first", a.ID, dateReason(why, &a.Values))
		}
		c := moveStatus(a, Reactivate, roster.Active, "", who, at)
		c.Reason = reason
		return c, nil
	}
	return Change{}, fmt.Errorf("account %d is %s already", a.ID, status)
}

// moveStatus is the change of an account's state and of nothing else.
func moveStatus(a *roster.Account, action Action, status roster.Status, why roster.Reason, by roster.Origin, at string) Change {
	c := Change{Action: action, Account: a.ID, Version: a.Version, Key: roster.Key(a.Values[roster.EmployeeID]), Username: a.Values[roster.Username]}
	for f, value := range map[roster.Field]string{
		roster.StatusField: string(status), roster.StatusReason: string(why), roster.StatusBy: string(by), roster.StatusSince: at,
	} {
		if a.Values[f] != value {
			c.Fields = append(c.Fields, FieldChange{Field: f, Name: f.String(), Old: a.Values[f], New: value})
		}
	}
	c.Sort()
	return c
}

// Tie is the change by which a person links a key of a profile to an account
// (R49). Witnesses are not asked again.
func Tie(a *roster.Account, profile string, key roster.Key, reason string) Change {
	c := Change{Action: Update, Account: a.ID, Version: a.Version, Key: key, Username: a.Values[roster.Username], Reason: reason}
	was, is := a.Link(profile), roster.Link{Profile: profile, Key: key, Claim: roster.ClaimActive, Decided: true}
	if was != nil {
		is.Anchor = was.Anchor
	}
	c.Links = []LinkChange{linkChange(was, &is)}
	return c
}

// Untie is the change by which a person takes a link away: the profile no
// longer owns the account. ok is false where there is no link.
func Untie(a *roster.Account, profile, reason string) (c Change, ok bool) {
	l := a.Link(profile)
	if l == nil {
		return Change{}, false
	}
	return Change{
		Action: Update, Account: a.ID, Version: a.Version, Key: l.Key, Username: a.Values[roster.Username], Reason: reason,
		Links: []LinkChange{linkChange(l, nil)},
	}, true
}
