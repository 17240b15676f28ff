package main

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"rollcall/config"
	"rollcall/internal/format"
)

// marksOf are columns that only a file of this preset has together. Dual Code's
// is told from Moodle's by what that does not have.
var marksOf = []struct {
	preset  string
	columns []string
}{
	{"rollcall", []string{"employee_id", "username", "status_reason", "fallback_owner"}},
	{"moodle", []string{"username", "firstname", "lastname"}},
	{"dualcode", []string{"username", "firstname", "lastname", "program1"}},
	{"dualcode", []string{"username", "firstname", "lastname", "session1"}},
	{"dualcode", []string{"username", "firstname", "lastname", "province"}},
	{"dualcode", []string{"username", "firstname", "lastname", "provincestate"}},
	{"chamilo-csv", []string{"username", "lastname", "firstname", "officialcode"}},
	{"chamilo-csv", []string{"username", "lastname", "firstname", "authsource"}},
	{"chamilo-csv", []string{"username", "newusername"}},
}

// presetLike is the preset whose files look like the sample; "" where none does.
func presetLike(s format.Sniffed) string {
	has := func(name string) bool {
		return slices.ContainsFunc(s.Header, func(c string) bool { return strings.EqualFold(strings.TrimSpace(c), name) })
	}
	if s.Type == "xml" { // Chamilo's is known by its first element
		if s.Record == "/accounts/account" && has("username") && has("created_at") {
			return "rollcall"
		}
		return ""
	}
	found := ""
	for _, m := range marksOf {
		if !slices.ContainsFunc(m.columns, func(name string) bool { return !has(name) }) {
			found = m.preset // the later ones ask for more
			if found == "rollcall" {
				break
			}
		}
	}
	return found
}

// isContacts tells whether a file begins as Chamilo's XML does.
func isContacts(file string) bool {
	f, err := os.Open(file)
	if err != nil {
		return false
	}
	defer f.Close()
	head, _ := io.ReadAll(io.LimitReader(f, 4096))
	return bytes.Contains(head, []byte("<Contacts"))
}

// withPreset writes a profile by a preset; file is a sample, "" where there is none.
func (c *initCmd) withPreset(a *app, file string) error {
	if config.PresetText(c.Preset) == "" {
		return fmt.Errorf("--preset: there is no preset %q; rollcall help presets shows %s", c.Preset, strings.Join(config.Presets(), ", "))
	}
	if c.Name == "" {
		c.Name = c.Preset
		if file != "" {
			c.Name = nameAfter(file)
		}
	}
	site, made, err := c.site(a)
	if err != nil {
		return err
	}
	path := filepath.Join(site.Profiles, c.Name+".yaml")
	if err := c.write(path, presetProfile(c.Name, c.Preset, file, c.delimiter, c.record)); err != nil {
		return err
	}
	if !a.Quiet {
		if made {
			fmt.Fprintf(a.stdout, "wrote %s\n", shown(site.Path))
		}
		fmt.Fprintf(a.stdout, "wrote %s, by the preset %s: rollcall help presets shows what that sets\n", shown(path), c.Preset)
	}
	if file == "" {
		fmt.Fprintf(a.stdout, "\nNext: say in %s where the files come from, then  rollcall validate %s\n", shown(path), c.Name)
		return nil
	}
	return c.check(a, site.Path, path, file)
}

// presetProfile is a commented profile that a preset fills.
func presetProfile(name, preset, file, delimiter, record string) string {
	var b strings.Builder
	line := func(text, comment string) {
		if comment != "" {
			text = padded(text, 44) + " # " + comment
		}
		b.WriteString(strings.TrimRight(text, " ") + "\n")
	}
	path := "/srv/" + name + "/*.csv"
	if strings.HasSuffix(preset, "-xml") {
		path = "/srv/" + name + "/*.xml"
	}
	if file != "" {
		path = filepath.Join(filepath.Dir(file), globAfter(filepath.Base(file)))
	}
	line("# Written by rollcall init. Nothing changes before a person has seen the first plan.", "")
	line("version: 1", "")
	line("description: "+name, "shown in reports")
	line(`# schedule: "30 5 * * *"`, "without it the profile runs only by hand")
	line("", "")
	line("source: {type: dir, path: "+scalar(path)+", settle: 2m}", "for a server: type: sftp, host, user, key, host_keys, path")
	with := ""
	if record != "" {
		with = ", type: xml, record: " + record
	}
	if usual := config.Preset(preset).Format.Delimiter; delimiter != "" && usual != "" && delimiter != usual {
		with = ", delimiter: " + strconv.Quote(delimiter)
	}
	line("format: {preset: "+preset+with+", content: full}", "full: each file lists everybody; delta: only changes are listed")
	line("", "")
	line("# What the preset sets; a key of map: or match: here goes before it:", "")
	for _, text := range strings.Split(strings.TrimSpace(config.PresetText(preset)), "\n") {
		line("#   "+text, "")
	}
	line("", "")
	line("policy:", "")
	line("  upload: add_update", "add: who is known is left alone, as those tools do by default")
	line("  missing: keep", "who is not in the file is only reported; suspend, once you trust the feed")
	return b.String()
}
