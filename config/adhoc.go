package config

import (
	"fmt"
	"strings"

	"rollcall/internal/roster"
)

// Adhoc is the name of the profile that a person's import has; no file is called so.
const Adhoc = "import"

// Import is the profile by which a person imports a file, as a preset says. It
// is a delta: whom the file does not list it does not mean. What a person may do by
// command it may do too.
func (s *Site) Import(preset, file string) (*Profile, error) {
	text := PresetText(preset)
	if text == "" {
		return nil, fmt.Errorf("there is no preset %q; write %s", preset, strings.Join(Presets(), ", "))
	}
	p := defaultProfile(s)
	p.Name, p.Zone = Adhoc, s.Zone
	p.fill(preset, text)
	p.Format.Content, p.Format.Preset = "delta", ""
	p.Policy.Delete = true
	if preset == "rollcall" && strings.HasSuffix(strings.ToLower(strings.TrimSuffix(file, ".gz")), ".xml") {
		p.Format.Type, p.Format.Record = "xml", "/accounts/account"
	}
	if preset == "rollcall" && strings.HasSuffix(strings.ToLower(strings.TrimSuffix(file, ".gz")), ".json") {
		p.Format.Type = "json"
	}
	if p.Match.Key == roster.Username {
		on := true
		p.Policy.Rename = &on
	}
	d := &document{file: "import", marks: map[string]mark{}, failed: map[string]bool{}}
	p.settle(d)
	s.declare(p, d)
	p.Format.Elements = s.columnsOf(p).Columns()
	return p, nil
}
