package roster

import "time"

// A Status is the state of an account.
type Status string

// The states of an account. Deleted is soft: the account leaves every list
// but that of the deleted.
const (
	Active    Status = "active"
	Suspended Status = "suspended"
	Deleted   Status = "deleted"
)

// A Reason says, in one word, why an account has the status that it has.
type Reason string

// The reasons of a status. An active account that nobody ever suspended has none.
const (
	Missing    Reason = "missing"     // the feed stopped listing the person
	FeedSays   Reason = "suspended"   // the record's suspended column, or its status
	Leaver     Reason = "leaver"      // the record's status says so
	OnLeave    Reason = "leave"       // parental or sick leave, with policy.leave: suspend
	Expired    Reason = "expired"     // expires_on has passed
	NotStarted Reason = "not_started" // starts_on is still to come
	FeedDelete Reason = "deleted"     // the record's deleted column
	GraceOver  Reason = "delete_after"
	OutOfScope Reason = "scope"   // the record left the profile's scope, with scope.left: suspend
	ByHand     Reason = "by_hand" // a person, by command
	Merged     Reason = "merged"  // its person has another account
	Anonymised Reason = "anonymised"
)

// An Origin says who wrote something: a profile by its bare name, or one of
// the words below. Profile names have no colon, so the two never meet.
type Origin string

// Origins that are no profile.
const (
	OriginDefault Origin = "default:" // a default of a profile; free to everybody
	OriginDate    Origin = "date:"    // start or end date, by run or sweep
)

// Person is the origin of what somebody did by hand.
func Person(name string) Origin { return Origin("person:" + name) }

// IsPerson tells whether o is a person.
func (o Origin) IsPerson() bool { return len(o) > 7 && o[:7] == "person:" }

// A Claim is what a link says of the account in the eyes of its profile (R5).
type Claim string

// The claims of a link. While any link claims active or leave, the account stays.
const (
	ClaimActive Claim = "active"
	ClaimLeave  Claim = "leave"
	ClaimGone   Claim = "gone"
)

// A Key is a feed's own name for a person: text, never a number (R40).
type Key string

// A Link ties a profile's key to an account, and says that the profile owns it.
type Link struct {
	Profile string `json:"profile"`
	Key     Key    `json:"key"`
	Claim   Claim  `json:"claim"`
	Decided bool   `json:"decided,omitempty"` // a person made it (R49): witnesses are not asked again
	Anchor  string `json:"anchor,omitempty"`  // the source's own name for the person's entry, for good (R47); "" where it has none
}

// An Account is one account of the directory.
type Account struct {
	ID      uint64 // zero: not stored yet
	Version uint64 // raised by each change; zero: not stored yet
	Values
	Origins   [NumFeedFields]Origin // "" where nobody wrote the field
	Links     []Link                // of every profile, sorted by profile
	Grants    []Grant               // of memberships, sorted, of every origin; only where they were asked for
	Custom    []Custom              // custom profile fields, sorted by name; nil for most
	CreatedAt time.Time
	UpdatedAt time.Time
}

// Status is the account's state.
func (a *Account) Status() Status { return Status(a.Values[StatusField]) }

// Link finds the link of a profile; nil where it does not own the account.
func (a *Account) Link(profile string) *Link {
	for i := range a.Links {
		if a.Links[i].Profile == profile {
			return &a.Links[i]
		}
	}
	return nil
}

// Claimed tells whether a profile other than except still claims the account.
func (a *Account) Claimed(except string) bool {
	for _, l := range a.Links {
		if l.Profile != except && l.Claim != ClaimGone {
			return true
		}
	}
	return false
}

// stamp is the layout of an instant in a field: always UTC and always of one
// width, so that comparing the texts compares the instants, on any database.
const stamp = "2006-01-02T15:04:05Z"

// Stamp writes an instant as a field holds it; the zero time is "".
func Stamp(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format(stamp)
}

// StampTime reads what [Stamp] wrote; "" and anything else are the zero time.
func StampTime(s string) time.Time {
	t, err := time.Parse(stamp, s)
	if err != nil {
		return time.Time{}
	}
	return t
}
