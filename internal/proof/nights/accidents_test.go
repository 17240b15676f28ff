package nights

import (
	"bytes"
	"compress/gzip"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"iter"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/text/encoding/charmap"

	"rollcall/internal/format"
	"rollcall/internal/guard"
	"rollcall/internal/journal"
	"rollcall/internal/plan"
	"rollcall/internal/proof"
	"rollcall/internal/roster"
	"rollcall/internal/run"
	"rollcall/internal/secret"
	"rollcall/internal/source/sftpd"
)

// An accident is one that others had, in the ways in which it can happen to us.
// The numbers are those of the collection that the design was made from.
type accident struct {
	name   string
	people int
	ways   []way
}

// A way is how an accident happens on a night of a healthy site, what has to
// come of it, and what would come of it without protection.
type way struct {
	name   string
	happen func(s *simulation) // lays tonight's file, or breaks something
	want   string              // a guardrail that has to hold the run, or the code by which it has to be refused; "" where the run is applied and has to do no harm
	text   string              // in the refusal
	// control is the same accident with the protection off, and answers with how many
	// people it harms; nil: the held plan is approved blindly.
	control func(s *simulation) int
}

// accidents are those of the collection that a file can bring about.
var accidents = []accident{
	{"H2 success, zero rows", 300, []way{
		{"a header and nothing else", func(s *simulation) { s.lay(header + "\n") }, "E411", "", nobody},
		{"no byte at all", func(s *simulation) { s.lay("") }, "E411", "", nobody},
		{"a header, and every limit at 100 %", func(s *simulation) { s.p.Limits = open100(); s.lay(header + "\n") }, "E411", "", nobody},
	}},
	{"H3 a new service password, new people", 300, []way{
		{"the folder is gone for six nights", (*simulation).sixNightsWithoutFolder, "E405", "does not exist", nobody},
		{"the login fails for six nights", (*simulation).sixNightsLockedOut, "E402", "", nobody},
	}},
	{"H5 the five-line fix that deleted the school", 300, []way{
		{"five rows", func(s *simulation) { s.layRows(func(rows []string) []string { return rows[:5] }) }, "min_rows", "", nil},
		{"five rows, where fewer rows are allowed", func(s *simulation) {
			s.p.Limits.MinRows = guard.Limit{}
			s.layRows(func(rows []string) []string { return rows[:5] })
		}, "max_removals", "", nil},
	}},
	{"H6 one invisible character in the header", 300, []way{
		{"marks and blanks that say nothing", func(s *simulation) {
			s.layText(func(text string) string {
				return "\ufeff" + strings.Replace(strings.Replace(text, "PersonNo;Login", "\u200bpersonno\u00a0; LOGIN ", 1), "Ward;", "Ward\u200b;", 1)
			})
		}, "", "", (*simulation).withoutKeys},
		{"another name for the key's column", func(s *simulation) {
			s.layText(func(text string) string { return strings.Replace(text, "PersonNo", "PersonN0", 1) })
		}, "E411", "PersonN0", (*simulation).withoutKeys},
	}},
	{"H7 half a file, or a quote that ate a thousand rows", 300, []way{
		{"it is still being written", (*simulation).layInTwoPieces, "", "", func(s *simulation) int {
			return s.careless(func(text string) string { return text[:len(text)/2] })
		}},
		{"it ends in the middle of a row", func(s *simulation) { s.layText(cutInARow) }, "E408", "", carelessly(cutInARow)},
		{"it ends between two rows", func(s *simulation) {
			s.layRows(func(rows []string) []string { return rows[:len(rows)*6/10] })
		}, "min_rows", "", nil},
		{"its trailer counts other rows", func(s *simulation) {
			s.p.Format.Trailer = &format.Trailer{Starts: "T", Count: 2}
			s.layText(shortOfTrailer)
		}, "E408", "", carelessly(shortOfTrailer)},
		{"it has no trailer", func(s *simulation) {
			s.p.Format.Trailer = &format.Trailer{Starts: "T", Count: 2}
			s.call()
			s.layText(func(text string) string { return text })
		}, "E408", "", carelessly(cutInARow)},
		{"a quote swallows rows", func(s *simulation) { s.layText(swallowed) }, "E102", "", carelessly(swallowed)},
		{"the gzip ends early", func(s *simulation) {
			s.lay(cutGzip(s.text()), ".csv.gz")
		}, "E408", "", carelessly(func(text string) string { return gunzip(cutGzip(text)) })},
		{"one row has one field too many", func(s *simulation) { s.layText(surplusCells(1)) }, "", "", carelessly(surplusCells(40))},
		{"forty rows have", func(s *simulation) { s.layText(surplusCells(40)) }, "max_rejected", "", carelessly(surplusCells(40))},
	}},
	{"H9 she married, and became two people", 300, []way{
		{"one marriage", (*simulation).marriage, "", "", (*simulation).twins},
		{"her new name is taken", (*simulation).takenName, "", "", (*simulation).twins},
		{"two swap their names", (*simulation).swap, "", "", (*simulation).twins},
		{"the domain moves: all get another name", func(s *simulation) {
			s.layCells(func(_ int, c []string) { c[1], c[4] = "x."+c[1], "x."+c[4] })
		}, "max_renames", "", nil},
	}},
	{"H14 the upgrade that forgot people", 300, []way{
		{"a word of the table means something else", func(s *simulation) {
			s.configure(strings.Replace(s.standing, "L: leave", "L: leaver", 1))
			s.layCells(func(int, []string) {})
		}, "first_run", "", nil},
		{"the login comes from another column", func(s *simulation) {
			s.configure(strings.Replace(s.standing, "username: Login", "username: WorkEmail", 1))
			s.layCells(func(int, []string) {})
		}, "max_renames", "", nil},
	}},
	{"H15 blank means nothing, or everything", 300, []way{
		{"a column is missing", func(s *simulation) { s.layText(withoutPhone) }, "E411", "Phone", (*simulation).blanksClear},
		{"a column is blank", func(s *simulation) { s.layCells(func(_ int, c []string) { c[7] = "" }) }, "", "", (*simulation).blanksClear},
		{"two of five have no last name", func(s *simulation) {
			s.layCells(func(i int, c []string) {
				if i%5 < 2 {
					c[3] = ""
				}
			})
		}, "", "", (*simulation).blanksClear},
		{"windows-1252 that says it is UTF-8", func(s *simulation) { s.layText(latin) }, "E103", "", carelessly(func(text string) string {
			return strings.ToValidUTF8(latin(text), "\ufffd")
		})},
		{"UTF-8 read as windows-1252 by whoever sent it", func(s *simulation) { s.layText(garbled) }, "max_field_change", "", nil},
		{"two columns are swapped", func(s *simulation) {
			s.layCells(func(_ int, c []string) { c[2], c[3] = c[3], c[2] })
		}, "max_field_change", "", nil},
	}},
	{"H22 eight people", 8, []way{
		{"two leave", func(s *simulation) {
			for _, w := range s.some(2) {
				w.gone = true
			}
			s.layRows(func(rows []string) []string { return rows })
		}, "", "", (*simulation).five},
		{"five leave", (*simulation).layThree, "everybody", "", nil},
		{"five leave, and every limit is at 100 %", func(s *simulation) { s.p.Limits = open100(); s.layThree() }, "everybody", "", nil},
		{"all leave", func(s *simulation) { s.lay(header + "\n") }, "E411", "", nobody},
	}},
}

// quiet nights before an accident.
const quiet = 3

func TestTheAccidentsOfOthersAreHeld(t *testing.T) {
	engines := []string{"sqlite"}
	if proof.Long(0, 1) == 1 {
		engines = append(engines, "postgres")
	}
	for _, a := range accidents {
		for _, engine := range engines {
			t.Run(a.name+" on "+engine, func(t *testing.T) {
				t.Parallel()
				s := quietly(t, engine, a.people)
				held, passed := 0, 0
				for _, w := range a.ways {
					if t.Run(w.name, func(t *testing.T) { w.befall(s.with(t)) }) {
						held++
					} else {
						passed++
					}
				}
				s = quietly(t, engine, a.people)
				for _, w := range a.ways {
					t.Run(w.name+", the control", func(t *testing.T) { w.unprotected(s.with(t)) })
				}
				whole := 0
				if passed == 0 {
					whole = 1
				}
				proof.Note(t, "accidents on "+engine, proof.Count{What: "held", N: whole}, proof.Count{What: "ways", N: held}, proof.Count{What: "passed", N: passed})
			})
		}
	}
}

// befall lets the accident happen, and then lets good files go through again.
func (w way) befall(s *simulation) {
	t := s.t
	before := s.accounts()
	s.tomorrow()
	w.happen(s)
	j := s.run()
	switch {
	case w.want == "":
		if j != nil && !j.Status.Applied() {
			t.Errorf("run %d is %s %q (%s), want it applied", j.Number, j.Status, j.Error, tripped(j))
		}
		s.applied()
	case j == nil:
		t.Fatal("there was no run")
	case strings.HasPrefix(w.want, "E"):
		if j.Status != journal.Failed || j.Code != w.want || !strings.Contains(j.Error, w.text) {
			t.Errorf("run %d is %s %s %q, want it refused with %s and %q", j.Number, j.Status, j.Code, j.Error, w.want, w.text)
		}
	case j.Status != journal.Held || !strings.Contains(" "+tripped(j)+" ", " "+w.want+" "):
		t.Errorf("run %d is %s (%s), want it held by %s", j.Number, j.Status, tripped(j), w.want)
	}
	if w.want != "" {
		if n := harm(before, s.accounts()); n != 0 {
			t.Errorf("%d accounts have changed", n)
		}
		if j.Status == journal.Held { // and nobody answers for a month
			s.longSilence()
		}
	}
	s.mend()
	s.at = s.at.Add(24 * time.Hour)
	s.day()
	s.pass("")
	if s.size >= 100 {
		s.holdAgainstTruth()
	}
	if len(s.falseHolds) > 0 {
		t.Errorf("the next good file does not go through: %q", s.falseHolds)
	}
}

// mend sets right what the accident has broken, but for the accounts.
func (s *simulation) mend() {
	if s.repair != nil {
		s.repair()
		s.repair = nil
	}
	s.configure(s.standing)
}

// unprotected shows that the accident would do harm.
func (w way) unprotected(s *simulation) {
	t := s.t
	before := s.accounts()
	s.tomorrow()
	harmed := 0
	if w.control != nil {
		harmed = w.control(s)
	} else {
		w.happen(s)
		j := s.run()
		if j == nil || j.Status != journal.Held {
			t.Fatalf("run %+v, want one that is held", j)
		}
		s.approve(j, "without a look")
		harmed = harm(before, s.accounts())
	}
	if harmed == 0 {
		t.Error("nobody was harmed, so this test proves nothing")
	}
	s.mend()
	s.tomorrow() // a good file heals it, for the next control
	s.call()
	s.pass("")
	s.falseHolds = nil
}

// with is the simulation in the hands of another test.
func (s *simulation) with(t *testing.T) *simulation {
	s.t, s.site.t = t, t
	return s
}

// call gives somebody another number, so that a file has new bytes.
func (s *simulation) call() { s.some(1)[0].phone = fmt.Sprintf("+48 22 %07d", s.rand.IntN(10_000_000)) }

// quietly is a site on which a few nights have passed, and nothing is dirty.
func quietly(t *testing.T, engine string, people int) *simulation {
	t.Helper()
	s := simulate(t, engine, people, 1)
	s.tidy()
	s.pass("first run")
	for range quiet {
		s.at = s.at.Add(24 * time.Hour)
		s.day()
		s.pass("")
	}
	if len(s.falseHolds) > 0 {
		t.Fatalf("before the accident: %q", s.falseHolds)
	}
	return s
}

// longSilence is a month in which a held run waits for a person who does not
// come, and no file does.
func (s *simulation) longSilence() {
	s.t.Helper()
	for range 3 {
		for range 10 {
			s.tomorrow()
		}
		if j := s.run(); j != nil && j.Status != journal.Held {
			s.judge(j, "")
			if n := j.Facts.Absent.Suspended; n > 0 {
				s.t.Errorf("%d people are suspended by a file that nobody approved", n)
			}
		}
		s.sweep()
	}
}

// tomorrow is a day on which HR does nothing.
func (s *simulation) tomorrow() {
	s.at = s.at.Add(24 * time.Hour)
	s.today = s.today.AddDate(0, 0, 1)
}

// harm is how many accounts have lost what they had: access, or a field.
func harm(before, after map[string]roster.Account) int {
	n := 0
	for key, was := range before {
		is, there := after[key]
		if !there || is.Status() != was.Status() || is.Values != was.Values || is.ID != was.ID {
			n++
		}
	}
	return n + len(after) - len(before)
}

// open100 are guardrails as wide as they can be written.
func open100() guard.Limits {
	l := guard.DefaultLimits()
	all := guard.Limit{Percent: 100, Floor: 1_000_000}
	l.MaxRemovals, l.MaxAdds, l.MaxRenames, l.MaxRejected, l.MaxFieldChange = all, all, all, all, map[string]guard.Limit{"default": all}
	l.MinRows, l.MaxRows, l.FirstRun = guard.Limit{}, guard.Limit{Floor: 1_000_000}, "apply"
	return l
}

// nobody is the control of all that looks like an empty answer: a tool that
// takes it for one plans to remove everybody, and no limit stands in its way.
func nobody(s *simulation) int {
	s.t.Helper()
	none := func() iter.Seq2[roster.Entry, error] { return func(func(roster.Entry, error) bool) {} }
	var p plan.Plan
	f, err := plan.Make(s.t.Context(), s.p.Plan, none, s.Store, &p, s.at)
	if err != nil {
		s.t.Fatal(err)
	}
	return f.Removals
}

// text is tonight's file.
func (s *simulation) text() string {
	lines, _ := s.file()
	return join(lines)
}

func (s *simulation) layText(change func(string) string) { s.lay(change(s.text())) }

func (s *simulation) layRows(change func([]string) []string) {
	lines, _ := s.file()
	s.lay(join(append(lines[:1:1], change(lines[1:])...)))
}

func (s *simulation) layCells(change func(i int, cells []string)) { s.layText(cells(change)) }

// cells changes the cells of every row.
func cells(change func(i int, cells []string)) func(string) string {
	return func(text string) string {
		lines := strings.Split(strings.TrimSuffix(text, "\n"), "\n")
		for i := range lines[1:] {
			c := strings.Split(lines[i+1], ";")
			change(i, c)
			lines[i+1] = strings.Join(c, ";")
		}
		return join(lines)
	}
}

// layThree lets five of eight go.
func (s *simulation) layThree() {
	s.layRows(func(rows []string) []string { return rows[:len(rows)-5] })
}

// five is the control of eight people of whom two go.
func (s *simulation) five() int {
	s.layThree()
	s.approve(s.run(), "without a look")
	return 5
}

// careless reads tonight's file as a careless tool does, which takes what it
// can get, and lays what it got without a limit in the way. It answers with how
// many people were harmed.
func (s *simulation) careless(change func(string) string) int {
	s.t.Helper()
	r := csv.NewReader(strings.NewReader(change(s.text())))
	r.Comma, r.LazyQuotes, r.FieldsPerRecord = ';', true, -1
	var got []string
	for {
		c, err := r.Read()
		if err != nil {
			break
		}
		if len(c) != strings.Count(header, ";")+1 {
			continue
		}
		for i := range c {
			c[i] = strings.ReplaceAll(c[i], "\n", " ")
		}
		got = append(got, strings.Join(c, ";"))
	}
	before := s.accounts()
	s.p.Limits = open100()
	s.lay(join(got))
	if j := s.run(); j == nil {
		s.t.Fatal("there was no run")
	} else if j.Status == journal.Held { // by everybody, which has no switch
		s.approve(j, "without a look")
	} else if !j.Status.Applied() {
		s.t.Fatalf("run %d is %s: %s", j.Number, j.Status, j.Error)
	}
	return harm(before, s.accounts())
}

func carelessly(change func(string) string) func(*simulation) int {
	return func(s *simulation) int { return s.careless(change) }
}

// withoutKeys is a tool that does not find the key's column: nobody is listed.
func (s *simulation) withoutKeys() int { return nobody(s) }

func cutInARow(text string) string { return text[:strings.LastIndex(text[:len(text)*7/10], "\n")+30] }

func shortOfTrailer(text string) string {
	lines := strings.Split(strings.TrimSuffix(text, "\n"), "\n")
	n := len(lines) - 1
	return join(append(lines[:n*7/10:n*7/10], fmt.Sprintf("T;%d", n)))
}

// swallowed has a quote that opens in one row and closes forty rows later.
func swallowed(text string) string {
	lines := strings.Split(strings.TrimSuffix(text, "\n"), "\n")
	from, to := strings.Split(lines[100], ";"), strings.Split(lines[140], ";")
	from[6], to[6] = `"`+from[6], to[6]+`"`
	lines[100], lines[140] = strings.Join(from, ";"), strings.Join(to, ";")
	return join(lines)
}

func surplusCells(n int) func(string) string {
	return cells(func(i int, c []string) {
		if i < n {
			c[6] += ";deputy"
		}
	})
}

func cutGzip(text string) string {
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	_, _ = w.Write([]byte(text)) // into memory
	_ = w.Close()
	return b.String()[:b.Len()*7/10]
}

// gunzip takes what it can get.
func gunzip(packed string) string {
	r, err := gzip.NewReader(strings.NewReader(packed))
	if err != nil {
		return ""
	}
	text, _ := io.ReadAll(r) // a careless tool
	return string(text)
}

func withoutPhone(text string) string {
	lines := strings.Split(strings.TrimSuffix(text, "\n"), "\n")
	for i, l := range lines {
		c := strings.Split(l, ";")
		lines[i] = strings.Join(append(c[:7:7], c[8:]...), ";")
	}
	return join(lines)
}

// latin is the text in windows-1252, as far as that goes.
func latin(text string) string {
	return strings.NewReplacer("Ł", "\xa3", "ł", "\xb3", "ü", "\xfc", "ä", "\xe4", "ö", "\xf6", "ß", "\xdf", "ż", "\xbf", "Ś", "\x8c", "ś", "\x9c", "ę", "\xea", "ń", "\xf1", "ó", "\xf3", "ą", "\xb9").Replace(text)
}

// garbled is the text after somebody took its UTF-8 for windows-1252.
func garbled(text string) string {
	out, err := charmap.Windows1252.NewDecoder().String(text)
	if err != nil {
		return text
	}
	return strings.Map(func(r rune) rune {
		if r >= 0x80 && r < 0xa0 || r == 0xfffd { // what has no letter there
			return '?'
		}
		return r
	}, out)
}

// marriage is one, and afterwards somebody new who wants the name given up.
func (s *simulation) marriage() {
	s.t.Helper()
	w := s.some(1)[0]
	was, account := w.login, s.accounts()[w.key]
	s.name(w, "Schulz")
	s.layRows(func(rows []string) []string { return rows })
	s.applies(1, 0)
	got := s.accounts()[w.key]
	if got.ID != account.ID || got.Values[roster.Username] != w.login {
		s.t.Errorf("account %d became %d, %s; want the same account under its new name", account.ID, got.ID, got.Values[roster.Username])
	}
	s.tomorrow()
	n := s.hire()
	mine := n.login
	n.login = was
	s.layRows(func(rows []string) []string { return rows })
	s.applies(0, 0)
	n.login = mine
	s.tomorrow()
	s.layRows(func(rows []string) []string { return rows })
}

// takenName is a marriage whose new name somebody else has: the rest of the row
// is applied, nobody is created.
func (s *simulation) takenName() {
	s.t.Helper()
	two := s.some(2)
	mine := two[0].login
	two[0].login, two[0].ward = two[1].login, "Ward 99"
	s.layRows(func(rows []string) []string { return rows })
	s.applies(0, 0)
	got := s.accounts()[two[0].key]
	if got.Values[roster.Username] != mine || got.Values[roster.Department] != "Ward 99" {
		s.t.Errorf("she is %s in %s, want her old name in Ward 99", got.Values[roster.Username], got.Values[roster.Department])
	}
	two[0].login = mine
	s.tomorrow()
	s.layRows(func(rows []string) []string { return rows })
}

func (s *simulation) swap() {
	s.t.Helper()
	two := s.some(2)
	two[0].login, two[1].login = two[1].login, two[0].login
	s.layRows(func(rows []string) []string { return rows })
	s.applies(2, 0)
	s.tomorrow()
	s.layRows(func(rows []string) []string { return rows })
}

// applies runs the file that was laid, and wants so many renamed and added.
func (s *simulation) applies(renamed, added int) {
	s.t.Helper()
	j := s.run()
	if j == nil || !j.Status.Applied() || j.Facts.Renames != renamed || j.Facts.Adds != added {
		s.t.Fatalf("run %+v, want %d renamed and %d added", j, renamed, added)
	}
	s.applied()
}

// twins is the control of a marriage: where the username is the key, she becomes
// two people.
func (s *simulation) twins() int {
	s.configure(strings.Replace(s.standing, "format:", "match: {key: username}\nformat:", 1))
	s.p.Limits = open100()
	w := s.some(1)[0]
	s.name(w, "Schulz")
	w.key = fmt.Sprintf("9%05d", s.next)
	s.lay(s.text())
	j := s.run()
	if j == nil {
		s.t.Fatal("there was no run")
	}
	return min(j.Facts.Adds, j.Facts.Absent.Suspended)
}

// layInTwoPieces writes half of the file, and the rest while the run looks on.
func (s *simulation) layInTwoPieces() {
	s.t.Helper()
	s.p.Source.Settle = time.Second
	s.call()
	text := s.text()
	path := s.lay(text[:len(text)/2])
	now := time.Now()
	if err := os.Chtimes(path, now, now); err != nil {
		s.t.Fatal(err)
	}
	done := make(chan error, 1)
	go func() {
		time.Sleep(400 * time.Millisecond)
		f, err := os.OpenFile(path, os.O_APPEND|os.O_WRONLY, 0)
		if err == nil {
			_, err = f.WriteString(text[len(text)/2:])
			err = errors.Join(err, f.Close())
		}
		done <- err
	}()
	j := s.run()
	if err := <-done; err != nil {
		s.t.Fatal(err)
	}
	if want := strings.Count(text, "\n") - 1; j == nil || j.Facts.Rows.Read != want {
		s.t.Errorf("run %+v, want the %d rows of the whole file", j, want)
	}
}

// sixNightsLockedOut moves the drops behind a server whose password changes.
func (s *simulation) sixNightsLockedOut() {
	s.t.Helper()
	server, err := sftpd.Start(s.drops, sftpd.Options{User: "hr", Password: secret.Of("the new one")})
	if err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(func() { _ = server.Close() })
	file := filepath.Join(s.dir, "password")
	login := func(password string) {
		if err := os.WriteFile(file, []byte(password), 0o600); err != nil {
			s.t.Fatal(err)
		}
	}
	login("the new one")
	s.standing = strings.Replace(s.standing, `type: dir, path: "`+s.drops+"/", fmt.Sprintf(
		"type: sftp, host: 127.0.0.1, port: %d, user: hr, password: {file: %q}, host_keys: [%q], path: \"", server.Port(), file, server.Fingerprint()), 1)
	s.configure(s.standing)
	s.pass("")
	login("the old one")
	s.sixNights("E402")
	s.repair = func() { login("the new one") }
}

// sixNightsWithoutFolder loses the folder of the drops.
func (s *simulation) sixNightsWithoutFolder() {
	s.t.Helper()
	away := s.drops + ".away"
	if err := os.Rename(s.drops, away); err != nil {
		s.t.Fatal(err)
	}
	s.sixNights("E405")
	s.repair = func() {
		if err := os.Rename(away, s.drops); err != nil {
			s.t.Fatal(err)
		}
	}
}

// sixNights are six on which the source fails, and the last failure is the
// caller's to see.
func (s *simulation) sixNights(code string) {
	s.t.Helper()
	before := s.accounts()
	for range 5 {
		j := s.run()
		if j == nil || j.Status != journal.Failed || j.Code != code {
			s.t.Fatalf("run %+v, want it failed with %s", j, code)
		}
		s.tomorrow()
	}
	if n := harm(before, s.accounts()); n > 0 {
		s.t.Errorf("%d accounts have changed while the source was away", n)
	}
}

// blanksClear is a tool for which a blank cell, or a missing column, means that
// nothing is there.
func (s *simulation) blanksClear() int {
	s.t.Helper()
	before := s.accounts()
	m := maps.Clone(s.p.Mapping.Map)
	c := m["phone1"]
	c.Blank = "clear"
	m["phone1"] = c
	s.p.Mapping.Map = m
	s.p.Limits = open100()
	s.layCells(func(_ int, c []string) { c[7] = "" })
	if j, err := s.Run(s.t.Context(), run.Request{Profile: s.p, Trigger: "schedule"}); err != nil || !j.Status.Applied() {
		s.t.Fatalf("%v, %+v", err, j)
	}
	return harm(before, s.accounts())
}
