package plan

import (
	"rollcall/internal/roster"
)

// departments bounds the table of movements.
const departments = 1000

// emit ends a draft: its change goes into the plan, its row into the ledger.
func (p *planner) emit(d *draft) error {
	if d.was.ID != 0 && !d.hidden {
		p.owned.add(d.was.ID)
	}
	if d.fault != "" && !d.absent {
		d.hint(d.entry)
		d.entry.Problems = d.problems
		if d.problems == nil || d.problems[len(d.problems)-1].Code != d.fault {
			return p.rejectFor(d.entry, d.fault, d.was.ID)
		}
		d.problems[len(d.problems)-1].Severity = roster.SeverityError
		return p.reject(d.entry, d.was.ID)
	}
	for _, problem := range d.problems {
		if err := p.tell(p.about(problem, d.entry), d.was.ID); err != nil {
			return err
		}
	}
	c, ok := d.change()
	p.count(d, c)
	if ok {
		if err := p.sink.Change(c); err != nil {
			return err
		}
	}
	return p.keep(d)
}

// count enters a draft into the ledgers and the facts.
func (p *planner) count(d *draft, c Change) {
	switch {
	case c.ByDate:
		if c.Action == Suspend {
			p.facts.ByDate.Expired++
		} else {
			p.facts.ByDate.Started++
		}
		p.facts.Rows.Unchanged++
	case d.hidden:
	case d.absent:
		p.facts.Absent.count(c.Action)
		if c.Action == Update {
			p.facts.AbsentUpdated++
		}
	case d.skipped, d.outside && c.Action != Suspend:
		p.facts.Rows.Skipped++
		if c.Action == Update {
			p.facts.AbsentUpdated++
		}
	default:
		p.facts.Rows.count(c.Action)
	}
	if c.Action == "" || c.Action == Claim {
		return
	}
	p.effects(d, c)
	p.moved(d, c)
}

func (a *Absent) count(action Action) {
	switch action {
	case Suspend:
		a.Suspended++
	case Delete:
		a.Deleted++
	default:
		a.Kept++
	}
}

func (r *Rows) count(action Action) {
	switch action {
	case Add:
		r.Added++
	case Update:
		r.Updated++
	case Rename:
		r.Renamed++
	case Reactivate:
		r.Reactivated++
	case Suspend:
		r.Suspended++
	case Delete:
		r.Deleted++
	default:
		r.Unchanged++
	}
}

// effects counts what the change does, whatever its row is called.
func (p *planner) effects(d *draft, c Change) {
	f := &p.facts
	active := func(a *roster.Account) int {
		if a.Status() == roster.Active && (p.Person != "" || a.Link(p.Profile) != nil) && p.sees(a) {
			return 1
		}
		return 0
	}
	f.ActiveAfter += active(d.now) - active(d.was)
	f.countPassword(d, c)
	added, _ := c.Joined()
	f.MembershipsAdded += len(added)
	f.MembershipsRemoved += c.taken(p.stamp)
	if c.Action == Add {
		f.Adds++
		return
	}
	if c.Action == Suspend || c.Action == Delete || p.endsSoon(d) {
		f.Removals++
	}
	if c.Action == Rename || d.rekeyed || c.Field(roster.Username) != nil && d.was.Values[roster.Username] != "" {
		f.Renames++
	}
	for _, fc := range c.Fields {
		if fc.Fed() && fc.Field != roster.Username && fc.Old != "" {
			f.FieldChanges[fc.Name]++
		}
	}
}

// endsSoon tells whether the change brings an end date within 7 days (R74).
func (p *planner) endsSoon(d *draft) bool {
	soon := roster.Stamp(p.now.Add(week))
	before, after := d.was.Values[roster.ExpiresAt], d.now.Values[roster.ExpiresAt]
	return d.was.Status() == roster.Active && before != after && after != "" && after <= soon && (before == "" || before > soon)
}

// moved enters the change into the table of departments.
func (p *planner) moved(d *draft, c Change) {
	if p.Hidden.Has(roster.Department) {
		return
	}
	name := d.now.Values[roster.Department]
	m, known := p.facts.Departments[name]
	if !known && len(p.facts.Departments) >= departments {
		name = ""
		m = p.facts.Departments[name]
	}
	switch {
	case c.Action == Add:
		m.Added++
	case c.Action.Removes():
		m.Removed++
	default:
		m.Changed++
	}
	p.facts.Departments[name] = m
}
