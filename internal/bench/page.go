package main

import (
	"context"
	"fmt"
	"strings"
)

// pageCase is a list of people as a person looks at one.
var pageCase = kase{name: "a page of a list", large: true, calls: []call{{args: []string{"accounts", "list", "--limit", "50"}}}}

// page measures it, among all that the first load has added.
func (p *place) page(ctx context.Context) error {
	r := result{size: p.people, engine: p.engine, kase: pageCase, rows: 50}
	steps := p.steps(kase{setup: asCSV}, pageCase.calls, "")
	text, err := steps[0].run(ctx, nil)
	if err != nil {
		return err
	}
	if n := strings.Count(text, "\n"); n < 50 {
		return fmt.Errorf("accounts list --limit 50 printed %d lines", n)
	}
	for range max(p.runs, 5) {
		s, err := measure(ctx, steps, p.db.server(), func() (int64, error) { return p.db.size(ours) })
		if err != nil {
			return err
		}
		r.ours = append(r.ours, s)
	}
	p.results = append(p.results, r)
	p.say("%s", r.line())
	return nil
}

// pageTime is what it takes, in milliseconds, the start of the program included.
func pageTime(b *bench, engine string) float64 {
	r := b.find(b.judged(), engine, pageCase.name)
	if r == nil {
		return 0
	}
	return middle(r.ours).wall.Seconds() * 1000
}
