package main

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"
)

// told is what the demo's run N left behind.
type toldRun struct {
	Run struct {
		Status   string `json:"status"`
		ExitCode int    `json:"exit_code"`
	} `json:"run"`
	Rows     map[string]int `json:"rows"`
	Accounts struct {
		Before int `json:"active_before"`
		After  int `json:"active_after"`
	} `json:"accounts"`
}

func readRun(t *testing.T, dir string, number int) (r toldRun) {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(dir, "state", "reports", fmt.Sprintf("%d.json", number)))
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(text, &r); err != nil {
		t.Fatal(err)
	}
	sum := 0
	for name, n := range r.Rows {
		if name != "read" {
			sum += n
		}
	}
	if sum != r.Rows["read"] || sum == 0 {
		t.Errorf("run %d: rows add up to %d, and %d were read", number, sum, r.Rows["read"])
	}
	return r
}

func TestTheDemoTellsItsStoryAndWhatItSaysToTypeWorks(t *testing.T) {
	t.Parallel()
	temp := t.TempDir()
	demo := exec.Command("rollcall", "demo")
	demo.Env = append(os.Environ(), "TMPDIR="+temp, "ROLLCALL_CONFIG=")
	demo.Dir = temp
	began := time.Now()
	out, err := demo.CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	if took := time.Since(began); took > 30*time.Second {
		t.Errorf("the demo took %s, want at most 30 s", took)
	}
	text := string(out)
	dirs, err := filepath.Glob(filepath.Join(temp, "rollcall-demo-*"))
	if err != nil || len(dirs) != 1 || !strings.Contains(text, dirs[0]) {
		t.Fatalf("folders %q, %v; want one that stays and that the demo names", dirs, err)
	}

	first, second, third := readRun(t, dirs[0], 2), readRun(t, dirs[0], 3), readRun(t, dirs[0], 4)
	for i, want := range []struct {
		got    toldRun
		status string
		exit   int
		read   int
	}{{first, "warn", 10, 301}, {second, "warn", 10, 302}, {third, "held", 11, 151}} {
		if want.got.Run.Status != want.status || want.got.Run.ExitCode != want.exit || want.got.Rows["read"] != want.read {
			t.Errorf("run %d: %+v, want status %s, exit %d and %d rows", i+2, want.got, want.status, want.exit, want.read)
		}
	}
	if first.Rows["added"] != 297 || first.Rows["rejected"] != 4 {
		t.Errorf("first run: %v, want 297 added and 4 rejected", first.Rows)
	}
	if second.Rows["added"] != 6 || second.Rows["updated"] != 4 || second.Rows["reactivated"] != 1 || second.Rows["suspended"] != 1 {
		t.Errorf("second run: %v, want 6 joiners, 4 changed, 1 back, 1 marked as a leaver", second.Rows)
	}
	if third.Accounts.Before != second.Accounts.After {
		t.Errorf("%d accounts active before the held run, want the %d of the run before", third.Accounts.Before, second.Accounts.After)
	}
	for _, want := range []string{
		`\+ add +297 .*`,
		`E105`, `E120`, `E131`, `E112`,
		`"staff_[0-9]{8}\.csv" is still growing; it is left for the next run`,
		`last_name ".+" → "Żak"`,
		`suspend .*not in the file`,
		`reactivate .*expires_on`,
		`hr-csv \(run 4\) is held\. NOTHING was changed\.`,
		`E501 max_removals  1[0-9]{2} of 2[0-9]{2} active accounts`,
		fmt.Sprintf(`Nobody has lost access: %d accounts were active before, %[1]d are now\.`, second.Accounts.After),
	} {
		if !regexp.MustCompile(want).MatchString(text) {
			t.Errorf("the demo does not say %s", want)
		}
	}
	typeWhatItSays(t, text, temp)
}

// typeWhatItSays types the commands at the demo's end: its server is gone.
func typeWhatItSays(t *testing.T, text, dir string) {
	t.Helper()
	commands := regexp.MustCompile(`(?m)^  rollcall --config .*$`).FindAllString(text, -1)
	if len(commands) < 6 {
		t.Fatalf("the demo says %d commands to type, want at least 6", len(commands))
	}
	for _, line := range commands {
		if strings.Contains(line, "held reject") {
			continue // the other choice is approve
		}
		shell := exec.Command("sh", "-c", line)
		shell.Dir = dir
		out, err := shell.CombinedOutput()
		if code := shell.ProcessState.ExitCode(); code != exitDone && !(strings.Contains(line, "approve") && code == exitWarn) {
			t.Errorf("%s: exit %d, %v\n%s", line, code, err, out)
		}
		if len(out) == 0 {
			t.Errorf("%s says nothing", line)
		}
	}
}

func TestTheDemoNamesTheProgramAsItWasTyped(t *testing.T) {
	for arg0, want := range map[string]string{
		"rollcall":            "rollcall",
		"./rollcall":          "./rollcall",
		"/opt/my go/rollcall": "'/opt/my go/rollcall'",
		"/tmp/go-build3146176930/b001/exe/rollcall":                                                                "go run ./cmd/rollcall",
		"/home/ada/.cache/go-build/b9/b9fc579a3f574e78f0be5f7f6ec111d0928e0f007621bd6e20a4c355e868f3ba-d/rollcall": "go run ./cmd/rollcall",
	} {
		if got := typed(arg0); got != want {
			t.Errorf("typed(%q) = %q, want %q", arg0, got, want)
		}
	}
}
