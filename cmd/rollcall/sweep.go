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
	if err != nil || j != nil {
		return d.tell(nil, j, err)
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
