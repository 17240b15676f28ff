package run_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"rollcall/internal/journal"
	"rollcall/internal/mapping"
	"rollcall/internal/run"
)

// asXML makes a feed read XML files.
func asXML(p *run.Profile) {
	p.Mapping.Map = map[string]mapping.Column{
		"employee_id": {From: "no"}, "username": {From: "login"}, "first_name": {From: "first"}, "last_name": {From: "last"}, "email": {From: "mail"}, "title": {From: "title"},
	}
	p.Format.Type, p.Format.Record, p.Format.Elements = "xml", "/staff/person", p.Mapping.Columns()
	p.Source.Path = strings.TrimSuffix(p.Source.Path, "csv") + "xml"
}

// staffXML has people numbered from 1; the first has a title, unless it is "".
func staffXML(people int, title string) string {
	var b strings.Builder
	b.WriteString("<staff>\n")
	for i := range people {
		fmt.Fprintf(&b, "<person><no>%d</no><login>p%d</login><first>F</first><last>L</last><mail>p%d@example.org</mail>", i+1, i+1, i+1)
		if i == 0 && title != "" {
			fmt.Fprintf(&b, "<title>%s</title>", title)
		}
		b.WriteString("<badge>7</badge></person>\n")
	}
	b.WriteString("</staff>\n")
	return b.String()
}

func TestR10XMLWithoutAnElementThatTheMapNamesRefusesTheDropAndChangesNothing(t *testing.T) {
	both(t, func(t *testing.T, s *site) {
		p := s.feed("hr", asXML)
		give := func(content string) string {
			path := filepath.Join(s.drops, fmt.Sprintf("hr-%d.xml", len(content)))
			if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
				t.Fatal(err)
			}
			return path
		}
		j, err := s.Run(t.Context(), run.Request{Profile: p, File: give(staffXML(30, "Nurse"))})
		if err != nil || j.Facts.Rows.Added != 30 {
			t.Fatalf("added %d of 30, %v", j.Facts.Rows.Added, err)
		}
		noted := 0
		for problem, err := range s.Store.Problems(t.Context(), j.Number) {
			if err != nil {
				t.Fatal(err)
			}
			if strings.Contains(problem.Column+problem.Text, "badge") {
				noted++
			}
		}
		if noted != 1 || j.Facts.Notes != 1 {
			t.Errorf("the element that means nothing is noted %d times, and %d notes are counted; want 1 and 1", noted, j.Facts.Notes)
		}
		before := s.dump()
		// Nobody has a title any more, and a person has left: the element may have been renamed.
		j, err = s.Run(t.Context(), run.Request{Profile: p, File: give(staffXML(29, ""))})
		if err == nil || j.Status != journal.Failed || j.Code != "E411" || !strings.Contains(j.Error, `"title"`) {
			t.Fatalf("run is %s with %q (%v), want a refusal that names title", j.Status, j.Error, err)
		}
		if after := s.dump(); after != before {
			t.Error("a drop that was refused has changed accounts")
		}
		// The control: with the element nobody but the leaver is touched.
		j, err = s.Run(t.Context(), run.Request{Profile: p, File: give(staffXML(29, "Nurse"))})
		if err != nil || j.Facts.Rows.Unchanged != 29 || j.Facts.Absent.Suspended != 1 {
			t.Errorf("rows %+v, absent %+v, %v; want 29 unchanged and 1 suspended", j.Facts.Rows, j.Facts.Absent, err)
		}
	})
}
