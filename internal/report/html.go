package report

import (
	"bytes"
	_ "embed"
	"fmt"
	"html/template"
	"strings"
	"unicode/utf8"
)

//go:embed mail.html.tmpl
var mailTemplate string

// colours of the tones in a mail, on a light card; the dark ones are in its style.
var colours = map[string]string{"good": "#1a6b3c", "mind": "#855700", "bad": "#b3261e"}

// helpers are what both templates call. A short word of a command is never broken,
// as a browser would after a hyphen.
var helpers = template.FuncMap{
	"add":   func(a, b int) int { return a + b },
	"words": strings.Fields,
	"short": func(s string) bool { return len(s) < 24 },
	"places": func(t told) string {
		if t.Each != nil {
			return ""
		}
		return placesOf(t.Group, maxExamples)
	},
}

var mailPage = template.Must(template.New("mail").Funcs(helpers).Parse(mailTemplate))

// A mailPart is a part with what its look depends on.
type mailPart struct {
	part
	Tone, Color string
}

// Table tells whether the title stands in a caption.
func (m mailPart) Table() bool {
	return m.Facts != nil || m.Findings != nil || m.Ledger != nil || m.Problems != nil
}

// mailHTML writes a letter as a page that mail readers understand: one column,
// tables, inline styles, no picture and nothing from elsewhere.
func mailHTML(l letter) string {
	data := struct {
		letter
		Tag, Color, Preheader, Padding string
		Parts                          []mailPart
	}{letter: l, Tag: tag, Color: colours[l.Tone], Preheader: l.preheader()}
	data.Padding = strings.Repeat("\u00a0\u200c", max(0, maxPreheader-utf8.RuneCountInString(data.Preheader)))
	for _, p := range l.Parts {
		data.Parts = append(data.Parts, mailPart{p, l.Tone, data.Color})
	}
	var b bytes.Buffer
	if err := mailPage.ExecuteTemplate(&b, "mail", data); err != nil {
		panic(fmt.Sprintf("report: the mail's template: %v", err)) // a buffer takes everything, and the template is ours
	}
	return b.String()
}

// maxPreheader is what a list of mails shows beside the subject; what is shorter
// is filled up, or the table's first words would stand there.
const maxPreheader = 90

// preheader is the second half of the first sentences: what the subject does not
// say already.
func (l letter) preheader() string {
	text := strings.Join(l.Lead, " ")
	if _, rest, ok := strings.Cut(text, ". "); ok && rest != "" {
		text = rest
	}
	return cut(text, maxPreheader)
}
