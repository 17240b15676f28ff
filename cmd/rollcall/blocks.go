package main

import (
	"fmt"
	"strings"

	"rollcall/config"
)

// block is a key of an annotated configuration file, with the comment above it
// and all that stands below it, or a key inside such a block; "" where the file has
// no such key.
func block(file, key string) string {
	lines := strings.SplitAfter(file, "\n")
	for i, line := range lines {
		if !strings.HasPrefix(line, key+":") {
			continue
		}
		from, to := i, i+1
		for from > 0 && strings.HasPrefix(lines[from-1], "# ") {
			from--
		}
		for to < len(lines) && strings.HasPrefix(lines[to], " ") {
			to++
		}
		return strings.Join(lines[from:to], "")
	}
	return inner(lines, key)
}

// inner is a key inside a block, with the block's name above it.
func inner(lines []string, key string) string {
	within := ""
	for _, line := range lines {
		switch {
		case strings.HasPrefix(line, "  "+key+":"):
			return within + line
		case !strings.HasPrefix(line, " ") && !strings.HasPrefix(line, "#"):
			within = line
		}
	}
	return ""
}

// blockPage shows a key as the annotated profile has it, else as rollcall.yaml
// does; false where neither has it.
func (a *app) blockPage(key string) bool {
	text, where, page := block(config.ReferenceProfile, key), "a profile", "profile"
	if text == "" {
		text, where, page = block(config.Reference, key), "rollcall.yaml", "config"
	}
	if text == "" {
		return false
	}
	fmt.Fprintf(a.stdout, "In %s (all of it: rollcall help %s):\n\n%s", where, page, text)
	return true
}
