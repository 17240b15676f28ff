package main

import (
	"os"
	"path/filepath"
	"testing"
)

func TestTheJournalNamesTheSystemsUserAndNotTheEnvironments(t *testing.T) {
	t.Setenv("USER", "mallory")
	t.Setenv("LOGNAME", "mallory")
	t.Setenv("SUDO_USER", "")
	if got, want := who(), userName(os.Getuid(), "/etc/passwd"); got != want {
		t.Errorf("who = %q, want %q", got, want)
	}

	passwd := filepath.Join(t.TempDir(), "passwd")
	if err := os.WriteFile(passwd, []byte("root:x:0:0::/root:/bin/sh\n# 12:x:13\ncarol:x:1234:100::/home/carol:/bin/sh\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for uid, want := range map[int]string{0: "root", 1234: "carol", 123: "uid 123"} {
		if got := userName(uid, passwd); got != want {
			t.Errorf("user %d = %q, want %q", uid, got, want)
		}
	}
	if got, want := userName(7, passwd+"-gone"), "uid 7"; got != want {
		t.Errorf("without a list of users: %q, want %q", got, want)
	}
}

func TestOnlyRootIsBelievedAboutWhomItActsFor(t *testing.T) {
	t.Setenv("SUDO_USER", "carol")
	want := userName(os.Getuid(), "/etc/passwd")
	if os.Getuid() == 0 {
		want += ", for carol"
	}
	if got := who(); got != want {
		t.Errorf("who = %q, want %q", got, want)
	}
}
