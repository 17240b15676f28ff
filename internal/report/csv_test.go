package report_test

import (
	"bytes"
	"encoding/csv"
	"errors"
	"strings"
	"testing"

	"rollcall/internal/journal"
	"rollcall/internal/plan"
	"rollcall/internal/report"
	"rollcall/internal/roster"
)

func results(t *testing.T, s *story) string {
	t.Helper()
	return text(t, func(b *bytes.Buffer) error {
		return report.Results(b, &s.run, stream(s.changes...), stream(s.problems...))
	})
}

func TestTheResultsOfARun(t *testing.T) {
	s := dirty()
	s.changes = append(s.changes, journal.Outcome{Done: journal.LeftOut, Note: "the account has changed since", Change: plan.Change{Action: plan.Update, Account: 9, Key: "9", Reason: "the record differs"}})
	s.changes = append(s.changes, journal.Outcome{Done: journal.Applied, Change: plan.Change{Action: plan.Suspend, Account: 10, Key: "10", Reason: "expired 2026-11-20", ByDate: true}})
	golden(t, "42.results.csv", strings.ReplaceAll(results(t, s), "\r\n", "\n"))
	golden(t, "1-planned.results.csv", strings.ReplaceAll(results(t, first()), "\r\n", "\n"))
}

func TestTheProblemsForHR(t *testing.T) {
	s := dirty()
	got := text(t, func(b *bytes.Buffer) error { return report.ProblemsCSV(b, &s.run, stream(s.problems...), report.IDs) })
	golden(t, "42.problems.csv", strings.ReplaceAll(got, "\r\n", "\n"))
}

func TestLinesEndAsRFC4180Says(t *testing.T) {
	got := results(t, clean())
	if lines, ends := strings.Count(got, "\n"), strings.Count(got, "\r\n"); lines != ends || lines == 0 {
		t.Errorf("line ends = %d, with a carriage return = %d", lines, ends)
	}
}

func TestACellIsNeverAFormula(t *testing.T) {
	for _, bad := range []string{"=1+1", "+1", "-1", "@SUM(A1)", "\tx", "\rx", "\nx", "＝1+1", "＋1", "－1", "＠SUM(A1)"} {
		s := clean()
		s.changes = []journal.Outcome{{Change: plan.Change{
			Action: plan.Update, Key: roster.Key(bad), Username: bad, Reason: bad,
			Fields: []plan.FieldChange{{Field: roster.Title, Name: "title", Old: bad, New: bad}},
		}}}
		s.problems = []roster.Problem{{Code: "E118", Severity: roster.SeverityWarning, Key: roster.Key(bad), Text: bad, Fix: bad}}
		both := results(t, s) + text(t, func(b *bytes.Buffer) error { return report.ProblemsCSV(b, &s.run, stream(s.problems...), report.IDs) })
		r := csv.NewReader(strings.NewReader(both))
		r.FieldsPerRecord = -1
		rows, err := r.ReadAll()
		if err != nil {
			t.Fatal(err)
		}
		for _, row := range rows {
			for _, cell := range row {
				if cell != "" && strings.ContainsRune("=+-@\t\r\n＝＋－＠", []rune(cell)[0]) {
					t.Errorf("%q: cell %q begins a formula", bad, cell)
				}
			}
		}
	}
}

func TestATableEndsWithTheErrorOfItsStreams(t *testing.T) {
	s := clean()
	if err := report.Results(&bytes.Buffer{}, &s.run, broken[journal.Outcome], stream[roster.Problem]()); !errors.Is(err, errDisk) {
		t.Errorf("results, changes: %v, want %v", err, errDisk)
	}
	if err := report.Results(&bytes.Buffer{}, &s.run, stream[journal.Outcome](), broken[roster.Problem]); !errors.Is(err, errDisk) {
		t.Errorf("results, problems: %v, want %v", err, errDisk)
	}
	if err := report.ProblemsCSV(&bytes.Buffer{}, &s.run, broken[roster.Problem], report.IDs); !errors.Is(err, errDisk) {
		t.Errorf("problems: %v, want %v", err, errDisk)
	}
	if err := report.ProblemsCSV(&failing{10}, &s.run, stream(dirty().problems...), report.IDs); !errors.Is(err, errDisk) {
		t.Errorf("problems, full disk: %v, want %v", err, errDisk)
	}
}

func TestAColumnsNameCannotTurnALineOfTheFilesAround(t *testing.T) {
	s := dirty()
	p := roster.NewProblem("E104", 3, "100")
	p.Column = "Na\u202eme"
	s.problems = []roster.Problem{p}
	for name, got := range map[string]string{
		"results.csv":  results(t, s),
		"problems.csv": text(t, func(b *bytes.Buffer) error { return report.ProblemsCSV(b, &s.run, stream(s.problems...), report.IDs) }),
	} {
		if strings.Contains(got, "\u202e") || !strings.Contains(got, "column Na‹U+202E›me:") {
			t.Errorf("%s: %q", name, got)
		}
	}
}
