package mapping

import (
	"testing"

	"rollcall/internal/roster"
)

func TestTheActionOfADeltaSaysWhatARowDoes(t *testing.T) {
	o := Options{
		Key: roster.EmployeeID, Map: map[string]Column{"employee_id": {From: "No"}, "status": {From: "Status"}, "deleted": {From: "Gone"}},
		Action: Action{From: "Op", Values: map[string]string{"I": "upsert", "U": "upsert", "D": "leaver", "S": "suspend", "X": "delete", "": "upsert"}},
	}
	m, notes, err := Compile(o, []string{"No", "Op", "Status", "Gone"})
	if err != nil || len(notes) > 0 {
		t.Fatal(err, notes)
	}
	tests := []struct {
		name             string
		op, status, gone string
		want             roster.Wish
		code             string
	}{
		{"an upsert is somebody who is there", "I", "", "", roster.WishActive, ""},
		{"an empty action is what the table says", "", "", "", roster.WishActive, ""},
		{"the status says more than an upsert", "U", "leave", "", roster.WishLeave, ""},
		{"and may say leaver", "U", "leaver", "", roster.WishLeaver, ""},
		{"a leaver's row has the status of the day before", "D", "active", "", roster.WishLeaver, ""},
		{"a row suspends", "S", "active", "", roster.WishSuspend, ""},
		{"a row deletes", "X", "active", "0", roster.WishDelete, ""},
		{"deleted wins over all (R60)", "I", "active", "1", roster.WishDelete, ""},
		{"another word rejects the row", "Z", "active", "", roster.WishActive, "E115"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			e, err := m.Entry(roster.Record{Line: 2, Values: []string{"104417", tt.op, tt.status, tt.gone}})
			if err != nil {
				t.Fatal(err)
			}
			code := ""
			for _, p := range e.Problems {
				code = p.Code
				if p.Column != "Op" || p.Severity != roster.SeverityError {
					t.Errorf("problem %+v; want an error of column Op", p)
				}
			}
			if e.Wish != tt.want || code != tt.code {
				t.Errorf("wish %q, code %q; want %q, %q", e.Wish, code, tt.want, tt.code)
			}
		})
	}
	if _, _, err := Compile(o, []string{"No", "Status", "Gone"}); err == nil {
		t.Error("a file without the action's column is read")
	}
	words := o
	words.Action.Values = nil
	m, _, err = Compile(words, []string{"No", "Op", "Status", "Gone"})
	if err != nil {
		t.Fatal(err)
	}
	for op, bad := range map[string]bool{"leaver": false, "": true, "I": true} {
		e, err := m.Entry(roster.Record{Line: 2, Values: []string{"104417", op, "", ""}})
		if err != nil || (len(e.Problems) > 0) != bad {
			t.Errorf("action %q without a table: problems %v, error %v", op, e.Problems, err)
		}
	}
	if o.Digest() == words.Digest() {
		t.Error("another table of actions has the same digest")
	}
}
