package journal_test

import (
	"testing"

	"rollcall/internal/guard"
	"rollcall/internal/journal"
	"rollcall/internal/plan"
)

func TestWhatARunCameTo(t *testing.T) {
	removals := guard.Finding{Name: "max_removals", Tripped: true}
	rows := guard.Finding{Name: "min_rows", Tripped: true}
	unreadable := guard.Finding{Name: "unreadable_key", Tripped: true}
	changed := plan.Facts{Rows: plan.Rows{Updated: 3}}

	for _, tt := range []struct {
		name   string
		run    journal.Run
		status journal.Status
		exit   int
	}{
		{"changed without problems", journal.Run{Facts: changed}, journal.OK, 0},
		{"nothing to do (R104)", journal.Run{}, journal.Unchanged, 0},
		{"nothing to do, and a note (R8)", journal.Run{Facts: plan.Facts{Notes: 4}}, journal.Unchanged, 0},
		{"changed, and a note (R8)", journal.Run{Facts: plan.Facts{Rows: plan.Rows{Added: 1}, Notes: 4}}, journal.OK, 0},
		{"a row was rejected (R8)", journal.Run{Facts: plan.Facts{Rows: plan.Rows{Updated: 3, Rejected: 1}, Errors: 1}}, journal.Warn, 10},
		{"a warning and nothing to do (R104)", journal.Run{Facts: plan.Facts{Warnings: 1}}, journal.Warn, 10},
		{"only absent people changed", journal.Run{Facts: plan.Facts{Absent: plan.Absent{Suspended: 1}}}, journal.OK, 0},
		{"only dates changed", journal.Run{Facts: plan.Facts{ByDate: plan.ByDate{Expired: 1}}}, journal.OK, 0},
		{"a guardrail tripped", journal.Run{Facts: changed, Findings: []guard.Finding{removals}}, journal.Held, 11},
		{"held, with errors in rows", journal.Run{Facts: plan.Facts{Errors: 9}, Findings: []guard.Finding{rows}}, journal.Held, 11},
		{"approved", journal.Run{Facts: changed, Findings: []guard.Finding{removals, rows}, Approved: true}, journal.OK, 0},
		{"approved, with errors in rows", journal.Run{Facts: plan.Facts{Errors: 9}, Findings: []guard.Finding{removals}, Approved: true}, journal.Warn, 10},
		{"on_hold: removals left them out", journal.Run{Facts: changed, Findings: []guard.Finding{removals}, Excepted: 612}, journal.Warn, 10},
		{"removals left out, but more had tripped", journal.Run{Facts: changed, Findings: []guard.Finding{removals, rows}, Excepted: 612}, journal.Held, 11},
		{"approved except the removals, and nothing else was in it", journal.Run{Findings: []guard.Finding{removals}, Excepted: 612, Approved: true}, journal.OK, 0},
		{"a key could not be read (R3)", journal.Run{Facts: plan.Facts{Errors: 1}, Findings: []guard.Finding{unreadable}}, journal.Warn, 10},
		{"all that there was had moved", journal.Run{LeftOut: 1}, journal.OK, 0},
		{"a plan", journal.Run{DryRun: true, Facts: changed}, journal.Dry, 0},
		{"a plan that a run would hold", journal.Run{DryRun: true, Facts: plan.Facts{Errors: 2}, Findings: []guard.Finding{removals}}, journal.Dry, 0},
		{"the drop was refused", journal.Run{Code: "E411", Error: "E411: the file is empty"}, journal.Failed, 12},
		{"a row proves the drop wrong (R18)", journal.Run{Code: "E102", Error: "E102: line 10: a quote swallows rows"}, journal.Failed, 12},
		{"a plan of a refused drop", journal.Run{DryRun: true, Code: "E411", Error: "E411: the file is empty"}, journal.Failed, 12},
		{"the folder of the drops is gone", journal.Run{Code: "E405", Error: "E405: the folder does not exist"}, journal.Failed, 12},
		{"the configuration is wrong", journal.Run{Code: "C110", Error: "C110: hr.yaml:3:1"}, journal.Failed, 15},
		{"anything else went wrong", journal.Run{Error: "apply: no space left on device"}, journal.Failed, 1},
		{"a drop is overdue", journal.Run{Status: journal.Missing}, journal.Missing, 13},
		{"a person rejected it", journal.Run{Status: journal.Rejected, ExitCode: 11}, journal.Rejected, 11},
		{"a newer drop took its place", journal.Run{Status: journal.Superseded, ExitCode: 11}, journal.Superseded, 11},
		{"it was taken back", journal.Run{Status: journal.Reverted, ExitCode: 10}, journal.Reverted, 10},
		{"its process died", journal.Run{Status: journal.Interrupted, ExitCode: 1}, journal.Interrupted, 1},
		{"it was still running", journal.Run{Status: journal.Running, Facts: changed}, journal.OK, 0},
		{"a plan that is applied after all", journal.Run{Status: journal.Dry, Facts: changed}, journal.OK, 0},
		{"a held plan that is approved", journal.Run{Status: journal.Held, ExitCode: 11, Facts: changed, Findings: []guard.Finding{removals}, Approved: true}, journal.OK, 0},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r := tt.run
			journal.Settle(&r)
			if r.Status != tt.status || r.ExitCode != tt.exit {
				t.Errorf("status %s, exit %d, want %s, %d", r.Status, r.ExitCode, tt.status, tt.exit)
			}
		})
	}
}

func TestOneExitCodeTheFirstThatApplies(t *testing.T) {
	order := []int{16, 15, 14, 12, 13, 1, 11, 17, 10, 0}
	for i, high := range order {
		for _, low := range order[i:] {
			if got := journal.ExitCode(low, high); got != high {
				t.Errorf("code of %d and %d = %d, want %d", low, high, got, high)
			}
		}
	}
	if got := journal.ExitCode(); got != 0 {
		t.Errorf("code of nothing = %d, want 0", got)
	}
	if got := journal.ExitCode(10, 143, 16); got != 143 {
		t.Errorf("code of an interrupted process = %d, want 143", got)
	}
}
