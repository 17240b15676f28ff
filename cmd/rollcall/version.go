package main

import (
	"fmt"
	"runtime"
	"runtime/debug"
)

// versionCmd is "rollcall version".
type versionCmd struct{}

// Run implements the command.
func (versionCmd) Run(a *app) error {
	v := struct {
		Version string `json:"version"`
		Commit  string `json:"commit"`
		Date    string `json:"date"`
		Go      string `json:"go"`
		System  string `json:"system"`
	}{version, commit, date, runtime.Version(), runtime.GOOS + "/" + runtime.GOARCH}
	if info, ok := debug.ReadBuildInfo(); ok && commit == "unknown" { // not built by the Makefile
		for _, s := range info.Settings {
			switch s.Key {
			case "vcs.revision":
				v.Commit = s.Value
			case "vcs.time":
				v.Date = s.Value
			}
		}
	}
	switch a.Output {
	case "json":
		return a.object(v)
	case "csv":
		_, err := fmt.Fprintf(a.stdout, "version,commit,date,go,system\n%s,%s,%s,%s,%s\n", v.Version, v.Commit, v.Date, v.Go, v.System)
		return err
	}
	_, err := fmt.Fprintf(a.stdout, "rollcall %s (commit %s, %s, %s %s)\n", v.Version, v.Commit, v.Date, v.Go, v.System)
	return err
}
