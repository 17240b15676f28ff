package plan

import (
	"testing"
	"time"
	_ "time/tzdata"

	"rollcall/internal/roster"
)

func TestR70ALastDayIsWholeWhereTheClockMovesAtMidnight(t *testing.T) {
	zone, err := time.LoadLocation("Africa/Cairo") // no midnight on 24 April 2026, and 25 hours on 29 October
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct{ day, starts, ends string }{
		{"2026-04-23", "2026-04-22T22:00:00Z", "2026-04-23T22:00:00Z"},
		{"2026-04-24", "2026-04-23T22:00:00Z", "2026-04-24T21:00:00Z"}, // 23 hours, from one o'clock
		{"2026-04-25", "2026-04-24T21:00:00Z", "2026-04-25T21:00:00Z"},
		{"2026-10-29", "2026-10-28T21:00:00Z", "2026-10-29T22:00:00Z"},
	} {
		if got := roster.Stamp(StartOf(tt.day, zone)); got != tt.starts {
			t.Errorf("%s starts at %s, want %s", tt.day, got, tt.starts)
		}
		if got := roster.Stamp(EndOf(tt.day, zone)); got != tt.ends {
			t.Errorf("%s ends at %s, want %s", tt.day, got, tt.ends)
		}
	}
}
