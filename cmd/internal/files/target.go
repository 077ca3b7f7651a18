package files

import (
	"io/fs"
	"os"
)

// Target is a file that a run writes: one behind a standard stream, or one that a flag names.
// Terminals, pipes and devices are no targets: they hold nothing that could be lost.
type Target struct {
	What string      // "--output-file", "standard output"
	Path string      // "" for a standard stream
	Info fs.FileInfo // nil for a file that does not exist yet
}

// StreamTarget returns the target behind a standard stream.
func StreamTarget(what string, stream any) (t Target, ok bool) {
	f, isFile := stream.(*os.File)
	if !isFile {
		return t, false
	}
	info, err := f.Stat()

	return Target{What: what, Info: info}, err == nil && info.Mode().IsRegular()
}

// FileTarget returns the target that a flag names, if it names one.
func FileTarget(what, path string) (t Target, ok bool) {
	info, err := stat(path)
	if path == "" || err == nil && !info.Mode().IsRegular() {
		return t, false
	}
	return Target{What: what, Path: path, Info: info}, true
}

// Is reports whether the target is the file at a path.
func (t Target) Is(path string) bool {
	info, err := os.Stat(path)
	if err == nil && t.Info != nil {
		return os.SameFile(info, t.Info)
	}
	return err != nil && t.Info == nil && finalPath(path) == finalPath(t.Path)
}

// Same reports whether two targets are one file.
func (t Target) Same(other Target) bool {
	if t.Info != nil && other.Info != nil {
		return os.SameFile(t.Info, other.Info)
	}
	return t.Info == nil && other.Info == nil && finalPath(t.Path) == finalPath(other.Path)
}

// Name returns the target with its path, or with path for a standard stream.
func (t Target) Name(path string) string {
	if t.Path == "" {
		return t.What + ": " + path
	}
	return t.What + ": " + t.Path
}

// Emptied reports whether the target is a standard stream whose file the shell has emptied.
func (t Target) Emptied() bool { return t.Path == "" && t.Info.Size() == 0 }
