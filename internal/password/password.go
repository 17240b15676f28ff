// Package password judges, hashes, compares and makes passwords. It knows no
// account and stores nothing; the only thing beside its arguments that it
// depends on is the machine's source of randomness.
//
// It promises that no password is in an error, and that whatever it is asked
// takes a bounded time: a password has a greatest length, and a stored hash that
// asks for more work than rollcall's own is refused.
package password

import (
	"errors"
	"fmt"
	"unicode"
	"unicode/utf8"

	"rollcall/internal/roster"
)

// Changeme is the word that is set as a password and asks for another one at the
// next login (R82).
const Changeme = "changeme"

// MaxLength is the most characters of a password. It is more than anybody types.
const MaxLength = 128

// maxBcrypt is the most bytes of which bcrypt knows.
const maxBcrypt = 72

// Policy is what the site asks of a password (site key accounts.password_policy).
// What does not fulfil it is weak (R83).
type Policy struct {
	MinLength int `yaml:"min_length"` // characters
	Digits    int `yaml:"digits"`     // at least so many
	Lower     int `yaml:"lower"`
	Upper     int `yaml:"upper"`
	Other     int `yaml:"other"` // neither letters nor digits
}

// DefaultPolicy is the contract's.
func DefaultPolicy() Policy { return Policy{MinLength: 8, Digits: 1, Lower: 1, Upper: 1} }

// The most that a policy may ask, so that a password of it can be made and typed.
const (
	maxMinLength = 64
	maxOfAKind   = 16
)

// Validate reports everything that is wrong with p, not only the first thing.
func (p Policy) Validate() []*roster.Fault {
	var faults []*roster.Fault
	for _, k := range []struct {
		name      string
		got, most int
	}{
		{"min_length", p.MinLength, maxMinLength},
		{"digits", p.Digits, maxOfAKind},
		{"lower", p.Lower, maxOfAKind},
		{"upper", p.Upper, maxOfAKind},
		{"other", p.Other, maxOfAKind},
	} {
		if k.got < 0 || k.got > k.most {
			faults = append(faults, &roster.Fault{Path: "accounts.password_policy." + k.name, Text: fmt.Sprintf("%d is not a number from 0 to %d", k.got, k.most)})
		}
	}
	return faults
}

// Weak tells whether a password does not fulfil the policy.
func (p Policy) Weak(password roster.Clear) bool {
	n := tally(password.Reveal())
	return n.MinLength < p.MinLength || n.Digits < p.Digits || n.Lower < p.Lower || n.Upper < p.Upper || n.Other < p.Other
}

// tally counts the characters of a password as a policy does. A letter that has
// no case is neither lower nor upper, and counts in the length alone.
func tally(password string) (n Policy) {
	for _, r := range password {
		n.MinLength++
		switch {
		case unicode.IsDigit(r):
			n.Digits++
		case unicode.IsLower(r):
			n.Lower++
		case unicode.IsUpper(r):
			n.Upper++
		case !unicode.IsLetter(r):
			n.Other++
		}
	}
	return n
}

// A Method is how passwords are stored (site key accounts.password_hash).
type Method string

// The methods.
const (
	Argon2id Method = "argon2id"
	Bcrypt   Method = "bcrypt"
)

// Longest is what the method can store, in words.
func (m Method) Longest() string {
	if m == Bcrypt {
		return fmt.Sprintf("%d bytes", maxBcrypt)
	}
	return fmt.Sprintf("%d characters", MaxLength)
}

// TooLong tells whether a password is too long for the method.
func (m Method) TooLong(password roster.Clear) bool {
	text := password.Reveal()
	return len(text) > MaxLength && utf8.RuneCountInString(text) > MaxLength || m == Bcrypt && len(text) > maxBcrypt
}

// ErrTooLong means that a password is longer than its method can store.
var ErrTooLong = errors.New("the password is too long")

// ErrHash means that a stored hash is none that rollcall has made.
var ErrHash = errors.New("the stored hash of a password cannot be read; was it written by hand?")
