package report

import (
	"cmp"
	_ "embed"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"rollcall/internal/notify"
	"rollcall/internal/roster"
)

// The mail that a new person gets where the site has none of its own.
//
//go:embed welcome.en.txt
var welcomeEnglish string

// MaxWelcomeText is how long the text of a welcome mail may be, in bytes.
const MaxWelcomeText = 64 << 10

// maxWelcomeSubject bounds its subject, in characters.
const maxWelcomeSubject = 200

// A Welcome is the text of the mail that brings somebody a password: a subject
// and paragraphs, with places for what is known of the person.
type Welcome struct {
	subject, body []piece
}

// A piece is words, or a place for a value.
type piece struct {
	words string
	place string // "" for words
}

// welcomePlaces are the places that a text may have, and {password}.
var welcomePlaces = map[string]roster.Field{
	"username": roster.Username, "first_name": roster.FirstName, "last_name": roster.LastName, "email": roster.Email,
	"employee_id": roster.EmployeeID, "institution": roster.Institution, "department": roster.Department,
}

const passwordPlace = "password"

// A TextFault is what is wrong with a text that an operator wrote.
type TextFault struct {
	Line int
	Text string
	Hint string
}

func (e *TextFault) Error() string { return fmt.Sprintf("line %d: %s; %s", e.Line, e.Text, e.Hint) }

// ParseWelcome reads a text: "Subject: …", an empty line, and what follows. It
// is strict: a place that does not exist would stand in everybody's mail.
func ParseWelcome(text string) (*Welcome, error) {
	fault := func(line int, text, hint string) (*Welcome, error) {
		return nil, &TextFault{Line: line, Text: text, Hint: hint}
	}
	text = strings.ReplaceAll(strings.TrimPrefix(text, "\ufeff"), "\r\n", "\n")
	switch {
	case len(text) > MaxWelcomeText:
		return fault(1, fmt.Sprintf("longer than %d bytes", MaxWelcomeText), "shorten it")
	case !utf8.ValidString(text):
		return fault(1, "not UTF-8", "save it as UTF-8")
	case strings.ContainsFunc(text, func(r rune) bool { return r < ' ' && r != '\n' && r != '\t' || r == 0x7f }):
		return fault(1, "a control character", "remove it")
	}
	first, rest, _ := strings.Cut(text, "\n")
	subject, ok := strings.CutPrefix(first, "Subject:")
	subject = strings.TrimSpace(subject)
	blank, body, _ := strings.Cut(rest, "\n")
	switch {
	case !ok || subject == "":
		return fault(1, "the first line is no subject", `write "Subject: " and the subject`)
	case utf8.RuneCountInString(subject) > maxWelcomeSubject:
		return fault(1, fmt.Sprintf("a subject of more than %d characters", maxWelcomeSubject), "shorten it")
	case strings.TrimSpace(blank) != "":
		return fault(2, "the line behind the subject is not empty", "leave an empty line")
	}
	var w Welcome
	var err error
	if w.subject, err = pieces(subject, 1); err != nil {
		return nil, err
	}
	if w.body, err = pieces(strings.TrimRight(body, "\n \t")+"\n", 3); err != nil {
		return nil, err
	}
	secret := func(p piece) bool { return p.place == passwordPlace }
	switch {
	case slices.ContainsFunc(w.subject, secret):
		return fault(1, "{password} stands in the subject, which lists and notifications show", "write it below")
	case !slices.ContainsFunc(w.body, secret):
		return fault(3, "{password} is missing", "write it on a line of its own that begins with blanks")
	}
	return &w, nil
}

// pieces cuts a text at its places; at is the line on which it begins.
func pieces(text string, at int) (all []piece, err error) {
	for text != "" {
		words, rest, found := strings.Cut(text, "{")
		all = append(all, piece{words: words})
		at += strings.Count(words, "\n")
		if !found {
			return all, nil
		}
		name, after, closed := strings.Cut(rest, "}")
		_, known := welcomePlaces[name]
		switch {
		case !closed || strings.ContainsAny(name, "\n{"):
			return nil, &TextFault{Line: at, Text: "a { without its }", Hint: "close it, or leave it out"}
		case !known && name != passwordPlace:
			return nil, &TextFault{Line: at, Text: fmt.Sprintf("{%s} is no place that is known", cut(name, 40)), Hint: "use {username}, {password}, {first_name}, {last_name}, {email}, {employee_id}, {institution} or {department}"}
		}
		all = append(all, piece{place: name})
		text = after
	}
	return all, nil
}

// fill writes a text for a person.
func fill(pieces []piece, a *roster.Account, password roster.Clear) string {
	var b strings.Builder
	for _, p := range pieces {
		switch p.place {
		case "":
			b.WriteString(p.words)
		case passwordPlace:
			b.WriteString(password.Reveal())
		default:
			b.WriteString(clean(a.Values[welcomePlaces[p.place]]))
		}
	}
	return b.String()
}

// Welcomes are a site's texts by language, like "de" or "pt-br", in lower case.
type Welcomes map[string]*Welcome

// For is the text in the language of an account, else in that of the site, else
// the English one: de-AT is looked for as de-AT and as de.
func (all Welcomes) For(language, site string) *Welcome {
	for _, tag := range []string{language, site, "en"} {
		for tag = strings.ToLower(strings.ReplaceAll(tag, "_", "-")); tag != ""; {
			if w := all[tag]; w != nil {
				return w
			}
			shorter := strings.LastIndexByte(tag, '-')
			tag = tag[:max(shorter, 0)]
		}
	}
	w, err := ParseWelcome(welcomeEnglish)
	if err != nil {
		panic(err) // a test reads it
	}
	return w
}

// Mail writes the mail that brings an account its password. The password is in
// the message that is given back and nowhere else.
func (w *Welcome) Mail(a *roster.Account, password roster.Clear, id string) notify.Message {
	return notify.Message{
		ID: id, To: []string{a.Values[roster.Email]},
		Subject: cmp.Or(strings.TrimSpace(fill(w.subject, a, "")), "Your account"),
		Text:    fill(w.body, a, password),
		Headers: map[string]string{"Auto-Submitted": "auto-generated"},
	}
}
