package run

import (
	"context"
	"fmt"
	"time"

	"rollcall/internal/fault"
	"rollcall/internal/password"
	"rollcall/internal/plan"
	"rollcall/internal/roster"
	"rollcall/internal/store"
)

// maxPasswords is how many passwords one drop may set: more than an hour's work
// on two cores would be a mistake, or an attack.
const maxPasswords = 200_000

// hashing is a sink that keeps the passwords of changes to itself: what follows
// it never sees one.
type hashing struct {
	plan.Sink
	changes uint64
	clear   []clearly
}

// clearly is a password that has not been hashed, in memory alone.
type clearly struct {
	change   uint64
	password roster.Clear
}

// Change implements [plan.Sink].
func (h *hashing) Change(c plan.Change) error {
	h.changes++
	if c.Clear != "" {
		if len(h.clear) == maxPasswords {
			return &roster.Refusal{Code: "E411", Text: fmt.Sprintf("it sets more than %d passwords", maxPasswords), Fix: "give it in parts, or leave the column out and write policy.generate_password: on"}
		}
		h.clear = append(h.clear, clearly{h.changes, c.Clear})
		c.Clear = ""
	}
	return h.Sink.Change(c)
}

// hash hashes the passwords of a plan, on all cores.
func (r *Runner) hash(ctx context.Context, q Request, h *hashing, method password.Method) ([]store.PlannedPassword, error) {
	n := len(h.clear)
	if n == 0 {
		return nil, nil
	}
	list := make([]store.PlannedPassword, n)
	one := func(i int) error {
		hash, err := method.Hash(h.clear[i].password)
		list[i] = store.PlannedPassword{Change: h.clear[i].change, Hash: hash}
		return err
	}
	first, each := min(n, timed), time.Duration(0)
	for i := range first {
		began := time.Now()
		if err := one(i); err != nil {
			return nil, err
		}
		if took := time.Since(began); i == 0 || took < each {
			each = took
		}
	}
	if about := password.About(n, each); about > 2*time.Second {
		r.Log.Info("hashing passwords", "profile", q.Profile.Name, "passwords", n, "about", about.Round(time.Second).String())
		if q.Tell != nil {
			q.Tell(fmt.Sprintf("hashing %s, which takes about %s", passwordsOf(n), brief(about)))
		}
	}
	q.Meter.begin("hashing "+passwordsOf(n), int64(n), r.Now())
	err := password.Each(ctx, n-first, func(i int) error { return one(i + first) }, q.Meter.done)
	return list, fault.After(err, "run.hashed")
}

// timed is how many passwords are hashed before it is said how long all of them take:
// the quickest counts, for on a machine with much to do any of them may have waited.
const timed = 3

// comparer is [Runner.compare] for a run: it says beforehand that it takes long.
func (r *Runner) comparer(q Request) func(context.Context, []plan.Guess) ([]bool, error) {
	said := false
	return func(ctx context.Context, guesses []plan.Guess) ([]bool, error) {
		began := time.Now()
		same, err := r.compare(ctx, guesses)
		if n := len(guesses); n >= manyGuesses && !said && err == nil {
			said = true
			each := brief(time.Since(began) * 1000 / time.Duration(n))
			r.Log.Info("comparing passwords", "profile", q.Profile.Name, "thousand", each)
			if q.Tell != nil {
				q.Tell("comparing the passwords that the drop gives for known accounts with theirs (policy.passwords: update), which takes about " + each + " for each thousand")
			}
		}
		return same, err
	}
}

// manyGuesses is how many comparisons a person is told of.
const manyGuesses = 200

// compare tells the planner which passwords are those that accounts have.
func (r *Runner) compare(ctx context.Context, guesses []plan.Guess) ([]bool, error) {
	hashes, err := r.Store.Credentials(ctx, guesses)
	if err != nil {
		return nil, err
	}
	same := make([]bool, len(guesses))
	err = password.Each(ctx, len(guesses), func(i int) (err error) {
		if hash, ok := hashes[guesses[i].Account]; ok {
			same[i], err = password.Same(hash, guesses[i].Password)
		}
		return err
	}, nil)
	return same, err
}
