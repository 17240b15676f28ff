package plan

import (
	"cmp"
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
// had their turn: who has one that is in scope has not left it. The record with
// the account's own key speaks for it; the others come after those, and of several
// that are not equal always the same one is heard, in whatever order they stand (R4).
func (p *planner) beyond() error {
	p.asking = true
	defer func() { p.asking = false }()
	each := func(records waiting, f func(w *people, e numbered, a *roster.Account) error) error {
		return p.each(p.again(records), func(part []numbered) error {
			w, err := p.load(part)
			if err != nil {
				return err
			}
			for _, e := range part {
				if err := f(w, e, w.leaver(e.Entry)); err != nil {
					return err
				}
			}
			return nil
		})
	}
	var indirect waiting
	var meant, several bitset
	err := each(p.outside, func(w *people, e numbered, a *roster.Account) error {
		if a == nil || a.Link(w.Profile).Key == e.Key {
			return w.leaveScope(e.Entry, a)
		}
		if meant.has(a.ID) {
			several.add(a.ID)
		}
		meant.add(a.ID)
		indirect.put(e)
		return nil
	})
	if err != nil {
		return err
	}
	heard := map[uint64]saying{}
	if len(several) > 0 {
		err := each(indirect, func(_ *people, e numbered, a *roster.Account) error {
			if s, known := heard[a.ID]; several.has(a.ID) && (!known || sayingOf(e.Entry).before(s)) {
				heard[a.ID] = sayingOf(e.Entry)
			}
			return nil
		})
		if err != nil {
			return err
		}
	}
	return each(indirect, func(w *people, e numbered, a *roster.Account) error {
		if several.has(a.ID) && sayingOf(e.Entry) != heard[a.ID] {
			a = nil
		}
		return w.leaveScope(e.Entry, a)
	})
}

// A saying is what a report shows of a record that is out of scope.
type saying struct{ key, column string }

func sayingOf(e roster.Entry) saying { return saying{string(e.Key), e.Outside} }

func (s saying) before(t saying) bool {
	return cmp.Or(cmp.Compare(s.key, t.key), cmp.Compare(s.column, t.column)) < 0
}

// leaver is the account of the profile's own that a record out of scope means and
// of which no other record speaks; nil where there is none, or several. Whom a
// rejected record means stays as he is (R3). All whom the record may mean count as
// mentioned.
func (w *people) leaver(e roster.Entry) *roster.Account {
	var own []*roster.Account
	mean := func(a *roster.Account) {
		if a.Link(w.Profile) != nil && w.sees(a) && !w.mentioned(a.ID) && !w.touched.has(a.ID) && !slices.Contains(own, a) {
			own = append(own, a)
		}
	}
	for _, k := range []roster.Key{e.Key, e.PreviousKey} {
		if k == "" {
			continue
		}
		for _, a := range append(w.linked(k), w.bearing(k)...) {
			w.hinted.add(a.ID)
			mean(a)
		}
	}
	if a := w.anchored(e); a != nil {
		w.hinted.add(a.ID)
		mean(a)
	}
	for _, a := range w.bearersOfNames(e) {
		w.hinted.add(a.ID)
		if e.Key == "" && w.Match.Fallback.By != "" {
			mean(a)
		}
	}
	w.hint(e)
	if len(own) != 1 {
		return nil
	}
	return own[0]
}

// leaveScope skips a record and plans for the account whose it is, if any: its claim
// is withdrawn, or who left the scope would stay for good under this profile's word.
func (w *people) leaveScope(e roster.Entry, a *roster.Account) error {
	w.facts.Scope.Outside++
	why := w.note(e, "out of the profile's scope")
	why.Column = e.Outside
	gate := w.Policy.Upload == "add" || w.Policy.Upload == "add_all"
	if a == nil || gate || a.Status() == roster.Deleted || w.left.has(a.ID) {
		return w.skip(e, 0, why)
	}
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
