// Package config reads rollcall.yaml and the profiles beside it, and tells
// everything that is wrong with them at once, each with file, line and column.
//
// It is strict: a key that it does not know, a key whose feature is not built
// yet, a value of the wrong kind are errors, never ignored. It promises that a
// [Site] that it gives out is whole, and that no message shows a secret. It
// opens no connection and reads no secret. It is the only room that knows YAML;
// what the values mean belongs to the rooms whose options they are.
package config

import (
	"time"

	_ "time/tzdata" // a profile's zone does not depend on the machine

	"rollcall/internal/format"
	"rollcall/internal/guard"
	"rollcall/internal/mapping"
	"rollcall/internal/notify"
	"rollcall/internal/password"
	"rollcall/internal/plan"
	"rollcall/internal/report"
	"rollcall/internal/roster"
	"rollcall/internal/secret"
	"rollcall/internal/source"
)

// A Site is one rollcall.yaml with all its profiles.
type Site struct {
	Path string         `yaml:"-"` // of rollcall.yaml, absolute
	Dir  string         `yaml:"-"` // the folder that it lies in
	Zone *time.Location `yaml:"-"` // of Timezone

	Version          int                 `yaml:"version"`
	Database         string              `yaml:"database"` // sqlite:PATH, absolute, or postgres://…
	DatabasePassword secret.Ref          `yaml:"database_password"`
	DatabaseReaders  []string            `yaml:"database_readers"`
	State            string              `yaml:"state"`    // a folder, absolute
	Profiles         string              `yaml:"profiles"` // the folder of the profiles, absolute
	Mode             string              `yaml:"mode"`     // live
	Timezone         string              `yaml:"timezone"`
	Language         string              `yaml:"language"`  // en
	Catalog          string              `yaml:"catalog"`   // the file of the catalog, absolute; "" for none
	Listed           *roster.Catalog     `yaml:"-"`         // what it lists
	Authority        map[string][]string `yaml:"authority"` // field name or "*" to profiles, highest first (R54)
	Mail             Mail                `yaml:"mail"`
	Accounts         Accounts            `yaml:"accounts"`
	Sweep            Interval            `yaml:"sweep"`

	Welcome report.Welcomes `yaml:"-"` // the texts of welcome.d, by language

	Loaded   []*Profile `yaml:"-"` // by name
	Broken   []*Profile `yaml:"-"` // those that [LoadSound] has left out
	Warnings Errors     `yaml:"-"`

	own     Errors   // of rollcall.yaml and the folder of the profiles
	secrets []placed // that rollcall.yaml names
}

// Mail says how reports leave the house.
type Mail = notify.Options

// Accounts is what holds for the accounts of every profile.
type Accounts struct {
	Standardise    Switch          `yaml:"standardise"`     // on, off, extended (R30)
	HoldNames      time.Duration   `yaml:"hold_names"`      // R33
	Protect        []string        `yaml:"protect"`         // R64
	Auth           []string        `yaml:"auth"`            // beyond those of R24
	PasswordHash   password.Method `yaml:"password_hash"`   // argon2id, bcrypt (R80)
	PasswordPolicy password.Policy `yaml:"password_policy"` // R83
}

// A Profile is one feed: one file of profiles.d.
type Profile struct {
	Name string         `yaml:"-"` // of the file, without .yaml
	Path string         `yaml:"-"` // of the file, absolute
	Zone *time.Location `yaml:"-"` // of Timezone

	Version     int                       `yaml:"version"`
	Description string                    `yaml:"description"`
	Owner       string                    `yaml:"owner"` // an address: Reply-To of the report
	Enabled     bool                      `yaml:"enabled"`
	Schedule    Schedule                  `yaml:"schedule"`
	Timezone    string                    `yaml:"timezone"` // the site's where absent
	Source      source.Options            `yaml:"source"`
	Format      format.Options            `yaml:"format"`
	Scope       mapping.Scope             `yaml:"scope"` // R68
	Site        string                    `yaml:"site"`  // R44
	Match       plan.Match                `yaml:"match"`
	Required    []roster.Field            `yaml:"required"`     // R43
	UniqueEmail Switch                    `yaml:"unique_email"` // on, warn, off (R22)
	Map         map[string]mapping.Column `yaml:"map"`
	Memberships mapping.Memberships       `yaml:"-"`      // keys of map: too
	Groups      groups                    `yaml:"groups"` // of a directory
	Fields      []fieldItem               `yaml:"fields"` // profile fields that the map needs, and the catalog perhaps lacks (R26)
	Policy      plan.Policy               `yaml:"policy"`
	Guardrails  guard.Limits              `yaml:"guardrails"`
	Report      Report                    `yaml:"report"`

	found   Errors   // in its file
	secrets []placed // that its file names
}

// Report says who hears of a run, and when.
type Report struct {
	To           []string `yaml:"to"`
	Alert        []string `yaml:"alert"`         // besides To, where a run is held or fails
	When         string   `yaml:"when"`          // changes, problems, always, never
	Attach       string   `yaml:"attach"`        // problems, never
	PersonalData string   `yaml:"personal_data"` // ids, names, values
}

// A Switch is on or off, with a word or two between.
type Switch string

// UnmarshalText reads true and false as on and off.
func (s *Switch) UnmarshalText(text []byte) error {
	switch *s = Switch(text); *s {
	case "true":
		*s = "on"
	case "false":
		*s = "off"
	}
	return nil
}

// defaultSite is what the contract says where a key is absent.
func defaultSite() *Site {
	return &Site{
		Version:  1,
		Database: "sqlite:rollcall.db",
		Profiles: "profiles.d",
		Mode:     "live",
		Timezone: "UTC",
		Language: "en",
		Accounts: Accounts{Standardise: "on", HoldNames: 90 * 24 * time.Hour, PasswordHash: password.Argon2id, PasswordPolicy: password.DefaultPolicy()},
		Sweep:    Interval(5 * time.Minute),
	}
}

// defaultProfile is what the contract says where a key is absent.
func defaultProfile(s *Site) *Profile {
	return &Profile{
		Version:     1,
		Enabled:     true,
		Timezone:    s.Timezone,
		Source:      source.Defaults(),
		Required:    []roster.Field{roster.Username, roster.FirstName, roster.LastName, roster.Email},
		UniqueEmail: "on",
		Match:       plan.Match{Lookalike: "warn"},
		Policy:      plan.DefaultPolicy(),
		Guardrails:  guard.DefaultLimits(),
		Report:      Report{When: "changes", Attach: "problems", PersonalData: "ids"},
	}
}
