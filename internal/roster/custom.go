package roster

import (
	"cmp"
	"slices"
	"strings"
)

// CustomField stands for each of the custom profile fields (R27), which are no
// columns of an account: which of them is meant, its [Name] says.
const CustomField Field = NumFields

// A Custom is what an account holds of one custom field.
type Custom struct {
	Name   string // as the catalog calls it, without fields.
	Value  string // "" where it was emptied
	Origin Origin
}

// CustomName is the public name of what the catalog calls name.
func CustomName(name string) Name { return Name(custom + name) }

func (a *Account) custom(name string) (i int, ok bool) {
	return slices.BinarySearchFunc(a.Custom, name, func(c Custom, name string) int { return strings.Compare(c.Name, name) })
}

// Value is what the account holds of a field.
func (a *Account) Value(n Name) string {
	if name, ok := n.Custom(); ok {
		if i, found := a.custom(name); found {
			return a.Custom[i].Value
		}
		return ""
	}
	f, _ := n.Field()
	return a.Values[f]
}

// OriginOf is who wrote a field; "" where nobody did, or where rollcall itself keeps it.
func (a *Account) OriginOf(n Name) Origin {
	if name, ok := n.Custom(); ok {
		if i, found := a.custom(name); found {
			return a.Custom[i].Origin
		}
		return ""
	}
	if f, _ := n.Field(); f < NumFeedFields {
		return a.Origins[f]
	}
	return ""
}

// Write writes a field, with who wrote it. A copy of the account that was made
// before stays as it was.
func (a *Account) Write(n Name, value string, by Origin) {
	name, ok := n.Custom()
	if !ok {
		f, _ := n.Field()
		a.Values[f] = value
		if f < NumFeedFields {
			a.Origins[f] = by
		}
		return
	}
	i, found := a.custom(name)
	a.Custom = slices.Clone(a.Custom)
	switch {
	case found && value == "" && by == "":
		a.Custom = slices.Delete(a.Custom, i, i+1)
	case found:
		a.Custom[i] = Custom{name, value, by}
	case value != "" || by != "":
		a.Custom = slices.Insert(a.Custom, i, Custom{name, value, by})
	}
}

// A CustomSaid is what an entry says of one custom field; with an empty value it
// clears it (R14).
type CustomSaid struct {
	Name    string // as the catalog calls it
	Value   string
	Default bool // for an account that is added (R53)
}

// Compare orders what is said by name, defaults behind.
func (c CustomSaid) Compare(d CustomSaid) int {
	rank := func(c CustomSaid) int {
		if c.Default {
			return 1
		}
		return 0
	}
	return cmp.Or(strings.Compare(c.Name, d.Name), cmp.Compare(rank(c), rank(d)), strings.Compare(c.Value, d.Value))
}

// Say adds what the entry says of a custom field, in the order of the names.
func (e *Entry) Say(said CustomSaid) {
	i, _ := slices.BinarySearchFunc(e.Custom, said, CustomSaid.Compare)
	e.Custom = slices.Insert(e.Custom, i, said)
}

// Value is what the entry says of a field; a default is not said.
func (e *Entry) Value(n Name) string {
	if name, ok := n.Custom(); ok {
		for _, c := range e.Custom {
			if c.Name == name && !c.Default {
				return c.Value
			}
		}
		return ""
	}
	f, _ := n.Field()
	return e.Values[f]
}
