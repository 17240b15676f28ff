package report

import (
	"time"

	"rollcall/internal/journal"
	"rollcall/internal/plan"
)

// Beside is what a report tells of the time around its run. The zero Beside
// tells nothing more than the run itself.
type Beside struct {
	Last    *Doc     // the applied run before it, of the same kind; nil: none
	Usual   *Usual   // nil where too few runs were applied to say what is usual
	Coming  Coming   // what dates and terms will do by themselves
	Trouble *Trouble // what goes on, or has ended with this run; nil: nothing
	Missing *Missing // of a run whose drop is overdue, else nil
}

// Usual is the median of each count over the last applied runs, ten at most.
type Usual struct {
	Runs   int // from which they were taken
	Rows   plan.Rows
	Absent plan.Absent
	ByDate plan.ByDate
}

// Coming is what falls due by itself, in the profile's accounts (R73).
type Coming struct {
	Expire   int       // active accounts that end
	ExpireBy time.Time // by then: 14 days on
	Delete   int       // suspended by absence, and deleted (policy.delete_after)
	DeleteBy time.Time
}

// A Trouble is a row of runs that came to nothing: held, failed or missing.
type Trouble struct {
	Status   journal.Status // of the newest of them
	Since    time.Time      // when the first of them began
	Runs     int            // how many there were
	Reminder int            // 0: the first mail about it; 1, 2, …: a reminder
	Ended    bool           // by this run, which was applied: RECOVERED
}

// Missing is what was found where a drop should have been.
type Missing struct {
	Due      time.Time     // by then
	Path     string        // folder and pattern
	Last     journal.Input // the drop used last; the zero Input: none
	LastRows int
	Earliest string   // of the usual arrival, as "05:08"; "" where that is not known
	Latest   string   // of the usual arrival
	Seen     []string // what lies there, in words without personal data; ten at most
	Reached  bool     // login and listing worked
}
