package format

import (
	"bytes"
	bytewise "encoding/binary"
	"encoding/hex"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

// dialects are the ways in which directories say what LDAP has no word for.
var dialects = []string{"ad", "openldap", "389ds", "generic"}

// A virtual is a column that a dialect makes of attributes: @status is active
// or suspended, @expires a date as every profile reads it, @anchor the name by
// which the directory itself knows the entry for good.
type virtual struct {
	name string
	from []string // attributes; the first that says something counts
	read func(attribute, text string) string
	at   []int // places of those that the file can have

	lacking bool   // an entry need not have any of them
	proof   string // an attribute: where every entry has it, from was exported too, and nobody has any
}

// virtuals are the columns that a dialect makes.
func virtuals(dialect string) []virtual {
	switch dialect {
	case "ad":
		return []virtual{
			{name: "@status", from: []string{"userAccountControl"}, read: accountControl},
			{name: "@expires", from: []string{"accountExpires"}, read: expiry},
			{name: "@anchor", from: []string{"objectGUID"}, read: asItIs},
		}
	case "openldap":
		return []virtual{
			{name: "@status", from: []string{"pwdAccountLockedTime"}, read: lockedTime, lacking: true, proof: "structuralObjectClass"},
			{name: "@expires", from: []string{"pwdEndTime", "shadowExpire"}, read: expiry, lacking: true},
			{name: "@anchor", from: []string{"entryUUID"}, read: asItIs},
		}
	case "389ds":
		return []virtual{
			{name: "@status", from: []string{"nsAccountLock"}, read: accountLock, lacking: true},
			{name: "@expires", from: []string{"krbPrincipalExpiration", "shadowExpire"}, read: expiry, lacking: true},
			{name: "@anchor", from: []string{"nsUniqueId", "ipaUniqueID"}, read: asItIs},
		}
	}
	return []virtual{{name: "@anchor", from: []string{"entryUUID", "objectGUID", "nsUniqueId", "ipaUniqueID"}, read: asItIs}}
}

// Attributes are what a directory is asked for so that an entry has a column:
// the attribute itself, those of which the dialect makes it, or none where every
// entry has it. ok is false where the dialect knows no such column, or no
// attribute can be called so.
func Attributes(dialect, column string) (names []string, ok bool) {
	if strings.EqualFold(column, dnColumn) {
		return nil, true
	}
	if !strings.HasPrefix(column, "@") {
		return []string{column}, isDescription([]byte(column))
	}
	for _, v := range virtuals(dialect) {
		if strings.EqualFold(v.name, column) {
			return v.from, true
		}
	}
	return nil, false
}

// bind finds the places of the attributes.
func (v *virtual) bind(place map[string]int) {
	for _, name := range v.from {
		if i, ok := place[strings.ToLower(name)]; ok {
			v.at = append(v.at, i)
		}
	}
}

// cell is the column's text, made of the entry's cells.
func (v *virtual) cell(cells []string, columns []*ldifColumn) string {
	if len(v.at) == 0 {
		return v.read("", "")
	}
	for _, i := range v.at {
		if text := v.read(strings.ToLower(columns[i].name), cells[i]); text != "" {
			return text
		}
	}
	return ""
}

func asItIs(_, text string) string { return text }

// The two states that a directory can tell apart. A lock-out after wrong
// passwords is neither: it ends by itself, and the person has not left.
const (
	enabled  = "active"
	disabled = "suspended"
)

// accountControl looks at bit 2 of userAccountControl. What is no number is
// given on, and refused as a status. An entry without it says nothing.
func accountControl(_, text string) string {
	if text == "" {
		return ""
	}
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil {
		return text
	}
	if n&2 != 0 {
		return disabled
	}
	return enabled
}

// lockedTime knows the one time by which the password policy says that an
// administrator has locked the account.
func lockedTime(_, text string) string {
	if strings.HasPrefix(text, "000001010000") {
		return disabled
	}
	return enabled
}

// accountLock reads nsAccountLock, which an entry that is not locked need not have.
func accountLock(_, text string) string {
	if strings.EqualFold(text, "true") {
		return disabled
	}
	return enabled
}

// noDate is a date that means none, for every profile (R23).
const noDate = "9999-12-31"

// expiry is the end of an account as a date or an instant. What cannot be read
// is given on, and refused as a date.
func expiry(attribute, text string) string {
	if text == "" {
		return ""
	}
	switch attribute {
	case "accountexpires":
		return fileTime(text)
	case "shadowexpire":
		n, err := strconv.ParseInt(text, 10, 32)
		switch {
		case err != nil:
			return text
		case n <= 0:
			return noDate
		}
		return time.Unix((n-1)*24*60*60, 0).UTC().Format(time.DateOnly) // on that day it has ended already
	}
	for _, layout := range []string{"20060102150405Z0700", "200601021504Z0700", "2006010215Z0700"} {
		if t, err := time.Parse(layout, text); err == nil {
			return t.Format(time.RFC3339)
		}
	}
	return text
}

// fileTime reads the 100 ns since 1601 of Active Directory, and both its nevers.
func fileTime(text string) string {
	const since1601 = 11_644_473_600 // seconds from 1601 to 1970
	n, err := strconv.ParseInt(text, 10, 64)
	switch {
	case err != nil || n < 0:
		return text
	case n == 0 || n == 1<<63-1:
		return noDate
	}
	t := time.Unix(n/1e7-since1601, 0).UTC()
	if t.Year() > 9999 {
		return noDate
	}
	return t.Format(time.RFC3339)
}

// binaryText is how people write what a directory keeps as bytes: an objectGUID
// and an objectSid. It is "" for all else.
func binaryText(attribute string, b []byte) string {
	if len(b) != 16 && (len(b) < 8 || b[0] != 1) { // nearly always
		return ""
	}
	switch attribute {
	case "objectguid", "ms-ds-consistencyguid", "msexchmailboxguid", "msexcharchiveguid":
		if len(b) != 16 || isGUIDText(b) {
			return ""
		}
		return fmt.Sprintf("%08x-%04x-%04x-%s-%s", bytewise.LittleEndian.Uint32(b), bytewise.LittleEndian.Uint16(b[4:]), bytewise.LittleEndian.Uint16(b[6:]), hex.EncodeToString(b[8:10]), hex.EncodeToString(b[10:]))
	case "objectsid", "sidhistory":
		return sidText(b)
	}
	return ""
}

// isGUIDText tells whether 16 bytes are a text, and no GUID.
func isGUIDText(b []byte) bool {
	return !slices.ContainsFunc(b, func(c byte) bool { return c < ' ' || c > '~' })
}

// sidText is S-1-5-21-… of the bytes of a SID; "" where they are none.
func sidText(b []byte) string {
	if len(b) < 8 || b[0] != 1 || int(b[1]) > 15 || len(b) != 8+4*int(b[1]) {
		return ""
	}
	var authority uint64
	for _, c := range b[2:8] {
		authority = authority<<8 | uint64(c)
	}
	text := fmt.Sprintf("S-1-%d", authority)
	for i := 8; i < len(b); i += 4 {
		text += fmt.Sprintf("-%d", bytewise.LittleEndian.Uint32(b[i:]))
	}
	return text
}

// An assertion is an attribute and a value that an entry's name bears.
type assertion struct{ name, value string }

// maxAssertions bounds what the first part of a name bears: each value of the entry is
// compared with all of it.
const maxAssertions = 16

// parseRDN reads the first part of a DN (RFC 4514). What it cannot read bears
// nothing.
func parseRDN(found []assertion, dn []byte) []assertion {
	for rest := dn; ; {
		name, after, ok := bytes.Cut(rest, []byte("="))
		if !ok {
			return found
		}
		var text []byte
		i := 0
		for ; i < len(after) && after[i] != ',' && after[i] != '+'; i++ {
			if after[i] != '\\' || i+1 == len(after) {
				text = append(text, after[i])
				continue
			}
			if raw, err := hex.DecodeString(string(after[i+1 : min(i+3, len(after))])); err == nil && len(raw) == 1 {
				text = append(text, raw[0])
				i += 2
				continue
			}
			text = append(text, after[i+1])
			i++
		}
		found = append(found, assertion{strings.ToLower(string(bytes.TrimSpace(name))), string(bytes.TrimSpace(text))})
		if i == len(after) || after[i] == ',' || len(found) == maxAssertions {
			return found
		}
		rest = after[i+1:]
	}
}

// better tells whether v, rather than was, is the one value of their attribute.
func (e *entry) better(v, was value) bool {
	a, b := e.rank(v), e.rank(was)
	if a != b {
		return a < b
	}
	return bytes.Compare(e.value(v), e.value(was)) < 0
}

func (e *entry) rank(v value) int {
	if e.rdn == nil {
		e.rdn = parseRDN([]assertion{}, e.dn)
	}
	for _, a := range e.rdn {
		if a.name == string(e.name(v)) && strings.EqualFold(a.value, string(e.value(v))) {
			return 0
		}
	}
	if string(e.name(v)) == "proxyaddresses" && bytes.HasPrefix(e.value(v), []byte("SMTP:")) {
		return 1
	}
	return 2
}
