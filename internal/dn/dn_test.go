package dn

import (
	"strings"
	"testing"
)

func TestTwoSpellingsOfOneNameAreEqualAndTwoNamesAreNot(t *testing.T) {
	for _, same := range [][]string{
		{"cn=Ada,dc=example,dc=org", "CN=ada, DC=Example , dc=ORG", `cn=\41da,dc=example,dc=org`, "cn=  ada,dc=example,dc=org"},
		{`cn=Lovelace\, Ada+uid=1,dc=x`, `UID=1+cn=lovelace\2C  ada,dc=X`, `uid=1 + cn=Lovelace\, Ada,dc=x`},
		{`cn=#04024869,dc=x`, `CN=#04024869,DC=x`},
		{"cn=Ann Bee,dc=x", "CN=ann  bee, DC=X"},
		{`cn=\C5\81ukasz,dc=x`, "cn=łukasz,dc=x"},
		{`cn=a\ ,dc=x`, "cn=a,dc=x"},
	} {
		for _, name := range same[1:] {
			if Normal(name) != Normal(same[0]) {
				t.Errorf("%s is %q, want %q as %s", name, Normal(name), Normal(same[0]), same[0])
			}
		}
	}
	for _, two := range [][2]string{
		{"cn=a,dc=x", "cn=a,dc=y"},
		{`cn=a\,dc=x`, "cn=a,dc=x"},
		{"cn=a,ou=b,dc=x", "cn=a,dc=x"},
		{"cn=a+cn=b,dc=x", "cn=a,cn=b,dc=x"},
		{`cn=a\00ou=b,dc=x`, "cn=a,ou=b,dc=x"},
		{`cn=a\01ou=b,dc=x`, "cn=a+ou=b,dc=x"},
		{`cn=a\00,dc=x`, `cn=a\020,dc=x`},
		{"cn=a b", "cn=ab"},
		{"", "cn="},
		{"", "cn=a"},
		{"no name", "no  name"},
	} {
		if Normal(two[0]) == Normal(two[1]) {
			t.Errorf("%q and %q are both %q", two[0], two[1], Normal(two[0]))
		}
	}
}

// Its parts are put in order, which takes a long name longer than anybody waits.
func TestATextLongerThanAnyNameIsNone(t *testing.T) {
	for n, normal := range map[int]bool{100: true, maxName: false} {
		name := strings.Repeat("B=b+", n/4) + "A=a"
		if got := Normal(name) != name; got != normal {
			t.Errorf("%d bytes: normal form %v, want %v", len(name), got, normal)
		}
	}
}
