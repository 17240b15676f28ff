package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"os/signal"
	"syscall"
	"time"

	"rollcall/config"
	"rollcall/internal/run"
)

// serveCmd is "rollcall serve".
type serveCmd struct{}

// Help is what kong prints below the first line.
func (*serveCmd) Help() string {
	return "SIGTERM and SIGINT: no new runs; one that applies ends or rolls back within 60 seconds; exit 0. A second one ends at once. SIGHUP: the whole configuration is swapped, or the old one kept, which the log says. With an invalid profile it does not start (exit 15)."
}

// Run implements the command: until a signal ends it, which is exit 0.
func (c *serveCmd) Run(a *app) error {
	hangup := make(chan os.Signal, 1)
	signal.Notify(hangup, syscall.SIGHUP) // before anything else: without it SIGHUP ends the process
	defer signal.Stop(hangup)
	s, err := a.read(config.Load) // all of it, or nothing
	if err != nil {
		return err
	}
	r, err := a.runner(s)
	if err != nil {
		return err
	}
	if err := r.Forwards(a.ctx); err != nil {
		return err
	}
	log := a.story()
	r.Log = log
	warn(log, s)
	d, err := run.NewDaemon(r)
	if err != nil {
		return err
	}
	if err := d.Set(feeds(s), time.Duration(s.Sweep)); err != nil {
		return errors.Join(err, d.Stop())
	}
	d.Start()
	announce(log, "serving", s, r.Now())
	for {
		select {
		case <-hangup:
			next, swapped, err := a.reload(d, r, s)
			if err != nil {
				log.Error("configuration not reloaded; the old one stays", "error", err)
				continue
			}
			s, r = next, swapped
		case <-a.ctx.Done():
			log.Info("stopping: no new runs; those under way end or roll back")
			if err := d.Stop(); err != nil && !errors.Is(err, context.Canceled) {
				log.Warn("stopped", "error", err)
			}
			log.Info("stopped")
			return exit(exitDone, nil)
		}
	}
}

// reload reads the whole configuration again and swaps it for the old one.
// What is open already, the database and the state folder, cannot be swapped.
func (a *app) reload(d *run.Daemon, old *run.Runner, was *config.Site) (*config.Site, *run.Runner, error) {
	s, err := config.Load(was.Path)
	if err != nil {
		return nil, nil, err
	}
	if s.Database != was.Database || s.DatabasePassword != was.DatabasePassword || s.State != was.State {
		return nil, nil, errors.New("database, database_password and state cannot change while rollcall serves; restart it")
	}
	next, err := wired(old.Store, s, old.Now)
	if err != nil {
		return nil, nil, err
	}
	next.Log = old.Log
	if err := d.Swap(next, feeds(s), time.Duration(s.Sweep)); err != nil {
		return nil, nil, err
	}
	warn(next.Log, s)
	announce(next.Log, "configuration reloaded", s, next.Now())
	return s, next, nil
}

// story is the log of a daemon: it tells also of what goes well.
func (a *app) story() *slog.Logger {
	if a.Quiet || a.Verbose {
		return a.log()
	}
	return slog.New(slog.NewTextHandler(a.stderr, &slog.HandlerOptions{Level: slog.LevelInfo}))
}

// feeds are the profiles of a site, ready to run.
func feeds(s *config.Site) []*run.Profile {
	all := make([]*run.Profile, len(s.Loaded))
	for i, p := range s.Loaded {
		all[i] = feed(s, p)
	}
	return all
}

func warn(log *slog.Logger, s *config.Site) {
	for _, w := range s.Warnings {
		log.Warn("configuration", "at", fmt.Sprintf("%s:%d:%d", w.File, w.Line, w.Col), "code", w.Code, "warning", w.Text)
	}
}

// announce tells what runs when.
func announce(log *slog.Logger, what string, s *config.Site, now time.Time) {
	log.Info(what, "config", s.Path, "profiles", len(s.Loaded), "sweep", time.Duration(s.Sweep))
	for _, p := range feeds(s) {
		next := p.Schedule.Next(now, p.Zone)
		switch {
		case !p.Enabled:
			log.Info("profile is not enabled", "profile", p.Name)
		case next.IsZero():
			log.Info("profile has no schedule", "profile", p.Name)
		default:
			log.Info("profile is scheduled", "profile", p.Name, "next", next)
		}
	}
}
