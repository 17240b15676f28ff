package fault_test

import (
	"bytes"
	"maps"
	"os"
	"slices"
	"testing"
)

// TestTheProgramThatPeopleRunHasNoTraceOfAFault looks for every moment, and for the
// words of the environment, in both programs.
func TestTheProgramThatPeopleRunHasNoTraceOfAFault(t *testing.T) {
	t.Parallel()
	words := append(slices.Collect(maps.Keys(inTheCode(t))), "ROLLCALL_FAULT", "single transaction", "reading back", "reading with its drop", "password with its account", "sending with its password")
	if len(words) < 30 {
		t.Errorf("the code names %d moments, so this looks in the wrong place", len(words)-4)
	}
	clean, test := program(t, release), program(t, faulty)
	for path, want := range map[string]bool{clean: false, test: true} {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		for _, word := range words {
			if bytes.Contains(text, []byte(word)) != want {
				t.Errorf("%q is in the program: %v, want %v", word, !want, want)
			}
		}
	}
}
