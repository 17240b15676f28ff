package main

import (
	"testing"

	"rollcall/internal/journal"
	"rollcall/internal/plan"
)

func TestWhoIsAskedAboutTakingBackIsToldWhatItWouldChange(t *testing.T) {
	j := &journal.Run{Number: 2, Status: journal.OK, Facts: plan.Facts{
		Rows:   plan.Rows{Added: 1200, Renamed: 1, Reactivated: 2},
		Absent: plan.Absent{Suspended: 3},
		ByDate: plan.ByDate{Started: 1},
	}}
	want := `What run 2 did, and what would become of it:
   1,200 added: removed outright, name and key free again
       1 renamed: the former usernames come back
       3 activated: suspended again
       3 suspended: active again
What has changed since is left alone and listed. The guardrails apply.`
	if got := inReverse(j, false); got != want {
		t.Errorf("the whole run:\n%s\nwant\n%s", got, want)
	}
	for _, status := range []journal.Status{journal.Held, journal.Dry, journal.Reverted} {
		j.Status = status
		if got := inReverse(j, false); got != "" {
			t.Errorf("of a run that is %s: %q, want nothing", status, got)
		}
	}
}
