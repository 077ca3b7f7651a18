package pki_test

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/tykmesh/tykmesh/ca/pki"
)

// listing is everything in a folder with its mode, and what small files hold.
func listing(t *testing.T, dir string) (lines []string) {
	t.Helper()
	err := filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}

		info, err := entry.Info()
		if err != nil {
			return err
		}

		line := info.Mode().String() + " " + strings.TrimPrefix(path, dir)
		if text, err := os.ReadFile(path); err == nil && len(text) < 100 {
			line += " " + string(text)
		}

		lines = append(lines, line)

		return nil
	})

	if err != nil {
		t.Fatal(err)
	}

	return lines
}

// A folder that is not there is made, for its owner alone; one that is there keeps its mode and
// what is in it.
func TestWritten(t *testing.T) {
	s := setUp(t, intermediate)
	parent := t.TempDir()

	there := filepath.Join(parent, "there")
	for path, text := range map[string]string{"csr_ca.json": "mine", ".gitignore": "mine", "README": "mine", "k8s/mine.yaml": "mine"} {
		if err := os.MkdirAll(filepath.Dir(filepath.Join(there, path)), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(there, path), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}

	for _, dir := range []string{filepath.Join(parent, "new"), there + "/"} {
		before := []string{}
		if _, err := os.Stat(dir); err == nil {
			before = listing(t, dir)
		}

		if err := pki.Free(dir); err != nil {
			t.Fatal(err)
		}

		undone := errors.New("not confirmed")
		if err := pki.Write(dir, s.Files, func() error { return undone }); !errors.Is(err, undone) {
			t.Fatal(err)
		}

		if len(before) > 0 && !slices.Equal(listing(t, dir), before) {
			t.Errorf("undone it is\n%s\nwas\n%s", strings.Join(listing(t, dir), "\n"), strings.Join(before, "\n"))
		} else if _, err := os.Stat(dir); len(before) == 0 && !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("undone there is still the folder: %v", err)
		}

		if err := write(dir, s.Files); err != nil {
			t.Fatal(err)
		}

		checkWritten(t, dir, s)
	}

	if info, err := os.Stat(there); err != nil || info.Mode().Perm() != 0o755 {
		t.Errorf("%v, %v", info.Mode(), err)
	}

	if dirs, err := os.ReadDir(parent); err != nil || len(dirs) != 2 {
		t.Errorf("something is left: %v, %v", dirs, err)
	}
}

// write writes a CA that is confirmed.
func write(dir string, files []pki.File) error {
	return pki.Write(dir, files, func() error { return nil })
}

// checkWritten makes sure that a CA's files are in a folder, but for those that were there before,
// and that no other CA can be made there.
func checkWritten(t *testing.T, dir string, s pki.Setup) {
	t.Helper()
	for _, f := range s.Files {
		path := filepath.Join(dir, f.Name)
		text, err := os.ReadFile(path)
		if err != nil {
			t.Error(err)
			continue
		}

		if string(text) == "mine" && (f.Name == pki.RequestFile || f.Name == pki.IgnoreFile) {
			continue
		}

		if info, err := os.Stat(path); err != nil || string(text) != string(f.Text) || info.Mode() != f.Mode {
			t.Errorf("%v is written with mode %v", f, info.Mode())
		}
	}

	if err := pki.Free(dir); !errors.As(err, new(*pki.ExistsError)) {
		t.Errorf("a second CA could be made: %v", err)
	}

	if err := pki.MakeBroken(dir, s.Files, func() {}); !errors.As(err, new(*pki.ExistsError)) {
		t.Errorf("a second CA is written: %v", err)
	}

	if left, err := filepath.Glob(filepath.Join(dir, ".tykmesh-*")); err != nil || len(left) > 0 {
		t.Errorf("left behind: %q, %v", left, err)
	}
}

func TestNewFolderIsForItsOwnerAlone(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "new")
	if err := write(dir, setUp(t).Files); err != nil {
		t.Fatal(err)
	}

	for _, folder := range []string{dir, filepath.Join(dir, pki.Manifests)} {
		if info, err := os.Stat(folder); err != nil || info.Mode().Perm() != 0o700 {
			t.Errorf("%s: %v, %v", folder, info.Mode(), err)
		}
	}
}

// Whichever file cannot be written, and whatever somebody else has put in its place meanwhile:
// there is nothing of ours then, and theirs is as it was.
func TestNothingIsLeft(t *testing.T) {
	s := setUp(t, intermediate)
	impossible := pki.File{Name: strings.Repeat("x", 300), Mode: 0o644}
	for _, where := range []string{"new", "."} {
		parent := t.TempDir()
		before := listing(t, parent)
		for i := range s.Files {
			if err := write(filepath.Join(parent, where), slices.Insert(slices.Clone(s.Files), i, impossible)); err == nil {
				t.Fatalf("a name of 300 bytes is written to %s", where)
			}
			if after := listing(t, parent); !slices.Equal(after, before) {
				t.Fatalf("%s, file %d: left behind:\n%s", where, i, strings.Join(after, "\n"))
			}
		}
	}

	for _, f := range s.Files {
		if f.Name == pki.RequestFile || f.Name == pki.IgnoreFile {
			continue
		}

		dir := t.TempDir()

		path := filepath.Join(dir, f.Name)
		if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o755), os.WriteFile(path, []byte("theirs"), 0o640)); err != nil {
			t.Fatal(err)
		}

		before := listing(t, dir)

		err := write(dir, s.Files)
		if exists := (*pki.ExistsError)(nil); !errors.As(err, &exists) || exists.Path != path {
			t.Errorf("%s is there: %v", f.Name, err)
		}

		if err := pki.Free(dir); !errors.As(err, new(*pki.ExistsError)) {
			t.Errorf("%s is there, and the folder is free: %v", f.Name, err)
		}

		if after := listing(t, dir); !slices.Equal(after, before) {
			t.Errorf("%s: left behind:\n%s", f.Name, strings.Join(after, "\n"))
		}
	}
}

// Of those who make a CA in one folder at the same time, one does, and the others leave nothing of
// theirs.
func TestAtOnce(t *testing.T) {
	for _, where := range []string{"new", "."} {
		parent := t.TempDir()
		dir := filepath.Join(parent, where)

		setups := make([]pki.Setup, 8)
		for i := range setups {
			setups[i] = setUp(t)
		}

		won := make([]bool, len(setups))
		var wait sync.WaitGroup
		for i, s := range setups {
			wait.Go(func() {
				won[i] = write(dir, s.Files) == nil
			})
		}

		wait.Wait()

		winner := slices.Index(won, true)
		if winner < 0 || slices.Contains(won[winner+1:], true) {
			t.Fatalf("%s: %v", where, won)
		}

		for _, f := range setups[winner].Files {
			if text, err := os.ReadFile(filepath.Join(dir, f.Name)); err != nil || string(text) != string(f.Text) {
				t.Errorf("%s: %v: %v", where, f, err)
			}
		}

		if others, err := filepath.Glob(filepath.Join(dir, ".tykmesh-*")); err != nil || len(others) > 0 {
			t.Errorf("%s: left behind: %q", where, others)
		}
	}
}

// What cannot become a CA's folder is found before the work is done.
func TestNotFree(t *testing.T) {
	dir := folder(t, map[string][]byte{"file": nil})
	if err := os.Mkdir(filepath.Join(dir, "odd"), 0o755); err != nil {
		t.Fatal(err)
	}

	if err := os.WriteFile(filepath.Join(dir, "odd", pki.Manifests), nil, 0o644); err != nil {
		t.Fatal(err)
	}

	for name, want := range map[string]string{"file": "file is not a directory", "a/b": "no such file", "odd": "k8s is not a directory", "file/x": "is not a directory"} {
		if err := pki.Free(filepath.Join(dir, name)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", name, err)
		}
		if err := write(filepath.Join(dir, name), setUp(t).Files); err == nil {
			t.Errorf("%s is written to", name)
		}
	}

	for _, free := range []string{"new", "."} {
		if err := pki.Free(filepath.Join(dir, free)); err != nil {
			t.Error(err)
		}
	}
}

// A .gitignore that people have stays, so they are told what it does not name.
func TestUnignored(t *testing.T) {
	s := setUp(t)
	for text, want := range map[string]string{
		"*.log\nca-key.pem\n/cfssl.key\r\n":                         "config_ca.json cfssl.key k8s/secrets.yaml",
		"ca-key.pem\n/config_ca.json\n/cfssl.key\nk8s/secrets.yaml": "",
	} {
		if got := strings.Join(pki.Unignored(folder(t, map[string][]byte{".gitignore": []byte(text)}), s.Files), " "); got != want {
			t.Errorf("%q: %q, want %q", text, got, want)
		}
	}

	if got := pki.Unignored(t.TempDir(), s.Files); got != nil {
		t.Errorf("without a .gitignore: %q", got)
	}
}
