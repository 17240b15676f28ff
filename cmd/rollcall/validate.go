package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"rollcall/config"
	"rollcall/internal/format"
	"rollcall/internal/mapping"
	"rollcall/internal/roster"
)

// validateCmd is "rollcall validate".
type validateCmd struct {
	Profiles []string `arg:"" optional:"" help:"Only these profiles, and rollcall.yaml."`
	Sample   string   `help:"A drop, to see whether the profile fits it." placeholder:"FILE"`
}

// Run implements the command.
func (c *validateCmd) Run(a *app) error {
	if err := a.only("validate", "json"); err != nil {
		return err
	}
	path, err := config.Find(a.Config)
	if err != nil {
		return c.tell(a, err, 0)
	}
	s, found := config.Check(path)
	chosen, err := c.choose(s)
	if err != nil {
		return err
	}
	found = slices.DeleteFunc(found, func(e config.Error) bool { return !concerns(s, chosen, e.File) })
	if c.Sample != "" && len(chosen) != 1 {
		return fmt.Errorf("--sample is a drop of one profile; name it: rollcall validate PROFILE --sample %s", c.Sample)
	}
	found = append(found, s.Unusable()...)
	for _, p := range chosen {
		found = append(append(found, folder(p)...), p.Unusable()...)
	}
	if c.Sample == "" || found.Failed() {
		return c.tell(a, found, len(chosen))
	}
	mapped, misfit, err := c.sample(s, chosen[0])
	if err != nil {
		if len(found) > 0 {
			return errors.Join(c.tell(a, found, len(chosen)), err)
		}
		return err
	}
	if misfit != nil {
		found = append(found, *misfit)
	}
	if a.Output == "table" && !a.Quiet {
		fmt.Fprint(a.stdout, mapped)
	}
	return c.tell(a, found, len(chosen))
}

// folder warns where the folder that a profile reads is not there.
func folder(p *config.Profile) config.Errors {
	if p.Source.Type != "dir" {
		return nil
	}
	dir := filepath.Dir(p.Source.Path)
	if info, err := os.Stat(dir); err == nil && info.IsDir() {
		return nil
	}
	return config.Errors{{File: shown(p.Path), Severity: roster.SeverityWarning, Code: "C110", Text: "source.path: there is no folder " + shown(dir), Hint: "make it, or correct the path; paths are relative to the profile's file"}}
}

// choose finds the profiles that were named; all where none was.
func (c *validateCmd) choose(s *config.Site) ([]*config.Profile, error) {
	if len(c.Profiles) == 0 {
		return s.Loaded, nil
	}
	var chosen []*config.Profile
	var unknown []error
	for _, name := range c.Profiles {
		p, err := profileOf(s, name)
		switch {
		case err != nil:
			unknown = append(unknown, err)
		case !slices.Contains(chosen, p):
			chosen = append(chosen, p)
		}
	}
	return chosen, errors.Join(unknown...)
}

// concerns tells whether a file is the site's or one of the chosen profiles'.
func concerns(s *config.Site, chosen []*config.Profile, file string) bool {
	abs, err := filepath.Abs(file)
	if err != nil || filepath.Dir(abs) != s.Profiles {
		return true
	}
	if len(chosen) == len(s.Loaded) {
		return true
	}
	return slices.ContainsFunc(chosen, func(p *config.Profile) bool { return p.Path == abs })
}

// tell prints what is wrong, and ends with 15 where any of it is an error.
func (c *validateCmd) tell(a *app, err error, profiles int) error {
	var found config.Errors
	if err != nil && !errors.As(err, &found) {
		return err
	}
	if a.Output == "json" {
		if err := printJSON(a, found); err != nil {
			return err
		}
	} else {
		if len(found) > 0 {
			fmt.Fprintln(a.stdout, found.Error())
		}
		if !a.Quiet {
			fmt.Fprintln(a.stdout, found.Summary(profiles))
		}
	}
	if found.Failed() {
		return exit(exitConfig, nil)
	}
	return nil
}

// printJSON writes the errors for a program.
func printJSON(a *app, found config.Errors) error {
	type fault struct {
		File     string `json:"file"`
		Line     int    `json:"line"`
		Col      int    `json:"col"`
		Severity string `json:"severity"`
		Code     string `json:"code"`
		Message  string `json:"message"`
		Hint     string `json:"hint"`
	}
	list := make([]fault, len(found))
	for i, e := range found {
		list[i] = fault{e.File, e.Line, e.Col, string(e.Severity), e.Code, e.Text, e.Hint}
	}
	enc := json.NewEncoder(a.stdout)
	enc.SetIndent("", "  ")
	return enc.Encode(list)
}

// sampleRows is how many rows of a sample are mapped.
const sampleRows = 100

// sample reads a drop as the profile would. It tells how the rows map, in
// lines, or what of the profile does not fit.
func (c *validateCmd) sample(s *config.Site, p *config.Profile) (mapped string, misfit *config.Error, err error) {
	if _, err := os.Stat(c.Sample); err != nil {
		return "", nil, fmt.Errorf("--sample: %s", absent(c.Sample, err))
	}
	f, err := format.Open(c.Sample, filepath.Base(c.Sample), p.Format, p.Source.MaxSize)
	if err != nil {
		return "", nil, err
	}
	unfit := func(err error) *config.Error {
		return &config.Error{File: shown(p.Path), Severity: roster.SeverityError, Code: "C110", Text: fmt.Sprintf("the profile does not fit %s: %v", c.Sample, err)}
	}
	m, notes, err := mapping.Compile(s.MappingOptions(p), f.Header())
	if err != nil {
		return "", unfit(err), nil
	}
	var b strings.Builder
	facts := f.Facts()
	if f.Headless() || facts.Delimiter == "" {
		fmt.Fprintf(&b, "sample: %s, encoding %s\n", facts.Format, facts.Encoding)
	} else {
		fmt.Fprintf(&b, "sample: delimiter %q, encoding %s, %d columns\n", facts.Delimiter, facts.Encoding, len(f.Header()))
	}
	for _, n := range f.News(notes) {
		fmt.Fprintf(&b, "  %s: %s\n", n, n.Remedy())
	}
	t, err := try(f, m, p)
	if err != nil {
		return b.String(), nil, err
	}
	if f.Headless() { // what it has is known now
		if _, notes, err = mapping.Compile(s.MappingOptions(p), f.Seen()); err != nil {
			return b.String(), unfit(err), nil
		}
		for _, n := range notes {
			fmt.Fprintf(&b, "  %s: %s\n", n, n.Remedy())
		}
	}
	fmt.Fprintf(&b, "sample: of %d rows %d map cleanly%s\n", t.rows, t.rows-t.outside-t.rejected-t.warned, t.blemishes())
	for _, place := range t.places {
		fmt.Fprintf(&b, "  %s\n", place)
	}
	if t.rows > 0 && t.rejected == t.rows {
		return b.String(), unfit(fmt.Errorf("none of its rows maps (%s)", strings.Join(t.kinds(), ", "))), nil
	}
	return b.String(), nil, nil
}

// A trial is how the first rows of a sample map.
type trial struct {
	rows, outside, rejected, warned int
	codes                           map[string]int
	places                          []string // of the first problems, with what to do
}

// maxPlaces is how many problems of a sample are told with their place.
const maxPlaces = 10

// try maps the first rows, as though all of them were new people.
func try(f *format.File, m *mapping.Mapper, p *config.Profile) (trial, error) {
	t := trial{codes: map[string]int{}}
	for rec, err := range f.Records() {
		var broken *roster.RowError
		var e roster.Entry
		switch {
		case t.rows == sampleRows && (err == nil || errors.As(err, &broken)):
			continue // to the end of a drop without a header
		case errors.As(err, &broken):
			e = m.Broken(broken)
		case err != nil:
			return t, err
		default:
			if e, err = m.Entry(rec); err != nil {
				return t, err
			}
		}
		t.add(e, p.Required)
		if t.rows == sampleRows && !f.Headless() {
			break
		}
	}
	return t, nil
}

func (t *trial) add(e roster.Entry, required []roster.Field) {
	t.rows++
	if e.Outside != "" {
		t.outside++
		return
	}
	worst := roster.SeverityNote
	seen := map[string]bool{}
	for _, problem := range e.Problems {
		if problem.Severity != roster.SeverityError && problem.Severity != roster.SeverityWarning {
			continue
		}
		if worst != roster.SeverityError {
			worst = problem.Severity
		}
		seen[problem.Code] = true
		t.place(problem)
	}
	for _, f := range required {
		if e.Values[f] != "" || e.Defaults[f] != "" || f == roster.PasswordField && (e.Password != "" || !e.Values.Local()) {
			continue
		}
		worst = roster.SeverityError // of somebody new, what is required cannot be left out
		if len(seen) == 0 {
			seen["E120"] = true
			missing := roster.NewProblem("E120", e.Line, e.Key)
			missing.Text = "required of a new account and empty: " + f.String()
			t.place(missing)
		}
	}
	for code := range seen {
		t.codes[code]++
	}
	switch worst {
	case roster.SeverityError:
		t.rejected++
	case roster.SeverityWarning:
		t.warned++
	}
}

func (t *trial) place(p roster.Problem) {
	if len(t.places) < maxPlaces {
		fix := strings.ReplaceAll(p.Remedy(), "map.FIELD", "map."+p.Field)
		t.places = append(t.places, fmt.Sprintf("%s; %s", p, fix))
	}
}

// blemishes is ", 1 would be rejected, 2 have a warning (1 × E120, 2 × E112)".
func (t *trial) blemishes() string {
	outside := ""
	if t.outside > 0 {
		outside = fmt.Sprintf(", %d out of scope", t.outside)
	}
	if len(t.codes) == 0 {
		return outside
	}
	return outside + fmt.Sprintf(", %d would be rejected, %d %s a warning (%s)", t.rejected, t.warned, map[bool]string{true: "has", false: "have"}[t.warned == 1], strings.Join(t.kinds(), ", "))
}

// kinds are the problems by code: 1 × E120.
func (t *trial) kinds() (codes []string) {
	for _, code := range slices.Sorted(maps.Keys(t.codes)) {
		codes = append(codes, fmt.Sprintf("%d × %s", t.codes[code], code))
	}
	return codes
}
