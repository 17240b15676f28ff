// Package store keeps accounts, links, runs, plans and the outbox in SQLite or
// PostgreSQL, through GORM. It is the only room that knows a column.
package store

import (
	"context"
	"errors"
	"iter"
	"time"

	"rollcall/internal/guard"
	"rollcall/internal/journal"
	"rollcall/internal/notify"
	"rollcall/internal/plan"
	"rollcall/internal/roster"
)

// Errors by which a caller decides.
var (
	ErrDown    = errors.New("database is unreachable")                     // exit 16
	ErrNewer   = errors.New("database is newer than this binary")          // exit 16
	ErrBusy    = errors.New("another run of this profile is under way")    // exit 14
	ErrFenced  = errors.New("another process has taken over this profile") // the lease's epoch moved
	ErrRefused = errors.New("plan refused")                                // used, expired, other digest, overtaken, too much moved: exit 1
	ErrNone    = errors.New("not found")
)

// Options say where the database is.
type Options struct {
	DSN      string           // sqlite:PATH or postgres://…
	Password string           // of PostgreSQL; "" where the DSN or the server needs none
	LockDir  string           // folder of the lock files of SQLite
	Readers  []string         // PostgreSQL roles that may SELECT the views
	Now      func() time.Time // the clock
}

// A Lease is the right to run one profile: a lock that dies with its process, and an epoch.
type Lease struct {
	Profile string
	Epoch   int64
	release func() error
}

// A Writer stores a plan as it is made; it is a [plan.Sink].
type Writer interface {
	plan.Sink
	// Seal ends the plan, gives it its order and its digest ("sha256:…").
	Seal(ctx context.Context) (digest string, err error)
	// Discard takes back what was written.
	Discard(ctx context.Context) error
}

// An Order is what to apply.
type Order struct {
	Run            *journal.Run // as judged; its number's plan is applied
	Lease          *Lease       // nil for what a person does by hand
	Digest         string       // that the stored plan must have
	ExceptRemovals bool
	HoldNames      time.Duration // for how long a username given up is kept from others (R33)
	// Finish is called in the transaction, when all changes are in: it writes what
	// the run came to into Run and gives the mails for the outbox.
	Finish func(Applied) ([]notify.Message, error)
}

// Applied is what applying gave.
type Applied struct {
	Seq                        int64 // zero where nothing was to apply
	Carried, LeftOut, Excepted int
	Lost                       plan.Rows // row outcomes of what was left out or excepted, for the ledger
	LostAbsent                 plan.Absent
	LostByDate                 plan.ByDate
	ActiveAfter                int // of the profile
}

// A Mail is a message of the outbox.
type Mail struct {
	Number   int64
	Run      int64
	Message  notify.Message
	State    string // pending, sent, dead
	Attempts int
	Next     time.Time
	Error    string
	Created  time.Time
}

// An AccountQuery selects accounts for a list or an export; zero fields do not limit.
type AccountQuery struct {
	Status                                                            string // active, suspended, deleted, all; "" is all but deleted
	Text                                                              string // in names, username, email or employee ID
	Profile                                                           string // linked by
	Run                                                               int64  // touched by
	Outcome                                                           string // of that run: added, updated, …, all
	Site                                                              string
	ExpiresBefore, RegisteredAfter, RegisteredBefore, LastLoginBefore time.Time
	Limit                                                             int // zero: all
}

type placeholder interface {
	plan.Directory
	Close() error

	// Acquire takes the lease of a profile, or answers with ErrBusy at once. Runs of
	// the profile that are still "running" belong to dead processes: they become interrupted,
	// and their unfinished plans are removed.
	Acquire(ctx context.Context, profile string) (*Lease, error)

	Begin(ctx context.Context, r *journal.Run) error  // draws Number and ID, status running
	Finish(ctx context.Context, r *journal.Run) error // writes what r came to, where Apply did not
	Forget(ctx context.Context, run int64) error      // removes a run that is not to be recorded, with its plan; its number is not given again
	Run(ctx context.Context, number int64) (*journal.Run, error)
	// Runs lists runs, newest first. limit zero: all. since zero: ever. profile "": every one.
	Runs(ctx context.Context, profile string, since time.Time, limit int) ([]journal.Run, error)
	// Newest is the newest finished run, of a profile where one is given (no sweeps then).
	Newest(ctx context.Context, profile string) (*journal.Run, error)
	// LastApplied is the newest applied sync run of a profile that read a drop; ErrNone where there is none.
	LastApplied(ctx context.Context, profile string) (*journal.Run, error)
	// ByInput lists the runs of a profile that read these bytes, newest first.
	ByInput(ctx context.Context, profile, sha256 string) ([]journal.Run, error)
	Held(ctx context.Context) ([]journal.Run, error) // newest first

	Writer(ctx context.Context, run int64) Writer
	Changes(ctx context.Context, run int64) iter.Seq2[journal.Outcome, error] // in plan order, claims too
	Problems(ctx context.Context, run int64) iter.Seq2[roster.Problem, error] // by line
	// Apply carries out a stored plan in one transaction. Where the commit fails the
	// journal is read back: the error says what the database holds.
	Apply(ctx context.Context, o Order) (Applied, error)

	Baseline(ctx context.Context, profile, mapping string) (guard.Baseline, error)
	Known(ctx context.Context, profile string) (map[string]time.Time, error) // plan.Options.Known
	// Touched tells whether an account that the profile links was changed by another run after seq.
	Touched(ctx context.Context, profile string, seq int64) (bool, error)
	// Due lists the accounts whose start or end date has come and whose status does not show it yet, by id.
	Due(ctx context.Context, now time.Time) iter.Seq2[roster.Account, error]

	Account(ctx context.Context, id uint64) (*roster.Account, error)
	// Named finds an account by username, id:N or key:K; ErrNone, or an error that says the choice.
	Named(ctx context.Context, ref string) (*roster.Account, error)
	Accounts(ctx context.Context, q AccountQuery) iter.Seq2[roster.Account, error] // by id
	// History lists what was done to an account, newest first, with the runs that did it.
	History(ctx context.Context, id uint64) ([]journal.Outcome, []journal.Run, error)
	// Decide remembers that a key of a profile is somebody new (R49), until the next run has added them.
	DecideNew(ctx context.Context, profile string, key roster.Key, who, reason string) error

	Post(ctx context.Context, run int64, m ...notify.Message) error // into the outbox
	PendingMail(ctx context.Context, now time.Time) ([]Mail, error) // due, oldest first, at most 100
	MailSent(ctx context.Context, number int64) error
	MailFailed(ctx context.Context, number int64, why string, next time.Time) error // next zero: dead
}
