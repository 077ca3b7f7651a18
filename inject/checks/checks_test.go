package checks

import (
	"bytes"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// TestAll holds the table against the files: a check that is not in it never runs.
func TestAll(t *testing.T) {
	files, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}

	declared := 0
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if !strings.HasSuffix(file, "_test.go") {
			declared += bytes.Count(text, []byte(" = Check{\n"))
		}
	}

	if declared != len(All) {
		t.Errorf("%d checks are declared, and All has %d", declared, len(All))
	}
	if !slices.IsSortedFunc(All, func(a, b Check) int { return strings.Compare(a.Code, b.Code) }) {
		t.Error("All is not in the order of the codes")
	}

	for i, c := range All {
		if c.Code == "" || c.Sentence == "" || c.Hint == "" || c.run == nil || i > 0 && c.Code == All[i-1].Code {
			t.Errorf("%s lacks something, or is there twice: %+v", c.Code, c)
		}
	}
}
