package run

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"rollcall/internal/journal"
	"rollcall/internal/roster"
	"rollcall/internal/source"
	"rollcall/internal/store"
)

// patience is how much longer than settle a run waits for a file (contract).
const patience = 10 * time.Second

// fetched is a drop in the spool, with the source that it came from.
type fetched struct {
	drop      roster.Drop
	source    source.Source // nil for --file
	notes     []roster.Problem
	borrowed  bool             // the drop lies in the archive and stays there
	secret    bool             // it gives passwords: what is kept of it must not show them
	bare      bool             // it is what was kept of such a drop
	delimiter string           // of it, as it was
	reading   *reading         // of a drop that gives passwords
	original  *journal.Input   // how the drop was written of which the archive keeps a bare copy; else nil
	how       *journal.Reading // of a directory that is asked for its changes; else nil
	written   func() error     // waits until the copy is on the disk; nil: nobody brings it there
}

// bring begins to bring the copy to the disk, where it has to be before a plan of it
// is kept. The run goes on meanwhile: a large file takes as long as to compare it.
func (f *fetched) bring() {
	if f.borrowed {
		return
	}
	done, path := make(chan error, 1), f.drop.Path
	go func() { done <- onDisk(path) }()
	f.written = sync.OnceValue(func() error { return <-done })
}

// onDisk makes a file, or the names in a folder, survive a power cut.
func onDisk(path string) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	return errors.Join(f.Sync(), f.Close())
}

// close lets the source go and clears the spool.
func (f *fetched) close(log *slog.Logger) {
	if f.written != nil {
		_ = f.written() // whoever kept the copy has asked before
	}
	if f.source != nil {
		if err := f.source.Close(); err != nil {
			log.Debug("source not closed", "error", err)
		}
	}
	if f.drop.Path != "" && !f.borrowed {
		if err := os.Remove(f.drop.Path); err != nil && !errors.Is(err, os.ErrNotExist) {
			log.Warn("spool not cleared", "error", err)
		}
	}
}

// fetch brings the drop of a request into a spool.
func (r *Runner) fetch(ctx context.Context, q Request, spool string) (*fetched, error) {
	switch q.File {
	case "":
		return r.fromSource(ctx, q, spool)
	case "last":
		return r.fromArchive(ctx, q.Profile.Name)
	}
	d, err := source.Local(ctx, q.File, spool, q.Profile.Source.MaxSize)
	return &fetched{drop: d}, err
}

// spool is a folder for drops, without what a process that was killed has left
// in it: what is older than keep.
func (r *Runner) spool(name string, keep time.Duration) (string, error) {
	dir, err := r.folder("spool", name)
	if err != nil {
		return "", err
	}
	files, err := os.ReadDir(dir)
	if err != nil {
		return "", fmt.Errorf("spool: %w", err)
	}
	for _, f := range files {
		info, err := f.Info()
		if err != nil || keep > 0 && r.Now().Sub(info.ModTime()) < keep {
			continue
		}
		if err := os.RemoveAll(filepath.Join(dir, f.Name())); err != nil {
			return "", fmt.Errorf("spool: %w; what was left there by a process that ended too early must go", err)
		}
	}
	return dir, nil
}

// fromArchive is the drop of the run that was applied last.
func (r *Runner) fromArchive(ctx context.Context, profile string) (*fetched, error) {
	last, err := r.Store.LastApplied(ctx, profile)
	if errors.Is(err, store.ErrNone) {
		return nil, &roster.Refusal{Code: "E405", Text: "no drop of this profile has been applied yet", Fix: "name a file with --file"}
	}
	if err != nil {
		return nil, err
	}
	in := last.Input
	path := filepath.Join(r.State, in.Archive)
	if _, err := os.Stat(path); in.Archive == "" || err != nil {
		return nil, &roster.Refusal{Code: "E405", Text: fmt.Sprintf("the drop of run %d is no longer in the archive", last.Number), Fix: "name a file with --file"}
	}
	var original *journal.Input
	if strings.HasSuffix(path, bareSuffix) {
		original = &in
	}
	return &fetched{borrowed: true, how: in.Reading, bare: original != nil, original: original, delimiter: in.Delimiter, drop: roster.Drop{Source: "file", Name: in.Name, Path: path, Size: in.Size, SHA256: in.SHA256, Modified: in.Modified}}, nil
}

// fromSource asks the source what there is, and fetches what should be read
// next; for a plan also what was read before.
func (r *Runner) fromSource(ctx context.Context, q Request, spool string) (*fetched, error) {
	p := q.Profile
	asked := p.Source
	asked.Logins, asked.Copied = &r.logins, q.Meter.copied
	var err error
	if asked.Since, err = r.goOnFrom(ctx, p); err != nil {
		return nil, err
	}
	src, err := source.Open(ctx, asked, r.Log)
	if err != nil {
		return nil, err
	}
	got := &fetched{source: src}
	listing, err := src.List(ctx)
	if err != nil {
		return got, err
	}
	for _, line := range listing.Ignored {
		got.note(line)
	}
	past, err := r.past(ctx, p)
	if err != nil {
		return got, err
	}
	if !q.Dry {
		r.putAway(ctx, p, past, src, listing.Files)
	}
	files, err := r.unread(ctx, p, past, listing.Files)
	if q.Dry && len(listing.Files) > 0 && (errors.Is(err, ErrNothingNew) || errors.Is(err, ErrStillHeld)) {
		files, err = listing.Files[len(listing.Files)-1:], nil
	}
	if errors.Is(err, ErrNothingNew) {
		for _, line := range listing.Ignored[:min(len(listing.Ignored), 20)] {
			r.Log.Warn("a file is left alone", "profile", p.Name, "why", line)
		}
	}
	if err != nil {
		return got, err
	}
	r.announce(q, files)
	settled, growing, err := src.Settled(ctx, files, p.Source.Settle+patience)
	if errors.Is(err, source.ErrNoDrop) {
		return got, ErrNothingNew
	}
	if err != nil {
		return got, err
	}
	for _, f := range growing {
		what := "is still growing"
		if p.Source.Ready != "" {
			what = "has no marker yet (source.ready)"
		}
		got.note(fmt.Sprintf("%q %s; it is left for the next run", f.Name, what))
	}
	next := settled[0]
	if p.Plan.Full && p.Source.Pick == "newest" {
		next = settled[len(settled)-1]
		got.notePassed(past.neverUsed(settled[:len(settled)-1]))
	}
	q.Meter.beginCopy(next.Size, r.Now())
	if got.drop, err = src.Fetch(ctx, next, spool); err == nil {
		got.tellReading(asked.Since)
	}
	return got, err
}

// putAway does with files that were applied what after: says, where a run was
// ended before it could, or could not.
func (r *Runner) putAway(ctx context.Context, p *Profile, past *past, src source.Source, files []source.File) {
	if p.Source.After == "keep" || p.Source.After == "" {
		return
	}
	for _, f := range files {
		i := slices.IndexFunc(past.runs, func(run journal.Run) bool { return !run.DryRun && sameFile(f, run.Input) })
		if i < 0 || !past.runs[i].Status.Applied() || past.runs[i].Status == journal.Reverted {
			continue
		}
		if err := src.After(ctx, remoteOf(p, past.runs[i].Input)); err != nil {
			r.Log.Warn("a file that was applied stays where it is", "run", past.runs[i].Number, "error", err)
			return
		}
	}
}

// remoteOf is a drop of the journal as its source knows it.
func remoteOf(p *Profile, in journal.Input) roster.Drop {
	return roster.Drop{
		Source: in.Source, Name: in.Name, Remote: path.Join(path.Dir(p.Source.Path), in.Name), Size: in.Size, SHA256: in.SHA256, Modified: in.Modified,
	}
}

// announce tells a person who waits why: none of the files is old enough yet.
func (r *Runner) announce(q Request, files []source.File) {
	settle := q.Profile.Source.Settle
	if q.Tell == nil || q.Profile.Source.Ready != "" || q.Profile.Source.Type == "ldap" || settle < 5*time.Second {
		return
	}
	for _, f := range files {
		if r.Now().Sub(f.Modified) > settle {
			return
		}
	}
	q.Tell(fmt.Sprintf("waiting until %q has stood still for %s (source.settle)", files[len(files)-1].Name, settle))
}

func (f *fetched) note(text string) {
	f.notes = append(f.notes, roster.Problem{Severity: roster.SeverityNote, Text: text})
}

// notePassed tells of files that nobody has read and nobody will.
func (f *fetched) notePassed(files []source.File) {
	switch n := len(files); n {
	case 0:
	case 1:
		f.note(fmt.Sprintf("%q is older than the drop that was read, and was not read itself", files[0].Name))
	default:
		f.note(fmt.Sprintf("%d files are older than the drop that was read, and were not read themselves: %q to %q", n, files[0].Name, files[n-1].Name))
	}
}

// unread is the files that are worth fetching, oldest first: not those that a
// run has read already, as their name, size and time show.
func (r *Runner) unread(ctx context.Context, p *Profile, past *past, files []source.File) ([]source.File, error) {
	if len(files) == 0 {
		return nil, &NoFile{path.Clean(p.Source.Path)}
	}
	if p.Plan.Full {
		return r.unreadFull(ctx, p, past, files)
	}
	sequence := p.Source.Sequence
	if sequence.On() && !sequence.Inside() {
		files = sequence.Arrange(files)
	}
	var unread []source.File
	var waits *journal.Run // for what is missing before it
	var held error
	for _, f := range files {
		if n, known := r.numbers.know(fileID(p.Name, f.Name, f.Size, f.Modified)); known && n == spent {
			continue
		}
		known, err := r.read(ctx, p, past, f)
		if errors.Is(err, ErrStillHeld) && len(unread) > 0 && past.waiting(f) == nil {
			break // a held one stops the queue behind it
		}
		if w := past.waiting(f); w != nil && errors.Is(err, ErrStillHeld) {
			if held == nil || number(w) < number(waits) {
				held, waits = err, w
			}
			continue
		}
		if err != nil {
			return nil, err
		}
		if !known {
			unread = append(unread, f)
		}
	}
	if sequence.On() {
		unread = r.inSequence(p, unread, waits)
	}
	switch {
	case len(unread) == 0 && held != nil:
		return nil, held
	case len(unread) == 0:
		return nil, ErrNothingNew
	}
	return unread[:1], nil // one after the other in their order, whatever pick says: each is needed (R104)
}

// unreadFull is [Runner.unread] where each file lists everybody: what is older
// than the drop applied last says nothing any more, and a held one stops nobody.
func (r *Runner) unreadFull(ctx context.Context, p *Profile, past *past, files []source.File) ([]source.File, error) {
	var unread, failed []source.File
	var held error
	since, newestKnown := past.since(files, p.Source.Pick == "newest"), false
	for i, f := range files {
		known, err := r.read(ctx, p, past, f)
		switch {
		case errors.Is(err, ErrStillHeld):
			held = err
		case err != nil:
			return nil, err
		case known:
			newestKnown = i == len(files)-1
		case f.Modified.Before(since):
			newestKnown = i == len(files)-1 && past.newest(f, journal.Superseded)
		case p.Source.Pick != "newest" && past.newest(f, journal.Failed):
			failed = append(failed, f)
		default:
			unread = append(unread, f)
		}
	}
	unread = append(unread, failed...) // these are tried again when nothing else is there
	switch {
	case len(unread) > 0 && p.Source.Pick != "newest":
		return unread[:1], nil // one after the other, in their order
	case len(unread) > 0:
		return unread, nil
	case held != nil:
		return nil, held
	case newestKnown:
		return nil, ErrNothingNew
	}
	return files[len(files)-1:], nil // the same again, or older: replay says which
}

// since is the time before which files are of no use: that of the drop applied
// last, and with newest that of any drop that was dealt with.
func (x *past) since(files []source.File, newest bool) time.Time {
	var since time.Time
	if x.last != nil {
		since = age(x.last)
	}
	for i := range x.runs {
		run := &x.runs[i]
		dealt := run.Status == journal.Held || run.Status == journal.Rejected
		if newest && dealt && !run.DryRun && age(run).After(since) && slices.ContainsFunc(files, func(f source.File) bool { return sameFile(f, run.Input) }) {
			since = age(run)
		}
	}
	return since
}

// waiting is the run that holds a file because others are missing before it; nil
// where none does.
func (x *past) waiting(f source.File) *journal.Run {
	i := slices.IndexFunc(x.runs, func(run journal.Run) bool {
		return !run.DryRun && sameFile(f, run.Input) && run.Status == journal.Held
	})
	if i < 0 || !waitsForOthers(&x.runs[i]) {
		return nil
	}
	return &x.runs[i]
}

// newest tells whether the newest run that read a file of that name, size and
// time has come to a status.
func (x *past) newest(f source.File, to journal.Status) bool {
	i := slices.IndexFunc(x.runs, func(run journal.Run) bool { return !run.DryRun && sameFile(f, run.Input) })
	return i >= 0 && x.runs[i].Status == to
}

// neverUsed are those of the files that no run has applied.
func (x *past) neverUsed(files []source.File) []source.File {
	return slices.DeleteFunc(slices.Clone(files), func(f source.File) bool {
		return slices.ContainsFunc(x.runs, func(run journal.Run) bool {
			return !run.DryRun && run.Status.Applied() && sameFile(f, run.Input)
		})
	})
}

// past is what the journal knows of a profile's files.
type past struct {
	runs []journal.Run // newest first
	last *journal.Run  // applied last; nil where none was
}

func (r *Runner) past(ctx context.Context, p *Profile) (*past, error) {
	runs, err := r.Store.Runs(ctx, p.Name, time.Time{}, recent)
	if err != nil {
		return nil, err
	}
	last, err := r.Store.LastApplied(ctx, p.Name)
	if err != nil && !errors.Is(err, store.ErrNone) {
		return nil, err
	}
	return &past{runs, last}, nil
}

// read tells whether a run has dealt with a file of that name, size and time.
func (r *Runner) read(ctx context.Context, p *Profile, past *past, f source.File) (bool, error) {
	for _, run := range past.runs {
		if run.DryRun || !sameFile(f, run.Input) {
			continue
		}
		switch {
		case run.Status == journal.Held:
			return false, fmt.Errorf("run %d: %w", run.Number, ErrStillHeld)
		case run.Status == journal.Rejected, run.Status == journal.Reverted:
			return true, nil
		case run.Status == journal.Failed && run.Code == "E410" && (run.Input.Sequence != "" || !p.Plan.Full): // its number, or its time, is over
			return true, nil
		case run.Status.Applied() && past.last != nil && run.Input.SHA256 == past.last.Input.SHA256 && p.Plan.Full:
			return r.settledBy(ctx, p, past.last)
		case run.Status.Applied():
			return true, nil
		}
	}
	return false, nil
}

// recent is how many runs are looked through for a file that was read before.
const recent = 500

func sameFile(f source.File, in journal.Input) bool {
	return in.Source != "file" && f.Name == in.Name && f.Size == in.Size && f.Modified.Truncate(time.Second).Equal(in.Modified.Truncate(time.Second))
}

// input is what the journal keeps of a drop.
func input(d roster.Drop, content string) journal.Input {
	return journal.Input{Source: d.Source, Name: d.Name, Size: d.Size, SHA256: d.SHA256, Modified: d.Modified.UTC(), Content: content}
}

// unfetched ends a run that got no drop: nothing new is not recorded, a source
// that failed is.
func (r *Runner) unfetched(ctx context.Context, q Request, run *journal.Run, err error) (*journal.Run, error) {
	if refused := new(roster.Refusal); q.File != "" && errors.As(err, &refused) && refused.Code == "E405" {
		return nil, err // a slip of the keyboard is no run, and alerts nobody
	}
	if errors.Is(err, ErrNothingNew) || errors.Is(err, ErrStillHeld) || run.DryRun && ctx.Err() != nil {
		return nil, err
	}
	if q.File != "" && run.Input.Source == "" {
		run.Input.Source = "file"
	}
	if begun := r.Store.Begin(context.WithoutCancel(ctx), run); begun != nil {
		return nil, unsaved(err, begun)
	}
	return run, r.ended(ctx, q.Profile, run, err)
}
