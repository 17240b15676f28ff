package roster

import (
	"strings"

	"golang.org/x/text/cases"
	"golang.org/x/text/unicode/norm"
)

// Fold is the form in which names, addresses and keys are looked up: NFKC and
// without case, by the root locale's rules, the same on every database. Two
// texts with one fold may still differ; who cares compares them afterwards.
func Fold(s string) string {
	if ascii(s) {
		return strings.ToLower(s)
	}
	return norm.NFKC.String(cases.Fold().String(norm.NFKC.String(s)))
}

// NormalKey is a key as it is stored and compared: NFKC, without outer blanks.
func NormalKey(s string) Key {
	if ascii(s) {
		return Key(strings.TrimSpace(s))
	}
	return Key(strings.TrimSpace(norm.NFKC.String(s)))
}

func ascii(s string) bool {
	for i := range len(s) {
		if s[i] >= 0x80 {
			return false
		}
	}
	return true
}
