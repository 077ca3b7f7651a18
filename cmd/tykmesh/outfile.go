package main

import (
	"bytes"
	"fmt"
	"os"
	"slices"
)

// outputFile is a file that takes the place of standard output. It is written in one step when everything has succeeded; until then, what is there
// stays.
type outputFile struct {
	path string
	text bytes.Buffer
}

// outputFile leads standard output into the file that -o names; nil where it names none.
//
// Errors: InputError where that file cannot be written.
func (o *options) outputFile(p *process) (*outputFile, error) {
	if o.outFile == "" {
		return nil, nil
	}
	ready, err := prepareFile(o.outFile, nil)
	if err != nil {
		return nil, &InputError{fmt.Sprintf("--output: %v", err)}
	}
	ready.discard()
	f := &outputFile{path: o.outFile}
	p.stdout = &f.text
	return f, nil
}

// after puts the file in its place after write has succeeded.
func (f *outputFile) after(write output) output {
	if f == nil || write == nil {
		return write
	}
	return func() error {
		if err := write(); err != nil {
			return err
		}
		if err := replaceFile(f.path, f.text.Bytes()); err != nil {
			return fmt.Errorf("--output: %w", err)
		}
		return nil
	}
}

// checkApart refuses a file that is read again, beside what it was made of: each further run would find everything twice. A file that is the
// only one is rewritten.
func (o *options) checkApart(sources []Source) error {
	if len(sources) < 2 || !slices.ContainsFunc(sources, func(s Source) bool { return sameFile(s.Name, o.outFile) }) {
		return nil
	}
	return &InputError{fmt.Sprintf("--output: %s is read too, beside others: name a file that no -f leads to", o.outFile)}
}

// sameFile tells whether both are there and are one file.
func sameFile(a, b string) bool {
	infoA, errA := os.Stat(a)
	infoB, errB := os.Stat(b)
	return errA == nil && errB == nil && os.SameFile(infoA, infoB)
}
