package run

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"time"

	"rollcall/internal/mapping"
	"rollcall/internal/roster"
	"rollcall/internal/source"
)

// A Checkup is what was found when a profile's source was asked for real. It has
// changed nothing.
type Checkup struct {
	Profile string        `json:"profile"`
	Source  string        `json:"source"` // dir, sftp, ldap
	Fine    []string      `json:"fine"`
	Doubts  []Doubt       `json:"doubts"` // worth a look before the next run
	Trouble string        `json:"trouble,omitempty"`
	Took    time.Duration `json:"-"`
}

// A Doubt is something that a run would not stop at, or would trip over.
type Doubt struct {
	Text string `json:"text"`
	Fix  string `json:"fix"`
}

func (c *Checkup) fine(format string, args ...any) {
	c.Fine = append(c.Fine, fmt.Sprintf(format, args...))
}

func (c *Checkup) doubt(text, fix string) { c.Doubts = append(c.Doubts, Doubt{text, fix}) }

// Examine connects to the source of a profile, lists what is there, and reads a
// directory to its end, into a folder of the spool that is removed again. The
// error is why that did not go well; what was found until then stands in the
// checkup. It needs no store.
func (r *Runner) Examine(ctx context.Context, p *Profile) (*Checkup, error) {
	began := time.Now()
	c := &Checkup{Profile: p.Name, Source: p.Source.Type, Fine: []string{}, Doubts: []Doubt{}}
	err := r.examine(ctx, p, c)
	if err != nil {
		c.Trouble = err.Error()
	}
	c.Took = time.Since(began)
	return c, err
}

func (r *Runner) examine(ctx context.Context, p *Profile, c *Checkup) (err error) {
	src, err := source.Open(ctx, p.Source, r.Log)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, src.Close()) }()
	switch p.Source.Type {
	case "ldap":
		r.servers(ctx, p, source.ServerOf(src), c)
		return r.directory(ctx, p, src, c)
	case "sftp":
		c.fine("reached, host key verified, and logged in")
	}
	listing, err := src.List(ctx)
	if err != nil {
		return err
	}
	if n := len(listing.Files); n > 0 {
		newest := listing.Files[n-1]
		c.fine("the folder was listed; files that match: %d, the newest %q of %s", n, newest.Name, newest.Modified.In(p.Zone).Format("2006-01-02 15:04"))
	} else {
		c.fine("the folder was listed")
		c.doubt("no file matches source.path", "check source.path, and whether HR has sent the file")
	}
	for _, why := range listing.Ignored {
		c.doubt("left alone: "+why, "rename it or take it away, if it is a drop")
	}
	return nil
}

// servers tells which server answers, and tries the others too: a run asks the first
// that it reaches, and what is wrong with the next shows on the day on which it is needed.
func (r *Runner) servers(ctx context.Context, p *Profile, answers string, c *Checkup) {
	if len(p.Source.URLs) == 1 {
		c.fine("reached, and logged in")
		return
	}
	c.fine("reached %s, and logged in", answers)
	for _, u := range p.Source.URLs {
		if u == answers || ctx.Err() != nil {
			continue
		}
		o := p.Source
		o.URLs = []string{u}
		other, err := source.Open(ctx, o, nil)
		if err == nil {
			err = other.Close()
		}
		refused, ok := errors.AsType[*roster.Refusal](err)
		switch {
		case err == nil:
			c.fine("%s answers too, and let us in", u)
		case ok && refused.Code == "E401":
			c.doubt("source.urls: "+refused.Text, "check its host, port and network, or take it out of source.urls; runs ask the others meanwhile")
		case ok:
			c.doubt("source.urls: "+refused.Text, refused.Remedy())
		default:
			c.doubt("source.urls: "+u+" cannot be asked: "+err.Error(), "runs ask the others meanwhile")
		}
	}
}

// directory reads everybody and looks at what the mapping makes of them.
func (r *Runner) directory(ctx context.Context, p *Profile, src source.Source, c *Checkup) error {
	spool, err := r.folder("spool")
	if err != nil {
		return err
	}
	dir, err := os.MkdirTemp(spool, "_doctor-")
	if err != nil {
		return fmt.Errorf("spool: %w", err)
	}
	defer func() { _ = os.RemoveAll(dir) }() // the sweep of the spool would find it too
	listing, err := src.List(ctx)
	if err != nil {
		return err
	}
	drop, err := src.Fetch(ctx, listing.Files[0], dir)
	if err != nil {
		return err
	}
	x, err := r.open(p, &fetched{drop: drop})
	if err != nil {
		return err
	}
	seen := map[roster.Key]int{}
	codes := map[string]int{}
	entries, flawed := 0, 0
	for e, err := range x.entries() {
		if err != nil {
			return err
		}
		entries++
		if e.Key != "" {
			seen[e.Key]++
		}
		if code := worst(e.Problems); code != "" {
			flawed++
			codes[code]++
		}
	}
	c.fine("read to the end: %d entries, %d bytes", entries, drop.Size)
	if unseen := x.file.Unseen(); len(unseen) > 0 {
		c.doubt("no entry has "+strings.Join(unseen, ", "), "check the spelling, what the bind account may read, and that the server is no global catalog (3268, 3269), which has few attributes; else nobody has a value there")
	}
	for _, note := range x.notes {
		if note.Column != "" && !slices.Contains(x.file.Unseen(), note.Column) {
			c.doubt(note.Column+": "+note.Message(), note.Remedy())
		}
	}
	c.doubles(seen)
	if !p.Mapping.Groups.IsZero() {
		c.groups(p.Mapping.Groups, source.GroupsOf(src))
	}
	if err := r.goesOn(ctx, p, drop, dir, c); err != nil {
		return err
	}
	if flawed > 0 {
		var parts []string
		for code, n := range codes {
			parts = append(parts, fmt.Sprintf("%d × %s %s", n, code, roster.Codes[code].Text))
		}
		slices.Sort(parts)
		c.doubt(fmt.Sprintf("entries that do not map cleanly: %d (%s)", flawed, strings.Join(parts, ", ")), "rollcall plan "+c.Profile+" names them; source.filter may leave out who is no person")
	} else {
		c.fine("every entry maps cleanly")
	}
	return nil
}

// goesOn asks the directory once more, for what has changed since the drop.
func (r *Runner) goesOn(ctx context.Context, p *Profile, drop roster.Drop, dir string, c *Checkup) (err error) {
	if !p.Source.Follows() {
		return nil
	}
	how := fmt.Sprintf("changes alone (source.incremental: %s)", p.Source.Incremental)
	if lack := drop.Reading.Lack; lack.Text != "" {
		c.doubt("the directory cannot be asked for "+how+", so that every run reads all: "+lack.Text, lack.Fix)
		return nil
	}
	o := p.Source
	o.Since = &source.Since{State: drop.Reading.State, Path: drop.Path, SHA256: drop.SHA256, Size: drop.Size, Now: time.Now()}
	src, err := source.Open(ctx, o, r.Log)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, src.Close()) }()
	listing, err := src.List(ctx)
	if err != nil {
		return err
	}
	again, err := src.Fetch(ctx, listing.Files[0], dir)
	if err != nil {
		return err
	}
	got := again.Reading
	if got.All {
		c.doubt("asked for "+how+", and all had to be read: "+got.Why.Text, got.Why.Fix)
		return nil
	}
	c.fine("asked again, for %s: %d entries are new or changed, %d gone", how, got.Changed, got.Gone)
	if got.Blind.Text != "" {
		c.doubt(got.Blind.Text, got.Blind.Fix)
	}
	for _, name := range p.Source.Attributes {
		if strings.EqualFold(name, "memberOf") {
			c.doubt("memberOf is mapped, and an entry does not count as changed where it comes into a group", "map something else, or write incremental: none; what has changed there is seen when all is read (source.full_every)")
		}
	}
	return nil
}

// doubles counts the keys that stand on several entries.
func (c *Checkup) doubles(seen map[roster.Key]int) {
	var several []string
	for key, n := range seen {
		if n > 1 {
			several = append(several, string(key))
		}
	}
	if len(several) == 0 {
		c.fine("every key stands on one entry")
		return
	}
	slices.Sort(several)
	c.doubt(fmt.Sprintf("keys that stand on several entries: %d (%s)", len(several), some(several)), "none of these people would be touched (E105): part them with source.filter, as an administrator's second account, or correct the directory")
}

// groups holds the patterns of groups: against the groups that the directory has.
func (c *Checkup) groups(g mapping.Groups, names []string) {
	idle, strangers := g.Misfits(names)
	c.fine("groups that the directory has: %d, of which %d make something of their members", len(names), len(names)-len(strangers))
	for _, pattern := range idle {
		c.doubt(fmt.Sprintf("groups.%s fits no group that the directory has", pattern), "correct the pattern, or groups.base and groups.filter; else have the group made: until then nobody gets what it grants")
	}
	if len(strangers) > 0 {
		c.doubt(fmt.Sprintf("groups that no pattern of groups: fits: %d (%s)", len(strangers), some(strangers)), "nothing to do where they mean nothing here, or only lie between others (nested: on); else write a pattern for them, or leave them out with groups.filter")
	}
}

// some are the first of several names.
func some(names []string) string {
	const most = 5
	if len(names) > most {
		return strings.Join(names[:most], ", ") + ", …"
	}
	return strings.Join(names, ", ")
}

// worst is the code of the problem that matters most; "" where none does.
func worst(problems []roster.Problem) string {
	code := ""
	for _, p := range problems {
		switch {
		case p.Severity == roster.SeverityError:
			return p.Code
		case p.Severity == roster.SeverityWarning && code == "":
			code = p.Code
		}
	}
	return code
}
