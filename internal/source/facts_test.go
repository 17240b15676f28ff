package source

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// TestEveryFactAboutDirectoriesHasATest holds README.md to what is there: each row of
// its table names tests that exist, or says why there is none.
func TestEveryFactAboutDirectoriesHasATest(t *testing.T) {
	text, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	there := map[string]bool{}
	declared := regexp.MustCompile(`(?m)^func (Test\w+)\(`)
	for _, root := range []string{"..", "../../config", "../../examples"} {
		err := filepath.WalkDir(root, func(path string, _ fs.DirEntry, err error) error {
			if err != nil || !strings.HasSuffix(path, "_test.go") {
				return err
			}
			code, err := os.ReadFile(path)
			for _, m := range declared.FindAllStringSubmatch(string(code), -1) {
				there[m[1]] = true
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	rows := 0
	for _, line := range strings.Split(string(text), "\n") {
		cells := strings.Split(strings.Trim(line, "|"), " | ")
		if !strings.HasPrefix(line, "| ") || strings.HasPrefix(line, "| directories |") {
			continue
		}
		rows++
		if len(cells) != 3 {
			t.Errorf("%d cells: %s", len(cells), line)
			continue
		}
		named := regexp.MustCompile("`(Test\\w+)`").FindAllStringSubmatch(cells[2], -1)
		if len(named) == 0 && !strings.HasPrefix(strings.TrimSpace(cells[2]), "no test: ") {
			t.Errorf("neither a test nor a reason: %s", line)
		}
		for _, m := range named {
			if !there[m[1]] {
				t.Errorf("no test is called %s", m[1])
			}
		}
	}
	if rows < 40 {
		t.Errorf("%d rows", rows)
	}
}
