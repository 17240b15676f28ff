package source

import (
	"bufio"
	"bytes"
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"

	"rollcall/internal/roster"
)

// Since is the drop of a directory from which on its changes are to be read.
type Since struct {
	Run    int64        // that has used it, for whoever looks it up
	State  []byte       // [roster.Reading.State] of it; nil: all is to be read
	Why    roster.Doubt // where State is nil
	Path   string       // of the drop
	SHA256 string       // of it, hex
	Size   int64
	Now    time.Time // by the clock that full_every is measured with
}

// Ways of asking for what has changed.
const (
	byUSN   = "usn"
	byStamp = "timestamp"
	bySync  = "syncrepl"
)

const (
	anchorUUID  = "entryUUID"
	overlap     = 5 * time.Minute // of two readings by the time of change
	stampLayout = "20060102150405"
	markVersion = 1

	maxChanged = 32 << 20 // bytes of entries that have changed; beyond it all is read
	maxGone    = 1 << 16  // who are gone; the same
)

// A mark is how far a reading had come: where the next one goes on.
type mark struct {
	Version  int
	By       string
	Question string    // a hash of what was asked
	Server   string    // who answered, and by what it is known
	Cookie   []byte    `json:",omitempty"`
	USN      int64     `json:",omitempty"`
	Stamp    string    `json:",omitempty"`
	Read     time.Time // when it was asked
	Full     time.Time // when it was asked for all
	Places   string    `json:",omitempty"` // a hash of below what people lie, where groups are asked for
	Blind    bool      `json:",omitempty"` // since then somebody may have been deleted whom we did not see
}

// Follows tells whether a directory is asked for what has changed alone.
func (o Options) Follows() bool { return o.Type == "ldap" && o.incremental() }

func (o Options) incremental() bool { return o.Incremental != "" && o.Incremental != "none" }

// anchor is the attribute by which an entry is known for good.
func (o Options) anchor() string {
	switch {
	case o.Dialect == "ad":
		return "objectGUID"
	case o.Dialect == "389ds" && o.Incremental != bySync:
		return "nsUniqueId"
	}
	return anchorUUID
}

// stampAttribute is the attribute that says when an entry was changed.
func (o Options) stampAttribute() string {
	switch {
	case o.Incremental != byStamp:
		return ""
	case o.Dialect == "ad":
		return "whenchanged"
	}
	return "modifytimestamp"
}

// question is a hash of all that is asked: another one has another answer.
func (o Options) question() string {
	asked := []any{o.Incremental, o.Dialect, o.Base, o.Scope, o.filter(), o.Attributes, markVersion}
	if o.Groups.Base != "" {
		asked = append(asked, o.Groups)
	}
	text, err := json.Marshal(asked)
	if err != nil {
		panic(err) // plain data
	}
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:16])
}

// An identity is who answers, and how far it has come.
type identity struct {
	server  string
	usn     int64
	deleted string // where Active Directory keeps who was deleted
}

// identify asks a server who it is. A doubt is one about following it: everybody
// can be read all the same.
func (d *directory) identify(ctx context.Context, w *wire) (identity, error) {
	o := d.options
	if o.Dialect != "ad" {
		base, err := d.look(ctx, w, o.Base, []string{o.anchor()})
		if err != nil {
			return identity{}, err
		}
		return identity{server: w.server + " " + base[strings.ToLower(o.anchor())]}, nil
	}
	root, err := d.look(ctx, w, "", []string{"dsServiceName", "highestCommittedUSN", "defaultNamingContext", "dnsHostName"})
	if err != nil {
		return identity{}, err
	}
	ask := "ask the directory's administrator why; until then every run reads all"
	if root["dsservicename"] == "" {
		return identity{}, &doubt{"the server does not say who it is (dsServiceName)", ask}
	}
	service, err := d.look(ctx, w, root["dsservicename"], []string{"invocationId"})
	if err != nil {
		return identity{}, err
	}
	if service["invocationid"] == "" {
		return identity{}, &doubt{"the bind account may not read the server's invocationId, by which its numbers are known to be its own", "have it given the right to read CN=Sites,CN=Configuration"}
	}
	who := identity{server: root["dnshostname"] + " " + hex.EncodeToString([]byte(service["invocationid"]))}
	// Somebody will copy it into a command: it is a domain's name, or none.
	if domain := root["defaultnamingcontext"]; domain != "" && !strings.ContainsFunc(domain, inNoDomain) {
		who.deleted = "CN=Deleted Objects," + domain
	}
	who.usn, err = strconv.ParseInt(root["highestcommittedusn"], 10, 64)
	if o.Incremental == byUSN && (err != nil || who.usn <= 0) {
		return identity{}, &doubt{"the server does not say how far it has counted (highestCommittedUSN)", ask}
	}
	return who, nil
}

// inNoDomain tells what is in no domain's name.
func inNoDomain(c rune) bool {
	return !unicode.IsLetter(c) && !unicode.IsDigit(c) && !strings.ContainsRune("=,.-_ ", c)
}

// look reads one entry: one value of each attribute, by its name in lower case.
// What may not be read is not there.
func (d *directory) look(ctx context.Context, w *wire, dn string, attributes []string, more ...[]byte) (map[string]string, error) {
	found := map[string]string{}
	s := newSearch(Options{Base: dn, Scope: "base", Attributes: attributes}, w, nil)
	s.follow = &following{}
	s.keep = func(string, []byte) error {
		if s.entries > 1 {
			return s.incomplete("it gave several entries of one name", "")
		}
		for _, a := range s.attributes {
			if len(a.values) > 0 && slices.ContainsFunc(attributes, func(n string) bool { return is(a.name, strings.ToLower(n)) }) {
				if len(a.values[0]) > maxCookie {
					return s.incomplete("a value by which it is known is too large", "")
				}
				found[strings.ToLower(string(a.name))] = string(a.values[0])
			}
		}
		return nil
	}
	err := s.ask("(objectClass=*)", more...)
	if r, refused := errors.AsType[*roster.Refusal](err); refused && (r.Code == "E405" || r.Code == "E402") {
		return found, nil
	}
	if err != nil && ctx.Err() != nil {
		err = context.Cause(ctx)
	}
	return found, err
}

// from reads what the mark of an earlier reading says, or why it is of no use.
func (d *directory) from(since *Since) (mark, error) {
	var m mark
	switch {
	case since == nil:
		return m, &doubt{}
	case since.State == nil:
		return m, &doubt{since.Why.Text, since.Why.Fix}
	case json.Unmarshal(since.State, &m) != nil || m.Version != markVersion:
		return m, &doubt{text: "what is remembered of the last reading cannot be read"}
	case m.By != d.options.Incremental || m.Question != d.options.question():
		return m, &doubt{text: "something else is asked for than the last time"}
	case since.Now.Before(m.Read):
		return m, &doubt{text: "the last reading lies in the future: the clock of this machine has been put back", fix: "check the clock"}
	case since.Now.Sub(m.Full) >= d.options.FullEvery:
		return m, &doubt{text: fmt.Sprintf("all is read every %s (source.full_every)", short(d.options.FullEvery))}
	}
	return m, nil
}

// short is a duration as people write it.
func short(t time.Duration) string {
	text := t.String()
	text = strings.TrimSuffix(text, "0s")
	if strings.HasSuffix(text, "h0m") {
		text = strings.TrimSuffix(text, "0m")
	}
	return text
}

// stampOf reads when an entry was changed, to the second.
func stampOf(text string) (string, bool) {
	if len(text) < len(stampLayout) {
		return "", false
	}
	_, err := time.Parse(stampLayout, text[:len(stampLayout)])
	return text[:len(stampLayout)], err == nil
}

// changedSince is the filter that finds what has changed since a mark, of those
// whom another one finds.
func (o Options) changedSince(m mark, among string) string {
	if o.Incremental == byUSN {
		return fmt.Sprintf("(&(uSNChanged>=%d)%s)", m.USN+1, among)
	}
	at, _ := time.Parse(stampLayout, m.Stamp) // it was written by this program
	zone := "Z"
	if o.Dialect == "ad" {
		zone = ".0Z"
	}
	return fmt.Sprintf("(&(%s>=%s%s)%s)", o.stampAttribute(), at.Add(-overlap).Format(stampLayout), zone, among)
}

// changes is what has changed: entries as they are written down, by their
// anchors, and who is gone.
type changes struct {
	texts map[string][]byte
	order []string // in which they came
	came  int      // how many
	gone  map[string]bool
	many  bool // more are gone than are counted
	size  int
}

func (c *changes) keep(anchor string, text []byte) error {
	if anchor == "" {
		return &doubt{text: "an entry that has changed has no name for good"}
	}
	if c.size += len(text); c.size > maxChanged {
		return &doubt{text: fmt.Sprintf("what has changed is more than %d MiB", maxChanged>>20)}
	}
	if _, known := c.texts[anchor]; !known {
		c.order = append(c.order, anchor)
	}
	c.texts[anchor] = bytes.Clone(text)
	delete(c.gone, anchor)
	return nil
}

func (c *changes) lose(anchor string) {
	if len(c.gone) == maxGone && !c.gone[anchor] {
		c.many = true
		return
	}
	delete(c.texts, anchor)
	c.gone[anchor] = true
}

// readChanges asks what has changed since m, and moves m on. A [*doubt] says that
// all must be read.
func (d *directory) readChanges(ctx context.Context, since *Since, m *mark, now time.Time) (c *changes, blind roster.Doubt, err error) {
	who, err := d.identify(ctx, d.wire)
	if err != nil {
		return nil, blind, err
	}
	switch {
	case who.server != m.Server:
		return nil, blind, &doubt{text: "another server has answered than the last time, or the same with another database", fix: "each server counts its changes by itself; name the one that is there most first in source.urls"}
	case d.options.Incremental == byUSN && who.usn < m.USN:
		return nil, blind, &doubt{text: "the server counts from less than the last time (USN rollback): it may have been restored from a copy", fix: "ask the directory's administrator"}
	}
	book, err := d.readGroups(ctx)
	if err != nil {
		return nil, blind, err
	}
	c = &changes{texts: map[string][]byte{}, gone: map[string]bool{}}
	f := d.following()
	f.going, f.gone, f.cookie, f.newest = true, c.lose, string(m.Cookie), m.Stamp
	s := d.search(ctx, f, nil)
	s.book, s.keep = book, c.keep
	if d.options.Incremental == bySync {
		err = s.ask(d.options.filter(), syncControl(f.cookie))
	} else {
		err = s.ask(d.options.changedSince(*m, d.options.filter()))
	}
	s.close()
	if err != nil {
		return nil, blind, err
	}
	if c.many {
		return nil, blind, &doubt{text: fmt.Sprintf("more than %d have been deleted", maxGone)}
	}
	if f.unaged > 0 {
		return nil, blind, &doubt{text: "an entry does not say when it was changed"}
	}
	switch {
	case d.options.Incremental == bySync:
	case d.options.Dialect == "ad":
		if blind, err = d.deletions(ctx, *m, who, c); err != nil {
			return nil, blind, err
		}
		if m.Blind && blind.Text == "" {
			return nil, blind, &doubt{text: "the bind account may see now who was deleted, and could not before"}
		}
		m.Blind = blind.Text != ""
	default:
		blind = unseenDeletions
	}
	c.came = len(c.texts)
	if err := d.regroup(ctx, since, c, book, m); err != nil {
		return nil, blind, err
	}
	m.Cookie, m.USN, m.Stamp, m.Read = []byte(f.cookie), who.usn, d.stamp(f.newest, now), now
	return c, blind, nil
}

var unseenDeletions = roster.Doubt{
	Text: "by the time of change nobody is seen to be deleted, or to have left source.base or source.filter, until all is read (source.full_every)",
	Fix:  "nothing to do where that is soon enough; else a smaller full_every, or usn or syncrepl where the server knows them",
}

// stamp is the newest time of change, but none that lies ahead: whoever is changed
// later has a later one.
func (d *directory) stamp(newest string, now time.Time) string {
	if d.options.Incremental != byStamp {
		return ""
	}
	if at := now.UTC().Format(stampLayout); newest == "" || newest > at {
		return at
	}
	return newest
}

// deletions finds whom Active Directory has deleted since m. Not every account
// may see that: whoever may not gets an error, or nothing at all and no error, as if
// nobody were gone. Who may read the container itself may see them.
func (d *directory) deletions(ctx context.Context, m mark, who identity, c *changes) (blind roster.Doubt, err error) {
	const oidShowDeleted = "1.2.840.113556.1.4.417"
	unseen := roster.Doubt{
		Text: "the bind account may not see who was deleted, so that is found when all is read (source.full_every)",
		Fix:  `have it given the right to list and read there: dsacls "` + cmp.Or(who.deleted, "CN=Deleted Objects,DC=…") + `" /takeownership, then /G ACCOUNT:LCRP`,
	}
	if who.deleted == "" {
		return unseen, nil
	}
	showDeleted := control(oidShowDeleted, true, nil)
	if container, err := d.look(ctx, d.wire, who.deleted, []string{"isDeleted"}, showDeleted); err != nil || container["isdeleted"] == "" {
		return unseen, err
	}
	o := d.options
	o.Base, o.Scope, o.Attributes = who.deleted, "sub", []string{o.anchor()}
	s := newSearch(o, d.wire, nil)
	s.follow = &following{anchor: strings.ToLower(o.anchor())}
	seen := 0
	s.keep = func(anchor string, _ []byte) error {
		if seen++; seen > maxGone {
			return &doubt{text: "too many have been deleted"}
		}
		if anchor != "" {
			c.lose(anchor)
		}
		return nil
	}
	err = s.ask(d.options.changedSince(m, "(isDeleted=TRUE)"), showDeleted)
	if r, refused := errors.AsType[*roster.Refusal](err); refused && (r.Code == "E405" || r.Code == "E402") {
		return unseen, nil
	}
	return roster.Doubt{}, err
}

// following is what is noted of an answer, so that the next can go on from it.
func (d *directory) following() *following {
	return &following{anchor: strings.ToLower(d.options.anchor()), stamp: d.options.stampAttribute(), sync: d.options.Incremental == bySync}
}

// merge writes a drop of everybody: those of an earlier drop, but for who has
// changed and who is gone, and then the new ones. A [*doubt] says that the earlier
// drop cannot be believed.
func (d *directory) merge(since *Since, c *changes, to io.Writer) (changed, gone int, err error) {
	f, err := os.Open(since.Path)
	if err != nil {
		return 0, 0, &doubt{text: "the drop before is no longer in the archive"}
	}
	defer f.Close()
	hash := sha256.New()
	p := &blocks{in: bufio.NewReaderSize(io.TeeReader(f, hash), 256<<10), anchor: strings.ToLower(d.options.anchor())}
	if err := p.head(d.options.Attributes); err != nil {
		return 0, 0, err
	}
	out := bufio.NewWriterSize(to, 256<<10)
	if err := writeHead(out, d.options.Attributes); err != nil {
		return 0, 0, err
	}
	entries, fresh, seen := 0, map[string]bool{}, map[string]bool{}
	former := map[string]bool{} // names that nobody has any more, as values are written
	for anchor := range c.texts {
		fresh[anchor] = true
	}
	for {
		anchor, text, err := p.next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return 0, 0, err
		}
		now, has := c.texts[anchor]
		if (has || c.gone[anchor]) && seen[anchor] {
			return 0, 0, errEarlier
		}
		switch {
		case c.gone[anchor]:
			gone++
			seen[anchor], former[nameLine(text)] = true, true
			continue
		case has:
			seen[anchor] = true
			delete(fresh, anchor)
			if !bytes.Equal(now, text) {
				changed++
			}
			if name := nameLine(text); name != nameLine(now) {
				former[name] = true
			}
			text = now
		}
		entries++
		if _, err := out.Write(text); err != nil {
			return 0, 0, err
		}
	}
	if hex.EncodeToString(hash.Sum(nil)) != since.SHA256 {
		return 0, 0, errEarlier
	}
	if d.options.Incremental == bySync && c.came > 10 && 2*c.came > p.read {
		// OpenLDAP sends everybody anew for a cookie that it cannot read, and as if nobody were gone.
		return 0, 0, &doubt{text: "more than half of the entries came as changed"}
	}
	if len(former) > 0 {
		if err := d.referred(since, c, former); err != nil {
			return 0, 0, err
		}
	}
	for _, anchor := range c.order {
		if !fresh[anchor] || c.gone[anchor] {
			continue
		}
		delete(fresh, anchor)
		changed++
		entries++
		if _, err := out.Write(c.texts[anchor]); err != nil {
			return 0, 0, err
		}
	}
	if err := writeEnd(out, entries); err != nil {
		return 0, 0, err
	}
	return changed, gone, out.Flush()
}

// nameLine is an entry's name as a line of its own has it, from the colon on.
func nameLine(text []byte) string {
	line, _, _ := bytes.Cut(bytes.TrimPrefix(text, []byte("\n")), []byte("\n"))
	return string(bytes.TrimPrefix(line, []byte("dn")))
}

// earlier reads the drop before, behind its head.
func (d *directory) earlier(since *Since) (*blocks, io.Closer, error) {
	f, err := os.Open(since.Path)
	if err != nil {
		return nil, nil, errEarlier
	}
	p := &blocks{in: bufio.NewReaderSize(f, 256<<10), anchor: strings.ToLower(d.options.anchor())}
	if err := p.head(d.options.Attributes); err != nil {
		_ = f.Close() // only read
		return nil, nil, err
	}
	return p, f, nil
}

// referred doubts where somebody who has not changed refers to a name that nobody
// has any more: to a manager who has another one now, or is gone. Active Directory
// writes these references anew, and no number tells of it.
func (d *directory) referred(since *Since, c *changes, former map[string]bool) error {
	p, f, err := d.earlier(since)
	if err != nil {
		return err
	}
	defer f.Close()
	for {
		anchor, text, err := p.next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		if _, has := c.texts[anchor]; has || c.gone[anchor] {
			continue
		}
		_, rest, _ := bytes.Cut(text[1:], []byte("\n"))
		for line := range bytes.Lines(rest) {
			if i := bytes.IndexByte(line, ':'); i >= 0 && former[string(bytes.TrimSuffix(line[i:], []byte("\n")))] {
				return &doubt{text: "somebody refers to an entry that has another name now, or is gone"}
			}
		}
	}
}

var errEarlier = &doubt{text: "the drop before is not what was written down"}

// blocks reads the entries of a drop that this room has written, as they stand
// there.
type blocks struct {
	in     *bufio.Reader
	anchor string // in lower case
	line   []byte
	text   []byte
	read   int // entries
}

// head reads the beginning, which says what was asked for.
func (p *blocks) head(attributes []string) error {
	var want bytes.Buffer
	if err := writeHead(&want, attributes); err != nil {
		return err
	}
	got := make([]byte, want.Len())
	if _, err := io.ReadFull(p.in, got); err != nil || !bytes.Equal(got, want.Bytes()) {
		return errEarlier
	}
	if err := p.nextLine(); err != nil || len(p.line) != 1 {
		return errEarlier
	}
	return nil
}

// nextLine reads a line with its end. The writer folds none.
func (p *blocks) nextLine() error {
	p.line = p.line[:0]
	for {
		part, err := p.in.ReadSlice('\n')
		p.line = append(p.line, part...)
		if errors.Is(err, bufio.ErrBufferFull) {
			continue
		}
		return err
	}
}

// next is an entry, with the empty line before it. It lasts until the next one.
// At the end it has read all of the file, or refuses it.
func (p *blocks) next() (anchor string, text []byte, err error) {
	p.text = append(p.text[:0], '\n')
	for {
		err := p.nextLine()
		switch {
		case errors.Is(err, io.EOF) && len(p.line) == 0 && len(p.text) > 1 && p.text[1] == '#':
			return "", nil, p.end()
		case err != nil:
			return "", nil, errEarlier
		case len(p.line) == 1: // the empty line before the next
			if anchor == "" || !bytes.HasPrefix(p.text, []byte("\ndn:")) {
				return "", nil, errEarlier
			}
			p.read++
			return anchor, p.text, nil
		}
		p.text = append(p.text, p.line...)
		name, value, _ := bytes.Cut(p.line, []byte(":"))
		if !is(name, p.anchor) {
			continue
		}
		if anchor != "" {
			return "", nil, errEarlier
		}
		value = bytes.TrimSuffix(value, []byte("\n"))
		if packed, is64 := bytes.CutPrefix(value, []byte(": ")); is64 {
			raw, err := base64.StdEncoding.DecodeString(string(packed))
			if err != nil {
				return "", nil, errEarlier
			}
			anchor = string(raw)
		} else {
			anchor = string(bytes.TrimPrefix(value, []byte(" ")))
		}
	}
}

// end proves the number of entries, by which the drop ends.
func (p *blocks) end() error {
	var want bytes.Buffer
	if err := writeEnd(&want, p.read); err != nil {
		return err
	}
	if !bytes.Equal(p.text, want.Bytes()) {
		return errEarlier
	}
	return io.EOF
}
