// Package internal_test keeps the house in order: who may import whom, and which
// rooms know neither a clock nor a file. The tables below are the house rules;
// internal/README.md says why they are as they are.
package internal_test

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// floors are the rooms, top to bottom. A room imports only from floors below
// its own; what lies in folders below a room belongs to it. A new room is a word
// here.
var floors = [][]string{
	{"cmd/rollcall"},
	{"config"},
	{"internal/run"},
	{"internal/store", "internal/report"},
	{"internal/journal"},
	{"internal/guard"},
	{"internal/source", "internal/format", "internal/mapping", "internal/plan", "internal/index", "internal/catalog"},
	{"internal/notify", "internal/password", "internal/dn"},
	{"internal/roster", "internal/secret", "internal/fault", "examples"}, // the demo runs an example
}

// aside are the folders that are no part of the program. No room imports them,
// but a test may use shore and proof; they import no room, but their tests may.
var aside = []string{"internal", "internal/bench", "internal/proof", "internal/shore", "internal/verdict", "systemd"}

// libraries says which rooms may import what others wrote. What is not listed is
// for tests alone: in the program, a new library is a new row.
var libraries = []struct {
	path  string
	rooms []string
}{
	{"gorm.io", []string{"internal/store"}},
	{"github.com/jackc/pgx/v5", []string{"internal/store"}},
	{"github.com/pressly/goose/v3", []string{"internal/store"}},
	{"modernc.org/sqlite", []string{"internal/store"}},
	{"database/sql", []string{"internal/store"}},
	{"github.com/google/uuid", []string{"internal/store", "internal/run"}},
	{"github.com/go-co-op/gocron/v2", []string{"internal/run"}},
	{"github.com/jonboulle/clockwork", []string{"internal/run"}},
	{"github.com/robfig/cron/v3", []string{"config", "internal/run"}}, // the schedule is judged by what will run it
	{"github.com/pkg/sftp", []string{"internal/source"}},
	{"golang.org/x/crypto/argon2", []string{"internal/password"}},
	{"golang.org/x/crypto/bcrypt", []string{"internal/password"}},
	{"golang.org/x/crypto/ssh", []string{"internal/source", "internal/shore"}},
	{"github.com/go-ldap/ldap/v3", []string{"internal/source", "internal/dn"}},
	{"github.com/klauspost/compress", []string{"internal/format"}},
	{"github.com/gosimple/unidecode", []string{"internal/mapping"}},
	{"golang.org/x/text", []string{"internal/format", "internal/mapping", "internal/plan", "internal/roster"}},
	{"github.com/zeebo/xxh3", []string{"internal/format", "internal/plan"}}, // a hash at the speed of memory, seeded, of 128 bits
	{"golang.org/x/sync", []string{"internal/run", "internal/store", "internal/password"}},
	{"golang.org/x/sys", []string{"internal/store", "internal/source", "internal/run", "internal/fault"}}, // fault: a failing disk, for tests
	{"go.yaml.in/yaml/v4", []string{"config"}},
	{"github.com/santhosh-tekuri/jsonschema/v6", []string{"config"}},
	{"github.com/wneessen/go-mail", []string{"internal/notify"}},
	{"github.com/alecthomas/kong", []string{"cmd/rollcall"}},
	{"github.com/dustin/go-humanize", []string{"cmd/rollcall", "internal/report", "internal/guard", "internal/run"}},
	{"github.com/jedib0t/go-pretty/v6", []string{"cmd/rollcall", "internal/report"}},
	{"github.com/mattn/go-isatty", []string{"cmd/rollcall"}},
	{"net/http", nil}, // until there is a room for the page
}

// pure are the rooms that take values and give values: the same input gives the
// same output, on any machine and at any hour. A room may have what is listed.
var pure = map[string][]string{
	"internal/roster":  nil,
	"internal/format":  {"os"}, // it opens the drop in the spool
	"internal/dn":      nil,
	"internal/mapping": nil,
	"internal/plan":    nil,
	"internal/catalog": nil,
	"internal/index":   {"os"}, // what does not fit into memory lies in a scratch folder
	"internal/guard":   nil,
	"internal/journal": nil,
	"internal/report":  nil,
}

// effects are what a pure room does not import, with everything below.
var effects = []string{"os", "net", "database", "log", "syscall", "math/rand", "crypto/rand", "golang.org/x/sys"}

// clock are the functions of time by which a pure room would learn the hour.
var clock = []string{"Now", "Since", "Until", "Sleep", "After", "AfterFunc", "Tick", "NewTimer", "NewTicker"}

func TestImportsOnlyRunDown(t *testing.T) {
	files := 0
	err := filepath.WalkDir("..", func(path string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && (d.Name() == "testdata" || len(d.Name()) > 2 && d.Name()[0] == '.'):
			return fs.SkipDir
		case filepath.Ext(path) != ".go":
			return nil
		}
		files++
		set := token.NewFileSet()
		file, err := parser.ParseFile(set, path, nil, parser.SkipObjectResolution)
		if err != nil {
			return err
		}
		name, err := filepath.Rel("..", path)
		if err != nil {
			return err
		}
		for _, f := range faults(set, file, filepath.ToSlash(name)) {
			t.Error(f)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if files < 10 {
		t.Errorf("files of the module = %d: the test looked in the wrong place", files)
	}
}

// faults is everything that file, called name from the root of the module, does
// against the rules of the house.
func faults(set *token.FileSet, file *ast.File, name string) []string {
	var found []string
	note := func(pos token.Pos, text string) {
		if text != "" {
			found = append(found, fmt.Sprintf("%s:%d: %s", name, set.Position(pos).Line, text))
		}
	}
	dir := filepath.ToSlash(filepath.Dir(name))
	test := strings.HasSuffix(name, "_test.go")
	times := "" // what the file calls the package time
	for _, spec := range file.Imports {
		path, err := strconv.Unquote(spec.Path.Value)
		if err != nil {
			note(spec.Pos(), err.Error())
			continue
		}
		note(spec.Pos(), verdict(dir, path, test))
		if path == "time" {
			times = "time"
			if spec.Name != nil {
				times = spec.Name.Name
			}
		}
	}
	if _, bound := pure[room(dir)]; bound && !test && times != "" {
		ast.Inspect(file, func(n ast.Node) bool {
			if s, ok := n.(*ast.SelectorExpr); ok && slices.Contains(clock, s.Sel.Name) {
				if x, ok := s.X.(*ast.Ident); ok && x.Name == times {
					note(s.Pos(), fmt.Sprintf("%s is pure and reads no clock: time comes in as an argument", room(dir)))
				}
			}
			return true
		})
	}
	return found
}

// verdict says what is wrong with an import of path by a file in dir; "" where
// nothing is.
func verdict(dir, path string, test bool) string {
	from := room(dir)
	if from == "" {
		return fmt.Sprintf("%s stands on no floor: add it to the table in internal/floors_test.go", dir)
	}
	if inner, ours := strings.CutPrefix(path, "rollcall/"); ours {
		return own(from, inner, test)
	}
	if test {
		return ""
	}
	if allowed, bound := pure[from]; bound && !slices.Contains(allowed, path) && slices.ContainsFunc(effects, within(path)) {
		return fmt.Sprintf("%s is pure and does not import %s", from, path)
	}
	for _, l := range libraries {
		if within(path)(l.path) && !slices.Contains(l.rooms, from) {
			return fmt.Sprintf("%s may be imported by %s, and not by %s", l.path, list(l.rooms), from)
		}
		if within(path)(l.path) {
			return ""
		}
	}
	if first, _, _ := strings.Cut(path, "/"); strings.Contains(first, ".") {
		return fmt.Sprintf("%s is not in the table of libraries in internal/floors_test.go", path)
	}
	return ""
}

// own is the verdict on an import of a package of ours.
func own(from, path string, test bool) string {
	to := room(path)
	above, below := floor(from), floor(to)
	switch {
	case to == "":
		return fmt.Sprintf("%s stands on no floor: add it to the table in internal/floors_test.go", path)
	case from == to:
		return ""
	case (to == "internal/shore" || to == "internal/proof") && test:
		return ""
	case below < 0:
		return fmt.Sprintf("%s is no part of the program, and nobody imports it", to)
	case above < 0 && test:
		return ""
	case from == "internal/fault" && test: // they attack the whole program
		return ""
	case above < 0:
		return fmt.Sprintf("%s is no part of the program, and imports no room", from)
	case above == below:
		return fmt.Sprintf("%s and %s stand on one floor, and an import runs down", from, to)
	case above > below:
		return fmt.Sprintf("%s stands above %s, and an import runs down", to, from)
	}
	return ""
}

// room is the room, or the folder aside, that a folder of the module belongs to;
// "" where there is none.
func room(dir string) string {
	best := ""
	for _, r := range slices.Concat(append(slices.Clone(floors), aside)...) {
		if within(dir)(r) && len(r) > len(best) && (r != "internal" || dir == r) {
			best = r
		}
	}
	return best
}

// floor counts from the top; -1 is aside.
func floor(room string) int {
	return slices.IndexFunc(floors, func(rooms []string) bool { return slices.Contains(rooms, room) })
}

// within says whether path is root, or lies below it.
func within(path string) func(root string) bool {
	return func(root string) bool { return path == root || strings.HasPrefix(path, root+"/") }
}

func list(rooms []string) string {
	if len(rooms) == 0 {
		return "nobody"
	}
	return strings.Join(rooms, ", ")
}

func TestTheRulesOfTheHouse(t *testing.T) {
	for _, tt := range []struct {
		name, file, text string
		want             string // a part of the one fault; "" where there is none
	}{
		{"down", "internal/plan/x.go", `import _ "rollcall/internal/roster"`, ""},
		{"up", "internal/roster/x.go", `import _ "rollcall/internal/plan"`, "internal/plan stands above internal/roster"},
		{"sideways", "internal/plan/x.go", `import _ "rollcall/internal/mapping"`, "one floor"},
		{"sideways in a test", "internal/plan/x_test.go", `import _ "rollcall/internal/mapping"`, "one floor"},
		{"within a room", "internal/source/x.go", `import _ "rollcall/internal/source/sftpd"`, ""},
		{"run does not read the configuration", "internal/run/x.go", `import _ "rollcall/config"`, "config stands above"},
		{"nobody imports the program", "config/x.go", `import _ "rollcall/cmd/rollcall"`, "stands above"},
		{"a test starts a server", "internal/store/x_test.go", `import _ "rollcall/internal/shore"`, ""},
		{"the program does not", "internal/store/x.go", `import _ "rollcall/internal/shore"`, "no part of the program"},
		{"a helper of tests knows no room", "internal/shore/x.go", `import _ "rollcall/internal/roster"`, "imports no room"},
		{"a room without a floor", "internal/util/x.go", `import _ "fmt"`, "stands on no floor"},
		{"an import without a floor", "internal/run/x.go", `import _ "rollcall/internal/util"`, "stands on no floor"},
		{"a library where it belongs", "internal/store/x.go", `import _ "gorm.io/gorm/clause"`, ""},
		{"a library where it does not", "internal/run/x.go", `import _ "gorm.io/gorm"`, "gorm.io may be imported by internal/store"},
		{"a library that nobody listed", "internal/run/x.go", `import _ "github.com/sirupsen/logrus"`, "not in the table"},
		{"a library in a test", "internal/run/x_test.go", `import _ "pgregory.net/rapid"`, ""},
		{"the web", "internal/notify/x.go", `import _ "net/http"`, "imported by nobody"},
		{"a file in a pure room", "internal/plan/x.go", `import _ "os"`, "is pure"},
		{"a logger in a pure room", "internal/guard/x.go", `import _ "log/slog"`, "is pure"},
		{"the spool", "internal/format/x.go", `import _ "os"`, ""},
		{"but nothing more", "internal/format/x.go", `import _ "os/exec"`, "is pure"},
		{"the hour", "internal/plan/x.go", "import \"time\"\nvar x = time.Now()", "reads no clock"},
		{"the hour by another name", "internal/plan/x.go", "import clock \"time\"\nvar x = clock.Now", "reads no clock"},
		{"a duration", "internal/plan/x.go", "import \"time\"\nvar x = time.Hour", ""},
		{"the hour in a test", "internal/plan/x_test.go", "import \"time\"\nvar x = time.Now()", ""},
		{"the hour elsewhere", "internal/run/x.go", "import \"time\"\nvar x = time.Now()", ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			set := token.NewFileSet()
			file, err := parser.ParseFile(set, tt.file, "package x\n"+tt.text, parser.SkipObjectResolution)
			if err != nil {
				t.Fatal(err)
			}
			got := strings.Join(faults(set, file, tt.file), "; ")
			if tt.want == "" && got != "" || !strings.Contains(got, tt.want) {
				t.Errorf("faults = %q, want %q", got, tt.want)
			}
		})
	}
}
