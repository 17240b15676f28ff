package run

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"sync"
	"time"

	"rollcall/internal/guard"
	"rollcall/internal/journal"
	"rollcall/internal/roster"
	"rollcall/internal/source"
)

// Deltas may bear a number (source.sequence), which follows the last one that was
// dealt with. One that leaves a gap is held (E409), and what is missing is read
// before it as soon as it comes: it then takes the place of the plan that waits.

// errAhead means that a drop was fetched which is not next: its number is known now.
var errAhead = fmt.Errorf("not the next of its sequence: %w", ErrStillHeld)

// errSpent means that a delta was fetched which was applied before: it is passed over.
var errSpent = fmt.Errorf("applied before: %w", ErrNothingNew)

// spent is what is remembered of such a file instead of its number.
const spent = -1

// counted remembers which number files have inside, so that none is fetched for it
// at every look.
type counted struct {
	sync.Mutex
	of map[string]int64
}

// maxNumbers is how many are remembered.
const maxNumbers = 10_000

func fileID(profile, name string, size int64, modified time.Time) string {
	return fmt.Sprintf("%s\x00%s\x00%d\x00%d", profile, name, size, modified.Unix())
}

func (n *counted) know(id string) (int64, bool) {
	n.Lock()
	defer n.Unlock()
	x, ok := n.of[id]
	return x, ok
}

func (n *counted) learn(id string, x int64) (news bool) {
	n.Lock()
	defer n.Unlock()
	if _, known := n.of[id]; known {
		return false
	}
	if n.of == nil || len(n.of) >= maxNumbers {
		n.of = map[string]int64{}
	}
	n.of[id] = x
	return true
}

// numbered is the number of a file as far as it is known before it is fetched.
func (r *Runner) numbered(p *Profile, f source.File) (int64, bool) {
	if p.Source.Sequence.Inside() {
		n, ok := r.numbers.know(fileID(p.Name, f.Name, f.Size, f.Modified))
		return n, ok && n != spent
	}
	return p.Source.Sequence.Number(f.Name)
}

// inSequence puts unread files in the order in which they are to be read: those
// whose number nobody knows yet first, since one of them may be the next. Those
// behind a drop that waits for another are left out.
func (r *Runner) inSequence(p *Profile, files []source.File, waits *journal.Run) []source.File {
	files = slices.DeleteFunc(slices.Clone(files), func(f source.File) bool {
		n, known := r.numbered(p, f)
		return known && waits != nil && n > number(waits)
	})
	slices.SortStableFunc(files, func(a, b source.File) int {
		x, known := r.numbered(p, a)
		y, also := r.numbered(p, b)
		switch {
		case known && also:
			return int(min(max(x-y, -1), 1))
		case known != also && p.Source.Sequence.Inside() == known:
			return 1
		case known != also:
			return -1
		}
		return 0
	})
	return files
}

// number is that of a run's drop.
func number(run *journal.Run) int64 {
	n, _ := source.Digits(run.Input.Sequence)
	return n
}

// waitsForOthers tells whether a run is held because drops before its own are missing.
func waitsForOthers(run *journal.Run) bool {
	return run.Status == journal.Held && run.Input.Sequence != "" && gap(run)
}

func gap(run *journal.Run) bool {
	return slices.ContainsFunc(run.Findings, func(f guard.Finding) bool { return f.Name == "sequence" && f.Tripped })
}

// place finds the number of a drop and its place in the sequence: the error is a
// refusal, which is recorded, or says that it is not its turn.
func (r *Runner) place(ctx context.Context, q Request, got *fetched, run *journal.Run) error {
	s := q.Profile.Source.Sequence
	if !s.On() || q.By != nil {
		return nil
	}
	n, ok, err := r.numberOf(q.Profile, got)
	if err != nil || !ok && q.Dry {
		return nil // who reads the file says what is wrong with it
	}
	if !ok {
		return r.unplaced(ctx, q, run, &roster.Refusal{Code: "E409", Text: "the file has no number where source.sequence.from says", Fix: "have HR number the files, or correct source.sequence"})
	}
	last, waits, err := r.lastNumber(ctx, q.Profile, 0)
	if err != nil {
		return err
	}
	run.Input.Sequence = strconv.FormatInt(n, 10)
	switch {
	case last == nil:
		return nil
	case n <= number(last):
		older := fmt.Sprintf("its number in the sequence is %d, and run %d has dealt with %d already", n, last.Number, number(last))
		switch {
		case q.File != "" && n <= 1:
			got.note(older + "; it is read because it was named, and the sequence begins anew")
		case q.File != "":
			run.Input.Sequence = "" // the sequence goes on where it was
			got.note(older + "; it is read because it was named")
		case q.Dry:
			run.Input.Sequence = ""
			got.note(older)
		default:
			return r.unplaced(ctx, q, run, &roster.Refusal{Code: "E410", Text: older, Fix: "nothing to do if HR has sent it twice; if HR counts from the beginning again, apply it by name: rollcall run " + q.Profile.Name + " --file FILE"})
		}
		return nil
	case q.Profile.Plan.Full: // it lists everybody, whatever is missing
		return nil
	case n == number(last)+1:
		return nil
	}
	if q.File == "" && !q.Dry {
		news := s.Inside() && r.numbers.learn(fileID(q.Profile.Name, got.drop.Name, got.drop.Size, got.drop.Modified), n)
		if news || waits != nil && number(waits) < n {
			return errAhead
		}
	}
	if !s.Holds() {
		got.notes = append(got.notes, roster.Problem{Code: "E409", Severity: roster.SeverityWarning, Text: guard.Gap(number(last), n)})
	}
	return nil
}

// numberOf is the number of a drop.
func (r *Runner) numberOf(p *Profile, got *fetched) (int64, bool, error) {
	s := p.Source.Sequence
	if !s.Inside() {
		n, ok := s.Number(got.drop.Name)
		return n, ok, nil
	}
	if got.bare {
		return 0, false, errors.ErrUnsupported
	}
	x, err := r.open(p, got)
	if err != nil {
		return 0, false, err
	}
	text, _, err := x.file.Beside(s.From, p.Format.Namespaces)
	n, ok := source.Digits(text)
	return n, ok, err
}

// unplaced records the refusal of a drop by its number.
func (r *Runner) unplaced(ctx context.Context, q Request, run *journal.Run, err error) error {
	if begun := r.Store.Begin(ctx, run); begun != nil {
		return errors.Join(err, begun)
	}
	return r.ended(ctx, q.Profile, run, err)
}

// lastNumber is the run whose number the next drop follows, and the first that
// waits for others, of those before a run, zero for all. What a person has rejected was
// there; but not what they rejected because something before it was missing.
func (r *Runner) lastNumber(ctx context.Context, p *Profile, before int64) (last, waits *journal.Run, err error) {
	runs, err := r.Store.Runs(ctx, p.Name, time.Time{}, recent)
	if err != nil {
		return nil, nil, err
	}
	for i := range runs {
		run := &runs[i]
		if run.DryRun || run.Input.Sequence == "" || before > 0 && run.Number >= before {
			continue
		}
		if waitsForOthers(run) && (waits == nil || number(run) < number(waits)) {
			waits = run
		}
		if last == nil && (run.Status.Applied() || run.Status == journal.Rejected && !gap(run)) {
			last = run
		}
	}
	return last, waits, nil
}

// sequence is what the guardrail of that name is asked about a run.
func (r *Runner) sequence(ctx context.Context, p *Profile, run *journal.Run) (*guard.Sequence, error) {
	if !p.Source.Sequence.On() || !p.Source.Sequence.Holds() || p.Plan.Full || run.Input.Sequence == "" {
		return nil, nil
	}
	s := &guard.Sequence{Number: number(run)}
	last, _, err := r.lastNumber(ctx, p, run.Number)
	if last != nil && number(last) < s.Number {
		s.Last, s.Follows = number(last), true
	}
	return s, err
}
