package run_test

import (
	"context"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"rollcall/internal/journal"
	"rollcall/internal/mapping"
	"rollcall/internal/plan"
	"rollcall/internal/proof"
	"rollcall/internal/roster"
	"rollcall/internal/run"
)

// TestS1ToS10WithAndWithoutTheFirstLookThePlansAreEqual lives random histories,
// each in two sites: one passes over what lies there as before, the other reads
// every record of every drop. Whatever happens in between, they must plan, judge,
// apply and tell the same.
//
// A history costs 0.4 s of CPU, a fifth of it the report files, and most of the
// rest statements that SQLite parses. The long form lives some at once.
func TestS1ToS10WithAndWithoutTheFirstLookThePlansAreEqual(t *testing.T) {
	checks := flag.Lookup("rapid.checks")
	seed := flag.Lookup("rapid.seed")
	if os.Getenv("ROLLCALL_SAFETY") == "" && seed.Value.String() == "0" {
		set(t, seed, "7")
	}
	for _, engine := range engines {
		t.Run(engine, func(t *testing.T) {
			n := map[string]int{"sqlite": proof.Long(12, 5000), "postgres": proof.Long(5, 200)}[engine]
			lanes := 1
			if engine == "sqlite" && seed.Value.String() == "0" { // with one seed they would all live the same
				lanes = proof.Long(1, 4)
			}
			set(t, checks, fmt.Sprint(n/lanes))
			var steps, unread, patched atomic.Int64
			t.Run("histories", func(t *testing.T) {
				for lane := range lanes {
					t.Run(fmt.Sprint(lane), func(t *testing.T) {
						if lanes > 1 {
							t.Parallel()
						}
						rapid.Check(t, func(rt *rapid.T) {
							h := newHistory(t, rt, engine)
							for range rapid.IntRange(4, 12).Draw(rt, "steps") {
								h.step()
								steps.Add(1)
							}
							unread.Add(int64(h.unread))
							patched.Add(int64(h.patched))
						})
					})
				}
			})
			if unread.Load() == 0 {
				t.Error("the first look has passed over nothing, and so proved nothing")
			}
			if patched.Load() == 0 {
				t.Error("no look was a patch of another, and so that is not proved")
			}
			t.Logf("%d histories, %d steps, %d records passed over, %d looks were patches", n, steps.Load(), unread.Load(), patched.Load())
			proof.Note(t, "first look on and off, "+engine, proof.Count{What: "histories", N: n}, proof.Count{What: "steps", N: int(steps.Load())},
				proof.Count{What: "records passed over", N: int(unread.Load())}, proof.Count{What: "differences", N: 0})
		})
	}
}

func set(t *testing.T, f *flag.Flag, value string) {
	t.Helper()
	before := f.Value.String()
	if err := f.Value.Set(value); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = f.Value.Set(before) })
}

// A history is lived by two sites at once.
type history struct {
	rt    *rapid.T
	sites [2]*site // with and without the first look
	feeds map[string]*feedState
	by    run.By
	last  int64 // run

	unread, patched int
}

// A feedState is what a feed says at the moment.
type feedState struct {
	profile *run.Profile
	rows    []string
	file    int
}

// at is the profile as one site has it.
func (f *feedState) at(s *site) *run.Profile {
	p := *f.profile
	p.Source.Path = filepath.Join(s.drops, filepath.Base(p.Source.Path))
	return &p
}

func newHistory(t *testing.T, rt *rapid.T, engine string) *history {
	h := &history{rt: rt, feeds: map[string]*feedState{}, by: run.By{Who: "ada", Reason: "because"}}
	for i := range h.sites {
		if engine == "sqlite" {
			dir := scratch(t, rt)
			h.sites[i] = openAt(t, dir, "sqlite:"+filepath.Join(dir, "rollcall.db"))
			rt.Cleanup(func() { _ = h.sites[i].Store.Close() })
		} else {
			h.sites[i] = open(t, engine)
			rt.Cleanup(func() { _ = h.sites[i].Store.Close() }) // a server has only so many connections
		}
		h.sites[i].ReadAll = i == 1
	}
	for _, name := range []string{"hr", "ad"} {
		p := h.sites[0].feed(name, func(p *run.Profile) {
			p.Plan.Canaries = []roster.Key{"3"}
			p.Mapping.Catalog = roster.NewCatalog([]roster.Item{{Kind: roster.FieldKind, Name: "shift", Type: roster.MenuField, Options: []string{"early", "late"}}}, nil, nil)
			p.Plan.Custom = p.Mapping.Catalog.Fields()
		})
		f := &feedState{profile: p}
		for i := range 14 {
			f.rows = append(f.rows, h.row(i, name))
		}
		h.feeds[name] = f
	}
	delta := &feedState{profile: h.sites[0].feed("delta", func(p *run.Profile) {
		p.Format.Content, p.Plan.Full, p.Plan.Policy.Missing = "delta", false, "keep"
	})}
	h.feeds["delta"] = delta
	h.change(delta)
	return h
}

// scratch is a folder of one history. What a crash of the machine leaves of it is
// no matter here, so that the long form may have it in memory.
func scratch(t *testing.T, rt *rapid.T) string {
	in := ""
	if shm, err := os.Stat("/dev/shm"); err == nil && shm.IsDir() && proof.Long(0, 1) == 1 {
		in = "/dev/shm"
	}
	dir, err := os.MkdirTemp(in, "rollcall-history-")
	if err != nil {
		t.Fatal(err)
	}
	rt.Cleanup(func() { _ = os.RemoveAll(dir) }) // after the database has been closed
	return dir
}

func (h *history) one(n int, what string) bool { return rapid.IntRange(1, n).Draw(h.rt, what) == 1 }

func (h *history) of(what string, list ...string) string {
	return rapid.SampledFrom(list).Draw(h.rt, what)
}

// lived is the header of a history: with a custom field (R27).
const lived = header + ",fields.shift"

// row is one record, clean or not. Keys, names and addresses are few, so that
// they meet.
func (h *history) row(i int, feed string) string {
	key := fmt.Sprint(i)
	name, mail := "user"+key, "p"+key+"@example.org"
	dept, ends, suspended, shift := "Ward "+fmt.Sprint(i%3), "", "", "early"
	if h.one(3, "dirty") {
		switch h.of("dirt", "name", "mail", "ends", "bad date", "suspended", "key", "short", "dept", "blank key", "spaces", "shift", "shift", "no name", "no name") {
		case "name":
			name = "user" + fmt.Sprint(rapid.IntRange(0, 15).Draw(h.rt, "other name"))
		case "mail":
			mail = "p" + fmt.Sprint(rapid.IntRange(0, 15).Draw(h.rt, "other mail")) + "@example.org"
		case "ends":
			ends = h.of("end", "2026-09-04", "2026-09-08", "2026-12-31")
		case "bad date":
			ends = "31.02.2026"
		case "suspended":
			suspended = h.of("to", "0", "1")
		case "key":
			key = fmt.Sprint(rapid.IntRange(0, 14).Draw(h.rt, "other key"))
		case "short":
			return key + "," + name
		case "dept":
			dept = h.of("ward", "ICU", "Lab", `"ICU, East"`, `"two`+"\n"+`lines"`)
		case "shift":
			shift = h.of("other shift", "", "late", "noon")
		case "no name":
			name = ""
		case "blank key":
			key = ""
		case "spaces":
			key = " " + key + " "
		}
	}
	if feed == "ad" && h.one(2, "own mail") {
		mail = "ad" + mail
	}
	return strings.Join([]string{key, name, "First" + key, "Last", mail, dept, ends, suspended, shift}, ",")
}

// step is one thing that happens to both sites.
func (h *history) step() {
	f := h.feeds[h.of("feed", "hr", "hr", "hr", "hr", "ad", "ad", "delta")]
	switch h.of("step", "night", "night", "night", "night", "night", "settings", "by hand", "by hand", "revert", "days pass", "plan", "the same again", "other order") {
	case "night":
		h.change(f)
		h.night(f)
	case "the same again":
		f.rows = append(f.rows, "")
		h.night(f)
	case "other order":
		slices.Reverse(f.rows)
		h.night(f)
	case "settings":
		h.settings(f.profile)
		h.night(f)
	case "by hand":
		h.byHand(f.profile.Name)
	case "revert":
		n := max(1, h.last-int64(rapid.IntRange(0, 3).Draw(h.rt, "runs ago")))
		h.both("revert", func(s *site) (*journal.Run, error) { return s.Revert(context.Background(), f.profile, n, nil, h.by) })
	case "days pass":
		for _, s := range h.sites {
			s.pass(4 * 24 * time.Hour)
		}
		h.both("sweep", func(s *site) (*journal.Run, error) { return s.Sweep(context.Background(), "manual") })
	case "plan":
		h.change(f)
		h.write(f)
		j := h.both("plan", func(s *site) (*journal.Run, error) {
			return s.Run(context.Background(), run.Request{Profile: f.at(s), Dry: true})
		})
		if j != nil && h.one(2, "something comes between") {
			h.byHand(f.profile.Name)
		}
		if j != nil {
			h.both("apply", func(s *site) (*journal.Run, error) {
				return s.ApplyStored(context.Background(), f.profile, run.Decision{Run: j.Number, Who: "ada"})
			})
		}
	}
}

// change makes today's drop out of yesterday's.
func (h *history) change(f *feedState) {
	if !f.profile.Plan.Full { // a few people, whoever they are
		f.rows = nil
		for range rapid.IntRange(1, 4).Draw(h.rt, "rows") {
			f.rows = append(f.rows, h.row(rapid.IntRange(0, 18).Draw(h.rt, "who"), f.profile.Name))
		}
		return
	}
	for range rapid.IntRange(0, 3).Draw(h.rt, "changes") {
		i := rapid.IntRange(0, len(f.rows)-1).Draw(h.rt, "row")
		switch h.of("change", "row", "row", "gone", "new", "copy", "move") {
		case "row":
			f.rows[i] = h.row(i, f.profile.Name)
		case "gone":
			if len(f.rows) > 8 {
				f.rows = slices.Delete(f.rows, i, i+1)
			}
		case "new":
			f.rows = slices.Insert(f.rows, i, h.row(rapid.IntRange(0, 18).Draw(h.rt, "who"), f.profile.Name))
		case "copy":
			f.rows = append(f.rows, f.rows[i])
		case "move":
			row := f.rows[i]
			f.rows = append(slices.Delete(f.rows, i, i+1), row)
		}
	}
}

func (h *history) settings(p *run.Profile) {
	what := h.of("setting", "missing", "update", "authority", "mail", "delete", "mapping", "map", "map", "scope", "memberships", "memberships", "catalog")
	if !p.Plan.Full && (what == "missing" || what == "delete") {
		what = "update" // absence means nothing there
	}
	switch what {
	case "missing":
		p.Plan.Policy.Missing = h.of("to", "keep", "suspend")
	case "update":
		p.Plan.Policy.Update = h.of("to", "file", "none", "fill_missing")
	case "authority":
		p.Plan.Authority = map[string][]string{"*": {h.of("first", "hr", "ad")}}
	case "mail":
		p.Plan.UniqueEmail = h.of("to", "on", "warn", "off")
	case "delete":
		p.Plan.Policy.Delete = !p.Plan.Policy.Delete
		p.Plan.Policy.DeleteAfter = 48 * time.Hour
		if !p.Plan.Policy.Delete {
			p.Plan.Policy.DeleteAfter = 0
		}
	case "mapping":
		p.Digest = h.of("to", "v1", "v2")
	case "map":
		h.remap(p)
	case "memberships":
		p.Mapping.Memberships = mapping.Memberships{}
		if !h.one(4, "none") {
			p.Mapping.Memberships.Cohorts = []mapping.Member{{Template: "dept-{department|slug}", Period: time.Duration(rapid.IntRange(0, 3).Draw(h.rt, "days")) * 24 * time.Hour}}
			p.Mapping.Memberships.Enrolments = []mapping.Member{{Course: "FIRE-101", When: map[string]mapping.Words{"department": {"ICU", "Ward 2"}}}}
		}
		p.Plan.Policy.Memberships = h.of("to", "add", "exact")
	case "catalog":
		p.Mapping.Catalog = nil
		if !h.one(3, "none") {
			p.Mapping.Catalog = roster.NewCatalog([]roster.Item{{Kind: roster.CohortKind, ID: h.of("cohort", "dept-icu", "dept-ward-1")}, {Kind: roster.CohortKind, ID: "dept-ward-2"}}, nil, nil)
		}
	case "scope":
		p.Mapping.Scope = mapping.Scope{}
		if h.one(2, "some wards only") {
			p.Mapping.Scope = mapping.Scope{Exclude: map[string][]string{"department": {h.of("ward", "Ward 1", "ICU", "")}}}
		}
		p.Plan.ScopeLeft = h.of("left", "keep", "suspend")
	}
}

// remap gives the profile another mapping, by which some records mean something
// else, or all, or none.
func (h *history) remap(p *run.Profile) {
	columns := map[string]mapping.Column{}
	for _, name := range strings.Split(lived, ",") {
		columns[name] = mapping.Column{From: name}
	}
	switch h.of("map", "plain", "wards", "default", "late", "name", "shift", "made", "made") {
	case "wards":
		columns["department"] = mapping.Column{From: "department", Values: map[string]string{"Ward 1": "Ward One"}, Other: "keep"}
	case "default":
		columns["title"] = mapping.Column{Const: "Nurse"}
	case "late":
		columns["description"] = mapping.Column{Template: "%u of {department}"}
	case "made": // by few names, so that they meet (R33)
		columns["username"] = mapping.Column{From: "username", Default: h.of("makes", "%-1f%-l", "user%2f"), OnTaken: h.of("taken", "reject", "number")}
	case "shift":
		columns["fields.shift"] = mapping.Column{From: "fields.shift", Blank: "clear", Set: roster.SetIfEmpty, Default: "late"}
	case "name":
		columns["last_name"] = mapping.Column{From: "first_name"}
	}
	p.Mapping.Map, p.Plan.Set = columns, mapping.Options{Map: columns}.SetModes()
	p.Plan.SetCustom = p.Mapping.CustomModes()
	p.Digest = p.Mapping.Digest()
}

func (h *history) byHand(profile string) {
	account := fmt.Sprintf("id:%d", rapid.IntRange(1, 16).Draw(h.rt, "account"))
	key := roster.Key(fmt.Sprint(rapid.IntRange(0, 14).Draw(h.rt, "key")))
	ctx := context.Background()
	switch h.of("by hand", "suspend", "activate", "link", "unlink", "new", "enrol") {
	case "enrol":
		add, remove := []roster.Membership{{Kind: roster.CohortKind, Name: h.of("cohort", "dept-icu", "choir")}}, []roster.Membership(nil)
		if h.one(2, "takes away") {
			add, remove = nil, []roster.Membership{{Kind: roster.CohortKind, Name: h.of("which", "dept-icu", "dept-ward-1", "dept-ward-2")}}
		}
		h.both("enrol", func(s *site) (*journal.Run, error) {
			p, err := s.PlanDeed(ctx, []string{account}, h.by, s.Enrol(add, remove, nil))
			if err != nil || len(p.Changes) == 0 {
				return nil, err
			}
			return s.Do(ctx, p, h.by)
		})
	case "suspend":
		h.both("suspend", func(s *site) (*journal.Run, error) {
			return s.SetStatus(ctx, plan.Suspend, []string{account}, h.by)
		})
	case "activate":
		h.both("activate", func(s *site) (*journal.Run, error) {
			return s.SetStatus(ctx, plan.Reactivate, []string{account}, h.by)
		})
	case "link":
		h.both("link", func(s *site) (*journal.Run, error) { return s.Link(ctx, profile, key, account, h.by) })
	case "unlink":
		h.both("unlink", func(s *site) (*journal.Run, error) { return s.Unlink(ctx, profile, key, h.by) })
	case "new":
		h.both("link new", func(s *site) (*journal.Run, error) { return s.Link(ctx, profile, key, "new", h.by) })
	}
}

// write puts today's drop into both sites.
func (h *history) write(f *feedState) {
	f.file++
	text := lived + "\n" + strings.Join(f.rows, "\n") + "\n"
	for _, s := range h.sites {
		s.pass(24 * time.Hour)
		path := filepath.Join(s.drops, fmt.Sprintf("%s-%03d.csv", f.profile.Name, f.file))
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			h.rt.Fatal(err)
		}
		at := s.now().Add(-time.Hour)
		if err := os.Chtimes(path, at, at); err != nil {
			h.rt.Fatal(err)
		}
	}
}

func (h *history) night(f *feedState) {
	h.write(f)
	j := h.both("night", func(s *site) (*journal.Run, error) {
		return s.Run(context.Background(), run.Request{Profile: f.at(s)})
	})
	if j == nil || j.Status != journal.Held {
		return
	}
	d := run.Decision{Run: j.Number, Who: "ada", ExceptRemovals: h.one(2, "except removals")}
	if h.one(3, "rejected") {
		h.both("reject", func(s *site) (*journal.Run, error) { return s.Reject(context.Background(), d) })
		return
	}
	h.both("approve", func(s *site) (*journal.Run, error) { return s.Approve(context.Background(), f.profile, d) })
}

// both does a thing to both sites, and compares what they have come to.
func (h *history) both(what string, do func(*site) (*journal.Run, error)) *journal.Run {
	h.rt.Helper()
	var runs [2]*journal.Run
	var told [2]string
	for i, s := range h.sites {
		j, err := do(s)
		runs[i] = j
		told[i] = h.told(s, j, err)
	}
	if diff := cmp.Diff(told[1], told[0]); diff != "" {
		h.rt.Fatalf("%s: who reads everything (-) and who does not (+) differ:\n%s", what, diff)
	}
	if runs[0] != nil {
		h.last = max(h.last, runs[0].Number)
		h.unread += runs[0].Unread
		if h.patches(runs[0].Profile) {
			h.patched++
		}
		if runs[1].Unread != 0 {
			h.rt.Fatalf("%s: who was to read everything has passed over %d records", what, runs[1].Unread)
		}
	}
	return runs[0]
}

// patches tells whether the look in effect is a patch of another.
func (h *history) patches(profile string) bool {
	db := h.sites[0].Store
	l, err := db.Look(context.Background(), profile)
	if err != nil {
		return false
	}
	p, err := db.Patch(context.Background(), l)
	if err != nil {
		h.rt.Fatal(err)
	}
	return p.Entries > 0
}

// told is all that a run can be asked for afterwards.
func (h *history) told(s *site, j *journal.Run, err error) string {
	var b strings.Builder
	fmt.Fprintf(&b, "error: %v\n", err)
	if j != nil {
		fmt.Fprintf(&b, "run %d %s %s exit %d seq %d %s left out %d excepted %d\nfacts %+v\nfindings %+v\n", j.Number, j.Kind, j.Status, j.ExitCode, j.AppliedSeq, j.PlanDigest, j.LeftOut, j.Excepted, j.Facts, j.Findings)
		for o, err := range s.Store.Changes(context.Background(), j.Number) {
			fmt.Fprintf(&b, "change %+v %v\n", o, err)
		}
		var problems []string
		for p, err := range s.Store.Problems(context.Background(), j.Number) {
			problems = append(problems, fmt.Sprintf("problem %+v %v\n", p, err))
		}
		slices.Sort(problems)
		b.WriteString(strings.Join(problems, ""))
	}
	b.WriteString(s.dump())
	for name := range h.feeds {
		owned, active := 0, 0
		for a, err := range s.Store.Owned(context.Background(), name) {
			if err != nil {
				h.rt.Fatal(err)
			}
			if a.Status() != roster.Deleted {
				owned++
			}
			if a.Status() == roster.Active {
				active++
			}
		}
		if o, a, err := s.Store.Tally(context.Background(), name); err != nil || o != owned || a != active {
			h.rt.Fatalf("%s owns %d accounts, %d active; the tally says %d, %d (%v)", name, owned, active, o, a, err)
		}
	}
	return b.String()
}
