package config

import (
	"strings"
	"testing"
)

func TestNoProfileHasTheNameOfWhatPeopleImport(t *testing.T) {
	_, errs := load(site(t, "", "import.yaml", small), now, nil)
	if !errs.Failed() || !strings.Contains(errs.Error(), "has the name of what people import by hand") {
		t.Error(errs)
	}
}

func TestAnImportIsADeltaOfItsPreset(t *testing.T) {
	s, errs := load(site(t, "", "x.yaml", small), now, nil)
	if errs.Failed() {
		t.Fatal(errs)
	}
	for _, tt := range []struct{ preset, file, kind string }{
		{"rollcall", "all.csv", "csv"}, {"rollcall", "all.XML", "xml"}, {"rollcall", "all.xml.gz", "xml"}, {"rollcall", "all.json", "json"}, {"rollcall", "all.JSON.gz", "json"}, {"moodle", "all.json", "csv"}, {"moodle", "users.csv", "csv"},
	} {
		p, err := s.Import(tt.preset, tt.file)
		if err != nil {
			t.Fatal(err)
		}
		if p.Name != Adhoc || p.Format.Content != "delta" || p.Format.Type != tt.kind || !p.Policy.Delete || p.Policy.Missing != "keep" || len(p.Map) == 0 || p.Zone == nil {
			t.Errorf("%v: %+v", tt, p)
		}
	}
	if _, err := s.Import("modle", "x"); err == nil || !strings.Contains(err.Error(), "moodle") {
		t.Error(err)
	}
}
