package main

import (
	"bufio"
	"os"
	"strconv"
	"strings"
)

// who is the person at the keyboard, for the journal: the operating system's
// user, for anybody can type an environment. Only root is believed about whom
// sudo has made root.
func who() string {
	name := userName(os.Getuid(), "/etc/passwd")
	if person := os.Getenv("SUDO_USER"); os.Getuid() == 0 && person != "" && person != name {
		return name + ", for " + person
	}
	return name
}

// userName is the name of a user id, or "uid 1234" where the system has none.
// The package os/user would then take $USER for it.
func userName(uid int, passwd string) string {
	number := strconv.Itoa(uid)
	f, err := os.Open(passwd)
	if err != nil {
		return "uid " + number
	}
	defer f.Close()
	for lines := bufio.NewScanner(f); lines.Scan(); {
		if parts := strings.Split(lines.Text(), ":"); len(parts) > 2 && parts[2] == number && parts[0] != "" {
			return parts[0]
		}
	}
	return "uid " + number
}
