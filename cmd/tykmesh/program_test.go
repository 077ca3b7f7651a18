package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// buildProgram builds the program as make build does, for tests and benchmarks that start it often: the test binary, which can be the program
// as well, starts ten times slower with the race detector.
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
