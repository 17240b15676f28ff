package config

import (
	"cmp"
	"fmt"
	"maps"
	"net/mail"
	"net/url"
	"path"
	"slices"
	"strings"
	"time"

	"rollcall/internal/format"
	"rollcall/internal/mapping"
	"rollcall/internal/password"
	"rollcall/internal/roster"
)

// check looks at what the site says across its keys.
func (s *Site) check(d *document) {
	version(d, s.Version)
	d.word("mode", s.Mode, "live")
	d.word("language", s.Language, "en")
	if s.Sweep <= 0 {
		d.fault("sweep", codeValue, "sweep is off", "write every 5m")
	}
	d.text("state", s.State)
	d.text("profiles", s.Profiles)
	d.text("catalog", s.Catalog)
	s.checkDatabase(d)
	s.checkMail(d)
	s.checkAuthority(d)
	d.word("accounts.password_hash", string(s.Accounts.PasswordHash), string(password.Argon2id), string(password.Bcrypt))
	d.faults("accounts", s.Accounts.PasswordPolicy.Validate())
	d.protects("accounts.protect", s.Accounts.Protect)
}

// protects checks who is protected (R64).
func (d *document) protects(at string, list []string) {
	const hint = "write usernames, patterns like svc-*, and roles like role:manager"
	for _, text := range list {
		what := strings.TrimPrefix(text, "role:")
		if _, err := path.Match(what, ""); strings.TrimSpace(what) == "" || err != nil {
			d.fault(at, codeValue, at+" names nobody in one place", hint)
			return
		}
	}
}

func (s *Site) checkDatabase(d *document) {
	if path, ok := strings.CutPrefix(s.Database, "sqlite:"); ok {
		if path == "" {
			d.fault("database", codeValue, "database names no file", "write sqlite:rollcall.db")
		}
		if !s.DatabasePassword.IsZero() {
			d.warn("database_password", codeUseless, "database_password has no effect: a database in a file has none", "remove it", true)
		}
		return
	}
	const hint = "write sqlite:FILE or postgres://USER@HOST/DATABASE"
	u, err := url.Parse(s.Database)
	switch {
	case err != nil, u.Scheme != "postgres" && u.Scheme != "postgresql", strings.ContainsRune(u.Path, '@'): // a slash in a password cuts the address in two
		d.fault("database", codeValue, "database is no address of a database", hint)
	case hasPassword(u) || u.Query().Has("password"):
		d.secretInURL("database", "write database_password: {file: PATH}, {env: NAME} or {credential: NAME}")
	}
}

// hasPassword tells whether a URL has one, even an empty one.
func hasPassword(u *url.URL) bool {
	if u.User == nil {
		return false
	}
	_, ok := u.User.Password()
	return ok
}

// secretInURL refuses a password that stands in an address, without its line.
func (d *document) secretInURL(path, hint string) {
	if m, ok := d.marks[path]; ok {
		d.hidden[m.value.Line] = true
	}
	d.fault(path, codeSecret, path+" holds a password in clear", hint+"; and change the password, it has been seen")
	d.conceal()
}

// conceal takes back the source lines that are hidden by now.
func (d *document) conceal() {
	for i, e := range d.errs {
		if d.hidden[e.Line] {
			d.errs[i].Source = ""
		}
	}
}

func (s *Site) checkMail(d *document) {
	if u, err := url.Parse(s.Mail.Server); err == nil && u.User != nil {
		d.secretInURL("mail.server", "write mail.user and mail.password: {file: PATH}")
	}
	d.faults("mail", s.Mail.Validate())
}

// checkAuthority wants fields and profiles that exist. A profile that does not
// is a warning: its file may come later.
func (s *Site) checkAuthority(d *document) {
	var names []string
	for _, p := range s.Loaded {
		names = append(names, p.Name)
	}
	for _, field := range slices.Sorted(maps.Keys(s.Authority)) {
		path := join("authority", field)
		if _, custom := roster.Name(field).Custom(); field != "*" && !custom && field != roster.PasswordField.String() && !slices.Contains(feedFieldNames(), field) {
			hint := suggest(field, feedFieldNames())
			if hint == "" {
				hint = `write a field that a feed can say, or "*"`
			}
			d.clash(path, codeValue, fmt.Sprintf("%q is not an account field", field), hint)
		}
		for i, name := range s.Authority[field] {
			at := fmt.Sprintf("%s[%d]", path, i)
			switch {
			case name == "" && d.blames(at):
			case slices.Index(s.Authority[field], name) < i:
				d.fault(at, codeTwice, fmt.Sprintf("profile %q stands twice in one order", name), "keep the higher one")
			case !slices.Contains(names, name):
				d.warn(at, codeNobody, fmt.Sprintf("no profile %q", name), suggest(name, names), false)
			}
		}
	}
}

// checkProfile looks at what a profile says across its keys, and asks the rooms
// about their options.
func (s *Site) checkProfile(p *Profile, d *document, now time.Time) {
	version(d, p.Version)
	if d.failed[""] {
		return // it is no block of keys
	}
	if !d.failed["source.type"] {
		d.faults("source", p.Source.Validate())
	}
	if !d.failed["format.type"] {
		d.faults("format", p.Format.Validate())
	}
	if p.Format.Type == "xml" && len(p.Map) == 0 && !d.failed["map"] {
		d.fault("map", codeMissing, "XML has no header, and map does not say which elements are which fields", "write  map: {employee_id: ELEMENT, …}")
	}
	d.faults("map", s.MappingOptions(p).Validate())
	if p.Format.Type == "xml" {
		p.checkElements(d)
	}
	d.faults("scope", p.Scope.Validate())
	if f := s.MappingOptions(p).ValidateSite(); f != nil {
		d.fault(f.Path, codeValue, sentence(f.Path, f.Text), f.Hint)
	}
	p.checkDirectory(d)
	p.checkGroups(d)
	d.faults("guardrails", p.Guardrails.Validate())
	p.checkWords(d)
	p.checkKey(d)
	p.checkSequence(d)
	p.checkAbsence(d)
	if d.has("format.action") {
		d.faults("format.action", mapping.Action(p.Format.Action).Validate())
		if p.Format.Content == "full" {
			d.clash("format.action", codeFull, "format.action says what the rows of a delta do, and this profile's files list everybody", "remove it, or write  content: delta")
		}
	}
	if d.has("format.dedupe") {
		dedupe := s.Dedupe(p)
		d.faults("format.dedupe", dedupe.Validate())
		if by := dedupe.By; by != "" && by != "key" && by != p.Map[p.Match.Key.String()].From {
			d.fault("format.dedupe.by", codeValue, fmt.Sprintf("format.dedupe.by: %q is not the column of match.key", by), "write  by: key")
		}
	}
	s.checkPasswords(p, d)
	p.checkMap(d)
	p.checkSensitive(d)
	p.checkClock(d, now)
	d.address("owner", p.Owner)
	d.addresses("report.to", p.Report.To)
	d.addresses("report.alert", p.Report.Alert)
	if s.Mail.Server == "" && len(p.Report.To)+len(p.Report.Alert) > 0 {
		path := "report.to"
		if len(p.Report.To) == 0 {
			path = "report.alert"
		}
		d.warn(path, codeUseless, "nobody gets this report: the site has no mail.server", "write mail: {server: …, from: …} in rollcall.yaml", true)
	}
}

// checkElements looks at how the map names what stands below the records of XML.
func (p *Profile) checkElements(d *document) {
	const hint = "write name, @attribute, name/first, id[@type='no'] or address/@country"
	for _, field := range slices.Sorted(maps.Keys(p.Map)) {
		column := p.Map[field]
		for _, name := range (mapping.Options{Map: map[string]mapping.Column{field: column}}).Columns() {
			if err := format.CheckElement(name, p.Format.Namespaces); err != nil {
				path := "map." + field
				if d.has(path+".from") && name == column.From {
					path += ".from"
				}
				d.fault(path, codeValue, fmt.Sprintf("%s: %v", path, err), hint)
			}
		}
	}
}

// checkKey wants a key that no two people share (R40). Of profile fields the catalog knows.
func (p *Profile) checkKey(d *document) {
	switch f := p.Match.Key; f {
	case roster.EmployeeID, roster.Username, roster.Email, roster.CustomField:
	default:
		if !d.failed["match.key"] {
			d.fault("match.key", codeValue, fmt.Sprintf("match.key: several people may have the same %s", f), "write employee_id, username, email, or a profile field that the catalog calls unique")
		}
	}
}

func (p *Profile) checkWords(d *document) {
	d.word("unique_email", string(p.UniqueEmail), "on", "warn", "off")
	d.word("match.fallback.by", p.Match.Fallback.By, "", "username")
	d.word("match.lookalike", p.Match.Lookalike, "wait", "warn", "off")
	d.word("policy.upload", p.Policy.Upload, "add", "add_all", "add_update", "update")
	d.word("policy.update", p.Policy.Update, "none", "file", "file_and_defaults", "fill_missing")
	d.word("policy.leaver", p.Policy.Leaver, "suspend", "delete")
	d.word("policy.leave", p.Policy.Leave, "keep", "suspend")
	d.word("policy.memberships", p.Policy.Memberships, "add", "exact")
	d.word("policy.missing", p.Policy.Missing, "keep", "suspend", "delete")
	d.word("policy.passwords", p.Policy.Passwords, "add", "update", "ignore")
	d.word("policy.force_change", p.Policy.ForceChange, "none", "weak", "all")
	d.word("policy.weak", p.Policy.Weak, "accept", "reject")
	d.word("report.when", p.Report.When, "changes", "problems", "always", "never")
	d.word("report.attach", p.Report.Attach, "problems", "never")
	d.word("report.personal_data", p.Report.PersonalData, "ids", "names", "values")
	if p.Match.Fallback.Rekey && p.Match.Fallback.By == "" {
		d.fault("match.fallback", codeMissing, "match.fallback.rekey needs by", "write {by: username, rekey: on}")
	}
	d.protects("policy.protect", p.Policy.Protect)
}

// checkSequence looks at the numbers of deltas.
func (p *Profile) checkSequence(d *document) {
	s := p.Source.Sequence
	switch {
	case !s.On():
	case s.Inside():
		if err := format.CheckBeside(s.From, p.Format.Namespaces); err != nil {
			d.fault("source.sequence.from", codeValue, fmt.Sprintf("source.sequence.from: %v", err), "write a path like /changes/@number or /changes/head/number")
		}
		if p.Format.Type != "" && p.Format.Type != "xml" {
			d.warn("source.sequence.from", codeUseless, "source.sequence.from is a path, which only XML has: every "+p.Format.Type+" would be refused", `write a name like "changes_{number}.csv"`, false)
		}
	}
}

// checkAbsence wants what R62 and R65 want.
func (p *Profile) checkAbsence(d *document) {
	pol := p.Policy
	if p.Format.Content == "delta" {
		if pol.CreateBefore > 0 {
			d.clash("policy.create_before", codeFull, "policy.create_before needs content: full (this profile reads deltas)", "remove it: a delta names a newcomer once, and who is left out would never be added")
		}
		if pol.Missing != "keep" {
			d.clash("policy.missing", codeFull, "policy.missing needs content: full (this profile reads deltas)", "remove it, or use  leaver: suspend  for explicit leavers")
		}
		if pol.DeleteAfter > 0 {
			d.clash("policy.delete_after", codeFull, "policy.delete_after needs content: full (this profile reads deltas)", "remove it: in a delta nobody is absent")
		}
	}
	if !pol.Delete {
		const hint = "write  delete: on  too, or choose suspend"
		if pol.Missing == "delete" {
			d.clash("policy.missing", codeSwitch, "policy.missing: delete needs policy.delete: on", hint)
		}
		if pol.Leaver == "delete" {
			d.clash("policy.leaver", codeSwitch, "policy.leaver: delete needs policy.delete: on", hint)
		}
		if pol.DeleteAfter > 0 {
			d.clash("policy.delete_after", codeSwitch, "policy.delete_after needs policy.delete: on", "write  delete: on  too, or remove it")
		}
	}
	if pol.PurgeAfter > 0 && pol.AnonymiseAfter > pol.PurgeAfter {
		d.fault("policy.anonymise_after", codeValue, "policy.anonymise_after is longer than policy.purge_after, so nobody would be anonymised", "both count from the deletion: write a shorter one, or remove it")
	}
	if !pol.Suspend && p.Scope.Left == "suspend" {
		d.clash("scope.left", codeSwitch, "scope.left: suspend needs policy.suspend: on", "remove  suspend: off,  or write  left: keep")
	}
	if !pol.Suspend && pol.Missing == "suspend" {
		d.clash("policy.missing", codeSwitch, "policy.missing: suspend needs policy.suspend: on", "remove  suspend: off,  or write  missing: keep")
	}
}

// checkMap warns of fields that others need and that a map of the profile's own
// never fills.
func (p *Profile) checkMap(d *document) {
	if len(p.Map) == 0 || d.failed["map"] {
		return
	}
	unfilled := func(f string) bool {
		_, ok := p.Map[f]
		return !ok && !d.failed[join("map", f)]
	}
	if p.Policy.Upload != "update" {
		p.checkRequired(d, unfilled)
	}
	for i, n := range p.Match.Witness {
		f := string(n)
		if at := fmt.Sprintf("match.witness[%d]", i); unfilled(f) && !d.failed[at] {
			d.warn(at, codeUnmapped, fmt.Sprintf("match.witness names %s, which map does not fill", f), fmt.Sprintf("add  %s: COLUMN  to map, or leave it out", f), false)
		}
	}
}

func (p *Profile) checkRequired(d *document, unfilled func(string) bool) {
	var names []string
	for i, f := range p.Required {
		if at := fmt.Sprintf("required[%d]", i); unfilled(f.String()) && !d.failed[at] {
			names = append(names, f.String())
		}
	}
	if len(names) == 0 {
		return
	}
	path := "required"
	if !d.has(path) {
		path = "map"
	}
	d.warn(path, codeUnmapped, "nobody new can be added: map does not fill "+strings.Join(names, ", "),
		"add them to map, or say under  required:  what a new account needs", true)
}

// checkSensitive refuses to hide by what every report names people.
func (p *Profile) checkSensitive(d *document) {
	for _, f := range []roster.Field{p.Match.Key, roster.Username} {
		if p.Map[f.String()].Sensitive {
			d.fault(join("map", f.String())+".sensitive", codeValue, fmt.Sprintf("map.%s cannot be sensitive: reports name people by it", f), "leave it out")
		}
	}
}

func (p *Profile) checkClock(d *document, now time.Time) {
	if text, hint := clockTrouble(p.Schedule, p.Zone, now); text != "" {
		d.warn("schedule", codeDaylight, text, hint, false)
	}
}

// faults adds what a room says of its block.
func (d *document) faults(block string, faults []*roster.Fault) {
	for _, f := range faults {
		path := f.Path
		if path != block && !strings.HasPrefix(path, block+".") {
			path = join(block, strings.TrimPrefix(path, "."))
		}
		path = strings.TrimSuffix(path, ".")
		code := f.Code
		if code == "" {
			code = codeValue
		}
		// A name that an operator chose is at fault with all that stands under it.
		parent := around(path)
		chosen, hint := parent == "map" || parent == "guardrails.max_field_change", f.Hint
		if name := strings.TrimPrefix(path, parent+"."); chosen && !slices.Contains(feedFieldNames(), name) {
			hint = cmp.Or(suggest(name, feedFieldNames()), hint)
		}
		d.at(path, code, sentence(path, f.Text), hint, chosen)
	}
}

// sentence makes one of a path and what a room says of it.
func sentence(path, text string) string {
	first, _, _ := strings.Cut(text, " ")
	if slices.Contains([]string{"is", "has", "names", "begins", "belongs"}, first) {
		return path + " " + text
	}
	return path + ": " + text
}

// word wants one of a few words.
func (d *document) word(path, got string, allowed ...string) {
	if slices.Contains(allowed, got) {
		return
	}
	hint := suggest(got, allowed)
	if hint == "" {
		hint = "write " + strings.TrimPrefix(strings.Join(allowed, ", "), ", ")
	}
	d.fault(path, codeValue, fmt.Sprintf("%s: %.60q is not allowed", path, got), hint)
}

// text wants no empty one where the file says the key.
func (d *document) text(path, got string) {
	if m, ok := d.marks[path]; ok && got != "" && m.value.Value == "" && len(m.value.Content) == 0 && m.value.Alias == nil {
		d.fault(path, codeValue, path+" is empty", "write a path, or remove the key")
	}
}

func version(d *document, got int) {
	if got != 1 {
		d.fault("version", codeValue, fmt.Sprintf("version: this rollcall reads version 1, not %d", got), "write version: 1")
	}
}

// maxAddresses bounds a list of recipients.
const maxAddresses = 100

func (d *document) addresses(path string, list []string) {
	if len(list) > maxAddresses {
		d.fault(path, codeValue, fmt.Sprintf("%s has more than %d addresses", path, maxAddresses), "write to a mailing list")
		return
	}
	for i, a := range list {
		if at := fmt.Sprintf("%s[%d]", path, i); a == "" {
			d.fault(at, codeValue, path+" has an empty address", "remove it")
		} else {
			d.address(at, a)
		}
	}
}

// address wants a mail address; "" is none.
func (d *document) address(path, a string) {
	if a == "" {
		return
	}
	if _, err := mail.ParseAddress(a); err != nil || strings.ContainsAny(a, "\r\n") {
		d.fault(path, codeValue, path+": not a mail address", "write name@example.org")
	}
}
