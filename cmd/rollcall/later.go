package main

import (
	"fmt"
	"strings"

	"github.com/alecthomas/kong"
)

// laterCmd is a command of the contract that this version cannot do yet. It
// says so, where an unknown word would look like a mistake.
type laterCmd struct {
	Rest []string `arg:"" optional:"" passthrough:""`
}

// Run implements the command.
func (laterCmd) Run(ctx *kong.Context) error {
	name := strings.TrimPrefix(ctx.Selected().Path(), "rollcall ")
	return fmt.Errorf("%s is not built yet; rollcall help shows what this version can do", name)
}

// commandsLater are the commands that are not built yet.
type commandsLater struct {
	Expect     laterCmd `cmd:"" hidden:"" passthrough:""`
	Pause      laterCmd `cmd:"" hidden:"" passthrough:""`
	Resume     laterCmd `cmd:"" hidden:"" passthrough:""`
	Target     laterCmd `cmd:"" hidden:"" passthrough:""`
	DB         laterCmd `cmd:"" hidden:"" passthrough:"" name:"db"`
	Completion laterCmd `cmd:"" hidden:"" passthrough:""`
}
