package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

func TestVerdictOnAModuleOfEveryKind(t *testing.T) {
	out, well := judge(t, map[string]string{
		"good/x_test.go": `func TestParent(t *testing.T) { t.Run("one", func(t *testing.T) {}); t.Run("two", func(t *testing.T) {}) }
			func TestAlone(t *testing.T) { t.Log("nobody reads this") }`,
		"bad/x_test.go": `func TestParent(t *testing.T) { t.Run("child", func(t *testing.T) { t.Error("got 1, want 2") }) }
			func TestFine(t *testing.T) {}`,
		"gone/x_test.go":   `func TestSkipped(t *testing.T) { t.Skip("no such server: install it") }`,
		"panic/x_test.go":  `func TestPanic(t *testing.T) { panic("at the disco") }`,
		"broken/x_test.go": `func TestBroken(t *testing.T) { nothing() }`,
	})
	if well {
		t.Error("all is well = true, want false")
	}
	for _, want := range []string{
		"ok   m/good", "3 passed\n",
		"FAIL m/bad", "got 1, want 2",
		"FAIL m/panic", "at the disco",
		"FAIL m/broken", "undefined: nothing",
		"\nskipped:\n  m/gone TestSkipped: x_test.go:3: no such server: install it\n",
		"\n4 passed, 3 failed, 1 skipped\n",
	} {
		if !strings.Contains(out, want) {
			t.Errorf("output lacks %q:\n%s", want, out)
		}
	}
	if strings.Contains(out, "nobody reads this") {
		t.Errorf("output of a test that passed:\n%s", out)
	}
}

func TestVerdictIsWellWhereAllPassed(t *testing.T) {
	out, well := judge(t, map[string]string{"good/x_test.go": "func TestOne(t *testing.T) {}"})
	if !well || !strings.HasSuffix(out, "\n1 passed, 0 failed, 0 skipped\n") {
		t.Errorf("all is well = %v, want true; output:\n%s", well, out)
	}
}

func TestVerdictIsNotWellWhereSomethingIsMissing(t *testing.T) {
	for _, tt := range []struct{ name, in string }{
		{"nothing ran", ""},
		{"the go command stumbled", "go: cannot find main module\n"},
		{"a package never ended", `{"Action":"start","Package":"m/x"}` + "\n" + `{"Action":"pass","Package":"m/x","Test":"TestOne"}` + "\n"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			out, well := told(t, tt.in)
			if well {
				t.Errorf("all is well = true, want false; output:\n%s", out)
			}
		})
	}
}

func TestVerdictTellsWhatFuzzingHasDone(t *testing.T) {
	line := func(action, test, output string) string {
		return `{"Action":"` + action + `","Package":"m/x","Test":"` + test + `","Output":"` + output + `"}` + "\n"
	}
	spell := line("run", "FuzzDate", "") +
		line("output", "FuzzDate", `fuzz: elapsed: 3s, execs: 410 (136/sec), new interesting: 5 (total: 12)\n`) +
		line("output", "FuzzDate", `fuzz: elapsed: 10s, execs: 3836 (1879/sec), new interesting: 7 (total: 135)\n`)
	out, well := told(t, spell+line("pass", "FuzzDate", "")+line("pass", "", ""))
	if !well || !strings.Contains(out, "fuzz FuzzDate: 3836 executions, 7 new interesting\n") || !strings.HasSuffix(out, "\n1 passed, 0 failed, 0 skipped\n") {
		t.Errorf("all is well = %v; output:\n%s", well, out)
	}
	out, well = told(t, spell+line("output", "FuzzDate", `fuzz_test.go:7: off by a day\n`)+line("fail", "FuzzDate", "")+line("fail", "", ""))
	if well || !strings.Contains(out, "off by a day") || !strings.HasSuffix(out, "\n0 passed, 1 failed, 0 skipped\n") {
		t.Errorf("all is well = %v; output:\n%s", well, out)
	}
}

// judge makes a module of the given files, runs its tests, and returns the verdict.
func judge(t *testing.T, files map[string]string) (string, bool) {
	t.Helper()
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "go.mod"), []byte("module m\n\ngo 1.26\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	for name, text := range files {
		if err := os.MkdirAll(filepath.Join(dir, filepath.Dir(name)), 0o755); err != nil {
			t.Fatal(err)
		}
		text = "package x\nimport \"testing\"\n" + text
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	cmd := exec.Command("go", "test", "-json", "./...")
	cmd.Dir = dir
	in, _ := cmd.Output() // an error means that a test failed, as some should
	return told(t, string(in))
}

func told(t *testing.T, in string) (string, bool) {
	t.Helper()
	var out strings.Builder
	tally := tally{out: &out, packages: map[string]*pkg{}}
	if err := tally.read(strings.NewReader(in)); err != nil {
		t.Fatal(err)
	}
	well := tally.tell()
	return out.String(), well
}
