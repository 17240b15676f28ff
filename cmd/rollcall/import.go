package main

import (
	"errors"
	"fmt"
	"os"

	"rollcall/internal/journal"
	"rollcall/internal/roster"
	"rollcall/internal/run"
)

type accountsImportCmd struct {
	File     string `arg:"" help:"The file: what rollcall accounts export has written, perhaps edited since."`
	Preset   string `help:"Another program's file: rollcall help presets." default:"rollcall" placeholder:"NAME"`
	Encoding string `help:"What the file is written in, where that is not UTF-8 and has no byte-order mark: windows-1252, …" placeholder:"NAME"`
	DryRun   bool   `help:"Only show what would be done."`
	Reason   string `help:"Why, for the journal." placeholder:"TEXT"`
}

// Help is what kong prints below the first line.
func (*accountsImportCmd) Help() string {
	return "CSV, XML or JSON, as exported; which of them the name's suffix says. Who is in the file is added or changed, as a person does it: empty cells say nothing (in JSON, null clears starts_on and expires_on), a membership is added, until when the file says it lasts, and none is taken away (accounts edit --remove does that), whom the file does not list it does not mean, and no profile comes to own an account by it. What the file says is written also where somebody has changed it since the export: its column version is not looked at, so export anew before you edit, and look at --dry-run. The plan is shown and judged by the guardrails; the first import waits for a person, which --yes is."
}

// Run implements the command.
func (c *accountsImportCmd) Run(a *app) error {
	d, err := a.desk()
	if err != nil {
		return err
	}
	switch info, err := os.Stat(c.File); {
	case err != nil:
		return errors.New(absent(c.File, err))
	case info.IsDir():
		return fmt.Errorf("%s is a folder; name a file that rollcall accounts export has written", c.File)
	}
	p, err := d.importing(c.Preset, c.File)
	if err != nil {
		return err
	}
	if c.Encoding != "" {
		p.Format.Encoding = c.Encoding
		for _, f := range p.Format.Validate() {
			if f.Path == "encoding" {
				return fmt.Errorf("--encoding: %s; %s", f.Text, f.Hint)
			}
		}
	}
	by := run.By{Who: who(), Reason: c.Reason}
	p.Plan.Person = roster.Person(by.Who)
	q := run.Request{Profile: p, File: c.File, Trigger: "manual", Tell: a.tell, Meter: new(run.Meter), By: &by}
	once := func(dry bool) (*journal.Run, error) {
		q.Dry, q.Yes = dry, !dry
		stop := a.watch(q.Meter, d.r.Now)
		defer stop()
		return d.r.Run(d.ctx, q)
	}
	if c.DryRun || !a.Yes {
		j, err := once(true)
		switch {
		case j == nil:
			return err
		case c.DryRun || err != nil:
			return d.tell(p, j, err)
		case j.Facts.Changes() > 0:
			if err := a.showRun(d.r, p, j); err != nil {
				return err
			}
			if err := a.sure("Apply this plan?"); err != nil {
				return err
			}
		}
	}
	j, err := once(false)
	if j == nil {
		return err
	}
	return d.tell(p, j, err)
}

// importing is the profile of an import by hand.
func (d *desk) importing(preset, file string) (*run.Profile, error) {
	p, err := d.site.Import(preset, file)
	if err != nil {
		return nil, err
	}
	f := feed(d.site, p)
	if preset == "rollcall" {
		f.Mapping.ID = "id"
		if f.Format.Type == "xml" {
			f.Mapping.ID = "@id"
			f.Mapping.Other = append(f.Mapping.Other, f.Mapping.ID)
			f.Format.Elements = f.Mapping.Columns()
		}
		for _, c := range recordOf(&roster.Account{}) {
			f.Mapping.Other = append(f.Mapping.Other, c.name)
		}
		if f.Format.Type == "json" {
			f.Format.JSON = exportedShape(f.Mapping.Columns())
		}
	}
	return f, nil
}
