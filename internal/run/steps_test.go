package run_test

import (
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"rollcall/internal/journal"
	"rollcall/internal/run"
)

// steps are the steps of a run, each as the meter showed it last. A step begins
// with the question what time it is: then the one before is over.
type steps struct {
	sync.Mutex
	meter *run.Meter
	seen  []run.Progress
}

// watched has the steps of s noted from now on.
func watched(s *site) *steps {
	w := &steps{meter: new(run.Meter)}
	s.Now = func() time.Time {
		at := s.now()
		w.Lock()
		defer w.Unlock()
		w.note(w.meter.Look(at))
		return at
	}
	return w
}

func (w *steps) note(p run.Progress) {
	if last := len(w.seen) - 1; last >= 0 && w.seen[last].Step == p.Step {
		w.seen[last] = p
	} else if p.Step != "" {
		w.seen = append(w.seen, p)
	}
}

// told are the steps so far, which are then forgotten.
func (w *steps) told(now time.Time) (names []string, last map[string]run.Progress) {
	w.Lock()
	defer w.Unlock()
	w.note(w.meter.Look(now))
	last = map[string]run.Progress{}
	for _, p := range w.seen {
		names = append(names, p.Step)
		last[p.Step] = p
	}
	w.seen = nil
	return names, last
}

func TestAMeterShowsEachLongStepOfARunOfAnApprovalAndOfARevert(t *testing.T) {
	const many = 3000
	both(t, func(t *testing.T, s *site) {
		p := s.feed("hr", func(p *run.Profile) { p.Limits.FirstRun = "hold" })
		lines := []string{"employee_id,username,first_name,last_name,email"}
		for i := range many {
			lines = append(lines, fmt.Sprintf("%d,p%d,F,L,p%d@example.org", i, i, i))
		}
		s.drop(p, lines...)
		w := watched(s)
		whole := func(p run.Progress, of string, n int64) {
			t.Helper()
			if p.Share != 1 || p.Of != of || p.Rows != n {
				t.Errorf("at its end the step is %+v, want all of it and %d %s", p, n, of)
			}
		}
		want := func(got []string, want ...string) {
			t.Helper()
			if !slices.Equal(got, want) {
				t.Errorf("the steps are %q, want %q", got, want)
			}
		}

		held, err := s.Run(t.Context(), run.Request{Profile: p, Meter: w.meter})
		if err != nil || held.Status != journal.Held {
			t.Fatalf("%v, %+v", err, held)
		}
		names, last := w.told(s.now())
		want(names, "fetching", "reading", "planning", "reading, pass 2", "planning", "storing the plan", "writing the report")
		if p := last["fetching"]; p.Share != 1 {
			t.Errorf("at its end fetching is %+v, want all of it", p)
		}
		whole(last["reading, pass 2"], "rows", 2048) // a multiple of 1024

		approved := func(j *journal.Run) {
			t.Helper()
			w.meter.Begin("applying", s.now())
			if j, err := s.Approve(t.Context(), p, run.Decision{Run: j.Number, Reason: "right", Who: "ada", Meter: w.meter}); err != nil || j.Status != journal.OK {
				t.Fatalf("%v, %+v", err, j)
			}
			names, last = w.told(s.now())
		}
		approved(held)
		want(names, "applying", "finishing", "writing the report")
		whole(last["applying"], "changes", many)

		w.meter.Begin("taking back", s.now())
		back, err := s.Revert(t.Context(), p, held.Number, nil, run.By{Who: "ada", Reason: "wrong file", Meter: w.meter})
		if err != nil || back.Status != journal.Held { // it would remove everybody
			t.Fatalf("%v, %+v", err, back)
		}
		names, last = w.told(s.now())
		want(names, "taking back", "planning", "storing the plan", "writing the report")
		whole(last["planning"], "changes", many)
		approved(back)
		want(names, "applying", "comparing", "applying", "finishing", "writing the report")
		whole(last["comparing"], "changes", many)
		whole(last["applying"], "changes", many)
	})
}
