package main

import (
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
