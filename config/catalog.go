package config

import (
	"fmt"
	"maps"
	"path/filepath"
	"reflect"
	"slices"
	"strings"

	"rollcall/internal/catalog"
	"rollcall/internal/roster"
)

// catalogFile is catalog.yaml. Each kind is a list, or a block whose keys are what
// the items are called by; an item that is only called something is one word.
type catalogFile struct {
	Version  int               `yaml:"version"`
	Sites    []siteItem        `yaml:"sites"`
	Cohorts  []cohortItem      `yaml:"cohorts"`
	Courses  []courseItem      `yaml:"courses"`
	Groups   []groupItem       `yaml:"groups"` // besides those that stand under their course
	Programs []idItem          `yaml:"programs"`
	Sessions []idItem          `yaml:"sessions"`
	Roles    []roleItem        `yaml:"roles"`
	Themes   []themeItem       `yaml:"themes"`
	Fields   []fieldItem       `yaml:"fields"`
	Unknown  map[string]string `yaml:"unknown"` // by kind: create or warn
	Types    map[string]string `yaml:"types"`   // roles of the enrolment types 1, 2 and 3
}

// A caller is an item that can be called by the key of a block, or by a word.
type caller interface{ call(name string) }

// A titled item may stand in a block as a word: what people call it, or of what
// type it is.
type titled interface{ title(text string) }

type siteItem struct {
	Name  string     `yaml:"name"`
	Sites []siteItem `yaml:"sites"` // below it
}

type cohortItem struct {
	ID       string `yaml:"id"`
	IDNumber string `yaml:"id_number"`
	Name     string `yaml:"name"`
}

type courseItem struct {
	ShortName   string      `yaml:"short_name"`
	Name        string      `yaml:"name"`
	DefaultRole string      `yaml:"default_role"`
	Groups      []groupItem `yaml:"groups"`
}

type groupItem struct {
	Course string `yaml:"course"`
	ID     string `yaml:"id"`
	Name   string `yaml:"name"`
}

type idItem struct {
	ID   string `yaml:"id"`
	Name string `yaml:"name"`
}

type roleItem struct {
	ShortName string `yaml:"short_name"`
	ID        string `yaml:"id"`
	Name      string `yaml:"name"`
}

type themeItem struct {
	Name string `yaml:"name"`
}

type fieldItem struct {
	Name     string   `yaml:"name"`
	Type     string   `yaml:"type"`
	Options  []string `yaml:"options"`
	Required bool     `yaml:"required"`
	Unique   bool     `yaml:"unique"`
	For      string   `yaml:"for"`
}

func (i *siteItem) call(name string) { i.Name = name }

func (i *cohortItem) call(name string) {
	if roster.Numeric(name) {
		i.IDNumber = name
	} else {
		i.ID = name
	}
}

func (i *courseItem) call(name string) { i.ShortName = name }

func (i *groupItem) call(name string) {
	if roster.Numeric(name) {
		i.ID = name
	} else {
		i.Name = name
	}
}

func (i *idItem) call(name string)    { i.ID = name }
func (i *roleItem) call(name string)  { i.ShortName = name }
func (i *themeItem) call(name string) { i.Name = name }
func (i *fieldItem) call(name string) { i.Name = name }

func (i *cohortItem) title(text string) { i.Name = text }
func (i *courseItem) title(text string) { i.Name = text }
func (i *idItem) title(text string)     { i.Name = text }
func (i *roleItem) title(text string)   { i.Name = text }
func (i *fieldItem) title(text string)  { i.Type = text }

// UnmarshalText reads the short forms.
func (i *siteItem) UnmarshalText(text []byte) error   { i.call(string(text)); return nil }
func (i *cohortItem) UnmarshalText(text []byte) error { i.call(string(text)); return nil }
func (i *courseItem) UnmarshalText(text []byte) error { i.call(string(text)); return nil }
func (i *groupItem) UnmarshalText(text []byte) error  { i.call(string(text)); return nil }
func (i *idItem) UnmarshalText(text []byte) error     { i.call(string(text)); return nil }
func (i *roleItem) UnmarshalText(text []byte) error   { i.call(string(text)); return nil }
func (i *themeItem) UnmarshalText(text []byte) error  { i.call(string(text)); return nil }
func (i *fieldItem) UnmarshalText(text []byte) error  { i.call(string(text)); return nil }

// loadCatalog reads catalog.yaml, if the site names one. What is wrong with it
// stands in the errors, and the catalog is then what could be read of it.
func (s *Site) loadCatalog(d *document, dir string) Errors {
	if s.Catalog == "" {
		return nil
	}
	shown := s.Catalog
	if rel, err := filepath.Rel(s.Dir, s.Catalog); err == nil && filepath.IsLocal(rel) {
		shown = filepath.Join(dir, rel)
	}
	if err := ordinary(s.Catalog); err != nil {
		d.fault("catalog", codeFile, fmt.Sprintf("catalog: %v", err), "name the file of the catalog, or remove the key")
		return nil
	}
	c := open(shown)
	c.built = true // its groups are not those of a profile
	file := catalogFile{Version: 1}
	if c.root != nil {
		c.decode(c.root, reflect.ValueOf(&file).Elem(), "", 0)
	}
	version(c, file.Version)
	s.Listed = file.catalog(c)
	return c.errs.sorted()
}

// listed is an item with its place in the file.
type listed struct {
	roster.Item
	path string
}

// catalog checks all that the file says and makes one catalog of it.
func (f *catalogFile) catalog(d *document) *roster.Catalog {
	all := f.items()
	items := make([]roster.Item, len(all))
	if len(all) > catalog.MaxItems {
		d.addFile(fmt.Sprintf("lists more than %d items", catalog.MaxItems), "")
		return nil
	}
	for n := range all {
		items[n] = all[n].Item
		for _, fault := range catalog.Check(&items[n]) {
			path := join(all[n].path, fault.Path)
			d.fault(path, codeValue, sentence(path, fault.Text), fault.Hint)
		}
	}
	for _, c := range catalog.Clashes(items, true) {
		path := join(all[c.Item].path, c.Key)
		if d.blames(path) {
			continue
		}
		text := c.Text
		if c.Other >= 0 {
			if n := d.locate(all[c.Other].path, false); n != nil {
				text += fmt.Sprintf("; the first is in line %d", n.Line)
			}
		}
		d.fault(path, codeValue, text, c.Hint)
	}
	create := map[roster.Kind]bool{}
	for _, k := range slices.Sorted(maps.Keys(f.Unknown)) {
		path := join("unknown", k)
		kind := roster.Kind(k)
		if kind != roster.CohortKind && kind != roster.GroupKind {
			d.clash(path, codeValue, fmt.Sprintf("unknown: rows cannot create a %s", k), "write  cohort: create, or group: create")
			continue
		}
		d.word(path, f.Unknown[k], "create", "warn")
		create[kind] = f.Unknown[k] == "create"
	}
	lists := slices.ContainsFunc(items, func(i roster.Item) bool { return i.Kind == roster.RoleKind })
	for _, t := range slices.Sorted(maps.Keys(f.Types)) {
		path := join("types", t)
		role := f.Types[t]
		switch {
		case t != "1" && t != "2" && t != "3":
			d.clash(path, codeValue, fmt.Sprintf("types: there is no type %s", t), "write 1, 2 or 3")
		case role == "":
			d.fault(path, codeValue, path+" is empty", "write a role")
		case lists && !slices.ContainsFunc(items, func(i roster.Item) bool {
			return i.Kind == roster.RoleKind && slices.Contains(i.Answers(), role)
		}):
			d.fault(path, codeValue, fmt.Sprintf("there is no role %q", role), "list it under roles")
		}
	}
	return roster.NewCatalog(catalog.Sorted(catalog.WithSites(items)), create, f.Types)
}

// items are all items of the file, each with its place.
func (f *catalogFile) items() []listed {
	var all []listed
	add := func(path string, i roster.Item) { all = append(all, listed{i, path}) }
	at := func(list string, n int) string { return fmt.Sprintf("%s[%d]", list, n) }
	var sites func(path, above string, list []siteItem)
	sites = func(path, above string, list []siteItem) {
		for n, s := range list {
			name := strings.TrimPrefix(above+"/"+s.Name, "/")
			add(at(path, n), roster.Item{Kind: roster.SiteKind, Name: name})
			sites(join(at(path, n), "sites"), name, s.Sites)
		}
	}
	sites("sites", "", f.Sites)
	for n, c := range f.Cohorts {
		add(at("cohorts", n), roster.Item{Kind: roster.CohortKind, ID: c.ID, IDNumber: c.IDNumber, Name: c.Name})
	}
	group := func(path, course string, g groupItem) {
		if g.Course != "" {
			course = g.Course
		}
		add(path, roster.Item{Kind: roster.GroupKind, Course: course, ID: g.ID, Name: g.Name})
	}
	for n, c := range f.Courses {
		add(at("courses", n), roster.Item{Kind: roster.CourseKind, ShortName: c.ShortName, Name: c.Name, DefaultRole: c.DefaultRole})
		for m, g := range c.Groups {
			group(at(join(at("courses", n), "groups"), m), c.ShortName, g)
		}
	}
	for n, g := range f.Groups {
		group(at("groups", n), "", g)
	}
	for n, p := range f.Programs {
		add(at("programs", n), roster.Item{Kind: roster.ProgramKind, ID: p.ID, Name: p.Name})
	}
	for n, p := range f.Sessions {
		add(at("sessions", n), roster.Item{Kind: roster.SessionKind, ID: p.ID, Name: p.Name})
	}
	for n, r := range f.Roles {
		add(at("roles", n), roster.Item{Kind: roster.RoleKind, ShortName: r.ShortName, ID: r.ID, Name: r.Name})
	}
	for n, t := range f.Themes {
		add(at("themes", n), roster.Item{Kind: roster.ThemeKind, Name: t.Name})
	}
	for n, x := range f.Fields {
		add(at("fields", n), x.item())
	}
	return all
}

func (i *fieldItem) item() roster.Item {
	kind := i.Type
	if kind == "" {
		kind = roster.TextField
	}
	return roster.Item{Kind: roster.FieldKind, Name: i.Name, Type: kind, Options: i.Options, Required: i.Required, Unique: i.Unique, For: i.For}
}

// declare adds the profile fields of p to the catalog of the site, where that lacks
// them. Two profiles declare a field alike, for the accounts are the same.
func (s *Site) declare(p *Profile, d *document) {
	items := make([]roster.Item, len(p.Fields))
	for n := range p.Fields {
		path := fmt.Sprintf("fields[%d]", n)
		items[n] = p.Fields[n].item()
		for _, fault := range catalog.Check(&items[n]) {
			at := join(path, fault.Path)
			d.fault(at, codeValue, sentence(at, fault.Text), fault.Hint)
		}
		if slices.ContainsFunc(items[:n], func(i roster.Item) bool { return i.Name == items[n].Name }) {
			d.fault(path, codeTwice, fmt.Sprintf("the field %q stands twice", items[n].Name), "keep one of them")
		}
		if there, ok := s.Listed.Find(roster.FieldKind, "", items[n].Name); ok && there.Declared && !catalog.Same(there, &items[n]) {
			d.fault(path, codeValue, fmt.Sprintf("another profile declares the field %q otherwise", items[n].Name), "make them say the same, or list the field in the catalog, which goes before both")
		}
	}
	s.Listed = catalog.Declare(s.Listed, items)
}

// beside is where the keys of map: go that are no columns of fields.
func (p *Profile) beside() map[string]reflect.Value {
	places := map[string]reflect.Value{}
	into := reflect.ValueOf(&p.Memberships).Elem()
	for name, i := range fieldsOf(into.Type()) {
		places[join("map", name)] = into.Field(i)
	}
	return places
}
