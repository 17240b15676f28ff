// Package mapping turns records into entries: columns, templates, code tables
// and normal forms. It is pure and never sees an account.
//
// [Compile] binds a profile's options to the header of one drop, and refuses a
// drop that lacks a column the profile speaks of. [Mapper.Entry] then maps one
// record after the other. What is wrong with a value is a problem of that
// record and names line and column, never the value; the field is then simply
// not said, so that what is stored stays.
package mapping

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"maps"
	"slices"
	"time"

	"rollcall/internal/roster"
)

// A Column says where the value of one field comes from (profile key map:).
// Written as a plain text it is a column's name.
type Column struct {
	From      string            `yaml:"from"`
	Template  string            `yaml:"template"` // R31
	Const     string            `yaml:"const"`
	Values    map[string]string `yaml:"values"`     // code table; a cell is looked up without its outer blanks
	Other     string            `yaml:"other"`      // reject, keep (what is stored, silently), same (the cell as it is), or the value of what Values lacks; "" is: reject for status, suspended and deleted, else keep with E122
	Date      string            `yaml:"date"`       // R23; "" is YYYY-MM-DD
	Blank     string            `yaml:"blank"`      // keep, clear (R14)
	Default   string            `yaml:"default"`    // R53; a template
	OnInvalid string            `yaml:"on_invalid"` // keep, blank, reject (R7)
	Transform []string          `yaml:"transform"`  // ascii, lower, upper, alnum, slug, trim, primary_smtp
	OnTaken   string            `yaml:"on_taken"`   // number, reject (R33); username only
	Set       roster.SetMode    `yaml:"set"`        // R51
	Max       int               `yaml:"max"`        // the most characters, where the field holds more (R21); zero: what the field holds
	Optional  bool              `yaml:"-"`          // a preset names it: a drop may lack it (R10)

	Lookup string `yaml:"lookup" json:",omitempty"` // dn: the cell names another entry of a directory, whose username is the value

	Sensitive bool `yaml:"sensitive" json:"-"` // no report shows its values; it is no part of what a record means
}

// UnmarshalText reads the short form.
func (c *Column) UnmarshalText(text []byte) error { c.From = string(text); return nil }

// Options are all that a mapping depends on besides the header.
type Options struct {
	Map           map[string]Column // by field name, or status, suspended, deleted, oldusername, previous_key, anchor; empty: columns that bear those names
	Key           roster.Field      // match.key
	KeyName       roster.Name       // which field that is, where it is a custom one
	Fallback      bool              // match.fallback is username
	Standardise   string            // on, off, extended (R30); "" is on
	TrimPasswords bool              // passwords lose their outer blanks, as in the presets moodle and dualcode (R11)
	Auth          []string          // allowed values of auth (R24); none: manual, ldap, oauth2, saml2
	Zone          *time.Location    // of dates without a zone; nil: UTC
	Action        Action            // of a delta: the column that says what a row does
	FieldPrefix   string            // of columns that say a custom field by their names (R27); [ByName], or "" for none
	Commas        bool              // &#44 and &#44; in a cell are a comma (R12)
	Prefer        map[string]string // of a person's several rows the main one has these values in these columns
	Site          string            // of the profile (R44); "" for all
	Scope         Scope             // which records are the profile's (R68)
	Catalog       *roster.Catalog   // what records may name (R90); nil: nothing is checked
	Memberships   Memberships       // keys of map: too
	Groups        Groups            // of a directory

	ID string // the column with the number of the account that a row of an export means; "" where files have none

	// What a record means does not depend on what is told of it.

	Other  []string          // columns that files of this kind have, and that nobody wonders about
	Ignore map[string]string // columns that are left aside on purpose, and why
	Values bool              // problems keep the value that was wrong
	Hidden roster.Hidden     // whose values are not told
}

// The control columns: what they say is no field of the account.
const (
	status      = "status"
	suspended   = "suspended"
	deleted     = "deleted"
	oldUsername = "oldusername"
	newUsername = "newusername"
	previousKey = "previous_key"
)

var controls = []string{status, suspended, deleted, oldUsername, newUsername, previousKey, anchor}

// rules is raised whenever a release maps a record otherwise than the one
// before it, so that nothing that was remembered of a drop outlives the change.
const rules = "mapping-3"

// Lenient is o for a drop that may lack every column but the one by which people
// are found.
func (o Options) Lenient() Options {
	lenient := maps.Clone(o.Map)
	for name, c := range lenient {
		c.Optional = true
		lenient[name] = c
	}
	o.Map = lenient
	return o
}

// Digest names the mapping: two options with one digest map every record alike.
func (o Options) Digest() string {
	// A column that says less must not change its digest when Column grows a key.
	type column struct {
		From      string            `json:",omitempty"`
		Template  string            `json:",omitempty"`
		Const     string            `json:",omitempty"`
		Values    map[string]string `json:",omitempty"`
		Other     string            `json:",omitempty"`
		Date      string            `json:",omitempty"`
		Blank     string            `json:",omitempty"`
		Default   string            `json:",omitempty"`
		OnInvalid string            `json:",omitempty"`
		Transform []string          `json:",omitempty"`
		OnTaken   string            `json:",omitempty"`
		Set       roster.SetMode    `json:",omitempty"`
		Max       int               `json:",omitempty"`
		Optional  bool              `json:",omitempty"`

		Lookup string `json:",omitempty"`

		Sensitive bool `json:"-"`
	}
	said := struct {
		Rules         string
		Map           map[string]column // written in the order of the names
		Key           string
		Fallback      bool
		Standardise   string
		Auth          []string
		Zone          string
		Action        Action
		Scope         Scope             `json:",omitzero"`
		Site          string            `json:",omitempty"`
		Prefer        map[string]string `json:",omitempty"`
		Commas        bool              `json:",omitempty"`
		FieldPrefix   string            `json:",omitempty"`
		Catalog       string            `json:",omitempty"`
		TrimPasswords bool              `json:",omitempty"`
		Memberships   *Memberships      `json:",omitempty"`
		Groups        *Groups           `json:",omitempty"`
	}{
		Rules:         rules,
		Map:           map[string]column{},
		Key:           o.keyTarget().String(),
		Fallback:      o.Fallback,
		Standardise:   o.standardise(),
		Auth:          slices.Sorted(slices.Values(o.auth())),
		Zone:          o.zone().String(),
		Action:        o.Action,
		Scope:         o.Scope,
		Site:          o.Site,
		Prefer:        o.Prefer,
		Commas:        o.Commas,
		FieldPrefix:   o.FieldPrefix,
		Catalog:       o.Catalog.Digest(),
		TrimPasswords: o.TrimPasswords,
	}
	for name, c := range o.Map {
		said.Map[name] = column(c)
	}
	if !o.Memberships.IsZero() {
		said.Memberships = &o.Memberships
	}
	if !o.Groups.IsZero() {
		said.Groups = &o.Groups
	}
	text, err := json.Marshal(said)
	if err != nil {
		panic(err) // texts, booleans and lists of them: there is nothing in it that JSON cannot write
	}
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:])
}

// SetModes are the fields' modes (R51), for the planner. A username that a
// template makes is set once: nobody is renamed by a template (R31).
func (o Options) SetModes() [roster.NumFeedFields]roster.SetMode {
	var modes [roster.NumFeedFields]roster.SetMode
	for name, c := range o.Map {
		f, ok := feedField(name)
		if !ok {
			continue
		}
		modes[f] = c.Set
		if modes[f] == "" {
			modes[f] = roster.SetAlways
		}
		if f == roster.Username && c.Template != "" {
			modes[f] = roster.SetOnce
		}
	}
	for f := range modes {
		if modes[f] == "" {
			modes[f] = roster.SetAlways
		}
	}
	return modes
}

func (o Options) standardise() string {
	if o.Standardise == "" {
		return "on"
	}
	return o.Standardise
}

func (o Options) auth() []string {
	if len(o.Auth) == 0 {
		return []string{"manual", "ldap", "oauth2", "saml2"}
	}
	return o.Auth
}

func (o Options) zone() *time.Location {
	if o.Zone == nil {
		return time.UTC
	}
	return o.Zone
}

func feedField(name string) (roster.Field, bool) {
	f, ok := roster.FieldNamed(name)
	return f, ok && f < roster.NumFeedFields
}
