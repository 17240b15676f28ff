package config

import (
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
)

// FuzzYAML reads any profile: whatever the bytes, reading ends, says the same
// again, points into the file, and what has no errors can be used.
func FuzzYAML(f *testing.F) {
	for _, pattern := range []string{"testdata/*/*.yaml", "testdata/*/*/*.yaml", "../examples/*/*.yaml", "../examples/*/*/*.yaml"} {
		files, err := filepath.Glob(pattern)
		if err != nil {
			f.Fatal(err)
		}
		for _, path := range files {
			text, err := os.ReadFile(path)
			if err != nil {
				f.Fatal(err)
			}
			f.Add(text)
		}
	}
	for _, seed := range []string{
		Reference, ReferenceProfile, small, whole, "", "a: [", "text: *a\n", "a: &a [*a]", "a: |\n  b\n c", "\ta: b", "? : :", "{{{", "- - -",
		"map: &m {email: {from: x}}\nmatch: *m\n", "source: {password: hunter2}", "%YAML 1.1\n--- !!map\n", "a\r\rb: c\u2028d: e",
		"schedule: '*/0 0-99 ? * *'", "policy: {delete_after: 99999999w}", "guardrails: {max_field_change: {default: -1%}}",
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		s, p, d := fuzzed(raw)
		if _, _, again := fuzzed(raw); again.errs.Error() != d.errs.Error() {
			t.Fatalf("errors\n%v\nthen\n%v", d.errs, again.errs)
		}
		for _, e := range d.errs {
			if e.Line < 0 || e.Line > len(d.lines)+1 || e.Line > 0 && e.Col < 1 {
				t.Errorf("error at %d:%d of %d lines: %v", e.Line, e.Col, len(d.lines), e)
			}
			if e.Line > 0 && e.Line <= len(d.lines) && e.Col > len(d.lines[e.Line-1])+1 {
				t.Errorf("error in column %d of a line of %d bytes: %v", e.Col, len(d.lines[e.Line-1]), e)
			}
			if _, ok := Codes[e.Code]; !ok || e.Text == "" || e.File == "" {
				t.Errorf("error without code, text or file: %+v", e)
			}
			if lines := strings.Count(e.String(), "\n"); lines > 2 && !strings.Contains(e.Text+e.Hint, "\n") {
				t.Errorf("%d lines: %v", lines, e)
			}
		}
		if !d.errs.Failed() && len(raw) > 0 && d.root != nil {
			s.PlanOptions(p)
			if p.Digest() == "" || p.Zone == nil {
				t.Error("a profile that cannot be used")
			}
		}
	})
}

// fuzzed reads a profile as load does.
func fuzzed(raw []byte) (*Site, *Profile, *document) {
	s := defaultSite()
	s.Dir, s.Zone = "/srv", nil
	p := defaultProfile(s)
	p.Name, p.Path = "x", "/srv/profiles.d/x.yaml"
	d := &document{file: "x.yaml", marks: map[string]mark{}, failed: map[string]bool{}}
	d.parse(raw)
	if d.root != nil {
		d.decode(d.root, reflect.ValueOf(p).Elem(), "", 0)
		p.settle(d)
		s.checkProfile(p, d, now)
	}
	return s, p, d
}
