package report_test

import (
	"bytes"
	"fmt"
	"strings"
	"testing"

	"rollcall/internal/journal"
	"rollcall/internal/plan"
	"rollcall/internal/report"
	"rollcall/internal/roster"
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

func TestWhereThereIsNoKeyTheUsernameStandsForIt(t *testing.T) {
	s := states(t)["warn"]
	for i := range s.changes {
		o := &s.changes[i]
		o.Key, o.Username = "", fmt.Sprintf("person%d", i)
		o.Links = []plan.LinkChange{{Profile: "hr-csv", New: roster.ClaimActive}}
	}
	for i := range s.problems {
		s.problems[i].Key, s.problems[i].Who = "", roster.Who{Username: fmt.Sprintf("bad%d", i)}
	}
	s.options.Notable, s.options.Personal = s.changes[:1], report.IDs
	d, m := s.doc(t), s.mail(t)
	shown := func(what, text string, names ...string) {
		t.Helper()
		for _, name := range names {
			if !strings.Contains(text, name) {
				t.Errorf("the %s does not name %s", what, name)
			}
		}
	}
	shown("report", text(t, func(b *bytes.Buffer) error { return report.Text(b, d, stream(s.changes...), report.Options{}) }), "person0  ", "usernames bad0, bad7")
	shown("plan", text(t, func(b *bytes.Buffer) error { return report.PlanText(b, d, stream(s.changes...), report.Options{}) }), "person0  ")
	shown("list", text(t, func(b *bytes.Buffer) error { _, err := report.ChangesText(b, stream(s.changes...)); return err }), "person0 ", "owns it by its username\n")
	shown("mail", m.Text, "person0", "usernames bad0, bad7")
	shown("mail's HTML", m.HTML, "person0", "usernames bad0, bad7")
	for o, err := range report.Mask(stream(s.changes...), roster.Hidden{"username": true}) {
		if err != nil || o.Username != "" {
			t.Errorf("hidden, and yet a report has %q (%v)", o.Username, err)
		}
	}
}

func TestAPlanHidesNoMembershipThatGoesBehindMoreFields(t *testing.T) {
	s := clean()
	o := &s.changes[1]
	for _, f := range []roster.Field{roster.City, roster.Phone1, roster.Title} {
		o.Fields = append(o.Fields, plan.FieldChange{Field: f, Name: f.String(), Old: "a", New: "b"})
	}
	for _, name := range []string{"in1", "in2", "out1", "out2", "out3"} {
		in := strings.HasPrefix(name, "in")
		o.Memberships = append(o.Memberships, plan.GrantChange{Membership: roster.Membership{Kind: "cohort", Name: name}, Was: !in, Is: in})
	}
	d := s.doc(t)
	got := text(t, func(b *bytes.Buffer) error { return report.PlanText(b, d, stream(s.changes...), report.Options{}) })
	if want := "· 2 more fields · -cohort:out1 · -cohort:out2 · 1 more membership taken away · +cohort:in1 · +cohort:in2\n"; !strings.Contains(got, want) {
		t.Errorf("got\n%s\nwant %s", got, want)
	}
}
