package main

import (
	"fmt"
	"strings"
)

// A goal is a figure that a complete product is to reach.
type goal struct {
	text     string
	engine   string
	measured func(b *bench, engine string) float64 // zero: nothing was measured
	most     float64
	unit     string
}

// of is the ratio of a case at the largest size up to a million.
func of(name string, theirs func(*result) []sample) func(*bench, string) float64 {
	return func(b *bench, engine string) float64 {
		r := b.find(b.judged(), engine, name)
		if r == nil {
			return 0
		}
		return ratio(r.ours, theirs(r))
	}
}

// judged is the size that the goals speak of: a million, or what comes nearest below.
func (b *bench) judged() uint64 {
	best := uint64(0)
	for _, n := range b.sizes {
		if n <= 1_000_000 {
			best = max(best, n)
		}
	}
	return best
}

func csvOf(r *result) []sample { return r.csv }
func sqlOf(r *result) []sample { return r.sql }
func xmlOf(r *result) []sample { return r.xml }

// peak is the highest RSS of the named cases, in MiB.
func peak(names ...string) func(*bench, string) float64 {
	return func(b *bench, engine string) float64 {
		most := int64(0)
		for _, name := range names {
			if r := b.find(b.judged(), engine, name); r != nil {
				most = max(most, middle(r.ours).rss)
			}
		}
		return float64(most) / (1 << 20)
	}
}

// times compares two sizes: how many times as much the larger one needs, at
// worst over the cases that both have.
func times(small, big uint64, what func(sample) float64, names ...string) func(*bench, string) float64 {
	return func(b *bench, engine string) float64 {
		worst := 0.0
		for _, k := range cases {
			if len(names) > 0 && !contains(names, k.name) {
				continue
			}
			s, l := b.find(small, engine, k.name), b.find(big, engine, k.name)
			if s != nil && l != nil && what(middle(s.ours)) > 0 {
				worst = max(worst, what(middle(l.ours))/what(middle(s.ours)))
			}
		}
		return worst
	}
}

func contains(names []string, name string) bool {
	for _, n := range names {
		if n == name {
			return true
		}
	}
	return false
}

func wallOf(s sample) float64 { return s.wall.Seconds() }
func rssOf(s sample) float64  { return float64(s.rss) }

// walRatio is our WAL to the expert's.
func walRatio(name string) func(*bench, string) float64 {
	return func(b *bench, engine string) float64 {
		r := b.find(b.judged(), engine, name)
		if r == nil || middle(r.sql).grown == 0 {
			return 0
		}
		return float64(middle(r.ours).grown) / float64(middle(r.sql).grown)
	}
}

var quiet = []string{"byte-identical drop", "nothing changed", "nothing changed, scattered order", "mixed day", "mixed day, scattered order"}

// goals are those that the bench can judge.
var goals = []goal{
	{"nothing changed / csv", "postgres", of("nothing changed", csvOf), 0.8, ""},
	{"nothing changed / sql", "postgres", of("nothing changed", sqlOf), 1. / 12, ""},
	{"nothing changed / csv", "sqlite", of("nothing changed", csvOf), 1, ""},
	{"nothing changed / sql", "sqlite", of("nothing changed", sqlOf), 1. / 8, ""},
	{"nothing changed, scattered order / csv", "postgres", of("nothing changed, scattered order", csvOf), 2, ""},
	{"nothing changed, scattered order / csv", "sqlite", of("nothing changed, scattered order", csvOf), 2.5, ""},
	{"byte-identical drop / csv", "postgres", of("byte-identical drop", csvOf), 0.4, ""},
	{"byte-identical drop / csv", "sqlite", of("byte-identical drop", csvOf), 0.4, ""},
	{"mixed day / sql", "postgres", of("mixed day", sqlOf), 0.45, ""},
	{"mixed day / sql", "sqlite", of("mixed day", sqlOf), 0.7, ""},
	{"first load / sql", "postgres", of("first load", sqlOf), 0.7, ""},
	{"first load / sql", "sqlite", of("first load", sqlOf), 1.2, ""},
	{"a mapping edit that changes nothing / csv", "postgres", of("mapping edit that changes nothing", csvOf), 8, ""},
	{"a mapping edit that changes nothing / sql", "postgres", of("mapping edit that changes nothing", sqlOf), 1, ""},
	{"a mapping edit that changes nothing / sql", "sqlite", of("mapping edit that changes nothing", sqlOf), 1, ""},
	{"time at 1M / at 100k, the worst case", "postgres", times(100_000, 1_000_000, wallOf), 11, ""},
	{"time at 1M / at 100k, the worst case", "sqlite", times(100_000, 1_000_000, wallOf), 12, ""},
	{"peak RSS, nothing changed or mixed, any order", "postgres", peak(quiet...), 64, " MiB"},
	{"peak RSS, nothing changed or mixed, any order", "sqlite", peak(quiet...), 96, " MiB"},
	{"peak RSS, first load", "postgres", peak("first load"), 128, " MiB"},
	{"peak RSS, first load", "sqlite", peak("first load"), 160, " MiB"},
	{"peak RSS at 10M / at 1M", "postgres", times(1_000_000, 10_000_000, rssOf, quiet...), 1.3, ""},
	{"WAL, mixed day / sql's", "postgres", walRatio("mixed day"), 1, ""},
	{"XML, nothing changed / csv of the same people", "postgres", of("XML: nothing changed", csvOf), 3, ""},
	{"XML, nothing changed / csv of the same people", "sqlite", of("XML: nothing changed", csvOf), 3, ""},
	{"XML, every record differs / encoding/xml on one core", "postgres", of("XML: mapping edit that changes nothing", xmlOf), 0.6, ""},
	{"XML, every record differs / encoding/xml on one core", "sqlite", of("XML: mapping edit that changes nothing", xmlOf), 0.6, ""},
	{"a page of a list", "postgres", pageTime, 100, " ms"},
	{"a page of a list", "sqlite", pageTime, 100, " ms"},
	{"SFTP fetch with hash / OpenSSH's sftp", "", func(b *bench, _ string) float64 { return b.fetchRatio() }, 1.3, ""},
}

// goalTable tells which goals are met.
func (b *bench) goalTable(w *strings.Builder) {
	fmt.Fprintf(w, "\n## Goals\n\nThey are meant for a million people on a quiet machine; this table was measured with %s.\n\n| goal | engine | measured | at most | met |\n|---|---|---:|---:|---|\n", sizeName(b.judged()))
	for _, g := range goals {
		if g.engine != "" && !contains(b.engines, g.engine) {
			continue
		}
		x := g.measured(b, g.engine)
		met := "yes"
		switch {
		case x == 0:
			met = "not measured"
		case x > g.most:
			met = "**no**"
		}
		name := "–"
		if g.engine != "" {
			name = engineName(g.engine)
		}
		fmt.Fprintf(w, "| %s | %s | %s%s | %s%s | %s |\n", g.text, name, short(x), g.unit, short(g.most), g.unit, met)
	}
}
