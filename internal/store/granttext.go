package store

import (
	"encoding/json"

	"rollcall/internal/plan"
	"rollcall/internal/roster"
)

// Memberships of a change are stored as encoding/json writes them. What new
// accounts come with, of which a first load has many, is written and read here; any
// other form is left to encoding/json.

// newGrantsText writes grants that are new and seen; ok is false where some is not.
func newGrantsText(grants []plan.GrantChange) (text string, ok bool) {
	b := make([]byte, 0, 128*len(grants))
	for i := range grants {
		g := &grants[i]
		t := g.New
		if g.Old != nil || t == nil || g.Was || !g.Is || t.Since == "" || t.From != "" || t.Suspended || t.Ended != "" {
			return "", false
		}
		b = append(b, "[,"[min(i, 1)])
		b = appendText(append(b, `{"kind":`...), string(g.Kind))
		b = appendText(append(b, `,"name":`...), g.Name)
		for _, more := range [...]struct{ key, value string }{{`,"role":`, g.Role}, {`,"group":`, g.Group}} {
			if more.value != "" {
				b = appendText(append(b, more.key...), more.value)
			}
		}
		b = appendText(append(b, `,"origin":`...), string(g.Origin))
		b = appendText(append(b, `,"new":{"since":`...), t.Since)
		for _, more := range [...]struct{ key, value string }{{`,"until":`, t.Until}, {`,"said":`, t.Said}} {
			if more.value != "" {
				b = appendText(append(b, more.key...), more.value)
			}
		}
		b = append(b, `},"is":true}`...)
	}
	return string(append(b, ']')), true
}

// scanNewGrants reads what newGrantsText has written; ok is false for any other form.
func scanNewGrants(text string) (grants []plan.GrantChange, ok bool) {
	s := textScanner{text: text}
	if !s.skip("[") {
		return nil, false
	}
	for {
		var g plan.GrantChange
		var t roster.Terms
		var kind, origin string
		if !s.skip(`{"kind":`) || !s.value(&kind) || !s.skip(`,"name":`) || !s.value(&g.Name) ||
			s.skip(`,"role":`) && !s.value(&g.Role) || s.skip(`,"group":`) && !s.value(&g.Group) ||
			!s.skip(`,"origin":`) || !s.value(&origin) || !s.skip(`,"new":{"since":`) || !s.value(&t.Since) ||
			s.skip(`,"until":`) && !s.value(&t.Until) || s.skip(`,"said":`) && !s.value(&t.Said) || !s.skip(`},"is":true}`) {
			return nil, false
		}
		g.Kind, g.Origin, g.New, g.Is = roster.Kind(kind), roster.Origin(origin), &t, true
		grants = append(grants, g)
		switch {
		case s.skip(","):
		case s.skip("]"):
			return grants, s.text == ""
		default:
			return nil, false
		}
	}
}

// readGrants reads the memberships of a change.
func readGrants(text string) (grants []plan.GrantChange, err error) {
	if text == "" {
		return nil, nil
	}
	if grants, ok := scanNewGrants(text); ok {
		return grants, nil
	}
	err = json.Unmarshal([]byte(text), &grants)
	return grants, err
}
