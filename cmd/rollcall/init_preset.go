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
	"rollcall/internal/catalog"
	"rollcall/internal/format"
	"rollcall/internal/mapping"
	"rollcall/internal/roster"
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
func (c *initCmd) withPreset(a *app, file string, sample format.Sniffed) error {
	if config.PresetText(c.Preset) == "" {
		if slices.Contains(directories, strings.ToLower(c.Preset)) {
			return elsewhere(c.Preset)
		}
		if meant := config.Nearest(strings.ToLower(c.Preset), config.Presets()); meant != "" {
			return fmt.Errorf("--preset: there is no preset %q; did you mean %s?", c.Preset, meant)
		}
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
	fields := unlisted(site, c.Preset, sample.Header)
	if err := c.write(path, presetProfile(c.Name, c.Preset, file, sample, fields)); err != nil {
		return err
	}
	if !a.Quiet {
		if made {
			fmt.Fprintf(a.stdout, "wrote %s\n", shown(site.Path))
		}
		fmt.Fprintf(a.stdout, "wrote %s, by the preset %s: rollcall help presets shows what that sets\n", shown(path), c.Preset)
		if len(fields) > 0 {
			fmt.Fprintf(a.stdout, "it declares the profile fields %s as text: say in fields: where one is a date, menu or checkbox\n", names(fields))
		}
		if sample.Guessed {
			fmt.Fprintf(a.stdout, "the encoding %s is guessed: look at names with accents\n", sample.Encoding)
		}
	}
	if file == "" {
		fmt.Fprintf(a.stdout, "\nNext: say in %s where the files come from, then  rollcall validate %s\n", shown(path), c.Name)
		return nil
	}
	return c.check(a, site.Path, path, file)
}

// unlisted are the profile fields that columns of the header name as the preset
// says, profile_field_shoe, and that the site's catalog does not list.
func unlisted(site *config.Site, preset string, header []string) (fields []string) {
	prefix := config.Preset(preset).Format.Fields
	if prefix == "" || prefix == mapping.ByName {
		return nil
	}
	for _, column := range header {
		column = strings.TrimSpace(column)
		if len(column) <= len(prefix) || !strings.EqualFold(column[:len(prefix)], prefix) {
			continue
		}
		name := column[len(prefix):]
		item := roster.Item{Kind: roster.FieldKind, Name: name, Type: roster.TextField}
		if hasField(site, name) || hasField(site, roster.Fold(name)) || slices.Contains(fields, name) || len(catalog.Check(&item)) > 0 {
			continue
		}
		fields = append(fields, name)
	}
	return fields
}

// hasField tells whether the catalog says of a profile field what a profile need not;
// that another profile declares it as text is no reason not to.
func hasField(site *config.Site, field string) bool {
	item, found := site.Listed.Find(roster.FieldKind, "", field)
	return found && (!item.Declared || item.Type != roster.TextField || item.Unique || item.Required || item.For != "")
}

// presetProfile is a commented profile that a preset fills; fields are what it
// declares as profile fields.
func presetProfile(name, preset, file string, sample format.Sniffed, fields []string) string {
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
	with, why := "", "full: each file lists everybody; delta: only changes are listed"
	if sample.Record != "" && preset == "rollcall" {
		with = ", type: xml, record: " + sample.Record
	}
	if usual := config.Preset(preset).Format.Delimiter; sample.Delimiter != "" && usual != "" && sample.Delimiter != usual {
		with += ", delimiter: " + strconv.Quote(sample.Delimiter)
	}
	if sample.Guessed {
		with += ", encoding: " + sample.Encoding
		why += "; the encoding is guessed: look whether names with accents are right"
	}
	line("format: {preset: "+preset+with+", content: full}", why)
	if len(fields) > 0 {
		line("", "")
		line("# Columns that are profile fields: text, date, menu or checkbox (rollcall help catalog). What the catalog says", "")
		line("# of one goes before it.", "")
		line("fields:", "")
		for _, f := range fields {
			line("  "+scalar(f)+": text", "")
		}
	}
	line("", "")
	line("# What the preset sets; a key of map: or match: here goes before it:", "")
	for _, text := range strings.Split(strings.TrimSpace(config.PresetText(preset)), "\n") {
		line("#   "+text, "")
	}
	line("", "")
	line("policy:", "")
	line("  upload: add_update", "add: who is known is left alone, as those tools do by default")
	line("  missing: keep", "who is not in the file is only reported; suspend, once you trust the feed")
	line("  # delete: on", "whom a row asks to delete (deleted 1) is else only reported, and keeps access")
	return b.String()
}
