package config

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// root is the top of the checkout, seen from this package.
const root = "../../.."

// named matches names of keys in texts: comments, messages, hints, documents.
var named = regexp.MustCompile(`\b(?:Tyk|CA|Injector|Sidecar)\.[a-z][A-Za-z0-9]*`)

// Texts name only keys that exist, under their current names. So a renamed key is renamed
// everywhere: in hints and messages of other packages, in README and in samples.
func TestTextsNameKeys(t *testing.T) {
	known := sectionNames()
	for _, k := range keys {
		known = append(known, k.name)
	}

	found := 0
	err := filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if name := entry.Name(); entry.IsDir() && strings.HasPrefix(name, ".") && name != ".." && name != ".github" {
			return fs.SkipDir
		}
		if entry.IsDir() || !slices.Contains([]string{".go", ".md", ".yaml", ".sh"}, filepath.Ext(path)) || strings.HasSuffix(path, "_test.go") {
			return nil
		}

		text, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		for i, line := range strings.Split(string(text), "\n") {
			for _, name := range named.FindAllString(line, -1) {
				found++
				if !slices.Contains(known, name) {
					t.Errorf("%s:%d: there is no key %s", path, i+1, name)
				}
			}
		}

		return nil
	})
	if err != nil {
		t.Fatal(err)
	}

	if found < 100 {
		t.Errorf("only %d names of keys were found", found)
	}
}

// The constants in names.go are the names in the table, all of them.
func TestEveryNameIsAKey(t *testing.T) {
	text, err := os.ReadFile("names.go")
	if err != nil {
		t.Fatal(err)
	}

	var constants, rows []string
	for _, match := range regexp.MustCompile(`= "(.*)"`).FindAllStringSubmatch(string(text), -1) {
		constants = append(constants, match[1])
	}
	for _, k := range keys {
		rows = append(rows, k.name)
	}
	if !slices.Equal(constants, rows) {
		t.Errorf("constants %v, rows %v", constants, rows)
	}
}
