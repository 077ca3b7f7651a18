package pki

import (
	"bytes"
	"crypto/x509"
	"encoding/pem"
	"path/filepath"
	"slices"
	"strings"

	"github.com/tykmesh/tykmesh/ca/internal/file"
)

// rebundle changes the CAs that pods trust, in the bundle and in its manifest.
func (r Rotation) rebundle(change *Change, edit func([]byte) []byte) error {
	bundle := edit([]byte(r.files.Root))
	change.add("", File{BundleFile, public, bundle})
	return r.remake(change, TrustFile, func(v *values) { v.Root = string(bundle) })
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

// rotationIgnored returns the lines of .gitignore that hide what a rotation keeps in the directory.
func rotationIgnored() []string {
	return []string{"/" + nextDir + "/", "/" + PreviousDir + "/", "/" + changeDir + "*/"}
}

// ignore adds to the directory's .gitignore the lines that it lacks.
func (r Rotation) ignore(change *Change) error {
	text, err := file.Read(filepath.Join(r.dir, IgnoreFile))
	if gone(err) != nil {
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

	change.add("", File{IgnoreFile, public, text})

	return nil
}
