package main

import (
	_ "embed"
	"fmt"
	"regexp"
	"strings"
)

// rulesPage is the rules that this version follows: headings, and a line for
// each, with its number in front.
//
//go:embed rules.txt
var rulesPage string

var ruleNumber = regexp.MustCompile(`^R\d+$`)

// ruleOf is the line of a rule; "" where this version has none.
func ruleOf(number string) string {
	for line := range strings.Lines(rulesPage) {
		if strings.HasPrefix(line, number+" ") {
			return strings.TrimSpace(line)
		}
	}
	return ""
}

// rulePage tells a rule; false where name is no rule's.
func (a *app) rulePage(name string) (bool, error) {
	number := strings.ToUpper(name)
	if !ruleNumber.MatchString(number) {
		return false, nil
	}
	line := ruleOf(number)
	if line == "" {
		return true, fmt.Errorf("there is no rule %s in this version; rollcall help rules lists them", number)
	}
	number, text, _ := strings.Cut(line, " ")
	if number == "R21" {
		text += "\n\n" + lengths()
	}
	_, err := fmt.Fprintf(a.stdout, "%s  %s\n", number, text)
	return true, err
}
