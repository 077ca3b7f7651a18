package ca

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/tykmesh/tykmesh/ca/internal/file"
)

// The files of a token key in its directory.
const (
	TokenKeyFile    = "token-key.pem" //nolint:gosec // a name; the private key, which signs tokens
	TokenPublicFile = "token.pem"     // the public key, by which sidecars verify tokens
)

// CreateTokenKey makes a key for tokens in a directory, which it makes if needed: the private key,
// which only its owner may read, and the public one. If only the public one is missing, it makes
// that. It calls confirm before the last file is written, and an error of confirm deletes the key.
// It hides the private key from Git if the directory has no .gitignore; hidden reports whether Git
// ignores it.
//
// Errors: a public key that exists; a private key that cannot be read; those of confirm; files that
// cannot be written.
func CreateTokenKey(dir string, confirm func() error) (hidden bool, err error) {
	if err := os.Mkdir(dir, 0o700); err != nil && !errors.Is(err, fs.ErrExist) {
		return false, err
	}
	if info, err := os.Stat(dir); err != nil || !info.IsDir() {
		return false, fmt.Errorf("%s is not a directory", dir)
	}

	keyPath, publicPath := filepath.Join(dir, TokenKeyFile), filepath.Join(dir, TokenPublicFile)
	if _, err := os.Lstat(publicPath); err == nil {
		return false, fmt.Errorf("%s exists already, and ca token overwrites no file", publicPath)
	}

	ignored, err := ignoreTokenKey(filepath.Join(dir, ".gitignore"))
	if err != nil {
		return false, err
	}

	made := false
	err = makeFile(keyPath, 0o600, func() ([]byte, error) {
		_, private, err := KeyRequest{Algo: ECDSA, Size: 256}.generate()
		made = true
		return private, err
	})
	if err != nil {
		return false, err
	}

	key, err := ReadTokenKey(keyPath)
	if err != nil {
		return false, err
	}

	public, err := key.Public()
	if err != nil {
		return false, err
	}

	if err := confirm(); err != nil {
		if made {
			_ = os.Remove(keyPath) // the first error says more
		}
		return false, err
	}

	return ignored, file.Create(publicPath, 0o644, public)
}

// ignoreTokenKey makes a .gitignore with the private key unless there is one, and reports whether
// it has the private key.
func ignoreTokenKey(path string) (bool, error) {
	line := "/" + TokenKeyFile
	err := makeFile(path, 0o644, func() ([]byte, error) {
		return []byte("# A secret: it lets its reader call as any service of the mesh.\n" + line + "\n"), nil
	})
	if err != nil {
		return false, err
	}

	text, err := file.Read(path)
	if err != nil {
		return false, err
	}

	lines := strings.Split(string(text), "\n")

	return slices.Contains(lines, line) || slices.Contains(lines, line[1:]), nil
}
