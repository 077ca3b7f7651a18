package pki_test

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/tykmesh/tykmesh/ca/pki"
)

// copied returns a copy of a folder, with its modes.
func copied(t *testing.T, dir string) string {
	t.Helper()
	to := filepath.Join(t.TempDir(), "ca")
	err := filepath.WalkDir(dir, func(name string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}

		info, err := entry.Info()
		if err != nil {
			return err
		}

		place := to + strings.TrimPrefix(name, dir)
		if entry.IsDir() {
			return os.Mkdir(place, info.Mode().Perm())
		}

		return os.WriteFile(place, read(t, dir, strings.TrimPrefix(name, dir)), info.Mode().Perm())
	})

	if err != nil {
		t.Fatal(err)
	}

	return to
}

// breakOff writes a change up to its n-th operation. It is false if there are not so many.
func breakOff(t *testing.T, change pki.Change, dir string, n int) (broken bool) {
	t.Helper()
	defer func() {
		if killed := recover(); killed != nil && killed != "killed" {
			panic(killed)
		}
	}()
	err := change.WriteBroken(dir, func() {
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

// Whenever a step is broken off, it has not happened, or the next run finishes it: never half.
func TestChangeIsBrokenOff(t *testing.T) {
	inMemory(t)
	for name, kind := range map[string]struct {
		change []func(*pki.Options)
		steps  []func(pki.Rotation) (pki.Change, error)
	}{
		"with its root": {[]func(*pki.Options){intermediate}, []func(pki.Rotation) (pki.Change, error){trust(t), pki.Rotation.Sign, pki.Rotation.Settle}},
		"reissued":      {[]func(*pki.Options){intermediate}, []func(pki.Rotation) (pki.Change, error){reissue(t)}},
	} {
		t.Run(name, func(t *testing.T) {
			dir := newFolder(t, kind.change...)
			for i, f := range kind.steps {
				change, err := f(readRotation(t, dir))
				if err != nil {
					t.Fatal(err)
				}

				done := copied(t, dir)
				if err := change.Write(done); err != nil {
					t.Fatal(err)
				}

				brokenEverywhere(t, change, dir, done)
				if t.Failed() {
					t.Fatalf("in step %d", i+1)
				}

				dir = done
			}
		})
	}
}

// brokenEverywhere interrupts a change before each of its operations. before and after are the
// directory without the change and with it.
func brokenEverywhere(t *testing.T, change pki.Change, before, after string) {
	t.Helper()
	outcomes := map[string]int{}
	for n := 0; ; n++ {
		dir := copied(t, before)
		broken := breakOff(t, change, dir, n)
		hidden(t, dir)

		half := !slices.Equal(files(t, dir), files(t, before)) && !slices.Equal(files(t, dir), files(t, after))
		if told := pki.Unfinished(dir); half && told == nil {
			t.Errorf("broken off before operation %d it is half done, and Unfinished does not say so", n)
		}

		readRotation(t, dir)
		switch got := files(t, dir); {
		case slices.Equal(got, files(t, after)):
			outcomes["done"]++
		case !slices.Equal(got, files(t, before)):
			t.Errorf("broken off before operation %d it is half done:\n%s", n, strings.Join(got, "\n"))
		default:
			outcomes["not done"]++
		}

		if !broken {
			break
		}

		again := change.WriteBroken(dir, func() {})
		if left, _ := filepath.Glob(filepath.Join(dir, ".tykmesh-*")); !slices.Equal(files(t, dir), files(t, after)) || len(left) > 0 {
			t.Errorf("broken off before operation %d, and taken again: %v; there is still %q", n, again, left)
		}
	}

	if outcomes["done"] < len(change.Files) || outcomes["not done"] < len(change.Files) {
		t.Errorf("of %d files: %v", len(change.Files), outcomes)
	}
}

// files returns all files and folders in one with their modes and texts, but for a change that was
// broken off before it changed anything.
func files(t *testing.T, dir string) (lines []string) {
	t.Helper()
	for _, line := range listing(t, dir) {
		mode, name, _ := strings.Cut(line, " ")
		switch name, _, _ = strings.Cut(name, " "); {
		case name == "", strings.HasPrefix(name, "/.tykmesh-"):
		case strings.HasPrefix(mode, "d"):
			lines = append(lines, mode+" "+name)
		default:
			lines = append(lines, fmt.Sprintf("%s %s %x", mode, name, sha256.Sum256(read(t, dir, name))))
		}
	}

	return lines
}

// Tidying up after a change may delete the list of deletions first.
func TestChangeIsTidied(t *testing.T) {
	dir := newFolder(t)
	want := files(t, dir)
	if err := os.MkdirAll(filepath.Join(dir, ".tykmesh-change-c0ffee", "k8s"), 0o700); err != nil {
		t.Fatal(err)
	}

	readRotation(t, dir)
	if got := files(t, dir); !slices.Equal(got, want) {
		t.Errorf("there is:\n%s", strings.Join(got, "\n"))
	}
}

// Nothing happens where files cannot be written, where another run is at work, or where one has
// been since the folder was read.
func TestChangeIsRefused(t *testing.T) {
	dir := newFolder(t)
	change, err := trust(t)(readRotation(t, dir))
	if err != nil {
		t.Fatal(err)
	}

	before := files(t, dir)
	other := filepath.Join(dir, ".tykmesh-change")

	unlock, err := pki.Lock(dir)
	if err != nil {
		t.Fatal(err)
	}

	if busy := (*pki.BusyError)(nil); !errors.As(change.Write(dir), &busy) || busy.Path != dir {
		t.Errorf("another run is at work: %v", busy)
	}

	unlock()
	impossible := change
	impossible.Files = append(slices.Clone(change.Files), pki.File{Name: "k8s/" + strings.Repeat("long", 100), Mode: 0o644})
	if err := impossible.Write(dir); err == nil {
		t.Error("a file of an impossible name was written")
	}

	if _, err := os.Stat(other); err == nil || !slices.Equal(files(t, dir), before) {
		t.Errorf("before:\n%s\nafter:\n%s", strings.Join(before, "\n"), strings.Join(files(t, dir), "\n"))
	}

	for _, f := range []func(pki.Rotation) (pki.Change, error){trust(t), pki.Rotation.Sign} {
		if change, err = f(readRotation(t, dir)); err != nil {
			t.Fatal(err)
		}

		step(t, dir, f)
		before = files(t, dir)
		if err := change.Write(dir); err == nil || !strings.Contains(err.Error(), "another run has changed the CA meanwhile") {
			t.Errorf("a change of another CA than there is: %v", err)
		}

		if _, err := os.Stat(other); err == nil || !slices.Equal(files(t, dir), before) {
			t.Error("something has changed")
		}
	}
}

// TestHalfDoneComesFirst: a change that another run left half done is finished before the next one
// is refused.
func TestHalfDoneComesFirst(t *testing.T) {
	inMemory(t)
	dir := newFolder(t)

	first, err := trust(t)(readRotation(t, dir))
	if err != nil {
		t.Fatal(err)
	}

	second, err := trust(t)(readRotation(t, dir))
	if err != nil {
		t.Fatal(err)
	}

	for n := 0; pki.Unfinished(dir) == nil; n++ {
		breakOff(t, first, dir, n)
	}

	if err := second.Write(dir); err == nil || !strings.Contains(err.Error(), "another run has changed the CA meanwhile") {
		t.Errorf("after another change: %v", err)
	}

	if err := pki.Unfinished(dir); err != nil {
		t.Error(err)
	}

	for _, f := range first.Files {
		if !bytes.Equal(read(t, dir, f.Name), f.Text) {
			t.Errorf("%s is not of the first change", f.Name)
		}
	}
}

// Of those who take a step at the same time one does, and whoever only looks sees it done or not
// done.
func TestChangesAtOnce(t *testing.T) {
	dir := newFolder(t)
	for i, f := range []func(pki.Rotation) (pki.Change, error){trust(t), pki.Rotation.Sign, pki.Rotation.Settle} {
		changes := make([]pki.Change, 6)
		for j := range changes {
			var err error
			if changes[j], err = f(readRotation(t, dir)); err != nil {
				t.Fatal(err)
			}
		}

		won := make([]bool, len(changes))
		var wait sync.WaitGroup
		for j, c := range changes {
			wait.Go(func() { won[j] = c.Write(dir) == nil })
		}

		wait.Wait()

		winner := slices.Index(won, true)
		if winner < 0 || slices.Contains(won[winner+1:], true) {
			t.Fatalf("step %d: %v", i+1, won)
		}

		for _, f := range changes[winner].Files {
			if !bytes.Equal(read(t, dir, f.Name), f.Text) {
				t.Errorf("step %d: %s is not the winner's", i+1, f.Name)
			}
		}

		checkFolder(t, dir)
	}
}

// Several runs may finish at the same time what another has left.
func TestFinishedAtOnce(t *testing.T) {
	dir := newFolder(t)
	change, err := trust(t)(readRotation(t, dir))
	if err != nil {
		t.Fatal(err)
	}

	for waits := 0; pki.Unfinished(dir) == nil; waits++ {
		if !breakOff(t, change, dir, waits) {
			t.Fatal("the change is never half done")
		}
	}

	var wait sync.WaitGroup
	for range 6 {
		wait.Go(func() {
			if _, err := pki.ReadRotation(dir, time.Now()); err != nil {
				t.Error(err)
			}
		})
	}

	wait.Wait()
	if taken := readRotation(t, dir).Taken; taken != pki.StepTrust {
		t.Errorf("the last step taken is %d", taken)
	}

	checkFolder(t, dir)
}
