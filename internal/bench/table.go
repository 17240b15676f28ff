package main

import (
	"bytes"
	"fmt"
	"math"
	"os"
	"os/exec"
	"runtime"
	"slices"
	"strings"
	"text/tabwriter"
	"time"
)

// line is a result in one line, for whoever waits.
func (r result) line() string {
	m := middle(r.ours)
	text := fmt.Sprintf("%s, %s, %s: %s", sizeName(r.size), r.engine, r.kase.name, seconds(m.wall))
	if len(r.sql) > 0 {
		text += fmt.Sprintf(", %s × sql", short(ratio(r.ours, r.sql)))
	}
	return text + fmt.Sprintf(", %s × csv, %d MiB", short(ratio(r.ours, r.csv)), m.rss>>20)
}

func seconds(d time.Duration) string {
	switch s := d.Seconds(); {
	case s < 0.0995:
		return fmt.Sprintf("%.3f s", s)
	case s < 9.95:
		return fmt.Sprintf("%.2f s", s)
	default:
		return fmt.Sprintf("%.1f s", s)
	}
}

// short writes a ratio with two or three digits that say something.
func short(x float64) string {
	switch {
	case x == 0:
		return "–"
	case x < 0.0995:
		return fmt.Sprintf("%.3f", x)
	case x < 9.95:
		return fmt.Sprintf("%.2f", x)
	}
	return fmt.Sprintf("%.0f", x)
}

// tables writes everything as Markdown.
func (b *bench) tables(sizes string) string {
	var w strings.Builder
	fmt.Fprintf(&w, "# rollcall measured\n\nMade by `make bench SIZES=%q` on %s, %s, rollcall %s.\n", sizes, time.Now().UTC().Format("2006-01-02"), machine(), b.version())
	w.WriteString(`
Each line is the median of the repeats (an approval and a revert with a million people are measured once). *rollcall* is the whole program: ` + "`rollcall run`" + ` from its start to its end, with ledgers,
journal, fingerprints and report files. *sql* is an expert's hand-written SQL for the same file (` + "`sql/`" + `: COPY into a staging
table, one set-based transaction, an audit row with before and after for each change), with psql and sqlite3. *csv* is encoding/csv
reading the same people, with ReuseRecord and nothing else. Ratios are taken within each repeat, so that what else the machine does
burdens both sides. CPU is that of the program and, behind the +, of the database's processes; *grown* is WAL on PostgreSQL, and the
growth of the files on SQLite. Before a figure stands here, the counts of the journal were compared with what the feed's generator
knows, and the people of both databases with each other.
`)
	for _, n := range b.sizes {
		for _, engine := range b.engines {
			b.table(&w, n, engine)
		}
	}
	b.growth(&w)
	b.askTable(&w)
	b.fetchTable(&w)
	b.goalTable(&w)
	return w.String()
}

func (b *bench) table(w *strings.Builder, n uint64, engine string) {
	if !slices.ContainsFunc(b.results, func(r result) bool { return r.size == n && r.engine == engine }) {
		return
	}
	fmt.Fprintf(w, "\n## %s people, %s\n\n", sizeName(n), engineName(engine))
	w.WriteString("| case | rollcall | min–max | rows/s | CPU | peak RSS | grown | sql | its CPU | its growth | csv | / sql | / csv |\n|---|---:|---:|---:|---:|---:|---:|---:|---:|---:|---:|---:|---:|\n")
	for _, r := range b.results {
		if r.size != n || r.engine != engine {
			continue
		}
		m, e, c := middle(r.ours), middle(r.sql), middle(r.csv)
		low, high := extremes(r.ours)
		sql, sqlCPU, sqlGrown, csv := "–", "–", "–", "–"
		if len(r.sql) > 0 {
			sql, sqlCPU, sqlGrown = seconds(e.wall), seconds(e.cpu+e.server), megabytes(e.grown)
		}
		if len(r.csv) > 0 {
			csv = seconds(c.wall)
		}
		cpu := fmt.Sprintf("%.2f", m.cpu.Seconds())
		if engine == "postgres" {
			cpu += fmt.Sprintf(" + %.2f", m.server.Seconds())
		}
		fmt.Fprintf(w, "| %s | %s | %s–%s | %s | %s s | %d MiB | %s | %s | %s | %s | %s | %s | %s |\n", r.kase.name, seconds(m.wall),
			strings.TrimSuffix(seconds(low), " s"), strings.TrimSuffix(seconds(high), " s"), thousands(float64(r.rows)/m.wall.Seconds()),
			cpu, m.rss>>20, megabytes(m.grown), sql, sqlCPU, sqlGrown, csv, short(ratio(r.ours, r.sql)), short(ratio(r.ours, r.csv)))
	}
}

func engineName(engine string) string {
	if engine == "postgres" {
		return "PostgreSQL"
	}
	return "SQLite"
}

func extremes(samples []sample) (low, high time.Duration) {
	for i, s := range samples {
		if i == 0 || s.wall < low {
			low = s.wall
		}
		high = max(high, s.wall)
	}
	return low, high
}

func megabytes(n int64) string {
	if n < 0 {
		n = 0
	}
	return fmt.Sprintf("%.1f MB", float64(n)/1e6)
}

func thousands(x float64) string {
	if x < 10_000 {
		return fmt.Sprintf("%.0f", x)
	}
	return fmt.Sprintf("%.0fk", x/1000)
}

// growth tells how time and memory grow with the people.
func (b *bench) growth(w *strings.Builder) {
	if len(b.sizes) < 2 {
		return
	}
	fmt.Fprint(w, "\n## Growth\n\nThe exponents are the slopes of the lines that fit best through all sizes, with both axes logarithmic: 1 is linear, 0 does not grow.\n\n| case | engine |")
	for _, n := range b.sizes {
		fmt.Fprintf(w, " %s |", sizeName(n))
	}
	w.WriteString(" time | memory |\n|---|---|" + strings.Repeat("---:|", len(b.sizes)+2) + "\n")
	for _, engine := range b.engines {
		for _, k := range append(cases[:len(cases):len(cases)], pageCase) {
			var cells []string
			var people, times, memory []float64
			for _, n := range b.sizes {
				r := b.find(n, engine, k.name)
				if r == nil {
					cells = append(cells, "–")
					continue
				}
				m := middle(r.ours)
				cells = append(cells, fmt.Sprintf("%s, %d MiB", seconds(m.wall), m.rss>>20))
				people, times, memory = append(people, float64(n)), append(times, m.wall.Seconds()), append(memory, float64(m.rss))
			}
			if len(people) < 2 {
				continue
			}
			fmt.Fprintf(w, "| %s | %s | %s | %.2f | %.2f |\n", k.name, engineName(engine), strings.Join(cells, " | "), exponent(people, times), exponent(people, memory))
		}
	}
}

// exponent is the slope of the line that fits best through points whose
// coordinates are taken by their logarithms.
func exponent(xs, ys []float64) float64 {
	n, sx, sy, sxx, sxy := float64(len(xs)), 0., 0., 0., 0.
	for i := range xs {
		x, y := math.Log(xs[i]), math.Log(ys[i])
		sx, sy, sxx, sxy = sx+x, sy+y, sxx+x*x, sxy+x*y
	}
	return (n*sxy - sx*sy) / (n*sxx - sx*sx)
}

// find is a result; nil where there is none.
func (b *bench) find(n uint64, engine, name string) *result {
	for i, r := range b.results {
		if r.size == n && r.engine == engine && r.kase.name == name {
			return &b.results[i]
		}
	}
	return nil
}

func (b *bench) version() string {
	out, err := exec.Command(b.program, "version").Output()
	if err != nil {
		return "unknown"
	}
	first, _, _ := bytes.Cut(out, []byte("\n"))
	return strings.TrimPrefix(string(first), "rollcall ")
}

// machine describes what the figures were taken on.
func machine() string {
	model := runtime.GOARCH
	text, _ := os.ReadFile("/proc/cpuinfo")
	for line := range strings.Lines(string(text)) {
		if name, value, ok := strings.Cut(line, ":"); ok && strings.TrimSpace(name) == "model name" {
			model = strings.TrimSpace(value)
			break
		}
	}
	return fmt.Sprintf("%d cores of %s, %d GiB, %s", runtime.NumCPU(), model, (memory()+1<<29)>>30, runtime.Version())
}

// console is the Markdown as columns that line up.
func console(text string) string {
	var out strings.Builder
	table := tabwriter.NewWriter(&out, 0, 0, 2, ' ', 0)
	for line := range strings.Lines(text) {
		line = strings.TrimSuffix(line, "\n")
		switch {
		case strings.HasPrefix(line, "|--"):
		case strings.HasPrefix(line, "| "):
			fmt.Fprintln(table, strings.ReplaceAll(strings.Trim(line, "| "), " | ", "\t"))
		default:
			_ = table.Flush() // into memory
			fmt.Fprintln(&out, line)
		}
	}
	_ = table.Flush() // into memory
	return out.String()
}
