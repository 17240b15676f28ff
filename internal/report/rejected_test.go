package report_test

import (
	"strings"
	"testing"

	"rollcall/internal/journal"
	"rollcall/internal/plan"
	"rollcall/internal/report"
	"rollcall/internal/roster"
)

// TestWarningsOfARejectedRowAreNotCalledApplied: the row of line 7 has an error too,
// so nothing of it was applied; that of line 9 was.
func TestWarningsOfARejectedRowAreNotCalledApplied(t *testing.T) {
	all := []roster.Problem{
		roster.NewProblem("E201", 7, "107"), roster.NewProblem("E115", 7, "107"), roster.NewProblem("E203", 7, "107"),
		roster.NewProblem("E201", 9, "109"),
	}
	run := &journal.Run{Number: 41, Profile: "hr", Kind: journal.Sync, Status: journal.Warn, Facts: plan.Facts{Rows: plan.Rows{Read: 2, Updated: 1, Rejected: 1}}}
	d, err := report.Build(run, func(yield func(roster.Problem, error) bool) {
		for _, p := range all {
			if !yield(p, nil) {
				return
			}
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	var b strings.Builder
	if err := report.Text(&b, d, nil, report.Options{}); err != nil {
		t.Fatal(err)
	}
	_, rejected, found := strings.Cut(b.String(), "Also wrong in rejected rows (2 new)")
	also, applied, both := strings.Cut(rejected, "Applied, with a warning (1 new)")
	switch {
	case !found || !both:
		t.Errorf("no such sections:\n%s", b.String())
	case strings.Count(also, "line 7") != 2 || !strings.Contains(also, "E203"):
		t.Errorf("of the rejected row:\n%s", also)
	case !strings.Contains(applied, "line 9") || strings.Contains(applied, "line 7"):
		t.Errorf("applied:\n%s", applied)
	}
}

// TestWarningsOfARunThatWaitsAreNotCalledApplied: of a held run nothing was.
func TestWarningsOfARunThatWaitsAreNotCalledApplied(t *testing.T) {
	for status, want := range map[journal.Status]string{
		journal.Warn: "\nApplied, with a warning (1 new)", journal.Held: "\nWith a warning, if it were applied (1 new)", journal.Rejected: "\nWith a warning, if it were applied (1 new)",
	} {
		run := &journal.Run{Number: 41, Profile: "hr", Kind: journal.Sync, Status: status, Facts: plan.Facts{Rows: plan.Rows{Read: 1, Added: 1}}}
		d, err := report.Build(run, func(yield func(roster.Problem, error) bool) {
			yield(roster.NewProblem("E201", 9, "109"), nil)
		})
		if err != nil {
			t.Fatal(err)
		}
		var b strings.Builder
		if err := report.Text(&b, d, nil, report.Options{}); err != nil {
			t.Fatal(err)
		}
		if !strings.Contains(b.String(), want) {
			t.Errorf("a run that is %s lacks %q:\n%s", status, want, b.String())
		}
	}
}
