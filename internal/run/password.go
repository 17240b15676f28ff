package run

import (
	"context"
	"fmt"
	"time"

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
	began := time.Now()
	if err := one(0); err != nil {
		return nil, err
	}
	if about := password.About(n, time.Since(began)); about > 2*time.Second {
		r.Log.Info("hashing passwords", "profile", q.Profile.Name, "passwords", n, "about", about.Round(time.Second).String())
		if q.Tell != nil {
			q.Tell(fmt.Sprintf("hashing %s, which takes about %s", passwordsOf(n), brief(about)))
		}
	}
	q.Meter.begin("hashing "+passwordsOf(n), int64(n), r.Now())
	err := password.Each(ctx, n-1, func(i int) error { return one(i + 1) }, q.Meter.done)
	return list, err
}

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
