package main

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"github.com/alecthomas/kong"

	"rollcall/config"
	"rollcall/internal/roster"
)

// helpCmd is "rollcall help".
type helpCmd struct {
	Topic []string `arg:"" optional:"" help:"A command, a topic, or a code like E112."`
}

// Run implements the command.
func (c *helpCmd) Run(a *app) error {
	if err := a.only("help"); err != nil {
		return err
	}
	topic := strings.Join(c.Topic, " ")
	if topic == "" {
		return a.commandList()
	}
	if known, err := a.rulePage(topic); known {
		return err
	}
	switch {
	case a.codePage(strings.ToUpper(topic)), a.topicPage(topic):
		return nil
	case a.commandPage(c.Topic):
		if topic == "report" { // a word with two meanings
			fmt.Fprintln(a.stdout)
			a.blockPage(topic)
		}
		return nil
	case a.blockPage(topic):
		if n := a.command(c.Topic); n != nil { // a word with two meanings
			fmt.Fprintln(a.stdout)
			a.laterPage(c.Topic)
		}
		return nil
	case a.laterPage(c.Topic), a.presetHelp(topic), a.verbPage(topic), a.wordPage(topic):
		return nil
	}
	if meant := a.helpMeant(c.Topic); meant != "" {
		return fmt.Errorf("there is no help on %q; did you mean rollcall help %s?", topic, meant)
	}
	return fmt.Errorf("there is no help on %q; rollcall help lists the commands and topics", topic)
}

// commandList is the commands with a line for each.
func (a *app) commandList() error {
	w := a.stdout
	fmt.Fprint(w, "rollcall keeps a directory of accounts true to what HR says.\n\nCommands\n")
	for _, n := range a.model.Model.Children {
		if n.Hidden {
			continue
		}
		fmt.Fprintf(w, "  %-10s %s\n", n.Name, n.Help)
		if verbs := verbsOf(n); verbs != "" {
			fmt.Fprintf(w, "  %-10s   %s\n", "", verbs)
		}
	}
	fmt.Fprint(w, "\nFor each of them: --config FILE, -o table|json|csv, --yes, --no-input, -q, -v, --no-color\n\nMore\n")
	for _, t := range topics() {
		fmt.Fprintf(w, "  rollcall help %-12s %s\n", t.name, t.about)
	}
	fmt.Fprintf(w, "  rollcall help %-12s %s\n", "E112", "a code of a report")
	fmt.Fprintf(w, "  rollcall help %-12s %s\n", "R62", "a rule")
	fmt.Fprintf(w, "  rollcall help %-12s %s\n", "guardrails", "a key of a profile or of rollcall.yaml: schedule, source, match, map, policy, report, missing, …")
	fmt.Fprintf(w, "  rollcall help %-12s %s\n", "runs revert", "a command, with its flags")
	_, err := fmt.Fprint(w, "\nBegin: rollcall demo shows everything at once; rollcall init --from FILE writes a profile from a sample.\n")
	return err
}

func verbsOf(n *kong.Node) string {
	var verbs []string
	for _, v := range n.Children {
		if !v.Hidden && v.Type == kong.CommandNode {
			verbs = append(verbs, v.Name)
		}
	}
	return strings.Join(verbs, " · ")
}

// codePage tells a code's page; false where there is no such code.
func (a *app) codePage(code string) bool {
	if c, ok := roster.Codes[code]; ok {
		fmt.Fprintf(a.stdout, "%s  %s (%s)\n", code, c.Text, severity(code, c.Severity))
		if c.Help != "" {
			fmt.Fprintf(a.stdout, "\n%s\n", c.Help)
		}
		fix := c.Fix
		if strings.HasPrefix(code, "E5") && fix == "" {
			fix = "look with rollcall runs show RUN; then rollcall held approve RUN or rollcall held reject RUN"
		}
		if fix != "" {
			fmt.Fprintf(a.stdout, "\nFix: %s\n", fix)
		}
		if code == "E118" {
			fmt.Fprintf(a.stdout, "\n%s\n", lengths())
		}
		return true
	}
	c, ok := config.Codes[code]
	if ok {
		fmt.Fprintf(a.stdout, "%s  %s (configuration)\n\n%s\n\nFix: %s\n", code, c.Text, c.Help, c.Fix)
	}
	return ok
}

// lengths tells how long a value of each field may be (R21).
func lengths() string {
	line := "The most characters, where map.FIELD.max says no less:"
	var text strings.Builder
	for f := range roster.NumFeedFields {
		word := fmt.Sprintf(" %s %d,", f, f.Max())
		if len(line)+len(word) > 96 {
			text.WriteString(line + "\n")
			line, word = "", word[1:]
		}
		line += word
	}
	return text.String() + line + "\nand of a profile field and the name of a membership 255."
}

// refusing are the codes beside E4 by which a drop is refused.
var refusing = []string{"E103", "E211"}

// severity is what a code does, in words.
func severity(code string, s roster.Severity) string {
	switch {
	case strings.HasPrefix(code, "E4"), slices.Contains(refusing, code):
		return "the drop is not used"
	case strings.HasPrefix(code, "E5"):
		return "a guardrail"
	case s == roster.SeverityError:
		return "the row is rejected"
	}
	return "a " + string(s)
}

// A topic is a page that is no command.
type topic struct {
	name, about string
	text        string
}

func topics() []topic {
	return []topic{
		{"config", "rollcall.yaml, with every key", config.Reference},
		{"profile", "a profile, with every key", config.ReferenceProfile},
		{"presets", "what format.preset sets, for files as other programs write them", presetPage()},
		{"catalog", "catalog.yaml, with every key", config.ReferenceCatalog},
		{"exit-codes", "what the program exits with", exitPage},
		{"mails", "who is told what, and when there is silence", mailPage},
		{"RUN", "how a run is named: a number, last, last:PROFILE", runPage},
		{"ACCOUNT", "how an account is named: a username, id:N, key:K", accountPage},
		{"ldap", "a directory as a source: columns, and what its administrator does", ldapPage},
		{"passwords", "where passwords come from, what is kept of them, and welcome mails", passwordsPage},
		{"codes", "the codes of a report, all of them", codeList()},
		{"rules", "what one record does: the rules that reports and explain name", rulesPage},
	}
}

// laterTopics are pages about what is not built yet.
var laterTopics = []string{"targets", "web", "metrics"}

func (a *app) topicPage(name string) bool {
	for _, t := range topics() {
		if t.name == name {
			_, _ = io.WriteString(a.stdout, t.text)
			return true
		}
	}
	return false
}

// presetPage shows every preset as it is written.
func presetPage() string {
	var b strings.Builder
	b.WriteString(`A preset fills format, match and map for files as another program documents them:

  format: {preset: moodle, content: full}

What the profile says itself goes before it: a key of map: that names a column replaces the
preset's, and one that does not, like  city: {default: Perth}, is added to it. Its columns may
be missing in a file, but for the one by which people are found. A preset sets no policy:
upload is add_update unless the profile says otherwise, where the upload tools of Moodle, Dual
Code and Chamilo add and leave alone who is there (policy: {upload: add}); nobody is removed.
rollcall init --preset NAME writes a profile; init --from FILE knows such files by their columns.

fields: declares profile fields that need not stand in the catalog; what that, or an import, says of a
name goes before it, and a profile may declare its own. format.fields: profile_field_ has columns that begin
so say the field of the rest of their name, "*" columns that are called like a field of the catalog.
What format.ignore names is left aside on purpose, and the report says why. config/COLUMNS.md in the
source lists every column and setting of those tools beside the keys here.
`)
	for _, name := range config.Presets() {
		fmt.Fprintf(&b, "\n%s\n", name)
		for _, line := range strings.Split(strings.TrimSpace(config.PresetText(name)), "\n") {
			b.WriteString("  " + line + "\n")
		}
	}
	return b.String()
}

const exitPage = `rollcall exits with one code, the first that applies of 16 15 14 12 13 1 11 17 10 0.

    0  done; also "nothing to do"
    1  failed, or used wrongly
    2  only plan --detailed-exitcode: there are changes
   10  applied, with errors or warnings in rows
   11  held by a guardrail; nothing was applied
   12  source unreachable, refused, unproven, or its drop refused
   13  no new drop (with --require-input); status: a drop is overdue
   14  another run of this profile is under way
   15  configuration invalid
   16  database unreachable, locked, newer than this binary, or gone backwards
   17  applied, but the report could not be delivered
  130  interrupted by SIGINT
  143  interrupted by SIGTERM
`

const mailPage = `Mails are written by every run, and go to report.to and report.alert of its profile.

OK          to report.to, where something changed. That nothing changed is told weekly.
WARN        to report.to, where the set of problems has changed since the last mail: a
            cause came or went, or somebody is new in one. Else it is told weekly.
HELD, FAILED, MISSING
            to report.to and report.alert, with high importance: at once, after 4 hours,
            then at 8:00 of each working day (Monday to Friday, in the profile's zone)
            while it lasts. It is told once, however often the source is asked. Another
            status, another code or other guardrails are another trouble. Reminders of a
            held run end with held approve or held reject.
RECOVERED   once, to the same people: with the next run that is applied, or when a source
            that was down answers again and has nothing new.
the week    to report.to, on Monday at 8:00: runs, open problems, how good the data were.

report.when
  changes   as above
  problems  no OK; all else
  always    OK and WARN of every run
  never     nothing, also no week

report.personal_data
  ids       of people a mail has keys and lines, and of their data the names of fields
  names     also name and username in examples of problems and in the changes that it names:
            those of the account, and of a row without one what the record says
  values    also what was wrong, at most 100 characters, in one line and with control
            characters as ‹CR› or ‹U+202E›. *** stands for a field that a profile marks with
            map.FIELD.sensitive, for whatever shares its column, and for a field or column
            that is named like a password, a national ID (SSN, PESEL, tax ID, …) or a birth
            date (DOB, Geburtsdatum, …). Of rows with a wrong number of fields, and of
            columns that map: does not use, nothing is told.
            The attached problems.csv tells the same: username, the value under new, and name
            in a last column. So do the run's page and JSON. What a profile does not tell is
            not kept in the database either; what runs have kept stays until they go, and runs
            show, runs problems and a mail that is sent again tell of it what the profile allows today.

map.FIELD.sensitive: on
            Its values are *** in mails, pages, results.csv, problems.csv, plans and runs, of all
            profiles. accounts show, export and explain have them: they are asked for a person.

source.due: "06:00"
            A drop that has not been read by then, since the time before, is a run of status
            missing (E405), once a day, but on the days of due_except. Any new drop counts:
            applied, unchanged, held or refused. A file that lies there and is yet to be read
            is not missing. rollcall status exits with 13 while a drop is overdue.

Reminders, MISSING and the week are the work of rollcall serve. A mail that the server does
not take is tried for 72 hours: rollcall outbox, rollcall outbox retry.
`

const runPage = `Where a command wants a RUN, write
  41             a number; rollcall runs list shows them
  last           the newest finished run of any kind
  last:hr-csv    the newest finished run of that profile: dry, held and failed ones
                 included, sweeps not
`

const accountPage = `Where a command wants an ACCOUNT, write
  k.wrona        a username
  id:20417       the account's number
  key:104417     the employee ID, else the key by which one profile links it
`

// kinds are the kinds of code.
var kinds = []struct{ prefix, name string }{
	{"E1", "Values: what a row says"},
	{"E2", "References: what a row points at"},
	{"E3", "Whom a row means"},
	{"E4", "The source: the drop is not used"},
	{"E5", "Guardrails: the plan waits for a person"},
	{"E6", "Delivery of reports"},
	{"C", "Configuration: rollcall validate"},
}

// codeList is every code with its sentence, by kind.
func codeList() string {
	texts := map[string]string{}
	for code, c := range roster.Codes {
		texts[code] = c.Text
	}
	for code, c := range config.Codes {
		texts[code] = c.Text
	}
	codes := slices.Sorted(maps.Keys(texts))
	var b strings.Builder
	for _, k := range kinds {
		fmt.Fprintf(&b, "%s\n", k.name)
		for _, code := range codes {
			if strings.HasPrefix(code, k.prefix) {
				fmt.Fprintf(&b, "  %s  %s\n", code, texts[code])
			}
		}
		b.WriteByte('\n')
	}
	b.WriteString("rollcall help E112 tells more of one.\n")
	return b.String()
}

// commandPage is what --help prints of a command; false where there is none,
// or it is not built yet.
func (a *app) commandPage(words []string) bool {
	n := a.command(words)
	if n == nil || n.Passthrough {
		return false
	}
	_, _ = a.model.Parse(append(slices.Clone(words), "--help"))
	return true
}

// laterPage says that a command or a topic is not built yet; false where it is
// neither.
func (a *app) laterPage(words []string) bool {
	name := strings.Join(words, " ")
	switch n := a.command(words); {
	case n != nil && n.Passthrough: // laterCmd
		fmt.Fprintf(a.stdout, "The command rollcall %s is not built yet.\n", name)
	case slices.Contains(laterTopics, name):
		fmt.Fprintf(a.stdout, "%s: not built yet.\n", name)
	default:
		return false
	}
	return true
}

// command finds a command; nil where there is none.
func (a *app) command(words []string) *kong.Node {
	n := a.model.Model.Node
	for _, w := range words {
		i := slices.IndexFunc(n.Children, func(c *kong.Node) bool { return c.Name == strings.ToLower(w) })
		if i < 0 {
			return nil
		}
		n = n.Children[i]
	}
	return n
}
