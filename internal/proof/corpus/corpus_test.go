// Package corpus_test plays the hostile corpus: some eighty CSV files, each of
// which has cost somebody his directory, or could, against a directory of a
// thousand people, on SQLite and on PostgreSQL. What must come of each stands
// in the table of stories_test.go; what a person reads then, and what became of
// the accounts, in testdata.
package corpus_test

import (
	"flag"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"rollcall/internal/proof"
	"rollcall/internal/shore"
)

var update = flag.Bool("update", false, "rewrite the golden files in testdata")

func TestMain(m *testing.M) { shore.Main(m) }

// TestTheCorpusIsWhole holds the list against the numbers that were asked for.
func TestTheCorpusIsWhole(t *testing.T) {
	files := map[int]int{}
	titles := map[string]bool{}
	for _, x := range stories {
		if x.twin == "" {
			files[x.n]++
		}
		if titles[x.title()] {
			t.Errorf("two stories are called %s", x.title())
		}
		titles[x.title()] = true
	}
	for _, x := range stories {
		if files[x.n] == 0 {
			t.Errorf("%s is a twin of nobody", x.title())
		}
	}
	for _, n := range slices.Concat(rows(1, 60), rows(70, 92)) {
		switch why := leftOut[n]; {
		case files[n] == 1 && why == "":
		case files[n] == 0 && why != "":
		default:
			t.Errorf("#%d has %d files and is left out because %q; it must have one, or a reason", n, files[n], why)
		}
		delete(files, n)
	}
	for n := range files {
		t.Errorf("#%d was not asked for", n)
	}
	golden, err := filepath.Glob("testdata/*.txt")
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range golden {
		if name := filepath.Base(path); !titles[name[:len(name)-len(".txt")]] {
			t.Errorf("%s is the golden file of no story", path)
		}
	}
}

func golden(x story) string { return filepath.Join("testdata", x.title()+".txt") }

// TestTheHostileCorpus plays every file on both databases.
func TestTheHostileCorpus(t *testing.T) {
	for _, engine := range []string{sqlite, postgres} {
		t.Run(engine, func(t *testing.T) {
			b := newBase(t, engine)
			proof.Note(t, "hostile corpus, "+engine, proof.Count{What: "exact", N: len(stories)}, proof.Count{What: "wrong", N: 0})
			for _, x := range stories {
				t.Run(x.title(), func(t *testing.T) {
					t.Parallel()
					got := play(t, b.copy(t), x)
					if *update && engine == sqlite {
						if err := os.WriteFile(golden(x), []byte(got.said(x)), 0o644); err != nil {
							t.Fatal(err)
						}
					}
					want, err := os.ReadFile(golden(x))
					if err != nil {
						t.Fatal(err)
					}
					for _, f := range compare(x, got, string(want)) {
						t.Error(f)
					}
				})
			}
		})
	}
}
