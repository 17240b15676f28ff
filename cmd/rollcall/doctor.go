package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"rollcall/config"
	"rollcall/internal/run"
)

// doctorCmd is "rollcall doctor".
type doctorCmd struct {
	Profiles []string `arg:"" optional:"" help:"Only these profiles."`
}

// Run implements the command.
func (c *doctorCmd) Run(a *app) error {
	if err := a.only("doctor", "json"); err != nil {
		return err
	}
	s, err := a.site(c.Profiles...)
	if err != nil {
		return err
	}
	chosen := s.Loaded
	if len(c.Profiles) > 0 {
		chosen = nil
		for _, name := range c.Profiles {
			p, err := profileOf(s, name)
			if err != nil {
				return err
			}
			chosen = append(chosen, p)
		}
	}
	return a.examine(s, chosen)
}

// examine asks each source for real, one after the other.
func (a *app) examine(s *config.Site, chosen []*config.Profile) error {
	checkups := []*run.Checkup{}
	var failed error
	r := &run.Runner{State: s.State, Log: a.log()} // it needs no database
	for _, p := range chosen {
		found, err := r.Examine(a.ctx, feed(s, p))
		checkups = append(checkups, found)
		if a.ctx.Err() != nil {
			return err
		}
		failed = errors.Join(failed, err)
		if a.Output == "table" {
			a.tellCheckup(found)
		}
	}
	if a.Output == "json" {
		e := json.NewEncoder(a.stdout)
		e.SetIndent("", "  ")
		if err := e.Encode(checkups); err != nil {
			return err
		}
	}
	if failed != nil {
		return exit(codeOf(failed), nil) // what is wrong has been said
	}
	return nil
}

func (a *app) tellCheckup(c *run.Checkup) {
	took := ""
	if t := c.Took.Round(10 * time.Millisecond); t > 0 {
		took = ", " + t.String()
	}
	fmt.Fprintf(a.stdout, "%s  %s%s\n", c.Profile, c.Source, took)
	for _, text := range c.Fine {
		fmt.Fprintf(a.stdout, "  ok  %s\n", text)
	}
	for _, d := range c.Doubts {
		fmt.Fprintf(a.stdout, "  ?   %s\n      %s\n", d.Text, d.Fix)
	}
	if c.Trouble != "" {
		fmt.Fprintf(a.stdout, "  !!  %s\n", c.Trouble)
	}
}
