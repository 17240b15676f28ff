package rules

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// numbers are the rules, from and to.
var numbers = [][2]int{{1, 8}, {10, 18}, {20, 27}, {30, 36}, {40, 54}, {60, 68}, {70, 75}, {80, 84}, {90, 96}, {100, 105}}

// notBuilt are the rules that the program does not keep yet, and what is missing.
var notBuilt = map[int]string{}

var (
	testFunc = regexp.MustCompile(`(?m)^func ((?:Test|Fuzz)\w+)\(`)
	story    = regexp.MustCompile(`"((?:R\d+,? )+)[a-zA-Z]`) // a row of a table of stories
	rule     = regexp.MustCompile(`R(\d+)(?:ToR(\d+))?`)
)

// TestEveryRuleHasATest finds each rule's number in the name of a test, of a story
// of a table, or of an archive. With -v it tells which they are.
func TestEveryRuleHasATest(t *testing.T) {
	t.Parallel()
	proven, err := byRule("../../..")
	if err != nil {
		t.Fatal(err)
	}
	known := map[int]bool{}
	for _, span := range numbers {
		for n := span[0]; n <= span[1]; n++ {
			known[n] = true
			switch what, missing := notBuilt[n], len(proven[n]) == 0; {
			case missing && what == "":
				t.Errorf("no test bears the number of R%d", n)
			case missing:
				t.Logf("R%d is not built: %s", n, what)
			case what != "":
				t.Errorf("R%d is said not to be built (%s), and has tests: %s", n, what, strings.Join(proven[n], ", "))
			default:
				t.Logf("R%d: %s", n, strings.Join(proven[n], ", "))
			}
		}
	}
	for n, by := range proven {
		if !known[n] && n != 99 { // whom rollcall help does not know
			t.Errorf("there is no rule R%d, and it has tests: %s", n, strings.Join(by, ", "))
		}
	}
}

// TestEveryRuleIsToldByHelp looks for each rule's line in the page of rollcall help rules.
func TestEveryRuleIsToldByHelp(t *testing.T) {
	t.Parallel()
	page, err := os.ReadFile("../../../cmd/rollcall/rules.txt")
	if err != nil {
		t.Fatal(err)
	}
	for _, span := range numbers {
		for n := span[0]; n <= span[1]; n++ {
			if told := strings.Contains(string(page), fmt.Sprintf("\nR%d ", n)); told == (notBuilt[n] != "") {
				t.Errorf("R%d: rollcall help tells it: %t, and what is missing of it is %q", n, told, notBuilt[n])
			}
		}
	}
}

// byRule finds the tests of each rule below a folder.
func byRule(root string) (map[int][]string, error) {
	found := map[int][]string{}
	note := func(name, by string) {
		for _, m := range rule.FindAllStringSubmatch(name, -1) {
			from, _ := strconv.Atoi(m[1])
			to := from
			if m[2] != "" {
				to, _ = strconv.Atoi(m[2])
			}
			for n := from; n <= to; n++ {
				if !slices.Contains(found[n], by) {
					found[n] = append(found[n], by)
				}
			}
		}
	}
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && strings.HasPrefix(d.Name(), ".") && path != root:
			return fs.SkipDir
		case filepath.Ext(path) == ".txtar":
			if strings.HasPrefix(d.Name(), "R") {
				note(d.Name(), d.Name())
			}
			return nil
		case !strings.HasSuffix(path, "_test.go"):
			return nil
		}
		text, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		for _, m := range testFunc.FindAllStringSubmatch(string(text), -1) {
			note(m[1], m[1])
		}
		for _, m := range story.FindAllStringSubmatch(string(text), -1) {
			room, _ := filepath.Rel(root, filepath.Dir(path))
			note(m[1], fmt.Sprintf("stories of %s", room))
		}
		return nil
	})
	return found, err
}
