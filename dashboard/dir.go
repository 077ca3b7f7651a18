package dashboard

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
)

// Dir is a directory that stands in for the Dashboard. It keeps the promises of [Client], method by
// method. It refuses duplicate slugs and api_ids, definitions that violate the schema, and
// certificates that the store would refuse.
//
//	apis/<slug>.json  a bare definition: indented, keys sorted, final newline
//	certs/<id>.pem    a certificate, its chain and private key, mode 0600
//
// You can edit the files by hand and keep them in Git. A file whose content does not match its name
// is an error. Nothing is created before the first write.
//
// Each file appears and changes atomically, so several processes may use one directory at once. If
// two create the same object, one gets ErrExists.
type Dir struct {
	path string
	org  string

	mu    sync.Mutex
	slugs map[string]string // by database id and api_id; nil before the first listing
}

// OpenDir returns a stand-in that uses the directory at path, which need not exist yet. The
// organisation's id becomes part of definitions and certificate ids.
//
// Errors: path is not a directory, or is inaccessible.
func OpenDir(path, org string) (*Dir, error) {
	info, err := os.Stat(path)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("opening local directory: %w", err)
	}
	if err == nil && !info.IsDir() {
		return nil, fmt.Errorf("opening local directory: %s is not a directory", path)
	}

	return &Dir{path: path, org: org}, nil
}

// APIs lists every API, in the order of their slugs.
//
// Errors: an invalid file; two files with the same id or api_id.
func (d *Dir) APIs(ctx context.Context) (apis []API, err error) {
	defer during("listing APIs", &err)
	all, err := readAll(ctx, d.apis(), ".json", d.read)
	if err != nil {
		return nil, err
	}

	slugs := make(map[string]string, 2*len(all))
	for _, def := range all {
		for _, id := range []string{def.APIID(), def.ID()} {
			if other, taken := slugs[id]; taken && other != def.Slug() {
				return nil, fmt.Errorf("%s and %s have the same id %s", d.file(other), d.file(def.Slug()), id)
			}
			slugs[id] = def.Slug()
		}
		apis = append(apis, API{Definition: def})
	}

	d.mu.Lock()
	d.slugs = slugs
	d.mu.Unlock()

	return apis, nil
}

// API reads one API by its database id or api_id.
//
// Errors: ErrNotFound.
func (d *Dir) API(ctx context.Context, id string) (a API, err error) {
	defer during(fmt.Sprintf("reading API %q", id), &err)
	a.Definition, err = d.find(ctx, id)
	return a, err
}

// CreateAPI writes a new file. The database id derives from the api_id, and a missing api_id from
// organisation and slug.
//
// Errors: ErrExists when another API has the slug or the api_id; a definition that violates the
// schema, or whose slug cannot be a file name.
func (d *Dir) CreateAPI(ctx context.Context, def Definition) (c Created, err error) {
	defer during("creating API "+def.Slug(), &err)
	def = def.Clone()
	def["org_id"] = d.org
	if def.APIID() == "" {
		def["api_id"] = digest("api", d.org, def.Slug())[:32]
	}

	def["id"] = digest("id", def.APIID())[:24]
	if err := d.list(ctx); err != nil {
		return Created{}, err
	}
	if other := d.remembered(def.APIID()); other != nil && other.Slug() != def.Slug() {
		return Created{}, fmt.Errorf("%s has the same api_id: %w", d.file(other.Slug()), ErrExists)
	}
	if err := d.write(def, writeNew); err != nil {
		return Created{}, err
	}

	return Created{ID: def.ID(), APIID: def.APIID()}, nil
}

// UpdateAPI replaces the API with the database id of the definition. Files have no envelope.
//
// Errors: ErrNotFound when it does not exist, ErrExists when another API has the new slug; a
// definition that violates the schema.
func (d *Dir) UpdateAPI(ctx context.Context, a API) (err error) {
	defer during("updating API "+a.Definition.Slug(), &err)
	old, err := d.find(ctx, a.Definition.ID())
	if err != nil {
		return err
	}

	def := a.Definition.Clone()
	def["org_id"] = d.org
	def["id"] = old.ID()
	if def.APIID() == "" {
		def["api_id"] = old.APIID()
	}

	if def.Slug() == old.Slug() {
		return d.write(def, replace)
	}
	if err := d.write(def, writeNew); err != nil {
		return err
	}

	return os.Remove(d.file(old.Slug()))
}

// DeleteAPI deletes an API by its database id or api_id; deleting an absent one succeeds.
func (d *Dir) DeleteAPI(ctx context.Context, id string) (err error) {
	defer during(fmt.Sprintf("deleting API %q", id), &err)
	def, err := d.find(ctx, id)
	if errors.Is(err, ErrNotFound) {
		return nil
	}
	if err != nil {
		return err
	}

	return removeFile(d.file(def.Slug()))
}

func (d *Dir) apis() string { return filepath.Join(d.path, "apis") }

func (d *Dir) file(slug string) string { return filepath.Join(d.apis(), slug+".json") }

// find returns the API with an id. It returns ErrNotFound only after a fresh listing: another
// process may have created the API.
func (d *Dir) find(ctx context.Context, id string) (Definition, error) {
	if !isID(id) {
		return nil, fmt.Errorf("%q is not an id", id)
	}
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if def := d.remembered(id); def != nil {
		return def, nil
	}
	if _, err := d.APIs(ctx); err != nil {
		return nil, err
	}
	if def := d.remembered(id); def != nil {
		return def, nil
	}

	return nil, ErrNotFound
}

// remembered returns the API that the last listing showed with an id, or nil; also nil if
// it no longer exists.
func (d *Dir) remembered(id string) Definition {
	d.mu.Lock()
	slug := d.slugs[id]
	d.mu.Unlock()
	if slug == "" {
		return nil
	}
	def, err := d.read(slug)
	if err != nil || def.ID() != id && def.APIID() != id {
		return nil
	}

	return def
}

// list makes sure that the directory has been listed once.
func (d *Dir) list(ctx context.Context) error {
	d.mu.Lock()
	known := d.slugs != nil
	d.mu.Unlock()
	err := ctx.Err()
	if err == nil && !known {
		_, err = d.APIs(ctx)
	}

	return err
}

// read reads and checks apis/<slug>.json.
func (d *Dir) read(slug string) (def Definition, err error) {
	b, err := readFile(d.file(slug))
	if err != nil {
		return nil, err
	}

	defer during(d.file(slug), &err)
	if err := decodeJSON(b, &def); err != nil {
		return nil, err
	}
	if _, err := def.Check(); err != nil {
		return nil, err
	}

	switch {
	case def.Slug() != slug:
		return nil, fmt.Errorf("the slug is %q, not the file's name", def.Slug())
	case def.APIID() == "":
		return nil, errors.New("no api_id")
	case def.ID() == "":
		def["id"] = digest("id", def.APIID())[:24]
	}

	return def, nil
}

// write checks a definition and writes its file by writeNew or replace.
func (d *Dir) write(def Definition, way func(path string, b []byte, mode fs.FileMode) error) error {
	if _, err := def.Check(); err != nil {
		return err
	}

	slug := def.Slug()
	if len(slug) > maxName || !slugForm.MatchString(slug) {
		return fmt.Errorf("the slug %q cannot be a file name", slug)
	}

	b, err := indented(def)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(d.apis(), 0o755); err != nil {
		return err
	}

	if err := way(d.file(slug), b, 0o644); errors.Is(err, fs.ErrExist) {
		return fmt.Errorf("the slug is taken by %s: %w", d.file(slug), ErrExists)
	} else if err != nil {
		return err
	}

	d.mu.Lock()
	defer d.mu.Unlock()
	if d.slugs != nil {
		d.slugs[def.ID()], d.slugs[def.APIID()] = slug, slug
	}

	return nil
}

// slugForm matches slugs that stay inside the directory and differ from temporary files.
var slugForm = regexp.MustCompile(`^[A-Za-z0-9_-][A-Za-z0-9._-]*$`)

// digest returns a hash of parts. Different parts have different hashes.
func digest(parts ...string) string {
	sum := sha256.Sum256([]byte(strings.Join(parts, "\x00")))
	return hex.EncodeToString(sum[:])
}
