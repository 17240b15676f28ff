package plan

import (
	"context"
	"iter"
	"time"

	"rollcall/internal/roster"
)

// Match says how records find their accounts (profile key match:).
type Match struct {
	By         roster.Name   `yaml:"key" json:",omitempty"` // R40, as it is written; only a custom field stays here
	Key        roster.Field  `yaml:"-"`                     // R40; [roster.CustomField] where By says which
	Fallback   Fallback      `yaml:"fallback"`              // R42; zero: strict
	IgnoreCase bool          `yaml:"ignore_case"`
	Witness    []roster.Name `yaml:"witness"`                     // R45
	Lookalike  string        `yaml:"lookalike" json:",omitempty"` // wait, warn, off (R48); "" is off
}

// Fallback is the second way to find an account: "username", or {by: username, rekey: on}.
type Fallback struct {
	By    string `yaml:"by"` // "" or "username"
	Rekey bool   `yaml:"rekey"`
}

// Policy says what may happen (profile key policy:).
type Policy struct {
	Upload           string        `yaml:"upload"` // add, add_all, add_update, update (R50)
	Update           string        `yaml:"update"` // none, file, file_and_defaults, fill_missing (R51)
	Rename           *bool         `yaml:"rename"` // nil: on, unless the match key is the username (R34)
	Suspend          bool          `yaml:"suspend"`
	Reactivate       bool          `yaml:"reactivate"`
	Delete           bool          `yaml:"delete"`
	Leaver           string        `yaml:"leaver"`                         // suspend, delete
	Leave            string        `yaml:"leave"`                          // keep, suspend (R67)
	Missing          string        `yaml:"missing"`                        // keep, suspend, delete (R62)
	CreateBefore     time.Duration `yaml:"create_before" json:",omitzero"` // how long before its start an account is added (R72); zero: at once
	DeleteAfter      time.Duration `yaml:"delete_after"`                   // of suspension by absence; zero: never
	FallbackOwner    string        `yaml:"fallback_owner"`
	Passwords        string        `yaml:"passwords"`         // add, update, ignore (R84)
	GeneratePassword bool          `yaml:"generate_password"` // R81
	MaxWelcome       int           `yaml:"max_welcome"`       // mails of one run that nobody need release
	ForceChange      string        `yaml:"force_change"`      // none, weak, all (R82)
	Weak             string        `yaml:"weak"`              // accept, reject (R83)
	Memberships      string        `yaml:"memberships"`       // add, exact (R94)
	Protect          []string      `yaml:"protect"`           // names, patterns like svc-*, and roles like role:manager (R64)

	AnonymiseAfter time.Duration `yaml:"anonymise_after"` // of deletion, by the sweep; zero: never (R63)
	PurgeAfter     time.Duration `yaml:"purge_after"`     // likewise
}

// DefaultMaxWelcome is how many welcome mails of one run are sent unasked (R81).
const DefaultMaxWelcome = 50

// DefaultPolicy does nothing destructive.
func DefaultPolicy() Policy {
	return Policy{Upload: "add_update", Update: "file", Suspend: true, Reactivate: true, Leaver: "suspend", Leave: "keep", Missing: "keep", Memberships: "add", Passwords: "add", MaxWelcome: DefaultMaxWelcome, ForceChange: "none", Weak: "accept"}
}

// Options are all that a plan depends on besides drop, accounts and time.
type Options struct {
	// Person is who imports a file by hand: its values are this person's, no profile comes
	// to own an account by it, and it may do what a person may by command. "" is a feed.
	Person roster.Origin `json:",omitempty"`

	Profile     string
	Full        bool   // absence means something
	Site        string `json:",omitempty"` // whose accounts, and those below it, the profile sees alone (R44); "": all
	Match       Match
	Policy      Policy // with accounts.protect united into Protect
	Passwords   Passwords
	Required    []roster.Field
	UniqueEmail string                               // on, warn, off (R22)
	Set         [roster.NumFeedFields]roster.SetMode // R51
	SetCustom   map[string]roster.SetMode            `json:",omitempty"` // the same of custom fields, by the catalog's name
	Custom      []roster.Item                        `json:",omitempty"` // the custom fields of the catalog (R27)
	Authority   map[string][]string                  // field name or "*" to profiles, highest first (R54)
	Zone        *time.Location                       // in which days end (R70); nil: UTC
	ScopeLeft   string                               `json:",omitempty"` // keep, suspend: whom the scope leaves out (R68); "" is keep
	Canaries    []roster.Key                         // that a full drop must list
	Keyless     bool                                 `json:"-"` // the drop has no column of the key: nobody who is known by one is absent (R3, R42)
	Holders     map[uint64]bool                      `json:"-"` // accounts that have one of [ProtectedRoles]: part of the accounts
	Known       map[string]time.Time                 // rejections of the last applied run by [Identity], to when they were first seen

	// What is told of a plan is no part of what it depends on.

	Names  bool            `json:"-"` // problems name the person of the record
	Values bool            `json:"-"` // problems about a field keep what the record says there
	Hidden roster.FieldSet `json:"-"` // fields that are neither named nor kept, nor counted by their values

	Seed  uint64       `json:"-"` // of [Options.Identity]; a secret
	Pairs func() Pairs `json:"-"` // for what look holds of a large drop; nil: in memory
	Same  *Same        `json:"-"` // what need not be read; nil where every record is
	Keep  Keeper       `json:"-"` // is told what the next run need not read; nil: nobody asks
}

// fold makes keys that are names or addresses be compared as those are anywhere (R22, R30).
func (o *Options) fold() {
	if o.Match.Key == roster.Username || o.Match.Key == roster.Email {
		o.Match.IgnoreCase = true
	}
}

// Entries reads the drop from its beginning, each time that it is called. A
// [*roster.RowError] is a row that could not be used; any other error ends the planning.
type Entries func() iter.Seq2[roster.Entry, error]

// A Directory is the accounts that exist. It is an interface because there are
// two: the store, and a slice in memory.
type Directory interface {
	// Find loads every account that q names, with all its links, in no order.
	Find(ctx context.Context, q Query) (Found, error)
	// Numbered lists the taken usernames, folded, that are base followed by digits, present and held.
	Numbered(ctx context.Context, base string, now time.Time) ([]string, error)
	// Roll lists the accounts that the profile links, whatever their status, by id.
	Roll(ctx context.Context, profile string) iter.Seq2[Listed, error]
}

// A Listed is what a roll says of an account.
type Listed struct {
	Account uint64
	Status  roster.Status
}

// A Query names accounts, by any of several ways.
type Query struct {
	Profile   string
	Keys      []roster.Key // of Profile's links; compared by [roster.Fold]
	Field     roster.Field // the match key, by whose value accounts are found that the profile does not link yet
	Values    []string     // of Field; compared by [roster.Fold]
	Custom    roster.Name  // which field Field is, where it is a [roster.CustomField]
	Unique    []UniqueQuery
	Anchors   []string      // of Profile's links (R47); compared as they are
	Usernames []string      // folded
	Gone      []string      // folded usernames of deleted accounts that Profile links
	Emails    []string      // folded; deleted accounts hold none
	Witness   []roster.Name // fields by all of which accounts are found that are not deleted
	Likes     []string      // their values folded, joined by [Between]
	IDs       []uint64
	Grants    bool      // with their grants
	Now       time.Time // a hold that has run out by then is none
}

// A UniqueQuery names the holders of values of a custom field that no two accounts
// share (R27); the deleted hold none.
type UniqueQuery struct {
	Name   roster.Name
	Values []string // compared by [roster.Fold]
}

// Found is the answer to a [Query].
type Found struct {
	Accounts []roster.Account
	Holds    []Hold              // of the usernames asked for
	New      map[roster.Key]bool // keys, folded, that a person has decided to be somebody new (R49)
	Erased   map[string]bool     // keys, folded, of accounts that were anonymised or purged (R45)
}

// A Hold keeps a given-up username from other accounts for a while (R33).
type Hold struct {
	Name    string // folded
	Account uint64 // which may take it back
}

// A Sink takes the plan as it is made. It is an interface because there are
// two: the store, and [Plan] in memory.
type Sink interface {
	Change(Change) error
	Problem(roster.Problem) error
}

// Plan is a plan in memory: a Sink for tests and for what a person does by hand.
type Plan struct {
	Changes  []Change
	Problems []roster.Problem
}

// Change implements [Sink].
func (p *Plan) Change(c Change) error { p.Changes = append(p.Changes, c); return nil }

// Problem implements [Sink].
func (p *Plan) Problem(x roster.Problem) error { p.Problems = append(p.Problems, x); return nil }
