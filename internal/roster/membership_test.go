package roster_test

import (
	"testing"

	"rollcall/internal/roster"
)

func TestR92AnEndingIsReadBackAndANameIsNoEnding(t *testing.T) {
	for _, tt := range []struct {
		text, rest, until string
		ok                bool
	}{
		{"C1", "C1", "", true},
		{roster.Ending("C1:learner:Night", "2026-12-20T00:00:00Z"), "C1:learner:Night", "2026-12-20T00:00:00Z", true},
		{"C1 until 2026-12-20T01:00:00+01:00", "C1", "2026-12-20T00:00:00Z", true},
		{"Valid until 2026 until 2026-12-20T00:00:00Z", "Valid until 2026", "2026-12-20T00:00:00Z", true},
		{"Valid until 2026", "Valid until 2026", "", true},
		{"Night until June", "Night until June", "", true},
		{"C1 until ", "C1 until ", "", true},
		{"C1 until 20.12.2026", "C1", "", false},
		{"C1 until 2026-12-20", "C1", "", false},
	} {
		if rest, until, ok := roster.CutEnding(tt.text); rest != tt.rest || until != tt.until || ok != tt.ok {
			t.Errorf("%q: %q, %q, %v; want %q, %q, %v", tt.text, rest, until, ok, tt.rest, tt.until, tt.ok)
		}
	}
}
