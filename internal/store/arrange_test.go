package store

import (
	"io"
	"math/rand/v2"
	"os"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"rollcall/internal/plan"
	"rollcall/internal/roster"
)

var plannedChanges = cmp.AllowUnexported(planned{}, place{})

func TestR1R4APlanIsInOrderInMemoryAndInFiles(t *testing.T) {
	dir := t.TempDir()
	rapid.Check(t, func(t *rapid.T) {
		want := rapid.SliceOf(rapid.Custom(func(t *rapid.T) planned {
			text := rapid.StringN(0, 3, -1)
			return planned{
				place: place{phase: rapid.IntRange(0, 4).Draw(t, "phase"), subject: rapid.Uint64Range(0, 3).Draw(t, "subject"), key: text.Draw(t, "key"), username: text.Draw(t, "username")},
				line:  rapid.Int64Range(0, 1<<40).Draw(t, "line"), version: rapid.Int64Range(0, 9).Draw(t, "version"), action: text.Draw(t, "action"), reason: text.Draw(t, "reason"),
				absent: rapid.Bool().Draw(t, "absent"), byDate: rapid.Bool().Draw(t, "by date"), fields: text.Draw(t, "fields"), links: text.Draw(t, "links"), gives: text.Draw(t, "gives"), takes: text.Draw(t, "takes"), grants: text.Draw(t, "grants"),
			}
		})).Draw(t, "changes")
		if rapid.Bool().Draw(t, "in order already") {
			slices.SortStableFunc(want, func(p, q planned) int { return p.compare(&q.place) })
		}
		a := arranger{dir: dir, most: rapid.SampledFrom([]int{1, 500, 3000, inMemory}).Draw(t, "in memory")}
		for i, c := range want {
			if err := a.add(c); err != nil {
				t.Fatal(err)
			}
			want[i].came = int64(i + 1)
		}
		next, err := a.all()
		if err != nil {
			t.Fatal(err)
		}
		var got []planned
		for c, err := next(); err != io.EOF; c, err = next() {
			if err != nil {
				t.Fatal(err)
			}
			got = append(got, *c)
		}
		slices.SortFunc(want, func(p, q planned) int { return p.compare(&q.place) })
		if diff := cmp.Diff(want, slices.Clip(got), plannedChanges, cmp.Transformer("none", func(all []planned) []planned {
			if len(all) == 0 {
				return nil
			}
			return all
		})); diff != "" {
			t.Fatalf("-want +got\n%s", diff)
		}
		if err := a.close(); err != nil {
			t.Fatal(err)
		}
	})
	if left, err := os.ReadDir(dir); err != nil || len(left) > 0 {
		t.Errorf("%d files are left, %v", len(left), err)
	}
}

func TestR4EachChangeIsTheSameWhereverItCame(t *testing.T) {
	both(t, func(t *testing.T, db *DB) {
		s := story{t, db}
		w := db.Writer(t.Context(), s.plan("hr").Number).(*writer)
		w.changes.most = 1000 // a file of many stretches
		keys := []string{"d", "b", "a", "c", "f", "e", "h", "g"}
		rand.Shuffle(len(keys), func(i, j int) { keys[i], keys[j] = keys[j], keys[i] })
		for _, k := range keys {
			if err := w.Change(add("hr", k)); err != nil {
				t.Fatal(err)
			}
		}
		if _, err := w.Seal(t.Context()); err != nil {
			t.Fatal(err)
		}
		n := uint64(0)
		for o, err := range db.Changes(t.Context(), w.run) {
			if err != nil {
				t.Fatal(err)
			}
			n++
			if came := uint64(slices.Index(keys, o.Username) + 1); w.Place(came) != n {
				t.Errorf("%s came as number %d, lies at %d, and is said to lie at %d", o.Key, came, n, w.Place(came))
			}
		}
		if n != uint64(len(keys)) {
			t.Errorf("there are %d changes, not %d", n, len(keys))
		}
	})
}

func TestTheFieldsOfANewAccountAreReadAsTheyWereWritten(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.OneOf(rapid.String(), rapid.SampledFrom([]string{"", "+", "a\nb", "\x1e", "\x1f", "x\x1fa"}))
		var fields []plan.FieldChange
		for f := range roster.NumFields {
			if rapid.Bool().Draw(t, "is there") {
				fields = append(fields, plan.FieldChange{Field: f, Name: f.String(), New: text.Draw(t, "new"), Is: roster.Origin(rapid.SampledFrom([]string{"", "hr", "default", "\x1e"}).Draw(t, "is"))})
			}
		}
		stored, short := newText(fields)
		hard := slices.ContainsFunc(fields, func(f plan.FieldChange) bool { return signed(f.New) || signed(string(f.Is)) })
		if short == (hard || len(fields) == 0) {
			t.Fatalf("%+v has the short form: %t", fields, short)
		}
		if !short {
			return
		}
		if back, err := readFields(stored); err != nil || !cmp.Equal(back, fields) {
			t.Fatalf("%q is read as %+v, %v", stored, back, err)
		}
	})
}

func TestWhatWasOnceStoredOfANewAccountIsReadForEver(t *testing.T) {
	const stored = "+\x1ehr-csv\x1faE1\x1fbada\x1fca@b.c\x1fdAda\x1feL\x1ff2026-01-01\x1fg2027-01-01\x1fhmanual\x1fien\x1fjUTC\x1fkS\x1flT\x1fmI\x1fnD\x1foJ\x1fpM" +
		"\x1fqC\x1frGB\x1fsA\x1ft1\x1fu2\x1fvU\x1fwW\x1fxX\x1fyY\x1e\x1fzactive\x1fAfeed\x1fBhr-csv\x1fCnow\x1fDs\x1fEe\x1fFf\x1fGd"
	fields, err := readFields(stored)
	if err != nil {
		t.Fatal(err)
	}
	names := ""
	for _, f := range fields {
		names += f.Name + "=" + f.New + " "
		if want := map[bool]roster.Origin{true: "hr-csv"}[f.Field < roster.NumFeedFields]; f.Is != want {
			t.Errorf("the origin of %s is %q, not %q", f.Name, f.Is, want)
		}
	}
	if want := "employee_id=E1 username=ada email=a@b.c first_name=Ada last_name=L starts_on=2026-01-01 expires_on=2027-01-01 auth=manual language=en timezone=UTC site=S theme=T " +
		"institution=I department=D title=J manager=M city=C country=GB address=A phone1=1 phone2=2 url=U description=W avatar_url=X last_login_at=Y status=active status_reason=feed " +
		"status_by=hr-csv status_since=now starts_at=s expires_at=e fallback_owner=f deleted_at=d "; names != want {
		t.Errorf("got  %s\nwant %s", names, want)
	}
	seen := map[byte]bool{}
	for f, letter := range letters {
		if letter == 0 || seen[letter] {
			t.Errorf("%s has no letter of its own", roster.Field(f))
		}
		seen[letter] = true
	}
	for _, bad := range []string{"+x", "+\x1f", "+\x1f?x", "+\x1ehr\x1f\x01"} {
		if fields, err := readFields(bad); err == nil {
			t.Errorf("%q is read as %+v", bad, fields)
		}
	}
}
