package mapping

import "rollcall/internal/roster"

// anchor is the control column of the source's own name for a record (R47).
const anchor = "anchor"

// anchorColumn is what a directory's anchor is called whatever its attribute is. A drop
// that has it is read for it, whether or not the profile says so.
const anchorColumn = "@anchor"

// maxAnchor is the longest anchor.
const maxAnchor = 255

// impliedAnchor takes a directory's anchor where the profile's own map has none. An
// anchor that is the key itself would say nothing more.
func (m *Mapper) impliedAnchor() {
	if at := m.head.find(anchorColumn); m.anchor == nil && at >= 0 && (m.keyFrom == nil || m.keyFrom.index != at) {
		m.control(newSource(anchor, Column{From: anchorColumn}, m.head))
	}
}

// anchored reads a record's anchor. One that cannot be used is a warning: the key does
// without.
func (m *Mapper) anchored(e *roster.Entry, r row) {
	if m.anchor == nil {
		return
	}
	v, _, wrong := m.anchor.read(r)
	if wrong == nil {
		v, wrong = atMost(maxAnchor, nil)(v)
	}
	if wrong != nil {
		m.refuse(e, r, m.anchor, wrong)
		e.Problems[len(e.Problems)-1].Severity = roster.SeverityWarning
		return
	}
	e.Anchor = v
}

// ends tells whether a record asks for nothing but the end of whom it finds, for which
// an anchor is enough (R60).
func ends(e *roster.Entry) bool {
	return e.Anchor != "" && (e.Wish == roster.WishLeaver || e.Wish == roster.WishDelete)
}
