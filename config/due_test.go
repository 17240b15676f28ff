package config

import (
	"slices"
	"testing"
)

func TestATimeThatADropIsDueAt(t *testing.T) {
	const source = "format: {content: full}\nsource:\n  type: dir\n  path: /srv/*.csv\n"
	for _, tt := range []struct{ text, want, says string }{
		{"  due: 3h\n", "5:8 error C110", `write "06:00"`},
		{"  due: 6:00\n", "5:8 error C110", "is not a time of day"},
		{"  due: \"24:00\"\n", "5:8 error C110", "is not a time of day"},
		{"  due_except: [sat]\n", "5:15 error C110", "no effect without due"},
		{"  due: \"06:00\"\n  due_except: [sat, caturday]\n", "6:21 error C110", "is not a day"},
		{"  due: \"06:00\"\n  due_except: [sat, sat]\n", "6:21 error C110", "stands twice"},
		{"  due: \"06:00\"\n  due_except: [mon, tue, wed, thu, fri, sat, sun]\n", "6:15 error C110", "leaves no day of the week"},
		{"  due: \"06:00\"\n  due_except: [2026-02-30]\n", "6:16 error C110", "is not a day"},
	} {
		only(t, profileErrors(t, source+tt.text), tt.want, tt.says)
	}
	s, errs := load(site(t, "", "x.yaml", source+"  due: 06:00\n  due_except: [sat, sun, 2026-12-25]\n"), now, nil)
	if len(errs) > 0 {
		t.Fatal(errs)
	}
	if o := s.Loaded[0].Source; o.Due != "06:00" || !slices.Equal(o.DueExcept, []string{"sat", "sun", "2026-12-25"}) {
		t.Errorf("%q, %q", o.Due, o.DueExcept)
	}
}
