package laws_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"rollcall/internal/roster"
	"rollcall/internal/run"
)

// The model is a second, simple rollcall, written from the rules alone: people in
// a slice, one row after the other, nothing streamed. It knows one key for each
// person, names and addresses that never clash, and no dates.
type model struct{ people []*person }

// A person is an account of the model.
type person struct {
	key    string
	fields map[string]string // by column
	origin map[string]string // of each field: the profile that wrote it
	status roster.Status
	by     string // who set the status
	why    roster.Reason
	claims map[string]roster.Claim // by profile
}

func (m *model) find(key string) *person {
	i := slices.IndexFunc(m.people, func(p *person) bool { return p.key == key })
	if i < 0 {
		return nil
	}
	return m.people[i]
}

// claimed tells whether another profile says that the person belongs here (R5).
func (p *person) claimed(but string) bool {
	for name, c := range p.claims {
		if name != but && c != roster.ClaimGone {
			return true
		}
	}
	return false
}

// modelled are the columns that the model carries.
var modelled = []string{"username", "first_name", "last_name", "email", "city"}

// night reads a full drop of one profile.
func (m *model) night(p *run.Profile, rows [][]string) {
	o := p.Plan
	mentioned := map[string]bool{}
	var added []*person
	for _, row := range rows {
		key, state, deleted := row[0], row[8], row[9] == "1"
		mentioned[key] = true
		who := m.find(key)
		switch {
		case who == nil && (deleted || state == "X"): // R66, and a leaver whom nobody knows
			continue
		case who == nil:
			who = &person{key: key, fields: map[string]string{}, origin: map[string]string{}, status: roster.Active, claims: map[string]roster.Claim{p.Name: roster.ClaimActive}}
			for i, name := range columns {
				if slices.Contains(modelled, name) && row[i] != "" {
					who.fields[name], who.origin[name] = row[i], p.Name
				}
			}
			if state == "S" { // R60
				who.status, who.by, who.why, who.claims[p.Name] = roster.Suspended, p.Name, roster.FeedSays, roster.ClaimGone
			}
			added = append(added, who)
			continue
		case who.status == roster.Deleted && !deleted && state != "S" && state != "X":
			continue // R45: no witness speaks for a deleted one
		case who.status == roster.Deleted: // R66
			continue
		case deleted && !o.Policy.Delete: // R65 skips the row, and R5 ends the claim
			if _, linked := who.claims[p.Name]; linked {
				who.claims[p.Name] = roster.ClaimGone
			}
			continue
		}
		protected := who.fields["username"] == "root" // R64
		switch {
		case deleted || state == "S" || state == "X":
			who.claims[p.Name] = roster.ClaimGone
			why := map[string]roster.Reason{"S": roster.FeedSays, "X": roster.Leaver}[state]
			switch {
			case who.claimed(p.Name), protected:
			case deleted:
				who.status, who.by, who.why = roster.Deleted, p.Name, roster.FeedDelete
				continue // who goes takes nothing new along
			case who.status == roster.Active:
				who.status, who.by, who.why = roster.Suspended, p.Name, why
			case who.by == p.Name:
				who.why = why // its own word replaces an absence
			}
		case state == "" && who.claims[p.Name] == roster.ClaimGone && who.by == p.Name && (who.why == roster.FeedSays || who.why == roster.Leaver):
			// an empty cell keeps
		default:
			who.claims[p.Name] = roster.ClaimActive
			if who.status == roster.Suspended && who.by == p.Name { // R61
				who.status, who.by, who.why = roster.Active, p.Name, ""
			}
		}
		for i, name := range columns {
			if slices.Contains(modelled, name) && row[i] != "" && row[i] != who.fields[name] && !(name == "username" && protected) && who.yields(name, p) {
				who.fields[name], who.origin[name] = row[i], p.Name
			}
		}
	}
	for _, who := range m.people { // R62
		if _, linked := who.claims[p.Name]; !linked || mentioned[who.key] || who.status == roster.Deleted {
			continue
		}
		who.claims[p.Name] = roster.ClaimGone
		if who.claimed(p.Name) || who.fields["username"] == "root" {
			continue
		}
		switch {
		case o.Policy.Missing == "delete":
			who.status, who.by, who.why = roster.Deleted, p.Name, roster.Missing
		case o.Policy.Missing == "suspend" && who.status == roster.Active:
			who.status, who.by, who.why = roster.Suspended, p.Name, roster.Missing
		}
	}
	slices.SortFunc(added, func(a, b *person) int { return strings.Compare(a.key, b.key) })
	m.people = append(m.people, added...)
}

// yields tells whether a field may be written by a profile (R54).
func (p *person) yields(field string, by *run.Profile) bool {
	owner := p.origin[field]
	claim, linked := p.claims[owner]
	if owner == "" || owner == by.Name || !linked {
		return true
	}
	if mine := p.claims[by.Name]; (claim == roster.ClaimGone) != (mine == roster.ClaimGone) {
		return claim == roster.ClaimGone
	}
	order, ok := by.Plan.Authority[field]
	if !ok {
		order = by.Plan.Authority["*"]
	}
	rank := func(name string) int {
		if i := slices.Index(order, name); i >= 0 {
			return i
		}
		return len(order)
	}
	return rank(by.Name) < rank(owner)
}

func (m *model) String() string {
	var lines []string
	for _, p := range m.people {
		line := fmt.Sprintf("%s %s %s %s", p.key, p.status, p.by, p.why)
		for _, name := range modelled {
			line += fmt.Sprintf(" %s=%s", name, p.fields[name])
		}
		for _, name := range feeds {
			line += fmt.Sprintf(" %s:%s", name, p.claims[name])
		}
		lines = append(lines, line)
	}
	slices.Sort(lines)
	return strings.Join(lines, "\n")
}

// asModel is what a real directory holds, in the words of the model.
func asModel(accounts []roster.Account) string {
	m := &model{}
	for _, a := range accounts {
		p := &person{
			key: a.Values[roster.EmployeeID], status: a.Status(), by: a.Values[roster.StatusBy], why: roster.Reason(a.Values[roster.StatusReason]),
			fields: map[string]string{}, claims: map[string]roster.Claim{},
		}
		for _, name := range modelled {
			f, _ := roster.FieldNamed(name)
			p.fields[name] = a.Values[f]
		}
		for _, l := range a.Links {
			p.claims[l.Profile] = l.Claim
		}
		m.people = append(m.people, p)
	}
	return m.String()
}

// TestL5 lets the model and rollcall live through the same nights.
func TestL5R5R54R64TheAccountsAreThoseOfASimpleModel(t *testing.T) {
	t.Parallel()
	bothAlike(t, func(t *rapid.T, d *directory, counts map[string]int) string {
		authority := oneOf(t, []map[string][]string{nil, {"email": {"ad", "hr"}, "*": {"hr"}}, {"*": {"school", "ad"}}}, "authority")
		var profiles []*run.Profile
		for _, name := range feeds {
			profiles = append(profiles, feed(name, func(p *run.Profile) {
				p.Plan.Authority = authority
				p.Plan.Policy.Delete = oneIn(t, 2, "delete")
				p.Plan.Policy.Missing = oneOf(t, []string{"keep", "suspend", "suspend"}, "missing")
				if p.Plan.Policy.Delete && oneIn(t, 3, "missing: delete") {
					p.Plan.Policy.Missing = "delete"
				}
				p.Plan.Policy.Protect = nil
			}))
		}
		m := &model{}
		for night := range rapid.IntRange(3, 6).Draw(t, "nights") {
			p := oneOf(t, profiles, "profile")
			rows := tidyRows(t, night)
			if len(rows) == 0 {
				continue
			}
			d.apply(t, p, plainly.text(rows))
			m.night(p, rows)
			if got, want := asModel(d.accounts(t)), m.String(); got != want {
				t.Fatalf("%s, L5: night %d of %s %+v\n%s\ngot\n%s\nwant\n%s", d.engine, night, p.Name, p.Plan.Policy, plainly.text(rows), got, want)
			}
			d.at = d.at.AddDate(0, 0, 1)
		}
		counts["L5, the accounts are those of a simple model"]++
		return dump(d.accounts(t), true)
	})
}

// tidyRows are a drop without a fault: each person once at most, with a name and
// an address that nobody else ever has.
func tidyRows(t *rapid.T, night int) [][]string {
	var rows [][]string
	for i, key := range keys {
		if oneIn(t, 3, "not listed") {
			continue
		}
		row := make([]string, len(columns))
		row[0] = key
		row[1] = fmt.Sprintf("u%d%s", i, oneOf(t, []string{"", "", "", fmt.Sprintf("-n%d", night)}, "married"))
		row[2], row[3] = "Jo", oneOf(t, []string{"Doe", "Roe"}, "last name")
		row[4] = fmt.Sprintf("p%d.%d@example.org", i, rapid.IntRange(0, 2).Draw(t, "mail"))
		row[5] = oneOf(t, []string{"", "Ulm", "Łódź"}, "city")
		row[8] = oneOf(t, []string{"", "", "", "A", "S", "X"}, "state")
		row[9] = oneOf(t, []string{"", "", "", "", "", "0", "1"}, "deleted")
		if row[9] == "1" {
			row[8] = ""
		}
		rows = append(rows, row)
	}
	return rows
}
