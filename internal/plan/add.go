package plan

import (
	"slices"
	"time"

	"rollcall/internal/roster"
)

// add plans new accounts for the records that found none, in the order of the
// rows (R33, R43): those first who get no number, so that no number is theirs.
func (p *planner) add() error {
	p.numbers = map[string]*numbers{}
	p.likes = p.compares()
	if err := p.addOf(p.nobody); err != nil {
		return err
	}
	p.nobody = waiting{}
	return p.addOf(p.counting)
}

func (p *planner) addOf(records waiting) error {
	return p.each(p.again(records), func(part []numbered) error {
		w, err := p.load(part)
		if err != nil {
			return err
		}
		for _, e := range part {
			if done, err := w.copied(e); done || err != nil {
				if err != nil {
					return err
				}
				continue
			}
			if err := w.newcomer(e.Entry); err != nil {
				return err
			}
		}
		return nil
	})
}

// newcomer plans one new account, or says why there is none.
func (w *people) newcomer(e roster.Entry) error {
	switch {
	case w.forgotten(e.Key) && removal(e.Wish): // it is gone already (R66)
		return w.unchanged(e, &roster.Account{})
	case w.forgotten(e.Key):
		problem := roster.NewProblem("E307", e.Line, e.Key)
		problem.Field = w.blamed(e, "E307")
		problem.Text = "the key is that of an account that was anonymised or purged"
		problem.Fix = "if HR means somebody new: rollcall accounts link PROFILE KEY new; else remove the row in HR"
		e.Problems = append(e.Problems, problem)
		return w.reject(e, 0)
	case e.Wish == roster.WishDelete && w.deleted(e) != nil: // likewise
		return w.unchanged(e, w.deleted(e))
	case e.Wish == roster.WishDelete:
		return w.rejectFor(e, "E308", 0)
	case worst(e.Problems) == roster.SeverityError:
		return w.reject(e, 0)
	case w.Policy.Upload == "update":
		return w.skip(e, 0, w.note(e, "unknown, and policy.upload is update"))
	case e.Wish == roster.WishLeaver:
		return w.skip(e, 0, w.note(e, "unknown, and a leaver already"))
	}
	w.fresh = roster.Account{}
	d := &draft{people: w, entry: e, was: &w.none, now: &w.fresh, line: e.Line}
	d.fill()
	if d.tooEarly() {
		return w.skip(e, 0, w.note(e, "it is not time yet to add the account: policy.create_before"))
	}
	alike, found := w.lookalike(e)
	if found && w.Match.Lookalike == "wait" {
		return w.skip(e, alike.Account, alike)
	}
	if found {
		d.problems = append(d.problems, alike)
	}
	code, err := d.christen()
	if err != nil {
		return err
	}
	if code == "" {
		d.late()
		if code, err = d.address(); err != nil {
			return err
		}
	}
	if code == "" {
		forbidden, err := d.judgeNew()
		if err != nil {
			return err
		}
		if forbidden {
			e.Problems = append(e.Problems, d.problems...)
			return w.reject(e, 0)
		}
	}
	if code != "" {
		e.Problems = append(e.Problems, d.problems...)
		return w.rejectWith(e, code, d.whyTaken(code), 0)
	}
	if faults := d.lacking(); len(faults) > 0 {
		e.Problems = append(e.Problems, d.problems...)
		for _, f := range faults {
			e.Problems = raise(e.Problems, f, e)
			if f == roster.PasswordField.String() && e.Password == "0" { // R17
				zero := roster.NewProblem("E127", e.Line, e.Key)
				zero.Field = f
				e.Problems = append(e.Problems, zero)
			}
		}
		return w.reject(e, 0)
	}
	for _, problem := range e.Problems {
		d.problem(problem)
	}
	d.begin()
	d.password()
	d.members()
	w.grant(d)
	return w.emit(d)
}

// hopeless tells beforehand that a record will make no new account. Only then
// does it stand for whoever bears its name or address (R3): an account that it
// makes would be its own in the next run, and that one's absence news (R6).
func (w *people) hopeless(e roster.Entry) bool {
	if w.forgotten(e.Key) || e.Wish == roster.WishDelete || e.Wish == roster.WishLeaver || worst(e.Problems) == roster.SeverityError || w.Policy.Upload == "update" {
		return true
	}
	d := &draft{people: w, entry: e, was: &roster.Account{}, now: &roster.Account{}}
	d.fill()
	if d.tooEarly() {
		return true
	}
	if name := d.now.Values[roster.Username]; name != "" && !d.counts() && d.forbidden(name) != "" {
		return true
	}
	given := d.now.Values[roster.Email]
	d.late()
	mail := roster.Fold(d.now.Values[roster.Email])
	_, contested := w.index.emails.several[w.index.hash(mail)]
	numbered := d.counts() && d.now.Values[roster.Email] != given // the address will follow the counter
	if mail != "" && !numbered && w.UniqueEmail == "on" && slices.Contains(w.Required, roster.Email) && (contested || len(w.byEmail[mail]) > 0) {
		return true
	}
	return len(d.lacking()) > 0 || slices.ContainsFunc(d.soles, func(s *sole) bool { return s.required && d.soleTaken(s) })
}

// tooEarly tells whether the account starts so late that it is left out for now
// (R72), and notes when the first of those is due.
func (d *draft) tooEarly() bool {
	due, early := d.planner.tooEarly(d.now.Values[roster.StartsOn], d.now.Values[roster.Timezone])
	if !early {
		return false
	}
	if at := roster.Stamp(due); d.facts.Waits == "" || at < d.facts.Waits {
		d.facts.Waits = at
	}
	return true
}

// tooEarly tells whether who starts on a date is left out for now, and until when.
func (p *planner) tooEarly(starts, zone string) (due time.Time, early bool) {
	if p.Policy.CreateBefore <= 0 || starts == "" {
		return due, false
	}
	start := StartOf(starts, Zone(zone, p.Zone))
	due = start.Add(-p.Policy.CreateBefore)
	return due, !start.IsZero() && due.After(p.now)
}

// fill writes what the record and the defaults say (R53).
func (d *draft) fill() {
	for f := range roster.NumFeedFields {
		switch e := d.entry; {
		case e.Set.Has(f) && e.Values[f] != "":
			d.set(f, e.Values[f], d.me)
		case e.HasDef.Has(f) && e.Defaults[f] != "":
			d.set(f, e.Defaults[f], roster.OriginDefault)
		}
	}
	d.fillCustom()
	if d.now.Values[roster.Site] == "" && d.Site != "" {
		d.set(roster.Site, d.Site, d.me)
	}
	if d.keyOf(d.now) == "" && d.entry.Key != "" {
		d.setKey(string(d.entry.Key))
	}
	d.now.Links = []roster.Link{{Profile: d.Profile, Key: d.entry.Key, Claim: d.claim(nil), Anchor: d.entry.Anchor}}
}

// christen gives the account its username; code is what forbids it (R33).
func (d *draft) christen() (code string, err error) {
	name := d.now.Values[roster.Username]
	if name == "" {
		return "", nil // lacking says so, where it is required
	}
	if !d.counts() {
		return d.forbidden(name), nil
	}
	if name, err = d.number(name); err != nil {
		return "", err
	}
	if name == "" {
		return "E303", nil
	}
	d.now.Values[roster.Username] = name
	return "", nil
}

// counts tells whether a taken name gets a number (R33, R50). Without a key
// nobody would find the account again under its counted name (R6).
func (d *draft) counts() bool {
	return d.counted(d.entry)
}

func (o *Options) counted(e roster.Entry) bool {
	return (e.Number || o.Policy.Upload == "add_all") && e.Key != ""
}

// forbidden is the code that keeps a new account from a given name; "" where it may have it.
func (d *draft) forbidden(name string) string {
	fold := roster.Fold(name)
	_, contested := d.index.names.several[d.index.hash(fold)]
	if !given(&d.entry) {
		_, contested = d.index.lost[d.index.hash(fold)]
	}
	switch {
	case d.protectedName(name):
		return "E304"
	case contested || !d.openName(fold):
		return "E303"
	}
	return ""
}

// address judges the account's address; code is what forbids the account (R8, R22).
func (d *draft) address() (code string, err error) {
	mail := d.now.Values[roster.Email]
	if mail == "" || d.UniqueEmail == "off" {
		return "", nil
	}
	fold := roster.Fold(mail)
	hash := d.index.hash(fold)
	_, contested := d.index.emails.several[hash]
	_, granted := d.emails.granted[hash]
	taken := contested || granted
	holders, err := d.holders(fold)
	if err != nil {
		return "", err
	}
	for _, a := range holders {
		taken = taken || !d.emails.gave.has(a.ID)
	}
	switch {
	case !taken:
		return "", nil
	case d.UniqueEmail == "warn":
	case slices.Contains(d.Required, roster.Email):
		return "E130", nil
	}
	d.remark("E130", roster.Email.String(), d.whyTaken("E130"))
	if d.UniqueEmail != "warn" {
		d.set(roster.Email, "", "")
	}
	return "", nil
}

// lacking are the required fields that the account would not have (R43).
func (d *draft) lacking() []string {
	var all []string
	for _, f := range d.Required {
		switch {
		case f == roster.PasswordField:
			if given := d.entry.Password; d.now.Values.Local() && (given == "" || given == "0") {
				all = append(all, f.String())
			}
		case d.now.Values[f] == "":
			all = append(all, f.String())
		}
	}
	return append(all, d.lackingCustom()...)
}

// raise makes the problem of a required field an error; E120 where the field
// is simply empty (R7, R8).
func raise(problems []roster.Problem, field string, e roster.Entry) []roster.Problem {
	for i := range problems {
		if problems[i].Field == field {
			problems[i].Severity = roster.SeverityError
			return problems
		}
	}
	empty := roster.NewProblem("E120", e.Line, e.Key)
	empty.Field = field
	return append(problems, empty)
}

// begin gives the account its first status (R60, R67, R72).
func (d *draft) begin() {
	d.set(roster.StatusField, string(roster.Active), "")
	d.set(roster.StatusSince, d.stamp, "")
	switch {
	case d.entry.Wish == roster.WishSuspend:
		d.status(roster.Suspended, roster.FeedSays, d.me, "")
	case d.entry.Wish == roster.WishLeave && d.Policy.Leave == "suspend":
		d.status(roster.Suspended, roster.OnLeave, d.me, "")
	}
	d.dates()
	where := "new in the feed"
	if d.Person != "" {
		where = "new in the file"
	}
	if d.reason != "" {
		where += "; " + d.reason
	}
	d.reason = where
}

// grant takes the account's names off the market, where anybody may yet ask for
// them: of a million newcomers, nearly none.
func (w *people) grant(d *draft) {
	for _, s := range w.soles {
		if v := d.now.Value(s.name); v != "" && s.open {
			s.granted[w.index.hash(roster.Fold(v))] = struct{}{}
		}
	}
	take := func(kind *names, of *contest, name string) {
		if hash := w.index.hash(roster.Fold(name)); name != "" && w.index.wanted(of, hash) {
			kind.granted[hash] = struct{}{}
		}
	}
	take(&w.usernames, &w.index.names, d.now.Values[roster.Username])
	take(&w.emails, &w.index.emails, d.now.Values[roster.Email])
}
