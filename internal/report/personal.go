package report

import (
	"slices"
	"strconv"
	"strings"

	"rollcall/internal/journal"
	"rollcall/internal/plan"
	"rollcall/internal/roster"
)

// Personal is how much of a person a mail tells (report.personal_data). Each
// tells what those before it do.
type Personal int

// IDs tells keys, lines, fields and codes; Names who it is; Values what was wrong.
const (
	IDs Personal = iota
	Names
	Values
)

// PersonalData is what the key says; what it does not know tells no more than IDs.
func PersonalData(word string) Personal {
	return Personal(max(0, slices.Index([]string{"ids", "names", "values"}, word)))
}

// An instance is one example in words, in the parts that a page sets apart:
// a name that is written from right to left must not reorder what stands around it.
type instance struct {
	At    string // "line 12, key 105120"
	Who   string // "Karol Wrona (k.wrona)"
	Value string // quoted
}

// String is the instance in one line: line 12, key 105120, Karol Wrona (k.wrona): "31.02.".
func (i instance) String() string {
	s := strings.Join(full(i.At, i.Who), ", ")
	if i.Value != "" {
		s = strings.TrimPrefix(s+": "+i.Value, ": ")
	}
	return s
}

// each are the first examples of a group one by one, and how many more there are;
// none where they say no more than [places] does.
func (p *page) each(g Group) (all []instance, more string) {
	said := false
	for _, e := range g.Examples[:min(len(g.Examples), p.examples)] {
		var i instance
		var at []string
		if e.Line > 0 {
			at = append(at, "line "+strconv.Itoa(e.Line))
		}
		if e.Key != "" {
			at = append(at, "key "+cut(clean(string(e.Key)), maxValue))
		}
		if e.Key == "" && e.Username != "" && p.personal < Names {
			at = append(at, "username "+cut(clean(e.Username), maxValue)) // who it is, where there is no key
		}
		i.At = strings.Join(at, ", ")
		if p.personal >= Names {
			i.Who = who(roster.Who{Username: e.Username, Name: e.Name})
		}
		if p.personal >= Values && e.Value != "" {
			i.Value = quoted(e.Value)
		}
		said = said || i.Who != "" || i.Value != ""
		all = append(all, i)
	}
	if !said {
		return nil, ""
	}
	if n := g.Count - len(all); n > 0 {
		more = "and " + number(n) + " more"
	}
	return all, more
}

// who is a person in words: "Karol Wrona (k.wrona)".
func who(w roster.Who) string {
	name, username := cut(clean(w.Name), maxValue), cut(clean(w.Username), maxValue)
	if name != "" && username != "" {
		username = " (" + username + ")"
	}
	return name + username
}

// quoted is a value of a drop. What is withheld is none, and looks like none.
func quoted(s string) string {
	if s == roster.Withheld {
		return s
	}
	return `"` + cut(clean(s), roster.MaxShown+1) + `"` // and the mark of a cut
}

// instance writes one example below its group. It is in one line where that is
// no wider than the others, else its value has a line of its own: neither is broken,
// for a value's blanks count.
func (p *page) instance(indent string, i instance) {
	if text := indent + i.String(); len([]rune(text)) <= p.wide || i.Value == "" || i.At+i.Who == "" {
		p.line("%s", text)
		return
	}
	value := i.Value
	i.Value = ""
	p.line("%s:", indent+i.String())
	p.line("%s  %s", indent, value)
}

// renamed is a person whose username the change replaces: both are shown.
func renamed(w roster.Who, o journal.Outcome) roster.Who {
	if f := o.Field(roster.Username); f != nil && f.Old != "" && f.New != "" {
		w.Username = f.Old + " → " + f.New
	}
	return w
}

// Mask is the changes without the values of fields that are hidden. Where none
// is, it costs nothing.
func Mask(changes Changes, hidden roster.Hidden) Changes {
	if len(hidden) == 0 || changes == nil {
		return changes
	}
	return func(yield func(journal.Outcome, error) bool) {
		for o, err := range changes {
			if !yield(Masked(o, hidden), err) {
				return
			}
		}
	}
}

// masks tells whether the values of a field are hidden. Of a password a change holds
// none: only that there is one, which is told in words.
func masks(hidden roster.Hidden, name string) bool {
	return hidden[name] && name != roster.PasswordField.String()
}

// Masked is one change without them.
func Masked(o journal.Outcome, hidden roster.Hidden) journal.Outcome {
	if o.Key == "" && hidden[roster.Username.String()] {
		o.Username = "" // which would stand for the key
	}
	if len(o.Memberships) > 0 {
		o.Memberships = withheld(o.Memberships, hidden)
	}
	for i, f := range o.Fields {
		if !masks(hidden, f.Name) {
			continue
		}
		o.Fields = slices.Clone(o.Fields)
		for i := i; i < len(o.Fields); i++ {
			f := &o.Fields[i]
			if !masks(hidden, f.Name) {
				continue
			}
			if f.Old != "" {
				f.Old = roster.Withheld
			}
			if f.New != "" {
				f.New = roster.Withheld
			}
		}
		break
	}
	return o
}

// withheld are memberships without the names of those that a hidden column may have made.
func withheld(list []plan.GrantChange, hidden roster.Hidden) []plan.GrantChange {
	keys := roster.MapKeys()
	if !slices.ContainsFunc(list, func(g plan.GrantChange) bool { return hidden[keys[g.Kind]] }) {
		return list
	}
	list = slices.Clone(list)
	for i, g := range list {
		if hidden[keys[g.Kind]] {
			list[i].Membership = roster.Membership{Kind: g.Kind, Name: roster.Withheld}
		}
	}
	return list
}
