package mapping

import (
	"maps"
	"slices"
	"strings"
	"unicode"

	"github.com/gosimple/unidecode"
	"golang.org/x/text/unicode/norm"
)

// transforms is what transform: and the pipes of a template can name.
func transforms() map[string]func(string) string {
	return map[string]func(string) string{
		"ascii": toASCII,
		"lower": strings.ToLower,
		"upper": strings.ToUpper,
		"alnum": alnum,
		"slug":  slug,
		"trim":  strings.TrimSpace,

		"primary_smtp": primarySMTP,
	}
}

func transformNames() string {
	return strings.Join(slices.Sorted(maps.Keys(transforms())), ", ")
}

// primarySMTP is the address of a directory's proxyAddresses that is the primary
// one: its SMTP: is in capitals. Other kinds of addresses are none.
func primarySMTP(s string) string {
	address, primary := strings.CutPrefix(s, "SMTP:")
	if !primary {
		return ""
	}
	return address
}

// toASCII writes é as e, ß as ss, ø as o, ł as l, and other scripts as they sound.
func toASCII(s string) string {
	if ascii(s) {
		return s
	}
	return strings.TrimSpace(unidecode.Unidecode(norm.NFKC.String(s)))
}

func alnum(s string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsLetter(r) || unicode.IsNumber(r) || unicode.IsMark(r) {
			return r
		}
		return -1
	}, s)
}

// slug is s in a–z, 0–9 and single dashes: what an id may look like.
func slug(s string) string {
	var b strings.Builder
	gap := false
	for _, r := range strings.ToLower(toASCII(s)) {
		if r >= 'a' && r <= 'z' || r >= '0' && r <= '9' {
			if gap && b.Len() > 0 {
				b.WriteByte('-')
			}
			gap = false
			b.WriteRune(r)
		} else {
			gap = true
		}
	}
	return b.String()
}

// title raises the first letter of each word and lowers the rest. A dash
// begins a word, an apostrophe does not.
func title(s string) string {
	inside := false
	return strings.Map(func(r rune) rune {
		word := unicode.IsLetter(r) || unicode.IsMark(r) || unicode.IsNumber(r) || inside && (r == '\'' || r == '’')
		first := word && !inside
		inside = word
		switch {
		case first:
			return unicode.ToTitle(r)
		case word:
			return unicode.ToLower(r)
		}
		return r
	}, s)
}
