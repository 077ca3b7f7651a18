package files

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// Inputs are the manifests that a run reads.
type Inputs struct {
	Paths     []string // files, directories, patterns, lists with commas, URLs, and Stdin
	Builds    []string // directories that kustomize builds
	Recursive bool     // directories are read with all directories below them
	PlainHTTP bool     // URLs may begin with http://
	Stdin     io.Reader
	Rewrite   string // the command that rewrites files in place; "" without one

	roots *x509.CertPool // of servers; nil means those of the system
}

// Source is a part of the input: a file, standard input, the answer of a server, or the output of
// kustomize.
type Source struct {
	Name    string // as the user typed it; StdinName for standard input; a URL without its secrets
	Data    []byte // nil before it is read
	Unnamed bool   // the user named a directory above it, or a pattern
	LeftOut string // the reason why it is not read, or ""

	kind kind
	from *url.URL // of a URL
	dir  string   // of kustomize
}

// kind is the place that a source is read from.
type kind int

const (
	aFile kind = iota
	aStream
	aURL
	aBuild
)

// Names of standard input.
const (
	Stdin     = "-"       // standard input, as a path
	StdinName = "<stdin>" // standard input, as the name of a Source
)

// Wait calls read with a context that ends when the user or a time limit ends the reading. read
// calls next before each source, with its name.
type Wait func(read func(ctx context.Context, next func(source string)) error) error

// Read reads the inputs in their order: files, directories (manifests in the order of names, with
// Recursive also below), files that match a pattern, URLs, outputs of kustomize, and standard
// input, which is also read if nothing is named. An input that is named twice is read twice, as
// kubectl does. Links that lead out of a directory are left out. Servers and kustomize are waited
// for first, with wait.
//
// Errors: one for each input that cannot be read; [InputError] if standard input is named twice,
// or is a terminal that the user did not name; those of wait.
func (in Inputs) Read(wait Wait) ([]Source, error) {
	if len(in.Paths) == 0 && len(in.Builds) == 0 && IsTerminal(in.Stdin) {
		return nil, &InputError{"no input: name manifests with -f, or pipe them to standard input"}
	}

	sources, err := in.list()
	if err != nil {
		return nil, err
	}

	if slices.ContainsFunc(sources, Source.slow) {
		if err := wait(func(ctx context.Context, next func(string)) error { return in.fetch(ctx, sources, next) }); err != nil {
			return nil, err
		}
	}

	return in.readLocal(sources)
}

// slow reports whether a source takes the time of a server or of another program.
func (s Source) slow() bool { return s.kind == aURL || s.kind == aBuild }

// fetch reads the slow sources.
func (in Inputs) fetch(ctx context.Context, sources []Source, next func(string)) error {
	var (
		errs   []error
		client = in.newClient()
	)
	for i, s := range sources {
		if !s.slow() {
			continue
		}

		next(s.Name)
		var err error
		if s.kind == aURL {
			sources[i].Data, err = client.get(ctx, s.from)
		} else {
			sources[i].Data, err = build(ctx, s.dir)
		}

		if ctx.Err() != nil {
			return fmt.Errorf("reading manifests: %s: %w", s.Name, context.Cause(ctx))
		}
		if err != nil {
			errs = append(errs, fmt.Errorf("reading manifests: %s: %w", s.Name, err))
		}
	}

	return errors.Join(errs...)
}

// readLocal reads files and standard input.
func (in Inputs) readLocal(sources []Source) ([]Source, error) {
	var errs []error
	for i, s := range sources {
		var err error
		switch {
		case s.LeftOut != "":
		case s.kind == aFile:
			if sources[i].Data, err = readFile(s.Name, maxManifests); err != nil {
				errs = append(errs, inputError(err))
			}
		case s.kind == aStream:
			if sources[i].Data, err = readAll(in.Stdin, maxManifests, 0); err != nil {
				errs = append(errs, fmt.Errorf("reading standard input: %w", err))
			}
		}
	}

	if len(errs) > 0 {
		return nil, errors.Join(errs...)
	}

	return sources, nil
}

// list returns the sources of the inputs, unread.
//
// Errors: one for each input that names nothing.
func (in Inputs) list() ([]Source, error) {
	paths := in.Paths
	if len(paths) == 0 && len(in.Builds) == 0 {
		paths = []string{Stdin}
	}

	var (
		sources []Source
		errs    []error
	)
	add := func(found []Source, err error) {
		if err != nil {
			errs = append(errs, err)
		}
		sources = append(sources, found...)
	}

	for _, dir := range in.Builds {
		add(overlay(dir))
	}
	for _, path := range paths {
		add(in.find(path))
	}

	isStream := func(s Source) bool { return s.kind == aStream }
	if first := slices.IndexFunc(sources, isStream); first >= 0 && slices.ContainsFunc(sources[first+1:], isStream) {
		errs = append(errs, &InputError{"- is given twice: standard input can be read only once"})
	}

	return sources, errors.Join(errs...)
}

// ReadsStdin reports whether standard input is among the inputs.
func (in Inputs) ReadsStdin() bool { return in.has(aStream) }

// Rewritable reports whether all inputs are files, which alone can be rewritten.
func (in Inputs) Rewritable() bool { return !in.has(aStream) && !in.has(aURL) && !in.has(aBuild) }

func (in Inputs) has(k kind) bool {
	sources, _ := in.list() // reading reports the error
	return slices.ContainsFunc(sources, func(s Source) bool { return s.kind == k })
}

// find returns the sources that a path leads to. A name of a file or directory is one, whatever
// characters it has. Otherwise it is a pattern (path/filepath.Match) if files match it, and then a
// list, as kubectl takes both.
func (in Inputs) find(path string) ([]Source, error) {
	switch {
	case path == "":
		return nil, &InputError{"a path is empty; name a file, or - for standard input"}
	case path == Stdin:
		return []Source{{Name: StdinName, kind: aStream}}, nil
	case isURL(path):
		return in.remote(path)
	}

	_, err := os.Stat(path)
	if err != nil && strings.Contains(path, ":/") && strings.Contains(path, "@") { // it may hold a password
		return nil, &InputError{"a path is neither a file nor a URL that tykmesh reads, and holds a user; write https://USER:PASSWORD@HOST/PATH, or a file"}
	}

	isPattern, isList := strings.ContainsAny(path, "*?["), strings.Contains(path, ",")
	switch {
	case err == nil, !isPattern && !isList:
		return in.place(path)
	case isPattern:
		found, err := in.matching(path)
		if !isList || len(found) > 0 {
			return found, err
		}
	}

	return in.parts(path)
}

// parts returns the sources of a list with commas.
func (in Inputs) parts(list string) (sources []Source, err error) {
	var errs []error
	for part := range strings.SplitSeq(list, ",") {
		if part == "" {
			return nil, &InputError{fmt.Sprintf("%s: there is no path beside a comma; correct the list", list)}
		}
		found, err := in.find(part)
		sources, errs = append(sources, found...), append(errs, err)
	}

	return sources, errors.Join(errs...)
}

// place returns the files that a path leads to: the path itself, or the manifests in a directory.
func (in Inputs) place(path string) ([]Source, error) {
	info, err := os.Stat(path)
	switch {
	case err != nil && strings.Contains(path, "://"):
		return nil, fmt.Errorf("reading manifests: %s: tykmesh reads files and https:// URLs; download it, then name the file", path)
	case err != nil:
		return nil, inputError(err)
	case !info.IsDir():
		return []Source{{Name: path}}, nil
	}

	root, err := filepath.EvalSymlinks(path)
	if err != nil {
		return nil, inputError(err)
	}

	found, err := directory{path, root, in.Recursive}.manifests(path)
	if err != nil {
		return nil, inputError(err)
	}
	if len(found) == 0 {
		return nil, fmt.Errorf("reading manifests: %s: no .yaml, .yml or .json file in this directory", path)
	}

	return found, nil
}

// matching returns the manifests that match a pattern, in the order of names; of directories that
// match it, those in them. The directory before the first special character counts as named: no
// link leads out of it.
func (in Inputs) matching(pattern string) ([]Source, error) {
	paths, err := filepath.Glob(pattern)
	if err != nil {
		return nil, fmt.Errorf("reading manifests: %s: no file has this name, and it is no valid pattern; close its brackets", pattern)
	}

	base := "."
	before := pattern[:strings.IndexAny(pattern, "*?[")]
	if end := strings.LastIndexFunc(before, func(r rune) bool { return r == '/' || r == filepath.Separator }); end >= 0 {
		base = filepath.Clean(before[:end+1])
	}

	var found []Source
	for _, path := range paths {
		root, err := filepath.EvalSymlinks(base)
		if err != nil {
			return nil, inputError(err)
		}

		more, err := directory{base, root, in.Recursive}.matched(path)
		if err != nil {
			return nil, inputError(err)
		}

		found = append(found, more...)
	}

	if len(found) == 0 {
		return nil, fmt.Errorf("reading manifests: %s: no .yaml, .yml or .json file matches this pattern", pattern)
	}

	return found, nil
}

// matched returns the manifests at a path in the directory.
func (d directory) matched(path string) ([]Source, error) {
	if d.leadsOut(path) {
		return []Source{{Name: path, Unnamed: true, LeftOut: "it leads out of " + d.name}}, nil
	}
	info, err := os.Stat(path)
	if err != nil {
		return nil, err
	}

	if info.IsDir() {
		if entry, err := os.Lstat(path); err != nil || !entry.IsDir() {
			return nil, err // a link, which may lead back
		}
		return d.manifests(path)
	}

	file, err := d.file(path, info.Mode().Type(), isManifest(path))
	if file == nil {
		return nil, err
	}

	return []Source{*file}, err
}
