package plan

import (
	"cmp"
	"fmt"
	"slices"

	"rollcall/internal/roster"
)

// known plans the records whose key finds their account, and sets the others aside.
func (p *planner) known() error {
	if p.strangers {
		return p.oddities()
	}
	p.asking = true
	defer func() { p.asking = false }()
	return p.each(p.all(), func(part []numbered) error {
		w, err := p.load(p.inScope(part))
		if err != nil {
			return err
		}
		for _, e := range part {
			if e.Outside != "" {
				p.outside.put(e)
				continue
			}
			done, err := w.screen(e.Entry)
			if err != nil {
				return err
			}
			if done {
				continue
			}
			m := w.byOwnKey(e.Entry)
			for _, a := range m.touched {
				p.seen.add(a.ID)
			}
			switch {
			case !m.later:
			case m.account == nil && w.nothing(e.Entry):
				p.stranger(e)
				continue
			default:
				p.waiting.put(e)
				continue
			}
			if err := w.decide(e, m); err != nil {
				return err
			}
		}
		return nil
	})
}

// oddities ends the rows of strangers that cannot be used: how many of them have
// no key must be known before anybody is found absent.
func (p *planner) oddities() error {
	err := p.each(p.again(p.odd), func(part []numbered) error {
		w, err := p.load(part)
		if err != nil {
			return err
		}
		for _, e := range part {
			if _, err := w.screen(e.Entry); err != nil {
				return err
			}
		}
		return nil
	})
	p.odd = waiting{}
	return err
}

// copied takes out the copies among strangers: known has not screened them.
func (w *people) copied(e numbered) (done bool, err error) {
	if !w.strangers || len(w.index.keys) == 0 || w.screened.has(uint64(e.n)) {
		return false, nil
	}
	w.screened.add(uint64(e.n))
	return w.screen(e.Entry)
}

// nothing tells whether no way leads from a record to an account, so that adopt
// need not ask: what other records say then changes nothing.
func (w *people) nothing(e roster.Entry) bool {
	if w.Match.Lookalike == "wait" && likeness(w.Match.Witness, e.Value) != "" {
		return false // who looks like him is asked for in the next pass
	}
	m := w.otherwise(e)
	return m.account == nil && m.code == "" && len(w.bearers(e)) == 0
}

// adopt plans the records that find their account in another way, and sets
// aside those that find none. All of them are looked at before any is decided:
// an account that several mean is nobody's (E302), in whatever order they stand.
func (p *planner) adopt() error {
	var found, unsure waiting
	var meant, disputed bitset
	p.likes = p.Match.Lookalike == "wait"
	defer func() { p.likes = false }()
	err := p.each(p.again(p.rejected), func(part []numbered) error {
		w, err := p.load(part)
		if err != nil {
			return err
		}
		for _, e := range part {
			w.likens(e.Entry)
		}
		return nil
	})
	if err != nil {
		return err
	}
	p.rejected = waiting{}
	err = p.each(p.again(p.waiting), func(part []numbered) error {
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
			m := w.otherwise(e.Entry)
			if m.code == "E301" || m.conflict != "" {
				for _, a := range m.touched { // neither is touched (R41, R47), by no other row either
					disputed.add(a.ID)
				}
			}
			switch {
			case m.account == nil && m.code == "":
				w.likens(e.Entry)
				switch _, _, several := p.maker(&e.Entry); {
				case len(w.bearers(e.Entry)) == 0:
				case several:
					unsure.put(e)
				case w.hopeless(e.Entry):
					w.hint(e.Entry)
				}
				p.stranger(e)
				continue
			case m.account != nil && meant.has(m.account.ID):
				disputed.add(m.account.ID)
			case m.account != nil:
				meant.add(m.account.ID)
			}
			found.put(e)
		}
		return nil
	})
	if err != nil {
		return err
	}
	p.waiting = waiting{}
	if err := p.each(p.again(unsure), func(part []numbered) error { // who else has his name made is known by now
		w, err := p.load(part)
		if err != nil {
			return err
		}
		for _, e := range part {
			if w.hopeless(e.Entry) {
				w.hint(e.Entry)
			}
		}
		return nil
	}); err != nil {
		return err
	}
	p.deciding = true
	defer func() { p.deciding = false }()
	return p.each(p.again(found), func(part []numbered) error {
		w, err := p.load(part)
		if err != nil {
			return err
		}
		for _, e := range part {
			m := w.otherwise(e.Entry)
			if m.account != nil && disputed.has(m.account.ID) {
				m = match{code: "E302", touched: []*roster.Account{m.account}, conflict: w.disputes(e.Entry, m), text: otherRow, fix: oneRow}
				if m.conflict != "" {
					m.fix = ""
				}
			}
			if err := w.decide(e, m); err != nil {
				return err
			}
		}
		return nil
	})
}

// screen takes out the rows that need no account to be judged: those whose key
// or shape is bad, and copies (R15, R41).
func (w *people) screen(e roster.Entry) (done bool, err error) {
	if e.Broken {
		w.mention(e)
		return true, w.reject(e, 0)
	}
	id, ok := w.identity(e)
	if !ok && w.anchored(e) != nil {
		return false, nil // whose row it is, is known: nobody else is kept for it
	}
	if !ok {
		w.facts.UnreadableKeys++
		return true, w.reject(e, 0)
	}
	c := w.index.keys[id]
	switch {
	case c == nil:
		return false, nil
	case c.differ:
		w.mention(e)
		return true, w.rejectFor(e, "E105", 0)
	case c.used:
		copied := roster.NewProblem("E106", e.Line, e.Key)
		copied.Field = w.blamed(e, "E106")
		return true, w.skip(e, 0, copied)
	}
	c.used = true
	return false, nil
}

// mention counts the account of a rejected row as mentioned (R3): no other
// record may mean it either. A broken row whose key is no owned account's could
// be anybody's (R15).
func (w *people) mention(e roster.Entry) {
	owned := false
	for _, k := range []roster.Key{e.Key, e.PreviousKey} {
		if k == "" {
			continue
		}
		for _, a := range slices.Concat(w.linked(k), w.bearing(k), w.elsewhere(k)) {
			w.seen.add(a.ID)
			owned = owned || k == e.Key && a.Link(w.Profile) != nil
		}
	}
	if a := w.byName[roster.Fold(e.OldUsername)]; a != nil {
		w.seen.add(a.ID)
	}
	if a := w.anchored(e); a != nil {
		w.seen.add(a.ID)
	}
	w.hint(e) // a key that was mistyped into a colleague's must not make its person absent
	if e.Broken && !owned {
		w.facts.UnreadableKeys++
	}
}

// misnamed rejects a row of a file that a person imports, which names one account
// by its number and means another, or a new one, by all else.
func (w *people) misnamed(e roster.Entry, m match) error {
	p := roster.NewProblem("E302", e.Line, e.Key)
	p.Field = "id"
	p.Text = fmt.Sprintf("the id is account %d's, and key and username are not", e.Account)
	if m.account != nil {
		p.Text = fmt.Sprintf("the id is %d, and key or username are account %d's", e.Account, m.account.ID)
	}
	p.Fix = "correct the row; to give an account another key: rollcall accounts rekey OLD NEW; a file of another site has other ids: leave its column id out"
	e.Problems = append(e.Problems, p)
	return w.reject(e, 0)
}

// decide plans one record whose account, or whose fault, is known.
func (w *people) decide(n numbered, m match) error {
	e := n.Entry
	for _, a := range m.touched {
		w.hinted.add(a.ID)
		w.touched.add(a.ID)
	}
	if m.code == "" && e.Account != 0 && m.account.ID != e.Account {
		m.code, m.misnamed = "E302", true
		w.seen.add(m.account.ID)
	}
	if m.code != "" {
		w.shield(n)
		if m.misnamed {
			return w.misnamed(e, m)
		}
		if m.conflict != "" {
			return w.rejectConflict(e, m)
		}
		if m.unzeroed {
			return w.rejectUnzeroed(e)
		}
		return w.rejectMatch(e, m)
	}
	a := m.account
	w.seen.add(a.ID)
	if w.questioned(m, e) {
		w.shield(n)
		return w.rejectFor(e, "E307", a.ID)
	}
	for i := range e.Problems { // R7: an unusable name keeps the one that is there
		if e.Problems[i].Code == "E134" {
			e.Problems[i].Severity = roster.SeverityWarning
		}
	}
	broken := worst(e.Problems) == roster.SeverityError
	gate := w.Policy.Upload == "add" || w.Policy.Upload == "add_all"
	switch {
	case broken && (gate || !removal(e.Wish) || e.Wish == roster.WishDelete && !w.Policy.Delete && a.Status() != roster.Deleted):
		w.shield(n)
		return w.reject(e, a.ID)
	case gate && removal(e.Wish) && a.Status() != roster.Deleted:
		return w.claimed(e, a, w.denial(e, a, "asks for removal, and policy.upload is "+w.Policy.Upload, "policy: {upload: add_update} lets this feed do it; or "+byHand(e.Wish)))
	case gate:
		why := w.note(e, "known already, and policy.upload is "+w.Policy.Upload)
		why.Severity = roster.SkipRow
		return w.claimed(e, a, why)
	}
	if broken { // R7: a dirty row must not keep a leaver's access
		e.Set, e.Late, e.Members = 0, nil, nil
		for i := range e.Problems {
			e.Problems[i].Severity = roster.SeverityWarning
		}
	}
	if removal(e.Wish) && a.Status() == roster.Deleted {
		return w.unchanged(e, a)
	}
	d := &draft{people: w, entry: e, was: a, now: clone(a), line: e.Line, last: w.leaves(&e)}
	for _, problem := range e.Problems {
		d.problem(problem)
	}
	d.link(m)
	if skip := d.state(); skip != "" {
		return w.claimed(e, a, w.denial(e, a, skip, switchOn("delete", "or "+byHand(e.Wish))))
	}
	if d.fault == "" && d.now.Status() != roster.Deleted { // who goes takes nothing new along
		d.fields()
		if err := d.names(); err != nil {
			return err
		}
		if err := d.judgeSoles(); err != nil {
			return err
		}
		d.members()
	}
	return w.place(d)
}

// shield notes whom a rejected record may mean besides: who has its name or its
// address, and whom it looks like, as if no account were found for it. By the next
// run that may be so, or no longer (R6). The known pass does not ask who is alike:
// adopt does it for its records.
func (w *people) shield(e numbered) {
	w.hint(e.Entry)
	for _, a := range w.linked(e.Key) { // though an old name has it mean another
		w.touched.add(a.ID)
	}
	for _, a := range w.linked(e.PreviousKey) { // though its own key or its anchor is in dispute first
		w.hinted.add(a.ID)
		w.touched.add(a.ID)
	}
	if w.Match.Lookalike == "wait" && !w.likes {
		w.rejected.put(e)
	}
	w.likens(e.Entry)
}

// claimed skips a row that the policy does not let do anything, and hears what it says of
// the profile's claim all the same (R5): else nobody could ever remove a person of whom
// every feed says that he is gone, and one might be removed whom a feed lists again.
func (w *people) claimed(e roster.Entry, a *roster.Account, why roster.Problem) error {
	d := &draft{people: w, entry: e, was: a, line: e.Line, skipped: true}
	old := a.Link(w.Profile)
	if old == nil || a.Status() == roster.Deleted || d.claim(old) == old.Claim {
		return w.skip(e, a.ID, why)
	}
	d.now, d.problems = clone(a), []roster.Problem{why}
	if d.now.Link(w.Profile).Claim = d.claim(old); d.claim(old) == roster.ClaimGone {
		if err := d.forsake(); err != nil {
			return err
		}
		if len(grantChanges(d.was, d.now)) > 0 {
			d.reason = "this feed claims the person no more, and takes what it had granted"
		}
	}
	return w.place(d)
}

// removal tells whether a record asks to take access away.
func removal(w roster.Wish) bool {
	return w == roster.WishSuspend || w == roster.WishLeaver || w == roster.WishDelete
}

// worst is the gravest severity of a record's problems.
func worst(problems []roster.Problem) roster.Severity {
	s := roster.SeverityNote
	for _, p := range problems {
		if p.Severity == roster.SeverityError {
			return p.Severity
		}
		if p.Severity == roster.SeverityWarning {
			s = p.Severity
		}
	}
	return s
}

// note is a remark about a row that is no problem.
func (p *planner) note(e roster.Entry, text string) roster.Problem {
	return roster.Problem{Severity: roster.SeverityNote, Line: e.Line, Key: e.Key, Text: text}
}

// unchanged ends a row of which there is nothing to do.
func (p *planner) unchanged(e roster.Entry, a *roster.Account) error {
	p.facts.Rows.Unchanged++
	for _, problem := range e.Problems {
		if err := p.tell(p.about(problem, e), a.ID); err != nil {
			return err
		}
	}
	return nil
}

// skip ends a row that is valid, but not wanted.
func (p *planner) skip(e roster.Entry, account uint64, why roster.Problem) error {
	p.facts.Rows.Skipped++
	if why.Code == "" {
		why.Severity = roster.SkipRow
	}
	return p.tell(p.about(why, e), account)
}

// denial is why a row is skipped that asks to take access away and that the policy does
// not let. Whoever reads the report is told, for a leaver may keep access.
func (p *planner) denial(e roster.Entry, a *roster.Account, text, fix string) roster.Problem {
	why := p.note(e, text)
	why.Severity, why.Fix = roster.SkipRow, fix
	if a.Status() == roster.Active {
		p.facts.Denied.Accounts++
		if p.Known[why.Identity()].IsZero() {
			p.facts.Denied.New++
		}
	}
	return why
}

// byHand is the command for what a record asks and is not let.
func byHand(w roster.Wish) string {
	if w == roster.WishDelete {
		return "rollcall accounts delete ACCOUNT"
	}
	return "rollcall accounts suspend ACCOUNT"
}

// rejectFor ends a row with a problem of its own, on top of those it has.
func (p *planner) rejectFor(e roster.Entry, code string, account uint64) error {
	return p.rejectWith(e, code, "", account)
}

// rejectWith says in other words than the code's what the problem is.
func (p *planner) rejectWith(e roster.Entry, code, text string, account uint64) error {
	problem := roster.NewProblem(code, e.Line, e.Key)
	problem.Severity, problem.Text = roster.SeverityError, text
	problem.Field = p.blamed(e, code)
	e.Problems = append(e.Problems, problem)
	return p.reject(e, account)
}

// rejectMatch rejects a record for what its correlation has come to.
func (w *people) rejectMatch(e roster.Entry, m match) error {
	p := roster.NewProblem(m.code, e.Line, e.Key)
	p.Severity, p.Text, p.Field = roster.SeverityError, m.text, w.blamed(e, m.code)
	p.Fix = cmp.Or(m.fix, p.Fix)
	e.Problems = append(e.Problems, p)
	return w.reject(e, 0)
}

// rejectUnzeroed rejects a row whose key has lost its leading zeros.
func (w *people) rejectUnzeroed(e roster.Entry) error {
	p := roster.NewProblem("E302", e.Line, e.Key)
	p.Field = w.Match.Name()
	p.Text = "the key is that of the username's account but for leading zeros"
	p.Fix = "a spreadsheet takes them off: import that column as text there, or take the file as it was before it was opened in one"
	e.Problems = append(e.Problems, p)
	return w.reject(e, 0)
}

// blamed is the field whose column whoever mends a rejected row looks at.
func (p *planner) blamed(e roster.Entry, code string) string {
	switch code {
	case "E302":
		return p.found(e)
	case "E303", "E304":
		return roster.Username.String()
	case "E130":
		return roster.Email.String()
	case "E305":
		return p.found(e)
	case "E105", "E106", "E301", "E306", "E307", "E308":
		if e.Key == "" {
			return roster.Username.String()
		}
		return p.Match.Name()
	}
	return ""
}

// found is the field by which a record whose key knows nobody finds its account.
func (p *planner) found(e roster.Entry) string {
	switch {
	case e.PreviousKey != "":
		return "previous_key"
	case e.OldUsername != "":
		return "oldusername"
	}
	return roster.Username.String()
}

// reject ends a row that cannot be used: nothing of it is.
func (p *planner) reject(e roster.Entry, account uint64) error {
	p.facts.Rows.Rejected++
	fresh := true
	for _, problem := range e.Problems {
		if problem.Severity == roster.SeverityError {
			if _, known := p.Known[problem.Identity()]; known {
				fresh = false
			}
		}
		if err := p.tell(p.about(problem, e), account); err != nil {
			return err
		}
	}
	if fresh {
		p.facts.NewRejected++
	}
	return nil
}

// tell puts a problem into the plan.
func (p *planner) tell(problem roster.Problem, account uint64) error {
	switch problem.Severity {
	case roster.SeverityError:
		p.facts.Errors++
	case roster.SeverityWarning:
		p.facts.Warnings++
	case roster.SeverityNote:
		p.facts.Notes++
	}
	if account != 0 {
		problem.Account = account
	}
	problem.Since = p.Known[problem.Identity()]
	return p.sink.Problem(problem)
}
