package config

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

func TestWhatIsSaidOfPasswordsIsChecked(t *testing.T) {
	for text, want := range map[string]string{
		"policy: {passwords: maybe}":                            `policy.passwords: "maybe" is not allowed`,
		"policy: {force_change: strong}":                        `policy.force_change: "strong" is not allowed`,
		"policy: {weak: maybe}":                                 `policy.weak: "maybe" is not allowed`,
		"policy: {max_welcome: -1}":                             "policy.max_welcome: -1 is negative",
		"policy: {generate_password: on}":                       "nobody gets a password: the site has no mail.server",
		"map: {employee_id: a}\npolicy: {weak: reject}":         "policy.weak has no effect: map does not say where passwords come from",
		"map: {password: {const: Welcome1}}":                    "a password that everybody gets stands in clear in this file",
		"map: {password: {from: p, default: Welcome1}}":         "a password that everybody gets stands in clear in this file",
		"map: {password: {from: p, transform: [lower]}}":        "a password is used as it stands in its column, and has no transform:",
		"map: {password: {template: \"{a}\"}}":                  "a password is used as it stands in its column, and has no template:",
		"map: {employee_id: a, password: {default: changeme}}":  "",
		"map: {employee_id: a, password: p}":                    "",
		"required: [username, password]":                        "",
		"required: [password]\npolicy: {passwords: ignore}":     "required wants a password in the file, and policy.passwords: ignore uses none",
		"match: {key: password}":                                `"password" is not an account field`,
		"guardrails: {max_field_change: {password: 5%}}":        "",
		"map: {employee_id: a, password: p}\npolicy: {weak: x}": `policy.weak: "x" is not allowed`,
	} {
		_, errs := load(site(t, "", "x.yaml", text+"\n"), now, nil)
		about := slices.DeleteFunc(slices.Clone(errs), func(e Error) bool {
			return !strings.Contains(e.Text, "password") && !strings.Contains(e.Text, "policy.")
		})
		if want == "" && len(about) > 0 || want != "" && !strings.Contains(about.Error(), want) {
			t.Errorf("%s:\ngot  %v\nwant %q", text, about, want)
		}
		if strings.Contains(errs.Error(), "Welcome1") {
			t.Errorf("%s: the password is in the message", text)
		}
	}
	if _, errs := load(site(t, "authority: {password: [x]}\n", "x.yaml", small), now, nil); strings.Contains(errs.Error(), "account field") {
		t.Error(errs)
	}
	_, errs := load(site(t, "accounts: {password_hash: md5, password_policy: {min_length: 100, digits: -1}}\n"), now, nil)
	for _, want := range []string{`accounts.password_hash: "md5" is not allowed`, "100 is not a number from 0 to 64", "-1 is not a number from 0 to 16"} {
		if !strings.Contains(errs.Error(), want) {
			t.Errorf("got %v, want %q", errs, want)
		}
	}
}

func TestTheTextsOfWelcomeMailsAreRead(t *testing.T) {
	path := site(t, "")
	dir := filepath.Join(filepath.Dir(path), welcomeDir)
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	write := func(name, text string) {
		t.Helper()
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	const good = "Subject: Konto\n\n  {password}\n"
	write("de.txt", good)
	write("pt-BR.txt", good)
	write(".de.txt.swp", "x")
	s, errs := load(path, now, nil)
	if len(errs) > 0 || len(s.Welcome) != 2 || s.Welcome["pt-br"] == nil {
		t.Fatalf("%v, %v", s.Welcome, errs)
	}
	write("README.md", "x")
	write("german.txt", good)
	write("DE.txt", good)
	write("fr.txt", "Subject: x\n\nBonjour\n")
	write("it.txt", "Subject: x\n\n"+strings.Repeat("x", 70_000)+"{password}")
	_, errs = load(path, now, nil)
	for _, want := range []string{
		"README.md: warning: is ignored", "german.txt: error: is called by no language", "is a second text in one language",
		"fr.txt:3:1: error: {password} is missing", "it.txt:1:1: error: longer than 65536 bytes",
	} {
		if !strings.Contains(errs.Error(), want) {
			t.Errorf("got %v\nwant %q", errs, want)
		}
	}
}
