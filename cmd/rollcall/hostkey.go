package main

import (
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"

	"rollcall/internal/source"
)

// hostkeyCmd is "rollcall hostkey".
type hostkeyCmd struct {
	Show   hostkeyShowCmd   `cmd:"" help:"What a server offers, and the line that pins it."`
	Accept hostkeyAcceptCmd `cmd:"" hidden:"" help:"Not built yet: pin by hand."`
}

// hostkeyShowCmd is "rollcall hostkey show".
type hostkeyShowCmd struct {
	Host string `arg:"" help:"HOST or HOST:PORT."`
}

// Run implements the command.
func (c *hostkeyShowCmd) Run(a *app) error {
	keys, err := source.HostKey(a.ctx, c.Host)
	if err != nil {
		return err
	}
	if len(keys) == 0 {
		return exit(exitSource, fmt.Errorf("%s offers no host key of a type that rollcall accepts; ask its owner for an Ed25519 one", c.Host))
	}
	if a.Output == "csv" {
		w := csv.NewWriter(a.stdout)
		_ = w.Write([]string{"type", "fingerprint"}) // the writer keeps the first error
		for _, k := range keys {
			_ = w.Write([]string{k.Type, k.Fingerprint})
		}
		w.Flush()
		return w.Error()
	}
	if a.Output == "json" {
		type key struct {
			Type        string `json:"type"`
			Fingerprint string `json:"fingerprint"`
		}
		list := make([]key, len(keys))
		for i, k := range keys {
			list[i] = key(k)
		}
		e := json.NewEncoder(a.stdout)
		e.SetIndent("", "  ")
		return e.Encode(list)
	}
	fmt.Fprintf(a.stdout, "%s offers\n\n", c.Host)
	for _, k := range keys {
		fmt.Fprintf(a.stdout, "  %-20s %s\n", k.Type, k.Fingerprint)
	}
	fmt.Fprintf(a.stdout, "\nWhoever sits between you and the server can offer a key too. Compare the fingerprint with what the\n"+
		"server's owner tells you by phone or ticket. Only if it is the same, pin it in the profile:\n\n"+
		"source:\n  host_keys: [%q]\n", keys[0].Fingerprint)
	return nil
}

// hostkeyAcceptCmd is "rollcall hostkey accept".
type hostkeyAcceptCmd struct {
	Profile     string `arg:"" help:"The profile."`
	Fingerprint string `arg:"" help:"SHA256:…"`
}

// Run implements the command.
func (c *hostkeyAcceptCmd) Run(*app) error {
	return errors.New("hostkey accept is not built yet; write the fingerprint into the profile under source.host_keys, as rollcall hostkey show prints it")
}
