package run

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"syscall"
	"time"

	"rollcall/internal/fault"
	"rollcall/internal/journal"
	"rollcall/internal/notify"
	"rollcall/internal/source"
	"rollcall/internal/store"
)

// carryOut applies the stored plan of a run in one transaction, and then does
// with the remote file what after: says. An error means that nothing was
// applied. got may be nil.
func (r *Runner) carryOut(ctx context.Context, p *Profile, lease *store.Lease, run *journal.Run, got *fetched, exceptRemovals bool, m *Meter) error {
	if err := fault.After(r.archive(got, run), "run.archived"); err != nil {
		return err
	}
	if err := r.forget(ctx, run); err != nil {
		return err
	}
	about, err := r.letter(ctx, p, run)
	if err != nil {
		return err
	}
	others, err := r.replaced(ctx, p, run)
	if err != nil {
		return err
	}
	began := r.Now()
	if err := ctx.Err(); err != nil {
		return err
	}
	ctx, done := grace(ctx)
	defer done()
	order := store.Order{
		Run: run, Lease: lease, Digest: run.PlanDigest, ExceptRemovals: exceptRemovals, Protect: r.Protect, HoldNames: r.Hold, MaxWelcome: r.mostWelcomes(p),
		Watch: m.apply(run.Facts.Changes(), r.Now),
		Finish: func(a store.Applied) ([]notify.Message, error) {
			r.enter(run, a)
			run.Timing.Apply = r.since(began)
			if about != nil {
				about.beside.Coming.Expire, about.beside.Coming.Delete = a.Expire, a.Gone
			}
			return nil, nil
		},
		Also: func(a store.Applied) []*journal.Run {
			if run.Kind == journal.Revert && a.Seq == 0 { // it had nothing to do
				others = nil
			}
			return others
		},
	}
	if p != nil {
		order.Site, order.Protect = p.Plan.Site, p.Plan.Policy.Protect
	}
	if about != nil {
		soon := r.soon(p)
		order.Soon = &soon
		order.Tell = func(t *journal.Told) []notify.Message { return r.ending(p, run, about, t) }
	}
	base := r.goneOnFrom(ctx, run)
	applied, err := r.Store.Apply(ctx, order)
	if err != nil {
		return fmt.Errorf("apply: %w", err)
	}
	r.forgotten(ctx, run, applied.Rewrite)
	r.outdated(ctx, run, base)
	if err := fault.After(r.rewrite(ctx, others), "run.rewritten"); err != nil {
		r.Log.Warn("report not written again", "run", run.Number, "error", err)
	}
	if got != nil && got.source != nil {
		if err := fault.After(got.source.After(ctx, got.drop), "run.away"); err != nil {
			r.Log.Warn("the remote file stays where it is", "run", run.Number, "error", err)
		}
	}
	return nil
}

// enter writes into the run what applying gave: what was left out or excepted
// counts as skipped, or as kept where it was absent.
func (r *Runner) enter(run *journal.Run, a store.Applied) {
	run.AppliedSeq, run.LeftOut, run.Excepted = a.Seq, a.LeftOut, a.Excepted
	rows, lost := &run.Facts.Rows, a.Lost
	rows.Added -= lost.Added
	rows.Updated -= lost.Updated
	rows.Renamed -= lost.Renamed
	rows.Reactivated -= lost.Reactivated
	rows.Suspended -= lost.Suspended
	rows.Deleted -= lost.Deleted
	rows.Skipped += lost.Added + lost.Updated + lost.Renamed + lost.Reactivated + lost.Suspended + lost.Deleted
	absent := &run.Facts.Absent
	absent.Suspended -= a.LostAbsent.Suspended
	absent.Deleted -= a.LostAbsent.Deleted
	absent.Kept += a.LostAbsent.Suspended + a.LostAbsent.Deleted
	run.Facts.ByDate.Started -= a.LostByDate.Started
	run.Facts.ByDate.Expired -= a.LostByDate.Expired
	if owner(run) != "" {
		run.Facts.ActiveAfter = a.ActiveAfter
	}
	run.Facts.Passwords.Welcome, run.Facts.Passwords.Waits = a.Welcomed, a.Waits
	run.DryRun = false
	run.Finished = r.Now()
	run.Status = ""
	journal.Settle(run)
}

// hold keeps the plan for a person.
func (r *Runner) hold(ctx context.Context, p *Profile, run *journal.Run, got *fetched) error {
	if err := r.archive(got, run); err != nil {
		return err
	}
	held, err := r.superseded(ctx, p, run)
	if err = fault.After(err, "run.held"); err != nil {
		return err
	}
	for _, old := range held {
		if err := r.amend(ctx, old); err != nil {
			return err
		}
	}
	run.Status, run.DryRun = journal.Held, false
	run.HeldUntil = r.Now().Add(p.Limits.HoldFor).UTC()
	return nil
}

// archive keeps our copy of the drop, before anything is decided: a held plan
// and "--file last" need it.
func (r *Runner) archive(got *fetched, run *journal.Run) error {
	if got == nil || got.drop.Path == "" || run.Draft { // nobody reads again what was never applied, and the draft may not know which column is a password
		return nil
	}
	if got.borrowed {
		rel, err := filepath.Rel(r.State, got.drop.Path)
		run.Input.Archive = rel
		return err
	}
	dir, err := r.folder("archive", run.Profile)
	if err != nil {
		return err
	}
	kept := filepath.Join(dir, strconv.FormatInt(run.Number, 10)+"-"+filepath.Base(got.drop.Name))
	if got.secret {
		kept += bareSuffix
		if err = r.keepBare(got, kept); err == nil {
			err = onDisk(kept)
		}
	} else {
		if err = fault.After(got.written(), "run.on_disk"); err == nil {
			err = move(got.drop.Path, kept)
		}
	}
	if err == nil {
		err = onDisk(dir)
	}
	if err != nil {
		return fmt.Errorf("archive the drop: %w; nothing was changed; see to the folder %s, its rights and its free space", err, dir)
	}
	got.drop.Path, got.borrowed = kept, true
	run.Input.Archive, err = filepath.Rel(r.State, kept)
	return err
}

// move gives a file another name, also on another file system.
func move(from, to string) error {
	err := os.Rename(from, to)
	if !errors.Is(err, syscall.EXDEV) {
		return err
	}
	err = appear(to, func(w io.Writer) error {
		f, err := os.Open(from)
		if err != nil {
			return err
		}
		defer f.Close()
		_, err = io.Copy(w, f)
		return err
	})
	if err != nil {
		return err
	}
	return errors.Join(onDisk(to), os.Remove(from))
}

// replaced are the runs that end otherwise once by is applied: held plans that it
// supersedes, or the run that it takes back.
func (r *Runner) replaced(ctx context.Context, p *Profile, by *journal.Run) ([]*journal.Run, error) {
	if by.Kind != journal.Revert {
		return r.superseded(ctx, p, by)
	}
	if by.Partly {
		return nil, nil
	}
	was, err := r.Store.Run(ctx, by.Reverts)
	if err != nil {
		return nil, err
	}
	was.Status = journal.Reverted
	return []*journal.Run{was}, nil
}

// superseded are the held full plans of a profile that a newer drop replaces.
func (r *Runner) superseded(ctx context.Context, p *Profile, by *journal.Run) (ended []*journal.Run, err error) {
	if by.Kind != journal.Sync || p == nil || !p.Plan.Full && by.Input.Sequence == "" && by.Profile != Import {
		return nil, nil
	}
	held, err := r.Store.Held(ctx)
	if err != nil {
		return nil, err
	}
	for i := range held {
		old := &held[i]
		if old.Profile != by.Profile || old.Kind != journal.Sync || old.Number >= by.Number {
			continue
		}
		why := "has read a newer drop"
		switch {
		case p.Plan.Full:
		case by.Profile == Import:
			why = "is another import, which was planned after it"
		case !waitsForOthers(old) || number(by) >= number(old):
			continue
		default:
			why = "has read what was missing before it; it is planned again after that"
		}
		old.Status, old.Decision = journal.Superseded, "run "+strconv.FormatInt(by.Number, 10)+" "+why
		ended = append(ended, old)
	}
	return ended, nil
}

// rewrite writes the reports of runs again that have ended otherwise since.
func (r *Runner) rewrite(ctx context.Context, runs []*journal.Run) error {
	var errs []error
	for _, run := range runs {
		errs = append(errs, r.files(ctx, nil, run))
	}
	return errors.Join(errs...)
}

// expire ends the held plans for which nobody has decided in time.
func (r *Runner) expire(ctx context.Context) error {
	held, err := r.Store.Held(ctx)
	if err != nil {
		return err
	}
	for i := range held {
		if old := &held[i]; !old.HeldUntil.IsZero() && !r.Now().Before(old.HeldUntil) {
			old.Status, old.Decision = journal.Superseded, "nobody decided in time"
			if err := r.amend(ctx, old); err != nil && !errors.Is(err, store.ErrNone) { // applied in this moment
				return err
			}
		}
	}
	return nil
}

// A Decision is what a person says of a stored plan.
type Decision struct {
	Run            int64
	Digest         string // the plan must have it; "" asks for none
	ExceptRemovals bool
	Reason         string
	Who            string
	Meter          *Meter // shows how far it is; nil: nobody looks
}

// Approve applies a held plan, unchanged, as a person asked (contract: Held).
// p is the run's profile; nil for a sweep.
func (r *Runner) Approve(ctx context.Context, p *Profile, d Decision) (*journal.Run, error) {
	return r.stored(ctx, p, d, func(run *journal.Run, lease *store.Lease) error {
		if run.Status != journal.Held {
			return fmt.Errorf("run %d is not held but %s, so there is nothing to approve; rollcall held lists what waits: %w", run.Number, became(run), store.ErrRefused)
		}
		if d.Digest != "" && d.Digest != run.PlanDigest {
			return fmt.Errorf("run %d: its plan has the digest %s, not the one given; read it again with rollcall runs show %d: %w", run.Number, run.PlanDigest, run.Number, store.ErrRefused)
		}
		run.Approved, run.Decision, run.DecidedBy, run.Trigger = true, d.Reason, d.Who, "approval"
		return r.carryOut(ctx, p, lease, run, nil, d.ExceptRemovals, d.Meter)
	})
}

// became is a run's status, and for one that was superseded also why.
func became(run *journal.Run) string {
	if run.Status == journal.Superseded && run.Decision != "" {
		return fmt.Sprintf("%s: %s", run.Status, run.Decision)
	}
	return string(run.Status)
}

// ApplyStored carries out a plan that was only made, judged again (contract: Commands).
func (r *Runner) ApplyStored(ctx context.Context, p *Profile, d Decision) (*journal.Run, error) {
	return r.stored(ctx, p, d, func(run *journal.Run, lease *store.Lease) error {
		switch {
		case run.Status != journal.Dry && run.Status != journal.Held:
			return fmt.Errorf("run %d is %s and no plan that waits; make one with rollcall plan %s: %w", run.Number, run.Status, run.Profile, store.ErrRefused)
		case d.Digest != "" && d.Digest != run.PlanDigest:
			return fmt.Errorf("run %d: its plan has the digest %s, not that of the file: %w", run.Number, run.PlanDigest, store.ErrRefused)
		case run.Draft:
			return fmt.Errorf("run %d was planned by a profile that is not in its place; save it, and make a plan with rollcall plan %s: %w", run.Number, run.Profile, store.ErrRefused)
		case p == nil:
			return fmt.Errorf("run %d has no profile; use rollcall held approve %d: %w", run.Number, run.Number, store.ErrRefused)
		case run.Finished.Add(p.Limits.HoldFor).Before(r.Now()):
			return fmt.Errorf("the plan of run %d has expired; make a new one with rollcall plan %s: %w", run.Number, run.Profile, store.ErrRefused)
		}
		if err := r.judge(ctx, p, run, false); err != nil {
			return err
		}
		run.DryRun = false
		run.Status = ""
		journal.Settle(run)
		if run.Status == journal.Held {
			return r.hold(ctx, p, run, nil)
		}
		return r.carryOut(ctx, p, lease, run, nil, false, d.Meter)
	})
}

// stored works on a run that has a plan, under the lease of its profile. A
// refusal leaves the run as it was.
func (r *Runner) stored(ctx context.Context, p *Profile, d Decision, f func(*journal.Run, *store.Lease) error) (*journal.Run, error) {
	first, err := r.Store.Run(ctx, d.Run)
	if err != nil {
		return nil, err
	}
	lease, err := r.acquire(ctx, first.Profile)
	if err != nil {
		return nil, err
	}
	defer r.release(lease)
	if err := r.expire(ctx); err != nil {
		return nil, err
	}
	run, err := r.Store.Run(ctx, d.Run)
	if err = fault.After(err, "run.found"); err != nil {
		return nil, err
	}
	if err := f(run, lease); err != nil {
		return run, err
	}
	d.Meter.Begin("writing the report", r.Now())
	run.Finished = r.Now()
	if run.Status == journal.Held {
		if err := r.finish(ctx, p, run); err != nil {
			return run, err
		}
	} else if p != nil {
		r.afterwards(ctx, p, run)
	}
	return run, r.report(context.WithoutCancel(ctx), p, run)
}

// afterwards does with the remote file of an approved drop what after: says.
func (r *Runner) afterwards(ctx context.Context, p *Profile, run *journal.Run) {
	if run.Kind != journal.Sync || run.Input.Source == "file" || p.Source.After == "keep" {
		return
	}
	ctx, stop := context.WithTimeout(ctx, time.Minute)
	defer stop()
	src, err := source.Open(ctx, p.Source, r.Log)
	if err == nil {
		err = errors.Join(src.After(ctx, remoteOf(p, run.Input)), src.Close())
	}
	if err != nil {
		r.Log.Warn("the remote file stays where it is", "run", run.Number, "error", err)
	}
}

// Reject gives a held plan up.
func (r *Runner) Reject(ctx context.Context, d Decision) (*journal.Run, error) {
	run, err := r.Store.Run(ctx, d.Run)
	if err != nil {
		return nil, err
	}
	lease, err := r.acquire(ctx, run.Profile)
	if err != nil {
		return nil, err
	}
	defer r.release(lease)
	if run, err = r.Store.Run(ctx, d.Run); err != nil {
		return nil, err
	}
	if run.Status != journal.Held {
		return run, fmt.Errorf("run %d is not held but %s; rollcall held lists what waits: %w", run.Number, became(run), store.ErrRefused)
	}
	run.Status, run.Decision, run.DecidedBy = journal.Rejected, d.Reason, d.Who
	if err := r.amend(ctx, run); err != nil {
		return run, err
	}
	return run, r.decided(ctx, run)
}

// amend writes down what became of a run that had ended before, in the journal
// and in its report. The journal is what counts: a report that cannot be
// written is no error here.
func (r *Runner) amend(ctx context.Context, run *journal.Run) error {
	if err := r.Store.Finish(ctx, run); err != nil {
		return err
	}
	if err := r.report(ctx, nil, run); err != nil {
		r.Log.Warn("report not written again", "run", run.Number, "error", err)
	}
	return nil
}
