package pki

import (
	"bytes"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"errors"
	"io/fs"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/tykmesh/tykmesh/ca"
	"github.com/tykmesh/tykmesh/ca/internal/file"
)

// rebundle changes what pods trust, in the bundle and in its manifest.
func (r Rotation) rebundle(change *Change, edit func([]byte) []byte) error {
	was, err := file.Read(filepath.Join(r.dir, BundleFile))
	if err != nil {
		return err
	}
	now := edit(was)
	change.Files = append(change.Files, File{BundleFile, public, now})
	return r.edit(change, File{Name: TrustFile, Mode: public}, func(text string) string { return swapJSON(text, was, now) })
}

// reserve gives the manifests of CFSSL another CA.
func (r Rotation) reserve(change *Change, next Authority) error {
	key, err := file.Read(filepath.Join(r.dir, KeyFile))
	if err != nil {
		return err
	}

	config, err := file.Read(filepath.Join(r.dir, ConfigFile))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}

	return errors.Join(
		r.edit(change, File{Name: KeysFile, Mode: secret}, func(text string) string {
			return strings.ReplaceAll(text, base64.StdEncoding.EncodeToString(key), base64.StdEncoding.EncodeToString(next.Key))
		}),
		r.edit(change, File{Name: ServerFile, Mode: public}, func(text string) string {
			text = swapJSON(text, ca.EncodeCertificates(r.Present.Certificate), ca.EncodeCertificates(next.Certificate))
			return hashPattern.ReplaceAllString(text, "${1}"+servedHash(next, config))
		}),
	)
}

// hashPattern finds the annotation that makes the pod of CFSSL differ when what it serves does.
var hashPattern = regexp.MustCompile(`(tykmesh/ca-hash: ")[0-9a-f]+`)

// edit changes a manifest in place, so that whatever people have written into it stays. One that is
// not there, or not as it was made, is theirs to change (readManifests).
func (r Rotation) edit(change *Change, f File, edit func(string) string) error {
	text, err := file.Read(f.in(r.dir))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	f.Text = []byte(edit(string(text)))
	change.Files = append(change.Files, f)
	return err
}

// swapJSON swaps texts that stand there as JSON strings.
func swapJSON(text string, was, now []byte) string {
	return strings.ReplaceAll(text, inJSON(was), inJSON(now))
}

func inJSON(text []byte) string {
	quoted, _ := quoted(string(text)) // a string always can be
	return quoted
}

// readManifests finds the manifests that do not say what the folder's files say: people have
// changed them, or moved them elsewhere.
func (r *Rotation) readManifests(time.Time) error {
	files := map[string][]byte{}
	for _, name := range []string{KeysFile, TrustFile, ServerFile, KeyFile, BundleFile, ConfigFile} {
		text, err := file.Read(File{Name: name}.in(r.dir))
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
		files[name] = text
	}

	r.ByHand = map[string][]string{}
	for _, m := range []struct{ name, has, byHand string }{
		{TrustFile, inJSON(files[BundleFile]), "the ConfigMap ca-pem of each meshed namespace must hold " + BundleFile},
		{KeysFile, base64.StdEncoding.EncodeToString(files[KeyFile]), "the Secret ca-key-pem must hold " + KeyFile},
		{ServerFile, inJSON(ca.EncodeCertificates(r.Present.Certificate)), "the ConfigMap cfssl-ca-pem must hold " + CertFile},
		{ServerFile, servedHash(r.Present, files[ConfigFile]), "when the ConfigMap cfssl-ca-pem holds " + CertFile + ", CFSSL's pod must be replaced"},
	} {
		if !bytes.Contains(files[m.name], []byte(m.has)) {
			r.ByHand[m.name] = append(r.ByHand[m.name], m.byHand)
		}
	}

	return nil
}

// namespacePattern finds where the objects of a manifest are to be.
var namespacePattern = regexp.MustCompile(`(?m)^  namespace: ["']?([a-z0-9-]+)`)

// Namespace is CFSSL's; "" where its manifest is not there to say it.
func (r Rotation) Namespace() string {
	text, _ := file.Read(File{Name: ServerFile}.in(r.dir))
	if m := namespacePattern.FindSubmatch(text); m != nil {
		return string(m[1])
	}
	return ""
}

// without returns a bundle without some certificates, and with everything else that is in it.
func without(bundle []byte, gone []*x509.Certificate) []byte {
	var out []byte
	for rest := bundle; ; {
		block, after := pem.Decode(rest)
		if block == nil {
			return append(out, rest...)
		}
		if !slices.ContainsFunc(gone, func(c *x509.Certificate) bool { return bytes.Equal(c.Raw, block.Bytes) }) {
			out = append(out, rest[:len(rest)-len(after)]...)
		}

		rest = after
	}
}

// rotationIgnored are what a change of the CA makes that is nobody's business.
func rotationIgnored() []string {
	return []string{"/" + nextFolder + "/", "/" + FormerFolder + "/", "/" + changeFolder + "*/"}
}

// ignore adds to the folder's .gitignore what it does not name.
func (r Rotation) ignore(change *Change) error {
	text, err := file.Read(filepath.Join(r.dir, IgnoreFile))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}

	named := strings.Fields(string(text))
	if len(text) > 0 && !bytes.HasSuffix(text, []byte("\n")) {
		text = append(text, '\n')
	}

	for _, line := range rotationIgnored() {
		if !slices.Contains(named, line) {
			text = append(text, line+"\n"...)
		}
	}

	change.Files = append(change.Files, File{IgnoreFile, public, text})

	return nil
}
