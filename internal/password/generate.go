package password

import (
	"crypto/rand"
	"math/big"
	"strings"

	"rollcall/internal/roster"
)

// Characters that nobody takes for another one when reading them from a screen
// or from paper: no i, l, o, 0, 1.
const (
	lowers = "abcdefghjkmnpqrstuvwxyz"
	uppers = "ABCDEFGHJKLMNPQRSTUVWXYZ"
	digits = "23456789"
	others = "-+=%"
)

// What a password that is made has at least: twelve of 55 characters are 69 bits.
const (
	group  = 4 // characters between two hyphens
	groups = 3
)

// Generate makes a password that fulfils the policy: groups of four characters,
// none of which is taken for another, joined by hyphens: gR4k-wn7T-Hq2v.
func (p Policy) Generate() roster.Clear {
	n := groups
	for n*group+n-1 < p.MinLength || n*group < p.Digits+p.Lower+p.Upper+max(0, p.Other-(n-1)) {
		n++
	}
	var chars []byte
	add := func(from string, times int) {
		for range times {
			chars = append(chars, from[below(len(from))])
		}
	}
	add(digits, max(1, p.Digits))
	add(lowers, max(1, p.Lower))
	add(uppers, max(1, p.Upper))
	add(others, p.Other-(n-1))
	add(lowers+uppers+digits, n*group-len(chars))
	for i := len(chars) - 1; i > 0; i-- {
		j := below(i + 1)
		chars[i], chars[j] = chars[j], chars[i]
	}
	var b strings.Builder
	for i, c := range chars {
		if i > 0 && i%group == 0 {
			b.WriteByte('-')
		}
		b.WriteByte(c)
	}
	return roster.Clear(b.String())
}

// below is a number from 0 to n-1, each as likely as the others.
func below(n int) int {
	x, err := rand.Int(rand.Reader, big.NewInt(int64(n)))
	if err != nil {
		panic(err) // the machine has no randomness: nothing that is made of it could be kept secret
	}
	return int(x.Int64())
}
