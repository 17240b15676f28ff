package plan

import (
	"cmp"
	"context"
	"iter"
	"maps"
	"slices"
	"strings"
	"time"

	"rollcall/internal/roster"
)

// memory is a directory in a slice, which plans can be applied to.
type memory struct {
	accounts []roster.Account
	holds    []Hold
	decided  map[roster.Key]bool
	erased   map[string]bool // folded keys
}

func (m *memory) Find(_ context.Context, q Query) (Found, error) {
	in := func(list []string, s string) bool { return s != "" && slices.Contains(list, s) }
	keys := make([]string, len(q.Keys))
	for i, k := range q.Keys {
		keys[i] = roster.Fold(string(k))
	}
	f := Found{New: m.decided, Erased: m.erased}
	for _, a := range m.accounts {
		l := a.Link(q.Profile)
		lives := a.Status() != roster.Deleted
		if l != nil && in(keys, roster.Fold(string(l.Key))) ||
			l != nil && in(q.Anchors, l.Anchor) ||
			in(q.Values, roster.Fold((&Match{Key: q.Field, By: q.Custom}).Of(&a))) ||
			lives && slices.ContainsFunc(q.Unique, func(u UniqueQuery) bool { return in(u.Values, roster.Fold(a.Value(u.Name))) }) ||
			lives && in(q.Usernames, roster.Fold(a.Values[roster.Username])) ||
			!lives && l != nil && in(q.Gone, roster.Fold(a.Values[roster.Username])) ||
			lives && in(q.Emails, roster.Fold(a.Values[roster.Email])) ||
			lives && in(q.Likes, likeness(q.Witness, a.Value)) ||
			slices.Contains(q.IDs, a.ID) {
			a.Links, a.Grants = slices.Clone(a.Links), slices.Clone(a.Grants)
			if !q.Grants {
				a.Grants = nil
			}
			f.Accounts = append(f.Accounts, a)
		}
	}
	for _, h := range m.holds {
		if in(q.Usernames, h.Name) {
			f.Holds = append(f.Holds, h)
		}
	}
	return f, nil
}

func (m *memory) Numbered(_ context.Context, base string, _ time.Time) ([]string, error) {
	var all []string
	numbered := func(name string) bool {
		rest, ok := strings.CutPrefix(name, base)
		return ok && rest != "" && strings.Trim(rest, "0123456789") == ""
	}
	for _, a := range m.accounts {
		if name := roster.Fold(a.Values[roster.Username]); a.Status() != roster.Deleted && numbered(name) {
			all = append(all, name)
		}
	}
	for _, h := range m.holds {
		if numbered(h.Name) {
			all = append(all, h.Name)
		}
	}
	return all, nil
}

func (m *memory) Roll(_ context.Context, profile string) iter.Seq2[Listed, error] {
	return func(yield func(Listed, error) bool) {
		for _, a := range m.accounts {
			if a.Link(profile) != nil && !yield(Listed{a.ID, a.Status()}, nil) {
				return
			}
		}
	}
}

// apply carries a plan out.
func (m *memory) apply(p Plan) {
	next := uint64(0)
	for _, a := range m.accounts {
		next = max(next, a.ID)
	}
	for _, c := range p.Changes {
		i := slices.IndexFunc(m.accounts, func(a roster.Account) bool { return a.ID == c.Account })
		if c.Action == Add {
			next++
			m.accounts = append(m.accounts, roster.Account{ID: next})
			i = len(m.accounts) - 1
		}
		if c.Erases() {
			m.forget(c.Account)
		}
		if c.Action == Purge {
			m.accounts = slices.Delete(m.accounts, i, i+1)
			continue
		}
		a := &m.accounts[i]
		if c.Action == Add {
			delete(m.decided, c.Key) // it has come true
		}
		if c.Action != Claim {
			a.Version++
		}
		if f := c.Field(roster.Username); f != nil && f.Old != "" && roster.Fold(f.Old) != roster.Fold(f.New) {
			m.holds = append(m.holds, Hold{Name: roster.Fold(f.Old), Account: a.ID})
		}
		if c.Action == Delete {
			m.holds = append(m.holds, Hold{Name: roster.Fold(a.Values[roster.Username]), Account: a.ID})
		}
		for _, f := range c.Fields {
			f.Write(a)
		}
		for _, lc := range c.Links {
			if lc.New == "" {
				a.Links = slices.DeleteFunc(a.Links, func(l roster.Link) bool { return l.Profile == lc.Profile })
				continue
			}
			l := a.Link(lc.Profile)
			if l == nil {
				a.Links = append(a.Links, roster.Link{Profile: lc.Profile})
				l = a.Link(lc.Profile)
			}
			l.Key, l.Claim, l.Decided, l.Anchor = lc.NewKey, lc.New, lc.Decided, lc.NewAnchor
		}
		slices.SortFunc(a.Links, func(x, y roster.Link) int { return cmp.Compare(x.Profile, y.Profile) })
		for _, g := range c.Memberships {
			a.Grants = slices.DeleteFunc(a.Grants, func(x roster.Grant) bool { return x.Membership == g.Membership && x.Origin == g.Origin })
			if g.New != nil {
				a.Grants = append(a.Grants, roster.Grant{Membership: g.Membership, Origin: g.Origin, Terms: *g.New})
			}
		}
		roster.SortGrants(a.Grants)
	}
}

// forget erases what is known of an account but for hashes of its keys, which here are the keys.
func (m *memory) forget(id uint64) {
	a := m.byID(id)
	if m.erased == nil {
		m.erased = map[string]bool{}
	}
	m.erased[roster.Fold(a.Values[roster.EmployeeID])] = true
	for f := range roster.NumFeedFields {
		a.Values[f], a.Origins[f] = "", ""
	}
	for i := range a.Links {
		m.erased[roster.Fold(string(a.Links[i].Key))], a.Links[i].Key = true, ""
		a.Links[i].Anchor = ""
	}
	delete(m.erased, "")
}

func (m *memory) copy() *memory {
	n := &memory{accounts: slices.Clone(m.accounts), holds: slices.Clone(m.holds), decided: maps.Clone(m.decided)}
	for i := range n.accounts {
		n.accounts[i].Links, n.accounts[i].Grants = slices.Clone(n.accounts[i].Links), slices.Clone(n.accounts[i].Grants)
	}
	return n
}

func (m *memory) byID(id uint64) *roster.Account {
	for i := range m.accounts {
		if m.accounts[i].ID == id {
			return &m.accounts[i]
		}
	}
	return nil
}

// noon is when the tests happen.
var noon = time.Date(2026, 9, 1, 12, 0, 0, 0, time.UTC)

// staff is a profile as an operator would write it for leavers by absence.
func staff() Options {
	o := Options{
		Profile: "hr", Full: true, Policy: DefaultPolicy(), UniqueEmail: "on",
		Required: []roster.Field{roster.Username, roster.FirstName, roster.LastName, roster.Email},
		Match:    Match{Key: roster.EmployeeID},
	}
	o.Policy.Missing = "suspend"
	return o
}

// row is an entry that says key, username and the names and address that go with it.
func row(line int, key, username string, more ...func(*roster.Entry)) roster.Entry {
	e := roster.Entry{Line: line, Key: roster.Key(key), KeyBad: key == ""}
	say := func(f roster.Field, v string) {
		if v != "" {
			e.Values[f] = v
			e.Set = e.Set.With(f)
		}
	}
	say(roster.EmployeeID, key)
	say(roster.Username, username)
	say(roster.FirstName, "First "+key)
	say(roster.LastName, "Last "+key)
	say(roster.Email, strings.ToLower("p"+key+"@example.org"))
	for _, f := range more {
		f(&e)
	}
	return e
}

// says is an addition to a row.
func says(f roster.Field, v string) func(*roster.Entry) {
	return func(e *roster.Entry) {
		e.Values[f] = v
		e.Set = e.Set.With(f)
	}
}

func wishes(w roster.Wish) func(*roster.Entry) { return func(e *roster.Entry) { e.Wish = w } }

func without(fs ...roster.Field) func(*roster.Entry) {
	return func(e *roster.Entry) {
		e.Set = e.Set.Without(fs...)
		for _, f := range fs {
			e.Values[f] = ""
		}
	}
}

func drop(rows ...roster.Entry) Entries {
	return func() iter.Seq2[roster.Entry, error] {
		return func(yield func(roster.Entry, error) bool) {
			for _, e := range rows {
				e.Problems = slices.Clone(e.Problems)
				if !yield(e, nil) {
					return
				}
			}
		}
	}
}

// told is the plan in a few words a change, sorted, for comparing.
func (p Plan) told() []string {
	var all []string
	for _, c := range p.Changes {
		s := string(c.Action) + " " + string(c.Key)
		for _, f := range c.Fields {
			if f.Fed() && c.Action != Add {
				s += " " + f.Name + "=" + f.New
			}
		}
		if c.Action == Add {
			s += " " + c.Username
		}
		all = append(all, s)
	}
	for _, x := range p.Problems {
		word := x.Code
		if word == "" {
			word = string(x.Severity)
		}
		all = append(all, word+" line "+string(rune('0'+x.Line%10))+" "+string(x.Severity))
	}
	slices.Sort(all)
	return all
}

// directory has an account for each key, owned by hr, named like u1, with the
// values that row gives.
func directory(keys ...string) *memory {
	m := &memory{decided: map[roster.Key]bool{}}
	var p Plan
	var rows []roster.Entry
	for i, k := range keys {
		rows = append(rows, row(i+2, k, "u"+k))
	}
	if _, err := Make(context.Background(), staff(), drop(rows...), m, &p, noon.Add(-240*time.Hour)); err != nil {
		panic(err)
	}
	m.apply(p)
	return m
}

func (m *memory) account(key string) *roster.Account {
	for i := range m.accounts {
		if m.accounts[i].Values[roster.EmployeeID] == key {
			return &m.accounts[i]
		}
	}
	return nil
}
