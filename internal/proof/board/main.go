// Command board makes a table of what the tests have noted on the scoreboard:
//
//	go run ./internal/proof/board SCORES [FILE.md]
//
// SCORES is what ROLLCALL_SCORES named while the tests ran. The table is printed;
// where a file is given, it takes the place of the one between the two marks there.
package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"os"
	"runtime"
	"slices"
	"strings"
	"time"

	"rollcall/internal/proof"
)

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "board:", err)
		os.Exit(1)
	}
}

func run(args []string) error {
	if len(args) == 0 || len(args) > 2 {
		return fmt.Errorf("usage: board SCORES [FILE.md]")
	}
	scores, err := read(args[0])
	if err != nil {
		return err
	}
	text := table(scores)
	fmt.Print(text)
	if len(args) == 1 {
		return nil
	}
	stamp := fmt.Sprintf("%s, %s on %d cores\n\n", time.Now().UTC().Format(time.DateOnly), runtime.Version(), runtime.NumCPU())
	return replace(args[1], stamp+text)
}

// read adds up the parts of each line, and sorts them by what was attacked.
func read(path string) ([]proof.Score, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("%w; set ROLLCALL_SCORES to it and run the tests", err)
	}
	defer f.Close()
	sum := map[string]*proof.Score{}
	for lines := bufio.NewScanner(f); lines.Scan(); {
		var s proof.Score
		if err := json.Unmarshal(lines.Bytes(), &s); err != nil {
			return nil, fmt.Errorf("%s: %w", path, err)
		}
		if sum[s.Line] == nil {
			sum[s.Line] = &proof.Score{Line: s.Line}
		}
		add(sum[s.Line], s.Counts)
	}
	var all []proof.Score
	for _, s := range sum {
		all = append(all, *s)
	}
	slices.SortFunc(all, func(a, b proof.Score) int { return strings.Compare(strings.ToLower(a.Line), strings.ToLower(b.Line)) })
	return all, nil
}

func add(to *proof.Score, counts []proof.Count) {
	for _, c := range counts {
		if i := slices.IndexFunc(to.Counts, func(had proof.Count) bool { return had.What == c.What }); i >= 0 {
			to.Counts[i].N += c.N
		} else {
			to.Counts = append(to.Counts, c)
		}
	}
}

func table(scores []proof.Score) string {
	var b strings.Builder
	b.WriteString("| what was attacked | what came of it |\n|---|---|\n")
	for _, s := range scores {
		var counts []string
		for _, c := range s.Counts {
			counts = append(counts, fmt.Sprintf("%d %s", c.N, c.What))
		}
		fmt.Fprintf(&b, "| %s | %s |\n", s.Line, strings.Join(counts, ", "))
	}
	return b.String()
}

// The marks between which a table stands in a document.
const (
	begin = "<!-- scoreboard -->\n"
	end   = "<!-- end of scoreboard -->"
)

func replace(path, text string) error {
	old, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	head, rest, ok := strings.Cut(string(old), begin)
	_, tail, closed := strings.Cut(rest, end)
	if !ok || !closed {
		return fmt.Errorf("%s: the marks %q and %q are missing", path, strings.TrimSpace(begin), end)
	}
	return os.WriteFile(path, []byte(head+begin+text+end+tail), 0o644)
}
