package main

import (
	"fmt"
	"path/filepath"
	"strings"

	"github.com/tykmesh/tykmesh/ca"
	"github.com/tykmesh/tykmesh/ca/pki"
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
	return fmt.Sprintf("correct %s, which describes the next CA in the format of %s", e.file, ca.ServerName)
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

// unprintedNextSteps is a step that was taken, of which nobody could be told what comes next.
type unprintedNextSteps struct {
	error
	command string
}

func (e *unprintedNextSteps) Unwrap() error { return e.error }

// Hint says that nothing is lost.
func (e *unprintedNextSteps) Hint() string {
	return "the step is taken; " + e.command + " says what to do now"
}
