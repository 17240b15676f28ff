package source

import (
	"cmp"
	"fmt"
	"math"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// A Sequence says where the number of a drop stands, that must follow the one of
// the drop before (profile key source.sequence).
type Sequence struct {
	From string `yaml:"from"` // a file's name with {number} in it, or the path of an element or attribute beside the records of XML; "": drops have no number
	Gap  string `yaml:"gap"`  // hold, warn; "" is hold
}

// numberMark stands in From for the digits of a name.
const numberMark = "{number}"

// maxDigits is how many digits a number has at most.
const maxDigits = 18

// On tells whether drops have a number.
func (s Sequence) On() bool { return s.From != "" }

// Inside tells whether the number stands in the file, not in its name.
func (s Sequence) Inside() bool { return strings.HasPrefix(s.From, "/") }

// Holds tells whether a gap waits for a person.
func (s Sequence) Holds() bool { return s.Gap != "warn" }

// Number is the number in a file's name; ok is false where there is none, or where
// it stands inside.
func (s Sequence) Number(name string) (n int64, ok bool) {
	if s.Inside() || !s.On() {
		return 0, false
	}
	form, err := s.form()
	if err != nil {
		return 0, false
	}
	parts := form.FindStringSubmatch(name)
	if parts == nil {
		return 0, false
	}
	return Digits(parts[1])
}

// Digits reads the number of a drop, with or without zeros before it.
func Digits(text string) (n int64, ok bool) {
	text = strings.TrimSpace(text)
	if len(text) > maxDigits || strings.Trim(text, "0123456789") != "" {
		return 0, false
	}
	n, err := strconv.ParseInt(text, 10, 64)
	return n, err == nil
}

// form is the pattern of names: a star stands for as few characters as will do,
// so that all digits are the number's.
func (s Sequence) form() (*regexp.Regexp, error) {
	var b strings.Builder
	b.WriteString("^")
	for i, part := range strings.Split(s.From, numberMark) {
		if i > 0 {
			b.WriteString("([0-9]+)")
		}
		b.WriteString(strings.ReplaceAll(regexp.QuoteMeta(part), `\*`, ".*?"))
	}
	b.WriteString("$")
	return regexp.Compile(b.String())
}

// Arrange puts files in the order of their numbers; what has none in its name stays
// behind, in the order of time.
func (s Sequence) Arrange(files []File) []File {
	rank := func(f File) int64 {
		if n, ok := s.Number(f.Name); ok {
			return n
		}
		return math.MaxInt64
	}
	files = slices.Clone(files)
	slices.SortStableFunc(files, func(a, b File) int { return cmp.Compare(rank(a), rank(b)) })
	return files
}

func (s Sequence) validate(f *faults) {
	if !s.On() {
		if s.Gap != "" {
			f.add("sequence.from", "is missing", `write where the number stands: a name like "changes_{number}.csv", or a path in XML like /changes/@number`)
		}
		return
	}
	if s.Gap != "" {
		f.word("sequence.gap", s.Gap, "hold", "warn")
	}
	const hint = `write a name like "changes_{number}.csv", where a star stands for anything, or a path in XML like /changes/@number`
	switch {
	case s.Inside():
	case strings.Count(s.From, numberMark) != 1:
		f.add("sequence.from", fmt.Sprintf("%q has not one %s, and is no path", s.From, numberMark), hint)
	case strings.ContainsAny(s.From, `/\`):
		f.add("sequence.from", fmt.Sprintf("%q has a slash, and is no path in XML, which begins with one", s.From), hint)
	}
}
