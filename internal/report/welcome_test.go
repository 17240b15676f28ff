package report

import (
	"strings"
	"testing"

	"rollcall/internal/journal"
	"rollcall/internal/plan"
	"rollcall/internal/roster"
)

func ada() *roster.Account {
	a := &roster.Account{}
	a.Values[roster.FirstName], a.Values[roster.Username], a.Values[roster.Email] = "Ada\nBcc: x@example.org", "ada", "ada@example.org"
	return a
}

func TestTheBuiltInWelcomeMailSaysWhatIsNeeded(t *testing.T) {
	m := Welcomes(nil).For("xx", "").Mail(ada(), "gR4k-wn7T", "id@example.org")
	for _, want := range []string{"    username   ada\n", "    password   gR4k-wn7T\n"} {
		if !strings.Contains(m.Text, want) {
			t.Errorf("the mail lacks %q:\n%s", want, m.Text)
		}
	}
	for _, wrong := range []string{"account has been made", "new account"} { // a reset sends the same
		if strings.Contains(m.Subject+m.Text, wrong) {
			t.Errorf("the mail tells somebody who has had an account for years of %q", wrong)
		}
	}
	if strings.Contains(m.Subject, "gR4k") || m.To[0] != "ada@example.org" || m.ID != "id@example.org" {
		t.Errorf("%+v", m)
	}
	if strings.Contains(m.Text, "\nBcc") {
		t.Error("a name breaks a line")
	}
}

func TestAWelcomeMailIsInThePersonsLanguage(t *testing.T) {
	all := Welcomes{}
	for _, tag := range []string{"de", "pt-br"} {
		w, err := ParseWelcome("Subject: " + tag + "\r\n\r\n{password}\r\n")
		if err != nil {
			t.Fatal(err)
		}
		all[tag] = w
	}
	for language, want := range map[string]string{"de-AT": "de", "de_CH": "de", "DE": "de", "pt-BR": "pt-br", "pt": "Your account: a new password", "": "Your account: a new password"} {
		if got := all.For(language, "en").Mail(ada(), "x", "").Subject; got != want {
			t.Errorf("in %q the subject is %q, want %q", language, got, want)
		}
	}
	if got := all.For("fr", "de").Mail(ada(), "x", "").Subject; got != "de" {
		t.Errorf("the site's language gives %q", got)
	}
}

func TestATextThatCannotBeMeantIsRefused(t *testing.T) {
	long := "Subject: " + strings.Repeat("x", 201)
	for text, want := range map[string]string{
		"":                                     "line 1: the first line is no subject",
		"Hello\n\n{password}":                  "line 1: the first line is no subject",
		"Subject: x\nHello\n\n{password}":      "line 2: the line behind the subject is not empty",
		"Subject: {password}\n\n{password}":    "line 1: {password} stands in the subject",
		"Subject: x\n\nHello {first_name}":     "line 3: {password} is missing",
		"Subject: x\n\n{password}\n{passwort}": "line 4: {passwort} is no place",
		"Subject: x\n\n{password\n}":           "line 3: a { without its }",
		"Subject: x\n\n{password}\a":           "line 1: a control character",
		"Subject: x\n\n{password}\xff":         "line 1: not UTF-8",
		long + "\n\n{password}":                "line 1: a subject of more than 200",
	} {
		if _, err := ParseWelcome(text); err == nil || !strings.HasPrefix(err.Error(), want) {
			t.Errorf("%.40q: got %v, want %q", text, err, want)
		}
	}
}

func TestAReportTellsOfAPasswordInWords(t *testing.T) {
	set, other := "set 2026-11-25T05:00:00.000000Z", "set 2026-11-26T05:00:00.000000Z"
	for _, tt := range [][4]string{
		{"", set, "", "set"},
		{"", set + " change", "", "set, to be changed"},
		{"", "awaited", "", "to be made"},
		{"awaited", set, "to be made", "set"},
		{set, other, "set", "set anew"},
		{set, other + " change", "set", "set anew, to be changed"},
		{set, set + " change", "set", "set, to be changed"},
		{set, "", "set", ""},
	} {
		if old, now := passwordWords(tt[0], tt[1]); old != tt[2] || now != tt[3] {
			t.Errorf("%q → %q is told as %q → %q, want %q → %q", tt[0], tt[1], old, now, tt[2], tt[3])
		}
	}
}

func TestAHiddenPasswordIsStillToldInWords(t *testing.T) {
	hidden := roster.Hidden{"password": true, "title": true}
	o := Masked(journal.Outcome{Change: plan.Change{Action: plan.Add, Fields: []plan.FieldChange{
		{Field: roster.PasswordField, Name: "password", New: "awaited"},
		{Field: roster.Title, Name: "title", New: "Prof"},
	}}}, hidden)
	var b strings.Builder
	if _, err := ChangesText(&b, func(yield func(journal.Outcome, error) bool) { yield(o, nil) }); err != nil {
		t.Fatal(err)
	}
	if got := b.String(); !strings.Contains(got, "password  to be made\n") || strings.Contains(got, "Prof") {
		t.Errorf("it is told as\n%s", got)
	}
}
