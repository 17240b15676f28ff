package run

import (
	"os"
	"path/filepath"
	"syscall"
	"testing"
)

func TestADropIsArchivedOnAnotherFileSystem(t *testing.T) {
	const memory = "/dev/shm"
	far, err := os.MkdirTemp(memory, "rollcall-test-")
	if err != nil {
		t.Skipf("no second file system to write to: %v", err)
	}
	defer os.RemoveAll(far)
	from, to := filepath.Join(t.TempDir(), "drop"), filepath.Join(far, "1-drop.csv")
	if err := os.WriteFile(from, []byte("ID\n1\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Link(from, filepath.Join(far, "link")); err == nil || err.(*os.LinkError).Err != syscall.EXDEV {
		t.Skipf("%s is no other file system than the temporary folder: %v", memory, err)
	}
	if err := move(from, to); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(to)
	if err != nil || string(text) != "ID\n1\n" {
		t.Errorf("archived %q, %v", text, err)
	}
	if _, err := os.Stat(from); !os.IsNotExist(err) {
		t.Errorf("it is in the spool too: %v", err)
	}
}
