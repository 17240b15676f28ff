package password

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/crypto/argon2"
	"golang.org/x/crypto/bcrypt"

	"rollcall/internal/roster"
)

func TestR83WeakIsWhatDoesNotFulfilThePolicy(t *testing.T) {
	site := DefaultPolicy()
	for _, tt := range []struct {
		password roster.Clear
		policy   Policy
		weak     bool
	}{
		{"abc", site, true},
		{"Abcdefg1", site, false},
		{"Abcdef1", site, true}, // one character short
		{"abcdefg1", site, true},
		{"ABCDEFG1", site, true},
		{"Abcdefgh", site, true},
		{"Ĺúčañąś1", site, false}, // letters of any script
		{"密码密码密码密1", site, true},  // letters without case are neither lower nor upper
		{"密码密码密码密1", Policy{MinLength: 8, Digits: 1}, false},
		{"Abcdefg1", Policy{Other: 1}, true},
		{"Abcdefg 1", Policy{Other: 1}, false},
		{"", Policy{}, false},
	} {
		if got := tt.policy.Weak(tt.password); got != tt.weak {
			t.Errorf("Weak(%q) of %+v = %v, want %v", tt.password.Reveal(), tt.policy, got, tt.weak)
		}
	}
}

func TestR80APasswordIsStoredAsAHashAndKnownAgain(t *testing.T) {
	for _, m := range []Method{Argon2id, Bcrypt} {
		t.Run(string(m), func(t *testing.T) {
			t.Parallel()
			const password = roster.Clear(" Zażółć-gęślą jaźń 7 ")
			hash, err := m.Hash(password)
			if err != nil {
				t.Fatal(err)
			}
			again, err := m.Hash(password)
			if err != nil {
				t.Fatal(err)
			}
			if hash == again {
				t.Error("two hashes of one password are equal: there is no salt")
			}
			for guess, want := range map[roster.Clear]bool{password: true, "Zażółć-gęślą jaźń 7": false, "": false, password + "x": false} {
				if got, err := Same(hash, guess); got != want || err != nil {
					t.Errorf("Same(%q) = %v, %v, want %v", guess.Reveal(), got, err, want)
				}
			}
		})
	}
}

// Whoever else reads the hashes finds what the libraries of every language know.
func TestR80TheHashIsInAKnownFormat(t *testing.T) {
	hash, err := Argon2id.Hash("correct horse")
	if err != nil {
		t.Fatal(err)
	}
	part := strings.Split(hash, "$")
	if len(part) != 6 || part[1] != "argon2id" || part[2] != "v=19" || part[3] != "m=19456,t=2,p=1" {
		t.Fatalf("not PHC: %s", hash)
	}
	salt, _ := raw.DecodeString(part[4])
	if got, want := part[5], raw.EncodeToString(argon2.IDKey([]byte("correct horse"), salt, 2, 19456, 1, 32)); got != want {
		t.Errorf("sum = %s, want %s", got, want)
	}
	hash, err = Bcrypt.Hash("correct horse")
	if err != nil {
		t.Fatal(err)
	}
	if err := bcrypt.CompareHashAndPassword([]byte(hash), []byte("correct horse")); err != nil || !strings.HasPrefix(hash, "$2a$10$") {
		t.Errorf("%s: %v", hash, err)
	}
}

func TestWhatWouldTakeTooLongIsRefused(t *testing.T) {
	began := time.Now()
	for _, hash := range []string{
		"", "x", "$argon2id$", "$argon2id$v=19$m=4194304,t=2,p=1$c2FsdHNhbHQ$" + strings.Repeat("A", 43),
		"$argon2id$v=19$m=19456,t=1000,p=1$c2FsdHNhbHQ$" + strings.Repeat("A", 43),
		"$argon2id$v=19$m=0,t=0,p=0$c2FsdHNhbHQ$" + strings.Repeat("A", 43),
		"$argon2id$v=16$m=19456,t=2,p=1$c2FsdHNhbHQ$" + strings.Repeat("A", 43),
		"$2a$31$abcdefghijklmnopqrstuuJ1Q1Q1Q1Q1Q1Q1Q1Q1Q1Q1Q1Q1Q1Q1Q",
	} {
		if ok, err := Same(hash, "guess"); ok || !errors.Is(err, ErrHash) {
			t.Errorf("Same(%q) = %v, %v", hash, ok, err)
		}
	}
	long := roster.Clear(strings.Repeat("ä", MaxLength+1))
	if _, err := Argon2id.Hash(long); !errors.Is(err, ErrTooLong) {
		t.Errorf("a long password: %v", err)
	}
	if _, err := Argon2id.Hash(long[:2*MaxLength]); err != nil {
		t.Errorf("the longest password: %v", err)
	}
	// bcrypt reads no more than 72 bytes, so that two passwords would be one.
	if _, err := Bcrypt.Hash(roster.Clear(strings.Repeat("a", 73))); !errors.Is(err, ErrTooLong) {
		t.Errorf("a long password for bcrypt: %v", err)
	}
	if took := time.Since(began); took > 5*time.Second {
		t.Errorf("it took %s", took)
	}
}

func TestR81AMadePasswordFulfilsEveryPolicyAndIsReadable(t *testing.T) {
	seen := map[roster.Clear]bool{}
	for _, p := range []Policy{
		{},
		DefaultPolicy(),
		{MinLength: 8, Digits: 16, Lower: 16, Upper: 16, Other: 16},
		{MinLength: 64, Other: 1},
		{Other: 16},
		{Digits: 13},
	} {
		for range 40 {
			made := p.Generate()
			text := made.Reveal()
			if p.Weak(made) {
				t.Fatalf("%q does not fulfil %+v", text, p)
			}
			if Argon2id.TooLong(made) {
				t.Fatalf("%q is too long for %+v", text, p)
			}
			if strings.ContainsAny(text, "0O1lIio \"'") {
				t.Fatalf("%q has a character that is taken for another", text)
			}
			if seen[made] {
				t.Fatalf("%q was made twice", text)
			}
			seen[made] = true
		}
	}
	if longest := (Policy{MinLength: maxMinLength, Digits: maxOfAKind, Lower: maxOfAKind, Upper: maxOfAKind, Other: maxOfAKind}); Bcrypt.TooLong(longest.Generate()) {
		t.Error("the strictest policy makes passwords that bcrypt cannot store")
	}
}

func TestThePolicyReportsEveryFault(t *testing.T) {
	if faults := DefaultPolicy().Validate(); len(faults) > 0 {
		t.Errorf("the default: %v", faults)
	}
	if faults := (Policy{MinLength: 65, Digits: -1, Lower: 17}).Validate(); len(faults) != 3 {
		t.Errorf("faults = %v, want three", faults)
	}
}

func TestAPasswordPrintsNowhere(t *testing.T) {
	const secret = roster.Clear("Sesame-9")
	shown := fmt.Sprintf("%v %+v %#v %s %q %d %x", secret, struct{ P roster.Clear }{secret}, secret, secret, secret, secret, secret)
	if strings.Contains(shown, "Sesame") || strings.Contains(shown, "536573616d65") {
		t.Errorf("it prints: %s", shown)
	}
}

func TestThePoolEndsWithItsContextAndWithTheFirstError(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	var calls atomic.Int64
	err := Each(ctx, 1_000_000, func(int) error {
		if calls.Add(1) == 10 {
			cancel()
		}
		return nil
	}, nil)
	if !errors.Is(err, context.Canceled) || calls.Load() > 100 {
		t.Errorf("%d calls, %v", calls.Load(), err)
	}
	boom := errors.New("boom")
	if err := Each(t.Context(), 1000, func(i int) error {
		if i == 5 {
			return boom
		}
		return nil
	}, nil); !errors.Is(err, boom) {
		t.Errorf("error = %v", err)
	}
	last := 0
	if err := Each(t.Context(), 1000, func(int) error { return nil }, func(n int) { last = n }); err != nil || last != 1000 {
		t.Errorf("%d are through, %v", last, err)
	}
	if err := Each(t.Context(), 0, nil, nil); err != nil {
		t.Error(err)
	}
}
