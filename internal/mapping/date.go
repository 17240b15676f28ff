package mapping

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"rollcall/internal/roster"
)

// isoDate is the layout where a profile names none.
const isoDate = "YYYY-MM-DD"

// stamps are the ways of writing an instant that are no layout.
const (
	unixTime    = "unix"        // seconds since 1970
	fileTime    = "filetime"    // of Active Directory: 100 ns since 1601
	generalized = "generalized" // of LDAP: 20261121222835.0Z
)

// forever is how Active Directory writes "never".
const forever = "9223372036854775807"

// A token of a layout is a number of at least min and at most max digits, or
// a text that stands for itself.
type token struct {
	what     byte // Y M D h m s; 0 for a text
	min, max int
	text     string
}

// tokens are the codes of a layout, longest first.
var tokens = []struct {
	code string
	token
}{
	{"YYYY", token{what: 'Y', min: 4, max: 4}},
	{"MM", token{what: 'M', min: 2, max: 2}},
	{"M", token{what: 'M', min: 1, max: 2}},
	{"DD", token{what: 'D', min: 2, max: 2}},
	{"D", token{what: 'D', min: 1, max: 2}},
	{"HH", token{what: 'h', min: 2, max: 2}},
	{"mm", token{what: 'm', min: 2, max: 2}},
	{"ss", token{what: 's', min: 2, max: 2}},
}

// A dater reads dates that are written in one way (R23).
type dater struct {
	kind   string  // unixTime, fileTime, generalized, or "" for a layout
	layout []token // of kind ""
	clock  bool    // the layout has a time of day
	iso    bool    // a day is written as it is stored
	zone   *time.Location
	wrong  *flaw
	bare   *dater // of a layout whose end, in brackets, may be missing: without it; nil for any other
}

// newDater reads what map.FIELD.date says; "" is YYYY-MM-DD.
func newDater(layout string, zone *time.Location) (*dater, error) {
	if layout == "" {
		layout = isoDate
	}
	d := &dater{zone: zone, iso: layout == isoDate}
	switch layout {
	case unixTime:
		d.kind, d.wrong = layout, &flaw{code: "E112", text: "not a number of seconds since 1970"}
		return d, nil
	case fileTime:
		d.kind, d.wrong = layout, &flaw{code: "E112", text: "not a FILETIME"}
		return d, nil
	case generalized:
		d.kind, d.wrong = layout, &flaw{code: "E112", text: "not a generalized time like 20261121223307Z"}
		return d, nil
	}
	var err error
	whole := layout
	if bare, rest, optional := strings.Cut(layout, "["); optional && strings.HasSuffix(rest, "]") {
		whole = bare + strings.TrimSuffix(rest, "]")
		if d.bare, err = newDater(bare, zone); err != nil {
			return nil, err
		}
	}
	if d.layout, d.clock, err = parseLayout(whole); err != nil {
		return nil, err
	}
	d.wrong = &flaw{code: "E112", text: "not a date written as " + layout}
	return d, nil
}

func parseLayout(layout string) (toks []token, clock bool, err error) {
	if len(layout) > 40 {
		return nil, false, fmt.Errorf("a layout has at most 40 characters")
	}
	seen := map[byte]int{}
	for rest := layout; rest != ""; {
		found := false
		for _, t := range tokens {
			if strings.HasPrefix(rest, t.code) {
				toks, rest, found = append(toks, t.token), rest[len(t.code):], true
				seen[t.what]++
				break
			}
		}
		if found {
			continue
		}
		if !strings.ContainsRune(" .,-/:T", rune(rest[0])) {
			return nil, false, fmt.Errorf("a layout is made of YYYY, MM or M, DD or D, HH, mm, ss and of separators, like DD.MM.YYYY or YYYY-MM-DD HH:mm:ss; it has none of them at character %d", len(layout)-len(rest)+1)
		}
		toks, rest = append(toks, token{text: rest[:1]}), rest[1:]
	}
	for _, what := range "YMD" {
		if seen[byte(what)] != 1 {
			return nil, false, fmt.Errorf("a layout has year (YYYY), month (MM or M) and day (DD or D), each once")
		}
	}
	if seen['h'] > 1 || seen['m'] != seen['h'] || seen['s'] > seen['h'] {
		return nil, false, fmt.Errorf("a time of day in a layout is HH:mm or HH:mm:ss")
	}
	for i, t := range toks[:len(toks)-1] {
		if t.min != t.max && toks[i+1].what != 0 {
			return nil, false, fmt.Errorf("a month or day of one or two digits (M, D) needs a separator after it")
		}
	}
	return toks, seen['h'] == 1, nil
}

// when is what a text says: no date at all, a day, or an instant.
type when struct {
	never bool
	day   bool      // t is midnight UTC of that day
	t     time.Time // in the zone in which it was said
}

var never = when{never: true}

// date is the normal form for starts_on and expires_on: "" for no date,
// YYYY-MM-DD, or RFC 3339 where a time was given.
func (d *dater) date(s string) (string, *flaw) {
	switch w, ok := d.read(s); {
	case !ok:
		return "", d.wrong
	case w.never:
		return "", nil
	case w.day && d.iso:
		return s, nil
	case w.day:
		return w.t.Format(time.DateOnly), nil
	default:
		return w.t.Format(time.RFC3339), nil
	}
}

// instant is the normal form for last_login_at: "" for none, else RFC 3339 in
// UTC. A bare day begins at midnight of the zone.
func (d *dater) instant(s string) (string, *flaw) {
	switch w, ok := d.read(s); {
	case !ok:
		return "", d.wrong
	case w.never:
		return "", nil
	case w.day:
		return roster.Stamp(roster.DayBegins(w.t, d.zone)), nil
	default:
		return roster.Stamp(w.t), nil
	}
}

func (d *dater) read(s string) (when, bool) {
	if len(s) > 40 {
		return when{}, false
	}
	if saysNever(s) {
		return never, true
	}
	w, ok := d.parse(s)
	if bare := d.bare; !ok && bare != nil {
		w, ok = bare.parse(s) // a day without its time of day
	}
	if !ok {
		w, ok = parseRFC3339(s) // unambiguous whatever the layout is
	}
	if !ok || w.never {
		return w, ok
	}
	switch y, m, day := w.t.Date(); {
	case y == 9999 || y == 4712 && m == time.December && day == 31:
		return never, true
	case y == 1601 && d.kind == generalized:
		return never, true // the directory's first instant
	case y < 1900 || y > 9999:
		return when{}, false
	}
	return w, true
}

func (d *dater) parse(s string) (when, bool) {
	switch d.kind {
	case unixTime:
		return parseUnix(s)
	case fileTime:
		return parseFileTime(s)
	case generalized:
		return parseGeneralized(s)
	}
	return d.parseLayout(s)
}

// saysNever knows the texts that mean no date, whatever the layout.
func saysNever(s string) bool {
	switch s {
	case "9999-12-31", "12/31/4712", forever:
		return true
	}
	// 0000-00-00, 00.00.0000, 0000-00-00 00:00:00
	return len(s) >= 8 && s[0] == '0' && strings.Trim(s, "0-./: T") == ""
}

func (d *dater) parseLayout(s string) (when, bool) {
	var year, month, day, hour, minute, second int
	for _, t := range d.layout {
		if t.what == 0 {
			if !strings.HasPrefix(s, t.text) {
				return when{}, false
			}
			s = s[len(t.text):]
			continue
		}
		n, i := 0, 0
		for i < t.max && i < len(s) && s[i] >= '0' && s[i] <= '9' {
			n = n*10 + int(s[i]-'0')
			i++
		}
		if i < t.min {
			return when{}, false
		}
		s = s[i:]
		switch t.what {
		case 'Y':
			year = n
		case 'M':
			month = n
		case 'D':
			day = n
		case 'h':
			hour = n
		case 'm':
			minute = n
		case 's':
			second = n
		}
	}
	if s != "" || !isDay(year, month, day) || hour > 23 || minute > 59 || second > 59 {
		return when{}, false
	}
	if !d.clock {
		return when{day: true, t: time.Date(year, time.Month(month), day, 0, 0, 0, 0, time.UTC)}, true
	}
	t := time.Date(year, time.Month(month), day, hour, minute, second, 0, d.zone)
	if t.Hour() != hour || t.Minute() != minute || twice(t) {
		return when{}, false // that hour did not exist, or existed twice
	}
	return when{t: t}, true
}

func isDay(year, month, day int) bool {
	if month < 1 || month > 12 || day < 1 || day > 31 {
		return false
	}
	t := time.Date(year, time.Month(month), day, 0, 0, 0, 0, time.UTC)
	return t.Day() == day
}

// twice tells whether the clock showed t's time of day twice.
func twice(t time.Time) bool {
	_, offset := t.Zone()
	for _, near := range []time.Time{t.Add(-3 * time.Hour), t.Add(3 * time.Hour)} {
		_, other := near.Zone()
		if other == offset {
			continue
		}
		u := t.Add(time.Duration(offset-other) * time.Second)
		if _, o := u.Zone(); o == other {
			return true
		}
	}
	return false
}

func parseRFC3339(s string) (when, bool) {
	if len(s) < len("2006-01-02T15:04:05Z") || s[4] != '-' {
		return when{}, false
	}
	t, err := time.Parse(time.RFC3339, s)
	return when{t: t}, err == nil
}

func parseUnix(s string) (when, bool) {
	n, err := strconv.ParseInt(s, 10, 64)
	switch {
	case err != nil:
		return when{}, false
	case n == 0:
		return never, true
	case n > 1<<40 || n < -1<<40: // beyond the year 9999 by far: milliseconds, most likely
		return when{}, false
	}
	return when{t: time.Unix(n, 0).UTC()}, true
}

func parseFileTime(s string) (when, bool) {
	n, err := strconv.ParseInt(s, 10, 64)
	switch {
	case err != nil || n < 0:
		return when{}, false
	case n == 0:
		return never, true
	}
	const since1601 = 11_644_473_600 // seconds from 1601 to 1970
	return when{t: time.Unix(n/1e7-since1601, 0).UTC()}, true
}

// parseGeneralized reads a GeneralizedTime of RFC 4517: minutes, seconds and a
// fraction of the last unit may be absent, the zone may not.
func parseGeneralized(s string) (when, bool) {
	if len(s) < len("2026112122Z") || !isDigits(s[:10]) {
		return when{}, false
	}
	two := func(at int) int { return int(s[at]-'0')*10 + int(s[at+1]-'0') }
	year, month, day, hour := two(0)*100+two(2), two(4), two(6), two(8)
	minute, second := 0, 0
	unit, at := time.Hour, 10
	if len(s) >= at+2 && isDigits(s[at:at+2]) {
		minute, unit, at = two(at), time.Minute, at+2
		if len(s) >= at+2 && isDigits(s[at:at+2]) {
			second, unit, at = two(at), time.Second, at+2
		}
	}
	rest := s[at:]
	var fraction time.Duration
	if rest != "" && (rest[0] == '.' || rest[0] == ',') {
		n := 1
		for n < len(rest) && rest[n] >= '0' && rest[n] <= '9' {
			n++
		}
		part, err := strconv.ParseFloat("0."+rest[1:n], 64)
		if n == 1 || err != nil {
			return when{}, false
		}
		fraction, rest = time.Duration(part*float64(unit)), rest[n:]
	}
	if !isDay(year, month, day) || hour > 23 || minute > 59 || second > 59 {
		return when{}, false
	}
	zone, ok := parseOffset(rest)
	if !ok {
		return when{}, false
	}
	return when{t: time.Date(year, time.Month(month), day, hour, minute, second, 0, zone).Add(fraction)}, true
}

// parseOffset reads Z, +01 or +0100.
func parseOffset(s string) (*time.Location, bool) {
	if s == "Z" {
		return time.UTC, true
	}
	if len(s) != 3 && len(s) != 5 || s[0] != '+' && s[0] != '-' || !isDigits(s[1:]) {
		return nil, false
	}
	hours, _ := strconv.Atoi(s[1:3])
	minutes, _ := strconv.Atoi("0" + s[3:])
	if hours > 14 || minutes > 59 {
		return nil, false
	}
	seconds := hours*3600 + minutes*60
	if s[0] == '-' {
		seconds = -seconds
	}
	return time.FixedZone("", seconds), true
}
