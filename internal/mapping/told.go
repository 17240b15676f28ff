package mapping

import "rollcall/internal/roster"

// secret is what a report tells no value of.
type secret struct {
	fields  map[string]bool // by public name
	columns map[string]bool // in the normal form of columns
}

// secret finds the fields and the columns whose values are not told: those that
// are hidden or so named, and whatever shares a column with one of them.
func (o Options) secret(columns map[string]Column) secret {
	s := secret{map[string]bool{}, map[string]bool{}}
	for name, c := range columns {
		if s.fields[name] = o.Hidden[name] || c.Sensitive || roster.NeverShown(name); !s.fields[name] {
			continue
		}
		for _, column := range c.columns() {
			s.columns[columnForm(column)] = true
		}
	}
	for name, c := range columns {
		for _, column := range c.columns() {
			if s.columns[columnForm(column)] || roster.NeverShown(column) {
				s.fields[name] = true
			}
		}
	}
	return s
}

// columns are those that a field is made of.
func (c Column) columns() []string {
	var all []string
	if c.From != "" {
		all = append(all, c.From)
	}
	for _, text := range []string{c.Template, c.Default} {
		if t, err := parseTemplate(text); err == nil { // Validate says what is wrong with it
			all = append(all, t.columns()...)
		}
	}
	return all
}

// Tellable is a problem without a value that nobody may read in a report. It
// keeps none of a row as a whole, or of a column that the profile does not use:
// nobody has said what stands there.
func (m *Mapper) Tellable(p roster.Problem) roster.Problem {
	switch {
	case p.Value == "":
	case !m.values || p.Field == "":
		p.Value = ""
	case m.secret.fields[p.Field], m.secret.columns[columnForm(p.Column)], roster.NeverShown(p.Field), roster.NeverShown(p.Column):
		p.Value = roster.Withheld
	}
	return p
}

// Withheld is p without a value that nobody may read in a report by these options,
// whatever they were when it was kept.
func (o Options) Withheld() func(p roster.Problem) roster.Problem {
	s := o.secret(o.Map)
	for name := range o.Hidden {
		s.fields[name] = true
	}
	for _, key := range roster.MapKeys() { // of a membership the column tells
		delete(s.fields, key)
	}
	return func(p roster.Problem) roster.Problem {
		if p.Value != "" && (s.fields[p.Field] || s.columns[columnForm(p.Column)] || roster.NeverShown(p.Field) || roster.NeverShown(p.Column)) {
			p.Value = roster.Withheld
		}
		return p
	}
}

// keep keeps a wrong value with the problems that are about it: where the row has
// a cell for it, what HR sees there, and else v.
func (m *Mapper) keep(problems []roster.Problem, r row, s *source, v string) {
	if !m.values || len(problems) == 0 {
		return
	}
	if s != nil && s.index >= 0 && s.index < len(r.cells) {
		v = tidy(r.cells[s.index])
	}
	for i := range problems {
		problems[i].Value = roster.Visible(v, roster.MaxShown)
	}
}

// keepCells keeps, with problems of memberships, what HR sees in the column of each.
func (m *Mapper) keepCells(problems []roster.Problem, r row) {
	if !m.values {
		return
	}
	for i := range problems {
		if at := m.head.find(problems[i].Column); problems[i].Column != "" && at >= 0 && at < len(r.cells) {
			problems[i].Value = roster.Visible(tidy(r.cells[at]), roster.MaxShown)
		}
	}
}
