package config

import (
	"fmt"
	"slices"
)

// suggest is the hint for a misspelt word: the nearest of known within two
// edits, "" where there is none.
func suggest(word string, known []string) string {
	if best := nearest(word, known); best != "" {
		return fmt.Sprintf("did you mean %q?", best)
	}
	return ""
}

// Nearest is the one of known that a misspelt word was probably meant to be,
// "" where none is near.
func Nearest(word string, known []string) string { return nearest(word, known) }

func nearest(word string, known []string) string {
	best, least := "", 3
	for _, k := range slices.Sorted(slices.Values(known)) {
		// A word of one or two letters is within two edits of any other.
		if n := edits(word, k); n < least && n < len(k) && n < len(word) {
			best, least = k, n
		}
	}
	return best
}

// edits counts the letters to add, drop, change or swap between a and b. Words
// that are longer than any key are not compared.
func edits(a, b string) int {
	const longest = 60
	if len(a) > longest || len(b) > longest {
		return longest
	}
	older, old, row := make([]int, len(b)+1), make([]int, len(b)+1), make([]int, len(b)+1)
	for j := range old {
		old[j] = j
	}
	for i := 1; i <= len(a); i++ {
		row[0] = i
		for j := 1; j <= len(b); j++ {
			change := old[j-1]
			if a[i-1] != b[j-1] {
				change++
			}
			row[j] = min(change, old[j]+1, row[j-1]+1)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				row[j] = min(row[j], older[j-2]+1)
			}
		}
		older, old, row = old, row, older
	}
	return old[len(b)]
}
