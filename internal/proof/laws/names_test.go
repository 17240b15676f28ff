package laws_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"rollcall/internal/roster"
	"rollcall/internal/run"
)

// TestL7 moves usernames about in swaps, rings and chains, to names with other
// capitals and to names that nobody has, in one run. Who asks for the name of
// somebody who keeps it keeps his own, and so does whoever waits for him (R36).
func TestL7R36AnyPermutationOfUsernamesGoesInOneRun(t *testing.T) {
	t.Parallel()
	bothAlike(t, func(t *rapid.T, d *directory, counts map[string]int) string {
		n := rapid.IntRange(2, 9).Draw(t, "people")
		if oneIn(t, 40, "long") {
			n = 50
		}
		had := make([]string, n)
		for i := range had {
			had[i] = fmt.Sprintf("u%d", i)
		}
		want := slices.Clone(had)
		switch oneOf(t, []string{"any", "ring", "chain", "some"}, "shape") {
		case "any":
			want = rapid.Permutation(had).Draw(t, "names")
		case "ring":
			want = append(slices.Clone(had[1:]), had[0])
		case "chain":
			want = append(slices.Clone(had[1:]), "fresh")
		case "some": // several may want one name, and some keep theirs
			for i := range want {
				if oneIn(t, 2, "moves") {
					want[i] = had[rapid.IntRange(0, n-1).Draw(t, "to")]
				}
			}
		}
		if oneIn(t, 3, "capitals") {
			i := rapid.IntRange(0, n-1).Draw(t, "whose")
			want[i] = strings.ToUpper(want[i])
		}
		hr := feed("hr", func(p *run.Profile) { p.Plan.UniqueEmail = "off" })
		d.apply(t, hr, plainly.text(called(had)))
		d.at = d.at.AddDate(0, 0, 1)
		done := d.apply(t, hr, plainly.text(called(want)))

		expected := granted(had, want)
		for _, a := range d.accounts(t) {
			var i int
			if _, err := fmt.Sscanf(a.Values[roster.EmployeeID], "k%d", &i); err != nil {
				t.Fatal(err)
			}
			if got := a.Values[roster.Username]; got != expected[i] {
				t.Fatalf("%s, L7: person %d is %q, want %q: had %v, asked for %v\n%+v", d.engine, i, got, expected[i], had, want, d.outcomes(t, done.Number))
			}
		}
		counts["L7, names move in swaps, rings and chains in one run"]++
		return strings.Join(expected, " ")
	})
}

// called is a drop of people with those names.
func called(names []string) [][]string {
	var rows [][]string
	for i, name := range names {
		row := make([]string, len(columns))
		row[0], row[1], row[2], row[3] = fmt.Sprintf("k%d", i), name, "Jo", "Doe"
		rows = append(rows, row)
	}
	return rows
}

// granted is who has which name in the end, found in the simplest way: everybody
// gets what he asks for, and then wishes are denied until nobody has a name twice.
func granted(had, want []string) []string {
	has := make([]string, len(want))
	wanted := map[string]int{}
	for i, w := range want {
		has[i] = strings.ToLower(w) // R30
		wanted[has[i]]++
	}
	deny := func(i int) bool {
		moved := has[i] != had[i]
		has[i] = had[i]
		return moved
	}
	for i, w := range want {
		if wanted[strings.ToLower(w)] > 1 { // several people's wish is nobody's, but who has it keeps it
			deny(i)
		}
	}
	for again := true; again; {
		again = false
		for i := range has {
			for j := range has {
				if i != j && has[i] == has[j] {
					if has[j] == had[j] {
						again = deny(i) || again
					} else {
						again = deny(j) || again
					}
				}
			}
		}
	}
	return has
}
