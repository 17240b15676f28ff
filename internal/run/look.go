package run

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"errors"
	"iter"
	"slices"
	"strings"

	"rollcall/internal/format"
	"rollcall/internal/index"
	"rollcall/internal/journal"
	"rollcall/internal/plan"
	"rollcall/internal/roster"
	"rollcall/internal/store"
)

// A first look is what a run knows of its drop before it reads any record: which
// of them lie there as they lay in the drop that was applied last. It is also the
// [plan.Keeper] that remembers for the next run.
type firstLook struct {
	store.Writer
	store  *store.DB
	look   store.Look // that this run leaves behind
	old    *store.Look
	looker index.Looker
	found  *index.Verdict            // nil: every record is read
	loose  []uint64                  // as the old look has them
	moved  int                       // accounts that others have touched
	mapped bool                      // the mapping is another than that of the old look
	means  func(roster.Entry) uint64 // of the look that this run leaves behind
	held   []roster.Entry            // the records that are read, where they are few
	kept   kept                      // likewise, before they are mapped, where they are not so few

	sorter  *index.Sorter
	changes uint64
	fresh   int      // records remembered that were read
	left    []uint64 // accounts without a record that is remembered
}

// fewRecords is how many entries are kept instead of reading the drop again.
const fewRecords = 2000

// digest is of all by which a record is read and judged (S4), and behind a blank
// of that by which it is judged alone: where that is the same, a record that means
// what it meant asks for what it asked for. A new version of rollcall may judge
// otherwise, and so reads everything once.
func (r *Runner) digest(p *Profile, x *reading) string {
	o := p.Plan
	o.Known = nil
	judged := digest(struct {
		Version, Zone string
		Plan          plan.Options
	}{r.Version, o.Zone.String(), o})
	return digest(struct {
		Judged, Settings string
		Format           format.Options
		Facts            format.Facts
		Header           []string
	}{judged, p.settings(r.Version), p.Format, x.file.Facts(), x.file.Header()}) + " " + judged
}

func digest(what any) string {
	text, err := json.Marshal(what)
	if err != nil {
		panic(err) // plain data
	}
	sum := sha256.Sum256(text)
	return "sha256:" + hex.EncodeToString(sum[:])
}

// readOtherwise tells whether two digests differ at most in how a record is read.
func readOtherwise(a, b string) bool {
	_, a, _ = strings.Cut(a, " ")
	_, b, _ = strings.Cut(b, " ")
	return a == b && a != ""
}

// firstLook compares a full drop with what is remembered of the one before. What
// cannot be compared is read: no drop is refused here.
func (r *Runner) firstLook(ctx context.Context, p *Profile, run *journal.Run, x *reading) (*firstLook, error) {
	scratch, err := r.folder("spool", p.Name)
	if err != nil {
		return nil, err
	}
	l := &firstLook{store: r.Store, sorter: index.NewSorter(scratch, 0)}
	l.look = store.Look{Run: run.Number, Profile: p.Name, Digest: r.digest(p, x), Secret: secretSeed(), Seen: run.Seen, Made: run.Started}
	old, err := r.Store.Look(ctx, p.Name)
	if errors.Is(err, store.ErrNone) || err == nil && (!readOtherwise(old.Digest, l.look.Digest) || run.Started.Before(old.Made)) {
		return l, nil
	}
	if err != nil {
		return nil, err
	}
	moved, err := r.Store.Moved(ctx, old, run.Started)
	if err != nil {
		return nil, err
	}
	if l.loose, err = r.Store.Loose(ctx, old); err != nil {
		return nil, err
	}
	l.moved, l.mapped = len(moved), old.Digest != l.look.Digest
	var doubt error // the drop is not as it should be: who reads it all says how
	watched := func(marks iter.Seq2[index.Mark, error]) iter.Seq2[index.Mark, error] {
		return func(yield func(index.Mark, error) bool) {
			for m, err := range marks {
				if err == nil {
					err = ctx.Err()
				} else {
					doubt = err
				}
				if !yield(m, err) {
					return
				}
			}
		}
	}
	marks := func() iter.Seq2[index.Mark, error] { return watched(x.marks(old.Secret)) }
	l.looker = index.Looker{
		Scratch: scratch,
		Parts:   func() iter.Seq2[[]byte, error] { return r.Store.Prints(ctx, old) },
		Marks:   marks,
	}
	if l.mapped {
		l.looker.Mapped, l.looker.Marks = true, func() iter.Seq2[index.Mark, error] { return watched(x.meant(old.Secret)) }
	}
	for _, id := range moved {
		l.looker.Touched.Add(id)
	}
	for _, key := range p.Plan.Canaries {
		o := p.Plan
		o.Seed = old.Secret
		id, _ := o.Identity(roster.Entry{Key: key})
		l.looker.Watch = append(l.looker.Watch, id)
	}
	v, err := l.looker.Look()
	l.looker.Mapped, l.looker.Marks = false, marks // the verdict says what the mapping makes of them
	if doubt != nil || err == nil && v.Same < v.Rows/2 {
		return l, nil
	}
	if errors.Is(err, index.ErrTorn) { // this run leaves a new one behind
		r.Log.Warn("what is remembered of the last drop cannot be read, so every record is", "profile", p.Name, "error", err)
		return l, nil
	}
	if err != nil {
		return nil, err
	}
	v.Gone = append(append(v.Gone, l.loose...), moved...)
	l.old, l.found, l.look.Secret = old, v, old.Secret
	if err := l.copies(p, x); err != nil {
		if !refuses(err) {
			return nil, err
		}
		l.forget()
	}
	if l.mapped && l.found != nil {
		r.Log.Debug("another mapping: records compared by what they mean", "profile", p.Name, "records", l.found.Rows, "as_before", l.found.Same)
	}
	return l, nil
}

// forget gives the comparison up: every record is read.
func (l *firstLook) forget() {
	l.found, l.old, l.held, l.kept = nil, nil, nil, kept{}
	l.sorter, l.changes, l.fresh, l.left, l.mapped = l.sorter.Again(), 0, 0, nil, false
}

func refuses(err error) bool {
	var refused *roster.Refusal
	return errors.As(err, &refused)
}

// meanings hashes what entries say.
func meanings(seed uint64) func(roster.Entry) uint64 {
	o := plan.Options{Seed: seed}
	var room []byte
	return func(e roster.Entry) (hash uint64) {
		hash, room = o.Meaning(e, room)
		return hash
	}
}

func secretSeed() uint64 {
	var b [8]byte
	_, _ = rand.Read(b[:]) // which never fails
	return binary.LittleEndian.Uint64(b[:])
}

// copies reads the records that are left, and takes the verdict back from those
// that share a key with one of them (S5).
func (l *firstLook) copies(p *Profile, x *reading) error {
	o := p.Plan
	o.Seed = l.look.Secret
	for {
		left := l.found.Rows - l.found.Same
		if left == 0 {
			return nil
		}
		identities := make(map[uint64]struct{}, left)
		l.held, l.kept = nil, kept{}
		for e, err := range l.entries(x) {
			if err != nil {
				return err
			}
			if id, ok := o.Identity(e); ok {
				identities[id] = struct{}{}
			}
			if left <= fewRecords {
				l.held = append(l.held, e)
			}
		}
		if err := l.looker.Withdraw(l.found, identities); err != nil {
			return err
		}
		if l.found.Rows-l.found.Same == left {
			return nil
		}
	}
}

// entries reads the records that are to be read.
func (l *firstLook) entries(x *reading) iter.Seq2[roster.Entry, error] {
	if l.held != nil || l.found != nil && l.found.Same == l.found.Rows {
		return func(yield func(roster.Entry, error) bool) {
			for _, e := range l.held {
				e.Problems = slices.Clone(e.Problems)
				if !yield(e, nil) {
					return
				}
			}
		}
	}
	if l.found == nil {
		return x.entriesOf(x.file.Pick(l.look.Secret, nil))
	}
	return x.entriesOf(l.kept.through(x.file.Pick(l.look.Secret, func(n int) bool { return l.found.Left.Has(uint64(n)) }), l.found.Rows-l.found.Same))
}

// same is what planning needs to know of the records that are not read.
func (l *firstLook) same(ctx context.Context, p *Profile) (*plan.Same, error) {
	if l.found == nil {
		return nil, nil
	}
	s := &plan.Same{Rows: l.found.Same, Known: l.found.Known.Has, Others: l.found.Gone}
	for i := range p.Plan.Canaries {
		s.Canaries = append(s.Canaries, l.found.Seen.Has(uint64(i)))
	}
	var err error
	s.Owned, s.Active, err = l.store.TallyOf(ctx, p.Name, p.Plan.Site)
	return s, err
}

// Change implements [plan.Sink].
func (l *firstLook) Change(c plan.Change) error {
	l.changes++
	return l.Writer.Change(c)
}

// Clean implements [plan.Keeper].
func (l *firstLook) Clean(e roster.Entry, identity, account uint64) error {
	l.fresh++
	return l.sorter.Add(e.Line, index.Print{Identity: identity, Hash: e.Hash, Entry: l.means(e), Account: l.orAdded(account)})
}

// Loose implements [plan.Keeper].
func (l *firstLook) Loose(account uint64) error {
	l.left = append(l.left, l.orAdded(account))
	return nil
}

func (l *firstLook) orAdded(account uint64) uint64 {
	if account == 0 {
		return l.changes | index.Pending
	}
	return account
}

// save leaves behind what the next run need not read, if this one is applied.
func (l *firstLook) save(ctx context.Context) error {
	if l.found != nil {
		if !l.mapped && l.fresh == 0 && l.found.Stray == 0 && l.found.Back == 0 && sameSet(l.left, l.loose) {
			if l.moved > 0 || l.look.Seen == l.old.Seen {
				return nil
			}
			return l.store.SeenBy(ctx, l.old, l.look.Seen)
		}
	}
	for i, account := range l.left {
		l.left[i] = l.placed(account)
	}
	loose := index.Numbers(slices.Values(l.left))
	if l.found != nil {
		old, err := l.store.Patch(ctx, l.old)
		if err != nil {
			return err
		}
		if patch := old.Then(l.found, l.prints()); patch != nil {
			return l.store.PatchLook(ctx, l.look, l.old, patch, loose)
		}
		if err := l.looker.Keep(l.found, l.sorter.Add); err != nil {
			return err
		}
	}
	return l.store.StoreLook(ctx, l.look, index.Parts(l.prints()), loose)
}

// prints are what is remembered, in the order of the drop. Who waits for a new
// account is told the number of its change in the plan, which is sealed by now.
func (l *firstLook) prints() iter.Seq2[index.Lined, error] {
	return func(yield func(index.Lined, error) bool) {
		for p, err := range l.sorter.Prints() {
			p.Account = l.placed(p.Account)
			if !yield(p, err) {
				return
			}
		}
	}
}

func (l *firstLook) placed(account uint64) uint64 {
	if account&index.Pending != 0 {
		return index.Pending | l.Place(account&^index.Pending)
	}
	return account
}

func sameSet(a, b []uint64) bool {
	slices.Sort(a)
	slices.Sort(b)
	return slices.Equal(a, b)
}
