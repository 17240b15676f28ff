package password

import (
	"crypto/rand"
	"crypto/subtle"
	"encoding/base64"
	"errors"
	"fmt"
	"strings"

	"golang.org/x/crypto/argon2"
	"golang.org/x/crypto/bcrypt"

	"rollcall/internal/roster"
)

// What argon2id is asked for: 19 MiB, two passes, one lane, as OWASP advises.
// Some 26 ms of one core, and so 71 a second on two.
const (
	memory  = 19 << 10 // KiB
	passes  = 2
	lanes   = 1
	saltLen = 16
	sumLen  = 32
	// cost of bcrypt: some 60 ms of one core.
	cost = 10
)

// The most that a stored hash may ask for when it is compared.
const (
	maxMemory = 64 << 10 // KiB
	maxPasses = 10
	maxLanes  = 4
	maxCost   = 12
)

// Hash is a password as it is stored: in the PHC format, or in bcrypt's own.
// It takes as long as the method asks for, and no context ends it earlier.
func (m Method) Hash(password roster.Clear) (string, error) {
	if m.TooLong(password) {
		return "", ErrTooLong
	}
	if m == Bcrypt {
		sum, err := bcrypt.GenerateFromPassword([]byte(password.Reveal()), cost)
		if err != nil {
			return "", fmt.Errorf("hash a password: %w", err)
		}
		return string(sum), nil
	}
	salt := make([]byte, saltLen)
	_, _ = rand.Read(salt) // which never fails
	sum := argon2.IDKey([]byte(password.Reveal()), salt, passes, memory, lanes, sumLen)
	return fmt.Sprintf("$argon2id$v=%d$m=%d,t=%d,p=%d$%s$%s", argon2.Version, memory, passes, lanes, raw.EncodeToString(salt), raw.EncodeToString(sum)), nil
}

var raw = base64.RawStdEncoding

// Same tells whether a password is the one of a stored hash, of whatever method
// that is. It takes as long as hashing.
func Same(hash string, password roster.Clear) (bool, error) {
	text := password.Reveal()
	if Argon2id.TooLong(password) {
		return false, nil
	}
	if !strings.HasPrefix(hash, "$argon2id$") {
		if c, err := bcrypt.Cost([]byte(hash)); err != nil || c > maxCost {
			return false, ErrHash
		}
		if Bcrypt.TooLong(password) {
			return false, nil // bcrypt would look at its beginning alone
		}
		err := bcrypt.CompareHashAndPassword([]byte(hash), []byte(text))
		if err != nil && !errors.Is(err, bcrypt.ErrMismatchedHashAndPassword) {
			return false, ErrHash
		}
		return err == nil, nil
	}
	part := strings.Split(hash, "$")
	var version int
	var m, t uint32
	var p uint8
	if len(part) != 6 {
		return false, ErrHash
	}
	if n, err := fmt.Sscanf(part[2], "v=%d", &version); n != 1 || err != nil || version != argon2.Version {
		return false, ErrHash
	}
	if n, err := fmt.Sscanf(part[3], "m=%d,t=%d,p=%d", &m, &t, &p); n != 3 || err != nil {
		return false, ErrHash
	}
	salt, err := raw.DecodeString(part[4])
	sum, err2 := raw.DecodeString(part[5])
	if err != nil || err2 != nil || len(salt) < 8 || len(salt) > 64 || len(sum) < 16 || len(sum) > 64 ||
		m < 8*uint32(p) || m > maxMemory || t < 1 || t > maxPasses || p < 1 || p > maxLanes {
		return false, ErrHash
	}
	got := argon2.IDKey([]byte(text), salt, t, m, p, uint32(len(sum)))
	return subtle.ConstantTimeCompare(got, sum) == 1, nil
}
