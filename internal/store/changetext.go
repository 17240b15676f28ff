package store

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"rollcall/internal/plan"
	"rollcall/internal/roster"
)

// The fields and links of a change are stored as JSON, as encoding/json writes
// it. A first load writes and reads a million of them, so that the usual form is
// written and read here, ten times as fast; any other form is left to
// encoding/json.
//
// The fields of a new account have a form of their own, a fifth as long: nothing
// was there before, nearly all has one origin, and names are letters. It begins
// with a plus; \x1e begins an origin, which holds for the fields behind it, and
// \x1f a field: its letter and its value. "+\x1ehr-csv\x1faE100\x1fbada\x1e\x1fzactive"
// has two fields of the feed, and the status, which has no origin. Both signs
// are control characters, which no feed can bring (E104).

const (
	originSign = '\x1e'
	fieldSign  = '\x1f'
)

// letters name the fields in what is stored: a letter is never given to another
// field, and a new field gets one that none has had.
var letters = [roster.NumFields]byte{
	roster.EmployeeID: 'a', roster.Username: 'b', roster.Email: 'c', roster.FirstName: 'd', roster.LastName: 'e',
	roster.StartsOn: 'f', roster.ExpiresOn: 'g', roster.Auth: 'h', roster.Language: 'i', roster.Timezone: 'j',
	roster.Site: 'k', roster.Theme: 'l', roster.Institution: 'm', roster.Department: 'n', roster.Title: 'o',
	roster.Manager: 'p', roster.City: 'q', roster.Country: 'r', roster.Address: 's', roster.Phone1: 't',
	roster.Phone2: 'u', roster.URL: 'v', roster.Description: 'w', roster.AvatarURL: 'x', roster.LastLoginAt: 'y',
	roster.StatusField: 'z', roster.StatusReason: 'A', roster.StatusBy: 'B', roster.StatusSince: 'C', roster.StartsAt: 'D',
	roster.ExpiresAt: 'E', roster.FallbackOwner: 'F', roster.DeletedAt: 'G', roster.PasswordField: 'H', roster.LegalHold: 'I', roster.MergedInto: 'J',
}

// lettered are the fields by letter; those of no field are NumFields.
var lettered = func() (all [256]roster.Field) {
	for i := range all {
		all[i] = roster.NumFields
	}
	for f, letter := range letters {
		all[letter] = roster.Field(f)
	}
	return all
}()

// newText is the fields of a new account as they are stored; ok is false where
// that form cannot say them.
func newText(fields []plan.FieldChange) (text string, ok bool) {
	size := 32
	for i := range fields {
		f := &fields[i]
		if f.Old != "" || f.Was != "" || f.Field >= roster.NumFields || signed(f.New) || signed(string(f.Is)) {
			return "", false
		}
		size += len(f.New) + 2
	}
	b := append(make([]byte, 0, size), '+')
	var is roster.Origin
	for i := range fields {
		f := &fields[i]
		if f.Is != is {
			is = f.Is
			b = append(append(b, originSign), is...)
		}
		b = append(append(b, fieldSign, letters[f.Field]), f.New...)
	}
	return string(b), len(fields) > 0
}

func signed(s string) bool {
	return strings.IndexByte(s, originSign) >= 0 || strings.IndexByte(s, fieldSign) >= 0
}

// eachNew reads what newText has written.
func eachNew(text string, do func(f roster.Field, value string, is roster.Origin)) error {
	var is roster.Origin
	for text = strings.TrimPrefix(text, "+"); text != ""; {
		end := 1
		for end < len(text) && text[end] != fieldSign && text[end] != originSign {
			end++
		}
		sign, word := text[0], text[1:end]
		text = text[end:]
		switch {
		case sign == originSign:
			is = roster.Origin(word)
		case sign == fieldSign && word != "" && lettered[word[0]] != roster.NumFields:
			do(lettered[word[0]], word[1:], is)
		default:
			return errors.New("there is a field that is none; was it written by a newer rollcall?")
		}
	}
	return nil
}

// readNew is the list of what newText has written.
func readNew(text string) ([]plan.FieldChange, error) {
	fields := make([]plan.FieldChange, 0, strings.Count(text, string(fieldSign)))
	err := eachNew(text, func(f roster.Field, value string, is roster.Origin) {
		fields = append(fields, plan.FieldChange{Field: f, Name: f.String(), New: value, Is: is})
	})
	return fields, err
}

// isNew tells that form from JSON.
func isNew(text string) bool { return strings.HasPrefix(text, "+") }

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
	if len(links) == 1 && links[0].Old == "" && links[0].OldKey == "" && links[0].OldAnchor == "" && links[0].NewKey != "" && links[0].New != "" && !links[0].Decided {
		l := &links[0] // that of a new account, as encoding/json writes it
		b := make([]byte, 0, 64+len(l.Profile)+len(l.NewKey)+len(l.NewAnchor))
		b = appendText(append(b, `[{"profile":`...), l.Profile)
		b = appendText(append(b, `,"new_key":`...), string(l.NewKey))
		b = appendText(append(b, `,"new":`...), string(l.New))
		if l.NewAnchor != "" {
			b = appendText(append(b, `,"new_anchor":`...), l.NewAnchor)
		}
		return string(append(b, "}]"...))
	}
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

// readFields reads what fieldsText or newText has written.
func readFields(text string) ([]plan.FieldChange, error) {
	if isNew(text) {
		return readNew(text)
	}
	fields, ok := scanFields(text)
	if !ok {
		fields = nil
		if err := json.Unmarshal([]byte(text), &fields); err != nil {
			return nil, err
		}
	}
	for i, f := range fields {
		field, ok := roster.FieldNamed(f.Name)
		if _, custom := roster.Name(f.Name).Custom(); custom {
			field, ok = roster.CustomField, true
		}
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
	ok = s.skip(`[{"profile":`) && s.value(&l.Profile) && s.skip(`,"new_key":`) && s.value(&key) && s.skip(`,"new":`) && s.value(&claim) && (!s.skip(`,"new_anchor":`) || s.value(&l.NewAnchor)) && s.skip("}]") && s.text == ""
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
