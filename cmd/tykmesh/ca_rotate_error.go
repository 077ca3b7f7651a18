package main

import (
	"errors"
	"fmt"
	"path/filepath"
	"strings"

	"github.com/tykmesh/tykmesh/ca/pki"
	"github.com/tykmesh/tykmesh/cmd/internal/exit"
	"github.com/tykmesh/tykmesh/cmd/internal/explain"
	"github.com/tykmesh/tykmesh/cmd/internal/files"
	"github.com/tykmesh/tykmesh/cmd/internal/report"
	"github.com/tykmesh/tykmesh/inject/manifest"
)

// stepError is a step that is not next.
type stepError struct{ msg, hint string }

func (e *stepError) Error() string { return e.msg }

// ExitCode returns the status for usage and configuration.
func (*stepError) ExitCode() int { return exit.Usage }

// Hint returns the command that prints what to do.
func (e *stepError) Hint() string { return e.hint }

// noCAError is a directory that ca init has not made.
type noCAError struct {
	dir string
	err error
}

func (e *noCAError) Error() string { return fmt.Sprintf("reading the CA of %s: %v", e.dir, e.err) }

// Hint returns how to make such a directory.
func (e *noCAError) Hint() string {
	switch dir := shellWord(e.dir); {
	case !files.Exists(filepath.Join(e.dir, pki.CertFile)):
		return fmt.Sprintf("--dir must name the directory that ca init made; tykmesh ca init --dir %s makes a CA there", dir)
	case !files.Exists(filepath.Join(e.dir, pki.BundleFile)):
		return fmt.Sprintf("tykmesh ca init --from %s --dir ANOTHER makes a directory in which that CA can be rotated", dir)
	}
	return ""
}

// requestError is a csr_ca.json that describes no CA that can be made.
type requestError struct {
	error
	file string
}

// ExitCode returns the status for usage and configuration.
func (*requestError) ExitCode() int { return exit.Usage }

// Hint returns which file to edit.
func (e *requestError) Hint() string {
	return fmt.Sprintf("edit %s: it describes the next CA, in the format of cfssl gencert -initca", e.file)
}

// rootKeyError is a root whose private key is not available.
type rootKeyError struct{ error }

func (e *rootKeyError) Error() string { return "the root must sign the next CA: " + e.error.Error() }

func (e *rootKeyError) Unwrap() error { return e.error }

// Hint returns how to provide it.
func (*rootKeyError) Hint() string {
	return "provide the root's private key for this step alone, with --root-key FILE"
}

// rootEndsError is a root that is about to expire.
type rootEndsError struct{ msg string }

func (e *rootEndsError) Error() string { return e.msg }

// Hint returns how to replace it.
func (*rootEndsError) Hint() string { return "--root replaces the root too" }

// inUseError names certificates of the previous CA that APIs use.
type inUseError struct{ names []string }

func (e *inUseError) Error() string {
	return fmt.Sprintf("%s of the previous CA in use: %s", report.Plural(len(e.names), "certificate"), strings.Join(e.names, ", "))
}

// Hint returns how to replace them.
func (*inUseError) Hint() string { return "tykmesh certs renew replaces them" }

// unprintedNextSteps is a step that was taken, while the work that follows could not be printed.
type unprintedNextSteps struct {
	error
	command string
}

func (e *unprintedNextSteps) Unwrap() error { return e.error }

// Hint returns the command that prints it.
func (e *unprintedNextSteps) Hint() string {
	return "the step is taken; " + e.command + " prints what to do now"
}

// editedError names manifests that a step would make anew although the user has edited them.
type editedError struct {
	error
	dir string
}

func (e *editedError) Unwrap() error { return e.error }

// Hint returns the ways to keep an edit.
func (e *editedError) Hint() string {
	return fmt.Sprintf("put the edit into a kustomize patch over %s, undo it in the manifest as the diff shows, and run the step again; "+
		"or move the manifest out of that directory: then rotate leaves it to you and says what to change in it", shellWord(filepath.Join(e.dir, pki.Manifests)))
}

// refuseEdits prints the difference between the manifests that an error names and those that
// tykmesh would write, and returns the error with a hint.
func refuseEdits(dir string, err error, r *report.Run) error {
	for _, f := range explain.Faults(err) {
		var e *pki.EditedError
		if !errors.As(f.Err, &e) {
			continue
		}
		whole := manifest.Patch{{From: 0, To: len(e.Was), Text: string(e.Now)}}
		for line := range strings.Lines(string(manifest.Diff(e.Path, e.Was, whole.Least(e.Was)))) {
			r.PrintError(strings.TrimSuffix(line, "\n"))
		}
	}

	return &editedError{err, dir}
}
