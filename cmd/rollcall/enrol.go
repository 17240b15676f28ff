package main

import (
	"errors"
	"fmt"

	"rollcall/internal/roster"
)

// belongings are the memberships that a person adds and takes away.
type belongings struct {
	Add    []string `help:"A membership: cohort:ID, course:ID[:ROLE[:GROUP]], program:ID, session:ID or role:ID. Once for each." placeholder:"MEMBERSHIP" sep:"none"`
	Remove []string `help:"Likewise; course:ID alone is every role and group in it." placeholder:"MEMBERSHIP" sep:"none"`
}

func (b *belongings) none() bool { return len(b.Add)+len(b.Remove) == 0 }

// read reads the memberships under the names that the catalog has for them.
func (b *belongings) read(d *desk) (add, remove []roster.Membership, err error) {
	if b.none() {
		return nil, nil, nil
	}
	whole, err := d.r.Catalog(d.ctx, d.site.Listed)
	if err != nil {
		return nil, nil, err
	}
	var errs []error
	for _, text := range b.Add {
		m, err := roster.ParseMembership(text)
		if err == nil {
			m, err = catalogued(whole, m)
		}
		if err != nil {
			errs = append(errs, fmt.Errorf("--add: %w", err))
		}
		add = append(add, m)
	}
	for _, text := range b.Remove { // what the catalog has lost can still be taken away
		m, err := roster.ParseMembership(text)
		if err != nil {
			errs = append(errs, fmt.Errorf("--remove: %w", err))
		}
		if known, err := catalogued(whole, m); err == nil && (m.Kind != roster.CourseKind || m.Role != "") {
			m = known
		}
		remove = append(remove, m)
	}
	return add, remove, errors.Join(errs...)
}

// catalogued is a membership under the catalog's names; the error says what it lacks. A
// course without a role has the course's default one.
func catalogued(c *roster.Catalog, m roster.Membership) (roster.Membership, error) {
	codes := map[roster.Kind]string{
		roster.CohortKind: "E201", roster.CourseKind: "E203", roster.ProgramKind: "E206", roster.SessionKind: "E208", roster.RoleKind: "E205", roster.GroupKind: "E204",
	}
	find := func(k roster.Kind, course, name string) (string, error) {
		i, ok := c.Find(k, course, name)
		switch {
		case name == "" || !c.Lists(k):
			return name, nil
		case ok:
			return i.Called(), nil
		case c.Create[k] && !roster.Numeric(name):
			return name, nil
		}
		return "", fmt.Errorf("%s: %s %q; rollcall catalog list --kind %s shows those there are", codes[k], roster.Codes[codes[k]].Text, name, k)
	}
	var err error
	if m.Name, err = find(m.Kind, "", m.Name); err != nil {
		return m, err
	}
	if i, ok := c.Find(roster.CourseKind, "", m.Name); ok && m.Kind == roster.CourseKind && m.Role == "" {
		m.Role = i.DefaultRole
	}
	if m.Role, err = find(roster.RoleKind, "", m.Role); err != nil {
		return m, err
	}
	m.Group, err = find(roster.GroupKind, m.Name, m.Group)
	return m, err
}
