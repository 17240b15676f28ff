package report

import (
	"fmt"
	"time"

	"rollcall/internal/guard"
	"rollcall/internal/journal"
	"rollcall/internal/plan"
)

// schemaName names the version of [Doc]: keys never change within it.
const schemaName = "rollcall.run.v1"

// A Doc is rollcall.run.v1 without the changes: what webhooks get, and the
// beginning of reports/RUN.json. Every key is always there, but for
// those of features that the run did not use, and no array is null.
type Doc struct {
	Schema     string          `json:"schema"`
	Run        Run             `json:"run"`
	Input      Input           `json:"input"`
	Rows       plan.Rows       `json:"rows"`
	Absent     plan.Absent     `json:"absent"`
	ByDate     plan.ByDate     `json:"by_date"`
	Scope      *plan.Scope     `json:"scope,omitempty"` // what the scope left out; not there where it left out nothing
	Accounts   Accounts        `json:"accounts"`
	Passwords  Passwords       `json:"passwords"`
	Guardrails []guard.Finding `json:"guardrails"`
	Problems   []Group         `json:"problems"` // biggest first, errors before warnings before notes
	Timing     journal.Timing  `json:"timing_ms"`

	facts plan.Facts // what the texts tell beyond v1
}

// Run says which run it was and what it came to.
type Run struct {
	Number     int64          `json:"number"`
	ID         string         `json:"id"`
	Profile    string         `json:"profile"`
	Kind       journal.Kind   `json:"kind"`
	Status     journal.Status `json:"status"`
	Trigger    string         `json:"trigger"`
	Started    Instant        `json:"started"`
	Finished   Instant        `json:"finished"` // null while it runs
	ExitCode   int            `json:"exit_code"`
	PlanDigest string         `json:"plan_digest"`
	DryRun     bool           `json:"dry_run"`
	AppliedSeq int64          `json:"applied_seq"`

	Error     string  `json:"error"`      // why it failed
	Code      string  `json:"code"`       // of the refusal, where it was one
	HeldUntil Instant `json:"held_until"` // null where it is not held
	Decision  string  `json:"decision"`
	DecidedBy string  `json:"decided_by"`
	Approved  bool    `json:"approved"`
	Reverts   int64   `json:"reverts"` // the run that this one takes back; 0 for none
	SameAs    int64   `json:"same_as"` // the run of the same bytes that this one equals, whose problems stand; 0 for none
	LeftOut   int     `json:"left_out"`
	Excepted  int     `json:"excepted"`

	Draft bool `json:"-"` // planned by a profile that is not in its place
}

// Input is the drop that the run read; empty texts where it read none.
type Input struct {
	Source    string  `json:"source"`
	Name      string  `json:"name"`
	Size      int64   `json:"size"`
	SHA256    string  `json:"sha256"`
	Modified  Instant `json:"modified"`
	Format    string  `json:"format"`
	Encoding  string  `json:"encoding"`
	Delimiter string  `json:"delimiter"`
	Content   string  `json:"content"`
	SignedBy  string  `json:"signed_by"` // "" where the drop was not signed

	Reading *journal.Reading `json:"reading,omitempty"` // of a directory that is asked for its changes
}

// Accounts are those of the profile; all there are where the run has none.
type Accounts struct {
	ActiveBefore int `json:"active_before"`
	ActiveAfter  int `json:"active_after"`
}

// Passwords are counted here and never shown anywhere.
type Passwords struct {
	ToGenerate int `json:"to_generate"` // accounts for which one is made when the welcome mail is sent
	Weak       int `json:"weak"`
	Given      int `json:"given"`      // set as the drop says
	Welcome    int `json:"welcome"`    // people to whom a welcome mail is due
	NoAddress  int `json:"no_address"` // to whom nobody can write
	Later      int `json:"later"`      // who are written to once they are active
}

// An Instant is written as RFC 3339 in UTC, to the second; the zero time is null.
type Instant struct{ time.Time }

// MarshalJSON implements [json.Marshaler].
func (i Instant) MarshalJSON() ([]byte, error) {
	if i.IsZero() {
		return []byte("null"), nil
	}
	return []byte(`"` + i.UTC().Format(time.RFC3339) + `"`), nil
}

// Build makes the report of a run. It reads the problems once, to their end, and
// keeps at most 200 groups of 10 examples of them.
func Build(run *journal.Run, problems Problems) (*Doc, error) {
	g := groups{profile: run.Profile, by: map[cause]*Group{}}
	for p, err := range problems {
		if err != nil {
			return nil, fmt.Errorf("read the problems of run %d: %w", run.Number, err)
		}
		var told bool
		if p.Severity, told = p.Told(); told {
			g.add(p)
		}
	}
	g.end()
	d := &Doc{
		Schema: schemaName,
		Run: Run{
			Number: run.Number, ID: run.ID, Profile: run.Profile, Kind: run.Kind, Status: run.Status, Trigger: run.Trigger,
			Started: Instant{run.Started}, Finished: Instant{run.Finished}, ExitCode: run.ExitCode, PlanDigest: run.PlanDigest,
			DryRun: run.DryRun, AppliedSeq: run.AppliedSeq, Error: run.Error, Code: run.Code, HeldUntil: Instant{run.HeldUntil},
			Decision: run.Decision, DecidedBy: run.DecidedBy, Approved: run.Approved, Reverts: run.Reverts,
			SameAs: run.SameAs, LeftOut: run.LeftOut, Excepted: run.Excepted, Draft: run.Draft,
		},
		Input: Input{
			Source: run.Input.Source, Name: run.Input.Name, Size: run.Input.Size, SHA256: run.Input.SHA256,
			Modified: Instant{run.Input.Modified}, Format: run.Input.Format, Encoding: run.Input.Encoding,
			Delimiter: run.Input.Delimiter, Content: run.Input.Content, Reading: run.Input.Reading,
		},
		Rows: run.Facts.Rows, Absent: run.Facts.Absent, ByDate: run.Facts.ByDate,
		Accounts: Accounts{run.Facts.ActiveBefore, run.Facts.ActiveAfter},
		Passwords: Passwords{
			ToGenerate: run.Facts.Passwords.ToGenerate, Weak: run.Facts.Passwords.Weak, Given: run.Facts.Passwords.Given,
			Welcome: run.Facts.Passwords.Welcome, NoAddress: run.Facts.Passwords.NoAddress, Later: run.Facts.Passwords.Later,
		},
		Guardrails: append([]guard.Finding{}, run.Findings...),
		Problems:   g.sorted(),
		Timing:     run.Timing,
		facts:      run.Facts,
	}
	if run.Facts.Scope.Outside > 0 {
		d.Scope = &run.Facts.Scope
	}
	return d, nil
}
