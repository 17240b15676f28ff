package plan

import (
	"path"

	"rollcall/internal/roster"
)

// protected tells whether a feed may not suspend, rename or delete a (R64).
func (p *planner) protected(a *roster.Account) bool {
	return p.protectedName(a.Values[roster.Username])
}

// protectedName tells whether a name is protected, by itself or by a pattern
// like svc-*.
func (p *planner) protectedName(name string) bool {
	for _, pattern := range p.Policy.Protect {
		if ok, _ := path.Match(roster.Fold(pattern), roster.Fold(name)); ok {
			return true
		}
	}
	return false
}
