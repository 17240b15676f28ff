package config

import (
	"flag"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"
)

var update = flag.Bool("update", false, "write the golden files again")

// now is when the tests take place.
var now = time.Date(2026, 11, 22, 9, 0, 0, 0, time.UTC)

// Everything that is wrong is shown at once, each with its place, as an
// operator sees it.
func TestABrokenSiteShowsEveryErrorAtOnce(t *testing.T) {
	want, err := filepath.Abs("testdata/broken.txt")
	if err != nil {
		t.Fatal(err)
	}
	t.Chdir("testdata/broken")

	s, errs := load("rollcall.yaml", now, nil)
	got := errs.Error() + "\n" + errs.Summary(len(s.Loaded)) + "\n"
	compare(t, got, want)
}

// Of the contract's own example every key is either built or refused by name.
func TestTheContractIsBuiltOrRefusedByName(t *testing.T) {
	want, err := filepath.Abs("testdata/contract.txt")
	if err != nil {
		t.Fatal(err)
	}
	t.Chdir("testdata/contract")

	_, errs := load("rollcall.yaml", now, nil)
	var got string
	for _, e := range errs {
		if slices.Contains([]string{codeFile, codeUnknown, codeType, codeTwice, codeSyntax, codeSecret}, e.Code) {
			t.Errorf("a key of the contract is neither built nor refused by name:\n%v", e)
		}
		got += e.Error() + "\n"
	}
	compare(t, got, want)
}

func compare(t *testing.T, got, file string) {
	t.Helper()
	if *update {
		if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("got:\n%s\nwant (%s; -update writes it again):\n%s", got, file, want)
	}
}
