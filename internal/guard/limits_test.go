package guard_test

import (
	"math"
	"slices"
	"testing"
	"time"

	"rollcall/internal/guard"
)

func TestTheDefaultsAreValid(t *testing.T) {
	if got := guard.DefaultLimits().Validate(); len(got) > 0 {
		t.Errorf("faults = %v, want none", got)
	}
}

func TestValidateReportsEverythingAtOnce(t *testing.T) {
	l := guard.Limits{
		MaxRemovals: guard.Limit{Percent: 101},
		MaxAdds:     guard.Limit{Percent: math.NaN()},
		MaxRenames:  guard.Limit{Floor: -1},
		MaxFieldChange: map[string]guard.Limit{
			"default": {Percent: -1}, "departement": {Percent: 5}, "username": {Percent: 5}, "status": {Percent: 5},
		},
		MinRows:     guard.Limit{Percent: 120},
		MaxRows:     guard.Limit{Percent: 80},
		MaxRejected: guard.Limit{Percent: math.Inf(1)},
		Canaries:    []string{"1", " "},
		FirstRun:    "ask",
		HoldFor:     91 * 24 * time.Hour,
		OnHold:      "some",
	}
	want := []string{
		"guardrails.max_removals: 101 % is not a share from 0 to 100 %",
		"guardrails.max_adds: NaN % is not a share from 0 to 1000 %",
		"guardrails.max_renames: -1 is not a number from 0 to 100000000",
		"guardrails.max_field_change.default: -1 % is not a share from 0 to 100 %",
		`guardrails.max_field_change.departement: "departement" is not an account field; name a field, or default for all others`,
		"guardrails.max_field_change.status: no feed writes this field; suspensions and deletions are limited by guardrails.max_removals",
		"guardrails.max_field_change.username: a new username is a rename; set guardrails.max_renames",
		"guardrails.min_rows: 120 % is not a share from 0 to 100 %",
		"guardrails.max_rows: 80 % is not a share from 100 to 1000 %",
		"guardrails.max_rejected: +Inf % is not a share from 0 to 100 %",
		"guardrails.canaries[1]: is empty; write the key of a person whom every full drop lists",
		`guardrails.first_run: "ask" is not allowed; write hold or apply`,
		"guardrails.hold_for: 2184h0m0s is not a time up to 90d; write how long a held run waits for a person, like 96h",
		`guardrails.on_hold: "some" is not allowed; write all or removals`,
	}
	var got []string
	for _, f := range l.Validate() {
		got = append(got, f.Error())
	}
	if !slices.Equal(got, want) {
		t.Errorf("faults =\n%q\nwant\n%q", got, want)
	}
}

func TestALimitIsWrittenAsAShareOrANumber(t *testing.T) {
	for _, tt := range []struct {
		text string
		want guard.Limit
		ok   bool
	}{
		{"5%", guard.Limit{Percent: 5, NoFloor: true}, true},
		{" 2.5 % ", guard.Limit{Percent: 2.5, NoFloor: true}, true},
		{"20", guard.Limit{Floor: 20}, true},
		{"0", guard.Limit{}, true},
		{"five", guard.Limit{}, false},
		{"%", guard.Limit{}, false},
		{"2.5", guard.Limit{}, false},
		{"", guard.Limit{}, false},
	} {
		var got guard.Limit
		err := got.UnmarshalText([]byte(tt.text))
		if (err == nil) != tt.ok || got != tt.want {
			t.Errorf("%q = %+v, %v, want %+v, ok %t", tt.text, got, err, tt.want, tt.ok)
		}
	}
}
