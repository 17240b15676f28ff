package fault_test

import (
	"fmt"
	"slices"
	"strconv"
	"testing"

	"rollcall/internal/password"
	"rollcall/internal/roster"
	"rollcall/internal/shore"
)

// manual is a profile whose drops give passwords, and whose newcomers without one
// are written to: so many of a run without being asked.
func manual(most int) string {
	return fmt.Sprintf(`version: 1
source: {type: dir, path: ../hr/*.csv, ready: "*.done", settle: 10ms, after: archive, move_to: done}
format: {type: csv, content: full}
match: {key: employee_id}
map: {employee_id: ID, username: Login, first_name: First, last_name: Last, email: Email, password: Password}
policy: {passwords: update, generate_password: on, max_welcome: %d}
guardrails: {first_run: apply, max_adds: 400%%}
report: {to: [hr@example.org], when: changes}
`, most)
}

const headerOfPasswords = "ID,Login,First,Last,Email,Password"

func manually(login, password string) string {
	return fmt.Sprintf("E-%s,%s,First,Last,%s@example.org,%s", login, login, login, password)
}

// have checks that the accounts have the passwords that the file gave them.
func (s *site) have(passwords map[string]string) (wrong []string) {
	if len(passwords) == 0 {
		return nil
	}
	hashes := s.hashes("")
	for login, clear := range passwords {
		if !fits(hashes[login], clear) {
			wrong = append(wrong, login+" has not the password of the file")
		}
	}
	return wrong
}

// hashes are those of the present passwords by username; more is the end of the
// condition.
func (s *site) hashes(more string) map[string]string {
	s.t.Helper()
	db, shut := s.open()
	defer shut()
	rows, err := db.Query("SELECT a.username, c.hash FROM account a JOIN credential c ON c.account = a.id AND c.since = substr(a.password, 5, 27) WHERE a.password LIKE 'set %'" + more)
	if err != nil {
		s.t.Fatal(err)
	}
	all := map[string]string{}
	if err := each(rows, func(_ []string, v []any) { all[v[0].(string)] = v[1].(string) }); err != nil {
		s.t.Fatal(err)
	}
	return all
}

func fits(hash, clear string) bool {
	same, err := password.Same(hash, roster.Clear(clear))
	return err == nil && same
}

// The welcomes of a site: who was written to, and the hash of the password that each
// has now.
type welcomes struct {
	site   string // as it stands in the sender
	hashes map[string]string
	twice  int    // mails whose sending a mishap cut off
	after  string // the mishap
}

// cutOff are the moments at which the server has taken a welcome mail, and the
// account has not got its password. A fault there is followed by another mail, with
// a password that counts; one anywhere else is not.
var cutOff = []string{"welcome.sent", "store.welcome.recorded"}

func (s *site) welcomes(after mishap) welcomes {
	s.t.Helper()
	w := welcomes{site: strconv.FormatInt(s.number, 10), after: after.String(), hashes: s.hashes(" AND a.id IN (SELECT account FROM outbox WHERE account <> 0)")}
	if slices.Contains(cutOff, after.moment) {
		w.twice = 1
	}
	return w
}

// unknown are those whose password stands in no mail that has come.
func (w welcomes) unknown(passwords map[string][]string) (logins []string) {
	for login, hash := range w.hashes {
		if !slices.ContainsFunc(passwords[login], func(clear string) bool { return fits(hash, clear) }) {
			logins = append(logins, login)
		}
	}
	return logins
}

// TestControlAPasswordApartFromItsAccountOrItsMailIsSeen splits the transactions that
// bring a password, ends the program between the halves, and expects the tests of this
// folder to see it.
func TestControlAPasswordApartFromItsAccountOrItsMailIsSeen(t *testing.T) {
	t.Parallel()
	for _, engine := range engines {
		t.Run(engine, func(t *testing.T) {
			t.Parallel()
			st := set(t, acts[slices.IndexFunc(acts, func(a act) bool { return a.name == "passwords" })], engine, shore.SMTP(t).Addr)
			for _, c := range []struct{ protection, moment string }{
				{"password with its account", "store.apply.passwords"},
				{"sending with its password", "store.welcome.recorded"},
			} {
				if wrong := st.suffer(t, mishap{c.moment, "exit", 1}, &sent{}, "ROLLCALL_FAULT_OFF="+c.protection); len(wrong) == 0 {
					t.Errorf("%s: nothing is found to be wrong", c.protection)
				}
			}
		})
	}
}
