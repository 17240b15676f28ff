package run

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/go-co-op/gocron/v2"

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
	if s.Every > 0 {
		return after.Add(s.Every)
	}
	c, err := parse(s.Cron, zone)
	if err != nil {
		return time.Time{}
	}
	return c.Next(after)
}

// job is the schedule for gocron.
func (s Schedule) job() gocron.JobDefinition {
	if s.Every > 0 {
		return gocron.DurationJob(s.Every)
	}
	return gocron.CronJob(s.Cron, false)
}

// A Daemon runs profiles on their schedules, the sweep, and the outbox.
type Daemon struct {
	runner *Runner
	cron   gocron.Scheduler
	work   context.Context // of the runs; ended by Stop
	cancel context.CancelFunc
	busy   sync.WaitGroup
	once   sync.Once
	mu     sync.Mutex // guards runner, and stop: no run begins once it is set
	stop   bool
}

// NewDaemon prepares a daemon. Nothing runs before [Daemon.Set] and [Daemon.Start].
func NewDaemon(r *Runner) (*Daemon, error) {
	s, err := gocron.NewScheduler(gocron.WithStopTimeout(stopping), gocron.WithLocation(time.UTC))
	if err != nil {
		return nil, fmt.Errorf("schedule: %w", err)
	}
	work, cancel := context.WithCancel(context.Background())
	return &Daemon{runner: r, cron: s, work: work, cancel: cancel}, nil
}

// Set replaces every job by those of the profiles, the watch over them, the sweep and the outbox.
// Runs that are under way go on. Where it fails, the error says which schedule,
// and the jobs are those of before.
func (d *Daemon) Set(profiles []*Profile, sweep time.Duration) error {
	for _, p := range profiles { // all are read before any begins
		if p.Enabled && p.Schedule.Cron != "" {
			if _, err := parse(p.Schedule.Cron, p.Zone); err != nil {
				return fmt.Errorf("profile %s: schedule: %w", p.Name, err)
			}
		}
	}
	old := d.cron.Jobs()
	if err := d.addAll(profiles, sweep); err != nil {
		return errors.Join(err, d.remove(slices.DeleteFunc(d.cron.Jobs(), func(j gocron.Job) bool {
			return slices.ContainsFunc(old, func(o gocron.Job) bool { return o.ID() == j.ID() })
		})))
	}
	return d.remove(old)
}

// Swap is [Daemon.Set] with another runner, on the same store: runs that are
// under way end with the old one.
func (d *Daemon) Swap(r *Runner, profiles []*Profile, sweep time.Duration) error {
	d.mu.Lock()
	old := d.runner
	d.runner = r
	d.mu.Unlock()
	err := d.Set(profiles, sweep)
	if err != nil {
		d.mu.Lock()
		d.runner = old
		d.mu.Unlock()
	}
	return err
}

func (d *Daemon) addAll(profiles []*Profile, sweep time.Duration) error {
	for _, p := range profiles {
		if !p.Enabled || p.Schedule.IsZero() {
			continue
		}
		if err := d.add("profile "+p.Name, p.Schedule, p.Zone, func(ctx context.Context, r *Runner) { r.scheduled(ctx, p) }); err != nil {
			return err
		}
	}
	return errors.Join(
		d.add("watch", Schedule{Every: time.Minute}, time.UTC, func(ctx context.Context, r *Runner) { r.watchAll(ctx, profiles) }),
		d.add("sweep", Schedule{Every: sweep}, time.UTC, sweepOnSchedule),
		d.add("outbox", Schedule{Every: time.Minute}, time.UTC, deliverOnSchedule))
}

func (d *Daemon) remove(jobs []gocron.Job) error {
	for _, j := range jobs {
		if err := d.cron.RemoveJob(j.ID()); err != nil {
			return fmt.Errorf("schedule: %w", err)
		}
	}
	return nil
}

// add schedules one job: never twice at once.
func (d *Daemon) add(name string, s Schedule, zone *time.Location, f func(context.Context, *Runner)) error {
	options := []gocron.JobOption{gocron.WithName(name), gocron.WithSingletonMode(gocron.LimitModeReschedule)}
	if s.Every > 0 {
		options = append(options, gocron.WithStartAt(gocron.WithStartImmediately()))
	} else {
		c, err := parse(s.Cron, zone)
		if err != nil {
			return fmt.Errorf("%s: schedule: %w", name, err)
		}
		options = append(options, gocron.WithCronImplementation(c))
	}
	_, err := d.cron.NewJob(s.job(), gocron.NewTask(func() { d.do(f) }), options...)
	if err != nil {
		return fmt.Errorf("%s: schedule: %w", name, err)
	}
	return nil
}

// do runs a job unless the daemon is stopping.
func (d *Daemon) do(f func(context.Context, *Runner)) {
	d.mu.Lock()
	if d.stop {
		d.mu.Unlock()
		return
	}
	d.busy.Add(1)
	r := d.runner
	d.mu.Unlock()
	defer d.busy.Done()
	f(d.work, r)
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

// scheduled runs a profile because its time has come.
func (r *Runner) scheduled(ctx context.Context, p *Profile) {
	meter := new(Meter)
	stop := r.logged(p.Name, meter)
	runs, err := r.RunAll(ctx, Request{Profile: p, Trigger: "schedule", Meter: meter})
	stop()
	for _, run := range runs {
		if err := r.Deliver(ctx, run.Number); err != nil && ctx.Err() == nil {
			r.Log.Warn("report not delivered", "run", run.Number, "error", err)
		}
	}
	log := r.Log.With("profile", p.Name)
	switch {
	case err == nil:
	case errors.Is(err, ErrNothingNew), errors.Is(err, ErrStillHeld):
		log.Debug("no run", "why", err)
	case errors.Is(err, store.ErrBusy):
		log.Info("no run", "why", err)
	case errors.Is(err, context.Canceled):
		log.Info("run interrupted")
	default:
		log.Error("run failed", "error", err)
	}
}

// watchAll watches over the profiles that are enabled, one after the other.
func (r *Runner) watchAll(ctx context.Context, profiles []*Profile) {
	if err := r.Salvage(ctx, profiles); err != nil && ctx.Err() == nil {
		r.Log.Error("what a killed process has left is still there", "error", err)
	}
	for _, p := range profiles {
		if !p.Enabled || ctx.Err() != nil {
			continue
		}
		if err := r.Watch(ctx, p); err != nil && ctx.Err() == nil {
			r.Log.Error("watch failed", "profile", p.Name, "error", err)
		}
	}
}

func sweepOnSchedule(ctx context.Context, r *Runner) {
	if _, err := r.Sweep(ctx, "schedule"); err != nil && !errors.Is(err, store.ErrBusy) && ctx.Err() == nil {
		r.Log.Error("sweep failed", "error", err)
	}
	if _, err := r.Forget(ctx, "schedule"); err != nil && !errors.Is(err, store.ErrBusy) && ctx.Err() == nil {
		r.Log.Error("erasing failed", "error", err)
	}
}

func deliverOnSchedule(ctx context.Context, r *Runner) {
	if err := r.Deliver(ctx, 0); err != nil && ctx.Err() == nil {
		r.Log.Warn("outbox", "error", err)
	}
}

// grace is a context that outlives the end of ctx by the time that an apply
// may take to finish.
func grace(ctx context.Context) (context.Context, context.CancelFunc) {
	late, cancel := context.WithCancel(context.WithoutCancel(ctx))
	stop := context.AfterFunc(ctx, func() { time.AfterFunc(stopping, cancel) })
	return late, func() { stop(); cancel() }
}
