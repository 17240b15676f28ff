package plan

import (
	"fmt"
	"slices"
	"strings"

	"rollcall/internal/roster"
)

// people are the accounts that a chunk of records could mean, by every way
// that leads to them.
type people struct {
	*planner
	byKey      map[string][]*roster.Account // links of this profile, by folded key
	byField    map[string][]*roster.Account // the match key's value, folded
	byAnchor   map[string][]*roster.Account // links of this profile, whatever the site
	byID       map[uint64]*roster.Account   // those that records name by number; nil where none does
	byName     map[string]*roster.Account   // folded username, deleted accounts left out
	byEmail    map[string][]*roster.Account // folded address, deleted accounts left out
	asked      map[string]bool              // folded addresses that were looked up
	named      map[string]bool              // folded usernames that were looked up
	holds      map[string][]Hold
	byLikeness map[string][]*roster.Account // values of all witnesses, deleted accounts left out
	right      map[uint64]Guess             // passwords that are those of their accounts already
	bySole     map[string][]*roster.Account // of custom fields that no two share: by name and folded value
	askedSole  map[string]bool              // those of them that were looked up
	hidden     map[string][]*roster.Account // of other sites, by folded key
	decided    map[string]bool              // folded keys that a person has decided to be somebody new
	erased     map[string]bool              // folded keys of accounts that were erased
	gone       map[string][]*roster.Account // deleted accounts that this profile links, by folded username; nil where no record asks for them
}

// load looks up all that the records of a chunk name.
func (p *planner) load(part []numbered) (*people, error) {
	n := len(part)
	q := Query{
		Profile: p.Profile, Field: p.Match.Key, Custom: p.Match.By, Now: p.now,
		Keys: make([]roster.Key, 0, n), Values: make([]string, 0, n), Usernames: make([]string, 0, n), Emails: make([]string, 0, n),
	}
	for i := range part {
		e := &part[i]
		q.Grants = q.Grants || e.Members != nil
		if e.Anchor != "" {
			q.Anchors = append(q.Anchors, e.Anchor)
		}
		if e.Account != 0 {
			q.IDs = append(q.IDs, e.Account)
		}
		for _, k := range []roster.Key{e.Key, e.PreviousKey} {
			if k != "" {
				q.Keys = append(q.Keys, k)
				q.Values = append(q.Values, roster.Fold(string(k)))
			}
		}
		for _, name := range []string{e.Values[roster.Username], e.Defaults[roster.Username], e.OldUsername} {
			if name != "" {
				q.Usernames = append(q.Usernames, roster.Fold(name))
			}
		}
		if name := e.Values[roster.Username]; e.Wish == roster.WishDelete && p.Match.Fallback.By != "" && name != "" {
			q.Gone = append(q.Gone, roster.Fold(name))
		}
		for _, mail := range []string{e.Values[roster.Email], e.Defaults[roster.Email], lateMail(e.Entry)} {
			if mail != "" {
				q.Emails = append(q.Emails, roster.Fold(mail))
			}
		}
	}
	for _, s := range p.soles {
		u := UniqueQuery{Name: s.name}
		for _, e := range part {
			for _, c := range e.Custom {
				if roster.CustomName(c.Name) == s.name && c.Value != "" {
					u.Values = append(u.Values, roster.Fold(c.Value))
				}
			}
			if v := s.late(e.Entry); v != "" {
				u.Values = append(u.Values, roster.Fold(v))
			}
		}
		if len(u.Values) > 0 {
			q.Unique = append(q.Unique, u)
		}
	}
	if p.likes {
		q.Witness = p.Match.Witness
		for _, e := range part {
			if like := likeness(p.Match.Witness, e.Value); like != "" {
				q.Likes = append(q.Likes, like)
			}
		}
	}
	var found Found
	if p.asking || p.met || len(q.Likes) > 0 { // else the answer is known
		var err error
		if found, err = p.dir.Find(p.ctx, q); err != nil {
			return nil, fmt.Errorf("find accounts: %w", err)
		}
	}
	p.met = p.met || len(found.Accounts)+len(found.Holds)+len(found.New)+len(found.Erased) > 0
	w := &people{
		planner:    p,
		byKey:      map[string][]*roster.Account{},
		byField:    map[string][]*roster.Account{},
		byAnchor:   map[string][]*roster.Account{},
		byName:     map[string]*roster.Account{},
		byEmail:    map[string][]*roster.Account{},
		asked:      make(map[string]bool, len(q.Emails)),
		named:      make(map[string]bool, len(q.Usernames)),
		holds:      map[string][]Hold{},
		byLikeness: map[string][]*roster.Account{},
		bySole:     map[string][]*roster.Account{},
		askedSole:  map[string]bool{},
		hidden:     map[string][]*roster.Account{},
		decided:    map[string]bool{},
		erased:     found.Erased,
	}
	if len(q.Gone) > 0 {
		w.gone = map[string][]*roster.Account{}
	}
	slices.SortFunc(found.Accounts, func(a, b roster.Account) int { return int(a.ID) - int(b.ID) })
	for i := range found.Accounts {
		w.enter(&found.Accounts[i])
	}
	if len(q.IDs) > 0 {
		w.byID = map[uint64]*roster.Account{}
		for i := range found.Accounts {
			w.byID[found.Accounts[i].ID] = &found.Accounts[i]
		}
	}
	for _, mail := range q.Emails {
		w.asked[mail] = true
	}
	for _, u := range q.Unique {
		for _, v := range u.Values {
			w.askedSole[string(u.Name)+Between+v] = true
		}
	}
	for _, name := range q.Usernames {
		w.named[name] = true
	}
	for _, h := range found.Holds {
		w.holds[h.Name] = append(w.holds[h.Name], h)
	}
	for k := range found.New {
		w.decided[roster.Fold(string(k))] = true
	}
	return w, w.compare(part)
}

func (w *people) enter(a *roster.Account) {
	if l := a.Link(w.Profile); l != nil && l.Anchor != "" {
		w.byAnchor[l.Anchor] = append(w.byAnchor[l.Anchor], a)
	}
	if !w.sees(a) {
		w.hide(a)
		w.enterNames(a)
		return
	}
	if l := a.Link(w.Profile); l != nil && l.Key != "" {
		k := roster.Fold(string(l.Key))
		w.byKey[k] = append(w.byKey[k], a)
	}
	if v := w.keyOf(a); v != "" {
		k := roster.Fold(v)
		w.byField[k] = append(w.byField[k], a)
	}
	w.enterNames(a)
	if name := roster.Fold(a.Values[roster.Username]); w.gone != nil && a.Status() == roster.Deleted && a.Link(w.Profile) != nil {
		w.gone[name] = append(w.gone[name], a)
	}
	if w.likes && a.Status() != roster.Deleted {
		if like := likeness(w.Match.Witness, a.Value); like != "" {
			w.byLikeness[like] = append(w.byLikeness[like], a)
		}
	}
}

// enterNames notes what is an account's own on every site.
func (w *people) enterNames(a *roster.Account) {
	if a.Status() == roster.Deleted {
		return
	}
	for _, s := range w.soles {
		if v := a.Value(s.name); v != "" {
			k := string(s.name) + Between + roster.Fold(v)
			w.bySole[k] = append(w.bySole[k], a)
		}
	}
	if name := a.Values[roster.Username]; name != "" {
		w.byName[roster.Fold(name)] = a
	}
	if mail := a.Values[roster.Email]; mail != "" {
		k := roster.Fold(mail)
		w.byEmail[k] = append(w.byEmail[k], a)
	}
}

// lateMail is the address that a record would get under the username that it
// asks for; "" where the username makes none. The name may yet come out
// otherwise: [people.holders] then asks again.
func lateMail(e roster.Entry) string {
	name := asked(&e)
	for _, l := range e.Late {
		if l.Field == roster.Email && name != "" {
			return l.Value(name)
		}
	}
	return ""
}

// holders are the accounts that have an address. One that load did not foresee
// is looked up by itself.
func (w *people) holders(fold string) ([]*roster.Account, error) {
	if !w.asked[fold] {
		found, err := w.dir.Find(w.ctx, Query{Profile: w.Profile, Emails: []string{fold}, Now: w.planner.now})
		if err != nil {
			return nil, fmt.Errorf("find the holders of an address: %w", err)
		}
		for i := range found.Accounts {
			w.byEmail[fold] = append(w.byEmail[fold], &found.Accounts[i])
		}
		w.asked[fold] = true
	}
	return w.byEmail[fold], nil
}

// foresee looks a username up that load did not: the one that somebody comes
// back with stands in no record.
func (w *people) foresee(fold string) error {
	if w.named[fold] {
		return nil
	}
	found, err := w.dir.Find(w.ctx, Query{Profile: w.Profile, Usernames: []string{fold}, Now: w.planner.now})
	if err != nil {
		return fmt.Errorf("find the holder of a username: %w", err)
	}
	for i := range found.Accounts {
		if a := &found.Accounts[i]; roster.Fold(a.Values[roster.Username]) == fold && a.Status() != roster.Deleted {
			w.byName[fold] = a
		}
	}
	w.holds[fold], w.named[fold] = found.Holds, true
	return nil
}

// A match is what correlation found for a record.
type match struct {
	account *roster.Account // nil: unmatched
	code    string          // the record is rejected with it; touched are then left alone
	touched []*roster.Account
	adopted bool // by fallback: the account gets the key
	rekeyed bool // the account takes another key
	later   bool // not in this pass

	anchored bool   // found by the anchor (R47)
	conflict string // in words, where a record means two accounts, or two records one, and that is the code's reason
	text     string // what else the code's reason is, in other words than the code's own
	field    string // whose column is at fault; "" where code and record tell
	fix      string // what to do; "" where it is what the code says, or is about the anchor
	misnamed bool   // the record names another account by its number
	unzeroed bool   // the record's key is the account's without its leading zeros
}

// linked finds the accounts that the profile links by a key.
func (w *people) linked(key roster.Key) []*roster.Account {
	return slices.DeleteFunc(slices.Clone(w.byKey[roster.Fold(string(key))]), func(a *roster.Account) bool {
		return !w.sameKey(a.Link(w.Profile).Key, key)
	})
}

// bearing finds the accounts whose match field is a key: those that live, or
// where none does, the deleted ones.
func (w *people) bearing(key roster.Key) []*roster.Account {
	var live, dead []*roster.Account
	for _, a := range w.byField[roster.Fold(string(key))] {
		switch {
		case !w.sameKey(roster.NormalKey(w.keyOf(a)), key):
		case a.Status() == roster.Deleted:
			dead = append(dead, a)
		default:
			live = append(live, a)
		}
	}
	if len(live) > 0 {
		return live
	}
	return dead
}

// byOwnKey finds a record's account by its key (R40, R41): the known pass.
func (w *people) byOwnKey(e roster.Entry) match {
	if e.Key == "" || w.decided[roster.Fold(string(e.Key))] || w.renaming(e) {
		return match{later: true}
	}
	switch known := w.linked(e.Key); len(known) {
	case 0:
	case 1:
		if m, ok := w.disagrees(e, known[0]); ok {
			return m
		}
		return match{account: known[0], later: w.moving(e, known[0]) != nil}
	default:
		return match{code: "E301", touched: known}
	}
	switch known := w.bearing(e.Key); {
	case len(known) > 1:
		return match{code: "E301", touched: known}
	case len(known) == 1 && w.anchored(e) != nil && w.anchored(e) != known[0]:
		return torn(known[0], w.anchored(e))
	case len(known) == 1:
		// An account that the profile knows by another key may be another record's.
		return match{account: known[0], later: known[0].Link(w.Profile) != nil || w.moving(e, known[0]) != nil}
	}
	if known := w.elsewhere(e.Key); len(known) > 0 {
		return match{code: "E306", touched: known}
	}
	return match{later: true}
}

// moving is the other account that the profile knows by a record's previous key; nil
// where there is none. If nobody has that key any more, the record was re-keyed before
// (R35), and if another record has it today, the key was given anew. Else keys are swapped
// or move along, and whoever went by the own key would write one person into the
// account of another.
func (w *people) moving(e roster.Entry, own *roster.Account) *roster.Account {
	if e.PreviousKey == "" {
		return nil
	}
	if l := own.Link(w.Profile); l != nil && l.Decided {
		return nil
	}
	known := w.linked(e.PreviousKey)
	if len(known) != 1 || known[0] == own || known[0].Status() == roster.Deleted {
		return nil
	}
	return known[0]
}

// renaming tells whether a record whose key is the username means the account
// with the old one: the new one is then nobody's, or still somebody else's, who
// gives it up (R35, R36). Who has given the old name up himself was renamed before.
func (w *people) renaming(e roster.Entry) bool {
	old, name := roster.Fold(e.OldUsername), roster.Fold(string(e.Key))
	if w.Match.Key != roster.Username || old == name || w.byName[old] == nil {
		return false
	}
	a := w.byName[name]
	return a == nil || !slices.ContainsFunc(w.holds[old], func(h Hold) bool { return h.Account == a.ID })
}

// otherwise finds the account of a record whose own key knows none, or none
// for sure: by previous key (R46), old name (R35), fallback (R42) or anchor (R47).
func (w *people) otherwise(e roster.Entry) match {
	if w.decided[roster.Fold(string(e.Key))] && e.Key != "" {
		return match{}
	}
	m := w.unlessAnchored(e, w.formerly(e))
	if a := w.byID[e.Account]; a != nil && m.account == nil && m.code == "" {
		return match{code: "E302", touched: []*roster.Account{a}, misnamed: true}
	}
	return m
}

func (w *people) formerly(e roster.Entry) match {
	if m := w.byOwnKey(e); m.account != nil {
		if a := w.moving(e, m.account); a != nil && !w.mentioned(a.ID) {
			return match{
				code: "E302", touched: []*roster.Account{m.account, a}, conflict: "by its key the record means one account, by its previous key another",
				field: "previous_key", fix: "move the keys by hand, the one to a free key first: rollcall accounts rekey OLD NEW (of two that are swapped one goes over a spare key); then empty the previous key in HR",
			}
		}
		l := m.account.Link(w.Profile)
		return w.unlessSeen(match{account: m.account, rekeyed: l == nil || !w.sameKey(l.Key, e.Key)})
	}
	if e.PreviousKey != "" {
		known := w.linked(e.PreviousKey)
		if len(known) == 0 {
			known = w.bearing(e.PreviousKey)
		}
		switch len(known) {
		case 0:
			if known = w.elsewhere(e.PreviousKey); len(known) > 0 {
				return match{code: "E306", touched: known}
			}
			return match{code: "E305"}
		case 1:
			return w.unlessSeen(match{account: known[0], rekeyed: true})
		}
		return match{code: "E301", touched: known}
	}
	if e.OldUsername != "" {
		a := w.byName[roster.Fold(e.OldUsername)]
		if a == nil {
			a = w.byName[roster.Fold(e.Values[roster.Username])]
			if a == nil || !w.free(a, e.Key) {
				return match{code: "E305"}
			}
		}
		if !w.sees(a) {
			return match{code: "E306", touched: []*roster.Account{a}}
		}
		if w.Match.Key != roster.Username && !w.free(a, e.Key) {
			return match{code: "E302", touched: []*roster.Account{a}, text: "the old username is that of an account with another key"}
		}
		return w.unlessSeen(match{account: a, adopted: a.Link(w.Profile) == nil})
	}
	if w.Match.Fallback.By == "" || e.Template || e.Values[roster.Username] == "" {
		return match{}
	}
	a := w.byName[roster.Fold(e.Values[roster.Username])]
	switch {
	case a == nil:
		return match{}
	case !w.sees(a):
		return match{code: "E306", touched: []*roster.Account{a}}
	case w.Policy.Upload == "add_all" && !w.free(a, e.Key): // somebody else: the newcomer's name gets a number (R50)
		return match{}
	case a.Link(w.Profile) != nil && w.free(a, e.Key), w.Person != "" && w.free(a, e.Key): // its own: nothing is adopted
		return w.unlessSeen(match{account: a})
	case w.free(a, e.Key) && a.Status() == roster.Active && !w.protected(a):
		return w.unlessSeen(match{account: a, adopted: true})
	case !w.free(a, e.Key) && w.Match.Fallback.Rekey && a.Status() == roster.Active && !w.protected(a):
		return w.unlessSeen(match{account: a, rekeyed: true})
	}
	return match{code: "E302", touched: []*roster.Account{a}, unzeroed: w.unzeroed(a, e.Key), text: w.unadopted(a, e.Key)}
}

// unadopted says why the fallback does not adopt an account that has no other key (R42);
// "" where it has one.
func (w *people) unadopted(a *roster.Account, key roster.Key) string {
	switch {
	case !w.free(a, key):
		return ""
	case w.protected(a):
		return "the username's account is protected, and such a one is not adopted by itself"
	}
	return "the username's account is suspended, and such a one is not adopted by itself"
}

// otherRow is what is wrong with a record whose account another one means.
const (
	otherRow = "another row means the same account"
	oneRow   = "leave one row for each person in HR, with the right key"
)

// unlessSeen rejects what another record already means.
func (w *people) unlessSeen(m match) match {
	if w.mentioned(m.account.ID) {
		return match{code: "E302", touched: []*roster.Account{m.account}, text: otherRow, fix: oneRow}
	}
	return m
}

// forgotten tells whether a key that knows no account was that of one which
// has been erased (R45), and no person has said that it is somebody new (R49).
func (w *people) forgotten(key roster.Key) bool {
	fold := roster.Fold(string(key))
	return key != "" && w.erased[fold] && !w.decided[fold]
}

// deleted is the deleted account of this profile that a record means by its username,
// as the fallback would find it if it lived; nil where there is none.
func (w *people) deleted(e roster.Entry) *roster.Account {
	for _, a := range w.gone[roster.Fold(e.Values[roster.Username])] {
		if w.free(a, e.Key) && !e.Template {
			return a
		}
	}
	return nil
}

// free tells whether nothing but key is known as the account's key.
func (w *people) free(a *roster.Account, key roster.Key) bool {
	own := roster.NormalKey(w.keyOf(a))
	if w.Match.Key == roster.Username {
		own = ""
	}
	if l := a.Link(w.Profile); l != nil && l.Key != "" {
		own = l.Key
	}
	return own == "" || key == "" || w.sameKey(own, key)
}

// unzeroed tells whether a key is the account's but for leading zeros, which
// spreadsheets take off.
func (w *people) unzeroed(a *roster.Account, key roster.Key) bool {
	own := roster.NormalKey(w.keyOf(a))
	if l := a.Link(w.Profile); l != nil && l.Key != "" {
		own = l.Key
	}
	return own != key && roster.Numeric(string(key)) && strings.TrimLeft(string(own), "0") == strings.TrimLeft(string(key), "0")
}

// hint notes the accounts whose name or address a record bears that is not
// used, and those of other sites that have its key: they count as mentioned (R3).
func (w *people) hint(e roster.Entry) {
	for _, a := range slices.Concat(w.bearers(e), w.elsewhere(e.Key), w.elsewhere(e.PreviousKey)) {
		w.hinted.add(a.ID)
	}
}

// bearers are the accounts that have the name or the address of a record.
func (w *people) bearers(e roster.Entry) []*roster.Account {
	var all []*roster.Account
	if name := e.Values[roster.Username]; name != "" && !e.Template {
		if a := w.byName[roster.Fold(name)]; a != nil {
			all = append(all, a)
		}
	}
	if mail := e.Values[roster.Email]; mail != "" {
		all = append(all, w.byEmail[roster.Fold(mail)]...)
	}
	return all
}

// questioned tells whether a key that finds a suspended or deleted account, or an
// entry that is known by its anchor alone, may have been given to somebody else (R45). A witness that is empty on
// either side says nothing; a removal is nobody's return.
func (p *planner) questioned(m match, e roster.Entry) bool {
	a := m.account
	l := a.Link(p.Profile)
	if a.Status() == roster.Active && !(m.anchored && m.rekeyed) || l != nil && l.Decided {
		return false
	}
	switch e.Wish {
	case roster.WishSuspend, roster.WishLeaver, roster.WishDelete:
		return false
	}
	agree, differ := false, false
	for _, f := range p.Match.Witness {
		had, has := roster.Fold(a.Value(f)), roster.Fold(e.Value(f))
		if had == "" || has == "" {
			continue
		}
		if had == has {
			agree = true
		} else {
			differ = true
		}
	}
	if a.Status() == roster.Deleted {
		return !agree
	}
	return differ && !agree
}
