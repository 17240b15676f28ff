package run_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"rollcall/internal/journal"
	"rollcall/internal/mapping"
	"rollcall/internal/plan"
	"rollcall/internal/roster"
	"rollcall/internal/run"
	"rollcall/internal/secret"
	"rollcall/internal/shore"
	"rollcall/internal/source"
)

// inDirectory is a person of a directory: an entry of its own name and a key.
func inDirectory(uid, key string) string {
	return fmt.Sprintf("dn: uid=%[1]s,ou=People,dc=example,dc=org\nobjectClass: inetOrgPerson\nuid: %[1]s\nemployeeNumber: %[2]s\ncn: C\nsn: S\ngivenName: G\nmail: %[1]s@example.org\n\n", uid, key)
}

// asks makes a profile ask OpenLDAP, with the password in a file.
func asks(l *shore.LDAP, password string) func(*run.Profile) {
	return func(p *run.Profile) {
		p.Source = source.Defaults()
		p.Source.Type, p.Source.URLs, p.Source.CAFile, p.Source.Base = "ldap", []string{l.TLSURL}, l.CAFile, l.Base
		p.Source.Filter, p.Source.Dialect, p.Source.PageSize = "(employeeNumber=*)", "openldap", 7
		p.Source.Bind = source.Bind{DN: l.DN, Password: secret.Ref{File: password}}
		p.Source.Attributes = []string{"employeeNumber", "uid", "givenName", "sn", "mail"}
		p.Format.Type, p.Format.Dialect = "ldif", "openldap"
		p.Mapping.Map = map[string]mapping.Column{
			"employee_id": {From: "employeeNumber"}, "username": {From: "uid"}, "first_name": {From: "givenName"}, "last_name": {From: "sn"}, "email": {From: "mail"},
		}
	}
}

func TestADirectoryIsFollowedAndItsDoublesRemoveNobody(t *testing.T) {
	both(t, func(t *testing.T, s *site) {
		t.Parallel()
		var entries strings.Builder
		for i := range 40 {
			entries.WriteString(inDirectory(fmt.Sprintf("p%d", i), fmt.Sprintf("%03d", i)))
		}
		l := shore.Slapd(t, shore.Directory{Entries: entries.String()})
		password := filepath.Join(t.TempDir(), "password")
		write := func(text string) {
			t.Helper()
			if err := os.WriteFile(password, []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		write(l.Password)
		p := s.feed("staff", asks(l, password))
		if j := s.run(p, journal.OK); j.Facts.Rows != (plan.Rows{Read: 40, Added: 40}) || j.Input.Source != "ldap" || j.Input.Format != "ldif" {
			t.Errorf("first run: %+v from %+v", j.Facts.Rows, j.Input)
		}
		if j, err := s.Run(t.Context(), run.Request{Profile: p}); j != nil || !errors.Is(err, run.ErrNothingNew) {
			t.Errorf("the same answer: run %v, %v, want none", j, err)
		}

		// N7: a tenth of the keys stand on two entries.
		for i := range 4 {
			l.Modify(t, strings.Replace(inDirectory(fmt.Sprintf("admin%d", i), fmt.Sprintf("%03d", i)), "\nobjectClass", "\nchangetype: add\nobjectClass", 1))
		}
		if j := s.run(p, journal.Warn); j.Facts.Rows != (plan.Rows{Read: 44, Unchanged: 36, Rejected: 8}) || j.Facts.Absent.Total != 0 || j.Facts.ActiveAfter != 40 {
			t.Errorf("doubles: rows %+v, absent %+v, %d active; want 36 unchanged, 8 rejected, and nobody absent", j.Facts.Rows, j.Facts.Absent, j.Facts.ActiveAfter)
		}

		// A password that was refused is sent once, however often the schedule comes.
		write("a typing error")
		for i := range 3 {
			j, err := s.Run(t.Context(), run.Request{Profile: p, Trigger: "schedule"})
			if refused := new(roster.Refusal); !errors.As(err, &refused) || refused.Code != "E402" || j == nil || j.ExitCode != 12 {
				t.Errorf("run %d with a wrong password: %v", i, err)
			}
		}
		if n := strings.Count(l.Log(t), "RESULT tag=97 err=49"); n != 1 {
			t.Errorf("the password was refused %d times, want once", n)
		}
		write(l.Password)
		if j, err := s.Run(t.Context(), run.Request{Profile: p, Trigger: "schedule"}); j != nil || !errors.Is(err, run.ErrNothingNew) {
			t.Errorf("the right password again: run %v, %v, want that there is nothing new", j, err)
		}

		// The server goes away: nothing happens to anybody.
		before := s.dump()
		l.Stop(t)
		if j, err := s.Run(t.Context(), run.Request{Profile: p}); j == nil || j.Status != journal.Failed || j.Code != "E401" || s.dump() != before {
			t.Errorf("without the server: %v, %v", j, err)
		}
	})
}
