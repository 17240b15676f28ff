package plan

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"rollcall/internal/roster"
)

func TestStoriesOfUpdatesR50R51(t *testing.T) {
	tell(t, []story{
		{"R51 none renames nobody", func(o *Options, _ *memory) { o.Policy.Update = "none" }, []roster.Entry{row(2, "1", "x1"), row(3, "2", "u2"), row(4, "3", "u3")}, []string{"note line 2 note"}},
		{"R50 add skips the known", func(o *Options, _ *memory) { o.Policy.Upload = "add" }, []roster.Entry{row(2, "1", "x1"), row(3, "2", "u2"), row(4, "3", "u3"), row(5, "9", "u9")}, []string{"add 9 u9", "skip line 2 skip", "skip line 3 skip", "skip line 4 skip"}},
		{"R50 add_all numbers a taken name", func(o *Options, _ *memory) { o.Policy.Upload, o.Policy.Missing = "add_all", "keep" }, []roster.Entry{row(5, "9", "u3", says(roster.Email, "n@example.org"))}, []string{"add 9 u32", "claim 1", "claim 2", "claim 3"}},
		{"R50 add_all numbers it also where the fallback would find a conflict", func(o *Options, _ *memory) {
			o.Policy.Upload, o.Policy.Missing, o.Match.Fallback = "add_all", "keep", Fallback{By: "username"}
		}, []roster.Entry{row(5, "9", "u3", says(roster.Email, "n@example.org"))}, []string{"add 9 u32", "claim 1", "claim 2", "claim 3"}},
		{"R50 or would re-key", func(o *Options, _ *memory) {
			o.Policy.Upload, o.Policy.Missing, o.Match.Fallback = "add_all", "keep", Fallback{By: "username", Rekey: true}
		}, []roster.Entry{row(5, "9", "u3", says(roster.Email, "n@example.org"))}, []string{"add 9 u32", "claim 1", "claim 2", "claim 3"}},
		{"R50 update skips the unknown", func(o *Options, _ *memory) { o.Policy.Upload = "update" }, []roster.Entry{row(2, "1", "u1", says(roster.City, "Ulm")), row(3, "2", "u2"), row(4, "3", "u3"), row(5, "9", "u9")}, []string{"skip line 5 skip", "update 1 city=Ulm"}},
		{"R51 none changes no field", func(o *Options, _ *memory) { o.Policy.Update = "none" }, []roster.Entry{row(2, "1", "u1", says(roster.City, "Ulm")), row(3, "2", "u2"), row(4, "3", "u3")}, nil},
		{"R51 fill_missing fills only what is empty", func(o *Options, _ *memory) { o.Policy.Update = "fill_missing" }, []roster.Entry{row(2, "1", "u1", says(roster.City, "Ulm"), says(roster.LastName, "Other")), row(3, "2", "u2"), row(4, "3", "u3")}, []string{"update 1 city=Ulm"}},
		{"R51 once writes a newcomer's field only", func(o *Options, _ *memory) { o.Set[roster.LastName] = roster.SetOnce }, []roster.Entry{row(2, "1", "u1", says(roster.LastName, "Other")), row(3, "2", "u2"), row(4, "3", "u3")}, nil},
		{"R51 file_and_defaults writes a default that needs the username", func(o *Options, _ *memory) { o.Policy.Update = "file_and_defaults" }, []roster.Entry{row(2, "1", "u1", func(e *roster.Entry) {
			e.Late = []roster.Late{{Field: roster.URL, Default: true, Value: func(name string) string { return "/~" + name }}}
		}), row(3, "2", "u2"), row(4, "3", "u3")}, []string{"update 1 url=/~u1"}},
	})
}

// R6 leaves open what happens under add_all where the username is the key. R50 says it:
// a known username is skipped, and whoever got a number is known by the row's own name.
func TestR50UnderAddAllAUsernameThatIsTheKeyIsAddedOnce(t *testing.T) {
	o, m := staff(), directory("1", "2", "3")
	byUsername(&o, m)
	o.Policy.Upload, o.Policy.Missing = "add_all", "keep"
	m.holds = []Hold{{Name: "gone", Account: 77}}
	rows := []roster.Entry{row(2, "u1", "u1"), row(3, "u2", "u2"), row(4, "u3", "u3"), row(5, "gone", "gone")}

	first, _ := planned(t, o, m, rows...)
	if diff := cmp.Diff([]string{"add gone gone2", "skip line 2 skip", "skip line 3 skip", "skip line 4 skip"}, first.told()); diff != "" {
		t.Errorf("the first night (-want +got):\n%s", diff)
	}
	m.apply(first)
	again, _ := planned(t, o, m, rows...)
	if diff := cmp.Diff([]string{"skip line 2 skip", "skip line 3 skip", "skip line 4 skip", "skip line 5 skip"}, again.told()); diff != "" {
		t.Errorf("the second night (-want +got):\n%s", diff)
	}
}
