// Command verdict reads what go test -json writes and tells it as a person wants
// to read it: a line for each package, all output of what failed, every skipped
// test with its reason, and at the end a plain line "N passed, N failed, N
// skipped". It ends with 1 where anything failed, and where nothing ran.
//
// A test with subtests is not counted beside them, unless it failed by itself.
package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"regexp"
	"slices"
	"strings"
)

func main() {
	t := tally{out: os.Stdout, packages: map[string]*pkg{}}
	if err := t.read(os.Stdin); err != nil {
		fmt.Fprintln(os.Stderr, "verdict:", err)
		os.Exit(1)
	}
	if !t.tell() {
		os.Exit(1)
	}
}

// An event is a line of go test -json; see go doc test2json. ImportPath stands in
// place of Package where a package does not compile.
type event struct {
	Action, Package, ImportPath, Test, Output string
	Elapsed                                   float64
}

type tally struct {
	out                     io.Writer
	packages                map[string]*pkg // that have begun and not ended
	passed, failed, skipped int
	reasons                 []string // of the skipped tests
}

// A pkg is a package whose tests run. Its tests are in the order of their end.
type pkg struct {
	output                  map[string][]string // by test; "" is the package's own
	parents                 map[string]bool     // tests with subtests
	failures                []string
	passed, failed, skipped int
	fuzzed                  []string // what came of its fuzz target
}

// spell is how go test ends the spell of a fuzz target.
var spell = regexp.MustCompile(`^fuzz: elapsed: \S+, execs: (\d+) .*new interesting: (\d+) `)

func (t *tally) read(in io.Reader) error {
	lines := bufio.NewScanner(in)
	lines.Buffer(nil, 16<<20) // a failing test may print a whole file in one line
	for lines.Scan() {
		var e event
		if err := json.Unmarshal(lines.Bytes(), &e); err != nil {
			fmt.Fprintln(t.out, lines.Text()) // the go command speaking in plain words
			continue
		}
		t.hear(e)
	}
	return lines.Err()
}

func (t *tally) hear(e event) {
	switch e.Action {
	case "build-output":
		fmt.Fprint(t.out, e.Output)
		return
	case "build-fail":
		return // the package that needed it fails as well
	}
	p := t.packages[e.Package]
	if p == nil {
		p = &pkg{output: map[string][]string{}, parents: map[string]bool{}}
		t.packages[e.Package] = p
	}
	switch {
	case e.Action == "run":
		if i := strings.LastIndexByte(e.Test, '/'); i > 0 {
			p.parents[e.Test[:i]] = true
		}
	case e.Action == "output" && spell.MatchString(e.Output):
		p.fuzzed = spell.FindStringSubmatch(e.Output)[1:] // the last one is the whole
		p.output[e.Test] = append(p.output[e.Test], e.Output)
	case e.Action == "pass" && e.Test != "" && p.fuzzed != nil:
		fmt.Fprintf(t.out, "fuzz %s: %s executions, %s new interesting\n", e.Test, p.fuzzed[0], p.fuzzed[1])
		p.passed++
		delete(p.output, e.Test)
	case e.Action == "output":
		p.output[e.Test] = append(p.output[e.Test], e.Output)
	case e.Test == "" && (e.Action == "pass" || e.Action == "fail" || e.Action == "skip"):
		t.end(p, e)
		delete(t.packages, e.Package)
	case e.Action == "pass":
		if !p.parents[e.Test] {
			p.passed++
		}
		delete(p.output, e.Test)
	case e.Action == "skip":
		p.skipped++
		t.reasons = append(t.reasons, e.Package+" "+e.Test+reason(p.output[e.Test]))
		delete(p.output, e.Test)
	case e.Action == "fail":
		if !slices.ContainsFunc(p.failures, func(f string) bool { return strings.HasPrefix(f, e.Test+"/") }) {
			p.failed++
		}
		p.failures = append(p.failures, e.Test)
	}
}

// end tells a package that has ended, and adds it up.
func (t *tally) end(p *pkg, e event) {
	if e.Action == "fail" && p.failed == 0 {
		p.failed = 1 // it did not compile, or panicked, or ran out of time
	}
	t.passed, t.failed, t.skipped = t.passed+p.passed, t.failed+p.failed, t.skipped+p.skipped
	word := map[string]string{"pass": "ok  ", "fail": "FAIL", "skip": "-   "}[e.Action]
	fmt.Fprintf(t.out, "%s %-36s %6.1fs  %4d passed", word, e.Package, e.Elapsed, p.passed)
	if p.failed > 0 {
		fmt.Fprintf(t.out, ", %d failed", p.failed)
	}
	if p.skipped > 0 {
		fmt.Fprintf(t.out, ", %d skipped", p.skipped)
	}
	fmt.Fprintln(t.out)
	if e.Action != "fail" {
		return
	}
	for _, test := range p.failures {
		p.print(t.out, test)
	}
	left := make([]string, 0, len(p.output)) // was running when the package ended
	for test := range p.output {
		left = append(left, test)
	}
	slices.Sort(left)
	for _, test := range left {
		p.print(t.out, test)
	}
}

func (p *pkg) print(out io.Writer, test string) {
	for _, line := range p.output[test] {
		if !strings.HasPrefix(line, "=== ") {
			fmt.Fprint(out, "     ", line)
		}
	}
	delete(p.output, test)
}

// reason is what a skipped test said, in a line.
func reason(output []string) string {
	var said []string
	for _, line := range output {
		line = strings.TrimSpace(line)
		if line != "" && !strings.HasPrefix(line, "=== ") && !strings.HasPrefix(line, "--- ") {
			said = append(said, line)
		}
	}
	if len(said) == 0 {
		return ""
	}
	return ": " + strings.Join(said, " ")
}

// tell writes what stands at the end, and answers whether all is well.
func (t *tally) tell() bool {
	for name, p := range t.packages {
		fmt.Fprintf(t.out, "FAIL %s began and never ended\n", name)
		t.passed, t.failed, t.skipped = t.passed+p.passed, t.failed+p.failed+1, t.skipped+p.skipped
	}
	if len(t.reasons) > 0 {
		fmt.Fprintln(t.out, "\nskipped:")
	}
	slices.Sort(t.reasons)
	for _, r := range t.reasons {
		fmt.Fprintln(t.out, "  "+r)
	}
	fmt.Fprintf(t.out, "\n%d passed, %d failed, %d skipped\n", t.passed, t.failed, t.skipped)
	return t.failed == 0 && t.passed > 0
}
