package store

import (
	"maps"
	"slices"

	"rollcall/internal/plan"
	"rollcall/internal/roster"
)

// A share is how the accounts that a profile owns become more or fewer.
type share struct{ owned, active int }

// shares are those of all profiles, by name.
type shares map[string]share

// enter adds n times an account in some state, for each profile that links it.
func (s shares) enter(status roster.Status, links []roster.Link, n int) {
	for _, l := range links {
		one := s[l.Profile]
		if status != roster.Deleted {
			one.owned += n
		}
		if status == roster.Active {
			one.active += n
		}
		s[l.Profile] = one
	}
}

// relinked are the links of an account once a change has had its way with them.
func relinked(links []roster.Link, c *plan.Change) []roster.Link {
	links = slices.Clone(links)
	for _, l := range c.Links {
		i := slices.IndexFunc(links, func(have roster.Link) bool { return have.Profile == l.Profile })
		switch {
		case l.New == "" && i >= 0:
			links = slices.Delete(links, i, i+1)
		case l.New != "" && i < 0:
			links = append(links, roster.Link{Profile: l.Profile})
		}
	}
	return links
}

// tally writes down what the changes have done to the number of accounts.
func (a *application) tally() error {
	for _, profile := range slices.Sorted(maps.Keys(a.shares)) {
		s := a.shares[profile]
		if s == (share{}) {
			continue
		}
		if err := a.tx.Exec(`INSERT INTO tally (profile, owned, active) VALUES (?, ?, ?)
			ON CONFLICT (profile) DO UPDATE SET owned = tally.owned + excluded.owned, active = tally.active + excluded.active`, profile, s.owned, s.active).Error; err != nil {
			return err
		}
	}
	return nil
}
