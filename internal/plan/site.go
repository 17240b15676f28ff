package plan

import (
	"fmt"
	"strings"

	"rollcall/internal/roster"
)

// Within tells whether a site is another one or stands below it (R44): the tree is
// in the names, Canada/Ontario below Canada. Everything is within "".
func Within(site, root string) bool {
	return root == "" || site == root || strings.HasPrefix(site, root+"/")
}

// sees tells whether an account is of the profile's tree: what is not it neither
// matches, updates nor removes (R44).
func (p *planner) sees(a *roster.Account) bool { return Within(a.Values[roster.Site], p.Site) }

// elsewhere are the accounts of other sites that a record would mean: by a key of
// the profile, or by their own (E306).
func (w *people) elsewhere(key roster.Key) (all []*roster.Account) {
	if key == "" {
		return nil
	}
	for _, a := range w.hidden[roster.Fold(string(key))] {
		l := a.Link(w.Profile)
		if l != nil && w.sameKey(l.Key, key) || a.Status() != roster.Deleted && w.sameKey(roster.NormalKey(w.keyOf(a)), key) {
			all = append(all, a)
		}
	}
	return all
}

// hide keeps an account of another site out of sight, but for its name and address,
// which are its own everywhere.
func (w *people) hide(a *roster.Account) {
	own := roster.Fold(w.keyOf(a))
	if own != "" {
		w.hidden[own] = append(w.hidden[own], a)
	}
	if l := a.Link(w.Profile); l != nil && l.Key != "" && roster.Fold(string(l.Key)) != own {
		k := roster.Fold(string(l.Key))
		w.hidden[k] = append(w.hidden[k], a)
	}
}

// release withdraws the profile's claim on accounts that have moved to a site out of
// its sight: it removes nobody there, and keeps nobody either. It comes when all
// records are judged that may know an account: whom a rejected one means stays as
// he is (R3).
func (p *planner) release() error {
	w := &people{planner: p}
	for a, err := range p.accounts(p.away) {
		if err != nil {
			return fmt.Errorf("list accounts of other sites: %w", err)
		}
		if p.mentioned(a.ID) || p.hinted.has(a.ID) {
			continue
		}
		d := &draft{people: w, was: &a, now: clone(&a), absent: true, hidden: true, reason: "the account is of another site by now"}
		d.entry.Key = a.Link(p.Profile).Key
		d.now.Link(p.Profile).Claim = roster.ClaimGone
		if err := p.emit(d); err != nil {
			return err
		}
	}
	p.away = nil
	return nil
}
