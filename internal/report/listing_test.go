package report_test

import (
	"bytes"
	"strings"
	"testing"

	"rollcall/internal/journal"
	"rollcall/internal/plan"
	"rollcall/internal/report"
)

func TestEveryChangeIsListedWithItsValues(t *testing.T) {
	s := clean()
	got := text(t, func(b *bytes.Buffer) error {
		n, err := report.ChangesText(b, stream(s.changes...))
		if want := len(s.changes) - 1; n != want { // one is a claim
			t.Errorf("changes = %d, want %d", n, want)
		}
		return err
	})
	golden(t, "changes.txt", got)
}

func TestAListSaysWhatWasNotDone(t *testing.T) {
	leaver := held().changes[0]
	gone := leaver
	gone.Action, gone.Reason = plan.Purge, "taken back"
	var all []journal.Outcome
	for _, done := range []journal.Done{journal.Planned, journal.Applied, journal.LeftOut, journal.Excepted} {
		all = append(all, as(done, leaver, gone)...)
	}
	for i := range all {
		all[i].Fields = nil
	}
	golden(t, "changes-not-done.txt", text(t, func(b *bytes.Buffer) error { _, err := report.ChangesText(b, stream(all...)); return err }))
}

func TestEveryGroupOfProblemsIsListedWithItsLines(t *testing.T) {
	s := dirty()
	d := s.doc(t)
	got := text(t, func(b *bytes.Buffer) error { return report.ProblemsText(b, d) })
	golden(t, "problems.txt", got)
}

func TestAListMovesNoCursor(t *testing.T) {
	s := clean()
	s.changes[0].Username, s.changes[0].Reason, s.changes[0].Key = "a\x1b[2J", "b\r\nc", "1\u202e2"
	for i := range s.changes[0].Fields {
		s.changes[0].Fields[i].New = "\x1b]0;title\a"
	}
	got := text(t, func(b *bytes.Buffer) error { _, err := report.ChangesText(b, stream(s.changes...)); return err })
	for _, bad := range []string{"\x1b", "\r", "\a", "\u202e"} {
		if strings.Contains(got, bad) {
			t.Errorf("the text holds %q", bad)
		}
	}
}
