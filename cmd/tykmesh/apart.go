package main

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"

	"github.com/spf13/cobra"

	"github.com/tykmesh/tykmesh/cmd/internal/config"
)

// target is a file that a run writes: one behind a standard stream, or one that a flag names.
// Terminals, pipes and devices are no targets: they hold nothing that could be lost.
type target struct {
	what string      // "--output"
	path string      // "" for a standard stream
	info fs.FileInfo // nil for a file that is not there yet
}

// What targets are called.
const (
	standardOutput = "standard output"
	standardError  = "standard error"
	reportFlag     = "--report"
)

// targetsOf returns the files that a run writes.
func (o *options) targetsOf(p process, report string) (all []target) {
	for _, stream := range []struct {
		what string
		to   any
	}{{standardOutput, p.stdout}, {standardError, p.stderr}} {
		if f, ok := stream.to.(*os.File); ok {
			if info, err := f.Stat(); err == nil && info.Mode().IsRegular() {
				all = append(all, target{what: stream.what, info: info})
			}
		}
	}

	for _, t := range []target{{what: "--output", path: o.outFile}, {what: reportFlag, path: report}} {
		info, err := statTarget(t.path)
		if t.path != "" && (err != nil || info.Mode().IsRegular()) {
			t.info = info
			all = append(all, t)
		}
	}

	return all
}

// is reports whether a target is the file at a path.
func (t target) is(path string) bool {
	info, err := os.Stat(path)
	if err == nil && t.info != nil {
		return os.SameFile(info, t.info)
	}
	return err != nil && t.info == nil && finalPath(path) == finalPath(t.path)
}

// isTarget reports whether two targets are one file.
func (t target) isTarget(other target) bool {
	if t.info != nil && other.info != nil {
		return os.SameFile(t.info, other.info)
	}
	return t.info == nil && other.info == nil && finalPath(t.path) == finalPath(other.path)
}

// overwriteError says that a run would overwrite what it reads, or write two things into one file.
type overwriteError struct{ msg, hint string }

func (e *overwriteError) Error() string { return e.msg }

// ExitCode returns the status for usage and configuration.
func (*overwriteError) ExitCode() int { return exitUsage }

// Hint returns the command to type.
func (e *overwriteError) Hint() string { return e.hint }

// checkTargets refuses a run that would overwrite what it reads, or write two things into one file.
// It looks before the run reads, because a shell has emptied the file of standard output already.
func (o *options) checkTargets(cmd *cobra.Command, p process, r *report) error {
	if err := r.checkTwins(); err != nil {
		return err
	}
	if cmd.Flags().Lookup("filename") != nil {
		if err := o.checkInputs(p, r, cmd.Flags().Lookup("in-place") != nil); err != nil {
			return err
		}
	}

	return o.checkLocal(r)
}

// checkTwins refuses targets that are one file. Standard output and standard error may be one, as
// in > log 2>&1.
func (r *report) checkTwins() error {
	for i, t := range r.targets {
		for _, other := range r.targets[:i] {
			if t.path != "" && t.isTarget(other) {
				return r.overwritten(t, fmt.Sprintf("%s is what %s writes, too", t.name(""), other.what), "name another file")
			}
		}
	}

	return nil
}

// name returns a target with its path.
func (t target) name(path string) string {
	if t.path == "" {
		return t.what + ": " + path
	}
	return t.what + ": " + t.path
}

// overwritten returns the error about a target, and keeps a report from overwriting it.
func (r *report) overwritten(t target, msg, hint string) error {
	err := &overwriteError{msg, hint}
	for _, other := range r.targets {
		if other.what == reportFlag && other.isTarget(t) {
			r.target.err = err
		}
	}
	return err
}

// checkApart refuses targets that the run reads.
func (r *report) checkApart(role string, paths ...string) error {
	for _, path := range paths {
		for _, t := range r.targets {
			if t.is(path) {
				return r.overwritten(t, fmt.Sprintf("%s is %s", t.name(path), role), "name another file")
			}
		}
	}

	return nil
}

// checkInputs refuses targets among the manifests, before the run reads any, as GNU cat does.
func (o *options) checkInputs(p process, r *report, rewrites bool) error {
	if len(r.targets) == 0 {
		return nil
	}

	for _, path := range o.files {
		if path == stdinPath {
			continue
		}

		found, err := listPath(path, o.recursive)
		if err != nil {
			continue // reading says so
		}

		for _, f := range found {
			for _, t := range r.targets {
				if f.leftOut == "" && t.is(f.path) {
					return r.overwritten(t, t.overwrites(f.path), t.instead(f, p.name, r.command, rewrites))
				}
			}
		}
	}

	return o.checkStdin(p, r)
}

func (o *options) checkStdin(p process, r *report) error {
	f, ok := p.stdin.(*os.File)
	if !ok || len(o.files) > 0 && !slices.Contains(o.files, stdinPath) {
		return nil
	}
	info, err := f.Stat()
	for _, t := range r.targets {
		if err == nil && t.info != nil && os.SameFile(info, t.info) {
			return r.overwritten(t, t.overwrites("the file of standard input"), t.instead(listed{}, p.name, r.command, false))
		}
	}

	return nil
}

// overwrites returns how a target harms a file that is read.
func (t target) overwrites(path string) string {
	switch {
	case t.path != "":
		return t.name(path) + " is read by this run"
	case t.info.Size() == 0:
		return fmt.Sprintf("%s is %s, which this run reads: the shell has emptied it already", t.what, path)
	}
	return fmt.Sprintf("%s is %s, which this run reads", t.what, path)
}

// instead returns a command that does as was probably meant.
func (t target) instead(read listed, program, command string, rewrites bool) string {
	restore := ""
	if read.unnamed {
		return "name a file that no -f leads to"
	}
	if t.path == "" && t.info.Size() == 0 {
		restore = "restore the file; then "
	}

	if !rewrites || t.what == reportFlag || t.what == standardError {
		return restore + "name another file"
	}

	return fmt.Sprintf("%s%s %s -i -f %s rewrites it in place", restore, program, command, shellWord(read.path))
}

// configFiles notes which files a configuration is read from.
type configFiles struct{ read []string }

func (c *configFiles) file(path string) ([]byte, error) {
	c.read = append(c.read, path)
	return readConfigFile(path)
}

// checkConfiguration refuses targets that are the configuration, or a file that it names.
func (r *report) checkConfiguration(read configFiles, c config.Config) error {
	if len(r.targets) == 0 {
		return nil
	}
	templates, _ := filepath.Glob(filepath.Join(c.Tyk.Templates, "*.json")) // a pattern that is none matches nothing
	if c.Tyk.Templates == "" {
		templates = nil
	}

	return r.checkApart("part of the configuration of this run", slices.Concat(read.read, templates, c.Named())...)
}

// checkAuthority refuses targets in the folder of a CA, and the root's key.
func (o caRotate) checkAuthority(r *report) error {
	if len(r.targets) == 0 {
		return nil
	}

	var files []string
	if o.rootKey != "" {
		files = append(files, o.rootKey)
	}

	_ = filepath.WalkDir(o.dir, func(path string, _ fs.DirEntry, _ error) error { // reading says what is wrong with it
		files = append(files, path)
		return nil
	})

	return r.checkApart("a file of the CA in "+o.dir, files...)
}

// checkLocal refuses targets in the folder of --local.
func (o *options) checkLocal(r *report) error {
	if o.local == "" || len(r.targets) == 0 {
		return nil
	}
	files := []string{filepath.Join(o.local, localLedgerFile)}
	for _, below := range []string{"apis/*.json", "certs/*.pem", localCAFolder + "/*"} {
		found, _ := filepath.Glob(filepath.Join(o.local, below)) // likewise
		files = append(files, found...)
	}

	return r.checkApart("a file of --local "+o.local, files...)
}
