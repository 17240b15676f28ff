package plan

import (
	"slices"

	"golang.org/x/text/unicode/norm"

	"rollcall/internal/roster"
)

// A draft is one account on its way to a change: as it is, and as it would be.
type draft struct {
	*people
	entry    roster.Entry
	was, now *roster.Account
	line     int
	reason   string
	fault    string // code that rejects the row after all; of an absent account, that keeps it
	problems []roster.Problem
	absent   bool // no record asked for it
	outside  bool // its record left the scope
	skipped  bool // its record asks to delete, and is not let
	hidden   bool // of another site than the profile's
	byDate   bool // a date alone suspends or starts it
	adopted  bool // the profile links an account that it did not own, or by another key
	rekeyed  bool
	anchored bool         // the account was found by its anchor (R47)
	clear    roster.Clear // the password to set; "" where none is
	weak     bool         // it is
	wants    [2]*wish     // username and address that other accounts must give up first
	last     bool         // no look at the drop shows a name that it asks for: all others are served first
	more     []*wish      // values of custom fields likewise, in the order of soles; mostly nil
}

// clone copies an account, so that its links and grants can change.
func clone(a *roster.Account) *roster.Account {
	b := *a
	b.Links, b.Grants = slices.Clone(a.Links), slices.Clone(a.Grants)
	return &b
}

func (d *draft) problem(p roster.Problem) {
	p.Account = d.was.ID
	d.problems = append(d.problems, p)
}

// remark adds a problem by code; an empty code is a note.
func (d *draft) remark(code, field, text string) {
	p := roster.NewProblem(code, d.line, d.entry.Key)
	if code == "" {
		p.Severity = roster.SeverityNote
	}
	p.Field, p.Text = field, text
	d.problem(p)
}

// set writes a field, with its origin.
func (d *draft) set(f roster.Field, value string, origin roster.Origin) {
	d.now.Values[f] = value
	if f < roster.NumFeedFields {
		d.now.Origins[f] = origin
	}
}

// link ties the account to the record's key, and finds out what the profile
// now claims (R5).
func (d *draft) link(m match) {
	d.rekeyed, d.anchored = m.rekeyed && d.entry.Key != "", m.anchored
	old := d.was.Link(d.Profile)
	if old == nil {
		d.adopted = true
		d.now.Links = append(d.now.Links, roster.Link{Profile: d.Profile, Key: d.entry.Key, Claim: roster.ClaimActive})
	}
	l := d.now.Link(d.Profile)
	if d.entry.Key != "" {
		l.Key = d.entry.Key
	}
	d.anchor(l)
	l.Claim = d.claim(old)
	if d.Person != "" { // it only carries the key: see linkChanges
		d.adopted, l.Claim = false, roster.ClaimGone
	}
}

// claim is what the profile claims once the record is heard (R5, R60).
func (d *draft) claim(old *roster.Link) roster.Claim {
	switch d.entry.Wish {
	case roster.WishSuspend, roster.WishLeaver, roster.WishDelete:
		return roster.ClaimGone
	case roster.WishLeave:
		return roster.ClaimLeave
	case roster.WishNone:
		switch {
		case old == nil:
		case old.Claim == roster.ClaimLeave,
			old.Claim == roster.ClaimGone && d.mine() && d.reasonIs(roster.FeedSays, roster.Leaver, roster.OnLeave):
			return old.Claim // an empty cell keeps
		}
	}
	return roster.ClaimActive
}

// mine tells whether this profile set the account's status.
func (d *draft) mine() bool { return roster.Origin(d.was.Values[roster.StatusBy]) == d.me }

func (d *draft) reasonIs(reasons ...roster.Reason) bool {
	return slices.Contains(reasons, roster.Reason(d.was.Values[roster.StatusReason]))
}

// fields compares what the record says with what the account holds, and takes
// over what may be taken over (R14, R51, R54).
func (d *draft) fields() {
	e := d.entry
	for f := range roster.NumFeedFields {
		switch {
		case f == roster.Username:
		case e.Set.Has(f) && (e.Values[f] != "" || !d.defaulted(f)):
			d.field(f, e.Values[f], d.me)
		case d.Policy.Update == "file_and_defaults" && e.HasDef.Has(f):
			d.field(f, e.Defaults[f], roster.OriginDefault)
		case e.Set.Has(f) && d.clears(d.was.Origins[f]):
			d.field(f, "", d.me)
		}
	}
	d.customFields()
	if d.adopted && d.keyOf(d.now) == "" && e.Key != "" {
		d.setKey(string(e.Key))
	}
	d.dates()
	d.password()
}

// defaulted tells whether the profile has a default for what the record may leave
// empty in f (R53).
func (d *draft) defaulted(f roster.Field) bool {
	return d.entry.HasDef.Has(f) || slices.ContainsFunc(d.entry.Late, func(l roster.Late) bool { return l.Default && l.Field == f })
}

// clears tells whether an empty cell that clears (R14) clears a value of that origin
// though there is a default: not the default itself, which such a cell has brought (R6).
func (d *draft) clears(by roster.Origin) bool {
	return d.Policy.Update != "file_and_defaults" && by != roster.OriginDefault
}

// field takes one value over, that the record says or a default.
func (d *draft) field(f roster.Field, value string, from roster.Origin) {
	old := d.was.Values[f]
	if same(f, old, value) {
		return
	}
	if d.rekeyed && f == d.Match.Key {
		d.set(f, value, from)
		return
	}
	switch mode := d.Set[f]; {
	case d.Policy.Update == "none", mode == roster.SetOnce, mode == roster.SetUntilEdited && d.was.Origins[f].IsPerson():
		return
	case (d.Policy.Update == "fill_missing" || mode == roster.SetIfEmpty) && old != "" && !(f == roster.Email && d.back()): // the deleted hold no address (R22)
		return
	}
	if !d.yields(d.was.Origins[f], from, f.String()) {
		return
	}
	d.set(f, value, from)
}

// yields tells whether a field that somebody has written may be overwritten, and tells of
// it where it may not (R54). A default stands below all feeds, and nobody is told of it.
func (d *draft) yields(by, from roster.Origin, name string) bool {
	switch {
	case from == roster.OriginDefault:
		return d.yieldsToDefault(by)
	case d.mayOverwrite(by, name):
		return true
	}
	d.remark("E310", name, "")
	return false
}

// yieldsToDefault tells whether a default of this profile may overwrite what somebody has
// written: what is its own, a person's or nobody's. What other feeds have written, or their
// defaults, only while it alone claims the account, or two would write in turn.
func (d *draft) yieldsToDefault(by roster.Origin) bool {
	owner := d.was.Link(string(by))
	if d.Person != "" || by == d.me || owner == nil && by != roster.OriginDefault {
		return true
	}
	return d.now.Link(d.Profile).Claim != roster.ClaimGone && !d.was.Claimed(d.Profile)
}

// same compares normal forms (R52): addresses and usernames without case (R22,
// R30), everything without regard to how accents are composed.
func same(f roster.Field, a, b string) bool {
	switch {
	case a == b:
		return true
	case f == roster.Email || f == roster.Username:
		return roster.Fold(a) == roster.Fold(b)
	}
	return norm.NFC.String(a) == norm.NFC.String(b)
}

// mayWrite tells whether this profile may overwrite what stands in f (R54).
func (d *draft) mayWrite(f roster.Field) bool {
	return d.mayOverwrite(d.was.Origins[f], f.String())
}

// mayOverwrite is mayWrite for what somebody has written into a field of that name.
func (d *draft) mayOverwrite(by roster.Origin, name string) bool {
	if d.Person != "" {
		return true
	}
	owner, gone := d.was.Link(string(by)), d.now.Link(d.Profile).Claim == roster.ClaimGone
	switch {
	case by == roster.OriginDefault && gone:
		return !d.was.Claimed(d.Profile) // whose it is may still claim the account
	case by == d.me || owner == nil:
		return true // its own, a person's, a default's, or nobody's any more
	}
	if owner.Claim == roster.ClaimGone != gone {
		return !gone // who claims the account goes before who does not, or both would write in turn
	}
	return d.rank(name, d.me) < d.rank(name, by)
}

// rank is a profile's place in the authority over f; the unnamed stand last, together.
func (d *draft) rank(name string, by roster.Origin) int {
	order, ok := d.Authority[name]
	if !ok {
		order = d.Authority["*"]
	}
	if i := slices.Index(order, string(by)); i >= 0 {
		return i
	}
	return len(order)
}

// from is whose a value is that the record says or a default (R54).
func (d *draft) from(byDefault bool) roster.Origin {
	if byDefault {
		return roster.OriginDefault
	}
	return d.me
}

// late writes the values that needed the final username (R31). Where there is none
// nothing is made, or all who have none would ask for one value.
func (d *draft) late() {
	if d.now.Values[roster.Username] == "" {
		return
	}
	for _, l := range d.entry.Late {
		value := l.Value(d.now.Values[roster.Username])
		switch {
		case value == "": // nothing came of it, so it says nothing
		case l.Field == roster.CustomField:
			d.lateCustom(l, value)
		case d.was.ID != 0 && (!l.Default || d.Policy.Update == "file_and_defaults" && d.entry.Values[l.Field] == ""):
			d.field(l.Field, value, d.from(l.Default))
		case d.was.ID != 0:
		case !l.Default:
			d.set(l.Field, value, d.me)
		case d.now.Values[l.Field] == "":
			d.set(l.Field, value, roster.OriginDefault)
		}
	}
}

// change is what the draft has come to; ok is false where nothing changes.
func (d *draft) change() (c Change, ok bool) {
	c = Change{
		Account: d.was.ID, Version: d.was.Version, Username: d.now.Values[roster.Username],
		Line: d.line, Absent: d.absent, ByDate: d.byDate, Links: d.linkChanges(), Clear: d.clear, Memberships: grantChanges(d.was, d.now),
	}
	if l := d.now.Link(d.Profile); l != nil {
		c.Key = l.Key
	}
	if d.Person != "" {
		c.Key = roster.Key(d.now.Values[roster.EmployeeID])
	}
	differ := 0
	for f := range roster.NumFields {
		if d.was.Values[f] != d.now.Values[f] {
			differ++
		}
	}
	if differ > 0 {
		c.Fields = make([]FieldChange, 0, differ)
	}
	for f := range roster.NumFields {
		if d.was.Values[f] == d.now.Values[f] {
			continue
		}
		fc := FieldChange{Field: f, Name: f.String(), Old: d.was.Values[f], New: d.now.Values[f]}
		if f < roster.NumFeedFields {
			fc.Was, fc.Is = d.was.Origins[f], d.now.Origins[f]
		}
		c.Fields = append(c.Fields, fc)
	}
	c.Fields = d.customChanges(c.Fields)
	c.Action = d.action(c)
	c.ByDate = c.ByDate && len(c.Links) == 0 && len(c.Memberships) == 0 && !slices.ContainsFunc(c.Fields, func(f FieldChange) bool { return f.Fed() })
	c.Reason = d.reason
	if c.Reason == "" {
		c.Reason = d.why(c.Action)
		if c.Action == Update && len(c.Fields)+len(c.Links) == 0 {
			c.Reason = "the record lists other memberships"
		}
	}
	return c, c.Action != ""
}

// action is the strongest of what happens to the account (R2).
func (d *draft) action(c Change) Action {
	was, now := d.was.Status(), d.now.Status()
	switch {
	case d.was.ID == 0:
		return Add
	case was != now && now == roster.Deleted:
		return Delete
	case was != now && now == roster.Suspended && was == roster.Active:
		return Suspend
	case was != now:
		return Reactivate
	case d.was.Values[roster.Username] != d.now.Values[roster.Username] && d.was.Values[roster.Username] != "":
		return Rename
	case len(c.Fields) > 0, d.adopted, d.rekeyed && len(c.Links) > 0, moves(c.Memberships):
		return Update
	case len(c.Links) > 0, len(c.Memberships) > 0:
		return Claim
	}
	return ""
}

// why is the reason of a change that has no better one.
func (d *draft) why(a Action) string {
	switch {
	case a == Add:
		return "new in the feed"
	case d.adopted && a == Update && d.keyOf(d.was) == "":
		return "adopted: found by username, now known by its key"
	case d.adopted && a == Update:
		return "found by its key, now linked to this profile"
	case d.rekeyed && d.anchored:
		return "re-keyed: the source knows the entry by the same anchor, and its key is another"
	case d.rekeyed:
		return "re-keyed: the person has a new key"
	case a == Reactivate:
		return "listed again"
	case a == Rename:
		return "the record has another username"
	case a == Claim:
		return "only this profile's claim moves"
	}
	return "the record differs"
}

// linkChanges are the links that differ.
func (d *draft) linkChanges() []LinkChange {
	var all []LinkChange
	for _, l := range d.now.Links {
		old := d.was.Link(l.Profile)
		switch {
		case d.Person != "" && l.Profile == d.Profile:
		case old == nil:
			all = append(all, linkChange(nil, &l))
		case *old != l:
			all = append(all, linkChange(old, &l))
		}
	}
	return all
}
