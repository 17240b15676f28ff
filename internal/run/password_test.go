package run_test

import (
	"context"
	"database/sql"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"rollcall/internal/format"
	"rollcall/internal/guard"
	"rollcall/internal/journal"
	"rollcall/internal/mapping"
	"rollcall/internal/notify"
	"rollcall/internal/password"
	"rollcall/internal/plan"
	"rollcall/internal/proof"
	"rollcall/internal/report"
	"rollcall/internal/roster"
	"rollcall/internal/run"
	"rollcall/internal/secret"
	"rollcall/internal/shore"
)

const passwordHead = "employee_id,username,email,first_name,last_name,suspended,department,password"

// secrets is a profile whose drops give passwords, and what they are hashed with.
func (s *site) secrets(more ...func(*run.Profile)) *run.Profile {
	s.Greeting.Passwords = plan.Passwords{Site: password.DefaultPolicy(), Method: password.Argon2id}
	return s.feed("hr", append([]func(*run.Profile){func(p *run.Profile) { p.Plan.Passwords = s.Greeting.Passwords }}, more...)...)
}

// with is a person with a password.
func with(key, password string) string {
	name := strings.ToLower(key)
	return fmt.Sprintf("%s,%s,%s@example.org,First%s,Last%s,,ICU,%s", key, name, name, key, key, password)
}

// knows tells whether a password is the account's.
func (s *site) knows(ref, guess string) bool {
	s.t.Helper()
	a := s.account(ref)
	hashes, err := s.Store.Credentials(s.t.Context(), []plan.Guess{{Account: a.ID, Since: a.Password().Since}})
	if err != nil {
		s.t.Fatal(err)
	}
	if hashes[a.ID] == "" {
		return false
	}
	same, err := password.Same(hashes[a.ID], roster.Clear(guess))
	if err != nil {
		s.t.Fatal(err)
	}
	return same
}

func (s *site) codes(j *journal.Run) string {
	s.t.Helper()
	var all []string
	for p, err := range s.Store.Problems(s.t.Context(), j.Number) {
		if err != nil {
			s.t.Fatal(err)
		}
		if p.Code != "" {
			all = append(all, fmt.Sprintf("%s line %d %s", p.Code, p.Line, p.Column))
		}
	}
	return strings.Join(all, "; ")
}

func TestR80ToR84PasswordsOfTheFile(t *testing.T) {
	both(t, func(t *testing.T, s *site) {
		p := s.secrets()
		first := s.read(p, journal.Warn, passwordHead,
			with("E1", "Strong-Pass-1"), with("E2", "abc"), with("E3", "changeme"), with("E4", "0"), with("E5", ""), with("E6", " Blank-Pass-1 "))
		if n := first.Facts.Passwords; n.Given != 4 || n.Weak != 1 || n.ToGenerate != 0 {
			t.Errorf("passwords = %+v", n)
		}
		if got, want := s.codes(first), "E126 line 3 password; E127 line 5 password"; got != want {
			t.Errorf("problems %q, want %q", got, want)
		}
		for key, guess := range map[string]string{"E1": "Strong-Pass-1", "E2": "abc", "E3": "changeme", "E6": " Blank-Pass-1 "} {
			if !s.knows("key:"+key, guess) {
				t.Errorf("%s does not have its password (R11, R80, R82, R83)", key)
			}
		}
		for key, want := range map[string]string{"E1": "true false", "E2": "true false", "E3": "true true", "E4": "false false", "E5": "false false"} {
			if a := s.account("key:" + key); fmt.Sprint(a.PasswordSet(), a.MustChangePassword()) != want {
				t.Errorf("%s: password_set, must_change_password = %v %v, want %s (R17, R82)", key, a.PasswordSet(), a.MustChangePassword(), want)
			}
		}

		// R84: what the file says later changes nobody, and is not even told.
		again := s.read(p, journal.Unchanged, passwordHead,
			with("E1", "Other-Pass-1"), with("E2", "abcd"), with("E3", "changeme"), with("E4", "0"), with("E5", "Given-Pass-5"), with("E6", "x"))
		if again.Facts.Passwords != (plan.PasswordFacts{}) || s.codes(again) != "" {
			t.Errorf("passwords = %+v, problems %q", again.Facts.Passwords, s.codes(again))
		}
		if !s.knows("key:E1", "Strong-Pass-1") || s.account("key:E5").PasswordSet() {
			t.Error("passwords: add has changed an account that existed (R84)")
		}

		p.Plan.Policy.Passwords = "update"
		update := s.read(p, journal.OK, passwordHead,
			with("E1", "Other-Pass-1"), with("E2", "abc"), with("E3", "changeme"), with("E4", ""), with("E5", "Given-Pass-5"), with("E6", " Blank-Pass-1 "))
		if n, rows := update.Facts.Passwords, update.Facts.Rows; n.Given != 2 || rows.Updated != 2 || rows.Unchanged != 4 {
			t.Errorf("of six passwords two are new: %+v, %+v", n, rows)
		}
		if !s.knows("key:E1", "Other-Pass-1") || s.knows("key:E1", "Strong-Pass-1") || !s.knows("key:E5", "Given-Pass-5") {
			t.Error("passwords: update has not set what the file says (R84)")
		}
		same := s.read(p, journal.Unchanged, passwordHead,
			with("E1", "Other-Pass-1"), with("E2", "abc"), with("E3", "changeme"), with("E4", ""), with("E5", "Given-Pass-5"), with("E6", " Blank-Pass-1 "), "")
		if same.Facts.Rows.Unchanged != 6 {
			t.Errorf("rows = %+v (R6)", same.Facts.Rows)
		}

		// R103: what a run has changed comes back.
		if _, err := s.Revert(t.Context(), p, update.Number, nil, run.By{Who: "ada", Reason: "wrong file"}); err != nil {
			t.Fatal(err)
		}
		if !s.knows("key:E1", "Strong-Pass-1") || s.account("key:E5").PasswordSet() {
			t.Error("the revert has not brought the passwords back (R103)")
		}
	})
}

func TestR83R82WeakPasswordsAreRejectedOrMustBeChanged(t *testing.T) {
	s := open(t, "sqlite")
	p := s.secrets(func(p *run.Profile) { p.Plan.Policy.Weak = "reject" })
	j := s.read(p, journal.Warn, passwordHead, with("E1", "Strong-Pass-1"), with("E2", "abc"), with("E3", "changeme"))
	if n := j.Facts.Passwords; n.Given != 2 || n.Weak != 0 || s.account("key:E2").PasswordSet() || s.codes(j) != "E126 line 3 password" {
		t.Errorf("passwords = %+v, problems %q", n, s.codes(j))
	}
	p.Plan.Policy.Weak, p.Plan.Policy.ForceChange, p.Plan.Policy.Passwords = "accept", "weak", "update"
	s.read(p, journal.Warn, passwordHead, with("E1", "Strong-Pass-2"), with("E2", "abc"), with("E3", "changeme"))
	if s.account("key:E1").MustChangePassword() || !s.account("key:E2").MustChangePassword() {
		t.Error("force_change: weak")
	}
	p.Plan.Policy.ForceChange = "all"
	s.read(p, journal.OK, passwordHead, with("E1", "Strong-Pass-3"), with("E2", "abc"), with("E3", "changeme"))
	if !s.account("key:E1").MustChangePassword() {
		t.Error("force_change: all")
	}
}

func TestR80OnlyWhoLogsInHereHasAPassword(t *testing.T) {
	s := open(t, "sqlite")
	p := s.secrets(func(p *run.Profile) { p.Plan.Policy.GeneratePassword = true })
	head := passwordHead + ",auth"
	j := s.read(p, journal.OK, head, with("E1", "Strong-Pass-1")+",ldap", with("E2", "")+",saml2", with("E3", "Strong-Pass-3")+",manual", with("E4", "")+",manual")
	if n := j.Facts.Passwords; n.Given != 1 || n.ToGenerate != 1 {
		t.Errorf("passwords = %+v", n)
	}
	if s.account("key:E1").PasswordSet() || !s.knows("key:E3", "Strong-Pass-3") {
		t.Error("a password is stored where another method is used, or none where it is not")
	}
	j = s.read(p, journal.OK, head, with("E1", "")+",ldap", with("E2", "")+",saml2", with("E3", "")+",ldap", with("E4", "")+",manual")
	if s.account("key:E3").PasswordSet() || j.Facts.Passwords.Removed != 1 {
		t.Errorf("who has moved to ldap keeps a password: %+v", j.Facts.Passwords)
	}
}

func TestAnotherMethodKnowsTheOldHashes(t *testing.T) {
	s := open(t, "sqlite")
	p := s.secrets(func(p *run.Profile) { p.Plan.Policy.Passwords = "update" })
	s.read(p, journal.OK, passwordHead, with("E1", "Strong-Pass-1"))
	p.Plan.Passwords.Method = password.Bcrypt
	s.read(p, journal.OK, passwordHead, with("E1", "Strong-Pass-1"), with("E2", "Strong-Pass-2"))
	if a := s.account("key:E1"); a.Version != 1 || !s.knows("key:E1", "Strong-Pass-1") || !s.knows("key:E2", "Strong-Pass-2") {
		t.Errorf("version %d", a.Version)
	}
	long := strings.Repeat("Aa1-", 20)
	j := s.read(p, journal.Warn, passwordHead, with("E1", "Strong-Pass-1"), with("E2", "Strong-Pass-2"), with("E3", long))
	if s.codes(j) != "E118 line 4 password" || s.account("key:E3").PasswordSet() {
		t.Errorf("a password of 80 bytes with bcrypt: %q", s.codes(j))
	}
}

// greets gives a site a mail server for welcome mails.
func (s *site) greets(more ...func(*run.Profile)) (*shore.Mailbox, *run.Profile) {
	s.t.Helper()
	box := shore.SMTP(s.t)
	sender, err := notify.NewSMTP(notify.Options{Server: "smtp://" + box.Addr, From: "rollcall <rollcall@example.org>"}, secret.Value{})
	if err != nil {
		s.t.Fatal(err)
	}
	s.Mail = sender.Send
	return box, s.secrets(append([]func(*run.Profile){func(p *run.Profile) { p.Plan.Policy.GeneratePassword = true }}, more...)...)
}

var inMail = regexp.MustCompile(`(?m)^ +password +(\S+)$`)

// passwordIn is the password that a welcome mail brings.
func passwordIn(t *testing.T, mail string) string {
	t.Helper()
	m := inMail.FindStringSubmatch(strings.ReplaceAll(mail, "=\n", ""))
	if m == nil {
		t.Fatalf("no password in the mail:\n%s", mail)
	}
	return strings.ReplaceAll(m[1], "=3D", "=")
}

func TestR81AWelcomeMailBringsThePasswordThatTheAccountGets(t *testing.T) {
	both(t, func(t *testing.T, s *site) {
		box, p := s.greets()
		j := s.read(p, journal.OK, "employee_id,username,email,first_name,last_name,starts_on",
			"E1,ada,ada@example.org,Ada,Byron,", "E2,bob,bob@example.org,Bob,Ray,2026-09-10")
		if n := j.Facts.Passwords; n.ToGenerate != 2 || n.Welcome != 1 || n.Later != 1 {
			t.Errorf("passwords = %+v", n)
		}
		if a := s.account("key:E1"); a.PasswordSet() || !a.MustChangePassword() {
			t.Error("an account has a password before its mail is sent")
		}
		for _, m := range s.outbox(j) {
			if strings.Contains(m.Message.Text, "password") || m.Message.Text != "" {
				t.Error("the outbox holds the text of a welcome mail")
			}
		}
		version := s.account("key:E1").Version
		mail := s.deliver(box, 1)[0]
		if got := head(mail, "To"); got != "<ada@example.org>" {
			t.Errorf("to %q", got)
		}
		if got := head(mail, "Auto-Submitted"); got != "auto-generated" {
			t.Errorf("Auto-Submitted: %q", got)
		}
		if a := s.account("key:E1"); !s.knows("key:E1", passwordIn(t, mail)) || !a.MustChangePassword() || a.Version != version {
			t.Error("the password of the mail is not the account's")
		}
		s.deliver(box, 1) // once

		// Who starts later is written to on the day (R72).
		s.pass(10 * 24 * time.Hour)
		swept, err := s.Sweep(t.Context(), "schedule")
		if err != nil || swept == nil {
			t.Fatalf("%v %v", swept, err)
		}
		mail = s.deliver(box, 2)[1]
		if got := head(mail, "To"); got != "<bob@example.org>" || !s.knows("key:E2", passwordIn(t, mail)) {
			t.Errorf("to %q", got)
		}
		if swept.Facts.Passwords.Welcome != 1 {
			t.Errorf("the sweep says %+v", swept.Facts.Passwords)
		}
	})
}

func TestR81ManyWelcomeMailsWaitForAPerson(t *testing.T) {
	both(t, func(t *testing.T, s *site) {
		box, p := s.greets(func(p *run.Profile) { p.Plan.Policy.MaxWelcome = 3 })
		j := s.read(p, journal.OK, append([]string{"employee_id,username,email,first_name,last_name"}, plain(4)...)...)
		if n := j.Facts.Passwords; n.Welcome != 4 || !n.Waits {
			t.Errorf("passwords = %+v", n)
		}
		s.deliver(box, 0)
		if n, err := s.Store.RetryMail(t.Context()); n != 0 || err != nil { // a retry is no release
			t.Errorf("%d, %v", n, err)
		}
		if _, err := s.Release(t.Context(), j.Number+1); err == nil {
			t.Error("mails of a run that does not exist were released")
		}
		if n, err := s.Release(t.Context(), j.Number); n != 4 || err != nil {
			t.Fatalf("%d released, %v", n, err)
		}
		s.deliver(box, 4)
		if n, _ := s.Release(t.Context(), j.Number); n != 0 {
			t.Errorf("%d mails were released twice", n)
		}
		// At the limit nobody need look (the edge of max_welcome).
		next := s.read(p, journal.OK, append([]string{"employee_id,username,email,first_name,last_name"}, plain(7)...)...)
		if n := next.Facts.Passwords; n.Welcome != 3 || n.Waits {
			t.Errorf("passwords = %+v", n)
		}
		s.deliver(box, 7)
	})
}

// plain are people without passwords.
func plain(n int) (all []string) {
	for i := range n {
		all = append(all, fmt.Sprintf("P%d,person%d,person%d@example.org,F%d,L%d", i, i, i, i, i))
	}
	return all
}

func TestR81WhoHasNoAddressIsToldOfAndWrittenToOnceThereIsOne(t *testing.T) {
	s := open(t, "sqlite")
	box, p := s.greets(func(p *run.Profile) { p.Plan.Required = []roster.Field{roster.Username} })
	head := "employee_id,username,email,first_name,last_name"
	j := s.read(p, journal.OK, head, "E1,ada,,Ada,Byron")
	if n := j.Facts.Passwords; n.ToGenerate != 1 || n.NoAddress != 1 || n.Welcome != 0 {
		t.Errorf("passwords = %+v", n)
	}
	s.deliver(box, 0)
	j = s.read(p, journal.OK, head, "E1,ada,ada@example.org,Ada,Byron")
	if n := j.Facts.Passwords; n.Welcome != 1 {
		t.Errorf("passwords = %+v", n)
	}
	if mail := s.deliver(box, 1)[0]; !s.knows("key:E1", passwordIn(t, mail)) {
		t.Error("the password of the mail is not the account's")
	}
}

func TestR81WhoIsSuspendedBeforeTheMailGoesIsWrittenToLater(t *testing.T) {
	s := open(t, "sqlite")
	box, p := s.greets()
	s.read(p, journal.OK, append([]string{"employee_id,username,email,first_name,last_name"}, plain(1)...)...)
	by := run.By{Who: "ada", Reason: "not yet"}
	if _, err := s.SetStatus(t.Context(), plan.Suspend, []string{"key:P0"}, by); err != nil {
		t.Fatal(err)
	}
	s.deliver(box, 0)
	if left, _ := s.Store.Outbox(t.Context(), 0); len(left) != 0 {
		t.Errorf("%+v waits for nobody", left)
	}
	if _, err := s.SetStatus(t.Context(), plan.Reactivate, []string{"key:P0"}, by); err != nil {
		t.Fatal(err)
	}
	if mail := s.deliver(box, 1)[0]; !s.knows("key:P0", passwordIn(t, mail)) {
		t.Error("the password of the mail is not the account's")
	}
}

func TestR81AMailThatIsNotTakenLeavesNoPassword(t *testing.T) {
	s := open(t, "sqlite")
	box, p := s.greets()
	j := s.read(p, journal.OK, "employee_id,username,email,first_name,last_name", "E1,bad,bad@example.org,B,A", "E2,grey,grey@example.org,G,R", "E3,ok,ok@example.org,O,K")
	s.deliver(box, 1)
	want := map[uint64]string{s.account("key:E1").ID: "dead", s.account("key:E2").ID: "pending", s.account("key:E3").ID: "sent"}
	for _, m := range s.outbox(j) {
		if m.State != want[m.Account] {
			t.Errorf("mail to account %d is %s, want %s: %s", m.Account, m.State, want[m.Account], m.Error)
		}
	}
	if s.account("key:E1").PasswordSet() || s.account("key:E2").PasswordSet() || !s.account("key:E3").PasswordSet() {
		t.Error("a password is set whose mail nobody has")
	}
}

func TestR81NoMailWaitsForWhoIsNotToBeWrittenTo(t *testing.T) {
	both(t, func(t *testing.T, s *site) {
		box, p := s.greets(func(p *run.Profile) { p.Plan.Policy.MaxWelcome = 1 })
		const head = "employee_id,username,email,first_name,last_name"
		waiting := func() int {
			n, err := s.Store.Unreleased(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			return n
		}
		s.read(p, journal.OK, append([]string{head}, plain(3)...)...)
		j := s.read(p, journal.OK, append([]string{head}, plain(5)...)...)
		if n := waiting(); n != 5 {
			t.Fatalf("%d mails wait", n)
		}
		if _, err := s.SetStatus(t.Context(), plan.Suspend, []string{"key:P0"}, run.By{Who: "ada", Reason: "not yet"}); err != nil {
			t.Fatal(err)
		}
		if n := waiting(); n != 4 {
			t.Errorf("one is suspended, and %d wait", n)
		}
		if _, err := s.Revert(t.Context(), p, j.Number, nil, run.By{Who: "ada", Reason: "too early"}); err != nil {
			t.Fatal(err)
		}
		if n := waiting(); n != 2 {
			t.Errorf("two are gone, and %d wait", n)
		}
		if n, err := s.Release(t.Context(), j.Number); n != 0 || err != nil {
			t.Errorf("%d mails of the run that was taken back are let go: %v", n, err)
		}
		s.deliver(box, 0)
	})
}

func TestR81WhoseAddressNobodyTookIsWrittenToAtTheNextOne(t *testing.T) {
	both(t, func(t *testing.T, s *site) {
		box, p := s.greets(func(p *run.Profile) { p.Plan.Policy.MaxWelcome = 1 })
		const head = "employee_id,username,email,first_name,last_name"
		first := s.read(p, journal.OK, head, "E1,bad,bad@example.org,B,A")
		waits := s.read(p, journal.OK, head, "E1,bad,bad@example.org,B,A", "E2,u2,old@example.org,U,Two", "E3,u3,u3@example.org,U,Three")
		s.deliver(box, 0)
		j := s.read(p, journal.OK, head, "E1,bad,good@example.org,B,A", "E2,u2,new@example.org,U,Two", "E3,u3,u3@example.org,U,Three")
		if n := j.Facts.Passwords.Welcome; n != 1 {
			t.Errorf("%d people are written to, want the one whose mail was given up", n)
		}
		if mail := s.deliver(box, 1)[0]; !s.knows("key:E1", passwordIn(t, mail)) || !strings.Contains(mail, "good@example.org") {
			t.Error("the mail to the new address does not bring the password")
		}
		if m := s.outbox(first)[0]; m.State != "dropped" {
			t.Errorf("the mail to the old address is %s", m.State)
		}
		for _, m := range s.outbox(waits) {
			if want := map[uint64]string{s.account("key:E2").ID: "new@example.org", s.account("key:E3").ID: "u3@example.org"}[m.Account]; m.State != "waiting" || m.Message.To[0] != want {
				t.Errorf("a mail is %s, to %s, want waiting to %s", m.State, m.Message.To, want)
			}
		}
	})
}

func TestR81TheMailIsInThePersonsLanguageAndOnlyToGetsIt(t *testing.T) {
	s := open(t, "sqlite")
	box, p := s.greets()
	german, err := report.ParseWelcome("Subject: Willkommen, {first_name}\n\nBenutzername {username}\n\n    password   {password}\n")
	if err != nil {
		t.Fatal(err)
	}
	s.Greeting.Texts = report.Welcomes{"de": german}
	head1 := "employee_id,username,email,first_name,last_name,language"
	s.read(p, journal.OK, head1, "E1,ada,ada@example.org,Ädä,Byron,de-AT", "E2,bob,bob@example.org,Bob,Ray,en")
	mails := s.deliver(box, 2)
	if got := head(mails[0], "Subject"); !strings.HasPrefix(got, "=?UTF-8?q?Willkommen") || !s.knows("key:E1", passwordIn(t, mails[0])) {
		t.Errorf("subject %q", got)
	}
	if got := head(mails[1], "Subject"); got != "Your account: a new password" {
		t.Errorf("subject %q", got)
	}

	only, err := notify.NewSMTP(notify.Options{Server: "smtp://" + box.Addr, From: "rollcall@example.org", OnlyTo: []string{"admin@example.org"}}, secret.Value{})
	if err != nil {
		t.Fatal(err)
	}
	s.Mail = only.Send
	s.read(p, journal.OK, head1, "E1,ada,ada@example.org,Ädä,Byron,de-AT", "E2,bob,bob@example.org,Bob,Ray,en", "E3,cy,cy@example.org,Cy,Caro,")
	mail := s.deliver(box, 3)[2]
	if to, meant := head(mail, "To"), head(mail, "X-Rollcall-Meant-For"); to != "<admin@example.org>" || meant != "cy@example.org" {
		t.Errorf("with mail.only_to the mail goes to %q, and is meant for %q", to, meant)
	}
}

// How long hashing takes is told, and both cores do it.
func TestAThousandPasswordsAreHashedOnAllCores(t *testing.T) {
	if proof.Long(0, 1) == 0 {
		t.Skip("a thousand hashes are for the long run")
	}
	s := open(t, "sqlite")
	p := s.secrets(func(p *run.Profile) { p.Plan.Policy.Passwords = "update" })
	lines := []string{passwordHead}
	for i := range 1000 {
		lines = append(lines, with(fmt.Sprint("E", i), fmt.Sprint("Strong-Pass-", i)))
	}
	var told []string
	once := func() {
		s.drop(p, lines...)
		began := time.Now()
		j, err := s.Run(t.Context(), run.Request{Profile: p, Tell: func(text string) { told = append(told, text) }})
		if err != nil || j.Status == journal.Failed {
			t.Fatal(j, err)
		}
		t.Logf("%+v in %s", j.Facts.Passwords, time.Since(began).Round(time.Second/10))
	}
	once()
	lines = append(lines, with("E1000", "Strong-Pass-1000"))
	once()
	if got := strings.Join(told, "\n"); !strings.Contains(got, "hashing 1,000 passwords, which takes about ") || !strings.Contains(got, "for each thousand") {
		t.Errorf("told is %q", got)
	}
}

// A sender who is killed between sending and recording leaves a mail whose password
// is not the account's, and the mail in the outbox: it is sent again, with another
// password and another id, and that one counts.
func TestR81AKillBetweenSendingAndRecordingIsMadeGood(t *testing.T) {
	both(t, func(t *testing.T, s *site) {
		box, p := s.greets()
		s.read(p, journal.OK, append([]string{"employee_id,username,email,first_name,last_name"}, plain(1)...)...)
		send := s.Mail
		s.Mail = func(ctx context.Context, m notify.Message) error {
			if err := send(ctx, m); err != nil {
				t.Error(err)
			}
			panic("killed")
		}
		func() {
			defer func() { _ = recover() }()
			_ = s.Deliver(t.Context(), 0)
			t.Error("it was not killed")
		}()
		first := box.Wait(t, 1)[0]
		if s.account("key:P0").PasswordSet() || s.knows("key:P0", passwordIn(t, first)) {
			t.Error("the control: the first password works, and there was nothing to make good")
		}

		// Whoever comes next is a process of its own: it has its own Runner.
		next := &run.Runner{Store: s.Store, State: s.State, Log: s.Log, Now: s.now, Mail: send, Site: s.Site, Greeting: s.Greeting}
		if err := next.Deliver(t.Context(), 0); err != nil {
			t.Fatal(err)
		}
		if n := len(box.Messages(t)); n != 1 {
			t.Errorf("%d mails: another process took the mail from its sender", n)
		}
		s.pass(3 * time.Minute)
		if err := next.Deliver(t.Context(), 0); err != nil {
			t.Fatal(err)
		}
		second := box.Wait(t, 2)[1]
		if !s.knows("key:P0", passwordIn(t, second)) {
			t.Error("the newest mail has a password that does not work")
		}
		if head(first, "Message-ID") == head(second, "Message-ID") {
			t.Error("both mails have one id: a mailbox keeps the first, whose password does not work")
		}
		if err := next.Deliver(t.Context(), 0); err != nil || len(box.Messages(t)) != 2 {
			t.Error("it is sent once more")
		}
	})
}

// A sender who is killed over each mail does not write to somebody for ever.
func TestR81AMailThatIsCutOffAgainAndAgainIsGivenUp(t *testing.T) {
	s := open(t, "sqlite")
	p := s.secrets(func(p *run.Profile) { p.Plan.Policy.GeneratePassword = true })
	j := s.read(p, journal.OK, append([]string{"employee_id,username,email,first_name,last_name"}, plain(1)...)...)
	sent := 0
	for range 10 {
		r := &run.Runner{Store: s.Store, State: s.State, Log: s.Log, Now: s.now, Site: s.Site, Greeting: s.Greeting}
		r.Mail = func(context.Context, notify.Message) error { sent++; panic("killed") }
		func() {
			defer func() { _ = recover() }()
			_ = r.Deliver(t.Context(), 0)
		}()
		s.pass(3 * time.Minute)
	}
	if m := s.outbox(j)[0]; sent != 5 || m.State != "dead" || s.account("key:P0").PasswordSet() {
		t.Errorf("%d mails, and it is %s", sent, m.State)
	}
}

func TestAResetIsMailedAndTheOldPasswordIsGone(t *testing.T) {
	s := open(t, "sqlite")
	box, p := s.greets()
	s.read(p, journal.OK, passwordHead, with("E1", "Strong-Pass-1"))
	by := run.By{Who: "ada", Reason: "forgotten"}
	do := func(force, reset bool) {
		t.Helper()
		p, err := s.PlanDeed(t.Context(), []string{"key:E1"}, by, s.Password(force, reset, nil, nil))
		if err == nil {
			_, err = s.Do(t.Context(), p, by)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	do(true, false)
	if a := s.account("key:E1"); !a.MustChangePassword() || !s.knows("key:E1", "Strong-Pass-1") {
		t.Error("a forced change changes the password itself")
	}
	do(false, true)
	if s.account("key:E1").PasswordSet() {
		t.Error("after a reset the old password is still there")
	}
	if mail := s.deliver(box, 1)[0]; !s.knows("key:E1", passwordIn(t, mail)) || s.knows("key:E1", "Strong-Pass-1") {
		t.Error("the password of the mail is not the account's")
	}
}

// files are all files below a folder.
func files(t *testing.T, dir string) (all []string) {
	t.Helper()
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err == nil && d.Type().IsRegular() {
			all = append(all, path)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// holding are those of the files that hold a text.
func holding(t *testing.T, paths []string, text string) (found []string) {
	t.Helper()
	for _, path := range paths {
		data, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if strings.Contains(string(data), text) {
			found = append(found, filepath.Base(path))
		}
	}
	return found
}

// No file that rollcall leaves behind holds a password in clear: database, its
// journal, archive, spool, reports. The control is a field that is not secret.
func TestR80NoPasswordIsLeftAnywhere(t *testing.T) {
	both(t, func(t *testing.T, s *site) {
		var log strings.Builder
		s.Log = slogTo(&log)
		box, p := s.greets(func(p *run.Profile) {
			p.Report = run.Report{To: []string{"hr-it@example.org"}, When: "always", Attach: true}
			p.Mapping.Values, p.Plan.Values = true, true // what was wrong is told
		})
		s.read(p, journal.Warn, passwordHead,
			with("E1", "Marmalade-77"), with("E2", "marmaladeweak"), with("E3", ""), "E4,short,Marmalade-shape", with("E5", "Marmalade-5\a"))
		p.Plan.Policy.Passwords = "update"
		p.Limits.MaxAdds = guard.Limit{}
		held := s.read(p, journal.Held, passwordHead, with("E1", "Marmalade-88"), with("E2", "marmaladeweak"), with("E3", ""), with("E5", ""))
		if _, err := s.Reject(t.Context(), run.Decision{Run: held.Number, Who: "ada", Reason: "wrong"}); err != nil {
			t.Fatal(err)
		}
		dry, err := s.Run(t.Context(), run.Request{Profile: p, File: s.drop(p, passwordHead, with("E1", "Marmalade-99"), with("E2", "x"), with("E3", "")), Dry: true})
		if err != nil || dry.Status != journal.Dry {
			t.Fatalf("%+v, %v", dry, err)
		}
		mails := s.deliver(box, 3)
		made := ""
		for _, mail := range mails {
			if strings.Contains(mail, "Marmalade") || strings.Contains(mail, "marmalade") {
				t.Error("a given password is in a mail")
			}
			if inMail.MatchString(mail) {
				made = passwordIn(t, mail)
			}
		}
		if made == "" {
			t.Fatal("no welcome mail came")
		}
		all := files(t, s.State)
		if s.dsn != "" && strings.HasPrefix(s.dsn, "sqlite:") {
			matches, _ := filepath.Glob(strings.TrimPrefix(s.dsn, "sqlite:") + "*")
			all = append(all, matches...)
		}
		for _, clear := range []string{"Marmalade", "marmalade", made} {
			if found := holding(t, all, clear); len(found) > 0 {
				t.Errorf("%q stands in %v", clear, found)
			}
			if strings.Contains(log.String(), clear) {
				t.Errorf("%q stands in the log", clear)
			}
		}
		if found := holding(t, all, "LastE1"); len(found) < 2 { // the control
			t.Errorf("the control is in %v alone: the test looked in the wrong place", found)
		}
		if s.dsn != "" && !strings.HasPrefix(s.dsn, "sqlite:") {
			if found := s.search("Marmalade"); found != "" {
				t.Errorf("the database holds it in %s", found)
			}
			if s.search("LastE1") == "" {
				t.Error("the control is not in the database: the test looked in the wrong place")
			}
		}
	})
}

// What is kept of a drop with passwords can be planned and explained again, on
// the same lines, and takes nobody's password away.
func TestR80WhatIsKeptOfADropCanBePlannedAgain(t *testing.T) {
	s := open(t, "sqlite")
	p := s.secrets(func(p *run.Profile) { p.Plan.Policy.Passwords = "update" })
	p.Format.Delimiter = ""
	lines := []string{
		strings.ReplaceAll(passwordHead, ",", ";"), "",
		strings.ReplaceAll(with("E1", "Strong;Pass-1"), "Strong;Pass-1", `"Strong;Pass-1"`),
		strings.ReplaceAll(with("E2", "Strong-Pass-2"), "ICU", "\"ICU\nand ward\""),
		strings.ReplaceAll(with("E3", "Strong-Pass-3"), "a,b", ""),
	}
	for i := 2; i < len(lines); i++ {
		lines[i] = strings.ReplaceAll(lines[i], ",", ";")
	}
	s.read(p, journal.OK, lines...)
	if !s.knows("key:E1", "Strong;Pass-1") {
		t.Fatal("the password of E1")
	}
	j, err := s.Run(t.Context(), run.Request{Profile: p, File: "last", Dry: true})
	if err != nil || j.Facts.Rows.Unchanged != 3 || j.Facts.Passwords != (plan.PasswordFacts{}) {
		t.Fatalf("%+v, %v", j, err)
	}
	story, err := s.Explain(t.Context(), p, "E3", "")
	if err != nil || len(story.Entries) != 1 || story.Entries[0].Line != 6 || story.Entries[0].Password != "" {
		t.Errorf("%+v, %v", story, err)
	}
	if a := s.account("key:E2"); a.Values[roster.Department] != "ICU\nand ward" {
		t.Errorf("department %q", a.Values[roster.Department])
	}
	// The same bytes from the source are known all the same (R104).
	if j, err := s.Run(t.Context(), run.Request{Profile: p}); j != nil || err == nil {
		t.Errorf("the same drop was read again: %+v, %v", j, err)
	}
	same, err := s.Run(t.Context(), run.Request{Profile: p, File: "last"})
	if err != nil || same.Status != journal.Unchanged {
		t.Errorf("%+v, %v", same, err)
	}
}

// Of another format the same is kept: its records as CSV.
func TestR80WhatIsKeptOfXMLShowsNoPassword(t *testing.T) {
	s := open(t, "sqlite")
	p := s.secrets(func(p *run.Profile) {
		p.Format = format.Options{Type: "xml", Record: "/staff/person", Content: "full", Elements: []string{"no", "login", "mail", "first", "last", "pw"}}
		p.Mapping.Map = map[string]mapping.Column{
			"employee_id": {From: "no"}, "username": {From: "login"}, "email": {From: "mail"}, "first_name": {From: "first"}, "last_name": {From: "last"}, "password": {From: "pw"},
		}
	})
	p.Source.Path = filepath.Join(s.drops, "*.xml")
	path := filepath.Join(s.drops, "hr.xml")
	text := "<staff>\n<person><no>E1</no><login>ada</login><mail>ada@example.org</mail><first>Ada</first><last>Byron, Lovelace</last><pw>Marmalade&amp;7</pw></person>\n</staff>\n"
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	s.run(p, journal.OK)
	if !s.knows("key:E1", "Marmalade&7") {
		t.Error("the password of the element")
	}
	if found := holding(t, files(t, s.State), "Marmalade"); len(found) > 0 {
		t.Errorf("it stands in %v", found)
	}
	j, err := s.Run(t.Context(), run.Request{Profile: p, File: "last", Dry: true})
	if err != nil || j.Facts.Rows.Unchanged != 1 {
		t.Errorf("%+v, %v", j, err)
	}
}

// Nor is one kept that stands where the map names nothing: an element of which nobody
// knows before the drop is read, a column that is called as passwords are.
func TestR80NothingIsKeptOfAPasswordThatNoMapNames(t *testing.T) {
	s := open(t, "sqlite")
	x := s.feed("xml", asXML)
	keep := func(p *run.Profile, text string) {
		t.Helper()
		s.run(p, journal.OK)
		if found := holding(t, files(t, s.State), text); len(found) > 0 {
			t.Errorf("%s: it stands in %v", p.Name, found)
		}
		if _, err := s.Store.Look(t.Context(), p.Name); err == nil {
			t.Errorf("%s: the drop has left fingerprints", p.Name)
		}
	}
	s.put(x, "xml-1.xml", strings.ReplaceAll(staffXML(2, "Dr"), "<badge>", "<password>Marmalade-7</password><badge>"))
	keep(x, "Marmalade-7")
	j, err := s.Run(t.Context(), run.Request{Profile: x, File: "last", Dry: true})
	if err != nil || j.Facts.Rows.Unchanged != 2 {
		t.Errorf("what is kept, planned again: %+v, %v", j, err)
	}
	c := s.feed("csv", func(p *run.Profile) { p.Mapping.Map = map[string]mapping.Column{} })
	s.drop(c, "employee_id,username,email,first_name,last_name,Passwd", "C1,c1,c1@example.org,C,One,Marmalade-8")
	keep(c, "Marmalade-8")

	other := s.feed("other", asXML) // the control
	s.put(other, "other-1.xml", strings.NewReplacer("<no>", "<no>x", "<login>p", "<login>x", "<mail>p", "<mail>x", "<badge>7", "<badge>Marmalade-9").Replace(staffXML(2, "Dr")))
	s.run(other, journal.OK)
	if found := holding(t, files(t, s.State), "Marmalade-9"); len(found) != 1 {
		t.Errorf("the control is in %v", found)
	}
	if _, err := s.Store.Look(t.Context(), other.Name); err != nil {
		t.Errorf("the control has left no fingerprints: %v", err)
	}
}

// No print of a record with a password is remembered: it would be a quick hash.
func TestR80NoFingerprintIsKeptOfARecordWithAPassword(t *testing.T) {
	s := open(t, "sqlite")
	p := s.secrets()
	s.read(p, journal.OK, passwordHead, with("E1", "Strong-Pass-1"))
	if _, err := s.Store.Look(t.Context(), p.Name); err == nil {
		t.Error("the drop has left fingerprints")
	}
	other := s.feed("other", func(p *run.Profile) { p.Mapping.Map = map[string]mapping.Column{} }) // the control
	s.read(other, journal.OK, append([]string{"employee_id,username,email,first_name,last_name"}, plain(3)...)...)
	if _, err := s.Store.Look(t.Context(), other.Name); err != nil {
		t.Errorf("the control has left none: %v", err)
	}
}

func TestR81AHeldPlanKeepsItsPasswordsUntilItIsDecided(t *testing.T) {
	both(t, func(t *testing.T, s *site) {
		p := s.secrets(func(p *run.Profile) { p.Limits.FirstRun = "hold" })
		held := s.read(p, journal.Held, passwordHead, with("E1", "Strong-Pass-1"), with("E2", "Strong-Pass-2"))
		if _, err := s.Approve(t.Context(), p, run.Decision{Run: held.Number, Who: "ada", Reason: "fine"}); err != nil {
			t.Fatal(err)
		}
		if !s.knows("key:E1", "Strong-Pass-1") || !s.knows("key:E2", "Strong-Pass-2") {
			t.Error("the approved plan has lost its passwords")
		}
	})
}

// slogTo is a log of everything that is ever said.
func slogTo(w io.Writer) *slog.Logger {
	return slog.New(slog.NewTextHandler(w, &slog.HandlerOptions{Level: slog.LevelDebug}))
}

// search tells in which table of PostgreSQL a text stands; "" for none.
func (s *site) search(text string) string {
	s.t.Helper()
	pool, err := sql.Open("pgx", s.dsn)
	if err != nil {
		s.t.Fatal(err)
	}
	defer pool.Close()
	rows, err := pool.QueryContext(s.t.Context(), "SELECT relname FROM pg_stat_user_tables")
	if err != nil {
		s.t.Fatal(err)
	}
	defer rows.Close()
	var tables []string
	for rows.Next() {
		var name string
		if err := rows.Scan(&name); err != nil {
			s.t.Fatal(err)
		}
		tables = append(tables, name)
	}
	for _, table := range tables {
		var n int
		if err := pool.QueryRowContext(s.t.Context(), "SELECT count(*) FROM "+table+" AS t WHERE t::text LIKE '%' || $1 || '%'", text).Scan(&n); err != nil {
			s.t.Fatal(err)
		}
		if n > 0 {
			return table
		}
	}
	return ""
}
