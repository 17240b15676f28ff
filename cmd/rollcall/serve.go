package main

// serveCmd is "rollcall serve".
type serveCmd struct{}

// Run implements the command.
func (c *serveCmd) Run(a *app) error { return exit(exitFailed, nil) }
