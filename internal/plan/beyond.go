package plan

import (
	"slices"

	"rollcall/internal/roster"
)

// inScope is a chunk without the records that the scope leaves out.
func (p *planner) inScope(part []numbered) []numbered {
	out := func(e numbered) bool { return e.Outside != "" }
	if !slices.ContainsFunc(part, out) {
		return part
	}
	return slices.DeleteFunc(slices.Clone(part), out)
}

// beyond ends the records that the scope leaves out (R68), when all others have
// had their turn: who has one that is in scope has not left it.
func (p *planner) beyond() error {
	p.asking = true
	defer func() { p.asking = false }()
	return p.each(p.again(p.outside), func(part []numbered) error {
		w, err := p.load(part)
		if err != nil {
			return err
		}
		for _, e := range part {
			if err := w.leaveScope(e.Entry); err != nil {
				return err
			}
		}
		return nil
	})
}

// leaveScope skips a record, which mentions its account all the same, and plans
// for an account of the profile's own of which no other record speaks: its claim
// is withdrawn, or who left the scope would stay for good under this profile's word.
func (w *people) leaveScope(e roster.Entry) error {
	w.facts.Scope.Outside++
	why := w.note(e, "out of the profile's scope")
	why.Column = e.Outside
	var own []*roster.Account
	for _, k := range []roster.Key{e.Key, e.PreviousKey} {
		if k == "" {
			continue
		}
		for _, a := range append(w.linked(k), w.bearing(k)...) {
			w.hinted.add(a.ID)
			if a.Link(w.Profile) != nil && !w.mentioned(a.ID) && !slices.Contains(own, a) {
				own = append(own, a)
			}
		}
	}
	if a := w.anchored(e); a != nil {
		w.hinted.add(a.ID)
		if w.sees(a) && !w.mentioned(a.ID) && !slices.Contains(own, a) {
			own = append(own, a)
		}
	}
	for _, a := range w.bearersOfNames(e) {
		w.hinted.add(a.ID)
		if e.Key == "" && w.Match.Fallback.By != "" && a.Link(w.Profile) != nil && w.sees(a) && !w.mentioned(a.ID) && !slices.Contains(own, a) {
			own = append(own, a)
		}
	}
	w.hint(e)
	gate := w.Policy.Upload == "add" || w.Policy.Upload == "add_all"
	if len(own) != 1 || gate || own[0].Status() == roster.Deleted || w.left.has(own[0].ID) {
		return w.skip(e, 0, why)
	}
	a := own[0]
	w.left.add(a.ID)
	w.facts.Scope.Left++
	d := &draft{people: w, entry: e, was: a, now: clone(a), line: e.Line, outside: true}
	d.now.Link(w.Profile).Claim = roster.ClaimGone
	if w.ScopeLeft == "suspend" && a.Status() == roster.Active && !a.Claimed(w.Profile) {
		d.suspend(roster.OutOfScope, "its record left the scope")
	}
	if err := d.forsake(); err != nil {
		return err
	}
	if d.now.Status() == a.Status() {
		why.Severity = roster.SkipRow
		d.problem(why)
	}
	return w.place(d)
}

// bearersOfNames are the accounts that have a record's username, or had its old one.
func (w *people) bearersOfNames(e roster.Entry) []*roster.Account {
	var all []*roster.Account
	for _, name := range []string{e.Values[roster.Username], e.OldUsername} {
		if a := w.byName[roster.Fold(name)]; a != nil && name != "" && !e.Template {
			all = append(all, a)
		}
	}
	return all
}
