package ca

import (
	"crypto/x509"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/tykmesh/tykmesh/ca/internal/quiet"
)

// PreviewLocal opens the CA in dir without changing anything. If there is no CA yet, it returns one
// in memory, which has signed no certificate.
//
// Errors: those of OpenLocal.
func PreviewLocal(dir string, names []Name) (*Local, error) {
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

	return newLocal([]*x509.Certificate{cert}, key)
}
