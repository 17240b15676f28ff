// Package store keeps accounts, links, runs, plans and the outbox in SQLite or
// PostgreSQL, through GORM. It is the only room that knows a column.
package store

import (
	"context"
	"errors"
	"time"

	"rollcall/internal/journal"
	"rollcall/internal/notify"
	"rollcall/internal/plan"
)

// Errors by which a caller decides.
var (
	ErrDown      = errors.New("database is unreachable")                              // exit 16
	ErrNewer     = errors.New("database is newer than this binary")                   // exit 16
	ErrBackwards = errors.New("database is older than what rollcall remembers of it") // exit 16
	ErrBusy      = errors.New("another run of this profile is under way")             // exit 14
	ErrFenced    = errors.New("another process has taken over this profile")          // the lease's epoch moved
	ErrRefused   = errors.New("plan refused")                                         // used, expired, other digest, overtaken, too much moved: exit 1
	ErrNone      = errors.New("not found")
	ErrUnknown   = errors.New("whether the plan was applied is not known") // comes with ErrDown
)

// Options say where the database is.
type Options struct {
	DSN      string           // sqlite:PATH or postgres://…
	Password string           // of PostgreSQL; "" where the DSN or the server needs none
	LockDir  string           // folder of the lock files of SQLite
	Scratch  string           // folder for plans that do not fit into memory; "" is the system's for temporary files
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
	// Place is the number that the nth change, counted from 1, has in the order of
	// the plan, once that is sealed.
	Place(nth uint64) uint64
	// Passwords stores the hashes that changes of the plan set, once that is sealed.
	Passwords(ctx context.Context, list []PlannedPassword) error
	// Discard takes back what was written.
	Discard(ctx context.Context) error
}

// An Order is what to apply.
type Order struct {
	Run            *journal.Run // as judged; its number's plan is applied
	Lease          *Lease       // nil for what a person does by hand
	Digest         string       // that the stored plan must have
	ExceptRemovals bool
	Protect        []string      // whom no feed suspends, renames or deletes (R64): who came under it since the plan was made is left out
	MaxWelcome     int           // more welcome mails wait for a person (R81)
	HoldNames      time.Duration // for how long a username given up is kept from others (R33)
	// Finish is called in the transaction, when all changes are in: it writes what
	// the run came to into Run and gives the mails for the outbox.
	Finish func(Applied) ([]notify.Message, error)
	// Also is called after Finish and gives runs that had ended before and that end
	// otherwise by this one: superseded, taken back. They are saved with it.
	Also func(Applied) []*journal.Run
	Site string // of the profile (R44): of its accounts those of that site and below are counted; "" for all
	Soon *Soon  // what Finish wants to know of what is coming; nil: nothing
	// Tell is called after Finish, and changes what the run's people know by the
	// mails that it gives, as in [DB.Tell]. Nil: nobody is told.
	Tell func(*journal.Told) []notify.Message
	// Watch is called when a stage begins, with zero, and again and again with how
	// many of the plan's changes it has come through. Nil: nobody looks.
	Watch func(s Stage, changes int)
}

// A Stage is how far an application is.
type Stage string

const (
	Comparing Stage = "comparing" // the plan with the accounts as they are now
	Applying  Stage = "applying"
	Finishing Stage = "finishing" // indexes, counts, the commit
)

// Applied is what applying gave. Claims are in none of its counts.
type Applied struct {
	Seq                        int64 // under which others see it; zero where nothing was applied, not even a claim
	Carried, LeftOut, Excepted int
	// What was left out or excepted, in the ledger that had counted it: the caller
	// moves Lost to skipped, LostAbsent to kept, and takes LostByDate back. Read
	// and Total are their sums.
	Lost        plan.Rows
	LostAbsent  plan.Absent
	LostByDate  plan.ByDate
	ActiveAfter int     // active accounts that the run's profile links
	Expire      int     // as [DB.Soon] counts, if that was asked for
	Gone        int     // likewise
	Welcomed    int     // welcome mails that are due
	Waits       bool    // they wait for a person
	Rewrite     []int64 // runs whose reports spoke of accounts that are erased by now
}

// A Mail is a message of the outbox.
type Mail struct {
	Number   int64
	Run      int64
	Message  notify.Message
	Account  uint64 // to whom it brings a password; zero for every other mail
	State    string // pending, sent, dead; of a welcome mail also waiting and dropped
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
	Role, Cohort                                                      string // a role of the system; a cohort's id
	Grants                                                            bool   // with their memberships
	ExpiresBefore, RegisteredAfter, RegisteredBefore, LastLoginBefore time.Time
	Limit                                                             int // zero: all
}
