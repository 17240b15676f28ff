package report

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"time"

	"rollcall/internal/journal"
	"rollcall/internal/plan"
)

// A ledger is the table of the counts: this run's, beside the last one's and
// what is usual.
type ledger struct {
	Title   string
	Columns []string // of numbers
	Rows    []ledgerRow
	Notes   []string // below the table
}

// A ledgerRow is a count, or begins a ledger where it has none.
type ledgerRow struct {
	Name    string
	Numbers []string
	Note    string // instead of numbers, over the whole width
}

// ledger is the table of the three ledgers; it has no rows where there is
// nothing to count.
func (p *page) ledger() (l ledger) {
	d, last, usual := p.d, p.last, p.usual
	if d.Rows.Read == 0 && d.Absent.Total == 0 && d.ByDate == (plan.ByDate{}) && d.facts.Changes() == 0 {
		return l
	}
	if last == nil {
		last = &Doc{}
	}
	if usual == nil {
		usual = &Usual{}
	}
	row := func(name string, now, then, mostly int, always bool) {
		if now == 0 && then == 0 && mostly == 0 && !always {
			return
		}
		r := ledgerRow{Name: name, Numbers: []string{number(now)}}
		if p.last != nil {
			r.Numbers = append(r.Numbers, number(then))
		}
		if p.usual != nil {
			r.Numbers = append(r.Numbers, number(mostly))
		}
		l.Rows = append(l.Rows, r)
	}
	begin := func(name string) { l.Rows = append(l.Rows, ledgerRow{Name: name}) }
	title := "From the file"
	if d.Run.Kind == journal.Revert || d.Run.Kind == journal.Batch {
		title = "Accounts"
	}
	if !d.Run.Status.Applied() {
		title = "If it were applied"
	}
	if name := p.input(); name != "" {
		title += " (" + name + ")"
	}
	if d.Run.Kind != journal.Sweep {
		l.Title = title
	}
	l.Columns = []string{"this run"}
	if p.last != nil {
		l.Columns = append(l.Columns, "last run")
	}
	if p.usual != nil {
		l.Columns = append(l.Columns, "usual")
	}
	a, b, c := d.Rows, last.Rows, usual.Rows
	read := d.Input.Name != ""
	if how := Read(d.Input.Reading); how != "" {
		l.Rows = append(l.Rows, ledgerRow{Note: "read of the directory: " + how})
	}
	if read {
		row("rows read", a.Read, b.Read, c.Read, true)
	}
	row("added", a.Added, b.Added, c.Added, read)
	row("updated", a.Updated, b.Updated, c.Updated, read)
	row("renamed", a.Renamed, b.Renamed, c.Renamed, false)
	row("reactivated", a.Reactivated, b.Reactivated, c.Reactivated, false)
	row("suspended", a.Suspended, b.Suspended, c.Suspended, false)
	row(p.deleted(), a.Deleted, b.Deleted, c.Deleted, false)
	row("unchanged", a.Unchanged, b.Unchanged, c.Unchanged, read)
	row("skipped", a.Skipped, b.Skipped, c.Skipped, false)
	if s := d.facts.Scope; s.Outside > 0 {
		l.Rows = append(l.Rows, ledgerRow{Note: outOfScope(s)})
	}
	row("rejected", a.Rejected, b.Rejected, c.Rejected, read)
	if d.Absent.Total > 0 || d.Absent == (plan.Absent{}) && d.Input.Content == "full" && (last.Absent.Total > 0 || usual.Absent.Total > 0) {
		begin("Not in the file")
		row("kept", d.Absent.Kept, last.Absent.Kept, usual.Absent.Kept, false)
		row("suspended", d.Absent.Suspended, last.Absent.Suspended, usual.Absent.Suspended, false)
		row("deleted", d.Absent.Deleted, last.Absent.Deleted, usual.Absent.Deleted, false)
	} else if d.Input.Content == "full" {
		begin("Not in the file: nobody")
	}
	if n := d.facts.Rescinded; n > 0 {
		l.Rows = append(l.Rows, ledgerRow{Note: fmt.Sprintf("(rescinded: %s waited for the start, and will not start)", people(n))})
	}
	if n := d.facts.WouldSuspend; n > 0 {
		l.Rows = append(l.Rows, ledgerRow{Note: fmt.Sprintf("(with missing: suspend %s would be suspended)", people(n))})
	}
	if d.ByDate != (plan.ByDate{}) || last.ByDate != (plan.ByDate{}) || usual.ByDate != (plan.ByDate{}) {
		switch {
		case p.d.Run.Kind == journal.Sweep && !p.d.Run.Status.Applied():
			begin("By date, if it were applied")
		default:
			begin("By date")
		}
		row("started", d.ByDate.Started, last.ByDate.Started, usual.ByDate.Started, false)
		row("expired", d.ByDate.Expired, last.ByDate.Expired, usual.ByDate.Expired, false)
	}
	if p.purged() > 0 {
		l.Notes = append(l.Notes, "Removed outright means: the account is gone, its name and key are free, and no revert brings it back.")
	}
	l.Notes = append(l.Notes, p.passwords()...)
	if d.Run.Profile == "" {
		return l
	}
	now := "%s before, %s now"
	if !d.Run.Status.Applied() {
		now = "%s now, %s afterwards"
	}
	active := "Active accounts: " + fmt.Sprintf(now, number(d.Accounts.ActiveBefore), number(d.Accounts.ActiveAfter))
	if n := p.linked(); n > 0 {
		active += fmt.Sprintf("; at least %s of them had an account before, and %s linked to this profile", number(n), p.tense(n))
	}
	l.Notes = append(l.Notes, active)
	return l
}

// outOfScope tells what the scope left out.
func outOfScope(s plan.Scope) string {
	text := fmt.Sprintf("(%s out of scope", number(s.Outside))
	if s.Left > 0 {
		text += fmt.Sprintf(", of %s with an account of this profile", people(s.Left))
	}
	return text + ")"
}

// counts writes the ledger.
func (p *page) counts() {
	l := p.ledger()
	if len(l.Rows) == 0 {
		return
	}
	p.line("")
	if l.Title != "" {
		p.line("%s", l.Title)
	}
	p.table(l)
}

func (p *page) table(l ledger) {
	const label, column = 18, 12
	if len(l.Columns) > 1 {
		text := left("", label+2)
		for _, c := range l.Columns {
			text += right(c, column)
		}
		p.line("%s", text)
	}
	for _, r := range l.Rows {
		switch {
		case r.Note != "":
			p.line("  %s", r.Note)
		case len(r.Numbers) == 0:
			p.line("%s", r.Name)
		default:
			text := "  " + left(r.Name, label)
			for _, n := range r.Numbers {
				text += right(n, column)
			}
			p.line("%s", text)
		}
	}
	for _, n := range l.Notes {
		p.say("", "%s", n)
	}
}

// linked is how many active accounts the profile owns more than it added,
// reactivated or started: they were there before and it has linked them. There
// are more of them where the run removes others. Of a plan that waited it is 0:
// what others did meanwhile is in its numbers.
func (p *page) linked() int {
	d := p.d
	waited := d.Run.Approved || d.Run.Finished.Sub(d.Run.Started.Time) > p.worked()+time.Minute
	if d.Run.Kind != journal.Sync || d.Run.Status.Applied() && waited {
		return 0
	}
	return d.Accounts.ActiveAfter - d.Accounts.ActiveBefore - d.Rows.Added - d.Rows.Reactivated - d.ByDate.Started
}

// tense says that something is so, or would be.
func (p *page) tense(n int) string {
	switch {
	case !p.d.Run.Status.Applied():
		return "would be"
	case n == 1:
		return "is now"
	}
	return "are now"
}

// purged is how many accounts a revert removes outright: those that the run it
// takes back had added.
func (p *page) purged() int {
	if p.d.Run.Kind != journal.Revert {
		return 0
	}
	return p.d.facts.Outright
}

// deleted is what the ledger's deleted are called: what a revert takes away is
// mostly what another run had added, and is removed outright. Who is erased is no
// deleted account that could be restored.
func (p *page) deleted() string {
	switch f := p.d.facts; {
	case f.Erased == 0 || f.Erased != p.d.Rows.Deleted:
	case f.Purged == f.Erased:
		return "purged"
	case f.Purged == 0:
		return "anonymised"
	default:
		return "erased"
	}
	if n := p.purged(); n > 0 && n == p.d.Rows.Deleted {
		return "removed"
	}
	return "deleted"
}

func people(n int) string {
	if n == 1 {
		return "1 person"
	}
	return number(n) + " people"
}

// moved is a department and what happened to it.
type moved struct {
	name string // "" for the departments that are not told apart
	plan.Movement
}

func (m moved) all() int { return m.Added + m.Changed + m.Removed }

// departments are those of the run, most movement first.
func (p *page) departments() []moved {
	var all []moved
	for _, name := range slices.Sorted(maps.Keys(p.d.facts.Departments)) {
		m := moved{clean(name), p.d.facts.Departments[name]}
		if p.d.Run.Excepted > 0 {
			m.Removed = 0 // they were planned and not done
		}
		if m.all() > 0 {
			all = append(all, m)
		}
	}
	slices.SortStableFunc(all, func(a, b moved) int {
		return cmp.Or(b.all()-a.all(), cmp.Compare(a.name, b.name))
	})
	return all
}

// movement is the departments that changed most, each with what happened there;
// none where that is no news.
func (p *page) movement() (items []string) {
	const shown = 3
	if p.d.Run.Status == journal.Held {
		return nil // what stands out has been told
	}
	if p.d.Run.LeftOut > 0 {
		return nil // whose changes were left out is not known here
	}
	all := slices.DeleteFunc(p.departments(), func(m moved) bool { return m.name == "" })
	if len(all) < 2 {
		return nil // one department is no news
	}
	for _, m := range all[:min(len(all), shown)] {
		var what []string
		for _, w := range []struct {
			n    int
			word string
		}{{m.Added, "added"}, {m.Changed, "changed"}, {m.Removed, "removed"}} {
			if w.n > 0 {
				what = append(what, number(w.n)+" "+w.word)
			}
		}
		items = append(items, fmt.Sprintf("%s (%s)", cut(m.name, maxName), list(what)))
	}
	return items
}

// mostMovement writes it.
func (p *page) mostMovement() {
	if items := p.movement(); len(items) > 0 {
		p.line("")
		p.wrap("Most movement: ", items, ", ")
	}
}

// mostRemoved is the department with at least half of the removals; "" and 0
// where there is none.
func (p *page) mostRemoved() (string, int) {
	for _, m := range p.departments() {
		if m.name != "" && m.Removed*2 >= p.d.facts.Removals && m.Removed > 0 {
			return m.name, m.Removed
		}
	}
	return "", 0
}
