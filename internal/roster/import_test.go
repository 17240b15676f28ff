package roster_test

import (
	"strings"
	"testing"

	"rollcall/internal/roster"
)

func TestWhatAPersonWhoImportsIsToldNamesNoProfileAndNoHR(t *testing.T) {
	for code, c := range roster.Codes {
		if code < "E4" {
			if got := roster.ForImport(code, c.Fix); got == "" || strings.Contains(got, "HR") || strings.Contains(got, "map.") || strings.Contains(got, "PROFILE") {
				t.Errorf("%s: %q", code, got)
			}
		}
	}
	for _, tt := range []struct{ code, fix, want string }{
		{"E131", "correct it in HR, or set map.email.on_invalid", "correct it in the file"},
		{"E103", "it looks like gbk; set format.encoding: gbk, or whatever HR says it is", "it looks like gbk; save the file as UTF-8, which spreadsheets call CSV UTF-8, or say which encoding it is in with --encoding"},
		{"E302", "correct the row; a file of another site has other ids", "correct the row; a file of another site has other ids"},
		{"E115", "set map.status.values", "correct the file"},
	} {
		if got := roster.ForImport(tt.code, tt.fix); got != tt.want {
			t.Errorf("%s %q: %q, want %q", tt.code, tt.fix, got, tt.want)
		}
	}
}
