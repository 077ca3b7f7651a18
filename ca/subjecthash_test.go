package ca

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// TestFileNames compares the names with OpenSSL's: the name of each file is NUMBER-HASH.pem, with
// the hash that `openssl x509 -subject_hash` of OpenSSL 3.0 printed. The subjects have all of
// OpenSSL's types of texts, letters of other alphabets, spaces, and parts of several attributes.
func TestFileNames(t *testing.T) {
	paths, err := filepath.Glob("testdata/subjecthash/*.pem")
	if err != nil || len(paths) < 8 {
		t.Fatalf("%d certificates (%v)", len(paths), err)
	}

	var all TrustBundle
	for _, path := range paths {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}

		trust, err := ParseTrustBundle(text)
		if err != nil {
			t.Fatalf("%s: %v", path, err)
		}

		_, want, _ := strings.Cut(strings.TrimSuffix(filepath.Base(path), ".pem"), "-")
		if got := trust.FileNames(); !slices.Equal(got, []string{want + ".0"}) {
			t.Errorf("%s: got %q", path, got)
		}

		all = append(all, trust...)
	}

	if names := all.FileNames(); len(names) != 6 || !slices.IsSorted(names) {
		t.Errorf("three of eight have one name, but there are %q", names)
	}

	if names := TrustBundle(nil).FileNames(); names != nil {
		t.Errorf("nothing has the names %q", names)
	}
}
