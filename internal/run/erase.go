package run

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"rollcall/internal/guard"
	"rollcall/internal/journal"
	"rollcall/internal/plan"
	"rollcall/internal/roster"
	"rollcall/internal/store"
)

// Terms are how long after its deletion an account of a profile is erased; zero is never.
type Terms struct {
	Profile          string
	Anonymise, Purge time.Duration
}

// Anonymise erases who accounts were.
func (r *Runner) Anonymise() Deed {
	return func(_ context.Context, p plan.Person, a *roster.Account) (plan.Change, error) { return p.Anonymise(a) }
}

// Purge removes accounts and what is known of them.
func (r *Runner) Purge() Deed {
	return func(_ context.Context, p plan.Person, a *roster.Account) (plan.Change, error) { return p.Purge(a) }
}

// forget removes the files that speak of the accounts which a run is about to erase:
// archived drops that list them, and reports, which are written again from the journal.
// It comes before the commit: a process that dies in between has forgotten too much,
// and its reports are written again, but nothing stays that should be gone.
func (r *Runner) forget(ctx context.Context, run *journal.Run) error {
	if run.Facts.Erased == 0 {
		return nil
	}
	var ids []uint64
	for o, err := range r.Store.Changes(ctx, run.Number) {
		if err != nil {
			return err
		}
		if o.Erases() {
			ids = append(ids, o.Account)
		}
	}
	traces, err := r.Store.Traces(ctx, ids)
	if err != nil {
		return err
	}
	for _, number := range traces.Runs {
		base := filepath.Join(r.State, "reports", strconv.FormatInt(number, 10))
		for _, suffix := range []string{".json", ".html", ".results.csv", ".problems.csv"} {
			if err := os.Remove(base + suffix); err != nil && !errors.Is(err, fs.ErrNotExist) {
				return fmt.Errorf("erase reports: %w", err)
			}
		}
	}
	return r.forgetDrops(newWanted(traces.Names))
}

// forgetDrops removes the archived drops in which one of the names stands. A drop is
// removed whole: what remained of it would be no drop that anybody has sent.
func (r *Runner) forgetDrops(w wanted) error {
	root := filepath.Join(r.State, "archive")
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		switch {
		case errors.Is(err, fs.ErrNotExist):
			return nil
		case err != nil:
			return err
		case !d.Type().IsRegular():
			return nil
		}
		found, err := w.stands(path)
		if err == nil && found {
			err = os.Remove(path)
		}
		return err
	})
	if err != nil {
		return fmt.Errorf("erase archived drops: %w", err)
	}
	return nil
}

// wanted are names to look for in files: plain words, by themselves, and others.
type wanted struct {
	words map[string]bool
	odd   []string // with a character at which words end
}

// ends tells whether a word ends at a byte of a drop: what separates cells, quotes
// and marks them, in CSV, XML and LDIF.
func ends(c byte) bool {
	return c <= ' ' || strings.IndexByte(`,;|"'<>=&`, c) >= 0
}

func newWanted(names []string) wanted {
	w := wanted{words: map[string]bool{}}
	for _, name := range names {
		if strings.IndexFunc(name, func(r rune) bool { return r < 0x80 && ends(byte(r)) }) >= 0 {
			w.odd = append(w.odd, name)
		} else {
			w.words[name] = true
		}
	}
	return w
}

// lineMost bounds what is looked at together.
const lineMost = 1 << 20

// stands tells whether one of the names stands in a file, packed or not. What a file
// of another encoding says in other than ASCII is not found.
func (w wanted) stands(path string) (bool, error) {
	f, err := os.Open(path)
	if err != nil {
		return false, err
	}
	defer f.Close()
	in := bufio.NewReaderSize(f, lineMost)
	if head, _ := in.Peek(2); bytes.Equal(head, []byte{0x1f, 0x8b}) {
		unpacked, err := gzip.NewReader(in)
		if err != nil {
			return true, nil // nobody can read it any more: nobody needs it
		}
		in = bufio.NewReaderSize(unpacked, lineMost)
	}
	for {
		part, err := in.ReadSlice('\n')
		if len(part) > 0 && w.in(part) {
			return true, nil
		}
		switch {
		case errors.Is(err, bufio.ErrBufferFull): // the next part begins anew: a word across the two is not found in either
			continue
		case errors.Is(err, io.EOF):
			return false, nil
		case err != nil:
			return true, nil // a packed file that breaks off
		}
	}
}

func (w wanted) in(part []byte) bool {
	part = bytes.ReplaceAll(part, []byte{0}, nil) // UTF-16 of ASCII
	for rest := part; len(rest) > 0; {
		n := 0
		for n < len(rest) && !ends(rest[n]) {
			n++
		}
		if n > 0 && (w.words[string(rest[:n])] || w.words[roster.Fold(string(rest[:n]))]) {
			return true
		}
		rest = rest[min(n+1, len(rest)):]
	}
	if len(w.odd) == 0 {
		return false
	}
	fold := roster.Fold(string(part))
	for _, name := range w.odd {
		if store.HasWord(fold, name) {
			return true
		}
	}
	return false
}

// forgotten ends an erasure that was applied: reports are written again, and what the
// database has deleted leaves its files.
func (r *Runner) forgotten(ctx context.Context, run *journal.Run, rewrite []int64) {
	if run.Facts.Erased == 0 {
		return
	}
	for _, number := range rewrite {
		old, err := r.Store.Run(ctx, number)
		if err == nil {
			err = r.files(ctx, nil, old)
		}
		if err != nil {
			r.Log.Warn("report not written again", "run", number, "error", err)
		}
	}
	if err := r.Store.Scrub(ctx); err != nil {
		r.Log.Warn("the database's files may still hold what was erased", "run", run.Number, "error", err)
	}
}

// Forget erases the deleted accounts whose terms are over (policy.anonymise_after and
// purge_after, R63), in a run of kind sweep with the limits of one. The run is nil
// where nothing is due, or where the same is held already.
func (r *Runner) Forget(ctx context.Context, trigger string) (*journal.Run, error) {
	if len(r.Terms) == 0 {
		return nil, nil
	}
	lease, err := r.acquire(ctx, "")
	if err != nil {
		return nil, err
	}
	defer r.release(lease)
	due, err := r.dueToErase(ctx)
	if err != nil || len(due.Changes) == 0 {
		return nil, err
	}
	run := &journal.Run{Kind: journal.Sweep, Trigger: trigger, Started: r.Now(), Erases: true}
	if err := r.Store.Begin(ctx, run); err != nil {
		return nil, err
	}
	err = r.erase(ctx, lease, run, due)
	if err == nil && run.Status == journal.Held {
		if again, err := r.heldAlready(ctx, run); err != nil || again {
			return nil, err
		}
	}
	return run, r.ended(ctx, nil, run, err)
}

func (r *Runner) erase(ctx context.Context, lease *store.Lease, run *journal.Run, due plan.Plan) error {
	var err error
	if run.Facts.Owned, run.Facts.ActiveBefore, err = r.census(ctx, "", ""); err != nil {
		return err
	}
	run.Facts.ActiveAfter = run.Facts.ActiveBefore
	tally(&run.Facts, due.Changes)
	if err := r.save(ctx, run, due); err != nil {
		return err
	}
	run.Findings = guard.Check(r.Limits, run.Facts, guard.Baseline{Applied: true})
	if guard.Holds(run.Findings) {
		run.Status, run.HeldUntil = journal.Held, r.Now().Add(r.Limits.HoldFor).UTC()
		return nil
	}
	return r.carryOut(ctx, nil, lease, run, nil, false, nil)
}

// dueToErase plans what the terms ask for now. Of several profiles that link an account
// the longest term counts.
func (r *Runner) dueToErase(ctx context.Context) (p plan.Plan, err error) {
	terms := map[string]Terms{}
	shortest := time.Duration(0)
	for _, t := range r.Terms {
		terms[t.Profile] = t
		for _, after := range []time.Duration{t.Anonymise, t.Purge} {
			if after > 0 && (shortest == 0 || after < shortest) {
				shortest = after
			}
		}
	}
	shield, err := r.protected(ctx)
	if err != nil {
		return p, err
	}
	sweeper := plan.Person{Who: roster.OriginDate, At: roster.Stamp(r.Now()), Protect: shield, Zone: r.Zone}
	for a, err := range r.Store.Overdue(ctx, r.Now().Add(-shortest)) {
		if err != nil {
			return p, err
		}
		var anonymise, purge time.Duration
		for _, l := range a.Links {
			anonymise, purge = max(anonymise, terms[l.Profile].Anonymise), max(purge, terms[l.Profile].Purge)
		}
		var f plan.Forgotten
		if anonymise > 0 {
			f.Anonymise = roster.Stamp(r.Now().Add(-anonymise))
		}
		if purge > 0 {
			f.Purge = roster.Stamp(r.Now().Add(-purge))
		}
		if c, ok := sweeper.ByTerm(&a, f); ok {
			p.Changes = append(p.Changes, c)
		}
	}
	return p, nil
}
