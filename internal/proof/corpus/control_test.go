package corpus_test

import (
	"bytes"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"testing"

	"rollcall/internal/proof"
)

// limitless has every guardrail off that can be switched off.
var limitless = standard + `guardrails:
  max_removals: 100000
  max_adds: 100000
  max_renames: 100000
  max_field_change: {default: 100000}
  max_rejected: 100000
  min_rows: 0
  max_rows: 100000
`

// headless takes the first row for a person.
var headless = with("{content: full}", "{content: full, header: 0, columns: ["+strings.Join(columns, ", ")+"]}")

// unprotected is the story as it would go if what protects from its drop were
// not there: the guardrails off, a reader that believes what it gets, a reader
// that throws rows away that it cannot use. It is not ok where the drop is harmless.
func unprotected(x story) (_ story, ok bool) {
	content := x.drop()
	switch {
	case x.verdict == held:
		x.profile = limitless
	case x.verdict == rejected:
		x.drop = func() []byte { return withoutRejected(content, x.problems) }
	case x.verdict == refused:
		plain := believed(content)
		x.profile, x.drop = standard, func() []byte { return plain }
		if bytes.Equal(plain, people(0).csv()) { // even then there are no rows, which is refused too
			x.profile = headless
		}
	default:
		return x, false
	}
	return x, true
}

// believed is what a reader makes of a drop that believes anything: bytes that
// are no text and stray quotes are passed over, columns are known by their
// place and not by their names, rows are filled up or cut.
func believed(content []byte) []byte {
	text := strings.NewReplacer("\x00", "", bom, "").Replace(strings.ToValidUTF8(string(content), "?"))
	r := csv.NewReader(strings.NewReader(text))
	r.LazyQuotes, r.FieldsPerRecord = true, -1
	if first, _, _ := strings.Cut(text, "\n"); !strings.Contains(first, ",") {
		r.Comma = ';'
	}
	s := people(0)
	for n := 0; ; n++ {
		row, err := r.Read()
		if errors.Is(err, io.EOF) {
			return s.csv()
		}
		if err != nil || n == 0 {
			continue
		}
		cells := make([]string, len(columns))
		for i := range min(len(row), len(cells)) {
			cells[i] = strings.ReplaceAll(row[i][:min(len(row[i]), 1000)], "\n", " ")
		}
		s = append(s, cells)
	}
}

// withoutRejected throws the rows away that have an error.
func withoutRejected(content []byte, problems []string) []byte {
	var kept [][]byte
	for i, line := range bytes.SplitAfter(content, []byte("\n")) {
		if !slices.ContainsFunc(problems, func(p string) bool {
			return strings.HasPrefix(p[len("E000 "):]+" ", fmt.Sprintf("error line %d ", i+1))
		}) {
			kept = append(kept, line)
		}
	}
	return bytes.Join(kept, nil)
}

// TestTheHostileCorpusFailsWithoutProtection is the control: with its
// protection off, no hostile file comes to the verdict that it should.
func TestTheHostileCorpusFailsWithoutProtection(t *testing.T) {
	b := newBase(t, sqlite)
	var bare []story
	for _, x := range stories {
		if u, ok := unprotected(x); ok {
			bare = append(bare, u)
		}
	}
	proof.Note(t, "hostile corpus, protection off", proof.Count{What: "files", N: len(bare)}, proof.Count{What: "not noticed", N: 0})
	for _, x := range bare {
		t.Run(x.title(), func(t *testing.T) {
			t.Parallel()
			want, err := os.ReadFile(golden(x))
			if err != nil {
				t.Fatal(err)
			}
			got := play(t, b.copy(t), x)
			if len(compare(x, got, string(want))) == 0 {
				t.Error("the protection is off, and all is as if it were on")
			}
			onlyRows := x.tripped == "E508" // nobody changes by rows that are rejected
			if x.verdict == held && got.same && !onlyRows && !strings.Contains(x.tripped, "E511") {
				t.Errorf("the guardrails are off, and no account has changed: %s %v", got.verdict, got.tripped)
			}
			if x.verdict == refused && got.verdict == refused {
				t.Errorf("a reader that believes anything is refused: %s", got.refusal)
			}
		})
	}
}

// TestTheSwallowedFourWouldBeSuspended says what the twin of #73 is about: no
// guardrail sees four people that a quote has swallowed.
func TestTheSwallowedFourWouldBeSuspended(t *testing.T) {
	i := slices.IndexFunc(stories, func(x story) bool { return x.name == "quote-swallow-4" })
	x, _ := unprotected(stories[i])
	got := play(t, newBase(t, sqlite).copy(t), x)
	if got.run == nil {
		t.Fatal("no run is recorded")
	}
	if !got.run.Status.Applied() || got.run.Facts.Absent.Suspended != 4 {
		t.Errorf("with the protection off it came to %s, and %d were suspended; want 4 with nothing to hold them", got.verdict, got.run.Facts.Absent.Suspended)
	}
}

// TestTheComparerSeesEveryDifference is the other control: one thing in what
// was expected of a file of each verdict is made wrong, and the comparison says so.
func TestTheComparerSeesEveryDifference(t *testing.T) {
	wrong := []struct {
		what   string // the fault that must be found
		change func(*story, *seen, *string)
	}{
		{"verdict", func(x *story, g *seen, _ *string) { g.verdict = "another" }},
		{"exit code", func(x *story, g *seen, _ *string) { g.exit++ }},
		{"refusal", func(x *story, g *seen, _ *string) { x.refusal += "E411: line 7: " }},
		{"guardrails", func(x *story, g *seen, _ *string) { x.tripped += " E501" }},
		{"problems", func(x *story, g *seen, _ *string) { x.problems = append(slices.Clone(x.problems), "E101 error line 7") }},
		{"golden file", func(x *story, g *seen, golden *string) { *golden = strings.Replace(*golden, "hr", "HR", 1) }},
		{"golden file", func(x *story, g *seen, _ *string) { g.accounts = strings.ToUpper(g.accounts) }},
		{"cell that a spreadsheet would calculate", func(x *story, g *seen, _ *string) { g.formula = "=1+1" }},
		{"accounts", func(x *story, g *seen, _ *string) { g.same = false }},
		{"personal data in report or log", func(x *story, g *seen, _ *string) { g.told += "Mr Brzęczyk" }},
		{"personal data in report or log", func(x *story, g *seen, _ *string) { g.site.log.WriteString("p0007") }},
	}
	b := newBase(t, sqlite)
	tried := map[verdict]bool{}
	for _, x := range stories {
		if tried[x.verdict] {
			continue
		}
		tried[x.verdict] = true
		want, err := os.ReadFile(golden(x))
		if err != nil {
			t.Fatal(err)
		}
		got := play(t, b.copy(t), x)
		for _, w := range wrong {
			if w.what == "accounts" && !nobody(x.verdict) || strings.HasPrefix(w.what, "golden") && x.verdict == nothingNew {
				continue
			}
			expected, came, text, log := x, got, string(want), got.site.log.String()
			w.change(&expected, &came, &text)
			faults := compare(expected, came, text)
			if !slices.ContainsFunc(faults, func(f fault) bool { return f.what == w.what }) {
				t.Errorf("%s: a wrong %s is not seen: %v", x.title(), w.what, faults)
			}
			got.site.log.Reset()
			got.site.log.WriteString(log)
		}
		if faults := compare(x, got, string(want)); len(faults) > 0 {
			t.Errorf("%s: nothing is wrong, and it says %v", x.title(), faults)
		}
	}
	if len(tried) != len(exits) {
		t.Errorf("%d verdicts were tried, want all %d", len(tried), len(exits))
	}
}
