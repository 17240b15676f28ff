package plan

import (
	"context"
	"flag"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"pgregory.net/rapid"

	"rollcall/internal/proof"
	"rollcall/internal/roster"
)

// TestMain checks each law with a thousand rosters that are always the same, and
// with many more that nobody has seen yet where make safety asks for it.
func TestMain(m *testing.M) {
	flag.Parse()
	asked := map[string]bool{}
	flag.Visit(func(f *flag.Flag) { asked[f.Name] = true })
	for name, value := range map[string]int{"rapid.checks": proof.Long(1000, 20_000), "rapid.seed": proof.Long(1, 0)} { // seed 0: another each time
		if asked[name] {
			continue
		}
		if err := flag.Set(name, strconv.Itoa(value)); err != nil {
			panic(err)
		}
	}
	os.Exit(m.Run())
}

// law checks what must be so for every roster.
func law(t *testing.T, name string, holds func(*rapid.T)) {
	t.Parallel()
	cases := 0
	rapid.Check(t, func(t *rapid.T) { cases++; holds(t) })
	proof.Note(t, name, proof.Count{What: "cases", N: cases})
}

// The universe is small, so that collisions, swaps and rings are frequent.
var (
	feeds     = []string{"ad", "hr", "school"}
	someKeys  = []string{"1", "2", "3", "4", "5", "6"}
	someNames = []string{"ann", "bob", "cat", "dan", "eve", "bob2", "root"}
	someMails = []string{"m1@example.org", "m2@example.org", "m3@example.org", "ann@example.org", "bob@example.org"}
	someDays  = []string{"2026-08-30", "2026-09-04", "2026-12-31"}
	noted     = []string{"E104", "E112", "E115", "E131", "E134"}
)

func oneIn(t *rapid.T, n int, what string) bool { return rapid.IntRange(1, n).Draw(t, what) == 1 }

func oneOf[T any](t *rapid.T, list []T, what string) T { return rapid.SampledFrom(list).Draw(t, what) }

func maybe(t *rapid.T, list []string, what string) string {
	return oneOf(t, append([]string{""}, list...), what)
}

// customs are the custom fields of the catalog.
var customs = []string{"cost_centre", "shift"}

// someOptions are a profile that config would accept.
func someOptions(t *rapid.T, profile string) Options {
	o := staff()
	o.Profile = profile
	o.Full = !oneIn(t, 4, "delta")
	o.UniqueEmail = oneOf(t, []string{"on", "on", "warn", "off"}, "unique_email")
	o.Match = Match{Key: oneOf(t, []roster.Field{roster.EmployeeID, roster.EmployeeID, roster.Username}, "match.key")}
	if o.Match.Key != roster.Username && oneIn(t, 2, "fallback") {
		o.Match.Fallback = Fallback{By: "username", Rekey: oneIn(t, 2, "rekey")}
	}
	o.Match.Lookalike = oneOf(t, []string{"", "warn", "wait"}, "lookalike")
	if oneIn(t, 4, "create_before") {
		o.Policy.CreateBefore = 24 * time.Hour
	}
	if oneIn(t, 3, "witness") {
		o.Match.Witness = []roster.Name{"last_name"}
	}
	p := &o.Policy
	p.Upload = oneOf(t, []string{"add_update", "add_update", "add_update", "update", "add", "add_all"}, "upload")
	p.Update = oneOf(t, []string{"file", "file", "file_and_defaults", "fill_missing", "none"}, "update")
	p.Rename = oneOf(t, []*bool{nil, on(), off()}, "rename")
	p.Suspend = !oneIn(t, 5, "suspend off")
	p.Reactivate = !oneIn(t, 5, "reactivate off")
	p.Delete = oneIn(t, 2, "delete")
	p.Leave = oneOf(t, []string{"keep", "suspend"}, "leave")
	p.Leaver, p.Missing = "suspend", "keep"
	if p.Suspend {
		p.Missing = oneOf(t, []string{"keep", "suspend"}, "missing")
	}
	if p.Delete {
		p.Leaver = oneOf(t, []string{"suspend", "delete"}, "leaver")
		if oneIn(t, 3, "missing: delete") {
			p.Missing = "delete"
		}
		if oneIn(t, 2, "delete_after") {
			p.DeleteAfter = 48 * time.Hour
		}
		p.FallbackOwner = oneOf(t, []string{"", "", "eve", "nobody"}, "fallback_owner")
	}
	p.Protect = []string{"root", "svc-*"}
	p.Memberships = oneOf(t, []string{"add", "exact"}, "memberships")
	if oneIn(t, 3, "required without email") {
		o.Required = []roster.Field{roster.Username}
	}
	if oneIn(t, 4, "set") {
		o.Set[oneOf(t, []roster.Field{roster.Username, roster.Email, roster.City}, "set of")] = oneOf(t, []roster.SetMode{roster.SetOnce, roster.SetIfEmpty}, "mode")
	}
	o.ScopeLeft = oneOf(t, []string{"keep", "suspend"}, "scope.left")
	if o.ScopeLeft == "suspend" && !p.Suspend {
		o.ScopeLeft = "keep"
	}
	if oneIn(t, 4, "set of a custom field") {
		o.SetCustom = map[string]roster.SetMode{"shift": oneOf(t, []roster.SetMode{roster.SetOnce, roster.SetIfEmpty}, "mode")}
	}
	o.Custom = []roster.Item{{Kind: roster.FieldKind, Name: "cost_centre", Type: roster.TextField, Unique: oneIn(t, 3, "unique")}, {Kind: roster.FieldKind, Name: "shift", Type: roster.MenuField, Required: oneIn(t, 4, "required")}}
	if oneIn(t, 3, "site") {
		o.Site = oneOf(t, []string{"A", "A/B"}, "of the profile")
	}
	if oneIn(t, 2, "authority") {
		o.Authority = map[string][]string{"email": {"ad", "hr"}, "fields.shift": {"ad"}, "*": {"hr"}}
	}
	return o
}

// someDirectory are accounts as earlier runs, people and other feeds may have left them.
func someDirectory(t *rapid.T) *memory {
	m := &memory{decided: map[roster.Key]bool{}}
	free := rapid.Permutation(someNames).Draw(t, "names")
	for i := range rapid.IntRange(0, 6).Draw(t, "accounts") {
		a := roster.Account{ID: uint64(i + 1), Version: 3}
		v := &a.Values
		v[roster.EmployeeID] = someKeys[i]
		if oneIn(t, 6, "other number") {
			v[roster.EmployeeID] = maybe(t, someKeys, "number")
		}
		v[roster.Username] = free[i]
		v[roster.Email] = maybe(t, someMails, "mail")
		v[roster.LastName] = oneOf(t, []string{"Doe", "Roe"}, "last name")
		v[roster.ExpiresOn] = oneOf(t, append(someDays, "", "", ""), "ends")
		v[roster.StartsOn] = oneOf(t, append(someDays, "", "", "", ""), "starts")
		v[roster.ExpiresAt] = roster.Stamp(EndOf(v[roster.ExpiresOn], time.UTC))
		v[roster.StartsAt] = roster.Stamp(StartOf(v[roster.StartsOn], time.UTC))
		for _, f := range feeds {
			if oneIn(t, 2, "linked") {
				key := roster.Key(v[roster.EmployeeID])
				if oneIn(t, 6, "other key") {
					key = roster.Key(oneOf(t, someKeys, "link key"))
				}
				if key == "" {
					continue
				}
				a.Links = append(a.Links, roster.Link{
					Profile: f, Key: key, Decided: oneIn(t, 8, "decided"), Anchor: someAnchor(t, i),
					Claim: oneOf(t, []roster.Claim{roster.ClaimActive, roster.ClaimActive, roster.ClaimGone, roster.ClaimLeave}, "claim"),
				})
			}
		}
		for _, f := range []roster.Field{roster.Username, roster.Email, roster.LastName, roster.City, roster.ExpiresOn} {
			a.Origins[f] = roster.Origin(oneOf(t, []string{"", "ad", "hr", "school", "person:ada", "default:"}, "origin"))
		}
		v[roster.Site] = oneOf(t, []string{"", "A", "A", "A/B", "C"}, "site")
		for _, name := range customs {
			if oneIn(t, 2, "has "+name) {
				a.Write(roster.CustomName(name), maybe(t, []string{"x", "y"}, name), roster.Origin(oneOf(t, []string{"ad", "hr", "school", "person:ada", "default:"}, "origin")))
			}
		}
		someStatus(t, &a)
		someGrants(t, &a)
		if a.Status() == roster.Deleted && oneIn(t, 2, "name held") {
			m.holds = append(m.holds, Hold{Name: v[roster.Username], Account: a.ID})
		}
		m.accounts = append(m.accounts, a)
	}
	for range rapid.IntRange(0, 2).Draw(t, "holds") {
		m.holds = append(m.holds, Hold{Name: oneOf(t, someNames, "held"), Account: uint64(rapid.IntRange(1, 7).Draw(t, "giver"))})
	}
	if oneIn(t, 6, "decided new") {
		m.decided[roster.Key(oneOf(t, someKeys, "new key"))] = true
	}
	return m
}

func someStatus(t *rapid.T, a *roster.Account) {
	v := &a.Values
	v[roster.StatusField] = string(oneOf(t, []roster.Status{roster.Active, roster.Active, roster.Suspended, roster.Deleted}, "status"))
	v[roster.StatusSince] = roster.Stamp(noon.Add(-time.Duration(rapid.IntRange(1, 3).Draw(t, "since")) * 24 * time.Hour))
	if a.Status() == roster.Active {
		return
	}
	v[roster.StatusBy] = oneOf(t, append([]string{"person:ada"}, feeds...), "by")
	v[roster.StatusReason] = string(oneOf(t, []roster.Reason{roster.Missing, roster.Missing, roster.FeedSays, roster.Leaver, roster.OnLeave}, "why"))
	if ended := Ended(v, roster.Stamp(noon)); a.Status() == roster.Suspended && ended != "" && oneIn(t, 2, "by date") {
		v[roster.StatusBy], v[roster.StatusReason] = string(roster.OriginDate), string(ended)
	}
	if a.Status() == roster.Deleted {
		v[roster.DeletedAt] = v[roster.StatusSince]
	}
}

var someMemberships = []string{"cohort:a", "cohort:b", "role:manager", "course:C:learner:Day", "course:C:learner:Night"}

// someGrants are memberships as feeds and people have granted them: some whose
// period runs, is over, or has ended.
func someGrants(t *rapid.T, a *roster.Account) {
	for range rapid.IntRange(0, 3).Draw(t, "grants") {
		m, err := roster.ParseMembership(oneOf(t, someMemberships, "granted"))
		if err != nil {
			t.Fatal(err)
		}
		by := roster.Origin(oneOf(t, append([]string{"person:ada"}, feeds...), "granted by"))
		if a.Grant(m, by) != nil {
			continue
		}
		g := roster.Grant{Membership: m, Origin: by}
		switch oneOf(t, []string{"", "", "runs", "over", "ended"}, "period") {
		case "runs":
			g.Until, g.Said = roster.Stamp(noon.Add(time.Hour)), "3 "
		case "over":
			g.Until, g.Said = roster.Stamp(noon.Add(-time.Hour)), "3 "
		case "ended":
			g.Until, g.Ended, g.Said = roster.Stamp(noon.Add(-time.Hour)), roster.Stamp(noon.Add(-time.Hour)), "3 "
		}
		a.Grants = append(a.Grants, g)
	}
	roster.SortGrants(a.Grants)
}

// someMembers are what a record says of memberships; nil where its drop says nothing.
func someMembers(t *rapid.T) *roster.Members {
	if oneIn(t, 3, "says no memberships") {
		return nil
	}
	var texts []string
	for range rapid.IntRange(0, 3).Draw(t, "memberships") {
		text := oneOf(t, someMemberships, "lists")
		if oneIn(t, 5, "takes") {
			text = "-" + text
		} else if oneIn(t, 3, "for days") {
			text += oneOf(t, []string{" 3", " 5"}, "days")
		}
		texts = append(texts, text)
	}
	var e roster.Entry
	lists(texts...)(&e)
	if oneIn(t, 6, "of some kinds") {
		e.Members.Kinds = []roster.Kind{roster.CohortKind}
	}
	if oneIn(t, 6, "unsure") {
		e.Members.Unclear(roster.CohortKind)
	}
	return e.Members
}

// someAnchor is that of the i-th entry of a directory, mostly.
func someAnchor(t *rapid.T, i int) string {
	switch oneOf(t, []string{"", "", "own", "own", "other"}, "anchor") {
	case "own":
		return "@" + someKeys[i]
	case "other":
		return "@" + oneOf(t, someKeys, "other anchor")
	}
	return ""
}

// someRows are a drop, with what is wrong with drops.
func someRows(t *rapid.T, o Options) []roster.Entry {
	var rows []roster.Entry
	for i := range rapid.IntRange(0, 7).Draw(t, "rows") {
		rows = append(rows, someRow(t, o, i+2))
		if oneIn(t, 8, "twice") {
			again := rows[len(rows)-1]
			again.Problems = slices.Clone(again.Problems)
			rows = append(rows, again)
		}
	}
	for i := range rows {
		rows[i].Line = i + 2
		for j := range rows[i].Problems {
			rows[i].Problems[j].Line = i + 2
		}
	}
	return rows
}

func someRow(t *rapid.T, o Options, line int) roster.Entry {
	key, name := oneOf(t, someKeys, "key"), maybe(t, someNames, "name")
	if o.Match.Key == roster.Username {
		name = oneOf(t, someNames, "name as key")
	} else if oneIn(t, 8, "no key") {
		key = ""
	}
	e := roster.Entry{Line: line}
	say := func(f roster.Field, v string) {
		if v != "" {
			e.Values[f], e.Set = v, e.Set.With(f)
		}
	}
	say(roster.Username, name)
	if o.Match.Key == roster.Username {
		e.Key = roster.Key(name)
	} else {
		e.Key = roster.Key(key)
		say(roster.EmployeeID, key)
	}
	say(roster.Email, maybe(t, someMails, "mail"))
	say(roster.FirstName, "Jo")
	say(roster.LastName, oneOf(t, []string{"Doe", "Roe", ""}, "last name"))
	say(roster.City, oneOf(t, []string{"Ulm", "Bonn", "", ""}, "city"))
	say(roster.ExpiresOn, oneOf(t, append(someDays, "", "", ""), "ends"))
	say(roster.StartsOn, oneOf(t, append(someDays, "", "", "", ""), "starts"))
	for _, name := range customs {
		switch what := oneOf(t, []string{"", "", "says", "clears", "by default", "clears, with a default"}, name); what {
		case "says":
			e.Say(roster.CustomSaid{Name: name, Value: oneOf(t, []string{"x", "y", "z"}, "value")})
		case "clears":
			e.Say(roster.CustomSaid{Name: name})
		case "by default", "clears, with a default":
			e.Say(roster.CustomSaid{Name: name, Value: "d", Default: true})
			if what != "by default" {
				e.Say(roster.CustomSaid{Name: name})
			}
		}
	}
	if oneIn(t, 6, "clears") {
		f := oneOf(t, []roster.Field{roster.Email, roster.City, roster.ExpiresOn, roster.StartsOn}, "what")
		e.Values[f], e.Set = "", e.Set.With(f)
	}
	for _, f := range []roster.Field{roster.City, roster.ExpiresOn} {
		if e.Values[f] == "" && oneIn(t, 4, "default of "+f.String()) {
			e.Defaults[f], e.HasDef = map[roster.Field]string{roster.City: "Kiel", roster.ExpiresOn: "2026-12-31"}[f], e.HasDef.With(f)
		}
	}
	e.Members = someMembers(t)
	if i := slices.Index(someKeys, key); i >= 0 {
		e.Anchor = someAnchor(t, i)
	}
	e.Wish = oneOf(t, []roster.Wish{"", "", "", "", roster.WishActive, roster.WishSuspend, roster.WishLeave, roster.WishLeaver, roster.WishDelete}, "wish")
	switch oneOf(t, []string{"", "", "", "", "template", "template", "number", "default", "default mail", "late", "late default", "old name", "previous key", "problem", "broken", "outside"}, "twist") {
	case "template":
		e.Template, e.Number = o.Match.Key != roster.Username, oneIn(t, 2, "counted")
	case "number":
		e.Number = true
	case "default":
		if o.Match.Key != roster.Username {
			e.Defaults[roster.Username], e.HasDef = oneOf(t, someNames[:5], "default name"), e.HasDef.With(roster.Username)
			e.Values[roster.Username], e.Set = "", e.Set.Without(roster.Username)
			e.Template, e.Number = true, true
		}
	case "default mail":
		e.Defaults[roster.Email], e.HasDef = oneOf(t, someMails, "default mail"), e.HasDef.With(roster.Email)
		e.Values[roster.Email], e.Set = "", e.Set.Without(roster.Email)
		if oneIn(t, 3, "the cell clears") {
			e.Set = e.Set.With(roster.Email)
		}
	case "late", "late default":
		e.Values[roster.Email], e.Set = "", e.Set.Without(roster.Email)
		e.Late = []roster.Late{{Field: roster.Email, Default: oneIn(t, 2, "as default"), Value: func(name string) string {
			if name == "" {
				return ""
			}
			return name + "@example.org"
		}}}
		if e.Late[0].Default && oneIn(t, 3, "the cell clears") {
			e.Set = e.Set.With(roster.Email)
		}
	case "old name":
		e.OldUsername = oneOf(t, someNames, "old name")
	case "previous key":
		e.PreviousKey = roster.Key(oneOf(t, someKeys, "previous key"))
	case "problem":
		e.Problems = append(e.Problems, roster.NewProblem(oneOf(t, noted, "code"), line, e.Key))
		if e.Problems[0].Code == "E134" && o.Match.Key != roster.Username {
			e.Values[roster.Username], e.Set = "", e.Set.Without(roster.Username)
			e.Problems[0].Field = "username"
		}
	case "outside":
		e.Outside = "Type"
	case "broken":
		return roster.Entry{Line: line, Key: e.Key, KeyBad: e.Key == "", Broken: true, Problems: []roster.Problem{roster.NewProblem("E101", line, e.Key)}}
	}
	if e.Key == "" && (o.Match.Fallback.By == "" || e.Values[roster.Username] == "" || e.Template) {
		e.KeyBad = true
		if e.Outside != "" {
			return e
		}
		e.Problems = append(e.Problems, roster.NewProblem("E120", line, ""))
	}
	return e
}

// A night is one run: a profile, its drop, the accounts before and after, and the plan.
type night struct {
	Options
	rows          []roster.Entry
	before, after *memory
	Plan
	facts Facts
}

func someNight(t *rapid.T) night {
	o := someOptions(t, oneOf(t, feeds, "profile"))
	return spend(t, o, someDirectory(t), someRows(t, o))
}

// spend plans and applies.
func spend(t *rapid.T, o Options, m *memory, rows []roster.Entry) night {
	n := night{Options: o, rows: rows, before: m, after: m.copy()}
	var err error
	if n.facts, err = Make(context.Background(), o, drop(rows...), m, &n.Plan, noon); err != nil {
		t.Fatal(err)
	}
	n.after.apply(n.Plan)
	return n
}

// without lines, a plan is the same in whatever order the rows stand.
func (n night) bare() []string {
	var all []string
	for _, c := range n.Changes {
		c.Line = 0
		all = append(all, fmt.Sprintf("%+v", c))
	}
	for _, p := range n.Problems {
		all = append(all, fmt.Sprint(p.Code, p.Severity, p.Field, p.Key, p.Account, p.Text))
	}
	slices.Sort(all)
	return all
}

func (n night) show(t *rapid.T, text string, args ...any) {
	t.Helper()
	s := ""
	for _, a := range n.before.accounts {
		s += fmt.Sprintf("  account %d %v %+v %q\n", a.ID, a.Status(), a.Links, a.Values)
	}
	for _, e := range n.rows {
		s += fmt.Sprintf("  row %d out %q key %q wish %q set %b number %v template %v old %q previous %q %q custom %v late %d default %q problems %v\n", e.Line, e.Outside, e.Key, e.Wish, e.Set, e.Number, e.Template, e.OldUsername, e.PreviousKey, e.Values, e.Custom, len(e.Late), e.Defaults, e.Problems)
	}
	for _, c := range n.Changes {
		s += fmt.Sprintf("  change %+v\n", c)
	}
	for _, p := range n.Problems {
		s += fmt.Sprintf("  problem %v %s %d\n", p, p.Severity, p.Account)
	}
	t.Fatalf(text+"\nprofile %+v\nholds %v decided %v\n%s", append(args, n.Options, n.before.holds, n.before.decided, s)...)
}

// rejected tells whether a row was rejected for one of the codes.
func (n night) rejected(codes ...string) bool {
	return slices.ContainsFunc(n.Problems, func(p roster.Problem) bool { return slices.Contains(codes, p.Code) })
}

// anchorsMove tells whether an anchor that accounts had before means another account
// from the next run on, or none any more: a person's decision about a key stands above
// it (R49), so its account gives one up for which another row is in conflict, or takes
// over one that another account has; or one of several that had it has another now.
func (n night) anchorsMove() bool {
	meant := func(m *memory, anchor string) (holders int, account uint64) {
		for _, a := range m.accounts {
			if l := a.Link(n.Profile); l != nil && l.Anchor == anchor {
				holders++
				account = a.ID
			}
		}
		if holders != 1 {
			account = 0
		}
		return holders, account
	}
	return slices.ContainsFunc(n.rows, func(e roster.Entry) bool {
		if e.Anchor == "" {
			return false
		}
		holders, was := meant(n.before, e.Anchor)
		_, is := meant(n.after, e.Anchor)
		return holders > 0 && was != is
	})
}

// ties tells whether a profile links an account by a key.
func (m *memory) ties(profile string, key roster.Key) bool {
	return slices.ContainsFunc(m.accounts, func(a roster.Account) bool {
		l := a.Link(profile)
		return l != nil && roster.Fold(string(l.Key)) == roster.Fold(string(key))
	})
}

func TestR6WhatWasAppliedLeavesNothingToDo(t *testing.T) {
	law(t, "L1, planned again: nothing", func(t *rapid.T) {
		n := someNight(t)
		if n.Policy.Upload == "add_all" && n.Match.Key == roster.Username {
			return
		}
		if slices.ContainsFunc(n.Changes, func(c Change) bool { f := c.Field(roster.EmployeeID); return f != nil && f.Old != "" }) {
			return // a number that an account had beside its link, and gives up, is another's from the next run on
		}
		if n.Match.Key == roster.Username && slices.ContainsFunc(n.Changes, func(c Change) bool { return c.Action == Add && string(c.Key) != c.Username }) {
			return // a name with a counter can be the key of another row (R33)
		}
		if n.Policy.FallbackOwner != "" && slices.ContainsFunc(n.Changes, func(c Change) bool { return c.Username == n.Policy.FallbackOwner }) {
			return // whom nobody could inherit from yesterday can be deleted today (R63)
		}
		if n.rejected("E301", "E302", "E305") && slices.ContainsFunc(n.Changes, func(c Change) bool {
			return c.Action == Delete || c.Action != Add && c.Field(roster.Username) != nil
		}) {
			return // a row that was in the way of somebody who has moved is looked at again
		}
		if n.rejected("E302", "E305") && slices.ContainsFunc(n.Changes, func(c Change) bool {
			return c.Action == Add && slices.ContainsFunc(n.rows, func(e roster.Entry) bool { return roster.Fold(e.OldUsername) == roster.Fold(c.Username) })
		}) {
			return // an old name that nobody had yesterday is that of an account today
		}
		if n.rejected("E301", "E302") && slices.ContainsFunc(n.Changes, func(c Change) bool { return c.Action == Add && n.before.decided[c.Key] }) {
			return // a key that was in dispute is by now the one of whom a person has decided to be somebody new (R49)
		}
		if slices.ContainsFunc(n.Changes, func(c Change) bool {
			return c.Action == Add && n.before.decided[c.Key] && n.before.ties(n.Profile, c.Key)
		}) {
			return // whoever decides that a key is somebody new unties who has it; who has it all the same shares it from the next run on
		}
		if n.anchorsMove() {
			return // what it said of other rows it says no more, or says only now
		}
		again := spend(t, n.Options, n.after, n.rows)
		if len(again.Changes) > 0 {
			n.show(t, "planned again: %+v", again.Changes)
		}
	})
}

// compete has rows ask for few names, given or made.
func compete(t *rapid.T, rows []roster.Entry) {
	for i := range rows {
		if e := &rows[i]; e.Key != "" && e.Values[roster.Username] != "" {
			e.Values[roster.Username] = oneOf(t, []string{"gus", "gus", "gus2", "bob"}, "wanted name")
			e.Template, e.Number = oneIn(t, 2, "made"), oneIn(t, 4, "with a counter")
			if len(e.Late) > 0 && oneIn(t, 2, "the same for gus and gus2") {
				e.Late[0].Value = func(name string) string { return name[:min(3, len(name))] + "@example.org" }
			}
			if len(e.Late) > 0 && oneIn(t, 3, "of a field that may be unique") {
				e.Late[0].Field, e.Late[0].Custom = roster.CustomField, "cost_centre"
				e.Custom = slices.DeleteFunc(slices.Clone(e.Custom), func(c roster.CustomSaid) bool { return c.Name == "cost_centre" })
			}
		}
	}
}

// counters tells whether a name with a counter may be that of one row or of another.
func (n night) counters() bool {
	var bases []string
	for i, e := range n.rows {
		name := roster.Fold(asked(&e))
		if !n.counted(e) || e.Outside != "" || name == "" || slices.ContainsFunc(n.rows[:i], func(o roster.Entry) bool { return o.Outside == "" && o.Key == e.Key && asked(&o) == asked(&e) }) {
			continue
		}
		for _, other := range bases {
			short, long := min(name, other), max(name, other) // bob and bob2
			if rest, ok := strings.CutPrefix(long, short); ok && strings.Trim(rest, "0123456789") == "" {
				return true
			}
		}
		bases = append(bases, name)
	}
	return false
}

func TestR4TheOrderOfTheRowsNeverChangesThePlan(t *testing.T) {
	law(t, "L3, another order of rows: the same plan", func(t *rapid.T) {
		o := someOptions(t, oneOf(t, feeds, "profile"))
		m, rows := someDirectory(t), someRows(t, o)
		if o.Match.Key != roster.Username && oneIn(t, 2, "many want one name") {
			compete(t, rows)
		}
		n := spend(t, o, m, rows)
		if n.counters() {
			return // they follow the rows (R33)
		}
		other := spend(t, n.Options, n.before, rapid.Permutation(n.rows).Draw(t, "order"))
		if diff := cmp.Diff(n.bare(), other.bare()); diff != "" {
			n.show(t, "another order: %v\n%s", other.rows, diff)
		}
		if diff := cmp.Diff(n.facts, other.facts); diff != "" {
			n.show(t, "other facts: %s", diff)
		}
	})
}

func TestR2TheLedgersAddUpAndTheFactsAreTrue(t *testing.T) {
	law(t, "R2, the ledgers add up", func(t *rapid.T) {
		n := someNight(t)
		f := n.facts
		if f.Rows.Read != len(n.rows) {
			n.show(t, "read %d of %d rows: %+v", f.Rows.Read, len(n.rows), f.Rows)
		}
		if f.Changes() != len(n.Changes)-count(n.Changes, func(c Change) bool { return c.Action == Claim }) {
			n.show(t, "the ledgers count %d changes", f.Changes())
		}
		owned, before, after := 0, 0, 0
		for _, a := range n.before.accounts {
			if a.Link(n.Profile) != nil && a.Status() != roster.Deleted && Within(a.Values[roster.Site], n.Site) {
				owned++
				if a.Status() == roster.Active {
					before++
				}
			}
		}
		for _, a := range n.after.accounts {
			if a.Link(n.Profile) != nil && a.Status() == roster.Active && Within(a.Values[roster.Site], n.Site) {
				after++
			}
		}
		if f.Owned != owned || f.ActiveBefore != before || f.ActiveAfter != after {
			n.show(t, "owned %d, active %d and %d after; want %d, %d and %d", f.Owned, f.ActiveBefore, f.ActiveAfter, owned, before, after)
		}
		adds := count(n.Changes, func(c Change) bool { return c.Action == Add })
		removals := count(n.Changes, func(c Change) bool { return c.Action.Removes() })
		renames := count(n.Changes, func(c Change) bool { return c.Action == Rename })
		if f.Adds != adds || f.Removals < removals || f.Renames < renames {
			n.show(t, "facts %+v; want %d adds, %d removals and %d renames at least", f, adds, removals, renames)
		}
		mentioned := len(n.rows) - f.Rows.Rejected - f.Rows.Skipped - f.Rows.Added
		if n.Full && f.Absent.Total > f.Owned || !n.Full && f.Absent.Total > 0 || mentioned < 0 {
			n.show(t, "absent %+v of %d", f.Absent, f.Owned)
		}
	})
}

func count(all []Change, is func(Change) bool) (n int) {
	for _, c := range all {
		if is(c) {
			n++
		}
	}
	return n
}

func TestR64StrangersAndTheProtectedAreLeftAloneAndNobodyIsChangedTwice(t *testing.T) {
	law(t, "L6, strangers and the protected are left alone", func(t *rapid.T) {
		n := someNight(t)
		changed := map[uint64]bool{}
		for _, c := range n.Changes {
			if c.Action == Add {
				continue
			}
			if changed[c.Account] {
				n.show(t, "account %d is changed twice", c.Account)
			}
			changed[c.Account] = true
			was := n.before.byID(c.Account)
			if was.Link(n.Profile) == nil && !slices.ContainsFunc(c.Links, func(l LinkChange) bool { return l.Profile == n.Profile }) {
				n.show(t, "account %d is a stranger's", c.Account)
			}
			if was.Values[roster.Username] == "root" && (c.Action.Removes() || c.Field(roster.Username) != nil) {
				n.show(t, "the protected account is changed: %+v", c)
			}
			if c.Action != Add && c.Version != was.Version {
				n.show(t, "version %d", c.Version)
			}
		}
		for _, a := range n.before.accounts {
			if diff := cmp.Diff(&a, n.after.byID(a.ID), cmpopts.EquateEmpty()); diff != "" && !changed[a.ID] {
				n.show(t, "account %d changed without a change: %s", a.ID, diff)
			}
		}
		for _, c := range n.Changes {
			if f := c.Field(roster.Username); f != nil && f.New == "root" {
				n.show(t, "a feed takes a protected name")
			}
		}
	})
}

func TestR33NoTwoAccountsShareANameAndNoHeldNameIsTaken(t *testing.T) {
	law(t, "L7, no two accounts share a name", func(t *rapid.T) {
		n := someNight(t)
		names := map[string]uint64{}
		for _, a := range n.after.accounts {
			if name := roster.Fold(a.Values[roster.Username]); a.Status() != roster.Deleted && name != "" {
				if other := names[name]; other != 0 {
					n.show(t, "accounts %d and %d are both %s", other, a.ID, name)
				}
				names[name] = a.ID
			}
		}
		for _, c := range n.Changes {
			name := roster.Fold(Takes(c))
			for _, h := range n.before.holds {
				own := slices.Contains(n.before.holds, Hold{Name: name, Account: c.Account}) // its giver may take it back, whoever has had it since
				if name == h.Name && (c.Account == 0 || c.Account != h.Account && !own) {
					n.show(t, "account %d takes the name of account %d", c.Account, h.Account)
				}
			}
		}
	})
}

func TestR22NoAddressComesToBeShared(t *testing.T) {
	law(t, "R22, no address comes to be shared", func(t *rapid.T) {
		n := someNight(t)
		if n.UniqueEmail != "on" {
			return
		}
		was, is := sharing(n.before), sharing(n.after)
		for mail, who := range is {
			if len(who) < 2 {
				continue
			}
			for _, id := range who {
				if !slices.Contains(was[mail], id) {
					n.show(t, "account %d now shares %s with %v", id, mail, who)
				}
			}
		}
	})
}

func sharing(m *memory) map[string][]uint64 {
	all := map[string][]uint64{}
	for _, a := range m.accounts {
		if mail := roster.Fold(a.Values[roster.Email]); mail != "" && a.Status() != roster.Deleted {
			all[mail] = append(all[mail], a.ID)
		}
	}
	return all
}

func TestR3ARejectedRowsAccountStaysAsItWas(t *testing.T) {
	law(t, "L9, a rejected row's account stays as it was", func(t *rapid.T) {
		n := someNight(t)
		for _, p := range n.Problems {
			if p.Severity != roster.SeverityError || n.before.decided[p.Key] {
				continue
			}
			for _, c := range n.Changes {
				l := n.Profile
				was := n.before.byID(c.Account)
				if c.Account != 0 && (c.Account == p.Account || p.Key != "" && was.Link(l) != nil && was.Link(l).Key == p.Key) {
					n.show(t, "rejected %v, and yet %+v", p, c)
				}
			}
		}
		if n.facts.UnreadableKeys > 0 && n.facts.Absent.Kept != n.facts.Absent.Total {
			n.show(t, "a row could be anybody's, and yet %+v", n.facts.Absent)
		}
	})
}

func TestR5WhomAnotherFeedClaimsIsNotRemoved(t *testing.T) {
	law(t, "L6, whom another feed claims is not removed", func(t *rapid.T) {
		n := someNight(t)
		for _, c := range n.Changes {
			if !c.Action.Removes() || n.after.byID(c.Account).Values[roster.StatusBy] == string(roster.OriginDate) {
				continue // dates are fields, and have their own authority
			}
			for _, l := range n.before.byID(c.Account).Links {
				leave := l.Claim == roster.ClaimLeave && n.after.byID(c.Account).Values[roster.StatusReason] == string(roster.OnLeave)
				if l.Profile != n.Profile && l.Claim != roster.ClaimGone && !leave {
					n.show(t, "%s still claims %s, and yet %+v", l.Profile, l.Claim, c)
				}
			}
		}
	})
}

func TestR103ARunCanBeTakenBack(t *testing.T) {
	law(t, "L2, taken back: as before", func(t *rapid.T) {
		n := someNight(t)
		var back Plan
		next := uint64(len(n.before.accounts))
		for _, c := range n.Changes {
			if c.Action == Add {
				next++
				c.Account = next
			}
			b, left := Opposite(c, n.after.byID(c.Account))
			if b == nil || len(left) > 0 {
				n.show(t, "nothing takes %+v back: %v", c, left)
			}
			back.Changes = append(back.Changes, *b)
		}
		m := n.after.copy()
		m.apply(back)
		for i := range m.accounts {
			m.accounts[i].Version = 3
		}
		if diff := cmp.Diff(n.before.accounts, m.accounts, cmpopts.EquateEmpty()); diff != "" {
			n.show(t, "taken back, and yet (-before +after): %s", diff)
		}
	})
}

func TestR54FeedsThatAlternateComeToRest(t *testing.T) {
	law(t, "L6, feeds that alternate come to rest", func(t *rapid.T) {
		m := someDirectory(t)
		order := oneOf(t, []map[string][]string{nil, {"email": {"ad", "hr"}, "*": {"hr"}}, {"*": {"school", "ad"}}}, "order")
		var os []Options
		var drops [][]roster.Entry
		for _, f := range feeds {
			o := someOptions(t, f)
			o.Authority = order
			if o.Match.Key == roster.Username && o.Policy.Upload == "add_all" {
				o.Policy.Upload = "add"
			}
			os, drops = append(os, o), append(drops, someRows(t, o))
		}
		for round := range 6 {
			for i, o := range os {
				n := spend(t, o, m, drops[i])
				if round > 3 && len(n.Changes) > 0 {
					n.show(t, "night %s: the feeds still change things", strconv.Itoa(round))
				}
				m = n.after
			}
		}
	})
}

func TestR94WhatAPersonOrAnotherFeedGrantedStays(t *testing.T) {
	law(t, "R94, what others granted stays", func(t *rapid.T) {
		n := someNight(t)
		for i := range n.before.accounts {
			a := &n.before.accounts[i]
			now := n.after.byID(a.ID)
			for _, g := range a.Grants {
				if g.Origin == roster.Origin(n.Profile) {
					continue
				}
				if l := a.Link(string(g.Origin)); !g.Origin.IsPerson() && (l == nil || l.Claim == roster.ClaimGone) {
					continue // -manager may take that away
				}
				if over(&g, roster.Stamp(noon)) {
					g.Ended = roster.Stamp(noon) // the run ends it as the sweep would
				}
				is := now.Grant(g.Membership, g.Origin)
				if is == nil || is.Terms != g.Terms && !(is.Ended == "" && g.Ended == roster.Stamp(noon)) {
					n.show(t, "account %d: %s of %s is gone or changed: %+v", a.ID, g.Membership, g.Origin, is)
				}
			}
		}
		if n.Policy.Memberships == "exact" {
			return
		}
		for _, c := range n.Changes {
			for _, g := range c.Memberships {
				if g.New == nil && g.Old.Ended == "" && (g.Old.Until == "" || g.Old.Until > roster.Stamp(noon)) && !slices.ContainsFunc(n.rows, func(e roster.Entry) bool {
					return e.Members != nil && slices.ContainsFunc(e.Members.List, func(w roster.Wanted) bool { return w.Take && w.Membership == g.Membership })
				}) {
					n.show(t, "add took %s away", g.Membership)
				}
			}
		}
	})
}
