package ca

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/cloudflare/cfssl/csr"

	"github.com/tykmesh/tykmesh/ca/internal/quiet"
)

// PreviewLocal is OpenLocal for those who only look: where dir holds no CA yet, none is made; one
// in memory stands for it, which no certificate chains to.
//
// Errors: as OpenLocal.
func PreviewLocal(dir string, names []csr.Name) (*Local, error) {
	for _, name := range []string{LocalCertificate, localKey} {
		if _, err := os.Stat(filepath.Join(dir, name)); !errors.Is(err, fs.ErrNotExist) {
			return OpenLocal(dir, names)
		}
	}

	quiet.CFSSL()
	key, _, err := KeyRequest{}.generate()
	if err != nil {
		return nil, fmt.Errorf("making a CA in memory: %w", err)
	}

	cert, err := selfSign(key, names)
	if err != nil {
		return nil, fmt.Errorf("making a CA in memory: %w", err)
	}

	return newLocalIn(cert, key)
}
