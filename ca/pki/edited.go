package pki

import (
	"bytes"
	"cmp"
	"crypto/x509"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/tykmesh/tykmesh/ca"
	"github.com/tykmesh/tykmesh/ca/internal/file"
)

// manifest is a manifest of the directory.
type manifest struct {
	File
	exists bool
	values
}

// readManifests reads the manifests, and the files whose texts they hold.
func (r *Rotation) readManifests(time.Time) error {
	r.files.Cert = string(ca.EncodeCertificates(r.Current.Certificate))
	for name, to := range map[string]*string{KeyFile: &r.files.Key, BundleFile: &r.files.Root, ConfigFile: &r.files.Config} {
		text, err := file.Read(filepath.Join(r.dir, name))
		if gone(err) != nil {
			return err
		}
		*to = string(text)
	}
	r.files.Hash = servedHash(r.Current, []byte(r.files.Config))

	r.manifests = map[string]manifest{}
	for _, f := range manifestFiles() {
		text, err := file.Read(f.in(r.dir))
		if gone(err) != nil {
			return err
		}
		f.Text = modern(text)
		r.manifests[f.Name] = manifest{f, err == nil, readValues(f.Text)}
	}

	return nil
}

// ServedIn returns the namespace of the CFSSL of the CA in a directory; "" if no manifest names it.
func ServedIn(dir string) string {
	text, err := file.Read(File{Name: ServerFile}.in(dir))
	if err != nil {
		return ""
	}
	return readValues(modern(text)).Namespace
}

// byHand returns the changes that the user has to make, each as a clause, because a manifest does
// not hold the directory's files: the user edited it, or moved it elsewhere.
func (r Rotation) byHand(manifest string) (clauses []string) {
	held := r.manifests[manifest]
	for _, c := range []struct{ manifest, held, want, clause string }{
		{TrustFile, held.Root, r.files.Root, "the ConfigMap ca-pem of each namespace on the mesh must hold " + BundleFile},
		{KeysFile, held.Key, r.files.Key, "the Secret ca-key-pem must hold " + KeyFile},
		{ServerFile, held.Cert, r.files.Cert, "the ConfigMap cfssl-ca-pem must hold " + CertFile},
		{ServerFile, held.Hash, r.files.Hash, "when the ConfigMap cfssl-ca-pem holds " + CertFile + ", CFSSL's pod must be replaced"},
	} {
		if c.manifest == manifest && c.held != c.want {
			clauses = append(clauses, c.clause)
		}
	}

	return clauses
}

// namespace returns the namespace that CFSSL runs in, or "" if no manifest names it.
func (r Rotation) namespace() string {
	for _, name := range []string{ServerFile, KeysFile} {
		if found := r.manifests[name].Namespace; found != "" {
			return found
		}
	}
	return ""
}

// remake adds a manifest to a change, made anew from the values that it holds and from new ones. A
// missing manifest is left to the user, who has moved it elsewhere (byHand).
//
// Errors: *EditedError.
func (r Rotation) remake(change *Change, name string, set func(*values)) error {
	m := r.manifests[name]
	if err := r.checkUnedited(name); err != nil || !m.exists {
		return err
	}

	v := m.values
	set(&v)
	f, err := v.render(m.File)
	change.add("", f)

	return err
}

// EditedError is a manifest that a user has edited, so that a step would undo the edit.
type EditedError struct {
	Path     string
	Line     int    // the first that differs, from 1
	Was, Now []byte // the manifest, and what tykmesh would write: both without secrets
}

func (e *EditedError) Error() string {
	return fmt.Sprintf("%s:%d: the manifest was edited; the step writes it anew and would lose the edit", e.Path, e.Line)
}

// checkUnedited refuses manifests that a user has edited.
//
// Errors: *EditedError for each.
func (r Rotation) checkUnedited(names ...string) (err error) {
	for _, name := range names {
		err = errors.Join(err, r.checkManifest(r.manifests[name]))
	}
	return err
}

func (r Rotation) checkManifest(m manifest) error {
	if !m.exists {
		return nil
	}

	v := r.expected(m)
	want, err := v.render(m.File)
	if err != nil {
		return err
	}

	if bytes.Equal(m.Text, want.Text) {
		return nil
	}

	e := &EditedError{Path: m.in(r.dir), Line: firstDifference(m.Text, want.Text), Was: m.Text, Now: want.Text}
	if m.Secret() || bytes.Contains(m.Text, []byte("Secret")) {
		v.Key, v.Config, v.APIKey = "", "", ""
		open, err := v.render(m.File)
		if err != nil {
			return err
		}
		e.Was, e.Now = redacted(m.Text, want.Text, open.Text), redacted(want.Text, want.Text, open.Text)
	}

	return e
}

// expected returns the values that a manifest must have been made with. Options may have been
// edited in it, and are kept; so is a bundle that differs from bundle.pem, if nothing in it would
// be lost.
func (r Rotation) expected(m manifest) values {
	v, preset := m.values, DefaultServing()
	v.Key, v.Cert = r.files.Key, r.files.Cert
	if !r.trustsAll(v.Root) {
		v.Root = r.files.Root
	}

	v.Hash = cmp.Or(v.Hash, r.files.Hash)
	v.Image = cmp.Or(v.Image, preset.Image)
	v.Namespace = cmp.Or(v.Namespace, r.namespace(), preset.Namespace)

	return v
}

// trustsAll reports whether pods are to trust all the CAs of a bundle, and there is one.
func (r Rotation) trustsAll(bundle string) bool {
	certs, err := ca.ParseTrustBundle([]byte(bundle))
	return err == nil && !slices.ContainsFunc(certs, func(c *x509.Certificate) bool { return !r.trusted(c) })
}

// firstDifference returns the number of the first line of a text that differs from another.
func firstDifference(text, other []byte) int {
	same := 0
	for same < min(len(text), len(other)) && text[same] == other[same] {
		same++
	}
	return 1 + bytes.Count(text[:same], []byte("\n"))
}

// redacted returns a text with every line hidden that may hold a secret: every line that is not in
// open, a manifest without secrets. If open has a line with the same key, the key is shown. Lines
// that differ from the expected text are marked.
func redacted(text, expected, open []byte) []byte {
	known, public, keys := map[string]bool{}, map[string]bool{}, map[string]bool{}
	for line := range strings.Lines(string(expected)) {
		known[line] = true
	}
	for line := range strings.Lines(string(open)) {
		key, _, _ := strings.Cut(line, ": ")
		public[line], keys[key] = true, true
	}

	var b strings.Builder
	for line := range strings.Lines(string(text)) {
		key, _, _ := strings.Cut(line, ": ")
		switch {
		case public[line]:
			b.WriteString(line)
			continue
		case keys[key]:
			b.WriteString(key + ": ")
		}

		if known[line] {
			b.WriteString("(secret)\n")
		} else {
			b.WriteString("(another secret, or an edit)\n")
		}
	}

	return []byte(b.String())
}

// modern returns a manifest as this version makes it: earlier versions wrote other comments, and
// Git may have written other line ends.
func modern(text []byte) []byte {
	return []byte(oldComments.Replace(string(bytes.ReplaceAll(text, []byte("\r\n"), []byte("\n")))))
}
