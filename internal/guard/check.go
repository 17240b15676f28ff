package guard

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/dustin/go-humanize"

	"rollcall/internal/plan"
	"rollcall/internal/roster"
)

// effect is what a tripped guardrail means for its plan.
type effect int

const (
	holds       effect = iota
	holdsLeaver        // holds, and would not if the removals were left out
	tells              // the plan goes on; the planner has already drawn the consequence
)

// guards is the whole list, in the order of reports. A new guard is a new row
// here and in check_test.go. A guard answers with nothing where it does not
// apply, and with as many findings as it has things to say; name and code are
// filled in for it.
var guards = []struct {
	name   string // stable: it stands in reports and in YAML
	code   string // of roster.Codes
	effect effect
	check  func(Limits, plan.Facts, Baseline) []Finding
}{
	{"max_removals", "E501", holdsLeaver, removals},
	{"everybody", "E511", holdsLeaver, everybody},
	{"max_adds", "E504", holds, adds},
	{"max_renames", "E505", holds, renames},
	{"max_field_change", "E506", holds, fieldChanges},
	{"max_membership_removals", "E507", holds, membershipRemovals},
	{"max_rejected", "E508", holds, rejected},
	{"min_rows", "E509", holds, fewRows},
	{"max_rows", "E510", holds, manyRows},
	{"canaries", "E512", holds, canaries},
	{"unreadable_key", "E513", tells, unreadableKeys},
	{"sequence", "E409", holds, sequence},
	{"first_run", "E514", holds, firstRun},
}

// Check weighs the facts of a plan: a finding for each guardrail that applies,
// whether it trips or not. Codes stand on those that trip.
func Check(l Limits, f plan.Facts, b Baseline) []Finding {
	var found []Finding
	for _, g := range guards {
		for _, one := range g.check(l, f, b) {
			one.Name = g.name
			if one.Tripped {
				one.Code = g.code
			}
			found = append(found, one)
		}
	}
	return found
}

// Holds tells whether the plan has to wait for a person. A key that cannot be
// read is told and does not hold: the run goes on without its removals by
// absence (R3).
func Holds(found []Finding) bool {
	return slices.ContainsFunc(found, Finding.Holds)
}

// Holds tells whether this finding by itself holds the plan.
func (f Finding) Holds() bool { return f.Tripped && effectOf(f.Name) != tells }

// OnlyRemovals tells whether the plan is held, and would not be if it removed
// nobody: what on_hold: removals asks.
func OnlyRemovals(found []Finding) bool {
	return Holds(found) && !slices.ContainsFunc(found, func(f Finding) bool {
		return f.Holds() && effectOf(f.Name) != holdsLeaver
	})
}

// effectOf looks a finding up; one that this binary does not know holds.
func effectOf(name string) effect {
	for _, g := range guards {
		if g.name == name {
			return g.effect
		}
	}
	return holds
}

func removals(l Limits, f plan.Facts, _ Baseline) []Finding {
	most := l.MaxRemovals.most(f.ActiveBefore, DefaultLimits().MaxRemovals)
	return weigh(f.Removals, most, fmt.Sprintf("%s of %s would be removed%s; the limit is %s",
		number(f.Removals), many(f.ActiveBefore, "active account"), percent(f.Removals, f.ActiveBefore), number(most)))
}

// smallest is how many accounts a profile owns before everybody means anything.
const smallest = 4

func everybody(_ Limits, f plan.Facts, _ Baseline) []Finding {
	if f.Owned < smallest {
		return nil
	}
	return weigh(f.Removals, f.Owned/2, fmt.Sprintf("%s of all %s of the profile would be removed%s; more than half always waits for a person",
		number(f.Removals), many(f.Owned, "account"), percent(f.Removals, f.Owned)))
}

func adds(l Limits, f plan.Facts, b Baseline) []Finding {
	if !b.Applied {
		return nil
	}
	most := l.MaxAdds.most(f.ActiveBefore, DefaultLimits().MaxAdds)
	return weigh(f.Adds, most, fmt.Sprintf("%s would be added to %s%s; the limit is %s",
		many(f.Adds, "account"), many(f.ActiveBefore, "active one"), percent(f.Adds, f.ActiveBefore), number(most)))
}

func renames(l Limits, f plan.Facts, _ Baseline) []Finding {
	most := l.MaxRenames.most(f.ActiveBefore, DefaultLimits().MaxRenames)
	return weigh(f.Renames, most, fmt.Sprintf("%s of %s would be renamed or get another key%s; the limit is %s",
		number(f.Renames), many(f.ActiveBefore, "active account"), percent(f.Renames, f.ActiveBefore), number(most)))
}

// fieldChanges answers with each field that trips, or else with the one that
// comes nearest to its limit.
func fieldChanges(l Limits, f plan.Facts, _ Baseline) []Finding {
	var tripped []Finding
	nearest := Finding{Limit: l.field(anyField).most(f.ActiveBefore, defaultField()), Text: "no field would change for anybody who has it"}
	for _, name := range slices.Sorted(maps.Keys(f.FieldChanges)) {
		n := f.FieldChanges[name]
		if field, known := roster.FieldNamed(name); n == 0 || known && (field == roster.Username || field >= roster.NumFeedFields && field != roster.PasswordField) {
			continue // counted by other guardrails
		}
		most := l.field(name).most(f.ActiveBefore, defaultField())
		one := weigh(n, most, fmt.Sprintf("%s would change for %s of %s%s; the limit is %s",
			name, number(n), many(f.ActiveBefore, "active account"), percent(n, f.ActiveBefore), number(most)))[0]
		if one.Tripped {
			tripped = append(tripped, one)
		}
		if one.Limit-one.Value < nearest.Limit-nearest.Value || nearest.Value == 0 {
			nearest = one
		}
	}
	if len(tripped) > 0 {
		return tripped
	}
	return []Finding{nearest}
}

// membershipRemovals counts against what the profile grants. Where nothing is taken
// away there is nothing to say.
func membershipRemovals(l Limits, f plan.Facts, b Baseline) []Finding {
	if f.MembershipsRemoved == 0 {
		return nil
	}
	most := l.MaxMembershipRemovals.most(b.Granted, DefaultLimits().MaxMembershipRemovals)
	return weigh(f.MembershipsRemoved, most, fmt.Sprintf("%s of %s that this profile granted would be taken away%s; the limit is %s",
		number(f.MembershipsRemoved), many(b.Granted, "membership"), percent(f.MembershipsRemoved, b.Granted), number(most)))
}

// field is the limit of one field's changes.
func (l Limits) field(name string) Limit {
	if limit, ok := l.MaxFieldChange[name]; ok {
		return limit
	}
	if limit, ok := l.MaxFieldChange[anyField]; ok {
		return limit
	}
	return defaultField()
}

func defaultField() Limit { return DefaultLimits().MaxFieldChange[anyField] }

// rejected counts against the active accounts, like the others; in a first run
// there are none, and the rows of the drop take their place.
func rejected(l Limits, f plan.Facts, b Baseline) []Finding {
	base := f.ActiveBefore
	if !b.Applied {
		base = f.Rows.Read
	}
	most := l.MaxRejected.most(base, DefaultLimits().MaxRejected)
	return weigh(f.NewRejected, most, fmt.Sprintf("%s of %s newly rejected%s; the limit is %s",
		number(f.NewRejected), be(f.Rows.Read, "row"), percent(f.NewRejected, f.Rows.Read), number(most)))
}

func fewRows(l Limits, f plan.Facts, b Baseline) []Finding {
	if !f.Full {
		return nil
	}
	var least int
	switch {
	case l.MinRows.exact():
		least = l.MinRows.Floor
	case b.MedianRows > 0:
		least = b.MedianRows - max(l.MinRows.floor(DefaultLimits().MinRows), share(100-l.MinRows.Percent, b.MedianRows))
	default:
		return nil
	}
	least = max(least, 0)
	return []Finding{{
		Value: f.Rows.Read, Limit: least, Tripped: f.Rows.Read < least,
		Text: rowsText(f, b) + "; the least is " + number(least),
	}}
}

func manyRows(l Limits, f plan.Facts, b Baseline) []Finding {
	if !f.Full {
		return nil
	}
	var most int
	switch {
	case l.MaxRows.exact():
		most = l.MaxRows.Floor
	case b.MedianRows > 0:
		most = max(b.MedianRows+l.MaxRows.floor(DefaultLimits().MaxRows), share(l.MaxRows.Percent, b.MedianRows))
	default:
		return nil
	}
	return weigh(f.Rows.Read, most, rowsText(f, b)+"; the most is "+number(most))
}

// exact tells whether a limit on rows is a plain number of rows.
func (l Limit) exact() bool { return l.Percent == 0 && !l.NoFloor }

func rowsText(f plan.Facts, b Baseline) string {
	text := "the drop has " + many(f.Rows.Read, "row")
	if b.MedianRows == 0 {
		return text
	}
	if n := len(b.RowHistory); n > 1 {
		return fmt.Sprintf("%s, the median of the last %d is %s", text, n, number(b.MedianRows))
	}
	return fmt.Sprintf("%s, the last one had %s", text, number(b.MedianRows))
}

func canaries(l Limits, f plan.Facts, _ Baseline) []Finding {
	if !f.Full || len(l.Canaries) == 0 {
		return nil
	}
	missing := f.MissingCanaries
	if len(missing) == 0 {
		return weigh(0, 0, "every canary is in the drop")
	}
	const shown = 5
	text := strings.Join(missing[:min(len(missing), shown)], ", ")
	if len(missing) > shown {
		text += fmt.Sprintf(" and %d more", len(missing)-shown)
	}
	verb := "is"
	if len(missing) > 1 {
		verb = "are"
	}
	return weigh(len(missing), 0, fmt.Sprintf("%s of %s %s missing from the drop: %s",
		number(len(missing)), many(len(l.Canaries), "canary"), verb, text))
}

func unreadableKeys(_ Limits, f plan.Facts, _ Baseline) []Finding {
	if !f.Full {
		return nil // a delta removes nobody by absence
	}
	if f.UnreadableKeys == 0 {
		return weigh(0, 0, "the key of every row can be read")
	}
	return weigh(f.UnreadableKeys, 0, fmt.Sprintf("the key of %s cannot be read, so anybody could be meant: the run goes on without removals by absence (%s left out)",
		many(f.UnreadableKeys, "row"), number(f.Withheld)))
}

func sequence(_ Limits, _ plan.Facts, b Baseline) []Finding {
	s := b.Sequence
	switch {
	case s == nil:
		return nil
	case !s.Follows:
		return weigh(0, 0, fmt.Sprintf("the sequence begins with number %d", s.Number))
	case s.Number == s.Last+1:
		return weigh(0, 0, fmt.Sprintf("number %d follows %d", s.Number, s.Last))
	}
	return weigh(int(s.Number-s.Last-1), 0, Gap(s.Last, s.Number)+": as soon as HR sends what is missing it is read first, and this drop after it")
}

// Gap says what is missing between two numbers of a sequence.
func Gap(last, number int64) string {
	switch {
	case number == last+2:
		return fmt.Sprintf("number %d follows %d: %d is missing", number, last, last+1)
	case number == last+3:
		return fmt.Sprintf("number %d follows %d: %d and %d are missing", number, last, last+1, last+2)
	}
	return fmt.Sprintf("number %d follows %d: %d to %d are missing", number, last, last+1, number-1)
}

func firstRun(l Limits, f plan.Facts, b Baseline) []Finding {
	if l.FirstRun == "apply" {
		return nil
	}
	if !b.Applied {
		changes := f.Changes()
		return weigh(changes, 0, "this profile has no applied run yet: somebody should look at its "+many(changes, "change")+" once")
	}
	if b.Remapped {
		n := f.Removals + f.Renames
		return weigh(n, 0, fmt.Sprintf("mapping, key or source have changed since the last applied run: %s and %s may be a mistake",
			many(f.Removals, "removal"), many(f.Renames, "rename")))
	}
	return nil
}

func weigh(value, limit int, text string) []Finding {
	return []Finding{{Value: value, Limit: limit, Tripped: value > limit, Text: text}}
}

func number(n int) string { return humanize.Comma(int64(n)) }

// many is a number with its noun: "1 row", "4,817 rows".
func many(n int, noun string) string {
	switch {
	case n == 1:
		return "1 " + noun
	case noun == "canary":
		return number(n) + " canaries"
	}
	return number(n) + " " + noun + "s"
}

// be is many with its verb: "1 row is", "4,817 rows are".
func be(n int, noun string) string {
	if n == 1 {
		return many(n, noun) + " is"
	}
	return many(n, noun) + " are"
}

// percent is n as a share of base, in brackets; "" where there is no base.
func percent(n, base int) string {
	if base <= 0 {
		return ""
	}
	p := float64(n) * 100 / float64(base)
	s := fmt.Sprintf("%.1f", p)
	if p < 0.1 {
		s = fmt.Sprintf("%.2f", p)
	}
	return " (" + strings.TrimSuffix(strings.TrimRight(s, "0"), ".") + " %)"
}
