package main

import (
	"fmt"
	"os"
	"syscall"
)

// ownState refuses root to work in a state folder of somebody else: what root
// made there the daemon could not open, and it would not come up again.
func ownState(dir string) error {
	info, err := os.Stat(dir)
	if err != nil {
		return fmt.Errorf("state folder: %w", err)
	}
	stat, ok := info.Sys().(*syscall.Stat_t)
	if !ok || os.Geteuid() != 0 || stat.Uid == 0 {
		return nil
	}
	name := userName(int(stat.Uid), "/etc/passwd")
	return fmt.Errorf("the state folder %s belongs to %s, and what root makes in it %s could not open; type  runuser -u %s -- rollcall …", dir, name, name, name)
}
