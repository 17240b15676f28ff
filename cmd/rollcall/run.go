package main

import (
	"bufio"
	"errors"
	"fmt"
	"os"
	"strings"

	"rollcall/internal/journal"
	"rollcall/internal/report"
	"rollcall/internal/run"
	"rollcall/internal/store"
)

// dropPath is the value of --file. An empty one is a slip, such as a variable
// that is not set, and does not mean the source.
type dropPath string

// UnmarshalText implements [encoding.TextUnmarshaler].
func (d *dropPath) UnmarshalText(text []byte) error {
	if len(text) == 0 {
		return errors.New("names no file; leave --file out to ask the source")
	}
	*d = dropPath(text)
	return nil
}

// runCmd is "rollcall run".
type runCmd struct {
	Profile      string   `arg:"" help:"The profile: its file's name without .yaml."`
	File         dropPath `help:"Read this drop instead of asking the source; last is the last applied one." placeholder:"F"`
	RequireInput bool     `help:"Exit 13 where there is no new drop."`
	DryRun       bool     `help:"Stop before applying: the same as rollcall plan."`
}

// Help is what kong prints below the first line.
func (*runCmd) Help() string {
	return "With --yes a first run's plan is applied unseen: that waives first_run, once, and no other guardrail. A run that any other holds waits for rollcall held approve."
}

// Run implements the command.
func (c *runCmd) Run(a *app) error {
	if c.DryRun {
		return (&planCmd{Profile: c.Profile, File: c.File}).Run(a)
	}
	r, p, err := a.profile(c.Profile)
	if err != nil {
		return err
	}
	q := run.Request{Profile: p, File: string(c.File), Yes: a.Yes, Trigger: "manual", Tell: a.tell, Meter: new(run.Meter)}
	if a.terminal() && !a.NoInput && !a.Yes && a.Output == "table" {
		q.Confirm = func(j *journal.Run) bool {
			defer a.screen.pause()()
			return a.confirm(r, p, j)
		}
	}
	stop := a.watch(q.Meter, r.Now)
	runs, err := r.RunAll(a.ctx, q)
	stop()
	if len(runs) == 0 {
		a.leftover(r, c.Profile)
		return c.nothing(a, err)
	}
	code := exitDone
	for i, j := range runs {
		var own error
		if i == len(runs)-1 {
			own = err
		}
		if errors.Is(own, store.ErrUnknown) {
			return own
		}
		if a.ctx.Err() != nil {
			return exit(run.InterruptedBy(a.ctx), fmt.Errorf("interrupted; rollcall runs show %d tells what had been done", j.Number))
		}
		own = errors.Join(own, r.Deliver(a.ctx, j.Number))
		if err := a.told(r, p, j); err != nil {
			return untold(j, err)
		}
		code = journal.ExitCode(code, codeOfRun(j, own))
		if own != nil && j.Error == "" {
			fmt.Fprintf(a.stderr, "rollcall: %v\n", own)
		}
	}
	a.leftover(r, c.Profile)
	return exit(code, nil)
}

// untold ends a command whose report could not be printed: a run that was applied
// stays so, whatever has become of the database since.
func untold(j *journal.Run, err error) error {
	if j.Status.Applied() {
		return exit(exitUndelivered, err)
	}
	return err
}

// leftover sends the mails of earlier runs that are due, such as those of a
// process that was killed: where no rollcall serve runs nobody else would.
func (a *app) leftover(r *run.Runner, profile string) {
	if err := r.DeliverLeft(a.ctx, profile); err != nil && a.ctx.Err() == nil {
		said := map[string]bool{}
		for why := range strings.SplitSeq(err.Error(), "\n") { // one line for each cause, not for each mail
			if !said[why] && !a.Quiet {
				fmt.Fprintf(a.stderr, "rollcall: mail of an earlier run of %s: %s\n", profile, why)
			}
			said[why] = true
		}
	}
}

// tell says on stderr what a person waits for.
func (a *app) tell(what string) {
	if !a.Quiet {
		fmt.Fprintln(a.stderr, "rollcall: "+what)
	}
}

// nothing ends a run that was not recorded.
func (c *runCmd) nothing(a *app, err error) error {
	why := "no new drop since the last run"
	if none, ok := errors.AsType[*run.NoFile](err); ok {
		why = none.Error()
	}
	switch {
	case errors.Is(err, run.ErrNothingNew) && c.RequireInput:
		return exit(exitNoDrop, fmt.Errorf("%s: %s", c.Profile, why))
	case errors.Is(err, run.ErrNothingNew):
		switch {
		case a.Output == "json":
			fmt.Fprintln(a.stdout, "null")
		case a.Output == "table" && !a.Quiet:
			fmt.Fprintf(a.stdout, "%s: nothing to do: %s.\n", c.Profile, why)
		}
		return nil
	case errors.Is(err, run.ErrStillHeld):
		return fmt.Errorf("%w; decide with rollcall held", err)
	}
	return err
}

// confirm shows a first run's plan and asks.
func (a *app) confirm(r *run.Runner, p *run.Profile, j *journal.Run) bool {
	doc, beside, err := r.Doc(a.ctx, p, j)
	if err != nil {
		return false
	}
	if err := report.PlanText(a.stdout, doc, r.Changes(a.ctx, j.Number), report.Options{Beside: beside, Zone: p.Zone}); err != nil {
		return false
	}
	return a.ask("This is the first run of " + p.Name + ". Apply this plan?")
}

// ask asks a person for yes or no; anything but yes is no.
func (a *app) ask(question string) bool {
	fmt.Fprint(a.stdout, "\n"+question+" [y/N] ")
	line, _ := bufio.NewReader(a.stdin).ReadString('\n')
	answer := strings.ToLower(strings.TrimSpace(line))
	return answer == "y" || answer == "yes"
}

// showRun prints the report of a run.
func (a *app) showRun(r *run.Runner, p *run.Profile, j *journal.Run) error {
	doc, beside, err := r.Doc(a.ctx, p, j)
	if err != nil {
		return err
	}
	changes := r.Changes(a.ctx, j.Number)
	switch a.Output {
	case "json":
		return report.JSON(a.stdout, doc, changes)
	case "csv":
		return report.Results(a.stdout, j, changes, r.Problems(a.ctx, p, j.Number))
	}
	o := report.Options{Beside: beside}
	if p != nil {
		o.Zone = p.Zone
	}
	if j.Status == journal.Dry {
		return report.PlanText(a.stdout, doc, changes, o)
	}
	return report.Text(a.stdout, doc, changes, o)
}

// planCmd is "rollcall plan".
type planCmd struct {
	Profile          string   `arg:"" help:"The profile."`
	File             dropPath `help:"Read this drop; last is the last applied one." placeholder:"F"`
	ProfileFile      string   `help:"Read the profile from there, as if it were saved in its place; with --file last: what the edit would change." placeholder:"NEW.yaml" type:"existingfile"`
	Out              string   `help:"Write the plan there too, as JSON." placeholder:"P.json"`
	DetailedExitcode bool     `help:"Exit 2 where there are changes."`
}

// Run implements the command.
func (c *planCmd) Run(a *app) error {
	r, p, err := a.profileIn(c.Profile, c.ProfileFile)
	if err != nil {
		return err
	}
	meter := new(run.Meter)
	stop := a.watch(meter, r.Now)
	j, err := r.Run(a.ctx, run.Request{Profile: p, File: string(c.File), Dry: true, Draft: c.ProfileFile != "", Trigger: "manual", Tell: a.tell, Meter: meter})
	stop()
	if j == nil {
		return (&runCmd{Profile: c.Profile}).nothing(a, err)
	}
	if shown := heard(a.showRun(r, p, j)); shown != nil {
		return shown
	}
	if err != nil {
		return exit(codeOfRun(j, err), nil)
	}
	if c.Out != "" {
		if err := a.writePlan(r, j, c.Out); err != nil {
			return err
		}
	}
	if c.DetailedExitcode && j.Facts.Changes() > 0 {
		return exit(exitChanges, nil)
	}
	return nil
}

// writePlan writes P.json: the report under its own schema, with run and digest.
func (a *app) writePlan(r *run.Runner, j *journal.Run, path string) error {
	doc, _, err := r.Doc(a.ctx, nil, j)
	if err != nil {
		return err
	}
	doc.Schema = planSchema
	f, err := os.OpenFile(path, os.O_CREATE|os.O_WRONLY|os.O_TRUNC, 0o600)
	if err != nil {
		return fmt.Errorf("--out: %w", err)
	}
	return errors.Join(report.JSON(f, doc, r.Changes(a.ctx, j.Number)), f.Close())
}

// planSchema names the form of P.json.
const planSchema = "rollcall.plan.v1"
