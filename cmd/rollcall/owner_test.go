package main

import (
	"os"
	"strings"
	"testing"
)

func TestRootMakesNothingInTheStateFolderOfTheDaemon(t *testing.T) {
	dir := t.TempDir()
	if err := ownState(dir); err != nil {
		t.Errorf("in one's own: %v", err)
	}
	if os.Geteuid() != 0 {
		if err := ownState("/"); err != nil { // who is not root is stopped by the folder itself
			t.Error(err)
		}
		return
	}
	if err := os.Chown(dir, 65534, -1); err != nil {
		t.Fatal(err)
	}
	if err := ownState(dir); err == nil || !strings.Contains(err.Error(), "runuser -u nobody -- rollcall") {
		t.Errorf("error %v, want one that says whose the folder is", err)
	}
}
