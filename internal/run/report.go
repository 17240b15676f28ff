package run

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"rollcall/internal/fault"
	"rollcall/internal/journal"
	"rollcall/internal/report"
	"rollcall/internal/roster"
)

// attachable is the largest problems.csv that goes with a mail, in bytes.
const attachable = 1 << 20

// doc reads the problems of a run once, grouped.
func (r *Runner) doc(ctx context.Context, p *Profile, run *journal.Run) (*report.Doc, error) {
	return report.Build(run, r.Problems(ctx, p, run.Number))
}

// Doc is the report of a run, with what stands beside it; p may be nil.
func (r *Runner) Doc(ctx context.Context, p *Profile, run *journal.Run) (doc *report.Doc, beside report.Beside, err error) {
	if doc, err = r.doc(ctx, p, run); err != nil {
		return nil, beside, err
	}
	beside, err = r.Beside(ctx, p, run)
	return doc, beside, err
}

// Rewrite writes the files of a run again, as its profile lets them be written today.
func (r *Runner) Rewrite(ctx context.Context, p *Profile, run *journal.Run) error {
	return r.files(ctx, p, run)
}

// none is no problems.
var none iter.Seq2[roster.Problem, error] = func(func(roster.Problem, error) bool) {}

func hostname() string {
	name, err := os.Hostname()
	if err != nil {
		return "localhost"
	}
	return name
}

// report writes the files of a run that has ended; p may be nil. The journal has all that is
// in them: an error is [ErrUndelivered], and undoes nothing.
func (r *Runner) report(ctx context.Context, p *Profile, run *journal.Run) error {
	r.remember(ctx, run)
	if err := r.files(ctx, p, run); err != nil {
		// Not wrapped: what keeps the report from being written does not keep the run from being done.
		return fmt.Errorf("run %d: %w: its files are missing, and rollcall runs show %d prints the same: %v", run.Number, ErrUndelivered, run.Number, err)
	}
	return nil
}

func (r *Runner) files(ctx context.Context, p *Profile, run *journal.Run) error {
	dir, err := r.folder("reports")
	if err != nil {
		return err
	}
	problems := r.Problems(ctx, p, run.Number)
	if p == nil { // they go where the run's files were: what was told there stays
		problems = r.Store.Problems(ctx, run.Number)
	}
	built, err := report.Build(run, problems)
	if err != nil {
		return err
	}
	for _, made := range []string{dir, r.State} {
		if err := r.tidy(made); err != nil {
			return err
		}
	}
	base := filepath.Join(dir, strconv.FormatInt(run.Number, 10))
	return errors.Join(
		write(base+".html", func(w io.Writer) error { return r.page(ctx, w, p, run, built) }),
		write(base+".problems.csv", func(w io.Writer) error {
			return report.ProblemsCSV(w, run, problems, p.personal())
		}),
		// The JSON appears last, for mend looks at it.
		write(base+".json", func(doc io.Writer) error {
			return appear(base+".results.csv", func(results io.Writer) error {
				return report.Both(results, doc, run, built, r.Changes(ctx, run.Number), problems)
			})
		}),
	)
}

// personal is how much of people the reports of a profile tell; p may be nil.
func (p *Profile) personal() report.Personal {
	if p == nil {
		return report.IDs
	}
	return p.Report.Personal
}

// mended is how many runs of a profile are looked at, and for how long back, for
// what a process that was ended has left undone.
const (
	mended     = 100
	mendedDays = 30
)

// mend finishes what processes that were ended have left of a profile's runs:
// their files are written, and the copy of a drop that was not applied goes.
// Where p is nil they are the runs without a profile. The caller has the lease.
func (r *Runner) mend(ctx context.Context, p *Profile) {
	profile := ""
	if p != nil {
		profile = p.Name
	}
	runs, err := r.Store.Runs(ctx, profile, r.Now().AddDate(0, 0, -mendedDays), mended)
	if err != nil {
		return // the run that follows will say so
	}
	for i := range runs {
		run := &runs[i]
		if run.Profile != profile || run.Status == journal.Running || r.written(run) {
			continue
		}
		if err := errors.Join(r.unarchive(run), r.files(ctx, p, run)); err != nil {
			r.Log.Warn("report not written again", "run", run.Number, "error", err)
		}
	}
}

// written tells whether the files of a run tell what has become of it.
func (r *Runner) written(run *journal.Run) bool {
	f, err := os.Open(filepath.Join(r.State, "reports", strconv.FormatInt(run.Number, 10)+".json"))
	if err != nil {
		return false
	}
	defer f.Close()
	head := make([]byte, 1024)
	n, _ := io.ReadFull(f, head) // short files are read as far as they go
	return bytes.Contains(head[:n], []byte(`"status": "`+string(run.Status)+`"`))
}

// unarchive removes the copy of a drop whose run was ended before it could say
// where the copy is.
func (r *Runner) unarchive(run *journal.Run) error {
	if run.Status != journal.Interrupted || run.Profile == "" || run.Input.Archive != "" {
		return nil
	}
	left, err := filepath.Glob(filepath.Join(r.State, "archive", run.Profile, strconv.FormatInt(run.Number, 10)+"-*"))
	for _, path := range left {
		err = errors.Join(err, os.Remove(path))
	}
	return err
}

// unfinished begins the names of files that are being written.
const unfinished = ".report-"

// tidy removes what processes that were killed have left half written.
func (r *Runner) tidy(dir string) error {
	left, err := filepath.Glob(filepath.Join(dir, unfinished+"*"))
	if err != nil {
		return err
	}
	for _, path := range left {
		info, err := os.Stat(path)
		if err != nil || r.Now().Sub(info.ModTime()) < time.Hour { // another process may be at it
			continue
		}
		if err := os.Remove(path); err != nil && !errors.Is(err, os.ErrNotExist) {
			return fmt.Errorf("reports: %w", err)
		}
	}
	return nil
}

// write is appear for a report.
func write(path string, content func(io.Writer) error) error {
	if err := appear(path, content); err != nil {
		return fmt.Errorf("report: %w", err)
	}
	return nil
}

// appear makes a file appear whole or not at all.
func appear(path string, content func(io.Writer) error) error {
	f, err := os.CreateTemp(filepath.Dir(path), unfinished+"*")
	if err != nil {
		return err
	}
	err = fault.After(errors.Join(content(f), f.Close()), "report.file")
	if err == nil {
		err = os.Rename(f.Name(), path)
	}
	if err != nil {
		return errors.Join(err, os.Remove(f.Name()))
	}
	return nil
}
