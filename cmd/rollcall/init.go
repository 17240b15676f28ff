package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"rollcall/config"
	"rollcall/internal/format"
	"rollcall/internal/mapping"
	"rollcall/internal/source"
)

// initCmd is "rollcall init".
type initCmd struct {
	From   string `help:"A sample: a file as HR sends it." placeholder:"FILE"`
	Name   string `help:"What to call the profile: a-z, 0-9 and dashes. By default after the file." placeholder:"NAME"`
	Preset string `help:"Files as another program writes them: rollcall help presets." placeholder:"NAME"`
}

// Run implements the command.
func (c *initCmd) Run(a *app) error {
	if err := a.only("init"); err != nil {
		return err
	}
	switch {
	case c.Name != "" && !profileName.MatchString(c.Name):
		return errors.New("--name is no name for a profile; use a to z, digits and dashes, at most 40")
	case c.From == "" && c.Preset != "":
		return c.withPreset(a, "", format.Sniffed{})
	case c.From == "":
		return errors.New("init needs a sample, or a preset: rollcall init --from FILE, rollcall init --preset NAME")
	}
	if scheme, _, ok := strings.Cut(c.From, "://"); ok {
		return elsewhere(scheme)
	}
	file, err := filepath.Abs(c.From)
	if err != nil {
		return err
	}
	if info, err := os.Stat(file); err != nil {
		return fmt.Errorf("--from: %s", absent(c.From, err))
	} else if info.IsDir() {
		return fmt.Errorf("--from: %s is a folder; name a file in it", c.From)
	}
	if c.Preset == "" && isContacts(file) {
		c.Preset = "chamilo-xml"
	}
	if c.Preset != "" {
		sample := format.Sniffed{}
		if !isContacts(file) {
			sample, _ = sniff(file) // what is wrong with it shows when the profile reads it
		}
		return c.withPreset(a, file, sample)
	}
	if c.Name == "" {
		c.Name = nameAfter(file)
	}
	sample, err := sniff(file)
	if err != nil {
		return err
	}
	if c.Preset = presetLike(sample); c.Preset != "" {
		if c.Preset == "moodle" && !a.Quiet {
			fmt.Fprintln(a.stdout, "its columns fit Moodle's files and Dual Code's; of the latter write preset: dualcode in the profile")
		}
		return c.withPreset(a, file, sample)
	}
	g := guessColumns(sample)
	if len(sample.Header) == 1 && sample.Type == "" {
		return errors.New("the sample has one column, so it is no table of people, or what stands between its cells is none of , ; | and tab; ask HR for CSV or XML, or write the profile by hand: rollcall help profile")
	}
	if g.key == "" {
		return errors.New("no column of the sample says who somebody is; ask HR for one with a number of each person's own")
	}
	site, made, err := c.site(a)
	if err != nil {
		return err
	}
	path := filepath.Join(site.Profiles, c.Name+".yaml")
	if err := c.write(path, profileText(c.Name, file, sample, &g)); err != nil {
		return err
	}
	c.tell(a, sample, &g, site.Path, made, path)
	return c.check(a, site.Path, path, file)
}

// directories are words by which a directory is asked for.
var directories = []string{"ldap", "ldaps", "ad", "active-directory", "activedirectory", "openldap", "389ds", "samba"}

// elsewhere says what to do for a source that is no file.
func elsewhere(scheme string) error {
	if slices.Contains(directories, strings.ToLower(scheme)) {
		return errors.New("a directory has no sample file; take examples/ldap-ad or examples/ldap-openldap as the profile, put your server in, and try it with rollcall doctor PROFILE: rollcall help ldap")
	}
	return fmt.Errorf("init reads a sample from this machine; fetch one file from there first, and write the server under source: afterwards (type: sftp or https: rollcall help source)")
}

// sniff finds out how a sample is written.
func sniff(file string) (format.Sniffed, error) {
	name, most := filepath.Base(file), source.Defaults().MaxSize
	if format.BeginsAsXML(file, name, most) {
		return format.SniffXML(file, name, most, func(called string) string {
			field, _ := fieldCalled(called)
			return field
		})
	}
	return format.Sniff(file, name, most)
}

// profileName is what a profile may be called (contract: Files).
var profileName = regexp.MustCompile(`^[a-z0-9-]{1,40}$`)

// nameAfter is the profile's name after a file: staff_20261121.csv.gz gives staff.
func nameAfter(file string) string {
	base, _, _ := strings.Cut(filepath.Base(file), ".")
	base = longDigits.ReplaceAllString(base, "-")
	words := strings.FieldsFunc(strings.ToLower(plainly.Replace(base)), func(r rune) bool { return (r < 'a' || r > 'z') && (r < '0' || r > '9') })
	name := strings.Join(words, "-")
	if name == "" {
		return "people"
	}
	return strings.Trim(name[:min(len(name), 40)], "-")
}

// siteText is the rollcall.yaml that is written where there is none.
const siteText = `# The site. Accounts, copies of the drops and reports lie in state/, beside this
# file. Every other key has its default.
version: 1
`

// site is the site to write into; made, where it had to be made.
func (c *initCmd) site(a *app) (s *config.Site, made bool, err error) {
	path, err := config.Find(a.Config)
	if err != nil {
		if a.Config != "" {
			return nil, false, err
		}
		path = "rollcall.yaml"
		if err := create(path, siteText); err != nil {
			return nil, false, err
		}
		made = true
	}
	s, _ = config.Check(path) // its faults are not in our way
	return s, made, os.MkdirAll(s.Profiles, 0o750)
}

// write creates a profile.
func (c *initCmd) write(path, text string) error {
	err := create(path, text)
	switch {
	case errors.Is(err, fs.ErrExist):
		return fmt.Errorf("%s is there already and is left as it is; choose another name with --name, or remove it first", path)
	case err != nil:
		return fmt.Errorf("%w; give yourself the right to write there, or name another site with --config", err)
	}
	return nil
}

// create writes a new file, and never over another.
func create(path, text string) error {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o640)
	if err != nil {
		return err
	}
	_, err = f.WriteString(text)
	return errors.Join(err, f.Close())
}

// tell says what was found and written.
func (c *initCmd) tell(a *app, s format.Sniffed, g *guesses, site string, made bool, path string) {
	if a.Quiet {
		return
	}
	say := func(format string, args ...any) { fmt.Fprintf(a.stdout, format+"\n", args...) }
	if s.Type == "xml" {
		say("%s: %d records at %s, %d elements and attributes, encoding %s", filepath.Base(c.From), s.Rows, s.Record, len(s.Header), s.Encoding)
	} else {
		say("%s: %d rows, %d columns, delimiter %q, encoding %s%s", filepath.Base(c.From), s.Rows, len(s.Header), s.Delimiter, s.Encoding,
			map[bool]string{true: " (guessed: look at names with accents)"}[s.Guessed])
	}
	if s.Bad > 0 {
		say("%d of the rows cannot be read and will be rejected", s.Bad)
	}
	if s.NoHeader {
		say("the first row looks like a person, so the columns are called column1, column2, …")
	}
	say("\nA person is told apart by %s%s.", g.key, map[bool]string{true: "; every value is somebody's own in " + names(g.alone) + " too"}[len(g.alone) > 0])
	wide := 0
	for _, x := range g.found {
		wide = max(wide, len([]rune(x.column)))
	}
	for _, x := range g.found {
		say("  %-12s %s  %s", x.field, padded(x.column, wide), joined(x.why, x.ask))
	}
	if x := g.of("username"); x == nil {
		say("  %-12s %s", "username", usernameLine(g).why)
	}
	if g.status != nil {
		say("  %-12s %s  left as a comment: say what its words mean", "status", padded(g.status.column, wide))
	}
	for _, x := range g.undated {
		say("  %-12s %s  left as a comment: say how its dates are written", x.field, padded(x.column, wide))
	}
	if len(g.unused) > 0 {
		say("  not used: %s", names(g.unused))
	}
	if len(s.Several) > 0 {
		say("  not used, for a person has several and nothing tells which is which: %s", names(s.Several))
	}
	say("")
	if made {
		say("wrote %s", shown(site))
	}
	say("wrote %s", shown(path))
	if base := filepath.Base(c.From); globAfter(base) == base {
		say("it reads only %s; where new files have other names, write %s in source.path", base, widerGlob(base))
	} else {
		say("it reads the newest of %s", globAfter(base))
	}
}

// joined is why, and what to look at.
func joined(why, ask string) string {
	if ask == "" {
		return why
	}
	return why + "; LOOK: " + ask
}

// shown is a path as it is typed here.
func shown(path string) string {
	here, err := os.Getwd()
	if err != nil {
		return path
	}
	if rel, err := filepath.Rel(here, path); err == nil && filepath.IsLocal(rel) {
		return rel
	}
	return path
}

// check proves that what was written can be used, and says what to type next:
// also where something has to be mended first.
func (c *initCmd) check(a *app, site, path, file string) error {
	s, found := config.Check(site)
	for _, e := range found {
		if abs, err := filepath.Abs(e.File); err == nil && abs == path {
			fmt.Fprintln(a.stdout, e.String())
		}
	}
	t, err := c.fits(s, file)
	if a.Quiet {
		return err
	}
	if err != nil {
		fmt.Fprintf(a.stdout, "\nIt does not fit the sample yet. Mend in %s what is said below, then:\n", shown(path))
	} else {
		fmt.Fprintf(a.stdout, "of the first %d rows %d map cleanly%s\n\nRead it and mend the guesses, then:\n", t.rows, t.rows-t.rejected-t.warned, t.blemishes())
	}
	with := ""
	if a.Config != "" {
		with = " --config " + quoted(a.Config)
	}
	fmt.Fprintf(a.stdout, "  rollcall%s validate %s --sample %s\n  rollcall%s plan %s --file %s\n", with, c.Name, quoted(c.From), with, c.Name, quoted(c.From))
	return err
}

// fits reads the sample as the profile that was written does.
func (c *initCmd) fits(s *config.Site, file string) (trial, error) {
	p, err := s.Profile(c.Name)
	if err != nil {
		return trial{}, err
	}
	f, err := format.Open(file, filepath.Base(file), p.Format, p.Source.MaxSize)
	if err != nil {
		return trial{}, err
	}
	m, _, err := mapping.Compile(s.MappingOptions(p), f.Header())
	if err != nil {
		return trial{}, err
	}
	return try(f, m, p)
}

// absent says of a file that was typed why it cannot be had.
func absent(path string, err error) string {
	var at *fs.PathError
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return path + " does not exist; check the name"
	case errors.As(err, &at):
		err = at.Err
	}
	return fmt.Sprintf("%s cannot be read: %v", path, err)
}

// quoted is a path as a shell takes it.
func quoted(path string) string {
	if strings.ContainsAny(path, " \t\n'\"$&|;<>()*?[]#~!`\\{}") {
		return "'" + strings.ReplaceAll(path, "'", `'\''`) + "'"
	}
	return path
}
