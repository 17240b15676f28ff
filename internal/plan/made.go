package plan

import (
	"cmp"

	"rollcall/internal/roster"
)

// A name that a template makes is nobody's word: with on_taken: reject it goes to
// no newcomer where another record gives it, and to neither where several would
// have it made, in whatever order they stand (R4, R33). One with a counter takes
// what the others leave.

// What a record does to the username that it asks for; it is noted in the two
// lowest bits of who asks.
const (
	counts  = uint64(iota) // gets a number where it is taken, or asks in vain
	gives                  // says it outright
	makes                  // has a template make it, for a new account
	renames                // likewise, if no account is found by the old name or key that it says
)

// asks tells what a record does to the username that it asks for.
func (p *planner) asks(e *roster.Entry) uint64 {
	switch {
	case e.Wish == roster.WishLeaver, e.Wish == roster.WishDelete:
		return counts
	case given(e):
		return gives
	case p.counted(*e), worst(e.Problems) == roster.SeverityError:
		return counts
	case e.OldUsername != "" || e.PreviousKey != "":
		return renames
	}
	said := func(f roster.Field) string { return cmp.Or(e.Values[f], e.Defaults[f]) }
	if _, early := p.tooEarly(said(roster.StartsOn), said(roster.Timezone)); early {
		return counts
	}
	return makes
}

// given tells whether a record says the username itself.
func given(e *roster.Entry) bool {
	return e.Set.Has(roster.Username) && !e.Template && e.Values[roster.Username] != ""
}

// contend notes of a name for which several records ask whether a template may
// give it to a newcomer. Which of those that make it find an account is known
// only when nobody could: see [planner.stranger].
func (p *planner) contend(name uint64, group [][2]uint64) {
	x := &p.index
	var maker uint64
	gave, made, several := false, false, false
	for _, g := range group {
		id := g[1] &^ 3
		switch g[1] & 3 {
		case gives:
			gave = true
		case renames, makes:
			if _, differ := x.differing[id]; p.strangers && (differ || g[1]&3 == renames) {
				continue // rejected without an account
			}
			several = several || made && maker != id
			made, maker = true, id
		}
	}
	switch {
	case gave && made, several && p.strangers:
		x.lost[name] = struct{}{}
	case several:
		x.makers[name] = 0
	}
}

// stranger sets aside a record that finds no account in any way. Who gets a
// number waits for the others, who have the first choice of names.
func (p *planner) stranger(e numbered) {
	if names := &p.index.names; len(names.several) > 0 && given(&e.Entry) {
		if name := p.index.hash(roster.Fold(asked(&e.Entry))); names.several[name] > 0 {
			names.strangers[name]++
		}
	}
	if p.counted(e.Entry) {
		p.counting.put(e)
		return
	}
	p.nobody.put(e)
	name, first, several := p.maker(&e.Entry)
	if !several {
		return
	}
	id, _ := p.identity(e.Entry)
	switch id &^= 3; first {
	case 0:
		p.index.makers[name] = id
	case id:
	default:
		p.index.lost[name] = struct{}{}
	}
}

// maker is the name that a record has made, and the first newcomer that does;
// several is false where nobody else makes it.
func (p *planner) maker(e *roster.Entry) (name, first uint64, several bool) {
	if len(p.index.makers) == 0 {
		return 0, 0, false
	}
	if what := p.asks(e); what != makes && what != renames {
		return 0, 0, false
	}
	name = p.index.hash(roster.Fold(asked(e)))
	first, several = p.index.makers[name]
	return name, first, several
}
