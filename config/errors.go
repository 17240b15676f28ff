package config

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"rollcall/internal/roster"
)

// An Error is one thing wrong with one file of the configuration.
type Error struct {
	File     string
	Line     int // counted from 1; zero where the whole file is meant
	Col      int // in characters, counted from 1
	Severity roster.Severity
	Code     string // of [Codes]
	Text     string // what is wrong
	Hint     string // what to write instead; may be ""
	Source   string // the line as written; "" where it may hold a secret
	Width    int    // how many characters from Col on are meant
}

// Error is the first line of what [Errors] prints.
func (e Error) Error() string {
	at := e.File
	if e.Line > 0 {
		at = fmt.Sprintf("%s:%d:%d", e.File, e.Line, e.Col)
	}
	return fmt.Sprintf("%s: %s: %s [%s]", at, e.Severity, e.Text, e.Code)
}

// String is the message with the source line, a caret and the hint below it.
func (e Error) String() string {
	var b strings.Builder
	b.WriteString(e.Error())
	const gutter = "\n     | "
	switch {
	case e.Source != "":
		line, before := excerpt(e.Source, e.Col)
		fmt.Fprintf(&b, "\n%4d | %s%s%s%s", e.Line, line, gutter, before, strings.Repeat("^", max(e.Width, 1)))
		if e.Hint != "" {
			b.WriteString(" " + e.Hint)
		}
	case e.Hint != "":
		b.WriteString(gutter + e.Hint)
	}
	return b.String()
}

// widest is how much of a source line is shown.
const widest = 120

// excerpt cuts a long line to the part around col and gives the blank space
// that puts a caret under col.
func excerpt(line string, col int) (shown, before string) {
	rs := []rune(line)
	col = min(max(col-1, 0), len(rs))
	if len(rs) > widest {
		from := max(0, min(col-widest/2, len(rs)-widest))
		rs = rs[from : from+widest]
		col -= from
	}
	blank := slices.Clone(rs[:col])
	for i, r := range blank {
		if r != '\t' {
			blank[i] = ' '
		}
	}
	for i, r := range rs {
		if r < ' ' && r != '\t' || r == 0x7f {
			rs[i] = '.'
		}
	}
	return string(rs), string(blank)
}

// Errors is everything that is wrong with a configuration, warnings included:
// by file in the order of reading, then by line.
type Errors []Error

// Error prints everything, each with its source line and a caret.
func (es Errors) Error() string {
	all := make([]string, len(es))
	for i, e := range es {
		all[i] = e.String()
	}
	return strings.Join(all, "\n")
}

// Failed tells whether any of es is an error, not only a warning.
func (es Errors) Failed() bool {
	return slices.ContainsFunc(es, func(e Error) bool { return e.Severity == roster.SeverityError })
}

// Summary counts: "4 errors, 1 warning in 3 profiles".
func (es Errors) Summary(profiles int) string {
	var errs, warnings int
	for _, e := range es {
		if e.Severity == roster.SeverityError {
			errs++
		} else {
			warnings++
		}
	}
	return fmt.Sprintf("%s, %s in %s", count(errs, "error"), count(warnings, "warning"), count(profiles, "profile"))
}

func count(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}

// sorted puts the errors of one file in the order of its lines.
func (es Errors) sorted() Errors {
	slices.SortStableFunc(es, func(a, b Error) int {
		return cmp.Or(cmp.Compare(a.Line, b.Line), cmp.Compare(a.Col, b.Col))
	})
	return es
}

// Codes are the configuration's codes: what each means, more than its message
// can say, and what to do about it.
var Codes = map[string]struct{ Text, Help, Fix string }{
	codeFile:     {"the file cannot be read", "rollcall.yaml and every file of profiles.d must be there, be an ordinary file of at most 1 MiB, and have a proper name.", "see that the file is where the message says, belongs to you, and is called like the profile: a-z, 0-9 and dashes, then .yaml"},
	codeUnknown:  {"unknown key", "Every key is checked: a misspelt key would otherwise be a setting that quietly does nothing.", "write the key that the message suggests, or remove it; rollcall help profile and rollcall help config show them all"},
	codeType:     {"a value of the wrong kind", "Texts, numbers, on/off, durations like 15m and 90d, sizes like 512MB, lists and blocks are told apart.", "write the value in the form that the message names"},
	codeTwice:    {"the same key twice", "Only one of them could count, and nobody could see which.", "keep one of the two lines"},
	codeSyntax:   {"not valid YAML", "Indent with spaces, quote texts with special characters, keep one document in one file.", "correct the line that the message shows; a text with a colon and a blank, or that begins with one of * & ! % @ [ {, stands in quotes"},
	codeNotBuilt: {"not built yet", "The key is part of the contract and this version of rollcall cannot do it. It is refused, so that nobody believes that it works.", "remove the key until a version of rollcall has it"},
	codeSecret:   {"a secret in clear", "Secrets are named by their place: {file: PATH}, {env: NAME} or {credential: NAME}. A secret that stood in a file should be changed.", "put the secret into a file that only its reader may open, name the file, and change the secret: it has been seen"},
	codeNoSecret: {"a secret that cannot be used", "The file, variable or credential that a key names is missing, is empty, or can be read by others. rollcall validate looks for it, without reading it; a run without it asks no server and exits with 15. The check sees what the user who types it sees: a credential exists only inside the service.", "write the secret into the file that the message names and chmod 600 it, or set the variable or credential for the service"},
	codeValue:    {"a value that is not allowed", "The message lists what is allowed.", "write one of the values that the message names"},
	codeMissing:  {"a key is missing", "The key has no default, because no default would be safe.", "add the key; rollcall help profile shows it with an example"},
	codeFull:     {"a policy that needs content: full", "In a delta nobody is absent (R62).", "write  content: full  if the drop lists everybody, else remove the key"},
	codeSwitch:   {"a policy against its own switch", "delete: off and suspend: off forbid what the other key asks for (R65).", "switch on what the key needs, or remove the key"},
	codeUnmapped: {"a field that the map does not fill", "With a map of your own, only the fields in it are filled.", "add the field and its column to map:, or leave the key out that names it"},
	codeCatalog:  {"catalog.yaml and what was imported contradict each other", "The catalog is what catalog.yaml lists and what rollcall catalog import has read, together. Where both speak of one thing they must say the same; until then no run uses either.", "correct catalog.yaml, or import the list again: rollcall catalog import --replace FILE"},
	codeDaylight: {"a time that a change of clocks skips or repeats", "A run planned for that hour is skipped once a year and runs twice once a year.", "choose a time of day that every day has once, such as 05:30"},
	codeNobody:   {"a name that nothing bears", "authority orders the profiles of this site by name.", "correct the name, or remove it"},
	codeUseless:  {"a setting without effect", "Something else that it needs is not configured.", "add what the message says is lacking, or remove the key"},
}

const (
	codeFile     = "C100"
	codeUnknown  = "C101"
	codeType     = "C102"
	codeTwice    = "C103"
	codeSyntax   = "C104"
	codeNotBuilt = "C105"
	codeSecret   = "C106"
	codeNoSecret = "C107"
	codeValue    = "C110"
	codeMissing  = "C111"
	codeFull     = "C210"
	codeSwitch   = "C211"
	codeUnmapped = "C212"
	codeCatalog  = "C213" // of catalog.Unite
	codeDaylight = "C305"
	codeNobody   = "C306"
	codeUseless  = "C307"
)
