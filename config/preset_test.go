package config

import (
	"strings"
	"testing"

	"rollcall/internal/mapping"
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
map: {email: Mail}
`), now, nil)
	if errs.Failed() {
		t.Fatal(errs)
	}
	p := s.Loaded[0]
	if p.Format.Delimiter != "," || p.Match.Key.String() != "username" || p.Map["email"].From != "Mail" || p.Map["email"].Optional || p.Map["last_name"].From != "LastName" {
		t.Errorf("%+v %+v %+v", p.Format, p.Match, p.Map)
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
