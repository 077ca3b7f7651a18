package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// buildProgram builds the program as make build does, for tests and benchmarks that start it often:
// the test binary, which can be the program as well, starts ten times slower with the race
// detector.
func buildProgram(tb testing.TB) string {
	tb.Helper()
	binary := filepath.Join(tb.TempDir(), "tykmesh")
	cmd := exec.Command("go", "build", "-trimpath", "-ldflags=-s -w", "-o", binary, ".")
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		tb.Fatalf("%v\n%s", err, out)
	}

	return binary
}

// majorVersion ends the path of a program that has the name of the folder above.
var majorVersion = regexp.MustCompile(`^v\d+$`)

// buildTools builds programs of others, each PATH@VERSION, into the user's cache, once for each
// version, and returns their folder.
func buildTools(tb testing.TB, tools ...string) string {
	tb.Helper()
	cache, err := os.UserCacheDir()
	if err != nil {
		tb.Fatal(err)
	}

	folder := filepath.Join(cache, "tykmesh-test")
	for _, tool := range tools {
		path, _, _ := strings.Cut(tool, "@")
		if majorVersion.MatchString(filepath.Base(path)) {
			path = filepath.Dir(path)
		}

		stamp := filepath.Join(folder, filepath.Base(path)+".version")
		if built, err := os.ReadFile(stamp); err == nil && string(built) == tool {
			continue
		}

		cmd := exec.Command("go", "install", tool)
		cmd.Dir = tb.TempDir() // outside of this module
		cmd.Env = append(os.Environ(), "CGO_ENABLED=0", "GOFLAGS=-mod=mod -trimpath", "GOBIN="+folder)
		if out, err := cmd.CombinedOutput(); err != nil {
			tb.Fatalf("building %s: %v\n%s", tool, err, out)
		}

		if err := os.WriteFile(stamp, []byte(tool), 0o644); err != nil {
			tb.Fatal(err)
		}
	}

	return folder
}
