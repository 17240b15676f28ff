package roster

import "time"

// DayBegins is the first instant of a day in a zone; of day only the date counts.
// That is midnight, but where the clock is put forward at midnight, and of two
// midnights it is the first. A day that a zone has left out begins with the next.
func DayBegins(day time.Time, zone *time.Location) time.Time {
	year, month, n := day.Date()
	at := time.Date(year, month, n, 0, 0, 0, 0, zone)
	if at.Day() != n {
		_, at = at.ZoneBounds() // there was no midnight, and this lies before the gap
		return at
	}
	_, offset := at.Zone()
	if _, earlier := at.Add(-4 * time.Hour).Zone(); earlier > offset {
		if first := at.Add(time.Duration(offset-earlier) * time.Second); first.Day() == n {
			return first
		}
	}
	return at
}
