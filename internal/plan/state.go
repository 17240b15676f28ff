package plan

import (
	"time"

	"rollcall/internal/roster"
)

// week is how near an end date must be to count as a removal (R74).
const week = 7 * 24 * time.Hour

// state plans the account's status from claims and wish (R5, R60, R61, R65,
// R67). skip says why the whole row is left out; "" where it is not.
func (d *draft) state() (skip string) {
	if d.Person != "" {
		d.asked()
		return ""
	}
	was := d.was.Status()
	claim := d.now.Link(d.Profile).Claim
	switch {
	case d.entry.Wish == roster.WishDelete && !d.Policy.Delete:
		return deleteOff
	case removal(d.entry.Wish):
		d.withdraw(d.entry.Wish)
	case was == roster.Active && d.rests():
		d.suspend(roster.OnLeave, onLeave)
	case claim == roster.ClaimGone || was == roster.Active:
	case claim == roster.ClaimLeave && d.Policy.Leave == "suspend" && d.reasonIs(roster.OnLeave):
	default:
		d.lift()
	}
	return ""
}

// asked does what a file asks that a person imports: what he may do by command, too.
func (d *draft) asked() {
	switch was := d.was.Status(); {
	case d.entry.Wish == roster.WishDelete:
		d.remove(roster.ByHand, "the file says deleted")
	case removal(d.entry.Wish) && was == roster.Active:
		d.suspend(roster.ByHand, "the file says suspended")
	case d.entry.Wish == roster.WishActive && was == roster.Suspended && roster.Origin(d.was.Values[roster.StatusBy]) != roster.OriginDate: // else its dates decide
		d.status(roster.Active, "", d.me, "the file says active")
	case d.entry.Wish == roster.WishActive && was == roster.Deleted:
		d.restore()
	}
}

const deleteOff = "asks to delete, and policy.delete is off"

const onLeave = "on leave, and policy.leave is suspend"

// rests tells whether the record's leave suspends (R67): not while another
// profile says that the person works.
func (d *draft) rests() bool {
	return d.entry.Wish == roster.WishLeave && d.Policy.Leave == "suspend" && !d.activeElsewhere()
}

// activeElsewhere tells whether another profile says that the person works.
func (d *draft) activeElsewhere() bool {
	for _, l := range d.was.Links {
		if l.Profile != d.Profile && l.Claim == roster.ClaimActive {
			return true
		}
	}
	return false
}

// withdraw does what a record asks that ends this profile's claim.
func (d *draft) withdraw(wish roster.Wish) {
	if d.was.Claimed(d.Profile) {
		d.remark("", "", "asks for removal, but another feed still lists the person")
		return
	}
	switch {
	case wish == roster.WishDelete:
		d.remove(roster.FeedDelete, "the record says deleted")
	case wish == roster.WishLeaver && d.Policy.Leaver == "delete":
		d.remove(roster.Leaver, "the record says leaver")
	case wish == roster.WishLeaver:
		d.suspend(roster.Leaver, "the record says leaver")
	default:
		d.suspend(roster.FeedSays, "the record says suspended")
	}
}

// suspend takes the account's access, if policy and protection allow it.
func (d *draft) suspend(why roster.Reason, reason string) {
	switch {
	case d.was.Status() == roster.Suspended && !d.absent && d.mine():
		d.set(roster.StatusReason, string(why), "") // its own word replaces an absence, and a word before
	case d.was.Status() != roster.Active:
	case d.protected(d.was):
		d.guarded("")
	case !d.Policy.Suspend:
		d.switched("suspend")
		if !d.absent && removal(d.entry.Wish) {
			d.facts.Denied.Accounts++
		}
	default:
		d.status(roster.Suspended, why, d.me, reason)
	}
}

// remove deletes the account softly, if protection and the fallback owner allow it (R63).
func (d *draft) remove(why roster.Reason, reason string) {
	switch {
	case d.was.Status() == roster.Deleted:
	case d.protected(d.was):
		d.guarded("")
	case d.was.Values[roster.LegalHold] != "":
		d.kept(why, reason)
	case !d.ownerOK, d.inherits():
		d.fault = "E209"
	default:
		if by := roster.Origin(d.was.Values[roster.StatusBy]); d.Person == "" && d.was.Status() == roster.Suspended && by.IsPerson() {
			d.remark("", "", "a person had suspended the account, and its deletion ends that: whoever is rehired under it is active again")
			d.problems[len(d.problems)-1].Fix = "rollcall accounts suspend ACCOUNT once it is back, if the person must not come in; rollcall accounts hold keeps it from being deleted"
		}
		d.status(roster.Deleted, why, d.me, reason)
		d.set(roster.DeletedAt, d.stamp, "")
		d.set(roster.FallbackOwner, d.Policy.FallbackOwner, "")
	}
}

// kept suspends an account that is not deleted because of a legal hold: what it
// holds must stay, and who has left must not come in.
func (d *draft) kept(why roster.Reason, reason string) {
	d.remark("E304", "", "under a legal hold: suspended, and not deleted")
	held := &d.problems[len(d.problems)-1]
	held.Fix = "nothing to do; rollcall accounts unhold ends the hold"
	if d.absent {
		held.Severity = roster.SeverityNote
	}
	d.suspend(why, reason)
}

// inherits tells whether the account is the one that would inherit from itself.
func (d *draft) inherits() bool {
	owner := d.Policy.FallbackOwner
	return owner != "" && same(roster.Username, owner, d.was.Values[roster.Username])
}

// lift gives access back, if it is this profile's to give (R61, R65).
func (d *draft) lift() {
	switch by := roster.Origin(d.was.Values[roster.StatusBy]); {
	case d.was.Status() == roster.Deleted:
		d.restore()
	case by == roster.OriginDate: // its dates decide
	case by.IsPerson():
		d.remark("", "", "suspended by a person, and stays so")
	case by != d.me:
		d.remark("", "", "suspended by another feed, which alone can lift it")
	case !d.Policy.Reactivate:
		d.switched("reactivate")
	default:
		d.resume(d.me, "")
	}
}

// resume gives access back, but to who is on leave: then only the reason changes.
func (d *draft) resume(by roster.Origin, reason string) {
	if d.rests() && d.Policy.Suspend && !d.protected(d.was) {
		d.status(roster.Suspended, roster.OnLeave, d.me, onLeave)
		return
	}
	d.status(roster.Active, "", by, reason)
}

// restore brings a deleted account back: a rehire (R45).
func (d *draft) restore() {
	if !d.Policy.Reactivate {
		d.switched("reactivate")
		return
	}
	d.resume(d.me, "rehired: the same person is listed again")
	d.set(roster.DeletedAt, "", "")
	d.set(roster.FallbackOwner, "", "")
}

// switched remarks that the policy has an action switched off (R65).
func (d *draft) switched(action string) {
	d.remark("", "", "policy."+action+" is off; the rest of the row is applied")
	said := &d.problems[len(d.problems)-1]
	said.Severity, said.Fix = roster.SeverityWarning, switchOn(action, "or rollcall accounts suspend ACCOUNT")
	if action == "reactivate" {
		said.Fix = switchOn(action, "or rollcall accounts activate ACCOUNT")
	}
}

// switchOn is what to do where the policy has an action switched off.
func switchOn(action, byHand string) string {
	return "policy: {" + action + ": on} in the profile lets this feed do it; " + byHand
}

// status moves the account's state.
func (d *draft) status(s roster.Status, why roster.Reason, by roster.Origin, reason string) {
	d.set(roster.StatusField, string(s), "")
	d.set(roster.StatusReason, string(why), "")
	d.set(roster.StatusBy, string(by), "")
	d.set(roster.StatusSince, d.stamp, "")
	if reason != "" {
		d.reason = reason
	}
}

// dates gives the account the instants of its dates, and the state that they
// ask for now (R70, R71, R72). A run plans that; the sweep does what falls due later.
func (d *draft) dates() {
	d.instants()
	d.byDates()
}

// instants are those of its dates.
func (d *draft) instants() {
	v := &d.now.Values
	zone := Zone(v[roster.Timezone], d.Zone)
	if v[roster.StartsOn] != d.was.Values[roster.StartsOn] || v[roster.Timezone] != d.was.Values[roster.Timezone] {
		v[roster.StartsAt] = roster.Stamp(StartOf(v[roster.StartsOn], zone))
	}
	if v[roster.ExpiresOn] != d.was.Values[roster.ExpiresOn] || v[roster.Timezone] != d.was.Values[roster.Timezone] {
		v[roster.ExpiresAt] = roster.Stamp(EndOf(v[roster.ExpiresOn], zone))
	}
}

// byDates suspends what has expired or not started, and lifts what a date had
// suspended and suspends no longer.
func (d *draft) byDates() {
	was, now := d.was.Status(), d.now.Status()
	moved := d.was.Values[roster.ExpiresAt] != d.now.Values[roster.ExpiresAt] || d.was.Values[roster.StartsAt] != d.now.Values[roster.StartsAt]
	why := Ended(&d.now.Values, d.stamp)
	switch {
	case now == roster.Active && why != "":
		if d.was.ID != 0 && d.protected(d.was) {
			d.guarded("")
			return
		}
		if was == roster.Suspended {
			// listed again, but past the end: it stays suspended, now by its date
			d.status(roster.Suspended, why, roster.OriginDate, "")
			return
		}
		d.status(roster.Suspended, why, roster.OriginDate, dateReason(why, &d.now.Values))
		d.byDate = !moved && was == roster.Active
	case now == roster.Suspended && why != "" && roster.Origin(d.now.Values[roster.StatusBy]) == roster.OriginDate && !d.reasonIs(why):
		d.status(roster.Suspended, why, roster.OriginDate, "") // by another date now: the sweep must know which
	case now == roster.Suspended && why == "" && roster.Origin(d.now.Values[roster.StatusBy]) == roster.OriginDate &&
		d.now.Link(d.Profile) != nil && d.now.Claimed(""):
		if !d.Policy.Reactivate {
			d.switched("reactivate")
			return
		}
		reason := "the date that had suspended the account has moved"
		if !moved {
			reason = "its start date has come"
		}
		d.resume(roster.OriginDate, reason)
		d.byDate = !moved && d.now.Status() == roster.Active
	}
}

func dateReason(why roster.Reason, v *roster.Values) string {
	if why == roster.NotStarted {
		return "starts " + v[roster.StartsOn]
	}
	return "expired " + v[roster.ExpiresOn]
}

// Ended tells why an account cannot be active at an instant, a [roster.Stamp],
// by its dates alone; "" where it can.
func Ended(v *roster.Values, at string) roster.Reason {
	switch {
	case v[roster.ExpiresAt] != "" && v[roster.ExpiresAt] <= at:
		return roster.Expired
	case v[roster.StartsAt] > at:
		return roster.NotStarted
	}
	return ""
}

// Zone is the zone in which an account's days end: its own where it has one (R70).
func Zone(own string, profile *time.Location) *time.Location {
	if own != "" {
		if z, err := time.LoadLocation(own); err == nil {
			return z
		}
	}
	if profile == nil {
		return time.UTC
	}
	return profile
}

// StartOf is the first instant of a start date; a time stamp is meant exactly.
func StartOf(on string, zone *time.Location) time.Time {
	if day, err := time.Parse(time.DateOnly, on); err == nil {
		return roster.DayBegins(day, zone)
	}
	at, _ := time.Parse(time.RFC3339, on)
	return at
}

// EndOf is the first instant at which an account with that last day is over: the
// beginning of the next, also on days of 23 or 25 hours (R70).
func EndOf(on string, zone *time.Location) time.Time {
	if day, err := time.Parse(time.DateOnly, on); err == nil {
		return roster.DayBegins(day.AddDate(0, 0, 1), zone)
	}
	at, _ := time.Parse(time.RFC3339, on)
	return at
}
