package plan

import (
	"slices"

	"golang.org/x/text/unicode/norm"

	"rollcall/internal/roster"
)

// What a plan does with custom profile fields (R27): the same as with the others.
// They stand beside the columns of an account, sorted by name, and who has none
// pays nothing for them.

// Of is what an account holds of the match key (R40).
func (m *Match) Of(a *roster.Account) string {
	if m.Key == roster.CustomField {
		return a.Value(m.By)
	}
	return a.Values[m.Key]
}

// Name is the public name of the match key.
func (m *Match) Name() string {
	if m.Key == roster.CustomField {
		return string(m.By)
	}
	return m.Key.String()
}

func (o *Options) keyOf(a *roster.Account) string { return o.Match.Of(a) }

// setKey writes the match key.
func (d *draft) setKey(key string) {
	if d.Match.Key == roster.CustomField {
		d.now.Write(d.Match.By, key, d.me)
		return
	}
	d.set(d.Match.Key, key, d.me)
}

// customFields compares what the record says with what the account holds, as
// [draft.fields] does.
func (d *draft) customFields() {
	for _, c := range d.entry.Custom {
		switch n := roster.CustomName(c.Name); {
		case !c.Default && (c.Value != "" || !d.defaultedCustom(c.Name)):
			d.customField(c.Name, c.Value, d.from(c.Default))
		case c.Default && d.Policy.Update == "file_and_defaults" && d.entry.Value(n) == "":
			d.customField(c.Name, c.Value, d.from(c.Default))
		case !c.Default && d.clears(d.was.OriginOf(n)):
			d.customField(c.Name, "", d.me)
		}
	}
}

// defaultedCustom is [draft.defaulted] of a custom field.
func (d *draft) defaultedCustom(name string) bool {
	return slices.ContainsFunc(d.entry.Custom, func(c roster.CustomSaid) bool { return c.Default && c.Name == name }) ||
		slices.ContainsFunc(d.entry.Late, func(l roster.Late) bool { return l.Default && l.Custom == name })
}

// customField takes one value over, as [draft.field] does.
func (d *draft) customField(name, value string, from roster.Origin) {
	n := roster.CustomName(name)
	old, by := d.was.Value(n), d.was.OriginOf(n)
	if norm.NFC.String(old) == norm.NFC.String(value) {
		return
	}
	if d.rekeyed && d.Match.Key == roster.CustomField && d.Match.By == n {
		d.now.Write(n, value, from)
		return
	}
	switch mode := d.SetCustom[name]; {
	case d.Policy.Update == "none", mode == roster.SetOnce, mode == roster.SetUntilEdited && by.IsPerson():
		return
	case (d.Policy.Update == "fill_missing" || mode == roster.SetIfEmpty) && old != "" && !(d.back() && d.isSole(n)): // the deleted hold none of those (R27)
		return
	}
	if !d.yields(by, from, string(n)) {
		return
	}
	d.now.Write(n, value, from)
}

// fillCustom writes what the record and the defaults say of custom fields into a
// new account.
func (d *draft) fillCustom() {
	for _, c := range d.entry.Custom {
		n := roster.CustomName(c.Name)
		switch {
		case c.Value == "":
		case !c.Default:
			d.now.Write(n, c.Value, d.me)
		case d.now.Value(n) == "":
			d.now.Write(n, c.Value, roster.OriginDefault)
		}
	}
}

// lateCustom writes a value that needed the final username (R31).
func (d *draft) lateCustom(l roster.Late, value string) {
	n := roster.CustomName(l.Custom)
	switch {
	case d.was.ID != 0 && (!l.Default || d.Policy.Update == "file_and_defaults" && d.entry.Value(n) == ""):
		d.customField(l.Custom, value, d.from(l.Default))
	case d.was.ID != 0:
	case !l.Default:
		d.now.Write(n, value, d.me)
	case d.now.Value(n) == "":
		d.now.Write(n, value, roster.OriginDefault)
	}
}

// customChanges adds the custom fields that differ.
func (d *draft) customChanges(fields []FieldChange) []FieldChange {
	return append(fields, customDiff(d.was, d.now)...)
}

// customDiff are the custom fields in which two states of an account differ, by name.
func customDiff(was, now *roster.Account) (fields []FieldChange) {
	a, b := was.Custom, now.Custom
	for len(a)+len(b) > 0 {
		fc := FieldChange{Field: roster.CustomField}
		switch {
		case len(b) == 0 || len(a) > 0 && a[0].Name < b[0].Name:
			fc.Name, fc.Old, fc.Was, a = a[0].Name, a[0].Value, a[0].Origin, a[1:]
		case len(a) == 0 || b[0].Name < a[0].Name:
			fc.Name, fc.New, fc.Is, b = b[0].Name, b[0].Value, b[0].Origin, b[1:]
		default:
			fc.Name, fc.Old, fc.Was, fc.New, fc.Is = a[0].Name, a[0].Value, a[0].Origin, b[0].Value, b[0].Origin
			a, b = a[1:], b[1:]
		}
		fc.Name = string(roster.CustomName(fc.Name))
		if fc.Old != fc.New {
			fields = append(fields, fc)
		}
	}
	return fields
}

// lackingCustom are the custom fields that the catalog wants of a new account and
// that it would not have.
func (d *draft) lackingCustom() (names []string) {
	for _, f := range d.Custom {
		if n := roster.CustomName(f.Name); f.Required && d.now.Value(n) == "" {
			names = append(names, string(n))
		}
	}
	return names
}
