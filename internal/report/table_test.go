package report

import (
	"bytes"
	"encoding/csv"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"rollcall/internal/journal"
	"rollcall/internal/plan"
	"rollcall/internal/roster"
)

// asCSV is what encoding/csv makes of rows whose formulas are disarmed.
func asCSV(t *rapid.T, rows ...[]string) string {
	var want bytes.Buffer
	w := csv.NewWriter(&want)
	w.UseCRLF = true
	for _, row := range rows {
		safe := make([]string, len(row))
		for i, c := range row {
			if safe[i] = c; c != "" && strings.ContainsRune("=+-@\t\r\n＝＋－＠", []rune(c)[0]) {
				safe[i] = "'" + c
			}
		}
		if err := w.Write(safe); err != nil {
			t.Fatal(err)
		}
	}
	w.Flush()
	return want.String()
}

func TestATableIsWhatEncodingCSVWrites(t *testing.T) {
	cell := rapid.OneOf(rapid.String(), rapid.SampledFrom([]string{"", `\.`, "a,b", `"`, "\r\n", "a\rb", "\n", " x", "\u00a0x", "=1", "＝1", "-", "\xff", "é"}))
	rapid.Check(t, func(t *rapid.T) {
		var got bytes.Buffer
		w := newTable(&got, &journal.Run{Number: 7, Profile: "hr"})
		row := rapid.SliceOfN(cell, 2, 5).Draw(t, "row")
		o := journal.Outcome{Done: journal.Applied, Change: plan.Change{
			Action: plan.Update, Account: 3, Key: roster.Key(cell.Draw(t, "key")), Username: cell.Draw(t, "username"), Reason: cell.Draw(t, "reason"), Line: 2,
		}}
		rows := [][]string{row}
		for _, f := range []roster.Field{roster.Title, roster.StatusBy, roster.City} {
			c := plan.FieldChange{Field: f, Name: f.String(), Old: cell.Draw(t, "old"), New: cell.Draw(t, "new")}
			o.Fields = append(o.Fields, c)
			if f != roster.StatusBy { // which is rollcall's own
				rows = append(rows, []string{"7", "hr", "2", string(o.Key), o.Username, "3", "updated", "", c.Name, c.Old, c.New, o.Reason})
			}
		}
		if err := w.write(row); err != nil {
			t.Fatal(err)
		}
		if err := w.change(o); err != nil {
			t.Fatal(err)
		}
		o.Fields = nil
		rows = append(rows, []string{"7", "hr", "2", string(o.Key), o.Username, "3", "updated", "", "", "", "", o.Reason})
		if err := w.change(o); err != nil {
			t.Fatal(err)
		}
		if err := w.flush(); err != nil {
			t.Fatal(err)
		}
		if want := asCSV(t, rows...); got.String() != want {
			t.Fatalf("got  %q\nwant %q", got.String(), want)
		}
	})
}
