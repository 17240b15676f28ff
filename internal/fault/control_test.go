package fault_test

import (
	"database/sql"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"rollcall/internal/roster"
)

// TestControlWithTwoTransactionsAKillIsSeen splits the transaction of an apply in
// two, ends the program between them, and expects the tests of this folder to see it.
func TestControlWithTwoTransactionsAKillIsSeen(t *testing.T) {
	t.Parallel()
	for _, engine := range engines {
		t.Run(engine, func(t *testing.T) {
			t.Parallel()
			st := set(t, acts[1], engine, "")
			for _, deed := range []string{"kill", "error"} {
				m := mishap{"store.apply.finished", deed, 1}
				if wrong := st.suffer(t, m, &sent{}, "ROLLCALL_FAULT_OFF=single transaction"); len(wrong) == 0 {
					t.Errorf("%s: nothing is found to be wrong", m)
				}
				if wrong := st.suffer(t, m, &sent{}); len(wrong) > 0 {
					t.Errorf("%s, with one transaction: %q", m, wrong)
				}
			}
		})
	}
}

// TestControlEveryDamageIsSeen damages a site on which all is well, in one way after
// the other.
func TestControlEveryDamageIsSeen(t *testing.T) {
	t.Parallel()
	rollcall := program(t, release)
	well := found(t, "SQLite", "")
	nightsOn(t, well, rollcall)
	well.must(rollcall, morning, []int{10}, "run", "hr")
	if f := well.atRest(); len(f.all()) > 0 {
		t.Fatalf("all is well, but %q", f.all())
	}
	file := func(name string, change func(text string) string) func(s *site) {
		return func(s *site) {
			path := filepath.Join(s.dir, filepath.FromSlash(name))
			text, err := os.ReadFile(path)
			if err == nil {
				err = os.WriteFile(path, []byte(change(string(text))), 0o600)
			}
			if err != nil {
				t.Fatal(err)
			}
		}
	}
	says := func(was, now string) func(string) string {
		return func(text string) string { return strings.Replace(text, was, now, 1) }
	}
	base := func(statement string) func(s *site) {
		return func(s *site) {
			db, err := sql.Open("sqlite", filepath.Join(s.dir, "state", "rollcall.db"))
			if err != nil {
				t.Fatal(err)
			}
			defer db.Close()
			if _, err := db.Exec(statement); err != nil {
				t.Fatal(err)
			}
		}
	}
	left := func(name string) func(s *site) { return func(s *site) { s.put(name, "x") } }
	for _, damage := range []struct {
		what    string
		doubled bool
		do      func(s *site)
	}{
		{"a change is journalled twice", true, base(`
			INSERT INTO change (run, ord, line, key, action, account, version, username, reason, absent, by_date, fields, links, gives, takes, done, note) SELECT run, ord + 100000, line, key, action, account, version, username, reason, absent, by_date, fields, links, gives, takes, done, note
			FROM change WHERE run = 2 AND action = 'update' LIMIT 1`)},
		{"an account is changed and nobody says so", true, base("UPDATE account SET version = version + 1 WHERE id = 7")},
		{"a drop is applied again", true, base(`
			INSERT INTO run SELECT 3, 'x', profile, kind, status, started, finished, 3, applied_at, dry_run, input_name, input_sha256, input_modified, content, rows_read, mapping, approved, held_until, doc, ids_from, first_added, last_added
			FROM run WHERE number = 2`)},
		{"a mail is there twice", true, base(`
			INSERT INTO outbox (run, message, message_id, state, next_at, created_at) VALUES (2, '{}', 'a', 'sent', 0, 0), (2, '{}', 'b', 'sent', 0, 0)`)},
		{"a journalled change is not made", false, base("UPDATE account SET version = version - 1 WHERE id = 2")},
		{"a number was drawn for nothing", false, base("UPDATE counter SET value = value + 1 WHERE name = 'applied_seq'")},
		{"a run still runs", false, base("UPDATE run SET status = 'running' WHERE number = 2")},
		{"a run was applied and does not say so", true, base("UPDATE run SET applied_seq = NULL WHERE number = 2")},
		{"a run says others to be its new accounts", true, base("UPDATE run SET ids_from = ids_from + 1000 WHERE number = 1")},
		{"a change of a plan is gone", true, base("DELETE FROM change WHERE run = 2 AND ord = 1")},
		{"a name is parked", false, base("UPDATE account SET username_folded = char(1) || id WHERE id = 3")},
		{"a name is free that somebody has", false, base("UPDATE account SET gone = 1 WHERE id = 3")},
		{"something is due that no account says", false, base("INSERT INTO due (account, kind, at) VALUES (3, 'missing', '2026')")},
		{"a password has no hash", false, base("UPDATE account SET password = 'set 2026-11-01T06:00:00.000000Z' WHERE id = 3")},
		{"a hash is nobody's", false, base("INSERT INTO credential (account, since, hash) VALUES (99999, 'x', 'x')")},
		{"a hash waits for nothing", false, base("INSERT INTO planned_password (run, ord, hash) VALUES (2, 1, 'x')")},
		{"no mail brings the password", false, base("UPDATE account SET password = '" + roster.AwaitedPassword().String() + "' WHERE id = 3")},
		{"two mails bring a password", true, base(`
			INSERT INTO outbox (run, message, message_id, state, next_at, created_at, account) VALUES (2, '{}', 'a', 'pending', 0, 0, 3), (2, '{}', 'b', 'pending', 0, 0, 3)`)},
		{"a report says another status", false, file("state/reports/2.json", says(`"status": "warn"`, `"status": "ok"`))},
		{"a report counts wrongly", false, file("state/reports/2.json", says(`"added": 4`, `"added": 5`))},
		{"a report is half written", false, file("state/reports/2.results.csv", func(text string) string { return text[:len(text)/2] })},
		{"a drop lies in the spool", false, left("state/spool/hr/drop-1")},
		{"a copy is of no run", false, left("state/archive/hr/9-b.csv")},
		{"a drop lies where it was", false, left("hr/b.csv")},
		{"a drop was put away twice", false, left("hr/done/b.csv.20261101T000000Z")},
	} {
		t.Run(damage.what, func(t *testing.T) {
			s := well.copied(t)
			damage.do(s)
			f := s.atRest()
			if len(f.all()) == 0 || damage.doubled != (len(f.doubled) > 0) {
				t.Errorf("found to be doubled are %q, and wrong %q", f.doubled, append(f.lost, f.other...))
			}
		})
	}
	s := well.copied(t)
	base("UPDATE account SET department = 'x' WHERE id = 9")(s)
	if s.dump() == well.dump() {
		t.Error("an account that has another department is not seen")
	}
}
