package report

import (
	"fmt"

	"rollcall/internal/journal"
	"rollcall/internal/plan"
)

// maxNotable is how many changes a mail names.
const maxNotable = 10

// Notable picks the changes that a mail names one by one: renames and
// reactivations, ten at most. It reads only as far as it has to; where the run
// has none of them, not at all.
func Notable(run *journal.Run, changes Changes) ([]journal.Outcome, error) {
	want := min(run.Facts.Rows.Renamed+run.Facts.Rows.Reactivated, maxNotable)
	if want == 0 || changes == nil {
		return nil, nil
	}
	var found []journal.Outcome
	for o, err := range changes {
		if err != nil {
			return nil, fmt.Errorf("read the changes of run %d: %w", run.Number, err)
		}
		if (o.Action == plan.Rename || o.Action == plan.Reactivate) && !o.ByDate {
			found = append(found, o)
		}
		if len(found) == want {
			break
		}
	}
	return found, nil
}
