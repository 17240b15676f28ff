package source

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"time"

	"rollcall/internal/fault"
	"rollcall/internal/roster"
)

// After implements [Source].
func (s *files) After(ctx context.Context, d roster.Drop) error {
	if d.Remote == "" || s.options.After == "" || s.options.After == "keep" {
		return nil
	}
	name := path.Base(d.Remote)
	if d.Remote != s.remote(name) {
		return fmt.Errorf("%s: %s lies outside of source.path now and is left alone; move it by hand", s.options.After, d.Remote)
	}
	info, err := s.place.lstat(ctx, name)
	if errors.Is(err, fs.ErrNotExist) {
		s.log.InfoContext(ctx, "drop is gone from its source already", "file", name)
		return nil
	}
	if err != nil {
		return fmt.Errorf("%s %s: %w", s.options.After, name, err)
	}
	if !info.Mode().IsRegular() || info.Size() != d.Size || !sameTime(info.ModTime(), d.Modified) {
		return fmt.Errorf("%s %s: it has changed since it was fetched and is left alone; the next run reads it", s.options.After, name)
	}
	for _, n := range append(s.presentMarkers(ctx, name), name) { // the marker first: alone it would vouch for the next file
		if err := fault.After(s.putAway(ctx, n), "source.away"); err != nil {
			return fmt.Errorf("%s %s: %w", s.options.After, n, err)
		}
	}
	return nil
}

// presentMarkers are the markers of a file that are there.
func (s *files) presentMarkers(ctx context.Context, name string) []string {
	var found []string
	for _, m := range s.options.markers(name) {
		if info, err := s.place.lstat(ctx, m); err == nil && info.Mode().IsRegular() {
			found = append(found, m)
		}
	}
	return found
}

// putAway removes a file, or moves it to where nothing is overwritten.
func (s *files) putAway(ctx context.Context, name string) error {
	folder := s.options.archive()
	if folder == "" {
		return s.place.remove(ctx, name)
	}
	if _, err := s.place.lstat(ctx, folder); errors.Is(err, fs.ErrNotExist) {
		if err := s.place.mkdir(ctx, folder); err != nil {
			return fmt.Errorf("make the folder %s: %w", folder, err)
		}
	}
	to := path.Join(folder, name)
	stamp := time.Now().UTC().Format(".20060102T150405Z")
	for _, suffix := range []string{"", stamp, stamp + "-2", stamp + "-3"} {
		_, err := s.place.lstat(ctx, to+suffix)
		if errors.Is(err, fs.ErrNotExist) {
			return s.place.rename(ctx, name, to+suffix)
		}
		if err != nil {
			return err
		}
	}
	return fmt.Errorf("%s and three more names for it are taken; clean the folder up", to)
}
