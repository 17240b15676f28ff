package guard_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"rollcall/internal/guard"
	"rollcall/internal/plan"
	"rollcall/internal/roster"
)

// settled is the baseline of a profile that has run for a week.
var settled = guard.Baseline{Applied: true, MedianRows: 1000, RowHistory: []int{998, 1001, 1000, 1000, 1003}}

// ordinary is a full drop of a thousand rows that changes nobody.
func ordinary() plan.Facts {
	return plan.Facts{Full: true, Rows: plan.Rows{Read: 1000, Unchanged: 1000}, Owned: 1000, ActiveBefore: 1000, ActiveAfter: 1000}
}

// find is the finding of a guardrail; the test ends where it was not weighed.
func find(t *testing.T, found []guard.Finding, name string) guard.Finding {
	t.Helper()
	i := slices.IndexFunc(found, func(f guard.Finding) bool { return f.Name == name })
	if i < 0 {
		t.Fatalf("findings = %v, want one of %s", names(found), name)
	}
	return found[i]
}

func names(found []guard.Finding) []string {
	var all []string
	for _, f := range found {
		all = append(all, f.Name)
	}
	return all
}

func TestR104ANumberThatDoesNotFollowTheLastHolds(t *testing.T) {
	for _, tt := range []struct {
		s       guard.Sequence
		missing int
		text    string
	}{
		{guard.Sequence{Number: 42, Last: 41, Follows: true}, 0, "number 42 follows 41"},
		{guard.Sequence{Number: 43, Last: 41, Follows: true}, 1, "42 is missing"},
		{guard.Sequence{Number: 44, Last: 41, Follows: true}, 2, "42 and 43 are missing"},
		{guard.Sequence{Number: 45, Last: 41, Follows: true}, 3, "42 to 44 are missing"},
		{guard.Sequence{Number: 45}, 0, "begins with number 45"},
	} {
		b := settled
		b.Sequence = &tt.s
		found := guard.Check(guard.DefaultLimits(), ordinary(), b)
		got := find(t, found, "sequence")
		if got.Value != tt.missing || got.Tripped != (tt.missing > 0) || guard.Holds(found) != got.Tripped || (got.Code == "E409") != got.Tripped || !strings.Contains(got.Text, tt.text) {
			t.Errorf("%+v: %+v", tt.s, got)
		}
	}
	if found := guard.Check(guard.DefaultLimits(), ordinary(), settled); slices.Contains(names(found), "sequence") {
		t.Error("where drops have no number there is one")
	}
}

// Each limit is tried one below, at, and one above the last count that passes.
func TestALimitTripsOneAboveWhatItLetsPass(t *testing.T) {
	type counts func(n int) (plan.Facts, guard.Baseline)
	with := func(base int, set func(f *plan.Facts, n int)) counts {
		return func(n int) (plan.Facts, guard.Baseline) {
			f := ordinary()
			f.ActiveBefore, f.Owned = base, base
			set(&f, n)
			return f, settled
		}
	}
	removals := func(f *plan.Facts, n int) { f.Removals = n }
	adds := func(f *plan.Facts, n int) { f.Adds = n }
	renames := func(f *plan.Facts, n int) { f.Renames = n }
	department := func(f *plan.Facts, n int) { f.FieldChanges = map[string]int{"department": n} }
	rejected := func(f *plan.Facts, n int) { f.NewRejected = n }
	rows := func(f *plan.Facts, n int) { f.Rows.Read = n }
	median := func(m int) counts {
		return func(n int) (plan.Facts, guard.Baseline) {
			f := ordinary()
			f.Rows.Read = n
			return f, guard.Baseline{Applied: true, MedianRows: m, RowHistory: []int{m}}
		}
	}
	granted := func(base int) counts {
		return func(n int) (plan.Facts, guard.Baseline) {
			f, b := ordinary(), settled
			f.MembershipsRemoved, b.Granted = n, base
			return f, b
		}
	}
	limits := func(change func(l *guard.Limits)) guard.Limits {
		l := guard.DefaultLimits()
		change(&l)
		return l
	}
	own := guard.DefaultLimits()

	for _, tt := range []struct {
		name, guard, code string
		limits            guard.Limits
		facts             counts
		last              int // that passes
		step              int // towards what trips
	}{
		{"5 % of the active accounts are removed", "max_removals", "E501", own, with(1000, removals), 50, 1},
		{"5 % rounds down", "max_removals", "E501", own, with(1019, removals), 50, 1},
		{"a small site may always lose five", "max_removals", "E501", own, with(20, removals), 5, 1},
		{"a written share keeps the floor", "max_removals", "E501", limits(func(l *guard.Limits) { l.MaxRemovals = guard.Limit{Percent: 1, NoFloor: true} }), with(100, removals), 5, 1},
		{"a written number is exact", "max_removals", "E501", limits(func(l *guard.Limits) { l.MaxRemovals = guard.Limit{Floor: 2} }), with(1000, removals), 2, 1},
		{"none at all", "max_removals", "E501", limits(func(l *guard.Limits) { l.MaxRemovals = guard.Limit{} }), with(1000, removals), 0, 1},
		{"a fraction of a percent loses nothing in binary", "max_removals", "E501", limits(func(l *guard.Limits) { l.MaxRemovals = guard.Limit{Percent: 1.15} }), with(20000, removals), 230, 1},
		{"half of ten", "everybody", "E511", own, with(10, removals), 5, 1},
		{"half of eleven", "everybody", "E511", own, with(11, removals), 5, 1},
		{"half of the four that everybody begins with", "everybody", "E511", own, with(4, removals), 2, 1},
		{"25 % are added", "max_adds", "E504", own, with(1000, adds), 250, 1},
		{"fifty are always added", "max_adds", "E504", own, with(100, adds), 50, 1},
		{"2 % are renamed", "max_renames", "E505", own, with(1000, renames), 20, 1},
		{"five are always renamed", "max_renames", "E505", own, with(100, renames), 5, 1},
		{"30 % get another department", "max_field_change", "E506", own, with(1000, department), 300, 1},
		{"twenty always get another department", "max_field_change", "E506", own, with(30, department), 20, 1},
		{"a field's own limit", "max_field_change", "E506", limits(func(l *guard.Limits) { l.MaxFieldChange["department"] = guard.Limit{Percent: 50} }), with(1000, department), 500, 1},
		{"no default written", "max_field_change", "E506", limits(func(l *guard.Limits) { l.MaxFieldChange = nil }), with(1000, department), 300, 1},
		{"5 % are newly rejected", "max_rejected", "E508", own, with(1000, rejected), 50, 1},
		{"ten are always rejected", "max_rejected", "E508", own, with(100, rejected), 10, 1},
		{"a fifth of what the feed granted is taken away", "max_membership_removals", "E507", own, granted(1000), 200, 1},
		{"twenty memberships are always taken away", "max_membership_removals", "E507", own, granted(30), 20, 1},
		{"a fifth of the rows is gone", "min_rows", "E509", own, median(1000), 800, -1},
		{"a fifth rounds down", "min_rows", "E509", own, median(1004), 804, -1},
		{"fifty rows may always go", "min_rows", "E509", own, median(100), 50, -1},
		{"fewer rows than a number", "min_rows", "E509", limits(func(l *guard.Limits) { l.MinRows = guard.Limit{Floor: 900} }), with(1000, rows), 900, -1},
		{"three times the rows", "max_rows", "E510", own, median(1000), 3000, 1},
		{"fifty rows may always come", "max_rows", "E510", own, median(10), 60, 1},
		{"more rows than a number", "max_rows", "E510", limits(func(l *guard.Limits) { l.MaxRows = guard.Limit{Floor: 1100} }), with(1000, rows), 1100, 1},
	} {
		t.Run(tt.guard+": "+tt.name, func(t *testing.T) {
			for _, by := range []int{-1, 0, 1} {
				n := tt.last + by*tt.step
				if n < 0 {
					continue
				}
				f, b := tt.facts(n)
				got := find(t, guard.Check(tt.limits, f, b), tt.guard)
				if got.Tripped != (by > 0) {
					t.Errorf("%d: tripped = %t, want %t (%s)", n, got.Tripped, by > 0, got.Text)
				}
				if got.Value != n || got.Limit != tt.last {
					t.Errorf("%d: value %d, limit %d, want %d and %d", n, got.Value, got.Limit, n, tt.last)
				}
				want := ""
				if by > 0 {
					want = tt.code
				}
				if got.Code != want {
					t.Errorf("%d: code = %q, want %q", n, got.Code, want)
				}
			}
		})
	}
}

func TestEveryCodeOfAGuardIsInTheTable(t *testing.T) {
	f := ordinary()
	f.Removals, f.Adds, f.Renames, f.NewRejected, f.UnreadableKeys = 900, 900, 900, 900, 1
	f.FieldChanges = map[string]int{"email": 900}
	f.MissingCanaries = []string{"100001"}
	l := guard.DefaultLimits()
	l.Canaries = []string{"100001"}

	var found []guard.Finding
	for _, rows := range []int{10, 1_000_000} {
		f.Rows.Read = rows
		found = append(found, guard.Check(l, f, settled)...)
	}
	f.Rows.Added = 1
	found = append(found, guard.Check(l, f, guard.Baseline{})...)

	seen := map[string]bool{}
	for _, one := range found {
		if one.Tripped {
			seen[one.Code] = true
			if roster.Codes[one.Code].Text == "" {
				t.Errorf("%s: code %q is not in roster.Codes", one.Name, one.Code)
			}
		}
	}
	if len(seen) != 11 {
		t.Errorf("codes that tripped = %d %v, want all 11", len(seen), seen)
	}
}

func TestThreeOfFewerThanFourAreNotEverybody(t *testing.T) {
	f := ordinary()
	f.Owned, f.ActiveBefore, f.Removals = 3, 3, 3
	if got := names(guard.Check(guard.DefaultLimits(), f, settled)); slices.Contains(got, "everybody") {
		t.Errorf("findings = %v, want no everybody for three accounts", got)
	}
}

func TestEveryFieldThatTripsIsNamedAndElseTheNearest(t *testing.T) {
	f := ordinary()
	f.FieldChanges = map[string]int{"title": 301, "email": 400, "city": 7, "username": 900}
	var got []string
	for _, one := range guard.Check(guard.DefaultLimits(), f, settled) {
		if one.Name == "max_field_change" {
			got = append(got, one.Text)
		}
	}
	want := []string{
		"email would change for 400 of 1,000 active accounts (40 %); the limit is 300",
		"title would change for 301 of 1,000 active accounts (30.1 %); the limit is 300",
	}
	if !slices.Equal(got, want) {
		t.Errorf("texts = %q, want %q", got, want)
	}

	f.FieldChanges = map[string]int{"title": 6, "city": 7, "phone1": 2}
	if got, want := find(t, guard.Check(guard.DefaultLimits(), f, settled), "max_field_change").Text, "city would change for 7 of 1,000 active accounts (0.7 %); the limit is 300"; got != want {
		t.Errorf("text = %q, want %q", got, want)
	}
}

func TestRowsAreWeighedOnlyForFullDropsWithAHistory(t *testing.T) {
	for _, tt := range []struct {
		name string
		full bool
		b    guard.Baseline
		want bool
	}{
		{"a full drop with a history", true, settled, true},
		{"a delta", false, settled, false},
		{"a first drop", true, guard.Baseline{}, false},
	} {
		f := ordinary()
		f.Full = tt.full
		got := names(guard.Check(guard.DefaultLimits(), f, tt.b))
		if slices.Contains(got, "min_rows") != tt.want || slices.Contains(got, "max_rows") != tt.want {
			t.Errorf("%s: findings = %v, want rows weighed: %t", tt.name, got, tt.want)
		}
	}
}

func TestAFirstRunMayAddAndRejectByItsOwnRows(t *testing.T) {
	f := plan.Facts{Full: true, Rows: plan.Rows{Read: 1000, Added: 1000}, Adds: 1000}
	found := guard.Check(guard.DefaultLimits(), f, guard.Baseline{})
	if slices.Contains(names(found), "max_adds") {
		t.Errorf("findings = %v, want no max_adds in a first run", names(found))
	}
	f.NewRejected = 50
	if got := find(t, guard.Check(guard.DefaultLimits(), f, guard.Baseline{}), "max_rejected"); got.Tripped || got.Limit != 50 {
		t.Errorf("50 rejected of a thousand first rows: limit %d, tripped %t, want 50 and false", got.Limit, got.Tripped)
	}
}

func TestAMissingCanaryHoldsAndIsNamed(t *testing.T) {
	l := guard.DefaultLimits()
	l.Canaries = []string{"1", "2", "3", "4", "5", "6", "7"}
	f := ordinary()
	if got := find(t, guard.Check(l, f, settled), "canaries"); got.Tripped {
		t.Errorf("all there: tripped (%s)", got.Text)
	}
	f.MissingCanaries = []string{"1"}
	found := guard.Check(l, f, settled)
	if got, want := find(t, found, "canaries").Text, "1 of 7 canaries is missing from the drop: 1"; got != want {
		t.Errorf("text = %q, want %q", got, want)
	}
	if !guard.Holds(found) {
		t.Error("a missing canary does not hold")
	}
	f.MissingCanaries = []string{"1", "2", "3", "4", "5", "6"}
	if got, want := find(t, guard.Check(l, f, settled), "canaries").Text, "6 of 7 canaries are missing from the drop: 1, 2, 3, 4, 5 and 1 more"; got != want {
		t.Errorf("text = %q, want %q", got, want)
	}
	f.Full = false
	if got := names(guard.Check(l, f, settled)); slices.Contains(got, "canaries") {
		t.Errorf("findings = %v, want no canaries in a delta", got)
	}
}

func TestR3AnUnreadableKeyIsToldAndDoesNotHold(t *testing.T) {
	f := ordinary()
	f.UnreadableKeys, f.Withheld = 2, 14
	found := guard.Check(guard.DefaultLimits(), f, settled)
	got := find(t, found, "unreadable_key")
	if !got.Tripped || got.Code != "E513" {
		t.Errorf("tripped %t, code %q, want true and E513", got.Tripped, got.Code)
	}
	if want := "the key of 2 rows cannot be read, so anybody could be meant: the run goes on without removals by absence (14 left out)"; got.Text != want {
		t.Errorf("text = %q, want %q", got.Text, want)
	}
	if guard.Holds(found) {
		t.Error("an unreadable key holds the plan")
	}
}

func TestTheFirstRunWaitsForAPerson(t *testing.T) {
	change := func(f *plan.Facts) { f.Rows.Updated = 1 }
	remove := func(f *plan.Facts) { f.Removals = 1 }
	rename := func(f *plan.Facts) { f.Renames = 1 }
	remapped := guard.Baseline{Applied: true, Remapped: true}
	for _, tt := range []struct {
		name     string
		set      func(*plan.Facts)
		b        guard.Baseline
		firstRun string
		want     bool
	}{
		{"a first run with a change", change, guard.Baseline{}, "hold", true},
		{"a first run without a change", func(*plan.Facts) {}, guard.Baseline{}, "hold", false},
		{"a first run that may apply", change, guard.Baseline{}, "apply", false},
		{"a second run", change, settled, "hold", false},
		{"another mapping that removes", remove, remapped, "hold", true},
		{"another mapping that renames", rename, remapped, "hold", true},
		{"another mapping that only updates", change, remapped, "hold", false},
		{"another mapping that removes and may", remove, remapped, "apply", false},
	} {
		l := guard.DefaultLimits()
		l.FirstRun = tt.firstRun
		f := ordinary()
		tt.set(&f)
		if got := guard.Holds(guard.Check(l, f, tt.b)); got != tt.want {
			t.Errorf("%s: holds = %t, want %t", tt.name, got, tt.want)
		}
	}
}

func TestOnlyRemovalsTrippedOrMore(t *testing.T) {
	tripped := func(names ...string) []guard.Finding {
		found := []guard.Finding{{Name: "max_adds"}}
		for _, n := range names {
			found = append(found, guard.Finding{Name: n, Tripped: true})
		}
		return found
	}
	for _, tt := range []struct {
		names []string
		want  bool
	}{
		{nil, false},
		{[]string{"max_removals"}, true},
		{[]string{"max_removals", "everybody"}, true},
		{[]string{"max_removals", "everybody", "unreadable_key"}, true},
		{[]string{"unreadable_key"}, false},
		{[]string{"max_removals", "min_rows"}, false},
		{[]string{"canaries"}, false},
		{[]string{"max_removals", "a guard of a newer rollcall"}, false},
	} {
		if got := guard.OnlyRemovals(tripped(tt.names...)); got != tt.want {
			t.Errorf("only removals of %v = %t, want %t", tt.names, got, tt.want)
		}
	}
}

func TestAnOrdinaryDayTripsNothing(t *testing.T) {
	f := ordinary()
	f.Removals, f.Adds, f.Renames, f.NewRejected = 4, 7, 1, 2
	f.FieldChanges = map[string]int{"department": 14, "title": 9}
	found := guard.Check(guard.DefaultLimits(), f, settled)
	for _, one := range found {
		if one.Tripped {
			t.Errorf("%s tripped: %s", one.Name, one.Text)
		}
	}
	if guard.Holds(found) {
		t.Error("an ordinary day holds")
	}
}

func TestAFindingIsASentenceWithItsNumbers(t *testing.T) {
	f := ordinary()
	f.Owned, f.ActiveBefore, f.Removals, f.Adds, f.Renames, f.NewRejected, f.Rows.Read = 4900, 4817, 612, 1, 2, 1, 4209
	b := guard.Baseline{Applied: true, MedianRows: 4819, RowHistory: []int{4819}}
	var got strings.Builder
	for _, one := range guard.Check(guard.DefaultLimits(), f, b) {
		fmt.Fprintf(&got, "%s: %s\n", one.Name, one.Text)
	}
	want := `max_removals: 612 of 4,817 active accounts would be removed (12.7 %); the limit is 240
everybody: 612 of all 4,900 accounts of the profile would be removed (12.5 %); more than half always waits for a person
max_adds: 1 account would be added to 4,817 active ones (0.02 %); the limit is 1,204
max_renames: 2 of 4,817 active accounts would be renamed or get another key (0.04 %); the limit is 96
max_field_change: no field would change for anybody who has it
max_rejected: 1 of 4,209 rows are newly rejected (0.02 %); the limit is 240
min_rows: the drop has 4,209 rows, the last one had 4,819; the least is 3,856
max_rows: the drop has 4,209 rows, the last one had 4,819; the most is 14,457
unreadable_key: the key of every row can be read
`
	if got.String() != want {
		t.Errorf("findings =\n%swant\n%s", got.String(), want)
	}
}
