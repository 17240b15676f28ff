package mapping

import (
	"slices"
	"strings"

	"golang.org/x/text/unicode/norm"

	"rollcall/internal/password"
	"rollcall/internal/roster"
)

// passwordName is what a map calls the password. It is no field of an account:
// of what it says only a hash is ever kept.
const passwordName = "password"

// A passwordSource says where a record's password comes from.
type passwordSource struct {
	index int          // the column's place; -1 for none
	fixed roster.Clear // what the profile gives where the record gives none
	first bool         // fixed is for new accounts alone
	trim  bool         // outer blanks go (R11)
}

// givePassword takes the column.
func (m *Mapper) givePassword(o Options, c Column) {
	p := passwordSource{index: -1, trim: o.TrimPasswords}
	s := newSource(passwordName, c, m.head)
	p.index = s.index
	switch {
	case c.Const != "":
		p.fixed = roster.Clear(c.Const)
	case c.Default != "":
		p.fixed, p.first = roster.Clear(c.Default), true
	}
	m.password = &p
	m.mark(s)
}

// secretly reads the record's password. It keeps its blanks, for they may be
// part of it; a cell of nothing else is an empty one. It is composed (NFC), as
// RFC 8265 has it, so that it is what a keyboard types.
func (m *Mapper) secretly(e *roster.Entry, r row) {
	p := m.password
	if p == nil {
		return
	}
	if r.usable(p.index) {
		text := r.cells[p.index]
		if trimmed := strings.TrimSpace(text); p.trim || trimmed == "" {
			text = trimmed
		}
		if !ascii(text) {
			text = norm.NFC.String(text)
		}
		if strings.ContainsAny(text, "\r\n") { // nobody could type it
			problem := roster.NewProblem("E104", e.Line, "")
			problem.Field, problem.Column, problem.Text = passwordName, m.head.names[p.index], "a line break in a password"
			e.Problems = append(e.Problems, problem)
			return
		}
		e.Password = roster.Clear(text)
	}
	if e.Password == "" {
		e.Password, e.FirstOnly = p.fixed, p.first
	}
}

// Secrets are the places of the columns that say passwords, none where none does: what
// is kept of the drop must not show them. One that is called so is among them also
// where the profile does not use it.
func (m *Mapper) Secrets() (places []int) {
	if m.password != nil && m.password.index >= 0 {
		places = append(places, m.password.index)
	}
	for _, name := range passwordNames {
		if i := m.head.find(name); i >= 0 && m.fieldAt[i] == "" && !slices.Contains(places, i) {
			places = append(places, i)
		}
	}
	return places
}

// passwordNames are what a column of passwords is called where no map says it. A
// directory's userPassword is a hash already, and not among them.
var passwordNames = []string{passwordName, "passwd", "passwort", "kennwort", "pwd"}

// password checks where passwords come from.
func (k *checker) password(name string, c Column) {
	k.origin(name, c, c.Default != "")
	for _, key := range []struct {
		name string
		said bool
	}{
		{"template", c.Template != ""},
		{"values", len(c.Values) > 0},
		{"other", c.Other != ""},
		{"date", c.Date != ""},
		{"blank", c.Blank != ""},
		{"lookup", c.Lookup != ""},
		{"on_invalid", c.OnInvalid != ""},
		{"transform", len(c.Transform) > 0},
		{"on_taken", c.OnTaken != ""},
		{"set", c.Set != ""},
	} {
		if key.said {
			k.fault(name+"."+key.name, "a password is used as it stands in its column, and has no "+key.name+":", "leave it out")
		}
	}
	for _, key := range []struct{ name, value string }{{"const", c.Const}, {"default", c.Default}} {
		if key.value != "" && key.value != password.Changeme {
			k.fault(name+"."+key.name, "a password that everybody gets stands in clear in this file", "write "+password.Changeme+", which asks for another one at the next login; or policy.generate_password: on")
		}
	}
}
