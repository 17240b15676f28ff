package guard

import (
	"errors"
	"fmt"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"rollcall/internal/roster"
)

// DefaultLimits lets an ordinary day pass and a broken drop not.
func DefaultLimits() Limits {
	return Limits{
		MaxRemovals:           Limit{Percent: 5, Floor: 5},
		MaxAdds:               Limit{Percent: 25, Floor: 50},
		MaxRenames:            Limit{Percent: 2, Floor: 5},
		MaxFieldChange:        map[string]Limit{anyField: {Percent: 30, Floor: 20}},
		MaxMembershipRemovals: Limit{Percent: 20, Floor: 20},
		MinRows:               Limit{Percent: 80, Floor: 50},
		MaxRows:               Limit{Percent: 300, Floor: 50},
		MaxRejected:           Limit{Percent: 5, Floor: 10},
		FirstRun:              "hold",
		HoldFor:               96 * time.Hour,
		OnHold:                "all",
	}
}

// anyField stands in max_field_change for every field that is not named there.
const anyField = "default"

// What an operator may write. A share above a thousand of a hundred is no limit
// any more, and a hold is a question that somebody answers within the season.
const (
	maxPercent  = 1000
	maxFloor    = 100_000_000
	maxCanaries = 100
	maxHold     = 90 * 24 * time.Hour
)

// UnmarshalText reads "5%", which keeps the floor of the default, and "20",
// which means exactly 20.
func (l *Limit) UnmarshalText(text []byte) error {
	s := strings.TrimSpace(string(text))
	if share, ok := strings.CutSuffix(s, "%"); ok {
		percent, err := strconv.ParseFloat(strings.TrimSpace(share), 64)
		if err != nil {
			return errNoLimit
		}
		*l = Limit{Percent: percent, NoFloor: true}
		return nil
	}
	floor, err := strconv.Atoi(s)
	if err != nil {
		return errNoLimit
	}
	*l = Limit{Floor: floor}
	return nil
}

var errNoLimit = errors.New("not a limit; write 5%, 20 or {percent: 5, floor: 5}")

// Validate reports everything that is wrong with l, not only the first thing.
func (l Limits) Validate() []*roster.Fault {
	var faults []*roster.Fault
	fault := func(key, text, hint string) {
		faults = append(faults, &roster.Fault{Path: "guardrails." + key, Text: text, Hint: hint})
	}
	limit := func(key string, l Limit, lowest, highest float64) {
		if !(l.Percent >= lowest && l.Percent <= highest) && (l.Percent != 0 || l.NoFloor) { // not a number is out of range too
			fault(key, fmt.Sprintf("%v %% is not a share from %v to %v %%", l.Percent, lowest, highest), "")
		}
		if l.Floor < 0 || l.Floor > maxFloor {
			fault(key, fmt.Sprintf("%d is not a number from 0 to %d", l.Floor, maxFloor), "")
		}
	}
	limit("max_removals", l.MaxRemovals, 0, 100)
	limit("max_adds", l.MaxAdds, 0, maxPercent)
	limit("max_renames", l.MaxRenames, 0, 100)
	for _, name := range slices.Sorted(maps.Keys(l.MaxFieldChange)) {
		field, known := roster.FieldNamed(name)
		_, custom := roster.Name(name).Custom()
		switch {
		case name == anyField, custom:
		case !known:
			fault("max_field_change."+name, strconv.Quote(name)+" is not an account field", "name a field, or default for all others")
		case field == roster.Username:
			fault("max_field_change."+name, "a new username is a rename", "set guardrails.max_renames")
		case field >= roster.NumFeedFields && field != roster.PasswordField:
			fault("max_field_change."+name, "no feed writes this field", "suspensions and deletions are limited by guardrails.max_removals")
		}
		limit("max_field_change."+name, l.MaxFieldChange[name], 0, 100)
	}
	limit("max_membership_removals", l.MaxMembershipRemovals, 0, 100)
	limit("min_rows", l.MinRows, 0, 100)
	limit("max_rows", l.MaxRows, 100, maxPercent)
	limit("max_rejected", l.MaxRejected, 0, 100)
	if len(l.Canaries) > maxCanaries {
		fault("canaries", fmt.Sprintf("%d keys are more than %d", len(l.Canaries), maxCanaries), "name a few people who never leave together")
	}
	for i, key := range l.Canaries {
		if strings.TrimSpace(key) == "" {
			fault(fmt.Sprintf("canaries[%d]", i), "is empty", "write the key of a person whom every full drop lists")
		}
	}
	if l.FirstRun != "hold" && l.FirstRun != "apply" {
		fault("first_run", strconv.Quote(l.FirstRun)+" is not allowed", "write hold or apply")
	}
	if l.HoldFor <= 0 || l.HoldFor > maxHold {
		fault("hold_for", l.HoldFor.String()+" is not a time up to 90d", "write how long a held run waits for a person, like 96h")
	}
	if l.OnHold != "all" && l.OnHold != "removals" {
		fault("on_hold", strconv.Quote(l.OnHold)+" is not allowed", "write all or removals")
	}
	return faults
}

// most is the highest count that l lets pass; def lends its floor.
func (l Limit) most(base int, def Limit) int {
	return max(l.floor(def), share(l.Percent, base))
}

func (l Limit) floor(def Limit) int {
	if l.NoFloor {
		return def.Floor
	}
	return l.Floor
}

// share is ⌊percent × base⌋. The tiny surplus undoes what binary fractions
// lose: 1.15 % of 20,000 is 230 and not 229.
func share(percent float64, base int) int {
	return int(math.Floor(percent*float64(base)/100 + 1e-9))
}
