package notify

import (
	"strings"
	"testing"
	"unicode/utf8"
)

// unflowed reads a text as RFC 3676 says.
func unflowed(text string) string {
	var b strings.Builder
	for _, line := range strings.SplitAfter(text, "\n") {
		body := strings.TrimSuffix(line, "\n")
		body = strings.TrimPrefix(body, " ")
		if strings.HasSuffix(body, " ") && body != "-- " {
			b.WriteString(body)
			continue
		}
		b.WriteString(body + line[len(strings.TrimSuffix(line, "\n")):])
	}
	return b.String()
}

func TestAFlowedTextIsFoldedAndReadAsItWas(t *testing.T) {
	long := strings.Repeat("some words ", 30) + "end"
	for _, text := range []string{
		"", "short\n", long + "\n", long, "  " + long + "\n", "> quoted\nFrom here\n", strings.Repeat("From here > ", 20) + "on\n",
		strings.Repeat("x", 200) + " tail\n", strings.Repeat("ż", 80) + " " + strings.Repeat("ź", 80) + "\n", "a\n-- \nfoot\n", "two  blanks " + long + "\n",
	} {
		got := flowed(text)
		if back := unflowed(got); back != text {
			t.Errorf("%q became %q and was read as %q", text, got, back)
		}
		for _, line := range strings.Split(got, "\n") {
			if n := utf8.RuneCountInString(line); n > 78 && strings.Contains(strings.TrimRight(line, " "), " ") && !strings.HasPrefix(line, " ") {
				t.Errorf("line %q has %d characters, want at most 78", line, n)
			}
			if strings.HasPrefix(line, ">") || strings.HasPrefix(line, "From ") {
				t.Errorf("line %q is taken for something else", line)
			}
		}
	}
}
