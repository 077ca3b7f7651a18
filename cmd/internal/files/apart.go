package files

import (
	"fmt"
	"io"
	"os"
	"slices"

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

// Inputs are the manifests that a run reads.
type Inputs struct {
	Paths     []string
	Recursive bool
	Stdin     io.Reader
	Rewrite   string // the command that rewrites files in place; "" without one
}

// readsStdin reports whether standard input is among the inputs.
func (in Inputs) readsStdin() bool { return len(in.Paths) == 0 || slices.Contains(in.Paths, Stdin) }

// CheckInputs refuses targets among the manifests, before the run reads any, as GNU cat does.
func (ts Targets) CheckInputs(in Inputs) error {
	if len(ts) == 0 {
		return nil
	}

	for _, path := range in.Paths {
		if path == Stdin {
			continue
		}

		found, err := List(path, in.Recursive)
		if err != nil {
			continue // reading reports the error
		}

		for _, f := range found {
			for _, t := range ts {
				if f.LeftOut == "" && t.Is(f.Name) {
					return &OverwriteError{t, t.overwrites(f.Name), t.instead(f, in.Rewrite)}
				}
			}
		}
	}

	return ts.checkStdin(in)
}

func (ts Targets) checkStdin(in Inputs) error {
	f, ok := in.Stdin.(*os.File)
	if !ok || !in.readsStdin() {
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
	if read.Unnamed {
		return "name a file that no -f leads to"
	}
	if t.Emptied() {
		restore = "restore the file; then "
	}

	if rewrite == "" || t.What == ReportFlag || t.What == StandardError {
		return restore + anotherFile
	}

	return fmt.Sprintf("%s%s -f %s rewrites it in place", restore, rewrite, prose.ShellWord(read.Name))
}
