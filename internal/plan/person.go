package plan

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"rollcall/internal/roster"
)

// A Person is somebody who changes accounts by hand. Each method plans one
// change, as a feed's record would be planned; its error says why it cannot be.
type Person struct {
	Who     roster.Origin // [roster.Person]
	Reason  string
	At      string         // now, a [roster.Stamp]
	Protect Protected      // by accounts.protect, and by role (R64)
	Zone    *time.Location // in which days end (R70); nil: UTC
}

// Wants are the fields that a person gives an account; with an empty value they
// are emptied.
type Wants struct {
	Values roster.Values
	Set    roster.FieldSet
	Custom []roster.Custom // custom fields by name, each once; with an empty value they are emptied
	Listed []roster.Item   // the custom fields of the catalog (R27)
}

// Say adds a field.
func (w *Wants) Say(f roster.Field, value string) {
	w.Values[f], w.Set = value, w.Set.With(f)
}

// SayCustom adds a custom field.
func (w *Wants) SayCustom(name, value string) {
	w.Custom = append(w.Custom, roster.Custom{Name: name, Value: value})
}

// None tells whether nothing is wanted.
func (w *Wants) None() bool { return w.Set == 0 && len(w.Custom) == 0 }

// soles are the custom fields that no two accounts share.
func (w *Wants) soles() (names []roster.Name) {
	for _, f := range w.Listed {
		if f.Unique && f.For == "" {
			names = append(names, roster.CustomName(f.Name))
		}
	}
	return names
}

// of is what is wanted of a custom field; where nothing is, what a has, which may be nil.
func (w *Wants) of(n roster.Name, a *roster.Account) string {
	for _, c := range w.Custom {
		if roster.CustomName(c.Name) == n {
			return c.Value
		}
	}
	if a == nil {
		return ""
	}
	return a.Value(n)
}

// alone are the fields that no two accounts share.
var alone = roster.FieldSet(0).With(roster.Username, roster.Email, roster.EmployeeID)

// Shared tells whether several accounts can be given these values at once.
func (w *Wants) Shared() bool {
	for f := range roster.NumFeedFields {
		if w.Set.Has(f) && alone.Has(f) && w.Values[f] != "" {
			return false
		}
	}
	return !slices.ContainsFunc(w.soles(), func(n roster.Name) bool { return w.of(n, nil) != "" })
}

// forPerson are the fields that a new account needs (R43).
var forPerson = []roster.Field{roster.Username, roster.FirstName, roster.LastName, roster.Email}

// Create adds an account, which no profile owns. found is the answer to
// [Wants.Query].
func (p Person) Create(w Wants, found Found) (Change, error) {
	d := p.draft(&roster.Account{})
	p.write(d, w)
	var lacking []string
	for _, f := range forPerson {
		if d.now.Values[f] == "" {
			lacking = append(lacking, f.String())
		}
	}
	lacking = append(lacking, d.lackingCustom()...)
	if len(lacking) > 0 {
		return Change{}, coded("E120", "a new account needs %s; write --set %s=…", strings.Join(lacking, ", "), lacking[0])
	}
	if err := p.names(d, w, found); err != nil {
		return Change{}, err
	}
	d.status(roster.Active, "", "", "")
	if err := p.dates(d); err != nil {
		return Change{}, err
	}
	return p.change(d)
}

// Edit changes fields of an account. From then on they are this person's: a
// feed leaves them alone under set: until_edited, until they are released (R51).
func (p Person) Edit(a *roster.Account, w Wants, found Found) (Change, error) {
	if a.Status() == roster.Deleted {
		return Change{}, fmt.Errorf("account %d is deleted; rollcall accounts restore brings it back", a.ID)
	}
	d := p.draft(a)
	p.write(d, w)
	if d.now.Values[roster.Username] != a.Values[roster.Username] && d.protected(a) {
		return Change{}, p.Protect.refusal(a, " and keeps its username")
	}
	for _, f := range w.Listed {
		if n := roster.CustomName(f.Name); f.Required && a.Value(n) != "" && d.now.Value(n) == "" {
			return Change{}, coded("E120", "the catalog requires %s, so it cannot be emptied; write another value", n)
		}
	}
	if err := p.names(d, w, found); err != nil {
		return Change{}, err
	}
	if err := p.dates(d); err != nil {
		return Change{}, err
	}
	if !d.now.Values.Local() {
		d.set(roster.PasswordField, "", "") // others know it now (R80)
	}
	return p.change(d)
}

// Release gives fields that a person wrote back to the feeds (R51): the values
// stay until a feed says another. No fields means all that a person wrote.
func (p Person) Release(a *roster.Account, fields []roster.Name) (Change, error) {
	c := Change{Action: Update, Account: a.ID, Version: a.Version, Key: roster.Key(a.Values[roster.EmployeeID]), Username: a.Values[roster.Username], Reason: p.Reason}
	for f := range roster.NumFeedFields {
		if a.Origins[f].IsPerson() && (len(fields) == 0 || slices.Contains(fields, roster.Name(f.String()))) {
			c.Fields = append(c.Fields, FieldChange{Field: f, Name: f.String(), Old: a.Values[f], New: a.Values[f], Was: a.Origins[f]})
		}
	}
	for _, x := range a.Custom {
		if n := roster.CustomName(x.Name); x.Origin.IsPerson() && (len(fields) == 0 || slices.Contains(fields, n)) {
			c.Fields = append(c.Fields, FieldChange{Field: roster.CustomField, Name: string(n), Old: x.Value, New: x.Value, Was: x.Origin})
		}
	}
	if len(c.Fields) == 0 {
		return Change{}, fmt.Errorf("account %d: %w: no such field was written by a person", a.ID, ErrNothing)
	}
	if c.Reason == "" {
		c.Reason = "released: the feeds write these fields again"
	}
	return c, nil
}

// Delete deletes an account softly (R63). owner is the username that inherits
// what it leaves, "" for nobody; found is the answer to a query for that name.
func (p Person) Delete(a *roster.Account, owner string, found Found) (Change, error) {
	d := p.draft(a)
	switch {
	case a.Status() == roster.Deleted:
		return Change{}, fmt.Errorf("account %d: %w: it is deleted already", a.ID, ErrNothing)
	case d.protected(a):
		return Change{}, p.Protect.refusal(a, "")
	case a.Values[roster.LegalHold] != "":
		return Change{}, onHold(a)
	case owner != "" && !heir(a, owner, found):
		return Change{}, coded("E209", "the fallback owner of account %d is not another active account; name one with --fallback-owner, or nobody with --fallback-owner ''", a.ID)
	}
	d.status(roster.Deleted, roster.ByHand, p.Who, "")
	d.set(roster.DeletedAt, p.At, "")
	d.set(roster.FallbackOwner, owner, "")
	return p.change(d)
}

// heir tells whether somebody else that is active has the name.
func heir(a *roster.Account, owner string, found Found) bool {
	return slices.ContainsFunc(found.Accounts, func(b roster.Account) bool {
		return b.ID != a.ID && b.Status() == roster.Active && same(roster.Username, b.Values[roster.Username], owner)
	})
}

// onHold refuses what a legal hold forbids.
func onHold(a *roster.Account) error {
	return coded("E304", "account %d is under a legal hold; rollcall accounts unhold ends it", a.ID)
}

// Restore brings a deleted account back, under its own names or those of w (R63), and
// in the state that it had: who had been suspended still is, by whoever did it and
// for the same reason (R61), from now on; and its dates are asked again. gone is the
// change that deleted it; where it is nil, nobody knows of a suspension.
func (p Person) Restore(a *roster.Account, gone *Change, w Wants, found Found) (Change, error) {
	switch {
	case a.Values[roster.MergedInto] != "":
		return Change{}, fmt.Errorf("account %d was merged into account %s, and nothing of a merge is taken back", a.ID, a.Values[roster.MergedInto])
	case a.Values[roster.StatusReason] == string(roster.Anonymised):
		return Change{}, fmt.Errorf("account %d was anonymised: nothing is left that could be restored", a.ID)
	case a.Status() != roster.Deleted:
		return Change{}, fmt.Errorf("account %d is not deleted; rollcall accounts list --status deleted shows who is", a.ID)
	}
	d := p.draft(a)
	p.write(d, w)
	if before := beforehand(a, gone); roster.Status(before(roster.StatusField)) == roster.Suspended {
		d.status(roster.Suspended, roster.Reason(before(roster.StatusReason)), roster.Origin(before(roster.StatusBy)), "")
	} else {
		d.status(roster.Active, "", p.Who, "")
	}
	d.set(roster.DeletedAt, "", "")
	d.set(roster.FallbackOwner, "", "")
	if err := p.names(d, w, found); err != nil {
		return Change{}, err
	}
	if err := p.dates(d); err != nil {
		return Change{}, err
	}
	return p.change(d)
}

// beforehand answers with the fields of an account as they were before a change.
func beforehand(a *roster.Account, c *Change) func(roster.Field) string {
	return func(f roster.Field) string {
		switch {
		case c == nil:
			return ""
		case c.Field(f) != nil:
			return c.Field(f).Old
		}
		return a.Values[f]
	}
}

// Keep puts an account under a legal hold, or ends it: while it lasts nobody deletes,
// anonymises or purges the account (R63).
func (p Person) Keep(a *roster.Account, hold bool) (Change, error) {
	d := p.draft(a)
	if held := a.Values[roster.LegalHold] != ""; held == hold {
		return Change{}, fmt.Errorf("account %d: %w: it is so already", a.ID, ErrNothing)
	}
	since := ""
	if hold {
		since = p.At
	}
	d.set(roster.LegalHold, since, "")
	return p.change(d)
}

// ErrNothing means that a change would change nothing.
var ErrNothing = errors.New("there is nothing to do")

// ErrTaken means that a username is another's.
var ErrTaken = errors.New("the username is taken")

type taken struct{ error }

func (taken) Is(target error) bool { return target == ErrTaken }

// Query asks for all accounts that may stand in the way of the wishes of a, which is
// nil where they are for a new account.
func (w *Wants) Query(a *roster.Account, now time.Time) Query {
	q := Query{Field: roster.EmployeeID, Now: now}
	say := func(into *[]string, f roster.Field) {
		v := w.Values[f]
		if a != nil && !w.Set.Has(f) {
			v = a.Values[f]
		}
		if v != "" {
			*into = append(*into, roster.Fold(v))
		}
	}
	say(&q.Usernames, roster.Username)
	say(&q.Emails, roster.Email)
	say(&q.Values, roster.EmployeeID)
	for _, n := range w.soles() {
		if v := w.of(n, a); v != "" {
			q.Unique = append(q.Unique, UniqueQuery{Name: n, Values: []string{roster.Fold(v)}})
		}
	}
	return q
}

// draft is an account on its way to what a person makes of it.
func (p Person) draft(a *roster.Account) *draft {
	guarded := &planner{Options: Options{Policy: Policy{Protect: p.Protect.Names}, Holders: p.Protect.Holders, Zone: p.Zone}, stamp: p.At, me: p.Who}
	return &draft{people: &people{planner: guarded}, was: a, now: clone(a), reason: p.Reason}
}

func (p Person) write(d *draft, w Wants) {
	for f := range roster.NumFeedFields {
		if w.Set.Has(f) && !same(f, d.was.Values[f], w.Values[f]) {
			d.set(f, w.Values[f], p.Who)
		}
	}
	for _, c := range w.Custom {
		if n := roster.CustomName(c.Name); d.was.Value(n) != c.Value {
			d.now.Write(n, c.Value, p.Who)
		}
	}
	d.Custom = w.Listed
}

// names refuses a username, an address, an employee ID or a custom field's value that
// is another account's alone (R22, R27, R33, R41).
func (p Person) names(d *draft, w Wants, found Found) error {
	was, now := &d.was.Values, &d.now.Values
	if now[roster.Username] == "" && was[roster.Username] != "" {
		return errors.New("an account is never left without a username")
	}
	fresh := func(f roster.Field) bool {
		return now[f] != "" && (!same(f, was[f], now[f]) || d.back())
	}
	holders := func(f roster.Field) bool {
		return slices.ContainsFunc(found.Accounts, func(a roster.Account) bool {
			return a.ID != d.was.ID && a.Status() != roster.Deleted && roster.Fold(a.Values[f]) == roster.Fold(now[f])
		})
	}
	if fresh(roster.Username) {
		if holders(roster.Username) {
			return taken{coded("E303", "the username is another account's; choose another")}
		}
		mine := func(h Hold) bool { return h.Account == d.was.ID && h.Name == roster.Fold(now[roster.Username]) }
		for _, h := range found.Holds {
			if h.Name == roster.Fold(now[roster.Username]) && !slices.ContainsFunc(found.Holds, mine) { // its giver may take it back (R33)
				return taken{coded("E303", "the username was account %d's until lately and is held for accounts.hold_names; choose another", h.Account)}
			}
		}
	}
	if fresh(roster.Email) && holders(roster.Email) {
		return coded("E130", "the address is another account's; write another")
	}
	if fresh(roster.EmployeeID) && holders(roster.EmployeeID) {
		return coded("E301", "the employee_id is another account's: no feed could tell the two apart; write another, or rollcall accounts merge, if they are one person")
	}
	for _, n := range w.soles() {
		v := d.now.Value(n)
		if v == "" || roster.Fold(d.was.Value(n)) == roster.Fold(v) && !d.back() {
			continue
		}
		if slices.ContainsFunc(found.Accounts, func(a roster.Account) bool {
			return a.ID != d.was.ID && a.Status() != roster.Deleted && roster.Fold(a.Value(n)) == roster.Fold(v)
		}) {
			return coded("E130", "%s: another account has the value, and the catalog says that no two share it; write another", n)
		}
	}
	return nil
}

// dates gives the account the instants of its dates, and the state that they ask for.
func (p Person) dates(d *draft) error {
	was, now := &d.was.Values, &d.now.Values
	d.instants()
	if why := Ended(now, p.At); why != "" && d.was.ID != 0 && now[roster.StatusField] == string(roster.Active) && d.protected(d.was) {
		return p.Protect.refusal(d.was, ", and its dates would suspend it")
	}
	if was[roster.StartsAt] == now[roster.StartsAt] && was[roster.ExpiresAt] == now[roster.ExpiresAt] && !d.back() {
		return nil // what its dates ask for is the sweep's
	}
	c, ok := ByDates(d.now, Protected{}, p.At)
	if why := Ended(now, p.At); !ok && why != "" && roster.Origin(now[roster.StatusBy]) == roster.OriginDate {
		now[roster.StatusReason] = string(why) // by another date now: the sweep must know which
	}
	for _, f := range c.Fields {
		now[f.Field] = f.New
	}
	return nil
}

// change is what the draft has come to.
func (p Person) change(d *draft) (Change, error) {
	c, ok := d.change()
	if !ok {
		return Change{}, fmt.Errorf("account %d: %w: it says so already", d.was.ID, ErrNothing)
	}
	c.Key = roster.Key(d.now.Values[roster.EmployeeID])
	c.ByDate = false
	c.Reason = p.Reason
	if c.Reason == "" {
		c.Reason = "by hand"
	}
	return c, nil
}

// coded is an error with a problem's code, which rollcall help explains.
func coded(code, text string, args ...any) error {
	return fmt.Errorf(code+": "+text, args...)
}
