package run

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/go-co-op/gocron/v2"
	"github.com/robfig/cron/v3"

	"rollcall/internal/store"
)

// stopping is how long an apply that is under way may take to end once the
// daemon is asked to stop (contract: Signals).
const stopping = 55 * time.Second

// A Schedule says when a profile runs by itself; the zero Schedule is never.
type Schedule struct {
	Cron  string        // five fields, or a word like @daily
	Every time.Duration // where Cron is ""
}

// IsZero tells whether the profile runs only by hand.
func (s Schedule) IsZero() bool { return s == Schedule{} }

// Next is when the schedule comes after a time; zero for never. A fixed period
// counts from the time given.
func (s Schedule) Next(after time.Time, zone *time.Location) time.Time {
	switch {
	case s.Every > 0:
		return after.Add(s.Every)
	case s.Cron == "":
		return time.Time{}
	}
	spec, err := cron.ParseStandard(s.Cron)
	if err != nil {
		return time.Time{}
	}
	return spec.Next(after.In(zone))
}

// job is the schedule for gocron, in a zone.
func (s Schedule) job(zone *time.Location) gocron.JobDefinition {
	if s.Every > 0 {
		return gocron.DurationJob(s.Every)
	}
	return gocron.CronJob("CRON_TZ="+zone.String()+" "+s.Cron, false)
}

// A Daemon runs profiles on their schedules, the sweep, and the outbox.
type Daemon struct {
	runner *Runner
	cron   gocron.Scheduler
	work   context.Context // of the runs; ended by Stop
	cancel context.CancelFunc
	busy   sync.WaitGroup
	once   sync.Once
	mu     sync.Mutex // guards stopped: no run begins once it is set
	stop   bool
}

// NewDaemon prepares a daemon. Nothing runs before [Daemon.Set] and [Daemon.Start].
func NewDaemon(r *Runner) (*Daemon, error) {
	s, err := gocron.NewScheduler(gocron.WithStopTimeout(stopping))
	if err != nil {
		return nil, fmt.Errorf("schedule: %w", err)
	}
	work, cancel := context.WithCancel(context.Background())
	return &Daemon{runner: r, cron: s, work: work, cancel: cancel}, nil
}

// Set replaces every job by those of the profiles, the sweep and the outbox.
// Runs that are under way go on. Where it fails, the error says which schedule.
func (d *Daemon) Set(profiles []*Profile, sweep time.Duration) error {
	old := d.cron.Jobs()
	for _, p := range profiles {
		if !p.Enabled || p.Schedule.IsZero() {
			continue
		}
		if err := d.add("profile "+p.Name, p.Schedule, p.Zone, func(ctx context.Context) { d.profile(ctx, p) }); err != nil {
			return err
		}
	}
	if err := d.add("sweep", Schedule{Every: sweep}, time.UTC, d.sweep); err != nil {
		return err
	}
	if err := d.add("outbox", Schedule{Every: time.Minute}, time.UTC, d.outbox); err != nil {
		return err
	}
	for _, j := range old {
		if err := d.cron.RemoveJob(j.ID()); err != nil {
			return fmt.Errorf("schedule: %w", err)
		}
	}
	return nil
}

// add schedules one job: never twice at once, and on days when the clock
// changes at most an hour late instead of not at all.
func (d *Daemon) add(name string, s Schedule, zone *time.Location, f func(context.Context)) error {
	options := []gocron.JobOption{
		gocron.WithName(name), gocron.WithSingletonMode(gocron.LimitModeReschedule),
		gocron.WithDaylightSavingsTimePolicy(gocron.DaylightSavingsTimeRunAfterTransition),
	}
	if s.Every > 0 {
		options = append(options, gocron.WithStartAt(gocron.WithStartImmediately()))
	}
	_, err := d.cron.NewJob(s.job(zone), gocron.NewTask(func() { d.do(f) }), options...)
	if err != nil {
		return fmt.Errorf("%s: schedule: %w", name, err)
	}
	return nil
}

// do runs a job unless the daemon is stopping.
func (d *Daemon) do(f func(context.Context)) {
	d.mu.Lock()
	if d.stop {
		d.mu.Unlock()
		return
	}
	d.busy.Add(1)
	d.mu.Unlock()
	defer d.busy.Done()
	f(d.work)
}

// Start lets the schedule go.
func (d *Daemon) Start() { d.cron.Start() }

// Stop begins no more runs, ends those under way (an apply may take up to a
// minute to end or to roll back), and answers when all is quiet.
func (d *Daemon) Stop() error {
	var err error
	d.once.Do(func() {
		d.mu.Lock()
		d.stop = true
		d.mu.Unlock()
		d.cancel()
		err = d.cron.Shutdown()
		d.busy.Wait()
	})
	return err
}

func (d *Daemon) profile(ctx context.Context, p *Profile) {
	runs, err := d.runner.RunAll(ctx, Request{Profile: p, Trigger: "schedule"})
	for _, run := range runs {
		if err := d.runner.Deliver(ctx, run.Number); err != nil {
			d.runner.Log.Warn("report not delivered", "run", run.Number, "error", err)
		}
	}
	log := d.runner.Log.With("profile", p.Name)
	switch {
	case err == nil:
	case errors.Is(err, ErrNothingNew), errors.Is(err, ErrStillHeld):
		log.Debug("no run", "why", err)
	case errors.Is(err, store.ErrBusy):
		log.Info("no run", "why", err)
	default:
		log.Error("run failed", "error", err)
	}
}

func (d *Daemon) sweep(ctx context.Context) {
	if _, err := d.runner.Sweep(ctx, "schedule"); err != nil && !errors.Is(err, store.ErrBusy) {
		d.runner.Log.Error("sweep failed", "error", err)
	}
}

func (d *Daemon) outbox(ctx context.Context) {
	if err := d.runner.Deliver(ctx, 0); err != nil && ctx.Err() == nil {
		d.runner.Log.Warn("outbox", "error", err)
	}
}

// grace is a context that outlives the end of ctx by the time that an apply
// may take to finish.
func grace(ctx context.Context) (context.Context, context.CancelFunc) {
	late, cancel := context.WithCancel(context.WithoutCancel(ctx))
	stop := context.AfterFunc(ctx, func() { time.AfterFunc(stopping, cancel) })
	return late, func() { stop(); cancel() }
}
