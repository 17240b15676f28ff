package roster

import (
	"fmt"
	"testing"
	"time"
)

func TestAStateOfAPasswordIsReadAsItWasWritten(t *testing.T) {
	at := time.Date(2026, 12, 1, 5, 30, 0, 123456000, time.UTC)
	by := NewPassword(at, true)
	by.By = "hr-csv"
	for want, s := range map[string]PasswordState{
		"":                                       {},
		"awaited":                                AwaitedPassword(),
		"set 2026-12-01T05:30:00.123456Z":        NewPassword(at, false),
		"set 2026-12-01T05:30:00.123456Z change": NewPassword(at, true),
		"set 2026-12-01T05:30:00.123456Z change by:hr-csv": by,
	} {
		if got := s.String(); got != want {
			t.Errorf("written as %q, want %q", got, want)
		}
		if got := ReadPasswordState(want); got != s {
			t.Errorf("%q is read as %+v, want %+v", want, got, s)
		}
		if len(want) > PasswordField.Max() {
			t.Errorf("%q is too long", want)
		}
	}
	for _, odd := range []string{"x", "set", "change", "set  "} {
		if got := ReadPasswordState(odd); got != (PasswordState{}) {
			t.Errorf("%q is read as %+v", odd, got)
		}
	}
}

func TestWhoLogsInElsewhereHasNoPasswordHere(t *testing.T) {
	for auth, want := range map[string]bool{"": true, "manual": true, "ldap": false, "oauth2": false} {
		var v Values
		v[Auth] = auth
		if got := v.Local(); got != want {
			t.Errorf("auth %q is local: %v", auth, got)
		}
	}
	if got := fmt.Sprint(Clear("Sesame"), []Clear{"Sesame"}); got != "***[***]" {
		t.Errorf("it prints as %s", got)
	}
}
