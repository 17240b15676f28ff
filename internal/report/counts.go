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

// counts is the table of the three ledgers, with the last run's beside them.
func (p *page) counts() {
	d, last := p.d, p.last
	if d.Rows.Read == 0 && d.Absent.Total == 0 && d.ByDate == (plan.ByDate{}) && d.facts.Changes() == 0 {
		return
	}
	if last == nil {
		last = &Doc{}
	}
	const label, column = 18, 12
	row := func(name string, now, then int, always bool) {
		if now == 0 && (then == 0 || p.last == nil) && !always {
			return
		}
		text := "  " + left(name, label) + right(number(now), column)
		if p.last != nil {
			text += right(number(then), column)
		}
		p.line("%s", text)
	}
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
		p.heading("%s", title)
	}
	if p.last != nil {
		p.line("%s%s%s", left("", label+2), right("this run", column), right("last run", column))
	}
	a, b := d.Rows, last.Rows
	read := d.Input.Name != ""
	if read {
		row("rows read", a.Read, b.Read, true)
	}
	row("added", a.Added, b.Added, read)
	row("updated", a.Updated, b.Updated, read)
	row("renamed", a.Renamed, b.Renamed, false)
	row("reactivated", a.Reactivated, b.Reactivated, false)
	row("suspended", a.Suspended, b.Suspended, false)
	row(p.deleted(), a.Deleted, b.Deleted, false)
	row("unchanged", a.Unchanged, b.Unchanged, read)
	row("skipped", a.Skipped, b.Skipped, false)
	row("rejected", a.Rejected, b.Rejected, read)
	if d.Absent.Total > 0 {
		p.line("Not in the file")
		row("kept", d.Absent.Kept, last.Absent.Kept, false)
		row("suspended", d.Absent.Suspended, last.Absent.Suspended, false)
		row("deleted", d.Absent.Deleted, last.Absent.Deleted, false)
	} else if d.Input.Content == "full" {
		p.line("Not in the file: nobody")
	}
	if n := d.facts.WouldSuspend; n > 0 {
		p.line("  (with missing: suspend %s would be suspended)", people(n))
	}
	if d.ByDate != (plan.ByDate{}) {
		if d.Run.Kind == journal.Sweep {
			p.line("")
		}
		if p.d.Run.Kind == journal.Sweep && !p.d.Run.Status.Applied() {
			p.line("By date, if it were applied")
		} else {
			p.line("By date")
		}
		row("started", d.ByDate.Started, last.ByDate.Started, false)
		row("expired", d.ByDate.Expired, last.ByDate.Expired, false)
	}
	if p.purged() > 0 {
		p.say("  ", "Removed outright means: the account is gone, its name and key are free, and no revert brings it back.")
	}
	if d.Run.Profile == "" {
		return
	}
	now, then := "%s before, %s now", []any{number(d.Accounts.ActiveBefore), number(d.Accounts.ActiveAfter)}
	if !d.Run.Status.Applied() {
		now = "%s now, %s afterwards"
	}
	p.line("Active accounts: "+now, then...)
	if n := p.linked(); n > 0 {
		p.line("  at least %s of them had an account before, and %s linked to this profile", number(n), p.tense(n))
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
	return p.d.Rows.Deleted
}

// deleted is what the ledger's deleted are called: what a revert takes away is
// mostly what another run had added, and is removed outright.
func (p *page) deleted() string {
	if p.d.Run.Kind == journal.Revert {
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

// movement names the departments that changed most.
func (p *page) movement() {
	const shown = 3
	if p.d.Run.Status == journal.Held {
		return // what stands out has been told
	}
	if p.d.Run.LeftOut > 0 {
		return // whose changes were left out is not known here
	}
	all := slices.DeleteFunc(p.departments(), func(m moved) bool { return m.name == "" })
	if len(all) < 2 {
		return // one department is no news
	}
	var items []string
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
		items = append(items, fmt.Sprintf("%s (%s)", m.name, list(what)))
	}
	p.line("")
	p.wrap("Most movement: ", items, ", ")
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
