package mapping

import (
	"slices"
	"testing"
)

func TestPatternsAndGroupsThatFindNoPartnerAreNamed(t *testing.T) {
	g := Groups{
		Cohorts: map[string]Words{"LMS-*": {"{cn}"}, "Ward 3": {"ward-3"}, "ward-?": {"w"}},
		Roles:   map[string]Words{"*-Editors": {"editor"}, "LMS-Admins": {"admin"}},
	}
	patterns, strangers := g.Misfits([]string{"lms-nurses", "WARD 3", "HR-All", "LMS-Editors", "HR-All", "Ward 33"})
	if want := []string{"cohorts.ward-?", "roles.LMS-Admins"}; !slices.Equal(patterns, want) {
		t.Errorf("patterns that fit nothing: %q, want %q", patterns, want)
	}
	if want := []string{"HR-All", "Ward 33"}; !slices.Equal(strangers, want) {
		t.Errorf("groups that no pattern fits: %q, want %q", strangers, want)
	}
	if patterns, strangers := (Groups{}).Misfits(nil); len(patterns)+len(strangers) > 0 {
		t.Errorf("of nothing: %q and %q", patterns, strangers)
	}
}
