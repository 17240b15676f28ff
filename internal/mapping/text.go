package mapping

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

// tidy is a cell as it is meant: without outer white space, the no-break kind
// too (R11), and composed, so that an é typed as one character or as two is
// one é. It is what every value of a drop goes through first.
func tidy(s string) string {
	s = strings.TrimSpace(s)
	if ascii(s) || norm.NFC.IsNormalString(s) {
		return s
	}
	return norm.NFC.String(s)
}

func ascii(s string) bool {
	for i := range len(s) {
		if s[i] >= utf8.RuneSelf {
			return false
		}
	}
	return true
}

// hasControl tells whether s holds NUL or a control character other than tab
// and line breaks (R16). It looks at bytes: the second block of controls,
// U+0080 to U+009F, is 0xC2 and one byte below 0xA0 in UTF-8.
func hasControl(s string) bool {
	for i := range len(s) {
		switch c := s[i]; {
		case c >= ' ' && c < 0x7F:
		case c < ' ':
			if c != '\t' && c != '\n' && c != '\r' {
				return true
			}
		case c == 0x7F:
			return true
		case c == 0xC2:
			if i+1 < len(s) && s[i+1] < 0xA0 {
				return true
			}
		}
	}
	return false
}

// hasInvisible tells whether s holds what a reader cannot see but a comparison
// can: zero-width, direction and control characters, fillers (R40).
func hasInvisible(s string) bool {
	for _, r := range s {
		if invisible(r) {
			return true
		}
	}
	return false
}

// meansNothing tells whether s is what spreadsheets, databases and programs write
// where there is nothing: as a key it would make one person of many.
func meansNothing(s string) bool {
	if len(s) > len("undefined") || s == "" || !strings.ContainsRune("#(nNuU", rune(s[0])) {
		return false
	}
	switch strings.ToLower(s) {
	case "null", "(null)", "none", "nan", "n/a", "undefined",
		"#n/a", "#ref!", "#value!", "#name?", "#num!", "#null!", "#div/0!":
		return true
	}
	return false
}

func invisible(r rune) bool {
	if r < utf8.RuneSelf {
		return r < ' ' || r == 0x7F
	}
	return unicode.In(r, unicode.Cc, unicode.Cf, unicode.Zl, unicode.Zp,
		unicode.Other_Default_Ignorable_Code_Point, unicode.Variation_Selector)
}

// hasOverride tells whether s turns the direction of what follows: a name
// that reads as another. The plain marks that Hebrew and Arabic texts use are none.
func hasOverride(s string) bool {
	if ascii(s) {
		return false
	}
	for _, r := range s {
		if r >= 0x202A && r <= 0x202E || r >= 0x2066 && r <= 0x2069 {
			return true
		}
	}
	return false
}

// longer tells whether s has more than limit characters.
func longer(s string, limit int) bool {
	return len(s) > limit && utf8.RuneCountInString(s) > limit
}

// cut is the first n characters of s; zero is all of it.
func cut(s string, n int) string {
	if n == 0 || len(s) <= n {
		return s
	}
	for i := range s {
		if n == 0 {
			return s[:i]
		}
		n--
	}
	return s
}

// says tells whether s has a letter or a digit: something besides separators.
func says(s string) bool {
	return strings.ContainsFunc(s, func(r rune) bool { return unicode.IsLetter(r) || unicode.IsNumber(r) })
}
