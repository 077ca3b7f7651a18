package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"

	"golang.org/x/term"

	"github.com/tykmesh/tykmesh/inject/manifest"
)

// Source is one file of the input, or standard input.
type Source struct {
	Name    string // as the user typed it; "<stdin>" for standard input
	Data    []byte
	Unnamed bool // found in a folder
}

const (
	stdinPath = "-"
	stdinName = "<stdin>"
)

// manifestExtensions are those that kubectl looks for in a folder.
var manifestExtensions = []string{".yaml", ".yml", ".json"}

// InputError says that the command line names no input that can be read.
type InputError struct{ Msg string }

func (e *InputError) Error() string { return e.Msg }

// ExitCode is the exit status for usage and configuration.
func (*InputError) ExitCode() int { return exitUsage }

// ReadSources reads what the -f flags name, in their order: files, folders (their manifests in name order, with recursive those of
// subfolders too) and "-" for standard input, which is also read where paths is empty. A path that is named twice is read twice, as
// kubectl does. Every path that cannot be read is in the error.
//
// Errors: [InputError] where standard input is named twice, or is a terminal that nobody named.
func ReadSources(paths []string, recursive bool, stdin io.Reader) ([]Source, error) {
	if len(paths) == 0 {
		if isTerminal(stdin) {
			return nil, &InputError{"no input: name manifests with -f, or pipe them to standard input"}
		}
		paths = []string{stdinPath}
	}
	var (
		sources []Source
		errs    []error
	)
	for i, path := range paths {
		if path == stdinPath && slices.Contains(paths[:i], stdinPath) {
			errs = append(errs, &InputError{"-f - is given twice: standard input can be read only once"})
			continue
		}
		found, err := readPath(path, recursive, stdin)
		if err != nil {
			errs = append(errs, err)
		}
		sources = append(sources, found...)
	}
	if len(errs) > 0 {
		return nil, errors.Join(errs...)
	}
	return sources, nil
}

func isTerminal(stream any) bool {
	f, ok := stream.(*os.File)
	return ok && term.IsTerminal(int(f.Fd()))
}

func readPath(path string, recursive bool, stdin io.Reader) ([]Source, error) {
	if path == stdinPath {
		data, err := readAll(stdin, maxManifests)
		if err != nil {
			return nil, fmt.Errorf("reading standard input: %w", err)
		}
		return []Source{{Name: stdinName, Data: data}}, nil
	}
	info, err := os.Stat(path)
	if err != nil {
		return nil, inputError(err)
	}
	if !info.IsDir() {
		source, err := readManifest(path)
		return []Source{source}, err
	}
	return readFolder(path, recursive)
}

func readManifest(path string) (Source, error) {
	data, err := readFile(path, maxManifests)
	if err != nil {
		return Source{}, inputError(err)
	}
	return Source{Name: path, Data: data}, nil
}

// inputError names the file and the reason, and leaves out which system call it was.
func inputError(err error) error {
	if e := (*fs.PathError)(nil); errors.As(err, &e) {
		return fmt.Errorf("reading manifests: %s: %w", e.Path, e.Err)
	}
	return fmt.Errorf("reading manifests: %w", err)
}

func readFolder(folder string, recursive bool) ([]Source, error) {
	paths, err := manifestsIn(folder, recursive)
	if err != nil {
		return nil, inputError(err)
	}
	if len(paths) == 0 {
		return nil, fmt.Errorf("reading manifests: %s: no .yaml, .yml or .json file in this folder", folder)
	}
	var (
		sources []Source
		errs    []error
	)
	for _, path := range paths {
		source, err := readManifest(path)
		source.Unnamed = true
		sources, errs = append(sources, source), append(errs, err)
	}
	return sources, errors.Join(errs...)
}

// manifestsOf are the sources that may hold manifests. What lies beside them in a folder would go to kubectl, which refuses it and prints it: the
// configuration and that of CFSSL, which have secrets, values of a chart.
//
// Errors: [InputError] where somebody names the configuration.
func manifestsOf(sources []Source, configuration string, leftOut func(name, why string)) (manifests []Source, err error) {
	for _, s := range sources {
		isConfiguration := configuration != "" && sameFile(s.Name, configuration)
		switch {
		case isConfiguration && !s.Unnamed:
			return nil, &InputError{fmt.Sprintf("%s is the configuration of this run, and no manifest", s.Name)}
		case isConfiguration:
			leftOut(s.Name, "it is the configuration")
		case s.Unnamed && holdsOtherThings(s.Data):
			leftOut(s.Name, "it holds no Kubernetes object, which has an apiVersion and a kind")
		default:
			manifests = append(manifests, s)
		}
	}
	return manifests, nil
}

// holdsOtherThings tells whether a file holds something, and no Kubernetes object. It looks at
// words, as far as the first object. In a file that is not UTF-8 it finds no words, and the file
// may hold any object.
func holdsOtherThings(data []byte) bool {
	if !manifest.IsUTF8(data) {
		return false
	}
	other := false
	for line := range bytes.Lines(data) {
		text := bytes.TrimLeft(line, " \t")
		switch {
		case bytes.HasPrefix(text, []byte("#")): // a comment is nothing, whatever it says
		case bytes.Contains(text, []byte("apiVersion")), bytes.Contains(text, []byte("kind")):
			return false
		default:
			other = other || len(bytes.Trim(text, "- \t\r\n")) > 0
		}
	}
	return other
}

// manifestsIn lists the manifests of a folder in name order. A link to a file counts as a file, because that is how a mounted
// ConfigMap looks; a link to a folder is not followed, because it may lead back.
func manifestsIn(folder string, recursive bool) ([]string, error) {
	entries, err := os.ReadDir(folder)
	if err != nil {
		return nil, err
	}
	var paths []string
	for _, entry := range entries {
		path := filepath.Join(folder, entry.Name())
		switch {
		case entry.IsDir() && recursive:
			below, err := manifestsIn(path, recursive)
			if err != nil {
				return nil, err
			}
			paths = append(paths, below...)
		case slices.Contains(manifestExtensions, filepath.Ext(path)) && !leadsToFolder(path):
			paths = append(paths, path)
		}
	}
	return paths, nil
}

func leadsToFolder(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.IsDir()
}
