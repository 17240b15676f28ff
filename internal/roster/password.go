package roster

import (
	"fmt"
	"strings"
	"time"
)

// Clear is a password in clear, on its way from a drop to its hash, or from
// where it is made into a mail. It prints as *** in every way that Go prints, and
// is stored nowhere.
type Clear string

// Reveal gives the password out.
func (c Clear) Reveal() string { return string(c) }

// String hides the password, and so do the formats below.
func (c Clear) String() string               { return "***" }
func (c Clear) GoString() string             { return "***" }
func (c Clear) Format(s fmt.State, _ rune)   { _, _ = s.Write([]byte("***")) }
func (c Clear) MarshalText() ([]byte, error) { return []byte("***"), nil }

// A PasswordState is what is known of an account's password, and all of it that
// is ever in a plan, a journal or a report: whether there is one and since when.
// It is what the field [PasswordField] holds. The hash lies apart, under the account
// and the instant.
type PasswordState struct {
	Since   string // of the password; "" where there is none
	Awaited bool   // one is made when the welcome mail is sent (R81)
	Change  bool   // the person must choose another one at the next login (R82)
	By      Origin // the profile that gave it (R54); "" for one that was made
}

// The words of which a state is written: "", "awaited", "set 2026-12-01T05:30:00.000000Z",
// and that one with "change" or "by:hr-csv" behind it, or both.
const (
	passwordAwaited = "awaited"
	passwordSet     = "set"
	passwordChange  = "change"
	passwordBy      = "by:"
)

// passwordSince is to the microsecond: two passwords of one account never share an instant.
const passwordSince = "2006-01-02T15:04:05.000000Z"

// NewPassword is the state of a password that is set at t.
func NewPassword(t time.Time, change bool) PasswordState {
	return PasswordState{Since: t.UTC().Format(passwordSince), Change: change}
}

// AwaitedPassword is the state of one that will be made; whoever gets it by mail
// chooses another one.
func AwaitedPassword() PasswordState { return PasswordState{Awaited: true, Change: true} }

// String is the state as the field holds it.
func (s PasswordState) String() string {
	switch {
	case s.Awaited:
		return passwordAwaited
	case s.Since == "":
		return ""
	}
	text := passwordSet + " " + s.Since
	if s.Change {
		text += " " + passwordChange
	}
	if s.By != "" {
		text += " " + passwordBy + string(s.By)
	}
	return text
}

// ReadPasswordState reads what [PasswordState.String] wrote.
func ReadPasswordState(text string) PasswordState {
	if text == passwordAwaited {
		return AwaitedPassword()
	}
	part := strings.Fields(text)
	if len(part) < 2 || part[0] != passwordSet {
		return PasswordState{}
	}
	s := PasswordState{Since: part[1]}
	for _, word := range part[2:] {
		by, given := strings.CutPrefix(word, passwordBy)
		switch {
		case given:
			s.By = Origin(by)
		case word == passwordChange:
			s.Change = true
		}
	}
	return s
}

// Password is what is known of the account's password.
func (a *Account) Password() PasswordState { return ReadPasswordState(a.Values[PasswordField]) }

// PasswordSet tells whether the account has a password.
func (a *Account) PasswordSet() bool { return a.Password().Since != "" }

// MustChangePassword tells whether the person must choose another one.
func (a *Account) MustChangePassword() bool { return a.Password().Change }

// Local tells whether the account logs in by a password of its own (R80): where
// nobody says how, it does.
func (v *Values) Local() bool { return v[Auth] == "" || v[Auth] == "manual" }

// AwaitsWelcome tells whether a welcome mail can be sent to the account now.
func (a *Account) AwaitsWelcome() bool {
	return a.Values[PasswordField] == passwordAwaited && a.Status() == Active && a.Values[Email] != ""
}
