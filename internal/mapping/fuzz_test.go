package mapping

import (
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"
	"unicode"
	"unicode/utf8"

	"rollcall/internal/roster"
)

// percents are the codes of a template, as R31 has them.
var percents = regexp.MustCompile(`%%|%([-+~]?)([0-9]*)([flu])`)

// expanded is what R31 says of a template without braces, in another way than
// the program does it.
func expanded(template, first, last, username string) string {
	return percents.ReplaceAllStringFunc(template, func(code string) string {
		if code == "%%" {
			return "%"
		}
		m := percents.FindStringSubmatch(code)
		v := []rune(map[string]string{"f": first, "l": last, "u": username}[m[3]])
		if n, err := strconv.Atoi(m[2]); err == nil && n < len(v) {
			v = v[:n]
		}
		switch m[1] {
		case "-":
			return strings.ToLower(string(v))
		case "+":
			return strings.ToUpper(string(v))
		case "~":
			return title(string(v))
		}
		return string(v)
	})
}

// FuzzTemplate makes values of any template: it never panics, gives the same
// again, stays within bounds, does what R31 says, and what it makes for a
// username is in the normal form of R32.
func FuzzTemplate(f *testing.F) {
	for _, seed := range []string{
		"%%", "%", "%-", "{cn|after:}", "{Column:1}", "{a:b:3|upper|lower}", "}", "{|slug}", "{{x}}", "%~3u{x}", "ł%{", "%l%f", "%l%1f", "%-l%+f", "%-f_%-l", "%-1f%-l", "http://www.example.com/~%u/", "100%% %f", "%f 100%", "%f %x %", "%+2l", "%~l", "%~3u",
		"{Ward|slug}", "{Ward|after:W|lower}", "{ward:3}", "{", "{}", "{a|b}", "%0f", "%1001f", "%99999999999999999999f", "%-%-f", "%f%f%f%f", "é%lß", "\xff%f", "%%f", "%%%f",
	} {
		f.Add(seed, "John Jr.", "Doe", "ICU / Ward 3", "jdoe")
		f.Add(seed, "Øystein-Łukasz", "İstanbul ß Ａ", "ﷺ", "x")
	}
	f.Fuzz(func(t *testing.T, text, first, last, ward, username string) {
		tpl, err := parseTemplate(text)
		if err != nil {
			if !strings.HasPrefix(err.Error(), "a template ") && !strings.HasPrefix(err.Error(), "at byte ") {
				t.Fatalf("the error does not say where: %v", err)
			}
			return
		}
		first, last, ward, username = tidy(limited(first)), tidy(limited(last)), limited(ward), limited(username)
		if len(tpl.parts) > maxParts {
			t.Fatalf("%d parts", len(tpl.parts))
		}
		bound := tpl.bind(func(string) int { return 0 })
		from := setting{row{cells: []string{ward}}, first, last}
		got := bound.later(from)(username)
		if again := bound.later(from)(username); again != got {
			t.Fatalf("%q, then %q", got, again)
		}
		if now := bound.render(from); !tpl.uses(aFinal) && now != got {
			if _, fixed := tpl.fixed(); !fixed {
				t.Fatalf("%q at once, %q later", now, got)
			}
		}
		if utf8.ValidString(text) && !utf8.ValidString(got) {
			t.Fatalf("%q is not valid UTF-8", got)
		}
		if most := maxTemplate + maxParts*18*(len(first)+len(last)+len(ward)+len(username)); len(got) > most {
			t.Fatalf("%d bytes, more than %d", len(got), most)
		}
		_, fixed := tpl.fixed()
		if !strings.Contains(text, "{") && !fixed && utf8.ValidString(text+first+last+username) {
			want := strings.TrimSpace(expanded(text, first, last, username))
			if first+last+username == "" || !says(want) {
				want = ""
			}
			if got != want && got != "" { // empty where every place is
				t.Fatalf("%q makes %q, want %q", text, got, want)
			}
		}
		for _, mode := range []string{"on", "extended"} {
			normal(t, newNamer(mode), got)
		}
	})
}

// limited is a cell as long as a field may be.
func limited(s string) string { return strings.ToValidUTF8(s[:min(len(s), 300)], "") }

// normal holds a name against R30 and R32.
func normal(t *testing.T, n namer, s string) {
	t.Helper()
	made := n.made(s)
	if n.made(made) != made {
		t.Fatalf("%s: %q becomes %q, and that %q", n.mode, s, made, n.made(made))
	}
	given, wrong := n.given(s)
	if wrong == nil {
		if twice, wrong := n.given(given); wrong != nil || twice != given {
			t.Fatalf("%s: %q becomes %q, and that %q, %v", n.mode, s, given, twice, wrong)
		}
	}
	for _, name := range []string{made, given} {
		if !utf8.ValidString(name) || strings.ContainsFunc(name, unicode.IsControl) || len(name) > 18*len(s)+8 {
			t.Fatalf("%s: %q is made of %q", n.mode, name, s)
		}
		if strings.ToLower(name) != name && n.mode == "on" {
			t.Fatalf("%q is not in lower case", name)
		}
	}
	if n.mode == "on" && strings.Trim(made, "abcdefghijklmnopqrstuvwxyz0123456789-.") != "" {
		t.Fatalf("%q has a character that R32 does not know", made)
	}
	if n.mode == "on" && strings.Trim(given, "abcdefghijklmnopqrstuvwxyz0123456789-._@") != "" {
		t.Fatalf("%q has a character that R30 does not know", given)
	}
}

// zones are such in which days begin at odd hours, or not at all.
var zones = []string{"UTC", "Europe/Warsaw", "America/Sao_Paulo", "Pacific/Apia", "Asia/Kathmandu", "Africa/Cairo", "Australia/Lord_Howe", "Atlantic/Azores"}

// FuzzDate reads any text by any layout, in several zones: what it takes is a
// day or an instant that exists, in a form that is read again as the same; a
// day that is written by its layout comes back; no day moves, in no zone.
func FuzzDate(f *testing.F) {
	for i, seed := range []struct{ layout, text string }{
		{"", "2026-11-30"},
		{"", "2028-02-29"},
		{"", "2026-02-30"},
		{"", "0000-00-00"},
		{"", "9999-12-31"},
		{"", "2026-11-30T08:00:00+01:00"},
		{"", "03/04/2026"},
		{"DD.MM.YYYY", "30.11.2026"},
		{"D/M/YYYY", "1/2/2026"},
		{"MM/DD/YYYY HH:mm", "11/04/2018 00:00"},
		{"YYYY-MM-DD HH:mm:ss", "2026-03-29 02:30:00"},
		{"unix", "1795000000"},
		{"filetime", "134000000000000000"},
		{"generalized", "20261121223307.0Z"},
		{"", "2018-11-04"}, // begins at one o'clock in São Paulo
		{"", "2011-12-30"}, // was none in Apia
	} {
		f.Add(seed.layout, seed.text, byte(i))
		f.Add(seed.layout, seed.text, byte(2))
	}
	for _, layout := range []string{"DD/MM/YYYY", "MM/DD/YYYY", "YYYYMMDD", "DD.MM.YYYY HH:mm", "YYYY-MM-DD HH:mm:ss", "unix", "filetime", "generalized"} {
		for _, text := range []string{"30/11/2026", "20261130", "2026-10-25 02:30:00", "1796000400", "134404740000000000", "20261121223307-0500", "9223372036854775807", "0"} {
			f.Add(layout, text, byte(1))
		}
	}
	f.Fuzz(func(t *testing.T, layout, text string, choice byte) {
		zone, err := time.LoadLocation(zones[int(choice)%len(zones)])
		if err != nil {
			t.Fatal(err)
		}
		d, err := newDater(layout, zone)
		if err != nil {
			if !strings.Contains(err.Error(), "layout") && !strings.Contains(err.Error(), "time of day") && !strings.Contains(err.Error(), "separator") {
				t.Fatalf("the error does not say what is wrong: %v", err)
			}
			return
		}
		got, wrong := d.date(text)
		instant, unwanted := d.instant(text)
		if (wrong == nil) != (unwanted == nil) || wrong == nil && (got == "") != (instant == "") {
			t.Fatalf("a date %q %v, an instant %q %v", got, wrong, instant, unwanted)
		}
		if layout == "" && len(text) == len(time.DateOnly) {
			day, failed := time.Parse(time.DateOnly, text)
			possible := failed == nil && day.Year() >= 1900 || saysNever(text)
			if possible != (wrong == nil) {
				t.Fatalf("%q: %v, and time says %v", text, wrong, failed)
			}
		}
		if wrong != nil || got == "" {
			return
		}
		iso, err := newDater("", zone)
		if err != nil {
			t.Fatal(err)
		}
		if again, wrong := iso.instant(instant); wrong != nil || again != instant {
			t.Fatalf("%q is the instant %q, and that is %q, %v", text, instant, again, wrong)
		}
		if again, wrong := iso.date(got); wrong != nil || again != got {
			t.Fatalf("%q is %q, and that is %q, %v", text, got, again, wrong)
		}
		day, failed := time.Parse(time.DateOnly, got)
		if failed != nil {
			at, failed := time.Parse(time.RFC3339, got)
			if failed != nil || !at.Equal(roster.StampTime(instant)) {
				t.Fatalf("%q is %q, as an instant %q: %v", text, got, instant, failed)
			}
			return
		}
		if begins := roster.StampTime(instant).In(zone); begins.Format(time.DateOnly) != got && !lost(day, zone) {
			t.Fatalf("%s begins at %v", got, begins)
		}
		if d.kind == "" {
			if written, ok := d.write(day); ok {
				if back, wrong := d.date(written); wrong != nil || back != got {
					t.Fatalf("%s written as %s is %q, and comes back as %q, %v", got, layout, written, back, wrong)
				}
			}
		}
	})
}

// lost tells whether a zone has left the day out.
func lost(day time.Time, zone *time.Location) bool {
	noon := time.Date(day.Year(), day.Month(), day.Day(), 12, 0, 0, 0, zone)
	return noon.Day() != day.Day()
}

// write is a day by the layout; not ok where that has a time of day.
func (d *dater) write(day time.Time) (text string, ok bool) {
	for _, t := range d.layout {
		switch t.what {
		case 0:
			text += t.text
		case 'Y':
			text += day.Format("2006")
		case 'M':
			text += day.Format("01")
		case 'D':
			text += day.Format("02")
		default:
			return "", false
		}
	}
	return text, true
}
