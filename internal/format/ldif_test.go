package format

import (
	"encoding/base64"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"

	"rollcall/internal/roster"
)

// people is an LDIF file as ldapsearch -LLL writes one.
const people = `version: 1
# people, one of
  them folded
dn: uid=awrona,ou=People,dc=example,dc=org
uid: awrona
employeeNumber: 000123
sn:: V3LDs2Jld3NrYQ==
givenName: Anna
description: a text that is
  folded
 , twice
mail: zoe@example.org
mail: anna@example.org

dn: uid=bob,ou=People,dc=example,dc=org
uid: robert
uid: bob
uid: a.bob
employeeNumber: 124
sn:   Baker
givenName;lang-de: Robert
title:
`

// entries are the cells of each record, as column=text.
func entries(t *testing.T, content string, o Options) ([]map[string]string, reading) {
	t.Helper()
	if o.Type == "" {
		o.Type = "ldif"
	}
	r := read(t, "people.ldif", content, o, 0)
	var all []map[string]string
	if r.file == nil {
		return nil, r
	}
	for rec, err := range r.file.Records() {
		if err != nil && !rowOnly(err) {
			break
		}
		cells := map[string]string{"line": fmt.Sprint(rec.Line)}
		for i, v := range rec.Values {
			if v != "" {
				cells[r.header[i]] = v
			}
		}
		all = append(all, cells)
	}
	return all, r
}

func TestLDIFIsReadAsRecordsWithTheirPhysicalLines(t *testing.T) {
	got, r := entries(t, people, Options{})
	want := []map[string]string{
		{"line": "4", "dn": "uid=awrona,ou=People,dc=example,dc=org", "uid": "awrona", "employeeNumber": "000123", "sn": "Wróbewska", "givenName": "Anna", "description": "a text that is folded, twice", "mail": "anna@example.org"},
		{"line": "15", "dn": "uid=bob,ou=People,dc=example,dc=org", "uid": "bob", "employeeNumber": "124", "sn": "Baker", "givenName;lang-de": "Robert"},
	}
	if r.err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("records = %v, %v\nwant %v", got, r.err, want)
	}
	if f := r.file.Facts(); f.Format != "ldif" || f.Encoding != "utf-8" || f.Delimiter != "" {
		t.Errorf("facts = %+v", f)
	}
	var notes []string
	for _, n := range r.file.Notes() {
		notes = append(notes, n.Column+": "+n.Text[:strings.IndexByte(n.Text, ' ')])
	}
	if want := []string{"mail: 1", "uid: 1"}; !reflect.DeepEqual(notes, want) {
		t.Errorf("notes = %v, want that uid and mail have several values in 1 entry", notes)
	}
}

func TestTheSameEntriesInOtherWordsAreTheSameRecords(t *testing.T) {
	want, _ := entries(t, people, Options{})
	crlf := strings.ReplaceAll(people, "\n", "\r\n")
	latin := strings.ReplaceAll(people, "sn:: V3LDs2Jld3NrYQ==", "sn: Wr\xf3bewska")
	order := strings.Replace(people, "mail: zoe@example.org\nmail: anna@example.org", "mail: anna@example.org\nMAIL: zoe@example.org", 1)
	for name, tt := range map[string]struct {
		content string
		o       Options
	}{
		"carriage returns":        {crlf, Options{}},
		"values in another order": {order, Options{}},
		"another encoding":        {latin, Options{Encoding: "iso-8859-1"}},
		"no version":              {strings.Replace(people, "version: 1", "# nothing", 1), Options{}},
		"base64 for all":          {strings.Replace(people, "uid: bob", "uid:: "+base64.StdEncoding.EncodeToString([]byte("bob")), 1), Options{}},
	} {
		if got, r := entries(t, tt.content, tt.o); r.err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("%s: records = %v, %v\nwant %v", name, got, r.err, want)
		}
	}
}

func TestWhatIsNoEntryRefusesTheDrop(t *testing.T) {
	const one = "dn: uid=a,dc=x\nuid: a\n\n"
	for _, tt := range []struct {
		name, content string
		code          string
		line          int
		says          string
	}{
		{"a change record", one + "dn: uid=b,dc=x\nchangetype: modify\nreplace: sn\nsn: B\n-\n", "E411", 5, "record of a change"},
		{"a control", one + "dn: uid=b,dc=x\ncontrol: 1.2.840.113556.1.4.805 true\nchangetype: delete\n", "E411", 5, "record of a change"},
		{"an address", one + "dn: uid=b,dc=x\njpegPhoto:< file:///etc/passwd\n", "E411", 5, "never followed"},
		{"no dn", one + "uid: b\n", "E411", 4, "begins with dn:"},
		{"a second dn", one + "dn: uid=b,dc=x\ndn: uid=c,dc=x\n", "E411", 5, "second dn:"},
		{"no colon", one + "dn: uid=b,dc=x\nuid b\n", "E411", 5, "neither an attribute"},
		{"not base64", one + "dn: uid=b,dc=x\nuid:: b*\n", "E411", 5, "not base64"},
		{"a lone carriage return", one + "dn: uid=b,dc=x\nuid: b\rsn: B\n", "E411", 5, "carriage return"},
		{"a fold of nothing", one + " x\n", "E411", 3, "continues nothing"},
		{"another version", "version: 2\n" + one, "E411", 1, "version of LDIF"},
		{"a name in another encoding", one + "dn:: " + base64.StdEncoding.EncodeToString([]byte("uid=M\xfcller")) + "\n", "E411", 4, "not UTF-8"},
		{"a byte in another encoding", one + "dn: uid=b,dc=x\nsn: M\xfcller\n", "E103", 5, "offset"},
		{"a part of a range", one + "dn: uid=b,dc=x\nmember;range=0-1499: uid=a,dc=x\n", "E408", 5, "only a range"},
		{"cut inside a line", one + "dn: uid=b,dc=x\nuid: b", "E408", 5, "ends inside a line"},
		{"fewer entries than its count", one + "# numEntries: 2\n", "E408", 4, "counts 2 entries, the file has 1"},
		{"more entries than its count", one + one + "# numEntries: 1\n", "E408", 7, "counts 1 entries, the file has 2"},
		{"an export that hit a limit", one + "# search result\nsearch: 2\nresult: 4 Size limit exceeded\n", "E408", 6, "Size limit exceeded"},
		{"a limit in a comment", one + "# search result\n# search: 2\n# result: 11 Administrative limit exceeded\n", "E408", 6, "Administrative limit exceeded"},
		{"no entries", "version: 1\n\n# nothing\n", "E411", 0, "no entries"},
		{"nothing", "", "E411", 0, "empty"},
		{"a table", "id,name\n1,Ann\n", "E411", 1, "neither an attribute"},
		{"a login page", "<html><body>Sign in</body></html>\n", "E411", 0, "HTML"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, r := entries(t, tt.content, Options{})
			if r.code() != tt.code || r.line() != tt.line || !strings.Contains(fmt.Sprint(r.err), tt.says) {
				t.Errorf("error = %v, want %s at line %d that says %q", r.err, tt.code, tt.line, tt.says)
			}
		})
	}
	for name, content := range map[string]string{
		"without any of this":     one + "dn: uid=b,dc=x\nuid: b\n",
		"its count is right":      one + "# numEntries: 1\n",
		"two exports in one file": one + "# numEntries: 1\n\n" + one + "# numResponses: 2\n# numEntries: 1\n",
		"a good end":              one + "# search result\nsearch: 2\nresult: 0 Success\n\n# numResponses: 2\n# numEntries: 1\n",
		"a whole range":           one + "dn: uid=b,dc=x\nmember;range=0-*: uid=a,dc=x\n",
	} {
		if _, r := entries(t, content, Options{}); r.err != nil {
			t.Errorf("%s: %v", name, r.err)
		}
	}
}

func TestLDIFHasBounds(t *testing.T) {
	var many strings.Builder
	many.WriteString("dn: cn=g,dc=x\n")
	for i := range maxValues + 1 {
		fmt.Fprintf(&many, "m: %d\n", i)
	}
	var wide strings.Builder
	wide.WriteString("dn: cn=g,dc=x\n")
	for i := range maxColumns + 1 {
		fmt.Fprintf(&wide, "a%d: x\n", i)
	}
	photo := "p: " + strings.Repeat("x", maxLDIFLine/2) + "\n"
	for name, tt := range map[string]struct{ content, says string }{
		"a line":     {"dn: cn=g,dc=x\np: " + strings.Repeat("x\n ", maxLDIFLine) + "\n", "longer than 4 MiB"},
		"an entry":   {"dn: cn=g,dc=x\n" + strings.Repeat(photo, 5), "larger than 8 MiB"},
		"values":     {many.String(), "more than 100000 values"},
		"attributes": {wide.String(), "more than 500 different attributes"},
	} {
		if _, r := entries(t, tt.content, Options{}); r.code() != "E411" || !strings.Contains(fmt.Sprint(r.err), tt.says) {
			t.Errorf("%s: error = %v, want one that says %q", name, r.err, tt.says)
		}
	}
	if _, r := entries(t, "dn: cn=g,dc=x\ncn: g\n"+photo, Options{}); r.err != nil {
		t.Errorf("a long line within the bounds: %v", r.err)
	}
}

func TestAValueThatIsNoTextIsAColumnOnlyWhereItHasAText(t *testing.T) {
	b64 := func(s string) string { return base64.StdEncoding.EncodeToString([]byte(s)) }
	guid := "\xe9\x89\x15\x2d\x5f\xfb\x62\x4c\x81\x01\x02\x03\x04\x05\x06\x07"
	sid := "\x01\x05\x00\x00\x00\x00\x00\x05\x15\x00\x00\x00\x01\x00\x00\x00\x02\x00\x00\x00\x03\x00\x00\x00\xf4\x01\x00\x00"
	content := "dn: cn=a,dc=x\nobjectGUID:: " + b64(guid) + "\nobjectSid:: " + b64(sid) + "\njpegPhoto:: " + b64("\xff\xd8\x00") + "\nsn: Ann\n\n" +
		"dn: cn=b,dc=x\nsn:: " + b64("M\xfcller") + "\n\ndn: cn=c,dc=x\nsn: Cox\n"
	got, r := entries(t, content, Options{Dialect: "ad"})
	if r.err != nil {
		t.Fatal(r.err)
	}
	if got[0]["objectGUID"] != "2d1589e9-fb5f-4c62-8101-020304050607" || got[0]["@anchor"] != got[0]["objectGUID"] {
		t.Errorf("objectGUID = %q, @anchor = %q", got[0]["objectGUID"], got[0]["@anchor"])
	}
	if got[0]["objectSid"] != "S-1-5-21-1-2-3-500" {
		t.Errorf("objectSid = %q", got[0]["objectSid"])
	}
	if _, is := got[0]["jpegPhoto"]; is {
		t.Error("a photo is a cell")
	}
	// The row whose name is not UTF-8 is rejected; nothing is replaced silently (R16).
	var wrong *roster.RowError
	for _, err := range r.file.Records() {
		if e, ok := err.(*roster.RowError); ok {
			wrong = e
		}
	}
	if wrong == nil || wrong.Problem.Code != "E103" || wrong.Problem.Line != 8 || wrong.Problem.Column != "sn" || wrong.Record.Line != 7 {
		t.Errorf("the row that is not UTF-8: %+v", wrong)
	}
}

func TestTheEntrysOwnNameChoosesAmongValues(t *testing.T) {
	for _, tt := range []struct{ name, dn, values, want string }{
		{"the name's own", "uid=zoe+cn=Zoe,dc=x", "uid: abe\nuid: zoe", "zoe"},
		{"without regard to case", "UID=Zoe,dc=x", "uid: abe\nuid: zoe", "zoe"},
		{"with an escaped comma", `uid=zoe\2c jr\+,dc=x`, "uid: abe\nuid: zoe, jr+", "zoe, jr+"},
		{"else the smallest", "cn=zoe,dc=x", "uid: zoe\nuid: abe", "abe"},
	} {
		got, r := entries(t, "dn: "+tt.dn+"\n"+tt.values+"\n", Options{})
		if r.err != nil || got[0]["uid"] != tt.want {
			t.Errorf("%s: uid = %v, %v, want %q", tt.name, got, r.err, tt.want)
		}
	}
	got, _ := entries(t, "dn: cn=a,dc=x\nproxyAddresses: SIP:a@x.org\nproxyAddresses: smtp:aa@x.org\nproxyAddresses: SMTP:anna@x.org\nproxyAddresses: SMTP-old\n", Options{})
	if got[0]["proxyAddresses"] != "SMTP:anna@x.org" {
		t.Errorf("proxyAddresses = %q, want the primary", got[0]["proxyAddresses"])
	}
}

func TestR10AnAttributeThatWasAskedForIsAColumn(t *testing.T) {
	_, r := entries(t, people, Options{Columns: []string{"departmentNumber"}})
	if r.header[1] != "departmentNumber" {
		t.Errorf("header = %v, want departmentNumber in it, for the profile says so", r.header)
	}
	_, r = entries(t, "version: 1\n# asked for: MAIL title\n"+strings.TrimPrefix(people, "version: 1\n"), Options{})
	if got := strings.Join(r.header[:3], " "); got != "dn MAIL title" {
		t.Errorf("header begins %q, want those that were asked for", got)
	}
	if n := r.file.Notes()[1]; n.Column != "title" || !strings.Contains(n.Text, "no entry has") {
		t.Errorf("note = %+v, want that nobody has a title", n)
	}
	unused := func(column string) roster.Problem {
		return roster.Problem{Severity: roster.SeverityNote, Column: column, Text: "not used"}
	}
	if news := r.file.News([]roster.Problem{unused("dn"), unused("objectClass"), unused("sn")}); len(news) != len(r.file.Notes())+1 || news[len(news)-1].Column != "sn" {
		t.Errorf("news = %+v, want of the columns sn alone, for every entry has the others", news)
	}
}

func TestOnlyEntriesOfTheObjectClassAreRecords(t *testing.T) {
	content := "dn: dc=x\nobjectClass: top\nobjectClass: domain\ndc: x\n\ndn: uid=a,dc=x\nobjectClass: top\nobjectClass: inetOrgPerson\nuid: a\n\n# numEntries: 2\n"
	if got, r := entries(t, content, Options{Record: "INETorgPerson"}); r.err != nil || len(got) != 1 || got[0]["uid"] != "a" || r.file.header[1] != "objectClass" || len(r.header) != 3 {
		t.Errorf("records = %v, %v, columns %v", got, r.err, r.header)
	}
	if _, r := entries(t, content, Options{Record: "user"}); r.code() != "E411" || !strings.Contains(fmt.Sprint(r.err), `object class "user"`) {
		t.Errorf("nobody is of the class: %v", r.err)
	}
}

func TestDialectsTellStateAndEnd(t *testing.T) {
	for _, tt := range []struct{ dialect, line, column, want string }{
		{"ad", "userAccountControl: 512", "@status", "active"},
		{"ad", "userAccountControl: 514", "@status", "suspended"},
		{"ad", "userAccountControl: 546", "@status", "suspended"},
		{"ad", "userAccountControl: 66048", "@status", "active"},
		{"ad", "userAccountControl: 528", "@status", "active"}, // locked out
		{"ad", "userAccountControl: x", "@status", "x"},
		{"ad", "accountExpires: 0", "@expires", "9999-12-31"},
		{"ad", "accountExpires: 9223372036854775807", "@expires", "9999-12-31"},
		{"ad", "accountExpires: 9223372036854775806", "@expires", "9999-12-31"},
		{"ad", "accountExpires: 134247456000000000", "@expires", "2026-06-01T00:00:00Z"},
		{"ad", "accountExpires: -5", "@expires", "-5"},
		{"ad", "accountExpires: 99999999999999999999", "@expires", "99999999999999999999"},
		{"openldap", "pwdAccountLockedTime: 000001010000Z", "@status", "suspended"},
		{"openldap", "pwdAccountLockedTime: 20261121223307Z", "@status", "active"}, // a lock-out
		{"openldap", "entryUUID: 5d1d9f5e-6a5c-103e-9f3f-0f8a2b1c4d5e", "@anchor", "5d1d9f5e-6a5c-103e-9f3f-0f8a2b1c4d5e"},
		{"openldap", "pwdEndTime: 20261130230000Z", "@expires", "2026-11-30T23:00:00Z"},
		{"openldap", "pwdEndTime: 202611302300+0100", "@expires", "2026-11-30T23:00:00+01:00"},
		{"openldap", "shadowExpire: 20788", "@expires", "2026-11-30"},
		{"openldap", "shadowExpire: -1", "@expires", "9999-12-31"},
		{"openldap", "shadowExpire: 0", "@expires", "9999-12-31"},
		{"389ds", "nsAccountLock: TRUE", "@status", "suspended"},
		{"389ds", "nsAccountLock: false", "@status", "active"},
		{"389ds", "nsUniqueId: 66446001-1dd211b2-66225011-2ee211db", "@anchor", "66446001-1dd211b2-66225011-2ee211db"},
		{"389ds", "krbPrincipalExpiration: 20261130230000Z", "@expires", "2026-11-30T23:00:00Z"},
		{"generic", "entryUUID: 5d1d9f5e", "@anchor", "5d1d9f5e"},
		{"generic", "userAccountControl: 514", "@status", ""},
	} {
		got, r := entries(t, "dn: cn=a,dc=x\n"+tt.line+"\n", Options{Dialect: tt.dialect})
		if r.err != nil || got[0][tt.column] != tt.want {
			t.Errorf("%s, %s: %s = %v, %v, want %q", tt.dialect, tt.line, tt.column, got, r.err, tt.want)
		}
	}
	// Who is not locked need not have the attribute; who has no userAccountControl says nothing.
	for dialect, want := range map[string]string{"ad": "", "openldap": "active", "389ds": "active"} {
		attribute, _ := Attributes(dialect, "@status")
		got, r := entries(t, "# asked for: "+attribute[0]+"\ndn: cn=a,dc=x\ncn: a\n", Options{Dialect: dialect})
		if r.err != nil || got[0]["@status"] != want {
			t.Errorf("%s without %s: @status = %v, %v, want %q", dialect, attribute[0], got, r.err, want)
		}
	}
	if _, ok := Attributes("generic", "@status"); ok {
		t.Error("the generic dialect knows @status")
	}
	if got, ok := Attributes("ad", "mail"); !ok || len(got) != 1 || got[0] != "mail" {
		t.Errorf("mail is asked for as %v", got)
	}
}

func TestAnExportOfOpenLDAPWithItsOperationalAttributesSaysThatNobodyIsLocked(t *testing.T) {
	const with, without = "dn: cn=a,dc=x\ncn: a\nstructuralObjectClass: person\n\n", "dn: cn=b,dc=x\ncn: b\n\n"
	for _, tt := range []struct{ name, content, dialect, want string }{
		{"nobody is locked", with, "openldap", "active"},
		{"somebody is", with + "dn: cn=b,dc=x\npwdAccountLockedTime: 000001010000Z\n", "openldap", "active"},
		{"exported without", without, "openldap", ""}, // who is locked cannot be told
		{"a part of it exported without", with + without, "openldap", ""},
		{"of another server", with, "389ds", ""},
	} {
		got, r := entries(t, tt.content, Options{Dialect: tt.dialect})
		if r.err != nil || got[0]["@status"] != tt.want || slices.Contains(r.header, "@status") != (tt.want != "") || slices.Contains(r.header, "@expires") {
			t.Errorf("%s: @status = %q of the columns %v, %v, want %q", tt.name, got[0]["@status"], r.header, r.err, tt.want)
		}
	}
}

func TestLDIFAllValuesOfAListAreItsCellInTheOrderOfTheirBytes(t *testing.T) {
	o := Options{Type: "ldif", Lists: []string{"EduPersonAffiliation"}}
	got := read(t, "staff.ldif", "dn: uid=ann,dc=x\nuid: ann\neduPersonAffiliation: staff\neduPersonAffiliation: alum\nmail: b@x.org\nmail: a@x.org\neduPersonAffiliation: staff\n\ndn: uid=bob,dc=x\nuid: bob\neduPersonAffiliation: member\n\n", o, 0)
	wantRows(t, got, "1:uid=ann,dc=x|alum\x1fstaff|a@x.org|ann", "9:uid=bob,dc=x|member||bob")
}

func TestLDIFALookupGivesWhatTheNamedEntryHas(t *testing.T) {
	o := Options{Type: "ldif", Lookups: []Lookup{{Column: "Manager", Gives: "UID"}}}
	got := read(t, "staff.ldif", `dn: uid=ann,dc=x
uid: ann
manager: CN=Boss\, Big + uid=1 ,DC=X

dn: uid=1+cn=boss\2c big,dc=x
uid: boss

dn: uid=bob,dc=x
uid: bob
manager: uid=nobody,dc=x

dn: uid=cat,dc=x
uid: cat
manager: uid=noname,dc=x

dn: uid=noname,dc=x
manager: uid=bob,dc=x

`, o, 0)
	wantRows(t, got, `1:uid=ann,dc=x|CN=Boss\, Big + uid=1 ,DC=X|ann|boss`, `5:uid=1+cn=boss\2c big,dc=x||boss|`, "8:uid=bob,dc=x|uid=nobody,dc=x|bob|", "12:uid=cat,dc=x|uid=noname,dc=x|cat|", "16:uid=noname,dc=x|uid=bob,dc=x||bob")
}

// A SID changes when a person's domain does, so it is no name for good.
func TestTheSIDIsNeverAnAnchor(t *testing.T) {
	for _, dialect := range dialects {
		names, ok := Attributes(dialect, "@anchor")
		if !ok || len(names) == 0 {
			t.Errorf("%s has no anchor", dialect)
		}
		for _, name := range names {
			if strings.EqualFold(name, "objectSid") || strings.EqualFold(name, "sIDHistory") {
				t.Errorf("%s: the anchor is made of %s", dialect, name)
			}
		}
	}
}

// Each value is compared with what the entry's name bears: a name of a million parts
// would keep a row for hours.
func TestANameOfVeryManyPartsBearsTheFirst(t *testing.T) {
	name := "uid=b+" + strings.Repeat("x=y+", 200_000) + "cn=z,dc=x"
	if got := len(parseRDN(nil, []byte(name))); got != maxAssertions {
		t.Errorf("%d parts, want %d", got, maxAssertions)
	}
	got, r := entries(t, "dn: "+name+"\nuid: a\nuid: b\n", Options{})
	if r.err != nil || len(got) != 1 || got[0]["uid"] != "b" {
		t.Errorf("%d records, %v, want one whose uid is b", len(got), r.err)
	}
}
