package roster

import (
	"testing"
	"time"
	_ "time/tzdata"
)

func TestADayBeginsWithItsFirstInstant(t *testing.T) {
	for _, tt := range []struct{ zone, day, want string }{
		{"UTC", "2026-11-30", "2026-11-30T00:00:00Z"},
		{"Europe/Warsaw", "2026-03-29", "2026-03-28T23:00:00Z"},
		{"America/Sao_Paulo", "2018-11-04", "2018-11-04T03:00:00Z"}, // no midnight: it begins at one
		{"America/Sao_Paulo", "2018-11-05", "2018-11-05T02:00:00Z"},
		{"America/Sao_Paulo", "2019-02-17", "2019-02-17T03:00:00Z"}, // the evening before is an hour longer
		{"Africa/Cairo", "2026-04-24", "2026-04-23T22:00:00Z"},      // no midnight either
		{"Atlantic/Azores", "2026-10-25", "2026-10-25T00:00:00Z"},   // two midnights
		{"America/Havana", "2026-11-01", "2026-11-01T04:00:00Z"},    // likewise
		{"Pacific/Apia", "2011-12-30", "2011-12-30T10:00:00Z"},      // there was no such day
	} {
		zone, err := time.LoadLocation(tt.zone)
		if err != nil {
			t.Fatal(err)
		}
		day, err := time.Parse(time.DateOnly, tt.day)
		if err != nil {
			t.Fatal(err)
		}
		if got := Stamp(DayBegins(day, zone)); got != tt.want {
			t.Errorf("%s in %s begins at %s, want %s", tt.day, tt.zone, got, tt.want)
		}
	}
}
