package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestCheck breaks the configuration of releases in one place after the other.
func TestCheck(t *testing.T) {
	const file = "../../.goreleaser.yaml"
	if err := check(file); err != nil {
		t.Fatal(err)
	}
	whole, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}

	for _, c := range []struct{ name, old, new, want string }{
		{"an unknown field", "nfpms:\n", "nfpms:\n  - {formatz: [deb]}\n", "field formatz not found"},
		{"a format without a test", "formats: [deb, rpm]", "formats: [deb, apk]", `format "apk" has no test`},
		{"no formats", "formats: [deb, rpm]", "formats: []", "formats is empty"},
		{"no maintainer", "    maintainer: The tykmesh developers <tykmesh@users.noreply.github.com>\n", "", "nfpms: maintainer has no value"},
		{"a file that is not there", "src: README.md, dst", "src: READYOU.md, dst", "READYOU.md"},
		{"two files at one place", "/usr/share/doc/tykmesh/copyright", "/usr/share/doc/tykmesh/README.md", "collision"},
		{"a destination that is no path", "dst: /usr/share/tykmesh/", "dst: usr/share/tykmesh/", "is not an absolute path"},
		{"an unknown type", "dst: /usr/bin/kubectl-tykmesh, type: symlink", "dst: /usr/bin/kubectl-tykmesh, type: symlnk", "invalid content type"},
		{"a time of the machine", "dst: /usr/share/doc/tykmesh/copyright, file_info: *data", "dst: /usr/share/doc/tykmesh/copyright", "file_info.mtime"},
		{"a formula that installs something else", `man1.install Dir["man/*.1"]`, `man1.install Dir["manual/*.1"]`, `no archive holds "manual/*.1"`},
		{"a formula that is not written", "repository: {owner: tykmesh, name: homebrew-tap}", "repository: {owner: tykmesh}", "brews: repository.name has no value"},
		{"a formula that is uploaded", "homebrew-tap}\n    skip_upload: true", "homebrew-tap}", "brews: skip_upload has to be true"},
		{"a release", "release:\n  disable: true", "release: {}", "release.disable has to be true"},
		{"an archive without a file", "src: LICENSE\n", "src: LICENCE\n", "LICENCE: the checkout has no such file"},
	} {
		t.Run(c.name, func(t *testing.T) {
			broken := strings.Replace(string(whole), c.old, c.new, 1)
			if broken == string(whole) {
				t.Fatalf("%s has no %q", file, c.old)
			}
			got := checkText(t, broken)
			if got == nil || !strings.Contains(got.Error(), c.want) {
				t.Errorf("got error %v, want %q", got, c.want)
			}
		})
	}
}

// checkText checks a configuration beside links to the files of the checkout.
func checkText(t *testing.T, text string) error {
	t.Helper()
	dir := t.TempDir()
	for _, name := range []string{"LICENSE", "README.md", "testdata"} {
		target, err := filepath.Abs(filepath.Join("..", "..", name))
		if err != nil {
			t.Fatal(err)
		}
		if err := os.Symlink(target, filepath.Join(dir, name)); err != nil {
			t.Fatal(err)
		}
	}
	file := filepath.Join(dir, ".goreleaser.yaml")
	if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}

	return check(file)
}
