package main

import (
	"fmt"
	"maps"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"rollcall/internal/format"
)

// profileText is a commented profile: what was found, and why each guess was made.
func profileText(name, file string, s format.Sniffed, g *guesses) string {
	var b strings.Builder
	line := func(text, comment string) {
		if comment != "" {
			text = padded(text, 44) + " # " + comment
		}
		b.WriteString(strings.TrimRight(text, " ") + "\n")
	}
	line("# Written by rollcall init from "+strconv.Quote(filepath.Base(file))+". Every guess says why it was made: read them", "")
	line("# once, and mend what is wrong. Nothing changes before a person has seen the first plan.", "")
	line("version: 1", "")
	line("description: "+name, "shown in reports")
	line(`# schedule: "30 5 * * *"`, "without it the profile runs only by hand")
	line("", "")
	line("source:", "where the drops come from; for a server: type: sftp, host, user, key, host_keys, path")
	line("  type: dir", "")
	glob := globAfter(filepath.Base(file))
	which := "folder and glob; the newest file is read"
	if glob == filepath.Base(file) {
		which = "this one name; where new files have others write a glob, like " + widerGlob(glob)
	}
	line("  path: "+scalar(filepath.Join(filepath.Dir(file), glob)), which)
	line("  settle: 2m", "a file is read once its size and time have stood still that long")
	line("", "")
	line("format:", "")
	if s.Type == "xml" {
		line("  type: xml", "")
		line("  record: "+s.Record, "the elements that are people; map: names what is in them: rollcall help profile")
		if len(s.Namespaces) > 0 {
			var pairs []string
			for _, prefix := range slices.Sorted(maps.Keys(s.Namespaces)) {
				pairs = append(pairs, prefix+": "+strconv.Quote(s.Namespaces[prefix]))
			}
			line("  namespaces: {"+strings.Join(pairs, ", ")+"}", "of the prefixes in record and map")
		}
	} else {
		line("  type: csv", "")
		line("  delimiter: "+strconv.Quote(s.Delimiter), "found in the sample")
	}
	if s.Quote != "" {
		line("  quote: "+strconv.Quote(s.Quote), "found in the sample")
	}
	if s.Guessed {
		line("  encoding: "+s.Encoding, "guessed: look whether names with accents are right")
	} else {
		line("  # encoding: "+s.Encoding, "found in the sample; a file without a byte-order mark is read as UTF-8, and one that is not is refused")
	}
	if s.NoHeader {
		line("  header: 0", "the first row looks like a person")
		line("  columns: ["+strings.Join(scalars(s.Header), ", ")+"]", "give them better names")
	}
	line("  content: full", "each file lists everybody; delta: only changes are listed")
	line("", "")
	line("match: {key: "+g.key+"}", "what says who somebody is")
	if len(g.alone) > 0 {
		line("# every value is somebody's own in "+strings.Join(scalars(g.alone), ", ")+" too", "")
	}
	if missing := g.missing(); len(missing) > 0 {
		line("required: ["+strings.Join(g.required(), ", ")+"]", "of a new account; in the sample there is no "+strings.Join(missing, ", no "))
	}
	line("", "")
	line("map:", "account field: column")
	if g.of("username") == nil {
		x := usernameLine(g)
		line("  "+x.text, x.why)
	}
	for _, x := range g.found {
		value := scalar(x.column)
		if x.date != "" {
			value = fmt.Sprintf("{from: %s, date: %q}", value, x.date)
			if x.field == "expires_on" {
				value = strings.TrimSuffix(value, "}") + ", blank: clear}"
			}
		}
		line("  "+x.field+": "+value, joined(x.why, x.ask))
	}
	for _, x := range g.undated {
		line("  # "+x.field+": {from: "+scalar(x.column)+", date: DD.MM.YYYY}", "by its name; say how its dates are written")
	}
	if g.status != nil {
		line("  # status: {from: "+scalar(g.status.column)+", values: {"+g.stateTable()+"}}", "say what its words mean: active, leave, leaver, suspended")
	}
	for _, column := range g.unused {
		line("  # FIELD: "+scalar(column), "not used")
	}
	for _, column := range s.Several {
		line("  # FIELD: "+scalar(column), "not used: a person has several; one of them by an attribute, like "+column+"[@type='work'], or have HR send one")
	}
	line("", "")
	line("policy:", "")
	line("  missing: keep", "who is not in the file is only reported; suspend, once you trust the feed")
	line("  # delete: on", "whom a row asks to delete (deleted 1) is else only reported, and keeps access")
	line("", "")
	line("# guardrails: {max_removals: 5%}", "the default; the first run waits for a person: rollcall held")
	return b.String()
}

// stateTable are the words of the status column with what they may mean.
func (g *guesses) stateTable() string {
	var pairs []string
	for _, word := range g.states {
		if len(word) <= 20 {
			pairs = append(pairs, scalar(word)+": "+scalar(stateMeant(word)))
		}
	}
	if len(pairs) == 0 {
		return "A: active, L: leave, T: leaver"
	}
	return strings.Join(pairs, ", ")
}

// A made username is a line of map: and why it is such.
type madeUsername struct{ text, why string }

// usernameLine makes a username of what there is.
func usernameLine(g *guesses) madeUsername {
	email := g.of("email")
	switch {
	case g.of("first_name") != nil && g.of("last_name") != nil:
		return madeUsername{`username: {template: "%-1f%-l", transform: [ascii], on_taken: number}`, "the sample has none: made of the names in ASCII letters (Zoë Müller: zmuller), once"}
	case email != nil:
		return madeUsername{"username: " + scalar(email.column), "the sample has none: the address serves as one"}
	}
	return madeUsername{"username: " + scalar(g.of(g.key).column), "the sample has none, and no names to make one of"}
}

// required are the fields of a new account that the sample can fill.
func (g *guesses) required() []string {
	var list []string
	for _, f := range []string{"username", "first_name", "last_name", "email"} {
		if !slices.Contains(g.missing(), f) {
			list = append(list, f)
		}
	}
	return list
}

// missing are those that it cannot.
func (g *guesses) missing() []string {
	var list []string
	for _, f := range []string{"first_name", "last_name", "email"} {
		if g.of(f) == nil {
			list = append(list, f)
		}
	}
	return list
}

var (
	plainScalar = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9_]*$`)
	anyDigits   = regexp.MustCompile(`[0-9]+`)
	longDigits  = regexp.MustCompile(`[0-9]{4,}([-_.]?[0-9]{2,})*`)
	yamlWords   = []string{"y", "n", "yes", "no", "on", "off", "true", "false", "null"}
)

// scalar writes a text so that YAML reads it back as that text.
func scalar(s string) string {
	if plainScalar.MatchString(s) && !slices.Contains(yamlWords, strings.ToLower(s)) {
		return s
	}
	return strconv.Quote(s)
}

func scalars(list []string) []string {
	out := make([]string, len(list))
	for i, s := range list {
		out[i] = scalar(s)
	}
	return out
}

// globAfter is a glob for files like that one: its date becomes a star.
func globAfter(base string) string {
	if strings.ContainsAny(base, `*?[\`) {
		return "*" + filepath.Ext(base)
	}
	return longDigits.ReplaceAllString(base, "*")
}

// widerGlob is a glob for a name that has no date: its last number becomes a
// star, or one stands before its suffix.
func widerGlob(base string) string {
	if at := anyDigits.FindAllStringIndex(base, -1); len(at) > 0 {
		last := at[len(at)-1]
		return base[:last[0]] + "*" + base[last[1]:]
	}
	stem, suffix, _ := strings.Cut(base, ".")
	if suffix != "" {
		suffix = "." + suffix
	}
	return stem + "*" + suffix
}
