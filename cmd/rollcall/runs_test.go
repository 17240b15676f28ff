package main

import (
	"slices"
	"strings"
	"testing"

	"rollcall/internal/guard"
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

func TestWhatIsRejectedComesBackAsItsSourceSendsIt(t *testing.T) {
	for from, want := range map[string]string{
		"sftp": "only with rollcall run staff --file F",
		"ldap": "One that differs is planned as usual",
		"file": "none of its changes will be made.\n",
	} {
		text := rejected(&journal.Run{Number: 9, Kind: journal.Sync, Profile: "staff", Input: journal.Input{Source: from}})
		if !strings.Contains(text, want) || strings.Contains(text, "file") != (from == "sftp") {
			t.Errorf("%s: %s\nwant %q", from, text, want)
		}
	}
}

func TestAGuardrailThatHoldsForSeveralFieldsIsNamedOnce(t *testing.T) {
	got := tripped([]guard.Finding{
		{Name: "max_removals"},
		{Name: "max_field_change", Tripped: true},
		{Name: "max_field_change", Tripped: true},
		{Name: "min_rows", Tripped: true},
	})
	if want := []string{"max_field_change", "min_rows"}; !slices.Equal(got, want) {
		t.Errorf("held because of %q, want %q", got, want)
	}
}
