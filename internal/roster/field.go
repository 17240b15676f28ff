package roster

// A Field is one column of an account. Those below [NumFeedFields] are what a
// feed can say; those above are rollcall's own knowledge of the account. All
// of them are text in their normal form, "" when empty, so that comparing,
// planning, journalling and taking back are the same few loops for each.
type Field uint8

// The fields that a feed can say.
const (
	EmployeeID Field = iota
	Username
	Email
	FirstName
	LastName
	StartsOn  // YYYY-MM-DD, or RFC 3339 where a time was given
	ExpiresOn // the last day (R70), written like StartsOn
	Auth
	Language
	Timezone
	Site
	Theme
	Institution
	Department
	Title
	Manager
	City
	Country
	Address
	Phone1
	Phone2
	URL
	Description
	AvatarURL
	LastLoginAt // RFC 3339 in UTC
	NumFeedFields
)

// The fields that rollcall itself keeps. Times are [Stamp]s.
const (
	StatusField   Field = NumFeedFields + iota // a [Status]
	StatusReason                               // a [Reason]
	StatusBy                                   // an [Origin]: who set the status
	StatusSince                                // when
	StartsAt                                   // the instant of StartsOn; "" when there is none
	ExpiresAt                                  // the first instant after ExpiresOn; "" when there is none
	FallbackOwner                              // username that inherits a deleted account's content
	DeletedAt                                  // when the account was deleted; "" when it is not
	LegalHold                                  // since when nobody may delete or erase it; "" when anybody may
	MergedInto                                 // the id of the account that its person has now; "" for none
	PasswordField                              // a [PasswordState]; never the password, and never its hash
	NumFields
)

// Values holds one text for each field.
type Values [NumFields]string

// A FieldSet is a set of fields.
type FieldSet uint64

// Has tells whether f is in s.
func (s FieldSet) Has(f Field) bool { return s&(1<<f) != 0 }

// With is s and fs.
func (s FieldSet) With(fs ...Field) FieldSet {
	for _, f := range fs {
		s |= 1 << f
	}
	return s
}

// Without is s less fs.
func (s FieldSet) Without(fs ...Field) FieldSet {
	for _, f := range fs {
		s &^= 1 << f
	}
	return s
}

// fields gives each field its public name and the most characters that it holds.
var fields = [NumFields]struct {
	name string
	max  int
}{
	EmployeeID:    {"employee_id", 100},
	Username:      {"username", 100},
	Email:         {"email", 254},
	FirstName:     {"first_name", 100},
	LastName:      {"last_name", 100},
	StartsOn:      {"starts_on", 40},
	ExpiresOn:     {"expires_on", 40},
	Auth:          {"auth", 20},
	Language:      {"language", 30},
	Timezone:      {"timezone", 60},
	Site:          {"site", 255},
	Theme:         {"theme", 50},
	Institution:   {"institution", 255},
	Department:    {"department", 255},
	Title:         {"title", 255},
	Manager:       {"manager", 255},
	City:          {"city", 120},
	Country:       {"country", 2},
	Address:       {"address", 255},
	Phone1:        {"phone1", 30},
	Phone2:        {"phone2", 30},
	URL:           {"url", 255},
	Description:   {"description", 4000},
	AvatarURL:     {"avatar_url", 1000},
	LastLoginAt:   {"last_login_at", 40},
	StatusField:   {"status", 20},
	StatusReason:  {"status_reason", 60},
	StatusBy:      {"status_by", 60},
	StatusSince:   {"status_since", 40},
	StartsAt:      {"starts_at", 40},
	ExpiresAt:     {"expires_at", 40},
	FallbackOwner: {"fallback_owner", 100},
	DeletedAt:     {"deleted_at", 40},
	LegalHold:     {"legal_hold", 40},
	MergedInto:    {"merged_into", 20},
	PasswordField: {"password", 120},
}

// String is the field's public name, as in YAML, reports and columns.
func (f Field) String() string {
	if f < NumFields {
		return fields[f].name
	}
	return "?"
}

// Max is the most characters that the field holds (R21).
func (f Field) Max() int { return fields[f].max }

// named are the fields by name.
var named = func() map[string]Field {
	all := make(map[string]Field, NumFields)
	for f := range NumFields {
		all[f.String()] = f
	}
	return all
}()

// FieldNamed finds a field by its public name.
func FieldNamed(name string) (Field, bool) {
	f, ok := named[name]
	return f, ok
}

// FeedFields are the fields that a feed can say, in order.
func FeedFields() []Field {
	all := make([]Field, NumFeedFields)
	for i := range all {
		all[i] = Field(i)
	}
	return all
}

// MarshalText writes the public name.
func (f Field) MarshalText() ([]byte, error) { return []byte(f.String()), nil }

// UnmarshalText reads the public name of a field that a feed can say, the password
// among them.
func (f *Field) UnmarshalText(text []byte) error {
	got, ok := FieldNamed(string(text))
	if !ok || got >= NumFeedFields && got != PasswordField {
		return &UnknownFieldError{Name: string(text)}
	}
	*f = got
	return nil
}

// An UnknownFieldError names something that is no account field.
type UnknownFieldError struct{ Name string }

func (e *UnknownFieldError) Error() string {
	return "\"" + e.Name + "\" is not an account field"
}

// SetMode is when a feed writes a field of an existing account (R51).
type SetMode string

// The modes; "" is always.
const (
	SetAlways      SetMode = "always"
	SetOnce        SetMode = "once"
	SetIfEmpty     SetMode = "if_empty"
	SetUntilEdited SetMode = "until_edited" // a person's edit stays until it is released
)
