package config

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/robfig/cron/v3"
)

// A Schedule says when a profile runs by itself. The zero Schedule is never.
type Schedule struct {
	Text  string        // as written
	Cron  string        // five fields or a word like @daily; "" with Every
	Every time.Duration // "every 15m"; zero with Cron
}

// IsZero tells whether the profile only runs by hand.
func (s Schedule) IsZero() bool { return s == Schedule{} }

// shortest keeps a slip from running a profile all the time.
const shortest = time.Second

// UnmarshalText reads a schedule.
func (s *Schedule) UnmarshalText(text []byte) error {
	t := strings.TrimSpace(string(text))
	const hint = `write five fields like "30 5 * * *", "@daily" or "every 15m"`
	if every, ok := strings.CutPrefix(t, "every "); ok {
		d, err := parseDuration(strings.TrimSpace(every))
		if err != nil || d < shortest {
			return &hinted{fmt.Sprintf("is no schedule: %q", t), hint}
		}
		*s = Schedule{Text: t, Every: d}
		return nil
	}
	switch {
	case strings.Contains(t, "TZ="):
		return &hinted{"names a time zone", "write the zone under timezone:"}
	case strings.HasPrefix(t, "@every"):
		return &hinted{"is no schedule: " + t, `write "every 15m"`}
	}
	five := sundays(t)
	if err := cronParses(five); err != nil {
		return &hinted{fmt.Sprintf("is no schedule: %v", err), hint}
	}
	*s = Schedule{Text: t, Cron: five}
	return nil
}

// days are one item of cron's last field: a day of the week or a range of them,
// perhaps with a step.
var days = regexp.MustCompile(`^([0-7]|[a-z]{3})(?:-([0-7]|[a-z]{3}))?(?:/([1-7]))?$`)

// sundays writes the days of the week as the parser reads them. It knows Sunday as 0
// alone, where cron has it as 7 too, so that a week may end with it: 5-7, fri-sun.
func sundays(t string) string {
	f := strings.Fields(t)
	if len(f) != 5 {
		return t
	}
	items := strings.Split(strings.ToLower(f[4]), ",")
	for i, item := range items {
		m := days.FindStringSubmatch(item)
		if m == nil {
			continue
		}
		from, to := weekday(m[1]), weekday(m[2])
		if m[2] == "" {
			to = from
		}
		if to == 0 && from > 0 && m[2] != "0" {
			to = 7
		}
		if from < 0 || to < 7 || m[3] != "" && m[2] == "" {
			continue // the parser reads it, or says what is wrong with it
		}
		step := 1
		if m[3] != "" {
			step = int(m[3][0] - '0')
		}
		var each []string
		for d := from; d <= to; d += step {
			each = append(each, strconv.Itoa(d%7))
		}
		items[i] = strings.Join(each, ",")
	}
	f[4] = strings.Join(items, ",")
	return strings.Join(f, " ")
}

// weekday is the number of a day of the week, from 0 to 7; -1 where it is none.
func weekday(text string) int {
	if n, err := strconv.Atoi(text); err == nil {
		return n
	}
	return slices.Index([]string{"sun", "mon", "tue", "wed", "thu", "fri", "sat"}, text)
}

// cronParses also refuses what parses and never comes, like 30 February.
func cronParses(t string) error {
	if len(t) > 200 {
		return errors.New("it is longer than 200 characters")
	}
	s, err := cron.ParseStandard(t)
	if err != nil {
		return err
	}
	if s.Next(time.Date(2001, 1, 1, 0, 0, 0, 0, time.UTC)).IsZero() {
		return errors.New("no such day ever comes")
	}
	return nil
}

// An Interval is a duration that may be written "every 5m".
type Interval time.Duration

// UnmarshalText reads an interval.
func (i *Interval) UnmarshalText(text []byte) error {
	d, err := parseDuration(strings.TrimSpace(strings.TrimPrefix(string(text), "every ")))
	if err != nil {
		return err
	}
	if d < shortest {
		return &hinted{"is too short", "write every 5m"}
	}
	*i = Interval(d)
	return nil
}

// atFixedHours finds a schedule that names its hours. One that comes around
// every hour or two loses little when a clock moves.
var atFixedHours = regexp.MustCompile(`^\S+\s+[0-9,]+\s|^@(daily|midnight|weekly|monthly|yearly|annually)$`)

// clockTrouble says what changes of clocks in the year after now do to a
// schedule; "" where they do nothing.
func clockTrouble(s Schedule, zone *time.Location, now time.Time) (text, hint string) {
	if s.Cron == "" || !atFixedHours.MatchString(s.Cron) {
		return "", ""
	}
	sched, err := cron.ParseStandard(s.Cron)
	if err != nil {
		return "", ""
	}
	var said []string
	var at, before, after string
	for _, c := range clockChanges(zone, now, now.AddDate(1, 0, 0)) {
		// The schedule is asked in wall clock time, as though it were UTC.
		hit := sched.Next(c.from.Add(-time.Second))
		if hit.IsZero() || !hit.Before(c.to) {
			continue
		}
		what := "does not exist on"
		if c.twice {
			what = "happens twice on"
		}
		said = append(said, what+" "+hit.Format(time.DateOnly))
		if at == "" {
			at, before, after = hit.Format("15:04"), c.from.Format("15:04"), c.to.Format("15:04")
		}
	}
	if len(said) == 0 {
		return "", ""
	}
	return fmt.Sprintf("%s %s in %s", at, strings.Join(said, " and "), zone), fmt.Sprintf("pick a time before %s or after %s", before, after)
}

// A clockChange is a stretch of wall clock time that is skipped or comes twice,
// written as though it were UTC.
type clockChange struct {
	from, to time.Time
	twice    bool
}

// clockChanges lists those of a zone between two instants.
func clockChanges(zone *time.Location, from, to time.Time) []clockChange {
	var all []clockChange
	for t := from; t.Before(to); {
		_, end := t.In(zone).ZoneBounds()
		if end.IsZero() || !end.Before(to) {
			break
		}
		_, old := end.Add(-time.Second).In(zone).Zone()
		_, new := end.In(zone).Zone()
		a, b := end.UTC().Add(time.Duration(old)*time.Second), end.UTC().Add(time.Duration(new)*time.Second)
		switch {
		case old < new:
			all = append(all, clockChange{a, b, false})
		case old > new:
			all = append(all, clockChange{b, a, true})
		}
		t = end
	}
	return all
}
