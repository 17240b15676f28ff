package mapping

import "rollcall/internal/roster"

// theme allows the themes of the catalog (R96), where it lists any.
func (o Options) theme() form {
	if !o.Catalog.Lists(roster.ThemeKind) {
		return nil
	}
	unknown := &flaw{code: "E210"}
	return func(s string) (string, *flaw) {
		if _, ok := o.Catalog.Find(roster.ThemeKind, "", s); !ok {
			return "", unknown
		}
		return s, nil
	}
}
