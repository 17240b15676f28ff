package plan

import (
	"cmp"
	"slices"

	"rollcall/internal/roster"
)

// An Action is what a change does to its account.
type Action string

// The actions, strongest last. Claim is the quiet one: only what a link says
// moves, or who grants a membership; the account itself stays as it is, and it is
// in no count of changes.
const (
	Claim      Action = "claim"
	Update     Action = "update"
	Rename     Action = "rename" // a new username; other fields may change with it
	Reactivate Action = "reactivate"
	Suspend    Action = "suspend"
	Add        Action = "add"
	Delete     Action = "delete"    // soft
	Anonymise  Action = "anonymise" // what is known of the person is erased
	Purge      Action = "purge"     // the row goes: see [Change.Erases]
)

// Removes tells whether a takes access away: what --except removals leaves out.
func (a Action) Removes() bool { return a == Suspend || a == Delete || a == Anonymise || a == Purge }

// A Change is one intended change to one account: at most one for each account
// in a plan. It is plain data: it can be printed, stored, read back on another
// day and compared in a test.
type Change struct {
	Action   Action        `json:"action"`
	Account  uint64        `json:"account,omitempty"` // zero for Add
	Version  uint64        `json:"version,omitempty"` // of the account, when this was planned
	Key      roster.Key    `json:"key,omitempty"`     // by which the profile knows the person
	Username string        `json:"username,omitempty"`
	Reason   string        `json:"reason"`           // for the reader; no code decides by it
	Line     int           `json:"line,omitempty"`   // in the drop; zero where no row asked for it
	Absent   bool          `json:"absent,omitempty"` // planned because no record mentions the account
	ByDate   bool          `json:"by_date,omitempty"`
	Fields   []FieldChange `json:"fields,omitempty"` // in the order of [roster.Field]
	Links    []LinkChange  `json:"links,omitempty"`
	Clear    roster.Clear  `json:"-"` // the password that is set, until it is hashed; never stored

	Memberships []GrantChange `json:"memberships,omitempty"` // sorted
}

// A FieldChange is one field before and after, with who wrote it.
type FieldChange struct {
	Field roster.Field  `json:"-"`
	Name  string        `json:"name"` // of Field; of a [roster.CustomField] which one it is
	Old   string        `json:"old"`
	New   string        `json:"new"`
	Was   roster.Origin `json:"was,omitempty"` // origin of Old; feed fields only
	Is    roster.Origin `json:"is,omitempty"`  // origin of New
}

// A LinkChange makes a link (Old is ""), moves it, or removes it (New is "").
type LinkChange struct {
	Profile string       `json:"profile"`
	OldKey  roster.Key   `json:"old_key,omitempty"`
	NewKey  roster.Key   `json:"new_key,omitempty"`
	Old     roster.Claim `json:"old,omitempty"`
	New     roster.Claim `json:"new,omitempty"`
	Decided bool         `json:"decided,omitempty"` // a person made it (R49), or had made what is removed

	OldAnchor string `json:"old_anchor,omitempty"` // R47
	NewAnchor string `json:"new_anchor,omitempty"`
}

// linkChange is what becomes of a link; nil on either side is none.
func linkChange(was, is *roster.Link) LinkChange {
	var c LinkChange
	if was != nil {
		c = LinkChange{Profile: was.Profile, OldKey: was.Key, Old: was.Claim, Decided: was.Decided, OldAnchor: was.Anchor}
	}
	if is != nil {
		c.Profile, c.NewKey, c.New, c.Decided, c.NewAnchor = is.Profile, is.Key, is.Claim, is.Decided, is.Anchor
	}
	return c
}

func (f *FieldChange) name() roster.Name { return roster.Name(f.Name) }

// In is what an account holds of the field that f changes.
func (f *FieldChange) In(a *roster.Account) string {
	if f.Field == roster.CustomField {
		return a.Value(f.name())
	}
	return a.Values[f.Field]
}

// Write makes the change to an account.
func (f *FieldChange) Write(a *roster.Account) {
	if f.Field == roster.CustomField {
		a.Write(f.name(), f.New, f.Is)
		return
	}
	a.Values[f.Field] = f.New
	if f.Field < roster.NumFeedFields {
		a.Origins[f.Field] = f.Is
	}
}

// Fed tells whether a feed can say the field.
func (f *FieldChange) Fed() bool {
	return f.Field < roster.NumFeedFields || f.Field == roster.CustomField
}

// Field finds what the change does to f; nil where it leaves f alone.
func (c *Change) Field(f roster.Field) *FieldChange {
	for i := range c.Fields {
		if c.Fields[i].Field == f {
			return &c.Fields[i]
		}
	}
	return nil
}

// Sort puts the fields in the order of [roster.Field], custom ones by name, the links in that of their profiles.
func (c *Change) Sort() {
	slices.SortFunc(c.Fields, func(a, b FieldChange) int { return cmp.Or(cmp.Compare(a.Field, b.Field), cmp.Compare(a.Name, b.Name)) })
	slices.SortFunc(c.Links, func(a, b LinkChange) int { return cmp.Compare(a.Profile, b.Profile) })
	sortGrantChanges(c.Memberships)
}
