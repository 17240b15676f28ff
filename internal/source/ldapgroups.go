package source

import (
	"bytes"
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/go-ldap/ldap/v3"

	"rollcall/internal/dn"
	"rollcall/internal/roster"
)

// Groups say which groups a directory is asked for besides people (profile key
// groups:). Who is in one bears its name in a line [roster.GroupAttribute] of his
// entry, so that a drop says by itself who is in what; what that makes of a person,
// the mapping says.
type Groups struct {
	Base    string // "": none are asked for
	Filter  string // "": groups, as the dialect knows them
	Nested  bool   // who is in a group that is in another is in that one too
	Primary bool   // also in the one that a number of the entry names: primaryGroupID, gidNumber
}

// Validate reports everything that is wrong with g, by path below groups.
func (g Groups) Validate() []*roster.Fault {
	var f faults
	if g.Base == "" {
		f.add("base", "is missing", "write the DN below which groups stand, like OU=LMS,OU=Groups,DC=ad,DC=example,DC=org")
	} else if _, err := ldap.ParseDN(g.Base); err != nil {
		f.add("base", "is no DN", "write one like OU=LMS,OU=Groups,DC=ad,DC=example,DC=org")
	}
	if _, err := ldap.CompileFilter(g.filter("")); err != nil {
		f.add("filter", "is no filter", "write one like (objectClass=group), with all its brackets")
	}
	return f
}

// Bounds of what is held of groups.
const (
	maxGroups   = 100_000
	maxNested   = 20        // levels
	maxInGroups = 2_000_000 // values of all of them
	maxWalked   = 1 << 25   // steps from a group to one that it is in, of the walks from all of them
	maxCN       = 1 << 10   // bytes of a group's name
)

// A book knows who is in which group. It holds 20 bytes for each value of a group.
type book struct {
	options Groups
	dialect string
	names   []string // cn, by group; "" for one that cannot be written
	own     []who    // what each group is known by itself, in the order of names
	in      []entryOf
	parents [][]int32 // the groups that each is in, where they are nested

	mark []int32 // for each group, the last walk that came by
	walk int32

	walked int // steps of all walks
}

// who is a hash of what a group calls somebody: a DN, a uid, a SID, a gid.
type who [16]byte

// An entryOf says that somebody is in a group.
type entryOf struct {
	who   who
	group int32
}

func whoIs(kind byte, name string) (w who) {
	sum := sha256.Sum256(append([]byte{kind}, name...))
	copy(w[:], sum[:])
	return w
}

// By what groups know who is in them.
const (
	byDN  = 'd'
	byUID = 'u'
	bySID = 's'
	byGID = 'g'
)

// readGroups asks for all groups. An answer that is not whole is none.
func (d *directory) readGroups(ctx context.Context) (*book, error) {
	o := d.options
	if o.Groups.Base == "" {
		return nil, nil
	}
	b := &book{options: o.Groups, dialect: o.Dialect}
	o.Base, o.Scope, o.Filter, o.Attributes = o.Groups.Base, "sub", o.Groups.filter(o.Dialect), b.attributes()
	s := newSearch(o, d.wire, nil)
	s.another = func() (*wire, error) { return dialBeside(ctx, d.options, d.wire, d.timing) }
	s.sink = b.add
	defer s.close()
	if err := s.ask(o.Filter); err != nil {
		r, ok := errors.AsType[*roster.Refusal](err)
		if !ok {
			return nil, err
		}
		of, ours := *r, strings.NewReplacer("source.base", "groups.base", "source.filter", "groups.filter")
		of.Text, of.Fix = "groups: "+ours.Replace(r.Text), ours.Replace(r.Fix)
		return nil, &of
	}
	if len(b.names) == 0 {
		return nil, &roster.Refusal{Code: "E411", Text: "groups: the directory has none that groups.base and groups.filter find, or hides them from the bind account", Fix: "correct groups.base and groups.filter, or remove groups: from the profile; nobody loses a membership for it"}
	}
	d.groups = b.all()
	return b, b.close()
}

// all are the names of the groups that there are, sorted, each once.
func (b *book) all() []string {
	if b == nil {
		return nil
	}
	names := slices.Sorted(slices.Values(b.names))
	return slices.DeleteFunc(slices.Compact(names), func(n string) bool { return n == "" })
}

// GroupsOf are the names of the groups that a directory had when it was fetched last,
// also of those in which nobody is.
func GroupsOf(s Source) []string {
	if d, is := s.(*directory); is {
		return d.groups
	}
	return nil
}

func (g Groups) filter(dialect string) string {
	switch {
	case g.Filter != "":
		return g.Filter
	case dialect == "ad":
		return "(objectClass=group)"
	}
	return "(|(objectClass=groupOfNames)(objectClass=groupOfUniqueNames)(objectClass=posixGroup)(objectClass=group))"
}

// attributes are what groups are asked for.
func (b *book) attributes() []string {
	names := []string{"cn", "member"}
	if b.dialect != "ad" {
		names = append(names, "uniqueMember", "memberUid")
	}
	if b.options.Primary {
		names = append(names, "objectSid", "gidNumber")
	}
	return names
}

// wants are the attributes that people are asked for, with those by which groups know
// them, and without the one that no directory has.
func (b *book) wants(names []string) []string {
	if b == nil {
		return names
	}
	all := slices.DeleteFunc(slices.Clone(names), func(n string) bool { return strings.EqualFold(n, roster.GroupAttribute) })
	for _, more := range b.extra() {
		if !slices.ContainsFunc(all, func(n string) bool { return strings.EqualFold(n, more) }) {
			all = append(all, more)
		}
	}
	return all
}

// extra are attributes of people by which groups know them.
func (b *book) extra() []string {
	var names []string
	if b.dialect != "ad" {
		names = append(names, "uid")
	}
	if b.options.Primary {
		names = append(names, "objectSid", "primaryGroupID", "gidNumber")
	}
	return names
}

// add takes a group.
func (b *book) add(entry []byte, attributes []attribute) error {
	if len(b.names) == maxGroups {
		return &roster.Refusal{Code: "E411", Text: fmt.Sprintf("groups: there are more than %d", maxGroups), Fix: "ask for fewer with groups.base and groups.filter"}
	}
	g := int32(len(b.names))
	b.names, b.own = append(b.names, groupName(entry, attributes)), append(b.own, whoIs(byDN, dn.Normal(string(entry))))
	for _, a := range attributes {
		for _, v := range a.values {
			var w who
			switch text := string(v); strings.ToLower(string(a.name)) {
			case "member":
				w = whoIs(byDN, dn.Normal(text))
			case "uniquemember":
				w = whoIs(byDN, dn.Normal(withoutUID(text)))
			case "memberuid":
				w = whoIs(byUID, roster.Fold(text))
			case "objectsid":
				w = whoIs(bySID, text)
			case "gidnumber":
				w = whoIs(byGID, text)
			default:
				continue
			}
			if len(b.in) == maxInGroups {
				return &roster.Refusal{Code: "E411", Text: fmt.Sprintf("groups: they have more than %d members", maxInGroups), Fix: "ask for fewer groups with groups.base and groups.filter"}
			}
			b.in = append(b.in, entryOf{w, g})
		}
	}
	return nil
}

// groupName is a group's cn: of several that of its DN, else the smallest. One with a
// control character is nobody's: it could not be told from several. Nor is one that is
// longer than any catalog's.
func groupName(dn []byte, attributes []attribute) string {
	rdn := ""
	if parsed, err := ldap.ParseDN(string(dn)); err == nil && len(parsed.RDNs) > 0 {
		for _, a := range parsed.RDNs[0].Attributes {
			if strings.EqualFold(a.Type, "cn") {
				rdn = a.Value
			}
		}
	}
	name := ""
	for _, a := range attributes {
		if !strings.EqualFold(string(a.name), "cn") {
			continue
		}
		for _, v := range a.values {
			if text := string(v); text == rdn || name == "" || name != rdn && text < name {
				name = text
			}
		}
	}
	if len(name) > maxCN || !utf8.ValidString(name) || strings.ContainsFunc(name, unicode.IsControl) {
		return ""
	}
	return name
}

// close ends the reading of groups: who is in them can be looked up, and no chain of
// them is too long to be followed.
func (b *book) close() error {
	slices.SortFunc(b.in, func(x, y entryOf) int {
		return cmp.Or(bytes.Compare(x.who[:], y.who[:]), cmp.Compare(x.group, y.group))
	})
	b.mark = make([]int32, len(b.names))
	if !b.options.Nested {
		return nil
	}
	b.parents = make([][]int32, len(b.names))
	for g := range b.names {
		b.parents[g] = b.direct(b.own[g])
	}
	for g := range b.names {
		if b.walked > maxWalked {
			return &roster.Refusal{Code: "E411", Text: fmt.Sprintf("groups: %d of them are in one another by too many ways to be followed", len(b.names)), Fix: "ask for fewer with groups.base and groups.filter, or set groups.nested: off"}
		}
		if _, deep := b.above(int32(g)); deep {
			return &roster.Refusal{Code: "E411", Text: fmt.Sprintf("groups: %q lies in others more than %d levels deep", b.names[g], maxNested), Fix: "have the chain of groups made shorter, or set groups.nested: off"}
		}
	}
	return nil
}

// direct are the groups that say somebody is in them.
func (b *book) direct(w who) (groups []int32) {
	i, _ := slices.BinarySearchFunc(b.in, w, func(e entryOf, w who) int { return bytes.Compare(e.who[:], w[:]) })
	for ; i < len(b.in) && b.in[i].who == w; i++ {
		groups = append(groups, b.in[i].group)
	}
	return groups
}

// above are some groups and those that they are in, level by level, each once, so that
// a ring of groups ends; deep tells that there are more levels than are followed.
func (b *book) above(from ...int32) (all []int32, deep bool) {
	b.walk++
	level := from
	for depth := 0; len(level) > 0; depth++ {
		if depth > maxNested {
			return all, true
		}
		var next []int32
		for _, g := range level {
			if b.mark[g] == b.walk {
				continue
			}
			b.mark[g] = b.walk
			all = append(all, g)
			if b.parents != nil {
				next = append(next, b.parents[g]...)
				b.walked += len(b.parents[g])
			}
		}
		level = slices.DeleteFunc(next, func(g int32) bool { return b.mark[g] == b.walk })
	}
	return all, false
}

// sign gives an entry the names of its groups, and takes away what was asked for their
// sake alone; asked tells what was asked for otherwise.
func (b *book) sign(entry []byte, attributes []attribute, asked func(name []byte) bool) []attribute {
	if b == nil {
		return attributes
	}
	groups := b.direct(whoIs(byDN, dn.Normal(string(entry))))
	var sid []byte
	primary := ""
	for _, a := range attributes {
		for _, v := range a.values {
			switch strings.ToLower(string(a.name)) {
			case "uid":
				groups = append(groups, b.direct(whoIs(byUID, roster.Fold(string(v))))...)
			case "objectsid":
				sid = v
			case "primarygroupid":
				primary = string(v)
			case "gidnumber":
				if b.options.Primary {
					groups = append(groups, b.direct(whoIs(byGID, string(v)))...)
				}
			}
		}
	}
	if rid, err := strconv.ParseUint(primary, 10, 32); err == nil && len(sid) > 12 && b.options.Primary {
		of := binary.LittleEndian.AppendUint32(bytes.Clone(sid[:len(sid)-4]), uint32(rid)) // the domain's, and its own number
		groups = append(groups, b.direct(whoIs(bySID, string(of)))...)
	}
	attributes = slices.DeleteFunc(slices.Clone(attributes), func(a attribute) bool {
		if name, _, _ := bytes.Cut(a.name, []byte(";")); is(name, roster.GroupAttribute) {
			return true // no directory has it, and nobody writes himself into a group
		}
		return !asked(a.name) && slices.ContainsFunc(b.extra(), func(n string) bool { return strings.EqualFold(n, string(a.name)) })
	})
	all, _ := b.above(groups...)
	var names [][]byte
	for _, g := range all {
		if name := b.names[g]; name != "" {
			names = append(names, []byte(name))
		}
	}
	if len(names) == 0 {
		return attributes
	}
	slices.SortFunc(names, bytes.Compare)
	return append(attributes, attribute{name: []byte(roster.GroupAttribute), values: slices.CompactFunc(names, bytes.Equal)})
}

// withoutUID is a uniqueMember without the bits that may stand behind its DN.
func withoutUID(v string) string {
	if at := strings.LastIndex(v, "#'"); at > 0 && strings.HasSuffix(v, "'B") && strings.Trim(v[at+2:len(v)-2], "01") == "" {
		return v[:at]
	}
	return v
}
