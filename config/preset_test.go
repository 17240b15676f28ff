package config

import (
	"reflect"
	"strings"
	"testing"

	"rollcall/internal/mapping"
	"rollcall/internal/roster"
)

func TestEveryPresetIsSoundAndSetsNoPolicy(t *testing.T) {
	if len(Presets()) < 5 {
		t.Fatalf("presets %v", Presets())
	}
	for _, name := range Presets() {
		t.Run(name, func(t *testing.T) {
			s, errs := load(site(t, "", "x.yaml", "source: {type: dir, path: ./*.csv}\nformat: {preset: "+name+", content: full}\n"), now, nil)
			if errs.Failed() {
				t.Fatal(errs)
			}
			p := s.Loaded[0]
			bare, errs := load(site(t, "", "x.yaml", "source: {type: dir, path: ./*.csv}\nformat: {content: full}\n"), now, nil)
			if errs.Failed() {
				t.Fatal(errs)
			}
			if plain := bare.Loaded[0]; p.Policy.Upload != plain.Policy.Upload || p.Policy.Delete || p.Policy.Missing != plain.Policy.Missing || p.Policy.Update != plain.Policy.Update {
				t.Errorf("policy %+v", p.Policy)
			}
			for field, c := range p.Map {
				if !c.Optional {
					t.Errorf("a file must have the column of %s (R10)", field)
				}
			}
			if Preset(name).Map["username"].From == "" {
				t.Error("no username")
			}
		})
	}
}

func TestAProfileGoesBeforeItsPreset(t *testing.T) {
	s, errs := load(site(t, "", "x.yaml", `source: {type: dir, path: ./*.csv}
format: {preset: chamilo-csv, content: full, delimiter: ","}
match: {key: username, fallback: ""}
map: {email: Mail, language: {default: fr, set: once}, city: {default: Perth}}
`), now, nil)
	if errs.Failed() {
		t.Fatal(errs)
	}
	p := s.Loaded[0]
	if p.Format.Delimiter != "," || p.Match.Key.String() != "username" || p.Map["email"].From != "Mail" || p.Map["email"].Optional || p.Map["last_name"].From != "LastName" {
		t.Errorf("%+v %+v %+v", p.Format, p.Match, p.Map)
	}
	if c := p.Map["language"]; c.From != "Language" || !c.Optional || c.Values["polish"] != "pl" || c.Other != "same" || c.Default != "fr" || c.Set != roster.SetOnce {
		t.Errorf("what names no column keeps the preset's: %+v", c)
	}
	if c := p.Map["city"]; c.From != "" || c.Default != "Perth" {
		t.Errorf("a field that the preset does not map: %+v", c)
	}
	_, errs = load(site(t, "", "x.yaml", "source: {type: dir, path: ./*.csv}\nformat: {preset: modle, content: full}\n"), now, nil)
	if !strings.Contains(errs.Error(), `there is no preset "modle"`) || !strings.Contains(errs.Error(), "x.yaml:2:18") {
		t.Error(errs)
	}
}

func TestR10APresetsColumnsMayBeMissingButNotWhoSomebodyIs(t *testing.T) {
	s, errs := load(site(t, "", "x.yaml", "source: {type: dir, path: ./*.csv}\nformat: {preset: moodle, content: full}\n"), now, nil)
	if errs.Failed() {
		t.Fatal(errs)
	}
	o := s.MappingOptions(s.Loaded[0])
	for header, fine := range map[string]bool{
		"username,firstname,lastname,email": true,
		"idnumber,email":                    true,
		"Username , LASTNAME":               true,
		"firstname,lastname,email":          false,
	} {
		if _, _, err := mapping.Compile(o, strings.Split(header, ",")); (err == nil) != fine {
			t.Errorf("%s: %v", header, err)
		}
	}
}

func TestR26WhatAPresetMapsItDeclaresAndAllDeclareAlike(t *testing.T) {
	declared := map[string]fieldItem{}
	for _, name := range Presets() {
		p := Preset(name)
		here := map[string]bool{}
		for _, f := range p.Fields {
			here[f.Name] = true
			if other, ok := declared[f.Name]; ok && !reflect.DeepEqual(other, f) {
				t.Errorf("%s declares %+v, another preset %+v", name, f, other)
			}
			declared[f.Name] = f
		}
		for field := range p.Map {
			if called, ok := roster.Name(field).Custom(); ok && !here[called] {
				t.Errorf("%s maps %s and does not declare it", name, field)
			}
		}
	}
	if len(declared) < 20 {
		t.Errorf("declared %v", declared)
	}
}

func TestR26AProfileDeclaresFieldsBesideItsPresets(t *testing.T) {
	const head = "source: {type: dir, path: ./*.csv}\nformat: {preset: moodle, content: full, ignore: {hat: old}}\n"
	s, errs := load(site(t, "catalog: c.yaml", "../c.yaml", "fields: {icq: checkbox}", "a.yaml", head+"fields: {shoe: {type: menu, options: [S, L]}, yahoo: {type: menu, options: [me]}}\n", "b.yaml", small), now, nil)
	if errs.Failed() {
		t.Fatal(errs)
	}
	for name, want := range map[string]string{"shoe": "menu", "yahoo": "menu", "skype": "text", "icq": "checkbox", "maildigest": "menu"} {
		if i, ok := s.MappingOptions(s.Loaded[1]).Catalog.Find(roster.FieldKind, "", name); !ok || i.Type != want {
			t.Errorf("%s: %+v, want %s", name, i, want)
		}
	}
	if ignore := s.Loaded[0].Format.Ignore; ignore["hat"] != "old" || ignore["id"] == "" {
		t.Errorf("ignored %v", ignore)
	}
	_, errs = load(site(t, "", "a.yaml", small+"fields: {shoe: text, hat: {type: menu}, yes no: text}\n", "b.yaml", small+"fields:\n  - {name: shoe, type: date}\n  - {name: coat}\n  - {name: coat}\n"), now, nil)
	for _, want := range []string{"a.yaml", "options", "not a name for a field", `another profile declares the field "shoe" otherwise`, `the field "coat" stands twice`} {
		if !strings.Contains(errs.Error(), want) {
			t.Errorf("no %q in\n%v", want, errs)
		}
	}
}
