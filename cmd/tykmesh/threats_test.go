package main

import (
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// What the packages say of who can do what is shown by tests that there are: a name in a package's
// documentation is that of a test of the package, or, after the last element of its path, of
// another one; what stands behind TestScripts is one of its scripts.
func TestThreatsAreShown(t *testing.T) {
	tests := testsByPackage(t)
	named := regexp.MustCompile(`(?:(\w+)\.)?\b((?:Test|Fuzz)[A-Z]\w*)(?:/([\w-]+))?`)
	for folder, least := range map[string]int{"dashboard": 15, "ca": 20, "ca/pki": 8, "cmd/internal/files": 8, "inject/standalone": 11} {
		found := named.FindAllStringSubmatch(documentation(t, folder), -1)
		if len(found) < least {
			t.Errorf("the documentation of %s names %d tests: its table was not found", folder, len(found))
		}

		for _, m := range found {
			owner, test, script := m[1], m[2], m[3]
			if owner == "" {
				owner = filepath.Base(folder)
			}

			if !tests[owner+"."+test] {
				t.Errorf("the documentation of %s names %s, but there is no such test in a package %s", folder, test, owner)
			}

			if script == "" {
				continue
			}

			if _, err := os.Stat(filepath.Join(root, "testdata", "script", script+".txtar")); err != nil {
				t.Errorf("the documentation of %s names a script: %v", folder, err)
			}
		}
	}
}

// documentation returns the comment above a folder's package clauses.
func documentation(t *testing.T, folder string) (text string) {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(root, folder, "*.go"))
	if err != nil {
		t.Fatal(err)
	}

	for _, path := range files {
		file, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.PackageClauseOnly|parser.ParseComments)
		if err != nil {
			t.Fatal(err)
		}
		if !strings.HasSuffix(path, "_test.go") {
			text += file.Doc.Text()
		}
	}

	return text
}

// testsByPackage returns the tests and fuzz targets of the module, each behind the name of its
// folder.
func testsByPackage(t *testing.T) map[string]bool {
	t.Helper()
	declared := regexp.MustCompile(`(?m)^func ((?:Test|Fuzz)\w+)\(`)

	tests := map[string]bool{}
	for _, top := range []string{"cmd", "inject", "dashboard", "ca"} {
		err := filepath.WalkDir(filepath.Join(root, top), func(path string, entry fs.DirEntry, err error) error {
			if err != nil || entry.IsDir() || !strings.HasSuffix(path, "_test.go") {
				return err
			}
			text, err := os.ReadFile(path)
			for _, m := range declared.FindAllStringSubmatch(string(text), -1) {
				tests[filepath.Base(filepath.Dir(path))+"."+m[1]] = true
			}

			return err
		})

		if err != nil {
			t.Fatal(err)
		}
	}

	return tests
}
