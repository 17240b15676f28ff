package mapping

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"
	_ "time/tzdata" // the known time zones are the same on every machine

	"golang.org/x/text/language"

	"rollcall/internal/roster"
)

// A flaw is what is wrong with a value, without the value. Flaws are made once,
// when the mapping is compiled.
type flaw struct {
	code   string
	text   string // "" takes the code's sentence
	fix    string // "" takes the code's fix
	warn   bool   // a warning, whatever the code usually is
	reject bool   // the profile says that it rejects the row
}

// A form brings a value, tidy and not empty, into the normal form of its field.
// An answer of "" without a flaw says that there is none: no date.
type form func(string) (string, *flaw)

// forms makes the normal form of every field. Where a field is not in it, a
// value is stored as given.
func (o Options) forms() map[roster.Field]form {
	return map[roster.Field]form{
		roster.EmployeeID: func(s string) (string, *flaw) { return string(roster.NormalKey(s)), nil },
		roster.Username:   newNamer(o.standardise()).given,
		roster.Email:      email,
		roster.FirstName:  visible,
		roster.LastName:   visible,
		roster.Auth:       oneOf(o.auth()),
		roster.Language:   newMemo(canonicalLanguage, &flaw{code: "E122", text: "not a known language"}).form,
		roster.Timezone:   newMemo(knownZone, &flaw{code: "E122", text: "not a known time zone", fix: "write a name of the IANA list, like Europe/Warsaw"}).form,
		roster.Country:    country(),
	}
}

// within bounds a form by the field's maximum of characters (R21).
func within(f roster.Field, inner form) form { return atMost(f.Max(), inner) }

// atMost bounds a form by a number of characters.
func atMost(limit int, inner form) form {
	tooLong := &flaw{code: "E118", text: fmt.Sprintf("longer than %d characters", limit)}
	return func(s string) (string, *flaw) {
		if inner != nil {
			var wrong *flaw
			if s, wrong = inner(s); wrong != nil {
				return "", wrong
			}
		}
		if longer(s, limit) {
			return "", tooLong
		}
		return s, nil
	}
}

// visible refuses a name that turns the direction of its letters.
func visible(s string) (string, *flaw) {
	if hasOverride(s) {
		return "", overridden
	}
	return s, nil
}

var (
	overridden = &flaw{code: "E104", text: "a character that turns the direction of writing, in a name"}
	unseen     = &flaw{code: "E104", text: "an invisible character in a key"}
	nothing    = &flaw{code: "E120", text: "no key, but what is written where there is nothing", fix: "fill the key in HR"}
	noAddress  = &flaw{code: "E131"}
)

// email checks an address and leaves it as given (R22).
func email(s string) (string, *flaw) {
	if !isAddress(s) {
		return "", noAddress
	}
	return s, nil
}

// isAddress knows the unquoted form of RFC 5321 and RFC 6531: a local part, an
// @, and a domain with a dot.
func isAddress(s string) bool {
	at := strings.LastIndexByte(s, '@')
	if at < 1 || at > 64 {
		return false
	}
	local, domain := s[:at], s[at+1:]
	if local[0] == '.' || local[len(local)-1] == '.' || strings.Contains(local, "..") {
		return false
	}
	for _, r := range local {
		if !letterOrDigit(r) && !strings.ContainsRune("!#$%&'*+-/=?^_`{|}~.", r) {
			return false
		}
	}
	labels := 0
	for label := range strings.SplitSeq(domain, ".") {
		if label == "" || len(label) > 63 || label[0] == '-' || label[len(label)-1] == '-' {
			return false
		}
		for _, r := range label {
			if !letterOrDigit(r) && r != '-' {
				return false
			}
		}
		labels++
	}
	return labels > 1
}

// letterOrDigit takes every visible character beyond ASCII as a letter.
func letterOrDigit(r rune) bool {
	if r < 0x80 {
		return r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9'
	}
	return !invisible(r) && !strings.ContainsRune("\u00A0\u1680\u2007\u202F\u205F\u3000\uFFFD", r) && (r < 0x2000 || r > 0x200A)
}

// oneOf allows the values of a list, as they are written there (R24).
func oneOf(allowed []string) form {
	wrong := &flaw{code: "E122", text: "not one of " + list(allowed)}
	return func(s string) (string, *flaw) {
		if !slices.Contains(allowed, s) {
			return "", wrong
		}
		return s, nil
	}
}

// country raises lower case and knows the one code that everybody gets wrong (R20).
func country() form {
	kingdom := &flaw{code: "E133", text: "not a country of ISO 3166-1", fix: "did you mean GB?"} // a text of its own, for a report tells one fix for each text
	unknown := &flaw{code: "E133"}
	return func(s string) (string, *flaw) {
		code := strings.ToUpper(s)
		switch {
		case isCountry(code):
			return code, nil
		case code == "UK":
			return "", kingdom
		}
		return "", unknown
	}
}

// maxMemo bounds what a memo remembers; what does not fit is looked up each time.
const maxMemo = 1000

// A memo remembers the answers of a lookup that is slow and rarely new. It may
// be asked by several goroutines.
type memo struct {
	look  func(string) (string, bool)
	wrong *flaw

	mu    sync.Mutex
	known map[string]string // "" is an answer too: no
}

func newMemo(look func(string) (string, bool), wrong *flaw) *memo {
	return &memo{look: look, wrong: wrong, known: map[string]string{}}
}

func (m *memo) form(s string) (string, *flaw) {
	if len(s) > 64 {
		return "", m.wrong
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	v, ok := m.known[s]
	if !ok {
		v, _ = m.look(s)
		if len(m.known) < maxMemo {
			m.known[strings.Clone(s)] = v
		}
	}
	if v == "" {
		return "", m.wrong
	}
	return v, nil
}

// canonicalLanguage is the BCP 47 form of a known language: en_us and en-US
// are both en-US, and iw is he.
func canonicalLanguage(s string) (string, bool) {
	tag, err := language.Parse(s)
	if err != nil {
		return "", false
	}
	if base, _, _ := tag.Raw(); base.String() == "und" {
		return "", false
	}
	return tag.String(), true
}

// knownZone takes a name of the IANA list, and nothing else that a machine
// may keep beside it.
func knownZone(s string) (string, bool) {
	for i := range len(s) {
		c := s[i]
		if c < '0' && c != '+' && c != '-' && c != '/' || c > '9' && c < 'A' || c > 'Z' && c != '_' && c < 'a' || c > 'z' {
			return "", false
		}
	}
	if s == "" || s == "Local" || s == "localtime" || s == "posixrules" || s == "Factory" ||
		strings.HasPrefix(s, "/") || strings.HasPrefix(s, "posix/") || strings.HasPrefix(s, "right/") {
		return "", false
	}
	if _, err := time.LoadLocation(s); err != nil {
		return "", false
	}
	return s, true
}

// check brings a value that the profile itself writes into its normal form.
func check(f form, s string) error {
	if f == nil || s == "" {
		return nil
	}
	_, wrong := f(s)
	if wrong == nil {
		return nil
	}
	p := roster.Problem{Code: wrong.code, Text: wrong.text, Fix: wrong.fix}
	if wrong.fix != "" {
		return fmt.Errorf("%s; %s", p.Message(), wrong.fix)
	}
	return errors.New(p.Message())
}
