// Package run is the thread: the order of the steps from fetch to report, the
// schedule, the sweep and the outbox. It has no rule of its own: what a record
// means, what may happen and what is told are decided in the rooms below.
package run

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"iter"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/dustin/go-humanize"

	"rollcall/internal/fault"
	"rollcall/internal/format"
	"rollcall/internal/guard"
	"rollcall/internal/index"
	"rollcall/internal/journal"
	"rollcall/internal/mapping"
	"rollcall/internal/notify"
	"rollcall/internal/plan"
	"rollcall/internal/report"
	"rollcall/internal/roster"
	"rollcall/internal/source"
	"rollcall/internal/store"
)

// A Profile is one feed, ready to run: the rooms' own options, put together.
type Profile struct {
	Name     string
	Owner    string // replies to its mails go there; "" for nobody
	Enabled  bool
	Schedule Schedule
	Zone     *time.Location // of the schedule
	Source   source.Options
	Format   format.Options
	Mapping  mapping.Options
	Dedupe   mapping.Dedupe // zero: several rows of one key are copies
	Plan     plan.Options
	Limits   guard.Limits
	Report   Report
	Digest   string // of all that decides what a record means and where it comes from
}

// Report says who is told what a run did.
type Report struct {
	To     []string
	Alert  []string // told too when a run was held or has failed
	When   string   // changes, problems, always, never
	Attach bool     // problems.csv, where there are problems

	Personal report.Personal // how much of people its mails tell
}

// A Mailer sends one message; an error is temporary where notify.Temporary says so.
// The zero Mailer, nil, leaves mails in the outbox.
type Mailer func(context.Context, notify.Message) error

// A Runner runs profiles against one store.
type Runner struct {
	Store    *store.DB
	State    string // folder of spool, archive and reports
	Log      *slog.Logger
	Now      func() time.Time
	Mail     Mailer
	Site     string              // of the mails' Message-IDs
	Protect  []string            // accounts.protect: whom sweep and people's tools leave alone
	Spare    map[string][]string // policy.protect of the profiles that have any: whom the sweep leaves alone among their accounts
	Hold     time.Duration       // for which a given-up username is held (R33)
	Listed   *roster.Catalog     // what the site's file lists; nil: nothing
	Zone     *time.Location      // in which the days of what people write end; nil: UTC
	Terms    []Terms             // after which the deleted are erased, of the profiles that have any
	Limits   guard.Limits        // of the sweep
	Hidden   roster.Hidden       // fields whose values no report shows, of any profile
	Greeting Greeting            // of welcome mails
	Version  string
	ReadAll  bool // every record of every drop is read, also those that are as they were: to find out whether the first look is at fault

	delivering sync.Mutex    // one at a time goes through the outbox
	looked     sync.Map      // profile: when its source was found to have something unread
	logins     source.Logins // that directories have refused
	numbers    counted       // of files
}

// settings is the digest of all that a plan of the profile depends on besides
// drop and accounts: while it stays, the same drop gives the same plan. A new version
// of rollcall may plan otherwise.
func (p *Profile) settings(version string) string {
	o := p.Plan
	o.Known = nil
	text, err := json.Marshal(struct {
		Plan                   plan.Options
		Zone, Mapping, Version string
	}{o, o.Zone.String(), p.Digest + p.Mapping.Digest(), version})
	if err != nil {
		panic(err) // plain data
	}
	sum := sha256.Sum256(text)
	return "sha256:" + hex.EncodeToString(sum[:])
}

// A Request asks for one run.
type Request struct {
	Profile *Profile
	File    string // path of a drop; "last" is the last applied one; "" asks the source
	Dry     bool   // stop before applying
	Draft   bool   // the profile is not in its place: of a dry run, which is then never applied
	Yes     bool   // pass first_run, once
	Trigger string // schedule, manual
	// Confirm is asked, on a terminal, where first_run alone would hold the run; nil: nobody is there.
	Confirm func(*journal.Run) bool
	// Tell is told what the run waits for; nil: nobody listens.
	Tell func(string)
	// Meter shows how far the run is; nil: nobody looks.
	Meter *Meter
	By    *By // who imports a file by hand, under the profile [Import]; nil: it is a feed's
}

// Import is the profile of what people import by hand; none of a site is called so.
const Import = "import"

// ErrNothingNew means that the source was reached and has nothing that was not
// used before. No run is recorded.
var ErrNothingNew = errors.New("no new drop")

// A NoFile is an [ErrNothingNew]: not one file matches source.path.
type NoFile struct{ Path string }

func (e *NoFile) Error() string { return "no file matches " + e.Path }
func (e *NoFile) Unwrap() error { return ErrNothingNew }

// ErrStillHeld means that the only drop there is waits for a person already.
var ErrStillHeld = errors.New("the same drop is held already")

// Run fetches, plans, judges, applies and reports. The run is nil where none
// is recorded: another run is under way ([store.ErrBusy]), or there is nothing
// new. A run that failed is recorded and comes with the error.
func (r *Runner) Run(ctx context.Context, q Request) (*journal.Run, error) {
	lease, err := r.acquire(ctx, q.Profile.Name)
	if err != nil {
		return nil, err
	}
	defer r.release(lease)
	if err := r.expire(ctx); err != nil {
		return nil, err
	}
	if !q.Draft { // it may say other people than those who wait for these runs
		if err := r.tellDead(ctx, q.Profile); err != nil {
			return nil, err
		}
	}
	r.mend(ctx, q.Profile)
	if q.Profile, err = r.united(ctx, q.Profile); err != nil {
		return nil, err
	}
	run, err := r.thread(ctx, q, lease)
	for range drops { // the next is looked for
		if !errors.Is(err, errAhead) && !errors.Is(err, errSpent) {
			break
		}
		run, err = r.thread(ctx, q, lease)
	}
	if run != nil && err != nil {
		r.abandon(ctx, lease, run)
	}
	r.answered(ctx, q, err)
	return run, err
}

// writing is how long it may take to write down after all how a run has ended.
const writing = 10 * time.Second

// abandon tries once more to write down why a run came to nothing, if that could
// not be written, now that its copy of the drop is gone: where the disk was full
// there may be room again.
func (r *Runner) abandon(ctx context.Context, lease *store.Lease, run *journal.Run) {
	ctx, stop := context.WithTimeout(context.WithoutCancel(ctx), writing)
	defer stop()
	if err := r.Store.Abandon(ctx, lease, run.Number); err != nil {
		r.Log.Warn("the end of the run is not written down", "run", run.Number, "error", err)
	}
}

// drops bounds how many waiting drops RunAll reads one after the other.
const drops = 1000

// RunAll is [Runner.Run]; with pick: all it goes on until no drop waits. The
// error is the last run's, and those of reports that could not be written; that
// there is nothing more is none, once there was something.
func (r *Runner) RunAll(ctx context.Context, q Request) (runs []*journal.Run, err error) {
	var unwritten error
	for range drops {
		run, err := r.Run(ctx, q)
		if run != nil {
			runs = append(runs, run)
		}
		if len(runs) > 0 && (errors.Is(err, ErrNothingNew) || errors.Is(err, ErrStillHeld)) {
			return runs, unwritten
		}
		unwritten = errors.Join(unwritten, err)
		if err != nil && !errors.Is(err, ErrUndelivered) || run == nil || q.File != "" || q.Dry || !q.Profile.everyDrop() || !run.Status.Applied() {
			return runs, unwritten
		}
	}
	return runs, unwritten
}

// everyDrop tells whether all drops that wait are read one after the other. Of
// deltas none may be passed over, so newest, which the profile need not have
// written, means the same there.
func (p *Profile) everyDrop() bool {
	return p.Source.Pick == "all" || p.Source.Pick == "newest" && !p.Plan.Full
}

func (r *Runner) release(l *store.Lease) {
	if err := l.Release(); err != nil {
		r.Log.Warn("lease not released", "profile", l.Profile, "error", err)
	}
}

// thread is the path of every run, once the profile is ours.
func (r *Runner) thread(ctx context.Context, q Request, lease *store.Lease) (*journal.Run, error) {
	run := &journal.Run{Profile: q.Profile.Name, Kind: journal.Sync, Trigger: q.Trigger, DryRun: q.Dry, Draft: q.Draft, Started: r.Now(), Mapping: q.Profile.Digest, Settings: q.Profile.settings(r.Version)}
	if q.By != nil {
		run.DecidedBy, run.Decision = q.By.Who, q.By.Reason
	}
	spool, err := r.spool(q.Profile.Name, 0) // all of it is ours, and none of it is in use
	if err != nil {
		return r.unfetched(ctx, q, run, err)
	}
	q.Meter.begin("fetching", 0, r.Now())
	if same, err := r.replayFile(ctx, q, run); same || err != nil {
		return runIfRecorded(run), err
	}
	got, err := r.fetch(ctx, q, spool)
	if got != nil {
		defer got.close(r.Log)
	}
	if err != nil {
		return r.unfetched(ctx, q, run, err)
	}
	run.Timing.Fetch = r.since(run.Started)
	run.Input = input(got.drop, q.Profile.Format.Content)
	run.Input.Reading = got.how
	if same, err := r.replay(ctx, q, got, run); same || err != nil {
		r.arrived(ctx, q, got, run)
		if same && errors.Is(err, ErrNothingNew) {
			if behind := r.readAgain(ctx, q, got); behind != nil { // the next run reads more than it need
				r.Log.Warn("not noted how far the directory was read", "profile", run.Profile, "error", behind)
			}
		}
		if errors.Is(err, ErrNothingNew) && q.File == "" && !q.Profile.Plan.Full && q.Profile.Source.Type != "ldap" {
			// A file that was touched since must not stand before those that are new.
			r.numbers.learn(fileID(q.Profile.Name, got.drop.Name, got.drop.Size, got.drop.Modified), spent)
			err = errSpent
		}
		return runIfRecorded(run), err
	}
	if err := r.place(ctx, q, got, run); err != nil {
		return runIfRecorded(run), err
	}
	if err := r.Store.Begin(ctx, run); err != nil {
		return nil, err
	}
	r.Log.Info("run began", "run", run.Number, "profile", run.Profile, "trigger", run.Trigger)
	got.bring()
	err = r.steps(ctx, q, lease, got, run)
	q.Meter.begin("writing the report", 0, r.Now())
	return run, r.ended(ctx, q.Profile, run, err)
}

// steps plans, judges and applies a drop that has been fetched.
func (r *Runner) steps(ctx context.Context, q Request, lease *store.Lease, got *fetched, run *journal.Run) error {
	if err := fault.After(r.plan(ctx, q, got, run), "run.planned"); err != nil {
		return err
	}
	if err := r.keepReading(ctx, q.Profile, got, run); err != nil {
		return err
	}
	if err := fault.After(r.judge(ctx, q.Profile, run, q.Yes), "run.judged"); err != nil {
		return err
	}
	journal.Settle(run)
	switch {
	case run.DryRun:
		return r.archive(got, run)
	case run.Status == journal.Held && q.Confirm != nil && onlyFirstRun(run) && q.Confirm(run):
		run.Findings = pass(run.Findings)
	case run.Status == journal.Held && q.Profile.Limits.OnHold == "removals" && guard.OnlyRemovals(run.Findings):
		q.Meter.begin(applying(run), 0, r.Now())
		return r.carryOut(ctx, q.Profile, lease, run, got, true, q.Meter)
	case run.Status == journal.Held:
		return r.hold(ctx, q.Profile, run, got)
	}
	q.Meter.begin(applying(run), 0, r.Now())
	return r.carryOut(ctx, q.Profile, lease, run, got, false, q.Meter)
}

// applying names the step.
func applying(run *journal.Run) string {
	return "applying " + humanize.Comma(int64(run.Facts.Changes())) + " changes"
}

// plan reads the drop and stores what it asks for, or nothing of it.
func (r *Runner) plan(ctx context.Context, q Request, got *fetched, run *journal.Run) error {
	began := r.Now()
	reading, err := r.open(q.Profile, got)
	if err = fault.After(err, "run.opened"); err != nil {
		return err
	}
	run.Input.Format, run.Input.Encoding, run.Input.Delimiter = reading.facts()
	run.Timing.Read = r.since(began)
	reading.show(q.Meter, got.drop.Size, r.Now)
	began = r.Now()
	options := q.Profile.Plan
	options.Keyless = reading.mapper.Keyless()
	if options.Known, err = r.Store.Known(ctx, q.Profile.Name); err != nil {
		return err
	}
	if options.Holders, err = r.Store.Holders(ctx, options.Policy.Protect); err != nil {
		return err
	}
	var look *firstLook
	if got.secret = len(reading.mapper.Secrets()) > 0; got.secret {
		got.reading, options.Passwords.Same = reading, r.comparer(q)
	}
	// What is remembered is one record of one person (S10), and of a record with a
	// password it would be a quick hash.
	if options.Full && !r.ReadAll && !q.Profile.Dedupe.On() && !got.secret {
		if look, err = r.firstLook(ctx, q.Profile, run, reading); err != nil {
			return err
		}
	}
	err = r.write(ctx, look, q, options, reading, got, run)
	if look != nil && look.found != nil && refuses(err) {
		// A row refuses the drop. Only who reads all of it can say which is the first.
		look.forget()
		err = r.write(ctx, look, q, options, reading, got, run)
	}
	if reading.secret { // an element that the map does not name, which nobody could know before
		got.secret, got.reading = true, reading
	}
	run.Timing.Plan = r.since(began)
	return err
}

// write plans a drop, notes first, but for those that its end gives; or it leaves
// nothing behind.
func (r *Runner) write(ctx context.Context, look *firstLook, q Request, o plan.Options, from *reading, got *fetched, run *journal.Run) (err error) {
	w := r.Store.Writer(ctx, run.Number)
	defer func() {
		if err == nil {
			return
		}
		if left := w.Discard(context.WithoutCancel(ctx)); left != nil { // the next run of the profile removes it
			r.Log.Warn("unfinished plan not removed", "run", run.Number, "error", left)
		}
		run.Facts = plan.Facts{} // what is not there is not counted
	}()
	scratch, err := r.folder("spool", q.Profile.Name)
	if err != nil {
		return err
	}
	o.Pairs = func() plan.Pairs { return index.NewPairs(scratch, 0) }
	var sink plan.Sink = w
	entries := from.people()
	if look != nil {
		defer look.sorter.Close()
		look.Writer = w
		sink, o.Keep, o.Seed = look, look, look.look.Secret
		look.means = meanings(look.look.Secret)
		entries = func() iter.Seq2[roster.Entry, error] { return look.entries(from) }
		if o.Same, err = look.same(ctx, q.Profile); err != nil {
			return err
		}
		if run.Unread = 0; o.Same != nil && !look.mapped {
			run.Unread = o.Same.Rows
		}
	}
	for _, note := range append(from.notes, got.notes...) {
		note.Since = o.Known[note.Identity()]
		if err := w.Problem(note); err != nil {
			return err
		}
	}
	names := r.naming(ctx, q.Profile, sink)
	if names != nil {
		sink = names
	}
	secrets := &hashing{Sink: sink}
	facts, err := plan.Make(ctx, o, entries, r.Store, placed{secrets, from.mapper}, run.Started)
	if err == nil && names != nil {
		err = names.end()
	}
	if err != nil {
		return err
	}
	hashes, err := r.hash(ctx, q, secrets, o.Passwords.Method)
	if err != nil {
		return err
	}
	late := from.late()
	for _, note := range late {
		note.Since = o.Known[note.Identity()]
		if err := w.Problem(note); err != nil {
			return err
		}
	}
	if o.Person != "" { // it may be about anybody
		if facts.Owned, facts.ActiveBefore, err = r.census(ctx, "", ""); err != nil {
			return err
		}
		facts.ActiveAfter += facts.ActiveBefore
	}
	facts.Notes += len(from.notes) + len(late)
	for _, p := range got.notes {
		if p.Severity == roster.SeverityWarning {
			facts.Warnings++
		} else {
			facts.Notes++
		}
	}
	run.Facts = facts
	q.Meter.Begin("storing the plan", r.Now())
	if run.PlanDigest, err = w.Seal(ctx); err == nil {
		err = w.Passwords(ctx, hashes)
	}
	if err != nil || look == nil || from.secret {
		return err
	}
	return look.save(ctx)
}

// judge weighs the plan. passFirst passes both meanings of first_run.
func (r *Runner) judge(ctx context.Context, p *Profile, run *journal.Run, passFirst bool) error {
	base, err := r.Store.Baseline(ctx, p.Name, p.Digest)
	if err != nil {
		return err
	}
	if run.Facts.MembershipsRemoved > 0 {
		if base.Granted, err = r.Store.Granted(ctx, p.Name); err != nil {
			return err
		}
	}
	if base.Sequence, err = r.sequence(ctx, p, run); err != nil {
		return err
	}
	limits := p.Limits
	if passFirst {
		limits.FirstRun = "apply"
	}
	run.Findings = guard.Check(limits, run.Facts, base)
	return nil
}

// onlyFirstRun tells whether nothing but first_run holds the run.
func onlyFirstRun(run *journal.Run) bool {
	return !guard.Holds(pass(run.Findings))
}

// pass is the findings with first_run passed.
func pass(findings []guard.Finding) []guard.Finding {
	passed := make([]guard.Finding, len(findings))
	for i, f := range findings {
		if f.Name == "first_run" {
			f.Tripped, f.Code = false, ""
		}
		passed[i] = f
	}
	return passed
}

// ended writes down how a run ended that was not applied, and reports every
// run. err is why it was not carried out; what was applied has none. p may be nil.
func (r *Runner) ended(ctx context.Context, p *Profile, run *journal.Run, err error) error {
	if errors.Is(err, store.ErrUnknown) { // nobody is told anything: the next run finds out
		run.Status = journal.Running
		r.Store.Lost(run.Number, err.Error())
		return err
	}
	if err != nil && run.AppliedSeq == 0 {
		err = r.displaced(err)
		fail(ctx, run, err)
	}
	if run.Finished.IsZero() {
		run.Finished = r.Now()
	}
	late := context.WithoutCancel(ctx)
	if !run.Status.Applied() {
		journal.Settle(run)
		if saved := r.finish(late, p, run); saved != nil {
			r.Store.Lost(run.Number, run.Error)
			return unsaved(err, saved)
		}
	}
	r.Log.Info("run ended", "run", run.Number, "profile", run.Profile, "status", string(run.Status), "exit", run.ExitCode)
	return errors.Join(err, r.report(late, p, run))
}

// finish writes into the journal how a run ended that was not applied, and with
// it the mails that tell of it.
func (r *Runner) finish(ctx context.Context, p *Profile, run *journal.Run) error {
	l, err := r.letter(ctx, p, run)
	if err != nil {
		return err
	}
	if l == nil {
		return r.Store.Finish(ctx, run)
	}
	return r.Store.End(ctx, run, func(t *journal.Told) []notify.Message { return r.ending(p, run, l, t) })
}

// unsaved is the error of a run whose end could not be written down: one
// sentence where both are that the database is down.
func unsaved(err, saved error) error {
	if errors.Is(err, store.ErrDown) {
		return err
	}
	return errors.Join(err, saved)
}

// An Interruption is the cause of a context that a signal ended: the exit code
// that the signal asks for.
type Interruption int

func (Interruption) Error() string { return "interrupted by a signal" }
func (Interruption) Unwrap() error { return context.Canceled }

// terminated is the exit code of what was interrupted by nobody knows whom.
const terminated Interruption = 143

// InterruptedBy is the exit code of work that the end of ctx has interrupted.
func InterruptedBy(ctx context.Context) int {
	if by, ok := errors.AsType[Interruption](context.Cause(ctx)); ok {
		return int(by)
	}
	return int(terminated)
}

// fail notes on the run why it failed, or that it was asked to stop.
func fail(ctx context.Context, run *journal.Run, err error) {
	run.Error, run.Status = err.Error(), journal.Failed
	if ctx.Err() != nil || errors.Is(err, context.Canceled) {
		run.Error, run.Status, run.ExitCode = "stopped before it was done, and nothing was changed; run it again", journal.Interrupted, InterruptedBy(ctx)
	}
	var refused *roster.Refusal
	if errors.As(err, &refused) {
		run.Code = refused.Code
		if run.Profile == Import {
			told := *refused
			told.Fix = roster.ForImport(told.Code, told.Remedy())
			refused = &told
		}
		run.Error = refused.Error()
	}
}

// since is the milliseconds that have passed since a time.
func (r *Runner) since(t time.Time) int64 { return r.Now().Sub(t).Milliseconds() }

// folder is a folder under the state folder, made where it is missing.
func (r *Runner) folder(names ...string) (string, error) {
	path := filepath.Join(append([]string{r.State}, names...)...)
	switch err := os.MkdirAll(path, 0o700); {
	case errors.Is(err, syscall.ENOTDIR):
		return "", fmt.Errorf("state folder: %w; a file stands where a folder should be: move it away", err)
	case err != nil:
		return "", fmt.Errorf("state folder: %w; give the user that runs rollcall the right to write there", err)
	}
	return path, nil
}

// displaced says what to do where the spool was removed, replaced or made unwritable
// under a run: the system's own words name a file that nobody knows.
func (r *Runner) displaced(err error) error {
	at, ok := errors.AsType[*fs.PathError](err)
	if !ok || !strings.HasPrefix(at.Path, filepath.Join(r.State, "spool")+string(filepath.Separator)) {
		return err
	}
	for _, cause := range []error{fs.ErrNotExist, fs.ErrPermission, syscall.ENOTDIR, syscall.EROFS} {
		if errors.Is(err, cause) {
			return fmt.Errorf("the spool under the state folder was removed, replaced or made unwritable while the run went on; leave it to rollcall, give the user that runs rollcall the right to write there, and run again: %w", err)
		}
	}
	return err
}
