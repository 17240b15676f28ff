package config

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/robfig/cron/v3"

	"rollcall/internal/roster"
)

// profileErrors are the errors of a profile in a site that is in order.
func profileErrors(t *testing.T, profile string) Errors {
	t.Helper()
	_, errs := load(site(t, "mail: {server: 'smtp://localhost:25', from: a@example.org}\n", "x.yaml", profile), now, nil)
	return errs
}

// only wants exactly one error, at line:col with a code, that says something.
func only(t *testing.T, errs Errors, want, says string) {
	t.Helper()
	if len(errs) != 1 {
		t.Fatalf("%d errors, want 1:\n%v", len(errs), errs)
	}
	e := errs[0]
	if got := fmt.Sprintf("%d:%d %s %s", e.Line, e.Col, e.Severity, e.Code); got != want {
		t.Errorf("place and code = %s, want %s\n%v", got, want, e)
	}
	if !strings.Contains(e.String(), says) {
		t.Errorf("error = %v\nwant it to say %q", e, says)
	}
}

const delta = "source: {type: dir, path: /srv/*.csv}\nformat: {content: delta}\n"

func TestR62AbsenceMeansNothingInADelta(t *testing.T) {
	only(t, profileErrors(t, delta+"policy: {missing: suspend}\n"), "3:10 error C210", "policy.missing needs content: full")
	only(t, profileErrors(t, delta+"policy: {missing: delete, delete: on}\n"), "3:10 error C210", "leaver: suspend")
	only(t, profileErrors(t, delta+"policy: {delete_after: 90d, delete: on}\n"), "3:10 error C210", "needs content: full")
	for _, fine := range []string{delta + "policy: {missing: keep}\n", delta + "policy: {leaver: suspend}\n", small + "policy: {missing: suspend}\n"} {
		if errs := profileErrors(t, fine); len(errs) > 0 {
			t.Errorf("%s\n%v", fine, errs)
		}
	}
}

func TestR63WhoWouldBePurgedBeforeHeIsAnonymisedIsAnError(t *testing.T) {
	only(t, profileErrors(t, small+"policy: {anonymise_after: 90d, purge_after: 30d}\n"), "3:27 error C110", "longer than policy.purge_after")
}

func TestR65AskingForWhatASwitchForbidsIsAnError(t *testing.T) {
	for policy, says := range map[string]string{
		"{missing: delete}":                  "policy.missing: delete needs policy.delete: on",
		"{leaver: delete}":                   "policy.leaver: delete needs policy.delete: on",
		"{delete_after: 90d}":                "policy.delete_after needs policy.delete: on",
		"{missing: suspend, suspend: off}":   "policy.missing: suspend needs policy.suspend: on",
		"{leaver: delete, delete: off}":      "policy.leaver: delete needs policy.delete: on",
		"{missing: suspend, suspend: false}": "policy.missing: suspend needs policy.suspend: on",
	} {
		only(t, profileErrors(t, small+"policy: "+policy+"\n"), "3:10 error C211", says)
	}
	for _, fine := range []string{
		"{missing: delete, delete: on}", "{leaver: delete, delete: on}", "{delete_after: 90d, delete: on}",
		"{missing: suspend}", "{suspend: off}", "{delete_after: 0s}", "{anonymise_after: 30d, purge_after: 90d}", "{anonymise_after: 90d}",
	} {
		if errs := profileErrors(t, small+"policy: "+fine+"\n"); len(errs) > 0 {
			t.Errorf("%s\n%v", fine, errs)
		}
	}
}

func TestAProfileSaysWhatItIsFullOrDelta(t *testing.T) {
	only(t, profileErrors(t, "source: {type: dir, path: /srv/*.csv}\nformat: {type: csv}\n"), "2:1 error C110", "format.content")
	only(t, profileErrors(t, "source: {type: dir, path: /srv/*.csv}\n"), "0:0 error C110", "format.content")
}

func TestWordsAreChecked(t *testing.T) {
	for text, says := range map[string]string{
		"unique_email: onn":                      `did you mean "on"?`,
		"policy: {upload: add_updates}":          `did you mean "add_update"?`,
		"policy: {update: all}":                  "none, file, file_and_defaults, fill_missing",
		"policy: {missing: drop}":                "keep, suspend, delete",
		"policy: {leaver: keep}":                 "suspend, delete",
		"policy: {leave: delete}":                "keep, suspend",
		"guardrails: {first_run: go}":            "hold or apply",
		"guardrails: {on_hold: some}":            "all or removals",
		"guardrails: {hold_for: 0s}":             "hold_for",
		"guardrails: {max_removals: 500%}":       "max_removals",
		"guardrails: {min_rows: {percent: 101}}": "min_rows",
		"report: {when: changed}":                `did you mean "changes"?`,
		"report: {attach: some}":                 "problems, never",
		"report: {personal_data: all}":           "ids, names, values",
		"map: {employee_id: N, username: {from: U, sensitive: on}, first_name: F, last_name: L, email: E}": "reports name people by it",
		"report: {to: [nobody]}":         "not a mail address",
		"report: {alert: ['']}":          "empty address",
		"owner: the HR department":       "not a mail address",
		"match: {fallback: email}":       "username",
		"match: {fallback: {rekey: on}}": "{by: username, rekey: on}",
		"policy: {protect: ['']}":        "names nobody",
		"version: 2":                     "reads version 1",
		"timezone: Local":                "Europe/Warsaw",
		"timezone: Europe/Atlantis":      "Europe/Warsaw",
	} {
		t.Run(text, func(t *testing.T) {
			errs := profileErrors(t, small+text+"\n")
			if len(errs) != 1 || errs[0].Line != 3 || errs[0].Code != codeValue && errs[0].Code != codeMissing {
				t.Fatalf("errors:\n%v\nwant one in line 3", errs)
			}
			if !strings.Contains(errs[0].String(), says) {
				t.Errorf("error = %v\nwant it to say %q", errs[0], says)
			}
		})
	}
}

func TestTheSiteIsChecked(t *testing.T) {
	for _, tt := range []struct{ text, want, says string }{
		{"mode: dry", "1:7 error C110", "live"},
		{"mode: rehearsal", "1:7 error C105", "not built yet"},
		{"language: pl", "1:11 error C105", "not built yet"},
		{"timezone: CEST", "1:11 error C110", "Europe/Warsaw"},
		{"version: 3", "1:10 error C110", "version 1"},
		{"sweep: off", "1:8 error C102", "duration"},
		{"sweep: 0s", "1:8 error C102", "too short"},
		{"database: mysql://db/rollcall", "1:11 error C110", "postgres://"},
		{"database: rollcall.db", "1:11 error C110", "sqlite:FILE"},
		{"database: 'sqlite:'", "1:11 error C110", "names no file"},
		{"database: 'postgres://u:hunter2@db/rollcall'", "1:11 error C106", "database_password"},
		{"database: 'postgres://u@db/rollcall?password=hunter2'", "1:11 error C106", "database_password"},
		{"database: postgres://u:/hunter2@db/rollcall", "1:11 error C110", "postgres://USER@HOST"},
		{"database: 'postgres://u:% hunter2@db/rollcall'", "1:11 error C110", "postgres://USER@HOST"},
		{"database_password: {env: PGPASSWORD}", "1:1 warning C307", "no effect"},
		{"mail: {server: 'smtp://u:hunter2@mail', from: a@b.example}", "1:16 error C106", "mail.password"},
		{"mail: {server: mail.example.org, from: a@b.example}", "1:16 error C110", "smtp://host"},
		{"mail: {server: 'smtp://mail:99999', from: a@b.example}", "1:16 error C110", "port"},
		{"mail: {server: 'smtp://mail'}", "1:1 error C110", "mail.from"},
		{"mail: {server: 'smtp://mail', from: nobody}", "1:37 error C110", "mail.from is not an address"},
		{"mail: {server: 'smtp://mail', from: a@b.example, only_to: [a@b.example, x]}", "1:73 error C110", "is not an address"},
		{"mail: {from: a@b.example}", "1:1 error C110", "mail.server"},
		{"accounts: {standardise: extnded}", "1:25 error C110", `did you mean "extended"?`},
		{"accounts: {protect: [admin, '']}", "1:21 error C110", "names nobody"},
		{"authority: {emial: [x]}", "1:13 error C110", `did you mean "email"?`},
		{"authority: {'*': [x, y, x]}", "1:25 error C103", "twice"},
		{"authority: {'*': [xx]}", "1:19 warning C306", `no profile "xx"`},
		{"state: ''", "1:8 error C110", "state is empty"},
	} {
		t.Run(tt.text, func(t *testing.T) {
			_, errs := load(site(t, tt.text+"\n", "x.yaml", small, "y.yaml", small), now, nil)
			only(t, errs, tt.want, tt.says)
			if strings.Contains(strings.ReplaceAll(errs.Error(), filepath.Dir(errs[0].File), ""), "hunter2") {
				t.Errorf("the password shows:\n%v", errs)
			}
		})
	}
	for _, fine := range []string{
		"database: 'postgres://u@db/rollcall?sslmode=verify-full'\ndatabase_password: {env: PG}\ndatabase_readers: [lms]",
		"database: 'sqlite:/var/lib/x.db'",
		"mail: {server: 'smtps://mail:465', from: 'Rollcall <a@b.example>', user: u, password: {env: P}}",
		"accounts: {standardise: off, auth: [shibboleth]}",
		"authority: {email: [x, y], '*': [y]}",
		"language: en\nmode: live",
	} {
		if _, errs := load(site(t, fine+"\n", "x.yaml", small, "y.yaml", small), now, nil); len(errs) > 0 {
			t.Errorf("%s\n%v", fine, errs)
		}
	}
}

func TestAFieldThatTheMapNeverFillsIsAWarning(t *testing.T) {
	const mapped = small + "map: {employee_id: ID, username: Login, first_name: First, last_name: Last, email: Mail}\n"
	if errs := profileErrors(t, mapped); len(errs) > 0 {
		t.Errorf("errors:\n%v", errs)
	}
	if errs := profileErrors(t, small); len(errs) > 0 {
		t.Errorf("without a map:\n%v", errs)
	}
	only(t, profileErrors(t, small+"map: {employee_id: ID, username: Login, email: {const: a@example.org}}\n"), "3:1 warning C212", "map does not fill first_name, last_name")
	only(t, profileErrors(t, mapped+"required: [username, department]\n"), "4:1 warning C212", "map does not fill department")
	only(t, profileErrors(t, mapped+"match: {witness: [last_name, city]}\n"), "4:30 warning C212", "match.witness names city")
	if errs := profileErrors(t, small+"map: {employee_id: ID, username: Login}\npolicy: {upload: update}\n"); len(errs) > 0 {
		t.Errorf("where nobody is added:\n%v", errs)
	}
}

func TestTheKeyIsInTheMap(t *testing.T) {
	errs := profileErrors(t, small+"match: {key: email}\nmap: {employee_id: ID, username: Login}\nrequired: []\n")
	if len(errs) != 1 || errs[0].Line != 4 || !strings.Contains(errs[0].Text, "match.key") {
		t.Errorf("errors = %v, want one about match.key", errs)
	}
}

func TestAReportThatNobodyCarriesIsAWarning(t *testing.T) {
	_, errs := load(site(t, "", "x.yaml", small+"report: {to: [a@example.org]}\n"), now, nil)
	only(t, errs, "3:10 warning C307", "no mail.server")
}

func TestAClockThatChangesIsAWarning(t *testing.T) {
	for _, tt := range []struct{ schedule, zone, want string }{
		{"30 2 * * *", "Europe/Warsaw", "02:30 does not exist on 2027-03-28 and happens twice on 2027-10-31 in Europe/Warsaw"},
		{"0 2,5 * * *", "Europe/Warsaw", "02:00 does not exist on 2027-03-28 and happens twice on 2027-10-31 in Europe/Warsaw"},
		{"15 2 * * 0", "Europe/Warsaw", "02:15 does not exist on 2027-03-28 and happens twice on 2027-10-31 in Europe/Warsaw"},
		{"30 1 * * *", "America/New_York", "01:30 happens twice on 2027-11-07 in America/New_York"},
		{"30 2 * * *", "America/New_York", "02:30 does not exist on 2027-03-14 in America/New_York"},
		{"30 1 * * *", "Europe/London", "01:30 does not exist on 2027-03-28 and happens twice on 2027-10-31 in Europe/London"},
		{"@daily", "Asia/Beirut", "00:00 does not exist on 2027-03-28 in Asia/Beirut"},
		{"45 1 * * *", "Australia/Lord_Howe", "01:45 happens twice on 2027-04-04 in Australia/Lord_Howe"},
		{"59 1 * * *", "Europe/Warsaw", ""},
		{"0 3 * * *", "Europe/Warsaw", ""},
		{"30 2 * * 1", "Europe/Warsaw", ""},                        // clocks change on Sundays
		{"30 2 1 6 *", "Europe/Warsaw", ""},                        // and not in June
		{"*/15 * * * *", "Europe/Warsaw", ""},                      // comes around
		{"0 */2 * * *", "Europe/Warsaw", ""},                       // comes around
		{"30 2 * * *", "UTC", ""},                                  // never changes
		{"30 2 * * *", "Asia/Tokyo", ""},                           // does not any more
		{"every 15m", "Europe/Warsaw", ""},                         // asks no clock
		{"@daily", "Europe/Warsaw", ""},                            // midnight is there every day
		{"30 5 * * *", "Europe/Warsaw", ""},                        // as in the contract
		{"0 1-3 * * *", "Europe/Warsaw", ""},                       // several hours, one is lost
		{"30 2 29 2 *", "Europe/Warsaw", ""},                       // not within the year
		{"30 2 * * *", "Africa/Casablanca", "02:30 happens twice"}, // Ramadan
	} {
		t.Run(tt.schedule+" "+tt.zone, func(t *testing.T) {
			zone, err := time.LoadLocation(tt.zone)
			if err != nil {
				t.Fatal(err)
			}
			var s Schedule
			if err := s.UnmarshalText([]byte(tt.schedule)); err != nil {
				t.Fatal(err)
			}
			got, _ := clockTrouble(s, zone, now)
			if got != tt.want && (tt.want == "" || !strings.HasPrefix(got, tt.want)) {
				t.Errorf("trouble = %q, want %q", got, tt.want)
			}
		})
	}
}

// Every key that is not built is refused by its name, at its place, once, and
// whatever stands under it.
func TestEveryKeyThatIsNotBuiltIsRefusedByName(t *testing.T) {
	for _, k := range notBuiltKeys {
		path := strings.ReplaceAll(strings.ReplaceAll(k.path, "map.*", "map.email"), "*", "birth_date")
		keys := strings.Split(path, ".")
		if i := slices.Index(keys, "fields"); i >= 0 {
			keys = append(keys[:i], strings.Join(keys[i:], "."))
		}
		for _, value := range []string{"x", "{a: {b: c}}", "[1, 2]", ""} {
			text, want := "", ""
			for i, key := range keys {
				text += strings.Repeat("  ", i) + key + ":"
				want = fmt.Sprintf("%d:%d", i+1, 2*i+1)
				if i < len(keys)-1 {
					text += "\n"
				}
			}
			text += " " + value + "\n"
			t.Run(strings.ReplaceAll(text, "\n", " "), func(t *testing.T) {
				path := site(t, text)
				if !isSiteKey(keys[0]) {
					path = site(t, "", "x.yaml", text)
				}
				_, errs := load(path, now, nil)
				var got []string
				for _, e := range errs {
					if e.Code == codeUnknown || e.Code == codeType {
						t.Errorf("%v", e)
					}
					if e.Code == codeNotBuilt {
						got = append(got, fmt.Sprintf("%d:%d %s", e.Line, e.Col, e.Text))
					}
				}
				if want := []string{want + " " + strings.Join(keys, ".") + " is not built yet"}; !slices.Equal(got, want) {
					t.Errorf("got %v, want %v", got, want)
				}
			})
		}
	}
}

func isSiteKey(key string) bool {
	return slices.Contains([]string{"targets", "web", "retention", "catalog", "accounts", "authority"}, key)
}

func TestAValueThatIsNotBuiltIsRefusedByName(t *testing.T) {
	for text, want := range map[string]string{
		"source: {type: https, url: x}":       "1:16 source.type: https is not built yet",
		"format: {type: json, content: full}": "1:16 format.type: json is not built yet",
		"required: [cohorts]":                 "1:12 required[0]: cohorts is not built yet",
	} {
		t.Run(text, func(t *testing.T) {
			_, errs := load(site(t, "", "x.yaml", text+"\n"), now, nil)
			var got []string
			for _, e := range errs {
				if e.Code == codeNotBuilt && !strings.HasPrefix(e.Text, "source.url") {
					got = append(got, fmt.Sprintf("%d:%d %s", e.Line, e.Col, e.Text))
				}
			}
			if !slices.Equal(got, []string{want}) {
				t.Errorf("got %v, want %q\n%v", got, want, errs)
			}
		})
	}
}

func TestAllCodesAreExplained(t *testing.T) {
	for code, c := range Codes {
		if c.Text == "" || c.Help == "" || strings.HasSuffix(c.Text, ".") || !strings.HasSuffix(c.Help, ".") {
			t.Errorf("%s = %+v, want a text without a full stop and a help with one", code, c)
		}
	}
	for _, name := range []string{"testdata/broken", "testdata/contract"} {
		_, errs := load(filepath.Join(name, "rollcall.yaml"), now, nil)
		for _, e := range errs {
			if _, ok := Codes[e.Code]; !ok {
				t.Errorf("code %q of %v is not explained", e.Code, e)
			}
		}
	}
}

func TestErrorsAreCounted(t *testing.T) {
	es := Errors{{Severity: roster.SeverityError}, {Severity: roster.SeverityWarning}}
	if got, want := es.Summary(3), "1 error, 1 warning in 3 profiles"; got != want {
		t.Errorf("summary = %q, want %q", got, want)
	}
	if !es.Failed() || es[1:].Failed() {
		t.Error("an error fails, a warning alone does not")
	}
}

// The parser knows Sunday as 0 alone; cron, and whoever writes a schedule, as 7 too.
func TestTheWeekOfAScheduleMayEndWithSunday(t *testing.T) {
	t.Parallel()
	saturday := time.Date(2026, 11, 28, 12, 0, 0, 0, time.UTC)
	for _, tt := range []struct{ days, want string }{
		{"7", "Sun Sun"},
		{"0", "Sun Sun"},
		{"sun", "Sun Sun"},
		{"SUN", "Sun Sun"},
		{"5-7", "Sun Fri Sat Sun"},
		{"fri-sun", "Sun Fri Sat Sun"},
		{"Fri-Sun", "Sun Fri Sat Sun"},
		{"5-7/2", "Sun Fri Sun"},
		{"1,7", "Sun Mon Sun"},
		{"3,6-7", "Sun Wed Sat Sun"},
		{"7-7", "Sun Sun"},
		{"0-7", "Sun Mon Tue Wed Thu Fri Sat Sun"},
		{"mon-fri", "Mon Tue Wed Thu Fri Mon"},
		{"1-5", "Mon Tue Wed Thu Fri Mon"},
		{"0-2", "Sun Mon Tue Sun"},
		{"sun-tue", "Sun Mon Tue Sun"},
		{"*/3", "Sun Wed Sat Sun"},
	} {
		var s Schedule
		if err := s.UnmarshalText([]byte("30 5 * * " + tt.days)); err != nil {
			t.Errorf("%s: %v", tt.days, err)
			continue
		}
		every, err := cron.ParseStandard(s.Cron)
		if err != nil {
			t.Errorf("%s: %v", tt.days, err)
			continue
		}
		var got []string
		at := saturday
		for range strings.Fields(tt.want) {
			at = every.Next(at)
			got = append(got, at.Format("Mon"))
		}
		if text := strings.Join(got, " "); text != tt.want || at.Format("15:04") != "05:30" {
			t.Errorf("%s: it comes on %s at %s, want %s", tt.days, text, at.Format("15:04"), tt.want)
		}
		if s.Text != "30 5 * * "+tt.days {
			t.Errorf("%s is shown as %q", tt.days, s.Text)
		}
	}
	for _, days := range []string{"8", "5-8", "7-1", "5-0", "7/2", "fri-mon", "sunday", "7-", "-7"} {
		var s Schedule
		if err := s.UnmarshalText([]byte("30 5 * * " + days)); err == nil {
			t.Errorf("%s is taken for %q", days, s.Cron)
		}
	}
}

func TestR40TheKeyIsAFieldThatNoTwoPeopleShare(t *testing.T) {
	const mapped = small + "map: {employee_id: ID, username: Login, email: Mail, city: Town}\nrequired: []\n"
	only(t, profileErrors(t, mapped+"match: {key: city}\n"), "5:14 error C110", "several people may have the same city")
	for _, key := range []string{"employee_id", "username", "email", "fields.badge"} {
		text := strings.Replace(mapped, "city: Town", "fields.badge: Badge", 1)
		if errs := profileErrors(t, text+"match: {key: "+key+"}\n"); len(errs) > 0 {
			t.Errorf("match.key: %s: %v", key, errs)
		}
	}
}
