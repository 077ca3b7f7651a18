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
	Unnamed bool   // found in a folder
	LeftOut string // why it is not read, or ""
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

// ExitCode returns the exit status for usage and configuration.
func (*InputError) ExitCode() int { return exitUsage }

// ReadSources reads what the -f flags name, in their order: files, folders (their manifests in name
// order, with recursive those of subfolders too; what they leave out, a Source says) and "-" for
// standard input, which is also read where paths is empty. A path that is named twice is read
// twice, as kubectl does. Every path that cannot be read is in the error.
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

// listed is a file that -f leads to, with the reason for which it is left out, or none.
type listed struct {
	path, leftOut string
	unnamed       bool // found in a folder
}

// listPath returns the files that a path leads to: itself, or the manifests in a folder.
func listPath(path string, recursive bool) ([]listed, error) {
	info, err := os.Stat(path)
	switch {
	case err != nil:
		return nil, inputError(err)
	case !info.IsDir():
		return []listed{{path: path}}, nil
	}

	root, err := filepath.EvalSymlinks(path)
	if err != nil {
		return nil, inputError(err)
	}

	found, err := folder{path, root, recursive}.manifests(path)
	if err != nil {
		return nil, inputError(err)
	}
	if len(found) == 0 {
		return nil, fmt.Errorf("reading manifests: %s: no .yaml, .yml or .json file in this folder", path)
	}

	return found, nil
}

func readPath(path string, recursive bool, stdin io.Reader) ([]Source, error) {
	if path == stdinPath {
		data, err := readAll(stdin, maxManifests, 0)
		if err != nil {
			return nil, fmt.Errorf("reading standard input: %w", err)
		}
		return []Source{{Name: stdinName, Data: data}}, nil
	}

	found, err := listPath(path, recursive)
	if err != nil {
		return nil, err
	}

	var (
		sources []Source
		errs    []error
	)
	for _, f := range found {
		source := Source{Name: f.path, Unnamed: f.unnamed, LeftOut: f.leftOut}
		if f.leftOut == "" {
			source.Data, err = readFile(f.path, maxManifests)
			if err != nil {
				errs = append(errs, inputError(err))
			}
		}

		sources = append(sources, source)
	}

	return sources, errors.Join(errs...)
}

// inputError names the file and the reason, and leaves out which system call it was.
func inputError(err error) error {
	if e := (*fs.PathError)(nil); errors.As(err, &e) {
		return fmt.Errorf("reading manifests: %s: %w", e.Path, e.Err)
	}
	return fmt.Errorf("reading manifests: %w", err)
}

// manifestsOf returns the sources that may hold manifests. What lies beside them in a folder would
// go to kubectl, which refuses it and prints it: the configurations of tykmesh and of the CA's server, which have
// secrets, values of a chart.
//
// Errors: [InputError] where somebody names the configuration.
func manifestsOf(sources []Source, configuration string, leftOut func(name, why string)) (manifests []Source, err error) {
	for _, s := range sources {
		if s.LeftOut != "" {
			leftOut(s.Name, s.LeftOut)
			continue
		}

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

// holdsOtherThings reports whether a file holds something, and no Kubernetes object. It looks at
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

// folder is one that -f names, and where it is when links are followed.
type folder struct {
	name, root string
	recursive  bool
}

// manifests lists the manifests of a folder in name order. A link to a file counts as a file,
// because a mounted ConfigMap has such links, but only inside of the folder that was named: its
// writers must not choose what else of this machine is read and printed. A link to a folder is not
// followed, because it may lead back; a folder inside is found under its own name.
func (f folder) manifests(in string) ([]listed, error) {
	entries, err := os.ReadDir(in)
	if err != nil {
		return nil, err
	}

	var found []listed
	for _, entry := range entries {
		path := filepath.Join(in, entry.Name())
		if entry.IsDir() {
			if f.recursive {
				below, err := f.manifests(path)
				if err != nil {
					return nil, err
				}
				found = append(found, below...)
			}

			continue
		}

		isManifest := slices.Contains(manifestExtensions, filepath.Ext(path))
		if file, err := f.file(path, entry.Type(), isManifest); err != nil {
			return nil, err
		} else if file != nil {
			found = append(found, *file)
		}
	}

	return found, nil
}

// file returns what is read of an entry that is no folder, or is left out; nil where there is
// nothing to say of it.
func (f folder) file(path string, kind fs.FileMode, isManifest bool) (*listed, error) {
	isLink := kind&fs.ModeSymlink != 0
	if !isManifest && !(isLink && f.recursive) {
		return nil, nil
	}

	info, err := os.Stat(path)
	if err != nil {
		if !isManifest {
			err = nil // a link that leads nowhere, and to no manifest
		}
		return nil, err
	}

	if info.IsDir() && !f.recursive || !info.IsDir() && !isManifest {
		return nil, nil
	}
	if isLink && f.leadsOut(path) {
		return &listed{path, "it leads out of " + f.name, true}, nil
	}

	switch {
	case info.IsDir():
		return nil, nil
	case !info.Mode().IsRegular():
		return &listed{path, "it is no regular file", true}, nil
	}

	return &listed{path: path, unnamed: true}, nil
}

// leadsOut reports whether a link leads to something that is not in the folder.
func (f folder) leadsOut(link string) bool {
	leads, err := filepath.EvalSymlinks(link)
	if err != nil {
		return true
	}
	inside, err := filepath.Rel(f.root, leads)
	return err != nil || !filepath.IsLocal(inside)
}
