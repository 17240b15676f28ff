package config

import (
	"rollcall/internal/mapping"
	"rollcall/internal/source"
)

// groups are those of a directory (key groups:): which are asked for, and what they
// make of who is in them.
type groups struct {
	Base    string                   `yaml:"base"`
	Filter  string                   `yaml:"filter"`
	Nested  bool                     `yaml:"nested"`
	Primary bool                     `yaml:"primary"`
	Cohorts map[string]mapping.Words `yaml:"cohorts"`
	Roles   map[string]mapping.Words `yaml:"roles"`
}

// asked is the source's part.
func (g groups) asked() source.Groups {
	return source.Groups{Base: g.Base, Filter: g.Filter, Nested: g.Nested, Primary: g.Primary}
}

// granting is the mapping's.
func (g groups) granting() mapping.Groups {
	return mapping.Groups{Cohorts: g.Cohorts, Roles: g.Roles}
}

func (g groups) isZero() bool { return g.asked() == source.Groups{} && g.granting().IsZero() }

// checkGroups looks at the block of that name.
func (p *Profile) checkGroups(d *document) {
	switch {
	case p.Groups.isZero():
		if _, said := d.marks["groups"]; said && !d.blames("groups") {
			d.fault("groups", codeMissing, "groups is empty: it says which groups of a directory make what of who is in them", "write base: and cohorts: or roles:, or remove it")
		}
		return
	case p.Source.Type != "ldap":
		d.clash("groups", codeValue, "groups: belongs to source.type: ldap, and this is "+p.Source.Type, "remove it, or write type: ldap; of a file, say under map: what its columns make somebody a member of")
		return
	}
	d.faults("groups", p.Groups.asked().Validate())
	d.faults("groups", p.Groups.granting().Validate())
	if p.Groups.granting().IsZero() && !d.blames("groups.cohorts") && !d.blames("groups.roles") {
		d.fault("groups", codeMissing, "groups makes nothing of anybody", `write cohorts: {"LMS-*": "{cn|after:LMS-|slug}"} or roles: {LMS-Editors: editor}`)
	}
}
