package rules

import (
	"path/filepath"
	"strings"
	"testing"
)

// leavesWork are the archives of which a rule itself says that something is left
// to do when the same drop is planned again.
var leavesWork = map[string]string{}

// TestTheArchivesOfTheRules tells each archive of testdata/rules, and after each
// drop that was applied plans it again: nothing is left to do (R6).
func TestTheArchivesOfTheRules(t *testing.T) {
	t.Parallel()
	paths, err := filepath.Glob("testdata/rules/R*.txtar")
	if err != nil || len(paths) == 0 {
		t.Fatalf("no archives: %v", err)
	}
	for _, path := range paths {
		name := strings.TrimSuffix(filepath.Base(path), ".txtar")
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			check(t, path, nil, telling{again: leavesWork[name] == ""})
		})
	}
}
