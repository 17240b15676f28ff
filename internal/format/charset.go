package format

import (
	"bytes"
	"fmt"
	"io"
	"strings"
	"unicode/utf8"

	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/charmap"
	"golang.org/x/text/encoding/htmlindex"
	"golang.org/x/text/encoding/ianaindex"

	"rollcall/internal/roster"
)

// A charset is how the bytes of one file become text (R16).
type charset struct {
	name     string // IANA, lower case
	declared bool
	bom      int               // bytes of the byte-order mark
	table    *table            // of an encoding of single bytes
	enc      encoding.Encoding // of any other; nil for UTF-8
}

// codePages are names of Windows and of scripts that neither list has.
var codePages = map[string]string{
	"cp858": "ibm00858", "cp874": "windows-874", "cp932": "windows-31j", "cp936": "gbk", "cp949": "windows-949", "cp950": "big5",
}

// charsetNamed finds an encoding by its IANA name, or by one of the names that
// the web knows it by. UTF-16 without its order is found as utf-16, with no decoder.
func charsetNamed(name string) (charset, error) {
	lower := strings.ToLower(strings.TrimSpace(name))
	switch lower {
	case "utf-8", "utf8":
		return charset{name: "utf-8"}, nil
	case "utf-16", "utf16":
		return charset{name: "utf-16"}, nil
	case "ascii", "us-ascii":
		return charset{name: "us-ascii", table: asciiTable()}, nil
	}
	if strings.ContainsFunc(lower, func(r rune) bool { return !strings.ContainsRune("abcdefghijklmnopqrstuvwxyz0123456789-_.:+() ", r) }) {
		return charset{}, fmt.Errorf("%q is not an encoding", name) // the lists pass over what they do not expect
	}
	if known, ok := codePages[lower]; ok {
		lower = known
	}
	enc, err := ianaindex.IANA.Encoding(lower)
	if err != nil || enc == nil {
		enc, err = htmlindex.Get(lower)
	}
	if err != nil {
		return charset{}, fmt.Errorf("%q is not an encoding", name)
	}
	preferred, err := ianaindex.MIME.Name(enc)
	if err != nil {
		return charset{}, fmt.Errorf("%q is not an encoding that files have", name)
	}
	c := charset{name: strings.ToLower(preferred)}
	switch c.name {
	case "utf-8":
		return c, nil
	case "utf-16":
		return charset{name: c.name}, nil
	case "us-ascii":
		c.table = asciiTable()
		return c, nil
	case "iso-2022-jp", "hz-gb-2312":
		return charset{}, fmt.Errorf("%s, which changes its meaning midway, is not read", c.name)
	}
	if cm, ok := enc.(*charmap.Charmap); ok {
		c.table = tableOf(cm)
		return c, nil
	}
	c.enc = enc
	return c, nil
}

// reader is r as UTF-8, from behind the byte-order mark. A byte that does not
// belong ends it with a *[here].
func (c charset) reader(r io.Reader) io.Reader {
	raw := &source{r: r, offset: int64(c.bom), skip: c.bom}
	switch {
	case c.table != nil:
		return &tableReader{source: raw, table: c.table, refuse: c.refuse}
	case c.enc != nil:
		return newWideReader(raw, c.enc, c.refuse)
	}
	return &utf8Reader{source: raw, refuse: c.refuse}
}

// refuse is the refusal of the byte at offset; near are bytes around it, from
// which the true encoding is guessed.
func (c charset) refuse(offset int64, near []byte) error {
	r := roster.Refusal{Code: "E103", Text: fmt.Sprintf("the byte at offset %d is not valid in %s", offset, c.name)}
	switch looks := guess(near); {
	case looks == "" || looks == c.name:
		if c.declared {
			r.Fix = "have it saved in " + c.name + ", which is declared, or set format.encoding to the one that it is in"
		}
	case c.declared:
		r.Fix = fmt.Sprintf("it looks like %s; if so, set format.encoding: %s", looks, looks)
	default:
		r.Fix = fmt.Sprintf("it looks like %s; set format.encoding: %s, or whatever HR says it is", looks, looks)
	}
	return &here{r}
}

// marks are the byte-order marks. That of UTF-32 begins with that of UTF-16.
var marks = []struct {
	bytes string
	name  string
}{
	{"\xEF\xBB\xBF", "utf-8"},
	{"\xFF\xFE\x00\x00", "utf-32le"},
	{"\x00\x00\xFE\xFF", "utf-32be"},
	{"\xFF\xFE", "utf-16le"},
	{"\xFE\xFF", "utf-16be"},
}

// detect finds the encoding of the file that begins with head: the declared
// one, else that of its byte-order mark, else UTF-8. Other encodings are never
// guessed, only named in the refusal that follows.
func detect(head []byte, declared string) (charset, error) {
	refuse := func(text, fix string) (charset, error) {
		return charset{}, &roster.Refusal{Code: "E103", Line: 1, Text: text, Fix: fix}
	}
	c := charset{name: "utf-8"}
	if declared != "" {
		var err error
		if c, err = charsetNamed(declared); err != nil {
			return c, err
		}
		c.declared = true
	}
	for _, m := range marks {
		if !bytes.HasPrefix(head, []byte(m.bytes)) {
			continue
		}
		if strings.HasPrefix(m.name, "utf-32") {
			return refuse("the file begins with the byte-order mark of "+m.name+", which is not read", "have it saved as utf-8")
		}
		if declared != "" && c.name != m.name && (c.name != "utf-16" || m.name == "utf-8") {
			return refuse(fmt.Sprintf("the file begins with the byte-order mark of %s and is declared as %s", m.name, c.name),
				"set format.encoding: "+m.name+", or leave it out")
		}
		marked, err := charsetNamed(m.name)
		marked.declared, marked.bom = c.declared, len(m.bytes)
		return marked, err
	}
	wide := looksWide(head)
	switch {
	case c.name == "utf-16":
		return refuse("the file has no byte-order mark", "set format.encoding: utf-16le or utf-16be")
	case wide != "" && c.name != wide:
		return refuse(fmt.Sprintf("the file looks like %s without a byte-order mark, not like %s", wide, c.name),
			"set format.encoding: "+wide)
	}
	return c, nil
}

// looksWide recognises UTF-16 without a mark: among Latin letters, digits and
// delimiters every other byte is zero.
func looksWide(head []byte) string {
	head = head[:len(head)&^1]
	var even, odd int
	for i := 0; i < len(head); i += 2 {
		if head[i] == 0 {
			even++
		}
		if head[i+1] == 0 {
			odd++
		}
	}
	pairs := len(head) / 2
	switch {
	case pairs < 4:
		return ""
	case odd >= pairs/4 && even <= pairs/20:
		return "utf-16le"
	case even >= pairs/4 && odd <= pairs/20:
		return "utf-16be"
	}
	return ""
}

// accentsInUTF8 tells whether the bytes are UTF-8 beyond doubt: valid, with
// several characters of more than a byte.
func accentsInUTF8(head []byte) bool {
	accents := 0
	for len(head) > 0 {
		r, n := utf8.DecodeRune(head)
		if r == utf8.RuneError && n == 1 {
			return accents > 3 && !utf8.FullRune(head) // the head may end inside a character
		}
		if n > 1 {
			accents++
		}
		head = head[n:]
	}
	return accents > 3
}

// A here is a refusal that lies where the reading stands; who counts the lines
// gives it one.
type here struct{ roster.Refusal }

func (h *here) Error() string { return h.Refusal.Error() }

// placed gives a refusal of that kind its line, and leaves other errors alone.
func placed(err error, line int) error {
	if h, ok := err.(*here); ok {
		r := h.Refusal
		r.Line = line
		return &r
	}
	return err
}

// lineEnds counts line feeds, carriage returns, and the two together as one.
func lineEnds(text []byte) int {
	return bytes.Count(text, []byte{'\n'}) + bytes.Count(text, []byte{'\r'}) - bytes.Count(text, []byte("\r\n"))
}
