package report

import (
	"encoding/json"
	"testing"

	"pgregory.net/rapid"

	"rollcall/internal/journal"
	"rollcall/internal/plan"
	"rollcall/internal/roster"
)

func TestAChangeIsWrittenAsEncodingJSONWouldWriteIt(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.OneOf(rapid.String(), rapid.SampledFrom([]string{"", "<b>", `"`, `\`, "a\u2028b", "é", "\x01", "\x7f"}))
		o := journal.Outcome{Done: journal.Done(text.Draw(t, "done")), Note: text.Draw(t, "note")}
		o.Key, o.Username, o.Reason, o.Action = roster.Key(text.Draw(t, "key")), text.Draw(t, "username"), text.Draw(t, "reason"), plan.Update
		o.Account, o.Line, o.Absent, o.ByDate = rapid.Uint64().Draw(t, "account"), rapid.Int().Draw(t, "line"), rapid.Bool().Draw(t, "absent"), rapid.Bool().Draw(t, "by date")
		for range rapid.IntRange(0, 3).Draw(t, "fields") {
			f := rapid.SampledFrom([]roster.Field{roster.Email, roster.StatusBy, roster.StatusField}).Draw(t, "field")
			o.Fields = append(o.Fields, plan.FieldChange{Field: f, Name: f.String(), Old: text.Draw(t, "old"), New: text.Draw(t, "new")})
		}
		want, err := json.Marshal(Shown(o))
		if err != nil {
			t.Fatal(err)
		}
		if got := string(appendShown(nil, &o)); got != string(want) {
			t.Errorf("got  %s\nwant %s", got, want)
		}
	})
}
