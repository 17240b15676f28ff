package source

import (
	"bytes"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/go-ldap/ldap/v3"
)

// A following is what is noted of an answer so that a later one can go on from
// it: which entry is which, and how far the server had come. A nil one notes
// nothing. It knows three ways in which directories say what has changed.
type following struct {
	anchor string // the attribute by which an entry is known for good, in lower case
	stamp  string // the attribute that says when it was changed, in lower case, which is asked for and not written; "" for none
	sync   bool   // by the content synchronisation of RFC 4533
	going  bool   // it goes on from an earlier answer

	newest   string // of the stamps
	nameless int    // entries without an anchor
	unaged   int    // entries without a stamp

	cookie  string // of the synchronisation
	deletes bool   // it has told who is gone
	present bool   // it has told who is still there instead
	gone    func(anchor string)
	uuid    [36]byte
}

// Names of the content synchronisation (RFC 4533).
const (
	oidSync      = "1.3.6.1.4.1.4203.1.9.1.1"
	oidSyncState = "1.3.6.1.4.1.4203.1.9.1.2"
	oidSyncDone  = "1.3.6.1.4.1.4203.1.9.1.3"
	oidSyncInfo  = "1.3.6.1.4.1.4203.1.9.1.4"
)

// refreshRequired is the result by which a server says that it cannot go on.
const refreshRequired = 4096

// errUnsent is a first answer that leaves entries out, as if we had them.
var errUnsent = errors.New("it spoke of entries that it has not sent")

// What the synchronisation says of an entry.
const (
	statePresent = 0
	stateDelete  = 3
)

// maxCookie bounds what is remembered for a server.
const maxCookie = 64 << 10

// A doubt is why what has changed is not known for certain, so that all is read.
type doubt struct{ text, fix string }

func (d *doubt) Error() string { return d.text }

func (f *following) syncs() bool { return f != nil && f.sync }

// wants is what is asked for besides what is written.
func (f *following) wants(attributes []string) []string {
	if f == nil || f.stamp == "" {
		return attributes
	}
	return append(slices.Clone(attributes), f.stamp)
}

// syncControl asks for a synchronisation, from a cookie on.
func syncControl(cookie string) []byte {
	const refreshOnly = 1
	parts := [][]byte{number(tagEnumerated, refreshOnly)}
	if cookie != "" {
		parts = append(parts, octets(cookie))
	}
	return control(oidSync, true, tlv(tagSequence, parts...))
}

// entry notes an entry, and takes away what is not to be written; there is false
// where it only says that somebody is gone, or still there.
func (f *following) entry(attributes []attribute, controls []byte) (written []attribute, there bool, err error) {
	if f == nil {
		return attributes, true, nil
	}
	if f.stamp != "" {
		attributes = f.age(attributes)
	}
	if !f.sync {
		return attributes, true, nil
	}
	value, ok, err := result{controls: controls}.control(oidSyncState)
	if err != nil || !ok {
		return attributes, false, errMalformed
	}
	seq, _, err := part(value, tagSequence)
	if err != nil {
		return attributes, false, err
	}
	body, seq, err := part(seq, tagEnumerated)
	if err != nil {
		return attributes, false, err
	}
	state, err := whole(body)
	if err != nil {
		return attributes, false, err
	}
	uuid, seq, err := part(seq, tagOctets)
	if err != nil || len(uuid) != 16 {
		return attributes, false, errMalformed
	}
	if len(seq) > 0 {
		cookie, _, err := part(seq, tagOctets)
		if err != nil {
			return attributes, false, err
		}
		f.moved(cookie)
	}
	if !f.going && (state == statePresent || state == stateDelete) {
		return attributes, false, errUnsent
	}
	switch state {
	case statePresent:
		f.present = true
		return attributes, false, nil
	case stateDelete:
		f.lost(uuid)
		return attributes, false, nil
	}
	writeUUID(&f.uuid, uuid)
	for i := range attributes {
		if a := &attributes[i]; is(a.name, f.anchor) {
			a.values = append(a.values[:0], f.uuid[:])
			return attributes, true, nil
		}
	}
	return append(attributes, attribute{name: []byte(anchorUUID), values: [][]byte{f.uuid[:]}}), true, nil
}

// age notes when an entry was changed.
func (f *following) age(attributes []attribute) []attribute {
	stamp := ""
	for i, a := range attributes {
		if !is(a.name, f.stamp) {
			continue
		}
		if len(a.values) == 1 {
			stamp, _ = stampOf(string(a.values[0]))
		}
		// The lists of values are used again: none is lost.
		last := len(attributes) - 1
		attributes[i], attributes[last] = attributes[last], attributes[i]
		attributes = attributes[:last]
		break
	}
	if stamp == "" {
		f.unaged++
	}
	f.newest = max(f.newest, stamp)
	return attributes
}

// is tells whether an attribute is called so, in whatever spelling.
func is(name []byte, lower string) bool {
	return len(name) == len(lower) && strings.EqualFold(string(name), lower)
}

// anchorOf is by what an entry is known; "" where it has no such name.
func (f *following) anchorOf(attributes []attribute) string {
	for _, a := range attributes {
		if is(a.name, f.anchor) && len(a.values) == 1 {
			return string(a.values[0])
		}
	}
	return ""
}

// count notes an entry that cannot be followed.
func (f *following) count(attributes []attribute) {
	if f != nil && f.anchorOf(attributes) == "" {
		f.nameless++
	}
}

func (f *following) lost(uuid []byte) {
	if f.gone == nil {
		return
	}
	var text [36]byte
	writeUUID(&text, uuid)
	f.gone(string(text[:]))
}

// writeUUID writes 16 bytes as directories do.
func writeUUID(to *[36]byte, uuid []byte) {
	at := 0
	for i, c := range uuid {
		if i == 4 || i == 6 || i == 8 || i == 10 {
			to[at] = '-'
			at++
		}
		hex.Encode(to[at:at+2], []byte{c})
		at += 2
	}
}

// told reads what the synchronisation says between entries.
func (f *following) told(body []byte) error {
	if !f.syncs() {
		return nil
	}
	seq := body
	var name, value []byte
	for len(seq) > 0 {
		tag, one, rest, err := element(seq)
		if err != nil {
			return err
		}
		switch tag {
		case 0x80:
			name = one
		case 0x81:
			value = one
		}
		seq = rest
	}
	if string(name) != oidSyncInfo {
		return nil
	}
	const newCookie, refreshDelete, refreshPresent, idSet = 0x80, 0xa1, 0xa2, 0xa3
	tag, info, _, err := element(value)
	if err != nil {
		return err
	}
	if tag == newCookie {
		f.moved(info)
		return nil
	}
	if len(info) > 0 && info[0] == tagOctets {
		var cookie []byte
		if cookie, info, err = part(info, tagOctets); err != nil {
			return err
		}
		f.moved(cookie)
	}
	switch tag {
	case refreshDelete:
		f.deletes = true
	case refreshPresent:
		f.present = true
	case idSet:
		return f.set(info)
	}
	return nil
}

// moved notes how far the server has come. Where nothing has changed OpenLDAP
// sends an empty cookie, and the old one stays.
func (f *following) moved(cookie []byte) {
	if len(cookie) > 0 {
		f.cookie = string(cookie)
	}
}

// set reads a set of entries that are gone, or that are still there.
func (f *following) set(info []byte) error {
	deletes, info, err := flagged(info)
	if err != nil {
		return err
	}
	ids, _, err := part(info, tagSet)
	if err != nil {
		return err
	}
	if !deletes && !f.going && len(ids) > 0 {
		return errUnsent
	}
	if !deletes {
		f.present = true
		return nil
	}
	for len(ids) > 0 {
		var id []byte
		if id, ids, err = part(ids, tagOctets); err != nil || len(id) != 16 {
			return errMalformed
		}
		f.lost(id)
	}
	return nil
}

// flagged reads a boolean that need not be there and is then false.
func flagged(b []byte) (set bool, rest []byte, err error) {
	if len(b) == 0 || b[0] != tagBoolean {
		return false, b, nil
	}
	body, rest, err := part(b, tagBoolean)
	return err == nil && !bytes.Equal(body, []byte{0}), rest, err
}

// done reads what the end of an answer says.
func (f *following) done(res result) error {
	if !f.syncs() {
		return nil
	}
	value, ok, err := res.control(oidSyncDone)
	if err != nil {
		return &doubt{text: errMalformed.Error()}
	}
	if !ok && f.going {
		return &doubt{text: "the server did not say how far the changes go"}
	}
	if ok && len(value) > 0 {
		seq, _, err := part(value, tagSequence)
		if err == nil && len(seq) > 0 && seq[0] == tagOctets {
			var cookie []byte
			if cookie, seq, err = part(seq, tagOctets); err == nil {
				f.moved(cookie)
			}
		}
		var deletes bool
		if err == nil {
			deletes, _, err = flagged(seq)
		}
		if err != nil {
			return &doubt{text: errMalformed.Error()}
		}
		f.deletes = f.deletes || deletes
	}
	if f.going && (f.present || !f.deletes) {
		return &doubt{
			text: "the server could not say who is gone, only who is still there",
			fix:  "OpenLDAP: have syncprov-sessionlog set for the database, to more than the changes between two runs",
		}
	}
	if len(f.cookie) > maxCookie {
		return &doubt{text: "the server's cookie is too large"}
	}
	return nil
}

// refused tells of a result by which a server declines to say what has changed,
// though it may give all. entries are those that came before it.
func (f *following) refused(res result, entries int) error {
	if f == nil || res.code == ldap.LDAPResultSuccess {
		return nil
	}
	switch res.code {
	case refreshRequired:
		return &doubt{text: "the server has not kept the changes for so long (e-syncRefreshRequired, 4096)", fix: "OpenLDAP: have syncprov-sessionlog raised above the number of changes between two runs"}
	case ldap.LDAPResultUnavailableCriticalExtension, ldap.LDAPResultProtocolError, ldap.LDAPResultUnwillingToPerform, ldap.LDAPResultOperationsError, ldap.LDAPResultInappropriateMatching, ldap.LDAPResultOther:
	default:
		return nil
	}
	if f.going || f.sync && entries == 0 {
		return &doubt{text: fmt.Sprintf("the server declined to say what has changed (%s)", codeName(res.code)), fix: "OpenLDAP: have the overlay syncprov loaded for the database; 389 DS: have the Content Synchronization plugin enabled"}
	}
	return nil
}
