package source

import (
	"bytes"
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"rollcall/internal/roster"
)

// Bounds of what is looked up to know that the drop before still has people's names.
const (
	maxPlaces    = 2_000 // entries below which people lie
	maxRegrouped = 500   // people who are in other groups, and have not changed themselves
)

// regroup makes changes of those who are in other groups than in the drop before, though
// they have not changed themselves. All groups have been read; of people the drop before
// has what groups know them by. That is still so where each place below which they lie is
// the entry that it was, for whoever is renamed or moved there has changed himself. Who
// has left unseen is found by his name, before he gets or loses anything for it.
func (d *directory) regroup(ctx context.Context, since *Since, c *changes, b *book, m *mark) error {
	if b == nil {
		return nil
	}
	p, f, err := d.earlier(since)
	if err != nil {
		return err
	}
	defer f.Close()
	s := newSearch(d.options, nil, nil) // for the order of attributes
	before, after := map[string]bool{}, map[string]bool{}
	others := map[string][]byte{}
	for {
		anchor, text, err := p.next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return err
		}
		entry, next := b.again(text, s)
		if entry == nil {
			return errEarlier
		}
		note(before, entry)
		if _, has := c.texts[anchor]; has || c.gone[anchor] {
			continue
		}
		note(after, entry)
		if next == nil {
			continue
		}
		if len(others) == maxRegrouped {
			return &doubt{text: fmt.Sprintf("more than %d people are in other groups than the last time", maxRegrouped)}
		}
		if there, err := d.look(ctx, d.wire, string(entry), []string{d.options.anchor()}); err != nil {
			return err
		} else if there[p.anchor] != anchor {
			return &doubt{text: "somebody who is in other groups than the last time is no longer where he was"}
		}
		others[anchor] = next
	}
	for _, text := range c.texts {
		entry, _ := b.again(text, s)
		note(after, entry)
	}
	known := map[string]string{}
	if was, err := d.places(ctx, before, known); err != nil {
		return err
	} else if was != m.Places {
		return &doubt{text: "an entry below which people lie has another name now, or is gone"}
	}
	if m.Places, err = d.places(ctx, after, known); err != nil {
		return err
	}
	for _, anchor := range slices.Sorted(maps.Keys(others)) {
		if err := c.keep(anchor, others[anchor]); err != nil {
			return err
		}
	}
	return nil
}

// note notes below which entry another one lies.
func note(places map[string]bool, entry []byte) {
	above := placeOf(entry)
	if !places[string(above)] && len(places) <= maxPlaces {
		places[string(above)] = true
	}
}

// placeOf is the name of the entry below which another one lies.
func placeOf(entry []byte) []byte {
	for i := 0; i < len(entry); i++ {
		switch entry[i] {
		case '\\':
			i++
		case ',':
			return entry[i+1:]
		}
	}
	return nil
}

// places is a hash of the entries of these names, as they are known for good. A [*doubt]
// says that they cannot be known.
func (d *directory) places(ctx context.Context, names map[string]bool, known map[string]string) (string, error) {
	if len(names) > maxPlaces {
		return "", &doubt{text: fmt.Sprintf("people lie below more than %d entries, too many to look whether each is what it was", maxPlaces), fix: "ask for fewer with source.base, or write incremental: none, which says the same in fewer words"}
	}
	hash := sha256.New()
	for _, name := range slices.Sorted(maps.Keys(names)) {
		anchor, has := known[name]
		if !has {
			found, err := d.look(ctx, d.wire, name, []string{d.options.anchor()})
			if err != nil {
				return "", err
			}
			anchor = found[strings.ToLower(d.options.anchor())]
			known[name] = anchor
		}
		if anchor == "" {
			return "", &doubt{text: "an entry below which people lie is gone, or may not be read (" + d.options.anchor() + ")", fix: "have the bind account given the right to read it; until then every run reads all"}
		}
		fmt.Fprintf(hash, "%q %q\n", name, anchor)
	}
	return hex.EncodeToString(hash.Sum(nil)[:16]), nil
}

// again reads an entry as it was written down: its name, and how it is written with the
// groups of today, nil where it is in the same. The name is nil where it is no entry.
func (b *book) again(text []byte, s *search) (entry, next []byte) {
	var known []attribute
	var was []byte
	at, end := -1, 1 // where the lines of groups begin, or would
	for line := range bytes.Lines(text[1:]) {
		name, value, _ := bytes.Cut(line, []byte(":"))
		begin := end
		end += len(line)
		switch {
		case begin == 1 && string(name) == "dn":
			entry = unfolded(value)
			continue
		case is(name, roster.GroupAttribute):
			if at < 0 {
				at = begin
			}
			if begin != at+len(was) { // not written by us
				return nil, nil
			}
			was = append(was, line...)
			continue
		case at < 0 && len(was) == 0 && cmp.Or(cmp.Compare(s.place(name), s.place([]byte(roster.GroupAttribute))), bytes.Compare(name, []byte(roster.GroupAttribute))) > 0:
			at = begin
		}
		if slices.ContainsFunc(b.extra(), func(n string) bool { return strings.EqualFold(n, string(name)) }) {
			known = append(known, attribute{name: name, values: [][]byte{unfolded(value)}})
		}
	}
	if at < 0 {
		at = end
	}
	var now []byte
	for _, a := range b.sign(entry, known, func([]byte) bool { return true }) {
		if is(a.name, roster.GroupAttribute) {
			for _, v := range a.values {
				now = appendLine(now, a.name, v)
			}
		}
	}
	if bytes.Equal(was, now) {
		return entry, nil
	}
	next = append(append(make([]byte, 0, len(text)+len(now)), text[:at]...), now...)
	return entry, append(next, text[at+len(was):]...)
}

// unfolded is a value as it stands behind the colon of its name.
func unfolded(value []byte) []byte {
	value = bytes.TrimSuffix(value, []byte("\n"))
	if packed, is64 := bytes.CutPrefix(value, []byte(": ")); is64 {
		raw, err := base64.StdEncoding.AppendDecode(nil, packed)
		if err != nil {
			return nil
		}
		return raw
	}
	return bytes.TrimPrefix(value, []byte(" "))
}
