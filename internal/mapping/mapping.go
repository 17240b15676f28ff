// Package mapping turns records into entries: columns, templates, code tables
// and normal forms. It is pure and never sees an account.
package mapping

import (
	"time"

	"rollcall/internal/roster"
)

// A Column says where the value of one field comes from (profile key map:).
// Written as a plain text it is a column's name.
type Column struct {
	From      string            `yaml:"from"`
	Template  string            `yaml:"template"` // R31
	Const     string            `yaml:"const"`
	Values    map[string]string `yaml:"values"`     // code table
	Other     string            `yaml:"other"`      // reject, keep, or the value of what Values lacks; "" is: reject for status, suspended and deleted, else keep with E122
	Date      string            `yaml:"date"`       // R23; "" is YYYY-MM-DD
	Blank     string            `yaml:"blank"`      // keep, clear (R14)
	Default   string            `yaml:"default"`    // R53; a template
	OnInvalid string            `yaml:"on_invalid"` // keep, blank, reject (R7)
	Transform []string          `yaml:"transform"`  // ascii, lower, upper, alnum, slug, trim
	OnTaken   string            `yaml:"on_taken"`   // number, reject (R33); username only
	Set       roster.SetMode    `yaml:"set"`        // R51
}

// UnmarshalText reads the short form.
func (c *Column) UnmarshalText(text []byte) error { c.From = string(text); return nil }

// Options are all that a mapping depends on besides the header.
type Options struct {
	Map         map[string]Column // by field name, or suspended, deleted, oldusername, previous_key; empty: columns that bear those names
	Key         roster.Field      // match.key
	Fallback    bool              // match.fallback is username
	Standardise string            // on, off, extended (R30)
	Auth        []string          // allowed values of auth (R24)
	Zone        *time.Location    // of dates without a zone; nil: UTC
}

// Validate reports everything that is wrong with the columns, by path below map.
func (o Options) Validate() []*roster.Fault { panic("not built") }

// Digest names the mapping: two options with one digest map every record alike.
func (o Options) Digest() string { panic("not built") }

// A Mapper maps the records of one drop.
type Mapper struct{}

// Compile binds the options to a header. A header without a needed column is
// a [*roster.Refusal]; the notes name columns that mean nothing to the profile (R10).
func Compile(o Options, header []string) (m *Mapper, notes []roster.Problem, err error) {
	panic("not built")
}

// Entry maps a record. What is wrong with it stands in its Problems. The only
// error is a [*roster.Refusal]: a record that proves the whole drop wrong (R18).
func (m *Mapper) Entry(r roster.Record) (roster.Entry, error) { panic("not built") }

// Broken is the entry of a row that could not be read: rejected, with the key
// that its cell seems to hold.
func (m *Mapper) Broken(e *roster.RowError) roster.Entry { panic("not built") }

// SetModes are the fields' modes (R51), for the planner.
func (o Options) SetModes() [roster.NumFeedFields]roster.SetMode { panic("not built") }
