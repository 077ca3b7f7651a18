package files

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/tykmesh/tykmesh/inject"
	"github.com/tykmesh/tykmesh/inject/manifest"
)

// changed returns a file of which the first letter is to change.
func changed(name, text string) inject.File {
	return inject.File{Name: name, Text: []byte(text), Patch: manifest.Patch{{From: 0, To: 1, Text: "X"}}}
}

// A file that has changed since it was read keeps the change, and then no file is rewritten.
func TestRewriteLeavesWhatHasChangedMeanwhile(t *testing.T) {
	tree(t, "a.yaml", "b.yaml")
	if err := os.WriteFile("b.yaml", []byte("changed meanwhile"), 0o644); err != nil {
		t.Fatal(err)
	}

	err := Rewrite([]inject.File{changed("a.yaml", "text of a.yaml"), changed("b.yaml", "text of b.yaml")})
	if err == nil || !strings.Contains(err.Error(), "none was: b.yaml has been changed since it was read") {
		t.Errorf("got %v", err)
	}

	for name, want := range map[string]string{"a.yaml": "text of a.yaml", "b.yaml": "changed meanwhile"} {
		if text, err := os.ReadFile(name); string(text) != want || err != nil {
			t.Errorf("%s holds %q, %v", name, text, err)
		}
	}

	if entries, err := os.ReadDir("."); len(entries) != 2 || err != nil {
		t.Errorf("left behind: %v, %v", entries, err)
	}

	if err := Rewrite([]inject.File{changed("a.yaml", "text of a.yaml")}); err != nil {
		t.Error(err)
	}

	if text, err := os.ReadFile("a.yaml"); string(text) != "Xext of a.yaml" || err != nil {
		t.Errorf("a.yaml holds %q, %v", text, err)
	}
}

// Links are followed, whether they lead to a file or to none yet.
func TestFinalPath(t *testing.T) {
	tree(t, "folder/a.yaml")
	for link, to := range map[string]string{
		"link": "folder/a.yaml", "next": "link", "folder/dangling": "none", "far": "folder/dangling", "door": "folder", "round": "about", "about": "round",
	} {
		if err := os.Symlink(to, link); err != nil {
			t.Fatal(err)
		}
	}

	here, err := filepath.EvalSymlinks(".")
	if err == nil {
		here, err = filepath.Abs(here)
	}

	if err != nil {
		t.Fatal(err)
	}

	for path, want := range map[string]string{
		"folder/a.yaml": "folder/a.yaml", "link": "folder/a.yaml", "next": "folder/a.yaml", "far": "folder/none", "door/a.yaml": "folder/a.yaml",
		"door/dangling": "folder/none", "new": "new", "none/new": "none/new",
	} {
		if got := finalPath(path); got != here+"/"+want {
			t.Errorf("%s leads to %s, want %s", path, got, want)
		}
	}

	if got := finalPath("round"); got == "" {
		t.Error("a circle leads to nothing")
	}
}
