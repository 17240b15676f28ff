package mapping

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"rollcall/internal/roster"
)

// A checker gathers faults.
type checker struct {
	o      Options
	forms  map[roster.Field]form
	faults []*roster.Fault
}

func (k *checker) fault(path, text, hint string) {
	k.faults = append(k.faults, &roster.Fault{Path: path, Text: text, Hint: hint})
}

// Validate reports everything that is wrong with the columns, by path below map.
func (o Options) Validate() []*roster.Fault {
	k := &checker{o: o, forms: o.forms()}
	if !slices.Contains([]string{"on", "off", "extended"}, o.standardise()) {
		k.fault("username", "accounts.standardise is none of on, off, extended", "")
	}
	for _, name := range slices.Sorted(maps.Keys(o.Map)) {
		c := o.Map[name]
		f, isField := feedField(name)
		switch {
		case isField:
			k.field(name, f, c)
		case name == passwordName:
			k.password(name, c)
		case strings.HasPrefix(name, "fields."):
			k.custom(name, c)
		case slices.Contains(controls, name):
			k.control(name, c)
		case notBuilt(name):
			k.fault(name, "this version cannot set it yet", "leave it out")
		default:
			k.fault(name, fmt.Sprintf("%q is not an account field", name), suggestion(name))
		}
	}
	k.memberships()
	k.lists()
	k.key()
	k.aside()
	return k.faults
}

// aside keeps the column of the password from all else: what a field or a
// membership says is stored and shown in clear (R80).
func (k *checker) aside() {
	secret := columnForm(k.o.Map[passwordName].From)
	if secret == "" {
		return
	}
	refuse := func(path, column string) {
		if columnForm(column) == secret {
			k.fault(path, "it uses the column of the password, which would then be stored and shown in clear", "name another column")
		}
	}
	for _, name := range slices.Sorted(maps.Keys(k.o.Map)) {
		if name == passwordName {
			continue
		}
		for _, column := range k.o.Map[name].columns() {
			refuse(name, column)
		}
	}
	k.o.memberColumns(false, func(path, column string) { refuse(strings.TrimPrefix(path, "map."), column) })
}

// lists keeps columns that have several values from what has one (each:).
func (k *checker) lists() {
	several := map[string]bool{}
	for _, name := range k.o.Lists() {
		several[columnForm(name)] = true
	}
	if len(several) == 0 {
		return
	}
	refuse := func(path, column string) {
		if several[columnForm(column)] {
			k.fault(path, fmt.Sprintf("%s has several values (each:), and this has one", column), "use the column in memberships alone, or leave each: out")
		}
	}
	for _, name := range slices.Sorted(maps.Keys(k.o.Map)) {
		for _, column := range k.o.Map[name].columns() {
			refuse(name, column)
		}
	}
	for _, kind := range k.o.Memberships.each() {
		for i, m := range kind.members {
			var lists []string
			for _, text := range []string{m.Template, m.Course, m.Role, m.Group} {
				t, err := parseTemplate(text)
				if err != nil {
					continue
				}
				for _, column := range t.columns() {
					if several[columnForm(column)] && !slices.Contains(lists, columnForm(column)) {
						lists = append(lists, columnForm(column))
					}
				}
			}
			path := memberPath(kind, i)
			switch {
			case len(lists) > 1:
				k.fault(path, "it speaks of two columns that have several values", "name one of them")
			case len(lists) == 1 && m.From != "":
				k.fault(path, fmt.Sprintf("%s has several values (each:), and a role or a group is one", lists[0]), "leave it out")
			case m.From != "" && several[columnForm(m.From)] && !m.Each:
				k.fault(path, fmt.Sprintf("%s has several values (each:) elsewhere", m.From), "write each: true here too")
			}
		}
	}
}

// notBuilt knows what the configuration has names for and accounts do not hold yet.
func notBuilt(name string) bool {
	return false
}

// key checks that records can be found at all (R40, R42).
func (k *checker) key() {
	name := k.o.keyTarget().String()
	if len(k.o.Map) == 0 {
		return
	}
	c := k.o.Map[name]
	unsaid := c.From == "" && c.Template == "" && c.Const == "" && !k.standIn(name)
	switch {
	case unsaid && k.o.Fallback && k.o.Map[roster.Username.String()].From != "":
	case unsaid:
		k.fault(name, "it is the profile's match.key, and map: does not say where it comes from", "write the name of its column")
	case c.Const != "":
		k.fault(name+".const", "everybody would have the same key", "write the name of its column")
	case k.o.Key == roster.Username && c.Template != "":
		k.fault(name+".template", "a username that is made cannot be the match key: it may be numbered, and names nobody for good", "match by another field, or write default: instead of template:")
	}
}

// field checks one account field.
func (k *checker) field(name string, f roster.Field, c Column) {
	k.origin(name, c, c.Default != "")
	k.table(name, c)
	k.words(name, c)
	k.lookup(name, c)
	normal := k.forms[f]
	isDate := f == roster.StartsOn || f == roster.ExpiresOn || f == roster.LastLoginAt
	if c.Date != "" && !isDate {
		k.fault(name+".date", name+" is no date", "leave date: out")
	}
	if isDate {
		d, err := newDater(c.Date, k.o.zone())
		if err != nil {
			k.fault(name+".date", err.Error(), dateHint(c.Date))
			return
		}
		normal = d.date
	}
	normal = within(f, normal)
	if f == roster.EmployeeID && c.Const != "" && name != k.o.keyTarget().String() { // of the key key says it
		k.fault(name+".const", "everybody would have the same employee ID", "write the name of its column")
	}
	if f != roster.Username && c.OnTaken != "" {
		k.fault(name+".on_taken", "only a username can be taken", "leave on_taken: out")
	}
	if f == roster.Username && c.Const != "" {
		k.fault(name+".const", "everybody would have the same username", "write the name of its column, or a template:")
	}
	if f == roster.Username || f == k.o.Key {
		if c.Blank == "clear" {
			k.fault(name+".blank", "an account is never left without it", "leave blank: out")
		}
		if c.OnInvalid == "blank" {
			k.fault(name+".on_invalid", "an account is never left without it", "write keep or reject")
		}
	}
	k.template(name, f, "template", c.Template, normal)
	k.template(name, f, "default", c.Default, normal)
	if f == roster.Username {
		return // its template makes other names than a file may say
	}
	if len(c.Transform) == 0 {
		if err := check(normal, tidy(c.Const)); err != nil {
			k.fault(name+".const", err.Error(), "")
		}
	}
}

// template checks a template, and what it makes where it has no places.
func (k *checker) template(name string, f roster.Field, key, text string, normal form) {
	if text == "" {
		return
	}
	path := name + "." + key
	t, err := parseTemplate(text)
	if err != nil {
		k.fault(path, err.Error(), "")
		return
	}
	if t.uses(aFinal) && (f == roster.Username || f == k.o.Key) {
		k.fault(path, "%u is the final username, which is known only after this", "use %f, %l or {Column}")
	}
	names := map[byte]roster.Field{aFirst: roster.FirstName, aLast: roster.LastName}
	for _, code := range []byte{aFirst, aLast} {
		if !t.uses(code) || f != roster.FirstName && f != roster.LastName {
			continue
		}
		if of := names[code]; of == f || key == "template" && k.o.Map[of.String()].Template != "" {
			k.fault(path, fmt.Sprintf("%%%c is %s, which is itself made by a template", code, of), "use {Column}")
		}
	}
	fixed, ok := t.fixed()
	if !ok || f == roster.Username && columnForm(fixed) != "" {
		return
	}
	if columnForm(fixed) == "" {
		k.fault(path, "it is only white space, and makes no value", "write a text, %f, %l or {Column}, or leave it out")
		return
	}
	if key == "default" && (f == roster.EmployeeID || name == k.o.keyTarget().String()) {
		k.fault(path, "everybody without one would be known by the same", "leave it out, or use %f, %l or {Column}")
		return
	}
	for _, pipe := range pipesOf(k.knownTransforms(name)) {
		fixed = pipe(fixed)
	}
	if err := check(normal, tidy(fixed)); err != nil {
		k.fault(path, err.Error(), "")
	}
}

func (k *checker) knownTransforms(name string) []string {
	known := transforms()
	return slices.DeleteFunc(slices.Clone(k.o.Map[name].Transform), func(t string) bool { return known[t] == nil })
}

// control checks one of the columns that are no field.
func (k *checker) control(name string, c Column) {
	k.origin(name, c, false)
	k.table(name, c)
	for _, key := range []struct{ name, value string }{
		{"template", c.Template},
		{"default", c.Default},
		{"date", c.Date},
		{"blank", c.Blank},
		{"on_invalid", c.OnInvalid},
		{"on_taken", c.OnTaken},
		{"set", string(c.Set)},
		{"lookup", c.Lookup},
	} {
		if key.value != "" {
			k.fault(name+"."+key.name, name+" is no account field and has no "+key.name+":", "leave it out")
		}
	}
	var allowed []string
	switch name {
	case status:
		allowed = []string{"active", "suspended", "leave", "leaver"}
	case suspended, deleted:
		allowed = []string{"0", "1"}
	default:
		if c.Const != "" {
			k.fault(name+".const", "everybody would have had the same name", "write the name of its column")
		}
		return
	}
	word := func(path, v string) {
		if v != "" && !slices.Contains(allowed, v) {
			k.fault(path, fmt.Sprintf("%q is none of %s", v, strings.Join(allowed, ", ")), "")
		}
	}
	word(name+".const", c.Const)
	for _, from := range slices.Sorted(maps.Keys(c.Values)) {
		word(name+".values", c.Values[from])
	}
	if c.Other != "reject" && c.Other != "keep" {
		word(name+".other", c.Other)
	}
}

// origin checks where a value comes from: one place, or a default alone.
func (k *checker) origin(name string, c Column, hasDefault bool) {
	var ways []string
	for _, way := range []struct{ name, value string }{{"from", c.From}, {"template", c.Template}, {"const", c.Const}} {
		if way.value != "" {
			ways = append(ways, way.name+":")
		}
	}
	if c.Const != "" && columnForm(c.Const) == "" {
		k.fault(name+".const", "it is only white space, and says nothing", "write the value, or leave const: out")
	}
	switch {
	case len(ways) > 1:
		k.fault(name, strings.Join(ways, " and ")+" exclude each other", "leave one of them; default: may stand beside any")
	case len(ways) == 0 && !hasDefault:
		k.fault(name, "it does not say where the value comes from", "write from: and the name of a column, template:, const: or default:")
	}
	switch {
	case c.From == "":
	case columnForm(c.From) == "":
		k.fault(name+".from", "a column's name is missing", "")
	case hasControl(c.From):
		k.fault(name+".from", "a control character, which no column's name has", "remove it")
	case strings.Contains(c.From, "{") && strings.Contains(c.From, "}"):
		k.fault(name+".from", "it is the name of a column, not a template", "write {template: …}")
	}
}

// table checks the code table.
func (k *checker) table(name string, c Column) {
	if len(c.Values) > 0 && c.From == "" {
		k.fault(name+".values", "there is no column whose values it could translate", "write from:")
	}
	if c.Other != "" && len(c.Values) == 0 {
		k.fault(name+".other", "other: is for what values: lacks, and there is no values:", "write values:, or leave other: out")
	}
	for _, t := range c.Transform {
		if transforms()[t] == nil {
			k.fault(name+".transform", fmt.Sprintf("%q is no transform", t), "write some of "+transformNames())
		}
	}
}

// words checks the keys that allow a few words.
func (k *checker) words(name string, c Column) {
	for _, key := range []struct {
		name, value string
		allowed     []string
	}{
		{"blank", c.Blank, []string{"keep", "clear"}},
		{"on_invalid", c.OnInvalid, []string{"keep", "blank", "reject"}},
		{"on_taken", c.OnTaken, []string{"number", "reject"}},
		{"set", string(c.Set), []string{string(roster.SetAlways), string(roster.SetOnce), string(roster.SetIfEmpty), string(roster.SetUntilEdited)}},
	} {
		if key.value == "" || slices.Contains(key.allowed, key.value) {
			continue
		}
		k.fault(name+"."+key.name, fmt.Sprintf("%q is none of %s", key.value, strings.Join(key.allowed, ", ")), "write one of "+strings.Join(key.allowed, ", "))
	}
}

// suggestion is the hint for a name that is no field.
func suggestion(name string) string {
	names := append(append(slices.Clone(controls), passwordName), MembershipKeys()...)
	for _, f := range roster.FeedFields() {
		names = append(names, f.String())
	}
	if like := suggest(name, names); like != "" {
		return fmt.Sprintf("did you mean %q?", like)
	}
	return "write one of " + strings.Join(names, ", ")
}

// dateHint knows the two usual ways of writing a layout otherwise.
func dateHint(layout string) string {
	for _, like := range []string{isoDate, "DD.MM.YYYY", "DD/MM/YYYY", "MM/DD/YYYY", "YYYYMMDD", "D.M.YYYY"} {
		if strings.EqualFold(layout, like) {
			return fmt.Sprintf("did you mean %q?", like)
		}
	}
	return "write it like YYYY-MM-DD, DD.MM.YYYY, MM/DD/YYYY HH:mm:ss, unix, filetime or generalized"
}
