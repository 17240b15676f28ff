package plan

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"rollcall/internal/roster"
)

// ada is somebody at the keyboard.
var ada = Person{Who: "person:ada", Reason: "asked by phone", At: roster.Stamp(noon), Protect: root}

func wishing(values map[roster.Field]string) (w Wants) {
	for f, v := range values {
		w.Say(f, v)
	}
	return w
}

// edit does to an account of m what a person wants.
func (m *memory) edit(t *testing.T, key string, w Wants) (Change, error) {
	t.Helper()
	a := m.account(key)
	found, err := m.Find(context.Background(), w.Query(a, noon))
	if err != nil {
		t.Fatal(err)
	}
	c, err := ada.Edit(a, w, found)
	if err == nil {
		m.apply(Plan{Changes: []Change{c}})
	}
	return c, err
}

func TestR51APersonsEditWinsUnderUntilEditedUntilItIsReleased(t *testing.T) {
	o, m := staff(), directory("1")
	o.Set[roster.City] = roster.SetUntilEdited
	ulm := row(2, "1", "u1", says(roster.City, "Ulm"))
	if p, _ := planned(t, o, m, ulm); !slices.Equal(p.told(), []string{"update 1 city=Ulm"}) {
		t.Fatalf("before anybody edits it the feed does not write the field: %v", p.told())
	}
	if _, err := m.edit(t, "1", wishing(map[roster.Field]string{roster.City: "Bern"})); err != nil {
		t.Fatal(err)
	}
	if p, _ := planned(t, o, m, ulm); len(p.told()) > 0 {
		t.Errorf("a person's edit was overwritten: %v", p.told())
	}
	always := o
	always.Set[roster.City] = roster.SetAlways
	if p, _ := planned(t, always, m, ulm); len(p.told()) != 1 { // the control, and R54
		t.Errorf("with set: always a feed does not overwrite a person's edit: %v", p.told())
	}
	if _, err := m.edit(t, "1", wishing(map[roster.Field]string{roster.City: ""})); err != nil {
		t.Fatal(err)
	}
	if p, _ := planned(t, o, m, ulm); len(p.told()) > 0 {
		t.Errorf("what a person emptied was filled: %v", p.told())
	}
	c, err := ada.Release(m.account("1"), nil)
	if err != nil {
		t.Fatal(err)
	}
	m.apply(Plan{Changes: []Change{c}})
	if p, _ := planned(t, o, m, ulm); !slices.Equal(p.told(), []string{"update 1 city=Ulm"}) {
		t.Errorf("after the release the feed does not write the field: %v", p.told())
	}
	if _, err := ada.Release(m.account("1"), nil); !errors.Is(err, ErrNothing) {
		t.Errorf("released twice: %v", err)
	}
	back, _ := Opposite(c, m.account("1"))
	m.apply(Plan{Changes: []Change{*back}})
	if p, _ := planned(t, o, m, ulm); len(p.told()) > 0 {
		t.Errorf("R103: the release was taken back, and the feed writes all the same: %v", p.told())
	}
}

func TestR51AUsernameThatAPersonWroteIsNoFeedsUntilReleased(t *testing.T) {
	o, m := staff(), directory("1")
	o.Set[roster.Username] = roster.SetUntilEdited
	if c, err := m.edit(t, "1", wishing(map[roster.Field]string{roster.Username: "ada"})); err != nil || c.Action != Rename {
		t.Fatalf("%+v, %v", c, err)
	}
	if p, _ := planned(t, o, m, row(2, "1", "u1")); len(p.told()) > 0 {
		t.Errorf("renamed: %v", p.told())
	}
	o.Set[roster.Username] = roster.SetAlways
	if p, _ := planned(t, o, m, row(2, "1", "u1")); !slices.Equal(p.told(), []string{"rename 1 username=u1"}) {
		t.Errorf("the control: %v", p.told())
	}
}

func TestAPersonsEditIsRefusedAsAFeedsWouldBeR22R33R64(t *testing.T) {
	held := func(m *memory) { m.holds = append(m.holds, Hold{Name: "old", Account: 2}) }
	tests := []struct {
		name string
		with func(*memory)
		w    map[roster.Field]string
		want string // in the error; "" where it is done
	}{
		{"a free name", nil, map[roster.Field]string{roster.Username: "new"}, ""},
		{"R33 another's name", nil, map[roster.Field]string{roster.Username: "U2"}, "E303"},
		{"R33 a name that is held for another", held, map[roster.Field]string{roster.Username: "old"}, "E303"},
		{"R33 its own former name", func(m *memory) { held(m); m.holds[0].Account = 1 }, map[roster.Field]string{roster.Username: "old"}, ""},
		{"no name at all", nil, map[roster.Field]string{roster.Username: ""}, "never left without"},
		{"R64 the name of a protected account", func(m *memory) { m.account("1").Values[roster.Username] = "root" }, map[roster.Field]string{roster.Username: "new"}, "E304"},
		{"R64 another field of a protected account", func(m *memory) { m.account("1").Values[roster.Username] = "root" }, map[roster.Field]string{roster.City: "Ulm"}, ""},
		{"R64 a last day that is over, of a protected account", func(m *memory) { m.account("1").Values[roster.Username] = "root" }, map[roster.Field]string{roster.ExpiresOn: "2026-08-31"}, "E304"},
		{"R22 another's address", nil, map[roster.Field]string{roster.Email: "P2@example.org"}, "E130"},
		{"R22 the address of somebody deleted", func(m *memory) { deleted3(nil, m) }, map[roster.Field]string{roster.Email: "p3@example.org"}, ""},
		{"R41 another's employee ID", nil, map[roster.Field]string{roster.EmployeeID: "2"}, "E301"},
		{"R52 what it is already", nil, map[roster.Field]string{roster.Username: "U1"}, "nothing to do"},
		{"R63 a deleted account", func(m *memory) { m.account("1").Values[roster.StatusField] = string(roster.Deleted) }, map[roster.Field]string{roster.City: "Ulm"}, "deleted"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			m := directory("1", "2", "3")
			if tt.with != nil {
				tt.with(m)
			}
			_, err := m.edit(t, "1", wishing(tt.w))
			if tt.want == "" && err != nil || tt.want != "" && (err == nil || !strings.Contains(err.Error(), tt.want)) {
				t.Errorf("error %v, want %q", err, tt.want)
			}
		})
	}
}

func TestR71ADateThatAPersonMovesSuspendsAndLifts(t *testing.T) {
	m := directory("1")
	for _, step := range []struct {
		last string
		want Action
		is   roster.Status
	}{
		{"2026-09-01", Update, roster.Active}, // a day of work (R70)
		{"2026-08-31", Suspend, roster.Suspended},
		{"2026-08-30", Update, roster.Suspended},
		{"", Reactivate, roster.Active},
	} {
		c, err := m.edit(t, "1", wishing(map[roster.Field]string{roster.ExpiresOn: step.last}))
		if err != nil || c.Action != step.want || m.account("1").Status() != step.is {
			t.Errorf("last day %q: %s, %v, account %s; want %s, %s", step.last, c.Action, err, m.account("1").Status(), step.want, step.is)
		}
	}
	m.account("1").Values[roster.StatusField], m.account("1").Values[roster.StatusBy] = string(roster.Suspended), "hr"
	if c, err := m.edit(t, "1", wishing(map[roster.Field]string{roster.ExpiresOn: "2027-01-01"})); err != nil || c.Action != Update {
		t.Errorf("R61: a date lifts what a feed had suspended: %s, %v", c.Action, err)
	}
}

func TestR43APersonAddsAnAccount(t *testing.T) {
	m := directory("1")
	whole := map[roster.Field]string{roster.Username: "kim", roster.FirstName: "Kim", roster.LastName: "Król", roster.Email: "kim@example.org", roster.EmployeeID: "9"}
	create := func(w Wants) (Change, error) {
		found, _ := m.Find(context.Background(), w.Query(nil, noon))
		return ada.Create(w, found)
	}
	c, err := create(wishing(whole))
	if err != nil || c.Action != Add || c.Key != "9" || len(c.Links) > 0 || c.Field(roster.City) != nil {
		t.Fatalf("%+v, %v", c, err)
	}
	for _, f := range c.Fields {
		if f.Field < roster.NumFeedFields && f.Is != "person:ada" {
			t.Errorf("%s is written by %q", f.Name, f.Is)
		}
	}
	if _, err := create(wishing(map[roster.Field]string{roster.Username: "kim"})); err == nil || !strings.Contains(err.Error(), "E120: a new account needs first_name, last_name, email") {
		t.Errorf("required fields: %v", err)
	}
	for f, taken := range map[roster.Field]string{roster.Username: "u1", roster.Email: "p1@example.org", roster.EmployeeID: "1"} {
		w := wishing(whole)
		w.Say(f, taken)
		if _, err := create(w); err == nil {
			t.Errorf("a %s that is another's was given to a new account", f)
		}
	}
	w := wishing(whole)
	w.Say(roster.StartsOn, "2026-10-01")
	if c, err := create(w); err != nil || c.Field(roster.StatusField).New != string(roster.Suspended) || c.Field(roster.StatusReason).New != string(roster.NotStarted) {
		t.Errorf("R72 who starts later is not suspended until then: %+v, %v", c, err)
	}
	m.apply(Plan{Changes: []Change{c}})
	p, _ := plannedAt(t, staff(), m, noon.Add(time.Hour), row(2, "1", "u1"), row(3, "9", "kim"))
	if len(p.Changes) != 1 || p.Changes[0].Action != Update || len(p.Changes[0].Links) != 1 {
		t.Errorf("R40 a feed that lists the key does not take the account over: %v", p.told())
	}
}

func (m *memory) remove(t *testing.T, key, owner string) error {
	t.Helper()
	found, _ := m.Find(context.Background(), Query{Usernames: []string{roster.Fold(owner)}, Now: noon})
	c, err := ada.Delete(m.account(key), owner, found)
	if err == nil {
		m.apply(Plan{Changes: []Change{c}})
	}
	return err
}

func (m *memory) restore(t *testing.T, key string, w Wants) (Change, error) {
	t.Helper()
	found, _ := m.Find(context.Background(), w.Query(m.account(key), noon))
	c, err := ada.Restore(m.account(key), nil, w, found)
	if err == nil {
		m.apply(Plan{Changes: []Change{c}})
	}
	return c, err
}

func TestR63APersonDeletesAndRestores(t *testing.T) {
	for _, tt := range []struct {
		name, key, owner, want string
		with                   func(*memory)
	}{
		{"nobody inherits", "1", "", "", nil},
		{"somebody inherits", "1", "U2", "", nil},
		{"R63 somebody suspended inherits nothing", "1", "u3", "E209", func(m *memory) { suspended3(nil, m) }},
		{"R63 nobody is their own heir", "1", "u1", "E209", nil},
		{"R63 an heir that there is not", "1", "nobody", "E209", nil},
		{"R64 a protected account", "1", "", "E304", func(m *memory) { m.account("1").Values[roster.Username] = "root" }},
		{"R63 a legal hold", "1", "", "E304", func(m *memory) { m.account("1").Values[roster.LegalHold] = roster.Stamp(noon) }},
		{"R66 one that is deleted already", "3", "", "nothing to do", func(m *memory) { deleted3(nil, m) }},
	} {
		t.Run(tt.name, func(t *testing.T) {
			m := directory("1", "2", "3")
			if tt.with != nil {
				tt.with(m)
			}
			err := m.remove(t, tt.key, tt.owner)
			if tt.want != "" {
				if err == nil || !strings.Contains(err.Error(), tt.want) {
					t.Errorf("error %v, want %q", err, tt.want)
				}
				return
			}
			a := m.account(tt.key)
			if err != nil || a.Status() != roster.Deleted || a.Values[roster.DeletedAt] != roster.Stamp(noon) || a.Values[roster.FallbackOwner] != tt.owner {
				t.Fatalf("%v, %+v", err, a)
			}
			c, err := m.restore(t, tt.key, Wants{})
			a = m.account(tt.key)
			if err != nil || c.Action != Reactivate || a.Status() != roster.Active || a.Values[roster.DeletedAt]+a.Values[roster.FallbackOwner] != "" {
				t.Errorf("restored: %v, %+v", err, a)
			}
		})
	}
}

// TestR61WhoWasSuspendedIsRestoredSuspended: a deletion that is taken back gives no
// access to whom somebody had taken it from.
func TestR61WhoWasSuspendedIsRestoredSuspended(t *testing.T) {
	past, coming := roster.Stamp(noon.AddDate(0, 0, -1)), roster.Stamp(noon.AddDate(0, 0, 1))
	for _, tt := range []struct {
		name, by, reason, ends string
		want                   roster.Status
		wantBy, wantReason     string
	}{
		{"by a person", "person:eve", string(roster.ByHand), "", roster.Suspended, "person:eve", string(roster.ByHand)},
		{"by a feed, as missing", "hr", string(roster.Missing), "", roster.Suspended, "hr", string(roster.Missing)},
		{"by a date that is over", string(roster.OriginDate), string(roster.Expired), past, roster.Suspended, string(roster.OriginDate), string(roster.Expired)},
		{"by a date that has moved meanwhile", string(roster.OriginDate), string(roster.Expired), coming, roster.Active, string(roster.OriginDate), ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			m := directory("1")
			v := &m.account("1").Values
			v[roster.StatusField], v[roster.StatusBy], v[roster.StatusReason], v[roster.StatusSince] = string(roster.Suspended), tt.by, tt.reason, past
			v[roster.ExpiresAt] = tt.ends
			gone, err := ada.Delete(m.account("1"), "", Found{})
			if err != nil {
				t.Fatal(err)
			}
			m.apply(Plan{Changes: []Change{gone}})
			c, err := ada.Restore(m.account("1"), &gone, Wants{}, Found{})
			if err != nil || c.Action != Reactivate {
				t.Fatalf("%q, %v", c.Action, err)
			}
			m.apply(Plan{Changes: []Change{c}})
			now := m.account("1").Values
			if now[roster.StatusField] != string(tt.want) || now[roster.StatusBy] != tt.wantBy || now[roster.StatusReason] != tt.wantReason {
				t.Errorf("%s %q by %q, want %s %q by %q", now[roster.StatusField], now[roster.StatusReason], now[roster.StatusBy], tt.want, tt.wantReason, tt.wantBy)
			}
			if now[roster.StatusSince] != roster.Stamp(noon) {
				t.Errorf("since %q: delete_after would count what lay before the restoring", now[roster.StatusSince])
			}
		})
	}
}

func TestR63WhoseNameIsAnothersIsRestoredUnderAFreeOne(t *testing.T) {
	m := directory("1", "2")
	if err := m.remove(t, "1", ""); err != nil {
		t.Fatal(err)
	}
	m.account("2").Values[roster.Username] = "u1"
	m.account("2").Values[roster.Email] = "p1@example.org"
	if _, err := m.restore(t, "1", Wants{}); !errors.Is(err, ErrTaken) || !strings.Contains(err.Error(), "E303") {
		t.Errorf("a taken name came back: %v", err)
	}
	if _, err := m.restore(t, "1", wishing(map[roster.Field]string{roster.Username: "u9"})); err == nil || !strings.Contains(err.Error(), "E130") {
		t.Errorf("a taken address came back: %v", err)
	}
	if _, err := m.restore(t, "1", wishing(map[roster.Field]string{roster.Username: "u9", roster.Email: "p9@example.org"})); err != nil {
		t.Error(err)
	}
	if _, err := m.restore(t, "2", Wants{}); err == nil {
		t.Error("who is not deleted was restored")
	}
}

func TestR71WhoseLastDayIsOverComesBackSuspended(t *testing.T) {
	m := directory("1")
	m.account("1").Values[roster.ExpiresOn], m.account("1").Values[roster.ExpiresAt] = "2026-08-31", "2026-09-01T00:00:00Z"
	if err := m.remove(t, "1", ""); err != nil {
		t.Fatal(err)
	}
	if _, err := m.restore(t, "1", Wants{}); err != nil || m.account("1").Values[roster.StatusReason] != string(roster.Expired) {
		t.Errorf("%v, %+v", err, m.account("1").Values)
	}
}

// held3 puts account 3 under a legal hold.
func held3(_ *Options, m *memory) {
	c, err := ada.Keep(m.account("3"), true)
	if err != nil {
		panic(err)
	}
	m.apply(Plan{Changes: []Change{c}})
}

func TestStoriesOfALegalHoldR63(t *testing.T) {
	deletes := func(o *Options, m *memory) { held3(o, m); o.Policy.Delete = true }
	control := func(o *Options, _ *memory) { o.Policy.Delete = true }
	two := []roster.Entry{row(2, "1", "u1"), row(3, "2", "u2")}
	gone := append(two[:2:2], row(4, "3", "u3", wishes(roster.WishDelete)))
	tell(t, []story{
		{"R63 deleted 1 suspends who is under a legal hold", deletes, gone, []string{"E304 line 4 warning", "suspend 3"}},
		{"R63 the control", control, gone, []string{"delete 3"}},
		{"R63 so does absence", func(o *Options, m *memory) { deletes(o, m); o.Policy.Missing = "delete" }, two, []string{"E304 line 0 note", "suspend 3"}},
		{"R63 delete_after passes over it", func(o *Options, m *memory) {
			suspended3(o, m)
			deletes(o, m)
			o.Policy.DeleteAfter = 24 * time.Hour
			m.account("3").Values[roster.StatusSince] = roster.Stamp(noon.Add(-48 * time.Hour))
		}, two, []string{"E304 line 0 note"}},
		{"R63 it is updated as before", held3, append(two[:2:2], row(4, "3", "u3", says(roster.City, "Ulm"))), []string{"update 3 city=Ulm"}},
	})
}

// imports makes the drop a file that ada imports by hand.
func imports(o *Options, _ *memory) {
	o.Profile, o.Person, o.Full = "import", "person:ada", false
	o.Policy.Delete, o.Policy.Missing = true, "keep"
	o.Match.Fallback.By = "username"
}

func TestStoriesOfAnImportByHandR61R102(t *testing.T) {
	with := func(more func(*Options, *memory)) func(*Options, *memory) {
		return func(o *Options, m *memory) { more(o, m); imports(o, m) }
	}
	three := []roster.Entry{row(2, "1", "u1"), row(3, "2", "u2"), row(4, "3", "u3")}
	tell(t, []story{
		{"what is so already is nothing, and links nobody", imports, three, nil},
		{"the control: a feed would take them over", func(o *Options, m *memory) { imports(o, m); o.Person = "" }, three, []string{"update 1", "update 2", "update 3"}},
		{"whom it does not list it does not mean", imports, three[:1], nil},
		{"a value", imports, []roster.Entry{row(2, "1", "u1", says(roster.City, "Ulm"))}, []string{"update 1 city=Ulm"}},
		{"R54 whoever wrote it before", with(func(_ *Options, m *memory) {
			m.account("1").Values[roster.City], m.account("1").Origins[roster.City] = "Bern", "hr"
		}), []roster.Entry{row(2, "1", "u1", says(roster.City, "Ulm"))}, []string{"update 1 city=Ulm"}},
		{"somebody new", imports, []roster.Entry{row(2, "9", "u9")}, []string{"add 9 u9"}},
		{"R61 who was suspended by a feed is activated", with(fed3), []roster.Entry{row(2, "3", "u3", wishes(roster.WishActive))}, []string{"reactivate 3"}},
		{"R61 whose date is over is not", with(expired3), []roster.Entry{row(2, "3", "u3", wishes(roster.WishActive))}, nil},
		{"who is suspended stays as he is", with(suspended3), []roster.Entry{row(2, "3", "u3", wishes(roster.WishSuspend))}, nil},
		{"R5 who is claimed by a feed is suspended all the same", imports, []roster.Entry{row(2, "3", "u3", wishes(roster.WishSuspend))}, []string{"suspend 3"}},
		{"R63 and deleted", imports, []roster.Entry{row(2, "3", "u3", wishes(roster.WishDelete))}, []string{"delete 3"}},
		{"R63 but not under a legal hold", with(held3), []roster.Entry{row(2, "3", "u3", wishes(roster.WishDelete))}, []string{"E304 line 2 warning", "suspend 3"}},
		{"R64 a protected one is not", func(o *Options, m *memory) { imports(o, m); o.Policy.Protect = []string{"u3"} }, []roster.Entry{row(2, "3", "u3", wishes(roster.WishDelete))}, []string{"E304 line 2 warning"}},
		{"R42 without a key by the name alone, suspended or not", with(func(o *Options, m *memory) { suspended3(o, m); unlinked(o, m) }), []roster.Entry{row(2, "", "u3", says(roster.City, "Ulm"), func(e *roster.Entry) { e.KeyBad = false }, without(roster.EmployeeID, roster.FirstName, roster.LastName, roster.Email))}, []string{"update  city=Ulm"}},
	})
}
