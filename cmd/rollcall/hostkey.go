package main

// hostkeyCmd is "rollcall hostkey".
type hostkeyCmd struct{}

// Run implements the command.
func (c *hostkeyCmd) Run(a *app) error { return exit(exitFailed, nil) }
