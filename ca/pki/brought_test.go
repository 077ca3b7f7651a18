package pki_test

import (
	"encoding/pem"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/tykmesh/tykmesh/ca/pki"
)

// Whatever stands in the files of a CA that is brought: an error that names one of them and quotes
// no key, or a CA that is read again as the same.
func FuzzBrought(f *testing.F) {
	s, err := pki.Make(f.Context(), options(intermediate))
	if err != nil {
		f.Fatal(err)
	}

	made := map[string][]byte{}
	for _, file := range s.Files {
		made[file.Name] = file.Text
	}

	cert, key, bundle := made[pki.CertFile], made[pki.KeyFile], made[pki.BundleFile]
	der, _ := pem.Decode(key)
	typed := func(kind string) []byte { return pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der.Bytes}) }
	f.Add(cert, key, bundle)
	f.Add(bundle, made[pki.RootKeyFile], []byte{})
	f.Add(append(bundle, cert...), typed("EC PRIVATE KEY"), bundle)
	f.Add(key, cert, bundle)
	f.Add(cert, typed("ENCRYPTED PRIVATE KEY"), key)
	f.Add(cert, append(typed("EC PARAMETERS"), key...), append(bundle, bundle...))
	lines := strings.Split(string(key), "\n")
	dir := f.TempDir()
	f.Fuzz(func(t *testing.T, cert, key, bundle []byte) {
		for name, text := range map[string][]byte{pki.CertFile: cert, pki.KeyFile: key, pki.BundleFile: bundle} {
			if err := os.WriteFile(filepath.Join(dir, name), text, 0o600); err != nil {
				t.Fatal(err)
			}
		}

		setup, err := pki.Bring(dir, options())
		if err != nil {
			if said := err.Error(); !strings.Contains(said, dir) || strings.Contains(said, lines[1]) || strings.Contains(said, lines[2]) {
				t.Fatalf("said: %s", said)
			}
			return
		}

		fill := func(files []pki.File) string {
			again := t.TempDir()
			for _, file := range files {
				if !strings.Contains(file.Name, "/") {
					if err := os.WriteFile(filepath.Join(again, file.Name), file.Text, 0o600); err != nil {
						t.Fatal(err)
					}
				}
			}

			return again
		}

		again, err := pki.Bring(fill(setup.Files), options())
		if err != nil || !again.Certificate.Equal(setup.Certificate) || !again.Root().Equal(setup.Root()) || string(again.Key) != string(setup.Key) {
			t.Fatalf("%v under %v is written, and brought as %v: %v", setup.Certificate.Subject, setup.Root().Subject, again.CA, err)
		}
	})
}
