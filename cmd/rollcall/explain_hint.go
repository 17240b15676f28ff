package main

import (
	"fmt"
	"strings"

	"rollcall/internal/guard"
	"rollcall/internal/journal"
	"rollcall/internal/report"
	"rollcall/internal/roster"
	"rollcall/internal/run"
	"rollcall/internal/store"
)

// readBy finds the newest run that was carried out with a story's drop, else
// the newest that has read it at all; zero where none has.
func (d *desk) readBy(s *run.Story) (number int64, status journal.Status, err error) {
	runs, err := d.r.Store.ByInput(d.ctx, s.Profile, s.Input.SHA256)
	if err != nil {
		return 0, "", err
	}
	carriedOut := false
	for _, j := range runs {
		if did := j.Status.Applied(); did && !carriedOut || did == carriedOut && j.Number > number {
			number, status, carriedOut = j.Number, j.Status, did
		}
	}
	return number, status, nil
}

// ofRun tells whose drop it is: " of run 2, which has been taken back".
func ofRun(number int64, status journal.Status) string {
	switch status {
	case "":
		return ", which no run has read"
	case journal.Reverted:
		return fmt.Sprintf(" of run %d, which has been taken back", number)
	case journal.Dry:
		return fmt.Sprintf(" of run %d, which only planned", number)
	}
	return fmt.Sprintf(" of run %d (%s)", number, status)
}

// waiting is the held run of the profile that would change a story's person, and
// what it would do; 0 for none.
func (d *desk) waiting(s *run.Story) (int64, *report.Change, error) {
	held, err := d.r.Store.Held(d.ctx)
	if err != nil {
		return 0, nil, err
	}
	for _, j := range held {
		if j.Profile != s.Profile || !guard.Holds(j.Findings) {
			continue
		}
		for o, err := range d.r.Store.Changes(d.ctx, j.Number) {
			if err != nil {
				return 0, nil, err
			}
			if o.Key == s.Key && (s.Key != "" || s.Account == nil && o.Username == s.Username) || s.Account != nil && o.Account == s.Account.ID {
				would := report.Shown(o)
				return j.Number, &would, nil
			}
		}
	}
	return 0, nil, nil
}

// hint says what was probably meant by a key that is nobody's: a username, which
// the story then follows, or a key that differs in leading zeros or in case.
func (d *desk) hint(s *run.Story) (string, error) {
	typed := string(s.Typed)
	switch {
	case s.Username != "":
		return fmt.Sprintf("%s is a username, and %s has no key for it: the username is followed.", typed, s.Profile), nil
	case s.Key != s.Typed && s.Account != nil && roster.Fold(s.Account.Values[roster.Username]) != roster.Fold(typed):
		return fmt.Sprintf("%s knows this person by the key %s.", s.Profile, s.Key), nil
	case s.Key != s.Typed:
		return fmt.Sprintf("%s is a username; its key is %s.", typed, s.Key), nil
	case s.Account != nil || len(s.Entries) > 0:
		return "", nil
	}
	bare := strings.TrimLeft(typed, "0")
	if bare == "" {
		return "", nil
	}
	for a, err := range d.r.Store.Accounts(d.ctx, store.AccountQuery{Status: "all", Profile: s.Profile, Text: bare}) {
		if err != nil {
			return "", err
		}
		if other := keyIn(&a, s.Profile); strings.EqualFold(strings.TrimLeft(other, "0"), bare) {
			return fmt.Sprintf("There is no %s, but %s exists.", typed, other), nil
		}
	}
	return "", nil
}

// keyIn is the key by which a profile knows an account; "" where it does not.
func keyIn(a *roster.Account, profile string) string {
	if l := a.Link(profile); l != nil {
		return string(l.Key)
	}
	return ""
}
