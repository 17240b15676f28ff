package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
)

// Help is what kong prints below the first line.
func (*accountsExportCmd) Help() string {
	return "Every value is written as it is, so that the file feeds back in: rollcall accounts import. A value that begins with = + - or @ is a formula to a spreadsheet, in which a CSV file is therefore to be opened as text."
}

type accountsExportCmd struct {
	selection `embed:""`
	Format    string `help:"csv, xml or json; where neither it nor -o says it, what the name of --out ends with, else csv." enum:",csv,xml,json" default:"" placeholder:"FORMAT"`
	Out       string `help:"Write to this file, whole or not at all." placeholder:"FILE"`
}

// Run implements the command.
func (c *accountsExportCmd) Run(a *app) error {
	d, err := a.desk()
	if err != nil {
		return err
	}
	q, err := c.query(d)
	if err != nil {
		return err
	}
	format := c.Format
	switch ending := strings.ToLower(filepath.Ext(c.Out)); {
	case format != "":
	case a.Output == "json":
		format = "json"
	case a.Output != "csv" && (ending == ".json" || ending == ".xml"): // by which an import knows it
		format = ending[1:]
	}
	write := func(w io.Writer) error {
		accounts := d.r.Store.Accounts(d.ctx, q)
		custom, err := d.r.Store.CustomNames(d.ctx)
		if err != nil {
			return err
		}
		switch format {
		case "json":
			to := *a
			to.stdout = w
			return to.array(records(accounts))
		case "xml":
			return exportXML(w, custom, accounts)
		}
		return exportCSV(w, custom, accounts)
	}
	if c.Out != "" {
		return whole(c.Out, write)
	}
	w := bufio.NewWriter(a.stdout)
	return errors.Join(write(w), w.Flush())
}

// whole writes a file, readable by its owner alone, that appears whole or not
// at all: what is in its place stays until then.
func whole(path string, content func(io.Writer) error) error {
	f, err := os.CreateTemp(filepath.Dir(path), ".rollcall-*")
	if err != nil {
		return fmt.Errorf("--out: %w", err)
	}
	w := bufio.NewWriter(f)
	err = errors.Join(content(w), w.Flush(), f.Close())
	if err == nil {
		err = os.Rename(f.Name(), path)
	}
	if err != nil {
		return fmt.Errorf("--out: %w", errors.Join(err, os.Remove(f.Name())))
	}
	return nil
}
