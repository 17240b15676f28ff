package roster

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"time"
)

// A Severity is how much a problem matters (R8).
type Severity string

// The severities. A run with errors or warnings has status warn; notes change
// nothing. SkipRow marks a row that is valid, but that upload type or a switch
// leaves out: it has no code and is no problem, but a person may ask why. One that
// has a Fix is told like a note: somebody wants what it asks for (see [Problem.Told]).
const (
	SeverityError   Severity = "error" // the row is rejected
	SeverityWarning Severity = "warning"
	SeverityNote    Severity = "note"
	SkipRow         Severity = "skip"
)

// A Problem is something wrong with a record, a column or a drop.
type Problem struct {
	Code     string // a key of [Codes]; "" for a skipped row or a note without a code
	Severity Severity
	Field    string // the account field; "" where the whole row is meant
	Column   string // the drop's name for it
	Line     int    // zero: no row's
	Key      Key
	Account  uint64    // where the row found its account; else zero
	Text     string    // what is wrong, without any value; "" takes the code's sentence
	Fix      string    // what to do; "" takes the code's fix
	Since    time.Time // when the same problem was first seen; zero: in this run

	Who   Who    // whose row it is; zero unless the profile's reports name people
	Value string // what was wrong, as [Visible] shows it, or [Withheld]; "" unless the profile's reports show values
}

// Message is what is wrong, in words.
func (p Problem) Message() string {
	if p.Text != "" {
		return p.Text
	}
	return Codes[p.Code].Text
}

// Remedy is what to do.
func (p Problem) Remedy() string {
	if p.Fix != "" {
		return p.Fix
	}
	return Codes[p.Code].Fix
}

// Told is how grave a problem is to whoever reads a report; ok is false where it is
// none, and only whoever asks for it hears of it.
func (p Problem) Told() (s Severity, ok bool) {
	if p.Severity != SkipRow {
		return p.Severity, true
	}
	return SeverityNote, p.Fix != ""
}

// String names the place and never the value.
func (p Problem) String() string {
	s := p.Message()
	if p.Column != "" {
		s = fmt.Sprintf("column %q: %s", p.Column, s)
	}
	if p.Line > 0 {
		s = fmt.Sprintf("line %d: %s", p.Line, s)
	}
	if p.Code != "" {
		s = p.Code + " " + s
	}
	return s
}

// Identity is the same for the same problem of the same person in another
// drop: by code, severity, field and key, or by the line where no key could be
// read. A note without a code is told by its column and its words instead of a
// line, and so is a skipped row that is told. It tells what is new from what was there before, and does not say whose it is.
func (p Problem) Identity() string {
	whose := "key\x00" + string(p.Key)
	if p.Key == "" {
		whose = fmt.Sprintf("line\x00%d", p.Line)
	}
	if p.Code == "" && (p.Severity == SeverityNote || p.Severity == SkipRow && p.Fix != "") {
		whose = "text\x00" + string(p.Key) + "\x00" + p.Column + "\x00" + p.Text
	}
	sum := sha256.Sum256([]byte(p.Code + "\x00" + string(p.Severity) + "\x00" + p.Field + "\x00" + whose))
	return hex.EncodeToString(sum[:16])
}

// NewProblem makes a problem of the code's own severity.
func NewProblem(code string, line int, key Key) Problem {
	return Problem{Code: code, Severity: Codes[code].Severity, Line: line, Key: key}
}

// A Code is one kind of problem: stable, searchable, with a help page.
type Code struct {
	Severity Severity // usual; a few are errors only for a new account (R8)
	Text     string   // the sentence
	Fix      string   // the suggested fix
	Help     string   // more, for "rollcall help E112"
}

// Codes is the whole list. Messages are built from it and never typed twice.
var Codes = map[string]Code{
	"E101": {SeverityError, "the row has a wrong number of fields", "count the delimiters of that row; a value that contains one needs quotes", "Each row needs as many fields as the header has columns. Surplus empty cells at the end of a row are nothing. The account of that row stays as it was (R15)."},
	"E102": {SeverityError, "a quote swallows rows", "close the quote in the row named first, or double a quote that belongs to the value", "A quoted cell may span lines, but not whole rows: one that holds a line with the header's number of fields, more than 20 lines, or a key with a line break refuses the whole file (R18)."},
	"E103": {SeverityError, "a byte is not valid in the file's encoding", "save the file as UTF-8, or set format.encoding to the one that it is in", "Nothing is replaced silently: a byte that does not belong to the encoding refuses the whole file, with line and offset (R16)."},
	"E104": {SeverityError, "a control or invisible character", "remove the character in HR; in a key, zero-width characters count too", "NUL and control characters other than tab, and line breaks in a quoted cell, reject the row (R16); in a key invisible characters do too (R40)."},
	"E105": {SeverityError, "the same key is on several rows that differ", "decide in HR which row is right; none of them was used", "Rows with one key that are equal after mapping are one row (E106). Rows that differ are all rejected, and the account stays as it was (R41)."},
	"E106": {SeverityWarning, "the same row twice", "remove the copy in HR; the first was used", "Rows with one key that are equal after mapping: the first is used, the others are skipped (R41)."},
	"E112": {SeverityWarning, "not a date", "correct it in HR, or say how dates are written with map.FIELD.date", "Dates are YYYY-MM-DD unless map.FIELD.date says otherwise. An impossible or ambiguous date keeps the stored one (R7, R23)."},
	"E115": {SeverityError, "not a 0, a 1 or a known status", "correct the word in HR, or translate it with map.FIELD.values", "suspended and deleted are 0 or 1; status is active, suspended, leave or leaver; other spellings by values:. Columns that contradict each other are E115 too (R13, R60)."},
	"E118": {SeverityWarning, "too long", "shorten it in HR; nothing is cut", "Each field has a maximum of characters; a longer value is not used (R21)."},
	"E120": {SeverityError, "required and empty", "fill it in HR", "A new account needs what required: lists; username, first_name, last_name and email where the profile says nothing (R43). A field that may be the same for many people can have a default with map.FIELD.default; a key, a username or an address never, or everybody without one would be one person."},
	"E122": {SeverityWarning, "not in the list", "use a value of the list, or translate it with map.FIELD.values", "The field allows only certain values, such as those of accounts.auth (R24), the known languages and the time zones (R25), or those of values: with other: reject."},
	"E126": {SeverityWarning, "a weak password", "choose a longer one with letters and digits", "The site's password policy counts it as weak (R83)."},
	"E127": {SeverityWarning, "a password of 0", "a spreadsheet has made it of a password that began with - or +; type it as text", "It is not used (R17)."},
	"E130": {SeverityWarning, "the address is another account's", "correct it in HR, or allow it with unique_email: off", "With unique_email: on two accounts never hold one address, nor one value of a profile field that the catalog calls unique (R27); the rest of the row is applied, a new account that requires one is rejected (R22)."},
	"E131": {SeverityWarning, "not an address", "correct it in HR, or set map.email.on_invalid", "An address has a local part, an @ and a domain with a dot (R22)."},
	"E133": {SeverityWarning, "not a country", "write the two letters of ISO 3166-1", "Countries are two letters of ISO 3166-1; the United Kingdom is GB, not UK (R20)."},
	"E134": {SeverityError, "not a username", "use letters, digits and - . _ @", "With standardise: off a username with other characters is rejected; one of which nothing remains always is (R30)."},

	"E201": {SeverityWarning, "no such cohort", "correct it in HR, or add the cohort to the catalog", "A cohort is named by its id number, or by an id that is not a mere number, never by its name. What the record says otherwise is applied (R90)."},
	"E203": {SeverityWarning, "no such course", "correct it in HR, or add the course to the catalog", "A course is named by its short name. What the record says otherwise is applied (R90)."},
	"E204": {SeverityWarning, "no such group of the course", "correct it in HR, or add the group to the catalog", "A group is named by its name or id, never by a name that is a mere number. The person is enrolled without it (R90)."},
	"E205": {SeverityWarning, "no such role", "correct it in HR, or add the role to the catalog; capitals matter", "A role is named by its short name or id. It is not given; what the record says otherwise is applied (R90, R93)."},
	"E206": {SeverityWarning, "no such program", "correct it in HR, or add the program to the catalog", "A program is named by its id (R90)."},
	"E207": {SeverityWarning, "no such site", "correct it in HR, or add the site to the catalog", "A site is named by its path, like Canada/Ontario (R44, R90)."},
	"E208": {SeverityWarning, "no such session", "correct it in HR, or add the session to the catalog", "A session is named by its id (R90)."},
	"E210": {SeverityWarning, "no such theme", "correct it in HR, or add the theme to the catalog", "A theme is one of the catalog's themes; the account keeps the one that it has (R96)."},
	"E211": {SeverityError, "no such profile field", "declare it under fields: in the profile, list it in the catalog, or take it out of the file", "Custom profile fields are declared before a file may speak of them, or the file is not used: by fields: {shift: text} in the profile, under fields: of the file that catalog: in rollcall.yaml names, or by rollcall catalog import (R27). All that a file lacks are named at once."},

	"E209": {SeverityWarning, "the fallback owner is not an active account", "name an active account in policy.fallback_owner", "The content of a deleted person needs somebody to go to; until then nobody is deleted (R63)."},

	"E301": {SeverityError, "the key belongs to two accounts", "decide with rollcall accounts link PROFILE KEY ACCOUNT", "Neither account is touched until a person decides (R41, R49)."},
	"E302": {SeverityError, "the username belongs to an account with another key", "if it is the same person: rollcall accounts link PROFILE KEY ACCOUNT; else correct the username in HR", "The fallback adopts only accounts that have no key yet, that are active and not protected (R42). Of several rows that mean one account none is used. A record whose key means one account and whose previous key, or anchor where a source has them, means another touches neither."},
	"E303": {SeverityWarning, "the username is taken", "choose another in HR, or set map.username.on_taken: number", "Everything else of the row is applied; a new account is rejected. A name given up is held for accounts.hold_names (R33, R34)."},
	"E304": {SeverityWarning, "the account is protected", "take it out of the feed, or out of protect:", "Protected accounts are never suspended, renamed or deleted by a feed: those that accounts.protect or policy.protect names by username or pattern, whoever has a role that it names as role:NAME, and whoever has the site administrator's role, called admin, administrator or siteadmin (R64)."},
	"E305": {SeverityError, "no account has the old name or key", "correct oldusername or previous_key in HR", "A row that asks for a rename or a re-keying finds its account by what it was called before (R35, R46)."},
	"E306": {SeverityError, "the account belongs to another site", "correct the site in HR", "A profile with site: sees only accounts of its tree (R44)."},
	"E307": {SeverityError, "the key seems to have been given to somebody else", "the same person: rollcall accounts link PROFILE KEY ACCOUNT; somebody new: rollcall accounts link PROFILE KEY new", "The account with this key is suspended or deleted, and the witnesses disagree or there are none: a person decides (R45, R49)."},
	"E308": {SeverityError, "there is nobody to delete", "remove the row in HR", "The row asks to delete an account that does not exist (R66)."},
	"E309": {SeverityWarning, "probably the same person as an existing account", "the same person: rollcall accounts link PROFILE KEY ACCOUNT; somebody new: rollcall accounts link PROFILE KEY new", "An unknown key with the address, or all of match.witness, of an account that no other record of the drop mentions. With match.lookalike: warn the account is added all the same, with wait the row waits until a person decides, with off nobody is compared (R48, R49)."},
	"E310": {SeverityNote, "another feed has authority over this field", "nothing to do; change authority: in rollcall.yaml if this feed should win", "A value written by one profile is not overwritten by another, unless authority: ranks it higher (R54)."},

	"E401": {SeverityError, "the source cannot be reached", "check host, port and network, then run it again", "No login was sent, no file was read, no account changed."},
	"E402": {SeverityError, "the login was refused", "check user and key or password with the server's owner", "The server was reached and is who it says; it did not let rollcall in."},
	"E403": {SeverityError, "the server's host key is not the pinned one", "ask the server's owner for the new fingerprint by phone or ticket; if it matches, pin it in source.host_keys", "This is a planned change of the server or somebody in the middle. No login was sent. rollcall hostkey show HOST prints what the server offers now."},
	"E404": {SeverityError, "the certificate cannot be verified", "check source.ca_file and the server's name", "The server's certificate is unknown, expired or made out to another name."},
	"E405": {SeverityError, "there is no drop", "check source.path, and whether HR has sent the file", "The source was reached and has no file that matches."},
	"E406": {SeverityError, "the file is still growing", "wait until the upload ends; the next run looks again", "A file is read only when size and time have stood still for source.settle, or its marker (source.ready) is there."},
	"E407": {SeverityError, "the file cannot be decrypted, or its signature is wrong", "check the keys with HR", "Nothing of an unproven file is used."},
	"E408": {SeverityError, "the file is incomplete", "ask HR to send it again", "The bytes that came are fewer than promised, the file ends inside a row, or the trailer counts other rows. Nobody is removed because of it."},
	"E409": {SeverityError, "a file of the sequence is missing", "ask HR for the missing file", "Deltas are applied in their order, each exactly once (R104). With source.sequence each has a number that follows the last: in its name, as in changes_{number}.csv, or beside the records of XML, as /changes/@number. One that leaves a gap is held; as soon as what is missing has come it is read first, and the one that was held after it. To go on without it, approve the held run: rollcall held approve. With gap: warn a gap is only told. A number that was dealt with already is refused (E410) and passed over, but by --file; where HR counts from the beginning again, name the file with the number 1."},
	"E410": {SeverityError, "the file is older than the one applied last", "ask HR for a new one, or name it with --file", "An older full drop would undo what a newer one did, and so would an older number of a sequence, and a delta that comes behind one that was written after it (R104). A delta is refused once and then passed over: look whether what it says still holds, and apply it by name."},
	"E411": {SeverityError, "the file is refused", "see the message", "The whole file is not what the profile expects: empty, without its columns, binary, or past a bound. Nothing of it is used."},

	"E501": {SeverityError, "more removals than max_removals allows", "", "Suspensions and deletions by the feed, by absence, or by a date within 7 days."},
	"E502": {SeverityError, "more removals in 24 hours than max_removals_day allows", "", "Added up over applied runs."},
	"E503": {SeverityError, "more removals in 7 days than max_removals_week allows", "", "Added up over applied runs."},
	"E504": {SeverityError, "more new accounts than max_adds allows", "", "Not counted in a first run."},
	"E505": {SeverityError, "more renames than max_renames allows", "", "Re-keyings count too."},
	"E506": {SeverityError, "one field changes for more people than max_field_change allows", "", "Shifted columns and wrong encodings look like this."},
	"E507": {SeverityError, "more memberships removed than max_membership_removals allows", "", "Of what the profile granted."},
	"E508": {SeverityError, "more rows newly rejected than max_rejected allows", "", "Rows that were rejected in the last applied run too do not count."},
	"E509": {SeverityError, "fewer rows than min_rows allows", "", "Against the median of the last five applied or approved full drops."},
	"E510": {SeverityError, "more rows than max_rows allows", "", "Against the median of the last five applied or approved full drops."},
	"E511": {SeverityError, "more than half of the profile's accounts would be removed", "", "Holds whatever the other limits say, where there are four or more."},
	"E512": {SeverityError, "a canary is missing", "", "guardrails.canaries names keys that every full drop must list."},
	"E513": {SeverityWarning, "a row's key cannot be read", "", "It could be anybody's row, so the run goes on without its removals by absence (R3)."},
	"E514": {SeverityError, "the first run of this profile waits for a person", "", "Also after a change of mapping, key or source that would remove or rename anybody. guardrails.first_run: apply switches both off."},

	"E601": {SeverityWarning, "the report could not be delivered", "check mail.server; rollcall serve keeps trying", "The run itself is applied; its mail waits in the outbox."},
}
