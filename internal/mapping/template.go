package mapping

import (
	"fmt"
	"strconv"
	"strings"

	"rollcall/internal/roster"
)

// Bounds of a template, so that a record stays small whatever it is made of.
const (
	maxTemplate = 1000 // bytes
	maxParts    = 64
)

// A template makes a value of texts, names and columns (R31).
type template struct {
	parts []part
}

// A part is a text that stands for itself, or a place where a value is put.
type part struct {
	kind  byte   // one of the kinds below
	text  string // the text itself, or the column's name
	index int    // the column's place in the record, once it is bound; -1 before
	cut   int    // to that many characters; zero: whole
	pipes []func(string) string
}

const (
	aText   = 't'
	aColumn = 'c'
	aFirst  = 'f'
	aLast   = 'l'
	aFinal  = 'u' // the final username
)

// parseTemplate reads a template; the error says what is wrong with it and where.
func parseTemplate(s string) (template, error) {
	if len(s) > maxTemplate {
		return template{}, fmt.Errorf("a template has at most %d bytes", maxTemplate)
	}
	var t template
	var text strings.Builder
	add := func(p part) {
		if text.Len() > 0 {
			t.parts = append(t.parts, part{kind: aText, text: text.String(), index: -1})
			text.Reset()
		}
		if p.kind != 0 {
			t.parts = append(t.parts, p)
		}
	}
	for i := 0; i < len(s); {
		switch {
		case strings.HasPrefix(s[i:], "%%"):
			text.WriteByte('%')
			i += 2
		case s[i] == '%':
			p, n, err := parsePercent(s[i:])
			if err != nil {
				return template{}, fmt.Errorf("at byte %d: %w", i+1, err)
			}
			if n == 0 {
				text.WriteByte('%') // without a code it stays
				i++
				continue
			}
			add(p)
			i += n
		case s[i] == '{':
			end := strings.IndexByte(s[i:], '}')
			if end < 0 {
				return template{}, fmt.Errorf("at byte %d: { is not closed by }", i+1)
			}
			p, err := parseColumn(s[i+1 : i+end])
			if err != nil {
				return template{}, fmt.Errorf("at byte %d: %w", i+1, err)
			}
			add(p)
			i += end + 1
		default:
			text.WriteByte(s[i])
			i++
		}
	}
	add(part{})
	if len(t.parts) > maxParts {
		return template{}, fmt.Errorf("a template has at most %d parts", maxParts)
	}
	return t, nil
}

// parsePercent reads a code like %-1f, and answers how long it is: zero where
// there is none.
func parsePercent(s string) (part, int, error) {
	i := 1
	p := part{index: -1}
	if i < len(s) {
		switch s[i] {
		case '-':
			p.pipes = append(p.pipes, strings.ToLower)
			i++
		case '+':
			p.pipes = append(p.pipes, strings.ToUpper)
			i++
		case '~':
			p.pipes = append(p.pipes, title)
			i++
		}
	}
	digits := i
	for i < len(s) && s[i] >= '0' && s[i] <= '9' {
		i++
	}
	if i == len(s) || s[i] != aFirst && s[i] != aLast && s[i] != aFinal {
		return part{}, 0, nil
	}
	p.kind = s[i]
	if digits < i {
		var err error
		if p.cut, err = parseCut(s[digits:i]); err != nil {
			return part{}, 0, err
		}
	}
	return p, i + 1, nil
}

// parseColumn reads what stands between braces: Column, Column:3, Column|slug|after:X.
func parseColumn(s string) (part, error) {
	name, pipes, piped := strings.Cut(s, "|")
	p := part{kind: aColumn, text: name, index: -1}
	if at := strings.LastIndexByte(name, ':'); at >= 0 && isDigits(name[at+1:]) {
		var err error
		if p.cut, err = parseCut(name[at+1:]); err != nil {
			return part{}, err
		}
		p.text = name[:at]
	}
	if columnForm(p.text) == "" {
		return part{}, fmt.Errorf("a column's name is missing between { and }")
	}
	if !piped {
		return p, nil
	}
	known := transforms()
	for pipe := range strings.SplitSeq(pipes, "|") {
		name, arg, hasArg := strings.Cut(pipe, ":")
		name = strings.TrimSpace(name)
		switch f := known[name]; {
		case f != nil && !hasArg:
			p.pipes = append(p.pipes, f)
		case name == "after" && arg != "":
			p.pipes = append(p.pipes, func(s string) string { _, rest, _ := strings.Cut(s, arg); return rest })
		default:
			return part{}, fmt.Errorf("%q is no pipe; there are after:TEXT, %s", pipe, transformNames())
		}
	}
	return p, nil
}

func parseCut(s string) (int, error) {
	n, err := strconv.Atoi(s)
	if err != nil || n < 1 || n > maxTemplate {
		return 0, fmt.Errorf("a value is cut to 1 to %d characters", maxTemplate)
	}
	return n, nil
}

func isDigits(s string) bool {
	return s != "" && strings.Trim(s, "0123456789") == ""
}

// uses tells whether t has a part of that kind.
func (t template) uses(kind byte) bool {
	for _, p := range t.parts {
		if p.kind == kind {
			return true
		}
	}
	return false
}

// fixed tells whether t stands for itself, and as what.
func (t template) fixed() (string, bool) {
	switch {
	case len(t.parts) == 0:
		return "", true
	case len(t.parts) == 1 && t.parts[0].kind == aText:
		return t.parts[0].text, true
	}
	return "", false
}

// columns are the names of the columns that t speaks of.
func (t template) columns() []string {
	var names []string
	for _, p := range t.parts {
		if p.kind == aColumn {
			names = append(names, p.text)
		}
	}
	return names
}

// bind finds the columns' places.
func (t template) bind(place func(name string) int) template {
	parts := make([]part, len(t.parts))
	for i, p := range t.parts {
		if p.kind == aColumn {
			p.index = place(p.text)
		}
		parts[i] = p
	}
	return template{parts}
}

// A setting is what a template is filled from.
type setting struct {
	row         row
	first, last string
}

func (p part) fill(s setting, username string) string {
	v := ""
	switch p.kind {
	case aText:
		return p.text
	case aColumn:
		v = s.row.cell(p.index)
	case aFirst:
		v = s.first
	case aLast:
		v = s.last
	case aFinal:
		v = username
	}
	v = cut(v, p.cut)
	for _, pipe := range p.pipes {
		v = pipe(v)
	}
	return v
}

// render fills t. Where every place is empty, or nothing but separators would
// be left, there is no value.
func (t template) render(s setting) string {
	if text, ok := t.fixed(); ok {
		return text
	}
	var b strings.Builder
	filled := false
	for _, p := range t.parts {
		v := p.fill(s, "")
		filled = filled || p.kind != aText && v != ""
		b.WriteString(v)
	}
	return value(b.String(), filled)
}

// later fills all of t but the final username, which is not known yet.
func (t template) later(s setting) func(username string) string {
	texts := make([]string, len(t.parts))
	filled := false
	for i, p := range t.parts {
		if p.kind == aFinal {
			continue
		}
		texts[i] = p.fill(s, "")
		filled = filled || p.kind != aText && texts[i] != ""
	}
	return func(username string) string {
		var b strings.Builder
		filled := filled
		for i, p := range t.parts {
			if p.kind == aFinal {
				v := p.fill(setting{}, username)
				filled = filled || v != ""
				b.WriteString(v)
				continue
			}
			b.WriteString(texts[i])
		}
		return value(b.String(), filled)
	}
}

func value(s string, filled bool) string {
	if !filled || !says(s) {
		return ""
	}
	return strings.TrimSpace(s)
}

// nameOf is a name as %f and %l mean it: what the record says, else the default.
func nameOf(e *roster.Entry, f roster.Field) string {
	if v := e.Values[f]; v != "" {
		return v
	}
	return e.Defaults[f]
}
