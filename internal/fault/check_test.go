package fault_test

import (
	"database/sql"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"rollcall/internal/proof"
)

// faults are what is wrong with a site, by what it means.
type faults struct{ lost, doubled, other []string }

func (f faults) all() []string { return slices.Concat(f.lost, f.doubled, f.other) }

// A journalled is a run as the database has it.
type journalled struct {
	number int64
	status string
	seq    int64 // 0 where it was not applied
	input  string
	doc    struct {
		ExitCode int `json:"exit_code"`
		Input    struct{ Name, Archive string }
	}
}

func (r *journalled) applied() bool {
	return slices.Contains([]string{"ok", "warn", "unchanged", "reverted"}, r.status)
}

// journal is what holds at every moment, also just after a kill: a run is
// applied with everything, or not at all.
func (s *site) journal() (runs []journalled, f faults) {
	s.t.Helper()
	db, shut := s.open()
	defer shut()
	return s.journalIn(db)
}

func (s *site) journalIn(db *sql.DB) (runs []journalled, f faults) {
	s.t.Helper()
	rows, err := db.Query("SELECT number, status, coalesce(applied_seq, 0), input_sha256, doc FROM run ORDER BY number")
	if err != nil && noSchema(err) {
		return nil, f
	}
	if err != nil {
		s.t.Fatal(err)
	}
	if err := each(rows, func(_ []string, v []any) {
		r := journalled{number: v[0].(int64), status: v[1].(string), seq: v[2].(int64), input: v[3].(string)}
		if err := json.Unmarshal([]byte(v[4].(string)), &r.doc); err != nil {
			s.t.Fatal(err)
		}
		runs = append(runs, r)
	}); err != nil {
		s.t.Fatal(err)
	}
	for _, r := range runs {
		if r.seq != 0 && !r.applied() {
			f.other = append(f.other, fmt.Sprintf("run %d was applied and is %s", r.number, r.status))
		}
	}
	for _, table := range looked {
		if _, err := db.Exec(table); err != nil {
			s.t.Fatalf("%v: %s", err, table)
		}
	}
	for _, law := range laws {
		query := law.breach
		if s.dsn != "" {
			query = strings.ReplaceAll(query, "account_changes", "directory.account_changes")
		}
		found := s.ask(db, query, law.text)
		if law.doubled {
			f.doubled = append(f.doubled, found...)
		} else {
			f.lost = append(f.lost, found...)
		}
	}
	return runs, f
}

// laws hold in the database at every moment. The query of each finds what breaks it.
var laws = []struct {
	text    string
	doubled bool // something was done twice; else something is missing
	breach  string
}{
	{"an account has two changes of one run", true, `
		SELECT run, account FROM carried_out GROUP BY run, account HAVING count(*) > 1`},
	{"an account was changed more often than the journal says", true, `
		SELECT a.id, a.version FROM account a LEFT JOIN changes_of c ON c.account = a.id WHERE a.version > coalesce(c.n, 0)`},
	{"a drop was applied twice", true, `
		SELECT input_sha256, min(number) FROM run WHERE applied_seq IS NOT NULL AND kind = 'sync' GROUP BY input_sha256 HAVING count(*) > 1`},
	{"a run has too many mails", true, `
		SELECT o.run, count(*) FROM outbox o JOIN run r ON r.number = o.run WHERE o.account = 0 GROUP BY o.run, r.approved HAVING count(*) > 1 + r.approved`},
	{"two accounts have one name", true, `
		SELECT username_folded, count(*) FROM account WHERE status <> 'deleted' GROUP BY username_folded HAVING count(*) > 1`},
	{"two accounts have one key", true, `
		SELECT profile, key_folded FROM link GROUP BY profile, key_folded HAVING count(*) > 1`},
	{"two welcome mails are due to one account", true, `
		SELECT account, count(*) FROM outbox WHERE account <> 0 AND state IN ('pending', 'waiting') GROUP BY account HAVING count(*) > 1`},
	{"applied_seq goes beyond its counter", true, `
		SELECT number, applied_seq FROM run WHERE applied_seq > (SELECT value FROM counter WHERE name = 'applied_seq')`},

	{"applied_seq has a gap", false, `
		SELECT value, n FROM (SELECT value, (SELECT count(*) FROM run WHERE applied_seq IS NOT NULL) AS n FROM counter WHERE name = 'applied_seq') AS c WHERE value <> n`},
	{"the journal has a change that the account has not", false, `
		SELECT a.id, a.version FROM account a LEFT JOIN changes_of c ON c.account = a.id WHERE a.version < coalesce(c.n, 0)`},
	{"a plan has a gap", false, `
		SELECT run, count(*) FROM change GROUP BY run HAVING count(*) <> max(ord)`},
	{"a new account is not among those of its run", false, `
		SELECT c.run, c.ord FROM change c JOIN run r ON r.number = c.run WHERE r.applied_seq IS NOT NULL AND c.action = 'add' AND c.done = ''
			AND (r.ids_from IS NULL OR c.ord + r.ids_from NOT BETWEEN r.first_added AND r.last_added)`},
	{"an applied run has no changes", false, `
		SELECT number, 0 FROM run r WHERE applied_seq IS NOT NULL AND NOT EXISTS (SELECT 1 FROM change c WHERE c.run = r.number)`},
	{"account_changes and the journal differ", false, `
		SELECT n, m FROM (SELECT (SELECT count(*) FROM account_changes) AS n, (SELECT sum(n) FROM changes_of) AS m) AS both_counts WHERE n <> m`},
	{"a link leads nowhere", false, `
		SELECT l.account, 0 FROM link l LEFT JOIN account a ON a.id = l.account WHERE a.id IS NULL`},
	{"an account has a password and no hash of it", false, `
		SELECT a.id, 0 FROM account a WHERE a.password LIKE 'set %' AND NOT EXISTS (SELECT 1 FROM credential c WHERE c.account = a.id AND c.since = substr(a.password, 5, 27))`},
	{"a hash is of no account", false, `
		SELECT c.account, 0 FROM credential c LEFT JOIN account a ON a.id = c.account WHERE a.id IS NULL`},
	{"a hash is kept of a plan that nobody can apply", false, `
		SELECT p.run, count(*) FROM planned_password p LEFT JOIN run r ON r.number = p.run WHERE r.number IS NULL OR r.status NOT IN ('running', 'held', 'dry') GROUP BY p.run`},
	{"an account awaits a password and no mail brings it", false, `
		SELECT a.id, 0 FROM account a WHERE a.password = 'awaited' AND a.status = 'active' AND a.email <> ''
			AND NOT EXISTS (SELECT 1 FROM outbox o WHERE o.account = a.id AND o.state IN ('pending', 'waiting', 'dead'))`},
	{"a welcome mail is of no account", false, `
		SELECT o.account, 0 FROM outbox o LEFT JOIN account a ON a.id = o.account WHERE o.account <> 0 AND a.id IS NULL`},
	{"a welcome mail is sent and its password is not the account's", false, `
		SELECT a.id, 0 FROM account a JOIN outbox o ON o.account = a.id WHERE o.state = 'sent' AND a.password NOT LIKE 'set %'`},
	{"an account has the password of a mail that is not sent", false, `
		SELECT a.id, 0 FROM account a JOIN outbox o ON o.account = a.id WHERE o.state IN ('pending', 'waiting', 'dead') AND a.password LIKE 'set %'`},
	{"the names of a deleted account are not free, or those of another are, or are still parked", false, proof.NotFree},
	{"what is due is not what the accounts say", false, proof.NotDue},
	{"a mail tells of a run that was not applied", false, `
		SELECT o.run, 0 FROM outbox o JOIN run r ON r.number = o.run WHERE r.applied_seq IS NULL AND (r.status = 'running' OR r.status = 'interrupted' AND o.message NOT LIKE '%[rollcall] FAILED %')`},
	{"a run that was interrupted has left a plan", false, `
		SELECT r.number, 0 FROM run r WHERE r.status = 'interrupted'
			AND (EXISTS (SELECT 1 FROM change c WHERE c.run = r.number) OR EXISTS (SELECT 1 FROM problem p WHERE p.run = r.number))`},
}

// looked makes what several laws look at, for one connection alone.
var looked = []string{
	// The changes of the applied runs, each with its account. Its type is said, or SQLite
	// would not look the accounts up by the index below.
	`CREATE TEMPORARY TABLE carried_out AS SELECT c.run, c.action, CAST(coalesce(c.account, c.ord + r.ids_from) AS bigint) AS account
		FROM change c JOIN run r ON r.number = c.run WHERE c.done = '' AND r.applied_seq IS NOT NULL`,
	// How often each account was changed, as the journal says.
	`CREATE TEMPORARY TABLE changes_of AS SELECT account, count(*) AS n FROM carried_out WHERE action <> 'claim' GROUP BY account`,
	`CREATE UNIQUE INDEX changes_of_account ON changes_of (account)`,
}

// ask answers with what, if the query finds anything.
func (s *site) ask(db *sql.DB, query, what string) (found []string) {
	s.t.Helper()
	rows, err := db.Query(query)
	if err != nil {
		s.t.Fatalf("%v: %s", err, query)
	}
	n := 0
	if err := each(rows, func(_ []string, v []any) {
		if n++; n == 1 {
			found = append(found, fmt.Sprintf("%s (%v, %v)", what, v[0], v[1]))
		}
	}); err != nil {
		s.t.Fatal(err)
	}
	return found
}

// atRest is what holds besides once everything has been started again: nothing
// is left to be done, and every report says what the database holds.
func (s *site) atRest() faults {
	s.t.Helper()
	db, shut := s.open()
	defer shut()
	runs, f := s.journalIn(db)
	other := func(format string, args ...any) { f.other = append(f.other, fmt.Sprintf(format, args...)) }
	archived := map[string]bool{}
	for i := range runs {
		r := &runs[i]
		if r.status == "running" {
			other("run %d is still running", r.number)
			continue
		}
		if r.doc.Input.Archive != "" {
			archived[filepath.Base(r.doc.Input.Archive)] = true
		}
		f.other = append(f.other, s.reported(db, r)...)
	}
	if left := s.names("state/spool/hr"); len(left) > 0 {
		other("the spool holds %d files", len(left))
	}
	for _, name := range s.names("state/archive/hr") {
		if !archived[name] {
			other("the archive holds %s of no run", name)
		}
		delete(archived, name)
	}
	for name := range archived {
		other("%s is not in the archive", name)
	}
	for i := range runs { // after: archive
		r := &runs[i]
		name := r.doc.Input.Name
		if name == "" || !r.applied() || r.status == "reverted" {
			continue
		}
		for _, part := range []string{name, strings.TrimSuffix(name, ".csv") + ".done"} {
			n := 0
			for _, there := range s.names("hr/done") {
				if strings.HasPrefix(there, part) {
					n++
				}
			}
			if n != 1 || exists(filepath.Join(s.dir, "hr", part)) {
				other("%s is %d times among the files that are done", part, n)
			}
		}
	}
	if s.mail != "" {
		f.other = append(f.other, s.ask(db, "SELECT run, state FROM outbox WHERE state <> 'sent'", "a mail has not been sent")...)
	}
	return f
}

// names lists a folder of the site; none where it is missing.
func (s *site) names(folder string) (names []string) {
	list, _ := os.ReadDir(filepath.Join(s.dir, folder)) // missing is empty
	for _, e := range list {
		if !e.IsDir() {
			names = append(names, e.Name())
		}
	}
	return names
}

// reported compares the files of a run with the database.
func (s *site) reported(db *sql.DB, r *journalled) (wrong []string) {
	s.t.Helper()
	base := filepath.Join(s.dir, "state", "reports", strconv.FormatInt(r.number, 10))
	say := func(format string, args ...any) {
		wrong = append(wrong, fmt.Sprintf("report of run %d: ", r.number)+fmt.Sprintf(format, args...))
	}
	for _, name := range []string{".results.csv", ".problems.csv"} {
		if text, err := os.ReadFile(base + name); err != nil || !strings.HasSuffix(string(text), "\n") {
			say("%s is not whole", name)
		}
	}
	text, err := os.ReadFile(base + ".json")
	if err != nil {
		say("it is missing")
		return wrong
	}
	var doc struct {
		Run struct {
			Number     int64
			Status     string
			ExitCode   int   `json:"exit_code"`
			AppliedSeq int64 `json:"applied_seq"`
		}
		Rows    struct{ Read, Added, Updated, Renamed, Reactivated, Suspended, Deleted, Unchanged, Skipped, Rejected int }
		Absent  struct{ Suspended, Deleted int }
		ByDate  struct{ Started, Expired int } `json:"by_date"`
		Changes []struct{ Action, Done string }
	}
	if err := json.Unmarshal(text, &doc); err != nil {
		say("it is not JSON")
		return wrong
	}
	if doc.Run.Number != r.number || doc.Run.Status != r.status || doc.Run.ExitCode != r.doc.ExitCode || doc.Run.AppliedSeq != r.seq {
		say("it says %+v, the journal %s, exit %d, applied_seq %d", doc.Run, r.status, r.doc.ExitCode, r.seq)
	}
	x := doc.Rows
	if x.Read != x.Added+x.Updated+x.Renamed+x.Reactivated+x.Suspended+x.Deleted+x.Unchanged+x.Skipped+x.Rejected {
		say("its rows do not add up: %+v", x)
	}
	var n int
	if err := db.QueryRow(fmt.Sprintf("SELECT count(*) FROM change WHERE run = %d AND action <> 'claim'", r.number)).Scan(&n); err != nil {
		s.t.Fatal(err)
	}
	counted := x.Added + x.Updated + x.Renamed + x.Reactivated + x.Suspended + x.Deleted + doc.Absent.Suspended + doc.Absent.Deleted + doc.ByDate.Started + doc.ByDate.Expired
	if len(doc.Changes) != n || counted != n {
		say("it counts %d changes and lists %d, the journal has %d", counted, len(doc.Changes), n)
	}
	return wrong
}
