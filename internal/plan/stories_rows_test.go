package plan

import (
	"testing"

	"rollcall/internal/roster"
)

func TestStoriesOfRowsR2R3R4R6R7R15(t *testing.T) {
	tell(t, []story{
		{"R2 nothing differs, nothing is planned", nil, []roster.Entry{row(2, "1", "u1"), row(3, "2", "u2"), row(4, "3", "u3")}, nil},
		{"R4 the order of the rows means nothing", nil, []roster.Entry{row(2, "3", "u3"), row(3, "1", "u1"), row(4, "2", "u2")}, nil},
		{"R3 a rejected row protects its person", nil, []roster.Entry{row(2, "1", "u1", bad("E104")), row(3, "2", "u2"), row(4, "3", "u3")}, []string{"E104 line 2 error"}},
		{"R3 a row without a key keeps all who are absent", nil, []roster.Entry{row(2, "", "x", bad("E120"), without(roster.Email)), row(3, "1", "u1")}, []string{"E120 line 2 error"}},
		{"R3 an unmatched row with the name of an owned account mentions it", nil, []roster.Entry{row(2, "1", "u1"), row(3, "2", "u2"), row(4, "9", "u3")}, []string{"E303 line 4 error"}},
		{"R7 a dirty row still suspends its leaver", nil, []roster.Entry{row(2, "1", "u1", bad("E104"), wishes(roster.WishLeaver)), row(3, "2", "u2"), row(4, "3", "u3")}, []string{"E104 line 2 warning", "suspend 1"}},
		{"R7 a bad optional value keeps the stored one", nil, []roster.Entry{row(2, "1", "u1", bad("E112"), says(roster.City, "Ulm")), row(3, "2", "u2"), row(4, "3", "u3")}, []string{"E112 line 2 warning", "update 1 city=Ulm"}},
		{"R15 a broken row of a known key protects that account alone", nil, []roster.Entry{{Line: 2, Key: "1", Broken: true, Problems: []roster.Problem{roster.NewProblem("E101", 2, "1")}}, row(3, "2", "u2")}, []string{"E101 line 2 error", "suspend 3"}},
		{"R15 a broken row of an unknown key could be anybody's", nil, []roster.Entry{{Line: 2, Key: "8", Broken: true, Problems: []roster.Problem{roster.NewProblem("E101", 2, "8")}}, row(3, "2", "u2")}, []string{"E101 line 2 error"}},
		{"R7 an unusable name keeps the one that is there", nil, []roster.Entry{row(2, "1", "", bad("E134"), says(roster.City, "Ulm")), row(3, "2", "u2"), row(4, "3", "u3")}, []string{"E134 line 2 warning", "update 1 city=Ulm"}},
		{"R3 differing copies protect the account of their previous key", nil, []roster.Entry{row(2, "1", "u1"), row(3, "2", "u2"), row(4, "9", "u9", before("3")), row(5, "9", "x9", before("3"))}, []string{"E105 line 4 error", "E105 line 5 error"}},
		{"R3 a broken row keeps others from its account", nil, []roster.Entry{row(2, "1", "u1"), row(3, "2", "u2"), {Line: 4, Key: "3", Broken: true, Problems: []roster.Problem{roster.NewProblem("E101", 4, "3")}}, row(5, "9", "u9", before("3"))}, []string{"E101 line 4 error", "E302 line 5 error"}},
		{"R6 a record without a key gets no number, or it would be added each night", func(o *Options, _ *memory) { o.Match.Fallback.By, o.Policy.Protect = "username", []string{"root"} }, []roster.Entry{row(2, "1", "u1"), row(3, "2", "u2"), row(4, "3", "u3"), row(5, "", "root", number, says(roster.Email, "n@example.org"), func(e *roster.Entry) { e.KeyBad = false })}, []string{"E304 line 5 error"}},
		{"R7 a dirty deletion that is off is rejected", nil, []roster.Entry{row(2, "1", "u1", bad("E104"), wishes(roster.WishDelete)), row(3, "2", "u2"), row(4, "3", "u3")}, []string{"E104 line 2 error"}},
		{"R2 rejected comes before skipped", func(o *Options, _ *memory) { o.Policy.Upload = "add" }, []roster.Entry{row(2, "1", "u1", bad("E104")), row(3, "2", "u2"), row(4, "3", "u3")}, []string{"E104 line 2 error", "skip line 3 skip", "skip line 4 skip"}},
		{"R4 two records that mean one account are both rejected", func(o *Options, _ *memory) { o.Match.Fallback = Fallback{By: "username", Rekey: true} }, []roster.Entry{row(2, "1", "u1"), row(3, "2", "u2"), row(4, "8", "u3", without(roster.Email)), row(5, "9", "u9", before("3"))}, []string{"E302 line 4 error", "E302 line 5 error"}},
	})
}
