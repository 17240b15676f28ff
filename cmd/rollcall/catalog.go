package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"

	"rollcall/internal/catalog"
	"rollcall/internal/roster"
)

// catalogCmd is "rollcall catalog".
type catalogCmd struct {
	List   catalogListCmd   `cmd:"" default:"withargs" help:"What rows may name: sites, cohorts, courses, groups, programs, sessions, roles, themes, fields."`
	Import catalogImportCmd `cmd:"" help:"Take a list of them from a CSV file, besides catalog.yaml."`
	Export catalogExportCmd `cmd:"" help:"The catalog as CSV or JSON."`
}

// kindFlag selects one kind.
type kindFlag struct {
	Kind string `help:"Only this kind: site, cohort, course, group, program, session, role, theme or field." placeholder:"KIND"`
}

func (k kindFlag) wants(i roster.Item) bool { return k.Kind == "" || string(i.Kind) == k.Kind }

func (k kindFlag) check() error {
	if k.Kind == "" || slices.Contains(roster.Kinds(), roster.Kind(k.Kind)) {
		return nil
	}
	return fmt.Errorf("--kind: %q is no kind; write site, cohort, course, group, program, session, role, theme or field", k.Kind)
}

// An entry is an item of the catalog as other programs read it: every key, always.
type entry struct {
	Kind        roster.Kind `json:"kind"`
	Called      string      `json:"called"`
	ID          string      `json:"id"`
	IDNumber    string      `json:"id_number"`
	ShortName   string      `json:"short_name"`
	Name        string      `json:"name"`
	Course      string      `json:"course"`
	DefaultRole string      `json:"default_role"`
	Type        string      `json:"type"`
	Options     []string    `json:"options"`
	Required    bool        `json:"required"`
	Unique      bool        `json:"unique"`
	For         string      `json:"for"`
	Source      string      `json:"source"` // file, import, or both; rows: created by them; profile: declared by one, or by its preset
}

// entries is the whole catalog, each item with where it stands. What a file and an
// import say differently is listed twice, and the error says so.
func (d *desk) entries() ([]entry, error) {
	imported, err := d.r.Store.Catalog(d.ctx)
	if err != nil {
		return nil, err
	}
	var listed []roster.Item
	if d.site.Listed != nil {
		listed = d.site.Listed.Items
	}
	whole, clash := d.r.Catalog(d.ctx, d.site.Listed)
	items := slices.Concat(listed, imported)
	if clash == nil && whole != nil {
		items = whole.Items
	}
	among := func(list []roster.Item, i roster.Item) bool {
		return slices.ContainsFunc(list, func(o roster.Item) bool { return o.Kind == i.Kind && o.Course == i.Course && o.Called() == i.Called() })
	}
	var all []entry
	for n, i := range items {
		from := "file"
		switch {
		case clash != nil && n >= len(listed):
			from = "import"
		case i.Declared:
			from = "profile"
		case clash != nil:
		case among(imported, i) && among(listed, i):
			from = "both"
		case among(imported, i):
			from = "import"
		}
		all = append(all, entryOf(i, from))
	}
	for _, kind := range []roster.Kind{roster.CohortKind, roster.GroupKind} {
		if clash != nil || whole == nil || !whole.Create[kind] {
			continue
		}
		made, err := d.r.Store.Belonged(d.ctx, kind)
		if err != nil {
			return nil, err
		}
		for _, i := range made {
			if _, known := whole.Find(kind, i.Course, i.Called()); !known {
				all = append(all, entryOf(i, "rows"))
			}
		}
	}
	return all, clash
}

func entryOf(i roster.Item, from string) entry {
	return entry{
		i.Kind, i.Called(), i.ID, i.IDNumber, i.ShortName, i.Name, i.Course, i.DefaultRole, i.Type, append([]string{}, i.Options...), i.Required, i.Unique, i.For, from,
	}
}

func (e entry) item() roster.Item {
	return roster.Item{
		Kind: e.Kind, ID: e.ID, IDNumber: e.IDNumber, ShortName: e.ShortName, Name: e.Name, Course: e.Course, DefaultRole: e.DefaultRole,
		Type: e.Type, Options: e.Options, Required: e.Required, Unique: e.Unique, For: e.For,
	}
}

// more is what a table tells of an item besides its name.
func (e entry) more() string {
	var parts []string
	add := func(format string, of string) {
		if of != "" {
			parts = append(parts, fmt.Sprintf(format, of))
		}
	}
	if e.ID != e.Called {
		add("id %s", e.ID)
	}
	if e.IDNumber != e.Called {
		add("id number %s", e.IDNumber)
	}
	add("of %s", e.Course)
	add("default role %s", e.DefaultRole)
	add("%s", e.Type)
	add("%s", strings.Join(e.Options, ", "))
	if e.Required {
		parts = append(parts, "required")
	}
	if e.Unique {
		parts = append(parts, "unique")
	}
	add("for %s", e.For)
	return strings.Join(parts, "; ")
}

type catalogListCmd struct {
	kindFlag `embed:""`
}

// Run implements the command.
func (c *catalogListCmd) Run(a *app) error {
	if err := c.check(); err != nil {
		return err
	}
	d, err := a.desk()
	if err != nil {
		return err
	}
	all, clash := d.entries()
	var refused *roster.Refusal
	if clash != nil && !errors.As(clash, &refused) {
		return clash
	}
	all = slices.DeleteFunc(all, func(e entry) bool { return !c.wants(e.item()) })
	switch a.Output {
	case "json":
		err = a.array(func(yield func(any, error) bool) {
			for _, e := range all {
				if !yield(e, nil) {
					return
				}
			}
		})
		return errors.Join(err, clash)
	case "csv":
		return errors.Join(writeCatalog(a.stdout, all), clash)
	}
	if len(all) == 0 && clash == nil {
		fmt.Fprintln(a.stdout, "The catalog lists nothing, so nothing is checked. Write catalog: catalog.yaml in rollcall.yaml (rollcall help catalog), or rollcall catalog import FILE.")
		return nil
	}
	t := newTable(a.stdout, "kind", "called", "name", "more", "from")
	for _, e := range all {
		name := e.Name
		if name == e.Called {
			name = ""
		}
		t.row(string(e.Kind), e.Called, name, e.more(), e.Source)
	}
	if err := t.end(); err != nil {
		return err
	}
	fmt.Fprintln(a.stdout, plural(len(all), "item"))
	return clash
}

func writeCatalog(w io.Writer, all []entry) error {
	items := make([]roster.Item, len(all))
	for i, e := range all {
		items[i] = e.item()
	}
	return catalog.Write(w, items)
}

type catalogImportCmd struct {
	File    string `arg:"" help:"A CSV file with a header: kind,id,name,… or a column called cohort, course, program, …"`
	Replace bool   `help:"What was imported before of the file's kinds and is not in it goes."`
	DryRun  bool   `help:"Only check the file."`
}

// Run implements the command.
func (c *catalogImportCmd) Run(a *app) error {
	if err := a.only("catalog import", "json"); err != nil {
		return err
	}
	d, err := a.desk()
	if err != nil {
		return err
	}
	f, err := os.Open(c.File)
	if err != nil {
		return fmt.Errorf("catalog import: %s", absent(c.File, err))
	}
	items, err := catalog.Read(f)
	if err = errors.Join(err, f.Close()); err != nil {
		return fmt.Errorf("%s is not used, nothing was changed:\n%w", c.File, err)
	}
	var replace []roster.Kind
	if c.Replace {
		for _, i := range items {
			if !slices.Contains(replace, i.Kind) {
				replace = append(replace, i.Kind)
			}
		}
	}
	if err := c.fits(d, items, replace); err != nil {
		return err
	}
	fresh, gone := 0, 0
	if !c.DryRun {
		if fresh, gone, err = d.r.Store.ImportCatalog(d.ctx, items, replace); err != nil {
			return err
		}
	}
	if a.Output == "json" {
		return a.object(struct {
			Read int  `json:"read"`
			New  int  `json:"new"`
			Gone int  `json:"gone"`
			Dry  bool `json:"dry_run"`
		}{len(items), fresh, gone, c.DryRun})
	}
	if c.DryRun {
		fmt.Fprintf(a.stdout, "%s could be imported; nothing was changed.\n", plural(len(items), "item"))
		return nil
	}
	fmt.Fprintf(a.stdout, "%s imported, %s new, %s gone. The next run of every profile checks against them; rollcall catalog list shows all.\n",
		plural(len(items), "item"), count(fresh), count(gone))
	return nil
}

// fits tells whether the catalog would contradict itself with items in it.
func (c *catalogImportCmd) fits(d *desk, items []roster.Item, replace []roster.Kind) error {
	before, err := d.r.Store.Catalog(d.ctx)
	if err != nil {
		return err
	}
	kept := slices.DeleteFunc(before, func(old roster.Item) bool {
		return slices.Contains(replace, old.Kind) || slices.ContainsFunc(items, func(i roster.Item) bool {
			return i.Kind == old.Kind && i.Course == old.Course && i.Called() == old.Called()
		})
	})
	if _, err := catalog.Unite(d.site.Listed, slices.Concat(kept, items)); err != nil {
		return fmt.Errorf("%s is not used, nothing was changed: %w", c.File, err)
	}
	return nil
}

type catalogExportCmd struct {
	kindFlag `embed:""`
	Out      string `help:"Write to this file, whole or not at all." placeholder:"FILE"`
}

// Run implements the command.
func (c *catalogExportCmd) Run(a *app) error {
	if err := c.check(); err != nil {
		return err
	}
	d, err := a.desk()
	if err != nil {
		return err
	}
	all, err := d.entries()
	if err != nil {
		return err
	}
	all = slices.DeleteFunc(all, func(e entry) bool { return !c.wants(e.item()) })
	write := func(w io.Writer) error {
		if a.Output != "json" {
			return writeCatalog(w, all)
		}
		to := *a
		to.stdout = w
		return to.array(func(yield func(any, error) bool) {
			for _, e := range all {
				if !yield(e, nil) {
					return
				}
			}
		})
	}
	if c.Out != "" {
		return whole(c.Out, write)
	}
	w := bufio.NewWriter(a.stdout)
	return errors.Join(write(w), w.Flush())
}
