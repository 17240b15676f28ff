package examples_test

import (
	"errors"
	"flag"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"testing"

	"rollcall/examples"
	"rollcall/internal/shore"
)

var update = flag.Bool("update", false, "rewrite each plan.txt")

// The program is built once.
var (
	building sync.Once
	program  string
)

func TestMain(m *testing.M) {
	flag.Parse()
	code := m.Run()
	if program != "" {
		_ = os.RemoveAll(filepath.Dir(program))
	}
	os.Exit(code)
}

// rollcall types a command in a folder; it answers with what it printed and its exit code.
func rollcall(t *testing.T, dir string, args ...string) (stdout string, code int) {
	t.Helper()
	building.Do(func() {
		temp, err := os.MkdirTemp("", "rollcall-examples-*")
		if err != nil {
			t.Fatal(err)
		}
		program = filepath.Join(temp, "rollcall")
		if out, err := exec.Command("go", "build", "-o", program, "rollcall/cmd/rollcall").CombinedOutput(); err != nil {
			t.Fatalf("build: %v\n%s", err, out)
		}
	})
	cmd := exec.Command(program, args...)
	cmd.Dir, cmd.Env = dir, append(os.Environ(), "ROLLCALL_CONFIG=")
	out, err := cmd.Output()
	var ended *exec.ExitError
	if err != nil && !errors.As(err, &ended) {
		t.Fatal(err)
	}
	if ended != nil && len(ended.Stderr) > 0 {
		t.Logf("rollcall %s says on stderr: %s", strings.Join(args, " "), ended.Stderr)
	}
	return string(out), cmd.ProcessState.ExitCode()
}

// example is a copy of an example's folder: running it leaves a state behind.
func example(t *testing.T, name string) string {
	t.Helper()
	dir := t.TempDir()
	for _, part := range []string{"rollcall.yaml", "catalog.yaml", "profiles.d", "hr", "outgoing"} {
		from := filepath.Join(name, part)
		info, err := os.Stat(from)
		switch {
		case errors.Is(err, os.ErrNotExist):
			continue
		case err != nil:
			t.Fatal(err)
		case info.IsDir():
			err = os.CopyFS(filepath.Join(dir, part), os.DirFS(from))
		default:
			err = copyFile(from, filepath.Join(dir, part))
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func copyFile(from, to string) error {
	text, err := os.ReadFile(from)
	if err != nil {
		return err
	}
	return os.WriteFile(to, text, 0o600)
}

// compares wants a plan to be the one that lies beside the example.
func compares(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join(name, "plan.txt")
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("the plan is\n%s\nwant %s\n%s", got, path, want)
	}
}

func TestQuickstartGivesItsPlanAndIsThenApproved(t *testing.T) {
	dir := example(t, "quickstart")
	plan, code := rollcall(t, dir, "plan", "staff")
	if code != 0 {
		t.Fatalf("plan: exit %d\n%s", code, plan)
	}
	compares(t, "quickstart", plan)

	if out, code := rollcall(t, dir, "run", "staff"); code != 11 {
		t.Errorf("a first run: exit %d, want 11, held\n%s", code, out)
	}
	if out, code := rollcall(t, dir, "held", "approve", "last", "--reason", "looked at it"); code != 10 {
		t.Errorf("approve: exit %d, want 10, applied with a rejected row\n%s", code, out)
	}
	if out, _ := rollcall(t, dir, "accounts", "list"); !strings.Contains(out, "hypatia") || strings.Contains(out, "kgodel") {
		t.Errorf("accounts are\n%s\nwant hypatia, and not the rejected kgodel", out)
	}
}

func TestMembershipsGiveTheirPlanAndFollowTheCatalog(t *testing.T) {
	dir := example(t, "memberships")
	plan, code := rollcall(t, dir, "plan", "staff")
	if code != 0 {
		t.Fatalf("plan: exit %d\n%s", code, plan)
	}
	compares(t, "memberships", plan)
	if out, code := rollcall(t, dir, "run", "staff", "--yes"); code != 10 || !strings.Contains(out, "E201") || !strings.Contains(out, "E204") {
		t.Errorf("run: exit %d, want 10, applied with two warnings\n%s", code, out)
	}
	if err := os.WriteFile(filepath.Join(dir, "wards.csv"), []byte("cohort\ndept-pharmacy\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if out, code := rollcall(t, dir, "catalog", "import", "wards.csv"); code != 0 {
		t.Fatalf("import: exit %d\n%s", code, out)
	}
	rollcall(t, dir, "run", "staff")
	if out, _ := rollcall(t, dir, "accounts", "list", "--cohort", "dept-pharmacy"); !strings.Contains(out, "k.krol") {
		t.Errorf("after the import the pharmacy has\n%s\nwant k.krol", out)
	}
}

func TestHRCSVOverOpenSSHGivesItsPlanAndIsApplied(t *testing.T) {
	server := shore.SSHD(t)
	dir := example(t, "hr-csv-sftp")
	if err := os.CopyFS(filepath.Join(server.Dir, "outgoing"), os.DirFS(filepath.Join(dir, "outgoing"))); err != nil {
		t.Fatal(err)
	}
	server.Give(t, filepath.Join(server.Dir, "outgoing"))
	host, port, err := net.SplitHostPort(server.Addr)
	if err != nil {
		t.Fatal(err)
	}
	number, err := strconv.Atoi(port)
	if err != nil {
		t.Fatal(err)
	}
	profile, err := examples.HRCSV(examples.Server{Host: host, Port: number, User: server.User, KeyFile: server.KeyFile, Fingerprint: server.Fingerprint})
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "profiles.d", "hr-csv.yaml"), []byte(profile), 0o600); err != nil {
		t.Fatal(err)
	}

	plan, code := rollcall(t, dir, "plan", "hr-csv")
	if code != 0 {
		t.Fatalf("plan: exit %d\n%s", code, plan)
	}
	compares(t, "hr-csv-sftp", plan)
	if out, code := rollcall(t, dir, "run", "hr-csv"); code != 10 {
		t.Errorf("run: exit %d, want 10, applied with rejected rows\n%s", code, out)
	}
	if out, code := rollcall(t, dir, "run", "hr-csv"); code != 0 || !strings.Contains(out, "nothing to do") {
		t.Errorf("the same file again: exit %d, want 0 and nothing to do\n%s", code, out)
	}
	if out, code := rollcall(t, dir, "plan", "hr-csv", "--detailed-exitcode"); code != 0 || !strings.Contains(out, "Plan: nothing to do.") {
		t.Errorf("R6: after the run the plan is not empty: exit %d\n%s", code, out)
	}
}

// aSecret finds the warning that a secret is not there.
var aSecret = regexp.MustCompile(`: warning: source\.(key|password|bind\.password): .*does not exist`)

// TestEveryExampleIsValidAndReadsAsItIs wants each example's own files to
// validate, but for the secrets that they do not bring, and the profile that the
// demo runs to differ from its example in nothing but the server.
func TestEveryExampleIsValidAndReadsAsItIs(t *testing.T) {
	for _, name := range []string{"quickstart", "memberships", "hr-csv-sftp", "ldap-openldap", "ldap-ad"} {
		out, code := rollcall(t, example(t, name), "validate")
		warnings, secrets := strings.Count(out, ": warning: "), len(aSecret.FindAllString(out, -1))
		if code != 0 || !strings.Contains(out, "0 errors, ") || warnings != secrets {
			t.Errorf("%s: exit %d, %d warnings, of which %d are about secrets\n%s", name, code, warnings, secrets, out)
		}
	}
	as, err := os.ReadFile("hr-csv-sftp/profiles.d/hr-csv.yaml")
	if err != nil {
		t.Fatal(err)
	}
	demo, err := examples.HRCSV(examples.Server{Host: "127.0.0.1", Port: 4022, User: "demo", KeyFile: "key", Fingerprint: "SHA256:x"})
	if err != nil {
		t.Fatal(err)
	}
	server := regexp.MustCompile(`^  (host|port|user|key|host_keys): `)
	before, after := strings.Split(string(as), "\n"), strings.Split(demo, "\n")
	if len(before) != len(after) {
		t.Fatalf("%d lines, want %d", len(after), len(before))
	}
	changed := 0
	for i := range before {
		if before[i] == after[i] {
			continue
		}
		changed++
		if !server.MatchString(before[i]) {
			t.Errorf("line %d is %q, want %q", i+1, after[i], before[i])
		}
	}
	if changed != 5 {
		t.Errorf("%d lines changed, want the server's 5", changed)
	}
}
