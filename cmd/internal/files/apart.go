package files

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/tykmesh/tykmesh/cmd/internal/exit"
	"github.com/tykmesh/tykmesh/cmd/internal/prose"
)

// The names of targets.
const (
	StandardOutput = "standard output"
	StandardError  = "standard error"
	OutputFlag     = "--output-file"
	ReportFlag     = "--report"
)

// Targets are the files that a run writes. Its checks are called before the run reads, because a
// shell has already emptied the file of standard output.
type Targets []Target

// AddStream adds the file behind a standard stream, if there is one.
func (ts *Targets) AddStream(what string, stream any) {
	if t, ok := StreamTarget(what, stream); ok {
		*ts = append(*ts, t)
	}
}

// AddFile adds the file that a flag names, if it names one.
func (ts *Targets) AddFile(what, path string) {
	if t, ok := FileTarget(what, path); ok {
		*ts = append(*ts, t)
	}
}

// OverwriteError says that a run would overwrite its own input, or write two things into one file.
type OverwriteError struct {
	Target    Target
	msg, hint string
}

func (e *OverwriteError) Error() string { return e.msg }

// ExitCode returns the status for usage and configuration.
func (*OverwriteError) ExitCode() int { return exit.Usage }

// Hint returns the command to type.
func (e *OverwriteError) Hint() string { return e.hint }

const anotherFile = "name another file"

// CheckTwins refuses targets that are one file. Standard output and standard error may be one, as
// in > log 2>&1.
func (ts Targets) CheckTwins() error {
	for i, t := range ts {
		for _, other := range ts[:i] {
			if t.Path != "" && t.Same(other) {
				return &OverwriteError{t, fmt.Sprintf("%s and %s are the same file", t.Name(""), other.What), anotherFile}
			}
		}
	}

	return nil
}

// CheckApart refuses targets that the run reads. role describes them.
func (ts Targets) CheckApart(role string, paths ...string) error {
	for _, path := range paths {
		for _, t := range ts {
			if t.Is(path) {
				return &OverwriteError{t, fmt.Sprintf("%s is %s", t.Name(path), role), anotherFile}
			}
		}
	}

	return nil
}

// CheckInputs refuses targets among the manifests, before the run reads any, as GNU cat does.
func (ts Targets) CheckInputs(in Inputs) error {
	if len(ts) == 0 {
		return nil
	}

	sources, _ := in.list() // reading reports the error
	for _, s := range sources {
		if err := ts.checkSource(in, s); err != nil {
			return err
		}
	}

	return nil
}

func (ts Targets) checkSource(in Inputs, s Source) error {
	switch {
	case s.LeftOut != "":
	case s.kind == aFile:
		for _, t := range ts {
			if t.Is(s.Name) {
				return &OverwriteError{t, t.overwrites(s.Name), t.instead(s, in.Rewrite)}
			}
		}
	case s.kind == aStream:
		return ts.checkStdin(in)
	case s.kind == aBuild:
		return ts.checkBuild(s.dir)
	}

	return nil
}

func (ts Targets) checkStdin(in Inputs) error {
	f, ok := in.Stdin.(*os.File)
	if !ok {
		return nil
	}

	info, err := f.Stat()
	for _, t := range ts {
		if err == nil && t.Info != nil && os.SameFile(info, t.Info) {
			return &OverwriteError{t, t.overwrites("the file of standard input"), t.instead(Source{}, "")}
		}
	}

	return nil
}

// checkBuild refuses targets among the files that kustomize reads for a directory.
func (ts Targets) checkBuild(dir string) error {
	for _, read := range readBy(dir) {
		for _, t := range ts {
			if path := t.within(read); path != "" {
				return &OverwriteError{t, t.overwrites(path), t.instead(Source{Unnamed: true}, "")}
			}
		}
	}
	return nil
}

// within returns the target's path if it is a file, or in a directory or below it; "" if it is not.
func (t Target) within(dir string) (path string) {
	if t.Path != "" {
		if below, err := filepath.Rel(finalPath(dir), finalPath(t.Path)); err == nil && filepath.IsLocal(below) {
			return t.Path
		}
		return ""
	}

	_ = filepath.WalkDir(dir, func(file string, entry fs.DirEntry, err error) error { // kustomize reports the error
		if err == nil && entry.Type().IsRegular() && t.Is(file) {
			path = file
			return fs.SkipAll
		}
		return nil
	})

	return path
}

// overwrites returns how the target harms a file that is read.
func (t Target) overwrites(path string) string {
	switch {
	case t.Path != "":
		return t.Name(path) + " is read by this run"
	case t.Emptied():
		return fmt.Sprintf("%s is %s, which this run reads: the shell has emptied it already", t.What, path)
	}
	return fmt.Sprintf("%s is %s, which this run reads", t.What, path)
}

// instead returns the command that the user probably meant.
func (t Target) instead(read Source, rewrite string) string {
	restore := ""
	if t.Emptied() {
		restore = "restore the file; then "
	}
	if read.Unnamed {
		return restore + "name a file that this run does not read"
	}

	if rewrite == "" || t.What == ReportFlag || t.What == StandardError {
		return restore + anotherFile
	}

	return fmt.Sprintf("%s%s -f %s rewrites it in place", restore, rewrite, prose.ShellWord(read.Name))
}
