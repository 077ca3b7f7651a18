package main

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"

	"github.com/spf13/cobra"

	"github.com/tykmesh/tykmesh/cmd/internal/config"
	"github.com/tykmesh/tykmesh/cmd/internal/files"
)

// The names of targets.
const (
	standardOutput = "standard output"
	standardError  = "standard error"
	reportFlag     = "--report"
)

// targetsOf returns the files that a run writes.
func (o *options) targetsOf(p process, report string) (all []files.Target) {
	add := func(t files.Target, ok bool) {
		if ok {
			all = append(all, t)
		}
	}
	add(files.StreamTarget(standardOutput, p.stdout))
	add(files.StreamTarget(standardError, p.stderr))
	add(files.FileTarget("--output", o.outFile))
	add(files.FileTarget(reportFlag, report))

	return all
}

// overwriteError says that a run would overwrite its own input, or write two things into one file.
type overwriteError struct{ msg, hint string }

func (e *overwriteError) Error() string { return e.msg }

// ExitCode returns the status for usage and configuration.
func (*overwriteError) ExitCode() int { return exitUsage }

// Hint returns the command to type.
func (e *overwriteError) Hint() string { return e.hint }

// checkTargets refuses a run that would overwrite its own input, or write two things into one file.
// It is called before the run reads, because a shell has already emptied the file of standard
// output.
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
			if t.Path != "" && t.Same(other) {
				return r.overwritten(t, fmt.Sprintf("%s and %s are the same file", t.Name(""), other.What), "name another file")
			}
		}
	}

	return nil
}

// overwritten returns the error about a target, and keeps a report from overwriting it.
func (r *report) overwritten(t files.Target, msg, hint string) error {
	err := &overwriteError{msg, hint}
	for _, other := range r.targets {
		if other.What == reportFlag && other.Same(t) {
			r.target.err = err
		}
	}
	return err
}

// checkApart refuses targets that the run reads.
func (r *report) checkApart(role string, paths ...string) error {
	for _, path := range paths {
		for _, t := range r.targets {
			if t.Is(path) {
				return r.overwritten(t, fmt.Sprintf("%s is %s", t.Name(path), role), "name another file")
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
		if path == files.Stdin {
			continue
		}

		found, err := files.List(path, o.recursive)
		if err != nil {
			continue // reading reports the error
		}

		for _, f := range found {
			for _, t := range r.targets {
				if f.LeftOut == "" && t.Is(f.Name) {
					return r.overwritten(t, overwrites(t, f.Name), instead(t, f, p.name, r.command, rewrites))
				}
			}
		}
	}

	return o.checkStdin(p, r)
}

func (o *options) checkStdin(p process, r *report) error {
	f, ok := p.stdin.(*os.File)
	if !ok || len(o.files) > 0 && !slices.Contains(o.files, files.Stdin) {
		return nil
	}
	info, err := f.Stat()
	for _, t := range r.targets {
		if err == nil && t.Info != nil && os.SameFile(info, t.Info) {
			return r.overwritten(t, overwrites(t, "the file of standard input"), instead(t, files.Source{}, p.name, r.command, false))
		}
	}

	return nil
}

// overwrites returns how a target harms a file that is read.
func overwrites(t files.Target, path string) string {
	switch {
	case t.Path != "":
		return t.Name(path) + " is read by this run"
	case t.Emptied():
		return fmt.Sprintf("%s is %s, which this run reads: the shell has emptied it already", t.What, path)
	}
	return fmt.Sprintf("%s is %s, which this run reads", t.What, path)
}

// instead returns the command that the user probably meant.
func instead(t files.Target, read files.Source, program, command string, rewrites bool) string {
	restore := ""
	if read.Unnamed {
		return "name a file that no -f leads to"
	}
	if t.Emptied() {
		restore = "restore the file; then "
	}

	if !rewrites || t.What == reportFlag || t.What == standardError {
		return restore + "name another file"
	}

	return fmt.Sprintf("%s%s %s -i -f %s rewrites it in place", restore, program, command, shellWord(read.Name))
}

// configFiles records the files from which a configuration is read.
type configFiles struct{ read []string }

func (c *configFiles) file(path string) ([]byte, error) {
	c.read = append(c.read, path)
	return files.ReadConfig(path)
}

// checkConfiguration refuses targets that are the configuration, or a file that it names.
func (r *report) checkConfiguration(read configFiles, c config.Config) error {
	if len(r.targets) == 0 {
		return nil
	}
	templates, _ := filepath.Glob(filepath.Join(c.Tyk.Templates, "*.json")) // an invalid pattern matches nothing
	if c.Tyk.Templates == "" {
		templates = nil
	}

	return r.checkApart("part of the configuration of this run", slices.Concat(read.read, templates, c.Named())...)
}

// checkAuthority refuses targets in the directory of a CA, and the root's key.
func (o caRotate) checkAuthority(r *report) error {
	if len(r.targets) == 0 {
		return nil
	}

	var read []string
	if o.rootKey != "" {
		read = append(read, o.rootKey)
	}

	_ = filepath.WalkDir(o.dir, func(path string, _ fs.DirEntry, _ error) error { // reading reports errors
		read = append(read, path)
		return nil
	})

	return r.checkApart("a file of the CA in "+o.dir, read...)
}

// checkLocal refuses targets in the directory of --local.
func (o *options) checkLocal(r *report) error {
	if o.local == "" || len(r.targets) == 0 {
		return nil
	}
	read := []string{filepath.Join(o.local, localLedgerFile)}
	for _, below := range []string{"apis/*.json", "certs/*.pem", localCADir + "/*"} {
		found, _ := filepath.Glob(filepath.Join(o.local, below)) // likewise
		read = append(read, found...)
	}

	return r.checkApart("a file of --local "+o.local, read...)
}
