package store

import (
	"encoding/json"
	"fmt"
	"strings"

	"rollcall/internal/plan"
	"rollcall/internal/roster"
)

// The fields and links of a change are stored as JSON, as encoding/json writes
// it. A first load writes and reads a million of them, so that the usual form is
// written and read here, ten times as fast; any other form is left to
// encoding/json.

// fieldsText is the fields of a change as they are stored.
func fieldsText(fields []plan.FieldChange) string {
	if fields == nil {
		return "null"
	}
	var b []byte
	size := 2
	for _, f := range fields {
		size += len(f.Name) + len(f.Old) + len(f.New) + len(f.Was) + len(f.Is) + 48
	}
	b = append(make([]byte, 0, size), '[')
	for i, f := range fields {
		if i > 0 {
			b = append(b, ',')
		}
		b = appendText(append(b, `{"name":`...), f.Name)
		b = appendText(append(b, `,"old":`...), f.Old)
		b = appendText(append(b, `,"new":`...), f.New)
		if f.Was != "" {
			b = appendText(append(b, `,"was":`...), string(f.Was))
		}
		if f.Is != "" {
			b = appendText(append(b, `,"is":`...), string(f.Is))
		}
		b = append(b, '}')
	}
	return string(append(b, ']'))
}

// linksText is the links of a change as they are stored.
func linksText(links []plan.LinkChange) string {
	text, _ := json.Marshal(links) // texts always can be
	return string(text)
}

func appendText(b []byte, s string) []byte {
	for i := range len(s) {
		switch c := s[i]; {
		case c < 0x20, c == '"', c == '\\', c == '<', c == '>', c == '&', c == 0xE2: // U+2028 begins so
			text, _ := json.Marshal(s)
			return append(b, text...)
		}
	}
	return append(append(append(b, '"'), s...), '"')
}

// readFields reads what fieldsText has written.
func readFields(text string) ([]plan.FieldChange, error) {
	fields, ok := scanFields(text)
	if !ok {
		fields = nil
		if err := json.Unmarshal([]byte(text), &fields); err != nil {
			return nil, err
		}
	}
	for i, f := range fields {
		field, ok := roster.FieldNamed(f.Name)
		if !ok {
			return nil, fmt.Errorf("%q is no account field; was it written by a newer rollcall?", f.Name)
		}
		fields[i].Field = field
	}
	return fields, nil
}

// scanFields reads the usual form; ok is false for any other.
func scanFields(text string) (fields []plan.FieldChange, ok bool) {
	if text == "null" || text == "[]" {
		return nil, text == "null"
	}
	s := textScanner{text: text}
	if !s.skip("[") {
		return nil, false
	}
	fields = make([]plan.FieldChange, 0, strings.Count(text, `{"name":`))
	for {
		var f plan.FieldChange
		var was, is string
		if !s.skip(`{"name":`) || !s.value(&f.Name) || !s.skip(`,"old":`) || !s.value(&f.Old) || !s.skip(`,"new":`) || !s.value(&f.New) {
			return nil, false
		}
		if s.skip(`,"was":`) && !s.value(&was) || s.skip(`,"is":`) && !s.value(&is) || !s.skip("}") {
			return nil, false
		}
		f.Was, f.Is = roster.Origin(was), roster.Origin(is)
		fields = append(fields, f)
		switch {
		case s.skip(","):
		case s.skip("]"):
			return fields, s.text == ""
		default:
			return nil, false
		}
	}
}

// readLinks reads what linksText has written.
func readLinks(text string) ([]plan.LinkChange, error) {
	if l, ok := scanNewLink(text); ok {
		return []plan.LinkChange{l}, nil
	}
	var links []plan.LinkChange
	err := json.Unmarshal([]byte(text), &links)
	return links, err
}

// scanNewLink reads the form of a new account's only link.
func scanNewLink(text string) (l plan.LinkChange, ok bool) {
	s := textScanner{text: text}
	var key, claim string
	ok = s.skip(`[{"profile":`) && s.value(&l.Profile) && s.skip(`,"new_key":`) && s.value(&key) && s.skip(`,"new":`) && s.value(&claim) && s.skip("}]") && s.text == ""
	l.NewKey, l.New = roster.Key(key), roster.Claim(claim)
	return l, ok
}

// A textScanner walks through JSON of a known form.
type textScanner struct{ text string }

func (s *textScanner) skip(word string) bool {
	rest, ok := strings.CutPrefix(s.text, word)
	if ok {
		s.text = rest
	}
	return ok
}

// value reads a string without escapes, or with them the slow way.
func (s *textScanner) value(into *string) bool {
	if s.text == "" || s.text[0] != '"' {
		return false
	}
	end := strings.IndexByte(s.text[1:], '"')
	if end < 0 {
		return false
	}
	if text := s.text[1 : 1+end]; strings.IndexByte(text, '\\') < 0 {
		*into, s.text = text, s.text[end+2:]
		return true
	}
	for i := 1; i < len(s.text); i++ {
		switch s.text[i] {
		case '\\':
			i++
		case '"':
			err := json.Unmarshal([]byte(s.text[:i+1]), into)
			s.text = s.text[i+1:]
			return err == nil
		}
	}
	return false
}
