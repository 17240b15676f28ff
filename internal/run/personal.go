package run

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"iter"
	"maps"
	"slices"
	"strconv"
	"strings"

	"rollcall/internal/journal"
	"rollcall/internal/plan"
	"rollcall/internal/report"
	"rollcall/internal/roster"
)

// asked is how many problems wait until the accounts of their rows are looked up.
const asked = 500

// named is a sink that gives to a problem whose row has an account the names of
// that account; those of the record stand there already.
type named struct {
	plan.Sink
	find    func([]roster.Problem) (map[uint64]roster.Who, error)
	waiting []roster.Problem
}

// Problem implements [plan.Sink]. What waits is written by end.
func (n *named) Problem(p roster.Problem) error {
	if n.waiting = append(n.waiting, p); len(n.waiting) < asked {
		return nil
	}
	return n.end()
}

func (n *named) end() error {
	people, err := n.find(n.waiting)
	if err != nil {
		return err
	}
	for _, p := range n.waiting {
		if who, ok := people[p.Account]; ok {
			p.Who = who
		}
		if err := n.Sink.Problem(p); err != nil {
			return err
		}
	}
	n.waiting = n.waiting[:0]
	return nil
}

// naming is the sink that names people, where the profile's reports do.
func (r *Runner) naming(ctx context.Context, p *Profile, sink plan.Sink) *named {
	if p.Report.Personal < report.Names {
		return nil
	}
	return &named{Sink: sink, find: func(problems []roster.Problem) (map[uint64]roster.Who, error) {
		var ids []uint64
		for _, x := range problems {
			if x.Account != 0 {
				ids = append(ids, x.Account)
			}
		}
		return r.who(ctx, ids, p.Plan.Hidden)
	}}
}

// who are some accounts, by id.
func (r *Runner) who(ctx context.Context, ids []uint64, hidden roster.FieldSet) (map[uint64]roster.Who, error) {
	people := map[uint64]roster.Who{}
	if len(ids) == 0 {
		return people, nil
	}
	found, err := r.Store.Find(ctx, plan.Query{IDs: ids, Now: r.Now()})
	for i := range found.Accounts {
		people[found.Accounts[i].ID] = roster.WhoIs(&found.Accounts[i].Values, hidden)
	}
	return people, err
}

// People are whom a mail about changes names, by account; nil where the profile's
// mails name nobody. Of a run that was applied it is the name that they have since.
func (r *Runner) People(ctx context.Context, p *Profile, run *journal.Run, changes []journal.Outcome) (map[uint64]roster.Who, error) {
	if p == nil || p.Report.Personal < report.Names || len(changes) == 0 {
		return nil, nil
	}
	ids := make([]uint64, len(changes))
	for i, o := range changes {
		ids[i] = o.Account
	}
	found, err := r.Store.Find(ctx, plan.Query{IDs: ids, Now: r.Now()})
	if err != nil {
		return nil, err
	}
	people := map[uint64]roster.Who{}
	for i := range found.Accounts {
		a := &found.Accounts[i]
		for _, o := range changes {
			if o.Account != a.ID || !run.Status.Applied() {
				continue
			}
			for _, f := range o.Fields {
				f.Write(a)
			}
		}
		people[a.ID] = roster.WhoIs(&a.Values, p.Plan.Hidden)
	}
	return people, nil
}

// Problems are the problems of a run as its profile lets them be told today,
// however much was kept of them then; p is nil where there is no profile any more,
// and then nobody is named.
func (r *Runner) Problems(ctx context.Context, p *Profile, run int64) iter.Seq2[roster.Problem, error] {
	tell := p.telling()
	return func(yield func(roster.Problem, error) bool) {
		for x, err := range r.Store.Problems(ctx, run) {
			if !yield(tell(x), err) {
				return
			}
		}
	}
}

// telling takes from a problem what the profile does not let be told.
func (p *Profile) telling() func(roster.Problem) roster.Problem {
	if p == nil {
		return func(x roster.Problem) roster.Problem {
			x.Who, x.Value = keyless(x), ""
			return x
		}
	}
	withheld := p.Mapping.Withheld()
	nameless := p.Plan.Hidden.Has(roster.FirstName) || p.Plan.Hidden.Has(roster.LastName)
	return func(x roster.Problem) roster.Problem {
		if p.Report.Personal < report.Names {
			x.Who = keyless(x)
		}
		if nameless { // of the kept name nobody knows any more which part is which
			x.Who.Name = ""
		}
		if p.Report.Personal < report.Values {
			x.Value = ""
		}
		return withheld(x)
	}
}

// keyless is who a problem is about where nothing but a username tells it.
func keyless(x roster.Problem) roster.Who {
	if x.Key != "" {
		return roster.Who{}
	}
	return roster.Who{Username: x.Who.Username}
}

// Rules say what the mails of a profile tell of people today: a mail that was made
// under others may say more than anybody should read by now. p may be nil.
func (r *Runner) Rules(p *Profile) string {
	sum := sha256.Sum256([]byte(strings.Join(slices.Sorted(maps.Keys(r.Hidden)), "\x00")))
	return strconv.Itoa(int(p.personal())) + ":" + hex.EncodeToString(sum[:8])
}

// Changes are the changes of a run as they may be shown: what no report shows is
// masked.
func (r *Runner) Changes(ctx context.Context, run int64) iter.Seq2[journal.Outcome, error] {
	return report.Mask(r.Store.Changes(ctx, run), r.Hidden)
}
