package main

import (
	"errors"
	"fmt"
	"path/filepath"
	"strings"

	"github.com/tykmesh/tykmesh/ca/pki"
	"github.com/tykmesh/tykmesh/inject/manifest"
)

// stepError is a step that is not next.
type stepError struct{ msg, hint string }

func (e *stepError) Error() string { return e.msg }

// ExitCode returns the status for usage and configuration.
func (*stepError) ExitCode() int { return exitUsage }

// Hint returns the command that says more.
func (e *stepError) Hint() string { return e.hint }

// noCAError is a folder that ca init has not made.
type noCAError struct {
	dir string
	err error
}

func (e *noCAError) Error() string { return fmt.Sprintf("reading the CA of %s: %v", e.dir, e.err) }

// Hint is how to get there.
func (e *noCAError) Hint() string {
	switch dir := shellWord(e.dir); {
	case !isThere(filepath.Join(e.dir, pki.CertFile)):
		return fmt.Sprintf("--dir names the folder that ca init made; tykmesh ca init --dir %s makes a CA there", dir)
	case !isThere(filepath.Join(e.dir, pki.BundleFile)):
		return fmt.Sprintf("tykmesh ca init --from %s --dir ANOTHER makes a folder of that CA in which it can be changed", dir)
	}
	return ""
}

// requestError is a csr_ca.json that does not say which CA to make.
type requestError struct {
	error
	file string
}

// ExitCode returns the status for usage and configuration.
func (*requestError) ExitCode() int { return exitUsage }

// Hint is what to edit.
func (e *requestError) Hint() string {
	return fmt.Sprintf("the next CA is made as %s says, which is read as cfssl gencert -initca reads it", e.file)
}

// rootKeyError says that the key of the root is not at hand.
type rootKeyError struct{ error }

func (e *rootKeyError) Error() string { return "the root has to sign the next CA: " + e.error.Error() }

func (e *rootKeyError) Unwrap() error { return e.error }

// Hint is how to bring it.
func (*rootKeyError) Hint() string {
	return "bring the root's private key, for this step alone: --root-key FILE"
}

// rootEndsError is a root that has no time left.
type rootEndsError struct{ msg string }

func (e *rootEndsError) Error() string { return e.msg }

// Hint is how to get another.
func (*rootEndsError) Hint() string { return "--root changes the root too" }

// inUseError says which certificates are not of the present CA.
type inUseError struct{ names []string }

func (e *inUseError) Error() string {
	return fmt.Sprintf("%s of the former CA in use: %s", plural(len(e.names), "certificate"), strings.Join(e.names, ", "))
}

// Hint is how to replace them.
func (*inUseError) Hint() string { return "tykmesh certs renew replaces them" }

// untoldError is a step that was taken, of which nobody could be told what comes next.
type untoldError struct {
	error
	command string
}

func (e *untoldError) Unwrap() error { return e.error }

// Hint says that nothing is lost.
func (e *untoldError) Hint() string {
	return "the step is taken; " + e.command + " says what to do now"
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
func refuseEdits(dir string, err error, report *report) error {
	for _, f := range faultsOf(err) {
		var e *pki.EditedError
		if !errors.As(f.err, &e) {
			continue
		}
		whole := manifest.Patch{{From: 0, To: len(e.Was), Text: string(e.Now)}}
		for line := range strings.Lines(string(manifest.Diff(e.Path, e.Was, whole.Least(e.Was)))) {
			fmt.Fprint(report.errors, line)
		}
	}

	return &editedError{err, dir}
}
