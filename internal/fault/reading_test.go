package fault_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"rollcall/internal/shore"
)

// TestWhatADirectoryHasSaidIsNotLostBetweenReadingAndCommit kills the program at
// moments between the two, when a directory has told what has changed: it must be
// told again. The control moves the reading on before its drop is applied.
func TestWhatADirectoryHasSaidIsNotLostBetweenReadingAndCommit(t *testing.T) {
	t.Parallel()
	rollcall := program(t, faulty)
	for _, engine := range engines {
		t.Run(engine, func(t *testing.T) {
			t.Parallel()
			var people strings.Builder
			for i := range 30 {
				fmt.Fprintf(&people, "dn: uid=p%[1]d,ou=People,dc=example,dc=org\nobjectClass: inetOrgPerson\nuid: p%[1]d\nemployeeNumber: %03[1]d\ncn: C\nsn: S\ngivenName: G\nmail: p%[1]d@example.org\n\n", i)
			}
			l := shore.Slapd(t, shore.Directory{Entries: people.String(), Lines: []string{"syncprov-sessionlog 100"}})
			s := found(t, engine, "")
			s.put("password", l.Password)
			s.put("profiles.d/staff.yaml", fmt.Sprintf(`version: 1
source: {type: ldap, urls: [%q], ca_file: %q, base: %q, filter: "(employeeNumber=*)", dialect: openldap, incremental: syncrepl, bind: {dn: %q, password: {file: ../password}}}
format: {content: full}
match: {key: employee_id}
map: {employee_id: employeeNumber, username: uid, first_name: givenName, last_name: sn, email: mail}
policy: {missing: suspend}
guardrails: {first_run: apply}
`, l.TLSURL, l.CAFile, l.Base, l.DN))
			s.must(rollcall, morning, []int{0}, "run", "staff")
			later := morning.Add(time.Hour)
			l.Modify(t, "dn: uid=p3,ou=People,dc=example,dc=org\nchangetype: modify\nreplace: sn\nsn: Other\n\ndn: uid=p4,ou=People,dc=example,dc=org\nchangetype: delete\n\n"+
				"dn: uid=p5,ou=People,dc=example,dc=org\nchangetype: modrdn\nnewrdn: uid=new5\ndeleteoldrdn: 1\n")
			before := s.dump()
			told := s.copied(t)
			told.must(rollcall, later, []int{0}, "run", "staff")
			want := told.dump()
			told.must(rollcall, later, []int{0}, "run", "staff")
			if want == before || told.dump() != want {
				t.Fatalf("the changes are not seen: %s", want)
			}
			suffer := func(moment string, off ...string) string {
				t.Helper()
				c := s.copied(t)
				defer c.discard()
				if code, said := c.run(rollcall, later, append(off, "ROLLCALL_FAULT="+moment+":kill"), "run", "staff"); code != -1 {
					t.Fatalf("%s: not killed, exit %d: %s", moment, code, said)
				}
				if code, said := c.restart(rollcall, later.Add(time.Minute), "run", "staff"); code != 0 {
					t.Errorf("%s: the run after the kill: exit %d: %s", moment, code, said)
				}
				return c.dump()
			}
			moments := []string{"run.planned", "run.judged", "run.archived", "store.apply.written", "store.apply.finished", "store.apply.committed"}
			if engine == "PostgreSQL" {
				moments = moments[3:]
			}
			for _, moment := range moments {
				if got := suffer(moment); got != want {
					t.Errorf("killed at %s, the accounts are\n%s\nwant\n%s", moment, got, want)
				}
			}
			if got := suffer("run.judged", "ROLLCALL_FAULT_OFF=reading with its drop"); got == want {
				t.Error("the control loses nothing, so this proves nothing")
			}
		})
	}
}
