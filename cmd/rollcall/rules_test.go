package main

import (
	"bytes"
	"regexp"
	"strings"
	"testing"

	"rollcall/config"
	"rollcall/internal/roster"
)

func TestEveryRuleThatACodeNamesHasALine(t *testing.T) {
	for code, c := range roster.Codes {
		for _, r := range rule.FindAllString(c.Help, -1) {
			if ruleOf(r) == "" {
				t.Errorf("%s names %s, and rollcall help %s has nothing", code, r, r)
			}
		}
	}
	for code, c := range config.Codes {
		for _, r := range rule.FindAllString(c.Help, -1) {
			if ruleOf(r) == "" {
				t.Errorf("%s names %s, and rollcall help %s has nothing", code, r, r)
			}
		}
	}
}

// Of what is wrong with a row (E1xx to E3xx) a person asks rollcall help.
func TestEveryCodeHasAPageThatSaysWhatToDo(t *testing.T) {
	aboutRow := regexp.MustCompile(`^E[123]`)
	for code, c := range roster.Codes {
		var out, errs bytes.Buffer
		if exit := program([]string{"help", strings.ToLower(code)}, strings.NewReader(""), &out, &errs); exit != 0 {
			t.Errorf("rollcall help %s exits with %d: %s", code, exit, &errs)
			continue
		}
		page := out.String()
		for _, want := range []string{code + "  " + c.Text, c.Help, "Fix: "} {
			if !strings.Contains(page, want) {
				t.Errorf("rollcall help %s lacks %q:\n%s", code, want, page)
			}
		}
		if c.Help == "" || aboutRow.MatchString(code) && !rule.MatchString(c.Help) {
			t.Errorf("the page of %s names no rule: %q", code, c.Help)
		}
	}
}
