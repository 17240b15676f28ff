package rules

import (
	"encoding/json"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/txtar"

	"rollcall/internal/journal"
	"rollcall/internal/plan"
	"rollcall/internal/roster"
)

// aboutRows are the codes E1xx to E3xx: what can be wrong with a row.
func aboutRows() []string {
	return slices.Sorted(func(yield func(string) bool) {
		for code := range maps.Keys(roster.Codes) {
			if code < "E4" && !yield(code) {
				return
			}
		}
	})
}

// documented are the codes E1xx to E3xx as the rules list them: a code that is lost
// from the table would else be missed by nobody.
var documented = strings.Fields(`
	E101 E102 E103 E104 E105 E106 E112 E115 E118 E120 E122 E126 E127 E130 E131 E133 E134
	E201 E203 E204 E205 E206 E207 E208 E209 E210 E211
	E301 E302 E303 E304 E305 E306 E307 E308 E309 E310`)

// TestEveryCodeOfARowIsProducedAndTouchesNobodyElse tells the archives of
// testdata/codes, named by the code that their last drop produces. Each code has
// one. Its message names the place and a remedy; and the rows beside the bad one
// ask for what they ask for without it. A drop that is refused changes nobody.
func TestEveryCodeOfARowIsProducedAndTouchesNobodyElse(t *testing.T) {
	t.Parallel()
	if got := aboutRows(); !slices.Equal(got, documented) {
		t.Fatalf("the codes of rows are\n%v, the rules list\n%v", got, documented)
	}
	for _, code := range aboutRows() {
		paths, err := filepath.Glob("testdata/codes/" + code + "*.txtar")
		if err != nil || len(paths) == 0 {
			t.Errorf("no archive produces %s: write testdata/codes/%s.txtar", code, code)
		}
		for _, path := range paths {
			t.Run(strings.TrimSuffix(filepath.Base(path), ".txtar"), func(t *testing.T) {
				t.Parallel()
				var last *site
				check(t, path, func(s *site) { s.fix, last = true, s }, telling{})
				last.produces(code, path)
			})
		}
	}
}

// wholeRow are the codes that no column is at fault for: a wrong number of fields,
// what the profile says of a fallback owner, and of the protected what any of
// several columns may ask for.
var wholeRow = []string{"E101", "E209", "E304"}

// produces checks what the last drop of an archive came to.
func (s *site) produces(code, path string) {
	s.t.Helper()
	j := s.last
	if j.Status == journal.Failed {
		s.refuses(code, path)
		return
	}
	blamed := map[int]bool{}
	for p, err := range s.Store.Problems(s.t.Context(), j.Number) {
		if err != nil {
			s.t.Fatal(err)
		}
		if p.Code != code {
			continue
		}
		blamed[p.Line] = true
		if p.Line == 0 || p.Column == "" && !slices.Contains(wholeRow, code) {
			s.t.Errorf("%q names line %d and column %q", p, p.Line, p.Column)
		}
		if p.Message() == "" || p.Remedy() == "" {
			s.t.Errorf("%q says what is wrong: %q, and what to do: %q", p, p.Message(), p.Remedy())
		}
	}
	if len(blamed) == 0 {
		s.t.Fatalf("the last drop produces no %s", code)
	}
	got := s.asked(blamed)
	if len(got) == 0 {
		s.t.Fatal("no row beside the bad one asks for anything: nothing is shown of the neighbours")
	}

	// The same days again, without the rows that are blamed.
	a, err := txtar.ParseFile(path)
	if err != nil {
		s.t.Fatal(err)
	}
	for i := len(a.Files) - 1; i >= 0; i-- {
		if filepath.Ext(a.Files[i].Name) == ".csv" {
			lines := strings.SplitAfter(string(a.Files[i].Data), "\n")
			var rest strings.Builder
			for n, line := range lines {
				if !blamed[n+1] {
					rest.WriteString(line)
				}
			}
			a.Files[i].Data = []byte(rest.String())
			break
		}
	}
	clean := open(s.t)
	clean.play(a, telling{})
	if want := clean.asked(nil); !slices.Equal(got, want) {
		s.t.Errorf("beside %s the other rows ask for\n%s\nwithout it for\n%s", code, strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

// asked is what the rows of the last drop ask for, but for those of some lines:
// each change without its line, which the rows before it move.
func (s *site) asked(but map[int]bool) (all []string) {
	s.t.Helper()
	for o, err := range s.Store.Changes(s.t.Context(), s.last.Number) {
		if err != nil {
			s.t.Fatal(err)
		}
		if o.Line == 0 || but[o.Line] || o.Action == plan.Claim {
			continue
		}
		o.Line, o.Account = 0, 0
		text, err := json.Marshal(o.Change)
		if err != nil {
			s.t.Fatal(err)
		}
		all = append(all, string(text))
	}
	slices.Sort(all)
	return all
}

var refused = regexp.MustCompile(`^(E\d+): (line \d+|column ".+"|line \d+, column ".+"): .+; .+`)

// refuses checks a drop that one of its rows, or its header, refuses.
func (s *site) refuses(code, path string) {
	s.t.Helper()
	m := refused.FindStringSubmatch(s.last.Error)
	if m == nil || m[1] != code || s.last.Code != code {
		s.t.Errorf("the drop is refused with %q, which is not %s with place and remedy", s.last.Error, code)
	}
	after := s.accounts()
	a, err := txtar.ParseFile(path)
	if err != nil {
		s.t.Fatal(err)
	}
	for i := len(a.Files) - 1; i >= 0; i-- {
		if filepath.Ext(a.Files[i].Name) == ".csv" {
			a.Files = a.Files[:i]
			break
		}
	}
	before := open(s.t)
	before.play(a, telling{})
	if want := before.accounts(); after != want {
		s.t.Errorf("the drop was refused, and the accounts are\n%s\nbefore it they were\n%s", after, want)
	}
}

func TestNoArchiveIsOfACodeThatIsNone(t *testing.T) {
	entries, err := os.ReadDir("testdata/codes")
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		code, _, _ := strings.Cut(strings.TrimSuffix(e.Name(), ".txtar"), "_")
		if _, known := roster.Codes[code]; !known {
			t.Errorf("%s: there is no code %s", e.Name(), code)
		}
	}
}
