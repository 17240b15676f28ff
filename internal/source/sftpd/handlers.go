package sftpd

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"strings"

	"github.com/pkg/sftp"
)

// folder answers what clients ask of the one folder that is served. It cannot
// be left: every name goes through [os.Root].
type folder struct{ root *os.Root }

func handlers(root *os.Root) sftp.Handlers {
	f := folder{root}
	return sftp.Handlers{FileGet: f, FilePut: f, FileCmd: f, FileList: f}
}

// local turns the absolute path of a request into a name below the folder.
func local(path string) string {
	if name := strings.Trim(path, "/"); name != "" {
		return name
	}
	return "."
}

// Fileread opens a file; the server closes it.
func (f folder) Fileread(r *sftp.Request) (io.ReaderAt, error) {
	return f.root.Open(local(r.Filepath))
}

// Filewrite refuses uploads.
func (f folder) Filewrite(*sftp.Request) (io.WriterAt, error) {
	return nil, sftp.ErrSSHFxPermissionDenied
}

// Filecmd does what a client needs to put a file away.
func (f folder) Filecmd(r *sftp.Request) error {
	name := local(r.Filepath)
	switch r.Method {
	case "Mkdir":
		return f.root.Mkdir(name, 0o755)
	case "Remove", "Rmdir":
		return f.root.Remove(name)
	case "Rename":
		if _, err := f.root.Lstat(local(r.Target)); !errors.Is(err, fs.ErrNotExist) {
			return sftp.ErrSSHFxFailure // the protocol's rename does not overwrite
		}
		return f.root.Rename(name, local(r.Target))
	case "PosixRename":
		return f.root.Rename(name, local(r.Target))
	}
	return sftp.ErrSSHFxOpUnsupported
}

// PosixRename is the rename that overwrites.
func (f folder) PosixRename(r *sftp.Request) error {
	return f.root.Rename(local(r.Filepath), local(r.Target))
}

// Filelist lists a folder or looks at a file.
func (f folder) Filelist(r *sftp.Request) (sftp.ListerAt, error) {
	name := local(r.Filepath)
	switch r.Method {
	case "List":
		d, err := f.root.Open(name)
		if err != nil {
			return nil, err
		}
		defer d.Close()
		infos, err := d.Readdir(-1)
		return listing(infos), err
	case "Stat":
		info, err := f.root.Stat(name)
		return listing{info}, err
	}
	return nil, sftp.ErrSSHFxOpUnsupported
}

// Lstat looks at a link itself.
func (f folder) Lstat(r *sftp.Request) (sftp.ListerAt, error) {
	info, err := f.root.Lstat(local(r.Filepath))
	return listing{info}, err
}

// A listing is handed out in pieces.
type listing []fs.FileInfo

// ListAt copies the entries from offset on.
func (l listing) ListAt(into []fs.FileInfo, offset int64) (int, error) {
	if offset >= int64(len(l)) {
		return 0, io.EOF
	}
	n := copy(into, l[offset:])
	if n < len(into) {
		return n, io.EOF
	}
	return n, nil
}
