package manifest

import (
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"testing"
)

// TestFiles checks the laws with all YAML and JSON files in directories of the user:
// TYKMESH_FILES=DIR:DIR go test -v.
func TestFiles(t *testing.T) {
	folders := os.Getenv("TYKMESH_FILES")
	if folders == "" {
		t.Skip("TYKMESH_FILES names no directory")
	}

	const most = 1 << 17 // bytes of a file
	files, documents, fast, edits := 0, 0, 0, 0

	seen := make(map[string]bool)
	for _, folder := range filepath.SplitList(folders) {
		err := filepath.WalkDir(folder, func(path string, e fs.DirEntry, err error) error {
			if err != nil || !e.Type().IsRegular() || !slices.Contains([]string{".yaml", ".yml", ".json"}, filepath.Ext(path)) {
				return nil //nolint:nilerr // unreadable files are skipped
			}

			text, err := os.ReadFile(path)
			if err != nil || len(text) > most || seen[string(text)] {
				return nil //nolint:nilerr // as above
			}

			seen[string(text)] = true
			files++
			checkSplit(t, text)
			for _, d := range Split(path, text) {
				documents++
				if checkFast(t, d) {
					fast++
				}
				if len(d.Text) < 1500 { // each edit of a document takes as long as it is
					edits += checkEdits(t, d)
				}
			}

			return nil
		})

		if err != nil {
			t.Fatal(err)
		}
	}

	if edits == 0 {
		t.Fatal("nothing was edited")
	}

	t.Logf("%d files, %d documents, %d of them read quickly; %d edits made and taken back", files, documents, fast, edits)
}
