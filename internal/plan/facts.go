package plan

// Rows is the first ledger: every record of the drop, in exactly one place (R2).
type Rows struct {
	Read        int `json:"read"` // the sum of the others
	Added       int `json:"added"`
	Updated     int `json:"updated"`
	Renamed     int `json:"renamed"`
	Reactivated int `json:"reactivated"`
	Suspended   int `json:"suspended"`
	Deleted     int `json:"deleted"`
	Unchanged   int `json:"unchanged"`
	Skipped     int `json:"skipped"`
	Rejected    int `json:"rejected"`
}

// Absent is the second ledger: every account that the profile owns, that is
// not deleted and that no record of a full drop mentions (R2).
type Absent struct {
	Total     int `json:"total"`
	Kept      int `json:"kept"`
	Suspended int `json:"suspended"`
	Deleted   int `json:"deleted"`
}

// ByDate is the third line: what a date alone did (R2).
type ByDate struct {
	Started int `json:"started"`
	Expired int `json:"expired"`
}

// Scope is what the scope left out (R68).
type Scope struct {
	Outside int `json:"outside"` // records
	Left    int `json:"left"`    // accounts of the profile, not deleted, of which only such a record speaks
}

// Facts are what the guardrails weigh and the report counts. Effects are
// counted, not row outcomes: a reactivation that also renames is in both.
type Facts struct {
	Full   bool   `json:"full"` // the drop was full: absence means something
	Rows   Rows   `json:"rows"`
	Absent Absent `json:"absent"`
	ByDate ByDate `json:"by_date"`
	Scope  Scope  `json:"scope,omitzero"`
	Waits  string `json:"waits,omitempty"` // [roster.Stamp] of when the first of those is due whom policy.create_before leaves out (R72)

	Owned        int            `json:"owned"`            // accounts the profile owns, not deleted, before the run
	ActiveBefore int            `json:"active_before"`    // those of them that are active
	ActiveAfter  int            `json:"active_after"`     // as the plan would leave them
	Erased       int            `json:"erased,omitempty"` // anonymised or purged: nothing of it can be taken back
	Purged       int            `json:"purged,omitempty"` // of the erased; unknown of runs before there was this count
	Restored     Restored       `json:"restored,omitzero"`
	Outright     int            `json:"outright,omitempty"` // of Rows.Deleted, those that are gone, with no trace that a revert could bring back
	Merged       int            `json:"merged,omitempty"`   // accounts that became part of another
	Removals     int            `json:"removals"`           // newly suspended or deleted, also by a date within 7 days (R74)
	Adds         int            `json:"adds"`
	Renames      int            `json:"renames"` // re-keyings too
	FieldChanges map[string]int `json:"field_changes,omitempty"`
	NewRejected  int            `json:"new_rejected"` // rows rejected that were not in the last applied run
	Denied       Denied         `json:"denied,omitzero"`

	AbsentUpdated      int `json:"absent_updated,omitempty"` // kept, or out of scope, and memberships taken from them that this feed had granted
	MembershipsAdded   int `json:"memberships_added,omitempty"`
	MembershipsRemoved int `json:"memberships_removed,omitempty"` // that the feed takes away; those whose period is over are none

	UnreadableKeys  int      `json:"unreadable_keys"` // rows that could be anybody's (R3)
	Withheld        int      `json:"withheld"`        // removals by absence not planned because of them
	MissingCanaries []string `json:"missing_canaries,omitempty"`
	Rescinded       int      `json:"rescinded,omitempty"` // accounts that waited for their start, and whose record has gone (R75)
	WouldSuspend    int      `json:"would_suspend"`       // kept people whom missing: suspend would suspend (R62)
	Errors          int      `json:"errors"`              // problems of severity error, and so on
	Warnings        int      `json:"warnings"`
	Notes           int      `json:"notes"`

	Passwords PasswordFacts `json:"passwords,omitzero"`

	Departments map[string]Movement `json:"departments,omitempty"` // at most 1000; the rest is under ""
}

// Denied are active accounts that a record asks to suspend or to delete, and that
// keep their access because the policy forbids it (R65).
type Denied struct {
	Accounts int `json:"accounts"`
	New      int `json:"new"` // of them: the last applied run said nothing of it
}

// Restored are deleted accounts that a person brought back; they count as reactivated.
type Restored struct {
	Accounts  int `json:"accounts"`
	Suspended int `json:"suspended"` // of them: in the state that they had
}

// Movement is what a plan does to one department.
type Movement struct {
	Added   int `json:"added"`
	Changed int `json:"changed"`
	Removed int `json:"removed"`
}

// Changes is how many accounts the plan touches; claims do not count.
func (f *Facts) Changes() int {
	return f.Rows.Added + f.Rows.Updated + f.Rows.Renamed + f.Rows.Reactivated + f.Rows.Suspended + f.Rows.Deleted +
		f.Absent.Suspended + f.Absent.Deleted + f.AbsentUpdated + f.ByDate.Started + f.ByDate.Expired
}
