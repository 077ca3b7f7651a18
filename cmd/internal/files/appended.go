package files

import (
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/tykmesh/tykmesh/cmd/internal/signals"
)

// File is a file that a run writes. Another Write replaces the text of the one before it.
type File interface{ Write(data []byte) error }

// Replaced returns a file that is replaced in one step.
//
// Errors: those of [Replace].
func Replaced(path string) (File, error) { return replaced(path), CheckWritable(path) }

type replaced string

// Write replaces the file.
func (r replaced) Write(data []byte) error { return Replace(string(r), data) }

// Appended returns a file that keeps its text: Write adds to it. Other programs may add to it too,
// so it is not replaced. Write adds in one system call, and takes half a text back if the disk is
// full.
//
// Errors: *fs.PathError; the file is not regular.
func Appended(path string) (File, error) {
	a := &appended{path: path}
	f, err := a.open()
	if err != nil {
		return nil, err
	}

	return a, f.Close()
}

// appended remembers its text, which the next one replaces if it still is the end of the file.
type appended struct {
	path       string
	begin, end int64 // of its text; both are 0 before the first Write
}

func (a *appended) open() (*os.File, error) {
	f, err := os.OpenFile(a.path, os.O_WRONLY|os.O_APPEND|os.O_CREATE, 0o666) //nolint:gosec // as a shell makes it: others read summaries
	if err != nil {
		return nil, err
	}

	if info, err := f.Stat(); err != nil || !info.Mode().IsRegular() {
		return nil, errors.Join(fmt.Errorf("%s is not a regular file", a.path), err, f.Close())
	}

	return f, nil
}

// Write adds data to the file.
func (a *appended) Write(data []byte) (err error) {
	defer signals.Hold()()
	f, err := a.open()
	if err != nil {
		return err
	}

	defer func() { err = errors.Join(err, f.Close()) }()
	size, err := f.Seek(0, io.SeekEnd)
	if err != nil {
		return err
	}

	if a.end > a.begin && size == a.end {
		if err := f.Truncate(a.begin); err != nil {
			return err
		}
		size = a.begin
	}

	if _, err := f.Write(data); err != nil {
		return errors.Join(err, f.Truncate(size))
	}

	a.begin, a.end = size, size+int64(len(data))

	return nil
}
