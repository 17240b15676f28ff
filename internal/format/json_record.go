package format

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"rollcall/internal/roster"
)

// memberKind is what a member of a record is to be.
type memberKind int

const (
	unknown memberKind = iota
	aText
	aFlag
	anObject
	aList
)

// A member is a column of one record, and its cell.
type member struct {
	column string
	cell   string
	wrong  string // what is the matter with it; "" for nothing
	fix    string
	code   string // of that; "" is E101
}

// record reads one record. What is wrong with its form is a row's matter.
func (x *jsonDrop) record(line int, raw []byte, columns int) (roster.Record, error) {
	rec := roster.Record{Line: line, Values: make([]string, columns)}
	said := make([]int, columns)
	var fault *roster.Problem
	wrong := func(m *member) {
		if fault != nil {
			return
		}
		p := roster.NewProblem(orE101(m.code), line, "")
		p.Column, p.Text, p.Fix = m.column, m.wrong, m.fix
		fault = &p
	}
	err := x.each(raw, func(m *member) error {
		at, known := x.at[roster.Fold(m.column)]
		if known {
			if said[at]++; said[at] > 1 {
				m.wrong, m.fix = "the name is there twice in one record", "leave one of them out"
			}
			if rec.Values[at] = m.cell; m.wrong != "" {
				rec.Values[at] = ""
			}
		}
		if m.wrong != "" {
			wrong(m)
		}
		return nil
	})
	if err != nil {
		return rec, err
	}
	if fault != nil {
		return rec, &roster.RowError{Record: rec, Problem: *fault}
	}
	for i, n := range said {
		if n == 0 {
			rec.Unsaid = append(rec.Unsaid, i)
		}
	}
	return rec, nil
}

func orE101(code string) string {
	if code == "" {
		return "E101"
	}
	return code
}

// each visits the columns of a record, and what is wrong with it as a member
// without a column. visit may keep nothing of it.
func (x *jsonDrop) each(raw []byte, visit func(*member) error) error {
	if raw[0] != '{' {
		return visit(&member{wrong: "the record is no object", fix: "write it as rollcall accounts export --format json does: {…}"})
	}
	return members(raw, func(name string, value json.RawMessage) error {
		m := member{column: cleanName(name)}
		switch {
		case len(name) > maxName:
			return &here{roster.Refusal{Code: "E411", Text: fmt.Sprintf("a name is longer than %d bytes", maxName), Fix: "shorten it, or leave it out"}}
		case m.column == "":
			m.wrong, m.fix = "a value has no name", "name it, or leave it out"
			return visit(&m)
		}
		folded := roster.Fold(m.column)
		switch x.kinds[folded] {
		case anObject:
			return x.inner(m, value, visit)
		case aList:
			m.list(value, x.lists[folded])
		case aFlag:
			m.flag(value)
		case aText:
			m.text(value)
		}
		return visit(&m)
	})
}

// inner visits the texts of an object, each as a column of its own.
func (x *jsonDrop) inner(of member, value json.RawMessage, visit func(*member) error) error {
	switch {
	case string(value) == "null":
		return nil
	case value[0] != '{':
		of.wrong, of.fix = kindOf(value)+" stands where an object belongs", `write it like {"name": "value"}`
		return visit(&of)
	}
	return members(value, func(name string, value json.RawMessage) error {
		m := member{column: of.column + "." + cleanName(name)}
		switch {
		case len(name) > maxName:
			return &here{roster.Refusal{Code: "E411", Text: fmt.Sprintf("a name is longer than %d bytes", maxName), Fix: "shorten it, or leave it out"}}
		case cleanName(name) == "":
			m.column, m.wrong, m.fix = of.column, "a value has no name", "name it, or leave it out"
		default:
			m.text(value)
		}
		return visit(&m)
	})
}

// members visits the members of an object that is known to be well-formed.
func members(raw []byte, visit func(name string, value json.RawMessage) error) error {
	d := json.NewDecoder(bytes.NewReader(raw))
	if _, err := d.Token(); err != nil {
		return err
	}
	var value json.RawMessage
	for d.More() {
		name, err := d.Token()
		if err != nil {
			return err
		}
		if err := d.Decode(&value); err != nil {
			return err
		}
		if err := visit(name.(string), value); err != nil {
			return err
		}
	}
	return nil
}

// text reads one text; null is an empty one.
func (m *member) text(value json.RawMessage) {
	switch value[0] {
	case 'n':
	case '"':
		if halved(value) {
			m.code, m.wrong, m.fix = "E104", `half of a character is written, as \ud83d without what belongs to it`, "write the character itself"
			return
		}
		if err := json.Unmarshal(value, &m.cell); err != nil {
			m.wrong, m.fix = "the text cannot be read", "write it in double quotes"
		}
	case '{', '[', 't', 'f':
		m.wrong, m.fix = kindOf(value)+" stands where a text belongs", `write it in double quotes; null for none`
	default:
		if !plainNumber(value) {
			m.wrong, m.fix = "a number that other programs would round", "write it as a text, in double quotes"
			return
		}
		m.cell = string(value)
	}
}

// plainNumber tells whether a number is a whole one that no program writes otherwise.
func plainNumber(value []byte) bool {
	n, err := strconv.ParseInt(string(value), 10, 64)
	return err == nil && n > -1<<53 && n < 1<<53 && strconv.FormatInt(n, 10) == string(value)
}

func (m *member) flag(value json.RawMessage) {
	switch value[0] {
	case 'n':
	case 't', 'f':
		m.cell = string(value)
	default:
		m.wrong, m.fix = kindOf(value)+" stands where true or false belongs", "write true or false, without quotes"
	}
}

// list reads an array as a cell whose items | parts.
func (m *member) list(value json.RawMessage, item ListItem) {
	if value[0] == 'n' {
		return
	}
	if value[0] != '[' {
		m.wrong, m.fix = kindOf(value)+" stands where a list belongs", `write it in brackets, like ["a", "b"]`
		return
	}
	var items []json.RawMessage
	if err := json.Unmarshal(value, &items); err != nil {
		m.wrong, m.fix = "the list cannot be read", "correct it"
		return
	}
	all := make([]string, 0, len(items))
	for _, raw := range items {
		one := member{column: m.column}
		if len(item.Parts) > 0 {
			one.parts(raw, item)
		} else {
			one.text(raw)
		}
		switch {
		case one.wrong != "":
			m.code, m.wrong, m.fix = one.code, one.wrong, one.fix
			return
		case strings.Contains(one.cell, "|"):
			m.wrong, m.fix = "a name has a |, which parts names", "name it otherwise in the catalog"
			return
		}
		all = append(all, one.cell)
	}
	m.cell = strings.Join(all, "|")
}

// parts reads an object as its parts, joined by a colon: those behind the last
// that is said are left out.
func (m *member) parts(value json.RawMessage, item ListItem) {
	fail := func(text, fix string) {
		if m.wrong == "" {
			m.wrong, m.fix = text, fix
		}
	}
	how := fmt.Sprintf(`write it like {%q: "…"}`, item.Parts[0])
	if value[0] != '{' {
		fail(kindOf(value)+" stands where an object belongs", how)
		return
	}
	parts, seen := make([]string, len(item.Parts)), map[string]bool{}
	until := ""
	err := members(value, func(name string, value json.RawMessage) error {
		if seen[name] {
			fail("the name is there twice in one object", "leave one of them out")
		}
		seen[name] = true
		at := slices.Index(item.Parts, name)
		if at < 0 && name != item.Ends {
			fail("an object of the list has a name that means nothing", "there are "+strings.Join(item.Parts, ", "))
			return nil
		}
		part := member{}
		part.text(value)
		if at < 0 {
			until = part.cell
			if _, err := time.Parse(time.RFC3339, until); until != "" && err != nil {
				fail("when it ends is no time", "write it like 2026-12-20T00:00:00Z, or null for good")
			}
			return nil
		}
		if m.wrong == "" {
			m.code, m.wrong, m.fix = part.code, part.wrong, part.fix
		}
		if at < len(parts)-1 && strings.Contains(part.cell, ":") {
			fail("a name has a colon, which parts names", "name it otherwise in the catalog")
		}
		parts[at] = part.cell
		return nil
	})
	switch {
	case err != nil:
		fail("an object of the list cannot be read", how)
	case strings.TrimSpace(parts[0]) == "":
		fail("an object of the list lacks its "+item.Parts[0], how)
	}
	n := len(parts)
	for n > 1 && parts[n-1] == "" {
		n--
	}
	m.cell = roster.Ending(strings.Join(parts[:n], ":"), until)
}

// kindOf is what a value is, for a message.
func kindOf(value []byte) string {
	switch value[0] {
	case '{':
		return "an object"
	case '[':
		return "a list"
	case '"':
		return "a text"
	case 't', 'f':
		return "true or false"
	case 'n':
		return "null"
	}
	return "a number"
}
