package main

import (
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// replaceFile puts a file in the place of another in one step, so that half of it is never seen. It
// replaces the file behind a link, not the link. The file keeps its mode, and its owner where the
// user may give files away. A pipe, a terminal or a device is written to.
func replaceFile(path string, data []byte) error {
	defer holdSignals()()
	p, err := prepareFile(path, data)
	if err != nil {
		return err
	}
	return p.commit()
}

// prepared is a file that is ready to take the place of another, or what a pipe or device is to
// get.
type prepared struct {
	temporary, path string
	stream          []byte // for what cannot be replaced
}

// prepareFile writes the new text of a file beside it. A new file gets the mode that the umask
// leaves it.
//
// Errors: a folder, in whose place no file belongs; a file that is read-only or has several names;
// whatever keeps the file from being written.
func prepareFile(path string, data []byte) (p prepared, err error) {
	mode := fs.FileMode(0o666)
	old, err := statTarget(path)
	switch {
	case err == nil && isStream(old.Mode()):
		return prepared{path: path, stream: data}, nil
	case err == nil:
		if err := checkReplaceable(path, old); err != nil {
			return p, err
		}
		mode = 0o600 // until it has the owner and the mode of the old one
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
		err = f.Chmod(old.Mode().Perm())
	}

	return p, errors.Join(err, f.Sync(), f.Close())
}

// checkWritable makes sure that a file can be prepared, without changing it. It reports whether the
// file is one that can be replaced.
func checkWritable(path string) (replaceable bool, err error) {
	defer holdSignals()()
	p, err := prepareFile(path, nil)
	if err != nil {
		return false, err
	}
	p.discard()

	return p.temporary != "", nil
}

// statTarget describes what a path leads to, as [finalPath] follows it: x/../a.yaml is a.yaml,
// although there is no x.
func statTarget(path string) (fs.FileInfo, error) {
	info, err := os.Stat(path)
	if errors.Is(err, fs.ErrNotExist) && path != "" {
		return os.Stat(finalPath(path))
	}
	return info, err
}

// isStream reports whether a file has nothing that could be replaced: it is a pipe, a terminal, or
// a device like /dev/null.
func isStream(mode fs.FileMode) bool { return mode&(fs.ModeNamedPipe|fs.ModeCharDevice) != 0 }

// replaceError says why a file cannot be replaced.
type replaceError struct{ path, why, hint string }

func (e *replaceError) Error() string { return e.path + " " + e.why }

// ExitCode returns the status for usage and configuration.
func (*replaceError) ExitCode() int { return exitUsage }

// Hint returns the command to type, or nothing.
func (e *replaceError) Hint() string { return e.hint }

// checkReplaceable refuses a file that is protected, or that has names elsewhere.
func checkReplaceable(path string, old fs.FileInfo) error {
	word := shellWord(path)
	switch n := linksOf(old); {
	case !old.Mode().IsRegular():
		return &replaceError{path: path, why: "is no file that can be replaced"}
	case n > 1:
		return &replaceError{path, fmt.Sprintf("has %d names (hard links), of which only one would change", n), fmt.Sprintf("cp -p %s NEW && mv NEW %s makes it a file of its own", word, word)}
	case old.Mode().Perm()&0o222 == 0:
		return &replaceError{path, "is read-only", fmt.Sprintf("chmod u+w %s allows it", word)}
	}

	f, err := os.OpenFile(path, os.O_WRONLY, 0)
	if err != nil {
		return err
	}

	return f.Close()
}

// createBeside makes a hidden file of a name that none has in the folder of another.
func createBeside(path string, mode fs.FileMode) (*os.File, error) {
	name := filepath.Join(filepath.Dir(path), "."+filepath.Base(path)+"."+rand.Text())
	return os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, mode)
}

// finalPath returns where a path leads when all links are followed, also to a file that is not
// there yet.
func finalPath(path string) string {
	const most = 40 // links in a row, as Linux has it; more go round in a circle, and cannot be opened
	for range most {
		folder, err := filepath.EvalSymlinks(filepath.Dir(path))
		if err != nil {
			break
		}

		path = filepath.Join(folder, filepath.Base(path))
		leads, err := os.Readlink(path)
		if err != nil {
			break
		}

		if !filepath.IsAbs(leads) {
			leads = filepath.Join(folder, leads)
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

	syncFolder(filepath.Dir(p.path))
	return nil
}

func writeInto(path string, data []byte) error {
	f, err := os.OpenFile(path, os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	_, err = f.Write(data)
	return errors.Join(err, f.Close())
}

// syncFolder makes a rename outlast a power failure. Systems that cannot do that for a folder say
// so, and nothing better is left to do.
func syncFolder(path string) {
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
