package files

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/tykmesh/tykmesh/inject/manifest"
)

// Source is one file of the input, or standard input.
type Source struct {
	Name    string // as the user typed it; StdinName for standard input
	Data    []byte // nil from List
	Unnamed bool   // the user named a directory above it
	LeftOut string // the reason why it is not read, or ""
}

// Names of standard input.
const (
	Stdin     = "-"       // standard input, as a path of -f
	StdinName = "<stdin>" // standard input, as the name of a Source
)

// manifestExtensions are the extensions that kubectl reads in a directory.
var manifestExtensions = []string{".yaml", ".yml", ".json"}

// Read reads the paths of -f in their order: files, directories (manifests in the order of names,
// with recursive also below) and [Stdin], which is also read if there are no paths. A path that is
// named twice is read twice, as kubectl does. Links that lead out of a directory are left out.
//
// Errors: one for each path that cannot be read; [InputError] if standard input is named twice, or
// is a terminal that the user did not name.
func Read(paths []string, recursive bool, stdin io.Reader) ([]Source, error) {
	if len(paths) == 0 {
		if IsTerminal(stdin) {
			return nil, &InputError{"no input: name manifests with -f, or pipe them to standard input"}
		}
		paths = []string{Stdin}
	}

	var (
		sources []Source
		errs    []error
	)
	for i, path := range paths {
		if path == Stdin && slices.Contains(paths[:i], Stdin) {
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

// List returns the files that a path of -f leads to, unread: the path itself, or the manifests in a
// directory.
func List(path string, recursive bool) ([]Source, error) {
	info, err := os.Stat(path)
	switch {
	case err != nil && strings.Contains(path, "://"):
		return nil, fmt.Errorf("reading manifests: %s: tykmesh reads files, not URLs; pipe it: curl -fsS %[1]s | tykmesh inject", path)
	case err != nil:
		return nil, inputError(err)
	case !info.IsDir():
		return []Source{{Name: path}}, nil
	}

	root, err := filepath.EvalSymlinks(path)
	if err != nil {
		return nil, inputError(err)
	}

	found, err := directory{path, root, recursive}.manifests(path)
	if err != nil {
		return nil, inputError(err)
	}
	if len(found) == 0 {
		return nil, fmt.Errorf("reading manifests: %s: no .yaml, .yml or .json file in this directory", path)
	}

	return found, nil
}

func readPath(path string, recursive bool, stdin io.Reader) ([]Source, error) {
	if path == Stdin {
		data, err := readAll(stdin, maxManifests, 0)
		if err != nil {
			return nil, fmt.Errorf("reading standard input: %w", err)
		}
		return []Source{{Name: StdinName, Data: data}}, nil
	}

	sources, err := List(path, recursive)
	if err != nil {
		return nil, err
	}

	var errs []error
	for i, s := range sources {
		if s.LeftOut != "" {
			continue
		}
		if sources[i].Data, err = readFile(s.Name, maxManifests); err != nil {
			errs = append(errs, inputError(err))
		}
	}

	return sources, errors.Join(errs...)
}

// inputError returns an error with the file and the reason, but without the system call.
func inputError(err error) error {
	if e := (*fs.PathError)(nil); errors.As(err, &e) {
		return fmt.Errorf("reading manifests: %s: %w", e.Path, e.Err)
	}
	return fmt.Errorf("reading manifests: %w", err)
}

// Manifests returns the sources that may hold manifests. Other files of a directory are left out:
// kubectl would refuse and print them, and the configurations of tykmesh and its CA hold secrets.
//
// Errors: [InputError] if the user named the configuration.
func Manifests(sources []Source, configuration string, leftOut func(name, why string)) (manifests []Source, err error) {
	for _, s := range sources {
		if s.LeftOut != "" {
			leftOut(s.Name, s.LeftOut)
			continue
		}

		isConfiguration := configuration != "" && same(s.Name, configuration)
		switch {
		case isConfiguration && !s.Unnamed:
			return nil, &InputError{fmt.Sprintf("%s is the configuration of this run, and no manifest", s.Name)}
		case isConfiguration:
			leftOut(s.Name, "it is the configuration")
		case s.Unnamed && holdsOtherThings(s.Data):
			leftOut(s.Name, "it holds no Kubernetes object, which has an apiVersion and a kind"+aboutKustomization(s.Name))
		default:
			manifests = append(manifests, s)
		}
	}

	return manifests, nil
}

// aboutKustomization returns a clause about a file that kustomize reads (its documentation,
// kustomization file); "" for any other.
func aboutKustomization(name string) string {
	switch filepath.Base(name) {
	case "kustomization.yaml", "kustomization.yml":
		return "; to build it: kubectl kustomize " + filepath.Dir(name) + " | tykmesh inject"
	}
	return ""
}

// holdsOtherThings reports whether a file has content, but no Kubernetes object. It looks for
// words, as far as the first object. A file that is not UTF-8 may hold any object.
func holdsOtherThings(data []byte) bool {
	if !manifest.IsUTF8(data) {
		return false
	}

	other := false
	for line := range bytes.Lines(data) {
		text := bytes.TrimLeft(line, " \t")
		switch {
		case bytes.HasPrefix(text, []byte("#")):
		case bytes.Contains(text, []byte("apiVersion")), bytes.Contains(text, []byte("kind")):
			return false
		default:
			other = other || len(bytes.Trim(text, "- \t\r\n")) > 0
		}
	}

	return other
}

// directory is a directory that -f names. root is its place when links are followed.
type directory struct {
	name, root string
	recursive  bool
}

// manifests lists the manifests of a directory in the order of names. A link to a file counts as a
// file, because a mounted ConfigMap has such links, but only inside the directory that was named:
// its writers must not choose other files of this machine to be read and printed. A link to a
// directory is not followed, because it may lead back.
func (d directory) manifests(in string) ([]Source, error) {
	entries, err := os.ReadDir(in)
	if err != nil {
		return nil, err
	}

	var found []Source
	for _, entry := range entries {
		path := filepath.Join(in, entry.Name())
		if entry.IsDir() {
			if d.recursive {
				below, err := d.manifests(path)
				if err != nil {
					return nil, err
				}
				found = append(found, below...)
			}

			continue
		}

		isManifest := slices.Contains(manifestExtensions, filepath.Ext(path))
		if file, err := d.file(path, entry.Type(), isManifest); err != nil {
			return nil, err
		} else if file != nil {
			found = append(found, *file)
		}
	}

	return found, nil
}

// file returns the source of an entry that is no directory; nil if the entry is no manifest.
func (d directory) file(path string, kind fs.FileMode, isManifest bool) (*Source, error) {
	isLink := kind&fs.ModeSymlink != 0
	if !isManifest && !(isLink && d.recursive) {
		return nil, nil
	}

	info, err := os.Stat(path)
	if err != nil {
		if !isManifest {
			err = nil // a broken link without the extension of a manifest
		}
		return nil, err
	}

	if info.IsDir() && !d.recursive || !info.IsDir() && !isManifest {
		return nil, nil
	}
	if isLink && d.leadsOut(path) {
		return &Source{Name: path, Unnamed: true, LeftOut: "it leads out of " + d.name}, nil
	}

	switch {
	case info.IsDir():
		return nil, nil
	case !info.Mode().IsRegular():
		return &Source{Name: path, Unnamed: true, LeftOut: "it is no regular file"}, nil
	}

	return &Source{Name: path, Unnamed: true}, nil
}

// leadsOut reports whether a link leads out of the directory.
func (d directory) leadsOut(link string) bool {
	leads, err := filepath.EvalSymlinks(link)
	if err != nil {
		return true
	}
	inside, err := filepath.Rel(d.root, leads)
	return err != nil || !filepath.IsLocal(inside)
}

// same reports whether both paths lead to one file.
func same(a, b string) bool {
	infoA, errA := os.Stat(a)
	infoB, errB := os.Stat(b)
	return errA == nil && errB == nil && os.SameFile(infoA, infoB)
}
