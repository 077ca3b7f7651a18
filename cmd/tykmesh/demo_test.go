package main

import (
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// The demo of a mesh without a Dashboard keeps the promises of its titles. It compares two runs, and
// the output of uninject with the input, by itself.
func TestDemoStandalone(t *testing.T) {
	if _, err := exec.LookPath("bash"); err != nil {
		t.Skip("there is no bash")
	}

	cmd := exec.CommandContext(t.Context(), filepath.Join(root, "testdata", "demo-standalone.sh"), buildProgram(t))
	cmd.Env = append(cmd.Environ(), "TMPDIR="+t.TempDir())
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}

	for _, line := range []string{
		"2 workloads and 1 Service injected", "ConfigMap  echo-tykmesh-", "Service    echo-svc", "-> http://NAME.default.svc:", "-> http://NAME.NAMESPACE.svc:",
		"mesh/echo, mesh/echo-svc", "default/echo: certificate echo.default issued", "nothing is due: 2 Secrets kept", "The files are in ",
	} {
		if !strings.Contains(string(out), line) {
			t.Errorf("the demo does not show %q", line)
		}
	}
	if t.Failed() {
		t.Logf("%s", out)
	}
}
