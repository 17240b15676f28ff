package plan

import (
	"fmt"
	"slices"

	"rollcall/internal/roster"
)

// Erases tells whether the change erases what is known of a person, in the
// journal too. A purge that takes an add back does not: it names what it removes.
func (c *Change) Erases() bool {
	return c.Action == Anonymise || c.Action == Purge && !slices.ContainsFunc(c.Fields, func(f FieldChange) bool { return f.Field < roster.NumFeedFields })
}

// Anonymise erases who an account was: it stays, deleted, with its number and its
// days, and nothing of it can be taken back (R63).
func (p Person) Anonymise(a *roster.Account) (Change, error) {
	if a.Values[roster.StatusReason] == string(roster.Anonymised) {
		return Change{}, fmt.Errorf("account %d: %w: it is anonymised already", a.ID, ErrNothing)
	}
	if err := p.erasable(a); err != nil {
		return Change{}, err
	}
	c := moveStatus(a, Anonymise, roster.Deleted, roster.Anonymised, p.Who, p.At)
	if a.Values[roster.DeletedAt] == "" {
		c.Fields = append(c.Fields, FieldChange{Field: roster.DeletedAt, Name: roster.DeletedAt.String(), New: p.At})
		c.Sort()
	}
	c.Reason = p.Reason
	return c, nil
}

// Purge removes an account and all that is known of it (R63).
func (p Person) Purge(a *roster.Account) (Change, error) {
	if err := p.erasable(a); err != nil {
		return Change{}, err
	}
	c := Change{
		Action: Purge, Account: a.ID, Version: a.Version, Key: roster.Key(a.Values[roster.EmployeeID]), Username: a.Values[roster.Username], Reason: p.Reason,
		Fields: []FieldChange{{Field: roster.StatusField, Name: roster.StatusField.String(), Old: a.Values[roster.StatusField]}},
	}
	for _, l := range a.Links {
		c.Links = append(c.Links, linkChange(&l, nil))
	}
	return c, nil
}

// erasable refuses to erase what is protected or under a legal hold.
func (p Person) erasable(a *roster.Account) error {
	switch {
	case p.Protect.Account(a):
		return p.Protect.refusal(a, "")
	case a.Values[roster.LegalHold] != "":
		return onHold(a)
	}
	return nil
}

// Forgotten are the terms after which a deleted account is erased; zero is never.
type Forgotten struct {
	Anonymise, Purge string // what was deleted by that instant, a [roster.Stamp], is due; "" for nothing
}

// ByTerm is what the terms of its profiles ask of a deleted account: the sweep's
// change. ok is false where they ask for nothing, or may not.
func (p Person) ByTerm(a *roster.Account, f Forgotten) (c Change, ok bool) {
	deleted := a.Values[roster.DeletedAt]
	if a.Status() != roster.Deleted || deleted == "" {
		return Change{}, false
	}
	var err error
	switch {
	case f.Purge != "" && deleted <= f.Purge:
		p.Reason = "purge_after: deleted since " + deleted[:10]
		c, err = p.Purge(a)
	case f.Anonymise != "" && deleted <= f.Anonymise:
		p.Reason = "anonymise_after: deleted since " + deleted[:10]
		c, err = p.Anonymise(a)
	default:
		return Change{}, false
	}
	return c, err == nil
}
