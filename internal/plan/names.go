package plan

import (
	"slices"
	"strings"

	"rollcall/internal/roster"
)

// names is one kind of name that no two accounts share: usernames, or addresses.
type names struct {
	granted map[uint64]struct{} // hashes of folded names that this plan hands out
	gave    bitset              // accounts that surely give up the name they have
	moves   map[uint64]*wish    // accounts that would give it up, if they get another
	waiters map[uint64][]*wish  // by the account that must move first
}

func newNames() names {
	return names{granted: map[uint64]struct{}{}, moves: map[uint64]*wish{}, waiters: map[uint64][]*wish{}}
}

// A wish is a name that other accounts must give up first.
type wish struct {
	kind    *names
	draft   *draft
	name    uint64   // hash of the folded name
	holders []uint64 // accounts that have it
	denied  bool

	contested bool // other records give the name too: it is denied unless those are newcomers, who may not have what somebody gives up (R33)
}

// The kinds of wish of a draft.
const (
	forUsername = iota
	forEmail
)

// names plans a new username and judges a new address (R22, R33, R34). What
// hangs on the username waits until it is sure.
func (d *draft) names() error {
	if err := d.rename(); err != nil || d.wants[forUsername] != nil || d.fault != "" {
		return err
	}
	return d.mail()
}

// mail writes what needed the username, and judges a new address.
func (d *draft) mail() error {
	d.late()
	old, mail := d.was.Values[roster.Email], d.now.Values[roster.Email]
	if d.back() {
		old = "" // a deleted account holds no address
	}
	if mail == "" || same(roster.Email, old, mail) {
		if old != "" && mail == "" {
			d.emails.gave.add(d.was.ID)
		}
		return nil
	}
	if d.UniqueEmail == "off" {
		d.emails.gave.add(d.was.ID)
		return nil
	}
	fold := roster.Fold(mail)
	accounts, err := d.holders(fold)
	if err != nil {
		return err
	}
	var holders []uint64
	for _, a := range accounts {
		if a.ID != d.was.ID {
			holders = append(holders, a.ID)
		}
	}
	name := d.index.hash(fold)
	_, contested := d.index.emails.several[name]
	if d.back() || !d.saysMail(fold) {
		d.last = true
	}
	d.ask(forEmail, &d.emails, name, holders, contested)
	return nil
}

// saysMail tells whether a record says an address by itself: else it hangs on a username
// that the record does not ask for.
func (d *draft) saysMail(fold string) bool {
	return slices.ContainsFunc([]string{d.entry.Values[roster.Email], d.entry.Defaults[roster.Email], lateMail(d.entry)}, func(mail string) bool { return roster.Fold(mail) == fold })
}

// back tells whether a deleted account comes back.
func (d *draft) back() bool {
	return d.was.Status() == roster.Deleted && d.now.Status() != roster.Deleted
}

// rename plans the username that the record gives.
func (d *draft) rename() error {
	name := d.entry.Values[roster.Username]
	back := d.back()
	if !d.entry.Set.Has(roster.Username) || name == "" || d.entry.Template || d.named(name) {
		if back { // its own name, again
			return d.askUsername(d.now.Values[roster.Username])
		}
		return nil
	}
	allowed := d.Match.Key != roster.Username
	if d.Policy.Rename != nil {
		allowed = *d.Policy.Rename
	}
	mode := d.Set[roster.Username]
	switch {
	case mode == roster.SetOnce, mode == roster.SetIfEmpty && d.was.Values[roster.Username] != "",
		mode == roster.SetUntilEdited && d.was.Origins[roster.Username].IsPerson():
	case !d.updates():
		d.remark("", "username", "has another username in the feed; policy.update is "+d.Policy.Update+", so the old one stays")
	case !allowed:
		d.remark("", "username", "has another username in the feed; policy.rename is off, so the old one stays")
		d.problems[len(d.problems)-1].Fix = switchOn("rename", "or rollcall accounts edit ACCOUNT --set username=NAME")
	case d.protected(d.was):
		d.guarded("username")
	case d.protectedName(name):
		d.remark("E304", "username", "")
	case !d.mayWrite(roster.Username):
		d.remark("E310", "username", "")
	default:
		d.set(roster.Username, name, d.me)
	}
	if back || d.now.Values[roster.Username] != d.was.Values[roster.Username] {
		return d.askUsername(d.now.Values[roster.Username])
	}
	return nil
}

// updates tells whether policy.update lets a username go (R51). A record that
// says what the name was asks for nothing else.
func (d *draft) updates() bool {
	switch d.Policy.Update {
	case "none", "fill_missing":
		return d.entry.OldUsername != "" || d.Policy.Update == "fill_missing" && d.was.Values[roster.Username] == ""
	}
	return true
}

// named tells whether the account has a name already, or has it with the
// counter that on_taken: number gave it (R33).
func (d *draft) named(name string) bool {
	own := d.was.Values[roster.Username]
	digits, ok := strings.CutPrefix(roster.Fold(own), roster.Fold(name))
	return same(roster.Username, own, name) || d.entry.Number && ok && strings.Trim(digits, "0123456789") == ""
}

func (d *draft) askUsername(name string) error {
	fold := roster.Fold(name)
	if err := d.foresee(fold); err != nil {
		return err
	}
	var holders []uint64
	if a := d.byName[fold]; a != nil && a.ID != d.was.ID {
		holders = append(holders, a.ID)
	}
	hash := d.index.hash(fold)
	_, contested := d.index.names.several[hash]
	d.last = d.last || d.back()
	contested = contested && !d.keeps(fold)
	d.ask(forUsername, &d.usernames, hash, holders, contested && len(holders) == 0 || d.held(fold, d.was.ID))
	if w := d.wants[forUsername]; w != nil {
		w.contested = contested
	}
	return nil
}

// keeps tells whether a name is kept for this account alone, so that no other
// record which asks for it can be given it (R33): that of a deleted account that
// comes back, or one that it gave up.
func (d *draft) keeps(fold string) bool {
	if d.back() && same(roster.Username, d.was.Values[roster.Username], fold) {
		return true
	}
	holds := d.holds[fold]
	return len(holds) > 0 && !slices.ContainsFunc(holds, func(h Hold) bool { return h.Account != d.was.ID })
}

// held tells whether a name that was given up is kept from all accounts but its giver (R33).
func (w *people) held(fold string, giver uint64) bool {
	others := false
	for _, h := range w.holds[fold] {
		if h.Account == giver { // he may take it back, whoever has had it since (R33)
			return false
		}
		others = true
	}
	return others
}

// heldName says of a name that no list of accounts shows why it cannot be given.
const heldName = "the username was another account's, and is held for it for a while (accounts.hold_names)"

// Nobody has a name that several records ask for (R33), nor an address.
const (
	rivalName = "several rows ask for the same username, and nobody has it: none of them gets it"
	rivalMail = "several rows ask for the same address, and nobody has it: none of them gets it"
)

// whyTaken says why the draft cannot have the username or the address that it asks
// for, where no list of accounts shows it; "" where an account has it.
func (d *draft) whyTaken(code string) string {
	name, mail := roster.Fold(d.now.Values[roster.Username]), roster.Fold(d.now.Values[roster.Email])
	among := func(several map[uint64]int, fold string) bool {
		_, found := several[d.index.hash(fold)]
		return found
	}
	switch {
	case code == "E303" && d.heldOnly(name, d.was.ID):
		return heldName
	case code == "E303" && d.byName[name] == nil && given(&d.entry) && !d.counts() && among(d.index.names.several, name):
		return rivalName
	case code == "E130" && d.UniqueEmail == "on" && len(d.byEmail[mail]) == 0 && among(d.index.emails.several, mail):
		return rivalMail
	}
	return ""
}

// heldOnly tells whether a name is held, and nobody has it who is not deleted.
func (w *people) heldOnly(fold string, giver uint64) bool {
	a := w.byName[fold]
	return (a == nil || a.Status() == roster.Deleted) && w.held(fold, giver)
}

// ask grants a name that is free, denies one that cannot become free, and
// lets the others wait for those who hold them. Who comes last waits until all
// others are served.
func (d *draft) ask(i int, kind *names, name uint64, holders []uint64, never bool) {
	_, granted := kind.granted[name]
	switch {
	case never || granted:
		d.deny(i)
	case len(holders) == 0 && !d.last:
		kind.granted[name] = struct{}{}
		kind.gave.add(d.was.ID)
	default:
		w := &wish{kind: kind, draft: d, name: name, holders: holders}
		d.await(i, w)
		kind.moves[d.was.ID] = w
		for _, h := range holders {
			kind.waiters[h] = append(kind.waiters[h], w)
		}
	}
}

// deny takes a name back out of the draft; the rest of it stays (R22, R34).
func (d *draft) deny(i int) {
	if i > forEmail {
		s := d.soles[i-forEmail-1]
		d.taken(s)
		old := d.was.Value(s.name)
		if d.was.Status() == roster.Deleted { // it held none
			old = ""
		}
		d.now.Write(s.name, old, d.was.OriginOf(s.name))
		return
	}
	f, code := roster.Username, "E303"
	if i == forEmail {
		f, code = roster.Email, "E130"
	}
	d.remark(code, f.String(), d.whyTaken(code))
	switch {
	case i == forEmail && d.UniqueEmail == "warn":
		return
	case i == forUsername && d.was.Status() == roster.Deleted:
		d.fault = code // it cannot come back without a name
		return
	case i == forEmail && d.was.Status() == roster.Deleted:
		d.set(f, "", d.was.Origins[f])
		return
	}
	d.set(f, d.was.Values[f], d.was.Origins[f])
}
