package main

import (
	"errors"
	"fmt"
)

// sweepCmd is "rollcall sweep".
type sweepCmd struct{}

// Run implements the command.
func (sweepCmd) Run(a *app) error {
	d, err := a.desk()
	if err != nil {
		return err
	}
	j, err := d.r.Sweep(d.ctx, "manual")
	var told error
	if err != nil || j != nil {
		if told = d.tell(nil, j, err); err != nil || len(d.r.Terms) == 0 {
			return told
		}
	}
	erased, err := d.r.Forget(d.ctx, "manual")
	if err != nil || erased != nil {
		then := d.tell(nil, erased, err)
		if told == nil || codeOf(told) == exitDone {
			return errors.Join(then, told)
		}
		return errors.Join(told, then)
	}
	if j != nil {
		return told
	}
	held, err := d.r.Store.Held(d.ctx)
	if err != nil {
		return err
	}
	for _, h := range held {
		if h.Kind == "sweep" {
			fmt.Fprintf(a.stderr, "rollcall: what is due is held already, as run %d; decide with rollcall held\n", h.Number)
			return errors.Join(a.nothing(), exit(exitHeld, nil))
		}
	}
	if a.Output != "table" {
		return a.nothing()
	}
	if !a.Quiet {
		fmt.Fprintln(a.stdout, "Nothing is due.")
	}
	return nil
}
