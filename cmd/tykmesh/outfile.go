package main

import (
	"bytes"
	"fmt"

	"github.com/tykmesh/tykmesh/cmd/internal/files"
)

// outputFile is a file that replaces standard output. It is written in one step after everything
// has succeeded.
type outputFile struct {
	path string
	text bytes.Buffer
}

// targetError says that the file of a flag cannot be written.
type targetError struct {
	flag string
	err  error
}

func (e *targetError) Error() string { return e.flag + ": " + e.err.Error() }

func (e *targetError) Unwrap() error { return e.err }

// ExitCode returns the status for usage and configuration.
func (*targetError) ExitCode() int { return exitUsage }

// outputFile redirects standard output into the file of -o. It returns nil without that flag.
//
// Errors: targetError if that file cannot be written.
func (o *options) outputFile(p *process) (*outputFile, error) {
	if o.outFile == "" {
		return nil, nil
	}
	if err := files.CheckWritable(o.outFile); err != nil {
		return nil, &targetError{"--output", err}
	}

	f := &outputFile{path: o.outFile}
	p.stdout = &f.text

	return f, nil
}

// after returns an output that writes the file after write has succeeded.
func (f *outputFile) after(write output) output {
	if f == nil || write == nil {
		return write
	}

	return func() error {
		if err := write(); err != nil {
			return err
		}
		if err := files.Replace(f.path, f.text.Bytes()); err != nil {
			return fmt.Errorf("--output: %w", err)
		}
		return nil
	}
}
