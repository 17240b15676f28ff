// Package guard says whether a plan may go ahead: limits over facts, findings
// with codes. It is pure and never changes a plan.
//
// [Check] weighs every guardrail and answers with a finding for each, tripped
// or not, so that a report can show how near a plan came. [Holds] says whether
// the plan has to wait for a person.
package guard

import "time"

// A Limit is a share with a floor: it trips when the count is above
// max(Floor, ⌊Percent × base⌋). "5%" keeps the floor of the default, "20"
// means exactly 20, {percent: 5, floor: 5} says both.
type Limit struct {
	Percent float64 `yaml:"percent"` // 5 is five of a hundred
	Floor   int     `yaml:"floor"`
	NoFloor bool    `yaml:"-"` // written as "5%": the floor is the default's
}

// Limits are the guardrails of one profile (profile key guardrails:).
//
// For MinRows and MaxRows the floor is how many rows a drop may always differ
// from the median; a plain number there is the number of rows itself.
type Limits struct {
	MaxRemovals           Limit            `yaml:"max_removals"`
	MaxAdds               Limit            `yaml:"max_adds"`
	MaxRenames            Limit            `yaml:"max_renames"`
	MaxFieldChange        map[string]Limit `yaml:"max_field_change"`        // by field; "default" for the others
	MaxMembershipRemovals Limit            `yaml:"max_membership_removals"` // of what the profile granted (R94)
	MinRows               Limit            `yaml:"min_rows"`
	MaxRows               Limit            `yaml:"max_rows"`
	MaxRejected           Limit            `yaml:"max_rejected"`
	Canaries              []string         `yaml:"canaries"`
	FirstRun              string           `yaml:"first_run"` // hold, apply
	HoldFor               time.Duration    `yaml:"hold_for"`
	OnHold                string           `yaml:"on_hold"` // all, removals
}

// Baseline is what the plan is compared with.
type Baseline struct {
	Applied    bool  // the profile has an applied run
	Remapped   bool  // mapping, key or source have changed since
	MedianRows int   // of the last five applied or approved full drops; zero: none
	RowHistory []int // what MedianRows was taken from
	Granted    int   // memberships that the profile grants; asked for only where some are taken away

	Sequence *Sequence // of deltas; nil where drops have no number, or a gap holds nobody
}

// A Sequence is the number of a drop, and the one that it should follow.
type Sequence struct {
	Number, Last int64
	Follows      bool // there is a last one
}

// A Finding is one guardrail, weighed.
type Finding struct {
	Name    string `json:"name"` // as in YAML, or first_run, everybody, unreadable_key
	Code    string `json:"code,omitempty"`
	Value   int    `json:"value"`
	Limit   int    `json:"limit"`
	Tripped bool   `json:"tripped"`
	Text    string `json:"text"`
}
