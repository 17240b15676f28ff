package plan

import (
	"testing"
	"time"

	"rollcall/internal/roster"
)

func TestStoriesOfStateR60R61R62R63R64R65R66R67R70R71(t *testing.T) {
	tell(t, []story{
		{"R60 suspended 1 suspends, and says who did", nil, []roster.Entry{row(2, "1", "u1", wishes(roster.WishSuspend)), row(3, "2", "u2"), row(4, "3", "u3")}, []string{"suspend 1"}},
		{"R60 an empty cell keeps what the feed had suspended", fed3, []roster.Entry{row(2, "1", "u1"), row(3, "2", "u2"), row(4, "3", "u3")}, nil},
		{"R60 suspended 0 lifts it", fed3, []roster.Entry{row(2, "1", "u1"), row(3, "2", "u2"), row(4, "3", "u3", wishes(roster.WishActive))}, []string{"reactivate 3"}},
		{"R61 who was absent is back", suspended3, []roster.Entry{row(2, "1", "u1"), row(3, "2", "u2"), row(4, "3", "u3")}, []string{"reactivate 3"}},
		{"R61 what a person suspended stays, with a note", func(o *Options, m *memory) { suspended3(o, m); m.account("3").Values[roster.StatusBy] = "person:ada" }, []roster.Entry{row(2, "1", "u1"), row(3, "2", "u2"), row(4, "3", "u3", wishes(roster.WishActive))}, []string{"claim 3", "note line 4 note"}},
		{"R62 the missing are suspended", nil, []roster.Entry{row(2, "1", "u1"), row(3, "2", "u2")}, []string{"suspend 3"}},
		{"R62 missing: keep removes nobody, but withdraws the claim", func(o *Options, _ *memory) { o.Policy.Missing = "keep" }, []roster.Entry{row(2, "1", "u1"), row(3, "2", "u2")}, []string{"claim 3"}},
		{"R62 in a delta absence means nothing", func(o *Options, _ *memory) { o.Full = false }, []roster.Entry{row(2, "1", "u1")}, nil},
		{"R62 delete_after deletes who has been absent that long", func(o *Options, m *memory) {
			suspended3(o, m)
			o.Policy.Delete, o.Policy.DeleteAfter = true, 90*24*time.Hour
			m.account("3").Values[roster.StatusSince] = roster.Stamp(noon.Add(-90 * 24 * time.Hour))
		}, []roster.Entry{row(2, "1", "u1"), row(3, "2", "u2")}, []string{"delete 3"}},
		{"R62 and not a day earlier", func(o *Options, m *memory) {
			suspended3(o, m)
			o.Policy.Delete, o.Policy.DeleteAfter = true, 90*24*time.Hour
			m.account("3").Values[roster.StatusSince] = roster.Stamp(noon.Add(-90*24*time.Hour + time.Second))
		}, []roster.Entry{row(2, "1", "u1"), row(3, "2", "u2")}, nil},
		{"R63 a fallback owner who is nobody stops deletions", func(o *Options, _ *memory) { o.Policy.Delete, o.Policy.FallbackOwner = true, "nobody" }, []roster.Entry{row(2, "1", "u1", wishes(roster.WishDelete)), row(3, "2", "u2"), row(4, "3", "u3")}, []string{"E209 line 2 error"}},
		{"R63 the fallback owner is not deleted", func(o *Options, _ *memory) { o.Policy.Delete, o.Policy.FallbackOwner = true, "u2" }, []roster.Entry{row(2, "1", "u1", wishes(roster.WishDelete)), row(3, "2", "u2", wishes(roster.WishDelete)), row(4, "3", "u3")}, []string{"E209 line 3 error", "delete 1"}},
		{"R63 deleted 1 deletes and needs no other field", func(o *Options, _ *memory) { o.Policy.Delete = true }, []roster.Entry{{Line: 2, Key: "1", Wish: roster.WishDelete}, row(3, "2", "u2"), row(4, "3", "u3")}, []string{"delete 1"}},
		{"R64 a protected account is neither suspended nor renamed", func(o *Options, _ *memory) { o.Policy.Protect = []string{"u*"} }, []roster.Entry{row(2, "1", "u1", wishes(roster.WishLeaver)), row(3, "2", "x2"), row(4, "3", "u3")}, []string{"E304 line 2 warning", "E304 line 3 warning", "claim 1"}},
		{"R64 nor is who has a protected role", func(o *Options, _ *memory) {
			o.Policy.Protect, o.Holders = []string{"role:u*"}, map[uint64]bool{2: true}
		}, []roster.Entry{row(2, "1", "u1", wishes(roster.WishLeaver)), row(3, "2", "x2", wishes(roster.WishLeaver)), row(4, "3", "u3")}, []string{"E304 line 3 warning", "E304 line 3 warning", "claim 2", "suspend 1"}},
		{"R64 of who is absent and has one it is a note", func(o *Options, _ *memory) { o.Holders = map[uint64]bool{3: true} }, []roster.Entry{row(2, "1", "u1"), row(3, "2", "u2")}, []string{"E304 line 0 note", "claim 3"}},
		{"R65 delete off skips the row", nil, []roster.Entry{row(2, "1", "u1", wishes(roster.WishDelete), says(roster.City, "Ulm")), row(3, "2", "u2"), row(4, "3", "u3")}, []string{"claim 1", "skip line 2 skip"}},
		{"R65 suspend off applies the rest with a warning", func(o *Options, _ *memory) { o.Policy.Suspend, o.Policy.Missing = false, "keep" }, []roster.Entry{row(2, "1", "u1", wishes(roster.WishSuspend), says(roster.City, "Ulm")), row(3, "2", "u2"), row(4, "3", "u3")}, []string{"update 1 city=Ulm", "warning line 2 warning"}},
		{"R66 deleting an unknown account is E308", nil, []roster.Entry{row(2, "1", "u1"), row(3, "2", "u2"), row(4, "3", "u3"), row(5, "9", "", wishes(roster.WishDelete))}, []string{"E308 line 5 error"}},
		{"R66 deleting a deleted one is unchanged", deleted3, []roster.Entry{row(2, "1", "u1"), row(3, "2", "u2"), row(4, "3", "u3", wishes(roster.WishDelete))}, nil},
		{"R67 leave keeps the account active", nil, []roster.Entry{row(2, "1", "u1", wishes(roster.WishLeave)), row(3, "2", "u2"), row(4, "3", "u3")}, []string{"claim 1"}},
		{"R70 the last day is a day of work", nil, []roster.Entry{row(2, "1", "u1", says(roster.ExpiresOn, "2026-09-01")), row(3, "2", "u2"), row(4, "3", "u3")}, []string{"update 1 expires_on=2026-09-01"}},
		{"R71 a date already past suspends in the run", nil, []roster.Entry{row(2, "1", "u1", says(roster.ExpiresOn, "2026-08-31")), row(3, "2", "u2"), row(4, "3", "u3")}, []string{"suspend 1 expires_on=2026-08-31"}},
		{"R71 moving the date forward lifts what the date had suspended", expired3, []roster.Entry{row(2, "1", "u1"), row(3, "2", "u2"), row(4, "3", "u3", says(roster.ExpiresOn, "2026-12-31"))}, []string{"reactivate 3 expires_on=2026-12-31"}},
		{"R60 the word suspended replaces an absence", suspended3, []roster.Entry{row(2, "1", "u1"), row(3, "2", "u2"), row(4, "3", "u3", wishes(roster.WishSuspend))}, []string{"update 3"}},
		{"R63 who is deleted takes no new name along", func(o *Options, _ *memory) { o.Policy.Delete = true }, []roster.Entry{row(2, "1", "x1", wishes(roster.WishDelete), says(roster.City, "Ulm")), row(3, "2", "u2"), row(4, "3", "u3")}, []string{"delete 1"}},
		{"R72 who had expired and starts later waits for the day", expired3, []roster.Entry{row(2, "1", "u1"), row(3, "2", "u2"), row(4, "3", "u3", says(roster.ExpiresOn, "2026-12-31"), says(roster.StartsOn, "2026-10-01"))}, []string{"update 3 starts_on=2026-10-01 expires_on=2026-12-31"}},
		{"R71 and nothing else does", expired3, []roster.Entry{row(2, "1", "u1"), row(3, "2", "u2"), row(4, "3", "u3", wishes(roster.WishActive))}, nil},
	})
}
