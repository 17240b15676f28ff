package main

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"encoding/xml"
	"fmt"
	"io"
	"iter"
	"slices"
	"strconv"
	"strings"
	"time"

	"rollcall/internal/format"
	"rollcall/internal/roster"
)

// A cell is one value of an account as other programs read it: a string, a
// number, a bool, a list, an object, or nil.
type cell struct {
	name  string
	value any
}

// A record is an account as other programs read it: every field of the
// contract, always, in one order. The password is not among them.
type record []cell

// An enrolment is a membership in a course as other programs read it.
type enrolment struct {
	Course string `json:"course"`
	Role   string `json:"role"`
	Group  string `json:"group"`
	Until  any    `json:"until"` // the first moment after it, or null
}

// enrolments are the courses of an account.
func enrolments(a *roster.Account) []enrolment {
	all := []enrolment{}
	for _, m := range a.Memberships() {
		if m.Kind == roster.CourseKind {
			all = append(all, enrolment{m.Name, m.Role, m.Group, orNil(m.Until)})
		}
	}
	return all
}

func orNil(s string) any {
	if s == "" {
		return nil
	}
	return s
}

// in are the names of an account's memberships of a kind.
func in(a *roster.Account, kind roster.Kind) []string {
	all := []string{}
	for _, m := range a.Memberships() {
		if m.Kind == kind {
			all = append(all, m.Name)
		}
	}
	return all
}

// recordOf writes an account down; its grants must be loaded.
func recordOf(a *roster.Account) record {
	v := &a.Values
	r := record{{"id", a.ID}, {"version", a.Version}}
	add := func(fields ...roster.Field) {
		for _, f := range fields {
			r = append(r, cell{f.String(), v[f]})
		}
	}
	orNull := func(f roster.Field) {
		if v[f] == "" {
			r = append(r, cell{f.String(), nil})
		} else {
			add(f)
		}
	}
	add(roster.EmployeeID, roster.Username, roster.Email, roster.FirstName, roster.LastName, roster.StatusField)
	orNull(roster.StartsOn)
	orNull(roster.ExpiresOn)
	for f := roster.Auth; f < roster.LastLoginAt; f++ {
		add(f)
	}
	orNull(roster.LastLoginAt)
	r = append(r,
		cell{"roles", in(a, roster.RoleKind)}, cell{"cohorts", in(a, roster.CohortKind)}, cell{"enrolments", enrolments(a)},
		cell{"programs", in(a, roster.ProgramKind)}, cell{"sessions", in(a, roster.SessionKind)}, cell{"fields", fieldsOf(a)})
	add(roster.StatusReason)
	r = append(r,
		cell{"status_by", setBy(v)}, cell{"password_set", a.PasswordSet()}, cell{"must_change_password", a.MustChangePassword()})
	add(roster.FallbackOwner)
	r = append(r, cell{"created_at", stamp(a.CreatedAt)}, cell{"updated_at", stamp(a.UpdatedAt)})
	orNull(roster.DeletedAt)
	orNull(roster.LegalHold)
	orNull(roster.MergedInto)
	return r
}

// fieldsOf are an account's custom fields.
func fieldsOf(a *roster.Account) map[string]string {
	all := make(map[string]string, len(a.Custom))
	for _, c := range a.Custom {
		if c.Value != "" {
			all[c.Name] = c.Value
		}
	}
	return all
}

func stamp(t time.Time) any {
	if t.IsZero() {
		return nil
	}
	return instant(t)
}

// MarshalJSON writes the cells in their order.
func (r record) MarshalJSON() ([]byte, error) {
	var b bytes.Buffer
	for i, c := range r {
		name, err := json.Marshal(c.name)
		if err != nil {
			return nil, err
		}
		value, err := json.Marshal(c.value)
		if err != nil {
			return nil, err
		}
		b.WriteByte("{,"[min(i, 1)])
		b.Write(name)
		b.WriteByte(':')
		b.Write(value)
	}
	b.WriteByte('}')
	return b.Bytes(), nil
}

// text is a cell in CSV and XML; lists are joined by |.
func (c cell) text() string {
	switch v := c.value.(type) {
	case string:
		return v
	case uint64:
		return strconv.FormatUint(v, 10)
	case bool:
		return strconv.FormatBool(v)
	case []string:
		return strings.Join(v, "|")
	case []enrolment:
		var all []string
		for _, e := range v {
			m := roster.Membership{Kind: roster.CourseKind, Name: e.Course, Role: e.Role, Group: e.Group}
			until, _ := e.Until.(string)
			all = append(all, roster.Ending(strings.TrimPrefix(m.String(), string(roster.CourseKind)+":"), until))
		}
		return strings.Join(all, "|")
	}
	return ""
}

// columns is r with a cell of its own for each of the custom fields of those names.
func (r record) columns(custom []string) record {
	all := make(record, 0, len(r)+len(custom))
	for _, c := range r {
		held, ok := c.value.(map[string]string)
		if !ok {
			all = append(all, c)
			continue
		}
		for _, name := range custom {
			all = append(all, cell{string(roster.CustomName(name)), held[name]})
		}
	}
	return all
}

// records are accounts as other programs read them.
func records(accounts iter.Seq2[roster.Account, error]) iter.Seq2[any, error] {
	return func(yield func(any, error) bool) {
		for a, err := range accounts {
			if !yield(recordOf(&a), err) || err != nil {
				return
			}
		}
	}
}

// exportCSV writes accounts as CSV. Cells are exact, also those that a
// spreadsheet would take for a formula: the file is made to be read back.
func exportCSV(w io.Writer, custom []string, accounts iter.Seq2[roster.Account, error]) error {
	out := csv.NewWriter(w)
	var row []string
	for _, c := range recordOf(&roster.Account{}).columns(custom) {
		row = append(row, c.name)
	}
	_ = out.Write(row) // the writer keeps the first error
	for a, err := range accounts {
		if err != nil {
			return err
		}
		row = row[:0]
		for _, c := range recordOf(&a).columns(custom) {
			row = append(row, c.text())
		}
		if err := out.Write(row); err != nil {
			return err
		}
	}
	out.Flush()
	return out.Error()
}

// exportXML writes <accounts><account id="7"><version>…</version>…</account></accounts>.
func exportXML(w io.Writer, custom []string, accounts iter.Seq2[roster.Account, error]) error {
	if _, err := io.WriteString(w, xml.Header+"<accounts>\n"); err != nil {
		return err
	}
	for a, err := range accounts {
		if err != nil {
			return err
		}
		var b bytes.Buffer
		fmt.Fprintf(&b, "  <account id=\"%d\">\n", a.ID)
		for _, c := range recordOf(&a).columns(custom)[1:] {
			fmt.Fprintf(&b, "    <%s>", c.name)
			if err := xml.EscapeText(&b, []byte(c.text())); err != nil {
				return err
			}
			fmt.Fprintf(&b, "</%s>\n", c.name)
		}
		b.WriteString("  </account>\n")
		if _, err := w.Write(b.Bytes()); err != nil {
			return err
		}
	}
	_, err := io.WriteString(w, "</accounts>\n")
	return err
}

// exportedShape is how [record.MarshalJSON] writes what an import reads back, and
// mapped, which the import reads and an export may lack.
func exportedShape(mapped []string) *format.Shape {
	s := &format.Shape{Lists: map[string]format.ListItem{}}
	for _, c := range recordOf(&roster.Account{}) {
		switch c.value.(type) {
		case []string:
			s.Lists[c.name] = format.ListItem{}
		case []enrolment:
			s.Lists[c.name] = format.ListItem{Parts: []string{"course", "role", "group"}, Ends: "until"}
		case map[string]string:
			s.Objects = append(s.Objects, c.name)
		case bool:
			s.Flags = append(s.Flags, c.name)
		default:
			s.Texts = append(s.Texts, c.name)
		}
	}
	for _, name := range mapped {
		if _, list := s.Lists[name]; !list && !slices.Contains(s.Texts, name) {
			s.Texts = append(s.Texts, name)
		}
	}
	return s
}
