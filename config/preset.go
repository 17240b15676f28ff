package config

import (
	"embed"
	"fmt"
	"reflect"
	"slices"
	"strings"

	"go.yaml.in/yaml/v4"

	"rollcall/internal/mapping"
)

// A preset is a profile's format, match and map for files as another program
// writes them or documents them. It is the beginning of the profile: what that
// says itself goes before it. It sets no policy.
//
//go:embed presets/*.yaml
var presetFiles embed.FS

// Presets are the names of all of them, in order.
func Presets() []string {
	files, err := presetFiles.ReadDir("presets")
	if err != nil {
		panic(err) // they are in the program
	}
	var names []string
	for _, f := range files {
		names = append(names, strings.TrimSuffix(f.Name(), ".yaml"))
	}
	return names
}

// PresetText is the YAML of a preset; "" where there is none of that name.
func PresetText(name string) string {
	text, err := presetFiles.ReadFile("presets/" + name + ".yaml")
	if err != nil {
		return ""
	}
	return string(text)
}

// Preset is what a preset says; nil where there is none of that name.
func Preset(name string) *Profile {
	text := PresetText(name)
	if text == "" {
		return nil
	}
	p := &Profile{}
	p.fill(name, text)
	return p
}

// fill reads a preset into p. Its columns may be missing in a file (R10).
func (p *Profile) fill(name, text string) {
	d := &document{file: "preset " + name, marks: map[string]mark{}, failed: map[string]bool{}, beside: p.beside()}
	d.parse([]byte(text))
	if d.root != nil {
		d.decode(d.root, reflect.ValueOf(p).Elem(), "", 0)
	}
	if len(d.errs) > 0 {
		panic(d.errs.Error()) // a test reads them all
	}
	for field, column := range p.Map {
		column.Optional = true
		p.Map[field] = column
	}
	p.Memberships.Waive()
}

// A basis is what of a preset stands beside what the file itself says of it.
type basis struct {
	columns map[string]mapping.Column
	fields  []fieldItem
	ignore  map[string]string
}

// preset fills p with what its file's format.preset names, before the file itself
// is read, and gives what of it is added to the file's own.
func (p *Profile) preset(d *document) basis {
	at := valueOf(valueOf(d.root, "format"), "preset")
	if at == nil || at.Kind != yaml.ScalarNode {
		return basis{}
	}
	text := PresetText(at.Value)
	if text == "" || strings.ContainsAny(at.Value, "/.") {
		hint := suggest(at.Value, Presets())
		if hint == "" {
			hint = "write " + strings.Join(Presets(), ", ")
		}
		d.fail(at, "format.preset", codeValue, fmt.Sprintf("format.preset: there is no preset %q", at.Value), hint)
		return basis{}
	}
	p.fill(at.Value, text)
	return basis{p.Map, p.Fields, p.Format.Ignore}
}

// inherit gives p what of the preset its own keys do not speak of.
func (p *Profile) inherit(base basis) {
	for _, f := range base.fields {
		if !slices.ContainsFunc(p.Fields, func(own fieldItem) bool { return own.Name == f.Name }) {
			p.Fields = append(p.Fields, f)
		}
	}
	for column, why := range base.ignore {
		if _, own := p.Format.Ignore[column]; !own {
			p.Format.Ignore[column] = why
		}
	}
	for field, column := range base.columns {
		if own, ok := p.Map[field]; ok {
			if own.From == "" && own.Template == "" && own.Const == "" {
				p.Map[field] = over(column, own)
			}
			continue
		}
		if p.Map == nil {
			p.Map = map[string]mapping.Column{}
		}
		p.Map[field] = column
	}
}

// over is a preset's column with what a profile says of it, which names no other
// column: a default, or when it is written.
func over(preset, own mapping.Column) mapping.Column {
	both, said := reflect.ValueOf(&preset).Elem(), reflect.ValueOf(own)
	for i := range said.NumField() {
		if f := said.Field(i); !f.IsZero() {
			both.Field(i).Set(f)
		}
	}
	return preset
}

// valueOf is the value of a key of a block; nil where it has none.
func valueOf(n *yaml.Node, key string) *yaml.Node {
	if n == nil || n.Kind != yaml.MappingNode {
		return nil
	}
	for i := 0; i+1 < len(n.Content); i += 2 {
		if k := n.Content[i]; k.Kind == yaml.ScalarNode && k.Value == key {
			return n.Content[i+1]
		}
	}
	return nil
}
