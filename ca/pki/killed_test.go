package pki_test

import (
	"errors"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/tykmesh/tykmesh/ca/pki"
)

// hidden makes sure that every file with a key is readable by its owner alone and hidden from Git:
// by the .gitignore of the CA's folder, unless that is the user's own, or of a staging folder.
func hidden(t *testing.T, parent string) {
	t.Helper()
	err := filepath.WalkDir(parent, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}

		text, err := os.ReadFile(path)
		if err != nil || !secretText.Match(text) {
			return err
		}

		if info, err := entry.Info(); err != nil || info.Mode() != 0o600 {
			t.Errorf("%s holds a key and has the mode %v", path, info.Mode())
		}

		if !ignored(parent, path) {
			t.Errorf("Git sees %s", path)
		}

		return nil
	})

	if err != nil {
		t.Fatal(err)
	}
}

// secretText finds keys: in PEM, in base64 of PEM, and the key of CFSSL.
var secretText = regexp.MustCompile(`PRIVATE KEY-----|LS0tLS1CRUdJTiBQUklWQVRFIEtFW|^[0-9a-f]{32}\n$|"key": "[0-9a-f]{32}"`)

// ignored reports whether a .gitignore between a folder and a file covers the file.
func ignored(parent, path string) bool {
	for dir := filepath.Dir(path); len(dir) >= len(parent); dir = filepath.Dir(dir) {
		text, err := os.ReadFile(filepath.Join(dir, pki.IgnoreFile))
		if err != nil {
			continue
		}
		name := filepath.ToSlash(strings.TrimPrefix(path, dir))
		for _, line := range strings.Fields(string(text)) {
			if line == "*" || line == "mine" || line == name || strings.HasSuffix(line, "/") && strings.HasPrefix(name, line) {
				return true
			}
		}
	}

	return false
}

// TestInitIsBrokenOff: wherever ca init is broken off, keys stay hidden, and the next run makes a
// CA or finds a whole one.
func TestInitIsBrokenOff(t *testing.T) {
	inMemory(t)
	brought, err := pki.Bring(newFolder(t), options())
	if err != nil {
		t.Fatal(err)
	}

	users := map[string]string{"README": "mine", ".gitignore": "mine", "csr_ca.json": "mine", "k8s/mine.yaml": "mine"}
	for name, test := range map[string]struct {
		setup pki.Setup
		there map[string]string
	}{
		"a new folder":     {setUp(t, intermediate), nil},
		"one that is used": {setUp(t), map[string]string{"README": "mine"}},
		"a user's own":     {setUp(t, intermediate), users},
		"brought":          {brought, nil},
	} {
		t.Run(name, func(t *testing.T) {
			outcomes, next := map[bool]int{}, setUp(t)
			for n := 0; ; n++ {
				parent := t.TempDir()
				dir := filepath.Join(parent, "ca")
				writeTexts(t, dir, test.there)
				broken := breakInit(t, dir, test.setup, n)
				hidden(t, parent)
				if others, err := os.ReadDir(parent); err != nil || len(others) > 1 {
					t.Fatalf("broken off before operation %d: beside the folder there is %v, %v", n, others, err)
				}

				want := next
				switch err := pki.Free(dir); {
				case errors.As(err, new(*pki.ExistsError)):
					outcomes[true]++
					want = test.setup
				case err != nil:
					t.Fatalf("broken off before operation %d: %v", n, err)
				default:
					outcomes[false]++
					onlyTexts(t, dir, test.there)
					if err := pki.MakeBroken(dir, next.Files, func() {}); err != nil {
						t.Fatalf("broken off before operation %d, and made again: %v", n, err)
					}
				}

				checkWritten(t, dir, want)
				if err := pki.Unfinished(dir); err != nil || t.Failed() {
					t.Fatalf("broken off before operation %d: %v", n, err)
				}

				if !broken {
					break
				}
			}

			if files := len(test.setup.Files); outcomes[true] < files || outcomes[false] < 2*files {
				t.Errorf("of %d files: %v", files, outcomes)
			}
		})
	}
}

// breakInit makes a CA up to the n-th operation. It is false if there are not so many.
func breakInit(t *testing.T, dir string, s pki.Setup, n int) (broken bool) {
	t.Helper()
	defer func() {
		if killed := recover(); killed != nil && killed != "killed" {
			panic(killed)
		}
	}()
	err := pki.MakeBroken(dir, s.Files, func() {
		if n--; n < 0 {
			broken = true
			panic("killed")
		}
	})

	if err != nil {
		t.Fatal(err)
	}

	return false
}

// inMemory puts a test's folders into memory if the system can: a disk is slow with thousands of
// small files.
func inMemory(t *testing.T) {
	t.Helper()
	const memory = "/dev/shm"
	if info, err := os.Stat(memory); err == nil && info.IsDir() {
		t.Setenv("TMPDIR", memory)
	}
}

func writeTexts(t *testing.T, dir string, texts map[string]string) {
	t.Helper()
	for name, text := range texts {
		path := filepath.Join(dir, name)
		if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o755), os.WriteFile(path, []byte(text), 0o644)); err != nil {
			t.Fatal(err)
		}
	}
}

// onlyTexts makes sure that a folder holds these files and no other.
func onlyTexts(t *testing.T, dir string, want map[string]string) {
	t.Helper()
	var got []string
	_ = filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error { // there may be no folder
		if err == nil && !entry.IsDir() {
			name := filepath.ToSlash(strings.TrimPrefix(path, dir+string(filepath.Separator)))
			if got = append(got, name); string(read(t, dir, name)) != want[name] {
				t.Errorf("there is %s", name)
			}
		}
		return nil
	})

	if len(got) != len(want) {
		t.Errorf("there is %q", slices.Sorted(slices.Values(got)))
	}
}

// TestInitIsKilled: a real kill does what a panic does here, and lets the next run in at once. From
// the rename on, the next run completes the CA.
func TestInitIsKilled(t *testing.T) {
	const dirVariable, stepVariable = "TYKMESH_KILLED_DIR", "TYKMESH_KILLED_STEP"
	if dir := os.Getenv(dirVariable); dir != "" {
		n, err := strconv.Atoi(os.Getenv(stepVariable))
		if err != nil {
			t.Fatal(err)
		}

		t.Fatal(pki.MakeBroken(dir, setUp(t).Files, func() {
			self, err := os.FindProcess(os.Getpid())
			if n--; n < 0 && err == nil {
				_ = self.Kill()
				select {}
			}
		}))
	}

	for n, whole := range map[int]bool{0: false, 3: false, 30: false, 60: true, 70: true} {
		parent := t.TempDir()
		dir := filepath.Join(parent, "ca")
		child := exec.Command(os.Args[0], "-test.run=^TestInitIsKilled$")
		child.Env = append(os.Environ(), dirVariable+"="+dir, stepVariable+"="+strconv.Itoa(n))
		if out, err := child.CombinedOutput(); err == nil || strings.Contains(string(out), "FAIL") {
			t.Fatalf("operation %d: it was not killed: %v\n%s", n, err, out)
		}

		hidden(t, parent)

		s := setUp(t)

		err := pki.Free(dir)
		if exists := errors.As(err, new(*pki.ExistsError)); exists != whole || !exists && err != nil {
			t.Errorf("killed before operation %d: %v", n, err)
			continue
		}

		if whole { // with other keys than these, and every file
			checkFolder(t, dir)
			for i, f := range s.Files {
				s.Files[i].Text = read(t, dir, f.Name)
			}
		} else if err := write(dir, s.Files); err != nil {
			t.Fatal(err)
		}

		checkWritten(t, dir, s)
	}
}

// TestBegunIsNotRead: a CA that is half made cannot be rotated.
func TestBegunIsNotRead(t *testing.T) {
	s, dir := setUp(t), t.TempDir()
	for n := 0; pki.Unfinished(dir) == nil; n++ {
		if !breakInit(t, dir, s, n) {
			t.Fatal("it is never half made")
		}
	}

	_, err := pki.ReadRotation(dir, options().Now)
	if half := (*pki.UnfinishedError)(nil); !errors.As(err, &half) || half.Step != "init" {
		t.Errorf("read: %v", err)
	}

	if err := write(dir, s.Files); err != nil {
		t.Error(err)
	}

	readRotation(t, dir)
}
