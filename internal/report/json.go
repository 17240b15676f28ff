package report

import (
	"bufio"
	"bytes"
	_ "embed"
	"encoding/json"
	"errors"
	"io"
	"strconv"
	"sync/atomic"

	"rollcall/internal/journal"
	"rollcall/internal/plan"
	"rollcall/internal/roster"
)

//go:embed run.v1.schema.json
var schema []byte

// Schema is the JSON Schema of what [JSON] writes, and, but for the changes, of a [Doc].
func Schema() []byte { return bytes.Clone(schema) }

// A Change is a change as rollcall.run.v1 shows it.
type Change struct {
	Account     *uint64     `json:"account"` // null for an add that is not applied
	Key         roster.Key  `json:"key"`
	Username    string      `json:"username"`
	Action      plan.Action `json:"action"`
	Reason      string      `json:"reason"`
	Line        int         `json:"line"`   // 0 where no row asked for it
	Absent      bool        `json:"absent"` // planned because no record mentions the account
	ByDate      bool        `json:"by_date"`
	Done        string      `json:"done"` // applied, left_out, excepted; "" while it is only planned
	Note        string      `json:"note"` // why it was left out
	Fields      []Field     `json:"fields"`
	Memberships Memberships `json:"memberships"`
}

// A Field is one field before and after.
type Field struct {
	Name string `json:"name"`
	Old  string `json:"old"`
	New  string `json:"new"`
}

// Memberships are those that a change grants and takes away.
type Memberships struct {
	Added   []string `json:"added"`
	Removed []string `json:"removed"`
}

// JSON writes the whole of rollcall.run.v1, the changes one on a line as they
// come: last, after every count, so that a reader may stop before them. Where
// the changes end in an error what was written is not JSON.
func JSON(w io.Writer, d *Doc, changes Changes) error {
	t, err := newTail(w, d)
	if err != nil {
		return err
	}
	if err := eachChange(d.Run.Number, changes, t.change); err != nil {
		return err
	}
	return t.end()
}

// Both writes what [Results] and [JSON] write, from one reading of the changes: a
// first load has a million of them. Where there are many, the table is written
// beside the document, on another core.
func Both(results, doc io.Writer, run *journal.Run, d *Doc, changes Changes, problems Problems) error {
	t := newTable(results, run)
	t.write(columns)
	j, err := newTail(doc, d)
	if err != nil {
		return err
	}
	rows := aside{do: t.change}
	err = eachChange(run.Number, changes, func(o journal.Outcome) error {
		if err := rows.add(o); err != nil {
			return err
		}
		return j.change(o)
	})
	if failed := rows.end(); failed != nil { // which may be why the reading has ended
		return failed
	}
	if err != nil {
		return err
	}
	if err := t.problems(problems); err != nil {
		return err
	}
	return j.end()
}

// batch is how many changes change hands at once. A run with fewer needs no other
// hand.
const batch = 500

// aside does something with each change, in their order: many at a time, beside
// whoever adds them.
type aside struct {
	do     func(journal.Outcome) error
	some   []journal.Outcome
	to     chan []journal.Outcome // nil while there are few
	ended  chan error
	failed atomic.Bool
}

func (b *aside) add(o journal.Outcome) error {
	if b.some = append(b.some, o); len(b.some) < batch {
		return nil
	}
	if b.to == nil {
		b.to, b.ended = make(chan []journal.Outcome, 1), make(chan error, 1)
		go func() {
			var err error
			for some := range b.to {
				if err == nil {
					err = b.each(some)
				}
				b.failed.Store(err != nil)
			}
			b.ended <- err
		}()
	}
	b.to <- b.some
	b.some = make([]journal.Outcome, 0, batch)
	if b.failed.Load() {
		return errAside
	}
	return nil
}

// errAside stops who adds; end tells what it was.
var errAside = errors.New("the table could not be written")

func (b *aside) each(some []journal.Outcome) error {
	for _, o := range some {
		if err := b.do(o); err != nil {
			return err
		}
	}
	return nil
}

// end waits until all is done.
func (b *aside) end() error {
	if b.to == nil {
		return b.each(b.some)
	}
	b.to <- b.some
	close(b.to)
	return <-b.ended
}

// tail is the changes at the end of rollcall.run.v1.
type tail struct {
	w      *bufio.Writer
	before string // what stands between the last change and the next
	line   []byte
}

const firstChange = "\n    "

// newTail writes all that stands before the changes.
func newTail(w io.Writer, d *Doc) (*tail, error) {
	head, err := json.MarshalIndent(d, "", "  ")
	if err != nil {
		return nil, err
	}
	t := &tail{w: bufio.NewWriterSize(w, 64<<10), before: firstChange}
	_, _ = t.w.Write(bytes.TrimSuffix(head, []byte("\n}"))) // bufio keeps the first error, for Flush
	_, _ = t.w.WriteString(",\n  \"changes\": [")
	return t, nil
}

func (t *tail) change(o journal.Outcome) error {
	t.line = appendShown(append(t.line[:0], t.before...), &o)
	t.before = "," + firstChange
	_, err := t.w.Write(t.line)
	return err
}

func (t *tail) end() error {
	if t.before != firstChange {
		_, _ = t.w.WriteString("\n  ")
	}
	_, _ = t.w.WriteString("]\n}\n")
	return t.w.Flush()
}

// Shown is what rollcall.run.v1 shows of a change. A [plan.Claim] is not among
// the changes of a run.
func Shown(o journal.Outcome) Change {
	c := Change{
		Key: o.Key, Username: o.Username, Action: o.Action, Reason: o.Reason, Line: o.Line, Absent: o.Absent, ByDate: o.ByDate,
		Done: string(o.Done), Note: o.Note, Fields: []Field{}, Memberships: Memberships{Added: []string{}, Removed: []string{}},
	}
	if o.Account != 0 {
		c.Account = &o.Account
	}
	for _, f := range visible(o.Fields) {
		c.Fields = append(c.Fields, Field{f.Name, f.Old, f.New})
	}
	added, removed := o.Joined()
	for _, m := range added {
		c.Memberships.Added = append(c.Memberships.Added, m.String())
	}
	for _, m := range removed {
		c.Memberships.Removed = append(c.Memberships.Removed, m.String())
	}
	return c
}

// appendShown is [Shown] as encoding/json writes it: a first load has a million
// of them.
func appendShown(b []byte, o *journal.Outcome) []byte {
	b = append(b, `{"account":`...)
	if o.Account == 0 {
		b = append(b, "null"...)
	} else {
		b = strconv.AppendUint(b, o.Account, 10)
	}
	b = appendText(append(b, `,"key":`...), string(o.Key))
	b = appendText(append(b, `,"username":`...), o.Username)
	b = appendText(append(b, `,"action":`...), string(o.Action))
	b = appendText(append(b, `,"reason":`...), o.Reason)
	b = strconv.AppendInt(append(b, `,"line":`...), int64(o.Line), 10)
	b = strconv.AppendBool(append(b, `,"absent":`...), o.Absent)
	b = strconv.AppendBool(append(b, `,"by_date":`...), o.ByDate)
	b = appendText(append(b, `,"done":`...), string(o.Done))
	b = appendText(append(b, `,"note":`...), o.Note)
	b = append(b, `,"fields":[`...)
	first := true
	for i := range o.Fields {
		f := &o.Fields[i]
		if !shown(f) {
			continue
		}
		if !first {
			b = append(b, ',')
		}
		first = false
		b = appendText(append(b, `{"name":`...), f.Name)
		old, is := words(f)
		b = appendText(append(b, `,"old":`...), old)
		b = append(appendText(append(b, `,"new":`...), is), '}')
	}
	b = append(b, `],"memberships":{"added":[`...)
	added, removed := o.Joined()
	b = appendMemberships(b, added)
	b = appendMemberships(append(b, `],"removed":[`...), removed)
	return append(b, `]}}`...)
}

func appendMemberships(b []byte, list []roster.Membership) []byte {
	for i, m := range list {
		if i > 0 {
			b = append(b, ',')
		}
		b = appendText(b, m.String())
	}
	return b
}

// appendText is a text in JSON.
func appendText(b []byte, s string) []byte {
	for i := range len(s) {
		switch c := s[i]; {
		case c < 0x20, c == '"', c == '\\', c == '<', c == '>', c == '&', c == 0xE2, c == 0x7f: // U+2028 begins so
			text, _ := json.Marshal(s) // a text always can be
			return append(b, text...)
		}
	}
	return append(append(append(b, '"'), s...), '"')
}

// visibly are the fields of a change that can be seen, and its memberships.
func visibly(o *journal.Outcome) []plan.FieldChange {
	return append(visible(o.Fields), joined(o)...)
}

// joined are the memberships of a change as if each were a field: what texts and
// results.csv tell.
func joined(o *journal.Outcome) (fields []plan.FieldChange) {
	if len(o.Memberships) == 0 {
		return nil
	}
	added, removed := o.Joined()
	for _, m := range added {
		fields = append(fields, plan.FieldChange{Name: "membership", New: m.String()})
	}
	for _, m := range removed {
		fields = append(fields, plan.FieldChange{Name: "membership", Old: m.String()})
	}
	return fields
}

// visible are the fields that are told.
func visible(fields []plan.FieldChange) []plan.FieldChange {
	var out []plan.FieldChange
	for i := range fields {
		if shown(&fields[i]) {
			f := fields[i]
			f.Old, f.New = words(&f)
			out = append(out, f)
		}
	}
	return out
}

// shown tells whether a field is one of which a feed or a person speaks. What
// rollcall notes beside them (who set the status and when, the instants of the
// dates) is told by status and dates already.
func shown(f *plan.FieldChange) bool {
	known, ok := f.Field, true
	if f.Name != known.String() { // it was read from a file
		known, ok = roster.FieldNamed(f.Name)
	}
	return !ok || known < roster.NumFeedFields || known == roster.StatusField || known == roster.FallbackOwner ||
		known == roster.LegalHold || known == roster.MergedInto || known == roster.PasswordField
}
