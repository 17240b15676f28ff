package examples_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// fence is a block of README between ```lang and ```, the first that holds word.
func fence(t *testing.T, lang, word string) string {
	t.Helper()
	text, err := os.ReadFile("../README.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, part := range strings.Split(string(text), "```"+lang+"\n")[1:] {
		block, _, _ := strings.Cut(part, "```")
		if strings.Contains(block, word) {
			return block
		}
	}
	t.Fatalf("README has no block of %s with %q", lang, word)
	return ""
}

func TestReadmeShowsTheQuickstartsProfile(t *testing.T) {
	got := fence(t, "yaml", "match:")
	want, err := os.ReadFile("quickstart/profiles.d/staff.yaml")
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("README shows:\n%swhere the example says:\n%s", got, want)
	}
}

// TestReadmesFirstProfileWorksAsItIsTyped types the block line by line.
func TestReadmesFirstProfileWorksAsItIsTyped(t *testing.T) {
	dir := t.TempDir()
	typed := 0
	for line := range strings.Lines(fence(t, "sh", "init --from")) {
		command, _, _ := strings.Cut(line, "#")
		words := strings.Fields(command)
		switch {
		case len(words) > 1 && words[0] == "cp":
			files, err := filepath.Glob(strings.TrimPrefix(words[1], "../examples/"))
			if err != nil || len(files) != 1 {
				t.Fatalf("%s names %d files, %v", words[1], len(files), err)
			}
			data, err := os.ReadFile(files[0])
			if err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(filepath.Join(dir, words[2]), data, 0o600); err != nil {
				t.Fatal(err)
			}
		case len(words) > 1 && words[0] == "../rollcall":
			typed++
			want := 0
			if words[1] == "run" {
				want = 10 // the example has a bad row, as README says
			}
			if out, code := rollcall(t, dir, words[1:]...); code != want {
				t.Errorf("%s: exit %d, want %d\n%s", strings.TrimSpace(command), code, want, out)
			}
		}
	}
	if typed != 5 {
		t.Errorf("README's block has %d commands of rollcall, want 5", typed)
	}
}
