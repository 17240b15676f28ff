package plan

import (
	"context"
	"errors"
	"fmt"

	"rollcall/internal/password"
	"rollcall/internal/roster"
)

// A Guess is a password that a record gives for an account that has one.
type Guess struct {
	Account  uint64
	Since    string // of the account's password
	Password roster.Clear
}

// Passwords is what the passwords of a plan depend on (R80 to R84).
type Passwords struct {
	Site   password.Policy // accounts.password_policy
	Method password.Method // accounts.password_hash; its plans differ where it takes no long ones

	// Same tells of guesses whether each is right: as slow as hashing. Nil where
	// no record changes the password of an account that exists.
	Same func(context.Context, []Guess) ([]bool, error) `json:"-"`
}

// PasswordFacts count what a plan does to passwords.
type PasswordFacts struct {
	Given      int `json:"given,omitempty"`       // set as the file says
	ToGenerate int `json:"to_generate,omitempty"` // accounts for which one will be made (R81)
	Weak       int `json:"weak,omitempty"`        // of the given ones (R83)
	Removed    int `json:"removed,omitempty"`     // of accounts that log in otherwise by now

	Welcome   int  `json:"welcome,omitempty"`    // people to whom a mail is due
	NoAddress int  `json:"no_address,omitempty"` // to whom nobody can write
	Later     int  `json:"later,omitempty"`      // who are written to once they are active
	Waits     bool `json:"waits,omitempty"`      // so many mails that a person must release them
}

// password plans the account's password. What of it is told is told of whom it
// concerns alone: a file that gives everybody's password every night says nothing
// new about those who have one.
func (d *draft) password() {
	switch {
	case d.now.Values[roster.Auth] != "" && !d.now.Values.Local():
		d.set(roster.PasswordField, "", "") // others know it now (R80)
	case d.was.ID == 0:
		d.first()
	case d.Policy.Passwords == "update" && !d.entry.FirstOnly:
		d.renew()
		d.local()
	default:
		d.local()
	}
}

// local notes that an account awaits a password where until now others knew it, and
// the record gives none that may be used: nobody could log in, and nobody would be told (R81).
func (d *draft) local() {
	if d.Policy.GeneratePassword && !d.was.Values.Local() && d.now.Values[roster.PasswordField] == "" {
		d.set(roster.PasswordField, roster.AwaitedPassword().String(), "")
	}
}

// first gives a new account its password, or notes that it awaits one (R81).
func (d *draft) first() {
	if d.Policy.Passwords != "ignore" && d.take() {
		return
	}
	if d.Policy.GeneratePassword {
		d.set(roster.PasswordField, roster.AwaitedPassword().String(), "")
	}
}

// renew changes the password of an account that exists (R84).
func (d *draft) renew() {
	had := d.was.Values[roster.PasswordField]
	switch {
	case d.entry.Password == "", d.Policy.Update == "none", d.Policy.Update == "fill_missing" && had != "":
	case d.right[d.was.ID] == guessOf(d.was, d.entry.Password) && d.was.PasswordSet():
	case !d.mayOverwrite(d.was.Password().By, roster.PasswordField.String()):
		d.remark("E310", roster.PasswordField.String(), "") // or two feeds would set it in turn
	default:
		d.take()
	}
}

// take sets the record's password, if it is one.
func (d *draft) take() bool {
	given := d.entry.Password
	forced := given == password.Changeme // by name, however weak it is (R82)
	switch {
	case given == "":
		return false
	case given == "0":
		d.remark("E127", roster.PasswordField.String(), "")
		return false
	case d.Passwords.Method.TooLong(given):
		d.remark("E118", roster.PasswordField.String(), fmt.Sprintf("longer than %s; it is not used", d.Passwords.Method.Longest()))
		return false
	}
	if weak := !forced && d.Passwords.Site.Weak(given); weak {
		if d.Policy.Weak == "reject" {
			d.remark("E126", roster.PasswordField.String(), "a weak password; it is not used")
			return false
		}
		d.remark("E126", roster.PasswordField.String(), "a weak password; it is used all the same")
		d.weak = true
	}
	forced = forced || d.Policy.ForceChange == "all" || d.Policy.ForceChange == "weak" && d.weak
	d.clear = given
	state := roster.NewPassword(d.planner.now, forced)
	if d.Person == "" {
		state.By = d.me
	}
	d.set(roster.PasswordField, state.String(), "")
	return true
}

// compare finds out, for all records of a chunk at once, whose password is the
// one that the account has: to compare is as slow as to hash.
func (w *people) compare(part []numbered) error {
	if w.Passwords.Same == nil || w.Policy.Passwords != "update" || w.Policy.Update == "none" || w.Policy.Update == "fill_missing" {
		return nil
	}
	if w.looking || !w.asking && !w.deciding {
		return nil
	}
	var guesses []Guess
	for _, e := range part {
		if e.Password == "" || e.Password == "0" || e.FirstOnly || w.Passwords.Method.TooLong(e.Password) ||
			w.Policy.Weak == "reject" && e.Password != password.Changeme && w.Passwords.Site.Weak(e.Password) {
			continue // it is not used
		}
		m := w.byOwnKey(e.Entry)
		switch {
		case w.asking && m.later:
			continue // in another pass
		case !w.asking:
			m = w.otherwise(e.Entry)
		}
		if a := m.account; a != nil && a.PasswordSet() && a.Status() != roster.Deleted {
			guesses = append(guesses, guessOf(a, e.Password))
		}
	}
	if len(guesses) == 0 {
		return nil
	}
	same, err := w.Passwords.Same(w.ctx, guesses)
	if err != nil {
		return fmt.Errorf("compare passwords: %w", err)
	}
	w.right = map[uint64]Guess{}
	for i, g := range guesses {
		if same[i] {
			w.right[g.Account] = g
		}
	}
	return nil
}

func guessOf(a *roster.Account, p roster.Clear) Guess {
	return Guess{Account: a.ID, Since: a.Password().Since, Password: p}
}

// countPassword enters what a change does to the account's password into the facts.
func (f *Facts) countPassword(d *draft, c Change) {
	fc := c.Field(roster.PasswordField)
	if fc == nil {
		f.countWelcome(d.was, d.now)
		return
	}
	n := &f.Passwords
	switch state := roster.ReadPasswordState(fc.New); {
	case state.Awaited:
		n.ToGenerate++
	case d.clear != "":
		n.Given++
		if d.weak {
			n.Weak++
		}
	case fc.New == "":
		n.Removed++
	}
	if c.Action != Add && fc.Old != "" && fc.New != "" {
		f.FieldChanges[fc.Name]++
	}
	f.countWelcome(d.was, d.now)
}

// countWelcome counts to whom a mail with a password comes to be due.
func (f *Facts) countWelcome(was, now *roster.Account) {
	n := &f.Passwords
	switch {
	case now.AwaitsWelcome() && !was.AwaitsWelcome():
		n.Welcome++
	case now.Password().Awaited && !was.Password().Awaited && now.Status() != roster.Active:
		n.Later++
	case now.Password().Awaited && !was.Password().Awaited:
		n.NoAddress++
	}
}

// ErrNoPassword means that an account has no password that could be changed.
var ErrNoPassword = errors.New("has no password here")

// Password adds to a change that a person makes (zero: none yet) that another
// password be chosen at the next login, or with reset that one be made, which a
// welcome mail brings (R81): the one that there is, is then gone at once.
func (p Person) Password(a *roster.Account, c Change, force, reset bool) (Change, error) {
	now := clone(a)
	for _, f := range c.Fields {
		f.Write(now)
	}
	state := now.Password()
	switch {
	case now.Status() == roster.Deleted:
		return c, fmt.Errorf("account %d is deleted; rollcall accounts restore brings it back", a.ID)
	case !now.Values.Local():
		return c, fmt.Errorf("account %d logs in by %s and %w", a.ID, now.Values[roster.Auth], ErrNoPassword)
	case reset && now.Values[roster.Email] == "":
		return c, fmt.Errorf("account %d has no address to which a password could be sent", a.ID)
	case reset && state.Awaited:
		return c, fmt.Errorf("account %d awaits a password already; rollcall outbox shows its mail", a.ID)
	case reset:
		state = roster.AwaitedPassword()
	case force && state.Change && c.Action == "":
		return c, ErrNothing
	case force && state.Change:
		return c, nil
	case force && state.Since == "" && !state.Awaited:
		return c, fmt.Errorf("account %d %w that could be changed; --reset-password makes one", a.ID, ErrNoPassword)
	case force:
		state.Change = true
	}
	if c.Action == "" {
		c = Change{Action: Update, Account: a.ID, Version: a.Version, Key: roster.Key(a.Values[roster.EmployeeID]), Username: a.Values[roster.Username], Reason: p.Reason}
	}
	f := roster.PasswordField
	c.Fields = append(c.Fields, FieldChange{Field: f, Name: f.String(), Old: a.Values[f], New: state.String()})
	c.Sort()
	return c, nil
}
