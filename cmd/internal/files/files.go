// Package files reads and writes the files that a user names.
//
//	PATH, stdin, URL, -k DIR ──Inputs.Read──> Source ... ──Manifests──> those that hold manifests
//
//	text ──prepare──> .NAME.RANDOM beside the file ──commit──> the file        Replace, Rewrite
//
// It reads up to a limit, follows no link out of a directory, and never leaves half of a file. It
// asks servers for URLs that the user typed, never for one that it has read, and starts kustomize,
// and no other program. It prints nothing, and nothing else in tykmesh opens manifests or writes
// output files.
package files

import "github.com/tykmesh/tykmesh/cmd/internal/exit"

// InputError says that the command line names no input that can be read.
type InputError struct{ Msg string }

func (e *InputError) Error() string { return e.Msg }

// ExitCode returns the status for usage and configuration.
func (*InputError) ExitCode() int { return exit.Usage }

// ReplaceError says why a file cannot be replaced.
type ReplaceError struct{ path, why, hint string }

func (e *ReplaceError) Error() string { return e.path + " " + e.why }

// ExitCode returns the status for usage and configuration.
func (*ReplaceError) ExitCode() int { return exit.Usage }

// Hint returns the command to type, or nothing.
func (e *ReplaceError) Hint() string { return e.hint }
