package roster

import "strings"

// ForImport is a fix for a person who imports a file: there is no HR behind it and no
// profile to set anything in.
func ForImport(code, fix string) string {
	looks, _, _ := strings.Cut(fix, "; ")
	forFeeds := strings.NewReplacer(" in HR", " in the file", "have HR ", "", "ask HR for ", "add ", "out of the feed", "out of the file")
	switch own := importFixes[code]; {
	case code == "E103" && strings.HasPrefix(looks, "it looks like "):
		return looks + "; " + own
	case !speaksOfFeeds(fix):
		return forFeeds.Replace(fix)
	case own != "":
		return own
	}
	var kept []string
	for part := range strings.SplitSeq(fix, "; ") {
		for n, either := range strings.Split(part, ", or ") {
			if either = forFeeds.Replace(either); speaksOfFeeds(either) {
				continue
			}
			if n > 0 && len(kept) > 0 {
				either = "or " + either
			}
			kept = append(kept, either)
		}
	}
	if len(kept) == 0 {
		return "correct the file"
	}
	return strings.Join(kept, ", ")
}

// importFixes are the fixes that differ most from a feed's.
var importFixes = map[string]string{
	"E103": "save the file as UTF-8, which spreadsheets call CSV UTF-8, or say which encoding it is in with --encoding",
	"E211": "list it under fields: in a file for rollcall catalog import, or take the column out of the file",
	"E301": "give the row the username of the one that is meant, or join the two with rollcall accounts merge",
	"E302": "write the employee_id that rollcall accounts show tells of the account, or another username; to give an account another key: rollcall accounts rekey OLD NEW",
	"E307": "the same person: rollcall accounts restore or activate it first; somebody new: take the row out, and the key out of the old account",
	"E309": "the same person: write the employee_id or username of the account that is there; where both are there already: rollcall accounts merge",
	"E411": "check that the first line of the file is its header; of another program's file say which with --preset: rollcall help presets",
}

// speaksOfFeeds tells whether a fix names what an import does not have.
func speaksOfFeeds(fix string) bool {
	for _, word := range []string{"map.", "map:", "format.", "source.", "unique_email", "protect:", "profile", "PROFILE", "accounts link"} {
		if strings.Contains(fix, word) {
			return true
		}
	}
	return false
}
