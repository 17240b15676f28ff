package source

import (
	"bufio"
	"bytes"
	"cmp"
	"encoding/base64"
	"fmt"
	"hash/maphash"
	"io"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/go-ldap/ldap/v3"

	"rollcall/internal/dn"
	"rollcall/internal/roster"
)

// A search asks for people page by page, and writes them as LDIF as they come.
// It holds one message, and of one page those entries whose values came in part.
type search struct {
	options Options
	wire    *wire
	out     *bufio.Writer
	another func() (*wire, error) // nil: entries that came in part are refused
	second  *wire                 // on which the rest of values is asked for: the pages belong to the first
	rank    map[string]int
	follow  *following                                    // nil: nobody goes on from this answer
	keep    func(anchor string, text []byte) error        // takes each entry in place of out; nil: it is written
	book    *book                                         // of groups; nil: none are asked for
	sink    func(dn []byte, attributes []attribute) error // takes each entry in place of out; nil: it is written
	places  map[string]bool                               // below which entries lie; nil: nobody wants to know

	page, entries int
	seen          map[uint64]bool // pages
	seed          maphash.Seed
	pending       []partial
	held          int // bytes of pending
	attributes    []attribute
	line          []byte
}

// An attribute is one of an entry, with its values.
type attribute struct {
	name   []byte
	values [][]byte
}

// A partial is an entry of whose attributes only some values came.
type partial struct {
	dn         string
	attributes []attribute
}

const (
	maxPartial   = 16 << 20 // bytes that are held of one page
	maxEntryName = 16 << 10 // of an entry's name; OpenLDAP has at most half of it
	maxAttribute = 256      // of an attribute's
)

func newSearch(o Options, w *wire, out *bufio.Writer) *search {
	s := &search{options: o, wire: w, out: out, rank: map[string]int{}, seen: map[uint64]bool{}, seed: maphash.MakeSeed()}
	for i, name := range o.Attributes {
		s.rank[strings.ToLower(name)] = i
	}
	return s
}

// incomplete voids the whole answer.
func (s *search) incomplete(text, fix string) error {
	if fix == "" {
		fix = "nothing of it is used; the next run asks again"
	}
	where := ""
	if s.entries > 0 || s.page > 1 {
		where = fmt.Sprintf(" on page %d, after %d entries", s.page, s.entries)
	}
	return &roster.Refusal{Code: "E408", Text: "the answer of the directory is incomplete: " + text + where, Fix: fix}
}

// close ends the connection on which the rest of values was asked for.
func (s *search) close() {
	if s.second != nil {
		s.second.conn.Close()
	}
}

// run asks for everybody, and writes what comes as a drop.
func (s *search) run() error {
	if err := writeHead(s.out, s.options.Attributes); err != nil {
		return err
	}
	if err := s.ask(s.options.filter()); err != nil {
		return err
	}
	return writeEnd(s.out, s.entries)
}

// writeHead begins a drop, and says what was asked for.
func writeHead(out io.Writer, attributes []string) error {
	_, err := fmt.Fprintf(out, "version: 1\n# asked for: %s\n", strings.Join(attributes, " "))
	return err
}

// writeEnd ends a drop, and says how many entries it has.
func writeEnd(out io.Writer, entries int) error {
	_, err := fmt.Fprintf(out, "\n# numEntries: %d\n", entries)
	return err
}

// ask asks for page after page of what a filter finds, with some controls more.
func (s *search) ask(filter string, more ...[]byte) error {
	scope := map[string]int{"base": 0, "one": 1, "sub": 2, "": 2}[s.options.Scope]
	op, err := request(s.options.Base, scope, filter, s.book.wants(s.follow.wants(s.options.Attributes)))
	if err != nil {
		return err
	}
	paged := s.options.PageSize > 0 && !s.follow.syncs()
	cookie, empty := "", 0
	for {
		controls := slices.Clone(more)
		if paged {
			controls = append(controls, control(oidPaging, true, tlv(tagSequence, number(tagInteger, s.options.PageSize), octets(cookie))))
		}
		s.page++
		before := s.entries
		if err := s.wire.ask(op, controls...); err != nil {
			return s.incomplete("the connection broke off ("+reason(err)+")", "")
		}
		res, names, err := s.onePage()
		if err != nil {
			return err
		}
		if err := s.follow.refused(res, s.entries); err != nil {
			return err
		}
		if err := s.judge(res); err != nil {
			return err
		}
		if err := s.complete(); err != nil {
			return err
		}
		next, said, err := res.cookie()
		switch {
		case err != nil:
			return s.incomplete(errMalformed.Error(), "")
		case paged && !said:
			return s.incomplete("the server has not said whether it was the last page", "have the paged results control allowed (RFC 2696), or set page_size: 0")
		}
		if s.entries == before {
			if empty++; empty > 100 {
				return s.incomplete("the server sends empty pages without end", "")
			}
		} else if s.seen[names] {
			return s.incomplete("the server sends the same page again", "have the server looked at, or set page_size: 0")
		}
		s.seen[names] = true
		if cookie = next; cookie == "" {
			return s.follow.done(res)
		}
	}
}

// request is a search as a message.
func request(base string, scope int, filter string, attributes []string) ([]byte, error) {
	packet, err := ldap.CompileFilter(filter)
	if err != nil {
		return nil, fmt.Errorf("source.filter: %w", err)
	}
	if len(attributes) == 0 {
		attributes = []string{"1.1"} // none at all; an empty list means all
	}
	names := make([][]byte, len(attributes))
	for i, a := range attributes {
		names[i] = octets(a)
	}
	return tlv(searchRequest,
		octets(base), number(tagEnumerated, scope), number(tagEnumerated, 0), // aliases are never followed
		number(tagInteger, 0), number(tagInteger, 0), // no limits of our own
		boolean(false), packet.Bytes(), tlv(tagSequence, names...)), nil
}

// onePage writes the entries of a page; names is a hash of their names.
func (s *search) onePage() (res result, names uint64, err error) {
	var hash maphash.Hash
	hash.SetSeed(s.seed)
	for {
		m, err := s.wire.next()
		if err != nil {
			return result{}, 0, s.incomplete("the connection broke off ("+reason(err)+")", "")
		}
		switch m.tag {
		case searchEntry:
			dn, err := s.take(m)
			if err != nil {
				return result{}, 0, err
			}
			_, _ = hash.Write(dn) // never fails
			_ = hash.WriteByte(0)
		case searchReference:
			if err := s.refer(m.body); err != nil {
				return result{}, 0, err
			}
		case searchDone:
			res, err := m.result()
			if err != nil {
				return result{}, 0, s.incomplete(errMalformed.Error(), "")
			}
			return res, hash.Sum64(), nil
		case intermediate:
			if err := s.follow.told(m.body); err != nil {
				return result{}, 0, s.incomplete(err.Error(), "")
			}
		default:
			return result{}, 0, s.incomplete(errMalformed.Error(), "")
		}
	}
}

// take writes an entry, or holds it back where it is in part.
func (s *search) take(m message) (dn []byte, err error) {
	body := m.body
	dn, ranged, err := s.takeApart(body)
	if err != nil {
		return nil, s.incomplete(err.Error(), "")
	}
	there := true
	if s.attributes, there, err = s.follow.entry(s.attributes, m.controls); err != nil {
		return nil, s.incomplete(err.Error(), "")
	}
	if !there {
		return dn, nil
	}
	s.entries++
	if !ranged {
		return dn, s.write(dn, s.attributes)
	}
	p := partial{dn: string(dn)}
	for _, a := range s.attributes {
		copied := attribute{name: bytes.Clone(a.name)}
		for _, v := range a.values {
			copied.values = append(copied.values, bytes.Clone(v))
		}
		p.attributes = append(p.attributes, copied)
	}
	if s.held += len(body); s.held > maxPartial {
		return nil, s.incomplete(fmt.Sprintf("entries with ranges of values have more than %d MiB", maxPartial>>20), "set a smaller page_size, or map fewer attributes with many values")
	}
	s.pending = append(s.pending, p)
	return dn, nil
}

// takeApart finds the attributes of an entry; ranged tells whether some have
// only a part of their values.
func (s *search) takeApart(body []byte) (dn []byte, ranged bool, err error) {
	dn, rest, err := part(body, tagOctets)
	if err != nil {
		return nil, false, err
	}
	if len(dn) > maxEntryName {
		return nil, false, fmt.Errorf("it sent an entry with a name of more than %d KiB", maxEntryName>>10)
	}
	list, _, err := part(rest, tagSequence)
	s.attributes = s.attributes[:0]
	for err == nil && len(list) > 0 {
		var one, name, values []byte
		if one, list, err = part(list, tagSequence); err != nil {
			break
		}
		if name, one, err = part(one, tagOctets); err != nil {
			break
		}
		if values, _, err = part(one, tagSet); err != nil {
			break
		}
		if !isAttribute(name) {
			return nil, false, errMalformed
		}
		a := s.fresh(name)
		for err == nil && len(values) > 0 {
			var v []byte
			if v, values, err = part(values, tagOctets); err == nil {
				a.values = append(a.values, v)
			}
		}
		ranged = ranged || isRanged(name)
	}
	return dn, ranged, err
}

// isAttribute tells whether a name can stand before a colon.
func isAttribute(name []byte) bool {
	for _, c := range name {
		if c <= ' ' || c >= 0x7f || c == ':' || c == '#' {
			return false
		}
	}
	return len(name) > 0 && len(name) <= maxAttribute
}

func isRanged(name []byte) bool {
	if bytes.IndexByte(name, ';') < 0 { // nearly always
		return false
	}
	_, _, _, ranged := rangeOf(string(name))
	return ranged
}

// fresh is one more attribute, whose list of values is used again.
func (s *search) fresh(name []byte) *attribute {
	if len(s.attributes) < cap(s.attributes) {
		s.attributes = s.attributes[:len(s.attributes)+1]
	} else {
		s.attributes = append(s.attributes, attribute{})
	}
	a := &s.attributes[len(s.attributes)-1]
	a.name, a.values = name, a.values[:0]
	return a
}

// rangeOf finds the range in an attribute's name, as in member;range=0-1499. The
// last one ends in a star: then next is zero. What is no number is -1.
func rangeOf(name string) (base string, first, next int, ranged bool) {
	parts := strings.Split(name, ";")
	for i, o := range parts[1:] {
		limits, ok := strings.CutPrefix(strings.ToLower(o), "range=")
		if !ok {
			continue
		}
		base = strings.Join(slices.Delete(slices.Clone(parts), i+1, i+2), ";")
		low, high, _ := strings.Cut(limits, "-")
		first, err := strconv.Atoi(low)
		if err != nil {
			first = -1
		}
		if high == "*" {
			return base, first, 0, true
		}
		n, err := strconv.Atoi(high)
		if err != nil || n < 0 {
			return base, first, -1, true
		}
		return base, first, n + 1, true
	}
	return name, 0, 0, false
}

// complete asks for the missing values of the entries that came in part, and
// writes them.
func (s *search) complete() error {
	for i, p := range s.pending {
		size := 0
		for j := range p.attributes {
			a := &p.attributes[j]
			base, first, next, ranged := rangeOf(string(a.name))
			if ranged && first != 0 {
				return s.ranged(base)
			}
			for ranged && next != 0 {
				more, after, err := s.rest(p.dn, base, next)
				if err != nil {
					return err
				}
				for _, v := range more {
					if size += len(v); size > maxPartial {
						return s.incomplete(fmt.Sprintf("the values of %s in one entry have more than %d MiB", base, maxPartial>>20), "leave the attribute out of map")
					}
				}
				a.values = append(a.values, more...)
				if after != 0 && after <= next {
					return s.ranged(base)
				}
				next = after
			}
			a.name = []byte(base)
		}
		if err := s.write([]byte(p.dn), p.attributes); err != nil {
			return err
		}
		s.pending[i] = partial{} // its values are not held for those of the others
	}
	s.pending, s.held = nil, 0
	return nil
}

func (s *search) ranged(name string) error {
	return s.incomplete("it gave a range of the values of "+name+" and would not give the rest", "leave the attribute out of map, or ask the directory's administrator to raise MaxValRange")
}

// rest asks for the values of one entry from a place on; after is where the next
// range begins, zero at the end. One answer is believed, and it begins at that place.
func (s *search) rest(entry, name string, from int) (values [][]byte, after int, err error) {
	if from < 0 || s.another == nil {
		return nil, 0, s.ranged(name)
	}
	if s.second == nil {
		if s.second, err = s.another(); err != nil {
			return nil, 0, err
		}
	}
	asked := fmt.Sprintf("%s;range=%d-*", name, from)
	op, err := request(entry, 0, "(objectClass=*)", []string{asked})
	if err != nil {
		return nil, 0, err
	}
	if err := s.second.ask(op); err != nil {
		return nil, 0, s.ranged(name)
	}
	found := false
	for {
		m, err := s.second.next()
		if err != nil {
			return nil, 0, s.ranged(name)
		}
		switch m.tag {
		case searchDone:
			if res, err := m.result(); err != nil || res.code != ldap.LDAPResultSuccess || !found {
				return nil, 0, s.ranged(name)
			}
			return values, after, nil
		case searchEntry:
			var got search // it only takes the message apart
			whose, _, err := got.takeApart(m.body)
			if err != nil || dn.Normal(string(whose)) != dn.Normal(entry) {
				return nil, 0, s.ranged(name)
			}
			for _, a := range got.attributes {
				base, first, next, in := rangeOf(string(a.name))
				if !in || !strings.EqualFold(base, name) || next < 0 {
					continue
				}
				if found || first != from {
					return nil, 0, s.ranged(name)
				}
				found, after = true, next
				for _, v := range a.values {
					values = append(values, bytes.Clone(v))
				}
			}
		}
	}
}

// refer judges a reference to another server. Who stands there is missing here,
// but in three partitions of Active Directory stands nobody.
func (s *search) refer(body []byte) error {
	for len(body) > 0 {
		var uri []byte
		var err error
		if uri, body, err = part(body, tagOctets); err != nil {
			return s.incomplete(errMalformed.Error(), "")
		}
		u, err := url.Parse(string(uri))
		if err == nil && s.options.Dialect == "ad" {
			first, _, _ := strings.Cut(strings.ToLower(strings.TrimPrefix(u.Path, "/")), ",")
			if slices.Contains([]string{"cn=configuration", "dc=domaindnszones", "dc=forestdnszones"}, first) {
				return nil
			}
		}
	}
	return s.incomplete("a part of the base lies on another server, and references are never followed", "write a source.base that lies on this server as a whole, or ask a server that holds all of it (Active Directory: the global catalog, port 3269)")
}

// judge says what the end of a page means.
func (s *search) judge(res result) error {
	name := codeName(res.code)
	switch res.code {
	case ldap.LDAPResultSuccess:
		return nil
	case ldap.LDAPResultSizeLimitExceeded:
		return s.incomplete("the server's size limit ("+name+")", s.lift("size=unlimited", "nsSizeLimit: -1 and nsPagedSizeLimit: -1 in the entry of the bind account", "MaxPageSize, which source.page_size may not pass"))
	case ldap.LDAPResultTimeLimitExceeded:
		return s.incomplete("the server's time limit ("+name+")", s.lift("time=unlimited", "nsTimeLimit: -1 in the entry of the bind account", "MaxQueryDuration, or an index for the attributes of source.filter"))
	case ldap.LDAPResultAdminLimitExceeded:
		return s.incomplete("a limit that the administrator has set ("+name+")", s.lift("size.unchecked=unlimited", "nsLookThroughLimit: -1 in the entry of the bind account", "the LDAP policies, or an index for the attributes of source.filter"))
	case ldap.LDAPResultBusy, ldap.LDAPResultUnavailable:
		return s.incomplete("the server is "+strings.ToLower(name), "")
	case ldap.LDAPResultReferral:
		return s.incomplete("the server refers to another one ("+name+"), and references are never followed", "write a source.base that lies on this server, or ask the server that holds it")
	case ldap.LDAPResultNoSuchObject:
		return &roster.Refusal{Code: "E405", Text: "the directory has no source.base, or hides it from the bind account (" + name + ")", Fix: "correct source.base, or ask the directory's administrator for the right to read it"}
	case ldap.LDAPResultInsufficientAccessRights:
		return &roster.Refusal{Code: "E402", Text: "the bind account may not ask this (" + name + ")", Fix: "ask the directory's administrator for the right to read source.base"}
	case ldap.LDAPResultUnavailableCriticalExtension:
		return s.incomplete("the server cannot answer in pages ("+name+")", "set page_size: 0")
	case ldap.LDAPResultOperationsError:
		return s.incomplete(name, "the login may not have been one; check source.bind")
	}
	return s.incomplete(name, "ask the directory's administrator what the server's log says of it")
}

// lift is the line that the directory's administrator needs.
func (s *search) lift(openldap, ds389, ad string) string {
	who := s.options.Bind.DN
	if who == "" {
		who = "DN OF THE BIND ACCOUNT"
	}
	switch s.options.Dialect {
	case "ad":
		return "nothing of it is used; the directory's administrator raises " + ad
	case "389ds":
		return "nothing of it is used; the directory's administrator sets " + ds389
	}
	return fmt.Sprintf("nothing of it is used; the directory's administrator sets: limits dn.exact=%q %s", who, openldap)
}

// write writes an entry. Attributes stand in the order in which they were asked
// for, values by bytes, so that the same entries are the same text.
func (s *search) write(dn []byte, attributes []attribute) error {
	if s.sink != nil {
		return s.sink(dn, attributes)
	}
	// Whoever goes on from this drop will ask again by what groups know an entry.
	attributes = s.book.sign(dn, attributes, func(name []byte) bool { return s.follow != nil || s.place(name) < len(s.rank) })
	if s.places != nil {
		note(s.places, dn)
	}
	slices.SortFunc(attributes, func(a, b attribute) int {
		return cmp.Or(cmp.Compare(s.place(a.name), s.place(b.name)), bytes.Compare(a.name, b.name))
	})
	s.line = appendLine(append(s.line[:0], '\n'), []byte("dn"), dn)
	for _, a := range attributes {
		slices.SortFunc(a.values, bytes.Compare)
		for _, v := range a.values {
			s.line = appendLine(s.line, a.name, v)
		}
		if len(s.line) > 1<<20 && s.keep == nil {
			if _, err := s.out.Write(s.line); err != nil {
				return err
			}
			s.line = s.line[:0]
		}
	}
	if s.keep != nil {
		return s.keep(s.follow.anchorOf(attributes), s.line)
	}
	s.follow.count(attributes)
	_, err := s.out.Write(s.line)
	return err
}

func (s *search) place(name []byte) int {
	var lower [64]byte
	if len(name) <= len(lower) {
		n := copy(lower[:], name)
		for i, c := range lower[:n] {
			if 'A' <= c && c <= 'Z' {
				lower[i] = c + 'a' - 'A'
			}
		}
		if i, ok := s.rank[string(lower[:n])]; ok {
			return i
		}
	}
	return len(s.rank)
}

// appendLine writes a line of LDIF, in base64 where the value is no safe text
// (RFC 2849).
func appendLine(line, name, v []byte) []byte {
	line = append(append(line, name...), ':')
	if safe(v) {
		line = append(append(line, ' '), v...)
	} else {
		line = base64.StdEncoding.AppendEncode(append(line, ':', ' '), v)
	}
	return append(line, '\n')
}

func safe(v []byte) bool {
	if len(v) == 0 {
		return true
	}
	if v[0] == ' ' || v[0] == ':' || v[0] == '<' || v[len(v)-1] == ' ' {
		return false
	}
	for _, c := range v {
		if c >= 0x80 || c == 0 || c == '\n' || c == '\r' {
			return false
		}
	}
	return true
}
