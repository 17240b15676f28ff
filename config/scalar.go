package config

import (
	"errors"
	"fmt"
	"math"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"

	"rollcall/internal/guard"
	"rollcall/internal/mapping"
	"rollcall/internal/plan"
	"rollcall/internal/roster"
	"rollcall/internal/secret"
)

// hinted is an error with what to write instead.
type hinted struct{ text, hint string }

func (h *hinted) Error() string { return h.text }

// wrongType means that a type has no single value.
type wrongType struct{}

func (*wrongType) Error() string { return "wants something else" }

// shorthands are the types that may be written as one value besides their
// block. v holds the default.
var shorthands = map[reflect.Type]func(v reflect.Value, text string) error{
	reflect.TypeFor[plan.Fallback]():          setFallback,
	reflect.TypeFor[map[string]guard.Limit](): setLimits,
	reflect.TypeFor[time.Duration]():          setDuration,
	reflect.TypeFor[[]mapping.Member]():       setMember,
	reflect.TypeFor[mapping.Words]():          setWords,
}

// wants names, for messages, what such a type takes.
var wants = map[reflect.Type]string{
	reflect.TypeFor[plan.Fallback]():  "username, or {by: username, rekey: on}",
	reflect.TypeFor[guard.Limit]():    "a limit like 5%, 20 or {percent: 5, floor: 5}",
	reflect.TypeFor[time.Duration]():  "a duration like 15m, 96h or 90d",
	reflect.TypeFor[Schedule]():       "a schedule, in quotes",
	reflect.TypeFor[secret.Ref]():     "{file: PATH}, {env: NAME} or {credential: NAME}",
	reflect.TypeFor[roster.Field]():   "an account field",
	reflect.TypeFor[roster.Name]():    "an account field",
	reflect.TypeFor[mapping.Column](): "a column's name or a block of keys",

	reflect.TypeFor[[]mapping.Member](): "a column's name, a block of keys, or a list of templates and blocks",
	reflect.TypeFor[mapping.Member]():   "a template or a block of keys",
	reflect.TypeFor[mapping.Words]():    "a word, or a list like [a, b]",
}

func setFallback(v reflect.Value, text string) error {
	v.Set(reflect.ValueOf(plan.Fallback{By: text}))
	return nil
}

// setMember reads a text in the place of a list: a column.
func setMember(v reflect.Value, text string) error {
	v.Set(reflect.ValueOf([]mapping.Member{{From: text}}))
	return nil
}

// setWords reads one word in the place of a list.
func setWords(v reflect.Value, text string) error {
	v.Set(reflect.ValueOf(mapping.Words{text}))
	return nil
}

// setLimits reads a limit that holds for every field.
func setLimits(v reflect.Value, text string) error {
	var l guard.Limit
	err := l.UnmarshalText([]byte(text))
	if err == nil {
		v.Set(reflect.ValueOf(map[string]guard.Limit{"default": l}))
	}
	return err
}

func setDuration(v reflect.Value, text string) error {
	t, err := parseDuration(text)
	if err == nil {
		v.SetInt(int64(t))
	}
	return err
}

// units are what durations are written in. A day has 24 hours.
var units = []struct {
	name string
	size time.Duration
}{
	{"ms", time.Millisecond}, // before m and s
	{"s", time.Second},
	{"m", time.Minute},
	{"h", time.Hour},
	{"d", 24 * time.Hour},
	{"w", 7 * 24 * time.Hour},
}

// longest is the longest duration that means anything here.
const longest = 100 * 366 * 24 * time.Hour

// parseDuration reads 90d, 4w, 96h, 15m, 2s and sums like 1h30m.
func parseDuration(text string) (time.Duration, error) {
	if _, err := strconv.ParseFloat(text, 64); err == nil {
		return 0, &hinted{fmt.Sprintf("is a number without a unit: %s", text), fmt.Sprintf("write %ss, %sm, %sh or %sd", text, text, text, text)}
	}
	bad := &hinted{fmt.Sprintf("is no duration: %q", text), "write 15m, 96h, 90d or 4w"}
	var sum time.Duration
	rest := text
	for rest != "" {
		digits := len(rest) - len(strings.TrimLeft(rest, "0123456789"))
		n, err := strconv.ParseInt(rest[:digits], 10, 64)
		if err != nil {
			return 0, bad
		}
		rest = rest[digits:]
		i := slices.IndexFunc(units, func(u struct {
			name string
			size time.Duration
		},
		) bool {
			return strings.HasPrefix(rest, u.name)
		})
		if i < 0 {
			return 0, bad
		}
		if n > int64(longest/units[i].size) {
			return 0, &hinted{"is longer than a hundred years", "write 90d"}
		}
		sum += time.Duration(n) * units[i].size
		if sum > longest {
			return 0, &hinted{"is longer than a hundred years", "write 90d"}
		}
		rest = rest[len(units[i].name):]
	}
	if text == "" {
		return 0, bad
	}
	return sum, nil
}

// setKind reads text by the kind of v.
func setKind(v reflect.Value, text string) error {
	switch v.Kind() {
	case reflect.String:
		if strings.ContainsRune(text, 0) {
			return errors.New("holds a NUL character")
		}
		if len(text) > 1 && controlled(text) { // alone it separates
			return &hinted{"holds a control character", "remove it: no name of a column and no value has one"}
		}
		v.SetString(text)
	case reflect.Bool:
		b, err := parseBool(text)
		if err != nil {
			return err
		}
		v.SetBool(b)
	case reflect.Int:
		n, err := strconv.Atoi(text)
		if err != nil {
			return &hinted{"wants a whole number", "write digits alone, like 20"}
		}
		v.SetInt(int64(n))
	case reflect.Int64:
		n, err := parseSize(text)
		if err != nil {
			return err
		}
		v.SetInt(n)
	case reflect.Float64:
		f, err := parseFloat(text)
		if err != nil {
			return &hinted{"wants a number", ""}
		}
		v.SetFloat(f)
	default:
		return &wrongType{}
	}
	return nil
}

func parseBool(text string) (bool, error) {
	switch text {
	case "on", "true":
		return true, nil
	case "off", "false":
		return false, nil
	}
	switch strings.ToLower(text) {
	case "yes", "y", "on", "true", "1":
		return false, &hinted{"wants on or off", "write on"}
	case "no", "n", "off", "false", "0":
		return false, &hinted{"wants on or off", "write off"}
	}
	return false, &hinted{"wants on or off", ""}
}

func parseFloat(text string) (float64, error) {
	f, err := strconv.ParseFloat(text, 64)
	if err != nil || math.IsNaN(f) || math.IsInf(f, 0) || strings.ContainsAny(text, "xXpP_") {
		return 0, errors.New("is not a number")
	}
	return f, nil
}

// sizes are what sizes are written in, always by the power of 1024. The longer
// names stand first.
var sizes = []struct {
	name  string
	bytes int64
}{
	{"KiB", 1 << 10},
	{"MiB", 1 << 20},
	{"GiB", 1 << 30},
	{"KB", 1 << 10},
	{"MB", 1 << 20},
	{"GB", 1 << 30},
	{"B", 1},
}

// parseSize reads a number of bytes: 512MB, 64KiB, 1000.
func parseSize(text string) (int64, error) {
	digits, unit := text, int64(1)
	for _, s := range sizes {
		if d, ok := strings.CutSuffix(text, s.name); ok {
			digits, unit = strings.TrimSpace(d), s.bytes
			break
		}
	}
	n, err := strconv.ParseInt(digits, 10, 64)
	if err != nil || n < 0 || n > math.MaxInt64/unit {
		return 0, &hinted{fmt.Sprintf("is no size: %q", text), "write 512MB, 64KiB or a number of bytes"}
	}
	return n * unit, nil
}

// feedFieldNames are the account fields that a feed can say.
func feedFieldNames() []string {
	var names []string
	for _, f := range roster.FeedFields() {
		names = append(names, f.String())
	}
	return names
}

// controlled tells whether a text holds a control character that is no white space.
func controlled(text string) bool {
	return strings.ContainsFunc(text, func(r rune) bool { return unicode.IsControl(r) && !strings.ContainsRune("\t\n\r", r) })
}
