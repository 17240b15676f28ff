package config

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"rollcall/internal/format"
	"rollcall/internal/mapping"
)

// settleDirectory says for a directory what follows from it: it is read as LDIF,
// in its dialect, and asked for what the map speaks of and for the anchor.
func (p *Profile) settleDirectory() {
	if p.Format.Type == "" {
		p.Format.Type = "ldif"
	}
	if p.Format.Dialect == "" {
		p.Format.Dialect = p.Source.Dialect
	}
	seen := map[string]bool{}
	p.Source.Groups = p.Groups.asked()
	columns := (mapping.Options{Map: p.Map, Memberships: p.Memberships, Scope: p.Scope, Groups: p.Groups.granting()}).Columns()
	for _, column := range append(columns, "@anchor") { // which is always asked for (R47)
		names, ok := format.Attributes(p.Format.Dialect, column)
		if !ok {
			continue // checkDirectory says so
		}
		for _, name := range names {
			if lower := strings.ToLower(name); !seen[lower] {
				seen[lower] = true
				p.Source.Attributes = append(p.Source.Attributes, name)
			}
		}
	}
}

// checkDirectory looks at what a directory and its LDIF ask of other blocks.
func (p *Profile) checkDirectory(d *document) {
	if p.Format.Type != "ldif" {
		if p.Source.Type == "ldap" && !d.failed["format.type"] {
			d.clash("format.type", codeValue, fmt.Sprintf("format.type: %s does not go with source.type: ldap, which is written down as LDIF", p.Format.Type), "remove it")
		}
		for _, field := range slices.Sorted(maps.Keys(p.Map)) {
			if path := join("map", field); p.Map[field].Lookup != "" && p.Format.Type != "" {
				d.warn(path+".lookup", codeUseless, path+".lookup: only entries of a directory name each other, so nothing would be found in "+p.Format.Type, "leave lookup: out", false)
			}
		}
		return
	}
	for _, field := range slices.Sorted(maps.Keys(p.Map)) {
		one := mapping.Options{Map: map[string]mapping.Column{field: p.Map[field]}}
		for _, column := range one.Columns() {
			path := join("map", field)
			_, ok := format.Attributes(p.Format.Dialect, column)
			switch {
			case ok || d.blames(path):
			case strings.HasPrefix(column, "@"):
				d.clash(path, codeValue, fmt.Sprintf("map.%s: the dialect %s has no %s", field, p.dialect(), column), "write the dialect of the directory: ad, openldap or 389ds")
			default:
				d.clash(path, codeValue, fmt.Sprintf("map.%s: %q is not an attribute", field, column), "write its name as the directory does, like givenName")
			}
		}
	}
	if p.Source.Type != "ldap" {
		return
	}
	if p.Format.Content == "delta" {
		d.clash("format.content", codeValue, "format.content: delta does not go with source.type: ldap, which lists everybody", "write content: full")
	}
	if _, gives := p.Map["password"]; gives && p.Source.Follows() && !d.blames("source.incremental") {
		d.clash("source.incremental", codeValue, "source.incremental does not go with map.password: of a drop with passwords nothing is kept to go on from", "remove it")
	}
	if p.Source.Dialect != p.Format.Dialect && !d.blames("format.dialect") {
		d.clash("format.dialect", codeValue, "format.dialect is another one than source.dialect", "remove it")
	}
	if len(p.Map) == 0 && !d.failed["map"] {
		d.fault("map", codeMissing, "map is missing: it says which attributes a directory is asked for", "write map: {employee_id: employeeNumber, username: uid, …}")
	}
}

func (p *Profile) dialect() string {
	if p.Format.Dialect == "" {
		return "generic"
	}
	return p.Format.Dialect
}
