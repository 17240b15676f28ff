package source

import (
	"context"
	"fmt"
	"io/fs"
	"slices"
	"time"

	"rollcall/internal/roster"
)

// glance is the time between two looks at a file that is old enough.
const glance = 2 * time.Second

// A watch is what we have seen of one file.
type watch struct {
	file  File
	since time.Time // when it was first seen with this size and time
}

// Settled implements [Source].
func (s *files) Settled(ctx context.Context, wanted []File, patience time.Duration) (settled, growing []File, err error) {
	if len(wanted) == 0 {
		return nil, nil, ErrNoDrop
	}
	pause := min(glance, max(s.options.Settle, 10*time.Millisecond))
	if s.options.Ready != "" {
		pause = min(time.Second, max(patience/10, 10*time.Millisecond))
	}
	deadline := time.Now().Add(patience)
	seen := map[string]watch{}
	for {
		infos, err := s.place.entries(ctx, s.options.concerns)
		if err != nil {
			return nil, nil, err
		}
		settled, growing = s.options.judge(wanted, infos, seen, time.Now())
		if len(settled) > 0 {
			return settled, growing, nil
		}
		if len(growing) == 0 {
			return nil, nil, fmt.Errorf("%w: what was listed is gone again", ErrNoDrop)
		}
		left := time.Until(deadline)
		if left <= 0 {
			return nil, growing, s.options.unsettled(growing, patience)
		}
		select {
		case <-ctx.Done():
			return nil, nil, context.Cause(ctx)
		case <-time.After(min(pause, left)):
		}
	}
}

// concerns tells whether a name can be a drop or a marker.
func (o Options) concerns(name string) bool { return o.matches(name) || o.isMarker(name) }

// judge parts the files of one look, and notes in seen what it saw.
func (o Options) judge(wanted []File, infos []fs.FileInfo, seen map[string]watch, now time.Time) (settled, growing []File) {
	here := make(map[string]fs.FileInfo, len(infos))
	for _, info := range infos {
		if info.Mode().IsRegular() {
			here[info.Name()] = info
		}
	}
	for _, w := range wanted {
		info, ok := here[w.Name]
		if !ok {
			continue
		}
		f := fileOf(info)
		if before, ok := seen[f.Name]; !ok || !sameFile(before.file, f) {
			seen[f.Name] = watch{f, now}
		}
		if o.stands(f, now.Sub(seen[f.Name].since), now) || o.marked(f, here) {
			settled = append(settled, f)
		} else {
			growing = append(growing, f)
		}
	}
	slices.SortFunc(settled, older)
	slices.SortFunc(growing, older)
	return settled, growing
}

// stands tells whether f, which we saw unchanged for a while, has settled by
// time alone. A time in the future says nothing about the age, because one of
// the clocks is wrong: then only what we saw counts.
func (o Options) stands(f File, unchanged time.Duration, now time.Time) bool {
	if o.Ready != "" || unchanged == 0 {
		return false
	}
	old := now.Sub(f.Modified) >= o.Settle
	return unchanged >= o.Settle || old && unchanged >= glance
}

// marked tells whether a marker of f is there. One that is older than f is
// yesterday's.
func (o Options) marked(f File, here map[string]fs.FileInfo) bool {
	for _, name := range o.markers(f.Name) {
		if m, ok := here[name]; ok && !m.ModTime().Before(f.Modified) {
			return true
		}
	}
	return false
}

func (o Options) unsettled(growing []File, patience time.Duration) error {
	newest := growing[len(growing)-1]
	text := fmt.Sprintf("%s did not stand still for %s within %s", newest.Name, o.Settle, patience.Round(time.Millisecond))
	fix := ""
	if o.Ready != "" {
		text = fmt.Sprintf("%s has no marker %s that is as new as itself, after %s", newest.Name, o.markers(newest.Name)[0], patience.Round(time.Millisecond))
		fix = "wait until the sender writes the marker; the next run looks again"
	}
	return &roster.Refusal{Code: "E406", Text: text, Fix: fix}
}

func sameFile(a, b File) bool { return a.Size == b.Size && sameTime(a.Modified, b.Modified) }
