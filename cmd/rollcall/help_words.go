package main

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/alecthomas/kong"

	"rollcall/config"
)

// presetHelp shows a preset; false where there is none of that name.
func (a *app) presetHelp(name string) bool {
	name = strings.ToLower(name)
	text := config.PresetText(name)
	if text == "" {
		return false
	}
	fmt.Fprintf(a.stdout, "A preset:  format: {preset: %s, content: full}  sets what follows; rollcall help presets tells how.\nrollcall init --preset %s writes a profile.\n\n%s", name, name, text)
	return true
}

// verbPage shows the command that has a verb of that name, or lists those that have;
// false where none has.
func (a *app) verbPage(word string) bool {
	var having []*kong.Node
	for _, n := range a.model.Model.Children {
		for _, v := range n.Children {
			if v.Name == strings.ToLower(word) && v.Type == kong.CommandNode && !v.Hidden && !v.Passthrough {
				having = append(having, v)
			}
		}
	}
	if len(having) == 1 {
		return a.commandPage([]string{having[0].Parent.Name, having[0].Name})
	}
	for _, v := range having {
		fmt.Fprintf(a.stdout, "rollcall help %s %-10s %s\n", v.Parent.Name, v.Name, v.Help)
	}
	return len(having) > 0
}

// maxWordLines is how many lines of a page a word is shown in.
const maxWordLines = 8

// wordPage shows the lines of the pages in which a word stands; of a key with dots,
// like map.email.on_invalid, those of its last part, in its own block where they are there.
// It is false where the word stands nowhere.
func (a *app) wordPage(word string) bool {
	parts := strings.Split(word, ".")
	last := parts[len(parts)-1]
	if len(last) < 3 {
		return false
	}
	whole := regexp.MustCompile(`(?i)(^|[^A-Za-z0-9_])` + regexp.QuoteMeta(last) + `([^A-Za-z0-9_]|$)`)
	if len(parts) > 1 {
		for _, page := range []struct{ name, text string }{{"profile", config.ReferenceProfile}, {"config", config.Reference}} {
			if within := block(page.text, parts[0]); a.wordLines(page.name, within, whole) {
				return true
			}
		}
	}
	found := false
	for _, t := range topics() {
		if t.name != "codes" && t.name != "rules" && t.name != "presets" { // these tell of everything
			found = a.wordLines(t.name, t.text, whole) || found
		}
	}
	return found
}

// wordLines shows the lines of a page in which a word stands.
func (a *app) wordLines(page, text string, word *regexp.Regexp) bool {
	var lines []string
	under, told := "", "" // the block where the line stands, and the one that was told
	for line := range strings.Lines(text) {
		line = strings.TrimRight(line, "\n")
		top := line != "" && !strings.HasPrefix(line, " ") && !strings.HasPrefix(line, "#")
		if top {
			under = line
		}
		if !word.MatchString(line) || len(lines) >= maxWordLines {
			continue
		}
		if key, _, isKey := strings.Cut(under, ":"); !top && isKey && under != told && strings.HasPrefix(line, "  ") && !strings.Contains(key, " ") {
			lines = append(lines, key+":")
		}
		lines, told = append(lines, line), under
	}
	if len(lines) > 0 {
		fmt.Fprintf(a.stdout, "rollcall help %s says:\n  %s\n", page, strings.Join(lines, "\n  "))
	}
	return len(lines) > 0
}

// helpMeant is what the words were probably meant to be; "" where they are near nothing.
func (a *app) helpMeant(words []string) string {
	if len(words) > 1 {
		if n := a.command(words[:1]); n != nil {
			if meant := config.Nearest(strings.ToLower(words[1]), kidsOf(n)); meant != "" {
				return n.Name + " " + meant
			}
		}
	}
	known := append(kidsOf(a.model.Model.Node), config.Presets()...)
	for _, n := range a.model.Model.Children {
		known = append(known, kidsOf(n)...)
	}
	for _, t := range topics() {
		known = append(known, t.name)
	}
	for _, file := range []string{config.ReferenceProfile, config.Reference} {
		for _, key := range anyKey.FindAllStringSubmatch(file, -1) {
			known = append(known, key[1])
		}
	}
	slices.Sort(known)
	return config.Nearest(strings.ToLower(strings.Join(words, " ")), slices.Compact(known))
}

// anyKey is a key of an annotated configuration file.
var anyKey = regexp.MustCompile(`(?m)^(?:  )?([a-z_]+):`)

func kidsOf(n *kong.Node) (list []string) {
	for _, v := range n.Children {
		if v.Type == kong.CommandNode && !v.Hidden && !v.Passthrough {
			list = append(list, v.Name)
		}
	}
	return list
}
