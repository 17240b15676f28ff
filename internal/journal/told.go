package journal

import (
	"slices"
	"strings"
	"time"
)

// Told is what the people of a profile have been told, and what is watched
// beside its runs: all that decides whether the next mail is worth sending. A
// [Told] of nobody knows nothing. It is kept in the database, so that neither a
// restart nor a second daemon tells anything twice.
type Told struct {
	Profile string

	// The trouble that goes on: runs that came to nothing, one after the other.
	Status Status    // of the newest of them; "" while there is none
	Code   string    // what it is, so that the next one can be told from it; decided: a person has dealt with it
	Since  time.Time // when the first of them began
	Runs   int       // how many there were
	Run    int64     // the newest that was told of, or would have been
	Mails  int       // of the trouble as it is now
	Mailed time.Time // when the last of them was written

	Problems string // the fingerprint of the problems that the last mail told of

	Arrived   time.Time // the time of the newest drop that was the same as the last one, so that no run tells of it
	ArrivedAt time.Time // when it was read
	Watched   time.Time // since when somebody looks whether drops are overdue; zero: never
	Week      time.Time // the Monday of the last weekly mail
}

// decided is the code of a trouble with which a person has dealt: nobody is
// reminded of it, and whatever comes next is another one.
const decided = "decided"

// What a mail is about.
const (
	Silent    Occasion = iota // no mail
	Report                    // what a run did: for report.to
	Trouble                   // held, failed, missing or interrupted, for report.alert too
	Reminder                  // of the same trouble
	Recovered                 // the end of a trouble
)

// An Occasion is what a mail is about.
type Occasion int

// A Notice is a mail that is worth sending.
type Notice struct {
	Occasion Occasion
	Status   Status    // of a trouble, or of the one that has ended
	Since    time.Time // when it began
	Runs     int       // of it, so far
	Number   int       // of a reminder, counted from 1
}

// Problems are those of a run, as far as they decide about a mail.
type Problems struct {
	Fingerprint string // of the groups that are errors or warnings; "" for none
	New         bool   // somebody is among them who was not in the run before
}

// When a trouble is told again: once after four hours, then each working
// morning. Weekly mails are written in the morning too.
const (
	again   = 4 * time.Hour
	morning = 8 // o'clock, in the profile's zone
)

// Ended takes in what a run came to and says whether to tell of it. when is
// report.when.
//
// A trouble is told at once and not again by its next runs, until it is another
// one: another status, another code, other guardrails. Its end is told once,
// instead of what the run did. Warnings are told where their set has changed
// since the last mail: a cause came or went, or somebody is new in it. So is who
// keeps access because the policy forbids what the record asks (R65): once, as new.
func (t *Told) Ended(run *Run, when string, p Problems) Notice {
	n := t.ended(run, when, p)
	if when == "never" {
		return Notice{}
	}
	return n
}

func (t *Told) ended(run *Run, when string, p Problems) Notice {
	switch {
	case run.DryRun, !run.Status.Applied() && run.Status != Held && run.Status != Missing && !run.Status.Broke(), stopped(run):
		return Notice{}
	case run.Status.Applied():
		return t.applied(run, when, p)
	case run.Kind != Sync, run.Status.Broke() && byHand(run): // nobody waits for these but the person who typed them
		return Notice{Occasion: Trouble, Status: run.Status, Since: run.Started, Runs: 1}
	}
	return t.trouble(run)
}

// stopped tells whether a person has stopped a run that a person began: nobody
// else waits for it. The schedule's runs are missed when they do not come to an
// end, whoever asked the daemon to stop.
func stopped(run *Run) bool {
	return run.Status == Interrupted && run.Trigger != "schedule" && (run.ExitCode == exitInterrupted || run.ExitCode == exitTerminated)
}

// byHand tells whether a person gave the drop (--file).
func byHand(run *Run) bool { return run.Input.Source == "file" }

func (t *Told) trouble(run *Run) Notice {
	code := codeOf(run)
	if t.Status == "" {
		t.Since, t.Runs = run.Started, 0
	}
	t.Runs++
	switch {
	case t.Status == Failed && run.Status == Missing && run.Overdue != nil && !run.Overdue.Reached:
		return Notice{} // that a drop is missing follows from what was told: the source cannot be asked
	case t.Status == run.Status && t.Code == code:
		t.Run = run.Number
		return Notice{}
	}
	return t.begin(run, code)
}

// begin makes a run's trouble the one that goes on.
func (t *Told) begin(run *Run, code string) Notice {
	t.Status, t.Code, t.Run = run.Status, code, run.Number
	t.Mails, t.Mailed = 1, run.Finished
	return Notice{Occasion: Trouble, Status: t.Status, Since: t.Since, Runs: t.Runs}
}

// codeOf says what trouble a run is: for a held one the guardrails that hold it.
func codeOf(run *Run) string {
	if run.Status != Held {
		return run.Code
	}
	var names []string
	for _, f := range run.Findings {
		if f.Holds() {
			names = append(names, f.Name)
		}
	}
	slices.Sort(names)
	return strings.Join(names, ",")
}

func (t *Told) applied(run *Run, when string, p Problems) Notice {
	if run.Kind == Sync && t.endedBy(run) {
		t.Problems = p.Fingerprint
		return t.recover()
	}
	quiet := run.Status == Unchanged || run.Status == OK && run.Empty()
	switch {
	case when == "always":
	case run.Facts.Denied.New > 0: // somebody new keeps access whom the feed asks to remove
	case run.Status == Warn && run.Kind == Sync && p.Fingerprint == t.Problems && !p.New:
		return Notice{}
	case quiet, when == "problems" && run.Status != Warn:
		return Notice{}
	}
	if run.Kind == Sync {
		t.Problems = p.Fingerprint
	}
	return Notice{Occasion: Report}
}

// endedBy tells whether a run that was applied ends the trouble: not an older one
// that a person has approved meanwhile, and not a drop given by hand where it is
// the source that cannot be reached.
func (t *Told) endedBy(run *Run) bool {
	unreached := t.Status == Failed && slices.Contains([]string{"E401", "E402", "E403", "E404"}, t.Code)
	return t.Status != "" && run.Number >= t.Run && !(unreached && byHand(run))
}

// recover ends the trouble.
func (t *Told) recover() Notice {
	n := Notice{Occasion: Recovered, Status: t.Status, Since: t.Since, Runs: t.Runs}
	t.Forget()
	return n
}

// Forget ends a trouble of which there is nothing more to tell.
func (t *Told) Forget() {
	t.Status, t.Code, t.Since, t.Runs, t.Run, t.Mails, t.Mailed = "", "", time.Time{}, 0, 0, 0, time.Time{}
}

// Answered takes in that the source was asked and has nothing to run for: a
// failure is over by that. arrived: it had a drop, the same as the last one, so
// that one which was missing is there too. What still waits becomes the trouble
// again, with a mail only where it was not told before, as when a drop was
// missing while nobody could ask for it: held is the newest run that waits for a
// person, overdue the run that noted the drop as missing, or nil.
func (t *Told) Answered(arrived bool, held, overdue *Run, when string, now time.Time) Notice {
	n := t.answered(arrived, held, overdue, now)
	if when == "never" {
		return Notice{}
	}
	return n
}

func (t *Told) answered(arrived bool, held, overdue *Run, now time.Time) Notice {
	switch {
	case t.Status != Failed && t.Status != Interrupted && !(t.Status == Missing && arrived):
		return Notice{}
	case overdue != nil && !arrived:
		n := t.begin(overdue, codeOf(overdue))
		t.Mailed = now
		if overdue.Overdue != nil && overdue.Overdue.Reached {
			return t.known()
		}
		return n
	case held != nil:
		t.begin(held, codeOf(held))
		t.Mailed = now
		return t.known()
	}
	return t.recover()
}

// known makes of a trouble one that people have heard of: they are reminded the
// next morning.
func (t *Told) known() Notice {
	t.Mails = 2
	return Notice{}
}

// Decided takes in that a person has decided about a held run without applying
// it. Nobody is reminded any more; its end is told with the next run that is applied.
func (t *Told) Decided(run *Run) {
	if t.Status == Held && t.Run == run.Number {
		t.Code = decided
	}
}

// Remind says whether a trouble that goes on is told again at a time.
func (t *Told) Remind(when string, now time.Time, zone *time.Location) Notice {
	if t.Status == "" || t.Code == decided || when == "never" || now.Before(t.reminder(zone)) || t.Mails > 1 && !working(now.In(zone)) {
		return Notice{}
	}
	t.Mails, t.Mailed = t.Mails+1, now
	return Notice{Occasion: Reminder, Status: t.Status, Since: t.Since, Runs: t.Runs, Number: t.Mails - 1}
}

// reminder is when the trouble is told again: four hours after the first mail,
// then on the morning of each working day after that of the last one.
func (t *Told) reminder(zone *time.Location) time.Time {
	if t.Mails < 2 {
		return t.Mailed.Add(again)
	}
	y, m, d := t.Mailed.In(zone).Date()
	for n := 1; ; n++ {
		if at := time.Date(y, m, d+n, morning, 0, 0, 0, zone); working(at) {
			return at
		}
	}
}

func working(t time.Time) bool { return t.Weekday() != time.Saturday && t.Weekday() != time.Sunday }

// Weekly says whether a week has ended of which nobody was told yet, and which:
// from one Monday morning until the next. The first week of a profile is not told.
func (t *Told) Weekly(now time.Time, zone *time.Location) (from, until time.Time, due bool) {
	y, m, d := now.In(zone).Date()
	back := (int(now.In(zone).Weekday()) + 6) % 7
	until = time.Date(y, m, d-back, morning, 0, 0, 0, zone)
	if until.After(now) {
		until = time.Date(y, m, d-back-7, morning, 0, 0, 0, zone)
	}
	if !t.Week.Before(until) {
		return time.Time{}, time.Time{}, false
	}
	y, m, d = until.Date()
	first := t.Week.IsZero()
	t.Week = until
	return time.Date(y, m, d-7, morning, 0, 0, 0, zone), until, !first
}
