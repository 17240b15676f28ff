package source

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// weekdays are the words of due_except, from Sunday.
var weekdays = []string{"sun", "mon", "tue", "wed", "thu", "fri", "sat"}

// maxExcept bounds due_except.
const maxExcept = 1000

func (o Options) validateDue(f *faults) {
	if _, ok := o.DueAt(); !ok && o.Due != "" {
		f.add("due", fmt.Sprintf("%q is not a time of day", o.Due), `write "06:00"`)
	}
	if len(o.DueExcept) > 0 && o.Due == "" {
		f.add("due_except", "has no effect without due", `write due: "06:00", or remove it`)
	}
	if len(o.DueExcept) > maxExcept {
		f.add("due_except", fmt.Sprintf("has more than %d days", maxExcept), "remove those that are over")
		return
	}
	const hint = "write days like [sat, sun, 2026-12-25]"
	never := len(weekdays)
	for i, day := range o.DueExcept {
		_, err := time.Parse(time.DateOnly, day)
		word := slices.Contains(weekdays, strings.ToLower(day))
		at := fmt.Sprintf("due_except[%d]", i)
		switch {
		case !word && err != nil:
			f.add(at, fmt.Sprintf("%q is not a day", day), hint)
		case slices.Contains(o.DueExcept[:i], day):
			f.add(at, fmt.Sprintf("%q stands twice", day), "remove one")
		case word:
			never--
		}
	}
	if never <= 0 {
		f.add("due_except", "leaves no day of the week", "remove a day, or due")
	}
}

// DueAt is the time of day by which a drop is due; false where none is.
func (o Options) DueAt() (sinceMidnight time.Duration, ok bool) {
	t, err := time.Parse("15:04", o.Due)
	if err != nil || len(o.Due) != len("15:04") {
		return 0, false
	}
	return time.Duration(t.Hour())*time.Hour + time.Duration(t.Minute())*time.Minute, true
}

// DueOn tells whether a drop is due on the day of a time.
func (o Options) DueOn(day time.Time) bool {
	return !slices.ContainsFunc(o.DueExcept, func(except string) bool {
		return strings.EqualFold(except, weekdays[day.Weekday()]) || except == day.Format(time.DateOnly)
	})
}
