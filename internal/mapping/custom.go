package mapping

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"rollcall/internal/roster"
)

// maxCustom is the most characters of a custom text field (R21).
const maxCustom = 255

// A target is the field that a value is for.
type target struct {
	field  roster.Field
	custom string // the catalog's name of a [roster.CustomField]
}

func (t target) String() string {
	if t.field == roster.CustomField {
		return string(roster.CustomName(t.custom))
	}
	return t.field.String()
}

// say sets the field; "" clears it.
func (t target) say(e *roster.Entry, v string) {
	if t.field == roster.CustomField {
		e.Say(roster.CustomSaid{Name: t.custom, Value: v})
		return
	}
	e.Values[t.field], e.Set = v, e.Set.With(t.field)
}

// said is what the entry says of the field so far.
func (t target) said(e *roster.Entry) string {
	if t.field == roster.CustomField {
		return e.Value(roster.CustomName(t.custom))
	}
	return e.Values[t.field]
}

// propose sets what the field of a new account is where the record says nothing (R53).
func (t target) propose(e *roster.Entry, v string) {
	if t.field == roster.CustomField {
		e.Say(roster.CustomSaid{Name: t.custom, Value: v, Default: true})
		return
	}
	e.Defaults[t.field], e.HasDef = v, e.HasDef.With(t.field)
}

// unsay takes back what the entry says of the field.
func (t target) unsay(e *roster.Entry) {
	if t.field == roster.CustomField {
		e.Custom = slices.DeleteFunc(slices.Clone(e.Custom), func(c roster.CustomSaid) bool { return c.Name == t.custom && !c.Default })
		return
	}
	e.Set = e.Set.Without(t.field)
}

// keyTarget is the match key.
func (o Options) keyTarget() target {
	if o.Key == roster.CustomField {
		name, _ := o.KeyName.Custom()
		return target{o.Key, name}
	}
	return target{field: o.Key}
}

// keyForm is the normal form of the match key, and of previous_key. A custom field
// can be the key if no two accounts share it (R27).
func (o Options) keyForm(normal func(roster.Field) form) (form, error) {
	if o.Key != roster.CustomField {
		return normal(o.Key), nil
	}
	name := o.keyTarget().custom
	item, found := o.Catalog.Find(roster.FieldKind, "", name)
	refuse := func(text, fix string) error {
		return &roster.Refusal{Code: "E211", Text: "match.key: " + text, Fix: fix}
	}
	switch {
	case !found:
		return nil, refuse(fmt.Sprintf("the catalog has no profile field %q", cut(name, 60)), o.unlisted(name))
	case item.For != "":
		return nil, refuse(fmt.Sprintf("the profile field %q is the %s", cut(name, 60), item.For), "write match.key: "+item.For)
	case !item.Unique:
		return nil, refuse(fmt.Sprintf("several accounts may have the same %q", cut(name, 60)), "write unique: on for the field in the catalog, or match by another one")
	}
	return o.customForm(item, o.Map[string(o.KeyName)].Date)
}

// customName is what the catalog would call the custom field of a key of map.
func customName(key string) (name string, ok bool) { return roster.Name(key).Custom() }

// ByName is the prefix of files whose columns are called what their custom fields
// are, without more: a column that the map does not use and the catalog knows is one.
const ByName = "*"

// prefixed adds the columns of the drop that say a custom field by their names, as
// profile_field_shoe does in the upload tools (R27). What map: says goes before it.
// A column of a preset that the drop lacks is then none, so that such a field can
// be the employee ID.
func (o Options) prefixed(columns map[string]Column, h header) map[string]Column {
	if o.FieldPrefix == "" {
		return columns
	}
	fresh := maps.Clone(columns)
	used := map[string]bool{}
	for _, c := range columns {
		for _, column := range c.columns() {
			used[columnForm(column)] = true
		}
	}
	o.memberColumns(false, func(_, column string) { used[columnForm(column)] = true })
	for _, column := range h.names {
		name, ok := strings.CutPrefix(columnForm(column), columnForm(o.FieldPrefix))
		if byName := o.FieldPrefix == ByName; byName {
			name, ok = columnForm(column), !used[columnForm(column)]
		}
		if !ok || name == "" {
			continue
		}
		name = o.spelt(written(column, name))
		if _, found := o.Catalog.Find(roster.FieldKind, "", name); !found && o.FieldPrefix == ByName {
			continue
		}
		key := string(roster.CustomName(name))
		if said, twice := fresh[key]; twice && !(said.Optional && h.find(said.From) < 0) {
			continue
		}
		fresh[key] = Column{From: column, Optional: true}
		if item, found := o.Catalog.Find(roster.FieldKind, "", name); found && item.For != "" {
			if c := fresh[item.For]; c.Optional && h.find(c.From) < 0 {
				delete(fresh, item.For)
			}
		}
	}
	return fresh
}

// written is the end of a column's name whose form is given, with its capitals.
func written(column, form string) string {
	column = strings.TrimSpace(column)
	if len(form) > len(column) {
		return form
	}
	return column[len(column)-len(form):]
}

// spelt is a custom field's name as the catalog has it: as it is written, or in
// lower case, as files are taken whose header a spreadsheet has raised.
func (o Options) spelt(name string) string {
	if _, found := o.Catalog.Find(roster.FieldKind, "", name); found {
		return name
	}
	if _, found := o.Catalog.Find(roster.FieldKind, "", roster.Fold(name)); found {
		return roster.Fold(name)
	}
	return name
}

// resolve finds the custom fields of the columns in the catalog. One that is for
// the employee ID says that field (R27); one that the catalog does not have
// refuses the drop (E211).
func (o Options) resolve(columns map[string]Column) (map[string]Column, error) {
	fresh := columns
	var unlisted []string // keys
	for _, key := range slices.Sorted(maps.Keys(columns)) {
		name, ok := customName(key)
		if !ok {
			continue
		}
		item, found := o.Catalog.Find(roster.FieldKind, "", name)
		if !found {
			unlisted = append(unlisted, key)
			continue
		}
		if item.For != roster.EmployeeID.String() {
			continue
		}
		if _, both := columns[item.For]; both {
			return nil, &roster.Refusal{
				Code: "E211", Column: cut(columns[key].From, 60), Text: fmt.Sprintf("the profile field %q is the employee_id, which has a column of its own", cut(name, 60)),
				Fix: "take one of the two out of map: in the profile",
			}
		}
		fresh = maps.Clone(fresh)
		fresh[item.For] = columns[key]
		delete(fresh, key)
	}
	if len(unlisted) > 0 {
		return nil, o.noSuchFields(columns, unlisted)
	}
	return fresh, nil
}

// maxTold is how many custom fields that the catalog lacks one refusal names.
const maxTold = 20

// noSuchFields refuses a drop for custom fields that the catalog lacks: all of them
// at once.
func (o Options) noSuchFields(columns map[string]Column, keys []string) *roster.Refusal {
	var names, more []string
	for _, key := range keys {
		name, _ := customName(key)
		names = append(names, name)
		more = append(more, fmt.Sprintf("%q (column %q)", cut(name, 60), cut(columns[key].From, 60)))
	}
	r := &roster.Refusal{Code: "E211", Column: cut(columns[keys[0]].From, 60), Text: fmt.Sprintf("the catalog has no profile field %q", cut(names[0], 60)), Fix: o.unlisted(names...)}
	if more = more[1:]; len(more) > maxTold {
		more = append(more[:maxTold:maxTold], fmt.Sprintf("%d others", len(more)-maxTold))
	}
	if len(more) > 0 {
		r.Text += ", nor " + strings.Join(more, ", nor ")
	}
	return r
}

// unlisted is what to do about custom fields that the catalog lacks.
func (o Options) unlisted(names ...string) string {
	var known, like, declared []string
	for _, f := range o.Catalog.Fields() {
		known = append(known, f.Name)
	}
	for _, name := range names {
		if near := suggest(name, known); near != "" {
			like = append(like, "fields."+near)
		}
		if len(declared) < maxTold {
			declared = append(declared, plainly(name)+": text")
		}
	}
	fix := fmt.Sprintf("write fields: {%s} in the profile (text, date, menu or checkbox), list it under fields: of the file that catalog: in rollcall.yaml names or of one for rollcall catalog import, or take it out of the file", strings.Join(declared, ", "))
	if len(like) > 0 {
		return "did you mean " + strings.Join(like, ", ") + "? Else " + fix
	}
	return fix
}

// plainly is a name as YAML takes it for a key.
func plainly(name string) string {
	name = cut(name, 60)
	if strings.Trim(roster.Fold(name), "abcdefghijklmnopqrstuvwxyz0123456789_") == "" && strings.Trim(name, "0123456789") != "" {
		return name
	}
	return fmt.Sprintf("%q", name)
}

// customField takes a custom field's column, template and default.
func (m *Mapper) customField(o Options, name string, c Column) error {
	item, _ := o.Catalog.Find(roster.FieldKind, "", name)
	normal, err := o.customForm(item, c.Date)
	if err != nil {
		return err
	}
	if (target{roster.CustomField, name}) == m.key {
		inner := normal
		normal = func(s string) (string, *flaw) { return inner(string(roster.NormalKey(s))) }
	}
	if c.Max > 0 {
		normal = atMost(c.Max, normal)
	}
	return m.take(o, target{roster.CustomField, name}, c, normal, normal)
}

// customForm is the normal form of a custom field's values (R27). A wrong value is
// a warning, as for every field that nobody needs (R7).
func (o Options) customForm(item *roster.Item, layout string) (form, error) {
	switch item.Type {
	case roster.DateField:
		d, err := newDater(layout, o.zone())
		if err != nil {
			return nil, err
		}
		return func(s string) (string, *flaw) {
			v, wrong := d.date(s)
			return v[:min(len(v), len(isoDate))], wrong
		}, nil
	case roster.MenuField:
		return oneOf(item.Options), nil
	case roster.CheckboxField:
		wrong := &flaw{code: "E115", text: "not 0 or 1", warn: true}
		return func(s string) (string, *flaw) {
			if s != "0" && s != "1" {
				return "", wrong
			}
			return s, nil
		}, nil
	}
	tooLong := &flaw{code: "E118", text: fmt.Sprintf("longer than %d characters", maxCustom)}
	return func(s string) (string, *flaw) {
		if longer(s, maxCustom) {
			return "", tooLong
		}
		return s, nil
	}, nil
}

// CustomModes are the modes of the custom fields (R51), for the planner, by the
// catalog's names; nil where there are none but the usual.
func (o Options) CustomModes() map[string]roster.SetMode {
	var modes map[string]roster.SetMode
	for key, c := range o.Map {
		if name, ok := customName(key); ok && c.Set != "" && c.Set != roster.SetAlways {
			if modes == nil {
				modes = map[string]roster.SetMode{}
			}
			modes[name] = c.Set
		}
	}
	return modes
}

// custom checks a custom field, as far as can be told without the imported part
// of the catalog.
func (k *checker) custom(name string, c Column) {
	k.origin(name, c, c.Default != "")
	k.table(name, c)
	k.words(name, c)
	k.lookup(name, c)
	if c.OnTaken != "" {
		k.fault(name+".on_taken", "only a username can be taken", "leave on_taken: out")
	}
	called, _ := customName(name)
	if called == "" {
		k.fault(name, "the name of a profile field is missing", "write fields.NAME, as the catalog calls it")
		return
	}
	item, found := k.o.Catalog.Find(roster.FieldKind, "", called)
	if !found {
		item = &roster.Item{Type: roster.TextField}
		if c.Date != "" {
			item.Type = roster.DateField
		}
	}
	if c.Date != "" && item.Type != roster.DateField {
		k.fault(name+".date", name+" is no date", "leave date: out")
		return
	}
	normal, err := k.o.customForm(item, c.Date)
	if err != nil {
		k.fault(name+".date", err.Error(), dateHint(c.Date))
		return
	}
	k.template(name, roster.CustomField, "template", c.Template, normal)
	k.template(name, roster.CustomField, "default", c.Default, normal)
	if len(c.Transform) == 0 {
		if err := check(normal, tidy(c.Const)); err != nil {
			k.fault(name+".const", err.Error(), "")
		}
	}
}

// standIn tells whether a custom field says, or may say, an account field (R27): of
// one that the file of the catalog does not have it is not known.
func (k *checker) standIn(field string) bool {
	for key := range k.o.Map {
		if name, ok := customName(key); ok {
			if item, found := k.o.Catalog.Find(roster.FieldKind, "", name); !found || item.For == field {
				return true
			}
		}
	}
	return false
}

// impliedCustom maps the columns that bear the name of a custom field.
func impliedCustom(h header, columns map[string]Column) {
	for _, name := range h.names {
		form := columnForm(name)
		if called, ok := customName(form); ok && called != "" {
			columns[string(roster.CustomName(written(name, called)))] = Column{From: name}
		}
	}
}
