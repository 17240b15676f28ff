package report_test

import (
	"strings"
	"testing"
	"unicode/utf8"

	"rollcall/internal/guard"
	"rollcall/internal/journal"
	"rollcall/internal/notify"
	"rollcall/internal/plan"
	"rollcall/internal/report"
)

func mail(t *testing.T, s *story, change ...func(*report.MailOptions)) notify.Message {
	t.Helper()
	o := report.MailOptions{
		Options: report.Options{Zone: warsaw, Beside: report.Beside{Last: yesterday().doc(t)}},
		To:      []string{"hr-it@example.org"}, Owner: "hr-it@example.org", Site: "example.org", Version: "1.0", Host: "rc1",
	}
	for _, c := range change {
		c(&o)
	}
	return report.Mail(s.doc(t), o)
}

func TestASubjectSaysStatusProfileAndTheMainFact(t *testing.T) {
	tripped := func(name string, value, limit int) *story {
		return with(func(r *journal.Run) {
			r.Findings = []guard.Finding{{Name: "max_adds"}, {Name: name, Value: value, Limit: limit, Tripped: true}}
		})
	}
	ended := func(status journal.Status) *story { return with(func(r *journal.Run) { r.Status = status }) }
	for _, tt := range []struct {
		*story
		want string
	}{
		{clean(), "[rollcall] OK hr-csv: 7 added, 30 updated, 2 suspended, 1 renamed …"},
		{with(func(r *journal.Run) { r.Facts = plan.Facts{} }), "[rollcall] OK hr-csv: nothing had changed"},
		{dirty(), "[rollcall] WARN hr-csv: 12 rows rejected, 22 accounts changed"},
		{with(func(r *journal.Run) { r.Facts = plan.Facts{Warnings: 1, Rows: plan.Rows{Added: 1}} }), "[rollcall] WARN hr-csv: 1 warning, 1 account changed"},
		{held(), "[rollcall] HELD hr-csv: 612 people would be suspended (limit 240)"},
		{tripped("everybody", 600, 500), "[rollcall] HELD hr-csv: 600 people would be suspended (limit 500)"},
		{tripped("max_adds", 600, 500), "[rollcall] HELD hr-csv: 600 accounts would be added (limit 500)"},
		{tripped("max_renames", 6, 5), "[rollcall] HELD hr-csv: 6 accounts would be renamed (limit 5)"},
		{tripped("max_field_change", 3000, 500), "[rollcall] HELD hr-csv: one field would change for 3,000 people (limit 500)"},
		{tripped("max_rejected", 11, 10), "[rollcall] HELD hr-csv: 11 rows newly rejected (limit 10)"},
		{tripped("min_rows", 10, 3850), "[rollcall] HELD hr-csv: only 10 rows (least 3,850)"},
		{tripped("max_rows", 9999, 3850), "[rollcall] HELD hr-csv: 9,999 rows (limit 3,850)"},
		{tripped("canaries", 1, 0), "[rollcall] HELD hr-csv: 1 named key missing from the file"},
		{tripped("first_run", 1, 0), "[rollcall] HELD hr-csv: somebody should look at this plan once"},
		{failed(), "[rollcall] FAILED hr-csv: the server's host key is not the pinned one"},
		{with(func(r *journal.Run) { r.Error = `apply: rename of key "104417": no space left on device` }), "[rollcall] FAILED hr-csv: the run failed"},
		{ended(journal.Interrupted), "[rollcall] FAILED hr-csv: the run was interrupted"},
		{ended(journal.Missing), "[rollcall] MISSING hr-csv: no new file came in time"},
		{ended(journal.Rejected), "[rollcall] REJECTED hr-csv: the held plan was rejected"},
		{ended(journal.Superseded), "[rollcall] SUPERSEDED hr-csv: the held plan has expired"},
		{with(func(r *journal.Run) {
			r.Kind, r.Profile, r.Facts = journal.Sweep, "", plan.Facts{ByDate: plan.ByDate{Started: 1, Expired: 2}}
		}), "[rollcall] OK sweep: 1 started, 2 expired"},
	} {
		if got := mail(t, tt.story).Subject; got != tt.want {
			t.Errorf("subject = %q, want %q", got, tt.want)
		}
	}
}

func TestASubjectIsShort(t *testing.T) {
	s := clean()
	s.run.Profile = strings.Repeat("p", 40)
	s.run.Facts.Rows.Deleted = 17
	got := mail(t, s).Subject
	if n := utf8.RuneCountInString(got); n > 78 || !strings.HasSuffix(got, "…") {
		t.Errorf("subject = %q with %d characters, want at most 78 and a mark of the cut", got, n)
	}
}

func TestTheMessageIDIsStableAndTellsMailsApart(t *testing.T) {
	to := func(addresses ...string) func(*report.MailOptions) {
		return func(o *report.MailOptions) { o.To = addresses }
	}
	first := mail(t, clean(), to("a@example.org", "b@example.org")).ID
	if again := mail(t, clean(), to("b@example.org", "a@example.org")).ID; again != first {
		t.Errorf("id = %q, then %q, want the same for the same people", first, again)
	}
	for what, other := range map[string]string{
		"to other people":                          mail(t, clean(), to("a@example.org")).ID,
		"of another status":                        mail(t, dirty(), to("a@example.org", "b@example.org")).ID,
		"of another database's run of that number": mail(t, with(func(r *journal.Run) { r.ID = "0193a5f2-6c1e-7b30-9a44-2f6c0d7e5fff" }), to("a@example.org", "b@example.org")).ID,
	} {
		if other == first {
			t.Errorf("the id of a mail %s is %q too", what, first)
		}
	}
}

func TestOnlyWhatNeedsAPersonIsUrgent(t *testing.T) {
	for _, tt := range []struct {
		*story
		want bool
	}{{clean(), false}, {dirty(), false}, {held(), true}, {failed(), true}} {
		if got := mail(t, tt.story).High; got != tt.want {
			t.Errorf("%s: high = %t, want %t", tt.run.Status, got, tt.want)
		}
	}
}

func TestAMailHoldsIDsAndNoOtherPersonalData(t *testing.T) {
	for _, s := range []*story{clean(), dirty(), held()} {
		m := mail(t, s)
		for _, value := range []string{"Ward 3", "k.kowalska", "Kowalska", "zielińska", "m.żak", "u100001"} {
			if strings.Contains(m.Subject+m.Text, value) {
				t.Errorf("run %d: the mail shows %q", s.run.Number, value)
			}
		}
	}
}
