package main

// initCmd is "rollcall init".
type initCmd struct{}

// Run implements the command.
func (c *initCmd) Run(a *app) error { return exit(exitFailed, nil) }
