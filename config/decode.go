package config

import (
	"encoding"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v4"

	"rollcall/internal/mapping"
	"rollcall/internal/roster"
	"rollcall/internal/secret"
)

// decode reads n into v, strictly: what v does not have is an error, and so is
// what has another type. Nothing is guessed from how a value looks: a text that
// consists of digits stays the text that was written. What a failed value would
// have set keeps its default, and reading goes on, so that all errors are shown.
func (d *document) decode(n *yaml.Node, v reflect.Value, path string, depth int) {
	at := n
	if n = d.enter(n, path, depth); n == nil {
		return
	}
	if d.refuseValue(at, n, v.Type(), path) {
		return
	}
	if v.Kind() == reflect.Pointer {
		fresh := reflect.New(v.Type().Elem())
		if !v.IsNil() {
			fresh.Elem().Set(v.Elem())
		}
		before := len(d.errs)
		d.decode(n, fresh.Elem(), path, depth)
		if len(d.errs) == before { // else what is absent is a better guess than what is empty
			v.Set(fresh)
		}
		return
	}
	if n.Kind == yaml.ScalarNode {
		d.scalar(at, n, v, path)
		return
	}
	switch {
	case n.Kind == yaml.MappingNode && v.Kind() == reflect.Struct:
		d.block(n, v, path, depth)
	case n.Kind == yaml.MappingNode && v.Kind() == reflect.Map:
		d.table(n, v, path, depth)
	case n.Kind == yaml.SequenceNode && v.Kind() == reflect.Slice:
		d.list(n, v, path, depth)
	case n.Kind == yaml.MappingNode && v.Type() == reflect.TypeFor[[]mapping.Member](): // one instead of a list
		fresh := reflect.MakeSlice(v.Type(), 1, 1)
		d.decode(n, fresh.Index(0), path, depth+1)
		v.Set(fresh)
	case n.Kind == yaml.MappingNode && v.Kind() == reflect.Slice && reflect.PointerTo(v.Type().Elem()).Implements(reflect.TypeFor[caller]()):
		d.called(n, v, path, depth)
	default:
		d.wrongKind(at, n, v.Type(), path)
	}
}

// enter counts the visit, follows an alias and refuses tags.
func (d *document) enter(n *yaml.Node, path string, depth int) *yaml.Node {
	d.visited++
	switch {
	case d.visited == maxNodes+1:
		d.add(n, codeSyntax, "the file has too many values", "an alias counts each time that it is used")
		return nil
	case d.visited > maxNodes:
		return nil
	case depth > maxDepth:
		d.fail(n, path, codeSyntax, fmt.Sprintf("nested deeper than %d levels", maxDepth), "")
		return nil
	}
	if n.Kind == yaml.AliasNode {
		if n = n.Alias; n == nil || n.Kind == yaml.AliasNode {
			return nil
		}
	}
	if n.Style&yaml.TaggedStyle != 0 {
		d.fail(n, path, codeType, "a tag that begins with ! means nothing here", "remove it; a text that begins with ! stands in quotes")
		return nil
	}
	return n
}

// block reads a mapping into a struct.
func (d *document) block(n *yaml.Node, v reflect.Value, path string, depth int) {
	fields := fieldsOf(v.Type())
	known := make([]string, 0, len(fields))
	for name := range fields {
		known = append(known, name)
	}
	isSecret := v.Type() == reflect.TypeFor[secret.Ref]()
	d.pairs(n, path, isSecret, func(key, value *yaml.Node, sub string) {
		i, ok := fields[key.Value]
		if !ok {
			d.unknown(key, path, sub, known, isSecret)
			return
		}
		d.decode(value, v.Field(i), sub, depth+1)
	})
	if isSecret {
		ref := v.Interface().(secret.Ref)
		if err := ref.Validate(); err != nil {
			d.fail(n, path, codeType, path+" "+err.Error(), "")
		} else if ref.IsZero() {
			d.fail(n, path, codeType, path+" names no place", "write {file: PATH}, {env: NAME} or {credential: NAME}")
		}
	}
}

// unknown notes a key that a block does not have. Under a secret the key
// itself may be one.
func (d *document) unknown(key *yaml.Node, path, sub string, known []string, isSecret bool) {
	in := ""
	if path != "" {
		in = " in " + path
	}
	text, hint := fmt.Sprintf("unknown key %q%s", key.Value, in), suggest(key.Value, known)
	switch {
	case isSecret:
		text, hint = "unknown key"+in, "write {file: PATH}, {env: NAME} or {credential: NAME}"
	case hint != "":
	case strings.HasSuffix(key.Value, "_file") && slices.Contains(known, strings.TrimSuffix(key.Value, "_file")):
		hint = fmt.Sprintf("write %s: {file: PATH}", strings.TrimSuffix(key.Value, "_file"))
	case strings.HasSuffix(key.Value, "_env") && slices.Contains(known, strings.TrimSuffix(key.Value, "_env")):
		hint = fmt.Sprintf("write %s: {env: NAME}", strings.TrimSuffix(key.Value, "_env"))
	default:
		if homes := homesOf(key.Value); len(homes) > 0 {
			hint = "it belongs under " + strings.Join(homes, ", or ")
		} else if len(known) > 0 {
			hint = "known here: " + strings.Join(slices.Sorted(slices.Values(known)), ", ")
		}
	}
	d.fail(key, sub, codeUnknown, text, hint)
	if meant := nearest(key.Value, known); meant != "" && !isSecret {
		d.misspelt = append(d.misspelt, join(path, meant))
	}
}

// table reads a mapping into a map. A value that the map already has, or its
// "default", is what the new one starts from.
func (d *document) table(n *yaml.Node, v reflect.Value, path string, depth int) {
	fresh := reflect.MakeMap(v.Type())
	start := v.MapIndex(reflect.ValueOf("default"))
	if start.IsValid() {
		fresh.SetMapIndex(reflect.ValueOf("default"), start)
	}
	d.pairs(n, path, false, func(key, value *yaml.Node, sub string) {
		if own, ok := d.beside[sub]; ok {
			d.decode(value, own, sub, depth+1)
			return
		}
		elem := reflect.New(v.Type().Elem()).Elem()
		if start.IsValid() {
			elem.Set(start)
		}
		d.decode(value, elem, sub, depth+1)
		fresh.SetMapIndex(reflect.ValueOf(key.Value), elem)
	})
	v.Set(fresh)
}

// pairs gives out the pairs of a mapping whose key is a text, new and built.
func (d *document) pairs(n *yaml.Node, path string, isSecret bool, each func(key, value *yaml.Node, sub string)) {
	seen := make(map[string]int, len(n.Content)/2)
	for i := 0; i+1 < len(n.Content); i += 2 {
		key, value := n.Content[i], n.Content[i+1]
		if key.Kind == yaml.AliasNode && key.Alias != nil {
			key = key.Alias
		}
		switch {
		case key.Kind != yaml.ScalarNode || key.Value == "":
			d.fail(key, join(path, fmt.Sprintf("\x00%d:%d", key.Line, key.Column)), codeType, "a key is a single word", "")
			continue
		case key.Tag == "!!merge":
			d.fail(key, join(path, "<<"), codeType, "merging with << is not possible", "repeat the keys, or use an alias for the whole value")
			continue
		case controlled(key.Value):
			d.fail(key, join(path, fmt.Sprintf("\x00%d:%d", key.Line, key.Column)), codeType, "a key with a control character", "remove it: no name of a column and no word of a file has one")
			continue
		}
		sub := join(path, key.Value)
		if first, ok := seen[key.Value]; ok {
			name := " " + strconv.Quote(key.Value)
			if isSecret {
				name = ""
			}
			d.add(key, codeTwice, "the key"+name+" stands twice", fmt.Sprintf("the first is in line %d; keep one", first))
			continue
		}
		seen[key.Value] = key.Line
		if what := notBuilt(sub); what != "" && !d.built {
			d.fail(key, sub, codeNotBuilt, fmt.Sprintf("%s is not built yet", sub), "remove it (to come: "+what+")")
			continue
		}
		d.marks[sub] = mark{key, value}
		each(key, value, sub)
	}
}

// list reads a sequence into a slice.
func (d *document) list(n *yaml.Node, v reflect.Value, path string, depth int) {
	fresh := reflect.MakeSlice(v.Type(), len(n.Content), len(n.Content))
	for i, c := range n.Content {
		sub := fmt.Sprintf("%s[%d]", path, i)
		d.marks[sub] = mark{nil, c}
		d.decode(c, fresh.Index(i), sub, depth+1)
	}
	v.Set(fresh)
}

// called reads a mapping into a slice: each key is what an element is called by.
func (d *document) called(n *yaml.Node, v reflect.Value, path string, depth int) {
	fresh := reflect.MakeSlice(v.Type(), 0, len(n.Content)/2)
	d.pairs(n, path, false, func(key, value *yaml.Node, _ string) {
		elem := reflect.New(v.Type().Elem())
		elem.Interface().(caller).call(key.Value)
		sub := fmt.Sprintf("%s[%d]", path, fresh.Len())
		d.marks[sub] = mark{key, value}
		if t, ok := elem.Interface().(titled); ok && value.Kind == yaml.ScalarNode && value.Tag != "!!null" {
			t.title(value.Value)
		} else if value.Kind == yaml.ScalarNode && value.Tag != "!!null" {
			d.wrongKind(value, value, v.Type().Elem(), sub)
		} else if value.Tag != "!!null" {
			d.decode(value, elem.Elem(), sub, depth+1)
			elem.Interface().(caller).call(key.Value) // its key is its name, whatever else it says
		}
		fresh = reflect.Append(fresh, elem.Elem())
	})
	v.Set(fresh)
}

// scalar reads a single value.
func (d *document) scalar(at, n *yaml.Node, v reflect.Value, path string) {
	t := v.Type()
	if n.Tag == "!!null" && n.Style&(yaml.SingleQuotedStyle|yaml.DoubleQuotedStyle) == 0 {
		if _, text := v.Addr().Interface().(encoding.TextUnmarshaler); text || t.Kind() != reflect.Struct || shorthands[t] != nil {
			if m := d.marks[path]; m.key != nil {
				at = m.key // where there is no value there is nothing to point at
			}
			d.fail(at, path, codeType, path+" has no value", "write one, or remove the key")
		}
		return // a block all of whose keys are left out
	}
	if t == reflect.TypeFor[secret.Ref]() {
		last := path[strings.LastIndexByte(path, '.')+1:]
		d.fail(at, path, codeSecret, path+" holds a secret in clear",
			fmt.Sprintf("write %s: {file: PATH}, {env: NAME} or {credential: NAME}; and change the secret, it has been seen", last))
		return
	}
	if err := set(v, n.Value); err != nil {
		text, hint := path+": "+err.Error(), ""
		if h, ok := errors.AsType[*hinted](err); ok {
			text, hint = path+" "+h.text, h.hint
		}
		if _, ok := errors.AsType[*wrongType](err); ok {
			d.wrongKind(at, n, t, path)
			return
		}
		code := codeType
		if _, ok := errors.AsType[*roster.UnknownFieldError](err); ok {
			code, text, hint = codeValue, path+": "+err.Error(), suggest(n.Value, feedFieldNames())
		}
		d.fail(at, path, code, text, hint)
	}
}

// wrongKind refuses a block, a list or a single value where another of them belongs.
func (d *document) wrongKind(at, n *yaml.Node, t reflect.Type, path string) {
	hint := ""
	if n.Kind == yaml.ScalarNode && t.Kind() == reflect.Slice {
		hint = "put it in brackets"
	}
	d.fail(at, path, codeType, fmt.Sprintf("%s wants %s, not %s", named(path), wanted(t), kind(n)), hint)
}

// set reads text into v: by the shorthand of its type, by the type's own
// reading, or by its kind.
func set(v reflect.Value, text string) error {
	if short := shorthands[v.Type()]; short != nil {
		return short(v, text)
	}
	if u, ok := v.Addr().Interface().(encoding.TextUnmarshaler); ok {
		return u.UnmarshalText([]byte(text))
	}
	return setKind(v, text)
}

// fieldsOf lists the keys of a struct.
func fieldsOf(t reflect.Type) map[string]int {
	fields := map[string]int{}
	for i := range t.NumField() {
		name, _, _ := strings.Cut(t.Field(i).Tag.Get("yaml"), ",")
		if name != "" && name != "-" {
			fields[name] = i
		}
	}
	return fields
}

// homesOf lists the blocks of a site or a profile that do have the key.
func homesOf(key string) []string {
	var homes []string
	for _, t := range []reflect.Type{reflect.TypeFor[Profile](), reflect.TypeFor[Site]()} {
		for _, f := range reflect.VisibleFields(t) {
			name := f.Tag.Get("yaml")
			if name == "" || name == "-" || f.Type.Kind() != reflect.Struct {
				continue
			}
			if _, ok := fieldsOf(f.Type)[key]; ok {
				homes = append(homes, name)
			}
		}
	}
	return homes
}

func join(path, key string) string {
	if path == "" {
		return key
	}
	return path + "." + key
}

// named is path in a message.
func named(path string) string {
	if path == "" {
		return "the file"
	}
	return path
}

// kind names what a node is.
func kind(n *yaml.Node) string {
	switch n.Kind {
	case yaml.MappingNode:
		return "a block of keys"
	case yaml.SequenceNode:
		return "a list"
	default:
		return "a single value"
	}
}

// wanted names what a type takes.
func wanted(t reflect.Type) string {
	if w, ok := wants[t]; ok {
		return w
	}
	switch t.Kind() {
	case reflect.Pointer:
		return wanted(t.Elem())
	case reflect.Slice:
		return "a list, like [a, b]"
	case reflect.Map, reflect.Struct:
		return "a block of keys"
	case reflect.Bool:
		return "on or off"
	case reflect.Int, reflect.Int64, reflect.Float64:
		return "a number"
	default:
		return "a text"
	}
}
