// Package files reads and writes the files that a user names.
//
//	PATH, stdin, URL, -k DIR ──Inputs.Read──> Source ... ──Manifests──> those that hold manifests
//
//	text ──prepare──> .NAME.RANDOM beside the file ──commit──> the file        Replace, Rewrite
//
// It reads up to a limit, follows no link out of a directory, and never leaves half of a file. It
// asks servers for URLs that the user typed, never for one that it has read. It starts kustomize
// or kubectl, and no other program. It prints nothing, and nothing else in tykmesh opens manifests
// or writes output files.
//
// # Threats
//
// A server, a file or a program, the defence, and the tests that show it:
//
//   - redirects, to get credentials: they go with the first request alone, and so does the query
//     (TestCredentialsFollowNoRedirect, TestFollow);
//   - answers without end, slowly, or in part: nothing of it is used (TestURLs, TestBuildFails);
//   - is not the one that was typed: TLS, unless --plain-http (TestURLs,
//     tykmesh.TestScripts/sources);
//   - puts a secret into an error or a name: neither has a user, a query or the address of an
//     invalid redirect (TestURLs, tykmesh.TestScripts/sources);
//   - links to other files of this machine: links lead nowhere out of a directory or pattern
//     (TestRead, tykmesh.TestScripts/apart);
//   - is called kustomize in the current directory, or reads the environment: neither helps it
//     (TestBuildStaysInPATH, TestBuild).
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
