package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// diskSizes are how long files may become on disks that are full sooner or later, in the blocks of
// ulimit.
var diskSizes = []int{0, 1, 2, 4, 8, 16, 32, 64, 128, 256}

// onFullDisk runs the program where no file can become longer than some blocks: the system refuses
// what goes beyond, as it does on a disk that is full. Nobody needs rights for that.
func onFullDisk(program, folder string, blocks int, args ...string) outcome {
	cmd := exec.Command("sh", append([]string{"-c", fmt.Sprintf(`ulimit -f %d && exec "$0" "$@"`, blocks), program}, args...)...)
	return in(folder, cmd)
}

// in runs a program in a folder.
func in(folder string, cmd *exec.Cmd) outcome {
	r := &running{Cmd: cmd}
	r.Dir, r.Stderr = folder, &r.report
	if r.Stdout == nil {
		r.Stdout = &r.out
	}
	r.failed = r.Start()
	return r.wait()
}

// failing runs a program on disks that are larger and larger, until one is large enough; failed
// looks at what is there after each run that failed.
func failing(t *testing.T, run func(folder string, blocks int) outcome, failed func(folder string, o outcome)) {
	t.Helper()
	failures := 0
	for _, blocks := range diskSizes {
		folder := t.TempDir()
		o := run(folder, blocks)
		if o.status == 0 {
			if failures < 4 {
				t.Errorf("only %d disks were full", failures)
			}
			return
		}

		failures++
		if o.stdout != "" || !strings.Contains(o.stderr, "file too large") {
			t.Errorf("%d blocks: exit status %d, printed %q, said %s", blocks, o.status, o.stdout, o.stderr)
		}

		failed(folder, o)
	}

	t.Error("no disk is large enough")
}

func TestFullDisk(t *testing.T) {
	t.Parallel()
	program := buildProgram(t)
	t.Run("ca init", func(t *testing.T) { testFullDiskForACA(t, program) })
	t.Run("local", func(t *testing.T) { testFullDiskForALocalMesh(t, program) })
}

// A CA is made completely or not at all, whichever of its files finds no room.
func testFullDiskForACA(t *testing.T, program string) {
	t.Helper()
	none := func(folder string, o outcome) {
		if left, err := os.ReadDir(folder); o.status != 1 || len(left) > 0 || err != nil {
			t.Errorf("exit status %d, left: %v, %v", o.status, left, err)
		}
	}
	failing(t, func(folder string, blocks int) outcome {
		return onFullDisk(program, folder, blocks, "ca", "init", "--algo", "ecdsa", "--dir", "ca")
	}, none)

	// A folder that is there keeps what is in it.
	request := `{"CN": "My CA", "key": {"algo": "ecdsa", "size": 256}}`
	failing(t, func(folder string, blocks int) outcome {
		if err := os.WriteFile(filepath.Join(folder, "csr_ca.json"), []byte(request), 0o600); err != nil {
			t.Fatal(err)
		}
		return onFullDisk(program, folder, blocks, "ca", "init", "--dir", ".")
	}, func(folder string, o outcome) {
		left, err := filesBelow(folder)
		text, _ := os.ReadFile(filepath.Join(folder, "csr_ca.json"))
		if o.status != 1 || !slices.Equal(left, []string{"csr_ca.json"}) || string(text) != request || err != nil {
			t.Errorf("exit status %d, left: %v, %v", o.status, left, err)
		}
	})

	// Where the section of the configuration goes there is no room either.
	folder := t.TempDir()
	cmd := exec.Command(program, "ca", "init", "--algo", "ecdsa", "--dir", "ca")
	cmd.Stdout = fullDevice(t)

	o := in(folder, cmd)
	if !strings.Contains(o.stderr, "no space left on device") {
		t.Errorf("said %s", o.stderr)
	}

	none(folder, o)
}

func fullDevice(t *testing.T) *os.File {
	t.Helper()
	f, err := os.OpenFile("/dev/full", os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.Close() })
	return f
}

// What is in the folder of --local is whole, however full the disk was; with room again the next
// run finishes, and the one after has nothing to do.
func testFullDiskForALocalMesh(t *testing.T, program string) {
	t.Helper()
	inputs, err := filepath.Abs(samples)
	if err != nil {
		t.Fatal(err)
	}

	args := []string{"inject", "-n", "shop", "--config", inputs + "/tykmesh.yaml", "--local", "mesh", "-f", inputs + "/echo.yaml"}
	finishes := func(folder string, o outcome) {
		again := in(folder, exec.Command(program, args...))
		if again.status != 0 {
			t.Errorf("after\n%s\nexit status %d: %s", o.stderr, again.status, again.stderr)
			return
		}

		before := snapshot(t, filepath.Join(folder, "mesh"))
		if last := in(folder, exec.Command(program, args...)); last.status != 0 || last.stdout != again.stdout {
			t.Errorf("the run after: exit status %d, the same output: %v\n%s", last.status, last.stdout == again.stdout, last.stderr)
		}

		if diff := cmp.Diff(before, snapshot(t, filepath.Join(folder, "mesh"))); diff != "" {
			t.Errorf("the run after writes (-before +after):\n%s", diff)
		}
	}

	failing(t, func(folder string, blocks int) outcome { return onFullDisk(program, folder, blocks, args...) }, func(folder string, o outcome) {
		if o.status != 1 && o.status != 5 {
			t.Errorf("exit status %d: %s", o.status, o.stderr)
		}

		for name, text := range snapshot(t, filepath.Join(folder, "mesh")) {
			if problem := notWhole(name, text); problem != "" {
				t.Errorf("%s: %s", name, problem)
			}
		}

		finishes(folder, o)
	})

	folder := t.TempDir()
	cmd := exec.Command(program, args...)
	cmd.Stdout = fullDevice(t)

	o := in(folder, cmd)
	if o.status != 1 || !strings.Contains(o.stderr, "no space left on device") {
		t.Errorf("exit status %d: %s", o.status, o.stderr)
	}

	finishes(folder, o)
}

// snapshot returns the content of each file in a folder.
func snapshot(t *testing.T, folder string) map[string]string {
	t.Helper()
	all := map[string]string{}
	if _, err := os.Stat(folder); err != nil {
		return all
	}

	names, err := filesBelow(folder)
	if err != nil {
		t.Fatal(err)
	}

	for _, name := range names {
		text, err := os.ReadFile(filepath.Join(folder, name))
		if err != nil {
			t.Fatal(err)
		}
		all[name] = string(text)
	}

	return all
}

// notWhole says what is wrong with a file of --local; "" if nothing is.
func notWhole(name, text string) string {
	switch {
	case strings.HasPrefix(filepath.Base(name), "."):
		return "it is temporary"
	case strings.HasPrefix(name, "apis/") && !json.Valid([]byte(text)):
		return "no JSON"
	case strings.HasSuffix(name, ".pem") && !bytes.HasSuffix([]byte(text), []byte("-----\n")):
		return "it breaks off"
	}

	return ""
}
