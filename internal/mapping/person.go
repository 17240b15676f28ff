package mapping

import (
	"fmt"

	"rollcall/internal/roster"
)

// Typed is the normal form of a value that a person types for a field: what the
// same value would become in a drop (R20 to R30). "" empties the field.
func (o Options) Typed(f roster.Field, text string) (string, error) {
	normal, err := o.normal(f)
	if err != nil {
		return "", err
	}
	return typed(f.String(), f, normal, text)
}

// TypedCustom is [Options.Typed] for a custom field of the catalog (R27).
func (o Options) TypedCustom(item *roster.Item, text string) (string, error) {
	normal, err := o.customForm(item, "")
	if err != nil {
		return "", err
	}
	return typed(string(roster.CustomName(item.Name)), roster.CustomField, normal, text)
}

func typed(name string, f roster.Field, normal form, text string) (string, error) {
	v := tidy(text)
	if v == "" {
		return "", nil
	}
	var wrong *flaw
	switch {
	case hasControl(v):
		wrong = &flaw{code: "E104"}
	case f == roster.EmployeeID && hasInvisible(v):
		wrong = unseen
	default:
		v, wrong = normal(v)
	}
	if wrong == nil {
		return v, nil
	}
	p := roster.NewProblem(wrong.code, 0, "")
	p.Text = wrong.text
	fix := wrong.fix
	if fix != "" {
		fix = "; " + fix
	}
	return "", fmt.Errorf("%s: %s: %s%s", wrong.code, name, p.Message(), fix)
}

// normal is the form of a field whose dates are written like 2026-11-21.
func (o Options) normal(f roster.Field) (form, error) {
	if f != roster.StartsOn && f != roster.ExpiresOn && f != roster.LastLoginAt {
		return within(f, o.forms()[f]), nil
	}
	d, err := newDater("", o.zone())
	if err != nil {
		return nil, err
	}
	if f == roster.LastLoginAt {
		return within(f, d.instant), nil
	}
	return within(f, d.date), nil
}
