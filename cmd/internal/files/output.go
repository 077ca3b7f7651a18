package files

import (
	"bytes"
	"fmt"
	"io"

	"github.com/tykmesh/tykmesh/cmd/internal/exit"
)

// TargetError says that the file of a flag cannot be written.
type TargetError struct {
	Flag string
	Err  error
}

func (e *TargetError) Error() string { return e.Flag + ": " + e.Err.Error() }

func (e *TargetError) Unwrap() error { return e.Err }

// ExitCode returns the status for usage and configuration.
func (*TargetError) ExitCode() int { return exit.Usage }

// Output is the file of -o, which replaces standard output. It is written in one step after
// everything has succeeded.
type Output struct {
	path    string
	text    bytes.Buffer
	replace func(path string, data []byte) error
}

// NewOutput returns the output for a path.
//
// Errors: [TargetError] if the file cannot be written.
func NewOutput(path string) (*Output, error) {
	if err := CheckWritable(path); err != nil {
		return nil, &TargetError{OutputFlag, err}
	}
	return &Output{path: path, replace: Replace}, nil
}

// NewSecretOutput returns the output for a path of a file that only its owner may read.
//
// Errors: those of NewOutput.
func NewSecretOutput(path string) (*Output, error) {
	o, err := NewOutput(path)
	if err == nil {
		o.replace = replaceSecret
	}

	return o, err
}

// Text returns the writer that takes the place of standard output.
func (o *Output) Text() io.Writer { return &o.text }

// Write replaces the file by the text.
func (o *Output) Write() error {
	if err := o.replace(o.path, o.text.Bytes()); err != nil {
		return fmt.Errorf("%s: %w", OutputFlag, err)
	}
	return nil
}
