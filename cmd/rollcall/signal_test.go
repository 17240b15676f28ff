package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"
)

func TestAnInterruptedRunExitsWithTheCodeOfItsSignal(t *testing.T) {
	t.Parallel()
	for sig, want := range map[syscall.Signal]int{syscall.SIGINT: 130, syscall.SIGTERM: 143} {
		t.Run(sig.String(), func(t *testing.T) {
			t.Parallel()
			dir := servedSite(t, "hr")
			put(t, dir, "profiles.d/hr.yaml", `
source: {type: dir, path: ../hr/*.csv, settle: 10m}
format: {content: full}
match: {key: employee_id}
map: {employee_id: ID, username: Login, first_name: First, last_name: Last, email: Email}
`)
			put(t, dir, "hr/1.csv", staffFile("hr", 3, "")) // too new to be taken for whole: the run waits
			ctx, stop := context.WithTimeout(t.Context(), time.Minute)
			defer stop()
			cmd := exec.CommandContext(ctx, "rollcall", "run", "hr")
			cmd.Dir, cmd.Env = dir, append(os.Environ(), "ROLLCALL_CONFIG=")
			pipe, err := cmd.StderrPipe()
			if err != nil {
				t.Fatal(err)
			}
			if err := cmd.Start(); err != nil {
				t.Fatal(err)
			}
			lines := bufio.NewScanner(pipe)
			for lines.Scan() && !strings.Contains(lines.Text(), "waiting until") {
			}
			if err := cmd.Process.Signal(sig); err != nil {
				t.Fatal(err)
			}
			for lines.Scan() {
			}
			var ended *exec.ExitError
			if err := cmd.Wait(); !errors.As(err, &ended) || ended.ExitCode() != want {
				t.Errorf("the process ends with %v, want exit %d", err, want)
			}

			show := exec.Command("rollcall", "runs", "show", "1", "-o", "json")
			show.Dir, show.Env = dir, cmd.Env
			out, err := show.Output()
			if code := fmt.Sprintf(`"exit_code": %d`, want); err != nil || !strings.Contains(string(out), code) {
				t.Errorf("the run is kept as\n%s(%v), want %s", out, err, code)
			}
		})
	}
}
