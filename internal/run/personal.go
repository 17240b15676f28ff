package run

import (
	"context"
	"iter"

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

// Changes are the changes of a run as they may be shown: what no report shows is
// masked.
func (r *Runner) Changes(ctx context.Context, run int64) iter.Seq2[journal.Outcome, error] {
	return report.Mask(r.Store.Changes(ctx, run), r.Hidden)
}
