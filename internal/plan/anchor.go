package plan

import (
	"cmp"
	"slices"

	"rollcall/internal/roster"
)

// An anchor is the source's own name for an entry, for good (R47). The key is what
// HR says and the anchor what the directory knows, so:
//
//   - A record whose key finds its account is that account's, and brings its anchor along.
//     Where the account has another anchor the entry was made anew, or the key was given
//     away; then all records are looked at first, for the old entry may be there too.
//   - A record whose key finds nobody, and whose anchor does, is that account's: it
//     takes the new key, as by previous_key (R46).
//   - A record whose key and whose anchor mean two accounts is a conflict (E302), and
//     neither is touched, unless a person has decided about the key (R49).
//
// An anchor that several accounts have says nothing.

// anchored is the account that the profile knows by a record's anchor; nil where there is none.
func (w *people) anchored(e roster.Entry) *roster.Account {
	if found := w.byAnchor[e.Anchor]; e.Anchor != "" && len(found) == 1 {
		return found[0]
	}
	return nil
}

// disagrees is the match of a record whose key finds an account by its link, where its
// anchor has something to say about that; ok is false where it has not.
func (w *people) disagrees(e roster.Entry, a *roster.Account) (m match, ok bool) {
	l := a.Link(w.Profile)
	if e.Anchor == "" || l.Anchor == e.Anchor || l.Decided {
		return match{}, false
	}
	if other := w.anchored(e); other != nil {
		return torn(a, other), true
	}
	return match{account: a, later: true}, l.Anchor != ""
}

// unlessAnchored is m, which is what all else has found for a record whose own key
// knows no account by its link, where the anchor says nothing better.
func (w *people) unlessAnchored(e roster.Entry, m match) match {
	a := w.anchored(e)
	switch {
	case a == nil, m.account == a:
		return m
	case m.code == "E301", m.code == "E306":
		m.touched = append(slices.Clone(m.touched), a)
		return m
	case !w.sees(a): // whoever else means the account that all else has found (R4)
		all := append(slices.Clone(m.touched), a)
		if m.account != nil {
			all = append(all, m.account)
		}
		return match{code: "E306", touched: all}
	case m.code == "E302" && !slices.Contains(m.touched, a):
		m.touched = append(slices.Clone(m.touched), a)
		return m
	case m.account != nil:
		return torn(m.account, a)
	case w.mentioned(a.ID):
		return match{code: "E302", touched: []*roster.Account{a}, conflict: meantTwice}
	}
	return match{account: a, anchored: true, rekeyed: e.Key != "" && !w.sameKey(a.Link(w.Profile).Key, e.Key)}
}

// torn is the conflict of a record that means two accounts.
func torn(a, b *roster.Account) match {
	return match{code: "E302", touched: []*roster.Account{a, b}, conflict: "by its key the record means one account, by its anchor another"}
}

// meantTwice is the conflict of two records that mean one account.
const meantTwice = "by its anchor the record means an account that another record has the key of"

// rejectConflict rejects a record for a conflict, of its anchor where the match says no other field.
func (w *people) rejectConflict(e roster.Entry, m match) error {
	p := roster.NewProblem(m.code, e.Line, e.Key)
	p.Severity, p.Field, p.Text = roster.SeverityError, cmp.Or(m.field, "anchor"), m.conflict
	p.Fix = cmp.Or(m.fix, "have the keys corrected where the anchors come from, or say whom the key means: rollcall accounts link PROFILE KEY ACCOUNT")
	e.Problems = append(e.Problems, p)
	return w.reject(e, 0)
}

// disputes says in words why several records mean the account of a match; "" where
// that is not for their anchors.
func (w *people) disputes(e roster.Entry, m match) string {
	l := m.account.Link(w.Profile)
	switch {
	case m.anchored:
		return meantTwice
	case e.Anchor != "" && l != nil && l.Anchor != "" && l.Anchor != e.Anchor:
		return "by its key the record means an account that another record has the anchor of"
	}
	return ""
}

// ByAnchor tells whether the change gives an account another key because of its anchor.
func (c *Change) ByAnchor() bool {
	return slices.ContainsFunc(c.Links, func(l LinkChange) bool {
		return l.Old != "" && l.OldKey != l.NewKey && l.NewAnchor != "" && l.NewAnchor == l.OldAnchor
	})
}

// anchor gives the link the record's anchor.
func (d *draft) anchor(l *roster.Link) {
	if d.entry.Anchor == "" || l.Anchor == d.entry.Anchor || d.Person != "" {
		return
	}
	if l.Anchor != "" {
		d.remark("", "anchor", "another entry of the source has this key by now: it was made anew, or the key was given to somebody else")
	}
	l.Anchor = d.entry.Anchor
}
