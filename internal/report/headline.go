package report

import (
	"fmt"
	"time"

	"rollcall/internal/guard"
	"rollcall/internal/journal"
)

// who names the run: by its profile, or by what it is where it has none.
func (p *page) who() string {
	run := p.d.Run
	name := run.Profile
	if name == "" {
		name = map[journal.Kind]string{
			journal.Sweep: "The sweep", journal.Batch: "A change by hand", journal.Revert: "A revert",
		}[run.Kind]
	}
	word := "run"
	if run.DryRun {
		word = "plan"
	}
	return fmt.Sprintf("%s (%s %d)", name, word, run.Number)
}

// finished says that the run was carried out, and how long that took. The time
// in which it waited for a person does not count.
func (p *page) finished() string {
	run := p.d.Run
	long := " in " + took(run.Finished.Sub(run.Started.Time))
	switch {
	case run.Kind == journal.Sync:
		long = " in " + took(p.worked())
	case run.Approved:
		long = ""
	}
	if run.Reverts > 0 {
		return fmt.Sprintf("%s took run %d back%s.", p.who(), run.Reverts, long)
	}
	return p.who() + " finished" + long + "."
}

// worked is how long the steps of a run took.
func (p *page) worked() time.Duration {
	t := p.d.Timing
	if p.d.Run.Approved {
		return millis(t.Apply) // what was fetched and planned lay there
	}
	return millis(t.Fetch + t.Read + t.Plan + t.Apply)
}

func millis(n int64) time.Duration { return time.Duration(n) * time.Millisecond }

// headline writes what [page.sentences] says, and of a failure why.
func (p *page) headline() {
	for _, s := range p.sentences() {
		p.say("", "%s", s)
	}
	if p.d.Run.Status == journal.Failed {
		p.line("")
		if name := p.input(); name != "" && p.d.Run.Code != "" {
			p.line("  %s", name)
		}
		p.say("  ", "%s", clean(p.d.Run.Error))
	}
}

// sentences say what happened and whether anybody has to act.
func (p *page) sentences() (all []string) {
	say := func(format string, args ...any) { all = append(all, fmt.Sprintf(format, args...)) }
	run, facts := p.d.Run, p.d.facts
	switch run.Status {
	case journal.OK:
		switch {
		case run.Kind == journal.Batch:
			say("%s by hand (run %d).", p.byHand(), run.Number)
			if done := p.decision(); done != "" {
				say("Done%s.", done)
			}
		case facts.Denied.Accounts > 0:
			say("%s %s.", p.finished(), changed(facts.Changes()))
		case run.LeftOut+run.Excepted > 0, p.mailsWait():
			say("%s %s, no problems.", p.finished(), changed(facts.Changes()))
		default:
			say("%s %s, no problems. %s", p.finished(), changed(facts.Changes()), nothingLeft)
		}
	case journal.Unchanged:
		if run.Reverts > 0 {
			say("%s took nothing of run %d back: nothing of it can be taken back any more.", p.who(), run.Reverts)
			break
		}
		if p.repeated() {
			say("%s Nothing had changed: it is the same file as before.", p.finished())
			say("Its problems stand as they were reported then: rollcall runs problems %d", run.SameAs)
			break
		}
		if p.mailsWait() || facts.Denied.Accounts > 0 {
			say("%s Nothing had changed.", p.finished())
			break
		}
		say("%s Nothing had changed. %s", p.finished(), nothingLeft)
	case journal.Warn:
		say("%s %s%s", p.finished(), changed(facts.Changes()), p.blemishes())
		if facts.Rows.Rejected > 0 {
			say("A rejected row never counts as a leaver: whoever has an account keeps it exactly as it was.")
		}
	case journal.Held:
		say("%s is held. NOTHING was changed.", p.who())
		say("Somebody must decide%s.", p.deadline())
	case journal.Failed:
		say("%s failed after %s. NO account was changed.", p.who(), took(run.Finished.Sub(run.Started.Time)))
	case journal.Interrupted:
		say("%s was interrupted: its process ended before it was done. NO account was changed.", p.who())
	case journal.Missing:
		say("%s: no new file came in time. NO account was changed, and nobody counts as a leaver.", p.who())
	case journal.Rejected:
		say("%s was rejected%s. NOTHING was changed.", p.who(), p.decision())
	case journal.Superseded:
		say("%s was held, and was not decided before its time was over or a newer run took its place. NOTHING was changed.", p.who())
	case journal.Reverted:
		say("%s was applied, and has been taken back since.", p.who())
	case journal.Running:
		say("%s is under way since %s.", p.who(), p.moment(run.Started.Time))
	case journal.Dry:
		say("%s is only a plan: NOTHING was changed. %s.", p.who(), wouldChange(facts.Changes()))
		if guard.Holds(p.d.Guardrails) {
			say("If it were applied, a guardrail would hold it until somebody approves it.")
		}
	}
	if n := facts.Denied.Accounts; n > 0 && run.Status != journal.Reverted {
		keep := "keep"
		if n == 1 {
			keep = "keeps"
		}
		say("%s %s access although the file asks for removal: the profile's policy does not let this feed do it.", people(n), keep)
	}
	return append(all, p.leftOut()...)
}

// mailsWait tells whether the run wrote welcome mails that a person must release.
func (p *page) mailsWait() bool {
	status := p.d.Run.Status
	return p.d.facts.Passwords.Waits && status.Applied() && status != journal.Reverted
}

// input names the drop and its time; "" where there was none.
func (p *page) input() string {
	in := p.d.Input
	if in.Name == "" || in.Modified.IsZero() {
		return cut(clean(in.Name), 2*maxName)
	}
	return cut(clean(in.Name), 2*maxName) + ", " + p.day(in.Modified.Time)
}

// nothingLeft ends a headline that asks nothing of its reader.
const nothingLeft = "Nothing left for you to do."

// repeated tells whether the drop was one that had been read before: its
// problems are another run's.
func (p *page) repeated() bool {
	return p.d.Run.SameAs != 0 && p.d.Rows.Rejected+p.d.facts.Denied.Accounts > 0 && len(p.d.Problems) == 0
}

// byHand is "1 account was suspended".
func (p *page) byHand() string {
	r := p.d.Rows
	if n := p.d.facts.Erased; n > 0 && n == r.Deleted {
		return was(n, "account") + " " + p.deleted()
	}
	var parts []string
	back := p.d.facts.Restored
	restored := "restored"
	switch n := back.Suspended; {
	case n == 0:
	case n == back.Accounts:
		restored += ", suspended as before"
	default:
		restored += fmt.Sprintf(", %s of them suspended as before", number(n))
	}
	for _, one := range []struct {
		n    int
		what string
	}{{r.Added, "added"}, {r.Suspended, "suspended"}, {r.Deleted, "deleted"}, {r.Reactivated - back.Accounts, "reactivated"}, {back.Accounts, restored}, {r.Renamed, "renamed"}, {r.Updated, "changed"}} {
		if one.n > 0 {
			parts = append(parts, was(one.n, "account")+" "+one.what)
		}
	}
	if len(parts) == 0 {
		return "No account was changed"
	}
	return list(parts)
}

// changed is "41 accounts changed".
func changed(n int) string {
	if n == 0 {
		return "No account changed"
	}
	return many(n, "account") + " changed"
}

func wouldChange(n int) string {
	if n == 0 {
		return "No account would change"
	}
	return many(n, "account") + " would change"
}

// fixedIn is where rows are corrected: of a file that a person imports, in the file.
func (p *page) fixedIn() string {
	if p.d.Run.Profile == imported {
		return "the file"
	}
	return "HR"
}

// blemishes is why a run is WARN: "; 12 rows were rejected and need fixing in HR."
func (p *page) blemishes() string {
	facts := p.d.facts
	switch {
	case facts.Rows.Rejected == 1:
		return "; 1 row was rejected and needs fixing in " + p.fixedIn() + "."
	case facts.Rows.Rejected > 1:
		return fmt.Sprintf("; %s rejected and need fixing in %s.", was(facts.Rows.Rejected, "row"), p.fixedIn())
	case facts.Errors > 0:
		return fmt.Sprintf("; %s in its rows, see below.", many(facts.Errors, "error"))
	case facts.Warnings > 0:
		return fmt.Sprintf("; %s, see below.", many(facts.Warnings, "warning"))
	}
	return "."
}

// asked tells whether a directory was asked: nobody sends its answers.
func (p *page) asked() bool { return p.d.Run.Kind == journal.Sync && p.d.Input.Source == "ldap" }

func (p *page) deadline() string {
	if p.d.Run.HeldUntil.IsZero() {
		return ""
	}
	then := map[journal.Kind]string{
		journal.Sync: " and the next file is used", journal.Sweep: " and the next sweep plans anew",
	}[p.d.Run.Kind]
	if p.asked() {
		then = " and the directory's next answer is used"
	}
	if p.queued() {
		then = " and is made anew, and the files after it wait"
	}
	return " by " + p.moment(p.d.Run.HeldUntil.Time) + "; after that the plan expires" + then
}

// decision is who decided, and why.
func (p *page) decision() string {
	by, why := cut(clean(p.d.Run.DecidedBy), maxName), cut(clean(p.d.Run.Decision), maxSentence)
	if by != "" {
		by = " by " + by
	}
	if why != "" {
		why = " (" + why + ")"
	}
	return by + why
}

// leftOut tells what of the plan was not carried out, and what becomes of it.
func (p *page) leftOut() (all []string) {
	say := func(format string, args ...any) { all = append(all, fmt.Sprintf(format, args...)) }
	run := p.d.Run
	waits := "."
	switch {
	case run.Kind == journal.Sweep:
		waits = "; the next sweep plans them again."
	case run.Kind == journal.Sync && p.d.Input.Content == "full":
		waits = "; they are planned again with the next file."
	}
	switch {
	case run.Status == journal.Held || run.Status == journal.Dry:
	case run.Approved && run.Kind == journal.Batch:
		say("It is more than a feed may do unasked.")
	case run.Approved:
		say("It had been held, and was approved%s.", p.decision())
		if run.Excepted > 0 {
			say("%s left out, as decided%s", was(run.Excepted, "removal"), waits)
		}
	case run.Excepted > 0:
		say("%s left out (on_hold: removals): a guardrail would have held the run%s Somebody should look.", was(run.Excepted, "removal"), waits)
	}
	if run.LeftOut > 0 {
		say("%s left out: the account had changed since the plan was made. The next run looks again.", was(run.LeftOut, "change"))
	}
	if p.mailsWait() {
		say("%s for a person: rollcall outbox release %d", verb(p.d.facts.Passwords.Welcome, "welcome mail", "waits", "wait"), run.Number)
	}
	for _, f := range p.d.Guardrails {
		if f.Tripped && !f.Holds() {
			say("Mind: %s.", clean(f.Text))
		}
	}
	return all
}
