package main

// validateCmd is "rollcall validate".
type validateCmd struct{}

// Run implements the command.
func (c *validateCmd) Run(a *app) error { return exit(exitFailed, nil) }
