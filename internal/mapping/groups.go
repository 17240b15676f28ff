package mapping

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"rollcall/internal/roster"
)

// Groups say what the groups of a directory make of who is in them (profile key
// groups:): a pattern of their names, like LMS-*, to the cohorts or the roles of the
// system, each a template of which {cn} is the group's name.
type Groups struct {
	Cohorts map[string]Words `json:",omitempty"`
	Roles   map[string]Words `json:",omitempty"`
}

// groupName is the one thing that a template can say of a group.
const groupName = "cn"

// IsZero tells whether groups make nothing of anybody.
func (g Groups) IsZero() bool { return len(g.Cohorts)+len(g.Roles) == 0 }

// each are the keys of groups: with the kinds that they grant.
func (g Groups) each() []struct {
	kindOf
	names map[string]Words
} {
	type of = struct {
		kindOf
		names map[string]Words
	}
	var all []of
	for _, k := range (Memberships{}).each() {
		switch k.kind {
		case roster.CohortKind:
			all = append(all, of{k, g.Cohorts})
		case roster.RoleKind:
			all = append(all, of{k, g.Roles})
		}
	}
	return all
}

// Validate reports everything that is wrong with g, by path below groups.
func (g Groups) Validate() []*roster.Fault {
	var faults []*roster.Fault
	for _, k := range g.each() {
		for _, pattern := range slices.Sorted(maps.Keys(k.names)) {
			fault := func(text, hint string) {
				faults = append(faults, &roster.Fault{Path: k.key, Text: text, Hint: hint})
			}
			if strings.TrimSpace(pattern) == "" {
				fault("the name of a group is missing", "write its cn, or a pattern like LMS-*")
			}
			for _, word := range k.names[pattern] {
				t, err := parseTemplate(word)
				switch {
				case err != nil:
					fault(fmt.Sprintf("%q: %v", pattern, err), "")
				case t.uses(aFirst), t.uses(aLast), t.uses(aFinal), slices.ContainsFunc(t.columns(), func(c string) bool { return columnForm(c) != groupName }):
					fault(fmt.Sprintf("%q: a template of a group knows {cn} alone, its name", pattern), "write {cn}, with pipes perhaps: {cn|after:LMS-|slug}; what a record says belongs under map:")
				}
			}
		}
	}
	return faults
}

// A groupOf is a pattern of group names, and what it grants.
type groupOf struct {
	kindOf
	pattern   []string // folded; between its parts anything may stand
	templates []template
}

// bindGroups finds the column of the groups; what a drop does not say is not touched.
func (m *members) bindGroups(g Groups, h header) error {
	m.groupsAt = h.find(roster.GroupAttribute)
	if m.groupsAt < 0 {
		return nil
	}
	for _, k := range g.each() {
		for _, pattern := range slices.Sorted(maps.Keys(k.names)) {
			x := groupOf{kindOf: k.kindOf, pattern: patternOf(pattern)}
			for _, word := range k.names[pattern] {
				t, err := parseTemplate(word)
				if err != nil {
					return err
				}
				x.templates = append(x.templates, t.bind(func(string) int { return 0 }))
			}
			m.groups = append(m.groups, x)
			m.speaks(k.kind)
		}
	}
	return nil
}

func patternOf(text string) []string {
	return strings.Split(roster.Fold(strings.TrimSpace(text)), "*")
}

// Misfits holds the groups of a directory against the patterns: which patterns fit none
// of them, by their paths below groups, and which of the names no pattern fits.
func (g Groups) Misfits(names []string) (patterns, strangers []string) {
	fitted := map[string]bool{}
	for _, k := range g.each() {
		for _, pattern := range slices.Sorted(maps.Keys(k.names)) {
			x, fits := groupOf{pattern: patternOf(pattern)}, false
			for _, name := range names {
				if x.fits(roster.Fold(name)) {
					fits, fitted[name] = true, true
				}
			}
			if !fits {
				patterns = append(patterns, k.key+"."+pattern)
			}
		}
	}
	for _, name := range names {
		if !fitted[name] {
			strangers = append(strangers, name)
		}
	}
	slices.Sort(strangers)
	return patterns, slices.Compact(strangers)
}

// fits tells whether a name, folded, is one that the pattern means.
func (g *groupOf) fits(name string) bool {
	first, last := g.pattern[0], g.pattern[len(g.pattern)-1]
	if len(g.pattern) == 1 {
		return name == first
	}
	if len(name) < len(first)+len(last) || !strings.HasPrefix(name, first) || !strings.HasSuffix(name, last) {
		return false
	}
	name = name[len(first) : len(name)-len(last)]
	for _, part := range g.pattern[1 : len(g.pattern)-1] {
		at := strings.Index(name, part)
		if at < 0 {
			return false
		}
		name = name[at+len(part):]
	}
	return true
}

// inGroups lists what the groups of a record grant.
func (x *lister) inGroups() {
	if len(x.groups) == 0 {
		return
	}
	at := places{roster.GroupAttribute, roster.GroupAttribute, roster.GroupAttribute}
	for name := range strings.SplitSeq(x.row.cell(x.groupsAt), roster.Between) {
		if name == "" {
			continue
		}
		fold := roster.Fold(name)
		for i := range x.groups {
			g := &x.groups[i]
			if !g.fits(fold) {
				continue
			}
			for _, t := range g.templates {
				if granted := t.render(setting{row: row{cells: []string{name}}}); granted != "" {
					x.want(g.kindOf, roster.Wanted{Membership: roster.Membership{Kind: g.kind, Name: granted}}, at, "")
				}
			}
		}
	}
}
