package main

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/alecthomas/kong"

	"rollcall/config"
)

// commandLine is what was typed, as it was meant where no command is named:
// --version is a command, and flags alone ask for help.
func commandLine(args []string) []string {
	if len(words(args)) > 0 {
		return args
	}
	if i := slices.Index(args, "--version"); i >= 0 {
		return slices.Replace(slices.Clone(args), i, i+1, "version")
	}
	return append(slices.Clone(args), "--help")
}

// words are the arguments without the flags that may stand anywhere.
func words(args []string) []string {
	var list []string
	for i := 0; i < len(args); i++ {
		switch {
		case args[i] == "-o", args[i] == "--output", args[i] == "--config":
			i++ // its value
		case !strings.HasPrefix(args[i], "-"):
			list = append(list, args[i])
		}
	}
	return list
}

// usage says what is wrong with a command line, and where its help is.
func usage(err error, args []string) string {
	if meant := meant(args); meant != "" {
		return fmt.Sprintf("rollcall: %v; did you mean rollcall %s?\n", err, meant)
	}
	text, page := err.Error(), ""
	var wrong *kong.ParseError
	if errors.As(err, &wrong) && wrong.Context != nil {
		if meant := verb(wrong.Context.Model.Node, words(args)); meant != "" {
			return fmt.Sprintf("rollcall: %v; did you mean rollcall %s?\n", err, meant)
		}
		for _, step := range wrong.Context.Path {
			if step.Command != nil {
				page += " " + step.Command.Name
			}
		}
		if lacking := lacking(wrong.Context); strings.HasPrefix(text, "missing flags:") && lacking != "" {
			text = lacking
		}
	}
	if page == "" {
		return fmt.Sprintf("rollcall: %s\nrollcall help shows the commands.\n", text)
	}
	return fmt.Sprintf("rollcall: %s\nrollcall help%s shows how it is written.\n", text, page)
}

// lacking says what each flag that was left out is for.
func lacking(ctx *kong.Context) string {
	var all []string
	for _, f := range ctx.Flags() {
		if f.Required && !f.Set {
			first, size := utf8.DecodeRuneInString(f.Help)
			all = append(all, fmt.Sprintf("--%s %s is needed: %c%s", f.Name, f.FormatPlaceHolder(), unicode.ToLower(first), strings.TrimSuffix(f.Help[size:], ".")))
		}
	}
	return strings.Join(all, "; ")
}

// meant is the command that was probably meant, where a run stands in the
// place of a verb: runs last, held show 4, held 4.
func meant(args []string) string {
	w := words(args)
	switch {
	case len(w) == 2 && (w[0] == "runs" || w[0] == "held") && isRun(w[1]):
		return "runs show " + w[1]
	case len(w) == 3 && w[0] == "held" && w[1] == "show":
		return "runs show " + w[2]
	}
	return ""
}

// verb is the command with the verb that was probably meant; "" where the verb
// is one, or is near to none.
func verb(root *kong.Node, w []string) string {
	if len(w) < 2 {
		return ""
	}
	for _, n := range root.Children {
		if n.Name != w[0] {
			continue
		}
		var verbs []string
		for _, v := range n.Children {
			if v.Type == kong.CommandNode && !v.Hidden {
				verbs = append(verbs, v.Name)
			}
		}
		if slices.Contains(verbs, w[1]) {
			return ""
		}
		if meant := config.Nearest(w[1], verbs); meant != "" {
			return strings.Join(append([]string{n.Name, meant}, w[2:]...), " ")
		}
	}
	return ""
}
