package pki_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/tykmesh/tykmesh/ca/pki"
)

// A folder may be given, and come from anywhere: of no file in it more is read than a CA's can
// have.
func TestFilesAreReadUpToTheirLimit(t *testing.T) {
	s := setUp(t, intermediate)
	const left = ".tykmesh-change-1/remove" // of a change that was broken off
	for _, name := range []string{
		left,
		pki.CertFile, pki.KeyFile, pki.ChainFile, pki.BundleFile, pki.RootFile, pki.ConfigFile, pki.RequestFile, pki.KeysFile, pki.TrustFile, pki.ServerFile,
	} {
		dir := filepath.Join(t.TempDir(), "ca")
		if err := write(dir, s.Files); err != nil {
			t.Fatal(err)
		}

		path := filepath.Join(dir, name)
		if name == left {
			if err := errors.Join(os.Mkdir(filepath.Dir(path), 0o700), os.WriteFile(path, nil, 0o600)); err != nil {
				t.Fatal(err)
			}
		}

		if err := os.Truncate(path, 1<<36); err != nil { // it takes no room
			t.Fatal(err)
		}

		r, err := pki.ReadRotation(dir, time.Now())
		if err == nil {
			_, err = r.Request()
		}

		if err == nil || !strings.Contains(err.Error(), path+": larger than 4 MiB") {
			t.Errorf("%s: %v", name, err)
		}
	}
}
