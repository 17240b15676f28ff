package store

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"rollcall/internal/journal"
	"rollcall/internal/notify"
	"rollcall/internal/plan"
	"rollcall/internal/roster"
	"rollcall/internal/shore"
)

const hold = 90 * 24 * time.Hour

// A story writes plans and carries them out.
type story struct {
	testing.TB
	db *DB
}

// plan stores changes as the plan of a new run of profile.
func (s story) plan(profile string, changes ...plan.Change) *journal.Run {
	s.Helper()
	r := &journal.Run{Profile: profile, Kind: journal.Sync, Status: journal.Running, Trigger: "manual", Started: s.db.now()}
	if err := s.db.Begin(s.Context(), r); err != nil {
		s.Fatal(err)
	}
	w := s.db.Writer(s.Context(), r.Number)
	for _, c := range changes {
		if err := w.Change(c); err != nil {
			s.Fatal(err)
		}
	}
	var err error
	if r.PlanDigest, err = w.Seal(s.Context()); err != nil {
		s.Fatal(err)
	}
	return r
}

// held has a planned run wait for a person, as one who has seen it.
func (s story) held(r *journal.Run) *journal.Run {
	s.Helper()
	r.Status = journal.Held
	if err := s.db.Finish(s.Context(), r); err != nil {
		s.Fatal(err)
	}
	return r
}

// order is the order to carry out a planned run.
func order(r *journal.Run) Order {
	return Order{Run: r, Digest: r.PlanDigest, HoldNames: hold, Finish: func(a Applied) ([]notify.Message, error) {
		r.Status, r.LeftOut, r.Excepted = journal.OK, a.LeftOut, a.Excepted
		return nil, nil
	}}
}

// apply carries a planned run out.
func (s story) apply(r *journal.Run) Applied {
	s.Helper()
	a, err := s.db.Apply(s.Context(), order(r))
	if err != nil {
		s.Fatal(err)
	}
	return a
}

// refused tries to carry a planned run out, and wants to be refused for a reason.
func (s story) refused(o Order, why string) {
	s.Helper()
	before := dump(s, s.db)
	_, err := s.db.Apply(s.Context(), o)
	if !errors.Is(err, ErrRefused) || !strings.Contains(err.Error(), why) {
		s.Errorf("got %v, want ErrRefused with %q", err, why)
	}
	if after := dump(s, s.db); after != before {
		s.Errorf("the refused plan left its mark:\n%s\nwant\n%s", after, before)
	}
}

// people adds accounts with these usernames, and answers with them, in that order.
func (s story) people(profile string, names ...string) []roster.Account {
	s.Helper()
	var adds []plan.Change
	for _, n := range names {
		adds = append(adds, add(profile, n))
	}
	s.apply(s.plan(profile, adds...))
	var list []roster.Account
	for _, n := range names {
		list = append(list, s.named(n))
	}
	return list
}

// named is the account that holds a username.
func (s story) named(name string) roster.Account {
	s.Helper()
	found, err := s.db.Find(s.Context(), plan.Query{Usernames: []string{roster.Fold(name)}, Now: s.db.now()})
	if err != nil {
		s.Fatal(err)
	}
	if len(found.Accounts) != 1 {
		s.Fatalf("got %d accounts named %s, want 1", len(found.Accounts), name)
	}
	return found.Accounts[0]
}

// get is the account of an id; zero where there is none.
func (s story) get(id uint64) roster.Account {
	s.Helper()
	found, err := s.db.Find(s.Context(), plan.Query{IDs: []uint64{id}, Now: s.db.now()})
	if err != nil {
		s.Fatal(err)
	}
	if len(found.Accounts) == 0 {
		return roster.Account{}
	}
	return found.Accounts[0]
}

func field(f roster.Field, old, new string, is roster.Origin) plan.FieldChange {
	return plan.FieldChange{Field: f, Old: old, New: new, Is: is}
}

func add(profile, name string) plan.Change {
	o := roster.Origin(profile)
	return plan.Change{
		Action: plan.Add, Key: roster.Key("k-" + name), Username: name, Reason: "new key",
		Fields: []plan.FieldChange{
			field(roster.EmployeeID, "", "k-"+name, o), field(roster.Username, "", name, o), field(roster.Email, "", name+"@example.org", o),
			field(roster.StatusField, "", string(roster.Active), ""),
		},
		Links: []plan.LinkChange{{Profile: profile, NewKey: roster.Key("k-" + name), New: roster.ClaimActive}},
	}
}

func touch(action plan.Action, a roster.Account, fields ...plan.FieldChange) plan.Change {
	c := plan.Change{Action: action, Account: a.ID, Version: a.Version, Username: a.Values[roster.Username], Reason: "test", Fields: fields}
	if f := c.Field(roster.Username); f != nil {
		c.Username = f.New
	}
	if len(a.Links) > 0 {
		c.Key = a.Links[0].Key
	}
	return c
}

func rename(a roster.Account, name string) plan.Change {
	return touch(plan.Rename, a, field(roster.Username, a.Values[roster.Username], name, "hr"))
}

func suspend(a roster.Account, now time.Time) plan.Change {
	return touch(plan.Suspend, a,
		field(roster.StatusField, a.Values[roster.StatusField], string(roster.Suspended), ""),
		field(roster.StatusReason, a.Values[roster.StatusReason], string(roster.Missing), ""),
		field(roster.StatusSince, a.Values[roster.StatusSince], roster.Stamp(now), ""))
}

func remove(a roster.Account, now time.Time) plan.Change {
	return touch(plan.Delete, a,
		field(roster.StatusField, a.Values[roster.StatusField], string(roster.Deleted), ""),
		field(roster.DeletedAt, "", roster.Stamp(now), ""))
}

// dump writes everything that an apply may change, in one order on both engines.
func dump(tb testing.TB, db *DB) string {
	tb.Helper()
	var b strings.Builder
	for _, table := range []struct{ columns, from string }{
		{strings.Join(columnsOfAccount, ", "), "account ORDER BY id"},
		{strings.Join(columnsOfLink, ", "), "link ORDER BY profile, account"},
		{"account, kind, value, folded, until, held_until", "former_name ORDER BY account, kind, folded, until"},
		{"number, status, applied_seq, applied_at, coalesce(ids_from, 0), coalesce(first_added, 0), coalesce(last_added, 0)", "run ORDER BY number"},
		{"run, ord, key, username, action, coalesce(account, 0), version, fields, links, done, note", "change ORDER BY run, ord"},
		{"name, value", "counter ORDER BY name"},
		{"run, message_id, state", "outbox ORDER BY number"},
	} {
		rows, err := db.gorm.Raw("SELECT " + table.columns + " FROM " + table.from).Rows()
		if err != nil {
			tb.Fatal(err)
		}
		names, err := rows.Columns()
		if err != nil {
			tb.Fatal(err)
		}
		for rows.Next() {
			values := make([]any, len(names))
			into := make([]any, len(names))
			for i := range values {
				into[i] = &values[i]
			}
			if err := rows.Scan(into...); err != nil {
				tb.Fatal(err)
			}
			fmt.Fprintln(&b, append([]any{table.from[:4]}, values...)...)
		}
		if err := errors.Join(rows.Err(), rows.Close()); err != nil {
			tb.Fatal(err)
		}
	}
	return b.String()
}

func TestAnAddedAccountIsThereWholeWithItsLink(t *testing.T) {
	both(t, func(t *testing.T, db *DB) {
		s := story{t, db}
		a := s.apply(s.plan("hr", add("hr", "Ada"), add("hr", "bob")))
		if a.Seq != 1 || a.Carried != 2 || a.ActiveAfter != 2 {
			t.Errorf("got %+v, want seq 1 with 2 carried and 2 active", a)
		}
		got := s.named("ada")
		want := roster.Account{ID: 1, Version: 1, CreatedAt: noon, UpdatedAt: noon, Links: []roster.Link{{Profile: "hr", Key: "k-Ada", Claim: roster.ClaimActive}}}
		want.Values[roster.EmployeeID], want.Values[roster.Username], want.Values[roster.Email] = "k-Ada", "Ada", "Ada@example.org"
		want.Values[roster.StatusField] = "active"
		for _, f := range []roster.Field{roster.EmployeeID, roster.Username, roster.Email} {
			want.Origins[f] = "hr"
		}
		if fmt.Sprint(got) != fmt.Sprint(want) {
			t.Errorf("got  %v\nwant %v", got, want)
		}
	})
}

func TestR36SwapsRingsAndChainsOfUsernamesSucceed(t *testing.T) {
	both(t, func(t *testing.T, db *DB) {
		s := story{t, db}
		p := s.people("hr", "swap1", "swap2", "ring1", "ring2", "ring3", "chain1", "chain2", "chain3", "case", "gone")
		s.apply(s.plan("hr",
			rename(p[0], "swap2"), rename(p[1], "swap1"),
			rename(p[2], "ring2"), rename(p[3], "ring3"), rename(p[4], "ring1"),
			rename(p[5], "chain2"), rename(p[6], "chain3"), rename(p[7], "chain4"),
			rename(p[8], "CASE"), remove(p[9], noon)))
		for i, want := range []string{"swap2", "swap1", "ring2", "ring3", "ring1", "chain2", "chain3", "chain4", "CASE"} {
			if got := s.named(want); got.ID != p[i].ID || got.Version != 2 {
				t.Errorf("%s: got account %d, version %d, want %d, version 2", want, got.ID, got.Version, p[i].ID)
			}
		}
		if got := s.get(p[9].ID); got.Values[roster.Username] != "gone" || got.Status() != roster.Deleted {
			t.Errorf("the deleted account: got %s %q, want deleted, its name kept", got.Status(), got.Values[roster.Username])
		}
	})
}

func TestP1WhereALateChangeFailsNothingHappens(t *testing.T) {
	both(t, func(t *testing.T, db *DB) {
		s := story{t, db}
		p := s.people("hr", "ada", "bob")
		before := dump(t, db)
		r := s.plan("hr", rename(p[0], "carol"), rename(p[1], "carol")) // no planner makes this
		planned := dump(t, db)
		if _, err := db.Apply(t.Context(), order(r)); err == nil {
			t.Error("two accounts took one name")
		}
		if got := dump(t, db); got != planned || got == before {
			t.Errorf("got\n%s\nwant\n%s", got, planned)
		}

		r = s.plan("hr", rename(p[0], "carol"), add("hr", "dora"))
		planned = dump(t, db)
		o := order(r)
		o.Finish = func(Applied) ([]notify.Message, error) { return nil, errors.New("the last step") }
		if _, err := db.Apply(t.Context(), o); err == nil || !strings.Contains(err.Error(), "the last step") {
			t.Errorf("got %v, want the error of the last step", err)
		}
		if got := dump(t, db); got != planned {
			t.Errorf("got\n%s\nwant\n%s", got, planned)
		}
	})
}

func TestAPlanIsRefusedThatIsNotTheOneThatWasShown(t *testing.T) {
	both(t, func(t *testing.T, db *DB) {
		s := story{t, db}
		r := s.plan("hr", add("hr", "ada"))
		o := order(r)
		o.Digest = "sha256:00"
		s.refused(o, "digest")
		if err := db.gorm.Exec("UPDATE change SET reason = 'another' WHERE run = ?", r.Number).Error; err != nil {
			t.Fatal(err)
		}
		s.refused(order(r), "digest")
	})
}

// TestAPlanIsRefusedThatIsAnotherWhenItIsCarriedOut alters a plan that has been read and
// compared: it is read again to be carried out, and maybe on another connection.
func TestAPlanIsRefusedThatIsAnotherWhenItIsCarriedOut(t *testing.T) {
	t.Parallel()
	db := openAt(t, shore.Postgres(t), newClock().now) // on SQLite nobody else writes meanwhile
	s := story{t, db}
	s.people("hr", "ada")
	o := order(s.held(s.plan("hr", add("hr", "ben"), add("hr", "cal"))))
	o.Watch = func(at Stage, n int) {
		if _, err := db.pool.ExecContext(t.Context(), "UPDATE change SET key = 'mallory' WHERE run = $1 AND ord = 1 AND $2", o.Run.Number, at == Applying && n == 0); err != nil {
			t.Error(err)
		}
	}
	if a, err := db.Apply(t.Context(), o); !errors.Is(err, ErrRefused) || !strings.Contains(err.Error(), "digest") {
		t.Errorf("got %+v, %v, want ErrRefused with the digest", a, err)
	}
	if live := s.standing(); len(live) != 1 {
		t.Errorf("%d people are there, want ada alone", len(live))
	}
}

func TestAPlanIsUsedOnce(t *testing.T) {
	both(t, func(t *testing.T, db *DB) {
		s := story{t, db}
		r := s.plan("hr", add("hr", "ada"))
		s.apply(r)
		s.refused(order(r), "applied already")
	})
}

func TestAPlanThatALaterRunHasOvertakenIsRefused(t *testing.T) {
	both(t, func(t *testing.T, db *DB) {
		s := story{t, db}
		old := s.plan("hr", add("hr", "ada"))
		other := s.plan("school", add("school", "bob"))
		s.apply(s.plan("hr", add("hr", "carol")))
		s.refused(order(old), "run 3 of the same profile")
		s.apply(other) // another profile's is not
	})
}

func TestARejectedPlanIsRefused(t *testing.T) {
	both(t, func(t *testing.T, db *DB) {
		s := story{t, db}
		r := s.plan("hr", add("hr", "ada"))
		r.Status = journal.Rejected
		if err := db.Finish(t.Context(), r); err != nil {
			t.Fatal(err)
		}
		s.refused(order(r), "rejected")
	})
}

// twenty are enough people for one or two to move.
func (s story) twenty() []roster.Account {
	s.Helper()
	var names []string
	for i := range 20 {
		names = append(names, fmt.Sprintf("p%02d", i))
	}
	return s.people("hr", names...)
}

func departments(p []roster.Account) []plan.Change {
	var list []plan.Change
	for _, a := range p {
		list = append(list, touch(plan.Update, a, field(roster.Department, a.Values[roster.Department], "ICU", "hr")))
	}
	return list
}

// lost are the changes of a run that were not carried out, with why.
func (s story) lost(run int64) (list []string) {
	s.Helper()
	for o, err := range s.db.Changes(s.Context(), run) {
		if err != nil {
			s.Fatal(err)
		}
		if o.Done != journal.Applied {
			list = append(list, fmt.Sprintf("%s %s: %s %s", o.Action, o.Username, o.Done, o.Note))
		}
	}
	return list
}

func (s story) wantLost(run int64, want ...string) {
	s.Helper()
	if got := s.lost(run); !slices.Equal(got, want) {
		s.Errorf("got  %q\nwant %q", got, want)
	}
}

func TestAnAccountThatMovedIsLeftOutAndSaysWhy(t *testing.T) {
	bothAt(t, func(t *testing.T, db *DB, c *clock) {
		s := story{t, db}
		p := s.twenty()
		c.advance(time.Minute)
		r := s.plan("hr", append(departments(p), add("hr", "late"), add("hr", "taken"))...)
		c.advance(time.Minute)
		// Meanwhile somebody else has set a department, suspended a person, given a
		// third one a phone number, and taken a name and a key.
		now := db.now()
		s.apply(s.plan("", touch(plan.Update, p[3], field(roster.Department, "", "Lab", "person:eve")), suspend(p[4], now),
			touch(plan.Update, p[5], field(roster.Phone1, "", "1", "person:eve"))))
		late := add("hr", "late")
		late.Links[0].NewKey = "k-other"
		s.apply(s.plan("", late))
		clash := add("hr", "somebody")
		clash.Links[0].NewKey = "k-taken"
		s.apply(s.plan("", clash))

		// Four of twenty-two are too many; with another twenty it is well.
		s.refused(order(s.held(r)), "more than a tenth")
		more := slices.Clone(departments(p))
		for i := range 20 {
			more = append(more, add("hr", fmt.Sprintf("q%02d", i)))
		}
		r = s.plan("hr", append(more, add("hr", "late"), add("hr", "taken"))...)
		r.Started, r.Seen = noon.Add(time.Minute), 0 // before all that
		a := s.apply(r)
		s.wantLost(r.Number,
			"update p03: left_out department has changed since the plan was made",
			"update p04: left_out the account has changed since the plan was made",
			"add late: left_out the username is taken by now",
			"add taken: left_out the key has an account by now")
		if want := (plan.Rows{Read: 4, Added: 2, Updated: 2}); a.Lost != want || a.LeftOut != 4 || a.Carried != 38 {
			t.Errorf("got %+v, want %+v lost, 4 left out, 38 carried", a, want)
		}
		if got := s.get(p[5].ID); got.Values[roster.Department] != "ICU" || got.Values[roster.Phone1] != "1" {
			t.Errorf("got %q and %q, want the planned department beside the new number", got.Values[roster.Department], got.Values[roster.Phone1])
		}
		if got := s.get(p[3].ID).Values[roster.Department]; got != "Lab" {
			t.Errorf("got %q, want the department that somebody else has set", got)
		}
	})
}

func TestOneOfTenMayMoveAndOneOfNineMayNot(t *testing.T) {
	both(t, func(t *testing.T, db *DB) {
		s := story{t, db}
		p := s.twenty()
		nine, ten := s.plan("hr", departments(p[:9])...), s.plan("hr", departments(p[:10])...)
		s.apply(s.plan("", touch(plan.Update, p[0], field(roster.Department, "", "Lab", "person:eve"))))
		s.refused(order(s.held(nine)), "1 of its 9 changes")
		if a := s.apply(ten); a.LeftOut != 1 || a.Carried != 9 {
			t.Errorf("got %+v, want 1 left out of 10", a)
		}
	})
}

// A person who edits somebody while a small night is under way does not stop it.
func TestOfAPlanThatNobodyHasSeenAFewMayMoveWhateverItsSize(t *testing.T) {
	both(t, func(t *testing.T, db *DB) {
		s := story{t, db}
		p := s.twenty()
		three, all := s.plan("hr", departments(p[:3])...), s.plan("school", departments(p[:11])...)
		s.apply(s.plan("", touch(plan.Update, p[0], field(roster.Department, "", "Lab", "person:eve"))))
		if a := s.apply(three); a.LeftOut != 1 || a.Carried != 2 {
			t.Errorf("got %+v, want 1 left out of 3", a)
		}
		for _, a := range p[3:11] {
			s.apply(s.plan("", touch(plan.Update, a, field(roster.Department, "", "Lab", "person:eve"))))
		}
		s.refused(order(all), "11 of its 11 changes")
	})
}

func TestALinkThatMovedIsLeftOut(t *testing.T) {
	both(t, func(t *testing.T, db *DB) {
		s := story{t, db}
		p := s.twenty()
		gone := func(a roster.Account) plan.Change {
			c := touch(plan.Claim, a)
			c.Links = []plan.LinkChange{{Profile: "hr", OldKey: a.Links[0].Key, NewKey: a.Links[0].Key, Old: roster.ClaimActive, New: roster.ClaimGone}}
			return c
		}
		held := s.plan("hr", gone(p[0]), gone(p[1]))
		s.apply(s.plan("", gone(p[0])))
		a := s.apply(held)
		s.wantLost(held.Number, "claim p00: left_out the link of profile hr has changed since the plan was made")
		if a.LeftOut != 0 || a.Carried != 0 || a.Seq == 0 {
			t.Errorf("got %+v: claims are in no count, and what moved a claim has a number", a)
		}
		if got := s.get(p[1].ID); got.Links[0].Claim != roster.ClaimGone || got.Version != 1 {
			t.Errorf("got %v, version %d, want gone, version 1", got.Links, got.Version)
		}
	})
}

func TestR5WhomAnotherProfileClaimsByNowIsNotRemoved(t *testing.T) {
	bothAt(t, func(t *testing.T, db *DB, c *clock) {
		s := story{t, db}
		p := s.twenty()
		c.advance(time.Minute)
		var list []plan.Change
		for _, a := range p[:10] {
			list = append(list, suspend(a, noon))
		}
		r := s.plan("hr", list...)
		c.advance(time.Minute)
		claim := touch(plan.Claim, p[0])
		claim.Links = []plan.LinkChange{{Profile: "school", NewKey: "s1", New: roster.ClaimActive}}
		s.apply(s.plan("school", claim))
		if a := s.apply(r); a.ActiveAfter != 11 {
			t.Errorf("got %d active, want 11", a.ActiveAfter)
		}
		s.wantLost(r.Number, "suspend p00: left_out another profile claims the account by now")
	})
}

func TestARenameFallsWithTheRenameThatWouldHaveFreedItsName(t *testing.T) {
	both(t, func(t *testing.T, db *DB) {
		s := story{t, db}
		p := s.twenty()
		var list []plan.Change
		list = append(list, rename(p[0], "p01"), rename(p[1], "p02"), rename(p[2], "new"))
		for _, n := range strings.Fields("a b c d e f g h i j k l m n o p q r s t u v w x y z aa") {
			list = append(list, add("hr", n))
		}
		r := s.plan("hr", list...)
		taker := add("", "new")
		taker.Links = nil
		s.apply(s.plan("", taker))
		a := s.apply(r)
		s.wantLost(r.Number,
			"rename p01: left_out the username is taken by now",
			"rename p02: left_out the username is taken by now",
			"rename new: left_out the username is taken by now")
		if a.Lost.Renamed != 3 {
			t.Errorf("got %+v, want 3 renames lost", a.Lost)
		}
		for i, n := range []string{"p00", "p01", "p02"} {
			if got := s.named(n); got.ID != p[i].ID || got.Version != 1 {
				t.Errorf("%s: got account %d version %d, want %d as it was", n, got.ID, got.Version, p[i].ID)
			}
		}
	})
}

func TestExceptRemovalsLeavesEverybodyTheirAccess(t *testing.T) {
	both(t, func(t *testing.T, db *DB) {
		s := story{t, db}
		p := s.people("hr", "ada", "bob", "carol", "dora")
		absent := suspend(p[1], noon)
		absent.Absent = true
		byDate := suspend(p[3], noon)
		byDate.ByDate = true
		r := s.plan("hr", suspend(p[0], noon), absent, remove(p[2], noon), byDate, add("hr", "eve"))
		o := order(r)
		o.ExceptRemovals = true
		a, err := db.Apply(t.Context(), o)
		if err != nil {
			t.Fatal(err)
		}
		if a.Excepted != 4 || a.Carried != 1 || a.Lost != (plan.Rows{Read: 2, Suspended: 1, Deleted: 1}) ||
			a.LostAbsent != (plan.Absent{Total: 1, Suspended: 1}) || a.LostByDate != (plan.ByDate{Expired: 1}) || a.ActiveAfter != 5 {
			t.Errorf("got %+v", a)
		}
	})
}

func TestASuspensionWritesEmptyValuesToo(t *testing.T) {
	both(t, func(t *testing.T, db *DB) {
		s := story{t, db}
		p := s.people("hr", "ada")
		c := suspend(p[0], noon)
		c.Fields = append(c.Fields, field(roster.Email, "ada@example.org", "", ""))
		s.apply(s.plan("hr", c))
		got := s.get(p[0].ID)
		if got.Status() != roster.Suspended || got.Values[roster.Email] != "" || got.Origins[roster.Email] != "" || got.Version != 2 {
			t.Errorf("got %s, email %q by %q, version %d, want suspended, none by nobody, 2", got.Status(), got.Values[roster.Email], got.Origins[roster.Email], got.Version)
		}
	})
}

func TestR33ANameGivenUpIsHeldFromOthersForAWhile(t *testing.T) {
	bothAt(t, func(t *testing.T, db *DB, c *clock) {
		s := story{t, db}
		p := s.people("hr", "ada", "ben", "jdoe", "jdoe2", "jdoe_x")
		s.apply(s.plan("hr", rename(p[0], "eve"), remove(p[1], noon), rename(p[3], "jd")))
		find := func() plan.Found {
			found, err := db.Find(t.Context(), plan.Query{Usernames: []string{"ada", "ben", "eve"}, Now: db.now()})
			if err != nil {
				t.Fatal(err)
			}
			return found
		}
		if got, want := find().Holds, []plan.Hold{{Name: "ada", Account: p[0].ID}, {Name: "ben", Account: p[1].ID}}; !slices.Equal(got, want) {
			t.Errorf("got %v, want %v", got, want)
		}
		numbered, err := db.Numbered(t.Context(), "JDoe", db.now())
		if err != nil || !slices.Equal(numbered, []string{"jdoe2"}) {
			t.Errorf("got %v, %v, want jdoe2, which is held", numbered, err)
		}
		newcomer := add("hr", "ada")
		newcomer.Links[0].NewKey = "k-newcomer"
		stale := s.plan("hr", newcomer)
		s.refused(order(s.held(stale)), "more than a tenth")

		s.apply(s.plan("hr", rename(s.get(p[0].ID), "ada"))) // its giver may take it back
		s.apply(s.plan("hr", rename(s.get(p[0].ID), "eve")))
		before := db.now()
		c.advance(hold - time.Second)
		if freed, err := db.Freed(t.Context(), before, db.now()); err != nil || freed {
			t.Errorf("a second before their term: freed %t, %v", freed, err)
		}
		c.advance(2 * time.Second)
		if got := find().Holds; len(got) != 0 {
			t.Errorf("got %v, want no holds after their term", got)
		}
		if freed, err := db.Freed(t.Context(), before, db.now()); err != nil || !freed {
			t.Errorf("after their term: freed %t, %v, want that a run since before reads its drop again", freed, err)
		}
		s.apply(s.plan("hr", newcomer))
	})
}

func TestAPurgedAccountLeavesNameAndKeyFree(t *testing.T) {
	both(t, func(t *testing.T, db *DB) {
		s := story{t, db}
		p := s.people("hr", "ada", "bob")
		s.apply(s.plan("hr", rename(p[0], "eve")))
		shared := touch(plan.Claim, p[1])
		shared.Links = []plan.LinkChange{{Profile: "school", NewKey: "s1", New: roster.ClaimActive}}
		s.apply(s.plan("school", shared))

		purge := func(a roster.Account) *journal.Run {
			r := s.plan("hr", touch(plan.Purge, a))
			r.Seen = 0 // it may be older
			return r
		}
		s.refused(order(s.held(purge(p[0]))), "more than a tenth") // it has changed since
		s.refused(order(s.held(purge(p[1]))), "more than a tenth") // another profile owns it too
		s.apply(purge(s.get(p[0].ID)))
		if got := s.get(p[0].ID); got.ID != 0 {
			t.Errorf("got account %d, want none", got.ID)
		}
		s.people("hr", "ada", "eve")
	})
}

func TestP8AStaleHolderIsRefusedByTheDatabase(t *testing.T) {
	both(t, func(t *testing.T, db *DB) {
		s := story{t, db}
		l, err := db.Acquire(t.Context(), "hr")
		if err != nil {
			t.Fatal(err)
		}
		r := s.plan("hr", add("hr", "ada"))
		if err := l.Release(); err != nil {
			t.Fatal(err)
		}
		o := order(r)
		o.Lease = l
		now, err := db.Acquire(t.Context(), "hr")
		if err != nil {
			t.Fatal(err)
		}
		defer now.Release() //nolint:errcheck // the test is over
		if _, err := db.Apply(t.Context(), o); !errors.Is(err, ErrFenced) {
			t.Errorf("got %v, want ErrFenced", err)
		}
	})
}

func TestAnEmptyPlanDrawsNoNumber(t *testing.T) {
	both(t, func(t *testing.T, db *DB) {
		s := story{t, db}
		r := s.plan("hr")
		if a := s.apply(r); a.Seq != 0 {
			t.Errorf("got %+v, want no number", a)
		}
		if got, err := db.Run(t.Context(), r.Number); err != nil || got.Status != journal.OK {
			t.Errorf("got %v, %v, want what Finish wrote", got, err)
		}
		if a := s.apply(s.plan("hr", add("hr", "ada"))); a.Seq != 1 {
			t.Errorf("got %+v, want the first number", a)
		}
	})
}

func TestMailsEnterTheOutboxWithTheRun(t *testing.T) {
	both(t, func(t *testing.T, db *DB) {
		s := story{t, db}
		r := s.plan("hr", add("hr", "ada"))
		o := order(r)
		o.Finish = func(a Applied) ([]notify.Message, error) {
			return []notify.Message{{ID: fmt.Sprintf("%d@rollcall", a.Seq), To: []string{"hr@example.org"}}}, nil
		}
		if _, err := db.Apply(t.Context(), o); err != nil {
			t.Fatal(err)
		}
		mails, err := db.PendingMail(t.Context(), db.now())
		if err != nil || len(mails) != 1 || mails[0].Message.ID != "1@rollcall" || mails[0].Run != r.Number {
			t.Errorf("got %v, %v, want the mail of the run", mails, err)
		}
	})
}

func TestR105FollowersMissNothing(t *testing.T) {
	both(t, func(t *testing.T, db *DB) {
		s := story{t, db}
		const rounds = 15
		held := s.plan("slow", add("slow", "held"))
		ctx, stop := context.WithCancel(t.Context())
		var seen []uint64
		var follower sync.WaitGroup
		follower.Go(func() {
			last := int64(0)
			for {
				ended := ctx.Err() != nil
				rows, err := db.gorm.Raw("SELECT applied_seq, account FROM "+view(db, "account_changes")+" WHERE applied_seq > ?", last).Rows()
				if err != nil {
					t.Error(err)
					return
				}
				for rows.Next() {
					var account uint64
					before := last
					if err := rows.Scan(&last, &account); err != nil || last < before {
						t.Errorf("got %d after %d, %v", last, before, err)
					}
					seen = append(seen, account)
				}
				rows.Close()
				if ended {
					return
				}
			}
		})
		var writers sync.WaitGroup
		for _, profile := range []string{"one", "two"} {
			writers.Go(func() {
				for i := range rounds {
					r := s.plan(profile, add(profile, fmt.Sprintf("%s%d", profile, i)))
					if _, err := db.Apply(t.Context(), order(r)); err != nil {
						t.Error(err)
					}
				}
			})
		}
		writers.Wait()
		s.apply(held) // an older run, approved late
		stop()
		follower.Wait()
		slices.Sort(seen)
		if len(slices.Compact(seen)) != 2*rounds+1 || len(seen) != 2*rounds+1 {
			t.Errorf("the follower saw %d accounts, %v, want each of %d once", len(seen), seen, 2*rounds+1)
		}
	})
}

func TestBothDatabasesEndAlike(t *testing.T) {
	var dumps []string
	both(t, func(t *testing.T, db *DB) {
		s := story{t, db}
		p := s.twenty()
		s.apply(s.plan("hr", rename(p[0], "P01"), rename(p[1], "p00"), suspend(p[2], noon), remove(p[3], noon), add("hr", "Ünal"), add("hr", "zoë"), add("hr", "Zed")))
		more := touch(plan.Update, s.get(p[4].ID), field(roster.Department, "", "x\\y\"z,{}", "person:o;=% k"))
		more.Links = []plan.LinkChange{{Profile: "school", NewKey: "S-1", New: roster.ClaimLeave, Decided: true}}
		s.apply(s.plan("school", more))
		dumps = append(dumps, dump(t, db))
	})
	if len(dumps) == 2 && dumps[0] != dumps[1] {
		t.Errorf("SQLite\n%s\nPostgreSQL\n%s", dumps[0], dumps[1])
	}
}

// A plan that nobody could have moved is read beside the transaction that marks what it leaves out.
func TestWhatIsLeftOutForItsNameIsNotWrittenThoughThePlanIsReadAhead(t *testing.T) {
	bothAt(t, func(t *testing.T, db *DB, c *clock) {
		s := story{t, db}
		p := s.people("hr", "ada")
		s.apply(s.plan("hr", rename(p[0], "ada.new")))
		c.advance(hold + time.Minute)
		adds := []plan.Change{add("hr", "ada")}
		for i := range chunk {
			adds = append(adds, add("hr", fmt.Sprint("n", i)))
		}
		r := s.plan("hr", adds...)
		c.advance(-2 * time.Minute) // a clock is set right, and the name is held again
		s.apply(r)
		s.wantLost(r.Number, "add ada: left_out the username is taken by now")
		if found, err := db.Find(t.Context(), plan.Query{Usernames: []string{"ada"}, Now: db.now()}); err != nil || len(found.Accounts) > 0 {
			t.Errorf("%v, %d accounts are called ada: want none", err, len(found.Accounts))
		}
	})
}
