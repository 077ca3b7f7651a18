package files

import (
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"

	"github.com/tykmesh/tykmesh/cmd/internal/prose"
	"github.com/tykmesh/tykmesh/cmd/internal/signals"
)

// Replace replaces a file in one step, so that no reader sees half of it. It replaces the file
// behind a link, not the link. The file keeps its mode, and its owner if the user may give files
// away. A pipe, a terminal or a device is written to.
//
// Errors: *ReplaceError; *fs.PathError.
func Replace(path string, data []byte) error {
	defer signals.Hold()()
	p, err := prepare(path, data, anyRights)
	if err != nil {
		return err
	}
	return p.commit()
}

// replaceSecret does what Replace does, and takes the file's rights from everyone but its owner.
func replaceSecret(path string, data []byte) error {
	defer signals.Hold()()
	p, err := prepare(path, data, 0o600)
	if err != nil {
		return err
	}
	return p.commit()
}

// anyRights limits the rights of no file.
const anyRights = fs.FileMode(0o777)

// prepared is a temporary file that is ready to replace another, or the text for a pipe or device.
type prepared struct {
	temporary, path string
	stream          []byte // the text, if temporary is ""
}

// prepare writes the new text of a file beside it, with the rights of the file as far as most has
// them. A new file gets those that the umask leaves.
//
// Errors: *ReplaceError for a directory, a read-only file and a file with several names;
// *fs.PathError.
func prepare(path string, data []byte, most fs.FileMode) (p prepared, err error) {
	mode := most & 0o666 // no text is a program
	old, err := stat(path)
	switch {
	case err == nil && isStream(old.Mode()):
		return prepared{path: path, stream: data}, nil
	case err == nil:
		if err := checkReplaceable(path, old); err != nil {
			return p, err
		}
		mode = 0o600 // until the owner is set
	}

	final := finalPath(path)

	f, err := createBeside(final, mode)
	if at := (*fs.PathError)(nil); errors.As(err, &at) {
		at.Path = path // as the user calls it
	}

	if err != nil {
		return p, err
	}

	p = prepared{temporary: f.Name(), path: final}
	defer func() {
		if err != nil {
			p.discard()
		}
	}()
	if _, err = f.Write(data); err == nil && old != nil {
		keepOwner(f, old)
		err = f.Chmod(old.Mode().Perm() & most)
	}

	return p, errors.Join(err, f.Sync(), f.Close())
}

// CheckWritable makes sure that [Replace] would succeed, without changing the file.
//
// Errors: those of Replace.
func CheckWritable(path string) error {
	_, err := checkWritable(path)
	return err
}

// checkWritable also reports whether the file would be replaced, and not written to like a pipe.
func checkWritable(path string) (replaceable bool, err error) {
	defer signals.Hold()()
	p, err := prepare(path, nil, anyRights)
	if err != nil {
		return false, err
	}
	p.discard()

	return p.temporary != "", nil
}

// stat describes the file at a path. It follows the path as [finalPath] does: x/../a.yaml is a.yaml
// even if there is no x.
func stat(path string) (fs.FileInfo, error) {
	info, err := os.Stat(path)
	if errors.Is(err, fs.ErrNotExist) && path != "" {
		return os.Stat(finalPath(path))
	}
	return info, err
}

// isStream reports whether a file is a pipe, a terminal or a device such as /dev/null, which cannot
// be replaced.
func isStream(mode fs.FileMode) bool { return mode&(fs.ModeNamedPipe|fs.ModeCharDevice) != 0 }

// checkReplaceable refuses a file that is protected, or that has several names.
func checkReplaceable(path string, old fs.FileInfo) error {
	word := prose.ShellWord(path)
	switch n := linksOf(old); {
	case !old.Mode().IsRegular():
		return &ReplaceError{path: path, why: "is not a regular file"}
	case n > 1:
		return &ReplaceError{path, fmt.Sprintf("has %d names (hard links), of which only one would change", n), fmt.Sprintf("cp -p %s NEW && mv NEW %s makes it a file of its own", word, word)}
	case old.Mode().Perm()&0o222 == 0:
		return &ReplaceError{path, "is read-only", fmt.Sprintf("chmod u+w %s allows it", word)}
	}

	f, err := os.OpenFile(path, os.O_WRONLY, 0)
	if err != nil {
		return err
	}

	return f.Close()
}

// createBeside creates a hidden file with a random name in the directory of another.
func createBeside(path string, mode fs.FileMode) (*os.File, error) {
	name := filepath.Join(filepath.Dir(path), "."+filepath.Base(path)+"."+rand.Text())
	return os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, mode)
}

// finalPath returns the absolute path when all links are followed, also of a file that does not
// exist yet.
func finalPath(path string) string {
	const most = 40 // links in a row, as in Linux; more are a circle
	for range most {
		dir, err := filepath.EvalSymlinks(filepath.Dir(path))
		if err != nil {
			break
		}

		path = filepath.Join(dir, filepath.Base(path))
		leads, err := os.Readlink(path)
		if err != nil {
			break
		}

		if !filepath.IsAbs(leads) {
			leads = filepath.Join(dir, leads)
		}

		path = leads
	}

	if absolute, err := filepath.Abs(path); err == nil {
		return absolute
	}

	return path
}

func (p prepared) commit() error {
	if p.temporary == "" {
		return writeInto(p.path, p.stream)
	}
	if err := os.Rename(p.temporary, p.path); err != nil {
		p.discard()
		return err
	}

	syncDirectory(filepath.Dir(p.path))
	return nil
}

// writeInto writes to a stream. A pipe without a reader would never open.
func writeInto(path string, data []byte) error {
	f, err := os.OpenFile(path, os.O_WRONLY|syscall.O_NONBLOCK, 0)
	if errors.Is(err, syscall.ENXIO) {
		err = fmt.Errorf("no program reads the pipe %s; start one first", path)
	}
	if err != nil {
		return err
	}
	_, err = f.Write(data)
	return errors.Join(err, f.Close())
}

// syncDirectory makes a rename survive a power failure, on systems that can sync a directory.
func syncDirectory(path string) {
	if f, err := os.Open(path); err == nil {
		_ = f.Sync()
		_ = f.Close()
	}
}

func (p prepared) discard() {
	if p.temporary != "" {
		_ = os.Remove(p.temporary)
	}
}
