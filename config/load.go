package config

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"time"

	"rollcall/internal/format"
	"rollcall/internal/roster"
	"rollcall/internal/secret"
)

// Where rollcall.yaml is looked for.
const (
	here   = "rollcall.yaml"
	system = "/etc/rollcall/rollcall.yaml"
)

// Find says which rollcall.yaml to read: the flag, else the environment's
// ROLLCALL_CONFIG, else ./rollcall.yaml, else /etc/rollcall/rollcall.yaml. What
// is asked for by name must be there. Its errors are [Errors].
func Find(flag string) (string, error) {
	return find(flag, os.Getenv("ROLLCALL_CONFIG"), here, system)
}

func find(flag, env string, places ...string) (string, error) {
	for _, named := range []struct{ path, by string }{{flag, "--config"}, {env, "ROLLCALL_CONFIG"}} {
		if named.path == "" {
			continue
		}
		if err := ordinary(named.path); err != nil {
			return "", missing(named.path, fmt.Sprintf("%v, and %s names it", err, named.by), "rollcall init writes one")
		}
		return named.path, nil
	}
	for _, path := range places {
		err := ordinary(path)
		if err == nil {
			return path, nil
		}
		if !errors.Is(err, fs.ErrNotExist) {
			return "", missing(path, err.Error(), "")
		}
	}
	return "", missing(places[0], "no configuration: there is neither ./"+strings.Join(places, " nor "), "rollcall init writes one; --config FILE names another")
}

// ordinary tells why path is not a file that can be read.
func ordinary(path string) error {
	info, err := os.Stat(path)
	if err != nil {
		return plainCause(err)
	}
	if info.IsDir() {
		return errors.New("is a folder; name the file in it")
	}
	return nil
}

func missing(path, text, hint string) Errors {
	return Errors{{File: path, Severity: roster.SeverityError, Code: codeFile, Text: text, Hint: hint}}
}

// Load reads the site at path and all its profiles. Its errors are [Errors]:
// everything that is wrong, warnings included. Where there are only warnings
// they stand in the site.
func Load(path string) (*Site, error) {
	s, found := Check(path)
	if found.Failed() {
		return nil, found
	}
	return s, nil
}

// LoadSound reads like [Load], but a profile with errors is only left out, so
// that one typing error does not keep people from the rest. [Site.Profile] gives
// its errors to whoever asks for it, and Broken names it.
func LoadSound(path string) (*Site, error) { return sound(load(path, time.Now(), nil)) }

// LoadDraft reads like [LoadSound], but the profile called name from file, as if
// that had been saved in the profile's place: what it says relatively is relative
// to the folder of the profiles.
func LoadDraft(path, name, file string) (*Site, error) {
	if !profileName.MatchString(name) {
		return nil, missing(file, fmt.Sprintf("%q is no name for a profile", name), "use a to z, digits and dashes, at most 40")
	}
	return sound(load(path, time.Now(), &draft{name, file}))
}

// A draft is a profile that is not in its place yet.
type draft struct{ name, file string }

func sound(s *Site, found Errors) (*Site, error) {
	if !found.Failed() {
		return s, nil
	}
	sound := s.Loaded[:0:0]
	for _, p := range s.Loaded {
		if p.found.Failed() {
			s.Broken = append(s.Broken, p)
			continue
		}
		sound = append(sound, p)
	}
	s.Loaded = sound
	if s.own.Failed() {
		return nil, found
	}
	return s, nil
}

// Check reads like [Load] and gives out what could be read, for showing what
// is wrong with it. A site with errors must not be run.
func Check(path string) (*Site, Errors) { return load(path, time.Now(), nil) }

// load reads at the time now, on which the warnings about clocks depend. A draft
// stands for the profile of its name; nil: there is none.
func load(path string, now time.Time, instead *draft) (*Site, Errors) {
	s := defaultSite()
	abs, err := filepath.Abs(path)
	if err != nil {
		return s, missing(path, err.Error(), "")
	}
	s.Path, s.Dir = abs, filepath.Dir(abs)

	d := open(path)
	if d.root != nil {
		d.decode(d.root, reflect.ValueOf(s).Elem(), "", 0)
	}
	s.settle(d)
	lists := s.loadCatalog(d, filepath.Dir(path))
	files, odd := s.profileFiles(d, filepath.Dir(path))
	if instead != nil {
		if name := instead.name + ".yaml"; !slices.ContainsFunc(files, func(f string) bool { return filepath.Base(f) == name }) {
			files = append(files, name)
		}
	}
	var found Errors
	for _, file := range files {
		p := defaultProfile(s)
		p.Name, p.Path = strings.TrimSuffix(filepath.Base(file), ".yaml"), filepath.Join(s.Profiles, filepath.Base(file))
		if instead != nil && p.Name == instead.name {
			file = instead.file
		}
		pd := open(file)
		base := p.preset(pd)
		pd.beside = p.beside()
		if pd.root != nil {
			pd.decode(pd.root, reflect.ValueOf(p).Elem(), "", 0)
			p.inherit(base)
		}
		if len(pd.errs) == 0 || pd.root != nil { // else there is nothing to check
			p.settle(pd)
			s.declare(p, pd)
			s.checkProfile(p, pd, now)
			p.placeSecrets(pd)
		}
		s.Loaded = append(s.Loaded, p)
		p.found = pd.errs.sorted()
		found = append(found, p.found...)
	}
	for _, p := range s.Loaded {
		o := s.columnsOf(p) // now that all fields are declared
		p.Format.Elements, p.Format.Lists = o.Columns(), o.Lists()
		for _, l := range o.LookUps() {
			p.Format.Lookups = append(p.Format.Lookups, format.Lookup{Column: l[0], Gives: l[1]})
		}
	}
	s.check(d)
	s.placeSecrets(d)
	odd = append(odd, s.readWelcomes(filepath.Dir(path))...)
	s.own = slices.Concat(d.errs.sorted(), lists, odd)
	found = append(slices.Clone(s.own), found...)
	s.Warnings = found
	return s, found
}

// maxProfiles bounds a site.
const maxProfiles = 1000

// profileName is what a profile may be called.
var profileName = regexp.MustCompile(`^[a-z0-9-]{1,40}$`)

// profileFiles lists the profiles as paths that read like that of the site.
func (s *Site) profileFiles(d *document, dir string) (files []string, odd Errors) {
	shown := s.Profiles
	if rel, err := filepath.Rel(s.Dir, s.Profiles); err == nil && filepath.IsLocal(rel) {
		shown = filepath.Join(dir, rel)
	}
	entries, err := os.ReadDir(s.Profiles)
	switch {
	case errors.Is(err, fs.ErrNotExist) && !d.has("profiles"):
		return nil, nil
	case err != nil:
		d.fault("profiles", codeFile, fmt.Sprintf("profiles: %v", plainCause(err)), "name the folder of the profiles")
		return nil, nil
	}
	for _, e := range entries {
		file := filepath.Join(shown, e.Name())
		name, ours := strings.CutSuffix(e.Name(), ".yaml")
		switch {
		case strings.HasPrefix(e.Name(), "."):
		case strings.HasSuffix(e.Name(), ".yml"):
			odd = append(odd, Error{File: file, Severity: roster.SeverityWarning, Code: codeFile, Text: "is ignored", Hint: "a profile's file ends in .yaml"})
		case !ours:
		case !profileName.MatchString(name):
			odd = append(odd, missing(file, "is no name for a profile", "use a to z, digits and dashes, at most 40, and .yaml")...)
		case name == Adhoc:
			odd = append(odd, missing(file, "has the name of what people import by hand", "call it otherwise")...)
		case len(files) == maxProfiles:
			odd = append(odd, missing(file, fmt.Sprintf("is one more than %d profiles", maxProfiles), "")...)
			return files, odd
		default:
			files = append(files, file)
		}
	}
	return files, odd
}

// settle resolves what the file says relatively.
func (s *Site) settle(d *document) {
	if s.State == "" {
		s.State = filepath.Join(s.Dir, "state")
		if s.Dir == filepath.Dir(system) {
			s.State = "/var/lib/rollcall"
		}
	}
	if s.Catalog != "" {
		s.Catalog = within(s.Dir, s.Catalog)
	}
	s.State, s.Profiles = within(s.Dir, s.State), within(s.Dir, s.Profiles)
	if file, ok := strings.CutPrefix(s.Database, "sqlite:"); ok && file != "" {
		s.Database = "sqlite:" + within(s.State, file)
	}
	settleSecret(s.Dir, &s.DatabasePassword)
	settleSecret(s.Dir, &s.Mail.Password)
	s.Zone = zone(d, s.Timezone)
	// One error is enough: every profile would repeat it.
	if d.word("accounts.standardise", string(s.Accounts.Standardise), "on", "off", "extended"); d.failed["accounts.standardise"] {
		s.Accounts.Standardise = "on"
	}
}

// settle resolves what the file says relatively. A path on a server stays.
func (p *Profile) settle(d *document) {
	dir := filepath.Dir(p.Path)
	if p.Source.Type == "dir" && p.Source.Path != "" && !filepath.IsAbs(p.Source.Path) {
		p.Source.Path = dir + "/" + p.Source.Path // as it is: a slash at its end names a folder, and is refused
	}
	if p.Source.KnownHosts != "" {
		p.Source.KnownHosts = within(dir, p.Source.KnownHosts)
	}
	for _, file := range []*string{&p.Source.CAFile, &p.Source.Bind.Certificate} {
		if *file != "" {
			*file = within(dir, *file)
		}
	}
	for _, ref := range []*secret.Ref{&p.Source.Key, &p.Source.Password, &p.Source.Bind.Password, &p.Source.Bind.Key} {
		settleSecret(dir, ref)
	}
	if p.Source.Type == "ldap" {
		p.settleDirectory()
	}
	if f, ok := p.Match.By.Field(); ok {
		p.Match.Key, p.Match.By = f, ""
	} else if p.Match.By != "" {
		p.Match.Key = roster.CustomField
	}
	p.Zone = zone(d, p.Timezone)
}

func settleSecret(dir string, r *secret.Ref) {
	if r.File != "" {
		r.File = within(dir, r.File)
	}
}

// within reads path as relative to dir.
func within(dir, path string) string {
	if filepath.IsAbs(path) {
		return filepath.Clean(path)
	}
	return filepath.Join(dir, path)
}

// zone loads the zone that a file names; UTC where it names none that exists.
func zone(d *document, name string) *time.Location {
	// The machine's own zone would mean another day on another machine.
	if name != "" && name != "Local" {
		if z, err := time.LoadLocation(name); err == nil {
			return z
		}
	}
	if d.has("timezone") {
		d.fault("timezone", codeValue, fmt.Sprintf("timezone: %q is not a zone", name), "write one like Europe/Warsaw, or UTC")
	}
	return time.UTC
}

// Profile finds a profile by name. Its errors are [Errors].
func (s *Site) Profile(name string) (*Profile, error) {
	var names []string
	for _, p := range s.Loaded {
		if p.Name == name {
			return p, nil
		}
		names = append(names, p.Name)
	}
	for _, p := range s.Broken {
		if p.Name == name {
			return nil, p.found
		}
	}
	hint := suggest(name, names)
	switch {
	case hint != "":
	case len(names) == 0:
		hint = "there is none yet; rollcall init --from FILE writes one"
	default:
		hint = "profiles: " + strings.Join(names, ", ")
	}
	return nil, missing(s.Profiles, fmt.Sprintf("no profile %q", name), hint)
}
