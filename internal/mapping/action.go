package mapping

import (
	"fmt"
	"maps"
	"slices"

	"rollcall/internal/roster"
)

// An Action is the column of a delta that says what each of its rows does
// (profile key format.action). The zero Action has none.
type Action struct {
	From   string            // the column
	Values map[string]string // a word of [actionWords] for each of HR's; none: the column has these words itself
}

// actionWords are what a row of a delta can do. Upsert is a person who is there,
// new or known: it lifts what an earlier row of the feed has suspended, unless the
// record's own status says otherwise. The others go before what a status says,
// which in such a row is often still that of the day before.
var actionWords = map[string]roster.Wish{
	"upsert":  roster.WishActive,
	"suspend": roster.WishSuspend,
	"leaver":  roster.WishLeaver,
	"delete":  roster.WishDelete,
}

var notAnAction = &flaw{code: "E115", text: "does not say what the row does", fix: "have HR write one of the words of format.action.values, or add its word there"}

// Validate reports everything that is wrong with a, by path below format.action.
func (a Action) Validate() []*roster.Fault {
	var faults []*roster.Fault
	if a.From == "" {
		faults = append(faults, &roster.Fault{Path: "from", Text: "missing", Hint: "write the name of the column that says what a row does"})
	}
	for _, said := range slices.Sorted(maps.Keys(a.Values)) {
		if _, ok := actionWords[a.Values[said]]; !ok {
			faults = append(faults, &roster.Fault{
				Path: "values." + said, Text: fmt.Sprintf("%q is nothing that a row can do", a.Values[said]), Hint: "write upsert, suspend, leaver or delete",
			})
		}
	}
	return faults
}

// act reads what the row does. Where it does not say so the row is rejected:
// an upsert taken for granted would bring back a leaver.
func (m *Mapper) act(e *roster.Entry, r row) roster.Wish {
	if m.action == nil {
		return roster.WishNone
	}
	v, _, wrong := m.action.read(r)
	w, ok := actionWords[v]
	if wrong != nil || !ok {
		m.refuse(e, r, m.action, notAnAction)
	}
	return w
}
