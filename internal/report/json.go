package report

import (
	"bufio"
	"bytes"
	_ "embed"
	"encoding/json"
	"fmt"
	"io"

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
	head, err := json.MarshalIndent(d, "", "  ")
	if err != nil {
		return err
	}
	b := bufio.NewWriter(w)
	_, _ = b.Write(bytes.TrimSuffix(head, []byte("\n}"))) // bufio keeps the first error, for Flush
	_, _ = b.WriteString(",\n  \"changes\": [")
	before := "\n    "
	for o, err := range changes {
		if err != nil {
			return fmt.Errorf("read the changes of run %d: %w", d.Run.Number, err)
		}
		if o.Action == plan.Claim {
			continue
		}
		line, err := json.Marshal(Shown(o))
		if err != nil {
			return err
		}
		_, _ = b.WriteString(before)
		if _, err := b.Write(line); err != nil {
			return err
		}
		before = ",\n    "
	}
	if before != "\n    " {
		_, _ = b.WriteString("\n  ")
	}
	_, _ = b.WriteString("]\n}\n")
	return b.Flush()
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
	return c
}

// visible are the fields of which a feed or a person speaks. What rollcall notes
// beside them (who set the status and when, the instants of the dates) is told
// by status and dates already.
func visible(fields []plan.FieldChange) []plan.FieldChange {
	var out []plan.FieldChange
	for _, f := range fields {
		known, ok := roster.FieldNamed(f.Name)
		if !ok || known < roster.NumFeedFields || known == roster.StatusField || known == roster.FallbackOwner {
			out = append(out, f)
		}
	}
	return out
}
