package files

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"

	"github.com/tykmesh/tykmesh/cmd/internal/prose"
	"github.com/tykmesh/tykmesh/inject/manifest"
)

// manifestExtensions are the extensions that kubectl reads in a directory.
var manifestExtensions = []string{".yaml", ".yml", ".json"}

// isManifest reports whether a file has the extension of manifests.
func isManifest(path string) bool { return slices.Contains(manifestExtensions, filepath.Ext(path)) }

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

		isConfiguration := configuration != "" && s.kind == aFile && same(s.Name, configuration)
		switch {
		case isConfiguration && !s.Unnamed:
			return nil, &InputError{fmt.Sprintf("%s is the configuration of this run, and no manifest", s.Name)}
		case isConfiguration:
			leftOut(s.Name, "it is the configuration")
		case s.Unnamed && isKustomization(s):
			leftOut(s.Name, "it is for kustomize; -k "+prose.ShellWord(filepath.Dir(s.Name))+" builds it")
		case s.Unnamed && holdsOtherThings(s.Data):
			leftOut(s.Name, "it holds no Kubernetes object, which has an apiVersion and a kind")
		default:
			manifests = append(manifests, s)
		}
	}

	return manifests, nil
}

// isKustomization reports whether kustomize reads a file (its documentation, kustomization file).
// Other objects are also of a kind Kustomization, such as those of Flux.
func isKustomization(s Source) bool {
	return slices.Contains(kustomizations, filepath.Base(s.Name)) &&
		(bytes.Contains(s.Data, []byte("kustomize.config.k8s.io/")) || holdsOtherThings(s.Data))
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

		if file, err := d.file(path, entry.Type(), isManifest(path)); err != nil {
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
