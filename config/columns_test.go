package config

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"rollcall/internal/mapping"
)

// A row is one of the tables of COLUMNS.md.
type tableRow struct {
	line  int
	tools []string // M, D, C, X
	what  string   // the column or the setting
	here  string   // how rollcall does it
	tests []string
	named bool // what is a column
}

// tables reads COLUMNS.md, and finds a row with an empty cell.
func tables(t *testing.T) []tableRow {
	t.Helper()
	text, err := os.ReadFile("COLUMNS.md")
	if err != nil {
		t.Fatal(err)
	}
	var rows []tableRow
	columns := false
	for i, line := range strings.Split(string(text), "\n") {
		switch {
		case strings.HasPrefix(line, "## "):
			columns = strings.HasPrefix(line, "## Columns")
		case !strings.HasPrefix(line, "|") || strings.HasPrefix(line, "| tool ") || strings.HasPrefix(line, "|---"):
		default:
			cells := strings.Split(strings.Trim(line, "|"), "|")
			for j := range cells {
				cells[j] = strings.TrimSpace(cells[j])
			}
			if len(cells) != 5 || slices.Contains(cells, "") {
				t.Errorf("line %d: %d cells, want 5, none of them empty", i+1, len(cells))
				continue
			}
			r := tableRow{line: i + 1, tools: strings.Fields(cells[0]), what: strings.Trim(cells[1], "`"), here: cells[3], named: columns}
			for _, m := range inTicks.FindAllStringSubmatch(cells[4], -1) {
				r.tests = append(r.tests, m[1])
			}
			if len(r.tests) == 0 {
				t.Errorf("line %d names no test", r.line)
			}
			rows = append(rows, r)
		}
	}
	return rows
}

var inTicks = regexp.MustCompile("`([^`]+)`")

// tests are the names of all tests of the project, each with the text of its file.
func tests(t *testing.T) map[string]string {
	t.Helper()
	found := map[string]string{}
	name := regexp.MustCompile(`(?m)^func (Test\w+)\(`)
	for _, root := range []string{"../cmd", "../config", "../examples", "../internal"} {
		err := filepath.WalkDir(root, func(path string, d os.DirEntry, err error) error {
			if err != nil || !strings.HasSuffix(path, "_test.go") {
				return err
			}
			text, err := os.ReadFile(path)
			for _, m := range name.FindAllStringSubmatch(string(text), -1) {
				found[m[1]] = string(text)
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	return found
}

// scripts are where the files lie that the tools document, by the letter of the tool.
var scripts = map[string]struct{ preset, script, file string }{
	"M": {"moodle", "columns_moodle", "all.csv"},
	"D": {"dualcode", "columns_dualcode", "all.csv"},
	"C": {"chamilo-csv", "columns_chamilo_csv", "all.csv"},
	"X": {"chamilo-xml", "columns_chamilo_xml", "all.xml"},
}

// script is a file of a script of the commands.
func script(t *testing.T, name, file string) string {
	t.Helper()
	text, err := os.ReadFile("../cmd/rollcall/testdata/script/" + name + ".txtar")
	if err != nil {
		t.Fatal(err)
	}
	_, rest, found := strings.Cut(string(text), "-- "+file+" --\n")
	if !found {
		t.Fatalf("%s has no file %s", name, file)
	}
	rest, _, _ = strings.Cut(rest, "\n-- ")
	return rest
}

func TestTheTableOfColumnsNamesTestsThatExist(t *testing.T) {
	t.Parallel()
	all := tests(t)
	for _, r := range tables(t) {
		for _, name := range r.tests {
			test, story, hasStory := strings.Cut(name, "/")
			text, found := all[test]
			switch {
			case !found:
				t.Errorf("line %d: there is no test %s", r.line, test)
			case test == "TestScript":
				if _, err := os.Stat("../cmd/rollcall/testdata/script/" + story + ".txtar"); err != nil {
					t.Errorf("line %d: there is no script %s", r.line, story)
				}
			case hasStory && !strings.Contains(text, `"`+story+`"`):
				t.Errorf("line %d: %s has no story %q", r.line, test, story)
			}
		}
	}
}

func TestTheTableOfColumnsNamesKeysThatExist(t *testing.T) {
	t.Parallel()
	reference := Reference + ReferenceProfile
	key := regexp.MustCompile("`(?:policy|match|format|source|accounts|map)\\.([a-z_0-9]+)")
	n := 0
	for _, r := range tables(t) {
		for _, m := range key.FindAllStringSubmatch(r.here, -1) {
			n++
			field := m[0][1:]
			if strings.HasPrefix(field, "map.") {
				name := m[1]
				_, known := feedNames()[name]
				if !known && !slices.Contains(mapping.MembershipKeys(), name) && !slices.Contains([]string{"suspended", "deleted", "oldusername", "newusername", "password"}, name) {
					t.Errorf("line %d: map has no key %s", r.line, name)
				}
				continue
			}
			if !regexp.MustCompile(`(?m)\b` + m[1] + `: `).MatchString(reference) {
				t.Errorf("line %d: there is no key %s", r.line, field)
			}
		}
	}
	if n < 60 {
		t.Errorf("%d keys are named: the reading of the table has gone wrong", n)
	}
}

// feedNames are the account fields that a map can fill.
func feedNames() map[string]bool {
	all := map[string]bool{}
	for _, name := range feedFieldNames() {
		all[name] = true
	}
	return all
}

// TestTheTableOfColumnsPresetsAndFilesSayTheSame holds three things together: what the
// table says that a tool has, what its preset maps, and the file in which every column of
// the tool stands.
func TestTheTableOfColumnsPresetsAndFilesSayTheSame(t *testing.T) {
	t.Parallel()
	rows := tables(t)
	for tool, at := range scripts {
		text := script(t, at.script, at.file)
		var header []string
		if strings.HasSuffix(at.file, ".xml") {
			for _, m := range regexp.MustCompile(`<(\w+)\s*/?>`).FindAllStringSubmatch(text, -1) {
				if name := m[1]; name != "Contacts" && name != "Contact" && !slices.Contains(header, name) {
					header = append(header, name)
				}
			}
		} else {
			line, _, _ := strings.Cut(text, "\n")
			header = strings.FieldsFunc(line, func(r rune) bool { return r == ',' || r == ';' })
		}
		generic := map[string]string{"M": "profile_field_", "D": "profile_field_"}[tool]
		in := map[string]bool{} // columns of the table, in small letters; numbered ones without their number
		for _, r := range rows {
			if !r.named || !slices.Contains(r.tools, tool) {
				continue
			}
			in[strings.ToLower(strings.TrimSuffix(r.what, "N"))] = true
			if r.what == "EXTRA" || strings.HasPrefix(r.what, "profile_field_") {
				continue
			}
			want := strings.ToLower(r.what)
			if strings.HasSuffix(r.what, "N") {
				want = strings.ToLower(strings.TrimSuffix(r.what, "N")) + "1"
				if r.what == "typeN" && tool == "M" {
					want = "type2"
				}
			}
			if !slices.ContainsFunc(header, func(c string) bool { return strings.ToLower(c) == want }) {
				t.Errorf("line %d: the file of %s has no column %s", r.line, at.script, want)
			}
		}
		p := Preset(at.preset)
		known := func(column string) bool {
			column = strings.ToLower(column)
			return in[column] || in[strings.TrimRight(column, "0123456789")] || generic != "" && strings.HasPrefix(column, generic)
		}
		for field, c := range p.Map {
			if c.From != "" && !known(c.From) {
				t.Errorf("the preset %s maps %s from %s, which the table does not list", at.preset, field, c.From)
			}
		}
		for column := range p.Format.Ignore {
			if !known(column) {
				t.Errorf("the preset %s ignores %s, which the table does not list", at.preset, column)
			}
		}
		if tool == "M" || tool == "D" {
			for _, base := range mapping.NumberedColumns() {
				if !slices.ContainsFunc(rows, func(r tableRow) bool { return r.what == base+"N" }) {
					t.Errorf("the preset %s has the numbered columns %sN, which the table does not list", at.preset, base)
				}
			}
		}
		extra := map[string]bool{}
		for _, f := range catalogFields(t, at.script) {
			extra[strings.ToLower(f)] = true
		}
		for _, column := range header {
			if !known(column) && !extra[strings.ToLower(column)] {
				t.Errorf("the file of %s has the column %s, which the table does not list", at.script, column)
			}
		}
	}
}

// catalogFields are the profile fields of a script's catalog.
func catalogFields(t *testing.T, name string) []string {
	t.Helper()
	_, fields, _ := strings.Cut(script(t, name, "catalog.yaml"), "fields:\n")
	var all []string
	for _, m := range regexp.MustCompile(`(?m)^  (\w+):`).FindAllStringSubmatch(fields, -1) {
		all = append(all, m[1])
	}
	return all
}
