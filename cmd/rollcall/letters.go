package main

import (
	"strings"
	"unicode"
)

// plainly writes the letters of Europe's names as its mail addresses do. It is
// for looking at headers and for the demo's people; what a profile makes of
// names is the room mapping's business.
var plainly = strings.NewReplacer(strings.Fields(`
	ą a à a á a â a ã a ä a å a ā a æ ae ç c ć c č c ď d đ d è e é e ê e ë e ę e ě e ğ g ì i í i î i ï i ı i İ I
	ł l ñ n ń n ň n ò o ó o ô o õ o ö o ø o ő o œ oe ř r ś s ş s š s ß ss ť t ù u ú u û u ü u ů u ű u ý y ÿ y ź z ż z ž z þ th
	Ą A À A Á A Â A Ä A Å A Æ Ae Ç C Ć C Č C Ď D È E É E Ê E Ę E Ě E Ğ G Í I Î I Ł L Ñ N Ń N Ó O Ö O Ø O Ő O Œ Oe Ř R
	Ś S Ş S Š S Ť T Ú U Ü U Ů U Ű U Ý Y Ź Z Ż Z Ž Z Þ Th`)...)

// essence is a column's name as it is looked up: small plain letters and
// digits, whatever stands between them.
func essence(name string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsLetter(r) || unicode.IsDigit(r) {
			return unicode.ToLower(r)
		}
		return -1
	}, plainly.Replace(name))
}
