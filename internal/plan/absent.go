package plan

import (
	"fmt"
	"slices"
	"time"

	"rollcall/internal/roster"
)

// absent looks at every account that the profile owns: counts them, and plans
// for those that no record of a full drop mentions (R2, R5, R62).
func (p *planner) absent() error {
	var ids []uint64
	if p.Same != nil {
		ids = slices.DeleteFunc(slices.Clone(p.Same.Others), func(id uint64) bool { // known already, and listed
			return p.owned.has(id) && (p.mentioned(id) || p.hinted.has(id))
		})
	} else {
		var err error
		if ids, err = p.unmentioned(); err != nil {
			return fmt.Errorf("list owned accounts: %w", err)
		}
	}
	w := &people{planner: p}
	for a, err := range p.accounts(ids) {
		if err != nil {
			return fmt.Errorf("list owned accounts: %w", err)
		}
		if a.Status() == roster.Deleted {
			continue
		}
		if !p.sees(&a) {
			if l := a.Link(p.Profile); p.Full && l.Claim != roster.ClaimGone && !p.anybodys(l.Key) {
				p.away = append(p.away, a.ID)
			}
			continue
		}
		if p.Site != "" && p.Same == nil {
			p.facts.Owned++
			if a.Status() == roster.Active {
				p.facts.ActiveBefore++
			}
		}
		p.owned.add(a.ID)
		if !p.Full || p.mentioned(a.ID) || p.hinted.has(a.ID) {
			continue
		}
		if err := w.missing(&a); err != nil {
			return err
		}
	}
	if p.Same != nil { // they were not all looked at
		p.facts.Owned, p.facts.ActiveBefore = p.Same.Owned, p.Same.Active
	}
	p.facts.ActiveAfter += p.facts.ActiveBefore
	return nil
}

// unmentioned goes through all accounts that the profile owns, counts them, and
// gives those that no record mentions: only they are loaded.
func (p *planner) unmentioned() (ids []uint64, err error) {
	for l, err := range p.dir.Roll(p.ctx, p.Profile) {
		if err != nil {
			return nil, err
		}
		if l.Status == roster.Deleted {
			continue
		}
		p.owned.add(l.Account)
		if p.Site != "" { // only the account itself says whether it is seen
			ids = append(ids, l.Account)
			continue
		}
		p.facts.Owned++
		if l.Status == roster.Active {
			p.facts.ActiveBefore++
		}
		if p.Full && !p.mentioned(l.Account) && !p.hinted.has(l.Account) {
			ids = append(ids, l.Account)
		}
	}
	return ids, nil
}

// anybodys tells whether some row may be that of an account which no record
// mentions: one whose key could not be read, or, where the column of the keys is
// gone, any (R3).
func (p *planner) anybodys(key roster.Key) bool {
	return p.facts.UnreadableKeys > 0 || p.Keyless && key != ""
}

// missing plans for one account that nobody mentioned. Its claim is withdrawn
// under every policy; what follows from that is the policy's.
func (w *people) missing(a *roster.Account) error {
	d := &draft{people: w, was: a, now: clone(a), absent: true}
	d.entry.Key = a.Link(w.Profile).Key
	if w.anybodys(d.entry.Key) {
		d.leave()
		if d.now.Status() != a.Status() {
			w.facts.Withheld++
		}
		w.facts.Absent.Kept++
		return nil
	}
	d.now.Link(w.Profile).Claim = roster.ClaimGone
	d.leave()
	d.rescind(a.Link(w.Profile).Claim)
	if err := d.forsake(); err != nil {
		return err
	}
	return w.place(d)
}

// rescind tells, once, that an account will not start which has waited for it
// (R75): nobody claims it any more.
func (d *draft) rescind(was roster.Claim) {
	if was == roster.ClaimGone || d.now.Status() != roster.Suspended || !d.reasonIs(roster.NotStarted) || d.was.Claimed(d.Profile) {
		return
	}
	d.facts.Rescinded++
	d.reason = "rescinded: it waited for its start, and is not in the file"
	d.remark("", roster.StartsOn.String(), "does not start: it is gone from the file (rescinded)")
}

// leave plans what absence does once no profile claims the account any more.
func (d *draft) leave() {
	if d.was.Claimed(d.Profile) {
		return
	}
	switch {
	case d.Policy.Missing == "delete":
		d.remove(roster.Missing, "not in the file")
	case d.overdue():
		d.remove(roster.GraceOver, "not in the file since "+d.was.Values[roster.StatusSince][:len(time.DateOnly)])
	case d.was.Status() != roster.Active:
	case d.Policy.Missing == "suspend":
		d.suspend(roster.Missing, "not in the file")
	case !d.protected(d.was):
		d.facts.WouldSuspend++
	}
	if d.fault != "" {
		d.remark(d.fault, "", "")
	}
}

// overdue tells whether the account has been suspended by absence for
// policy.delete_after.
func (d *draft) overdue() bool {
	since := roster.StampTime(d.was.Values[roster.StatusSince])
	return d.Policy.DeleteAfter > 0 && d.was.Status() == roster.Suspended && d.mine() && d.reasonIs(roster.Missing) &&
		!since.IsZero() && !since.Add(d.Policy.DeleteAfter).After(d.planner.now)
}
