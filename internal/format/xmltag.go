package format

import (
	"bytes"
	"encoding/xml"
	"fmt"
	"strings"
)

// A tag is the beginning of an element.
type tag struct {
	name       string
	attributes []attribute
	empty      bool // it is its own end
}

type attribute struct{ name, value string }

// badTag is what is wrong with a tag, and where in it.
type badTag struct {
	at   int
	text string
}

func (b badTag) Error() string { return b.text }

// manyParts is a bound that was passed.
type manyParts string

func (m manyParts) Error() string { return string(m) }

// tagSize is the size of the tag with which text begins. errMore means that it
// is not whole.
func tagSize(text []byte) (int, error) {
	for i := 1; i < len(text); i++ {
		switch c := text[i]; c {
		case '>':
			return i + 1, nil
		case '<':
			return 0, badTag{i, "a < stands inside a tag"}
		case '"', '\'':
			n := bytes.IndexByte(text[i+1:], c)
			if n < 0 {
				return 0, errMore
			}
			i += n + 1
		}
	}
	return 0, errMore
}

// readTag reads a whole tag, from < to >.
func readTag(text []byte) (tag, error) {
	n := nameSize(text[1:])
	if n == 0 {
		return tag{}, badTag{0, "a < that begins nothing"}
	}
	t := tag{name: string(text[1 : 1+n])}
	if !wellNamed(t.name) {
		return tag{}, badTag{1, "an element without a proper name"}
	}
	i := 1 + n
	for {
		gap := i
		for i < len(text) && space(text[i]) {
			i++
		}
		switch {
		case text[i] == '>':
			return t, nil
		case text[i] == '/' && text[i+1] == '>':
			t.empty = true
			return t, nil
		case gap == i:
			return tag{}, badTag{i, "a tag is not written as XML wants it"}
		}
		size := nameSize(text[i:])
		a := attribute{name: string(text[i : i+size])}
		if !wellNamed(a.name) {
			return tag{}, badTag{i, "an attribute without a proper name"}
		}
		i += size
		for space(text[i]) {
			i++
		}
		if text[i] != '=' {
			return tag{}, badTag{i, "an attribute without a value"}
		}
		for i++; space(text[i]); i++ {
		}
		quote := text[i]
		if quote != '"' && quote != '\'' {
			return tag{}, badTag{i, "the value of an attribute is not quoted"}
		}
		end := i + 1 + bytes.IndexByte(text[i+1:], quote)
		value, err := unescape(text[i+1 : end])
		if err != nil {
			return tag{}, badTag{i, err.Error()}
		}
		a.value = value
		for _, b := range t.attributes {
			if b.name == a.name {
				return tag{}, badTag{i, "an attribute is there twice"}
			}
		}
		t.attributes = append(t.attributes, a)
		if len(t.attributes) > maxParts {
			return tag{}, manyParts(fmt.Sprintf("an element has more than %d attributes", maxParts))
		}
		i = end + 1
	}
}

// wellNamed tells whether a name has at most one colon, inside it.
func wellNamed(name string) bool {
	prefix, local, colon := strings.Cut(name, ":")
	return prefix != "" && (!colon || local != "" && !strings.Contains(local, ":") && nameSize([]byte(local)) == len(local))
}

// splitName splits a name at its colon; without one all of it is the local name.
func splitName(name string) (prefix, local string, colon bool) {
	if prefix, local, colon = strings.Cut(name, ":"); colon {
		return prefix, local, true
	}
	return "", name, false
}

// references are those that have names.
var references = []struct {
	text []byte
	is   byte
}{{[]byte("&amp;"), '&'}, {[]byte("&lt;"), '<'}, {[]byte("&gt;"), '>'}, {[]byte("&quot;"), '"'}, {[]byte("&apos;"), '\''}}

// maxReference is how long one may be that stands outside of records.
const maxReference = 32

// wrongReference is the place of the first reference of a text that XML does
// not know, -1 where there is none. more: the text goes on.
func wrongReference(text []byte, more bool) int {
	for at := 0; ; {
		i := bytes.IndexByte(text[at:], '&')
		if i < 0 {
			return -1
		}
		at += i
		rest := text[at:]
		end := bytes.IndexByte(rest[:min(len(rest), maxReference)], ';')
		if end < 0 && more && len(rest) < maxReference {
			return -1 // it is looked at again
		}
		if end < 0 {
			return at
		}
		if _, err := unescape(rest[:end+1]); err != nil {
			return at
		}
		at += end + 1
	}
}

// unescape is a text with its references resolved, by the standard decoder
// where there are any but the named ones.
func unescape(text []byte) (string, error) {
	if bytes.IndexByte(text, '<') >= 0 {
		return "", badTag{0, "a < stands in the value of an attribute"}
	}
	if bytes.IndexByte(text, '&') < 0 && bytes.IndexByte(text, '\r') < 0 {
		return string(text), nil
	}
	whole := append(append([]byte(`<a b="`), bytes.ReplaceAll(text, []byte{'"'}, []byte("&quot;"))...), `"/>`...)
	token, err := xml.NewDecoder(bytes.NewReader(whole)).RawToken()
	start, ok := token.(xml.StartElement)
	if err != nil || !ok || len(start.Attr) != 1 {
		return "", badTag{0, "a reference that XML does not know"}
	}
	return start.Attr[0].Value, nil
}

// appendText appends a text of a plain record. It tells whether it could: only
// named references are resolved here, and a carriage return never.
func appendText(b, text []byte) ([]byte, bool) {
	for {
		i := bytes.IndexByte(text, '&')
		if i < 0 {
			return append(b, text...), true
		}
		b = append(b, text[:i]...)
		text = text[i:]
		found := false
		for _, r := range references {
			if bytes.HasPrefix(text, r.text) {
				b, text, found = append(b, r.is), text[len(r.text):], true
				break
			}
		}
		if !found {
			return b, false
		}
	}
}
