package pki

import (
	"path"
	"path/filepath"
	"text/template"
	"time"
)

// ParseRequest is what is made of a csr_ca.json.
func ParseRequest(text []byte) (Request, error) { return parseRequest(text) }

// Text returns a request as csr_ca.json.
func (r Request) Text() ([]byte, error) { return r.text() }

// Names returns the files that Free looks for.
func Names() []string { return names }

// WriteBroken is Write that calls before each of its operations, so that a panic is as good as a
// kill.
func (c Change) WriteBroken(dir string, before func()) error { return c.write(dir, disk{before}) }

// MakeBroken calls Write for the files of a new CA, likewise. A panic releases the directory, as
// the end of a process does.
func MakeBroken(dir string, files []File, before func()) error {
	return write(filepath.Clean(dir), files, func() error { return nil }, disk{before})
}

// Lock keeps other runs out of a directory.
func Lock(dir string) (unlock func(), err error) { return lock(dir) }

// WithTemplate returns a manifest of the directory, made from another template.
func (r Rotation) WithTemplate(name, text string) ([]byte, error) {
	t, err := template.New(path.Base(name)).Funcs(templateFuncs).Parse(text)
	if err != nil {
		return nil, err
	}
	f, err := r.manifests[name].values.renderWith(t, File{Name: name})
	return f.Text, err
}

// ByHand returns the changes of a manifest that are left to the user.
func (r Rotation) ByHand(manifest string) []string { return r.byHand(manifest) }

// CrossSigned reports whether pods that do not trust the next CA yet accept its certificates.
func (r Rotation) CrossSigned() bool { return r.cross != nil }

// Expired reports whether the CA that signs has expired.
func (r Rotation) Expired(now time.Time) bool { return r.expired(now) }

// Unignored returns the secret files that a directory's .gitignore lacks.
func Unignored(dir string, files []File) []string { return unignored(dir, files) }

// Reissued reports whether the previous CA was under the same root as the current one.
func (r Rotation) Reissued() bool { return r.reissued() }
