package mapping

import "rollcall/internal/roster"

// wish is what the record asks of the account's state (R60). Deleted wins over
// everything; words that contradict each other say nothing.
func (m *Mapper) wish(e *roster.Entry, r row) roster.Wish {
	act := m.act(e, r)
	gone := m.flag(e, r, m.deleted)
	off := m.flag(e, r, m.suspended)
	word := m.word(e, r)
	if gone == "1" {
		return roster.WishDelete
	}
	switch {
	case act != roster.WishNone && act != roster.WishActive:
		return act
	case off == "0" && (word == roster.WishSuspend || word == roster.WishLeaver),
		off == "1" && word == roster.WishActive:
		m.refuse(e, r, m.status, &flaw{code: "E115", text: "status and suspended contradict each other"})
		return roster.WishNone
	case word == roster.WishLeaver:
		return word
	case off == "1":
		return roster.WishSuspend
	case word != roster.WishNone:
		return word
	case off == "0":
		return roster.WishActive
	}
	return act
}

// flag reads suspended or deleted (R13): "0", "1" or "" for nothing said.
func (m *Mapper) flag(e *roster.Entry, r row, s *source) string {
	if s == nil {
		return ""
	}
	v, _, wrong := s.read(r)
	if wrong == nil && v != "" && v != "0" && v != "1" {
		wrong = notAFlag
	}
	if wrong != nil {
		m.refuse(e, r, s, wrong)
		return ""
	}
	return v
}

// word reads status.
func (m *Mapper) word(e *roster.Entry, r row) roster.Wish {
	if m.status == nil {
		return roster.WishNone
	}
	v, _, wrong := m.status.read(r)
	if wrong == nil {
		if w, ok := statusWords[v]; ok {
			return w
		}
		wrong = notAStatus
	}
	m.refuse(e, r, m.status, wrong)
	return roster.WishNone
}

var (
	statusWords = map[string]roster.Wish{
		"": roster.WishNone, "active": roster.WishActive, "suspended": roster.WishSuspend,
		"leave": roster.WishLeave, "leaver": roster.WishLeaver,
	}
	notAFlag   = &flaw{code: "E115", text: "not 0 or 1"}
	notAStatus = &flaw{code: "E115", text: "not active, suspended, leave or leaver"}
)

// report notes what is wrong with a control column: it rejects the row.
func (m *Mapper) report(e *roster.Entry, s *source, wrong *flaw) {
	e.Problems = append(e.Problems, roster.Problem{
		Code: wrong.code, Severity: roster.SeverityError, Field: s.name, Column: s.column,
		Line: e.Line, Text: wrong.text, Fix: wrong.fix,
	})
}

// refuse is report with the value that the row has there.
func (m *Mapper) refuse(e *roster.Entry, r row, s *source, wrong *flaw) {
	m.report(e, s, wrong)
	m.keep(e.Problems[len(e.Problems)-1:], r, s, "")
}

// earlier reads what the account was called before (R35, R46).
func (m *Mapper) earlier(e *roster.Entry, r row) {
	if m.oldUsername != nil {
		e.OldUsername = m.former(e, r, m.oldUsername, m.username)
	}
	if m.newUsername != nil {
		m.renamed(e, m.former(e, r, m.newUsername, m.username))
	}
	m.anchored(e, r)
	if m.previousKey != nil {
		e.PreviousKey = roster.Key(m.former(e, r, m.previousKey, m.keyForm))
	}
}

// forget takes out an earlier name or key that is today's: some systems fill the
// column for everybody, and then it says of nobody that anything has changed.
func forget(e *roster.Entry) {
	if e.PreviousKey == e.Key {
		e.PreviousKey = ""
	}
	if e.OldUsername == e.Values[roster.Username] && !e.Template {
		e.OldUsername = ""
	}
}

// renamed makes the username that a record has the old one, where it says a new one (R95).
func (m *Mapper) renamed(e *roster.Entry, name string) {
	f := roster.Username
	if name == "" || name == e.Values[f] {
		return
	}
	e.OldUsername, e.Values[f], e.Set = e.Values[f], name, e.Set.With(f)
	e.Number, e.Template = m.numberGiven, false
}

func (m *Mapper) former(e *roster.Entry, r row, s *source, normal form) string {
	v, _, wrong := s.read(r)
	switch {
	case wrong == nil && v == "":
		return ""
	case wrong == nil && s == m.previousKey && hasInvisible(v):
		wrong = unseen
	case wrong == nil:
		v, wrong = normal(v)
	}
	if wrong != nil {
		m.refuse(e, r, s, wrong)
		return ""
	}
	return v
}
