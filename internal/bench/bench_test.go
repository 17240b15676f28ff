package main

import (
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"
)

func TestAnOutcomeIsReadUpToTheChanges(t *testing.T) {
	const text = `{"schema": "rollcall.run.v1", "run": {"number": 2, "status": "warn"}, "input": {"name": "a"},
		"rows": {"read": 10, "added": 1}, "absent": {"total": 2}, "accounts": {"active_before": 9, "active_after": 8}, "changes": [`
	got, err := readOutcome(strings.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	if got.Status != "warn" || got.Active != 8 || !maps.Equal(got.Rows, map[string]int{"read": 10, "added": 1}) || !maps.Equal(got.Absent, map[string]int{"total": 2}) {
		t.Errorf("outcome = %+v", got)
	}
	for _, broken := range []string{"", "null", "[]", `{"run": {}}`, strings.Replace(text, `"accounts"`, `"people"`, 1)} {
		if got, err := readOutcome(strings.NewReader(broken)); err == nil {
			t.Errorf("%q was read as %+v", broken, got)
		}
	}
}

func TestWhatAFeedAsksForAddsUp(t *testing.T) {
	f := Feed{People: 1000}
	got := synced(Known{Rows: 998, Changed: 10, Renamed: 1, Gone: 5, New: 3}, f)
	want := map[string]int{"read": 998, "added": 3, "updated": 10, "renamed": 1, "unchanged": 984}
	if got.Status != "ok" || got.Active != 998 || !maps.Equal(got.Rows, want) || got.Absent["suspended"] != 5 {
		t.Errorf("outcome = %+v, want rows %v", got, want)
	}
	if got := synced(Known{Rows: 1000}, f); got.Status != "unchanged" {
		t.Errorf("status of a feed in which nothing changed = %s", got.Status)
	}
}

func TestRatiosAreTakenWithinEachRepeat(t *testing.T) {
	s := func(seconds ...int) (all []sample) {
		for _, n := range seconds {
			all = append(all, sample{wall: time.Duration(n) * time.Second})
		}
		return all
	}
	// The machine was busy in the second repeat, and both sides were slow.
	if got := ratio(s(2, 40, 3), s(4, 80, 4)); got != 0.5 {
		t.Errorf("ratio = %v, want 0.5", got)
	}
	if got := ratio(s(1), nil); got != 0 {
		t.Errorf("ratio to nothing = %v", got)
	}
	if got := median([]int64{9, 1, 5}); got != 5 {
		t.Errorf("median = %d, want 5", got)
	}
}

func TestACaseBeginsInAStateThatAnotherMakes(t *testing.T) {
	made := map[string]bool{"empty": true}
	for _, k := range cases {
		if !made[k.from] {
			t.Errorf("%s begins in the state %q, which no case before it has made", k.name, k.from)
		}
		if k.from == "empty" {
			made[string(k.setup)] = true
		}
		if k.want == nil || len(k.calls) == 0 {
			t.Errorf("%s does nothing, or nobody looks at what it did", k.name)
		}
	}
	for _, g := range goals {
		if g.bound <= 0 || g.measured == nil {
			t.Errorf("%s has no figure", g.text)
		}
	}
}

func TestOfLargeCasesOnlyTheLastChangesAnybody(t *testing.T) {
	var changed string
	for _, k := range cases {
		if !k.large {
			continue
		}
		if changed != "" {
			t.Errorf("%s begins where %s ends, which has changed people", k.name, changed)
		}
		if f := k.feed; f.Changed+f.Gone+f.New+f.Renamed > 0 {
			changed = k.name
		}
	}
	if changed == "" {
		t.Error("no large case changes anybody")
	}
}

func TestTheExponentOfWhatGrows(t *testing.T) {
	people := []float64{1e4, 1e5, 1e6}
	for _, tt := range []struct {
		name string
		f    func(float64) float64
		want float64
	}{
		{"linear", func(n float64) float64 { return 3 * n }, 1},
		{"quadratic", func(n float64) float64 { return n * n / 7 }, 2},
		{"the same", func(float64) float64 { return 60 }, 0},
	} {
		var ys []float64
		for _, n := range people {
			ys = append(ys, tt.f(n))
		}
		if got := exponent(people, ys); got < tt.want-1e-9 || got > tt.want+1e-9 {
			t.Errorf("%s: exponent = %v, want %v", tt.name, got, tt.want)
		}
	}
}

func TestAGoalIsMetAtItsBoundAndMissedBeyond(t *testing.T) {
	most, least := goal{bound: 2}, goal{bound: 2, least: true}
	if !most.met(2) || most.met(2.01) || !most.met(1) || !least.met(2) || least.met(1.99) || !least.met(3) {
		t.Error("a goal is met on the wrong side of its bound")
	}
}

func TestWhatWouldMeasureNothingIsRefusedBeforehand(t *testing.T) {
	for _, tt := range []struct {
		name, engine, only, want string
	}{
		{"an engine that is not there", "mysql", "", `no engine "mysql"`},
		{"a case that is not there", "sqlite", "mixd", "mixed day, scattered order"},
		{"a part of a name", "sqlite", "mixed", ""},
		{"a case beside the table", "sqlite", "^SFTP", ""},
	} {
		b := &bench{sizes: []uint64{1000}, engines: []string{tt.engine}, only: regexp.MustCompile(tt.only)}
		got := ""
		if err := b.sensible(); err != nil {
			got = err.Error()
		}
		if !strings.Contains(got, tt.want) || (got == "") != (tt.want == "") {
			t.Errorf("%s: %q, want %q", tt.name, got, tt.want)
		}
	}
}

func TestAGoalIsJudgedFromAHundredThousandPeopleOn(t *testing.T) {
	ratio, ofAll := goal{bound: 2}, goal{bound: 2, whole: true}
	for _, tt := range []struct {
		g      goal
		x      float64
		people uint64
		want   string
	}{
		{ratio, 3, 10_000, "too few people"},
		{ratio, 1, 10_000, "too few people"},
		{ratio, 3, 100_000, "**missed**"},
		{ratio, 2, 100_000, "met"},
		{ofAll, 3, 10_000, "**missed**"},
	} {
		if got := tt.g.verdict(tt.x, tt.people); got != tt.want {
			t.Errorf("%v with %d people: %q, want %q", tt.x, tt.people, got, tt.want)
		}
	}
}

func TestOfALargeReportTheBeginningStays(t *testing.T) {
	p := &place{bench: &bench{large: 10}, people: 10, dir: t.TempDir()}
	reports := filepath.Join(p.state(), "reports")
	if err := os.MkdirAll(reports, 0o700); err != nil {
		t.Fatal(err)
	}
	const head = `{"status": "ok"}`
	for name, size := range map[string]int{"1.json": 1 << 20, "2.json": 100} {
		if err := os.WriteFile(filepath.Join(reports, name), []byte(head+strings.Repeat(" ", size-len(head))), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := p.makeRoom(); err != nil {
		t.Fatal(err)
	}
	for name, most := range map[string]int{"1.json": 10_000, "2.json": 100} {
		if got, err := os.ReadFile(filepath.Join(reports, name)); err != nil || !strings.HasPrefix(string(got), head) || len(got) > most {
			t.Errorf("%s: %d bytes, %v", name, len(got), err)
		}
	}
}

func TestGoalsAreJudgedWithAMillionOrWhatComesNearest(t *testing.T) {
	for want, sizes := range map[uint64][]uint64{
		1_000_000:  {100_000, 1_000_000, 10_000_000},
		100_000:    {10_000, 100_000, 2_000_000},
		10_000_000: {20_000_000, 10_000_000},
	} {
		if got := (&bench{sizes: sizes}).judged(); got != want {
			t.Errorf("of %v: %d, want %d", sizes, got, want)
		}
	}
}
