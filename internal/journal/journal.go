// Package journal holds the nouns of what was done: runs, their status, and
// the outcome of each change. It is pure.
package journal

import (
	"time"

	"rollcall/internal/guard"
	"rollcall/internal/plan"
)

// A Status is what a run came to.
type Status string

// The statuses of a run.
const (
	OK          Status = "ok"
	Unchanged   Status = "unchanged"
	Warn        Status = "warn"
	Held        Status = "held"
	Failed      Status = "failed"
	Missing     Status = "missing"
	Rejected    Status = "rejected"
	Superseded  Status = "superseded"
	Reverted    Status = "reverted"
	Interrupted Status = "interrupted"
	Running     Status = "running"
	Dry         Status = "dry"
)

// Applied tells whether a run of this status has been carried out.
func (s Status) Applied() bool {
	return s == OK || s == Unchanged || s == Warn || s == Reverted
}

// Broke tells whether a run of this status came to nothing by an error, or by the
// end of its process.
func (s Status) Broke() bool { return s == Failed || s == Interrupted }

// A Kind is what sort of run it is.
type Kind string

// The kinds of run. A batch is what a person did by command.
const (
	Sync   Kind = "sync"
	Sweep  Kind = "sweep"
	Revert Kind = "revert"
	Batch  Kind = "batch"
)

// A Run is one passage of a profile, from fetch to report.
type Run struct {
	Number     int64     `json:"number"`
	ID         string    `json:"id"`      // UUID v7
	Profile    string    `json:"profile"` // "" for a sweep or a batch
	Kind       Kind      `json:"kind"`
	Status     Status    `json:"status"`
	Trigger    string    `json:"trigger"` // schedule, manual, approval
	Started    time.Time `json:"started"`
	Finished   time.Time `json:"finished"` // zero while it runs
	ExitCode   int       `json:"exit_code"`
	PlanDigest string    `json:"plan_digest"` // "sha256:…"; "" where nothing was planned
	DryRun     bool      `json:"dry_run"`
	AppliedSeq int64     `json:"applied_seq"` // zero: not applied
	Seen       int64     `json:"seen"`        // the newest applied_seq when the run began

	Input     Input           `json:"input"`
	Facts     plan.Facts      `json:"facts"`
	Unread    int             `json:"unread,omitempty"`   // records that lay there as in the drop before, and were not read again
	LeftOut   int             `json:"left_out,omitempty"` // changes whose account had moved since the plan
	Excepted  int             `json:"excepted,omitempty"` // removals left out by --except removals
	Findings  []guard.Finding `json:"findings,omitempty"`
	Timing    Timing          `json:"timing"`
	Error     string          `json:"error,omitempty"`     // why it failed: one sentence and the remedy
	Code      string          `json:"code,omitempty"`      // of the refusal, where it was one
	HeldUntil time.Time       `json:"held_until,omitzero"` // after which a held plan is superseded
	Decision  string          `json:"decision,omitempty"`  // the reason that a person gave
	DecidedBy string          `json:"decided_by,omitempty"`
	Approved  bool            `json:"approved,omitempty"` // a person approved it: a new baseline
	Reverts   int64           `json:"reverts,omitempty"`  // the run that this one takes back
	Erases    bool            `json:"erases,omitempty"`   // a sweep that erases the deleted whose terms are over
	SameAs    int64           `json:"same_as,omitempty"`  // the run of the same bytes that this one equals (R104)
	Partly    bool            `json:"partly,omitempty"`   // of a revert: only for some of its accounts
	Draft     bool            `json:"draft,omitempty"`    // planned by a profile that is not in its place (plan --profile-file): never applied
	Mapping   string          `json:"mapping,omitempty"`  // digest of what a record means: format, match, map
	Settings  string          `json:"settings,omitempty"` // digest of all that a plan depends on besides drop and accounts
	Overdue   *Overdue        `json:"overdue,omitempty"`  // of a missing run: what was found where the drop should have been
	Untold    bool            `json:"untold,omitempty"`   // it was found dead, and its people have not been told of it yet
}

// Overdue is a drop that had not come by its time, and what was found instead.
type Overdue struct {
	Due     time.Time `json:"due"`
	Path    string    `json:"path"`    // folder and pattern
	Seen    []string  `json:"seen"`    // what lies there, in words without personal data
	Reached bool      `json:"reached"` // login and listing worked
}

// Input is the drop of a run, and what was found in it.
type Input struct {
	Source    string    `json:"source"` // sftp, dir, file
	Name      string    `json:"name"`
	Size      int64     `json:"size"`
	SHA256    string    `json:"sha256"`
	Modified  time.Time `json:"modified"`
	Format    string    `json:"format"`
	Encoding  string    `json:"encoding"`
	Delimiter string    `json:"delimiter"`
	Content   string    `json:"content"`            // full, delta
	Sequence  string    `json:"sequence,omitempty"` // its number (source.sequence), from which the next is counted
	Archive   string    `json:"archive"`            // our copy, under the state folder; "" where none is kept
	Reading   *Reading  `json:"reading,omitempty"`
}

// Reading is how the drop of a directory came about that is asked for its changes.
// Either way it lists everybody.
type Reading struct {
	All     bool   `json:"all"`             // all was read
	Why     string `json:"why,omitempty"`   // why; "" where nothing had been read before
	Since   int64  `json:"since,omitempty"` // else the run whose drop was put together with what has changed since
	Changed int    `json:"changed"`         // entries that are new or otherwise
	Gone    int    `json:"gone"`            // entries that are no longer there
}

// Timing is how long each step took, in milliseconds.
type Timing struct {
	Fetch  int64 `json:"fetch"`
	Read   int64 `json:"read"`
	Plan   int64 `json:"plan"`
	Apply  int64 `json:"apply"`
	Report int64 `json:"report"`
}

// An Outcome is a change of a plan with what became of it.
type Outcome struct {
	plan.Change
	Done Done
	Note string // why it was left out
}

// Done is what became of a planned change.
type Done string

// What can become of a change.
const (
	Planned  Done = ""
	Applied  Done = "applied"
	LeftOut  Done = "left_out" // the account had moved since the plan was made
	Excepted Done = "excepted" // approved without removals
)
