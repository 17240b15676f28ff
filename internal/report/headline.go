package report

import (
	"fmt"

	"rollcall/internal/guard"
	"rollcall/internal/journal"
)

// who names the run: by its profile, or by what it is where it has none.
func (p *page) who() string {
	run := p.d.Run
	name := run.Profile
	if name == "" {
		name = map[journal.Kind]string{
			journal.Sweep: "The sweep", journal.Batch: "A command", journal.Revert: "A revert",
		}[run.Kind]
	}
	word := "run"
	if run.DryRun {
		word = "plan"
	}
	return fmt.Sprintf("%s (%s %d)", name, word, run.Number)
}

// headline says what happened and whether anybody has to act.
func (p *page) headline() {
	run, facts := p.d.Run, p.d.facts
	finished := fmt.Sprintf("%s finished in %s.", p.who(), took(run.Finished.Sub(run.Started.Time)))
	if run.Reverts > 0 {
		finished = fmt.Sprintf("%s took run %d back in %s.", p.who(), run.Reverts, took(run.Finished.Sub(run.Started.Time)))
	}
	switch run.Status {
	case journal.OK:
		p.say("", "%s %s, no problems. Nothing to do.", finished, changed(facts.Changes()))
	case journal.Unchanged:
		p.say("", "%s Nothing had changed. Nothing to do.", finished)
	case journal.Warn:
		p.say("", "%s %s%s", finished, changed(facts.Changes()), p.blemishes())
		if facts.Rows.Rejected > 0 {
			p.say("", "A rejected row never counts as a leaver: whoever has an account keeps it exactly as it was.")
		}
	case journal.Held:
		p.say("", "%s is held. NOTHING was changed.", p.who())
		p.say("", "Somebody must decide%s.", p.deadline())
	case journal.Failed:
		p.say("", "%s failed after %s. NO account was changed.", p.who(), took(run.Finished.Sub(run.Started.Time)))
		p.line("")
		p.say("  ", "%s", clean(run.Error))
	case journal.Interrupted:
		p.say("", "%s was interrupted: its process ended before it was done. NO account was changed.", p.who())
	case journal.Missing:
		p.say("", "%s: no new file came in time. NO account was changed, and nobody counts as a leaver.", p.who())
	case journal.Rejected:
		p.say("", "%s was rejected%s. NOTHING was changed.", p.who(), p.decision())
	case journal.Superseded:
		p.say("", "%s was held, and was not decided before its time was over or a newer run took its place. NOTHING was changed.", p.who())
	case journal.Reverted:
		p.say("", "%s was applied, and has been taken back since.", p.who())
	case journal.Running:
		p.say("", "%s is under way since %s.", p.who(), p.moment(run.Started.Time))
	case journal.Dry:
		p.say("", "%s is only a plan: NOTHING was changed. %s.", p.who(), wouldChange(facts.Changes()))
		if guard.Holds(p.d.Guardrails) {
			p.say("", "If it were applied, a guardrail would hold it until somebody approves it.")
		}
	}
	p.leftOut()
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

// blemishes is why a run is WARN: "; 12 rows were rejected and need fixing in HR."
func (p *page) blemishes() string {
	facts := p.d.facts
	switch {
	case facts.Rows.Rejected == 1:
		return "; 1 row was rejected and needs fixing in HR."
	case facts.Rows.Rejected > 1:
		return fmt.Sprintf("; %s rejected and need fixing in HR.", was(facts.Rows.Rejected, "row"))
	case facts.Errors > 0:
		return fmt.Sprintf("; %s in its rows, see below.", many(facts.Errors, "error"))
	case facts.Warnings > 0:
		return fmt.Sprintf("; %s, see below.", many(facts.Warnings, "warning"))
	}
	return "."
}

func (p *page) deadline() string {
	if p.d.Run.HeldUntil.IsZero() {
		return ""
	}
	return " by " + p.moment(p.d.Run.HeldUntil.Time) + "; after that the plan expires and the next file is used"
}

// decision is who decided, and why.
func (p *page) decision() string {
	by, why := clean(p.d.Run.DecidedBy), clean(p.d.Run.Decision)
	if by != "" {
		by = " by " + by
	}
	if why != "" {
		why = " (" + why + ")"
	}
	return by + why
}

// leftOut tells what of the plan was not carried out.
func (p *page) leftOut() {
	run := p.d.Run
	switch {
	case run.Status == journal.Held || run.Status == journal.Dry:
	case run.Approved:
		p.say("", "It had been held, and was approved%s.", p.decision())
	case run.Excepted > 0:
		p.say("", "Its %s would have tripped a guardrail and %s left out (on_hold: removals). Somebody should look.",
			many(run.Excepted, "removal"), map[bool]string{true: "was", false: "were"}[run.Excepted == 1])
	}
	if run.Approved && run.Excepted > 0 {
		p.say("", "%s left out, as decided.", was(run.Excepted, "removal"))
	}
	if run.LeftOut > 0 {
		p.say("", "%s left out: the account had changed since the plan was made. The next run looks again.", was(run.LeftOut, "change"))
	}
	for _, f := range p.d.Guardrails {
		if f.Tripped && !f.Holds() {
			p.say("", "Mind: %s.", clean(f.Text))
		}
	}
}
