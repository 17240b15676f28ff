package plan

import (
	"cmp"
	"fmt"
	"slices"

	"rollcall/internal/roster"
)

// Custom fields of which the catalog says that no two accounts share a value (R27)
// are given up, waited for and handed out like usernames and addresses (R36).

// A sole is one such field.
type sole struct {
	names
	name      roster.Name
	required  bool
	contested map[uint64]struct{} // values that several people of the drop want
	open      bool                // somebody may get one that no look at the drop shows
}

// findSoles finds them.
func (p *planner) findSoles() {
	for _, f := range p.Custom {
		if f.Unique && f.For == "" {
			p.soles = append(p.soles, &sole{names: newNames(), name: roster.CustomName(f.Name), required: f.Required})
		}
	}
}

// register adds what a record wants.
func (s *sole) register(e *roster.Entry, to Pairs, x *index, id uint64, counted bool) error {
	for _, l := range e.Late {
		s.open = s.open || l.Field == roster.CustomField && roster.CustomName(l.Custom) == s.name
	}
	for _, c := range e.Custom {
		if roster.CustomName(c.Name) == s.name && c.Value != "" {
			return to.Add(x.hash(roster.Fold(c.Value)), id&^1) // a default stands behind what is said
		}
	}
	if v := s.late(*e); v != "" && !counted { // who is counted is served last, under a name that nobody knows yet
		return to.Add(x.hash(roster.Fold(v)), x.hash(roster.Fold(asked(e)))|1) // whoever gets the name
	}
	return nil
}

// late is [lateMail] for such a field.
func (s *sole) late(e roster.Entry) string {
	name := cmp.Or(e.Values[roster.Username], e.Defaults[roster.Username])
	for _, l := range e.Late {
		if l.Field == roster.CustomField && roster.CustomName(l.Custom) == s.name && name != "" {
			return l.Value(name)
		}
	}
	return ""
}

// said is [draft.saysMail] for such a field.
func (s *sole) said(e roster.Entry, value string) bool {
	fold := roster.Fold(value)
	return roster.Fold(s.late(e)) == fold || slices.ContainsFunc(e.Custom, func(c roster.CustomSaid) bool {
		return roster.CustomName(c.Name) == s.name && roster.Fold(c.Value) == fold
	})
}

// foreseeSole looks a value up that load did not: one with which somebody comes
// back, or that hangs on another username than the record's.
func (w *people) foreseeSole(s *sole, value string) error {
	fold := roster.Fold(value)
	k := string(s.name) + Between + fold
	if w.askedSole[k] {
		return nil
	}
	found, err := w.dir.Find(w.ctx, Query{Profile: w.Profile, Unique: []UniqueQuery{{Name: s.name, Values: []string{fold}}}, Now: w.planner.now})
	if err != nil {
		return fmt.Errorf("find the holders of a custom field's value: %w", err)
	}
	w.bySole[k], w.askedSole[k] = nil, true
	for i := range found.Accounts {
		w.bySole[k] = append(w.bySole[k], &found.Accounts[i])
	}
	return nil
}

// isSole tells whether a field is one of them.
func (p *planner) isSole(n roster.Name) bool {
	return slices.ContainsFunc(p.soles, func(s *sole) bool { return s.name == n })
}

// gather finds what several people want.
func (s *sole) gather(from Pairs) error {
	s.contested = map[uint64]struct{}{}
	return repeated(from, func(value uint64, group [][2]uint64) {
		if group[0][1] != group[len(group)-1][1] {
			s.contested[value] = struct{}{}
		}
	})
}

// wish is what a draft waits for, by kind; nil where it does not.
func (d *draft) wish(kind int) *wish {
	switch {
	case kind < len(d.wants):
		return d.wants[kind]
	case kind-len(d.wants) < len(d.more):
		return d.more[kind-len(d.wants)]
	}
	return nil
}

// await notes what a draft waits for.
func (d *draft) await(kind int, w *wish) {
	if kind < len(d.wants) {
		d.wants[kind] = w
		return
	}
	if d.more == nil {
		d.more = make([]*wish, len(d.soles))
	}
	d.more[kind-len(d.wants)] = w
}

// pends tells whether a draft waits for anything.
func (d *draft) pends() bool {
	return d.wants[forUsername] != nil || d.wants[forEmail] != nil || slices.ContainsFunc(d.more, func(w *wish) bool { return w != nil })
}

// judgeSoles judges the new values of such fields.
func (d *draft) judgeSoles() error {
	for i, s := range d.soles {
		old, value := d.was.Value(s.name), d.now.Value(s.name)
		if d.back() {
			old = "" // the deleted hold none
		}
		if value == "" || roster.Fold(old) == roster.Fold(value) {
			if old != "" && value == "" {
				s.gave.add(d.was.ID)
			}
			continue
		}
		if err := d.foreseeSole(s, value); err != nil {
			return err
		}
		hash := d.index.hash(roster.Fold(value))
		_, contested := s.contested[hash]
		if d.back() || !s.said(d.entry, value) {
			d.last = true
		}
		d.ask(forEmail+1+i, &s.names, hash, d.otherHolders(s, value), contested)
	}
	return nil
}

// otherHolders are the accounts, not deleted, that have a value.
func (d *draft) otherHolders(s *sole, value string) (ids []uint64) {
	for _, a := range d.bySole[string(s.name)+Between+roster.Fold(value)] {
		if a.ID != d.was.ID {
			ids = append(ids, a.ID)
		}
	}
	return ids
}

// soleTaken tells whether a new account cannot have the value that it asks for.
func (d *draft) soleTaken(s *sole) bool {
	value := d.now.Value(s.name)
	if value == "" {
		return false
	}
	hash := d.index.hash(roster.Fold(value))
	_, contested := s.contested[hash]
	_, granted := s.granted[hash]
	return contested || granted || slices.ContainsFunc(d.otherHolders(s, value), func(id uint64) bool { return !s.gave.has(id) })
}

// judgeNew judges such fields of a new account; forbidden tells that it cannot be
// added without one.
func (d *draft) judgeNew() (forbidden bool, err error) {
	for _, s := range d.soles {
		if v := d.now.Value(s.name); v != "" {
			if err := d.foreseeSole(s, v); err != nil {
				return false, err
			}
		}
		if !d.soleTaken(s) {
			continue
		}
		d.taken(s)
		d.now.Write(s.name, "", "")
		if s.required {
			d.problems[len(d.problems)-1].Severity = roster.SeverityError
			forbidden = true
		}
	}
	return forbidden, nil
}

// taken remarks that another account has the value.
func (d *draft) taken(s *sole) {
	text, value := "another account has the value, and the catalog says that no two share it", d.now.Value(s.name)
	if _, contested := s.contested[d.index.hash(roster.Fold(value))]; contested && len(d.otherHolders(s, value)) == 0 {
		text = "several rows ask for the same value, which the catalog says that no two share: none of them gets it"
	}
	d.remark("E130", string(s.name), text)
	d.problems[len(d.problems)-1].Fix = "correct it in HR, or take unique: from the field in the catalog"
}

// holdsSoles tells whether the account has what its record asks for of such fields.
func (d *draft) holdsSoles() bool {
	for _, s := range d.soles {
		if v := cmp.Or(d.entry.Value(s.name), s.late(d.entry)); v != "" && roster.Fold(v) != roster.Fold(d.now.Value(s.name)) {
			return false
		}
	}
	return true
}
