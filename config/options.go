package config

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"slices"

	"rollcall/internal/format"
	"rollcall/internal/mapping"
	"rollcall/internal/plan"
	"rollcall/internal/roster"
)

// methods are the words of auth that are always allowed (R24).
var methods = []string{"manual", "ldap", "oauth2", "saml2"}

// MappingOptions are what the mapping of p depends on.
func (s *Site) MappingOptions(p *Profile) mapping.Options {
	return mapping.Options{
		Map:           p.Map,
		Key:           p.Match.Key,
		KeyName:       p.Match.By,
		Fallback:      p.Match.Fallback.By == "username",
		Standardise:   string(s.Accounts.Standardise),
		Auth:          union(methods, s.Accounts.Auth),
		Zone:          p.Zone,
		Action:        mapping.Action(p.Format.Action),
		Prefer:        p.Format.Dedupe.Prefer,
		Commas:        p.Format.Commas,
		FieldPrefix:   p.Format.Fields,
		Ignore:        p.Format.Ignore,
		TrimPasswords: p.Format.Preset == "moodle" || p.Format.Preset == "dualcode",
		Scope:         p.Scope,
		Site:          p.Site,
		Catalog:       s.Listed,
		Values:        p.Report.PersonalData == "values",
		Hidden:        s.Hidden(),
		Memberships:   p.Memberships,
		Groups:        p.Groups.granting(),
	}
}

// columnsOf is as much of [Site.MappingOptions] as tells which columns p speaks of.
func (s *Site) columnsOf(p *Profile) mapping.Options {
	return mapping.Options{
		Map: p.Map, Memberships: p.Memberships, Action: mapping.Action(p.Format.Action), Scope: p.Scope, Prefer: p.Format.Dedupe.Prefer,
		FieldPrefix: p.Format.Fields, Catalog: s.Listed, Groups: p.Groups.granting(),
	}
}

// Dedupe says how the rows of one person of p are joined, if they are.
func (s *Site) Dedupe(p *Profile) mapping.Dedupe {
	d := p.Format.Dedupe
	return mapping.Dedupe{By: d.By, Prefer: d.Prefer, Status: d.Status, ExpiresOn: d.ExpiresOn, Lists: d.Lists, Fold: p.Match.IgnoreCase || p.Match.Key == roster.Username || p.Match.Key == roster.Email}
}

// Hidden are the fields whose values no report shows: what one profile marks as
// sensitive is so in the reports of all, for they share the accounts. A profile
// with errors has its say, as far as it could be read.
func (s *Site) Hidden() roster.Hidden {
	hidden := roster.Hidden{}
	for _, p := range slices.Concat(s.Loaded, s.Broken) {
		columns := map[string]bool{} // of what is hidden: whatever else is made of them is too
		of := func(name string) []string {
			return mapping.Options{Map: map[string]mapping.Column{name: p.Map[name]}}.Columns()
		}
		for name, c := range p.Map {
			if c.Sensitive || roster.NeverShown(name) {
				hidden[name] = true
				for _, column := range of(name) {
					columns[roster.Fold(column)] = true
				}
			}
		}
		for name := range p.Map {
			if name == roster.Username.String() || name == string(p.Match.By) {
				continue // by which people are told apart
			}
			if slices.ContainsFunc(of(name), func(column string) bool { return columns[roster.Fold(column)] }) {
				hidden[name] = true
			}
		}
		p.Memberships.Sources(func(key, column string) {
			if columns[roster.Fold(column)] || roster.NeverShown(column) {
				hidden[key] = true // which of them came of that column nobody can tell
			}
		})
	}
	return hidden
}

// PlanOptions are what the planning of p depends on; Known is the store's.
func (s *Site) PlanOptions(p *Profile) plan.Options {
	policy := p.Policy
	policy.Protect = union(s.Accounts.Protect, p.Policy.Protect)
	canaries := make([]roster.Key, len(p.Guardrails.Canaries))
	for i, c := range p.Guardrails.Canaries {
		canaries[i] = roster.NormalKey(c)
	}
	return plan.Options{
		Profile:     p.Name,
		Full:        p.Format.Content == "full",
		Site:        p.Site,
		Match:       p.Match,
		Policy:      policy,
		Required:    p.Required,
		UniqueEmail: string(p.UniqueEmail),
		Passwords:   plan.Passwords{Site: s.Accounts.PasswordPolicy, Method: s.Accounts.PasswordHash},
		Set:         s.MappingOptions(p).SetModes(),
		SetCustom:   s.MappingOptions(p).CustomModes(),
		Custom:      s.Listed.Fields(),
		Authority:   s.Authority,
		Zone:        p.Zone,
		ScopeLeft:   p.Scope.Left,
		Canaries:    canaries,
		Names:       p.Report.PersonalData == "names" || p.Report.PersonalData == "values",
		Values:      p.Report.PersonalData == "values",
		Hidden:      s.Hidden().Fields(),
	}
}

// union is a and what only b has, in their order.
func union(a, b []string) []string {
	all := slices.Clone(a)
	for _, x := range b {
		if !slices.Contains(all, x) {
			all = append(all, x)
		}
	}
	return all
}

// Digest names what decides where records come from and what they mean: while
// it stays, a later run compares like with like.
func (p *Profile) Digest() string {
	scope := ""
	if p.Source.Type == "ldap" {
		scope = p.Source.Scope
	}
	match := p.Match
	match.Lookalike = "" // it compares what was found, and finds nobody otherwise
	meaning := struct {
		Type, Host, Path    string
		Port                int
		Base, Scope, Filter string `json:",omitempty"` // of a directory; any of its servers will do
		Format              format.Options
		Match               plan.Match
		Map                 map[string]mapping.Column
		Of                  mapping.Scope        `json:",omitzero"`
		Site                string               `json:",omitempty"`
		Memberships         *mapping.Memberships `json:",omitempty"`
		Groups              *groups              `json:",omitempty"`
	}{p.Source.Type, p.Source.Host, p.Source.Path, p.Source.Port, p.Source.Base, scope, p.Source.Filter, p.Format, match, p.Map, p.Scope, p.Site, nil, nil}
	if !p.Memberships.IsZero() {
		meaning.Memberships = &p.Memberships
	}
	if !p.Groups.isZero() {
		meaning.Groups = &p.Groups
	}
	text, err := json.Marshal(meaning) // walks maps in sorted order
	if err != nil {
		panic(err) // plain data
	}
	sum := sha256.Sum256(text)
	return "sha256:" + hex.EncodeToString(sum[:])
}
