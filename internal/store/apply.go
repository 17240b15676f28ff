package store

import (
	"context"
	"errors"
	"fmt"
	"time"

	"rollcall/internal/fault"
	"rollcall/internal/journal"
	"rollcall/internal/plan"
)

// chunk is how many changes are in memory while a plan is applied.
const chunk = 2000

// fewMoved is how many changes of a plan that nobody has seen yet may be left out,
// though they are more than a tenth: an ordinary night has few, and a person who
// edits one of them must not stop the others.
const fewMoved = 10

// readBackWithin bounds how long the database is asked what became of a commit.
const readBackWithin = 10 * time.Second

// Apply carries out a stored plan in one transaction: all of it happens, with its
// journal, its run and its mails, or nothing does. A stored plan is a ceiling: a
// change whose account has moved since is left out and says so.
//
// The error wraps [ErrRefused] where the plan may not be applied, and [ErrFenced]
// where the lease is another's by now. Where the commit itself fails the journal
// is read back, and the error says what the database holds, or wraps [ErrUnknown].
// After an error the Order's Run is what it was before.
func (db *DB) Apply(ctx context.Context, o Order) (Applied, error) {
	a := application{Order: o, db: db, now: db.now().UTC(), run: o.Run.Number, shares: shares{}}
	before := *o.Run
	err := db.transact(ctx, func(w work) error {
		a.work = w
		return a.carryOut(ctx)
	})
	if lost := fault.At("store.apply.committed"); lost != nil && err == nil { // the answer to the commit
		err = fmt.Errorf("%w: %w", errCommit, lost)
	}
	if errors.Is(err, errCommit) && !fault.Off("reading back") {
		err = a.readBack(ctx, err)
	}
	if err != nil {
		*o.Run = before
		return Applied{}, fmt.Errorf("apply run %d: %w", a.run, err)
	}
	if a.Carried > many {
		if err := db.engine.refresh(context.WithoutCancel(ctx), db.pool, searchedAccount, "link", "due", searchedChange); err != nil {
			return a.Applied, nil // the server does it later by itself
		}
	}
	return a.Applied, nil
}

// An application is one plan on its way into the database.
type application struct {
	Order
	Applied
	work
	db     *DB
	now    time.Time
	run    int64
	shares shares // how the accounts that each profile owns become more or fewer
	erased []uint64
	traces Traces // of erased
	doc    string // the run as it was saved

	empty     bool  // the plan fills a directory that has no account yet
	fresh     bool  // the plan was made by the run that applies it, and shown to nobody
	quiet     bool  // nobody has applied anything since the run began: no account can have moved
	still     bool  // and it is a feed's, of which nothing is excepted: it is not compared before it is carried out
	planned   int   // its changes, without claims
	adds      int64 // of them, new accounts: one after the other, from the number firstAdd
	firstAdd  int64
	fallen    bool           // something of it is not carried out
	merges    bool           // it makes two accounts one
	numbered  bool           // new accounts have their ids
	idsFrom   int64          // what is between the number of an add and that of its account
	protected plan.Protected // by Protect, once it was asked
	undecided bool           // nobody has decided about a key of the profile

	passwords int      // changes that set one
	welcome   []uint64 // accounts to which a mail with a password is due
	to        []string // their addresses
	moved     []movedMail
	unwelcome []uint64 // accounts to which none is due any more
}

// carryOut is the path of every plan.
func (a *application) carryOut(ctx context.Context) error {
	if err := fault.After(a.fence(), "store.apply.fenced"); err != nil {
		return err
	}
	if err := fault.After(a.usable(), "store.apply.usable"); err != nil {
		return err
	}
	if err := a.survey(); err != nil {
		return err
	}
	if err := a.db.outlived(a.tx); err != nil { // after the survey: who has read accounts keeps a migration from altering them
		return err
	}
	if err := fault.After(a.sift(ctx), "store.apply.sifted"); err != nil {
		return fmt.Errorf("compare with the accounts: %w", err)
	}
	if err := fault.After(a.freeNames(), "store.apply.freed"); err != nil {
		return fmt.Errorf("free the names: %w", err)
	}
	if err := a.count(); err != nil {
		return err
	}
	if err := fault.After(a.number(), "store.apply.marked"); err != nil {
		return fmt.Errorf("number the new accounts: %w", err)
	}
	if err := fault.After(a.withoutIndexes(func() error { return a.write(ctx) }), "store.apply.written"); err != nil {
		return err
	}
	if err := a.setPasswords(); err != nil {
		return err
	}
	if err := a.erase(); err != nil {
		return fmt.Errorf("erase what is known of accounts: %w", err)
	}
	if err := a.tally(); err != nil {
		return fmt.Errorf("count the accounts: %w", err)
	}
	if err := errors.Join(a.swapLook(), a.swapReading()); err != nil {
		return err
	}
	if fault.Off("single transaction") { // the run is then saved in another
		a.tx.Exec("COMMIT")
		a.tx.Exec("BEGIN")
	}
	return fault.After(a.finish(), "store.apply.finished")
}

// at tells whoever looks how far a stage is.
func (a *application) at(s Stage, changes int) {
	if a.Watch != nil {
		a.Watch(s, changes)
	}
}

// told is do, after which whoever looks knows how many changes the stage has come through.
func (a *application) told(s Stage, do func([]storedChange) error) func([]storedChange) error {
	a.at(s, 0)
	through := 0
	return func(list []storedChange) error {
		err := do(list)
		through += len(list)
		a.at(s, through)
		return err
	}
}

// fence refuses a holder whose lease another has taken over.
func (a *application) fence() error {
	if a.Lease == nil {
		return nil
	}
	var epoch int64
	if err := a.tx.Raw("SELECT epoch FROM lease WHERE profile = ?"+a.db.engine.forUpdate(), a.Lease.Profile).Scan(&epoch).Error; err != nil {
		return fmt.Errorf("lease: %w", err)
	}
	if epoch != a.Lease.Epoch {
		return ErrFenced
	}
	return nil
}

// usable refuses a plan that is used, overtaken or given up. It holds the
// counter of applied runs first: from here on nobody else applies anything.
func (a *application) usable() error {
	var seq int64
	if err := a.tx.Raw("SELECT value FROM counter WHERE name = 'applied_seq'" + a.db.engine.forUpdate()).Scan(&seq).Error; err != nil {
		return err
	}
	var row runRow
	res := a.tx.Raw("SELECT number, profile, status, applied_seq FROM run WHERE number = ?"+a.db.engine.forUpdate(), a.run).Scan(&row)
	if res.Error != nil {
		return res.Error
	}
	switch status := journal.Status(row.Status); {
	case res.RowsAffected == 0:
		return ErrNone
	case row.AppliedSeq != nil:
		return fmt.Errorf("%w: it has been applied already; plan again", ErrRefused)
	case status == journal.Rejected || status == journal.Superseded:
		return fmt.Errorf("%w: the run is %s; plan again", ErrRefused, status)
	default:
		a.fresh = status == journal.Running
		// A held plan was made under another day's settings.
		a.quiet = a.fresh && seq == a.Run.Seen
		a.still = a.quiet && a.Run.Kind == journal.Sync && !a.ExceptRemovals
	}
	var later int64
	err := a.tx.Raw("SELECT coalesce(max(number), 0) FROM run WHERE profile = ? AND profile <> '' AND number > ? AND applied_seq IS NOT NULL AND kind IN (?, ?)",
		row.Profile, a.run, journal.Sync, journal.Revert).Scan(&later).Error
	if err == nil && later > 0 {
		err = fmt.Errorf("%w: run %d of the same profile was applied after it was made; plan again", ErrRefused, later)
	}
	return err
}

// count fills the ledgers, and refuses a plan of which too much has moved.
func (a *application) count() error {
	if !a.fallen {
		a.Carried = a.planned
		return nil
	}
	var groups []struct {
		Action         plan.Action
		Absent, ByDate bool
		Done           journal.Done
		N              int
	}
	if err := a.tx.Raw("SELECT action, absent = 1 AS absent, by_date = 1 AS by_date, done, count(*) AS n FROM change WHERE run = ? AND action <> 'claim' GROUP BY 1, 2, 3, 4", a.run).
		Scan(&groups).Error; err != nil {
		return err
	}
	total := 0
	for _, g := range groups {
		total += g.N
		switch g.Done {
		case journal.LeftOut:
			a.LeftOut += g.N
		case journal.Excepted:
			a.Excepted += g.N
		default:
			a.Carried += g.N
			continue
		}
		switch {
		case g.ByDate:
			loseByDate(&a.LostByDate, g.Action, g.N)
		case g.Absent:
			loseAbsent(&a.LostAbsent, g.Action, g.N)
		default:
			loseRows(&a.Lost, g.Action, g.N)
		}
	}
	if a.merges && a.LeftOut > 0 { // half of it would be an account twice, or none
		return fmt.Errorf("%w: one of the two accounts has changed since, and they are merged whole or not at all; look at both, and say it again", ErrRefused)
	}
	if a.LeftOut*10 > total && !(a.fresh && a.LeftOut <= fewMoved) {
		return fmt.Errorf("%w: %d of its %d changes speak of accounts that have moved since, which is more than a tenth; plan again", ErrRefused, a.LeftOut, total)
	}
	return nil
}

func loseByDate(l *plan.ByDate, action plan.Action, n int) {
	if action == plan.Suspend {
		l.Expired += n
	} else {
		l.Started += n
	}
}

func loseAbsent(l *plan.Absent, action plan.Action, n int) {
	if action == plan.Update {
		return // it is among the kept already
	}
	l.Total += n
	if action == plan.Delete {
		l.Deleted += n
	} else {
		l.Suspended += n
	}
}

func loseRows(l *plan.Rows, action plan.Action, n int) {
	l.Read += n
	switch action {
	case plan.Add:
		l.Added += n
	case plan.Rename:
		l.Renamed += n
	case plan.Reactivate:
		l.Reactivated += n
	case plan.Suspend:
		l.Suspended += n
	case plan.Delete, plan.Anonymise, plan.Purge:
		l.Deleted += n
	default:
		l.Updated += n
	}
}

// number gives new accounts their ids, in the order of the plan: the run notes from
// where they go, and no change is written again. Those left out leave gaps.
func (a *application) number() error {
	if a.adds == 0 {
		return nil
	}
	var last int64
	if err := a.tx.Raw("UPDATE counter SET value = value + ? WHERE name = 'account' RETURNING value", a.adds).Scan(&last).Error; err != nil {
		return err
	}
	first := last - a.adds + 1
	a.numbered, a.idsFrom = true, first-a.firstAdd
	res := a.tx.Exec("UPDATE run SET ids_from = ?, first_added = ?, last_added = ? WHERE number = ?", a.idsFrom, first, last, a.run)
	return exactly(1, res.RowsAffected, res.Error)
}

// finish draws the number under which others see the change, and lets the
// caller write what the run came to.
func (a *application) finish() error {
	profile := a.Run.Profile
	var err error
	if _, a.ActiveAfter, err = tallyOf(a.tx, profile, a.Site); err != nil {
		return err
	}
	var some int
	if err := a.tx.Raw("SELECT count(*) FROM (SELECT 1 FROM change WHERE run = ? AND done = '' LIMIT 1) AS first", a.run).Scan(&some).Error; err != nil {
		return err
	}
	if some > 0 {
		if err := a.tx.Raw("UPDATE counter SET value = value + 1 WHERE name = 'applied_seq' RETURNING value").Scan(&a.Seq).Error; err != nil {
			return err
		}
	}
	a.Run.AppliedSeq = a.Seq
	if a.Soon != nil {
		var err error
		if a.Expire, a.Gone, err = soon(a.tx, profile, *a.Soon); err != nil {
			return err
		}
	}
	if err := a.postWelcomes(); err != nil {
		return err
	}
	var mails int
	if a.Finish != nil {
		list, err := a.Finish(a.Applied)
		if err != nil {
			return fmt.Errorf("finish: %w", err)
		}
		for ; mails < len(list); mails++ {
			if err := insertMail(a.tx, a.run, list[mails]); err != nil {
				return err
			}
		}
	}
	if a.Tell != nil {
		if err := a.db.tell(a.tx, profile, a.run, a.Tell); err != nil {
			return err
		}
	}
	row, err := runRowOf(a.Run)
	if err != nil {
		return err
	}
	a.doc = row.Doc
	if err := saveRun(a.tx, a.Run); err != nil {
		return err
	}
	if a.Also != nil {
		for _, other := range a.Also(a.Applied) {
			if err := saveRun(a.tx, other); err != nil {
				return err
			}
		}
	}
	if a.Seq == 0 {
		return nil
	}
	if err := a.tx.Exec("UPDATE run SET applied_at = ? WHERE number = ?", micros(a.now), a.run).Error; err != nil {
		return err
	}
	return a.db.engine.announce(a.work, a.Seq)
}

// readBack asks the database what became of a commit that answered with an
// error, and waits for the lost transaction to end where it still goes on.
//
// It asks by writing: what SQLite has written and not brought to the disk is not
// there for this process, and there again for the next one, unless something is
// committed in its place.
func (a *application) readBack(ctx context.Context, cause error) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), readBackWithin)
	defer cancel()
	a.db.engine.renew(a.db.pool)
	for {
		var doc string
		err := a.db.transact(ctx, func(w work) error {
			return w.tx.Raw("UPDATE run SET number = number WHERE number = ? RETURNING doc", a.run).Scan(&doc).Error
		})
		switch {
		case err == nil && doc == a.doc:
			return nil
		case err == nil:
			return fmt.Errorf("the commit failed and nothing was applied; run it again: %w", cause)
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("%w: %w; once the database is back, rollcall runs show %d tells: %w", ErrDown, ErrUnknown, a.run, cause)
		case <-time.After(readBackWithin / 40):
		}
	}
}

// exactly makes a surprise of the database an error, which rolls everything back.
func exactly(want, got int64, err error) error {
	if err == nil && got != want {
		err = fmt.Errorf("%d rows were written where %d were meant; nothing was changed", got, want)
	}
	return err
}
