package plan

import (
	"fmt"
	"path"
	"slices"
	"strings"

	"rollcall/internal/roster"
)

// Protected is whom no feed suspends, renames or deletes (R64): by name, or
// because of a role of the system that the account has.
type Protected struct {
	Names   []string        // as in accounts.protect: usernames, patterns like svc-*, and roles like role:manager
	Holders map[uint64]bool // accounts that have one of [ProtectedRoles]
}

// rolePrefix begins what in protect: is a role.
const rolePrefix = "role:"

// administrators are what a site calls the role that may do everything. It is
// protected without being named: a name too many protects one role too many.
var administrators = []string{"admin", "administrator", "siteadmin", "site-admin", "site_admin"}

// ProtectedRoles are the roles whose holders are protected: those of protect:,
// which may be patterns, and the site administrator's.
func ProtectedRoles(protect []string) []string {
	roles := slices.Clone(administrators)
	for _, entry := range protect {
		if role, ok := strings.CutPrefix(entry, rolePrefix); ok && !slices.Contains(roles, role) {
			roles = append(roles, role)
		}
	}
	return roles
}

// names tells whether a username is protected, by itself or by a pattern.
func (p Protected) names(username string) bool {
	for _, pattern := range p.Names {
		if strings.HasPrefix(pattern, rolePrefix) {
			continue
		}
		if ok, _ := path.Match(roster.Fold(pattern), roster.Fold(username)); ok {
			return true
		}
	}
	return false
}

// Account tells whether a feed may not suspend, rename or delete a.
func (p Protected) Account(a *roster.Account) bool {
	return p.Holders[a.ID] || p.names(a.Values[roster.Username])
}

// refusal says why a person may not do it either; rest is what more there is to
// say of the account.
func (p Protected) refusal(a *roster.Account, rest string) error {
	if !p.names(a.Values[roster.Username]) {
		return coded("E304", "account %d has a protected role%s; rollcall accounts edit id:%d --remove role:NAME takes it away first", a.ID, rest, a.ID)
	}
	return coded("E304", "account %d is protected by accounts.protect%s; take it out there first", a.ID, rest)
}

// role tells whether a membership is a role that protects whoever has it.
func (p Protected) role(m roster.Membership) bool {
	return m.Kind == roster.RoleKind && slices.ContainsFunc(ProtectedRoles(p.Names), func(pattern string) bool {
		ok, _ := path.Match(roster.Fold(pattern), roster.Fold(m.Name))
		return ok
	})
}

// unshield remarks that the record takes the role away that protects the account: in
// this run it is protected still (R64), for [Protected.Holders] are those of before it.
func (d *draft) unshield() {
	shields := func(a *roster.Account) bool {
		return slices.ContainsFunc(a.Grants, func(g roster.Grant) bool { return g.Ended == "" && d.guard().role(g.Membership) })
	}
	if shields(d.was) && !shields(d.now) && !d.guard().names(d.was.Values[roster.Username]) {
		d.remark("", "", "loses the role that protects the account: it is protected in this run still, and from the next on a feed may suspend, rename or delete it")
		d.problems[len(d.problems)-1].Fix = "if that is not meant: name the account under accounts.protect, or give the role by hand: rollcall accounts edit ACCOUNT --add role:NAME"
	}
}

func (p *planner) guard() Protected { return Protected{p.Policy.Protect, p.Holders} }

func (p *planner) protected(a *roster.Account) bool { return p.guard().Account(a) }

// protectedName tells whether no feed may give anybody a username.
func (p *planner) protectedName(name string) bool { return p.guard().names(name) }

// guarded remarks that the account is protected. Absence asks for nothing, nor
// does a record that is out of scope, so it is worth no warning in each run.
func (d *draft) guarded(field string) {
	d.remark("E304", field, "")
	p := &d.problems[len(d.problems)-1]
	if !d.guard().names(d.was.Values[roster.Username]) {
		p.Text = "the account has a protected role"
		p.Fix = fmt.Sprintf("take it out of the feed, or take the role away: rollcall accounts edit id:%d --remove role:NAME", d.was.ID)
		if d.absent {
			p.Fix = fmt.Sprintf("nothing to do, or take the role away: rollcall accounts edit id:%d --remove role:NAME", d.was.ID)
		}
	}
	if d.absent || d.outside {
		p.Severity = roster.SeverityNote
	}
}
