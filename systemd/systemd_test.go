// Package systemd_test asks systemd itself about the files of this folder.
package systemd_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"rollcall/internal/shore"
)

func TestSystemdUnderstandsEveryLineOfTheUnit(t *testing.T) {
	out, err := exec.Command(shore.Need(t, "systemd-analyze"), "verify", unit(t)).CombinedOutput()
	if err != nil || len(out) > 0 { // an unknown key is only told, and is no error
		t.Errorf("systemd-analyze verify: %v, %q, want silence", err, out)
	}
}

func TestTheUnitIsExposedToLittle(t *testing.T) {
	const tenths = "13" // what is left is the network, which it needs
	out, err := exec.Command(shore.Need(t, "systemd-analyze"), "security", "--offline=true", "--no-pager", "--threshold="+tenths, unit(t)).CombinedOutput()
	if err != nil {
		t.Errorf("systemd-analyze security: %v\n%s", err, out)
	}
}

func TestAccountAndFoldersAreMade(t *testing.T) {
	shore.Need(t, "systemd-analyze") // the two programs below come with it
	if os.Getuid() != 0 {
		t.Skip("only root can make an account and hand it folders, even below a temporary root")
	}
	root := t.TempDir()
	if err := os.Mkdir(filepath.Join(root, "etc"), 0o755); err != nil {
		t.Fatal(err)
	}
	for _, args := range [][]string{
		{"systemd-sysusers", "--root=" + root, absolute(t, "rollcall.sysusers")},
		{"systemd-tmpfiles", "--root=" + root, "--create", absolute(t, "rollcall.tmpfiles")},
	} {
		if out, err := exec.Command(args[0], args[1:]...).CombinedOutput(); err != nil {
			t.Fatalf("%s: %v: %s", args[0], err, out)
		}
	}
	for path, want := range map[string]os.FileMode{
		"etc/rollcall": 0o750, "etc/rollcall/profiles.d": 0o750, "etc/rollcall/secrets": 0o700, "var/lib/rollcall": 0o700,
	} {
		info, err := os.Stat(filepath.Join(root, path))
		if err != nil {
			t.Error(err)
			continue
		}
		if got := info.Mode().Perm(); got != want {
			t.Errorf("%s: mode = %o, want %o", path, got, want)
		}
	}
}

func TestEveryLineSaysWhy(t *testing.T) {
	plain := map[string]bool{"Description": true, "Documentation": true} // these are words for people themselves
	for _, name := range []string{"rollcall.service", "rollcall.sysusers", "rollcall.tmpfiles"} {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		above := ""
		for i, line := range strings.Split(string(text), "\n") {
			key, _, _ := strings.Cut(line, "=")
			says := line == "" || line[0] == '#' || line[0] == '[' || plain[key]
			if !says && !strings.HasPrefix(above, "#") {
				t.Errorf("%s:%d: %s stands there without its why", name, i+1, line)
			}
			above = line
		}
	}
}

// unit is a copy of the unit that starts a program which is there: systemd looks.
func unit(t *testing.T) string {
	t.Helper()
	text, err := os.ReadFile("rollcall.service")
	if err != nil {
		t.Fatal(err)
	}
	there, err := exec.LookPath("true")
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "rollcall.service")
	text = []byte(strings.Replace(string(text), "/usr/bin/rollcall", there, 1))
	if err := os.WriteFile(path, text, 0o644); err != nil {
		t.Fatal(err)
	}
	return path
}

func absolute(t *testing.T, name string) string {
	t.Helper()
	path, err := filepath.Abs(name)
	if err != nil {
		t.Fatal(err)
	}
	return path
}
