package source

import (
	"testing"
	"time"
)

func TestWhatLooksLikeADropThatBrokeOff(t *testing.T) {
	o := Options{Path: "/outgoing/staff_*.csv.gz"}
	for name, want := range map[string]bool{
		"staff_1.csv.gz.filepart": true,
		"staff_1.csv.gz.part":     true,
		"staff_1.csv.tmp":         true,
		"staff_1.csv.gz~":         true,
		".staff_1.csv.gz":         true,
		"_staff_1.csv.gz":         true,
		".staff_1.csv.gz.PART":    true,
		"staff_1.csv.gz":          false,
		"staff_1.csv":             false,
		"rota_1.csv.gz.filepart":  false,
		"notes.tmp":               false,
		"":                        false,
		".part":                   false,
	} {
		if got := o.brokenOff(name); got != want {
			t.Errorf("%q: %v, want %v", name, got, want)
		}
	}
}

func TestOnWhichDaysADropIsDue(t *testing.T) {
	o := Options{Due: "06:30", DueExcept: []string{"Sat", "sun", "2026-12-25"}}
	if at, ok := o.DueAt(); !ok || at != 6*time.Hour+30*time.Minute {
		t.Errorf("due at %s, %v", at, ok)
	}
	for day, want := range map[string]bool{"2026-12-24": true, "2026-12-25": false, "2026-12-26": false, "2026-12-27": false, "2026-12-28": true} {
		at, err := time.Parse(time.DateOnly, day)
		if err != nil {
			t.Fatal(err)
		}
		if got := o.DueOn(at); got != want {
			t.Errorf("%s: %v, want %v", day, got, want)
		}
	}
	if _, ok := (Options{}).DueAt(); ok {
		t.Error("what is due at no time is due")
	}
}
