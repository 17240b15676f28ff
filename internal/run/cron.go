package run

import (
	"fmt"
	"time"

	"github.com/robfig/cron/v3"
)

// A clock is a cron schedule in a zone, with its own answer to the two nights on
// which clocks change: what falls into the hour that is left out comes as much
// later, and what falls into the hour that comes twice comes once. It is
// gocron's Cron: gocron's own answer holds only in the scheduler's zone.
type clock struct {
	spec cron.Schedule
	zone *time.Location
}

func parse(text string, zone *time.Location) (*clock, error) {
	spec, err := cron.ParseStandard(text)
	if err != nil {
		return nil, err
	}
	return &clock{spec, zone}, nil
}

// IsValid implements [gocron.Cron].
func (c *clock) IsValid(text string, _ *time.Location, now time.Time) error {
	if c.Next(now).IsZero() {
		return fmt.Errorf("%q never comes", text)
	}
	return nil
}

// everyHour is how a cron field says that it was written as a star.
const everyHour = 1 << 63

// Next implements [gocron.Cron].
func (c *clock) Next(after time.Time) time.Time {
	spec, daily := c.spec.(*cron.SpecSchedule)
	if !daily || spec.Hour&everyHour != 0 { // by the hour, whatever the hour is called
		return c.spec.Next(after.In(c.zone))
	}
	for shown := wall(after.In(c.zone)); ; {
		if shown = spec.Next(shown); shown.IsZero() {
			return time.Time{}
		}
		if at := c.at(shown); at.After(after) {
			return at
		}
	}
}

// wall is what a clock shows at a time, as if it were UTC: without changes.
func wall(t time.Time) time.Time {
	return time.Date(t.Year(), t.Month(), t.Day(), t.Hour(), t.Minute(), t.Second(), 0, time.UTC)
}

// at is when the zone's clock shows a time: first, where it does so twice; where
// it never does, as much after the change as the time shown is.
func (c *clock) at(shown time.Time) time.Time {
	_, before := shown.Add(-24 * time.Hour).In(c.zone).Zone()
	_, after := shown.Add(24 * time.Hour).In(c.zone).Zone()
	for _, offset := range []int{before, after} {
		if t := shown.Add(-time.Duration(offset) * time.Second).In(c.zone); wall(t).Equal(shown) {
			return t
		}
	}
	return shown.Add(-time.Duration(before) * time.Second).In(c.zone)
}
