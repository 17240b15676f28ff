package config

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"rollcall/internal/report"
	"rollcall/internal/roster"
)

// welcomeDir is the folder beside rollcall.yaml that holds a site's own texts of
// welcome mails, each in a file called by its language: de.txt, pt-BR.txt.
const welcomeDir = "welcome.d"

// maxWelcomes bounds them.
const maxWelcomes = 200

var languageName = regexp.MustCompile(`^[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8}){0,3}$`)

// readWelcomes reads the texts; dir is the folder of rollcall.yaml as it was typed.
func (s *Site) readWelcomes(dir string) (found Errors) {
	entries, err := os.ReadDir(filepath.Join(s.Dir, welcomeDir))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return missing(filepath.Join(dir, welcomeDir), plainCause(err).Error(), "it holds the texts of welcome mails")
	}
	s.Welcome = report.Welcomes{}
	for _, e := range entries {
		name, ours := strings.CutSuffix(e.Name(), ".txt")
		file := filepath.Join(dir, welcomeDir, e.Name())
		tag := strings.ToLower(name)
		switch {
		case strings.HasPrefix(e.Name(), "."):
			continue
		case !ours:
			found = append(found, Error{File: file, Severity: roster.SeverityWarning, Code: codeFile, Text: "is ignored", Hint: "the text of a welcome mail is called by its language, like de.txt"})
			continue
		case !languageName.MatchString(name):
			found = append(found, missing(file, "is called by no language", "write it like de.txt or pt-BR.txt")...)
			continue
		case s.Welcome[tag] != nil:
			found = append(found, missing(file, "is a second text in one language", "keep one of them")...)
			continue
		case len(s.Welcome) == maxWelcomes:
			return append(found, missing(file, fmt.Sprintf("more than %d texts", maxWelcomes), "remove some")...)
		}
		text, err := readText(filepath.Join(s.Dir, welcomeDir, e.Name()))
		if err != nil {
			found = append(found, missing(file, plainCause(err).Error(), "")...)
			continue
		}
		w, err := report.ParseWelcome(text)
		if err != nil {
			one := Error{File: file, Severity: roster.SeverityError, Code: codeValue, Text: err.Error()}
			if fault := new(report.TextFault); errors.As(err, &fault) {
				one.Line, one.Col, one.Text, one.Hint = fault.Line, 1, fault.Text, fault.Hint
			}
			found = append(found, one)
			continue
		}
		s.Welcome[tag] = w
	}
	return found
}

// readText reads a file, and no more of it than a text may have, and a byte.
func readText(path string) (string, error) {
	if err := ordinary(path); err != nil {
		return "", err
	}
	f, err := os.Open(path)
	if err != nil {
		return "", err
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, report.MaxWelcomeText+1))
	return string(text), err
}

// checkPasswords looks at what the policy of passwords needs elsewhere.
func (s *Site) checkPasswords(p *Profile, d *document) {
	pol := p.Policy
	if pol.MaxWelcome < 0 {
		d.fault("policy.max_welcome", codeValue, fmt.Sprintf("policy.max_welcome: %d is negative", pol.MaxWelcome), "write 0, so that every one waits for rollcall outbox release, or more")
	}
	if pol.GeneratePassword && s.Mail.Server == "" {
		d.warn("policy.generate_password", codeUseless, "nobody gets a password: the site has no mail.server", "write mail: {server: …, from: …} in rollcall.yaml", true)
	}
	if pol.Passwords == "ignore" && slices.Contains(p.Required, roster.PasswordField) {
		d.fault("required", codeValue, "required wants a password in the file, and policy.passwords: ignore uses none", "take password out of required, or write  passwords: add")
	}
	if _, given := p.Map["password"]; len(p.Map) > 0 && !given && !d.failed["map"] {
		for _, key := range []string{"policy.passwords", "policy.weak", "policy.force_change"} {
			if d.has(key) && !(key == "policy.force_change" && pol.ForceChange == "none") && !(key == "policy.weak" && pol.Weak == "accept") && !(key == "policy.passwords" && pol.Passwords == "add") {
				d.warn(key, codeUseless, key+" has no effect: map does not say where passwords come from", "add  password: COLUMN  to map", false)
			}
		}
	}
}
