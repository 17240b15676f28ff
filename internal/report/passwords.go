package report

import (
	"fmt"
	"strconv"
	"strings"

	"rollcall/internal/plan"
	"rollcall/internal/roster"
)

// words are a field before and after, as a report tells it.
func words(f *plan.FieldChange) (old, now string) {
	if f.Field == roster.PasswordField {
		return passwordWords(f.Old, f.New)
	}
	return f.Old, f.New
}

// passwordWords are what a change does to a password, in the words of a report:
// of the password itself there is nothing to show.
func passwordWords(old, now string) (string, string) {
	before, after := roster.ReadPasswordState(old), roster.ReadPasswordState(now)
	word := func(s roster.PasswordState, set string) string {
		switch {
		case s.Awaited:
			return "to be made"
		case s.Since == "":
			return ""
		case s.Change:
			return set + ", to be changed"
		}
		return set
	}
	anew := "set"
	if before.Since != "" && after.Since != "" && before.Since != after.Since {
		anew = "set anew"
	}
	return word(before, "set"), word(after, anew)
}

// Said is a value of a field as a text tells it: quoted, and of a password what
// became of it, in words.
func Said(field, value string) string {
	switch {
	case field != roster.PasswordField.String():
		return strconv.Quote(value)
	case value == "":
		return "none"
	}
	return value
}

// passwords are sentences on the passwords and the welcome mails of a run.
func (p *page) passwords() []string {
	n, applied := p.d.facts.Passwords, p.d.Run.Status.Applied()
	if n == (plan.PasswordFacts{}) {
		return nil
	}
	var said, all []string
	if n.Given > 0 {
		text := number(n.Given) + " set as the file says"
		if n.Weak > 0 {
			text += fmt.Sprintf(" (%s weak)", number(n.Weak))
		}
		said = append(said, text)
	}
	if n.ToGenerate > 0 {
		said = append(said, number(n.ToGenerate)+" made when the welcome mail is sent")
	}
	if n.Removed > 0 {
		said = append(said, number(n.Removed)+" removed, for others know it now")
	}
	if len(said) > 0 {
		all = append(all, "Passwords: "+strings.Join(said, ", "))
	}
	said = nil
	if n.Welcome > 0 {
		verb := "would be written to"
		if applied {
			verb = "to be written to"
		}
		said = append(said, people(n.Welcome)+" "+verb)
	}
	if n.Later > 0 {
		said = append(said, people(n.Later)+" once they are active")
	}
	if n.NoAddress > 0 {
		said = append(said, people(n.NoAddress)+" without an address, to whom nobody can write: give them one in HR")
	}
	if len(said) > 0 {
		all = append(all, "Welcome mails: "+strings.Join(said, ", "))
	}
	if n.Waits && !applied { // once they do, the headline says so
		all = append(all, "So many welcome mails would wait for a person: rollcall outbox release")
	}
	return all
}
