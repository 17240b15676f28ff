package plan

import (
	"cmp"
	"slices"

	"rollcall/internal/roster"
)

// place puts a draft into the plan, or among those that wait for names.
func (w *people) place(d *draft) error {
	if d.now.Status() == roster.Deleted {
		w.emails.gave.add(d.was.ID)
		for _, s := range w.soles {
			s.gave.add(d.was.ID)
		}
	}
	if d.pends() {
		w.pending = append(w.pending, d)
		return nil
	}
	return w.emit(d)
}

// settle decides who gets the names that others hold, usernames before the
// addresses that hang on them.
func (p *planner) settle() error {
	slices.SortFunc(p.pending, func(a, b *draft) int { // whatever the order of the rows (R4)
		switch {
		case a.last == b.last:
			return cmp.Compare(a.was.ID, b.was.ID)
		case a.last:
			return 1
		}
		return -1
	})
	p.share(forUsername)
	for _, d := range p.pending {
		if d.wants[forUsername] != nil && d.fault == "" {
			if err := d.mail(); err != nil {
				return err
			}
		}
	}
	p.share(forEmail)
	for i := range p.soles {
		p.share(forEmail + 1 + i)
	}
	for _, d := range p.pending {
		if err := p.emit(d); err != nil {
			return err
		}
	}
	p.pending = nil
	return nil
}

// share gives everybody who waits the name that he asks for, at once, unless
// somebody in the chain keeps what he has (R36).
func (p *planner) share(kind int) {
	promised := map[uint64]bool{}
	var queue []*wish
	for _, d := range p.pending {
		w := d.wish(kind)
		if w == nil {
			continue
		}
		_, granted := w.kind.granted[w.name]
		if w.denied = granted || promised[w.name] || w.blocked() || w.contested && !p.index.names.lone(w.name); w.denied {
			queue = append(queue, w)
		}
		promised[w.name] = true
	}
	for len(queue) > 0 {
		w := queue[0]
		queue = queue[1:]
		for _, next := range w.kind.waiters[w.draft.was.ID] {
			if !next.denied {
				next.denied = true
				queue = append(queue, next)
			}
		}
	}
	for _, d := range p.pending {
		switch w := d.wish(kind); {
		case w == nil:
		case w.denied:
			d.deny(kind)
		default:
			w.kind.granted[w.name] = struct{}{}
			w.kind.gave.add(d.was.ID)
		}
	}
}

// blocked tells whether a holder of the name does not even try to move.
func (w *wish) blocked() bool {
	for _, h := range w.holders {
		if !w.kind.gave.has(h) && w.kind.moves[h] == nil {
			return true
		}
	}
	return false
}
