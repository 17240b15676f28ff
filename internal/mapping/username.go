package mapping

import (
	"strings"
	"unicode"

	"golang.org/x/text/unicode/norm"
)

// plain tells whether r may stand in a username by R30.
func plain(r rune) bool {
	return r >= 'a' && r <= 'z' || r >= '0' && r <= '9' || r == '-' || r == '.' || r == '_' || r == '@'
}

// wide tells whether r may stand in a username under standardise: extended.
func wide(r rune) bool {
	return plain(r) || unicode.IsLetter(r) || unicode.IsNumber(r) || unicode.IsMark(r) || r == ' '
}

// A namer knows the normal form of usernames (R30, R32).
type namer struct {
	mode    string // on, off, extended
	nothing *flaw  // nothing remains
	outside *flaw  // a character that the mode does not allow
}

func newNamer(mode string) namer {
	n := namer{mode: mode, nothing: &flaw{code: "E134", text: "no letter or digit of the username remains"}}
	n.outside = &flaw{code: "E134", text: "the username has a character outside a-z, 0-9 and - . _ @"}
	if mode == "extended" {
		n.outside = &flaw{code: "E134", text: "the username has a character that is no letter, no digit and none of - . _ @"}
	}
	return n
}

// given is the normal form of a username that a drop says.
func (n namer) given(s string) (string, *flaw) {
	s = lower(s)
	switch n.mode {
	case "on":
		s = only(s, plain)
	case "off":
		if strings.ContainsFunc(s, func(r rune) bool { return !plain(r) }) {
			return "", n.outside
		}
	default:
		s = blanks(s)
		if strings.ContainsFunc(s, func(r rune) bool { return !wide(r) }) {
			return "", n.outside
		}
	}
	if !says(s) {
		return "", n.nothing
	}
	return s, nil
}

// made is the normal form of a username that a template makes; "" where nothing remains.
func (n namer) made(s string) string {
	s = lower(s)
	if n.mode == "extended" {
		s = blanks(only(s, func(r rune) bool { return wide(r) || unicode.IsSpace(r) }))
		s = norm.NFC.String(s) // a mark that stood behind what fell away stands behind a letter now
	} else {
		s = only(s, func(r rune) bool { return plain(r) && r != '_' && r != '@' })
	}
	if !says(s) {
		return ""
	}
	return s
}

// lower is s in its compatible form and in lower case, by the root locale's rules.
func lower(s string) string {
	if ascii(s) {
		return strings.ToLower(s)
	}
	// By these rules one letter becomes two, which strings.ToLower does not know:
	// İ must not end as the i of another name.
	s = strings.ReplaceAll(norm.NFKC.String(s), "İ", "i\u0307")
	return norm.NFKC.String(strings.ToLower(s))
}

// blanks makes one blank of each stretch of white space.
func blanks(s string) string {
	if !strings.ContainsFunc(s, unicode.IsSpace) {
		return s
	}
	return strings.Join(strings.Fields(s), " ")
}

// only is s without the characters that keep does not want; s itself where it wants all.
func only(s string, keep func(rune) bool) string {
	if !strings.ContainsFunc(s, func(r rune) bool { return !keep(r) }) {
		return s
	}
	return strings.Map(func(r rune) rune {
		if keep(r) {
			return r
		}
		return -1
	}, s)
}
