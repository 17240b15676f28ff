package format

import (
	"unicode"
	"unicode/utf8"
)

// candidates are the encodings that a hint may name, the likeliest first. How
// their letters stand together tells them apart: an accented Latin letter has
// plain letters beside it, a Cyrillic or Chinese one has its like.
var candidates = []struct {
	name  string
	latin bool
}{
	{"windows-1252", true},
	{"windows-1250", true},
	{"windows-1251", false},
	{"koi8-r", false},
	{"windows-1253", false},
	{"windows-1254", true},
	{"ibm850", true},
	{"ibm852", true},
	{"shift_jis", false},
	{"gbk", false},
	{"big5", false},
	{"euc-kr", false},
}

// guess names the encoding that the bytes look like, for a hint; "" where
// nothing speaks for any. No file is ever read by a guess.
func guess(sample []byte) string {
	if wide := looksWide(sample); wide != "" {
		return wide
	}
	if accentsInUTF8(sample) {
		return "utf-8"
	}
	sample = aroundAccents(sample)
	best, most := "", 0
	for _, c := range candidates {
		if score := plausible(c.name, c.latin, sample); score > most {
			best, most = c.name, score
		}
	}
	return best
}

// aroundAccents is the part of the sample that can tell encodings apart.
func aroundAccents(sample []byte) []byte {
	const enough, around = 4096, 8
	var out []byte
	end := 0 // of what was taken
	for i, b := range sample {
		if b < 0x80 || i+around < end {
			continue
		}
		from, to := max(end, i-around), min(len(sample), i+around)
		if from > end && len(out) > 0 {
			out = append(out, '\n')
		}
		out = append(out, sample[from:to]...)
		if end = to; len(out) > enough {
			break
		}
	}
	return out
}

// plausible counts for and against: the higher, the more it reads like names.
func plausible(name string, latin bool, sample []byte) int {
	c, err := charsetNamed(name)
	if err != nil {
		return 0
	}
	var text []rune
	if c.table != nil {
		for _, b := range sample {
			r, _ := utf8.DecodeRune(c.table[b].text[:c.table[b].n])
			text = append(text, r)
		}
	} else {
		decoded, _ := c.enc.NewDecoder().Bytes(sample)
		text = []rune(string(decoded))
	}
	score := 0
	for i, r := range text {
		if r < utf8.RuneSelf {
			continue
		}
		var before, after rune
		if i > 0 {
			before = text[i-1]
		}
		if i+1 < len(text) {
			after = text[i+1]
		}
		score += letter(latin, before, r, after)
	}
	return score
}

func letter(latin bool, before, r, after rune) int {
	plain := func(r rune) bool { return r < utf8.RuneSelf && unicode.IsLetter(r) }
	strange := func(r rune) bool { return r >= utf8.RuneSelf && unicode.IsLetter(r) }
	switch {
	case r == utf8.RuneError || unicode.IsControl(r):
		return -10
	case !unicode.IsLetter(r):
		if unicode.IsLetter(before) || unicode.IsLetter(after) {
			return -2
		}
		return 0
	case unicode.IsUpper(r) && unicode.IsLower(before), unicode.IsLower(r) && unicode.IsUpper(after):
		return -2
	case latin && !unicode.Is(unicode.Latin, r):
		return -2
	case latin && (strange(before) || strange(after)):
		return 0
	case latin:
		return 2
	case plain(before) || plain(after):
		return -2
	case 0xFF61 <= r && r <= 0xFF9F: // katakana of half width: any byte is one
		return 0
	case mixed(before, r), mixed(r, after):
		return -4
	case unicode.In(r, unicode.Hangul, unicode.Hiragana, unicode.Katakana):
		return 6 // two bytes, and a script that no other encoding of the list gives
	case unicode.Is(unicode.Han, r):
		return 4
	case unicode.Is(unicode.Latin, r):
		return 0
	case strange(before) || strange(after):
		return 2
	}
	return 1
}

// mixed tells whether a Korean syllable stands beside a Chinese character: in
// names that are read rightly hardly ever, in others at every turn.
func mixed(a, b rune) bool {
	return unicode.Is(unicode.Hangul, a) && unicode.Is(unicode.Han, b) || unicode.Is(unicode.Han, a) && unicode.Is(unicode.Hangul, b)
}
