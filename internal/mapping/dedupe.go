package mapping

import (
	"cmp"
	"hash/maphash"
	"iter"
	"slices"

	"rollcall/internal/roster"
)

// A Dedupe joins the rows of people who have several, one for each job perhaps
// (profile key format.dedupe). The zero Dedupe joins nothing: several rows of one
// key are then copies (R41).
//
// One row is the person's main one: of those that [Dedupe.Prefer] describes, or of
// all, the one whose values stand first, so that the order of the rows is of no
// account (R4). The others give only what Status, ExpiresOn and Lists say. What is wrong
// with any of them is wrong with the person.
type Dedupe struct {
	By        string            // key, or the column of the key; "" for none
	Prefer    map[string]string // column to the value that it has in a main row
	Status    string            // any_active: nobody goes whom some row lets stay; main: the main row's. "" is any_active
	ExpiresOn string            // latest: the last of all ends, where no row is without one; main. "" is latest
	Lists     string            // union: memberships of every row; main: of the main one. "" is union
	Fold      bool              // keys are compared without case
}

// maxOpen is how many people may wait for another of their rows, in memory.
const maxOpen = 100_000

// On tells whether rows are joined.
func (d Dedupe) On() bool { return d.By != "" }

// Validate reports everything that is wrong with d, by path below format.dedupe.
func (d Dedupe) Validate() []*roster.Fault {
	var faults []*roster.Fault
	if d.By == "" {
		faults = append(faults, &roster.Fault{Path: "by", Text: "missing", Hint: "write  by: key"})
	}
	for _, one := range []struct{ path, said, word string }{{"status", d.Status, "any_active"}, {"expires_on", d.ExpiresOn, "latest"}, {"lists", d.Lists, "union"}} {
		if one.said != "" && one.said != one.word && one.said != "main" {
			faults = append(faults, &roster.Fault{Path: one.path, Text: `"` + one.said + `" is no way to join it`, Hint: "write " + one.word + " or main"})
		}
	}
	return faults
}

// preferred tells whether a record is one that Prefer describes.
func (m *Mapper) preferred(r row) bool {
	for _, c := range m.prefer {
		if r.cell(c.index) != c.value {
			return false
		}
	}
	return len(m.prefer) > 0
}

// A liking is the value that a column has in a main row.
type liking struct {
	index int
	value string
}

// Join gives out the entries of read with those of one key made one, where the
// last of its rows stands. It reads all of them once, the first time, to count the
// rows of each key; what it holds is 8 bytes a row, and the people whose rows are
// not yet complete.
//
// Where the key of some row cannot be read, that row may be anybody's, also the one
// that says that somebody stays: then no row takes anything away (R3).
func (d Dedupe) Join(read func() iter.Seq2[roster.Entry, error]) func() iter.Seq2[roster.Entry, error] {
	var several map[uint64]int
	strays := false // rows that may be anybody's
	seed := maphash.MakeSeed()
	return func() iter.Seq2[roster.Entry, error] {
		return func(yield func(roster.Entry, error) bool) {
			if several == nil {
				found, stray, err := d.count(seed, read())
				if err != nil {
					yield(roster.Entry{}, err)
					return
				}
				several, strays = found, stray
			}
			d.join(seed, read(), several, func(e roster.Entry, err error) bool {
				if strays {
					e = withheld(e)
				}
				return yield(e, err)
			})
		}
	}
}

// withheld is what an entry asks for, less what would take something away.
func withheld(e roster.Entry) roster.Entry {
	switch e.Wish {
	case roster.WishSuspend, roster.WishLeave, roster.WishLeaver, roster.WishDelete:
		e.Wish = roster.WishNone
		e.Problems = append(slices.Clone(e.Problems), roster.Problem{
			Severity: roster.SeverityNote, Line: e.Line, Key: e.Key, Text: "what takes access away waits: the key of another row cannot be read, and that may be this person's (format.dedupe)",
		})
	}
	for _, f := range []roster.Field{roster.StartsOn, roster.ExpiresOn} {
		e.Values[f], e.Set = "", e.Set.Without(f)
	}
	e.Members = nil
	return e
}

// count finds the keys that stand on several rows, by hash, and tells whether some
// row may be anybody's.
func (d Dedupe) count(seed maphash.Seed, entries iter.Seq2[roster.Entry, error]) (several map[uint64]int, strays bool, err error) {
	var all []uint64
	for e, err := range entries {
		if err != nil {
			return nil, false, err
		}
		strays = strays || e.Key == "" || e.KeyBad || e.Broken
		if id, ok := d.id(seed, e); ok {
			all = append(all, id)
		}
	}
	slices.Sort(all)
	several = map[uint64]int{}
	for i := 1; i < len(all); i++ {
		if all[i] == all[i-1] {
			several[all[i]] = max(several[all[i]], 1) + 1
		}
	}
	return several, strays, nil
}

// join is one reading.
func (d Dedupe) join(seed maphash.Seed, entries iter.Seq2[roster.Entry, error], several map[uint64]int, yield func(roster.Entry, error) bool) {
	type waiting struct {
		people []person // mostly one: others only share a hash
		left   int      // rows to come
	}
	open := map[uint64]*waiting{}
	for e, err := range entries {
		id, ok := d.id(seed, e)
		if err != nil || !ok || several[id] == 0 {
			if !yield(e, err) || err != nil {
				return
			}
			continue
		}
		w := open[id]
		if w == nil {
			if len(open) == maxOpen {
				yield(e, &roster.Refusal{
					Code: "E411", Line: e.Line, Text: "the rows of too many people lie far apart", Fix: "have HR sort the file by key: format.dedupe joins rows that lie together in any number",
				})
				return
			}
			w = &waiting{left: several[id]}
			open[id] = w
		}
		i := slices.IndexFunc(w.people, func(p person) bool { return d.key(p.main) == d.key(e) })
		if i < 0 {
			w.people = append(w.people, person{main: e, wish: e.Wish, ends: e})
		} else {
			w.people[i].add(e)
		}
		if w.left--; w.left > 0 {
			continue
		}
		delete(open, id)
		for _, p := range w.people {
			if !yield(p.entry(d), nil) {
				return
			}
		}
	}
}

// id is a hash of whom an entry means; none where its key is not known, or the
// scope leaves it out.
func (d Dedupe) id(seed maphash.Seed, e roster.Entry) (uint64, bool) {
	return maphash.String(seed, d.key(e)), e.Key != "" && !e.KeyBad && e.Outside == ""
}

func (d Dedupe) key(e roster.Entry) string {
	if d.Fold {
		return roster.Fold(string(e.Key))
	}
	return string(e.Key)
}

// A person is the rows of one key, as far as they have been read.
type person struct {
	main     roster.Entry
	wish     roster.Wish  // of all, the one that leaves most
	ends     roster.Entry // of all, the one that ends last
	lines    []int        // of the rows but the main one
	problems []roster.Problem
	broken   bool
	members  []*roster.Members // of every row that says any
}

func (p *person) add(e roster.Entry) {
	if len(p.lines) == 0 && p.main.Members != nil {
		p.members = append(p.members, p.main.Members)
	}
	if e.Members != nil {
		p.members = append(p.members, e.Members)
	}
	if slices.Index(wishes, e.Wish) < slices.Index(wishes, p.wish) {
		p.wish = e.Wish
	}
	if later(e, p.ends) {
		p.ends = e
	}
	if before(e, p.main) {
		e, p.main = p.main, e
	}
	p.lines = append(p.lines, e.Line)
	p.problems = append(p.problems, e.Problems...)
	p.broken = p.broken || e.Broken
}

// entry is what the rows say together.
func (p *person) entry(d Dedupe) roster.Entry {
	e := p.main
	if len(p.lines) == 0 {
		return e
	}
	slices.Sort(p.lines)
	e.Joined, e.Broken = p.lines, e.Broken || p.broken
	e.Problems = append(slices.Clone(e.Problems), p.problems...)
	slices.SortStableFunc(e.Problems, func(a, b roster.Problem) int { return cmp.Compare(a.Line, b.Line) })
	if d.Status != "main" {
		e.Wish = p.wish
	}
	if d.Lists != "main" && len(p.members) > 0 {
		e.Members = roster.Union(p.members)
	}
	if d.ExpiresOn != "main" {
		f := roster.ExpiresOn
		e.Values[f], e.Set = p.ends.Values[f], e.Set.Without(f)
		if p.ends.Set.Has(f) {
			e.Set = e.Set.With(f)
		}
	}
	return e
}

// wishes stand from what leaves most to what leaves least.
var wishes = []roster.Wish{roster.WishActive, roster.WishNone, roster.WishLeave, roster.WishSuspend, roster.WishLeaver, roster.WishDelete}

// later tells whether a ends after b. Who has no end has the latest, and one that
// clears the field says so more plainly.
func later(a, b roster.Entry) bool {
	f := roster.ExpiresOn
	x, y := a.Values[f], b.Values[f]
	if x == "" || y == "" {
		return x == "" && (y != "" || a.Set.Has(f) && !b.Set.Has(f))
	}
	return x > y
}

// before tells whether a is rather a main row than b. What both say is compared
// last by the line, where it is the same.
func before(a, b roster.Entry) bool {
	flag := func(is bool) int {
		if is {
			return 0
		}
		return 1
	}
	return cmp.Or(
		cmp.Compare(flag(a.Preferred), flag(b.Preferred)),
		slices.Compare(a.Values[:], b.Values[:]),
		slices.CompareFunc(a.Custom, b.Custom, roster.CustomSaid.Compare),
		cmp.Compare(slices.Index(wishes, a.Wish), slices.Index(wishes, b.Wish)),
		cmp.Compare(a.OldUsername, b.OldUsername),
		cmp.Compare(a.PreviousKey, b.PreviousKey),
		cmp.Compare(a.Anchor, b.Anchor),
		cmp.Compare(a.Password.Reveal(), b.Password.Reveal()),
		roster.CompareMembers(a.Members, b.Members),
		cmp.Compare(a.Line, b.Line),
	) < 0
}
