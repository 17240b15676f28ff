package source

import (
	"context"
	"path"
	"slices"
	"strings"
)

// maxUnfinished is how many unfinished files are named.
const maxUnfinished = 10

// brokenEnds are the ends of names that programs give to files that they have
// not written to the end.
var brokenEnds = []string{".filepart", ".part", ".partial", ".tmp", ".temp", ".upload", ".uploading", ".writing", ".crdownload", "~"}

// Unfinished looks once more where s looks for drops, and gives the files whose
// names say that they would match if somebody had written them to the end. Oldest
// first, ten at most; of a source that has no files, none.
func Unfinished(ctx context.Context, s Source) ([]File, error) {
	f, ok := s.(*files)
	if !ok {
		return nil, nil
	}
	infos, err := f.place.entries(ctx, f.options.brokenOff)
	if err != nil {
		return nil, err
	}
	var found []File
	for _, info := range infos {
		if info.Mode().IsRegular() {
			found = append(found, fileOf(info))
		}
	}
	slices.SortFunc(found, older)
	return found[:min(len(found), maxUnfinished)], nil
}

// brokenOff tells whether a name is that of a drop that is being written.
func (o Options) brokenOff(name string) bool {
	whole := strings.TrimLeft(name, "._~")
	for _, end := range brokenEnds {
		if strings.HasSuffix(strings.ToLower(whole), end) {
			whole = whole[:len(whole)-len(end)]
			break
		}
	}
	if whole == name {
		return false
	}
	glob := path.Base(o.Path)
	for { // the end of an upload may stand in place of the last suffixes: staff.csv.gz is staff.csv.part
		if ok, err := path.Match(glob, whole); ok && err == nil {
			return true
		}
		end := path.Ext(glob)
		if end == "" || end == glob {
			return false
		}
		glob = strings.TrimSuffix(glob, end)
		if strings.HasSuffix(glob, "*") && len(strings.TrimRight(glob, "*")) == 0 {
			return false // it would match everything
		}
	}
}

// Printable is a name that somebody else has chosen, quoted and cut.
func Printable(name string) string { return printable(name) }
