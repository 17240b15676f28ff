// Package dn compares the names of a directory's entries.
package dn

import (
	"cmp"
	"slices"
	"strings"

	"github.com/go-ldap/ldap/v3"

	"rollcall/internal/roster"
)

// maxName is the longest text that is taken for a name; OpenLDAP has at most an eighth
// of it.
const maxName = 64 << 10

// Normal is a form that all spellings of one name have in common (RFC 4514): types
// and values without case, blanks that mean nothing left out, escapes read, and the
// parts of one step in order. A text that is no name is returned as it is.
func Normal(dn string) string {
	if len(dn) > maxName {
		return dn
	}
	if !strings.ContainsAny(dn, `\"+#;<>`) { // nearly always
		var b strings.Builder
		for i, rdn := range strings.Split(dn, ",") {
			name, value, ok := strings.Cut(rdn, "=")
			if !ok {
				return dn
			}
			writeRDN(&b, i, 0, name, value)
		}
		return b.String()
	}
	parsed, err := ldap.ParseDN(dn)
	if err != nil {
		return dn
	}
	var b strings.Builder
	for i, rdn := range parsed.RDNs {
		parts := slices.Clone(rdn.Attributes)
		slices.SortFunc(parts, func(x, y *ldap.AttributeTypeAndValue) int {
			return cmp.Or(strings.Compare(strings.ToLower(x.Type), strings.ToLower(y.Type)), strings.Compare(roster.Fold(x.Value), roster.Fold(y.Value)))
		})
		for j, a := range parts {
			writeRDN(&b, i, j, a.Type, a.Value)
		}
	}
	return b.String()
}

// writeRDN writes a part of a DN behind a separator, which in a value is escaped.
func writeRDN(b *strings.Builder, i, j int, name, value string) {
	switch {
	case j > 0:
		b.WriteByte(1)
	case i > 0:
		b.WriteByte(0)
	}
	b.WriteString(strings.ToLower(strings.TrimSpace(name)))
	b.WriteByte('=')
	value = strings.Join(strings.Fields(roster.Fold(value)), " ")
	if strings.ContainsAny(value, "\x00\x01\x02") {
		value = separators.Replace(value)
	}
	b.WriteString(value)
}

var separators = strings.NewReplacer("\x00", "\x020", "\x01", "\x021", "\x02", "\x022")
